/* Where mail for a domain goes (RFC 5321 s5.1, RFC 7505), and what an address is. */
#include "dns/mx.h"
#include "tests/dns/world.h"

static const char zone[] =
    "$ORIGIN example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n"
    "two IN MX 20 b.two\ntwo IN MX 10 a.two\n"
    "equal IN MX 10 a.two\nequal IN MX 10 b.two\nequal IN MX 10 c.two\nequal IN MX 5 d.two\n"
    "null IN MX 0 .\n"
    "mixed IN MX 0 .\nmixed IN MX 10 a.two\n"
    "twice IN MX 10 a.two\ntwice IN MX 20 A.two\n"
    "onlyv6 IN AAAA 2001:db8::1\n"
    "onlyv4 IN A 192.0.2.1\n"
    "text IN TXT hi\n"
    "alias IN CNAME two\n"
    "many IN MX 1 m01\nmany IN MX 2 m02\nmany IN MX 3 m03\nmany IN MX 4 m04\nmany IN MX 5 "
    "m05\nmany IN MX 6 m06\n"
    "many IN MX 7 m07\nmany IN MX 8 m08\nmany IN MX 9 m09\nmany IN MX 10 m10\nmany IN MX 11 "
    "m11\nmany IN MX 12 m12\n"
    "a.two IN A 192.0.2.1\na.two IN A 192.0.2.2\na.two IN AAAA 2001:db8::1\n"
    "lost IN A 192.0.2.9\nhalf IN CNAME elsewhere.test.\n"
    "crowd IN A 192.0.2.1\ncrowd IN A 192.0.2.2\ncrowd IN A 192.0.2.3\ncrowd IN A 192.0.2.4\ncrowd "
    "IN A 192.0.2.5\n"
    "crowd IN A 192.0.2.6\ncrowd IN A 192.0.2.7\ncrowd IN A 192.0.2.8\ncrowd IN AAAA 2001:db8::1\n"
    "crowd IN AAAA 2001:db8::2\n";

static const char *hosts_text(struct world *w, const char *domain, uint64_t seed)
{
    static const char *const words[] = {"found", "null", "no-domain", "no-host", "temperror"};
    struct mx_host *hosts;
    size_t n;
    const char *out = words[mx_hosts(w->resolver, domain, seed, w->arena, &hosts, &n)];
    for (size_t i = 0; i < n; i++)
        out = arena_printf(w->arena, "%s %d:%s%s", out, hosts[i].preference, hosts[i].name,
            hosts[i].implicit ? "(implicit)" : "");
    return out;
}

static void hosts_come_in_order(void **state)
{
    static const struct {
        const char *name, *domain, *want;
    } cases[] = {
        {"by_preference", "two.example", "found 10:a.two.example 20:b.two.example"},
        {"case_and_final_dot", "TWO.example.", "found 10:a.two.example 20:b.two.example"},
        {"null_mx", "null.example", "null"},
        {"a_null_among_others_is_dropped", "mixed.example", "found 10:a.two.example"},
        {"named_twice_counts_once", "twice.example", "found 10:a.two.example"},
        {"implicit_by_ipv6", "onlyv6.example", "found 0:onlyv6.example(implicit)"},
        {"implicit_by_ipv4", "onlyv4.example", "found 0:onlyv4.example(implicit)"},
        {"neither_mx_nor_address", "text.example", "no-host"},
        {"nxdomain", "nobody.example", "no-domain"},
        {"an_alias_is_followed", "alias.example", "found 10:a.two.example 20:b.two.example"},
        {"the_dns_fails", "shop.test", "temperror"},
        {"the_dns_fails_behind_an_alias", "half.example", "temperror"},
        {"no_name", "not a name", "no-domain"},
        {"at_most_ten", "many.example",
            "found 1:m01.example 2:m02.example 3:m03.example 4:m04.example 5:m05.example"
            " 6:m06.example 7:m07.example 8:m08.example 9:m09.example 10:m10.example"},
    };
    struct world w;
    (void)state;
    world_begin_on(&w, zone, "");
    EACH(c, cases)
    expect_text(c->name, hosts_text(&w, c->domain, 1), c->want);
    world_end(&w);
}

static void equal_preferences_are_shuffled_by_the_seed(void **state)
{
    int first[3] = {0};
    struct world w;
    (void)state;
    world_begin_on(&w, zone, "");
    for (uint64_t seed = 0; seed < 300; seed++) {
        const char *text = hosts_text(&w, "equal.example", seed);
        expect_text("same seed, same order", hosts_text(&w, "equal.example", seed), text);
        assert_true(str_starts(str_of(text), STR("found 5:d.two.example 10:")));
        first[text[25] - 'a']++;
    }
    for (int i = 0; i < 3; i++)
        assert_true(first[i] > 60 && first[i] < 140);
    world_end(&w);
}

