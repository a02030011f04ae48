/* Several send requests in one body: each is checked and answered by itself, as POST /v1/messages would; those that
 * are right go to the disk in one commit. A request that is wrong keeps none of the others back. */
#include "mailer/http/accept.h"
#include "mailer/http/meter.h"
#include "mailer/http/problem.h"
#include "mailer/http/resources.h"

#define KEY_BYTES                                                                                  \
    (INTAKE_KEY_BYTES - 4) /* of the header: each message's key has its number behind, "#999" */

struct batch {
    size_t n;             /* requests in the body */
    struct js **refusals; /* of each; NULL: it went to the queue. Owned */
    size_t *place;        /* of each that went: its place in the two below */
    struct submission *submissions;
    struct submit_outcome *outcomes;
    size_t sent;
};

/* A client that goes away while its batch waits for the disk is never answered. */
static void drop_refusals(struct exchange *x)
{
    for (size_t i = 0; i < x->batch->n; i++)
        js_close(&x->batch->refusals[i]);
}

/* ---- the answer ---- */

static struct js *result(struct exchange *x, const struct submit_outcome *o)
{
    if (!o->stored)
        return problem_value_of_err(x, &o->e);
    if (o->receipt.result == SUBMIT_CONFLICT)
        return problem_value(x, 409, ACCEPT_CONFLICT, accept_conflict);
    struct js *v = accept_value(x, &o->receipt);
    js_set_int(v, "status", 202);
    if (o->receipt.result == SUBMIT_REPEATED)
        js_set_bool(v, "repeated", true);
    return v;
}

static bool is_accepted(const struct js *result)
{
    return js_int(js_get(result, "status")) == 202;
}

static void answer_batch(struct exchange *x)
{
    struct batch *b = x->batch;
    AUTO(js_close) struct js *o = js_object();
    struct js *results = js_array();
    size_t accepted = 0;

    for (size_t i = 0; i < b->n; i++) {
        struct js *one = b->refusals[i] ? b->refusals[i] : result(x, &b->outcomes[b->place[i]]);
        b->refusals[i] = NULL;
        accepted += is_accepted(one);
        js_push(results, one);
    }
    x->accepted = accepted;
    js_set_int(o, "accepted", (int64_t)accepted);
    js_set_int(o, "refused", (int64_t)(b->n - accepted));
    js_set(o, "results", results);
    answer_json(x, accepted == b->n ? 202 : accepted > 0 ? 207 : 422, o);
}

static void answer_submitted(struct exchange *x)
{
    const struct batch *b = x->batch;
    const struct err *trouble = NULL;

    if (x->failed)
        trouble = &x->failure;
    for (size_t i = 0; i < b->sent && !trouble; i++) {
        if (b->outcomes[i].stored)
            break;
        if (i + 1 == b->sent)
            trouble = &b->outcomes[i].e; /* of all that were right, none could be stored */
    }
    if (trouble)
        problem_of_err(x, trouble);
    else
        answer_batch(x);
}

/* On the committer's thread. */
static void submitted(void *context)
{
    exchange_go_on(context);
}

/* ---- the requests ---- */

/* A key of the whole batch is a key of each message: a repeat of the batch repeats them all. */
static struct str key_of(struct exchange *x, struct str key, const struct js *request, size_t i)
{
    if (key.n == 0 || js_kind(js_get(request, "idempotency_key")) == JS_TEXT)
        return STR("");
    return str_of(arena_printf(x->arena, "%.*s#%zu", (int)key.n, key.p, i));
}

static bool prepare_one(struct exchange *x, const struct js *request, size_t i, struct err *e)
{
    struct batch *b = x->batch;
    struct intake_call call = accept_call(x);
    struct faults faults;

    faults_init(&faults, x->arena);
    call.idempotency_key = key_of(x, call.idempotency_key, request, i);
    if (!intake_prepare_value(x->app->intake, x->snapshot, &call, request, x->arena,
            &b->submissions[b->sent], &faults, e))
        return false;
    if (faults.n > 0)
        b->refusals[i] = problem_value_of_faults(x, &faults);
    else
        b->place[i] = b->sent++;
    return true;
}

