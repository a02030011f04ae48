#include "dns/xml.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str skip_space(struct str s)
{
    while (s.n > 0 && is_space(s.p[0]))
        s = str_slice(s, 1, s.n);
    return s;
}

/* Names are taken broadly: what matters is where they end. */
static size_t name_length(struct str s)
{
    size_t n = 0;
    while (n < s.n && !is_space(s.p[n]) && s.p[n] != 0 && !strchr("<>/=\"'&?", s.p[n]))
        n++;
    return n;
}

struct str xml_local(struct str name)
{
    size_t colon = str_find_char(name, ':', 0);
    return colon < name.n ? str_slice(name, colon + 1, name.n) : name;
}

bool xml_attribute(struct str *attributes, struct str *name, struct str *value)
{
    struct str s = skip_space(*attributes);
    size_t n = name_length(s);
    if (n == 0)
        return false;
    *name = str_slice(s, 0, n);
    s = skip_space(str_slice(s, n, s.n));
    if (s.n == 0 || s.p[0] != '=')
        return false;
    s = skip_space(str_slice(s, 1, s.n));
    if (s.n == 0 || (s.p[0] != '"' && s.p[0] != '\''))
        return false;
    size_t end = str_find_char(s, s.p[0], 1);
    if (end == s.n)
        return false;
    *value = str_slice(s, 1, end);
    *attributes = str_slice(s, end + 1, s.n);
    return str_find_char(*value, '<', 0) == value->n;
}

static bool attributes_are_fine(struct str attributes)
{
    struct str name, value;
    while (xml_attribute(&attributes, &name, &value))
        if (attributes.n > 0 && !is_space(attributes.p[0]))
            return false;
    return skip_space(attributes).n == 0;
}

void xml_begin(struct xml *x, struct str bytes)
{
    x->rest = bytes;
    x->depth = 0;
    x->had_root = false;
    if (str_starts(x->rest, STR("\xef\xbb\xbf")))
        x->rest = str_slice(x->rest, 3, x->rest.n);
}

static void broken(struct xml *x, struct xml_event *out)
{
    x->rest = STR("");
    x->depth = 0;
    x->had_root = false;
    out->kind = XML_BROKEN;
}

/* What stands between `before` bytes from here and `end`; false when `end` never comes. */
static bool cut(struct xml *x, size_t before, struct str end, struct str *inside)
{
    size_t at = str_find(x->rest, end, before);
    if (at == x->rest.n)
        return false;
    *inside = str_slice(x->rest, before, at);
    x->rest = str_slice(x->rest, at + end.n, x->rest.n);
    return true;
}

/* An internal subset may hold ">" and even "]>" in quotes; nobody reads further behind a DOCTYPE than to its end. */
static bool cut_doctype(struct xml *x)
{
    struct str inside;
    size_t bracket = str_find_char(x->rest, '[', 0), end = str_find_char(x->rest, '>', 0);
    return bracket < end ? cut(x, bracket, STR("]"), &inside) && cut(x, 0, STR(">"), &inside)
                         : cut(x, 0, STR(">"), &inside);
}

/* The ">" that ends a tag: not one within quotes. */
static size_t tag_end(struct str s)
{
    char quote = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (quote)
            quote = s.p[i] == quote ? 0 : quote;
        else if (s.p[i] == '"' || s.p[i] == '\'')
            quote = s.p[i];
        else if (s.p[i] == '>')
            return i;
    }
    return s.n;
}

static bool read_close(struct xml *x, struct xml_event *out)
{
    struct str inside;
    if (!cut(x, 2, STR(">"), &inside))
        return false;
    out->kind = XML_CLOSE;
    out->name = str_slice(inside, 0, name_length(inside));
    if (skip_space(str_slice(inside, out->name.n, inside.n)).n > 0 || x->depth == 0 ||
        !str_eq(out->name, x->open[x->depth - 1]))
        return false;
    x->depth--;
    return true;
}

static bool read_open(struct xml *x, struct xml_event *out)
{
    size_t end = tag_end(x->rest);
    if (end == x->rest.n || (x->depth == 0 && x->had_root))
        return false;
    struct str inside = str_slice(x->rest, 1, end);
    x->rest = str_slice(x->rest, end + 1, x->rest.n);
    out->kind = XML_OPEN;
    out->empty = str_ends(inside, STR("/"));
    if (out->empty)
        inside.n--;
    out->name = str_slice(inside, 0, name_length(inside));
    out->attributes = str_slice(inside, out->name.n, inside.n);
    if (out->name.n == 0 || !attributes_are_fine(out->attributes))
        return false;
    x->had_root = true;
    if (out->empty)
        return true;
    if (x->depth == XML_MAX_DEPTH)
        return false;
    x->open[x->depth++] = out->name;
    return true;
}

static bool read_text(struct xml *x, struct xml_event *out)
{
    size_t end = str_find_char(x->rest, '<', 0);
    out->kind = XML_TEXT;
    out->text = str_slice(x->rest, 0, end);
    x->rest = str_slice(x->rest, end, x->rest.n);
    return x->depth > 0 || skip_space(out->text).n == 0;
}

static bool read_instruction(struct xml *x, struct xml_event *out)
{
    struct str inside;
    if (!cut(x, 2, STR("?>"), &inside))
        return false;
    out->kind = XML_INSTRUCTION;
    out->name = str_slice(inside, 0, name_length(inside));
    out->text = str_slice(inside, out->name.n, inside.n);
    return out->name.n > 0;
}

static bool read_event(struct xml *x, struct xml_event *out)
{
    struct str comment;
    while (str_starts(x->rest, STR("<!--")))
        if (!cut(x, 4, STR("-->"), &comment))
            return false;
    if (x->rest.n == 0) {
        out->kind = XML_END;
        return x->depth == 0 && x->had_root;
    }
    if (x->rest.p[0] != '<')
        return read_text(x, out);
    if (str_starts(x->rest, STR("<![CDATA["))) {
        out->kind = XML_TEXT;
        return cut(x, 9, STR("]]>"), &out->text) && x->depth > 0;
    }
    if (str_starts(x->rest, STR("<!DOCTYPE"))) {
        out->kind = XML_DOCTYPE;
        return cut_doctype(x);
    }
    if (str_starts(x->rest, STR("<?")))
        return read_instruction(x, out);
    return str_starts(x->rest, STR("</")) ? read_close(x, out) : read_open(x, out);
}

void xml_next(struct xml *x, struct xml_event *out)
{
    *out = (struct xml_event){.name = STR(""), .attributes = STR(""), .text = STR("")};
    if (!read_event(x, out))
        broken(x, out);
}
