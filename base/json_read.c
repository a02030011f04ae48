/* json_read -- the quick reader: one pass over the text, runs copied at once, values made by jansson. It takes only
 * what it is sure of; whatever else there is, wrong or rare, it leaves to jansson's own reader. */
#include "base/json_inside.h"

#include <jansson.h>
#include <stdlib.h>

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define TOP_BITS (EACH_BYTE * 0x80)
#define INT_DIGITS 18 /* always fit into 64 bits */

struct reader {
    const char *p, *end;
    size_t values, values_max;
    int depth;
    size_t size; /* of the whole text: no string in it is longer */
    char *scratch;
};

static json_t *read_value(struct reader *r);

/* ---- strings ------------------------------------------------------------------------------------------- */

static uint64_t has_zero(uint64_t x)
{
    return (x - EACH_BYTE) & ~x & TOP_BITS;
}

size_t json_plain(struct str s)
{
    size_t n = 0;
    uint64_t x;

    for (; s.n - n >= sizeof x; n += sizeof x) {
        memcpy(&x, s.p + n, sizeof x);
        uint64_t special = (x & TOP_BITS) | ((x - EACH_BYTE * 0x20) & ~x & TOP_BITS) |
                           has_zero(x ^ EACH_BYTE * '"') | has_zero(x ^ EACH_BYTE * '\\') |
                           has_zero(x ^ EACH_BYTE * 0x7f);
        if (special)
            break;
    }
    return n;
}

/* Moves over what stands for itself, to a quote or a backslash; false at anything else. */
static bool skip_plain(struct reader *r)
{
    while (r->p < r->end) {
        r->p += json_plain(str_bytes(r->p, (size_t)(r->end - r->p)));
        if (r->p == r->end)
            return false;
        unsigned char c = (unsigned char)*r->p;
        if (c == '"' || c == '\\')
            return true;
        size_t n = c < 0x20 ? 0 : str_utf8_length(str_bytes(r->p, (size_t)(r->end - r->p)));
        if (n == 0)
            return false;
        r->p += n;
    }
    return false;
}

