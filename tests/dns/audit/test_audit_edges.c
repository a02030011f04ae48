/* What is no fault must not be called one, and how the DNS failed is told as it was. */
#include "dns/audit/inside.h"
#include "dns/audit/takeover.h"
#include "tests/dns/audit/audit_world.h"
#include "tests/dns/fake_server.h"

#define BACK "bounce.shop.example."
#define REVERSE "7.100.51.198.in-addr.arpa."
#define DMARC "_dmarc.shop.example."
#define KEY "s1._domainkey.shop.example."

#define LABEL_60 "x23456789012345678901234567890123456789012345678901234567890"

/* Each zone, and a code that it has or has not. */
static void codes_stand_where_they_belong(void **state)
{
    static const struct {
        const char *name, *domain, *remove, *add, *code;
        bool found;
    } cases[] = {
        {"a_network_that_is_more_than_private", "shop.example", BACK " TXT",
            BACK " TXT \"v=spf1 ip4:198.51.100.7 ip4:192.168.0.0/8 -all\"", "SPF-NETWORK-PRIVATE",
            false},
        {"and_is_large", "shop.example", BACK " TXT",
            BACK " TXT \"v=spf1 ip4:198.51.100.7 ip4:192.168.0.0/8 -all\"", "SPF-NETWORK-LARGE",
            true},
        {"more_than_a_third_of_what_is_private", "shop.example", BACK " TXT",
            BACK " TXT \"v=spf1 ip4:198.51.100.7 ip4:172.16.0.0/11 -all\"", "SPF-NETWORK-PRIVATE",
            false},
        {"the_third_itself", "shop.example", BACK " TXT",
            BACK " TXT \"v=spf1 ip4:198.51.100.7 ip4:172.16.0.0/12 -all\"", "SPF-NETWORK-PRIVATE",
            true},
        {"all_of_unique_local", "shop.example", BACK " TXT",
            BACK " TXT \"v=spf1 ip4:198.51.100.7 ip6:fc00::/7 -all\"", "SPF-NETWORK-PRIVATE", true},
        {"more_than_unique_local", "shop.example", BACK " TXT",
            BACK " TXT \"v=spf1 ip4:198.51.100.7 ip6:fc00::/6 -all\"", "SPF-NETWORK-PRIVATE",
            false},

        {"reports_below_a_public_suffix_of_ours", "shop.example", DMARC " TXT",
            DMARC " TXT \"v=DMARC1; p=reject; rua=mailto:a@x.hosted.shop.example\"\n"
                  "_dmarc.hosted.shop.example. TXT \"v=DMARC1; p=reject; psd=y\"",
            "DMARC-EXTERNAL-REPORT-UNAUTHORISED", true},
        {"reports_below_the_domain", "shop.example", DMARC " TXT",
            DMARC " TXT \"v=DMARC1; p=reject; rua=mailto:a@x.hosted.shop.example\"",
            "DMARC-EXTERNAL-REPORT-UNAUTHORISED", false},
        {"reports_to_a_name_too_long_to_ask_for", "shop.example", DMARC " TXT",
            DMARC " TXT \"v=DMARC1; p=reject; rua=mailto:a@" LABEL_60 "." LABEL_60 "." LABEL_60
                  ".\" \"" LABEL_60 ".example\"",
            "DMARC-EXTERNAL-REPORT-UNAUTHORISED", true},

        {"free_mail_of_a_country", "yahoo.co.uk", "", "", "FROM-FREE-MAIL", true},
        {"free_mail_of_the_family", "live.nl", "", "", "FROM-FREE-MAIL", true},
        {"a_subdomain_of_a_shop", "live.myshop.com", "", "", "FROM-FREE-MAIL", false},
        {"a_page_at_a_hoster", "live.github.io", "", "", "FROM-FREE-MAIL", false},
        {"a_subdomain_of_free_mail", "mail.live.com", "", "", "FROM-FREE-MAIL", false},

        {"a_word_within_a_word", "shop.example", REVERSE " PTR",
            REVERSE " PTR apppel.dynastic.shop.example.", "PTR-GENERIC", false},
        {"a_word_by_itself", "shop.example", REVERSE " PTR", REVERSE " PTR ppp-7.shop.example.",
            "PTR-GENERIC", true},
        {"a_word_as_a_label", "shop.example", REVERSE " PTR", REVERSE " PTR a.dyn.shop.example.",
            "PTR-GENERIC", true},
        {"a_word_before_a_number", "shop.example", REVERSE " PTR",
            REVERSE " PTR x.adsl2.shop.example.", "PTR-GENERIC", true},
        {"the_name_that_somebody_registered", "shop.example", REVERSE " PTR",
            REVERSE " PTR mx.pool.example.", "PTR-GENERIC", false},
        {"three_octets", "shop.example", REVERSE " PTR", REVERSE " PTR h7-100-51.shop.example.",
            "PTR-GENERIC", true},
        {"two_octets", "shop.example", REVERSE " PTR", REVERSE " PTR h7-100.shop.example.",
            "PTR-GENERIC", false},
    };
    (void)state;
    EACH(k, cases)
    {
        struct shop s;
        struct audit_report r;
        shop_begin(&s);
        s.setup.domain = k->domain;
        shop_change(&s, k->remove, k->add);
        shop_audit(&s, &r);
        expect_number(k->name, shop_finding(&r, k->code) != NULL, k->found);
        assert_null(shop_gap(&r, k->code));
        shop_end(&s);
    }
}

