/* exchange -- one question to several servers until one answers: UDP, then TCP where an answer is
 * truncated.
 *
 * Each try is a connected socket of its own, so that the kernel drops packets from anywhere else
 * and picks a random port; the ID is random too. Two rounds over the servers share the time, the
 * second waiting twice as long; a late answer to an earlier try still counts. What does not match
 * the question is ignored. A server that says that it cannot answer, refuses the connection or
 * sends garbage is not asked again.
 *
 * Units: steady_ns is clock_steady_ns().
 * Threads: any.
 * Source: RFC 1035 s4.2, 5452, 7766. */
#ifndef DNS_EXCHANGE_H
#define DNS_EXCHANGE_H

#include "dns/wire.h"

#include <sys/socket.h>

struct server {
    struct sockaddr_storage address;
    socklen_t length;
    bool loopback; /* its AD bit may be believed */
};

/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53". Errors: ERR_INPUT. */
bool server_parse(const char *text, struct server *out, struct err *e);

struct exchange {
    const struct server *servers;
    size_t servers_n;
    _Atomic unsigned *first; /* which server to ask first: the one that answered last */
    int64_t deadline_steady_ns;
};

/* DNS_FOUND: *answer is there, whatever it says. Else DNS_SERVFAIL (a server could not say),
 * DNS_BAD (nothing but garbage came) or DNS_TIMEOUT. */
enum dns_status exchange_ask(const struct exchange *x, const char *name, enum dns_type type,
    struct arena *a, const struct wire_answer **answer, bool *from_loopback);

#endif
