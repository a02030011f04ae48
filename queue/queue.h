/* queue -- the durable state of the post room: messages, persons, suppressions, journal, pinned content, keys.
 *
 * A verb that changes something returns true only when the change is on disk (fsync'd). Calls from many
 * threads that arrive together share one commit. A verb that returns false has changed nothing
 * (after a sync that the disk refused, what was written may be found by the next start: docs/queue.md).
 *
 * Tenant: `storefront` is the first argument of every verb and the first key column of every table.
 * Person: address, references and idempotency keys are stored as keyed hashes only; address, private JSON,
 *   attachments and reply texts are sealed with the person's own key (vault.h). Callers hand in and get plain
 *   text; it never touches the disk. What is to be readable without the person's key (states, reasons, hosts,
 *   decisions) goes into `facts`, a JSON object without anything personal.
 * Journal: each change writes its row in the same transaction, numbered without gaps per (storefront, node) and
 *   hash-chained over salted commitments of its personal part (journal.h).
 * Units: *_ms are milliseconds since the Unix epoch UTC by the queue's own clock; spans are *_ms too.
 * Ownership: results are copied into the arena that is handed in; `const char *` members of inputs are borrowed
 *   for the call. Threads: any number on one handle. Processes: one QUEUE_SERVE and any number of QUEUE_TOOL.
 * Errors: ERR_MISSING, ERR_CONFLICT and ERR_INPUT are answers; ERR_FULL, ERR_IO and ERR_CORRUPT mean that the
 *   store is in trouble (queue_is_well), ERR_NEWER that a newer program wrote it. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/keyring.h"
#include "base/metrics.h"

#include <stdatomic.h>

struct queue;

enum queue_role {
    QUEUE_SERVE, /* takes the lock of the data folder and releases its own old leases (see flight.h) */
    QUEUE_TOOL, /* a command beside a running service */
};

struct queue_setup {
    const char *dir; /* created with mode 0700 when absent; holds queue.db, keys.db, flight, lock */
    const char *node; /* [a-z0-9-]{1,32} */
    enum queue_role role;
    const struct keyring *keys; /* must outlive the queue */
    const struct clock *clock;
    /* Only counts: tells a jump of `clock` from time that went by, for the sweep. NULL = there are none. */
    const struct clock *steady;
    struct metrics *metrics; /* may be NULL */
    size_t lanes; /* QUEUE_SERVE: senders that may have a body on its way at the same time */
};

bool queue_open(const struct queue_setup *setup, struct queue **out, struct err *e);
void queue_close(struct queue **q);
bool queue_is_well(
    const struct queue *q, struct err *e); /* for /readyz: can it write, did it find corruption */

/* ---- messages ---------------------------------------------------------------------------------------- */

enum msg_state {
    MSG_QUEUED,
    MSG_LEASED,
    MSG_DEFERRED,
    MSG_HELD,
    MSG_DELIVERED,
    MSG_BOUNCED,
    MSG_EXPIRED,
    MSG_CANCELLED,
    MSG_SUPPRESSED,
    MSG_STATES
};
const char *msg_state_name(enum msg_state s); /* "queued", ... */
bool msg_state_parse(struct str name, enum msg_state *out);
bool msg_state_is_final(enum msg_state s);

struct order_event {
    struct str order, parcel; /* the storefront's references, "" = none; stored as hashes */
    const char *event;        /* "shipped", "delayed", "refunded"... "" = none */
    int64_t seq;            /* within (order, parcel): a lower one that arrives late ends cancelled;
                               0 = none: this mail makes nothing stale and never is */
    int64_t occurred_ms;    /* 0 = unknown */
    const char *supersedes; /* events that this one makes stale, separated by spaces, "" = none */
};

struct attachment {
    const char *filename;     /* UTF-8 */
    const char *content_type; /* "application/pdf" */
    struct str bytes;
};

/* What a submitter has worked out already and the sender would have to again, e.g. the rendered texts; its two users know what
 * it is. Never changed once it was handed in, counted, and never the only copy: the sender gets it with its job when the
 * message is claimed soon and by the same process (tray.h), and must come to the same bytes without it. */
