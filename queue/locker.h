/* locker -- a bounded stretch of memory, let in pieces of any size: the lowest free run of cells that is long enough.
 *
 * What one thread makes and another forgets a second later is the worst that a general allocator can be given: each of its
 * arenas grows to the most that ever lay in it at once, and not two of them do so at the same time. Here all of it is one
 * stretch, what lies low is used again first, and what was not used for a while goes back to the system.
 * Bounded: `bytes` of locker_open, rounded up to cells; address space until it is used. A piece costs a look at
 *   each bay, which knows its own runs, and at the cells of those where it lies: microseconds, whatever holes there are.
 * Secrets: left out of core dumps; whoever gives a piece back has overwritten what was in it.
 * Ownership: pieces are the taker's until locker_give, and go with the locker. Threads: one at a time. Errors: none; where the
 *   system has not even the address space, it ends as out of memory does (err.h). */
#ifndef QUEUE_LOCKER_H
#define QUEUE_LOCKER_H

#include <stddef.h>

#define LOCKER_CELL_BYTES 1024
#define LOCKER_BAY_BYTES ((size_t)1 << 20) /* goes back to the system as one */
#define LOCKER_KEPT_SWEEPS 30              /* in which a bay must have been empty all the time */

struct locker;

struct locker *locker_open(size_t bytes);
void locker_close(struct locker **l);

/* What a piece of so many bytes takes up. */
size_t locker_bytes(size_t bytes);
/* Not zeroed; aligned for any type. NULL: no run is long enough. bytes > 0. */
void *locker_take(struct locker *l, size_t bytes);
void locker_give(struct locker *l, void *piece, size_t bytes); /* as many as were asked for */
/* Now and then: gives back to the system a bay that has been empty for LOCKER_KEPT_SWEEPS of these. One alone, as the caller
 * may hold a lock: it takes a quarter of a millisecond. */
void locker_sweep(struct locker *l);

#endif
