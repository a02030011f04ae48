/* The resolver among real servers: NSD, which has two zones and refuses the rest, and Unbound, which resolves through
 * it and through servers of ours that are silent or speak garbage. What the zone files alone say must come through. */
#include "tests/dns/fake_server.h"
#include "tests/dns/servers.h"
#include "tests/dns/shop_zone.h"
#include "tests/dns/world.h"

#define LONG_MS 20000
#define SHORT_MS 300
#define MANY 120        /* addresses, so that no datagram holds them */
#define BIG_STRINGS 254 /* of 255 bytes: with the heads nearly 65,535 */

static const char fault_zone_head[] = "$ORIGIN fault.example.\n"
                                      "$TTL 300\n"
                                      "@ 300 IN SOA ns hostmaster ( 1 3600 600 86400 60 )\n"
                                      "@ IN NS ns\n"
                                      "ns IN A 192.0.2.53\n"
                                      "self IN CNAME self\n"
                                      "circle1 IN CNAME circle2\n"
                                      "circle2 IN CNAME circle3\n"
                                      "circle3 IN CNAME circle1\n"
                                      "over IN CNAME www.shop.example.\n"
                                      "to-lame IN CNAME www.lame.example.\n"
                                      "branch.dname IN A 192.0.2.9\n"
                                      "moved IN DNAME dname\n"
                                      "eight IN CNAME c2\n"
                                      "c2 IN CNAME c3\n"
                                      "c3 IN CNAME c4\n"
                                      "c4 IN CNAME c5\n"
                                      "c5 IN CNAME c6\n"
                                      "c6 IN CNAME c7\n"
                                      "c7 IN CNAME c8\n"
                                      "c8 IN CNAME end\n"
                                      "nine IN CNAME eight\n"
                                      "end IN A 192.0.2.8\n";

struct net {
    struct world w;
    struct dns_server nsd, unbound;
    struct fake_server silent, garbage;
};

static const char *fault_zone(struct arena *a)
{
    struct buf b = {0};
    buf_add_text(&b, fault_zone_head);
    for (int i = 0; i < MANY; i++)
        buf_addf(&b, "many IN A 198.51.100.%d\n", i);
    buf_add_text(&b, "big IN TXT");
    for (int i = 0; i < BIG_STRINGS; i++)
        buf_addf(&b, " \"%0255d\"", i);
    buf_add_text(&b, "\n");
    const char *text = arena_text(a, buf_str(&b));
    buf_close(&b);
    return text;
}

static const char *stub(struct net *n, const char *zone, const char *address)
{
    const char *colon = strchr(address, ':');
    return arena_printf(n->w.arena, "stub-zone:\n name: \"%s\"\n stub-addr: %.*s@%s\n", zone,
        (int)(colon - address), address, colon + 1);
}

/* The zone files are the servers'; the resolver knows nothing of them. */
static void net_begin(struct net *n)
{
    static const enum act silent[] = {SILENT}, garbage[] = {GARBAGE};
    world_begin(&n->w);
    world_zone(&n->w, 0, shop_zone);
    world_zone(&n->w, 1, fault_zone(n->w.arena));
    nsd_start(&n->nsd,
        (const struct nsd_zone[]){
            {"shop.example", n->w.paths[0]}, {"fault.example", n->w.paths[1]}},
        2);
    fake_start(&n->silent, silent, 1);
    fake_start(&n->garbage, garbage, 1);
    unbound_start(&n->unbound,
        arena_printf(n->w.arena, "%s%s%s%s%s", stub(n, "shop.example", n->nsd.address),
            stub(n, "fault.example", n->nsd.address), stub(n, "lame.example", n->nsd.address),
            stub(n, "silent.example", n->silent.address),
            stub(n, "garbage.example", n->garbage.address)));
}

static void net_end(struct net *n)
{
    server_stop(&n->unbound);
    server_stop(&n->nsd);
    fake_stop(&n->silent);
    fake_stop(&n->garbage);
    world_end(&n->w);
}

