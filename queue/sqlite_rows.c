/* sqlite_rows -- the moves out of which every change is made: find or make a person, read and store a
 * message, append to the journal. */
#include "queue/sqlite_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool refuse(struct store_op *op, enum err_code code, const char *format, ...)
{
    va_list args;
    char text[200];

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    op->ok = false;
    err_set(&op->e, code, "%s", text);
    return true;
}

/* ---- persons ---- */

bool person_find(struct writer *w, const char *storefront, const struct keyed *who,
    struct person_row *out, struct err *e)
{
    out->n = 0;
    for (size_t i = 0; i < who->n && out->n == 0; i++) {
        struct ref_key k = ref_of(&who->hash[i]);
        struct sql *q = sqlite_sql(w->db,
            "SELECT p.n, p.pepper FROM person_at a CROSS JOIN person p ON p.n = a.n WHERE a.k = ?1"
            " AND p.storefront = ?2 AND p.hash = ?3 AND p.erased_ms = 0");

        if (!refs_bring(w->refs, REF_PERSON, &k, e))
            return false;
        ref_bind(q, 1, &k);
        sql_text(q, 2, storefront);
        sql_digest(q, 3, &who->hash[i]);
        if (sql_row(q)) {
            out->n = sql_get_int(q, 0);
            out->pepper = (unsigned)sql_get_int(q, 1);
            out->hash = who->hash[i];
        }
        if (!sql_done(q, e))
            return false;
    }
    return true;
}

static bool is_suppressed_already(
    struct writer *w, const char *storefront, const struct person_row *p, bool *out, struct err *e)
{
    struct sql *q = sqlite_sql(w->db, "SELECT 1 FROM suppression INDEXED BY suppression_of_nobody"
                                      " WHERE storefront = ?1 AND person = ?2 AND who = 0 LIMIT 1");

    sql_text(q, 1, storefront);
    sql_digest(q, 2, &p->hash);
    *out = sql_row(q);
    return sql_done(q, e);
}

/* Suppressions that came before the person did: by them the address is found. Few have any, and to ask is cheaper than to
 * change none. */
static bool suppressions_know(
    struct writer *w, const char *storefront, const struct person_row *p, struct err *e)
{
    struct sql *q;
    bool any;

    if (!is_suppressed_already(w, storefront, p, &any, e))
        return false;
    if (!any)
        return true;
    q = sqlite_sql(w->db, "UPDATE suppression INDEXED BY suppression_of_nobody SET who = ?3"
                          " WHERE storefront = ?1 AND person = ?2 AND who = 0");
    sql_text(q, 1, storefront);
    sql_digest(q, 2, &p->hash);
    sql_int(q, 3, p->n);
    return sql_run(q, e);
}

bool person_make(struct writer *w, const char *storefront, const struct store_person *p,
    struct person_row *out, struct err *e)
{
    struct sql *q;

    if (!person_find(w, storefront, &p->who, out, e))
        return false;
    w->person = *out;
    if (out->n != 0)
        return true;
    *out = (struct person_row){0, p->who.hash[0], p->who.pepper[0]};
    if (p->address.n == 0)
        return true;
    q = sqlite_sql(w->db, "INSERT INTO person(storefront, pepper, hash, address, created_ms)"
                          " VALUES (?1, ?2, ?3, ?4, ?5)");
    sql_text(q, 1, storefront);
    sql_int(q, 2, p->who.pepper[0]);
    sql_digest(q, 3, &p->who.hash[0]);
    sql_blob(q, 4, p->address);
    sql_int(q, 5, w->now_ms);
    if (!sql_run(q, e))
        return false;
    out->n = sqlite_last_row(w->db);
    w->person = *out;
    refs_add(w->refs, REF_PERSON, &(struct ref){.k = ref_of(&out->hash), .n = out->n});
    return suppressions_know(w, storefront, out, e);
}

/* ---- messages ---- */

int64_t count_of(struct sql *q, int column, int64_t most)
{
    int64_t n = sql_get_int(q, column);

    return n < 0 ? 0 : n > most ? most : n;
}

void message_read(struct writer *w, struct sql *q, struct message_row *out)
{
    *out = (struct message_row){
        .n = sql_get_int(q, 0),
        .person = sql_get_int(q, 1),
        .storefront = sql_get_text(q, 2, w->batch),
        .id = sql_get_text(q, 3, w->batch),
        .place = sql_get_int(q, 4),
        .reason = sql_get_text(q, 5, w->batch),
        .state = (enum msg_state)sql_get_int(q, 6),
        .priority = sql_get_int(q, 7),
        .due_ms = sql_get_int(q, 8),
        .expires_ms = sql_get_int(q, 9),
        .attempts = count_of(q, 10, COUNT_MOST),
        .fence = sql_get_int(q, 11),
        .lease_until_ms = sql_get_int(q, 12),
        .owner = sql_get_text(q, 13, w->batch),
        .owner_start = sql_get_int(q, 14),
        .unsure = sql_get_int(q, 15) != 0,
        .waits = count_of(q, 16, COUNT_MOST),
        .bytes = count_of(q, 17, INT32_MAX),
        .last = sql_get_int(q, 19),
    };
    out->held_for = out->state == MSG_HELD ? sql_get_text(q, 18, w->batch) : "";
}

