#include "queue/locker.h"

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Under AddressSanitizer what is not let is not to be touched; else these say nothing. */
#include <sanitizer/asan_interface.h>

#define WORD_BITS 64
#define BAY_CELLS (LOCKER_BAY_BYTES / LOCKER_CELL_BYTES)
#define BAY_WORDS (BAY_CELLS / WORD_BITS)
#define SWEEP_BAYS 4 /* given back at a time: the caller may hold a lock */

struct bay {
    bool is_used; /* since it was last given back to the system */
    int empty_sweeps;
};

struct locker {
    char *memory;
    size_t cells;
    size_t low; /* all cells below are taken */
    size_t end; /* no cell from here on is */
    struct bay *bays;
    size_t bays_n;
    uint64_t taken[]; /* a bit for each cell of the bays; none is set beyond `cells` */
};

static size_t cells_for(size_t bytes)
{
    return (bytes + LOCKER_CELL_BYTES - 1) / LOCKER_CELL_BYTES;
}

size_t locker_bytes(size_t bytes)
{
    return cells_for(bytes) * LOCKER_CELL_BYTES;
}

struct locker *locker_open(size_t bytes)
{
    size_t cells = cells_for(bytes), bays_n = (cells + BAY_CELLS - 1) / BAY_CELLS;
    struct locker *l = calloc(1, sizeof *l + bays_n * BAY_WORDS * sizeof *l->taken);
    struct bay *bays = calloc(bays_n, sizeof *bays);
    size_t length = bays_n * LOCKER_BAY_BYTES;
    void *memory = mmap(
        NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (!l || !bays || memory == MAP_FAILED)
        err_out_of_memory();
    (void)madvise(memory, length, MADV_DONTDUMP);
    ASAN_POISON_MEMORY_REGION(memory, length);
    l->memory = memory;
    l->cells = cells;
    l->bays = bays;
    l->bays_n = bays_n;
    return l;
}

void locker_close(struct locker **pl)
{
    struct locker *l = *pl;
    size_t length = l ? l->bays_n * LOCKER_BAY_BYTES : 0;

    if (!l)
        return;
    *pl = NULL;
    ASAN_UNPOISON_MEMORY_REGION(l->memory, length);
    munmap(l->memory, length);
    free(l->bays);
    free(l);
}

/* ---- runs of cells ---- */

/* The first cell from `at` on that is taken, or is not; `below` when there is none. */
static size_t next_cell(const struct locker *l, size_t at, size_t below, bool taken)
{
    while (at < below) {
        uint64_t word = l->taken[at / WORD_BITS];
        uint64_t bits = (taken ? word : ~word) >> at % WORD_BITS;

        if (bits != 0) {
            at += (size_t)__builtin_ctzll(bits);
            break;
        }
        at += WORD_BITS - at % WORD_BITS;
    }
    return at < below ? at : below;
}

/* The first of n free cells in a row; l->cells when none was found. */
static size_t find_run(const struct locker *l, size_t n)
{
    size_t from = l->low;

    for (int holes = 0; holes < LOCKER_HOLES_MAX; holes++) {
        from = next_cell(l, from, l->end, false);
        size_t to = next_cell(l, from, l->end, true);
        if (to == l->end)
            to = l->cells; /* open above */
        if (to - from >= n)
            return from;
        if (to == l->cells)
            return to;
        from = to;
    }
    return l->cells - l->end >= n ? l->end : l->cells;
}

static void mark(struct locker *l, size_t from, size_t n, bool taken)
{
    while (n > 0) {
        size_t bit = from % WORD_BITS, here = WORD_BITS - bit < n ? WORD_BITS - bit : n;
        uint64_t mask = (here == WORD_BITS ? ~(uint64_t)0 : ((uint64_t)1 << here) - 1) << bit;

        if (taken)
            l->taken[from / WORD_BITS] |= mask;
        else
            l->taken[from / WORD_BITS] &= ~mask;
        from += here;
        n -= here;
    }
}

static void use_bays(struct locker *l, size_t from, size_t n)
{
    for (size_t b = from / BAY_CELLS; b <= (from + n - 1) / BAY_CELLS; b++)
        l->bays[b] = (struct bay){.is_used = true};
}

void *locker_take(struct locker *l, size_t bytes)
{
    size_t n = cells_for(bytes), from = find_run(l, n);

    if (from == l->cells)
        return NULL;
    mark(l, from, n, true);
    use_bays(l, from, n);
    if (from + n > l->end)
        l->end = from + n;
    l->low = next_cell(l, l->low, l->end, false);
    ASAN_UNPOISON_MEMORY_REGION(l->memory + from * LOCKER_CELL_BYTES, bytes);
    return l->memory + from * LOCKER_CELL_BYTES;
}

void locker_give(struct locker *l, void *piece, size_t bytes)
{
    size_t n = cells_for(bytes), from = (size_t)((char *)piece - l->memory) / LOCKER_CELL_BYTES;

    mark(l, from, n, false);
    use_bays(l, from, n);
    if (from < l->low)
        l->low = from;
    ASAN_POISON_MEMORY_REGION(piece, n * LOCKER_CELL_BYTES);
}

/* ---- back to the system ---- */

static bool is_empty(const struct locker *l, size_t bay)
{
    return next_cell(l, bay * BAY_CELLS, (bay + 1) * BAY_CELLS, true) == (bay + 1) * BAY_CELLS;
}

static void lower_end(struct locker *l)
{
    while (l->end > 0 && is_empty(l, (l->end - 1) / BAY_CELLS))
        l->end = (l->end - 1) / BAY_CELLS * BAY_CELLS;
    if (l->low > l->end)
        l->low = l->end;
}

void locker_sweep(struct locker *l)
{
    int given = 0;

    lower_end(l);
    for (size_t b = 0; b < l->bays_n && given < SWEEP_BAYS; b++) {
        struct bay *bay = &l->bays[b];

        if (!bay->is_used || !is_empty(l, b) || ++bay->empty_sweeps < LOCKER_KEPT_SWEEPS)
            continue;
        madvise(l->memory + b * LOCKER_BAY_BYTES, LOCKER_BAY_BYTES, MADV_DONTNEED);
        *bay = (struct bay){.is_used = false};
        given++;
    }
}
