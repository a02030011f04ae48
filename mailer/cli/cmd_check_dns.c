/* check-dns -- the audit of a domain, or of all that the settings send from, with what the settings say about our side of it. */
#include "base/clock.h"
#include "base/conf_check.h"
#include "mailer/cli/audit_print.h"
#include "mailer/cli/beyond.h"
#include "mailer/cli/cli.h"
#include "mailer/cli/dkim_rotate.h"
#include "mailer/cli/paper.h"
#include "mailer/cli/zone.h"
#include "mailer/mime/address.h"

#include <signal.h>
#include <unistd.h>

#define PAGE_TIMEOUT_MS 15000
#define NAMED_MAX 3 /* domains in the line on a doubt */

/* One of our signing keys, read once for all domains. */
struct held_key {
    const struct conf_dkim *conf;
    struct dkim_key *key; /* NULL: it could not be read, which was told */
};

/* What all domains of one invocation share. */
struct round {
    struct cli *cli;
    const struct conf *conf; /* NULL: none, or not asked */
    struct held_key *keys;
    size_t keys_n;
    struct cli_dns dns;
    struct tongue *tongue;
    struct resolver *resolver;
    struct dnssec_anchors *anchors; /* NULL: the resolver is believed */
    struct web_live live;
    struct web web;
    struct vigil *vigil; /* NULL: --watch is not given */
};

/* One domain: what is audited, and what that was taken from. */
struct inquiry {
    struct cli *cli;
    struct round *round;
    struct survey survey;
};

static void round_close(struct round *r)
{
    for (size_t i = 0; i < r->keys_n; i++)
        dkim_key_close(&r->keys[i].key);
    vigil_close(&r->vigil);
    dnssec_anchors_close(&r->anchors);
    resolver_close(&r->resolver);
    tongue_close(&r->tongue);
    conf_close(&r->conf);
}

/* ---- from the settings ----------------------------------------------------------------------- */

/* --all cannot do without settings. */
static bool open_settings(struct round *r, int *exit_code)
{
    size_t keys = 0;
    bool every = cli_flag(r->cli, "all");
    if (!(every ? cli_conf : cli_conf_in_use)(r->cli, &r->conf, exit_code))
        return false;
    for (size_t i = 0; r->conf && i < r->conf->storefronts_n; i++)
        keys += r->conf->storefronts[i].dkim_n;
    r->keys = arena_array(r->cli->arena, keys + 1, sizeof *r->keys);
    return true;
}

/* Whoever may not read the private key still gets its record checked, but not compared. */
static const struct dkim_key *find_key(
    void *state, const struct conf_storefront *s, const struct conf_dkim *d)
{
    struct err e;
    struct round *r = state;
    for (size_t i = 0; i < r->keys_n; i++)
        if (r->keys[i].conf == d)
            return r->keys[i].key;
    struct held_key *held = &r->keys[r->keys_n++];
    *held = (struct held_key){.conf = d};
    if (!zone_open_key(s, d, r->cli->arena, &held->key, &e) && !r->vigil)
        fprintf(stderr, "parcelpost check-dns: %s: its record is not compared\n", e.text);
    return held->key;
}

static void take_rotations(struct inquiry *q)
{
    struct err e;
    if (!q->round->conf || cli_value(q->cli, "selector", NULL))
        return;
    if (!rotations_for_audit(q->round->conf, NULL, q->cli->arena, &q->survey.setup, &e))
        fprintf(stderr, "parcelpost check-dns: %s: key rotations are not looked at\n", e.text);
}

static void take_settings(struct inquiry *q)
{
    const struct survey_keys keys = {find_key, q->round};
    if (q->round->conf && !cli_value(q->cli, "selector", NULL))
        survey_take_settings(&q->survey, q->round->conf, NULL, &keys, q->cli->arena);
    take_rotations(q);
}

/* ---- from the options ------------------------------------------------------------------------ */

