/* lane -- a thread that serves one destination after the other: claims a few messages at a time, prepares them, and
 * carries them over one connection for as long as there is more for it.
 *
 * It does not sleep for an outcome: a body waits when too many are unsettled (slots.h) or one of the lane's own was refused,
 * and a turn ends when all of its own are on disk (docs/decisions/0102-outcomes-posted.md). Only a hard bounce is waited for,
 * before the next mail is prepared: it suppresses a person.
 * A turn is at most messages_per_connection mails, then the desk decides anew. What was claimed and not begun when a
 * turn ends goes back to the queue. The settings of a turn are one snapshot.
 * Threads: all of this from the roster's (roster.h); the rest is the lane's own. Errors: lane_open (no thread). */
#ifndef MAILER_DELIVER_LANE_H
#define MAILER_DELIVER_LANE_H

#include "mailer/deliver/attempt.h"
#include "mailer/deliver/courier.h"
#include "mailer/deliver/desk.h"
#include "mailer/deliver/pulse.h"

struct lane;

struct lane_setup { /* all of it outlives the lane */
    size_t number;
    struct queue *queue;
    struct snapshot_holder *snapshots;
    struct resolver *resolver;
    struct gate *gate;
    const struct clock *clock;
    const struct letter_tools *letters;
    struct settler *settler;
    struct smtp_shared *smtp;
    struct watchdog *watchdog;
    struct tally *tally;
    struct desk *desk;
    void (*ended)(void *context); /* the last that the thread does */
    void *ended_context;
};

bool lane_open(const struct lane_setup *s, struct lane **out, struct err *e);
void lane_look(struct lane *l, struct pulse_view *out);
bool lane_has_ended(struct lane *l); /* or is about to, with nothing left to do */
/* Declares it lost (pulse.h), if it is; then lane_release, in the lane's place, settles what it held and leaves its place. */
bool lane_give_up(struct lane *l, int64_t late_ns, struct pulse_view *held);
void lane_release(struct lane *l, const struct pulse_view *held);
void lane_close(struct lane **l); /* after its end */

#endif
