/* Flat templates: the same bytes as those that they were made of, and what is not flattened. The engine's other tests render
 * each of their cases both ways (render_case.h). */
#include "tests/templates/shelf_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "templates/template.h"

/* ---- mails ---- */

/* A name of Parcelpost's own that the mail does not ask for: data that has it is not for a flat template. */
static const struct {
    const char *mail, *hides;
} mails[] = {{"delay_apology", "same"}, {"refund", "same"}, {"shipping_notice", "has"}};

static const char *const locales[] = {"en", "de", "en-GB", "en-IE", "de-AT", "de-CH"};

static void check_same(const char *what, const struct buf *flat, const struct buf *written)
{
    if (!str_eq(buf_str(flat), buf_str(written)))
        fail_msg("%s: \"%s\"\nas written: \"%s\"", what, buf_text(flat), buf_text(written));
}

static void check_mail(const struct mail *mail, const char *file, const char *hides)
{
    AUTO(js_close) struct js *data = read_data(file);
    AUTO(js_close) struct js *hiding = read_data(file);
    js_set(hiding, hides, js_new_null());
    for (size_t i = 0; i < 2; i++) {
        const struct mail_links links = {i ? STR("https://shop.example/u?a&b") : STR("")};
        AUTO(mail_parts_close) struct mail_parts flat = {0};
        AUTO(mail_parts_close) struct mail_parts written = {0};
        render_mail(mail, data, &links, &flat);
        render_mail(mail, hiding, &links, &written);
        assert_true(flat.literals.n > 0); /* these two say which way it went */
        assert_int_equal(written.literals.n, 0);
        check_same(file, &flat.subject, &written.subject);
        check_same(file, &flat.preheader, &written.preheader);
        check_same(file, &flat.text, &written.text);
        check_same(file, &flat.html, &written.html);
    }
}

static void every_mail_is_the_same_flat_and_as_written(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    for (size_t i = 0; i < COUNT_OF(mails) * COUNT_OF(locales) * 2; i++) {
        const char *name = mails[i % COUNT_OF(mails)].mail;
        const char *wanted = locales[i / COUNT_OF(mails) % COUNT_OF(locales)];
        const char *locale = mails_locale(m, str_of(wanted), STR("en"));
        char file[64];
        snprintf(file, sizeof file, "%s%s.json", name,
            i / COUNT_OF(mails) / COUNT_OF(locales) ? ".least" : "");
        AUTO(mail_close) struct mail *mail = compile_mail(m, name, locale);
        check_mail(mail, file, mails[i % COUNT_OF(mails)].hides);
    }
}

/* ---- names beside the data ---- */

static const char object[] = "{\"b\": {\"v\": \"<1>\", \"empty\": \"\"}, \"s\": {\"v\": \"<2>\"}}";

struct shelf {
    struct js *fixed;
    struct template *partial, *phrase;
};

static const struct template *find_partial(void *context, struct str name)
{
    return str_is(name, "p") ? ((struct shelf *)context)->partial : NULL;
}

static const struct template *find_phrase(void *context, const struct scope *at, struct str name)
{
    (void)at;
    bool is_one = str_is(name, "t.one") || str_is(name, "t.chosen");
    return is_one ? ((struct shelf *)context)->phrase : NULL;
}

static struct standing stand(void *context, struct str name)
{
    const struct shelf *s = context;
    const struct js *b = js_get(s->fixed, "b");
    if (str_is(name, "b.v") || str_is(name, "b.empty"))
        return (struct standing){.kind = STANDS_FIXED,
            .slot = str_is(name, "b.v") ? 0 : 1,
            .value = js_get_str(b, str_slice(name, 2, name.n))};
    if (str_is(name, "s.v"))
        return (struct standing){.kind = STANDS_IN_SLOT, .slot = 2};
    if (str_is(name, "t.one"))
        return (struct standing){.kind = STANDS_PHRASE, .phrase = s->phrase};
    return (struct standing){.kind = str_is(name, "t.chosen") ? STANDS_CHOSEN
                                     : str_is(name, "b")      ? STANDS_UNKNOWN
                                                              : STANDS_IN_DATA};
}

