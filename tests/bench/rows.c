/* rows -- the limit of intake: how many accepted messages one loop writes into fresh files, when nobody asks, checks,
 * hashes or seals anything.
 *
 *     rows FOLDER COUNT PER-COMMIT PRIVATE-BYTES ATTACHMENT-BYTES FACTS-BYTES
 *
 * FOLDER must be empty. Tables and indexes are the queue's own (its migrations make them); for each message the loop
 * writes what a submit from a new customer writes: the person's key (keys.db), then person, message, payload with its order,
 * attachment (unless ATTACHMENT-BYTES is 0), journal row and idempotency key (queue.db), and once per commit the tally and
 * the chain's head. Entries of indexes whose keys are hashes come later, in the order of their keys, as the service has it
 * (sqlite_refs.h). Both files commit with WAL and synchronous=FULL, keys.db first, through SQLite as it comes: without the
 * service's VFS. Columns that hold hashes get random bytes, so that the indexes are hit as in life. Prints one JSON line. */
#include "base/buf.h"
#include "base/clock.h"
#include "queue/sqlite_refs.h"
#include "queue/sqlite_schema.h"
#include "queue/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STOREFRONT "acme"
#define DESTINATIONS 50
#define DAY_MS INT64_C(86400000)
#define LATER 8192 /* messages: as many wait on average in the service */

enum { PERSON, ORDER, PARCEL, COMMITMENT, LINK, BUNDLE, REQUEST, IDEMPOTENCY, HASHES };

struct rows {
    struct sqlite *queue, *keys;
    struct buf bytes; /* random; the columns below are its beginnings */
    struct str private_part, attachment, facts;
    uint64_t dice;

    int64_t n, now_ms; /* of the message at hand */
    char id[40];
    struct digest hash[HASHES];

    struct entry {
        int64_t n;
        struct ref_key person, parcel, idempotency;
    } entries[LATER];
};

static void must(bool ok, const struct err *e)
{
    if (ok)
        return;
    fprintf(stderr, "rows: %s\n", e->text);
    exit(1);
}

