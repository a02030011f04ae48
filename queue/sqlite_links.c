/* sqlite_links -- do the rows of a chain name each other as the timelines have it? The hash chain does not cover that.
 *
 * A walk in the order of the chain knows of each message the last row that it has seen, until it has seen the one that the
 * message calls its last: so it holds what was under way at one time, not the journal. Rows of another node may lie between two
 * of this one; theirs are followed back, and proved by the walk over their own chain. Rows that came behind the beginning of
 * the walk are left alone. */
#include "queue/sqlite_inside.h"

#include <stdlib.h>

#define PAGE 500
#define SLOTS_MIN 1024 /* a power of two */

struct seen {
    int64_t message; /* 0 = a free slot */
    int64_t n, seq;
};

struct links {
    struct sqlite *db;
    const char *storefront, *node;
    int64_t newest; /* row when the walk began */
    struct seen *slots;
    size_t slots_n, used;
    struct store_links *out;
};

struct link_row {
    int64_t n, seq, previous, message, last; /* message 0: there is none */
    bool apart;                              /* it names no row before it */
    char id[ID_SIZE];
};

/* ---- what was seen: slots in rows, where a gap ends a search ---- */

static size_t place_for(const struct links *l, int64_t message)
{
    return (size_t)((uint64_t)message * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (l->slots_n - 1);
}

static struct seen *slot_of(const struct links *l, int64_t message)
{
    size_t at = place_for(l, message);

    while (l->slots[at].message != 0 && l->slots[at].message != message)
        at = (at + 1) & (l->slots_n - 1);
    return &l->slots[at];
}

static void make_room(struct links *l)
{
    struct seen *before = l->slots;
    size_t n = l->slots_n;

    if (l->used * 2 < n)
        return;
    l->slots_n = n ? n * 2 : SLOTS_MIN;
    l->slots = calloc(l->slots_n, sizeof *l->slots);
    if (!l->slots)
        err_out_of_memory();
    for (size_t i = 0; i < n; i++)
        if (before[i].message != 0)
            *slot_of(l, before[i].message) = before[i];
    free(before);
}

static void remember(struct links *l, const struct link_row *r)
{
    struct seen *s = slot_of(l, r->message);

    l->used += s->message == 0;
    *s = (struct seen){r->message, r->n, r->seq};
    make_room(l);
}

/* What stands behind it up to the next gap may have come there because of it. */
static void forget(struct links *l, int64_t message)
{
    size_t at = (size_t)(slot_of(l, message) - l->slots);

    if (l->slots[at].message == 0)
        return;
    l->slots[at].message = 0;
    l->used--;
    while (l->slots[at = (at + 1) & (l->slots_n - 1)].message != 0) {
        struct seen moved = l->slots[at];

        l->slots[at].message = 0;
        *slot_of(l, moved.message) = moved;
    }
}

/* ---- rows ---- */

/* Which row before it the row `at` names; -1 when it is not a row of the message, or not to be met here. */
static bool step_back(
    struct links *l, const char *id, bool only_others, int64_t at, int64_t *out, struct err *e)
{
    struct sql *q = sqlite_sql(
        l->db, "SELECT storefront, message_id, node, previous FROM journal WHERE n = ?1");

    *out = -1;
    sql_int(q, 1, at);
    if (sql_row(q) && str_is(sql_get_str(q, 0), l->storefront) && str_is(sql_get_str(q, 1), id) &&
        !(only_others && str_is(sql_get_str(q, 2), l->node)) && !sql_get_null(q, 3) &&
        sql_get_int(q, 3) < at)
        *out = sql_get_int(q, 3);
    return sql_done(q, e);
}

/* Follows a timeline back from row `at` to the first that is not behind `to`. */
static bool follow(struct links *l, const char *id, bool only_others, int64_t at, int64_t to,
    int64_t *out, struct err *e)
{
    while (at > to)
        if (!step_back(l, id, only_others, at, &at, e))
            return false;
    *out = at;
    return true;
}

/* What names no row is of a message that was not there yet: the whole timeline is behind it. */
static bool is_linked(struct links *l, const struct link_row *r, bool *out, struct err *e)
{
    const struct seen *s = r->message != 0 ? slot_of(l, r->message) : NULL;
    int64_t before = s && s->message != 0 ? s->n : 0, met = 0;
    bool fine = true;

    if (r->message == 0)
        *out = r->apart;
    else if (r->apart) {
        fine = follow(l, r->id, false, r->last, r->n, &met, e);
        *out = met == 0;
    } else if (r->previous >= r->n)
        *out = false;
    else {
        fine = follow(l, r->id, true, r->previous, before, &met, e);
        *out = met == before;
    }
    return fine;
}

static bool check(struct links *l, const struct link_row *r, struct err *e)
{
    bool fine;

    if (!is_linked(l, r, &fine, e))
        return false;
    if (!fine) {
        l->out->row_seq = r->seq;
        l->out->row_why = "it does not name the row before it of its message";
    } else if (r->message != 0 && r->n == r->last)
        forget(l, r->message);
    else if (r->message != 0 && !r->apart)
        remember(l, r);
    return true;
}

/* *n: how many rows there were; those behind *after. */
static bool check_page(struct links *l, int64_t *after, size_t *n, struct err *e)
{
    struct sql *q = sqlite_sql(l->db,
        "SELECT j.n, j.seq, j.previous, j.message_id, m.n, m.last FROM journal j"
        " INDEXED BY journal_in_order LEFT JOIN message m INDEXED BY message_by_id"
        " ON m.storefront = j.storefront AND m.id = j.message_id"
        " WHERE j.storefront = ?1 AND j.node = ?2 AND j.seq > ?3 ORDER BY j.seq LIMIT ?4");
    struct err ignored;
    bool fine = true;

    sql_text(q, 1, l->storefront);
    sql_text(q, 2, l->node);
    sql_int(q, 3, *after);
    sql_int(q, 4, PAGE);
    for (*n = 0; fine && l->out->row_seq == 0 && sql_row(q); ++*n) {
        struct link_row r = {.n = sql_get_int(q, 0),
            .seq = sql_get_int(q, 1),
            .apart = sql_get_null(q, 2),
            .previous = sql_get_int(q, 2),
            .message = sql_get_int(q, 4),
            .last = sql_get_int(q, 5)};

        (void)str_copy(sql_get_str(q, 3), r.id, sizeof r.id);
        *after = r.seq;
        fine = r.n > l->newest || check(l, &r, e);
    }
    return sql_done(q, fine ? e : &ignored) && fine;
}

/* Is the row that was seen last one of those to which the message's last row leads? */
static bool check_end(struct links *l, const struct seen *s, struct err *e)
{
    struct sql *q = sqlite_sql(l->db, "SELECT id, last FROM message WHERE n = ?1");
    int64_t last = 0, met;
    char id[ID_SIZE] = "";

    sql_int(q, 1, s->message);
    if (sql_row(q)) {
        (void)str_copy(sql_get_str(q, 0), id, sizeof id);
        last = sql_get_int(q, 1);
    }
    if (!sql_done(q, e) || !follow(l, id, false, last, s->n, &met, e))
        return false;
    if (met != s->n && (l->out->end_seq == 0 || s->seq < l->out->end_seq)) {
        l->out->end_seq = s->seq;
        l->out->end_why = "its message names another last row, which does not lead to it";
    }
    return true;
}

static bool walk(struct links *l, struct err *e)
{
    struct sql *q = sqlite_sql(l->db, "SELECT max(n) FROM journal");
    int64_t after = 0;
    size_t n = PAGE;

    if (sql_row(q))
        l->newest = sql_get_int(q, 0);
    if (!sql_done(q, e))
        return false;
    while (n == PAGE && l->out->row_seq == 0)
        if (!check_page(l, &after, &n, e))
            return false;
    for (size_t i = 0; i < l->slots_n && l->out->row_seq == 0; i++)
        if (l->slots[i].message != 0 && !check_end(l, &l->slots[i], e))
            return false;
    return true;
}

bool read_links(struct sqlite *db, const char *storefront, const char *node,
    struct store_links *out, struct err *e)
{
    struct links l = {.db = db, .storefront = storefront, .node = node, .out = out};
    bool fine;

    *out = (struct store_links){.row_why = "", .end_why = ""};
    make_room(&l);
    fine = walk(&l, e);
    free(l.slots);
    return fine;
}