static bool prepare_all(struct exchange *x, const struct js *requests, struct err *e)
{
    struct batch *b = x->batch;

    b->n = js_count(requests);
    b->refusals = arena_array(x->arena, b->n, sizeof *b->refusals);
    b->place = arena_array(x->arena, b->n, sizeof *b->place);
    b->submissions = arena_array(x->arena, b->n, sizeof *b->submissions);
    b->outcomes = arena_array(x->arena, b->n, sizeof *b->outcomes);
    for (size_t i = 0; i < b->n; i++)
        if (!prepare_one(x, js_at(requests, i), i, e))
            return false;
    return true;
}

/* The array of requests; NULL and faults where the body has none. */
static const struct js *requests_of(const struct js *root, struct faults *f)
{
    const struct js *requests = js_get(root, "messages");
    struct js_iter it = {0};

    if (js_kind(root) != JS_OBJECT) {
        faults_add(f, "wrong-type", STR(""), "must be an object with the array \"messages\"");
        return NULL;
    }
    while (js_next(root, &it))
        if (!str_is(it.key, "messages"))
            faults_add(f, "unknown-field", fault_pointer(f->arena, STR(""), it.key),
                "is not known here; a batch has the field \"messages\" alone");
    if (js_kind(requests) != JS_ARRAY)
        faults_add(f, js_kind(requests) == JS_ABSENT ? "missing" : "wrong-type", STR("/messages"),
            "must be an array of send requests");
    else if (js_count(requests) == 0)
        faults_add(
            f, "empty", STR("/messages"), "must have 1 to %d send requests, not none", QUEUE_BATCH);
    else if (js_count(requests) > QUEUE_BATCH)
        faults_add(f, "too-many", STR("/messages"), "must have 1 to %d send requests, not %zu",
            QUEUE_BATCH, js_count(requests));
    return f->n == 0 ? requests : NULL;
}

/* Or the messages from the tenth on would be refused, when those before are stored. */
static void check_header(const struct exchange *x, struct faults *f)
{
    accept_check_key(x, f);
    if (exchange_header(x, "Idempotency-Key").n > KEY_BYTES)
        faults_add(f, "invalid-idempotency-key", STR(""),
            "the Idempotency-Key of a batch must have 1 to %d characters, since each message's "
            "number is put behind it",
            KEY_BYTES);
}

/* False: answered. */
static bool prepare(struct exchange *x)
{
    AUTO(js_close) struct js *root = NULL;
    struct faults faults;
    struct err e;
    const struct js *requests = NULL;

    faults_init(&faults, x->arena);
    check_header(x, &faults);
    if (!intake_parse(x->app->intake, buf_str(&x->body), &root, &faults, &e)) {
        problem_of_err(x, &e);
        return false;
    }
    if (root)
        requests = requests_of(root, &faults);
    if (faults.n > 0) {
        problem_of_faults(x, &faults);
        return false;
    }
    if (!meter_charge(x, js_count(requests) - 1)) /* one was charged with the head */
        return false;
    if (prepare_all(x, requests, &e))
        return true;
    problem_of_err(x, &e);
    return false;
}

void messages_post_batch(struct exchange *x)
{
    x->batch = ARENA_NEW(x->arena, struct batch);
    x->forget = drop_refusals;
    bool ready = prepare(x);

    buf_close(&x->body); /* it would wait for the disk as well */
    if (!ready)
        return;
    if (x->batch->sent == 0) {
        answer_batch(x);
        return;
    }
    if (!accept_wait(x, answer_submitted))
        return;
    if (queue_submit_batch_async(x->app->queue, x->batch->submissions, x->batch->sent,
            x->batch->outcomes, submitted, x, &x->failure))
        return; /* x may be answered and gone by now */
    x->failed = true;
    exchange_go_on(x);
}
