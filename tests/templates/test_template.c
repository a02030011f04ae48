/* The language: interpolation, sections, comments, delimiters, partials, and lines that tags take
 * with them. */
#include "tests/templates/render_case.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct render_case interpolation[] = {
    {"text_without_tags_stays", "Hello { you } }} \n", NULL, "Hello { you } }} \n", {{0}}},
    {"an_empty_template_is_empty", "", NULL, "", {{0}}},
    {"a_variable_shows_its_text", "Hi {{name}}!", "{\"name\":\"Ana\"}", "Hi Ana!", {{0}}},
    {"html_is_escaped", "{{x}}", "{\"x\":\"& \\\" < > '\"}", "&amp; &quot; &lt; &gt; &#39;", {{0}}},
    {"triple_braces_and_ampersand_do_not_escape", "{{{x}}} {{&x}} {{& x }} {{{ x }}}",
        "{\"x\":\"<&\\\">\"}", "<&\"> <&\"> <&\"> <&\">", {{0}}},
    {"a_brace_after_triple_braces_is_text", "{{{x}}}}", "{\"x\":\"1\"}", "1}", {{0}}},
    {"a_tag_may_span_lines", "{{\n x\n}}", "{\"x\":\"1\"}", "1", {{0}}},
    {"numbers_show_as_they_are", "{{i}} {{r}} {{n}} {{&i}} {{{r}}}",
        "{\"i\":85,\"r\":1.21,\"n\":-3}", "85 1.21 -3 85 1.21", {{0}}},
    {"zero_and_booleans_show", "{{z}} {{t}} {{f}}", "{\"z\":0,\"t\":true,\"f\":false}",
        "0 true false", {{0}}},
    {"null_shows_nothing", "({{x}}{{{x}}}{{&x}})", "{\"x\":null}", "()", {{0}}},
    {"absent_shows_nothing", "({{x}}{{{x}}}{{&x}}{{x.y}})", NULL, "()", {{0}}},
    {"dotted_names_go_into_objects", "{{a.b.c}} {{#a}}{{b.c}}{{/a}}",
        "{\"a\":{\"b\":{\"c\":\"deep\"}}}", "deep deep", {{0}}},
    {"a_broken_chain_shows_nothing", "({{a.b.c}})", "{\"a\":{\"d\":1},\"b\":{\"c\":2}}", "()",
        {{0}}},
    {"a_chain_through_text_shows_nothing", "({{a.length}}{{a.0}})", "{\"a\":\"text\"}", "()",
        {{0}}},
    {"only_the_first_part_is_looked_up_outwards", "{{#a}}{{b.c}}{{/a}}",
        "{\"a\":{\"b\":{}},\"b\":{\"c\":\"no\"}}", "", {{0}}},
    {"a_null_nearby_hides_a_value_further_out", "{{#a}}({{x}}){{/a}}",
        "{\"a\":{\"x\":null},\"x\":\"far\"}", "()", {{0}}},
    {"the_dot_is_the_context_itself", "{{#l}}{{.}},{{/l}}", "{\"l\":[\"a\",1,2.5,true,\"<\"]}",
        "a,1,2.5,true,&lt;,", {{0}}},
    {"the_dot_works_raw_and_at_the_top", "{{.}} {{{.}}} {{&.}}", "\"<\"", "&lt; < <", {{0}}},
    {"blanks_around_are_kept", "| {{x}} |\n  {{x}}\n", "{\"x\":1}", "| 1 |\n  1\n", {{0}}},
    {"an_object_shows_nothing", "({{o}}{{l}})", "{\"o\":{\"a\":1},\"l\":[1]}", "()", {{0}}},
    {"keys_with_odd_signs_work", "{{a-b}}{{a:b}}{{ä}}{{@x}}",
        "{\"a-b\":1,\"a:b\":2,\"ä\":3,\"@x\":4}", "1234", {{0}}},
};

