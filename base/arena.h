/* arena -- the memory of one job or request: many small allocations, freed together.
 * Everything allocated lives until arena_close or arena_clear. Out of memory exits (err.h).
 * One thread at a time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena;

struct arena *arena_open(void);
struct arena *arena_open_for(size_t bytes); /* about so much will be needed */
void arena_close(struct arena **a);
void arena_clear(struct arena *a); /* forgets all, keeps one block for the next job */

void *arena_alloc(struct arena *a, size_t bytes); /* zeroed, aligned for any type */
void *arena_array(struct arena *a, size_t count, size_t size);
struct str arena_str(struct arena *a, struct str s); /* a copy, NUL-terminated */
char *arena_text(struct arena *a, struct str s);     /* the same as a C string */
struct str arena_join(struct arena *a, const struct str *parts, size_t n); /* NUL-terminated */
char *arena_printf(struct arena *a, const char *format, ...) PRINTF(2, 3);

/* close(thing) is called when the arena is cleared or closed, for the latest thing first. */
void arena_own(struct arena *a, void *thing, void (*close)(void *thing));

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
