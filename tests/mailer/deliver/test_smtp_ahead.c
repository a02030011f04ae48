/* Tests mailer/deliver/smtp.h where the server hears MAIL, RCPT and DATA in one go: what it hears, which replies mean what,
 * and what is remembered of a server that offers this and does not mean it. All in clear and under TLS. */
#include "tests/mailer/deliver/bench.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>

#define MANY 12
#define SHORT_MS 300

/* ---- a server that hears the whole envelope before it answers ---------------------------------------------- */

enum then { BODY_FOLLOWS, CLOSE, RESET, STALL };

struct envelope {
    const char *name;
    const char *replies; /* to the three, in one segment */
    enum then then;
    /* what it means for the mail */
    enum smtp_phase phase;
    int code;
    bool in_hand, delivered, unsure, out_of_step;
    size_t mails; /* of two that this connection decides */
};

struct server {
    bool tls;
    const struct envelope *envelope;
    bool each_cut; /* the nth mail's replies come in two segments, cut after n bytes */
};

static bool open_line(struct line *c, bool tls)
{
    say(c, "220 mx.test\r\n");
    if (!hear(c, "EHLO "))
        return false;
    say(c, "250-mx.test\r\n250-SIZE 100000\r\n250-8BITMIME\r\n");
    say(c, tls ? "250-STARTTLS\r\n250 PIPELINING\r\n" : "250 PIPELINING\r\n");
    if (!tls)
        return true;
    if (!take_starttls(c))
        return false;
    say(c,
        "250-mx.test\r\n250-SIZE 100000\r\n250-8BITMIME\r\n250-AUTH PLAIN\r\n250 PIPELINING\r\n");
    if (!hear(c, "AUTH "))
        return false;
    say(c, "235 welcome\r\n");
    return true;
}

static bool hear_envelope(struct line *c)
{
    return hear(c, "MAIL FROM:") && hear(c, "RCPT TO:") && hear(c, "DATA");
}

static void say_in_two(struct line *c, const char *text, size_t cut)
{
    size_t n = strlen(text), first = cut < n ? cut : n;

    say_bytes(c, text, first);
    stall_for(c, 1);
    say_bytes(c, text + first, n - first);
}

/* False: nothing comes behind it. */
static bool answer(struct line *c, const struct server *s, size_t nth)
{
    const struct envelope *e = s->envelope;

    if (s->each_cut)
        say_in_two(c, e->replies, nth);
    else
        say(c, e->replies);
    if (e->then == RESET)
        reset(c);
    if (e->then == STALL)
        stall(c);
    if (e->then != BODY_FOLLOWS || !hear_body(c))
        return false;
    say(c, "250 2.0.0 taken\r\n");
    return true;
}

static void serve(struct line *c, void *context)
{
    const struct server *s = context;

    if (open_line(c, s->tls))
        for (size_t nth = 0; hear_envelope(c) && answer(c, s, nth); nth++)
            continue;
}

/* As on a first day: ports come again, and what was learnt of a server with them. */
static void forget_paces(struct bench *b)
{
    struct err e;

    smtp_shared_close(&b->shared);
    assert_true(smtp_shared_open(b->ca_file, &b->shared, &e));
}

static void cover(struct bench *b, bool tls)
{
    forget_paces(b);
    b->call.tls = tls ? SMTP_TLS_VERIFIED : SMTP_TLS_OFF;
    b->call.user = tls ? "shop" : "";
    b->call.password = tls ? "open sesame" : "";
}

static size_t count(struct str in, struct str what)
{
    size_t n = 0;

    for (size_t at = str_find(in, what, 0); at < in.n; at = str_find(in, what, at + 1))
        n++;
    return n;
}

static void expect_all_delivered(const struct bench *b, size_t n)
{
    assert_int_equal(b->results_n, n);
    for (size_t i = 0; i < n; i++)
        assert_true(b->results[i].delivered);
}

/* A play with one server in clear and with another under TLS; the script's context is a bool that says which. */
typedef void play(struct bench *b, struct peer *p);

