/* store -- what a back end of the queue must do, in the queue's own words.
 *
 * A back end keeps rows and applies changes; it knows nothing of keys, of sealing or of threads that wait.
 * Everything personal reaches it sealed or as a keyed hash; the plain bytes in `struct personal` are there for
 * the commitment alone and must not be stored.
 *
 * apply: one transaction for the whole batch. Each op answers for itself in `ok` and `e`: an op that is refused
 *   (ERR_MISSING, ERR_CONFLICT, ERR_INPUT) has written nothing and spoils no other. When apply itself returns
 *   false nothing of the batch is stored. The queue calls apply from one thread at a time; other processes and
 *   nodes may write between two calls, so whatever a back end remembers must be checked against the store.
 * reads: any number of threads, beside apply; they see what is committed.
 * journal: a back end appends rows with journal_link (journal.h), in the transaction of the change.
 * Units: *_ms as in queue.h; now_ms is the queue's clock at the commit. Results are copied into the arena. */
#ifndef QUEUE_STORE_H
#define QUEUE_STORE_H

#include "queue/flight.h"
#include "queue/journal.h"
#include "queue/keyed.h"
#include "queue/queue.h"

/* A person as an op names it. A row is made when none is found and there is an address to keep in it. */
struct store_person {
    struct keyed who;
    struct str address; /* sealed, for a new row; "" = known by hash only */
};

/* ---- the changes -------------------------------------------------------------------------------------- */

struct store_submit {
    const struct submission *s;
    struct store_person person;
    struct keyed idempotency, order, parcel; /* parcel stands beside order, hashed even when "" */
    struct str private_json;                 /* sealed */
    const struct str *attachments;           /* sealed */
    struct str facts;
    struct receipt *out;
    /* What the store made of a new message. person_mark: the same for the same person, otherwise another's, and of no
     * meaning elsewhere. */
    struct store_placed {
        int64_t created_ms, person_mark;
        struct digest person;
        unsigned pepper;
        bool left; /* its line again, by a later op of the same apply */
        int64_t n; /* the store's own, and so is `before` */
        struct store_submit *before;
    } placed;
};

struct store_claim {
    const char *storefront, *destination;
    size_t max;
    int64_t
        max_bytes; /* of the messages behind the first one: private JSON and attachments, sealed */
    int64_t lease_until_ms;
    const char *owner; /* node */
    int64_t start;     /* its start number */
    struct arena *arena;
    struct store_lease {
        const char *id;
        int64_t fence;
        int64_t person_mark; /* as of store_placed */
        int64_t due_ms, expires_ms;
        int attempts, waits;
        bool unsure;
    } * out;
    size_t n;
    int64_t bytes;
    bool is_full; /* the next one did not fit into max_bytes */
};

struct store_suppress {
    const char *storefront;
    struct store_person person;
    const struct suppression_new *s;
    struct str note; /* sealed; the journal keeps its own seal in `personal` */
    struct str facts;
    struct personal personal;
    bool added;
};

struct store_settle {
    const struct settlement *s;
    struct str facts;
    struct personal reply;
    const struct store_suppress *suppress; /* or NULL */
};

/* All or nothing: one lost lease refuses the whole op with ERR_CONFLICT. */
struct store_settle_all {
    struct store_settle *list;
    size_t n;
    bool made_work; /* something became due by it */
};

struct store_change {
    enum store_change_kind { CHANGE_CANCEL, CHANGE_HOLD, CHANGE_RELEASE, CHANGE_RETRY } kind;
    const char *storefront, *id;
    const char *code; /* the reason that the row gets, "" = none */
    const char *actor;
    struct str facts;
    enum change_result *out;
};

/* Releases up to `max` held messages of a group in order of (order, parcel, seq), then id; they fall due at
 * due_ms, due_ms + 1 and so on, which keeps that order; those whose own due time is to come keep it. */
struct store_release {
    const char *storefront, *code, *actor;
    struct str facts;
    int64_t due_ms;
    size_t max, n;
};

