#include "mailer/gate/survey.h"

#include "base/conf_check.h"
#include "mailer/mime/address.h"

void survey_begin(struct survey *v, const char *domain)
{
    *v = (struct survey){.setup = {.domain = domain, .mail_from = "", .helo = "", .links = ""}};
    v->setup.keys = v->keys;
    v->setup.addresses = v->addresses;
}

/* ---- whose domain it is ---------------------------------------------------------------------- */

static bool is_domain(struct str given, const char *domain, struct arena *a)
{
    struct err e;
    struct str read;
    return given.n > 0 && address_domain(given, a, &read, &e) && str_is(read, domain);
}

bool survey_sends_from(const struct conf_storefront *s, const char *domain, struct arena *a)
{
    return is_domain(conf_mailbox_domain(str_of(s->from)), domain, a);
}

bool survey_returns_to(const struct conf_storefront *s, const char *domain, struct arena *a)
{
    return is_domain(str_of(s->return_path_domain), domain, a);
}

/* ---- what the settings say ------------------------------------------------------------------- */

static bool has_key(const struct survey *v, const struct audit_key *k)
{
    for (size_t i = 0; i < v->setup.keys_n; i++)
        if (strcmp(v->keys[i].domain, k->domain) == 0 &&
            strcmp(v->keys[i].selector, k->selector) == 0)
            return true;
    return false;
}

static const char *key_domain(
    const struct conf_storefront *s, const struct conf_dkim *d, struct arena *a)
{
    struct err e;
    struct str read,
        given = d->domain[0] ? str_of(d->domain) : conf_mailbox_domain(str_of(s->from));
    return arena_text(a, address_domain(given, a, &read, &e) ? read : given);
}

static void take_key(struct survey *v, const struct conf_storefront *s, const struct conf_dkim *d,
    const struct dkim_key *key, struct arena *a)
{
    struct audit_key out = {key_domain(s, d, a), arena_text(a, str_of(d->selector)), "", STR("")};
    if (key) {
        out.selector =
            arena_text(a, str_of(dkim_key_selector(key))); /* a rotation may be under way */
        out.type = dkim_key_algorithm(key) == DKIM_RSA_SHA256 ? "rsa" : "ed25519";
        out.public_key = arena_str(a, dkim_key_public(key));
    }
    if (v->setup.keys_n < AUDIT_MAX_KEYS && !has_key(v, &out))
        v->keys[v->setup.keys_n++] = out;
}

