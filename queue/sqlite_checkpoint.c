#include "queue/sqlite_checkpoint.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define PASSES 5   /* one after the other, while much comes in */
#define REST 200   /* pages that came in during a pass; about as many during the next */
#define PAUSE_MS 5 /* between attempts to empty the log */
#define CLOSE_TRIES 200

struct checkpoints {
    char *path;
    struct sqlite *writer;
    struct sqlite *own;   /* the thread's */
    pthread_mutex_t pass; /* held while pages are written back: SQLite turns a second one away */
    bool in_doubt; /* guarded by `pass`: nothing may be written back before start_over succeeds */
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wanted;
    pthread_t thread;
    bool has_thread, is_wanted, stop;
    bool has_rest; /* the writer's turn */
    int pages, pages_max;
    int seen;           /* the log's pages, after the last commit */
    int next, helped;   /* the log's pages with which the thread, or the writer, is asked next */
    struct err trouble; /* code ERR_NONE while well */
};

/* What a checkpoint came to. */
struct passed {
    bool is_busy;
    int64_t pages, done;
};

/* ---- writing back ---- */

/* Pages count as written back before a sync covers them, and Linux tells only once that it lost some: the next sync would
 * succeed, and the log begin anew over what is nowhere else. So all count as not written back. */
static void start_over(struct checkpoints *c, struct sqlite *db)
{
    c->in_doubt = !sqlite_write_back_anew(db);
}

static bool run(
    struct checkpoints *c, struct sqlite *db, const char *pragma, struct passed *out, struct err *e)
{
    *out = (struct passed){0};
    if (c->in_doubt)
        start_over(c, db);
    if (c->in_doubt)
        return err_set(e, ERR_IO, "database: a checkpoint failed and cannot start over");
    struct sql *q = sqlite_sql(db, pragma);
    sqlite_copies_log(db, true);
    if (sql_row(q)) {
        out->is_busy = sql_get_int(q, 0) != 0;
        out->pages = sql_get_int(q, 1);
        out->done = sql_get_int(q, 2);
    }
    sqlite_copies_log(db, false);
    if (sql_done(q, e))
        return true;
    start_over(c, db);
    return false;
}

static bool sync_or_start_over(struct checkpoints *c, struct err *e)
{
    if (sqlite_sync(c->own, e))
        return true;
    start_over(c, c->own);
    return false;
}

/* Again for what came meanwhile, until that is little. SQLite syncs the database only when nothing is left, but what is
 * written until now must not wait for the writer's sync. Ends early where a reader keeps pages from being written back: they stay in
 * the log until the next time. */
static bool write_back(
    struct checkpoints *c, bool *was_turned_away, bool *rest_is_small, struct err *e)
{
    struct passed p;
    int64_t done = 0;

    *was_turned_away = *rest_is_small = false;
    if (!c->own && !sqlite_open(c->path, SQLITE_FOR_CHECKPOINTS, &c->own, e))
        return false;
    for (int i = 0; i < PASSES && !*rest_is_small; i++) {
        if (!run(c, c->own, "PRAGMA wal_checkpoint(PASSIVE)", &p, e))
            return false;
        *was_turned_away = p.is_busy;
        if (p.is_busy || p.done == done)
            break;
        if (!sync_or_start_over(c, e))
            return false;
        *rest_is_small = p.done - done <= REST || i == PASSES - 1;
        done = p.done;
    }
    return true;
}

/* ---- the thread ---- */

static bool wait_for_work(struct checkpoints *c)
{
    pthread_mutex_lock(&c->lock);
    while (!c->is_wanted && !c->stop)
        pthread_cond_wait(&c->wanted, &c->lock);
    bool goes_on = !c->stop;
    pthread_mutex_unlock(&c->lock);
    return goes_on;
}

static void *serve(void *arg)
{
    struct checkpoints *c = arg;

    while (wait_for_work(c)) {
        struct err e = {0};
        bool was_turned_away, rest_is_small;

        pthread_mutex_lock(&c->pass);
        bool fine = write_back(c, &was_turned_away, &rest_is_small, &e);
        pthread_mutex_unlock(&c->pass);
        pthread_mutex_lock(&c->lock);
        if (!fine || !was_turned_away) /* which says nothing about the disk */
            c->trouble = fine ? (struct err){0} : e;
        c->is_wanted = false;
        c->has_rest = rest_is_small;
        c->next = c->seen + c->pages;
        pthread_mutex_unlock(&c->lock);
    }
    return NULL;
}

/* ---- the writer ---- */

/* Under the lock. */
static void ask(struct checkpoints *c)
{
    if (c->is_wanted)
        return;
    if (!c->has_thread && pthread_create(&c->thread, NULL, serve, c) != 0)
        err_out_of_memory();
    c->has_thread = c->is_wanted = true;
    c->has_rest = false;
    pthread_cond_signal(&c->wanted);
}

