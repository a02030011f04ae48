/* address: what people type into an order form, and what must never pass. */
#include "mailer/mime/address.h"
#include "tests/base/expect.h"

static const struct {
    const char *name, *text, *display, *local, *domain, *spec;
} mailboxes[] = {
    {"a_plain_address", "anna@shop.example", "", "anna", "shop.example", "anna@shop.example"},
    {"spaces_around", "  anna@shop.example ", "", "anna", "shop.example", "anna@shop.example"},
    {"brackets_alone", "<anna@shop.example>", "", "anna", "shop.example", "anna@shop.example"},
    {"a_name", "Anna Berg <anna@shop.example>", "Anna Berg", "anna", "shop.example",
        "anna@shop.example"},
    {"a_quoted_name", "\"Berg, Anna\" <anna@shop.example>", "Berg, Anna", "anna", "shop.example",
        "anna@shop.example"},
    {"escapes_in_a_quoted_name", "\"A \\\"B\\\" \\\\C\" <a@b.example>", "A \"B\" \\C", "a",
        "b.example", "a@b.example"},
    {"a_bracket_in_a_quoted_name", "\"a <x@y>\" <a@b.example>", "a <x@y>", "a", "b.example",
        "a@b.example"},
    {"a_name_with_a_dot", "Shop Inc. <a@b.example>", "Shop Inc.", "a", "b.example", "a@b.example"},
    {"an_apostrophe_and_ampersand", "O'Neil & Sons <a@b.example>", "O'Neil & Sons", "a",
        "b.example", "a@b.example"},
    {"a_german_name", "Jürgen Groß <j@b.example>", "Jürgen Groß", "j", "b.example", "j@b.example"},
    {"a_chinese_name", "顾客服务 <a@b.example>", "顾客服务", "a", "b.example", "a@b.example"},
    {"an_encoded_word_is_just_text", "=?utf-8?q?x?= <a@b.example>", "=?utf-8?q?x?=", "a",
        "b.example", "a@b.example"},
    {"the_case_of_the_local_part_stays", "Anna.B@Shop.EXAMPLE", "", "Anna.B", "shop.example",
        "Anna.B@shop.example"},
    {"a_plus_and_odd_atoms", "a+b!#$%&'*/=?^_`{|}~-@b.example", "", "a+b!#$%&'*/=?^_`{|}~-",
        "b.example", "a+b!#$%&'*/=?^_`{|}~-@b.example"},
    {"needless_quotes_go", "\"anna\"@b.example", "", "anna", "b.example", "anna@b.example"},
    {"needed_quotes_stay", "\"anna b\"@b.example", "", "\"anna b\"", "b.example",
        "\"anna b\"@b.example"},
    {"an_at_in_quotes", "\"a@b\"@c.example", "", "\"a@b\"", "c.example", "\"a@b\"@c.example"},
    {"escapes_in_quotes_are_normal_after", "\"a\\b\\\"\"@c.example", "", "\"ab\\\"\"", "c.example",
        "\"ab\\\"\"@c.example"},
    {"an_idn", "a@müller.example", "", "a", "xn--mller-kva.example", "a@xn--mller-kva.example"},
    {"an_idn_in_capitals", "a@MÜLLER.example", "", "a", "xn--mller-kva.example",
        "a@xn--mller-kva.example"},
    {"a_sharp_s_is_kept", "a@straße.example", "", "a", "xn--strae-oqa.example",
        "a@xn--strae-oqa.example"},
    {"a_wide_dot_and_japanese", "a@例え。テスト", "", "a", "xn--r8jz45g.xn--zckzah",
        "a@xn--r8jz45g.xn--zckzah"},
    {"an_a_label", "a@XN--mller-kva.example", "", "a", "xn--mller-kva.example",
        "a@xn--mller-kva.example"},
    {"one_label", "a@localhost", "", "a", "localhost", "a@localhost"},
    {"digits_and_hyphens", "1@3-4.r3---sn.example", "", "1", "3-4.r3---sn.example",
        "1@3-4.r3---sn.example"},
};

static void mailboxes_are_read(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();

    (void)state;
    EACH(c, mailboxes)
    {
        struct address got;
        struct err e = {0};

        if (!address_parse(str_of(c->text), a, &got, &e))
            fail_msg("%s: %s", c->name, e.text);
        expect_str(c->name, got.display, str_of(c->display));
        expect_str(c->name, got.local, str_of(c->local));
        expect_str(c->name, got.domain, str_of(c->domain));
        expect_str(c->name, got.spec, str_of(c->spec));
    }
}

