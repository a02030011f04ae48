#include "base/hash.h"

#include "base/err.h"
#include "base/log.h"

/* The functions of SHA-256 itself. OpenSSL 3 would rather be asked through EVP, but that takes memory, looks up
 * parameters and gives all back for each hash, which costs several times what a short text does. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Asking for 16 random bytes costs about as much as for 1,024, so that short ones are handed out of a stock. Each
 * thread has its own; what was handed out is wiped here, and a child of fork() throws away what it finds: no byte is
 * given twice. */
#define STOCK_BYTES 1024
#define SHORT_BYTES 64

struct stock {
    unsigned char b[STOCK_BYTES];
    size_t n; /* bytes that are left, the first of b */
    unsigned generation;
};

static pthread_once_t prepared = PTHREAD_ONCE_INIT;
static pthread_key_t thread_stock;
static atomic_uint generation; /* one higher in each child of fork() */
static _Thread_local SHA256_CTX running;

/* ---- SHA-256 ---- */

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

static void add_parts(SHA256_CTX *c, const struct str *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct length length = length_of(parts[i]);
        SHA256_Update(c, length.b, sizeof length.b);
        SHA256_Update(c, parts[i].p, parts[i].n);
    }
}

void hash_sha256_begin(void)
{
    SHA256_Init(&running);
}

void hash_sha256_add(struct str piece)
{
    SHA256_Update(&running, piece.p, piece.n);
}

void hash_sha256_end(struct digest *out)
{
    SHA256_Final(out->b, &running);
}

void hash_sha256(struct str data, struct digest *out)
{
    SHA256_CTX c;

    SHA256_Init(&c);
    SHA256_Update(&c, data.p, data.n);
    SHA256_Final(out->b, &c);
}

void hash_sha256_parts(const struct str *parts, size_t n, struct digest *out)
{
    SHA256_CTX c;

    SHA256_Init(&c);
    add_parts(&c, parts, n);
    SHA256_Final(out->b, &c);
}

/* ---- HMAC: RFC 2104 ---- */

struct hmac {
    SHA256_CTX inner, outer;
};

static void begin_hmac(struct hmac *h, struct str key)
{
    uint8_t pad[SHA256_CBLOCK] = {0};

    if (key.n > sizeof pad)
        SHA256((const uint8_t *)key.p, key.n, pad);
    else if (key.n > 0)
        memcpy(pad, key.p, key.n);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36;
    SHA256_Init(&h->inner);
    SHA256_Update(&h->inner, pad, sizeof pad);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    SHA256_Init(&h->outer);
    SHA256_Update(&h->outer, pad, sizeof pad);
    explicit_bzero(pad, sizeof pad);
}

/* What is left in both states afterwards is hashes, nothing of the key. */
static void end_hmac(struct hmac *h, struct digest *out)
{
    SHA256_Final(out->b, &h->inner);
    SHA256_Update(&h->outer, out->b, sizeof out->b);
    SHA256_Final(out->b, &h->outer);
}

void hash_hmac(struct str key, struct str data, struct digest *out)
{
    struct hmac h;

    begin_hmac(&h, key);
    SHA256_Update(&h.inner, data.p, data.n);
    end_hmac(&h, out);
}

void hash_hmac_parts(struct str key, const struct str *parts, size_t n, struct digest *out)
{
    struct hmac h;

    begin_hmac(&h, key);
    add_parts(&h.inner, parts, n);
    end_hmac(&h, out);
}

/* ---- comparison ---- */

bool hash_equal(struct str a, struct str b)
{
    return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return CRYPTO_memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* ---- random bytes ---- */

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

static void drop_stock(void *stock)
{
    explicit_bzero(stock, sizeof(struct stock));
    free(stock);
}

static void begin_generation(void)
{
    atomic_fetch_add(&generation, 1);
}

static void prepare(void)
{
    if (pthread_key_create(&thread_stock, drop_stock) != 0 ||
        pthread_atfork(NULL, NULL, begin_generation) != 0)
        err_out_of_memory();
}

static struct stock *stock(void)
{
    pthread_once(&prepared, prepare);
    struct stock *s = pthread_getspecific(thread_stock);
    if (s)
        return s;
    s = calloc(1, sizeof *s);
    if (!s || pthread_setspecific(thread_stock, s) != 0)
        err_out_of_memory();
    return s;
}

void hash_random(void *out, size_t n)
{
    if (n > SHORT_BYTES) {
        draw(out, n);
        return;
    }
    struct stock *s = stock();
    if (s->n < n || s->generation != atomic_load(&generation)) {
        draw(s->b, sizeof s->b);
        s->n = sizeof s->b;
        s->generation = atomic_load(&generation);
    }
    s->n -= n;
    memcpy(out, s->b + s->n, n);
    explicit_bzero(s->b + s->n, n);
}
