/* metrics -- counters, gauges and latency histograms that any floor writes and /metrics prints.
 * Look one up once and keep the pointer: writing is one atomic add. The same name and labels give
 * the same object. Names and help are string constants; labels are `outcome="delivered"` or "".
 * Pointers live as long as the registry. Any thread. Output: Prometheus text format 0.0.4. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/buf.h"

struct metrics;
struct counter;
struct gauge;
struct histogram;

struct metrics *metrics_open(void);
void metrics_close(struct metrics **m);

struct counter *metrics_counter(
    struct metrics *m, const char *name, const char *help, const char *labels);
struct gauge *metrics_gauge(
    struct metrics *m, const char *name, const char *help, const char *labels);
/* Buckets from 100 us to 100 s, three to the decade; printed in seconds. */
struct histogram *metrics_histogram(
    struct metrics *m, const char *name, const char *help, const char *labels);
/* Buckets at powers of two from 1 to 4096: group sizes and the like. */
struct histogram *metrics_size_histogram(
    struct metrics *m, const char *name, const char *help, const char *labels);

void counter_add(struct counter *c, uint64_t n);
uint64_t counter_value(const struct counter *c);
void gauge_set(struct gauge *g, int64_t value);
void gauge_add(struct gauge *g, int64_t delta);
void histogram_add_ns(struct histogram *h, int64_t span_ns);
void histogram_add_size(struct histogram *h, uint64_t size);

void metrics_print(const struct metrics *m, struct buf *out);

#endif
