/* A session beyond its lines: what waits and what counts, TLS, who may go on, what is offered. */
#include "mailer/smtpd/body.h"
#include "tests/mailer/smtpd/dialogue.h"

static void a_held_reply_keeps_the_order(void **state)
{
    struct seen seen;
    AUTO(buf_close) struct buf codes = {0};

    (void)state;
    seen_init(&seen);
    seen.on_rcpt.delay_ms = 5000;
    struct smtpd_setup setup = setup_for(&seen);
    struct session *s = session_open(&setup, NULL, "192.0.2.1", 1);
    session_feed(s, STR(HEAD "body\r\n.\r\nQUIT\r\n"));
    assert_int_equal(session_state(s), SESSION_WAIT);
    assert_int_equal(session_wait_ms(s), 5000);
    collect(s, &codes);
    assert_string_equal(buf_text(&codes), "220 250 250/2.1.0 ");
    assert_string_equal(buf_text(&seen.log), "mail a@shop.example;rcpt b@there.example;");
    session_resume(s);
    assert_int_equal(session_messages(s), 1);
    collect(s, &codes);
    assert_string_equal(buf_text(&codes), HEAD_CODES "250/2.0.0 221/2.0.0 ");
    session_close(&s);
    buf_close(&seen.log);
}

static void a_message_counts_when_its_reply_goes_out(void **state)
{
    struct seen seen;

    (void)state;
    seen_init(&seen);
    seen.on_body.delay_ms = 1;
    struct smtpd_setup setup = setup_for(&seen);
    struct session *s = session_open(&setup, NULL, "192.0.2.1", 1);
    session_feed(s, STR(HEAD ".\r\n"));
    assert_int_equal(session_messages(s), 0);
    session_resume(s);
    assert_int_equal(session_messages(s), 1);
    session_close(&s);
    seen.on_body = smtpd_reply(451, "4.3.0 no");
    s = session_open(&setup, NULL, "192.0.2.1", 2);
    session_feed(s, STR(HEAD ".\r\n"));
    assert_int_equal(session_messages(s), 0);
    session_close(&s);
    buf_close(&seen.log);
}

static void a_handlers_text_stays_one_line(void **state)
{
    struct seen seen;

    (void)state;
    seen_init(&seen);
    seen.on_mail = smtpd_reply(450, "4.0.0 a\r\n250 forged\nline");
    struct smtpd_setup setup = setup_for(&seen);
    struct session *s = session_open(&setup, NULL, "192.0.2.1", 1);
    session_feed(s, STR(OPEN));
    session_sent(s, session_out(s).n);
    session_feed(s, STR("MAIL FROM:<>\r\n"));
    assert_true(str_is(session_out(s), "450 4.0.0 a  250 forged line\r\n"));
    session_close(&s);
    buf_close(&seen.log);
}

static void what_came_before_tls_is_not_heard(void **state)
{
    struct seen seen;
    AUTO(buf_close) struct buf codes = {0};

    (void)state;
    seen_init(&seen);
    struct smtpd_setup setup = setup_for(&seen);
    setup.certificate_file = "some";
    struct session *s = session_open(&setup, NULL, "192.0.2.1", 1);
    session_feed(s, STR(OPEN "MAIL FROM:<x@y.example>\r\nSTARTTLS\r\nRSET\r\n" HEAD));
    assert_int_equal(session_state(s), SESSION_TLS);
    collect(s, &codes);
    assert_string_equal(buf_text(&codes), "220 250 250/2.1.0 220/2.0.0 ");
    session_tls_started(s);
    buf_clear(&codes);
    session_feed(s, STR("RCPT TO:<a@b.example>\r\nMAIL FROM:<>\r\n" OPEN "STARTTLS\r\n"));
    collect(s, &codes);
    assert_string_equal(buf_text(&codes), "503/5.5.1 503/5.5.1 250 503/5.5.1 ");
    session_close(&s);
    buf_close(&seen.log);
}

static bool know(void *context, struct str user, struct str password)
{
    (void)context;
    return str_is(user, "shop") && str_is(password, "secret");
}