static void addresses_alternate(void **state)
{
    static const struct {
        const char *name, *host, *want;
        bool temperror;
    } cases[] = {
        {"ipv6_first", "a.two.example", "2001:db8::1 192.0.2.1 192.0.2.2 ", false},
        {"eight_at_most_of_both", "crowd.example",
            "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 ",
            false},
        {"none", "text.example", "", false},
        {"the_dns_fails", "mx.test", "", true},
    };
    struct world w;
    (void)state;
    world_begin_on(&w, zone, "");
    EACH(c, cases)
    {
        struct ip *ips;
        bool temperror;
        const char *have = "";
        size_t n = mx_addresses(w.resolver, c->host, w.arena, &ips, &temperror);
        for (size_t i = 0; i < n; i++) {
            char text[IP_TEXT_SIZE];
            ip_text(&ips[i], text);
            have = arena_printf(w.arena, "%s%s ", have, text);
        }
        expect_text(c->name, have, c->want);
        expect_number(c->name, temperror, c->temperror);
    }
    world_end(&w);
}

static void addresses_are_public_or_not(void **state)
{
    static const struct {
        const char *text;
        int family; /* 0: no address */
        bool public;
    } cases[] = {
        {"8.8.8.8", 4, true},
        {"1.1.1.1", 4, true},
        {"0.0.0.0", 4, false},
        {"0.1.2.3", 4, false},
        {"10.0.0.1", 4, false},
        {"11.0.0.1", 4, true},
        {"100.63.255.255", 4, true},
        {"100.64.0.0", 4, false},
        {"100.127.255.255", 4, false},
        {"100.128.0.0", 4, true},
        {"127.0.0.1", 4, false},
        {"127.255.255.255", 4, false},
        {"169.254.169.254", 4, false},
        {"172.15.0.1", 4, true},
        {"172.16.0.1", 4, false},
        {"172.31.255.255", 4, false},
        {"172.32.0.0", 4, true},
        {"192.0.0.1", 4, false},
        {"192.0.2.1", 4, false},
        {"192.88.99.1", 4, false},
        {"192.168.1.1", 4, false},
        {"192.169.0.1", 4, true},
        {"198.17.255.255", 4, true},
        {"198.18.0.1", 4, false},
        {"198.19.255.255", 4, false},
        {"198.20.0.0", 4, true},
        {"198.51.100.1", 4, false},
        {"203.0.113.1", 4, false},
        {"223.255.255.255", 4, true},
        {"224.0.0.1", 4, false},
        {"255.255.255.255", 4, false},
        {"2606:4700::1111", 6, true},
        {"::", 6, false},
        {"::1", 6, false},
        {"fe80::1", 6, false},
        {"fc00::1", 6, false},
        {"fd12::1", 6, false},
        {"ff02::1", 6, false},
        {"2001:db8::1", 6, false},
        {"2001::1", 6, false},
        {"2001:1ff::1", 6, false},
        {"2001:200::1", 6, true},
        {"2002:808:808::1", 6, false},
        {"3fff::1", 6, false},
        {"3fff:1000::1", 6, true},
        {"::ffff:8.8.8.8", 6, true},
        {"::ffff:10.0.0.1", 6, false},
        {"64:ff9b::808:808", 6, true},
        {"64:ff9b::7f00:1", 6, false},
        {"100::1", 6, false},
        {"4000::1", 6, false},
        {"", 0, false},
        {"1.2.3", 0, false},
        {"1.2.3.4.5", 0, false},
        {"256.1.1.1", 0, false},
        {"01.2.3.4", 0, false},
        {"::g", 0, false},
        {"127.0.0.1 ", 0, false},
        {"[::1]", 0, false},
        {"fe80::1%eth0", 0, false},
    };
    (void)state;
    EACH(c, cases)
    {
        struct ip ip;
        char text[IP_TEXT_SIZE];
        expect_number(c->text, ip_parse(str_of(c->text), &ip), c->family != 0);
        expect_number(c->text, ip.family, c->family);
        if (c->family == 0)
            continue;
        ip_text(&ip, text);
        expect_text(c->text, text, c->text);
        expect_number(c->text, ip_is_public(&ip), c->public);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_come_in_order),
        cmocka_unit_test(equal_preferences_are_shuffled_by_the_seed),
        cmocka_unit_test(addresses_alternate),
        cmocka_unit_test(addresses_are_public_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
