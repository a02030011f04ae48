#include "mailer/cli/cli.h"

static bool read_roles(const char *text, unsigned *out)
{
    struct str rest = str_of(text), word;
    *out = 0;
    while (str_next(&rest, ',', &word)) {
        size_t i = 0;
        while (i < KEY_ROLES && !str_is(str_trim(word), key_roles[i].name))
            i++;
        if (i == KEY_ROLES)
            return false;
        *out |= key_roles[i].role;
    }
    return *out != 0;
}

static void print_roles(unsigned mask)
{
    const char *separator = "";
    for (size_t i = 0; i < KEY_ROLES; i++)
        if (mask & key_roles[i].role) {
            printf("%s%s", separator, key_roles[i].name);
            separator = ",";
        }
}

static int create(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    struct api_key key;
    const char *secret;
    unsigned mask;
    struct actor who = {cli_actor(c), ""};
    if (!read_roles(cli_value(c, "roles", "send,read"), &mask))
        return cli_usage(c, "--roles takes send, read, review and admin, separated by commas");
    if (!queue_key_create(d->queue, d->storefront, cli_value(c, "label", ""), mask, who, c->arena,
            &key, &secret, &e))
        return cli_fail(c, &e);
    if (cli_flag(c, "quiet")) {
        printf("%s\n", secret);
        return CLI_FINE;
    }
    printf("%s\n\nThis is the key %s of storefront %s. It is shown this once; Parcelpost keeps "
           "only a hash.\n",
        secret, key.id, d->storefront);
    return CLI_FINE;
}

static int list(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    struct api_key *keys;
    size_t n;
    if (!queue_keys(d->queue, d->storefront, c->arena, &keys, &n, &e))
        return cli_fail(c, &e);
    for (size_t i = 0; i < n; i++) {
        char at[CLOCK_RFC3339_SIZE];
        clock_rfc3339(keys[i].created_ms, at);
        printf("%s  %s  ", keys[i].id, at);
        print_roles(keys[i].roles);
        printf("  %s%s\n", keys[i].label, keys[i].revoked_ms ? "  (revoked)" : "");
    }
    return CLI_FINE;
}

static int revoke(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    enum change_result result;
    struct actor who = {cli_actor(c), cli_value(c, "why", "")};
    if (!queue_key_revoke(d->queue, d->storefront, c->operands[0], who, &result, &e))
        return cli_fail(c, &e);
    if (result == CHANGE_NOT_FOUND) {
        fprintf(
            stderr, "parcelpost key: storefront %s has no key %s\n", d->storefront, c->operands[0]);
        return CLI_FINDINGS;
    }
    printf("%s %s\n", c->operands[0], result == CHANGE_DONE ? "revoked" : "was revoked before");
    return CLI_FINE;
}

static int run(struct cli *c)
{
    static const struct cli_verb verbs[] = {
        {"create", NULL, "label roles quiet", create},
        {"list", NULL, "", list},
        {"revoke", "a key's ID", "why", revoke},
    };
    return cli_run_verb(c, verbs, COUNT_OF(verbs));
}

static const struct cli_option options[] = {
    CLI_CONFIG_OPTION,
    CLI_STOREFRONT_OPTION,
    {"label", "TEXT", "create: what the key is for"},
    {"roles", "ROLE,...", "create: send, read, review, admin (default: send,read)"},
    {"quiet", NULL, "create: print the secret alone"},
    {"why", "TEXT", "revoke: the reason, for the journal"},
};

const struct command cmd_key = {
    .name = "key",
    .arguments = "create|list|revoke KEY",
    .summary = "API keys of a storefront",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost key create --storefront acme --label 'web shop' --roles send,read",
    .run = run,
};
