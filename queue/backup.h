/* backup -- copies of the data folder's two databases while a service works on them, and putting them back.
 *
 * A copy is a folder of mode 0700 with one database and manifest.json (its size, SHA-256, schema version, time, and
 * whether it is a sandbox's: then a restore marks the data folder so). The
 * queue and the persons' keys are copied into folders of their own, because a key that is erased must soon be gone
 * from every copy, while a queue without that key may be kept.
 * Order: keys.db is copied after queue.db, or later: keys are on disk before what is sealed with them, so a
 *   keys.db that is not older than the queue.db beside it has every key, and knows more erasures.
 * Crash: a copy appears under its name whole and on disk, or not at all; what a killed one leaves beside it is swept by
 *   the next copy there. A restore stages everything inside the data folder first; while it moves files a mark stands
 *   there (folder.h), and no queue opens; the next restore, with `force`, takes back what was moved and begins anew.
 * Units: *_ms as in queue.h. Results live in the arena. Errors: ERR_CONFLICT (the target exists, the data folder is
 *   not empty), ERR_BUSY (a service runs), ERR_MISSING, ERR_INPUT (a manifest of something else), ERR_CORRUPT (damaged source, copy or
 *   manifest, a broken journal, keys older than their queue), ERR_DENIED (another user's folder), ERR_NEWER, ERR_FULL, ERR_IO. One thread;
 *   a restore waits for nobody. */
#ifndef QUEUE_BACKUP_H
#define QUEUE_BACKUP_H

#include "queue/queue.h"

/* Reason of messages that were held, and of events that were written, because a copy was put back. */
#define BACKUP_CODE "restored"

enum backup_part { BACKUP_QUEUE, BACKUP_KEYS };

struct backup_copy {
    enum backup_part part;
    int64_t
        taken_ms; /* it holds at least all that was on disk then; 0 = without manifest, unknown */
    int64_t version; /* of the schema */
    uint64_t bytes;
    struct digest sum;     /* SHA-256 of the database file */
    enum backup_origin {   /* whose mail it is */
        BACKUP_OF_UNKNOWN, /* manifests of before said nothing */
        BACKUP_OF_SERVICE,
        BACKUP_OF_SANDBOX
    } origin;
};

const char *backup_file(enum backup_part part); /* "queue.db", "keys.db" */
/* True when a copy at either path would stand in the place of the other's, however the paths are written. */
bool backup_is_one_place(const char *one, const char *other);
/* `to` must not exist. */
bool backup_take(const char *data_dir, enum backup_part part, const char *to,
    const struct clock *clock, struct backup_copy *out, struct err *e);
/* Reads a copy's manifest and compares the file with it. */
bool backup_check(const char *copy, enum backup_part part, struct backup_copy *out, struct err *e);

struct restore_setup {
    const char *data_dir, *node;
    const struct keyring *keys; /* the one that the copy was made with: it is no part of it */
    const struct clock *clock;
    const char *queue_copy;
    const char *keys_copy; /* NULL: the keys.db of the data folder, which is as new as can be */
    bool force;            /* what is in the data folder goes into a folder of its own in there */
    bool release;          /* what waits is sent, as unsure; else it is held as BACKUP_CODE */
    bool missing_keys;     /* go on though some messages have no key */
    bool broken_journal;   /* go on though a chain of the copy's journal does not verify */
    const char *actor;     /* for the journal */
};

struct broken_chain {
    const char *storefront, *node; /* "" for its node: there are messages, and no journal */
    int64_t seq;                   /* of the first row that is not as it was written */
    const char *why;
};

struct restore_report {
    struct backup_copy queue, keys;
    const char *moved_to;  /* what was there before, "" = nothing was */
    uint64_t unreadable;   /* messages and persons without key */
    uint64_t marked, held; /* messages that wait, now unsure; those of them that this held */
    uint64_t chains, broken;
    struct broken_chain first_broken; /* of several */
};
bool backup_restore(
    const struct restore_setup *setup, struct arena *a, struct restore_report *out, struct err *e);

#endif
