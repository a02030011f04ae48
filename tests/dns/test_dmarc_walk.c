/* The walk of DMARC by RFC 9989: which names it asks, and how it ends. Numbers in case names are its sections; each
 * case is a zone "example" (SOA at the top level, so that every walk stays inside) and a question. */
#include "dns/dmarc_walk.h"
#include "tests/dns/world.h"

#define TOP "$ORIGIN example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n"

static const char *bare(const char *question)
{
    return str_starts(str_of(question), STR("_dmarc.")) ? question + 7 : question;
}

/* The names walked, without "_dmarc.", then org and record domain. */
static const char *walk_text(struct world *w, const char *start)
{
    struct dmarc_walk walk;
    const char *out = "";
    dmarc_walk(w->resolver, start, w->arena, &walk);
    for (size_t i = 0; i < walk.queries_n; i++)
        out = arena_printf(w->arena, "%s%s ", out, bare(walk.queries[i]));
    return arena_printf(w->arena, "%s| org %s record %s", out, walk.org_domain, walk.record_domain);
}

static void walks_ask_the_right_names(void **state)
{
    static const struct {
        const char *name, *zone, *start, *want;
    } cases[] = {
        {"4.10_up_to_the_top", "", "a.shop.example",
            "a.shop.example shop.example example | org a.shop.example record "},
        {"4.10_one_label", "", "example", "example | org example record "},
        {"4.10_case_and_final_dot", "", "Shop.EXAMPLE.",
            "shop.example example | org shop.example record "},
        {"4.10_seven_labels_one_by_one", "", "a.b.c.d.e.f.example",
            "a.b.c.d.e.f.example b.c.d.e.f.example c.d.e.f.example d.e.f.example e.f.example "
            "f.example example"
            " | org a.b.c.d.e.f.example record "},
        {"4.10_eight_labels_go_on_with_seven", "", "a.b.c.d.e.f.g.example",
            "a.b.c.d.e.f.g.example b.c.d.e.f.g.example c.d.e.f.g.example d.e.f.g.example "
            "e.f.g.example f.g.example"
            " g.example example | org a.b.c.d.e.f.g.example record "},
        {"4.10_nine_labels_skip_the_eighth", "", "z.a.b.c.d.e.f.g.example",
            "z.a.b.c.d.e.f.g.example b.c.d.e.f.g.example c.d.e.f.g.example d.e.f.g.example "
            "e.f.g.example f.g.example"
            " g.example example | org z.a.b.c.d.e.f.g.example record "},
        {"4.10_twelve_labels_eight_questions", "", "w.x.y.z.a.b.c.d.e.f.g.example",
            "w.x.y.z.a.b.c.d.e.f.g.example b.c.d.e.f.g.example c.d.e.f.g.example d.e.f.g.example "
            "e.f.g.example"
            " f.g.example g.example example | org w.x.y.z.a.b.c.d.e.f.g.example record "},
        {"4.10_a_record_does_not_end_the_walk", "_dmarc.a.shop TXT \"v=DMARC1; p=none\"\n",
            "a.shop.example",
            "a.shop.example shop.example example | org a.shop.example record a.shop.example"},
        {"4.10_psd_n_ends_it", "_dmarc.shop TXT \"v=DMARC1; psd=n\"\n", "a.shop.example",
            "a.shop.example shop.example | org shop.example record shop.example"},
        {"4.10_psd_y_ends_it", "_dmarc.com TXT \"v=DMARC1; psd=y; p=none\"\n", "a.shop.com.example",
            "a.shop.com.example shop.com.example com.example | org shop.com.example record "
            "com.example"},
        {"4.10_psd_u_goes_on", "_dmarc.shop TXT \"v=DMARC1; psd=u; p=none\"\n", "shop.example",
            "shop.example example | org shop.example record shop.example"},
        {"4.10.2_fewest_labels_win",
            "_dmarc.a.shop TXT \"v=DMARC1; p=none\"\n_dmarc.shop TXT \"v=DMARC1; p=reject\"\n",
            "x.a.shop.example",
            "x.a.shop.example a.shop.example shop.example example | org shop.example record "
            "shop.example"},
        {"4.10.2_the_top_wins_over_all",
            "_dmarc TXT \"v=DMARC1; p=none\"\n_dmarc.shop TXT \"v=DMARC1; p=reject\"\n",
            "a.shop.example", "a.shop.example shop.example example | org example record example"},
        {"4.10.2_psd_n_below_wins",
            "_dmarc.a.shop TXT \"v=DMARC1; psd=n\"\n_dmarc.shop TXT \"v=DMARC1; p=reject\"\n",
            "x.a.shop.example",
            "x.a.shop.example a.shop.example | org a.shop.example record a.shop.example"},
        {"4.10.2_psd_y_at_the_start_is_its_own", "_dmarc.com TXT \"v=DMARC1; psd=y; p=none\"\n",
            "com.example", "com.example | org com.example record com.example"},
        {"4.10.2_one_below_psd_y_after_records_below",
            "_dmarc.com TXT \"v=DMARC1; psd=y; p=none\"\n_dmarc.b.shop.com TXT \"v=DMARC1; "
            "p=reject\"\n",
            "a.b.shop.com.example",
            "a.b.shop.com.example b.shop.com.example shop.com.example com.example | org "
            "shop.com.example record com.example"},
        {"4.10.2_one_below_psd_y_rebuilt_over_the_gap",
            "_dmarc.b.c.d.e.f.g TXT \"v=DMARC1; psd=y; p=none\"\n", "y.z.a.b.c.d.e.f.g.example",
            "y.z.a.b.c.d.e.f.g.example b.c.d.e.f.g.example"
            " | org a.b.c.d.e.f.g.example record b.c.d.e.f.g.example"},
        {"4.10_several_records_cancel_each_other",
            "_dmarc.shop TXT \"v=DMARC1; p=none\"\n_dmarc.shop TXT \"v=DMARC1; p=reject\"\n_dmarc "
            "TXT \"v=DMARC1; p=none\"\n",
            "shop.example", "shop.example example | org example record example"},
        {"4.10_several_with_psd_do_not_end_it",
            "_dmarc.shop TXT \"v=DMARC1; psd=n\"\n_dmarc.shop TXT \"v=DMARC1; psd=y\"\n",
            "shop.example", "shop.example example | org shop.example record "},
        {"4.10_other_texts_do_not_count",
            "_dmarc.shop TXT \"v=DMARC1; p=none\"\n_dmarc.shop TXT \"v=spf1 -all\"\n"
            "_dmarc.shop TXT \"v=DMARC2; p=none\"\n",
            "shop.example", "shop.example example | org shop.example record shop.example"},
        {"3.1_strings_are_joined_without_spaces", "_dmarc.shop TXT \"v=DM\" \"ARC1; ps\" \"d=n\"\n",
            "a.shop.example", "a.shop.example shop.example | org shop.example record shop.example"},
        {"aliases_are_followed", "_dmarc.shop CNAME pool\npool TXT \"v=DMARC1; psd=n\"\n",
            "shop.example", "shop.example | org shop.example record shop.example"},
        {"a_wildcard_answers_at_every_name", "*.shop TXT \"v=DMARC1; p=none\"\n", "a.shop.example",
            "a.shop.example shop.example example | org shop.example record a.shop.example"},
        {"4.10.1_records_between_do_not_apply",
            "_dmarc.b.shop TXT \"v=DMARC1; p=reject\"\n_dmarc.shop TXT \"v=DMARC1; p=none\"\n",
            "a.b.shop.example",
            "a.b.shop.example b.shop.example shop.example example | org shop.example record "
            "shop.example"},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        world_begin_on(&w, TOP, c->zone);
        expect_text(c->name, walk_text(&w, c->start), c->want);
        world_end(&w);
    }
}

