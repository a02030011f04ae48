#include "mailer/cli/cli.h"

#include "tests/base/expect.h"

#include <getopt.h>

/* What the one command of this suite saw. */
static struct {
    bool ran;
    bool flag;
    char value[32], operands[64], values[128];
} seen;

static int run(struct cli *c)
{
    const char *values[CLI_MAX_VALUES];
    size_t n = cli_values(c, "zone", values);

    seen.ran = true;
    seen.flag = cli_flag(c, "json");
    snprintf(seen.value, sizeof seen.value, "%s", cli_value(c, "max", "absent"));
    seen.operands[0] = seen.values[0] = 0;
    for (int i = 0; i < c->operands_n; i++)
        snprintf(seen.operands + strlen(seen.operands), 20, "%s ", c->operands[i]);
    for (size_t i = 0; i < n && i < 4; i++)
        snprintf(seen.values + strlen(seen.values), 20, "%s ", values[i]);
    return 7;
}

static const struct cli_option options[] = {
    {"json", NULL, "print JSON"},
    {"max", "N", "how many"},
    {"zone", "FILE", "may be repeated"},
};
static const struct command cmd_probe = {.name = "probe",
    .arguments = "WORD...",
    .summary = "for tests",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost probe",
    .run = run};

/* In place of commands.c, which the linker then leaves out. */
const struct command *const cli_commands[] = {&cmd_probe};
const size_t cli_commands_n = 1;

static int call(const char *const *words)
{
    char *argv[80] = {(char[]){"parcelpost"}};
    int argc = 1;

    memset(&seen, 0, sizeof seen);
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    return cli_main(argc, argv);
}

static void options_and_operands_stand_in_any_order(void **state)
{
    static const struct {
        const char *name;
        const char *words[8];
        bool flag;
        const char *value, *operands, *values;
    } table[] = {
        {"nothing", {"probe"}, false, "absent", "", ""},
        {"operands only", {"probe", "a", "b"}, false, "absent", "a b ", ""},
        {"option before", {"probe", "--max", "5", "a"}, false, "5", "a ", ""},
        {"option behind", {"probe", "a", "--max", "5"}, false, "5", "a ", ""},
        {"with equals sign", {"probe", "--max=5", "a"}, false, "5", "a ", ""},
        {"a flag", {"probe", "a", "--json", "b"}, true, "absent", "a b ", ""},
        {"a flag twice", {"probe", "--json", "--json"}, true, "absent", "", ""},
        {"repeated", {"probe", "--zone", "x", "--zone=y"}, false, "absent", "", "x y "},
        {"behind --", {"probe", "--json", "--", "--max"}, true, "absent", "--max ", ""},
        {"standard input", {"probe", "-"}, false, "absent", "- ", ""},
        {"a value that looks like an option", {"probe", "--max", "--ma"}, false, "--ma", "", ""},
        {"an empty value", {"probe", "--max="}, false, "", "", ""},
    };
    (void)state;

    EACH(row, table)
    {
        expect_int(row->name, call(row->words), 7);
        expect_int(row->name, seen.flag, row->flag);
        expect_text(row->name, seen.value, row->value);
        expect_text(row->name, seen.operands, row->operands);
        expect_text(row->name, seen.values, row->values);
    }
}

static void wrong_usage_runs_nothing_and_gives_64(void **state)
{
    static const struct {
        const char *name;
        const char *words[6];
    } table[] = {
        {"no command", {NULL}},
        {"an unknown command", {"prob"}},
        {"help of an unknown command", {"help", "prob"}},
        {"an unknown option", {"probe", "--no-such"}},
        {"an unknown letter", {"probe", "-x"}},
        {"a flag cut short", {"probe", "--js"}},
        {"an option cut short", {"probe", "--ma", "1"}},
        {"an option cut short, with an equals sign", {"probe", "--ma=1"}},
        {"help cut short", {"probe", "--he"}},
        {"a value that is missing", {"probe", "--max"}},
        {"a flag with a value", {"probe", "--json=1"}},
        {"two values of which one would count", {"probe", "--max", "1", "--max", "2"}},
        {"the same twice", {"probe", "--max=1", "--max=1"}},
    };
    (void)state;

    EACH(row, table)
    {
        expect_int(row->name, call(row->words), EX_USAGE);
        expect(row->name, !seen.ran, "no command to run");
    }
}

static void more_options_than_there_is_room_for_are_wrong_usage(void **state)
{
    const char *words[CLI_MAX_VALUES + 3] = {"probe"};
    (void)state;

    for (size_t i = 1; i <= CLI_MAX_VALUES; i++)
        words[i] = "--json";
    assert_int_equal(call(words), 7);
    words[CLI_MAX_VALUES + 1] = "--json";
    assert_int_equal(call(words), EX_USAGE);
}

static void help_and_version_run_nothing_and_are_fine(void **state)
{
    static const char *const table[][3] = {{"--help"}, {"-h"}, {"help"}, {"--version"},
        {"probe", "--help"}, {"probe", "-h"}, {"help", "probe"}};
    (void)state;

    EACH(row, table)
    {
        expect_int((*row)[0], call(*row), CLI_FINE);
        expect((*row)[0], !seen.ran, "no command to run");
    }
}

static void exit_codes_follow_the_kind_of_error(void **state)
{
    static const struct {
        const char *name;
        enum err_code code;
        int exit;
    } table[] = {
        {"input", ERR_INPUT, EX_DATAERR},
        {"limit", ERR_LIMIT, EX_DATAERR},
        {"missing", ERR_MISSING, EX_NOINPUT},
        {"denied", ERR_DENIED, EX_NOPERM},
        {"busy", ERR_BUSY, EX_TEMPFAIL},
        {"io", ERR_IO, EX_IOERR},
        {"newer", ERR_NEWER, EX_CONFIG},
        {"library", ERR_LIBRARY, EX_SOFTWARE},
    };
    const struct cli c = {.command = &cmd_probe};
    (void)state;

    EACH(row, table)
    {
        struct err e = {.code = row->code, .text = "why"};
        expect_int(row->name, cli_fail(&c, &e), row->exit);
        expect_int(row->name, cli_taken(&c, &e), EX_CANTCREAT);
        expect_int(row->name, cli_unreadable(&c, &e), CLI_UNKNOWN);
    }
}

static void one_is_not_counted_as_many(void **state)
{
    static const struct {
        uint64_t n;
        const char *text;
    } table[] = {{0, "0 messages"}, {1, "1 message"}, {2, "2 messages"}, {11, "11 messages"}};
    AUTO(arena_close) struct arena *a = arena_open();
    struct cli c = {.arena = a};
    (void)state;

    EACH(row, table)
    expect_str(row->text, str_of(cli_count(&c, row->n, "message", "messages")), str_of(row->text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_not_counted_as_many),
        cmocka_unit_test(options_and_operands_stand_in_any_order),
        cmocka_unit_test(wrong_usage_runs_nothing_and_gives_64),
        cmocka_unit_test(more_options_than_there_is_room_for_are_wrong_usage),
        cmocka_unit_test(help_and_version_run_nothing_and_are_fine),
        cmocka_unit_test(exit_codes_follow_the_kind_of_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
