/* signed_world -- a small DNS of its own on loopback, signed when the test begins: a root, `example` and a zone below it
 * for each thing that can go right or wrong with DNSSEC, all served by one NSD; and an Unbound that validates them from
 * the same trust anchor. Zones are signed with ldns and spoilt afterwards, line by line.
 * Time is the machine's, because Unbound's is. One thread. Ownership: all in the world until signed_end. */
#ifndef TESTS_DNS_SIGNED_WORLD_H
#define TESTS_DNS_SIGNED_WORLD_H

#include "tests/dns/servers.h"
#include "tests/dns/world.h"

struct signed_world {
    struct world w;
    struct dns_server nsd, unbound;
    struct clock_fake fake; /* the machine's time when the test began */
    struct clock clock;
    const char *anchor_path, *anchor; /* the root's DS */
    struct resolver *at_nsd, *at_unbound;
};

void signed_begin(struct signed_world *s);
void signed_end(struct signed_world *s);

/* Set-up and tear-down of a group of tests that share one world; *state is NULL where a server is missing. */
int signed_open(void **state);
int signed_close(void **state);
struct signed_world *signed_of(void **state); /* skips the test where there is none */

#endif
