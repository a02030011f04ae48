/* meaning -- what a scripted server does, and what that means for a mail: the check of a table's rows, and the scripts
 * that several suites play. */
#ifndef TESTS_MAILER_DELIVER_MEANING_H
#define TESTS_MAILER_DELIVER_MEANING_H

#include "tests/mailer/deliver/bench.h"

struct meaning {
    const char *name;
    peer_script *script;
    void *context;
    bool decided; /* else still in hand */
    bool delivered, unsure;
    enum smtp_phase phase;
    int code;
    int64_t transfer_ms, deadline_ms; /* 0 = long */
};

/* How many rows turned out otherwise; each is printed. */
size_t meanings_wrong(const struct meaning *table, size_t n);

/* ---- scripts ------------------------------------------------------------------------------------- */

peer_script polite;               /* takes every mail, and knows QUIT */
peer_script refuse_first_rcpt;    /* the rest is taken */
peer_script long_line_after_body; /* 250 in a line that the library cuts */
peer_script endless_ehlo;

#endif
