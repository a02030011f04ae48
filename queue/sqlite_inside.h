/* sqlite_inside -- what the files of the SQLite back end share: the writer's state during one batch, and the
 * few moves out of which every change is made. Included by sqlite_*.c and store_sqlite.c alone.
 *
 * A change first reads and decides, then writes: whatever refuses an op (refuse) must come before its first
 * write, because a batch is one transaction and is not cut up by savepoints. When a statement itself fails
 * the whole batch is rolled back; store_sqlite.c then tries its ops one by one.
 * Threads: everything here belongs to the one thread that applies. */
#ifndef QUEUE_SQLITE_INSIDE_H
#define QUEUE_SQLITE_INSIDE_H

#include "queue/sqlite.h"
#include "queue/sqlite_refs.h"
#include "queue/store.h"

/* What is remembered of one storefront: its chain's head (trusted while nobody else wrote) and by how much
 * this batch changed its tally. */
struct shop {
    const char *name;
    bool head_known, head_moved, tally_moved;
    int64_t seq;
    struct digest head;
    int64_t tally[MSG_STATES];
};

/* By how much this batch changed the number of messages that are held for one reason. */
struct held_change {
    const char *storefront, *reason;
    int64_t change;
    struct held_change *next;
};

#define IDEMPOTENCY_PLACES 4

/* Attachments of a message, by their place. */
#define ATTACHMENTS_MAX 1024
#define ATTACHMENT_N(message, place) ((message)*ATTACHMENTS_MAX + (place))

struct person_row {
    int64_t n;
    struct digest hash;
    unsigned pepper;
};

struct writer {
    struct sqlite *db;
    char node[40];
    store_left *left; /* or NULL */
    void *left_context;
    struct store_submit *placed; /* by this apply, the latest first */
    int64_t now_ms;
    struct arena *batch; /* texts that live until the batch ends */
    struct arena *shops_arena;
    struct shop *shops;
    size_t shops_n, shops_cap;
    struct lines *lines;
    struct refs *refs;
    struct held_change *held;
    unsigned odd; /* which kind of message gets the odd one of a claim changes with each */
    struct person_row person; /* the last one that was looked up in this batch; n = 0: none */
    bool days_known;          /* of this batch */
    int64_t days[IDEMPOTENCY_PLACES]; /* the day whose keys stand in idempotency_0..3, -1 = none */
    bool keys_changed, suppressed;    /* in this batch: a row of api_key, one more suppression */
    int64_t last_message, last_row;   /* of the tables message and journal, -1 = not known */
};

/* The columns of a message that change, and those that a change looks at. */
struct message_row {
    int64_t n, person, place;
    const char *storefront, *id, *reason; /* in the batch's arena, or of the op */
    enum msg_state state;
    int64_t priority, due_ms, expires_ms, attempts, waits, fence, lease_until_ms, owner_start,
        bytes;
    const char *owner;
    const char *held_for; /* the reason that stands in the table, of a held one */
    bool unsure;
    int64_t last; /* its last row of the journal */
};

/* ---- sqlite_batch.c: what a batch gathers ---- */
void batch_begin(struct writer *w, int64_t now_ms, bool others_wrote);
bool batch_end(struct writer *w, struct err *e);
void batch_undo(struct writer *w); /* rolled back: what was remembered of it does not hold */
struct shop *batch_shop(struct writer *w, const char *storefront);
void batch_held(struct writer *w, const char *storefront, const char *reason, int64_t change);
void batch_tally(struct writer *w, const char *storefront, enum msg_state s, int64_t change);

/* Numbers for rows that say of each other where they stand. */
bool batch_next_message(struct writer *w, int64_t *out, struct err *e);
bool batch_next_row(struct writer *w, int64_t *out, struct err *e);
/* Inserts a row whose numbers are ours to give. One that is taken is no fault of whoever asks, as the next one meets it too: the
 * tables do not fit each other (ERR_CORRUPT). */
bool batch_insert_numbered(struct sql *q, struct err *e);

/* ---- sqlite_lines.c: the earliest due time of each line ---- */
struct lines *lines_open(struct sqlite *db);
void lines_close(struct lines **l);
void lines_begin(struct lines *l, bool others_wrote);
void lines_forget(struct lines *l); /* rolled back */
bool lines_end(struct lines *l, struct err *e);
/* *out = 0: there is none, and it is not to be made. */
bool place_of(struct lines *l, const char *storefront, const char *destination, bool make,
    int64_t *out, struct err *e);
