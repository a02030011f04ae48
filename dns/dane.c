#include "dns/dane.h"

#include "base/encode.h"

#include <openssl/err.h>
#include <openssl/x509.h>

/* RFC 6698 s2.1, RFC 7218. */
enum { USAGE_TA = 2, USAGE_EE = 3 };
enum { SELECTOR_CERT = 0, SELECTOR_SPKI = 1 };
enum { MATCHING_FULL = 0, MATCHING_SHA256 = 1, MATCHING_SHA512 = 2 };

static void free_cert(X509 **x)
{
    X509_free(*x);
}

static void free_key(X509_PUBKEY **k)
{
    X509_PUBKEY_free(*k);
}

/* With matching type 0 the record holds the certificate, or its key, whole. Marked errors are taken back, since the
 * thread's next TLS session would trip over them. */
static bool is_der(const struct dane_record *r)
{
    const unsigned char *at = (const unsigned char *)r->data.p, *end = at + r->data.n;
    ERR_set_mark();
    if (r->selector == SELECTOR_CERT) {
        AUTO(free_cert) X509 *x = d2i_X509(NULL, &at, (long)r->data.n);
        ERR_pop_to_mark();
        return x && at == end;
    }
    AUTO(free_key) X509_PUBKEY *k = d2i_X509_PUBKEY(NULL, &at, (long)r->data.n);
    ERR_pop_to_mark();
    return k && at == end;
}

/* RFC 7672 s3.1; "" when a sender can use the record. */
static const char *judge(const struct dane_record *r, struct arena *a)
{
    static const size_t sizes[] = {[MATCHING_SHA256] = 32, [MATCHING_SHA512] = 64};
    if (r->usage < USAGE_TA)
        return arena_printf(a, "usage %d is not for SMTP: 3 (or 2) is", r->usage);
    if (r->usage > USAGE_EE)
        return arena_printf(a, "usage %d does not exist", r->usage);
    if (r->selector > SELECTOR_SPKI)
        return arena_printf(a, "selector %d does not exist", r->selector);
    if (r->matching > MATCHING_SHA512)
        return arena_printf(a, "matching type %d does not exist", r->matching);
    if (r->matching != MATCHING_FULL && r->data.n != sizes[r->matching])
        return arena_printf(a, "matching type %d takes %zu bytes, not %zu", r->matching,
            sizes[r->matching], r->data.n);
    if (r->matching == MATCHING_FULL && !is_der(r))
        return r->selector == SELECTOR_CERT ? "its data is no certificate" : "its data is no key";
    return "";
}

bool dane_parse(struct str rdata, struct arena *a, struct dane_record *out)
{
    AUTO(buf_close) struct buf hex = {0};
    *out = (struct dane_record){.why = "it is shorter than its three numbers", .text = ""};
    if (rdata.n < 3)
        return false;
    out->usage = (uint8_t)rdata.p[0];
    out->selector = (uint8_t)rdata.p[1];
    out->matching = (uint8_t)rdata.p[2];
    out->data = str_slice(rdata, 3, rdata.n);
    out->why = judge(out, a);
    out->usable = out->why[0] == 0;
    encode_hex(&hex, out->data);
    for (size_t i = 0; i < hex.n; i++)
        hex.p[i] = (char)(hex.p[i] >= 'a' ? hex.p[i] - ('a' - 'A') : hex.p[i]);
    out->text =
        arena_printf(a, "%d %d %d %s", out->usage, out->selector, out->matching, buf_text(&hex));
    return true;
}

static bool is_failure(enum dns_status s)
{
    return s == DNS_SERVFAIL || s == DNS_TIMEOUT || s == DNS_BAD;
}

/* Each address answer that was found must be secure (RFC 7672 s2.2.2). *failed: none was found, and the DNS failed. */
static bool addresses_are_secure(
    struct resolver *r, const char *host, struct arena *a, bool *failed)
{
    static const enum dns_type types[] = {DNS_A, DNS_AAAA};
    bool found = false, secure = true, any_failed = false;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct dns_answer one;
        resolver_ask(r, host, types[i], a, &one);
        found = found || one.status == DNS_FOUND;
        secure = secure && (one.status != DNS_FOUND || one.secure);
        any_failed = any_failed || is_failure(one.status);
    }
    *failed = !found && any_failed;
    return found && secure;
}

static void take_records(const struct dns_answer *answer, struct arena *a, struct dane *out)
{
    size_t kept = answer->n < DANE_MAX_RECORDS ? answer->n : DANE_MAX_RECORDS;
    struct dane_record *records = arena_array(a, kept, sizeof *records);
    for (size_t i = 0; i < kept; i++) {
        dane_parse(answer->records[i].data, a, &records[i]);
        out->usable_n += records[i].usable;
    }
    out->records = records;
    out->n = kept;
    out->more = answer->n > kept;
}

static void set(struct dane *out, enum dane_status status, const char *why)
{
    out->status = status;
    out->why = why;
}

void dane_find(struct resolver *r, const char *mx_host, struct arena *a, struct dane *out)
{
    struct dns_answer answer;
    bool addresses_failed;
    const char *name = arena_printf(a, "_25._tcp.%s", mx_host);
    *out = (struct dane){.name = name};
    out->addresses_secure = addresses_are_secure(r, mx_host, a, &addresses_failed);
    resolver_ask(r, name, DNS_TLSA, a, &answer);
    out->secure = answer.secure;
    out->ttl_s = answer.ttl_s;
    if (answer.status == DNS_FOUND)
        take_records(&answer, a, out);

    /* Behind an address that is not secure no sender asks (RFC 7672 s2.2.2), so that failure harms nobody. */
    bool nobody_asks = !out->addresses_secure && !addresses_failed;
    if (is_failure(answer.status) && !nobody_asks)
        set(out, DANE_TEMPERROR,
            arena_printf(
                a, "the DNS did not answer for %s (%s)", name, dns_status_name(answer.status)));
    else if (answer.status == DNS_NXDOMAIN || answer.status == DNS_NODATA)
        set(out, DANE_ABSENT, arena_printf(a, "no TLSA record at %s", name));
    else if (addresses_failed)
        set(out, DANE_TEMPERROR, arena_printf(a, "the DNS did not answer for %s", mx_host));
    else if (!out->secure && !nobody_asks)
        set(out, DANE_INSECURE,
            arena_printf(a, "the answer for %s is not validated by DNSSEC", name));
    else if (!out->addresses_secure)
        set(out, DANE_INSECURE,
            arena_printf(a, "the address of %s is not validated by DNSSEC", mx_host));
    else if (out->usable_n == 0)
        set(out, DANE_UNUSABLE,
            arena_printf(a, "no TLSA record at %s can be used: %s", name, out->records[0].why));
    else
        set(out, DANE_USABLE, "");
}
