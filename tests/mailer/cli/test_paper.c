/* paper: columns of wide characters, where lines break, and what never reaches a terminal. */
#include "mailer/cli/paper.h"

#include "tests/base/expect.h"

#include <stdio.h>
#include <stdlib.h>

static void columns_are_counted_as_terminals_do(void **state)
{
    static const struct {
        const char *name, *text;
        int columns;
    } cases[] = {
        {"nothing", "", 0},
        {"ascii", "v=spf1", 6},
        {"han", "域名", 4},
        {"full_width_punctuation", "，。：（）", 10},
        {"latin_with_marks", "Grüße", 5},
        {"a_combining_mark", "e\xcc\x81", 1},
        {"half_width_kana", "ｱ", 1},
        {"hangul", "한국", 4},
        {"an_escape_is_a_question_mark", "\033[31m", 5},
        {"no_utf8_is_a_question_mark_a_byte", "\xff\xfe", 2},
        {"mixed", "SPF 记录", 8},
    };
    (void)state;
    EACH(c, cases)
    expect_int(c->name, paper_width(str_of(c->text)), c->columns);
}

/* What `print` writes; stdout is another stream meanwhile. */
static char *printed(const char *text, int number, void (*print)(const char *text, int number))
{
    char *out = NULL;
    size_t n = 0;
    FILE *terminal = stdout;
    stdout = open_memstream(&out, &n);
    assert_non_null(stdout);
    print(text, number);
    fclose(stdout);
    stdout = terminal;
    return out;
}

static void wrapped(const char *text, int indent)
{
    paper_wrapped(str_of(text), indent);
}

static void cut(const char *text, int room)
{
    paper_cut(text, (size_t)room);
}

#define TEN "一二三四五六七八九十"
#define SIXTY TEN TEN TEN

static void lines_break_where_a_reader_expects_it(void **state)
{
    static const struct {
        const char *name, *text, *lines;
    } cases[] = {
        {"a_short_one", "one two", "  one two\n"},
        {"at_a_blank",
            "a23456789 b23456789 c23456789 d23456789 e23456789 f23456789 g23456789 h23456789",
            "  a23456789 b23456789 c23456789 d23456789 e23456789 f23456789 g23456789\n  "
            "h23456789\n"},
        {"between_wide_characters", SIXTY TEN "甲乙丙丁",
            "  " SIXTY "一二三四五六七八\n  九十甲乙丙丁\n"},
        {"not_before_what_closes", SIXTY "一二三四五六七八。九",
            "  " SIXTY "一二三四五六七\n  八。九\n"},
        {"not_behind_what_opens", SIXTY "一二三四五六七（八）",
            "  " SIXTY "一二三四五六七\n  （八）\n"},
        {"a_word_stays_whole", SIXTY "一二三四五六 quarantine，后",
            "  " SIXTY "一二三四五六\n  quarantine，后\n"},
        {"no_blank_at_the_end_of_a_line", SIXTY "一二三四五六七八 ab",
            "  " SIXTY "一二三四五六七八\n  ab\n"},
    };
    (void)state;
    EACH(c, cases)
    {
        char *out = printed(c->text, 2, wrapped);
        expect_text(c->name, out, c->lines);
        free(out);
    }
}

static void what_is_too_long_is_cut_at_a_whole_character(void **state)
{
    static const struct {
        const char *name, *text, *line;
    } cases[] = {
        {"it_fits", "12345678", "12345678\n"},
        {"ascii", "123456789", "12345...\n"},
        {"wide_and_fits", "一二三四", "一二三四\n"},
        {"wide", "一二三四五", "一二...\n"},
        {"an_escape", "\033]0;x\a", "?]0;x?\n"},
    };
    (void)state;
    EACH(c, cases)
    {
        char *out = printed(c->text, 8, cut);
        expect_text(c->name, out, c->line);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_counted_as_terminals_do),
        cmocka_unit_test(lines_break_where_a_reader_expects_it),
        cmocka_unit_test(what_is_too_long_is_cut_at_a_whole_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
