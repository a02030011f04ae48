#include "base/encode.h"
#include "mailer/cli/cli.h"
#include "queue/backup.h"

static struct js *value_of(const struct backup_copy *c, const char *to)
{
    struct js *o = js_object();
    AUTO(buf_close) struct buf sum = {0};
    char taken[CLOCK_RFC3339_SIZE];

    clock_rfc3339(c->taken_ms, taken);
    encode_hex(&sum, digest_str(&c->sum));
    js_set_cstr(o, "file", backup_file(c->part));
    js_set_cstr(o, "folder", to);
    js_set_cstr(o, "taken_at", taken);
    js_set_int(o, "version", c->version);
    js_set_bool(o, "sandbox", c->origin == BACKUP_OF_SANDBOX);
    js_set_int(o, "bytes", (int64_t)c->bytes);
    js_set_text(o, "sha256", buf_str(&sum));
    js_set_cstr(o, "checked", "structure");
    return o;
}

/* Checked is what sqlite_copy checks: no more may be said. */
static void print_text(const struct backup_copy *c, const char *to)
{
    char taken[CLOCK_RFC3339_SIZE];

    clock_rfc3339(c->taken_ms, taken);
    printf("%s: %s as of %s, %llu bytes, structure checked\n", to, backup_file(c->part), taken,
        (unsigned long long)c->bytes);
}

/* Told as text, or in `said`: one object, in which a second copy stands as "keys". */
static bool take(struct cli *c, const struct conf *conf, enum backup_part part, const char *to,
    struct js **said, struct err *e)
{
    struct backup_copy copy;

    if (!backup_take(conf->data_dir, part, to, clock_system(), &copy, e))
        return false;
    if (!cli_flag(c, "json"))
        print_text(&copy, to);
    else if (*said)
        js_set(*said, "keys", value_of(&copy, to));
    else
        *said = value_of(&copy, to);
    return true;
}

/* The keys come second: backup.h says why. */
static int run(struct cli *c)
{
    const char *keys = cli_value(c, "keys", NULL);
    AUTO(conf_close) const struct conf *conf = NULL;
    AUTO(js_close) struct js *said = NULL;
    struct err e = {0};
    int code;

    if (c->operands_n > 1)
        return cli_usage(c, "the queue goes into one folder, not '%s' too", c->operands[1]);
    if (c->operands_n == 0 && !keys)
        return cli_usage(
            c, "say a new folder for the queue, or --keys and one for the keys, or both");
    if (c->operands_n == 1 && keys && backup_is_one_place(c->operands[0], keys))
        return cli_usage(c,
            "queue and keys go into folders of their own, not both into '%s': a key that is erased "
            "must soon be gone from every copy",
            keys);
    if (!cli_conf(c, &conf, &code))
        return code;
    bool fine = (c->operands_n == 0 || take(c, conf, BACKUP_QUEUE, c->operands[0], &said, &e)) &&
                (!keys || take(c, conf, BACKUP_KEYS, keys, &said, &e));
    if (said)
        cli_print_json(said); /* the first copy stands, whatever became of the second */
    if (!fine)
        return e.code == ERR_CONFLICT ? cli_taken(c, &e) : cli_fail(c, &e);
    if (c->operands_n > 0 && !cli_flag(c, "json"))
        puts(
            "what its rows say is checked by restore: the journal's chains, and that every message "
            "has its key");
    if (!keys && !cli_flag(c, "json"))
        puts("the persons' keys are not in it: --keys DIR copies them, to be kept apart and for a "
             "shorter time");
    return CLI_FINE;
}

static const struct cli_option options[] = {
    CLI_CONFIG_OPTION,
    {"keys", "DIR", "copy the persons' keys too (alone without the other folder), into this one"},
    CLI_JSON_OPTION,
};

const struct command cmd_backup = {
    .name = "backup",
    .arguments = "[DIR]",
    .summary =
        "copy the queue of a running service, check the structure of the copy, and apart from "
        "it the persons' keys",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost backup /backup/queue-2026-11-28 --keys /backup-keys/2026-11-28",
    .run = run,
};