static void in_clear_and_under_tls(struct bench *b, peer_script *script, play *play_it)
{
    SSL_CTX *ctx = certs_server(b->certs, "mx.test", 1);

    for (int i = 0; i <= 1; i++) {
        bool tls = i;
        struct peer *p = peer_open(script, &tls, ctx);

        cover(b, tls);
        play_it(b, p);
        peer_close(&p);
    }
    SSL_CTX_free(ctx);
}

#define POLITE "250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n"

/* ---- what the server hears --------------------------------------------------------------------------------- */

static void serve_politely(struct line *c, void *tls)
{
    static const struct envelope polite = {.replies = POLITE, .then = BODY_FOLLOWS};

    serve(c, &(struct server){.tls = *(const bool *)tls, .envelope = &polite});
}

static void hear_each_command_once(struct bench *b, struct peer *p)
{
    char one[256];

    b->mail.eight_bit = true;
    bench_send(b, peer_port(p), "mx.test", MANY);
    peer_stop(p);
    expect_all_delivered(b, MANY);
    assert_int_equal(b->bodies, MANY);
    assert_int_equal(peer_connections(p), 1);
    struct str heard = peer_heard(p);
    snprintf(one, sizeof one,
        "MAIL FROM:<b+token@bounce.shop.example> SIZE=%zu BODY=8BITMIME\r\n"
        "RCPT TO:<ada@example.com>\r\nDATA\r\nFrom: <orders@shop.example>",
        b->mail.bytes.n);
    assert_int_equal(count(heard, str_of(one)), MANY);
    assert_int_equal(count(heard, STR("RCPT TO:")), MANY);
    assert_int_equal(count(heard, STR("DATA\r\n")), MANY);
    assert_int_equal(count(heard, STR("\r\n.\r\n")), MANY);
}

static void the_server_hears_each_command_once(void **state)
{
    in_clear_and_under_tls(*state, serve_politely, hear_each_command_once);
}

static const struct envelope many_lines = {
    .replies = "250-2.1.0 o\r\n250 2.1.0 k\r\n250\r\n354 go\r\n", .then = BODY_FOLLOWS};

static void cut_replies(struct line *c, void *tls)
{
    serve(
        c, &(struct server){.tls = *(const bool *)tls, .envelope = &many_lines, .each_cut = true});
}

static void hear_cut_replies(struct bench *b, struct peer *p)
{
    size_t mails = strlen(many_lines.replies) + 1;

    bench_send(b, peer_port(p), "mx.test", mails);
    peer_stop(p);
    expect_all_delivered(b, mails);
    assert_int_equal(peer_connections(p), 1);
}

static void replies_may_be_cut_at_every_byte(void **state)
{
    in_clear_and_under_tls(*state, cut_replies, hear_cut_replies);
}

/* ---- what the replies mean --------------------------------------------------------------------------------- */

#define W100                                                                                       \
    "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww" \
    "wwwwwwww"
#define W1000 W100 W100 W100 W100 W100 W100 W100 W100 W100 W100

