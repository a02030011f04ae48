#include "mailer/gate/surveyor.h"

#include <pthread.h>
#include <stdlib.h>

#define WORKERS_MAX 16
#define AUDIT_MS 20000
#define WAIT_MS 20000
#define NS_PER_MS INT64_C(1000000)

struct waiter {
    surveyor_done *done;
    void *context;
    struct waiter *next;
};

enum entry_state { ENTRY_QUEUED, ENTRY_RUNNING, ENTRY_KEPT };

/* One audit: of the moment when it is first asked for until its report is too old. */
struct entry {
    const char *storefront, *domain;
    struct arena *arena; /* of these names and the survey */
    struct survey *survey;
    enum entry_state state;
    struct waiter *waiters;
    struct buf json;
    int64_t queued_ns; /* steady */
    int64_t until_ms;  /* of a kept one */
    struct entry *next;
};

struct surveyor {
    struct surveyor_setup setup;
    pthread_mutex_t lock; /* guards all below but the threads */
    pthread_cond_t work;
    struct entry *first; /* in the order in which they were asked for */
    size_t queued;
    _Atomic bool stopping; /* audits under way look at it, too */
    pthread_t threads[WORKERS_MAX];
    unsigned threads_n;
    struct counter *audits;
};

/* ---- entries, under the lock ----------------------------------------------------------------- */

static void entry_close(struct entry **e)
{
    if (!*e)
        return;
    buf_close(&(*e)->json);
    arena_close(&(*e)->arena);
    free(*e);
    *e = NULL;
}

static void forget_old(struct surveyor *s)
{
    int64_t now_ms = clock_now_ms(s->setup.clock);
    for (struct entry **at = &s->first; *at;) {
        struct entry *one = *at;
        if (one->state != ENTRY_KEPT || one->until_ms > now_ms) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        entry_close(&one);
    }
}

static struct entry *find(const struct surveyor *s, const struct surveyor_question *q)
{
    struct entry *e = s->first;
    while (e && (strcmp(e->storefront, q->storefront) != 0 || strcmp(e->domain, q->domain) != 0))
        e = e->next;
    return e;
}

static struct entry *entry_open(const struct surveyor *s, const struct surveyor_question *q)
{
    struct entry *e = calloc(1, sizeof *e);
    if (!e)
        err_out_of_memory();
    e->arena = arena_open();
    e->storefront = arena_text(e->arena, str_of(q->storefront));
    e->domain = arena_text(e->arena, str_of(q->domain));
    e->survey = ARENA_NEW(e->arena, struct survey);
    survey_begin(e->survey, e->domain);
    survey_take_settings(e->survey, q->conf, q->storefront, q->keys, e->arena);
    if (s->setup.rotations)
        s->setup.rotations(q->conf, e->storefront, e->arena, &e->survey->setup);
    e->survey->setup.resolver = s->setup.resolver;
    e->survey->setup.web = s->setup.web;
    e->survey->setup.clock = s->setup.clock;
    e->survey->setup.limit_ms = s->setup.audit_ms;
    e->survey->setup.over = &s->stopping;
    e->queued_ns = clock_steady_ns();
    return e;
}

static void append(struct surveyor *s, struct entry *e)
{
    struct entry **at = &s->first;
    while (*at)
        at = &(*at)->next;
    *at = e;
}

static void join(struct entry *e, surveyor_done *done, void *context)
{
    struct waiter *w = calloc(1, sizeof *w);
    if (!w)
        err_out_of_memory();
    *w = (struct waiter){done, context, e->waiters};
    e->waiters = w;
}

static struct waiter *take_waiters(struct entry *e)
{
    struct waiter *all = e->waiters;
    e->waiters = NULL;
    return all;
}

static struct waiter *chain(struct waiter *some, struct waiter *others)
{
    struct waiter **end = &some;
    while (*end)
        end = &(*end)->next;
    *end = others;
    return some;
}

/* ---- answering, without the lock ------------------------------------------------------------- */

static void answer(struct waiter *all, enum surveyor_answer how, struct str json)
{
    while (all) {
        struct waiter *next = all->next;
        all->done(all->context, how, json);
        free(all);
        all = next;
    }
}

/* A waiter for a new or running audit, or an answer at once; true: *out is the answer. */
static bool is_answered(struct surveyor *s, const struct surveyor_question *q, surveyor_done *done,
    void *context, struct buf *json, enum surveyor_answer *out)
{
    size_t most = s->setup.queue;
    forget_old(s);
    struct entry *e = find(s, q);
    if (s->stopping || (!e && s->queued >= most)) {
        *out = s->stopping ? SURVEYOR_STOPPED : SURVEYOR_BUSY;
        return true;
    }
    if (e && e->state == ENTRY_KEPT) {
        buf_add(json, buf_str(&e->json));
        *out = SURVEYOR_REPORT;
        return true;
    }
    if (!e) {
        e = entry_open(s, q);
        append(s, e);
        s->queued++;
        pthread_cond_signal(&s->work);
    }
    join(e, done, context);
    return false;
}

void surveyor_ask(
    struct surveyor *s, const struct surveyor_question *q, surveyor_done *done, void *context)
{
    AUTO(buf_close) struct buf json = {0};
    enum surveyor_answer how = SURVEYOR_BUSY;
    pthread_mutex_lock(&s->lock);
    bool now = is_answered(s, q, done, context, &json, &how);
    pthread_mutex_unlock(&s->lock);
    if (now)
        done(context, how, buf_str(&json));
}

/* ---- working --------------------------------------------------------------------------------- */

