/* check -- data against its declarations: everything that is wrong, each with its place and what would be right. */
#include <inttypes.h>

#include "templates/format.h"
#include "templates/variables.h"

struct check {
    struct faults *faults;
    struct arena *arena;
};

/* Where a value stands: a member of an object, or of a list by its number. A pointer is made of it only where something is
 * wrong. */
struct spot {
    const struct spot *outer; /* NULL: the data, whose pointer is `name` */
    struct str name;          /* of a member; that of a list has none */
    size_t number;
    bool in_list;
};

static struct str where(struct check *c, const struct spot *at)
{
    if (!at->outer || c->faults->n >= FAULTS_MAX) /* those are only counted */
        return at->name;
    struct str outer = where(c, at->outer);
    return at->in_list ? str_of(arena_printf(c->arena, STR_FMT "/%zu", STR_ARG(outer), at->number))
                       : fault_pointer(c->arena, outer, at->name);
}

static void check_value(
    struct check *c, const struct variable *v, const struct js *value, const struct spot *at);

static void wants(
    struct check *c, const struct variable *v, const struct js *value, const struct spot *at)
{
    faults_add(c->faults, "variable-type", where(c, at), "must be %s, not %s",
        variable_wanted(v, c->arena), js_kind_name(js_kind(value)));
}

static void check_text(
    struct check *c, const struct variable *v, const struct js *value, const struct spot *at)
{
    struct str s = js_text(value);
    if (js_kind(value) != JS_TEXT)
        wants(c, v, value, at);
    else if (s.n > v->max)
        faults_add(c->faults, "variable-value", where(c, at),
            "must have at most %zu bytes, it has %zu", v->max, s.n);
    else if (!v->lines && str_has_control(s))
        faults_add(c->faults, "variable-value", where(c, at),
            "must be one line without control characters");
    else if (!v->optional && str_trim(s).n == 0)
        faults_add(c->faults, "variable-value", where(c, at), "must not be empty");
}

static void check_lines(struct check *c, struct str s, const struct spot *at)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\n' && s.p[i] != '\r' && s.p[i] != '\t') ||
            s.p[i] == 0x7f) {
            faults_add(c->faults, "variable-value", where(c, at),
                "must not hold control characters besides line breaks");
            return;
        }
}

static bool belongs_in_url(char c)
{
    static const bool foreign[] = {['"'] = true,
        ['<'] = true,
        ['>'] = true,
        ['\\'] = true,
        ['^'] = true,
        ['`'] = true,
        ['{'] = true,
        ['|'] = true,
        ['}'] = true,
        [0x7f] = true};
    unsigned char u = (unsigned char)c;
    return u > ' ' && (u >= sizeof foreign || !foreign[u]);
}

static bool is_url(struct str s)
{
    if (!str_starts_nocase(s, STR("https://")) || s.n == 8)
        return false;
    char first = s.p[8];
    for (size_t i = 8; i < s.n; i++)
        if (!belongs_in_url(s.p[i]))
            return false;
    return first != '/' && first != '?' && first != '#' && first != ':' && first != '@';
}

static void check_url(
    struct check *c, const struct variable *v, const struct js *value, const struct spot *at)
{
    if (js_kind(value) != JS_TEXT)
        wants(c, v, value, at);
    else if (js_text(value).n > v->max)
        faults_add(
            c->faults, "variable-value", where(c, at), "must have at most %zu bytes", v->max);
    else if (!is_url(js_text(value)))
        faults_add(
            c->faults, "variable-value", where(c, at), "must be a URL that begins with https://");
}

static void check_integer(
    struct check *c, const struct variable *v, const struct js *value, const struct spot *at)
{
    if (js_kind(value) != JS_INT)
        wants(c, v, value, at);
    else if (js_int(value) < v->least)
        faults_add(
            c->faults, "variable-value", where(c, at), "must be at least %" PRId64, v->least);
    else if (js_int(value) > v->most)
        faults_add(c->faults, "variable-value", where(c, at), "must be at most %" PRId64, v->most);
}

/* A member of an amount; "" where it is absent or no string, which is told. */
static struct str amount_member(struct check *c, const struct js *value, const char *name,
    const struct spot *at, const char *wanted)
{
    const struct js *member = js_get(value, name);
    if (!member)
        faults_add(c->faults, "variable-missing", where(c, at), "is required: %s", wanted);
    else if (js_kind(member) != JS_TEXT)
        faults_add(c->faults, "variable-type", where(c, at), "must be %s, not %s", wanted,
            js_kind_name(js_kind(member)));
    return js_text(member);
}

static void check_amount(struct check *c, const struct variable *v, struct str amount,
    struct str currency, const struct spot *at)
{
    bool is_known = format_is_currency(currency);
    int digits = is_known ? format_currency_digits(currency) : 2;
    if (!format_is_decimal(amount))
        faults_add(c->faults, "variable-value", where(c, at),
            "must be digits with a point before the decimals, e.g. \"%s\"",
            digits == 0 ? "1250" : "12.50");
    else if (is_known && !format_is_amount(amount, currency))
        faults_add(c->faults, "variable-value", where(c, at),
            "must have at most %d decimals for " STR_FMT ", e.g. \"%s\"", digits, STR_ARG(currency),
            digits == 0 ? "1250" : "12.50");
    else if (v->least_amount.n > 0 && format_is_less(amount, v->least_amount))
        faults_add(c->faults, "variable-value", where(c, at), "must be at least " STR_FMT,
            STR_ARG(v->least_amount));
}

