/* step -- what one source (zone file, cache, server) says about one name and type.
 * An alias is followed by the resolver, never by the source: the next name may belong to another
 * one. A plain value; what it points to lies in the arena of whoever asked. */
#ifndef DNS_STEP_H
#define DNS_STEP_H

#include "dns/resolver.h"

struct dns_step {
    enum dns_status status; /* FOUND, NXDOMAIN or NODATA */
    const char *alias;      /* FOUND: the CNAME's target instead of records, "" = none */
    const struct dns_record *records;
    size_t n;
    uint32_t ttl_s;
    bool secure, stale;
};

/* target: a name's text, "" the root. There the journey ends: the root has nothing of what mail asks for, and "" is no
 * alias. */
static inline void step_lead_to(struct dns_step *s, const char *target, uint32_t ttl_s)
{
    s->status = target[0] ? DNS_FOUND : DNS_NODATA;
    s->alias = target;
    s->ttl_s = ttl_s;
}

/* A deep copy into the arena. */
void step_copy(const struct dns_step *from, struct arena *a, struct dns_step *out);

#endif
