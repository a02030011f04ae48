/* sqlite_suppress -- suppressions; also the small ops: content, notes, API keys. */
#include "queue/sqlite_inside.h"

/* ---- suppressions ---- */

static bool standing(struct writer *w, const struct store_suppress *s, const struct digest *person,
    int64_t *row, int64_t *expires_ms, struct err *e)
{
    struct sql *q = sqlite_sql(w->db,
        "SELECT n, expires_ms FROM suppression WHERE storefront = ?1 AND person = ?2 AND scope = ?3"
        " AND reason = ?4 AND lifted_ms = 0");

    sql_text(q, 1, s->storefront);
    sql_digest(q, 2, person);
    sql_text(q, 3, s->s->scope);
    sql_text(q, 4, s->s->reason);
    *row = 0;
    if (sql_row(q)) {
        *row = sql_get_int(q, 0);
        *expires_ms = sql_get_int(q, 1);
    }
    return sql_done(q, e);
}

/* One that ran out makes room for its successor and stays visible. */
static bool lift_run_out(struct writer *w, int64_t row, struct err *e)
{
    struct sql *q =
        sqlite_sql(w->db, "UPDATE suppression SET lifted_ms = max(?2, 1),"
                          " lifted_by = 'parcelpost', lifted_why = 'expired' WHERE n = ?1");

    sql_int(q, 1, row);
    sql_int(q, 2, w->now_ms);
    return sql_run(q, e);
}

static bool insert_suppression(
    struct writer *w, const struct store_suppress *s, const struct person_row *p, struct err *e)
{
    struct sql *q = sqlite_sql(w->db,
        "INSERT INTO suppression(storefront, pepper, person, scope, reason, origin, evidence, "
        "actor, since_ms,"
        " expires_ms, note, who) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");

    w->suppressed = true;
    sql_text(q, 1, s->storefront);
    sql_int(q, 2, p->pepper);
    sql_digest(q, 3, &p->hash);
    sql_text(q, 4, s->s->scope);
    sql_text(q, 5, s->s->reason);
    sql_text(q, 6, s->s->origin);
    sql_text(q, 7, s->s->evidence);
    sql_text(q, 8, s->s->actor);
    sql_int(q, 9, w->now_ms);
    sql_int(q, 10, s->s->expires_ms);
    if (s->note.n > 0)
        sql_blob(q, 11, s->note);
    sql_int(q, 12, p->n);
    return sql_run(q, e);
}

bool sqlite_suppress(struct writer *w, struct store_suppress *s, struct err *e)
{
    const char *about = id_is_valid(str_of(s->s->evidence), "msg_") ? s->s->evidence : "";
    struct journal_draft d = {.event = "suppression.added",
        .actor = s->s->actor,
        .message_id = about,
        .facts = s->facts,
        .personal = s->personal.sealed.n > 0 ? &s->personal : NULL};
    struct person_row person;
    int64_t row = 0, expires_ms = 0;

    s->added = false;
    for (size_t i = 0; i < s->person.who.n; i++) {
        if (!standing(w, s, &s->person.who.hash[i], &row, &expires_ms, e))
            return false;
        if (row != 0 && (expires_ms == 0 || expires_ms > w->now_ms))
            return true;
        if (row != 0 && !lift_run_out(w, row, e))
            return false;
    }
    if (!person_make(w, s->storefront, &s->person, &person, e) ||
        !insert_suppression(w, s, &person, e) || !journal_note(w, s->storefront, person.n, &d, e))
        return false;
    s->added = true;
    return true;
}

bool sqlite_suppress_op(struct writer *w, struct store_op *op, struct err *e)
{
    return sqlite_suppress(w, &op->suppress, e);
}

