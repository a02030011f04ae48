/* check -- data against its declarations: everything that is wrong, each with its place and what would be right. */
#include "templates/format.h"
#include "templates/variables.h"

struct check {
    struct faults *faults;
    struct arena *arena;
};

static void check_value(
    struct check *c, const struct variable *v, const struct js *value, struct str at);

static void wants(struct check *c, const struct js *value, struct str at, const char *what)
{
    faults_add(
        c->faults, "variable-type", at, "must be %s, not %s", what, js_kind_name(js_kind(value)));
}

static void check_text(
    struct check *c, const struct variable *v, const struct js *value, struct str at)
{
    struct str s = js_text(value);
    if (js_kind(value) != JS_TEXT)
        wants(c, value, at, "a string");
    else if (s.n > v->max)
        faults_add(c->faults, "variable-value", at, "must have at most %zu bytes, it has %zu",
            v->max, s.n);
    else if (!v->lines && str_has_control(s))
        faults_add(c->faults, "variable-value", at, "must be one line without control characters");
    else if (!v->optional && str_trim(s).n == 0)
        faults_add(c->faults, "variable-value", at, "must not be empty");
}

static void check_lines(struct check *c, struct str s, struct str at)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\n' && s.p[i] != '\r' && s.p[i] != '\t') ||
            s.p[i] == 0x7f) {
            faults_add(c->faults, "variable-value", at,
                "must not hold control characters besides line breaks");
            return;
        }
}

static bool is_url(struct str s)
{
    if (!str_starts_nocase(s, STR("https://")) || s.n == 8)
        return false;
    char first = s.p[8];
    for (size_t i = 8; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || strchr("\"<>\\^`{|}", s.p[i]))
            return false;
    return first != '/' && first != '?' && first != '#' && first != ':' && first != '@';
}

static void check_url(
    struct check *c, const struct variable *v, const struct js *value, struct str at)
{
    if (js_kind(value) != JS_TEXT)
        wants(c, value, at, "a string");
    else if (js_text(value).n > v->max)
        faults_add(c->faults, "variable-value", at, "must have at most %zu bytes", v->max);
    else if (!is_url(js_text(value)))
        faults_add(c->faults, "variable-value", at, "must be a URL that begins with https://");
}

static void check_money(struct check *c, const struct js *value, struct str at)
{
    const struct js *amount = js_get(value, "amount"), *currency = js_get(value, "currency");
    if (js_kind(value) != JS_OBJECT || js_kind(amount) != JS_TEXT || js_kind(currency) != JS_TEXT) {
        faults_add(c->faults, "variable-type", at,
            "must be {\"amount\": \"12.50\", \"currency\": \"EUR\"}, the amount a string");
        return;
    }
    struct js_iter it = {0};
    while (js_next(value, &it))
        if (!str_is(it.key, "amount") && !str_is(it.key, "currency"))
            faults_add(c->faults, "variable-unknown", fault_pointer(c->arena, at, it.key),
                "an amount has \"amount\" and \"currency\" only");
    if (!format_is_currency(js_text(currency)))
        faults_add(c->faults, "variable-value", fault_pointer(c->arena, at, STR("currency")),
            "must be a currency code of ISO 4217, e.g. EUR");
    else if (!format_is_amount(js_text(amount), js_text(currency)))
        faults_add(c->faults, "variable-value", fault_pointer(c->arena, at, STR("amount")),
            "must be decimal digits with at most %d decimals for " STR_FMT ", e.g. \"%s\"",
            format_currency_digits(js_text(currency)), STR_ARG(js_text(currency)),
            format_currency_digits(js_text(currency)) == 0 ? "1250" : "12.50");
}

static void check_dates(
    struct check *c, const struct variable *v, const struct js *value, struct str at)
{
    if (js_kind(value) != JS_TEXT)
        wants(c, value, at, "a string");
    else if (v->type == VARIABLE_DATE && !format_is_date(js_text(value)))
        faults_add(c->faults, "variable-value", at, "must be a day that exists, e.g. 2026-11-21");
    else if (v->type == VARIABLE_DATETIME && !format_is_datetime(js_text(value)))
        faults_add(c->faults, "variable-value", at,
            "must be a time as in RFC 3339, e.g. 2026-11-21T08:30:00+01:00");
}

static void check_list(
    struct check *c, const struct variable *v, const struct js *value, struct str at)
{
    size_t n = js_count(value);
    if (js_kind(value) != JS_ARRAY) {
        wants(c, value, at, "an array");
        return;
    }
    if (n > v->max)
        faults_add(c->faults, "variable-value", at, "must have at most %zu members, it has %zu",
            v->max, n);
    if (n == 0 && !v->optional)
        faults_add(c->faults, "variable-value", at, "must not be empty");
    for (size_t i = 0; i < n && i < v->max; i++)
        check_value(c, v->element, js_at(value, i),
            str_of(arena_printf(c->arena, STR_FMT "/%zu", STR_ARG(at), i)));
}

static void check_object(
    struct check *c, const struct variable *v, const struct js *value, struct str at)
{
    if (js_kind(value) != JS_OBJECT) {
        wants(c, value, at, "an object");
        return;
    }
    for (const struct variable *m = v->members; m; m = m->next) {
        const struct js *member = js_get_str(value, m->name);
        struct str place = fault_pointer(c->arena, at, m->name);
        bool absent = js_kind(member) == JS_ABSENT || js_kind(member) == JS_NULL;
        if (!absent)
            check_value(c, m, member, place);
        else if (!m->optional && m->type == VARIABLE_OBJECT && m->members) {
            AUTO(js_close) struct js *nothing = js_object();
            check_object(c, m, nothing, place); /* names each thing that is missing inside */
        } else if (!m->optional)
            faults_add(c->faults, "variable-missing", place, "is required by this mail");
    }
    struct js_iter it = {0};
    while (js_next(value, &it))
        if (!variable_member(v, it.key))
            faults_add(c->faults, "variable-unknown", fault_pointer(c->arena, at, it.key),
                "this mail has no such variable");
}

static void check_value(
    struct check *c, const struct variable *v, const struct js *value, struct str at)
{
    switch (v->type) {
    case VARIABLE_TEXT:
        check_text(c, v, value, at);
        if (v->lines)
            check_lines(c, js_text(value), at);
        break;
    case VARIABLE_URL:
        check_url(c, v, value, at);
        break;
    case VARIABLE_INTEGER:
        if (js_kind(value) != JS_INT)
            wants(c, value, at, "a whole number");
        break;
    case VARIABLE_FLAG:
        if (js_kind(value) != JS_BOOL)
            wants(c, value, at, "true or false");
        break;
    case VARIABLE_MONEY:
        check_money(c, value, at);
        break;
    case VARIABLE_DATE:
    case VARIABLE_DATETIME:
        check_dates(c, v, value, at);
        break;
    case VARIABLE_LIST:
        check_list(c, v, value, at);
        break;
    case VARIABLE_OBJECT:
        check_object(c, v, value, at);
        break;
    }
}

void variables_check(
    const struct variable *root, const struct js *data, struct str at, struct faults *faults)
{
    struct check c = {faults, faults->arena};
    check_object(&c, root, data, at);
}

/* ---- which values are dates ------------------------------------------------------------------ */

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
