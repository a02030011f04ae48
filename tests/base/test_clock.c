#include "base/clock.h"
#include "tests/base/expect.h"

static void rfc3339_is_read_exactly(void **state)
{
    static const struct {
        const char *name, *text;
        bool right;
        int64_t ms;
    } cases[] = {
        {"the_epoch", "1970-01-01T00:00:00Z", true, 0},
        {"a_millisecond", "1970-01-01T00:00:00.001Z", true, 1},
        {"lower_case", "1970-01-01t00:00:01z", true, 1000},
        {"one_digit_of_fraction", "1970-01-01T00:00:00.5Z", true, 500},
        {"a_finer_fraction_is_cut", "1970-01-01T00:00:00.9999999Z", true, 999},
        {"before_the_epoch", "1969-12-31T23:59:59.999Z", true, -1},
        {"an_offset_to_the_east", "1970-01-01T02:00:00+02:00", true, 0},
        {"an_offset_to_the_west", "1969-12-31T18:30:00-05:30", true, 0},
        {"unknown_local_offset", "1970-01-01T00:00:00-00:00", true, 0},
        {"leap_day", "2024-02-29T00:00:00Z", true, 1709164800000},
        {"leap_day_of_2000", "2000-02-29T12:00:00Z", true, 951825600000},
        {"leap_second", "2016-12-31T23:59:60Z", true, 1483228800000},
        {"example_of_the_rfc", "1985-04-12T23:20:50.52Z", true, 482196050520},
        {"year_zero", "0000-01-01T00:00:00Z", true, -62167219200000},
        {"last_of_four_digits", "9999-12-31T23:59:59.999Z", true, 253402300799999},
        {"no_leap_day_in_1900", "1900-02-29T00:00:00Z", false, 0},
        {"no_leap_day_in_2023", "2023-02-29T00:00:00Z", false, 0},
        {"april_has_thirty", "2026-04-31T00:00:00Z", false, 0},
        {"month_13", "2026-13-01T00:00:00Z", false, 0},
        {"month_0", "2026-00-01T00:00:00Z", false, 0},
        {"day_0", "2026-01-00T00:00:00Z", false, 0},
        {"hour_24", "2026-01-01T24:00:00Z", false, 0},
        {"minute_60", "2026-01-01T00:60:00Z", false, 0},
        {"second_61", "2026-01-01T00:00:61Z", false, 0},
        {"no_offset", "2026-01-01T00:00:00", false, 0},
        {"a_space_for_the_t", "2026-01-01 00:00:00Z", false, 0},
        {"an_offset_without_colon", "2026-01-01T00:00:00+0200", false, 0},
        {"an_offset_of_24_hours", "2026-01-01T00:00:00+24:00", false, 0},
        {"a_dot_without_digits", "2026-01-01T00:00:00.Z", false, 0},
        {"a_comma_for_the_dot", "2026-01-01T00:00:00,5Z", false, 0},
        {"more_behind", "2026-01-01T00:00:00Z ", false, 0},
        {"a_sign_in_a_number", "2026-+1-01T00:00:00Z", false, 0},
        {"a_minus_in_a_number", "2026--1-01T00:00:00Z", false, 0},
        {"a_date_alone", "2026-01-01", false, 0},
        {"empty", "", false, 0},
    };

    (void)state;
    EACH(c, cases)
    {
        int64_t ms = 0;
        expect_int(c->name, clock_parse_rfc3339(str_of(c->text), &ms), c->right);
        expect_int(c->name, ms, c->ms);
    }
}

static void every_day_of_800_years_comes_back(void **state)
{
    char text[CLOCK_RFC3339_SIZE], before[CLOCK_RFC3339_SIZE] = "";

    (void)state;
    for (int64_t day = -150000; day < 150000; day++) {
        int64_t back, ms = day * 86400000 + 45296789;
        clock_rfc3339(ms, text);
        assert_true(clock_parse_rfc3339(str_of(text), &back));
        assert_true(back == ms);
        assert_true(strcmp(before, text) < 0);
        memcpy(before, text, sizeof text);
    }
    clock_rfc3339(1795248550123, text);
    assert_string_equal(text, "2026-11-21T08:09:10.123Z");
}

static void times_out_of_four_digit_years_are_bent_into_them(void **state)
{
    char text[CLOCK_RFC3339_SIZE];

    (void)state;
    clock_rfc3339(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    clock_rfc3339(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000Z");
}

static void a_fake_stands_until_it_is_told(void **state)
{
    struct clock_fake fake = {.ms = 1000};
    struct clock c = clock_of_fake(&fake);

    (void)state;
    assert_int_equal(clock_now_ms(&c), 1000);
    fake.ms += 5;
    assert_int_equal(clock_now_ms(&c), 1005);
    assert_true(clock_now_ms(clock_system()) > INT64_C(1700000000000));
    int64_t first = clock_steady_ns();
    assert_true(clock_steady_ns() >= first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc3339_is_read_exactly),
        cmocka_unit_test(every_day_of_800_years_comes_back),
        cmocka_unit_test(times_out_of_four_digit_years_are_bent_into_them),
        cmocka_unit_test(a_fake_stands_until_it_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
