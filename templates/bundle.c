#include "templates/bundle.h"

const char *const part_names[PARTS] = {"subject", "preheader", "html", "text"};

#define DEFAULT_COLOUR "#2457a6" /* as in the settings */

/* ---- brand ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t offset;
} brand_texts[] = {
    {"name", offsetof(struct brand, name)},
    {"url", offsetof(struct brand, url)},
    {"support_url", offsetof(struct brand, support_url)},
    {"postal_address", offsetof(struct brand, postal_address)},
    {"colour", offsetof(struct brand, colour)},
    {"from", offsetof(struct brand, from)},
    {"reply_to", offsetof(struct brand, reply_to)},
    {"logo_content_type", offsetof(struct brand, logo_content_type)},
};

static const char *brand_text(const struct brand *b, size_t i)
{
    const char *const *field = (const void *)((const char *)b + brand_texts[i].offset);
    return *field ? *field : "";
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* #rrggbb in three numbers. */
static bool read_colour(const char *text, int rgb[3])
{
    if (text[0] != '#' || strlen(text) != 7)
        return false;
    for (size_t i = 0; i < 3; i++) {
        int high = hex_digit(text[1 + 2 * i]), low = hex_digit(text[2 + 2 * i]);
        if (high < 0 || low < 0)
            return false;
        rgb[i] = 16 * high + low;
    }
    return true;
}

/* Black or white, whichever is easier to read on the colour (weights of ITU-R BT.601). */
static const char *text_on(const char *colour)
{
    int rgb[3] = {0};
    read_colour(colour, rgb);
    return 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] > 150000 ? "#000000" : "#ffffff";
}

static bool is_link(const char *url)
{
    return url[0] == 0 || str_starts(str_of(url), STR("https://")) ||
           str_starts(str_of(url), STR("mailto:"));
}

bool brand_check(const struct brand *b, struct err *e)
{
    int rgb[3];
    for (size_t i = 0; i < COUNT_OF(brand_texts); i++)
        if (!str_is_utf8(str_of(brand_text(b, i))))
            return err_set(e, ERR_INPUT, "the brand's %s must be UTF-8", brand_texts[i].name);
    if (b->colour && b->colour[0] != 0 && !read_colour(b->colour, rgb))
        return err_set(e, ERR_INPUT, "the brand's colour must be six hexadecimal digits, e.g. %s",
            DEFAULT_COLOUR);
    if (!is_link(b->url ? b->url : "") || !is_link(b->support_url ? b->support_url : ""))
        return err_set(
            e, ERR_INPUT, "the brand's url and support_url must begin with https:// (or mailto:)");
    return true;
}

static struct js *brand_write(const struct brand *b)
{
    struct js *o = js_object();
    for (size_t i = 0; i < COUNT_OF(brand_texts); i++)
        js_set_cstr(o, brand_texts[i].name, brand_text(b, i));
    js_set_cstr(o, "logo", b->logo.s);
    return o;
}

void brand_read(const struct js *bundle, struct arena *a, struct brand *out)
{
    const struct js *o = js_get(bundle, "brand");
    *out = (struct brand){0};
    for (size_t i = 0; i < COUNT_OF(brand_texts); i++) {
        const char **field = (void *)((char *)out + brand_texts[i].offset);
        *field = arena_text(a, js_get_text(o, brand_texts[i].name));
    }
    if (!str_copy(js_get_text(o, "logo"), out->logo.s, sizeof out->logo.s))
        out->logo.s[0] = 0;
}

static bool is_word(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "Nordwind GmbH, Hafenstraße 3" need not be told that it is Nordwind. */
static bool is_in_address(const struct brand *b)
{
    struct str name = str_of(b->name), address = str_of(b->postal_address);
    if (name.n == 0)
        return true;
    return str_starts_nocase(address, name) &&
           (name.n == address.n || !is_word((unsigned char)address.p[name.n]));
}

struct js *brand_for_templates(const struct brand *b)
{
    struct js *root = js_object(), *o = js_object();
    const char *colour = b->colour[0] != 0 ? b->colour : DEFAULT_COLOUR;
    js_set_cstr(o, "name", b->name);
    js_set_cstr(o, "url", b->url);
    js_set_cstr(o, "support_url", b->support_url);
    js_set_cstr(o, "postal_address", b->postal_address);
    js_set_bool(o, "is_in_address", is_in_address(b));
    js_set_cstr(o, "colour", colour);
    js_set_cstr(o, "text_colour", text_on(colour));
    js_set_cstr(o, "logo", b->logo_content_type[0] != 0 ? "cid:logo" : "");
    js_set(root, "brand", o);
    return root;
}

/* ---- bundle ---------------------------------------------------------------------------------- */

/* The shelf is read by many threads, and references are counted: a bundle takes copies. */
static struct js *copy(const struct js *v)
{
    struct js_iter it = {0};
    AUTO(buf_close) struct buf key = {0};
    struct js *o;
    switch (js_kind(v)) {
    case JS_TEXT:
        return js_new_text(js_text(v));
    case JS_INT:
        return js_new_int(js_int(v));
    case JS_REAL:
        return js_new_real(js_real(v));
    case JS_BOOL:
        return js_new_bool(js_bool(v));
    case JS_ABSENT:
    case JS_NULL:
        return js_new_null();
    case JS_ARRAY:
        o = js_array();
        for (size_t i = 0; i < js_count(v); i++)
            js_push(o, copy(js_at(v, i)));
        return o;
    case JS_OBJECT:
        break;
    }
    o = js_object();
    while (js_next(v, &it)) {
        buf_clear(&key);
        buf_add(&key, it.key);
        js_set(o, buf_text(&key), copy(it.value));
    }
    return o;
}

/* The members of `all` that the set `used` names. */
static struct js *pick(const struct js *all, const struct js *used)
{
    struct js *o = js_object();
    struct js_iter it = {0};
    AUTO(buf_close) struct buf key = {0};
    while (js_next(used, &it)) {
        struct js *value = js_get_str(all, it.key);
        buf_clear(&key);
        buf_add(&key, it.key);
        if (value)
            js_set(o, buf_text(&key), copy(value));
    }
    return o;
}

bool bundle_write(const struct shelved *mail, const struct js *partials,
    const struct bundle_language *language, const struct brand *b, struct buf *out, struct err *e)
{
    if (!brand_check(b, e))
        return false;
    AUTO(js_close) struct js *o = js_object();
    struct js *parts = js_object();
    AUTO(buf_close) struct buf bytes = {0};
    for (size_t i = 0; i < PARTS; i++)
        js_set_text(parts, part_names[i], mail->parts[i]);
    js_set_int(o, "bundle", BUNDLE_VERSION);
    js_set_cstr(o, "name", mail->name);
    js_set_cstr(o, "locale", language->locale);
    js_set_cstr(o, "format", language->format);
    js_set_cstr(o, "stream", mail->stream);
    js_set(o, "brand", brand_write(b));
    js_set(o, "variables", copy(mail->variables));
    js_set(o, "parts", parts);
    js_set(o, "partials", pick(partials, mail->used_partials));
    js_set(o, "catalog", pick(language->catalog, mail->used_keys));
    js_write(o, JS_CANONICAL, &bytes);
    if (bytes.n > BUNDLE_BYTES_MAX)
        return err_set(e, ERR_LIMIT,
            "the mail %s has more than %u bytes with its partials and texts", mail->name,
            BUNDLE_BYTES_MAX);
    buf_add(out, buf_str(&bytes));
    return true;
}
