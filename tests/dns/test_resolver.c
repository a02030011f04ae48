/* The resolver against servers that do what servers do: faults, truncation, aliases, TTLs, failures. */
#include "tests/dns/fake_server.h"
#include "tests/dns/world.h"

#define SHORT_MS 240 /* a question that nobody answers costs this much of the suite's time */
#define LONG_MS 20000

static void every_fault_has_its_answer(void **state)
{
    static const struct {
        const char *name;
        enum act script[4];
        size_t script_n;
        enum dns_type type;
        int64_t timeout_ms;
        const char *want;
        int udp, tcp; /* questions that the server must have seen, -1 = at least one */
    } cases[] = {
        {"plain_answer", {ANSWER}, 1, DNS_A, LONG_MS, "found 192.0.2.7", 1, 0},
        {"who_folds_the_case_is_asked_over_tcp", {ANSWER_FOLDED}, 1, DNS_A, LONG_MS,
            "found 192.0.2.7", 1, 1},
        {"who_folds_and_has_no_tcp_is_asked_twice", {FOLDED_NO_TCP}, 1, DNS_A, LONG_MS,
            "found 192.0.2.7", 2, 1},
        {"who_folds_but_says_no_over_tcp", {ANSWER_FOLDED, SERVFAIL}, 2, DNS_A, LONG_MS, "servfail",
            1, 1},
        {"a_folded_failure_is_no_failure", {SERVFAIL_FOLDED, ANSWER}, 2, DNS_A, LONG_MS,
            "found 192.0.2.7", 1, 1},
        {"another_case_is_not_believed", {FORGED_CASE}, 1, DNS_A, LONG_MS, "found 192.0.2.7", 1, 1},
        {"nxdomain", {NXDOMAIN_SOA}, 1, DNS_A, LONG_MS, "nxdomain", 1, 0},
        {"nodata", {NODATA_SOA}, 1, DNS_A, LONG_MS, "nodata", 1, 0},
        {"nxdomain_without_soa", {NXDOMAIN_BARE}, 1, DNS_A, LONG_MS, "nxdomain", 1, 0},
        {"nodata_without_soa", {NODATA_BARE}, 1, DNS_A, LONG_MS, "nodata", 1, 0},
        {"servfail_is_no_negative_answer", {SERVFAIL}, 1, DNS_A, LONG_MS, "servfail", 1, 0},
        {"refused_neither", {REFUSED}, 1, DNS_A, LONG_MS, "servfail", 1, 0},
        {"silence", {SILENT}, 1, DNS_A, SHORT_MS, "timeout", 2, 0},
        {"first_packet_lost", {SILENT, ANSWER}, 2, DNS_A, 600, "found 192.0.2.7", 2, 0},
        {"formerr_to_edns_is_asked_again_without", {FORMERR_TO_EDNS}, 1, DNS_A, LONG_MS,
            "found 192.0.2.7", 2, 0},
        {"wrong_packets_are_passed_over", {WRONGS_THEN_RIGHT}, 1, DNS_A, LONG_MS, "found 192.0.2.7",
            1, 0},
        {"nothing_but_wrong_packets", {ONLY_WRONGS}, 1, DNS_A, SHORT_MS, "timeout", 2, 0},
        {"garbage", {GARBAGE}, 1, DNS_A, LONG_MS, "bad", 1, 0},
        {"an_address_of_three_bytes", {SHORT_A}, 1, DNS_A, LONG_MS, "bad", 1, 0},
        {"truncated_goes_to_tcp", {TRUNCATED, ANSWER}, 2, DNS_A, LONG_MS, "found 192.0.2.7", 1, 1},
        {"truncated_within_a_record", {TRUNCATED_CUT, ANSWER}, 2, DNS_A, LONG_MS, "found 192.0.2.7",
            1, 1},
        {"tcp_closes", {TCP_CLOSES}, 1, DNS_A, LONG_MS, "timeout", 1, 1},
        {"tcp_stops_halfway", {TCP_STOPS}, 1, DNS_A, SHORT_MS, "timeout", 1, 1},
        {"tcp_with_another_id", {TCP_OTHER_ID}, 1, DNS_A, LONG_MS, "bad", 1, 1},
        {"tcp_drips_for_too_long", {TCP_DRIPS}, 1, DNS_A, SHORT_MS, "timeout", 1, 1},
        {"tcp_drips_and_comes_to_an_end", {TCP_DRIPS}, 1, DNS_A, LONG_MS, "found 192.0.2.7", 1, 1},
        {"tcp_closes_within_the_answer", {TCP_CLOSES_EARLY}, 1, DNS_A, LONG_MS, "timeout", 1, 1},
        {"tcp_length_beyond_the_answer", {TCP_LENGTH_LONG}, 1, DNS_A, LONG_MS, "timeout", 1, 1},
        {"tcp_length_short_of_the_answer", {TCP_LENGTH_SHORT}, 1, DNS_A, LONG_MS, "bad", 1, 1},
        {"tcp_length_of_nothing", {TCP_LENGTH_ZERO}, 1, DNS_A, LONG_MS, "bad", 1, 1},
        {"an_answer_to_the_first_try_during_the_second", {HELD, LATE}, 2, DNS_A, 600,
            "found 192.0.2.7", 2, 0},
        {"tcp_servfail", {TRUNCATED, SERVFAIL}, 2, DNS_A, LONG_MS, "servfail", 1, 1},
        {"an_answer_twice", {TWICE}, 1, DNS_A, LONG_MS, "found 192.0.2.7", 1, 0},
        {"records_of_other_names_do_not_count", {OTHERS_RECORDS}, 1, DNS_A, LONG_MS,
            "found 192.0.2.7", 1, 0},
        {"too_many_records_cannot_be_judged", {TRUNCATED, MANY_A}, 2, DNS_A, LONG_MS, "bad", 1, 1},
        {"chain_in_one_answer", {CHAIN}, 1, DNS_A, LONG_MS, "found 192.0.2.7 at c.test", 1, 0},
        {"chain_cut_by_an_authoritative_server", {CHAIN_CUT, ANSWER}, 2, DNS_A, LONG_MS,
            "found 192.0.2.7 at c.test", 2, 0},
        {"chain_to_nothing", {CHAIN_NXDOMAIN}, 1, DNS_A, LONG_MS, "nxdomain at x.gone.test", 1, 0},
        {"chain_in_a_circle", {CHAIN_LOOP}, 1, DNS_A, LONG_MS, "bad", 1, 0},
        {"alias_of_itself", {CNAME_SELF}, 1, DNS_A, LONG_MS, "bad", 1, 0},
        {"aliases_without_end", {CNAME_ON}, 1, DNS_A, LONG_MS, "bad at x.x.x.x.x.x.x.x.a.test", 9,
            0},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct fake_server s;
        world_begin(&w);
        fake_start(&s, c->script, c->script_n);
        world_resolver(&w, (const char *const[]){s.address, NULL}, c->timeout_ms);
        expect_text(c->name, world_ask(&w, "a.test", c->type), c->want);
        expect_number(c->name, s.udp, c->udp);
        expect_number(c->name, s.tcp, c->tcp);
        fake_stop(&s);
        world_end(&w);
    }
}

