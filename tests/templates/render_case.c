#include "tests/templates/render_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct shelf {
    struct template *compiled[PARTIALS];
    const struct render_case *c;
};

static const struct template *find(void *context, struct str name)
{
    const struct shelf *s = context;
    for (size_t i = 0; i < PARTIALS && s->c->partials[i].name; i++)
        if (str_is(name, s->c->partials[i].name))
            return s->compiled[i];
    return NULL;
}

static void close_shelf(struct shelf *s)
{
    for (size_t i = 0; i < PARTIALS; i++)
        template_close(&s->compiled[i]);
}

static struct standing in_data(void *context, struct str name)
{
    (void)context, (void)name;
    return (struct standing){.kind = STANDS_IN_DATA};
}

/* A flat template gives the same bytes, or is wrong where the template itself is. */
static bool render_both_ways(const struct template *t, const struct js *data,
    const struct render *how, struct buf *out, struct err *e)
{
    AUTO(template_close) struct template *flat = NULL;
    AUTO(buf_close) struct buf flat_out = {0};
    struct err flat_e = {0};
    size_t start = out->n;
    bool ok = template_render(t, data, how, out, e);
    if (!template_flatten(t, how, in_data, &flat))
        return ok;
    bool flat_ok = template_render(flat, data, how, &flat_out, &flat_e);
    struct str rendered = str_slice(buf_str(out), start, out->n);
    if (flat_ok != ok || (ok && !str_eq(buf_str(&flat_out), rendered)) ||
        (!ok && strcmp(e->text, flat_e.text) != 0))
        fail_msg("flat: \"%s\" %s\nnot: \"%s\" %s", buf_text(&flat_out), flat_e.text, buf_text(out),
            e->text);
    return ok;
}

bool render_text_case(const struct render_case *c, enum escape escape, bool strict,
    size_t max_bytes, struct buf *out, struct err *e)
{
    AUTO(close_shelf) struct shelf shelf = {.c = c};
    for (size_t i = 0; i < PARTIALS && c->partials[i].name; i++)
        if (!template_compile(
                c->partials[i].name, str_of(c->partials[i].text), &shelf.compiled[i], e))
            return false;
    AUTO(template_close) struct template *t = NULL;
    AUTO(js_close) struct js *data = NULL;
    if (!template_compile("main", str_of(c->source), &t, e) ||
        !js_parse(str_of(c->data ? c->data : "{}"), &data, e))
        return false;
    const struct render how = {.escape = escape,
        .strict = strict,
        .max_bytes = max_bytes,
        .partial = find,
        .context = &shelf};
    return render_both_ways(t, data, &how, out, e);
}

void check_cases(const struct render_case *cases, size_t n)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        AUTO(buf_close) struct buf out = {0};
        struct err e = {0};
        bool ok = render_text_case(&cases[i], ESCAPE_HTML, false, 0, &out, &e);
        if (ok && strcmp(buf_text(&out), cases[i].expected) == 0)
            continue;
        wrong++;
        print_error("%s:\n  expected \"%s\"\n  but got  \"%s\"\n", cases[i].name, cases[i].expected,
            ok ? buf_text(&out) : e.text);
    }
    assert_int_equal(wrong, 0);
}