/* A message in this state, MSG_QUEUED or MSG_DEFERRED, left the line or came into it. */
void line_lost(struct lines *l, int64_t place, int64_t priority, enum msg_state state);
void line_gained(
    struct lines *l, int64_t place, int64_t priority, enum msg_state state, int64_t due_ms);

/* ---- sqlite_rows.c: the moves ---- */
/* *out_n = 0 when there is none. */
bool person_find(struct writer *w, const char *storefront, const struct keyed *who,
    struct person_row *out, struct err *e);
bool person_make(struct writer *w, const char *storefront, const struct store_person *p,
    struct person_row *out, struct err *e); /* finds or adds; n = 0: hash only */
bool message_find(struct writer *w, const char *storefront, const char *id, struct message_row *out,
    bool *found, struct err *e);
/* Reads the columns of MESSAGE_COLUMNS from q, texts into the batch's arena. */
#define MESSAGE_COLUMNS                                                                            \
    "n, person, storefront, id, place, reason, state, priority, due_ms, expires_ms, "              \
    "attempts, fence,"                                                                             \
    " lease_until_ms, owner, owner_start, unsure, waits, bytes, reason, last"
/* The same of `message m`; `reason` is what the row's reason is to hold, a column. */
#define MESSAGE_COLUMNS_WITH(reason)                                                               \
    "m.n, m.person, m.storefront, m.id, m.place, " reason                                          \
    ", m.state, m.priority, m.due_ms, m.expires_ms, m.attempts, m.fence,"                          \
    " m.lease_until_ms, m.owner, m.owner_start, m.unsure, m.waits, m.bytes, m.reason, m.last"
void message_read(struct writer *w, struct sql *q, struct message_row *out);
/* Reads all rows of q (at most max) before anything is written, because writing would disturb the walk. */
bool message_read_all(struct writer *w, struct sql *q, size_t max, struct message_row **out,
    size_t *n, struct err *e);
/* Stores the changeable columns of m, which was in the state `from`; minds tally, held and destination. Outside of
 * MSG_LEASED the lease columns are cleared, but not the fence. After its events: it stores which one is the last. */
bool message_store(struct writer *w, struct message_row *m, enum msg_state from, struct err *e);
/* What becomes of a message, as the next event of its timeline; message_store follows. */
bool message_event(struct writer *w, struct message_row *m, const char *event, const char *actor,
    struct str facts, const struct personal *personal, struct err *e);
/* An event that does not change the message that it names, if it names one. person 0 = concerns none. */
bool journal_note(struct writer *w, const char *storefront, int64_t person,
    const struct journal_draft *d, struct err *e);

/* ---- the ops, one file a family; each returns false only when a statement failed ---- */
bool sqlite_submit(struct writer *w, struct store_op *op, struct err *e);
bool sqlite_claim(struct writer *w, struct store_op *op, struct err *e);
bool sqlite_settle(struct writer *w, struct store_op *op, struct err *e);
bool sqlite_change(struct writer *w, struct store_op *op, struct err *e);
bool sqlite_release(struct writer *w, struct store_op *op, struct err *e);
bool sqlite_suppress_op(struct writer *w, struct store_op *op, struct err *e);
bool sqlite_lift(struct writer *w, struct store_op *op, struct err *e);
bool sqlite_content(struct writer *w, struct store_op *op, struct err *e);
bool sqlite_note(struct writer *w, struct store_op *op, struct err *e);
bool sqlite_key_new(struct writer *w, struct store_op *op, struct err *e);
bool sqlite_key_revoke(struct writer *w, struct store_op *op, struct err *e);
bool sqlite_sweep(struct writer *w, struct store_op *op, struct err *e);
bool sqlite_start(struct writer *w, struct store_op *op, struct err *e);
bool sqlite_restored(struct writer *w, struct store_op *op, struct err *e);

/* Ends a lease from outside; a later event of the parcel may have come meanwhile, then nobody sends it any more. `why` is
 * the reason of the event `unsure`. (sqlite_claim.c) */
bool lease_take_back(
    struct writer *w, struct message_row *m, bool unsure, const char *why, struct err *e);

bool sqlite_suppress(
    struct writer *w, struct store_suppress *s, struct err *e); /* inside a settle too */
bool refuse(struct store_op *op, enum err_code code, const char *format, ...)
    PRINTF(3, 4); /* returns true */

/* ---- order events (sqlite_orders.c) ---- */
/* Where a message stands among the events of its parcel. The hashes are those under which the parcel's first
 * event was stored, so a later pepper does not tear a parcel apart. */
