/* dialogue -- what the tests of a session share: a handler that notes what it sees and answers as it is told, and a client's
 * script with the codes that it gets. A script is fed whole, in threes and byte by byte: the answers must not depend
 * on how the network cut it. */
#ifndef TESTS_MAILER_SMTPD_DIALOGUE_H
#define TESTS_MAILER_SMTPD_DIALOGUE_H

#include "mailer/smtpd/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define OPEN "EHLO client.example\r\n"
#define HEAD OPEN "MAIL FROM:<a@shop.example>\r\nRCPT TO:<b@there.example>\r\nDATA\r\n"
#define HEAD_CODES "220 250 250/2.1.0 250/2.1.5 354 "

/* What the handler has seen, and how it shall answer. */
struct seen {
    struct buf log; /* "mail a@x; rcpt b@y; body 12:text; " */
    struct smtpd_reply on_mail, on_rcpt, on_data, on_body;
};

void seen_init(struct seen *seen);
struct smtpd_setup setup_for(struct seen *seen);

/* "550 5.1.1 no such..." adds "550/5.1.1 "; only the last line of a reply counts. */
void collect(struct session *s, struct buf *codes);
/* Runs a script and ends with the codes and the state's word; held replies are released at once. */
void talk(const struct smtpd_setup *setup, struct str script, size_t piece, struct buf *codes);
void expect_in_all_pieces(
    const char *name, const char *script, const char *codes, const char *log); /* log: or NULL */

#endif
