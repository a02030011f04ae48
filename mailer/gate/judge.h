/* judge -- one decision of the gate, asked of the DNS anew; gate.c keeps what it says.
 * Rule 4 of the design stands here and nowhere else.
 * Units: TTLs in seconds. Any thread, each with a resolver handle of its own (resolver_lean). */
#ifndef MAILER_GATE_JUDGE_H
#define MAILER_GATE_JUDGE_H

#include "mailer/gate/gate.h"

/* *ttl_s: how long the DNS lets this stand, before any bounds of the gate. */
void judge(struct resolver *r, const struct clock *clock, const struct gate_question *q,
    struct arena *a, struct gate_verdict *out, uint32_t *ttl_s);

#endif
