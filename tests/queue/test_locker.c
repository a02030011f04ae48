/* The locker: pieces lie apart and as low as they can, its bound holds, and what is long unused goes back to the system. */
#include "queue/locker.h"

#include "base/lang.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sanitizer/asan_interface.h>

#define CELL LOCKER_CELL_BYTES
#define BAY LOCKER_BAY_BYTES

/* ---- many pieces, beside a list of them ---- */

struct piece {
    unsigned char *p;
    size_t bytes;
    unsigned char fill;
};

static void expect_untouched(const struct piece *one)
{
    for (size_t i = 0; i < one->bytes; i++)
        assert_int_equal(one->p[i], one->fill);
}

static void pieces_lie_apart_whatever_comes_and_goes(void **state)
{
    struct locker *l = locker_open(BAY);
    struct piece pieces[200] = {0};
    size_t refused = 0, held = 0;

    (void)state;
    srand(7);
    for (int turn = 0; turn < 20000; turn++) {
        struct piece *one = &pieces[(size_t)rand() % COUNT_OF(pieces)];

        if (one->p) {
            expect_untouched(one);
            locker_give(l, one->p, one->bytes);
            held -= locker_bytes(one->bytes);
            one->p = NULL;
            continue;
        }
        one->bytes = 1 + (size_t)rand() % (rand() % 4 ? 3 * CELL : 80 * CELL);
        one->fill = (unsigned char)turn;
        one->p = locker_take(l, one->bytes);
        if (one->p) {
            assert_int_equal((uintptr_t)one->p % _Alignof(max_align_t), 0);
            memset(one->p, one->fill, one->bytes);
            held += locker_bytes(one->bytes);
        }
        refused += !one->p;
        assert_true(held <= BAY);
    }
    assert_true(refused > 0); /* it was full now and then */
    for (size_t i = 0; i < COUNT_OF(pieces); i++)
        if (pieces[i].p) {
            expect_untouched(&pieces[i]);
            locker_give(l, pieces[i].p, pieces[i].bytes);
        }
    assert_non_null(locker_take(l, BAY)); /* nothing was lost */
    locker_close(&l);
}

/* ---- where a piece comes to lie ---- */

static void the_lowest_hole_that_is_long_enough_is_taken(void **state)
{
    struct locker *l = locker_open(BAY);
    char *a = locker_take(l, 3 * CELL), *b = locker_take(l, 1), *c = locker_take(l, 70 * CELL);
    char *d = locker_take(l, CELL + 1);

    (void)state;
    assert_ptr_equal(b, a + 3 * CELL);
    assert_ptr_equal(c, b + CELL);
    assert_ptr_equal(d, c + 70 * CELL);
    locker_give(l, c, 70 * CELL);
    locker_give(l, a, 3 * CELL);
    assert_ptr_equal(locker_take(l, 4 * CELL), c);
    assert_ptr_equal(locker_take(l, 2 * CELL), a);
    assert_ptr_equal(locker_take(l, 2 * CELL), c + 4 * CELL);
    assert_ptr_equal(locker_take(l, CELL), a + 2 * CELL);
    locker_close(&l);
}

static void what_does_not_fit_is_refused(void **state)
{
    struct locker *l = locker_open(100 * CELL - 1); /* not a whole bay */
    char *low = locker_take(l, 60 * CELL), *high;

    (void)state;
    assert_null(locker_take(l, 40 * CELL + 1));
    high = locker_take(l, 40 * CELL);
    assert_non_null(high);
    assert_null(locker_take(l, 1));
    locker_give(l, low, 60 * CELL);
    assert_null(locker_take(l, 61 * CELL));
    assert_ptr_equal(locker_take(l, 60 * CELL), low);
    locker_close(&l);
}

static void among_very_many_holes_the_one_that_is_long_enough_is_found(void **state)
{
    enum { CELLS = 4 * BAY / CELL };
    struct locker *l = locker_open(CELLS * CELL);
    char *pieces[CELLS];

    (void)state;
    for (size_t i = 0; i < CELLS; i++)
        pieces[i] = locker_take(l, CELL);
    for (size_t i = 0; i < CELLS; i += 2)
        locker_give(l, pieces[i], CELL);
    assert_null(locker_take(l, 2 * CELL));
    locker_give(l, pieces[CELLS - 3], CELL);
    assert_ptr_equal(locker_take(l, 3 * CELL), pieces[CELLS - 4]);
    assert_null(locker_take(l, 2 * CELL));
    assert_ptr_equal(locker_take(l, CELL), pieces[0]);
    locker_close(&l);
}

