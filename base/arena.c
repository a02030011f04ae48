#include "base/arena.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BYTES 960 /* with what stands before it, malloc's quick sizes still serve it */
#define BLOCK_BYTES (16 * 1024) /* a usual job fits into one */
#define ALIGNMENT _Alignof(max_align_t)

/* Blocks form a list, the current one first. One lies behind the arena itself, so that a job that needs little takes
 * little. Something bigger than a block gets one of its own, behind the current one, so that the rest of the current
 * one is not lost. */
struct block {
    struct block *next;
    size_t size, used;
    _Alignas(max_align_t) char bytes[];
};

struct owned {
    struct owned *next;
    void *thing;
    void (*close)(void *thing);
};

struct arena {
    struct block *current;
    struct owned *owned; /* they lie in the blocks */
    _Alignas(max_align_t) char first[];
};

static void begin_block(struct block *b, size_t size)
{
    b->next = NULL;
    b->size = size;
    b->used = 0;
}

static struct block *new_block(size_t size)
{
    struct block *b = size <= SIZE_MAX - sizeof *b ? malloc(sizeof *b + size) : NULL;

    if (!b)
        err_out_of_memory();
    begin_block(b, size);
    return b;
}

static struct block *first_block(struct arena *a)
{
    return (struct block *)(void *)a->first;
}

struct arena *arena_open_for(size_t bytes)
{
    struct arena *a = NULL;
    size_t whole = sizeof *a + sizeof(struct block);

    if (!__builtin_add_overflow(whole, bytes, &whole))
        a = malloc(whole);
    if (!a)
        err_out_of_memory();
    a->owned = NULL;
    a->current = first_block(a);
    begin_block(a->current, bytes);
    return a;
}

struct arena *arena_open(void)
{
    return arena_open_for(FIRST_BYTES);
}

void arena_close(struct arena **a)
{
    if (!*a)
        return;
    arena_clear(*a);
    if ((*a)->current != first_block(*a)) /* which is no piece of malloc's */
        free((*a)->current);
    free(*a);
    *a = NULL;
}

void arena_own(struct arena *a, void *thing, void (*close)(void *thing))
{
    struct owned *o = ARENA_NEW(a, struct owned);

    *o = (struct owned){a->owned, thing, close};
    a->owned = o;
}

void arena_clear(struct arena *a)
{
    struct block *const first = first_block(a), *keep = first;

    for (const struct owned *o = a->owned; o; o = o->next)
        o->close(o->thing);
    a->owned = NULL;

    for (struct block *b = a->current, *next; b; b = next) {
        next = b->next;
        if (keep == first && b->size == BLOCK_BYTES && b != first)
            keep = b;
        else if (b != first)
            free(b);
    }
    begin_block(first, first->size);
    if (keep != first) {
        begin_block(keep, BLOCK_BYTES);
        keep->next = first;
    }
    a->current = keep;
}

static struct block *block_with_room(struct arena *a, size_t bytes)
{
    struct block *current = a->current;

    if (bytes <= current->size - current->used)
        return current;
    struct block *b = new_block(bytes > BLOCK_BYTES / 4 ? bytes : BLOCK_BYTES);
    if (b->size == BLOCK_BYTES) {
        b->next = current;
        a->current = b;
    } else {
        b->next = current->next;
        current->next = b;
    }
    return b;
}

static void *take(struct arena *a, size_t bytes)
{
    size_t rounded;

    if (__builtin_add_overflow(bytes, ALIGNMENT - 1, &rounded))
        err_out_of_memory();
    rounded &= ~(ALIGNMENT - 1);
    struct block *b = block_with_room(a, rounded);
    void *p = b->bytes + b->used;
    b->used += rounded;
    return p;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    return memset(take(a, bytes), 0, bytes);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        err_out_of_memory();
    return arena_alloc(a, bytes);
}

char *arena_text(struct arena *a, struct str s)
{
    char *p = take(a, s.n + 1);

    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

struct str arena_str(struct arena *a, struct str s)
{
    return (struct str){arena_text(a, s), s.n};
}

struct str arena_join(struct arena *a, const struct str *parts, size_t n)
{
    size_t whole = 0;

    for (size_t i = 0; i < n; i++)
        whole += parts[i].n;
    char *text = arena_alloc(a, whole + 1), *to = text;
    for (size_t i = 0; i < n; to += parts[i++].n)
        if (parts[i].n > 0)
            memcpy(to, parts[i].p, parts[i].n);
    return str_bytes(text, whole);
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;
    char usual[256]; /* most are shorter, and then need no second round */

    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(usual, sizeof usual, format, args);
    va_end(args);
    char *text = arena_alloc(a, length > 0 ? (size_t)length + 1 : 1);
    if (length >= (int)sizeof usual)
        vsnprintf(text, (size_t)length + 1, format, again);
    else if (length > 0)
        memcpy(text, usual, (size_t)length + 1);
    va_end(again);
    return text;
}
