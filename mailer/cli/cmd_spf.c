#include "base/clock.h"
#include "dns/spf.h"
#include "mailer/cli/cli.h"
#include "mailer/mime/address.h"

static void print_json(const struct cli *c, const struct spf_verdict *v)
{
    struct js *o = js_object(), *path = js_array();
    for (size_t i = 0; i < v->path_n; i++)
        js_push(path, js_new_text(str_of(v->path[i])));
    js_set_cstr(o, "ip", cli_value(c, "ip", ""));
    js_set_cstr(o, "identity", v->identity);
    js_set_cstr(o, "result", spf_result_name(v->result));
    js_set_cstr(o, "mechanism", v->mechanism);
    js_set_cstr(o, "domain", v->domain);
    js_set_cstr(o, "explanation", v->explanation);
    js_set_cstr(o, "problem", v->problem);
    js_set_int(o, "lookups", v->lookups);
    js_set_int(o, "void_lookups", v->void_lookups);
    js_set(o, "path", path);
    cli_print_json(o);
    js_close(&o);
}

static void print_text(const struct cli *c, const struct spf_verdict *v)
{
    printf("SPF for %s sending as %s: %s\n", cli_value(c, "ip", ""), v->identity,
        spf_result_name(v->result));
    if (v->problem[0])
        printf("  %s\n", v->problem);
    if (v->mechanism[0])
        printf("  decided by   %s of %s\n", v->mechanism, v->domain);
    if (v->explanation[0])
        printf("  explanation  %s\n", v->explanation);
    printf("  look-ups     %u of 10, %u of 2 void\n", v->lookups, v->void_lookups);
    for (size_t i = 0; i < v->path_n; i++)
        printf("  %s  %s\n", i == 0 ? "path       " : "           ", v->path[i]);
}

/* "<a@b.example>" as in SMTP, or without the brackets. */
static struct str reverse_path(const char *text)
{
    struct str s = str_of(text);
    bool bracketed = str_starts(s, STR("<")) && str_ends(s, STR(">"));
    return bracketed ? str_slice(s, 1, s.n - 1) : s;
}

/* Receivers see A-labels; people write names as they are. What is no name even so is checked as it stands. */
static struct str with_a_labels(struct cli *c, struct str address)
{
    struct err e;
    struct str domain;
    size_t at = address.n;
    while (at > 0 && address.p[at - 1] != '@')
        at--;
    struct str given = str_slice(address, at, address.n);
    if (str_is_ascii(given) || !address_domain(given, c->arena, &domain, &e))
        return address;
    return str_of(arena_printf(
        c->arena, STR_FMT STR_FMT, STR_ARG(str_slice(address, 0, at)), STR_ARG(domain)));
}

static int exit_code(enum spf_result r)
{
    if (r == SPF_TEMPERROR)
        return CLI_UNKNOWN;
    return r == SPF_PASS || r == SPF_NONE || r == SPF_NEUTRAL ? CLI_FINE : CLI_FINDINGS;
}

static int run(struct cli *c)
{
    int code;
    AUTO(resolver_close) struct resolver *resolver = NULL;
    const char *ip = cli_value(c, "ip", NULL), *helo = cli_value(c, "helo", NULL),
               *mail_from = cli_value(c, "mail-from", NULL);
    if (c->operands_n > 0 || !ip || !helo || !mail_from)
        return cli_usage(c, "--ip ADDR, --helo NAME and --mail-from ADDR are needed");
    struct spf_question q = {.helo = with_a_labels(c, str_of(helo)),
        .mail_from = with_a_labels(c, reverse_path(mail_from)),
        .clock = clock_system()};
    if (!ip_parse(str_of(ip), &q.ip))
        return cli_usage(c, "--ip '%s' is no IPv4 or IPv6 address", ip);
    if (!cli_resolver(c, &resolver, &code))
        return code;

    struct spf_verdict v;
    spf_check(resolver, &q, c->arena, &v);
    (cli_flag(c, "json") ? print_json : print_text)(c, &v);
    return exit_code(v.result);
}

static const struct cli_option options[] = {
    {"ip", "ADDR", "the client's address, IPv4 or IPv6"},
    {"helo", "NAME", "what it says in EHLO"},
    {"mail-from", "ADDR", "the reverse-path; '' is the null one, for which HELO is checked"},
    CLI_CONFIG_OPTION,
    CLI_RESOLVER_OPTIONS,
    CLI_JSON_OPTION,
};

const struct command cmd_spf = {
    .name = "spf",
    .arguments = "",
    .summary = "may this address send for this domain (SPF, RFC 7208)",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost spf --ip 198.51.100.7 --helo mx.shop.example --mail-from "
               "orders@bounce.shop.example\n"
               "\nExit code: 0 pass, none or neutral; 1 fail, softfail or permerror; 2 temperror.",
    .run = run,
};
