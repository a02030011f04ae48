/* The audit's verdict, what it says where the DNS fails or nothing is known, its score cards and zone lines. */
#include "dns/audit/inside.h"
#include "tests/dns/audit/audit_world.h"

#define DMARC "_dmarc.shop.example."
#define KEY "s1._domainkey.shop.example."
#define BACK "bounce.shop.example."

enum side { OURS, SELECTOR, NOTHING_KNOWN, ADDRESS_ONLY, SMART_HOST };

static void take_side(struct shop *s, enum side side)
{
    if (side != OURS && side != SMART_HOST) {
        s->keys[0] = (struct audit_key){"shop.example", "s1", "", STR("")};
        s->setup.keys_are_all = false;
    }
    if (side == NOTHING_KNOWN || side == ADDRESS_ONLY)
        s->setup.keys_n = 0;
    if (side == NOTHING_KNOWN || side == SELECTOR || side == SMART_HOST)
        s->setup.addresses_n = 0;
    s->setup.smart_host = side == SMART_HOST;
}

static void the_verdict_says_what_receivers_will_do(void **state)
{
    static const struct {
        const char *name, *remove, *add;
        enum side side;
        const char *verdict, *sentence;
    } cases[] = {
        {"both_pass", "", "", OURS, "pass", "a DKIM signature passes and aligns"},
        {"spf_carries_it", KEY " TXT", "", OURS, "pass", "SPF passes and aligns"},
        {"dkim_carries_it", BACK " TXT", "", OURS, "pass", "a DKIM signature passes"},
        {"nothing_passes", KEY " TXT," BACK " TXT", "", OURS, "fail",
            "There is no key record at the selector (s1._domainkey.shop.example)"},
        {"a_selector_alone", "", "", SELECTOR, "pass", "a DKIM signature passes"},
        {"a_selector_that_is_not_there", KEY " TXT", "", SELECTOR, "unknown",
            "SPF was not checked"},
        {"a_revoked_key_and_no_address", KEY " TXT", KEY " TXT \"v=DKIM1; p=\"", SELECTOR,
            "unknown", "SPF was not checked"},
        {"no_key_no_address_and_no_spf", KEY " TXT," BACK " TXT", "", SELECTOR, "fail",
            "SPF was not checked"},
        {"behind_a_smart_host", "", "", SMART_HOST, "pass", "a DKIM signature passes"},
        {"behind_a_smart_host_without_key", KEY " TXT", "", SMART_HOST, "fail",
            "SPF was not checked"},
        {"an_address_alone", "", "", ADDRESS_ONLY, "pass", "SPF passes and aligns"},
        {"an_address_that_fails", BACK " TXT," KEY " TXT", "", ADDRESS_ONLY, "unknown",
            "no DKIM selector is known"},
        {"nothing_is_known", "", "", NOTHING_KNOWN, "unknown",
            "s1._domainkey.shop.example, but the DNS does not show"},
        {"nothing_is_known_or_found", KEY " TXT", "", NOTHING_KNOWN, "unknown",
            "no DKIM selector is known"},
        {"no_dmarc", DMARC " TXT", "", OURS, "fail", "no DMARC record applies"},
        {"dmarc_that_does_not_count", DMARC " TXT", DMARC " TXT \"v=DMARC1\"", OURS, "fail",
            "does not count"},
    };
    (void)state;
    EACH(k, cases)
    {
        struct shop s;
        struct audit_report r;
        shop_begin(&s);
        take_side(&s, k->side);
        shop_change(&s, k->remove, k->add);
        shop_audit(&s, &r);
        expect_text(k->name, audit_verdict_name(r.verdict), k->verdict);
        if (!strstr(r.sentence.text, k->sentence))
            fail_msg("%s: \"%s\" lacks \"%s\"", k->name, r.sentence.text, k->sentence);
        shop_end(&s);
    }
}

