/* Tests mailer/deliver/smtp.h against servers that break off, drip, babble, flood or lie: at each stage of a conversation,
 * what that means for the mail, and that the attempt's deadline ends what nothing else ends. */
#include "tests/mailer/deliver/faults.h"
#include "tests/mailer/deliver/meaning.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- every deed at every stage ---------------------------------------------------------------------- */

enum fate {
    NEVER,   /* the deed means nothing at this stage */
    IN_HAND, /* not touched: it may be carried elsewhere at once */
    NO,      /* decided, surely not delivered */
    UNSURE_, /* the body may have arrived */
    YES,     /* delivered */
};
static const char *const fate_names[] = {"never", "in hand", "no", "unsure", "delivered"};

/* What comes too early behind EHLO answers STARTTLS or MAIL. A mail stays in hand until its MAIL has an answer, and the first line of one that does not end is such. Behind the dot
 * nobody knows, at QUIT it does not matter. The library takes 4 KB of a reply, and of EHLO's as much as the talk allows. */
static const enum fate fates[STAGES][DEEDS] = {
    /*               stalls   drips    resets   closes   babbles  floods   dribbles parts    hurries */
    [BANNER] = {IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND, YES, IN_HAND, IN_HAND},
    [EHLO] = {IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND, YES, NEVER, NEVER},
    [STARTTLS] = {IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND, YES, IN_HAND, IN_HAND},
    [HANDSHAKE] = {IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND},
    [EHLO_AGAIN] = {IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND, YES, IN_HAND, IN_HAND},
    [AUTH] = {IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND, IN_HAND, YES, NO, NO},
    [MAIL] = {IN_HAND, NO, IN_HAND, IN_HAND, IN_HAND, NO, YES, NO, NEVER},
    [RCPT] = {NO, NO, NO, NO, NO, NO, YES, NO, NEVER},
    [DATA] = {NO, NO, NO, NO, NO, NO, YES, NO, NO},
    [BODY] = {NEVER, NEVER, UNSURE_, UNSURE_, NEVER, NEVER, NEVER, NO, NEVER},
    [DOT] = {UNSURE_, UNSURE_, UNSURE_, UNSURE_, UNSURE_, UNSURE_, YES, YES, YES},
    [QUIT] = {YES, YES, YES, YES, YES, YES, YES, YES, YES},
};

/* The deadline comes when the server has begun to keep us waiting, however long the machine took to get there. */
static void end_attempt(void *context)
{
    struct bench *b = context;

    watch_until(b->watch, 0);
}

static enum fate fate_of(const struct bench *b)
{
    if (b->report.in_hand)
        return IN_HAND;
    const struct smtp_result *r = &b->results[0];
    return r->delivered ? YES : r->unsure ? UNSURE_ : NO;
}

/* A conversation in clear does not come to the stages of TLS and of a password. */
static bool is_met(enum stage s, enum deed d, bool tls)
{
    bool of_tls = s == STARTTLS || s == HANDSHAKE || s == EHLO_AGAIN || s == AUTH;

    return fates[s][d] != NEVER && (tls || !of_tls);
}

static bool is_as_it_should_be(const struct bench *b, const struct misdeed *f)
{
    const struct smtp_result *r = b->report.in_hand ? &b->report.failure : &b->results[0];
    enum fate fate = fate_of(b), expected = fates[f->stage][f->deed];
    bool waited = f->deed == STALLS || f->deed == DRIPS;
    /* the deadline may come before our own side has noticed that it is connected */
    bool by_deadline = strcmp(r->trouble, "the attempt's time was over") == 0 ||
                       (f->stage == BANNER && strcmp(r->trouble, "Connection timed out") == 0);
    by_deadline = by_deadline || r->code == 354; /* the first line of a reply that drips is one */
    bool good = fate == expected && (fate == YES) == (r->code == 250) &&
                (fate == YES || !waited || by_deadline);

    if (!good)
        print_error("%s at %s%s%s: %s (expected %s), code %d, \"%s\", \"%s\"\n",
            deed_names[f->deed], stage_names[f->stage], f->tls ? " under TLS" : "",
            b->call.pipelining ? "" : " without pipelining", fate_names[fate], fate_names[expected],
            r->code, r->trouble, r->text);
    return good;
}

