/* dkim -- new keys and the records to publish, the configured keys, and the signatures of a
 * mail. */
#include "base/file.h"
#include "mailer/cli/cli.h"
#include "mailer/cli/dkim_rotate.h"
#include "mailer/cli/dkim_source.h"
#include "mailer/cli/zone.h"
#include "mailer/mime/address.h"
#include "mailer/mime/dkim.h"
#include "mailer/mime/rotation.h"

#define MAX_MAIL (64u << 20)

/* ---- new ------------------------------------------------------------------------------------- */

static int make(struct cli *c)
{
    struct err e = {0};
    struct str domain, algorithm = str_of(cli_value(c, "algorithm", "rsa"));
    uint64_t bits = 0;
    const char *selector = cli_value(c, "selector", NULL), *out = cli_value(c, "out", NULL);
    AUTO(buf_wipe) struct buf pem = {0};
    AUTO(buf_close) struct buf zone = {0};
    AUTO(dkim_key_close) struct dkim_key *key = NULL;
    if (!cli_value(c, "domain", NULL) || !selector || !out)
        return cli_usage(c, "new takes --domain, --selector and --out");
    if (!str_is(algorithm, "rsa") && !str_is(algorithm, "ed25519"))
        return cli_usage(c, "--algorithm takes rsa or ed25519");
    if (!str_to_u64(str_of(cli_value(c, "bits", "2048")), &bits) || bits < 2048 || bits > 4096)
        return cli_usage(c, "--bits takes 2048 to 4096");
    if (!address_domain(str_of(cli_value(c, "domain", "")), c->arena, &domain, &e))
        return cli_usage(c, "--domain: %s", e.text);
    enum dkim_algorithm a = str_is(algorithm, "rsa") ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256;
    if (!dkim_key_new(a, (int)bits, &pem, &e) ||
        !dkim_key_open(arena_text(c->arena, domain), selector, buf_str(&pem), &key, &e))
        return cli_fail(c, &e);
    if (!file_create("private key", out, buf_str(&pem), &e))
        return cli_taken(c, &e);
    zone_add_key(&zone, key);
    printf("%s written. Publish this record, then name the key in the storefront's settings:\n\n%s",
        out, buf_text(&zone));
    return CLI_FINE;
}

/* ---- list, zone ------------------------------------------------------------------------------ */

static void list_key(const struct conf_storefront *s, const struct dkim_key *k, const char *file)
{
    printf("%-16s %s._domainkey.%s  %s %d  %s\n", s->name, dkim_key_selector(k), dkim_key_domain(k),
        dkim_algorithm_name(dkim_key_algorithm(k)), dkim_key_bits(k), file);
}

/* During a rotation it is another one than the settings name. */
static bool signing_file(const struct conf_dkim *d, const struct dkim_key *key, struct arena *a,
    const char **out, struct err *e)
{
    struct rotation_signer signer;
    if (!rotation_signer_find(d->key_file, d->selector, dkim_key_domain(key), a, &signer, e))
        return false;
    *out = signer.key_file;
    return true;
}

static int list(struct cli *c)
{
    int code;
    struct err e = {0};
    const struct conf *conf;
    if (!cli_conf(c, &conf, &code))
        return code;
    code = CLI_FINE;
    for (size_t i = 0; i < conf->storefronts_n; i++) {
        const struct conf_storefront *s = &conf->storefronts[i];
        for (size_t j = 0; j < s->dkim_n; j++) {
            const char *file;
            AUTO(dkim_key_close) struct dkim_key *key = NULL;
            if (zone_open_key(s, &s->dkim[j], c->arena, &key, &e) &&
                signing_file(&s->dkim[j], key, c->arena, &file, &e))
                list_key(s, key, file);
            else
                code = cli_unreadable(c, &e);
        }
    }
    conf_close(&conf);
    return code;
}

static int zone(struct cli *c)
{
    int code;
    struct err e = {0};
    const struct conf *conf;
    AUTO(buf_close) struct buf text = {0};
    if (!cli_conf(c, &conf, &code))
        return code;
    const struct conf_storefront *s = cli_storefront(c, conf, &code);
    if (s && zone_of_storefront(conf, s, c->arena, &text, &e))
        code = (fputs(buf_text(&text), stdout), CLI_FINE);
    else if (s)
        code = cli_unreadable(c, &e);
    conf_close(&conf);
    return code;
}

/* ---- verify ---------------------------------------------------------------------------------- */

