/* desk -- which lane serves which destination next.
 *
 * A place is a storefront's destination. The queue names the places that have due work, by priority and then age;
 * the desk gives each to one lane, and to further ones only when the first found more than it could claim at
 * once: as many at a time as have heard from their server there, up to half the lanes. So one slow destination never clogs
 * the rest. A quarter of the lanes is kept for places whose servers answered lately: many silent ones together cannot
 * take them all. Nor can they hide those places by their number: what is due there is asked for apart from the list. A place
 * whose hosts could not be reached rests for a while.
 * Beyond a few, a further lane gets a place only while a third of the busy ones wait for servers: with servers that
 * answer at once more lanes would only stand in each other's way.
 * One idle lane is the lookout: it alone asks the queue and waits on it, the others sleep until it finds work.
 * Limits: DESK_RESTS resting and DESK_KNOWN answering places are remembered; the oldest is forgotten for a new one.
 * Units: *_ms by the injected clock. Threads: any; the lock is never held across I/O. */
#ifndef MAILER_DELIVER_DESK_H
#define MAILER_DELIVER_DESK_H

#include "queue/queue.h"

#define DESK_RESTS 256
#define DESK_KNOWN 256

struct desk;

struct place {
    char storefront[64];
    char destination[320];
};

struct desk *desk_open(struct queue *q, const struct clock *clock, size_t lanes);
void desk_close(struct desk **d);

/* Waits for work. False: the engine stops. */
bool desk_take(struct desk *d, size_t lane, struct place *out);
/* This lane has claimed at its place; more: as much as it asked for, so there may be work for another lane. */
void desk_claimed(struct desk *d, size_t lane, bool more);
/* There are places with due work that nobody serves, as far as is known. */
bool desk_others_wait(struct desk *d);
/* The server at the lane's place has decided a mail. */
void desk_answered(struct desk *d, size_t lane);
/* The lane waits for its server now; it has work to do again, having heard from it or not. */
void desk_goes_out(struct desk *d, size_t lane);
void desk_comes_back(struct desk *d, size_t lane, bool heard);
/* The lane's turn is over; rest_ms > 0: nobody is to go there for so long. */
void desk_leave(struct desk *d, size_t lane, int64_t rest_ms);

void desk_stop(struct desk *d);
bool desk_is_stopping(struct desk *d);

#endif
