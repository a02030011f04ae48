/* parse -- turns tags into nodes: names split at their dots, text as slices, blocks without the
 * indentation that they were written with.
 *
 * A block's content is written somewhere and shown somewhere else. The white space that its first
 * line begins with (`inward`) is taken off each of its lines here; render.c puts that of the place
 * of showing before them. Inside nested blocks the longest fitting one is taken off. An argument
 * starts afresh: it leaves its surroundings altogether. */
#include "templates/node.h"

struct element {
    uint32_t node;  /* to be told its end */
    size_t margins; /* how many held before it */
    bool parent;    /* only blocks directly inside count */
};

struct parser {
    struct template *t;
    const struct tags *tags;
    size_t nodes_cap, parts_n;
    struct element nest[TEMPLATE_NESTING_MAX];
    size_t depth;
    struct str margins[TEMPLATE_NESTING_MAX];
    size_t margins_n;
    struct err *e;
};

static struct node *new_node(struct parser *p, enum node_kind kind, uint32_t line)
{
    struct template *t = p->t;
    if (t->n == p->nodes_cap) {
        size_t cap = p->nodes_cap ? 2 * p->nodes_cap : 32;
        struct node *v = arena_array(t->arena, cap, sizeof *v);
        if (t->n > 0)
            memcpy(v, t->nodes, t->n * sizeof *v);
        t->nodes = v;
        p->nodes_cap = cap;
    }
    struct node *node = &t->nodes[t->n++];
    *node = (struct node){.kind = (uint8_t)kind, .line = line, .end = t->n};
    return node;
}

/* ---- text ------------------------------------------------------------------------------------ */

static bool begins_line(const struct parser *p, size_t at)
{
    return at == 0 || p->t->source.p[at - 1] == '\n';
}

/* How many bytes of margin stand at the line that begins at `at`. */
static size_t margin_at(const struct parser *p, size_t at)
{
    struct str line = str_slice(p->t->source, at, p->t->source.n);
    for (size_t i = p->margins_n; i > 0; i--)
        if (str_starts(line, p->margins[i - 1]))
            return p->margins[i - 1].n;
    return 0;
}

static void add_text(struct parser *p, size_t from, size_t to, bool line_start, uint32_t line)
{
    struct node *node = new_node(p, NODE_TEXT, line);
    node->text = str_slice(p->t->source, from, to);
    node->flags = line_start ? LINE_START : 0;
}

/* The literal text between two tags. A tag that follows in place, on a line that it begins, still
 * gets an empty text, for the indentation. */
static void parse_text(struct parser *p, size_t from, size_t to, bool in_place, uint32_t line)
{
    size_t run = from;
    bool run_starts = begins_line(p, from);
    for (size_t at = from; at < to && p->margins_n > 0;) {
        size_t margin = begins_line(p, at) ? margin_at(p, at) : 0;
        if (margin > 0) {
            if (at > run)
                add_text(p, run, at, run_starts, line);
            run = at + margin;
            run_starts = true;
        }
        at = str_find_char(p->t->source, '\n', at) + 1;
    }
    if (run < to)
        add_text(p, run, to, run_starts, line);
    bool tag_starts = begins_line(p, to) || (run == to && run_starts);
    if (in_place && tag_starts)
        add_text(p, to, to, true, line);
}

/* The white space before a tag that has its line to itself, less the margin. */
static struct str lead_of(const struct parser *p, const struct tag *tag)
{
    return str_slice(p->t->source, tag->cut_from + margin_at(p, tag->cut_from), tag->from);
}

static struct str blanks_at(const struct parser *p, size_t at)
{
    size_t end = at;
    while (end < p->t->source.n && (p->t->source.p[end] == ' ' || p->t->source.p[end] == '\t'))
        end++;
    return str_slice(p->t->source, at, end);
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool split_name(struct parser *p, struct node *node)
{
    node->parts = (uint32_t)p->parts_n;
    if (str_is(node->text, "."))
        return true; /* no parts: the context itself */
    size_t from = 0;
    for (;;) {
        size_t dot = str_find_char(node->text, '.', from);
        if (node->parts_n == NAME_PARTS_MAX)
            return err_set(p->e, ERR_LIMIT, "template %s, line %u: a name has more than %d parts",
                p->t->name, node->line, NAME_PARTS_MAX);
        p->t->parts[p->parts_n++] = str_slice(node->text, from, dot);
        node->parts_n++;
        if (dot == node->text.n)
            return true;
        from = dot + 1;
    }
}

/* Room for the parts of all names: one more than there are dots. */
static void reserve_parts(struct parser *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->tags->n; i++) {
        struct str name = p->tags->v[i].name;
        n++;
        for (size_t at = 0; at < name.n; at++)
            n += name.p[at] == '.';
    }
    p->t->parts = arena_array(p->t->arena, n + 1, sizeof *p->t->parts);
}

