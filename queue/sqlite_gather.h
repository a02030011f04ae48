/* sqlite_gather -- a VFS that writes a commit's part of the write-ahead log at once, and lets the log grow by pieces.
 * SQLite writes the log in pieces of 24 and 4,096 bytes; here they are held until something asks for the file: a sync,
 * a read, a truncation. A commit with synchronous=FULL syncs before anybody is told of it, so nothing committed is ever
 * held, and what a crash takes away was never promised. Writers without that setting must not use this.
 * What is left of a transaction that was taken back must be forgotten before anything is read: the lock is free again, and others
 * may have committed in the same place.
 * A file that grows makes the file system write down its length and places with each sync, which takes several times as long.
 * So the log grows ahead, by as much as it has, up to 1 MB: zeros, which nobody takes for a part of it.
 * A checkpoint asks for the log's pages in the order of the database. Those of one commit mostly lie one behind the other in
 * both, so behind two neighbours more are read at once. They are kept while that checkpoint copies: until then nobody writes
 * over what it copies, and after it the log may begin anew.
 * A write that fails is reported by the sync, and the commit fails as it would have before.
 * Threads: as SQLite's own; a file belongs to one connection. */
#ifndef QUEUE_SQLITE_GATHER_H
#define QUEUE_SQLITE_GATHER_H

#include <stdbool.h>

#define SQLITE_GATHER "parcelpost-gather" /* for sqlite3_open_v2, once registered */

/* Over the default VFS, whichever that is when a file is opened. Once per process, before the first file. */
void sqlite_gather_register(void);

/* Of any connection; nothing where its log is none of ours. */
struct sqlite3;
void sqlite_gather_forget(struct sqlite3 *db); /* what a transaction left that was taken back */
void sqlite_gather_copies(struct sqlite3 *db, bool begins); /* around a checkpoint of its */

#endif
