/* sink -- a receiver that takes every mail and counts: `sink [REPLY-DELAY-MS]` prints its port, then, each time its
 * standard input gets a line, how many mails, connections and bytes of mail it has taken. Ends at the end of its
 * input. It keeps each mail until the dot, as a receiver that stores it would. */
#include "mailer/smtpd/smtpd.h"

#include <stdio.h>
#include <stdlib.h>

static struct smtpd_reply take(void *context, const struct smtpd_envelope *v, struct str message)
{
    _Atomic uint64_t *bytes = context;

    (void)v;
    *bytes += message.n;
    return smtpd_reply(250, "2.0.0 Ok");
}

int main(int argc, char **argv)
{
    struct smtpd *server;
    struct err e = {0};
    _Atomic uint64_t bytes = 0;
    struct smtpd_setup setup = {
        .address = "127.0.0.1",
        .hostname = "sink.example",
        .max_connections = 4096,
        .reply_delay_ms = argc > 1 ? atoi(argv[1]) : 0,
        .keep_bodies = true,
        .handler = {.context = &bytes, .body = take},
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
        printf("%llu %llu %llu\n", (unsigned long long)smtpd_messages(server),
            (unsigned long long)smtpd_connections(server), (unsigned long long)bytes);
        fflush(stdout);
    }
    smtpd_close(&server);
    return 0;
}
