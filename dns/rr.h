/* rr -- one resource record of ldns as a value of ours; used by wire.c, zone*.c and dnssec*.c alone,
 * so that ldns's types stay there. Results lie in the arena. Any thread. */
#ifndef DNS_RR_H
#define DNS_RR_H

#include "dns/resolver.h"

#include <ldns/ldns.h>

struct rr {
    const char *owner;
    uint16_t type; /* as on the wire */
    uint32_t ttl_s;
    struct dns_record record;
    size_t place;     /* in a zone file: how many came before it */
    int line;         /* there */
    struct str rdata; /* in a zone file: all of it, to tell equal records */
};

/* False: another class than IN, or rdata that its type does not allow. Types that nobody asks for
 * keep their owner and no data. */
bool rr_read(const ldns_rr *in, struct arena *a, struct rr *out);

/* As on the wire, but with names in lower case: servers shorten them to names of the question, whose
 * case is random. */
struct str rr_rdata(const ldns_rr *rr, struct arena *a);

/* The SOA's say on how long an absence holds (RFC 2308 s5). */
bool rr_negative_ttl(const ldns_rr *soa, uint32_t *out_s);

uint16_t rr_type_number(enum dns_type type);
bool rr_type_is_read(uint16_t type); /* whether its data matters to anybody here */

#endif