static const struct {
    const char *name;
    struct str text;
    const char *reason;
} refusals[] = {
    {"nothing", STR(""), "empty"},
    {"only_spaces", STR("  "), "empty"},
    {"no_at", STR("anna"), "no \"@\""},
    {"two_at", STR("a@b@c.example"), "more than one \"@\""},
    {"two_addresses", STR("a@b.example, c@d.example"), "more than one address"},
    {"two_with_a_semicolon", STR("a@b.example; c@d.example"), "more than one address"},
    {"two_in_brackets", STR("A <a@b.example>, B <c@d.example>"), "more than one address"},
    {"two_brackets", STR("A <a@b.example> <c@d.example>"), "at the end"},
    {"a_group", STR("Team: a@b.example, c@d.example;"), "group"},
    {"an_empty_local_part", STR("@b.example"), "before \"@\" is missing"},
    {"a_leading_dot", STR(".a@b.example"), "misplaced dot"},
    {"a_trailing_dot", STR("a.@b.example"), "misplaced dot"},
    {"two_dots", STR("a..b@c.example"), "misplaced dot"},
    {"a_space_in_the_local_part", STR("a b@c.example"), "space"},
    {"a_comment", STR("a(x)@b.example"), "quoted"},
    {"a_comment_in_the_name", STR("A (x) <a@b.example>"), "double quotes"},
    {"a_comma_in_the_name", STR("Berg, A <a@b.example>"), "double quotes"},
    {"an_open_quote_in_the_name", STR("\"A <a@b.example>"), "\"@\""},
    {"an_open_quote_before_the_at", STR("\"a@b.example"), "\"@\""},
    {"text_after_the_bracket", STR("A <a@b.example> x"), "at the end"},
    {"an_open_bracket", STR("A <a@b.example"), "at the end"},
    {"an_umlaut_before_the_at", STR("müller@b.example"), "outside ASCII"},
    {"an_ip_literal", STR("a@[192.0.2.1]"), "literal"},
    {"an_ip_address", STR("a@192.0.2.1"), "number"},
    {"no_domain", STR("a@"), "domain is missing"},
    {"an_underscore", STR("a@b_c.example"), "letters, digits"},
    {"a_space_in_the_domain", STR("a@b c.example"), "letters, digits"},
    {"a_dot_at_the_end", STR("a@b.example."), "empty label"},
    {"a_dot_at_the_beginning", STR("a@.example"), "empty label"},
    {"a_hyphen_first", STR("a@-b.example"), "hyphen"},
    {"a_hyphen_last", STR("a@b-.example"), "hyphen"},
    {"a_broken_a_label", STR("a@xn--a.example"), "international"},
    {"a_line_break", STR("a@b.example\r\nBcc: x@y.example"), "line break"},
    {"a_line_feed_in_the_name", STR("A\nB <a@b.example>"), "line break"},
    {"a_nul", STR("a\0@b.example"), "control"},
    {"a_tab", STR("A\tB <a@b.example>"), "control"},
    {"a_c1_control",
        STR("A\xc2\x85"
            "B <a@b.example>"),
        "control"},
    {"broken_utf8", STR("A\xff <a@b.example>"), "UTF-8"},
    {"a_slash_in_the_domain", STR("a@b/c.example"), "letters, digits"},
    {"a_slash_from_full_width", STR("a@b／c.example"), ""},
};

static void others_are_refused_with_a_reason(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();

    (void)state;
    EACH(c, refusals)
    {
        struct address got;
        struct err e = {0};

        expect(c->name, !address_parse(c->text, a, &got, &e), "a refusal");
        expect_int(c->name, e.code, ERR_INPUT);
        expect_in(c->name, str_of(e.text), c->reason);
    }
}

static bool parses(struct arena *a, size_t local, size_t label, size_t labels)
{
    AUTO(buf_close) struct buf text = {0};
    struct address got;
    struct err e;

    for (size_t i = 0; i < local; i++)
        buf_add_char(&text, 'a');
    buf_add_char(&text, '@');
    for (size_t n = 0; n < labels; n++) {
        for (size_t i = 0; i < label; i++)
            buf_add_char(&text, 'b');
        if (n + 1 < labels)
            buf_add_char(&text, '.');
    }
    return address_parse(buf_str(&text), a, &got, &e);
}

static void lengths_end_where_the_standards_say(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();

    (void)state;
    expect("local part of 64", parses(a, 64, 5, 2), "acceptance");
    expect("local part of 65", !parses(a, 65, 5, 2), "a refusal");
    expect("label of 63", parses(a, 1, 63, 2), "acceptance");
    expect("label of 64", !parses(a, 1, 64, 2), "a refusal");
    expect("address of 253 with its domain", parses(a, 2, 49, 5), "acceptance");
    expect("domain of 253 leaves no room for a path", !parses(a, 2, 126, 2), "a refusal");
    expect("address above 254", !parses(a, 60, 49, 4), "a refusal");
}

static void a_domain_for_people_is_the_same_domain(void **state)
{
    static const struct {
        const char *domain, *shown;
    } table[] = {
        {"shop.example", "shop.example"},
        {"xn--bcher-kva.example", "b\xc3\xbc"
                                  "cher.example"},
        {"orders.xn--fiqs8s", "orders.\xe4\xb8\xad\xe5\x9b\xbd"},
        {"xn--a.example", "xn--a.example"},         /* no valid A-label */
        {"xn--shop-.example", "xn--shop-.example"}, /* what it stands for is ASCII already */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        AUTO(arena_close) struct arena *a = arena_open();
        struct str shown = address_domain_for_people(str_of(table[i].domain), a);
        assert_string_equal(arena_text(a, shown), table[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_for_people_is_the_same_domain),
        cmocka_unit_test(mailboxes_are_read),
        cmocka_unit_test(others_are_refused_with_a_reason),
        cmocka_unit_test(lengths_end_where_the_standards_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
