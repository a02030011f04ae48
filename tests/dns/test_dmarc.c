/* DMARC by RFC 9989: policy, alignment, verdict; the walk is test_dmarc_walk.c. Numbers in case names are its sections; each
 * case is a zone "example" (SOA at the top level, so that every walk stays inside) and a question. */
#include "dns/dmarc_walk.h"
#include "tests/dns/world.h"

#define TOP "$ORIGIN example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n"

/* "pass"/"fail"/... policy effective domain, with From = `from` and nothing that passes. */
static const char *policy_text(struct world *w, const char *from)
{
    struct dmarc_verdict v;
    dmarc_check(w->resolver, from, NULL, NULL, 0, w->arena, &v);
    return arena_printf(w->arena, "%s %s %s %s", dmarc_result_name(v.result),
        dmarc_policy_name(v.policy), dmarc_policy_name(v.effective_policy), v.policy_domain);
}

static void policies_are_chosen_by_place_and_existence(void **state)
{
    static const struct {
        const char *name, *zone, *from, *want;
    } cases[] = {
        {"4.7_own_record_gives_p", "_dmarc.shop TXT \"v=DMARC1; p=reject; sp=none; np=none\"\n",
            "shop.example", "fail reject reject shop.example"},
        {"4.7_sp_of_a_subdomains_own_record_is_idle",
            "_dmarc.shop TXT \"v=DMARC1; p=none\"\n_dmarc.a.shop TXT \"v=DMARC1; p=reject; "
            "sp=none\"\n",
            "a.shop.example", "fail reject reject a.shop.example"},
        {"4.7_subdomain_that_exists_gets_sp",
            "a.shop A 192.0.2.1\n_dmarc.shop TXT \"v=DMARC1; p=reject; sp=quarantine; np=none\"\n",
            "a.shop.example", "fail quarantine quarantine shop.example"},
        {"4.7_without_sp_gets_p",
            "a.shop A 192.0.2.1\n_dmarc.shop TXT \"v=DMARC1; p=reject; np=none\"\n",
            "a.shop.example", "fail reject reject shop.example"},
        {"4.7_subdomain_that_does_not_exist_gets_np",
            "shop A 192.0.2.1\n_dmarc.shop TXT \"v=DMARC1; p=none; sp=none; np=reject\"\n",
            "a.shop.example", "fail reject reject shop.example"},
        {"4.7_nxdomain_without_np_gets_sp", "_dmarc.shop TXT \"v=DMARC1; p=none; sp=reject\"\n",
            "a.shop.example", "fail reject reject shop.example"},
        {"4.7_nxdomain_without_np_and_sp_gets_p", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n",
            "a.shop.example", "fail reject reject shop.example"},
        {"4.7_nodata_exists", "a.shop TXT hi\n_dmarc.shop TXT \"v=DMARC1; p=none; np=reject\"\n",
            "a.shop.example", "fail none none shop.example"},
        {"4.7_an_empty_non_terminal_exists",
            "x.a.shop TXT hi\n_dmarc.shop TXT \"v=DMARC1; p=none; np=reject\"\n", "a.shop.example",
            "fail none none shop.example"},
        {"4.7_an_alias_exists_though_its_target_does_not",
            "a.shop CNAME gone.shop\n_dmarc.shop TXT \"v=DMARC1; p=none; np=reject\"\n",
            "a.shop.example", "fail none none shop.example"},
        {"4.10.1_psd_record_gives_sp",
            "shop.com A 192.0.2.1\n_dmarc.com TXT \"v=DMARC1; psd=y; p=reject; sp=quarantine; "
            "np=none\"\n",
            "shop.com.example", "fail quarantine quarantine com.example"},
        {"4.10.1_psd_record_gives_np",
            "_dmarc.com TXT \"v=DMARC1; psd=y; p=none; sp=none; np=reject\"\n", "shop.com.example",
            "fail reject reject com.example"},
        {"4.10.1_org_record_before_the_psds",
            "_dmarc.com TXT \"v=DMARC1; psd=y; p=reject\"\n_dmarc.shop.com TXT \"v=DMARC1; p=none; "
            "sp=quarantine\"\n",
            "a.shop.com.example", "fail quarantine quarantine shop.com.example"},
        {"4.10.1_between_records_do_not_apply",
            "_dmarc.b.shop TXT \"v=DMARC1; p=reject\"\n_dmarc.shop TXT \"v=DMARC1; p=none\"\n",
            "a.b.shop.example", "fail none none shop.example"},
        {"4.7_t_lowers_reject", "_dmarc.shop TXT \"v=DMARC1; p=reject; t=y\"\n", "shop.example",
            "fail reject quarantine shop.example"},
        {"4.7_t_lowers_quarantine", "_dmarc.shop TXT \"v=DMARC1; p=quarantine; t=y\"\n",
            "shop.example", "fail quarantine none shop.example"},
        {"4.7_t_leaves_none", "_dmarc.shop TXT \"v=DMARC1; p=none; t=y\"\n", "shop.example",
            "fail none none shop.example"},
        {"4.7_t_lowers_sp_too",
            "a.shop A 192.0.2.1\n_dmarc.shop TXT \"v=DMARC1; p=none; sp=reject; t=y\"\n",
            "a.shop.example", "fail reject quarantine shop.example"},
        {"4.10.1_no_p_with_rua_is_none", "_dmarc.shop TXT \"v=DMARC1; rua=mailto:a@b.example\"\n",
            "shop.example", "fail none none shop.example"},
        {"4.10.1_bad_p_with_rua_is_none",
            "_dmarc.shop TXT \"v=DMARC1; p=x; rua=mailto:a@b.example\"\n", "shop.example",
            "fail none none shop.example"},
        {"4.10.1_no_p_without_rua_is_no_dmarc", "_dmarc.shop TXT \"v=DMARC1; adkim=s\"\n",
            "shop.example", "none   "},
        {"4.10.1_no_p_with_a_bad_rua_is_no_dmarc",
            "_dmarc.shop TXT \"v=DMARC1; rua=a@b.example\"\n", "shop.example", "none   "},
        {"4.10.1_bad_sp_spoils_p", "_dmarc.shop TXT \"v=DMARC1; p=reject; sp=x\"\n", "shop.example",
            "none   "},
        {"4.10.1_bad_np_spoils_p", "_dmarc.shop TXT \"v=DMARC1; p=reject; np=x\"\n", "shop.example",
            "none   "},
        {"4.10.1_bad_sp_with_rua_is_none_for_all",
            "_dmarc.shop TXT \"v=DMARC1; p=reject; sp=x; rua=mailto:a@b.example\"\n",
            "a.shop.example", "fail none none shop.example"},
        {"4.10.1_no_p_leaves_sp_idle",
            "_dmarc.shop TXT \"v=DMARC1; sp=reject; rua=mailto:a@b.example\"\n", "a.shop.example",
            "fail none none shop.example"},
        {"4.10_several_below_do_not_hide_the_organizations_record",
            "_dmarc.a.shop TXT \"v=DMARC1; p=none\"\n_dmarc.a.shop TXT \"v=DMARC1\"\n"
            "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n",
            "a.shop.example", "fail reject reject shop.example"},
        {"existence_is_not_asked_where_it_changes_nothing",
            "a.shop CNAME x.elsewhere.test.\n_dmarc.shop TXT \"v=DMARC1; p=none; sp=reject; "
            "np=reject\"\n",
            "a.shop.example", "fail reject reject shop.example"},
        {"without_existence_there_is_no_policy",
            "a.shop CNAME x.elsewhere.test.\n_dmarc.shop TXT \"v=DMARC1; p=none; np=reject; "
            "t=y\"\n",
            "a.shop.example", "temperror   shop.example"},
        {"4.10.1_no_record_at_all", "shop A 192.0.2.1\n", "shop.example", "none   "},
        {"not_a_domain_name", "", "no domain", "permerror   "},
        {"no_from_domain", "", "", "permerror   "},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        world_begin_on(&w, TOP, c->zone);
        expect_text(c->name, policy_text(&w, c->from), c->want);
        world_end(&w);
    }
}