bool sqlite_lift(struct writer *w, struct store_op *op, struct err *e)
{
    struct store_lift *l = &op->lift;
    struct journal_draft d = {
        .event = "suppression.lifted", .actor = l->actor.name, .message_id = "", .facts = l->facts};
    struct person_row person;

    l->lifted = 0;
    for (size_t i = 0; i < l->who.n; i++) {
        struct sql *q = sqlite_sql(w->db,
            "UPDATE suppression SET lifted_ms = max(?5, 1), lifted_by = ?6, lifted_why = ?7"
            " WHERE storefront = ?1 AND person = ?2 AND scope = ?3 AND (?4 = '' OR reason = ?4)"
            " AND lifted_ms = 0");

        sql_text(q, 1, l->storefront);
        sql_digest(q, 2, &l->who.hash[i]);
        sql_text(q, 3, l->scope);
        sql_text(q, 4, l->reason);
        sql_int(q, 5, w->now_ms);
        sql_text(q, 6, l->actor.name);
        sql_text(q, 7, l->actor.why);
        if (!sql_run(q, e))
            return false;
        l->lifted += (uint64_t)sqlite_changes(w->db);
    }
    return l->lifted == 0 || (person_find(w, l->storefront, &l->who, &person, e) &&
                                 journal_note(w, l->storefront, person.n, &d, e));
}

/* ---- the small ones ---- */

bool sqlite_content(struct writer *w, struct store_op *op, struct err *e)
{
    const struct store_content *c = &op->content;
    struct sql *q = sqlite_sql(
        w->db, "INSERT OR IGNORE INTO content(storefront, hash, bytes) VALUES (?1, ?2, ?3)");

    sql_text(q, 1, c->storefront);
    sql_digest(q, 2, &c->hash);
    sql_blob(q, 3, c->bytes);
    return sql_run(q, e);
}

bool sqlite_note(struct writer *w, struct store_op *op, struct err *e)
{
    const struct store_note *n = &op->note;
    struct message_row m = {0};
    bool found;

    if (n->draft.message_id[0] &&
        !message_find(w, n->storefront, n->draft.message_id, &m, &found, e))
        return false;
    return journal_note(w, n->storefront, m.person, &n->draft, e);
}

bool sqlite_key_new(struct writer *w, struct store_op *op, struct err *e)
{
    const struct store_key_new *k = &op->key_new;
    struct journal_draft d = {
        .event = "key.created", .actor = k->actor, .message_id = "", .facts = k->facts};
    struct sql *q = sqlite_sql(w->db, "INSERT INTO api_key(storefront, id, secret, label, roles, "
                                      "created_ms, proof) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");

    w->keys_changed = true;
    sql_text(q, 1, k->key->storefront);
    sql_text(q, 2, k->key->id);
    sql_digest(q, 3, &k->secret);
    sql_text(q, 4, k->key->label);
    sql_int(q, 5, k->key->roles);
    sql_int(q, 6, k->key->created_ms);
    sql_digest(q, 7, &k->proof);
    return sql_run(q, e) && journal_note(w, k->key->storefront, 0, &d, e);
}

bool sqlite_key_revoke(struct writer *w, struct store_op *op, struct err *e)
{
    const struct store_key_revoke *k = &op->key_revoke;
    struct journal_draft d = {
        .event = "key.revoked", .actor = k->actor, .message_id = "", .facts = k->facts};
    struct sql *q =
        sqlite_sql(w->db, "SELECT revoked_ms FROM api_key WHERE storefront = ?1 AND id = ?2");

    sql_text(q, 1, k->storefront);
    sql_text(q, 2, k->id);
    *k->out = CHANGE_NOT_FOUND;
    if (sql_row(q))
        *k->out = sql_get_int(q, 0) == 0 ? CHANGE_DONE : CHANGE_TOO_LATE;
    if (!sql_done(q, e))
        return false;
    if (*k->out != CHANGE_DONE)
        return true;
    w->keys_changed = true;
    q = sqlite_sql(
        w->db, "UPDATE api_key SET revoked_ms = max(?3, 1) WHERE storefront = ?1 AND id = ?2");
    sql_text(q, 1, k->storefront);
    sql_text(q, 2, k->id);
    sql_int(q, 3, w->now_ms);
    return sql_run(q, e) && journal_note(w, k->storefront, 0, &d, e);
}
