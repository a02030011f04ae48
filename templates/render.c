/* render -- walks the nodes of a template over its data and appends to the output.
 *
 * Nothing is allocated per node: contexts and the arguments of parents are links on the C stack,
 * indentation is one text that grows and shrinks, and literal text is copied from the source. What
 * a hostile template could do is bounded four ways: nesting of partials, nesting of everything (the
 * C stack), bytes of output, and steps (a chain of partials that each call the next one twice makes
 * no output and never ends). */
#include "templates/flat.h"
#include "templates/pack.h"
#include "templates/renderer.h"

#define PARTIALS_MAX 100
#define DEPTH_MAX 400
#define BYTES_MAX (4u << 20)

/* The template that a node was written in. */
static const struct template *home(const struct place *at, const struct node *node)
{
    return node->from ? node->from : at->t;
}

static bool fail(struct renderer *r, const struct place *at, const struct node *node,
    enum err_code code, const char *what, const char *state)
{
    int n = (int)(node->text.n < 80 ? node->text.n : 80);
    return err_set(r->e, code, "template %s, line %u: %s %.*s %s", home(at, node)->name, node->line,
        what, n, node->text.p, state);
}

static bool step(struct renderer *r, const struct place *at, uint32_t steps)
{
    r->steps += steps;
    if (r->steps <= STEPS_MAX)
        return true;
    return err_set(
        r->e, ERR_LIMIT, "template %s: rendering takes more than %u steps", at->t->name, STEPS_MAX);
}

/* ---- output ---------------------------------------------------------------------------------- */

static bool add(struct renderer *r, struct str s)
{
    if (s.n > r->max_bytes || r->out->n - r->start > r->max_bytes - s.n)
        return err_set(r->e, ERR_LIMIT, "the output has more than %zu bytes", r->max_bytes);
    buf_add(r->out, s);
    return true;
}

static bool is_special(char c)
{
    return c == '&' || c == '<' || c == '>' || c == '"' || c == '\'';
}

static struct str entity(char c)
{
    switch (c) {
    case '&':
        return STR("&amp;");
    case '<':
        return STR("&lt;");
    case '>':
        return STR("&gt;");
    case '"':
        return STR("&quot;");
    case '\'':
        return STR("&#39;"); /* for attributes in single quotes */
    default:
        return STR("");
    }
}

static bool add_escaped(struct renderer *r, struct str s)
{
    size_t run = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_special(s.p[i]))
            continue;
        if (!add(r, str_slice(s, run, i)) || !add(r, entity(s.p[i])))
            return false;
        run = i + 1;
    }
    return add(r, str_slice(s, run, s.n));
}

static bool escapes(const struct renderer *r, bool asked)
{
    return r->how->escape == ESCAPE_HTML && (asked || r->as_text);
}

static bool add_value(struct renderer *r, struct str s, bool escaped)
{
    return escapes(r, escaped) ? add_escaped(r, s) : add(r, s);
}

static bool add_indent(struct renderer *r)
{
    if (r->indent.n == r->indent_from || r->out->n == r->begun_at)
        return true;
    if (r->flat && r->out->n == r->flat->unsure_at)
        return flat_give_up(r->e);
    return add(r, str_slice(buf_str(&r->indent), r->indent_from, r->indent.n));
}

static void tell_literal(struct renderer *r, const struct template *t, const struct node *node)
{
    if (r->how->literal && node->text.n >= LITERAL_LEAST && r->indent.n == r->indent_from &&
        !escapes(r, false))
        r->how->literal(
            r->how->context, t, (uint32_t)(node - t->nodes), node->text, r->out->n - r->start);
}

static bool render_text(struct renderer *r, const struct template *t, const struct node *node)
{
    if ((node->flags & LINE_START) && !add_indent(r))
        return false;
    tell_literal(r, t, node);
    struct str text = node->text;
    while (r->indent.n > r->indent_from) {
        size_t next = str_find_char(text, '\n', 0) + 1;
        if (next >= text.n) /* what follows the last newline is another node's line */
            break;
        if (!add_value(r, str_slice(text, 0, next), false) || !add_indent(r))
            return false;
        text = str_slice(text, next, text.n);
    }
    return add_value(r, text, false);
}