static void several_servers_stand_in_for_each_other(void **state)
{
    static const struct {
        const char *name;
        enum act first[2], second[2];
        int64_t timeout_ms;
        const char *want;
    } cases[] = {
        {"the_second_when_the_first_is_silent", {SILENT, SILENT}, {ANSWER, ANSWER}, 400,
            "found 192.0.2.7"},
        {"the_second_when_the_first_fails", {SERVFAIL, SERVFAIL}, {ANSWER, ANSWER}, LONG_MS,
            "found 192.0.2.7"},
        {"the_second_after_garbage", {GARBAGE, GARBAGE}, {ANSWER, ANSWER}, LONG_MS,
            "found 192.0.2.7"},
        {"the_second_when_tcp_fails", {TCP_CLOSES, TCP_CLOSES}, {ANSWER, ANSWER}, LONG_MS,
            "found 192.0.2.7"},
        {"an_nxdomain_is_an_answer", {NXDOMAIN_SOA, NXDOMAIN_SOA}, {ANSWER, ANSWER}, LONG_MS,
            "nxdomain"},
        {"failure_before_silence", {SILENT, SILENT}, {SERVFAIL, SERVFAIL}, SHORT_MS, "servfail"},
        {"the_first_again_in_the_second_round", {SILENT, ANSWER}, {SERVFAIL, SERVFAIL}, 600,
            "found 192.0.2.7"},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct fake_server a, b;
        world_begin(&w);
        fake_start(&a, c->first, 2);
        fake_start(&b, c->second, 2);
        world_resolver(&w, (const char *const[]){a.address, b.address, NULL}, c->timeout_ms);
        expect_text(c->name, world_ask(&w, "a.test", DNS_A), c->want);
        fake_stop(&a);
        fake_stop(&b);
        world_end(&w);
    }
}

