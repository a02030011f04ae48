#include "mailer/cli/dkim_rotate.h"

#include "base/clock.h"
#include "base/file.h"
#include "mailer/cli/shift.h"

#include <poll.h>

#define POLL_MS INT64_C(15000) /* between two looks, at most: the first come sooner */

/* ---- going on -------------------------------------------------------------------------------- */

/* Each step is on disk before the next is looked at; a crash loses at most what was not done. */
static bool advance(struct shift *s, struct rotation_found *f, struct err *e)
{
    bool moved = false;
    for (;;) {
        struct dkim_spread fresh, old;
        struct rotation_facts facts;
        struct rotation next = f->rotation;
        shift_gather(s, &f->rotation, &fresh, &old, &facts);
        enum rotation_step before = next.step;
        enum rotation_wait w = rotation_next(&next, &facts, s->now_ms);
        bool changed = memcmp(&next, &f->rotation, sizeof next) != 0;
        if (changed && !s->looks_only) {
            if (!rotation_save(f->path, &next, f->path, e))
                return false;
            f->rotation = next;
        }
        moved = moved || (next.step != before && !s->looks_only);
        if (w == ROTATION_GOES_ON && !s->looks_only)
            continue;
        s->moved = s->moved || moved;
        s->unknown = s->unknown || w == ROTATION_CANNOT_TELL;
        s->waits = s->waits || (w != ROTATION_IS_OVER && w != ROTATION_GOES_ON);
        shift_say(s, f, w, moved, before == ROTATION_RETIRED ? &old : &fresh);
        if (w == ROTATION_GOES_ON && !s->json)
            puts("  may go on: run `dkim rotate`");
        return true;
    }
}

static int exit_code(const struct shift *s)
{
    if (s->moved && !s->kept)
        return CLI_FINE;
    return s->unknown ? CLI_UNKNOWN : s->waits || s->kept ? CLI_FINDINGS : CLI_FINE;
}

/* Before it is over, some server may show the old record, or did not say: then whoever has the key could sign. */
static bool delete_when_over(struct shift *s, const struct rotation_found *f, struct err *e)
{
    const struct rotation *r = &f->rotation;
    if (r->step == ROTATION_DONE)
        return shift_delete_old(s, f, e);
    fprintf(stderr, "parcelpost dkim: %s of %s is not given up yet: its key stays\n",
        r->old_selector, r->domain);
    s->kept = true;
    return true;
}

static bool work_on(struct shift *s, struct rotation_found f, struct err *e)
{
    AUTO(file_close) int lock = -1;
    if (!s->looks_only && !rotation_lock(f.key_file, &lock, e))
        return false;
    if (!rotation_load(f.path, &f.rotation, e) || !advance(s, &f, e))
        return false;
    return s->looks_only || !cli_flag(s->cli, "delete-old") || delete_when_over(s, &f, e);
}

/* One that fails does not hold back the others; the first failure is the run's. */
static bool one_round(struct shift *s, const struct rotation_found *found, size_t n, struct err *e)
{
    s->now_ms = clock_now_ms(clock_system());
    s->moved = s->waits = s->unknown = s->kept = false;
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        struct err why = {0};
        if (work_on(s, found[i], &why))
            continue;
        if (ok)
            *e = why;
        else
            cli_unreadable(s->cli, &why);
        ok = false;
    }
    return ok;
}

