/* clock -- the time, injected: tests hand in their own and never sleep.
 * Units: *_ms are milliseconds since the Unix epoch, UTC; steady_ns only measures spans.
 * Any thread, a clock_fake too: its time is atomic. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/str.h"

struct clock {
    int64_t (*now_ms)(void *state);
    void *state;
};

const struct clock *clock_system(void);

static inline int64_t clock_now_ms(const struct clock *c)
{
    return c->now_ms(c->state);
}

/* A clock that stands until told otherwise: `struct clock_fake f = {.ms = 1000}`. */
struct clock_fake {
    _Atomic int64_t ms;
};
struct clock clock_of_fake(struct clock_fake *f);

int64_t clock_steady_ns(void);

#define CLOCK_RFC3339_SIZE 25 /* "2026-11-21T08:09:10.123Z" */
void clock_rfc3339(int64_t ms, char out[CLOCK_RFC3339_SIZE]);
/* Accepts RFC 3339 with "Z" or an offset, with or without a fraction; upper or lower case
 * letters. */
bool clock_parse_rfc3339(struct str s, int64_t *out_ms);

#endif