struct tray;
struct handover {
    atomic_size_t references;
    size_t bytes;      /* of all that it holds */
    struct tray *tray; /* whose memory it is (queue_handover_new); NULL: its maker's */
    void (*close)(struct handover *h); /* overwrites it; frees it when it is its maker's memory */
};
struct handover *handover_ref(struct handover *h);
void handover_drop(struct handover **h);
struct submission {
    const char *storefront;
    const char *id;             /* from ids.h, prefix "msg_" */
    struct str idempotency_key; /* "" = none; 1 to 256 bytes */
    struct digest request;      /* hash of the canonical request, compared on a repeated key */
    struct str address;         /* normalised: local part as given, domain in lower-case A-labels */
    const char *stream;
    const char *template_name;
    const char *locale;   /* the one chosen, pinned */
    struct digest bundle; /* pinned content that renders this mail; in store by queue_content_put */
    const char *destination; /* claimed together: recipient domain, or "relay:NAME" */
    int priority;            /* 0 first ... 9 last */
    int64_t date_ms;         /* pinned Date header */
    int64_t due_ms, expires_ms;
    struct str private_json; /* sealed: names, data, metadata, reply_to */
    const struct attachment *attachments;
    size_t attachments_n;
    struct order_event order;
    enum msg_state state; /* MSG_QUEUED, or MSG_SUPPRESSED when comply says so */
    const char *reason;   /* of MSG_SUPPRESSED, e.g. "hard-bounce"; else "" */
    struct str facts;     /* JSON object for the journal: who asked (API key id), comply's answer */
    /* May be NULL. The queue takes references of its own. Of no use to queue_submit, which may be a command's. */
    struct handover *handover;
};

/* Whether a handover of this submission, which is complete but for it, is likely to be kept: not one that is due later or is
 * suppressed, is too large, or finds no room. Else it need not be made. */
bool queue_has_room(const struct queue *q, const struct submission *s);
/* Memory for a handover of so many bytes in all, where it is kept for certain. Not zeroed but for struct handover at its beginning, in
 * which all but `close` is set; one reference, the caller's. NULL: it would not be kept, and is not to be made. */
struct handover *queue_handover_new(
    const struct queue *q, const struct submission *s, size_t bytes);

enum submit_result {
    SUBMIT_NEW,
    SUBMIT_REPEATED, /* same key, same request: the answer of the first time */
    SUBMIT_CONFLICT, /* same key, another request */
};

struct receipt {
    enum submit_result result;
    struct id id;
    enum msg_state state; /* at the first submit: queued, suppressed, or cancelled (superseded) */
    char reason[48];
};

bool queue_submit(struct queue *q, const struct submission *s, struct receipt *out, struct err *e);

/* The same without waiting: `done` runs once, on the committer's thread, must be short and must not call the
 * queue. Everything that s points to must live until then. Errors before queueing: false and no `done`
 * (ERR_BUSY when too many wait already). */
typedef void queue_submitted(void *context, const struct receipt *r, const struct err *e_or_null);
bool queue_submit_async(struct queue *q, const struct submission *s, queue_submitted *done,
    void *context, struct err *e);

/* Up to QUEUE_BATCH at once, in order, in one commit; each has its own outcome. `done` runs once, when all are
 * known. Lives and fails as queue_submit_async: before queueing it is all or none. */
#define QUEUE_BATCH 1000
struct submit_outcome {
    bool stored; /* receipt, else e */
    struct receipt receipt;
    struct err e;
};
typedef void queue_batch_submitted(void *context);
bool queue_submit_batch_async(struct queue *q, const struct submission *s, size_t n,
    struct submit_outcome *out, queue_batch_submitted *done, void *context, struct err *e);

/* Destinations with due work, by priority. Within one, those with messages that were never tried and those with
 * messages that come again take turns, each kind oldest due first: many that fall due again at once do not stall new ones.
 * At most `max` (the rest comes when those are served). *next_due_ms: when the earliest not yet due message falls due,
 * INT64_MAX when none. */
struct ready {
    const char *destination;
    const char *storefront;
    int priority;
    int64_t oldest_due_ms; /* of the kind by which it stands here */
};
bool queue_ready(struct queue *q, size_t max, struct arena *a, struct ready **out, size_t *n,
    int64_t *next_due_ms, struct err *e);
/* Of these destinations (storefront and destination count), those with due work, in the order given: however many
 * stand before them in queue_ready. A search for each. */
bool queue_ready_among(struct queue *q, const struct ready *wanted, size_t wanted_n,
    struct arena *a, struct ready **out, size_t *n, struct err *e);

