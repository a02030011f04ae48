/* settle -- the outcome of an attempt, prepared on the caller's thread and written by the committer. */
#include "queue/inside.h"

/* The key of a job out of memory came with it; it seals a reply, for which nobody asks who the person is. The person may have
 * been erased meanwhile: then there is none. */
static bool find_person(
    struct queue *q, const struct settlement *s, struct person *out, struct err *e)
{
    const struct job *j = s->job;
    int64_t erasures;

    if (j->key && !s->suppress && vault_erasures(q->vault, &erasures, e) &&
        erasures == j->key->erasures) {
        *out = (struct person){.storefront = j->storefront, .has_key = true, .key = j->key->key};
        return true;
    }
    if (!s->keyless)
        return person_of(q, j->storefront, j->address, false, out, e);
    *out = (struct person){.storefront = j->storefront};
    keyed_person(q->keys, j->storefront, j->address, &out->who);
    return true;
}

static bool prepare(struct queue *q, const struct settlement *s, struct arena *a,
    struct store_settle *out, struct err *e)
{
    const struct job *j = s->job;
    AUTO(person_wipe) struct person person = {0};
    struct store_suppress *suppress;

    *out = (struct store_settle){.s = s};
    if (s->to == MSG_LEASED || s->to >= MSG_STATES)
        return err_set(e, ERR_INPUT, "a settled message cannot be %s", msg_state_name(s->to));
    out->facts = s->facts;
    if (!s->facts_are_canonical && !facts_with_reason(a, s->facts, s->reason, &out->facts, e))
        return false;
    if (s->reply.n == 0 && !s->suppress)
        return true;
    if (!find_person(q, s, &person, e))
        return false;
    /* Of an erased person neither the reply nor, with a suppression, the address is kept. */
    out->reply = personal_text(a, &person, j->id, "reply", s->reply);
    if (s->suppress) {
        suppress = ARENA_NEW(a, struct store_suppress);
        suppress_prepare(&person, j->address, s->suppress, a, suppress);
        out->suppress = suppress;
    }
    return true;
}

/* Only what is on disk clears a mark. A single lost lease is another's, so its mark means nothing. */
static void clear_mark(struct queue *q, const struct settlement *s, bool is_over)
{
    if (q->flight && is_over)
        flight_end(q->flight, s->lane, s->job->id, s->job->fence);
}

bool queue_settle_all(struct queue *q, const struct settlement *s, size_t n, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct store_settle *list = arena_array(a, n, sizeof *list);
    struct store_op op = {.kind = STORE_SETTLE, .settle = {.list = list, .n = n}};
    bool fine;

    for (size_t i = 0; i < n; i++)
        if (!prepare(q, &s[i], a, &list[i], e))
            return false;
    fine = committer_run(q->committer, &op, e);
    for (size_t i = 0; i < n; i++)
        clear_mark(q, &s[i], fine || (n == 1 && e->code == ERR_CONFLICT));
    return fine;
}

bool queue_settle(struct queue *q, const struct settlement *s, struct err *e)
{
    return queue_settle_all(q, s, 1, e);
}

/* ---- without waiting ---- */

/* In the caller's arena. */
struct posting {
    struct queue *queue;
    struct store_settle one;
    struct ticket ticket;
    queue_settled *done;
    void *context;
};

static void answer(void *context, struct ticket *t)
{
    struct posting *p = context;

    clear_mark(p->queue, p->one.s, t->op.ok || t->op.e.code == ERR_CONFLICT);
    p->done(p->context, t->op.ok ? NULL : &t->op.e);
}

bool queue_settle_async(struct queue *q, const struct settlement *s, struct arena *a,
    queue_settled *done, void *context, struct err *e)
{
    struct posting *p = ARENA_NEW(a, struct posting);

    *p = (struct posting){.queue = q, .done = done, .context = context};
    if (!prepare(q, s, a, &p->one, e))
        return false;
    p->ticket = (struct ticket){.op = {.kind = STORE_SETTLE, .settle = {.list = &p->one, .n = 1}},
        .done = answer,
        .context = p};
    committer_hand_in(q->committer, &p->ticket);
    return true;
}
