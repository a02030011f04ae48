/* clock_guard -- wall time that does not believe a jump at once.
 *
 * A machine's clock may be set wrong for some minutes (a time server that lies, a guest that wakes up, a hand that slips).
 * Whoever acts on it meanwhile ends messages for good. So a jump of more than CLOCK_JUMP_MS, forward or back, is doubted: for
 * CLOCK_DOUBT_MS time goes on from before, by a clock that only counts. A clock that came back by then has changed nothing;
 * one that stands by its word is followed. Slow corrections are followed as they come.
 * Units: ms as in clock.h. Ownership: both clocks are borrowed and must outlive it. Cannot fail. Any thread. */
#ifndef BASE_CLOCK_GUARD_H
#define BASE_CLOCK_GUARD_H

#include "base/clock.h"

#define CLOCK_JUMP_MS 2000
#define CLOCK_DOUBT_MS INT64_C(300000)

struct clock_guard;

/* The time since the machine started, sleep included: what only counts. */
const struct clock *clock_since_boot(void);

struct clock_guard *clock_guard_open(const struct clock *wall, const struct clock *steady);
void clock_guard_close(struct clock_guard **g);

struct clock clock_of_guard(struct clock_guard *g);
/* The wall clock as it was at the opening, going on by the steady one for ever: for what only measures spans. */
struct clock clock_of_opening(struct clock_guard *g);

struct clock_doubt {
    int64_t by_ms;    /* the jump that is doubted at this moment, 0 = none */
    int64_t taken_ms; /* all jumps that were followed so far, added up */
};
struct clock_doubt clock_guard_doubt(struct clock_guard *g);

#endif