/* "_dmarc." does not fit before a name of 247 characters and more, so nothing can stand there: no failure. */
static void a_name_too_long_for_a_record_has_none(void **state)
{
    struct world w;
    struct dmarc_walk walk;
    (void)state;
    world_begin_on(&w, TOP "_dmarc.shop TXT \"v=DMARC1; p=none\"\n", "");
    const char *label = "x23456789012345678901234567890123456789012345678901234567890123";
    const char *start =
        arena_printf(w.arena, "%.60s.%.60s.%.60s.%.54s.shop.example", label, label, label, label);
    expect_number("length", (int64_t)strlen(start), 250);
    dmarc_walk(w.resolver, start, w.arena, &walk);
    expect_text("org", walk.org_domain, "shop.example");
    expect_number("status", walk.status, DNS_FOUND);
    expect_number("asked", (int64_t)walk.queries_n, 5);
    world_end(&w);
}

/* Status, organization, record's domain and policy, TTL; "several" says where records cancel each other. */
static void walks_say_how_they_ended(void **state)
{
    static const struct {
        const char *name, *zone, *start, *want;
    } cases[] = {
        {"found", "_dmarc TXT \"v=DMARC1; p=reject; psd=n\"\n", "a.shop.example",
            "found shop.example shop.example reject 60, several "},
        {"the_least_ttl_counts", "_dmarc 20 TXT \"v=DMARC1; p=reject; psd=n\"\n", "a.shop.example",
            "found shop.example shop.example reject 20, several "},
        {"the_failure_beats_what_was_found", "_dmarc TXT \"v=DMARC1; p=none\"\n", "shop.example",
            "timeout shop.example shop.example none 0, several "},
        {"no_name", "", "no name", "bad    0, several "},
        {"the_first_of_several_places",
            "_dmarc.a TXT \"v=DMARC1\"\n_dmarc.a TXT \"v=DMARC1;\"\n_dmarc TXT \"v=DMARC1\"\n"
            "_dmarc TXT \"v=DMARC1;\"\n",
            "a.shop.example", "timeout a.shop.example   0, several a.shop.example"},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct dmarc_walk walk;
        struct dmarc_path path;
        world_begin_on(
            &w, "$ORIGIN shop.example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n", c->zone);
        dmarc_walk(w.resolver, c->start, w.arena, &walk);
        dmarc_path_take(w.resolver, c->start, w.arena, &path);
        expect_text(c->name,
            arena_printf(w.arena, "%s %s %s %s %u, several %s", dns_status_name(walk.status),
                walk.org_domain, walk.record_domain, dmarc_policy_name(walk.record.p), walk.ttl_s,
                path.several_at),
            c->want);
        expect_number(c->name, walk.record.adkim, 'r');
        world_end(&w);
    }
}

