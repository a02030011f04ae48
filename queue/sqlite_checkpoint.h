/* sqlite_checkpoint -- the log's pages go back into the database on a thread and a connection of their own, so that no
 * commit waits for it.
 *
 * From `pages` of log on the thread writes back what it finds there, which stops nobody, and then what came meanwhile,
 * until a small rest is left. The rest is the writer's, before its next transaction: with that the log begins anew, so
 * that the file does not grow for ever. Who reads for long (a copy is made) keeps it from that; it is tried again after as many
 * pages more. From `pages_max` on, where the thread cannot keep up, the writer writes back itself.
 * After a checkpoint or sync that failed, all pages of the log are written back anew before it begins anew: the disk may have lost
 * what it had taken. Where that cannot be arranged, nothing is written back, at the end neither.
 * Units: pages of the log, 4 KB each. Errors: what fails here loses nothing, because the log keeps what is committed;
 *   checkpoints_are_well tells of it until one has succeeded: with more pages in the log, or when checkpoints_retry asks.
 * Threads: the writer's own, but for checkpoints_are_well and _retry. Its thread begins when it is first needed. */
#ifndef QUEUE_SQLITE_CHECKPOINT_H
#define QUEUE_SQLITE_CHECKPOINT_H

#include "queue/sqlite.h"

#define CHECKPOINT_PAGES 4000
#define CHECKPOINT_PAGES_MAX 65536 /* 256 MB */

struct checkpoints;

void checkpoints_open(const char *path, struct sqlite *writer, struct checkpoints **out);
void checkpoints_close(struct checkpoints **c);
void checkpoints_limit(struct checkpoints *c, int pages, int pages_max);

void checkpoints_note(struct checkpoints *c, int pages); /* after a commit: so long is the log */
void checkpoints_help(struct checkpoints *c);            /* outside of a transaction */
void checkpoints_retry(struct checkpoints *c);           /* nothing when all is well */
bool checkpoints_are_well(struct checkpoints *c, struct err *e);
/* Writes everything back and cuts the log off: *emptied is false when somebody kept it from that for SQLITE_PATIENCE_MS. */
bool checkpoints_empty(struct checkpoints *c, bool *emptied, struct err *e);

#endif
