/* Writing JSON, on json.h alone. jansson's writer prints 1.21 as 1.2099999999999999; ours gives the
 * shortest text that reads back the same, which is what people and order data expect. */
#include "base/json_inside.h"

#include <stdio.h>
#include <stdlib.h>

#define INDENT 2
#define FEW                                                                                        \
    12 /* members of an object, which are sorted on the stack; 64 objects may lie in each other */

#define PIECE                                                                                      \
    ((size_t)500) /* that is hashed at once; room for two is one of malloc's quick sizes */

struct writer {
    struct buf *out;
    bool hashes; /* what was written goes into the hash of this thread now and then */
    enum js_style style;
    size_t depth;
};

struct member {
    struct str key;
    const struct js *value;
};

static void write_value(struct writer *w, const struct js *v);

static void add_escaped(struct buf *out, char c)
{
    static const char *const short_forms[] = {['\b'] = "\\b",
        ['\t'] = "\\t",
        ['\n'] = "\\n",
        ['\f'] = "\\f",
        ['\r'] = "\\r",
        ['"'] = "\\\"",
        ['\\'] = "\\\\"};
    unsigned char u = (unsigned char)c;

    if (u < COUNT_OF(short_forms) && short_forms[u])
        buf_add_text(out, short_forms[u]);
    else
        buf_addf(out, "\\u%04x", u);
}

static bool needs_escape(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\' || c == 0x7f;
}

static void pass_on(struct writer *w)
{
    hash_sha256_add(buf_str(w->out));
    buf_clear(w->out);
}

/* A long run is hashed where it lies. A piece stays where it is, however many runs a text has: what it left elsewhere when it
 * grew would not be wiped. */
static void add_run(struct writer *w, struct str s)
{
    if (w->hashes && w->out->n + s.n >= PIECE)
        pass_on(w);
    if (w->hashes && s.n >= PIECE) {
        hash_sha256_add(s);
    } else {
        buf_add(w->out, s);
    }
}

static size_t find_escape(struct str s, size_t from)
{
    size_t i = from + json_plain(str_slice(s, from, s.n));

    while (i < s.n && !needs_escape(s.p[i]))
        i++;
    return i;
}

static void write_text(struct writer *w, struct str s)
{
    size_t from = 0;

    buf_add_char(w->out, '"');
    for (size_t i; (i = find_escape(s, from)) < s.n; from = i + 1) {
        add_run(w, str_slice(s, from, i));
        add_escaped(w->out, s.p[i]);
    }
    add_run(w, str_slice(s, from, s.n));
    buf_add_char(w->out, '"');
}

static void new_line(struct writer *w)
{
    if (w->style != JS_PRETTY)
        return;
    buf_add_char(w->out, '\n');
    for (size_t i = 0; i < w->depth * INDENT; i++)
        buf_add_char(w->out, ' ');
}

static void write_array(struct writer *w, const struct js *v)
{
    buf_add_char(w->out, '[');
    w->depth++;
    for (size_t i = 0; i < js_count(v); i++) {
        if (i > 0)
            buf_add_char(w->out, ',');
        new_line(w);
        write_value(w, js_at(v, i));
    }
    w->depth--;
    if (js_count(v) > 0)
        new_line(w);
    buf_add_char(w->out, ']');
}

static void write_member(struct writer *w, size_t i, struct member m)
{
    if (i > 0)
        buf_add_char(w->out, ',');
    new_line(w);
    write_text(w, m.key);
    buf_add_text(w->out, w->style == JS_PRETTY ? ": " : ":");
    write_value(w, m.value);
}

static int compare_keys(const void *a, const void *b)
{
    return str_compare(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void write_sorted(struct writer *w, const struct js *v)
{
    struct js_iter it = {0};
    size_t n = 0;
    struct member few[FEW], *members = few;

    if (js_count(v) > FEW && !(members = calloc(js_count(v), sizeof *members)))
        err_out_of_memory();
    while (js_next(v, &it))
        members[n++] = (struct member){it.key, it.value};
    qsort(members, n, sizeof *members, compare_keys);
    for (size_t i = 0; i < n; i++)
        write_member(w, i, members[i]);
    if (members != few)
        free(members);
}

static void write_object(struct writer *w, const struct js *v)
{
    struct js_iter it = {0};

    buf_add_char(w->out, '{');
    w->depth++;
    if (w->style == JS_CANONICAL)
        write_sorted(w, v);
    else
        for (size_t i = 0; js_next(v, &it); i++)
            write_member(w, i, (struct member){it.key, it.value});
    w->depth--;
    if (js_count(v) > 0)
        new_line(w);
    buf_add_char(w->out, '}');
}

static void write_number(struct buf *out, const struct js *v)
{
    size_t before = out->n;

    js_number_text(v, out);
    struct str digits = str_slice(buf_str(out), before, out->n);
    bool looks_like_integer =
        str_find_char(digits, '.', 0) == digits.n && str_find_char(digits, 'e', 0) == digits.n;
    if (js_kind(v) == JS_REAL && looks_like_integer)
        buf_add_text(out, ".0"); /* stays a real when it is read again */
}

static void write_value(struct writer *w, const struct js *v)
{
    if (w->hashes && w->out->n >= PIECE)
        pass_on(w);
    switch (js_kind(v)) {
    case JS_ABSENT:
    case JS_NULL:
        buf_add_text(w->out, "null");
        break;
    case JS_BOOL:
        buf_add_text(w->out, js_bool(v) ? "true" : "false");
        break;
    case JS_INT:
    case JS_REAL:
        write_number(w->out, v);
        break;
    case JS_TEXT:
        write_text(w, js_text(v));
        break;
    case JS_ARRAY:
        write_array(w, v);
        break;
    case JS_OBJECT:
        write_object(w, v);
        break;
    }
}

void js_write_text(struct str s, struct buf *out)
{
    struct writer w = {.out = out};
    AUTO(js_close) struct js *mended = str_is_utf8(s) ? NULL : js_new_text(s);

    write_text(&w, mended ? js_text(mended) : s);
}

void js_write(const struct js *v, enum js_style style, struct buf *out)
{
    struct writer w = {.out = out, .style = style};

    write_value(&w, v);
}

void js_digest(const struct js *v, enum js_style style, struct digest *out)
{
    AUTO(buf_wipe) struct buf piece = {0};
    struct writer w = {.out = &piece, .hashes = true, .style = style};

    buf_room(&piece, 2 * PIECE);
    hash_sha256_begin();
    write_value(&w, v);
    pass_on(&w);
    hash_sha256_end(out);
}

void js_number_text(const struct js *v, struct buf *out)
{
    char text[40];

    if (js_kind(v) == JS_INT) {
        buf_add_i64(out, js_int(v));
        return;
    }
    /* 17 digits always suffice (IEEE 754 double), 15 mostly do; near zero doubles have fewer. */
    for (int digits = __builtin_isnormal(js_real(v)) ? 15 : 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, js_real(v));
        if (strtod(text, NULL) == js_real(v))
            break;
    }
    for (char *p = text; *p; p++)
        if (*p == ',') /* a locale's decimal separator */
            *p = '.';
    buf_add_text(out, text);
}
