/* check -- data against its declarations: everything that is wrong, each with its place and what would be right. */
#include <inttypes.h>

#include "templates/format.h"
#include "templates/variables.h"

struct check {
    struct faults *faults;
    struct arena *arena;
};

static void check_value(
    struct check *c, const struct variable *v, const struct js *value, struct str at);

static void wants(struct check *c, const struct variable *v, const struct js *value, struct str at)
{
    faults_add(c->faults, "variable-type", at, "must be %s, not %s", variable_wanted(v, c->arena),
        js_kind_name(js_kind(value)));
}

static void check_text(
    struct check *c, const struct variable *v, const struct js *value, struct str at)
{
    struct str s = js_text(value);
    if (js_kind(value) != JS_TEXT)
        wants(c, v, value, at);
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
        wants(c, v, value, at);
    else if (js_text(value).n > v->max)
        faults_add(c->faults, "variable-value", at, "must have at most %zu bytes", v->max);
    else if (!is_url(js_text(value)))
        faults_add(c->faults, "variable-value", at, "must be a URL that begins with https://");
}

static void check_integer(
    struct check *c, const struct variable *v, const struct js *value, struct str at)
{
    if (js_kind(value) != JS_INT)
        wants(c, v, value, at);
    else if (js_int(value) < v->least)
        faults_add(c->faults, "variable-value", at, "must be at least %" PRId64, v->least);
    else if (js_int(value) > v->most)
        faults_add(c->faults, "variable-value", at, "must be at most %" PRId64, v->most);
}

/* A member of an amount; "" where it is absent or no string, which is told. */
static struct str amount_member(
    struct check *c, const struct js *value, const char *name, struct str at, const char *wanted)
{
    const struct js *member = js_get(value, name);
    if (!member)
        faults_add(c->faults, "variable-missing", at, "is required: %s", wanted);
    else if (js_kind(member) != JS_TEXT)
        faults_add(c->faults, "variable-type", at, "must be %s, not %s", wanted,
            js_kind_name(js_kind(member)));
    return js_text(member);
}

static void check_amount(struct check *c, const struct variable *v, struct str amount,
    struct str currency, struct str at)
{
    bool is_known = format_is_currency(currency);
    int digits = is_known ? format_currency_digits(currency) : 2;
    if (!format_is_decimal(amount))
        faults_add(c->faults, "variable-value", at,
            "must be digits with a point before the decimals, e.g. \"%s\"",
            digits == 0 ? "1250" : "12.50");
    else if (is_known && !format_is_amount(amount, currency))
        faults_add(c->faults, "variable-value", at,
            "must have at most %d decimals for " STR_FMT ", e.g. \"%s\"", digits, STR_ARG(currency),
            digits == 0 ? "1250" : "12.50");
    else if (v->least_amount.n > 0 && format_is_less(amount, v->least_amount))
        faults_add(
            c->faults, "variable-value", at, "must be at least " STR_FMT, STR_ARG(v->least_amount));
}

static void check_money(
    struct check *c, const struct variable *v, const struct js *value, struct str at)
{
    struct str at_amount = fault_pointer(c->arena, at, STR("amount"));
    struct str at_currency = fault_pointer(c->arena, at, STR("currency"));
    if (js_kind(value) != JS_OBJECT) {
        wants(c, v, value, at);
        return;
    }
    struct js_iter it = {0};
    while (js_next(value, &it))
        if (!str_is(it.key, "amount") && !str_is(it.key, "currency"))
            faults_add(c->faults, "variable-unknown", fault_pointer(c->arena, at, it.key),
                "an amount has \"amount\" and \"currency\" only");
    struct str amount = amount_member(
        c, value, "amount", at_amount, "a string, so that it stays exact, such as \"12.50\"");
    struct str currency =
        amount_member(c, value, "currency", at_currency, "a currency code such as \"EUR\"");
    if (js_kind(js_get(value, "currency")) == JS_TEXT && !format_is_currency(currency))
        faults_add(c->faults, "variable-value", at_currency,
            "must be a currency code of ISO 4217 in capital letters, e.g. EUR");
    if (js_kind(js_get(value, "amount")) == JS_TEXT)
        check_amount(c, v, amount, currency, at_amount);
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
    struct check *c, const struct variable *v, const struct js *value, struct str at)
{
    struct str s = js_text(value);
    if (js_kind(value) != JS_TEXT)
        wants(c, v, value, at);
    else if (v->type == VARIABLE_DATE && is_written_as_day(s) && !format_is_date(s))
        faults_add(c->faults, "variable-value", at, "must be a day that exists, e.g. 2026-11-21");
    else if (v->type == VARIABLE_DATE && !format_is_date(s))
        faults_add(c->faults, "variable-value", at, "must be written YYYY-MM-DD, e.g. 2026-11-21");
    else if (v->type == VARIABLE_DATETIME && !format_is_datetime(s))
        faults_add(c->faults, "variable-value", at,
            "must be a time as in RFC 3339, e.g. 2026-11-21T08:30:00+01:00");
}

static void check_list(
    struct check *c, const struct variable *v, const struct js *value, struct str at)
{
    size_t n = js_count(value);
    if (js_kind(value) != JS_ARRAY) {
        wants(c, v, value, at);
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

static void check_member(
    struct check *c, const struct variable *m, const struct js *member, struct str at);

static void check_object(
    struct check *c, const struct variable *v, const struct js *value, struct str at)
{
    if (js_kind(value) != JS_OBJECT) {
        wants(c, v, value, at);
        return;
    }
    for (const struct variable *m = v->members; m; m = m->next)
        check_member(c, m, js_get_str(value, m->name), fault_pointer(c->arena, at, m->name));
    struct js_iter it = {0};
    while (js_next(value, &it))
        if (!variable_member(v, it.key))
            faults_add(c->faults, "variable-unknown", fault_pointer(c->arena, at, it.key),
                "this mail has no such variable here; there are: %s",
                variable_names(v, false, c->arena));
}

static void check_member(
    struct check *c, const struct variable *m, const struct js *member, struct str at)
{
    if (js_kind(member) != JS_ABSENT && js_kind(member) != JS_NULL)
        check_value(c, m, member, at);
    else if (!m->optional && m->type == VARIABLE_OBJECT && m->members) {
        AUTO(js_close) struct js *nothing = js_object();
        check_object(c, m, nothing, at); /* names each thing that is missing inside */
    } else if (!m->optional)
        faults_add(c->faults, "variable-missing", at, "is required by this mail: %s",
            variable_wanted(m, c->arena));
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
    check_object(&c, root, data, at);
}
