/* Strict mode, and what hostile templates and data cannot do. */
#include "tests/templates/render_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    struct render_case c;
    const char *says; /* NULL = it renders */
} strict[] = {
    {{"a_known_variable_renders", "{{a.b}}", "{\"a\":{\"b\":1}}", "1", {{0}}}, NULL},
    {{"absent", "x\n\n{{order.number}}", "{}", "", {{0}}},
        "template main, line 3: the variable order.number is absent"},
    {{"null", "{{x}}", "{\"x\":null}", "", {{0}}}, "line 1: the variable x is absent"},
    {{"broken_chain", "{{a.b}}", "{\"a\":{}}", "", {{0}}}, "the variable a.b is absent"},
    {{"raw", "{{{x}}}", "{}", "", {{0}}}, "the variable x is absent"},
    {{"in_a_partial", "\n{{>p}}", "{}", "", {{"p", "ok\n{{x}}"}}},
        "template p, line 2: the variable x is absent"},
    {{"in_an_argument", "\n{{<p}}{{$a}}{{x}}{{/a}}{{/p}}", "{}", "", {{"p", "\n\n\n{{$a}}{{/a}}"}}},
        "template main, line 2: the variable x is absent"},
    {{"a_list_as_text", "{{x}}", "{\"x\":[1]}", "", {{0}}}, "the variable x is no single value"},
    {{"a_partial", "{{>none}}", "{}", "", {{0}}}, "line 1: the partial none does not exist"},
    {{"a_dynamic_partial", "{{>*x}}", "{\"x\":\"none\"}", "", {{0}}},
        "the partial x does not exist"},
    {{"sections_ask_and_may_be_absent", "{{#x}}a{{/x}}{{^x}}b{{/x}}", "{}", "b", {{0}}}, NULL},
    {{"an_empty_text_is_there", "({{x}})", "{\"x\":\"\"}", "()", {{0}}}, NULL},
    {{"an_argument_that_nothing_shows_is_not_asked", "{{<p}}{{$a}}{{x}}{{/a}}{{/p}}", "{}", "p",
         {{"p", "p"}}},
        NULL},
};

static void strict_mode_names_template_line_and_variable(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(strict); i++) {
        AUTO(buf_close) struct buf out = {0};
        struct err e = {0};
        bool ok = render_text_case(&strict[i].c, ESCAPE_HTML, true, 0, &out, &e);
        bool right = !strict[i].says ? ok && strcmp(buf_text(&out), strict[i].c.expected) == 0
                                     : !ok && e.code == ERR_INPUT && strstr(e.text, strict[i].says);
        if (!right)
            fail_msg("%s: %s", strict[i].c.name, ok ? buf_text(&out) : e.text);
    }
}

static void without_escape_nothing_changes(void **state)
{
    (void)state;
    const struct render_case c = {"", "{{x}} {{{x}}} {{&x}}", "{\"x\":\"<&\\\"'>\"}", "", {{0}}};
    AUTO(buf_close) struct buf out = {0};
    struct err e;
    assert_true(render_text_case(&c, ESCAPE_NONE, false, 0, &out, &e));
    assert_string_equal(buf_text(&out), "<&\"'> <&\"'> <&\"'>");
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void expect_limit(const struct render_case *c, size_t max_bytes, const char *says)
{
    AUTO(buf_close) struct buf out = {0};
    struct err e = {0};
    if (render_text_case(c, ESCAPE_HTML, false, max_bytes, &out, &e) || e.code != ERR_LIMIT ||
        !strstr(e.text, says))
        fail_msg("%s: %s", c->name, e.code ? e.text : "rendered");
}

static void hostile_templates_end_with_an_error(void **state)
{
    (void)state;
    static const struct render_case endless[] = {
        {"a_partial_that_calls_itself", "{{>p}}", "{}", "", {{"p", "{{>p}}"}}},
        {"a_parent_that_calls_itself", "{{<p}}{{$a}}{{<p}}{{/p}}{{/a}}{{/p}}", "{}", "",
            {{"p", "{{$a}}{{/a}}{{<p}}{{/p}}"}}},
        {"an_indentation_that_grows", "  {{>p}}\n", "{}", "", {{"p", "  {{>p}}\n"}}},
        {"a_dynamic_one", "{{>*p}}", "{\"p\":\"q\"}", "", {{"q", "{{>*p}}"}}},
    };
    for (size_t i = 0; i < COUNT_OF(endless); i++)
        expect_limit(&endless[i], 0, "nested more than 100 deep");
}

/* Each of five partials calls the next one 32 times: 33 million calls, not a byte of output. */
static void a_tree_of_partials_without_output_ends(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    char calls[5][32 * 6 + 1] = {{0}};
    struct render_case c = {"", "{{>a}}", "{}", "", {{0}}};
    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 0; i < 5 && k < 32; k++)
            snprintf(calls[i] + 6 * k, 7, "{{>%s}}", names[i + 1]);
        c.partials[i] = (struct named){names[i], i < 5 ? calls[i] : ""};
    }
    expect_limit(&c, 0, "more than 10000000 steps");
}

static void lists_within_lists_end_too(void **state)
{
    (void)state;
    const struct render_case c = {"",
        "{{#l}}{{#l}}{{#l}}{{#l}}{{#l}}{{#l}}{{#l}}{{#l}}{{x}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/"
        "l}}{{/l}}{{/l}}",
        "{\"l\":[1,2,3,4,5,6,7,8,9]}", "", {{0}}};
    expect_limit(&c, 0, "more than 10000000 steps");
}

