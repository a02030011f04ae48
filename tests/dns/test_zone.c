/* A zone file as an authority: RFC 1034 s4.3.2, RFC 4592, and what a change on disk does. */
#include "tests/dns/shop_zone.h"
#include "tests/dns/world.h"

#include <unistd.h>

static void the_zone_says_what_it_should(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w);
    world_zone(&w, 0, shop_zone);
    world_resolver(&w, NULL, 1000);
    EACH(c, shop_cases)
    expect_text(c->name, world_ask(&w, c->ask, c->type), c->want);
    world_end(&w);
}

static void what_is_not_the_zones_goes_to_the_resolver(void **state)
{
    static const struct {
        const char *name, *ask;
        enum dns_type type;
        const char *want;
    } cases[] = {
        {"other_names_time_out_at_once", "elsewhere.example", DNS_A, "timeout"},
        {"the_parent_is_not_ours", "example", DNS_A, "timeout"},
        {"a_name_that_only_ends_alike", "myshop.example", DNS_A, "timeout"},
        {"at_a_delegation", "cut.shop.example", DNS_A, "timeout"},
        {"below_a_delegation_even_glue", "glue.cut.shop.example", DNS_A, "timeout"},
        {"the_delegation_itself_is_ours", "cut.shop.example", DNS_NS, "found ns.elsewhere.example"},
        {"circle_of_aliases", "circle1.shop.example", DNS_A, "bad"},
        {"alias_to_itself", "self.shop.example", DNS_A, "bad"},
    };
    struct world w;
    (void)state;
    world_begin(&w);
    world_zone(&w, 0, shop_zone);
    world_resolver(&w, NULL, 60000);
    EACH(c, cases)
    {
        const char *have = world_ask(&w, c->ask, c->type);
        expect_number(c->name, strncmp(have, c->want, strlen(c->want)), 0);
    }
    world_end(&w);
}

static void questions_that_are_no_names_are_bad(void **state)
{
    static const char *const cases[] = {
        "",
        ".",
        "a..b",
        ".a",
        "a b.example",
        "back\\slash.example",
        "\xc3\xa4.example",
        "tab\t.example",
        "0123456789012345678901234567890123456789012345678901234567890123.example",
    };
    char longest[260];
    struct world w;
    (void)state;
    world_begin(&w);
    world_resolver(&w, NULL, 1000);
    EACH(c, cases)
    expect_text(*c, world_ask(&w, *c, DNS_A), "bad");
    memset(longest, 'a', sizeof longest);
    for (size_t i = 49; i < sizeof longest; i += 50)
        longest[i] = '.';
    longest[254] = 0;
    expect_text("254 characters", world_ask(&w, longest, DNS_A), "bad");
    longest[253] = 0;
    expect_text("253 characters", world_ask(&w, longest, DNS_A), "timeout");
    world_end(&w);
}

static void the_longest_of_several_zones_answers(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w);
    world_zone(&w, 0, shop_zone);
    world_zone(&w, 1,
        "$ORIGIN cut.shop.example.\n@ 60 IN SOA ns host 1 2 3 4 5\n@ 60 IN A 192.0.2.200\n"
        "back 60 IN CNAME www.shop.example.\n");
    world_zone(&w, 2,
        "$ORIGIN 2.0.192.in-addr.arpa.\n@ 60 IN SOA ns host 1 2 3 4 5\n1 60 IN PTR "
        "shop.example.\n");
    world_resolver(&w, NULL, 1000);
    expect_text("child", world_ask(&w, "cut.shop.example", DNS_A), "found 192.0.2.200");
    expect_text("child nx", world_ask(&w, "glue.cut.shop.example", DNS_A), "nxdomain");
    expect_text("alias across zones", world_ask(&w, "back.cut.shop.example", DNS_A),
        "found 192.0.2.1 at shop.example");
    expect_text("reverse", world_ask(&w, "1.2.0.192.in-addr.arpa", DNS_PTR), "found shop.example");
    world_end(&w);
}

