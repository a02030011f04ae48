/* What the resolver keeps, for how long and for whom: answers by their TTL, failures for a moment, the last known good. */
#include "tests/dns/fake_world.h"

#define SHORT_MS 240 /* a question that nobody answers costs this much of the suite's time */
#define LONG_MS 20000

static void answers_live_as_long_as_their_ttl(void **state)
{
    static const struct {
        const char *name;
        enum act act;
        int64_t lives_s; /* 0 = not at all */
    } cases[] = {
        {"positive", ANSWER, 100},
        {"least_of_the_chain", CHAIN, 30},
        {"zero_is_not_kept", ANSWER_ZERO_TTL, 0},
        {"sign_bit_is_zero", ANSWER_SIGN_TTL, 0},
        {"huge_is_cut_to_a_day", ANSWER_HUGE_TTL, 86400},
        {"nxdomain_by_soa_minimum", NXDOMAIN_SOA, 20},
        {"nodata_by_soa_minimum", NODATA_SOA, 20},
        {"absence_without_soa_is_not_kept", NXDOMAIN_BARE, 0},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct fake_server s;
        struct dns_answer a;
        fake_world_begin(&w, &s, &c->act, 1, LONG_MS);
        world_ask(&w, "a.test", DNS_A);
        world_pass_ms(&w, c->lives_s > 0 ? c->lives_s * 1000 - 1 : 0);
        resolver_ask(w.resolver, "a.test", DNS_A, w.arena, &a);
        expect_number(c->name, s.udp, c->lives_s > 0 ? 1 : 2);
        if (c->lives_s > 0)
            expect_number(c->name, a.ttl_s, 1);
        world_pass_ms(&w, 1);
        world_ask(&w, "a.test", DNS_A);
        expect_number(c->name, s.udp, c->lives_s > 0 ? 2 : 3);
        fake_world_end(&w, &s);
    }
}

static void a_chain_is_kept_name_by_name(void **state)
{
    static const enum act script[] = {CHAIN, SERVFAIL};
    struct world w;
    struct fake_server s;
    (void)state;
    fake_world_begin(&w, &s, script, 2, LONG_MS);
    expect_text("whole", world_ask(&w, "a.test", DNS_A), "found 192.0.2.7 at c.test");
    expect_text("middle", world_ask(&w, "b.test", DNS_A), "found 192.0.2.7 at c.test");
    expect_text("end", world_ask(&w, "c.test", DNS_A), "found 192.0.2.7");
    expect_number("questions", s.udp, 1);
    fake_world_end(&w, &s);
}

static void other_names_in_an_answer_are_not_kept(void **state)
{
    static const enum act script[] = {OTHERS_RECORDS, SERVFAIL};
    struct world w;
    struct fake_server s;
    (void)state;
    fake_world_begin(&w, &s, script, 2, LONG_MS);
    world_ask(&w, "a.test", DNS_A);
    expect_text("b", world_ask(&w, "b.test", DNS_A), "servfail");
    fake_world_end(&w, &s);
}

static const char *ask_stale(struct world *w, int64_t max_stale_ms, bool *stale)
{
    struct dns_answer a;
    resolver_ask_stale(w->resolver, "a.test", DNS_A, max_stale_ms, w->arena, &a);
    *stale = a.stale;
    return world_describe(w, "a.test", DNS_A, &a);
}

static void the_last_known_good_stands_in_for_a_failure(void **state)
{
    static const struct {
        const char *name;
        enum act script[3];
        int64_t later_ms; /* past the TTL */
        const char *want;
        bool stale;
    } cases[] = {
        {"servfail", {ANSWER, SERVFAIL, SERVFAIL}, 5000, "found 192.0.2.7", true},
        {"an_nxdomain_is_known_good_too", {NXDOMAIN_SOA, SERVFAIL, SERVFAIL}, 5000, "nxdomain",
            true},
        {"not_beyond_the_limit", {ANSWER, SERVFAIL, SERVFAIL}, 60000, "servfail", false},
        {"up_to_the_limit", {ANSWER, SERVFAIL, SERVFAIL}, 59999, "found 192.0.2.7", true},
        {"a_new_answer_beats_it", {ANSWER, ANSWER_OTHER, SERVFAIL}, 5000, "found 192.0.2.8", false},
        {"a_new_absence_beats_it", {ANSWER, NXDOMAIN_SOA, SERVFAIL}, 5000, "nxdomain", false},
        {"nothing_was_known", {SERVFAIL, SERVFAIL, SERVFAIL}, 5000, "servfail", false},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct fake_server s;
        bool stale;
        fake_world_begin(&w, &s, c->script, 3, LONG_MS);
        world_ask(&w, "a.test", DNS_A);
        world_pass_ms(&w, (c->script[0] == NXDOMAIN_SOA ? 20000 : 100000) + c->later_ms);
        expect_text(c->name, ask_stale(&w, 60000, &stale), c->want);
        expect_number(c->name, stale, c->stale);
        if (c->stale)
            expect_text(c->name, world_ask(&w, "a.test", DNS_A), "servfail");
        fake_world_end(&w, &s);
    }
}

