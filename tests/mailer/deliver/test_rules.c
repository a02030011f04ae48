/* Tests the pure parts of delivery: verdict.h, backoff.h, talk.h. Tables. */
#include "mailer/deliver/backoff.h"
#include "mailer/deliver/talk.h"
#include "mailer/deliver/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- verdict --------------------------------------------------------------------------------------- */

struct verdict_case {
    const char *name;
    struct smtp_result result;
    enum outcome outcome;
    bool suppresses;
};

#define SAID(at, number, words)                                                                    \
    {                                                                                              \
        .phase = (at), .code = (number), .trouble = "", .text = words                              \
    }
#define SILENT(at)                                                                                 \
    {                                                                                              \
        .phase = (at), .trouble = "the server closed the connection"                               \
    }

static const struct verdict_case verdicts[] = {
    {"2xx_after_the_body_is_delivered",
        {.delivered = true, .phase = AT_BODY, .code = 250, .trouble = "", .text = "2.0.0 ok"},
        DELIVERED, false},
    {"silence_after_the_body_is_unsure", {.unsure = true, .phase = AT_BODY, .trouble = "closed"},
        UNSURE, false},
    {"silence_at_connect_is_tried_again", SILENT(AT_CONNECT), RETRY, false},
    {"silence_at_starttls_is_tried_again", SILENT(AT_STARTTLS), RETRY, false},
    {"silence_at_auth_is_tried_again", SILENT(AT_AUTH), RETRY, false},
    {"silence_at_mail_is_tried_again", SILENT(AT_MAIL), RETRY, false},
    {"silence_at_rcpt_is_tried_again", SILENT(AT_RCPT), RETRY, false},
    {"a_5xx_greeting_tells_nothing_about_the_message", SAID(AT_CONNECT, 554, "5.7.1 blocked"),
        RETRY, false},
    {"a_5xx_to_ehlo_tells_nothing_about_the_message", SAID(AT_EHLO, 550, "go away"), RETRY, false},
    {"refused_credentials_are_ours_to_repair", SAID(AT_AUTH, 535, "5.7.8 wrong password"), RETRY,
        false},
    {"unknown_user_bounces_and_suppresses", SAID(AT_RCPT, 550, "5.1.1 User unknown"), BOUNCED,
        true},
    {"unknown_user_after_the_body_does_not_suppress", SAID(AT_BODY, 550, "5.1.1 User unknown"),
        BOUNCED, false},
    {"a_full_mailbox_is_tried_again", SAID(AT_RCPT, 452, "4.2.2 Mailbox full"), RETRY, false},
    {"greylisting_is_tried_again", SAID(AT_RCPT, 450, "4.2.0 Greylisted"), RETRY, false},
    {"a_block_of_our_address_suppresses_nobody",
        SAID(AT_RCPT, 550, "5.7.1 Your IP is listed by a blocklist"), BOUNCED, false},
    {"a_policy_at_mail_bounces", SAID(AT_MAIL, 550, "5.7.1 sender rejected"), BOUNCED, false},
    {"spam_after_the_body_bounces", SAID(AT_BODY, 554, "5.7.1 message looks like spam"), BOUNCED,
        false},
    {"a_chunk_out_of_order_is_tried_again", SAID(AT_BODY, 503, "5.5.1 need RSET first"), RETRY,
        false},
    {"a_chunk_that_postfix_discards_is_tried_again",
        SAID(AT_BODY, 551, "5.0.0 Discarded 20000 bytes after earlier error"), RETRY, false},
    {"a_command_out_of_order_bounces", SAID(AT_MAIL, 503, "5.5.1 bad sequence"), BOUNCED, false},
    {"a_bare_4xx_is_tried_again", SAID(AT_DATA, 451, "local error"), RETRY, false},
    {"421_after_the_body_is_tried_again", SAID(AT_BODY, 421, "4.3.2 shutting down"), RETRY, false},
};

