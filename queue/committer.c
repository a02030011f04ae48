#include "queue/committer.h"

#include "queue/flusher.h"
#include "queue/tempo.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define GROUP_BYTES ((size_t)32 << 20)

struct committer {
    struct committer_setup setup;
    struct flusher *flusher;
    pthread_t thread;
    struct histogram *group_size, *latency;
    struct counter *failures;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t arrived, room;
    pthread_cond_t pressing; /* while a group waits for company, in place of `arrived` */
    struct tempo tempo;
    struct ticket *first, **last;
    size_t ops, bytes; /* waiting */
    struct tempo_line line;
    bool stop;
    struct err trouble; /* code ERR_NONE while well */
};

/* ---- the thread ---- */

static bool may_make_work(const struct store_op *op, int64_t now_ms)
{
    switch (op->kind) {
    case STORE_SUBMIT:
        return op->submit.out->state == MSG_QUEUED &&
               op->submit.s->due_ms < now_ms + COMMITTER_SOON_MS;
    case STORE_SETTLE:
        return op->settle.made_work;
    case STORE_CHANGE:
        return op->change.kind == CHANGE_RELEASE || op->change.kind == CHANGE_RETRY;
    case STORE_RELEASE:
        return op->release.n > 0;
    case STORE_SWEEP:
        return op->sweep.returned > 0;
    case STORE_START:
        return true;
    default:
        return false;
    }
}

/* Whether the ticket, with those who follow it, still goes into a group of n. */
static bool has_room(size_t n, size_t bytes, const struct ticket *t)
{
    return n == 0 || (n + 1 + t->followers <= COMMITTER_GROUP &&
                         bytes + t->bytes + t->followers_bytes <= GROUP_BYTES);
}

static void count_in(struct tempo_line *line, const struct ticket *t)
{
    line->outcomes += t->op.kind == STORE_SETTLE;
    line->claims += t->op.kind == STORE_CLAIM;
}

/* The lock is held. */
static void wait_for_company(struct committer *c)
{
    bool late = false;

    while (!c->stop && !late) {
        int64_t due_ns = tempo_due_ns(&c->tempo, c->line);
        struct timespec due = {due_ns / 1000000000, due_ns % 1000000000};

        if (due_ns <= clock_steady_ns())
            break;
        late = pthread_cond_timedwait(&c->pressing, &c->lock, &due) != 0;
    }
}

/* Takes the first of the line, up to a group's limits, off it; NULL at the end. */
static struct ticket *take_group(struct committer *c, size_t *n)
{
    struct ticket *group, **end;
    size_t bytes = 0, followers = 0;
    struct tempo_line taken = {0};

    pthread_mutex_lock(&c->lock);
    while (!c->first && !c->stop)
        pthread_cond_wait(&c->arrived, &c->lock);
    wait_for_company(c);
    group = c->first;
    *n = 0;
    for (end = &group; *end; end = &(*end)->next) {
        if (followers == 0 && !has_room(*n, bytes, *end))
            break;
        followers = followers > 0 ? followers - 1 : (*end)->followers;
        bytes += (*end)->bytes;
        count_in(&taken, *end);
        (*n)++;
    }
    c->first = *end;
    if (!c->first)
        c->last = &c->first;
    *end = NULL;
    c->ops -= *n;
    c->line.outcomes -= taken.outcomes;
    c->line.claims -= taken.claims;
    c->bytes -= bytes;
    tempo_begin(&c->tempo, taken.outcomes, clock_steady_ns());
    pthread_cond_broadcast(&c->room);
    pthread_mutex_unlock(&c->lock);
    return group;
}

static void note_health(struct committer *c, bool wrote, const struct err *failure_or_null)
{
    pthread_mutex_lock(&c->lock);
    if (c->trouble.code != ERR_CORRUPT) {
        if (failure_or_null)
            c->trouble = *failure_or_null;
        else if (wrote)
            c->trouble = (struct err){0};
    }
    pthread_mutex_unlock(&c->lock);
    if (failure_or_null && c->failures)
        counter_add(c->failures, 1);
}

static bool keys_are_written(void *flusher, struct err *e)
{
    return flusher_wait(flusher, e);
}

/* The keys concern all: what was sealed with one that is not on disk could never be opened again. */
static bool apply(
    struct committer *c, struct store_op *const *ops, size_t n, bool *wrote, struct err *e)
{
    const struct store_condition condition = {keys_are_written, c->flusher};
    struct store *s = c->setup.store;
    bool fine;

    flusher_begin(c->flusher);
    fine = s->verbs->apply(s, ops, n, clock_now_ms(c->setup.clock), &condition, wrote, e);
    return flusher_wait(c->flusher, e) && fine;
}

/* The first of the group, applied one by one, that the store failed and did not refuse. */
static const struct err *failure_in(const struct ticket *group)
{
    for (const struct ticket *t = group; t; t = t->next)
        if (!t->op.ok && (t->op.e.code == ERR_IO || t->op.e.code == ERR_FULL ||
                             t->op.e.code == ERR_BUSY || t->op.e.code == ERR_CORRUPT))
            return &t->op.e;
    return NULL;
}

static void commit_group(struct committer *c, struct ticket *group, size_t n)
{
    struct store_op *ops[COMMITTER_GROUP];
    struct err e = {0};
    int64_t began_ns = clock_steady_ns(), now_ms;
    bool fine, wrote = false, work = false;
    size_t i = 0;

    for (struct ticket *t = group; t; t = t->next)
        ops[i++] = &t->op;
    fine = apply(c, ops, n, &wrote, &e);
    now_ms = clock_now_ms(c->setup.clock); /* after the disk, which may be slow */
    const struct err *failure = fine ? failure_in(group) : &e;
    note_health(c, wrote, failure);
    if (c->latency)
        histogram_add_ns(c->latency, clock_steady_ns() - began_ns);
    if (c->group_size)
        histogram_add_size(c->group_size, n);
    for (struct ticket *t = group, *next; t; t = next) {
        next = t->next; /* done may free the ticket */
        if (!fine) {
            t->op.ok = false;
            t->op.e = e;
        }
        work = work || (t->op.ok && may_make_work(&t->op, now_ms));
        t->done(t->context, t);
    }
    if (work && c->setup.worked)
        c->setup.worked(c->setup.state);
}

