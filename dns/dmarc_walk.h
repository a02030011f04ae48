/* dmarc_walk -- RFC 9989's tree walk with all that it found; dmarc.h shows its outcome only.
 * Results lie in the arena. Any thread.
 * Source: RFC 9989 s4.10. */
#ifndef DNS_DMARC_WALK_H
#define DNS_DMARC_WALK_H

#include "dns/dmarc.h"

#define DMARC_WALK_MAX 8 /* questions of one walk */

struct dmarc_found {
    const char *domain;
    struct dmarc_record record;
};

struct dmarc_path {
    const char *start, *org_domain;
    struct dmarc_found found[DMARC_WALK_MAX]; /* from the longest name to the shortest */
    size_t found_n;
    const char *queries[DMARC_WALK_MAX];
    size_t queries_n;
    enum dns_status failure; /* why the walk broke off; DNS_FOUND: it did not */
    const char *broke_at;    /* the domain that it could not ask for, "" = none */
    const char *several_at;  /* the first domain whose records cancel each other, "" = none */
    bool no_name;            /* start is no domain name */
    uint32_t ttl_s;
};

/* False when the walk broke off; what came before it stands in *out, org_domain being what that would give. */
bool dmarc_path_take(
    struct resolver *r, const char *start, struct arena *a, struct dmarc_path *out);

/* Whose record applies to the start; NULL: none. */
const struct dmarc_found *dmarc_path_record(const struct dmarc_path *p);

#endif
