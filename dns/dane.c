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

/* RFC 7672 s3.1; nothing when a sender can use the record. */
static struct said judge(const struct dane_record *r, struct arena *a)
{
    static const size_t sizes[] = {[MATCHING_SHA256] = 32, [MATCHING_SHA512] = 64};
    if (r->usage < USAGE_TA)
        return SAY(a, "dane.usage", "usage {{number}} is not for SMTP: 3 (or 2) is",
            {"number", arena_printf(a, "%d", r->usage)});
    if (r->usage > USAGE_EE)
        return SAY(a, "dane.no_usage", "usage {{number}} does not exist",
            {"number", arena_printf(a, "%d", r->usage)});
    if (r->selector > SELECTOR_SPKI)
        return SAY(a, "dane.no_selector", "selector {{number}} does not exist",
            {"number", arena_printf(a, "%d", r->selector)});
    if (r->matching > MATCHING_SHA512)
        return SAY(a, "dane.no_matching", "matching type {{number}} does not exist",
            {"number", arena_printf(a, "%d", r->matching)});
    if (r->matching != MATCHING_FULL && r->data.n != sizes[r->matching])
        return SAY(a, "dane.size", "matching type {{number}} takes {{wanted}} bytes, not {{found}}",
            {"number", arena_printf(a, "%d", r->matching)},
            {"wanted", arena_printf(a, "%zu", sizes[r->matching])},
            {"found", arena_printf(a, "%zu", r->data.n)});
    if (r->matching == MATCHING_FULL && !is_der(r))
        return r->selector == SELECTOR_CERT
                   ? SAID("dane.no_certificate", "its data is no certificate")
                   : SAID("dane.no_key", "its data is no key");
    return SAID_NOTHING;
}

bool dane_parse(struct str rdata, struct arena *a, struct dane_record *out)
{
    AUTO(buf_close) struct buf hex = {0};
    *out = (struct dane_record){
        .why = SAID("dane.short", "it is shorter than its three numbers"), .text = ""};
    if (rdata.n < 3)
        return false;
    out->usage = (uint8_t)rdata.p[0];
    out->selector = (uint8_t)rdata.p[1];
    out->matching = (uint8_t)rdata.p[2];
    out->data = str_slice(rdata, 3, rdata.n);
    out->why = judge(out, a);
    out->usable = said_is_nothing(&out->why);
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

static void set(struct dane *out, enum dane_status status, struct said why)
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
        set(out, DANE_TEMPERROR, dns_no_answer(a, name, answer.status));
    else if (answer.status == DNS_NXDOMAIN || answer.status == DNS_NODATA)
        set(out, DANE_ABSENT, SAY(a, "dane.absent", "no TLSA record at {{name}}", {"name", name}));
    else if (addresses_failed)
        set(out, DANE_TEMPERROR,
            SAY(a, "dane.no_answer", "the DNS did not answer for {{name}}", {"name", mx_host}));
    else if (!out->secure && !nobody_asks)
        set(out, DANE_INSECURE,
            SAY(a, "dane.not_validated", "the answer for {{name}} is not validated by DNSSEC",
                {"name", name}));
    else if (!out->addresses_secure)
        set(out, DANE_INSECURE,
            SAY(a, "dane.address_not_validated",
                "the address of {{host}} is not validated by DNSSEC", {"host", mx_host}));
    else if (out->usable_n == 0)
        set(out, DANE_UNUSABLE,
            SAY_AROUND(a, out->records[0].why, "dane.unusable",
                "no TLSA record at {{name}} can be used: {{said}}", {"name", name}));
    else
        set(out, DANE_USABLE, SAID_NOTHING);
}
