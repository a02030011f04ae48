/* The mails of the tree: what they say, in every locale. */
#include "tests/templates/shelf_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const names[] = {"delay_apology", "refund", "shipping_notice"};
static const char *const locales[] = {"en", "de"};

static void every_mail_is_on_the_shelf(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    struct mail_info info;
    assert_int_equal(mails_count(m), COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_string_equal(mails_name(m, i), names[i]);
    assert_true(mails_info(m, "shipping_notice", &info));
    assert_string_equal(info.stream, "transactional");
    assert_string_equal(info.events, "shipped");
    assert_string_equal(info.supersedes, "delayed");
    assert_true(mails_info(m, "refund", &info));
    assert_string_equal(info.supersedes, "");
    assert_false(mails_info(m, "nothing", &info));
}

/* What every rendered mail must be, whatever its data. */
static void check_parts(const struct mail_parts *p, const char *locale, const char *number)
{
    char lang[32];
    snprintf(lang, sizeof lang, "<html lang=\"%s\" dir=\"ltr\"", locale);
    assert_non_null(strstr(buf_text(&p->subject), number));
    assert_null(strchr(buf_text(&p->subject), '\n'));
    assert_true(p->subject.n < 100 && p->preheader.n > 20 && p->preheader.n < 200);
    assert_non_null(strstr(buf_text(&p->html), lang));
    assert_non_null(strstr(buf_text(&p->html), "color-scheme"));
    assert_non_null(strstr(buf_text(&p->html), buf_text(&p->preheader)));
    assert_true(p->html.n < 100 * 1024);
    assert_null(strstr(buf_text(&p->html), "{{"));
    assert_null(strstr(buf_text(&p->text), "{{"));
    assert_null(strstr(buf_text(&p->text), "\n\n\n"));
    assert_null(strstr(buf_text(&p->text), "&amp;"));
    assert_null(strstr(buf_text(&p->text), "<p"));
    assert_non_null(strstr(buf_text(&p->text), "20457 Hamburg"));
    assert_true(str_is_utf8(buf_str(&p->html)) && str_is_utf8(buf_str(&p->text)));
}

static void every_mail_renders_in_every_locale(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    for (size_t i = 0; i < COUNT_OF(names) * COUNT_OF(locales) * 2; i++) {
        const char *name = names[i / 4], *locale = locales[i / 2 % 2];
        char file[64];
        snprintf(file, sizeof file, "%s%s.json", name, i % 2 ? ".least" : "");
        AUTO(mail_close) struct mail *mail = compile_mail(m, name, locale);
        AUTO(js_close) struct js *data = read_data(file);
        AUTO(arena_close) struct arena *arena = arena_open();
        AUTO(mail_parts_close) struct mail_parts parts = {0};
        struct faults faults;
        faults_init(&faults, arena);
        mail_check(mail, data, STR("/data"), &faults);
        if (faults.n > 0)
            fail_msg("%s: %s %s", file, faults.first->pointer, faults.first->detail);
        render_mail(mail, data, NULL, &parts);
        check_parts(&parts, locale, i % 2 ? "W-77" : "#1042");
    }
}

/* ---- packed ---- */

/* Cut short it is refused or gives a beginning; with a wrong byte it is refused or gives something. Neither reads beyond. */
static void unpack_damaged(const struct mail *mail, struct str packed, struct str html)
{
    for (size_t n = 0; n < packed.n; n++) {
        char *shorter = malloc(n), *damaged = malloc(packed.n);
        AUTO(buf_close) struct buf cut = {0};
        AUTO(buf_close) struct buf wrong = {0};
        struct err e;
        memcpy(shorter, packed.p, n);
        memcpy(damaged, packed.p, packed.n);
        damaged[n] = (char)~damaged[n];
        bool fine = mail_unpack_html(mail, str_bytes(shorter, n), &cut, &e);
        assert_true(fine ? str_starts(html, buf_str(&cut)) : e.code == ERR_CORRUPT);
        fine = mail_unpack_html(mail, str_bytes(damaged, packed.n), &wrong, &e);
        assert_true(fine || e.code == ERR_CORRUPT);
        free(shorter);
        free(damaged);
    }
}

static void a_packed_mail_unpacks_to_the_same_bytes_and_is_small(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    for (size_t i = 0; i < COUNT_OF(names) * COUNT_OF(locales) * 2; i++) {
        const char *name = names[i / 4], *locale = locales[i / 2 % 2];
        char file[64];
        snprintf(file, sizeof file, "%s%s.json", name, i % 2 ? ".least" : "");
        AUTO(mail_close) struct mail *here = compile_mail(m, name, locale);
        AUTO(mail_close) struct mail *there = compile_mail(m, name, locale);
        AUTO(js_close) struct js *data = read_data(file);
        AUTO(mail_parts_close) struct mail_parts parts = {0};
        AUTO(buf_close) struct buf packed = {0};
        AUTO(buf_close) struct buf again = {0};
        struct err e;
        render_mail(here, data, NULL, &parts);
        mail_pack_html(&parts, &packed);
        if (!mail_unpack_html(there, buf_str(&packed), &again, &e))
            fail_msg("%s in %s: %s", file, locale, e.text);
        if (!str_eq(buf_str(&again), buf_str(&parts.html)))
            fail_msg("%s in %s: other bytes", file, locale);
        if (packed.n * 2 > parts.html.n)
            fail_msg("%s in %s: %zu of %zu bytes", file, locale, packed.n, parts.html.n);
        if (i == 0)
            unpack_damaged(there, buf_str(&packed), buf_str(&parts.html));
    }
}

static const struct {
    const char *what, *name, *locale, *file, *has, *has_not; /* in the text part */
} wordings[] = {
    {"German dates", "shipping_notice", "de", "shipping_notice.json",
        "zwischen dem 24. November 2026 und dem 27. November 2026", "November 24"},
    {"English dates", "shipping_notice", "en", "shipping_notice.json",
        "between November 24, 2026 and November 27, 2026", "24."},
    {"German amounts", "shipping_notice", "de", "shipping_notice.json", "12,50\xc2\xa0€", "12.50"},
    {"English amounts", "shipping_notice", "en", "shipping_notice.json", "€12.50", "12,50"},
    {"no arrival without dates", "shipping_notice", "en", "shipping_notice.least.json",
        "YT2613521272009911", "reach you"},
    {"text is not escaped", "shipping_notice", "en", "shipping_notice.json",
        "Travel mug <500 ml> & lid", "&lt;"},
    {"a part of an order", "shipping_notice", "de", "shipping_notice.json",
        "einen Teil Ihrer Bestellung", "zurück"},
    {"the plural, German", "refund", "de", "refund.json", "bis zu 10 Werktage,", "Werktag,"},
    {"the singular, German", "refund", "de", "refund.least.json", "bis zu 1 Werktag,", "Werktage"},
    {"the plural, English", "refund", "en", "refund.json", "10 working days", "day "},
    {"the singular, English", "refund", "en", "refund.least.json", "1 working day ", "days"},
    {"a large amount exactly", "refund", "de", "refund.json", "1.234.567,89\xc2\xa0€", "1234567"},
    {"yen without decimals", "refund", "en", "refund.least.json", "¥1,500", "1,500."},
    {"a partial refund", "refund", "en", "refund.json", "a part of your order",
        "We have refunded your order"},
    {"a full refund", "refund", "en", "refund.least.json", "We have refunded your order", "a part"},
    {"a delay with a new date", "delay_apology", "de", "delay_apology.json",
        "am 3. Dezember 2026 versenden", "2026-12"},
    {"the way to cancel", "delay_apology", "en", "delay_apology.json",
        "Cancel the order: https://shop.example/orders/1042/cancel?key=a1b2c3", "keep my order"},
    {"the coupon", "delay_apology", "de", "delay_apology.json", "SORRY-10", "10.00"},
    {"no coupon", "delay_apology", "en", "delay_apology.least.json", "https://shop.example/c/77",
        "code"},
    {"consent for long delays", "delay_apology", "en", "delay_apology.least.json",
        "https://shop.example/k/77", "nothing you need to do"},
    {"who signs", "delay_apology", "en", "delay_apology.json",
        "Kind regards\nMarta Keller\nYour team at Nordwind", "signer"},
};

static void texts_say_what_the_data_says(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    for (size_t i = 0; i < COUNT_OF(wordings); i++) {
        AUTO(mail_close) struct mail *mail = compile_mail(m, wordings[i].name, wordings[i].locale);
        AUTO(js_close) struct js *data = read_data(wordings[i].file);
        AUTO(mail_parts_close) struct mail_parts parts = {0};
        render_mail(mail, data, NULL, &parts);
        const char *text = buf_text(&parts.text);
        if (!strstr(text, wordings[i].has) || strstr(text, wordings[i].has_not))
            fail_msg("%s:\n%s", wordings[i].what, text);
    }
}

static void html_escapes_what_subject_and_text_do_not(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    AUTO(mail_close) struct mail *mail = compile_mail(m, "shipping_notice", "en");
    AUTO(js_close)
    struct js *data = parse_json(
        "{\"customer\":{\"name\":\"<script>alert(1)</"
        "script>\"},\"order\":{\"number\":\"<b>\\\"&1\"},"
        "\"parcel\":{\"carrier\":\"'onmouseover='x\",\"tracking_number\":\"<img src=x>\"},"
        "\"items\":[{\"name\":\"</table><script>\",\"quantity\":1}]}");
    AUTO(mail_parts_close) struct mail_parts parts = {0};
    render_mail(mail, data, NULL, &parts);
    assert_null(strstr(buf_text(&parts.html), "<script"));
    assert_null(strstr(buf_text(&parts.html), "<img"));
    assert_null(strstr(buf_text(&parts.html), "<b>"));
    assert_null(strstr(buf_text(&parts.html), "'onmouseover"));
    assert_non_null(strstr(buf_text(&parts.html), "&lt;script&gt;alert(1)"));
    assert_non_null(strstr(buf_text(&parts.subject), "<b>\"&1"));
    assert_non_null(strstr(buf_text(&parts.text), "<script>alert(1)</script>"));
}

static void a_link_to_leave_shows_where_the_stream_has_one(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    AUTO(mail_close) struct mail *mail = compile_mail(m, "refund", "de");
    AUTO(js_close) struct js *data = read_data("refund.json");
    const struct mail_links links = {STR("https://mail.nordwind.example/u/t0ken?a=1&b=2")};
    AUTO(mail_parts_close) struct mail_parts with = {0};
    AUTO(mail_parts_close) struct mail_parts without = {0};
    render_mail(mail, data, &links, &with);
    render_mail(mail, data, NULL, &without);
    assert_non_null(
        strstr(buf_text(&with.html), "href=\"https://mail.nordwind.example/u/t0ken?a=1&amp;b=2\""));
    assert_non_null(
        strstr(buf_text(&with.text), "Abbestellen: https://mail.nordwind.example/u/t0ken?a=1&b=2"));
    assert_null(strstr(buf_text(&without.html), "Abbestellen"));
    assert_null(strstr(buf_text(&without.text), "Abbestellen"));
}

static void a_line_break_in_data_cannot_reach_the_subject(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    AUTO(mail_close) struct mail *mail = compile_mail(m, "refund", "en");
    AUTO(js_close) struct js *data = read_data("refund.json");
    js_set_cstr(js_get(data, "order"), "number", "1\r\nBcc: x@y.example\t 2");
    AUTO(mail_parts_close) struct mail_parts parts = {0};
    render_mail(mail, data, NULL, &parts);
    assert_string_equal(buf_text(&parts.subject), "Your refund for order 1 Bcc: x@y.example 2");
}

/* Numbers that no order has, in the data of the tests: where, and what must be told. */
static const struct {
    const char *name, *path[2], *value;
    const char *pointer; /* "" = accepted */
} absurd[] = {
    {"refund", {"refund", "amount"}, "{\"amount\":\"-12.50\",\"currency\":\"EUR\"}",
        "/refund/amount/amount"},
    {"refund", {"refund", "amount"}, "{\"amount\":\"0\",\"currency\":\"EUR\"}",
        "/refund/amount/amount"},
    {"refund", {"refund", "days"}, "-5", "/refund/days"},
    {"refund", {"refund", "days"}, "0", "/refund/days"},
    {"refund", {"items"}, "[{\"name\":\"Cup\",\"quantity\":-3}]", "/items/0/quantity"},
    {"shipping_notice", {"items"}, "[{\"name\":\"Cup\",\"quantity\":0}]", "/items/0/quantity"},
    {"shipping_notice", {"items"},
        "[{\"name\":\"Cup\",\"quantity\":1,\"price\":{\"amount\":\"-1\",\"currency\":\"EUR\"}}]",
        "/items/0/price/amount"},
    {"shipping_notice", {"items"},
        "[{\"name\":\"Cup\",\"quantity\":1,\"price\":{\"amount\":\"0\",\"currency\":\"EUR\"}}]",
        ""},
    {"delay_apology", {"coupon", "amount"}, "{\"amount\":\"0\",\"currency\":\"EUR\"}",
        "/coupon/amount/amount"},
    {"delay_apology", {"items"}, "[{\"name\":\"Cup\",\"quantity\":-1}]", "/items/0/quantity"},
};

static void absurd_numbers_are_refused(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    for (size_t i = 0; i < COUNT_OF(absurd); i++) {
        AUTO(mail_close) struct mail *mail = compile_mail(m, absurd[i].name, "en");
        AUTO(arena_close) struct arena *a = arena_open();
        AUTO(js_close) struct js *data = read_data(arena_printf(a, "%s.json", absurd[i].name));
        struct js *at = absurd[i].path[1] ? js_get(data, absurd[i].path[0]) : data;
        struct faults faults;
        js_set(at, absurd[i].path[1] ? absurd[i].path[1] : absurd[i].path[0],
            parse_json(absurd[i].value));
        faults_init(&faults, a);
        mail_check(mail, data, STR(""), &faults);
        assert_int_equal(faults.n, *absurd[i].pointer != 0);
        if (faults.n > 0)
            assert_string_equal(faults.first->pointer, absurd[i].pointer);
    }
}

static void an_unknown_mail_is_told_the_known_ones(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    AUTO(buf_close) struct buf bundle = {0};
    struct brand brand = test_brand();
    struct err e;
    assert_false(mails_bundle(m, "ship", "en", &brand, &bundle, &e));
    assert_int_equal(e.code, ERR_MISSING);
    assert_string_equal(
        e.text, "there is no mail named ship; there are: delay_apology, refund, shipping_notice");
}

static void a_missing_variable_is_an_error_even_unchecked(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    AUTO(mail_close) struct mail *mail = compile_mail(m, "refund", "en");
    AUTO(js_close)
    struct js *data =
        parse_json("{\"order\":{\"number\":\"1\"},\"refund\":{\"amount\":{\"amount\":\"1\","
                   "\"currency\":\"EUR\"}}}");
    AUTO(mail_parts_close) struct mail_parts parts = {0};
    const struct mail_links links = {STR("")};
    struct err e;
    assert_false(mail_render(mail, data, &links, &parts, &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.text, "refund.method is absent"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mail_is_on_the_shelf),
        cmocka_unit_test(every_mail_renders_in_every_locale),
        cmocka_unit_test(a_packed_mail_unpacks_to_the_same_bytes_and_is_small),
        cmocka_unit_test(texts_say_what_the_data_says),
        cmocka_unit_test(html_escapes_what_subject_and_text_do_not),
        cmocka_unit_test(a_link_to_leave_shows_where_the_stream_has_one),
        cmocka_unit_test(a_line_break_in_data_cannot_reach_the_subject),
        cmocka_unit_test(absurd_numbers_are_refused),
        cmocka_unit_test(an_unknown_mail_is_told_the_known_ones),
        cmocka_unit_test(a_missing_variable_is_an_error_even_unchecked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
