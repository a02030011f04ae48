/* send -- a send request from a file, through the same intake as over HTTP, straight into the
 * queue. A running service sees it within a second. */
#include "mailer/cli/cli.h"
#include "mailer/cli/wiring.h"
#include "mailer/intake/intake.h"

static int refuse(const struct faults *faults)
{
    cli_print_faults(faults);
    fprintf(stderr, "parcelpost send: not sent: the request has faults: %zu\n", faults->n);
    return CLI_FINDINGS;
}

static int print_receipt(const struct receipt *r)
{
    struct js *o = js_object();
    js_set_cstr(o, "id", r->id.s);
    js_set_cstr(o, "state", msg_state_name(r->state));
    if (r->reason[0])
        js_set_cstr(o, "reason", r->reason);
    if (r->result == SUBMIT_REPEATED)
        js_set_bool(o, "repeated", true);
    cli_print_json(o);
    js_close(&o);
    return CLI_FINE;
}

static int submit(
    struct cli *c, struct cli_desk *d, struct snapshot *snapshot, struct ids *ids, struct str body)
{
    struct err e = {0};
    struct faults faults;
    struct submission submission;
    struct receipt receipt;
    struct intake_setup setup = wiring_intake(d->queue, ids, clock_system(), NULL);
    struct intake_call call = {
        .storefront = d->storefront,
        .actor = cli_actor(c),
        .idempotency_key = str_of(cli_value(c, "idempotency-key", "")),
        .body = body,
    };
    faults_init(&faults, c->arena);
    if (!intake_prepare(&setup, snapshot, &call, c->arena, &submission, &faults, &e))
        return cli_fail(c, &e);
    if (faults.n > 0)
        return refuse(&faults);
    if (!queue_submit(d->queue, &submission, &receipt, &e))
        return cli_fail(c, &e);
    if (receipt.result == SUBMIT_CONFLICT) {
        fprintf(stderr,
            "parcelpost send: this idempotency key was used for another request; use a new key for "
            "a new mail\n");
        return CLI_FINDINGS;
    }
    return print_receipt(&receipt);
}

static int run(struct cli *c)
{
    int code;
    struct err e = {0};
    struct faults faults;
    AUTO(cli_desk_close) struct cli_desk desk = {0};
    AUTO(buf_close) struct buf body = {0};
    AUTO(snapshot_close) struct snapshot *snapshot = NULL;
    AUTO(ids_close) struct ids *ids = NULL;
    if (c->operands_n != 1)
        return cli_usage(c, "name one file with a send request, or -");
    if (!cli_desk_open(c, &desk, &code))
        return code;
    faults_init(&faults, c->arena);
    if (!cli_read("request", c->operands[0], (size_t)desk.conf->max_request_bytes, &body, &e))
        return cli_unreadable(c, &e);
    if (!snapshot_open(desk.conf, desk.queue, &faults, &snapshot, &e)) {
        cli_print_setting_faults(desk.conf, &faults);
        code = cli_fail(c, &e);
        return faults.n > 0 ? EX_CONFIG : code;
    }
    ids = ids_open(clock_system());
    return submit(c, &desk, snapshot, ids, buf_str(&body));
}

static const struct cli_option options[] = {
    CLI_CONFIG_OPTION,
    CLI_STOREFRONT_OPTION,
    {"idempotency-key", "KEY", "repeating the same request with the same key sends once"},
};

const struct command cmd_send = {
    .name = "send",
    .arguments = "FILE|-",
    .summary = "accept a send request (JSON, as POST /v1/messages takes it)",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost send docs/examples/shipping_notice.json",
    .run = run,
};
