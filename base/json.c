#include "base/json_inside.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* struct js is never defined: it is jansson's value under our name. */
static json_t *of(const struct js *v)
{
    return (json_t *)v;
}

static struct js *wrap(json_t *v)
{
    if (!v)
        err_out_of_memory();
    return (struct js *)v;
}

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

/* The text behind "near" is the sender's and may be personal. */
static bool refuse(json_error_t *wrong, struct err *e)
{
    char *near = strstr(wrong->text, " near ");

    if (starved)
        return err_set(e, ERR_FULL, "no memory for the values of a JSON text");
    if (near)
        *near = 0;
    return err_set(e, ERR_INPUT, "line %d column %d: %s", wrong->line, wrong->column, wrong->text);
}

bool json_read_slowly(struct str text, size_t values_max, struct js **out, struct err *e)
{
    json_error_t wrong;

    be_ready();
    if (!is_modest(text, values_max, e))
        return false;
    starved = false;
    json_t *v = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &wrong);
    if (!v)
        return refuse(&wrong, e);
    *out = (struct js *)v;
    return true;
}

static bool parse(struct str text, size_t values_max, struct js **out, struct err *e)
{
    be_ready();
    struct js *v = json_read_quickly(text, values_max);
    if (!v)
        return json_read_slowly(text, values_max, out, e);
    *out = v;
    return true;
}

bool js_parse(struct str text, struct js **out, struct err *e)
{
    return parse(text, JS_VALUES_MAX, out, e);
}

bool js_parse_ours(struct str text, struct js **out, struct err *e)
{
    return parse(text, SIZE_MAX, out, e);
}

struct js *js_ref(struct js *v)
{
    json_incref(of(v));
    return v;
}

void js_close(struct js **v)
{
    json_decref(of(*v));
    *v = NULL;
}

enum js_kind js_kind(const struct js *v)
{
    if (!v)
        return JS_ABSENT;
    switch (json_typeof(of(v))) {
    case JSON_OBJECT:
        return JS_OBJECT;
    case JSON_ARRAY:
        return JS_ARRAY;
    case JSON_STRING:
        return JS_TEXT;
    case JSON_INTEGER:
        return JS_INT;
    case JSON_REAL:
        return JS_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return JS_BOOL;
    case JSON_NULL:
        return JS_NULL;
    }
    return JS_ABSENT;
}

const char *js_kind_name(enum js_kind k)
{
    static const char *const names[] = {
        [JS_ABSENT] = "absent",
        [JS_NULL] = "null",
        [JS_BOOL] = "true or false",
        [JS_INT] = "an integer",
        [JS_REAL] = "a number with a fraction",
        [JS_TEXT] = "a string",
        [JS_ARRAY] = "an array",
        [JS_OBJECT] = "an object",
    };

    return (size_t)k < COUNT_OF(names) ? names[k] : "unknown";
}

struct str js_text(const struct js *v)
{
    return str_bytes(json_string_value(of(v)), json_string_length(of(v)));
}

int64_t js_int(const struct js *v)
{
    return json_integer_value(of(v));
}

double js_real(const struct js *v)
{
    return json_number_value(of(v));
}

bool js_bool(const struct js *v)
{
    return json_is_true(of(v));
}

size_t js_count(const struct js *v)
{
    return json_is_array(of(v)) ? json_array_size(of(v)) : json_object_size(of(v));
}

struct js *js_get(const struct js *object, const char *key)
{
    return (struct js *)json_object_get(of(object), key);
}

struct js *js_get_str(const struct js *object, struct str key)
{
    return (struct js *)json_object_getn(of(object), key.p, key.n);
}

struct js *js_at(const struct js *array, size_t i)
{
    return (struct js *)json_array_get(of(array), i);
}

struct str js_get_text(const struct js *object, const char *key)
{
    return js_text(js_get(object, key));
}

bool js_next(const struct js *object, struct js_iter *it)
{
    if (!it->begun)
        it->at = json_object_iter(of(object));
    else if (it->at)
        it->at = json_object_iter_next(of(object), it->at);
    it->begun = true;
    if (!it->at)
        return false;
    it->key = str_bytes(json_object_iter_key(it->at), json_object_iter_key_len(it->at));
    it->value = (struct js *)json_object_iter_value(it->at);
    return true;
}

struct js *js_object(void)
{
    be_ready();
    return wrap(json_object());
}

struct js *js_array(void)
{
    return wrap(json_array());
}

/* NULs are replaced as well: js_parse would refuse what we wrote. */
static void repair(struct buf *out, struct str s)
{
    while (s.n > 0) {
        size_t length = s.p[0] == 0 ? 0 : str_utf8_length(s);
        if (length > 0)
            buf_add(out, str_slice(s, 0, length));
        else
            buf_add(out, STR(REPLACEMENT));
        s = str_slice(s, length > 0 ? length : 1, s.n);
    }
}

static bool is_clean(struct str s)
{
    return str_is_utf8(s) && (s.n == 0 || !memchr(s.p, 0, s.n));
}

struct js *js_new_text(struct str s)
{
    AUTO(buf_close) struct buf repaired = {0};

    s = str_bytes(s.p, s.n); /* that of a zeroed struct has no pointer, and jansson wants one */
    if (is_clean(s))
        return wrap(json_stringn_nocheck(s.p, s.n));
    repair(&repaired, s);
    return wrap(json_stringn_nocheck(repaired.p, repaired.n));
}

struct js *js_new_int(int64_t v)
{
    return wrap(json_integer(v));
}

/* JSON has no infinity and no NaN; null says that there is no number. */
struct js *js_new_real(double v)
{
    return __builtin_isfinite(v) ? wrap(json_real(v)) : js_new_null();
}

struct js *js_new_bool(bool v)
{
    return wrap(json_boolean(v));
}

struct js *js_new_null(void)
{
    return wrap(json_null());
}

void js_set(struct js *object, const char *key, struct js *value)
{
    AUTO(buf_close) struct buf repaired = {0};

    if (!is_clean(str_of(key))) {
        repair(&repaired, str_of(key));
        key = buf_text(&repaired);
    }
    bool possible = json_is_object(of(object)) && value && value != object;
    if (json_object_set_new_nocheck(of(object), key, of(value)) != 0 && possible)
        err_out_of_memory();
}

void js_set_text(struct js *object, const char *key, struct str s)
{
    js_set(object, key, js_new_text(s));
}

void js_set_cstr(struct js *object, const char *key, const char *text)
{
    js_set_text(object, key, str_of(text));
}

void js_set_int(struct js *object, const char *key, int64_t v)
{
    js_set(object, key, js_new_int(v));
}

void js_set_bool(struct js *object, const char *key, bool v)
{
    js_set(object, key, js_new_bool(v));
}

void js_push(struct js *array, struct js *value)
{
    bool possible = json_is_array(of(array)) && value && value != array;

    if (json_array_append_new(of(array), of(value)) != 0 && possible)
        err_out_of_memory();
}
