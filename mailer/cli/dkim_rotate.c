#include "mailer/cli/dkim_rotate.h"

#include "base/clock.h"
#include "base/conf_check.h"
#include "base/file.h"
#include "dns/dkim_record.h"
#include "dns/dkim_spread.h"
#include "mailer/cli/zone.h"
#include "mailer/mime/dkim.h"

#include <poll.h>
#include <time.h>

#define DAY_MS INT64_C(86400000)
#define RECEIVERS_MS (5 * DAY_MS) /* how long other servers keep trying: RFC 5321 s4.5.4.1 */
#define KEY_BYTES 65536
#define SIGNING_BYTES (1 << 20)
#define POLL_S 15

/* One invocation. */
struct shift {
    struct cli *cli;
    const struct conf *conf;
    struct authority_setup authority;
    int64_t now_ms;
    bool looks_only; /* status */
    struct js *json; /* an array; NULL: text */
    bool moved, waits, unknown;
};

/* ---- facts ----------------------------------------------------------------------------------- */

static enum rotation_spread spread_of(const struct dkim_spread *s, bool is_fresh)
{
    if (dkim_spread_is_everywhere(s))
        return ROTATION_EVERYWHERE;
    if (dkim_spread_is_nowhere(s))
        return ROTATION_NOWHERE;
    size_t contradict = s->other + (is_fresh ? s->absent + s->revoked : s->ours);
    return contradict > 0 ? ROTATION_PARTLY : ROTATION_UNKNOWN;
}

static void find_spread(struct shift *s, const char *domain, const char *selector,
    const char *record, struct dkim_spread *out)
{
    struct dkim_record parsed;
    dkim_record_parse(str_of(record), s->cli->arena, &parsed);
    dkim_spread_find(&s->authority, domain, selector, parsed.public_key, s->cli->arena, out);
}

/* What `serve` writes while it runs: see cmd_serve.c. */
static bool service_signs_with(struct shift *s, const struct rotation *r)
{
    AUTO(buf_close) struct buf text = {0};
    struct err e;
    const char *path = arena_printf(s->cli->arena, "%s/dkim-signing", s->conf->data_dir);
    const char *name = arena_printf(s->cli->arena, "%s._domainkey.%s", r->old_selector, r->domain);
    struct str line;
    if (!file_read("list of signing keys", path, SIGNING_BYTES, &text, &e))
        return e.code != ERR_MISSING;
    for (struct str rest = buf_str(&text); str_next(&rest, '\n', &line);)
        if (str_is(line, name))
            return true;
    return false;
}

static int64_t keep_ms(const struct shift *s, uint32_t ttl_s)
{
    int64_t queues =
        s->conf->expire_after_ms > RECEIVERS_MS ? s->conf->expire_after_ms : RECEIVERS_MS;
    return queues + s->conf->attempt_timeout_ms + (int64_t)ttl_s * 1000;
}

/* ---- words ----------------------------------------------------------------------------------- */

static void print_servers(const struct dkim_spread *s, enum dkim_seen fine)
{
    if (s->why[0])
        printf("    %s\n", s->why);
    for (size_t i = 0; i < s->n; i++)
        if (s->servers[i].seen != fine)
            printf("    %s%s%s: %s\n", s->servers[i].host, s->servers[i].address[0] ? " " : "",
                s->servers[i].address,
                s->servers[i].seen == DKIM_SEEN_OURS ? "shows the record" : s->servers[i].why);
}

/* "2026-11-28T18:10:00.000Z" without its fraction */
static const char *when(struct shift *s, int64_t ms)
{
    char text[CLOCK_RFC3339_SIZE];
    clock_rfc3339(ms / 1000 * 1000, text);
    return arena_printf(s->cli->arena, "%.19sZ", text);
}

static void print_record(
    struct shift *s, const char *selector, const char *domain, const char *text)
{
    AUTO(buf_close) struct buf zone = {0};
    zone_add_txt(
        &zone, arena_printf(s->cli->arena, "%s._domainkey.%s", selector, domain), str_of(text));
    printf("%s", buf_text(&zone));
}