/* ---- names ----------------------------------------------------------------------------------- */

static const struct js *find(
    const struct scope *scope, const struct str *parts, size_t n, uint32_t *steps)
{
    if (n == 0)
        return scope->value;
    const struct js *v = NULL;
    for (; scope && !v; scope = scope->outer, ++*steps)
        v = js_get_str(scope->value, parts[0]);
    for (size_t i = 1; i < n && v; i++, ++*steps)
        v = js_get_str(v, parts[i]);
    return v;
}

/* Only what stands within the data could have an object with that name: the data itself has not. */
static bool is_hidden(struct renderer *r, const struct scope *scope, struct str name)
{
    for (; scope != r->data; scope = scope->outer, r->steps++)
        if (js_get_str(scope->value, name))
            return true;
    return false;
}

static const struct js *look_up(struct renderer *r, const struct place *at, const struct node *node)
{
    const struct str *parts = home(at, node)->parts + node->parts;
    if ((node->flags & IN_SLOT) && !is_hidden(r, at->scope, parts[0]))
        return r->how->slots[node->slot];
    return find(at->scope, parts, node->parts_n, &r->steps);
}

const struct js *template_find(const struct scope *at, struct str name)
{
    struct str parts[NAME_PARTS_MAX], rest = name;
    size_t n = 0;
    uint32_t steps = 0;
    while (n < NAME_PARTS_MAX && str_next(&rest, '.', &parts[n]))
        n++;
    return n > 0 ? find(at, parts, n, &steps) : NULL;
}

static bool is_true(const struct js *v)
{
    switch (js_kind(v)) {
    case JS_ABSENT:
    case JS_NULL:
        return false;
    case JS_BOOL:
        return js_bool(v);
    case JS_TEXT:
        return js_text(v).n > 0;
    case JS_ARRAY:
        return js_count(v) > 0;
    case JS_INT:
    case JS_REAL:
    case JS_OBJECT:
        break;
    }
    return true;
}

/* ---- variables ------------------------------------------------------------------------------- */

bool render_value(
    struct renderer *r, const struct place *at, const struct node *node, const struct js *v)
{
    bool escaped = (node->flags & ESCAPED) != 0;
    buf_clear(&r->scratch);
    switch (js_kind(v)) {
    case JS_TEXT:
        return add_value(r, js_text(v), escaped);
    case JS_BOOL:
        return add(r, js_bool(v) ? STR("true") : STR("false"));
    case JS_INT:
        buf_add_i64(&r->scratch, js_int(v));
        return add(r, buf_str(&r->scratch));
    case JS_REAL:
        js_number_text(v, &r->scratch);
        return add(r, buf_str(&r->scratch));
    case JS_ABSENT:
    case JS_NULL:
        return !r->how->strict || fail(r, at, node, ERR_INPUT, "the variable", "is absent");
    case JS_ARRAY:
    case JS_OBJECT:
        break;
    }
    return !r->how->strict || fail(r, at, node, ERR_INPUT, "the variable", "is no single value");
}

/* Another template in this place, with indentation of its own or none. */
static bool render_inner(
    struct renderer *r, const struct place *at, const struct node *node, const struct place *inner)
{
    if (r->partials == PARTIALS_MAX)
        return fail(r, at, node, ERR_LIMIT, "at", "partials are nested more than 100 deep");
    size_t from = r->indent_from, n = r->indent.n;
    if (node->flags & STANDALONE)
        buf_add(&r->indent, node->lead);
    else
        r->indent_from = n;
    r->partials++;
    bool ok = r->indent.n <= r->max_bytes
                  ? render_nodes(r, inner, 0, inner->t->n)
                  : fail(r, at, node, ERR_LIMIT, "at", "the indentation is too deep");
    r->partials--;
    buf_cut(&r->indent, n);
    r->indent_from = from;
    return ok;
}

