#include "mailer/deliver/lane.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

#define CLAIM_BATCH 8
#define NS_PER_MS INT64_C(1000000)
#define KEPT_MESSAGES 12000 /* by the library, on all lanes together */
#define LEAST_SHARE 10
#define REST_MAX_MS 30000 /* how long a place rests whose hosts could not be reached, at most */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_BYTES (4u << 20)
#else
#define STACK_BYTES (256u << 10) /* 30 KB are touched, 60 with TLS */
#endif

struct lane {
    struct lane_setup with;
    pthread_t thread;
    struct attempt_bench bench;
    struct courier courier;
    struct smtp_feed feed;
    /* this turn */
    struct place place;
    const struct conf *conf;
    struct arena *turn; /* the route */
    struct route route;
    size_t share;    /* mails that may still begin */
    bool only_again; /* the last claim brought none that was never tried */
    int64_t rest_ms;
    struct arena *batch; /* the claimed jobs */
    struct pulse pulse;  /* which of them wait, and which is in hand */
    bool finished; /* as it was told to: else whatever ended the thread was no doing of ours */
    /* in hand */
    struct attempt attempt;
    struct smtp_mail mail;
    bool withheld; /* its body may not go */
};

/* ---- taking messages ------------------------------------------------------------------------------------- */

static bool has_new_ones(const struct job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (jobs[i].attempts == 0)
            return true;
    return false;
}

/* A turn that carries only what comes again ends when other places wait: theirs may be new. */
static bool claim(struct lane *l)
{
    size_t max = l->share < CLAIM_BATCH ? l->share : CLAIM_BATCH, n = 0;
    struct job *jobs = NULL;
    struct err e;

    if ((l->only_again && desk_others_wait(l->with.desk)) ||
        !pulse_step(&l->pulse, WATCH_NO_DEADLINE))
        return false;
    if (!settler_is_calm(l->with.settler, l->with.number))
        return false;
    arena_clear(l->batch);
    if (!queue_claim(l->with.queue, l->place.storefront, l->place.destination, max,
            l->conf->lease_ms, l->batch, &jobs, &n, &e)) {
        log_error("claim-failed", KV("destination", l->place.destination), KV("error", e.text));
        n = 0;
        l->rest_ms = l->conf->retry_first_ms < REST_MAX_MS ? l->conf->retry_first_ms : REST_MAX_MS;
    }
    l->only_again = !has_new_ones(jobs, n);
    pulse_claimed(&l->pulse, jobs, n);
    desk_claimed(l->with.desk, l->with.number, n == max);
    return n > 0;
}

static void put_in_hand(struct lane *l)
{
    l->withheld = false;
    l->mail = (struct smtp_mail){
        .reverse_path = l->bench.letter.reverse_path,
        .recipient = l->attempt.job->address,
        .bytes = buf_str(&l->bench.letter.wire),
        .eight_bit = l->attempt.eight_bit,
        .deadline_ns = l->attempt.deadline_ns,
    };
}

/* The number at the desk is another lane's when this one is lost. */
static bool go_out(struct lane *l)
{
    if (!pulse_step(&l->pulse, WATCH_NO_DEADLINE))
        return false;
    desk_goes_out(l->with.desk, l->with.number);
    return pulse_step(&l->pulse, l->attempt.deadline_ns);
}

/* Comply is asked for each mail as it is prepared, and must see the hard bounce of the one before: it may be the same
 * person's. */
static bool may_prepare(struct lane *l)
{
    return l->share > 0 && !desk_is_stopping(l->with.desk) &&
           settler_has_suppressed(l->with.settler, l->with.number);
}

/* The next message that may go, prepared and in hand. Those that may not are settled on the way. */
static bool take_next(struct lane *l)
{
    if (!pulse_step(&l->pulse, WATCH_NO_DEADLINE))
        return false;
    desk_comes_back(l->with.desk, l->with.number, false);
    while (may_prepare(l)) {
        if (!pulse_has_more(&l->pulse) && !claim(l))
            return false;
        const struct job *job = pulse_take(&l->pulse);
        if (!job)
            return false;
        l->share--;
        if (!attempt_has_time(&l->bench, job)) {
            attempt_give_back(&l->bench, job);
            continue;
        }
        if (attempt_prepare(&l->attempt, &l->bench, job)) {
            put_in_hand(l);
            return go_out(l);
        }
    }
    return false;
}

/* ---- while a connection is open -------------------------------------------------------------------------- */

/* Nothing is in hand, and the connection still has to end. */
static int64_t goodbye_deadline(const struct lane *l)
{
    return clock_steady_ns() + l->conf->attempt_timeout_ms * NS_PER_MS;
}

