#include "dns/dkim_record.h"

#include "base/encode.h"
#include "dns/name.h"
#include "dns/tags.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define ED25519_BYTES 32

/* The tags of a key record by number; the order is that of RFC 6376 s3.6.1. */
enum { TAG_V, TAG_H, TAG_K, TAG_N, TAG_P, TAG_S, TAG_T, TAGS };
static const char tag_letters[TAGS] = {'v', 'h', 'k', 'n', 'p', 's', 't'};

static bool broken(struct dkim_record *out, struct said why)
{
    out->status = DKIM_RECORD_BROKEN;
    out->why = why;
    return false;
}

/* RFC 6376 s3.2: names are compared with case, unknown ones ignored, a repeated one spoils the whole list. */
static bool read_tags(struct str text, struct arena *a, struct str values[TAGS], bool have[TAGS],
    struct dkim_record *out)
{
    struct tag tag;
    for (bool first = true; tag_next(&text, &tag); first = false) {
        if (!tag.well_formed)
            return broken(out, SAY(a, "tag.no_value", "\"{{text}}\" is no tag=value",
                                   {"text", arena_text(a, str_slice(tag.whole, 0, 60))}));
        for (int i = 0; i < TAGS; i++) {
            if (tag.name.n != 1 || tag.name.p[0] != tag_letters[i])
                continue;
            if (have[i])
                return broken(out, SAY(a, "key.tag_twice", "the tag {{tag}}= stands twice",
                                       {"tag", (char[]){tag_letters[i], 0}}));
            if (i == TAG_V && !first)
                return broken(out, SAID("key.version_first", "v= is not the first tag"));
            have[i] = true;
            values[i] = tag.value;
        }
    }
    return true;
}

static void close_key(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}

