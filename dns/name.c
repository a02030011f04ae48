#include "dns/name.h"

#define LABEL_MAX 63
#define ESCAPE_LENGTH 4 /* "\\DDD" */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_plain(uint8_t byte)
{
    return byte > ' ' && byte < 0x7f && byte != '.' && byte != '\\';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int escaped_byte(const char *p)
{
    return (p[1] - '0') * 100 + (p[2] - '0') * 10 + (p[3] - '0');
}

/* The "\DDD" at the beginning: three digits for a byte that has to be written so. */
static bool starts_with_escape(struct str text)
{
    if (text.n < ESCAPE_LENGTH || text.p[0] != '\\' || !is_digit(text.p[1]) ||
        !is_digit(text.p[2]) || !is_digit(text.p[3]))
        return false;
    int byte = escaped_byte(text.p);
    return byte <= 0xff && !is_plain((uint8_t)byte);
}

bool name_canonical(struct str text, char out[NAME_SIZE])
{
    if (text.n > 0 && text.p[text.n - 1] == '.')
        text.n--;
    if (text.n >= NAME_SIZE)
        return false;
    size_t label = 0, step;
    for (size_t i = 0; i < text.n; i += step) {
        bool dot = text.p[i] == '.', escape = starts_with_escape(str_slice(text, i, text.n));
        if (!dot && !escape && !is_plain((uint8_t)text.p[i]))
            return false;
        if (dot && label == 0)
            return false;
        label = dot ? 0 : label + 1;
        if (label > LABEL_MAX)
            return false;
        step = escape ? ESCAPE_LENGTH : 1;
        for (size_t j = i; j < i + step; j++)
            out[j] = lower(text.p[j]);
    }
    out[text.n] = 0;
    return label > 0;
}

/* One byte of a label, escaped where plain text would read it differently. */
static char *put_byte(char *at, uint8_t byte)
{
    if (is_plain(byte)) {
        *at++ = lower((char)byte);
    } else {
        *at++ = '\\';
        *at++ = (char)('0' + byte / 100);
        *at++ = (char)('0' + byte / 10 % 10);
        *at++ = (char)('0' + byte % 10);
    }
    return at;
}

bool name_from_bytes(struct str bytes, char out[NAME_SIZE])
{
    char text[ESCAPE_LENGTH * NAME_SIZE];
    char *at = text;
    if (bytes.n > NAME_SIZE)
        return false;
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] == '.')
            *at++ = '.';
        else
            at = put_byte(at, (uint8_t)bytes.p[i]);
    }
    return name_canonical(str_bytes(text, (size_t)(at - text)), out);
}

const char *name_from_wire(struct str wire, struct arena *a)
{
    char text[ESCAPE_LENGTH * NAME_WIRE_MAX + 1]; /* every byte escaped */
    char *at = text;
    if (wire.n > NAME_WIRE_MAX)
        return NULL;
    size_t i = 0;
    while (i < wire.n && wire.p[i] != 0) {
        size_t length = (uint8_t)wire.p[i++];
        if (length > LABEL_MAX || length > wire.n - i)
            return NULL;
        if (at > text)
            *at++ = '.';
        for (size_t end = i + length; i < end; i++)
            at = put_byte(at, (uint8_t)wire.p[i]);
    }
    if (i + 1 != wire.n)
        return NULL;
    return arena_text(a, str_bytes(text, (size_t)(at - text)));
}

size_t name_to_wire(const char *name, uint8_t out[NAME_WIRE_MAX])
{
    char text[NAME_SIZE] = "";
    if (name[0] && !name_canonical(str_of(name), text))
        return 0;
    size_t n = 0;
    for (const char *p = text; *p; p += *p == '.') {
        uint8_t *length = &out[n++];
        for (*length = 0; *p && *p != '.'; ++*length) {
            out[n++] = (uint8_t)(*p == '\\' ? escaped_byte(p) : *p);
            p += *p == '\\' ? ESCAPE_LENGTH : 1;
        }
    }
    out[n++] = 0;
    return n;
}

bool name_is_at_or_below(const char *name, const char *top)
{
    size_t n = strlen(name), t = strlen(top);
    return n >= t && memcmp(name + n - t, top, t) == 0 &&
           (n == t || t == 0 || name[n - t - 1] == '.');
}

const char *name_parent(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot ? dot + 1 : "";
}

size_t name_labels(const char *name)
{
    size_t n = 0;
    for (; *name; name = name_parent(name))
        n++;
    return n;
}

const char *name_last_labels(const char *name, size_t n)
{
    for (size_t have = name_labels(name); have > n; have--)
        name = name_parent(name);
    return name;
}
