#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES 65536 /* of what has no size of its own, such as a pipe */

void file_close(int *fd)
{
    if (*fd > STDERR_FILENO)
        close(*fd);
    *fd = -1;
}

bool file_open(const char *what, const char *path, int *fd, struct err *e)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (*fd < 0 && errno == ENOENT)
        return err_set(e, ERR_MISSING, "%s %s does not exist", what, path);
    if (*fd < 0 || fcntl(*fd, F_SETFL, 0) != 0) {
        err_system(e, "%s %s", what, path);
        file_close(fd);
        return false;
    }
    return true;
}

/* One byte more than the file has, to see its end, or that it grew. */
static size_t size_of(int fd)
{
    struct stat st;
    bool has_size = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;

    return has_size ? (size_t)st.st_size + 1 : PIECE_BYTES;
}

bool file_read_open(
    int fd, const char *what, const char *path, size_t max_bytes, struct buf *out, struct err *e)
{
    size_t before = out->n, room = size_of(fd);

    for (;;) {
        size_t left = max_bytes + 1 - (out->n - before);
        room = room < left ? room : left;
        ssize_t n = read(fd, buf_room(out, room), room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            return true;
        bool too_large = n > 0 && (size_t)n == left;
        if (n < 0 || too_large) {
            buf_cut(out, before);
            return too_large ? err_set(e, ERR_LIMIT, "%s %s is larger than %zu bytes", what, path,
                                   max_bytes)
                             : err_system(e, "%s %s", what, path);
        }
        out->n += (size_t)n;
        out->p[out->n] = 0;
        room = out->cap - out->n > 1 ? out->cap - out->n - 1 : PIECE_BYTES;
    }
}

bool file_read(const char *what, const char *path, size_t max_bytes, struct buf *out, struct err *e)
{
    AUTO(file_close) int fd = -1;

    return file_open(what, path, &fd, e) && file_read_open(fd, what, path, max_bytes, out, e);
}

static bool write_all(int fd, struct str s)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            s = str_slice(s, (size_t)n, s.n);
    }
    return true;
}

/* The new name must be on disk too, not only the bytes. */
static bool sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    AUTO(buf_close) struct buf folder = {0};

    buf_add(&folder, slash ? str_bytes(path, (size_t)(slash - path) + 1) : STR("."));
    AUTO(file_close) int fd = open(buf_text(&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

/* link() refuses an existing name, where rename() would silently replace what is there. */
static bool write_and_link(
    const char *what, const char *path, char *draft, struct str bytes, struct err *e)
{
    AUTO(file_close) int fd = mkostemp(draft, O_CLOEXEC);

    if (fd < 0)
        return err_system(e, "%s %s", what, path);
    bool written = write_all(fd, bytes) && fsync(fd) == 0;
    if (!written)
        err_system(e, "%s %s", what, path);
    bool linked = written && link(draft, path) == 0;
    if (written && !linked)
        errno == EEXIST ? err_set(e, ERR_CONFLICT, "%s %s exists already", what, path)
                        : err_system(e, "%s %s", what, path);
    unlink(draft);
    if (linked && !sync_folder_of(path))
        return err_system(e, "folder of %s %s", what, path);
    return linked;
}

bool file_create(const char *what, const char *path, struct str bytes, struct err *e)
{
    AUTO(buf_close) struct buf draft = {0};

    buf_addf(&draft, "%s.XXXXXX", path);
    return write_and_link(what, path, draft.p, bytes, e);
}

/* Whoever is not root can only give to groups of his own: then the file stays his, and the reader is told when it
 * cannot be read. */
static bool be_like(int fd, const char *like)
{
    struct stat st, own;

    if (!like || stat(like, &st) != 0 || fstat(fd, &own) != 0)
        return !like || errno == ENOENT;
    if ((own.st_uid != st.st_uid || own.st_gid != st.st_gid) &&
        fchown(fd, st.st_uid, st.st_gid) != 0)
        return errno == EPERM;
    return fchmod(fd, st.st_mode & S_IRGRP ? 0640 : 0600) == 0;
}

bool file_replace(
    const char *what, const char *path, struct str bytes, const char *like, struct err *e)
{
    AUTO(buf_close) struct buf draft = {0};

    buf_addf(&draft, "%s.XXXXXX", path);
    AUTO(file_close) int fd = mkostemp(draft.p, O_CLOEXEC);
    if (fd < 0)
        return err_system(e, "%s %s", what, path);
    if (!be_like(fd, like) || !write_all(fd, bytes) || fsync(fd) != 0 ||
        rename(draft.p, path) != 0) {
        err_system(e, "%s %s", what, path);
        unlink(draft.p);
        return false;
    }
    return sync_folder_of(path) ? true : err_system(e, "folder of %s %s", what, path);
}

bool file_be_like(const char *what, const char *path, const char *like, struct err *e)
{
    AUTO(file_close) int fd = -1;

    if (!file_open(what, path, &fd, e))
        return false;
    return be_like(fd, like) && fsync(fd) == 0 ? true : err_system(e, "%s %s", what, path);
}

bool file_remove(const char *what, const char *path, struct err *e)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return err_system(e, "%s %s", what, path);
    return sync_folder_of(path) ? true : err_system(e, "folder of %s %s", what, path);
}
