#include "mailer/http/parameters.h"

#include "mailer/http/problem.h"

static bool refuse(struct exchange *x, const char *name, const char *right)
{
    problem(x, 400, "invalid-parameter", "the parameter \"%s\" must be %s", name, right);
    return false;
}

bool parameter_number(
    struct exchange *x, const char *name, int64_t least, int64_t most, int64_t *out)
{
    struct str text;
    int64_t n;

    if (!exchange_query(x, name, &text))
        return true;
    if (!str_to_i64(text, &n) || n < least || n > most)
        return refuse(x, name,
            arena_printf(
                x->arena, "a number from %lld to %lld", (long long)least, (long long)most));
    *out = n;
    return true;
}

bool parameter_time(struct exchange *x, const char *name, int64_t *out_ms)
{
    struct str text;

    return !exchange_query(x, name, &text) || clock_parse_rfc3339(text, out_ms) ||
           refuse(x, name, "a time as in RFC 3339, e.g. 2026-11-21T08:09:10Z");
}

bool parameter_flag(struct exchange *x, const char *name, bool *out)
{
    struct str text;

    if (!exchange_query(x, name, &text))
        return true;
    *out = str_is(text, "true");
    return *out || str_is(text, "false") || refuse(x, name, "true or false");
}

bool parameter_text(struct exchange *x, const char *name, size_t max_bytes, const char **out)
{
    struct str text;

    if (!exchange_query(x, name, &text))
        return true;
    if (text.n > max_bytes || str_has_control(text) || !str_is_utf8(text))
        return refuse(x, name,
            arena_printf(
                x->arena, "text of at most %zu bytes without control characters", max_bytes));
    *out = arena_text(x->arena, text);
    return true;
}
