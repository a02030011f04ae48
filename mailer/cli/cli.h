/* cli -- what the subcommands share: options, help, exit codes, and opening settings, queue and DNS.
 *
 * Each subcommand is one file with one function, listed in the table of commands.c. Its options are
 * a table, too: `--help` is printed from it, with an example.
 *
 * Exit codes, of which the first three are a contract with scripts:
 *   0   fine
 *   1   findings, or a negative verdict that the caller should act on
 *   2   could not tell: the DNS failed, or a file could not be read
 *   64+ wrong usage, or a failure of ours, as sysexits.h numbers them
 *
 * Errors go to stderr as "parcelpost COMMAND: text", results to stdout. One thread; a command ends
 * by returning its exit code. */
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
    const char *help;  /* only where it says "may be repeated" a value may come again */
};

#define CLI_MAX_OPTIONS 24 /* of one command */

struct command {
    const char *name;
    const char *arguments; /* "list|show ID|hold ID" */
    const char *summary;
    const struct cli_option *options;
    size_t options_n;
    const char *example; /* one line or more, printed by --help */
    int (*run)(struct cli *c);
};

extern const struct command *const cli_commands[];
extern const size_t cli_commands_n;

/* ---- one invocation -------------------------------------------------------------------------- */

#define CLI_MAX_VALUES 64 /* options given, the repeated ones counted each */

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

int cli_main(int argc, char **argv);

bool cli_flag(const struct cli *c, const char *name);
/* The one given (the last, of those that may be repeated), or `absent`. */
const char *cli_value(const struct cli *c, const char *name, const char *absent);
size_t cli_values(const struct cli *c, const char *name, const char *out[CLI_MAX_VALUES]);

/* Each prints the text and gives the exit code to return. */
int cli_usage(const struct cli *c, const char *format, ...) PRINTF(2, 3);
int cli_fail(const struct cli *c, const struct err *e);       /* 64 and up, by e->code  */
int cli_taken(const struct cli *c, const struct err *e);      /* EX_CANTCREAT           */
int cli_unreadable(const struct cli *c, const struct err *e); /* CLI_UNKNOWN            */
/* One a line, on stderr; the whole is "", as over HTTP. */
void cli_print_faults(const struct faults *faults);
/* Of what settings name, with the place in their file. */
void cli_print_setting_faults(const struct conf *conf, const struct faults *faults);

/* ---- what commands open ---------------------------------------------------------------------- */

/* --config FILE, else $PARCELPOST_CONFIG, else /etc/parcelpost/parcelpost.conf. */
const char *cli_config_path(const struct cli *c);
/* To follow the text of an error from conf_load: where other settings can be named, or who can read these; else "". */
const char *cli_way_out(const struct cli *c, const struct err *e);
/* Prints every fault. Exit codes: EX_CONFIG for wrong settings, CLI_UNKNOWN for an unreadable file. */
bool cli_conf(struct cli *c, const struct conf **out, int *exit_code);
/* The same where settings are in use: named by --config or the environment, or standing, readable,
 * at their usual place. NULL in *out: they are not. */
bool cli_conf_in_use(struct cli *c, const struct conf **out, int *exit_code);
/* The one that --storefront names, else the settings' only one; NULL: *exit_code is set. */
const struct conf_storefront *cli_storefront(
    const struct cli *c, const struct conf *conf, int *exit_code);

/* There are none, so that the command has nothing to work on. Prints that, gives the exit code. */
int cli_no_storefront(const struct cli *c);

/* The keyring of the settings. NULL in *out is a new installation's: no keyring, and no queue yet.
 * Where a queue exists but its keyring is gone, that is an error: a fresh one could never open what
 * is sealed. */
bool cli_keyring_find(const struct conf *conf, struct keyring **out, struct err *e);
/* The same, and makes the keyring of a new installation, but not as root where the data folder is another's. */
bool cli_keyring(const struct conf *conf, struct keyring **out, struct err *e);

/* Settings, keyring and queue (QUEUE_TOOL) of one storefront. */
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
    const char *takes;   /* its one operand, as in "show takes a message's ID"; NULL = none */
    const char *options; /* "since until", those that it heeds beside --config and --storefront */
    int (*run)(struct cli *c, struct cli_desk *d);
};
int cli_run_verb(struct cli *c, const struct cli_verb *verbs, size_t n);
/* False where an option is given that is neither --config nor among these ("since until"): passed over, it would let
 * something else happen than was asked for. */
bool cli_takes(const struct cli *c, const char *verb, const char *options, int *exit_code);

/* The resolver that --resolver and --zone ask for. Without --resolver, that of the settings in use,
 * with their zone files and time-out, as for `serve`; where none are in use, the machine's own
 * (resolv.conf). With it, the settings are not read. A wrong --resolver is wrong usage, a zone file
 * that cannot be read CLI_UNKNOWN, settings fail as in cli_conf. */
bool cli_resolver(struct cli *c, struct resolver **out, int *exit_code);

/* The same in two steps, for a command that works with settings anyway (conf may be NULL). Texts are
 * borrowed from the options and the settings. */
struct cli_dns {
    const char *from; /* "option", "settings", "system" */
    const char *servers[DNS_MAX_SERVERS];
    size_t servers_n;
    const char *zones[DNS_MAX_ZONES];
    size_t zones_n, drafts_n; /* the first drafts_n are those of --zone */
    int64_t timeout_ms;
};
bool cli_dns(struct cli *c, const struct conf *conf, struct cli_dns *out, int *exit_code);
bool cli_resolver_of(struct cli *c, const struct cli_dns *d, struct resolver **out, int *exit_code);

/* The addresses in the text of a resolv.conf(5), at most as many as that takes; 127.0.0.1 when it
 * has none. Those with a scope (fe80::1%eth0) are passed over. */
#define CLI_NAME_SERVERS 3
size_t cli_name_servers(struct str text, struct arena *a, const char *out[CLI_NAME_SERVERS]);

/* The whole of a file, or of standard input for "-". */
bool cli_read(const char *what, const char *path, size_t max_bytes, struct buf *out, struct err *e);
/* As cli_print_json prints it. What a terminal or an editor would obey (C1 controls, marks of direction) stands as \uXXXX. */
void cli_write_json(const struct js *v, enum js_style style, struct buf *out);
void cli_print_json(const struct js *v); /* pretty on a terminal, compact and a line otherwise */
/* "1 message", "2 messages"; in c's arena. */
const char *cli_count(struct cli *c, uint64_t n, const char *one, const char *many);
const char *cli_actor(struct cli *c); /* "user:NAME", for the journal */

/* ---- options that several commands have ------------------------------------------------------ */

/* clang-format off */
#define CLI_CONFIG_OPTION                                                                          \
    {"config", "FILE", "settings (default: $PARCELPOST_CONFIG, /etc/parcelpost/parcelpost.conf)"}
#define CLI_STOREFRONT_OPTION                                                                      \
    {"storefront", "NAME", "which one, where the settings have several"}
#define CLI_JSON_OPTION                                                                            \
    {"json", NULL, "print JSON"}
#define CLI_RESOLVER_OPTIONS                                                                       \
    {"resolver", "HOST[:PORT]|none", "ask this DNS server; none: zone files only"},                \
    {"zone", "FILE", "a zone file that counts instead of the DNS, at and below its SOA; may be repeated"}
/* clang-format on */

#endif