/* Only shop.example answers; all else is silent. */
static void what_the_dns_does_not_answer_is_a_gap(void **state)
{
    static const struct {
        const char *name, *zone, *code;
        bool failed;
    } cases[] = {
        {"the_reverse_zone", "", "PTR-MISSING", true},
        {"the_reverse_zone_again", "", "PTR-NOT-CONFIRMED", true},
        {"an_mx_host_elsewhere", "@ MX 10 mx.hoster.test.\n", "MX-NO-ADDRESS", true},
        {"an_include_elsewhere", "bounce TXT \"v=spf1 include:spf.esp.test -all\"\n",
            "SPF-INCLUDE-DEAD", true},
        {"lookups_behind_it", "bounce TXT \"v=spf1 include:spf.esp.test -all\"\n",
            "SPF-LOOKUPS-EXCEEDED", true},
        {"an_address_behind_it", "bounce TXT \"v=spf1 include:spf.esp.test -all\"\n",
            "SPF-ADDRESS-NOT-COVERED", true},
        {"reports_elsewhere", "_dmarc TXT \"v=DMARC1; p=reject; rua=mailto:a@other.test\"\n",
            "DMARC-EXTERNAL-REPORT-UNAUTHORISED", true},
        {"a_key_elsewhere", "s1._domainkey CNAME s1.esp.test.\n", "DKIM-KEY-ABSENT", true},
        {"a_policy_elsewhere", "_dmarc CNAME dmarc.esp.test.\n", "DMARC-MISSING", true},
    };
    (void)state;
    EACH(k, cases)
    {
        struct shop s;
        struct audit_report r;
        shop_begin(&s);
        take_side(&s, SELECTOR);
        s.setup.addresses_n = 1;
        world_zone(&s.world, 0,
            arena_printf(s.world.arena,
                "$ORIGIN shop.example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\nmx A 198.51.100.7\n"
                "bounce MX 10 mx\n%s",
                k->zone));
        world_resolver(&s.world, NULL, 1000);
        s.setup.resolver = s.world.resolver;
        audit_run(&s.setup, s.world.arena, &r);
        const struct audit_gap *gap = shop_gap(&r, k->code);
        if (!gap || shop_finding(&r, k->code))
            fail_msg("%s: %s is no gap, or a finding", k->name, k->code);
        expect_number(k->name, gap->dns_failed, k->failed);
        assert_true(r.unsure);
        shop_end(&s);
    }
}

/* What stands at shop.example may apply to a name below it, or not: that depends on what stands above. */
static void a_record_above_is_not_missing_where_the_top_is_silent(void **state)
{
    struct shop s;
    struct audit_report r;
    (void)state;
    shop_begin(&s);
    take_side(&s, SELECTOR);
    s.setup.domain = "mail.shop.example";
    world_zone(&s.world, 0,
        "$ORIGIN shop.example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n"
        "_dmarc TXT \"v=DMARC1; p=reject\"\n");
    world_resolver(&s.world, NULL, 1000);
    s.setup.resolver = s.world.resolver;
    audit_run(&s.setup, s.world.arena, &r);
    assert_null(shop_finding(&r, "DMARC-MISSING"));
    assert_true(shop_gap(&r, "DMARC-MISSING") && shop_gap(&r, "DMARC-MISSING")->dns_failed);
    shop_end(&s);
}

static void what_nobody_told_us_is_a_gap_too(void **state)
{
    struct shop s;
    struct audit_report r;
    (void)state;
    shop_begin(&s);
    take_side(&s, NOTHING_KNOWN);
    s.setup.helo = s.setup.mail_from = "";
    shop_audit(&s, &r);
    static const char *const codes[] = {"DKIM-KEY-ABSENT", "DKIM-KEY-MISMATCH",
        "SPF-ADDRESS-NOT-COVERED", "PTR-MISSING", "HELO-UNRESOLVED"};
    EACH(code, codes)
    {
        const struct audit_gap *gap = shop_gap(&r, *code);
        assert_true(gap && !gap->dns_failed);
        assert_null(shop_finding(&r, *code));
    }
    assert_false(r.unsure);
    shop_end(&s);
}

