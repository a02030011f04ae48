/* forged_zone -- a signer of lies: it holds the keys of z.test, its trust anchor, and of c.z.test below it, and answers
 * a validator's questions with whatever a test writes down, signed for good.
 *
 * A section is lines; a line is one RRset, its records parted by " | ", as in a zone file whose origin is z.test.
 * Words before the first record say how it is signed:
 *   -            not at all                      key=own|odd|child     with this key (own)
 *   signer=NAME  by this name                    labels=N              with this number of labels
 *   as=NAME      afterwards it gets this owner, as a wildcard's records do
 *   spoilt=N     behind N signatures that do not hold
 *   flags=N iterations=N salt=HEX                of the line's NSEC3, whose hashes do not heed them
 * Owners of their own: "match:NAME BITS" and "cover:NAME BITS" are the NSEC3 at and around the name's hash (without
 * salt and iterations); "ds:child:1" and "ds:other:2" are DS of c.z.test for its key, or for one that nobody
 * publishes, with this digest.
 * A DS that no reply gives is proved not to be there. One thread; all in the arena and the forger. */
#ifndef TESTS_DNS_FORGED_ZONE_H
#define TESTS_DNS_FORGED_ZONE_H

#include "tests/dns/world.h"

#include "dns/dnssec.h"

#include <ldns/ldns.h>

enum forged_keys {       /* the DNSKEYs of z.test: its own, and */
    KEYS_ALONE,          /* no other                           */
    KEYS_SECOND,         /* the odd one, a good second         */
    KEYS_REVOKED,        /* the odd one, revoked               */
    KEYS_OF_NO_ZONE,     /* the odd one, without the zone flag */
    KEYS_OTHER_PROTOCOL, /* the odd one, of protocol 4         */
    KEYS_THREE_OF_A_TAG, /* before it three others of its tag  */
    KEYS_FOUR_OF_A_TAG,  /* four                               */
};

struct forged_reply {
    const char *name; /* NULL: the last */
    enum dns_type type;
    bool silent, nxdomain;
    const char *answer, *authority; /* NULL: empty */
};

struct forger {
    struct arena *arena;
    struct clock_fake fake;
    struct clock clock;
    ldns_key *own, *odd, *child, *other;
    ldns_rr *odd_record; /* as it is published */
    struct dnssec_anchors *anchors;
    struct dnssec *dnssec;
    enum forged_keys keys;
    const struct forged_reply *replies;
};

void forger_begin(struct forger *f, enum forged_keys keys);
void forger_end(struct forger *f);

/* "secure found", "bogus nodata www.z.test: why", as a fresh validator has it. */
const char *forger_check(
    struct forger *f, const struct forged_reply *replies, const char *name, enum dns_type type);

#endif
