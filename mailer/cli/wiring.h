/* wiring -- where floors that must not know each other are joined: comply's answer goes into intake
 * as a function. Any thread. */
#ifndef MAILER_CLI_WIRING_H
#define MAILER_CLI_WIRING_H

#include "mailer/intake/intake.h"

/* metrics may be NULL. */
struct intake_setup wiring_intake(
    struct queue *q, struct ids *ids, const struct clock *clock, struct metrics *m);

#endif
