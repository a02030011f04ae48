#include "queue/sqlite_refs.h"

#include <stdlib.h>

#define TURN_ROWS 16384 /* in which all pieces go over; a start reads at most twice as many */
#define BUCKETS 1024    /* pieces of the index, by the first bits of the key */

struct list {
    struct ref *at;
    size_t n, cap;
};

/* One kind. Pieces go over in turn; at the end of a turn all rows that were there at its beginning are in the index. */
struct gathered {
    struct list buckets[BUCKETS];
    size_t turn;        /* the piece that goes over next */
    int64_t turn_began; /* the last row when the turn began */
    int64_t last;       /* row that was seen */
    bool stale;         /* there may be rows behind it that others wrote */

    bool used; /* in this transaction; the rest is what was before it */
    size_t turn_before;
    int64_t turn_began_before, last_before;
    struct list moved; /* into the index */
};

struct refs {
    struct sqlite *db;
    struct gathered kinds[REF_KINDS];
};

/* ---- keys ---- */

struct ref_key ref_of(const struct digest *hash)
{
    struct ref_key k;

    memcpy(k.b, hash->b, REF_KEY);
    return k;
}

/* Half of each: a parcel may be "" for all orders, and an order may have many parcels. */
struct ref_key ref_of_parcel(const struct digest *order, const struct digest *parcel)
{
    struct ref_key k;

    memcpy(k.b, order->b, REF_KEY / 2);
    memcpy(k.b + REF_KEY / 2, parcel->b, REF_KEY / 2);
    return k;
}

void ref_bind(struct sql *q, int column, const struct ref_key *k)
{
    sql_blob(q, column, str_bytes(k->b, REF_KEY));
}

/* ---- what waits ---- */

static struct list *bucket_of(struct gathered *g, const struct ref_key *k)
{
    return &g->buckets[((size_t)k->b[0] << 8 | k->b[1]) * BUCKETS >> 16];
}

static void list_add(struct list *l, const struct ref *ref)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 8;
        l->at = realloc(l->at, l->cap * sizeof *l->at);
        if (!l->at)
            err_out_of_memory();
    }
    l->at[l->n++] = *ref;
}

static void gather(struct gathered *g, const struct ref *ref)
{
    list_add(bucket_of(g, &ref->k), ref);
    if (ref->n > g->last)
        g->last = ref->n;
}

/* ---- the rows that are not in the index yet ---- */

static const char *const floors[REF_KINDS] = {
    "indexed:person", "indexed:parcel", "indexed:idempotency"};

/* Up to which row all are in the index. */
static bool read_floor(struct refs *r, enum ref_kind kind, int64_t *out, struct err *e)
{
    struct sql *q = sqlite_sql(r->db, "SELECT value FROM meta WHERE name = ?1");

    sql_text(q, 1, floors[kind]);
    *out = sql_row(q) ? sql_get_int(q, 0) : 0;
    return sql_done(q, e);
}

static bool write_floor(struct refs *r, enum ref_kind kind, int64_t n, struct err *e)
{
    struct sql *q = sqlite_sql(r->db, "INSERT OR REPLACE INTO meta VALUES (?1, ?2)");

    sql_text(q, 1, floors[kind]);
    sql_int(q, 2, n);
    return sql_run(q, e);
}

/* Columns: row, hash, second hash of a parcel, `more`. */
static bool gather_rows(
    struct refs *r, enum ref_kind kind, const char *text, int64_t behind, struct err *e)
{
    struct gathered *g = &r->kinds[kind];
    struct sql *q = sqlite_sql(r->db, text);
    struct digest hash, parcel;

    sql_int(q, 1, behind);
    while (sql_row(q) && sql_get_digest(q, 1, &hash) &&
           (kind != REF_PARCEL || sql_get_digest(q, 2, &parcel))) {
        struct ref ref = {.k = kind == REF_PARCEL ? ref_of_parcel(&hash, &parcel) : ref_of(&hash),
            .n = sql_get_int(q, 0),
            .more = sql_get_int(q, 3)};

        gather(g, &ref);
    }
    return sql_done(q, e);
}