static void a_zone_of_the_root_answers_for_all(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w);
    world_zone(&w, 0,
        "$ORIGIN .\n@ 60 IN SOA ns host 1 2 3 4 5\n*.sink 60 IN A 192.0.2.1\n* 60 IN A "
        "192.0.2.2\nreal.example 60 IN A 192.0.2.3\n");
    world_zone(&w, 1, "$ORIGIN shop.example.\n@ 60 IN SOA ns host 1 2 3 4 5\n");
    world_resolver(&w, NULL, 1000);
    expect_text("below the top", world_ask(&w, "a.b.sink", DNS_A), "found 192.0.2.1");
    expect_text("any other", world_ask(&w, "no.where", DNS_A), "found 192.0.2.2");
    expect_text("below a name that exists", world_ask(&w, "other.example", DNS_A), "nxdomain");
    expect_text("its own", world_ask(&w, "real.example", DNS_A), "found 192.0.2.3");
    expect_text("the longer zone wins", world_ask(&w, "x.shop.example", DNS_A), "nxdomain");
    world_end(&w);
}

static void ttls_are_the_least_of_the_way(void **state)
{
    static const struct {
        const char *name, *ask;
        enum dns_type type;
        uint32_t want;
    } cases[] = {
        {"the_records_own", "mx1.shop.example", DNS_A, 120},
        {"least_of_alias_and_target", "chain1.shop.example", DNS_AAAA, 60},
        {"least_of_records_that_differ", "differ.shop.example", DNS_TXT, 30},
        {"absence_by_the_soa_minimum", "nobody.shop.example", DNS_A, 60},
        {"nodata_by_the_soa_minimum", "mx2.shop.example", DNS_TXT, 60},
    };
    struct world w;
    (void)state;
    world_begin(&w);
    world_zone(&w, 0,
        arena_printf(
            w.arena, "%sdiffer 90 IN TXT a\ndiffer 30 IN TXT b\ndiffer 60 IN TXT c\n", shop_zone));
    world_resolver(&w, NULL, 1000);
    EACH(c, cases)
    {
        struct dns_answer a;
        resolver_ask(w.resolver, c->ask, c->type, w.arena, &a);
        expect_number(c->name, a.ttl_s, c->want);
        assert_false(a.secure);
        assert_false(a.stale);
    }
    world_end(&w);
}

static void a_changed_file_is_read_again(void **state)
{
    struct buf faults = {0};
    struct world w;
    (void)state;
    world_begin(&w);
    world_zone(&w, 0, "$ORIGIN s.example.\n@ 60 IN SOA ns host 1 2 3 4 5\n@ 60 IN A 192.0.2.1\n");
    world_resolver(&w, NULL, 1000);
    expect_text("first", world_ask(&w, "s.example", DNS_A), "found 192.0.2.1");

    world_zone(&w, 0, "$ORIGIN s.example.\n@ 60 IN SOA ns host 2 2 3 4 5\n@ 60 IN A 192.0.2.2\n");
    expect_text("second", world_ask(&w, "s.example", DNS_A), "found 192.0.2.2");
    assert_false(resolver_zone_faults(w.resolver, &faults));

    world_zone(&w, 0, "$ORIGIN s.example.\n@ 60 IN SOA ns host 3 2 3 4 5\n@ 60 IN A 192.0.2.300\n");
    expect_text("a fault keeps the old", world_ask(&w, "s.example", DNS_A), "found 192.0.2.2");
    assert_true(resolver_zone_faults(w.resolver, &faults));
    assert_non_null(strstr(buf_text(&faults), " line 3: "));

    unlink(w.paths[0]);
    expect_text(
        "a missing file keeps the old", world_ask(&w, "s.example", DNS_A), "found 192.0.2.2");
    buf_clear(&faults);
    assert_true(resolver_zone_faults(w.resolver, &faults));
    assert_non_null(strstr(buf_text(&faults), "No such file"));

    world_zone(&w, 0, "$ORIGIN s.example.\n@ 60 IN SOA ns host 4 2 3 4 5\n@ 60 IN A 192.0.2.4\n");
    expect_text("repaired", world_ask(&w, "s.example", DNS_A), "found 192.0.2.4");
    buf_clear(&faults);
    assert_false(resolver_zone_faults(w.resolver, &faults));
    buf_close(&faults);
    world_end(&w);
}

