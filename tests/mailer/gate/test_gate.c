/* The gate: rule 4 of the design case by case. */
#include "dns/audit/audit.h"
#include "tests/mailer/gate/gate_case.h"

/* "p=..." of its record. */
static const char *p_tag(struct world *w, const struct dkim_key *k)
{
    struct buf record = {0};
    dkim_key_record(k, &record);
    const char *out = arena_text(
        w->arena, str_slice(buf_str(&record), str_find(buf_str(&record), STR("p="), 0), record.n));
    buf_close(&record);
    return out;
}

/* What stands in the DNS for each key. */
enum published { NOTHING, OURS, REVOKED, ANOTHER, BROKEN, TWO, SHA1_ONLY, NOT_FOR_MAIL, LOST };

static const char *published_lines(
    struct world *w, const struct dkim_key *k, const struct dkim_key *another, enum published p)
{
    const char *selector = dkim_key_selector(k), *domain = dkim_key_domain(k);
    switch (p) {
    case NOTHING:
        return "";
    case OURS:
        return key_line(w, k, NULL);
    case REVOKED:
        return key_line(w, k, "p=");
    case ANOTHER:
        return key_line(w, another, NULL);
    case BROKEN:
        return key_line(w, k, "p=!!!!");
    case TWO:
        return arena_printf(w->arena, "%s%s", key_line(w, k, NULL), key_line(w, k, "p="));
    case SHA1_ONLY:
        return key_line(w, k, arena_printf(w->arena, "h=sha1; %s", p_tag(w, k)));
    case NOT_FOR_MAIL:
        return key_line(w, k, arena_printf(w->arena, "s=tlsrpt; %s", p_tag(w, k)));
    case LOST:
        return arena_printf(
            w->arena, "%s._domainkey.%s. 300 CNAME key.elsewhere.test.\n", selector, domain);
    }
    return "";
}

/* What check-dns says of the same domain has the gate's code among its findings: whoever repairs that finding
 * frees the mail. */
static void expect_finding(struct world *w, const char *name, const char *code,
    const struct dkim_key *const *keys, size_t keys_n, const char *return_path, bool with_address)
{
    struct audit_report report;
    struct audit_key facts[KEYS_MAX];
    struct ip address;
    for (size_t i = 0; i < keys_n; i++)
        facts[i] = (struct audit_key){dkim_key_domain(keys[i]), dkim_key_selector(keys[i]),
            dkim_algorithm_name(dkim_key_algorithm(keys[i])), dkim_key_public(keys[i])};
    assert_true(ip_parse(STR(OUR_ADDRESS), &address));
    const struct audit_setup s = {.resolver = w->resolver,
        .clock = &w->clock,
        .domain = "shop.example",
        .keys = facts,
        .keys_n = keys_n,
        .keys_are_all = true,
        .addresses = &address,
        .addresses_n = with_address,
        .mail_from = return_path,
        .helo = "",
        .links = ""};
    audit_run(&s, w->arena, &report);
    for (size_t i = 0; i < report.findings_n; i++)
        if (strcmp(report.findings[i].code, code) == 0)
            return;
    fail_msg("%s: check-dns does not know %s", name, code);
}

