/* zone_text -- a master file cut into entries of tokens; what they mean is for zone_read.c.
 * Parentheses join lines, ";" begins a comment, quotes and backslashes protect; CR LF ends a line as LF does.
 * Shapes: tokens are slices of the text, escapes unresolved, quotes taken off; those of an entry hold until the next.
 * Errors: `fault` is one sentence about `line`. One thread.
 * Source: RFC 1035 s5.1. */
#ifndef DNS_ZONE_TEXT_H
#define DNS_ZONE_TEXT_H

#include "base/str.h"

struct zone_token {
    struct str text;
    bool quoted;
};

struct zone_text {
    struct str text;
    size_t at;
    int line;          /* of what was cut last */
    const char *fault; /* NULL = none */
    struct zone_token *tokens;
    size_t n, cap;
    bool begins_blank; /* the entry leaves its owner out */
    bool open;         /* within parentheses */
};

struct zone_text zone_text_of(struct str text);
void zone_text_close(struct zone_text *t);

/* The next entry with a token at least. False: the end, or a fault. */
bool zone_text_next(struct zone_text *t);

#endif
