/* node -- what a template is between compiling and rendering; private to the engine.
 *
 * scan.c cuts the source into tags, parse.c turns them into nodes, render.c walks the nodes. The
 * nodes lie in one array in reading order; an element's content is what lies between it and `end`.
 * All text is slices of the template's own copy of its source.
 *
 * LINE_START marks a text that begins a line of the source: a partial's indentation goes before it.
 * It may be empty, where a line begins with a tag that leaves its line standing. */
#ifndef TEMPLATES_NODE_H
#define TEMPLATES_NODE_H

#include "base/arena.h"
#include "templates/template.h"

enum tag_kind {
    TAG_VARIABLE,
    TAG_RAW, /* {{{x}}} and {{&x}} */
    TAG_SECTION,
    TAG_INVERTED,
    TAG_PARTIAL,
    TAG_PARENT,
    TAG_BLOCK,
    TAG_CLOSE,
    TAG_SILENT, /* a comment or set delimiters */
};

struct tag {
    enum tag_kind kind;
    uint32_t from, to; /* its bytes in the source, delimiters included */
    uint32_t line;
    uint32_t match;            /* the closing tag of an opening one and the other way round */
    bool dynamic;              /* {{>*name}} */
    bool argument;             /* a block directly inside a parent, or its closing tag */
    bool standalone;           /* of a parent or block: the whole element has its lines to itself */
    bool ends_line;            /* of a block: its content begins on the next line */
    bool cut_left;             /* the white space before it goes with it */
    uint32_t cut_from, cut_to; /* what of the source the tag replaces */
    struct str name;
};

struct tags {
    struct tag *v;
    size_t n;
};

enum node_kind {
    NODE_TEXT,
    NODE_VARIABLE,
    NODE_SECTION,
    NODE_INVERTED,
    NODE_PARTIAL,
    NODE_PARENT,
    NODE_BLOCK,
};

enum node_flag {
    LINE_START = 1, /* text: begins a line */
    ESCAPED = 2,    /* variable */
    DYNAMIC = 4,    /* partial, parent: the name is a variable's */
    STANDALONE = 8, /* partial, parent, block: has its lines to itself */
    ENDS_LINE = 16, /* block: its content begins on a line of its own */
    NO_PHRASE = 32, /* variable: known to be none */
    IN_SLOT = 64,   /* variable, section: the value beside the data that `slot` counts */
};

struct node {
    uint8_t kind, flags;
    uint16_t parts_n;
    uint32_t parts; /* the dotted name, split: index into template.parts */
    uint32_t end;   /* index behind the content */
    uint32_t line;
    uint16_t slot;
    const struct template
        *from; /* of a flat template: the one that it stood in, which has its parts; else NULL */
    struct str text;   /* text: itself; else the name as written */
    struct str lead;   /* standalone: the white space before the tag */
    struct str inward; /* block: the white space that its first line begins with */
};

struct template
{
    struct arena *arena;
    const char *name;
    struct str source; /* of a flat one: all of its literal text */
    struct node *nodes;
    uint32_t n;
    struct str *parts;
    bool is_flat; /* made by template_flatten */
};

#define TEMPLATE_BYTES_MAX (4u << 20)
#define TEMPLATE_NESTING_MAX 100
#define NAME_PARTS_MAX 32

/* Finds the tags of t->source, matched and with their cuts; v is allocated in a. */
bool scan_tags(const struct template *t, struct arena *a, struct tags *out, struct err *e);

/* Fills t->nodes and t->parts. */
bool parse_nodes(struct template *t, const struct tags *tags, struct err *e);

#endif
