#include "mailer/http/form.h"

#define BOUNDARY_MAX 70 /* RFC 2046 s5.1.1 */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct str form_decode(struct arena *a, struct str s)
{
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        bool escape = s.p[i] == '%' && i + 2 < s.n && hex_digit(s.p[i + 1]) >= 0 &&
                      hex_digit(s.p[i + 2]) >= 0;
        out[n++] = s.p[i] == '+' ? ' ' : s.p[i];
        if (escape) {
            out[n - 1] = (char)(hex_digit(s.p[i + 1]) << 4 | hex_digit(s.p[i + 2]));
            i += 2;
        }
    }
    return str_bytes(out, n);
}

static bool find_pair(struct str body, const char *name, struct arena *a, struct str *out)
{
    struct str pair;

    while (str_next(&body, '&', &pair)) {
        size_t equals = str_find_char(pair, '=', 0);
        if (!str_is(form_decode(a, str_slice(pair, 0, equals)), name))
            continue;
        *out = form_decode(a, str_slice(pair, equals + 1, pair.n));
        return true;
    }
    return false;
}

/* The value of `; name=value` or `; name="value"` in a header's parameters. */
static struct str parameter(struct str header, const char *name)
{
    struct str piece;

    while (str_next(&header, ';', &piece)) {
        size_t equals = str_find_char(piece, '=', 0);
        if (!str_is_nocase(str_trim(str_slice(piece, 0, equals)), name))
            continue;
        struct str value = str_trim(str_slice(piece, equals + 1, piece.n));
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            return str_slice(value, 1, value.n - 1);
        return value;
    }
    return STR("");
}

/* name= of the part's Content-Disposition */
static struct str part_name(struct str head)
{
    struct str line;

    while (str_next(&head, '\n', &line))
        if (str_starts_nocase(line, STR("Content-Disposition:")))
            return parameter(str_trim(line), "name");
    return STR("");
}

static bool find_part(struct str body, struct str boundary, const char *name, struct str *out)
{
    char delimiter[BOUNDARY_MAX + 5];

    if (boundary.n == 0 || boundary.n > BOUNDARY_MAX)
        return false;
    memcpy(delimiter, "\r\n--", 4);
    memcpy(delimiter + 4, boundary.p, boundary.n);
    struct str full = str_bytes(delimiter, boundary.n + 4), first = str_slice(full, 2, full.n);
    size_t at = str_find(body, first, 0) + first.n;
    while (at < body.n) {
        size_t end = str_find(body, full, at);
        struct str part = str_slice(body, at, end);
        size_t blank = str_find(part, STR("\r\n\r\n"), 0);
        if (blank < part.n && str_is(part_name(str_slice(part, 0, blank)), name)) {
            *out = str_slice(part, blank + 4, part.n);
            return end < body.n; /* without its closing line the part may be cut */
        }
        at = end + full.n;
    }
    return false;
}

bool form_value(
    struct str content_type, struct str body, const char *name, struct arena *a, struct str *out)
{
    struct str type = str_trim(str_slice(content_type, 0, str_find_char(content_type, ';', 0)));

    if (str_is_nocase(type, "multipart/form-data"))
        return find_part(body, parameter(content_type, "boundary"), name, out);
    /* A one-click client that names no type sends what RFC 8058 shows, which is urlencoded. */
    return (type.n == 0 || str_is_nocase(type, "application/x-www-form-urlencoded")) &&
           find_pair(body, name, a, out);
}
