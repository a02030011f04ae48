#include "dns/flight.h"

#include "base/clock.h"
#include "dns/name.h"

#include <pthread.h>
#include <stdlib.h>

#define NS_A_SECOND 1000000000

struct flight {
    struct flights *all;
    struct flight *next; /* while in the air */
    size_t shares;
    bool landed, cancelled; /* up to here guarded by the lock; what follows is still once landed */
    enum dns_status status;
    struct exchange_reply reply;
    struct arena *arena;
    pthread_cond_t down;
    int64_t given_ns; /* the leader's time; it and the question never change */
    char name[NAME_SIZE];
    enum dns_type type;
    bool dnssec;
};

struct flights {
    pthread_mutex_t lock;
    struct flight *in_the_air; /* guarded by it; no more of them than threads that ask */
};

static void *zeroed(size_t bytes)
{
    void *p = calloc(1, bytes);
    if (!p)
        err_out_of_memory();
    return p;
}

struct flights *flights_open(void)
{
    struct flights *f = zeroed(sizeof *f);
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

void flights_close(struct flights **owner)
{
    if (!*owner)
        return;
    pthread_mutex_destroy(&(*owner)->lock);
    free(*owner);
    *owner = NULL;
}

static void unlock(pthread_mutex_t **lock)
{
    pthread_mutex_unlock(*lock);
}

static pthread_mutex_t *lock_of(struct flights *f)
{
    pthread_mutex_lock(&f->lock);
    return &f->lock;
}

static struct flight *flight_new(
    struct flights *f, const struct exchange_question *q, int64_t given_ns)
{
    struct flight *x = zeroed(sizeof *x);
    pthread_condattr_t steady;

    x->all = f;
    x->arena = arena_open();
    x->given_ns = given_ns;
    x->type = q->type;
    x->dnssec = q->dnssec;
    str_copy(str_of(q->name), x->name, sizeof x->name);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&x->down, &steady);
    pthread_condattr_destroy(&steady);
    return x;
}

static void flight_free(struct flight *x)
{
    arena_close(&x->arena);
    pthread_cond_destroy(&x->down);
    free(x);
}

static bool asks(const struct flight *x, const struct exchange_question *q)
{
    return x->type == q->type && x->dnssec == q->dnssec && strcmp(x->name, q->name) == 0;
}

struct flight *flights_board(
    struct flights *f, const struct exchange_question *q, int64_t deadline_steady_ns, bool *leads)
{
    AUTO(unlock) pthread_mutex_t *held = lock_of(f);
    struct flight *x = f->in_the_air;
    while (x && !asks(x, q))
        x = x->next;
    *leads = !x;
    if (!x) {
        x = flight_new(f, q, deadline_steady_ns - clock_steady_ns());
        x->next = f->in_the_air;
        f->in_the_air = x;
    }
    x->shares++;
    return x;
}

struct arena *flight_arena(struct flight *x)
{
    return x->arena;
}

/* With the lock held. */
static void touch_down(struct flight *x)
{
    struct flight **at = &x->all->in_the_air;
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    x->landed = true;
    pthread_cond_broadcast(&x->down);
}

void flight_land(struct flight *x, enum dns_status s, const struct exchange_reply *reply)
{
    AUTO(unlock) pthread_mutex_t *held = lock_of(x->all);
    x->status = s;
    x->reply = *reply;
    touch_down(x);
}

void flight_cancel(struct flight *x)
{
    AUTO(unlock) pthread_mutex_t *held = lock_of(x->all);
    x->cancelled = true;
    touch_down(x);
}

/* An eighth more is no more: all who wait the same time come at somewhat different moments. */
static bool could_do_better(const struct flight *x, int64_t deadline)
{
    return x->status == DNS_TIMEOUT && deadline - clock_steady_ns() > x->given_ns + x->given_ns / 8;
}

enum flight_end flight_wait(struct flight *x, int64_t deadline)
{
    const struct timespec until = {
        .tv_sec = deadline / NS_A_SECOND, .tv_nsec = deadline % NS_A_SECOND};
    AUTO(unlock) pthread_mutex_t *held = lock_of(x->all);
    int fault = 0;
    while (!x->landed && fault == 0)
        fault = pthread_cond_timedwait(&x->down, held, &until);
    if (!x->landed)
        return FLIGHT_LATE;
    return x->cancelled || could_do_better(x, deadline) ? FLIGHT_AGAIN : FLIGHT_LANDED;
}

enum dns_status flight_status(const struct flight *x)
{
    return x->status;
}

const struct exchange_reply *flight_reply(const struct flight *x)
{
    return &x->reply;
}

static bool gave_back_the_last(struct flight *x)
{
    AUTO(unlock) pthread_mutex_t *held = lock_of(x->all);
    return --x->shares == 0;
}

void flight_leave(struct flight **owner)
{
    struct flight *x = *owner;
    if (x && gave_back_the_last(x))
        flight_free(x);
    *owner = NULL;
}
