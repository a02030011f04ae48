#include "templates/shelf.h"

#include "base/file.h"
#include "templates/format.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (256u << 10)
#define ENTRIES_MAX 1000 /* of one folder */

static bool read_file(const char *path, struct buf *out, struct err *e)
{
    return file_read("template file", path, FILE_BYTES_MAX, out, e) &&
           (str_is_utf8(buf_str(out)) || err_set(e, ERR_INPUT, "%s is not UTF-8", path));
}

static bool read_json(const char *path, struct js **out, struct err *e)
{
    AUTO(buf_close) struct buf text = {0};
    if (!read_file(path, &text, e))
        return false;
    return js_parse(buf_str(&text), out, e) || err_prefix(e, "%s", path);
}

/* ---- names in a folder ----------------------------------------------------------------------- */

struct names {
    const char **v;
    size_t n;
};

static bool is_plain(const char *name)
{
    for (const char *p = name; *p != 0; p++) {
        bool word =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        if (!word && (p == name || !strchr("_.-", *p)))
            return false;
    }
    return strlen(name) <= 64;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* The names in a folder that end in `ending`, without it, sorted. A folder that is not there has none. */
static bool list(
    struct arena *a, const char *path, const char *ending, struct names *out, struct err *e)
{
    *out = (struct names){arena_array(a, ENTRIES_MAX, sizeof *out->v), 0};
    AUTO(close_dir) DIR *d = opendir(path);
    if (!d)
        return errno == ENOENT || errno == ENOTDIR || err_system(e, "%s", path);
    for (const struct dirent *entry; (entry = readdir(d));) {
        struct str name = str_of(entry->d_name);
        if (!is_plain(entry->d_name) || !str_ends(name, str_of(ending)))
            continue;
        if (out->n == ENTRIES_MAX)
            return err_set(e, ERR_LIMIT, "%s holds more than %d entries", path, ENTRIES_MAX);
        out->v[out->n++] = arena_text(a, str_slice(name, 0, name.n - strlen(ending)));
    }
    qsort(out->v, out->n, sizeof *out->v, compare_texts);
    return true;
}

/* ---- partials and catalogs ------------------------------------------------------------------- */

static bool read_partials(struct mails *m, const char *dir, struct err *e)
{
    struct names names;
    const char *folder = arena_printf(m->arena, "%s/mails/partials", dir);
    if (!list(m->arena, folder, ".mustache", &names, e))
        return false;
    for (size_t i = 0; i < names.n; i++) {
        AUTO(buf_close) struct buf text = {0};
        if (js_get(m->partials, names.v[i]))
            continue;
        const char *path = arena_printf(m->arena, "%s/%s.mustache", folder, names.v[i]);
        if (!read_file(path, &text, e))
            return false;
        js_set_text(m->partials, names.v[i], buf_str(&text));
        js_set_cstr(m->partial_files, names.v[i], path);
    }
    return true;
}

static const char *full_tag(struct mails *m, const char *tag)
{
    char full[FORMAT_TAG_BYTES];
    return format_full_tag(tag, full) ? arena_text(m->arena, str_of(full)) : "";
}

static struct shelved_locale *locale_named(struct mails *m, const char *tag)
{
    for (size_t i = 0; i < m->locales_n; i++)
        if (str_is_nocase(str_of(tag), m->locales[i].tag))
            return &m->locales[i];
    if (m->locales_n == ENTRIES_MAX)
        return NULL;
    m->locales[m->locales_n] =
        (struct shelved_locale){tag, "", js_object(), js_object(), full_tag(m, tag)};
    return &m->locales[m->locales_n++];
}

static void merge(struct shelved_locale *into, const struct js *from, const char *file)
{
    struct js_iter it = {0};
    AUTO(buf_close) struct buf key = {0};
    while (js_next(from, &it)) {
        buf_clear(&key);
        buf_add(&key, it.key);
        if (js_get(into->entries, buf_text(&key)))
            continue;
        js_set(into->entries, buf_text(&key), js_ref(it.value));
        js_set_cstr(into->files, buf_text(&key), file);
    }
}

static bool read_catalogs(struct mails *m, const char *dir, struct err *e)
{
    struct names names;
    const char *folder = arena_printf(m->arena, "%s/locales", dir);
    if (!list(m->arena, folder, ".json", &names, e))
        return false;
    for (size_t i = 0; i < names.n; i++) {
        AUTO(js_close) struct js *entries = NULL;
        const char *path = arena_printf(m->arena, "%s/%s.json", folder, names.v[i]);
        if (!format_is_tag(names.v[i]))
            return err_set(e, ERR_INPUT,
                "%s: a catalog is named by its language as in BCP 47, e.g. fr-CA.json", path);
        struct shelved_locale *l = locale_named(m, names.v[i]);
        if (!l)
            return err_set(e, ERR_LIMIT, "there are more than %d catalogs", ENTRIES_MAX);
        if (!read_json(path, &entries, e))
            return false;
        if (js_kind(entries) != JS_OBJECT)
            return err_set(e, ERR_INPUT, "%s: must be an object of texts", path);
        merge(l, entries, path);
        l->file = *l->file != 0 ? l->file : path;
    }
    return true;
}

/* ---- mails ----------------------------------------------------------------------------------- */

/* ["a", "b"] as "a b"; an event is one word. */
static bool read_words(
    struct arena *a, const struct js *list, const char *what, const char **out, struct err *e)
{
    *out = "";
    if (js_kind(list) != JS_ABSENT && js_kind(list) != JS_ARRAY)
        return err_set(e, ERR_INPUT, "\"%s\" must be a list of words", what);
    for (size_t i = 0; i < js_count(list); i++) {
        struct str word = js_text(js_at(list, i));
        if (word.n == 0 || str_has_control(word) || str_find_char(word, ' ', 0) < word.n)
            return err_set(e, ERR_INPUT, "\"%s\" must be a list of words", what);
        *out = arena_printf(a, "%s%s" STR_FMT, *out, i > 0 ? " " : "", STR_ARG(word));
    }
    return true;
}

static bool read_meta(struct mails *m, struct shelved *mail, const struct js *meta, struct err *e)
{
    struct str stream = js_get_text(meta, "stream");
    struct js_iter it = {0};
    while (js_next(meta, &it))
        if (!str_is(it.key, "stream") && !str_is(it.key, "events") &&
            !str_is(it.key, "supersedes") && !str_is(it.key, "variables"))
            return err_set(e, ERR_INPUT, "\"" STR_FMT "\" is not known here",
                (int)(it.key.n < 80 ? it.key.n : 80), it.key.p);
    if (!str_is(stream, "transactional") && !str_is(stream, "marketing"))
        return err_set(e, ERR_INPUT, "\"stream\" must be transactional or marketing");
    mail->stream = arena_text(m->arena, stream);
    mail->variables = js_get(meta, "variables");
    return read_words(m->arena, js_get(meta, "events"), "events", &mail->events, e) &&
           read_words(m->arena, js_get(meta, "supersedes"), "supersedes", &mail->supersedes, e);
}

static bool read_mail(struct mails *m, const char *folder, const char *name, struct err *e)
{
    struct shelved *mail = &m->mails[m->n];
    struct js *meta = NULL;
    const char *path = arena_printf(m->arena, "%s/mail.json", folder);
    *mail = (struct shelved){
        .name = name, .folder = folder, .used_partials = js_object(), .used_keys = js_object()};
    m->n++;
    if (!read_json(path, &meta, e))
        return false;
    js_push(m->declarations, meta);
    if (!read_meta(m, mail, meta, e))
        return err_prefix(e, "%s", path);
    for (size_t i = 0; i < PARTS; i++) {
        AUTO(buf_close) struct buf text = {0};
        if (!read_file(arena_printf(m->arena, "%s/%s.mustache", folder, part_names[i]), &text, e))
            return false;
        mail->parts[i] = arena_str(m->arena, buf_str(&text));
    }
    return true;
}

static bool has_mail(const struct mails *m, const char *name)
{
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->mails[i].name, name) == 0)
            return true;
    return false;
}

