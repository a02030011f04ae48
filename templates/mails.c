#include "templates/mails.h"

#include <stdio.h>

#include "templates/format.h"
#include "templates/shelf.h"

static void add_written(void *context, const char *tag, const char *full)
{
    struct mails *m = context;
    struct written *w = ARENA_NEW(m->arena, struct written);
    *w = (struct written){
        arena_text(m->arena, str_of(tag)), arena_text(m->arena, str_of(full)), m->written};
    m->written = w;
}

/* Every locale of the catalogs' languages, each language once: the catalogs are sorted. */
static void find_written_locales(struct mails *m)
{
    char before[64] = "", language[64];
    for (size_t i = 0; i < m->locales_n; i++) {
        struct str rest = str_of(m->locales[i].tag), first;
        if (!str_next(&rest, '-', &first) || !str_copy(first, language, sizeof language) ||
            strcmp(language, before) == 0)
            continue;
        format_locales(language, add_written, m);
        memcpy(before, language, sizeof before);
    }
}

bool mails_open(const char *const *dirs, size_t n, struct mails **out, struct err *e)
{
    struct arena *arena = arena_open();
    struct mails *m = ARENA_NEW(arena, struct mails);
    m->arena = arena;
    if (!shelf_read(m, dirs, n, e) || !shelf_check(m, e)) {
        mails_close(&m);
        return false;
    }
    find_written_locales(m);
    *out = m;
    return true;
}

static void close_locale(struct shelved_locale *l)
{
    js_close(&l->entries);
    js_close(&l->files);
}

void mails_close(struct mails **mp)
{
    struct mails *m = *mp;
    *mp = NULL;
    if (!m)
        return;
    for (size_t i = 0; i < m->n; i++) {
        js_close(&m->mails[i].used_partials);
        js_close(&m->mails[i].used_keys);
    }
    for (size_t i = 0; i < m->locales_n; i++)
        close_locale(&m->locales[i]);
    js_close(&m->partials);
    js_close(&m->partial_files);
    js_close(&m->declarations);
    struct arena *arena = m->arena;
    arena_close(&arena);
}

static const struct shelved *find(const struct mails *m, const char *name)
{
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->mails[i].name, name) == 0)
            return &m->mails[i];
    return NULL;
}

bool mails_info(const struct mails *m, const char *name, struct mail_info *out)
{
    const struct shelved *mail = find(m, name);
    if (!mail)
        return false;
    *out = (struct mail_info){mail->name, mail->stream, mail->events, mail->supersedes};
    return true;
}

size_t mails_count(const struct mails *m)
{
    return m->n;
}

const char *mails_name(const struct mails *m, size_t i)
{
    return i < m->n ? m->mails[i].name : "";
}

/* ---- locales --------------------------------------------------------------------------------- */

static const struct shelved_locale *locale_of(const struct mails *m, struct str tag)
{
    for (size_t i = 0; i < m->locales_n; i++)
        if (str_is_nocase(tag, m->locales[i].tag))
            return &m->locales[i];
    return NULL;
}

static bool read_tag(struct str tag, char out[FORMAT_TAG_BYTES])
{
    if (!str_copy(tag, out, FORMAT_TAG_BYTES))
        return false;
    for (char *p = out; *p != 0; p++)
        if (*p == '_') /* "de_AT" is read as "de-AT" */
            *p = '-';
    return true;
}

static bool cut_subtag(char *tag)
{
    char *cut = strrchr(tag, '-');
    if (cut)
        *cut = 0;
    return cut;
}

/* The catalog of the tag itself, else with ever fewer of its subtags (RFC 4647 s3.4). */
static const struct shelved_locale *nearest(const struct mails *m, struct str tag)
{
    char text[FORMAT_TAG_BYTES];
    const struct shelved_locale *l = NULL;
    bool more = read_tag(tag, text);
    while (more && !(l = locale_of(m, str_of(text))))
        more = cut_subtag(text);
    return l;
}

/* Most tags stand there as they are; only others are worth asking ICU for their whole form. */
static const struct written *written_in(const struct mails *m, const char *tag)
{
    char full[FORMAT_TAG_BYTES];
    const struct written *found = NULL;
    for (const struct written *w = m->written; w; w = w->next)
        if (str_is_nocase(str_of(tag), w->tag))
            return w;
    if (!format_full_tag(tag, full))
        return NULL;
    for (const struct written *w = m->written; w; w = w->next)
        if (strcmp(full, w->full) == 0)
            found = w;
    return found;
}

/* Months in Latin letters have no place in a text in Cyrillic ones. */
static bool shares_script(const char *full, const char *other)
{
    const char *region = strrchr(full, '-');
    return region && strncmp(full, other, (size_t)(region - full) + 1) == 0;
}

/* The locale in which a catalog's texts are shown to someone who wants `tag`. What comes out leads to the same
 * catalog again, so that it may be kept in place of the tag. */
static const char *shown_in(const struct mails *m, const struct shelved_locale *l, struct str tag)
{
    char text[FORMAT_TAG_BYTES];
    if (!read_tag(tag, text) || *l->full == 0)
        return l->tag;
    do {
        const struct written *w = written_in(m, text);
        if (w && shares_script(w->full, l->full) && nearest(m, str_of(w->tag)) == l)
            return w->tag;
    } while (!str_is_nocase(str_of(text), l->tag) && cut_subtag(text));
    return l->tag;
}

const char *mails_locale(const struct mails *m, struct str wanted, struct str fallback)
{
    const struct shelved_locale *l = nearest(m, wanted);
    if (l)
        return shown_in(m, l, wanted);
    l = nearest(m, fallback);
    if (l)
        return shown_in(m, l, fallback);
    l = locale_of(m, STR("en"));
    return l ? l->tag : m->locales[0].tag;
}

/* "delay_apology, refund, shipping_notice"; cut short where there are many. */
static const char *tell_names(const struct mails *m, char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (size_t i = 0; i < m->n; i++) {
        bool fits = n + strlen(m->mails[i].name) + 8 < size;
        n += (size_t)snprintf(
            out + n, size - n, "%s%s", i > 0 ? ", " : "", fits ? m->mails[i].name : "...");
        if (!fits)
            break;
    }
    return out;
}

bool mails_bundle(const struct mails *m, const char *name, const char *locale,
    const struct brand *b, struct buf *out, struct err *e)
{
    char names[300];
    const struct shelved *mail = find(m, name);
    const struct shelved_locale *l = nearest(m, str_of(locale));
    if (!mail)
        return err_set(e, ERR_MISSING, "there is no mail named %.80s; there are: %s", name,
            tell_names(m, names, sizeof names));
    if (!l)
        return err_set(e, ERR_MISSING, "there is no catalog for the locale %.40s", locale);
    const struct bundle_language language = {l->tag, shown_in(m, l, str_of(locale)), l->entries};
    return bundle_write(mail, m->partials, &language, b, out, e);
}