static void a_dead_server_costs_no_time(void **state)
{
    static const enum act script[] = {ANSWER};
    struct world w;
    struct fake_server s;
    char dead[32];
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 1);
    dead_port(dead);
    world_resolver(&w, (const char *const[]){dead, s.address, NULL}, LONG_MS);
    int64_t start = clock_steady_ns();
    expect_text("first", world_ask(&w, "a.test", DNS_A), "found 192.0.2.7");
    assert_true(clock_steady_ns() - start < (int64_t)LONG_MS * 1000000 / 6);
    world_resolver(&w, (const char *const[]){dead, NULL}, LONG_MS);
    start = clock_steady_ns();
    expect_text("none", world_ask(&w, "a.test", DNS_A), "timeout");
    assert_true(clock_steady_ns() - start < (int64_t)LONG_MS * 1000000 / 6);
    fake_stop(&s);
    world_end(&w);
}

static void questions_have_ports_ids_and_case_of_their_own(void **state)
{
    static const enum act script[] = {ANSWER_ZERO_TTL};
    struct world w;
    struct fake_server s;
    unsigned same_ids = 0, last = 0x10000;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 1);
    world_resolver(&w, (const char *const[]){s.address, NULL}, LONG_MS);
    for (int i = 0; i < 20; i++) {
        world_ask(&w, "a.test", DNS_A);
        same_ids += s.last_id == last;
        last = s.last_id;
    }
    assert_int_equal(s.udp, 20);
    assert_int_equal(s.edns, 20);
    assert_true(s.ports_differ >= 18);
    assert_true(same_ids <= 2);
    assert_in_range(s.uppers, 20, 80); /* of 100 letters: outside once in 10^9 runs */
    fake_stop(&s);
    world_end(&w);
}

static void aliases_are_followed_eight_times(void **state)
{
    static const enum act script[] = {
        CNAME_ON, CNAME_ON, CNAME_ON, CNAME_ON, CNAME_ON, CNAME_ON, CNAME_ON, CNAME_ON, ANSWER};
    struct world w;
    struct fake_server s;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, COUNT_OF(script));
    world_resolver(&w, (const char *const[]){s.address, NULL}, LONG_MS);
    expect_text(
        "eight", world_ask(&w, "a.test", DNS_A), "found 192.0.2.7 at x.x.x.x.x.x.x.x.a.test");
    fake_stop(&s);
    world_end(&w);
}

static void a_datagram_above_every_measure_is_asked_for_over_tcp(void **state)
{
    static const enum act script[] = {OVERSIZED};
    struct world w;
    struct fake_server s;
    struct dns_answer a;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 1);
    world_resolver(&w, (const char *const[]){s.address, NULL}, LONG_MS);
    resolver_ask(w.resolver, "a.test", DNS_TXT, w.arena, &a);
    expect_number("status", a.status, DNS_FOUND);
    expect_number("over TCP", s.tcp, 1);
    fake_stop(&s);
    world_end(&w);
}

