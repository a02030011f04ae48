#include "queue/sight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct err refused = {.code = ERR_IO, .text = "disk I/O error"};

struct story {
    const char *name;
    /* f: a read fails; l: a look at heads that can be read; x: at heads that cannot; L: looks for a long time;
     * +, -: it is clear now, or is not */
    const char *steps;
};

static const struct story stories[] = {
    {"it_is_clear_from_the_beginning", "+l+"},
    {"a_failed_read_makes_it_ill_at_once", "f-"},
    {"two_quiet_looks_end_the_trouble", "fl-l-l+"}, /* the first one saw the failure */
    {"a_failure_between_two_looks_begins_anew", "fl-lf-l-l-l+"},
    {"heads_that_cannot_be_read_keep_it_ill", "flx-x-x-l-l+"},
    {"a_relapse_takes_twice_as_long", "flll+fl-l-l-l-l+"},
    {"and_twice_as_long_again", "flll+flllll+fl-llllllll+"},
    {"what_is_long_past_is_forgotten", "flll+flllll+LfLf-l-l-l+"},
};

static bool is_clear(struct sight *s)
{
    struct err e = {0};
    bool clear = sight_is_clear(s, &e);

    if (!clear) {
        assert_int_equal(e.code, ERR_IO);
        assert_string_equal(e.text, "queue.db cannot be read: disk I/O error");
    }
    return clear;
}

/* False: an expectation of the story does not hold. */
static bool step(struct sight *s, char what)
{
    switch (what) {
    case 'f':
        sight_note(s, "queue.db", &refused);
        return true;
    case 'l':
    case 'x':
        sight_look(s, what == 'l');
        return true;
    case 'L':
        for (int i = 0; i < SIGHT_FORGETS + SIGHT_PATIENCE_MAX; i++)
            sight_look(s, true);
        return true;
    default:
        return is_clear(s) == (what == '+');
    }
}

static void a_disk_that_cannot_be_read_is_told_until_it_can(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        struct sight *s = sight_open();
        const char *at = stories[i].steps;

        while (*at && step(s, *at))
            at++;
        if (*at) {
            print_error("%s: not so at \"%s\"\n", stories[i].name, at);
            wrong++;
        }
        sight_close(&s);
    }
    assert_int_equal(wrong, 0);
}

static void patience_has_an_end(void **state)
{
    struct sight *s = sight_open();

    (void)state;
    for (int relapse = 0; relapse < 20; relapse++) {
        sight_note(s, "queue.db", &refused);
        for (int i = 0; i <= SIGHT_PATIENCE_MAX; i++)
            sight_look(s, true);
        assert_true(is_clear(s));
    }
    sight_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_that_cannot_be_read_is_told_until_it_can),
        cmocka_unit_test(patience_has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
