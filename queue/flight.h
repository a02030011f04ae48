/* flight -- which messages have their body on its way at this moment, kept where kill -9 cannot reach.
 *
 * DIR/flight is a small shared mapping: as many slots as there are lanes, each with message id, fence and "body begun". A
 * slot belongs to no lane: whoever sends lends it to the next body that goes out (mailer/deliver/slots.h). Writing a
 * slot costs no system call; when the process dies, the kernel still has the pages. At the next start of the
 * same node the queue releases its own old leases: those that stand in a slot (same id and fence) as `unsure`,
 * the others as surely not sent. So a kill makes at most `lanes` messages unsure.
 * When that cannot be known, every own lease counts as unsure: another boot id (the power went, pages are lost),
 * a file that is missing or damaged, or one of another node; or a body that began in a slot whose
 * last one was not settled, because a slot can name only one.
 * Order: a slot is cleared after the settle is on disk. Dying between the two leaves a slot whose fence is no
 * longer that of the row, which is ignored.
 * Errors: ERR_FULL (the space is reserved at once: a mapping must not meet a full disk later), ERR_IO.
 * Threads: any; one short lock without I/O. */
#ifndef QUEUE_FLIGHT_H
#define QUEUE_FLIGHT_H

#include "base/arena.h"
#include "base/err.h"

struct flight;

struct flight_mark {
    const char *id;
    int64_t fence; /* of the lease under which the body began */
};

/* What the file said before this start. */
struct flight_past {
    const struct flight_mark *marks;
    size_t n;
    bool all_unsure;
};

bool flight_read(
    const char *path, const char *node, struct arena *a, struct flight_past *out, struct err *e);
/* Empties the file for `lanes` slots: only after what flight_read told has been acted upon. */
bool flight_open(
    const char *path, const char *node, size_t lanes, struct flight **out, struct err *e);
void flight_close(struct flight **f);

void flight_begin(struct flight *f, size_t slot, const char *id, int64_t fence);
void flight_end(struct flight *f, size_t slot, const char *id, int64_t fence);

#endif
