/* How an API key's bucket empties and fills; the clock is a number. */
#include "mailer/http/quota.h"
#include "tests/base/expect.h"

#include <stdio.h>

#define LIMIT 6000 /* a minute, 100 a second */
#define NOW INT64_C(1795248600000)

static void close_quota(struct quota **q)
{
    quota_close(q);
}

static void a_bucket_empties_at_once_and_fills_evenly(void **state)
{
    static const struct {
        const char *name;
        int64_t at_ms, n;
        bool granted;
        int64_t left, full_s, retry_s;
    } steps[] = {
        {"the_first", 0, 1, true, 5999, 1, 0},
        {"nearly_all", 0, 5998, true, 1, 60, 0},
        {"more_than_there_is", 0, 2, false, 1, 60, 1},
        {"the_last", 0, 1, true, 0, 60, 0},
        {"one_too_many", 0, 1, false, 0, 60, 1},
        {"a_batch_too_many", 0, 1000, false, 0, 60, 10},
        {"what_came_in_a_tenth_of_a_second", 100, 10, true, 0, 60, 0},
        {"and_no_more", 100, 1, false, 0, 60, 1},
        {"a_batch_after_ten_seconds", 10100, 1000, true, 0, 60, 0},
        {"full_after_a_minute_and_not_above", 200000, 1, true, 5999, 1, 0},
        {"a_clock_set_back_gives_nothing", 100000, 1, false, 0, 60, 1},
        {"but_fills_on", 101000, 100, true, 0, 60, 0},
    };
    AUTO(close_quota) struct quota *q = quota_open();

    (void)state;
    EACH(c, steps)
    {
        struct quota_level level = quota_take(q, "key_a", LIMIT, c->n, NOW + c->at_ms);
        expect_int(c->name, level.granted, c->granted);
        expect_int(c->name, level.left, c->left);
        expect_int(c->name, level.full_s, c->full_s);
        expect_int(c->name, level.retry_s, c->retry_s);
    }
}

static void keys_do_not_share_a_bucket(void **state)
{
    AUTO(close_quota) struct quota *q = quota_open();

    (void)state;
    assert_true(quota_take(q, "key_a", LIMIT, LIMIT, NOW).granted);
    assert_false(quota_take(q, "key_a", LIMIT, 1, NOW).granted);
    assert_true(quota_take(q, "key_b", LIMIT, LIMIT, NOW).granted);
}

static void more_than_the_limit_is_the_whole_bucket(void **state)
{
    AUTO(close_quota) struct quota *q = quota_open();

    (void)state;
    assert_true(quota_take(q, "key_a", LIMIT, 10 * LIMIT, NOW).granted);
    assert_false(quota_take(q, "key_a", LIMIT, 1, NOW).granted);
}

static void a_lower_limit_holds_at_once(void **state)
{
    AUTO(close_quota) struct quota *q = quota_open();

    (void)state;
    assert_true(quota_take(q, "key_a", 1000000, 500000, NOW).granted);
    assert_int_equal(quota_take(q, "key_a", 1000, 1, NOW).left, 499);
}

/* Full buckets go first: a key that spent all is not forgotten because many others came once. */
static void many_keys_take_no_more_memory_and_spare_an_empty_bucket(void **state)
{
    AUTO(close_quota) struct quota *q = quota_open();
    char name[40];

    (void)state;
    assert_true(quota_take(q, "key_empty", LIMIT, LIMIT, NOW).granted);
    for (int i = 0; i < 20 * QUOTA_KEYS; i++) {
        snprintf(name, sizeof name, "key_%d", i);
        assert_true(quota_take(q, name, LIMIT, 1, NOW + i).granted);
    }
    assert_false(quota_take(q, "key_empty", LIMIT, LIMIT, NOW + 20 * QUOTA_KEYS).granted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_empties_at_once_and_fills_evenly),
        cmocka_unit_test(keys_do_not_share_a_bucket),
        cmocka_unit_test(more_than_the_limit_is_the_whole_bucket),
        cmocka_unit_test(a_lower_limit_holds_at_once),
        cmocka_unit_test(many_keys_take_no_more_memory_and_spare_an_empty_bucket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
