/* States on disk. */
#include "base/conf_check.h"
#include "base/file.h"
#include "base/json.h"
#include "mailer/mime/rotation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define FILE_BYTES 16384
#define FORMAT 1
#define DRAFT_END 7 /* ".XXXXXX" of base/file.c */
#define STEPS (ROTATION_BACK + 1)
#define LAST_MS INT64_C(253402300799999) /* the year 9999 */

/* ---- what each member may be ----------------------------------------------------------------- */

static bool is_domain(struct str s)
{
    return !conf_check_domain(s);
}

/* It becomes part of a file's name: no slash, no dot at an end. */
static bool is_selector(struct str s)
{
    return !conf_check_selector(s);
}

static bool is_base64(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= 'A' && s.p[i] <= 'Z') &&
            !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '+' && s.p[i] != '/' && s.p[i] != '=')
            return false;
    return s.n > 0;
}

/* As dkim_key_record writes it: it is printed as it stands, for a zone file. */
static bool is_record(struct str s)
{
    static const char *const heads[] = {"v=DKIM1; k=rsa; p=", "v=DKIM1; k=ed25519; p="};
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        if (str_starts(s, str_of(heads[i])))
            return is_base64(str_slice(s, strlen(heads[i]), s.n));
    return false;
}

/* Printed, too. UTF-8 without controls. */
static bool is_path(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

static const struct field {
    const char *name;
    size_t at, size; /* size 0: a number */
    int64_t most;
    bool (*is_right)(struct str text);
} fields[] = {
#define TEXT(member, check)                                                                        \
    {                                                                                              \
#member, offsetof(struct rotation, member), sizeof((struct rotation *)0)->member, 0, check \
    }
#define NUMBER(member, most)                                                                       \
    {                                                                                              \
#member, offsetof(struct rotation, member), 0, most, NULL                                  \
    }
    TEXT(domain, is_domain),
    TEXT(old_selector, is_selector),
    TEXT(new_selector, is_selector),
    TEXT(old_record, is_record),
    TEXT(new_record, is_record),
    TEXT(old_key_file, is_path),
    NUMBER(started_ms, LAST_MS),
    NUMBER(stale_ttl_s, ROTATION_MAX_TTL_S),
    NUMBER(seen_ms, LAST_MS),
    NUMBER(wait_until_ms, LAST_MS),
    NUMBER(active_ms, LAST_MS),
    NUMBER(keep_until_ms, LAST_MS),
    NUMBER(ended_ms, LAST_MS),
#undef TEXT
#undef NUMBER
};

/* ---- names ----------------------------------------------------------------------------------- */

static struct str folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? str_bytes(path, (size_t)(slash - path) + 1) : STR("./");
}

const char *rotation_file(
    const char *key_file, const char *selector, const char *domain, struct arena *a)
{
    return arena_printf(
        a, STR_FMT "%s._domainkey.%s.rotation", STR_ARG(folder_of(key_file)), selector, domain);
}

