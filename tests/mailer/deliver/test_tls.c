/* Tests STARTTLS, its policies and AUTH of mailer/deliver/smtp.h: above all what must not be sent. */
#include "tests/mailer/deliver/bench.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TICKET_ROUNDS 30

/* ---- scripts --------------------------------------------------------------------------------------- */

static const char *const offers_tls[] = {"STARTTLS", NULL};

static bool begin_tls(struct line *c)
{
    if (!greet(c, offers_tls) || !hear(c, "STARTTLS"))
        return false;
    say(c, "220 2.0.0 go\r\n");
    return take_tls(c);
}

static void take_all(struct line *c)
{
    while (take_mail(c))
        ;
    say(c, "221 bye\r\n");
}

static bool ehlo_again(struct line *c, const char *keyword)
{
    if (!hear(c, "EHLO "))
        return false;
    say(c, "250-mx.test\r\n250-");
    say(c, keyword);
    say(c, "\r\n250 PIPELINING\r\n");
    return true;
}

static void over_tls(struct line *c, void *context)
{
    (void)context;
    if (begin_tls(c) && ehlo_again(c, "SIZE 0"))
        take_all(c);
}

static void without_tls(struct line *c, void *context)
{
    (void)context;
    if (greet(c, (const char *[]){"AUTH PLAIN LOGIN", NULL}))
        take_all(c);
}

static void refuse_tls(struct line *c, void *context)
{
    (void)context;
    if (greet(c, offers_tls) && hear(c, "STARTTLS"))
        say(c, "454 4.7.0 TLS is not available\r\n");
    hear(c, "QUIT");
}

static void break_handshake(struct line *c, void *context)
{
    (void)context;
    if (greet(c, offers_tls) && hear(c, "STARTTLS"))
        say(c, "220 go\r\n");
    hear(c, "\x16\x03");
    say(c, "this is not TLS at all\r\n");
}

static void stall_in_handshake(struct line *c, void *context)
{
    (void)context;
    if (greet(c, offers_tls) && hear(c, "STARTTLS")) {
        say(c, "220 go\r\n");
        stall(c);
    }
}

static void inject_behind_starttls(struct line *c, void *context)
{
    (void)context;
    if (greet(c, offers_tls) && hear(c, "STARTTLS"))
        say(c, "220 go\r\n250-mx.test\r\n250 AUTH PLAIN\r\n");
    if (take_tls(c))
        take_all(c);
}

struct login {
    const char *keyword, *answer;
};

static void with_login(struct line *c, void *context)
{
    const struct login *login = context;

    if (!begin_tls(c) || !ehlo_again(c, login->keyword))
        return;
    if (*login->answer && hear(c, "AUTH "))
        say(c, login->answer);
    take_all(c);
}

static void with_old_login(struct line *c, void *context)
{
    (void)context;
    if (!begin_tls(c) || !ehlo_again(c, "AUTH LOGIN") || !hear(c, "AUTH LOGIN c2hvcA=="))
        return;
    say(c, "334 UGFzc3dvcmQ6\r\n");
    say(c, hear(c, "b3BlbiBzZXNhbWU=") ? "235 2.7.0 welcome\r\n" : "535 5.7.8 no\r\n");
    take_all(c);
}

/* ---- TLS ------------------------------------------------------------------------------------------- */

struct tls_case {
    const char *name;
    peer_script *script;
    enum smtp_tls policy;
    const char *cert_name; /* of the server's certificate; it is asked as mx.test */
    int trusted;
    bool delivered, tls, verified, starttls_failed;
};

