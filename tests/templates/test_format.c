#include "templates/format_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void close_format(struct format **f)
{
    format_close(f);
}

static const struct {
    const char *locale, *amount, *currency, *expected; /* _ stands for a no-break space */
} money[] = {
    {"de", "0.10", "EUR", "0,10_€"},
    {"de", "12.5", "EUR", "12,50_€"},
    {"de", "1234567.89", "EUR", "1.234.567,89_€"},
    {"en", "1234567.89", "USD", "$1,234,567.89"},
    {"en", "0.10", "EUR", "€0.10"},
    {"en", "1500", "JPY", "¥1,500"},
    {"de", "1500.00", "JPY", "1.500_¥"},
    {"en", "1.234", "KWD", "KWD_1.234"},
    {"en", "-3.00", "USD", "-$3.00"},
    {"en", "999999999999999.99", "USD", "$999,999,999,999,999.99"},
    {"en", "0.1", "BTC", NULL},
    {"en", "0.105", "USD", NULL},
    {"en", "1.5", "JPY", NULL},
    {"en", "1,50", "USD", NULL},
    {"en", "1e3", "USD", NULL},
    {"en", "", "USD", NULL},
    {"en", ".5", "USD", NULL},
    {"en", "5.", "USD", NULL},
    {"en", "+5", "USD", NULL},
    {"en", "--5", "USD", NULL},
    {"en", "1234567890123456", "USD", NULL},
    {"en", "5", "usd", NULL},
    {"en", "5", "US", NULL},
    {"en", "5", "XQZ", NULL},
};

static void replace_underscores(const char *text, struct buf *out)
{
    for (; *text != 0; text++)
        if (*text == '_')
            buf_add_text(out, "\xc2\xa0");
        else
            buf_add_char(out, *text);
}

static void amounts_stay_exact_and_follow_the_locale(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(money); i++) {
        AUTO(close_format) struct format *f = NULL;
        AUTO(buf_close) struct buf out = {0};
        AUTO(buf_close) struct buf expected = {0};
        struct err e = {0};
        assert_true(format_open(money[i].locale, money[i].locale, &f, &e));
        bool ok = format_money(f, str_of(money[i].amount), str_of(money[i].currency), &out, &e);
        assert_int_equal(ok, money[i].expected != NULL);
        replace_underscores(money[i].expected ? money[i].expected : "", &expected);
        if (ok)
            assert_string_equal(buf_text(&out), buf_text(&expected));
        else
            assert_int_equal(e.code, ERR_INPUT);
    }
}

static void more_currencies_than_are_kept_still_work(void **state)
{
    (void)state;
    static const char *const codes[] = {
        "EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "MXN", "BRL"};
    AUTO(close_format) struct format *f = NULL;
    struct err e;
    assert_true(format_open("en", "en", &f, &e));
    for (size_t i = 0; i < 3 * COUNT_OF(codes); i++) {
        AUTO(buf_close) struct buf out = {0};
        assert_true(format_money(f, STR("1.00"), str_of(codes[i % COUNT_OF(codes)]), &out, &e));
        assert_non_null(strstr(buf_text(&out), "1.00"));
    }
}

static const struct {
    const char *locale, *date, *expected;
} dates[] = {
    {"de", "2026-11-21", "21. November 2026"},
    {"en", "2026-11-21", "November 21, 2026"},
    {"de", "2028-02-29", "29. Februar 2028"},
    {"de", "2026-11-21T23:59:59-10:00",
        "21. November 2026"}, /* the day that it says, whatever the offset */
    {"en", "2026-01-01T00:00:00+14:00", "January 1, 2026"},
    {"de", "2026-02-29", NULL},
    {"de", "2026-13-01", NULL},
    {"de", "2026-1-1", NULL},
    {"de", "21.11.2026", NULL},
    {"de", "", NULL},
    {"de", "2026-11-21T08:00:00", NULL},
};

static const struct {
    const char *locale, *time, *expected;
} times[] = {
    {"de", "2026-11-21T08:30:00+01:00", "21. November 2026 um 08:30 (UTC+1)"},
    {"en", "2026-11-21T20:30:00Z", "November 21, 2026 at 8:30_PM (UTC)"},
    {"en", "2026-11-21t20:30:15.250-03:30",
        "November 21, 2026 at 8:30_PM (UTC\xe2\x88\x92"
        "3:30)"},
    {"en", "2026-11-21T20:30:00+00:00", "November 21, 2026 at 8:30_PM (UTC)"},
    {"en", "2026-11-21", NULL},
    {"en", "2026-11-21T25:00:00Z", NULL},
};

static void dates_keep_their_day_and_follow_the_locale(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(dates); i++) {
        AUTO(close_format) struct format *f = NULL;
        AUTO(buf_close) struct buf out = {0};
        struct err e = {0};
        assert_true(format_open(dates[i].locale, dates[i].locale, &f, &e));
        assert_int_equal(
            format_date(f, str_of(dates[i].date), &out, &e), dates[i].expected != NULL);
        assert_string_equal(buf_text(&out), dates[i].expected ? dates[i].expected : "");
        assert_int_equal(format_is_date(str_of(dates[i].date)), dates[i].expected != NULL);
    }
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        AUTO(close_format) struct format *f = NULL;
        AUTO(buf_close) struct buf out = {0};
        AUTO(buf_close) struct buf expected = {0};
        struct err e = {0};
        assert_true(format_open(times[i].locale, times[i].locale, &f, &e));
        replace_underscores(times[i].expected ? times[i].expected : "", &expected);
        assert_int_equal(
            format_datetime(f, str_of(times[i].time), &out, &e), times[i].expected != NULL);
        assert_string_equal(buf_text(&out), buf_text(&expected));
    }
}

