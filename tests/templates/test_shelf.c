/* Template folders: what is found where, and what is refused with the name of the file. */
#include "tests/templates/shelf_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

/* A shelf with one small mail, "hello", in English and French. */
static void make_shelf(struct folder *f)
{
    folder_open(f);
    folder_make(f, "mails");
    folder_make(f, "mails/hello");
    folder_make(f, "mails/partials");
    folder_make(f, "locales");
    write_file(f->path, "mails/hello/mail.json",
        "{\"stream\":\"marketing\",\"events\":[\"a\",\"b\"],\"variables\":{\"who\":{\"type\":"
        "\"text\"},\"n\":{\"type\":\"integer\"}}}");
    write_file(f->path, "mails/hello/subject.mustache", "{{t.hi}}\n");
    write_file(f->path, "mails/hello/preheader.mustache", "{{who}}\n");
    write_file(f->path, "mails/hello/html.mustache", "<p>{{t.hi}} {{{t.bold}}} {{>sign}}</p>\n");
    write_file(f->path, "mails/hello/text.mustache", "{{t.count}}\n");
    write_file(f->path, "mails/partials/sign.mustache", "{{brand.name}}");
    write_file(f->path, "locales/en.json",
        "{\"hi\":\"Hi {{who}} & "
        "all\",\"bold\":\"<b>{{who}}</b>\",\"count\":{\"plural\":\"n\",\"one\":\"{{n}} "
        "cat\",\"other\":\"{{n}} cats\"}}");
    write_file(f->path, "locales/fr.json",
        "{\"hi\":\"Salut "
        "{{who}}\",\"bold\":\"<b>{{who}}</b>\",\"count\":{\"plural\":\"n\",\"one\":\"{{n}} "
        "chat\",\"many\":\"{{n}} de chats\","
        "\"other\":\"{{n}} chats\"}}");
}

static bool try_open(const struct folder *f, struct mails **m, struct err *e)
{
    const char *const dirs[] = {f->path};
    return mails_open(dirs, 1, m, e);
}

static void a_small_shelf_renders(void **state)
{
    (void)state;
    AUTO(folder_remove) struct folder f;
    make_shelf(&f);
    AUTO(mails_close) struct mails *m = NULL;
    struct err e;
    if (!try_open(&f, &m, &e))
        fail_msg("%s", e.text);
    struct mail_info info;
    assert_true(mails_info(m, "hello", &info));
    assert_string_equal(info.stream, "marketing");
    assert_string_equal(info.events, "a b");
    AUTO(mail_close) struct mail *mail = compile_mail(m, "hello", "fr");
    AUTO(mail_close) struct mail *english = compile_mail(m, "hello", "en");
    AUTO(js_close) struct js *data = parse_json("{\"who\":\"A<B\",\"n\":1000000}");
    AUTO(mail_parts_close) struct mail_parts fr = {0}, en = {0};
    render_mail(mail, data, NULL, &fr);
    render_mail(english, data, NULL, &en);
    assert_string_equal(buf_text(&fr.text), "1\xc2\xa0"
                                            "000\xc2\xa0"
                                            "000 de chats\n");
    assert_string_equal(buf_text(&en.text), "1,000,000 cats\n");
    assert_string_equal(buf_text(&en.subject), "Hi A<B & all");
    /* the text of a catalog is escaped with what it holds; a raw one escapes what it holds all the same */
    assert_string_equal(buf_text(&en.html), "<p>Hi A&lt;B &amp; all <b>A&lt;B</b> Nordwind</p>\n");
}