/* Beside a list of all cells. */
static void a_piece_lies_in_the_lowest_run_wherever_bays_meet(void **state)
{
    enum { CELLS = 3 * BAY / CELL - 70, LONGEST = BAY / CELL + 100 };
    static bool taken[CELLS];
    static struct {
        size_t at, n;
    } pieces[100];
    struct locker *l = locker_open(CELLS * CELL);
    char *memory = locker_take(l, CELL);
    size_t refused = 0;

    (void)state;
    locker_give(l, memory, CELL);
    srand(11);
    for (int turn = 0; turn < 20000; turn++) {
        size_t i = (size_t)rand() % COUNT_OF(pieces), at = 0, free_n = 0;

        if (pieces[i].n) {
            locker_give(l, memory + pieces[i].at * CELL, pieces[i].n * CELL);
            memset(taken + pieces[i].at, false, pieces[i].n);
            pieces[i].n = 0;
            continue;
        }
        size_t n = 1 + (size_t)rand() % (rand() % 16 ? 64 : LONGEST);
        for (; at < CELLS && free_n < n; at++)
            free_n = taken[at] ? 0 : free_n + 1;
        char *p = locker_take(l, n * CELL);
        assert_ptr_equal(p, free_n < n ? NULL : memory + (at - n) * CELL);
        if (p) {
            pieces[i].at = at - n;
            pieces[i].n = n;
            memset(taken + pieces[i].at, true, n);
        }
        refused += !p;
    }
    assert_true(refused > 0 && refused < 5000);
    locker_close(&l);
}

#ifdef __SANITIZE_ADDRESS__
static void what_is_not_let_is_not_to_be_touched(void **state)
{
    struct locker *l = locker_open(BAY);
    char *p = locker_take(l, 100);

    (void)state;
    assert_null(__asan_region_is_poisoned(p, 100));
    assert_true(__asan_address_is_poisoned(p + 104));
    assert_true(__asan_address_is_poisoned(p + CELL));
    locker_give(l, p, 100);
    assert_true(__asan_address_is_poisoned(p));
    locker_close(&l);
    assert_null(__asan_region_is_poisoned(p, BAY));
}
#endif

/* ---- back to the system ---- */

static void sweep(struct locker *l, int times)
{
    for (int i = 0; i < times; i++)
        locker_sweep(l);
}

/* Memory that the system had back comes as zeros. */
static bool is_kept(struct locker *l, size_t bytes)
{
    char *p = locker_take(l, bytes);
    bool kept = p[bytes - 1] == 'x';

    p[bytes - 1] = 'x';
    locker_give(l, p, bytes);
    return kept;
}

static void what_is_long_empty_goes_back(void **state)
{
    struct locker *l = locker_open(8 * BAY);

    (void)state;
    is_kept(l, BAY);
    sweep(l, LOCKER_KEPT_SWEEPS - 1);
    assert_true(is_kept(l, BAY)); /* and its time begins anew */
    sweep(l, LOCKER_KEPT_SWEEPS - 1);
    assert_true(is_kept(l, BAY));
    sweep(l, LOCKER_KEPT_SWEEPS);
    assert_false(is_kept(l, BAY));
    is_kept(l, 8 * BAY);
    sweep(l, LOCKER_KEPT_SWEEPS + 7); /* one at a time */
    for (size_t bays = 1; bays <= 8; bays++)
        assert_false(is_kept(l, bays * BAY));
    locker_close(&l);
}

static void what_is_in_use_stays_and_so_does_its_bay(void **state)
{
    struct locker *l = locker_open(3 * BAY);
    char *low = locker_take(l, BAY), *middle = locker_take(l, BAY - CELL);
    char *one = locker_take(l, CELL), *high = locker_take(l, BAY);

    (void)state;
    memset(middle, 'x', BAY - CELL);
    *one = 'y';
    locker_give(l, middle, BAY - CELL);
    sweep(l, 2 * LOCKER_KEPT_SWEEPS);
    assert_true(is_kept(l, BAY - CELL));
    locker_give(l, high, BAY);
    locker_give(l, low, BAY);
    sweep(l, 2 * LOCKER_KEPT_SWEEPS);
    assert_int_equal(*one, 'y');
    assert_ptr_equal(locker_take(l, BAY), low);
    assert_ptr_equal(locker_take(l, BAY), high);
    locker_close(&l);
}

static void a_bay_that_is_not_whole_goes_back_too(void **state)
{
    struct locker *l = locker_open(BAY + 100 * CELL);
    char *low = locker_take(l, BAY);

    (void)state;
    is_kept(l, 100 * CELL);
    assert_true(is_kept(l, 100 * CELL));
    sweep(l, LOCKER_KEPT_SWEEPS);
    assert_false(is_kept(l, 100 * CELL));
    locker_give(l, low, BAY);
    locker_close(&l);
}

static void one_bay_goes_back_at_a_time(void **state)
{
    struct locker *l = locker_open(8 * BAY);

    (void)state;
    is_kept(l, 8 * BAY);
    for (size_t bays = 1; bays <= 8; bays++)
        is_kept(l, bays * BAY);
    sweep(l, LOCKER_KEPT_SWEEPS);
    assert_false(is_kept(l, BAY));
    assert_true(is_kept(l, 2 * BAY));
    locker_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_lie_apart_whatever_comes_and_goes),
        cmocka_unit_test(the_lowest_hole_that_is_long_enough_is_taken),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(among_very_many_holes_the_one_that_is_long_enough_is_found),
        cmocka_unit_test(a_piece_lies_in_the_lowest_run_wherever_bays_meet),
#ifdef __SANITIZE_ADDRESS__
        cmocka_unit_test(what_is_not_let_is_not_to_be_touched),
#endif
        cmocka_unit_test(what_is_long_empty_goes_back),
        cmocka_unit_test(what_is_in_use_stays_and_so_does_its_bay),
        cmocka_unit_test(a_bay_that_is_not_whole_goes_back_too),
        cmocka_unit_test(one_bay_goes_back_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
