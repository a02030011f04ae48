/* said: values and inner sentences go into the pattern, in English and in another language. */
#include "base/said.h"
#include "tests/base/expect.h"

static void values_go_where_their_names_stand(void **state)
{
    static const struct {
        const char *name, *pattern, *want;
    } cases[] = {
        {"no_placeholder", "nothing here", "nothing here"},
        {"one", "its MX host {{host}} has no address", "its MX host mx.example has no address"},
        {"twice", "{{host}} is {{host}}", "mx.example is mx.example"},
        {"two_that_touch", "{{host}}{{target}}", "mx.example{{host}}"},
        {"a_value_is_no_pattern", "to {{target}}", "to {{host}}"},
        {"an_unknown_name_stays", "{{nobody}} there", "{{nobody}} there"},
        {"an_open_end_is_text", "{{host", "{{host"},
        {"empty", "", ""},
    };
    AUTO(arena_close) struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    {
        struct said s = SAY(a, "k", c->pattern, {"host", "mx.example"}, {"target", "{{host}}"});
        expect_text(c->name, s.text, c->want);
    }
}

static void what_a_terminal_might_obey_is_not_said(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();
    (void)state;
    struct said s = SAY(a, "k", "it says {{text}}", {"text", "a\033[2J\n\x9b\x7f~ b"});
    expect_text("value", s.text, "it says a?[2J???~ b");
    expect_text("value_for_other_languages", s.values[0].text, "a?[2J???~ b");
    expect_text("copy", said_copy(a, SAID("k", "a\tb \xc2\x9b")).text, "a?b ??");
}

static const char *look(void *context, const char *key)
{
    expect_text("context", context, "zh");
    return strcmp(key, "outer") == 0   ? "{{name}} 中的 {{said}}"
           : strcmp(key, "inner") == 0 ? "内 {{n}}"
                                       : NULL;
}

static void a_sentence_inside_is_told_in_the_same_language(void **state)
{
    static const struct {
        const char *name, *outer, *inner, *want;
    } cases[] = {
        {"both_are_known", "outer", "inner", "x.example 中的 内 3"},
        {"the_inner_one_is_not", "outer", "?", "x.example 中的 three 3"},
        {"the_outer_one_is_not", "?", "inner", "in x.example: three 3"},
        {"one_without_a_key", "", "inner", "in x.example: three 3"},
    };
    AUTO(arena_close) struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    {
        AUTO(buf_close) struct buf out = {0};
        char language[] = "zh";
        struct said inner = SAY(a, c->inner, "three {{n}}", {"n", "3"});
        struct said s =
            SAY_AROUND(a, inner, c->outer, "in {{name}}: {{said}}", {"name", "x.example"});
        expect_text(c->name, s.text, "in x.example: three 3");
        said_tell(&s, look, language, &out);
        expect_str(c->name, buf_str(&out), str_of(c->want));
    }
}

static void a_copy_needs_nothing_of_the_first(void **state)
{
    AUTO(arena_close) struct arena *kept = arena_open();
    AUTO(buf_close) struct buf out = {0};
    char language[] = "zh";
    struct said copy;
    (void)state;
    {
        AUTO(arena_close) struct arena *a = arena_open();
        char name[] = "x.example";
        struct said inner = SAY(a, "inner", "three {{n}}", {"n", arena_printf(a, "%d", 3)});
        struct said s = SAY_AROUND(a, inner, "outer", "in {{name}}: {{said}}", {"name", name});
        copy = said_copy(kept, s);
        memset(name, 'y', sizeof name - 1);
    }
    said_tell(&copy, look, language, &out);
    expect_str("told", buf_str(&out), STR("x.example 中的 内 3"));
    expect_text("in English", copy.text, "in x.example: three 3");
}

static void nothing_is_said(void **state)
{
    struct said nothing = SAID_NOTHING, zero = {0}, without_key = SAID("", "it is so");
    AUTO(buf_close) struct buf out = {0};
    (void)state;
    assert_true(
        said_is_nothing(&nothing) && said_is_nothing(&zero) && !said_is_nothing(&without_key));
    said_tell(&zero, look, NULL, &out);
    said_tell(&without_key, look, NULL, &out);
    expect_str("in English alone", buf_str(&out), STR("it is so"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_go_where_their_names_stand),
        cmocka_unit_test(what_a_terminal_might_obey_is_not_said),
        cmocka_unit_test(a_sentence_inside_is_told_in_the_same_language),
        cmocka_unit_test(a_copy_needs_nothing_of_the_first),
        cmocka_unit_test(nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