static void ask_at(struct net *n, const char *first, const char *second, int64_t timeout_ms)
{
    size_t zones_n = n->w.zones_n;
    n->w.zones_n = 0;
    world_resolver(&n->w, (const char *const[]){first, second, NULL}, timeout_ms);
    n->w.zones_n = zones_n;
}

static bool servers_are_there(void)
{
    return !server_is_missing(UNBOUND_PROGRAM, "unbound") && !server_is_missing(NSD_PROGRAM, "nsd");
}

static void unbound_passes_on_what_the_zone_says(void **state)
{
    struct net n;
    (void)state;
    if (!servers_are_there())
        skip();
    net_begin(&n);
    ask_at(&n, n.unbound.address, NULL, LONG_MS);
    EACH(c, shop_cases)
    {
        expect_text(c->name, world_ask(&n.w, c->ask, c->type), c->want);
    }
    net_end(&n);
}

/* Status, how many records, the name at the end: "found 120", "found 1 at shop.example". */
static const char *outline(struct world *w, const char *name, enum dns_type type)
{
    struct dns_answer a;
    resolver_ask(w->resolver, name, type, w->arena, &a);
    const char *count = a.n > 0 ? arena_printf(w->arena, " %zu", a.n) : "";
    bool moved = strcmp(a.canonical, name) != 0;
    return arena_printf(w->arena, "%s%s%s%s", dns_status_name(a.status), count, moved ? " at " : "",
        moved ? a.canonical : "");
}

static void zones_with_faults_do_no_harm(void **state)
{
    static const struct {
        const char *name, *ask;
        enum dns_type type;
        const char *from_file, *from_nsd, *from_unbound; /* NULL: the same as NSD */
    } cases[] = {
        {"alias_of_itself", "self.fault.example", DNS_A, "bad", "bad", "servfail"},
        {"circle_of_three", "circle1.fault.example", DNS_A, "bad at circle3.fault.example",
            "bad at circle3.fault.example", "servfail"},
        {"eight_aliases", "eight.fault.example", DNS_A, "found 1 at end.fault.example",
            "found 1 at end.fault.example", NULL},
        {"nine_aliases", "nine.fault.example", DNS_A, "bad at c8.fault.example",
            "bad at c8.fault.example", NULL},
        {"alias_into_another_zone", "over.fault.example", DNS_A, "found 1 at shop.example",
            "found 1 at shop.example", NULL},
        {"dname", "branch.moved.fault.example", DNS_A, "found 1 at branch.dname.fault.example",
            "found 1 at branch.dname.fault.example", NULL},
        {"dname_to_nothing", "twig.moved.fault.example", DNS_A,
            "nxdomain at twig.dname.fault.example", "nxdomain at twig.dname.fault.example", NULL},
        {"alias_to_a_lame_server", "to-lame.fault.example", DNS_A, "timeout at www.lame.example",
            "servfail at www.lame.example", "servfail"},
        {"a_lame_server", "www.lame.example", DNS_A, "timeout", "servfail", NULL},
        {"more_than_a_datagram_holds", "many.fault.example", DNS_A, "found 120", "found 120", NULL},
        {"almost_more_than_a_message_holds", "big.fault.example", DNS_TXT, "found 1", "found 1",
            NULL},
        {"nothing", "none.fault.example", DNS_A, "nxdomain", "nxdomain", NULL},
    };
    struct net n;
    (void)state;
    if (!servers_are_there())
        skip();
    net_begin(&n);
    EACH(c, cases)
    {
        world_resolver(&n.w, NULL, LONG_MS);
        expect_text(c->name, outline(&n.w, c->ask, c->type), c->from_file);
        ask_at(&n, n.nsd.address, NULL, LONG_MS);
        expect_text(c->name, outline(&n.w, c->ask, c->type), c->from_nsd);
        ask_at(&n, n.unbound.address, NULL, LONG_MS);
        expect_text(c->name, outline(&n.w, c->ask, c->type),
            c->from_unbound ? c->from_unbound : c->from_nsd);
    }
    net_end(&n);
}

