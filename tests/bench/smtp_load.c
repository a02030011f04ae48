/* smtp_load -- hands mails to a peer by SMTP over N open connections, as fast as they are answered.
 *
 *     smtp_load PORT CONNECTIONS COUNT FILE
 *
 * FILE is the client's side of one mail, from MAIL to the dot, with marks (see marks.h). What stands up to and with its
 * line DATA goes out at once (PIPELINING, RFC 2920), the rest when DATA has been answered. Prints one JSON line (see
 * crowd.h): accepted are the mails whose dot was answered 250. Any answer that is not the one wanted ends the program
 * with 2: it would measure something else. */
#include "tests/bench/crowd.h"
#include "tests/bench/marks.h"

#include <stdio.h>
#include <stdlib.h>

enum phase { GREETING, HELLO, MAIL, RCPT, DATA, DOT };

/* How the answer in each phase must begin. */
static const char *const wanted[] = {"220", "250", "250", "250", "354", "250"};

struct load {
    struct marks dialogue;
    struct buf mail; /* the one that is being written */
};

/* Appends what goes before the answer to DATA, or after it. */
static void write_mail(struct load *l, long number, bool body, struct buf *out)
{
    const struct str data = STR("\r\nDATA\r\n");

    buf_clear(&l->mail);
    marks_write(&l->dialogue, number, &l->mail);
    struct str mail = buf_str(&l->mail);
    size_t at = str_find(mail, data, 0);
    if (at == mail.n)
        crowd_fail("the file", STR("no line DATA in it"));
    at += data.n;
    buf_add(out, body ? str_slice(mail, at, mail.n) : str_slice(mail, 0, at));
}

/* Cuts the next answer, which may have several lines, off *rest: its last line; false when it has not come whole. */
static bool next_answer(struct str *rest, struct str *last)
{
    struct str more = *rest;

    while (str_find_char(more, '\n', 0) < more.n) {
        str_next(&more, '\n', last);
        if (last->n < 4 || last->p[3] != '-') {
            *rest = more;
            return true;
        }
    }
    return false;
}

static void next_mail(struct load *l, struct crowd *c, struct crowd_member *m)
{
    if (!crowd_begin(c, m))
        return;
    write_mail(l, m->number, false, &m->out);
    m->phase = MAIL;
}

static void heard(struct load *l, struct crowd *c, struct crowd_member *m)
{
    switch ((enum phase)m->phase) {
    case GREETING:
        buf_add(&m->out, STR("EHLO load.example\r\n"));
        m->phase = HELLO;
        break;
    case HELLO:
        next_mail(l, c, m);
        break;
    case MAIL:
    case RCPT:
        m->phase++;
        break;
    case DATA:
        write_mail(l, m->number, true, &m->out);
        m->phase = DOT;
        break;
    case DOT:
        crowd_end(c, m, true);
        next_mail(l, c, m);
        break;
    }
}

static void talk(void *context, struct crowd *c, struct crowd_member *m)
{
    struct str rest = buf_str(&m->in), answer;

    while (next_answer(&rest, &answer)) {
        if (!str_starts(answer, str_of(wanted[m->phase])))
            crowd_fail("the peer answered", str_trim(answer));
        heard(context, c, m);
    }
    if (rest.n > 0)
        memmove(m->in.p, rest.p, rest.n);
    buf_cut(&m->in, rest.n);
}

int main(int argc, char **argv)
{
    struct load l = {0};
    struct crowd *c;

    if (argc != 5)
        return fputs("usage: smtp_load PORT CONNECTIONS COUNT FILE\n", stderr), 64;
    struct crowd_setup setup = {.port = atoi(argv[1]),
        .connections = atoi(argv[2]),
        .total = atol(argv[3]),
        .talk = talk,
        .context = &l};
    marks_open(&l.dialogue, argv[4]);
    crowd_open(&setup, &c);
    crowd_run(c);
    crowd_report(c);
    crowd_close(&c);
    marks_close(&l.dialogue);
    buf_close(&l.mail);
    return 0;
}
