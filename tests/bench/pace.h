/* pace -- how often one piece of work is done in a second, on one thread or several.
 *
 * Rates are per second of a thread's CPU time, as those of `openssl speed` are, so that other work on the machine
 * disturbs them little. Each figure is one line of JSON on standard output: {"what", "threads", "per_second", "bytes"}.
 * Errors: a piece of work that fails ends the program with 1, its reason on standard error. */
#ifndef TESTS_BENCH_PACE_H
#define TESTS_BENCH_PACE_H

#include "base/buf.h"
#include "base/err.h"

#define PACE_MAX_THREADS 16

/* One piece of work; `out` is the thread's own and comes empty. The context is shared and never changed. */
typedef bool pace_work(const void *context, struct buf *out, struct err *e);

struct pace {
    const char *what;
    pace_work *work;
    const void *context;
};

void pace_alone(double seconds, int threads, const struct pace *p);

/* Work and limit in turns, `seconds` each, so that a drift of the machine meets both. */
void pace_pair(double seconds, int threads, const struct pace *p, const struct pace *limit);

/* Ends the program unless ok. */
void pace_must(bool ok, const struct err *e);

#endif