static void the_largest_message_comes_over_tcp(void **state)
{
    static const enum act script[] = {TRUNCATED, BIG_TXT};
    struct world w;
    struct fake_server s;
    struct dns_answer a;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 2);
    world_resolver(&w, (const char *const[]){s.address, NULL}, LONG_MS);
    resolver_ask(w.resolver, "a.test", DNS_TXT, w.arena, &a);
    expect_number("status", a.status, DNS_FOUND);
    expect_number("records", (int64_t)a.n, 1);
    expect_number(
        "bytes", (int64_t)a.records[0].data.n, 65535 - 36 - 256); /* less heads and lengths */
    fake_stop(&s);
    world_end(&w);
}

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
        world_begin(&w);
        fake_start(&s, &c->act, 1);
        world_resolver(&w, (const char *const[]){s.address, NULL}, LONG_MS);
        world_ask(&w, "a.test", DNS_A);
        world_pass_ms(&w, c->lives_s > 0 ? c->lives_s * 1000 - 1 : 0);
        resolver_ask(w.resolver, "a.test", DNS_A, w.arena, &a);
        expect_number(c->name, s.udp, c->lives_s > 0 ? 1 : 2);
        if (c->lives_s > 0)
            expect_number(c->name, a.ttl_s, 1);
        world_pass_ms(&w, 1);
        world_ask(&w, "a.test", DNS_A);
        expect_number(c->name, s.udp, c->lives_s > 0 ? 2 : 3);
        fake_stop(&s);
        world_end(&w);
    }
}

static void a_chain_is_kept_name_by_name(void **state)
{
    static const enum act script[] = {CHAIN, SERVFAIL};
    struct world w;
    struct fake_server s;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 2);
    world_resolver(&w, (const char *const[]){s.address, NULL}, LONG_MS);
    expect_text("whole", world_ask(&w, "a.test", DNS_A), "found 192.0.2.7 at c.test");
    expect_text("middle", world_ask(&w, "b.test", DNS_A), "found 192.0.2.7 at c.test");
    expect_text("end", world_ask(&w, "c.test", DNS_A), "found 192.0.2.7");
    expect_number("questions", s.udp, 1);
    fake_stop(&s);
    world_end(&w);
}

static void other_names_in_an_answer_are_not_kept(void **state)
{
    static const enum act script[] = {OTHERS_RECORDS, SERVFAIL};
    struct world w;
    struct fake_server s;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 2);
    world_resolver(&w, (const char *const[]){s.address, NULL}, LONG_MS);
    world_ask(&w, "a.test", DNS_A);
    expect_text("b", world_ask(&w, "b.test", DNS_A), "servfail");
    fake_stop(&s);
    world_end(&w);
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
        world_begin(&w);
        fake_start(&s, c->script, 3);
        world_resolver(&w, (const char *const[]){s.address, NULL}, LONG_MS);
        world_ask(&w, "a.test", DNS_A);
        world_pass_ms(&w, (c->script[0] == NXDOMAIN_SOA ? 20000 : 100000) + c->later_ms);
        expect_text(c->name, ask_stale(&w, 60000, &stale), c->want);
        expect_number(c->name, stale, c->stale);
        if (c->stale)
            expect_text(c->name, world_ask(&w, "a.test", DNS_A), "servfail");
        fake_stop(&s);
        world_end(&w);
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
        fake_stop(&s);
        world_end(&w);
    }
}

static void a_failure_does_not_hide_the_last_known_good(void **state)
{
    static const enum act script[] = {ANSWER, SERVFAIL};
    struct world w;
    struct fake_server s;
    bool stale;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 2);
    world_resolver(&w, (const char *const[]){s.address, NULL}, LONG_MS);
    world_ask(&w, "a.test", DNS_A);
    world_pass_ms(&w, 101000);
    for (int i = 0; i < 3; i++) {
        expect_text("leaning", ask_stale(&w, 60000, &stale), "found 192.0.2.7");
        assert_true(stale);
        expect_text("not leaning", world_ask(&w, "a.test", DNS_A), "servfail");
    }
    expect_number("questions", s.udp, 2);
    fake_stop(&s);
    world_end(&w);
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
    fake_stop(&s);
    world_end(&w);
}

