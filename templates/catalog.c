#include "templates/catalog.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

#define PLACE_BYTES 512

enum form { FORM_OTHER, FORM_ZERO, FORM_ONE, FORM_TWO, FORM_FEW, FORM_MANY, FORMS };

static const char *const form_names[FORMS] = {"other", "zero", "one", "two", "few", "many"};

struct phrase {
    struct str key;
    struct str plural; /* the variable that chooses, "" = there is one form */
    struct template *forms[FORMS];
};

struct catalog {
    struct arena *arena;
    struct phrase *v; /* sorted by key */
    size_t n;
};

/* What is compiled at the moment. */
struct source {
    const char *file;
    const struct js *files;
    struct str forms; /* that the language tells apart */
};

/* "locales/fr.json, "greeting"" */
static void tell_place(const struct source *from, struct str key, char out[PLACE_BYTES])
{
    struct str file = js_text(js_get_str(from->files, key));
    if (file.n == 0)
        file = str_of(from->file);
    snprintf(out, PLACE_BYTES, STR_FMT ", \"" STR_FMT "\"", STR_ARG(file),
        (int)(key.n < 80 ? key.n : 80), key.p);
}

static bool wrong(const struct source *from, struct str key, const char *what, struct err *e)
{
    char place[PLACE_BYTES];
    tell_place(from, key, place);
    return err_set(e, ERR_INPUT, "%s %s", place, what);
}

static bool compile_form(
    const struct source *from, struct phrase *p, enum form form, struct str text, struct err *e)
{
    char place[PLACE_BYTES];
    tell_place(from, p->key, place);
    return template_compile(place, text, &p->forms[form], e);
}

static bool has_word(struct str words, const char *word)
{
    struct str one;
    while (str_next(&words, ' ', &one))
        if (str_is(one, word))
            return true;
    return false;
}

static bool compile_plural(
    const struct source *from, struct phrase *p, const struct js *entry, struct err *e)
{
    size_t members = js_count(entry), found = 1; /* "plural" itself */
    if (p->plural.n == 0)
        return wrong(from, p->key, "needs \"plural\", the variable that chooses its form", e);
    for (size_t i = 0; i < FORMS; i++) {
        const struct js *text = js_get(entry, form_names[i]);
        char what[80];
        snprintf(what, sizeof what, "must have the plural forms " STR_FMT, STR_ARG(from->forms));
        if ((js_kind(text) == JS_TEXT) != has_word(from->forms, form_names[i]))
            return wrong(from, p->key, what, e);
        if (text && !compile_form(from, p, (enum form)i, js_text(text), e))
            return false;
        found += text != NULL;
    }
    return found == members || wrong(from, p->key, "has a member that is no plural form", e);
}

static int compare(const void *a, const void *b)
{
    return str_compare(((const struct phrase *)a)->key, ((const struct phrase *)b)->key);
}

static bool compile_all(
    struct catalog *c, const struct source *from, const struct js *entries, struct err *e)
{
    struct js_iter it = {0};
    while (js_next(entries, &it)) {
        struct phrase *p = &c->v[c->n++];
        p->key = arena_str(c->arena, it.key);
        p->plural = arena_str(c->arena, js_get_text(it.value, "plural"));
        bool ok = js_kind(it.value) == JS_TEXT
                      ? compile_form(from, p, FORM_OTHER, js_text(it.value), e)
                  : js_kind(it.value) == JS_OBJECT
                      ? compile_plural(from, p, it.value, e)
                      : wrong(from, p->key, "must be a text or plural forms", e);
        if (!ok)
            return false;
    }
    qsort(c->v, c->n, sizeof *c->v, compare);
    return true;
}

bool catalog_compile(const char *file, const struct js *files, const char *locale,
    const struct js *entries, struct catalog **out, struct err *e)
{
    AUTO(buf_close) struct buf forms = {0};
    if (!format_plural_forms(locale, &forms))
        return err_set(e, ERR_INPUT, "%s: no plural rules are known for this locale", file);
    if (js_kind(entries) != JS_OBJECT)
        return err_set(e, ERR_INPUT, "%s: must be an object of texts", file);
    struct arena *arena = arena_open();
    struct catalog *c = ARENA_NEW(arena, struct catalog);
    c->arena = arena;
    c->v = arena_array(arena, js_count(entries) + 1, sizeof *c->v);
    const struct source from = {file, files, buf_str(&forms)};
    if (!compile_all(c, &from, entries, e)) {
        catalog_close(&c);
        return false;
    }
    *out = c;
    return true;
}

void catalog_close(struct catalog **c)
{
    if (!*c)
        return;
    for (size_t i = 0; i < (*c)->n; i++)
        for (size_t form = 0; form < FORMS; form++)
            template_close(&(*c)->v[i].forms[form]);
    struct arena *arena = (*c)->arena;
    *c = NULL;
    arena_close(&arena);
}

static const struct phrase *find(const struct catalog *c, struct str key)
{
    const struct phrase wanted = {.key = key};
    return c->n > 0 ? bsearch(&wanted, c->v, c->n, sizeof *c->v, compare) : NULL;
}

bool catalog_has(const struct catalog *c, struct str key)
{
    return find(c, key);
}

const struct template *catalog_only_text(const struct catalog *c, struct str key)
{
    const struct phrase *p = find(c, key);
    return p && p->plural.n == 0 ? p->forms[FORM_OTHER] : NULL;
}

const struct template *catalog_text(
    const struct catalog *c, const struct format *f, const struct scope *at, struct str key)
{
    const struct phrase *p = find(c, key);
    if (!p || p->plural.n == 0)
        return p ? p->forms[FORM_OTHER] : NULL;
    const struct js *number = template_find(at, p->plural);
    char word[8];
    struct err e;
    if (js_kind(number) == JS_INT && format_plural(f, js_int(number), word, &e))
        for (size_t i = 0; i < FORMS; i++)
            if (strcmp(form_names[i], word) == 0 && p->forms[i])
                return p->forms[i];
    return p->forms[FORM_OTHER];
}

bool catalog_uses(
    const struct catalog *c, struct str key, template_see *see, void *context, struct err *e)
{
    const struct phrase *p = find(c, key);
    for (size_t i = 0; p && i < FORMS; i++)
        if (p->forms[i] && !template_uses(p->forms[i], see, context, e))
            return false;
    return !p || p->plural.n == 0 || see(context, USES_VARIABLE, p->plural, 1, e) != LOOK_WRONG;
}
