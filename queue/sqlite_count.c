#include "queue/sqlite_count.h"

void sqlite_count_put(struct sqlite_count *c, int64_t stamp, int64_t n)
{
    if (c->stamp < stamp)
        *c = (struct sqlite_count){stamp, n};
}

static bool read_count(
    struct sqlite_pool *readers, sqlite_counting *count, int64_t *out, struct err *e)
{
    struct sqlite *db;
    bool fine;

    if (!sqlite_pool_take(readers, &db, e))
        return false;
    fine = count(db, out, e);
    sqlite_pool_give(readers, db);
    return fine;
}

/* The stamp is asked first, so what is read after it is never older, and a further commit shows. */
bool sqlite_count_ask(struct sqlite_count *c, pthread_mutex_t *lock, struct sqlite_pool *readers,
    sqlite_counting *count, int64_t *out, struct err *e)
{
    int64_t stamp;
    bool known;

    if (!sqlite_pool_stamp(readers, &stamp, e))
        return false;
    pthread_mutex_lock(lock);
    known = c->stamp == stamp;
    *out = c->n;
    pthread_mutex_unlock(lock);
    if (known)
        return true;
    if (!read_count(readers, count, out, e))
        return false;
    pthread_mutex_lock(lock);
    sqlite_count_put(c, stamp, *out);
    pthread_mutex_unlock(lock);
    return true;
}
