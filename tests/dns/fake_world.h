/* fake_world -- a world whose resolver asks one fake server. */
#ifndef TESTS_DNS_FAKE_WORLD_H
#define TESTS_DNS_FAKE_WORLD_H

#include "tests/dns/fake_server.h"
#include "tests/dns/world.h"

static inline void fake_world_begin(
    struct world *w, struct fake_server *s, const enum act *script, size_t n, int64_t timeout_ms)
{
    world_begin(w);
    fake_start(s, script, n);
    world_resolver(w, (const char *const[]){s->address, NULL}, timeout_ms);
}

static inline void fake_world_end(struct world *w, struct fake_server *s)
{
    fake_stop(s);
    world_end(w);
}

#endif
