/* The servers' addresses, and in which order they are asked when some of them fail. */
#include "dns/server.h"
#include "tests/dns/fake_server.h"
#include "tests/dns/world.h"

#define LONG_MS 20000

static void addresses_of_servers_are_checked(void **state)
{
    static const struct {
        const char *text;
        bool right;
    } cases[] = {
        {"127.0.0.1", true},
        {"127.0.0.1:5300", true},
        {"::1", true},
        {"[::1]", true},
        {"[::1]:53", true},
        {"2001:db8::53", true},
        {"", false},
        {"localhost", false},
        {"127.0.0.1:", false},
        {"127.0.0.1:0", false},
        {"127.0.0.1:65536", false},
        {"127.0.0.1:5x", false},
        {"[::1", false},
        {"[::1]53", false},
        {"256.0.0.1", false},
        {"1:2", false},
        {"127.0.0.1:53:53", false},
    };
    (void)state;
    EACH(c, cases)
    {
        struct resolver *r = NULL;
        struct err e = {0};
        struct resolver_setup s = {.servers = &c->text, .servers_n = 1, .clock = clock_system()};
        expect_number(c->text, resolver_open(&s, &r, &e), c->right);
        expect_number(c->text, e.code == ERR_INPUT, !c->right);
        resolver_close(&r);
    }
}

static const char *order(struct servers *s, struct arena *a, int64_t now_ms)
{
    size_t at[DNS_MAX_SERVERS];
    servers_order(s, now_ms, at);
    return arena_printf(a, "%zu%zu%zu", at[0], at[1], at[2]);
}

static void who_fails_is_asked_last_for_a_while(void **state)
{
    static const int64_t rests_ms[] = {2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct servers s = {.n = 3};
    struct arena *a = arena_open();
    int64_t now = 1000000;
    (void)state;
    expect_text("as set", order(&s, a, now), "012");
    for (size_t i = 0; i < COUNT_OF(rests_ms); i++) {
        server_failed(&s.all[0], now);
        expect_text("rests", order(&s, a, now), "120");
        now += rests_ms[i] - 1;
        expect_text("still rests", order(&s, a, now), "120");
        now++;
        expect_text("is put to the test", order(&s, a, now), "012");
        expect_text("by one question alone", order(&s, a, now), "120");
    }
    server_did_well(&s.all[0]);
    expect_text("does well", order(&s, a, now), "012");
    server_failed(&s.all[0], now);
    expect_text("a first failure again", order(&s, a, now + 1999), "120");
    expect_text("of two seconds", order(&s, a, now + 2000), "012");
    arena_close(&a);
}

static void all_who_rest_keep_their_order(void **state)
{
    struct servers s = {.n = 3};
    struct arena *a = arena_open();
    (void)state;
    server_failed(&s.all[2], 1000);
    server_failed(&s.all[0], 1000);
    expect_text("two", order(&s, a, 1000), "102");
    server_failed(&s.all[1], 1000);
    expect_text("three", order(&s, a, 1000), "012");
    expect_text("clock set back by an hour", order(&s, a, 1000 - 3600000), "012");
    arena_close(&a);
}

static void a_failing_server_costs_a_question_now_and_then(void **state)
{
    static const struct {
        const char *name;
        enum act fails;
        int64_t timeout_ms;
        int asked[4]; /* of the one that fails: after one question, two more, 2 s, 2 s */
    } cases[] = {
        {"refused", REFUSED, LONG_MS, {1, 1, 2, 2}},
        {"garbage", GARBAGE, LONG_MS, {1, 1, 2, 2}},
        {"silence", SILENT, 300, {1, 1, 2, 2}},
        {"tcp_that_closes", TCP_CLOSES, LONG_MS, {1, 1, 2, 2}},
        {"servfail_is_about_the_question", SERVFAIL, LONG_MS, {1, 3, 4, 5}},
    };
    static const enum act answers[] = {ANSWER_ZERO_TTL};
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct fake_server bad, good;
        world_begin(&w);
        fake_start(&bad, &c->fails, 1);
        fake_start(&good, answers, 1);
        world_resolver(&w, (const char *const[]){bad.address, good.address, NULL}, c->timeout_ms);
        expect_text(c->name, world_ask(&w, "a.test", DNS_A), "found 192.0.2.7");
        expect_number(c->name, bad.udp, c->asked[0]);
        for (int i = 0; i < 2; i++)
            expect_text(c->name, world_ask(&w, "a.test", DNS_A), "found 192.0.2.7");
        expect_number(c->name, bad.udp, c->asked[1]);
        for (int i = 2; i < 4; i++) {
            world_pass_ms(&w, 2000);
            expect_text(c->name, world_ask(&w, "a.test", DNS_A), "found 192.0.2.7");
            expect_number(c->name, bad.udp, c->asked[i]);
        }
        fake_stop(&bad);
        fake_stop(&good);
        world_end(&w);
    }
}

static void a_server_that_came_back_is_asked_first_again(void **state)
{
    static const enum act back[] = {REFUSED, ANSWER_ZERO_TTL}, answers[] = {ANSWER_ZERO_TTL};
    struct world w;
    struct fake_server a, b;
    (void)state;
    world_begin(&w);
    fake_start(&a, back, 2);
    fake_start(&b, answers, 1);
    world_resolver(&w, (const char *const[]){a.address, b.address, NULL}, LONG_MS);
    world_ask(&w, "a.test", DNS_A);
    world_pass_ms(&w, 2000);
    for (int i = 0; i < 3; i++)
        world_ask(&w, "a.test", DNS_A);
    expect_number("first", a.udp, 4);
    expect_number("second", b.udp, 1);
    fake_stop(&a);
    fake_stop(&b);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_servers_are_checked),
        cmocka_unit_test(who_fails_is_asked_last_for_a_while),
        cmocka_unit_test(all_who_rest_keep_their_order),
        cmocka_unit_test(a_failing_server_costs_a_question_now_and_then),
        cmocka_unit_test(a_server_that_came_back_is_asked_first_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
