#include "mailer/deliver/ending.h"

#include "base/log.h"
#include "mailer/deliver/backoff.h"
#include "mailer/deliver/facts.h"

#define WAIT_MAX_MS 1800000 /* our own trouble may end at any time, and then the mail shall go */
#define UNSURE_MAX 3        /* attempts after which nobody sends it again without a person's word */

/* What went wrong with the server, or what the DNS was asked when it gave no answer; "" where the server's reply says it all. */
static const char *why(const struct attempt *t)
{
    if (t->result)
        return t->result->trouble;
    if (t->asked_gate)
        return t->gate.answer == GATE_DEFER ? t->gate.why : "";
    if (t->bench->route && t->bench->route->status == ROUTE_TEMPERROR)
        return arena_printf(t->bench->arena, "the DNS gave no answer about the mail hosts of %s",
            t->job->destination);
    return "";
}

/* Whoever runs this sees here why mail waits, also when no server was asked. */
static void log_deferral(const struct attempt *t, const struct settlement *s)
{
    log_info("mail-deferred", KV("id", t->job->id), KV("destination", t->job->destination),
        KV("reason", s->reason), KV_INT("code", t->result ? t->result->code : 0),
        KV_INT("attempts", t->job->attempts + s->counts), KV("why", why(t)));
}

/* Fills in what every settlement has, and writes it. */
static bool end(struct attempt *t, struct settlement s)
{
    if (t->bench->pulse && !pulse_settles(t->bench->pulse))
        return false; /* the roster has settled it */
    s.job = t->job;
    s.lane = t->bench->slot;
    t->bench->slot = SLOT_NONE;
    s.facts = facts_write(t, s.reason, t->bench->arena);
    s.facts_are_canonical = true;
    s.reply = t->result ? str_of(t->result->text) : STR("");
    settle(t->bench->settler, t->bench->lane, &s);
    if (s.to == MSG_DEFERRED)
        log_deferral(t, &s);
    return false;
}

/* No attempt was made, so none counts; but a resolver that is down for hours must not be asked for every mail again
 * every few minutes. A mail that would wait beyond its expiry is due then, which ends it. */
bool end_waiting(struct attempt *t, const char *reason)
{
    const struct conf *c = snapshot_conf(t->bench->snapshot);
    int64_t max_ms = c->retry_max_ms < WAIT_MAX_MS ? c->retry_max_ms : WAIT_MAX_MS;
    const struct backoff b = {c->retry_first_ms, max_ms};
    struct settlement s = {.to = MSG_DEFERRED, .reason = reason};

    if (!backoff_next(&b, t->job->id, t->job->waits + 1, clock_now_ms(t->bench->clock),
            t->job->expires_ms, &s.due_ms))
        s.due_ms = t->job->expires_ms;
    return end(t, s);
}

bool end_expired(struct attempt *t)
{
    return end(t, (struct settlement){.to = MSG_EXPIRED, .reason = "expired"});
}

bool end_suppressed(struct attempt *t)
{
    return end(t, (struct settlement){.to = MSG_SUPPRESSED, .reason = t->allowed.reason});
}

bool end_held(struct attempt *t)
{
    const char *code = arena_printf(t->bench->arena, "gate:%s", t->gate.code);

    log_info("held", KV("id", t->job->id), KV("code", code), KV("why", t->gate.why));
    return end(t, (struct settlement){.to = MSG_HELD, .reason = code});
}

bool end_unwritten(struct attempt *t, const struct err *e)
{
    log_error("letter-failed", KV("id", t->job->id), KV("error", e->text));
    if (letter_may_succeed_later(e))
        return end_waiting(t, "letter-unavailable");
    return end(t, (struct settlement){.to = MSG_HELD, .reason = "incident:letter"});
}

bool end_untouched(struct attempt *t)
{
    return end(t, (struct settlement){.to = MSG_QUEUED, .reason = "", .due_ms = t->job->due_ms});
}

/* ---- by verdict ----------------------------------------------------------------------------------------- */

/* Every further copy could be one too many: the receiver may have taken each of them. */
static bool is_hopelessly_unsure(const struct attempt *t)
{
    return t->verdict.outcome == UNSURE && t->job->unsure && t->job->attempts + 1 >= UNSURE_MAX;
}

static bool end_unsure(struct attempt *t)
{
    log_warning("held", KV("id", t->job->id), KV("code", "incident:unsure"),
        KV("why",
            "the body went out again and again, and the server never said what became of it"));
    return end(t, (struct settlement){
                      .to = MSG_HELD, .reason = "incident:unsure", .unsure = true, .counts = true});
}

static bool try_again(struct attempt *t)
{
    const struct conf *c = snapshot_conf(t->bench->snapshot);
    const struct backoff b = {c->retry_first_ms, c->retry_max_ms};
    struct settlement s = {.to = MSG_DEFERRED,
        .reason = t->verdict.reason.name,
        .unsure = t->verdict.outcome == UNSURE,
        .counts = true};

    if (!backoff_next(&b, t->job->id, t->job->attempts + 1, clock_now_ms(t->bench->clock),
            t->job->expires_ms, &s.due_ms)) {
        s.to = MSG_EXPIRED;
        s.reason = "expired"; /* what the server said stands in the facts */
    }
    return end(t, s);
}

static bool bounce(struct attempt *t)
{
    const struct suppression_new hard = {.scope = "*",
        .reason = "hard-bounce",
        .origin = "receiver",
        .evidence = t->job->id,
        .actor = "parcelpost",
        .note = t->result ? str_of(t->result->text) : STR("")};

    return end(t, (struct settlement){.to = MSG_BOUNCED,
                      .reason = t->verdict.reason.name,
                      .counts = true,
                      .suppress = t->verdict.suppresses ? &hard : NULL});
}

bool end_by_verdict(struct attempt *t)
{
    switch (t->verdict.outcome) {
    case DELIVERED:
        return end(t, (struct settlement){.to = MSG_DELIVERED, .reason = "", .counts = true});
    case BOUNCED:
        return bounce(t);
    case RETRY:
    case UNSURE:
        break;
    }
    return is_hopelessly_unsure(t) ? end_unsure(t) : try_again(t);
}

bool end_unrouted(struct attempt *t)
{
    t->verdict = verdict_of_route(t->bench->route->status);
    if (t->bench->route->status == ROUTE_TEMPERROR)
        return end_waiting(t, t->verdict.reason.name);
    return end_by_verdict(t);
}
