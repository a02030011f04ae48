/* The server on real sockets: TLS, many clients, time, limits, ends. Time is measured by the order of events. */
#include "mailer/smtpd/smtpd.h"

#include "base/clock.h"
#include "tests/mailer/smtpd/wire.h"
#include "tests/support/scratch.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define EHLO "EHLO client.example\r\n"
#define HEAD "MAIL FROM:<a@shop.example>\r\nRCPT TO:<b@there.example>\r\nDATA\r\n"
#define HEAD_CODES "250/2.1.0 250/2.1.5 354 "
#define SLOW_MS 100

static struct {
    char folder[SCRATCH_SIZE], certificate[200], key[200];
} files;

static int make_files(void **state)
{
    (void)state;
    scratch_folder("smtpd", files.folder);
    wire_make_certificate(files.folder, files.certificate, files.key);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    unlink(files.certificate);
    unlink(files.key);
    return rmdir(files.folder);
}

static struct smtpd_reply by_name(void *context, const struct smtpd_envelope *v, struct str to)
{
    struct smtpd_reply r = smtpd_reply(250, "2.1.5 Ok");

    (void)context, (void)v;
    if (str_starts(to, STR("no@")))
        return smtpd_reply(550, "5.1.1 No such user");
    if (str_starts(to, STR("gone@")))
        return smtpd_reply(SMTPD_CLOSE, "");
    if (str_starts(to, STR("slow@")))
        r.delay_ms = SLOW_MS;
    if (str_starts(to, STR("silent@")))
        r.delay_ms = 3600000;
    return r;
}

/* Answers 250 only to the bytes that the test promised, and counts those of a sink. */
static struct smtpd_reply by_body(void *context, const struct smtpd_envelope *v, struct str message)
{
    const struct buf *expected = context;

    (void)v;
    if (expected && !str_eq(message, buf_str(expected)))
        return smtpd_reply(554, "5.6.0 Other bytes than promised");
    return smtpd_reply(250, "2.0.0 Ok");
}

static bool know(void *context, struct str user, struct str password)
{
    (void)context;
    return str_is(user, "shop") && str_is(password, "secret");
}

static struct smtpd *serve(struct smtpd_setup setup)
{
    struct smtpd *s = NULL;
    struct err e;

    setup.hostname = "mx.there.example";
    setup.handler.rcpt = by_name;
    setup.handler.body = by_body;
    if (!smtpd_open(&setup, &s, &e))
        fail_msg("%s", e.text);
    assert_in_range(smtpd_port(s), 1, 65535);
    return s;
}

static void expect(struct wire *w, size_t replies, const char *codes)
{
    AUTO(buf_close) struct buf got = {0};

    assert_string_equal(wire_codes(w, replies, &got), codes);
}

static void large_text(struct buf *out, size_t bytes)
{
    for (size_t i = 0; out->n < bytes; i++)
        buf_addf(out, "%s line %zu with some text\r\n", i % 3 == 0 ? "." : "", i);
}

static void stuff(struct buf *out, struct str text)
{
    struct str line;

    while (str_next(&text, '\n', &line)) {
        if (str_starts(line, STR(".")))
            buf_add_char(out, '.');
        buf_add(out, line);
        buf_add_char(out, '\n');
    }
    buf_add(out, STR(".\r\n"));
}

static void large_mails_arrive_whole(struct wire *w, struct buf *expected)
{
    AUTO(buf_close) struct buf wired = {0};

    stuff(&wired, buf_str(expected));
    for (int i = 0; i < 3; i++) {
        wire_send(w, HEAD);
        expect(w, 3, HEAD_CODES);
        wire_send_bytes(w, buf_str(&wired));
        expect(w, 1, "250/2.0.0 ");
    }
}

static void mails_arrive_in_clear_and_over_tls(void **state)
{
    AUTO(buf_close) struct buf text = {0};

    (void)state;
    large_text(&text, 1 << 20);
    struct smtpd *s = serve((struct smtpd_setup){.keep_bodies = true,
        .certificate_file = files.certificate,
        .key_file = files.key,
        .handler = {.context = &text}});
    struct wire w = wire_open(smtpd_port(s));
    wire_send(&w, EHLO);
    expect(&w, 2, "220 250 ");
    large_mails_arrive_whole(&w, &text);
    wire_send(&w, "STARTTLS\r\n");
    expect(&w, 1, "220/2.0.0 ");
    assert_true(wire_start_tls(&w));
    wire_send(&w, EHLO);
    expect(&w, 1, "250 ");
    large_mails_arrive_whole(&w, &text);
    wire_send(&w, "QUIT\r\n");
    expect(&w, 2, "221/2.0.0 end ");
    wire_close(&w);
    assert_int_equal(smtpd_messages(s), 6);
    assert_int_equal(smtpd_connections(s), 1);
    smtpd_close(&s);
}

