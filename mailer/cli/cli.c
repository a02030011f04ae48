#include "mailer/cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>

#define FIRST_CODE 1000 /* getopt_long's value of a command's first option; above any character */

static void print_options(const struct command *k, FILE *to)
{
    for (size_t i = 0; i < k->options_n; i++) {
        const struct cli_option *o = &k->options[i];
        char left[64];
        snprintf(
            left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
        fprintf(
            to, strlen(left) > 26 ? "  %s\n  %-26s  %s\n" : "  %-26s%s  %s\n", left, "", o->help);
    }
}

static int print_help(const struct command *k)
{
    printf("usage: parcelpost %s%s%s [options]\n\n%s\n\noptions:\n", k->name,
        k->arguments[0] ? " " : "", k->arguments, k->summary);
    print_options(k, stdout);
    printf("  %-26s  %s\n\nexample:\n%s\n", "--help", "this text", k->example);
    return CLI_FINE;
}

static int print_overview(FILE *to, int code)
{
    fputs("Parcelpost, the post room of an online shop.\n\nusage: parcelpost COMMAND [options]\n\n",
        to);
    for (size_t i = 0; i < cli_commands_n; i++)
        fprintf(to, "  %-14s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    fputs("\n`parcelpost COMMAND --help` shows a command's options and an example, `parcelpost "
          "--version` the version.\n"
          "Exit codes: 0 fine, 1 findings, 2 could not tell, 64 and up wrong usage or failure.\n",
        to);
    return code;
}

int cli_usage(const struct cli *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "parcelpost %s: ", c->command->name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n`parcelpost %s --help` shows how\n", c->command->name);
    va_end(args);
    return EX_USAGE;
}

int cli_fail(const struct cli *c, const struct err *e)
{
    static const int codes[] = {
        [ERR_NONE] = EX_SOFTWARE,
        [ERR_INPUT] = EX_DATAERR,
        [ERR_LIMIT] = EX_DATAERR,
        [ERR_MISSING] = EX_NOINPUT,
        [ERR_CONFLICT] = EX_TEMPFAIL,
        [ERR_DENIED] = EX_NOPERM,
        [ERR_BUSY] = EX_TEMPFAIL,
        [ERR_FULL] = EX_IOERR,
        [ERR_IO] = EX_IOERR,
        [ERR_CORRUPT] = EX_IOERR,
        [ERR_NEWER] = EX_CONFIG,
        [ERR_LIBRARY] = EX_SOFTWARE,
    };
    fprintf(stderr, "parcelpost %s: %s\n", c->command->name, e->text);
    return (size_t)e->code < COUNT_OF(codes) ? codes[e->code] : EX_SOFTWARE;
}

/* Never EX_TEMPFAIL: a timer that tries again on that would do so for ever. */
int cli_taken(const struct cli *c, const struct err *e)
{
    cli_fail(c, e);
    return EX_CANTCREAT;
}

int cli_unreadable(const struct cli *c, const struct err *e)
{
    fprintf(stderr, "parcelpost %s: %s\n", c->command->name, e->text);
    return CLI_UNKNOWN;
}

static void print_rest(const struct faults *faults)
{
    if (faults->n > FAULTS_MAX)
        fprintf(stderr, "... and %zu more\n", faults->n - FAULTS_MAX);
}

void cli_print_faults(const struct faults *faults)
{
    for (const struct fault *f = faults->first; f; f = f->next)
        fprintf(stderr, "%s: %s\n", f->pointer[0] ? f->pointer : "\"\"", f->detail);
    print_rest(faults);
}

void cli_print_setting_faults(const struct conf *conf, const struct faults *faults)
{
    for (const struct fault *f = faults->first; f; f = f->next)
        fprintf(stderr, "%s: %s: %s\n", conf_where(conf, f->pointer, faults->arena), f->pointer,
            f->detail);
    print_rest(faults);
}

static size_t getopt_table(const struct command *k, struct option *out)
{
    size_t n = 0;
    for (; n < k->options_n && n < CLI_MAX_OPTIONS; n++)
        out[n] = (struct option){k->options[n].name,
            k->options[n].value ? required_argument : no_argument, NULL, FIRST_CODE + (int)n};
    out[n++] = (struct option){"help", no_argument, NULL, 'h'};
    out[n] = (struct option){0};
    return n;
}

/* A flag says the same twice; of two values one would be passed over. */
static bool comes_again(const struct cli *c, const struct cli_option *o)
{
    return o->value && !strstr(o->help, "may be repeated") && cli_flag(c, o->name);
}

/* getopt_long takes --rol for --roles: a slip of the pen, and a script that breaks when a second option begins so. */
static bool is_cut_short(const char *word, const char *name)
{
    return strncmp(word, "--", 2) == 0 && strcspn(word + 2, "=") != strlen(name);
}

/* Fills c; gives the exit code when there is nothing left to run, -1 otherwise. */
static int parse_options(struct cli *c, int argc, char **argv)
{
    struct option table[CLI_MAX_OPTIONS + 2];
    getopt_table(c->command, table);
    opterr = 0;
    optind = 0; /* glibc: begin anew, whatever was read before */
    for (int code; (code = getopt_long(argc, argv, ":h", table, NULL)) != -1;) {
        const char *name = code >= FIRST_CODE ? table[code - FIRST_CODE].name : "help";
        const char *word = argv[optind - (optarg == argv[optind - 1] ? 2 : 1)];
        if ((code == 'h' || code >= FIRST_CODE) && is_cut_short(word, name))
            return cli_usage(
                c, "there is no option %.*s; is --%s meant?", (int)strcspn(word, "="), word, name);
        if (code == 'h')
            return print_help(c->command);
        if (code == ':')
            return cli_usage(c, "%s needs a value", argv[optind - 1]);
        if (code < FIRST_CODE)
            return cli_usage(c, "there is no option %s", argv[optind - 1]);
        if (comes_again(c, &c->command->options[code - FIRST_CODE]))
            return cli_usage(c, "--%s takes one value", name);
        if (c->given_n == CLI_MAX_VALUES)
            return cli_usage(c, "more than %d options", CLI_MAX_VALUES);
        c->given[c->given_n].name = name;
        c->given[c->given_n++].value = optarg ? optarg : "";
    }
    c->operands = argv + optind;
    c->operands_n = argc - optind;
    return -1;
}

/* NULL: there is none of that name, which was told. */
static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < cli_commands_n; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    fprintf(stderr, "parcelpost: there is no command '%s'\n\n", name);
    print_overview(stderr, EX_USAGE);
    return NULL;
}

