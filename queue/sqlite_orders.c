/* sqlite_orders -- order events: which message of a parcel makes which other one stale. */
#include "queue/sqlite_inside.h"

#include "base/json.h"

/* Of one parcel, the nearest ones: a storefront that posts more gets no supersession beyond them, and does not
 * make the one writer walk them for each of its posts. */
#define EVENTS_READ 1000

static bool has_word(const char *words, const char *word)
{
    struct str rest = str_of(words), piece;

    while (str_next(&rest, ' ', &piece))
        if (piece.n > 0 && str_is(piece, word))
            return true;
    return false;
}

static struct str facts_pair(struct writer *w, const char *reason, const char *by)
{
    AUTO(js_close) struct js *o = js_object();
    AUTO(buf_close) struct buf text = {0};

    js_set_cstr(o, "reason", reason);
    if (by[0])
        js_set_cstr(o, "by", by);
    js_write(o, JS_CANONICAL, &text);
    return arena_str(w->batch, buf_str(&text));
}

struct str facts_reason(struct writer *w, const char *reason)
{
    return facts_pair(w, reason, "");
}

struct str facts_superseded(struct writer *w, const char *by)
{
    return facts_pair(w, "superseded", by);
}

static bool parcel_is_known(struct writer *w, const struct order_place *p, bool *out, struct err *e)
{
    struct ref_key k = ref_of_parcel(&p->order, &p->parcel);
    struct sql *q = sqlite_sql(w->db, "SELECT 1 FROM parcel_at a CROSS JOIN payload p ON p.n = a.n"
                                      " WHERE a.k = ?1 AND p.order_ref = ?2 AND p.parcel_ref = ?3"
                                      " LIMIT 1");

    if (!refs_bring(w->refs, REF_PARCEL, &k, e))
        return false;
    ref_bind(q, 1, &k);
    sql_digest(q, 2, &p->order);
    sql_digest(q, 3, &p->parcel);
    *out = sql_row(q);
    return sql_done(q, e);
}

bool order_place_new(
    struct writer *w, const struct store_submit *s, struct order_place *out, struct err *e)
{
    const struct order_event *o = &s->s->order;
    bool known = false;

    *out = (struct order_place){
        .any = s->order.n > 0, .event = o->event, .supersedes = o->supersedes, .seq = o->seq};
    /* the oldest pepper first, the current one last */
    for (size_t i = s->order.n; i-- > 0 && !known;) {
        out->order = s->order.hash[i];
        out->parcel = s->parcel.hash[i];
        if ((i > 0 || o->seq > 0) && !parcel_is_known(w, out, &known, e))
            return false;
    }
    out->is_new = !known;
    return true;
}

bool order_place_of(
    struct writer *w, const struct message_row *m, struct order_place *out, struct err *e)
{
    struct sql *q = sqlite_sql(w->db,
        "SELECT order_ref, parcel_ref, seq, event, supersedes FROM payload WHERE n = ?1"
        " AND order_ref IS NOT NULL");

    *out = (struct order_place){.event = "", .supersedes = ""};
    sql_int(q, 1, m->n);
    if (sql_row(q)) {
        out->any = sql_get_digest(q, 0, &out->order) && sql_get_digest(q, 1, &out->parcel);
        out->seq = sql_get_int(q, 2);
        out->event = sql_get_text(q, 3, w->batch);
        out->supersedes = sql_get_text(q, 4, w->batch);
    }
    return sql_done(q, e);
}

static void bind_place(struct sql *q, const struct order_place *p, const struct ref_key *k)
{
    ref_bind(q, 1, k);
    sql_digest(q, 2, &p->order);
    sql_digest(q, 3, &p->parcel);
    sql_int(q, 4, p->seq);
    sql_int(q, 5, EVENTS_READ);
}

bool order_is_stale(struct writer *w, const struct order_place *p, const char **by, struct err *e)
{
    struct ref_key k = ref_of_parcel(&p->order, &p->parcel);
    struct sql *q;

    *by = NULL;
    if (!p->any || p->is_new || p->seq == 0 || !p->event[0])
        return true;
    if (!refs_bring(w->refs, REF_PARCEL, &k, e))
        return false;
    q = sqlite_sql(w->db,
        "SELECT m.id, p.supersedes FROM parcel_at a CROSS JOIN payload p ON p.n = a.n CROSS JOIN "
        "message m ON"
        " m.n = a.n WHERE a.k = ?1 AND p.order_ref = ?2 AND p.parcel_ref = ?3 AND a.seq > ?4"
        " ORDER BY a.seq, a.n LIMIT ?5");
    bind_place(q, p, &k);
    while (!*by && sql_row(q))
        if (has_word(sql_get_text(q, 1, w->batch), p->event))
            *by = sql_get_text(q, 0, w->batch);
    return sql_done(q, e);
}

static bool cancel_stale(struct writer *w, struct message_row *m, const char *by, struct err *e)
{
    enum msg_state from = m->state;

    if (from != MSG_QUEUED && from != MSG_DEFERRED && from != MSG_HELD)
        return true;
    m->state = MSG_CANCELLED;
    m->reason = "superseded";
    return message_event(w, m, "cancelled", "parcelpost", facts_superseded(w, by), NULL, e) &&
           message_store(w, m, from, e);
}

bool order_supersede(struct writer *w, const struct order_place *p, const char *by, struct err *e)
{
    struct ref_key k = ref_of_parcel(&p->order, &p->parcel);
    struct message_row *rows;
    size_t n;
    struct sql *q;

    if (!p->any || p->is_new || p->seq == 0 || !p->supersedes[0])
        return true;
    if (!refs_bring(w->refs, REF_PARCEL, &k, e))
        return false;
    q = sqlite_sql(w->db,
        "SELECT " MESSAGE_COLUMNS_WITH(
            "o.event") " FROM (SELECT a.n, p.event, a.seq FROM parcel_at a CROSS JOIN payload p"
                       " ON p.n = a.n WHERE a.k = ?1 AND p.order_ref = ?2 AND p.parcel_ref = ?3"
                       " AND a.seq > 0 AND a.seq < ?4 ORDER BY a.seq DESC LIMIT ?5) o"
                       " JOIN message m ON m.n = o.n WHERE o.event <> '' AND m.state IN (0, 2, 3)"
                       " ORDER BY o.seq");
    bind_place(q, p, &k);
    if (!message_read_all(w, q, EVENTS_READ, &rows, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) /* `reason` holds the event here */
        if (has_word(p->supersedes, rows[i].reason) && !cancel_stale(w, &rows[i], by, e))
            return false;
    return true;
}

void order_added(struct writer *w, const struct order_place *p, int64_t message)
{
    if (p->any)
        refs_add(w->refs, REF_PARCEL,
            &(struct ref){.k = ref_of_parcel(&p->order, &p->parcel), .n = message, .more = p->seq});
    else
        refs_pass(w->refs, REF_PARCEL, message);
}
