/* check-dns -- the audit of one domain, with what the settings say about our side of it. */
#include "base/clock.h"
#include "base/conf_check.h"
#include "mailer/cli/audit_print.h"
#include "mailer/cli/cli.h"
#include "mailer/cli/zone.h"
#include "mailer/gate/survey.h"
#include "mailer/mime/address.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE_TIMEOUT_MS 15000

/* One invocation: what is audited, and what that was taken from. */
struct inquiry {
    struct cli *cli;
    const struct conf *conf; /* NULL: none, or not asked */
    struct survey survey;
    struct dkim_key *key; /* the last one that was lent */
};

/* ---- from the settings ----------------------------------------------------------------------- */

/* Settings count where they are named, or stand at their usual place. */
static bool open_settings(struct inquiry *q, int *exit_code)
{
    const char *environment = getenv("PARCELPOST_CONFIG");
    bool named = cli_value(q->cli, "config", NULL) || (environment && *environment);
    if (!named && access(cli_config_path(q->cli), R_OK) != 0)
        return true;
    return cli_conf(q->cli, &q->conf, exit_code);
}

/* Whoever may not read the private key still gets its record checked, but not compared. */
static const struct dkim_key *find_key(
    void *state, const struct conf_storefront *s, const struct conf_dkim *d)
{
    struct err e;
    struct inquiry *q = state;
    dkim_key_close(&q->key);
    if (!zone_open_key(s, d, q->cli->arena, &q->key, &e))
        fprintf(stderr, "parcelpost check-dns: %s: its record is not compared\n", e.text);
    return q->key;
}

static void take_settings(struct inquiry *q)
{
    const struct survey_keys keys = {find_key, q};
    survey_take_settings(&q->survey, q->conf, &keys, q->cli->arena);
    dkim_key_close(&q->key);
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
        q->survey.setup.addresses_n = 0;
        q->survey.setup.smart_host = false;
    }
    for (size_t i = 0; i < n; i++) {
        struct ip ip;
        if (!ip_parse(str_of(given[i]), &ip)) {
            *exit_code = cli_usage(q->cli, "--ip '%s' is no IPv4 or IPv6 address", given[i]);
            return false;
        }
        survey_add_address(&q->survey, given[i]);
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
        q->survey.keys[q->survey.setup.keys_n++] =
            (struct audit_key){q->survey.setup.domain, given[i], "", STR("")};
    }
    return true;
}

static bool take_options(struct inquiry *q, int *exit_code)
{
    return take_selectors(q, exit_code) && take_addresses(q, exit_code) &&
           take_domain(q, "mail-from", &q->survey.setup.mail_from, exit_code) &&
           take_domain(q, "helo", &q->survey.setup.helo, exit_code);
}

/* ---- the command ----------------------------------------------------------------------------- */

static int exit_code_of(const struct audit_report *r)
{
    return r->errors > 0 ? CLI_FINDINGS : r->unsure ? CLI_UNKNOWN : CLI_FINE;
}

static void print_json(const struct audit_report *r, const struct cli_dns *dns)
{
    AUTO(js_close) struct js *o = survey_json(r);
    js_set(o, "resolver", audit_resolver_json(dns));
    cli_print_json(o);
}

static int audit(struct inquiry *q)
{
    int code;
    struct cli_dns dns;
    struct audit_report report;
    AUTO(resolver_close) struct resolver *resolver = NULL;
    AUTO(conf_close) const struct conf *conf = NULL;
    if (!open_settings(q, &code))
        return code;
    conf = q->conf;
    if (conf && !cli_value(q->cli, "selector", NULL))
        take_settings(q);
    if (!take_options(q, &code) || !cli_dns(q->cli, conf, &dns, &code) ||
        !cli_resolver_of(q->cli, &dns, &resolver, &code))
        return code;
    struct web_live live = {.resolver = resolver, .timeout_ms = PAGE_TIMEOUT_MS};
    struct web web = web_of_live(&live);
    q->survey.setup.resolver = resolver;
    q->survey.setup.web = &web;
    signal(SIGPIPE, SIG_IGN); /* fetch.h */
    audit_run(&q->survey.setup, q->cli->arena, &report);
    if (cli_flag(q->cli, "json"))
        print_json(&report, &dns);
    else if (cli_flag(q->cli, "fix"))
        audit_print_fixes(&report);
    else
        audit_print_text(&report, &dns);
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
    const char *domain = domain_of(c, c->operands[0], &e);
    if (!domain)
        return cli_usage(c, "'%s': %s", c->operands[0], e.text);
    survey_begin(&q->survey, domain);
    q->survey.setup.clock = clock_system();
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
