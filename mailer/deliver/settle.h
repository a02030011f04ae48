/* settle -- writes what became of messages while their lanes go on, and does not give up while the disk refuses.
 *
 * settle() posts an outcome and returns: its lane writes its next mail and speaks with the server while the commit is
 * under way. A turn ends when all that was posted for its lane is on disk.
 * The flight file has as many slots as there are lanes, and a body may go only with one of its own (queue/flight.h). The
 * settler lends them, and has one back when the body's settlement is on disk: so at most so many stand between mark and
 * settlement, whichever lanes they are of (docs/decisions/0102-outcomes-posted.md).
 * A hard bounce suppresses its person from the commit on, and comply must know before it is asked again: the lane that
 * posted one waits for it before its next mail.
 * A delivered mail whose outcome were dropped would be sent again, so one that the store refuses is posted again (after
 * 50 ms, doubling to 2 s) by the settler's own thread, and its lane takes no message and begins no body until then.
 * Only when the service stops is it left: the message's slot in the flight file stays, and the next start knows
 * (docs/decisions/0051-unsure.md). A lease that was lost is another's message: nothing is written, and it is logged. Where the
 * person's key does not open, the outcome is written without the server's reply.
 * Ownership: an outcome is copied; nothing of the lane's is needed once settle() has returned, so a lane that is lost
 * leaves its outcomes behind, and they count for the one that gets its number.
 * Errors: settler_open (no thread). Threads: any; the queue's committer answers. */
#ifndef MAILER_DELIVER_SETTLE_H
#define MAILER_DELIVER_SETTLE_H

#include "mailer/deliver/slots.h"
#include "mailer/deliver/tally.h"
#include "queue/queue.h"

struct settler;

bool settler_open(struct queue *q, const struct clock *clock, struct tally *tally, size_t lanes,
    struct settler **out, struct err *e);
/* Waits for the committer's last answers. */
void settler_close(struct settler **s);
void settler_stop(struct settler *s); /* from now on a refusing disk is not waited for */

/* what->lane: the slot of the body that it ends, which comes back with it, or SLOT_NONE. */
void settle(struct settler *s, size_t lane, const struct settlement *what);
/* Each of these is false when something of this lane's was left to the next start. */
bool settler_wait(struct settler *s, size_t lane);           /* until nothing is on its way */
bool settler_is_calm(struct settler *s, size_t lane);        /* until nothing is refused */
bool settler_has_suppressed(struct settler *s, size_t lane); /* until no suppression is */
/* Until nothing is refused and a slot is free. False when the settler is stopped, too: no body begins any more. */
bool settler_begin_body(struct settler *s, size_t lane, size_t *slot);
/* A body that did not begin after all: the slot is free, and *slot none. */
void settler_return_slot(struct settler *s, size_t *slot);

#endif
