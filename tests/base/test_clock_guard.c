#include "base/clock_guard.h"
#include "tests/base/expect.h"

#define T0 INT64_C(1790000000000)
#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)

struct times {
    struct clock_fake wall, steady;
    struct clock wall_clock, steady_clock, clock, opening;
    struct clock_guard *guard;
};

static void open_times(struct times *t)
{
    t->wall.ms = T0;
    t->steady.ms = 5000;
    t->wall_clock = clock_of_fake(&t->wall);
    t->steady_clock = clock_of_fake(&t->steady);
    t->guard = clock_guard_open(&t->wall_clock, &t->steady_clock);
    t->clock = clock_of_guard(t->guard);
    t->opening = clock_of_opening(t->guard);
}

static void pass(struct times *t, int64_t ms)
{
    t->wall.ms += ms;
    t->steady.ms += ms;
}

static void a_jump_is_believed_only_when_it_stands(void **state)
{
    static const struct {
        const char *name;
        int64_t jump_ms;
        bool doubted;
    } table[] = {
        {"none", 0, false},
        {"a small step forward", CLOCK_JUMP_MS, false},
        {"a small step back", -CLOCK_JUMP_MS, false},
        {"forward", CLOCK_JUMP_MS + 1, true},
        {"back", -CLOCK_JUMP_MS - 1, true},
        {"ten days forward", 10 * DAY, true},
        {"ten days back", -10 * DAY, true},
    };
    (void)state;

    EACH(row, table)
    {
        struct times t;
        open_times(&t);
        pass(&t, MINUTE);
        expect_int(row->name, clock_now_ms(&t.clock), T0 + MINUTE);
        t.wall.ms += row->jump_ms;
        int64_t at_once = T0 + MINUTE + (row->doubted ? 0 : row->jump_ms);
        expect_int(row->name, clock_now_ms(&t.clock), at_once);
        expect_int(row->name, clock_guard_doubt(t.guard).by_ms, row->doubted ? row->jump_ms : 0);
        pass(&t, CLOCK_DOUBT_MS - 1);
        expect_int(row->name, clock_now_ms(&t.clock), at_once + CLOCK_DOUBT_MS - 1);
        pass(&t, 1);
        expect_int(row->name, clock_now_ms(&t.clock), T0 + MINUTE + CLOCK_DOUBT_MS + row->jump_ms);
        expect_int(row->name, clock_guard_doubt(t.guard).by_ms, 0);
        expect_int(row->name, clock_guard_doubt(t.guard).taken_ms, row->doubted ? row->jump_ms : 0);
        expect_int(row->name, clock_now_ms(&t.opening), T0 + MINUTE + CLOCK_DOUBT_MS);
        clock_guard_close(&t.guard);
    }
}

static void a_jump_that_is_taken_back_was_never_there(void **state)
{
    struct times t;
    (void)state;

    open_times(&t);
    for (int i = 0; i < 3; i++) {
        t.wall.ms += 10 * DAY;
        clock_now_ms(&t.clock);
        pass(&t, CLOCK_DOUBT_MS - 1);
        expect_int("doubted", clock_now_ms(&t.clock), T0 + (i + 1) * (CLOCK_DOUBT_MS - 1));
        t.wall.ms -= 10 * DAY;
        expect_int("back", clock_now_ms(&t.clock), T0 + (i + 1) * (CLOCK_DOUBT_MS - 1));
    }
    expect_int("none was taken", clock_guard_doubt(t.guard).taken_ms, 0);
    clock_guard_close(&t.guard);
}

static void a_clock_that_goes_on_jumping_is_not_followed(void **state)
{
    struct times t;
    (void)state;

    open_times(&t);
    for (int i = 0; i < 10; i++) {
        t.wall.ms += DAY;
        clock_now_ms(&t.clock);
        pass(&t, CLOCK_DOUBT_MS / 2);
    }
    expect_int("time", clock_now_ms(&t.clock), T0 + 5 * CLOCK_DOUBT_MS);
    clock_guard_close(&t.guard);
}

static void a_slow_correction_is_followed(void **state)
{
    struct times t;
    (void)state;

    open_times(&t);
    for (int i = 0; i < 100; i++) {
        pass(&t, 1000);
        t.wall.ms += 500;
        expect_int("time", clock_now_ms(&t.clock), t.wall.ms);
    }
    expect_int("no doubt", clock_guard_doubt(t.guard).taken_ms, 0);
    clock_guard_close(&t.guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jump_is_believed_only_when_it_stands),
        cmocka_unit_test(a_jump_that_is_taken_back_was_never_there),
        cmocka_unit_test(a_clock_that_goes_on_jumping_is_not_followed),
        cmocka_unit_test(a_slow_correction_is_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
