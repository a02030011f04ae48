/* tags -- the "name=value; name=value" lists of DKIM key records and DMARC records, piece by piece.
 * Borrowed pieces, nothing owned. Pure, any thread.
 * Source: RFC 6376 s3.2, RFC 9989 s4.8. */
#ifndef DNS_TAGS_H
#define DNS_TAGS_H

#include "base/str.h"

struct tag {
    struct str name, value; /* white space around both taken off */
    struct str whole;       /* the piece between semicolons, trimmed */
    bool well_formed;       /* a name, "=", and nothing but letters, digits and "_" in the name */
};

/* Cuts the next tag off *rest; empty pieces are passed over. False at the end. */
bool tag_next(struct str *rest, struct tag *out);

/* Whether a list like "a : b:c" has this word, letters compared without case. */
bool tag_list_has(struct str list, char separator, const char *word);

#endif
