/* mail -- one mail, compiled from its bundle: checking data, rendering the four parts. */
#include "templates/bundle.h"
#include "templates/catalog.h"
#include "templates/format.h"
#include "templates/pack.h"
#include "templates/variables.h"

#include <stdlib.h>

#define PART_BYTES_MAX (1u << 20)

struct partial {
    struct str name;
    struct template *t;
};

struct mail {
    struct arena *arena;
    struct js *bundle; /* the declarations point into it */
    const char *name;
    const char *locale;  /* of the texts */
    const char *written; /* of dates, numbers and amounts */
    bool is_marketing;
    struct brand brand;
    struct js *behind; /* {"brand": {...}} */
    struct variable *variables;
    struct template *parts[PARTS];
    struct partial *partials; /* sorted by name */
    size_t partials_n;
    struct catalog *catalog;
    struct format *format;
};

/* ---- compiling ------------------------------------------------------------------------------- */

static int compare_partials(const void *a, const void *b)
{
    return str_compare(((const struct partial *)a)->name, ((const struct partial *)b)->name);
}

static bool compile_partials(struct mail *m, const struct js *partials, struct err *e)
{
    m->partials = arena_array(m->arena, js_count(partials) + 1, sizeof *m->partials);
    struct js_iter it = {0};
    while (js_next(partials, &it)) {
        struct partial *p = &m->partials[m->partials_n++];
        p->name = arena_str(m->arena, it.key);
        const char *name = arena_printf(m->arena, "partials/" STR_FMT, STR_ARG(it.key));
        if (!template_compile(name, js_text(it.value), &p->t, e))
            return false;
    }
    qsort(m->partials, m->partials_n, sizeof *m->partials, compare_partials);
    return true;
}

static bool compile_parts(struct mail *m, const struct js *parts, struct err *e)
{
    for (size_t i = 0; i < PARTS; i++) {
        const char *name = arena_printf(m->arena, "%s/%s", m->name, part_names[i]);
        if (js_kind(js_get(parts, part_names[i])) != JS_TEXT)
            return err_set(e, ERR_CORRUPT, "the bundle of %s has no %s", m->name, part_names[i]);
        if (!template_compile(name, js_get_text(parts, part_names[i]), &m->parts[i], e))
            return false;
    }
    return true;
}

static bool compile(struct mail *m, struct str bytes, struct err *e)
{
    if (bytes.n > BUNDLE_BYTES_MAX || !js_parse(bytes, &m->bundle, e))
        return err_set(e, ERR_CORRUPT, "a bundle is no JSON or too large");
    int64_t version = js_int(js_get(m->bundle, "bundle"));
    if (version > BUNDLE_VERSION)
        return err_set(e, ERR_NEWER, "a bundle was written by a newer version");
    if (version < 1)
        return err_set(e, ERR_CORRUPT, "these bytes are no bundle");
    m->name = arena_text(m->arena, js_get_text(m->bundle, "name"));
    m->locale = arena_text(m->arena, js_get_text(m->bundle, "locale"));
    struct str written = js_get_text(m->bundle, "format");
    m->written = written.n > 0 ? arena_text(m->arena, written) : m->locale;
    m->is_marketing = str_is(js_get_text(m->bundle, "stream"), "marketing");
    brand_read(m->bundle, m->arena, &m->brand);
    m->behind = brand_for_templates(&m->brand);
    const char *file = arena_printf(m->arena, "locales/%s.json", m->locale);
    return compile_parts(m, js_get(m->bundle, "parts"), e) &&
           compile_partials(m, js_get(m->bundle, "partials"), e) &&
           variables_declare(js_get(m->bundle, "variables"), m->arena, &m->variables, e) &&
           format_open(m->written, m->locale, &m->format, e) &&
           catalog_compile(file, NULL, m->locale, js_get(m->bundle, "catalog"), &m->catalog, e);
}

bool mail_compile(struct str bundle, struct mail **out, struct err *e)
{
    struct arena *arena = arena_open();
    struct mail *m = ARENA_NEW(arena, struct mail);
    m->arena = arena;
    if (!compile(m, bundle, e)) {
        mail_close(&m);
        return false;
    }
    *out = m;
    return true;
}

void mail_close(struct mail **mp)
{
    struct mail *m = *mp;
    *mp = NULL;
    if (!m)
        return;
    for (size_t i = 0; i < PARTS; i++)
        template_close(&m->parts[i]);
    for (size_t i = 0; i < m->partials_n; i++)
        template_close(&m->partials[i].t);
    catalog_close(&m->catalog);
    format_close(&m->format);
    js_close(&m->behind);
    js_close(&m->bundle);
    struct arena *arena = m->arena;
    arena_close(&arena);
}

