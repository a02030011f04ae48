/* timers -- a heap of moments to wake at, the earliest first.
 * Shape: the owner embeds a struct timer, zeroed, and removes it before it goes.
 * Units: milliseconds of whatever clock the owner reads. The heap owns only its array. One thread. */
#ifndef MAILER_SMTPD_TIMERS_H
#define MAILER_SMTPD_TIMERS_H

#include "base/lang.h"

struct timer {
    int64_t at_ms;
    size_t place; /* in the heap, from 1; 0 = not set */
    void *owner;
};

struct timers {
    struct timer **heap;
    size_t n, cap;
};

void timers_set(struct timers *t, struct timer *one, int64_t at_ms); /* sets or moves */
void timers_remove(struct timers *t, struct timer *one);
struct timer *timers_first(const struct timers *t); /* NULL when none is set */
void timers_close(struct timers *t);

#endif
