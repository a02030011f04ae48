#include "base/said.h"

bool said_next(struct str *rest, struct str *text, struct str *name)
{
    size_t open = str_find(*rest, STR("{{"), 0);
    size_t close = str_find(*rest, STR("}}"), open);
    *text = *rest;
    *name = STR("");
    if (close == rest->n)
        return false;
    *text = str_slice(*rest, 0, open);
    *name = str_slice(*rest, open + 2, close);
    *rest = str_slice(*rest, close + 2, rest->n);
    return true;
}

static void add_value(const struct said *s, struct str name, struct str inner, struct buf *out)
{
    if (s->inner && str_is(name, "said")) {
        buf_add(out, inner);
        return;
    }
    for (size_t i = 0; i < s->values_n; i++)
        if (str_is(name, s->values[i].name)) {
            buf_add_text(out, s->values[i].text);
            return;
        }
    buf_addf(out, "{{" STR_FMT "}}", STR_ARG(name)); /* tests look for it */
}

static void fill(const struct said *s, struct str pattern, struct str inner, struct buf *out)
{
    struct str text, name;
    while (said_next(&pattern, &text, &name)) {
        buf_add(out, text);
        add_value(s, name, inner, out);
    }
    buf_add(out, text);
}

static const char *printable(struct arena *a, const char *text)
{
    char *copy = arena_text(a, str_of(text));
    for (char *c = copy; *c; c++)
        if (*c < ' ' || *c >= 0x7f)
            *c = '?';
    return copy;
}

static const struct said_value *copy_values(
    struct arena *a, const struct said_value *values, size_t n)
{
    struct said_value *copies = arena_array(a, n + 1, sizeof *copies);
    for (size_t i = 0; i < n; i++)
        copies[i] = (struct said_value){
            arena_text(a, str_of(values[i].name)), printable(a, values[i].text)};
    return copies;
}

static const struct said *copy_inner(struct arena *a, const struct said *inner)
{
    struct said *copy = inner ? ARENA_NEW(a, struct said) : NULL;
    if (copy)
        *copy = said_copy(a, *inner);
    return copy;
}

struct said said_make(struct arena *a, const char *key, const char *english,
    const struct said *inner, const struct said_value *values)
{
    AUTO(buf_close) struct buf whole = {0};
    struct said out = {.key = key, .inner = copy_inner(a, inner)};
    while (values && values[out.values_n].name[0])
        out.values_n++;
    out.values = copy_values(a, values, out.values_n);
    fill(&out, str_of(english), str_of(inner ? inner->text : ""), &whole);
    out.text = arena_text(a, buf_str(&whole));
    return out;
}

struct said said_copy(struct arena *a, struct said s)
{
    return (struct said){.key = arena_text(a, str_of(s.key)),
        .text = printable(a, s.text),
        .values = copy_values(a, s.values, s.values_n),
        .values_n = s.values_n,
        .inner = copy_inner(a, s.inner)};
}

void said_tell(const struct said *s, said_look *look, void *context, struct buf *out)
{
    const char *pattern = s->key && s->key[0] ? look(context, s->key) : NULL;
    if (!pattern) {
        buf_add_text(out, s->text ? s->text : "");
        return;
    }
    AUTO(buf_close) struct buf inner = {0};
    if (s->inner)
        said_tell(s->inner, look, context, &inner);
    fill(s, str_of(pattern), buf_str(&inner), out);
}