static int go_on(struct shift *s)
{
    struct err e = {0};
    struct rotation_found *found;
    size_t n;
    uint64_t seconds = 0;
    const char *wait = cli_value(s->cli, "wait", NULL);
    if (wait && (!str_to_u64(str_of(wait), &seconds) || seconds > 7 * 86400))
        return cli_usage(s->cli, "--wait takes seconds, at most a week of them");
    if (!rotations_of(s->conf, cli_value(s->cli, "storefront", NULL),
            cli_value(s->cli, "selector", NULL), s->cli->arena, &found, &n, &e))
        return cli_unreadable(s->cli, &e);
    if (n == 0 && !s->json)
        puts(shift_none);
    int64_t pause_ms = 1000;
    int64_t end_ns = clock_steady_ns() + (int64_t)seconds * 1000000000;
    for (;;) {
        if (!one_round(s, found, n, &e))
            return cli_fail(s->cli, &e);
        bool over = s->moved || (!s->waits && !s->unknown) || clock_steady_ns() >= end_ns;
        if (over)
            return exit_code(s);
        if (s->json) {
            js_close(&s->json);
            s->json = js_array();
        }
        int64_t left_ms = (end_ns - clock_steady_ns()) / 1000000 + 1;
        int64_t now_ms = pause_ms < left_ms ? pause_ms : left_ms;
        fprintf(stderr, "not yet: looking again in %lld s\n", (long long)(now_ms + 999) / 1000);
        poll(NULL, 0, (int)now_ms);
        pause_ms = pause_ms * 2 < POLL_MS ? pause_ms * 2 : POLL_MS;
    }
}

/* ---- the command ----------------------------------------------------------------------------- */

static int status(struct shift *s)
{
    s->looks_only = true;
    return go_on(s);
}

/* Zone files alone, so that it shows whether they know a name. */
static bool open_files(const struct cli_dns *dns, struct resolver **out, struct err *e)
{
    struct resolver_setup setup = {.zone_files = dns->zones,
        .zone_files_n = dns->zones_n,
        .drafts_n = dns->drafts_n,
        .clock = clock_system()};
    return resolver_open(&setup, out, e);
}

struct rotate_verb {
    const char *name, *options;
    int (*run)(struct shift *s);
};

#define EVERY "storefront selector resolver dns-port json"

/* NULL: *exit_code is set. */
static const struct rotate_verb *find_verb(struct cli *c, int *exit_code)
{
    static const struct rotate_verb verbs[] = {
        {"", EVERY " wait delete-old", go_on},
        {"start", EVERY " algorithm bits new-selector", shift_start},
        {"status", EVERY " wait zone", status},
        {"cancel", EVERY, shift_cancel},
        {"back", EVERY, shift_back},
    };
    const char *name = c->operands_n > 0 ? c->operands[0] : "";
    const struct rotate_verb *verb = NULL;
    for (size_t i = 0; i < COUNT_OF(verbs) && c->operands_n <= 1; i++)
        if (strcmp(name, verbs[i].name) == 0)
            verb = &verbs[i];
    if (!verb)
        *exit_code = cli_usage(c, "rotate takes start, status, cancel, back, or nothing to go on");
    else if (cli_flag(c, "zone") && verb->run != status)
        *exit_code = cli_usage(c,
            "--zone is for `dkim rotate status`: a step is taken on what the zone's servers show");
    else if (cli_takes(c, arena_printf(c->arena, "rotate%s%s", *name ? " " : "", name),
                 verb->options, exit_code))
        return verb;
    return NULL;
}

int dkim_rotate(struct cli *c)
{
    int code;
    uint64_t port = 0;
    struct err e = {0};
    struct cli_dns dns = {0};
    AUTO(resolver_close) struct resolver *resolver = NULL;
    AUTO(resolver_close) struct resolver *files = NULL;
    AUTO(conf_close) const struct conf *conf = NULL;
    AUTO(js_close) struct js *json = NULL;
    struct shift s = {.cli = c};
    const struct rotate_verb *verb = find_verb(c, &code);
    if (!verb)
        return code;
    if (!str_to_u64(str_of(cli_value(c, "dns-port", "53")), &port) || port < 1 || port > 65535)
        return cli_usage(c, "--dns-port takes 1 to 65535");
    if (!cli_conf(c, &conf, &code) || !cli_dns(c, conf, &dns, &code) ||
        !cli_resolver_of(c, &dns, &resolver, &code))
        return code;
    if (!open_files(&dns, &files, &e))
        return cli_unreadable(c, &e);
    s.conf = conf;
    s.authority = (struct authority_setup){.resolver = resolver,
        .files = files,
        .port = (uint16_t)port,
        .allow_private = conf->allow_private_destinations};
    s.json = cli_flag(c, "json") ? js_array() : NULL;
    code = verb->run(&s);
    json = s.json;
    if (json && (js_count(json) > 0 || code < EX__BASE))
        cli_print_json(json);
    return code;
}
