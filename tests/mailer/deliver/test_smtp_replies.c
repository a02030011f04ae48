/* Tests mailer/deliver/smtp.h against servers that answer: which replies, in which shape and order, mean what for a mail. */
#include "tests/mailer/deliver/meaning.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MANY 20

/* ---- scripts: one connection each ------------------------------------------------------------------ */

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

static void refuse_mail(struct line *c, void *context)
{
    (void)context;
    if (!greet(c, (const char *[]){"ENHANCEDSTATUSCODES", NULL}) || !hear(c, "MAIL FROM:"))
        return;
    say(c, "550 5.7.1 sender is not welcome\r\n");
    while (hear(c, "MAIL FROM:"))
        say(c, "550 5.7.1 sender is not welcome\r\n");
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
    char line[256];

    (void)context;
    say(c, "220 mx.test\r\n");
    if (!hear(c, "EHLO "))
        return;
    say(c, "250-mx.test\r\n250 ");
    say_behind_blanks(c, "CHUNKING");
    while (hear_line(c, line, sizeof line)) {
        struct str said = str_of(line);
        if (str_starts(said, STR("BDAT")) || str_starts(said, STR("MAIL")) ||
            str_starts(said, STR("RCPT")))
            say(c, "250 ok\r\n");
        else if (str_starts(said, STR("DATA")) || str_starts(said, STR("QUIT")))
            return;
    }
}

static void say_after_body(struct line *c, void *context)
{
    if (greet(c, NULL) && take_envelope(c) && hear_body(c)) {
        say(c, context);
        hear(c, "QUIT");
    }
}

/* A line that is no reply, and then the replies to the dot and to the good-bye that came meanwhile. */
static void mumble_after_body(struct line *c, void *context)
{
    (void)context;
    if (greet(c, NULL) && take_envelope(c) && hear_body(c)) {
        say(c, "virus scanner is busy\r\n");
        if (hear(c, "QUIT"))
            say(c, "250 2.0.0 taken\r\n221 bye\r\n");
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

#define SIX(...)                                                                                   \
    &(struct replies)                                                                              \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define HELLO "220 hi\r\n", "250-mx.test\r\n250 PIPELINING\r\n"

/* ---- what they mean -------------------------------------------------------------------------------- */

static const struct meaning table[] = {
    {"a_polite_server_delivers", polite, NULL, true, true, false, AT_BODY, 250, 0, 0},
    {"an_old_fashioned_server_delivers", old_fashioned, NULL, true, true, false, AT_BODY, 250, 0,
        0},
    {"a_4xx_greeting_leaves_the_mail_in_hand", refuse_greeting, "421 4.3.2 later\r\n", false, false,
        false, AT_CONNECT, 421, 0, 0},
    {"a_554_greeting_leaves_the_mail_in_hand", refuse_greeting, "554 no service here\r\n", false,
        false, false, AT_CONNECT, 554, 0, 0},
    {"mail_5xx_is_an_answer", refuse_mail, NULL, true, false, false, AT_MAIL, 550, 0, 0},
    {"rcpt_5xx_is_an_answer", refuse_first_rcpt, NULL, true, false, false, AT_RCPT, 550, 0, 0},
    {"data_4xx_is_an_answer", refuse_data, NULL, true, false, false, AT_DATA, 452, 0, 0},
    {"5xx_after_the_dot_is_an_answer", say_after_body, "550 5.7.1 no\r\n", true, false, false,
        AT_BODY, 550, 0, 0},
    {"421_after_the_dot_is_an_answer", say_after_body, "421 4.3.0 later\r\n", true, false, false,
        AT_BODY, 421, 0, 0},
    {"replies_behind_a_line_that_is_none_leave_a_mail_unsure", mumble_after_body, NULL, true, false,
        true, AT_BODY, 0, 0, 0},
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

static void every_server_has_its_meaning(void **state)
{
    (void)state;
    assert_int_equal(meanings_wrong(table, COUNT_OF(table)), 0);
}

/* ---- more than one mail ---------------------------------------------------------------------------- */

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

/* ---- commands together or one by one --------------------------------------------------------------- */

static const char *const kinds[] = {"250 ok\r\n", "250-o\r\n250 k\r\n", "250\r\n", "354 go\r\n",
    "450 4.2.1 later\r\n", "550-5.1.1 no\r\n550 5.1.1 never\r\n", "421 4.3.2 bye\r\n", "what\r\n",
    ""};
#define KINDS COUNT_OF(kinds)

/* Of the nth conversation: what each command is answered as it comes; where that is nothing, the server closes. */
static void answers_of(size_t n, const char *out[3])
{
    out[0] = kinds[n / KINDS / KINDS % KINDS];
    out[1] = kinds[n / KINDS % KINDS];
    out[2] = kinds[n % KINDS];
}

static void say_or_close(struct line *c, void *context)
{
    const char *answers[3];
    char line[512];

    (void)context;
    answers_of(line_number(c), answers);
    if (!greet(c, NULL))
        return;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        if (!hear_line(c, line, sizeof line) || *answers[i] == 0 ||
            str_starts(str_of(line), STR("QUIT")))
            return;
        say(c, answers[i]);
    }
    if (str_starts(str_of(answers[2]), STR("354")) && hear_body(c)) {
        say(c, "250 taken\r\n");
        hear(c, "QUIT");
    }
}

struct outcome {
    bool in_hand, delivered, unsure, out_of_step;
    int phase, code;
    size_t bodies;
};

static struct outcome converse(struct bench *b, const struct peer *p, bool pipelining)
{
    struct err e;

    smtp_shared_close(&b->shared); /* with what was learnt of the port */
    assert_true(smtp_shared_open(b->ca_file, &b->shared, &e));
    b->call.pipelining = pipelining;
    bench_send(b, peer_port(p), "mx.test", 1);
    const struct smtp_result *x = b->report.in_hand ? &b->report.failure : &b->results[0];
    return (struct outcome){
        b->report.in_hand, x->delivered, x->unsure, x->out_of_step, x->phase, x->code, b->bodies};
}

static bool is_same(const struct outcome *a, const struct outcome *b)
{
    return a->in_hand == b->in_hand && a->delivered == b->delivered && a->unsure == b->unsure &&
           a->out_of_step == b->out_of_step && a->phase == b->phase && a->code == b->code &&
           a->bodies == b->bodies;
}

/* By the outcome nobody can tell how the commands came to a server that answers each in its turn. */
static void each_conversation_means_the_same_at_any_pace(void **state)
{
    struct bench *b = *state;
    struct peer *one = peer_open(say_or_close, NULL, NULL),
                *other = peer_open(say_or_close, NULL, NULL);
    size_t wrong = 0;

    for (size_t i = 0; i < KINDS * KINDS * KINDS; i++) {
        struct outcome alone = converse(b, one, false), together = converse(b, other, true);
        const char *answers[3];
        if (is_same(&alone, &together))
            continue;
        answers_of(i, answers);
        print_error("%.3s, %.3s, %.3s: at %d, code %d; together at %d, code %d\n", answers[0],
            answers[1], answers[2], alone.phase, alone.code, together.phase, together.code);
        wrong++;
    }
    assert_int_equal(wrong, 0);
    peer_stop(other);
    assert_int_equal(peer_connections(other), KINDS * KINDS * KINDS);
    peer_close(&one);
    peer_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_server_has_its_meaning),
        cmocka_unit_test_setup_teardown(codes_alone_carry_many_mails, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            nothing_is_fed_after_a_reply_too_many, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(nothing_is_fed_after_a_cut_line, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            each_conversation_means_the_same_at_any_pace, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
