/* submit -- a message comes in: hashed and sealed here, on the caller's thread; the rest is one op. */
#include "queue/inside.h"

#include <stdlib.h>

#define KEY_MAX 256
#define PRIORITY_LAST 9

/* Everything that one submit needs until its answer. */
struct posting {
    struct ticket ticket;
    struct arena *arena;
    struct receipt receipt;
    queue_submitted *done;
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

static bool prepare(struct queue *q, const struct submission *s, struct posting *p, struct err *e)
{
    struct store_submit *out = &p->ticket.op.submit;
    AUTO(person_wipe) struct person person = {0};
    struct str *sealed;

    if (!check(s, e) || !person_of(q, s->storefront, s->address, true, &person, e))
        return false;
    p->ticket.op.kind = STORE_SUBMIT;
    *out = (struct store_submit){.s = s, .facts = s->facts, .out = &p->receipt};
    out->person = person_for_store(p->arena, &person, s->address);
    out->private_json = seal_private(p->arena, &person, s);
    p->ticket.bytes = out->private_json.n;
    sealed = arena_array(p->arena, s->attachments_n, sizeof *sealed);
    for (size_t i = 0; i < s->attachments_n; i++) {
        sealed[i] = seal_attachment(p->arena, &person, s->id, i, &s->attachments[i]);
        p->ticket.bytes += sealed[i].n;
    }
    out->attachments = sealed;
    hash_references(q, s, out);
    return true;
}

bool queue_submit(struct queue *q, const struct submission *s, struct receipt *out, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct posting p = {.arena = a};

    if (!prepare(q, s, &p, e) ||
        !committer_run_sized(q->committer, &p.ticket.op, p.ticket.bytes, e))
        return false;
    *out = p.receipt;
    return true;
}

static void close_posting(struct posting **p)
{
    if (!*p)
        return;
    arena_close(&(*p)->arena);
    free(*p);
    *p = NULL;
}

static void answer(void *context, struct ticket *t)
{
    struct posting *p = context;

    p->done(p->context, &p->receipt, t->op.ok ? NULL : &t->op.e);
    close_posting(&p);
}

bool queue_submit_async(struct queue *q, const struct submission *s, queue_submitted *done,
    void *context, struct err *e)
{
    struct posting *p = calloc(1, sizeof *p);

    if (!p)
        err_out_of_memory();
    p->arena = arena_open();
    p->done = done;
    p->context = context;
    p->ticket.done = answer;
    p->ticket.context = p;
    if (prepare(q, s, p, e) && committer_post(q->committer, &p->ticket, e))
        return true;
    close_posting(&p);
    return false;
}
