/* json_slow -- jansson's own reader, and its only user: it has the last word on what is refused, and reads numbers that are
 * none of ours. */
#include "base/json_inside.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

#define KEY_BYTES 64 /* of a key that a refusal names */

/* jansson calls a text invalid when it gets no memory for it (its json_error_code says "unknown"). */
static _Thread_local bool starved;

void *json_allocate(size_t n)
{
    void *p = malloc(n);

    starved |= !p;
    return p;
}

/* jansson seeds its hash tables with the first object; two threads could come at once. */
static void prepare(void)
{
    json_set_alloc_funcs(json_allocate, free);
    json_object_seed(0);
}

static void be_ready(void)
{
    static pthread_once_t done = PTHREAD_ONCE_INIT;

    pthread_once(&done, prepare);
}

/* Before jansson sees the text: its own limit of depth is 2048 and compiled in, and it makes up to 130 bytes of
 * each two ("[]", "1,"). Looks at brackets and commas outside of strings only: one of them stands before each
 * value but the first. Whether the rest is JSON is jansson's matter. */
static bool is_modest(struct str text, size_t values_max, struct err *e)
{
    int line = 1, column = 0, depth = 0;
    size_t values = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        column = c == '\n' ? 0 : column + 1;
        line += c == '\n';
        if (c == 0) /* jansson overlooks one behind a number */
            return err_set(e, ERR_INPUT, "line %d column %d: a NUL byte", line, column);
        if (quoted && c == '\\')
            i++, column++;
        else if (c == '"')
            quoted = !quoted;
        if (quoted)
            continue;
        bool opens = c == '[' || c == '{';
        depth += opens - (c == ']' || c == '}');
        values += opens || c == ',';
        if (depth > JSON_DEPTH_MAX)
            return err_set(e, ERR_INPUT, "line %d column %d: nested deeper than %d levels", line,
                column, JSON_DEPTH_MAX);
        if (values > values_max)
            return err_set(
                e, ERR_LIMIT, "line %d column %d: more than %zu values", line, column, values_max);
    }
    return true;
}

/* Of the string that ends at `end`, as it is written there: within it every quote has a backslash before it. The name of a
 * field, which faults tell, too. */
static struct str key_before(struct str text, size_t end)
{
    size_t from = end < 2 || end > text.n || text.p[end - 1] != '"' ? 0 : end - 2;

    while (from > 0 && (text.p[from] != '"' || text.p[from - 1] == '\\'))
        from--;
    return str_slice(text, from, from > 0 ? end : 0);
}

static bool refuse_key(struct str key, const json_error_t *wrong, struct err *e)
{
    bool cut = key.n > KEY_BYTES;
    size_t n = cut ? KEY_BYTES : key.n;

    while (cut && n > 0 && (key.p[n] & 0xc0) == 0x80)
        n--;
    return err_set(e, ERR_INPUT, "line %d column %d: duplicate object key " STR_FMT "%s",
        wrong->line, wrong->column, STR_ARG(str_slice(key, 0, n)), cut ? "..." : "");
}

/* The text behind "near" is the sender's and may be personal. */
static bool refuse(struct str text, json_error_t *wrong, struct err *e)
{
    char *near = strstr(wrong->text, " near ");

    if (starved)
        return err_set(e, ERR_FULL, "no memory for the values of a JSON text");
    if (json_error_code(wrong) == json_error_duplicate_key)
        return refuse_key(key_before(text, (size_t)wrong->position), wrong, e);
    if (near)
        *near = 0;
    return err_set(e, ERR_INPUT, "line %d column %d: %s", wrong->line, wrong->column, wrong->text);
}

/* ---- from its values to ours; NULL: no memory ---- */

static struct js *convert(struct json_region *r, const json_t *from);

static struct js *text_of(struct json_region *r, const json_t *from)
{
    struct js *v = json_new(r, JS_TEXT);
    struct str s = str_bytes(json_string_value(from), json_string_length(from));

    return v && json_fill_text(v, s) ? v : NULL;
}

static struct js *array_of(struct json_region *r, const json_t *from)
{
    struct js *v = json_new(r, JS_ARRAY);

    for (size_t i = 0; v && i < json_array_size(from); i++) {
        struct js *one = convert(r, json_array_get(from, i));
        if (!one || !json_append(v, one))
            return NULL;
    }
    return v;
}

static struct js *object_of(struct json_region *r, const json_t *from)
{
    struct js *v = json_new(r, JS_OBJECT);
    json_t *all = (json_t *)from; /* walking it changes nothing */

    for (void *at = json_object_iter(all); v && at; at = json_object_iter_next(all, at)) {
        struct str key = str_bytes(json_object_iter_key(at), json_object_iter_key_len(at));
        struct js *one = convert(r, json_object_iter_value(at));
        if (!one || !json_add(v, key, one))
            return NULL;
    }
    return v;
}

static struct js *simple_of(struct json_region *r, const json_t *from)
{
    static const enum js_kind kinds[] = {[JSON_INTEGER] = JS_INT,
        [JSON_REAL] = JS_REAL,
        [JSON_TRUE] = JS_BOOL,
        [JSON_FALSE] = JS_BOOL,
        [JSON_NULL] = JS_NULL};
    struct js *v = json_new(r, kinds[json_typeof(from)]);

    if (!v)
        return NULL;
    if (v->kind == JS_INT)
        v->integer = json_integer_value(from);
    else if (v->kind == JS_REAL)
        v->real = json_real_value(from);
    else if (v->kind == JS_BOOL)
        v->yes = json_is_true(from);
    return v;
}

/* No deeper than JSON_DEPTH_MAX. */
static struct js *convert(struct json_region *r, const json_t *from)
{
    switch (json_typeof(from)) {
    case JSON_OBJECT:
        return object_of(r, from);
    case JSON_ARRAY:
        return array_of(r, from);
    case JSON_STRING:
        return text_of(r, from);
    default:
        return simple_of(r, from);
    }
}

struct js *json_read_number(struct json_region *r, struct str text)
{
    be_ready();
    json_auto_t *number = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
    return number && json_is_number(number) ? simple_of(r, number) : NULL;
}

bool json_read_slowly(struct str text, size_t values_max, struct js **out, struct err *e)
{
    json_error_t wrong;

    be_ready();
    if (!is_modest(text, values_max, e))
        return false;
    starved = false;
    json_auto_t *whole =
        json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &wrong);
    if (!whole)
        return refuse(text, &wrong, e);
    struct json_region *r = json_region_open(0);
    struct js *v = r ? convert(r, whole) : NULL;
    if (v) {
        *out = v;
        return true;
    }
    if (r)
        json_region_drop(r);
    return err_set(e, ERR_FULL, "no memory for the values of a JSON text");
}
