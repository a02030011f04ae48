#include "mailer/deliver/slots.h"

#include "base/err.h"

#include <pthread.h>
#include <stdlib.h>

struct waiter {
    pthread_cond_t called;
    size_t slot;
    struct waiter *next;
};

struct slots {
    pthread_mutex_t lock; /* guards all below */
    bool stop;
    struct waiter *first, **last; /* none while a slot is free */
    size_t *free, free_n;
};

struct slots *slots_open(size_t n)
{
    struct slots *s = calloc(1, sizeof *s);

    if (!s || !(s->free = calloc(n, sizeof *s->free)))
        err_out_of_memory();
    pthread_mutex_init(&s->lock, NULL);
    s->last = &s->first;
    for (size_t i = n; i > 0; i--)
        s->free[s->free_n++] = i - 1;
    return s;
}

void slots_close(struct slots **s)
{
    if (!*s)
        return;
    pthread_mutex_destroy(&(*s)->lock);
    free((*s)->free);
    free(*s);
    *s = NULL;
}

void slots_stop(struct slots *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    for (struct waiter *w = s->first; w; w = w->next)
        pthread_cond_signal(&w->called);
    pthread_mutex_unlock(&s->lock);
}

static void drop_out(struct slots *s, struct waiter *w)
{
    struct waiter **link = &s->first;

    while (*link != w)
        link = &(*link)->next;
    *link = w->next;
    if (!*link)
        s->last = link;
}

/* Under the lock. */
static size_t wait_in_line(struct slots *s)
{
    struct waiter w = {.slot = SLOT_NONE};

    pthread_cond_init(&w.called, NULL);
    *s->last = &w;
    s->last = &w.next;
    while (w.slot == SLOT_NONE && !s->stop)
        pthread_cond_wait(&w.called, &s->lock);
    if (w.slot == SLOT_NONE)
        drop_out(s, &w);
    pthread_cond_destroy(&w.called);
    return w.slot;
}

static void give(struct slots *s, size_t slot)
{
    struct waiter *w = s->first;

    if (!w) {
        s->free[s->free_n++] = slot;
        return;
    }
    s->first = w->next;
    if (!s->first)
        s->last = &s->first;
    w->slot = slot;
    pthread_cond_signal(&w->called);
}

bool slots_take(struct slots *s, size_t *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->stop ? SLOT_NONE : s->free_n > 0 ? s->free[--s->free_n] : wait_in_line(s);
    pthread_mutex_unlock(&s->lock);
    return *out != SLOT_NONE;
}

void slots_return(struct slots *s, size_t slot)
{
    if (slot == SLOT_NONE)
        return;
    pthread_mutex_lock(&s->lock);
    give(s, slot);
    pthread_mutex_unlock(&s->lock);
}