static void output_stops_at_its_limit(void **state)
{
    (void)state;
    const struct render_case c = {"", "{{#l}}{{#l}}{{#l}}0123456789{{/l}}{{/l}}{{/l}}",
        "{\"l\":[1,2,3,4,5,6,7,8,9,10]}", "", {{0}}};
    expect_limit(&c, 9999, "the output has more than 9999 bytes");
    AUTO(buf_close) struct buf out = {0};
    struct err e;
    assert_true(render_text_case(&c, ESCAPE_HTML, false, 10000, &out, &e));
    assert_int_equal(out.n, 10000);
}

static void escaped_output_counts_as_written(void **state)
{
    (void)state;
    const struct render_case c = {"", "{{x}}", "{\"x\":\"<<<<<\"}", "", {{0}}};
    expect_limit(&c, 19, "more than 19 bytes");
}

static void sections_nest_a_hundred_deep_and_no_deeper(void **state)
{
    (void)state;
    for (size_t depth = 100; depth <= 101; depth++) {
        AUTO(buf_close) struct buf source = {0};
        AUTO(buf_close) struct buf out = {0};
        struct err e = {0};
        for (size_t i = 0; i < depth; i++)
            buf_add_text(&source, "{{#a}}");
        buf_add_text(&source, "deep");
        for (size_t i = 0; i < depth; i++)
            buf_add_text(&source, "{{/a}}");
        const struct render_case c = {"", buf_text(&source), "{\"a\":true}", "", {{0}}};
        bool ok = render_text_case(&c, ESCAPE_HTML, false, 0, &out, &e);
        assert_int_equal(ok, depth == 100);
        assert_int_equal(e.code, ok ? ERR_NONE : ERR_LIMIT);
    }
}

static void a_template_of_more_than_4_mib_is_refused(void **state)
{
    (void)state;
    AUTO(buf_close) struct buf source = {0};
    AUTO(template_close) struct template *t = NULL;
    struct err e = {0};
    memset(buf_room(&source, (4u << 20) + 1), 'x', (4u << 20) + 1);
    source.n = (4u << 20) + 1;
    assert_false(template_compile("big", buf_str(&source), &t, &e));
    assert_int_equal(e.code, ERR_LIMIT);
    source.n--;
    assert_true(template_compile("big", buf_str(&source), &t, &e));
}

/* Every short piece of tag language, in every order of three, with data and without: nothing may crash or leak. */
static void scraps_of_tags_in_any_order_do_no_harm(void **state)
{
    (void)state;
    static const char *const scraps[] = {"{{", "}}", "{{{", "}}}", "{{#a}}", "{{/a}}", "{{^a}}",
        "{{>p}}", "{{<p}}", "{{/p}}", "{{$b}}", "{{/b}}", "{{!", "{{=| |=}}", "|", "\n", "\r\n",
        "  ", "{{.}}", "{{a.b.c}}", "{{>*a}}", "=}}", "{{&", "*", "x"};
    size_t n = COUNT_OF(scraps), rendered = 0;
    for (size_t i = 0; i < n * n * n; i++) {
        char source[64];
        AUTO(buf_close) struct buf out = {0};
        struct err e;
        snprintf(
            source, sizeof source, "%s%s%s", scraps[i / n / n], scraps[i / n % n], scraps[i % n]);
        const struct render_case c = {"", source, "{\"a\":[1,{\"b\":2}]}", "",
            {{"p", " {{$b}}\n  d\n {{/b}}\n{{#a}}{{.}}{{/a}}"}}};
        rendered += render_text_case(&c, ESCAPE_HTML, i % 2 == 0, 1000, &out, &e);
    }
    assert_true(rendered > n * n);
}

static void a_compiled_template_renders_the_same_each_time(void **state)
{
    (void)state;
    AUTO(template_close) struct template *t = NULL;
    AUTO(js_close) struct js *data = NULL;
    struct err e;
    const struct render how = {.escape = ESCAPE_HTML};
    char source[] = "{{#l}}{{.}}{{/l}}";
    assert_true(template_compile("t", str_of(source), &t, &e));
    memset(source, 'x', sizeof source - 1); /* it kept what it needs */
    assert_true(js_parse(STR("{\"l\":[1,2]}"), &data, &e));
    AUTO(buf_close) struct buf out = {0};
    for (size_t i = 0; i < 3; i++)
        assert_true(template_render(t, data, &how, &out, &e));
    assert_string_equal(buf_text(&out), "121212"); /* appended */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_mode_names_template_line_and_variable),
        cmocka_unit_test(without_escape_nothing_changes),
        cmocka_unit_test(hostile_templates_end_with_an_error),
        cmocka_unit_test(a_tree_of_partials_without_output_ends),
        cmocka_unit_test(lists_within_lists_end_too),
        cmocka_unit_test(output_stops_at_its_limit),
        cmocka_unit_test(escaped_output_counts_as_written),
        cmocka_unit_test(sections_nest_a_hundred_deep_and_no_deeper),
        cmocka_unit_test(a_template_of_more_than_4_mib_is_refused),
        cmocka_unit_test(scraps_of_tags_in_any_order_do_no_harm),
        cmocka_unit_test(a_compiled_template_renders_the_same_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
