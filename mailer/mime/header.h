/* header -- the lines of a mail's header: folding, encoded words, display names, parameters.
 * A field is begun, filled and ended; every piece goes out at once, folded before a space so that
 * lines stay within 76 octets where they can be broken at all (RFC 2047 s2 asks for 76 where an
 * encoded word stands; one measure for all keeps it simple). Values must be clean: ask
 * header_fault() first.
 * Ownership: appends to the buf. Nothing fails. One thread per field.
 * Source: RFC 5322 s2.2.3 and s3.2, RFC 2047, RFC 2231. */
#ifndef MAILER_MIME_HEADER_H
#define MAILER_MIME_HEADER_H

#include "base/buf.h"
#include "mailer/mime/address.h"

#define HEADER_LINE 76        /* octets of a line without its CRLF */
#define HEADER_VALUE_MAX 2000 /* octets of one value as given */

struct field {
    struct buf *out;
    size_t column; /* octets on the current line */
};

/* What forbids `value` in a header field, in words ("has a line break"), or NULL when nothing does:
 * control characters (C0, DEL and C1), broken UTF-8, more than HEADER_VALUE_MAX octets. */
const char *header_fault(struct str value);

struct field field_begin(struct buf *out, struct str name);
void field_end(struct field *f);

void field_text(struct field *f, struct str text);            /* unstructured, encoded if need be */
void field_token(struct field *f, struct str token);          /* as it is, never broken inside */
void field_mailbox(struct field *f, const struct address *a); /* display name and address */
/* "; name=value": a quoted string, or RFC 2231 where that cannot carry it. */
void field_parameter(struct field *f, struct str name, struct str value);

#endif