/* That no key stands at the usual selectors is known only where the DNS said so. */
static void usual_selectors_without_an_answer_are_a_failure_of_the_dns(void **state)
{
    static const char *const codes[] = {"DKIM-KEY-ABSENT", "DKIM-KEY-REVOKED", "DKIM-KEY-SYNTAX"};
    struct shop s;
    struct audit_report r;
    (void)state;
    shop_begin(&s);
    take_side(&s, NOTHING_KNOWN);
    s.setup.domain = "silent.example";
    world_resolver(&s.world, NULL, 1000);
    s.setup.resolver = s.world.resolver;
    audit_run(&s.setup, s.world.arena, &r);
    EACH(code, codes)
    {
        const struct audit_gap *gap = shop_gap(&r, *code);
        if (!gap || !gap->dns_failed || !strstr(gap->reason.text, "did not answer"))
            fail_msg("%s: %s", *code, gap ? gap->reason.text : "no gap");
    }
    assert_true(r.unsure);
    shop_end(&s);
}

static void texts_that_need_tcp_are_named(void **state)
{
    struct shop s;
    struct audit_report r;
    (void)state;
    shop_begin(&s);
    for (int i = 0; i < 12; i++)
        shop_change(&s, "",
            arena_printf(s.world.arena, "shop.example. TXT \"verification-%d=%0100d\"", i, i));
    shop_audit(&s, &r);
    assert_non_null(shop_finding(&r, "TXT-TOO-LONG"));
    shop_end(&s);
}

static void tlsa_records_that_nobody_can_use(void **state)
{
    static const struct dane_record record = {.text = "1 1 1 00"};
    struct audit_case c = {.arena = arena_open()};
    struct audit_check k = {.code = "DANE-UNUSABLE", .title = "", .why = ""};
    (void)state;
    c.around.dane_n = 1;
    c.around.dane[0].dane = (struct dane){.status = DANE_USABLE,
        .name = "_25._tcp.mx.shop.example",
        .why = SAID_NOTHING,
        .records = &record,
        .n = 1};
    check_dane(&c, &k);
    assert_int_equal(c.findings_n, 0);
    c.around.dane[0].dane.status = DANE_UNUSABLE;
    check_dane(&c, &k);
    assert_int_equal(c.findings_n, 1);
    arena_close(&c.arena);
}

static enum audit_answer answer_of(const struct audit_report *r, const char *key, const char *rule)
{
    for (size_t i = 0; i < r->providers_n; i++)
        for (size_t j = 0; j < r->providers[i].rules_n; j++)
            if (strcmp(r->providers[i].key, key) == 0 &&
                strcmp(r->providers[i].rules[j].rule, rule) == 0)
                return r->providers[i].rules[j].answer;
    fail_msg("%s has no rule %s", key, rule);
    return AUDIT_RULE_FAIL;
}

