/* accept -- what a single send request and a batch of them have in common.
 * Ownership: values are the caller's, text lies in the exchange's arena. */
#ifndef MAILER_HTTP_ACCEPT_H
#define MAILER_HTTP_ACCEPT_H

#include "mailer/http/exchange.h"

#define ACCEPT_CONFLICT "idempotency-conflict"
extern const char accept_conflict[]; /* its detail */

/* Who asks, and under which key; the body is the caller's to add. */
struct intake_call accept_call(const struct exchange *x);
/* A header that is there must not be empty: the client believes that its key protects it. */
void accept_check_key(const struct exchange *x, struct faults *faults);

/* {"id", "state", "reason", "links"}: the same for a repeat. */
struct js *accept_value(struct exchange *x, const struct receipt *r);

/* exchange_wait, or the answer that nothing was stored. */
bool accept_wait(struct exchange *x, exchange_step *next);

#endif