static void rule_four_case_by_case(void **state)
{
    const struct key_set *k = *state;
    const struct {
        const char *name, *dmarc;
        const struct dkim_key *keys[KEYS_MAX];
        enum published published[KEYS_MAX];
        const char *return_path, *spf, *want;
    } cases[] = {
        {"our_key_in_the_dns", DMARC, {k->rsa}, {OURS}, "", "", "send "},
        {"two_keys_in_the_dns", DMARC, {k->rsa, k->ed}, {OURS, OURS}, "", "", "send "},
        {"relaxed_signer_below", DMARC, {k->sub}, {OURS}, "", "", "send "},
        {"without_dmarc_a_warning", "", {k->rsa}, {OURS}, "", "", "warn DMARC-MISSING"},
        {"two_dmarc_records_are_none", DMARC DMARC_AGAIN, {k->rsa}, {OURS}, "", "",
            "warn DMARC-SEVERAL"},
        {"a_dmarc_record_that_does_not_count", "_dmarc.shop TXT \"v=DMARC1\"\n", {k->rsa}, {OURS},
            "", "", "warn DMARC-SYNTAX"},
        {"p_none_is_judged_alike", "_dmarc.shop TXT \"v=DMARC1; p=none\"\n", {k->rsa}, {NOTHING},
            "", "", "hold DKIM-KEY-ABSENT"},
        {"another_key_under_our_selector", DMARC, {k->rsa}, {ANOTHER}, "", "",
            "hold DKIM-KEY-MISMATCH"},
        {"one_foreign_key_holds_beside_a_good_one", DMARC, {k->rsa, k->ed}, {ANOTHER, OURS}, "", "",
            "hold DKIM-KEY-MISMATCH"},
        {"a_foreign_key_holds_though_spf_passes", DMARC, {k->rsa}, {ANOTHER}, "shop.example",
            "pass", "hold DKIM-KEY-MISMATCH"},
        {"a_foreign_key_holds_without_dmarc", "", {k->rsa}, {ANOTHER}, "", "",
            "hold DKIM-KEY-MISMATCH"},
        {"key_absent", DMARC, {k->rsa}, {NOTHING}, "", "", "hold DKIM-KEY-ABSENT"},
        {"key_revoked", DMARC, {k->rsa}, {REVOKED}, "", "", "hold DKIM-KEY-REVOKED"},
        {"key_broken", DMARC, {k->rsa}, {BROKEN}, "", "", "hold DKIM-KEY-SYNTAX"},
        {"two_records_at_the_selector", DMARC, {k->ed}, {TWO}, "", "", "hold DKIM-KEY-SEVERAL"},
        {"record_forbids_sha256", DMARC, {k->ed}, {SHA1_ONLY}, "", "", "hold DKIM-KEY-SHA1-ONLY"},
        {"record_is_not_for_mail", DMARC, {k->ed}, {NOT_FOR_MAIL}, "", "",
            "hold DKIM-KEY-NOT-FOR-MAIL"},
        {"one_good_key_suffices", DMARC, {k->rsa, k->ed}, {OURS, NOTHING}, "", "",
            "warn DKIM-KEY-ABSENT"},
        {"spf_suffices", DMARC, {k->rsa}, {NOTHING}, "bounce.shop.example", "pass",
            "warn DKIM-KEY-ABSENT"},
        {"spf_alone", DMARC, {NULL}, {0}, "bounce.shop.example", "pass", "send "},
        {"spf_of_another_organization", DMARC, {NULL}, {0}, "esp.example", "pass",
            "hold DKIM-UNSIGNED"},
        {"spf_fails_but_dkim_passes", DMARC, {k->rsa}, {OURS}, "bounce.shop.example", "fail",
            "send "},
        {"spf_not_checkable_and_no_key", DMARC, {NULL}, {0}, "bounce.shop.example", "",
            "hold DKIM-UNSIGNED"},
        {"signer_of_another_organization", DMARC, {k->esp}, {OURS}, "", "", "hold DKIM-UNALIGNED"},
        {"strict_signer_below", "_dmarc.shop TXT \"v=DMARC1; p=reject; adkim=s\"\n", {k->sub},
            {OURS}, "", "", "hold DKIM-UNALIGNED"},
        {"without_dmarc_and_without_key", "", {k->rsa}, {NOTHING}, "", "", "warn DKIM-KEY-ABSENT"},
        {"of_two_useless_keys_the_first_is_named", DMARC, {k->rsa, k->ed}, {NOTHING, REVOKED}, "",
            "", "hold DKIM-KEY-ABSENT"},
        {"the_dns_fails_for_the_key", DMARC, {k->rsa}, {LOST}, "", "", "defer DNS-UNAVAILABLE"},
        {"the_dns_fails_for_the_key_without_dmarc", "", {k->rsa}, {LOST}, "", "",
            "defer DNS-UNAVAILABLE"},
        {"the_dns_fails_for_one_of_two_keys", DMARC, {k->rsa, k->ed}, {LOST, OURS}, "", "",
            "warn DNS-UNAVAILABLE"},
        {"the_dns_fails_for_dmarc", "_dmarc.shop CNAME policy.elsewhere.test.\n", {k->rsa}, {OURS},
            "", "", "defer DNS-UNAVAILABLE"},
        {"a_foreign_key_holds_though_the_dns_fails", "_dmarc.shop CNAME policy.elsewhere.test.\n",
            {k->rsa}, {ANOTHER}, "", "", "hold DKIM-KEY-MISMATCH"},
        {"spf_temperror_leaves_it_open", DMARC, {k->rsa}, {NOTHING}, "shop.example", "temperror",
            "defer DNS-UNAVAILABLE"},
    };
    EACH(c, cases)
    {
        struct world w;
        struct gate_verdict v;
        size_t n = 0;
        world_begin(&w);
        const char *records =
            arena_printf(w.arena, "%s%s", c->dmarc, spf_line(&w, c->return_path, c->spf));
        for (; n < KEYS_MAX && c->keys[n]; n++)
            records = arena_printf(w.arena, "%s%s", records,
                published_lines(&w, c->keys[n], k->other_rsa, c->published[n]));
        world_zone(&w, 0, zone_text(&w, records));
        world_resolver(&w, NULL, 1000);
        for (int warn = 0; warn < 2; warn++) {
            struct gate *g = open_gate(&w, warn == 1);
            const struct gate_question q = question(c->return_path, c->keys, n, c->spf[0] != 0);
            gate_ask(g, &q, &v);
            const char *code = arena_text(w.arena, str_of(v.code));
            if (warn == 0)
                expect_text(c->name, answer_text(&w, &v), c->want);
            if (warn == 0 && code[0] && strcmp(code, "DNS-UNAVAILABLE") != 0)
                expect_finding(&w, c->name, code, c->keys, n, c->return_path, c->spf[0] != 0);
            if (warn == 1)
                expect_text(c->name, answer_text(&w, &v),
                    arena_printf(w.arena, "%s %s", code[0] ? "warn" : "send", code));
            expect_text(c->name, v.spf, c->spf);
            expect_number(c->name, v.why[0] != 0, code[0] != 0);
            gate_close(&g);
        }
        world_end(&w);
    }
}