static void score_cards_follow_the_facts(void **state)
{
    static const struct {
        const char *name, *remove, *add;
        enum side side;
        const char *provider, *rule, *answer;
    } cases[] = {
        {"spf", "", "", OURS, "gmail", "spf", "pass"},
        {"no_spf", BACK " TXT", "", OURS, "gmail", "spf", "fail"},
        {"no_spf_is_no_fail", BACK " TXT", "", OURS, "laposte", "spf-no-fail", "pass"},
        {"spf_fails", BACK " TXT", BACK " TXT \"v=spf1 -all\"", OURS, "laposte", "spf-no-fail",
            "fail"},
        {"spf_unknown", "", "", SELECTOR, "outlook", "spf", "not-checkable"},
        {"dkim", "", "", OURS, "yahoo", "dkim", "pass"},
        {"no_dkim", KEY " TXT", "", OURS, "yahoo", "dkim", "fail"},
        {"dkim_guessed", "", "", NOTHING_KNOWN, "apple", "dkim", "not-checkable"},
        {"dkim_short", KEY " TXT", KEY " TXT \"v=DKIM1; p=" RSA_512 "\"", SELECTOR, "gmail", "dkim",
            "fail"},
        {"dmarc", "", "", OURS, "orange", "dmarc", "pass"},
        {"no_dmarc", DMARC " TXT", "", OURS, "orange", "dmarc", "fail"},
        {"alignment", "", "", OURS, "laposte", "alignment", "pass"},
        {"no_alignment", KEY " TXT," BACK " TXT", "", OURS, "laposte", "alignment", "fail"},
        {"reports", "", "", OURS, "laposte", "dmarc-reports", "pass"},
        {"no_reports", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject\"", OURS, "laposte",
            "dmarc-reports", "fail"},
        {"ptr", "", "", OURS, "gmail", "ptr", "pass"},
        {"no_ptr", "7.100.51.198.in-addr.arpa. PTR", "", OURS, "gmail", "ptr", "fail"},
        {"ptr_of_a_smart_host", "", "", SMART_HOST, "gmail", "ptr", "not-checkable"},
        {"helo", "", "", OURS, "orange", "helo", "pass"},
        {"no_helo", "mx.shop.example. A", "", OURS, "orange", "helo", "fail"},
        {"replies", "", "", OURS, "outlook", "replies", "pass"},
        {"replies_to_the_address_of_the_name", "shop.example. MX", "", OURS, "outlook", "replies",
            "pass"},
        {"replies_to_a_null_mx", "shop.example. MX", "shop.example. MX 0 .", OURS, "outlook",
            "replies", "fail"},
        {"replies_to_a_host_without_address", "mx.shop.example. A", "", OURS, "outlook", "replies",
            "fail"},
        {"replies_to_nowhere", "shop.example. MX,shop.example. A", "", OURS, "outlook", "replies",
            "fail"},
        {"complaints", "", "", OURS, "gmail", "complaint-rate", "not-checkable"},
        {"one_click", "", "", OURS, "yahoo", "one-click", "not-checkable"},
        {"tls", "", "", OURS, "gmail", "tls", "not-checkable"},
    };
    (void)state;
    EACH(k, cases)
    {
        struct shop s;
        struct audit_report r;
        shop_begin(&s);
        take_side(&s, k->side);
        shop_change(&s, k->remove, k->add);
        shop_audit(&s, &r);
        expect_text(k->name, audit_answer_name(answer_of(&r, k->provider, k->rule)), k->answer);
        shop_end(&s);
    }
}

static void complaints_are_shown_and_never_pass(void **state)
{
    static const struct {
        const char *name;
        struct audit_complaints counted;
        const char *answer, *detail;
    } cases[] = {
        {"nothing_counted", {false, 0, 0, 0}, "not-checkable", "provider's own numbers"},
        {"nothing_delivered", {true, 0, 0, 30}, "not-checkable", "provider's own numbers"},
        {"none", {true, 1000, 0, 30}, "not-checkable", "0 of 1000 delivered in 30 days"},
        {"below_the_limit", {true, 10000, 29, 7}, "not-checkable", "29 of 10000"},
        {"at_the_limit", {true, 10000, 30, 7}, "fail", "0.30 %"},
    };
    (void)state;
    EACH(k, cases)
    {
        struct shop s;
        struct audit_report r;
        shop_begin(&s);
        s.setup.complaints = k->counted;
        shop_audit(&s, &r);
        for (size_t i = 0; i < r.providers_n; i++)
            for (size_t j = 0; j < r.providers[i].rules_n; j++) {
                const struct audit_rule *rule = &r.providers[i].rules[j];
                if (strcmp(rule->rule, "complaint-rate") != 0)
                    continue;
                expect_text(k->name, audit_answer_name(rule->answer), k->answer);
                if (!strstr(rule->detail.text, k->detail))
                    fail_msg("%s: \"%s\" lacks \"%s\"", k->name, rule->detail.text, k->detail);
            }
        shop_end(&s);
    }
}

