/* renderer -- one walk over a template's nodes, as render.c makes it and flat.c takes part in it; private to the engine.
 * Errors: as template_render.
 * Threads: a renderer is one thread's. */
#ifndef TEMPLATES_RENDERER_H
#define TEMPLATES_RENDERER_H

#include "templates/node.h"

#define STEPS_MAX 10000000

struct flat;

struct scope {
    const struct js *value;
    const struct scope *outer;
};

/* The arguments of one parent tag. Blocks ask the outermost frame first: the last child has the
 * last word. */
struct frame {
    const struct template *t;
    const struct node *parent;
    const struct frame *outer;
};

/* What is being rendered, and within what. */
struct place {
    const struct template *t;
    const struct scope *scope;
    const struct frame *frames;
};

struct renderer {
    const struct render *how;
    struct flat *flat;        /* what stands there for every data is gathered; else NULL */
    const struct scope *data; /* the outermost context */
    struct buf *out;
    size_t start, max_bytes;
    struct buf indent;  /* of all templates around this one */
    size_t indent_from; /* where the part of it that holds here begins */
    size_t begun_at;    /* where in the output a line has begun already: no indentation there */
    unsigned partials, depth;
    uint32_t steps;
    bool as_text; /* inside an escaped phrase: literal text is escaped too */
    struct buf scratch;
    struct err *e;
};

/* The whole of t; behind: the contexts around the data. Closes what the renderer took. */
bool render_run(struct renderer *r, const struct template *t, const struct js *data,
    const struct scope *behind);

bool render_nodes(struct renderer *r, const struct place *at, uint32_t from, uint32_t to);
/* A variable's value, by itself. */
bool render_value(
    struct renderer *r, const struct place *at, const struct node *node, const struct js *v);
bool render_phrase(struct renderer *r, const struct place *at, const struct node *node,
    const struct template *phrase);
/* A section: its content in v, or as often as v says. */
bool render_in(
    struct renderer *r, const struct place *at, const struct node *node, const struct js *v);
bool render_truth(
    struct renderer *r, const struct place *at, const struct node *node, const struct js *v);

#endif