/* splitmix64 (Steele, Lea, Flood 2014): costs nothing beside an insert. */
static uint64_t throw_dice(struct rows *r)
{
    uint64_t z = r->dice += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void next_message(struct rows *r)
{
    r->n++;
    r->now_ms = clock_now_ms(clock_system());
    snprintf(r->id, sizeof r->id, "msg_%026lld", (long long)r->n);
    for (size_t i = 0; i < HASHES; i++) {
        if (i == BUNDLE)
            continue; /* the same for all */
        for (size_t at = 0; at < sizeof r->hash[i].b; at += 8) {
            uint64_t x = throw_dice(r);
            memcpy(r->hash[i].b + at, &x, sizeof x);
        }
    }
}

/* ---- one message's rows --------------------------------------------------------------------------------- */

static bool add_key(struct rows *r, struct err *e)
{
    struct sql *q = sqlite_sql(r->keys,
        "INSERT INTO person_key(storefront, id, person, pepper, master, wrapped, created_ms)"
        " VALUES (?1, ?2, ?3, 1, 1, ?4, ?5)");
    char id[VAULT_ID];

    for (int i = 0; i < VAULT_ID; i++)
        id[i] = (char)((uint64_t)r->n >> (56 - 8 * i));
    sql_text(q, 1, STOREFRONT);
    sql_blob(q, 2, str_bytes(id, sizeof id));
    sql_digest(q, 3, &r->hash[PERSON]);
    sql_blob(q, 4, str_slice(buf_str(&r->bytes), 0, SEAL_OVERHEAD + 32));
    sql_int(q, 5, r->now_ms);
    return sql_run(q, e);
}

static bool add_person(struct rows *r, struct err *e)
{
    struct sql *q =
        sqlite_sql(r->queue, "INSERT INTO person(storefront, pepper, hash, address, created_ms)"
                             " VALUES (?1, 1, ?2, ?3, ?4)");

    sql_text(q, 1, STOREFRONT);
    sql_digest(q, 2, &r->hash[PERSON]);
    sql_blob(q, 3, str_slice(buf_str(&r->bytes), 0, VAULT_ID + SEAL_OVERHEAD + 30));
    sql_int(q, 4, r->now_ms);
    return sql_run(q, e);
}

static bool add_message(struct rows *r, struct err *e)
{
    struct sql *q = sqlite_sql(r->queue,
        "INSERT INTO message(n, storefront, id, person, place, state, priority,"
        " created_ms, due_ms, expires_ms, reason, bytes, last)"
        " VALUES (?1, ?2, ?3, ?1, ?4, 0, 5, ?5, ?6, ?7, '', ?8, ?1)");

    sql_int(q, 1, r->n);
    sql_text(q, 2, STOREFRONT);
    sql_text(q, 3, r->id);
    sql_int(q, 4, 1 + r->n % DESTINATIONS);
    sql_int(q, 5, r->now_ms);
    sql_int(q, 6, r->now_ms);
    sql_int(q, 7, r->now_ms + 5 * DAY_MS);
    sql_int(q, 8, (int64_t)(r->private_part.n + r->attachment.n));
    return sql_run(q, e);
}

static bool add_payload(struct rows *r, struct err *e)
{
    struct sql *q = sqlite_sql(r->queue,
        "INSERT INTO payload VALUES (?1, 'transactional', 'shipping_notice', 'en', ?2, ?3,"
        " 'shipped', 2, ?3, ?5, ?6, 'delayed', ?4)");

    sql_int(q, 1, r->n);
    sql_digest(q, 2, &r->hash[BUNDLE]);
    sql_int(q, 3, r->now_ms);
    sql_blob(q, 4, r->private_part);
    sql_digest(q, 5, &r->hash[ORDER]);
    sql_digest(q, 6, &r->hash[PARCEL]);
    return sql_run(q, e);
}

static bool add_attachment(struct rows *r, struct err *e)
{
    struct sql *q;

    if (r->attachment.n == 0)
        return true;
    q = sqlite_sql(r->queue, "INSERT INTO attachment(n, sealed) VALUES (?1, ?2)");
    sql_int(q, 1, r->n * 1024);
    sql_blob(q, 2, r->attachment);
    return sql_run(q, e);
}

static bool add_journal_row(struct rows *r, struct err *e)
{
    struct sql *q = sqlite_sql(r->queue,
        "INSERT INTO journal(n, previous, storefront, node, seq, at_ms, message_id, event, actor,"
        " facts, commitment, hash, person, salt)"
        " VALUES (?2, 0, ?1, 'main', ?2, ?3, ?4, 'accepted', 'parcelpost', ?5, ?6, ?7, ?2, ?8)");

    sql_text(q, 1, STOREFRONT);
    sql_int(q, 2, r->n);
    sql_int(q, 3, r->now_ms);
    sql_text(q, 4, r->id);
    sql_str(q, 5, r->facts);
    sql_digest(q, 6, &r->hash[COMMITMENT]);
    sql_digest(q, 7, &r->hash[LINK]);
    sql_blob(q, 8, str_slice(digest_str(&r->hash[LINK]), 0, 16));
    return sql_run(q, e);
}

static bool add_idempotency_key(struct rows *r, struct err *e)
{
    struct sql *q = sqlite_sql(r->queue,
        "INSERT INTO idempotency_0(n, key, request, state, reason) VALUES (?1, ?2, ?3, 0, '')");

    sql_int(q, 1, r->n);
    sql_digest(q, 2, &r->hash[IDEMPOTENCY]);
    sql_digest(q, 3, &r->hash[REQUEST]);
    return sql_run(q, e);
}

/* ---- entries by hash, LATER messages at once ------------------------------------------------------------ */

static void keep_entries(struct rows *r)
{
    struct entry *at = &r->entries[r->n % LATER];

    at->n = r->n;
    at->person = ref_of(&r->hash[PERSON]);
    at->parcel = ref_of_parcel(&r->hash[ORDER], &r->hash[PARCEL]);
    at->idempotency = ref_of(&r->hash[IDEMPOTENCY]);
}

static int by_person(const void *a, const void *b)
{
    return memcmp(&((const struct entry *)a)->person, &((const struct entry *)b)->person, REF_KEY);
}

static int by_parcel(const void *a, const void *b)
{
    return memcmp(&((const struct entry *)a)->parcel, &((const struct entry *)b)->parcel, REF_KEY);
}

static int by_key(const void *a, const void *b)
{
    return memcmp(
        &((const struct entry *)a)->idempotency, &((const struct entry *)b)->idempotency, REF_KEY);
}

static bool add_entry(struct sql *q, const struct ref_key *k, int64_t n, struct err *e)
{
    ref_bind(q, 1, k);
    sql_int(q, 2, n);
    return sql_run(q, e);
}

static bool write_entries(struct rows *r, struct err *e)
{
    struct entry *at = r->entries;

    qsort(at, LATER, sizeof *at, by_person);
    for (size_t i = 0; i < LATER; i++)
        if (!add_entry(sqlite_sql(r->queue, "INSERT INTO person_at(k, n) VALUES (?1, ?2)"),
                &at[i].person, at[i].n, e))
            return false;
    qsort(at, LATER, sizeof *at, by_parcel);
    for (size_t i = 0; i < LATER; i++)
        if (!add_entry(sqlite_sql(r->queue, "INSERT INTO parcel_at(k, n, seq) VALUES (?1, ?2, 2)"),
                &at[i].parcel, at[i].n, e))
            return false;
    qsort(at, LATER, sizeof *at, by_key);
    for (size_t i = 0; i < LATER; i++)
        if (!add_entry(sqlite_sql(r->queue, "INSERT INTO idempotency_0_at(k, n) VALUES (?1, ?2)"),
                &at[i].idempotency, at[i].n, e))
            return false;
    return true;
}

/* ---- one commit's rows ---------------------------------------------------------------------------------- */

static bool move_tally(struct rows *r, int64_t messages, struct err *e)
{
    struct sql *q =
        sqlite_sql(r->queue, "INSERT INTO tally VALUES (?1, 0, ?2) ON CONFLICT(storefront, state)"
                             " DO UPDATE SET messages = messages + excluded.messages");

    sql_text(q, 1, STOREFRONT);
    sql_int(q, 2, messages);
    return sql_run(q, e);
}

static bool move_head(struct rows *r, struct err *e)
{
    struct sql *q =
        sqlite_sql(r->queue, "INSERT OR REPLACE INTO chain VALUES (?1, 'main', ?2, ?3)");

    sql_text(q, 1, STOREFRONT);
    sql_int(q, 2, r->n);
    sql_digest(q, 3, &r->hash[LINK]);
    return sql_run(q, e);
}

static bool write_group(struct rows *r, int64_t messages, struct err *e)
{
    if (!sqlite_begin(r->keys, e) || !sqlite_begin(r->queue, e))
        return false;
    for (int64_t i = 0; i < messages; i++) {
        next_message(r);
        if (!add_key(r, e) || !add_person(r, e) || !add_message(r, e) || !add_payload(r, e) ||
            !add_attachment(r, e) || !add_journal_row(r, e) || !add_idempotency_key(r, e))
            return false;
        keep_entries(r);
        if (r->n % LATER == LATER - 1 && !write_entries(r, e))
            return false;
    }
    return move_tally(r, messages, e) && move_head(r, e) && sqlite_commit(r->keys, e) &&
           sqlite_commit(r->queue, e);
}

/* ---- the whole ------------------------------------------------------------------------------------------ */

/* As the service tunes it, but through SQLite's own VFS. */
static bool open_plain(const char *path, struct sqlite **out, struct err *e)
{
    return sqlite_open(path, SQLITE_FOR_COPYING, out, e) &&
           sqlite_exec(*out,
               "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000;"
               "PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=67108864;"
               "PRAGMA secure_delete=FAST",
               e);
}

static bool add_places(struct rows *r, struct err *e)
{
    for (int i = 0; i < DESTINATIONS; i++) {
        struct sql *q =
            sqlite_sql(r->queue, "INSERT INTO place(storefront, destination) VALUES (?1, ?2)");
        char name[40];

        snprintf(name, sizeof name, "d%d.customers.example", i);
        sql_text(q, 1, STOREFRONT);
        sql_text(q, 2, name);
        if (!sql_run(q, e))
            return false;
    }
    return true;
}

/* keys.db's tables are known to the vault alone: it makes them, then it goes. */
static bool make_keys_db(
    const char *path, const char *keyring_path, struct sqlite **out, struct err *e)
{
    AUTO(keyring_close) struct keyring *keyring = NULL;
    AUTO(vault_close) struct vault *vault = NULL;

    if (!keyring_create(keyring_path, e) || !keyring_open(keyring_path, &keyring, e) ||
        !vault_open(path, keyring, clock_system(), &vault, e))
        return false;
    return open_plain(path, out, e) && sqlite_exec(*out, "PRAGMA secure_delete=ON", e);
}

static void open_files(struct rows *r, const char *folder)
{
    AUTO(buf_close) struct buf queue = {0}, keys = {0}, keyring = {0};
    struct err e = {0};

    buf_addf(&queue, "%s/queue.db", folder);
    buf_addf(&keys, "%s/keys.db", folder);
    buf_addf(&keyring, "%s/keyring", folder);
    must(make_keys_db(buf_text(&keys), buf_text(&keyring), &r->keys, &e) &&
             open_plain(buf_text(&queue), &r->queue, &e) &&
             sqlite_migrate(r->queue, &sqlite_queue_schema, &e) && add_places(r, &e),
        &e);
}

static void make_bytes(
    struct rows *r, size_t private_bytes, size_t attachment_bytes, size_t facts_bytes)
{
    size_t most = private_bytes > attachment_bytes ? private_bytes : attachment_bytes;

    while (r->bytes.n < most || r->bytes.n < 128)
        buf_add_char(&r->bytes, (char)throw_dice(r));
    r->private_part = str_slice(buf_str(&r->bytes), 0, private_bytes);
    r->attachment = str_slice(buf_str(&r->bytes), 0, attachment_bytes);
    char *facts = calloc(1, facts_bytes + 1);
    if (!facts)
        err_out_of_memory();
    memset(facts, 'f', facts_bytes);
    r->facts = str_bytes(facts, facts_bytes);
}

int main(int argc, char **argv)
{
    static struct rows r = {.dice = 42};
    struct err e = {0};

    if (argc != 7)
        return fputs("usage: rows FOLDER COUNT PER-COMMIT PRIVATE-BYTES ATTACHMENT-BYTES "
                     "FACTS-BYTES\n",
                   stderr),
               64;
    int64_t count = atoll(argv[2]), group = atoll(argv[3]);
    if (count < 1 || group < 1)
        return fputs("rows: at least one message, at least one per commit\n", stderr), 64;
    make_bytes(&r, (size_t)atoll(argv[4]), (size_t)atoll(argv[5]), (size_t)atoll(argv[6]));
    open_files(&r, argv[1]);
    double cpu_before = (double)clock() / CLOCKS_PER_SEC;
    int64_t begin = clock_steady_ns();
    while (r.n < count)
        must(write_group(&r, count - r.n < group ? count - r.n : group, &e), &e);
    double seconds = (double)(clock_steady_ns() - begin) / 1e9;
    double cpu = (double)clock() / CLOCKS_PER_SEC - cpu_before;
    printf("{\"messages\":%lld,\"per_commit\":%lld,\"seconds\":%.3f,\"per_second\":%.0f,\"cpu_us\":"
           "%.1f}\n",
        (long long)count, (long long)group, seconds, (double)count / seconds,
        cpu * 1e6 / (double)count);
    sqlite_close(&r.queue);
    sqlite_close(&r.keys);
    buf_close(&r.bytes);
    free((char *)r.facts.p);
    return 0;
}
