/* flight -- equal questions at once go to the servers once: who comes first leads and asks, the
 * others follow and wait for what comes back.
 *
 * A follower waits until its own deadline, not the leader's. A leader's failure is its followers'
 * too, but for one: a time-out says little to a follower who has more time left than the leader was
 * given, so that it asks anew. A leader puts what it learnt into the cache before it lands, and looks
 * there before it asks: between both, nobody slips through to a second question.
 *
 * Units: steady_ns is clock_steady_ns().
 * Ownership: flights_board gives a share in a flight, flight_leave gives it back; reply and arena
 * live as long as any share.
 * Errors: none.
 * Threads: any; one lock, never held while somebody asks. */
#ifndef DNS_FLIGHT_H
#define DNS_FLIGHT_H

#include "dns/exchange.h"

struct flights;
struct flight;

struct flights *flights_open(void);
void flights_close(struct flights **f); /* nobody has a share any more */

/* *leads: the caller must come to flight_land or flight_cancel, and give itself until its deadline. */
struct flight *flights_board(struct flights *f, const struct exchange_question *q,
    int64_t deadline_steady_ns, bool *leads) MUST_CHECK;

/* The leader's. Where its reply lies; */
struct arena *flight_arena(struct flight *x);
/* it came, or the failure; */
void flight_land(struct flight *x, enum dns_status s, const struct exchange_reply *reply);
/* it need not be asked for. */
void flight_cancel(struct flight *x);

enum flight_end {
    FLIGHT_LANDED, /* flight_status says how          */
    FLIGHT_LATE,   /* not before the caller's deadline */
    FLIGHT_AGAIN,  /* leave, look, board once more     */
};
enum flight_end flight_wait(struct flight *x, int64_t deadline_steady_ns) MUST_CHECK;

/* After landing. DNS_FOUND: flight_reply is there. */
enum dns_status flight_status(const struct flight *x);
const struct exchange_reply *flight_reply(const struct flight *x);

void flight_leave(struct flight **x);

#endif
