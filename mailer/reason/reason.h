/* reason -- what an SMTP reply or a bounce's text says: why, for good or for now, and whose fault it is.
 * One ordered rule table serves delivery (replies) and, later, bounce mails. A rule states a fact about receivers;
 * the first that matches wins; its id is stored with every decision, so that rule sets can be replayed.
 * Precedence: provider text > enhanced code in the text > basic code and phase.
 * Rule 5 of the design: only evidence about the recipient suppresses a recipient; a 5xx alone is not that.
 * Pure, any thread, bounded by the length of the text (at most 4 KiB are read).
 * Source: RFC 5321 s4.2, RFC 3463, RFC 2034, RFC 7505, IANA enhanced status codes. */
#ifndef MAILER_REASON_REASON_H
#define MAILER_REASON_REASON_H

#include "base/str.h"

enum smtp_phase { AT_CONNECT, AT_EHLO, AT_STARTTLS, AT_AUTH, AT_MAIL, AT_RCPT, AT_DATA, AT_BODY };
const char *smtp_phase_name(enum smtp_phase p);

enum fault_of {
    FAULT_RECIPIENT,
    FAULT_SENDER,
    FAULT_CONTENT,
    FAULT_RECEIVER,
    FAULT_NETWORK,
    FAULT_UNKNOWN
};
const char *fault_of_name(enum fault_of f);

struct reason {
    const char *name; /* "user-unknown", "mailbox-full", "rate-limited", "blocked", "policy", ... */
    bool hard;        /* the recipient will not take mail again: confirmed invalid */
    bool permanent;   /* this message will not be taken */
    enum fault_of fault;
    const char *rule; /* id of the rule that decided */
    char status[12];  /* enhanced code found or implied, "" = none */
};

/* code: the three digits; text: the reply without codes, lines joined by LF or spaces. */
struct reason reason_of_reply(enum smtp_phase phase, int code, struct str text);

#define REASON_RULES_VERSION "2026-11-21"

#endif