static void identities_align_or_not(void **state)
{
    static const struct {
        const char *name, *zone, *from;
        struct dmarc_identity spf, dkim; /* domain NULL = none */
        const char *want;
    } cases[] = {
        {"4.4_identical", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n", "shop.example", {0},
            {"shop.example", "pass"}, "pass dkim"},
        {"4.4_identical_whatever_the_case", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n",
            "Shop.example.", {0}, {"SHOP.EXAMPLE", "pass"}, "pass dkim"},
        {"4.4_identical_strict", "_dmarc.shop TXT \"v=DMARC1; p=reject; adkim=s\"\n",
            "shop.example", {0}, {"shop.example", "pass"}, "pass dkim"},
        {"4.4_a_signature_that_fails", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n", "shop.example",
            {0}, {"shop.example", "fail"}, "fail"},
        {"4.4_signer_below_relaxed", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n", "shop.example",
            {0}, {"mail.shop.example", "pass"}, "pass dkim"},
        {"4.4_signer_below_strict", "_dmarc.shop TXT \"v=DMARC1; p=reject; adkim=s\"\n",
            "shop.example", {0}, {"mail.shop.example", "pass"}, "fail"},
        {"4.4_signer_above_relaxed", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n",
            "news.shop.example", {0}, {"shop.example", "pass"}, "pass dkim"},
        {"4.4_signer_above_strict", "_dmarc.shop TXT \"v=DMARC1; p=reject; adkim=s\"\n",
            "news.shop.example", {0}, {"shop.example", "pass"}, "fail"},
        {"4.4_siblings_relaxed", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n", "a.shop.example", {0},
            {"b.shop.example", "pass"}, "pass dkim"},
        {"4.4_another_organization", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n", "shop.example",
            {0}, {"esp.example", "pass"}, "fail"},
        {"4.4_a_name_that_only_ends_alike", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n",
            "shop.example", {0}, {"myshop.example", "pass"}, "fail"},
        {"4.4_spf_relaxed", "_dmarc.shop TXT \"v=DMARC1; p=reject; adkim=s\"\n", "shop.example",
            {"bounce.shop.example", "pass"}, {0}, "pass spf"},
        {"4.4_spf_strict", "_dmarc.shop TXT \"v=DMARC1; p=reject; aspf=s\"\n", "shop.example",
            {"bounce.shop.example", "pass"}, {0}, "fail"},
        {"4.4_softfail_is_no_pass", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n", "shop.example",
            {"shop.example", "softfail"}, {0}, "fail"},
        {"4.4_both", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n", "shop.example",
            {"shop.example", "pass"}, {"shop.example", "pass"}, "pass dkim spf"},
        {"4.4_one_suffices", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n", "shop.example",
            {"shop.example", "fail"}, {"shop.example", "pass"}, "pass dkim"},
        {"4.10.2_record_only_below_parts_it_from_the_apex",
            "_dmarc.news.shop TXT \"v=DMARC1; p=reject\"\n", "news.shop.example", {0},
            {"shop.example", "pass"}, "fail"},
        {"4.10.2_psd_n_parts_a_subdomain",
            "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n_dmarc.a.shop TXT \"v=DMARC1; psd=n; "
            "p=none\"\n",
            "shop.example", {0}, {"a.shop.example", "pass"}, "fail"},
        {"4.10.2_psd_y_parts_neighbours", "_dmarc.com TXT \"v=DMARC1; psd=y; p=reject\"\n",
            "one.com.example", {0}, {"two.com.example", "pass"}, "fail"},
        {"4.10.2_below_psd_y_together", "_dmarc.com TXT \"v=DMARC1; psd=y; p=reject\"\n",
            "a.one.com.example", {0}, {"b.one.com.example", "pass"}, "pass dkim"},
        {"4.10.2_the_psd_itself_is_another", "_dmarc.com TXT \"v=DMARC1; psd=y; p=reject\"\n",
            "one.com.example", {0}, {"com.example", "pass"}, "fail"},
        {"4.10.2_a_record_at_the_top_joins_all", "_dmarc TXT \"v=DMARC1; p=reject\"\n",
            "one.example", {0}, {"two.example", "pass"}, "pass dkim"},
        {"an_identity_that_is_no_name", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n", "shop.example",
            {"", "pass"}, {"no name", "pass"}, "fail"},
        {"an_aligned_temperror_leaves_it_open", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n",
            "shop.example", {0}, {"shop.example", "temperror"}, "temperror"},
        {"a_foreign_temperror_does_not", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n", "shop.example",
            {0}, {"esp.example", "temperror"}, "fail"},
        {"a_pass_beats_a_temperror", "_dmarc.shop TXT \"v=DMARC1; p=reject\"\n", "shop.example",
            {"shop.example", "temperror"}, {"shop.example", "pass"}, "pass dkim"},
        {"no_record_still_tells_alignment", "", "shop.example", {0}, {"shop.example", "pass"},
            "none dkim"},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct dmarc_verdict v;
        world_begin_on(&w, TOP, c->zone);
        dmarc_check(w.resolver, c->from, c->spf.domain ? &c->spf : NULL, &c->dkim,
            c->dkim.domain ? 1 : 0, w.arena, &v);
        expect_text(c->name,
            arena_printf(w.arena, "%s%s%s", dmarc_result_name(v.result),
                v.dkim_aligned ? " dkim" : "", v.spf_aligned ? " spf" : ""),
            c->want);
        assert_true(v.why.text[0]);
        world_end(&w);
    }
}

