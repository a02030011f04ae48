/* How mails are pinned: what makes a bundle, whose texts and whose dates it keeps, and what is none. */
#include "base/hash.h"
#include "tests/templates/shelf_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void bundle_hash(const struct mails *m, const char *name, const char *locale,
    const struct brand *b, struct digest *out)
{
    AUTO(buf_close) struct buf bytes = {0};
    struct err e;
    assert_true(mails_bundle(m, name, locale, b, &bytes, &e));
    hash_sha256(buf_str(&bytes), out);
}

static void equal_content_makes_equal_bundles(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *first = open_shelf(), *again = open_shelf();
    struct brand b = test_brand();
    static const char *const names[] = {"delay_apology", "refund", "shipping_notice"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct digest one, two, three;
        bundle_hash(first, names[i], "de", &b, &one);
        bundle_hash(first, names[i], "de", &b, &two);
        bundle_hash(again, names[i], "de", &b, &three);
        assert_true(digest_equal(&one, &two) && digest_equal(&one, &three));
    }
}

static void mail_locale_and_brand_make_the_bundle(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    struct brand b = test_brand(), other = test_brand();
    other.postal_address = "elsewhere";
    struct digest d[4];
    bundle_hash(m, "refund", "de", &b, &d[0]);
    bundle_hash(m, "refund", "en", &b, &d[1]);
    bundle_hash(m, "refund", "de", &other, &d[2]);
    bundle_hash(m, "shipping_notice", "de", &b, &d[3]);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = i + 1; k < 4; k++)
            assert_false(digest_equal(&d[i], &d[k]));
}

static void a_bundle_keeps_locale_and_brand(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    AUTO(mail_close) struct mail *mail = compile_mail(m, "refund", "de");
    assert_string_equal(mail_locale(mail), "de");
    assert_string_equal(mail_brand(mail)->from, "Nordwind <service@mail.nordwind.example>");
    assert_string_equal(mail_brand(mail)->reply_to, "help@nordwind.example");
    assert_string_equal(mail_brand(mail)->logo.s, "");
}

static void a_logo_shows_with_the_name_as_its_text(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    AUTO(buf_close) struct buf bundle = {0};
    struct brand brand = test_brand();
    AUTO(mail_close) struct mail *mail = NULL;
    AUTO(js_close) struct js *data = read_data("refund.json");
    AUTO(mail_parts_close) struct mail_parts parts = {0};
    struct err e;
    brand.logo_content_type = "image/png";
    memset(brand.logo.s, 'a', 64);
    assert_true(mails_bundle(m, "refund", "en", &brand, &bundle, &e));
    assert_true(mail_compile(buf_str(&bundle), &mail, &e));
    render_mail(mail, data, NULL, &parts);
    assert_non_null(strstr(buf_text(&parts.html), "<img src=\"cid:logo\" alt=\"Nordwind\""));
    assert_int_equal(strlen(mail_brand(mail)->logo.s), 64);
}

static void a_dangerous_brand_is_refused(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    AUTO(buf_close) struct buf bundle = {0};
    struct err e;
    struct brand bad[3] = {test_brand(), test_brand(), test_brand()};
    bad[0].colour = "red;background:url(x)";
    bad[1].url = "javascript:alert(1)";
    bad[2].name = "\xff";
    for (size_t i = 0; i < 3; i++) {
        assert_false(mails_bundle(m, "refund", "en", &bad[i], &bundle, &e));
        assert_int_equal(e.code, ERR_INPUT);
        assert_int_equal(bundle.n, 0);
    }
}

static void bytes_that_are_no_bundle_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum err_code code;
    } bad[] = {{"", ERR_CORRUPT}, {"{}", ERR_CORRUPT}, {"[1]", ERR_CORRUPT},
        {"{\"bundle\":2}", ERR_NEWER},
        {"{\"bundle\":1,\"name\":\"x\",\"locale\":\"en\",\"parts\":{}}", ERR_CORRUPT},
        {"{\"bundle\":1", ERR_CORRUPT}};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        AUTO(mail_close) struct mail *mail = NULL;
        struct err e;
        assert_false(mail_compile(str_of(bad[i].bytes), &mail, &e));
        assert_int_equal(e.code, bad[i].code);
    }
}

static const struct {
    const char *locale, *day, *amount; /* _ stands for a no-break space */
} regions[] = {
    {"en", "November 24, 2026", "CHF_1,249.50"},
    {"en-US", "November 24, 2026", "CHF_1,249.50"},
    {"en-GB", "24 November 2026", "CHF_1,249.50"},
    {"en-IE", "24 November 2026", "CHF_1,249.50"},
    {"en-CH", "24 November 2026",
        "CHF_1\xe2\x80\x99"
        "249.50"},
    {"en-XX", "November 24, 2026", "CHF_1,249.50"},
    {"de", "24. November 2026", "1.249,50_CHF"},
    {"de-AT", "24. November 2026", "CHF_1.249,50"},
    {"de-CH", "24. November 2026",
        "CHF_1\xe2\x80\x99"
        "249.50"},
    {"de-XX", "24. November 2026", "1.249,50_CHF"},
};