/* What was heard together with 354 answers no body: a server that might take this one must not see its end. */
static bool dot_is_held_back(const struct misdeed *f, struct str heard)
{
    bool early = f->stage == DATA && (f->deed == PARTS || f->deed == HURRIES);
    bool good = !early || str_find(heard, STR("\r\n.\r\n"), 0) == heard.n;

    if (!good)
        print_error(
            "%s at data%s: the dot went out\n", deed_names[f->deed], f->tls ? " under TLS" : "");
    return good;
}

static size_t meet_each_deed(struct bench *b, SSL_CTX *ctx, bool tls)
{
    size_t wrong = 0;

    b->call.tls = tls ? SMTP_TLS_VERIFIED : SMTP_TLS_OFF;
    b->call.user = tls ? "shop" : "";
    b->call.password = tls ? "open sesame" : "";
    for (enum stage s = 0; s < STAGES; s++)
        for (enum deed d = 0; d < DEEDS; d++) {
            struct misdeed f = {s, d, tls, tls, 1, end_attempt, b};
            if (!is_met(s, d, tls))
                continue;
            struct peer *p = peer_open(play_fault, &f, ctx);
            bench_send(b, peer_port(p), "mx.test", 1);
            peer_stop(p);
            wrong += !is_as_it_should_be(b, &f) || !dot_is_held_back(&f, peer_heard(p));
            peer_close(&p);
        }
    return wrong;
}

/* Commands one by one and together, in clear and under TLS: what a deed means is the same. */
static void each_deed_at_each_stage_has_its_meaning(void **state)
{
    struct bench *b = *state;
    SSL_CTX *ctx = certs_server(b->certs, "mx.test", 1);
    size_t wrong = 0;

    for (int mode = 0; mode < 4; mode++) {
        b->call.pipelining = mode & 1;
        wrong += meet_each_deed(b, ctx, mode & 2);
    }
    SSL_CTX_free(ctx);
    assert_int_equal(wrong, 0);
}

/* ---- time-outs of a single wait --------------------------------------------------------------------- */

static void stall_at_once(struct line *c, void *context)
{
    (void)context;
    stall(c);
}

static void close_in_greeting(struct line *c, void *context)
{
    (void)context;
    say(c, "220 mx.te");
}