/* Without servers, every name outside of the zone shop.example is a time-out: the top of each walk fails. */
static void a_failure_is_never_a_negative_answer(void **state)
{
    static const struct {
        const char *name, *zone, *from, *dkim, *want;
    } cases[] = {
        {"own_record_and_identical_needs_no_walk", "_dmarc TXT \"v=DMARC1; p=reject\"\n",
            "shop.example", "shop.example", "pass reject"},
        {"strict_needs_no_walk", "_dmarc TXT \"v=DMARC1; p=reject; adkim=s\"\n", "shop.example",
            "a.shop.example", "fail reject"},
        {"both_walks_fail_above_a_common_end", "_dmarc TXT \"v=DMARC1; p=reject\"\n",
            "shop.example", "a.shop.example", "pass reject"},
        {"no_common_end_leaves_it_open", "_dmarc.a TXT \"v=DMARC1; p=reject\"\n", "a.shop.example",
            "b.shop.example", "temperror reject"},
        {"a_foreign_signer_might_be_joined_above", "_dmarc TXT \"v=DMARC1; p=reject\"\n",
            "shop.example", "other.example", "temperror reject"},
        {"one_under_another_top_level_domain_might_not", "_dmarc TXT \"v=DMARC1; p=reject\"\n",
            "shop.example", "shop.test", "fail reject"},
        {"psd_n_ends_the_walk_before_the_failure", "_dmarc TXT \"v=DMARC1; p=reject; psd=n\"\n",
            "shop.example", "other.example", "fail reject"},
        {"whose_policy_is_open_without_an_own_record", "_dmarc TXT \"v=DMARC1; p=reject\"\n",
            "a.shop.example", "a.shop.example", "temperror "},
        {"a_signer_parted_by_psd_n_is_open_while_the_authors_walk_fails",
            "_dmarc TXT \"v=DMARC1; p=reject\"\n_dmarc.a TXT \"v=DMARC1; psd=n; p=none\"\n",
            "shop.example", "a.shop.example", "temperror reject"},
        {"the_signers_walk_alone_fails",
            "_dmarc TXT \"v=DMARC1; p=reject; psd=n\"\n_dmarc.dead CNAME x.elsewhere.test.\n",
            "shop.example", "x.dead.shop.example", "temperror reject"},
        {"no_record_before_the_failure", "", "shop.example", "shop.example", "temperror "},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct dmarc_verdict v;
        struct dmarc_identity dkim = {c->dkim, "pass"};
        world_begin_on(
            &w, "$ORIGIN shop.example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n", c->zone);
        dmarc_check(w.resolver, c->from, NULL, &dkim, 1, w.arena, &v);
        expect_text(c->name,
            arena_printf(
                w.arena, "%s %s", dmarc_result_name(v.result), dmarc_policy_name(v.policy)),
            c->want);
        world_end(&w);
    }
}

