/* dates -- which values of one piece of data are dates. */
#include "templates/variables.h"

#include <stdlib.h>

/* JSON has one kind of text, so the dates of one piece of data are found by their address: a small hash table. */
static struct date_place *slot(const struct dates_of *d, const struct js *value)
{
    size_t at = ((uintptr_t)value >> 4) * 0x9e3779b1u;
    while (d->v[at & (d->cap - 1)].value && d->v[at & (d->cap - 1)].value != value)
        at++;
    return &d->v[at & (d->cap - 1)];
}

static void widen(struct dates_of *d)
{
    struct dates_of wider = {.cap = 2 * d->cap, .n = d->n};
    wider.v = calloc(wider.cap, sizeof *wider.v);
    if (!wider.v)
        err_out_of_memory();
    for (size_t i = 0; i < d->cap; i++)
        if (d->v[i].value)
            *slot(&wider, d->v[i].value) = d->v[i];
    variables_dates_close(d);
    d->v = wider.v;
    d->cap = wider.cap;
}

static void remember(struct dates_of *d, const struct js *value, enum variable_type type)
{
    if (2 * d->n >= d->cap)
        widen(d);
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

void variables_dates(const struct variable *root, const struct js *data, struct dates_of *out)
{
    *out = (struct dates_of){.v = out->few, .cap = COUNT_OF(out->few)};
    walk(out, root, data);
}

void variables_dates_close(struct dates_of *d)
{
    if (d->v != d->few)
        free(d->v);
}

enum variable_type variables_type_of(const struct dates_of *d, const struct js *value)
{
    if (d->n == 0)
        return VARIABLE_TEXT;
    const struct date_place *p = slot(d, value);
    return p->value ? p->type : VARIABLE_TEXT;
}