/* What each receiver demands, as its page has it: a rule more or less here is a claim about it. */
static void score_cards_have_the_rules_of_their_pages(void **state)
{
    static const struct {
        const char *key, *rules;
    } cards[] = {
        {"gmail", "spf dkim dmarc alignment ptr tls one-click complaint-rate "},
        {"yahoo", "spf dkim dmarc alignment ptr one-click complaint-rate "},
        {"outlook", "spf dkim dmarc alignment replies "},
        {"apple", "spf dkim dmarc ptr one-click "},
        {"laposte", "spf-no-fail dmarc dmarc-reports alignment ptr "},
        {"orange", "spf dkim dmarc alignment ptr helo complaint-rate "},
    };
    struct shop s;
    struct audit_report r;
    (void)state;
    shop_begin(&s);
    shop_audit(&s, &r);
    expect_number("cards", (int64_t)r.providers_n, (int64_t)COUNT_OF(cards));
    for (size_t i = 0; i < r.providers_n; i++) {
        struct buf have = {0};
        for (size_t j = 0; j < r.providers[i].rules_n; j++)
            buf_addf(&have, "%s ", r.providers[i].rules[j].rule);
        expect_text("key", r.providers[i].key, cards[i].key);
        expect_text(cards[i].key, buf_text(&have), cards[i].rules);
        assert_true(str_starts(str_of(r.providers[i].source), STR("https://")));
        buf_close(&have);
    }
    shop_end(&s);
}

