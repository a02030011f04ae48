#include "queue/backup.h"

#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sum.h"
#include "queue/folder.h"
#include "queue/sqlite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST "manifest.json"
#define MANIFEST_BYTES 65536
#define FORMAT 1
#define DRAFT ".parcelpost-copy." /* and six characters: a copy under way, beside its name */

const char *backup_file(enum backup_part part)
{
    return part == BACKUP_QUEUE ? "queue.db" : "keys.db";
}

/* ---- the manifest ---- */

static void print_manifest(const struct backup_copy *c, struct buf *out)
{
    struct js *o = js_object();
    AUTO(buf_close) struct buf sum = {0};
    char taken[CLOCK_RFC3339_SIZE];

    clock_rfc3339(c->taken_ms, taken);
    encode_hex(&sum, digest_str(&c->sum));
    js_set_int(o, "format", FORMAT);
    js_set_cstr(o, "program", PARCELPOST_VERSION);
    js_set_cstr(o, "file", backup_file(c->part));
    js_set_cstr(o, "taken_at", taken);
    js_set_int(o, "version", c->version);
    js_set_bool(o, "sandbox", c->origin == BACKUP_OF_SANDBOX);
    js_set_int(o, "bytes", (int64_t)c->bytes);
    js_set_text(o, "sha256", buf_str(&sum));
    js_write(o, JS_PRETTY, out);
    buf_add_char(out, '\n');
    js_close(&o);
}

static enum backup_origin origin_of(const struct js *sandbox)
{
    if (js_kind(sandbox) != JS_BOOL)
        return BACKUP_OF_UNKNOWN;
    return js_bool(sandbox) ? BACKUP_OF_SANDBOX : BACKUP_OF_SERVICE;
}

static bool read_manifest(
    const char *path, enum backup_part part, struct backup_copy *out, struct err *e)
{
    AUTO(buf_close) struct buf text = {0}, sum = {0};
    AUTO(js_close) struct js *o = NULL;
    struct err why;

    if (!file_read("manifest", path, MANIFEST_BYTES, &text, e)) {
        if (e->code == ERR_LIMIT)
            e->code = ERR_CORRUPT;
        return false;
    }
    if (!js_parse(buf_str(&text), &o, &why))
        return err_set(e, ERR_CORRUPT, "%s is damaged: %s", path, why.text);
    if (js_int(js_get(o, "format")) > FORMAT)
        return err_set(e, ERR_NEWER, "%s was written by a newer program", path);
    if (!str_is(js_get_text(o, "file"), backup_file(part)))
        return err_set(e, ERR_INPUT, "%s is not about a copy of %s", path, backup_file(part));
    *out = (struct backup_copy){.part = part,
        .version = js_int(js_get(o, "version")),
        .origin = origin_of(js_get(o, "sandbox")),
        .bytes = (uint64_t)js_int(js_get(o, "bytes"))};
    if (!clock_parse_rfc3339(js_get_text(o, "taken_at"), &out->taken_ms) ||
        !decode_hex(&sum, js_get_text(o, "sha256")) || sum.n != sizeof out->sum.b)
        return err_set(e, ERR_CORRUPT, "%s is damaged", path);
    memcpy(out->sum.b, sum.p, sum.n);
    return true;
}

/* What cannot be looked at is said by whoever opens it. */
static bool has_size(const char *path, uint64_t bytes)
{
    struct stat st;

    return stat(path, &st) != 0 || (S_ISREG(st.st_mode) && (uint64_t)st.st_size == bytes);
}

bool backup_check(const char *copy, enum backup_part part, struct backup_copy *out, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    const char *path = folder_path(copy, backup_file(part), a);
    struct digest sum;
    uint64_t bytes;

    if (!read_manifest(folder_path(copy, MANIFEST, a), part, out, e))
        return false;
    bool fits =
        has_size(path, out->bytes); /* or a name that leads to a device would be read for ever */
    if (fits && !sum_file("copy", path, &sum, &bytes, e))
        return false;
    return (fits && bytes == out->bytes && digest_equal(&sum, &out->sum)) ||
           err_set(e, ERR_CORRUPT, "%s is not what its manifest says: it was changed or is damaged",
               path);
}

