/* Private keys: made, read, and their public half shown. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/encode.h"
#include "mailer/mime/address.h"
#include "mailer/mime/dkim_key.h"

#define LEAST_BITS 2048 /* what receivers ask of bulk senders */
#define MOST_BITS 4096  /* RFC 8301 s3.2; larger ones fit neither DNS nor patience */

const char *dkim_algorithm_name(enum dkim_algorithm a)
{
    return a == DKIM_RSA_SHA256 ? "rsa-sha256" : "ed25519-sha256";
}

/* ---- PEM ------------------------------------------------------------------------------------- */

static void close_bio(BIO **b)
{
    BIO_free(*b);
}

/* Instead of a prompt on the terminal: an encrypted key does not open. */
static int no_passphrase(char *out, int size, int writing, void *u)
{
    (void)out, (void)size, (void)writing, (void)u;
    return -1;
}

static EVP_PKEY *read_pem(struct str pem)
{
    AUTO(close_bio) BIO *in = pem.n <= 64 * 1024 ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *key =
        in ? PEM_read_bio_PrivateKey_ex(in, NULL, no_passphrase, NULL, NULL, NULL) : NULL;

    ERR_clear_error();
    return key;
}

static bool write_pem(EVP_PKEY *key, struct buf *out)
{
    AUTO(close_bio) BIO *bio = BIO_new(BIO_s_mem());
    char *p = NULL;
    long n;

    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return false;
    n = BIO_get_mem_data(bio, &p);
    buf_add(out, str_bytes(p, (size_t)n));
    OPENSSL_cleanse(p, (size_t)n);
    return true;
}

bool dkim_key_new(enum dkim_algorithm algorithm, int bits, struct buf *pem, struct err *e)
{
    EVP_PKEY *key;
    bool written;

    if (algorithm == DKIM_RSA_SHA256 && (bits < LEAST_BITS || bits > MOST_BITS))
        return err_set(e, ERR_INPUT, "an RSA key must have %d to %d bits", LEAST_BITS, MOST_BITS);
    key = algorithm == DKIM_RSA_SHA256 ? EVP_RSA_gen((unsigned)bits)
                                       : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    written = key && write_pem(key, pem);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return written ? true : err_set(e, ERR_LIBRARY, "OpenSSL made no key");
}

/* ---- opening --------------------------------------------------------------------------------- */

/* One or more labels (RFC 6376 s3.1) of what DNS names usually hold. */
static bool selector_copy(const char *selector, char *out, size_t size)
{
    struct str s = str_of(selector);

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool inner = i > 0 && i + 1 < s.n && s.p[i - 1] != '.';

        if (!letter && c != '_' && !((c == '-' || c == '.') && inner))
            return false;
    }
    return s.n > 0 && str_copy(s, out, size);
}

static bool name_key(struct dkim_key *k, const char *domain, const char *selector, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct str ascii;

    if (!address_domain(str_of(domain), a, &ascii, e))
        return err_prefix(e, "DKIM domain \"%s\"", domain);
    if (!str_copy(ascii, k->domain, sizeof k->domain))
        return err_set(e, ERR_INPUT, "DKIM domain \"%s\" is too long", domain);
    if (!selector_copy(selector, k->selector, sizeof k->selector))
        return err_set(e, ERR_INPUT,
            "DKIM selector \"%s\" must be letters, digits, hyphens, underscores and dots, at most "
            "63",
            selector);
    return true;
}

static bool describe_rsa(struct dkim_key *k, struct err *e)
{
    unsigned char *der = NULL;
    int n;

    k->algorithm = DKIM_RSA_SHA256;
    k->bits = EVP_PKEY_get_bits(k->pkey);
    if (k->bits < LEAST_BITS || k->bits > MOST_BITS)
        return err_set(e, ERR_INPUT, "the RSA key has %d bits; %d to %d are accepted", k->bits,
            LEAST_BITS, MOST_BITS);
    n = i2d_PUBKEY(k->pkey, &der);
    if (n <= 0)
        return err_set(e, ERR_LIBRARY, "OpenSSL shows no public key");
    buf_add(&k->public_half, str_bytes(der, (size_t)n));
    OPENSSL_free(der);
    return true;
}

static bool describe_ed25519(struct dkim_key *k, struct err *e)
{
    unsigned char raw[32];
    size_t n = sizeof raw;

    k->algorithm = DKIM_ED25519_SHA256;
    k->bits = 256;
    if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &n) != 1)
        return err_set(e, ERR_LIBRARY, "OpenSSL shows no public key");
    buf_add(&k->public_half, str_bytes(raw, n));
    return true;
}

static bool load_key(struct dkim_key *k, struct str pem, struct err *e)
{
    k->pkey = read_pem(pem);
    if (!k->pkey)
        return err_set(e, ERR_INPUT, "this is no private key as PEM without a passphrase");
    /* Written anew: the library looks at the first bytes of the text, which may be a comment. */
    if (!write_pem(k->pkey, &k->pem))
        return err_set(e, ERR_LIBRARY, "OpenSSL does not write the key");
    if (EVP_PKEY_is_a(k->pkey, "RSA"))
        return describe_rsa(k, e);
    if (EVP_PKEY_is_a(k->pkey, "ED25519"))
        return describe_ed25519(k, e);
    return err_set(e, ERR_INPUT, "the key is neither RSA nor Ed25519");
}

bool dkim_key_open(
    const char *domain, const char *selector, struct str pem, struct dkim_key **out, struct err *e)
{
    struct dkim_key *k = calloc(1, sizeof *k);

    if (!k)
        err_out_of_memory();
    if (!name_key(k, domain, selector, e) || !load_key(k, pem, e)) {
        dkim_key_close(&k);
        return false;
    }
    *out = k;
    return true;
}

void dkim_key_close(struct dkim_key **k)
{
    if (!*k)
        return;
    EVP_PKEY_free((*k)->pkey);
    buf_wipe(&(*k)->pem);
    buf_close(&(*k)->public_half);
    free(*k);
    *k = NULL;
}

/* ---- looking --------------------------------------------------------------------------------- */

const char *dkim_key_domain(const struct dkim_key *k)
{
    return k->domain;
}

const char *dkim_key_selector(const struct dkim_key *k)
{
    return k->selector;
}

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *k)
{
    return k->algorithm;
}

int dkim_key_bits(const struct dkim_key *k)
{
    return k->bits;
}

struct str dkim_key_public(const struct dkim_key *k)
{
    return buf_str(&k->public_half);
}

void dkim_key_record(const struct dkim_key *k, struct buf *out)
{
    buf_addf(out, "v=DKIM1; k=%s; p=", k->algorithm == DKIM_RSA_SHA256 ? "rsa" : "ed25519");
    encode_base64(out, buf_str(&k->public_half));
}