static void *serve(void *arg)
{
    struct committer *c = arg;
    struct ticket *group;
    size_t n;

    while ((group = take_group(c, &n)) != NULL)
        commit_group(c, group, n);
    return NULL;
}

/* ---- lifetime ---- */

static void look_up_metrics(struct committer *c, struct metrics *m)
{
    if (!m)
        return;
    c->group_size = metrics_size_histogram(
        m, "parcelpost_queue_commit_group_size", "Changes that shared one commit.", "");
    c->latency = metrics_histogram(
        m, "parcelpost_queue_commit_seconds", "Time of one group commit, keys.db included.", "");
    c->failures = metrics_counter(m, "parcelpost_queue_commit_failures_total",
        "Commits that failed, wholly or for one of the changes in them.", "");
}

void committer_open(const struct committer_setup *setup, struct committer **out)
{
    struct committer *c = calloc(1, sizeof *c);
    pthread_condattr_t steady;

    if (!c)
        err_out_of_memory();
    c->setup = *setup;
    c->last = &c->first;
    c->tempo = tempo_for(setup->bodies);
    flusher_open(setup->vault, &c->flusher);
    look_up_metrics(c, setup->metrics);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->arrived, NULL);
    pthread_cond_init(&c->room, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&c->pressing, &steady);
    pthread_condattr_destroy(&steady);
    if (pthread_create(&c->thread, NULL, serve, c) != 0)
        err_out_of_memory();
    *out = c;
}

void committer_close(struct committer **c)
{
    if (!*c)
        return;
    pthread_mutex_lock(&(*c)->lock);
    (*c)->stop = true;
    pthread_cond_signal(&(*c)->arrived);
    pthread_cond_signal(&(*c)->pressing);
    pthread_mutex_unlock(&(*c)->lock);
    pthread_join((*c)->thread, NULL);
    flusher_close(&(*c)->flusher);
    pthread_cond_destroy(&(*c)->pressing);
    pthread_cond_destroy(&(*c)->room);
    pthread_cond_destroy(&(*c)->arrived);
    pthread_mutex_destroy(&(*c)->lock);
    free(*c);
    *c = NULL;
}

/* ---- callers ---- */

static bool is_full(const struct committer *c, size_t ops, size_t bytes)
{
    return c->ops + ops > COMMITTER_OPS || (c->ops > 0 && c->bytes + bytes > COMMITTER_BYTES);
}

static void stand_in_line(struct committer *c, struct ticket *t)
{
    t->next = NULL;
    *c->last = t;
    c->last = &t->next;
    c->ops++;
    count_in(&c->line, t);
    c->bytes += t->bytes;
    pthread_cond_signal(&c->arrived);
    if (tempo_is_pressed(&c->tempo, c->line))
        pthread_cond_signal(&c->pressing);
}

static void wake(void *context, struct ticket *t)
{
    (void)t;
    sem_post(context);
}

void committer_hand_in(struct committer *c, struct ticket *t)
{
    pthread_mutex_lock(&c->lock);
    while (is_full(c, 1, t->bytes))
        pthread_cond_wait(&c->room, &c->lock);
    stand_in_line(c, t);
    pthread_mutex_unlock(&c->lock);
}

bool committer_run_sized(struct committer *c, struct store_op *op, size_t bytes, struct err *e)
{
    sem_t answered;
    struct ticket t = {.op = *op, .bytes = bytes, .done = wake, .context = &answered};

    sem_init(&answered, 0, 0);
    committer_hand_in(c, &t);
    while (sem_wait(&answered) != 0)
        continue; /* EINTR */
    sem_destroy(&answered);
    *op = t.op;
    if (!op->ok)
        *e = op->e;
    return op->ok;
}

bool committer_run(struct committer *c, struct store_op *op, struct err *e)
{
    return committer_run_sized(c, op, 0, e);
}

bool committer_post_all(struct committer *c, struct ticket *t, size_t n, struct err *e)
{
    size_t bytes = 0;
    bool full;

    for (size_t i = 0; i < n; i++)
        bytes += t[i].bytes;
    t[0].followers = n - 1;
    t[0].followers_bytes = bytes - t[0].bytes;
    pthread_mutex_lock(&c->lock);
    full = is_full(c, n + COMMITTER_KEPT, bytes);
    for (size_t i = 0; i < n && !full; i++)
        stand_in_line(c, &t[i]);
    pthread_mutex_unlock(&c->lock);
    return !full || err_set(e, ERR_BUSY, "too many changes wait for the disk");
}

bool committer_post(struct committer *c, struct ticket *t, struct err *e)
{
    return committer_post_all(c, t, 1, e);
}

bool committer_is_well(struct committer *c, struct err *e)
{
    struct err trouble;

    pthread_mutex_lock(&c->lock);
    trouble = c->trouble;
    pthread_mutex_unlock(&c->lock);
    if (trouble.code == ERR_NONE)
        return true;
    *e = trouble;
    return false;
}

void committer_note_corrupt(struct committer *c, const struct err *e)
{
    pthread_mutex_lock(&c->lock);
    c->trouble = *e;
    pthread_mutex_unlock(&c->lock);
}