static const char *domain_of(struct cli *c, const char *text, struct err *e)
{
    struct str given = str_of(text), domain;
    size_t at = str_find_char(given, '@', 0);
    if (at < given.n)
        given = str_slice(given, at + 1, given.n);
    return address_domain_given(given, c->arena, &domain, e) ? arena_text(c->arena, domain) : NULL;
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
           take_domain(q, "helo", &q->survey.setup.helo, exit_code) &&
           beyond_take(q->cli, q->round->conf, &q->survey.setup, exit_code);
}

/* ---- the command ----------------------------------------------------------------------------- */

/* Errors before doubts, over all domains. */
static int exit_code_of(const struct checkup *all, size_t n)
{
    int code = CLI_FINE;
    for (size_t i = 0; i < n; i++)
        if (all[i].report.errors > 0)
            return CLI_FINDINGS;
        else if (all[i].report.unsure)
            code = CLI_UNKNOWN;
    return code;
}

/* Programs read English but where they ask for a language: then it is named. */
static void print_json(const struct round *r, const struct checkup *all, size_t n)
{
    bool every = cli_flag(r->cli, "all");
    AUTO(js_close) struct js *o = every ? js_object() : survey_json(&all->report);
    struct js *domains = js_array();
    for (size_t i = 0; i < n; i++)
        js_push(domains, survey_json(&all[i].report));
    if (every)
        js_set(o, "domains", domains);
    else
        js_close(&domains);
    js_set(o, "resolver", audit_resolver_json(&r->dns));
    if (cli_flag(r->cli, "lang"))
        js_set_cstr(o, "lang", tongue_tag(r->tongue));
    cli_print_json(o);
}

static void print(const struct round *r, const struct checkup *all, size_t n)
{
    bool every = cli_flag(r->cli, "all");
    if (cli_flag(r->cli, "json"))
        print_json(r, all, n);
    else if (cli_flag(r->cli, "fix"))
        audit_print_fixes(all, n);
    else if (every)
        audit_print_summary(all, n, &r->dns, r->tongue);
    else
        audit_print_text(all, &r->dns, r->tongue);
}

static bool prepare(struct round *r, const char *domain, struct checkup *out, int *exit_code)
{
    struct inquiry *q = ARENA_NEW(r->cli->arena, struct inquiry);
    q->cli = r->cli;
    q->round = r;
    survey_begin(&q->survey, domain);
    take_settings(q);
    q->survey.setup.clock = clock_system();
    q->survey.setup.resolver = r->resolver;
    q->survey.setup.anchors = r->anchors;
    q->survey.setup.web = &r->web;
    *out = (struct checkup){.survey = &q->survey};
    return take_options(q, exit_code);
}

/* A trust anchor is given to be validated from, so that it implies --dnssec. */
static bool open_anchors(struct round *r, int *exit_code)
{
    struct err e;
    const char *path = cli_value(r->cli, "trust-anchor", NULL);
    if (!path && !cli_flag(r->cli, "dnssec"))
        return true;
    if (dnssec_anchors_open(path ? path : "", &r->anchors, &e))
        return true;
    *exit_code = cli_unreadable(r->cli, &e);
    return false;
}

static bool open_dns(struct round *r, int *exit_code)
{
    if (!cli_dns(r->cli, r->conf, &r->dns, exit_code) ||
        !cli_resolver_of(r->cli, &r->dns, &r->resolver, exit_code))
        return false;
    r->live = (struct web_live){.resolver = r->resolver, .timeout_ms = PAGE_TIMEOUT_MS};
    r->web = web_of_live(&r->live);
    signal(SIGPIPE, SIG_IGN); /* fetch.h */
    return true;
}

