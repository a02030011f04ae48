/* inside -- what the files of queue/ above the back end share; included by them alone. */
#ifndef QUEUE_INSIDE_H
#define QUEUE_INSIDE_H

#include "queue/committer.h"
#include "queue/flight.h"
#include "queue/sight.h"
#include "queue/store.h"
#include "queue/tray.h"
#include "queue/vault.h"

#include <pthread.h>

/* What queue_wait sleeps on. */
struct bell {
    pthread_mutex_t lock; /* guards the flags */
    pthread_cond_t rang;
    bool work;  /* rung since somebody last woke */
    bool ended; /* queue_wake: nobody sleeps any more */
};

/* How far the clock ran ahead of the leases that were given out before it jumped. */
struct jump {
    pthread_mutex_t lock; /* guards all below */
    bool begun;
    int64_t now_ms, steady_ms;         /* of the last look */
    int64_t slack_ms, until_steady_ms; /* until when a lease from before may live */
    int64_t longest_ms;                /* lease that was given out */
};

struct key_cache; /* keys.c */

struct queue {
    char dir[256], node[40];
    enum queue_role role;
    const struct keyring *keys;
    const struct clock *clock, *steady; /* steady may be NULL */
    struct jump jump;
    struct sight *sight;
    struct store *store;
    struct vault *vault;
    struct committer *committer;
    struct flight *flight; /* QUEUE_SERVE only, else NULL */
    struct tray *tray;     /* the same */
    struct ids *ids;
    struct key_cache *key_cache;
    struct bell bell;
    int64_t start; /* our start number, 0 for a tool */
    int lock_fd;   /* -1 for a tool */
};

static inline int64_t queue_now_ms(const struct queue *q)
{
    return clock_now_ms(q->clock);
}

/* A claim gives out leases of this length. (queue.c) */
void jump_note_lease(struct queue *q, int64_t lease_ms);
/* False once a broken page was met, until the restart: then nothing is taken in and nothing handed out any more. What goes
 * on in a damaged store is lost or sent twice when a copy takes its place. */
bool queue_is_sound(const struct queue *q, struct err *e);
/* The same, and false while the disk refuses to be read, or a log to be written back: what is taken in then might not be handed
 * out. */
bool queue_takes_in(struct queue *q, struct err *e);
/* Passes a read's outcome on; a broken page that a reader met, or a disk that refused, makes the queue unwell. */
bool queue_seen(struct queue *q, bool fine, const struct err *e);
/* The same of keys.db, whose broken pages the vault tells itself. */
bool queue_seen_keys(struct queue *q, bool fine, const struct err *e);

/* ---- sealing (seals.c) ----
 * Each seal is bound to its place by a text that names it, so that a blob moved elsewhere does not open. */
struct person {
    const char *storefront;
    struct keyed who;
    struct vault_key key;
    bool has_key;
};
void person_wipe(struct person *p); /* for AUTO */
/* Hashes the address and finds the person's key; `make` gives a new person one. */
bool person_of(struct queue *q, const char *storefront, struct str address, bool make,
    struct person *out, struct err *e);

struct str bind_address(struct arena *a, const char *storefront, const struct digest *person);
struct str bind_private(struct arena *a, const char *storefront, const char *id);
struct str bind_attachment(struct arena *a, const char *storefront, const char *id, size_t place);
struct str bind_journal(struct arena *a, const char *storefront, const char *about);
struct str bind_note(
    struct arena *a, const char *storefront, const char *scope, const char *reason);

struct str seal_private(struct arena *a, const struct person *p, const struct submission *s);
struct str seal_text(struct arena *a, const struct person *p, struct str binding, struct str plain);
/* "" and *erased when the person's key is gone. */
bool unseal_text(struct queue *q, const char *storefront, struct str binding, struct str sealed,
    struct arena *a, struct str *out, bool *erased, struct err *e);
/* The person as an op names it, the address sealed for a new row. */
struct store_person person_for_store(struct arena *a, const struct person *p, struct str address);
/* A journal row's personal part {"name": text}; nothing when text is "" or the person has no key. */
struct personal personal_text(
    struct arena *a, const struct person *p, const char *about, const char *name, struct str text);
bool unseal_personal(struct queue *q, const struct store_row *row, struct arena *a,
    struct str *salt, struct str *text, bool *erased, struct err *e);
bool unseal_view(
    struct queue *q, struct store_message *m, struct arena *a, bool with_private, struct err *e);
struct str seal_attachment(struct arena *a, const struct person *p, const char *id, size_t place,
    const struct attachment *at);
bool unseal_attachment(struct queue *q, const struct store_message *m, size_t place,
    struct arena *a, struct attachment *out, bool *erased, struct err *e);

/* ---- small things ---- */
/* {"why": ...} or {} */
struct str facts_why(struct arena *a, const char *why);
/* The caller's facts with a reason added where they have none; ERR_INPUT when they are no JSON object. */
bool facts_with_reason(
    struct arena *a, struct str facts, const char *reason, struct str *out, struct err *e);
struct suppression;
/* Seals what a suppression of this address needs; out borrows from s, person and the arena. Whoever has no key, being
 * erased, stays known by hash only. */
void suppress_prepare(const struct person *person, struct str address,
    const struct suppression_new *s, struct arena *a, struct store_suppress *out);
struct key_cache *key_cache_open(void);
void key_cache_close(struct key_cache **c);
void bell_ring(void *bell);

#endif
