/* Tests mailer/deliver/smtp.h against scripted peers: what a server does, and what that means for a mail. */
#include "tests/mailer/deliver/bench.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MANY 20

/* ---- scripts: one connection each ------------------------------------------------------------------ */

static void polite(struct line *c, void *context)
{
    (void)context;
    if (!greet(c, NULL))
        return;
    while (take_mail(c))
        ;
    say(c, "221 bye\r\n"); /* what take_mail did not like was QUIT */
}

/* Knows neither EHLO nor pipelining. */
static void old_fashioned(struct line *c, void *context)
{
    (void)context;
    say(c, "220 mx.test\r\n");
    if (!hear(c, "EHLO "))
        return;
    say(c, "500 what\r\n");
    if (!hear(c, "HELO "))
        return;
    say(c, "250 hello\r\n");
    while (take_mail(c))
        ;
}

static void refuse_greeting(struct line *c, void *context)
{
    say(c, context);
    hear(c, "QUIT");
}

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

static void endless_ehlo(struct line *c, void *context)
{
    (void)context;
    say(c, "220 mx.test\r\n");
    if (!hear(c, "EHLO "))
        return;
    for (int i = 0; i < 100000; i++)
        say(c, "250-SPAM\r\n");
}

static void refuse_mail(struct line *c, void *context)
{
    (void)context;
    if (!greet(c, (const char *[]){"ENHANCEDSTATUSCODES", NULL}) || !hear(c, "MAIL FROM:"))
        return;
    say(c, "550 5.7.1 sender is not welcome\r\n");
    while (hear(c, "MAIL FROM:"))
        say(c, "550 5.7.1 sender is not welcome\r\n");
}

/* The first recipient is unknown, the rest are known. */
static void refuse_first_rcpt(struct line *c, void *context)
{
    (void)context;
    if (!greet(c, (const char *[]){"ENHANCEDSTATUSCODES", NULL}) || !hear(c, "MAIL FROM:"))
        return;
    say(c, "250 2.1.0 ok\r\n");
    if (!hear(c, "RCPT TO:") || !hear(c, "DATA"))
        return;
    say(c, "550-5.1.1 no such\r\n550 5.1.1 mailbox\r\n");
    say(c, "554 5.5.1 no valid recipients\r\n");
    if (!hear(c, "RSET"))
        return;
    say(c, "250 2.0.0 ok\r\n");
    while (take_mail(c))
        ;
}

static void refuse_data(struct line *c, void *context)
{
    (void)context;
    if (!greet(c, NULL) || !hear(c, "MAIL FROM:"))
        return;
    say(c, "250 ok\r\n");
    if (!hear(c, "RCPT TO:") || !hear(c, "DATA"))
        return;
    say(c, "250 ok\r\n452 4.3.1 no room\r\n");
    hear(c, "QUIT");
}

