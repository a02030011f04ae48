/* Parents, blocks and dynamic names (specification ~inheritance, ~dynamic-names). */
#include "tests/templates/render_case.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct render_case substitution[] = {
    {"a_block_alone_shows_its_default", "<{{$title}}Welcome{{/title}}>\n", NULL, "<Welcome>\n",
        {{0}}},
    {"a_default_is_a_template", "{{$a}}{{x}}{{#l}}[{{.}}]{{/l}}{{^n}}no{{/n}}{{{y}}}{{/a}}",
        "{\"x\":\"<\",\"l\":[1,2],\"y\":\"<\"}", "&lt;[1][2]no<", {{0}}},
    {"a_parent_without_arguments_is_a_partial", "({{<card}}{{/card}})", NULL, "(plain)",
        {{"card", "{{$body}}plain{{/body}}"}}},
    {"an_argument_replaces_the_default", "{{<card}}{{$body}}mine{{/body}}{{/card}}", NULL, "-mine-",
        {{"card", "-{{$body}}plain{{/body}}-"}}},
    {"data_neither_fills_a_block_nor_an_argument",
        "{{<card}}{{$body}}mine{{/body}}{{/card}}{{<card}}{{/card}}", "{\"body\":\"data\"}",
        "mineplain", {{"card", "{{$body}}plain{{/body}}"}}},
    {"two_parents_of_one_name_do_not_share_arguments",
        "{{<p}}{{$a}}1{{/a}}{{/p}} {{<p}}{{$a}}2{{/a}}{{/p}} {{<p}}{{/p}}", NULL, "1d 2d 0d",
        {{"p", "{{$a}}0{{/a}}{{$b}}d{{/b}}"}}},
    {"text_beside_arguments_is_ignored",
        "{{<p}} noise {{x}}{{#s}}{{$a}}no{{/a}}{{/s}}{{$a}}yes{{/a}} {{>p}}{{/p}}", NULL, "yes",
        {{"p", "{{$a}}0{{/a}}"}}},
    {"the_same_block_may_stand_twice", "{{<p}}{{$a}}x{{/a}}{{/p}}", NULL, "x-x",
        {{"p", "{{$a}}1{{/a}}-{{$a}}2{{/a}}"}}},
    {"an_argument_sees_the_context_of_the_place_where_it_shows", "{{<p}}{{$a}}{{who}}{{/a}}{{/p}}",
        "{\"who\":\"outer\",\"in\":{\"who\":\"inner\"}}", "inner",
        {{"p", "{{#in}}{{$a}}{{/a}}{{/in}}"}}},
    {"an_argument_in_a_list_shows_once_for_each", "{{<p}}{{$a}}{{.}},{{/a}}{{/p}}",
        "{\"l\":[1,2,3]}", "1,2,3,", {{"p", "{{#l}}{{$a}}{{/a}}{{/l}}"}}},
    {"the_outermost_of_three_generations_wins", "{{<mid}}{{$a}}top{{/a}}{{/mid}}", NULL, "top",
        {{"mid", "{{<base}}{{$a}}mid{{/a}}{{/base}}"}, {"base", "{{$a}}base{{/a}}"}}},
    {"a_middle_generation_holds_where_the_outermost_is_silent", "{{<mid}}{{/mid}}", NULL, "mid",
        {{"mid", "{{<base}}{{$a}}mid{{/a}}{{/base}}"}, {"base", "{{$a}}base{{/a}}"}}},
    {"a_parent_that_calls_itself_with_an_argument_ends", "{{<p}}{{$a}}A{{/a}}{{/p}}", NULL,
        "A A A stop",
        {{"p", "{{$a}}d{{/a}} {{$b}}{{<q}}{{/q}}{{/b}}"},
            {"q", "{{$a}}e{{/a}} {{<p}}{{$b}}stop{{/b}}{{/p}}"}}},
    {"an_argument_of_one_parent_does_not_reach_another_inside_it",
        "{{<page}}{{$body}}{{<card}}{{$title}}card{{/title}}{{/card}}{{/body}}{{$title}}page{{/"
        "title}}{{/page}}",
        NULL, "page:card",
        {{"page", "{{$title}}{{/title}}:{{$body}}{{/body}}"}, {"card", "{{$title}}{{/title}}"}}},
    {"a_block_offered_again_inside_an_argument_ends", "{{<p}}{{$a}}[{{$a}}x{{/a}}]{{/a}}{{/p}}",
        NULL, "[x]", {{"p", "{{$a}}d{{/a}}"}}},
    {"a_parent_that_does_not_exist_is_empty", "({{<none}}{{$a}}x{{/a}}{{/none}})", NULL, "()",
        {{0}}},
    {"delimiters_of_the_child_do_not_reach_the_parent", "{{=| |=}}|<p||$a|x|/a||/p|", NULL, "x|a|",
        {{"p", "{{$a}}d{{/a}}|a|"}}},
};

