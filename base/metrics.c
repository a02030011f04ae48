#include "base/metrics.h"

#include "base/err.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define BUCKETS_MAX 20

enum kind { COUNTER, GAUGE, SPANS, SIZES };

struct counter {
    _Atomic uint64_t value;
};

struct gauge {
    _Atomic int64_t value;
};

struct histogram {
    const uint64_t *bounds; /* ns or sizes, rising: a bucket holds values up to and with its own */
    size_t n;
    _Atomic uint64_t counts[BUCKETS_MAX + 1]; /* not cumulative; the last is above all bounds */
    _Atomic uint64_t sum;
};

struct series {
    struct series *next;
    char *labels;
    union {
        struct counter counter;
        struct gauge gauge;
        struct histogram histogram;
    };
};

struct family {
    struct family *next;
    const char *name, *help;
    enum kind kind;
    struct series *first, **end;
};

struct metrics {
    pthread_mutex_t lock; /* guards the lists, not the numbers */
    struct family *first, **end;
};

#define US UINT64_C(1000)
#define MS (1000 * US)
#define S (1000 * MS)
static const uint64_t span_bounds[] = {100 * US, 200 * US, 500 * US, 1 * MS, 2 * MS, 5 * MS,
    10 * MS, 20 * MS, 50 * MS, 100 * MS, 200 * MS, 500 * MS, 1 * S, 2 * S, 5 * S, 10 * S, 20 * S,
    50 * S, 100 * S};
static const uint64_t size_bounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};
_Static_assert(COUNT_OF(span_bounds) <= BUCKETS_MAX && COUNT_OF(size_bounds) <= BUCKETS_MAX,
    "a histogram holds every bound");

static void *new_zeroed(size_t bytes)
{
    void *p = calloc(1, bytes);

    if (!p)
        err_out_of_memory();
    return p;
}

struct metrics *metrics_open(void)
{
    struct metrics *m = new_zeroed(sizeof *m);

    pthread_mutex_init(&m->lock, NULL);
    m->end = &m->first;
    return m;
}

static void close_family(struct family *f)
{
    for (struct series *s = f->first, *next; s; s = next) {
        next = s->next;
        free(s->labels);
        free(s);
    }
    free(f);
}

void metrics_close(struct metrics **m)
{
    if (!*m)
        return;
    for (struct family *f = (*m)->first, *next; f; f = next) {
        next = f->next;
        close_family(f);
    }
    pthread_mutex_destroy(&(*m)->lock);
    free(*m);
    *m = NULL;
}

/* One name with two kinds is a mistake in this program, and no scraper could read the outcome. */
static struct family *find_family(
    struct metrics *m, const char *name, const char *help, enum kind kind)
{
    for (struct family *f = m->first; f; f = f->next) {
        if (strcmp(f->name, name) != 0)
            continue;
        if (f->kind != kind)
            abort();
        return f;
    }
    struct family *f = new_zeroed(sizeof *f);
    *f = (struct family){.name = name, .help = help, .kind = kind};
    f->end = &f->first;
    *m->end = f;
    m->end = &f->next;
    return f;
}

static struct series *find_series(struct family *f, const char *labels)
{
    for (struct series *s = f->first; s; s = s->next)
        if (strcmp(s->labels, labels) == 0)
            return s;
    struct series *s = new_zeroed(sizeof *s);
    s->labels = strdup(labels);
    if (!s->labels)
        err_out_of_memory();
    if (f->kind == SPANS) {
        s->histogram.bounds = span_bounds;
        s->histogram.n = COUNT_OF(span_bounds);
    } else if (f->kind == SIZES) {
        s->histogram.bounds = size_bounds;
        s->histogram.n = COUNT_OF(size_bounds);
    }
    *f->end = s;
    f->end = &s->next;
    return s;
}

static struct series *look_up(
    struct metrics *m, const char *name, const char *help, const char *labels, enum kind kind)
{
    pthread_mutex_lock(&m->lock);
    struct series *s = find_series(find_family(m, name, help, kind), labels ? labels : "");
    pthread_mutex_unlock(&m->lock);
    return s;
}

struct counter *metrics_counter(
    struct metrics *m, const char *name, const char *help, const char *labels)
{
    return &look_up(m, name, help, labels, COUNTER)->counter;
}

struct gauge *metrics_gauge(
    struct metrics *m, const char *name, const char *help, const char *labels)
{
    return &look_up(m, name, help, labels, GAUGE)->gauge;
}

struct histogram *metrics_histogram(
    struct metrics *m, const char *name, const char *help, const char *labels)
{
    return &look_up(m, name, help, labels, SPANS)->histogram;
}

