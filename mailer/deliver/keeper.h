/* keeper -- the engine's housekeeping, once a second: sweeps the queue, releases held mail whose gate has become
 * good, sets the gauges.
 * Messages that the gate held carry the code "gate:..."; every KEEPER_LOOK_MS one of each group is asked about again
 * without the caches, so that a repaired zone is seen soon and not when its TTL ends. Many groups, or a DNS that does
 * not answer, must not keep the sweep waiting: a look stops after KEEPER_SHARE_MS, and the next second goes on there.
 * Threads: one of its own. Errors: keeper_open (no thread); the queue's are logged, and the next second tries again. */
#ifndef MAILER_DELIVER_KEEPER_H
#define MAILER_DELIVER_KEEPER_H

#include "mailer/deliver/tally.h"
#include "mailer/gate/gate.h"
#include "mailer/intake/snapshot.h"

#define KEEPER_LOOK_MS 10000
#define KEEPER_SHARE_MS 1000

struct keeper;

struct keeper_setup { /* all of it outlives the keeper */
    struct queue *queue;
    struct snapshot_holder *snapshots;
    struct gate *gate;
    const struct clock *clock;
    struct tally *tally;
};

bool keeper_open(const struct keeper_setup *s, struct keeper **out, struct err *e);
void keeper_close(struct keeper **k); /* waits for the one question that may be under way */

#endif