static void a_verdict_follows_phase_and_reply(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(verdicts); i++) {
        const struct verdict_case *x = &verdicts[i];
        struct verdict v = verdict_of(&x->result);
        if (v.outcome == x->outcome && v.suppresses == x->suppresses && v.reason.name &&
            v.reason.rule)
            continue;
        print_error("%s: outcome %d, suppresses %d, reason %s (%s)\n", x->name, (int)v.outcome,
            v.suppresses, v.reason.name, v.reason.rule);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void only_final_words_of_the_dns_bounce(void **state)
{
    static const struct {
        enum route_status status;
        enum outcome outcome;
    } cases[] = {
        {ROUTE_NULL_MX, BOUNCED},
        {ROUTE_NO_DOMAIN, BOUNCED},
        {ROUTE_NO_HOST, BOUNCED},
        {ROUTE_NOT_PUBLIC, BOUNCED},
        {ROUTE_NO_ADDRESS, RETRY},
        {ROUTE_TEMPERROR, RETRY},
        {ROUTE_NO_SMART_HOST, RETRY},
        {ROUTE_NO_PASSWORD, RETRY},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct verdict v = verdict_of_route(cases[i].status);
        assert_int_equal(v.outcome, cases[i].outcome);
        assert_false(v.suppresses);
        assert_true(*v.reason.name != 0);
    }
}

/* ---- backoff --------------------------------------------------------------------------------------- */

#define MINUTE INT64_C(60000)

static void the_span_doubles_up_to_its_bound(void **state)
{
    static const struct {
        int attempts;
        int64_t about_ms;
    } cases[] = {{1, 5 * MINUTE}, {2, 10 * MINUTE}, {3, 20 * MINUTE}, {6, 160 * MINUTE},
        {7, 240 * MINUTE}, {50, 240 * MINUTE}, {2000000000, 240 * MINUTE}};
    const struct backoff b = {5 * MINUTE, 240 * MINUTE};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t due = 0;
        assert_true(backoff_next(&b, "msg_1", cases[i].attempts, 1000, INT64_MAX, &due));
        assert_in_range(due - 1000, cases[i].about_ms * 8 / 10, cases[i].about_ms * 12 / 10);
    }
}

static void ids_spread_and_one_id_does_not(void **state)
{
    const struct backoff b = {100000, 100000};
    int64_t least = INT64_MAX, most = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        char id[16];
        int64_t due, again;
        snprintf(id, sizeof id, "msg_%03d", i);
        assert_true(backoff_next(&b, id, 1, 0, INT64_MAX, &due));
        assert_true(backoff_next(&b, id, 1, 0, INT64_MAX, &again));
        assert_int_equal(due, again);
        least = due < least ? due : least;
        most = due > most ? due : most;
    }
    assert_in_range(least, 80000, 82000);
    assert_in_range(most, 118000, 120000);
}

struct expiry_case {
    const char *name;
    int64_t expires_ms;
    bool again;
    int64_t due_ms;
};

/* An id whose first span is longer than first_ms. */
static const char *late_id(const struct backoff *b, int64_t *due_ms)
{
    static char id[16];

    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof id, "msg_%03d", i);
        if (backoff_next(b, id, 1, 0, INT64_MAX, due_ms) && *due_ms > 115000)
            return id;
    }
    fail_msg("no id has a long span");
    return NULL;
}

