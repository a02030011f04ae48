/* The dialogue, line by line: what a client sends and which codes it gets. */
#include "tests/mailer/smtpd/dialogue.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_have_an_order),
        cmocka_unit_test(syntax_is_checked),
        cmocka_unit_test(only_crlf_ends_anything),
        cmocka_unit_test(bodies_and_limits),
        cmocka_unit_test(errors_and_idle_commands_are_counted),
        cmocka_unit_test(long_lines_are_skipped_to_their_end),
    };

    return cmocka_run_group_tests_name("smtpd session lines", tests, NULL, NULL);
}
