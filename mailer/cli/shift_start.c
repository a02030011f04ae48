/* A rotation begins: the new key, then the state. */
#include "base/clock.h"
#include "base/conf_check.h"
#include "base/file.h"
#include "mailer/cli/shift.h"
#include "mailer/cli/zone.h"
#include "mailer/mime/dkim.h"

#include <time.h>

#define KEY_BYTES 65536

struct beginning {
    const struct conf_storefront *shop;
    const struct conf_dkim *section;
    const char *domain, *path, *key_file; /* of the state, of the new key */
    struct rotation r;
};

static const char *selectors_of(struct shift *s, const struct conf_storefront *shop)
{
    const char *all = "";
    for (size_t i = 0; i < shop->dkim_n; i++)
        all = arena_printf(
            s->cli->arena, "%s%s\"%s\"", all, i > 0 ? ", " : "", shop->dkim[i].selector);
    return *all ? all : "none";
}

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
    const char *all = selectors_of(s, b->shop);
    *code = selector ? cli_usage(s->cli, "storefront %s has no dkim \"%s\"; it has: %s",
                           b->shop->name, selector, all)
                     : cli_usage(s->cli, "say which key with --selector; storefront %s has: %s",
                           b->shop->name, all);
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

/* By a rotation of the same folder: its record was published for another key, and perhaps revoked. */
static bool is_unused(const struct shift *s, const struct beginning *b, struct err *e)
{
    const char *selector = b->r.new_selector;
    struct rotation other;
    struct rotation_found *found;
    size_t n;
    if (!rotations_of(s->conf, NULL, selector, s->cli->arena, &found, &n, e))
        return false;
    bool used = rotation_load(
        rotation_file(b->section->key_file, selector, b->domain, s->cli->arena), &other, e);
    if (!used && e->code != ERR_MISSING)
        return false;
    for (size_t i = 0; i < n; i++)
        used = used || strcmp(found[i].rotation.domain, b->domain) == 0;
    return used ? err_set(e, ERR_INPUT,
                      "--new-selector \"%s\": another rotation had this name: take a new one",
                      selector)
                : true;
}

static bool is_taken(const struct shift *s, const char *selector)
{
    for (size_t i = 0; i < s->conf->storefronts_n; i++)
        for (size_t j = 0; j < s->conf->storefronts[i].dkim_n; j++)
            if (strcmp(s->conf->storefronts[i].dkim[j].selector, selector) == 0)
                return true;
    return false;
}

/* A key that a start made before a crash is taken, and that is said. */
static bool is_fresh(const struct beginning *b, const struct dkim_key *key,
    enum dkim_algorithm algorithm, int bits, struct err *e)
{
    if (dkim_key_algorithm(key) != algorithm)
        return err_set(e, ERR_CONFLICT,
            "%s is a key of another algorithm: name another --new-selector", b->key_file);
    if (algorithm == DKIM_RSA_SHA256 && dkim_key_bits(key) != bits)
        return err_set(e, ERR_CONFLICT,
            "%s is there already and has %d bits, not %d: name another --new-selector", b->key_file,
            dkim_key_bits(key), bits);
    fprintf(
        stderr, "parcelpost dkim: %s is there already: it is taken as the new key\n", b->key_file);
    return true;
}

static bool make_key(struct beginning *b, enum dkim_algorithm algorithm, int bits,
    struct dkim_key **out, struct err *e)
{
    AUTO(buf_wipe) struct buf pem = {0};
    struct err missing = {0};
    bool found = true;
    rotation_sweep(b->key_file);
    rotation_sweep(b->path);
    if (!file_read("private key", b->key_file, KEY_BYTES, &pem, &missing)) {
        if (missing.code != ERR_MISSING)
            return *e = missing, false;
        found = false;
        if (!dkim_key_new(algorithm, bits, &pem, e) ||
            !file_create("private key", b->key_file, buf_str(&pem), e))
            return false;
    }
    if (!file_be_like("private key", b->key_file, b->section->key_file, e) ||
        !dkim_key_open(b->domain, b->r.new_selector, buf_str(&pem), out, e))
        return err_prefix(e, "%s", b->key_file);
    return !found || is_fresh(b, *out, algorithm, bits, e);
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
    return is_unused(s, b, e) && make_key(b, algorithm, (int)bits, &fresh, e) &&
           fill(s, b, old, fresh, e) && rotation_save(b->path, &b->r, b->section->key_file, e);
}

static void tell_beginning(struct shift *s, const struct beginning *b)
{
    const struct rotation *r = &b->r;
    struct rotation_found f = {.rotation = *r, .storefront = b->shop->name};
    if (s->json) {
        shift_add_json(s, &f, rotation_step_name(r->step), ROTATION_WAITS_FOR_RECORD, false,
            &(struct dkim_spread){.why = ""});
        return;
    }
    printf("%s -> %s of %s: %s; %s signs. Publish this record, then run `dkim rotate` until it is "
           "done:\n\n",
        r->old_selector, r->new_selector, r->domain, rotation_step_name(r->step),
        rotation_signing_selector(r));
    shift_print_record(s, r->new_selector, r->domain, r->new_record);
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

int shift_start(struct shift *s)
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
