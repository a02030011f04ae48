/* Tests mailer/deliver/smtp.h against servers that break off: what a failure in each phase means for a mail. */
#include "tests/mailer/deliver/meaning.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void close_in_greeting(struct line *c, void *context)
{
    (void)context;
    say(c, "220 mx.te");
}

static void stall_in_greeting(struct line *c, void *context)
{
    (void)context;
    stall(c);
}

static void garbage_greeting(struct line *c, void *context)
{
    (void)context;
    say(c, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

static void four_megabytes_of_greeting(struct line *c, void *context)
{
    char block[4096];

    (void)context;
    memset(block, 'x', sizeof block);
    say(c, "220 ");
    for (int i = 0; i < 1024; i++)
        say_bytes(c, block, sizeof block);
    say(c, "\r\n");
}

static void drip_in_ehlo(struct line *c, void *context)
{
    (void)context;
    say(c, "220 mx.test\r\n");
    if (!hear(c, "EHLO "))
        return;
    for (int i = 0; i < 2000 && !hear(c, "never"); i++)
        say(c, "250-DRIP\r\n");
}

static void stall_in_ehlo(struct line *c, void *context)
{
    (void)context;
    say(c, "220 mx.test\r\n");
    if (hear(c, "EHLO "))
        stall(c);
}

static void close_after_body(struct line *c, void *context)
{
    (void)context;
    if (greet(c, NULL) && take_envelope(c))
        hear_body(c);
}

static void reset_after_body(struct line *c, void *context)
{
    (void)context;
    if (greet(c, NULL) && take_envelope(c) && hear_body(c))
        reset(c);
}

static void stall_after_body(struct line *c, void *context)
{
    (void)context;
    if (greet(c, NULL) && take_envelope(c) && hear_body(c))
        stall(c);
}

static void stall_at_mail(struct line *c, void *context)
{
    (void)context;
    if (greet(c, NULL) && hear(c, "MAIL FROM:"))
        stall(c);
}

static void stall_at_rcpt(struct line *c, void *context)
{
    (void)context;
    if (greet(c, NULL) && hear(c, "MAIL FROM:")) {
        say(c, "250 ok\r\n");
        stall(c);
    }
}

static void stall_at_data(struct line *c, void *context)
{
    (void)context;
    if (greet(c, NULL) && hear(c, "MAIL FROM:")) {
        say(c, "250 ok\r\n");
        if (hear(c, "RCPT TO:") && hear(c, "DATA"))
            say(c, "250 ok\r\n");
        stall(c);
    }
}

static void say_after_body(struct line *c, void *context)
{
    if (greet(c, NULL) && take_envelope(c) && hear_body(c)) {
        say(c, context);
        hear(c, "QUIT");
    }
}

static const struct meaning table[] = {
    {"a_close_in_the_greeting_is_no_answer", close_in_greeting, NULL, false, false, false, AT_EHLO,
        0, 0, 0},
    {"silence_instead_of_a_greeting_times_out", stall_in_greeting, NULL, false, false, false,
        AT_CONNECT, 0, 150, 0},
    {"another_protocol_is_no_answer", garbage_greeting, NULL, false, false, false, AT_CONNECT, 0, 0,
        0},
    {"four_megabytes_in_one_line_are_not_waited_for", four_megabytes_of_greeting, NULL, false,
        false, false, AT_EHLO, 0, 0, 0},
    {"silence_at_ehlo_leaves_the_mail_in_hand", stall_in_ehlo, NULL, false, false, false, AT_EHLO,
        0, 150, 0},
    {"the_watchdog_ends_a_drip", drip_in_ehlo, NULL, false, false, false, AT_EHLO, 0, 0, 250},
    {"an_ehlo_reply_without_end_is_cut_off", endless_ehlo, NULL, false, false, false, AT_EHLO, 0, 0,
        0},
    {"close_after_the_dot_is_unsure", close_after_body, NULL, true, false, true, AT_BODY, 0, 0, 0},
    {"reset_after_the_dot_is_unsure", reset_after_body, NULL, true, false, true, AT_BODY, 0, 0, 0},
    {"silence_after_the_dot_is_unsure", stall_after_body, NULL, true, false, true, AT_BODY, 0, 150,
        0},
    {"the_deadline_after_the_dot_is_unsure", stall_after_body, NULL, true, false, true, AT_BODY, 0,
        0, 250},
    {"garbage_after_the_dot_is_unsure", say_after_body, "?!\r\n", true, false, true, AT_BODY, 0, 0,
        0},
    {"silence_at_mail_leaves_the_mail_in_hand", stall_at_mail, NULL, false, false, false, AT_MAIL,
        0, 150, 0},
    {"silence_at_rcpt_is_no_answer_and_sure", stall_at_rcpt, NULL, true, false, false, AT_RCPT, 0,
        150, 0},
    {"silence_at_data_is_no_answer_and_sure", stall_at_data, NULL, true, false, false, AT_DATA, 0,
        150, 0},
};

static void every_server_has_its_meaning(void **state)
{
    (void)state;
    assert_int_equal(meanings_wrong(table, COUNT_OF(table)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_server_has_its_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
