/* courier -- takes the mail in a lane's hand along a route, from hop to hop, until a server decides it.
 *
 * A hop that cannot be reached, greets with 4xx or 5xx, or ends the conversation before MAIL is answered, leaves the
 * mail in hand, and the next hop is tried (RFC 5321 s5.1). A connection that ends between two mails leaves the
 * second one in hand: it starts at the first hop again. Where TLS is only an offer and its handshake fails, the hop
 * is tried once more in clear, and the journal says so (docs/decisions/0052-opportunistic-tls.md).
 * Ownership: one courier per lane; what it is given is borrowed. Threads: the lane's. */
#ifndef MAILER_DELIVER_COURIER_H
#define MAILER_DELIVER_COURIER_H

#include "mailer/deliver/route.h"
#include "mailer/deliver/tally.h"

struct courier {
    struct smtp_shared *smtp;
    struct watch *watch;
    struct dial *dial;
    struct tally *tally;
    struct hop hop;            /* the one that feed.done hears from, and the one of a failure */
    struct smtp_report report; /* of a failure: its `failure` and `cover` */
    struct smtp_report last;
};

enum carried {
    CARRIED,         /* every mail went to feed.done                              */
    CARRY_FAILED,    /* one is in hand still; hop and report say what happened     */
    CARRY_UNROUTED,  /* one is in hand; no hop was there to try: the route's status */
    CARRY_NEED_7BIT, /* one is in hand; the hop takes no 8-bit mail               */
    CARRY_STOPPED,   /* one is in hand; the grace of a stop is over               */
};

/* in_hand: where feed.next leaves the mail that it gives. */
enum carried courier_carry(struct courier *c, const struct conf *conf, struct route *route,
    const struct smtp_feed *feed, const struct smtp_mail *in_hand);

#endif
