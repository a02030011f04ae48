/* The dialogue, rule by rule: what a client sends and which codes it gets. Every script is fed
 * whole, in threes and byte by byte: the answers must not depend on how the network cut it. */
#include "mailer/smtpd/session.h"

#include "base/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define OPEN "EHLO client.example\r\n"
#define HEAD OPEN "MAIL FROM:<a@shop.example>\r\nRCPT TO:<b@there.example>\r\nDATA\r\n"
#define HEAD_CODES "220 250 250/2.1.0 250/2.1.5 354 "

/* What the handler has seen, and how it shall answer. */
struct seen {
    struct buf log; /* "mail a@x; rcpt b@y; body 12:text; " */
    struct smtpd_reply on_mail, on_rcpt, on_data, on_body;
};

static struct smtpd_reply see_mail(void *context, const struct smtpd_envelope *v)
{
    struct seen *seen = context;

    buf_addf(&seen->log, "mail " STR_FMT ";", STR_ARG(v->mail_from));
    return seen->on_mail;
}

static struct smtpd_reply see_rcpt(void *context, const struct smtpd_envelope *v, struct str to)
{
    struct seen *seen = context;

    (void)v;
    buf_addf(&seen->log, "rcpt " STR_FMT ";", STR_ARG(to));
    if (str_starts(to, STR("no")))
        return smtpd_reply(550, "5.1.1 no");
    if (str_starts(to, STR("gone")))
        return smtpd_reply(SMTPD_CLOSE, "");
    return seen->on_rcpt;
}

static struct smtpd_reply see_data(void *context, const struct smtpd_envelope *v)
{
    (void)v;
    return ((struct seen *)context)->on_data;
}

static struct smtpd_reply see_body(void *context, const struct smtpd_envelope *v, struct str m)
{
    struct seen *seen = context;

    buf_addf(&seen->log, "body %zu:", v->rcpt_n);
    buf_add(&seen->log, m);
    buf_add(&seen->log, STR(";"));
    return seen->on_body;
}

static bool know(void *context, struct str user, struct str password)
{
    (void)context;
    return str_is(user, "shop") && str_is(password, "secret");
}

static void seen_init(struct seen *seen)
{
    *seen = (struct seen){
        .on_mail = smtpd_reply(250, "2.1.0 Ok"),
        .on_rcpt = smtpd_reply(250, "2.1.5 Ok"),
        .on_data = smtpd_reply(354, "Go on"),
        .on_body = smtpd_reply(250, "2.0.0 Ok"),
    };
}

static struct smtpd_setup setup_for(struct seen *seen)
{
    struct smtpd_setup s = {
        .hostname = "mx.there.example",
        .max_recipients = 3,
        .max_message_bytes = 100,
        .keep_bodies = true,
        .handler = {seen, see_mail, see_rcpt, see_data, see_body, NULL, NULL, NULL},
    };

