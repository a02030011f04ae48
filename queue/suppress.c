/* suppress -- who must not get mail: added, lifted, listed. */
#include "queue/inside.h"

#include "base/json.h"

#define PAGE_MAX 1000

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

static struct str facts_of(
    struct arena *a, const char *scope, const char *reason, const char *origin, const char *why)
{
    AUTO(js_close) struct js *o = js_object();
    AUTO(buf_close) struct buf text = {0};

    js_set_cstr(o, "scope", scope);
    if (reason[0])
        js_set_cstr(o, "reason", reason);
    if (origin[0])
        js_set_cstr(o, "origin", origin);
    if (why[0])
        js_set_cstr(o, "why", why);
    js_write(o, JS_CANONICAL, &text);
    return arena_str(a, buf_str(&text));
}

/* What does not depend on how the person is named. Without a key (erased) the note is not kept. */
static void prepare_texts(const struct person *person, const struct suppression_new *s,
    struct arena *a, struct store_suppress *out)
{
    struct suppression_new *full = ARENA_NEW(a, struct suppression_new);
    const char *storefront = person->storefront, *about;

    *full = *s;
    full->evidence = text_or_empty(s->evidence);
    full->actor = s->actor ? s->actor : "parcelpost";
    full->origin = text_or_empty(s->origin);
    about = id_is_valid(str_of(full->evidence), "msg_") ? full->evidence : "";
    *out = (struct store_suppress){.storefront = storefront, .s = full, .note = STR("")};
    out->person.who = person->who;
    out->facts = facts_of(a, s->scope, s->reason, full->origin, "");
    if (s->note.n > 0 && person->has_key)
        out->note = seal_text(a, person, bind_note(a, storefront, s->scope, s->reason), s->note);
    out->personal = personal_text(a, person, about, "note", s->note);
}

void suppress_prepare(const struct person *person, struct str address,
    const struct suppression_new *s, struct arena *a, struct store_suppress *out)
{
    prepare_texts(person, s, a, out);
    if (person->has_key)
        out->person = person_for_store(a, person, address);
}

static bool run(struct queue *q, struct store_op *op, bool *added, struct err *e)
{
    if (!committer_run(q->committer, op, e))
        return false;
    *added = op->suppress.added;
    return true;
}

bool queue_suppress(struct queue *q, const char *storefront, struct str address,
    const struct suppression_new *s, bool *added, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(person_wipe) struct person person = {0};
    struct store_op op = {.kind = STORE_SUPPRESS};

    if (!person_of(q, storefront, address, true, &person, e))
        return false;
    suppress_prepare(&person, address, s, a, &op.suppress);
    return run(q, &op, added, e);
}

bool queue_suppress_person(struct queue *q, const char *storefront, const struct digest *person,
    unsigned pepper_version, const struct suppression_new *s, bool *added, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(person_wipe) struct person p = {.storefront = storefront};
    struct store_op op = {.kind = STORE_SUPPRESS};

    p.who = (struct keyed){.pepper = {pepper_version}, .hash = {*person}, .n = 1};
    if (!queue_seen_keys(
            q, vault_key_of(q->vault, storefront, &p.who, false, &p.key, &p.has_key, e), e))
        return false;
    prepare_texts(&p, s, a, &op.suppress);
    return run(q, &op, added, e);
}

bool queue_lift(struct queue *q, const char *storefront, struct str address, const char *scope,
    const char *reason, struct actor who, uint64_t *lifted, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct store_op op = {.kind = STORE_LIFT,
        .lift = {.storefront = storefront, .scope = scope, .reason = reason, .actor = who}};

    op.lift.actor.why = text_or_empty(who.why);
    keyed_person(q->keys, storefront, address, &op.lift.who);
    op.lift.facts = facts_of(a, scope, reason, "", op.lift.actor.why);
    if (!committer_run(q->committer, &op, e))
        return false;
    *lifted = op.lift.lifted;
    return true;
}

/* ---- reading ---- */

/* "" also of what does not open: the row counts all the same, and the others are not its hostages. */
static bool unseal_or_none(struct queue *q, const char *storefront, struct str binding,
    struct str sealed, struct arena *a, struct str *out, struct err *e)
{
    bool erased;

    *out = STR("");
    return sealed.n == 0 || unseal_text(q, storefront, binding, sealed, a, out, &erased, e) ||
           e->code == ERR_CORRUPT;
}

static bool unseal_rows(struct queue *q, const char *storefront, struct store_suppression *rows,
    size_t n, struct arena *a, struct suppression **out, struct err *e)
{
    *out = arena_array(a, n, sizeof **out);
    for (size_t i = 0; i < n; i++) {
        struct suppression *s = &rows[i].row;

        if (!unseal_or_none(q, storefront, bind_address(a, storefront, &s->person), rows[i].address,
                a, &s->address, e) ||
            !unseal_or_none(q, storefront, bind_note(a, storefront, s->scope, s->reason),
                rows[i].note, a, &s->note, e))
            return false;
        (*out)[i] = *s;
    }
    return true;
}

bool queue_suppressions_of(struct queue *q, const char *storefront, struct str address,
    struct arena *a, struct suppression **out, size_t *n, struct err *e)
{
    struct store_suppression *rows;
    struct keyed who;

    keyed_person(q->keys, storefront, address, &who);
    return queue_seen(q,
               q->store->verbs->suppressions_of(
                   q->store, storefront, &who, queue_now_ms(q), a, &rows, n, e),
               e) &&
           unseal_rows(q, storefront, rows, *n, a, out, e);
}

bool queue_suppressions(struct queue *q, const char *storefront, const struct suppression_filter *f,
    struct arena *a, struct suppression **out, size_t *n, struct err *e)
{
    struct suppression_filter full = *f;
    struct store_suppression *rows;

    full.scope = text_or_empty(f->scope);
    full.reason = text_or_empty(f->reason);
    full.origin = text_or_empty(f->origin);
    full.max = f->max < PAGE_MAX ? f->max : PAGE_MAX;
    return queue_seen(
               q, q->store->verbs->suppressions(q->store, storefront, &full, a, &rows, n, e), e) &&
           unseal_rows(q, storefront, rows, *n, a, out, e);
}
