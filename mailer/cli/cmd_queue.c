#include "mailer/cli/cli.h"

#define MAX_ROWS 1000
#define ID "a message's ID"

static const char *time_text(struct cli *c, int64_t ms)
{
    char *out = arena_alloc(c->arena, CLOCK_RFC3339_SIZE);
    if (ms > 0 && ms < INT64_MAX)
        clock_rfc3339(ms, out);
    return *out ? out : "-";
}

/* ---- list ------------------------------------------------------------------------------------ */

static void list_json(struct cli *c, const struct message_view *rows, size_t n)
{
    struct js *all = js_array();
    for (size_t i = 0; i < n; i++) {
        struct js *row = js_object();
        js_set_cstr(row, "id", rows[i].id);
        js_set_cstr(row, "state", msg_state_name(rows[i].state));
        js_set_cstr(row, "reason", rows[i].reason);
        js_set_cstr(row, "template", rows[i].template_name);
        js_set_cstr(row, "destination", rows[i].destination);
        js_set_int(row, "attempts", rows[i].attempts);
        js_set_cstr(row, "due_at", time_text(c, rows[i].due_ms));
        js_push(all, row);
    }
    cli_print_json(all);
    js_close(&all);
}

static void list_text(struct cli *c, const struct message_view *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%s  %-10s %-24s %2d  %s  %s%s%s\n", rows[i].id, msg_state_name(rows[i].state),
            rows[i].destination, rows[i].attempts, time_text(c, rows[i].due_ms),
            rows[i].template_name, rows[i].reason[0] ? "  " : "", rows[i].reason);
}

/* What names no message would be compared as text, and the page would begin anywhere. */
static bool read_cursor(
    struct cli *c, const struct cli_desk *d, struct message_filter *f, int *code)
{
    struct err e = {0};
    struct message_view m;
    const char *after = cli_value(c, "after", NULL);
    if (!after)
        return true;
    f->after_id = after;
    if (!id_is_valid(str_of(after), "msg_"))
        *code = cli_usage(c,
            "--after takes a message's ID such as msg_01jd8x6tq3w1m5yv9z0k2c4r7e, not '%s'", after);
    else if (queue_show(d->queue, d->storefront, after, c->arena, &m, &e))
        return true;
    else {
        err_prefix(&e, "--after");
        *code = cli_fail(c, &e);
        if (e.code == ERR_MISSING)
            *code = CLI_FINDINGS;
    }
    return false;
}

static int list(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    struct message_view *rows;
    const char *go_on;
    size_t n;
    uint64_t max = 50;
    enum msg_state state;
    struct message_filter f = {
        .state = -1, .destination = cli_value(c, "destination", ""), .after_id = ""};
    int code;
    const char *state_name = cli_value(c, "state", NULL);
    if (state_name && !msg_state_parse(str_of(state_name), &state))
        return cli_usage(c,
            "'%s' is no state: queued leased deferred held delivered bounced expired cancelled "
            "suppressed",
            state_name);
    if (state_name)
        f.state = (int)state;
    if (!str_to_u64(str_of(cli_value(c, "max", "50")), &max) || max == 0 || max > MAX_ROWS)
        return cli_usage(c, "--max takes 1 to %d", MAX_ROWS);
    f.max = max;
    if (!read_cursor(c, d, &f, &code))
        return code;
    if (!queue_list(d->queue, d->storefront, &f, c->arena, &rows, &n, &go_on, &e))
        return cli_fail(c, &e);
    if (cli_flag(c, "json"))
        list_json(c, rows, n);
    else
        list_text(c, rows, n);
    if (*go_on)
        fprintf(cli_flag(c, "json") ? stderr : stdout, "(perhaps more: --after %s)\n", go_on);
    return CLI_FINE;
}

/* ---- show ------------------------------------------------------------------------------------ */

static struct js *parsed(struct str text)
{
    struct js *v = NULL;
    struct err e;
    return text.n > 0 && js_parse(text, &v, &e) ? v : js_object();
}

static struct js *timeline_json(struct cli *c, const struct journal_row *rows, size_t n)
{
    struct js *list = js_array();
    for (size_t i = 0; i < n; i++) {
        struct js *row = js_object();
        js_set_int(row, "seq", rows[i].seq);
        js_set_cstr(row, "at", time_text(c, rows[i].at_ms));
        js_set_cstr(row, "event", rows[i].event);
        js_set_cstr(row, "actor", rows[i].actor);
        js_set(row, "facts", parsed(rows[i].facts));
        if (rows[i].personal.n > 0)
            js_set(row, "personal", parsed(rows[i].personal));
        js_push(list, row);
    }
    return list;
}