static const char *wait_name(enum rotation_wait w)
{
    static const char *const names[] = {
        [ROTATION_GOES_ON] = "",
        [ROTATION_WAITS_FOR_RECORD] = "record",
        [ROTATION_WAITS_FOR_CACHES] = "caches",
        [ROTATION_WAITS_FOR_SERVICE] = "service",
        [ROTATION_WAITS_FOR_MAIL] = "mail",
        [ROTATION_WAITS_FOR_REVOKING] = "revoking",
        [ROTATION_WAITS_FOR_PERSON] = "cancel",
        [ROTATION_CANNOT_TELL] = "dns",
        [ROTATION_IS_OVER] = "",
    };
    return names[w];
}

static int64_t until_ms(const struct rotation *r, enum rotation_wait w)
{
    return w == ROTATION_WAITS_FOR_CACHES ? r->wait_until_ms
           : w == ROTATION_WAITS_FOR_MAIL ? r->keep_until_ms
                                          : 0;
}

static void print_wait(struct shift *s, const struct rotation *r, enum rotation_wait w,
    const struct dkim_spread *spread)
{
    int64_t left_s = (until_ms(r, w) - s->now_ms + 999) / 1000;
    switch (w) {
    case ROTATION_GOES_ON:
        break;
    case ROTATION_WAITS_FOR_RECORD:
        puts("  waits until every server of the zone shows the new record:");
        print_servers(spread, DKIM_SEEN_OURS);
        puts("  publish:");
        print_record(s, r->new_selector, r->domain, r->new_record);
        break;
    case ROTATION_WAITS_FOR_CACHES:
        printf("  waits until caches have forgotten what stood there before: until %s, %lld s\n",
            when(s, r->wait_until_ms), (long long)left_s);
        break;
    case ROTATION_WAITS_FOR_SERVICE:
        printf("  waits for the service, which signs with %s: its log says why\n"
               "    (it looks every ten seconds; where it was killed, start it, or remove\n"
               "    %s/dkim-signing)\n",
            r->old_selector, s->conf->data_dir);
        break;
    case ROTATION_WAITS_FOR_MAIL:
        printf("  waits while mails signed with %s are under way: until %s, %lld s\n"
               "    its record must stay until then\n",
            r->step == ROTATION_BACK ? r->new_selector : r->old_selector, when(s, r->keep_until_ms),
            (long long)left_s);
        break;
    case ROTATION_WAITS_FOR_REVOKING:
        puts(
            "  revoke the old key: publish this record in its place, and delete it a month later:");
        print_record(s, r->old_selector, r->domain, "v=DKIM1; p=");
        print_servers(spread, DKIM_SEEN_ABSENT);
        break;
    case ROTATION_WAITS_FOR_PERSON:
        puts("  nothing holds the new key any more: `dkim rotate cancel` takes it away");
        break;
    case ROTATION_CANNOT_TELL:
        puts("  could not tell what every server of the zone shows:");
        print_servers(spread, DKIM_SEEN_OURS);
        break;
    case ROTATION_IS_OVER:
        printf("  over. The settings may say dkim \"%s\" { key_file = \"...\" } now, with the new "
               "key's "
               "file\n",
            r->new_selector);
        break;
    }
}

static struct js *servers_json(const struct dkim_spread *spread)
{
    static const char *const names[] = {[DKIM_SEEN_OURS] = "ours",
        [DKIM_SEEN_ABSENT] = "absent",
        [DKIM_SEEN_REVOKED] = "revoked",
        [DKIM_SEEN_OTHER] = "other",
        [DKIM_SEEN_UNKNOWN] = "unknown"};
    struct js *all = js_array();
    for (size_t i = 0; i < spread->n; i++) {
        struct js *one = js_object();
        js_set_cstr(one, "host", spread->servers[i].host);
        js_set_cstr(one, "address", spread->servers[i].address);
        js_set_cstr(one, "shows", names[spread->servers[i].seen]);
        js_set_cstr(one, "why", spread->servers[i].why);
        js_push(all, one);
    }
    return all;
}

