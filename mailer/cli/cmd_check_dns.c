/* check-dns -- the audit of one domain, with what the settings say about our side of it. */
#include "base/clock.h"
#include "base/conf_check.h"
#include "mailer/cli/audit_print.h"
#include "mailer/cli/cli.h"
#include "mailer/cli/zone.h"
#include "mailer/mime/address.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE_TIMEOUT_MS 15000

/* One invocation: what is audited, and what that was taken from. */
struct inquiry {
    struct cli *cli;
    const struct conf *conf; /* NULL: none, or not asked */
    struct audit_setup setup;
    struct audit_key keys[AUDIT_MAX_KEYS];
    struct ip addresses[AUDIT_MAX_ADDRESSES];
};

/* ---- from the settings ----------------------------------------------------------------------- */

/* Settings count where they are named, or stand at their usual place. */
static bool open_settings(struct inquiry *q, int *exit_code)
{
    const char *environment = getenv("PARCELPOST_CONFIG");
    bool named = cli_value(q->cli, "config", NULL) || (environment && *environment);
    if (cli_value(q->cli, "selector", NULL))
        return true;
    if (!named && access(cli_config_path(q->cli), R_OK) != 0)
        return true;
    return cli_conf(q->cli, &q->conf, exit_code);
}

static bool sends_from(struct inquiry *q, const struct conf_storefront *s)
{
    struct err e;
    struct str domain;
    return address_domain(conf_mailbox_domain(str_of(s->from)), q->cli->arena, &domain, &e) &&
           str_is(domain, q->setup.domain);
}

static bool has_key(const struct inquiry *q, const struct audit_key *k)
{
    for (size_t i = 0; i < q->setup.keys_n; i++)
        if (strcmp(q->keys[i].domain, k->domain) == 0 &&
            strcmp(q->keys[i].selector, k->selector) == 0)
            return true;
    return false;
}

/* Whoever may not read the private key still gets its record checked, but not compared. */
static void take_key(struct inquiry *q, const struct conf_storefront *s, const struct conf_dkim *d)
{
    struct err e;
    struct arena *a = q->cli->arena;
    AUTO(dkim_key_close) struct dkim_key *key = NULL;
    struct audit_key out = {d->domain[0] ? d->domain : q->setup.domain, d->selector, "", STR("")};
    if (zone_open_key(s, d, a, &key, &e)) {
        out.domain = arena_text(a, str_of(dkim_key_domain(key)));
        out.type = dkim_key_algorithm(key) == DKIM_RSA_SHA256 ? "rsa" : "ed25519";
        out.public_key = arena_str(a, dkim_key_public(key));
    } else {
        fprintf(stderr, "parcelpost check-dns: %s: its record is not compared\n", e.text);
    }
    if (q->setup.keys_n < AUDIT_MAX_KEYS && !has_key(q, &out))
        q->keys[q->setup.keys_n++] = out;
}

static void take_storefront(struct inquiry *q, const struct conf_storefront *s)
{
    struct err e;
    struct str domain;
    for (size_t i = 0; i < s->dkim_n; i++)
        take_key(q, s, &s->dkim[i]);
    if (s->smart_host[0])
        q->setup.smart_host = true;
    if (!q->setup.mail_from[0] && s->return_path_domain[0] &&
        address_domain(str_of(s->return_path_domain), q->cli->arena, &domain, &e))
        q->setup.mail_from = arena_text(q->cli->arena, domain);
}

/* "https://mail.shop.example/x" -> "mail.shop.example" */
static const char *host_of(struct arena *a, const char *url)
{
    struct str text = str_of(url);
    size_t at = str_find(text, STR("://"), 0);
    struct str host = str_slice(text, at + 3, text.n);
    host = str_slice(host, 0, str_find_char(host, '/', 0));
    return arena_text(a, str_slice(host, 0, str_find_char(host, ':', 0)));
}

static void add_address(struct inquiry *q, const char *text)
{
    if (q->setup.addresses_n < AUDIT_MAX_ADDRESSES &&
        ip_parse(str_of(text), &q->addresses[q->setup.addresses_n]))
        q->setup.addresses_n++;
}

static void take_settings(struct inquiry *q)
{
    bool ours = false;
    for (size_t i = 0; i < q->conf->storefronts_n; i++) {
        if (!sends_from(q, &q->conf->storefronts[i]))
            continue;
        ours = true;
        take_storefront(q, &q->conf->storefronts[i]);
    }
    if (!ours)
        return;
    q->setup.keys_are_all = true;
    q->setup.helo = q->conf->hostname;
    q->setup.links = host_of(q->cli->arena, q->conf->public_url);
    for (size_t i = 0; i < q->conf->public_addresses_n && !q->setup.smart_host; i++)
        add_address(q, q->conf->public_addresses[i]);
}

/* ---- from the options ------------------------------------------------------------------------ */