/* 45.10.10.10: the number of mx10 is one of its octets, not three. */
static void a_number_stands_for_one_octet(void **state)
{
    static const struct {
        const char *name;
        bool generic;
    } cases[] = {{"mx10.shop.example", false}, {"h10-10.shop.example", false},
        {"h10-10-10.shop.example", true}, {"h45-10-10.shop.example", true}};
    (void)state;
    EACH(k, cases)
    {
        struct shop s;
        struct audit_report r;
        shop_begin(&s);
        assert_true(ip_parse(STR("45.10.10.10"), &s.addresses[0]));
        shop_change(&s, "",
            arena_printf(s.world.arena, "10.10.10.45.in-addr.arpa. PTR %s.\n%s. A 45.10.10.10",
                k->name, k->name));
        shop_audit(&s, &r);
        expect_number(k->name, shop_finding(&r, "PTR-GENERIC") != NULL, k->generic);
        shop_end(&s);
    }
}

static enum audit_answer answer_of(const struct audit_report *r, const char *rule)
{
    const struct audit_provider *p = &r->providers[0];
    for (size_t i = 0; i < p->rules_n; i++)
        if (strcmp(p->rules[i].rule, rule) == 0)
            return p->rules[i].answer;
    fail_msg("no rule %s", rule);
    return AUDIT_RULE_PASS;
}

static void providers_ask_for_an_rsa_key(void **state)
{
    static const struct {
        const char *name, *key;
        enum audit_answer want;
    } cases[] = {
        {"rsa", "k=rsa; p=" RSA_1024, AUDIT_RULE_PASS},
        {"ed25519_alone", "k=ed25519; p=" ED25519, AUDIT_RULE_NOT_CHECKABLE},
        {"neither", "k=rsa; p=" RSA_512, AUDIT_RULE_FAIL},
    };
    (void)state;
    EACH(k, cases)
    {
        struct shop s;
        struct audit_report r;
        shop_begin(&s);
        s.keys[0] = (struct audit_key){"shop.example", "s1", "", STR("")};
        shop_change(
            &s, KEY " TXT", arena_printf(s.world.arena, KEY " TXT \"v=DKIM1; %s\"", k->key));
        shop_audit(&s, &r);
        expect_text(k->name, audit_answer_name(answer_of(&r, "dkim")), audit_answer_name(k->want));
        shop_end(&s);
    }
}

