#include "mailer/deliver/desk.h"

#include "base/log.h"
#include "mailer/deliver/sites.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define READY_MAX 64     /* places that one look brings, beside those that are served or rest */
#define BLOCKED_MS 50    /* how long to wait when all work belongs to busy or resting places */
#define LOOK_MS 1000     /* at most this long between two looks */
#define CROWDED_MS 10    /* how long a further lane waits while enough of them have work to do */
#define FEW_LANES 16     /* so many may be busy whatever they do */
#define NEAR_NS 20000000 /* servers that keep a lane waiting for less, in all of a mail, are near */
#define NEAR_WORKING 4   /* then so many lanes with work to do suffice */
#define NEAR_PAUSE_NS 50000000 /* and their number grows by one in so long */
#define SMOOTH 256             /* mails after which a shortest wait is forgotten, about */
#define KNOWN_READY 32         /* of READY_MAX, for those that answered lately */
#define KNOWN_LOOK_MS 200      /* between two looks for them: as many searches as are known */

/* A place that is remembered; most comparisons end at the hash. */
struct known {
    struct place place;
    uint64_t hash;
};

struct entry {
    struct known place;
    int priority;
    unsigned turns; /* so many lanes have been sent there */
    bool given;     /* to one lane; offered again when that one finds more */
};

struct serving {
    struct place place;
    struct stay stay;
    _Atomic bool works; /* counted in `working` */
    int64_t out_ns;     /* since when it waits for its server; the lane's own */
};

struct resting {
    struct known place;
    int64_t from_ms, until_ms;
};

struct desk {
    struct queue *queue;
    const struct clock *clock;
    size_t lanes, lanes_per_place;
    _Atomic size_t working; /* busy lanes that do not wait for a server */
    _Atomic int64_t
        wait_ns; /* the shortest wait for a server lately; what races lose matters little */
    pthread_cond_t changed;
    pthread_mutex_t lock; /* guards all below */
    bool stop, looking;
    int64_t taken_ns; /* when a lane last took a place */
    struct entry ready[READY_MAX];
    size_t ready_n;
    int64_t looked_ns;
    bool blocked; /* the last look found work that nobody may take now */
    int64_t next_due_ms;
    struct resting rests[DESK_RESTS];
    size_t rests_n;
    struct sites *sites;
    struct serving *serving;        /* per lane */
    struct known known[DESK_KNOWN]; /* whose servers answered lately, a ring */
    size_t known_n, known_at;
    int64_t known_looked_ns;
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
    d->wait_ns = NEAR_NS; /* not known yet */
    d->lanes_per_place = lanes > 1 ? lanes / 2 : 1;
    d->sites = sites_open(lanes);
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
    sites_close(&d->sites);
    free(d->serving);
    free(d);
    *pd = NULL;
}

/* ---- who may go where (all under the lock) --------------------------------------------------------------- */

static struct known known_of(const struct place *p)
{
    return (struct known){.place = *p, .hash = place_hash(p)};
}

static bool same(const struct known *a, const struct known *b)
{
    return a->hash == b->hash && place_equal(&a->place, &b->place);
}

/* A clock that was set back ends a rest instead of drawing it out. */
static bool is_resting(const struct resting *r, int64_t now_ms)
{
    return r->from_ms <= now_ms && now_ms < r->until_ms;
}

static bool rests(struct desk *d, const struct known *p)
{
    int64_t now = clock_now_ms(d->clock);

    for (size_t i = 0; i < d->rests_n; i++)
        if (is_resting(&d->rests[i], now) && same(&d->rests[i].place, p))
            return true;
    return false;
}

static bool is_known(const struct desk *d, const struct known *p)
{
    for (size_t i = 0; i < d->known_n; i++)
        if (same(&d->known[i], p))
            return true;
    return false;
}

/* Where servers answer, as many lanes may come anew as have heard from theirs: their number doubles with each answer. */
static bool is_full(const struct desk *d, const struct known *p)
{
    const struct site *site = sites_find(d->sites, &p->place);
    size_t silent = sites_silent(d->sites);

    if (silent >= d->lanes - d->lanes / 4 && !is_known(d, p))
        return true;
    if (!site)
        return false;
    size_t heard = site->here - site->silent;
    return site->silent >= (heard > 1 ? heard : 1) || site->here >= d->lanes_per_place;
}