static const struct envelope envelopes[] = {
    {"all_is_well", POLITE, BODY_FOLLOWS, AT_BODY, 250, .delivered = true, .mails = 2},
    {"mail_refused_for_now", "451 4.7.1 slowly\r\n503 5.5.1 no\r\n503 5.5.1 no\r\n", BODY_FOLLOWS,
        AT_MAIL, 451, .mails = 1},
    {"mail_refused", "550 5.7.1 no\r\n503 5.5.1 no\r\n503 5.5.1 no\r\n", BODY_FOLLOWS, AT_MAIL, 550,
        .mails = 1},
    {"mail_refused_and_the_rest_taken", "550 5.7.1 no\r\n250 ok\r\n354 go on\r\n", BODY_FOLLOWS,
        AT_MAIL, 550, .mails = 1},
    {"mail_refused_in_many_lines", "550-5.7.1 no\r\n550 5.7.1 never\r\n250 ok\r\n354 go on\r\n",
        BODY_FOLLOWS, AT_MAIL, 550, .mails = 1},
    {"mail_refused_and_nothing_else", "550 5.7.1 no\r\n", STALL, AT_MAIL, 550, .mails = 1},
    {"mail_answered_with_354", "354 go\r\n354 go\r\n354 go\r\n", BODY_FOLLOWS, AT_MAIL, 354,
        .mails = 1},
    {"421_to_mail", "421 4.7.0 enough\r\n", CLOSE, AT_MAIL, 421, .mails = 1},
    {"421_to_rcpt", "250 ok\r\n421 4.7.0 enough\r\n", CLOSE, AT_RCPT, 421, .mails = 1},
    {"421_to_data", "250 ok\r\n250 ok\r\n421 4.7.0 enough\r\n", CLOSE, AT_DATA, 421, .mails = 1},
    {"rcpt_refused_and_data_taken", "250 ok\r\n550 5.1.1 who\r\n354 go on\r\n", BODY_FOLLOWS,
        AT_RCPT, 550, .mails = 2},
    {"rcpt_refused_for_now_and_data_taken", "250 ok\r\n450 4.2.1 later\r\n354 go on\r\n",
        BODY_FOLLOWS, AT_RCPT, 450, .mails = 2},
    {"rcpt_and_data_refused", "250 ok\r\n550 5.1.1 who\r\n554 5.5.1 nobody\r\n", CLOSE, AT_RCPT,
        550, .mails = 1},
    {"data_refused", "250 ok\r\n250 ok\r\n452 4.3.1 no room\r\n", CLOSE, AT_DATA, 452, .mails = 1},
    {"rcpt_out_of_order", "250 ok\r\n503 5.5.1 MAIL first\r\n503 5.5.1 MAIL first\r\n", CLOSE,
        AT_RCPT, 0, .out_of_step = true, .mails = 1},
    {"data_out_of_order", "250 ok\r\n250 ok\r\n503 5.5.1 RCPT first\r\n", CLOSE, AT_DATA, 0,
        .out_of_step = true, .mails = 1},
    {"nobody_to_send_to_is_the_recipients_reply",
        "250 ok\r\n550 5.1.1 who\r\n503 5.5.1 RCPT first\r\n", CLOSE, AT_RCPT, 550, .mails = 1},
    {"one_reply_too_many", "250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n", BODY_FOLLOWS, AT_DATA, 0,
        .out_of_step = true, .mails = 1},
    {"a_line_too_long_at_mail", "250 " W1000 W1000 "\r\n250 ok\r\n354 go\r\n", BODY_FOLLOWS,
        AT_RCPT, 0, .mails = 1},
    {"a_line_too_long_at_rcpt", "250 ok\r\n250 " W1000 W1000 "\r\n354 go\r\n", BODY_FOLLOWS,
        AT_DATA, 0, .mails = 1},
    {"a_refusal_too_long_at_mail", "550 " W1000 W1000 "\r\n250 ok\r\n354 go\r\n", BODY_FOLLOWS,
        AT_MAIL, 550, .mails = 1},
    {"closed_before_any_reply", "", CLOSE, AT_MAIL, 0, .in_hand = true},
    {"reset_before_any_reply", "", RESET, AT_MAIL, 0, .in_hand = true},
    {"silence_before_any_reply", "", STALL, AT_MAIL, 0, .in_hand = true},
    {"no_reply_but_words", "welcome\r\n250 ok\r\n354 go\r\n", BODY_FOLLOWS, AT_MAIL, 0,
        .in_hand = true},
    {"closed_after_mail", "250 ok\r\n", CLOSE, AT_RCPT, 0, .mails = 1},
    {"reset_after_mail", "250 ok\r\n", RESET, AT_RCPT, 0, .mails = 1},
    {"silence_after_mail", "250 ok\r\n", STALL, AT_RCPT, 0, .mails = 1},
    {"closed_after_rcpt", "250 ok\r\n250 ok\r\n", CLOSE, AT_DATA, 0, .mails = 1},
    {"reset_after_rcpt", "250 ok\r\n250 ok\r\n", RESET, AT_DATA, 0, .mails = 1},
    {"silence_after_rcpt", "250 ok\r\n250 ok\r\n", STALL, AT_DATA, 0, .mails = 1},
    {"silence_in_a_reply_whose_code_is_there", "250 ok\r\n250-o", STALL, AT_DATA, 0, .mails = 1},
    {"closed_after_data", POLITE, CLOSE, AT_BODY, 0, .unsure = true, .mails = 1},
    {"silence_after_data", POLITE, STALL, AT_BODY, 0, .unsure = true, .mails = 1},
};

