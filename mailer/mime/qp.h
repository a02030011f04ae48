/* qp -- bodies as quoted-printable (RFC 2045 s6.7) and as base64 lines (s6.8).
 * Lines end in CRLF and are at most 76 octets. LF and CRLF in a text both become CRLF, a bare CR is
 * encoded. Text that mail programs on the way may touch is encoded: space or tab before a line's
 * end, a dot and "From " at the beginning of a line. No octet pair "=_" ever comes out, so a
 * boundary that holds one cannot occur. Characters are not split by soft line breaks.
 * Cost: about 10 us per 20 KB of mostly plain text.
 * Ownership: appends to out. Any thread. */
#ifndef MAILER_MIME_QP_H
#define MAILER_MIME_QP_H

#include "base/buf.h"

void qp_add(struct buf *out, struct str text);

/* base64 in lines of 76, each with CRLF. */
void base64_lines_add(struct buf *out, struct str bytes);

#endif
