/* store_sqlite -- the back end on SQLite: one writing connection for apply, a pool for the reads. */
#include "queue/sqlite_inside.h"
#include "queue/sqlite_news.h"
#include "queue/sqlite_schema.h"

#include <stdio.h>
#include <stdlib.h>

#define READERS 8

struct sqlite_store {
    struct store base;
    struct writer writer;
    int64_t stamp; /* the writer's, after our last commit */
    struct sqlite_pool *readers;
    struct sqlite_news *news;
};

static struct sqlite_store *inside(struct store *s)
{
    return (struct sqlite_store *)s;
}

/* ---- changes ---- */

typedef bool op_verb(struct writer *w, struct store_op *op, struct err *e);

static op_verb *const verbs_of_ops[] = {
    [STORE_SUBMIT] = sqlite_submit,
    [STORE_CLAIM] = sqlite_claim,
    [STORE_SETTLE] = sqlite_settle,
    [STORE_CHANGE] = sqlite_change,
    [STORE_RELEASE] = sqlite_release,
    [STORE_SUPPRESS] = sqlite_suppress_op,
    [STORE_LIFT] = sqlite_lift,
    [STORE_CONTENT] = sqlite_content,
    [STORE_NOTE] = sqlite_note,
    [STORE_KEY_NEW] = sqlite_key_new,
    [STORE_KEY_REVOKE] = sqlite_key_revoke,
    [STORE_SWEEP] = sqlite_sweep,
    [STORE_START] = sqlite_start,
    [STORE_RESTORED] = sqlite_restored,
};

/* What an op looks up by a hash. The others may too, now and then. */
static bool looks_up(const struct store_op *op, enum ref_kind kind)
{
    switch (op->kind) {
    case STORE_SUBMIT:
        return true;
    case STORE_CLAIM:
        return kind == REF_PARCEL;
    case STORE_SUPPRESS:
    case STORE_LIFT:
        return kind == REF_PERSON;
    default:
        return false;
    }
}

/* What others wrote is read before the lock is taken: they wait for it. */
static bool look_ahead(struct sqlite_store *s, struct store_op *const *ops, size_t n, struct err *e)
{
    int64_t stamp;

    if (!sqlite_stamp(s->writer.db, &stamp, e))
        return false;
    for (int kind = 0; stamp != s->stamp && kind < REF_KINDS; kind++) {
        bool wanted = false;

        for (size_t i = 0; i < n && !wanted; i++)
            wanted = looks_up(ops[i], (enum ref_kind)kind);
        if (wanted && !refs_look_ahead(s->writer.refs, (enum ref_kind)kind, e))
            return false;
    }
    return true;
}

static bool transact(struct sqlite_store *s, struct store_op *const *ops, size_t n, int64_t now_ms,
    const struct store_condition *condition, struct err *e)
{
    struct writer *w = &s->writer;
    struct sqlite_turn turn;
    int64_t stamp;

    if (!look_ahead(s, ops, n, e) || !sqlite_begin(w->db, e))
        return false;
    sqlite_news_begun(s->news, w->db, &turn);
    if (!sqlite_stamp(w->db, &stamp, e))
        return false;
    batch_begin(w, now_ms, stamp != s->stamp);
    s->stamp = stamp;
    for (size_t i = 0; i < n; i++) {
        ops[i]->ok = true;
        if (!verbs_of_ops[ops[i]->kind](w, ops[i], e))
            return false;
    }
    if (!batch_end(w, e) || !condition->holds(condition->context, e) || !sqlite_commit(w->db, e))
        return false;
    refs_committed(w->refs);
    sqlite_news_ended(s->news, &turn, w->keys_changed, w->suppressed);
    return true;
}

/* *wrote becomes true when something reached the disk; what was rolled back does not count. */
static bool try_transaction(struct sqlite_store *s, struct store_op *const *ops, size_t n,
    int64_t now_ms, const struct store_condition *condition, bool *wrote, struct err *e)
{
    int64_t before = sqlite_total_changes(s->writer.db);

    if (transact(s, ops, n, now_ms, condition, e)) {
        *wrote = *wrote || sqlite_total_changes(s->writer.db) != before;
        return true;
    }
    sqlite_rollback(s->writer.db);
    batch_undo(&s->writer);
    return false;
}

/* An op that the tables refuse (a message id used twice, a row too big) would spoil its whole batch; alone
 * it spoils only itself. What concerns the disk concerns all. */
static bool is_one_ops_fault(const struct err *e)
{
    return e->code == ERR_CONFLICT || e->code == ERR_LIMIT || e->code == ERR_LIBRARY;
}

