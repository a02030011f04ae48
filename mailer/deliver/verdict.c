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

/* libesmtp sends all chunks at once and keeps the last reply only. After "452 no room" for the first, the others are out of
 * order: 503 by RFC 3030, 551 by Postfix. Whether the first was for good is not known then. */
static bool hides_an_earlier_reply(const struct smtp_result *r)
{
    struct str text = str_of(r->text);

    return r->phase == AT_BODY &&
           (r->code == 503 || str_find(text, STR("after earlier error"), 0) < text.n);
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
    if (r->code == 0) {
        v.reason = reason_of_silence(r);
        return v;
    }
    if (hides_an_earlier_reply(r)) {
        v.reason = own_reason("protocol", FAULT_RECEIVER, false, "4.5.0");
        return v;
    }
    v.reason = reason_of_reply(r->phase, r->code, str_of(r->text));
    if (r->phase >= AT_MAIL && v.reason.permanent) {
        v.outcome = BOUNCED;
        v.suppresses = r->phase == AT_RCPT && v.reason.hard && v.reason.fault == FAULT_RECIPIENT;
    }
    return v;
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
