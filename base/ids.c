#include "base/ids.h"

#include "base/err.h"
#include "base/hash.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define DIGITS "0123456789abcdefghjkmnpqrstvwxyz" /* Crockford: no i, l, o, u */
#define LENGTH 26
#define TIME_BYTES 6
#define RANDOM_BYTES 10

/* Big-endian, so that adding one and comparing are those of one number. */
struct number {
    uint8_t b[TIME_BYTES + RANDOM_BYTES];
};

struct ids {
    const struct clock *clock;
    pthread_mutex_t lock; /* guards last_ms and last */
    int64_t last_ms;
    struct number last;
};

struct ids *ids_open(const struct clock *clock)
{
    struct ids *g = calloc(1, sizeof *g);

    if (!g)
        err_out_of_memory();
    g->clock = clock;
    g->last_ms = -1;
    pthread_mutex_init(&g->lock, NULL);
    return g;
}

void ids_close(struct ids **g)
{
    if (!*g)
        return;
    pthread_mutex_destroy(&(*g)->lock);
    free(*g);
    *g = NULL;
}

/* A carry out of the random part goes on into the time: order holds even then. */
static void add_one(struct number *n)
{
    for (size_t i = sizeof n->b; i-- > 0;)
        if (++n->b[i] != 0)
            return;
}

static void begin_millisecond(struct number *n, int64_t ms)
{
    for (int i = TIME_BYTES - 1; i >= 0; i--, ms >>= 8)
        n->b[i] = (uint8_t)ms;
    hash_random(n->b + TIME_BYTES, RANDOM_BYTES);
    n->b[TIME_BYTES] &= 0x7f; /* room above for 2^79 more within this millisecond */
}

/* A clock that steps back does not bring IDs back: they count on from the last one. */
static struct number next(struct ids *g)
{
    pthread_mutex_lock(&g->lock);
    int64_t now_ms = clock_now_ms(g->clock);
    if (now_ms > g->last_ms) {
        begin_millisecond(&g->last, now_ms);
        g->last_ms = now_ms;
    } else {
        add_one(&g->last);
    }
    struct number n = g->last;
    pthread_mutex_unlock(&g->lock);
    return n;
}

void ids_new(struct ids *g, const char *prefix, struct id *out)
{
    struct number n = next(g);
    char text[LENGTH + 1];
    uint32_t held = 0;
    unsigned held_bits = 2; /* two zero bits in front: 26 digits hold 130 bits, not 128 */
    size_t at = 0;

    for (size_t i = 0; i < sizeof n.b; i++) {
        held = held << 8 | n.b[i];
        held_bits += 8;
        while (held_bits >= 5) {
            held_bits -= 5;
            text[at++] = DIGITS[held >> held_bits & 31];
        }
    }
    text[at] = 0;
    snprintf(out->s, sizeof out->s, "%.*s%s", (int)sizeof out->s - LENGTH - 1, prefix, text);
}

bool id_is_valid(struct str text, const char *prefix)
{
    struct str digits = str_slice(text, strlen(prefix), text.n);

    if (!str_starts(text, str_of(prefix)) || digits.n != LENGTH || digits.p[0] > '7')
        return false;
    for (size_t i = 0; i < digits.n; i++)
        if (digits.p[i] == 0 || !strchr(DIGITS, digits.p[i]))
            return false;
    return true;
}
