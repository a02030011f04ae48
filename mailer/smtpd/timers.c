#include "mailer/smtpd/timers.h"

#include "base/err.h"

#include <stdlib.h>

static void put(struct timers *t, size_t place, struct timer *one)
{
    t->heap[place - 1] = one;
    one->place = place;
}

static struct timer *at(const struct timers *t, size_t place)
{
    return t->heap[place - 1];
}

static void rise(struct timers *t, struct timer *one)
{
    size_t place = one->place;

    for (; place > 1 && at(t, place / 2)->at_ms > one->at_ms; place /= 2)
        put(t, place, at(t, place / 2));
    put(t, place, one);
}

static void sink(struct timers *t, struct timer *one)
{
    size_t place = one->place;

    for (size_t child = place * 2; child <= t->n; child = place * 2) {
        if (child < t->n && at(t, child + 1)->at_ms < at(t, child)->at_ms)
            child++;
        if (at(t, child)->at_ms >= one->at_ms)
            break;
        put(t, place, at(t, child));
        place = child;
    }
    put(t, place, one);
}

static void settle(struct timers *t, struct timer *one)
{
    rise(t, one);
    sink(t, one);
}

void timers_set(struct timers *t, struct timer *one, int64_t at_ms)
{
    if (one->place == 0) {
        if (t->n == t->cap) {
            t->cap = t->cap > 0 ? t->cap * 2 : 64;
            t->heap = reallocarray(t->heap, t->cap, sizeof *t->heap);
            if (!t->heap)
                err_out_of_memory();
        }
        t->n++;
        put(t, t->n, one);
    }
    one->at_ms = at_ms;
    settle(t, one);
}

void timers_remove(struct timers *t, struct timer *one)
{
    if (one->place == 0)
        return;
    struct timer *last = at(t, t->n--);
    if (last != one) {
        put(t, one->place, last);
        settle(t, last);
    }
    one->place = 0;
}

struct timer *timers_first(const struct timers *t)
{
    return t->n > 0 ? t->heap[0] : NULL;
}

void timers_close(struct timers *t)
{
    free(t->heap);
    *t = (struct timers){0};
}
