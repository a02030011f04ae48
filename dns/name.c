#include "dns/name.h"

#define LABEL_MAX 63
#define WIRE_MAX 255

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool name_canonical(struct str text, char out[NAME_SIZE])
{
    if (text.n > 0 && text.p[text.n - 1] == '.')
        text.n--;
    if (text.n == 0 || text.n >= NAME_SIZE)
        return false;
    size_t label = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c <= ' ' || c >= 0x7f || c == '\\')
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > LABEL_MAX || (label == 0 && (i == 0 || text.p[i - 1] == '.')))
            return false;
        out[i] = lower(c);
    }
    out[text.n] = 0;
    return label > 0;
}

/* One byte of a label, escaped where plain text would read it differently. */
static char *put_byte(char *at, uint8_t byte)
{
    if (byte == '.' || byte == '\\') {
        *at++ = '\\';
        *at++ = (char)byte;
    } else if (byte <= ' ' || byte >= 0x7f) {
        *at++ = '\\';
        *at++ = (char)('0' + byte / 100);
        *at++ = (char)('0' + byte / 10 % 10);
        *at++ = (char)('0' + byte % 10);
    } else {
        *at++ = lower((char)byte);
    }
    return at;
}

const char *name_from_wire(struct str wire, struct arena *a)
{
    char text[4 * WIRE_MAX + 1]; /* every byte escaped */
    char *at = text;
    if (wire.n == 0 || wire.n > WIRE_MAX)
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
