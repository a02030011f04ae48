/* sqlite_submit -- a new message with everything that belongs to it. */
#include "queue/sqlite_inside.h"

#include <stdio.h>

/* What a claim of it will bring into memory, about. */
static int64_t bytes_of(const struct store_submit *s)
{
    size_t bytes = s->private_json.n;

    for (size_t i = 0; i < s->s->attachments_n; i++)
        bytes += s->attachments[i].n;
    return (int64_t)bytes;
}

static bool insert_message(
    struct writer *w, const struct store_submit *s, const struct message_row *m, struct err *e)
{
    struct sql *q =
        sqlite_sql(w->db, "INSERT INTO message(storefront, id, person, place, state, "
                          "priority, created_ms, due_ms,"
                          " expires_ms, reason, bytes, n, last, over)"
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
                          " ?14)");

    sql_text(q, 1, s->s->storefront);
    sql_text(q, 2, s->s->id);
    sql_int(q, 3, m->person);
    sql_int(q, 4, m->place);
    sql_int(q, 5, s->out->state);
    sql_int(q, 6, s->s->priority);
    sql_int(q, 7, w->now_ms);
    sql_int(q, 8, s->s->due_ms);
    sql_int(q, 9, s->s->expires_ms);
    sql_text(q, 10, s->out->reason);
    sql_int(q, 11, bytes_of(s));
    sql_int(q, 12, m->n);
    sql_int(q, 13, m->last);
    sql_int(q, 14, msg_state_is_final(s->out->state));
    if (!sql_run(q, e))
        return false;
    batch_tally(w, s->s->storefront, s->out->state, 1);
    if (s->out->state == MSG_QUEUED)
        line_gained(w->lines, m->place, s->s->priority, MSG_QUEUED, s->s->due_ms);
    return true;
}

static bool insert_payload(struct writer *w, const struct store_submit *s, int64_t n,
    const struct order_place *p, struct err *e)
{
    struct sql *q = sqlite_sql(w->db,
        "INSERT INTO payload(n, stream, template, locale, bundle, date_ms, event, seq,"
        " occurred_ms, sealed, order_ref, parcel_ref, supersedes)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");

    sql_int(q, 1, n);
    sql_text(q, 2, s->s->stream);
    sql_text(q, 3, s->s->template_name);
    sql_text(q, 4, s->s->locale);
    sql_digest(q, 5, &s->s->bundle);
    sql_int(q, 6, s->s->date_ms);
    sql_text(q, 7, s->s->order.event ? s->s->order.event : "");
    sql_int(q, 8, s->s->order.seq);
    sql_int(q, 9, s->s->order.occurred_ms);
    sql_blob(q, 10, s->private_json);
    if (p->any) {
        sql_digest(q, 11, &p->order);
        sql_digest(q, 12, &p->parcel);
    }
    sql_text(q, 13, p->any ? p->supersedes : "");
    if (!batch_insert_numbered(q, e))
        return false;
    order_added(w, p, n);
    return true;
}

static bool insert_attachments(
    struct writer *w, const struct store_submit *s, int64_t n, struct err *e)
{
    for (size_t i = 0; i < s->s->attachments_n; i++) {
        struct sql *q = sqlite_sql(w->db, "INSERT INTO attachment(n, sealed) VALUES (?1, ?2)");

        sql_int(q, 1, ATTACHMENT_N(n, (int64_t)i));
        sql_blob(q, 2, s->attachments[i]);
        if (!batch_insert_numbered(q, e))
            return false;
    }
    return true;
}

static bool write_events(struct writer *w, const struct store_submit *s, struct message_row *m,
    const char *by, struct err *e)
{
    if (!message_event(w, m, "accepted", "parcelpost", s->facts, NULL, e))
        return false;
    if (by)
        return message_event(w, m, "cancelled", "parcelpost", facts_superseded(w, by), NULL, e);
    return s->out->state != MSG_SUPPRESSED || message_event(w, m, "suppressed", "parcelpost",
                                                  facts_reason(w, s->out->reason), NULL, e);
}

static void fill_receipt(const struct store_submit *s, const char *by)
{
    struct receipt *r = s->out;

    *r = (struct receipt){.result = SUBMIT_NEW, .state = by ? MSG_CANCELLED : s->s->state};
    snprintf(r->id.s, sizeof r->id.s, "%s", s->s->id);
    snprintf(r->reason, sizeof r->reason, "%s",
        by             ? "superseded"
        : s->s->reason ? s->s->reason
                       : "");
}

/* The message's own row comes last: it says which event was its last one. */
static bool insert(struct writer *w, const struct store_submit *s, const struct order_place *place,
    struct message_row *m, const char *by, struct err *e)
{
    return insert_payload(w, s, m->n, place, e) && insert_attachments(w, s, m->n, e) &&
           order_supersede(w, place, s->s->id, e) && write_events(w, s, m, by, e) &&
           insert_message(w, s, m, e) && idempotency_add(w, s, m->n, e);
}

bool sqlite_submit(struct writer *w, struct store_op *op, struct err *e)
{
    struct store_submit *s = &op->submit;
    struct message_row m = {.storefront = s->s->storefront, .id = s->s->id};
    struct order_place place;
    struct person_row person;
    const char *by = NULL;
    bool found;

    if (s->s->attachments_n > ATTACHMENTS_MAX)
        return refuse(op, ERR_LIMIT, "a message has at most %d attachments", ATTACHMENTS_MAX);
    if (!refs_ready(w->refs, e) || !idempotency_find(w, s, &found, e))
        return false;
    if (found)
        return true;
    if (!order_place_new(w, s, &place, e) || !order_is_stale(w, &place, &by, e) ||
        !person_make(w, s->s->storefront, &s->person, &person, e) ||
        !place_of(w->lines, s->s->storefront, s->s->destination, true, &m.place, e) ||
        !batch_next_message(w, &m.n, e))
        return false;
    m.person = person.n;
    fill_receipt(s, by);
    s->placed = (struct store_placed){.created_ms = w->now_ms,
        .person_mark = person.n,
        .person = person.hash,
        .pepper = person.pepper,
        .n = m.n,
        .before = w->placed};
    w->placed = s;
    return insert(w, s, &place, &m, by, e);
}