/* All that is wrong at a name is mended by one record, and nothing else of it changes. */
static void proposals_keep_what_is_right(void **state)
{
    static const struct {
        const char *name, *remove, *add;
        enum side side;
        const char *code, *value;
    } cases[] = {
        {"no_spf_but_an_address", BACK " TXT", "", OURS, "SPF-MISSING",
            "v=spf1 ip4:198.51.100.7 -all"},
        {"no_spf_and_no_address", BACK " TXT", "", SELECTOR, "SPF-MISSING", "v=spf1 mx ~all"},
        {"no_spf_no_address_no_mx", BACK " TXT," BACK " MX", "", SELECTOR, "SPF-MISSING", ""},
        {"no_spf_behind_a_smart_host", BACK " TXT", "", SMART_HOST, "SPF-MISSING", ""},
        {"two_are_joined", "",
            BACK " TXT \"v=spf1 include:spf.esp.example a:mail.shop.example ~all\"", OURS,
            "SPF-SEVERAL",
            "v=spf1 ip4:198.51.100.7 include:spf.esp.example a:mail.shop.example -all"},
        {"a_wrong_term_goes", BACK " TXT",
            BACK " TXT \"v=spf1 ip4:198.51.100.7 ip4:300.1.1.1 redirect=spf.esp.example\"", OURS,
            "SPF-SYNTAX", "v=spf1 ip4:198.51.100.7 redirect=spf.esp.example"},
        {"a_permissive_all_before_a_redirect", BACK " TXT",
            BACK " TXT \"v=spf1 ip4:198.51.100.7 redirect=spf.esp.example +all\"", OURS,
            "SPF-PERMISSIVE-ALL", "v=spf1 ip4:198.51.100.7 ~all"},
        {"an_address_comes_first", BACK " TXT", BACK " TXT \"v=spf1 a:mail.shop.example -all\"",
            OURS, "SPF-ADDRESS-NOT-COVERED", "v=spf1 ip4:198.51.100.7 a:mail.shop.example -all"},
        {"exp_stays", BACK " TXT",
            BACK " TXT \"v=spf1 ip4:198.51.100.7 ptr -all exp=why.shop.example\"", OURS, "SPF-PTR",
            "v=spf1 ip4:198.51.100.7 exp=why.shop.example -all"},
        {"an_include_of_an_include_goes", BACK " TXT",
            BACK " TXT \"v=spf1 ip4:198.51.100.7 ptr include:spf.esp.example include:all.example "
                 "-all\"\n"
                 "all.example. TXT \"v=spf1 include:spf.esp.example -all\"",
            OURS, "SPF-PTR", "v=spf1 ip4:198.51.100.7 include:all.example -all"},
        {"no_include_is_plain_enough_to_flatten", BACK " TXT",
            BACK " TXT \"v=spf1 ip4:198.51.100.7 include:many.example -all\"\n"
                 "many.example. TXT \"v=spf1 a:mx.shop.example a:mail.shop.example mx:shop.example "
                 "a:shop.example exists:a.%{i}.x.example exists:b.%{i}.x.example "
                 "exists:c.%{i}.x.example exists:d.%{i}.x.example exists:e.%{i}.x.example "
                 "exists:f.%{i}.x.example -all\"",
            OURS, "SPF-LOOKUPS-EXCEEDED", ""},

        {"the_dearest_include_is_flattened", BACK " TXT",
            BACK
            " TXT \"v=spf1 ip4:198.51.100.7 include:many.example include:spf.esp.example -all\"\n"
            "many.example. TXT \"v=spf1 include:f.example include:g.example include:f.example "
            "include:g.example include:f.example include:g.example include:f.example "
            "include:g.example include:f.example -all\"\n"
            "f.example. TXT \"v=spf1 ip4:203.0.113.1 ip6:2001:db8:2::/48 -all\"\n"
            "g.example. TXT \"v=spf1 ip4:203.0.113.2 -all\"",
            OURS, "SPF-LOOKUPS-EXCEEDED",
            "v=spf1 ip4:198.51.100.7 include:spf.esp.example ip4:203.0.113.1 ip6:2001:db8:2::/48 "
            "ip4:203.0.113.2 -all"},

        {"a_broken_dmarc_keeps_its_reports", DMARC " TXT",
            DMARC " TXT \"v=dmarc1; p=reject; rua=mailto:a@shop.example\"", OURS, "DMARC-SYNTAX",
            "v=DMARC1; p=none; rua=mailto:a@shop.example"},
        {"but_only_good_ones", DMARC " TXT",
            DMARC " TXT \"v=dmarc1; p=reject; rua=a@shop.example\"", OURS, "DMARC-SYNTAX",
            "v=DMARC1; p=none; rua=mailto:dmarc@shop.example"},
        {"strictness_and_failure_reports_stay", DMARC " TXT",
            DMARC
            " TXT \"v=DMARC1; p=quarantine; sp=reject; np=reject; psd=n; adkim=s; aspf=r; pct=10; "
            "rua=mailto:a@shop.example!10m; ruf=mailto:b@shop.example; fo=1:d\"",
            OURS, "DMARC-REMOVED-TAG",
            "v=DMARC1; p=quarantine; sp=reject; np=reject; psd=n; adkim=s; "
            "rua=mailto:a@shop.example; ruf=mailto:b@shop.example; fo=1:d"},
        {"fo_goes_without_ruf", DMARC " TXT",
            DMARC " TXT \"v=DMARC1; p=reject; rf=afrf; rua=mailto:a@shop.example; fo=1\"", OURS,
            "DMARC-REMOVED-TAG", "v=DMARC1; p=reject; rua=mailto:a@shop.example"},
        {"none_becomes_quarantine_where_mail_passes", DMARC " TXT",
            DMARC " TXT \"v=DMARC1; p=none; rua=mailto:a@shop.example\"", OURS, "DMARC-POLICY-NONE",
            "v=DMARC1; p=quarantine; rua=mailto:a@shop.example"},
        {"none_stays_where_it_fails", DMARC " TXT," KEY " TXT," BACK " TXT",
            DMARC " TXT \"v=DMARC1; p=none\"", OURS, "DMARC-NO-REPORTS",
            "v=DMARC1; p=none; rua=mailto:dmarc@shop.example"},
        {"a_key_loses_what_limits_it", KEY " TXT",
            KEY " TXT \"v=DKIM1; t=y:s; n=note; k=ed25519; p=" ED25519 "\"", SELECTOR,
            "DKIM-KEY-TESTING", "v=DKIM1; k=ed25519; p=" ED25519},
    };
    (void)state;
    EACH(k, cases)
    {
        struct shop s;
        struct audit_report r;
        shop_begin(&s);
        take_side(&s, k->side);
        shop_change(&s, k->remove, k->add);
        shop_audit(&s, &r);
        const struct audit_finding *f = shop_finding(&r, k->code);
        if (!f)
            fail_msg("%s: %s was not found", k->name, k->code);
        expect_text(k->name, f->publish_n > 0 ? f->publish[0].value : "", k->value);
        shop_end(&s);
    }
}

