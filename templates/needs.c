/* needs -- what each mail on the shelf uses, and whether all of it is there. */
#include "templates/catalog.h"
#include "templates/shelf.h"
#include "templates/variables.h"

struct partial {
    struct str name;
    struct template *t;
};

/* Everything compiled, for the length of the check. */
struct bench {
    struct mails *m;
    struct arena *arena;
    struct partial *partials;
    size_t partials_n;
    struct catalog **catalogs; /* beside m->locales */
};

/* One mail being looked through. `file` is the template that the walk is in. */
struct walk {
    struct bench *b;
    struct shelved *mail;
    const struct variable *variables;
    const char *file;
};

static bool see(void *context, enum use use, struct str name, size_t line, struct err *e);

static bool look_into(struct walk *w, const struct template *t, struct err *e)
{
    const char *before = w->file;
    w->file = template_name(t);
    bool ok = template_uses(t, see, w, e);
    w->file = before;
    return ok;
}

static bool lacks(
    const struct walk *w, size_t line, struct str name, const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s, line %zu: \"" STR_FMT "\" %s", w->file, line,
        (int)(name.n < 80 ? name.n : 80), name.p, what);
}

static bool add_to_set(struct js *set, struct str name)
{
    if (js_get_str(set, name))
        return false;
    AUTO(buf_close) struct buf key = {0};
    buf_add(&key, name);
    js_set_bool(set, buf_text(&key), true);
    return true;
}

static bool see_partial(struct walk *w, struct str name, size_t line, struct err *e)
{
    for (size_t i = 0; i < w->b->partials_n; i++)
        if (str_eq(w->b->partials[i].name, name))
            return !add_to_set(w->mail->used_partials, name) ||
                   look_into(w, w->b->partials[i].t, e);
    return lacks(w, line, name, "is no partial in mails/partials", e);
}

static bool see_key(struct walk *w, struct str key, size_t line, struct err *e)
{
    if (!add_to_set(w->mail->used_keys, key))
        return true;
    for (size_t i = 0; i < w->b->m->locales_n; i++) {
        const struct shelved_locale *l = &w->b->m->locales[i];
        if (!catalog_has(w->b->catalogs[i], key))
            return err_set(e, ERR_INPUT,
                "%s has no text \"" STR_FMT "\", which %s uses in line %zu", l->file,
                (int)(key.n < 80 ? key.n : 80), key.p, w->file, line);
        const char *before = w->file;
        w->file = l->file;
        bool ok = catalog_uses(w->b->catalogs[i], key, see, w, e);
        w->file = before;
        if (!ok)
            return false;
    }
    return true;
}

/* What mail_render puts beside the data. */
static bool is_ours(const struct walk *w, struct str name)
{
    static const char *const names[] = {"brand.name", "brand.url", "brand.support_url",
        "brand.postal_address", "brand.colour", "brand.text_colour", "brand.logo",
        "links.unsubscribe_url", "mail.locale", "mail.dir", "mail.subject", "mail.preheader"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_is(name, names[i]))
            return true;
    const struct variable *v = str_starts(name, STR("has."))
                                   ? variable_member(w->variables, str_slice(name, 4, name.n))
                                   : NULL;
    return v && v->type == VARIABLE_LIST;
}

static bool see(void *context, enum use use, struct str name, size_t line, struct err *e)
{
    struct walk *w = context;
    switch (use) {
    case USES_PARTIAL:
        return see_partial(w, name, line, e);
    case USES_ANY_PARTIAL:
        for (size_t i = 0; i < w->b->partials_n; i++)
            if (!see_partial(w, w->b->partials[i].name, line, e))
                return false;
        return true;
    case USES_VARIABLE:
        if (str_starts(name, STR("t.")))
            return see_key(w, str_slice(name, 2, name.n), line, e);
        break;
    case USES_SECTION:
        break;
    }
    return str_is(name, ".") || is_ours(w, name) || variables_know(w->variables, name) ||
           lacks(w, line, name, "is not declared in mail.json", e);
}

static bool check_mail(struct bench *b, struct shelved *mail, struct err *e)
{
    struct variable *variables;
    if (!variables_declare(mail->variables, b->arena, &variables, e))
        return err_prefix(e, "mails/%s/mail.json", mail->name);
    for (size_t i = 0; i < PARTS; i++) {
        AUTO(template_close) struct template *t = NULL;
        struct walk w = {b, mail, variables, ""};
        const char *file =
            arena_printf(b->arena, "mails/%s/%s.mustache", mail->name, part_names[i]);
        if (!template_compile(file, mail->parts[i], &t, e) || !look_into(&w, t, e))
            return false;
    }
    return true;
}

static bool compile_bench(struct bench *b, struct err *e)
{
    b->partials = arena_array(b->arena, js_count(b->m->partials) + 1, sizeof *b->partials);
    b->catalogs = arena_array(b->arena, b->m->locales_n + 1, sizeof(struct catalog *));
    struct js_iter it = {0};
    while (js_next(b->m->partials, &it)) {
        struct partial *p = &b->partials[b->partials_n++];
        p->name = it.key;
        const char *file =
            arena_printf(b->arena, "mails/partials/" STR_FMT ".mustache", STR_ARG(it.key));
        if (!template_compile(file, js_text(it.value), &p->t, e))
            return false;
    }
    for (size_t i = 0; i < b->m->locales_n; i++) {
        const struct shelved_locale *l = &b->m->locales[i];
        if (!catalog_compile(l->file, l->tag, l->entries, &b->catalogs[i], e))
            return false;
    }
    return true;
}

static void close_bench(struct bench *b)
{
    for (size_t i = 0; i < b->partials_n; i++)
        template_close(&b->partials[i].t);
    for (size_t i = 0; b->catalogs && i < b->m->locales_n; i++)
        catalog_close(&b->catalogs[i]);
    arena_close(&b->arena);
}

bool shelf_check(struct mails *m, struct err *e)
{
    AUTO(close_bench) struct bench b = {.m = m, .arena = arena_open()};
    if (!compile_bench(&b, e))
        return false;
    for (size_t i = 0; i < m->n; i++)
        if (!check_mail(&b, &m->mails[i], e))
            return false;
    return true;
}
