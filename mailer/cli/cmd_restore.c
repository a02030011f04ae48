#include "mailer/cli/cli.h"
#include "queue/backup.h"

static const char *time_text(struct cli *c, int64_t ms)
{
    char *out = arena_alloc(c->arena, CLOCK_RFC3339_SIZE);

    clock_rfc3339(ms, out);
    return out;
}

static void print_keys(struct cli *c, const struct restore_report *r, const char *from)
{
    if (!from)
        puts("keys.db: the one that was in the data folder");
    else
        printf("keys.db: the copy in %s%s%s; persons who were erased since then are back, erase "
               "them again\n",
            from, r->keys.taken_ms ? ", as of " : "",
            r->keys.taken_ms ? time_text(c, r->keys.taken_ms) : "");
    if (r->unreadable > 0)
        puts(cli_count(c, r->unreadable, "message or person has no key and stays unreadable",
            "messages and persons have no key and stay unreadable"));
}

static void print_waiting(struct cli *c, const struct restore_report *r)
{
    if (r->marked == 0) {
        puts("\nNo message waits in the copy.");
        return;
    }
    printf("\n%s would be sent a second time;\n%s marked `unsure`",
        cli_count(c, r->marked, "message waits. If it was delivered after the copy was taken, it",
            "messages wait. Those that were delivered after the copy was taken"),
        r->marked == 1 ? "it is" : "all of them are");
    if (r->held > 0)
        printf(", and %s HELD as `" BACKUP_CODE
               "`. Send them with\n  parcelpost queue release-all " BACKUP_CODE
               " --storefront NAME\nor cancel those that arrived (parcelpost queue cancel ID)",
            cli_count(c, r->held, "is", "are"));
    puts(".");
}

/* At the end, because it is what remains to be looked into. */
static void print_broken(const struct restore_report *r)
{
    const struct broken_chain *b = &r->first_broken;

    if (r->broken == 0)
        return;
    printf("\nThe journal is BROKEN, as it was in the copy: chain %s%s%s, row %lld: %s.\n%s\n",
        b->storefront, b->node[0] ? "/" : "", b->node, (long long)b->seq, b->why,
        b->node[0]
            ? "`parcelpost journal verify` goes on saying so."
            : "A new one begins, which `parcelpost journal verify` may call whole: keep this "
              "text.");
}

static void print_report(struct cli *c, const struct conf *conf, const struct restore_report *r)
{
    const char *taken = time_text(c, r->queue.taken_ms);

    printf(
        "queue.db: the copy in %s, as of %s, now in %s\n", c->operands[0], taken, conf->data_dir);
    if (r->queue.origin == BACKUP_OF_SANDBOX)
        puts("its mail is a sandbox's: only `serve --sandbox` starts on it");
    print_keys(c, r, cli_value(c, "keys", NULL));
    if (*r->moved_to)
        printf("what was there before: %s\n", r->moved_to);
    printf("journal: %s, %llu broken\n", cli_count(c, r->chains, "chain", "chains"),
        (unsigned long long)r->broken);
    print_waiting(c, r);
    printf("\nLOST is what came after %s: accepted messages, outcomes, unsubscribes and other "
           "suppressions,\nidempotency keys, API keys made or revoked. The journal's numbers go on "
           "from there and are used a second time;\neach storefront's row `" BACKUP_CODE
           "` says where.\n"
           "Not part of a copy: settings, templates, DKIM keys and the keyring. Next: start the "
           "service.\n",
        taken);
    print_broken(r);
}

static bool restore(
    struct cli *c, const struct conf *conf, struct restore_report *out, struct err *e)
{
    AUTO(keyring_close) struct keyring *keys = NULL;
    struct restore_setup setup = {.data_dir = conf->data_dir,
        .node = conf->node,
        .clock = clock_system(),
        .queue_copy = c->operands[0],
        .keys_copy = cli_value(c, "keys", NULL),
        .force = cli_flag(c, "force"),
        .release = cli_flag(c, "release"),
        .missing_keys = cli_flag(c, "missing-keys"),
        .broken_journal = cli_flag(c, "broken-journal"),
        .actor = cli_actor(c)};

    if (!cli_keyring_find(conf, &keys, e))
        return false;
    if (!keys)
        return err_set(e, ERR_MISSING,
            "keyring %s is missing: restore it from its own backup first", conf->keyring_file);
    setup.keys = keys;
    return backup_restore(&setup, c->arena, out, e);
}

static int run(struct cli *c)
{
    AUTO(conf_close) const struct conf *conf = NULL;
    struct restore_report r;
    struct err e = {0};
    int code;

    if (c->operands_n == 0)
        return cli_usage(c, "say the folder that `parcelpost backup` made");
    if (c->operands_n > 1)
        return cli_usage(c, "one folder comes back, not '%s' too", c->operands[1]);
    if (!cli_conf(c, &conf, &code))
        return code;
    if (!restore(c, conf, &r, &e))
        return e.code == ERR_CONFLICT ? cli_taken(c, &e) : cli_fail(c, &e);
    print_report(c, conf, &r);
    return r.broken > 0 || r.unreadable > 0 ? CLI_FINDINGS : CLI_FINE;
}

static const struct cli_option options[] = {
    CLI_CONFIG_OPTION,
    {"keys", "DIR", "the copy of the persons' keys; without it the data folder's own keys.db"},
    {"force", NULL, "move what is in the data folder into a folder in there"},
    {"release", NULL, "send what waits in the copy, perhaps a second time, instead of holding it"},
    {"missing-keys", NULL, "go on though the keys are older than the queue"},
    {"broken-journal", NULL, "go on though the copy's journal does not verify"},
};

const struct command cmd_restore = {
    .name = "restore",
    .arguments = "DIR",
    .summary = "put a copy of the queue back into the data folder of a stopped service",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost restore /backup/queue-2026-11-28 --force\n"
               "  parcelpost restore /backup/queue-2026-11-28 --keys /backup-keys/2026-11-28",
    .run = run,
};
