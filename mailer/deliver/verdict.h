/* verdict -- what one SMTP attempt means for one recipient.
 * Rules, in order:
 *   a 2xx after the body is a delivery;
 *   a body that went out without an answer is unsure, whatever else happened;
 *   silence anywhere else, and every refusal before MAIL, is a reason to try again: it tells about the network, the
 *     host or us, never about this message;
 *   so is what no server may say there: a code that is no refusal, a reply before its command ("protocol-error");
 *   else the reply decides (reason.h), and only what it says about the *recipient*, at RCPT, suppresses.
 * Owns nothing, cannot fail, pure: call it from any thread. Source: RFC 5321 s4.2, s4.5.4, RFC 3463, RFC 7505. */
#ifndef MAILER_DELIVER_VERDICT_H
#define MAILER_DELIVER_VERDICT_H

#include "mailer/deliver/route.h"
#include "mailer/deliver/smtp.h"

enum outcome {
    DELIVERED, /* 2xx after the body: never send again               */
    RETRY,     /* try again later                                    */
    BOUNCED,   /* refused for good                                   */
    UNSURE,    /* body sent, no answer: a resend may be a duplicate  */
};

struct verdict {
    enum outcome outcome;
    struct reason reason;
    bool suppresses; /* the recipient will not take mail again */
};

struct verdict verdict_of(const struct smtp_result *r);
/* The same for a destination without a host to ask. */
/* The lane that carried it hangs or has died. */
struct verdict verdict_of_lost_lane(bool body_had_begun);
struct verdict verdict_of_route(enum route_status s);

#endif
