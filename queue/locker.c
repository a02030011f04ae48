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

struct bay {
    size_t first;   /* free cells in the run that its first cell begins; 0: that is taken */
    size_t last;    /* in the one that its last cell ends */
    size_t longest; /* in its longest */
    bool is_used;   /* since it was last given back to the system */
    int empty_sweeps;
};

struct locker {
    char *memory;
    size_t cells;
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

/* The last bay may have fewer than the others. */
static size_t end_of(const struct locker *l, size_t bay)
{
    size_t end = (bay + 1) * BAY_CELLS;

    return end < l->cells ? end : l->cells;
}

static bool is_empty(const struct locker *l, size_t bay)
{
    return l->bays[bay].longest == end_of(l, bay) - bay * BAY_CELLS;
}

static void survey(struct locker *l, size_t b)
{
    struct bay *bay = &l->bays[b];
    size_t begin = b * BAY_CELLS, end = end_of(l, b), to;

    bay->longest = bay->first = 0;
    for (size_t from = begin; from < end; from = to) {
        from = next_cell(l, from, end, false);
        to = next_cell(l, from, end, true);
        size_t n = to - from;
        if (n > bay->longest)
            bay->longest = n;
        if (from == begin)
            bay->first = n;
        bay->last = n; /* behind the last cell that is taken, none when that is the last of all */
    }
}

/* The first n free cells in a row of this bay, which has them. */
static size_t find_in_bay(const struct locker *l, size_t bay, size_t n)
{
    size_t end = end_of(l, bay), from = next_cell(l, bay * BAY_CELLS, end, false), to;

    while ((to = next_cell(l, from, end, true)) - from < n)
        from = next_cell(l, to, end, false);
    return from;
}

/* The first of n free cells in a row; l->cells when there are none. */
static size_t find_run(const struct locker *l, size_t n)
{
    size_t below = 0; /* free cells that end where the bay begins */

    for (size_t b = 0; b < l->bays_n; b++) {
        const struct bay *bay = &l->bays[b];

        if (below + bay->first >= n)
            return b * BAY_CELLS - below;
        if (bay->longest >= n)
            return find_in_bay(l, b, n);
        below = is_empty(l, b) ? below + bay->longest : bay->last;
    }
    return l->cells;
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
    for (size_t b = from / BAY_CELLS; b <= (from + n - 1) / BAY_CELLS; b++) {
        l->bays[b].is_used = true;
        l->bays[b].empty_sweeps = 0;
        survey(l, b);
    }
}

/* ---- the locker ---- */

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
    for (size_t b = 0; b < bays_n; b++)
        survey(l, b);
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

void *locker_take(struct locker *l, size_t bytes)
{
    size_t n = cells_for(bytes), from = find_run(l, n);

    if (from == l->cells)
        return NULL;
    mark(l, from, n, true);
    use_bays(l, from, n);
    ASAN_UNPOISON_MEMORY_REGION(l->memory + from * LOCKER_CELL_BYTES, bytes);
    return l->memory + from * LOCKER_CELL_BYTES;
}

void locker_give(struct locker *l, void *piece, size_t bytes)
{
    size_t n = cells_for(bytes), from = (size_t)((char *)piece - l->memory) / LOCKER_CELL_BYTES;

    mark(l, from, n, false);
    use_bays(l, from, n);
    ASAN_POISON_MEMORY_REGION(piece, n * LOCKER_CELL_BYTES);
}

/* ---- back to the system ---- */

void locker_sweep(struct locker *l)
{
    for (size_t b = 0; b < l->bays_n; b++) {
        struct bay *bay = &l->bays[b];

        if (!bay->is_used || !is_empty(l, b) || ++bay->empty_sweeps < LOCKER_KEPT_SWEEPS)
            continue;
        madvise(l->memory + b * LOCKER_BAY_BYTES, LOCKER_BAY_BYTES, MADV_DONTNEED);
        bay->is_used = false;
        return;
    }
}