static void take_storefront(struct survey *v, const struct conf_storefront *s,
    const struct survey_keys *keys, struct arena *a)
{
    struct err e;
    struct str domain;
    for (size_t i = 0; i < s->dkim_n; i++)
        take_key(v, s, &s->dkim[i], keys->find(keys->state, s, &s->dkim[i]), a);
    if (s->smart_host[0])
        v->setup.smart_host = true;
    if (!v->setup.mail_from[0] && s->return_path_domain[0] &&
        address_domain(str_of(s->return_path_domain), a, &domain, &e))
        v->setup.mail_from = arena_text(a, domain);
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

void survey_add_address(struct survey *v, const char *text)
{
    if (v->setup.addresses_n < AUDIT_MAX_ADDRESSES &&
        ip_parse(str_of(text), &v->addresses[v->setup.addresses_n]))
        v->setup.addresses_n++;
}

typedef bool is_concerned(const struct conf_storefront *s, const char *domain, struct arena *a);

static bool take_storefronts(struct survey *v, const struct conf *c, const char *storefront,
    is_concerned *concerned, const struct survey_keys *keys, struct arena *a)
{
    bool any = false;
    for (size_t i = 0; i < c->storefronts_n; i++) {
        const struct conf_storefront *s = &c->storefronts[i];
        if ((storefront && strcmp(s->name, storefront) != 0) || !concerned(s, v->setup.domain, a))
            continue;
        any = true;
        take_storefront(v, s, keys, a);
    }
    return any;
}

bool survey_take_settings(struct survey *v, const struct conf *c, const char *storefront,
    const struct survey_keys *keys, struct arena *a)
{
    if (!take_storefronts(v, c, storefront, survey_sends_from, keys, a)) {
        v->returns_only = take_storefronts(v, c, storefront, survey_returns_to, keys, a);
        if (!v->returns_only)
            return false;
    }
    v->setup.keys_are_all = true;
    v->setup.helo = arena_text(a, str_of(c->hostname));
    v->setup.links = host_of(a, c->public_url);
    for (size_t i = 0; i < c->public_addresses_n && !v->setup.smart_host; i++)
        survey_add_address(v, c->public_addresses[i]);
    return true;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static size_t add_domain(struct str given, struct arena *a, const char **all, size_t n)
{
    struct err e;
    struct str read;
    if (given.n == 0 || !address_domain(given, a, &read, &e))
        return n;
    for (size_t i = 0; i < n; i++)
        if (str_is(read, all[i]))
            return n;
    all[n] = arena_text(a, read);
    return n + 1;
}

size_t survey_domains(const struct conf *c, struct arena *a, const char ***out)
{
    size_t n = 0;
    const char **all = arena_array(a, 2 * c->storefronts_n + 1, sizeof *all);
    for (size_t i = 0; i < c->storefronts_n; i++)
        n = add_domain(conf_mailbox_domain(str_of(c->storefronts[i].from)), a, all, n);
    for (size_t i = 0; i < c->storefronts_n; i++)
        n = add_domain(str_of(c->storefronts[i].return_path_domain), a, all, n);
    *out = all;
    return n;
}

/* ---- the audit ------------------------------------------------------------------------------- */

static bool is_of_from(const char *code)
{
    static const char *const prefixes[] = {"DMARC-", "DKIM-", "BIMI-", "FROM-"};
    for (size_t i = 0; i < COUNT_OF(prefixes); i++)
        if (str_starts(str_of(code), str_of(prefixes[i])))
            return true;
    return false;
}

static bool is_error(const char *code)
{
    struct audit_code k;
    for (size_t i = 0; audit_code_at(i, &k); i++)
        if (strcmp(k.code, code) == 0)
            return k.severity == AUDIT_ERROR;
    return false;
}

static void narrow_findings(struct audit_report *r, struct arena *a)
{
    struct audit_finding *kept = arena_array(a, r->findings_n + 1, sizeof *kept);
    size_t n = 0;
    r->errors = 0;
    for (size_t i = 0; i < r->findings_n; i++) {
        if (is_of_from(r->findings[i].code))
            continue;
        r->errors += r->findings[i].severity == AUDIT_ERROR;
        kept[n++] = r->findings[i];
    }
    r->findings = kept;
    r->findings_n = n;
}

static void narrow_gaps(struct audit_report *r, struct arena *a)
{
    struct audit_gap *kept = arena_array(a, r->gaps_n + 1, sizeof *kept);
    size_t n = 0;
    r->unsure = false;
    for (size_t i = 0; i < r->gaps_n; i++) {
        const struct audit_gap *g = &r->gaps[i];
        const char **codes = arena_array(a, g->codes_n + 1, sizeof *codes);
        kept[n] = *g;
        kept[n].codes = codes;
        kept[n].codes_n = 0;
        for (size_t j = 0; j < g->codes_n; j++) {
            if (is_of_from(g->codes[j]))
                continue;
            codes[kept[n].codes_n++] = g->codes[j];
            r->unsure = r->unsure || (g->dns_failed && is_error(g->codes[j]));
        }
        n += kept[n].codes_n > 0;
    }
    r->gaps = kept;
    r->gaps_n = n;
}

void survey_run(const struct survey *v, struct arena *a, struct audit_report *out)
{
    audit_run(&v->setup, a, out);
    if (!v->returns_only)
        return;
    narrow_findings(out, a);
    narrow_gaps(out, a);
    out->providers_n = 0;
    out->verdict = AUDIT_UNKNOWN;
    out->sentence = SAY(a, "audit.return_path",
        "a return path: no storefront sends from it, so DMARC does not ask about it", {"", ""});
}
