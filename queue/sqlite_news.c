#include "queue/sqlite_news.h"

#include "queue/sieve.h"
#include "queue/sqlite_count.h"
#include "queue/sqlite_inside.h"

#include <pthread.h>
#include <stdlib.h>

#define SIEVE_BYTES (1u << 20) /* half a million persons */
#define STEP 4096 /* rows that one question reads at most: behind a start there are more */
#define GROUP 64

struct sqlite_news {
    struct sqlite_pool *readers;
    pthread_mutex_t lock;     /* guards all below; never held across a read */
    struct sqlite_count keys; /* changes of them */
    int64_t sieve_stamp,
        sieve_row; /* at that stamp the sieve held all rows; it holds those up to this one */
    struct sieve *suppressed;
};

struct sqlite_news *sqlite_news_open(struct sqlite_pool *readers)
{
    struct sqlite_news *n = calloc(1, sizeof *n);

    if (!n)
        err_out_of_memory();
    n->readers = readers;
    n->keys.stamp = n->sieve_stamp = -1;
    n->suppressed = sieve_open(SIEVE_BYTES);
    pthread_mutex_init(&n->lock, NULL);
    return n;
}

void sqlite_news_close(struct sqlite_news **n)
{
    if (!*n)
        return;
    sieve_close(&(*n)->suppressed);
    pthread_mutex_destroy(&(*n)->lock);
    free(*n);
    *n = NULL;
}

/* Everywhere the stamp is asked first, so that what is read after it is never older. Another thread may have read
 * something newer meanwhile, which stays. */

/* ---- keys ---- */

bool sqlite_news_key_changes(struct sqlite_news *n, int64_t *out, struct err *e)
{
    return sqlite_count_ask(&n->keys, &n->lock, n->readers, read_key_changes, out, e);
}

/* ---- suppressions: queues only add rows, in the order of their numbers, which are not used twice. One that was lifted stays in
 * the sieve and is looked up like one that stands. ---- */

static void put(struct sqlite_news *n, const struct digest *rows, size_t count, int64_t last)
{
    pthread_mutex_lock(&n->lock);
    for (size_t i = 0; i < count; i++)
        sieve_put(n->suppressed, &rows[i]);
    if (n->sieve_row < last)
        n->sieve_row = last;
    pthread_mutex_unlock(&n->lock);
}

static bool put_rows(
    struct sqlite_news *n, struct sqlite *db, int64_t after, bool *all, struct err *e)
{
    struct sql *q =
        sqlite_sql(db, "SELECT n, person FROM suppression WHERE n > ?1 ORDER BY n LIMIT ?2");
    struct digest rows[GROUP];
    size_t count = 0, group = 0;
    int64_t last = after;

    sql_int(q, 1, after);
    sql_int(q, 2, STEP);
    while (sql_row(q) && sql_get_digest(q, 1, &rows[group])) {
        last = sql_get_int(q, 0);
        count++;
        if (++group == GROUP) {
            put(n, rows, group, last);
            group = 0;
        }
    }
    put(n, rows, group, last);
    *all = count < STEP;
    return sql_done(q, e);
}

/* Puts in what was added since; all of it, unless so much is new that it takes several questions. */
static bool catch_up(struct sqlite_news *n, int64_t stamp, int64_t after, struct err *e)
{
    struct sqlite *db;
    bool fine, all;

    if (!sqlite_pool_take(n->readers, &db, e))
        return false;
    fine = put_rows(n, db, after, &all, e);
    sqlite_pool_give(n->readers, db);
    if (!fine)
        return false;
    pthread_mutex_lock(&n->lock);
    if (all && n->sieve_stamp < stamp)
        n->sieve_stamp = stamp;
    pthread_mutex_unlock(&n->lock);
    return true;
}

bool sqlite_news_may_be_suppressed(
    struct sqlite_news *n, const struct keyed *who, bool *out, struct err *e)
{
    int64_t stamp, row;
    bool known;

    if (!sqlite_pool_stamp(n->readers, &stamp, e))
        return false;
    pthread_mutex_lock(&n->lock);
    known = n->sieve_stamp == stamp;
    row = n->sieve_row;
    pthread_mutex_unlock(&n->lock);
    if (!known && !catch_up(n, stamp, row, e))
        return false;
    pthread_mutex_lock(&n->lock);
    *out = n->sieve_stamp < stamp || sieve_may_hold(n->suppressed, who);
    pthread_mutex_unlock(&n->lock);
    return true;
}

/* ---- our own commits ---- */

void sqlite_news_begun(struct sqlite_news *n, const struct sqlite *writer, struct sqlite_turn *out)
{
    sqlite_pool_begun(n->readers, writer, out);
}

void sqlite_news_ended(
    struct sqlite_news *n, const struct sqlite_turn *t, bool keys_changed, bool suppressed)
{
    int64_t stamp;

    if (!sqlite_pool_ended(n->readers, t, &stamp))
        return;
    pthread_mutex_lock(&n->lock);
    if (!keys_changed && n->keys.stamp == t->stamp)
        n->keys.stamp = stamp;
    if (!suppressed && n->sieve_stamp == t->stamp)
        n->sieve_stamp = stamp;
    pthread_mutex_unlock(&n->lock);
}
