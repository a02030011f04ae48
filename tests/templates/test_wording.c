/* What the shipped mails say where data is partly there: arrivals, prices, signers, footers. */
#include "tests/templates/shelf_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void render_with(const char *name, const char *locale, const struct js *data,
    const struct brand *brand, struct mail_parts *out)
{
    AUTO(mails_close) struct mails *m = open_shelf();
    AUTO(buf_close) struct buf bundle = {0};
    AUTO(mail_close) struct mail *mail = NULL;
    struct err e;
    if (!mails_bundle(m, name, locale, brand, &bundle, &e) ||
        !mail_compile(buf_str(&bundle), &mail, &e))
        fail_msg("%s", e.text);
    render_mail(mail, data, NULL, out);
}

static void render(
    const char *name, const char *locale, const struct js *data, struct mail_parts *out)
{
    struct brand brand = test_brand();
    render_with(name, locale, data, &brand, out);
}

static void expect(const char *what, const char *text, const char *wanted, bool there)
{
    if ((strstr(text, wanted) != NULL) != there)
        fail_msg("%s: \"%s\" is %s in:\n%s", what, wanted, there ? "not" : "still", text);
}

static const struct {
    const char *what, *locale, *delivery, *says; /* "" = nothing of it */
} arrivals[] = {
    {"two_days", "de", "{\"earliest\":\"2026-11-24\",\"latest\":\"2026-11-27\"}",
        "voraussichtlich zwischen dem 24. November 2026 und dem 27. November 2026 bei Ihnen an."},
    {"one_day", "de", "{\"earliest\":\"2026-11-24\",\"latest\":\"2026-11-24\"}",
        "voraussichtlich am 24. November 2026 bei Ihnen an."},
    {"one_day_in_english", "en", "{\"earliest\":\"2026-11-24\",\"latest\":\"2026-11-24\"}",
        "It should reach you on November 24, 2026."},
    {"one_day_written_twice", "en",
        "{\"earliest\":\"2026-11-24\",\"latest\":\"2026-11-24T18:00:00+01:00\"}",
        "It should reach you on November 24, 2026."},
    {"the_latest_alone", "en", "{\"latest\":\"2026-11-24\"}",
        "It should reach you by November 24, 2026."},
    {"the_earliest_alone", "en", "{\"earliest\":\"2026-11-24\"}",
        "It should reach you from November 24, 2026 on."},
    {"the_earliest_alone_in_german", "de", "{\"earliest\":\"2026-11-24\",\"latest\":null}",
        "voraussichtlich ab dem 24. November 2026 bei Ihnen an."},
    {"no_day", "en", "null", ""},
};

static void arrivals_are_told_as_far_as_they_are_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(arrivals); i++) {
        AUTO(js_close) struct js *data = read_data("shipping_notice.json");
        AUTO(mail_parts_close) struct mail_parts parts = {0};
        bool told = arrivals[i].says[0];
        js_set(data, "delivery", parse_json(arrivals[i].delivery));
        render("shipping_notice", arrivals[i].locale, data, &parts);
        const char *wanted = told ? arrivals[i].says : "reach you";
        expect(arrivals[i].what, buf_text(&parts.text), wanted, told);
        expect(arrivals[i].what, buf_text(&parts.html), wanted, told);
    }
}

