/* sqlite_claim -- leases: given out by claim, taken back at a start and when they run out. */
#include "queue/sqlite_inside.h"

#define LINES 32
#define EXPIRED_MAX 1000 /* ended by one claim beside what it leases; the sweep ends the rest */

/* A line of a destination that has due messages: of one priority, never tried or coming again. */
struct line {
    int64_t place, priority;
    enum msg_state state;
};

static bool due_lines(
    struct writer *w, const struct store_claim *c, struct line *out, size_t *n, struct err *e)
{
    int64_t place;
    struct sql *q;

    *n = 0;
    if (!place_of(w->lines, c->storefront, c->destination, false, &place, e))
        return false;
    q = sqlite_sql(w->db, "SELECT priority, state FROM destination WHERE place = ?1 AND due_ms <= "
                          "?2 ORDER BY priority, state");
    sql_int(q, 1, place);
    sql_int(q, 2, w->now_ms);
    while (*n < LINES && sql_row(q))
        out[(*n)++] = (struct line){place, sql_get_int(q, 0), (enum msg_state)sql_get_int(q, 1)};
    return sql_done(q, e);
}

static bool due_messages(struct writer *w, const struct line *l, size_t max,
    struct message_row **out, size_t *n, struct err *e)
{
    struct sql *q = sqlite_sql(w->db,
        "SELECT " MESSAGE_COLUMNS " FROM message INDEXED BY message_due WHERE place = ?1"
        " AND priority = ?2 AND state = ?3 AND due_ms <= ?4"
        " AND state IN (0, 2) ORDER BY due_ms, n LIMIT ?5");

    sql_int(q, 1, l->place);
    sql_int(q, 2, l->priority);
    sql_int(q, 3, l->state);
    sql_int(q, 4, w->now_ms);
    sql_int(q, 5, (int64_t)max);
    return message_read_all(w, q, max, out, n, e);
}

static bool expire(struct writer *w, struct message_row *m, struct err *e)
{
    enum msg_state from = m->state;
    /* Why it waited so long is the last thing that the row knows. */
    struct str facts = facts_reason(w, m->reason[0] ? m->reason : "expired");

    m->state = MSG_EXPIRED;
    m->reason = "expired";
    return message_event(w, m, "expired", "parcelpost", facts, NULL, e) &&
           message_store(w, m, from, e);
}

static bool lease(struct writer *w, struct store_claim *c, struct message_row *m, struct err *e)
{
    enum msg_state from = m->state;

    m->state = MSG_LEASED;
    m->owner = c->owner;
    m->owner_start = c->start;
    m->fence = m->fence < INT64_MAX ? m->fence + 1 : 1; /* the end: by hand alone */
    m->lease_until_ms = c->lease_until_ms;
    c->bytes += m->bytes;
    c->out[c->n++] = (struct store_lease){.id = arena_text(c->arena, str_of(m->id)),
        .fence = m->fence,
        .person_mark = m->person,
        .due_ms = m->due_ms,
        .expires_ms = m->expires_ms,
        .attempts = (int)m->attempts,
        .waits = (int)m->waits,
        .unsure = m->unsure};
    return message_store(w, m, from, e);
}

static bool has_room(const struct store_claim *c, const struct message_row *m)
{
    return c->n == 0 || c->bytes + m->bytes <= c->max_bytes;
}

/* Leases from one line until the claim has `upto`. */
static bool claim_line(struct writer *w, struct store_claim *c, const struct line *l, size_t upto,
    size_t *expired, struct err *e)
{
    while (c->n < upto && *expired < EXPIRED_MAX) {
        size_t wanted = upto - c->n, n;
        struct message_row *rows;

        if (!due_messages(w, l, wanted, &rows, &n, e))
            return false;
        for (size_t i = 0; i < n; i++) {
            bool over = rows[i].expires_ms <= w->now_ms;

            if (!over && !has_room(c, &rows[i])) {
                c->is_full = true;
                return true;
            }
            *expired += over;
            if (over ? !expire(w, &rows[i], e) : !lease(w, c, &rows[i], e))
                return false;
        }
        if (n < wanted)
            return true;
    }
    return true;
}

/* Half of what is free goes to each of two lines of the same priority, so that neither can stall the other. */
static bool claim_both(
    struct writer *w, struct store_claim *c, const struct line *two, size_t *expired, struct err *e)
{
    size_t half = c->n + (c->max - c->n + (w->odd++ & 1)) / 2;

    return claim_line(w, c, &two[0], half, expired, e) &&
           (c->is_full || claim_line(w, c, &two[1], c->max, expired, e)) &&
           (c->is_full || claim_line(w, c, &two[0], c->max, expired, e));
}

