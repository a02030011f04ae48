#include "mailer/deliver/desk.h"

#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define READY_MAX 64  /* places that one look brings, beside those that are served or rest */
#define BLOCKED_MS 50 /* how long to wait when all work belongs to busy or resting places */
#define LOOK_MS 1000  /* at most this long between two looks */

struct entry {
    struct place place;
    bool given; /* to one lane; offered again when that one finds more */
};

struct serving {
    struct place place;
    bool busy, claimed, answered;
};

struct resting {
    struct place place;
    int64_t from_ms, until_ms;
};

struct desk {
    struct queue *queue;
    const struct clock *clock;
    size_t lanes, lanes_per_place;
    pthread_cond_t changed;
    pthread_mutex_t lock; /* guards all below */
    bool stop, looking;
    struct entry ready[READY_MAX];
    size_t ready_n;
    bool blocked; /* the last look found work that nobody may take now */
    int64_t next_due_ms;
    struct resting rests[DESK_RESTS];
    size_t rests_n;
    struct serving *serving;        /* per lane */
    struct place known[DESK_KNOWN]; /* whose servers answered lately, a ring */
    size_t known_n, known_at;
};

struct desk *desk_open(struct queue *q, const struct clock *clock, size_t lanes)
{
    struct desk *d = calloc(1, sizeof *d);
    pthread_condattr_t attr;

    if (!d || !(d->serving = calloc(lanes, sizeof *d->serving)))
        err_out_of_memory();
    d->queue = q;
    d->clock = clock;
    d->lanes = lanes;
    d->lanes_per_place = lanes > 1 ? lanes / 2 : 1;
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->changed, &attr);
    pthread_condattr_destroy(&attr);
    return d;
}

void desk_close(struct desk **pd)
{
    struct desk *d = *pd;

    if (!d)
        return;
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
    free(d->serving);
    free(d);
    *pd = NULL;
}

/* ---- who may go where (all under the lock) --------------------------------------------------------------- */

static bool same(const struct place *a, const struct place *b)
{
    return strcmp(a->destination, b->destination) == 0 && strcmp(a->storefront, b->storefront) == 0;
}

/* A clock that was set back ends a rest instead of drawing it out. */
static bool is_resting(const struct resting *r, int64_t now_ms)
{
    return r->from_ms <= now_ms && now_ms < r->until_ms;
}

static bool rests(struct desk *d, const struct place *p)
{
    int64_t now = clock_now_ms(d->clock);

    for (size_t i = 0; i < d->rests_n; i++)
        if (is_resting(&d->rests[i], now) && same(&d->rests[i].place, p))
            return true;
    return false;
}

/* A lane that has not claimed yet will take what the queue still shows as due. */
static bool is_being_claimed(const struct desk *d, const struct place *p)
{
    for (size_t i = 0; i < d->lanes; i++)
        if (d->serving[i].busy && !d->serving[i].claimed && same(&d->serving[i].place, p))
            return true;
    return false;
}

static bool is_known(const struct desk *d, const struct place *p)
{
    for (size_t i = 0; i < d->known_n; i++)
        if (same(&d->known[i], p))
            return true;
    return false;
}

static bool is_full(const struct desk *d, const struct place *p)
{
    size_t here = 0, silent_here = 0, silent = 0;

    for (size_t i = 0; i < d->lanes; i++) {
        const struct serving *s = &d->serving[i];
        bool is_here = s->busy && same(&s->place, p);
        here += is_here;
        silent_here += is_here && !s->answered;
        silent += s->busy && !s->answered;
    }
    if (silent >= d->lanes - d->lanes / 4 && !is_known(d, p))
        return true;
    return silent_here > 0 || here >= d->lanes_per_place;
}

static struct entry *find_free(struct desk *d)
{
    for (size_t i = 0; i < d->ready_n; i++) {
        struct entry *e = &d->ready[i];
        if (!e->given && !is_full(d, &e->place) && !rests(d, &e->place))
            return e;
    }
    return NULL;
}

static void forget_rested(struct desk *d)
{
    int64_t now = clock_now_ms(d->clock);
    size_t kept = 0;

    for (size_t i = 0; i < d->rests_n; i++)
        if (is_resting(&d->rests[i], now))
            d->rests[kept++] = d->rests[i];
    d->rests_n = kept;
}

/* ---- looking --------------------------------------------------------------------------------------------- */

static void install(struct desk *d, const struct ready *found, size_t n)
{
    d->ready_n = 0;
    d->blocked = false;
    forget_rested(d);
    for (size_t i = 0; i < n && d->ready_n < READY_MAX; i++) {
        struct entry e = {0};

        if (!str_copy(str_of(found[i].storefront), e.place.storefront, sizeof e.place.storefront) ||
            !str_copy(
                str_of(found[i].destination), e.place.destination, sizeof e.place.destination))
            continue;
        if (is_full(d, &e.place) || rests(d, &e.place) || is_being_claimed(d, &e.place))
            d->blocked = true;
        else
            d->ready[d->ready_n++] = e;
    }
}