    session_defaults(&s);
    return s;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "550 5.1.1 no such..." gives "550/5.1.1 "; only the last line of a reply counts. */
static void add_code(struct buf *out, struct str line)
{
    if (line.n < 4 || line.p[3] == '-')
        return;
    buf_add(out, str_slice(line, 0, 3));
    if (line.n > 8 && is_digit(line.p[4]) && line.p[5] == '.' && is_digit(line.p[6])) {
        buf_add_char(out, '/');
        buf_add(out, str_slice(line, 4, str_find_char(line, ' ', 4)));
    }
    buf_add_char(out, ' ');
}

static void collect(struct session *s, struct buf *codes)
{
    struct str out = session_out(s), line;

    while (str_next(&out, '\n', &line)) {
        assert_true(str_ends(line, STR("\r")));
        add_code(codes, str_slice(line, 0, line.n - 1));
    }
    session_sent(s, session_out(s).n);
}

static const char *state_word(const struct session *s)
{
    static const char *const words[] = {"", "wait", "tls", "close", "drop"};

    return words[session_state(s)];
}

/* Runs a script and ends with the codes and the state's word; held replies are released at once. */
static void talk(
    const struct smtpd_setup *setup, struct str script, size_t piece, struct buf *codes)
{
    struct session *s = session_open(setup, "192.0.2.1", 1);

    collect(s, codes);
    for (size_t at = 0; at < script.n; at += piece) {
        session_feed(s, str_slice(script, at, at + piece));
        while (session_state(s) == SESSION_WAIT)
            session_resume(s);
        collect(s, codes);
    }
    buf_add_text(codes, state_word(s));
    session_close(&s);
}

static void expect_in_all_pieces(
    const char *name, const char *script, const char *codes, const char *log)
{
    static const size_t pieces[] = {SIZE_MAX / 2, 1, 3};

    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct seen seen;
        AUTO(buf_close) struct buf got = {0};
        seen_init(&seen);
        struct smtpd_setup setup = setup_for(&seen);
        talk(&setup, str_of(script), pieces[i], &got);
        if (!str_is(buf_str(&got), codes) || (log && !str_is(buf_str(&seen.log), log)))
            print_message("%s, piece %zu\n", name, pieces[i]);
        assert_string_equal(buf_text(&got), codes);
        if (log)
            assert_string_equal(buf_text(&seen.log), log);
        buf_close(&seen.log);
    }
}

struct script {
    const char *name, *send, *codes, *log; /* log NULL: not looked at */
};

static const struct script order[] = {
    {"a_whole_mail", HEAD "Hi\r\n.\r\nQUIT\r\n", HEAD_CODES "250/2.0.0 221/2.0.0 close",
        "mail a@shop.example;rcpt b@there.example;body 1:Hi\r\n;"},
    {"two_mails_in_one_connection",
        HEAD "1\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n2\r\n.\r\n",
        HEAD_CODES "250/2.0.0 250/2.1.0 250/2.1.5 354 250/2.0.0 ",
        "mail a@shop.example;rcpt b@there.example;body 1:1\r\n;mail ;rcpt c@d.example;body "
        "1:2\r\n;"},
    {"mail_before_ehlo", "MAIL FROM:<a@b.example>\r\n", "220 503/5.5.1 ", ""},
    {"rcpt_before_mail", OPEN "RCPT TO:<a@b.example>\r\n", "220 250 503/5.5.1 ", ""},
    {"data_before_mail", OPEN "DATA\r\n", "220 250 503/5.5.1 ", ""},
    {"data_without_recipient", OPEN "MAIL FROM:<>\r\nDATA\r\n", "220 250 250/2.1.0 554/5.5.1 ",
        "mail ;"},
    {"data_behind_a_refused_recipient", OPEN "MAIL FROM:<>\r\nRCPT TO:<no@b.example>\r\nDATA\r\n",
        "220 250 250/2.1.0 550/5.1.1 554/5.5.1 ", "mail ;rcpt no@b.example;"},
    {"mail_twice", OPEN "MAIL FROM:<>\r\nMAIL FROM:<>\r\n", "220 250 250/2.1.0 503/5.5.1 ",
        "mail ;"},
    {"rset_forgets", OPEN "MAIL FROM:<>\r\nRSET\r\nRCPT TO:<a@b.example>\r\n",
        "220 250 250/2.1.0 250/2.0.0 503/5.5.1 ", "mail ;"},
    {"ehlo_forgets", OPEN "MAIL FROM:<>\r\n" OPEN "RCPT TO:<a@b.example>\r\n",
        "220 250 250/2.1.0 250 503/5.5.1 ", "mail ;"},
    {"helo_is_enough", "HELO client\r\nMAIL FROM:<>\r\n", "220 250 250/2.1.0 ", "mail ;"},
    {"case_does_not_matter", "ehlo c\r\nmail from:<A@b.example>\r\nrcpt to:<C@d.example>\r\n",
        "220 250 250/2.1.0 250/2.1.5 ", "mail A@b.example;rcpt C@d.example;"},
    {"after_quit_nothing_is_heard", OPEN "QUIT\r\nMAIL FROM:<>\r\n", "220 250 221/2.0.0 close", ""},
    {"ehlo_without_a_name", "EHLO\r\n", "220 501/5.5.4 ", ""},
};

