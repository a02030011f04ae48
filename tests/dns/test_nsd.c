/* The same zone in NSD and as --zone: both must give the same answers, for a table of names and for some thousand
 * that are put together from the zone's labels. */
#include "tests/dns/servers.h"
#include "tests/dns/shop_zone.h"
#include "tests/dns/world.h"

static const char *answer_and_ttl(struct world *w, const char *name, enum dns_type type)
{
    struct dns_answer a;
    resolver_ask(w->resolver, name, type, w->arena, &a);
    return arena_printf(w->arena, "%s ttl %u", world_describe(w, name, type, &a), a.ttl_s);
}

static void compare(struct world *file, struct world *server, const char *name, enum dns_type type)
{
    const char *want = answer_and_ttl(server, name, type);
    expect_text(arena_printf(file->arena, "%s type %d", name, (int)type),
        answer_and_ttl(file, name, type), want);
}

/* All names of one to three of the zone's labels, with types that it has and lacks. */
static void compare_many(struct world *file, struct world *server)
{
    static const char *const labels[] = {"www", "wild", "there", "ent", "x", "*", "deep", "b", "a",
        "alias", "inner", "stars", "mx1", "caa", "dangling", "nobody"};
    static const enum dns_type types[] = {DNS_A, DNS_TXT, DNS_MX, DNS_CNAME};
    size_t n = COUNT_OF(labels);
    for (size_t i = 0; i < n * n * n; i++) {
        const char *last = labels[i % n], *middle = labels[i / n % n], *first = labels[i / n / n];
        bool three = i % 3 == 0;
        const char *name = arena_printf(file->arena, "%s%s%s.%s.shop.example", three ? first : "",
            three ? "." : "", middle, last);
        compare(file, server, name, types[i % COUNT_OF(types)]);
    }
}

static void nsd_says_the_same(void **state)
{
    struct world file, server;
    struct dns_server nsd;
    (void)state;
    if (server_is_missing(NSD_PROGRAM, "nsd"))
        skip();
    world_begin(&file);
    world_begin(&server);
    world_zone(&file, 0, shop_zone);
    world_resolver(&file, NULL, 1000);
    nsd_start(&nsd, &(struct nsd_zone){"shop.example", file.paths[0]}, 1);
    world_resolver(&server, (const char *const[]){nsd.address, NULL}, 5000);
    EACH(c, shop_cases)
    {
        compare(&file, &server, c->ask, c->type);
        expect_text(c->name, world_ask(&server, c->ask, c->type), c->want);
    }
    compare_many(&file, &server);
    server_stop(&nsd);
    world_end(&server);
    world_end(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nsd_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
