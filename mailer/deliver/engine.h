/* engine -- the lanes that take due messages from the queue and deliver them.
 *
 * A lane is a thread with its own SMTP session, arena and deadline; lanes share the snapshot, the resolver's and
 * the gate's caches, the desk (desk.h) and the settler, and nothing else. One message's way through a lane is told by
 * attempt.c. A watchdog shuts down the socket of an attempt that reaches its deadline, which lies before its
 * lease's; the roster replaces a lane that hangs beyond it (roster.h). A keeper thread sweeps the queue and releases held mail whose gate has become good.
 * Threads: open, stop and close from one thread. Errors: engine_open. */
#ifndef MAILER_DELIVER_ENGINE_H
#define MAILER_DELIVER_ENGINE_H

#include "mailer/gate/gate.h"
#include "mailer/intake/snapshot.h"
#include "queue/queue.h"

struct engine;

struct engine_setup {
    struct queue *queue;
    struct snapshot_holder *snapshots;
    struct resolver *resolver;
    struct gate *gate;
    const struct keyring *keys;
    const struct clock *clock;
    struct metrics *metrics;
    int64_t lane_patience_ms; /* how long after its deadline a lane is lost; 0 = 30 s */
};

bool engine_open(const struct engine_setup *s, struct engine **out, struct err *e);
/* No new claims; attempts under way may finish within grace_ms, then their sockets are shut down. What was not begun
 * goes back. Behind the grace only a question to the DNS that is under way can take time still. False: a lane hangs even
 * lane_patience_ms later; what it holds is left to the next start, and whatever it was given must stay. */
bool engine_stop(struct engine *g, int64_t grace_ms);
void engine_close(struct engine **g); /* leaves everything as it is where a lane hangs */

#endif
