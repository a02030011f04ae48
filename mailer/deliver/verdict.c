#include "mailer/deliver/verdict.h"

static struct reason own_reason(
    const char *name, enum fault_of fault, bool permanent, const char *status)
{
    struct reason r = {.name = name, .permanent = permanent, .fault = fault, .rule = "deliver"};

    str_copy(str_of(status), r.status, sizeof r.status);
    return r;
}

static struct reason reason_of_silence(const struct smtp_result *r)
{
    switch (r->phase) {
    case AT_CONNECT:
        return own_reason("no-connection", FAULT_NETWORK, false, "4.4.1");
    case AT_STARTTLS:
        return own_reason("tls-failed", FAULT_RECEIVER, false, "4.7.5");
    case AT_AUTH:
        return own_reason("login-failed", FAULT_SENDER, false, "4.7.8");
    default:
        return own_reason("no-answer", FAULT_NETWORK, false, "4.4.2");
    }
}

/* No refusal, and not what was asked for: 250 to DATA, 354 to MAIL, or replies ahead of their commands. */
static bool breaks_protocol(const struct smtp_result *r)
{
    return r->out_of_step || (r->code != 0 && (r->code < 400 || r->code > 599));
}

struct verdict verdict_of(const struct smtp_result *r)
{
    struct verdict v = {.outcome = RETRY};

    if (r->delivered) {
        v.outcome = DELIVERED;
        v.reason = own_reason("", FAULT_UNKNOWN, false, "");
        return v;
    }
    if (r->unsure) {
        v.outcome = UNSURE;
        v.reason = own_reason("no-answer", FAULT_NETWORK, false, "4.4.2");
        return v;
    }
    if (breaks_protocol(r)) {
        v.reason = own_reason("protocol-error", FAULT_RECEIVER, false, "4.5.0");
        return v;
    }
    if (r->code == 0) {
        v.reason = reason_of_silence(r);
        return v;
    }
    v.reason = reason_of_reply(r->phase, r->code, str_of(r->text));
    if (r->phase >= AT_MAIL && v.reason.permanent) {
        v.outcome = BOUNCED;
        v.suppresses = r->phase == AT_RCPT && v.reason.hard && v.reason.fault == FAULT_RECIPIENT;
    }
    return v;
}

struct verdict verdict_of_lost_lane(bool body_had_begun)
{
    return (struct verdict){.outcome = body_had_begun ? UNSURE : RETRY,
        .reason = own_reason("lane-lost", FAULT_SENDER, false, "4.3.0")};
}

struct verdict verdict_of_route(enum route_status s)
{
    static const struct {
        const char *name;
        enum fault_of fault;
        bool permanent;
        const char *status;
    } meaning[] = {
        [ROUTE_FOUND] = {"no-connection", FAULT_NETWORK, false, "4.4.1"},
        [ROUTE_NULL_MX] = {"null-mx", FAULT_RECEIVER, true, "5.1.10"},
        [ROUTE_NO_DOMAIN] = {"no-domain", FAULT_RECIPIENT, true, "5.1.2"},
        [ROUTE_NO_HOST] = {"no-mail-host", FAULT_RECEIVER, true, "5.4.4"},
        [ROUTE_NO_ADDRESS] = {"no-mx-address", FAULT_RECEIVER, false, "4.4.4"},
        [ROUTE_NOT_PUBLIC] = {"mx-not-public", FAULT_RECEIVER, true, "5.4.6"},
        [ROUTE_TEMPERROR] = {"dns-unavailable", FAULT_NETWORK, false, "4.4.3"},
        [ROUTE_NO_SMART_HOST] = {"smart-host-unknown", FAULT_SENDER, false, "4.3.5"},
        [ROUTE_NO_PASSWORD] = {"smart-host-password", FAULT_SENDER, false, "4.3.5"},
    };

    return (struct verdict){
        .outcome = meaning[s].permanent ? BOUNCED : RETRY,
        .reason =
            own_reason(meaning[s].name, meaning[s].fault, meaning[s].permanent, meaning[s].status),
    };
}
