/* view -- messages as people and the API see them; pinned content. */
#include "queue/inside.h"

#define PAGE_MAX 1000

/* A message whose seal does not open still has a state and a reason, and can be cancelled. */
static bool open_view(
    struct queue *q, struct store_message *m, struct arena *a, bool with_private, struct err *e)
{
    if (unseal_view(q, m, a, with_private, e))
        return true;
    m->view.unreadable = e->code == ERR_CORRUPT;
    m->view.address = m->view.private_json = STR("");
    return m->view.unreadable;
}

bool queue_show(struct queue *q, const char *storefront, const char *id, struct arena *a,
    struct message_view *out, struct err *e)
{
    struct store_message m;

    if (!queue_seen(q, q->store->verbs->message(q->store, storefront, id, false, a, &m, e), e) ||
        !open_view(q, &m, a, true, e))
        return false;
    *out = m.view;
    return true;
}

bool queue_list(struct queue *q, const char *storefront, const struct message_filter *f,
    struct arena *a, struct message_view **out, size_t *n, const char **go_on, struct err *e)
{
    struct message_filter limited = *f;
    struct store_message *rows;

    limited.max = f->max < PAGE_MAX ? f->max : PAGE_MAX;
    limited.look = f->look > 0 ? f->look : QUEUE_LIST_LOOK;
    if (!queue_seen(
            q, q->store->verbs->list(q->store, storefront, &limited, a, &rows, n, go_on, e), e))
        return false;
    *out = arena_array(a, *n, sizeof **out);
    for (size_t i = 0; i < *n; i++) {
        if (!open_view(q, &rows[i], a, false, e))
            return false;
        (*out)[i] = rows[i].view;
    }
    return true;
}

bool queue_count(
    struct queue *q, const char *storefront_or_null, struct queue_counts *out, struct err *e)
{
    return queue_seen(q, q->store->verbs->count(q->store, storefront_or_null, out, e), e);
}

/* ---- pinned content ---- */

bool queue_content_put(
    struct queue *q, const char *storefront, struct str bytes, struct digest *out, struct err *e)
{
    struct store_op op = {
        .kind = STORE_CONTENT, .content = {.storefront = storefront, .bytes = bytes}};
    struct str ignored;
    struct err missing;

    hash_sha256(bytes, out);
    /* Nearly always it stands there already, and then nobody waits for a commit. */
    if (q->store->verbs->content(q->store, storefront, out, NULL, &ignored, &missing))
        return true;
    op.content.hash = *out;
    return committer_run_sized(q->committer, &op, bytes.n, e);
}

bool queue_content_get(struct queue *q, const char *storefront, const struct digest *hash,
    struct arena *a, struct str *out, struct err *e)
{
    struct digest found;

    if (!queue_seen(q, q->store->verbs->content(q->store, storefront, hash, a, out, e), e))
        return false;
    hash_sha256(*out, &found);
    if (digest_equal(&found, hash))
        return true;
    err_set(e, ERR_CORRUPT, "pinned content is not what its hash says");
    return queue_seen(q, false, e);
}
