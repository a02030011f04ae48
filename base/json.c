#include "base/json_inside.h"

#define FIRST_ROOM 360             /* of an object or array that is made: some short members */
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* ---- reading ---- */

static bool parse(struct str text, size_t values_max, struct js **out, struct err *e)
{
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
    if (v)
        json_region_hold(v->region);
    return v;
}

void js_close(struct js **v)
{
    if (*v)
        json_region_drop((*v)->region);
    *v = NULL;
}

enum js_kind js_kind(const struct js *v)
{
    return v ? v->kind : JS_ABSENT;
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
    return js_kind(v) == JS_TEXT ? v->text : STR("");
}

int64_t js_int(const struct js *v)
{
    return js_kind(v) == JS_INT ? v->integer : 0;
}

double js_real(const struct js *v)
{
    if (js_kind(v) == JS_INT)
        return (double)v->integer;
    return js_kind(v) == JS_REAL ? v->real : 0;
}

bool js_bool(const struct js *v)
{
    return js_kind(v) == JS_BOOL && v->yes;
}

size_t js_count(const struct js *v)
{
    return js_kind(v) == JS_ARRAY || js_kind(v) == JS_OBJECT ? v->n : 0;
}

struct js *js_get(const struct js *object, const char *key)
{
    return js_get_str(object, str_of(key));
}

struct js *js_get_str(const struct js *object, struct str key)
{
    const struct json_member *m = js_kind(object) == JS_OBJECT ? json_find(object, key) : NULL;

    return m ? m->value : NULL;
}

struct js *js_at(const struct js *array, size_t i)
{
    return js_kind(array) == JS_ARRAY && i < array->n ? array->items[i] : NULL;
}

struct str js_get_text(const struct js *object, const char *key)
{
    return js_text(js_get(object, key));
}

bool js_next(const struct js *object, struct js_iter *it)
{
    if (js_kind(object) != JS_OBJECT || it->at >= object->n)
        return false;
    it->key = object->members[it->at].key;
    it->value = object->members[it->at].value;
    it->at++;
    return true;
}

/* ---- making ---- */

static void must(bool done)
{
    if (!done)
        err_out_of_memory();
}

static struct js *made(struct json_region *r, enum js_kind kind)
{
    struct js *v = r ? json_new(r, kind) : NULL;

    must(v);
    return v;
}

static struct js *alone(enum js_kind kind, size_t more)
{
    return made(json_region_open(sizeof(struct js) + more), kind);
}

struct js *js_object(void)
{
    return alone(JS_OBJECT, FIRST_ROOM);
}

struct js *js_array(void)
{
    return alone(JS_ARRAY, FIRST_ROOM);
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

static struct js *fill_text(struct js *v, struct str s)
{
    AUTO(buf_close) struct buf repaired = {0};

    s = str_bytes(s.p, s.n); /* that of a zeroed struct has no pointer */
    if (!is_clean(s)) {
        repair(&repaired, s);
        s = buf_str(&repaired);
    }
    must(json_fill_text(v, s));
    return v;
}

static struct js *fill_int(struct js *v, int64_t integer)
{
    v->integer = integer;
    return v;
}

static struct js *fill_bool(struct js *v, bool yes)
{
    v->yes = yes;
    return v;
}

struct js *js_new_text(struct str s)
{
    return fill_text(alone(JS_TEXT, s.n + 1), s);
}

struct js *js_new_int(int64_t v)
{
    return fill_int(alone(JS_INT, 0), v);
}

/* JSON has no infinity and no NaN; null says that there is no number. */
struct js *js_new_real(double real)
{
    struct js *v = alone(__builtin_isfinite(real) ? JS_REAL : JS_NULL, 0);

    if (v->kind == JS_REAL)
        v->real = real;
    return v;
}

struct js *js_new_bool(bool v)
{
    return fill_bool(alone(JS_BOOL, 0), v);
}

struct js *js_new_null(void)
{
    return alone(JS_NULL, 0);
}

/* ---- putting in ---- */

/* A value of the object's region, or one that it holds from now on. */
static void put(struct js *object, const char *key, struct js *value)
{
    AUTO(buf_close) struct buf repaired = {0};
    struct str name = str_of(key);

    if (!is_clean(name)) {
        repair(&repaired, name);
        name = buf_str(&repaired);
    }
    struct json_member *m = json_find(object, name);
    if (m)
        m->value = value;
    else
        must(json_add(object, name, value));
}

void js_set(struct js *object, const char *key, struct js *value)
{
    if (js_kind(object) != JS_OBJECT || !value || value == object) {
        js_close(&value);
        return;
    }
    must(json_adopt(object, value));
    put(object, key, value);
}

void js_set_text(struct js *object, const char *key, struct str s)
{
    if (js_kind(object) == JS_OBJECT)
        put(object, key, fill_text(made(object->region, JS_TEXT), s));
}

void js_set_cstr(struct js *object, const char *key, const char *text)
{
    js_set_text(object, key, str_of(text));
}

void js_set_int(struct js *object, const char *key, int64_t v)
{
    if (js_kind(object) == JS_OBJECT)
        put(object, key, fill_int(made(object->region, JS_INT), v));
}

void js_set_bool(struct js *object, const char *key, bool v)
{
    if (js_kind(object) == JS_OBJECT)
        put(object, key, fill_bool(made(object->region, JS_BOOL), v));
}

void js_push(struct js *array, struct js *value)
{
    if (js_kind(array) != JS_ARRAY || !value || value == array) {
        js_close(&value);
        return;
    }
    must(json_adopt(array, value) && json_append(array, value));
}