static const struct {
    const char *name, *send, *codes;
    bool authenticated;
} auths[] = {
    {"plain_with_initial_response", "AUTH PLAIN AHNob3AAc2VjcmV0\r\n", "235/2.7.0 ", true},
    {"plain_when_asked", "AUTH PLAIN\r\nAHNob3AAc2VjcmV0\r\n", "334 235/2.7.0 ", true},
    {"login", "AUTH LOGIN\r\nc2hvcA==\r\nc2VjcmV0\r\n", "334 334 235/2.7.0 ", true},
    {"login_with_initial_response", "auth login c2hvcA==\r\nc2VjcmV0\r\n", "334 235/2.7.0 ", true},
    {"wrong_password", "AUTH PLAIN AHNob3AAd3Jvbmc=\r\n", "535/5.7.8 ", false},
    {"cancelled", "AUTH LOGIN\r\n*\r\nNOOP\r\n", "334 501/5.7.0 250/2.0.0 ", false},
    {"no_base64", "AUTH PLAIN ###\r\n", "501/5.5.2 ", false},
    {"no_nul", "AUTH PLAIN c2hvcA==\r\n", "501/5.5.2 ", false},
    {"empty_response", "AUTH PLAIN =\r\n", "501/5.5.2 ", false},
    {"unknown_mechanism", "AUTH CRAM-MD5\r\n", "504/5.5.4 ", false},
    {"twice", "AUTH PLAIN AHNob3AAc2VjcmV0\r\nAUTH PLAIN AHNob3AAc2VjcmV0\r\n",
        "235/2.7.0 503/5.5.1 ", true},
};

static void authentication_needs_tls_and_the_right_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(auths); i++) {
        struct seen seen;
        AUTO(buf_close) struct buf codes = {0};
        seen_init(&seen);
        struct smtpd_setup setup = setup_for(&seen);
        setup.certificate_file = "some";
        setup.handler.auth = know;
        setup.auth_required = true;
        struct session *s = session_open(&setup, NULL, "192.0.2.1", 1);
        session_feed(s, STR(OPEN "AUTH PLAIN AHNob3AAc2VjcmV0\r\nMAIL FROM:<>\r\nSTARTTLS\r\n"));
        collect(s, &codes);
        assert_string_equal(buf_text(&codes), "220 250 538/5.7.11 530/5.7.0 220/2.0.0 ");
        buf_clear(&codes);
        session_tls_started(s);
        session_feed(s, STR(OPEN));
        assert_true(
            str_find(session_out(s), STR("250-AUTH PLAIN LOGIN\r\n"), 0) < session_out(s).n);
        session_sent(s, session_out(s).n);
        session_feed(s, str_of(auths[i].send));
        collect(s, &codes);
        if (strcmp(buf_text(&codes), auths[i].codes) != 0)
            print_message("%s\n", auths[i].name);
        assert_string_equal(buf_text(&codes), auths[i].codes);
        buf_clear(&codes);
        session_feed(s, STR("MAIL FROM:<>\r\n"));
        collect(s, &codes);
        assert_string_equal(buf_text(&codes), auths[i].authenticated ? "250/2.1.0 " : "530/5.7.0 ");
        session_close(&s);
        buf_close(&seen.log);
    }
}

static struct smtpd_reply turn_away(void *context, const struct smtpd_envelope *v)
{
    (void)context;
    return v->helo.n > 0 ? smtpd_reply(550, "5.7.1 not you") : smtpd_reply(554, "5.7.1 nobody");
}

static void greeting_and_ehlo_can_refuse(void **state)
{
    AUTO(buf_close) struct buf codes = {0};
    struct seen seen;

    (void)state;
    seen_init(&seen);
    struct smtpd_setup setup = setup_for(&seen);
    setup.handler.connect = turn_away;
    talk(&setup, STR(OPEN), 1, &codes);
    assert_string_equal(buf_text(&codes), "554/5.7.1 close");
    buf_clear(&codes);
    setup.handler.connect = NULL;
    setup.handler.helo = turn_away;
    talk(&setup, STR(OPEN "MAIL FROM:<>\r\nQUIT\r\n"), 1, &codes);
    assert_string_equal(buf_text(&codes), "220 550/5.7.1 503/5.5.1 221/2.0.0 close");
}