static const struct tls_case tls_table[] = {
    {"offered_and_good_is_verified", over_tls, SMTP_TLS_OFFERED, "mx.test", 1, true, true, true,
        false},
    {"offered_and_self_signed_is_taken", over_tls, SMTP_TLS_OFFERED, "mx.test", 0, true, true,
        false, false},
    {"offered_and_another_name_is_taken", over_tls, SMTP_TLS_OFFERED, "other.test", 1, true, true,
        false, false},
    {"no_tls_and_only_offered_goes_in_clear", without_tls, SMTP_TLS_OFFERED, "mx.test", 1, true,
        false, false, false},
    {"off_does_not_ask", without_tls, SMTP_TLS_OFF, "mx.test", 1, true, false, false, false},
    {"required_and_self_signed_is_taken", over_tls, SMTP_TLS_REQUIRED, "mx.test", 0, true, true,
        false, false},
    {"required_and_none_sends_nothing", without_tls, SMTP_TLS_REQUIRED, "mx.test", 1, false, false,
        false, false},
    {"verified_and_good_delivers", over_tls, SMTP_TLS_VERIFIED, "mx.test", 1, true, true, true,
        false},
    {"verified_and_self_signed_sends_nothing", over_tls, SMTP_TLS_VERIFIED, "mx.test", 0, false,
        false, false, false},
    {"verified_and_another_name_sends_nothing", over_tls, SMTP_TLS_VERIFIED, "other.test", 1, false,
        false, false, false},
    {"refused_starttls_may_be_tried_without", refuse_tls, SMTP_TLS_OFFERED, "mx.test", 1, false,
        false, false, true},
    {"broken_handshake_may_be_tried_without", break_handshake, SMTP_TLS_OFFERED, "mx.test", 1,
        false, false, false, true},
    {"broken_handshake_ends_where_tls_is_required", break_handshake, SMTP_TLS_REQUIRED, "mx.test",
        1, false, false, false, false},
    {"silence_in_the_handshake_may_be_tried_without", stall_in_handshake, SMTP_TLS_OFFERED,
        "mx.test", 1, false, false, false, true},
    {"bytes_behind_starttls_end_it", inject_behind_starttls, SMTP_TLS_OFFERED, "mx.test", 1, false,
        false, false, false},
};

static bool spoke(const struct peer *p, const char *what)
{
    struct str heard = peer_heard(p);

    return str_find(heard, str_of(what), 0) < heard.n;
}

static size_t check_tls(const struct tls_case *x)
{
    void *state;
    struct bench *b;

    bench_open(&state);
    b = state;
    SSL_CTX *ctx = certs_server(b->certs, x->cert_name, x->trusted);
    struct peer *p = peer_open(x->script, NULL, ctx);
    b->call.tls = x->policy;
    b->call.to.transfer_timeout_ms = x->script == stall_in_handshake ? 150 : 5000;
    bench_send(b, peer_port(p), "mx.test", 1);
    peer_stop(p);
    bool delivered = b->results_n == 1 && b->results[0].delivered;
    const struct smtp_cover *cover = &b->report.cover;
    bool good = delivered == x->delivered && b->report.starttls_failed == x->starttls_failed &&
                b->report.in_hand == !x->delivered && spoke(p, "MAIL FROM") == x->delivered &&
                (!delivered || (cover->tls == x->tls && cover->verified == x->verified)) &&
                (!x->tls || str_is(str_of(peer_server_name(p)), "mx.test")) &&
                (!x->tls || str_is(str_of(cover->version), "TLSv1.3"));
    if (!good)
        print_error("%s: delivered %d, tls %d, verified %d, doubt \"%s\", at %d, trouble \"%s\", "
                    "failed %d, sni %s\n",
            x->name, delivered, cover->tls, cover->verified, cover->doubt,
            (int)b->report.failure.phase, b->report.in_hand ? b->report.failure.trouble : "",
            b->report.starttls_failed, peer_server_name(p));
    peer_close(&p);
    SSL_CTX_free(ctx);
    bench_close(&state);
    return good ? 0 : 1;
}

static void tls_follows_the_policy(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(tls_table); i++)
        wrong += check_tls(&tls_table[i]);
    assert_int_equal(wrong, 0);
}

static void the_doubt_is_said(void **state)
{
    struct bench *b = *state;
    SSL_CTX *ctx = certs_server(b->certs, "other.test", 1);
    struct peer *p = peer_open(over_tls, NULL, ctx);

    b->call.tls = SMTP_TLS_VERIFIED;
    bench_send(b, peer_port(p), "mx.test", 1);
    assert_int_equal(b->report.failure.phase, AT_STARTTLS);
    assert_string_equal(
        b->report.failure.trouble, "the certificate is for another name: other.test");
    peer_close(&p);
    SSL_CTX_free(ctx);
}

static void tls_1_1_is_not_spoken(void **state)
{
    struct bench *b = *state;
    SSL_CTX *ctx = certs_server(b->certs, "mx.test", 1);

    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
    struct peer *p = peer_open(over_tls, NULL, ctx);
    bench_send(b, peer_port(p), "mx.test", 1);
    assert_true(b->report.in_hand);
    assert_true(b->report.starttls_failed);
    peer_close(&p);
    SSL_CTX_free(ctx);
}