static void check_money(
    struct check *c, const struct variable *v, const struct js *value, const struct spot *at)
{
    const struct spot at_amount = {.outer = at, .name = STR("amount")};
    const struct spot at_currency = {.outer = at, .name = STR("currency")};
    if (js_kind(value) != JS_OBJECT) {
        wants(c, v, value, at);
        return;
    }
    struct js_iter it = {0};
    while (js_next(value, &it))
        if (!str_is(it.key, "amount") && !str_is(it.key, "currency"))
            faults_add(c->faults, "variable-unknown",
                where(c, &(struct spot){.outer = at, .name = it.key}),
                "an amount has \"amount\" and \"currency\" only");
    struct str amount = amount_member(
        c, value, "amount", &at_amount, "a string, so that it stays exact, such as \"12.50\"");
    struct str currency =
        amount_member(c, value, "currency", &at_currency, "a currency code such as \"EUR\"");
    if (js_kind(js_get(value, "currency")) == JS_TEXT && !format_is_currency(currency))
        faults_add(c->faults, "variable-value", where(c, &at_currency),
            "must be a currency code of ISO 4217 in capital letters, e.g. EUR");
    if (js_kind(js_get(value, "amount")) == JS_TEXT)
        check_amount(c, v, amount, currency, &at_amount);
}

/* Ten characters as in 2026-11-21, whatever day they mean. */
static bool is_written_as_day(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (i == 4 || i == 7 ? s.p[i] != '-' : s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n == 10;
}

static void check_dates(
    struct check *c, const struct variable *v, const struct js *value, const struct spot *at)
{
    struct str s = js_text(value);
    if (js_kind(value) != JS_TEXT)
        wants(c, v, value, at);
    else if (v->type == VARIABLE_DATE && is_written_as_day(s) && !format_is_date(s))
        faults_add(c->faults, "variable-value", where(c, at),
            "must be a day that exists, e.g. 2026-11-21");
    else if (v->type == VARIABLE_DATE && !format_is_date(s))
        faults_add(c->faults, "variable-value", where(c, at),
            "must be written YYYY-MM-DD, e.g. 2026-11-21");
    else if (v->type == VARIABLE_DATETIME && !format_is_datetime(s))
        faults_add(c->faults, "variable-value", where(c, at),
            "must be a time as in RFC 3339, e.g. 2026-11-21T08:30:00+01:00");
}

static void check_list(
    struct check *c, const struct variable *v, const struct js *value, const struct spot *at)
{
    size_t n = js_count(value);
    if (js_kind(value) != JS_ARRAY) {
        wants(c, v, value, at);
        return;
    }
    if (n > v->max)
        faults_add(c->faults, "variable-value", where(c, at),
            "must have at most %zu members, it has %zu", v->max, n);
    if (n == 0 && !v->optional)
        faults_add(c->faults, "variable-value", where(c, at), "must not be empty");
    for (size_t i = 0; i < n && i < v->max; i++)
        check_value(c, v->element, js_at(value, i),
            &(struct spot){.outer = at, .number = i, .in_list = true});
}

static void check_member(
    struct check *c, const struct variable *m, const struct js *member, const struct spot *at);

static void check_object(
    struct check *c, const struct variable *v, const struct js *value, const struct spot *at)
{
    if (js_kind(value) != JS_OBJECT) {
        wants(c, v, value, at);
        return;
    }
    size_t known = 0;
    for (const struct variable *m = v->members; m; m = m->next) {
        const struct js *member = js_get_str(value, m->name);
        check_member(c, m, member, &(struct spot){.outer = at, .name = m->name});
        known += member != NULL;
    }
    struct js_iter it = {0};
    while (known < js_count(value) && js_next(value, &it))
        if (!variable_member(v, it.key))
            faults_add(c->faults, "variable-unknown",
                where(c, &(struct spot){.outer = at, .name = it.key}),
                "this mail has no such variable here; there are: %s",
                variable_names(v, false, c->arena));
}

static void check_member(
    struct check *c, const struct variable *m, const struct js *member, const struct spot *at)
{
    if (js_kind(member) != JS_ABSENT && js_kind(member) != JS_NULL)
        check_value(c, m, member, at);
    else if (!m->optional && m->type == VARIABLE_OBJECT && m->members) {
        AUTO(js_close) struct js *nothing = js_object();
        check_object(c, m, nothing, at); /* names each thing that is missing inside */
    } else if (!m->optional)
        faults_add(c->faults, "variable-missing", where(c, at), "is required by this mail: %s",
            variable_wanted(m, c->arena));
}

static void check_value(
    struct check *c, const struct variable *v, const struct js *value, const struct spot *at)
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
        check_integer(c, v, value, at);
        break;
    case VARIABLE_FLAG:
        if (js_kind(value) != JS_BOOL)
            wants(c, v, value, at);
        break;
    case VARIABLE_MONEY:
        check_money(c, v, value, at);
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
    check_object(&c, root, data, &(struct spot){.name = at});
}
