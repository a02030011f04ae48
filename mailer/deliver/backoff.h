/* backoff -- when to try again: the span doubles with each attempt up to a bound, and is spread by +-20 %.
 * The spread follows from the message's id, so the same message always gets the same times.
 * When the next time lies behind the expiry, a last try is made shortly before it; when even that is too soon
 * after this one, there is none.
 * Units: *_ms since the epoch UTC, spans in ms. Pure. */
#ifndef MAILER_DELIVER_BACKOFF_H
#define MAILER_DELIVER_BACKOFF_H

#include "base/str.h"

struct backoff {
    int64_t first_ms, max_ms;
};

/* attempts: finished ones, this one included, 1 at least. False: no further try fits before expires_ms. */
bool backoff_next(const struct backoff *b, const char *id, int attempts, int64_t now_ms,
    int64_t expires_ms, int64_t *due_ms);

#endif
