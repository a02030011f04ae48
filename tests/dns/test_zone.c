/* A zone file as an authority: RFC 1034 s4.3.2, RFC 4592, and what a change on disk does. */
#include "tests/dns/shop_zone.h"
#include "tests/dns/world.h"

#include <unistd.h>

static void the_zone_says_what_it_should(void **state)
{
    struct world w;
    (void)state;
    world_begin_on(&w, shop_zone, "");
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
        "needless\\097.example",
        "short\\03.example",
        "high\\256.example",
        "end\\",
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
    world_begin_on(
        &w, "$ORIGIN s.example.\n@ 60 IN SOA ns host 1 2 3 4 5\n@ 60 IN A 192.0.2.1\n", "");
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
#define FIFTY "01234567890123456789012345678901234567890123456789"
#define HEAD "$ORIGIN s.example.\n@ 60 IN SOA ns host 1 2 3 4 5\n"

static void a_bad_file_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"bad_address", HEAD "@ 60 IN A 192.0.2.300\n",
            "line 3: cannot read this A record: it takes one IPv4 address"},
        {"bad_ipv6_address", HEAD "@ 60 IN aaaa 192.0.2.1\n",
            "line 3: cannot read this aaaa record: it takes one IPv6 address"},
        {"bad_type", HEAD "\n\nx 60 IN NONSENSE 1\n",
            "line 5: there is no type of records called NONSENSE"},
        {"bad_type_without_data", HEAD "garbage !!\n",
            "line 3: there is no type of records called !!"},
        {"a_type_that_orders_a_terminal", HEAD "x 60 IN \x1b[2J 1\n", "called ..."},
        {"a_type_that_is_no_text", HEAD "x 60 IN \xff 1\n", "called ..."},
        {"missing_rdata", HEAD "x 60 IN MX 10\n",
            "line 3: cannot read this MX record: it takes a number and a host"},
        {"missing_preference", HEAD "x 60 IN MX mail\n", "line 3: cannot read this MX record: "},
        {"name_that_is_none", HEAD "x 60 IN CNAME a..b\n",
            "line 3: cannot read this CNAME record: "},
        {"string_of_256_characters", HEAD "x 60 IN TXT \"" HUNDRED HUNDRED HUNDRED "\"\n",
            "line 3: cannot read this TXT record: it takes strings of at most 255"},
        {"outside_of_the_zone", HEAD "other.example. 60 IN A 192.0.2.1\n",
            "line 3: other.example lies outside of the zone s.example"},
        {"outside_before_the_soa", "other.example. 60 IN A 192.0.2.1\n" HEAD,
            "line 1: other.example lies outside of the zone s.example"},
        {"no_soa", "$ORIGIN s.example.\n@ 60 IN A 192.0.2.1\n", "no SOA record"},
        {"empty_file", "", "no SOA record"},
        {"soa_at_the_root", "@ 60 IN SOA ns host 1 2 3 4 5\n",
            "line 1: the SOA stands at the root"},
        {"soa_at_a_relative_name", "x 60 IN SOA ns host 1 2 3 4 5\n",
            "line 1: the SOA stands at the root"},
        {"a_relative_name_before_any_origin", "x 60 IN A 192.0.2.1\n" HEAD,
            "line 1: a relative name, and no $ORIGIN before it"},
        {"second_soa", HEAD "@ 60 IN SOA ns host 2 2 3 4 5\n", "line 3: a second SOA at s.example"},
        {"owner_left_out_at_the_beginning", " 60 IN A 192.0.2.1\n" HEAD,
            "line 1: the first record leaves its owner out"},
        {"owner_that_is_no_name", HEAD "a..b 60 IN A 192.0.2.1\n",
            "line 3: the owner is no domain name"},
        {"two_ttls", HEAD "x 60 60 IN A 192.0.2.1\n", "line 3: "},
        {"ttl_above_32_bits", HEAD "x 4294967296 IN A 192.0.2.1\n", "line 3: "},
        {"nothing_but_an_owner", HEAD "x 60 IN\n", "line 3: a record without type"},
        {"bad_ttl_directive", "$TTL soon\n" HEAD, "line 1: $TTL takes"},
        {"bad_origin_directive", HEAD "$ORIGIN\n", "line 3: $ORIGIN takes"},
        {"relative_origin_without_any", "$ORIGIN s\n" HEAD, "line 1: $ORIGIN takes"},
        {"quote_that_does_not_end", HEAD "x 60 IN TXT \"a\ny 60 IN TXT b\n",
            "line 3: a quoted string does not end on its line"},
        {"parenthesis_that_does_not_end", HEAD "x 60 IN TXT ( a\nb\n",
            "line 5: a parenthesis is not closed"},
        {"parenthesis_too_many", HEAD "x 60 IN TXT a )\n",
            "line 3: a closing parenthesis too many"},
        {"parentheses_within_each_other", HEAD "x 60 IN TXT ( ( a ) )\n",
            "line 3: a parenthesis within parentheses"},
        {"txt_without_strings", HEAD "x 60 IN TXT\n", "line 3: "},
        {"a_bad_escape", HEAD "x 60 IN TXT \"\\999\"\n", "line 3: "},
        {"include", HEAD "$INCLUDE other.zone\n", "line 3: $INCLUDE is not supported"},
        {"generate", HEAD "$GENERATE 1-2 x$ A 192.0.2.$\n", "line 3: $GENERATE is not supported"},
        {"other_class", HEAD "x 60 CH TXT hi\n", "line 3: not a record of class IN"},
        {"cname_beside_others", HEAD "x 60 IN CNAME y\nx 60 IN A 192.0.2.1\n",
            "x.s.example has a CNAME"},
        {"cname_beside_others_behind_its_signature",
            HEAD "x 60 IN CNAME y\n"
                 "x 60 IN RRSIG CNAME 13 3 60 20300101000000 20200101000000 1 s.example. AAAA\n"
                 "x 60 IN A 192.0.2.1\n",
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

/* One zone, written in the ways of RFC 1035 s5.1: all of them say the same. */
static void a_file_may_be_written_in_many_ways(void **state)
{
    static const struct {
        const char *name, *text, *ask;
        enum dns_type type;
        const char *want;
        uint32_t ttl_s;
    } cases[] = {
        {"ttl_before_class", HEAD "x 30 IN TXT a\n", "x.s.example", DNS_TXT, "found \"a\"", 30},
        {"class_before_ttl", HEAD "x IN 30 TXT a\n", "x.s.example", DNS_TXT, "found \"a\"", 30},
        {"class_left_out", HEAD "x 30 TXT a\n", "x.s.example", DNS_TXT, "found \"a\"", 30},
        {"ttl_left_out_is_the_last_one", HEAD "x IN TXT a\n", "x.s.example", DNS_TXT, "found \"a\"",
            60},
        {"ttl_left_out_is_the_default", "$TTL 30\n" HEAD "y 90 IN TXT b\nx IN TXT a\n",
            "x.s.example", DNS_TXT, "found \"a\"", 30},
        {"ttl_never_said", "$ORIGIN s.example.\n@ SOA ns host 1 2 3 4 5\nx TXT a\n", "x.s.example",
            DNS_TXT, "found \"a\"", 3600},
        {"ttl_with_units", HEAD "x 1h30m IN TXT a\n", "x.s.example", DNS_TXT, "found \"a\"", 5400},
        {"lower_case_words",
            "$origin s.example.\n$ttl 1M\n@ in soa ns host 1 2 3 4 5\nx in txt a\n", "x.s.example",
            DNS_TXT, "found \"a\"", 60},
        {"owner_left_out_is_the_last_one", HEAD "x 60 IN TXT a\n\t30 IN A 192.0.2.1\n",
            "x.s.example", DNS_A, "found 192.0.2.1", 30},
        {"also_behind_another_origin", HEAD "x 60 IN TXT a\n$ORIGIN y.s.example.\n A 192.0.2.1\n",
            "x.s.example", DNS_A, "found 192.0.2.1", 60},
        {"names_are_relative_to_the_last_origin", HEAD "$ORIGIN y.s.example.\nx 60 IN MX 1 z\n",
            "x.y.s.example", DNS_MX, "found 1:z.y.s.example", 60},
        {"an_origin_is_relative_to_the_one_before", HEAD "$ORIGIN y\n@ 60 IN A 192.0.2.1\n",
            "y.s.example", DNS_A, "found 192.0.2.1", 60},
        {"without_origin_the_soa_gives_it", "s.example. 60 IN SOA ns host 1 2 3 4 5\nx MX 1 y\n",
            "x.s.example", DNS_MX, "found 1:y.s.example", 60},
        {"the_soa_may_come_late",
            "x.s.example. 60 IN A 192.0.2.1\ns.example. 60 IN SOA n h 1 2 3 4 5\n", "x.s.example",
            DNS_A, "found 192.0.2.1", 60},
        {"the_root_said_outright", ". 60 IN SOA ns. host. 1 2 3 4 5\nx.s.example. 60 A 192.0.2.1\n",
            "x.s.example", DNS_A, "found 192.0.2.1", 60},
        {"lines_that_end_in_cr_lf",
            "$ORIGIN s.example.\r\n\r\n; a comment\r\n@ 60 IN SOA ns host (\r\n1 2\r\n3 4 5 )\r\n"
            "x 60 IN TXT a b\r\n",
            "x.s.example", DNS_TXT, "found \"ab\"", 60},
        {"no_line_end_at_the_end", HEAD "x 60 IN TXT a", "x.s.example", DNS_TXT, "found \"a\"", 60},
        {"blanks_at_the_end", HEAD "x 60 IN TXT \"a \"  \t \n", "x.s.example", DNS_TXT,
            "found \"a \"", 60},
        {"a_byte_order_mark", "\xef\xbb\xbf" HEAD "x 60 IN TXT a\n", "x.s.example", DNS_TXT,
            "found \"a\"", 60},
        {"parentheses_and_comments",
            HEAD "x 60 IN TXT ( ; first\n  \"a;\" ; (second)\n\n\"(b)\"c ) ; end\n", "x.s.example",
            DNS_TXT, "found \"a;(b)c\"", 60},
        {"escapes_within_quotes", HEAD "x 60 IN TXT \"a\\\"\\\\\\059\\ b\"\n", "x.s.example",
            DNS_TXT, "found \"a\"\\; b\"", 60},
        {"escapes_without_quotes", HEAD "x 60 IN TXT v=DMARC1\\;\\ p=none\n", "x.s.example",
            DNS_TXT, "found \"v=DMARC1; p=none\"", 60},
        {"an_empty_string", HEAD "x 60 IN TXT \"\"\n", "x.s.example", DNS_TXT, "found \"\"", 60},
        {"a_string_of_255_characters",
            HEAD "x 60 IN TXT \"" FIFTY FIFTY FIFTY FIFTY FIFTY "12345\" b\n", "x.s.example",
            DNS_TXT, "found \"" FIFTY FIFTY FIFTY FIFTY FIFTY "12345b\"", 60},
        {"bytes_above_ascii", HEAD "x 60 IN TXT \"caf\xc3\xa9\\233\"\n", "x.s.example", DNS_TXT,
            "found \"caf\xc3\xa9\xe9\"", 60},
        {"the_old_spf_type_is_no_txt", HEAD "x 60 IN SPF \"v=spf1 -all\"\n", "x.s.example", DNS_TXT,
            "nodata", 5},
        {"types_without_a_name", HEAD "x 60 IN TYPE16 \\# 2 0161\n", "x.s.example", DNS_TXT,
            "found \"a\"", 60},
        {"any_byte_in_an_owner", HEAD "a\\ b\\.c\\\\\\233 60 IN TXT a\n",
            "a\\032b\\046c\\092\\233.s.example", DNS_TXT, "found \"a\"", 60},
        {"any_byte_in_data", HEAD "x 60 IN MX 1 a\\ b\\.C\n", "x.s.example", DNS_MX,
            "found 1:a\\032b\\046c.s.example", 60},
        {"an_alias_to_a_name_with_a_blank", HEAD "x 60 IN CNAME a\\032b\na\\ b 60 IN TXT a\n",
            "x.s.example", DNS_TXT, "found \"a\" at a\\032b.s.example", 60},
        {"an_alias_to_the_root", HEAD "x 60 IN CNAME .\n", "x.s.example", DNS_TXT, "nodata", 60},
        {"data_of_other_types_is_not_looked_at", HEAD "x 60 IN CERT 0 0 SOA m\n", "x.s.example",
            DNS_TXT, "nodata", 5},
        {"an_owner_named_like_a_class", HEAD "IN 60 IN TXT a\n", "in.s.example", DNS_TXT,
            "found \"a\"", 60},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct dns_answer a;
        world_begin_on(&w, c->text, "");
        resolver_ask(w.resolver, c->ask, c->type, w.arena, &a);
        expect_text(c->name, world_describe(&w, c->ask, c->type, &a), c->want);
        expect_number(c->name, a.ttl_s, c->ttl_s);
        world_end(&w);
    }
}

static void one_file_may_hold_several_zones(void **state)
{
    struct world w;
    (void)state;
    world_begin_on(&w,
        "$ORIGIN s.example.\n@ 60 IN SOA ns host 1 2 3 4 5\n*.s.example. A 192.0.2.1\n"
        "$ORIGIN 2.0.192.in-addr.arpa.\n@ 60 IN SOA ns host 1 2 3 4 7\n1 PTR s.example.\n"
        "$ORIGIN sub.s.example.\n@ 60 IN SOA ns host 1 2 3 4 9\nwww A 192.0.2.3\n",
        "");
    expect_text("first", world_ask(&w, "x.s.example", DNS_A), "found 192.0.2.1");
    expect_text("second", world_ask(&w, "1.2.0.192.in-addr.arpa", DNS_PTR), "found s.example");
    expect_text("its absence", world_ask(&w, "2.2.0.192.in-addr.arpa", DNS_PTR), "nxdomain");
    expect_text("child", world_ask(&w, "www.sub.s.example", DNS_A), "found 192.0.2.3");
    expect_text("no wildcard of the parent", world_ask(&w, "x.sub.s.example", DNS_A), "nxdomain");
    expect_text("none of them", world_ask(&w, "other.example", DNS_A), "timeout");
    struct dns_answer a;
    resolver_ask(w.resolver, "x.sub.s.example", DNS_A, w.arena, &a);
    expect_number("the child's own SOA", a.ttl_s, 9);
    world_end(&w);
}

static void dname_makes_aliases_below_it(void **state)
{
    static const struct {
        const char *name, *ask;
        enum dns_type type;
        const char *want;
    } cases[] = {
        {"below_it", "www.old.s.example", DNS_A, "found 192.0.2.1 at www.new.s.example"},
        {"two_labels_below", "a.b.old.s.example", DNS_A, "found 192.0.2.2 at a.b.new.s.example"},
        {"its_target_may_not_exist", "no.old.s.example", DNS_A, "nxdomain at no.new.s.example"},
        {"not_at_the_name_itself", "old.s.example", DNS_TXT, "found \"here\""},
        {"not_for_a_name_that_ends_alike", "xold.s.example", DNS_A, "nxdomain"},
        {"what_stands_below_is_hidden", "hidden.old.s.example", DNS_TXT,
            "nxdomain at hidden.new.s.example"},
        {"it_may_leave_the_zone", "a.away.s.example", DNS_A, "timeout at a.elsewhere.test"},
        {"one_that_grows_too_long", FIFTY "." FIFTY "." FIFTY ".long.s.example", DNS_A, "bad"},
    };
    struct world w;
    (void)state;
    world_begin_on(&w,
        HEAD "old 60 DNAME new\nold TXT here\nhidden.old TXT no\nwww.new A 192.0.2.1\na.b.new A "
             "192.0.2.2\n"
             "away DNAME elsewhere.test.\nlong DNAME " FIFTY "." FIFTY ".s.example.\n",
        "");
    EACH(c, cases)
    expect_text(c->name, world_ask(&w, c->ask, c->type), c->want);
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
    s.drafts_n = 2;
    assert_false(resolver_open(&s, &r, &e));
    s.drafts_n = 1;
    assert_true(resolver_open(&s, &r, &e));
    resolver_close(&r);
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
        cmocka_unit_test(a_file_may_be_written_in_many_ways),
        cmocka_unit_test(one_file_may_hold_several_zones),
        cmocka_unit_test(dname_makes_aliases_below_it),
        cmocka_unit_test(the_same_zone_twice_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
