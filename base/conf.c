#include "base/conf.h"

#include "base/conf_check.h"
#include "base/conf_read.h"
#include "base/conf_reload.h"
#include "base/file.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_BYTES (1 << 20) /* thousands of storefronts */

struct snapshot {
    struct conf conf; /* first: what callers hold points at it */
    atomic_int references;
    struct arena *arena;
    const char *path;         /* of what was loaded, as `found`; of a derived one look at base */
    struct conf_result found; /* its lines tell where each setting stands */
    const struct conf *base;  /* of a derived snapshot: what it borrows its text from; else NULL */
};

static struct snapshot *snapshot_of(const struct conf *c)
{
    return (struct snapshot *)c;
}

static const char *folder_of(struct arena *a, const char *path)
{
    char absolute[PATH_MAX];

    if (!realpath(path, absolute))
        return ".";
    char *slash = strrchr(absolute, '/');
    return arena_text(a, str_bytes(absolute, (size_t)(slash - absolute)));
}

static const char *machine_name(struct arena *a)
{
    char name[256] = "";

    gethostname(name, sizeof name - 1);
    return conf_check_domain(str_of(name)) ? "localhost" : arena_text(a, str_of(name));
}

static void ensure_stream(
    struct arena *a, struct conf_storefront *s, const char *name, enum stream_class class)
{
    if (conf_stream(s, name))
        return;
    struct conf_stream *all = arena_array(a, s->streams_n + 1, sizeof *all);
    if (s->streams_n > 0)
        memcpy(all, s->streams, s->streams_n * sizeof *all);
    all[s->streams_n++] = (struct conf_stream){name, class};
    s->streams = all;
}

/* The two streams that always exist are what they are called. */
static void settle_streams(
    struct conf_reader *r, struct conf_result *found, struct conf_storefront *s)
{
    for (size_t i = 0; i < s->streams_n; i++) {
        struct conf_stream *one = &s->streams[i];
        bool transactional = strcmp(one->name, "transactional") == 0;
        bool fixed = transactional || strcmp(one->name, "marketing") == 0;
        enum stream_class own = transactional ? STREAM_TRANSACTIONAL : STREAM_MARKETING;
        if (fixed && one->class != own && conf_is_given(found, one, "class"))
            conf_mistake(r, found, conf_line(found, one, "class"), "conflict",
                arena_printf(r->arena, "stream \"%s\"", one->name),
                "its class is fixed; give the stream another name");
        if (fixed)
            one->class = own;
    }
    ensure_stream(r->arena, s, "transactional", STREAM_TRANSACTIONAL);
    ensure_stream(r->arena, s, "marketing", STREAM_MARKETING);
}

static void settle_storefront(
    struct conf_reader *r, struct conf_result *found, struct conf_storefront *s)
{
    const char *where = arena_printf(r->arena, "storefront \"%s\"", s->name);

    if (*s->smart_host && !conf_smart_host(found->conf, s->smart_host))
        conf_mistake(r, found, conf_line(found, s, "smart_host"), "conflict", where,
            "smart_host \"%s\" is nowhere described; add smart_host \"%s\" { ... }", s->smart_host,
            s->smart_host);
    if (!*s->return_path_domain)
        s->return_path_domain = arena_text(r->arena, conf_mailbox_domain(str_of(s->from)));
    if (!*s->brand.name)
        s->brand.name = s->name;
    settle_streams(r, found, s);
}

static void check_smart_host(
    struct conf_reader *r, struct conf_result *found, const struct conf_smart_host *h)
{
    const char *where = arena_printf(r->arena, "smart_host \"%s\"", h->name);

    if (*h->user && h->tls != CONF_TLS_VERIFIED)
        conf_mistake(r, found, conf_line(found, h, "tls"), "conflict", where,
            "tls must be verified where a user is given: the password would go to anybody");
    if (*h->user && !*h->password_file)
        conf_mistake(
            r, found, conf_line(found, h, "user"), "conflict", where, "user needs a password_file");
    if (*h->password_file && !*h->user)
        conf_mistake(r, found, conf_line(found, h, "password_file"), "conflict", where,
            "password_file needs a user");
}

