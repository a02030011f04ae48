/* name -- domain names as text: lower case, no final dot, at most 253 characters.
 * A label may hold any byte (RFC 2181 s11). Those that text cannot show, dots and backslashes within a
 * label are written "\DDD", always three digits, so that every dot parts labels. A name whose text is
 * longer than 253 characters by that is none here. Pure, any thread.
 * Source: RFC 1035 s2.3.4, s5.1. */
#ifndef DNS_NAME_H
#define DNS_NAME_H

#include "base/arena.h"

#define NAME_SIZE 254 /* 253 characters and NUL */
#define NAME_WIRE_MAX 255

/* Lower case, one final dot taken off. False: empty, too long, an empty label, a label above 63 bytes,
 * a byte that should be escaped, or an escape that should not be. */
bool name_canonical(struct str text, char out[NAME_SIZE]) MUST_CHECK;

/* The same from plain bytes, where a backslash is nothing but itself. */
bool name_from_bytes(struct str bytes, char out[NAME_SIZE]) MUST_CHECK;

/* From uncompressed wire bytes; "" is the root. NULL when the bytes are no name. */
const char *name_from_wire(struct str wire, struct arena *a);

/* Uncompressed wire bytes in lower case, "" the root, up to the final zero; how many there are. 0: no name. */
size_t name_to_wire(const char *name, uint8_t out[NAME_WIRE_MAX]);

bool name_is_at_or_below(const char *name, const char *top);
const char *name_parent(const char *name); /* behind the first dot; "" when there is none */
size_t name_labels(const char *name);
const char *name_last_labels(const char *name, size_t n); /* its n right-most labels, or all */

#endif
