/* What is noted while a text is rendered must stand there byte for byte, whatever indents or escapes it. */
#include "templates/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define LONG                                                                                       \
    "0123456789abcdef <b>&amp;</b>" /* longer than LITERAL_LEAST, and it would be escaped */

enum { MAIN, PARTIAL, PHRASE, TEMPLATES };

struct shelf {
    struct template *t[TEMPLATES];
    struct buf literals;
};

static const struct template *find_partial(void *context, struct str name)
{
    return str_is(name, "p") ? ((struct shelf *)context)->t[PARTIAL] : NULL;
}

static const struct template *find_phrase(void *context, const struct scope *at, struct str name)
{
    (void)at;
    return str_is(name, "t") ? ((struct shelf *)context)->t[PHRASE] : NULL;
}

static const struct template *numbered(const void *context, uint32_t number)
{
    return number < TEMPLATES ? ((const struct shelf *)context)->t[number] : NULL;
}

static void note(void *context, const struct template *t, uint32_t node, struct str text, size_t at)
{
    struct shelf *s = context;
    struct literal l = {.at = at, .n = text.n, .node = node};

    while (s->t[l.owner] != t)
        l.owner++;
    pack_literal(&s->literals, &l);
}

static const struct {
    const char *name, *main, *partial, *phrase;
    size_t literals;
} cases[] = {
    {"plain", LONG "{{x}}" LONG, "", "", 2},
    {"short_pieces_are_copied", "0123456789abcde{{x}}0123456789abcdef", "", "", 1},
    {"a_partial_on_its_line", "{{>p}}\nend", LONG "\n{{x}}\n" LONG "\n", "", 2},
    {"a_partial_that_is_indented", "  {{>p}}\nend " LONG, LONG "\n{{x}}\n" LONG "\n", "", 1},
    {"a_partial_indented_within_a_line", "a {{>p}} b", LONG "\n" LONG "\n", "", 1},
    {"a_phrase_that_is_escaped", LONG "{{t}}", "", LONG, 1},
    {"a_phrase_that_is_not", LONG "{{{t}}}", "", LONG, 2},
    {"a_section_repeats", "{{#list}}" LONG "{{.}}{{/list}}", "", "", 3},
    {"a_block_that_a_parent_indents", "{{<p}}{{$b}}\n" LONG "\n" LONG "\n{{/b}}{{/p}}",
        "  {{$b}}\n  no\n  {{/b}}\n" LONG, "", 1},
    {"nothing", "", "", "", 0},
};

static void what_was_noted_unpacks_to_what_was_rendered(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct shelf s = {0};
        const char *const sources[] = {cases[i].main, cases[i].partial, cases[i].phrase};
        AUTO(js_close) struct js *data = NULL;
        AUTO(buf_close) struct buf text = {0};
        AUTO(buf_close) struct buf packed = {0};
        AUTO(buf_close) struct buf again = {0};
        struct err e = {0};
        bool fine = js_parse(STR("{\"x\": \"<&>\", \"list\": [1, 2, 3]}"), &data, &e);
        for (size_t k = 0; k < TEMPLATES && fine; k++)
            fine = template_compile("case", str_of(sources[k]), &s.t[k], &e);
        const struct render how = {.escape = ESCAPE_HTML,
            .partial = find_partial,
            .phrase = find_phrase,
            .literal = note,
            .context = &s};
        buf_add_text(&text, "before "); /* the places count from where the text begins */
        fine = fine && template_render(s.t[MAIN], data, &how, &text, &e);
        struct str rendered = str_slice(buf_str(&text), strlen("before "), text.n);
        if (fine)
            pack(rendered, buf_str(&s.literals), &packed);
        if (!fine || !unpack(buf_str(&packed), numbered, &s, &again, &e))
            fail_msg("%s: %s", cases[i].name, e.text);
        if (!str_eq(buf_str(&again), rendered))
            fail_msg("%s: \"" STR_FMT "\" became \"" STR_FMT "\"", cases[i].name, STR_ARG(rendered),
                STR_ARG(buf_str(&again)));
        if (s.literals.n != cases[i].literals * sizeof(struct literal))
            fail_msg("%s: %zu literals in \"" STR_FMT "\"", cases[i].name,
                s.literals.n / sizeof(struct literal), STR_ARG(rendered));
        for (size_t k = 0; k < TEMPLATES; k++)
            template_close(&s.t[k]);
        buf_close(&s.literals);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_noted_unpacks_to_what_was_rendered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
