#include "base/hash.h"

#include "base/err.h"
#include "base/log.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* Fetching by name takes longer than hashing a short text (OpenSSL 3.0), so the algorithms are
 * fetched once per process and the contexts made once per thread. */
static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;
static EVP_MAC *hmac;
static pthread_key_t thread_contexts;

/* Asking for 16 random bytes costs about as much as for 512, so that short ones are handed out of a stock. What was handed
 * out is wiped here, and a child of fork() begins with an empty stock. */
#define STOCK_BYTES 512
#define SHORT_BYTES 64

struct contexts {
    EVP_MD_CTX *digest;
    EVP_MAC_CTX *mac;
    unsigned char stock[STOCK_BYTES];
    size_t stock_n; /* bytes that are left, the first of it */
    pid_t stock_of;
};

/* With valid arguments these calls fail for want of memory only. */
static void must(bool done)
{
    if (!done)
        err_out_of_memory();
}

static void drop_contexts(void *p)
{
    struct contexts *c = p;

    EVP_MD_CTX_free(c->digest);
    EVP_MAC_CTX_free(c->mac);
    explicit_bzero(c->stock, sizeof c->stock);
    free(c);
}

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    must(sha256 && hmac && pthread_key_create(&thread_contexts, drop_contexts) == 0);
}

static struct contexts *contexts(void)
{
    pthread_once(&fetched, fetch);
    struct contexts *c = pthread_getspecific(thread_contexts);
    if (c)
        return c;
    must((c = calloc(1, sizeof *c)));
    must((c->digest = EVP_MD_CTX_new()) && (c->mac = EVP_MAC_CTX_new(hmac)));
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };
    must(EVP_MAC_CTX_set_params(c->mac, params));
    must(pthread_setspecific(thread_contexts, c) == 0);
    return c;
}

/* A part's length as 8 bytes big-endian. */
struct length {
    uint8_t b[8];
};

static struct length length_of(struct str part)
{
    struct length out;

    for (int i = 7; i >= 0; i--, part.n >>= 8)
        out.b[i] = (uint8_t)part.n;
    return out;
}

void hash_sha256_begin(void)
{
    EVP_MD_CTX *c = contexts()->digest;

    must(EVP_DigestInit_ex2(c, sha256, NULL));
}

void hash_sha256_add(struct str piece)
{
    must(EVP_DigestUpdate(contexts()->digest, piece.p, piece.n));
}

void hash_sha256_end(struct digest *out)
{
    must(EVP_DigestFinal_ex(contexts()->digest, out->b, NULL));
}

void hash_sha256(struct str data, struct digest *out)
{
    hash_sha256_begin();
    hash_sha256_add(data);
    hash_sha256_end(out);
}

void hash_sha256_parts(const struct str *parts, size_t n, struct digest *out)
{
    EVP_MD_CTX *c = contexts()->digest;

    must(EVP_DigestInit_ex2(c, sha256, NULL));
    for (size_t i = 0; i < n; i++) {
        struct length length = length_of(parts[i]);
        must(EVP_DigestUpdate(c, length.b, sizeof length.b) &&
             EVP_DigestUpdate(c, parts[i].p, parts[i].n));
    }
    must(EVP_DigestFinal_ex(c, out->b, NULL));
}

/* OpenSSL keeps the key of the last call where it is handed none; an empty key is one of ours. */
static EVP_MAC_CTX *begin_hmac(struct str key)
{
    static const unsigned char none[1];
    EVP_MAC_CTX *c = contexts()->mac;

    must(EVP_MAC_init(c, key.n > 0 ? (const unsigned char *)key.p : none, key.n, NULL));
    return c;
}

static void add(EVP_MAC_CTX *c, const void *p, size_t n)
{
    must(EVP_MAC_update(c, p, n));
}

static void end_hmac(EVP_MAC_CTX *c, struct digest *out)
{
    size_t n;

    must(EVP_MAC_final(c, out->b, &n, sizeof out->b));
}

void hash_hmac(struct str key, struct str data, struct digest *out)
{
    EVP_MAC_CTX *c = begin_hmac(key);

    add(c, data.p, data.n);
    end_hmac(c, out);
}

void hash_hmac_parts(struct str key, const struct str *parts, size_t n, struct digest *out)
{
    EVP_MAC_CTX *c = begin_hmac(key);

    for (size_t i = 0; i < n; i++) {
        struct length length = length_of(parts[i]);
        add(c, length.b, sizeof length.b);
        add(c, parts[i].p, parts[i].n);
    }
    end_hmac(c, out);
}

bool hash_equal(struct str a, struct str b)
{
    return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return CRYPTO_memcmp(a->b, b->b, sizeof a->b) == 0;
}

static void draw(void *out, size_t n)
{
    for (unsigned char *p = out; n > 0;) {
        int piece = n > 1 << 20 ? 1 << 20 : (int)n;
        if (RAND_bytes(p, piece) != 1) {
            log_error("no-random-bytes");
            _exit(71); /* EX_OSERR: guessable keys and nonces would be worse than none */
        }
        p += piece;
        n -= (size_t)piece;
    }
}

void hash_random(void *out, size_t n)
{
    if (n > SHORT_BYTES) {
        draw(out, n);
        return;
    }
    struct contexts *c = contexts();
    if (c->stock_n < n || c->stock_of != getpid()) {
        draw(c->stock, sizeof c->stock);
        c->stock_n = sizeof c->stock;
        c->stock_of = getpid();
    }
    c->stock_n -= n;
    memcpy(out, c->stock + c->stock_n, n);
    explicit_bzero(c->stock + c->stock_n, n);
}
