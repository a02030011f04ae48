#include "templates/flat.h"

#include "templates/renderer.h"

#define STEPS_FLAT 100000 /* nothing honest takes more */

static void open_flat(struct flat *f)
{
    f->arena = arena_open();
}

bool flat_give_up(struct err *e)
{
    return err_set(e, ERR_LIMIT, "the template cannot be flattened");
}

static bool add_node(struct flat *f, const struct node *node, struct err *e)
{
    if (f->n == FLAT_NODES_MAX)
        return flat_give_up(e);
    if (f->n == f->nodes_cap) {
        uint32_t cap = f->nodes_cap ? 2 * f->nodes_cap : 32;
        struct node *more = arena_array(f->arena, cap, sizeof *more);
        if (f->n > 0)
            memcpy(more, f->nodes, f->n * sizeof *more);
        f->nodes = more;
        f->nodes_cap = cap;
    }
    f->nodes[f->n] = *node;
    f->nodes[f->n].end = f->n + 1;
    f->n++;
    return true;
}

/* What was written since the last node. Its text is found when the whole has its place: until then only the length counts. */
static bool end_text(struct flat *f, struct err *e)
{
    const struct node literal = {.kind = NODE_TEXT, .text = {"", f->text->n - f->text_from}};
    if (literal.text.n == 0)
        return true;
    f->text_from = f->text->n;
    return add_node(f, &literal, e);
}

static bool add_decided(struct flat *f, const struct template *t, const struct node *node,
    const struct standing *s, bool escaped, uint32_t *index, struct err *e)
{
    const struct node own = {
        .kind = node->kind,
        .flags = (uint8_t)((escaped ? ESCAPED : node->flags & ESCAPED) |
                           (s->kind == STANDS_CHOSEN ? 0 : NO_PHRASE) |
                           (s->kind == STANDS_IN_SLOT ? IN_SLOT : 0)),
        .parts_n = node->parts_n,
        .parts = node->parts,
        .line = node->line,
        .slot = s->slot,
        .from = t,
        .text = node->text,
    };
    if (!end_text(f, e))
        return false;
    *index = f->n;
    return add_node(f, &own, e);
}

static bool end_content(struct flat *f, uint32_t index, struct err *e)
{
    if (!end_text(f, e))
        return false;
    f->nodes[index].end = f->n;
    return true;
}

static void place_texts(struct template *t)
{
    size_t at = 0;
    for (uint32_t i = 0; i < t->n; i++)
        if (t->nodes[i].kind == NODE_TEXT) {
            t->nodes[i].text.p = t->source.p + at;
            at += t->nodes[i].text.n;
        }
}

static bool close_flat(struct flat *f, const struct template *t, struct template **out)
{
    struct err e;
    if (!t || !end_text(f, &e)) {
        arena_close(&f->arena);
        return false;
    }
    struct template *flat = ARENA_NEW(f->arena, struct template);
    *flat = (struct template){
        .arena = f->arena,
        .name = arena_text(f->arena, str_of(t->name)),
        .source = arena_str(f->arena, buf_str(f->text)),
        .nodes = f->nodes,
        .n = f->n,
        .is_flat = true,
    };
    place_texts(flat);
    *out = flat;
    return true;
}

/* ---- what the renderer asks ------------------------------------------------------------------- */

/* What is known of a name while flattening. Inside of what the data opens, an object may hide what stands beside it;
 * what stands there then is looked up at each render. */
static struct standing standing(
    const struct renderer *r, const struct place *at, const struct node *node)
{
    struct standing s = {.kind = STANDS_IN_DATA};
    if (node->parts_n > 0)
        s = r->flat->stand(r->how->context, node->text);
    else if (at->scope->value)
        s = (struct standing){.kind = STANDS_FIXED, .value = at->scope->value};
    if (s.kind == STANDS_FIXED && r->flat->data_depth > 0)
        s.kind = STANDS_IN_SLOT;
    return s;
}

static bool keep_node(struct renderer *r, const struct place *at, const struct node *node,
    const struct standing *s, uint32_t *index)
{
    if (r->out->n == r->begun_at) {
        r->begun_at = SIZE_MAX;
        r->flat->unsure_at = r->out->n;
    }
    return add_decided(r->flat, at->t, node, s, r->as_text, index, r->e);
}

bool flat_variable(struct renderer *r, const struct place *at, const struct node *node)
{
    const struct standing s = standing(r, at, node);
    uint32_t index;
    switch (s.kind) {
    case STANDS_FIXED:
        return render_value(r, at, node, s.value);
    case STANDS_PHRASE:
        return render_phrase(r, at, node, s.phrase);
    case STANDS_UNKNOWN:
        return flat_give_up(r->e);
    case STANDS_IN_DATA:
    case STANDS_IN_SLOT:
    case STANDS_CHOSEN:
        break;
    }
    return keep_node(r, at, node, &s, &index);
}

/* The content once, for none or many. Where a line that has begun may end within it, it could not be the same each time. */
static bool flatten_content(
    struct renderer *r, const struct place *at, const struct node *node, const struct standing *s)
{
    uint32_t index, depth = r->flat->data_depth;
    if (!keep_node(r, at, node, s, &index))
        return false;
    bool unsure = r->out->n == r->flat->unsure_at, opens = node->kind == NODE_SECTION;
    r->flat->data_depth += opens && s->kind == STANDS_IN_DATA;
    bool ok = opens ? render_in(r, at, node, NULL)
                    : render_nodes(r, at, (uint32_t)(node - at->t->nodes) + 1, node->end);
    r->flat->data_depth = depth;
    if (!ok || !end_content(r->flat, index, r->e))
        return false;
    if (unsure) {
        r->begun_at = SIZE_MAX;
        r->flat->unsure_at = r->out->n;
    }
    return unsure || (r->out->n != r->begun_at && r->out->n != r->flat->unsure_at) ||
           flat_give_up(r->e);
}

bool flat_section(struct renderer *r, const struct place *at, const struct node *node)
{
    const struct standing s = standing(r, at, node);
    if (s.kind == STANDS_FIXED)
        return render_truth(r, at, node, s.value);
    return s.kind == STANDS_IN_DATA || s.kind == STANDS_IN_SLOT ? flatten_content(r, at, node, &s)
                                                                : flat_give_up(r->e);
}

bool template_flatten(const struct template *t, const struct render *how, template_stand *stand,
    struct template **out)
{
    AUTO(buf_close) struct buf text = {0};
    struct err e;
    struct render once = *how;
    struct flat flat = {.stand = stand, .text = &text, .unsure_at = SIZE_MAX};
    struct renderer r = {
        .how = &once,
        .flat = &flat,
        .out = &text,
        .max_bytes = FLAT_BYTES_MAX,
        .steps = STEPS_MAX - STEPS_FLAT,
        .e = &e,
    };
    once.strict = true; /* a partial that is not there shall fail when it is rendered, and say so */
    once.literal = NULL;
    open_flat(&flat);
    bool ok = render_run(&r, t, NULL, NULL);
    return close_flat(&flat, ok ? t : NULL, out);
}