static void close_folder(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* ---- taking ---- */

static bool sync_file(const char *path, struct err *e)
{
    AUTO(file_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

    return (fd >= 0 && fsync(fd) == 0) || err_system(e, "cannot put %s on disk", path);
}

static bool fill(
    const char *from, const char *draft, struct backup_copy *c, struct arena *a, struct err *e)
{
    const char *path = folder_path(draft, backup_file(c->part), a);
    AUTO(buf_close) struct buf manifest = {0};

    if (!sqlite_copy(from, path, &c->version, e) || !sync_file(path, e) ||
        !sum_file("copy", path, &c->sum, &c->bytes, e))
        return false;
    print_manifest(c, &manifest);
    return file_create("manifest", folder_path(draft, MANIFEST, a), buf_str(&manifest), e) &&
           folder_sync(draft, e);
}

/* ---- the draft ---- */

static void drop_draft(const char *draft, struct arena *a)
{
    static const enum backup_part parts[] = {BACKUP_QUEUE, BACKUP_KEYS};

    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        unlink(folder_path(draft, backup_file(parts[i]), a));
        unlink(arena_printf(a, "%s/%s-journal", draft, backup_file(parts[i])));
    }
    unlink(folder_path(draft, MANIFEST, a));
    rmdir(draft);
}

static int open_draft(const char *draft)
{
    return open(draft, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool is_there(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

/* What backups that were killed left beside the new one: whole databases, keys among them. */
static void sweep_drafts(const char *folder, struct arena *a)
{
    AUTO(close_folder) DIR *d = opendir(folder);

    for (struct dirent *f; d && (f = readdir(d)) != NULL;) {
        if (strncmp(f->d_name, DRAFT, strlen(DRAFT)) != 0)
            continue;
        const char *draft = folder_path(folder, f->d_name, a);
        AUTO(file_close) int fd = open_draft(draft);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            drop_draft(draft, a);
    }
}

/* Locked for as long as it is written. Before that a sweep may take the empty folder away, so it is made again. Where
 * the file system has no locks nobody can sweep either. */
static bool make_draft(const char *folder, char **draft, int *lock, struct arena *a, struct err *e)
{
    for (;;) {
        *draft = arena_printf(a, "%s/" DRAFT "XXXXXX", folder);
        if (!mkdtemp(*draft))
            return errno == ENOENT ? err_set(e, ERR_IO, "%s does not exist: make it first", folder)
                                   : err_system(e, "cannot make a folder in %s", folder);
        *lock = open_draft(*draft);
        if (*lock >= 0)
            (void)flock(*lock, LOCK_EX);
        if (*lock >= 0 && is_there(*lock))
            return true;
        if (*lock < 0 && errno != ENOENT)
            return err_system(e, "%s", *draft);
        file_close(lock);
    }
}

/* A plain rename would take the place of an empty folder; not every file system knows the other one. */
static bool rename_new(const char *draft, const char *to, struct err *e)
{
    if (renameat2(AT_FDCWD, draft, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    if (errno == EINVAL && rename(draft, to) == 0)
        return true;
    return err_system(e, "cannot name the copy %s", to);
}

/* "copies/queue/" and "copies/queue" are the same new folder. */
static const char *without_slash(const char *path, struct arena *a)
{
    struct str s = str_of(path);

    while (s.n > 1 && s.p[s.n - 1] == '/')
        s.n--;
    return arena_text(a, s);
}

static const char *folder_of(const char *path, struct arena *a)
{
    const char *slash = strrchr(path, '/');

    return !slash          ? "."
           : slash == path ? "/"
                           : arena_text(a, str_bytes(path, (size_t)(slash - path)));
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Neither is there yet, but what they are to be made in is. */
bool backup_is_one_place(const char *one, const char *other)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct stat st, st_other;

    one = without_slash(one, a);
    other = without_slash(other, a);
    return strcmp(name_of(one), name_of(other)) == 0 && stat(folder_of(one, a), &st) == 0 &&
           stat(folder_of(other, a), &st_other) == 0 && st.st_dev == st_other.st_dev &&
           st.st_ino == st_other.st_ino;
}

bool backup_take(const char *data_dir, enum backup_part part, const char *to,
    const struct clock *clock, struct backup_copy *out, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(file_close) int lock = -1;
    const char *from = folder_path(data_dir, backup_file(part), a), *folder;
    char *draft;
    struct stat st;

    to = without_slash(to, a);
    folder = folder_of(to, a);
    *out = (struct backup_copy){.part = part,
        .taken_ms = clock_now_ms(clock),
        .origin = folder_is_sandbox(data_dir, a) ? BACKUP_OF_SANDBOX : BACKUP_OF_SERVICE};
    if (!folder_is_whole(data_dir, a, e))
        return false;
    if (lstat(to, &st) == 0)
        return err_set(e, ERR_CONFLICT, "%s exists already: name a new folder for each copy", to);
    if (!folder_has(data_dir, backup_file(part), a))
        return err_set(e, ERR_MISSING, "%s is not there, or is empty", from);
    sweep_drafts(folder, a);
    if (!make_draft(folder, &draft, &lock, a, e))
        return false;
    if (fill(from, draft, out, a, e) && rename_new(draft, to, e))
        return folder_sync(folder, e);
    drop_draft(draft, a);
    return false;
}