static const struct {
    const char *name, *source, *partial, *phrase;
    bool stays; /* as it was written */
} cases[] = {
    {"a_fixed_value", "a {{b.v}} {{{b.v}}}", "", "", false},
    {"a_fixed_section", "{{#b.v}}[{{.}}{{x}}]{{/b.v}}{{^b.v}}no{{/b.v}}", "", "", false},
    {"an_empty_fixed_value", "{{#b.empty}}no{{/b.empty}}{{^b.empty}}yes{{/b.empty}}", "", "",
        false},
    {"a_value_in_a_slot", "{{s.v}}{{#s.v}}[{{.}}]{{/s.v}}{{^s.v}}no{{/s.v}}", "", "", false},
    {"an_object_of_a_list_hides_what_stands_beside", "{{#l}}{{b.v}}{{s.v}},{{/l}}", "", "", false},
    {"a_section_of_a_hidden_name", "{{#l}}{{#b.v}}[{{.}}]{{/b.v}}{{^s.v}}no{{/s.v}}{{/l}}", "", "",
        false},
    {"a_phrase", "{{t.one}}{{{t.one}}}", "", "<i>{{x}}</i>{{{x}}}", false},
    {"a_phrase_within_a_list", "{{#l}}{{t.one}}{{/l}}", "", "{{b.v}} & {{n}}", false},
    {"a_chosen_phrase", "{{t.chosen}}{{{t.chosen}}}", "", "<i>{{x}}</i>{{b.v}}", false},
    {"a_phrase_in_a_phrase", "{{t.one}}", "", "<{{{t.one}}}>", true}, /* for ever */
    {"indentation", "  {{>p}}\nend", "a\n{{x}}\n{{#l}}\n- {{n}}\n{{/l}}\n", "", false},
    {"a_line_that_may_have_begun", "  {{<p}}\n{{$q}}\n{{#l}}\n{{n}}\n{{/l}}\n{{/q}}\n{{/p}}\n",
        "x{{$q}}{{/q}}y\n", "", true},
    {"a_partial_in_itself", "{{>p}}", "{{#none}}{{>p}}{{/none}}", "", true},
    {"a_partial_by_a_variables_name", "{{>*x}}", "", "", true},
    {"a_partial_that_is_not_there", "{{>none}}", "", "", true},
    {"a_name_that_cannot_be_told", "{{b}}", "", "", true},
    {"an_unknown_section", "{{#b}}{{v}}{{/b}}", "", "", true},
    {"a_section_of_a_phrase", "{{#t.one}}x{{/t.one}}", "", "", true},
};

static void compile(const char *text, struct template **out)
{
    struct err e;
    if (!template_compile("case", str_of(text), out, &e))
        fail_msg("%s: %s", text, e.text);
}

static void check_case(size_t i, enum escape escape, const struct js *data)
{
    AUTO(js_close) struct js *fixed = parse_json(object);
    AUTO(template_close) struct template *t = NULL;
    AUTO(template_close) struct template *partial = NULL;
    AUTO(template_close) struct template *phrase = NULL;
    AUTO(template_close) struct template *flat = NULL;
    AUTO(buf_close) struct buf before = {0};
    AUTO(buf_close) struct buf after = {0};
    struct err e = {0};
    compile(cases[i].source, &t);
    compile(cases[i].partial, &partial);
    compile(cases[i].phrase, &phrase);
    struct shelf shelf = {fixed, partial, phrase};
    const struct js *b = js_get(fixed, "b");
    const struct js *const slots[] = {
        js_get(b, "v"), js_get(b, "empty"), js_get(js_get(fixed, "s"), "v")};
    const struct render how = {.escape = escape,
        .behind = {fixed, NULL},
        .partial = find_partial,
        .phrase = find_phrase,
        .context = &shelf,
        .slots = slots};
    if (template_flatten(t, &how, stand, &flat) == cases[i].stays)
        fail_msg("%s: %s", cases[i].name, cases[i].stays ? "is flat" : "is not flat");
    if (!flat)
        return;
    if (!template_render(t, data, &how, &before, &e) ||
        !template_render(flat, data, &how, &after, &e))
        fail_msg("%s: %s", cases[i].name, e.text);
    check_same(cases[i].name, &after, &before);
}

static void what_stands_beside_the_data_is_the_same_flat(void **state)
{
    (void)state;
    AUTO(js_close)
    struct js *data =
        parse_json("{\"x\": \"<x>\\n\", \"l\": [{\"n\": 1}, {\"n\": \"&\", \"b\": {\"v\": 3}},"
                   "{\"s\": null}, {\"b\": 1, \"s\": {\"v\": \"own\"}}]}");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_case(i, ESCAPE_HTML, data);
        check_case(i, ESCAPE_NONE, data);
    }
}

/* ---- limits ---- */

static bool becomes_flat(const char *piece, size_t times)
{
    AUTO(buf_close) struct buf source = {0};
    AUTO(template_close) struct template *t = NULL;
    AUTO(template_close) struct template *flat = NULL;
    struct shelf shelf = {0};
    const struct render how = {.context = &shelf};
    for (size_t i = 0; i < times; i++)
        buf_add_text(&source, piece);
    compile(buf_text(&source), &t);
    return template_flatten(t, &how, stand, &flat);
}

static void a_large_template_stays_as_it_is(void **state)
{
    (void)state;
    assert_true(becomes_flat("{{x}}", FLAT_NODES_MAX));
    assert_false(becomes_flat("{{x}}", FLAT_NODES_MAX + 1));
    assert_true(becomes_flat("0123456789abcdef", FLAT_BYTES_MAX / 16));
    assert_false(becomes_flat("0123456789abcdef", FLAT_BYTES_MAX / 16 + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mail_is_the_same_flat_and_as_written),
        cmocka_unit_test(what_stands_beside_the_data_is_the_same_flat),
        cmocka_unit_test(a_large_template_stays_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
