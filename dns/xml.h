/* xml -- just enough of XML to judge an SVG: tags with their attributes, text, and whether it hangs together.
 * Names keep their prefix; entities stay as written. No DTD is read: a DOCTYPE is an event of its own.
 * Borrowed pieces, nothing owned. Pure, any thread. Limits: XML_MAX_DEPTH.
 * Source: XML 1.0. */
#ifndef DNS_XML_H
#define DNS_XML_H

#include "base/str.h"

#define XML_MAX_DEPTH 128

enum xml_kind {
    XML_OPEN,        /* name, attributes; `empty` when it ends itself (no XML_CLOSE follows) */
    XML_CLOSE,       /* name */
    XML_TEXT,        /* text, CDATA too */
    XML_INSTRUCTION, /* <?name text?> */
    XML_DOCTYPE,
    XML_END,    /* of a document that hangs together */
    XML_BROKEN, /* it does not: nothing follows */
};

struct xml {
    struct str rest;
    struct str open[XML_MAX_DEPTH]; /* names of the elements around */
    size_t depth;                   /* after XML_OPEN the new element counts, unless empty */
    bool had_root;
};

struct xml_event {
    enum xml_kind kind;
    struct str name, attributes, text;
    bool empty;
};

void xml_begin(struct xml *x, struct str bytes);
void xml_next(struct xml *x, struct xml_event *out);

/* Cuts the next name="value" off *attributes; false at the end (xml_next has checked the syntax). */
bool xml_attribute(struct str *attributes, struct str *name, struct str *value);

struct str xml_local(struct str name); /* without its prefix */

#endif
