/* Equal questions at once: who asks, who waits, for how long, and what each of them gets. */
#include "dns/flight.h"
#include "tests/dns/fake_world.h"

#include <poll.h>

#define MS INT64_C(1000000)
#define LONG_MS 20000
#define CROWD 8
#define PATIENCE 4000 /* looks at 5 ms */

static const struct exchange_question question = {.name = "a.test", .type = DNS_A};

static void only_equal_questions_share_a_flight(void **state)
{
    static const struct {
        const char *name;
        struct exchange_question q;
        bool leads;
    } cases[] = {
        {"the_same", {"a.test", DNS_A, false}, false},
        {"another_name", {"b.test", DNS_A, false}, true},
        {"a_longer_name", {"a.test.test", DNS_A, false}, true},
        {"another_type", {"a.test", DNS_AAAA, false}, true},
        {"with_signatures", {"a.test", DNS_A, true}, true},
    };
    struct flights *f = flights_open();
    bool leads;
    struct flight *first = flights_board(f, &question, clock_steady_ns() + MS, &leads);
    (void)state;
    assert_true(leads);
    EACH(c, cases)
    {
        struct flight *x = flights_board(f, &c->q, clock_steady_ns() + MS, &leads);
        expect_number(c->name, leads, c->leads);
        if (leads)
            flight_cancel(x);
        flight_leave(&x);
    }
    flight_cancel(first);
    struct flight *later = flights_board(f, &question, clock_steady_ns() + MS, &leads);
    assert_true(leads); /* what has landed takes nobody on */
    flight_cancel(later);
    flight_leave(&later);
    flight_leave(&first);
    assert_null(first);
    flights_close(&f);
    assert_null(f);
}

static void a_follower_gets_what_its_own_time_allows(void **state)
{
    static const struct {
        const char *name;
        bool lands, cancelled;
        enum dns_status status;
        int64_t leader_ms, follower_ms;
        enum flight_end want;
    } cases[] = {
        {"its_own_deadline_comes_first", false, false, DNS_FOUND, LONG_MS, 1, FLIGHT_LATE},
        {"a_deadline_in_the_past", false, false, DNS_FOUND, LONG_MS, -1, FLIGHT_LATE},
        {"an_answer_that_is_there_counts_even_then", true, false, DNS_FOUND, LONG_MS, -1,
            FLIGHT_LANDED},
        {"an_answer", true, false, DNS_FOUND, 1000, LONG_MS, FLIGHT_LANDED},
        {"a_failure_is_everybodys", true, false, DNS_SERVFAIL, 1000, LONG_MS, FLIGHT_LANDED},
        {"garbage_is_everybodys", true, false, DNS_BAD, 1000, LONG_MS, FLIGHT_LANDED},
        {"silence_for_as_long_as_the_follower_has", true, false, DNS_TIMEOUT, LONG_MS, LONG_MS,
            FLIGHT_LANDED},
        {"silence_for_less_than_the_follower_has", true, false, DNS_TIMEOUT, 1000, LONG_MS,
            FLIGHT_AGAIN},
        {"silence_when_the_leader_had_no_time_left", true, false, DNS_TIMEOUT, -5, LONG_MS,
            FLIGHT_AGAIN},
        {"the_leader_found_it_in_the_cache", true, true, DNS_FOUND, LONG_MS, LONG_MS, FLIGHT_AGAIN},
    };
    (void)state;
    EACH(c, cases)
    {
        struct flights *f = flights_open();
        struct exchange_reply reply = {.from_loopback = true};
        int64_t now = clock_steady_ns();
        bool leads;
        struct flight *leader = flights_board(f, &question, now + c->leader_ms * MS, &leads);
        assert_true(leads);
        struct flight *follower = flights_board(f, &question, now + c->follower_ms * MS, &leads);
        assert_false(leads);
        if (c->lands && c->cancelled)
            flight_cancel(leader);
        else if (c->lands)
            flight_land(leader, c->status, &reply);
        expect_number(c->name, flight_wait(follower, now + c->follower_ms * MS), c->want);
        if (!c->lands)
            flight_cancel(leader);
        flight_leave(&leader);
        if (c->want == FLIGHT_LANDED) { /* it holds without its leader */
            expect_number(c->name, flight_status(follower), c->status);
            expect_number(c->name, flight_reply(follower)->from_loopback, true);
        }
        flight_leave(&follower);
        flights_close(&f);
    }
}

