#include "templates/variables.h"

#include "templates/format.h"

#define TEXT_BYTES 1000
#define LIST_MEMBERS 100
#define DEPTH_MAX 8

static const char *const type_names[] = {
    [VARIABLE_TEXT] = "text",
    [VARIABLE_URL] = "url",
    [VARIABLE_INTEGER] = "integer",
    [VARIABLE_MONEY] = "money",
    [VARIABLE_DATE] = "date",
    [VARIABLE_DATETIME] = "datetime",
    [VARIABLE_FLAG] = "flag",
    [VARIABLE_LIST] = "list",
    [VARIABLE_OBJECT] = "object",
};

static bool declare_members(
    struct variable *object, const struct js *of, struct arena *a, unsigned depth, struct err *e);

static bool wrong(struct err *e, struct str name, const char *what)
{
    return err_set(e, ERR_INPUT, "variable \"" STR_FMT "\": %s", (int)(name.n < 80 ? name.n : 80),
        name.p, what);
}

static struct variable *find_member(const struct variable *object, struct str name)
{
    for (struct variable *v = object->members; v; v = v->next)
        if (str_eq(v->name, name))
            return v;
    return NULL;
}

const struct variable *variable_member(const struct variable *object, struct str name)
{
    return find_member(object, name);
}

static struct variable *add_member(struct variable *object, struct str name, struct arena *a)
{
    struct variable *v = ARENA_NEW(a, struct variable), **at = &object->members;
    while (*at)
        at = &(*at)->next;
    v->name = name;
    return *at = v;
}

static bool type_of(struct str word, enum variable_type *out)
{
    for (size_t i = 0; i < COUNT_OF(type_names); i++)
        if (str_is(word, type_names[i])) {
            *out = (enum variable_type)i;
            return true;
        }
    return false;
}

static bool check_words(struct str name, const struct js *declared, struct err *e)
{
    static const char *const words[] = {"type", "optional", "min", "max", "lines", "of"};
    struct js_iter it = {0};
    while (js_next(declared, &it)) {
        bool known = false;
        for (size_t i = 0; i < COUNT_OF(words); i++)
            known = known || str_is(it.key, words[i]);
        if (!known)
            return wrong(
                e, name, "is declared with type, optional, min, max, lines and of, nothing else");
    }
    return true;
}

static bool declare_type(struct variable *v, const struct js *declared, struct err *e)
{
    struct str word = js_get_text(declared, "type");
    char names[120] = "";
    if (js_kind(declared) == JS_OBJECT && type_of(word, &v->type))
        return true;
    for (size_t i = 0; i < COUNT_OF(type_names); i++) {
        strcat(names, i > 0 ? ", " : "");
        strcat(names, type_names[i]);
    }
    if (word.n == 0)
        return err_set(e, ERR_INPUT, "variable \"" STR_FMT "\": needs a \"type\"; there are: %s",
            (int)(v->name.n < 80 ? v->name.n : 80), v->name.p, names);
    return err_set(e, ERR_INPUT,
        "variable \"" STR_FMT "\": \"" STR_FMT "\" is no type; there are: %s",
        (int)(v->name.n < 80 ? v->name.n : 80), v->name.p, (int)(word.n < 40 ? word.n : 40), word.p,
        names);
}

static bool declare_integer_bounds(
    struct variable *v, const struct js *min, const struct js *max, struct err *e)
{
    v->least = min ? js_int(min) : INT64_MIN;
    v->most = max ? js_int(max) : INT64_MAX;
    if ((min && js_kind(min) != JS_INT) || (max && js_kind(max) != JS_INT))
        return wrong(e, v->name, "min and max of an integer are whole numbers");
    return v->least <= v->most || wrong(e, v->name, "min is above max");
}

static bool declare_bounds(struct variable *v, const struct js *declared, struct err *e)
{
    const struct js *min = js_get(declared, "min"), *max = js_get(declared, "max");
    bool counts = v->type == VARIABLE_TEXT || v->type == VARIABLE_URL || v->type == VARIABLE_LIST;
    v->max = v->type == VARIABLE_LIST ? LIST_MEMBERS : TEXT_BYTES;
    v->least_amount = js_text(min);
    if (v->type == VARIABLE_INTEGER)
        return declare_integer_bounds(v, min, max, e);
    if (max && !counts)
        return wrong(e, v->name, "max is for text, url, integer and list");
    if (max && (js_int(max) < 1 || js_int(max) > 100000))
        return wrong(e, v->name, "max is a number from 1 to 100000");
    if (max)
        v->max = (size_t)js_int(max);
    if (min && v->type != VARIABLE_MONEY)
        return wrong(e, v->name, "min is for integer and money");
    return !min || format_is_decimal(v->least_amount) ||
           wrong(e, v->name, "min of money is a decimal in quotes, e.g. \"0.01\"");
}

/* "of" of a list is one declaration ({"type": "text"}) or the members of objects. */
static bool declare_element(
    struct variable *list, const struct js *of, struct arena *a, unsigned depth, struct err *e);

static bool declare_one(
    struct variable *v, const struct js *declared, struct arena *a, unsigned depth, struct err *e)
{
    const struct js *of = js_get(declared, "of");
    if (!declare_type(v, declared, e) || !check_words(v->name, declared, e) ||
        !declare_bounds(v, declared, e))
        return false;
    v->optional = js_bool(js_get(declared, "optional"));
    v->lines = js_bool(js_get(declared, "lines"));
    bool has_of = v->type == VARIABLE_LIST || v->type == VARIABLE_OBJECT;
    if (has_of != (js_kind(of) == JS_OBJECT))
        return wrong(e, v->name, "\"of\" says what a list or an object holds, and only there");
    if (v->type == VARIABLE_LIST)
        return declare_element(v, of, a, depth + 1, e);
    return v->type != VARIABLE_OBJECT || declare_members(v, of, a, depth + 1, e);
}

