/* sqlite_pool -- connections for reading, shared by threads; the contract stands in sqlite.h. */
#include "queue/sqlite.h"

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
    pthread_mutex_t watch_lock; /* guards watch: stamps can be compared on one connection only */
    struct sqlite *watch;
};

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
    if (sqlite_open(path, SQLITE_FOR_READING, &p->watch, e))
        return true;
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
    if (*out || sqlite_open(p->path, SQLITE_FOR_READING, out, e))
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

/* It reads a counter in shared memory, not the disk: the lock is held for about a microsecond. */
bool sqlite_pool_stamp(struct sqlite_pool *p, int64_t *out, struct err *e)
{
    bool fine;

    pthread_mutex_lock(&p->watch_lock);
    fine = sqlite_stamp(p->watch, out, e);
    pthread_mutex_unlock(&p->watch_lock);
    return fine;
}
