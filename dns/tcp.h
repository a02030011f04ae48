/* tcp -- one DNS question over TCP: a length, the question; a length, the answer (RFC 7766).
 * Non-blocking inside, so that a dripping server costs no more than the time given. Any thread. */
#ifndef DNS_TCP_H
#define DNS_TCP_H

#include "dns/exchange.h"

/* The answer's bytes, unread; false: none in time. */
bool tcp_ask(const struct server *s, const struct wire_question *q, int64_t until_steady_ns,
    struct buf *out);

#endif