/* Two times that have to fit. */
struct pair {
    const char *longer, *must, *shorter, *must_then, *why;
};

static const struct pair lease = {"lease_ms", "must be longer than", "attempt_timeout_ms",
    "must be shorter than", ", or a message is sent twice"};
static const struct pair retry = {
    "retry_max_ms", "must not be shorter than", "retry_first_ms", "must not be longer than", ""};

/* Told of the one that was given; the default cannot be at fault. */
static void refuse_pair(
    struct conf_reader *r, struct conf_result *found, const struct pair *p, int64_t longer_ms)
{
    const void *c = found->conf;
    AUTO(buf_close) struct buf time = {0};

    if (conf_is_given(found, c, p->longer)) {
        conf_mistake(r, found, conf_line(found, c, p->longer), "conflict", p->longer, "%s %s%s",
            p->must, p->shorter, p->why);
        return;
    }
    conf_number_print(CONF_SPAN, longer_ms, &time);
    conf_mistake(r, found, conf_line(found, c, p->shorter), "conflict", p->shorter,
        "%s %s, which is %s%s", p->must_then, p->longer, buf_text(&time), p->why);
}

static void settle(struct conf_reader *r, struct conf_result *found)
{
    struct conf *c = found->conf;
    struct str url = str_of(c->public_url);

    if (c->lease_ms <= c->attempt_timeout_ms)
        refuse_pair(r, found, &lease, c->lease_ms);
    if (c->retry_max_ms < c->retry_first_ms)
        refuse_pair(r, found, &retry, c->retry_max_ms);
    if (c->storefronts_n > 0 && !conf_is_given(found, c, "public_url"))
        conf_mistake(r, found, conf_line(found, c, "public_url"), "missing", "public_url",
            "must be given: unsubscribe links in mails begin with it");
    while (url.n > 0 && url.p[url.n - 1] == '/')
        url.n--;
    c->public_url = arena_text(r->arena, url);
    if (!*c->hostname)
        c->hostname = machine_name(r->arena);
    for (size_t i = 0; i < c->storefronts_n; i++)
        settle_storefront(r, found, &c->storefronts[i]);
    for (size_t i = 0; i < c->smart_hosts_n; i++)
        check_smart_host(r, found, &c->smart_hosts[i]);
}

/* By line, as a person goes through the file. The order within a line stays. */
static const struct conf_mistake *take_first(struct conf_result *found)
{
    struct conf_mistake **lowest = &found->first;

    for (struct conf_mistake **m = &found->first; *m; m = &(*m)->next)
        if ((*m)->line < (*lowest)->line)
            lowest = m;
    struct conf_mistake *taken = *lowest;
    if (taken)
        *lowest = taken->next;
    return taken;
}

static bool report(
    const char *path, struct conf_result *found, struct faults *faults, struct err *e)
{
    char pointer[PATH_MAX + 16];
    const struct conf_mistake *m;
    bool right = !found->first;

    for (bool first = true; (m = take_first(found)); first = false) {
        snprintf(pointer, sizeof pointer, "%s:%d", path, m->line);
        if (first)
            err_set(e, ERR_INPUT, "%s: %s", pointer, m->detail);
        if (faults)
            faults_add(faults, m->code, str_of(pointer), "%s", m->detail);
    }
    return right;
}

static const struct conf *snapshot(struct arena **arena, const struct conf *c)
{
    struct snapshot *s = calloc(1, sizeof *s);

    if (!s)
        err_out_of_memory();
    s->conf = *c;
    s->references = 1;
    s->arena = *arena;
    *arena = NULL;
    return &s->conf;
}