struct histogram *metrics_size_histogram(
    struct metrics *m, const char *name, const char *help, const char *labels)
{
    return &look_up(m, name, help, labels, SIZES)->histogram;
}

void counter_add(struct counter *c, uint64_t n)
{
    atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}

uint64_t counter_value(const struct counter *c)
{
    return atomic_load_explicit(&c->value, memory_order_relaxed);
}

void gauge_set(struct gauge *g, int64_t value)
{
    atomic_store_explicit(&g->value, value, memory_order_relaxed);
}

void gauge_add(struct gauge *g, int64_t delta)
{
    atomic_fetch_add_explicit(&g->value, delta, memory_order_relaxed);
}

static void histogram_add(struct histogram *h, uint64_t value)
{
    size_t i = 0;

    while (i < h->n && value > h->bounds[i])
        i++;
    atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum, value, memory_order_relaxed);
}

void histogram_add_ns(struct histogram *h, int64_t span_ns)
{
    histogram_add(h, span_ns > 0 ? (uint64_t)span_ns : 0);
}

void histogram_add_size(struct histogram *h, uint64_t size)
{
    histogram_add(h, size);
}

/* Nanoseconds as seconds, without the trailing zeros; sizes as they are. */
static void print_value(struct buf *out, enum kind kind, uint64_t value)
{
    if (kind == SIZES) {
        buf_add_u64(out, value);
        return;
    }
    buf_addf(out, "%llu.%09llu", (unsigned long long)(value / S), (unsigned long long)(value % S));
    while (out->p[out->n - 1] == '0')
        buf_cut(out, out->n - 1);
    if (out->p[out->n - 1] == '.')
        buf_cut(out, out->n - 1);
}

static void print_name(struct buf *out, const char *name, const char *suffix, const char *labels)
{
    buf_add_text(out, name);
    buf_add_text(out, suffix);
    if (*labels)
        buf_addf(out, "{%s}", labels);
    buf_add_char(out, ' ');
}

static void begin_bucket(struct buf *out, const struct family *f, const struct series *s)
{
    buf_addf(out, "%s_bucket{%s%sle=\"", f->name, s->labels, *s->labels ? "," : "");
}

/* The count is the sum of the buckets, so that a scrape amid writing stays consistent in itself. */
static void print_histogram(struct buf *out, const struct family *f, const struct series *s)
{
    const struct histogram *h = &s->histogram;
    uint64_t so_far = 0;

    for (size_t i = 0; i <= h->n; i++) {
        so_far += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
        begin_bucket(out, f, s);
        if (i < h->n)
            print_value(out, f->kind, h->bounds[i]);
        else
            buf_add_text(out, "+Inf");
        buf_addf(out, "\"} %llu\n", (unsigned long long)so_far);
    }
    print_name(out, f->name, "_sum", s->labels);
    print_value(out, f->kind, atomic_load_explicit(&h->sum, memory_order_relaxed));
    buf_add_char(out, '\n');
    print_name(out, f->name, "_count", s->labels);
    buf_add_u64(out, so_far);
    buf_add_char(out, '\n');
}

static void print_series(struct buf *out, const struct family *f, const struct series *s)
{
    if (f->kind == SPANS || f->kind == SIZES) {
        print_histogram(out, f, s);
        return;
    }
    print_name(out, f->name, "", s->labels);
    if (f->kind == COUNTER)
        buf_add_u64(out, counter_value(&s->counter));
    else
        buf_add_i64(out, atomic_load_explicit(&s->gauge.value, memory_order_relaxed));
    buf_add_char(out, '\n');
}

static void print_help(struct buf *out, const struct family *f)
{
    static const char *const types[] = {
        [COUNTER] = "counter", [GAUGE] = "gauge", [SPANS] = "histogram", [SIZES] = "histogram"};

    buf_addf(out, "# HELP %s ", f->name);
    for (const char *p = f->help; *p; p++) {
        if (*p == '\\')
            buf_add_text(out, "\\\\");
        else if (*p == '\n')
            buf_add_text(out, "\\n");
        else
            buf_add_char(out, *p);
    }
    buf_addf(out, "\n# TYPE %s %s\n", f->name, types[f->kind]);
}

void metrics_print(const struct metrics *m, struct buf *out)
{
    /* The registry is never a const object: its owner got it from metrics_open. */
    pthread_mutex_t *lock = (pthread_mutex_t *)&m->lock;

    pthread_mutex_lock(lock);
    for (const struct family *f = m->first; f; f = f->next) {
        print_help(out, f);
        for (const struct series *s = f->first; s; s = s->next)
            print_series(out, f, s);
    }
    pthread_mutex_unlock(lock);
}