static bool gather_behind(struct refs *r, enum ref_kind kind, int64_t behind, struct err *e)
{
    static const char persons[] = "SELECT n, hash, NULL, 0 FROM person WHERE n > ?1 ORDER BY n";
    static const char parcels[] = "SELECT n, order_ref, parcel_ref, seq FROM payload WHERE n > ?1"
                                  " AND order_ref IS NOT NULL ORDER BY n";
    static const char *const days[] = {
        "SELECT n, key, NULL, 0 FROM idempotency_0 WHERE n > ?1 ORDER BY n",
        "SELECT n, key, NULL, 1 FROM idempotency_1 WHERE n > ?1 ORDER BY n",
        "SELECT n, key, NULL, 2 FROM idempotency_2 WHERE n > ?1 ORDER BY n",
        "SELECT n, key, NULL, 3 FROM idempotency_3 WHERE n > ?1 ORDER BY n"};

    if (kind == REF_PERSON)
        return gather_rows(r, kind, persons, behind, e);
    if (kind == REF_PARCEL)
        return gather_rows(r, kind, parcels, behind, e);
    for (size_t i = 0; i < COUNT_OF(days); i++)
        if (!gather_rows(r, kind, days[i], behind, e))
            return false;
    return true;
}

static void let_go(struct gathered *g)
{
    for (size_t i = 0; i < BUCKETS; i++)
        g->buckets[i].n = 0;
    g->last = -1;
}

static bool catch_up(struct refs *r, enum ref_kind kind, struct err *e)
{
    struct gathered *g = &r->kinds[kind];
    bool anew = g->last < 0;
    int64_t behind = g->last;

    if ((anew && !read_floor(r, kind, &behind, e)) || !gather_behind(r, kind, behind, e))
        return false;
    if (g->last < behind)
        g->last = behind;
    if (anew) {
        g->turn = 0;
        g->turn_began = g->last;
    }
    return true;
}

/* Of one moment, because the keys of idempotency stand in several tables. The kind stays stale. */
bool refs_look_ahead(struct refs *r, enum ref_kind kind, struct err *e)
{
    if (!sql_run(sqlite_sql(r->db, "BEGIN"), e))
        return false;
    if (catch_up(r, kind, e) && sqlite_commit(r->db, e))
        return true;
    sqlite_rollback(r->db);
    let_go(&r->kinds[kind]);
    return false;
}

/* Before the first use in a transaction. */
static bool be_up_to_date(struct refs *r, enum ref_kind kind, struct err *e)
{
    struct gathered *g = &r->kinds[kind];

    if (g->used)
        return true;
    if (g->stale && !catch_up(r, kind, e)) {
        let_go(g); /* what was read before the fault would be read again */
        return false;
    }
    g->stale = false;
    g->used = true;
    g->turn_before = g->turn;
    g->turn_began_before = g->turn_began;
    g->last_before = g->last;
    g->moved.n = 0;
    return true;
}

/* ---- into the index ---- */

static bool write_entry(struct refs *r, enum ref_kind kind, const struct ref *ref, struct err *e)
{
    static const char person[] = "INSERT OR IGNORE INTO person_at(k, n) VALUES (?1, ?2)";
    static const char parcel[] = "INSERT OR IGNORE INTO parcel_at(k, n, seq) VALUES (?1, ?2, ?3)";
    static const char *const days[] = {
        "INSERT OR IGNORE INTO idempotency_0_at(k, n) VALUES (?1, ?2)",
        "INSERT OR IGNORE INTO idempotency_1_at(k, n) VALUES (?1, ?2)",
        "INSERT OR IGNORE INTO idempotency_2_at(k, n) VALUES (?1, ?2)",
        "INSERT OR IGNORE INTO idempotency_3_at(k, n) VALUES (?1, ?2)"};
    struct sql *q = sqlite_sql(r->db, kind == REF_PERSON   ? person
                                      : kind == REF_PARCEL ? parcel
                                                           : days[ref->more]);

    ref_bind(q, 1, &ref->k);
    sql_int(q, 2, ref->n);
    if (kind == REF_PARCEL)
        sql_int(q, 3, ref->more);
    list_add(&r->kinds[kind].moved, ref);
    return sql_run(q, e);
}