static void write_report(const struct surveyor *s, const struct audit_report *r, struct buf *out)
{
    AUTO(js_close) struct js *o = survey_json(r);
    char at[CLOCK_RFC3339_SIZE];
    clock_rfc3339(clock_now_ms(s->setup.clock), at);
    js_set_cstr(o, "checked_at", at);
    js_write(o, JS_COMPACT, out);
    buf_add_char(out, '\n');
}

/* The entry stays where it is while it runs. */
static void run(struct surveyor *s, struct entry *e)
{
    AUTO(arena_close) struct arena *arena = arena_open();
    AUTO(buf_close) struct buf json = {0};
    struct audit_report report;
    e->state = ENTRY_RUNNING;
    s->queued--;
    pthread_mutex_unlock(&s->lock);
    survey_run(e->survey, arena, &report);
    write_report(s, &report, &json);
    if (s->audits)
        counter_add(s->audits, 1);
    pthread_mutex_lock(&s->lock);
    pthread_cond_broadcast(&s->work); /* another of this storefront may have its turn */
    buf_add(&e->json, buf_str(&json));
    e->state = ENTRY_KEPT;
    e->until_ms = clock_now_ms(s->setup.clock) + s->setup.fresh_ms;
    struct waiter *all = take_waiters(e);
    pthread_mutex_unlock(&s->lock); /* from here on a question may find the entry, or drop it */
    answer(all, SURVEYOR_REPORT, buf_str(&json));
    pthread_mutex_lock(&s->lock);
}

static bool is_at_work_for(const struct surveyor *s, const char *storefront)
{
    const struct entry *e = s->first;
    while (e && (e->state != ENTRY_RUNNING || strcmp(e->storefront, storefront) != 0))
        e = e->next;
    return e != NULL;
}

static struct entry *next_queued(const struct surveyor *s)
{
    struct entry *e = s->first;
    while (e && (e->state != ENTRY_QUEUED || is_at_work_for(s, e->storefront)))
        e = e->next;
    return e;
}

/* Takes out who has waited too long; the caller answers them without the lock. */
static struct waiter *take_late(struct surveyor *s)
{
    int64_t since_ns = clock_steady_ns() - s->setup.wait_ms * NS_PER_MS;
    struct waiter *all = NULL;
    for (struct entry **at = &s->first; *at;) {
        struct entry *e = *at;
        if (e->state != ENTRY_QUEUED || e->queued_ns > since_ns) {
            at = &e->next;
            continue;
        }
        s->queued--;
        all = chain(take_waiters(e), all);
        *at = e->next;
        entry_close(&e);
    }
    return all;
}

/* With somebody in the queue at most until they have waited too long. */
static void wait_for_work(struct surveyor *s)
{
    int64_t until_ns = 0;
    for (const struct entry *e = s->first; e && until_ns == 0; e = e->next)
        if (e->state == ENTRY_QUEUED)
            until_ns = e->queued_ns + s->setup.wait_ms * NS_PER_MS;
    struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};
    if (until_ns > 0)
        pthread_cond_timedwait(&s->work, &s->lock, &until);
    else
        pthread_cond_wait(&s->work, &s->lock);
}

static void *work(void *context)
{
    struct surveyor *s = context;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        struct waiter *late = take_late(s);
        struct entry *e = late ? NULL : next_queued(s);
        if (late) {
            pthread_mutex_unlock(&s->lock);
            answer(late, SURVEYOR_BUSY, STR(""));
            pthread_mutex_lock(&s->lock);
        } else if (e) {
            run(s, e);
        } else {
            wait_for_work(s);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static void init_work(pthread_cond_t *work)
{
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(work, &steady);
    pthread_condattr_destroy(&steady);
}

bool surveyor_open(const struct surveyor_setup *setup, struct surveyor **out, struct err *e)
{
    AUTO(surveyor_close) struct surveyor *s = calloc(1, sizeof *s);
    if (!s)
        err_out_of_memory();
    s->setup = *setup;
    s->setup.queue = setup->queue ? setup->queue : 32;
    s->setup.fresh_ms = setup->fresh_ms ? setup->fresh_ms : 60000;
    s->setup.audit_ms = setup->audit_ms ? setup->audit_ms : AUDIT_MS;
    s->setup.wait_ms = setup->wait_ms ? setup->wait_ms : WAIT_MS;
    pthread_mutex_init(&s->lock, NULL);
    init_work(&s->work);
    if (setup->metrics)
        s->audits = metrics_counter(setup->metrics, "parcelpost_domain_audits_total",
            "Audits of a domain made for /v1/domains", "");
    unsigned workers = setup->workers ? setup->workers : 2;
    while (s->threads_n < workers && s->threads_n < WORKERS_MAX) {
        if (pthread_create(&s->threads[s->threads_n], NULL, work, s) != 0)
            return err_set(e, ERR_FULL, "no thread for audits of domains can be started");
        s->threads_n++;
    }
    *out = s;
    s = NULL;
    return true;
}

void surveyor_stop(struct surveyor *s)
{
    struct waiter *all = NULL;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    for (struct entry *e = s->first; e; e = e->next)
        all = chain(take_waiters(e), all);
    pthread_cond_broadcast(&s->work);
    pthread_mutex_unlock(&s->lock);
    answer(all, SURVEYOR_STOPPED, STR(""));
}

void surveyor_close(struct surveyor **s)
{
    if (!*s)
        return;
    surveyor_stop(*s);
    for (unsigned i = 0; i < (*s)->threads_n; i++)
        pthread_join((*s)->threads[i], NULL);
    for (struct entry *e = (*s)->first, *next; e; e = next) {
        next = e->next;
        entry_close(&e);
    }
    pthread_cond_destroy(&(*s)->work);
    pthread_mutex_destroy(&(*s)->lock);
    free(*s);
    *s = NULL;
}
