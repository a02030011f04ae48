/* body -- the bytes between DATA and the dot: finds the end, takes the stuffed dots out, counts.
 * Only CRLF ends a line: a bare LF or CR is data, and "LF . CRLF" or "CRLF . LF" ends nothing, so
 * that no second message can be smuggled behind a sloppy end (CVE-2023-51764). Fed in pieces of any
 * size; a piece without a dot line costs memchr and, where the text is kept, one copy. No
 * allocation per message: the buffer stays.
 * Owns the kept text; one thread.
 * Source: RFC 5321 s4.1.1.4, s4.5.2, s2.3.8. */
#ifndef MAILER_SMTPD_BODY_H
#define MAILER_SMTPD_BODY_H

#include "base/buf.h"

struct body {
    enum body_at { BODY_LINE_START, BODY_IN_LINE, BODY_CR, BODY_DOT, BODY_DOT_CR } at;
    bool keep;
    size_t limit;    /* more than this is counted, but not kept */
    size_t bytes;    /* of the message so far, without stuffed dots and the final dot line */
    struct buf text; /* the message, when kept */
};

void body_begin(struct body *b, bool keep, size_t limit);
/* Takes bytes up to the end of the message; returns how many. */
size_t body_feed(struct body *b, struct str in, bool *ended);
bool body_is_too_large(const struct body *b);
void body_close(struct body *b);

#endif