/* `help`, and `help COMMAND` for those who write it in this order. */
static int help(const char *name_or_null)
{
    if (!name_or_null)
        return print_overview(stdout, CLI_FINE);
    const struct command *k = find_command(name_or_null);
    return k ? print_help(k) : EX_USAGE;
}

static int run_command(const struct command *k, int argc, char **argv)
{
    struct cli c = {.command = k};
    int code = parse_options(&c, argc, argv);
    if (code >= 0)
        return code;
    c.arena = arena_open();
    code = k->run(&c);
    arena_close(&c.arena);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "parcelpost %s: standard output: %s\n", k->name, strerror(errno));
        return EX_IOERR;
    }
    return code;
}

int cli_main(int argc, char **argv)
{
    if (argc < 2)
        return print_overview(stderr, EX_USAGE);
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return help(argc > 2 ? argv[2] : NULL);
    if (strcmp(name, "--version") == 0) {
        puts("parcelpost " PARCELPOST_VERSION);
        return CLI_FINE;
    }
    const struct command *k = find_command(name);
    return k ? run_command(k, argc - 1, argv + 1) : EX_USAGE;
}

bool cli_flag(const struct cli *c, const char *name)
{
    return cli_value(c, name, NULL) != NULL;
}

const char *cli_value(const struct cli *c, const char *name, const char *absent)
{
    for (size_t i = c->given_n; i > 0; i--)
        if (strcmp(c->given[i - 1].name, name) == 0)
            return c->given[i - 1].value;
    return absent;
}

size_t cli_values(const struct cli *c, const char *name, const char *out[CLI_MAX_VALUES])
{
    size_t n = 0;
    for (size_t i = 0; i < c->given_n; i++)
        if (strcmp(c->given[i].name, name) == 0)
            out[n++] = c->given[i].value;
    return n;
}
