#include "mailer/http/account.h"

#include "base/log.h"
#include "mailer/http/router.h"

#include <stdatomic.h>
#include <stdlib.h>

#define STATUS_FIRST 100
#define STATUSES 500

struct account {
    struct metrics *metrics;
    /* Filled by whoever comes first: the registry gives everybody the same. */
    _Atomic(struct histogram *) spans[ROUTER_PLACES], accepted[2];
    _Atomic(struct counter *) answered[ROUTER_PLACES][STATUSES];
};

struct account *account_open(struct metrics *m_or_null)
{
    struct account *a = calloc(1, sizeof *a);

    if (!a)
        err_out_of_memory();
    a->metrics = m_or_null;
    return a;
}

void account_close(struct account **a)
{
    free(*a);
    *a = NULL;
}

static const char *pattern_of(const struct exchange *x)
{
    return x->route ? x->route->pattern : "none";
}

static struct counter *find_counter(struct account *a, const struct exchange *x)
{
    return metrics_counter(a->metrics, "parcelpost_http_requests_total", "Answered HTTP requests",
        arena_printf(x->arena, "route=\"%s\",status=\"%u\"", pattern_of(x), x->status));
}

static struct histogram *find_spans(struct account *a, const struct exchange *x)
{
    return metrics_histogram(a->metrics, "parcelpost_http_request_seconds",
        "From the head of an HTTP request to the end of its answer",
        arena_printf(x->arena, "route=\"%s\"", pattern_of(x)));
}

/* A status that is none is 0: the connection ended before an answer. */
static void count(struct account *a, const struct exchange *x, size_t place)
{
    bool usual = x->status >= STATUS_FIRST && x->status < STATUS_FIRST + STATUSES;
    _Atomic(struct counter *) *kept = usual ? &a->answered[place][x->status - STATUS_FIRST] : NULL;
    struct counter *c = kept ? atomic_load_explicit(kept, memory_order_acquire) : NULL;

    if (!c)
        c = find_counter(a, x);
    if (kept)
        atomic_store_explicit(kept, c, memory_order_release);
    counter_add(c, 1);
}

void account_request(struct account *a, const struct exchange *x, int64_t took_ns)
{
    size_t place = router_place(x->route);
    struct histogram *h;

    log_debug("request", KV("request", x->id.s), KV("method", x->route ? x->route->method : "none"),
        KV("route", pattern_of(x)), KV_INT("status", x->status), KV_INT("took_us", took_ns / 1000));
    if (!a->metrics)
        return;
    count(a, x, place);
    h = atomic_load_explicit(&a->spans[place], memory_order_acquire);
    if (!h) {
        h = find_spans(a, x);
        atomic_store_explicit(&a->spans[place], h, memory_order_release);
    }
    histogram_add_ns(h, took_ns);
}

void account_accepted(struct account *a, const struct exchange *x, int64_t took_ns)
{
    _Atomic(struct histogram *) *kept = &a->accepted[x->batch != NULL];
    struct histogram *h = atomic_load_explicit(kept, memory_order_acquire);

    if (!a->metrics)
        return;
    if (!h) {
        h = metrics_histogram(a->metrics, "parcelpost_intake_seconds",
            "From the head of a send request to the answer that its mails are on disk",
            x->batch ? "road=\"batch\"" : "road=\"single\"");
        atomic_store_explicit(kept, h, memory_order_release);
    }
    histogram_add_ns(h, took_ns);
}
