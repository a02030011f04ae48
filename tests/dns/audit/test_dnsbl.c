/* Lists of senders of spam: what is listed, what is clean, and what is neither because the list does not work. */
#include "dns/dnsbl.h"
#include "tests/dns/audit/audit_world.h"

/* RFC 5782 s5: 127.0.0.2 and ::ffff:127.0.0.2 are on every list, 127.0.0.1 and its IPv6 form on none. */
#define SOUND "2.0.0.127.bl.example. A 127.0.0.2\n" SOUND_6
#define SOUND_6                                                                                    \
    "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.example. A 127.0.0.2\n"

static const struct dnsbl_list addresses = {
    "bl.example", false, true, true, "", "", "https://bl.example/"};
static const struct dnsbl_list names = {"dbl.example", true, false, false, "", "", ""};

static const char *status_name(enum dnsbl_status s)
{
    static const char *const words[] = {[DNSBL_CLEAN] = "clean",
        [DNSBL_LISTED] = "listed",
        [DNSBL_UNUSABLE] = "unusable",
        [DNSBL_FAILED] = "failed"};
    return words[s];
}

static const struct listing {
    const char *name, *zone, *ip; /* "" = the name shop.example */
    const char *status, *code, *reason;
} listings[] = {
    {"nothing_about_the_address", SOUND, "198.51.100.7", "clean", "", ""},
    {"the_address_is_listed", SOUND "7.100.51.198.bl.example. A 127.0.0.4", "198.51.100.7",
        "listed", "127.0.0.4", ""},
    {"with_a_reason",
        SOUND "7.100.51.198.bl.example. A 127.0.0.4\n"
              "7.100.51.198.bl.example. TXT \"seen in a trap\"",
        "198.51.100.7", "listed", "127.0.0.4", "seen in a trap"},
    {"nibbles_of_ipv6",
        SOUND "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example. A "
              "127.0.0.2",
        "2001:db8::25", "listed", "127.0.0.2", ""},
    {"ipv6_has_test_points_of_its_own", "2.0.0.127.bl.example. A 127.0.0.2", "2001:db8::25",
        "unusable", "", ""},
    {"a_dead_list_is_not_clean", "other.example. A 192.0.2.1", "198.51.100.7", "unusable", "", ""},
    {"a_list_of_everything_is_not_believed", "*.bl.example. A 127.0.0.2", "198.51.100.7",
        "unusable", "127.0.0.2", ""},
    {"a_parked_domain_is_no_list", "*.bl.example. A 203.0.113.80", "198.51.100.7", "unusable",
        "203.0.113.80", ""},
    {"a_public_resolver_is_refused", "*.bl.example. A 127.255.255.254", "198.51.100.7", "unusable",
        "127.255.255.254", ""},
    {"refused_only_for_the_address", SOUND "7.100.51.198.bl.example. A 127.255.255.255",
        "198.51.100.7", "unusable", "127.255.255.255", ""},
    {"a_name", "test.dbl.example. A 127.0.1.2", "", "clean", "", ""},
    {"a_listed_name", "test.dbl.example. A 127.0.1.2\nshop.example.dbl.example. A 127.0.1.5", "",
        "listed", "127.0.1.5", ""},
    {"a_dead_list_of_names", "other.example. A 192.0.2.1", "", "unusable", "", ""},
    {"a_list_of_all_names", "*.dbl.example. A 127.0.1.2", "", "unusable", "127.0.1.2", ""},
    {"no_addresses_in_a_list_of_names",
        "test.dbl.example. A 127.0.1.2\nshop.example.dbl.example. A 127.0.1.255", "", "unusable",
        "127.0.1.255", ""},
};

static void lists_are_believed_only_while_they_work(void **state)
{
    (void)state;
    EACH(k, listings)
    {
        struct world w;
        struct dnsbl_answer a;
        struct ip ip;
        world_begin(&w);
        world_zone(&w, 0,
            arena_printf(w.arena,
                "$ORIGIN .\n$TTL 60\n. IN SOA ns.root. host.root. 1 2 3 4 60\n%s\n", k->zone));
        world_resolver(&w, NULL, 1000);
        if (ip_parse(str_of(k->ip), &ip))
            dnsbl_ask_address(w.resolver, &addresses, &ip, w.arena, &a);
        else
            dnsbl_ask_name(w.resolver, &names, "shop.example", w.arena, &a);
        expect_text(k->name, status_name(a.status), k->status);
        expect_text(k->name, a.code, k->code);
        expect_text(k->name, a.reason, k->reason);
        expect_number(k->name, !said_is_nothing(&a.why), a.status == DNSBL_UNUSABLE);
        if (strcmp(k->name, "a_parked_domain_is_no_list") == 0)
            assert_non_null(strstr(a.why.text, "it is gone"));
        if (strcmp(k->name, "a_public_resolver_is_refused") == 0)
            assert_non_null(strstr(a.why.text, "refuses this resolver"));
        world_end(&w);
    }
}

