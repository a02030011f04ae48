/* pack -- rendered text told in few bytes: what of it stands in the templates is named, not copied.
 *
 * While a text is rendered, render.h's `literal` notes where a piece of a template was copied as it is. Packed, the text is
 *   (length of own bytes, own bytes, number of the template, number of its node)*, length of own bytes, own bytes
 * with numbers of seven bits an octet, the lowest first. It unpacks with templates compiled from the same sources.
 * Ownership: appends to out. Errors: ERR_CORRUPT. Pure, any thread. */
#ifndef TEMPLATES_PACK_H
#define TEMPLATES_PACK_H

#include "templates/template.h"

#define LITERAL_LEAST 16 /* bytes: a shorter piece is not worth its numbers */

struct literal {
    size_t at, n;         /* in the text */
    uint32_t owner, node; /* the template's number, and the node's in it */
};

void pack_literal(struct buf *literals, const struct literal *l);
void pack(struct str text, struct str literals, struct buf *out);

typedef const struct template *pack_find(const void *context, uint32_t template);
bool unpack(
    struct str packed, pack_find *find, const void *context, struct buf *out, struct err *e);

#endif
