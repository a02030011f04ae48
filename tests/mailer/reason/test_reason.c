/* What replies mean: worded here after the servers and providers named on the left, and the table's own order. */
#include "mailer/reason/reason.h"

#include "mailer/reason/reason_rules.h"
#include "mailer/reason/reason_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NOW = 0, FOR_GOOD = 1, HARD = 3 }; /* hard is for good, too */

struct row {
    enum smtp_phase phase;
    int code;
    const char *text, *name;
    int verdict;
};

static const struct row recipients[] = {
    /* Postfix */
    {AT_RCPT, 550,
        "5.1.1 <ann@a.example>: Recipient address rejected: User unknown in virtual mailbox table",
        "user-unknown", HARD},
    {AT_RCPT, 450,
        "4.1.1 <ann@a.example>: Recipient address rejected: User unknown in local recipient table",
        "user-unknown", NOW},
    {AT_RCPT, 450,
        "4.1.1 <ann@a.example>: Recipient address rejected: unverified address: Address "
        "verification "
        "in progress",
        "recipient-rejected", NOW},
    {AT_RCPT, 550,
        "5.1.1 <ann@a.example>: Recipient address rejected: undeliverable address: mailbox "
        "unavailable",
        "user-unknown", HARD},
    {AT_RCPT, 550, "5.1.2 <ann@a.example>: Recipient address rejected: Domain not found",
        "domain-unknown", HARD},
    {AT_RCPT, 554, "5.7.1 <ann@a.example>: Recipient address rejected: Access denied", "policy",
        FOR_GOOD},
    {AT_RCPT, 554, "5.7.1 <ann@a.example>: Relay access denied", "relaying-denied", FOR_GOOD},
    /* Exim */
    {AT_RCPT, 550, "Unrouteable address", "user-unknown", HARD},
    {AT_RCPT, 550, "relay not permitted", "relaying-denied", FOR_GOOD},
    {AT_RCPT, 550,
        "Verification failed for <shop@b.example>\nUnrouteable address\nSender verify failed",
        "sender-rejected", FOR_GOOD},
    {AT_RCPT, 451, "Temporary local problem - please try later", "server-busy", NOW},
    {AT_RCPT, 550, "Administrative prohibition", "policy", FOR_GOOD},
    /* Sendmail, qmail, Courier, IronPort, Domino */
    {AT_RCPT, 550, "5.1.1 <ann@a.example>... User unknown", "user-unknown", HARD},
    {AT_RCPT, 550, "5.1.2 <ann@a.example>... Host unknown (Name server: a.example: host not found)",
        "domain-unknown", HARD},
    {AT_RCPT, 550, "sorry, no mailbox here by that name (#5.1.1 - chkuser)", "user-unknown", HARD},
    {AT_RCPT, 553, "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
        "relaying-denied", FOR_GOOD},
    {AT_RCPT, 553, "sorry, your envelope sender is in my badmailfrom list (#5.7.1)",
        "sender-rejected", FOR_GOOD},
    {AT_RCPT, 550, "#5.1.0 Address rejected.", "user-unknown", HARD},
    {AT_BODY, 550, "ann (ann@a.example) not listed in Domino Directory", "user-unknown", HARD},
    {AT_RCPT, 551, "User not local; please try <ann@c.example>", "user-unknown", HARD},
    /* Exchange and Outlook */
    {AT_RCPT, 550,
        "5.4.1 Recipient address rejected: Access denied. [AM7EUR03FT061.eop.example 2026-11-01]",
        "user-unknown", HARD},
    {AT_BODY, 550,
        "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ann@a.example not found by SMTP address "
        "lookup",
        "user-unknown", HARD},
    {AT_RCPT, 550, "5.1.10", "no-mail-accepted", HARD},
    {AT_RCPT, 550, "5.5.0 Requested action not taken: mailbox unavailable (S2017062302).",
        "user-unknown", HARD},
    {AT_BODY, 554,
        "5.2.2 mailbox full; "
        "STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoff",
        "mailbox-full", FOR_GOOD},
    {AT_BODY, 550, "5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; NotAuthorized", "policy",
        FOR_GOOD},
    {AT_BODY, 550, "5.2.121 RESOLVER.RST.RecipientThreshold; the mailbox takes no more for now",
        "rate-limited", NOW},
    /* Gmail */
    {AT_RCPT, 550,
        "5.1.1 The email account that you tried to reach does not exist. Please try\n5.1.1 "
        "double-checking "
        "the recipient's email address for typos or\n5.1.1 unnecessary spaces. - gsmtp",
        "user-unknown", HARD},
    {AT_RCPT, 550, "5.2.1 The email account that you tried to reach is inactive. - gsmtp",
        "mailbox-disabled", FOR_GOOD},
    {AT_RCPT, 452,
        "4.2.2 The recipient's inbox is out of storage space. Please direct the recipient",
        "mailbox-full", NOW},
    {AT_RCPT, 552, "5.2.2 The email account that you tried to reach is over quota.", "mailbox-full",
        FOR_GOOD},
    {AT_RCPT, 450,
        "4.2.1 The user you are trying to contact is receiving mail at a rate that\n4.2.1 prevents "
        "additional messages from being delivered.",
        "rate-limited", NOW},
    /* Yahoo, AOL */
    {AT_BODY, 554,
        "delivery error: dd This user doesn't have a yahoo.com account (ann@yahoo.com) [0] - mta1",
        "user-unknown", HARD},
    {AT_BODY, 554,
        "30 Sorry, your message to ann@a.example cannot be delivered. This mailbox is disabled "
        "(554.30).",
        "mailbox-disabled", FOR_GOOD},
    {AT_BODY, 552, "5.2.2 Mailbox over quota", "mailbox-full", FOR_GOOD},
    /* Europe */
    {AT_RCPT, 550,
        "Requested action not taken: mailbox unavailable\nFor explanation visit "
        "https://postmaster.gmx.net/error-messages",
        "user-unknown", HARD},
    {AT_RCPT, 550,
        "Requested action not taken: mailbox unavailable\ninvalid DNS MX or A/AAAA resource record",
        "no-reverse-dns", FOR_GOOD},
    {AT_RCPT, 550, "5.1.1 Adresse d'au moins un destinataire invalide. OFR_416 [416]",
        "user-unknown", HARD},
    {AT_RCPT, 552, "5.1.1 Boite du destinataire pleine. OFR_417 [417]", "mailbox-full", FOR_GOOD},
    {AT_RCPT, 550, "5.5.0 Adresse inconnue. LPN007", "user-unknown", HARD},
    {AT_RCPT, 550, "Benutzer unbekannt", "user-unknown", HARD},
    {AT_RCPT, 552, "Postfach ist voll", "mailbox-full", FOR_GOOD},
    {AT_RCPT, 550, "5.1.1 Usuario desconocido", "user-unknown", HARD},
    {AT_RCPT, 550, "5.1.1 Utente sconosciuto", "user-unknown", HARD},
    {AT_RCPT, 550,
        "Message was not accepted -- invalid mailbox. Local mailbox ann@a.example is unavailable: "
        "user not found",
        "user-unknown", HARD},
    {AT_RCPT, 550, "5.7.1 No such user!", "user-unknown", HARD},
    /* China */
    {AT_RCPT, 550, "Mailbox not found. https://service.mail.qq.com/detail/122/168", "user-unknown",
        HARD},
    {AT_RCPT, 550, "User not found: ann@163.com", "user-unknown", HARD},
    {AT_RCPT, 550, "\xe6\x94\xb6\xe4\xbb\xb6\xe4\xba\xba\xe4\xb8\x8d\xe5\xad\x98\xe5\x9c\xa8",
        "user-unknown", HARD},
    /* Others */
    {AT_RCPT, 550, "5.1.1 Not our Customer", "user-unknown", HARD},
    {AT_RCPT, 550, "Account has been suspended", "mailbox-disabled", FOR_GOOD},
    {AT_RCPT, 550, "5.1.6 ann no longer employed here", "mailbox-moved", HARD},
    {AT_RCPT, 550, "5.1.6 go elsewhere", "mailbox-moved", HARD},
    {AT_RCPT, 550, "5.1.1 This address no longer accepts mail", "user-unknown", HARD},
    {AT_RCPT, 550, "ann@a.example: this mailbox has been closed", "user-unknown", HARD},
    {AT_RCPT, 556, "5.1.10 Recipient address has null MX", "no-mail-accepted", HARD},
    {AT_RCPT, 521, "Host does not accept mail", "no-mail-accepted", HARD},
    {AT_RCPT, 452, "insufficient system storage", "system-full", NOW},
    {AT_RCPT, 550, "recipient rejected", "user-unknown", HARD},
    {AT_BODY, 550, "recipient rejected", "content", FOR_GOOD},
};

