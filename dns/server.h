/* server -- the DNS servers that a resolver asks.
 * Threads: any, once they are filled.
 * Errors: server_parse alone, ERR_INPUT. */
#ifndef DNS_SERVER_H
#define DNS_SERVER_H

#include "dns/resolver.h"

#include <sys/socket.h>

struct server {
    struct sockaddr_storage address;
    socklen_t length;
    bool loopback; /* its AD bit may be believed */
};

struct servers {
    struct server all[DNS_MAX_SERVERS];
    size_t n;
    _Atomic unsigned first; /* the one that answered last */
};

/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53". */
bool server_parse(const char *text, struct server *out, struct err *e);

#endif
