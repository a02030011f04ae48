#include "mailer/deliver/settle.h"

#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define PATIENCE_FIRST_MS 50
#define PATIENCE_MAX_MS 2000
#define SPARE_MAX 32 /* outcomes that are kept for the next ones, 16 KB each */
#define NS_PER_MS INT64_C(1000000)

/* One settlement from its posting to its end, with copies of all that it says. */
struct outcome {
    struct settler *settler;
    size_t lane;
    struct settlement what;
    struct job job; /* what the queue and we ourselves ask of it */
    struct suppression_new suppress;
    struct arena *arena; /* of the copies and the first try */
    struct arena *again; /* of each further one, or NULL */
    struct err e;        /* of the last try */
    int64_t patience_ms; /* the next rest */
    int64_t again_ns;    /* 0 = was just answered */
    bool is_refused;     /* once at least */
    struct outcome *next;
};

/* What is on its way for the lanes of one number. */
struct lane_account {
    pthread_cond_t changed; /* for the lane */
    size_t pending;
    size_t refused, suppressing; /* of those that are pending */
    bool left;                   /* something was left to the next start */
};

struct settler {
    struct queue *queue;
    const struct clock *clock;
    struct tally *tally;
    pthread_t thread;
    pthread_cond_t changed; /* for the thread */
    pthread_mutex_t lock;   /* guards all below */
    bool stop, end;
    size_t pending;           /* of all lanes */
    struct outcome *troubled; /* the store refused them */
    struct outcome *spare;
    size_t spare_n;
    struct lane_account *lanes;
    size_t lanes_n;
    struct slots *slots; /* has a lock of its own */
};

/* ---- outcomes -------------------------------------------------------------------------------------------- */

static struct lane_account *account(struct settler *s, size_t lane)
{
    return &s->lanes[lane];
}

static struct outcome *take_spare(struct settler *s, size_t lane, bool suppresses)
{
    struct lane_account *l = account(s, lane);

    pthread_mutex_lock(&s->lock);
    struct outcome *o = s->spare;
    if (o) {
        s->spare = o->next;
        s->spare_n--;
    }
    s->pending++;
    l->pending++;
    l->suppressing += suppresses;
    pthread_mutex_unlock(&s->lock);
    return o;
}

static struct outcome *new_outcome(void)
{
    struct outcome *o = calloc(1, sizeof *o);

    if (!o)
        err_out_of_memory();
    o->arena = arena_open();
    return o;
}

static void drop(struct outcome *o)
{
    arena_close(&o->arena);
    free(o);
}

static void copy_suppression(struct outcome *o, const struct suppression_new *from)
{
    struct arena *a = o->arena;

    o->suppress = (struct suppression_new){.scope = arena_text(a, str_of(from->scope)),
        .reason = arena_text(a, str_of(from->reason)),
        .origin = arena_text(a, str_of(from->origin)),
        .expires_ms = from->expires_ms,
        .evidence = arena_text(a, str_of(from->evidence)),
        .actor = arena_text(a, str_of(from->actor)),
        .note = arena_str(a, from->note)};
    o->what.suppress = &o->suppress;
}

/* Of the job only what a settlement needs: the rest may be megabytes. */
static void copy(struct outcome *o, const struct settlement *what)
{
    const struct job *job = what->job;
    struct arena *a = o->arena;

    o->job = (struct job){.storefront = arena_text(a, str_of(job->storefront)),
        .id = arena_text(a, str_of(job->id)),
        .fence = job->fence,
        .due_ms = job->due_ms,
        .address = arena_str(a, job->address),
        .key = job_key_copy(job->key, a)};
    o->what = *what;
    o->what.job = &o->job;
    o->what.reason = arena_text(a, str_of(what->reason));
    o->what.facts = arena_str(a, what->facts);
    o->what.reply = arena_str(a, what->reply);
    if (what->suppress)
        copy_suppression(o, what->suppress);
}

/* The outcome's end, whichever. */
static void finish(struct outcome *o, bool left)
{
    struct settler *s = o->settler;
    struct lane_account *l = account(s, o->lane);

    if (!left) /* what was left stands in its slot still */
        slots_return(s->slots, o->what.lane);
    arena_clear(o->arena);
    arena_close(&o->again);
    pthread_mutex_lock(&s->lock);
    bool kept = s->spare_n < SPARE_MAX;
    if (kept) {
        o->next = s->spare;
        s->spare = o;
        s->spare_n++;
    }
    l->left = l->left || left;
    l->refused -= o->is_refused;
    l->suppressing -= o->what.suppress != NULL;
    l->pending--;
    pthread_cond_broadcast(&l->changed);
    if (--s->pending == 0 && s->end)
        pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    if (!kept)
        drop(o);
}