static EVP_PKEY *rsa_key(struct str der)
{
    const unsigned char *at = (const unsigned char *)der.p, *end = at + der.n;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.n);
    if (!key) {
        at = (const unsigned char *)der.p;
        key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)der.n);
    }
    if (key && (at != end || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

/* With the exponent 1 the signature is the message itself, and an even one has no private key. */
static bool has_sane_exponent(const EVP_PKEY *key)
{
    BIGNUM *e = NULL;
    bool sane =
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(e) && !BN_is_one(e);
    BN_free(e);
    return sane;
}

static bool is_certificate(struct str der)
{
    const unsigned char *at = (const unsigned char *)der.p;
    X509 *x = d2i_X509(NULL, &at, (long)der.n);
    X509_free(x);
    return x != NULL;
}

static struct said why_no_rsa(struct str key)
{
    if (key.n == ED25519_BYTES)
        return SAID("key.ed25519_as_rsa", "p= looks like an Ed25519 key, but k=ed25519 is missing");
    if (is_certificate(key))
        return SAID(
            "key.certificate", "p= is a whole certificate: only its public key belongs there");
    return SAID("key.not_rsa", "p= is not an RSA public key");
}

static bool read_rsa(struct dkim_record *out)
{
    AUTO(close_key) EVP_PKEY *key = rsa_key(out->public_key);
    if (!key)
        return broken(out, why_no_rsa(out->public_key));
    if (!has_sane_exponent(key))
        return broken(out, SAID("key.exponent", "the key's exponent is 1 or even: it is no key"));
    out->bits = EVP_PKEY_get_bits(key);
    return true;
}

static bool read_ed25519(struct dkim_record *out)
{
    AUTO(close_key) EVP_PKEY *rsa = rsa_key(out->public_key);
    if (rsa)
        return broken(out, SAID("key.rsa_as_ed25519", "p= is an RSA key, but k= says ed25519"));
    if (out->public_key.n != ED25519_BYTES)
        return broken(out, SAID("key.not_ed25519", "p= is not the 32 bytes of an Ed25519 key"));
    out->bits = 256;
    return true;
}

/* White space may stand anywhere in base64 (RFC 6376 s2.10). */
static bool read_base64(struct str text, struct arena *a, struct str *out)
{
    AUTO(buf_close) struct buf squeezed = {0}, decoded = {0};
    for (size_t i = 0; i < text.n; i++)
        if (!strchr(" \t\r\n", text.p[i]) || text.p[i] == 0)
            buf_add_char(&squeezed, text.p[i]);
    if (!decode_base64(&decoded, buf_str(&squeezed)))
        return false;
    *out = arena_str(a, buf_str(&decoded));
    return true;
}

static bool read_key(struct str p, struct arena *a, struct dkim_record *out)
{
    if (p.n == 0) {
        out->status = DKIM_RECORD_REVOKED;
        out->why = SAID("key.revoked", "p= is empty: the key is revoked");
        return false;
    }
    if (str_find(p, STR("-----"), 0) < p.n)
        return broken(
            out, SAID("key.pem", "p= has the lines BEGIN and END of a PEM file: leave them out"));
    if (str_find_char(p, '"', 0) < p.n)
        return broken(out, SAID("key.quotes", "p= has quotes within: they were to stand around the "
                                              "strings of the record, not in them"));
    if (!read_base64(p, a, &out->public_key))
        return broken(out, SAID("key.not_base64", "p= is not base64"));
    if (strcmp(out->key_type, "rsa") == 0)
        return read_rsa(out);
    if (strcmp(out->key_type, "ed25519") == 0)
        return read_ed25519(out);
    return broken(out, SAY(a, "key.type", "k={{type}} is no key type that verifiers know",
                           {"type", arena_printf(a, "%.20s", out->key_type)}));
}

static void read_flags(
    const struct str values[TAGS], const bool have[TAGS], struct dkim_record *out)
{
    out->testing = tag_list_has(values[TAG_T], ':', "y");
    out->strict = tag_list_has(values[TAG_T], ':', "s");
    out->sha256 = !have[TAG_H] || tag_list_has(values[TAG_H], ':', "sha256");
    out->email = !have[TAG_S] || tag_list_has(values[TAG_S], ':', "*") ||
                 tag_list_has(values[TAG_S], ':', "email");
}

/* A wildcard, or a text put at the wrong name, is no broken key record but none. */
static bool is_about_dkim(struct str text)
{
    struct tag tag;
    while (tag_next(&text, &tag))
        if (str_is_nocase(tag.name, "p") ||
            (str_is_nocase(tag.name, "v") && str_starts_nocase(tag.value, STR("dkim"))))
            return true;
    return false;
}

void dkim_record_parse(struct str text, struct arena *a, struct dkim_record *out)
{
    struct str values[TAGS] = {0};
    bool have[TAGS] = {0};

    *out = (struct dkim_record){
        .status = DKIM_RECORD_GOOD, .why = SAID_NOTHING, .text = text, .key_type = "rsa"};
    if (!is_about_dkim(text)) {
        out->status = DKIM_RECORD_ABSENT;
        out->why = SAID("key.other_text", "the TXT record there is no key record");
        return;
    }
    if (!read_tags(text, a, values, have, out))
        return;
    if (have[TAG_V] && !str_is(values[TAG_V], "DKIM1")) {
        broken(out, SAID("key.version", "v= is not DKIM1"));
        return;
    }
    if (!have[TAG_P]) {
        broken(out, SAID("key.no_p", "p= is missing"));
        return;
    }
    if (have[TAG_K])
        out->key_type = arena_text(a, values[TAG_K]);
    read_flags(values, have, out);
    read_key(values[TAG_P], a, out);
}

void dkim_record_take(const struct dns_answer *answer, struct arena *a, struct dkim_record *out)
{
    *out = (struct dkim_record){.status = DKIM_RECORD_ABSENT,
        .key_type = "",
        .why = SAID("key.other_texts", "no TXT record there is a key record")};
    for (size_t i = 0; i < answer->n && out->status == DKIM_RECORD_ABSENT; i++) {
        struct dkim_record one;
        dkim_record_parse(answer->records[i].data, a, &one);
        /* Alone, a broken text is a broken record; among others it makes several. */
        if (one.status != DKIM_RECORD_ABSENT)
            *out = one;
    }
    if (answer->n > 1 && out->status != DKIM_RECORD_ABSENT) {
        out->status = DKIM_RECORD_SEVERAL;
        out->why = SAY(a, "key.several",
            "{{count}} TXT records where one may be: verifiers differ in which they take",
            {"count", arena_printf(a, "%zu", answer->n)});
    }
}

void dkim_record_find(struct resolver *r, const char *domain, const char *selector, struct arena *a,
    struct dkim_record *out)
{
    struct dns_answer answer;
    const char *name = arena_printf(a, "%s._domainkey.%s", selector, domain);
    resolver_ask(r, name, DNS_TXT, a, &answer);
    switch (answer.status) {
    case DNS_FOUND:
        dkim_record_take(&answer, a, out);
        break;
    case DNS_NXDOMAIN:
    case DNS_NODATA:
        *out = (struct dkim_record){.status = DKIM_RECORD_ABSENT, .key_type = "", .text = STR("")};
        out->why = SAY(a, "txt.absent", "no TXT record at {{name}}", {"name", name});
        break;
    default:
        *out =
            (struct dkim_record){.status = DKIM_RECORD_TEMPERROR, .key_type = "", .text = STR("")};
        out->why = dns_no_answer(a, name, answer.status);
    }
    out->ttl_s = answer.ttl_s;
}

bool dkim_record_holds(const struct dkim_record *r, struct str public_key)
{
    if (r->status != DKIM_RECORD_GOOD)
        return false;
    if (str_eq(r->public_key, public_key))
        return true;
    if (strcmp(r->key_type, "rsa") != 0)
        return false;
    AUTO(close_key) EVP_PKEY *theirs = rsa_key(r->public_key);
    AUTO(close_key) EVP_PKEY *ours = rsa_key(public_key);
    return theirs && ours && EVP_PKEY_eq(theirs, ours) == 1;
}

bool dkim_record_plain(const struct dkim_record *r, struct buf *out)
{
    bool is_rsa = strcmp(r->key_type, "rsa") == 0;
    AUTO(close_key) EVP_PKEY *key = is_rsa ? rsa_key(r->public_key) : NULL;
    unsigned char *der = NULL;
    int n = key ? i2d_PUBKEY(key, &der) : 0;
    if (is_rsa && n <= 0)
        return false;
    buf_addf(out, "v=DKIM1; k=%s; %sp=", r->key_type, r->strict ? "t=s; " : "");
    encode_base64(out, is_rsa ? str_bytes(der, (size_t)n) : r->public_key);
    OPENSSL_free(der);
    return true;
}