static bool open_watch(struct round *r, int *exit_code)
{
    struct err e = {0};
    const char *path = cli_value(r->cli, "watch", NULL);
    if (path && cli_flag(r->cli, "fix")) {
        *exit_code = cli_usage(r->cli, "--fix prints all records: leave --watch out");
        return false;
    }
    if (cli_flag(r->cli, "json") && cli_flag(r->cli, "fix")) {
        *exit_code = cli_usage(r->cli, "--fix prints lines of a zone file: leave --json out");
        return false;
    }
    if (!path || vigil_open(path, &r->vigil, &e))
        return true;
    *exit_code = cli_unreadable(r->cli, &e);
    return false;
}

/* --watch is for cron, which mails every line. */
static enum checkup_progress progress_of(const struct cli *c)
{
    if (cli_flag(c, "json"))
        return CHECKUP_SILENT;
    if (paper_is_terminal(STDERR_FILENO))
        return CHECKUP_REWRITE;
    return cli_flag(c, "watch") ? CHECKUP_SILENT : CHECKUP_LINES;
}

static void print_changes(const struct round *r, const struct vigil_change *changes, size_t n)
{
    bool told = cli_flag(r->cli, "lang");
    AUTO(js_close) struct js *o = audit_changes_json(changes, n, &r->dns, told ? r->tongue : NULL);
    if (cli_flag(r->cli, "json"))
        cli_print_json(o);
    else
        audit_print_changes(changes, n, cli_value(r->cli, "watch", ""), r->tongue);
}

static const char *first_failure(const struct audit_report *r)
{
    size_t i = 0;
    while (i < r->gaps_n && !r->gaps[i].dns_failed)
        i++;
    return i < r->gaps_n ? r->gaps[i].reason.text : "";
}

/* One line, with the first few domains and the first one's reason: what an exit code alone would leave unsaid. */
static int tell_doubt(const struct checkup *all, size_t n)
{
    AUTO(buf_close) struct buf names = {0};
    const struct audit_report *first = NULL;
    size_t unsure = 0;
    for (size_t i = 0; i < n; i++) {
        const struct audit_report *r = &all[i].report;
        if (!r->unsure)
            continue;
        first = first ? first : r;
        if (unsure++ < NAMED_MAX)
            buf_addf(&names, "%s%s", r == first ? "" : ", ", r->domain);
    }
    if (!first)
        return CLI_FINE;
    if (unsure > NAMED_MAX)
        buf_addf(&names, " and %zu more", unsure - NAMED_MAX);
    fprintf(stderr,
        "parcelpost check-dns: the DNS leaves open whether there are errors in %s: %s\n",
        buf_text(&names), first_failure(first));
    return CLI_UNKNOWN;
}

/* Told before it is kept: what could not be told or kept comes again the next time. */
static int tell_changes(struct round *r, const struct checkup *all, size_t n)
{
    struct err e = {0};
    struct vigil_change *changes;
    size_t found =
        vigil_compare(r->vigil, all, n, cli_flag(r->cli, "all"), r->cli->arena, &changes);
    bool news = false;
    for (size_t i = 0; i < found; i++)
        news = news || vigil_has_found(&changes[i]);
    if (found == 0)
        return tell_doubt(all, n);
    print_changes(r, changes, found);
    if (fflush(stdout) == 0 && !vigil_save(r->vigil, &e))
        return cli_fail(r->cli, &e);
    return news ? CLI_FINDINGS : tell_doubt(all, n);
}

/* Zone lines go into zone files, whose readers may take nothing but ASCII in comments. */
static bool is_told_in_tongue(const struct cli *c)
{
    return cli_flag(c, "json") ? cli_flag(c, "lang") : !cli_flag(c, "fix");
}

static void tell_reports(const struct round *r, struct checkup *all, size_t n)
{
    for (size_t i = 0; i < n && is_told_in_tongue(r->cli); i++)
        audit_tell(&all[i].report, tongue_look, r->tongue, all[i].arena, &all[i].report);
}

