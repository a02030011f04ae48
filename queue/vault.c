#include "queue/vault.h"

#include "queue/sqlite.h"
#include "queue/vault_cache.h"
#include "queue/vault_marks.h"
#include "queue/vault_news.h"
#include "queue/vault_pending.h"
#include "queue/vault_schema.h"
#include "queue/vault_wrap.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define READERS 8

struct vault {
    const struct keyring *keys;
    const struct clock *clock;
    struct sqlite_pool *readers;
    struct vault_news *news;
    pthread_mutex_t write_lock; /* guards writer; held across its I/O, by writers alone */
    struct sqlite *writer;
    pthread_mutex_t lock; /* guards all below; never held across I/O */
    struct vault_pending fresh, flushing;
    struct vault_cache cache;
    uint64_t next_id;
    struct err broken; /* the first broken page that was met */
};

void vault_key_wipe(struct vault_key *k)
{
    seal_key_wipe(&k->key);
}

/* ---- lifetime ---- */

bool vault_open(const char *path, const struct keyring *keys, const struct clock *clock,
    struct vault **out, struct err *e)
{
    struct vault *v = calloc(1, sizeof *v);

    if (!v)
        err_out_of_memory();
    v->keys = keys;
    v->clock = clock;
    pthread_mutex_init(&v->write_lock, NULL);
    pthread_mutex_init(&v->lock, NULL);
    hash_random(&v->next_id, sizeof v->next_id);
    /* Here deletion is erasure, so free pages are zeroed whatever it costs. */
    if (sqlite_open(path, SQLITE_FOR_WRITING, &v->writer, e) &&
        sqlite_exec(v->writer, "PRAGMA secure_delete=ON", e) &&
        sqlite_migrate(v->writer, &vault_schema, e) && vault_marks_check(v->writer, keys, e) &&
        sqlite_pool_open(path, READERS, &v->readers, e)) {
        v->news = vault_news_open(v->readers);
        *out = v;
        return true;
    }
    vault_close(&v);
    return false;
}

void vault_close(struct vault **v)
{
    if (!*v)
        return;
    vault_pending_clear(&(*v)->fresh);
    vault_pending_clear(&(*v)->flushing);
    vault_cache_wipe(&(*v)->cache);
    vault_news_close(&(*v)->news);
    sqlite_pool_close(&(*v)->readers);
    sqlite_close(&(*v)->writer);
    pthread_mutex_destroy(&(*v)->lock);
    pthread_mutex_destroy(&(*v)->write_lock);
    free(*v);
    *v = NULL;
}

/* ---- keys that are on disk ---- */

/* A broken page concerns everybody, unlike a single key that does not open. */
static bool seen(struct vault *v, bool fine, const struct err *e)
{
    pthread_mutex_lock(&v->lock);
    if (!fine && e->code == ERR_CORRUPT)
        v->broken = *e;
    pthread_mutex_unlock(&v->lock);
    return fine;
}

bool vault_is_well(struct vault *v, struct err *e)
{
    pthread_mutex_lock(&v->lock);
    bool sound = v->broken.code == ERR_NONE;
    if (!sound)
        *e = v->broken;
    pthread_mutex_unlock(&v->lock);
    return sound && sqlite_log_is_well(v->writer, e);
}

void vault_retry(struct vault *v)
{
    sqlite_log_retry(v->writer);
}

enum answer { ANSWER_KEY, ANSWER_ERASED, ANSWER_NONE };

/* q's columns: id, master, wrapped, the count of erasures as of the same moment. */
static bool read_key(struct vault *v, struct sql *q, const char *storefront, struct vault_key *out,
    int64_t *erased_n, enum answer *answer, struct err *e)
{
    AUTO(buf_close) struct buf wrapped = {0};
    unsigned master = 0;

    *answer = ANSWER_NONE;
    if (sql_row(q)) {
        struct str id = sql_get_str(q, 0);

        if (id.n == VAULT_ID)
            memcpy(out->id, id.p, VAULT_ID);
        master = (unsigned)sql_get_int(q, 1);
        *answer = sql_get_null(q, 2) ? ANSWER_ERASED : ANSWER_KEY;
        buf_add(&wrapped, sql_get_str(q, 2));
        *erased_n = sql_get_int(q, 3);
    }
    if (!seen(v, sql_done(q, e), e))
        return false;
    return *answer != ANSWER_KEY ||
           vault_unwrap(v->keys, storefront, master, buf_str(&wrapped), out, e);
}