static void say_after_body(struct line *c, void *context)
{
    if (greet(c, NULL) && take_envelope(c) && hear_body(c)) {
        say(c, context);
        hear(c, "QUIT");
    }
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

#define HOLE_MS 200

/* Stops reading in the body for longer than the client waits, then takes what comes as if nothing had been. */
static void stop_reading(struct line *c, void *context)
{
    (void)context;
    if (greet(c, NULL) && take_envelope(c)) {
        stall_for(c, 4 * HOLE_MS);
        if (hear_body(c))
            say(c, "250 2.0.0 a mail with a hole\r\n");
    }
}

static void long_line_at_mail(struct line *c, void *context)
{
    char words[1500];

    (void)context;
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = 0;
    if (!greet(c, NULL) || !hear(c, "MAIL FROM:"))
        return;
    say(c, "250 ");
    say(c, words);
    say(c, "\r\n");
    if (hear(c, "RCPT TO:") && hear(c, "DATA")) {
        say(c, "550 5.1.1 no such mailbox\r\n354 go on\r\n");
        if (hear_body(c))
            say(c, "250 2.0.0 taken\r\n");
    }
}

/* A cut line whose rest looks like a reply would make every later reply belong to the command before. */
static void shift_replies(struct line *c, void *context)
{
    char words[1020];

    memset(words, *(const char *)context, sizeof words - 1);
    words[sizeof words - 1] = 0;
    if (!greet(c, NULL) || !hear(c, "MAIL FROM:"))
        return;
    say(c, "250 ");
    say(c, words);
    say(c, "550 5.1.1 no such mailbox\r\n");
    if (hear(c, "RCPT TO:") && hear(c, "DATA"))
        say(c, "354 go on\r\n");
    if (hear_body(c))
        say(c, "250 2.0.0 taken\r\n550 no\r\n");
}

static void long_line_after_body(struct line *c, void *context)
{
    char words[1500];

    (void)context;
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = 0;
    if (greet(c, NULL) && take_envelope(c) && hear_body(c)) {
        say(c, "250 ");
        say(c, words);
        say(c, "\r\n");
        hear(c, "QUIT");
    }
}

static void close_after_two(struct line *c, void *context)
{
    (void)context;
    if (greet(c, NULL) && take_mail(c))
        take_mail(c);
}

static void say_421_at_second(struct line *c, void *context)
{
    (void)context;
    if (greet(c, NULL) && take_mail(c) && hear(c, "MAIL FROM:"))
        say(c, "421 4.7.0 enough for today\r\n");
}

/* Offers what nobody is to take up: the replies to BDAT would not be overheard. */
static void offer_chunking(struct line *c, void *context)
{
    (void)context;
    if (!greet(c, (const char *[]){"SIZE 100000", "Chunking", "PIPELINING", NULL}))
        return;
    while (take_mail(c))
        ;
    say(c, "221 bye\r\n");
}

/* Behind so many blanks the word is not seen by us, but by the library: what comes of BDAT nobody overhears. */
static void hide_chunking(struct line *c, void *context)
{
    char blanks[200];
    char line[256];

    (void)context;
    memset(blanks, ' ', sizeof blanks - 1);
    blanks[sizeof blanks - 1] = 0;
    say(c, "220 mx.test\r\n");
    if (!hear(c, "EHLO "))
        return;
    say(c, "250-mx.test\r\n250 ");
    say(c, blanks);
    say(c, "CHUNKING\r\n");
    while (hear_line(c, line, sizeof line)) {
        struct str said = str_of(line);
        if (str_starts(said, STR("BDAT")) || str_starts(said, STR("MAIL")) ||
            str_starts(said, STR("RCPT")))
            say(c, "250 ok\r\n");
        else if (str_starts(said, STR("DATA")) || str_starts(said, STR("QUIT")))
            return;
    }
}

/* Refuses the first recipient and says go on to DATA all the same. */
static void go_on_without_recipient(struct line *c, void *context)
{
    bool refused = true;
    char line[256];

    (void)context;
    if (!greet(c, NULL))
        return;
    while (hear_line(c, line, sizeof line)) {
        struct str said = str_of(line);
        if (str_starts(said, STR("RCPT")))
            say(c, refused ? "550 5.1.1 no such mailbox\r\n" : "250 ok\r\n");
        else if (str_starts(said, STR("DATA")))
            say(c, "354 go on\r\n");
        else if (str_starts(said, STR(".")))
            say(c, refused ? "554 5.5.1 no recipient\r\n" : "250 ok\r\n");
        else if (str_starts(said, STR("MAIL")) || str_starts(said, STR("RSET")))
            say(c, "250 ok\r\n");
        else if (str_starts(said, STR("QUIT")))
            say(c, "221 bye\r\n");
        refused = refused && !str_starts(said, STR("RSET"));
    }
}

/* ---- replies without text, replies ahead of their commands ------------------------------------------ */

struct replies {
    const char *greeting, *ehlo, *mail, *rcpt, *data, *dot;
};

/* Answers each command with these bytes, "" = not at all. */
static void say_these(struct line *c, void *context)
{
    const struct replies *r = context;

    say(c, r->greeting);
    if (!hear(c, "EHLO "))
        return;
    for (say(c, r->ehlo); hear(c, "MAIL FROM:"); say(c, r->dot)) {
        say(c, r->mail);
        if (!hear(c, "RCPT TO:"))
            return;
        say(c, r->rcpt);
        if (!hear(c, "DATA"))
            return;
        say(c, r->data);
        if (!str_starts(str_of(r->data), STR("354")) || !hear_body(c))
            return; /* so that a QUIT is not waited out */
    }
}

/* The answer to the body comes while the body is on its way. */
static void answer_ahead_of_the_dot(struct line *c, void *context)
{
    char line[256];

    if (!greet(c, NULL) || !take_envelope(c))
        return;
    hear_line(c, line, sizeof line);
    say(c, context);
    hear_body(c);
}

#define SIX(...)                                                                                   \
    &(struct replies)                                                                              \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define HELLO "220 hi\r\n", "250-mx.test\r\n250 PIPELINING\r\n"

/* ---- what they mean -------------------------------------------------------------------------------- */

struct expectation {
    const char *name;
    peer_script *script;
    void *context;
    bool decided; /* else still in hand */
    bool delivered, unsure;
    enum smtp_phase phase;
    int code;
    int64_t transfer_ms, deadline_ms; /* 0 = long */
};

static const struct expectation table[] = {
    {"a_polite_server_delivers", polite, NULL, true, true, false, AT_BODY, 250, 0, 0},
    {"an_old_fashioned_server_delivers", old_fashioned, NULL, true, true, false, AT_BODY, 250, 0,
        0},
    {"a_4xx_greeting_leaves_the_mail_in_hand", refuse_greeting, "421 4.3.2 later\r\n", false, false,
        false, AT_CONNECT, 421, 0, 0},
    {"a_554_greeting_leaves_the_mail_in_hand", refuse_greeting, "554 no service here\r\n", false,
        false, false, AT_CONNECT, 554, 0, 0},
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
    {"mail_5xx_is_an_answer", refuse_mail, NULL, true, false, false, AT_MAIL, 550, 0, 0},
    {"rcpt_5xx_is_an_answer", refuse_first_rcpt, NULL, true, false, false, AT_RCPT, 550, 0, 0},
    {"data_4xx_is_an_answer", refuse_data, NULL, true, false, false, AT_DATA, 452, 0, 0},
    {"5xx_after_the_dot_is_an_answer", say_after_body, "550 5.7.1 no\r\n", true, false, false,
        AT_BODY, 550, 0, 0},
    {"421_after_the_dot_is_an_answer", say_after_body, "421 4.3.0 later\r\n", true, false, false,
        AT_BODY, 421, 0, 0},
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
    {"a_long_reply_line_ends_the_connection", long_line_at_mail, NULL, true, false, false, AT_RCPT,
        0, 0, 0},
    {"shifted_replies_are_not_believed", shift_replies, "w", true, false, false, AT_RCPT, 0, 0, 0},
    {"replies_shifted_by_blanks_are_not_believed", shift_replies, " ", true, false, false, AT_RCPT,
        0, 0, 0},
    {"a_long_line_after_the_dot_still_says_its_code", long_line_after_body, NULL, true, true, false,
        AT_BODY, 250, 0, 0},
    {"chunking_is_not_taken_up", offer_chunking, NULL, true, true, false, AT_BODY, 250, 0, 0},
    {"what_was_not_overheard_is_no_delivery", hide_chunking, NULL, true, false, true, AT_BODY, 0, 0,
        0},
    {"half_a_reply_ahead_of_the_dot_is_no_delivery", say_these,
        SIX(HELLO, "250 ok\r\n", "250 ok\r\n", "354 go\r\n250 queued", ""), true, false, false,
        AT_BODY, 0, 0, 0},
    {"codes_alone_deliver", say_these,
        SIX("220\r\n", "250\r\n", "250\r\n", "250\r\n", "354\r\n", "250\r\n"), true, true, false,
        AT_BODY, 250, 0, 0},
    {"codes_alone_deliver_with_pipelining", say_these,
        SIX(HELLO, "250\r\n", "250\r\n", "354\r\n", "250\r\n"), true, true, false, AT_BODY, 250, 0,
        0},
    {"codes_with_a_blank_deliver", say_these,
        SIX(HELLO, "250 \r\n", "250 \r\n", "354 \r\n", "250 \r\n"), true, true, false, AT_BODY, 250,
        0, 0},
    {"a_last_line_without_text_delivers", say_these,
        SIX(HELLO, "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250-taken\r\n250\r\n"), true, true,
        false, AT_BODY, 250, 0, 0},
    {"a_code_alone_refuses_the_sender", say_these, SIX(HELLO, "550\r\n", "", "", ""), true, false,
        false, AT_MAIL, 550, 0, 0},
    {"a_code_alone_refuses_the_recipient", say_these,
        SIX(HELLO, "250\r\n", "550\r\n", "554\r\n", ""), true, false, false, AT_RCPT, 550, 0, 0},
    {"a_code_alone_refuses_at_data", say_these, SIX(HELLO, "250\r\n", "250\r\n", "451\r\n", ""),
        true, false, false, AT_DATA, 451, 0, 0},
    {"a_code_alone_refuses_the_body", say_these,
        SIX(HELLO, "250\r\n", "250\r\n", "354\r\n", "552\r\n"), true, false, false, AT_BODY, 552, 0,
        0},
    {"half_a_code_after_the_dot_is_unsure", say_these,
        SIX(HELLO, "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "25\r\n"), true, false, true, AT_BODY,
        0, 0, 0},
    {"all_replies_at_rcpt_are_no_delivery", say_these,
        SIX(HELLO, "250 ok\r\n", "250 ok\r\n354 go\r\n250 queued\r\n", "", ""), true, false, false,
        AT_DATA, 0, 0, 0},
    {"all_replies_at_data_are_no_delivery", say_these,
        SIX(HELLO, "250 ok\r\n", "250 ok\r\n", "354 go\r\n250 queued\r\n", ""), true, false, false,
        AT_DATA, 0, 0, 0},
    {"all_replies_at_mail_are_no_delivery", say_these,
        SIX(HELLO, "250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n", "", "", ""), true, false, false,
        AT_DATA, 0, 0, 0},
    {"all_replies_at_the_greeting_are_no_delivery", say_these,
        SIX("220 hi\r\n250 x\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n", "", "", "", "", ""),
        true, false, false, AT_DATA, 0, 0, 0},
    {"a_250_to_data_is_no_delivery", say_these,
        SIX(HELLO, "250 ok\r\n", "250 ok\r\n", "250 ok\r\n", ""), true, false, false, AT_DATA, 250,
        0, 0},
    {"a_354_to_mail_is_no_refusal", say_these, SIX(HELLO, "354 go\r\n", "", "", ""), true, false,
        false, AT_MAIL, 354, 0, 0},
    {"a_354_to_rcpt_is_no_refusal", say_these,
        SIX(HELLO, "250 ok\r\n", "354 go\r\n", "354 go\r\n", "503 no recipient\r\n"), true, false,
        false, AT_RCPT, 354, 0, 0},
    {"one_reply_too_many_does_not_undo_a_delivery", say_these,
        SIX(HELLO, "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 queued\r\n250 twice\r\n"), true,
        true, false, AT_BODY, 250, 0, 0},
};

static size_t check_expectation(const struct expectation *x)
{
    struct bench *b;
    void *state;

    bench_open(&state);
    b = state;
    struct peer *p = peer_open(x->script, x->context, NULL);
    if (x->transfer_ms > 0)
        b->call.to.transfer_timeout_ms = x->transfer_ms;
    if (x->deadline_ms > 0)
        b->deadline_ms = x->deadline_ms;
    bench_send(b, peer_port(p), "mx.test", 1);
    const struct smtp_result *r = b->results_n > 0 ? &b->results[0] : &b->report.failure;
    bool as_expected = b->report.in_hand != x->decided && r->delivered == x->delivered &&
                       r->unsure == x->unsure && r->phase == x->phase && r->code == x->code &&
                       (r->code == 0) == (*r->trouble != 0);
    if (!as_expected)
        print_error("%s: in hand %d, delivered %d, unsure %d, at %d, code %d, \"%s\", \"%s\"\n",
            x->name, b->report.in_hand, r->delivered, r->unsure, (int)r->phase, r->code, r->trouble,
            r->text);
    peer_close(&p);
    bench_close(&state);
    return as_expected ? 0 : 1;
}

static void every_server_has_its_meaning(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++)
        wrong += check_expectation(&table[i]);
    assert_int_equal(wrong, 0);
}

/* ---- connections ----------------------------------------------------------------------------------- */

static void many_mails_use_one_connection(void **state)
{
    struct bench *b = *state;
    struct peer *p = peer_open(polite, NULL, NULL);

    bench_send(b, peer_port(p), "mx.test", MANY);
    peer_stop(p);
    assert_int_equal(b->results_n, MANY);
    assert_int_equal(b->bodies, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_true(b->results[i].delivered);
    assert_int_equal(peer_connections(p), 1);
    assert_false(b->report.in_hand);
    peer_close(&p);
}

static void a_connection_is_left_after_its_share(void **state)
{
    struct bench *b = *state;
    struct peer *p = peer_open(polite, NULL, NULL);

    b->call.max_messages = 3;
    bench_send(b, peer_port(p), "mx.test", MANY);
    assert_int_equal(b->results_n, 3);
    assert_int_equal(b->fed, 3);
    peer_close(&p);
}

static void a_refused_recipient_does_not_cost_the_connection(void **state)
{
    struct bench *b = *state;
    struct peer *p = peer_open(refuse_first_rcpt, NULL, NULL);

    bench_send(b, peer_port(p), "mx.test", 3);
    peer_stop(p);
    assert_int_equal(peer_connections(p), 1);
    assert_int_equal(b->results_n, 3);
    assert_int_equal(b->results[0].code, 550);
    assert_string_equal(b->results[0].text, "5.1.1 no such mailbox");
    assert_true(b->results[1].delivered && b->results[2].delivered);
    assert_int_equal(b->bodies, 2);
    peer_close(&p);
}

static void what_a_closing_server_did_not_touch_stays_in_hand(void **state)
{
    struct bench *b = *state;
    struct peer *p = peer_open(close_after_two, NULL, NULL);

    bench_send(b, peer_port(p), "mx.test", 5);
    assert_int_equal(b->results_n, 2);
    assert_int_equal(b->fed, 3);
    assert_true(b->report.in_hand);
    assert_int_equal(b->report.decided, 2);
    assert_int_equal(b->report.failure.phase, AT_MAIL);
    peer_close(&p);
}

static void nothing_is_fed_after_421(void **state)
{
    struct bench *b = *state;
    struct peer *p = peer_open(say_421_at_second, NULL, NULL);

    bench_send(b, peer_port(p), "mx.test", 5);
    assert_int_equal(b->results_n, 2);
    assert_int_equal(b->results[1].code, 421);
    assert_int_equal(b->fed, 2);
    assert_false(b->report.in_hand);
    peer_close(&p);
}

static void the_server_gets_our_bytes_dot_stuffed(void **state)
{
    struct bench *b = *state;
    struct peer *p = peer_open(polite, NULL, NULL);
    struct str heard;

    bench_send(b, peer_port(p), "mx.test", 1);
    peer_stop(p);
    heard = peer_heard(p);
    assert_true(str_find(heard, STR("EHLO post.shop.example\r\n"), 0) < heard.n);
    assert_true(str_find(heard, STR("MAIL FROM:<b+token@bounce.shop.example>"), 0) < heard.n);
    assert_true(
        str_find(heard,
            STR("DATA\r\nFrom: <orders@shop.example>\r\nTo: <ada@example.com>\r\nDate: Sat, 21 Nov "
                "2026 08:00:00 +0000\r\nMessage-ID: <1@shop.example>\r\nSubject: parcel\r\n\r\n"
                "Hello\r\n..dot\r\n.\r\n"),
            0) < heard.n);
    peer_close(&p);
}

static void a_dead_port_is_a_connection_failure(void **state)
{
    struct bench *b = *state;
    struct peer *p = peer_open(polite, NULL, NULL);
    int port = peer_port(p);

    peer_close(&p);
    bench_send(b, port, "mx.test", 1);
    assert_true(b->report.in_hand);
    assert_int_equal(b->report.failure.phase, AT_CONNECT);
    assert_string_equal(b->report.failure.trouble, "Connection refused");
}

static void a_decided_mail_is_not_read_again(void **state)
{
    struct bench *b = *state;
    struct peer *p = peer_open(go_on_without_recipient, NULL, NULL);

    bench_send(b, peer_port(p), "mx.test", 2);
    assert_int_equal(b->results_n, 2);
    assert_int_equal(b->results[0].code, 550);
    assert_true(b->results[1].delivered);
    assert_int_equal(b->bodies, 1);
    peer_close(&p);
}

static void a_server_that_talks_without_end_is_cut_short(void **state)
{
    struct bench *b = *state;
    struct peer *p = peer_open(endless_ehlo, NULL, NULL);

    bench_send(b, peer_port(p), "mx.test", 1);
    assert_string_equal(b->report.failure.trouble, "the server's replies do not end");
    peer_close(&p);
}

/* The rest of a cut line would be taken for the next mail's first reply. */
static void nothing_is_fed_after_a_cut_line(void **state)
{
    struct bench *b = *state;
    struct peer *p = peer_open(long_line_after_body, NULL, NULL);

    bench_send(b, peer_port(p), "mx.test", 5);
    assert_int_equal(b->results_n, 1);
    assert_true(b->results[0].delivered);
    assert_int_equal(b->fed, 1);
    assert_false(b->report.in_hand);
    peer_close(&p);
}

/* A body that does not fit into the sockets' buffers is under way when the answer comes. */
static void an_answer_ahead_of_the_dot_is_not_believed(void **state)
{
    static const struct {
        const char *said;
        int code;
    } cases[] = {{"250 2.0.0 queued\r\n", 0}, {"552 5.3.4 too big\r\n", 552}};
    struct bench *b = *state;
    struct buf big = {0};

    buf_add(&big, b->mail.bytes);
    for (int i = 0; i < 200000; i++)
        buf_addf(&big, "line %06d of a mail that does not fit into the sockets' buffers\r\n", i);
    b->mail.bytes = buf_str(&big);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char said[64];
        snprintf(said, sizeof said, "%s", cases[i].said);
        struct peer *p = peer_open(answer_ahead_of_the_dot, said, NULL);
        bench_send(b, peer_port(p), "mx.test", 1);
        peer_stop(p);
        assert_int_equal(b->results_n, 1);
        assert_false(b->results[0].delivered);
        assert_false(b->results[0].unsure);
        assert_int_equal(b->results[0].code, cases[i].code);
        assert_true(b->results[0].out_of_step == (cases[i].code == 0));
        assert_false(str_ends(peer_heard(p), STR("\r\n.\r\n"))); /* so it surely was not taken */
        peer_close(&p);
    }
    buf_close(&big);
}

/* The library keeps the connection: a reply without text is no fault. */
static void codes_alone_carry_many_mails(void **state)
{
    static struct replies bare = {HELLO, "250\r\n", "250\r\n", "354\r\n", "250\r\n"};
    struct bench *b = *state;
    struct peer *p = peer_open(say_these, &bare, NULL);

    bench_send(b, peer_port(p), "mx.test", MANY);
    peer_stop(p);
    assert_int_equal(peer_connections(p), 1);
    assert_int_equal(b->results_n, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_true(b->results[i].delivered);
    peer_close(&p);
}

/* What came too much would answer the next mail's commands. */
static void nothing_is_fed_after_a_reply_too_many(void **state)
{
    static struct replies many = {
        HELLO, "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 queued\r\n250 ok\r\n"};
    struct bench *b = *state;
    struct peer *p = peer_open(say_these, &many, NULL);

    bench_send(b, peer_port(p), "mx.test", 5);
    assert_int_equal(b->results_n, 1);
    assert_true(b->results[0].delivered);
    assert_int_equal(b->fed, 1);
    assert_false(b->report.in_hand);
    peer_close(&p);
}

/* ---- no holes -------------------------------------------------------------------------------------- */

static void a_write_that_times_out_ends_the_mail(void **state)
{
    struct bench *b = *state;
    struct peer *p = peer_open(stop_reading, NULL, NULL);
    struct buf big = {0};

    buf_add(&big, b->mail.bytes);
    for (int i = 0; i < 200000; i++)
        buf_addf(&big, "line %06d of a mail that does not fit into the sockets' buffers\r\n", i);
    b->mail.bytes = buf_str(&big);
    b->call.to.transfer_timeout_ms = HOLE_MS;
    bench_send(b, peer_port(p), "mx.test", 1);
    peer_stop(p);
    assert_int_equal(b->results_n, 1);
    assert_false(b->results[0].delivered);
    assert_true(b->results[0].unsure); /* it had begun, and nobody answered */
    struct str heard = peer_heard(p);
    assert_false(str_ends(heard, STR("\r\n.\r\n")) || str_ends(heard, STR("QUIT\r\n")));
    /* What arrived is one piece from the beginning: each line is the next one. */
    size_t at = str_find(heard, STR("line 000000"), 0), lines = 0;
    for (; at + 70 < heard.n; lines++, at = str_find_char(heard, '\n', at) + 1) {
        char expected[16];
        snprintf(expected, sizeof expected, "line %06zu", lines);
        assert_memory_equal(heard.p + at, expected, 11);
    }
    assert_true(lines > 100 && lines < 200000);
    buf_close(&big);
    peer_close(&p);
}

/* ---- addresses ------------------------------------------------------------------------------------- */

static void addresses_that_inject_are_refused_before_the_library(void **state)
{
    static const char *const bad[] = {"ada@example.com>\r\nRCPT TO:<eve@example.com",
        "a\nb@example.com", "a@example.com> SIZE=1 <", "\xc3\xa4@example.com", ""};
    struct bench *b = *state;

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct peer *p = peer_open(polite, NULL, NULL);
        b->mail.recipient = str_of(bad[i]);
        bench_send(b, peer_port(p), "mx.test", 1);
        peer_stop(p);
        assert_int_equal(b->results_n, 1);
        assert_int_equal(b->results[0].code, 553);
        assert_int_equal(peer_heard(p).n, 0);
        peer_close(&p);
    }
}

/* Our own fault: it must not look like something that was said about the recipient. */
static void a_reverse_path_that_injects_is_not_the_recipients_fault(void **state)
{
    struct bench *b = *state;
    struct peer *p = peer_open(polite, NULL, NULL);

    b->mail.reverse_path = STR("b@shop.example>\r\nRSET\r\n<");
    bench_send(b, peer_port(p), "mx.test", 1);
    peer_stop(p);
    assert_int_equal(b->results_n, 1);
    assert_int_equal(b->results[0].phase, AT_MAIL);
    assert_int_equal(peer_heard(p).n, 0);
    peer_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_server_has_its_meaning),
        cmocka_unit_test_setup_teardown(many_mails_use_one_connection, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_connection_is_left_after_its_share, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_refused_recipient_does_not_cost_the_connection, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            what_a_closing_server_did_not_touch_stays_in_hand, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(nothing_is_fed_after_421, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_decided_mail_is_not_read_again, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_server_that_talks_without_end_is_cut_short, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(nothing_is_fed_after_a_cut_line, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            an_answer_ahead_of_the_dot_is_not_believed, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(codes_alone_carry_many_mails, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            nothing_is_fed_after_a_reply_too_many, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            the_server_gets_our_bytes_dot_stuffed, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_dead_port_is_a_connection_failure, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_write_that_times_out_ends_the_mail, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            addresses_that_inject_are_refused_before_the_library, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_reverse_path_that_injects_is_not_the_recipients_fault, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
