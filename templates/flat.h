/* flat -- what is gathered while a template is flattened (template_flatten); private to the engine.
 *
 * The renderer walks the template as ever, without data: what it writes is literal text, and what it cannot know yet becomes
 * a node. Sections are walked once. Positions are those of the text, which has no place of its own before it is whole.
 * Ownership: what comes out owns its text; names it borrows from where they stood.
 * Errors: giving up is an error to the renderer that nobody reads. */
#ifndef TEMPLATES_FLAT_H
#define TEMPLATES_FLAT_H

#include "templates/node.h"

struct flat {
    template_stand *stand;
    const struct buf *text; /* all literal text so far */
    size_t unsure_at;       /* whether a line has begun here hangs on the data */
    uint32_t data_depth;    /* sections of the data around this place */
    struct arena *arena;
    struct node *nodes;
    uint32_t n, nodes_cap;
    size_t text_from; /* where the literal begins that is no node yet */
};

struct renderer;
struct place;

/* A node that the renderer meets: written out, if it is the same for every data, else kept as a node. */
bool flat_variable(struct renderer *r, const struct place *at, const struct node *node);
bool flat_section(struct renderer *r, const struct place *at, const struct node *node);

bool flat_give_up(struct err *e); /* false */

#endif
