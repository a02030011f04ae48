/* flusher -- writes the new keys into keys.db on a thread of its own, while the committer applies the changes that were
 * sealed with them; they must be there before those are committed, no sooner.
 * Threads: one asks and waits, the committer's. */
#ifndef QUEUE_FLUSHER_H
#define QUEUE_FLUSHER_H

#include "queue/vault.h"

struct flusher;

void flusher_open(struct vault *vault, struct flusher **out);
void flusher_close(struct flusher **f);

void flusher_begin(struct flusher *f); /* all keys that were made until now */
/* When that is done; asked again, the same answer. */
bool flusher_wait(struct flusher *f, struct err *e);

#endif