static int audit(struct round *r, const char *const *domains, size_t n)
{
    int code;
    struct checkup *all = arena_array(r->cli->arena, n + 1, sizeof *all);
    if (!open_anchors(r, &code) || !open_watch(r, &code) ||
        !tongue_open(r->cli, r->conf, &r->tongue, &code) || !open_dns(r, &code))
        return code;
    for (size_t i = 0; i < n; i++)
        if (!prepare(r, domains[i], &all[i], &code))
            return code;
    for (size_t i = 0; i < n; i++)
        all[i].arena = arena_open();
    checkup_run(all, n, progress_of(r->cli));
    checkup_sort(all, n);
    if (r->vigil) {
        code = tell_changes(r, all, n);
    } else {
        tell_reports(r, all, n);
        print(r, all, n);
        code = exit_code_of(all, n);
    }
    for (size_t i = 0; i < n; i++)
        arena_close(&all[i].arena);
    return code;
}

/* What --all takes from the settings for each domain cannot be the same for all. */
static bool is_for_all(const struct cli *c, int *exit_code)
{
    static const char *const singles[] = {"selector", "ip", "mail-from", "helo"};
    if (c->operands_n > 0) {
        *exit_code = cli_usage(c, "--all takes every domain of the settings: name none");
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(singles); i++)
        if (cli_flag(c, singles[i])) {
            *exit_code =
                cli_usage(c, "--all takes this from the settings: leave --%s out", singles[i]);
            return false;
        }
    return true;
}

static int audit_every(struct round *r)
{
    int code;
    const char **domains;
    if (!is_for_all(r->cli, &code) || !open_settings(r, &code))
        return code;
    if (r->conf->storefronts_n == 0)
        return cli_no_storefront(r->cli);
    size_t n = survey_domains(r->conf, r->cli->arena, &domains);
    return audit(r, domains, n);
}

static int audit_one(struct round *r)
{
    int code;
    struct err e = {0};
    if (r->cli->operands_n != 1)
        return cli_usage(r->cli, "name one domain, or --all");
    const char *domain = domain_of(r->cli, r->cli->operands[0], &e);
    if (!domain)
        return cli_usage(r->cli, "'%s': %s", r->cli->operands[0], e.text);
    return open_settings(r, &code) ? audit(r, &domain, 1) : code;
}

static int run(struct cli *c)
{
    AUTO(round_close) struct round r = {.cli = c};
    if (cli_flag(c, "codes"))
        return audit_print_codes(), CLI_FINE;
    return cli_flag(c, "all") ? audit_every(&r) : audit_one(&r);
}

static const struct cli_option options[] = {
    CLI_CONFIG_OPTION,
    {"selector", "S", "a DKIM selector that signs; may be repeated; else the settings' keys"},
    {"ip", "ADDR", "an address that mail leaves from; may be repeated"},
    {"mail-from", "DOMAIN", "the domain of the return path"},
    {"helo", "NAME", "what the sending host says in EHLO"},
    CLI_RESOLVER_OPTIONS,
    {"dnssec", NULL,
        "validate DNSSEC here, from the root's keys, instead of believing the resolver"},
    {"trust-anchor", "FILE", "DS or DNSKEY records to validate from instead; implies --dnssec"},
    CLI_JSON_OPTION,
    {"all", NULL, "every From domain and return path of the settings, the worst first"},
    {"watch", "FILE", "print only what changed since the last run, which FILE remembers"},
    {"lang", "TAG",
        "the language of the report: en, zh-CN (default: as the environment says; JSON: en)"},
    {"fix", NULL, "print only the records to publish, as lines of a zone file"},
    BEYOND_OPTIONS,
    {"codes", NULL, "print the table of all findings"},
};

const struct command cmd_check_dns = {
    .name = "check-dns",
    .arguments = "DOMAIN|--all",
    .summary = "what is wrong with a domain's mail records, and what to publish",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost check-dns shop.example --selector pp1 --ip 198.51.100.7\n"
               "  parcelpost check-dns --all --watch /var/lib/parcelpost/check-dns.watch",
    .run = run,
};