/* A lane that has not claimed yet will take what the queue still shows as due. */
static bool is_being_claimed(const struct desk *d, const struct known *p)
{
    const struct site *site = sites_find(d->sites, &p->place);

    return site && site->unclaimed > 0;
}

/* A further lane helps only while the others wait for servers. Two thirds may have work to do: then three times as many
 * lanes are busy as waiting alone would need, which evens out places that answer fast and slowly. With near servers, that
 * wait is mostly theirs for a processor. The shortest wait tells near from far, because it has no queue in it. */
static bool is_crowded(const struct desk *d)
{
    size_t busy = sites_busy(d->sites), working = atomic_load(&d->working);

    if (busy < FEW_LANES)
        return false;
    if (atomic_load(&d->wait_ns) >= NEAR_NS)
        return working * 3 > busy * 2;
    return working > NEAR_WORKING || clock_steady_ns() - d->taken_ns < NEAR_PAUSE_NS;
}

static bool goes_before(const struct entry *a, const struct entry *b)
{
    return a->priority != b->priority ? a->priority < b->priority : a->turns < b->turns;
}

/* The first by priority, and of one priority the first of those that had the fewest turns. */
static struct entry *find_free(struct desk *d)
{
    struct entry *best = NULL;

    for (size_t i = 0; i < d->ready_n; i++) {
        struct entry *e = &d->ready[i];
        if (!e->given && (!best || goes_before(e, best)) && !is_full(d, &e->place) &&
            !rests(d, &e->place))
            best = e;
    }
    return best;
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

static bool is_listed(const struct desk *d, const struct known *p)
{
    for (size_t i = 0; i < d->ready_n; i++)
        if (same(&d->ready[i].place, p))
            return true;
    return false;
}

struct finding {
    struct ready *list;
    size_t n;
};

static void install(struct desk *d, const struct finding *f, size_t most)
{
    for (size_t i = 0; i < f->n && d->ready_n < most; i++) {
        const struct ready *found = f->list;
        struct entry e = {.priority = found[i].priority};
        struct place *p = &e.place.place;

        if (!str_copy(str_of(found[i].storefront), p->storefront, sizeof p->storefront) ||
            !str_copy(str_of(found[i].destination), p->destination, sizeof p->destination))
            continue;
        e.place.hash = place_hash(p);
        if (is_listed(d, &e.place))
            continue; /* it has messages of several priorities or kinds */
        if (is_full(d, &e.place) || rests(d, &e.place) || is_being_claimed(d, &e.place))
            d->blocked = true;
        else
            d->ready[d->ready_n++] = e;
    }
}

/* NULL: they were asked for a moment ago. */
static struct ready *copy_known(struct desk *d, struct arena *a)
{
    int64_t now = clock_steady_ns();

    if (now - d->known_looked_ns < KNOWN_LOOK_MS * INT64_C(1000000))
        return NULL;
    d->known_looked_ns = now;
    struct ready *all = arena_array(a, d->known_n, sizeof *all);
    for (size_t i = 0; i < d->known_n; i++)
        all[i] = (struct ready){.storefront = arena_text(a, str_of(d->known[i].place.storefront)),
            .destination = arena_text(a, str_of(d->known[i].place.destination))};
    return all;
}

/* Whoever has many names can fill the list with silent places: what is due at the known ones is asked for by itself where
 * the list was cut, or nobody would come to the lanes that are kept for them. */
static void ask(struct desk *d, size_t max, const struct ready *known, size_t known_n,
    struct arena *a, struct finding *all, struct finding *of_known, int64_t *next_due_ms)
{
    struct err e;

