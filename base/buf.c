#include "base/buf.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SMALLEST 64
#define SHORT 1024  /* is copied sooner than freed one by one */
#define LARGER 4096 /* from here on it doubles; below, a text that grows is moved less often */

void buf_close(struct buf *b)
{
    free(b->p);
    *b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
    buf_cut(b, 0);
}

char *buf_grow(struct buf *b, size_t more)
{
    size_t need;

    if (__builtin_add_overflow(b->n, more, &need) || __builtin_add_overflow(need, 1, &need))
        err_out_of_memory();
    if (need > b->cap) {
        /* Many bytes at once are mostly all there will be. */
        size_t cap = b->cap > 0 ? b->cap : more >= LARGER ? need : SMALLEST;
        while (cap < need)
            cap = cap > SIZE_MAX / 2 ? need : cap < LARGER ? cap * 4 : cap * 2;
        char *p = realloc(b->p, cap);
        if (!p)
            err_out_of_memory();
        b->p = p;
        b->cap = cap;
    }
    b->p[b->n] = 0;
    return b->p + b->n;
}

struct str buf_give(struct buf *b, struct arena *a)
{
    struct str s = buf_str(b);

    if (s.n < SHORT) {
        s = arena_str(a, s);
        buf_close(b);
        return s;
    }
    arena_own(a, b->p, free);
    *b = (struct buf){0};
    return s;
}

/* s may be a part of b itself: growing would then pull its bytes away, so it is found again. */
static struct str make_room_for(struct buf *b, struct str s)
{
    bool inside = b->p && s.n > 0 && (uintptr_t)s.p >= (uintptr_t)b->p &&
                  (uintptr_t)s.p < (uintptr_t)b->p + b->cap;
    size_t at = inside ? (size_t)(s.p - b->p) : 0;

    buf_room(b, s.n);
    return inside ? (struct str){b->p + at, s.n} : s;
}

void buf_add(struct buf *b, struct str s)
{
    if (s.n >= b->cap - b->n)
        s = make_room_for(b, s);
    if (s.n > 0)
        memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
    b->p[b->n] = 0;
}

void buf_add_text(struct buf *b, const char *text)
{
    buf_add(b, str_of(text));
}

void buf_add_u64(struct buf *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_add(b, (struct str){digits + at, sizeof digits - at});
}

void buf_add_i64(struct buf *b, int64_t value)
{
    if (value < 0)
        buf_add_char(b, '-');
    buf_add_u64(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* Mostly there is room enough, and then it is written once. */
void buf_addf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    char *p = buf_room(b, 0);
    size_t room = b->cap - b->n;

    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(p, room, format, args);
    va_end(args);
    if (length > 0 && (size_t)length >= room)
        vsnprintf(buf_room(b, (size_t)length), (size_t)length + 1, format, again);
    va_end(again);
    if (length > 0)
        b->n += (size_t)length;
    b->p[b->n] = 0;
}

void buf_insert(struct buf *b, size_t at, struct str s)
{
    buf_room(b, s.n);
    if (at > b->n)
        at = b->n;
    memmove(b->p + at + s.n, b->p + at, b->n - at + 1);
    if (s.n > 0)
        memcpy(b->p + at, s.p, s.n);
    b->n += s.n;
}

void buf_cut(struct buf *b, size_t n)
{
    if (n >= b->n)
        return;
    b->n = n;
    b->p[n] = 0;
}

void buf_wipe(struct buf *b)
{
    if (b->p)
        explicit_bzero(b->p, b->cap);
    buf_close(b);
}

const char *buf_text(const struct buf *b)
{
    return b->p ? b->p : "";
}
