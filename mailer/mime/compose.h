/* compose -- a mail's bytes from its parts: headers, MIME structure, transfer encodings.
 *
 * The same input gives the same bytes: Date, Message-ID and the boundary seed come from the caller,
 * so a retry sends what the first attempt sent. Lines end in CRLF and are at most 998 octets,
 * headers folded at 78 where they can be; 7-bit clean unless eight_bit. multipart/alternative
 * (text, html), in related when inline parts exist, in mixed when attachments exist. No field can
 * inject a header: CR, LF, NUL or another control character in any header field is refused. Text
 * that is not ASCII becomes encoded words (RFC 2047) of at most 75 characters that never split a
 * character; file names use RFC 2231. URLs in List-Unsubscribe are never encoded or broken inside.
 * Bodies: UTF-8 in quoted-printable; attachments and inline parts in base64.
 * Ownership: appends to out.
 * Errors: ERR_INPUT names the field. Any thread.
 * Source: RFC 5322, 2045-2047, 2231, 2183, 2387, 8058, 3834 (Auto-Submitted). */
#ifndef MAILER_MIME_COMPOSE_H
#define MAILER_MIME_COMPOSE_H

#include "base/buf.h"
#include "base/err.h"
#include "mailer/mime/address.h"

struct mime_part {
    struct str filename;     /* UTF-8; of an inline part may be "" */
    struct str content_type; /* "image/png" */
    struct str content_id;   /* of an inline part, without angle brackets; "" = an attachment */
    struct str bytes;
};

struct header {
    struct str name, value; /* further headers, e.g. Feedback-ID; name and value are checked */
};

struct message {
    struct address from, to, reply_to; /* reply_to.spec "" = none */
    struct str subject;
    struct str text, html; /* UTF-8, bare LF allowed; one of the two may be "" */
    int64_t date_ms;
    struct str message_id;              /* without angle brackets */
    struct str seed;                    /* boundaries are derived from it */
    struct str list_unsubscribe_url;    /* "" = none; adds List-Unsubscribe-Post (RFC 8058) */
    struct str list_unsubscribe_mailto; /* "" = none; an address or address?subject */
    const struct header *more;
    size_t more_n;
    const struct mime_part *parts; /* inline ones and attachments */
    size_t parts_n;
    bool eight_bit;
};

bool compose(const struct message *m, struct buf *out, struct err *e);

#endif
