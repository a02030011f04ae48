/* exchange -- one question to several servers until one answers: UDP, then TCP where an answer is
 * truncated.
 *
 * Each try is a connected socket of its own, so that the kernel drops packets from anywhere else
 * and picks a random port; the ID is random too. Two rounds over the servers share the time, the
 * second waiting twice as long; a late answer to an earlier try still counts. What does not match
 * the question is ignored.
 *
 * The question's letters have a random case, and a datagram must repeat it. One that matches but for
 * the case may be forged or come from a server that folds the case: that server is asked over TCP,
 * where nobody can forge. Only where its TCP does not answer is it asked a second time over UDP,
 * from another port with another ID, and then believed in any case: who forges that had to guess
 * two ports and two IDs, and with a server that folds nothing better is to be had. This is not
 * remembered, so that a forged packet costs one question its TCP and changes nothing else.
 *
 * A server that says that it cannot answer, refuses the connection or sends garbage is not asked again in
 * this question; who is asked last in the next ones stands in server.h.
 *
 * Units: steady_ns is clock_steady_ns().
 * Threads: any.
 * Source: RFC 1035 s4.2, 5452, 7766, draft-vixie-dnsext-dns0x20. */
#ifndef DNS_EXCHANGE_H
#define DNS_EXCHANGE_H

#include "dns/server.h"
#include "dns/wire.h"

struct exchange {
    struct servers *servers;   /* at least one */
    const struct clock *clock; /* for their rests */
    int64_t deadline_steady_ns;
    bool direct; /* to authoritative servers: recursion is not desired */
};

struct exchange_question {
    const char *name; /* canonical */
    enum dns_type type;
    bool dnssec; /* asks for signatures too (DO, RFC 3225); a server that knows none cannot say */
};

struct exchange_reply {
    const struct wire_answer *answer;
    bool from_loopback;
    struct str packet; /* its bytes, where dnssec was asked for */
};

/* DNS_FOUND: *out is filled, whatever the answer says. Else DNS_SERVFAIL (a server could not say),
 * DNS_BAD (nothing but garbage came) or DNS_TIMEOUT. */
enum dns_status exchange_ask(const struct exchange *x, const struct exchange_question *q,
    struct arena *a, struct exchange_reply *out);

#endif
