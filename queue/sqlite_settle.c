/* sqlite_settle -- how a message's lease, hold or wait ends. */
#include "queue/sqlite_inside.h"

static const char *event_of(enum msg_state s)
{
    return msg_state_is_final(s) || s == MSG_DEFERRED || s == MSG_HELD ? msg_state_name(s) : "";
}

static bool write_reason(struct writer *w, const struct store_settle *one, struct message_row *m,
    const char *superseded_by, struct err *e)
{
    const struct settlement *s = one->s;
    bool mute = one->reply.sealed.n == 0;

    if (superseded_by)
        return message_event(w, m, "cancelled", "parcelpost", facts_superseded(w, superseded_by),
            mute ? NULL : &one->reply, e);
    return !event_of(s->to)[0] || message_event(w, m, event_of(s->to), "parcelpost", one->facts,
                                      mute ? NULL : &one->reply, e);
}

static bool settle_one(
    struct writer *w, const struct store_settle *one, struct message_row *m, struct err *e)
{
    const struct settlement *s = one->s;
    struct order_place place;
    const char *by = NULL;

    if (!msg_state_is_final(s->to) &&
        (!order_place_of(w, m, &place, e) || !order_is_stale(w, &place, &by, e)))
        return false;
    m->attempts += s->counts;
    m->unsure = m->unsure || s->unsure;
    m->state = by ? MSG_CANCELLED : s->to;
    m->reason = by ? "superseded" : s->reason ? s->reason : "";
    if (s->to == MSG_DEFERRED || s->to == MSG_QUEUED)
        m->due_ms = s->due_ms;
    if (s->to == MSG_DEFERRED)
        m->waits = s->counts ? 0 : m->waits + 1;
    return (!s->unsure || message_event(w, m, "unsure", "parcelpost", STR("{}"), NULL, e)) &&
           write_reason(w, one, m, by, e) && message_store(w, m, MSG_LEASED, e);
}

bool sqlite_settle(struct writer *w, struct store_op *op, struct err *e)
{
    struct store_settle_all *all = &op->settle;
    struct message_row *rows = arena_array(w->batch, all->n, sizeof *rows);

    for (size_t i = 0; i < all->n; i++) {
        const struct job *j = all->list[i].s->job;
        bool found;

        if (!message_find(w, j->storefront, j->id, &rows[i], &found, e))
            return false;
        if (!found || rows[i].state != MSG_LEASED || rows[i].fence != j->fence)
            return refuse(op, ERR_CONFLICT, "the lease of %s was lost meanwhile", j->id);
    }
    all->made_work = false;
    for (size_t i = 0; i < all->n; i++) {
        if (!settle_one(w, &all->list[i], &rows[i], e))
            return false;
        all->made_work = all->made_work || !msg_state_is_final(rows[i].state);
    }
    /* Behind all messages: each one's events go into the timeline of the message that they name. */
    for (size_t i = 0; i < all->n; i++)
        if (all->list[i].suppress &&
            !sqlite_suppress(w, (struct store_suppress *)all->list[i].suppress, e))
            return false;
    return true;
}

/* ---- what people and the gate do to one message ---- */

static bool may(enum store_change_kind kind, enum msg_state s)
{
    switch (kind) {
    case CHANGE_CANCEL:
    case CHANGE_HOLD:
        return s == MSG_QUEUED || s == MSG_DEFERRED || s == MSG_HELD;
    case CHANGE_RELEASE:
        return s == MSG_HELD;
    case CHANGE_RETRY:
        return s == MSG_DEFERRED;
    }
    return false;
}

static enum msg_state freed(const struct message_row *m)
{
    return m->attempts > 0 || m->unsure ? MSG_DEFERRED : MSG_QUEUED;
}

/* What was to go later still does: a release takes the hold away, not the time that the shop asked for (send_at) or
 * the pause before the next attempt. */
static int64_t due_after_hold(const struct writer *w, const struct message_row *m, int64_t due_ms)
{
    return m->due_ms > w->now_ms ? m->due_ms : due_ms;
}

bool sqlite_change(struct writer *w, struct store_op *op, struct err *e)
{
    static const char *const events[] = {"cancelled", "held", "released", "retried"};
    const struct store_change *c = &op->change;
    struct message_row m;
    enum msg_state from;
    bool found;

    if (!message_find(w, c->storefront, c->id, &m, &found, e))
        return false;
    *c->out = !found ? CHANGE_NOT_FOUND : !may(c->kind, m.state) ? CHANGE_TOO_LATE : CHANGE_DONE;
    if (*c->out != CHANGE_DONE)
        return true;
    from = m.state;
    if (c->kind == CHANGE_CANCEL || c->kind == CHANGE_HOLD) {
        m.state = c->kind == CHANGE_CANCEL ? MSG_CANCELLED : MSG_HELD;
        m.reason = c->code;
    } else {
        m.state = freed(&m);
        m.due_ms = c->kind == CHANGE_RELEASE ? due_after_hold(w, &m, w->now_ms) : w->now_ms;
        m.reason = c->kind == CHANGE_RELEASE ? "" : m.reason;
    }
    return message_event(w, &m, events[c->kind], c->actor, c->facts, NULL, e) &&
           message_store(w, &m, from, e);
}

bool sqlite_release(struct writer *w, struct store_op *op, struct err *e)
{
    struct store_release *r = &op->release;
    struct message_row *rows;
    size_t n;
    struct sql *q = sqlite_sql(w->db,
        "SELECT " MESSAGE_COLUMNS_WITH(
            "m.reason") " FROM message m INDEXED BY message_held CROSS JOIN payload o ON o.n = m.n"
                        " WHERE m.state = 3 AND m.storefront = ?1 AND m.reason = ?2"
                        " ORDER BY o.order_ref, o.parcel_ref, o.seq, m.id LIMIT ?3");

    sql_text(q, 1, r->storefront);
    sql_text(q, 2, r->code);
    sql_int(q, 3, (int64_t)r->max);
    if (!message_read_all(w, q, r->max, &rows, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        rows[i].state = freed(&rows[i]);
        rows[i].due_ms = due_after_hold(w, &rows[i], r->due_ms + (int64_t)i);
        rows[i].reason = "";
        if (!message_event(w, &rows[i], "released", r->actor, r->facts, NULL, e) ||
            !message_store(w, &rows[i], MSG_HELD, e))
            return false;
    }
    r->n = n;
    return true;
}
