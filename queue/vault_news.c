#include "queue/vault_news.h"

#include "base/buf.h"
#include "queue/sieve.h"
#include "queue/sqlite_count.h"

#include <pthread.h>
#include <stdlib.h>

#define SIEVE_BYTES (2u << 20) /* a million persons */
#define STEP 1000              /* keys that one question reads, until all were read */
#define GROUP 64

struct vault_news {
    struct sqlite_pool *readers;
    pthread_mutex_t lock; /* guards all below; never held across a read */
    struct sqlite_count erasures;
    struct sieve *known;
    bool all_read, reading;    /* reading: one thread is, and owns the place */
    struct buf storefront, id; /* of the last key that was read */
};

struct vault_news *vault_news_open(struct sqlite_pool *readers)
{
    struct vault_news *n = calloc(1, sizeof *n);

    if (!n)
        err_out_of_memory();
    n->readers = readers;
    n->erasures.stamp = -1;
    n->known = sieve_open(SIEVE_BYTES);
    pthread_mutex_init(&n->lock, NULL);
    return n;
}

void vault_news_close(struct vault_news **n)
{
    if (!*n)
        return;
    sieve_close(&(*n)->known);
    buf_close(&(*n)->storefront);
    buf_close(&(*n)->id);
    pthread_mutex_destroy(&(*n)->lock);
    free(*n);
    *n = NULL;
}

/* ---- erasures ---- */

bool vault_news_count(struct sqlite *db, int64_t *out, struct err *e)
{
    struct sql *q = sqlite_sql(db, "SELECT n FROM erasure");

    *out = -1;
    if (sql_row(q))
        *out = sql_get_int(q, 0);
    return sql_done(q, e);
}

bool vault_news_erasures(struct vault_news *n, int64_t *out, struct err *e)
{
    return sqlite_count_ask(&n->erasures, &n->lock, n->readers, vault_news_count, out, e);
}

void vault_news_begun(struct vault_news *n, const struct sqlite *writer, struct sqlite_turn *out)
{
    sqlite_pool_begun(n->readers, writer, out);
}

void vault_news_ended(struct vault_news *n, const struct sqlite_turn *t, int64_t erasures)
{
    int64_t stamp;

    if (!sqlite_pool_ended(n->readers, t, &stamp))
        return;
    pthread_mutex_lock(&n->lock);
    sqlite_count_put(&n->erasures, stamp, erasures);
    pthread_mutex_unlock(&n->lock);
}

/* ---- who is new ---- */

static void put(struct vault_news *n, const struct digest *persons, size_t count)
{
    pthread_mutex_lock(&n->lock);
    for (size_t i = 0; i < count; i++)
        sieve_put(n->known, &persons[i]);
    pthread_mutex_unlock(&n->lock);
}

/* A person whose keys were erased is put in as well, and looked up in vain. */
static bool put_keys(struct vault_news *n, struct sqlite *db, bool *all, struct err *e)
{
    struct sql *q = sqlite_sql(db, "SELECT storefront, id, person FROM person_key"
                                   " WHERE (storefront, id) > (?1, ?2)"
                                   " ORDER BY storefront, id LIMIT ?3");
    struct digest persons[GROUP];
    AUTO(buf_close) struct buf storefront = {0}, id = {0};
    size_t count = 0, group = 0;

    sql_str(q, 1, buf_str(&n->storefront));
    sql_blob(q, 2, buf_str(&n->id));
    sql_int(q, 3, STEP);
    while (sql_row(q) && sql_get_digest(q, 2, &persons[group])) {
        buf_clear(&storefront);
        buf_add(&storefront, sql_get_str(q, 0));
        buf_clear(&id);
        buf_add(&id, sql_get_str(q, 1));
        count++;
        if (++group == GROUP) {
            put(n, persons, group);
            group = 0;
        }
    }
    put(n, persons, group);
    if (!sql_done(q, e))
        return false;
    *all = count < STEP;
    if (count > 0) {
        buf_clear(&n->storefront);
        buf_add(&n->storefront, buf_str(&storefront));
        buf_clear(&n->id);
        buf_add(&n->id, buf_str(&id));
    }
    return true;
}

/* One thread at a time; the others need not wait for it. */
static bool read_on(struct vault_news *n, struct err *e)
{
    struct sqlite *db;
    bool fine, all = false;

    fine = sqlite_pool_take(n->readers, &db, e);
    if (fine) {
        fine = put_keys(n, db, &all, e);
        sqlite_pool_give(n->readers, db);
    }
    pthread_mutex_lock(&n->lock);
    n->reading = false;
    n->all_read |= all;
    pthread_mutex_unlock(&n->lock);
    return fine;
}

bool vault_news_is_new(struct vault_news *n, const struct keyed *who, bool *out, struct err *e)
{
    bool mine;

    pthread_mutex_lock(&n->lock);
    mine = !n->all_read && !n->reading;
    n->reading |= mine;
    pthread_mutex_unlock(&n->lock);
    if (mine && !read_on(n, e))
        return false;
    pthread_mutex_lock(&n->lock);
    *out = n->all_read && !sieve_may_hold(n->known, who);
    pthread_mutex_unlock(&n->lock);
    return true;
}

void vault_news_made(struct vault_news *n, const struct digest *person)
{
    put(n, person, 1);
}