/* The key of the job's person, for what is sealed once the mail has gone. */
struct job_key;
/* For a copy of the job that outlives the claim: overwritten when the arena goes. NULL of NULL. */
const struct job_key *job_key_copy(const struct job_key *k, struct arena *a);

struct job {
    const char *storefront, *id, *destination, *stream, *template_name, *locale;
    int64_t fence; /* settle and hold check it: a lease that was lost cannot write */
    int64_t lease_until_ms;
    int attempts; /* finished ones before this */
    int waits;    /* how often in a row it was deferred without an attempt */
    bool unsure;  /* an earlier body may have arrived */
    int64_t created_ms, date_ms, due_ms, expires_ms;
    struct digest bundle;
    struct digest person; /* with pepper_version: what an unsubscribe token carries */
    unsigned pepper_version;
    struct str address;
    struct str private_json;
    const struct attachment *attachments;
    size_t attachments_n;
    const char *event;               /* order event, "" = none */
    const struct handover *handover; /* of its submission, or NULL; lives as the job does */
    const struct job_key *key;       /* the same */
};

/* Leases up to `max` due messages of one (storefront, destination), lowest priority number first. Within a priority half
 * of them were never tried and half come again, as far as there are such, each kind oldest due first. Behind the first one it
 * stops at QUEUE_CLAIM_BYTES of private JSON and attachments. Messages whose expiry has passed end here as expired, those whose person was erased as cancelled
 * ("erased"); neither is returned. */
#define QUEUE_CLAIM_BYTES (INT64_C(2) << 20)
bool queue_claim(struct queue *q, const char *storefront, const char *destination, size_t max,
    int64_t lease_ms, struct arena *a, struct job **out, size_t *n, struct err *e);

/* Marks, without a commit, that lane's next bytes are the body of this job; queue_settle clears it. After a
 * crash it tells `unsure` messages from those that surely were not sent: a kill makes at most `lanes` of them unsure
 * (flight.h). One body at a time on a lane: its settlement is on disk before the next begins. Who sends may give these
 * numbers, below `lanes`, to whichever thread has a body (mailer/deliver/slots.h). Never fails, never blocks. */
void queue_body_starts(struct queue *q, size_t lane, const struct job *j);

struct suppression_new {
    const char *scope;    /* "*" = all streams, else a stream's name, or "class:marketing" */
    const char *reason;   /* hard-bounce complaint unsubscribe manual import ... */
    const char *origin;   /* recipient, receiver, staff, api, import */
    int64_t expires_ms;   /* 0 = never */
    const char *evidence; /* message id or journal reference, "" = none */
    const char *actor;    /* API key id, user name or "parcelpost" */
    struct str note;      /* sealed */
};

struct settlement {
    const struct job *job;
    size_t lane; /* of queue_body_starts; SIZE_MAX when no body began */
    /* delivered, bounced, deferred, held, suppressed, cancelled, expired, or queued (gave back) */
    enum msg_state to;
    const char *reason; /* short code: "user-unknown", "gate:DKIM-KEY-MISMATCH", "" for delivered */
    int64_t due_ms;     /* of deferred and queued */
    bool unsure;        /* body out, no answer: writes the event `unsure` as well */
    bool counts;        /* an SMTP attempt was made: attempts + 1 */
    const struct suppression_new *suppress; /* written in the same transaction, or NULL */
    struct str facts; /* JSON: gate and comply answers, MX, TLS, SMTP code, rule id, spans */
    bool facts_are_canonical; /* as JS_CANONICAL writes them, with the reason: taken as they are */
    struct str reply;         /* the server's text, sealed */
    /* The person's key does not open: what it would seal is left out, as of one who was erased. */
    bool keyless;
};
/* ERR_CONFLICT when the lease was lost meanwhile: then nothing is written and the message is another's. */
bool queue_settle(struct queue *q, const struct settlement *s, struct err *e);
/* The same without waiting, but for room in a line that is full: `done` runs once, on the committer's thread, must be
 * short and must not call the queue. What is needed until then is made in `a`, which must live as long as all that s points
 * to. Errors before queueing: false and no `done`; ERR_CORRUPT when the person's key does not open. */
typedef void queue_settled(void *context, const struct err *e_or_null);
bool queue_settle_async(struct queue *q, const struct settlement *s, struct arena *a,
    queue_settled *done, void *context, struct err *e);
/* One commit, all or nothing: a single lost lease refuses the whole. */
bool queue_settle_all(struct queue *q, const struct settlement *s, size_t n, struct err *e);

