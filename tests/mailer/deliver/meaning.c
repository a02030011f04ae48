#include "tests/mailer/deliver/meaning.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static size_t check(const struct meaning *x)
{
    struct bench *b;
    void *state;

    bench_open(&state);
    b = state;
    struct peer *p = peer_open(x->script, x->context, NULL);
    if (x->transfer_ms > 0)
        b->call.to.transfer_timeout_ms = x->transfer_ms;
    if (x->deadline_ms > 0)
        b->deadline_ms = x->deadline_ms;
    bench_send(b, peer_port(p), "mx.test", 1);
    const struct smtp_result *r = b->results_n > 0 ? &b->results[0] : &b->report.failure;
    bool as_expected = b->report.in_hand != x->decided && r->delivered == x->delivered &&
                       r->unsure == x->unsure && r->phase == x->phase && r->code == x->code &&
                       (r->code == 0) == (*r->trouble != 0);
    if (!as_expected)
        print_error("%s: in hand %d, delivered %d, unsure %d, at %d, code %d, \"%s\", \"%s\"\n",
            x->name, b->report.in_hand, r->delivered, r->unsure, (int)r->phase, r->code, r->trouble,
            r->text);
    peer_close(&p);
    bench_close(&state);
    return as_expected ? 0 : 1;
}

size_t meanings_wrong(const struct meaning *table, size_t n)
{
    size_t wrong = 0;

    for (size_t i = 0; i < n; i++)
        wrong += check(&table[i]);
    return wrong;
}

/* ---- scripts ------------------------------------------------------------------------------------- */

void polite(struct line *c, void *context)
{
    (void)context;
    if (!greet(c, NULL))
        return;
    while (take_mail(c))
        ;
    say(c, "221 bye\r\n"); /* what take_mail did not like was QUIT */
}

/* The first recipient is unknown, the rest are known. */
void refuse_first_rcpt(struct line *c, void *context)
{
    (void)context;
    if (!greet(c, (const char *[]){"ENHANCEDSTATUSCODES", NULL}) || !hear(c, "MAIL FROM:"))
        return;
    say(c, "250 2.1.0 ok\r\n");
    if (!hear(c, "RCPT TO:") || !hear(c, "DATA"))
        return;
    say(c, "550-5.1.1 no such\r\n550 5.1.1 mailbox\r\n");
    say(c, "554 5.5.1 no valid recipients\r\n");
    if (!hear(c, "RSET"))
        return;
    say(c, "250 2.0.0 ok\r\n");
    while (take_mail(c))
        ;
}

void long_line_after_body(struct line *c, void *context)
{
    char words[1500];

    (void)context;
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = 0;
    if (greet(c, NULL) && take_envelope(c) && hear_body(c)) {
        say(c, "250 ");
        say(c, words);
        say(c, "\r\n");
        hear(c, "QUIT");
    }
}

void endless_ehlo(struct line *c, void *context)
{
    (void)context;
    say(c, "220 mx.test\r\n");
    if (!hear(c, "EHLO "))
        return;
    for (int i = 0; i < 100000; i++)
        say(c, "250-SPAM\r\n");
}