bool render_phrase(struct renderer *r, const struct place *at, const struct node *node,
    const struct template *phrase)
{
    bool before = r->as_text;
    r->as_text = before || (node->flags & ESCAPED);
    const struct place inner = {phrase, at->scope, NULL};
    bool ok = render_inner(r, at, node, &inner);
    r->as_text = before;
    return ok;
}

static bool render_variable(struct renderer *r, const struct place *at, const struct node *node)
{
    const struct render *how = r->how;
    if (r->flat)
        return flat_variable(r, at, node);
    if (how->phrase && !(node->flags & NO_PHRASE)) {
        const struct template *phrase = how->phrase(how->context, at->scope, node->text);
        if (phrase)
            return render_phrase(r, at, node, phrase);
    }
    const struct js *v = look_up(r, at, node);
    if (how->format && v) {
        buf_clear(&r->scratch);
        switch (how->format(how->context, node->text, v, &r->scratch, r->e)) {
        case FORMAT_DONE:
            return add_value(r, buf_str(&r->scratch), (node->flags & ESCAPED) != 0);
        case FORMAT_FAILED:
            return err_prefix(r->e, "template %s, line %u", home(at, node)->name, node->line);
        case FORMAT_LEFT:
            break;
        }
    }
    return render_value(r, at, node, v);
}

/* ---- elements -------------------------------------------------------------------------------- */

bool render_in(
    struct renderer *r, const struct place *at, const struct node *node, const struct js *v)
{
    const struct scope scope = {v, at->scope};
    const struct place inner = {at->t, &scope, at->frames};
    return render_nodes(r, &inner, (uint32_t)(node - at->t->nodes) + 1, node->end);
}

bool render_truth(
    struct renderer *r, const struct place *at, const struct node *node, const struct js *v)
{
    bool truth = is_true(v);
    if (node->kind == NODE_INVERTED)
        return truth || render_nodes(r, at, (uint32_t)(node - at->t->nodes) + 1, node->end);
    if (!truth)
        return true;
    if (js_kind(v) != JS_ARRAY)
        return render_in(r, at, node, v);
    size_t n = js_count(v);
    for (size_t i = 0; i < n; i++)
        if (!step(r, at, 1) || !render_in(r, at, node, js_at(v, i)))
            return false;
    return true;
}

static bool render_section(struct renderer *r, const struct place *at, const struct node *node)
{
    return r->flat ? flat_section(r, at, node) : render_truth(r, at, node, look_up(r, at, node));
}

/* The partial or parent that a node names; *out NULL where there is none. */
static bool find_partial(struct renderer *r, const struct place *at, const struct node *node,
    const struct template **out)
{
    struct str name = node->text;
    if (r->flat && (node->flags & DYNAMIC))
        return flat_give_up(r->e);
    if (node->flags & DYNAMIC)
        name = js_text(look_up(r, at, node));
    *out = r->how->partial && name.n > 0 ? r->how->partial(r->how->context, name) : NULL;
    return *out || !r->how->strict || fail(r, at, node, ERR_INPUT, "the partial", "does not exist");
}

static bool render_partial(struct renderer *r, const struct place *at, const struct node *node)
{
    struct place inner = {NULL, at->scope, at->frames};
    if (!find_partial(r, at, node, &inner.t))
        return false;
    return !inner.t || render_inner(r, at, node, &inner);
}

static bool render_parent(struct renderer *r, const struct place *at, const struct node *node)
{
    const struct frame frame = {at->t, node, at->frames};
    bool has_arguments = node->end > (uint32_t)(node - at->t->nodes) + 1;
    struct place inner = {NULL, at->scope, has_arguments ? &frame : at->frames};
    if (!find_partial(r, at, node, &inner.t))
        return false;
    return !inner.t || render_inner(r, at, node, &inner);
}