enum change_result { CHANGE_DONE, CHANGE_TOO_LATE, CHANGE_NOT_FOUND };
struct actor {
    const char *name; /* API key id, user name, "parcelpost" */
    const char *why;
};
/* Too late: in a final state, or leased at this moment (cancel and hold). */
bool queue_cancel(struct queue *q, const char *storefront, const char *id, struct actor who,
    enum change_result *out, struct err *e);
bool queue_hold(struct queue *q, const char *storefront, const char *id, const char *code,
    struct actor who, enum change_result *out, struct err *e);
bool queue_release(struct queue *q, const char *storefront, const char *id, struct actor who,
    enum change_result *out, struct err *e); /* due now, or when it was due if that is to come */
bool queue_retry(struct queue *q, const char *storefront, const char *id, struct actor who,
    enum change_result *out, struct err *e); /* deferred: due now */

/* Held messages by code, so that whoever held them can look whether the reason still stands. */
struct held_group {
    const char *storefront, *code;
    uint64_t n;
    const char *sample_id;
};
bool queue_held(
    struct queue *q, struct arena *a, struct held_group **out, size_t *n, struct err *e);
/* Releases all of a group: due now, in order of (order, parcel, seq) then id; what was due later is so still. */
bool queue_release_group(struct queue *q, const char *storefront, const char *code,
    struct actor who, uint64_t *n, struct err *e);

struct message_view {
    const char *storefront, *id, *stream, *template_name, *locale, *destination, *reason, *event;
    enum msg_state state;
    int priority, attempts;
    /* Erased, or unreadable (its seal does not open): address and private_json are "". */
    bool unsure, erased, unreadable;
    int64_t created_ms, due_ms, expires_ms, date_ms, seq;
    struct digest bundle;
    struct str address, private_json;
};
bool queue_show(struct queue *q, const char *storefront, const char *id, struct arena *a,
    struct message_view *out, struct err *e); /* ERR_MISSING */

struct message_filter {
    int state;               /* an enum msg_state, or -1 for all */
    const char *destination; /* "" = all */
    const char *after_id;    /* cursor: the last id of the page before, "" = from the newest */
    size_t max;
    size_t look; /* messages to look at for this page, 0 = QUEUE_LIST_LOOK */
};
#define QUEUE_LIST_LOOK 20000
/* Newest first; private_json stays "". *go_on: after_id of the next page, "" = that was all. A page of one destination, or
 * of queued or delivered ones, can be short, even empty, and still not the last, because it looks at so many messages and no
 * more. */
bool queue_list(struct queue *q, const char *storefront, const struct message_filter *f,
    struct arena *a, struct message_view **out, size_t *n, const char **go_on, struct err *e);

struct queue_counts {
    uint64_t by_state[MSG_STATES];
};
bool queue_count(
    struct queue *q, const char *storefront_or_null, struct queue_counts *out, struct err *e);

/* Housekeeping, called about once a second by the engine: expired messages end, leases that ran out return
 * as unsure (of other nodes too), old idempotency keys go. A queue that could not write tries to. */
bool queue_sweep(struct queue *q, struct err *e);

/* Sleeps until a submit, release or retry makes work that is due or falls due within 1 s, or until_ms, and for 1 s at most: so
 * what other processes do, or falls due later, is seen in time. */
void queue_wait(struct queue *q, int64_t until_ms);
void queue_wake(struct queue *q); /* ends all waits, for shutdown */

/* ---- pinned content --------------------------------------------------------------------------------- */

/* Bytes kept under their SHA-256, written once, never personal. */
bool queue_content_put(
    struct queue *q, const char *storefront, struct str bytes, struct digest *out, struct err *e);
bool queue_content_get(struct queue *q, const char *storefront, const struct digest *hash,
    struct arena *a, struct str *out, struct err *e);

/* ---- suppressions ----------------------------------------------------------------------------------- */

struct suppression {
    struct digest person;
    struct str address; /* "" when erased, or its seal does not open */
    const char *scope, *reason, *origin, *evidence, *actor;
    int64_t since_ms, expires_ms;
    int64_t lifted_ms; /* 0 = stands */
    const char *lifted_by, *lifted_why;
    struct str note;
    int64_t row; /* cursor */
};
/* Adding what stands already (same person, scope and reason) changes nothing and is no error (*added false). */
bool queue_suppress(struct queue *q, const char *storefront, struct str address,
    const struct suppression_new *s, bool *added, struct err *e);
