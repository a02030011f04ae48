/* sink -- a receiver that takes every mail and counts.
 *
 *     sink [REPLY-DELAY-MS [FOLDER SAMPLES [PUT-OFF]]]
 *
 * Prints its port, then, each time its standard input gets a line, what it has taken so far: mails, connections, bytes
 * of mail, mails that are signed, different recipients (see tally.h). Ends at the end of its input. It keeps each mail
 * until the dot, as a receiver that stores it would; the first SAMPLES of them go into FOLDER. With PUT-OFF each so-manyth
 * body gets 451. */
#include "mailer/smtpd/smtpd.h"
#include "tests/bench/tally.h"

#include <stdio.h>
#include <stdlib.h>

struct sink {
    struct tally tally;
    uint64_t bodies, put_off;
};

static struct smtpd_reply take(void *context, const struct smtpd_envelope *v, struct str message)
{
    struct sink *s = context;

    if (s->put_off > 0 && ++s->bodies % s->put_off == 0)
        return smtpd_reply(451, "4.3.2 Come again");
    tally_take(&s->tally, v->rcpt_to[0], message);
    return smtpd_reply(250, "2.0.0 Ok");
}

int main(int argc, char **argv)
{
    struct smtpd *server;
    struct err e = {0};
    struct sink s = {.tally = {.folder = argc > 3 ? argv[2] : "",
                         .samples = argc > 3 ? strtoull(argv[3], NULL, 10) : 0},
        .put_off = argc > 4 ? strtoull(argv[4], NULL, 10) : 0};
    struct smtpd_setup setup = {
        .address = "127.0.0.1",
        .hostname = "sink.example",
        .max_connections = 4096,
        .reply_delay_ms = argc > 1 ? atoi(argv[1]) : 0,
        .keep_bodies = true,
        .handler = {.context = &s, .body = take},
    };
    if (!smtpd_open(&setup, &server, &e)) {
        fprintf(stderr, "sink: %s\n", e.text);
        return 1;
    }
    printf("%d\n", smtpd_port(server));
    fflush(stdout);
    for (int c; (c = getchar()) != EOF;) {
        if (c != '\n')
            continue;
        printf("%llu %llu %llu %llu %llu\n", (unsigned long long)smtpd_messages(server),
            (unsigned long long)smtpd_connections(server), (unsigned long long)s.tally.bytes,
            (unsigned long long)s.tally.with_signature, (unsigned long long)s.tally.recipients);
        fflush(stdout);
    }
    smtpd_close(&server);
    tally_close(&s.tally);
    return 0;
}