static void speak_http(struct line *c, void *context)
{
    (void)context;
    say(c, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

static void one_line_of_four_megabytes(struct line *c, void *context)
{
    char block[4096];

    (void)context;
    memset(block, 'x', sizeof block);
    say(c, "220 ");
    for (int i = 0; i < 1024; i++)
        say_bytes(c, block, sizeof block);
    say(c, "\r\n");
}

/* ---- lies in EHLO ------------------------------------------------------------------------------------ */

struct lie {
    const char *keyword; /* what it announces */
    const char *command; /* and refuses, or does not do, at the first line that begins so */
    const char *instead; /* its word then, "" = none: the line is lost */
};

/* Answers line by line, as a server without pipelining would. */
static void lie_in_ehlo(struct line *c, void *context)
{
    const struct lie *lie = context;
    char line[512];

    say(c, "220 mx.test\r\n");
    if (!hear(c, "EHLO "))
        return;
    say(c, "250-mx.test\r\n250 ");
    say(c, lie->keyword);
    say(c, "\r\n");
    while (hear_line(c, line, sizeof line)) {
        struct str said = str_of(line);
        if (*lie->command && str_starts(said, str_of(lie->command)))
            say(c, lie->instead);
        else if (str_starts(said, STR("DATA"))) {
            say(c, "354 go\r\n");
            if (!hear_body(c))
                return;
            say(c, strcmp(lie->command, ".") == 0 ? lie->instead : "250 taken\r\n");
        } else if (str_starts(said, STR("QUIT"))) {
            return;
        } else {
            say(c, "250 ok\r\n");
        }
    }
}

/* Throws away what came behind a command in the same segment. */
static void forget_what_came_too_early(struct line *c, void *context)
{
    char line[512];

    say(c, "220 mx.test\r\n");
    if (!hear(c, "EHLO "))
        return;
    say(c, context);
    while (hear_line(c, line, sizeof line)) {
        line_forget(c);
        if (str_starts(str_of(line), STR("QUIT")))
            return;
        if (!str_starts(str_of(line), STR("DATA"))) {
            say(c, "250 ok\r\n");
            continue;
        }
        say(c, "354 go\r\n");
        if (!hear_body(c))
            return;
        say(c, "250 taken\r\n");
    }
}

#define LIE(...)                                                                                   \
    &(struct lie)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static const struct meaning table[] = {
    {"silence_instead_of_a_greeting_times_out", stall_at_once, NULL, false, false, false,
        AT_CONNECT, 0, 150, 0},
    {"a_close_in_the_greeting_is_no_answer", close_in_greeting, NULL, false, false, false, AT_EHLO,
        0, 0, 0},
    {"another_protocol_is_no_answer", speak_http, NULL, false, false, false, AT_CONNECT, 0, 0, 0},
    {"four_megabytes_in_one_line_are_not_waited_for", one_line_of_four_megabytes, NULL, false,
        false, false, AT_EHLO, 0, 0, 0},
    {"an_ehlo_reply_without_end_is_cut_off", endless_ehlo, NULL, false, false, false, AT_EHLO, 0, 0,
        0},
    {"starttls_that_is_not_done_leaves_the_mail_in_hand", lie_in_ehlo,
        LIE("STARTTLS", "STARTTLS", "502 5.5.1 what\r\n"), false, false, false, AT_STARTTLS, 502, 0,
        0},
    {"a_size_that_does_not_hold_is_an_answer", lie_in_ehlo,
        LIE("SIZE 100000000", "MAIL", "552 5.3.4 too big\r\n"), true, false, false, AT_MAIL, 552, 0,
        0},
    {"a_size_that_does_not_hold_after_the_dot_is_an_answer", lie_in_ehlo,
        LIE("SIZE 100000000", ".", "552 5.3.4 too big\r\n"), true, false, false, AT_BODY, 552, 0,
        0},
    {"a_size_smaller_than_the_mail_is_tried", lie_in_ehlo, LIE("SIZE 10", "", ""), true, true,
        false, AT_BODY, 250, 0, 0},
    {"chunking_is_not_taken_up", lie_in_ehlo, LIE("CHUNKING", "BDAT", "502 5.5.1 what\r\n"), true,
        true, false, AT_BODY, 250, 0, 0},
    {"smtputf8_is_not_taken_up", lie_in_ehlo,
        LIE("SMTPUTF8", "MAIL FROM:<b+token@bounce.shop.example> SMTPUTF8", "555 5.5.4 what\r\n"),
        true, true, false, AT_BODY, 250, 0, 0},
    {"8bitmime_is_not_taken_up_for_a_mail_that_does_not_need_it", lie_in_ehlo,
        LIE("8BITMIME", "MAIL FROM:<b+token@bounce.shop.example> BODY", "555 5.5.4 what\r\n"), true,
        true, false, AT_BODY, 250, 0, 0},
    {"auth_is_not_taken_up_without_a_password", lie_in_ehlo,
        LIE("AUTH PLAIN LOGIN", "AUTH", "502 5.5.1 what\r\n"), true, true, false, AT_BODY, 250, 0,
        0},
    {"pipelining_that_is_not_done_is_no_answer", forget_what_came_too_early,
        "250-mx.test\r\n250 PIPELINING\r\n", true, false, false, AT_RCPT, 0, 500, 0},
    {"without_pipelining_a_command_waits_for_its_turn", forget_what_came_too_early,
        "250 mx.test\r\n", true, true, false, AT_BODY, 250, 0, 0},
};

static void every_server_has_its_meaning(void **state)
{
    (void)state;
    assert_int_equal(meanings_wrong(table, COUNT_OF(table)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            each_deed_at_each_stage_has_its_meaning, bench_open, bench_close),
        cmocka_unit_test(every_server_has_its_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