/* The words of an unknown recipient, and yet no evidence about him. */
static const struct row not_the_recipient[] = {
    {AT_MAIL, 550, "5.1.1 User unknown", "sender-rejected", FOR_GOOD},
    {AT_CONNECT, 554, "No such user", "blocked", FOR_GOOD},
    {AT_RCPT, 550, "5.1.8 <shop@b.example>: Sender address rejected: User unknown",
        "sender-rejected", FOR_GOOD},
    {AT_RCPT, 550, "5.1.0 <shop@b.example> sender rejected, no such user there", "sender-rejected",
        FOR_GOOD},
    {AT_RCPT, 553, "5.1.8 Domain of sender address shop@b.example does not exist",
        "sender-rejected", FOR_GOOD},
    {AT_RCPT, 504, "5.5.2 <shop>: Helo command rejected: Host not found", "helo-rejected",
        FOR_GOOD},
    {AT_RCPT, 550, "Too many unknown users, come back tomorrow", "rate-limited", NOW},
    {AT_RCPT, 550,
        "5.2.1 Mailbox unavailable. Your IP address 192.0.2.1 is blacklisted using SPAMHAUS-XBL",
        "blocked", FOR_GOOD},
    {AT_RCPT, 550, "5.1.1 <user.unknown@a.example> we are closed on Sundays", "user-unknown", HARD},
    {AT_RCPT, 550, "<user.unknown@a.example> we are closed on Sundays", "recipient-rejected",
        FOR_GOOD},
    {AT_RCPT, 550, "5.7.1 <mailbox.full@a.example>: rejected", "policy", FOR_GOOD},
    {AT_BODY, 550, "5.1.1", "user-unknown",
        FOR_GOOD}, /* a number alone after the body is no statement */
    {AT_BODY, 550, "5.1.1 user unknown", "user-unknown", HARD},
};

