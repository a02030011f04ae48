/* http -- the post room's counter: the API, the unsubscribe page, health and metrics over HTTP/1.1.
 *
 * Listens where the settings say (listen_address, listen_port; port 0 takes a free one). TLS is a reverse
 * proxy's work. Every input has a limit, and no client can keep a connection longer than the spans below.
 * Logs no personal data: routes are named by their pattern, addresses and tokens never appear.
 * Ownership: what the setup points to must outlive the http. Threads: open, stop and close from one thread;
 * requests run in a small pool of threads of the library. Errors: http_open, when it cannot listen.
 * Source: RFC 9110, 9112, 9457, 6750, 8058. */
#ifndef MAILER_HTTP_HTTP_H
#define MAILER_HTTP_HTTP_H

#include "mailer/intake/intake.h"

struct http;
struct surveyor;

struct http_limits {      /* 0 = the default */
    int64_t idle_ms;      /* from an answer to the next request line: 75 s */
    int64_t head_ms;      /* from connecting to that line, then to the end of the head: 10 s each */
    int64_t body_ms;      /* from there to the end of the body: 60 s */
    int64_t answer_ms;    /* from there until the answer is sent: 60 s */
    unsigned connections; /* at the same time: 1000 */
    unsigned per_address; /* of one public address: 256; not behind a proxy or on loopback */
    unsigned threads;     /* 4 */
    size_t held_bytes; /* of bodies and answers together: 128 MiB or four of the largest bodies */
};

struct http_setup {
    struct snapshot_holder *snapshots;
    struct queue *queue;
    struct ids *ids;
    const struct clock *clock;
    struct metrics *metrics;
    const struct keyring *keys;
    const struct intake_setup *intake;
    struct surveyor *surveyor; /* for /v1/domains; http_stop stops it. NULL = none */
    struct http_limits limits;
};

bool http_open(const struct http_setup *s, struct http **out, struct err *e);
unsigned http_port(const struct http *h);
/* No new connections; requests under way may finish within grace_ms. The queue must still be open. */
void http_stop(struct http *h, int64_t grace_ms);
void http_close(struct http **h); /* stops at once where http_stop was not called */

#endif