/* ---- tags ------------------------------------------------------------------------------------ */

static void enter(struct parser *p, uint32_t node, bool parent)
{
    p->nest[p->depth++] = (struct element){node, p->margins_n, parent};
}

static void leave(struct parser *p)
{
    struct element *el = &p->nest[--p->depth];
    p->t->nodes[el->node].end = p->t->n;
    p->margins_n = el->margins;
}

static void parse_block(struct parser *p, const struct tag *tag, struct node *node)
{
    uint32_t index = (uint32_t)(node - p->t->nodes);
    struct str margin = tag->ends_line ? blanks_at(p, tag->cut_to) : STR("");
    size_t outer = margin.n == 0 ? 0 : margin_at(p, tag->cut_to);
    node->inward = str_slice(margin, outer, margin.n);
    if (tag->ends_line)
        node->flags |= ENDS_LINE;
    if (tag->standalone && !tag->argument) {
        node->flags |= STANDALONE;
        node->lead = lead_of(p, tag);
    }
    bool shows_lead = (node->flags & STANDALONE) && !tag->ends_line;
    struct str lead = node->lead;
    enter(p, index, false);
    if (margin.n > 0)
        p->margins[p->margins_n++] = margin;
    if (shows_lead) { /* the default goes on in the tag's own line */
        struct node *text = new_node(p, NODE_TEXT, tag->line);
        text->text = lead;
        text->flags = LINE_START;
    }
}

static bool parse_tag(struct parser *p, const struct tag *tag)
{
    static const enum node_kind kinds[] = {
        [TAG_VARIABLE] = NODE_VARIABLE,
        [TAG_RAW] = NODE_VARIABLE,
        [TAG_SECTION] = NODE_SECTION,
        [TAG_INVERTED] = NODE_INVERTED,
        [TAG_PARTIAL] = NODE_PARTIAL,
        [TAG_PARENT] = NODE_PARENT,
        [TAG_BLOCK] = NODE_BLOCK,
    };
    if (tag->kind == TAG_SILENT)
        return true;
    if (tag->kind == TAG_CLOSE) {
        leave(p);
        return true;
    }
    struct node *node = new_node(p, kinds[tag->kind], tag->line);
    node->text = tag->name;
    node->flags =
        (uint8_t)((tag->kind == TAG_VARIABLE ? ESCAPED : 0) | (tag->dynamic ? DYNAMIC : 0));
    bool is_data =
        node->kind == NODE_VARIABLE || node->kind == NODE_SECTION || node->kind == NODE_INVERTED;
    if ((is_data || tag->dynamic) && !split_name(p, node))
        return false;
    if ((tag->kind == TAG_PARTIAL || tag->kind == TAG_PARENT) && tag->standalone) {
        node->flags |= STANDALONE;
        node->lead = lead_of(p, tag);
    }
    if (tag->kind == TAG_BLOCK)
        parse_block(p, tag, node);
    else if (tag->kind == TAG_SECTION || tag->kind == TAG_INVERTED || tag->kind == TAG_PARENT)
        enter(p, (uint32_t)(node - p->t->nodes), tag->kind == TAG_PARENT);
    return true;
}

bool parse_nodes(struct template *t, const struct tags *tags, struct err *e)
{
    struct parser p = {.t = t, .tags = tags, .e = e};
    reserve_parts(&p);
    size_t at = 0;
    for (size_t i = 0; i < tags->n; i++) {
        const struct tag *tag = &tags->v[i];
        bool in_parent = p.depth > 0 && p.nest[p.depth - 1].parent;
        if (in_parent && !tag->argument && tag->kind != TAG_CLOSE) {
            if (tag->match > i) /* what a parent holds besides its arguments is not shown */
                i = tag->match;
            at = tags->v[i].cut_to;
            continue;
        }
        if (!in_parent)
            parse_text(&p, at, tag->cut_from, !tag->cut_left, tag->line);
        if (!parse_tag(&p, tag))
            return false;
        at = tag->cut_to;
    }
    parse_text(&p, at, t->source.n, false, tags->n > 0 ? tags->v[tags->n - 1].line : 1);
    return true;
}
