/* server -- the DNS servers that a resolver asks, and which of them to ask first.
 *
 * They are asked in the order of the settings. One that was silent, unreachable, or answers to no
 * purpose (garbage, REFUSED) rests: it is asked last for 2 s, then for twice as long each time, a
 * minute at most. After its rest one question tries it in its old place, while all others still ask
 * it last: a server that stays dead costs one question its share of the time, not each. Questions that
 * were under way together when it fell silent count as one failure; those that asked it while it rested
 * count as none. SERVFAIL is about a question, so nobody rests for it.
 *
 * Units: now_ms is the resolver's clock.
 * Threads: any, once the addresses are filled.
 * Errors: server_parse alone, ERR_INPUT. */
#ifndef DNS_SERVER_H
#define DNS_SERVER_H

#include "dns/resolver.h"

#include <limits.h>
#include <sys/socket.h>

struct server {
    struct sockaddr_storage address;
    socklen_t length;
    bool loopback;                   /* its AD bit may be believed */
    _Atomic int64_t rests_until_ms;  /* 0: not at all               */
    _Atomic unsigned fails_in_a_row; /* questions that it let down  */
};

struct servers {
    struct server all[DNS_MAX_SERVERS];
    size_t n;
};

/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53". */
bool server_parse(const char *text, struct server *out, struct err *e);

#define SERVER_RESTED UINT_MAX

struct server_turn {
    size_t at;     /* its index */
    unsigned seen; /* its failures in a row as the question began, SERVER_RESTED while it rests */
};

/* All of them. */
void servers_order(struct servers *s, int64_t now_ms, struct server_turn out[DNS_MAX_SERVERS]);

void server_did_well(struct server *s);
void server_failed(struct server *s, unsigned seen, int64_t now_ms);

#endif
