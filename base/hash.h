/* hash -- SHA-256, HMAC-SHA-256, random bytes and comparison in constant time (OpenSSL).
 * Cannot fail, but that failure of the random source exits. Any thread. */
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
/* Of one text, piece by piece; each thread has one such text under way, and may leave it unfinished. */
void hash_sha256_begin(void);
void hash_sha256_add(struct str piece);
void hash_sha256_end(struct digest *out);
void hash_hmac(struct str key, struct str data, struct digest *out);
void hash_hmac_parts(struct str key, const struct str *parts, size_t n, struct digest *out);

bool hash_equal(struct str a, struct str b); /* constant time for equal lengths */
bool digest_equal(const struct digest *a, const struct digest *b);
/* From OpenSSL's generator, seeded by the system. Short ones come out of a stock that it filled for this thread alone;
 * each byte of it is given once and wiped, and a child of fork() draws its own, so that nonces stay unique. */
void hash_random(void *out, size_t n);

#endif
