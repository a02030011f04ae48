/* change -- what people and the gate do to messages that wait: cancel, hold, release, retry. */
#include "queue/inside.h"

#define RELEASE_BATCH 5000

static bool change(struct queue *q, enum store_change_kind kind, const char *storefront,
    const char *id, const char *code, struct actor who, enum change_result *out, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct store_op op = {.kind = STORE_CHANGE,
        .change = {.kind = kind,
            .storefront = storefront,
            .id = id,
            .code = code,
            .actor = who.name,
            .out = out}};

    return facts_with_reason(a, facts_why(a, who.why), code, &op.change.facts, e) &&
           committer_run(q->committer, &op, e);
}

bool queue_cancel(struct queue *q, const char *storefront, const char *id, struct actor who,
    enum change_result *out, struct err *e)
{
    return change(q, CHANGE_CANCEL, storefront, id, "cancelled", who, out, e);
}

bool queue_hold(struct queue *q, const char *storefront, const char *id, const char *code,
    struct actor who, enum change_result *out, struct err *e)
{
    return change(q, CHANGE_HOLD, storefront, id, code, who, out, e);
}

bool queue_release(struct queue *q, const char *storefront, const char *id, struct actor who,
    enum change_result *out, struct err *e)
{
    return change(q, CHANGE_RELEASE, storefront, id, "", who, out, e);
}

bool queue_retry(struct queue *q, const char *storefront, const char *id, struct actor who,
    enum change_result *out, struct err *e)
{
    return change(q, CHANGE_RETRY, storefront, id, "", who, out, e);
}

bool queue_held(struct queue *q, struct arena *a, struct held_group **out, size_t *n, struct err *e)
{
    return queue_seen(q, q->store->verbs->held(q->store, a, out, n, e), e);
}

static bool held_in_group(
    struct queue *q, const char *storefront, const char *code, uint64_t *count, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct held_group *groups;
    size_t n;

    *count = 0;
    if (!queue_held(q, a, &groups, &n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(groups[i].storefront, storefront) == 0 && strcmp(groups[i].code, code) == 0)
            *count = groups[i].n;
    return true;
}

/* Due times end now and lie a millisecond apart, so that the order is kept and nothing waits for it. */
bool queue_release_group(struct queue *q, const char *storefront, const char *code,
    struct actor who, uint64_t *n, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct store_op op = {.kind = STORE_RELEASE,
        .release = {
            .storefront = storefront, .code = code, .actor = who.name, .max = RELEASE_BATCH}};
    int64_t first_ms;
    uint64_t count;

    *n = 0;
    if (!held_in_group(q, storefront, code, &count, e))
        return false;
    op.release.facts = facts_why(a, who.why);
    first_ms = queue_now_ms(q) - (int64_t)count + 1;
    while (*n < count) {
        op.release.due_ms = first_ms + (int64_t)*n;
        if (!committer_run(q->committer, &op, e))
            return false;
        *n += op.release.n;
        if (op.release.n < RELEASE_BATCH)
            break;
    }
    return true;
}
