/* shop_zone -- one zone with every shape that a lookup can meet, and what it says to whom. Asked of
 * the zone file and of a real server: both must say the same.
 * Source: RFC 1034 s4.3.2, RFC 4592 s2.2. */
#ifndef TESTS_DNS_SHOP_ZONE_H
#define TESTS_DNS_SHOP_ZONE_H

#include "dns/resolver.h"

static const char shop_zone[] =
    "$ORIGIN shop.example.\n"
    "$TTL 300\n"
    "@ IN SOA ns hostmaster ( 1 3600 600 86400 60 )\n"
    "@ IN NS ns\n"
    "@ IN MX 10 mx1\n"
    "@ IN MX 20 MX2.shop.example.\n"
    "@ IN TXT \"v=spf1 \" \"-all\"\n"
    "@ IN TXT \"a second one\"\n"
    "@ IN A 192.0.2.1\n"
    "@ IN AAAA 2001:db8::1\n"
    "ns IN A 192.0.2.53\n"
    "mx1 120 IN A 192.0.2.25\n"
    "mx1 60 IN AAAA 2001:db8::25\n"
    "mx2 IN A 192.0.2.26\n"
    "silent IN MX 0 .\n"
    "www IN CNAME @\n"
    "chain1 IN CNAME chain2\n"
    "chain2 IN CNAME chain3\n"
    "chain3 IN CNAME mx1\n"
    "dangling IN CNAME gone\n"
    "circle1 IN CNAME circle2\n"
    "circle2 IN CNAME circle1\n"
    "self IN CNAME self\n"
    "a.b.deep IN TXT deep\n"
    "wild IN TXT apex-of-wild\n"
    "*.wild IN TXT wildcard\n"
    "*.wild IN MX 5 mx1\n"
    "there.wild IN A 192.0.2.77\n"
    "x.ent.wild IN A 192.0.2.78\n"
    "*.alias IN CNAME mx1\n"
    "sub.*.inner IN TXT below-a-wildcard\n"
    "SELECTOR._domainkey IN TXT \"v=DKIM1; p=QUJD\"\n"
    "_25._tcp.mx1 IN TLSA 3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
    "semicolon IN TXT \"a;b\" ; a comment\n"
    "quoted IN TXT \"say \\\"hi\\\" \\065\"\n"
    "*.*.stars IN TXT two-stars\n"
    "again IN TXT same\n"
    "again IN TXT other\n"
    "again IN TXT same\n"
    "again IN TXT \"sa\" \"me\"\n"
    "caa IN CAA 0 issue \"ca.example\"\n"
    "cut IN NS ns.elsewhere.example.\n"
    "glue.cut IN A 192.0.2.99\n";