static const struct render_case sections[] = {
    {"truth_shows_and_falsehood_hides",
        "{{#t}}T{{/t}}{{#f}}F{{/f}}{{#n}}N{{/n}}{{#a}}A{{/a}}{{#e}}E{{/e}}{{#s}}S{{/s}}{{#z}}Z{{/"
        "z}}",
        "{\"t\":true,\"f\":false,\"n\":null,\"e\":[],\"s\":\"\",\"z\":0}", "TZ", {{0}}},
    {"inverted_is_the_other_way_round",
        "{{^t}}T{{/t}}{{^f}}F{{/f}}{{^n}}N{{/n}}{{^a}}A{{/a}}{{^e}}E{{/e}}{{^l}}L{{/l}}{{^o}}O{{/"
        "o}}",
        "{\"t\":true,\"f\":false,\"n\":null,\"e\":[],\"l\":[0],\"o\":{}}", "FNAE", {{0}}},
    {"an_object_becomes_the_context", "{{#o}}{{x}}{{y}}{{/o}}", "{\"o\":{\"x\":1},\"y\":2}", "12",
        {{0}}},
    {"outer_contexts_stay_visible", "{{#a}}{{#b}}{{#c}}{{x}}{{y}}{{z}}{{c.z}}{{/c}}{{/b}}{{/a}}",
        "{\"a\":{\"x\":1},\"b\":{\"y\":2},\"c\":{\"z\":3}}", "1233", {{0}}},
    {"a_list_repeats", "{{#l}}<{{n}}>{{/l}}", "{\"l\":[{\"n\":1},{\"n\":2},{\"n\":3}]}",
        "<1><2><3>", {{0}}},
    {"lists_nest", "{{#l}}({{#.}}{{.}}{{/.}}){{/l}}", "{\"l\":[[1,2],[3],[]]}", "(12)(3)()", {{0}}},
    {"sections_of_one_name_nest", "{{#b}}A{{#b}}B{{/b}}C{{^b}}D{{/b}}{{/b}}", "{\"b\":true}", "ABC",
        {{0}}},
    {"two_sections_of_one_name_both_show", "{{#b}}1{{/b}}2{{#b}}3{{/b}}", "{\"b\":true}", "123",
        {{0}}},
    {"dotted_names_open_sections",
        "{{#a.b}}yes{{/a.b}}{{^a.c}}no{{/a.c}}{{^a.b.c.d}}none{{/a.b.c.d}}", "{\"a\":{\"b\":true}}",
        "yesnonone", {{0}}},
    {"blanks_in_tags_do_not_matter", "{{# b }}1{{/ b }}{{ # b }}2{{ / b}}{{ ^ c }}3{{ /c }}",
        "{\"b\":1}", "123", {{0}}},
    {"a_value_as_context_shows_by_dot", "{{#x}}{{.}}{{/x}}", "{\"x\":\"v\"}", "v", {{0}}},
    {"an_element_hides_outer_names", "{{#l}}{{n}}{{/l}}",
        "{\"n\":\"far\",\"l\":[{\"n\":\"near\"},{}]}", "nearfar", {{0}}},
    {"surrounding_blanks_stay", " | {{#b}}\t|\t{{/b}} | \n", "{\"b\":true}", " | \t|\t | \n",
        {{0}}},
};

static const struct render_case lines[] = {
    {"section_tags_alone_take_their_lines", "a\n{{#b}}\nx\n{{/b}}\nc\n", "{\"b\":1}", "a\nx\nc\n",
        {{0}}},
    {"indented_ones_too", "a\n  {{#b}}\nx\n\t{{/b}} \nc\n", "{\"b\":1}", "a\nx\nc\n", {{0}}},
    {"a_hidden_section_leaves_nothing", "a\n{{#b}}\nx\n{{/b}}\nc\n", NULL, "a\nc\n", {{0}}},
    {"inverted_tags_take_their_lines", "a\n{{^b}}\nx\n{{/b}}\nc\n", NULL, "a\nx\nc\n", {{0}}},
    {"crlf_goes_with_the_line", "|\r\n{{#b}}\r\nx\r\n{{/b}}\r\n|", "{\"b\":1}", "|\r\nx\r\n|",
        {{0}}},
    {"no_line_before", "  {{#b}}\n#{{/b}}\n/", "{\"b\":1}", "#\n/", {{0}}},
    {"no_newline_after", "#{{#b}}\n/\n  {{/b}}", "{\"b\":1}", "#\n/\n", {{0}}},
    {"two_tags_on_a_line_leave_it", "{{#a}}{{#b}}\nx\n{{/b}}{{/a}}\n", "{\"a\":1,\"b\":1}",
        "\nx\n\n", {{0}}},
    {"text_on_the_line_leaves_it", "{{#b}} x\n{{/b}}y\n", "{\"b\":1}", " x\ny\n", {{0}}},
    {"a_variable_never_takes_its_line", "a\n  {{x}}\nb", NULL, "a\n  \nb", {{0}}},
    {"a_comment_takes_its_line", "a\n  {{! note }}  \nb\n{{! c }}", NULL, "a\nb\n", {{0}}},
    {"a_comment_over_several_lines_too", "a\n {{!\n one\n two\n}}\nb", NULL, "a\nb", {{0}}},
    {"a_comment_in_a_line_leaves_the_blanks", "a {{! note }} b", NULL, "a  b", {{0}}},
    {"a_comment_takes_crlf", "|\r\n{{! x }}\r\n|", NULL, "|\r\n|", {{0}}},
    {"a_comment_may_look_like_a_tag", "{{! {{x }}|{{!x}}|{{!}}", "{\"x\":1}", "||", {{0}}},
    {"delimiter_tags_take_their_lines", "a\n {{=@ @=}} \nb@x@\n", "{\"x\":1}", "a\nb1\n", {{0}}},
    {"a_lone_cr_is_no_newline", "a\n{{#b}}\rx{{/b}}", "{\"b\":1}", "a\n\rx", {{0}}},
    {"a_whole_template_may_vanish", "  {{#b}}  \n  {{/b}}  ", NULL, "", {{0}}},
};

