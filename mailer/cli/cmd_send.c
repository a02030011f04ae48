/* send -- a send request from a file, through the same intake as over HTTP, straight into the
 * queue. A running service sees it within a second. */
#include "mailer/cli/cli.h"
#include "mailer/cli/wiring.h"
#include "mailer/intake/intake.h"

static int print_faults(const struct faults *faults)
{
    for (const struct fault *f = faults->first; f; f = f->next)
        fprintf(stderr, "%s: %s (%s)\n", f->pointer[0] ? f->pointer : "/", f->detail, f->code);
    fprintf(stderr, "parcelpost send: not sent: %zu faults in the request\n", faults->n);
    return EX_DATAERR;
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
        return print_faults(&faults);
    if (!queue_submit(d->queue, &submission, &receipt, &e))
        return cli_fail(c, &e);
    if (receipt.result == SUBMIT_CONFLICT) {
        fprintf(stderr, "parcelpost send: this idempotency key was used for another request\n");
        return EX_DATAERR;
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
    if (!cli_read(c->operands[0], (size_t)desk.conf->max_request_bytes, &body, &e) ||
        !snapshot_open(desk.conf, desk.queue, &faults, &snapshot, &e))
        return cli_fail(c, &e);
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