static void a_from_domain_that_is_none_is_held(void **state)
{
    struct world w;
    struct gate_verdict v;
    (void)state;
    world_begin(&w);
    world_resolver(&w, NULL, 1000);
    struct gate *g = open_gate(&w, false);
    struct gate_question q = question("", NULL, 0, false);
    q.from_domain = "not a domain";
    gate_ask(g, &q, &v);
    expect_text("bad", answer_text(&w, &v), "hold FROM-DOMAIN-BAD");
    gate_close(&g);
    world_end(&w);
}

static void the_verdict_tells_what_it_rests_on(void **state)
{
    const struct key_set *k = *state;
    const struct dkim_key *keys[] = {k->sub};
    struct world w;
    struct gate_verdict v;
    world_begin(&w);
    world_zone(&w, 0,
        zone_text(
            &w, arena_printf(w.arena, "_dmarc.shop 20 TXT \"v=DMARC1; p=reject; t=y\"\n%s%s",
                    key_line(&w, k->sub, NULL), spf_line(&w, "bounce.shop.example", "pass"))));
    world_resolver(&w, NULL, 1000);
    struct gate *g = open_gate(&w, false);
    const struct gate_question q = question("bounce.shop.example", keys, 1, true);
    gate_ask(g, &q, &v);
    expect_text("spf", v.spf, "pass");
    expect_text("dmarc", v.dmarc, "pass");
    expect_text("policy", v.policy, "quarantine");
    expect_text("domain", v.policy_domain, "shop.example");
    assert_true(v.dkim_aligned && v.spf_aligned && !v.stale);
    expect_number("valid for the least TTL", v.valid_until_ms - w.fake.ms, 20000);
    gate_close(&g);
    world_end(&w);
}

