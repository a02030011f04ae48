/* Tests mailer/deliver/smtp.h: the body as the server reads it is the mail's own bytes, whatever libesmtp was given. In clear and
 * under TLS. */
#include "tests/mailer/deliver/bench.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LINES 60000 /* 5 MB: more than both sockets hold */

static bool open_line(struct line *c, bool tls)
{
    static const char *const clear[] = {"PIPELINING", NULL}, *const offer[] = {"STARTTLS", NULL};

    if (!greet(c, tls ? offer : clear))
        return false;
    if (!tls)
        return true;
    if (!take_starttls(c))
        return false;
    say(c, "250 mx.test\r\n");
    return true;
}

/* Reads late, so that a large body has to wait for room. */
static void serve(struct line *c, void *context)
{
    const bool *tls = context;

    if (!open_line(c, *tls) || !take_envelope(c))
        return;
    stall_for(c, 50);
    if (hear_body(c))
        say(c, "250 2.0.0 taken\r\n");
    hear(c, "QUIT");
}

/* Not str_find, for which a sanitizer looks at all that follows. */
static size_t line_end(struct str mail, size_t at)
{
    size_t end = str_find_char(mail, '\n', at);

    while (end < mail.n && !(end > at && mail.p[end - 1] == '\r'))
        end = str_find_char(mail, '\n', end + 1);
    return end < mail.n ? end - 1 : mail.n;
}

/* By the letter of RFC 5321 s4.5.2, line by line. */
static void stuff(struct str mail, struct buf *out)
{
    for (size_t at = 0; at < mail.n;) {
        size_t end = line_end(mail, at);
        struct str line = str_slice(mail, at, end);

        if (str_starts(line, STR(".")))
            buf_add_char(out, '.');
        buf_add(out, line);
        buf_add(out, STR("\r\n"));
        at = end + 2;
    }
    buf_add(out, STR(".\r\n"));
}

static void expect(struct bench *b, struct str mail, bool tls)
{
    SSL_CTX *ctx = certs_server(b->certs, "mx.test", 1);
    struct peer *p = peer_open(serve, &tls, ctx);
    AUTO(buf_close) struct buf stuffed = {0};

    b->mail.bytes = mail;
    b->call.tls = tls ? SMTP_TLS_VERIFIED : SMTP_TLS_OFF;
    bench_send(b, peer_port(p), "mx.test", 1);
    peer_stop(p);
    assert_int_equal(b->results_n, 1);
    assert_true(b->results[0].delivered);
    assert_true(tls == b->covers[0].verified);
    struct str heard = peer_heard(p);
    struct str body = str_slice(heard, str_find(heard, STR("DATA\r\n"), 0) + 6, heard.n);
    stuff(mail, &stuffed);
    buf_add(&stuffed, STR("QUIT\r\n"));
    assert_true(str_eq(body, buf_str(&stuffed)));
    peer_close(&p);
    SSL_CTX_free(ctx);
}

static void dots_are_doubled_where_a_line_begins(void **state)
{
    static const char *const bodies[] = {"", ".\r\n", "..\r\n.\r\n..\r\n", ".a\r\n\r\n.\r\n\r\n",
        "a.\r\n.b.\r\n", "no line's end", ".", "a\r\n.", "a\n.b\r.c\r\n", "..."};
    struct bench *b = *state;

    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        AUTO(buf_close) struct buf mail = {0};
        buf_addf(&mail, "From: <a@shop.example>\r\n.odd: 1\r\n\r\n%s", bodies[i]);
        expect(b, buf_str(&mail), false);
        expect(b, buf_str(&mail), true);
    }
}

/* The library would strip the first, drop the second Subject, and add a Date. */
static void the_header_goes_out_as_it_is(void **state)
{
    const struct str mail =
        STR("Return-Path: <a@shop.example>\r\nSubject: 1\r\nSubject: 2\r\n\r\nHello\r\n");
    struct bench *b = *state;

    expect(b, mail, false);
    expect(b, mail, true);
}

static void a_body_waits_for_room_and_arrives_whole(void **state)
{
    struct bench *b = *state;
    AUTO(buf_close) struct buf mail = {0};

    buf_add(&mail, STR("From: <a@shop.example>\r\n\r\n"));
    for (int i = 0; i < LINES; i++)
        buf_addf(&mail, "%s%0*d of a mail that does not fit into the sockets' buffers\r\n",
            i % 7 == 0 ? "." : "", 5 + i % 61, i);
    expect(b, buf_str(&mail), false);
    expect(b, buf_str(&mail), true);
}

/* Fills both sockets, says that it has the mail, and reads no more until the client has gone. */
static void take_it_unread(struct line *c, void *context)
{
    const bool *tls = context;

    if (!open_line(c, *tls) || !take_envelope(c))
        return;
    stall_for(c, 100);
    say(c, "250 2.0.0 taken\r\n");
    stall(c);
    hear_body(c);
}

/* True: it counts as delivered. */
static bool send_unread(struct bench *b, size_t size, bool tls)
{
    SSL_CTX *ctx = certs_server(b->certs, "mx.test", 1);
    struct peer *p = peer_open(take_it_unread, &tls, ctx);
    AUTO(buf_close) struct buf mail = {0};

    buf_add(&mail, STR("From: <a@shop.example>\r\n\r\n"));
    while (mail.n < size)
        buf_add(&mail, STR("a line of a mail that nobody reads, of sixty-two characters\r\n"));
    b->mail.bytes = buf_str(&mail);
    b->call.tls = tls ? SMTP_TLS_VERIFIED : SMTP_TLS_OFF;
    b->call.to.transfer_timeout_ms = 250;
    bench_send(b, peer_port(p), "mx.test", 1);
    peer_stop(p);
    struct str heard = peer_heard(p), end = STR("\r\n.\r\n");
    bool dot = heard.n > end.n && str_find(str_slice(heard, heard.n - 64, heard.n), end, 0) < 64;
    bool delivered = b->results_n > 0 && b->results[0].delivered;
    assert_true(dot || !delivered);
    peer_close(&p);
    SSL_CTX_free(ctx);
    return delivered;
}

/* The system decides how much both sockets hold; close below that the mail's end waits in our own buffer. */
static void a_mail_whose_end_never_left_is_not_delivered(void **state)
{
    for (int tls = 0; tls <= 1; tls++) {
        size_t fits = 10000, too_large = 16000000;

        while (too_large - fits > 40000) {
            size_t size = fits + (too_large - fits) / 2;

            if (send_unread(*state, size, tls))
                fits = size;
            else
                too_large = size;
        }
        assert_in_range(fits, 100000, 15000000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            dots_are_doubled_where_a_line_begins, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(the_header_goes_out_as_it_is, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_body_waits_for_room_and_arrives_whole, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_mail_whose_end_never_left_is_not_delivered, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