static void spread(const char *text, char *out)
{
    for (; *text != 0; text++)
        if (*text == '_')
            out += sprintf(out, "\xc2\xa0");
        else
            *out++ = *text;
    *out = 0;
}

static void dates_and_amounts_follow_the_region(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    AUTO(js_close)
    struct js *data =
        parse_json("{\"customer\":{\"name\":\"Ana\"},\"order\":{\"number\":\"7\"},\"delay\":{"
                   "\"original_date\":\"2026-11-20\",\"new_date\":\"2026-11-24\",\"cancel_url\":"
                   "\"https://a.example/c\"},\"coupon\":{\"code\":\"C\",\"amount\":{\"amount\":"
                   "\"1249.50\",\"currency\":\"CHF\"}}}");
    for (size_t i = 0; i < COUNT_OF(regions); i++) {
        const char *locale = mails_locale(m, str_of(regions[i].locale), STR(""));
        AUTO(mail_close) struct mail *mail = compile_mail(m, "delay_apology", locale);
        AUTO(mail_parts_close) struct mail_parts parts = {0};
        char amount[64], lang[64];
        render_mail(mail, data, NULL, &parts);
        spread(regions[i].amount, amount);
        snprintf(lang, sizeof lang, "<html lang=\"%s\"", locale);
        if (!strstr(buf_text(&parts.text), regions[i].day) ||
            !strstr(buf_text(&parts.text), amount))
            fail_msg("%s:\n%s", regions[i].locale, buf_text(&parts.text));
        assert_non_null(strstr(buf_text(&parts.html), lang));
        assert_string_equal(mail_locale(mail), locale);
    }
}

/* The bundle says both: whose texts, and whose dates; one of before the region was kept has its catalog's. */
static void the_bundle_keeps_catalog_and_region(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    AUTO(buf_close) struct buf bytes = {0}, earlier = {0};
    struct brand b = test_brand();
    AUTO(mail_close) struct mail *mail = NULL;
    struct err e;
    assert_true(mails_bundle(m, "refund", "en-GB", &b, &bytes, &e));
    assert_non_null(strstr(buf_text(&bytes), "\"locale\":\"en\""));
    assert_non_null(strstr(buf_text(&bytes), "\"format\":\"en-GB\""));
    size_t at = str_find(buf_str(&bytes), STR("\"format\":\"en-GB\","), 0);
    buf_add(&earlier, str_slice(buf_str(&bytes), 0, at));
    buf_add(&earlier, str_slice(buf_str(&bytes), at + 17, bytes.n));
    if (!mail_compile(buf_str(&earlier), &mail, &e))
        fail_msg("%s", e.text);
    assert_string_equal(mail_locale(mail), "en");
}

static void the_nearest_locale_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *wanted, *fallback, *expected;
    } cases[] = {{"de", "", "de"}, {"de-AT", "", "de-AT"}, {"DE_at", "", "de-AT"},
        {"de-Latn-CH-1996", "", "de-CH"}, {"de-CH-u-nu-thai", "", "de-CH"},
        {"en-GB", "de", "en-GB"}, {"en-US-posix", "de", "en-US"}, {"fr", "de", "de"},
        {"fr", "de-CH", "de-CH"}, {"fr", "it", "en"}, {"", "", "en"}, {"d", "", "en"},
        {"../de", "", "en"}, {"deutsch", "", "en"},
        /* a region that nobody writes that language in, none at all, another script */
        {"de-JP", "", "de"}, {"de-XX", "", "de"}, {"en-ZZZZ", "", "en"}, {"en-Cyrl-GB", "", "en"}};
    AUTO(mails_close) struct mails *m = open_shelf();
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(
            mails_locale(m, str_of(cases[i].wanted), str_of(cases[i].fallback)), cases[i].expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_content_makes_equal_bundles),
        cmocka_unit_test(mail_locale_and_brand_make_the_bundle),
        cmocka_unit_test(a_bundle_keeps_locale_and_brand),
        cmocka_unit_test(a_logo_shows_with_the_name_as_its_text),
        cmocka_unit_test(a_dangerous_brand_is_refused),
        cmocka_unit_test(bytes_that_are_no_bundle_are_refused),
        cmocka_unit_test(dates_and_amounts_follow_the_region),
        cmocka_unit_test(the_bundle_keeps_catalog_and_region),
        cmocka_unit_test(the_nearest_locale_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
