/* sqlite_count -- a number that a read counts, remembered for as long as nobody has committed (sqlite_pool_stamp).
 * Errors: as reads (sqlite.h). Threads: any; its fields are guarded by its owner's lock, which is never held across a read. */
#ifndef QUEUE_SQLITE_COUNT_H
#define QUEUE_SQLITE_COUNT_H

#include "queue/sqlite.h"

#include <pthread.h>

struct sqlite_count {
    int64_t stamp, n; /* at that stamp so many were counted; -1: none was */
};

typedef bool sqlite_counting(struct sqlite *db, int64_t *out, struct err *e);

/* What was remembered, or what `count` says now. */
bool sqlite_count_ask(struct sqlite_count *c, pthread_mutex_t *lock, struct sqlite_pool *readers,
    sqlite_counting *count, int64_t *out, struct err *e);
/* Under the lock. Another thread may have counted later, which stays. */
void sqlite_count_put(struct sqlite_count *c, int64_t stamp, int64_t n);

#endif
