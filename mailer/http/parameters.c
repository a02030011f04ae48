#include "mailer/http/parameters.h"

#include "mailer/http/form.h"
#include "mailer/http/problem.h"

#define NAME_BYTES 64 /* of an unknown one, as the answer repeats it */

bool parameter_refuse(struct exchange *x, const char *name, const char *right)
{
    problem(x, 400, "invalid-parameter", "the parameter \"%s\" must be %s", name, right);
    return false;
}

static bool is_one_of(struct str name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(name, names[i]))
            return true;
    return name.n == 0; /* "?", "&&" */
}

bool parameters_are_known(struct exchange *x, const char *const *names, size_t n)
{
    AUTO(buf_close) struct buf list = {0};
    struct str rest = x->query, pair, name = STR("");
    bool known = true;

    while (known && str_next(&rest, '&', &pair)) {
        name = form_decode(x->arena, str_slice(pair, 0, str_find_char(pair, '=', 0)));
        known = is_one_of(name, names, n);
    }
    for (size_t i = 0; i < n; i++)
        buf_addf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    if (!known)
        problem(x, 422, "unknown-parameter",
            "the parameter \"" STR_FMT "\" is unknown here; known are %s",
            STR_ARG(str_slice(name, 0, NAME_BYTES)), buf_text(&list));
    return known;
}

bool parameter_number(
    struct exchange *x, const char *name, int64_t least, int64_t most, int64_t *out)
{
    struct str text;
    int64_t n;

    if (!exchange_query(x, name, &text))
        return true;
    if (!str_to_i64(text, &n) || n < least || n > most)
        return parameter_refuse(x, name,
            arena_printf(
                x->arena, "a number from %lld to %lld", (long long)least, (long long)most));
    *out = n;
    return true;
}

bool parameter_time(struct exchange *x, const char *name, int64_t *out_ms)
{
    struct str text;

    return !exchange_query(x, name, &text) || clock_parse_rfc3339(text, out_ms) ||
           parameter_refuse(x, name, "a time as in RFC 3339, e.g. 2026-11-21T08:09:10Z");
}

bool parameter_flag(struct exchange *x, const char *name, bool *out)
{
    struct str text;

    if (!exchange_query(x, name, &text))
        return true;
    *out = str_is(text, "true");
    return *out || str_is(text, "false") || parameter_refuse(x, name, "true or false");
}

bool parameter_text(struct exchange *x, const char *name, size_t max_bytes, const char **out)
{
    struct str text;

    if (!exchange_query(x, name, &text))
        return true;
    if (text.n > max_bytes || str_has_control(text) || !str_is_utf8(text))
        return parameter_refuse(x, name,
            arena_printf(
                x->arena, "text of at most %zu bytes without control characters", max_bytes));
    *out = arena_text(x->arena, text);
    return true;
}