    if (!queue_ready(d->queue, max, a, &all->list, &all->n, next_due_ms, &e)) {
        log_error("queue-unreadable", KV("error", e.text));
        all->n = 0;
    }
    if (all->n == max && known &&
        !queue_ready_among(d->queue, known, known_n, a, &of_known->list, &of_known->n, &e))
        of_known->n = 0;
}

/* Drops the lock while it asks. */
static void look(struct desk *d)
{
    size_t max = READY_MAX + d->lanes + d->rests_n, known_n = d->known_n;
    struct finding all = {0}, of_known = {0};
    int64_t next_due_ms = INT64_MAX;
    struct arena *a = arena_open();
    const struct ready *known = copy_known(d, a);

    pthread_mutex_unlock(&d->lock);
    ask(d, max, known, known_n, a, &all, &of_known, &next_due_ms);
    pthread_mutex_lock(&d->lock);
    d->next_due_ms = next_due_ms;
    d->looked_ns = clock_steady_ns();
    d->ready_n = 0;
    d->blocked = false;
    forget_rested(d);
    install(d, &of_known, KNOWN_READY);
    install(d, &all, READY_MAX);
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

/* While all lanes are busy nobody looks: what was found long ago says nothing of what is urgent or new by now. */
static bool is_old(const struct desk *d)
{
    return d->ready_n > 0 && clock_steady_ns() - d->looked_ns > LOOK_MS * INT64_C(1000000);
}

/* One lane at a time. */
static void be_lookout(struct desk *d)
{
    d->looking = true;
    if (!is_old(d) && find_free(d)) { /* what was found waits until it is less crowded */
        wait_for_change(d, CROWDED_MS);
    } else {
        look(d);
        if (!find_free(d) && !d->stop) {
            wait_for_work(d);
            d->ready_n = 0; /* what was seen before the wait is old */
        }
    }
    d->looking = false;
}

/* ---- turns ----------------------------------------------------------------------------------------------- */

static void set_working(struct desk *d, size_t lane, bool works)
{
    if (atomic_exchange(&d->serving[lane].works, works) == works)
        return;
    if (works)
        atomic_fetch_add(&d->working, 1);
    else
        atomic_fetch_sub(&d->working, 1);
}

bool desk_take(struct desk *d, size_t lane, struct place *out)
{
    struct entry *e = NULL;

    pthread_mutex_lock(&d->lock);
    while (!d->stop && (is_crowded(d) || (is_old(d) && !d->looking) || !(e = find_free(d)))) {
        if (d->looking)
            pthread_cond_wait(&d->changed, &d->lock);
        else
            be_lookout(d);
    }
    if (e) {
        e->given = true;
        e->turns++;
        *out = d->serving[lane].place = e->place.place;
        stay_begin(d->sites, &d->serving[lane].stay, out);
        set_working(d, lane, true);
        d->taken_ns = clock_steady_ns();
    }
    pthread_cond_signal(&d->changed); /* the next idle lane takes what is left, or looks out */
    pthread_mutex_unlock(&d->lock);
    return e != NULL;
}

void desk_claimed(struct desk *d, size_t lane, bool more)
{
    struct serving *s = &d->serving[lane];
    struct known here = known_of(&s->place);

    pthread_mutex_lock(&d->lock);
    stay_claimed(&s->stay);
    for (size_t i = 0; more && i < d->ready_n; i++)
        if (same(&d->ready[i].place, &here))
            d->ready[i].given = false;
    if (more)
        pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

bool desk_others_wait(struct desk *d)
{
    pthread_mutex_lock(&d->lock);
    bool wait = find_free(d) != NULL;
    pthread_mutex_unlock(&d->lock);
    return wait;
}

static void remember(struct desk *d, const struct known *p)
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
    if (stay_answered(d->sites, &s->stay)) {
        const struct known here = known_of(&s->place);
        remember(d, &here);
        pthread_cond_signal(&d->changed);
    }
    pthread_mutex_unlock(&d->lock);
}

void desk_goes_out(struct desk *d, size_t lane)
{
    d->serving[lane].out_ns = clock_steady_ns();
    set_working(d, lane, false);
}

void desk_comes_back(struct desk *d, size_t lane, bool heard)
{
    int64_t *out_ns = &d->serving[lane].out_ns, least = atomic_load(&d->wait_ns);

    if (heard && *out_ns > 0) {
        int64_t wait = clock_steady_ns() - *out_ns;
        atomic_store(&d->wait_ns, wait < least ? wait : least + (wait - least) / SMOOTH);
    }
    *out_ns = 0;
    set_working(d, lane, true);
}

static void forget_known(struct desk *d, const struct known *p)
{
    for (size_t i = 0; i < d->known_n; i++)
        if (same(&d->known[i], p))
            d->known[i] = (struct known){0};
}

static void add_rest(struct desk *d, const struct known *p, int64_t ms)
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
    const struct known here = known_of(&d->serving[lane].place);

    pthread_mutex_lock(&d->lock);
    stay_end(d->sites, &d->serving[lane].stay);
    set_working(d, lane, false);
    if (rest_ms > 0) {
        add_rest(d, &here, rest_ms);
        forget_known(d, &here);
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
