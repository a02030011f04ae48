/* str -- borrowed bytes with a length; not NUL-terminated, may hold NULs.
 * Absent text is the empty str, never a NULL with a length. Compare and cut only, nothing is owned.
 * Pure functions, any thread. "nocase" folds ASCII letters only. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/lang.h"

#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const char *text)
{
    return (struct str){text ? text : "", text ? strlen(text) : 0};
}

static inline struct str str_bytes(const void *p, size_t n)
{
    return (struct str){n > 0 ? (const char *)p : "", n};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *text)
{
    return str_eq(a, str_of(text));
}

bool str_eq_nocase(struct str a, struct str b);
bool str_is_nocase(struct str a, const char *text);
int str_compare(struct str a, struct str b); /* bytes, then the shorter first; for sorting */
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Index of the first c (or needle) at or after `from`; s.n when there is none. */
size_t str_find_char(struct str s, char c, size_t from);
size_t str_find(struct str s, struct str needle, size_t from);

/* Both cut to s.n. */
static inline struct str str_slice(struct str s, size_t from, size_t to)
{
    if (to > s.n)
        to = s.n;
    if (from >= to)
        return (struct str){"", 0};
    return (struct str){s.p + from, to - from};
}
struct str str_trim(struct str s);        /* SP, HTAB, CR, LF at both ends */
struct str str_trim_blanks(struct str s); /* SP, HTAB                       */

/* Cuts the next piece up to `separator` off *rest; false when *rest is used up.
 * "a,,b" gives "a", "", "b"; a separator ends its piece, so "a," gives "a" alone; the empty str
 * gives nothing. */
bool str_next(struct str *rest, char separator, struct str *piece);

/* Decimal digits only, no sign or space for the unsigned one; false on overflow or anything
 * else. */
bool str_to_u64(struct str s, uint64_t *out);
bool str_to_i64(struct str s, int64_t *out);

bool str_has_control(struct str s); /* bytes below 0x20, or 0x7f */
bool str_is_ascii(struct str s);
bool str_is_utf8(struct str s); /* no overlong forms, surrogates or values above 10FFFF */
/* Length of the well-formed sequence at the start of s, 0 when there is none (Unicode 15, 3.9). */
size_t str_utf8_length(struct str s);

/* Copies s into a C string of `size` bytes; false when it does not fit or holds a NUL. */
bool str_copy(struct str s, char *out, size_t size);
/* Copies s to where there is room for it, *at, which then lies behind the copy. */
struct str str_put(struct str s, char **at);

#endif
