/* sqlite_read_journal -- the journal as its readers want it. */
#include "queue/sqlite_inside.h"

#define ROW_COLUMNS(how)                                                                               \
    "SELECT j.storefront, j.node, j.seq, j.at_ms, j.message_id, j.event, j.actor, j.facts, "           \
    "j.commitment, j.hash,"                                                                            \
    " j.salt, j.sealed, x.hash," /* a row that says its person was erased, and the message's stands */ \
    " j.salt IS NULL AND j.sealed IS NULL AND j.message_id <> '' AND j.commitment <> "                 \
    "zeroblob(32) AND EXISTS(SELECT 1 FROM message m JOIN person p ON p.n = m.person"                  \
    "  WHERE m.storefront = j.storefront AND m.id = j.message_id AND p.erased_ms = 0)"                 \
    " FROM journal j " how " LEFT JOIN person x ON x.n = j.person"

static void read_row(struct sql *q, struct arena *a, struct store_row *out)
{
    static const struct digest none;

    out->row = (struct journal_row){
        .storefront = sql_get_text(q, 0, a),
        .node = sql_get_text(q, 1, a),
        .seq = sql_get_int(q, 2),
        .at_ms = sql_get_int(q, 3),
        .message_id = sql_get_text(q, 4, a),
        .event = sql_get_text(q, 5, a),
        .actor = sql_get_text(q, 6, a),
        .facts = sql_get_copy(q, 7, a),
        .personal = STR(""),
    };
    sql_get_digest(q, 8, &out->commitment);
    sql_get_digest(q, 9, &out->row.hash);
    out->salt = sql_get_copy(q, 10, a);
    out->sealed = sql_get_copy(q, 11, a);
    out->has_person = !sql_get_null(q, 12) && sql_get_digest(q, 12, &out->person);
    out->person_stands = sql_get_int(q, 13) != 0;
    /* A commitment without what it commits to: the person was erased. */
    out->row.erased =
        !digest_equal(&out->commitment, &none) && out->salt.n == 0 && out->sealed.n == 0;
}

static bool read_rows(
    struct sql *q, struct arena *a, struct store_row **out, size_t *n, struct err *e)
{
    size_t cap = 0;

    *out = NULL;
    *n = 0;
    while (sql_row(q)) {
        GROW(a, *out, *n, cap);
        read_row(q, a, &(*out)[(*n)++]);
    }
    return sql_done(q, e);
}

bool read_timeline(struct sqlite *db, const char *storefront, const char *message_id,
    struct arena *a, struct store_row **out, size_t *n, struct err *e)
{
    /* Each row says which one of the message came before it; that number falls, or a broken file would lead in circles. What
     * names a message that was not there stands apart. */
    struct sql *q = sqlite_sql(db,
        "WITH RECURSIVE line(n) AS (SELECT last FROM message WHERE storefront = ?1 AND id = ?2"
        "  UNION ALL SELECT b.previous FROM line JOIN journal b ON b.n = line.n"
        "  WHERE b.previous < b.n) " ROW_COLUMNS(
            "NOT INDEXED") " WHERE j.n IN (SELECT n FROM line UNION ALL"
                           " SELECT n FROM journal INDEXED BY journal_apart WHERE storefront = ?1 "
                           "AND message_id = ?2 AND previous IS NULL"
                           " AND message_id <> '') AND j.storefront = ?1 AND j.message_id = ?2 "
                           "ORDER BY j.n");

    sql_text(q, 1, storefront);
    sql_text(q, 2, message_id);
    return read_rows(q, a, out, n, e);
}

bool read_journal(struct sqlite *db, const char *storefront, const char *node, int64_t after_seq,
    size_t max, struct arena *a, struct store_row **out, size_t *n, struct err *e)
{
    struct sql *q = sqlite_sql(db,
        ROW_COLUMNS("INDEXED BY journal_in_order") " WHERE j.storefront = ?1 AND j.node = ?2 "
                                                   "AND j.seq > ?3 ORDER BY j.seq LIMIT ?4");

    sql_text(q, 1, storefront);
    sql_text(q, 2, node);
    sql_int(q, 3, after_seq);
    sql_int(q, 4, (int64_t)max);
    return read_rows(q, a, out, n, e);
}

bool read_chains(
    struct sqlite *db, struct arena *a, struct store_chain **out, size_t *n, struct err *e)
{
    /* A chain is also what has rows but lost its head, and what must have rows, since there are messages, but has none
     * ("" for its node): hopping over the indexes finds each without reading all. */
    struct sql *q = sqlite_sql(db,
        "WITH RECURSIVE pair(s, n) AS ("
        " SELECT * FROM (SELECT storefront, node FROM journal ORDER BY storefront, node LIMIT 1)"
        " UNION ALL SELECT"
        "  (SELECT storefront FROM journal WHERE (storefront, node) > (pair.s, pair.n)"
        "   ORDER BY storefront, node LIMIT 1),"
        "  (SELECT node FROM journal WHERE (storefront, node) > (pair.s, pair.n)"
        "   ORDER BY storefront, node LIMIT 1)"
        " FROM pair WHERE pair.s IS NOT NULL),"
        " shop(s) AS ("
        " SELECT * FROM (SELECT storefront FROM message ORDER BY storefront LIMIT 1)"
        " UNION ALL SELECT (SELECT storefront FROM message WHERE storefront > shop.s"
        "   ORDER BY storefront LIMIT 1) FROM shop WHERE shop.s IS NOT NULL)"
        " SELECT p.s, p.n, ifnull(c.seq, 0), ifnull(c.hash, zeroblob(32))"
        " FROM (SELECT s, n FROM pair WHERE s IS NOT NULL UNION SELECT storefront, node FROM chain"
        "  UNION SELECT s, '' FROM shop WHERE s IS NOT NULL AND s NOT IN (SELECT s FROM pair"
        "   WHERE s IS NOT NULL) AND s NOT IN (SELECT storefront FROM chain)) p"
        " LEFT JOIN chain c ON c.storefront = p.s AND c.node = p.n ORDER BY 1, 2");
    size_t cap = 0;

    *out = NULL;
    *n = 0;
    while (sql_row(q)) {
        GROW(a, *out, *n, cap);
        (*out)[*n].chain = (struct chain){.storefront = sql_get_text(q, 0, a),
            .node = sql_get_text(q, 1, a),
            .last_seq = sql_get_int(q, 2)};
        sql_get_digest(q, 3, &(*out)[(*n)++].head);
    }
    return sql_done(q, e);
}
