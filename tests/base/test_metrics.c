#include "base/metrics.h"
#include "tests/base/expect.h"

#include <pthread.h>

static void the_text_is_what_prometheus_reads(void **state)
{
    AUTO(metrics_close) struct metrics *m = metrics_open();
    AUTO(buf_close) struct buf out = {0};

    (void)state;
    counter_add(metrics_counter(m, "a_total", "One\\two\nthree.", "outcome=\"x\""), 2);
    gauge_set(metrics_gauge(m, "depth", "Deep.", ""), 5);
    gauge_add(metrics_gauge(m, "depth", "Deep.", ""), -7);
    counter_add(metrics_counter(m, "a_total", "One\\two\nthree.", "outcome=\"y\""), 1);
    metrics_counter(m, "a_total", "One\\two\nthree.", "");
    metrics_print(m, &out);
    assert_string_equal(out.p, "# HELP a_total One\\\\two\\nthree.\n"
                               "# TYPE a_total counter\n"
                               "a_total{outcome=\"x\"} 2\n"
                               "a_total{outcome=\"y\"} 1\n"
                               "a_total 0\n"
                               "# HELP depth Deep.\n"
                               "# TYPE depth gauge\n"
                               "depth -2\n");
}

static void the_same_name_and_labels_are_the_same_object(void **state)
{
    AUTO(metrics_close) struct metrics *m = metrics_open();
    struct counter *x = metrics_counter(m, "n", "N.", "a=\"1\"");
    char labels[] = "a=\"1\"";

    (void)state;
    assert_ptr_equal(metrics_counter(m, "n", "N.", labels), x);
    assert_ptr_not_equal(metrics_counter(m, "n", "N.", "a=\"2\""), x);
    memset(labels, 0, sizeof labels); /* labels were copied */
    assert_ptr_equal(metrics_counter(m, "n", "N.", "a=\"1\""), x);
    counter_add(x, 3);
    assert_int_equal(counter_value(x), 3);
}

static void spans_fall_into_their_buckets_and_print_as_seconds(void **state)
{
    AUTO(metrics_close) struct metrics *m = metrics_open();
    AUTO(buf_close) struct buf out = {0};
    struct histogram *h = metrics_histogram(m, "took_seconds", "Took.", "road=\"mx\"");

    (void)state;
    histogram_add_ns(h, 100000);       /* 100 us: on the first bound */
    histogram_add_ns(h, 100001);       /* just above it */
    histogram_add_ns(h, -5);           /* a clock that jumped */
    histogram_add_ns(h, 1500000000);   /* 1.5 s */
    histogram_add_ns(h, 500000000000); /* above all */
    metrics_print(m, &out);
    static const char *const lines[] = {
        "# TYPE took_seconds histogram\n",
        "took_seconds_bucket{road=\"mx\",le=\"0.0001\"} 2\n",
        "took_seconds_bucket{road=\"mx\",le=\"0.0002\"} 3\n",
        "took_seconds_bucket{road=\"mx\",le=\"0.0005\"} 3\n",
        "took_seconds_bucket{road=\"mx\",le=\"1\"} 3\n",
        "took_seconds_bucket{road=\"mx\",le=\"2\"} 4\n",
        "took_seconds_bucket{road=\"mx\",le=\"100\"} 4\n",
        "took_seconds_bucket{road=\"mx\",le=\"+Inf\"} 5\n",
        "took_seconds_sum{road=\"mx\"} 501.500200001\n",
        "took_seconds_count{road=\"mx\"} 5\n",
    };
    EACH(line, lines)
    expect_in("a_line", buf_str(&out), *line);
}

static void sizes_fall_into_powers_of_two(void **state)
{
    AUTO(metrics_close) struct metrics *m = metrics_open();
    AUTO(buf_close) struct buf out = {0};
    struct histogram *h = metrics_size_histogram(m, "group", "Group.", "");

    (void)state;
    histogram_add_size(h, 1);
    histogram_add_size(h, 3);
    histogram_add_size(h, 4096);
    histogram_add_size(h, 4097);
    metrics_print(m, &out);
    static const char *const lines[] = {"group_bucket{le=\"1\"} 1\n", "group_bucket{le=\"2\"} 1\n",
        "group_bucket{le=\"4\"} 2\n", "group_bucket{le=\"4096\"} 3\n",
        "group_bucket{le=\"+Inf\"} 4\n", "group_sum 8197\n", "group_count 4\n"};
    EACH(line, lines)
    expect_in("a_line", buf_str(&out), *line);
}

static void *write_many(void *p)
{
    for (int i = 0; i < 2000; i++) {
        counter_add(metrics_counter(p, "n_total", "N.", ""), 1);
        histogram_add_ns(metrics_histogram(p, "t_seconds", "T.", ""), i);
    }
    return NULL;
}

static void threads_lose_no_count_while_somebody_prints(void **state)
{
    AUTO(metrics_close) struct metrics *m = metrics_open();
    AUTO(buf_close) struct buf out = {0};
    pthread_t threads[8];

    (void)state;
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, m), 0);
    for (int i = 0; i < 50; i++) {
        buf_clear(&out);
        metrics_print(m, &out);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counter_value(metrics_counter(m, "n_total", "N.", "")), 16000);
    buf_clear(&out);
    metrics_print(m, &out);
    expect_in("count", buf_str(&out), "t_seconds_count 16000\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_what_prometheus_reads),
        cmocka_unit_test(the_same_name_and_labels_are_the_same_object),
        cmocka_unit_test(spans_fall_into_their_buckets_and_print_as_seconds),
        cmocka_unit_test(sizes_fall_into_powers_of_two),
        cmocka_unit_test(threads_lose_no_count_while_somebody_prints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