static void existence_that_nobody_tells_leaves_it_open(void **state)
{
    struct world w;
    struct dmarc_verdict v;
    struct dmarc_identity dkim = {"a.shop.example", "pass"};
    (void)state;
    world_begin_on(&w,
        TOP "a.shop CNAME x.elsewhere.test.\n_dmarc.shop TXT \"v=DMARC1; p=none; np=reject\"\n",
        "");
    dmarc_check(w.resolver, "a.shop.example", NULL, &dkim, 1, w.arena, &v);
    expect_text("result", dmarc_result_name(v.result), "temperror");
    world_end(&w);
}

/* The verdict holds as long as everything that it rests on. */
static void the_least_ttl_of_all_walks_counts(void **state)
{
    static const struct {
        const char *name, *zone;
        uint32_t want;
    } cases[] = {
        {"of_the_author", "_dmarc.a.shop 30 TXT \"v=DMARC1; p=reject\"\n", 30},
        {"of_the_signer", "_dmarc.b.shop 20 TXT \"v=DMARC1; p=reject\"\n", 20},
        {"of_existence", "a.shop 10 A 192.0.2.1\n_dmarc.shop TXT \"v=DMARC1; p=reject; np=none\"\n",
            10},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct dmarc_verdict v;
        struct dmarc_identity dkim = {"b.shop.example", "pass"};
        world_begin_on(&w, TOP "_dmarc.shop TXT \"v=DMARC1; p=reject; np=none\"\n", c->zone);
        dmarc_check(w.resolver, "a.shop.example", NULL, &dkim, 1, w.arena, &v);
        expect_number(c->name, v.ttl_s, c->want);
        world_end(&w);
    }
}