static void a_failure_is_remembered_for_a_moment(void **state)
{
    static const struct {
        const char *name;
        enum act act;
        enum dns_type type;
        const char *want;
        int asked; /* in all of the case's first failure */
    } cases[] = {
        {"servfail", SERVFAIL, DNS_A, "servfail", 1},
        {"garbage", GARBAGE, DNS_A, "bad", 1},
        {"silence", SILENT, DNS_A, "timeout", 2},
        {"more_records_than_can_be_judged", TRUNCATED, DNS_A, "bad", 1},
    };
    (void)state;
    EACH(c, cases)
    {
        const enum act failure = c->act;
        const enum act script[] = {
            failure, failure == TRUNCATED ? MANY_A : failure, failure == SILENT ? SILENT : ANSWER};
        struct world w;
        struct fake_server s;
        bool stale;
        world_begin(&w);
        fake_start(&s, script, failure == SERVFAIL || failure == GARBAGE ? 1 : 3);
        world_resolver(
            &w, (const char *const[]){s.address, NULL}, failure == SILENT ? SHORT_MS : LONG_MS);
        for (int i = 0; i < 3; i++)
            expect_text(c->name, world_ask(&w, "a.test", c->type), c->want);
        expect_number(c->name, s.udp, c->asked);
        expect_text(c->name, ask_stale(&w, 60000, &stale), c->want);
        world_pass_ms(&w, 999);
        expect_text(c->name, world_ask(&w, "A.test", c->type), c->want);
        expect_number(c->name, s.udp, c->asked);
        expect_number(c->name,
            (int64_t)counter_value(
                metrics_counter(w.metrics, "parcelpost_dns_remembered_failures_total", "", "")),
            4);
        world_ask(&w, "b.test", DNS_A); /* what fails is a question, not a server */
        assert_true(s.udp > c->asked);
        int before = s.udp;
        resolver_forget(w.resolver, "a.test");
        world_ask(&w, "a.test", c->type);
        assert_true(s.udp > before);
        fake_world_end(&w, &s);
    }
}

static void a_failure_does_not_hide_the_last_known_good(void **state)
{
    static const enum act script[] = {ANSWER, SERVFAIL};
    struct world w;
    struct fake_server s;
    bool stale;
    (void)state;
    fake_world_begin(&w, &s, script, 2, LONG_MS);
    world_ask(&w, "a.test", DNS_A);
    world_pass_ms(&w, 101000);
    for (int i = 0; i < 3; i++) {
        expect_text("leaning", ask_stale(&w, 60000, &stale), "found 192.0.2.7");
        assert_true(stale);
        expect_text("not leaning", world_ask(&w, "a.test", DNS_A), "servfail");
        assert_false(resolver_has_leaned(w.resolver)); /* it may be shared: nobody writes to it */
    }
    expect_number("questions", s.udp, 2);
    fake_world_end(&w, &s);
}

static void a_short_wait_in_vain_is_no_word_for_a_long_one(void **state)
{
    static const enum act script[] = {SILENT, SILENT, SILENT, SILENT, ANSWER};
    struct world w;
    struct fake_server s;
    struct dns_answer a;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 5);
    world_resolver(&w, (const char *const[]){s.address, NULL}, 2 * SHORT_MS);
    struct resolver *lean = resolver_lean(w.resolver, 60000);
    resolver_ask(lean, "silent.test", DNS_A, w.arena, &a);
    resolver_ask(lean, "a.test", DNS_A, w.arena, &a);
    expect_number("a quarter of the time", a.status, DNS_TIMEOUT);
    expect_text("all of it", world_ask(&w, "a.test", DNS_A), "found 192.0.2.7");
    resolver_close(&lean);
    fake_world_end(&w, &s);
}

static void a_leaning_handle_waits_long_only_once(void **state)
{
    static const enum act script[] = {ANSWER, SILENT};
    const int64_t timeout_ms = 800;
    struct world w;
    struct fake_server s;
    struct dns_answer a;
    (void)state;
    fake_world_begin(&w, &s, script, 2, timeout_ms);
    world_ask(&w, "a.test", DNS_A);
    world_pass_ms(&w, 101000);
    struct resolver *lean = resolver_lean(w.resolver, 60000);
    resolver_ask(lean, "other.test", DNS_A, w.arena, &a);
    expect_number("unknown", a.status, DNS_TIMEOUT);
    assert_false(resolver_has_leaned(lean));
    int64_t start = clock_steady_ns();
    resolver_ask(lean, "a.test", DNS_A, w.arena, &a);
    assert_true(clock_steady_ns() - start < (timeout_ms - 100) * 1000000);
    expect_number("known", a.status, DNS_FOUND);
    assert_true(a.stale && resolver_has_leaned(lean));
    resolver_close(&lean);
    fake_world_end(&w, &s);
}