/* Of a settlement a conflict says that its lease was lost, which clears the mark of its body. What the tables refuse says
 * nothing of the lease. */
static void refuse_alone(struct store_op *op, const struct err *e)
{
    op->ok = false;
    op->e = *e;
    if (op->kind == STORE_SETTLE && e->code == ERR_CONFLICT)
        op->e.code = ERR_LIBRARY;
}

/* When the store itself has failed, each further one would only hear it again, perhaps after ten seconds. In a damaged one
 * outcomes are written still, as far as they can be; what else is taken in would be lost with the copy that takes its place. */
static bool is_tried_after(const struct err *failure, const struct store_op *op)
{
    return failure->code == ERR_NONE || (failure->code == ERR_CORRUPT && op->kind == STORE_SETTLE);
}

static void apply_one_by_one(struct sqlite_store *s, struct store_op *const *ops, size_t n,
    int64_t now_ms, const struct store_condition *condition, const struct err *why, bool *wrote)
{
    struct err failure = is_one_ops_fault(why) ? (struct err){0} : *why;

    s->writer.placed = NULL;
    for (size_t i = 0; i < n; i++) {
        struct err e = failure;

        if (is_tried_after(&failure, ops[i]) &&
            try_transaction(s, &ops[i], 1, now_ms, condition, wrote, &e))
            continue;
        refuse_alone(ops[i], &e);
        if (!is_one_ops_fault(&e))
            failure = e;
    }
}

static bool sqlite_apply(struct store *base, struct store_op *const *ops, size_t n, int64_t now_ms,
    const struct store_condition *condition, bool *wrote, struct err *e)
{
    struct sqlite_store *s = inside(base);

    *wrote = false;
    s->writer.placed = NULL;
    if (try_transaction(s, ops, n, now_ms, condition, wrote, e))
        return true;
    if (!is_one_ops_fault(e) && e->code != ERR_CORRUPT)
        return false;
    apply_one_by_one(s, ops, n, now_ms, condition, e, wrote);
    return true;
}

static void watch(struct store *base, store_left *left, void *context)
{
    struct writer *w = &inside(base)->writer;

    w->left = left;
    w->left_context = context;
}

static bool is_well(struct store *s, struct err *e)
{
    return sqlite_log_is_well(inside(s)->writer.db, e);
}

static void retry(struct store *s)
{
    sqlite_log_retry(inside(s)->writer.db);
}

/* ---- reads: each borrows a connection ---- */

#define WITH_READER(db, call)                                                                      \
    struct sqlite *db;                                                                             \
    bool fine_;                                                                                    \
    if (!sqlite_pool_take(inside(s)->readers, &db, e))                                             \
        return false;                                                                              \
    fine_ = (call);                                                                                \
    sqlite_pool_give(inside(s)->readers, db);                                                      \
    return fine_

static bool ready(struct store *s, int64_t now_ms, size_t max, struct arena *a, struct ready **out,
    size_t *n, int64_t *next_due_ms, struct err *e)
{
    WITH_READER(db, read_ready(db, now_ms, max, a, out, n, next_due_ms, e));
}

static bool ready_among(struct store *s, int64_t now_ms, const struct ready *wanted,
    size_t wanted_n, struct arena *a, struct ready **out, size_t *n, struct err *e)
{
    WITH_READER(db, read_ready_among(db, now_ms, wanted, wanted_n, a, out, n, e));
}

static bool message(struct store *s, const char *storefront, const char *id, bool with_attachments,
    struct arena *a, struct store_message *out, struct err *e)
{
    WITH_READER(db, read_message(db, storefront, id, with_attachments, a, out, e));
}

static bool list(struct store *s, const char *storefront, const struct message_filter *f,
    struct arena *a, struct store_message **out, size_t *n, const char **go_on, struct err *e)
{
    WITH_READER(db, read_list(db, storefront, f, a, out, n, go_on, e));
}

static bool count(struct store *s, const char *storefront, struct queue_counts *out, struct err *e)
{
    WITH_READER(db, read_count(db, storefront, out, e));
}

static bool held(
    struct store *s, struct arena *a, struct held_group **out, size_t *n, struct err *e)
{
    WITH_READER(db, read_held(db, a, out, n, e));
}

static bool content(struct store *s, const char *storefront, const struct digest *hash,
    struct arena *a, struct str *out, struct err *e)
{
    WITH_READER(db, read_content(db, storefront, hash, a, out, e));
}

