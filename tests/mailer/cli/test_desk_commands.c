/* What the commands of the desk refuse, and what they say then: an empty answer, or another one than was asked for, would be
 * believed. */
#include "mailer/cli/cli.h"
#include "tests/base/expect.h"
#include "tests/mailer/cli/program.h"
#include "tests/mailer/intake/room.h"

#include <stdlib.h>
#include <unistd.h>

static struct room room;

static int open_room(void **state)
{
    (void)state;
    room_open(&room);
    queue_close(&room.queue); /* the commands open it themselves */
    setenv("PARCELPOST_CONFIG", "settings.conf", 1);
    room_write(&room, "mail.json",
        "{\"template\":\"note\",\"to\":\"ada@example.com\",\"data\":{\"name\":\"Ada\","
        "\"number\":\"1\"}}",
        0600);
    return chdir(room.folder);
}

static int close_room(void **state)
{
    (void)state;
    program_close();
    return chdir("/") == 0 ? (room_close(&room), 0) : -1;
}

#define S(verb) "suppressions " verb " --storefront acme "

/* The API's rule, so that one list holds both. */
static void a_reason_is_a_word_of_small_letters(void **state)
{
    static const struct run table[] = {
        {"two words", S("add") "bob@example.com --reason 'Foo Bar'", EX_USAGE,
            "--reason must be 1 to 47 of a-z, 0-9 and \"-\"; 'Foo Bar' is not"},
        {"none", S("add") "bob@example.com --reason ''", EX_USAGE, "--reason must be"},
        {"very long",
            S("add") "bob@example.com --reason a23456789-b23456789-c23456789-d23456789-e2345678",
            EX_USAGE, "--reason must be"},
        {"as long as can be",
            S("add") "bob@example.com --reason a23456789-b23456789-c23456789-d23456789-e234567",
            CLI_FINE, "e234567)"},
    };
    (void)state;

    EACH(row, table)
    expect_run(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reason_is_a_word_of_small_letters),
    };

    return cmocka_run_group_tests(tests, open_room, close_room);
}
