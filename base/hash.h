/* hash -- SHA-256, HMAC-SHA-256, random bytes and comparison in constant time (OpenSSL).
 * Algorithms are fetched once per process. Any thread. Failure of the random source exits. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

struct digest {
    uint8_t b[32];
};

static inline struct str digest_str(const struct digest *d)
{
    return str_bytes(d->b, sizeof d->b);
}

void hash_sha256(struct str data, struct digest *out);

/* Over several parts, each preceded by its length as 8 bytes big-endian, so that ("ab","c") and
 * ("a","bc") differ. */
void hash_sha256_parts(const struct str *parts, size_t n, struct digest *out);
/* Of one text, piece by piece; between begin and end this thread hashes nothing else. */
void hash_sha256_begin(void);
void hash_sha256_add(struct str piece);
void hash_sha256_end(struct digest *out);
void hash_hmac(struct str key, struct str data, struct digest *out);
void hash_hmac_parts(struct str key, const struct str *parts, size_t n, struct digest *out);

bool hash_equal(struct str a, struct str b); /* constant time for equal lengths */
bool digest_equal(const struct digest *a, const struct digest *b);
void hash_random(void *out, size_t n);

#endif