static void add_json(struct shift *s, const struct rotation_found *f, enum rotation_wait w,
    bool moved, const struct dkim_spread *spread)
{
    const struct rotation *r = &f->rotation;
    struct js *o = js_object();
    int64_t until = until_ms(r, w);
    js_set_cstr(o, "storefront", f->storefront);
    js_set_cstr(o, "domain", r->domain);
    js_set_cstr(o, "old_selector", r->old_selector);
    js_set_cstr(o, "new_selector", r->new_selector);
    js_set_cstr(o, "step", rotation_step_name(r->step));
    js_set_cstr(o, "signs", rotation_signing_selector(r));
    js_set_bool(o, "moved", moved);
    js_set_cstr(o, "waits_for", wait_name(w));
    js_set_cstr(o, "until", until ? when(s, until) : "");
    js_set_int(o, "seconds_left", until > s->now_ms ? (until - s->now_ms + 999) / 1000 : 0);
    js_set_cstr(o, "new_record", r->new_record);
    js_set(o, "servers", servers_json(spread));
    js_set_cstr(o, "dns_failure", spread->why ? spread->why : "");
    js_push(s->json, o);
}

static void say(struct shift *s, const struct rotation_found *f, enum rotation_wait w, bool moved,
    const struct dkim_spread *spread)
{
    const struct rotation *r = &f->rotation;
    if (s->json) {
        add_json(s, f, w, moved, spread);
        return;
    }
    printf("%s -> %s of %s: %s%s; %s signs\n", r->old_selector, r->new_selector, r->domain,
        moved ? "now " : "", rotation_step_name(r->step), rotation_signing_selector(r));
    print_wait(s, r, w, spread);
}

/* ---- going on -------------------------------------------------------------------------------- */

static void gather(struct shift *s, const struct rotation *r, struct dkim_spread *fresh,
    struct dkim_spread *old, struct rotation_facts *out)
{
    *out = (struct rotation_facts){.fresh = ROTATION_UNKNOWN, .old = ROTATION_UNKNOWN};
    *fresh = *old = (struct dkim_spread){.why = ""};
    if (r->step == ROTATION_DONE || r->step == ROTATION_BACK)
        return;
    if (r->step != ROTATION_RETIRED)
        find_spread(s, r->domain, r->new_selector, r->new_record, fresh);
    if (r->step == ROTATION_RETIRED || r->step == ROTATION_ACTIVE)
        find_spread(s, r->domain, r->old_selector, r->old_record, old);
    out->fresh = spread_of(fresh, true);
    out->old = spread_of(old, false);
    out->stale_ttl_s = fresh->stale_ttl_s;
    out->keep_ms = keep_ms(s, old->ttl_s);
    out->old_signs = rotation_signs_new(r) && service_signs_with(s, r);
}

/* Each step is on disk before the next is looked at; a crash loses at most what was not done. */
static bool advance(struct shift *s, struct rotation_found *f, struct err *e)
{
    bool moved = false;
    for (;;) {
        struct dkim_spread fresh, old;
        struct rotation_facts facts;
        struct rotation next = f->rotation;
        gather(s, &f->rotation, &fresh, &old, &facts);
        enum rotation_step before = next.step;
        enum rotation_wait w = rotation_next(&next, &facts, s->now_ms);
        bool changed = memcmp(&next, &f->rotation, sizeof next) != 0;
        if (changed && !s->looks_only) {
            if (!rotation_save(f->path, &next, f->key_file, e))
                return false;
            f->rotation = next;
        }
        moved = moved || (next.step != before && !s->looks_only);
        if (w == ROTATION_GOES_ON && !s->looks_only)
            continue;
        s->moved = s->moved || moved;
        s->unknown = s->unknown || w == ROTATION_CANNOT_TELL;
        s->waits = s->waits || (w != ROTATION_IS_OVER && w != ROTATION_GOES_ON);
        say(s, f, w, moved, before == ROTATION_RETIRED ? &old : &fresh);
        if (w == ROTATION_GOES_ON && !s->json)
            puts("  may go on: run `dkim rotate`");
        return true;
    }
}