/* ---- the resolver in a crowd ----------------------------------------------------------------------------- */

struct asker {
    struct world *world;
    const char *name;
    enum dns_type type;
    enum dns_status status;
    char address[4];
    pthread_t thread;
};

static void *ask(void *context)
{
    struct asker *k = context;
    struct arena *a = arena_open();
    struct dns_answer answer;
    resolver_ask(k->world->resolver, k->name, k->type, a, &answer);
    k->status = answer.status;
    if (answer.n == 1)
        memcpy(k->address, answer.records[0].data.p, sizeof k->address);
    arena_close(&a);
    return NULL;
}

static void crowd_start(struct asker *crowd, size_t n, struct world *w)
{
    for (size_t i = 0; i < n; i++) {
        crowd[i] = (struct asker){.world = w, .name = "a.test", .type = DNS_A};
        assert_int_equal(pthread_create(&crowd[i].thread, NULL, ask, &crowd[i]), 0);
    }
}

static void crowd_end(struct asker *crowd, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pthread_join(crowd[i].thread, NULL);
}

static uint64_t followers(struct world *w)
{
    return counter_value(metrics_counter(w->metrics, "parcelpost_dns_coalesced_total", "", ""));
}

static void wait_for_followers(struct world *w, uint64_t n)
{
    for (int i = 0; followers(w) < n; i++) {
        assert_true(i < PATIENCE);
        poll(NULL, 0, 5);
    }
}

static void wait_for_question(struct fake_server *s, int n)
{
    for (int i = 0; s->udp < n; i++) {
        assert_true(i < PATIENCE);
        poll(NULL, 0, 5);
    }
}

static void a_crowd_asks_once(void **state)
{
    static const struct {
        const char *name;
        enum act act;
        enum dns_status want;
    } cases[] = {
        {"an_answer_that_no_cache_keeps", HELD, DNS_FOUND},
        {"a_failure", HELD_TO_FAIL, DNS_SERVFAIL},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct fake_server s;
        struct asker crowd[CROWD];
        fake_world_begin(&w, &s, &c->act, 1, LONG_MS);
        crowd_start(crowd, CROWD, &w);
        wait_for_followers(&w, CROWD - 1);
        wait_for_question(&s, 1);
        fake_release(&s);
        crowd_end(crowd, CROWD);
        expect_number(c->name, s.udp, 1);
        for (size_t i = 0; i < CROWD; i++) {
            expect_number(c->name, crowd[i].status, c->want);
            if (c->want == DNS_FOUND)
                assert_memory_equal(crowd[i].address, "\xc0\0\2\7", 4);
        }
        fake_world_end(&w, &s);
    }
}

static void other_questions_do_not_wait(void **state)
{
    static const enum act script[] = {HELD, ANSWER};
    struct world w;
    struct fake_server s;
    struct asker slow[1];
    struct dns_answer a;
    (void)state;
    fake_world_begin(&w, &s, script, 2, LONG_MS);
    crowd_start(slow, 1, &w);
    wait_for_question(&s, 1);
    expect_text("name", world_ask(&w, "b.test", DNS_A), "found 192.0.2.7");
    resolver_ask(w.resolver, "a.test", DNS_TXT, w.arena, &a);
    expect_number("type", a.status, DNS_NODATA); /* the fake's answer has an address alone */
    expect_number("questions", s.udp, 3);
    expect_number("followers", (int64_t)followers(&w), 0);
    fake_release(&s);
    crowd_end(slow, 1);
    expect_number("slow", slow[0].status, DNS_FOUND);
    fake_world_end(&w, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_equal_questions_share_a_flight),
        cmocka_unit_test(a_follower_gets_what_its_own_time_allows),
        cmocka_unit_test(a_crowd_asks_once),
        cmocka_unit_test(other_questions_do_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