static bool feed_next(void *context, struct smtp_mail *out)
{
    struct lane *l = context;

    if (take_next(l)) {
        *out = l->mail;
        return true;
    }
    pulse_step(&l->pulse, goodbye_deadline(l));
    return false;
}

/* A slot is free and nothing refused, nearly always. A disk that refuses may take all the time that the mail had. */
static bool may_begin(struct lane *l)
{
    return settler_begin_body(l->with.settler, l->with.number, &l->bench.slot) &&
           clock_steady_ns() < l->attempt.deadline_ns && !watch_has_bitten(l->courier.watch);
}

static bool feed_body_starts(void *context)
{
    struct lane *l = context;

    if (!pulse_step(&l->pulse, WATCH_NO_DEADLINE))
        return false;
    l->withheld = !may_begin(l);
    if (l->withheld) {
        settler_return_slot(l->with.settler, &l->bench.slot);
        return false;
    }
    queue_body_starts(l->with.queue, l->bench.slot, l->attempt.job);
    return pulse_begun(&l->pulse, l->bench.slot, l->attempt.deadline_ns);
}

static void feed_done(void *context, const struct smtp_result *r, const struct smtp_cover *cover)
{
    struct lane *l = context;

    if (!pulse_step(&l->pulse, WATCH_NO_DEADLINE))
        return;
    desk_comes_back(l->with.desk, l->with.number, r->code > 0);
    letter_close(&l->bench.letter); /* a lane that waits for its next mail holds none */
    if (l->withheld)
        attempt_give_back(&l->bench, l->attempt.job);
    else
        attempt_conclude(&l->attempt, r, &l->courier.hop, cover);
    if (r->code > 0)
        desk_answered(l->with.desk, l->with.number);
    histogram_add_ns(l->with.tally->attempt, clock_steady_ns() - l->attempt.begun_ns);
}

/* ---- a turn ---------------------------------------------------------------------------------------------- */

/* The place cannot be reached: its other messages wait instead of running into the same wall one by one. */
static void leave_place(struct lane *l)
{
    l->rest_ms = l->conf->retry_first_ms < REST_MAX_MS ? l->conf->retry_first_ms : REST_MAX_MS;
    l->share = 0;
}

static void conclude_failure(struct lane *l)
{
    const struct smtp_report *report = &l->courier.report;

    attempt_conclude(&l->attempt, &report->failure, &l->courier.hop, &report->cover);
    leave_place(l);
}

/* Carries the mail in hand, and all that the connection draws after it. */
static void deliver(struct lane *l)
{
    for (;;) {
        switch (courier_carry(&l->courier, l->conf, &l->route, &l->feed, &l->mail)) {
        case CARRIED:
            return;
        case CARRY_FAILED:
            conclude_failure(l);
            return;
        case CARRY_UNROUTED:
            attempt_conclude_unrouted(&l->attempt);
            leave_place(l);
            return;
        case CARRY_STOPPED:
            attempt_give_back(&l->bench, l->attempt.job);
            return;
        case CARRY_NEED_7BIT:
            l->bench.seven_bit = true;
            if (!attempt_rewrite_7bit(&l->attempt))
                return;
            put_in_hand(l);
        }
    }
}

/* libesmtp keeps about 5 KB for each message until its connection ends: with many lanes connections are shorter, so that all
 * of it stays below 60 MB. */
static size_t share_of_turn(const struct conf *c)
{
    int64_t kept = KEPT_MESSAGES / c->lanes, least = kept > LEAST_SHARE ? kept : LEAST_SHARE;

    return (size_t)(c->messages_per_connection < least ? c->messages_per_connection : least);
}

static void begin_turn(struct lane *l)
{
    l->bench.snapshot = snapshot_current(l->with.snapshots);
    l->conf = snapshot_conf(l->bench.snapshot);
    l->share = share_of_turn(l->conf);
    l->bench.seven_bit = l->only_again = false;
    l->rest_ms = 0;
    pulse_claimed(&l->pulse, NULL, 0);
    desk_goes_out(l->with.desk, l->with.number); /* to the DNS, which may let it wait */
    pulse_step(&l->pulse, clock_steady_ns() + l->conf->attempt_timeout_ms * NS_PER_MS);
    route_find(l->conf, l->with.resolver, l->place.destination,
        (uint64_t)clock_steady_ns() + l->with.number, l->turn, &l->route);
}