static void prices_are_those_of_one_piece(void **state)
{
    (void)state;
    AUTO(js_close) struct js *data = read_data("shipping_notice.json");
    AUTO(mail_parts_close) struct mail_parts en = {0}, de = {0};
    render("shipping_notice", "en", data, &en);
    render("shipping_notice", "de", data, &de);
    expect("text", buf_text(&en.text), "- 2 × Linen shirt (Blue, M), €59.90 each\n", true);
    expect("text", buf_text(&en.text), "- 1 × Sticker set (gift)\n", true);
    expect("html", buf_text(&en.html), ">Unit price</th>", true);
    expect("text", buf_text(&de.text), "- 2 × Linen shirt (Blue, M), je 59,90\xc2\xa0€\n", true);
    expect("html", buf_text(&de.html), ">Einzelpreis</th>", true);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

static void a_column_that_would_be_empty_is_left_out(void **state)
{
    (void)state;
    AUTO(js_close) struct js *data = read_data("shipping_notice.json");
    AUTO(mail_parts_close) struct mail_parts with = {0}, without = {0};
    render("shipping_notice", "de", data, &with);
    js_set(data, "items",
        parse_json("[{\"name\":\"A\",\"quantity\":1},{\"name\":\"B\",\"quantity\":2,\"price\":"
                   "null}]"));
    render("shipping_notice", "de", data, &without);
    expect("html", buf_text(&without.html), "preis", false);
    assert_int_equal(count(buf_text(&with.html), "class=\"ink rule\""), 9);
    assert_int_equal(count(buf_text(&without.html), "class=\"ink rule\""), 4);
    assert_int_equal(count(buf_text(&without.html), "scope=\"col\""), 2);
}

static void both_parts_say_what_the_list_is(void **state)
{
    (void)state;
    AUTO(js_close) struct js *data = read_data("shipping_notice.json");
    AUTO(mail_parts_close) struct mail_parts parts = {0};
    render("shipping_notice", "en", data, &parts);
    expect("text", buf_text(&parts.text), "In this parcel:", true);
    expect("html", buf_text(&parts.html), "In this parcel:", true);
}

static const struct {
    const char *locale, *signed_with, *signed_new, *team, *team_new;
} signers[] = {
    {"en", "I am sorry: your order", "and I understand", "We are sorry: your order",
        "and we understand"},
    {"de", "es tut mir leid: Ihre", "und ich verstehe", "es tut uns leid: Ihre",
        "und wir verstehen"},
};

static void a_person_says_i_and_a_team_we(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(signers); i++)
        for (int has_signer = 0; has_signer < 2; has_signer++) {
            AUTO(js_close) struct js *data = read_data("delay_apology.json");
            AUTO(mail_parts_close) struct mail_parts parts = {0};
            if (!has_signer)
                js_set(data, "signer", js_new_null());
            render("delay_apology", signers[i].locale, data, &parts);
            const char *const shown[] = {buf_text(&parts.html), buf_text(&parts.text)};
            for (size_t k = 0; k < 2; k++) {
                expect("I", shown[k], signers[i].signed_with, has_signer);
                expect("I", shown[k], signers[i].signed_new, has_signer);
                expect("we", shown[k], signers[i].team, !has_signer);
                expect("we", shown[k], signers[i].team_new, !has_signer);
            }
        }
}

/* 16 CFR 435: the way out is as easy to see as the way on. */
static void cancelling_is_a_button_beside_the_other(void **state)
{
    (void)state;
    static const char *const data_files[] = {"delay_apology.json", "delay_apology.least.json"};
    for (size_t i = 0; i < 2; i++) {
        AUTO(js_close) struct js *data = read_data(data_files[i]);
        AUTO(mail_parts_close) struct mail_parts parts = {0};
        render("delay_apology", "en", data, &parts);
        assert_int_equal(count(buf_text(&parts.html), "style=\"display:inline-block;"), i + 1);
        expect("label", buf_text(&parts.html), ">Cancel the order</a>", true);
    }
}

static const struct {
    const char *name, *address;
    const char *text, *html; /* behind the line that begins the footer, and in its paragraph */
} footers[] = {
    {"Nordwind", "Nordwind GmbH, Hafen 3", "-- \nNordwind GmbH, Hafen 3\n",
        ">Nordwind GmbH, Hafen 3</p>"},
    {"nordwind", "Nordwind", "-- \nNordwind\n", ">Nordwind</p>"},
    {"Nordwind", "Hafen 3, Hamburg", "-- \nNordwind\nHafen 3, Hamburg\n",
        ">Nordwind &middot; Hafen 3, Hamburg</p>"},
    {"Nord", "Nordwind GmbH, Hafen 3", "-- \nNord\nNordwind GmbH, Hafen 3\n",
        ">Nord &middot; Nordwind GmbH, Hafen 3</p>"},
    {"Nordwind", "", "-- \nNordwind\n", ">Nordwind</p>"},
    {"", "Hafen 3", "-- \nHafen 3\n", ">Hafen 3</p>"},
};

static void the_footer_says_the_name_once(void **state)
{
    (void)state;
    AUTO(js_close) struct js *data = read_data("refund.json");
    for (size_t i = 0; i < COUNT_OF(footers); i++) {
        AUTO(mail_parts_close) struct mail_parts parts = {0};
        struct brand brand = test_brand();
        brand.name = footers[i].name;
        brand.postal_address = footers[i].address;
        render_with("refund", "en", data, &brand, &parts);
        expect("text", buf_text(&parts.text), footers[i].text, true);
        expect("html", buf_text(&parts.html), footers[i].html, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrivals_are_told_as_far_as_they_are_known),
        cmocka_unit_test(prices_are_those_of_one_piece),
        cmocka_unit_test(a_column_that_would_be_empty_is_left_out),
        cmocka_unit_test(both_parts_say_what_the_list_is),
        cmocka_unit_test(a_person_says_i_and_a_team_we),
        cmocka_unit_test(cancelling_is_a_button_beside_the_other),
        cmocka_unit_test(the_footer_says_the_name_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