struct order_place {
    bool any;
    bool is_new; /* nothing of its parcel is known */
    const char *event, *supersedes;
    struct digest order, parcel;
    int64_t seq; /* 0 = none: takes no part in supersession */
};
bool order_place_new(
    struct writer *w, const struct store_submit *s, struct order_place *out, struct err *e);
bool order_place_of(
    struct writer *w, const struct message_row *m, struct order_place *out, struct err *e);
/* Is there a later event of the parcel that makes this one stale? *by = its message, NULL when not. */
bool order_is_stale(struct writer *w, const struct order_place *p, const char **by, struct err *e);
/* Cancels the waiting and held messages that `by`, at place p, makes stale. */
bool order_supersede(struct writer *w, const struct order_place *p, const char *by, struct err *e);
/* A message with this place has a payload now. */
void order_added(struct writer *w, const struct order_place *p, int64_t message);
struct str facts_superseded(struct writer *w, const char *by);
struct str facts_reason(struct writer *w, const char *reason);

/* ---- idempotency (sqlite_idempotency.c) ---- */
bool idempotency_find(struct writer *w, const struct store_submit *s, bool *found, struct err *e);
bool idempotency_add(
    struct writer *w, const struct store_submit *s, int64_t message, struct err *e);
bool idempotency_sweep(struct writer *w, struct err *e);

/* ---- reads (sqlite_read*.c), on a connection of the pool ---- */
/* A result list that grows in the arena. */
#define GROW(a, list, n, cap)                                                                      \
    do {                                                                                           \
        if ((n) == (cap)) {                                                                        \
            void *more_;                                                                           \
            (cap) = (cap) ? (cap)*2 : 16;                                                          \
            more_ = arena_array((a), (cap), sizeof *(list));                                       \
            if ((n) > 0)                                                                           \
                memcpy(more_, (list), (n) * sizeof *(list));                                       \
            (list) = more_;                                                                        \
        }                                                                                          \
    } while (0)
/* A count that somebody will add one to; only a row that was changed by hand is outside. */
#define COUNT_MOST (INT32_MAX - 1)
int64_t count_of(struct sql *q, int column, int64_t most);
bool read_ready(struct sqlite *db, int64_t now_ms, size_t max, struct arena *a, struct ready **out,
    size_t *n, int64_t *next_due_ms, struct err *e);
bool read_ready_among(struct sqlite *db, int64_t now_ms, const struct ready *wanted,
    size_t wanted_n, struct arena *a, struct ready **out, size_t *n, struct err *e);
bool read_message(struct sqlite *db, const char *storefront, const char *id, bool with_attachments,
    struct arena *a, struct store_message *out, struct err *e);
bool read_list(struct sqlite *db, const char *storefront, const struct message_filter *f,
    struct arena *a, struct store_message **out, size_t *n, const char **go_on, struct err *e);
bool read_count(
    struct sqlite *db, const char *storefront_or_null, struct queue_counts *out, struct err *e);
bool read_held(
    struct sqlite *db, struct arena *a, struct held_group **out, size_t *n, struct err *e);
bool read_content(struct sqlite *db, const char *storefront, const struct digest *hash,
    struct arena *a, struct str *out, struct err *e);
bool read_suppressions_of(struct sqlite *db, const char *storefront, const struct keyed *who,
    int64_t now_ms, struct arena *a, struct store_suppression **out, size_t *n, struct err *e);
bool read_suppressions(struct sqlite *db, const char *storefront,
    const struct suppression_filter *f, struct arena *a, struct store_suppression **out, size_t *n,
    struct err *e);
bool read_timeline(struct sqlite *db, const char *storefront, const char *message_id,
    struct arena *a, struct store_row **out, size_t *n, struct err *e);
bool read_journal(struct sqlite *db, const char *storefront, const char *node, int64_t after_seq,
    size_t max, struct arena *a, struct store_row **out, size_t *n, struct err *e);
bool read_links(struct sqlite *db, const char *storefront, const char *node,
    struct store_links *out, struct err *e); /* sqlite_links.c */
bool read_chains(
    struct sqlite *db, struct arena *a, struct store_chain **out, size_t *n, struct err *e);
bool read_keys(struct sqlite *db, const char *storefront_or_null, struct arena *a,
    struct api_key **out, size_t *n, struct err *e);
bool read_key_changes(struct sqlite *db, int64_t *out, struct err *e);
bool read_key_of(struct sqlite *db, const struct digest *secret, struct arena *a,
    struct api_key *out, struct digest *proof, struct err *e);

#endif
