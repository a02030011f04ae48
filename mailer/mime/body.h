/* body -- the MIME structure below a mail's header: multiparts, texts, inline parts and
 * attachments. Writes the Content-* lines of the outermost part as the last ones of the header, the
 * empty line and everything after it. The message must have passed compose's checks. Boundaries are
 * hashes of the seed: none can occur inside, since neither encoding yields "=_" and no one can aim
 * at a hash.
 * Ownership: appends to out. Nothing fails. Any thread.
 * Source: RFC 2045, 2046, 2183, 2387. */
#ifndef MAILER_MIME_BODY_H
#define MAILER_MIME_BODY_H

#include "mailer/mime/compose.h"

void body_add(const struct message *m, struct buf *out);

/* "type/subtype" and simple parameters, of a kind that may stand in base64 (no multipart, no
 * message). */
bool body_type_is_fine(struct str content_type);

#endif
