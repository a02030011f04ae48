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

struct order {
    char text[4];                   /* "012" */
    unsigned seen[DNS_MAX_SERVERS]; /* by index */
};

static struct order order_at(struct servers *s, int64_t now_ms)
{
    struct server_turn turns[DNS_MAX_SERVERS];
    struct order out = {"", {0}};
    servers_order(s, now_ms, turns);
    for (size_t i = 0; i < 3; i++) {
        out.text[i] = (char)('0' + turns[i].at);
        out.seen[turns[i].at] = turns[i].seen;
    }
    return out;
}

static void expect_order(struct servers *s, const char *name, int64_t now_ms, const char *want)
{
    struct order o = order_at(s, now_ms);
    expect_text(name, o.text, want);
}

static void who_fails_is_asked_last_for_a_while(void **state)
{
    static const int64_t rests_ms[] = {2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct servers s = {.n = 3};
    int64_t now = 1000000;
    (void)state;
    struct order o = order_at(&s, now);
    expect_text("as set", o.text, "012");
    for (size_t i = 0; i < COUNT_OF(rests_ms); i++) {
        server_failed(&s.all[0], o.seen[0], now);
        expect_order(&s, "rests", now, "120");
        now += rests_ms[i] - 1;
        expect_order(&s, "still rests", now, "120");
        now++;
        o = order_at(&s, now);
        expect_text("is put to the test", o.text, "012");
        expect_order(&s, "by one question alone", now, "120");
    }
    server_did_well(&s.all[0]);
    o = order_at(&s, now);
    expect_text("does well", o.text, "012");
    server_failed(&s.all[0], o.seen[0], now);
    expect_order(&s, "a first failure again", now + 1999, "120");
    expect_order(&s, "of two seconds", now + 2000, "012");
}

/* Six questions under way when the server falls silent are one failure, and a question that had nobody but who rests
 * says nothing new. */
static void failures_at_once_are_one(void **state)
{
    struct servers s = {.n = 3};
    struct order under_way[6];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(under_way); i++)
        under_way[i] = order_at(&s, 1000);
    for (size_t i = 0; i < COUNT_OF(under_way); i++)
        server_failed(&s.all[0], under_way[i].seen[0], 1000);
    struct order late = order_at(&s, 2999);
    expect_text("rests for two seconds", late.text, "120");
    server_failed(&s.all[0], late.seen[0], 2999);
    struct order test = order_at(&s, 3000);
    expect_text("and no longer", test.text, "012");
    server_failed(&s.all[0], test.seen[0], 3000);
    expect_order(&s, "failing the test counts", 6999, "120");
    expect_order(&s, "as the second", 7000, "012");
}

static void all_who_rest_keep_their_order(void **state)
{
    struct servers s = {.n = 3};
    (void)state;
    server_failed(&s.all[2], 0, 1000);
    server_failed(&s.all[0], 0, 1000);
    expect_order(&s, "two", 1000, "102");
    server_failed(&s.all[1], 0, 1000);
    expect_order(&s, "three", 1000, "012");
    expect_order(&s, "clock set back by an hour", 1000 - 3600000, "012");
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
        cmocka_unit_test(failures_at_once_are_one),
        cmocka_unit_test(all_who_rest_keep_their_order),
        cmocka_unit_test(a_failing_server_costs_a_question_now_and_then),
        cmocka_unit_test(a_server_that_came_back_is_asked_first_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
