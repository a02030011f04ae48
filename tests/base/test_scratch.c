/* What tests leave behind when they are killed (tests/support/scratch.h). */
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int a_process_that_is_gone(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return (int)child;
}

static void only_what_nobody_needs_any_more_is_swept(void **state)
{
    static const struct {
        const char *before, *behind; /* a process */
        bool is_gone;
        int age_s;
        bool goes;
    } table[] = {
        {"parcelpost-t", "-queue-abcdef", true, 3600, true},
        {"parcelpost-t", "-queue-ghijkl", true, 10, false},
        {"parcelpost-t", "-queue-mnopqr", false, 3600, false},
        {"parcelpost-kept-", "", true, 3600, false},
    };
    int gone = a_process_that_is_gone();
    char folder[SCRATCH_SIZE], paths[4][200];
    char inside[sizeof paths + 8]; /* gcc takes the longest path to be all of them */

    (void)state;
    scratch_folder("scratch", folder);
    for (size_t i = 0; i < 4; i++) {
        char name[64];
        struct timespec then[2] = {{.tv_sec = time(NULL) - table[i].age_s}};

        then[1] = then[0];
        snprintf(name, sizeof name, "%s%d%s", table[i].before,
            table[i].is_gone ? gone : (int)getpid(), table[i].behind);
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, name);
        snprintf(inside, sizeof inside, "%s/file", paths[i]);
        assert_int_equal(mkdir(paths[i], 0700), 0);
        close(open(inside, O_CREAT | O_WRONLY, 0600));
        assert_int_equal(utimensat(AT_FDCWD, paths[i], then, 0), 0);
    }
    scratch_sweep(folder);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(access(paths[i], F_OK) != 0, table[i].goes);
        snprintf(inside, sizeof inside, "%s/file", paths[i]);
        unlink(inside);
        rmdir(paths[i]);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_what_nobody_needs_any_more_is_swept)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