/* Only what is answered by the zone alone. */
static const struct shop_case {
    const char *name;
    const char *ask;
    enum dns_type type;
    const char *want;
} shop_cases[] = {
    {"address_of_the_apex", "shop.example", DNS_A, "found 192.0.2.1"},
    {"ipv6_of_the_apex", "shop.example", DNS_AAAA, "found 2001:db8::1"},
    {"names_fold_case", "ShOp.ExAmPlE", DNS_A, "found 192.0.2.1"},
    {"a_final_dot_is_the_same_name", "mx2.shop.example.", DNS_A,
        "found 192.0.2.26 at mx2.shop.example"},
    {"mx_with_preferences_in_lower_case", "shop.example", DNS_MX,
        "found 10:mx1.shop.example 20:mx2.shop.example"},
    {"strings_of_one_txt_are_joined", "shop.example", DNS_TXT,
        "found \"a second one\" \"v=spf1 -all\""},
    {"null_mx_names_the_root", "silent.shop.example", DNS_MX, "found 0:"},
    {"ns_of_the_apex", "shop.example", DNS_NS, "found ns.shop.example"},
    {"no_such_type_is_nodata", "mx2.shop.example", DNS_AAAA, "nodata"},
    {"no_such_name_is_nxdomain", "nobody.shop.example", DNS_A, "nxdomain"},
    {"below_a_leaf_is_nxdomain", "x.mx2.shop.example", DNS_A, "nxdomain"},
    {"other_types_make_a_name_exist", "caa.shop.example", DNS_TXT, "nodata"},
    {"alias_to_the_apex", "www.shop.example", DNS_A, "found 192.0.2.1 at shop.example"},
    {"alias_gives_its_targets_nodata", "www.shop.example", DNS_PTR, "nodata at shop.example"},
    {"alias_itself_when_asked_for", "www.shop.example", DNS_CNAME, "found shop.example"},
    {"chain_of_three_aliases", "chain1.shop.example", DNS_A,
        "found 192.0.2.25 at mx1.shop.example"},
    {"alias_to_nothing_is_nxdomain_there", "dangling.shop.example", DNS_A,
        "nxdomain at gone.shop.example"},
    {"empty_non_terminal_is_nodata", "deep.shop.example", DNS_TXT, "nodata"},
    {"second_empty_non_terminal_is_nodata", "b.deep.shop.example", DNS_TXT, "nodata"},
    {"record_below_empty_non_terminals", "a.b.deep.shop.example", DNS_TXT, "found \"deep\""},
    {"beside_an_empty_non_terminals_child", "c.b.deep.shop.example", DNS_TXT, "nxdomain"},
    /* RFC 4592 s2.2.1: the worked examples, in this zone's names */
    {"wildcard_speaks_for_one_label", "foo.wild.shop.example", DNS_TXT, "found \"wildcard\""},
    {"wildcard_speaks_for_many_labels", "a.b.c.wild.shop.example", DNS_MX,
        "found 5:mx1.shop.example"},
    {"wildcard_has_not_that_type", "foo.wild.shop.example", DNS_A, "nodata"},
    {"wildcard_not_for_its_own_encloser", "wild.shop.example", DNS_TXT, "found \"apex-of-wild\""},
    {"wildcard_not_for_a_name_that_exists", "there.wild.shop.example", DNS_TXT, "nodata"},
    {"wildcard_not_below_a_name_that_exists", "x.there.wild.shop.example", DNS_TXT, "nxdomain"},
    {"wildcard_not_for_an_empty_non_terminal", "ent.wild.shop.example", DNS_TXT, "nodata"},
    {"wildcard_not_below_an_empty_non_terminal", "y.ent.wild.shop.example", DNS_TXT, "nxdomain"},
    {"the_wildcard_itself_can_be_asked", "*.wild.shop.example", DNS_TXT, "found \"wildcard\""},
    {"wildcard_alias", "foo.alias.shop.example", DNS_A, "found 192.0.2.25 at mx1.shop.example"},
    {"wildcard_alias_keeps_the_type", "foo.alias.shop.example", DNS_TXT,
        "nodata at mx1.shop.example"},
    {"alias_zone_name_is_an_empty_non_terminal", "alias.shop.example", DNS_A, "nodata"},
    {"an_empty_wildcard_gives_nodata", "foo.inner.shop.example", DNS_TXT, "nodata"},
    {"below_an_empty_wildcard", "sub.*.inner.shop.example", DNS_TXT, "found \"below-a-wildcard\""},
    {"a_wildcard_below_a_wildcard_is_literal", "a.b.stars.shop.example", DNS_TXT, "nodata"},
    {"selector_in_upper_case", "selector._domainkey.shop.example", DNS_TXT,
        "found \"v=DKIM1; p=QUJD\""},
    {"other_selector", "other._domainkey.shop.example", DNS_TXT, "nxdomain"},
    {"semicolon_in_quotes", "semicolon.shop.example", DNS_TXT, "found \"a;b\""},
    {"escapes_in_text", "quoted.shop.example", DNS_TXT, "found \"say \"hi\" A\""},
    {"equal_records_are_one_but_not_unequal_splits", "again.shop.example", DNS_TXT,
        "found \"other\" \"same\" \"same\""},
    {"tlsa_as_on_the_wire", "_25._tcp.mx1.shop.example", DNS_TLSA,
        "found 030101000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
    {"soa_as_on_the_wire", "shop.example", DNS_SOA,
        "found 026e730473686f70076578616d706c65000a686f73746d61737465720473686f70076578616d706c6500"
        "0000000100000e1000000258000151800000003c"},
};

#endif