static void addresses_have_reverse_names(void **state)
{
    struct arena *a = arena_open();
    struct ip v4, v6;
    (void)state;
    assert_true(ip_parse(STR("198.51.100.7"), &v4) && ip_parse(STR("2001:db8::25"), &v6));
    expect_text("v4", audit_reverse_name(&v4, a), "7.100.51.198.in-addr.arpa");
    expect_text("v6", audit_reverse_name(&v6, a),
        "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    arena_close(&a);
}

static void records_become_zone_lines(void **state)
{
    static const struct {
        const char *name;
        struct audit_record record;
        size_t width;
        const char *want;
    } cases[] = {
        {"short_text", {"a.example", "TXT", 300, "v=spf1 -all"}, 0,
            "a.example. 300 IN TXT \"v=spf1 -all\""},
        {"a_long_name", {"a.example", "PTR", 60, "mx.a.example."}, 20,
            "a.example. (\n  60 IN PTR mx.a.example. )"},
        {"other_types_are_as_they_are", {"a.example", "MX", 60, "10 mx.a.example."}, 40,
            "a.example. 60 IN MX 10 mx.a.example."},
        {"quotes_and_foreign_bytes", {"a.example", "TXT", 300, "say \"hi\\\" \x01\xff"}, 0,
            "a.example. 300 IN TXT \"say \\\"hi\\\\\\\" \\001\\255\""},
        {"text_that_does_not_fit", {"a.example", "TXT", 300, "0123456789abcdefghijklmnop"}, 26,
            "a.example. 300 IN TXT (\n  \"0123456789abcdefghij\"\n  \"klmnop\" )"},
    };
    (void)state;
    EACH(k, cases)
    {
        struct buf line = {0};
        audit_record_line(&k->record, k->width, &line);
        expect_text(k->name, buf_text(&line), k->want);
        buf_close(&line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_verdict_says_what_receivers_will_do),
        cmocka_unit_test(what_the_dns_does_not_answer_is_a_gap),
        cmocka_unit_test(a_record_above_is_not_missing_where_the_top_is_silent),
        cmocka_unit_test(what_nobody_told_us_is_a_gap_too),
        cmocka_unit_test(usual_selectors_without_an_answer_are_a_failure_of_the_dns),
        cmocka_unit_test(texts_that_need_tcp_are_named),
        cmocka_unit_test(tlsa_records_that_nobody_can_use),
        cmocka_unit_test(score_cards_follow_the_facts),
        cmocka_unit_test(complaints_are_shown_and_never_pass),
        cmocka_unit_test(score_cards_have_the_rules_of_their_pages),
        cmocka_unit_test(proposals_keep_what_is_right),
        cmocka_unit_test(addresses_have_reverse_names),
        cmocka_unit_test(records_become_zone_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
