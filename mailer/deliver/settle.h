/* settle -- writes what became of messages while their lanes go on, and does not give up while the disk refuses.
 *
 * settle() posts an outcome and returns: its lane writes its next mail and speaks with the server while the commit is
 * under way. Before the next body goes out, and at the end of a turn, the lane waits with settler_wait until all that was
 * posted for its number is on disk, so that one body a lane stands between mark and settlement, never two (queue/flight.h).
 * A delivered mail whose outcome were dropped would be sent again, so one that the store refuses is posted again (after
 * 50 ms, doubling to 2 s) by the settler's own thread, whatever its lane does meanwhile. Only when the service stops is it
 * left: the message's slot in the flight file stays, and the next start knows (docs/decisions/0051-unsure.md). A lease
 * that was lost is another's message: nothing is written, and it is logged.
 * Ownership: an outcome is copied; nothing of the lane's is needed once settle() has returned, so a lane that is lost
 * leaves its outcomes behind, and the one that gets its number waits for them.
 * Errors: settler_open (no thread). Threads: any; the queue's committer answers. */
#ifndef MAILER_DELIVER_SETTLE_H
#define MAILER_DELIVER_SETTLE_H

#include "mailer/deliver/tally.h"
#include "queue/queue.h"

struct settler;

bool settler_open(struct queue *q, const struct clock *clock, struct tally *tally, size_t lanes,
    struct settler **out, struct err *e);
/* Waits for the committer's last answers. */
void settler_close(struct settler **s);
void settler_stop(struct settler *s); /* from now on a refusing disk is not waited for */

void settle(struct settler *s, const struct settlement *what);
/* Until nothing that was posted for this lane is on its way. False: something was left to the next start. */
bool settler_wait(struct settler *s, size_t lane);

#endif
