/* peers -- every open connection with the moment by which it must have got further, and a thread that shuts
 * down those that have not: the library's own timeout counts idleness only, and a client that sends a byte
 * now and then would keep a connection for ever.
 * Units: spans in milliseconds from now, by the steady clock. Any thread.
 * A descriptor is shut down under the lock that peers_remove takes, so it is never one that was reused. */
#ifndef MAILER_HTTP_PEERS_H
#define MAILER_HTTP_PEERS_H

#include "base/buf.h"
#include "base/err.h"

struct peers;
struct peer;

/* The head that is being read. Here, because the library tells of a request line and then may drop the
 * connection without a word; the peer is always removed. Of the connection's thread alone. */
struct peer_head {
    struct buf target;
    uintptr_t target_at; /* where the library keeps the target */
    int64_t began_ns;
};

bool peers_open(struct peers **out, struct err *e);
void peers_close(struct peers **p); /* all connections must be gone */
struct peer *peers_add(struct peers *p, int fd, int64_t span_ms);
void peers_give(struct peers *p, struct peer *one, int64_t span_ms); /* a new span from now */
struct peer_head *peer_head(struct peer *one);
void peers_remove(struct peers *p, struct peer *one); /* before the descriptor is closed */

#endif