static bool read_mails(struct mails *m, const char *dir, struct err *e)
{
    struct names names;
    if (!list(m->arena, arena_printf(m->arena, "%s/mails", dir), "", &names, e))
        return false;
    for (size_t i = 0; i < names.n; i++) {
        struct stat st;
        const char *folder = arena_printf(m->arena, "%s/mails/%s", dir, names.v[i]);
        if (strcmp(names.v[i], "partials") == 0 || has_mail(m, names.v[i]))
            continue;
        if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
            continue;
        if (m->n == ENTRIES_MAX)
            return err_set(e, ERR_LIMIT, "there are more than %d mails", ENTRIES_MAX);
        if (!read_mail(m, folder, names.v[i], e))
            return false;
    }
    return true;
}

static int compare_mails(const void *a, const void *b)
{
    return strcmp(((const struct shelved *)a)->name, ((const struct shelved *)b)->name);
}

static int compare_locales(const void *a, const void *b)
{
    return strcmp(((const struct shelved_locale *)a)->tag, ((const struct shelved_locale *)b)->tag);
}

/* A slip in the folder's name would else put our mails in the place of the shop's own, without a word. */
static bool is_shelf(const char *dir, struct err *e)
{
    static const char *const parts[] = {"mails", "locales"};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        AUTO(buf_close) struct buf path = {0};
        struct stat is;
        buf_addf(&path, "%s/%s", dir, parts[i]);
        if (stat(buf_text(&path), &is) == 0 || (errno != ENOENT && errno != ENOTDIR))
            return true; /* what cannot be read, reading tells */
    }
    return err_set(e, ERR_MISSING, "%s is no folder with mails/ or locales/ in it", dir);
}

bool shelf_read(struct mails *m, const char *const *dirs, size_t n, struct err *e)
{
    m->mails = arena_array(m->arena, ENTRIES_MAX, sizeof *m->mails);
    m->locales = arena_array(m->arena, ENTRIES_MAX, sizeof *m->locales);
    m->partials = js_object();
    m->partial_files = js_object();
    m->declarations = js_array();
    for (size_t i = 0; i < n; i++)
        if (!is_shelf(dirs[i], e) || !read_partials(m, dirs[i], e) ||
            !read_catalogs(m, dirs[i], e) || !read_mails(m, dirs[i], e))
            return false;
    qsort(m->mails, m->n, sizeof *m->mails, compare_mails);
    qsort(m->locales, m->locales_n, sizeof *m->locales, compare_locales);
    if (m->n == 0 || m->locales_n == 0)
        return err_set(e, ERR_MISSING, "%s holds no %s", n > 0 ? dirs[n - 1] : "(no folder)",
            m->n == 0 ? "mails/NAME/mail.json" : "locales/TAG.json");
    return true;
}
