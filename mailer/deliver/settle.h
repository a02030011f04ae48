/* settle -- writes what became of a message, and does not give up while the disk refuses.
 *
 * A delivered mail whose settle were dropped would be sent again, so a lane stays with its message until the store
 * takes it; meanwhile nothing else is sent by that lane. Only when the service stops is it left: the message's slot
 * in the flight file stays, and the next start knows (docs/decisions/0051-unsure.md). A lease that was lost is
 * another's message: nothing is written, and it is logged.
 * Threads: a settler is shared by all lanes. */
#ifndef MAILER_DELIVER_SETTLE_H
#define MAILER_DELIVER_SETTLE_H

#include "mailer/deliver/tally.h"
#include "queue/queue.h"

#include <pthread.h>

struct settler {
    struct queue *queue;
    const struct clock *clock;
    struct tally *tally;
    pthread_mutex_t lock; /* guards stop */
    pthread_cond_t stopped;
    bool stop;
};

void settler_open(
    struct settler *s, struct queue *q, const struct clock *clock, struct tally *tally);
void settler_close(struct settler *s);
void settler_stop(struct settler *s); /* from now on a refusing disk is not waited for */

void settle(struct settler *s, const struct settlement *what);

#endif
