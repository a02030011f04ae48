/* committer -- group commit: one thread takes all changes that wait, applies them as one transaction, while the vault writes
 * the new keys beside it, commits when both are done, and wakes those who wait for them.
 *
 * Order: ops take effect, and are answered, in the order in which they stood in line.
 * Ownership: ops belong to their callers and must live until they are answered. Bounded: COMMITTER_OPS ops and
 *   COMMITTER_BYTES of their data wait at most; committer_run then waits for room, committer_post answers ERR_BUSY, and does so
 *   earlier: the last COMMITTER_KEPT places are for those who wait, so that mail that comes in never keeps claims and
 *   settlements out.
 * Errors: an op's own refusal, or for all of a group what its transaction failed with (ERR_FULL, ERR_IO, ...).
 * Well: false from a failed transaction, be it that of a single op, until one has written again; ERR_CORRUPT stays until the
 *   restart.
 * Threads: any, except that `done` runs on the committer's own and must not call it. */
#ifndef QUEUE_COMMITTER_H
#define QUEUE_COMMITTER_H

#include "queue/store.h"
#include "queue/vault.h"

#define COMMITTER_OPS 8192
#define COMMITTER_KEPT 1192
#define COMMITTER_BYTES ((size_t)256 << 20)
#define COMMITTER_SOON_MS 1000 /* at least so often those who wait for work look for themselves */
#define COMMITTER_GROUP                                                                            \
    1000 /* ops in one transaction; about 32 MiB of data end a group as well, but for
                                tickets that were posted together */

struct committer;

struct committer_setup {
    struct store *store;
    struct vault *vault;
    const struct clock *clock;
    struct metrics *metrics; /* may be NULL */
    size_t bodies;           /* that may be under way: groups wait for company (tempo.h); or 0 */
    void (*worked)(void *state); /* after a commit that may have made work due, or soon due */
    void *state;
};

/* A change on its way. The caller fills op, bytes, done and context. */
struct ticket {
    struct store_op op;
    size_t bytes;                      /* about how much data hangs on it */
    size_t followers, followers_bytes; /* set by committer_post_all: they share its commit */
    void (*done)(void *context, struct ticket *t);
    void *context;
    struct ticket *next;
};

void committer_open(const struct committer_setup *setup, struct committer **out);
void committer_close(struct committer **c); /* commits what waits, then stops */

bool committer_run(struct committer *c, struct store_op *op, struct err *e);
bool committer_run_sized(struct committer *c, struct store_op *op, size_t bytes, struct err *e);
/* Waits for room as committer_run does, and not for the answer. */
void committer_hand_in(struct committer *c, struct ticket *t);
bool committer_post(struct committer *c, struct ticket *t, struct err *e);
/* At most COMMITTER_GROUP tickets, one behind the other in one commit. ERR_BUSY: none of them stands in line. */
bool committer_post_all(struct committer *c, struct ticket *t, size_t n, struct err *e);

bool committer_is_well(struct committer *c, struct err *e);
/* A reader met a broken page. */
void committer_note_corrupt(struct committer *c, const struct err *e);

#endif
