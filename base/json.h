/* json -- JSON values to read and to build (RFC 8259).
 * A `struct js` is counted: js_parse and the makers give one reference, js_close drops it, js_ref
 * takes another. js_set and js_push take over the reference of the value they are given; what
 * js_get and js_at return is borrowed from the parent. A reference keeps the whole tree that was read together, and
 * what was replaced in it; a value that is put into another tree keeps its own. Readers accept NULL and the wrong kind and
 * then answer "absent": JS_ABSENT, "", 0, false. Parsing refuses duplicate keys, invalid UTF-8, NUL
 * in strings, nesting above 64 and more than JS_VALUES_MAX values. A tree that no thread changes may be read (not ref'd or closed) by many. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

/* One takes up to 180 bytes beside its text, because the lists that an object has outgrown stay, too. */
#define JS_VALUES_MAX 100000

struct js;

enum js_kind { JS_ABSENT, JS_NULL, JS_BOOL, JS_INT, JS_REAL, JS_TEXT, JS_ARRAY, JS_OBJECT };

/* Errors: ERR_INPUT (it is no JSON, or too deep) and ERR_LIMIT (too many values) with line and column; ERR_FULL
 * when memory is short. */
bool js_parse(struct str text, struct js **out, struct err *e);
/* The same for what we wrote ourselves: however many values. What was taken must be read again. */
bool js_parse_ours(struct str text, struct js **out, struct err *e);
struct js *js_ref(struct js *v);
void js_close(struct js **v);

enum js_kind js_kind(const struct js *v);
const char *js_kind_name(enum js_kind k); /* "a string", "an object", ... */
struct str js_text(const struct js *v);
int64_t js_int(const struct js *v);
double js_real(const struct js *v); /* of an integer or a real */
bool js_bool(const struct js *v);
size_t js_count(const struct js *v); /* members of an array or object */
struct js *js_get(const struct js *object, const char *key);
struct js *js_get_str(const struct js *object, struct str key); /* the key need not end in NUL */
struct js *js_at(const struct js *array, size_t i);
struct str js_get_text(const struct js *object, const char *key);

/* Walks an object in insertion order: `struct js_iter it = {0}; while (js_next(o, &it)) ...` */
struct js_iter {
    size_t at;
    struct str key;
    struct js *value;
};
bool js_next(const struct js *object, struct js_iter *it);

struct js *js_object(void);
struct js *js_array(void);
struct js *js_new_text(struct str s); /* invalid UTF-8 is replaced by U+FFFD */
struct js *js_new_int(int64_t v);
struct js *js_new_real(double v);
struct js *js_new_bool(bool v);
struct js *js_new_null(void);
void js_set(struct js *object, const char *key, struct js *value);
void js_set_text(struct js *object, const char *key, struct str s);
void js_set_cstr(struct js *object, const char *key, const char *text);
void js_set_int(struct js *object, const char *key, int64_t v);
void js_set_bool(struct js *object, const char *key, bool v);
void js_push(struct js *array, struct js *value);

enum js_style {
    JS_COMPACT,
    JS_CANONICAL, /* compact with sorted keys: equal values give equal bytes */
    JS_PRETTY,
};
void js_write(const struct js *v, enum js_style style, struct buf *out);
/* A text by itself, in its quotes; invalid UTF-8 is replaced as by js_new_text. */
void js_write_text(struct str s, struct buf *out);
/* SHA-256 of what js_write would write, without keeping it. */
void js_digest(const struct js *v, enum js_style style, struct digest *out);

/* A number as its shortest decimal text that reads back the same: 1.21, 100, 1e+100. */
void js_number_text(const struct js *v, struct buf *out);

#endif