bool message_read_all(
    struct writer *w, struct sql *q, size_t max, struct message_row **out, size_t *n, struct err *e)
{
    size_t cap = 0;

    *out = NULL;
    *n = 0;
    while (*n < max && sql_row(q)) {
        if (*n == cap) {
            struct message_row *more;

            cap = cap ? cap * 2 : 16;
            more = arena_array(w->batch, cap, sizeof *more);
            if (*n > 0)
                memcpy(more, *out, *n * sizeof *more);
            *out = more;
        }
        message_read(w, q, &(*out)[(*n)++]);
    }
    return sql_done(q, e);
}

bool message_find(struct writer *w, const char *storefront, const char *id, struct message_row *out,
    bool *found, struct err *e)
{
    struct sql *q = sqlite_sql(
        w->db, "SELECT " MESSAGE_COLUMNS " FROM message WHERE storefront = ?1 AND id = ?2");

    sql_text(q, 1, storefront);
    sql_text(q, 2, id);
    *found = sql_row(q);
    if (*found)
        message_read(w, q, out);
    return sql_done(q, e);
}

static bool waits(enum msg_state s)
{
    return s == MSG_QUEUED || s == MSG_DEFERRED;
}

/* A lease alone, without what only ends with it: the fewer columns, the fewer indexes. */
static bool store_lease(struct writer *w, const struct message_row *m, struct err *e)
{
    struct sql *q =
        sqlite_sql(w->db, "UPDATE message SET state = 1, owner = ?2, owner_start = ?3, fence = ?4,"
                          " lease_until_ms = ?5 WHERE n = ?1");

    sql_int(q, 1, m->n);
    sql_text(q, 2, m->owner);
    sql_int(q, 3, m->owner_start);
    sql_int(q, 4, m->fence);
    sql_int(q, 5, m->lease_until_ms);
    return sql_run(q, e);
}

static bool store_all(struct writer *w, const struct message_row *m, struct err *e)
{
    struct sql *q = sqlite_sql(w->db,
        "UPDATE message SET state = ?2, due_ms = ?3, attempts = ?4, unsure = ?5, "
        "reason = ?6, owner = '', owner_start = 0, lease_until_ms = 0, waits = ?7, last = ?8,"
        " over = ?9 WHERE n = ?1");

    sql_int(q, 1, m->n);
    sql_int(q, 2, m->state);
    sql_int(q, 3, m->due_ms);
    sql_int(q, 4, m->attempts);
    sql_int(q, 5, m->unsure);
    sql_text(q, 6, m->reason);
    sql_int(q, 7, m->waits);
    sql_int(q, 8, m->last);
    sql_int(q, 9, msg_state_is_final(m->state));
    return sql_run(q, e);
}

/* Nobody knows yet of one that came in a moment ago: it is its submit that has to be told. Numbers grow, and what was
 * rolled back may have had the same one before. */
static void tell_of_leaving(struct writer *w, const struct message_row *m)
{
    for (struct store_submit *s = w->placed; s && s->placed.n >= m->n; s = s->placed.before)
        if (s->placed.n == m->n) {
            s->placed.left = true;
            return;
        }
    if (w->left)
        w->left(w->left_context, m->storefront, m->id);
}

bool message_store(struct writer *w, struct message_row *m, enum msg_state from, struct err *e)
{
    if (m->state != MSG_LEASED) {
        m->owner = "";
        m->owner_start = m->lease_until_ms = 0;
    }
    if (m->state == MSG_LEASED ? !store_lease(w, m, e) : !store_all(w, m, e))
        return false;
    batch_tally(w, m->storefront, from, -1);
    batch_tally(w, m->storefront, m->state, 1);
    if (from == MSG_HELD)
        batch_held(w, m->storefront, m->held_for, -1);
    if (m->state == MSG_HELD)
        batch_held(w, m->storefront, m->reason, 1);
    m->held_for = m->reason;
    if (waits(from))
        line_lost(w->lines, m->place, m->priority, from);
    if (waits(m->state))
        line_gained(w->lines, m->place, m->priority, m->state, m->due_ms);
    if (from == MSG_QUEUED && m->state != MSG_LEASED)
        tell_of_leaving(w, m);
    return true;
}

/* ---- the journal ---- */

static bool read_head(struct writer *w, struct shop *shop, struct err *e)
{
    struct sql *q =
        sqlite_sql(w->db, "SELECT seq, hash FROM chain WHERE storefront = ?1 AND node = ?2");

    sql_text(q, 1, shop->name);
    sql_text(q, 2, w->node);
    shop->seq = 0;
    journal_genesis(shop->name, w->node, &shop->head);
    if (sql_row(q)) {
        shop->seq = sql_get_int(q, 0);
        sql_get_digest(q, 1, &shop->head);
    }
    if (!sql_done(q, e))
        return false;
    if (shop->seq < 0 || shop->seq == INT64_MAX)
        return err_set(e, ERR_CORRUPT, "database: the count of the journal's rows is no count");
    shop->head_known = true;
    return true;
}