static const struct render_case delimiters[] = {
    {"new_delimiters_hold_from_there_on", "{{x}}{{=<% %>=}}<%x%>{{x}}", "{\"x\":1}", "11{{x}}",
        {{0}}},
    {"odd_signs_will_do", "({{=[ ]=}}[x])", "{\"x\":1}", "(1)", {{0}}},
    {"a_pair_of_one_sign_will_do", "{{=| |=}}|#b|y|/b||^b|n|/b|", "{\"b\":1}", "y", {{0}}},
    {"blanks_around_them_do_not_matter", "{{=   @   @   =}}@x@", "{\"x\":1}", "1", {{0}}},
    {"they_can_be_set_back", "{{=| |=}}|={{ }}=|{{x}}", "{\"x\":1}", "1", {{0}}},
    {"they_hold_across_sections", "{{#b}}{{=| |=}}|x||/b||x|", "{\"b\":1,\"x\":2}", "22", {{0}}},
    {"sections_between_the_old_and_the_new",
        "[\n{{#b}}\n  {{x}}\n  |x|\n{{/b}}\n{{=| |=}}\n|#b|\n  {{x}}\n  |x|\n|/b|\n]\n",
        "{\"b\":1,\"x\":\"v\"}", "[\n  v\n  |x|\n  {{x}}\n  v\n]\n", {{0}}},
    {"a_partial_starts_with_its_own", "{{=| |=}}|>p|", "{\"x\":1}", "1|x|", {{"p", "{{x}}|x|"}}},
    {"a_partial_does_not_change_the_callers", "{{>p}}{{x}}|x|", "{\"x\":1}", "11|x|",
        {{"p", "{{=| |=}}|x|"}}},
    {"raw_braces_work_with_other_delimiters", "{{=<% %>=}}<%{x}%><%&x%>", "{\"x\":\"<\"}", "<<",
        {{0}}},
    {"blanks_in_a_line_stay", "| {{=@ @=}} |", NULL, "|  |", {{0}}},
};

static const struct render_case partials[] = {
    {"a_partial_shows_in_place", "<{{>p}}>", NULL, "<text>", {{"p", "text"}}},
    {"one_that_does_not_exist_is_empty", "<{{>none}}>", NULL, "<>", {{0}}},
    {"it_sees_the_context", "{{#o}}{{>p}}{{/o}}", "{\"o\":{\"x\":1},\"y\":2}", "12",
        {{"p", "{{x}}{{y}}"}}},
    {"it_may_call_itself_over_data", "{{>n}}", "{\"v\":\"X\",\"c\":[{\"v\":\"Y\",\"c\":[]}]}",
        "X<Y<>>", {{"n", "{{v}}<{{#c}}{{>n}}{{/c}}>"}}},
    {"partials_nest", "{{>a}}", "{\"x\":1}", "[(1)]", {{"a", "[{{>b}}]"}, {"b", "({{x}})"}}},
    {"blanks_around_it_stay", "| {{>p}} |", NULL, "| \t|\t |", {{"p", "\t|\t"}}},
    {"in_running_text_it_is_not_indented", "  {{x}}  {{>p}}\n", "{\"x\":\"|\"}", "  |  >\n>\n",
        {{"p", ">\n>"}}},
    {"alone_on_its_line_each_of_its_lines_is_indented", "\\\n {{>p}}\n/\n", "{\"x\":\"<\\n->\"}",
        "\\\n |\n <\n->\n |\n/\n", {{"p", "|\n{{{x}}}\n|\n"}}},
    {"it_takes_crlf", "|\r\n{{>p}}\r\n|", NULL, "|\r\n>|", {{"p", ">"}}},
    {"without_a_line_before", "  {{>p}}\n>", NULL, "  >\n  >>", {{"p", ">\n>"}}},
    {"without_a_newline_after", ">\n  {{>p}}", NULL, ">\n  >\n  >", {{"p", ">\n>"}}},
    {"blank_lines_are_indented_as_well", "  {{>p}}\n", NULL, "  a\n  \n  b\n", {{"p", "a\n\nb\n"}}},
    {"indentation_adds_up", " {{>a}}\n", NULL, " a\n   b\n   b\n a\n",
        {{"a", "a\n  {{>b}}\na\n"}, {"b", "b\nb\n"}}},
    {"lines_that_tags_take_are_not_indented", "  {{>p}}\n", "{\"l\":[1,2]}", "  1\n  2\n",
        {{"p", "{{#l}}\n{{.}}\n{{/l}}\n"}}},
    {"a_line_that_begins_with_a_hidden_section_is", "  {{>p}}\n", NULL, "  a\n  b\n",
        {{"p", "{{#x}}no{{/x}}a\n{{!c}}b\n"}}},
    {"a_closing_tag_before_text_is_indented_inside", "  {{>p}}\n", "{\"b\":1}", "  x\n  y\n",
        {{"p", "{{#b}}\nx\n{{/b}}y\n"}}},
    {"a_repeated_line_is_indented_each_time", "  {{>p}}\n", "{\"l\":[1,2]}", "  1\n  2\n  .\n",
        {{"p", "{{#l}}{{.}}\n{{/l}}.\n"}}},
    {"a_partial_in_the_line_of_an_indented_one_is_not_indented", "  {{>a}}\n", NULL, "  [x\ny]\n",
        {{"a", "[{{>b}}]\n"}, {"b", "x\ny"}}},
    {"blanks_in_the_tag_do_not_matter", "{{> p }}{{ > p}}", NULL, "xx", {{"p", "x"}}},
};

