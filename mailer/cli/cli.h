/* cli -- what the subcommands share: options, help, exit codes, and opening settings, store and
 * DNS.
 *
 * Each subcommand is one file with one function, listed in the table of commands.c. Its options are
 * a table, too:
 * `--help` is printed from it, with an example.
 * Exit codes: 0 fine, 1 findings or a negative verdict, 2 could not tell, 64 and up wrong usage or
 * failure (sysexits.h). Errors go to stderr as "parcelpost COMMAND: text"; results to stdout. One
 * thread; commands may exit through their return value only. */
#ifndef MAILER_CLI_CLI_H
#define MAILER_CLI_CLI_H

#include "base/arena.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/keyring.h"
#include "dns/resolver.h"
#include "queue/queue.h"

#include <stdio.h>
#include <sysexits.h>

struct cli;

enum { CLI_FINE = 0, CLI_FINDINGS = 1, CLI_UNKNOWN = 2 };

struct cli_option {
    const char *name;  /* "zone" for --zone */
    const char *value; /* what the help calls its value, "FILE"; NULL = a flag */
    const char *help;
};

struct command {
    const char *name;
    const char *arguments; /* "list|show ID|hold ID" */
    const char *summary;
    const struct cli_option *options;
    size_t options_n;
    const char *example; /* one line or more, printed by --help */
    int (*run)(struct cli *c);
};

#define CLI_MAX_VALUES 64

/* One invocation: parsed options and operands. */
struct cli {
    const struct command *command;
    struct {
        const char *name, *value;
    } given[CLI_MAX_VALUES];
    size_t given_n;
    char **operands;
    int operands_n;
    struct arena *arena; /* of the whole invocation */
};

extern const struct command *const cli_commands[];
extern const size_t cli_commands_n;

int cli_main(int argc, char **argv);

bool cli_flag(const struct cli *c, const char *name);
const char *cli_value(
    const struct cli *c, const char *name, const char *absent); /* the last one given */
size_t cli_values(const struct cli *c, const char *name, const char **out, size_t max);

/* Each prints the text and gives the exit code to return. */
int cli_usage(const struct cli *c, const char *format, ...) PRINTF(2, 3);
int cli_fail(const struct cli *c,
    const struct err *e); /* by e->code: input 65, missing 66, denied 77, io 74... */

/* --config FILE, else $PARCELPOST_CONFIG, else /etc/parcelpost/parcelpost.conf. Prints every fault.
 */
const char *cli_config_path(const struct cli *c);
bool cli_conf(struct cli *c, const struct conf **out, int *exit_code);

/* The keyring of the settings. A new installation (no keyring, no queue yet) gets one; where a
 * queue exists but its keyring is gone, that is an error: a fresh one could never open what is
 * sealed. */
bool cli_keyring(const struct conf *conf, struct keyring **out, struct err *e);

/* Settings, keyring and queue (QUEUE_TOOL), and the storefront that --storefront or the settings'
 * only one names. */
struct cli_desk {
    const struct conf *conf;
    struct keyring *keys;
    struct metrics *metrics;
    struct queue *queue;
    const char *storefront;
};
bool cli_desk_open(struct cli *c, struct cli_desk *out, int *exit_code);
void cli_desk_close(struct cli_desk *d);

/* A command of several verbs: the first operand names one; it runs on an open desk, without that
 * operand. */
struct cli_verb {
    const char *name;
    int operands; /* how many it takes */
    int (*run)(struct cli *c, struct cli_desk *d);
};
int cli_run_verb(struct cli *c, const struct cli_verb *verbs, size_t n);

/* The resolver that --resolver and --zone ask for; without them the settings' (if there is a file),
 * else /etc/resolv.conf. */
bool cli_resolver(struct cli *c, struct resolver **out, int *exit_code);

/* The whole of a file, or of standard input for "-"; at most max_bytes. */
bool cli_read(const char *path, size_t max_bytes, struct buf *out, struct err *e);
void cli_print_json(const struct js *v); /* pretty on a terminal, compact and a line otherwise */
const char *cli_actor(struct cli *c);    /* "user:NAME", for the journal */

#define CLI_CONFIG_OPTION                                                                          \
    {                                                                                              \
        "config", "FILE",                                                                          \
            "settings (default: $PARCELPOST_CONFIG, /etc/parcelpost/parcelpost.conf)"              \
    }
#define CLI_STOREFRONT_OPTION                                                                      \
    {                                                                                              \
        "storefront", "NAME", "which one, where the settings have several"                         \
    }
#define CLI_JSON_OPTION                                                                            \
    {                                                                                              \
        "json", NULL, "print JSON"                                                                 \
    }
#define CLI_RESOLVER_OPTIONS                                                                       \
    {"resolver", "HOST[:PORT]|none", "ask this DNS server; none: zone files only"},                \
    {                                                                                              \
        "zone", "FILE",                                                                            \
            "a zone file that counts instead of the DNS, at and below its SOA; may be repeated"    \
    }

#endif