/* 32 days apart share a place; the second time each comes from there or has lost it. */
static void a_day_that_was_shown_before_is_shown_the_same(void **state)
{
    static const struct {
        const char *date, *expected;
    } days[] = {{"2026-11-21", "21. November 2026"}, {"2026-11-22", "22. November 2026"},
        {"2026-12-23", "23. Dezember 2026"}, {"2026-10-20", "20. Oktober 2026"},
        {"1969-12-31", "31. Dezember 1969"}};
    AUTO(close_format) struct format *f = NULL;
    struct err e = {0};

    (void)state;
    assert_true(format_open("de", "de", &f, &e));
    for (size_t i = 0; i < 4 * COUNT_OF(days); i++) {
        AUTO(buf_close) struct buf out = {0};
        buf_add_text(&out, "am ");
        for (size_t twice = 0; twice < 2; twice++) {
            buf_cut(&out, 3);
            assert_true(format_date(f, str_of(days[i % COUNT_OF(days)].date), &out, &e));
            assert_string_equal(out.p + 3, days[i % COUNT_OF(days)].expected);
        }
    }
}

static const struct {
    const char *locale;
    int64_t n;
    const char *form;
} plurals[] = {
    {"en", 0, "other"},
    {"en", 1, "one"},
    {"en", 2, "other"},
    {"de", 1, "one"},
    {"de", 0, "other"},
    {"fr", 0, "one"},
    {"fr", 1000000, "many"},
    {"ru", 1, "one"},
    {"ru", 2, "few"},
    {"ru", 5, "many"},
    {"ru", 21, "one"},
    {"ar", 0, "zero"},
    {"ar", 2, "two"},
    {"ar", 3, "few"},
    {"ar", 11, "many"},
    {"ar", 100, "other"},
    {"zh", 1, "other"},
};

/* Portuguese texts that show amounts as Portugal does still have the plural forms of their catalog. */
static void plural_forms_are_those_of_the_texts(void **state)
{
    (void)state;
    AUTO(close_format) struct format *f = NULL;
    char form[8];
    struct err e;
    assert_true(format_open("pt-PT", "pt", &f, &e));
    assert_true(format_plural(f, 0, form, &e));
    assert_string_equal(form, "one"); /* in pt-PT it is "other" */
}

static void tags_are_told_from_other_names(void **state)
{
    (void)state;
    static const char *const good[] = {"de", "de-AT", "pt-BR", "zh-Hant-TW", "es-419", "sr-Latn"};
    static const char *const bad[] = {
        "", "fr_CA", "de-", "-de", "de--AT", "d", "deutschland", "fr.old"};
    char full[FORMAT_TAG_BYTES];
    for (size_t i = 0; i < COUNT_OF(good); i++)
        if (!format_is_tag(good[i]))
            fail_msg("%s is refused", good[i]);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (format_is_tag(bad[i]))
            fail_msg("%s is taken", bad[i]);
    assert_true(format_full_tag("zh-TW", full));
    assert_string_equal(full, "zh-Hant-TW");
    assert_false(format_full_tag("no tag", full));
}

static void plural_forms_are_those_of_the_language(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(plurals); i++) {
        AUTO(close_format) struct format *f = NULL;
        char form[8];
        struct err e;
        assert_true(format_open(plurals[i].locale, plurals[i].locale, &f, &e));
        assert_true(format_plural(f, plurals[i].n, form, &e));
        assert_string_equal(form, plurals[i].form);
    }
}

static void whole_numbers_are_grouped(void **state)
{
    (void)state;
    AUTO(close_format) struct format *f = NULL;
    AUTO(buf_close) struct buf out = {0};
    struct err e;
    assert_true(format_open("de", "de", &f, &e));
    assert_true(format_integer(f, -1234567, &out, &e));
    buf_add_char(&out, ' ');
    assert_true(format_integer(f, INT64_MAX, &out, &e));
    assert_string_equal(buf_text(&out), "-1.234.567 9.223.372.036.854.775.807");
}

