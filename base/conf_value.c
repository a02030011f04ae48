#include "base/conf_value.h"

#include <stdarg.h>
#include <stdio.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* The largest first: printing takes the first one that divides the value. */
static const struct unit spans[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 1}};
static const struct unit sizes[] = {
    {"GiB", INT64_C(1) << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {NULL, 1}};
static const struct unit none[] = {{NULL, 1}};

static const struct unit *units_of(enum conf_type type)
{
    return type == CONF_SPAN ? spans : type == CONF_SIZE ? sizes : none;
}

PRINTF(2, 3) static bool refuse(struct conf_reader *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(r->wrong, sizeof r->wrong, format, args);
    va_end(args);
    return false;
}

void conf_number_print(enum conf_type type, int64_t value, struct buf *out)
{
    const struct unit *u = units_of(type);

    while (u->name && (value == 0 || value % u->factor != 0))
        u++;
    buf_add_i64(out, value / u->factor);
    buf_add_text(out, u->name ? u->name : "");
}

/* Digits, then a unit or nothing; a plain number counts the unit of the setting's name. */
static bool parse_number(enum conf_type type, struct str text, int64_t *out)
{
    size_t digits = 0;
    const struct unit *u = units_of(type);

    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    struct str name = str_trim(str_slice(text, digits, text.n));
    while (u->name && !str_is_nocase(name, u->name))
        u++;
    return (u->name || name.n == 0) && str_to_i64(str_slice(text, 0, digits), out) &&
           !__builtin_mul_overflow(*out, u->factor, out);
}

static bool read_number(
    struct conf_reader *r, const struct conf_option *o, struct str text, int64_t *place)
{
    static const char *const forms[] = {[CONF_NUMBER] = "a whole number",
        [CONF_SPAN] = "a time such as 90s, 15m, 2h or 3d",
        [CONF_SIZE] = "a size such as 512KiB or 10MiB"};
    AUTO(buf_close) struct buf range = {0};
    int64_t value;

    if (!parse_number(o->type, text, &value))
        return refuse(r, "must be %s", forms[o->type]);
    if (value < o->least || value > o->most) {
        conf_number_print(o->type, o->least, &range);
        buf_add_text(&range, " to ");
        conf_number_print(o->type, o->most, &range);
        return refuse(r, "must be within %s", buf_text(&range));
    }
    *place = value;
    return true;
}

static bool read_switch(struct conf_reader *r, struct str text, bool *place)
{
    *place = str_is(text, "true") || str_is(text, "on") || str_is(text, "yes");
    bool off = str_is(text, "false") || str_is(text, "off") || str_is(text, "no");
    return *place || off ? true : refuse(r, "must be true or false");
}

static bool find_choice(
    struct conf_reader *r, const struct conf_option *o, struct str text, unsigned *out)
{
    AUTO(buf_close) struct buf all = {0};

    for (*out = 0; o->choices[*out]; ++*out) {
        if (str_is(text, o->choices[*out]))
            return true;
        buf_addf(&all, "%s%s", *out > 0 ? ", " : "", o->choices[*out]);
    }
    return refuse(r, "must be one of %s", buf_text(&all));
}

static bool is_path(enum conf_type type)
{
    return type == CONF_PATH || type == CONF_PATHS;
}

bool conf_value_read_item(
    struct conf_reader *r, const struct conf_option *o, struct str text, const char **out)
{
    bool absent = text.n == 0 && o->fallback && !*o->fallback && o->type != CONF_TEXTS &&
                  o->type != CONF_PATHS;

    if (str_has_control(text) || !str_is_utf8(text))
        return refuse(r, "must be UTF-8 text on one line, without control characters");
    if (!absent && is_path(o->type) && text.n == 0)
        return refuse(r, "must be a path");
    const char *right = !absent && o->check ? o->check(text) : NULL;
    if (right)
        return refuse(r, "%s", right);
    bool relative = is_path(o->type) && text.n > 0 && text.p[0] != '/';
    *out = relative ? arena_printf(r->arena, "%s/" STR_FMT, r->folder, STR_ARG(text))
                    : arena_text(r->arena, text);
    return true;
}

bool conf_value_read(
    struct conf_reader *r, const struct conf_option *o, struct str text, void *place)
{
    unsigned choice;

    switch (o->type) {
    case CONF_NUMBER:
    case CONF_SPAN:
    case CONF_SIZE:
        return read_number(r, o, text, place);
    case CONF_SWITCH:
        return read_switch(r, text, place);
    case CONF_CHOICE:
        if (!find_choice(r, o, text, &choice))
            return false;
        *(const char **)place = o->choices[choice];
        return true;
    case CONF_ENUM:
        return find_choice(r, o, text, place);
    case CONF_TEXT:
    case CONF_PATH:
    case CONF_TEXTS:
    case CONF_PATHS:
        break;
    }
    return conf_value_read_item(r, o, text, place);
}

/* $ is escaped, because ${NAME} would be taken from the environment when the text is read again. */
void conf_text_print(struct str text, struct buf *out)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (strchr("\"\\$", text.p[i]))
            buf_add_char(out, '\\');
        buf_add_char(out, text.p[i]);
    }
    buf_add_char(out, '"');
}

static void print_list(const char *const *items, size_t n, struct buf *out)
{
    buf_add_char(out, '{');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_add_text(out, ", ");
        conf_text_print(str_of(items[i]), out);
    }
    buf_add_char(out, '}');
}

void conf_value_print(const struct conf_option *o, const void *owner, struct buf *out)
{
    const char *place = (const char *)owner + o->at;

    switch (o->type) {
    case CONF_TEXT:
    case CONF_PATH:
    case CONF_CHOICE:
        conf_text_print(str_of(*(const char *const *)place), out);
        break;
    case CONF_ENUM:
        conf_text_print(str_of(o->choices[*(const unsigned *)place]), out);
        break;
    case CONF_NUMBER:
    case CONF_SPAN:
    case CONF_SIZE:
        conf_number_print(o->type, *(const int64_t *)place, out);
        break;
    case CONF_SWITCH:
        buf_add_text(out, *(const bool *)place ? "true" : "false");
        break;
    case CONF_TEXTS:
    case CONF_PATHS:
        print_list(*(const char *const *const *)place,
            *(const size_t *)((const char *)owner + o->count_at), out);
        break;
    }
}

const char *conf_type_name(const struct conf_option *o)
{
    static const char *const names[] = {[CONF_TEXT] = "text",
        [CONF_PATH] = "path",
        [CONF_CHOICE] = "choice",
        [CONF_ENUM] = "choice",
        [CONF_NUMBER] = "number",
        [CONF_SPAN] = "time",
        [CONF_SIZE] = "size",
        [CONF_SWITCH] = "true or false",
        [CONF_TEXTS] = "list of texts",
        [CONF_PATHS] = "list of paths"};

    return names[o->type];
}
