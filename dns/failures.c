#include "dns/failures.h"

#include "dns/cache.h"

#include <stdlib.h>

#define MAX_BYTES (256 * 1024)
#define HOLD_MAX_S 5
#define ROW_MAX_MS 60000 /* a failure this long after the one before is a first one again */

/* What a cache keeps of a failure, as the bytes of a record. */
struct failure {
    int64_t given_ns;
    int64_t in_a_row;
};

struct failures {
    struct cache *cache;
};

struct failures *failures_open(void)
{
    struct failures *f = calloc(1, sizeof *f);
    if (!f)
        err_out_of_memory();
    f->cache = cache_open(MAX_BYTES);
    return f;
}

void failures_close(struct failures **owner)
{
    if (!*owner)
        return;
    cache_close(&(*owner)->cache);
    free(*owner);
    *owner = NULL;
}

static void put(struct failures *f, const char *name, enum dns_type type, enum dns_status s,
    const struct failure *x, uint32_t hold_s, int64_t now_ms)
{
    const struct dns_record record = {.data = str_bytes(x, sizeof *x)};
    const struct dns_step step = {
        .status = s, .alias = "", .records = &record, .n = 1, .ttl_s = hold_s};
    cache_put(f->cache, name, type, &step, now_ms);
}

/* left_s: how much longer it holds. */
static bool get(struct failures *f, const char *name, enum dns_type type, int64_t now_ms,
    enum dns_status *status, struct failure *out, uint32_t *left_s)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct dns_step step;
    if (!cache_get(f->cache, name, type, ROW_MAX_MS, now_ms, a, &step))
        return false;
    memcpy(out, step.records[0].data.p, sizeof *out);
    *status = step.status;
    *left_s = step.ttl_s;
    return true;
}

void failures_add(struct failures *f, const char *name, enum dns_type type, enum dns_status s,
    int64_t given_ns, int64_t now_ms)
{
    struct failure x = {.in_a_row = 0};
    enum dns_status before;
    uint32_t left_s, hold_s = 1;

    get(f, name, type, now_ms, &before, &x, &left_s);
    for (int64_t i = 0; i < x.in_a_row && hold_s < HOLD_MAX_S; i++)
        hold_s *= 2;
    x.in_a_row++;
    x.given_ns = given_ns;
    put(f, name, type, s, &x, hold_s < HOLD_MAX_S ? hold_s : HOLD_MAX_S, now_ms);
}

/* Who asks with the same time-out has more or less the same time left, so an eighth more is the same. */
bool failures_find(struct failures *f, const char *name, enum dns_type type, int64_t left_ns,
    int64_t now_ms, enum dns_status *out)
{
    struct failure x;
    uint32_t left_s;
    /* More than the most: the clock was set back. */
    if (!get(f, name, type, now_ms, out, &x, &left_s) || left_s == 0 || left_s > HOLD_MAX_S)
        return false;
    return *out != DNS_TIMEOUT || left_ns <= x.given_ns + x.given_ns / 8;
}

void failures_end(struct failures *f, const char *name, enum dns_type type, int64_t now_ms)
{
    const struct failure none = {.in_a_row = 0};
    struct failure x;
    enum dns_status s;
    uint32_t left_s;
    if (get(f, name, type, now_ms, &s, &x, &left_s))
        put(f, name, type, s, &none, 0, now_ms);
}

void failures_forget(struct failures *f, const char *name, int64_t now_ms)
{
    cache_expire(f->cache, name, now_ms);
}