const char *mail_locale(const struct mail *m)
{
    return m->written;
}

const struct brand *mail_brand(const struct mail *m)
{
    return &m->brand;
}

void mail_check(const struct mail *m, const struct js *data, struct str at, struct faults *faults)
{
    variables_check(m->variables, data, at, faults);
}

/* ---- rendering ------------------------------------------------------------------------------- */

struct rendering {
    const struct mail *mail;
    const struct dates_of *dates;
    struct buf *literals;
};

static const struct template *find_partial(void *context, struct str name)
{
    const struct mail *m = ((const struct rendering *)context)->mail;
    const struct partial wanted = {.name = name};
    if (m->partials_n == 0)
        return NULL;
    const struct partial *p =
        bsearch(&wanted, m->partials, m->partials_n, sizeof wanted, compare_partials);
    return p ? p->t : NULL;
}

static const struct template *find_phrase(void *context, const struct scope *at, struct str name)
{
    const struct mail *m = ((const struct rendering *)context)->mail;
    if (!str_starts(name, STR("t.")))
        return NULL;
    return catalog_text(m->catalog, m->format, at, str_slice(name, 2, name.n));
}

static enum formatted format_value(
    void *context, struct str name, const struct js *value, struct buf *out, struct err *e)
{
    const struct rendering *r = context;
    struct format *f = r->mail->format;
    bool ok;
    switch (js_kind(value)) {
    case JS_INT:
        ok = format_integer(f, js_int(value), out, e);
        break;
    case JS_OBJECT: /* the only object that can be shown is an amount */
        if (!js_get(value, "amount"))
            return FORMAT_LEFT;
        ok = format_money(f, js_get_text(value, "amount"), js_get_text(value, "currency"), out, e);
        break;
    case JS_TEXT:
        switch (variables_type_of(r->dates, value)) {
        case VARIABLE_DATE:
            ok = format_date(f, js_text(value), out, e);
            break;
        case VARIABLE_DATETIME:
            ok = format_datetime(f, js_text(value), out, e);
            break;
        default:
            return FORMAT_LEFT;
        }
        break;
    default:
        return FORMAT_LEFT;
    }
    if (!ok)
        err_prefix(e, "variable " STR_FMT, (int)(name.n < 80 ? name.n : 80), name.p);
    return ok ? FORMAT_DONE : FORMAT_FAILED;
}

static void set(struct js *object, struct str name, struct js *value)
{
    AUTO(buf_close) struct buf key = {0};
    buf_add(&key, name);
    js_set(object, buf_text(&key), value);
}

/* {{#some.items.price}}: of which members of its objects does a list have at least one? */
static struct js *some_of(const struct variable *list, const struct js *value)
{
    struct js *o = js_object();
    for (const struct variable *m = list->element->members; m; m = m->next) {
        bool some = false;
        for (size_t i = 0; i < js_count(value) && !some; i++) {
            enum js_kind kind = js_kind(js_get_str(js_at(value, i), m->name));
            some = kind != JS_ABSENT && kind != JS_NULL;
        }
        set(o, m->name, js_new_bool(some));
    }
    return o;
}

static bool is_same_day(struct str a, struct str b)
{
    return a.n > 0 && str_eq(str_slice(a, 0, 10), str_slice(b, 0, 10));
}

/* {{#same.delivery.earliest.latest}}: which dates of an object are one day? */
static struct js *same_of(const struct variable *object, const struct js *value)
{
    struct js *o = js_object();
    for (const struct variable *a = object->members; a; a = a->next) {
        struct js *others = js_object();
        struct str day = js_text(js_get_str(value, a->name));
        for (const struct variable *b = object->members; b; b = b->next)
            if (a->type == VARIABLE_DATE && b->type == VARIABLE_DATE)
                set(others, b->name,
                    js_new_bool(is_same_day(day, js_text(js_get_str(value, b->name)))));
        set(o, a->name, others);
    }
    return o;
}

/* What Mustache cannot ask of the data itself. {{#has.items}} asks whether a list has members, which {{#items}}
 * cannot without repeating. */
