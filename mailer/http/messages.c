#include "mailer/http/accept.h"
#include "mailer/http/problem.h"
#include "mailer/http/resources.h"
#include "mailer/http/view.h"

/* ---- sending ---- */

/* The same bytes for a repeat: the receipt is that of the first time. */
static void answer_accepted(struct exchange *x, const struct receipt *r)
{
    AUTO(js_close) struct js *o = accept_value(x, r);

    x->accepted = 1;
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
        problem(x, 409, ACCEPT_CONFLICT, "%s", accept_conflict);
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
    struct intake_call call = accept_call(x);
    struct faults faults;
    struct err e;

    faults_init(&faults, x->arena);
    accept_check_key(x, &faults);
    call.body = buf_str(&x->body);
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
    if (!ready || !accept_wait(x, answer_submitted))
        return;
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