struct store_lift {
    const char *storefront;
    struct keyed who;
    const char *scope, *reason;
    struct actor actor;
    struct str facts;
    uint64_t lifted;
};

struct store_content {
    const char *storefront;
    struct digest hash;
    struct str bytes;
};

struct store_note {
    const char *storefront;
    struct journal_draft draft;
};

struct store_key_new {
    const struct api_key *key;
    struct digest secret; /* what it is found by */
    struct digest proof;  /* that we made it: keys.c */
    const char *actor;
    struct str facts;
};

struct store_key_revoke {
    const char *storefront, *id, *actor;
    struct str facts;
    enum change_result *out;
};

/* Up to `max` of each: messages whose expiry passed end, leases that ran out return as unsure (nobody can say
 * how far their holder came); idempotency keys older than IDEMPOTENCY_DAYS go. */
#define IDEMPOTENCY_DAYS 2
struct store_sweep {
    size_t max;
    int64_t
        lease_slack_ms; /* by which the clock jumped ahead of the leases: they end so much later */
    bool probe;         /* write something in any case: does the disk work again? */
    bool more;
    uint64_t returned;
};

/* A service starts on this node: gives it the next start number and returns what its earlier starts had
 * leased. Those that are marked (id and fence) had their body begun: they come back `unsure`. */
struct store_start {
    const char *owner;
    const struct flight_past *past; /* flight.h */
    int64_t start;
    uint64_t returned, unsure;
};

/* A copy of this store was put back: whatever waits in it may have been delivered since the copy was taken, and becomes
 * `unsure`; with `hold` it becomes held as well, as BACKUP_CODE (backup.h). What a person held stays as it is. At most `max` messages
 * behind the cursor at a time. */
struct store_restored {
    bool hold;
    size_t max;
    int64_t after; /* cursor, 0 = from the beginning */
    bool more;
    uint64_t marked, held; /* of this piece */
};

enum store_op_kind {
    STORE_SUBMIT,
    STORE_CLAIM,
    STORE_SETTLE,
    STORE_CHANGE,
    STORE_RELEASE,
    STORE_SUPPRESS,
    STORE_LIFT,
    STORE_CONTENT,
    STORE_NOTE,
    STORE_KEY_NEW,
    STORE_KEY_REVOKE,
    STORE_SWEEP,
    STORE_START,
    STORE_RESTORED,
};

struct store_op {
    enum store_op_kind kind;
    union {
        struct store_submit submit;
        struct store_claim claim;
        struct store_settle_all settle;
        struct store_change change;
        struct store_release release;
        struct store_suppress suppress;
        struct store_lift lift;
        struct store_content content;
        struct store_note note;
        struct store_key_new key_new;
        struct store_key_revoke key_revoke;
        struct store_sweep sweep;
        struct store_start start;
        struct store_restored restored;
    };
    bool ok;
    struct err e;
};

/* ---- the reads ---------------------------------------------------------------------------------------- */

struct store_message {
    struct message_view view; /* address and private_json stay "" */
    int64_t fence, lease_until_ms;
    int waits; /* as of a job */
    struct digest person;
    unsigned pepper;                  /* of person */
    struct str address, private_json; /* sealed; address is "" once the person was erased */
    const struct str *attachments;    /* sealed */
    size_t attachments_n;
};

struct store_suppression {
    struct suppression row;   /* address and note stay "" */
    struct str address, note; /* sealed */
};

struct store_row {
    struct journal_row row; /* personal stays "" */
    bool has_person;
    bool person_stands; /* though the row is erased, the person of its message is not */
    struct digest person, commitment;
    struct str salt;   /* of a row without personal text, "" otherwise or when erased */
    struct str sealed; /* salt and personal text */
};

/* Where a chain's rows do not hang together as timelines; 0 = nowhere. */
struct store_links {
    int64_t row_seq; /* the first that does not name the row before it of its message */
    int64_t
        end_seq; /* the first of those that end a timeline, as far as this chain has it, and their message says another */
    const char *row_why, *end_why;
};