static void a_walk_without_records_found_nothing(void **state)
{
    struct world w;
    struct dmarc_walk walk;
    (void)state;
    world_begin_on(&w, TOP, "");
    dmarc_walk(w.resolver, "shop.example", w.arena, &walk);
    expect_number("status", walk.status, DNS_NODATA);
    expect_number("valid", walk.record.valid, false);
    world_end(&w);
}

/* "_dmarc." and 246 characters make a name of 253, which is asked for; one character more does not. */
static void the_longest_question_has_253_characters(void **state)
{
    const char *label = "x23456789012345678901234567890123456789012345678901234567890123";
    (void)state;
    for (int more = 0; more <= 1; more++) {
        struct world w;
        struct dmarc_walk walk;
        world_begin_on(&w, TOP, "");
        const char *start = arena_printf(
            w.arena, "%.60s.%.60s.%.60s.%.*s.shop.example", label, label, label, 50 + more, label);
        expect_number("length", (int64_t)strlen(start), 246 + more);
        dmarc_walk(w.resolver, start, w.arena, &walk);
        expect_number("status", walk.status, DNS_NODATA);
        expect_number("asked", (int64_t)walk.queries_n, 6 - more);
        world_end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_ask_the_right_names),
        cmocka_unit_test(a_name_too_long_for_a_record_has_none),
        cmocka_unit_test(walks_say_how_they_ended),
        cmocka_unit_test(a_walk_without_records_found_nothing),
        cmocka_unit_test(the_longest_question_has_253_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
