#include "mailer/cli/zone.h"

#include "base/file.h"
#include "dns/mx.h"
#include "mailer/mime/address.h"
#include "mailer/mime/rotation.h"

#define TTL 300
#define MAX_KEY_FILE 65536

static bool from_domain(
    const struct conf_storefront *s, struct arena *a, struct str *out, struct err *e)
{
    struct address from;
    if (!address_parse(str_of(s->from), a, &from, e))
        return err_prefix(e, "storefront \"%s\": from", s->name);
    *out = from.domain;
    return true;
}

bool zone_key_domain(const struct conf_storefront *s, const struct conf_dkim *d, struct arena *a,
    struct str *out, struct err *e)
{
    return d->domain[0] ? address_domain(str_of(d->domain), a, out, e) : from_domain(s, a, out, e);
}

bool zone_open_key(const struct conf_storefront *s, const struct conf_dkim *d, struct arena *a,
    struct dkim_key **out, struct err *e)
{
    struct str domain;
    struct rotation_signer signer;
    AUTO(buf_wipe) struct buf pem = {0};
    if (!zone_key_domain(s, d, a, &domain, e))
        return false;
    const char *name = arena_text(a, domain);
    if (!rotation_signer_find(d->key_file, d->selector, name, a, &signer, e) ||
        !file_read("private key", signer.key_file, MAX_KEY_FILE, &pem, e))
        return false;
    return dkim_key_open(name, signer.selector, buf_str(&pem), out, e) ||
           err_prefix(e, "%s", signer.key_file);
}

/* What would end the string, or reach a terminal as a command, goes as RFC 1035 s5.1 writes it. */
static void add_quoted(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < ' ' || c > '~')
            buf_addf(out, "\\%03u", c);
        else
            buf_addf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
}

/* A character-string of RFC 1035 holds 255 octets at most: longer records are several, joined by
 * readers. */
void zone_add_txt(struct buf *out, const char *name, struct str text)
{
    buf_addf(out, "%s. %d IN TXT (", name, TTL);
    for (size_t from = 0; from < text.n; from += 250) {
        buf_add_text(out, " \"");
        add_quoted(out, str_slice(text, from, from + 250));
        buf_add_char(out, '"');
    }
    buf_add_text(out, " )\n");
}

void zone_add_key(struct buf *out, const struct dkim_key *key)
{
    AUTO(buf_close) struct buf record = {0}, name = {0};
    dkim_key_record(key, &record);
    buf_addf(&name, "%s._domainkey.%s", dkim_key_selector(key), dkim_key_domain(key));
    zone_add_txt(out, buf_text(&name), buf_str(&record));
}

static void add_spf(const struct conf *c, const char *domain, struct buf *out)
{
    AUTO(buf_close) struct buf spf = {0};
    buf_add_text(&spf, "v=spf1");
    for (size_t i = 0; i < c->public_addresses_n; i++) {
        struct ip ip;
        if (ip_parse(str_of(c->public_addresses[i]), &ip))
            buf_addf(&spf, " ip%d:%s", ip.family, c->public_addresses[i]);
    }
    buf_add_text(&spf, c->public_addresses_n > 0 ? " -all" : " ~all");
    zone_add_txt(out, domain, buf_str(&spf));
}

bool zone_is_shared(const struct conf *c, size_t i, struct arena *a)
{
    struct err e;
    struct str domain = STR(""), other = STR("");
    for (size_t j = 0; j < i; j++)
        if (from_domain(&c->storefronts[i], a, &domain, &e) &&
            from_domain(&c->storefronts[j], a, &other, &e) && str_eq(domain, other))
            return true;
    return false;
}

static bool is_within(struct str name, struct str zone)
{
    return str_eq(name, zone) || (str_ends(name, zone) && name.p[name.n - zone.n - 1] == '.');
}

/* While keys change places, the record of the other one has to stand too: before it signs, and while mails that
 * it signed are under way. */
