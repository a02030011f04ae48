/* dkim_spread -- whether every authoritative server of the zone shows the same DKIM key record: that of our key, or
 * none. One server that lags is enough for a receiver to see the old state.
 * Results lie in the arena. Cannot fail: what is not known is said server by server. Any thread.
 * Source: RFC 6376 s3.6.1, s3.6.2; authority.h. */
#ifndef DNS_DKIM_SPREAD_H
#define DNS_DKIM_SPREAD_H

#include "dns/authority.h"

enum dkim_seen {
    DKIM_SEEN_OURS,    /* one record, with our key, that counts for mail               */
    DKIM_SEEN_ABSENT,  /* no record                                                    */
    DKIM_SEEN_REVOKED, /* p= empty                                                     */
    DKIM_SEEN_OTHER,   /* another key, several records, or one that does not count     */
    DKIM_SEEN_UNKNOWN, /* the server did not say                                       */
};

struct dkim_sighting {
    const char *host, *address;
    enum dkim_seen seen;
    const char *why; /* one sentence, "" for ours */
};

struct dkim_spread {
    const char *name;                    /* "pp2._domainkey.shop.example" */
    const char *why;                     /* the servers could not all be found; else "" */
    const struct dkim_sighting *servers; /* those that count */
    size_t n;
    size_t ours, absent, revoked, other, unknown; /* how many of them */
    uint32_t ttl_s;                               /* of our record, the longest */
    /* How long receivers may still have in their caches that no record, or another one, stands there. */
    uint32_t stale_ttl_s;
};

void dkim_spread_find(const struct authority_setup *s, const char *domain, const char *selector,
    struct str public_key, struct arena *a, struct dkim_spread *out);

/* Every server is known, and shows our record; or shows none that a signature could pass with. */
bool dkim_spread_is_everywhere(const struct dkim_spread *s);
bool dkim_spread_is_nowhere(const struct dkim_spread *s);

#endif
