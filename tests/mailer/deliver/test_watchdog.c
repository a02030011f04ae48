/* A watchdog that cannot be had. What it does to calls that take too long: test_dial.c. */
#include "mailer/deliver/watchdog.h"
#include "tests/base/expect.h"

#include <errno.h>
#include <pthread.h>

/* The seam: no thread is to be had in this program. */
int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict how,
    void *(*run)(void *), void *restrict context)
{
    (void)thread, (void)how, (void)run, (void)context;
    return EAGAIN;
}

static void a_thread_that_cannot_be_had_is_told_with_its_reason(void **state)
{
    struct watchdog *dog = NULL;
    struct err e = {0};

    (void)state;
    errno = ENOENT; /* of before: pthread_create returns its reason */
    assert_false(watchdog_open(&dog, &e));
    assert_null(dog);
    expect_text(
        "why", e.text, "watchdog: cannot start its thread: Resource temporarily unavailable");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_cannot_be_had_is_told_with_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