static void silence_is_neither_listed_nor_clean(void **state)
{
    struct world w;
    struct dnsbl_answer a;
    struct ip ip;
    (void)state;
    world_begin(&w);
    world_resolver(&w, NULL, 1000);
    assert_true(ip_parse(STR("198.51.100.7"), &ip));
    dnsbl_ask_address(w.resolver, &addresses, &ip, w.arena, &a);
    expect_text("silence", status_name(a.status), "failed");
    expect_text("what was asked", a.failed_name, "2.0.0.127.bl.example");
    world_end(&w);
}

static void the_usual_lists_are_sorted_by_what_they_list(void **state)
{
    const struct dnsbl_list *all;
    size_t n = dnsbl_usual(&all), of_names = 0;
    (void)state;
    for (size_t i = 0; i < n; i++) {
        of_names += all[i].names;
        assert_true(str_starts(str_of(all[i].source), STR("https://")));
    }
    assert_true(of_names > 0 && of_names < n);
}

/* ---- in an audit ----------------------------------------------------------------------------- */

static void audit_with(const char *zone, const struct dnsbl_list *lists, size_t n, struct shop *s,
    struct audit_report *r)
{
    shop_begin(s);
    s->setup.dnsbl = lists;
    s->setup.dnsbl_n = n;
    shop_change(s, "", zone);
    shop_audit(s, r);
}

static void an_audit_asks_lists_only_when_told_to(void **state)
{
    struct shop s;
    struct audit_report r;
    (void)state;
    audit_with(SOUND "7.100.51.198.bl.example. A 127.0.0.4", NULL, 0, &s, &r);
    assert_null(shop_finding(&r, "DNSBL-LISTED"));
    assert_null(shop_gap(&r, "DNSBL-LISTED"));
    shop_end(&s);
}

static void a_listing_is_an_error_of_large_lists_only(void **state)
{
    struct shop s;
    struct audit_report r;
    struct dnsbl_list small = addresses;
    (void)state;
    small.large = false;
    for (int i = 0; i < 2; i++) {
        audit_with(SOUND "7.100.51.198.bl.example. A 127.0.0.4\n"
                         "7.100.51.198.bl.example. TXT \"seen in a trap\"",
            i ? &small : &addresses, 1, &s, &r);
        const struct audit_finding *f = shop_finding(&r, "DNSBL-LISTED");
        assert_non_null(f);
        expect_text("severity", audit_severity_name(f->severity), i ? "warning" : "error");
        expect_text("evidence", f->evidence, "seen in a trap");
        expect_text("name", f->name, "198.51.100.7");
        shop_end(&s);
    }
}

static void a_list_that_does_not_work_is_a_gap(void **state)
{
    struct shop s;
    struct audit_report r;
    (void)state;
    audit_with("", &addresses, 1, &s, &r);
    assert_null(shop_finding(&r, "DNSBL-LISTED"));
    const struct audit_gap *gap = shop_gap(&r, "DNSBL-LISTED");
    assert_true(gap && !gap->dns_failed);
    shop_end(&s);
}

static void lists_of_names_need_no_address(void **state)
{
    struct dnsbl_list of_names = addresses;
    of_names.names = true;
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct shop s;
        struct audit_report r;
        shop_begin(&s);
        s.setup.addresses_n = 0;
        s.setup.dnsbl = i ? &addresses : &of_names;
        s.setup.dnsbl_n = 1;
        shop_audit(&s, &r);
        const struct audit_gap *gap = shop_gap(&r, "DNSBL-LISTED");
        expect_number(i ? "addresses" : "names",
            gap && strstr(gap->reason.text, "no sending address") != NULL, i);
        shop_end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_believed_only_while_they_work),
        cmocka_unit_test(silence_is_neither_listed_nor_clean),
        cmocka_unit_test(the_usual_lists_are_sorted_by_what_they_list),
        cmocka_unit_test(an_audit_asks_lists_only_when_told_to),
        cmocka_unit_test(a_listing_is_an_error_of_large_lists_only),
        cmocka_unit_test(lists_of_names_need_no_address),
        cmocka_unit_test(a_list_that_does_not_work_is_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
