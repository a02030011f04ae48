/* server -- the wire under the exchanges (libmicrohttpd; server.c and wire.c are its only users).
 *
 * The library calls back for each piece of a request; a struct carrier holds it from the end of its head to the
 * end of its answer. A stopped service first lets requests under way end, and waits for those that wait for the
 * disk, because their memory is in use until the queue has answered. */
#ifndef MAILER_HTTP_SERVER_H
#define MAILER_HTTP_SERVER_H

#include "mailer/http/exchange.h"
#include "mailer/http/peers.h"

#include <pthread.h>
#include <stdatomic.h>

#define HEAD_BYTES (32 * 1024) /* of request line and headers, and of the read buffer */
#define HEAD_BYTES_OF_ANSWER 2048
#define HEAD_BYTES_A_VALUE 64

struct MHD_Connection;
struct MHD_Daemon;

struct http {
    struct http_setup setup;
    struct MHD_Daemon *daemon;
    unsigned port;
    struct peers *peers;
    struct quota *quota;
    atomic_int readiness; /* what the log last said of it (health.c) */
    struct tellings tellings;
    struct account *account;
    pthread_mutex_t lock; /* guards under_way, suspended and stopping */
    pthread_cond_t quieter;
    size_t under_way, suspended;
    bool stopping;      /* the grace is over: nobody waits for the disk any more */
    atomic_size_t held; /* bytes of all bodies and answers that are kept at this moment */
};

struct carrier {
    struct http *http;
    struct MHD_Connection *connection;
    struct peer *peer; /* its head holds the target */
    bool waiting, was_large;
    size_t received; /* bytes of the body, kept or not */
    size_t held;     /* its share of the http's: of its body, then of its answer */
    struct exchange x;
};

/* wire.c: what the library lets pass and HTTP does not. False: answered with 400 or 431, and to be closed. */
bool wire_is_sound(struct carrier *c, const char *method, const char *version);
uint64_t wire_body_length(const struct carrier *c); /* as declared, 0 when it is not */
void wire_refuse_size(struct exchange *x);

#endif
