/* What `dkim rotate` and `dkim list` say of a rotation at its steps. How one goes on: tests/e2e/test_rotation.py. */
#include "base/file.h"
#include "mailer/cli/cli.h"
#include "mailer/mime/rotation.h"
#include "tests/base/expect.h"
#include "tests/mailer/cli/front.h"

#define STATE "s1._domainkey.shop.example.rotation"

static void come_to(enum rotation_step step)
{
    struct rotation r;
    struct err e = {0};

    if (!rotation_load(STATE, &r, &e))
        fail_msg("%s", e.text);
    r.step = step;
    if (!rotation_save(STATE, &r, STATE, &e))
        fail_msg("%s", e.text);
}

static void where_none_is_under_way_all_say_so(void **state)
{
    static const struct run table[] = {
        {"status", "dkim rotate status --resolver none", CLI_FINE,
            "no key rotation is under way: "},
        {"cancel", "dkim rotate cancel --resolver none", EX_DATAERR,
            "no key rotation is under way: "},
        {"back", "dkim rotate back --resolver none", EX_DATAERR, "no key rotation is under way: "},
    };
    (void)state;

    EACH(row, table)
    expect_run(row);
}

/* The file that the service signs with: the settings name the old key's until the end. */
static void a_list_names_the_file_of_the_key_that_signs(void **state)
{
    static const struct run start = {"start",
        "dkim rotate start --storefront acme --new-selector s2 --resolver none", CLI_FINE,
        "pending; s1 signs"};
    static const struct {
        const char *name;
        enum rotation_step step;
        const char *selector, *file;
    } table[] = {
        {"pending", ROTATION_PENDING, "acme             s1._domainkey.shop.example  ", "/s1.pem\n"},
        {"active", ROTATION_ACTIVE, "acme             s2._domainkey.shop.example  ",
            "/s2._domainkey.shop.example.pem\n"},
        {"retiring", ROTATION_RETIRING, "acme             s2._domainkey.shop.example  ",
            "/s2._domainkey.shop.example.pem\n"},
        {"back", ROTATION_BACK, "acme             s1._domainkey.shop.example  ", "/s1.pem\n"},
    };
    (void)state;

    expect_run(&start);
    EACH(row, table)
    {
        struct str rest, line;
        come_to(row->step);
        expect_int(row->name, program_run("dkim list"), CLI_FINE);
        rest = buf_str(&program_out);
        str_next(&rest, '\n', &line);
        line.n++; /* with its end */
        expect_in(row->name, line, row->selector);
        expect_in(row->name, line, row->file);
    }
}

/* Runs behind the start. The service looks every ten seconds, and its log has nothing to say until then. */
static void a_key_signs_once_the_service_has_read_it(void **state)
{
    static const struct run table[] = {
        {"headline", "dkim rotate status --resolver none", CLI_FINDINGS,
            "active; s2 signs once the service has read it\n"},
        {"what is waited for", "dkim rotate status --resolver none", CLI_FINDINGS,
            "  waits for the service, which signs with s1 until it has looked"},
    };
    static const struct run pending = {
        "before", "dkim rotate status --resolver none", CLI_UNKNOWN, "pending; s1 signs\n"};
    (void)state;

    come_to(ROTATION_PENDING);
    expect_run(&pending);

    come_to(ROTATION_ACTIVE);
    room_write(&room, "data/dkim-signing", "s1._domainkey.shop.example\n", 0600);
    EACH(row, table)
    expect_run(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_none_is_under_way_all_say_so),
        cmocka_unit_test(a_list_names_the_file_of_the_key_that_signs),
        cmocka_unit_test(a_key_signs_once_the_service_has_read_it),
    };

    return cmocka_run_group_tests(tests, front_open, front_close);
}
