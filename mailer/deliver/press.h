/* press -- how many lanes write letters at the same time: a few for each processor.
 *
 * Rendering, composing and signing need a processor and nothing else, so a thousand lanes that do it at once would only
 * take turns at it, each with its memory full. Whoever comes waits in line, first come first served, and gets a slot with a
 * buffer for the unsigned letter, warm from the one before.
 * A slot whose holder never comes back (a lane that was lost) is made up for: nobody waits longer than PRESS_PATIENCE_MS, and
 * goes on with a buffer of its own then.
 * Threads: any. Errors: none. */
#ifndef MAILER_DELIVER_PRESS_H
#define MAILER_DELIVER_PRESS_H

#include "base/buf.h"

#define PRESS_PATIENCE_MS 10000

struct press;

struct press_slot {
    struct buf *message; /* until press_leave; what is in it is old */
    struct buf own;      /* used when no slot came free */
    size_t number;       /* SIZE_MAX: none */
};

struct press *press_open(size_t slots); /* 0 = by the processors that we may use */
void press_close(struct press **p);
void press_enter(struct press *p, struct press_slot *out);
void press_leave(struct press *p, struct press_slot *s);
size_t press_waiting(struct press *p); /* how many stand in line */

#endif