/* ---- posting, and the answer ----------------------------------------------------------------------------- */

static void count(const struct outcome *o)
{
    struct tally *t = o->settler->tally;

    log_debug("settled", KV("id", o->job.id), KV("to", msg_state_name(o->what.to)),
        KV("reason", o->what.reason));
    if (o->what.to == MSG_QUEUED)
        counter_add(t->given_back, 1);
    else
        counter_add(t->ended[o->what.to], 1);
    if (o->what.unsure)
        counter_add(t->unsure, 1);
    if (o->what.suppress)
        counter_add(t->suppressions, 1);
    if (o->what.to == MSG_DELIVERED)
        histogram_add_ns(
            t->due_to_delivered, (clock_now_ms(o->settler->clock) - o->job.due_ms) * NS_PER_MS);
}

static void join_the_troubled(struct outcome *o)
{
    struct settler *s = o->settler;

    pthread_mutex_lock(&s->lock);
    account(s, o->lane)->refused += !o->is_refused;
    o->is_refused = true;
    o->next = s->troubled;
    s->troubled = o;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* On the committer's thread, which has no time for a refusal. */
static void on_answer(void *context, const struct err *e_or_null)
{
    struct outcome *o = context;

    if (!e_or_null) {
        count(o);
        finish(o, false);
        return;
    }
    o->e = *e_or_null;
    o->again_ns = 0;
    join_the_troubled(o);
}

static bool hand_in(struct outcome *o, struct arena *a, struct err *e)
{
    return queue_settle_async(o->settler->queue, &o->what, a, on_answer, o, e);
}

/* The outcome is worth more than the server's words, which a damaged key would make unreadable for ever. */
static void post(struct outcome *o, struct arena *a)
{
    struct err e;

    if (hand_in(o, a, &e))
        return;
    if (e.code == ERR_CORRUPT && !o->what.keyless) {
        log_error("settle-without-reply", KV("id", o->job.id), KV("to", msg_state_name(o->what.to)),
            KV("error", e.text));
        o->what.keyless = true;
        if (hand_in(o, a, &e))
            return;
    }
    on_answer(o, &e);
}

void settle(struct settler *s, size_t lane, const struct settlement *what)
{
    struct outcome *o = take_spare(s, lane, what->suppress != NULL);

    if (!o)
        o = new_outcome();
    o->settler = s;
    o->lane = lane;
    o->is_refused = false;
    o->patience_ms = PATIENCE_FIRST_MS;
    copy(o, what);
    post(o, o->arena);
}

static bool wait_for_none(struct settler *s, struct lane_account *l, const size_t *of_these)
{
    pthread_mutex_lock(&s->lock);
    while (*of_these > 0)
        pthread_cond_wait(&l->changed, &s->lock);
    bool whole = !l->left;
    pthread_mutex_unlock(&s->lock);
    return whole;
}

bool settler_wait(struct settler *s, size_t lane)
{
    struct lane_account *l = account(s, lane);

    return wait_for_none(s, l, &l->pending);
}

bool settler_is_calm(struct settler *s, size_t lane)
{
    struct lane_account *l = account(s, lane);

    return wait_for_none(s, l, &l->refused);
}

bool settler_has_suppressed(struct settler *s, size_t lane)
{
    struct lane_account *l = account(s, lane);

    return wait_for_none(s, l, &l->suppressing);
}

static bool is_refused(struct settler *s, size_t lane)
{
    pthread_mutex_lock(&s->lock);
    bool refused = account(s, lane)->refused > 0;
    pthread_mutex_unlock(&s->lock);
    return refused;
}

/* Whoever waits for the disk keeps no slot from the others. */
bool settler_begin_body(struct settler *s, size_t lane, size_t *slot)
{
    *slot = SLOT_NONE;
    while (settler_is_calm(s, lane) && slots_take(s->slots, slot)) {
        if (!is_refused(s, lane))
            return true;
        settler_return_slot(s, slot);
    }
    return false;
}

void settler_return_slot(struct settler *s, size_t *slot)
{
    slots_return(s->slots, *slot);
    *slot = SLOT_NONE;
}

/* ---- what the store refused, on the settler's thread ----------------------------------------------------- */

/* The store is well and says no: the lease was lost, or the message has gone. Asking again changes nothing. */
static bool is_an_answer(const struct err *e)
{
    return e->code == ERR_CONFLICT || e->code == ERR_MISSING || e->code == ERR_INPUT;
}

static void leave(struct outcome *o)
{
    log_error("settle-left-to-next-start", KV("id", o->job.id));
    finish(o, true);
}

static void look_at_refusal(struct outcome *o, bool stop)
{
    const char *to = msg_state_name(o->what.to);

    if (is_an_answer(&o->e)) {
        log_warning("settle-refused", KV("id", o->job.id), KV("to", to), KV("error", o->e.text));
        finish(o, false);
        return;
    }
    if (o->patience_ms == PATIENCE_FIRST_MS) /* once: the tries are counted */
        log_error("settle-failed", KV("id", o->job.id), KV("to", to), KV("error", o->e.text));
    counter_add(o->settler->tally->settle_retries, 1);
    if (stop) {
        leave(o);
        return;
    }
    o->again_ns = clock_steady_ns() + o->patience_ms * NS_PER_MS;
    o->patience_ms = o->patience_ms * 2 < PATIENCE_MAX_MS ? o->patience_ms * 2 : PATIENCE_MAX_MS;
    join_the_troubled(o);
}

static void try_again(struct outcome *o)
{
    if (!o->again)
        o->again = arena_open();
    arena_clear(o->again);
    post(o, o->again);
}

static void see_to(struct outcome *o, bool stop)
{
    if (o->again_ns == 0)
        look_at_refusal(o, stop);
    else if (stop)
        leave(o);
    else
        try_again(o);
}

/* Under the lock. A stop ends every rest. */
static struct outcome *take_due(struct settler *s, int64_t *next_ns)
{
    int64_t now_ns = clock_steady_ns();

    *next_ns = INT64_MAX;
    for (struct outcome **link = &s->troubled; *link; link = &(*link)->next) {
        struct outcome *o = *link;
        if (s->stop || o->again_ns <= now_ns) {
            *link = o->next;
            return o;
        }
        if (o->again_ns < *next_ns)
            *next_ns = o->again_ns;
    }
    return NULL;
}

static void wait_until(struct settler *s, int64_t ns)
{
    struct timespec at = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

    if (ns == INT64_MAX)
        pthread_cond_wait(&s->changed, &s->lock);
    else
        pthread_cond_timedwait(&s->changed, &s->lock, &at);
}

static void *run(void *arg)
{
    struct settler *s = arg;
    int64_t next_ns;

    pthread_setname_np(pthread_self(), "settler");
    pthread_mutex_lock(&s->lock);
    while (!s->end || s->pending > 0) {
        struct outcome *o = take_due(s, &next_ns);
        bool stop = s->stop;
        if (!o) {
            wait_until(s, next_ns);
            continue;
        }
        pthread_mutex_unlock(&s->lock);
        see_to(o, stop);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- open and close -------------------------------------------------------------------------------------- */

static void open_accounts(struct settler *s, size_t lanes)
{
    s->lanes = calloc(lanes, sizeof *s->lanes);
    if (!s->lanes)
        err_out_of_memory();
    s->lanes_n = lanes;
    s->slots = slots_open(lanes);
    for (size_t i = 0; i < lanes; i++)
        pthread_cond_init(&s->lanes[i].changed, NULL);
}

static void free_all(struct settler *s)
{
    for (struct outcome *o = s->spare, *next; o; o = next) {
        next = o->next;
        drop(o);
    }
    for (size_t i = 0; i < s->lanes_n; i++)
        pthread_cond_destroy(&s->lanes[i].changed);
    free(s->lanes);
    slots_close(&s->slots);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

bool settler_open(struct queue *q, const struct clock *clock, struct tally *tally, size_t lanes,
    struct settler **out, struct err *e)
{
    struct settler *s = calloc(1, sizeof *s);
    pthread_condattr_t attr;

    if (!s)
        err_out_of_memory();
    *s = (struct settler){.queue = q, .clock = clock, .tally = tally};
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attr);
    pthread_condattr_destroy(&attr);
    open_accounts(s, lanes);
    if (pthread_create(&s->thread, NULL, run, s) != 0) {
        free_all(s);
        return err_set(e, ERR_IO, "cannot start the settler's thread");
    }
    *out = s;
    return true;
}

void settler_stop(struct settler *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    slots_stop(s->slots);
}

void settler_close(struct settler **ps)
{
    struct settler *s = *ps;

    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = s->end = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    free_all(s);
    *ps = NULL;
}
