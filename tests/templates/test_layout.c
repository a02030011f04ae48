#include "templates/layout.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A locale that writes as the letters say. */
struct scribe {
    const char *name;
    unsigned first, further; /* digits of the last group and of those before it; 0 = no groups */
    unsigned least;          /* whole digits from which on there are groups */
    unsigned decimals;
    const char *minus, *behind;
    char zero;
    const char *writes; /* of -1234567.5; NULL: nothing is learned */
};

static bool parts_here(const struct scribe *s, size_t left)
{
    return s->first > 0 && left >= s->first && (left - s->first) % s->further == 0;
}

static bool write_decimal(void *context, struct str decimal, struct buf *out)
{
    const struct scribe *s = context;
    size_t point = str_find_char(decimal, '.', 0);
    bool negative = decimal.p[0] == '-';
    buf_add_text(out, negative ? s->minus : "");
    for (size_t i = negative; i < point; i++) {
        if (i > negative && point - negative >= s->least && parts_here(s, point - i))
            buf_add_char(out, '\'');
        buf_add_char(out, (char)(decimal.p[i] - '0' + s->zero));
    }
    if (s->decimals > 0)
        buf_add_text(out, "::");
    for (size_t i = point + 1; i <= point + s->decimals; i++)
        buf_add_char(out, (char)((i < decimal.n ? decimal.p[i] : '0') - '0' + s->zero));
    buf_add_text(out, s->behind);
    return true;
}

static const struct scribe scribes[] = {
    {"groups_of_three", 3, 3, 4, 2, "-", " EUR", '0', "-1'234'567::50 EUR"},
    {"groups_as_in_india", 3, 2, 4, 2, "-", " Rs", '0', "-12'34'567::50 Rs"},
    {"four_digits_are_no_group", 3, 3, 5, 1, "(", ")", '0', "(1'234'567::5)"},
    {"no_groups", 0, 0, 0, 3, "minus ", "", '0', "minus 1234567::500"},
    {"other_digits_are_not_learned", 3, 3, 4, 2, "-", "", 'a', NULL},
    {"too_long_a_word_is_not_learned", 3, 3, 4, 2, "-", " pieces of gold and silver", '0', NULL},
    {"too_many_decimals_are_not_learned", 3, 3, 4, 10, "-", "", '0', NULL},
};

static void what_was_learned_writes_as_the_locale_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(scribes); i++) {
        AUTO(buf_close) struct buf out = {0};
        struct scribe s = scribes[i];
        struct layout l;
        bool learned = layout_learn(&l, s.decimals, 15, write_decimal, &s);
        if (learned != (s.writes != NULL))
            fail_msg("%s: %s", s.name, learned ? "learned" : "not learned");
        if (!learned)
            continue;
        buf_add_text(&out, "> ");
        layout_write(&l, STR("-1234567.5"), &out);
        assert_string_equal(buf_text(&out) + 2, s.writes);
    }
}

static void zeros_that_mean_nothing_go(void **state)
{
    (void)state;
    AUTO(buf_close) struct buf out = {0};
    struct scribe s = scribes[0];
    struct layout l;
    assert_true(layout_learn(&l, s.decimals, 15, write_decimal, &s));
    layout_write(&l, STR("0001000.5000000"), &out);
    layout_write(&l, STR("-00"), &out);
    assert_string_equal(buf_text(&out), "1'000::50 EUR-0::00 EUR");
}

/* One of the numbers is written in another way. */
static bool write_oddly(void *context, struct str decimal, struct buf *out)
{
    if (decimal.n == 6 && decimal.p[0] == '8')
        buf_add_text(out, "about ");
    return write_decimal(context, decimal, out);
}

static void what_is_written_oddly_is_not_learned(void **state)
{
    (void)state;
    struct scribe s = scribes[0];
    struct layout l;
    s.decimals = 0;
    assert_true(layout_learn(&l, 0, 15, write_decimal, &s));
    assert_false(layout_learn(&l, 0, 15, write_oddly, &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_learned_writes_as_the_locale_does),
        cmocka_unit_test(zeros_that_mean_nothing_go),
        cmocka_unit_test(what_is_written_oddly_is_not_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
