#include "dns/dmarc.h"
#include "mailer/cli/cli.h"
#include "mailer/mime/address.h"

/* "shop.example=pass" into an identity; the domain becomes lower-case A-labels. */
static bool read_identity(
    struct cli *c, const char *text, struct dmarc_identity *out, struct err *e)
{
    static const char *const results[] = {
        "pass", "fail", "softfail", "neutral", "none", "policy", "temperror", "permerror"};
    struct str s = str_of(text), domain;
    size_t equals = str_find_char(s, '=', 0);
    struct str result = str_slice(s, equals + 1, s.n);
    if (equals == s.n)
        return err_set(e, ERR_INPUT, "'%s': write DOMAIN=RESULT, e.g. shop.example=pass", text);
    if (!address_domain_given(str_slice(s, 0, equals), c->arena, &domain, e))
        return false;
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        if (str_is_nocase(result, results[i])) {
            *out = (struct dmarc_identity){arena_text(c->arena, domain), results[i]};
            return true;
        }
    }
    return err_set(e, ERR_INPUT,
        "'%s' is no result: pass, fail, softfail, neutral, none, policy, temperror, permerror",
        arena_text(c->arena, result));
}

static void print_json(const char *from, const struct dmarc_verdict *v)
{
    struct js *o = js_object(), *queries = js_array();
    const char adkim[2] = {v->adkim}, aspf[2] = {v->aspf};
    for (size_t i = 0; i < v->queries_n; i++)
        js_push(queries, js_new_text(str_of(v->queries[i])));
    js_set_cstr(o, "from", from);
    js_set_cstr(o, "result", dmarc_result_name(v->result));
    js_set_cstr(o, "org_domain", v->org_domain);
    js_set_cstr(o, "policy_domain", v->policy_domain);
    js_set_cstr(o, "policy", dmarc_policy_name(v->policy));
    js_set_cstr(o, "effective_policy", dmarc_policy_name(v->effective_policy));
    js_set_cstr(o, "adkim", adkim);
    js_set_cstr(o, "aspf", aspf);
    js_set_bool(o, "spf_aligned", v->spf_aligned);
    js_set_bool(o, "dkim_aligned", v->dkim_aligned);
    js_set(o, "queries", queries);
    js_set_cstr(o, "why", v->why.text);
    cli_print_json(o);
    js_close(&o);
}

static void print_text(const char *from, const struct dmarc_verdict *v)
{
    printf("DMARC for mail From: %s: %s\n", from, dmarc_result_name(v->result));
    printf("  %s\n", v->why.text);
    printf("  organizational domain  %s\n", v->org_domain);
    if (v->policy_domain[0])
        printf("  policy                 %s (in force: %s), from _dmarc.%s\n",
            dmarc_policy_name(v->policy), dmarc_policy_name(v->effective_policy), v->policy_domain);
    printf("  aligned                DKIM %s, SPF %s\n", v->dkim_aligned ? "yes" : "no",
        v->spf_aligned ? "yes" : "no");
    for (size_t i = 0; i < v->queries_n; i++)
        printf("  %s %s\n", i == 0 ? "asked                 " : "                      ",
            v->queries[i]);
}

/* The identities that --spf and --dkim give. */
static bool read_identities(struct cli *c, struct dmarc_identity *spf, struct dmarc_identity *dkim,
    size_t *dkim_n, struct err *e)
{
    const char *given[CLI_MAX_VALUES];
    const char *text = cli_value(c, "spf", NULL);
    if (text && !read_identity(c, text, spf, e))
        return false;
    *dkim_n = cli_values(c, "dkim", given);
    for (size_t i = 0; i < *dkim_n; i++)
        if (!read_identity(c, given[i], &dkim[i], e))
            return false;
    return true;
}

static int run(struct cli *c)
{
    struct err e = {0};
    struct str from;
    struct dmarc_identity spf = {0}, dkim[CLI_MAX_VALUES];
    size_t dkim_n;
    int code;
    AUTO(resolver_close) struct resolver *resolver = NULL;
    if (c->operands_n > 0 || !cli_value(c, "from", NULL))
        return cli_usage(c, "--from DOMAIN is needed");
    if (!address_domain_given(str_of(cli_value(c, "from", "")), c->arena, &from, &e) ||
        !read_identities(c, &spf, dkim, &dkim_n, &e))
        return cli_usage(c, "%s", e.text);
    if (!cli_resolver(c, &resolver, &code))
        return code;

    struct dmarc_verdict v;
    const char *domain = arena_text(c->arena, from);
    dmarc_check(resolver, domain, spf.domain ? &spf : NULL, dkim, dkim_n, c->arena, &v);
    (cli_flag(c, "json") ? print_json : print_text)(domain, &v);
    if (v.result == DMARC_TEMPERROR)
        return CLI_UNKNOWN;
    return v.result == DMARC_PASS || v.result == DMARC_NO_RECORD ? CLI_FINE : CLI_FINDINGS;
}

static const struct cli_option options[] = {
    {"from", "DOMAIN", "the domain in the From header"},
    {"spf", "DOMAIN=RESULT", "the reverse-path's domain and its SPF result"},
    {"dkim", "DOMAIN=RESULT", "a signature's d= and its result; may be repeated"},
    CLI_CONFIG_OPTION,
    CLI_RESOLVER_OPTIONS,
    CLI_JSON_OPTION,
};

const struct command cmd_dmarc = {
    .name = "dmarc",
    .arguments = "",
    .summary = "what DMARC (RFC 9989) says of a mail with these identities",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost dmarc --from shop.example --dkim shop.example=pass --spf "
               "bounce.shop.example=pass",
    .run = run,
};
