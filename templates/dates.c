/* dates -- which values of one piece of data are dates. */
#include "templates/variables.h"

/* JSON has one kind of text, so the dates of one piece of data are found by their address: a small hash table. */
struct dates_of {
    struct date_place {
        const struct js *value;
        enum variable_type type;
    } * v;
    size_t n, cap; /* a power of two */
    struct arena *arena;
};

static struct date_place *slot(const struct dates_of *d, const struct js *value)
{
    size_t at = ((uintptr_t)value >> 4) * 0x9e3779b1u;
    while (d->v[at & (d->cap - 1)].value && d->v[at & (d->cap - 1)].value != value)
        at++;
    return &d->v[at & (d->cap - 1)];
}

static void remember(struct dates_of *d, const struct js *value, enum variable_type type)
{
    if (2 * d->n >= d->cap) {
        struct dates_of wider = {.cap = d->cap ? 2 * d->cap : 16, .n = d->n, .arena = d->arena};
        wider.v = arena_array(d->arena, wider.cap, sizeof *wider.v);
        for (size_t i = 0; i < d->cap; i++)
            if (d->v[i].value)
                *slot(&wider, d->v[i].value) = d->v[i];
        *d = wider;
    }
    *slot(d, value) = (struct date_place){value, type};
    d->n++;
}

static void walk(struct dates_of *d, const struct variable *v, const struct js *value)
{
    if ((v->type == VARIABLE_DATE || v->type == VARIABLE_DATETIME) && js_kind(value) == JS_TEXT)
        remember(d, value, v->type);
    if (v->type == VARIABLE_LIST)
        for (size_t i = 0; i < js_count(value); i++)
            walk(d, v->element, js_at(value, i));
    for (const struct variable *m = v->members; m; m = m->next)
        walk(d, m, js_get_str(value, m->name));
}

struct dates_of *variables_dates(
    const struct variable *root, const struct js *data, struct arena *a)
{
    struct dates_of *d = ARENA_NEW(a, struct dates_of);
    d->arena = a;
    walk(d, root, data);
    return d;
}

enum variable_type variables_type_of(const struct dates_of *d, const struct js *value)
{
    if (d->n == 0)
        return VARIABLE_TEXT;
    const struct date_place *p = slot(d, value);
    return p->value ? p->type : VARIABLE_TEXT;
}