bool conf_load(const char *path, struct faults *faults, const struct conf **out, struct err *e)
{
    AUTO(arena_close) struct arena *arena = arena_open();
    AUTO(buf_close) struct buf text = {0};
    struct conf_result found;

    if (!file_read("settings file", path, FILE_BYTES, &text, e))
        return false;
    struct conf_reader reader = {.arena = arena, .folder = folder_of(arena, path)};
    conf_read(&reader, buf_str(&text), &found);
    if (found.is_readable)
        settle(&reader, &found);
    if (!report(path, &found, faults, e))
        return false;
    *out = snapshot(&arena, found.conf);
    struct snapshot *s = snapshot_of(*out);
    s->path = arena_text(s->arena, str_of(path));
    s->found = found;
    return true;
}

static const char *titled(const struct conf_section *s, const char *outer, struct str title)
{
    const char *all = *(const char *const *)(outer + s->at);
    size_t n = *(const size_t *)(outer + s->count_at);

    for (size_t i = 0; i < n; i++)
        if (str_eq(title, str_of(*(const char *const *)(all + i * s->size + s->title_at))))
            return all + i * s->size;
    return NULL;
}

/* `line` is that of the section, 0: none. */
static int line_in(const struct conf_result *found, const struct conf_section *s, const char *owner,
    struct str rest, int line)
{
    struct str name, title;

    if (!str_next(&rest, '/', &name))
        return line;
    for (size_t i = 0; i < s->options_n; i++)
        if (str_eq(name, str_of(s->options[i].name)) &&
            conf_is_given(found, owner, s->options[i].name))
            return conf_line(found, owner, s->options[i].name);
    for (size_t i = 0; i < s->sections_n; i++) {
        const struct conf_section *inner = &s->sections[i];
        if (!str_eq(name, str_of(inner->name)))
            continue;
        if (!inner->title)
            return line_in(found, inner, owner + inner->at, rest, line);
        const char *one = str_next(&rest, '/', &title) ? titled(inner, owner, title) : NULL;
        return one ? line_in(found, inner, one, rest, conf_line(found, one, "")) : line;
    }
    return line;
}

const char *conf_where(const struct conf *c, const char *pointer, struct arena *a)
{
    const struct snapshot *s = snapshot_of(c);

    while (s->base)
        s = snapshot_of(s->base);
    int line = line_in(&s->found, conf_root(), (const char *)s->found.conf,
        str_of(pointer + (pointer[0] == '/')), 0);
    return line > 0 ? arena_printf(a, "%s:%d", s->path, line) : arena_text(a, str_of(s->path));
}

const struct conf *conf_ref(const struct conf *c)
{
    atomic_fetch_add(&snapshot_of(c)->references, 1);
    return c;
}

void conf_close(const struct conf **c)
{
    if (!*c)
        return;
    struct snapshot *s = snapshot_of(*c);
    *c = NULL;
    if (atomic_fetch_sub(&s->references, 1) > 1)
        return;
    conf_close(&s->base);
    arena_close(&s->arena);
    free(s);
}

static struct conf_smart_host *all_lead_to(
    const struct conf *c, const char *receiver, int smtp_port, struct arena *a)
{
    struct conf_smart_host *hosts = arena_array(a, c->smart_hosts_n, sizeof *hosts);

    for (size_t i = 0; i < c->smart_hosts_n; i++)
        hosts[i] = (struct conf_smart_host){.name = c->smart_hosts[i].name,
            .host = arena_text(a, str_of(receiver)),
            .port = smtp_port,
            .user = "",
            .password_file = "",
            .tls = CONF_TLS_OFFERED};
    return hosts;
}

