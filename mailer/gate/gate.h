/* gate -- will a mail of this kind pass DMARC at receivers? Asked before every send; cached by TTL.
 *
 * Rule 4 of the design, exactly: DMARC fail, or a DKIM key in the DNS that is not ours, holds the
 * mail. A domain without a DMARC record sends with a warning. One aligned pass suffices. A DNS
 * failure is no negative answer: the last known good within its limits, else defer. SPF counts only
 * for configured public addresses, all of which must pass, since any of them may be the one that
 * sends; behind a smart host it is not checkable and DKIM decides.
 *
 * Every hold names a stable code ("DKIM-KEY-MISMATCH"), which becomes the message's hold code
 * "gate:CODE".
 * Units: *_ms since the epoch UTC.
 * Ownership: a verdict is a plain value. Any thread; a cached answer takes no lock longer than a
 * look-up. */
#ifndef MAILER_GATE_GATE_H
#define MAILER_GATE_GATE_H

#include "base/clock.h"
#include "base/metrics.h"
#include "dns/resolver.h"
#include "mailer/mime/dkim.h"

struct gate;

struct gate_setup {
    struct resolver *resolver; /* outlives the gate */
    const struct clock *clock;
    struct metrics *metrics; /* may be NULL */
    int64_t max_stale_ms;    /* how old a last known good may be; 0 = 6 h */
    bool only_warn;          /* conf gate_hold = false */
};
struct gate *gate_open(const struct gate_setup *s);
void gate_close(struct gate **g);

struct gate_question {
    const char *from_domain;
    const char *return_path_domain;
    const struct dkim_key *const *keys; /* those that will sign */
    size_t keys_n;
    const char *hostname;                /* our name in EHLO, for macros of SPF */
    const char *const *public_addresses; /* that receivers see; none = SPF is not checkable */
    size_t public_addresses_n;
};

enum gate_answer { GATE_SEND, GATE_SEND_WITH_WARNING, GATE_HOLD, GATE_DEFER };

/* Codes are those of check-dns (dns/audit/table.c), so that a hold names the finding to repair:
 * DKIM-KEY-MISMATCH DKIM-KEY-ABSENT DKIM-KEY-REVOKED DKIM-KEY-SYNTAX DKIM-KEY-SEVERAL
 * DKIM-KEY-SHA1-ONLY DKIM-KEY-NOT-FOR-MAIL DKIM-UNSIGNED DKIM-UNALIGNED DMARC-MISSING DMARC-SEVERAL
 * DMARC-SYNTAX. Beside them stand FROM-DOMAIN-BAD (the settings' fault) and DNS-UNAVAILABLE (nobody
 * answered). docs/deliverability.md says what the gate does for each one. */
struct gate_verdict {
    enum gate_answer answer;
    char code[48];   /* "" for GATE_SEND, else one of those above */
    char why[240];   /* one sentence with the names involved */
    char spf[12];    /* SPF of the return path, the first that is no pass; "" = not checkable */
    char dmarc[12];  /* dmarc result word */
    char policy[12]; /* effective policy, "" = none */
    char policy_domain[254]; /* "" = none */
    bool dkim_aligned, spf_aligned, stale;
    int64_t valid_until_ms;
};
void gate_ask(struct gate *g, const struct gate_question *q, struct gate_verdict *out);

/* Forgets cached verdicts and DNS answers for this From domain: the next gate_ask looks anew. */
void gate_forget(struct gate *g, const char *from_domain);

#endif
