/* buf -- owned bytes that grow. `struct buf b = {0}` is empty and ready; buf_close frees.
 * p is NUL-terminated after every call that adds (the NUL is not counted in n), NULL while empty.
 * Out of memory exits (err.h). One thread at a time. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/arena.h"

struct buf {
    char *p;
    size_t n, cap;
};

void buf_close(struct buf *b);              /* frees and empties; for AUTO() too */
void buf_clear(struct buf *b);              /* keeps the memory */
char *buf_grow(struct buf *b, size_t more); /* buf_room, where there is none yet */
void buf_add(struct buf *b, struct str s);
void buf_add_text(struct buf *b, const char *text);
void buf_add_u64(struct buf *b, uint64_t value);
void buf_add_i64(struct buf *b, int64_t value);
void buf_addf(struct buf *b, const char *format, ...) PRINTF(2, 3);
void buf_insert(struct buf *b, size_t at, struct str s); /* s must not be a part of b */
void buf_cut(struct buf *b, size_t n);                   /* shortens to n bytes */
/* Hands the bytes over to the arena and empties the buf; many bytes are not copied for it. */
struct str buf_give(struct buf *b, struct arena *a);
void buf_wipe(struct buf *b);              /* overwrites, then frees: for secrets */
const char *buf_text(const struct buf *b); /* as a C string, "" when empty */

/* Space for `more` behind n; the caller raises n. */
static inline char *buf_room(struct buf *b, size_t more)
{
    if (more >= b->cap - b->n)
        return buf_grow(b, more);
    b->p[b->n] = 0;
    return b->p + b->n;
}

static inline void buf_add_char(struct buf *b, char c)
{
    char *p = buf_room(b, 1);

    p[0] = c;
    p[1] = 0;
    b->n++;
}

static inline struct str buf_str(const struct buf *b)
{
    return str_bytes(b->p, b->n);
}

#endif
