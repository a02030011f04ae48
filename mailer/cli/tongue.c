#include "mailer/cli/tongue.h"

#include "base/file.h"
#include "templates/catalog.h"
#include "templates/format.h"

#include <stdlib.h>
#include <unistd.h>

#define FILE_BYTES_MAX (256u << 10)
#define INSTALLED "/usr/share/parcelpost/templates"
#define BESIDE "../share/parcelpost/templates" /* the folder of the program */
#define FOLDERS 4
#define CANDIDATES 4

struct tongue {
    struct arena *arena;
    const char *tag;
    struct js *entries; /* NULL: English */
};

/* ---- what is wanted -------------------------------------------------------------------------- */

/* "zh_CN.UTF-8@cjk" is "zh-CN"; "" where it is no language. */
static const char *tag_of(struct str locale, struct arena *a)
{
    size_t end = str_find_char(locale, '.', 0), modifier = str_find_char(locale, '@', 0);
    char *tag = arena_text(a, str_slice(locale, 0, end < modifier ? end : modifier));
    for (char *c = tag; *c; c++)
        *c = *c == '_' ? '-' : *c;
    return format_is_tag(tag) ? tag : "";
}

static bool is_set(const char *text)
{
    return text && *text;
}

static bool is_untranslated(const char *locale)
{
    return strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0;
}

size_t tongue_wishes(
    const struct tongue_environment *e, struct arena *a, const char *out[TONGUE_WISHES])
{
    const char *locale = is_set(e->lc_all)        ? e->lc_all
                         : is_set(e->lc_messages) ? e->lc_messages
                         : is_set(e->lang)        ? e->lang
                                                  : "C";
    struct str rest = str_of(is_set(e->language) ? e->language : locale), one;
    size_t n = 0;
    if (is_untranslated(locale))
        return 0;
    while (n < TONGUE_WISHES && str_next(&rest, ':', &one)) {
        const char *tag = tag_of(one, a);
        if (tag[0])
            out[n++] = tag;
    }
    return n;
}

/* ---- where its catalog is -------------------------------------------------------------------- */

/* The first parts of a full tag: "zh-Hans-CN" is language, script and region. */
static struct str part_of(const char *full, size_t wanted)
{
    struct str rest = str_of(full), part = STR("");
    for (size_t i = 0; i <= wanted; i++)
        if (!str_next(&rest, '-', &part))
            return STR("");
    return part;
}

/* The names that a catalog for this language may have, the nearest first. */
static size_t candidates(const char *tag, struct arena *a, const char *out[CANDIDATES])
{
    char full[FORMAT_TAG_BYTES], likely[FORMAT_TAG_BYTES];
    size_t n = 0;
    out[n++] = tag;
    if (!format_full_tag(tag, full))
        return n;
    const char *language = arena_text(a, part_of(full, 0));
    const char *script = arena_printf(a, "%s-" STR_FMT, language, STR_ARG(part_of(full, 1)));
    out[n++] = script;
    if (format_full_tag(script, likely))
        out[n++] = arena_printf(a, "%s-" STR_FMT, language, STR_ARG(part_of(likely, 2)));
    if (format_full_tag(language, likely) && str_eq(part_of(likely, 1), part_of(full, 1)))
        out[n++] = language;
    return n;
}

static bool is_english(const char *tag)
{
    return str_is_nocase(part_of(tag, 0), "en");
}

static const char *beside_program(struct arena *a)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    while (n > 0 && path[n - 1] != '/')
        n--;
    return n > 0 ? arena_printf(a, "%.*s" BESIDE, (int)n, path) : INSTALLED;
}