static bool declare_element(
    struct variable *list, const struct js *of, struct arena *a, unsigned depth, struct err *e)
{
    list->element = ARENA_NEW(a, struct variable);
    list->element->name = list->name;
    if (js_kind(js_get(of, "type")) == JS_TEXT)
        return declare_one(list->element, of, a, depth, e);
    list->element->type = VARIABLE_OBJECT;
    return declare_members(list->element, of, a, depth, e);
}

/* The object that a dotted name goes through; made where it is not there yet, required until proved optional. */
static struct variable *object_through(struct variable *object, struct str part, struct arena *a)
{
    struct variable *v = find_member(object, part);
    if (!v) {
        v = add_member(object, part, a);
        v->type = VARIABLE_OBJECT;
        v->optional = true;
    }
    return v->type == VARIABLE_OBJECT ? v : NULL;
}

static bool declare_dotted(struct variable *object, struct str name, const struct js *declared,
    struct arena *a, unsigned depth, struct err *e)
{
    bool optional = js_bool(js_get(declared, "optional"));
    for (size_t dot; (dot = str_find_char(name, '.', 0)) < name.n;
         name = str_slice(name, dot + 1, name.n)) {
        if (dot == 0)
            return wrong(e, name, "has an empty part in its name");
        object = object_through(object, str_slice(name, 0, dot), a);
        if (!object)
            return wrong(e, name, "is declared inside something that is no object");
        object->optional = object->optional && optional;
    }
    if (name.n == 0 || find_member(object, name))
        return wrong(e, name, "is declared twice or has no name");
    return declare_one(add_member(object, name, a), declared, a, depth, e);
}

static bool declare_members(
    struct variable *object, const struct js *of, struct arena *a, unsigned depth, struct err *e)
{
    if (depth > DEPTH_MAX)
        return wrong(e, object->name, "is nested too deep");
    struct js_iter it = {0};
    while (js_next(of, &it))
        if (!declare_dotted(object, it.key, it.value, a, depth, e))
            return false;
    return true;
}

bool variables_declare(
    const struct js *declared, struct arena *a, struct variable **out, struct err *e)
{
    static const char *const ours[] = {"t", "brand", "links", "mail", "has", "some", "same"};
    struct variable *root = ARENA_NEW(a, struct variable);
    root->type = VARIABLE_OBJECT;
    if (js_kind(declared) != JS_OBJECT)
        return err_set(e, ERR_INPUT, "\"variables\" must be an object");
    if (!declare_members(root, declared, a, 0, e))
        return false;
    for (size_t i = 0; i < COUNT_OF(ours); i++)
        if (find_member(root, str_of(ours[i])))
            return wrong(e, str_of(ours[i]), "is a name of Parcelpost's own");
    *out = root;
    return true;
}

/* ---- what a request must put there ----------------------------------------------------------- */

#define NAMES_BYTES 400

const char *variable_names(const struct variable *object, bool required, struct arena *a)
{
    AUTO(buf_close) struct buf names = {0};
    for (const struct variable *m = object->members; m; m = m->next) {
        if (required && m->optional)
            continue;
        buf_add_text(&names, names.n > 0 ? ", " : "");
        if (names.n > NAMES_BYTES) {
            buf_add_text(&names, "...");
            break;
        }
        buf_add(&names, m->name);
    }
    return arena_text(a, buf_str(&names));
}

const char *variable_wanted(const struct variable *v, struct arena *a)
{
    switch (v->type) {
    case VARIABLE_TEXT:
        return "a text in quotes";
    case VARIABLE_URL:
        return "a URL such as \"https://shop.example/orders/1042\"";
    case VARIABLE_INTEGER:
        return "a whole number such as 3";
    case VARIABLE_MONEY:
        return "an amount such as {\"amount\": \"12.50\", \"currency\": \"EUR\"}";
    case VARIABLE_DATE:
        return "a date such as \"2026-11-21\"";
    case VARIABLE_DATETIME:
        return "a time such as \"2026-11-21T08:30:00+01:00\"";
    case VARIABLE_FLAG:
        return "true or false";
    case VARIABLE_LIST:
        return arena_printf(a, "an array, each member %s", variable_wanted(v->element, a));
    case VARIABLE_OBJECT:
        break;
    }
    const char *names = variable_names(v, true, a);
    return *names != 0 ? arena_printf(a, "an object with %s", names) : "an object";
}

/* ---- names in templates ---------------------------------------------------------------------- */

static bool leads_somewhere(const struct variable *v, struct str dotted)
{
    struct str part;
    while (str_next(&dotted, '.', &part)) {
        if (v->type == VARIABLE_MONEY && (str_is(part, "amount") || str_is(part, "currency")))
            return dotted.n == 0;
        v = v->type == VARIABLE_OBJECT ? find_member(v, part) : NULL;
        if (!v)
            return false;
    }
    return true;
}

bool variables_know(const struct variable *v, struct str dotted)
{
    if (v->element)
        return variables_know(v->element, dotted);
    if (leads_somewhere(v, dotted))
        return true;
    for (const struct variable *m = v->members; m; m = m->next)
        if (variables_know(m, dotted))
            return true;
    return false;
}
