/* reason_rules -- the table that reason.c reads: what receivers say, in order, and what each kind of answer means.
 * A rule states a fact about receivers. All of its conditions must hold; the first rule that fits wins. Rules with
 * words come first, then those with an enhanced code alone, then basic code and phase: reason.h's precedence.
 * The last rule has no condition. Constant, any thread. Change REASON_RULES_VERSION with the table. */
#ifndef MAILER_REASON_REASON_RULES_H
#define MAILER_REASON_REASON_RULES_H

#include "mailer/reason/reason.h"

enum reason_kind {
    KIND_ACCEPTED,
    KIND_USER_UNKNOWN,
    KIND_MAILBOX_MOVED,
    KIND_DOMAIN_UNKNOWN,
    KIND_NO_MAIL_ACCEPTED,
    KIND_MAILBOX_DISABLED,
    KIND_MAILBOX_FULL,
    KIND_RECIPIENT_REJECTED,
    KIND_GREYLISTED,
    KIND_RATE_LIMITED,
    KIND_TOO_MANY_CONNECTIONS,
    KIND_TOO_MANY_RECIPIENTS,
    KIND_BLOCKED,
    KIND_REPUTATION,
    KIND_UNAUTHENTICATED,
    KIND_NO_REVERSE_DNS,
    KIND_HELO_REJECTED,
    KIND_SENDER_REJECTED,
    KIND_RELAYING_DENIED,
    KIND_LOGIN_FAILED,
    KIND_LOGIN_REQUIRED,
    KIND_TLS_REQUIRED,
    KIND_TLS_FAILED,
    KIND_SPAM,
    KIND_VIRUS,
    KIND_CONTENT,
    KIND_TOO_LARGE,
    KIND_POLICY,
    KIND_SERVER_BUSY,
    KIND_SERVER_ERROR,
    KIND_SYSTEM_FULL,
    KIND_LOOP,
    KIND_EXPIRED,
    KIND_NETWORK,
    KIND_PROTOCOL,
    KIND_UNKNOWN,
    REASON_KINDS
};

struct reason_class {
    const char *name;
    enum fault_of fault;
    bool hard;          /* with 5yz it confirms that the recipient is invalid                */
    bool passes;        /* may go away by itself: not permanent even where the server says 5yz */
    const char *detail; /* the enhanced code it implies, without its first number; "" = none */
};
extern const struct reason_class reason_classes[REASON_KINDS];

#define REASON_PHASE(p) (1u << (p))

struct reason_rule {
    const char *id;
    unsigned phases;    /* REASON_PHASE bits; 0 = any */
    int from, to;       /* basic codes, both included; 0, 0 = any */
    const char *status; /* reason_status_fits; NULL = any */
    const char *words;  /* reason_has; NULL = any */
    enum reason_kind kind;
};
extern const struct reason_rule reason_rules[];
extern const size_t reason_rules_n;

#endif
