/* tally -- the numbers that delivery keeps: looked up once, written by every lane.
 * Any thread. */
#ifndef MAILER_DELIVER_TALLY_H
#define MAILER_DELIVER_TALLY_H

#include "base/metrics.h"
#include "queue/queue.h"

struct tally {
    struct counter *ended[MSG_STATES]; /* settles by the state that they led to */
    struct counter *unsure, *given_back, *suppressions;
    struct counter *connections, *settle_retries;
    struct histogram *due_to_delivered, *attempt, *per_connection;
    struct counter *lanes_replaced;
    struct gauge *lanes_lost, *leases, *oldest_lease_s; /* as of the roster's last look */
    struct gauge *lanes_busy, *lanes_idle, *connections_open, *held;
    struct gauge *messages[MSG_STATES]; /* in the store, as of the keeper's last look */
    struct metrics *own;                /* when nobody gave a registry */
};

/* m may be NULL: then the numbers are kept and nobody prints them. */
void tally_open(struct metrics *m, struct tally *out);
/* So many lanes more have work. */
void tally_busy(struct tally *t, int more);
void tally_close(struct tally *t);

#endif
