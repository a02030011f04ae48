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

/* One mail being looked through. The walk is in a template's file or at a key of a catalog's. */
struct walk {
    struct bench *b;
    struct shelved *mail;
    const struct variable *variables;
    struct place {
        const char *file;
        struct str key; /* "" = a template */
    } place;
};

static enum look see(void *context, enum use use, struct str name, size_t line, struct err *e);

static bool look_into(struct walk *w, const struct template *t, struct err *e)
{
    struct place before = w->place;
    w->place = (struct place){template_name(t), STR("")};
    bool ok = template_uses(t, see, w, e);
    w->place = before;
    return ok;
}

/* "mails/refund/text.mustache, line 3", or "locales/fr.json, "greeting"". */
static const char *tell_place(const struct walk *w, size_t line)
{
    const struct place *p = &w->place;
    if (p->key.n == 0)
        return arena_printf(w->b->arena, "%s, line %zu", p->file, line);
    return arena_printf(w->b->arena, "%s, \"" STR_FMT "\"", p->file,
        (int)(p->key.n < 80 ? p->key.n : 80), p->key.p);
}

static bool lacks(
    const struct walk *w, size_t line, struct str name, const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: \"" STR_FMT "\" %s", tell_place(w, line),
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
            return err_set(e, ERR_INPUT, "%s has no text \"" STR_FMT "\", used by %s", l->file,
                (int)(key.n < 80 ? key.n : 80), key.p, tell_place(w, line));
        struct place before = w->place;
        w->place = (struct place){arena_text(w->b->arena, js_text(js_get_str(l->files, key))), key};
        bool ok = catalog_uses(w->b->catalogs[i], key, see, w, e);
        w->place = before;
        if (!ok)
            return false;
    }
    return true;
}

static bool is_marketing(const struct shelved *mail)
{
    return strcmp(mail->stream, "marketing") == 0;
}

/* What mail_render answers about the data: has.LIST, some.LIST.MEMBER, same.OBJECT.DATE.DATE. */
static bool is_answer(const struct variable *root, struct str name)
{
    struct str word = {0}, first = {0}, a = {0}, b = {0}, more;
    str_next(&name, '.', &word);
    str_next(&name, '.', &first);
    str_next(&name, '.', &a);
    str_next(&name, '.', &b);
    const struct variable *v = variable_member(root, first);
    if (!v || str_next(&name, '.', &more))
        return false;
    if (str_is(word, "has"))
        return v->type == VARIABLE_LIST && a.n == 0;
    if (str_is(word, "some"))
        return v->type == VARIABLE_LIST && variable_member(v->element, a) && b.n == 0;
    if (!str_is(word, "same") || v->type != VARIABLE_OBJECT)
        return false;
    const struct variable *one = variable_member(v, a), *other = variable_member(v, b);
    return one && other && one->type == VARIABLE_DATE && other->type == VARIABLE_DATE;
}

/* What mail_render puts beside the data. */
static bool is_ours(const struct walk *w, struct str name)
{
    static const char *const names[] = {"brand.name", "brand.url", "brand.support_url",
        "brand.postal_address", "brand.is_in_address", "brand.colour", "brand.text_colour",
        "brand.logo", "links.unsubscribe_url", "mail.locale", "mail.dir", "mail.is_marketing",
        "mail.subject", "mail.preheader"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_is(name, names[i]))
            return true;
    return is_answer(w->variables, name);
}

static bool see_name(struct walk *w, struct str name, size_t line, struct err *e)
{
    if (str_is(name, ".") || is_ours(w, name) || variables_know(w->variables, name))
        return true;
    return lacks(
        w, line, name, arena_printf(w->b->arena, "is not declared by mail %s", w->mail->name), e);
}

static bool see_any_partial(struct walk *w, size_t line, struct err *e)
{
    for (size_t i = 0; i < w->b->partials_n; i++)
        if (!see_partial(w, w->b->partials[i].name, line, e))
            return false;
    return true;
}

static enum look see(void *context, enum use use, struct str name, size_t line, struct err *e)
{
    struct walk *w = context;
    bool ok = false;
    switch (use) {
    case USES_PARTIAL:
        ok = see_partial(w, name, line, e);
        break;
    case USES_ANY_PARTIAL:
        ok = see_any_partial(w, line, e);
        break;
    case USES_VARIABLE:
        ok = str_starts(name, STR("t.")) ? see_key(w, str_slice(name, 2, name.n), line, e)
                                         : see_name(w, name, line, e);
        break;
    case USES_SECTION:
    case USES_INVERTED:
        if (str_is(name, "mail.is_marketing")) /* known before any data is */
            return is_marketing(w->mail) == (use == USES_SECTION) ? LOOK_ON : LOOK_PAST;
        ok = see_name(w, name, line, e);
        break;
    }
    return ok ? LOOK_ON : LOOK_WRONG;
}

static bool check_mail(struct bench *b, struct shelved *mail, struct err *e)
{
    struct variable *variables;
    if (!variables_declare(mail->variables, b->arena, &variables, e))
        return err_prefix(e, "%s/mail.json", mail->folder);
    for (size_t i = 0; i < PARTS; i++) {
        AUTO(template_close) struct template *t = NULL;
        struct walk w = {b, mail, variables, {"", STR("")}};
        const char *file = arena_printf(b->arena, "%s/%s.mustache", mail->folder, part_names[i]);
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
        const char *file = arena_text(b->arena, js_text(js_get_str(b->m->partial_files, it.key)));
        if (!template_compile(file, js_text(it.value), &p->t, e))
            return false;
    }
    for (size_t i = 0; i < b->m->locales_n; i++) {
        const struct shelved_locale *l = &b->m->locales[i];
        if (!catalog_compile(l->file, l->files, l->tag, l->entries, &b->catalogs[i], e))
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