static void a_leaning_handle_waits_long_only_once(void **state)
{
    static const enum act script[] = {ANSWER, SILENT};
    const int64_t timeout_ms = 800;
    struct world w;
    struct fake_server s;
    struct dns_answer a;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 2);
    world_resolver(&w, (const char *const[]){s.address, NULL}, timeout_ms);
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
    fake_stop(&s);
    world_end(&w);
}

static void one_silent_name_does_not_keep_others_unasked(void **state)
{
    static const enum act script[] = {SILENT, SILENT, ANSWER};
    struct world w;
    struct fake_server s;
    struct dns_answer a;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 3);
    world_resolver(&w, (const char *const[]){s.address, NULL}, SHORT_MS);
    struct resolver *lean = resolver_lean(w.resolver, 60000);
    resolver_ask(lean, "silent.test", DNS_A, w.arena, &a);
    expect_number("silent", a.status, DNS_TIMEOUT);
    resolver_ask(lean, "a.test", DNS_A, w.arena, &a);
    expect_number("other", a.status, DNS_FOUND);
    assert_false(a.stale);
    resolver_close(&lean);
    fake_stop(&s);
    world_end(&w);
}

#define THREADS 4

static void *ask_servers(void *resolver)
{
    struct arena *a = arena_open();
    uintptr_t wrong = 0; /* cmocka's asserts belong to the main thread */
    for (int i = 0; i < 100; i++) {
        struct dns_answer answer;
        resolver_ask(resolver, "a.test", DNS_A, a, &answer);
        wrong += answer.status != DNS_FOUND;
        arena_clear(a);
    }
    arena_close(&a);
    return (void *)wrong;
}

static void lanes_ask_at_once(void **state)
{
    static const enum act script[] = {ANSWER_ZERO_TTL};
    struct world w;
    struct fake_server s;
    pthread_t threads[THREADS];
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 1);
    world_resolver(&w, (const char *const[]){s.address, NULL}, LONG_MS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_servers, w.resolver), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    fake_stop(&s);
    world_end(&w);
}

static void forgetting_asks_anew_and_keeps_the_last_known_good(void **state)
{
    static const enum act script[] = {ANSWER, ANSWER_OTHER, SERVFAIL};
    struct world w;
    struct fake_server s;
    bool stale;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 3);
    world_resolver(&w, (const char *const[]){s.address, NULL}, LONG_MS);
    world_ask(&w, "a.test", DNS_A);
    resolver_forget(w.resolver, "A.test.");
    expect_text("anew", world_ask(&w, "a.test", DNS_A), "found 192.0.2.8");
    resolver_forget(w.resolver, "a.test");
    expect_text("stale", ask_stale(&w, 1000, &stale), "found 192.0.2.8");
    assert_true(stale);
    fake_stop(&s);
    world_end(&w);
}

static void only_a_loopback_servers_ad_bit_counts(void **state)
{
    static const enum act script[] = {ANSWER_AD, ANSWER};
    struct world w;
    struct fake_server s;
    struct dns_answer a;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 2);
    world_resolver(&w, (const char *const[]){s.address, NULL}, LONG_MS);
    resolver_ask(w.resolver, "a.test", DNS_A, w.arena, &a);
    assert_true(a.secure);
    resolver_ask(w.resolver, "a.test", DNS_A, w.arena, &a);
    assert_true(a.secure);
    resolver_ask(w.resolver, "b.test", DNS_A, w.arena, &a);
    assert_false(a.secure);
    fake_stop(&s);

    /* The same host by an address that does not say so. */
    char elsewhere[40];
    fake_start(&s, script, 2);
    snprintf(elsewhere, sizeof elsewhere, "0.0.0.0%s", strchr(s.address, ':'));
    world_resolver(&w, (const char *const[]){elsewhere, NULL}, LONG_MS);
    for (int i = 0; i < 2; i++) {
        resolver_ask(w.resolver, "a.test", DNS_A, w.arena, &a);
        assert_int_equal(a.status, DNS_FOUND);
        assert_false(a.secure);
    }
    fake_stop(&s);
    world_end(&w);
}