static const struct {
    const char *name, *file, *text;
    const char *says[2];
} broken[] = {
    {"a_key_that_one_locale_lacks", "locales/fr.json", "{\"hi\":\"x\",\"count\":\"y\"}",
        {"fr.json has no text \"bold\"", "mails/hello/html.mustache, line 1"}},
    {"a_key_that_no_locale_has", "mails/hello/text.mustache", "a\n{{t.nope}}",
        {"has no text \"nope\"", "text.mustache, line 2"}},
    {"a_key_that_only_a_text_uses", "locales/en.json",
        "{\"hi\":\"{{t.more}}\",\"bold\":\"\",\"count\":\"\"}",
        {"has no text \"more\", used by ", "locales/en.json, \"hi\""}},
    {"a_variable_that_is_not_declared", "mails/hello/html.mustache", "\n\n{{whom}}",
        {"mails/hello/html.mustache, line 3: \"whom\" is not declared by mail hello", "/tmp/"}},
    {"a_section_that_is_not_declared", "mails/hello/html.mustache", "{{#whom}}{{/whom}}",
        {"\"whom\" is not declared", ""}},
    {"a_variable_of_a_text_that_is_not_declared", "locales/en.json",
        "{\"hi\":\"{{whom}}\",\"bold\":\"\",\"count\":\"\"}",
        {"/locales/en.json, \"hi\": \"whom\" is not declared by mail hello", ""}},
    {"a_variable_of_one_language_alone", "locales/fr.json",
        "{\"hi\":\"\",\"bold\":\"{{whom}}\",\"count\":\"\"}",
        {"/locales/fr.json, \"bold\": \"whom\" is not declared by mail hello", ""}},
    {"a_variable_of_a_partial", "mails/partials/sign.mustache", "\n{{whom}}",
        {"/mails/partials/sign.mustache, line 2: \"whom\" is not declared by mail hello", ""}},
    {"what_a_marketing_mail_shows", "mails/partials/sign.mustache",
        "{{#mail.is_marketing}}{{whom}}{{/mail.is_marketing}}", {"\"whom\" is not declared", ""}},
    {"what_follows_a_section_that_is_passed", "mails/partials/sign.mustache",
        "{{^mail.is_marketing}}{{who}}{{/mail.is_marketing}}{{whom}}",
        {"\"whom\" is not declared", ""}},
    {"a_question_whether_a_text_has_members", "mails/hello/html.mustache",
        "{{#has.who}}{{/has.who}}", {"\"has.who\" is not declared", ""}},
    {"a_question_about_members_of_a_text", "mails/hello/html.mustache",
        "{{#some.who.n}}{{/some.who.n}}", {"\"some.who.n\" is not declared", ""}},
    {"a_question_about_days_that_are_not_there", "mails/hello/html.mustache",
        "{{#same.who.a.b}}{{/same.who.a.b}}", {"\"same.who.a.b\" is not declared", ""}},
    {"a_catalog_with_an_underscore", "locales/fr_CA.json", "{}",
        {"/locales/fr_CA.json: a catalog is named by its language as in BCP 47", "fr-CA.json"}},
    {"a_partial_that_is_not_there", "mails/hello/html.mustache", "{{>sing}}",
        {"html.mustache, line 1: \"sing\" is no partial", ""}},
    {"a_part_that_does_not_compile", "mails/hello/subject.mustache", "{{#a}}",
        {"mails/hello/subject.mustache, line 1: never closed", ""}},
    {"a_partial_that_does_not_compile", "mails/partials/sign.mustache", "\n{{",
        {"mails/partials/sign.mustache, line 2", ""}},
    {"a_text_that_does_not_compile", "locales/en.json", "{\"hi\":\"{{who\"}",
        {"locales/en.json, \"hi\", line 1: ", ""}},
    {"plural_forms_that_are_missing", "locales/fr.json",
        "{\"hi\":\"\",\"bold\":\"\",\"count\":{\"plural\":\"n\",\"one\":\"\",\"other\":\"\"}}",
        {"fr.json, \"count\" must have the plural forms", "many"}},
    {"plural_forms_that_the_language_has_not", "locales/en.json",
        "{\"hi\":\"\",\"bold\":\"\",\"count\":{\"plural\":\"n\",\"few\":\"\",\"one\":\"\","
        "\"other\":\"\"}}",
        {"\"count\" must have the plural forms", "one"}},
    {"plural_forms_without_their_variable", "locales/en.json",
        "{\"hi\":\"\",\"bold\":\"\",\"count\":{\"one\":\"\",\"other\":\"\"}}",
        {"\"count\" needs \"plural\"", ""}},
    {"a_plural_variable_that_is_not_declared", "locales/en.json",
        "{\"hi\":\"\",\"bold\":\"\",\"count\":{\"plural\":\"m\",\"one\":\"\",\"other\":\"\"}}",
        {"\"m\" is not declared", ""}},
    {"a_locale_that_nobody_knows", "locales/xx.json", "{}", {"xx.json: no plural rules", ""}},
    {"a_catalog_that_is_no_json", "locales/en.json", "{\"hi\":}", {"locales/en.json", "line 1"}},
    {"a_catalog_with_a_key_twice", "locales/en.json", "{\"hi\":\"\",\"hi\":\"\"}",
        {"locales/en.json", ""}},
    {"a_mail_without_a_stream", "mails/hello/mail.json", "{\"variables\":{}}",
        {"mails/hello/mail.json: \"stream\" must be", ""}},
    {"a_mail_with_an_unknown_member", "mails/hello/mail.json",
        "{\"stream\":\"marketing\",\"variables\":{},\"steam\":1}",
        {"\"steam\" is not known", "mail.json"}},
    {"a_mail_with_wrong_events", "mails/hello/mail.json",
        "{\"stream\":\"marketing\",\"variables\":{},\"events\":[\"a b\"]}",
        {"\"events\" must be a list of words", ""}},
    {"a_declaration_without_sense", "mails/hello/mail.json",
        "{\"stream\":\"marketing\",\"variables\":{\"who\":{\"type\":\"txt\"}}}",
        {"mails/hello/mail.json: variable \"who\"", ""}},
    {"a_file_that_is_not_utf8", "mails/hello/text.mustache", "\xff",
        {"text.mustache is not UTF-8", ""}},
};

