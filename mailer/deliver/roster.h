/* roster -- an engine's lanes: opened, looked after, replaced, joined.
 *
 * Once a second it asks each lane for its pulse. One whose thread has ended, or that is not heard `patience_ms` after
 * its attempt's deadline (at which the watchdog has shut its socket down), is lost: what it held is settled here, a body
 * that was out as `unsure`, a message in hand as deferred, the rest as given back; its place becomes free, a new lane
 * takes its number, and the log says `lane-lost`. A thread cannot be ended from outside without leaving locks and
 * memory as they are, so a lost one is left alone and joined when it returns (docs/decisions/0097-lost-lanes.md).
 * Limits: as many lost lanes at a time as there are lanes; more are not replaced.
 * Threads: open, wait, join and close from the engine's. Errors: roster_open (no thread). */
#ifndef MAILER_DELIVER_ROSTER_H
#define MAILER_DELIVER_ROSTER_H

#include "mailer/deliver/lane.h"

struct roster;

struct roster_setup {
    struct lane_setup lane; /* its number and ended are the roster's */
    size_t lanes;
    int64_t patience_ms;
};

bool roster_open(const struct roster_setup *s, struct roster **out, struct err *e);
/* After desk_stop: waits until every lane's thread has ended. False: until_ns came first. None is replaced any more. */
bool roster_wait(struct roster *r, int64_t until_ns);
/* After roster_wait and settler_stop: ends the roster's thread and joins the lanes. False: some lanes hang, and the
 * roster stays, with all that they were given. */
bool roster_close(struct roster **r);

#endif
