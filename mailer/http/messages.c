#include "mailer/http/problem.h"
#include "mailer/http/resources.h"
#include "mailer/http/view.h"

/* ---- sending ---- */

static struct js *links(struct exchange *x, const char *id, bool can_cancel)
{
    struct js *o = js_object();

    js_set_cstr(o, "self", arena_printf(x->arena, "/v1/messages/%s", id));
    if (can_cancel)
        js_set_cstr(o, "cancel", arena_printf(x->arena, "/v1/messages/%s/cancel", id));
    return o;
}

/* The same bytes for a repeat: the receipt is that of the first time. */
static void answer_accepted(struct exchange *x, const struct receipt *r)
{
    AUTO(js_close) struct js *o = js_object();

    js_set_cstr(o, "id", r->id.s);
    js_set_cstr(o, "state", msg_state_name(r->state));
    if (r->reason[0] != 0)
        js_set_cstr(o, "reason", r->reason);
    js_set(o, "links", links(x, r->id.s, !msg_state_is_final(r->state)));
    answer_header(x, "Location", arena_printf(x->arena, "/v1/messages/%s", r->id.s));
    if (r->result == SUBMIT_REPEATED)
        answer_header(x, "Idempotent-Replayed", "true");
    answer_json(x, 202, o);
}

static void answer_submitted(struct exchange *x)
{
    if (x->failed)
        problem_of_err(x, &x->failure);
    else if (x->receipt.result == SUBMIT_CONFLICT)
        problem(x, 409, "idempotency-conflict",
            "this Idempotency-Key was used with another body; use a new key for a new mail");
    else
        answer_accepted(x, &x->receipt);
}

/* On the committer's thread. */
static void submitted(void *context, const struct receipt *r, const struct err *e_or_null)
{
    struct exchange *x = context;

    x->failed = e_or_null != NULL;
    if (e_or_null)
        x->failure = *e_or_null;
    else
        x->receipt = *r;
    exchange_go_on(x);
}

static bool prepare(struct exchange *x)
{
    struct intake_call call = {.storefront = x->key.storefront,
        .actor = x->key.id,
        .idempotency_key = exchange_header(x, "Idempotency-Key"),
        .body = buf_str(&x->body)};
    struct faults faults;
    struct err e;

    faults_init(&faults, x->arena);
    if (exchange_has_header(x, "Idempotency-Key") && call.idempotency_key.n == 0)
        faults_add(&faults, "invalid-idempotency-key", STR(""),
            "the Idempotency-Key must not be empty; leave the header out instead");
    if (!intake_prepare(
            x->app->intake, x->snapshot, &call, x->arena, &x->submission, &faults, &e)) {
        problem_of_err(x, &e);
        return false;
    }
    if (faults.n > 0)
        problem_of_faults(x, &faults);
    return faults.n == 0;
}

void messages_post(struct exchange *x)
{
    bool ready = prepare(x);

    buf_close(
        &x->body); /* all that is needed of it lies in the arena; it would wait for the disk as well */
    if (!ready)
        return;
    if (!exchange_wait(x, answer_submitted)) {
        answer_header(x, "Retry-After", "1");
        problem(x, 503, "not-ready", "not ready: the service is stopping; nothing was stored");
        return;
    }
    if (queue_submit_async(x->app->queue, &x->submission, submitted, x, &x->failure))
        return; /* x may be answered and gone by now */
    x->failed = true;
    exchange_go_on(x);
}

/* ---- looking and cancelling ---- */

static void refuse_unknown(struct exchange *x)
{
    problem(x, 404, "no-such-message", "this storefront has no message with that ID");
}

/* False: answered. Another storefront's message is as unknown as one that never was. */
static bool find(struct exchange *x, struct message_view *out)
{
    const char *id = arena_text(x->arena, x->param);
    struct err e;

    if (id_is_valid(x->param, "msg_")) {
        if (queue_show(x->app->queue, x->key.storefront, id, x->arena, out, &e))
            return true;
        if (e.code != ERR_MISSING) {
            problem_of_err(x, &e);
            return false;
        }
    }
    refuse_unknown(x);
    return false;
}

/* Of an unreadable message the replies may be lost as well; its state is still worth an answer. */
static bool timeline(struct exchange *x, const struct message_view *m, struct journal_row **rows,
    size_t *n, struct err *e)
{
    if (queue_timeline(x->app->queue, x->key.storefront, m->id, x->arena, rows, n, e))
        return true;
    *n = 0;
    return m->unreadable && e->code == ERR_CORRUPT;
}

void messages_get(struct exchange *x)
{
    AUTO(js_close) struct js *o = NULL;
    struct message_view m;
    struct journal_row *rows;
    struct err e;
    size_t n;

    if (!find(x, &m))
        return;
    if (!timeline(x, &m, &rows, &n, &e) || !view_message(&m, rows, n, &o, &e)) {
        problem_of_err(x, &e);
        return;
    }
    answer_json(x, 200, o);
}

static void answer_cancel(struct exchange *x, unsigned status, const struct message_view *m)
{
    AUTO(js_close) struct js *o = js_object();

    if (status == 409) {
        problem(x, 409, "too-late", "the message is %s; only one that still waits can be cancelled",
            m->state == MSG_LEASED ? "being sent" : msg_state_name(m->state));
        return;
    }
    js_set_cstr(o, "id", m->id);
    js_set_cstr(o, "state", msg_state_name(m->state));
    answer_json(x, status, o);
}

void messages_cancel(struct exchange *x)
{
    struct actor who = {x->key.id, "asked over the API"};
    enum change_result result;
    struct message_view m;
    struct err e;

    if (!find(x, &m))
        return;
    if (!queue_cancel(x->app->queue, x->key.storefront, m.id, who, &result, &e))
        problem_of_err(x, &e);
    else if (result == CHANGE_NOT_FOUND)
        refuse_unknown(x);
    else if (find(x, &m)) /* again: the state after the change */
        answer_cancel(x, result == CHANGE_DONE ? 200 : 409, &m);
}
