/* threads -- the same work on several threads at once; each counts its own mistakes in the int that it is given. */
#ifndef TESTS_BASE_THREADS_H
#define TESTS_BASE_THREADS_H

#include "tests/base/expect.h"

#include <pthread.h>

#define THREADS_MAX 8

static inline void expect_no_mistakes(void *(*work)(void *mistakes), size_t n)
{
    pthread_t threads[THREADS_MAX];
    int mistakes[THREADS_MAX] = {0};

    assert_true(n <= THREADS_MAX);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &mistakes[i]), 0);
    for (size_t i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(mistakes[i], 0);
    }
}

#endif
