/* timeline -- reading the journal, adding to it, and proving that nobody changed it. */
#include "queue/inside.h"

#include <inttypes.h>

#define PAGE_MAX 1000
#define VERIFY_PAGE 500

static bool unseal_rows(struct queue *q, struct store_row *rows, size_t n, struct arena *a,
    struct journal_row **out, struct err *e)
{
    *out = arena_array(a, n, sizeof **out);
    for (size_t i = 0; i < n; i++) {
        struct journal_row *r = &rows[i].row;
        bool erased = false;
        struct str salt;

        /* A personal part that does not open is shown as none: queue_verify names the row, and the others are not its
         * hostages. */
        if (rows[i].sealed.n > 0 &&
            !unseal_personal(q, &rows[i], a, &salt, &r->personal, &erased, e)) {
            if (e->code != ERR_CORRUPT)
                return false;
            r->personal = STR("");
        }
        r->erased = r->erased || erased;
        (*out)[i] = *r;
    }
    return true;
}

bool queue_timeline(struct queue *q, const char *storefront, const char *message_id,
    struct arena *a, struct journal_row **out, size_t *n, struct err *e)
{
    struct store_row *rows;

    return queue_seen(
               q, q->store->verbs->timeline(q->store, storefront, message_id, a, &rows, n, e), e) &&
           unseal_rows(q, rows, *n, a, out, e);
}

bool queue_journal(struct queue *q, const char *storefront, const char *node, int64_t after_seq,
    size_t max, struct arena *a, struct journal_row **out, size_t *n, struct err *e)
{
    struct store_row *rows;

    if (max > PAGE_MAX)
        max = PAGE_MAX;
    return queue_seen(q,
               q->store->verbs->journal(q->store, storefront, node, after_seq, max, a, &rows, n, e),
               e) &&
           unseal_rows(q, rows, *n, a, out, e);
}

bool queue_note(struct queue *q, const char *storefront, const char *event, struct actor who,
    const char *message_id, struct str facts, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct store_op op = {.kind = STORE_NOTE,
        .note = {.storefront = storefront,
            .draft = {
                .event = event, .actor = who.name, .message_id = message_id ? message_id : ""}}};

    return facts_with_reason(a, facts, "", &op.note.draft.facts, e) &&
           committer_run(q->committer, &op, e);
}

bool queue_chains(struct queue *q, struct arena *a, struct chain **out, size_t *n, struct err *e)
{
    struct store_chain *rows;

    if (!queue_seen(q, q->store->verbs->chains(q->store, a, &rows, n, e), e))
        return false;
    *out = arena_array(a, *n, sizeof **out);
    for (size_t i = 0; i < *n; i++)
        (*out)[i] = rows[i].chain;
    return true;
}

/* ---- verifying ---- */

struct walk {
    struct queue *queue;
    struct digest head; /* of the last row that was right */
    int64_t seq;
    struct store_links links; /* as they were found before the walk */
    struct chain_report *report;
};

static void broken(struct walk *w, int64_t seq, const char *why)
{
    w->report->broken_seq = seq;
    w->report->broken_why = why;
}

/* Does what can still be read of the person answer to the commitment? */
static bool commitment_holds(
    struct walk *w, const struct store_row *r, struct arena *a, const char **why)
{
    struct str salt = r->salt, text = STR("");
    struct digest commitment;
    bool erased = r->row.erased;
    struct err e;

    *why = "its personal part is not what was written";
    if (!erased && r->sealed.n > 0 && !unseal_personal(w->queue, r, a, &salt, &text, &erased, &e))
        return false;
    *why = "it was taken away, and the person of its message is not erased";
    if (r->person_stands)
        return false;
    w->report->erased += erased;
    if (erased || (r->salt.n == 0 && r->sealed.n == 0))
        return true;
    *why = "it names another person than the one it was written for";
    if (!r->has_person)
        return false;
    journal_commit(salt, &r->person, text, &commitment);
    return digest_equal(&commitment, &r->commitment);
}

static void check_row(struct walk *w, const struct store_row *r, struct arena *a)
{
    struct journal_row again = r->row;
    const char *why;

    journal_link(&w->head, &r->commitment, &again);
    if (r->row.seq != w->seq + 1)
        broken(w, w->seq + 1, "the row is missing");
    else if (!digest_equal(&again.hash, &r->row.hash))
        broken(w, r->row.seq, "its hash does not follow from its contents and the row before");
    else if (!commitment_holds(w, r, a, &why))
        broken(w, r->row.seq, why);
    else if (r->row.seq == w->links.row_seq)
        broken(w, r->row.seq, w->links.row_why);
    else {
        w->seq = r->row.seq;
        w->head = r->row.hash;
        w->report->rows++;
    }
}

static bool walk_rows(struct walk *w, const char *storefront, const char *node, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    const struct store_verbs *verbs = w->queue->store->verbs;
    size_t n = VERIFY_PAGE;

    while (n == VERIFY_PAGE && w->report->broken_seq == 0) {
        struct store_row *rows;

        arena_clear(a);
        if (!verbs->journal(
                w->queue->store, storefront, node, w->seq, VERIFY_PAGE, a, &rows, &n, e))
            return false;
        for (size_t i = 0; i < n && w->report->broken_seq == 0; i++)
            check_row(w, &rows[i], a);
    }
    return true;
}

/* The head stands apart from the rows, so that a journal cut off at its end is noticed too. It is read before
 * the walk: rows may be added meanwhile. */
static bool read_head(struct queue *q, const char *storefront, const char *node, struct arena *a,
    struct store_chain *out, struct err *e)
{
    struct store_chain *chains;
    size_t n;

    *out = (struct store_chain){0};
    if (!q->store->verbs->chains(q->store, a, &chains, &n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(chains[i].chain.storefront, storefront) == 0 &&
            strcmp(chains[i].chain.node, node) == 0)
            *out = chains[i];
    return true;
}

bool queue_verify(struct queue *q, const char *storefront, const char *node, struct arena *a,
    struct chain_report *out, struct err *e)
{
    struct walk w = {.queue = q, .report = out};
    struct store_chain head;

    *out = (struct chain_report){.broken_why = ""};
    journal_genesis(storefront, node, &w.head);
    if (!read_head(q, storefront, node, a, &head, e) ||
        !q->store->verbs->links(q->store, storefront, node, &w.links, e) ||
        !walk_rows(&w, storefront, node, e))
        return false;
    if (out->broken_seq == 0 && w.seq < head.chain.last_seq)
        broken(&w, w.seq + 1, "the row is missing at the end");
    else if (out->broken_seq == 0 && w.seq == head.chain.last_seq && w.seq > 0 &&
             !digest_equal(&w.head, &head.head))
        broken(&w, w.seq, "it is not the row that was written last");
    else if (out->broken_seq == 0 && w.links.end_seq != 0)
        broken(&w, w.links.end_seq, w.links.end_why);
    out->head = w.head;
    if (!node[0])
        broken(&w, 1, "there are messages, and no journal");
    if (out->broken_seq != 0 || w.seq == 0 || head.chain.last_seq > 0)
        return true;
    /* Rows without a head: the first of them came during the walk, or somebody took the head away. */
    if (!read_head(q, storefront, node, a, &head, e))
        return false;
    if (head.chain.last_seq == 0)
        broken(&w, w.seq, "the head of the chain is missing");
    return true;
}