static const struct script syntax[] = {
    {"unknown_command", "FROBNICATE\r\n", "220 500/5.5.2 ", NULL},
    {"empty_line", "\r\n", "220 500/5.5.2 ", NULL},
    {"chunking_is_not_offered", OPEN "BDAT 5 LAST\r\n", "220 250 502/5.5.1 ", NULL},
    {"expn_is_not_there", "EXPN list\r\n", "220 502/5.5.1 ", NULL},
    {"vrfy_tells_nothing", "VRFY anna\r\n", "220 252/2.5.0 ", NULL},
    {"noop_with_words", "NOOP la la\r\n", "220 250/2.0.0 ", NULL},
    {"a_browser_is_cut_off", "POST / HTTP/1.1\r\nHELO x\r\n", "220 421/4.7.0 close", NULL},
    {"no_angle_brackets", OPEN "MAIL FROM:a@b.example\r\n", "220 250 501/5.5.4 ", ""},
    {"no_domain", OPEN "MAIL FROM:<a>\r\n", "220 250 501/5.1.7 ", ""},
    {"postmaster_needs_none", OPEN "MAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\n",
        "220 250 250/2.1.0 250/2.1.5 ", NULL},
    {"null_recipient", OPEN "MAIL FROM:<>\r\nRCPT TO:<>\r\n", "220 250 250/2.1.0 501/5.1.3 ", NULL},
    {"quoted_local_part", OPEN "MAIL FROM:<\"a>b \\\" c\"@d.example>\r\n", "220 250 250/2.1.0 ",
        "mail \"a>b \\\" c\"@d.example;"},
    {"source_route_is_ignored", OPEN "MAIL FROM:<@x.example,@y.example:a@b.example>\r\n",
        "220 250 250/2.1.0 ", "mail a@b.example;"},
    {"route_without_an_address", OPEN "MAIL FROM:<@x.example>\r\n", "220 250 501/5.1.7 ", ""},
    {"address_literal", OPEN "MAIL FROM:<a@[192.0.2.1]>\r\n", "220 250 250/2.1.0 ", NULL},
    {"eight_bit_address", OPEN "MAIL FROM:<m\xc3\xbc@b.example>\r\n", "220 250 501/5.1.7 ", ""},
    {"known_parameters", OPEN "MAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME\r\n",
        "220 250 250/2.1.0 ", NULL},
    {"unknown_parameter", OPEN "MAIL FROM:<a@b.example> SMTPUTF8\r\n", "220 250 555/5.5.4 ", ""},
    {"glued_parameter", OPEN "MAIL FROM:<a@b.example>SIZE=1\r\n", "220 250 501/5.5.4 ", ""},
    {"rcpt_parameter", OPEN "MAIL FROM:<>\r\nRCPT TO:<a@b.example> NOTIFY=NEVER\r\n",
        "220 250 250/2.1.0 555/5.5.4 ", NULL},
    {"control_character", OPEN "MAIL FROM:<a@b\x01.example>\r\n", "220 250 500/5.5.2 ", ""},
    {"starttls_without_a_certificate", OPEN "STARTTLS\r\n", "220 250 502/5.5.1 ", NULL},
    {"auth_that_nobody_checks", OPEN "AUTH PLAIN AGEAYg==\r\n", "220 250 502/5.5.1 ", NULL},
};