static void ehlo_says_what_is_offered(void **state)
{
    struct seen seen;

    (void)state;
    seen_init(&seen);
    struct smtpd_setup setup = setup_for(&seen);
    setup.handler.auth = know;
    struct session *s = session_open(&setup, NULL, "192.0.2.1", 1);
    assert_true(str_is(session_out(s), "220 mx.there.example ESMTP\r\n"));
    session_sent(s, session_out(s).n);
    session_feed(s, STR(OPEN));
    assert_true(str_is(session_out(s), "250-mx.there.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
                                       "250-SIZE 100\r\n250 ENHANCEDSTATUSCODES\r\n"));
    session_close(&s);
}

static void dripping_is_no_progress(void **state)
{
    struct seen seen;

    (void)state;
    seen_init(&seen);
    struct smtpd_setup setup = setup_for(&seen);
    setup.max_message_bytes = 1 << 20;
    struct session *s = session_open(&setup, NULL, "192.0.2.1", 1);
    uint64_t before = session_progress(s);
    session_feed(s, STR("N"));
    session_feed(s, STR("OOP"));
    assert_int_equal(session_progress(s), before);
    session_feed(s, STR("\r\n" HEAD));
    before = session_progress(s);
    for (int i = 0; i < 1000; i++)
        session_feed(s, STR("x"));
    assert_int_equal(session_progress(s), before);
    for (int i = 0; i < 100; i++)
        session_feed(s, STR("x"));
    assert_int_equal(session_progress(s), before + 1);
    session_close(&s);
    buf_close(&seen.log);
}

/* Two that send at the same time, beside each other in a room for one. */
static void messages_together_have_a_bound(void **state)
{
    struct seen seen;
    struct body_room room = {.most = 60};
    AUTO(buf_close) struct buf codes = {0};

    (void)state;
    seen_init(&seen);
    struct smtpd_setup setup = setup_for(&seen);
    struct session *one = session_open(&setup, &room, "192.0.2.1", 1),
                   *two = session_open(&setup, &room, "192.0.2.1", 2);
    session_feed(one, STR(HEAD "0123456789012345678901234567890123456789\r\n"));
    assert_int_equal(room.held, 42);
    session_feed(two, STR(HEAD "0123456789012345678901234567890123456789\r\n.\r\n"));
    collect(two, &codes);
    assert_string_equal(buf_text(&codes), HEAD_CODES "452/4.3.1 ");
    assert_int_equal(room.held, 42);
    buf_clear(&codes);
    session_feed(one, STR(".\r\n"));
    collect(one, &codes);
    assert_string_equal(buf_text(&codes), HEAD_CODES "250/2.0.0 ");
    assert_int_equal(room.held, 0);
    buf_clear(&codes);
    session_feed(two, STR("MAIL FROM:<a@shop.example>\r\nRCPT TO:<b@there.example>\r\nDATA\r\n"
                          "0123456789012345678901234567890123456789\r\n"));
    session_close(&two); /* in the middle */
    assert_int_equal(room.held, 0);
    session_close(&one);
    buf_close(&seen.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_held_reply_keeps_the_order),
        cmocka_unit_test(a_message_counts_when_its_reply_goes_out),
        cmocka_unit_test(a_handlers_text_stays_one_line),
        cmocka_unit_test(what_came_before_tls_is_not_heard),
        cmocka_unit_test(authentication_needs_tls_and_the_right_words),
        cmocka_unit_test(greeting_and_ehlo_can_refuse),
        cmocka_unit_test(ehlo_says_what_is_offered),
        cmocka_unit_test(dripping_is_no_progress),
        cmocka_unit_test(messages_together_have_a_bound),
    };

    return cmocka_run_group_tests_name("smtpd session", tests, NULL, NULL);
}
