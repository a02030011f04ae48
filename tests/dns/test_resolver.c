/* The resolver against servers that do what servers do: faults, truncation, aliases. */
#include "tests/dns/fake_world.h"

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
        {"alias_to_the_root", {CNAME_ROOT}, 1, DNS_A, LONG_MS, "nodata", 1, 0},
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
        fake_world_end(&w, &s);
    }
}

/* A server that has never heard of DNSSEC cannot say, and is as good as before for other questions. */
static void signed_questions_are_not_asked_without_edns(void **state)
{
    static const struct {
        const char *name;
        enum act script[3];
        size_t script_n;
        const char *want;
        int udp, tcp, edns;
    } cases[] = {
        {"signatures", {ANSWER_DO}, 1, "found", 1, 0, 1},
        {"no_edns", {FORMERR_TO_EDNS}, 1, "servfail", 1, 0, 1},
        {"no_edns_over_tcp", {TRUNCATED, FORMERR_TO_EDNS}, 2, "servfail", 1, 1, 1},
        {"edns_ignored", {ANSWER}, 1, "servfail", 1, 0, 1},
        {"edns_ignored_over_tcp", {TRUNCATED, ANSWER}, 2, "servfail", 1, 1, 1},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct fake_server s;
        struct str packet;
        fake_world_begin(&w, &s, c->script, c->script_n, LONG_MS);
        enum dns_status have =
            resolver_ask_signed(w.resolver, "a.test", DNS_A, INT64_MAX, w.arena, &packet);
        expect_text(c->name, dns_status_name(have), c->want);
        expect_number(c->name, s.udp, c->udp);
        expect_number(c->name, s.tcp, c->tcp);
        expect_number(c->name, s.edns, c->edns);
        fake_world_end(&w, &s);
    }
}

/* Who answers with signatures stands in; who does not is not put to rest for it. */
static void a_server_without_signatures_does_not_rest(void **state)
{
    static const enum act old[] = {FORMERR_TO_EDNS, ANSWER_ZERO_TTL}, modern[] = {ANSWER_DO};
    struct world w;
    struct fake_server first, second;
    struct str packet;
    (void)state;
    world_begin(&w);
    fake_start(&first, old, 2);
    fake_start(&second, modern, 1);
    world_resolver(&w, (const char *const[]){first.address, second.address, NULL}, LONG_MS);
    expect_number("stands in",
        resolver_ask_signed(w.resolver, "a.test", DNS_A, INT64_MAX, w.arena, &packet), DNS_FOUND);
    world_ask(&w, "a.test", DNS_A);
    expect_number("is asked first again", first.udp, 2);
    expect_number("the other is not", second.udp, 1);
    fake_stop(&first);
    fake_stop(&second);
    world_end(&w);
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
    fake_world_end(&w, &s);
}

static void questions_have_ports_ids_and_case_of_their_own(void **state)
{
    static const enum act script[] = {ANSWER_ZERO_TTL};
    struct world w;
    struct fake_server s;
    unsigned same_ids = 0, last = 0x10000;
    (void)state;
    fake_world_begin(&w, &s, script, 1, LONG_MS);
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
    fake_world_end(&w, &s);
}

static void aliases_are_followed_eight_times(void **state)
{
    static const enum act script[] = {
        CNAME_ON, CNAME_ON, CNAME_ON, CNAME_ON, CNAME_ON, CNAME_ON, CNAME_ON, CNAME_ON, ANSWER};
    struct world w;
    struct fake_server s;
    (void)state;
    fake_world_begin(&w, &s, script, COUNT_OF(script), LONG_MS);
    expect_text(
        "eight", world_ask(&w, "a.test", DNS_A), "found 192.0.2.7 at x.x.x.x.x.x.x.x.a.test");
    fake_world_end(&w, &s);
}

static void a_datagram_above_every_measure_is_asked_for_over_tcp(void **state)
{
    static const enum act script[] = {OVERSIZED};
    struct world w;
    struct fake_server s;
    struct dns_answer a;
    (void)state;
    fake_world_begin(&w, &s, script, 1, LONG_MS);
    resolver_ask(w.resolver, "a.test", DNS_TXT, w.arena, &a);
    expect_number("status", a.status, DNS_FOUND);
    expect_number("over TCP", s.tcp, 1);
    fake_world_end(&w, &s);
}

static void the_largest_message_comes_over_tcp(void **state)
{
    static const enum act script[] = {TRUNCATED, BIG_TXT};
    struct world w;
    struct fake_server s;
    struct dns_answer a;
    (void)state;
    fake_world_begin(&w, &s, script, 2, LONG_MS);
    resolver_ask(w.resolver, "a.test", DNS_TXT, w.arena, &a);
    expect_number("status", a.status, DNS_FOUND);
    expect_number("records", (int64_t)a.n, 1);
    expect_number(
        "bytes", (int64_t)a.records[0].data.n, 65535 - 36 - 256); /* less heads and lengths */
    fake_world_end(&w, &s);
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
    fake_world_begin(&w, &s, script, 1, LONG_MS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_servers, w.resolver), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    fake_world_end(&w, &s);
}

static void only_a_loopback_servers_ad_bit_counts(void **state)
{
    static const enum act script[] = {ANSWER_AD, ANSWER};
    struct world w;
    struct fake_server s;
    struct dns_answer a;
    (void)state;
    fake_world_begin(&w, &s, script, 2, LONG_MS);
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
    fake_world_end(&w, &s);
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
    fake_world_end(&w, &s);
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
    fake_world_end(&w, &s);
}

static void silence_takes_the_time_given_and_no_more(void **state)
{
    static const enum act script[] = {SILENT};
    struct world w;
    struct fake_server s;
    (void)state;
    fake_world_begin(&w, &s, script, 1, SHORT_MS);
    int64_t start = clock_steady_ns();
    expect_text("silence", world_ask(&w, "a.test", DNS_A), "timeout");
    int64_t took_ms = (clock_steady_ns() - start) / 1000000;
    assert_in_range(took_ms, SHORT_MS - 5, SHORT_MS * 10); /* a loaded machine wakes late */
    fake_world_end(&w, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_its_answer),
        cmocka_unit_test(signed_questions_are_not_asked_without_edns),
        cmocka_unit_test(a_server_without_signatures_does_not_rest),
        cmocka_unit_test(several_servers_stand_in_for_each_other),
        cmocka_unit_test(a_dead_server_costs_no_time),
        cmocka_unit_test(questions_have_ports_ids_and_case_of_their_own),
        cmocka_unit_test(aliases_are_followed_eight_times),
        cmocka_unit_test(a_datagram_above_every_measure_is_asked_for_over_tcp),
        cmocka_unit_test(the_largest_message_comes_over_tcp),
        cmocka_unit_test(lanes_ask_at_once),
        cmocka_unit_test(only_a_loopback_servers_ad_bit_counts),
        cmocka_unit_test(a_zone_overrides_the_servers_within_a_chain),
        cmocka_unit_test(an_answer_says_nothing_of_names_behind_a_zone),
        cmocka_unit_test(silence_takes_the_time_given_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
