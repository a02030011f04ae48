/* dkim_signature -- the tags of one DKIM-Signature field, held against the rules that the library is lax in:
 * repeated tags, blanks within names, methods of asking, numbers, the very second of expiry.
 * Shapes: slices of the field; "" = the tag is absent. Pure, any thread.
 * Source: RFC 6376 s3.2, s3.5, s6.1.1, RFC 8301, RFC 8601 s2.7.1. */
#ifndef MAILER_MIME_DKIM_SIGNATURE_H
#define MAILER_MIME_DKIM_SIGNATURE_H

#include "base/str.h"

struct dkim_signature {
    struct str domain, selector, algorithm; /* as the signature says */
    bool sha1;                              /* the algorithm is one of the past */
    bool body_relaxed;
    bool has_length; /* l= */
    uint64_t length; /* its value; UINT64_MAX when larger */
    /* What condemns it without a look at its key: a word of RFC 8601 and a sentence. NULL: nothing. */
    const char *result, *reason;
};

/* `value` is what stands behind the colon of the field. */
void dkim_signature_read(struct str value, int64_t now_s, struct dkim_signature *out);

/* How many bytes of the body the hash covers without l= (RFC 6376 s3.4.3, s3.4.4). Lines end in CRLF. */
uint64_t dkim_body_length(struct str body, bool relaxed);

#endif