static bool delete_old(struct shift *s, const struct rotation_found *f, struct err *e)
{
    const struct rotation *r = &f->rotation;
    if (r->step != ROTATION_RETIRED && r->step != ROTATION_DONE)
        return err_set(e, ERR_CONFLICT, "%s is not retired yet: its key stays", r->old_selector);
    for (size_t i = 0; i < s->conf->storefronts_n; i++)
        for (size_t j = 0; j < s->conf->storefronts[i].dkim_n; j++) {
            const struct conf_storefront *shop = &s->conf->storefronts[i];
            const struct conf_dkim *d = &shop->dkim[j];
            struct str domain;
            if (strcmp(d->key_file, r->old_key_file) == 0 &&
                (strcmp(d->selector, r->old_selector) != 0 ||
                    !zone_key_domain(shop, d, s->cli->arena, &domain, e) ||
                    !str_is(domain, r->domain)))
                return err_set(e, ERR_CONFLICT,
                    "%s is the key of %s in storefront %s, too: it stays", r->old_key_file,
                    d->selector, shop->name);
        }
    return file_remove("private key", r->old_key_file, e);
}

static int exit_code(const struct shift *s)
{
    return s->moved ? CLI_FINE : s->unknown ? CLI_UNKNOWN : s->waits ? CLI_FINDINGS : CLI_FINE;
}

static bool one_round(struct shift *s, const struct rotation_found *found, size_t n, struct err *e)
{
    s->now_ms = clock_now_ms(clock_system());
    s->moved = s->waits = s->unknown = false;
    for (size_t i = 0; i < n; i++) {
        AUTO(file_close) int lock = -1;
        struct rotation_found now = found[i];
        if (!s->looks_only && !rotation_lock(now.key_file, &lock, e))
            return false;
        if (!rotation_load(now.path, &now.rotation, e) || !advance(s, &now, e) ||
            (cli_flag(s->cli, "delete-old") && !s->looks_only && !delete_old(s, &now, e)))
            return false;
    }
    return true;
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
        puts("no key rotation is under way: `dkim rotate start` begins one");
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
        fprintf(stderr, "not yet: looking again in %d s\n", POLL_S);
        poll(NULL, 0, POLL_S * 1000);
    }
}

/* ---- start ----------------------------------------------------------------------------------- */

struct beginning {
    const struct conf_storefront *shop;
    const struct conf_dkim *section;
    const char *domain, *path, *key_file; /* of the state, of the new key */
    struct rotation r;
};

static bool find_section(struct shift *s, struct beginning *b, int *code)
{
    const char *selector = cli_value(s->cli, "selector", NULL);
    b->shop = cli_storefront(s->cli, s->conf, code);
    if (!b->shop)
        return false;
    for (size_t i = 0; i < b->shop->dkim_n; i++)
        if (selector ? strcmp(b->shop->dkim[i].selector, selector) == 0 : b->shop->dkim_n == 1)
            b->section = &b->shop->dkim[i];
    if (b->section)
        return true;
    *code = selector
                ? cli_usage(s->cli, "storefront %s has no dkim \"%s\"", b->shop->name, selector)
                : cli_usage(s->cli, "say which key with --selector");
    return false;
}

static const char *default_selector(struct shift *s, const char *old)
{
    struct tm t;
    time_t now = (time_t)(s->now_ms / 1000);
    char name[32];
    gmtime_r(&now, &t);
    strftime(name, sizeof name, "pp%Y%m%d", &t);
    return arena_printf(s->cli->arena, "%s%s", name, strcmp(name, old) == 0 ? "b" : "");
}

static bool is_taken(const struct shift *s, const char *selector)
{
    for (size_t i = 0; i < s->conf->storefronts_n; i++)
        for (size_t j = 0; j < s->conf->storefronts[i].dkim_n; j++)
            if (strcmp(s->conf->storefronts[i].dkim[j].selector, selector) == 0)
                return true;
    return false;
}

