/* slots -- the flight file's slots, lent to the bodies that go out: as many as there are lanes, whoever has them.
 *
 * A body keeps its slot until its settlement is on disk (settle.h), so at most so many stand between mark and settlement. Who
 * finds none waits in line, first come first served. A lane that waits for a slot waits for settlements only: the other lanes
 * hold one each at most for a body that is not decided yet.
 * Threads: any. Errors: none. */
#ifndef MAILER_DELIVER_SLOTS_H
#define MAILER_DELIVER_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOT_NONE SIZE_MAX

struct slots;

struct slots *slots_open(size_t n);
void slots_close(struct slots **s);
void slots_stop(struct slots *s); /* nobody waits any more */

/* False once stopped. */
bool slots_take(struct slots *s, size_t *out);
void slots_return(struct slots *s, size_t slot); /* SLOT_NONE does nothing */

#endif
