#include "mailer/reason/reason.h"

#include "mailer/reason/reason_rules.h"
#include "mailer/reason/reason_words.h"

#include <stdio.h>

const char *smtp_phase_name(enum smtp_phase p)
{
    static const char *const names[] = {
        [AT_CONNECT] = "connect",
        [AT_EHLO] = "ehlo",
        [AT_STARTTLS] = "starttls",
        [AT_AUTH] = "auth",
        [AT_MAIL] = "mail",
        [AT_RCPT] = "rcpt",
        [AT_DATA] = "data",
        [AT_BODY] = "body",
    };

    return names[p];
}

const char *fault_of_name(enum fault_of f)
{
    static const char *const names[] = {
        [FAULT_RECIPIENT] = "recipient",
        [FAULT_SENDER] = "sender",
        [FAULT_CONTENT] = "content",
        [FAULT_RECEIVER] = "receiver",
        [FAULT_NETWORK] = "network",
        [FAULT_UNKNOWN] = "unknown",
    };

    return names[f];
}

/* A bounce may tell no basic code: its words count all the same. */
static bool code_fits(const struct reason_rule *r, int code)
{
    return r->to == 0 || (r->from <= code && code <= r->to) || (code == 0 && r->words);
}

static bool rule_fits(
    const struct reason_rule *r, enum smtp_phase phase, int code, const struct reason_text *text)
{
    return (r->phases == 0 || (r->phases & REASON_PHASE(phase))) && code_fits(r, code) &&
           (!r->status || reason_status_fits(text->status, r->status)) &&
           (!r->words || reason_has(text, r->words));
}

static const struct reason_rule *find_rule(
    enum smtp_phase phase, int code, const struct reason_text *text)
{
    const struct reason_rule *r = reason_rules;

    while (!rule_fits(r, phase, code, text)) /* the last rule fits everything */
        r++;
    return r;
}

/* 2, 4 or 5: the basic code's first digit, or the enhanced code's where a bounce gives no other; 0 = neither. */
static int severity_of(int code, const char *status)
{
    if (code >= 200 && code < 600)
        return code / 100;
    return status[0] ? status[0] - '0' : 0;
}

/* Before RCPT nobody has heard the recipient's name; after it, a bare code is not said of the recipient. */
static bool speaks_of_recipient(const struct reason_rule *r, enum smtp_phase phase)
{
    return phase == AT_RCPT || (phase > AT_RCPT && r->words);
}

struct reason reason_of_reply(enum smtp_phase phase, int code, struct str words)
{
    struct reason_text text;
    struct reason reason = {0};

    reason_fold(words, code, &text);
    const struct reason_rule *r = find_rule(phase, code, &text);
    const struct reason_class *class = &reason_classes[r->kind];
    int severity = severity_of(code, text.status);
    reason.name = class->name;
    reason.rule = r->id;
    reason.fault = class->fault;
    reason.permanent = severity == 5 && !class->passes;
    reason.hard = reason.permanent && class->hard && speaks_of_recipient(r, phase);
    if (text.status[0])
        snprintf(reason.status, sizeof reason.status, "%s", text.status);
    else if (class->detail[0] && severity >= 4)
        snprintf(reason.status, sizeof reason.status, "%d.%s", severity, class->detail);
    return reason;
}