static void text_pipelined_behind_starttls_is_lost(void **state)
{
    (void)state;
    struct smtpd *s =
        serve((struct smtpd_setup){.certificate_file = files.certificate, .key_file = files.key});
    struct wire w = wire_open(smtpd_port(s));
    wire_send(&w, EHLO "STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@b.example>\r\nRSET\r\n");
    expect(&w, 3, "220 250 220/2.0.0 ");
    assert_true(wire_start_tls(&w));
    wire_send(&w, "RCPT TO:<b@there.example>\r\n");
    expect(&w, 1, "503/5.5.1 ");
    wire_close(&w);
    smtpd_close(&s);
}

static void a_broken_handshake_ends_the_connection(void **state)
{
    (void)state;
    struct smtpd *s =
        serve((struct smtpd_setup){.certificate_file = files.certificate, .key_file = files.key});
    struct wire w = wire_open(smtpd_port(s));
    wire_send(&w, EHLO "STARTTLS\r\n");
    expect(&w, 3, "220 250 220/2.0.0 ");
    wire_send(&w, "this is no handshake, and the server must not hear it as SMTP\r\nQUIT\r\n");
    AUTO(buf_close) struct buf got = {0};
    wire_codes(&w, 1, &got);
    assert_true(str_ends(buf_str(&got), STR("end ")) || str_ends(buf_str(&got), STR("reset ")));
    wire_close(&w);
    smtpd_close(&s);
}

static void each_byte_alone(void **state)
{
    static const char script[] = EHLO HEAD "x\r\n..\r\n.\r\nQUIT\r\n";

    (void)state;
    struct smtpd *s = serve((struct smtpd_setup){0});
    struct wire w = wire_open(smtpd_port(s));
    for (size_t i = 0; i + 1 < sizeof script; i++)
        wire_send_bytes(&w, str_bytes(script + i, 1));
    expect(&w, 8, "220 250 " HEAD_CODES "250/2.0.0 221/2.0.0 end ");
    wire_close(&w);
    smtpd_close(&s);
}

static void a_slow_reply_keeps_nobody_else_waiting(void **state)
{
    char c;

    (void)state;
    struct smtpd *s = serve((struct smtpd_setup){0});
    struct wire never = wire_open(smtpd_port(s)), slow = wire_open(smtpd_port(s)),
                fast = wire_open(smtpd_port(s));
    wire_send(&never, EHLO "MAIL FROM:<>\r\nRCPT TO:<silent@there.example>\r\nNOOP\r\n");
    expect(&never, 3, "220 250 250/2.1.0 ");
    wire_send(&slow, EHLO "MAIL FROM:<>\r\nRCPT TO:<slow@there.example>\r\nNOOP\r\n");
    wire_send(&fast, EHLO);
    expect(&fast, 2, "220 250 ");
    for (int i = 0; i < 20; i++) {
        wire_send(&fast, HEAD ".\r\n");
        expect(&fast, 4, HEAD_CODES "250/2.0.0 ");
    }
    expect(&slow, 5, "220 250 250/2.1.0 250/2.1.5 250/2.0.0 ");
    assert_int_equal(recv(never.fd, &c, 1, MSG_DONTWAIT), -1);
    wire_close(&never);
    wire_close(&slow);
    wire_close(&fast);
    smtpd_close(&s);
}

static void a_round_trip_is_paid_once_for_what_was_pipelined(void **state)
{
    (void)state;
    struct smtpd *s = serve((struct smtpd_setup){.reply_delay_ms = 100});
    int64_t begin_ns = clock_steady_ns();
    struct wire w = wire_open(smtpd_port(s)), other = wire_open(smtpd_port(s));
    expect(&w, 1, "220 ");
    assert_true(clock_steady_ns() - begin_ns >= 99 * 1000000);
    wire_send(&w, EHLO "NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n");
    /* Two turns of the other take two round trips; eight pipelined answers have come by then. */
    expect(&other, 1, "220 ");
    wire_send(&other, "NOOP\r\n");
    expect(&other, 1, "250/2.0.0 ");
    wire_send(&other, "NOOP\r\n");
    expect(&other, 1, "250/2.0.0 ");
    char seen[512];
    assert_true(recv(w.fd, seen, sizeof seen, MSG_DONTWAIT) > 8 * 14);
    wire_close(&w);
    wire_close(&other);
    smtpd_close(&s);
}

