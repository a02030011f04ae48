/* ending -- the ways in which an attempt ends; each writes one settle and returns false, so that a step of the story
 * can be `found || end_...`.
 * Trouble of our store, the gate and the DNS waits without being counted as an attempt; what a server said, or that no
 * host could be asked, is counted, so that the next time comes later and later; what only a person can repair is held
 * ("gate:CODE" releases itself, "incident:letter" and "incident:unsure" do not). A deferral is one line of the log.
 * Threads: the attempt's. */
#ifndef MAILER_DELIVER_ENDING_H
#define MAILER_DELIVER_ENDING_H

#include "mailer/deliver/attempt.h"

bool end_by_verdict(struct attempt *t);
bool end_waiting(struct attempt *t, const char *reason);    /* again after retry_first */
bool end_expired(struct attempt *t);                        /* nobody waits for it any more */
bool end_suppressed(struct attempt *t);                     /* comply says no */
bool end_held(struct attempt *t);                           /* the gate says no */
bool end_unwritten(struct attempt *t, const struct err *e); /* the letter cannot be made */
bool end_unrouted(struct attempt *t);                       /* no host to ask */
bool end_untouched(struct attempt *t);                      /* given back */

#endif