static void show_json(
    struct cli *c, const struct message_view *m, const struct journal_row *rows, size_t n)
{
    struct js *o = js_object();
    js_set_cstr(o, "id", m->id);
    js_set_cstr(o, "storefront", m->storefront);
    js_set_cstr(o, "state", msg_state_name(m->state));
    js_set_cstr(o, "reason", m->reason);
    js_set_text(o, "to", m->address);
    js_set_cstr(o, "template", m->template_name);
    js_set_cstr(o, "locale", m->locale);
    js_set_cstr(o, "destination", m->destination);
    js_set_int(o, "attempts", m->attempts);
    js_set_bool(o, "unsure", m->unsure);
    js_set_bool(o, "erased", m->erased);
    js_set_bool(o, "unreadable", m->unreadable);
    js_set_cstr(o, "created_at", time_text(c, m->created_ms));
    js_set_cstr(o, "due_at", time_text(c, m->due_ms));
    js_set_cstr(o, "expires_at", time_text(c, m->expires_ms));
    js_set(o, "timeline", timeline_json(c, rows, n));
    cli_print_json(o);
    js_close(&o);
}

static void show_text(
    struct cli *c, const struct message_view *m, const struct journal_row *rows, size_t n)
{
    printf("%s  %s%s%s\n", m->id, msg_state_name(m->state), m->reason[0] ? ": " : "", m->reason);
    struct str to = m->unreadable ? STR("(unreadable: its seal does not open)")
                    : m->erased   ? STR("(erased)")
                                  : m->address;
    printf("  to        " STR_FMT "\n", STR_ARG(to));
    printf("  template  %s (%s), stream %s\n", m->template_name, m->locale, m->stream);
    printf("  via       %s, %s%s\n", m->destination,
        cli_count(c, (uint64_t)m->attempts, "attempt", "attempts"), m->unsure ? ", unsure" : "");
    printf("  due       %s, expires %s\n", time_text(c, m->due_ms), time_text(c, m->expires_ms));
    for (size_t i = 0; i < n; i++) {
        bool ours = strcmp(rows[i].actor, "parcelpost") == 0;
        printf("  %s  %-12s %.*s%s%s\n", time_text(c, rows[i].at_ms), rows[i].event,
            STR_ARG(rows[i].facts), ours ? "" : " by ", ours ? "" : rows[i].actor);
        if (rows[i].personal.n > 0)
            printf("  %24s  %-12s %.*s\n", "", "", STR_ARG(rows[i].personal));
    }
}

static int show(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    struct message_view m;
    struct journal_row *rows;
    size_t n;
    if (!queue_show(d->queue, d->storefront, c->operands[0], c->arena, &m, &e) ||
        !queue_timeline(d->queue, d->storefront, c->operands[0], c->arena, &rows, &n, &e))
        return e.code == ERR_MISSING ? (cli_fail(c, &e), CLI_FINDINGS) : cli_fail(c, &e);
    (cli_flag(c, "json") ? show_json : show_text)(c, &m, rows, n);
    return CLI_FINE;
}

/* ---- changes --------------------------------------------------------------------------------- */

/* In words of now: the state may have changed since the refusal. `rule` says which one would do. */
static int report_late(struct cli *c, const struct cli_desk *d, const char *rule)
{
    struct err e = {0};
    struct message_view m;
    if (!queue_show(d->queue, d->storefront, c->operands[0], c->arena, &m, &e))
        return cli_fail(c, &e);
    const char *name = msg_state_name(m.state),
               *why = m.state == MSG_LEASED ? "being sent" : m.reason;
    bool tells = *why && strcmp(why, name) != 0;
    fprintf(stderr, "parcelpost queue: %s is %s%s%s%s; %s\n", m.id, name, tells ? " (" : "",
        tells ? why : "", tells ? ")" : "", rule);
    return CLI_FINDINGS;
}

static int report(struct cli *c, const struct cli_desk *d, enum change_result r, const char *rule,
    const char *done)
{
    const char *id = c->operands[0];
    if (r == CHANGE_TOO_LATE)
        return report_late(c, d, rule);
    if (r == CHANGE_DONE)
        printf("%s %s\n", id, done);
    else
        fprintf(stderr, "parcelpost queue: %s is not there\n", id);
    return r == CHANGE_DONE ? CLI_FINE : CLI_FINDINGS;
}

static struct actor actor_of(struct cli *c)
{
    return (struct actor){cli_actor(c), cli_value(c, "why", "")};
}

static int hold(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    enum change_result r;
    if (!queue_hold(d->queue, d->storefront, c->operands[0], "operator", actor_of(c), &r, &e))
        return cli_fail(c, &e);
    return report(c, d, r, "only one that is queued, deferred or held can be held", "held");
}

