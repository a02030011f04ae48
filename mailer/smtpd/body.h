/* body -- the bytes between DATA and the dot: finds the end, takes the stuffed dots out, counts.
 * Only CRLF ends a line: a bare LF or CR is data, and "LF . CRLF" or "CRLF . LF" ends nothing, so
 * that no second message can be smuggled behind a sloppy end (CVE-2023-51764). Fed in pieces of any
 * size; a piece without a dot line costs memchr and, where the text is kept, one copy. No
 * allocation per small message: its buffer stays.
 * Owns the kept text; one thread. All bodies that share a room keep as much as it has, together; one that comes to its end
 * is counted further, but not kept: body_is_crowded.
 * Source: RFC 5321 s4.1.1.4, s4.5.2, s2.3.8. */
#ifndef MAILER_SMTPD_BODY_H
#define MAILER_SMTPD_BODY_H

#include "base/buf.h"

struct body_room {
    size_t most, held; /* bytes */
};

struct body {
    enum body_at { BODY_LINE_START, BODY_IN_LINE, BODY_CR, BODY_DOT, BODY_DOT_CR } at;
    bool keep;
    size_t limit;    /* more than this is counted, but not kept */
    size_t bytes;    /* of the message so far, without stuffed dots and the final dot line */
    struct buf text; /* the message, when kept */
    struct body_room *room;
    size_t held; /* of the room */
    bool crowded;
};

/* room: outlives the body; NULL = no bound. */
void body_begin(struct body *b, bool keep, size_t limit, struct body_room *room);
/* Takes bytes up to the end of the message; returns how many. */
size_t body_feed(struct body *b, struct str in, bool *ended);
bool body_is_too_large(const struct body *b);
bool body_is_crowded(const struct body *b);
void body_end(struct body *b); /* its text has been used: gives its room back */
void body_close(struct body *b);

#endif
