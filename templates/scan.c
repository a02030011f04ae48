/* scan -- finds the tags of a template, pairs them, and decides which white space goes with which.
 *
 * White space, from the specification and its notes on whitespace: a tag that is not an
 * interpolation and is alone on its line takes the line with it. A parent or a block may also be
 * alone as a whole element, when nothing but white space stands before its opening and behind its
 * closing tag. An argument (a block directly inside a parent) is a small template of its own: it
 * begins behind the line of its opening tag and ends where its closing tag's line begins. */
#include "templates/node.h"

#define DELIMITER_MAX 16

struct scanner {
    const struct template *t;
    struct str src;
    struct arena *arena;
    struct tags tags;
    size_t cap;
    struct str open, close; /* the delimiters in force */
    size_t at;              /* how far the source is read */
    uint32_t line;          /* the line of `at` */
    uint32_t nest[TEMPLATE_NESTING_MAX];
    size_t depth;
    struct err *e;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool fail(struct scanner *s, uint32_t line, const char *what, struct str name)
{
    return err_set(s->e, ERR_INPUT, "template %s, line %u: %s%s" STR_FMT, s->t->name, line, what,
        name.n > 0 ? " " : "", (int)(name.n < 80 ? name.n : 80), name.p);
}

static void advance(struct scanner *s, size_t to)
{
    for (; s->at < to; s->at++)
        s->line += s->src.p[s->at] == '\n';
}

static struct tag *new_tag(struct scanner *s)
{
    if (s->tags.n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 64;
        struct tag *v = arena_array(s->arena, cap, sizeof *v);
        if (s->tags.n > 0)
            memcpy(v, s->tags.v, s->tags.n * sizeof *v);
        s->tags.v = v;
        s->cap = cap;
    }
    return &s->tags.v[s->tags.n++];
}

/* {{=<% %>=}}; `body` is what lies between the two equals signs. */
static bool set_delimiters(struct scanner *s, struct str body, uint32_t line)
{
    body = str_trim(body);
    size_t end = 0;
    while (end < body.n && !is_space(body.p[end]))
        end++;
    struct str open = str_slice(body, 0, end), close = str_trim(str_slice(body, end, body.n));
    bool good = open.n > 0 && close.n > 0 && open.n <= DELIMITER_MAX && close.n <= DELIMITER_MAX &&
                str_find_char(body, '=', 0) == body.n;
    for (size_t i = 0; i < close.n; i++)
        good = good && !is_space(close.p[i]);
    if (!good)
        return fail(s, line, "delimiters are two words without '=', as in {{=<% %>=}}, not", body);
    s->open = open;
    s->close = close;
    return true;
}

static enum tag_kind kind_of(char sigil)
{
    switch (sigil) {
    case '{':
    case '&':
        return TAG_RAW;
    case '#':
        return TAG_SECTION;
    case '^':
        return TAG_INVERTED;
    case '>':
        return TAG_PARTIAL;
    case '<':
        return TAG_PARENT;
    case '$':
        return TAG_BLOCK;
    case '/':
        return TAG_CLOSE;
    case '!':
    case '=':
        return TAG_SILENT;
    default:
        return TAG_VARIABLE;
    }
}

static bool check_name(struct scanner *s, const struct tag *tag)
{
    if (tag->name.n == 0)
        return fail(s, tag->line, "a tag without a name", STR(""));
    for (size_t i = 0; i < tag->name.n; i++)
        if (is_space(tag->name.p[i]))
            return fail(s, tag->line, "a name cannot hold white space:", tag->name);
    return true;
}

static bool opens(enum tag_kind k)
{
    return k == TAG_SECTION || k == TAG_INVERTED || k == TAG_PARENT || k == TAG_BLOCK;
}

static struct tag *innermost(struct scanner *s)
{
    return s->depth > 0 ? &s->tags.v[s->nest[s->depth - 1]] : NULL;
}

/* Pairs the newest tag with the one it closes, or remembers it as open. */
static bool pair(struct scanner *s)
{
    struct tag *tag = &s->tags.v[s->tags.n - 1];
    struct tag *within = innermost(s);
    if (opens(tag->kind)) {
        if (s->depth == TEMPLATE_NESTING_MAX)
            return err_set(s->e, ERR_LIMIT,
                "template %s, line %u: sections are nested more than %d deep", s->t->name,
                tag->line, TEMPLATE_NESTING_MAX);
        tag->argument = tag->kind == TAG_BLOCK && within && within->kind == TAG_PARENT;
        s->nest[s->depth++] = (uint32_t)(s->tags.n - 1);
    } else if (tag->kind == TAG_CLOSE) {
        if (!within)
            return fail(s, tag->line, "nothing is open that this would close:", tag->name);
        if (!str_eq(within->name, tag->name) || within->dynamic != tag->dynamic)
            return fail(
                s, tag->line, "the section that is open here has another name than", tag->name);
        tag->match = s->nest[--s->depth];
        tag->argument = within->argument;
        within->match = (uint32_t)(s->tags.n - 1);
    }
    return true;
}

/* Where the closing delimiter of a tag begins; {{{x}}} and {{=a b=}} have a sign of their own
 * before it. */
static size_t find_close(const struct scanner *s, char sigil, size_t from)
{
    char text[DELIMITER_MAX + 2];
    size_t n = 0;
    if (sigil == '{' || sigil == '=')
        text[n++] = sigil == '{' ? '}' : '=';
    memcpy(text + n, s->close.p, s->close.n);
    return str_find(s->src, str_bytes(text, n + s->close.n), from);
}

static void take_name(struct tag *tag, struct str body)
{
    tag->name = str_trim(body);
    bool may_be_dynamic =
        tag->kind == TAG_PARTIAL || tag->kind == TAG_PARENT || tag->kind == TAG_CLOSE;
    if (may_be_dynamic && tag->name.n > 0 && tag->name.p[0] == '*') {
        tag->dynamic = true;
        tag->name = str_trim(str_slice(tag->name, 1, tag->name.n));
    }
}

/* Reads the tag whose opening delimiter stands at s->at. */
static bool read_tag(struct scanner *s)
{
    size_t from = s->at, p = from + s->open.n;
    uint32_t line = s->line;
    while (p < s->src.n && is_space(s->src.p[p]))
        p++;
    char sigil = p < s->src.n ? s->src.p[p] : 0;
    enum tag_kind kind = kind_of(sigil);
    p += kind != TAG_VARIABLE;
    size_t end = find_close(s, sigil, p);
    if (end == s->src.n)
        return fail(s, line, "a tag is not closed:", str_slice(s->src, from, from + 20));
    size_t to = end + s->close.n + (sigil == '{' || sigil == '=');
    struct str body = str_slice(s->src, p, end);
    advance(s, to);
    if (sigil == '=' && !set_delimiters(s, body, line))
        return false;
    struct tag *tag = new_tag(s);
    *tag = (struct tag){.kind = kind, .from = (uint32_t)from, .to = (uint32_t)to, .line = line};
    if (kind == TAG_SILENT)
        return true;
    take_name(tag, body);
    return check_name(s, tag) && pair(s);
}

/* ---- white space ----------------------------------------------------------------------------- */

static uint32_t line_begin(struct str src, uint32_t at)
{
    while (at > 0 && src.p[at - 1] != '\n')
        at--;
    return at;
}

/* Nothing but blanks between the start of the line and the tag. */
static bool clear_left(struct str src, uint32_t from)
{
    while (from > 0 && is_blank(src.p[from - 1]))
        from--;
    return from == 0 || src.p[from - 1] == '\n';
}

/* Nothing but blanks between the tag and the end of its line; *next is where the next line
 * begins. */
static bool clear_right(struct str src, uint32_t to, uint32_t *next)
{
    while (to < src.n && is_blank(src.p[to]))
        to++;
    if (to + 1 < src.n && src.p[to] == '\r' && src.p[to + 1] == '\n')
        to++;
    *next = to < src.n ? to + 1 : to;
    return to == src.n || src.p[to] == '\n';
}

static void cut_left(struct str src, struct tag *tag)
{
    tag->cut_from = line_begin(src, tag->from);
    tag->cut_left = true;
}

static void cut_alone(struct str src, struct tag *tag)
{
    uint32_t next;
    if (clear_left(src, tag->from) && clear_right(src, tag->to, &next)) {
        cut_left(src, tag);
        tag->cut_to = next;
        tag->standalone = true;
    }
}

static void cut_parent(struct str src, struct tag *open, struct tag *close)
{
    uint32_t next;
    if (clear_left(src, open->from) && clear_right(src, close->to, &next)) {
        open->standalone = true;
        cut_left(src, open);
        close->cut_to = next;
    }
}

static void cut_argument(struct str src, struct tag *open, struct tag *close)
{
    uint32_t next;
    open->ends_line = clear_right(src, open->to, &next);
    if (open->ends_line)
        open->cut_to = next;
    if (clear_left(src, close->from))
        cut_left(src, close);
}

static void cut_block(struct str src, struct tag *open, struct tag *close)
{
    uint32_t next;
    if (!clear_left(src, open->from) || !clear_right(src, close->to, &next)) {
        cut_alone(src, open);
        cut_alone(src, close);
        open->standalone = false;
        return;
    }
    open->standalone = true;
    cut_left(src, open);
    open->ends_line = clear_right(src, open->to, &next);
    if (open->ends_line)
        open->cut_to = next;
    cut_alone(src, close);
}

static void cut(struct str src, struct tags *tags)
{
    for (size_t i = 0; i < tags->n; i++) {
        tags->v[i].cut_from = tags->v[i].from;
        tags->v[i].cut_to = tags->v[i].to;
    }
    for (size_t i = 0; i < tags->n; i++) {
        struct tag *tag = &tags->v[i], *mate = &tags->v[tag->match];
        enum tag_kind kind = tag->kind == TAG_CLOSE ? mate->kind : tag->kind;
        if (kind == TAG_VARIABLE || kind == TAG_RAW)
            continue;
        if (kind != TAG_PARENT && kind != TAG_BLOCK)
            cut_alone(src, tag);
        else if (tag->kind == TAG_PARENT)
            cut_parent(src, tag, mate);
        else if (tag->kind == TAG_BLOCK && tag->argument)
            cut_argument(src, tag, mate);
        else if (tag->kind == TAG_BLOCK)
            cut_block(src, tag, mate);
    }
}

bool scan_tags(const struct template *t, struct arena *a, struct tags *out, struct err *e)
{
    struct scanner s = {.t = t,
        .src = t->source,
        .arena = a,
        .open = STR("{{"),
        .close = STR("}}"),
        .line = 1,
        .e = e};
    for (;;) {
        size_t next = str_find(s.src, s.open, s.at);
        advance(&s, next);
        if (next == s.src.n)
            break;
        if (!read_tag(&s))
            return false;
    }
    if (s.depth > 0)
        return fail(&s, innermost(&s)->line, "never closed:", innermost(&s)->name);
    cut(s.src, &s.tags);
    *out = s.tags;
    return true;
}