static void a_zone_overrides_the_servers_within_a_chain(void **state)
{
    static const enum act script[] = {CHAIN};
    struct world w;
    struct fake_server s;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 1);
    world_zone(&w, 0, "$ORIGIN c.test.\n@ 60 IN SOA ns host 1 2 3 4 5\n@ 60 IN A 192.0.2.99\n");
    world_resolver(&w, (const char *const[]){s.address, NULL}, LONG_MS);
    expect_text("zone", world_ask(&w, "a.test", DNS_A), "found 192.0.2.99 at c.test");
    fake_stop(&s);
    world_end(&w);
}

/* An NXDOMAIN speaks of the end of its own chain. The zone leads that end elsewhere. */
static void an_answer_says_nothing_of_names_behind_a_zone(void **state)
{
    static const enum act script[] = {CHAIN_NXDOMAIN, ANSWER};
    struct world w;
    struct fake_server s;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 2);
    world_zone(
        &w, 0, "$ORIGIN gone.test.\n@ 60 IN SOA ns host 1 2 3 4 5\nx 60 IN CNAME other.test.\n");
    world_resolver(&w, (const char *const[]){s.address, NULL}, LONG_MS);
    expect_text("other", world_ask(&w, "a.test", DNS_A), "found 192.0.2.7 at other.test");
    fake_stop(&s);
    world_end(&w);
}

static void silence_takes_the_time_given_and_no_more(void **state)
{
    static const enum act script[] = {SILENT};
    struct world w;
    struct fake_server s;
    (void)state;
    world_begin(&w);
    fake_start(&s, script, 1);
    world_resolver(&w, (const char *const[]){s.address, NULL}, SHORT_MS);
    int64_t start = clock_steady_ns();
    expect_text("silence", world_ask(&w, "a.test", DNS_A), "timeout");
    int64_t took_ms = (clock_steady_ns() - start) / 1000000;
    assert_in_range(took_ms, SHORT_MS - 5, SHORT_MS * 10); /* a loaded machine wakes late */
    fake_stop(&s);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_its_answer),
        cmocka_unit_test(several_servers_stand_in_for_each_other),
        cmocka_unit_test(a_dead_server_costs_no_time),
        cmocka_unit_test(questions_have_ports_ids_and_case_of_their_own),
        cmocka_unit_test(aliases_are_followed_eight_times),
        cmocka_unit_test(a_datagram_above_every_measure_is_asked_for_over_tcp),
        cmocka_unit_test(the_largest_message_comes_over_tcp),
        cmocka_unit_test(answers_live_as_long_as_their_ttl),
        cmocka_unit_test(a_chain_is_kept_name_by_name),
        cmocka_unit_test(other_names_in_an_answer_are_not_kept),
        cmocka_unit_test(the_last_known_good_stands_in_for_a_failure),
        cmocka_unit_test(a_failure_is_remembered_for_a_moment),
        cmocka_unit_test(a_failure_does_not_hide_the_last_known_good),
        cmocka_unit_test(a_short_wait_in_vain_is_no_word_for_a_long_one),
        cmocka_unit_test(a_leaning_handle_waits_long_only_once),
        cmocka_unit_test(one_silent_name_does_not_keep_others_unasked),
        cmocka_unit_test(lanes_ask_at_once),
        cmocka_unit_test(forgetting_asks_anew_and_keeps_the_last_known_good),
        cmocka_unit_test(only_a_loopback_servers_ad_bit_counts),
        cmocka_unit_test(a_zone_overrides_the_servers_within_a_chain),
        cmocka_unit_test(an_answer_says_nothing_of_names_behind_a_zone),
        cmocka_unit_test(silence_takes_the_time_given_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
