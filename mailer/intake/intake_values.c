#include "mailer/intake/request.h"

size_t request_characters(struct str utf8)
{
    size_t n = 0;

    for (size_t i = 0; i < utf8.n; i++)
        n += ((unsigned char)utf8.p[i] & 0xc0) != 0x80;
    return n;
}

void request_lacks(struct request *r, struct str at, const char *what)
{
    faults_add(r->faults, "missing", at, "is required: %s", what);
}

bool request_is_kind(struct request *r, const struct js *v, struct str at, enum js_kind kind)
{
    if (!v)
        return false;
    if (js_kind(v) == kind)
        return true;
    faults_add(r->faults, "wrong-type", at, "must be %s, not %s", js_kind_name(kind),
        js_kind_name(js_kind(v)));
    return false;
}

static bool is_control(struct str s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];

    if (c < 0x20 || c == 0x7f)
        return true;
    /* U+0080 to U+009F, and the two line ends of Unicode: U+2028, U+2029 */
    if (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0)
        return true;
    return c == 0xe2 && i + 2 < s.n && (unsigned char)s.p[i + 1] == 0x80 &&
           ((unsigned char)s.p[i + 2] & 0xfe) == 0xa8;
}

bool request_has_control(struct request *r, struct str text, struct str at)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!is_control(text, i))
            continue;
        faults_add(r->faults, "control-character", at,
            "must not hold line breaks or other control characters (one stands at byte %zu)", i);
        return true;
    }
    return false;
}

bool request_text(
    struct request *r, const struct js *v, struct str at, size_t max_bytes, struct str *out)
{
    if (!request_is_kind(r, v, at, JS_TEXT))
        return false;
    struct str text = js_text(v);
    if (text.n == 0) {
        faults_add(r->faults, "empty", at, "must not be empty; leave the field out instead");
        return false;
    }
    if (text.n > max_bytes) {
        faults_add(
            r->faults, "too-long", at, "has %zu bytes; at most %zu are allowed", text.n, max_bytes);
        return false;
    }
    if (request_has_control(r, text, at))
        return false;
    *out = arena_str(r->a, text);
    return true;
}

bool request_token(
    struct request *r, const struct js *v, struct str at, size_t max_bytes, struct str *out)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

    if (!request_text(r, v, at, max_bytes, out))
        return false;
    if (strspn(out->p, allowed) == out->n)
        return true;
    faults_add(r->faults, "invalid-name", at, "may hold only a-z, 0-9, \"-\" and \"_\"");
    return false;
}

bool request_integer(
    struct request *r, const struct js *v, struct str at, int64_t least, int64_t most, int64_t *out)
{
    if (!request_is_kind(r, v, at, JS_INT))
        return false;
    *out = js_int(v);
    if (*out >= least && *out <= most)
        return true;
    faults_add(r->faults, "out-of-range", at, "must be from %lld to %lld", (long long)least,
        (long long)most);
    return false;
}

bool request_time(struct request *r, const struct js *v, struct str at, int64_t *out)
{
    if (!request_is_kind(r, v, at, JS_TEXT))
        return false;
    if (clock_parse_rfc3339(js_text(v), out))
        return true;
    faults_add(r->faults, "invalid-time", at,
        "must be a time as in RFC 3339, e.g. \"2026-11-21T08:09:10Z\"");
    return false;
}

static void name_all(const char *const *known, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%s%s", i > 0 ? ", " : "", known[i]);
}

void request_refuse_unknown(
    struct request *r, const struct js *object, struct str at, const char *const *known, size_t n)
{
    AUTO(buf_close) struct buf names = {0};
    struct js_iter it = {0};

    while (js_next(object, &it)) {
        bool found = false;
        for (size_t i = 0; i < n && !found; i++)
            found = str_is(it.key, known[i]);
        if (found)
            continue;
        if (names.n == 0)
            name_all(known, n, &names);
        /* A key may be long; the pointer names it, cut so that an answer stays small. */
        faults_add(r->faults, "unknown-field", fault_pointer(r->a, at, str_slice(it.key, 0, 100)),
            "is unknown here; known are %s", buf_text(&names));
    }
}