/* What a lost lane had claimed and where it stood is another's business by now. */
static void end_turn(struct lane *l)
{
    const struct job *job;

    while ((job = pulse_take(&l->pulse)) != NULL)
        attempt_give_back(&l->bench, job);
    settler_wait(l->with.settler, l->with.number); /* a turn's end is on disk */
    route_close(&l->route);
    letter_close(&l->bench.letter);
    arena_clear(l->turn);
    arena_clear(l->bench.arena);
    snapshot_close(&l->bench.snapshot);
    if (pulse_claimed(&l->pulse, NULL, 0)) {
        arena_clear(l->batch);
        tally_busy(l->with.tally, -1);
        desk_leave(l->with.desk, l->with.number, l->rest_ms);
    }
}

static void end(void *arg)
{
    struct lane *l = arg;

    pulse_end(&l->pulse, !l->finished);
    l->with.ended(l->with.ended_context);
}

static void serve(struct lane *l)
{
    while (pulse_step(&l->pulse, WATCH_NO_DEADLINE) &&
           desk_take(l->with.desk, l->with.number, &l->place)) {
        tally_busy(l->with.tally, 1);
        begin_turn(l);
        while (take_next(l))
            deliver(l);
        end_turn(l);
    }
    l->finished = true;
}

static void *run(void *arg)
{
    struct lane *l = arg;
    char name[16];

    snprintf(name, sizeof name, "lane %zu", l->with.number);
    pthread_setname_np(pthread_self(), name);
    pthread_cleanup_push(end, l);
    serve(l);
    pthread_cleanup_pop(1);
    return NULL;
}

/* ---- a lost lane, in the roster's thread ---------------------------------------------------------------- */

void lane_look(struct lane *l, struct pulse_view *out)
{
    pulse_look(&l->pulse, out);
}

bool lane_has_ended(struct lane *l)
{
    struct pulse_view v;

    pulse_look(&l->pulse, &v);
    return v.ended;
}

bool lane_give_up(struct lane *l, int64_t late_ns, struct pulse_view *held)
{
    return pulse_give_up(&l->pulse, late_ns, held);
}

void lane_release(struct lane *l, const struct pulse_view *held)
{
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(snapshot_close) struct snapshot *snapshot = snapshot_current(l->with.snapshots);
    struct attempt_bench bench = {.queue = l->with.queue,
        .clock = l->with.clock,
        .settler = l->with.settler,
        .lane = l->with.number,
        .slot = held->begun ? held->slot : SLOT_NONE,
        .snapshot = snapshot,
        .arena = a};

    tally_busy(l->with.tally, -1);
    desk_leave(l->with.desk, l->with.number, 0);
    if (held->in_hand)
        attempt_conclude_lost(&bench, held->in_hand, held->begun);
    for (size_t i = 0; i < held->rest_n; i++)
        attempt_give_back(&bench, &held->rest[i]);
}

/* ---- open and close -------------------------------------------------------------------------------------- */

static void set_up(struct lane *l)
{
    const struct lane_setup *s = &l->with;

    pulse_open(&l->pulse);
    l->turn = arena_open();
    l->batch = arena_open();
    l->feed = (struct smtp_feed){l, feed_next, feed_body_starts, feed_done};
    l->courier.smtp = s->smtp;
    l->courier.tally = s->tally;
    l->courier.watch = watch_open(s->watchdog);
    l->courier.dial = dial_open(l->courier.watch);
    l->bench = (struct attempt_bench){.queue = s->queue,
        .gate = s->gate,
        .clock = s->clock,
        .letters = s->letters,
        .settler = s->settler,
        .lane = s->number,
        .slot = SLOT_NONE,
        .pulse = &l->pulse,
        .route = &l->route,
        .arena = arena_open()};
}

static void tear_down(struct lane *l)
{
    /* A thread that died left its connection open, route and snapshot. */
    watch_until(l->courier.watch, 0);
    route_close(&l->route);
    snapshot_close(&l->bench.snapshot);
    dial_close(&l->courier.dial);
    watch_close(&l->courier.watch);
    letter_close(&l->bench.letter);
    arena_close(&l->bench.arena);
    arena_close(&l->batch);
    arena_close(&l->turn);
    pulse_close(&l->pulse);
    free(l);
}

bool lane_open(const struct lane_setup *s, struct lane **out, struct err *e)
{
    struct lane *l = calloc(1, sizeof *l);
    pthread_attr_t attr;

    if (!l)
        err_out_of_memory();
    l->with = *s;
    set_up(l);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    int why = pthread_create(&l->thread, &attr, run, l);
    pthread_attr_destroy(&attr);
    if (why != 0) {
        tear_down(l);
        return err_set(e, ERR_IO, "cannot start lane %zu: %s", s->number, strerrordesc_np(why));
    }
    *out = l;
    return true;
}

void lane_close(struct lane **pl)
{
    pthread_join((*pl)->thread, NULL);
    tear_down(*pl);
    *pl = NULL;
}