/* np= counts only for names that do not exist, and whether news does, an alias to a silent zone hides. */
static void an_unknown_policy_is_not_too_weak_for_a_logo(void **state)
{
    struct shop s;
    struct audit_report r;
    (void)state;
    shop_begin(&s);
    s.setup.domain = "news.shop.example";
    world_zone(&s.world, 0,
        "$ORIGIN shop.example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n"
        "_dmarc TXT \"v=DMARC1; p=reject; sp=reject; np=quarantine; psd=n\"\n"
        "news CNAME news.gone.test.\n"
        "default._bimi.news TXT \"v=BIMI1; l=https://shop.example/l.svg\"\n");
    world_resolver(&s.world, NULL, 1000);
    s.setup.resolver = s.world.resolver;
    audit_run(&s.setup, s.world.arena, &r);
    assert_null(shop_finding(&r, "BIMI-POLICY-TOO-WEAK"));
    const struct audit_gap *gap = shop_gap(&r, "BIMI-POLICY-TOO-WEAK");
    assert_true(gap && gap->dns_failed);
    shop_end(&s);
}

/* Only the score card's rule of alignment hangs on an address that nobody named. */
static void alignment_is_not_checkable_without_an_address(void **state)
{
    struct shop s;
    struct audit_report r;
    (void)state;
    shop_begin(&s);
    s.keys[0] = (struct audit_key){"shop.example", "s1", "", STR("")};
    s.setup.addresses_n = 0;
    shop_change(&s, KEY " TXT", KEY " TXT \"v=DKIM1; p=\"");
    shop_audit(&s, &r);
    expect_text("alignment", audit_answer_name(answer_of(&r, "alignment")), "not-checkable");
    expect_text("dkim", audit_answer_name(answer_of(&r, "dkim")), "fail");
    s.setup.smart_host = true;
    shop_audit(&s, &r);
    expect_text("smart host", audit_answer_name(answer_of(&r, "alignment")), "fail");
    shop_end(&s);
}

/* Each record or name that could have had the fault, and did not come. */
static void silence_leaves_a_gap(void **state)
{
    static const struct {
        const char *name, *zone, *code;
    } cases[] = {
        {"an_include_in_takeover", "bounce TXT \"v=spf1 include:a.test -all\"", "SPF-TAKEOVER"},
        {"a_host_in_takeover", "bounce TXT \"v=spf1 a:a.test -all\"", "SPF-TAKEOVER"},
        {"a_host_in_void", "bounce TXT \"v=spf1 a:a.test -all\"", "SPF-TERM-VOID"},
        {"an_mx_in_void", "bounce TXT \"v=spf1 mx:a.test -all\"", "SPF-TERM-VOID"},
        {"an_mx_in_exceeded", "bounce TXT \"v=spf1 mx:a.test -all\"", "SPF-MX-EXCEEDED"},
        {"an_include_in_exceeded", "bounce TXT \"v=spf1 include:a.test -all\"", "SPF-MX-EXCEEDED"},
        {"an_include_in_large", "bounce TXT \"v=spf1 include:a.test -all\"", "SPF-NETWORK-LARGE"},
        {"an_include_in_long", "bounce TXT \"v=spf1 include:a.test -all\"", "SPF-TOO-LONG"},
        {"the_record_in_private", "bounce CNAME a.test.", "SPF-NETWORK-PRIVATE"},
        {"the_record_in_void", "bounce CNAME a.test.", "SPF-TERM-VOID"},
        {"the_record_in_sender_id", "bounce CNAME a.test.", "SPF-SENDER-ID"},
        {"an_alias_in_takeover", "mail CNAME a.test.", "NAME-TAKEOVER"},
    };
    (void)state;
    EACH(k, cases)
    {
        struct shop s;
        struct audit_report r;
        shop_begin(&s);
        world_zone(&s.world, 0,
            arena_printf(s.world.arena,
                "$ORIGIN shop.example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\nmx A 198.51.100.7\n"
                "@ MX 10 mx\n%s\n",
                k->zone));
        world_resolver(&s.world, NULL, 1000);
        s.setup.resolver = s.world.resolver;
        audit_run(&s.setup, s.world.arena, &r);
        const struct audit_gap *gap = shop_gap(&r, k->code);
        if (!gap || !gap->dns_failed)
            fail_msg("%s: %s is no gap", k->name, k->code);
        shop_end(&s);
    }
}

