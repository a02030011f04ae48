/* small_world -- any bytes as a DNS: each line is one record, so that whatever the fuzzer changes is still a zone.
 *
 * A line is an owner's letter ('a' is the first of small_world.c's names), a type's letter and the rest:
 *   t TXT, the rest as it is          m MX, c CNAME, p PTR: the letter of the host, for MX a digit before it
 *   4 A, 6 AAAA: the address's bytes  l TLSA, the rest as rdata
 * Nobody answers at names outside of the zone when the first byte of all is '!'; else they do not exist.
 * Ownership: small_world_close. Aborts where the machine fails. One thread, but the resolver. */
#ifndef TESTS_FUZZ_SMALL_WORLD_H
#define TESTS_FUZZ_SMALL_WORLD_H

#include "dns/resolver.h"

struct small_world {
    struct arena *arena;
    struct clock_fake fake;
    struct clock clock;
    struct resolver *resolver;
    int file;
};

void small_world_open(struct small_world *w, struct str bytes);
void small_world_close(struct small_world *w);

#endif
