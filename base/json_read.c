/* json_read -- the quick reader: one pass over the text, runs copied at once. It takes only what it is sure of; whatever
 * else there is, wrong or rare, it leaves to jansson's own reader. */
#include "base/json_inside.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define TOP_BITS (EACH_BYTE * 0x80)
#define ROOM_MOST ((size_t)8 * 1024)
#define INT_DIGITS 18 /* always fit into 64 bits */

struct reader {
    const char *p, *end;
    size_t values, values_max;
    int depth;
    size_t size; /* of the whole text: no string in it is longer */
    char *scratch;
    struct json_region *region; /* in which the values come to lie */
};

static struct js *read_value(struct reader *r);

/* ---- strings ------------------------------------------------------------------------------------------- */

#ifdef __SSE2__
/* A bit for each byte that is not plain. As signed ones, those above 0x7f are below all others: one comparison finds them and
 * the controls. */
static unsigned special_in(__m128i x)
{
    __m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
    __m128i low = _mm_cmplt_epi8(x, _mm_set1_epi8(' '));
    __m128i rubout = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));

    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(_mm_or_si128(quote, backslash), _mm_or_si128(low, rubout)));
}

size_t json_plain(struct str s)
{
    unsigned special;
    size_t n = 0;

    for (; s.n - n >= 16; n += 16) {
        special = special_in(_mm_loadu_si128((const __m128i *)(const void *)(s.p + n)));
        if (special)
            return n + (size_t)__builtin_ctz(special);
    }
    if (s.n - n < 8)
        return n;
    special = special_in(_mm_loadl_epi64((const __m128i *)(const void *)(s.p + n)));
    return n + (size_t)__builtin_ctz(special | 1u << 8);
}
#else
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
#endif

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
static struct js *read_number(struct reader *r)
{
    const char *from = r->p;
    bool negative = *from == '-';
    const char *digits = from + negative;
    int64_t value = 0;

    while (r->p < r->end && is_of_number(*r->p))
        r->p++;
    size_t n = (size_t)(r->p - digits);
    bool simple = n > 0 && n <= INT_DIGITS && (digits[0] != '0' || n == 1);
    for (size_t i = 0; i < n && simple; i++) {
        simple = digits[i] >= '0' && digits[i] <= '9';
        value = value * 10 + (digits[i] - '0');
    }
    if (!simple)
        return json_read_number(r->region, str_bytes(from, (size_t)(r->p - from)));
    struct js *v = json_new(r->region, JS_INT);
    if (v)
        v->integer = negative ? -value : value;
    return v;
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

static struct js *read_array(struct reader *r)
{
    struct js *list = json_new(r->region, JS_ARRAY);

    if (!list || !enter(r))
        return NULL;
    for (bool over = closes_at_once(r, ']'); !over;) {
        struct js *one = read_value(r);
        if (!one || !json_append(list, one) || !read_separator(r, ']', &over))
            return NULL;
    }
    r->depth--;
    return list;
}

static bool read_member(struct reader *r, struct js *object)
{
    struct str key;

    if (peek(r) != '"' || !read_string(r, &key))
        return false;
    /* The member comes first, its value then: the next string would take the key's place. */
    if (json_find(object, key) || peek(r) != ':' || !json_add(object, key, NULL))
        return false;
    size_t at = object->n - 1;
    r->p++;
    struct js *value = read_value(r);
    object->members[at].value = value;
    return value;
}

static struct js *read_object(struct reader *r)
{
    struct js *object = json_new(r->region, JS_OBJECT);

    if (!object || !enter(r))
        return NULL;
    for (bool over = closes_at_once(r, '}'); !over;)
        if (!read_member(r, object) || !read_separator(r, '}', &over))
            return NULL;
    r->depth--;
    return object;
}

static struct js *read_text(struct reader *r)
{
    struct str s;

    if (!read_string(r, &s))
        return NULL;
    struct js *v = json_new(r->region, JS_TEXT);
    return v && json_fill_text(v, s) ? v : NULL;
}

static struct js *read_word(struct reader *r, struct str word, enum js_kind kind, bool yes)
{
    struct js *v = reads_word(r, word) ? json_new(r->region, kind) : NULL;

    if (v)
        v->yes = yes;
    return v;
}

static struct js *read_value(struct reader *r)
{
    switch (peek(r)) {
    case '{':
        return read_object(r);
    case '[':
        return read_array(r);
    case '"':
        return read_text(r);
    case 't':
        return read_word(r, STR("true"), JS_BOOL, true);
    case 'f':
        return read_word(r, STR("false"), JS_BOOL, false);
    case 'n':
        return read_word(r, STR("null"), JS_NULL, false);
    default:
        return r->p < r->end && (*r->p == '-' || (*r->p >= '0' && *r->p <= '9')) ? read_number(r)
                                                                                 : NULL;
    }
}

/* About what the values of a request take; a long text in it gets room of its own. */
static size_t room_for(struct str text)
{
    return text.n < ROOM_MOST / 6 ? text.n * 6 : ROOM_MOST;
}

struct js *json_read_quickly(struct str text, size_t values_max)
{
    if (text.n == 0)
        return NULL;
    struct reader r = {.p = text.p,
        .end = text.p + text.n,
        .values_max = values_max,
        .size = text.n,
        .region = json_region_open(room_for(text))};
    if (!r.region)
        return NULL;
    struct js *v = read_value(&r);
    free(r.scratch);
    if (v && peek(&r) == 0 && r.p == r.end)
        return v;
    json_region_drop(r.region);
    return NULL;
}
