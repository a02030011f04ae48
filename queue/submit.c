/* submit -- a message comes in: hashed and sealed here, on the caller's thread; the rest is one op. */
#include "queue/inside.h"

#include <stdlib.h>

#define KEY_MAX 256
#define PRIORITY_LAST 9

/* Everything that one submit, or a batch of them, needs until its answer. */
struct posting {
    struct queue *q;
    struct arena *arena;
    struct ticket *tickets;
    struct tray_item **items; /* of each; NULL: not kept in memory */
    size_t n, answered;
    struct receipt receipt; /* of one submit */
    struct submit_outcome *outcomes;
    queue_submitted *done;
    queue_batch_submitted *batch_done;
    void *context;
};

static bool check(const struct submission *s, struct err *e)
{
    if (!id_is_valid(str_of(s->id), "msg_"))
        return err_set(e, ERR_INPUT, "a message id looks like msg_ and 26 letters and digits");
    if (s->idempotency_key.n > KEY_MAX)
        return err_set(e, ERR_LIMIT, "an idempotency key has at most %d bytes", KEY_MAX);
    if (s->state != MSG_QUEUED && s->state != MSG_SUPPRESSED)
        return err_set(e, ERR_INPUT, "a message begins as queued or suppressed");
    if (s->priority < 0 || s->priority > PRIORITY_LAST)
        return err_set(e, ERR_INPUT, "a priority is 0 to %d", PRIORITY_LAST);
    return true;
}

static void hash_references(struct queue *q, const struct submission *s, struct store_submit *out)
{
    if (s->idempotency_key.n > 0)
        keyed_hash(q->keys, "idempotency", s->storefront, s->idempotency_key, &out->idempotency);
    if (s->order.order.n > 0) {
        keyed_hash(q->keys, "order", s->storefront, s->order.order, &out->order);
        keyed_hash(q->keys, "parcel", s->storefront, s->order.parcel, &out->parcel);
    }
}

static bool prepare(struct queue *q, const struct submission *s, struct tray_item *item_or_null,
    struct arena *a, struct receipt *receipt, struct ticket *t, struct err *e)
{
    struct store_submit *out = &t->op.submit;
    AUTO(person_wipe) struct person person = {0};
    struct str *sealed;

    if (!check(s, e) || !queue_takes_in(q, e) ||
        !person_of(q, s->storefront, s->address, true, &person, e))
        return false;
    *t = (struct ticket){.op.kind = STORE_SUBMIT};
    *out = (struct store_submit){.s = s, .facts = s->facts, .out = receipt};
    out->person = person_for_store(a, &person, s->address);
    out->private_json = seal_private(a, &person, s);
    t->bytes = out->private_json.n + (s->handover ? s->handover->bytes : 0);
    sealed = arena_array(a, s->attachments_n, sizeof *sealed);
    for (size_t i = 0; i < s->attachments_n; i++) {
        sealed[i] = seal_attachment(a, &person, s->id, i, &s->attachments[i]);
        t->bytes += sealed[i].n;
    }
    out->attachments = sealed;
    hash_references(q, s, out);
    if (item_or_null)
        tray_item_keep_key(item_or_null, &person.key);
    return true;
}

bool queue_submit(struct queue *q, const struct submission *s, struct receipt *out, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct ticket t;

    return prepare(q, s, NULL, a, out, &t, e) &&
           committer_run_sized(q->committer, &t.op, t.bytes, e);
}

/* ---- without waiting ---- */

bool queue_has_room(const struct queue *q, const struct submission *s)
{
    return q->tray && tray_has_room(q->tray, s, queue_now_ms(q));
}

struct handover *queue_handover_new(const struct queue *q, const struct submission *s, size_t bytes)
{
    return q->tray ? tray_handover_new(q->tray, s, bytes, queue_now_ms(q)) : NULL;
}

static struct posting *open_posting(struct queue *q, size_t n, void *context)
{
    struct posting *p = calloc(1, sizeof *p);

    if (!p)
        err_out_of_memory();
    p->q = q;
    p->arena = arena_open();
    p->tickets = arena_array(p->arena, n, sizeof *p->tickets);
    p->items = arena_array(p->arena, n, sizeof *p->items);
    p->n = n;
    p->context = context;
    return p;
}

static void close_posting(struct posting **p)
{
    if (!*p)
        return;
    for (size_t i = 0; i < (*p)->n; i++)
        tray_item_close(&(*p)->items[i]);
    arena_close(&(*p)->arena);
    free(*p);
    *p = NULL;
}

static bool prepare_nth(
    struct posting *p, size_t i, const struct submission *s, struct receipt *r, struct err *e)
{
    if (p->q->tray)
        p->items[i] = tray_item_new(p->q->tray, s, queue_now_ms(p->q));
    return prepare(p->q, s, p->items[i], p->arena, r, &p->tickets[i], e);
}

/* Before its submitter hears of it, and before a claim that stood behind it in the line does (committer.h). */
static void keep(struct posting *p, const struct ticket *t)
{
    struct tray_item **item = &p->items[t - p->tickets];
    const struct store_submit *s = &t->op.submit;

    if (*item && t->op.ok && s->out->result == SUBMIT_NEW && s->out->state == MSG_QUEUED &&
        !s->placed.left)
        tray_put(p->q->tray, item, &s->placed);
    tray_item_close(item);
}

static void answer(void *context, struct ticket *t)
{
    struct posting *p = context;

    keep(p, t);
    p->done(p->context, &p->receipt, t->op.ok ? NULL : &t->op.e);
    close_posting(&p);
}

bool queue_submit_async(struct queue *q, const struct submission *s, queue_submitted *done,
    void *context, struct err *e)
{
    struct posting *p = open_posting(q, 1, context);

    p->done = done;
    if (prepare_nth(p, 0, s, &p->receipt, e)) {
        p->tickets->done = answer;
        p->tickets->context = p;
        if (committer_post(q->committer, p->tickets, e))
            return true;
    }
    close_posting(&p);
    return false;
}

/* The tickets of one commit are answered one after the other, all on the committer's thread. */
static void answer_one_of_many(void *context, struct ticket *t)
{
    struct posting *p = context;
    struct submit_outcome *out = &p->outcomes[t - p->tickets];

    keep(p, t);
    out->stored = t->op.ok;
    if (!t->op.ok)
        out->e = t->op.e;
    if (++p->answered < p->n)
        return;
    p->batch_done(p->context);
    close_posting(&p);
}

static bool prepare_all(const struct submission *s, struct posting *p, struct err *e)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!prepare_nth(p, i, &s[i], &p->outcomes[i].receipt, e))
            return false;
        p->tickets[i].done = answer_one_of_many;
        p->tickets[i].context = p;
    }
    return true;
}

bool queue_submit_batch_async(struct queue *q, const struct submission *s, size_t n,
    struct submit_outcome *out, queue_batch_submitted *done, void *context, struct err *e)
{
    if (n == 0 || n > QUEUE_BATCH)
        return err_set(e, ERR_LIMIT, "a batch has 1 to %d messages", QUEUE_BATCH);
    struct posting *p = open_posting(q, n, context);
    p->outcomes = out;
    p->batch_done = done;
    if (prepare_all(s, p, e) && committer_post_all(q->committer, p->tickets, n, e))
        return true;
    close_posting(&p);
    return false;
}
