#include "base/encode.h"
#include "mailer/cli/cli.h"
#include "mailer/comply/comply.h"
#include "mailer/mime/address.h"

#define PAGE 500

static bool read_time(struct cli *c, const char *name, int64_t *out_ms, int *code)
{
    const char *text = cli_value(c, name, NULL);

    if (!text || clock_parse_rfc3339(str_of(text), out_ms))
        return true;
    *code = cli_usage(c, "--%s takes a time such as 2026-11-21T00:00:00Z, not '%s'", name, text);
    return false;
}

/* A filter that nothing can match is refused: its empty answer would be read as "there are none". */
static bool read_filter(
    struct cli *c, const struct cli_desk *d, struct suppression_filter *f, int *code)
{
    AUTO(buf_close) struct buf right = {0};
    struct err e = {0};
    const char *wrong;
    *f = (struct suppression_filter){
        .scope = cli_value(c, "scope", ""),
        .reason = cli_value(c, "reason", ""),
        .origin = cli_value(c, "origin", ""),
        .with_lifted = cli_flag(c, "with-lifted"),
        .max = PAGE,
    };
    if (!read_time(c, "since", &f->since_ms, code) || !read_time(c, "until", &f->until_ms, code))
        return false;
    if (!comply_check_filter(
            d->queue, conf_storefront(d->conf, d->storefront), f, &wrong, &right, &e))
        *code = cli_fail(c, &e);
    else if (*wrong)
        *code = cli_usage(
            c, "--%s must be %s; '%s' is not", wrong, buf_text(&right), cli_value(c, wrong, ""));
    else
        return true;
    return false;
}

static void print_row(const struct suppression *s)
{
    char since[CLOCK_RFC3339_SIZE];
    AUTO(buf_close) struct buf hash = {0};
    clock_rfc3339(s->since_ms, since);
    if (s->address.n == 0)
        encode_hex(&hash, digest_str(&s->person));
    struct str whom = s->address.n > 0 ? s->address : buf_str(&hash);
    printf("%s  %-16s %-18s %-10s " STR_FMT "%s\n", since, s->reason, s->scope, s->origin,
        STR_ARG(whom), s->lifted_ms ? "  (lifted)" : "");
}

static int list(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    struct suppression_filter f;
    int code;
    if (!read_filter(c, d, &f, &code))
        return code;
    AUTO(arena_close) struct arena *page = arena_open();
    for (;;) {
        struct suppression *rows;
        size_t n;
        arena_clear(page);
        if (!queue_suppressions(d->queue, d->storefront, &f, page, &rows, &n, &e))
            return cli_fail(c, &e);
        for (size_t i = 0; i < n; i++)
            print_row(&rows[i]);
        if (n < f.max)
            return CLI_FINE;
        f.after_row = rows[n - 1].row;
    }
}

/* --scope, "*" at first; NULL when it names nothing that mails have. */
static const char *read_scope(struct cli *c, const struct cli_desk *d, int *code)
{
    const char *scope = cli_value(c, "scope", "*");
    const struct conf_storefront *s = conf_storefront(d->conf, d->storefront);
    AUTO(buf_close) struct buf scopes = {0};
    if (comply_scope_is_known(s, str_of(scope)))
        return scope;
    comply_scopes(s, &scopes);
    *code = cli_usage(c, "--scope must be %s; %s is none of them", buf_text(&scopes), scope);
    return NULL;
}

static int refuse_reason(struct cli *c, const char *reason)
{
    return cli_usage(c, "--reason must be " COMPLY_REASON_RULE "; '%s' is not", reason);
}

static int add(struct cli *c, struct cli_desk *d)
{
    int code = EX_USAGE;
    const char *scope = read_scope(c, d, &code);
    if (!scope)
        return code;
    struct err e = {0};
    struct address address;
    bool added;
    struct suppression_new s = {
        .scope = scope,
        .reason = cli_value(c, "reason", "manual"),
        .origin = "staff",
        .evidence = "",
        .actor = cli_actor(c),
        .note = str_of(cli_value(c, "note", "")),
    };
    if (!comply_reason_is_valid(str_of(s.reason)))
        return refuse_reason(c, s.reason);
    if (!address_parse(str_of(c->operands[0]), c->arena, &address, &e) ||
        !queue_suppress(d->queue, d->storefront, address.spec, &s, &added, &e))
        return cli_fail(c, &e);
    printf("%s for %s (%s)\n", added ? "suppressed" : "was suppressed before", s.scope, s.reason);
    return CLI_FINE;
}

