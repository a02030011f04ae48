#include "mailer/deliver/attempt.h"

#include "base/log.h"
#include "mailer/deliver/ending.h"

#define NS_PER_MS INT64_C(1000000)
#define LEASE_MARGIN_MS                                                                            \
    1000 /* an attempt is over this long before its lease, where the settings leave so much */

static void begin(struct attempt *t, struct attempt_bench *b, const struct job *job);
static bool is_in_time(struct attempt *t);  /* does anybody want it still?        */
static bool is_known(struct attempt *t);    /* storefront, pinned mail, sender    */
static bool is_allowed(struct attempt *t);  /* may this person get this mail now? */
static bool has_route(struct attempt *t);   /* which hosts would take it?         */
static bool passes_gate(struct attempt *t); /* would receivers accept it as ours? */
static bool is_written(struct attempt *t);  /* rendered, composed, signed         */

/* ---- the story ------------------------------------------------------------------------------------------ */

bool attempt_prepare(struct attempt *t, struct attempt_bench *b, const struct job *job)
{
    begin(t, b, job);
    return is_in_time(t) && is_known(t) && is_allowed(t) && has_route(t) && passes_gate(t) &&
           is_written(t);
}

/* Here the lane's courier carries the mail, and comes back with what the server said. */

void attempt_conclude(struct attempt *t, const struct smtp_result *r, const struct hop *hop,
    const struct smtp_cover *cover)
{
    t->result = r;
    t->hop = hop;
    t->cover = cover;
    t->verdict = verdict_of(r);
    end_by_verdict(t);
}

/* ---- its steps ------------------------------------------------------------------------------------------ */

/* How long an attempt may take before its lease comes too near. */
static int64_t time_left_ms(const struct attempt_bench *b, const struct job *job)
{
    const struct conf *c = snapshot_conf(b->snapshot);
    int64_t gap_ms = c->lease_ms - c->attempt_timeout_ms;
    int64_t margin_ms = gap_ms < LEASE_MARGIN_MS ? gap_ms : LEASE_MARGIN_MS;

    return job->lease_until_ms - margin_ms - clock_now_ms(b->clock);
}

static void begin(struct attempt *t, struct attempt_bench *b, const struct job *job)
{
    const struct conf *c = snapshot_conf(b->snapshot);
    int64_t left_ms = time_left_ms(b, job);
    int64_t span_ms = left_ms < c->attempt_timeout_ms ? left_ms : c->attempt_timeout_ms;

    *t = (struct attempt){.bench = b, .job = job, .eight_bit = c->body_8bit && !b->seven_bit};
    t->begun_ns = clock_steady_ns();
    t->deadline_ns = t->begun_ns + span_ms * NS_PER_MS;
    if (b->pulse)
        pulse_step(b->pulse, t->deadline_ns);
    arena_clear(b->arena);
}

static struct letter_task letter_task(const struct attempt *t)
{
    return (struct letter_task){.tools = t->bench->letters,
        .snapshot = t->bench->snapshot,
        .shop = t->shop,
        .job = t->job,
        .arena = t->bench->arena,
        .eight_bit = t->eight_bit};
}

/* The claim looks too; but a message waits for those that were claimed with it, up to a lease. */
static bool is_in_time(struct attempt *t)
{
    return clock_now_ms(t->bench->clock) < t->job->expires_ms || end_expired(t);
}

static bool is_known(struct attempt *t)
{
    struct err e;

    t->shop = snapshot_shop(t->bench->snapshot, t->job->storefront);
    if (!t->shop)
        return end_waiting(t, "storefront-unknown");
    const struct letter_task task = letter_task(t);
    return letter_open(&t->bench->letter, &task, &e) || end_unwritten(t, &e);
}

static bool is_allowed(struct attempt *t)
{
    const struct conf_stream *stream = conf_stream(t->shop->conf, t->job->stream);
    enum stream_class class = stream ? stream->class : STREAM_MARKETING; /* the stricter one */
    struct err e;

    if (!comply_ask(t->bench->queue, t->job->storefront, t->job->stream, class, t->job->address,
            &t->allowed, &e)) {
        log_error("comply-failed", KV("id", t->job->id), KV("error", e.text));
        return end_waiting(t, "comply-unavailable");
    }
    t->asked_comply = true;
    return t->allowed.allowed || end_suppressed(t);
}

static bool has_route(struct attempt *t)
{
    return t->bench->route->status == ROUTE_FOUND || end_unrouted(t);
}

struct gate_question attempt_question(
    const struct conf *c, const struct shop *shop, const char *from_domain)
{
    /* Behind a smart host receivers see its address, which we do not know. */
    bool direct = !shop->conf->smart_host[0];
    return (struct gate_question){.from_domain = from_domain,
        .return_path_domain = shop->return_path_domain,
        .keys = shop->keys,
        .keys_n = shop->keys_n,
        .hostname = c->hostname,
        .public_addresses = c->public_addresses,
        .public_addresses_n = direct ? c->public_addresses_n : 0};
}

static bool passes_gate(struct attempt *t)
{
    const struct gate_question q = attempt_question(snapshot_conf(t->bench->snapshot), t->shop,
        arena_text(t->bench->arena, t->bench->letter.from.domain));

    gate_ask(t->bench->gate, &q, &t->gate);
    t->asked_gate = true;
    if (t->gate.answer == GATE_DEFER)
        return end_waiting(t, "gate:DNS-UNAVAILABLE");
    return t->gate.answer != GATE_HOLD || end_held(t);
}

static bool is_written(struct attempt *t)
{
    const struct letter_task task = letter_task(t);
    struct err e;

    return letter_write(&t->bench->letter, &task, &e) || end_unwritten(t, &e);
}

/* ---- turns of the story --------------------------------------------------------------------------------- */

bool attempt_rewrite_7bit(struct attempt *t)
{
    t->eight_bit = false;
    return is_written(t);
}

void attempt_conclude_unrouted(struct attempt *t)
{
    end_unrouted(t);
}

void attempt_conclude_lost(struct attempt_bench *b, const struct job *job, bool begun)
{
    struct attempt t;

    begin(&t, b, job);
    t.verdict = verdict_of_lost_lane(begun);
    end_by_verdict(&t);
}

void attempt_give_back(struct attempt_bench *b, const struct job *job)
{
    struct attempt t;

    begin(&t, b, job);
    end_untouched(&t);
}

bool attempt_has_time(const struct attempt_bench *b, const struct job *job)
{
    return time_left_ms(b, job) >= snapshot_conf(b->snapshot)->attempt_timeout_ms / 2;
}
