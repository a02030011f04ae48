/* sqlite_read_people -- questions about suppressions and API keys, on a connection of the pool. */
#include "queue/sqlite_inside.h"

/* ---- suppressions ---- */

#define SUPPRESSION_FROM(index)                                                                    \
    "SELECT s.n, s.person, s.scope, s.reason, s.origin, s.evidence, s.actor, s.since_ms,"          \
    " s.expires_ms, s.lifted_ms, s.lifted_by, s.lifted_why, s.note, x.address"                     \
    " FROM suppression s INDEXED BY " index " LEFT JOIN person x"                                  \
    " ON x.n = s.who AND x.storefront = s.storefront AND x.erased_ms = 0"

static bool read_suppression_rows(struct sql *q, struct arena *a, struct store_suppression **out,
    size_t *n, size_t *cap, struct err *e)
{
    while (sql_row(q)) {
        struct store_suppression *s;

        GROW(a, *out, *n, *cap);
        s = &(*out)[(*n)++];
        s->row = (struct suppression){
            .row = sql_get_int(q, 0),
            .scope = sql_get_text(q, 2, a),
            .reason = sql_get_text(q, 3, a),
            .origin = sql_get_text(q, 4, a),
            .evidence = sql_get_text(q, 5, a),
            .actor = sql_get_text(q, 6, a),
            .since_ms = sql_get_int(q, 7),
            .expires_ms = sql_get_int(q, 8),
            .lifted_ms = sql_get_int(q, 9),
            .lifted_by = sql_get_text(q, 10, a),
            .lifted_why = sql_get_text(q, 11, a),
            .address = STR(""),
            .note = STR(""),
        };
        sql_get_digest(q, 1, &s->row.person);
        s->note = sql_get_copy(q, 12, a);
        s->address = sql_get_copy(q, 13, a);
    }
    return sql_done(q, e);
}

bool read_suppressions_of(struct sqlite *db, const char *storefront, const struct keyed *who,
    int64_t now_ms, struct arena *a, struct store_suppression **out, size_t *n, struct err *e)
{
    size_t cap = 0;

    *out = NULL;
    *n = 0;
    for (size_t i = 0; i < who->n; i++) {
        struct sql *q = sqlite_sql(db,
            /* Named, or SQLite walks all rows for the sake of their order. */
            SUPPRESSION_FROM(
                "suppression_stands") " WHERE s.storefront = ?1 AND s.person = ?2 AND s.lifted_ms "
                                      "= 0"
                                      " AND (s.expires_ms = 0 OR s.expires_ms > ?3) ORDER BY s.n");

        sql_text(q, 1, storefront);
        sql_digest(q, 2, &who->hash[i]);
        sql_int(q, 3, now_ms);
        if (!read_suppression_rows(q, a, out, n, &cap, e))
            return false;
    }
    return true;
}

bool read_suppressions(struct sqlite *db, const char *storefront,
    const struct suppression_filter *f, struct arena *a, struct store_suppression **out, size_t *n,
    struct err *e)
{
    struct sql *q = sqlite_sql(db,
        SUPPRESSION_FROM(
            "suppression_in_order") " WHERE s.storefront = ?1 AND s.n > ?2 AND (?3 = '' OR s.scope "
                                    "= ?3) AND (?4 = '' OR "
                                    "s.reason = ?4)"
                                    " AND (?5 = '' OR s.origin = ?5) AND s.since_ms >= ?6 AND (?7 "
                                    "= 0 OR s.since_ms < ?7)"
                                    " AND (?8 OR s.lifted_ms = 0) ORDER BY s.n LIMIT ?9");
    size_t cap = 0;

    *out = NULL;
    *n = 0;
    sql_text(q, 1, storefront);
    sql_int(q, 2, f->after_row);
    sql_text(q, 3, f->scope);
    sql_text(q, 4, f->reason);
    sql_text(q, 5, f->origin);
    sql_int(q, 6, f->since_ms);
    sql_int(q, 7, f->until_ms);
    sql_int(q, 8, f->with_lifted);
    sql_int(q, 9, (int64_t)f->max);
    return read_suppression_rows(q, a, out, n, &cap, e);
}

/* ---- API keys ---- */

#define KEY_COLUMNS                                                                                \
    "SELECT storefront, id, label, roles, created_ms, revoked_ms, proof FROM api_key"

static void read_key(struct sql *q, struct arena *a, struct api_key *out)
{
    *out = (struct api_key){.storefront = sql_get_text(q, 0, a),
        .id = sql_get_text(q, 1, a),
        .label = sql_get_text(q, 2, a),
        .roles = (unsigned)sql_get_int(q, 3),
        .created_ms = sql_get_int(q, 4),
        .revoked_ms = sql_get_int(q, 5)};
}

bool read_keys(struct sqlite *db, const char *storefront_or_null, struct arena *a,
    struct api_key **out, size_t *n, struct err *e)
{
    struct sql *q =
        sqlite_sql(db, KEY_COLUMNS " WHERE ?1 = '' OR storefront = ?1 ORDER BY storefront, id");
    size_t cap = 0;

    *out = NULL;
    *n = 0;
    sql_text(q, 1, storefront_or_null ? storefront_or_null : "");
    while (sql_row(q)) {
        GROW(a, *out, *n, cap);
        read_key(q, a, &(*out)[(*n)++]);
    }
    return sql_done(q, e);
}

bool read_key_of(struct sqlite *db, const struct digest *secret, struct arena *a,
    struct api_key *out, struct digest *proof, struct err *e)
{
    struct sql *q = sqlite_sql(db, KEY_COLUMNS " WHERE secret = ?1");
    bool found;

    sql_digest(q, 1, secret);
    found = sql_row(q);
    if (found && sql_get_digest(q, 6, proof))
        read_key(q, a, out);
    if (!sql_done(q, e))
        return false;
    return found || err_set(e, ERR_MISSING, "there is no such key");
}

bool read_key_changes(struct sqlite *db, int64_t *out, struct err *e)
{
    struct sql *q = sqlite_sql(db, "SELECT value FROM meta WHERE name = 'key_changes'");

    *out = 0;
    if (sql_row(q))
        *out = sql_get_int(q, 0);
    return sql_done(q, e);
}