static const char *domain_of(struct cli *c, const char *text, struct err *e)
{
    struct str given = str_of(text), domain;
    size_t at = str_find_char(given, '@', 0);
    if (at < given.n)
        given = str_slice(given, at + 1, given.n);
    return address_domain(given, c->arena, &domain, e) ? arena_text(c->arena, domain) : NULL;
}

/* NULL in *out where the option is not given. */
static bool take_domain(struct inquiry *q, const char *option, const char **out, int *exit_code)
{
    struct err e = {0};
    const char *given = cli_value(q->cli, option, NULL);
    if (!given)
        return true;
    *out = domain_of(q->cli, given, &e);
    if (!*out)
        *exit_code = cli_usage(q->cli, "--%s '%s': %s", option, given, e.text);
    return *out != NULL;
}

static bool take_addresses(struct inquiry *q, int *exit_code)
{
    const char *given[CLI_MAX_VALUES];
    size_t n = cli_values(q->cli, "ip", given);
    if (n > 0) {
        q->setup.addresses_n = 0;
        q->setup.smart_host = false;
    }
    for (size_t i = 0; i < n; i++) {
        struct ip ip;
        if (!ip_parse(str_of(given[i]), &ip)) {
            *exit_code = cli_usage(q->cli, "--ip '%s' is no IPv4 or IPv6 address", given[i]);
            return false;
        }
        add_address(q, given[i]);
    }
    return true;
}

static bool take_selectors(struct inquiry *q, int *exit_code)
{
    const char *given[CLI_MAX_VALUES];
    size_t n = cli_values(q->cli, "selector", given);
    for (size_t i = 0; i < n; i++) {
        const char *wrong = conf_check_selector(str_of(given[i]));
        if (wrong) {
            *exit_code = cli_usage(q->cli, "--selector '%s': %s", given[i], wrong);
            return false;
        }
        q->keys[q->setup.keys_n++] = (struct audit_key){q->setup.domain, given[i], "", STR("")};
    }
    return true;
}

static bool take_options(struct inquiry *q, int *exit_code)
{
    return take_selectors(q, exit_code) && take_addresses(q, exit_code) &&
           take_domain(q, "mail-from", &q->setup.mail_from, exit_code) &&
           take_domain(q, "helo", &q->setup.helo, exit_code);
}

/* ---- the command ----------------------------------------------------------------------------- */

static int exit_code_of(const struct audit_report *r)
{
    return r->errors > 0 ? CLI_FINDINGS : r->unsure ? CLI_UNKNOWN : CLI_FINE;
}

static int audit(struct inquiry *q)
{
    int code;
    struct audit_report report;
    AUTO(resolver_close) struct resolver *resolver = NULL;
    AUTO(conf_close) const struct conf *conf = NULL;
    if (!open_settings(q, &code))
        return code;
    conf = q->conf;
    if (conf)
        take_settings(q);
    if (!take_options(q, &code) || !cli_resolver(q->cli, &resolver, &code))
        return code;
    struct web_live live = {.resolver = resolver, .timeout_ms = PAGE_TIMEOUT_MS};
    struct web web = web_of_live(&live);
    q->setup.resolver = resolver;
    q->setup.web = &web;
    signal(SIGPIPE, SIG_IGN); /* fetch.h */
    audit_run(&q->setup, q->cli->arena, &report);
    if (cli_flag(q->cli, "json"))
        audit_print_json(&report);
    else if (cli_flag(q->cli, "fix"))
        audit_print_fixes(&report);
    else
        audit_print_text(&report);
    return exit_code_of(&report);
}

static int run(struct cli *c)
{
    struct err e = {0};
    if (cli_flag(c, "codes"))
        return audit_print_codes(), CLI_FINE;
    if (c->operands_n != 1)
        return cli_usage(c, "name one domain");
    struct inquiry *q = ARENA_NEW(c->arena, struct inquiry);
    q->cli = c;
    q->setup = (struct audit_setup){.clock = clock_system(),
        .domain = domain_of(c, c->operands[0], &e),
        .keys = q->keys,
        .addresses = q->addresses,
        .mail_from = "",
        .helo = "",
        .links = ""};
    if (!q->setup.domain)
        return cli_usage(c, "'%s': %s", c->operands[0], e.text);
    return audit(q);
}

static const struct cli_option options[] = {
    CLI_CONFIG_OPTION,
    {"selector", "S", "a DKIM selector that signs; may be repeated; else the settings' keys"},
    {"ip", "ADDR", "an address that mail leaves from; may be repeated"},
    {"mail-from", "DOMAIN", "the domain of the return path"},
    {"helo", "NAME", "what the sending host says in EHLO"},
    CLI_RESOLVER_OPTIONS,
    CLI_JSON_OPTION,
    {"fix", NULL, "print only the records to publish, as lines of a zone file"},
    {"codes", NULL, "print the table of all findings"},
};

const struct command cmd_check_dns = {
    .name = "check-dns",
    .arguments = "DOMAIN",
    .summary = "what is wrong with a domain's mail records, and what to publish",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost check-dns shop.example --selector pp1 --ip 198.51.100.7",
    .run = run,
};
