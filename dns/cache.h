/* cache -- steps (dns/step.h) that servers gave, by name and type, in bounded memory.
 * Entries past their TTL stay until room is needed, as the last known good; the least recently used
 * goes first. TTLs are cut to a day, negative ones to an hour, so that a repaired record is seen
 * soon.
 * Units: now_ms is the caller's clock.
 * Ownership: results are copied into the caller's arena.
 * Threads: any; one lock, held for a look-up and its copy.
 * Source: RFC 2308, RFC 8767. */
#ifndef DNS_CACHE_H
#define DNS_CACHE_H

#include "dns/step.h"

struct cache;

struct cache *cache_open(size_t max_bytes);
void cache_close(struct cache **c);

void cache_put(struct cache *c, const char *name, enum dns_type type, const struct dns_step *step,
    int64_t now_ms);

/* An entry that is at most max_stale_ms past its TTL; with 0 only a fresh one. */
bool cache_get(struct cache *c, const char *name, enum dns_type type, int64_t max_stale_ms,
    int64_t now_ms, struct arena *a, struct dns_step *out);

/* Ends the TTL of every type of this name; the entries stay as last known good. */
void cache_expire(struct cache *c, const char *name, int64_t now_ms);

size_t cache_bytes(struct cache *c); /* in use */

#endif
