#include "queue/sieve.h"

#include "base/err.h"

#include <stdlib.h>

#define PROBES 4 /* of four bytes of the hash each */

struct sieve {
    size_t mask; /* of a bit's number */
    unsigned char bits[];
};

struct sieve *sieve_open(size_t bytes)
{
    struct sieve *s = calloc(1, sizeof *s + bytes);

    if (!s)
        err_out_of_memory();
    s->mask = bytes * 8 - 1;
    return s;
}

void sieve_close(struct sieve **s)
{
    free(*s);
    *s = NULL;
}

static size_t bit_of(const struct sieve *s, const struct digest *d, size_t probe)
{
    uint32_t x;

    memcpy(&x, d->b + probe * sizeof x, sizeof x);
    return x & s->mask;
}

void sieve_put(struct sieve *s, const struct digest *d)
{
    for (size_t i = 0; i < PROBES; i++) {
        size_t bit = bit_of(s, d, i);

        s->bits[bit / 8] |= (unsigned char)(1u << bit % 8);
    }
}

static bool may_hold(const struct sieve *s, const struct digest *d)
{
    for (size_t i = 0; i < PROBES; i++) {
        size_t bit = bit_of(s, d, i);

        if (!(s->bits[bit / 8] & 1u << bit % 8))
            return false;
    }
    return true;
}

bool sieve_may_hold(const struct sieve *s, const struct keyed *who)
{
    for (size_t i = 0; i < who->n; i++)
        if (may_hold(s, &who->hash[i]))
            return true;
    return false;
}
