/* ids -- names for new things: a prefix, then 26 characters of Crockford base32, 48 bits of time in
 * milliseconds and 80 bits of randomness, e.g. "msg_01jd8x6tq3w1m5yv9z0k2c4r7e". They sort by time,
 * and within one millisecond and one process by order of making, so that a B-tree grows at its end.
 * Lower case. ids_new may be called from any thread.
 * The prefix is given with its underscore: `ids_new(g, "msg_", &id)`. */
#ifndef BASE_IDS_H
#define BASE_IDS_H

#include "base/clock.h"

#define ID_SIZE 40 /* longest prefix 12 characters with its underscore, 26 more and NUL */

struct ids;

struct id {
    char s[ID_SIZE];
};

struct ids *ids_open(const struct clock *clock); /* the clock must outlive it */
void ids_close(struct ids **g);
void ids_new(struct ids *g, const char *prefix, struct id *out);
bool id_is_valid(struct str text, const char *prefix);

#endif
