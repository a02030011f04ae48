/* sqlite_pool -- connections for reading, shared by threads; the contract stands in sqlite.h. */
#include "queue/sqlite.h"

#include "queue/sqlite_head.h"

#include <pthread.h>
#include <stdlib.h>

#define POOL_MAX 32

struct sqlite_pool {
    char *path;
    size_t max;
    pthread_mutex_t lock; /* guards free, free_n, open_n; opening happens outside of it */
    pthread_cond_t given;
    struct sqlite *free[POOL_MAX];
    size_t free_n, open_n;
    const volatile uint32_t *head; /* of the log's index, NULL: not to be had */
    pthread_mutex_t watch_lock;    /* guards all below */
    struct sqlite *watch;          /* its stamps can be compared among themselves only */
    bool is_seen;
    struct sqlite_head seen;
    int64_t version, stamp;
};

/* Whoever writes has the log written back, not a reader that happens to close last. */
static bool open_reader(const char *path, struct sqlite **out, struct err *e)
{
    if (!sqlite_open(path, SQLITE_FOR_READING, out, e))
        return false;
    sqlite_keep_log(*out);
    return true;
}

bool sqlite_pool_open(const char *path, size_t max, struct sqlite_pool **out, struct err *e)
{
    struct sqlite_pool *p = calloc(1, sizeof *p);

    if (!p || !(p->path = strdup(path)))
        err_out_of_memory();
    p->max = max < POOL_MAX ? max : POOL_MAX;
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->watch_lock, NULL);
    pthread_cond_init(&p->given, NULL);
    *out = p;
    if (open_reader(path, &p->watch, e) && sqlite_stamp(p->watch, &p->version, e)) {
        p->head = sqlite_head_of(p->watch);
        return true;
    }
    sqlite_pool_close(out);
    return false;
}

void sqlite_pool_close(struct sqlite_pool **p)
{
    if (!*p)
        return;
    while ((*p)->free_n > 0)
        sqlite_close(&(*p)->free[--(*p)->free_n]);
    sqlite_close(&(*p)->watch);
    pthread_cond_destroy(&(*p)->given);
    pthread_mutex_destroy(&(*p)->watch_lock);
    pthread_mutex_destroy(&(*p)->lock);
    free((*p)->path);
    free(*p);
    *p = NULL;
}

bool sqlite_pool_take(struct sqlite_pool *p, struct sqlite **out, struct err *e)
{
    *out = NULL;
    pthread_mutex_lock(&p->lock);
    while (p->free_n == 0 && p->open_n == p->max)
        pthread_cond_wait(&p->given, &p->lock);
    if (p->free_n > 0)
        *out = p->free[--p->free_n];
    else
        p->open_n++;
    pthread_mutex_unlock(&p->lock);
    if (*out || open_reader(p->path, out, e))
        return true;
    pthread_mutex_lock(&p->lock);
    p->open_n--;
    pthread_cond_signal(&p->given);
    pthread_mutex_unlock(&p->lock);
    return false;
}

void sqlite_pool_give(struct sqlite_pool *p, struct sqlite *db)
{
    pthread_mutex_lock(&p->lock);
    p->free[p->free_n++] = db;
    pthread_cond_signal(&p->given);
    pthread_mutex_unlock(&p->lock);
}

/* ---- stamps ---- */

/* Under the lock: the head as it is, and a new stamp where it moved. */
static bool look(struct sqlite_pool *p, struct sqlite_head *now)
{
    if (!p->head || !sqlite_head_read(p->head, now))
        return false;
    if (!p->is_seen || memcmp(now, &p->seen, sizeof *now) != 0) {
        p->seen = *now;
        p->is_seen = true;
        p->stamp++;
    }
    return true;
}

/* Under the lock. A head that could not be read is no reason to believe that nobody committed. */
static bool ask(struct sqlite_pool *p, struct err *e)
{
    int64_t version;

    if (!sqlite_stamp(p->watch, &version, e))
        return false;
    p->stamp += version != p->version || p->is_seen;
    p->version = version;
    p->is_seen = false;
    return true;
}

/* Where it asks, it reads a counter in shared memory, not the disk. */
bool sqlite_pool_stamp(struct sqlite_pool *p, int64_t *out, struct err *e)
{
    struct sqlite_head now;
    bool fine;

    pthread_mutex_lock(&p->watch_lock);
    fine = look(p, &now) || ask(p, e);
    *out = p->stamp;
    pthread_mutex_unlock(&p->watch_lock);
    return fine;
}

bool sqlite_pool_is_quick(const struct sqlite_pool *p)
{
    return p->head != NULL;
}

void sqlite_pool_begun(struct sqlite_pool *p, const struct sqlite *writer, struct sqlite_turn *out)
{
    struct sqlite_head now = {0};

    pthread_mutex_lock(&p->watch_lock);
    out->writer = writer;
    out->known = look(p, &now);
    out->commits = sqlite_head_commits(&now);
    out->stamp = p->stamp;
    pthread_mutex_unlock(&p->watch_lock);
}

/* Only a commit that wrote has raised the count: one more behind another is somebody else's. */
bool sqlite_pool_ended(struct sqlite_pool *p, const struct sqlite_turn *t, int64_t *stamp)
{
    struct sqlite_head now;
    bool alone;

    pthread_mutex_lock(&p->watch_lock);
    alone = t->known && sqlite_wrote(t->writer) && look(p, &now) &&
            sqlite_head_commits(&now) == t->commits + 1;
    *stamp = p->stamp;
    pthread_mutex_unlock(&p->watch_lock);
    return alone;
}
