/* sight -- whether the queue's files can be read, from what their readers met lately.
 *
 * A read that the disk refuses makes the queue unwell, and nobody can tell from outside which page it was: what lies in a
 * cache is read without asking the disk. So the sweep looks, once a second: the trouble is over when the heads of both files
 * can be read and for some looks in a row no reader failed; two looks at first, twice as many after each relapse (up to
 * SIGHT_PATIENCE_MAX), so that one bad sector that somebody asks for again and again does not make the service blink.
 * Errors: none of its own. Threads: any. */
#ifndef QUEUE_SIGHT_H
#define QUEUE_SIGHT_H

#include "base/err.h"

#define SIGHT_PATIENCE 2      /* quiet looks */
#define SIGHT_PATIENCE_MAX 64 /* longer than a place rests whose claim failed */
#define SIGHT_FORGETS 600     /* looks without trouble after which a relapse counts as the first */

struct sight;

struct sight *sight_open(void);
void sight_close(struct sight **s);
void sight_note(struct sight *s, const char *file, const struct err *e); /* a read failed */
bool sight_is_clear(struct sight *s, struct err *e);
/* One look: the heads of the files were read just now, or could not be. */
void sight_look(struct sight *s, bool heads_are_readable);

#endif