static void a_drop_ends_without_a_word(void **state)
{
    (void)state;
    struct smtpd *s = serve((struct smtpd_setup){0});
    struct wire w = wire_open(smtpd_port(s));
    wire_send(&w, EHLO "MAIL FROM:<>\r\nRCPT TO:<gone@there.example>\r\n");
    expect(&w, 4, "220 250 250/2.1.0 end ");
    wire_close(&w);
    smtpd_close(&s);
}

static void there_is_room_for_so_many_and_then_again(void **state)
{
    AUTO(buf_close) struct buf got = {0};

    (void)state;
    struct smtpd *s = serve((struct smtpd_setup){.max_connections = 2});
    struct wire a = wire_open(smtpd_port(s)), b = wire_open(smtpd_port(s));
    expect(&a, 1, "220 ");
    expect(&b, 1, "220 ");
    struct wire c = wire_open(smtpd_port(s));
    expect(&c, 2, "421/4.3.2 end ");
    wire_close(&c);
    wire_send(&a, "QUIT\r\n");
    expect(&a, 2, "221/2.0.0 end ");
    wire_close(&a);
    do { /* until the server has noticed that a is gone */
        c = wire_open(smtpd_port(s));
        wire_codes(&c, 1, &got);
        if (!str_is(buf_str(&got), "220 "))
            wire_close(&c);
    } while (!str_is(buf_str(&got), "220 "));
    wire_close(&b);
    wire_close(&c);
    smtpd_close(&s);
}

static void who_says_nothing_is_sent_away(void **state)
{
    (void)state;
    struct smtpd *s = serve((struct smtpd_setup){
        .idle_ms = 400, .certificate_file = files.certificate, .key_file = files.key});
    struct wire idle = wire_open(smtpd_port(s)), in_body = wire_open(smtpd_port(s)),
                shaking = wire_open(smtpd_port(s)), held = wire_open(smtpd_port(s));
    wire_send(&held, EHLO "MAIL FROM:<>\r\nRCPT TO:<slow@there.example>\r\n");
    wire_send(&in_body, EHLO HEAD "begun");
    wire_send(&shaking, EHLO "STARTTLS\r\n");
    expect(&idle, 3, "220 421/4.4.2 end ");
    expect(&in_body, 7, "220 250 " HEAD_CODES "421/4.4.2 end ");
    expect(&shaking, 4, "220 250 220/2.0.0 end ");
    /* Here it was the server that said nothing: no fault of the client's. */
    expect(&held, 4, "220 250 250/2.1.0 250/2.1.5 ");
    wire_close(&idle);
    wire_close(&in_body);
    wire_close(&shaking);
    wire_close(&held);
    smtpd_close(&s);
}

static void last_words_reach_a_client_that_talks_on(void **state)
{
    AUTO(buf_close) struct buf flood = {0};

    (void)state;
    struct smtpd *s = serve((struct smtpd_setup){0});
    struct wire w = wire_open(smtpd_port(s));
    for (int i = 0; i < 400000; i++) /* far more than is read before the end */
        buf_add_text(&flood, "WHAT\r\n");
    assert_true(
        wire_send_bytes(&w, buf_str(&flood))); /* no reset, which would overtake the words */
    AUTO(buf_close) struct buf got = {0};
    wire_codes(&w, 100, &got);
    assert_true(str_ends(buf_str(&got), STR("500/5.5.2 421/4.7.0 end ")));
    int fault = 0;
    socklen_t size = sizeof fault;
    assert_int_equal(getsockopt(w.fd, SOL_SOCKET, SO_ERROR, &fault, &size), 0);
    assert_int_equal(fault, 0); /* no reset followed, which elsewhere could overtake the words */
    wire_close(&w);
    smtpd_close(&s);
}