static bool key_by_id(struct vault *v, const char *storefront, struct str id, struct vault_key *out,
    int64_t *erased_n, enum answer *answer, struct err *e)
{
    struct sqlite *db;
    struct sql *q;
    bool fine;

    if (!sqlite_pool_take(v->readers, &db, e))
        return false;
    q = sqlite_sql(db, "SELECT id, master, wrapped, (SELECT n FROM erasure) FROM person_key"
                       " WHERE storefront = ?1 AND id = ?2");
    sql_text(q, 1, storefront);
    sql_blob(q, 2, id);
    fine = read_key(v, q, storefront, out, erased_n, answer, e);
    sqlite_pool_give(v->readers, db);
    return fine;
}

/* The index is named because SQLite would rather walk every key of the storefront, which are in the order of
 * their ids, than sort the one or two of this person. */
static bool key_by_person(struct vault *v, const char *storefront, const struct keyed *who,
    struct vault_key *out, int64_t *erased_n, enum answer *answer, struct err *e)
{
    struct sqlite *db;
    bool fine = true;

    if (!sqlite_pool_take(v->readers, &db, e))
        return false;
    *answer = ANSWER_NONE;
    for (size_t i = 0; i < who->n && fine && *answer == ANSWER_NONE; i++) {
        struct sql *q = sqlite_sql(db,
            "SELECT id, master, wrapped, (SELECT n FROM erasure) FROM person_key INDEXED BY"
            " person_key_of WHERE storefront = ?1 AND person = ?2 AND wrapped IS NOT NULL"
            " ORDER BY id DESC LIMIT 1");

        sql_text(q, 1, storefront);
        sql_digest(q, 2, &who->hash[i]);
        fine = read_key(v, q, storefront, out, erased_n, answer, e);
    }
    sqlite_pool_give(v->readers, db);
    return fine;
}

/* How long a cached key holds. */
static bool erasures(struct vault *v, int64_t *out, struct err *e)
{
    return seen(v, vault_news_erasures(v->news, out, e), e);
}

bool vault_erasures(struct vault *v, int64_t *n, struct err *e)
{
    return erasures(v, n, e);
}

/* ---- keys that are not ---- */

/* Time first, so that keys.db grows at its end; then 64 bits that begin at random in each process and count up, so that
 * two processes of one second do not meet. */