const struct conf *conf_sandbox(const struct conf *c, const char *receiver, int smtp_port,
    const char *const *more_zones, size_t more_zones_n)
{
    struct arena *a = arena_open();
    struct conf changed = *c;
    const char **zones = arena_array(a, c->zone_files_n + more_zones_n, sizeof *zones);
    struct conf_storefront *storefronts = arena_array(a, c->storefronts_n, sizeof *storefronts);

    for (size_t i = 0; i < c->zone_files_n; i++)
        zones[i] = arena_text(a, str_of(c->zone_files[i]));
    for (size_t i = 0; i < more_zones_n; i++)
        zones[c->zone_files_n + i] = arena_text(a, str_of(more_zones[i]));
    for (size_t i = 0; i < c->storefronts_n; i++) {
        storefronts[i] = c->storefronts[i];
        storefronts[i].smart_host = "";
    }
    changed.zone_files = zones;
    changed.zone_files_n += more_zones_n;
    changed.resolvers_n = 0;
    changed.storefronts = storefronts;
    changed.smart_hosts = all_lead_to(c, receiver, smtp_port, a);
    changed.smtp_port = smtp_port;
    changed.allow_private_destinations = true;
    const struct conf *out = snapshot(&a, &changed);
    snapshot_of(out)->base = conf_ref(c);
    return out;
}

/* ---- reloading ---- */

static bool is_same(const struct conf_option *o, const struct conf *a, const struct conf *b)
{
    AUTO(buf_close) struct buf one = {0}, other = {0};

    conf_value_print(o, a, &one);
    conf_value_print(o, b, &other);
    return str_eq(buf_str(&one), buf_str(&other));
}

static void copy_texts(struct arena *a, const struct conf_option *o, const char *from, char *to)
{
    size_t n = *(const size_t *)(from + o->count_at);
    const char *const *texts = *(const char *const *const *)(from + o->at);
    const char **copies = arena_array(a, n, sizeof *copies);

    for (size_t i = 0; i < n; i++)
        copies[i] = arena_text(a, str_of(texts[i]));
    *(const char *const **)(to + o->at) = copies;
    *(size_t *)(to + o->count_at) = n;
}

/* Texts are copied: what runs may be closed before what comes. */
static void copy_value(struct arena *a, const struct conf_option *o, const char *from, char *to)
{
    switch (o->type) {
    case CONF_TEXT:
    case CONF_PATH:
    case CONF_CHOICE:
        *(const char **)(to + o->at) = arena_text(a, str_of(*(const char *const *)(from + o->at)));
        return;
    case CONF_NUMBER:
    case CONF_SPAN:
    case CONF_SIZE:
        *(int64_t *)(to + o->at) = *(const int64_t *)(from + o->at);
        return;
    case CONF_SWITCH:
        *(bool *)(to + o->at) = *(const bool *)(from + o->at);
        return;
    case CONF_ENUM:
        *(int *)(to + o->at) = *(const int *)(from + o->at);
        return;
    case CONF_TEXTS:
    case CONF_PATHS:
        copy_texts(a, o, from, to);
    }
}

const struct conf *conf_reload(
    const struct conf *next, const struct conf *running, struct buf *kept)
{
    struct arena *a = arena_open();
    const struct conf_section *root = conf_root();
    struct conf changed = *next;

    for (size_t i = 0; i < root->options_n; i++) {
        const struct conf_option *o = &root->options[i];
        if (!o->fixed || is_same(o, next, running))
            continue;
        buf_addf(kept, "%s\n", o->name);
        copy_value(a, o, (const char *)running, (char *)&changed);
    }
    const struct conf *out = snapshot(&a, &changed);
    snapshot_of(out)->base = conf_ref(next);
    return out;
}

/* ---- looking up ---- */

const struct conf_storefront *conf_storefront(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->storefronts_n; i++)
        if (strcmp(c->storefronts[i].name, name) == 0)
            return &c->storefronts[i];
    return NULL;
}

const struct conf_smart_host *conf_smart_host(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->smart_hosts_n; i++)
        if (strcmp(c->smart_hosts[i].name, name) == 0)
            return &c->smart_hosts[i];
    return NULL;
}

const struct conf_stream *conf_stream(const struct conf_storefront *s, const char *name)
{
    for (size_t i = 0; i < s->streams_n; i++)
        if (strcmp(s->streams[i].name, name) == 0)
            return &s->streams[i];
    return NULL;
}