static const struct row senders[] = {
    {AT_BODY, 550,
        "5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires "
        "all "
        "senders to authenticate with either SPF or DKIM.",
        "unauthenticated", FOR_GOOD},
    {AT_BODY, 550,
        "5.7.26 Unauthenticated email from b.example is not accepted due to domain's DMARC policy.",
        "unauthenticated", FOR_GOOD},
    {AT_BODY, 421, "4.7.32 Your email has been rate limited because the From: header isn't aligned",
        "unauthenticated", NOW},
    {AT_BODY, 550,
        "5.7.515 Access denied, sending domain B.EXAMPLE does not meet the required authentication "
        "level",
        "unauthenticated", FOR_GOOD},
    {AT_RCPT, 550, "5.7.23 The message was rejected because of Sender Policy Framework violation",
        "unauthenticated", FOR_GOOD},
    {AT_BODY, 554, "5.7.9 Message not accepted for policy reasons", "policy", FOR_GOOD},
    {AT_BODY, 550, "DKIM signature is invalid", "unauthenticated", FOR_GOOD},
    {AT_RCPT, 550, "SPF check failed", "unauthenticated", FOR_GOOD},
    {AT_CONNECT, 554, "5.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]",
        "no-reverse-dns", FOR_GOOD},
    {AT_BODY, 550, "5.7.25 The IP address sending this message does not have a PTR record",
        "no-reverse-dns", FOR_GOOD},
    {AT_MAIL, 530, "5.7.0 Must issue a STARTTLS command first", "tls-required", FOR_GOOD},
    {AT_MAIL, 530, "5.7.0 Authentication Required", "login-required", FOR_GOOD},
    {AT_AUTH, 535, "5.7.8 Username and Password not accepted", "login-failed", FOR_GOOD},
    {AT_AUTH, 535, "", "login-failed", FOR_GOOD},
    {AT_AUTH, 454, "4.7.0 Temporary authentication failure", "login-failed", NOW},
    {AT_STARTTLS, 454, "4.7.0 TLS not available due to local problem", "tls-failed", NOW},
    {AT_CONNECT, 554,
        "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        "blocked", FOR_GOOD},
    {AT_MAIL, 550,
        "5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet "
        "service "
        "provider since part of their network is on our block list (S3140).",
        "blocked", FOR_GOOD},
    {AT_RCPT, 550, "5.7.606 Access denied, banned sending IP [192.0.2.1].", "blocked", FOR_GOOD},
    {AT_MAIL, 421,
        "4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or "
        "user "
        "complaints - 4.16.55.1",
        "bad-reputation", NOW},
    {AT_BODY, 550,
        "5.7.1 Gmail has detected that this message is likely suspicious due to the very low "
        "reputation "
        "of the sending domain.",
        "bad-reputation", FOR_GOOD},
    {AT_CONNECT, 554,
        "Your access to this mail system has been rejected due to the sending MTA's poor "
        "reputation.",
        "bad-reputation", FOR_GOOD},
    {AT_CONNECT, 554, "IP=192.0.2.1 - A problem occurred. Ask your postmaster for help. (BL)",
        "blocked", FOR_GOOD},
    {AT_BODY, 554, "DT:SPM 163 mx1,abc http://mail.163.com/help", "spam", FOR_GOOD},
    {AT_MAIL, 451, "MI:SFQ 163 mx3", "rate-limited", NOW},
    {AT_CONNECT, 421, "HL:ICC 163 mx2", "too-many-connections", NOW},
    {AT_RCPT, 550, "Domain frequency limited [MCuT]", "rate-limited", NOW},
    {AT_BODY, 421, "4.7.28 Gmail has detected an unusual rate of email originating from your IP",
        "rate-limited", NOW},
    {AT_MAIL, 421,
        "4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP "
        "reputation.",
        "bad-reputation", NOW},
    {AT_MAIL, 451, "4.7.500 Server busy. Please try again later", "server-busy", NOW},
    {AT_CONNECT, 421,
        "mwinf ME Trop de connexions, veuillez verifier votre configuration. OFR004_104",
        "too-many-connections", NOW},
    {AT_BODY, 550, "5.4.5 Daily user sending limit exceeded.", "rate-limited", NOW},
    {AT_RCPT, 452, "4.5.3 Too many recipients", "too-many-recipients", NOW},
    {AT_RCPT, 550, "5.5.3 too many recipients this session", "too-many-recipients", NOW},
    {AT_RCPT, 550, "Mail is rejected by recipients", "policy", FOR_GOOD},
    {AT_MAIL, 550, "OU-002 (COL004) Unfortunately, messages from 192.0.2.1 weren't sent.",
        "bad-reputation", FOR_GOOD},
    {AT_RCPT, 554, "5.7.1 Rejected for policy reasons (SPF)", "unauthenticated", FOR_GOOD},
    {AT_RCPT, 550, "We do not accept mail from this address", "policy", FOR_GOOD},
    {AT_BODY, 554, "5.2.0 STOREDRV.Deliver; delivery result banner", "recipient-rejected",
        FOR_GOOD},
};

static const struct row others[] = {
    {AT_RCPT, 450,
        "4.2.0 <ann@a.example>: Recipient address rejected: Greylisted, see "
        "http://postgrey.example/",
        "greylisted", NOW},
    {AT_RCPT, 550, "Greylisting in action, come back in 300 seconds", "greylisted", NOW},
    {AT_RCPT, 451, "4.7.1 Please try again in 5 minutes", "greylisted", NOW},
    {AT_RCPT, 450, "Too many connections, try again in 5 minutes", "too-many-connections", NOW},
    {AT_BODY, 554, "5.7.1 Message rejected as spam", "spam", FOR_GOOD},
    {AT_BODY, 550, "5.7.1 Our system has detected that this message is likely unsolicited mail.",
        "spam", FOR_GOOD},
    {AT_BODY, 550, "High probability of spam", "content", FOR_GOOD},
    {AT_BODY, 552,
        "5.7.0 This message was blocked because its content presents a potential security issue.",
        "content", FOR_GOOD},
    {AT_BODY, 550, "Virus detected: Eicar-Test-Signature", "virus", FOR_GOOD},
    {AT_MAIL, 552, "5.3.4 Message size exceeds fixed limit", "too-large", FOR_GOOD},
    {AT_BODY, 552, "", "too-large", FOR_GOOD},
    {AT_RCPT, 552, "", "mailbox-full", FOR_GOOD},
    {AT_BODY, 554, "5.4.6 Too many hops", "loop", FOR_GOOD},
    {AT_CONNECT, 421, "Service not available, closing transmission channel", "server-busy", NOW},
    {AT_BODY, 421, "", "server-busy", NOW},
    {AT_BODY, 451, "4.3.0 Error: queue file write error", "server-error", NOW},
    {AT_BODY, 452, "4.3.1 Insufficient system resources", "system-full", NOW},
    {AT_BODY, 554, "5.7.0 Reject", "policy", FOR_GOOD},
    {AT_EHLO, 501, "Syntax error", "protocol", FOR_GOOD},
    {AT_RCPT, 450, "", "recipient-rejected", NOW},
    {AT_RCPT, 550, "", "recipient-rejected", FOR_GOOD},
    {AT_MAIL, 550, "", "sender-rejected", FOR_GOOD},
    {AT_BODY, 550, "", "content", FOR_GOOD},
    {AT_CONNECT, 554, "", "blocked", FOR_GOOD},
    {AT_CONNECT, 450, "", "server-busy", NOW},
    {AT_BODY, 250, "2.0.0 Ok: queued as 4RBL", "accepted", NOW},
    {AT_BODY, 0, "", "unknown", NOW},
    {AT_RCPT, 0, "user unknown", "user-unknown", NOW},
    {AT_RCPT, 0, "5.1.1 user unknown", "user-unknown", HARD},
    {AT_BODY, 999, "\xff\xfe\x01", "unknown", NOW},
};

static void run(const struct row *rows, size_t n)
{
    size_t wrong = 0;

    for (size_t i = 0; i < n; i++) {
        struct reason r = reason_of_reply(rows[i].phase, rows[i].code, str_of(rows[i].text));
        int verdict = r.hard ? HARD : r.permanent ? FOR_GOOD : NOW;
        if (strcmp(r.name, rows[i].name) == 0 && verdict == rows[i].verdict)
            continue;
        print_message("%s %d %s\n    is %s (%d) by %s, not %s (%d)\n",
            smtp_phase_name(rows[i].phase), rows[i].code, rows[i].text, r.name, verdict, r.rule,
            rows[i].name, rows[i].verdict);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void what_is_said_of_recipients(void **state)
{
    (void)state;
    run(recipients, COUNT_OF(recipients));
}

static void what_only_sounds_like_it(void **state)
{
    (void)state;
    run(not_the_recipient, COUNT_OF(not_the_recipient));
}

static void what_is_said_of_senders(void **state)
{
    (void)state;
    run(senders, COUNT_OF(senders));
}

static void everything_else(void **state)
{
    (void)state;
    run(others, COUNT_OF(others));
}

static void only_the_recipients_fault_is_hard(void **state)
{
    (void)state;
    for (size_t i = 0; i < REASON_KINDS; i++) {
        const struct reason_class *c = &reason_classes[i];
        assert_non_null(c->name);
        if (c->hard)
            assert_int_equal(c->fault, FAULT_RECIPIENT);
    }
    for (enum smtp_phase p = AT_CONNECT; p < AT_RCPT; p++)
        for (int code = 400; code < 600; code++)
            assert_false(reason_of_reply(p, code, STR("5.1.1 user unknown")).hard);
    for (int code = 400; code < 500; code++)
        assert_false(reason_of_reply(AT_RCPT, code, STR("5.1.1 user unknown")).hard);
}

static const struct {
    int code;
    const char *text, *status;
} statuses[] = {
    {550, "5.1.1 no", "5.1.1"},
    {550, "sorry (#5.1.1)", "5.1.1"},
    {550, "5.7.606 Access denied", "5.7.606"},
    {452, "4.2.2 5.2.2", "4.2.2"},
    {552, "4.2.2 5.2.2", "5.2.2"},
    {550, "4.2.2 only", "4.2.2"},
    {550, "your host 5.1.1.9 is unknown to us", "5.1.0"},
    {550, "mail 15.1.1 v5.1.1 5.1.1234 5.1.x", "5.1.0"},
    {550, "ends with 5.1.3.", "5.1.3"},
    {550, "User unknown", "5.1.1"},
    {450, "User unknown", "4.1.1"},
    {250, "2.0.0 Ok", "2.0.0"},
    {250, "Ok", ""},
    {599, "", "5.1.0"},
};

static void enhanced_codes_are_found_or_implied(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        struct reason r = reason_of_reply(AT_RCPT, statuses[i].code, str_of(statuses[i].text));
        if (strcmp(r.status, statuses[i].status) != 0)
            print_message("%s\n", statuses[i].text);
        assert_string_equal(r.status, statuses[i].status);
    }
}

static void texts_are_folded(void **state)
{
    static const struct {
        const char *text, *folded;
    } table[] = {
        {"  A  b\r\n\tC  ", "a b c "},
        {"5.1.1 The user\n5.1.1 is gone", "the user is gone"},
        {"550-one 550-two 550 three", "one two three"},
        {"<User.Unknown@a.example>... <x+y=z@b.example>: no", "<@>... <@>: no"},
        {"mail to spam@a.example. Thanks", "mail to @. thanks"},
        {"5.5.5.5 550 5.1.10 x", "5.5.5.5 5.1.10 x"},
        {"@ a@ @b", "@ @ @b"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct reason_text t;
        reason_fold(str_of(table[i].text), 550, &t);
        t.bytes[t.n] = 0;
        if (i != 5) /* there the enhanced code is 5.1.10 and is left out */
            assert_string_equal(t.bytes, table[i].folded);
        else
            assert_string_equal(t.bytes, "5.5.5.5 x");
    }
}

static void patterns_find_what_they_say(void **state)
{
    static const struct {
        const char *text, *pattern;
        bool found;
    } table[] = {
        {"the user is unknown", "user * unknown", true},
        {"the user unknown", "user * unknown", false},
        {"unknown user", "user*unknown", false},
        {"user unknown", "x|user unknown|y", true},
        {"antivirus", "~virus", false},
        {"a virus", "~virus", true},
        {"viruses", "~virus~", false},
        {"virus-free", "~virus~", true},
        {"a user xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx unknown",
            "user*unknown", false},
        {"user xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx user x unknown",
            "user*unknown", true},
        {"", "a", false},
        {"a", "aa", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct reason_text t;
        reason_fold(str_of(table[i].text), 0, &t);
        if (reason_has(&t, table[i].pattern) != table[i].found)
            fail_msg("%s in %s", table[i].pattern, table[i].text);
    }
    assert_true(reason_status_fits("5.7.606", "x.1.1|x.7.600-649"));
    assert_false(reason_status_fits("5.7.650", "x.1.1|x.7.600-649"));
    assert_true(reason_status_fits("4.1.9", "x.1.*"));
    assert_false(reason_status_fits("2.1.9", "x.1.*"));
    assert_false(reason_status_fits("5.1.1", "4.1.1"));
    assert_false(reason_status_fits("", "x.*.*"));
}

/* "~" belongs to the ends of a piece, and what is written in capitals could never match. */
static void check_patterns(const char *id, const char *words)
{
    struct str all = str_of(words), one, piece;

    while (str_next(&all, '|', &one)) {
        if (one.n == 0)
            fail_msg("%s: an empty alternative", id);
        for (size_t i = 0; i < one.n; i++)
            if (one.p[i] >= 'A' && one.p[i] <= 'Z')
                fail_msg("%s: capitals in " STR_FMT, id, STR_ARG(one));
        while (str_next(&one, '*', &piece)) {
            size_t tilde = str_find_char(piece, '~', 1);
            if (piece.n == 0 || tilde < (piece.n > 0 ? piece.n - 1 : 0))
                fail_msg("%s: piece \"" STR_FMT "\"", id, STR_ARG(piece));
        }
    }
}

static void the_table_is_in_order(void **state)
{
    bool words_are_over = false;

    (void)state;
    for (size_t i = 0; i < reason_rules_n; i++) {
        const struct reason_rule *r = &reason_rules[i];
        if (r->words)
            check_patterns(r->id, r->words);
        for (size_t j = 0; j < i; j++)
            if (strcmp(reason_rules[j].id, r->id) == 0)
                fail_msg("two rules are called %s", r->id);
        words_are_over = words_are_over || (!r->words && !r->status && r->from >= 400);
        if (words_are_over && (r->words || r->status))
            fail_msg("%s stands behind bare codes", r->id);
    }
    const struct reason_rule *last = &reason_rules[reason_rules_n - 1];
    assert_true(!last->words && !last->status && last->to == 0 && last->phases == 0);
}

static void long_and_hostile_texts_are_bounded(void **state)
{
    char *text = malloc(1 << 20);

    (void)state;
    memset(text, 'u', 1 << 20);
    assert_string_equal(
        reason_of_reply(AT_RCPT, 550, str_bytes(text, 1 << 20)).name, "recipient-rejected");
    for (size_t i = 0; i + 5 <= 1 << 20; i += 5)
        memcpy(text + i, "user ", 5);
    assert_string_equal(
        reason_of_reply(AT_RCPT, 550, str_bytes(text, 1 << 20)).name, "recipient-rejected");
    memcpy(text + REASON_TEXT_MAX, "unknown user", 12); /* beyond what is read */
    assert_string_equal(
        reason_of_reply(AT_RCPT, 550, str_bytes(text, 1 << 20)).name, "recipient-rejected");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_of_recipients),
        cmocka_unit_test(what_only_sounds_like_it),
        cmocka_unit_test(what_is_said_of_senders),
        cmocka_unit_test(everything_else),
        cmocka_unit_test(only_the_recipients_fault_is_hard),
        cmocka_unit_test(enhanced_codes_are_found_or_implied),
        cmocka_unit_test(texts_are_folded),
        cmocka_unit_test(patterns_find_what_they_say),
        cmocka_unit_test(the_table_is_in_order),
        cmocka_unit_test(long_and_hostile_texts_are_bounded),
    };

    return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