static void faults_name_their_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        AUTO(folder_remove) struct folder f;
        AUTO(mails_close) struct mails *m = NULL;
        struct err e = {0};
        make_shelf(&f);
        write_file(f.path, broken[i].file, broken[i].text);
        bool ok = try_open(&f, &m, &e);
        if (ok || !strstr(e.text, broken[i].says[0]) || !strstr(e.text, broken[i].says[1]) ||
            e.code != ERR_INPUT)
            fail_msg("%s: %s", broken[i].name, ok ? "opened" : e.text);
    }
}

static void a_missing_part_names_its_path(void **state)
{
    (void)state;
    AUTO(folder_remove) struct folder f;
    AUTO(mails_close) struct mails *m = NULL;
    char path[128];
    struct err e;
    make_shelf(&f);
    snprintf(path, sizeof path, "%s/mails/hello/text.mustache", f.path);
    unlink(path);
    assert_false(try_open(&f, &m, &e));
    assert_int_equal(e.code, ERR_MISSING);
    assert_non_null(strstr(e.text, "hello/text.mustache"));
}

static void an_empty_folder_is_no_shelf(void **state)
{
    (void)state;
    const char *const dirs[] = {"/nonexistent"};
    struct mails *m = NULL;
    struct err e;
    assert_false(mails_open(dirs, 1, &m, &e));
    assert_int_equal(e.code, ERR_MISSING);
}

/* Passed over, it would put the house's mails in the place of the shop's own. */
static void an_own_folder_of_another_name_is_refused(void **state)
{
    (void)state;
    AUTO(folder_remove) struct folder house = {""};
    char inside[128], absent[128];
    make_shelf(&house);
    snprintf(inside, sizeof inside, "%s/mails/hello", house.path);
    snprintf(absent, sizeof absent, "%s/absent", house.path);
    const char *const table[] = {absent, inside};
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const char *const dirs[] = {table[i], house.path};
        struct mails *m = NULL;
        struct err e = {0};
        assert_false(mails_open(dirs, 2, &m, &e));
        assert_int_equal(e.code, ERR_MISSING);
        assert_non_null(strstr(e.text, table[i]));
        assert_non_null(strstr(e.text, "is no folder with mails/ or locales/ in it"));
    }
}