/* The same for a person known by hash only, as an unsubscribe token carries it; works after erasure too. */
bool queue_suppress_person(struct queue *q, const char *storefront, const struct digest *person,
    unsigned pepper_version, const struct suppression_new *s, bool *added, struct err *e);
/* reason "" lifts every reason of the scope. *lifted counts rows; they stay visible. */
bool queue_lift(struct queue *q, const char *storefront, struct str address, const char *scope,
    const char *reason, struct actor who, uint64_t *lifted, struct err *e);
/* The standing rows for this person, none = not suppressed. The caller decides which scopes concern a mail. */
bool queue_suppressions_of(struct queue *q, const char *storefront, struct str address,
    struct arena *a, struct suppression **out, size_t *n, struct err *e);

struct suppression_filter {
    const char *scope, *reason, *origin; /* "" = all */
    int64_t since_ms, until_ms;          /* 0 = open */
    bool with_lifted;
    int64_t after_row; /* cursor */
    size_t max;
};
bool queue_suppressions(struct queue *q, const char *storefront, const struct suppression_filter *f,
    struct arena *a, struct suppression **out, size_t *n, struct err *e); /* in row order */

/* ---- journal ---------------------------------------------------------------------------------------- */

struct journal_row {
    const char *storefront, *node;
    int64_t seq, at_ms;
    const char *message_id; /* "" = not about one message */
    /* accepted deferred delivered bounced unsure held released retried suppressed cancelled expired
     * suppression.added suppression.lifted unsubscribed key.created key.revoked exported restored */
    const char *event;
    const char *actor;
    struct str facts; /* JSON object */
    /* JSON object unsealed with the person's key, "" when none, erased or damaged. */
    struct str personal;
    bool erased;
    struct digest hash;
};
bool queue_timeline(struct queue *q, const char *storefront, const char *message_id,
    struct arena *a, struct journal_row **out, size_t *n, struct err *e);
bool queue_journal(struct queue *q, const char *storefront, const char *node, int64_t after_seq,
    size_t max, struct arena *a, struct journal_row **out, size_t *n, struct err *e);
/* For events that change nothing else: exports, unsubscribes seen, checks. */
bool queue_note(struct queue *q, const char *storefront, const char *event, struct actor who,
    const char *message_id, struct str facts, struct err *e);

struct chain_report {
    uint64_t rows, erased;
    int64_t broken_seq; /* 0 = whole */
    const char *broken_why;
    struct digest head;
};
bool queue_verify(struct queue *q, const char *storefront, const char *node, struct arena *a,
    struct chain_report *out, struct err *e);
/* Every (storefront, node) that has a chain, and with "" for its node each storefront that has messages and none:
 * queue_verify calls it broken. */
struct chain {
    const char *storefront, *node;
    int64_t last_seq;
};
bool queue_chains(struct queue *q, struct arena *a, struct chain **out, size_t *n, struct err *e);

/* ---- API keys --------------------------------------------------------------------------------------- */

enum key_role { ROLE_SEND = 1, ROLE_READ = 2, ROLE_REVIEW = 4, ROLE_ADMIN = 8 };

#define KEY_ROLES 4
extern const struct key_role_name {
    enum key_role role;
    const char *name; /* as people write it, and as the journal keeps it */
} key_roles[KEY_ROLES];

struct api_key {
    const char *storefront, *id; /* "key_..." */
    const char *label;
    unsigned roles;
    int64_t created_ms, revoked_ms; /* 0 = in force */
};
/* The secret is "pp_" and 43 characters of base64url; it is returned once and stored as a hash. */
bool queue_key_create(struct queue *q, const char *storefront, const char *label, unsigned roles,
    struct actor who, struct arena *a, struct api_key *out, const char **secret, struct err *e);
bool queue_key_revoke(struct queue *q, const char *storefront, const char *id, struct actor who,
    enum change_result *out, struct err *e);
bool queue_keys(struct queue *q, const char *storefront_or_null, struct arena *a,
    struct api_key **out, size_t *n, struct err *e);
/* The key of a presented secret; ERR_DENIED when unknown or revoked, by whichever process. Remembered until anybody makes or
 * changes a key. */
bool queue_key_find(
    struct queue *q, struct str secret, struct arena *a, struct api_key *out, struct err *e);

#endif
