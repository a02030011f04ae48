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

static bool take_storefronts(struct survey *v, const struct conf *c, is_concerned *concerned,
    const struct survey_keys *keys, struct arena *a)
{
    bool any = false;
    for (size_t i = 0; i < c->storefronts_n; i++) {
        if (!concerned(&c->storefronts[i], v->setup.domain, a))
            continue;
        any = true;
        take_storefront(v, &c->storefronts[i], keys, a);
    }
    return any;
}

bool survey_take_settings(
    struct survey *v, const struct conf *c, const struct survey_keys *keys, struct arena *a)
{
    if (!take_storefronts(v, c, survey_sends_from, keys, a) &&
        !take_storefronts(v, c, survey_returns_to, keys, a))
        return false;
    v->setup.keys_are_all = true;
    v->setup.helo = arena_text(a, str_of(c->hostname));
    v->setup.links = host_of(a, c->public_url);
    for (size_t i = 0; i < c->public_addresses_n && !v->setup.smart_host; i++)
        survey_add_address(v, c->public_addresses[i]);
    return true;
}
