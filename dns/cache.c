#include "dns/cache.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>

#define POSITIVE_TTL_MAX_S (24 * 60 * 60)
#define NEGATIVE_TTL_MAX_S (60 * 60)
#define BYTES_A_BUCKET 512 /* about the size of an entry, so that chains stay short */

/* One entry is one allocation: this, its records, then all its bytes. */
struct entry {
    struct entry *next;          /* in its bucket */
    struct entry *newer, *older; /* in the order of use */
    size_t bytes, bucket;
    int64_t expires_ms;
    const char *name;
    enum dns_type type;
    struct dns_step step;
};

struct cache {
    pthread_mutex_t lock; /* guards all below, but not the numbers that never change */
    struct entry *newest, *oldest;
    struct entry **buckets;
    size_t used;
    size_t buckets_n; /* these three never change */
    size_t max_bytes;
    uint64_t seed;
};

struct cache *cache_open(size_t max_bytes)
{
    struct cache *c = calloc(1, sizeof *c);
    if (!c)
        err_out_of_memory();
    c->max_bytes = max_bytes;
    c->buckets_n = max_bytes / BYTES_A_BUCKET + 1;
    c->buckets = calloc(c->buckets_n, sizeof(struct entry *));
    if (!c->buckets)
        err_out_of_memory();
    hash_random(&c->seed, sizeof c->seed);
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void cache_close(struct cache **owner)
{
    struct cache *c = *owner;
    if (!c)
        return;
    for (struct entry *e = c->newest, *older; e; e = older) {
        older = e->older;
        free(e);
    }
    pthread_mutex_destroy(&c->lock);
    free(c->buckets);
    free(c);
    *owner = NULL;
}

static void unlock(pthread_mutex_t **lock)
{
    pthread_mutex_unlock(*lock);
}

static pthread_mutex_t *lock_of(struct cache *c)
{
    pthread_mutex_lock(&c->lock);
    return &c->lock;
}

/* By name alone, so that cache_expire finds all types of a name in one bucket. FNV-1a with a secret
 * start: strangers choose names, and the worst that a collision costs is a longer chain within
 * max_bytes. */
static size_t bucket_of(const struct cache *c, const char *name)
{
    uint64_t h = c->seed ^ 0xcbf29ce484222325u;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 0x100000001b3u;
    return (size_t)((h ^ h >> 32) % c->buckets_n);
}

static struct entry *find(const struct cache *c, const char *name, enum dns_type type)
{
    struct entry *e = c->buckets[bucket_of(c, name)];
    while (e && (e->type != type || strcmp(e->name, name) != 0))
        e = e->next;
    return e;
}

static void leave_order(struct cache *c, struct entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void become_newest(struct cache *c, struct entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static void drop(struct cache *c, struct entry *e)
{
    struct entry **at = &c->buckets[e->bucket];
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    leave_order(c, e);
    c->used -= e->bytes;
    free(e);
}

static char *put_text(char **at, struct str s)
{
    char *p = *at;
    memcpy(p, s.p, s.n);
    p[s.n] = 0;
    *at += s.n + 1;
    return p;
}

static size_t entry_bytes(const char *name, const struct dns_step *step)
{
    size_t bytes = sizeof(struct entry) + step->n * sizeof(struct dns_record) + strlen(name) + 1 +
                   strlen(step->alias) + 1;
    for (size_t i = 0; i < step->n; i++)
        bytes += step->records[i].data.n + 1;
    return bytes;
}

static struct entry *entry_new(const char *name, enum dns_type type, const struct dns_step *step)
{
    size_t bytes = entry_bytes(name, step);
    struct entry *e = malloc(bytes);
    if (!e)
        err_out_of_memory();
    struct dns_record *records = (struct dns_record *)(e + 1);
    char *at = (char *)(records + step->n);
    *e = (struct entry){.bytes = bytes, .type = type, .step = *step};
    e->name = put_text(&at, str_of(name));
    e->step.alias = put_text(&at, str_of(step->alias));
    e->step.records = records;
    for (size_t i = 0; i < step->n; i++) {
        struct str data = step->records[i].data;
        records[i].number = step->records[i].number;
        records[i].data = (struct str){put_text(&at, data), data.n};
    }
    return e;
}

void cache_put(struct cache *c, const char *name, enum dns_type type, const struct dns_step *step,
    int64_t now_ms)
{
    uint32_t most = step->status == DNS_FOUND ? POSITIVE_TTL_MAX_S : NEGATIVE_TTL_MAX_S;
    struct entry *e = entry_new(name, type, step);
    e->expires_ms = now_ms + 1000 * (int64_t)(step->ttl_s < most ? step->ttl_s : most);
    e->bucket = bucket_of(c, name);

    AUTO(unlock) pthread_mutex_t *held = lock_of(c);
    struct entry *old = find(c, name, type);
    if (old)
        drop(c, old);
    if (e->bytes > c->max_bytes) {
        free(e);
        return;
    }
    while (c->used > c->max_bytes - e->bytes)
        drop(c, c->oldest);
    e->next = c->buckets[e->bucket];
    c->buckets[e->bucket] = e;
    become_newest(c, e);
    c->used += e->bytes;
}

bool cache_get(struct cache *c, const char *name, enum dns_type type, int64_t max_stale_ms,
    int64_t now_ms, struct arena *a, struct dns_step *out)
{
    AUTO(unlock) pthread_mutex_t *held = lock_of(c);
    struct entry *e = find(c, name, type);
    if (!e || now_ms >= e->expires_ms + max_stale_ms)
        return false;
    leave_order(c, e);
    become_newest(c, e);
    step_copy(&e->step, a, out);
    int64_t left_ms = e->expires_ms - now_ms;
    out->stale = left_ms <= 0;
    out->ttl_s = left_ms > 0 ? (uint32_t)((left_ms + 999) / 1000) : 0;
    return true;
}

void cache_expire(struct cache *c, const char *name, int64_t now_ms)
{
    AUTO(unlock) pthread_mutex_t *held = lock_of(c);
    for (struct entry *e = c->buckets[bucket_of(c, name)]; e; e = e->next)
        if (strcmp(e->name, name) == 0 && e->expires_ms > now_ms)
            e->expires_ms = now_ms;
}

size_t cache_bytes(struct cache *c)
{
    AUTO(unlock) pthread_mutex_t *held = lock_of(c);
    return c->used;
}