void checkpoints_note(struct checkpoints *c, int pages)
{
    pthread_mutex_lock(&c->lock);
    if (pages < c->seen) { /* somebody began it anew */
        c->next = c->pages;
        c->helped = c->pages_max;
        c->has_rest = false;
    }
    c->seen = pages;
    if (pages >= c->next)
        ask(c);
    pthread_mutex_unlock(&c->lock);
}

void checkpoints_retry(struct checkpoints *c)
{
    pthread_mutex_lock(&c->lock);
    if (c->trouble.code != ERR_NONE)
        ask(c);
    pthread_mutex_unlock(&c->lock);
}

/* The short patience is for readers and for writers of other processes, which all are quick. One who reads for
 * long is not waited for. */
static void begin_anew(struct checkpoints *c)
{
    struct passed p = {0};
    struct err e = {0};

    sqlite_be_patient(c->writer, 20);
    bool fine = run(c, c->writer, "PRAGMA wal_checkpoint(RESTART)", &p, &e);
    sqlite_be_patient(c->writer, SQLITE_PATIENCE_MS);
    pthread_mutex_lock(&c->lock);
    if (!fine)
        c->trouble = e;
    c->has_rest = false;
    if (fine && !p.is_busy)
        c->seen = 0;
    c->next = c->seen + c->pages;
    c->helped = c->seen < c->pages_max ? c->pages_max : c->seen + c->pages;
    pthread_mutex_unlock(&c->lock);
}

void checkpoints_help(struct checkpoints *c)
{
    pthread_mutex_lock(&c->lock);
    bool is_late = c->seen >= c->helped, has_rest = c->has_rest;
    pthread_mutex_unlock(&c->lock);
    if (!is_late && !has_rest)
        return;
    if (is_late)
        pthread_mutex_lock(&c->pass);
    else if (pthread_mutex_trylock(&c->pass) != 0)
        return;
    begin_anew(c);
    pthread_mutex_unlock(&c->pass);
}

/* Another process may be writing back at this moment, for which SQLite does not wait as it does for readers. */
bool checkpoints_empty(struct checkpoints *c, bool *emptied, struct err *e)
{
    int64_t until_ns = clock_steady_ns() + (int64_t)SQLITE_PATIENCE_MS * 1000000;
    struct passed p;
    bool fine;

    pthread_mutex_lock(&c->pass);
    while ((fine = run(c, c->writer, "PRAGMA wal_checkpoint(TRUNCATE)", &p, e)) && p.is_busy &&
           clock_steady_ns() < until_ns)
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000}, NULL);
    pthread_mutex_unlock(&c->pass);
    *emptied = fine && !p.is_busy;
    return fine;
}

bool checkpoints_are_well(struct checkpoints *c, struct err *e)
{
    pthread_mutex_lock(&c->lock);
    bool fine = c->trouble.code == ERR_NONE;
    if (!fine)
        *e = c->trouble;
    pthread_mutex_unlock(&c->lock);
    return fine;
}

/* ---- lifetime ---- */

void checkpoints_limit(struct checkpoints *c, int pages, int pages_max)
{
    pthread_mutex_lock(&c->lock);
    c->pages = c->next = pages;
    c->pages_max = c->helped = pages_max;
    pthread_mutex_unlock(&c->lock);
}

void checkpoints_open(const char *path, struct sqlite *writer, struct checkpoints **out)
{
    struct checkpoints *c = calloc(1, sizeof *c);

    if (!c || !(c->path = strdup(path)))
        err_out_of_memory();
    c->writer = writer;
    pthread_mutex_init(&c->pass, NULL);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wanted, NULL);
    checkpoints_limit(c, CHECKPOINT_PAGES, CHECKPOINT_PAGES_MAX);
    *out = c;
}

void checkpoints_close(struct checkpoints **c)
{
    if (!*c)
        return;
    pthread_mutex_lock(&(*c)->lock);
    (*c)->stop = true;
    pthread_cond_signal(&(*c)->wanted);
    pthread_mutex_unlock(&(*c)->lock);
    if ((*c)->has_thread)
        pthread_join((*c)->thread, NULL);
    for (int i = 0; (*c)->in_doubt && i < CLOSE_TRIES; i++) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000}, NULL);
        start_over(*c, (*c)->writer);
    }
    if ((*c)->in_doubt) /* the next to open the file reads the whole log */
        sqlite_keep_log((*c)->writer);
    sqlite_close(&(*c)->own);
    pthread_cond_destroy(&(*c)->wanted);
    pthread_mutex_destroy(&(*c)->lock);
    pthread_mutex_destroy(&(*c)->pass);
    free((*c)->path);
    free(*c);
    *c = NULL;
}