static void the_last_try_lies_before_the_expiry(void **state)
{
    const struct backoff b = {100000, 100000};
    int64_t span = 0;
    const char *id = late_id(&b, &span);
    const struct expiry_case cases[] = {
        {"far_expiry_changes_nothing", 10000000, true, span},
        {"expiry_right_after_the_span_changes_nothing", span + 1, true, span},
        {"near_expiry_draws_the_try_forward", 110000, true, 60000},
        {"a_last_try_just_fits", 100000, true, 50000},
        {"too_near_and_there_is_none", 99999, false, 0},
        {"past_expiry_has_none", -5, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t due = -1;
        bool again = backoff_next(&b, id, 1, 0, cases[i].expires_ms, &due);
        if (again != cases[i].again || (again && due != cases[i].due_ms))
            fail_msg("%s: again %d, due %lld", cases[i].name, again, (long long)due);
    }
}

/* ---- talk ------------------------------------------------------------------------------------------ */

struct talk_case {
    const char *name;
    bool must_authenticate;
    const char
        *traffic; /* lines, each begun by "S:" or "C:" and ended by LF, which stands for CRLF */
    bool goes_on;
    enum smtp_phase phase;
    int code;
    const char *text;
};

static const struct talk_case talks[] = {
    {"a_greeting_is_kept", false, "S:421 4.3.2 later\n", true, AT_CONNECT, 421, "4.3.2 later"},
    {"lines_of_one_reply_are_joined", false, "S:220 hi\nC:EHLO me\nS:550-one\nS:550 two\n", true,
        AT_EHLO, 550, "one two"},
    {"a_new_command_forgets_the_reply", false, "S:220 hi\nC:EHLO me\n", true, AT_EHLO, 0, ""},
    {"mail_ends_the_listening", false,
        "S:220 hi\nC:EHLO me\nS:250 me\nC:MAIL FROM:<a@b>\nS:550 no\n", true, AT_MAIL, 0, ""},
    {"quit_keeps_what_was_said", false, "S:554 no\nC:QUIT\nS:221 bye\n", true, AT_CONNECT, 554,
        "no"},
    {"mail_without_auth_is_stopped", true, "S:220 hi\nC:EHLO me\nS:250 me\nC:MAIL FROM:<a@b>\n",
        false, AT_AUTH, 0, ""},
    {"mail_after_refused_auth_is_stopped", true,
        "S:220 hi\nC:EHLO me\nS:250 me\nC:AUTH PLAIN x\nS:535 5.7.8 no\nC:MAIL FROM:<a@b>\n", false,
        AT_AUTH, 535, "5.7.8 no"},
    {"mail_after_auth_goes", true,
        "S:220 hi\nC:EHLO me\nS:250 me\nC:AUTH LOGIN\nS:334 VXNlcm5hbWU6\nC:c2hvcA==\nS:235 "
        "ok\nC:MAIL FROM:<a@b>\n",
        true, AT_MAIL, 0, ""},
    {"bytes_with_the_starttls_reply_are_stopped", false,
        "S:220 hi\nC:STARTTLS\nS:220 go\\250 injected\n", false, AT_STARTTLS, 220, "go"},
    {"noise_is_no_reply", false, "S:?!\n", true, AT_CONNECT, 0, ""},
};

/* "\\" stands for a line's end inside one piece of traffic. */
static void expand(struct str line, struct buf *out)
{
    buf_clear(out);
    for (size_t i = 0; i < line.n; i++)
        buf_add(out, line.p[i] == '\\' ? STR("\r\n") : str_slice(line, i, i + 1));
    buf_add_text(out, "\r\n");
}

static bool play(struct talk *t, const char *traffic)
{
    AUTO(buf_close) struct buf piece = {0};
    struct str rest = str_of(traffic), line;
    bool goes_on = true;

    while (str_next(&rest, '\n', &line)) {
        expand(str_slice(line, 2, line.n), &piece);
        goes_on = line.p[0] == 'S' ? talk_hears(t, buf_str(&piece)) : talk_says(t, buf_str(&piece));
    }
    return goes_on;
}

static void a_talk_knows_where_it_stands(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(talks); i++) {
        struct talk t;
        talk_begin(&t, talks[i].must_authenticate);
        bool goes_on = play(&t, talks[i].traffic);
        if (goes_on != talks[i].goes_on || t.phase != talks[i].phase || t.code != talks[i].code ||
            !str_is(talk_text(&t), talks[i].text) || goes_on != (*t.trouble == 0))
            fail_msg("%s: goes on %d, phase %d, code %d, text \"" STR_FMT "\", trouble \"%s\"",
                talks[i].name, goes_on, (int)t.phase, t.code, STR_ARG(talk_text(&t)), t.trouble);
    }
}

static void pieces_of_any_size_make_the_same_talk(void **state)
{
    const struct str said = STR("250-mx.test\r\n250-SIZE 1000\r\n250 PIPELINING\r\n");

    (void)state;
    for (size_t step = 1; step < said.n; step++) {
        struct talk t;
        talk_begin(&t, false);
        talk_says(&t, STR("EHLO me\r\n"));
        for (size_t at = 0; at < said.n; at += step)
            assert_true(talk_hears(&t, str_slice(said, at, at + step)));
        assert_int_equal(t.code, 250);
        assert_true(str_is(talk_text(&t), "mx.test SIZE 1000 PIPELINING"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verdict_follows_phase_and_reply),
        cmocka_unit_test(only_final_words_of_the_dns_bounce),
        cmocka_unit_test(the_span_doubles_up_to_its_bound),
        cmocka_unit_test(ids_spread_and_one_id_does_not),
        cmocka_unit_test(the_last_try_lies_before_the_expiry),
        cmocka_unit_test(a_talk_knows_where_it_stands),
        cmocka_unit_test(pieces_of_any_size_make_the_same_talk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
