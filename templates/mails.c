#include "templates/mails.h"

#include "templates/shelf.h"

bool mails_open(const char *const *dirs, size_t n, struct mails **out, struct err *e)
{
    struct arena *arena = arena_open();
    struct mails *m = ARENA_NEW(arena, struct mails);
    m->arena = arena;
    if (!shelf_read(m, dirs, n, e) || !shelf_check(m, e)) {
        mails_close(&m);
        return false;
    }
    *out = m;
    return true;
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
        js_close(&m->locales[i].entries);
    js_close(&m->partials);
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

/* The tag itself, else with ever fewer of its subtags (RFC 4647 s3.4). "de_AT" is read as "de-AT". */
static const struct shelved_locale *nearest(const struct mails *m, struct str tag)
{
    char text[64];
    if (!str_copy(tag, text, sizeof text))
        return NULL;
    for (char *p = text; *p != 0; p++)
        if (*p == '_')
            *p = '-';
    for (;;) {
        const struct shelved_locale *l = locale_of(m, str_of(text));
        char *cut = strrchr(text, '-');
        if (l || !cut)
            return l;
        *cut = 0;
    }
}

const char *mails_locale(const struct mails *m, struct str wanted, struct str fallback)
{
    const struct shelved_locale *l = nearest(m, wanted);
    if (!l)
        l = nearest(m, fallback);
    if (!l)
        l = locale_of(m, STR("en"));
    return l ? l->tag : m->locales[0].tag;
}

bool mails_bundle(const struct mails *m, const char *name, const char *locale,
    const struct brand *b, struct buf *out, struct err *e)
{
    const struct shelved *mail = find(m, name);
    const struct shelved_locale *l = locale_of(m, str_of(locale));
    if (!mail)
        return err_set(e, ERR_MISSING, "there is no mail named %.80s", name);
    if (!l)
        return err_set(e, ERR_MISSING, "there is no catalog for the locale %.40s", locale);
    return bundle_write(mail, m->partials, l->entries, l->tag, b, out, e);
}
