/* sink -- a receiver that takes every mail and counts.
 *
 *     sink [REPLY-DELAY-MS [FOLDER SAMPLES]]
 *
 * Prints its port, then, each time its standard input gets a line, what it has taken so far: mails, connections, bytes
 * of mail, mails that are signed, different recipients (see tally.h). Ends at the end of its input. It keeps each mail
 * until the dot, as a receiver that stores it would; the first SAMPLES of them go into FOLDER. */
#include "mailer/smtpd/smtpd.h"
#include "tests/bench/tally.h"

#include <stdio.h>
#include <stdlib.h>

static struct smtpd_reply take(void *context, const struct smtpd_envelope *v, struct str message)
{
    tally_take(context, v->rcpt_to[0], message);
    return smtpd_reply(250, "2.0.0 Ok");
}

int main(int argc, char **argv)
{
    struct smtpd *server;
    struct err e = {0};
    struct tally t = {
        .folder = argc > 3 ? argv[2] : "", .samples = argc > 3 ? strtoull(argv[3], NULL, 10) : 0};
    struct smtpd_setup setup = {
        .address = "127.0.0.1",
        .hostname = "sink.example",
        .max_connections = 4096,
        .reply_delay_ms = argc > 1 ? atoi(argv[1]) : 0,
        .keep_bodies = true,
        .handler = {.context = &t, .body = take},
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
            (unsigned long long)smtpd_connections(server), (unsigned long long)t.bytes,
            (unsigned long long)t.with_signature, (unsigned long long)t.recipients);
        fflush(stdout);
    }
    smtpd_close(&server);
    tally_close(&t);
    return 0;
}