/* A key that a start made before a crash is taken as it is. */
static bool make_key(struct shift *s, struct beginning *b, enum dkim_algorithm algorithm, int bits,
    struct dkim_key **out, struct err *e)
{
    AUTO(buf_wipe) struct buf pem = {0};
    struct err missing = {0};
    rotation_sweep(b->key_file);
    rotation_sweep(b->path);
    if (!file_read("private key", b->key_file, KEY_BYTES, &pem, &missing)) {
        if (missing.code != ERR_MISSING)
            return *e = missing, false;
        if (!dkim_key_new(algorithm, bits, &pem, e) ||
            !file_create("private key", b->key_file, buf_str(&pem), e))
            return false;
    }
    if (!file_be_like("private key", b->key_file, b->section->key_file, e) ||
        !dkim_key_open(b->domain, b->r.new_selector, buf_str(&pem), out, e))
        return err_prefix(e, "%s", b->key_file);
    (void)s;
    return dkim_key_algorithm(*out) == algorithm
               ? true
               : err_set(e, ERR_CONFLICT,
                     "%s is a key of another algorithm: name another --new-selector", b->key_file);
}

static bool fill(struct shift *s, struct beginning *b, const struct dkim_key *old,
    const struct dkim_key *fresh, struct err *e)
{
    AUTO(buf_close) struct buf old_record = {0}, new_record = {0};
    struct rotation *r = &b->r;
    dkim_key_record(old, &old_record);
    dkim_key_record(fresh, &new_record);
    r->started_ms = s->now_ms;
    if (!str_copy(buf_str(&old_record), r->old_record, sizeof r->old_record) ||
        !str_copy(buf_str(&new_record), r->new_record, sizeof r->new_record) ||
        !str_copy(str_of(b->section->key_file), r->old_key_file, sizeof r->old_key_file))
        return err_set(e, ERR_LIMIT, "the path or the record is too long for a rotation");
    return true;
}

static bool begin(struct shift *s, struct beginning *b, const struct dkim_key *old, struct err *e)
{
    AUTO(dkim_key_close) struct dkim_key *fresh = NULL;
    uint64_t bits = 2048;
    const char *named = cli_value(s->cli, "algorithm", NULL);
    enum dkim_algorithm algorithm = dkim_key_algorithm(old);
    if (named)
        algorithm = strcmp(named, "rsa") == 0 ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256;
    if (cli_value(s->cli, "bits", NULL))
        str_to_u64(str_of(cli_value(s->cli, "bits", "")), &bits);
    b->key_file =
        rotation_key_file(b->section->key_file, b->r.new_selector, b->domain, s->cli->arena);
    return make_key(s, b, algorithm, (int)bits, &fresh, e) && fill(s, b, old, fresh, e) &&
           rotation_save(b->path, &b->r, b->section->key_file, e);
}

static void tell_beginning(struct shift *s, const struct beginning *b)
{
    const struct rotation *r = &b->r;
    struct rotation_found f = {.rotation = *r, .storefront = b->shop->name};
    if (s->json) {
        add_json(s, &f, ROTATION_WAITS_FOR_RECORD, false, &(struct dkim_spread){.why = ""});
        return;
    }
    printf("%s -> %s of %s: %s; %s signs. Publish this record, then run `dkim rotate` until it is "
           "done:\n\n",
        r->old_selector, r->new_selector, r->domain, rotation_step_name(r->step),
        rotation_signing_selector(r));
    print_record(s, r->new_selector, r->domain, r->new_record);
}