static void new_id(struct vault *v, uint8_t out[VAULT_ID])
{
    uint32_t seconds = (uint32_t)(clock_now_ms(v->clock) / 1000);
    uint64_t count = v->next_id++;

    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(seconds >> (24 - 8 * i));
    for (int i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(count >> (56 - 8 * i));
}

/* Under the lock: the key of a person whom the disk does not know (yet). */
static bool pending_key(struct vault *v, const char *storefront, const struct keyed *who, bool make,
    struct vault_key *out)
{
    const struct vault_new *p = vault_pending_find(&v->fresh, who);

    if (!p)
        p = vault_pending_find(&v->flushing, who);
    if (p)
        *out = p->key;
    else if (make) {
        new_id(v, out->id);
        seal_key_new(&out->key);
        vault_pending_add(&v->fresh, storefront, who, out);
        vault_news_made(v->news, &who->hash[0]);
    }
    return p || make;
}

/* ---- verbs ---- */

/* What is remembered holds while nobody erased. */
static bool remembered(struct vault *v, const char *storefront, const struct keyed *who,
    struct vault_key *out, bool *found, struct err *e)
{
    int64_t erased_n;
    bool has;

    pthread_mutex_lock(&v->lock);
    *found = pending_key(v, storefront, who, false, out);
    has = !*found && vault_cache_has(&v->cache, &who->hash[0]);
    pthread_mutex_unlock(&v->lock);
    if (!has)
        return true;
    if (!erasures(v, &erased_n, e))
        return false;
    pthread_mutex_lock(&v->lock);
    *found = vault_cache_get(&v->cache, &who->hash[0], erased_n, out);
    pthread_mutex_unlock(&v->lock);
    return true;
}

static bool look_for_key(struct vault *v, const char *storefront, const struct keyed *who,
    struct vault_key *out, bool *found, struct err *e)
{
    enum answer answer;
    int64_t erased_n;

    if (!remembered(v, storefront, who, out, found, e))
        return false;
    if (*found)
        return true;
    if (!key_by_person(v, storefront, who, out, &erased_n, &answer, e))
        return false;
    *found = answer == ANSWER_KEY;
    if (!*found)
        return true;
    pthread_mutex_lock(&v->lock);
    vault_cache_put(&v->cache, &who->hash[0], erased_n, out);
    pthread_mutex_unlock(&v->lock);
    return true;
}

/* Where a key would be made, who is surely new need not be looked for. */
bool vault_key_of(struct vault *v, const char *storefront, const struct keyed *who, bool make,
    struct vault_key *out, bool *found, struct err *e)
{
    bool is_new = false;

    *found = false;
    if (make && !seen(v, vault_news_is_new(v->news, who, &is_new, e), e))
        return false;
    if (!is_new && !look_for_key(v, storefront, who, out, found, e))
        return false;
    if (*found)
        return true;
    pthread_mutex_lock(&v->lock); /* another thread may have met this person since we looked */
    *found = pending_key(v, storefront, who, make, out);
    pthread_mutex_unlock(&v->lock);
    return true;
}

void vault_seal(const struct vault_key *k, struct str binding, struct str plain, struct buf *out)
{
    vault_seal_parts(k, binding, &plain, 1, out);
}

void vault_seal_parts(const struct vault_key *k, struct str binding, const struct str *parts,
    size_t n, struct buf *out)
{
    size_t whole = VAULT_ID + SEAL_OVERHEAD;

    for (size_t i = 0; i < n; i++)
        whole += parts[i].n;
    buf_room(out, whole);
    buf_add(out, vault_id(k));
    seal_add_parts(&k->key, binding, parts, n, out);
}

static bool key_of_blob(struct vault *v, const char *storefront, struct str id,
    struct vault_key *out, enum answer *answer, struct err *e)
{
    struct digest tag;
    int64_t erased_n;
    bool found;

    if (!erasures(v, &erased_n, e))
        return false;
    vault_id_tag(storefront, id, &tag);
    pthread_mutex_lock(&v->lock);
    found = vault_cache_get(&v->cache, &tag, erased_n, out);
    pthread_mutex_unlock(&v->lock);
    *answer = ANSWER_KEY;
    if (found)
        return true;
    if (!key_by_id(v, storefront, id, out, &erased_n, answer, e))
        return false;
    pthread_mutex_lock(&v->lock);
    if (*answer == ANSWER_KEY)
        vault_cache_put(&v->cache, &tag, erased_n, out);
    pthread_mutex_unlock(&v->lock);
    return true;
}

bool vault_unseal(struct vault *v, const char *storefront, struct str binding, struct str sealed,
    struct buf *out, bool *erased, struct err *e)
{
    AUTO(vault_key_wipe) struct vault_key k = {0};
    enum answer answer;

    *erased = false;
    if (sealed.n < VAULT_ID + SEAL_OVERHEAD)
        return err_set(e, ERR_CORRUPT, "a sealed text is cut short");
    if (!key_of_blob(v, storefront, str_slice(sealed, 0, VAULT_ID), &k, &answer, e))
        return false;
    if (answer == ANSWER_NONE)
        return err_set(
            e, ERR_CORRUPT, "keys.db lacks the key of a sealed text; is it older than queue.db?");
    *erased = answer == ANSWER_ERASED;
    return *erased || seal_open(&k.key, binding, str_slice(sealed, VAULT_ID, sealed.n), out, e);
}

/* ---- writing ---- */

/* What the table refuses is no conflict of those who wait for the key: of a settlement that would say that its lease was lost,
 * which clears the mark of its body. */
static bool insert(struct vault *v, const struct vault_new *p, struct err *e)
{
    struct sql *q = sqlite_sql(v->writer,
        "INSERT INTO person_key(storefront, id, person, pepper, master, wrapped, created_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    AUTO(buf_close) struct buf wrapped = {0};
    unsigned master;

    vault_wrap(v->keys, p, &master, &wrapped);
    sql_text(q, 1, p->storefront);
    sql_blob(q, 2, vault_id(&p->key));
    sql_digest(q, 3, &p->person);
    sql_int(q, 4, p->pepper);
    sql_int(q, 5, master);
    sql_blob(q, 6, buf_str(&wrapped));
    sql_int(q, 7, clock_now_ms(v->clock));
    if (sql_run(q, e))
        return true;
    if (e->code == ERR_CONFLICT)
        e->code = ERR_LIBRARY;
    return false;
}

/* *erased_n: as of this transaction; an erasure that concerns the new keys comes later and counts further. */
static bool insert_all(struct vault *v, int64_t *erased_n, struct err *e)
{
    struct sqlite_turn turn;

    if (!sqlite_begin(v->writer, e))
        return false;
    vault_news_begun(v->news, v->writer, &turn);
    if (!vault_news_count(v->writer, erased_n, e)) {
        sqlite_rollback(v->writer);
        return false;
    }
    for (const struct vault_new *p = v->flushing.first; p; p = p->next)
        if (!insert(v, p, e)) {
            sqlite_rollback(v->writer);
            return false;
        }
    if (!sqlite_commit(v->writer, e))
        return false;
    vault_news_ended(v->news, &turn, *erased_n);
    return true;
}

/* Under the lock: a new person's outcome is sealed soon. Under their ids they are not put in: what was just sealed is seldom
 * unsealed (queue/tray.h). */
static void remember_all(struct vault *v, int64_t erased_n)
{
    for (const struct vault_new *p = v->flushing.first; p; p = p->next)
        vault_cache_put(&v->cache, &p->person, erased_n, &p->key);
}

bool vault_has_new(struct vault *v)
{
    pthread_mutex_lock(&v->lock);
    bool has = v->fresh.first != NULL;
    pthread_mutex_unlock(&v->lock);
    return has;
}

/* Beside the write, other threads find the keys of `flushing` and go on making fresh ones. What could not
 * be written stays for the next flush: somebody may have sealed with it. */
bool vault_flush(struct vault *v, struct err *e)
{
    bool fine = true;
    int64_t erased_n;

    pthread_mutex_lock(&v->write_lock);
    pthread_mutex_lock(&v->lock);
    vault_pending_move(&v->fresh, &v->flushing);
    pthread_mutex_unlock(&v->lock);
    if (v->flushing.first) {
        fine = insert_all(v, &erased_n, e);
        pthread_mutex_lock(&v->lock);
        if (fine) {
            remember_all(v, erased_n);
            vault_pending_clear(&v->flushing);
        } else
            vault_pending_move(&v->flushing, &v->fresh);
        pthread_mutex_unlock(&v->lock);
    }
    pthread_mutex_unlock(&v->write_lock);
    return fine;
}

static bool erase_keys(struct vault *v, const char *storefront, const struct keyed *who,
    uint64_t *erased, struct err *e)
{
    *erased = 0;
    if (!sqlite_begin(v->writer, e))
        return false;
    for (size_t i = 0; i < who->n; i++) {
        struct sql *q =
            sqlite_sql(v->writer, "UPDATE person_key INDEXED BY person_key_of SET wrapped = NULL, "
                                  "erased_ms = max(?3, 1) WHERE storefront = ?1"
                                  " AND person = ?2 AND wrapped IS NOT NULL");

        sql_text(q, 1, storefront);
        sql_digest(q, 2, &who->hash[i]);
        sql_int(q, 3, clock_now_ms(v->clock));
        if (!sql_run(q, e)) {
            sqlite_rollback(v->writer);
            return false;
        }
        *erased += (uint64_t)sqlite_changes(v->writer);
    }
    if (!sql_run(sqlite_sql(v->writer, "UPDATE erasure SET n = n + 1"), e)) {
        sqlite_rollback(v->writer);
        return false;
    }
    return sqlite_commit(v->writer, e);
}

/* The log still holds the pages as they were. */
static bool empty_log(struct vault *v, struct err *e)
{
    return sqlite_log_empty(v->writer, e) ||
           (e->code == ERR_BUSY && err_set(e, ERR_BUSY,
                                       "the keys are erased, but not from the log of keys.db,"
                                       " which others are reading; do it again"));
}

bool vault_erase(struct vault *v, const char *storefront, const struct keyed *who, uint64_t *erased,
    struct err *e)
{
    bool fine;

    pthread_mutex_lock(&v->write_lock);
    fine = erase_keys(v, storefront, who, erased, e) && empty_log(v, e);
    pthread_mutex_unlock(&v->write_lock);
    return fine;
}