static int release(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    enum change_result r;
    struct message_view m;
    const char *rule = "only one that is held can be released";
    if (!queue_release(d->queue, d->storefront, c->operands[0], actor_of(c), &r, &e))
        return cli_fail(c, &e);
    if (r != CHANGE_DONE || !queue_show(d->queue, d->storefront, c->operands[0], c->arena, &m, &e))
        return report(c, d, r, rule, "released");
    return report(
        c, d, r, rule, arena_printf(c->arena, "released, due %s", time_text(c, m.due_ms)));
}

/* The operand is a code, not an ID: everything that waits for the same reason. */
static int release_all(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    uint64_t n;
    if (!queue_release_group(d->queue, d->storefront, c->operands[0], actor_of(c), &n, &e))
        return cli_fail(c, &e);
    printf("%s held as %s released%s\n", cli_count(c, n, "message", "messages"), c->operands[0],
        n > 0 ? "" : "; `parcelpost queue stats` shows what is held, and as what");
    return n > 0 ? CLI_FINE : CLI_FINDINGS;
}

static int retry(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    enum change_result r;
    if (!queue_retry(d->queue, d->storefront, c->operands[0], actor_of(c), &r, &e))
        return cli_fail(c, &e);
    return report(c, d, r, "only one that is deferred can be tried again at once", "is due now");
}

static int cancel(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    enum change_result r;
    if (!queue_cancel(d->queue, d->storefront, c->operands[0], actor_of(c), &r, &e))
        return cli_fail(c, &e);
    return report(
        c, d, r, "only one that is queued, deferred or held can be cancelled", "cancelled");
}

/* ---- stats ----------------------------------------------------------------------------------- */

static void stats_json(
    const struct queue_counts *counts, const struct held_group *held, size_t n, const char *shop)
{
    struct js *o = js_object(), *groups = js_array();
    for (int s = 0; s < MSG_STATES; s++)
        js_set_int(o, msg_state_name((enum msg_state)s), (int64_t)counts->by_state[s]);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(held[i].storefront, shop) != 0)
            continue;
        struct js *group = js_object();
        js_set_cstr(group, "code", held[i].code);
        js_set_int(group, "messages", (int64_t)held[i].n);
        js_set_cstr(group, "example", held[i].sample_id);
        js_push(groups, group);
    }
    js_set(o, "held_for", groups);
    cli_print_json(o);
    js_close(&o);
}

static void stats_text(
    const struct queue_counts *counts, const struct held_group *held, size_t n, const char *shop)
{
    for (int s = 0; s < MSG_STATES; s++)
        printf("%-10s %10llu\n", msg_state_name((enum msg_state)s),
            (unsigned long long)counts->by_state[s]);
    for (size_t i = 0; i < n; i++)
        if (strcmp(held[i].storefront, shop) == 0)
            printf("held for %s: %llu, e.g. %s\n", held[i].code, (unsigned long long)held[i].n,
                held[i].sample_id);
}

static int stats(struct cli *c, struct cli_desk *d)
{
    struct err e = {0};
    struct queue_counts counts;
    struct held_group *held;
    size_t n;
    if (!queue_count(d->queue, d->storefront, &counts, &e) ||
        !queue_held(d->queue, c->arena, &held, &n, &e))
        return cli_fail(c, &e);
    (cli_flag(c, "json") ? stats_json : stats_text)(&counts, held, n, d->storefront);
    return CLI_FINE;
}

static int run(struct cli *c)
{
    static const struct cli_verb verbs[] = {
        {"list", NULL, "state destination after max json", list},
        {"show", ID, "json", show},
        {"hold", ID, "why", hold},
        {"release", ID, "why", release},
        {"release-all", "the code of a hold, of those that `queue stats` shows", "why",
            release_all},
        {"retry", ID, "why", retry},
        {"cancel", ID, "why", cancel},
        {"stats", NULL, "json", stats},
    };
    return cli_run_verb(c, verbs, COUNT_OF(verbs));
}

static const struct cli_option options[] = {
    CLI_CONFIG_OPTION,
    CLI_STOREFRONT_OPTION,
    {"state", "STATE", "list: only these"},
    {"destination", "DOMAIN", "list: only these"},
    {"after", "ID", "list: the page behind this message"},
    {"max", "N", "list: rows (default 50)"},
    {"why", "TEXT", "hold, release, release-all, retry, cancel: the reason, for the journal"},
    {"json", NULL, "list, show, stats: print JSON"},
};

const struct command cmd_queue = {
    .name = "queue",
    .arguments = "list|show ID|hold ID|release ID|release-all CODE|retry ID|cancel ID|stats",
    .summary = "look at messages and change their course",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost queue list --state held\n"
               "  parcelpost queue release-all restored\n"
               "  parcelpost queue cancel msg_01jd8x6tq3w1m5yv9z0k2c4r7e --why 'customer called'\n"
               "\n"
               "list shows ID, state, destination, attempts, when it is or was due, mail, reason; "
               "the newest first.",
    .run = run,
};