struct store_chain {
    struct chain chain;
    struct digest head;
};

struct store;

/* A message that was never tried leaves its line otherwise than by a lease; perhaps, as the transaction may fail yet. Of one
 * that came in by the same apply its submit is told instead (store_placed). */
typedef void store_left(void *context, const char *storefront, const char *id);

/* Asked before each commit, when all that belongs to it is written; where it does not hold nothing of that is stored. */
struct store_condition {
    bool (*holds)(void *context, struct err *e);
    void *context;
};

struct store_verbs {
    void (*close)(struct store **s);
    void (*watch)(struct store *s, store_left *left, void *context); /* before the first apply */
    /* *wrote: something reached the disk, so the disk works. */
    bool (*apply)(struct store *s, struct store_op *const *ops, size_t n, int64_t now_ms,
        const struct store_condition *condition, bool *wrote, struct err *e);
    /* What goes on beside apply: false while it fails, until a retry has succeeded. Any thread. */
    bool (*is_well)(struct store *s, struct err *e);
    void (*retry)(struct store *s);

    bool (*ready)(struct store *s, int64_t now_ms, size_t max, struct arena *a, struct ready **out,
        size_t *n, int64_t *next_due_ms, struct err *e);
    bool (*ready_among)(struct store *s, int64_t now_ms, const struct ready *wanted,
        size_t wanted_n, struct arena *a, struct ready **out, size_t *n, struct err *e);
    bool (*message)(struct store *s, const char *storefront, const char *id, bool with_attachments,
        struct arena *a, struct store_message *out, struct err *e); /* ERR_MISSING */
    bool (*list)(struct store *s, const char *storefront, const struct message_filter *f,
        struct arena *a, struct store_message **out, size_t *n, const char **go_on, struct err *e);
    bool (*count)(
        struct store *s, const char *storefront_or_null, struct queue_counts *out, struct err *e);
    bool (*held)(
        struct store *s, struct arena *a, struct held_group **out, size_t *n, struct err *e);
    bool (*content)(struct store *s, const char *storefront, const struct digest *hash,
        struct arena *a_or_null, struct str *out,
        struct err *e); /* ERR_MISSING; without an arena only that */
    bool (*suppressions_of)(struct store *s, const char *storefront, const struct keyed *who,
        int64_t now_ms, struct arena *a, struct store_suppression **out, size_t *n, struct err *e);
    bool (*suppressions)(struct store *s, const char *storefront,
        const struct suppression_filter *f, struct arena *a, struct store_suppression **out,
        size_t *n, struct err *e);
    bool (*timeline)(struct store *s, const char *storefront, const char *message_id,
        struct arena *a, struct store_row **out, size_t *n, struct err *e);
    bool (*journal)(struct store *s, const char *storefront, const char *node, int64_t after_seq,
        size_t max, struct arena *a, struct store_row **out, size_t *n, struct err *e);
    bool (*links)(struct store *s, const char *storefront, const char *node,
        struct store_links *out, struct err *e);
    bool (*chains)(
        struct store *s, struct arena *a, struct store_chain **out, size_t *n, struct err *e);
    bool (*keys)(struct store *s, const char *storefront_or_null, struct arena *a,
        struct api_key **out, size_t *n, struct err *e);
    bool (*key_of)(struct store *s, const struct digest *secret, struct arena *a,
        struct api_key *out, struct digest *proof,
        struct err *e); /* ERR_MISSING; revoked ones are found too */
    /* Differs from an earlier answer when an API key was made, revoked or changed since by anyone. */
    bool (*key_changes)(struct store *s, int64_t *out, struct err *e);
};

struct store {
    const struct store_verbs *verbs;
};

/* The one on SQLite: a file, for any number of processes of one machine. `node` names the chains it writes. */
bool store_sqlite_open(const char *path, const char *node, struct store **out, struct err *e);

#endif