#define HUNDRED                                                                                    \
    "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901" \
    "23456789"
#define HEAD "$ORIGIN s.example.\n@ 60 IN SOA ns host 1 2 3 4 5\n"

static void a_bad_file_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"bad_address", HEAD "@ 60 IN A 192.0.2.300\n", "line 3: "},
        {"bad_type", HEAD "\n\nx 60 IN NONSENSE 1\n", "line 5: "},
        {"missing_rdata", HEAD "x 60 IN MX 10\n", "line 3: "},
        {"string_of_256_characters", HEAD "x 60 IN TXT \"" HUNDRED HUNDRED HUNDRED "\"\n",
            "line 3: cannot read the record (a string"},
        {"outside_of_the_zone", HEAD "other.example. 60 IN A 192.0.2.1\n",
            "line 3: lies outside of the zone: other.example"},
        {"outside_before_the_soa", "other.example. 60 IN A 192.0.2.1\n" HEAD,
            "other.example lies outside of the zone s.example"},
        {"no_soa", "$ORIGIN s.example.\n@ 60 IN A 192.0.2.1\n", "no SOA record"},
        {"empty_file", "", "no SOA record"},
        {"soa_at_the_root", "@ 60 IN SOA ns host 1 2 3 4 5\n",
            "line 1: the SOA stands at the root"},
        {"second_soa", HEAD "x 60 IN SOA ns host 1 2 3 4 5\n", "line 3: a second SOA"},
        {"include", HEAD "$INCLUDE other.zone\n", "line 3: $INCLUDE"},
        {"dname", HEAD "x 60 IN DNAME y.example.\n", "line 3: DNAME"},
        {"other_class", HEAD "x 60 CH TXT hi\n", "line 3: not a record of class IN"},
        {"cname_beside_others", HEAD "x 60 IN CNAME y\nx 60 IN A 192.0.2.1\n",
            "x.s.example has a CNAME"},
        {"two_cnames", HEAD "x 60 IN CNAME y\nx 60 IN CNAME z\n", "x.s.example has a CNAME"},
    };
    struct world w;
    (void)state;
    world_begin(&w);
    EACH(c, cases)
    {
        struct resolver *r = NULL;
        struct err e = {0};
        world_zone(&w, 0, c->text);
        const char *path = w.paths[0];
        struct resolver_setup s = {.zone_files = &path, .zone_files_n = 1, .clock = &w.clock};
        expect_number(c->name, resolver_open(&s, &r, &e), false);
        expect_number(c->name, e.code, ERR_INPUT);
        if (!strstr(e.text, c->want) || !strstr(e.text, path))
            fail_msg("%s: %s", c->name, e.text);
    }
    world_end(&w);
}

static void the_same_zone_twice_is_refused(void **state)
{
    struct world w;
    struct resolver *r = NULL;
    struct err e;
    (void)state;
    world_begin(&w);
    world_zone(&w, 0, HEAD);
    world_zone(&w, 1, HEAD);
    const char *paths[] = {w.paths[0], w.paths[1]};
    struct resolver_setup s = {.zone_files = paths, .zone_files_n = 2, .clock = &w.clock};
    assert_false(resolver_open(&s, &r, &e));
    assert_non_null(strstr(e.text, "both the zone s.example"));
    paths[1] = w.folder;
    assert_false(resolver_open(&s, &r, &e));
    paths[1] = "/nonexistent/zone";
    assert_false(resolver_open(&s, &r, &e));
    assert_int_equal(e.code, ERR_IO);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_zone_says_what_it_should),
        cmocka_unit_test(what_is_not_the_zones_goes_to_the_resolver),
        cmocka_unit_test(questions_that_are_no_names_are_bad),
        cmocka_unit_test(the_longest_of_several_zones_answers),
        cmocka_unit_test(a_zone_of_the_root_answers_for_all),
        cmocka_unit_test(ttls_are_the_least_of_the_way),
        cmocka_unit_test(a_changed_file_is_read_again),
        cmocka_unit_test(a_bad_file_is_refused_with_its_line),
        cmocka_unit_test(the_same_zone_twice_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
