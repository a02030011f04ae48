/* The heap against a plain search, with times set, moved and removed at random (a fixed seed). */
#include "mailer/smtpd/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIMERS 200

static const struct timer *earliest(const struct timer *all)
{
    const struct timer *first = NULL;

    for (size_t i = 0; i < TIMERS; i++)
        if (all[i].place > 0 && (!first || all[i].at_ms < first->at_ms))
            first = &all[i];
    return first;
}

static void the_first_is_always_the_earliest(void **state)
{
    struct timers heap = {0};
    struct timer all[TIMERS] = {0};
    unsigned seed = 7;

    (void)state;
    for (int turn = 0; turn < 20000; turn++) {
        struct timer *one = &all[rand_r(&seed) % TIMERS];
        if (rand_r(&seed) % 3 == 0)
            timers_remove(&heap, one);
        else
            timers_set(&heap, one, rand_r(&seed) % 1000);
        const struct timer *first = timers_first(&heap), *expected = earliest(all);
        assert_true((first == NULL) == (expected == NULL));
        if (first)
            assert_int_equal(first->at_ms, expected->at_ms);
    }
    timers_close(&heap);
}

static void removing_twice_is_harmless(void **state)
{
    struct timers heap = {0};
    struct timer one = {0};

    (void)state;
    timers_remove(&heap, &one);
    timers_set(&heap, &one, 5);
    timers_set(&heap, &one, 3);
    assert_ptr_equal(timers_first(&heap), &one);
    assert_int_equal(one.at_ms, 3);
    timers_remove(&heap, &one);
    timers_remove(&heap, &one);
    assert_null(timers_first(&heap));
    timers_close(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_always_the_earliest),
        cmocka_unit_test(removing_twice_is_harmless),
    };

    return cmocka_run_group_tests_name("smtpd timers", tests, NULL, NULL);
}