/* Tickets arrive before our second EHLO is out: without the write-first rule some of these would wait for the
 * whole time-out. */
static void session_tickets_do_not_stop_the_conversation(void **state)
{
    struct bench *b = *state;
    SSL_CTX *ctx = certs_server(b->certs, "mx.test", 1);

    SSL_CTX_set_num_tickets(ctx, 8);
    struct peer *p = peer_open(over_tls, NULL, ctx);
    b->call.to.transfer_timeout_ms = 2000;
    for (int i = 0; i < TICKET_ROUNDS; i++) {
        bench_send(b, peer_port(p), "mx.test", 2);
        assert_int_equal(b->results_n, 2);
        assert_true(b->results[0].delivered && b->results[1].delivered);
    }
    peer_close(&p);
    SSL_CTX_free(ctx);
}

/* ---- AUTH ------------------------------------------------------------------------------------------ */

/* open sesame; PLAIN's NUL shop NUL open sesame ends so, too */
#define SECRET_BASE64 "b3BlbiBzZXNhbWU="

struct auth_case {
    const char *name;
    peer_script *script;
    struct login login;
    bool authenticates, delivered;
    int code;
};

static const struct auth_case auth_table[] = {
    {"good_credentials_deliver", with_login, {"AUTH PLAIN", "235 2.7.0 welcome\r\n"}, true, true,
        0},
    {"good_credentials_by_login_deliver", with_old_login, {"", ""}, true, true, 0},
    {"refused_credentials_send_nothing", with_login, {"AUTH PLAIN", "535 5.7.8 no\r\n"}, true,
        false, 535},
    {"a_busy_auth_sends_nothing", with_login, {"AUTH PLAIN", "454 4.7.0 later\r\n"}, true, false,
        454},
    {"no_auth_offered_sends_nothing", with_login, {"SIZE 0", ""}, false, false, 0},
    {"no_mechanism_of_ours_sends_nothing", with_login, {"AUTH GSSAPI", ""}, false, false, 0},
    {"no_tls_sends_no_credentials", without_tls, {"", ""}, false, false, 0},
};

static size_t check_auth(const struct auth_case *x)
{
    void *state;
    struct bench *b;

    bench_open(&state);
    b = state;
    SSL_CTX *ctx = certs_server(b->certs, "mx.test", 1);
    struct login login = x->login;
    struct peer *p = peer_open(x->script, &login, ctx);
    b->call.tls = SMTP_TLS_VERIFIED;
    b->call.user = "shop";
    b->call.password = "open sesame";
    bench_send(b, peer_port(p), "mx.test", 2);
    peer_stop(p);
    bool delivered = b->results_n == 2 && b->results[0].delivered && b->results[1].delivered;
    bool good = delivered == x->delivered && spoke(p, "MAIL FROM") == x->delivered &&
                spoke(p, SECRET_BASE64) == x->authenticates;
    if (!delivered)
        good = good && b->report.failure.code == x->code &&
               b->report.failure.phase == (x->script == without_tls ? AT_EHLO : AT_AUTH);
    if (!good)
        print_error("%s: delivered %d, at %d, code %d, trouble \"%s\"\n", x->name, delivered,
            (int)b->report.failure.phase, b->report.failure.code,
            b->report.in_hand ? b->report.failure.trouble : "");
    peer_close(&p);
    SSL_CTX_free(ctx);
    bench_close(&state);
    return good ? 0 : 1;
}

/* Whoever fills in a hop may ask for less than its password needs. */
static void a_password_needs_a_proved_name_whatever_the_policy(void **state)
{
    static const enum smtp_tls policies[] = {
        SMTP_TLS_OFF, SMTP_TLS_OFFERED, SMTP_TLS_REQUIRED, SMTP_TLS_VERIFIED};
    struct bench *b = *state;
    SSL_CTX *ctx = certs_server(b->certs, "other.test", 1);

    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        struct login login = {"AUTH PLAIN", "235 2.7.0 welcome\r\n"};
        struct peer *p = peer_open(with_login, &login, ctx);
        b->call.tls = policies[i];
        b->call.user = "shop";
        b->call.password = "open sesame";
        bench_send(b, peer_port(p), "mx.test", 1);
        peer_stop(p);
        assert_true(b->report.in_hand);
        assert_false(spoke(p, "AUTH") || spoke(p, SECRET_BASE64) || spoke(p, "MAIL FROM"));
        peer_close(&p);
    }
    SSL_CTX_free(ctx);
}

