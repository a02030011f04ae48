/* Tests mailer/deliver/pulse.h: when a lane is lost, what it held then, and that a lost one can do nothing more. */
#include "mailer/deliver/pulse.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define N 3
#define LONG_AGO 1

static const struct job jobs[N] = {{.id = "a"}, {.id = "b"}, {.id = "c"}};

static int64_t now(void)
{
    return clock_steady_ns();
}

static bool is_lost_now(struct pulse *p, struct pulse_view *held)
{
    return pulse_give_up(p, now(), held);
}

/* Each step leaves the lane where it may take its time: it is about to touch what others share. */
static void a_lane_without_a_deadline_is_never_lost(void **state)
{
    struct pulse p;
    struct pulse_view held;

    (void)state;
    pulse_open(&p);
    assert_false(is_lost_now(&p, &held));
    assert_true(pulse_step(&p, LONG_AGO) && pulse_step(&p, WATCH_NO_DEADLINE));
    assert_false(is_lost_now(&p, &held));
    assert_true(pulse_claimed(&p, jobs, N));
    assert_true(pulse_step(&p, LONG_AGO) && pulse_take(&p) == &jobs[0]);
    assert_false(is_lost_now(&p, &held));
    assert_true(pulse_begun(&p, 2, LONG_AGO) && pulse_settles(&p));
    assert_false(is_lost_now(&p, &held));
    pulse_close(&p);
}

struct loss {
    const char *name;
    size_t taken;
    bool begun, settled; /* the last one that was taken */
    size_t leases, rest;
};

static void a_lane_behind_its_deadline_is_lost_with_what_it_holds(void **state)
{
    static const struct loss cases[] = {
        {"nothing_was_begun", 0, false, false, 3, 3},
        {"one_is_in_hand", 1, false, false, 3, 2},
        {"the_body_of_one_is_out", 2, true, false, 2, 1},
        {"one_was_settled", 1, true, true, 2, 2},
        {"all_were_settled", 3, true, true, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct loss *x = &cases[i];
        struct pulse p;
        struct pulse_view held;

        pulse_open(&p);
        pulse_claimed(&p, jobs, N);
        for (size_t k = 0; k < x->taken; k++) {
            if (k > 0)
                pulse_settles(&p);
            pulse_take(&p);
        }
        if (x->begun)
            pulse_begun(&p, 2, LONG_AGO);
        if (x->settled)
            pulse_settles(&p);
        pulse_step(&p, LONG_AGO);
        bool is_in_hand = x->taken > 0 && !x->settled;
        bool good = is_lost_now(&p, &held) && held.leases == x->leases && held.rest_n == x->rest &&
                    held.rest == &jobs[N - x->rest] && held.begun == (x->begun && !x->settled) &&
                    (!held.begun || held.slot == 2) &&
                    held.in_hand == (is_in_hand ? &jobs[x->taken - 1] : NULL);
        if (!good)
            fail_msg("%s", x->name);
        assert_false(is_lost_now(&p, &held)); /* once */
        pulse_close(&p);
    }
}

static void a_deadline_to_come_is_waited_for(void **state)
{
    struct pulse p;
    struct pulse_view held;
    int64_t due = now() + INT64_C(3600000000000);

    (void)state;
    pulse_open(&p);
    pulse_step(&p, due);
    assert_false(pulse_give_up(&p, due, &held));
    assert_true(pulse_give_up(&p, due + 1, &held));
    pulse_close(&p);
}

static void a_lost_lane_can_do_nothing_more(void **state)
{
    struct pulse p;
    struct pulse_view held;

    (void)state;
    pulse_open(&p);
    pulse_claimed(&p, jobs, N);
    assert_ptr_equal(pulse_take(&p), &jobs[0]);
    pulse_step(&p, LONG_AGO);
    assert_true(is_lost_now(&p, &held));
    assert_false(pulse_step(&p, WATCH_NO_DEADLINE));
    assert_false(pulse_begun(&p, 2, WATCH_NO_DEADLINE));
    assert_false(pulse_settles(&p));
    assert_false(pulse_has_more(&p));
    assert_null(pulse_take(&p));
    assert_false(pulse_claimed(&p, jobs, N));
    pulse_close(&p);
}

static void a_thread_that_died_is_lost_one_that_was_told_to_end_is_not(void **state)
{
    (void)state;
    for (int died = 0; died < 2; died++) {
        struct pulse p;
        struct pulse_view held;

        pulse_open(&p);
        pulse_end(&p, died);
        assert_int_equal(is_lost_now(&p, &held), died);
        pulse_look(&p, &held);
        assert_true(held.ended);
        pulse_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_without_a_deadline_is_never_lost),
        cmocka_unit_test(a_lane_behind_its_deadline_is_lost_with_what_it_holds),
        cmocka_unit_test(a_deadline_to_come_is_waited_for),
        cmocka_unit_test(a_lost_lane_can_do_nothing_more),
        cmocka_unit_test(a_thread_that_died_is_lost_one_that_was_told_to_end_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
