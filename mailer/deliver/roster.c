#include "mailer/deliver/roster.h"

#include "base/log.h"

#include <stdlib.h>
#include <time.h>

#define LOOK_MS 1000
#define NS_PER_MS INT64_C(1000000)

struct roster {
    struct roster_setup with;
    pthread_t thread;
    bool has_thread;
    pthread_cond_t changed;
    pthread_mutex_t lock; /* guards alive, stop, end */
    size_t alive;         /* threads */
    bool stop;            /* no lane is replaced any more */
    bool end;             /* of the roster's thread */
    /* the thread's own */
    struct lane **lanes; /* by number; NULL = could not be replaced yet */
    struct lane **lost;
    size_t lost_n;
};

/* ---- lanes ---------------------------------------------------------------------------------------------- */

static void on_ended(void *context)
{
    struct roster *r = context;

    pthread_mutex_lock(&r->lock);
    r->alive--;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void count_alive(struct roster *r, size_t more, size_t less)
{
    pthread_mutex_lock(&r->lock);
    r->alive += more;
    r->alive -= less;
    pthread_mutex_unlock(&r->lock);
}

static bool open_lane(struct roster *r, size_t number, struct err *e)
{
    struct lane_setup s = r->with.lane;

    s.number = number;
    s.ended = on_ended;
    s.ended_context = r;
    count_alive(r, 1, 0);
    if (lane_open(&s, &r->lanes[number], e))
        return true;
    count_alive(r, 0, 1);
    return false;
}

static void replace(struct roster *r, size_t number)
{
    struct tally *tally = r->with.lane.tally;
    struct err e;

    if (!open_lane(r, number, &e)) {
        log_error("lane-not-replaced", KV_INT("lane", (int64_t)number), KV("error", e.text));
        return;
    }
    counter_add(tally->lanes_replaced, 1);
}

/* Its place becomes free before its messages go back, or nobody would take them. */
static void give_up(struct roster *r, size_t number, const struct pulse_view *held)
{
    struct lane *l = r->lanes[number];

    log_error("lane-lost", KV_INT("lane", (int64_t)number),
        KV("why", held->died ? "its thread ended" : "it hangs"),
        KV_INT("leases", (int64_t)held->leases), KV("id", held->in_hand ? held->in_hand->id : ""),
        KV("now", "what it held is settled, and a new lane takes its place"));
    lane_release(l, held);
    r->lanes[number] = NULL;
    r->lost[r->lost_n++] = l;
}

static void join_returned(struct roster *r)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->lost_n; i++)
        if (lane_has_ended(r->lost[i]))
            lane_close(&r->lost[i]);
        else
            r->lost[kept++] = r->lost[i];
    r->lost_n = kept;
}

/* ---- looking -------------------------------------------------------------------------------------------- */

static bool is_stopping(struct roster *r)
{
    pthread_mutex_lock(&r->lock);
    bool stopping = r->stop;
    pthread_mutex_unlock(&r->lock);
    return stopping;
}

static void look_at(struct roster *r, size_t number, int64_t late_ns)
{
    struct pulse_view held;

    if (r->lanes[number] && r->lost_n < r->with.lanes &&
        lane_give_up(r->lanes[number], late_ns, &held))
        give_up(r, number, &held);
    if (!r->lanes[number])
        replace(r, number);
}

static void tell_leases(struct roster *r, int64_t now_ns)
{
    struct tally *tally = r->with.lane.tally;
    int64_t leases = 0, oldest_ns = now_ns;

    for (size_t i = 0; i < r->with.lanes; i++) {
        struct pulse_view v = {0};

        if (r->lanes[i])
            lane_look(r->lanes[i], &v);
        leases += (int64_t)v.leases;
        if (v.leases > 0 && v.claimed_ns < oldest_ns)
            oldest_ns = v.claimed_ns;
    }
    gauge_set(tally->leases, leases);
    gauge_set(tally->oldest_lease_s, (now_ns - oldest_ns) / 1000000000);
    gauge_set(tally->lanes_lost, (int64_t)r->lost_n);
}

static void look(struct roster *r)
{
    int64_t now_ns = clock_steady_ns();

    for (size_t i = 0; i < r->with.lanes && !is_stopping(r); i++)
        look_at(r, i, now_ns - r->with.patience_ms * NS_PER_MS);
    join_returned(r);
    tell_leases(r, now_ns);
}

/* Under the lock; until something changes or it is time. */
static void wait_until(struct roster *r, int64_t ns)
{
    struct timespec at = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

    pthread_cond_timedwait(&r->changed, &r->lock, &at);
}

static bool rest(struct roster *r)
{
    int64_t ms = r->with.patience_ms < LOOK_MS ? r->with.patience_ms : LOOK_MS;
    int64_t until = clock_steady_ns() + ms * NS_PER_MS;

    pthread_mutex_lock(&r->lock);
    while (!r->end && clock_steady_ns() < until)
        wait_until(r, until);
    bool go_on = !r->end;
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

static void *run(void *arg)
{
    struct roster *r = arg;

    pthread_setname_np(pthread_self(), "roster");
    while (rest(r))
        look(r);
    return NULL;
}

/* ---- open, wait, close ---------------------------------------------------------------------------------- */

static struct roster *new_roster(const struct roster_setup *s)
{
    struct roster *r = calloc(1, sizeof *r);
    pthread_condattr_t attr;

    if (!r || !(r->lanes = calloc(s->lanes, sizeof *r->lanes)) ||
        !(r->lost = calloc(s->lanes, sizeof *r->lost)))
        err_out_of_memory();
    r->with = *s;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->changed, &attr);
    pthread_condattr_destroy(&attr);
    return r;
}

bool roster_open(const struct roster_setup *s, struct roster **out, struct err *e)
{
    struct roster *r = *out = new_roster(s);

    gauge_set(s->lane.tally->lanes_idle, (int64_t)s->lanes);
    for (size_t i = 0; i < s->lanes; i++)
        if (!open_lane(r, i, e))
            return false;
    if (pthread_create(&r->thread, NULL, run, r) != 0)
        return err_set(e, ERR_IO, "cannot start the roster's thread");
    r->has_thread = true;
    return true;
}

bool roster_wait(struct roster *r, int64_t until_ns)
{
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    while (r->alive > 0 && clock_steady_ns() < until_ns)
        wait_until(r, until_ns);
    bool all = r->alive == 0;
    pthread_mutex_unlock(&r->lock);
    return all;
}

static void end_thread(struct roster *r)
{
    pthread_mutex_lock(&r->lock);
    r->end = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    if (r->has_thread)
        pthread_join(r->thread, NULL);
    r->has_thread = false;
}

bool roster_close(struct roster **pr)
{
    struct roster *r = *pr;
    size_t hang = 0;

    if (!r)
        return true;
    end_thread(r);
    join_returned(r);
    for (size_t i = 0; i < r->with.lanes; i++) {
        if (r->lanes[i] && lane_has_ended(r->lanes[i]))
            lane_close(&r->lanes[i]);
        hang += r->lanes[i] != NULL;
    }
    if (hang + r->lost_n > 0)
        return false;
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r->lost);
    free(r->lanes);
    free(r);
    *pr = NULL;
    return true;
}
