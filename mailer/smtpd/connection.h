/* connection -- one client of the server: a channel, a session and what it waits for.
 * Moved on by events and by its timer; never blocks.
 * Units: milliseconds of the steady clock.
 * Owned by the server's thread; connection_end frees it. */
#ifndef MAILER_SMTPD_CONNECTION_H
#define MAILER_SMTPD_CONNECTION_H

#include "mailer/smtpd/body.h"
#include "mailer/smtpd/channel.h"
#include "mailer/smtpd/session.h"
#include "mailer/smtpd/timers.h"

#define CONNECTION_READ_BYTES ((size_t)128 << 10)

/* What the connections of one thread share. */
struct connection_house {
    const struct smtpd_setup *setup;
    struct channel_tls *tls; /* NULL = none */
    int epoll_fd;
    struct timers timers;
    char *input; /* CONNECTION_READ_BYTES: one read's worth, used up within the call */
    int64_t now_ms;
    struct connection *first; /* all of them */
    size_t n;
    struct body_room room;
    _Atomic uint64_t *messages;
};

struct connection;

/* Takes over the descriptor, which is non-blocking. */
void connection_begin(struct connection_house *h, int fd, const char *peer, uint64_t number);
void connection_event(struct connection *c, uint32_t events);
void connection_timer(struct connection *c);
void connection_end(struct connection *c);
/* 421 for whom it can reach without waiting, then the end: the server stops. */
void connection_farewell(struct connection *c);

#endif