static int by_key(const void *a, const void *b)
{
    return memcmp(((const struct ref *)a)->k.b, ((const struct ref *)b)->k.b, REF_KEY);
}

static bool move_piece(struct refs *r, enum ref_kind kind, struct err *e)
{
    struct gathered *g = &r->kinds[kind];
    struct list *l = &g->buckets[g->turn];

    if (l->n > 1)
        qsort(l->at, l->n, sizeof *l->at, by_key);
    while (l->n > 0) {
        l->n--;
        if (!write_entry(r, kind, &l->at[l->n], e))
            return false;
    }
    if (++g->turn < BUCKETS)
        return true;
    if (!write_floor(r, kind, g->turn_began, e))
        return false;
    g->turn = 0;
    g->turn_began = g->last;
    return true;
}

bool refs_bring(struct refs *r, enum ref_kind kind, const struct ref_key *k, struct err *e)
{
    struct list *l;

    if (!be_up_to_date(r, kind, e))
        return false;
    l = bucket_of(&r->kinds[kind], k);
    for (size_t i = l->n; i-- > 0;)
        if (memcmp(l->at[i].k.b, k->b, REF_KEY) == 0) {
            struct ref ref = l->at[i];

            l->at[i] = l->at[--l->n];
            if (!write_entry(r, kind, &ref, e))
                return false;
        }
    return true;
}

bool refs_ready(struct refs *r, struct err *e)
{
    for (int i = 0; i < REF_KINDS; i++)
        if (!be_up_to_date(r, (enum ref_kind)i, e))
            return false;
    return true;
}

void refs_add(struct refs *r, enum ref_kind kind, const struct ref *ref)
{
    gather(&r->kinds[kind], ref);
}

void refs_pass(struct refs *r, enum ref_kind kind, int64_t n)
{
    r->kinds[kind].last = n;
}

/* ---- transactions ---- */

void refs_begin(struct refs *r, bool others_wrote)
{
    for (int i = 0; i < REF_KINDS; i++) {
        r->kinds[i].used = false;
        r->kinds[i].stale = r->kinds[i].stale || others_wrote;
    }
}

static void undo(struct gathered *g)
{
    g->used = false;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct list *l = &g->buckets[i];

        for (size_t at = l->n; at-- > 0;)
            if (l->at[at].n > g->last_before)
                l->at[at] = l->at[--l->n];
    }
    g->last = g->last_before;
    for (size_t i = 0; i < g->moved.n; i++)
        if (g->moved.at[i].n <= g->last_before)
            gather(g, &g->moved.at[i]);
    g->turn = g->turn_before;
    g->turn_began = g->turn_began_before;
}

void refs_undo(struct refs *r)
{
    for (int i = 0; i < REF_KINDS; i++)
        if (r->kinds[i].used)
            undo(&r->kinds[i]);
}

void refs_committed(struct refs *r)
{
    for (int i = 0; i < REF_KINDS; i++)
        r->kinds[i].used = false;
}

/* The rows that came since the turn began say how far it must be. */
static bool is_behind(const struct gathered *g)
{
    return g->used && g->turn < (uint64_t)(g->last - g->turn_began) * BUCKETS / TURN_ROWS;
}

bool refs_end(struct refs *r, struct err *e)
{
    for (int i = 0; i < REF_KINDS; i++)
        while (is_behind(&r->kinds[i]))
            if (!move_piece(r, (enum ref_kind)i, e))
                return false;
    return true;
}

/* ---- lifetime ---- */

struct refs *refs_open(struct sqlite *db)
{
    struct refs *r = calloc(1, sizeof *r);

    if (!r)
        err_out_of_memory();
    r->db = db;
    for (int i = 0; i < REF_KINDS; i++) {
        r->kinds[i].last = -1;
        r->kinds[i].stale = true;
    }
    return r;
}

void refs_close(struct refs **r)
{
    if (!*r)
        return;
    for (int i = 0; i < REF_KINDS; i++) {
        for (size_t b = 0; b < BUCKETS; b++)
            free((*r)->kinds[i].buckets[b].at);
        free((*r)->kinds[i].moved.at);
    }
    free(*r);
    *r = NULL;
}