static void one_silent_name_does_not_keep_others_unasked(void **state)
{
    static const enum act script[] = {SILENT, SILENT, ANSWER};
    struct world w;
    struct fake_server s;
    struct dns_answer a;
    (void)state;
    fake_world_begin(&w, &s, script, 3, SHORT_MS);
    struct resolver *lean = resolver_lean(w.resolver, 60000);
    resolver_ask(lean, "silent.test", DNS_A, w.arena, &a);
    expect_number("silent", a.status, DNS_TIMEOUT);
    resolver_ask(lean, "a.test", DNS_A, w.arena, &a);
    expect_number("other", a.status, DNS_FOUND);
    assert_false(a.stale);
    resolver_close(&lean);
    fake_world_end(&w, &s);
}

/* Each in turn with what is known and what is not; `questions` of the server in all. */
static void a_bounded_handle_asks_no_further(void **state)
{
    static const struct {
        const char *name;
        int64_t until_steady_ns;
        bool over;
        enum dns_status other;
        int questions;
    } table[] = {
        {"no bound", 0, false, DNS_FOUND, 2},
        {"a bound far off", INT64_MAX, false, DNS_FOUND, 2},
        {"behind its moment", 1, false, DNS_TIMEOUT, 1},
        {"called off", INT64_MAX, true, DNS_TIMEOUT, 1},
    };
    static const enum act script[] = {ANSWER};
    (void)state;
    EACH(t, table)
    {
        struct world w;
        struct fake_server s;
        struct dns_answer a;
        struct str packet;
        const _Atomic bool over = t->over;
        fake_world_begin(&w, &s, script, 1, LONG_MS);
        world_ask(&w, "a.test", DNS_A);
        struct resolver *lean = resolver_lean(w.resolver, 60000);
        resolver_bound(lean, t->until_steady_ns, &over);
        resolver_ask(lean, "a.test", DNS_A, w.arena, &a);
        expect_number(t->name, a.status, DNS_FOUND);
        resolver_ask(lean, "b.test", DNS_A, w.arena, &a);
        expect_number(t->name, a.status, t->other);
        expect_number(t->name, s.udp, t->questions);
        if (t->other == DNS_TIMEOUT) {
            expect_number(t->name,
                resolver_ask_signed(lean, "a.test", DNS_A, INT64_MAX, w.arena, &packet),
                DNS_TIMEOUT);
            expect_number(t->name, s.udp, t->questions);
            expect_text("is no word for others", world_ask(&w, "b.test", DNS_A), "found 192.0.2.7");
        }
        resolver_close(&lean);
        fake_world_end(&w, &s);
    }
}

static void forgetting_asks_anew_and_keeps_the_last_known_good(void **state)
{
    static const enum act script[] = {ANSWER, ANSWER_OTHER, SERVFAIL};
    struct world w;
    struct fake_server s;
    bool stale;
    (void)state;
    fake_world_begin(&w, &s, script, 3, LONG_MS);
    world_ask(&w, "a.test", DNS_A);
    resolver_forget(w.resolver, "A.test.");
    expect_text("anew", world_ask(&w, "a.test", DNS_A), "found 192.0.2.8");
    resolver_forget(w.resolver, "a.test");
    expect_text("stale", ask_stale(&w, 1000, &stale), "found 192.0.2.8");
    assert_true(stale);
    fake_world_end(&w, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_live_as_long_as_their_ttl),
        cmocka_unit_test(a_chain_is_kept_name_by_name),
        cmocka_unit_test(other_names_in_an_answer_are_not_kept),
        cmocka_unit_test(the_last_known_good_stands_in_for_a_failure),
        cmocka_unit_test(a_failure_is_remembered_for_a_moment),
        cmocka_unit_test(a_failure_does_not_hide_the_last_known_good),
        cmocka_unit_test(a_short_wait_in_vain_is_no_word_for_a_long_one),
        cmocka_unit_test(a_leaning_handle_waits_long_only_once),
        cmocka_unit_test(one_silent_name_does_not_keep_others_unasked),
        cmocka_unit_test(a_bounded_handle_asks_no_further),
        cmocka_unit_test(forgetting_asks_anew_and_keeps_the_last_known_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