static bool look_up_suppressions(struct store *s, const char *storefront, const struct keyed *who,
    int64_t now_ms, struct arena *a, struct store_suppression **out, size_t *n, struct err *e)
{
    WITH_READER(db, read_suppressions_of(db, storefront, who, now_ms, a, out, n, e));
}

/* Of most people there is nothing to look up. */
static bool suppressions_of(struct store *s, const char *storefront, const struct keyed *who,
    int64_t now_ms, struct arena *a, struct store_suppression **out, size_t *n, struct err *e)
{
    bool maybe;

    *out = NULL;
    *n = 0;
    if (!sqlite_news_may_be_suppressed(inside(s)->news, who, &maybe, e))
        return false;
    return !maybe || look_up_suppressions(s, storefront, who, now_ms, a, out, n, e);
}

static bool suppressions(struct store *s, const char *storefront,
    const struct suppression_filter *f, struct arena *a, struct store_suppression **out, size_t *n,
    struct err *e)
{
    WITH_READER(db, read_suppressions(db, storefront, f, a, out, n, e));
}

static bool timeline(struct store *s, const char *storefront, const char *message_id,
    struct arena *a, struct store_row **out, size_t *n, struct err *e)
{
    WITH_READER(db, read_timeline(db, storefront, message_id, a, out, n, e));
}

static bool journal(struct store *s, const char *storefront, const char *node, int64_t after_seq,
    size_t max, struct arena *a, struct store_row **out, size_t *n, struct err *e)
{
    WITH_READER(db, read_journal(db, storefront, node, after_seq, max, a, out, n, e));
}

static bool links(struct store *s, const char *storefront, const char *node,
    struct store_links *out, struct err *e)
{
    WITH_READER(db, read_links(db, storefront, node, out, e));
}

static bool chains(
    struct store *s, struct arena *a, struct store_chain **out, size_t *n, struct err *e)
{
    WITH_READER(db, read_chains(db, a, out, n, e));
}

static bool keys(struct store *s, const char *storefront, struct arena *a, struct api_key **out,
    size_t *n, struct err *e)
{
    WITH_READER(db, read_keys(db, storefront, a, out, n, e));
}

static bool key_of(struct store *s, const struct digest *secret, struct arena *a,
    struct api_key *out, struct digest *proof, struct err *e)
{
    WITH_READER(db, read_key_of(db, secret, a, out, proof, e));
}

static bool key_changes(struct store *s, int64_t *out, struct err *e)
{
    return sqlite_news_key_changes(inside(s)->news, out, e);
}

/* ---- lifetime ---- */

static void sqlite_store_close(struct store **base)
{
    struct sqlite_store *s;

    if (!*base)
        return;
    s = inside(*base);
    sqlite_news_close(&s->news);
    sqlite_pool_close(&s->readers);
    lines_close(&s->writer.lines);
    refs_close(&s->writer.refs);
    sqlite_close(&s->writer.db);
    arena_close(&s->writer.batch);
    arena_close(&s->writer.shops_arena);
    free(s);
    *base = NULL;
}

static const struct store_verbs sqlite_verbs = {
    .close = sqlite_store_close,
    .watch = watch,
    .apply = sqlite_apply,
    .is_well = is_well,
    .retry = retry,
    .ready = ready,
    .ready_among = ready_among,
    .message = message,
    .list = list,
    .count = count,
    .held = held,
    .content = content,
    .suppressions_of = suppressions_of,
    .suppressions = suppressions,
    .timeline = timeline,
    .journal = journal,
    .links = links,
    .chains = chains,
    .keys = keys,
    .key_of = key_of,
    .key_changes = key_changes,
};

bool store_sqlite_open(const char *path, const char *node, struct store **out, struct err *e)
{
    struct sqlite_store *s = calloc(1, sizeof *s);
    struct store *base = (struct store *)s;

    if (!s)
        err_out_of_memory();
    s->base.verbs = &sqlite_verbs;
    s->writer.batch = arena_open();
    s->writer.shops_arena = arena_open();
    s->stamp = -1;
    snprintf(s->writer.node, sizeof s->writer.node, "%s", node);
    if (sqlite_open(path, SQLITE_FOR_WRITING, &s->writer.db, e) &&
        sqlite_migrate(s->writer.db, &sqlite_queue_schema, e) &&
        sqlite_pool_open(path, READERS, &s->readers, e)) {
        s->news = sqlite_news_open(s->readers);
        s->writer.lines = lines_open(s->writer.db);
        s->writer.refs = refs_open(s->writer.db);
        *out = base;
        return true;
    }
    sqlite_store_close(&base);
    return false;
}
