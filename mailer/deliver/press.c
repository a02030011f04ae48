#include "mailer/deliver/press.h"

#include "base/clock.h"
#include "base/err.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#define NO_SLOT SIZE_MAX
#define SLOTS_MAX 256
#define KEPT_BYTES (256u << 10) /* of a slot's buffer, from one letter to the next */
#define NS_PER_S INT64_C(1000000000)

struct waiter {
    pthread_cond_t called;
    size_t slot; /* NO_SLOT until it is called */
    struct waiter *next;
};

struct press {
    pthread_mutex_t lock; /* guards all below; a slot's buffer belongs to its holder */
    struct waiter *first, **last;
    size_t waiting;
    size_t free[SLOTS_MAX], free_n;
    struct buf messages[SLOTS_MAX];
};

/* Whoever is called has his slot before he has a processor, and waits for one behind all others: with a slot more than
 * processors all of them were often held by such, and the processors had nothing to do. */
#define SLOTS_PER_PROCESSOR 4

static size_t slots_by_processors(void)
{
    cpu_set_t ours;
    int n = sched_getaffinity(0, sizeof ours, &ours) == 0 ? CPU_COUNT(&ours) : 1;

    return (size_t)n * SLOTS_PER_PROCESSOR;
}

struct press *press_open(size_t slots)
{
    struct press *p = calloc(1, sizeof *p);

    if (!p)
        err_out_of_memory();
    pthread_mutex_init(&p->lock, NULL);
    p->last = &p->first;
    if (slots == 0)
        slots = slots_by_processors();
    for (size_t i = 0; i < slots && i < SLOTS_MAX; i++)
        p->free[p->free_n++] = i;
    return p;
}

void press_close(struct press **p)
{
    if (!*p)
        return;
    for (size_t i = 0; i < SLOTS_MAX; i++)
        buf_close(&(*p)->messages[i]);
    pthread_mutex_destroy(&(*p)->lock);
    free(*p);
    *p = NULL;
}

static void drop_out(struct press *p, struct waiter *w)
{
    struct waiter **link = &p->first;

    while (*link != w)
        link = &(*link)->next;
    *link = w->next;
    if (!*link)
        p->last = link;
}

/* Under the lock: until it is called or out of patience. */
static size_t wait_in_line(struct press *p)
{
    int64_t until = clock_steady_ns() + PRESS_PATIENCE_MS * INT64_C(1000000);
    const struct timespec at = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
    struct waiter w = {.slot = NO_SLOT};
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w.called, &attr);
    pthread_condattr_destroy(&attr);
    *p->last = &w;
    p->last = &w.next;
    p->waiting++;
    while (w.slot == NO_SLOT && clock_steady_ns() < until)
        pthread_cond_timedwait(&w.called, &p->lock, &at);
    p->waiting--;
    if (w.slot == NO_SLOT)
        drop_out(p, &w);
    pthread_cond_destroy(&w.called);
    return w.slot;
}

void press_enter(struct press *p, struct press_slot *out)
{
    *out = (struct press_slot){0};
    pthread_mutex_lock(&p->lock);
    out->number = p->free_n > 0 && !p->first ? p->free[--p->free_n] : wait_in_line(p);
    pthread_mutex_unlock(&p->lock);
    out->message = out->number == NO_SLOT ? &out->own : &p->messages[out->number];
    buf_clear(out->message);
}

void press_leave(struct press *p, struct press_slot *s)
{
    if (s->message->cap > KEPT_BYTES || s->number == NO_SLOT)
        buf_close(s->message);
    s->message = NULL;
    if (s->number == NO_SLOT)
        return;
    pthread_mutex_lock(&p->lock);
    struct waiter *w = p->first;
    if (w) {
        p->first = w->next;
        if (!p->first)
            p->last = &p->first;
        w->slot = s->number;
        pthread_cond_signal(&w->called);
    } else {
        p->free[p->free_n++] = s->number;
    }
    pthread_mutex_unlock(&p->lock);
}

size_t press_waiting(struct press *p)
{
    pthread_mutex_lock(&p->lock);
    size_t n = p->waiting;
    pthread_mutex_unlock(&p->lock);
    return n;
}
