/* The resolver on a real recursive one: Unbound, which asks NSD on loopback. */
#include "tests/dns/servers.h"
#include "tests/dns/shop_zone.h"
#include "tests/dns/world.h"

#define LONG_MS 20000

struct chain {
    struct world w;
    struct dns_server nsd, unbound;
};

static void chain_begin(struct chain *c)
{
    world_begin(&c->w);
    world_zone(&c->w, 0, shop_zone);
    nsd_start(&c->nsd, &(struct nsd_zone){"shop.example", c->w.paths[0]}, 1);
    unbound_start(&c->unbound,
        arena_printf(c->w.arena, "stub-zone:\n name: \"shop.example\"\n stub-addr: %s\n",
            c->nsd.address_at));
    c->w.zones_n = 0; /* the servers' file, not the resolver's */
    world_resolver(&c->w, (const char *const[]){c->unbound.address, NULL}, LONG_MS);
    c->w.zones_n = 1;
}

static void chain_end(struct chain *c)
{
    server_stop(&c->unbound);
    server_stop(&c->nsd);
    world_end(&c->w);
}

static void unbound_passes_on_what_the_zone_says(void **state)
{
    struct chain c;
    (void)state;
    if (server_is_missing(UNBOUND_PROGRAM, "unbound") || server_is_missing(NSD_PROGRAM, "nsd"))
        skip();
    chain_begin(&c);
    EACH(x, shop_cases)
    expect_text(x->name, world_ask(&c.w, x->ask, x->type), x->want);
    chain_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unbound_passes_on_what_the_zone_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