static bool prepare(struct shift *s, struct beginning *b, struct err *e)
{
    struct arena *a = s->cli->arena;
    struct str domain;
    if (!zone_key_domain(b->shop, b->section, a, &domain, e))
        return false;
    b->domain = arena_text(a, domain);
    b->path = rotation_file(b->section->key_file, b->section->selector, b->domain, a);
    const char *fresh =
        cli_value(s->cli, "new-selector", default_selector(s, b->section->selector));
    if (!str_copy(domain, b->r.domain, sizeof b->r.domain) ||
        !str_copy(str_of(b->section->selector), b->r.old_selector, sizeof b->r.old_selector) ||
        !str_copy(str_of(fresh), b->r.new_selector, sizeof b->r.new_selector))
        return err_set(e, ERR_INPUT, "a selector has at most 63 characters");
    const char *wrong = conf_check_selector(str_of(fresh));
    if (wrong)
        return err_set(e, ERR_INPUT, "--new-selector \"%s\": %s", fresh, wrong);
    return is_taken(s, fresh)
               ? err_set(e, ERR_INPUT, "--new-selector: the settings have a dkim \"%s\"", fresh)
               : true;
}

/* A start that comes again after a crash says the same; another one cannot begin on top of it. */
static int tell_standing(struct shift *s, const struct beginning *b)
{
    const struct rotation *r = &b->r;
    if (r->step == ROTATION_PENDING)
        return tell_beginning(s, b), CLI_FINE;
    if (r->step == ROTATION_DONE)
        fprintf(stderr,
            "parcelpost dkim: %s has taken the place of %s: write dkim \"%s\" with its file in the "
            "settings, then start from there\n",
            r->new_selector, r->old_selector, r->new_selector);
    else
        fprintf(stderr, "parcelpost dkim: the rotation %s -> %s is %s: it has to end first\n",
            r->old_selector, r->new_selector, rotation_step_name(r->step));
    return CLI_FINDINGS;
}

static int start(struct shift *s)
{
    int code;
    struct err e = {0};
    struct beginning b = {0};
    struct rotation standing;
    AUTO(file_close) int lock = -1;
    AUTO(dkim_key_close) struct dkim_key *old = NULL;
    const char *named = cli_value(s->cli, "algorithm", "rsa");
    if (strcmp(named, "rsa") != 0 && strcmp(named, "ed25519") != 0)
        return cli_usage(s->cli, "--algorithm takes rsa or ed25519");
    uint64_t bits = 0;
    if (!str_to_u64(str_of(cli_value(s->cli, "bits", "2048")), &bits) || bits < 2048 || bits > 4096)
        return cli_usage(s->cli, "--bits takes 2048 to 4096");
    s->now_ms = clock_now_ms(clock_system());
    if (!find_section(s, &b, &code))
        return code;
    if (!prepare(s, &b, &e) || !rotation_lock(b.section->key_file, &lock, &e))
        return cli_fail(s->cli, &e);
    if (rotation_load(b.path, &standing, &e)) {
        b.r = standing;
        return tell_standing(s, &b);
    }
    if (e.code != ERR_MISSING || !zone_open_key(b.shop, b.section, s->cli->arena, &old, &e) ||
        !begin(s, &b, old, &e))
        return cli_fail(s->cli, &e);
    tell_beginning(s, &b);
    return CLI_FINE;
}

/* ---- cancel, back ---------------------------------------------------------------------------- */

/* The one rotation that is meant. */
static bool find_one(struct shift *s, struct rotation_found *out, int *lock, struct err *e)
{
    struct rotation_found *found;
    size_t n;
    s->now_ms = clock_now_ms(clock_system());
    if (!rotations_of(s->conf, cli_value(s->cli, "storefront", NULL),
            cli_value(s->cli, "selector", NULL), s->cli->arena, &found, &n, e))
        return false;
    if (n != 1)
        return err_set(e, ERR_INPUT, "%zu rotations are under way%s", n,
            n > 1 ? ": say which with --storefront and --selector" : "");
    *out = found[0];
    return rotation_lock(out->key_file, lock, e) && rotation_load(out->path, &out->rotation, e);
}

