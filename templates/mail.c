/* mail -- one mail, compiled from its bundle: checking data, rendering the four parts. */
#include "templates/beside.h"
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
    struct template *flat[PARTS]; /* all of them or none */
    struct beside *beside;
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

/* ---- flattening ------------------------------------------------------------------------------ */

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

/* A phrase that the data chooses is rendered as it was written: it may ask for the data and the brand. */
static enum look see_chosen(
    void *context, enum use use, struct str name, size_t line, struct err *e)
{
    (void)context, (void)line;
    bool names_data = use == USES_VARIABLE || use == USES_SECTION || use == USES_INVERTED;
    return names_data && !str_starts(name, STR("t.")) && !beside_is_sent(name)
               ? LOOK_ON
               : (err_set(e, ERR_LIMIT, "a phrase asks for too much"), LOOK_WRONG);
}

static struct standing stand(void *context, struct str name)
{
    const struct mail *m = ((const struct rendering *)context)->mail;
    struct err e;
    if (!str_starts(name, STR("t.")))
        return beside_stand(m->beside, name);
    struct str key = str_slice(name, 2, name.n);
    const struct template *phrase = catalog_only_text(m->catalog, key);
    if (phrase)
        return (struct standing){.kind = STANDS_PHRASE, .phrase = phrase};
    bool is_chosen =
        catalog_has(m->catalog, key) && catalog_uses(m->catalog, key, see_chosen, NULL, &e);
    return (struct standing){.kind = is_chosen ? STANDS_CHOSEN : STANDS_UNKNOWN};
}

/* Most mails can be. One that cannot is rendered as it was written. */
static void flatten(struct mail *m)
{
    struct rendering context = {.mail = m};
    struct render how = {.partial = find_partial, .context = &context};
    bool ok = true;
    m->beside = beside_open(m->arena, m->variables, m->behind, m->written, m->is_marketing);
    for (size_t i = 0; i < PARTS && ok; i++) {
        how.escape = i == PART_HTML ? ESCAPE_HTML : ESCAPE_NONE;
        ok = template_flatten(m->parts[i], &how, stand, &m->flat[i]);
    }
    for (size_t i = 0; i < PARTS && !ok; i++)
        template_close(&m->flat[i]);
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
    flatten(m);
    *out = m;
    return true;
}

void mail_close(struct mail **mp)
{
    struct mail *m = *mp;
    *mp = NULL;
    if (!m)
        return;
    for (size_t i = 0; i < PARTS; i++) {
        template_close(&m->flat[i]);
        template_close(&m->parts[i]);
    }
    beside_close(&m->beside);
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
        return m->flat[number] ? m->flat[number] : m->parts[number];
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

/* The subject and the preheader are known to the parts behind them. */
static bool render_parts(const struct mail *m, const struct js *data, struct render *how,
    struct sending *sending, struct mail_parts *out, struct err *e)
{
    struct template *const *parts = how->slots ? m->flat : m->parts;
    if (!template_render(parts[PART_SUBJECT], data, how, &out->subject, e) ||
        !template_render(parts[PART_PREHEADER], data, how, &out->preheader, e))
        return false;
    one_line(&out->subject);
    one_line(&out->preheader);
    sending_add_lines(sending, buf_str(&out->subject), buf_str(&out->preheader));
    if (!template_render(parts[PART_TEXT], data, how, &out->text, e))
        return false;
    how->escape = ESCAPE_HTML;
    how->literal = how->slots || !m->flat[PART_HTML] ? note_literal : NULL;
    return template_render(parts[PART_HTML], data, how, &out->html, e);
}

bool mail_render(const struct mail *m, const struct js *data, const struct mail_links *links,
    struct mail_parts *out, struct err *e)
{
    AUTO(variables_dates_close) struct dates_of dates;
    bool is_flat = m->flat[PART_HTML] && !beside_is_hidden(data);
    struct sending sending AUTO(sending_close);
    sending_open(&sending, m->beside, data, links->unsubscribe_url, is_flat);
    variables_dates(m->variables, data, &dates);
    struct rendering context = {m, &dates, &out->literals};
    struct render how = {
        .escape = ESCAPE_NONE,
        .strict = true,
        .max_bytes = PART_BYTES_MAX,
        .behind = {m->behind, sending.all},
        .partial = find_partial,
        .phrase = find_phrase,
        .format = format_value,
        .context = &context,
        .slots = is_flat ? sending.slots : NULL,
    };
    *out = (struct mail_parts){0};
    if (render_parts(m, data, &how, &sending, out, e))
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
