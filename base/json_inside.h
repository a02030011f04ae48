/* json_inside -- what the files of base/json.h share.
 * Both readers take the same texts and make the same values of them; tests/base/test_json_read.c holds them to it.
 * The one of jansson looks at each byte several times (9 ns), so it only has the last word: on what the quick one
 * does not like, and in which words it is refused. */
#ifndef BASE_JSON_INSIDE_H
#define BASE_JSON_INSIDE_H

#include "base/json.h"

#define JSON_DEPTH_MAX 64

/* Copies what needs no look at once. NULL: ask json_read_slowly. */
struct js *json_read_quickly(struct str text, size_t values_max);
/* Errors as js_parse. */
bool json_read_slowly(struct str text, size_t values_max, struct js **out, struct err *e);

/* malloc that remembers a failure, so that it is not taken for wrong syntax. Freed with free. */
void *json_allocate(size_t n);

/* How many bytes at the start stand in a JSON text for themselves: ASCII without controls, quote and backslash.
 * In steps of eight, so it may stop early. */
size_t json_plain(struct str s);

#endif
