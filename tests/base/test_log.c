#include "base/log.h"
#include "tests/base/expect.h"
#include "tests/support/scratch.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct caught {
    struct buf last;
    size_t n;
};

static void keep(void *state, const char *line)
{
    struct caught *c = state;

    buf_clear(&c->last);
    buf_add_text(&c->last, line);
    c->n++;
}

/* The line behind its time, "" when nothing was logged. */
static const char *behind_time(const struct caught *c)
{
    return c->last.n > 25 ? c->last.p + 25 : "";
}

static void values_cannot_forge_a_line(void **state)
{
    static const struct {
        const char *name;
        struct str value;
        const char *shown;
    } cases[] = {
        {"plain", {"msg_01jd", 8}, "msg_01jd"},
        {"empty_is_quoted", {"", 0}, "\"\""},
        {"a_space", {"a b", 3}, "\"a b\""},
        {"a_line_break", {"a\n2026-01-01T00:00:00.000Z error forged", 39},
            "\"a\\n2026-01-01T00:00:00.000Z error forged\""},
        {"a_carriage_return", {"a\rb", 3}, "\"a\\rb\""},
        {"a_tab", {"a\tb", 3}, "\"a\\tb\""},
        {"a_quote_and_a_pair", {"x\" id=y", 7}, "\"x\\\" id=y\""},
        {"a_backslash", {"a\\b", 3}, "\"a\\\\b\""},
        {"an_equals_sign", {"a=b", 3}, "\"a=b\""},
        {"a_nul", {"a\0b", 3}, "\"a\\x00b\""},
        {"a_terminal_escape", {"\x1b[2J", 4}, "\"\\x1b[2J\""},
        {"eight_bits", {"\xc3\xa4\x9b", 3}, "\"\\xc3\\xa4\\x9b\""},
        {"delete", {"\x7f", 1}, "\"\\x7f\""},
    };
    struct caught c = {0};

    (void)state;
    log_set_sink(keep, &c);
    EACH(row, cases)
    {
        AUTO(buf_close) struct buf want = {0};
        log_info("event", KV_STR("v", row->value), KV_INT("n", -5));
        buf_addf(&want, "info event v=%s n=-5", row->shown);
        expect_text(row->name, behind_time(&c), buf_text(&want));
    }
    log_set_sink(NULL, NULL);
    buf_close(&c.last);
}

static void addresses_are_masked(void **state)
{
    static const struct {
        const char *name, *address, *shown;
    } cases[] = {
        {"usual", "jane.doe@example.com", "j***@example.com"},
        {"one_letter", "j@example.com", "j***@example.com"},
        {"two_at_signs", "\"a@b\"@example.com", "\"\\\"***@example.com\""},
        {"no_local_part", "@example.com", "***@example.com"},
        {"no_at_sign_shows_nothing", "jane.doe", "***"},
        {"empty", "", "***"},
        {"a_line_break_in_the_domain", "j@a\nb", "\"j***@a\\nb\""},
        {"a_letter_of_two_bytes", "\xc3\xa4@b.example", "\"\\xc3***@b.example\""},
    };
    struct caught c = {0};

    (void)state;
    log_set_sink(keep, &c);
    EACH(row, cases)
    {
        AUTO(buf_close) struct buf want = {0};
        log_info("to", KV_ADDR("rcpt", str_of(row->address)));
        buf_addf(&want, "info to rcpt=%s", row->shown);
        expect_text(row->name, behind_time(&c), buf_text(&want));
    }
    log_set_sink(NULL, NULL);
    buf_close(&c.last);
}

static void long_values_are_cut_and_marked(void **state)
{
    struct caught c = {0};
    char value[5000];

    (void)state;
    log_set_sink(keep, &c);
    memset(value, 'x', sizeof value);
    log_info("e", KV_STR("v", str_bytes(value, 1024)), KV_INT("n", 1));
    assert_true(str_ends(buf_str(&c.last), STR("x n=1")));
    log_info("e", KV_STR("v", str_bytes(value, 1025)), KV_INT("n", 1));
    assert_true(str_ends(buf_str(&c.last), STR("x...\" n=1")));
    memset(value, '\n', sizeof value);
    log_info("e", KV_STR("a", str_bytes(value, 5000)), KV_STR("b", str_bytes(value, 5000)),
        KV_STR("c", str_bytes(value, 5000)), KV_INT("d", 1));
    assert_true(c.last.n < 4096);
    assert_true(str_find_char(buf_str(&c.last), '\n', 0) == c.last.n);
    log_set_sink(NULL, NULL);
    buf_close(&c.last);
}

static void lines_below_the_level_are_left_out(void **state)
{
    struct caught c = {0};
    enum log_level level;

    (void)state;
    log_set_sink(keep, &c);
    log_debug("quiet");
    assert_int_equal(c.n, 0);
    log_set_level(LOG_DEBUG);
    log_debug("loud", KV("k", NULL));
    assert_string_equal(behind_time(&c), "debug loud k=\"\"");
    log_set_level(LOG_ERROR);
    log_warning("quiet");
    assert_int_equal(c.n, 1);
    log_error("loud");
    assert_string_equal(behind_time(&c), "error loud");
    log_set_level(LOG_INFO);
    assert_true(log_level_parse(STR("warning"), &level));
    assert_int_equal(level, LOG_WARNING);
    assert_false(log_level_parse(STR("warn"), &level) || log_level_parse(STR("INFO"), &level));
    log_set_sink(NULL, NULL);
    buf_close(&c.last);
}

static void *log_many(void *name)
{
    for (int i = 0; i < 500; i++)
        log_info("from-a-thread", KV("name", name), KV_INT("i", i));
    return NULL;
}

/* Through the real stderr: every line of eight threads must be whole. */
static void threads_write_whole_lines(void **state)
{
    char path[SCRATCH_SIZE], line[256];
    pthread_t threads[8];
    size_t lines = 0;
    int file = scratch_file("log", path), old = dup(STDERR_FILENO);

    (void)state;
    assert_true(file >= 0 && old >= 0 && dup2(file, STDERR_FILENO) >= 0);
    assert_true(fcntl(file, F_SETFL, O_APPEND) == 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, "a name with spaces"), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    dup2(old, STDERR_FILENO);
    close(old);
    lseek(file, 0, SEEK_SET);
    FILE *f = fdopen(file, "r");
    for (; fgets(line, sizeof line, f); lines++) {
        expect_in("a_line", str_of(line), "Z info from-a-thread name=\"a name with spaces\" i=");
        assert_int_equal(line[strlen(line) - 1], '\n');
    }
    fclose(f);
    unlink(path);
    assert_int_equal(lines, 8 * 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_cannot_forge_a_line),
        cmocka_unit_test(addresses_are_masked),
        cmocka_unit_test(long_values_are_cut_and_marked),
        cmocka_unit_test(lines_below_the_level_are_left_out),
        cmocka_unit_test(threads_write_whole_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