static void folders(const struct conf *conf, struct arena *a, const char *out[FOLDERS])
{
    out[0] = conf ? conf->templates_dir : INSTALLED;
    out[1] = INSTALLED;
    out[2] = beside_program(a);
    out[3] = PARCELPOST_TEMPLATES;
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool read_catalog(struct tongue *t, const char *path, const char *tag, struct err *e)
{
    AUTO(buf_close) struct buf text = {0};
    AUTO(catalog_close) struct catalog *checked = NULL;
    if (!file_read("catalog", path, FILE_BYTES_MAX, &text, e))
        return false;
    if (!js_parse(buf_str(&text), &t->entries, e))
        return err_prefix(e, "%s", path);
    if (!catalog_compile(path, NULL, tag, t->entries, &checked, e)) {
        js_close(&t->entries);
        return false;
    }
    t->tag = arena_text(t->arena, str_of(tag));
    return true;
}

static bool find_catalog(
    struct tongue *t, const struct cli *c, const struct conf *conf, const char *tag)
{
    const char *dirs[FOLDERS], *names[CANDIDATES];
    size_t n = candidates(tag, t->arena, names);
    folders(conf, t->arena, dirs);
    for (size_t i = 0; i < FOLDERS; i++)
        for (size_t j = 0; j < n; j++) {
            struct err e = {0};
            const char *path = arena_printf(
                t->arena, "%s/locales/%s/%s.json", dirs[i], c->command->name, names[j]);
            if (access(path, F_OK) != 0)
                continue;
            if (read_catalog(t, path, names[j], &e))
                return true;
            fprintf(stderr, "parcelpost %s: %s\n", c->command->name, e.text);
        }
    return false;
}

/* Whether other languages are there at all: else something is missing here. */
static bool is_installed(struct tongue *t, const struct cli *c, const struct conf *conf)
{
    const char *dirs[FOLDERS];
    folders(conf, t->arena, dirs);
    for (size_t i = 0; i < FOLDERS; i++)
        if (access(arena_printf(t->arena, "%s/locales/%s", dirs[i], c->command->name), F_OK) == 0)
            return true;
    return false;
}

static void choose(struct tongue *t, const struct cli *c, const struct conf *conf,
    const char *const *wishes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_english(wishes[i]) || find_catalog(t, c, conf, wishes[i]))
            return;
    if (n > 0 && (cli_value(c, "lang", NULL) || !is_installed(t, c, conf)))
        fprintf(stderr, "parcelpost %s: there are no texts in \"%s\" here: this is English\n",
            c->command->name, wishes[0]);
}

struct tongue *tongue_english(void)
{
    struct arena *a = arena_open();
    struct tongue *t = ARENA_NEW(a, struct tongue);
    *t = (struct tongue){.arena = a, .tag = "en"};
    return t;
}

bool tongue_open(const struct cli *c, const struct conf *conf, struct tongue **out, int *exit_code)
{
    const struct tongue_environment e = {
        getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG"), getenv("LANGUAGE")};
    const char *wishes[TONGUE_WISHES], *given = cli_value(c, "lang", NULL);
    AUTO(tongue_close) struct tongue *t = tongue_english();
    struct arena *a = t->arena;
    size_t n = given ? 1 : tongue_wishes(&e, a, wishes);
    if (given)
        wishes[0] = tag_of(str_of(given), a);
    if (given && !wishes[0][0]) {
        *exit_code = cli_usage(c, "--lang '%s' is no language, such as zh-CN or en", given);
        return false;
    }
    choose(t, c, conf, wishes, n);
    *out = t;
    t = NULL;
    return true;
}

void tongue_close(struct tongue **t)
{
    if (!*t)
        return;
    struct arena *a = (*t)->arena;
    js_close(&(*t)->entries);
    *t = NULL;
    arena_close(&a);
}

/* ---- telling --------------------------------------------------------------------------------- */

const char *tongue_tag(const struct tongue *t)
{
    return t->tag;
}

const char *tongue_look(void *tongue, const char *key)
{
    struct tongue *t = tongue;
    struct str text = js_get_text(t->entries, key);
    return text.n > 0 ? text.p : NULL;
}

const char *tongue_tell(struct tongue *t, struct said s)
{
    AUTO(buf_close) struct buf text = {0};
    said_tell(&s, tongue_look, t, &text);
    return arena_text(t->arena, buf_str(&text));
}

struct arena *tongue_arena(struct tongue *t)
{
    return t->arena;
}
