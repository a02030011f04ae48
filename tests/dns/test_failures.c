/* How long a failure is remembered, for whom, and in how much memory. */
#include "dns/failures.h"
#include "tests/dns/world.h"

#define MS INT64_C(1000000)
#define WAIT_NS (5000 * MS)

static bool holds(struct failures *f, int64_t now_ms)
{
    enum dns_status s;
    return failures_find(f, "a.test", DNS_A, WAIT_NS, now_ms, &s);
}

static void it_holds_longer_as_it_goes_on(void **state)
{
    static const int64_t holds_ms[] = {1000, 2000, 4000, 5000, 5000};
    struct failures *f = failures_open();
    int64_t now = 1000000;
    (void)state;
    assert_false(holds(f, now));
    for (size_t i = 0; i < COUNT_OF(holds_ms); i++) {
        failures_add(f, "a.test", DNS_A, DNS_SERVFAIL, WAIT_NS, now);
        assert_true(holds(f, now));
        assert_true(holds(f, now + holds_ms[i] - 1));
        now += holds_ms[i];
        assert_false(holds(f, now));
    }
    failures_end(f, "a.test", DNS_A, now);
    failures_add(f, "a.test", DNS_A, DNS_SERVFAIL, WAIT_NS, now);
    assert_false(holds(f, now + 1000)); /* an answer in between: a first one again */
    failures_add(f, "a.test", DNS_A, DNS_SERVFAIL, WAIT_NS, now + 1000);
    assert_true(holds(f, now + 2999));
    now += 3000 + 60000;
    failures_add(f, "a.test", DNS_A, DNS_SERVFAIL, WAIT_NS, now);
    assert_false(holds(f, now + 1000)); /* a minute later too */
    failures_close(&f);
    assert_null(f);
    failures_close(&f);
}

static void it_is_one_questions(void **state)
{
    static const struct {
        const char *name, *ask;
        enum dns_type type;
        enum dns_status status;
        int64_t left_ms, later_ms;
        bool holds;
    } cases[] = {
        {"the_same", "a.test", DNS_A, DNS_SERVFAIL, 5000, 0, true},
        {"another_name", "b.test", DNS_A, DNS_SERVFAIL, 5000, 0, false},
        {"another_type", "a.test", DNS_MX, DNS_SERVFAIL, 5000, 0, false},
        {"silence_for_the_same_wait", "a.test", DNS_A, DNS_TIMEOUT, 5000, 0, true},
        {"silence_for_a_moment_more", "a.test", DNS_A, DNS_TIMEOUT, 5001, 0, true},
        {"silence_for_a_shorter_wait", "a.test", DNS_A, DNS_TIMEOUT, 1000, 0, true},
        {"silence_for_a_longer_wait", "a.test", DNS_A, DNS_TIMEOUT, 20000, 0, false},
        {"a_servers_word_for_a_longer_wait", "a.test", DNS_A, DNS_BAD, 20000, 0, true},
        {"the_clock_was_set_back", "a.test", DNS_A, DNS_BAD, 5000, -3600000, false},
    };
    (void)state;
    EACH(c, cases)
    {
        struct failures *f = failures_open();
        enum dns_status s;
        failures_add(f, "a.test", DNS_A, c->status, WAIT_NS, 9000000);
        expect_number(c->name,
            failures_find(f, c->ask, c->type, c->left_ms * MS, 9000000 + c->later_ms, &s),
            c->holds);
        if (c->holds)
            expect_number(c->name, s, c->status);
        failures_close(&f);
    }
}

static void forgetting_is_for_all_types_of_a_name(void **state)
{
    struct failures *f = failures_open();
    enum dns_status s;
    (void)state;
    failures_add(f, "a.test", DNS_A, DNS_SERVFAIL, WAIT_NS, 0);
    failures_add(f, "a.test", DNS_MX, DNS_SERVFAIL, WAIT_NS, 0);
    failures_add(f, "b.test", DNS_MX, DNS_SERVFAIL, WAIT_NS, 0);
    failures_forget(f, "a.test", 0);
    assert_false(holds(f, 0));
    assert_false(failures_find(f, "a.test", DNS_MX, WAIT_NS, 0, &s));
    assert_true(failures_find(f, "b.test", DNS_MX, WAIT_NS, 0, &s));
    failures_add(f, "a.test", DNS_A, DNS_SERVFAIL, WAIT_NS, 0);
    assert_true(holds(f, 1999)); /* the second in a row all the same */
    failures_close(&f);
}

static void strangers_names_do_not_fill_the_memory(void **state)
{
    struct failures *f = failures_open();
    char name[32];
    size_t held = 0;
    enum dns_status s;
    (void)state;
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "n%d.test", i);
        failures_add(f, name, DNS_A, DNS_SERVFAIL, WAIT_NS, 0);
    }
    assert_true(failures_find(f, name, DNS_A, WAIT_NS, 0, &s));
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "n%d.test", i);
        held += failures_find(f, name, DNS_A, WAIT_NS, 0, &s);
    }
    assert_in_range(held, 500, 2500);
    failures_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_holds_longer_as_it_goes_on),
        cmocka_unit_test(it_is_one_questions),
        cmocka_unit_test(forgetting_is_for_all_types_of_a_name),
        cmocka_unit_test(strangers_names_do_not_fill_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