static bool is_as_it_should_be(const struct bench *b, const struct envelope *e, struct str heard)
{
    const struct smtp_result *r = b->results_n > 0 ? &b->results[0] : &b->report.failure;
    bool body_went = e->delivered || e->unsure;
    bool no_body = body_went || count(heard, STR("From:")) == 0;
    /* behind a MAIL that is not taken the server hears what left with it, and no more */
    bool nothing_behind = e->phase != AT_MAIL || str_ends(heard, STR("\r\nDATA\r\n"));

    return (e->in_hand || b->report.decided == e->mails) &&
           (b->report.in_hand && b->report.decided == 0) == e->in_hand &&
           r->delivered == e->delivered && r->unsure == e->unsure && r->phase == e->phase &&
           r->code == e->code && r->out_of_step == e->out_of_step &&
           (r->code == 0) == (*r->trouble != 0) && (b->bodies > 0) == body_went && no_body &&
           nothing_behind;
}

static size_t meet(const struct envelope *e, bool tls)
{
    struct bench *b;
    void *state;

    bench_open(&state);
    b = state;
    SSL_CTX *ctx = certs_server(b->certs, "mx.test", 1);
    struct server s = {.tls = tls, .envelope = e};
    struct peer *p = peer_open(serve, &s, ctx);
    cover(b, tls);
    if (e->then == STALL)
        b->call.to.transfer_timeout_ms = SHORT_MS;
    bench_send(b, peer_port(p), "mx.test", 2);
    peer_stop(p);
    bool good = is_as_it_should_be(b, e, peer_heard(p));
    const struct smtp_result *r = b->results_n > 0 ? &b->results[0] : &b->report.failure;
    if (!good)
        print_error(
            "%s%s: in hand %d, decided %zu, bodies %zu, delivered %d, unsure %d, step %d, at "
            "%d, code %d, \"%s\", \"%s\"\n",
            e->name, tls ? " under TLS" : "", b->report.in_hand, b->report.decided, b->bodies,
            r->delivered, r->unsure, r->out_of_step, (int)r->phase, r->code, r->trouble, r->text);
    peer_close(&p);
    SSL_CTX_free(ctx);
    bench_close(&state);
    return good ? 0 : 1;
}

static void every_envelope_has_its_meaning(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(envelopes); i++)
        wrong += meet(&envelopes[i], false) + meet(&envelopes[i], true);
    assert_int_equal(wrong, 0);
}

/* ---- servers that do not mean it ---------------------------------------------------------------------------- */

/* Each command that comes behind another one in a segment is lost. */
static void lose_what_comes_together(struct line *c, void *context)
{
    char line[512];

    if (!open_line(c, *(const bool *)context))
        return;
    while (hear_line(c, line, sizeof line)) {
        line_forget(c);
        if (str_starts(str_of(line), STR("QUIT")))
            return;
        bool data = str_starts(str_of(line), STR("DATA"));
        say(c, data ? "354 go\r\n" : "250 ok\r\n");
        if (data && !hear_body(c))
            return;
        if (data)
            say(c, "250 taken\r\n");
    }
}

static void learn_to_say_them_alone(struct bench *b, struct peer *p)
{
    static const enum smtp_phase lost_at[] = {AT_RCPT, AT_DATA};

    b->call.to.transfer_timeout_ms = SHORT_MS;
    for (size_t n = 0; n < COUNT_OF(lost_at); n++) {
        bench_send(b, peer_port(p), "mx.test", 1);
        assert_int_equal(b->results[0].phase, lost_at[n]);
        assert_int_equal(b->results[0].code, 0);
    }
    b->call.to.transfer_timeout_ms = 5000;
    bench_send(b, peer_port(p), "mx.test", MANY);
    expect_all_delivered(b, MANY);
}

static void a_server_that_loses_commands_hears_them_alone_in_the_end(void **state)
{
    in_clear_and_under_tls(*state, lose_what_comes_together, learn_to_say_them_alone);
}

static void send_many(struct bench *b, struct peer *p)
{
    bench_send(b, peer_port(p), "mx.test", MANY);
    expect_all_delivered(b, MANY);
}

