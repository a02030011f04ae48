/* settle -- the outcome of an attempt, on disk before the lane goes on. */
#include "queue/inside.h"

static bool prepare(struct queue *q, const struct settlement *s, struct arena *a,
    struct store_settle *out, struct err *e)
{
    const struct job *j = s->job;
    AUTO(person_wipe) struct person person = {0};
    struct store_suppress *suppress;

    *out = (struct store_settle){.s = s};
    if (s->to == MSG_LEASED || s->to >= MSG_STATES)
        return err_set(e, ERR_INPUT, "a settled message cannot be %s", msg_state_name(s->to));
    if (!facts_with_reason(a, s->facts, s->reason, &out->facts, e))
        return false;
    /* The person may have been erased meanwhile: then there is no key, and neither the reply nor, with a
     * suppression, the address is kept. */
    if (s->reply.n > 0) {
        if (!person_of(q, j->storefront, j->address, false, &person, e))
            return false;
        out->reply = personal_text(a, &person, j->id, "reply", s->reply);
    }
    if (!s->suppress)
        return true;
    suppress = ARENA_NEW(a, struct store_suppress);
    out->suppress = suppress;
    return suppress_prepare(q, j->storefront, j->address, s->suppress, false, a, suppress, e);
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
    /* Only what is on disk clears a mark. A single lost lease is another's, so its mark means nothing. */
    for (size_t i = 0; q->flight && i < n && (fine || (n == 1 && e->code == ERR_CONFLICT)); i++)
        flight_end(q->flight, s[i].lane, s[i].job->id, s[i].job->fence);
    return fine;
}

bool queue_settle(struct queue *q, const struct settlement *s, struct err *e)
{
    return queue_settle_all(q, s, 1, e);
}