static void stopping_says_so(void **state)
{
    (void)state;
    struct smtpd *s = serve((struct smtpd_setup){0});
    struct wire a = wire_open(smtpd_port(s)), b = wire_open(smtpd_port(s));
    expect(&a, 1, "220 ");
    wire_send(&b, EHLO "MAIL FROM:<>\r\nRCPT TO:<silent@there.example>\r\n");
    expect(&b, 3, "220 250 250/2.1.0 ");
    smtpd_close(&s);
    assert_null(s);
    expect(&a, 2, "421/4.3.2 end ");
    expect(&b, 2, "421/4.3.2 end ");
    wire_close(&a);
    wire_close(&b);
}

struct busy {
    int port;
    _Atomic bool stop;
    _Atomic unsigned accepted;
};

static void *keep_sending(void *argument)
{
    struct busy *busy = argument;
    AUTO(buf_close) struct buf got = {0};

    while (!busy->stop) {
        struct wire w = wire_open(busy->port);
        wire_send(&w, EHLO);
        bool fine = strcmp(wire_codes(&w, 2, &got), "220 250 ") == 0;
        while (fine && !busy->stop) {
            wire_send(&w, HEAD "x\r\n.\r\n");
            fine = strcmp(wire_codes(&w, 4, &got), HEAD_CODES "250/2.0.0 ") == 0;
            busy->accepted += fine;
        }
        busy->stop = busy->stop || !fine;
        wire_close(&w);
    }
    return NULL;
}

static void closing_in_the_middle_of_traffic(void **state)
{
    struct busy busy = {0};
    pthread_t threads[4];

    (void)state;
    struct smtpd *s = serve((struct smtpd_setup){.keep_bodies = true});
    busy.port = smtpd_port(s);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_sending, &busy), 0);
    while (smtpd_messages(s) < 200)
        usleep(1000);
    smtpd_close(&s);
    busy.stop = true;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    assert_true(busy.accepted > 100);
}

static void wrong_settings_are_named(void **state)
{
    struct {
        struct smtpd_setup setup;
        const char *word;
    } table[] = {
        {{.address = "there.example"}, "no IP address"},
        {{.address = "192.0.2.77"}, "192.0.2.77"},
        {{.certificate_file = "/nonexistent", .key_file = files.key}, "/nonexistent"},
        {{.certificate_file = files.certificate, .key_file = files.certificate}, "private key"},
        {{.auth_required = true, .handler = {.auth = know}}, "certificate"},
        {{.auth_required = true}, "auth handler"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct smtpd *s = NULL;
        struct err e = {0};
        assert_false(smtpd_open(&table[i].setup, &s, &e));
        assert_null(s);
        if (!strstr(e.text, table[i].word))
            fail_msg("row %zu: %s", i, e.text);
    }
}

static void python_gets_its_mails_through(void **state)
{
    char command[300];

    (void)state;
    if (system("python3 -c 'import smtplib' >/dev/null 2>&1") != 0) {
        print_message("skipped: there is no python3\n");
        skip();
    }
    struct smtpd *s = serve((struct smtpd_setup){.auth_required = true,
        .certificate_file = files.certificate,
        .key_file = files.key,
        .handler = {.auth = know}});
    snprintf(
        command, sizeof command, "python3 tests/mailer/smtpd/foreign_client.py %d", smtpd_port(s));
    assert_int_equal(system(command), 0);
    assert_int_equal(smtpd_messages(s), 3);
    assert_int_equal(smtpd_connections(s), 2);
    smtpd_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mails_arrive_in_clear_and_over_tls),
        cmocka_unit_test(text_pipelined_behind_starttls_is_lost),
        cmocka_unit_test(a_broken_handshake_ends_the_connection),
        cmocka_unit_test(each_byte_alone),
        cmocka_unit_test(a_slow_reply_keeps_nobody_else_waiting),
        cmocka_unit_test(a_round_trip_is_paid_once_for_what_was_pipelined),
        cmocka_unit_test(a_drop_ends_without_a_word),
        cmocka_unit_test(there_is_room_for_so_many_and_then_again),
        cmocka_unit_test(who_says_nothing_is_sent_away),
        cmocka_unit_test(last_words_reach_a_client_that_talks_on),
        cmocka_unit_test(stopping_says_so),
        cmocka_unit_test(closing_in_the_middle_of_traffic),
        cmocka_unit_test(wrong_settings_are_named),
        cmocka_unit_test(python_gets_its_mails_through),
    };

    return cmocka_run_group_tests_name("smtpd server", tests, make_files, remove_files);
}
