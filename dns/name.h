/* name -- domain names as text: lower case, no final dot, at most 253 characters.
 * A name that comes from a packet may hold any byte; those that text cannot show become "\." or
 * "\DDD", and such a name is refused as a question, since no mail question needs one. Pure, any
 * thread.
 * Source: RFC 1035 s2.3.4, s5.1. */
#ifndef DNS_NAME_H
#define DNS_NAME_H

#include "base/arena.h"

#define NAME_SIZE 254 /* 253 characters and NUL */

/* Lower case, one final dot taken off. False: empty, too long, an empty label, a label above 63, or
 * a byte that is no printable ASCII or is a backslash. */
bool name_canonical(struct str text, char out[NAME_SIZE]) MUST_CHECK;

/* From uncompressed wire bytes; "" is the root. NULL when the bytes are no name. */
const char *name_from_wire(struct str wire, struct arena *a);

bool name_is_at_or_below(const char *name, const char *top);
const char *name_parent(const char *name); /* behind the first dot; "" when there is none */
size_t name_labels(const char *name);
const char *name_last_labels(const char *name, size_t n); /* its n right-most labels, or all */

#endif