bool sqlite_claim(struct writer *w, struct store_op *op, struct err *e)
{
    struct store_claim *c = &op->claim;
    struct line lines[LINES];
    size_t n, expired = 0;

    c->n = 0;
    c->bytes = 0;
    c->is_full = false;
    c->out = arena_array(c->arena, c->max, sizeof *c->out);
    if (!due_lines(w, c, lines, &n, e))
        return false;
    for (size_t i = 0; i < n && c->n < c->max && !c->is_full; i++) {
        bool both = i + 1 < n && lines[i + 1].priority == lines[i].priority;

        if (both ? !claim_both(w, c, &lines[i], &expired, e)
                 : !claim_line(w, c, &lines[i], c->max, &expired, e))
            return false;
        i += both;
    }
    return true;
}

/* ---- leases that come back ---- */

bool lease_take_back(
    struct writer *w, struct message_row *m, bool unsure, const char *why, struct err *e)
{
    struct order_place place;
    const char *by;

    if (!order_place_of(w, m, &place, e) || !order_is_stale(w, &place, &by, e))
        return false;
    m->unsure = m->unsure || unsure;
    m->state = m->attempts > 0 || m->unsure ? MSG_DEFERRED : MSG_QUEUED;
    if (unsure) {
        m->due_ms = w->now_ms;
        m->reason = "unsure";
    }
    if (by) {
        m->state = MSG_CANCELLED;
        m->reason = "superseded";
    }
    return (!unsure ||
               message_event(w, m, "unsure", "parcelpost", facts_reason(w, why), NULL, e)) &&
           (!by ||
               message_event(w, m, "cancelled", "parcelpost", facts_superseded(w, by), NULL, e)) &&
           message_store(w, m, MSG_LEASED, e);
}

static bool next_start(struct writer *w, struct store_start *s, struct err *e)
{
    const char *name = arena_printf(w->batch, "start:%s", s->owner);
    struct sql *q = sqlite_sql(w->db, "INSERT INTO meta VALUES (?1, 1) ON CONFLICT(name) DO UPDATE "
                                      "SET value = value + 1 RETURNING value");

    sql_text(q, 1, name);
    if (sql_row(q))
        s->start = sql_get_int(q, 0);
    return sql_done(q, e);
}

static bool is_marked(const struct store_start *s, const struct message_row *m)
{
    if (s->past->all_unsure)
        return true;
    for (size_t i = 0; i < s->past->n; i++)
        if (s->past->marks[i].fence == m->fence && strcmp(s->past->marks[i].id, m->id) == 0)
            return true;
    return false;
}

bool sqlite_start(struct writer *w, struct store_op *op, struct err *e)
{
    struct store_start *s = &op->start;
    struct message_row *rows;
    struct sql *q =
        sqlite_sql(w->db, "SELECT " MESSAGE_COLUMNS
                          " FROM message INDEXED BY message_leased WHERE state = 1 AND owner = ?1");
    size_t n;

    s->returned = s->unsure = 0;
    sql_text(q, 1, s->owner);
    if (!message_read_all(w, q, SIZE_MAX, &rows, &n, e) || !next_start(w, s, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool unsure = is_marked(s, &rows[i]);

        if (!lease_take_back(w, &rows[i], unsure, s->past->all_unsure ? "lost-track" : "crash", e))
            return false;
        s->returned++;
        s->unsure += unsure;
    }
    return true;
}

static bool write_probe(struct writer *w, struct err *e)
{
    struct sql *q = sqlite_sql(w->db, "INSERT OR REPLACE INTO meta VALUES ('probe_ms', ?1)");

    sql_int(q, 1, w->now_ms);
    return sql_run(q, e);
}

bool sqlite_sweep(struct writer *w, struct store_op *op, struct err *e)
{
    struct store_sweep *s = &op->sweep;
    struct message_row *rows;
    size_t n;
    struct sql *q =
        sqlite_sql(w->db, "SELECT " MESSAGE_COLUMNS " FROM message INDEXED BY message_expiry"
                          " WHERE over = 0 AND state <> 1 AND expires_ms <= ?1"
                          " ORDER BY expires_ms LIMIT ?2");

    sql_int(q, 1, w->now_ms);
    sql_int(q, 2, (int64_t)s->max);
    if (!message_read_all(w, q, s->max, &rows, &n, e))
        return false;
    s->more = n == s->max;
    for (size_t i = 0; i < n; i++)
        if (!expire(w, &rows[i], e))
            return false;
    q = sqlite_sql(w->db,
        "SELECT " MESSAGE_COLUMNS " FROM message INDEXED BY message_leased"
        " WHERE state = 1 AND lease_until_ms <= ?1 ORDER BY lease_until_ms LIMIT ?2");
    sql_int(q, 1, w->now_ms - s->lease_slack_ms);
    sql_int(q, 2, (int64_t)s->max);
    if (!message_read_all(w, q, s->max, &rows, &n, e))
        return false;
    s->more = s->more || n == s->max;
    s->returned = n;
    for (size_t i = 0; i < n; i++)
        if (!lease_take_back(w, &rows[i], true, "lease-ran-out", e))
            return false;
    return idempotency_sweep(w, e) && (!s->probe || write_probe(w, e));
}
