#include "mailer/http/accept.h"

#include "mailer/http/problem.h"

const char accept_conflict[] =
    "this Idempotency-Key was used with another body; use a new key for a new mail";

struct intake_call accept_call(const struct exchange *x)
{
    return (struct intake_call){.storefront = x->key.storefront,
        .actor = x->key.id,
        .idempotency_key = exchange_header(x, "Idempotency-Key")};
}

void accept_check_key(const struct exchange *x, struct faults *faults)
{
    if (exchange_has_header(x, "Idempotency-Key") && exchange_header(x, "Idempotency-Key").n == 0)
        faults_add(faults, "invalid-idempotency-key", STR(""),
            "the Idempotency-Key must not be empty; leave the header out instead");
}

static struct js *links(struct exchange *x, const char *id, bool can_cancel)
{
    struct js *o = js_object();

    js_set_cstr(o, "self", arena_printf(x->arena, "/v1/messages/%s", id));
    if (can_cancel)
        js_set_cstr(o, "cancel", arena_printf(x->arena, "/v1/messages/%s/cancel", id));
    return o;
}

struct js *accept_value(struct exchange *x, const struct receipt *r)
{
    struct js *o = js_object();

    js_set_cstr(o, "id", r->id.s);
    js_set_cstr(o, "state", msg_state_name(r->state));
    if (r->reason[0] != 0)
        js_set_cstr(o, "reason", r->reason);
    js_set(o, "links", links(x, r->id.s, !msg_state_is_final(r->state)));
    return o;
}

bool accept_wait(struct exchange *x, exchange_step *next)
{
    if (exchange_wait(x, next))
        return true;
    answer_header(x, "Retry-After", "1");
    problem(x, 503, "not-ready", "not ready: the service is stopping; nothing was stored");
    return false;
}
