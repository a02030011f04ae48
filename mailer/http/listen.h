/* listen -- the socket that the settings name, and who counts as near. */
#ifndef MAILER_HTTP_LISTEN_H
#define MAILER_HTTP_LISTEN_H

#include "base/conf.h"

struct sockaddr;

struct listening {
    int fd;
    unsigned port;
    bool is_ipv6;
    bool is_public; /* strangers connect themselves: neither loopback nor behind a trusted proxy */
};

bool listen_open(const struct conf *c, struct listening *out, struct err *e);
/* On loopback, or one of the trusted proxies. */
bool listen_is_near(const struct sockaddr *address, const struct conf *c);

#endif