/* A key's line with its own TTL. */
static const char *key_line_for(struct world *w, const struct dkim_key *k, int ttl_s)
{
    const char *line = key_line(w, k, NULL), *after = strstr(line, " 300 ");
    return arena_printf(w->arena, "%.*s %d %s", (int)(after - line), line, ttl_s, after + 5);
}

static void the_least_ttl_may_be_any_answers(void **state)
{
    const struct key_set *k = *state;
    static const char *const two[] = {"198.51.100.7", "198.51.100.8"};
    const struct {
        const char *name, *more;
        int dmarc_s, rsa_s, ed_s;
        bool signs;
        int64_t want_s;
    } cases[] = {
        {"of_dmarc", "", 14, 200, 100, true, 14},
        {"of_the_first_key", "", 300, 15, 100, true, 15},
        {"of_the_second_key", "", 300, 100, 16, true, 16},
        {"of_spf_for_the_first_address", "low 17 A 198.51.100.7\n", 300, 300, 300, false, 17},
        {"not_of_spf_where_dkim_decides", "low 17 A 198.51.100.7\n", 300, 300, 300, true, 60},
    };
    EACH(c, cases)
    {
        const struct dkim_key *keys[] = {k->rsa, k->ed};
        struct gate_question q = question("shop.example", keys, c->signs ? 2 : 0, true);
        struct world w;
        struct gate_verdict v;
        q.public_addresses = two;
        q.public_addresses_n = 2;
        world_begin(&w);
        world_zone(&w, 0,
            zone_text(&w, arena_printf(w.arena,
                              "_dmarc.shop %d TXT \"v=DMARC1; p=none\"\nshop TXT \"v=spf1 "
                              "ip4:198.51.100.8 a:low.example -all\"\n%s%s%s",
                              c->dmarc_s, c->more, key_line_for(&w, k->rsa, c->rsa_s),
                              key_line_for(&w, k->ed, c->ed_s))));
        world_resolver(&w, NULL, 1000);
        struct gate *g = open_gate(&w, false);
        gate_ask(g, &q, &v);
        expect_text(c->name, v.dmarc, c->more[0] || c->signs ? "pass" : "fail");
        expect_number(c->name, v.valid_until_ms - w.fake.ms, c->want_s * 1000);
        gate_close(&g);
        world_end(&w);
    }
}

static void a_hold_says_what_and_why(void **state)
{
    const struct key_set *k = *state;
    const struct {
        const char *name, *return_path, *spf;
        bool signs, addresses;
        const char *says, *spf_said;
    } cases[] = {
        {"the_key_and_its_domain", "", "", true, false, "DKIM key rsa of shop.example: ", ""},
        {"spf_that_fails", "shop.example", "fail", false, true, "fail", "fail"},
        {"spf_that_nobody_can_check", "shop.example", "", false, false, "not checkable", ""},
        {"without_return_path_there_is_no_spf", "", "", false, true, "not checkable", ""},
    };
    EACH(c, cases)
    {
        const struct dkim_key *keys[] = {k->rsa};
        const struct gate_question q =
            question(c->return_path, keys, c->signs ? 1 : 0, c->addresses);
        struct world w;
        struct gate_verdict v;
        world_begin(&w);
        world_zone(&w, 0,
            zone_text(&w, arena_printf(w.arena, DMARC "mx.shop TXT \"v=spf1 -all\"\n%s",
                              spf_line(&w, c->return_path, c->spf))));
        world_resolver(&w, NULL, 1000);
        struct gate *g = open_gate(&w, false);
        gate_ask(g, &q, &v);
        if (v.answer != GATE_HOLD || !strstr(v.why, c->says))
            fail_msg("%s: %s", c->name, v.why);
        expect_text(c->name, v.spf, c->spf_said);
        gate_close(&g);
        world_end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_four_case_by_case),
        cmocka_unit_test(a_from_domain_that_is_none_is_held),
        cmocka_unit_test(the_verdict_tells_what_it_rests_on),
        cmocka_unit_test(the_least_ttl_may_be_any_answers),
        cmocka_unit_test(a_hold_says_what_and_why),
    };
    return cmocka_run_group_tests(tests, make_keys, close_keys);
}
