/* body_hash -- the hash that bh= carries, of a body with proper line ends.
 * libopendkim comes to the same, one byte at a time; this looks at sixteen, and once for all signatures of a message.
 * Pure, any thread. Source: RFC 6376 s3.4.3, s3.4.4. */
#ifndef MAILER_MIME_BODY_HASH_H
#define MAILER_MIME_BODY_HASH_H

#include "base/hash.h"

/* False where readers could differ: a CR or LF alone, or no line end after the last line. */
bool body_hash(struct str body, bool simple, struct digest *out);

#endif