static void mail_waits_for_credentials(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(auth_table); i++)
        wrong += check_auth(&auth_table[i]);
    assert_int_equal(wrong, 0);
}

/* ---- bodies ---------------------------------------------------------------------------------------- */

#define PATIENCE_MS 200

/* Reads nothing for so long when the body is due. */
static void read_late(struct line *c, void *context)
{
    if (!begin_tls(c) || !ehlo_again(c, "SIZE 0"))
        return;
    while (take_envelope(c)) {
        stall_for(c, *(const int *)context);
        if (!hear_body(c))
            return;
        say(c, "250 2.0.0 taken\r\n");
    }
}

static void add_lines(struct buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "line %06zu of a mail that does not fit into the sockets' buffers\r\n", i);
}

/* What follows the first DATA is this, and nothing between. */
static bool heard_whole(const struct peer *p, struct str bytes)
{
    struct str heard = peer_heard(p);
    size_t from = str_find(heard, STR("DATA\r\n"), 0) + 6;

    return from + bytes.n + 3 <= heard.n && memcmp(heard.p + from, bytes.p, bytes.n) == 0 &&
           memcmp(heard.p + from + bytes.n, ".\r\n", 3) == 0;
}

/* Of all lengths about the sizes of records and buffers, and one for which the socket has no room. */
static void a_body_of_any_length_arrives_whole(void **state)
{
    static const size_t edges[] = {2048, 16384, 32768, 65536};
    struct bench *b = *state;
    SSL_CTX *ctx = certs_server(b->certs, "mx.test", 1);
    AUTO(buf_close) struct buf body = {0};
    int late_ms = 0;

    for (size_t i = 0; i <= COUNT_OF(edges); i++)
        for (size_t more = 0; more < 6; more++) {
            bool huge = i == COUNT_OF(edges);
            buf_clear(&body);
            buf_add(&body,
                STR("Date: Sat, 21 Nov 2026 08:00:00 +0000\r\nMessage-ID: <1@shop.example>\r\n"
                    "From: <a@shop.example>\r\nTo: <b@example.com>\r\n\r\n"));
            if (huge)
                add_lines(&body, 200000);
            while (!huge && body.n < edges[i] - 8 + more)
                buf_add(&body, STR("x"));
            if (!huge)
                buf_add(&body, STR("\r\n"));
            b->mail.bytes = buf_str(&body);
            late_ms = huge ? 50 : 0;
            struct peer *p = peer_open(read_late, &late_ms, ctx);
            bench_send(b, peer_port(p), "mx.test", 1);
            peer_stop(p);
            assert_true(b->results[0].delivered);
            assert_true(heard_whole(p, buf_str(&body)));
            peer_close(&p);
            more = huge ? 6 : more;
        }
    SSL_CTX_free(ctx);
}

static void a_write_that_times_out_under_tls_ends_the_mail(void **state)
{
    struct bench *b = *state;
    SSL_CTX *ctx = certs_server(b->certs, "mx.test", 1);
    AUTO(buf_close) struct buf body = {0};
    int late_ms = 4 * PATIENCE_MS;
    struct peer *p = peer_open(read_late, &late_ms, ctx);

    buf_add(&body, b->mail.bytes);
    add_lines(&body, 200000);
    b->mail.bytes = buf_str(&body);
    b->call.to.transfer_timeout_ms = PATIENCE_MS;
    bench_send(b, peer_port(p), "mx.test", 1);
    peer_stop(p);
    assert_int_equal(b->results_n, 1);
    assert_true(b->results[0].unsure && !b->results[0].delivered);
    assert_false(str_ends(peer_heard(p), STR("\r\n.\r\n")));
    peer_close(&p);
    SSL_CTX_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_follows_the_policy),
        cmocka_unit_test_setup_teardown(the_doubt_is_said, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(tls_1_1_is_not_spoken, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            session_tickets_do_not_stop_the_conversation, bench_open, bench_close),
        cmocka_unit_test(mail_waits_for_credentials),
        cmocka_unit_test_setup_teardown(
            a_password_needs_a_proved_name_whatever_the_policy, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_body_of_any_length_arrives_whole, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(
            a_write_that_times_out_under_tls_ends_the_mail, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
