#include "base/ids.h"
#include "tests/base/expect.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS 8
#define EACH_MAKES 2000

static void ids_rise_within_one_millisecond_and_when_the_clock_steps_back(void **state)
{
    struct clock_fake fake = {.ms = 1795248550123};
    struct clock clock = clock_of_fake(&fake);
    AUTO(ids_close) struct ids *g = ids_open(&clock);
    struct id last = {""}, one;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        if (i == 2000)
            fake.ms -= 60000;
        if (i == 3000)
            fake.ms += 120000;
        ids_new(g, "msg_", &one);
        assert_true(id_is_valid(str_of(one.s), "msg_"));
        assert_true(strcmp(last.s, one.s) < 0);
        last = one;
    }
}

static void an_id_begins_with_its_time(void **state)
{
    static const struct {
        const char *name;
        int64_t ms;
        const char *begins; /* Crockford base32 of the 48 bits of time */
    } cases[] = {
        {"zero", 0, "x_0000000000"},
        {"one", 1, "x_0000000001"},
        {"thirty_two", 32, "x_0000000010"},
        {"highest", (INT64_C(1) << 48) - 1, "x_7zzzzzzzzz"},
        {"of_the_ulid_specification", 1469922850259, "x_01arz3ndek"},
    };

    (void)state;
    EACH(c, cases)
    {
        struct clock_fake fake = {.ms = c->ms};
        struct clock clock = clock_of_fake(&fake);
        AUTO(ids_close) struct ids *g = ids_open(&clock);
        struct id one;
        ids_new(g, "x_", &one);
        expect_str(c->name, str_slice(str_of(one.s), 0, 12), str_of(c->begins));
    }
}

static void foreign_text_is_no_id(void **state)
{
    static const struct {
        const char *name, *text;
        bool valid;
    } cases[] = {
        {"an_id", "msg_01arz3ndektsv4rrffq69g5fav", true},
        {"another_prefix", "key_01arz3ndektsv4rrffq69g5fav", false},
        {"no_prefix", "01arz3ndektsv4rrffq69g5fav", false},
        {"upper_case", "msg_01ARZ3NDEKTSV4RRFFQ69G5FAV", false},
        {"one_too_few", "msg_01arz3ndektsv4rrffq69g5fa", false},
        {"one_too_many", "msg_01arz3ndektsv4rrffq69g5fav0", false},
        {"a_letter_that_crockford_leaves_out", "msg_01arz3ndektsv4rrffq69g5fau", false},
        {"above_128_bits", "msg_81arz3ndektsv4rrffq69g5fav", false},
        {"a_quote", "msg_01arz3ndektsv4rrffq69g5fa'", false},
        {"empty", "", false},
    };

    (void)state;
    EACH(c, cases)
    expect_int(c->name, id_is_valid(str_of(c->text), "msg_"), c->valid);
    assert_false(id_is_valid(STR("msg_01arz3ndektsv4rrffq69g5fa\0"), "msg_"));
}

struct maker {
    struct ids *g;
    struct id *made;
};

static void *make_many(void *p)
{
    struct maker *m = p;

    for (int i = 0; i < EACH_MAKES; i++)
        ids_new(m->g, "msg_", &m->made[i]);
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct id *)a)->s, ((const struct id *)b)->s);
}

static void threads_never_get_the_same_id_and_each_sees_them_rise(void **state)
{
    AUTO(ids_close) struct ids *g = ids_open(clock_system());
    struct id *all = calloc(THREADS * EACH_MAKES, sizeof *all);
    struct maker makers[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    assert_non_null(all);
    for (int i = 0; i < THREADS; i++) {
        makers[i] = (struct maker){g, all + i * EACH_MAKES};
        assert_int_equal(pthread_create(&threads[i], NULL, make_many, &makers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        for (int k = 1; k < EACH_MAKES; k++)
            assert_true(compare_ids(&makers[i].made[k - 1], &makers[i].made[k]) < 0);
    qsort(all, THREADS * EACH_MAKES, sizeof *all, compare_ids);
    for (int i = 1; i < THREADS * EACH_MAKES; i++)
        assert_int_not_equal(compare_ids(&all[i - 1], &all[i]), 0);
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_rise_within_one_millisecond_and_when_the_clock_steps_back),
        cmocka_unit_test(an_id_begins_with_its_time),
        cmocka_unit_test(foreign_text_is_no_id),
        cmocka_unit_test(threads_never_get_the_same_id_and_each_sees_them_rise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