/* Drops the lock while it asks. */
static void look(struct desk *d)
{
    size_t max = READY_MAX + d->lanes + d->rests_n, n = 0;
    struct arena *a = arena_open();
    struct ready *found = NULL;
    struct err e;

    pthread_mutex_unlock(&d->lock);
    int64_t next_due_ms = INT64_MAX;
    if (!queue_ready(d->queue, max, a, &found, &n, &next_due_ms, &e)) {
        log_error("queue-unreadable", KV("error", e.text));
        n = 0;
    }
    pthread_mutex_lock(&d->lock);
    d->next_due_ms = next_due_ms;
    install(d, found, n);
    arena_close(&a);
}

static void wait_for_change(struct desk *d, int64_t ms)
{
    int64_t until = clock_steady_ns() + ms * 1000000;
    struct timespec at = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};

    pthread_cond_timedwait(&d->changed, &d->lock, &at);
}

/* Drops the lock while it waits. */
static void wait_for_work(struct desk *d)
{
    int64_t until = clock_now_ms(d->clock) + LOOK_MS;

    if (d->blocked) {
        wait_for_change(d, BLOCKED_MS);
        return;
    }
    if (d->next_due_ms < until)
        until = d->next_due_ms;
    pthread_mutex_unlock(&d->lock);
    queue_wait(d->queue, until);
    pthread_mutex_lock(&d->lock);
}

/* One lane at a time. */
static void be_lookout(struct desk *d)
{
    d->looking = true;
    look(d);
    if (!find_free(d) && !d->stop) {
        wait_for_work(d);
        d->ready_n = 0; /* what was seen before the wait is old */
    }
    d->looking = false;
}

/* ---- turns ----------------------------------------------------------------------------------------------- */

bool desk_take(struct desk *d, size_t lane, struct place *out)
{
    struct entry *e = NULL;

    pthread_mutex_lock(&d->lock);
    while (!d->stop && !(e = find_free(d))) {
        if (d->looking)
            pthread_cond_wait(&d->changed, &d->lock);
        else
            be_lookout(d);
    }
    if (e) {
        e->given = true;
        *out = e->place;
        d->serving[lane] = (struct serving){.place = e->place, .busy = true};
    }
    pthread_cond_signal(&d->changed); /* the next idle lane takes what is left, or looks out */
    pthread_mutex_unlock(&d->lock);
    return e != NULL;
}

void desk_claimed(struct desk *d, size_t lane, bool more)
{
    struct serving *s = &d->serving[lane];

    pthread_mutex_lock(&d->lock);
    s->claimed = true;
    for (size_t i = 0; more && i < d->ready_n; i++)
        if (same(&d->ready[i].place, &s->place))
            d->ready[i].given = false;
    if (more)
        pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static void remember(struct desk *d, const struct place *p)
{
    if (is_known(d, p))
        return;
    d->known[d->known_at] = *p;
    d->known_at = (d->known_at + 1) % DESK_KNOWN;
    if (d->known_n < DESK_KNOWN)
        d->known_n++;
}

void desk_answered(struct desk *d, size_t lane)
{
    struct serving *s = &d->serving[lane];

    pthread_mutex_lock(&d->lock);
    if (!s->answered) {
        s->answered = true;
        remember(d, &s->place);
        pthread_cond_signal(&d->changed);
    }
    pthread_mutex_unlock(&d->lock);
}

static void forget_known(struct desk *d, const struct place *p)
{
    for (size_t i = 0; i < d->known_n; i++)
        if (same(&d->known[i], p))
            d->known[i] = (struct place){0};
}

static void add_rest(struct desk *d, const struct place *p, int64_t ms)
{
    forget_rested(d);
    if (d->rests_n == DESK_RESTS) {
        memmove(&d->rests[0], &d->rests[1], (DESK_RESTS - 1) * sizeof d->rests[0]);
        d->rests_n--;
    }
    int64_t now = clock_now_ms(d->clock);
    d->rests[d->rests_n++] = (struct resting){.place = *p, .from_ms = now, .until_ms = now + ms};
}

void desk_leave(struct desk *d, size_t lane, int64_t rest_ms)
{
    pthread_mutex_lock(&d->lock);
    d->serving[lane].busy = false;
    if (rest_ms > 0) {
        add_rest(d, &d->serving[lane].place, rest_ms);
        forget_known(d, &d->serving[lane].place);
    }
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

void desk_stop(struct desk *d)
{
    pthread_mutex_lock(&d->lock);
    d->stop = true;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    queue_wake(d->queue);
}

bool desk_is_stopping(struct desk *d)
{
    pthread_mutex_lock(&d->lock);
    bool stopping = d->stop;
    pthread_mutex_unlock(&d->lock);
    return stopping;
}