static void answer(const struct variable *root, const struct js *data, struct js *about)
{
    struct js *has = js_object(), *some = js_object(), *same = js_object();
    for (const struct variable *v = root->members; v; v = v->next) {
        const struct js *value = js_get_str(data, v->name);
        if (v->type == VARIABLE_LIST) {
            set(has, v->name, js_new_bool(js_count(value) > 0));
            set(some, v->name, some_of(v, value));
        }
        if (v->type == VARIABLE_OBJECT)
            set(same, v->name, same_of(v, value));
    }
    js_set(about, "has", has);
    js_set(about, "some", some);
    js_set(about, "same", same);
}

/* What only this sending knows, as templates see it. */
static struct js *about_sending(
    const struct mail *m, const struct js *data, const struct mail_links *links)
{
    struct js *root = js_object(), *l = js_object(), *own = js_object();
    js_set_text(l, "unsubscribe_url", links->unsubscribe_url);
    js_set_cstr(own, "locale", m->written);
    js_set_bool(own, "is_marketing", m->is_marketing);
    js_set_cstr(own, "dir", format_reads_right_to_left(m->written) ? "rtl" : "ltr");
    js_set(root, "links", l);
    js_set(root, "mail", own);
    answer(m->variables, data, root);
    return root;
}

/* Subject and preheader are one line: white space is one blank, none at the ends. */
static void one_line(struct buf *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        bool space = b->p[i] == ' ' || (b->p[i] >= '\t' && b->p[i] <= '\r');
        if (!space)
            b->p[n++] = b->p[i];
        else if (n > 0 && b->p[n - 1] != ' ')
            b->p[n++] = ' ';
    }
    buf_cut(b, n > 0 && b->p[n - 1] == ' ' ? n - 1 : n);
}

/* ---- packing: the parts have the numbers 0 to PARTS - 1, the partials those behind ---- */

static const struct template *numbered(const void *context, uint32_t number)
{
    const struct mail *m = context;
    if (number < PARTS)
        return m->parts[number];
    return number - PARTS < m->partials_n ? m->partials[number - PARTS].t : NULL;
}

/* A phrase of the catalog has no number: its text is copied. */
static void note_literal(
    void *context, const struct template *t, uint32_t node, struct str text, size_t at)
{
    const struct rendering *r = context;
    struct literal l = {.at = at, .n = text.n, .node = node};
    while (l.owner < PARTS + r->mail->partials_n && numbered(r->mail, l.owner) != t)
        l.owner++;
    if (l.owner < PARTS + r->mail->partials_n)
        pack_literal(r->literals, &l);
}

void mail_pack_html(const struct mail_parts *p, struct buf *out)
{
    pack(buf_str(&p->html), buf_str(&p->literals), out);
}

bool mail_unpack_html(const struct mail *m, struct str packed, struct buf *out, struct err *e)
{
    return unpack(packed, numbered, m, out, e);
}

/* ---- the parts ---- */

static bool render_parts(const struct mail *m, const struct js *data, struct render *how,
    struct js *about, struct mail_parts *out, struct err *e)
{
    struct js *own = js_get(about, "mail");
    if (!template_render(m->parts[PART_SUBJECT], data, how, &out->subject, e) ||
        !template_render(m->parts[PART_PREHEADER], data, how, &out->preheader, e))
        return false;
    one_line(&out->subject);
    one_line(&out->preheader);
    js_set_text(own, "subject", buf_str(&out->subject));
    js_set_text(own, "preheader", buf_str(&out->preheader));
    if (!template_render(m->parts[PART_TEXT], data, how, &out->text, e))
        return false;
    how->escape = ESCAPE_HTML;
    how->literal = note_literal;
    return template_render(m->parts[PART_HTML], data, how, &out->html, e);
}

bool mail_render(const struct mail *m, const struct js *data, const struct mail_links *links,
    struct mail_parts *out, struct err *e)
{
    AUTO(arena_close) struct arena *arena = arena_open();
    AUTO(js_close) struct js *about = about_sending(m, data, links);
    struct rendering context = {m, variables_dates(m->variables, data, arena), &out->literals};
    struct render how = {
        .escape = ESCAPE_NONE,
        .strict = true,
        .max_bytes = PART_BYTES_MAX,
        .behind = {m->behind, about},
        .partial = find_partial,
        .phrase = find_phrase,
        .format = format_value,
        .context = &context,
    };
    *out = (struct mail_parts){0};
    if (render_parts(m, data, &how, about, out, e))
        return true;
    mail_parts_close(out);
    return false;
}

void mail_parts_close(struct mail_parts *p)
{
    buf_close(&p->subject);
    buf_close(&p->preheader);
    buf_close(&p->html);
    buf_close(&p->text);
    buf_close(&p->literals);
}