static const struct render_case layout[] = {
    {"a_parent_alone_on_its_line_indents_and_takes_the_line", "Dear,\n  {{<p}}{{/p}}\nBye\n", NULL,
        "Dear,\n  one\n  two\nBye\n", {{"p", "one\ntwo\n"}}},
    {"a_parent_with_arguments_in_one_line_is_alone_too", "<\n  {{<p}}{{$a}}x{{/a}}{{/p}}\n>\n",
        NULL, "<\n  1 x\n  2\n>\n", {{"p", "1 {{$a}}{{/a}}\n2\n"}}},
    {"a_parent_in_running_text_neither_indents_nor_takes_the_line", "  a {{<p}}{{/p}}\nb", NULL,
        "  a one\ntwo\nb", {{"p", "one\ntwo"}}},
    {"an_argument_begins_behind_the_line_of_its_tag", "{{<p}}{{$a}}\nup\n\ndown\n{{/a}}{{/p}}",
        NULL, "up\n\ndown\n", {{"p", "{{$a}}x{{/a}}"}}},
    {"an_argument_in_a_line_keeps_the_indentation_of_the_block", "{{<p}}{{$a}}go{{/a}}{{/p}}", NULL,
        "list:\n  go\nend\n", {{"p", "list:\n  {{$a}}wait{{/a}}\nend\n"}}},
    {"lines_of_an_argument_are_indented_like_an_empty_block",
        "{{<p}}{{$a}}\none\ntwo{{/a}}\n{{/p}}\n", NULL, "Hi,\n  one\n  two\n",
        {{"p", "Hi,\n  {{$a}}{{/a}}\n"}}},
    {"the_indentation_an_argument_was_written_with_goes",
        "{{<p}}{{$a}}\n        one\n          two\n{{/a}}{{/p}}", NULL,
        "Hi,\n  one\n    two\nBye\n", {{"p", "Hi,\n  {{$a}}\n  {{/a}}\nBye\n"}}},
    {"tags_and_content_may_be_indented_alike", "{{<p}}\n    {{$a}}\n    one\n    {{/a}}\n{{/p}}\n",
        NULL, "Hi,\n  one\n", {{"p", "Hi,\n  {{$a}}\n  default\n  {{/a}}\n"}}},
    {"the_default_says_how_deep_an_argument_goes", "{{<p}}{{$a}}\none\ntwo\n{{/a}}{{/p}}", NULL,
        "Hi,\n    one\n    two\n", {{"p", "Hi,\n{{$a}}\n    default\n{{/a}}\n"}}},
    {"a_block_within_a_block_keeps_its_distance", "{{<p}}{{$in}}\nthree\n{{/in}}{{/p}}", NULL,
        "one\n  three\n", {{"p", "{{$out}}\n  one\n  {{$in}}\n    two\n  {{/in}}\n{{/out}}\n"}}},
    {"a_default_stands_where_its_tags_stand", "{{<p}}{{/p}}", NULL,
        "<div>\n  text\n  more\n</div>\n",
        {{"p", "<div>\n  {{$a}}\n  text\n  more\n  {{/a}}\n</div>\n"}}},
    {"indentation_of_parent_and_block_add_up", " {{<p}}{{$a}}\nx\ny\n{{/a}}{{/p}}\n", NULL,
        " -\n   x\n   y\n", {{"p", "-\n  {{$a}}\n  {{/a}}\n"}}},
    {"values_with_newlines_are_never_indented", "  {{<p}}{{$a}}{{v}}{{/a}}{{/p}}\n",
        "{\"v\":\"1\\n2\"}", "    1\n2\n", {{"p", "  {{$a}}{{/a}}\n"}}},
    {"an_argument_in_running_text_is_not_indented", " {{<p}}{{$a}}\n  x\n{{/a}}{{/p}}\n", NULL,
        " <x\n>\n", {{"p", "<{{$a}}{{/a}}>\n"}}},
    {"an_argument_inside_a_block_loses_the_margin_of_both",
        "{{<p}}{{$a}}\n    x\n    {{<q}}{{$b}}\n        one\n    two\n    "
        "{{/b}}{{/q}}\n{{/a}}{{/p}}",
        NULL, "x\none\ntwo\n", {{"p", "{{$a}}\n{{/a}}\n"}, {"q", "{{$b}}\n{{/b}}\n"}}},
    {"behind_a_block_lines_keep_their_margin", "{{$a}}\n  x\n{{/a}}\n  y\n", NULL, "x\n  y\n",
        {{0}}},
    {"a_line_that_begins_with_a_variable_is_moved_too", "{{<p}}{{$a}}\n    {{v}}\n{{/a}}{{/p}}",
        "{\"v\":1}", "-\n  1\n", {{"p", "-\n  {{$a}}\n  {{/a}}\n"}}},
    {"a_false_section_in_an_argument_leaves_no_blanks",
        "{{<p}}{{$a}}\n{{#s}}\nx\n{{/s}}\n{{/a}}{{/p}}", NULL, "-\n-\n",
        {{"p", "-\n  {{$a}}\n  {{/a}}\n-\n"}}},
};