static const struct script smuggling[] = {
    {"bare_lf_ends_no_command", OPEN "MAIL FROM:<>\nRCPT TO:<a@b.example>\r\n",
        "220 250 500/5.5.2 ", ""},
    {"bare_cr_ends_no_command", OPEN "MAIL FROM:<>\rRSET\r\n", "220 250 500/5.5.2 ", ""},
    {"lf_dot_lf", HEAD "x\n.\nMAIL FROM:<evil@b.example>\r\n", HEAD_CODES,
        "mail a@shop.example;rcpt b@there.example;"},
    {"lf_dot_crlf", HEAD "x\n.\r\nMAIL FROM:<evil@b.example>\r\n.\r\n", HEAD_CODES "250/2.0.0 ",
        "mail a@shop.example;rcpt b@there.example;body 1:x\n.\r\nMAIL FROM:<evil@b.example>\r\n;"},
    {"crlf_dot_lf", HEAD "x\r\n.\nMAIL FROM:<evil@b.example>\r\n.\r\n", HEAD_CODES "250/2.0.0 ",
        "mail a@shop.example;rcpt b@there.example;body 1:x\r\n\nMAIL FROM:<evil@b.example>\r\n;"},
    {"crlf_dot_cr", HEAD "x\r\n.\rMAIL\r\n.\r\n", HEAD_CODES "250/2.0.0 ",
        "mail a@shop.example;rcpt b@there.example;body 1:x\r\n\rMAIL\r\n;"},
    {"cr_dot_cr", HEAD "x\r.\rMAIL\r\n.\r\n", HEAD_CODES "250/2.0.0 ",
        "mail a@shop.example;rcpt b@there.example;body 1:x\r.\rMAIL\r\n;"},
    {"crlf_dot_cr_crlf", HEAD "\r\n.\r\r\n.\r\n", HEAD_CODES "250/2.0.0 ",
        "mail a@shop.example;rcpt b@there.example;body 1:\r\n\r\r\n;"},
};

static const struct script dots[] = {
    {"empty_message", HEAD ".\r\n", HEAD_CODES "250/2.0.0 ",
        "mail a@shop.example;rcpt b@there.example;body 1:;"},
    {"stuffed_dots_lose_one", HEAD "..\r\n...x\r\na..b\r\n.y\r\n.\r\n", HEAD_CODES "250/2.0.0 ",
        "mail a@shop.example;rcpt b@there.example;body 1:.\r\n..x\r\na..b\r\ny\r\n;"},
    {"size_limit_reached_exactly",
        HEAD "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
             "678901234567"
             "8\r\n.\r\n",
        HEAD_CODES "250/2.0.0 ", NULL},
    {"one_byte_more_is_refused_and_the_next_mail_goes",
        HEAD "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
             "678901234567"
             "89\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<b@c.example>\r\nDATA\r\nok\r\n.\r\n",
        HEAD_CODES "552/5.3.4 250/2.1.0 250/2.1.5 354 250/2.0.0 ",
        "mail a@shop.example;rcpt b@there.example;mail ;rcpt b@c.example;body 1:ok\r\n;"},
    {"announced_size_is_refused", OPEN "MAIL FROM:<> SIZE=101\r\n", "220 250 552/5.3.4 ", ""},
    {"too_many_recipients",
        OPEN "MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nRCPT TO:<c@b.example>\r\nRCPT "
             "TO:<d@b.example>\r\n"
             "RCPT TO:<e@b.example>\r\nDATA\r\n.\r\n",
        "220 250 250/2.1.0 250/2.1.5 250/2.1.5 250/2.1.5 452/4.5.3 354 250/2.0.0 ",
        "mail ;rcpt a@b.example;rcpt c@b.example;rcpt d@b.example;body 3:;"},
    {"a_drop_hears_nothing_more", OPEN "MAIL FROM:<>\r\nRCPT TO:<gone@b.example>\r\nNOOP\r\n",
        "220 250 250/2.1.0 drop", "mail ;rcpt gone@b.example;"},
};

static void run_table(const struct script *table, size_t n)
{
    for (size_t i = 0; i < n; i++)
        expect_in_all_pieces(table[i].name, table[i].send, table[i].codes, table[i].log);
}

static void commands_have_an_order(void **state)
{
    (void)state;
    run_table(order, COUNT_OF(order));
}

static void syntax_is_checked(void **state)
{
    (void)state;
    run_table(syntax, COUNT_OF(syntax));
}

static void only_crlf_ends_anything(void **state)
{
    (void)state;
    run_table(smuggling, COUNT_OF(smuggling));
}