static void sixty_four_kilobytes_come_whole(void **state)
{
    struct net n;
    (void)state;
    if (!servers_are_there())
        skip();
    net_begin(&n);
    for (int i = 0; i < 2; i++) {
        struct dns_answer a;
        ask_at(&n, i == 0 ? n.nsd.address : n.unbound.address, NULL, LONG_MS);
        resolver_ask(n.w.resolver, "big.fault.example", DNS_TXT, n.w.arena, &a);
        expect_number("status", a.status, DNS_FOUND);
        expect_number("bytes", (int64_t)a.records[0].data.n, BIG_STRINGS * 255);
        for (int k = 0; k < BIG_STRINGS; k++) {
            struct str want = str_of(arena_printf(n.w.arena, "%0255d", k));
            size_t at = (size_t)k * 255;
            assert_true(str_eq(str_slice(a.records[0].data, at, at + 255), want));
        }
    }
    net_end(&n);
}

/* What Unbound cannot say because its own servers fail, and what it takes to go round it. */
static void failures_behind_unbound_are_failures(void **state)
{
    struct net n;
    (void)state;
    if (!servers_are_there())
        skip();
    net_begin(&n);
    ask_at(&n, n.unbound.address, NULL, LONG_MS);
    expect_text("garbage", world_ask(&n.w, "garbage.example", DNS_A), "servfail");
    expect_text("no way out", world_ask(&n.w, "www.elsewhere.example", DNS_A), "servfail");
    ask_at(&n, n.unbound.address, NULL, SHORT_MS);
    expect_text("silence", world_ask(&n.w, "silent.example", DNS_A), "timeout");
    ask_at(&n, n.nsd.address, n.unbound.address, LONG_MS);
    expect_text("lame for this zone", world_ask(&n.w, "garbage.example", DNS_A), "servfail");
    expect_text("not for that one", world_ask(&n.w, "mx2.shop.example", DNS_A), "found 192.0.2.26");
    ask_at(&n, n.silent.address, n.unbound.address, 3 * SHORT_MS);
    expect_text("silent before", world_ask(&n.w, "mx2.shop.example", DNS_A), "found 192.0.2.26");
    ask_at(&n, n.garbage.address, n.unbound.address, LONG_MS);
    expect_text("garbage before", world_ask(&n.w, "mx2.shop.example", DNS_A), "found 192.0.2.26");
    net_end(&n);
}

static void the_last_known_good_outlives_the_server(void **state)
{
    struct net n;
    struct dns_answer a;
    (void)state;
    if (!servers_are_there())
        skip();
    net_begin(&n);
    ask_at(&n, n.unbound.address, NULL, LONG_MS);
    expect_text("before", world_ask(&n.w, "mx2.shop.example", DNS_A), "found 192.0.2.26");
    server_end(&n.unbound);
    expect_text("from the cache", world_ask(&n.w, "mx2.shop.example", DNS_A), "found 192.0.2.26");
    world_pass_ms(&n.w, 301000);
    expect_text("not leaning", world_ask(&n.w, "mx2.shop.example", DNS_A), "timeout");
    struct resolver *lean = resolver_lean(n.w.resolver, 60000);
    resolver_ask(lean, "mx2.shop.example", DNS_A, n.w.arena, &a);
    expect_number("leaning", a.status, DNS_FOUND);
    assert_true(a.stale && resolver_has_leaned(lean));
    resolver_close(&lean);
    net_end(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unbound_passes_on_what_the_zone_says),
        cmocka_unit_test(zones_with_faults_do_no_harm),
        cmocka_unit_test(sixty_four_kilobytes_come_whole),
        cmocka_unit_test(failures_behind_unbound_are_failures),
        cmocka_unit_test(the_last_known_good_outlives_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