static void without_the_setting_each_command_waits(void **state)
{
    struct bench *b = *state;

    b->call.pipelining = false;
    in_clear_and_under_tls(b, lose_what_comes_together, send_many);
}

/* Refuses the first connection's first MAIL; a later connection must say MAIL alone. */
static void throttle_at_mail(struct line *c, void *context)
{
    bool tls = *(const bool *)context;
    char line[512];

    if (!open_line(c, tls))
        return;
    if (line_number(c) == 0) {
        if (hear_envelope(c))
            say(c, "450 4.7.1 slowly\r\n250 ok\r\n354 go on\r\n");
        hear_body(c);
        return;
    }
    while (hear_line(c, line, sizeof line) && str_starts(str_of(line), STR("MAIL"))) {
        line_forget(c); /* RCPT would be lost with it */
        say(c, "250 ok\r\n");
        if (!hear(c, "RCPT TO:") || !hear(c, "DATA"))
            return;
        say(c, "250 ok\r\n354 go on\r\n");
        if (!hear_body(c))
            return;
        say(c, "250 taken\r\n");
    }
}

static void be_throttled_once(struct bench *b, struct peer *p)
{
    bench_send(b, peer_port(p), "mx.test", 3);
    assert_int_equal(b->results_n, 1);
    assert_int_equal(b->results[0].code, 450);
    assert_int_equal(b->fed, 1);
    assert_false(b->report.in_hand);
    bench_send(b, peer_port(p), "mx.test", 3);
    expect_all_delivered(b, 3);
    peer_stop(p);
    assert_int_equal(peer_connections(p), 2);
}

static void a_server_that_refuses_mail_hears_it_alone_from_then_on(void **state)
{
    in_clear_and_under_tls(*state, throttle_at_mail, be_throttled_once);
}

/* Takes two mails, then closes without a word, as if it had had enough. */
static void take_two(struct line *c, void *context)
{
    static const struct envelope polite = {.replies = POLITE, .then = BODY_FOLLOWS};
    struct server s = {.tls = *(const bool *)context, .envelope = &polite};

    if (open_line(c, s.tls) && hear_envelope(c) && answer(c, &s, 0) && hear_envelope(c))
        answer(c, &s, 1);
}

static void send_by_twos(struct bench *b, struct peer *p)
{
    for (int n = 0; n < 3; n++) {
        bench_send(b, peer_port(p), "mx.test", 5);
        expect_all_delivered(b, 2);
        assert_true(b->report.in_hand);
    }
}

static void a_server_that_ends_between_mails_keeps_its_pace(void **state)
{
    in_clear_and_under_tls(*state, take_two, send_by_twos);
}

/* Behind so many blanks we do not see the word, but the library does and wants to say BDAT instead of DATA. */
static void hide_chunking(struct line *c, void *context)
{
    (void)context;
    say(c, "220 mx.test\r\n");
    if (!hear(c, "EHLO "))
        return;
    say(c, "250-mx.test\r\n250-PIPELINING\r\n250 ");
    say_behind_blanks(c, "CHUNKING");
    if (hear_envelope(c))
        say(c, POLITE);
    hear_body(c);
}

static void what_the_library_says_otherwise_is_not_heard(void **state)
{
    struct bench *b = *state;
    struct peer *p = peer_open(hide_chunking, NULL, NULL);

    bench_send(b, peer_port(p), "mx.test", 1);
    peer_stop(p);
    assert_int_equal(b->results_n, 1);
    assert_false(b->results[0].delivered || b->results[0].unsure);
    assert_int_equal(b->bodies, 0);
    assert_true(str_ends(peer_heard(p), STR("\r\nDATA\r\n")));
    peer_close(&p);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_open, bench_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(the_server_hears_each_command_once),
        ON_BENCH(replies_may_be_cut_at_every_byte),
        cmocka_unit_test(every_envelope_has_its_meaning),
        ON_BENCH(a_server_that_loses_commands_hears_them_alone_in_the_end),
        ON_BENCH(without_the_setting_each_command_waits),
        ON_BENCH(a_server_that_refuses_mail_hears_it_alone_from_then_on),
        ON_BENCH(a_server_that_ends_between_mails_keeps_its_pace),
        ON_BENCH(what_the_library_says_otherwise_is_not_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
