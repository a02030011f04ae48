#include "base/seal.h"

#include "base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#define NONCE_BYTES 12
#define TAG_BYTES 16
#define PIECE_BYTES (1 << 30) /* OpenSSL counts in int */

/* Fetching by name takes longer than sealing a short text (OpenSSL 3.0), and so does setting a context up for a cipher:
 * the cipher is fetched once per process, each thread has a context that is set up for it, and a call hands that key
 * and nonce alone, the key only where it is another one than before. A context keeps its last key and that key's
 * schedule in memory until the next call or the thread's end; wiping them each time would double the cost of a short
 * text. */
struct context {
    EVP_CIPHER_CTX *cipher;
    struct seal_key last;
    bool has_key;
};

static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_CIPHER *aes_256_gcm;
static pthread_key_t thread_context;

static void must(bool done)
{
    if (!done)
        err_out_of_memory();
}

static void drop_context(void *p)
{
    struct context *c = p;

    EVP_CIPHER_CTX_free(c->cipher);
    seal_key_wipe(&c->last);
    free(c);
}

static void fetch(void)
{
    aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    must(aes_256_gcm && pthread_key_create(&thread_context, drop_context) == 0);
}

static struct context *context(void)
{
    pthread_once(&fetched, fetch);
    struct context *c = pthread_getspecific(thread_context);
    if (c)
        return c;
    must((c = calloc(1, sizeof *c)) && (c->cipher = EVP_CIPHER_CTX_new()) &&
         EVP_CipherInit_ex2(c->cipher, aes_256_gcm, NULL, NULL, 1, NULL) &&
         pthread_setspecific(thread_context, c) == 0);
    return c;
}

static EVP_CIPHER_CTX *begin(const struct seal_key *k, const uint8_t *nonce, bool seals)
{
    struct context *c = context();
    bool same = c->has_key && CRYPTO_memcmp(c->last.b, k->b, sizeof k->b) == 0;

    must(EVP_CipherInit_ex2(c->cipher, NULL, same ? NULL : k->b, nonce, seals, NULL));
    c->last = *k;
    c->has_key = true;
    return c->cipher;
}

/* Runs `in` through the cipher; out == NULL means associated text. */
static bool feed(EVP_CIPHER_CTX *c, struct str in, uint8_t *out)
{
    while (in.n > 0) {
        int done, piece = in.n > PIECE_BYTES ? PIECE_BYTES : (int)in.n;
        if (!EVP_CipherUpdate(c, out, &done, (const uint8_t *)in.p, piece))
            return false;
        if (out)
            out += done;
        in = str_slice(in, (size_t)piece, in.n);
    }
    return true;
}

void seal_key_new(struct seal_key *out)
{
    hash_random(out->b, sizeof out->b);
}

void seal_key_wipe(struct seal_key *k)
{
    explicit_bzero(k, sizeof *k);
}

void seal_add(const struct seal_key *k, struct str associated, struct str plain, struct buf *out)
{
    seal_add_parts(k, associated, &plain, 1, out);
}

void seal_add_parts(const struct seal_key *k, struct str associated, const struct str *parts,
    size_t n, struct buf *out)
{
    size_t whole = 0;
    int none;

    for (size_t i = 0; i < n; i++)
        whole += parts[i].n;
    uint8_t *p = (uint8_t *)buf_room(out, whole + SEAL_OVERHEAD);
    uint8_t *text = p + NONCE_BYTES, *tag = text + whole;
    hash_random(p, NONCE_BYTES);
    EVP_CIPHER_CTX *c = begin(k, p, true);
    must(feed(c, associated, NULL));
    for (size_t i = 0; i < n; text += parts[i++].n)
        must(feed(c, parts[i], text));
    must(EVP_EncryptFinal_ex(c, tag, &none) &&
         EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag));
    out->n += whole + SEAL_OVERHEAD;
    out->p[out->n] = 0;
}

bool seal_open(const struct seal_key *k, struct str associated, struct str sealed, struct buf *out,
    struct err *e)
{
    if (sealed.n < SEAL_OVERHEAD)
        return err_set(e, ERR_CORRUPT, "sealed bytes are too short: %zu", sealed.n);
    struct str nonce = str_slice(sealed, 0, NONCE_BYTES);
    struct str text = str_slice(sealed, NONCE_BYTES, sealed.n - TAG_BYTES);
    uint8_t tag[TAG_BYTES];
    memcpy(tag, sealed.p + sealed.n - TAG_BYTES, TAG_BYTES);
    uint8_t *p = (uint8_t *)buf_room(out, text.n);
    int none;
    EVP_CIPHER_CTX *c = begin(k, (const uint8_t *)nonce.p, false);
    must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag));
    if (!feed(c, associated, NULL) || !feed(c, text, p) ||
        EVP_DecryptFinal_ex(c, p + text.n, &none) != 1) {
        explicit_bzero(p, text.n); /* what did not verify must not be read */
        return err_set(e, ERR_CORRUPT, "sealed bytes do not verify");
    }
    out->n += text.n;
    out->p[out->n] = 0;
    return true;
}
