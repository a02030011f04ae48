/* folder -- the data folder: made, locked by the one who works alone in it, its files named.
 * Ownership: the lock is a descriptor of the caller's; closing it, or the end of the process, gives it back.
 * Errors: ERR_BUSY (somebody holds the lock), ERR_IO, ERR_FULL. Any thread. */
#ifndef QUEUE_FOLDER_H
#define QUEUE_FOLDER_H

#include "base/arena.h"
#include "base/err.h"

/* Stands in the folder while a restore moves files: what lies there then is no whole queue. It holds the name of the
 * folder into which what was there before is moved. */
#define FOLDER_RESTORING "restoring"
/* In which a restore gets everything ready. What one that was killed left in it is swept by whoever locks next. */
#define FOLDER_STAGE "stage"
/* In the stage: an empty database, to compare with. */
#define FOLDER_OURS "ours.db"

/* Stands in a folder whose mail is a sandbox's: it must never go to real people. */
#define FOLDER_SANDBOX "sandbox/here"

const char *folder_path(const char *dir, const char *name, struct arena *a);
bool folder_has(const char *dir, const char *name, struct arena *a); /* and it is not empty */
/* With mode 0700, on disk when it returns; one that exists is fine. */
bool folder_make(const char *dir, struct err *e);
/* That what stands in it, names too, is on disk. */
bool folder_sync(const char *dir, struct err *e);
/* ERR_CORRUPT while a restore that was cut short stands there: what lies there is no whole queue. */
bool folder_is_whole(const char *dir, struct arena *a, struct err *e);
bool folder_is_sandbox(const char *dir, struct arena *a);
/* Sets that mark, or takes it away; on disk when it returns. */
bool folder_mark_sandbox(const char *dir, bool is_sandbox, struct arena *a, struct err *e);
bool folder_lock(const char *dir, struct arena *a, int *fd, struct err *e);

/* The names that belong to a queue, together: a log beside another database would destroy that one. The databases
 * come first, queue.db before keys.db. */
extern const char *const folder_ours[];
extern const size_t folder_ours_n;
/* Takes them away from a folder in there, and that folder if it is empty then; one that is not there is fine. */
void folder_drop(const char *dir, const char *name, struct arena *a);

#endif