static void the_first_of_several_folders_wins(void **state)
{
    (void)state;
    struct folder own AUTO(folder_remove), house;
    make_shelf(&own);
    make_shelf(&house);
    folder_make(&house, "mails/other");
    write_file(
        house.path, "mails/other/mail.json", "{\"stream\":\"transactional\",\"variables\":{}}");
    write_file(house.path, "mails/other/subject.mustache", "other");
    write_file(house.path, "mails/other/preheader.mustache", "");
    write_file(house.path, "mails/other/html.mustache", "");
    write_file(house.path, "mails/other/text.mustache", "");
    write_file(own.path, "mails/partials/sign.mustache", "own sign");
    write_file(own.path, "locales/en.json",
        "{\"hi\":\"own hi {{who}}\"}"); /* the rest comes from the house */
    write_file(own.path, "locales/fr.json", "{}");
    const char *const dirs[] = {own.path, house.path};
    AUTO(mails_close) struct mails *m = NULL;
    struct err e;
    if (!mails_open(dirs, 2, &m, &e))
        fail_msg("%s", e.text);
    assert_int_equal(mails_count(m), 2);
    AUTO(mail_close) struct mail *mail = compile_mail(m, "hello", "en");
    AUTO(js_close) struct js *data = parse_json("{\"who\":\"you\",\"n\":1}");
    AUTO(mail_parts_close) struct mail_parts parts = {0};
    render_mail(mail, data, NULL, &parts);
    assert_string_equal(buf_text(&parts.subject), "own hi you");
    assert_string_equal(buf_text(&parts.text), "1 cat\n");
    assert_non_null(strstr(buf_text(&parts.html), "own sign"));
}

/* The own folder has the language, the house the text with the fault; and the other way round. */
static void faults_name_the_file_that_holds_the_text(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        AUTO(folder_remove) struct folder own = {""}, house = {""};
        AUTO(mails_close) struct mails *m = NULL;
        struct err e = {0};
        char expected[160];
        make_shelf(&own);
        make_shelf(&house);
        write_file(own.path, "locales/fr.json",
            i ? "{\"hi\":\"Salut\"}" : "{\"hi\":\"Salut\",\"bold\":\"{{nom}}\"}");
        write_file(
            house.path, "locales/fr.json", "{\"hi\":\"\",\"bold\":\"{{nom}}\",\"count\":\"\"}");
        const char *const dirs[] = {own.path, house.path};
        snprintf(expected, sizeof expected,
            "%s/locales/fr.json, \"bold\": \"nom\" is not declared by mail hello",
            i ? house.path : own.path);
        assert_false(mails_open(dirs, 2, &m, &e));
        assert_string_equal(e.text, expected);
    }
}

/* What only the other stream shows asks nothing of a mail. */
static void a_section_for_the_other_stream_asks_nothing(void **state)
{
    (void)state;
    AUTO(folder_remove) struct folder f = {""};
    AUTO(mails_close) struct mails *m = NULL;
    struct err e = {0};
    make_shelf(&f);
    write_file(f.path, "mails/partials/sign.mustache",
        "{{^mail.is_marketing}}{{#whom}}{{t.nope}}{{>none}}{{/whom}}{{/mail.is_marketing}}"
        "{{#mail.is_marketing}}bye {{who}}{{/mail.is_marketing}}");
    if (!try_open(&f, &m, &e))
        fail_msg("%s", e.text);
    AUTO(mail_close) struct mail *mail = compile_mail(m, "hello", "en");
    AUTO(js_close) struct js *data = parse_json("{\"who\":\"you\",\"n\":1}");
    AUTO(mail_parts_close) struct mail_parts parts = {0};
    render_mail(mail, data, NULL, &parts);
    assert_non_null(strstr(buf_text(&parts.html), "bye you"));
}

/* Region and script of what is asked, as far as the catalog's texts bear them. */
static void a_region_is_kept_within_the_script_of_the_catalog(void **state)
{
    (void)state;
    static const struct {
        const char *wanted, *expected;
    } cases[] = {{"sr-RS", "sr"}, {"sr-BA", "sr-Cyrl-BA"}, {"sr-Latn-RS", "sr"}, {"sr-Latn", "sr"},
        {"zh-TW", "zh-TW"}, {"zh-Hant-TW", "en"}, {"fr-CA", "fr-CA"}, {"fr-XX", "fr"}};
    AUTO(folder_remove) struct folder f = {""};
    AUTO(mails_close) struct mails *m = NULL;
    struct err e;
    make_shelf(&f);
    write_file(f.path, "locales/sr.json", "{\"hi\":\"\",\"bold\":\"\",\"count\":\"\"}");
    write_file(f.path, "locales/zh-TW.json", "{\"hi\":\"\",\"bold\":\"\",\"count\":\"\"}");
    if (!try_open(&f, &m, &e))
        fail_msg("%s", e.text);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *locale = mails_locale(m, str_of(cases[i].wanted), STR("en"));
        if (strcmp(locale, cases[i].expected) != 0)
            fail_msg("%s: %s", cases[i].wanted, locale);
        AUTO(mail_close) struct mail *mail = compile_mail(m, "hello", locale);
        assert_string_equal(mail_locale(mail), locale); /* asked for again, it is the same */
    }
}

