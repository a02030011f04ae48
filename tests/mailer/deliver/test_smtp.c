/* Tests mailer/deliver/smtp.h: many mails on one connection, bodies without holes, addresses that would inject. */
#include "tests/mailer/deliver/meaning.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MANY 20
#define HOLE_MS 200

/* ---- scripts: one connection each ------------------------------------------------------------------ */

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

/* ---- no holes -------------------------------------------------------------------------------------- */

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
        cmocka_unit_test_setup_teardown(many_mails_use_one_connection, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_connection_is_left_after_its_share, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_refused_recipient_does_not_cost_the_connection, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            what_a_closing_server_did_not_touch_stays_in_hand, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(nothing_is_fed_after_421, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            the_server_gets_our_bytes_dot_stuffed, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_dead_port_is_a_connection_failure, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_decided_mail_is_not_read_again, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_server_that_talks_without_end_is_cut_short, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            an_answer_ahead_of_the_dot_is_not_believed, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_write_that_times_out_ends_the_mail, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            addresses_that_inject_are_refused_before_the_library, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_reverse_path_that_injects_is_not_the_recipients_fault, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