/* The hash that stands in the person's row: it may be of an older pepper than the one of today. */
static bool person_hash(struct writer *w, int64_t person, struct digest *out, struct err *e)
{
    struct sql *q = sqlite_sql(w->db, "SELECT hash FROM person WHERE n = ?1");
    bool found;

    if (person == w->person.n) {
        *out = w->person.hash;
        return true;
    }
    sql_int(q, 1, person);
    found = sql_row(q) && sql_get_digest(q, 0, out);
    if (!sql_done(q, e))
        return false;
    return found || err_set(e, ERR_CORRUPT, "database: a message has no person" SQLITE_ADVICE);
}

/* Of a message's timeline: the row before, 0 = this is its first. */
#define NO_TIMELINE (-1)

static bool insert_row(struct writer *w, int64_t n, int64_t previous, const struct journal_row *row,
    const struct digest *commitment, int64_t person, struct str salt, struct str sealed,
    struct err *e)
{
    struct sql *q = sqlite_sql(w->db,
        "INSERT INTO journal(storefront, node, seq, at_ms, message_id, event, actor, facts, "
        "commitment, hash,"
        " person, salt, sealed, n, previous) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
        " ?12, ?13, ?14, ?15)");

    sql_text(q, 1, row->storefront);
    sql_text(q, 2, row->node);
    sql_int(q, 3, row->seq);
    sql_int(q, 4, row->at_ms);
    sql_text(q, 5, row->message_id);
    sql_text(q, 6, row->event);
    sql_text(q, 7, row->actor);
    sql_str(q, 8, row->facts);
    sql_digest(q, 9, commitment);
    sql_digest(q, 10, &row->hash);
    if (person != 0) {
        sql_int(q, 11, person);
        if (sealed.n > 0)
            sql_blob(q, 13, sealed); /* holds the salt */
        else
            sql_blob(q, 12, salt);
    }
    sql_int(q, 14, n);
    if (previous != NO_TIMELINE)
        sql_int(q, 15, previous);
    return batch_insert_numbered(q, e);
}

/* *last: the row of the message's timeline before, then this one; or NO_TIMELINE. */
static bool append(struct writer *w, const char *storefront, int64_t person,
    const struct journal_draft *d, int64_t *last, struct err *e)
{
    struct shop *shop = batch_shop(w, storefront);
    struct digest commitment = {0}, hash;
    struct personal none = {.text = STR("")};
    const struct personal *p = d->personal && d->personal->sealed.n > 0 ? d->personal : &none;
    struct journal_row row = {.storefront = storefront,
        .node = w->node,
        .at_ms = w->now_ms,
        .message_id = d->message_id,
        .event = d->event,
        .actor = d->actor,
        .facts = d->facts.n > 0 ? d->facts : STR("{}")};
    struct str salt;
    int64_t n;

    if ((!shop->head_known && !read_head(w, shop, e)) || !batch_next_row(w, &n, e))
        return false;
    if (p == &none)
        hash_random(none.salt, sizeof none.salt);
    salt = str_bytes(p->salt, sizeof p->salt);
    if (person != 0) {
        if (!person_hash(w, person, &hash, e))
            return false;
        journal_commit(salt, &hash, p->text, &commitment);
    }
    row.seq = shop->seq + 1;
    journal_link(&shop->head, &commitment, &row);
    if (!insert_row(w, n, *last, &row, &commitment, person, salt, p->sealed, e))
        return false;
    shop->seq = row.seq;
    shop->head = row.hash;
    shop->head_moved = true;
    if (*last != NO_TIMELINE)
        *last = n;
    return true;
}

bool message_event(struct writer *w, struct message_row *m, const char *event, const char *actor,
    struct str facts, const struct personal *personal, struct err *e)
{
    struct journal_draft d = {
        .event = event, .actor = actor, .message_id = m->id, .facts = facts, .personal = personal};

    return append(w, m->storefront, m->person, &d, &m->last, e);
}

static bool store_last(struct writer *w, int64_t message, int64_t last, struct err *e)
{
    struct sql *q = sqlite_sql(w->db, "UPDATE message SET last = ?2 WHERE n = ?1");

    sql_int(q, 1, message);
    sql_int(q, 2, last);
    return sql_run(q, e);
}

bool journal_note(struct writer *w, const char *storefront, int64_t person,
    const struct journal_draft *d, struct err *e)
{
    int64_t none = NO_TIMELINE;
    struct message_row m;
    bool found = false;

    if (d->message_id[0] && !message_find(w, storefront, d->message_id, &m, &found, e))
        return false;
    return append(w, storefront, person, d, found ? &m.last : &none, e) &&
           (!found || store_last(w, m.n, m.last, e));
}