static void the_verdict_tells_all(void **state)
{
    struct world w;
    struct dmarc_verdict v;
    struct dmarc_identity dkim = {"shop.example", "pass"};
    (void)state;
    world_begin_on(
        &w, TOP "_dmarc.shop 30 TXT \"v=DMARC1; p=none; aspf=s; sp=quarantine; t=y\"\n", "");
    dmarc_check(w.resolver, "a.shop.example", NULL, &dkim, 1, w.arena, &v);
    expect_text("org", v.org_domain, "shop.example");
    expect_text("policy domain", v.policy_domain, "shop.example");
    expect_text("policy", dmarc_policy_name(v.policy), "quarantine");
    expect_text("effective", dmarc_policy_name(v.effective_policy), "none");
    expect_number("modes", v.adkim == 'r' && v.aspf == 's', true);
    expect_number("queries", (int64_t)v.queries_n, 3);
    expect_text("first", v.queries[0], "_dmarc.a.shop.example");
    expect_text("last", v.queries[2], "_dmarc.example");
    expect_number("ttl", v.ttl_s, 30);
    world_end(&w);
}

static void two_domains_align_by_themselves(void **state)
{
    static const struct {
        const char *name, *from, *other;
        char mode;
        bool want;
    } cases[] = {
        {"identical_strict", "shop.example", "SHOP.example", 's', true},
        {"below_strict", "shop.example", "a.shop.example", 's', false},
        {"below_relaxed", "shop.example", "a.shop.example", 'r', true},
        {"above_relaxed", "a.shop.example", "shop.example", 'r', true},
        {"neighbours", "shop.example", "store.example", 'r', false},
        {"no_name", "shop.example", "", 'r', false},
    };
    struct world w;
    bool temperror;
    (void)state;
    world_begin_on(&w, TOP "_dmarc.shop TXT \"v=DMARC1; p=none\"\n", "");
    EACH(c, cases)
    {
        expect_number(c->name,
            dmarc_aligned(w.resolver, c->from, c->other, c->mode, w.arena, &temperror), c->want);
        assert_false(temperror);
    }
    assert_false(dmarc_aligned(w.resolver, "shop.test", "a.shop.test", 'r', w.arena, &temperror));
    assert_true(temperror);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_chosen_by_place_and_existence),
        cmocka_unit_test(identities_align_or_not),
        cmocka_unit_test(a_failure_is_never_a_negative_answer),
        cmocka_unit_test(existence_that_nobody_tells_leaves_it_open),
        cmocka_unit_test(the_least_ttl_of_all_walks_counts),
        cmocka_unit_test(the_verdict_tells_all),
        cmocka_unit_test(two_domains_align_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
