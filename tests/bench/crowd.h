/* crowd -- N connections to one port of loopback that send requests as fast as they are answered; one thread, epoll.
 *
 * What is said is the caller's: talk() is called once a connection stands, and each time bytes have come in. It reads
 * them from in, takes them away by setting in.n, appends what is to be sent to out, and calls crowd_begin() and
 * crowd_end() around each request. crowd_report() prints one JSON line: {"accepted", "refused", "seconds",
 * "per_second", "median_ms", "p99_ms"}.
 * Owns connections and buffers. Errors: whatever cannot go on (no connection, no answer for 30 s, a connection closed
 * while requests remain) ends the program with 2, its reason on standard error. */
#ifndef TESTS_BENCH_CROWD_H
#define TESTS_BENCH_CROWD_H

#include "base/buf.h"

#define CROWD_MAX 1024

struct crowd;

struct crowd_member {
    struct buf in, out;
    int phase;   /* the caller's; 0 at first */
    long number; /* of its request, from 0 */
    /* crowd's own: */
    int fd;
    size_t sent;
    int64_t began_ns;
};

struct crowd_setup {
    int port, connections;
    long total; /* requests */
    void (*talk)(void *context, struct crowd *c, struct crowd_member *m);
    void *context;
};

/* Ends the program with 64 unless there are 1 to CROWD_MAX connections, and at least as many requests. */
void crowd_open(const struct crowd_setup *s, struct crowd **out);
/* Until every request has ended. */
void crowd_run(struct crowd *c);
/* A next request, whose latency counts from here; false when all have begun. */
bool crowd_begin(struct crowd *c, struct crowd_member *m);
void crowd_end(struct crowd *c, const struct crowd_member *m, bool accepted);
/* How many were refused. */
long crowd_report(struct crowd *c);
_Noreturn void crowd_fail(const char *what, struct str detail);
void crowd_close(struct crowd **c);

#endif
