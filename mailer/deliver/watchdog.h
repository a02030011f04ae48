/* watchdog -- ends what takes too long: at its deadline a watched socket is shut down.
 *
 * libesmtp restarts its time-out with every byte that arrives, so a server that drips could hold a lane for ever.
 * A shut-down socket wakes whoever reads, writes or connects on it; nothing is cancelled and nothing leaks.
 * A watch keeps a duplicate of the descriptor, so that the number under which the library closes its own may be
 * reused at any moment.
 * Units: *_ns are clock_steady_ns. Threads: one watch belongs to one lane; the watchdog has a thread of its own.
 * Errors: watchdog_open (no thread). */
#ifndef MAILER_DELIVER_WATCHDOG_H
#define MAILER_DELIVER_WATCHDOG_H

#include "base/err.h"

struct watchdog;
struct watch;

#define WATCH_NO_DEADLINE INT64_MAX

bool watchdog_open(struct watchdog **out, struct err *e);
void watchdog_close(struct watchdog **w); /* after its watches */
/* Every watched descriptor is shut down now, and every later one at once: the end of a stop's grace. */
void watchdog_end_all(struct watchdog *w);

struct watch *watch_open(struct watchdog *w);
void watch_close(struct watch **w);
/* Takes a duplicate of fd; a deadline that has passed already bites at once. False, with errno: there is no descriptor
 * to be had, and a connection that nobody watches must not be opened. */
bool watch_descriptor(struct watch *w, int fd);
void watch_forget(struct watch *w);
void watch_until(struct watch *w, int64_t deadline_ns);
/* Whether the present descriptor was shut down here; stays until the next watch_descriptor or watch_forget.
 * A connect that begins only then ends at once as well: Linux remembers the shutdown. */
bool watch_has_bitten(struct watch *w);
bool watch_is_ending(struct watch *w); /* watchdog_end_all was called */
/* The duplicate, for whoever must reach the socket after the library has closed its own; -1 = none. */
int watch_socket(struct watch *w);

#endif
