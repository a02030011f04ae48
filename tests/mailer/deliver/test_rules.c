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

#define REPLIED(at, number, words)                                                                 \
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
    {"a_5xx_greeting_tells_nothing_about_the_message", REPLIED(AT_CONNECT, 554, "5.7.1 blocked"),
        RETRY, false},
    {"a_5xx_to_ehlo_tells_nothing_about_the_message", REPLIED(AT_EHLO, 550, "go away"), RETRY,
        false},
    {"refused_credentials_are_ours_to_repair", REPLIED(AT_AUTH, 535, "5.7.8 wrong password"), RETRY,
        false},
    {"unknown_user_bounces_and_suppresses", REPLIED(AT_RCPT, 550, "5.1.1 User unknown"), BOUNCED,
        true},
    {"unknown_user_after_the_body_does_not_suppress", REPLIED(AT_BODY, 550, "5.1.1 User unknown"),
        BOUNCED, false},
    {"a_full_mailbox_is_tried_again", REPLIED(AT_RCPT, 452, "4.2.2 Mailbox full"), RETRY, false},
    {"greylisting_is_tried_again", REPLIED(AT_RCPT, 450, "4.2.0 Greylisted"), RETRY, false},
    {"a_block_of_our_address_suppresses_nobody",
        REPLIED(AT_RCPT, 550, "5.7.1 Your IP is listed by a blocklist"), BOUNCED, false},
    {"a_policy_at_mail_bounces", REPLIED(AT_MAIL, 550, "5.7.1 sender rejected"), BOUNCED, false},
    {"spam_after_the_body_bounces", REPLIED(AT_BODY, 554, "5.7.1 message looks like spam"), BOUNCED,
        false},
    {"a_command_out_of_order_bounces", REPLIED(AT_MAIL, 503, "5.5.1 bad sequence"), BOUNCED, false},
    {"a_success_at_data_is_tried_again", REPLIED(AT_DATA, 250, "ok"), RETRY, false},
    {"a_354_at_mail_is_tried_again", REPLIED(AT_MAIL, 354, "go"), RETRY, false},
    {"a_code_beyond_all_is_tried_again", REPLIED(AT_RCPT, 2500, "ok"), RETRY, false},
    {"replies_ahead_of_commands_are_tried_again",
        {.out_of_step = true, .phase = AT_DATA, .trouble = "too early"}, RETRY, false},
    {"a_bare_4xx_is_tried_again", REPLIED(AT_DATA, 451, "local error"), RETRY, false},
    {"421_after_the_body_is_tried_again", REPLIED(AT_BODY, 421, "4.3.2 shutting down"), RETRY,
        false},
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