/* A person may be suppressed more than once; lifting one of several lets no mail go. */
static bool print_standing(
    struct cli *c, const struct cli_desk *d, const struct address *address, struct err *e)
{
    struct suppression *rows;
    size_t n;
    if (!queue_suppressions_of(d->queue, d->storefront, address->spec, c->arena, &rows, &n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        printf("still suppressed for %s (%s)\n", rows[i].scope, rows[i].reason);
    return true;
}

static int lift(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    struct address address;
    uint64_t lifted;
    struct actor who = {cli_actor(c), cli_value(c, "note", "")};
    const char *reason = cli_value(c, "reason", ""); /* all of them */
    int code = EX_USAGE;
    const char *scope = read_scope(c, d, &code);
    if (!scope)
        return code;
    if (reason[0] && !comply_reason_is_valid(str_of(reason)))
        return refuse_reason(c, reason);
    if (!who.why[0])
        return cli_usage(c, "say why with --note: a lifted suppression is asked about later");
    if (!address_parse(str_of(c->operands[0]), c->arena, &address, &e) ||
        !queue_lift(d->queue, d->storefront, address.spec, scope, reason, who, &lifted, &e))
        return cli_fail(c, &e);
    printf("%llu lifted for %s%s%s\n", (unsigned long long)lifted, scope, reason[0] ? ", " : "",
        reason);
    if (!print_standing(c, d, &address, &e))
        return cli_fail(c, &e);
    return lifted > 0 ? CLI_FINE : CLI_FINDINGS;
}

static bool write_piece(void *context, struct str piece, struct err *e)
{
    return fwrite(piece.p, 1, piece.n, context) == piece.n || err_system(e, "standard output");
}

static int export(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    struct str format = str_of(cli_value(c, "format", "csv"));
    uint64_t rows;
    int code;
    struct export x = {
        .format = str_is(format, "csv") ? EXPORT_CSV : EXPORT_JSON_LINES,
        .with_addresses = cli_flag(c, "with-addresses"),
        .actor = cli_actor(c),
        .why = cli_value(c, "note", ""),
    };
    if (!str_is(format, "csv") && !str_is(format, "jsonl"))
        return cli_usage(c, "--format takes csv or jsonl");
    if (!read_filter(c, d, &x.filter, &code))
        return code;
    if (!comply_export_suppressions(d->queue, d->storefront, &x, write_piece, stdout, &rows, &e))
        return cli_fail(c, &e);
    fprintf(stderr, "%s\n", cli_count(c, rows, "row", "rows"));
    return CLI_FINE;
}

static int run(struct cli *c)
{
    static const struct cli_verb verbs[] = {
        {"list", NULL, "scope reason origin since until with-lifted", list},
        {"add", "an address", "scope reason note", add},
        {"lift", "an address", "scope reason note", lift},
        {"export", NULL, "scope reason origin since until with-lifted format with-addresses note",
            export},
    };
    return cli_run_verb(c, verbs, COUNT_OF(verbs));
}

static const struct cli_option options[] = {
    CLI_CONFIG_OPTION,
    CLI_STOREFRONT_OPTION,
    {"scope", "SCOPE", "* (default for add and lift), a stream's name, or class:marketing"},
    {"reason", "REASON", "hard-bounce, complaint, unsubscribe, manual ..."},
    {"origin", "ORIGIN", "list, export: recipient, receiver, staff, api, import"},
    {"since", "TIME", "list, export: added at or after, e.g. 2026-11-01T00:00:00Z"},
    {"until", "TIME", "list, export: added before"},
    {"with-lifted", NULL, "list, export: lifted ones too"},
    {"format", "FORMAT", "export: csv (default) or jsonl"},
    {"with-addresses", NULL, "export: addresses, too, beside the person hashes"},
    {"note", "TEXT", "add, lift, export: why; needed to lift"},
};

const struct command cmd_suppressions = {
    .name = "suppressions",
    .arguments = "list|add ADDRESS|lift ADDRESS|export",
    .summary = "whom a storefront may not write to, and why",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost suppressions add ada@example.com --note 'asked by telephone'\n"
               "  parcelpost suppressions export --format csv > suppressions.csv",
    .run = run,
};