/* Of another mail's texts nothing goes into a bundle, so its hash stands when they change. */
static void what_a_mail_does_not_use_does_not_change_its_bundle(void **state)
{
    (void)state;
    AUTO(folder_remove) struct folder f;
    AUTO(buf_close)
    struct buf before = {0}, after = {0}, changed = {0};
    struct brand brand = test_brand();
    struct err e;
    make_shelf(&f);
    for (int i = 0; i < 3; i++) {
        AUTO(mails_close) struct mails *m = NULL;
        assert_true(try_open(&f, &m, &e));
        assert_true(mails_bundle(m, "hello", "en", &brand,
            i == 0   ? &before
            : i == 1 ? &after
                     : &changed,
            &e));
        write_file(f.path, "mails/partials/unused.mustache", "new");
        if (i == 1)
            write_file(f.path, "mails/partials/sign.mustache", "new");
    }
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
    assert_false(str_eq(buf_str(&before), buf_str(&changed)));
}

static void the_order_of_members_in_a_file_does_not_matter(void **state)
{
    (void)state;
    AUTO(folder_remove) struct folder f;
    AUTO(buf_close) struct buf before = {0}, after = {0};
    struct brand brand = test_brand();
    struct err e;
    make_shelf(&f);
    for (int i = 0; i < 2; i++) {
        AUTO(mails_close) struct mails *m = NULL;
        assert_true(try_open(&f, &m, &e));
        assert_true(mails_bundle(m, "hello", "en", &brand, i == 0 ? &before : &after, &e));
        write_file(f.path, "mails/hello/mail.json",
            "{\"variables\":{\"n\":{\"type\":\"integer\"},\"who\":{\"type\":\"text\"}},\"events\":["
            "\"a\",\"b\"],\"stream\":\"marketing\"}");
    }
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
}

/* Markup of a text goes out as markup only where every tag on the way asks for it. */
static void an_escaped_text_escapes_the_raw_texts_inside_it(void **state)
{
    (void)state;
    AUTO(folder_remove) struct folder f;
    make_shelf(&f);
    for (int i = 0; i < 2; i++)
        write_file(f.path, i ? "locales/en.json" : "locales/fr.json",
            "{\"hi\":\"{{{t.bold}}}{{{who}}}\",\"bold\":\"<b>{{who}}</b>\",\"count\":\"\"}");
    AUTO(mails_close) struct mails *m = NULL;
    struct err e;
    assert_true(try_open(&f, &m, &e));
    AUTO(mail_close) struct mail *mail = compile_mail(m, "hello", "en");
    AUTO(js_close) struct js *data = parse_json("{\"who\":\"<\",\"n\":1}");
    AUTO(mail_parts_close) struct mail_parts parts = {0};
    render_mail(mail, data, NULL, &parts);
    assert_string_equal(
        buf_text(&parts.html), "<p>&lt;b&gt;&lt;&lt;/b&gt;&lt; <b>&lt;</b> Nordwind</p>\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_shelf_renders),
        cmocka_unit_test(faults_name_their_file),
        cmocka_unit_test(faults_name_the_file_that_holds_the_text),
        cmocka_unit_test(a_region_is_kept_within_the_script_of_the_catalog),
        cmocka_unit_test(a_section_for_the_other_stream_asks_nothing),
        cmocka_unit_test(a_missing_part_names_its_path),
        cmocka_unit_test(an_empty_folder_is_no_shelf),
        cmocka_unit_test(an_own_folder_of_another_name_is_refused),
        cmocka_unit_test(the_first_of_several_folders_wins),
        cmocka_unit_test(the_order_of_members_in_a_file_does_not_matter),
        cmocka_unit_test(an_escaped_text_escapes_the_raw_texts_inside_it),
        cmocka_unit_test(what_a_mail_does_not_use_does_not_change_its_bundle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