static void nonsense_of_a_server_has_a_reason_of_its_own(void **state)
{
    static const struct {
        struct smtp_result result;
        const char *reason;
    } cases[] = {
        {REPLIED(AT_DATA, 250, "ok"), "protocol-error"},
        {REPLIED(AT_MAIL, 354, "go"), "protocol-error"},
        {REPLIED(AT_RCPT, 354, ""), "protocol-error"},
        {REPLIED(AT_RCPT, 399, ""), "protocol-error"},
        {REPLIED(AT_RCPT, 600, ""), "protocol-error"},
        {{.out_of_step = true, .phase = AT_DATA, .trouble = "too early"}, "protocol-error"},
        {SILENT(AT_DATA), "no-answer"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct verdict v = verdict_of(&cases[i].result);
        assert_string_equal(v.reason.name, cases[i].reason);
        assert_int_equal(v.outcome, RETRY);
    }
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
    {"a_reply_without_a_command_is_stopped", false, "S:220 hi\nS:250 me\n", false, AT_CONNECT, 250,
        "me"},
    {"a_reply_too_many_after_mail_is_stopped", false,
        "S:220 hi\nC:EHLO me\nS:250 me\nC:MAIL FROM:<a@b>\nS:250 ok\\250 ok\n", false, AT_MAIL, 0,
        ""},
    {"a_reply_too_many_in_a_later_piece_is_stopped", false,
        "S:220 hi\nC:EHLO me\nS:250 me\nC:MAIL FROM:<a@b>\nS:250 ok\nS:250 ok\n", false, AT_MAIL, 0,
        ""},
    {"several_commands_may_wait_for_their_replies", false,
        "S:220 hi\nC:EHLO me\nS:250 me\nC:MAIL FROM:<a@b>\nS:250 ok\nC:RCPT "
        "TO:<c@d>\\DATA\nS:250-ok\\250 ok\\354 go\n",
        true, AT_MAIL, 0, ""},
    {"a_421_may_come_unasked", false, "S:220 hi\nS:421 4.3.2 closing\n", true, AT_CONNECT, 421,
        "4.3.2 closing"},
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

/* What the library would read comes out in `mended`, where somebody wants it. */
static bool hear_and_mend(struct talk *t, struct str said, struct buf *mended)
{
    size_t at = mended->n;

    buf_add(mended, said);
    return talk_hears(t, mended->p + at, said.n);
}

static bool hear(struct talk *t, struct str said)
{
    AUTO(buf_close) struct buf mended = {0};

    return hear_and_mend(t, said, &mended);
}

static bool play(struct talk *t, const char *traffic)
{
    AUTO(buf_close) struct buf piece = {0};
    struct str rest = str_of(traffic), line;
    bool goes_on = true;

    while (str_next(&rest, '\n', &line)) {
        expand(str_slice(line, 2, line.n), &piece);
        goes_on = line.p[0] == 'S' ? hear(t, buf_str(&piece)) : talk_says(t, buf_str(&piece));
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
            assert_true(hear(&t, str_slice(said, at, at + step)));
        assert_int_equal(t.code, 250);
        assert_true(str_is(talk_text(&t), "mx.test SIZE 1000 PIPELINING"));
    }
}

struct mend_case {
    const char *name, *said, *read;
};

static void what_the_library_cannot_read_is_mended(void **state)
{
    static const struct mend_case cases[] = {
        {"a_code_alone", "250\r\n", "250 \n"},
        {"a_code_alone_behind_others", "250-a\r\n250\r\n", "250-a\r\n250 \n"},
        {"a_code_and_a_blank", "250 \r\n", "250 \r\n"},
        {"a_code_and_words", "250 ok\r\n", "250 ok\r\n"},
        {"too_few_digits", "25\r\n", "25\r\n"},
        {"no_digits", "abc\r\n", "abc\r\n"},
        {"chunking", "250-me\r\n250-CHUNKING\r\n250 SIZE 1\r\n",
            "250-me\r\n250-CHUNKIN-\r\n250 SIZE 1\r\n"},
        {"chunking_in_other_letters", "250-me\r\n250   chunKing \r\n",
            "250-me\r\n250   chunKin- \r\n"},
        {"part_of_another_word", "250-me\r\n250 XCHUNKING\r\n", "250-me\r\n250 XCHUNKING\r\n"},
    };
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str said = str_of(cases[i].said);
        for (size_t step = 1; step <= said.n; step++) {
            AUTO(buf_close) struct buf mended = {0};
            struct talk t;

            talk_begin(&t, false);
            talk_says(&t, STR("EHLO me\r\n"));
            for (size_t at = 0; at < said.n; at += step)
                hear_and_mend(&t, str_slice(said, at, at + step), &mended);
            if (!str_is(buf_str(&mended), cases[i].read)) {
                print_error(
                    "%s by %zu: \"" STR_FMT "\"\n", cases[i].name, step, STR_ARG(buf_str(&mended)));
                wrong++;
            }
        }
    }
    assert_int_equal(wrong, 0);
}

static void pipelining_is_offered_by_a_keyword_of_the_last_ehlo(void **state)
{
    static const struct {
        const char *name, *said;
        bool one_by_one, offered;
        const char *read;
    } cases[] = {
        {"offered", "250-me\r\n250-PIPELINING\r\n250 SIZE\r\n", false, true, NULL},
        {"last", "250-me\r\n250 PIPELINING\r\n", false, true, NULL},
        {"in_other_letters", "250-me\r\n250 pipeLining \r\n", false, true, NULL},
        {"a_host_of_that_name", "250-PIPELINING\r\n250 SIZE\r\n", false, false, NULL},
        {"a_host_of_that_name_alone", "250 PIPELINING\r\n", false, false, NULL},
        {"part_of_another_word", "250-me\r\n250-XPIPELINING\r\n250 PIPELININGX\r\n", false, false,
            NULL},
        {"a_parameter", "250-me\r\n250 X PIPELINING\r\n", false, false, NULL},
        {"unwanted", "250-me\r\n250-PIPELINING\r\n250 SIZE\r\n", true, false,
            "250-me\r\n250-PIPELININ-\r\n250 SIZE\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str said = str_of(cases[i].said);
        for (size_t step = 1; step <= said.n; step++) {
            AUTO(buf_close) struct buf read = {0};
            struct talk t;

            talk_begin(&t, false);
            t.one_by_one = cases[i].one_by_one;
            hear(&t, STR("220 hi\r\n"));
            talk_says(&t, STR("EHLO me\r\n"));
            for (size_t at = 0; at < said.n; at += step)
                hear_and_mend(&t, str_slice(said, at, at + step), &read);
            if (t.pipelining != cases[i].offered ||
                !str_is(buf_str(&read), cases[i].read ? cases[i].read : cases[i].said))
                fail_msg("%s by %zu: %d", cases[i].name, step, t.pipelining);
            talk_says(&t, STR("EHLO me\r\n"));
            assert_false(t.pipelining);
        }
    }
}

struct body_case {
    const char *name, *before, *after; /* what is heard before and after the body's end */
    bool came_early, answered, in_step;
};

static void an_answer_begins_after_the_body(void **state)
{
    static const struct body_case cases[] = {
        {"after_the_dot", "250 ok\r\n354 go\r\n", "250 taken\r\n", false, true, true},
        {"without_its_end", "250 ok\r\n354 go\r\n", "250 tak", false, true, true},
        {"never", "250 ok\r\n354 go\r\n", "", false, false, true},
        {"before_the_dot", "250 ok\r\n354 go\r\n250 taken\r\n", "", false, false, false},
        {"begun_before_the_dot", "250 ok\r\n354 go\r\n250 ta", "ken\r\n", false, false, false},
        {"begun_before_the_dot_and_never_ended", "250 ok\r\n354 go\r\n250 ta", "", false, false,
            false},
        {"a_good_bye_before_the_dot", "250 ok\r\n354 go\r\n421 bye\r\n", "250 taken\r\n", false,
            false, false},
        {"a_good_bye_with_a_success_before_the_dot", "250 ok\r\n354 go\r\n421 bye\r\n250 taken\r\n",
            "", false, false, false},
        {"waiting_unread", "250 ok\r\n354 go\r\n", "250 taken\r\n", true, false, false},
        {"and_one_too_many", "250 ok\r\n354 go\r\n", "250 taken\r\n250 x\r\n", false, true, false},
        {"and_a_good_bye", "250 ok\r\n354 go\r\n", "250 taken\r\n421 bye\r\n", false, true, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct body_case *x = &cases[i];
        struct talk t;

        talk_begin(&t, false);
        hear(&t, STR("220 hi\r\n"));
        talk_says(&t, STR("MAIL FROM:<a@b>\r\n"));
        hear(&t, STR("250 ok\r\n"));
        talk_says(&t, STR("RCPT TO:<c@d>\r\nDATA\r\n"));
        hear(&t, str_of(x->before));
        talk_body_ends(&t, x->came_early);
        hear(&t, str_of(x->after));
        if (t.body_answered != x->answered || t.out_of_step == x->in_step)
            fail_msg("%s: answered %d, out of step %d", x->name, t.body_answered, t.out_of_step);
        talk_says(&t, STR("MAIL FROM:<a@b>\r\n"));
        assert_true(!t.body_answered || t.out_of_step);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verdict_follows_phase_and_reply),
        cmocka_unit_test(nonsense_of_a_server_has_a_reason_of_its_own),
        cmocka_unit_test(only_final_words_of_the_dns_bounce),
        cmocka_unit_test(the_span_doubles_up_to_its_bound),
        cmocka_unit_test(ids_spread_and_one_id_does_not),
        cmocka_unit_test(the_last_try_lies_before_the_expiry),
        cmocka_unit_test(a_talk_knows_where_it_stands),
        cmocka_unit_test(pieces_of_any_size_make_the_same_talk),
        cmocka_unit_test(what_the_library_cannot_read_is_mended),
        cmocka_unit_test(pipelining_is_offered_by_a_keyword_of_the_last_ehlo),
        cmocka_unit_test(an_answer_begins_after_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