static const struct render_case dynamic[] = {
    {"a_dynamic_partial_is_named_by_a_variable", "{{>*which}}", "{\"which\":\"a\"}", "A",
        {{"a", "A"}, {"which", "no"}}},
    {"blanks_around_the_star_do_not_matter", "{{> * which }}|{{>*  which}}", "{\"which\":\"a\"}",
        "A|A", {{"a", "A"}}},
    {"its_name_may_be_dotted", "{{>*x.y}}", "{\"x\":{\"y\":\"a\"}}", "A",
        {{"a", "A"}, {"x.y", "no"}}},
    {"its_name_is_looked_up_like_any_variable", "{{#l}}{{>*k}}{{/l}}",
        "{\"l\":[{\"k\":\"a\"},{\"k\":\"b\"},{}],\"k\":\"b\"}", "ABB", {{"a", "A"}, {"b", "B"}}},
    {"the_implicit_iterator_names_too", "{{#l}}{{>*.}}{{/l}}", "{\"l\":[\"a\",\"b\"]}", "AB",
        {{"a", "A"}, {"b", "B"}}},
    {"a_broken_name_gives_nothing", "({{>*x.z.y}}{{>*none}}{{>*n}})", "{\"x\":{},\"n\":5}", "()",
        {{"none", "no"}}},
    {"a_second_star_is_part_of_a_name_that_nothing_has", "({{>**k}}{{>*x.*k}})",
        "{\"k\":\"a\",\"a\":\"a\",\"x\":{\"a\":\"a\"}}", "()", {{"a", "A"}}},
    {"it_indents_and_takes_its_line", ">\n  {{>*k}}\n<\n", "{\"k\":\"a\"}", ">\n  1\n  2\n<\n",
        {{"a", "1\n2\n"}}},
    {"it_takes_a_line_with_crlf", "|\r\n{{>*k}}\r\n|", "{\"k\":\"a\"}", "|\r\n>|", {{"a", ">"}}},
    {"in_running_text_it_does_neither", "  {{v}}  {{>*k}}\n", "{\"k\":\"a\",\"v\":\"|\"}",
        "  |  >\n>\n", {{"a", ">\n>"}}},
    {"a_parent_may_be_dynamic", "{{<*k}}{{$b}}x{{/b}}{{/*k}}", "{\"k\":\"a\"}", "[x]",
        {{"a", "[{{$b}}{{/b}}]"}}},
    {"what_it_includes_recurses_over_the_data", "{{>*t}}",
        "{\"t\":\"n\",\"v\":1,\"c\":[{\"v\":2,\"c\":[]}]}", "1<2<>>",
        {{"n", "{{v}}<{{#c}}{{>*t}}{{/c}}>"}}},
};

static void arguments_replace_blocks(void **state)
{
    (void)state;
    check_cases(substitution, COUNT_OF(substitution));
}

static void elements_keep_lines_and_indentation(void **state)
{
    (void)state;
    check_cases(layout, COUNT_OF(layout));
}

static void names_may_come_from_data(void **state)
{
    (void)state;
    check_cases(dynamic, COUNT_OF(dynamic));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_replace_blocks),
        cmocka_unit_test(elements_keep_lines_and_indentation),
        cmocka_unit_test(names_may_come_from_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
