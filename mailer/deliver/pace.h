/* pace -- how many commands a server hears before its first answer: all that it offers, until it shows otherwise.
 *
 * A server that offers PIPELINING hears MAIL, RCPT and DATA in one go. One that then refuses MAIL, answers out of order or
 * does not answer at all is slowed down by a step, for an hour: it may be another server by then, or was never to blame.
 * The memory holds PACE_SERVERS servers, the newest ones of those that fall on the same place.
 * Units: *_ns are of clock_steady_ns. Cannot fail. Threads: any. Source: RFC 2920 s3.1. */
#ifndef MAILER_DELIVER_PACE_H
#define MAILER_DELIVER_PACE_H

#include "dns/mx.h"

enum pace {
    PACE_ALONE, /* each command alone, whatever is offered */
    PACE_PAIR,  /* MAIL alone, then RCPT and DATA          */
    PACE_GROUP, /* MAIL, RCPT and DATA                     */
};

#define PACE_SERVERS 1024
#define PACE_MEMORY_NS INT64_C(3600000000000)

struct pace_memory;

struct pace_memory *pace_open(void);
void pace_close(struct pace_memory **m);

enum pace pace_of(struct pace_memory *m, const struct ip *address, int port, int64_t now_ns);
/* From now on at most this one; a slower one that it has already stays. True: it is slower than it was. */
bool pace_slow(
    struct pace_memory *m, const struct ip *address, int port, enum pace most, int64_t now_ns);

#endif