/* The argument that a block gets: the outermost frame's that has one of its name. */
static const struct node *find_argument(
    struct renderer *r, const struct place *at, struct str name, const struct frame **whose)
{
    const struct node *found = NULL;
    for (const struct frame *f = at->frames; f; f = f->outer) {
        uint32_t i = (uint32_t)(f->parent - f->t->nodes) + 1;
        for (; i < f->parent->end; i = f->t->nodes[i].end) {
            r->steps++;
            if (str_eq(f->t->nodes[i].text, name)) {
                found = &f->t->nodes[i];
                *whose = f;
                break;
            }
        }
    }
    return found;
}

/* An argument belongs to the template that wrote it: blocks within it are open to the frames around
 * that template, not to the arguments beside it. */
static bool render_argument(struct renderer *r, const struct place *at, const struct node *block,
    const struct node *argument, const struct frame *whose)
{
    const struct place inner = {whose->t, at->scope, whose->outer};
    uint32_t from = (uint32_t)(argument - whose->t->nodes) + 1;
    size_t n = r->indent.n;
    if (block->flags & STANDALONE) {
        buf_add(&r->indent, block->flags & ENDS_LINE ? block->inward : block->lead);
        bool begins_here = !(argument->flags & ENDS_LINE) && from < argument->end;
        if (begins_here && !add_indent(r))
            return false;
    } else {
        r->begun_at = r->out->n;
    }
    bool ok = render_nodes(r, &inner, from, argument->end);
    buf_cut(&r->indent, n);
    return ok;
}

static bool render_block(struct renderer *r, const struct place *at, const struct node *node)
{
    const struct frame *whose = NULL;
    const struct node *argument = find_argument(r, at, node->text, &whose);
    if (argument)
        return render_argument(r, at, node, argument, whose);
    size_t n = r->indent.n;
    if ((node->flags & STANDALONE) && (node->flags & ENDS_LINE))
        buf_add(&r->indent, node->lead);
    bool ok = render_nodes(r, at, (uint32_t)(node - at->t->nodes) + 1, node->end);
    buf_cut(&r->indent, n);
    return ok;
}

static bool render_node(struct renderer *r, const struct place *at, const struct node *node)
{
    switch ((enum node_kind)node->kind) {
    case NODE_TEXT:
        return render_text(r, at->t, node);
    case NODE_VARIABLE:
        return render_variable(r, at, node);
    case NODE_SECTION:
    case NODE_INVERTED:
        return render_section(r, at, node);
    case NODE_PARTIAL:
        return render_partial(r, at, node);
    case NODE_PARENT:
        return render_parent(r, at, node);
    case NODE_BLOCK:
        return render_block(r, at, node);
    }
    return true;
}

bool render_nodes(struct renderer *r, const struct place *at, uint32_t from, uint32_t to)
{
    if (r->depth == DEPTH_MAX)
        return err_set(r->e, ERR_LIMIT,
            "template %s: sections and partials are nested more than %d deep", at->t->name,
            DEPTH_MAX);
    r->depth++;
    bool ok = true;
    for (uint32_t i = from; ok && i < to; i = at->t->nodes[i].end)
        ok = step(r, at, 1) && render_node(r, at, &at->t->nodes[i]);
    r->depth--;
    return ok;
}

bool render_run(
    struct renderer *r, const struct template *t, const struct js *data, const struct scope *behind)
{
    const struct scope scope = {data, behind};
    const struct place place = {t, &scope, NULL};
    r->data = &scope;
    r->start = r->out->n;
    r->begun_at = SIZE_MAX;
    bool ok = render_nodes(r, &place, 0, t->n);
    buf_close(&r->indent);
    buf_close(&r->scratch);
    return ok;
}

bool template_render(const struct template *t, const struct js *data, const struct render *how,
    struct buf *out, struct err *e)
{
    const struct scope last = {how->behind[1], NULL};
    const struct scope behind = {how->behind[0], &last};
    struct renderer r = {
        .how = how,
        .out = out,
        .max_bytes = how->max_bytes ? how->max_bytes : BYTES_MAX,
        .e = e,
    };
    if (t->is_flat) /* most of it is literal; values are short */
        buf_room(out, t->source.n + t->source.n / 4 + 64);
    return render_run(&r, t, data, &behind);
}
