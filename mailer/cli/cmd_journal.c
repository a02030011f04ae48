#include "base/encode.h"
#include "mailer/cli/cli.h"

static int verify_chain(struct cli *c, struct cli_desk *d, const struct chain *chain, int *code)
{
    struct err e = {0};
    struct chain_report r;
    AUTO(buf_close) struct buf head = {0};
    if (!queue_verify(d->queue, chain->storefront, chain->node, c->arena, &r, &e))
        return cli_fail(c, &e);
    encode_hex(&head, digest_str(&r.head));
    printf("%s/%s: %s, %llu erased, ", chain->storefront, chain->node,
        cli_count(c, r.rows, "row", "rows"), (unsigned long long)r.erased);
    if (r.broken_seq == 0) {
        printf("whole, head %s\n", buf_text(&head));
    } else {
        printf("BROKEN at row %lld: %s\n", (long long)r.broken_seq, r.broken_why);
        *code = CLI_FINDINGS;
    }
    return CLI_FINE;
}

static int verify(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    struct chain *chains;
    size_t n;
    int code = CLI_FINE;
    if (!queue_chains(d->queue, c->arena, &chains, &n, &e))
        return cli_fail(c, &e);
    for (size_t i = 0; i < n; i++) {
        int failure = verify_chain(c, d, &chains[i], &code);
        if (failure != CLI_FINE)
            return failure;
    }
    printf("%s %s\n", cli_count(c, n, "chain", "chains"),
        code == CLI_FINE ? "verified" : "checked, not all whole");
    return code;
}

static int run(struct cli *c)
{
    static const struct cli_verb verbs[] = {{"verify", NULL, "", verify}};
    return cli_run_verb(c, verbs, COUNT_OF(verbs));
}

static const struct cli_option options[] = {CLI_CONFIG_OPTION, CLI_STOREFRONT_OPTION};

const struct command cmd_journal = {
    .name = "journal",
    .arguments = "verify",
    .summary = "verify the hash chains of the decision log",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost journal verify",
    .run = run,
};