/* All that leads out of the zone meets SERVFAIL at once, so that no reason may speak of a time-out. */
static void servfail_is_told_as_such(void **state)
{
    static const enum act fails[] = {SERVFAIL};
    static const char *const codes[] = {"MTA-STS-SYNTAX", "MTA-STS-POLICY-UNUSABLE",
        "TLS-RPT-SYNTAX", "TLS-RPT-MISSING", "BIMI-SYNTAX", "BIMI-LOGO-UNUSABLE",
        "SPF-ADDRESS-NOT-COVERED", "SPF-HELO-FAIL", "PTR-NOT-CONFIRMED", "HELO-UNRESOLVED",
        "LINKS-UNRESOLVED", "DMARC-REPORTS-LOST", "DMARC-EXTERNAL-REPORT-UNAUTHORISED",
        "DKIM-KEY-SYNTAX"};
    struct shop s;
    struct fake_server server;
    struct audit_report r;
    (void)state;
    shop_begin(&s);
    fake_start(&server, fails, 1);
    world_zone(&s.world, 0,
        "$ORIGIN shop.example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n@ MX 10 mx\nmx CNAME "
        "a.test.\n"
        "mail CNAME a.test.\nbounce MX 10 mx\nbounce TXT \"v=spf1 include:a.test -all\"\n"
        "_dmarc TXT \"v=DMARC1; p=reject; rua=mailto:a@other.test\"\n_mta-sts CNAME a.test.\n"
        "_smtp._tls CNAME a.test.\ndefault._bimi CNAME a.test.\ns1._domainkey CNAME a.test.\n");
    world_zone(&s.world, 1,
        "$ORIGIN 100.51.198.in-addr.arpa.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n7 PTR a.test.\n");
    world_resolver(&s.world, (const char *const[]){server.address, NULL}, 20000);
    s.setup.resolver = s.world.resolver;
    audit_run(&s.setup, s.world.arena, &r);
    EACH(code, codes)
    {
        const struct audit_gap *gap = shop_gap(&r, *code);
        if (!gap || !gap->dns_failed)
            fail_msg("%s is no gap", *code);
    }
    for (size_t i = 0; i < r.gaps_n; i++)
        if (strstr(r.gaps[i].reason.text, "timeout"))
            fail_msg("%s", r.gaps[i].reason.text);
    fake_stop(&server);
    shop_end(&s);
}

/* A domain that is an alias is registered, even if what it leads to is not. */
static void only_a_name_that_is_not_there_is_free(void **state)
{
    static const struct {
        const char *name;
        enum dns_status status;
        const char *canonical;
        bool open;
    } rows[] = {
        {"not_registered", DNS_NXDOMAIN, "gone.test", true},
        {"an_alias_to_nothing", DNS_NXDOMAIN, "elsewhere.test", false},
        {"without_the_record", DNS_NODATA, "gone.test", false},
        {"registered", DNS_FOUND, "gone.test", false},
        {"not_answered", DNS_SERVFAIL, "", false},
    };
    (void)state;
    assert_false(audit_estate_is_open(NULL));
    EACH(r, rows)
    {
        struct audit_estate e = {
            .domain = "gone.test", .soa.answer = {.status = r->status, .canonical = r->canonical}};
        expect_number(r->name, audit_estate_is_open(&e), r->open);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_stand_where_they_belong),
        cmocka_unit_test(a_number_stands_for_one_octet),
        cmocka_unit_test(providers_ask_for_an_rsa_key),
        cmocka_unit_test(an_unknown_policy_is_not_too_weak_for_a_logo),
        cmocka_unit_test(alignment_is_not_checkable_without_an_address),
        cmocka_unit_test(only_a_name_that_is_not_there_is_free),
        cmocka_unit_test(silence_leaves_a_gap),
        cmocka_unit_test(servfail_is_told_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