static void variables_show_their_values(void **state)
{
    (void)state;
    check_cases(interpolation, COUNT_OF(interpolation));
}

static void sections_follow_truth_and_lists(void **state)
{
    (void)state;
    check_cases(sections, COUNT_OF(sections));
}

static void tags_alone_take_their_lines(void **state)
{
    (void)state;
    check_cases(lines, COUNT_OF(lines));
}

static void delimiters_can_be_set(void **state)
{
    (void)state;
    check_cases(delimiters, COUNT_OF(delimiters));
}

static void partials_are_indented_line_by_line(void **state)
{
    (void)state;
    check_cases(partials, COUNT_OF(partials));
}

static const struct {
    const char *name, *source, *says;
} malformed[] = {
    {"an_unclosed_tag", "a\nb {{x", "line 2: a tag is not closed: {{x"},
    {"an_unclosed_triple", "{{{x}}", "line 1: a tag is not closed"},
    {"an_unclosed_section", "\n\n{{#a}}", "line 3: never closed: a"},
    {"an_unclosed_block", "{{<p}}{{$a}}{{/p}}",
        "line 1: the section that is open here has another name than p"},
    {"a_closing_tag_of_another_name", "{{#a}}\n{{/b}}",
        "line 2: the section that is open here has another name than b"},
    {"a_closing_tag_alone", "{{/a}}", "line 1: nothing is open that this would close: a"},
    {"a_closing_tag_without_the_star", "{{<*a}}{{/a}}", "has another name than a"},
    {"a_tag_without_a_name", "{{ }}", "line 1: a tag without a name"},
    {"a_section_without_a_name", "{{#}}{{/}}", "line 1: a tag without a name"},
    {"a_name_with_blanks", "{{first name}}", "line 1: a name cannot hold white space: first name"},
    {"delimiters_with_an_equals_sign", "{{== =}}", "line 1: delimiters are two words"},
    {"one_delimiter", "{{=|=}}", "line 1: delimiters are two words"},
    {"three_delimiters", "{{=| | |=}}", "line 1: delimiters are two words"},
    {"very_long_delimiters", "{{=12345678901234567 |=}}", "line 1: delimiters are two words"},
};

static void malformed_templates_are_refused_with_their_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(malformed); i++) {
        AUTO(template_close) struct template *t = NULL;
        struct err e = {0};
        bool ok = template_compile("bad", str_of(malformed[i].source), &t, &e);
        if (ok || e.code != ERR_INPUT || !strstr(e.text, malformed[i].says) ||
            !strstr(e.text, "template bad"))
            fail_msg("%s: \"%s\"", malformed[i].name, ok ? "accepted" : e.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_show_their_values),
        cmocka_unit_test(sections_follow_truth_and_lists),
        cmocka_unit_test(tags_alone_take_their_lines),
        cmocka_unit_test(delimiters_can_be_set),
        cmocka_unit_test(partials_are_indented_line_by_line),
        cmocka_unit_test(malformed_templates_are_refused_with_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