static void print_results_json(const struct dkim_result *r, size_t n)
{
    struct js *o = js_object(), *signatures = js_array();
    for (size_t i = 0; i < n; i++) {
        struct js *s = js_object();
        js_set_cstr(s, "domain", r[i].domain);
        js_set_cstr(s, "selector", r[i].selector);
        js_set_cstr(s, "algorithm", r[i].algorithm);
        js_set_int(s, "bits", r[i].bits);
        js_set_cstr(s, "result", r[i].result);
        js_set_cstr(s, "reason", r[i].reason);
        js_push(signatures, s);
    }
    js_set(o, "signatures", signatures);
    cli_print_json(o);
    js_close(&o);
}

/* One passing signature makes a mail authentic; a DNS failure leaves it open. */
static int results_code(const struct dkim_result *r, size_t n)
{
    int code = CLI_FINDINGS;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(r[i].result, "pass") == 0)
            return CLI_FINE;
        if (strcmp(r[i].result, "temperror") == 0)
            code = CLI_UNKNOWN;
    }
    return code;
}

static int verify(struct cli *c)
{
    int code;
    struct err e = {0};
    AUTO(buf_close) struct buf mail = {0};
    AUTO(resolver_close) struct resolver *resolver = NULL;
    AUTO(dkim_close) struct dkim *dkim = NULL;
    struct dkim_result *results;
    size_t n;
    if (c->operands_n != 1)
        return cli_usage(c, "verify takes one file, or -");
    if (!cli_read("mail", c->operands[0], MAX_MAIL, &mail, &e))
        return cli_unreadable(c, &e);
    if (!cli_resolver(c, &resolver, &code))
        return code;
    if (!dkim_open(&(struct dkim_setup){0}, &dkim, &e) ||
        !dkim_source_verify(dkim, resolver, buf_str(&mail), c->arena, &results, &n, &e))
        return cli_unreadable(c, &e);
    if (cli_flag(c, "json")) {
        print_results_json(results, n);
    } else {
        for (size_t i = 0; i < n; i++)
            printf("%s  d=%s s=%s %s %d bits%s%s\n", results[i].result, results[i].domain,
                results[i].selector, results[i].algorithm, results[i].bits,
                results[i].reason[0] ? ": " : "", results[i].reason);
        if (n == 0)
            puts("no signature");
    }
    return results_code(results, n);
}

static int run(struct cli *c)
{
    static const struct {
        const char *name, *options;
        int (*run)(struct cli *c);
    } verbs[] = {
        {"new", "domain selector algorithm bits out", make}, {"list", "", list},
        {"zone", "storefront", zone}, {"verify", "resolver zone json", verify},
        {"rotate", NULL, dkim_rotate}, /* has verbs of its own */
    };
    int code;
    struct str verb = str_of(c->operands_n > 0 ? c->operands[0] : "");
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (str_is(verb, verbs[i].name)) {
            c->operands++;
            c->operands_n--;
            if (verbs[i].options && !cli_takes(c, verbs[i].name, verbs[i].options, &code))
                return code;
            return verbs[i].run(c);
        }
    return cli_usage(c, "say one of: %s", c->command->arguments);
}

static const struct cli_option options[] = {
    CLI_CONFIG_OPTION,
    {"storefront", "NAME", "zone, rotate: which one, where the settings have several"},
    {"domain", "DOMAIN", "new: d="},
    {"selector", "NAME", "new: s=; rotate: which key, where there are several"},
    {"algorithm", "NAME", "new: rsa (default) or ed25519; rotate start: that of the old key"},
    {"bits", "N", "new, rotate start: of an RSA key, 2048 (default) to 4096"},
    {"out", "FILE", "new: where the private key goes (mode 0600)"},
    {"new-selector", "NAME", "rotate start: of the new key (default: from the date)"},
    {"delete-old", NULL,
        "rotate: once the old record is gone from every server, delete the old key"},
    {"wait", "SECONDS", "rotate, rotate status: look again until it goes on, this long at most"},
    {"dns-port", "N", "rotate: port of the zone's servers; another one than 53 for tests only"},
    {"resolver", "HOST[:PORT]|none", "verify, rotate: ask this DNS server; none: zone files only"},
    {"zone", "FILE",
        "verify, rotate status: a zone file that counts instead of the DNS, at and below its SOA; "
        "may be repeated"},
    {"json", NULL, "verify, rotate: print JSON"},
};

const struct command cmd_dkim = {
    .name = "dkim",
    .arguments = "new|list|zone|verify FILE|rotate [start|status|cancel|back]",
    .summary = "DKIM keys, the records to publish, and the signatures of a mail",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost dkim new --domain shop.example --selector pp1 --out pp1.pem\n"
               "  parcelpost dkim rotate start --selector pp1\n"
               "  parcelpost dkim verify mail.eml --zone shop.example.zone",
    .run = run,
};
