/* Tests mailer/deliver/pace.h: who is slowed down, for how long, and that many servers cost no more than few. */
#include "mailer/deliver/pace.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void a_server_is_slowed_down_for_an_hour(void **state)
{
    static const struct ip here = {4, {192, 0, 2, 1}}, there = {6, {192, 0, 2, 1}};
    struct pace_memory *m = pace_open();

    (void)state;
    assert_int_equal(pace_of(m, &here, 25, 7), PACE_GROUP);
    assert_true(pace_slow(m, &here, 25, PACE_PAIR, 7));
    assert_int_equal(pace_of(m, &here, 25, 7), PACE_PAIR);
    assert_int_equal(pace_of(m, &here, 587, 7), PACE_GROUP);
    assert_int_equal(pace_of(m, &there, 25, 7), PACE_GROUP);
    assert_int_equal(pace_of(m, &here, 25, 6 + PACE_MEMORY_NS), PACE_PAIR);
    assert_int_equal(pace_of(m, &here, 25, 7 + PACE_MEMORY_NS), PACE_GROUP);
    pace_close(&m);
}

static void a_slower_pace_stays(void **state)
{
    static const struct ip here = {4, {192, 0, 2, 1}};
    struct pace_memory *m = pace_open();

    (void)state;
    assert_true(pace_slow(m, &here, 25, PACE_PAIR, 7));
    assert_true(pace_slow(m, &here, 25, PACE_ALONE, 7));
    assert_false(pace_slow(m, &here, 25, PACE_PAIR, 8));
    assert_int_equal(pace_of(m, &here, 25, 9), PACE_ALONE);
    pace_slow(m, &here, 25, PACE_PAIR, 7 + PACE_MEMORY_NS);
    assert_int_equal(pace_of(m, &here, 25, 8 + PACE_MEMORY_NS), PACE_PAIR);
    pace_close(&m);
}

/* Many servers: the newest is known, and the oldest of them all forgotten without harm. */
static void the_memory_of_paces_is_bounded(void **state)
{
    struct pace_memory *m = pace_open();
    size_t known = 0;

    (void)state;
    for (int i = 0; i < 8 * PACE_SERVERS; i++) {
        struct ip a = {4, {10, 0, (uint8_t)(i >> 8), (uint8_t)i}};
        pace_slow(m, &a, 25, PACE_PAIR, 7);
        assert_int_equal(pace_of(m, &a, 25, 7), PACE_PAIR);
    }
    for (int i = 0; i < 8 * PACE_SERVERS; i++) {
        struct ip a = {4, {10, 0, (uint8_t)(i >> 8), (uint8_t)i}};
        known += pace_of(m, &a, 25, 7) == PACE_PAIR;
    }
    assert_in_range(known, PACE_SERVERS / 2, PACE_SERVERS);
    pace_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_slowed_down_for_an_hour),
        cmocka_unit_test(a_slower_pace_stays),
        cmocka_unit_test(the_memory_of_paces_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