static bool add_other_key(
    const struct conf_dkim *d, const char *domain, struct arena *a, struct buf *out, struct err *e)
{
    struct rotation r;
    AUTO(buf_close) struct buf record = {0};
    if (!rotation_load(rotation_file(d->key_file, d->selector, domain, a), &r, e))
        return e->code == ERR_MISSING;
    if (r.step == ROTATION_RETIRED || r.step == ROTATION_DONE)
        return true;
    bool fresh = rotation_signs_new(&r);
    zone_add_txt(&record,
        arena_printf(a, "%s._domainkey.%s", fresh ? r.old_selector : r.new_selector, domain),
        str_of(fresh ? r.old_record : r.new_record));
    if (str_find(buf_str(out), buf_str(&record), 0) == out->n)
        buf_add(out, buf_str(&record));
    return true;
}

/* Two storefronts of one domain may sign with the same key: its record stands once. */
static bool add_keys(const struct conf_storefront *s, struct str zone, struct arena *a,
    struct buf *out, struct err *e)
{
    for (size_t i = 0; i < s->dkim_n; i++) {
        AUTO(dkim_key_close) struct dkim_key *key = NULL;
        AUTO(buf_close) struct buf record = {0};
        if (!zone_open_key(s, &s->dkim[i], a, &key, e))
            return false;
        zone_add_key(&record, key);
        if (!is_within(str_of(dkim_key_domain(key)), zone))
            buf_addf(out, "; the key %s of %s lies in another zone\n", dkim_key_selector(key),
                dkim_key_domain(key));
        else if (str_find(buf_str(out), buf_str(&record), 0) == out->n)
            buf_add(out, buf_str(&record));
        if (is_within(str_of(dkim_key_domain(key)), zone) &&
            !add_other_key(&s->dkim[i], dkim_key_domain(key), a, out, e))
            return false;
    }
    return true;
}

static void add_head(struct buf *out, const char *origin)
{
    buf_addf(out,
        "$ORIGIN %s\n$TTL %d\n; a zone file needs SOA and NS: keep your own where you have them\n"
        "@ IN SOA ns hostmaster 1 3600 600 86400 60\n@ IN NS ns\n",
        origin, TTL);
}

bool zone_of_storefront(const struct conf *c, const struct conf_storefront *s, struct arena *a,
    struct buf *out, struct err *e)
{
    struct str domain, return_domain;
    if (!from_domain(s, a, &domain, e))
        return false;
    return_domain = domain;
    if (s->return_path_domain[0] &&
        !address_domain(str_of(s->return_path_domain), a, &return_domain, e))
        return err_prefix(e, "storefront \"%s\": return_path_domain", s->name);
    const char *name = arena_text(a, domain), *return_path = arena_text(a, return_domain);
    add_head(out, arena_printf(a, "%s.", name));
    for (size_t i = 0; i < c->storefronts_n; i++) {
        struct str other = STR("");
        if (!from_domain(&c->storefronts[i], a, &other, e))
            return false;
        if (str_eq(other, domain) && !add_keys(&c->storefronts[i], domain, a, out, e))
            return false;
    }
    zone_add_txt(out, arena_printf(a, "_dmarc.%s", name),
        str_of(arena_printf(a, "v=DMARC1; p=none; rua=mailto:dmarc@%s", name)));
    if (!is_within(return_domain, domain))
        return buf_addf(out, "; the return path %s lies in another zone\n", return_path), true;
    add_spf(c, return_path, out);
    buf_addf(out, "%s. %d IN MX 10 %s.\n", return_path, TTL, c->hostname);
    return true;
}

void zone_of_the_world(struct buf *out)
{
    add_head(out, ".");
    buf_addf(
        out, "*. %d IN MX 10 " ZONE_RECEIVER ".\n" ZONE_RECEIVER ". %d IN A 127.0.0.1\n", TTL, TTL);
}