const char *rotation_key_file(
    const char *key_file, const char *selector, const char *domain, struct arena *a)
{
    return arena_printf(
        a, STR_FMT "%s._domainkey.%s.pem", STR_ARG(folder_of(key_file)), selector, domain);
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool corrupt(const char *path, const char *member, struct err *e)
{
    return err_set(
        e, ERR_CORRUPT, "state of a key rotation %s: \"%s\" is missing or wrong", path, member);
}

static bool read_field(const char *path, const struct js *o, const struct field *f,
    struct rotation *out, struct err *e)
{
    const struct js *v = js_get(o, f->name);
    char *at = (char *)out + f->at;
    if (f->size == 0) {
        if (js_kind(v) != JS_INT || js_int(v) < 0 || js_int(v) > f->most)
            return corrupt(path, f->name, e);
        *(int64_t *)(void *)at = js_int(v);
        return true;
    }
    if (js_kind(v) != JS_TEXT || js_text(v).n == 0 || !f->is_right(js_text(v)) ||
        !str_copy(js_text(v), at, f->size))
        return corrupt(path, f->name, e);
    return true;
}

static bool read_step(const char *path, const struct js *o, struct rotation *out, struct err *e)
{
    struct str name = js_get_text(o, "step");
    for (int i = 0; i < STEPS; i++)
        if (str_is(name, rotation_step_name((enum rotation_step)i))) {
            out->step = (enum rotation_step)i;
            return true;
        }
    return corrupt(path, "step", e);
}

/* Whoever reads "pp1._domainkey.shop.example.rotation" must not work on another key. */
static bool is_named_so(const char *path, const struct rotation *r)
{
    AUTO(buf_close) struct buf name = {0};
    const char *slash = strrchr(path, '/');
    buf_addf(&name, "%s._domainkey.%s.rotation", r->old_selector, r->domain);
    return str_is(buf_str(&name), slash ? slash + 1 : path);
}

bool rotation_load(const char *path, struct rotation *out, struct err *e)
{
    AUTO(buf_close) struct buf text = {0};
    AUTO(js_close) struct js *o = NULL;
    struct err wrong;

    *out = (struct rotation){0};
    if (!file_read("state of a key rotation", path, FILE_BYTES, &text, e))
        return false;
    if (!js_parse(buf_str(&text), &o, &wrong))
        return err_set(e, ERR_CORRUPT, "state of a key rotation %s: %s", path, wrong.text);
    if (js_int(js_get(o, "format")) > FORMAT)
        return err_set(e, ERR_NEWER, "state of a key rotation %s is of a newer program", path);
    if (js_int(js_get(o, "format")) != FORMAT)
        return corrupt(path, "format", e);
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (!read_field(path, o, &fields[i], out, e))
            return false;
    if (strcmp(out->old_selector, out->new_selector) == 0)
        return corrupt(path, "new_selector", e);
    if (!is_named_so(path, out))
        return err_set(e, ERR_CORRUPT, "state of a key rotation %s is about %s of %s", path,
            out->old_selector, out->domain);
    return read_step(path, o, out, e);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* What could not be loaded again is not written. */
static bool is_kept(const struct rotation *r, const struct field *f)
{
    const char *at = (const char *)r + f->at;
    int64_t number = f->size > 0 ? 0 : *(const int64_t *)(const void *)at;
    return f->size > 0 ? f->is_right(str_of(at)) : number >= 0 && number <= f->most;
}

bool rotation_save(const char *path, const struct rotation *r, const char *like, struct err *e)
{
    AUTO(js_close) struct js *o = js_object();
    AUTO(buf_close) struct buf text = {0};

    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (!is_kept(r, &fields[i]))
            return err_set(e, ERR_INPUT, "state of a key rotation %s: \"%s\" cannot be kept", path,
                fields[i].name);
    js_set_int(o, "format", FORMAT);
    js_set_cstr(o, "step", rotation_step_name(r->step));
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        const char *at = (const char *)r + fields[i].at;
        if (fields[i].size > 0)
            js_set_cstr(o, fields[i].name, at);
        else
            js_set_int(o, fields[i].name, *(const int64_t *)(const void *)at);
    }
    js_write(o, JS_PRETTY, &text);
    buf_add_char(&text, '\n');
    return file_replace("state of a key rotation", path, buf_str(&text), like, e);
}

bool rotation_lock(const char *key_file, int *fd, struct err *e)
{
    AUTO(buf_close) struct buf folder = {0};
    buf_add(&folder, folder_of(key_file));
    *fd = open(buf_text(&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return err_system(e, "folder of keys %s", buf_text(&folder));
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    bool busy = errno == EWOULDBLOCK;
    err_system(e, "folder of keys %s", buf_text(&folder));
    file_close(fd);
    return busy ? err_set(e, ERR_BUSY, "another `dkim rotate` works on the keys of %s",
                      buf_text(&folder))
                : false;
}

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

void rotation_sweep(const char *path)
{
    AUTO(buf_close) struct buf folder = {0}, draft = {0};
    struct str base = str_slice(str_of(path), folder_of(path).n, strlen(path));

    if (!strchr(path, '/'))
        base = str_of(path);
    buf_add(&folder, folder_of(path));
    AUTO(close_dir) DIR *dir = opendir(buf_text(&folder));
    for (struct dirent *at; dir && (at = readdir(dir));) {
        struct str name = str_of(at->d_name);
        if (name.n != base.n + DRAFT_END || !str_starts(name, base) || name.p[base.n] != '.')
            continue;
        buf_clear(&draft);
        buf_addf(&draft, "%s%s", buf_text(&folder), at->d_name);
        unlink(buf_text(&draft));
    }
}

/* ---- which key signs ------------------------------------------------------------------------- */

bool rotation_signer_find(const char *key_file, const char *selector, const char *domain,
    struct arena *a, struct rotation_signer *out, struct err *e)
{
    struct rotation r;
    const char *path = rotation_file(key_file, selector, domain, a);

    *out = (struct rotation_signer){selector, key_file, false};
    if (!rotation_load(path, &r, e))
        return e->code == ERR_MISSING;
    out->rotating = true;
    if (!rotation_signs_new(&r))
        return true;
    out->selector = arena_text(a, str_of(r.new_selector));
    out->key_file = rotation_key_file(key_file, r.new_selector, domain, a);
    return true;
}