static bool read_hex4(struct reader *r, uint32_t *out)
{
    *out = 0;
    if (r->end - r->p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = *r->p++;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return false;
        *out = *out << 4 | (uint32_t)digit;
    }
    return true;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        if (c < 0x10000) {
            *to++ = (char)(0xe0 | c >> 12);
        } else {
            *to++ = (char)(0xf0 | c >> 18);
            *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

/* Behind "\u"; NULL for NUL and half a pair. Never longer than its escape. */
static char *read_code(struct reader *r, char *to)
{
    uint32_t c, low;

    if (!read_hex4(r, &c) || c == 0 || (c >= 0xdc00 && c <= 0xdfff))
        return NULL;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (r->end - r->p < 2 || r->p[0] != '\\' || r->p[1] != 'u')
            return NULL;
        r->p += 2;
        if (!read_hex4(r, &low) || low < 0xdc00 || low > 0xdfff)
            return NULL;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    return put_utf8(to, c);
}

/* At a backslash. */
static char *read_escape(struct reader *r, char *to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";

    if (r->end - r->p < 2)
        return NULL;
    char c = r->p[1];
    r->p += 2;
    if (c == 'u')
        return read_code(r, to);
    const char *known = c ? strchr(from, c) : NULL;
    if (!known)
        return NULL;
    *to++ = into[known - from];
    return to;
}

/* The rest of a string with escapes, the run [from, p) before the first. */
static bool read_escaped(struct reader *r, const char *from, struct str *out)
{
    if (!r->scratch)
        r->scratch = json_allocate(r->size);
    char *to = r->scratch;
    if (!to)
        return false;
    for (;;) {
        memcpy(to, from, (size_t)(r->p - from));
        to += r->p - from;
        if (*r->p == '"')
            break;
        to = read_escape(r, to);
        from = r->p;
        if (!to || !skip_plain(r))
            return false;
    }
    *out = str_bytes(r->scratch, (size_t)(to - r->scratch));
    return true;
}

/* At the opening quote; what comes out is valid until the next string. */
static bool read_string(struct reader *r, struct str *out)
{
    const char *from = ++r->p;

    if (!skip_plain(r))
        return false;
    *out = str_bytes(from, (size_t)(r->p - from));
    if (*r->p == '\\' && !read_escaped(r, from, out))
        return false;
    r->p++;
    return true;
}

/* ---- numbers and words --------------------------------------------------------------------------------- */

static bool is_of_number(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* Fractions and giants are rare: jansson reads them. */
static json_t *read_number(struct reader *r)
{
    const char *from = r->p;
    bool negative = *from == '-';
    const char *digits = from + negative;
    json_int_t value = 0;

    while (r->p < r->end && is_of_number(*r->p))
        r->p++;
    size_t n = (size_t)(r->p - digits);
    bool simple = n > 0 && n <= INT_DIGITS && (digits[0] != '0' || n == 1);
    for (size_t i = 0; i < n && simple; i++) {
        simple = digits[i] >= '0' && digits[i] <= '9';
        value = value * 10 + (digits[i] - '0');
    }
    if (simple)
        return json_integer(negative ? -value : value);
    return json_loadb(from, (size_t)(r->p - from), JSON_DECODE_ANY, NULL);
}

static bool reads_word(struct reader *r, struct str word)
{
    if (!str_starts(str_bytes(r->p, (size_t)(r->end - r->p)), word))
        return false;
    r->p += word.n;
    return true;
}

/* ---- arrays and objects -------------------------------------------------------------------------------- */

/* The next byte that is no white space, 0 at the end. */
static char peek(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r'))
        r->p++;
    return r->p < r->end ? *r->p : 0;
}

static bool count_value(struct reader *r)
{
    return ++r->values <= r->values_max;
}

/* Behind an element: a comma or the end. False: neither, or too many. */
static bool read_separator(struct reader *r, char closing, bool *over)
{
    char c = peek(r);

    *over = c == closing;
    if (!*over && c != ',')
        return false;
    r->p++;
    return *over || count_value(r);
}

static bool enter(struct reader *r)
{
    r->p++;
    return ++r->depth <= JSON_DEPTH_MAX && count_value(r);
}

/* Behind the opening one: nothing in it? */
static bool closes_at_once(struct reader *r, char closing)
{
    if (peek(r) != closing)
        return false;
    r->p++;
    return true;
}

static json_t *read_array(struct reader *r)
{
    json_auto_t *list = json_array();

    if (!list || !enter(r))
        return NULL;
    for (bool over = closes_at_once(r, ']'); !over;) {
        json_t *one = read_value(r);
        if (!one || json_array_append_new(list, one) != 0 || !read_separator(r, ']', &over))
            return NULL;
    }
    r->depth--;
    return json_incref(list);
}

static bool read_member(struct reader *r, json_t *object)
{
    struct str key;

    if (peek(r) != '"' || !read_string(r, &key))
        return false;
    /* The next string would take its place. */
    json_auto_t *kept = key.p == r->scratch ? json_stringn_nocheck(key.p, key.n) : NULL;
    if (kept)
        key.p = json_string_value(kept);
    if (key.p == r->scratch || json_object_getn(object, key.p, key.n) || peek(r) != ':')
        return false;
    r->p++;
    json_t *value = read_value(r);
    return value && json_object_setn_new_nocheck(object, key.p, key.n, value) == 0;
}

static json_t *read_object(struct reader *r)
{
    json_auto_t *object = json_object();

    if (!object || !enter(r))
        return NULL;
    for (bool over = closes_at_once(r, '}'); !over;)
        if (!read_member(r, object) || !read_separator(r, '}', &over))
            return NULL;
    r->depth--;
    return json_incref(object);
}

static json_t *read_text(struct reader *r)
{
    struct str s;

    return read_string(r, &s) ? json_stringn_nocheck(s.p, s.n) : NULL;
}

static json_t *read_value(struct reader *r)
{
    switch (peek(r)) {
    case '{':
        return read_object(r);
    case '[':
        return read_array(r);
    case '"':
        return read_text(r);
    case 't':
        return reads_word(r, STR("true")) ? json_true() : NULL;
    case 'f':
        return reads_word(r, STR("false")) ? json_false() : NULL;
    case 'n':
        return reads_word(r, STR("null")) ? json_null() : NULL;
    default:
        return r->p < r->end && (*r->p == '-' || (*r->p >= '0' && *r->p <= '9')) ? read_number(r)
                                                                                 : NULL;
    }
}

struct js *json_read_quickly(struct str text, size_t values_max)
{
    if (text.n == 0)
        return NULL;
    struct reader r = {
        .p = text.p, .end = text.p + text.n, .values_max = values_max, .size = text.n};
    json_auto_t *v = read_value(&r);
    free(r.scratch);
    if (!v || peek(&r) != 0 || r.p != r.end)
        return NULL;
    return (struct js *)json_incref(v);
}