/* The key first: a crash between leaves a rotation that can be cancelled again, never a forgotten key. */
static int cancel(struct shift *s)
{
    struct err e = {0};
    struct rotation_found f;
    AUTO(file_close) int lock = -1;
    if (!find_one(s, &f, &lock, &e))
        return cli_fail(s->cli, &e);
    const struct rotation *r = &f.rotation;
    if (!rotation_may_cancel(r, s->now_ms, &e))
        return fprintf(stderr, "parcelpost dkim: %s\n", e.text), CLI_FINDINGS;
    const char *key = rotation_key_file(f.path, r->new_selector, r->domain, s->cli->arena);
    if (!file_remove("private key", key, &e) || !file_remove("state of a key rotation", f.path, &e))
        return cli_fail(s->cli, &e);
    if (!s->json)
        printf("%s -> %s of %s: cancelled; %s signs. The record of %s may be deleted.\n",
            r->old_selector, r->new_selector, r->domain, r->old_selector, r->new_selector);
    return CLI_FINE;
}

/* An old record that is known to be gone is no way back; servers that do not answer are no reason to stay. */
static int back(struct shift *s)
{
    struct err e = {0};
    struct rotation_found f;
    struct dkim_spread old;
    AUTO(file_close) int lock = -1;
    if (!find_one(s, &f, &lock, &e))
        return cli_fail(s->cli, &e);
    struct rotation *r = &f.rotation;
    find_spread(s, r->domain, r->old_selector, r->old_record, &old);
    if (r->step != ROTATION_BACK && old.absent + old.revoked + old.other > 0) {
        printf("%s cannot sign again: not every server shows its record\n", r->old_selector);
        print_servers(&old, DKIM_SEEN_OURS);
        print_record(s, r->old_selector, r->domain, r->old_record);
        return CLI_FINDINGS;
    }
    if (!rotation_go_back(r, s->now_ms, keep_ms(s, old.ttl_s), &e))
        return fprintf(stderr, "parcelpost dkim: %s\n", e.text), CLI_FINDINGS;
    if (!rotation_save(f.path, r, f.key_file, &e))
        return cli_fail(s->cli, &e);
    say(s, &f, ROTATION_WAITS_FOR_MAIL, true, &old);
    return CLI_FINE;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int status(struct shift *s)
{
    s->looks_only = true;
    return go_on(s);
}

/* Zone files given with --zone alone, so that it shows whether they know a name. */
static bool open_files(struct cli *c, struct resolver **out, struct err *e)
{
    const char *zones[CLI_MAX_VALUES];
    struct resolver_setup setup = {
        .zone_files = zones, .zone_files_n = cli_values(c, "zone", zones), .clock = clock_system()};
    return resolver_open(&setup, out, e);
}

static int run_verb(struct shift *s)
{
    static const struct {
        const char *name;
        int (*run)(struct shift *s);
    } verbs[] = {
        {"", go_on}, {"start", start}, {"status", status}, {"cancel", cancel}, {"back", back}};
    const char *verb = s->cli->operands_n > 0 ? s->cli->operands[0] : "";
    for (size_t i = 0; i < COUNT_OF(verbs) && s->cli->operands_n <= 1; i++)
        if (strcmp(verb, verbs[i].name) == 0)
            return verbs[i].run(s);
    return cli_usage(s->cli, "rotate takes start, status, cancel, back, or nothing to go on");
}

int dkim_rotate(struct cli *c)
{
    int code;
    uint64_t port = 0;
    struct err e = {0};
    AUTO(resolver_close) struct resolver *resolver = NULL;
    AUTO(resolver_close) struct resolver *files = NULL;
    AUTO(conf_close) const struct conf *conf = NULL;
    AUTO(js_close) struct js *json = NULL;
    struct shift s = {.cli = c};
    if (!str_to_u64(str_of(cli_value(c, "dns-port", "53")), &port) || port < 1 || port > 65535)
        return cli_usage(c, "--dns-port takes 1 to 65535");
    if (!cli_conf(c, &conf, &code) || !cli_resolver(c, &resolver, &code))
        return code;
    if (!open_files(c, &files, &e))
        return cli_unreadable(c, &e);
    s.conf = conf;
    s.authority =
        (struct authority_setup){.resolver = resolver, .files = files, .port = (uint16_t)port};
    s.json = cli_flag(c, "json") ? js_array() : NULL;
    code = run_verb(&s);
    json = s.json;
    if (json)
        cli_print_json(json);
    return code;
}
