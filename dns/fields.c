#include "dns/fields.h"

#include <stdarg.h>
#include <stdio.h>

#define NAME_MAX_BYTES 32

bool fields_begin(struct str text, const char *version)
{
    if (!str_starts(text, str_of(version)))
        return false;
    struct str rest = str_trim_blanks(str_slice(text, strlen(version), text.n));
    return rest.n > 0 && rest.p[0] == ';';
}

static bool is_alnum(char c)
{
    char folded = (char)(c | 0x20);
    return (folded >= 'a' && folded <= 'z') || (c >= '0' && c <= '9');
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && (i == 0 || !strchr("_-.", s.p[i]) || s.p[i] == 0))
            return false;
    return s.n > 0 && s.n <= NAME_MAX_BYTES;
}

static bool is_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '=')
            return false;
    return s.n > 0;
}

bool field_next(struct str *rest, struct field *out)
{
    struct str piece;
    while (str_next(rest, ';', &piece)) {
        piece = str_trim_blanks(piece);
        if (piece.n == 0)
            continue;
        size_t equals = str_find_char(piece, '=', 0);
        out->whole = piece;
        out->name = str_slice(piece, 0, equals);
        out->value = str_slice(piece, equals + 1, piece.n);
        out->well_formed = is_name(out->name) && is_value(out->value);
        return true;
    }
    return false;
}

static enum fields_found pick(const struct dns_answer *answer, const char *name,
    const char *version, struct arena *a, struct str *text, struct said *why)
{
    size_t n = 0;
    for (size_t i = 0; i < answer->n; i++) {
        if (!fields_begin(answer->records[i].data, version))
            continue;
        if (n++ == 0)
            *text = answer->records[i].data;
    }
    if (n == 1)
        return FIELDS_ONE;
    *why = n == 0
               ? SAY(a, "fields.none", "no TXT record at {{name}} begins with {{version}};",
                     {"name", name}, {"version", version})
               : SAY(a, "fields.several",
                     "{{count}} records at {{name}} begin with {{version}}; where one may: senders "
                     "use none",
                     {"count", arena_printf(a, "%zu", n)}, {"name", name}, {"version", version});
    return n == 0 ? FIELDS_NONE : FIELDS_SEVERAL;
}

enum fields_found fields_find(struct resolver *r, const char *name, const char *version,
    struct arena *a, struct str *text, struct said *why, uint32_t *ttl_s)
{
    struct dns_answer answer;
    resolver_ask(r, name, DNS_TXT, a, &answer);
    *text = STR("");
    *why = SAID_NOTHING;
    *ttl_s = answer.ttl_s;
    switch (answer.status) {
    case DNS_FOUND:
        return pick(&answer, name, version, a, text, why);
    case DNS_NXDOMAIN:
    case DNS_NODATA:
        *why = SAY(a, "txt.absent", "no TXT record at {{name}}", {"name", name});
        return FIELDS_NONE;
    default:
        *why = dns_no_answer(a, name, answer.status);
        return FIELDS_FAILED;
    }
}

struct notes notes_open(struct arena *a, size_t max)
{
    return (struct notes){.arena = a, .list = arena_array(a, max, sizeof(char *)), .max = max};
}

void notes_add(struct notes *n, const char *format, ...)
{
    char text[240];
    va_list args;
    if (n->n == n->max)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    n->list[n->n++] = arena_text(n->arena, str_of(text));
}
