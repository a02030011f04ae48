/* bench -- what a connection needs, for tests of smtp.h: watchdog, dial, trust, and a feed that notes results. */
#ifndef TESTS_MAILER_DELIVER_BENCH_H
#define TESTS_MAILER_DELIVER_BENCH_H

#include "mailer/deliver/smtp.h"
#include "tests/support/certs.h"
#include "tests/support/peer.h"
#include "tests/support/scratch.h"

#define BENCH_MAILS 64

struct bench {
    struct certs *certs;
    char dir[SCRATCH_SIZE], ca_file[96];
    struct smtp_shared *shared;
    struct watchdog *dog;
    struct watch *watch;
    struct dial *dial;
    struct smtp_feed feed;
    struct smtp_call call;
    struct smtp_mail mail; /* the template of every mail */
    size_t mails, fed;     /* how many there are, how many were taken */
    size_t bodies;         /* body_starts seen */
    int64_t deadline_ms;   /* of each mail, from when it is fed */
    struct smtp_result results[BENCH_MAILS];
    struct smtp_cover covers[BENCH_MAILS];
    size_t results_n;
    struct smtp_report report;
};

/* cmocka's per-test fixtures: *state is a struct bench. */
int bench_open(void **state);
int bench_close(void **state);

/* The peer at 127.0.0.1 under `host`; `mails` mails are fed. */
void bench_send(struct bench *b, int port, const char *host, size_t mails);

#endif