static void expect_same_integer(const struct format *f, const char *locale, int64_t n)
{
    AUTO(buf_close) struct buf ours = {0}, theirs = {0};
    struct err e;
    assert_true(format_integer(f, n, &ours, &e));
    assert_true(format_ask_integer(f, n, &theirs, &e));
    if (strcmp(buf_text(&ours), buf_text(&theirs)) != 0)
        fail_msg(
            "%s: %lld is %s, not %s", locale, (long long)n, buf_text(&theirs), buf_text(&ours));
}

static void expect_same_amount(
    struct format *f, const char *locale, const char *currency, const char *amount)
{
    AUTO(buf_close) struct buf ours = {0}, theirs = {0};
    struct err e;
    assert_true(format_money(f, str_of(amount), str_of(currency), &ours, &e));
    assert_true(format_ask_money(f, str_of(amount), str_of(currency), &theirs, &e));
    if (strcmp(buf_text(&ours), buf_text(&theirs)) != 0)
        fail_msg("%s: %s %s is %s, not %s", locale, amount, currency, buf_text(&theirs),
            buf_text(&ours));
}

/* Of any magnitude, the same in every run. */
static int64_t draw(uint64_t *state)
{
    *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17; /* Marsaglia 2003 */
    return (int64_t)(*state >> (*state % 64)) * (*state & 64 ? -1 : 1);
}

static void compare_integers(const struct format *f, const char *locale, uint64_t *state)
{
    static const int64_t edges[] = {0, 9, 10, 999, 1000, 9999, 10000, 99999, 100000, 1000000, -1,
        -999, -1000, -10000, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < COUNT_OF(edges); i++)
        expect_same_integer(f, locale, edges[i]);
    for (size_t i = 0; i < 10; i++)
        expect_same_integer(f, locale, draw(state));
}

static void compare_amounts(struct format *f, const char *locale, uint64_t *state)
{
    static const char *const currencies[] = {"EUR", "CHF", "JPY", "KWD", "PTE"};
    static const char *const whole[] = {
        "0", "-0", "-1", "007", "1000", "-10000", "999999999999999"};
    for (size_t c = 0; c < COUNT_OF(currencies); c++) {
        for (size_t i = 0; i < COUNT_OF(whole); i++)
            expect_same_amount(f, locale, currencies[c], whole[i]);
        expect_same_amount(f, locale, currencies[c], "1234.000000000000");
        for (size_t i = 0; i < 3 && format_currency_digits(str_of(currencies[c])) > 0; i++) {
            char amount[40];
            int64_t n = draw(state);
            snprintf(amount, sizeof amount, "%lld.%d", (long long)(n % 1000000000000000),
                (int)(i < 1 ? i : (uint64_t)n % 100));
            expect_same_amount(f, locale, currencies[c], amount);
        }
    }
}

static void compare_locale(void *context, const char *locale, const char *full)
{
    uint64_t *state = context;
    struct format *f = NULL;
    struct err e;
    (void)full;
    assert_true(format_open(locale, locale, &f, &e));
    compare_integers(f, locale, state);
    compare_amounts(f, locale, state);
    format_close(&f);
}

/* What a layout learned of a locale is what ICU would have written, and where it learned nothing ICU writes. */
static void numbers_and_amounts_are_those_of_icu_in_every_locale(void **state)
{
    (void)state;
    static const char *const longer[] = {"ccp", "fil", "gsw", "haw", "kok", "mni", "sat", "yue"};
    uint64_t random = 2463534242;
    for (char a = 'a'; a <= 'z'; a++)
        for (char b = 'a'; b <= 'z'; b++)
            format_locales((const char[]){a, b, 0}, compare_locale, &random);
    for (size_t i = 0; i < COUNT_OF(longer); i++)
        format_locales(longer[i], compare_locale, &random);
}

static void a_language_that_icu_does_not_know_has_no_plural_rules(void **state)
{
    (void)state;
    AUTO(buf_close) struct buf forms = {0};
    assert_false(format_plural_forms("xx", &forms));
    buf_clear(&forms);
    assert_true(format_plural_forms("de", &forms));
    assert_non_null(strstr(buf_text(&forms), "one"));
    assert_true(format_reads_right_to_left("ar"));
    assert_false(format_reads_right_to_left("de"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_stay_exact_and_follow_the_locale),
        cmocka_unit_test(more_currencies_than_are_kept_still_work),
        cmocka_unit_test(dates_keep_their_day_and_follow_the_locale),
        cmocka_unit_test(a_day_that_was_shown_before_is_shown_the_same),
        cmocka_unit_test(plural_forms_are_those_of_the_language),
        cmocka_unit_test(plural_forms_are_those_of_the_texts),
        cmocka_unit_test(tags_are_told_from_other_names),
        cmocka_unit_test(whole_numbers_are_grouped),
        cmocka_unit_test(numbers_and_amounts_are_those_of_icu_in_every_locale),
        cmocka_unit_test(a_language_that_icu_does_not_know_has_no_plural_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
