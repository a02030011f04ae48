#include "dns/probe_tls.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <time.h>

#define CHAIN_MAX 16
/* RFC 9525 s6.3, s6.4.1: no common name, and "*" stands for a whole label or for nothing. */
#define NAME_RULES (X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)

static void close_context(SSL_CTX **c)
{
    SSL_CTX_free(*c);
}

static void close_tls(SSL **s)
{
    SSL_free(*s);
}

static void close_certificate(X509 **x)
{
    X509_free(*x);
}

/* Whatever step OpenSSL is at, until it is done; false: it failed, or not in time. */
static bool is_done(SSL *s, int result, int fd, int64_t until_ns)
{
    int wants = SSL_get_error(s, result);
    return (wants == SSL_ERROR_WANT_READ && probe_wait(fd, POLLIN, until_ns)) ||
           (wants == SSL_ERROR_WANT_WRITE && probe_wait(fd, POLLOUT, until_ns));
}

static bool shake_hands(SSL *s, int fd, int64_t until_ns)
{
    int result;
    while ((result = SSL_connect(s)) != 1)
        if (!is_done(s, result, fd, until_ns))
            return false;
    return true;
}

static struct str der_of(X509 *x, struct arena *a)
{
    int n = i2d_X509(x, NULL);
    unsigned char *bytes = arena_array(a, n > 0 ? (size_t)n : 1, 1), *at = bytes;
    return n > 0 && i2d_X509(x, &at) == n ? str_bytes(bytes, (size_t)n) : STR("");
}

static int64_t expiry_of(X509 *x)
{
    struct tm t;
    return ASN1_TIME_to_tm(X509_get0_notAfter(x), &t) == 1 ? (int64_t)timegm(&t) * 1000 : 0;
}

static void take_chain(SSL *s, struct arena *a, struct probe *out)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(s);
    int n = chain ? sk_X509_num(chain) : 0;
    out->chain = arena_array(a, CHAIN_MAX, sizeof *out->chain);
    for (int i = 0; i < n && out->chain_n < CHAIN_MAX; i++)
        out->chain[out->chain_n++] = der_of(sk_X509_value(chain, i), a);
}

static void judge(SSL *s, const char *host, struct arena *a, struct probe *out)
{
    AUTO(close_certificate) X509 *own = SSL_get1_peer_certificate(s);
    long verdict = SSL_get_verify_result(s);
    out->tls = true;
    out->trusted = own && verdict == X509_V_OK;
    out->problem =
        out->trusted ? "" : arena_text(a, str_of(X509_verify_cert_error_string(verdict)));
    out->named = own && X509_check_host(own, host, 0, NAME_RULES, NULL) == 1;
    out->expires_ms = own ? expiry_of(own) : 0;
    take_chain(s, a, out);
}

void probe_tls(int fd, int64_t until_ns, const struct probe_rules *rules, const char *host,
    struct arena *a, struct probe *out)
{
    AUTO(close_context) SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    AUTO(close_tls) SSL *s = context ? SSL_new(context) : NULL;
    if (!s)
        err_out_of_memory();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_set_min_proto_version(s, TLS1_2_VERSION);
    if (rules->authority_file)
        SSL_CTX_load_verify_locations(context, rules->authority_file, NULL);
    else
        SSL_CTX_set_default_verify_paths(context);
    SSL_set_verify(s, SSL_VERIFY_NONE, NULL); /* judged afterwards, never refused */
    SSL_set_tlsext_host_name(s, host);
    if (SSL_set_fd(s, fd) != 1 || !shake_hands(s, fd, until_ns)) {
        out->why = SAID("probe.no_handshake", "it offers STARTTLS and then does not begin it");
    } else {
        judge(s, host, a, out);
        int result;
        while ((result = SSL_write(s, "QUIT\r\n", 6)) <= 0 && is_done(s, result, fd, until_ns))
            continue;
        SSL_shutdown(s);
    }
    ERR_clear_error();
}

/* ---- DANE ------------------------------------------------------------------------------------ */

/* What selector 1 is about: the certificate's SubjectPublicKeyInfo. */
static struct str key_of(struct str der, unsigned char **owned)
{
    const unsigned char *at = (const unsigned char *)der.p;
    AUTO(close_certificate) X509 *x = d2i_X509(NULL, &at, (long)der.n);
    int n = x ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), owned) : 0;
    return n > 0 ? str_bytes(*owned, (size_t)n) : STR("");
}

static bool matches(const struct dane_record *r, struct str der)
{
    unsigned char digest[SHA512_DIGEST_LENGTH], *owned = NULL;
    struct str data = r->selector == 1 ? key_of(der, &owned) : der;
    if (r->matching == 1)
        data =
            str_bytes(SHA256((const unsigned char *)data.p, data.n, digest), SHA256_DIGEST_LENGTH);
    else if (r->matching == 2)
        data =
            str_bytes(SHA512((const unsigned char *)data.p, data.n, digest), SHA512_DIGEST_LENGTH);
    bool same = data.n > 0 && str_eq(data, r->data);
    OPENSSL_free(owned);
    return same;
}

bool probe_matches(const struct probe *p, const struct dane *d)
{
    for (size_t i = 0; i < d->n; i++) {
        const struct dane_record *r = &d->records[i];
        size_t among = r->usage == 3 ? 1 : p->chain_n;
        for (size_t j = 0; r->usable && j < among && j < p->chain_n; j++)
            if (matches(r, p->chain[j]))
                return true;
    }
    return false;
}