static void bodies_and_limits(void **state)
{
    (void)state;
    run_table(dots, COUNT_OF(dots));
}

static void repeated(const char *line, size_t n, const char *tail)
{
    AUTO(buf_close) struct buf script = {0}, codes = {0};
    struct seen seen;

    seen_init(&seen);
    struct smtpd_setup setup = setup_for(&seen);
    for (size_t i = 0; i < n; i++)
        buf_add_text(&script, line);
    talk(&setup, buf_str(&script), 7, &codes);
    assert_true(str_ends(buf_str(&codes), str_of(tail)));
    buf_close(&seen.log);
}

static void errors_and_idle_commands_are_counted(void **state)
{
    (void)state;
    repeated("WHAT\r\n", 19, "500/5.5.2 ");
    repeated("WHAT\r\n", 20, "500/5.5.2 421/4.7.0 close");
    repeated("NOOP\r\n", 100, "250/2.0.0 ");
    repeated("NOOP\r\n", 101, "250/2.0.0 421/4.7.0 close");
    /* A refused recipient is the handler's business, not the client's mistake. */
    repeated(
        "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<no@b.example>\r\nDATA\r\n", 40, "550/5.1.1 554/5.5.1 ");
}

static void long_lines_are_skipped_to_their_end(void **state)
{
    static const size_t lengths[] = {1000, 2048, 2049, 5000, 70000};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        AUTO(buf_close) struct buf script = {0};
        buf_add_text(&script, "NOOP ");
        while (script.n < lengths[i])
            buf_add_char(&script, 'x');
        buf_add_text(&script, "\r\nQUIT\r\n");
        expect_in_all_pieces("long line", buf_text(&script),
            lengths[i] <= 2048 ? "220 250/2.0.0 221/2.0.0 close" : "220 500/5.5.2 221/2.0.0 close",
            NULL);
    }
}

static void a_held_reply_keeps_the_order(void **state)
{
    struct seen seen;
    AUTO(buf_close) struct buf codes = {0};

    (void)state;
    seen_init(&seen);
    seen.on_rcpt.delay_ms = 5000;
    struct smtpd_setup setup = setup_for(&seen);
    struct session *s = session_open(&setup, "192.0.2.1", 1);
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
    struct session *s = session_open(&setup, "192.0.2.1", 1);
    session_feed(s, STR(HEAD ".\r\n"));
    assert_int_equal(session_messages(s), 0);
    session_resume(s);
    assert_int_equal(session_messages(s), 1);
    session_close(&s);
    seen.on_body = smtpd_reply(451, "4.3.0 no");
    s = session_open(&setup, "192.0.2.1", 2);
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
    struct session *s = session_open(&setup, "192.0.2.1", 1);
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
    struct session *s = session_open(&setup, "192.0.2.1", 1);
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
        struct session *s = session_open(&setup, "192.0.2.1", 1);
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
    struct session *s = session_open(&setup, "192.0.2.1", 1);
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
    struct session *s = session_open(&setup, "192.0.2.1", 1);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_have_an_order),
        cmocka_unit_test(syntax_is_checked),
        cmocka_unit_test(only_crlf_ends_anything),
        cmocka_unit_test(bodies_and_limits),
        cmocka_unit_test(errors_and_idle_commands_are_counted),
        cmocka_unit_test(long_lines_are_skipped_to_their_end),
        cmocka_unit_test(a_held_reply_keeps_the_order),
        cmocka_unit_test(a_message_counts_when_its_reply_goes_out),
        cmocka_unit_test(a_handlers_text_stays_one_line),
        cmocka_unit_test(what_came_before_tls_is_not_heard),
        cmocka_unit_test(authentication_needs_tls_and_the_right_words),
        cmocka_unit_test(greeting_and_ehlo_can_refuse),
        cmocka_unit_test(ehlo_says_what_is_offered),
        cmocka_unit_test(dripping_is_no_progress),
    };

    return cmocka_run_group_tests_name("smtpd session", tests, NULL, NULL);
}
