/* encode -- bytes as text and back: hex, base32 (RFC 4648, lower case, unpadded: survives receivers
 * that fold case), base64 and base64url (unpadded). Encoders append to a buf; decoders append and
 * return false on any foreign character or impossible length (out is then cut back).
 * base64 decoding accepts padding, which must be right, and no white space. Pure, any thread. */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/buf.h"

void encode_hex(struct buf *out, struct str bytes);
void encode_base32(struct buf *out, struct str bytes);
void encode_base64(struct buf *out, struct str bytes);
void encode_base64url(struct buf *out, struct str bytes);

bool decode_hex(struct buf *out, struct str text) MUST_CHECK;
bool decode_base32(struct buf *out, struct str text) MUST_CHECK;
bool decode_base64(struct buf *out, struct str text) MUST_CHECK;
bool decode_base64url(struct buf *out, struct str text) MUST_CHECK;

#endif
