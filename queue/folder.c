#include "queue/folder.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const folder_ours[] = {"queue.db", "queue.db-wal", "queue.db-shm", "queue.db-journal",
    "keys.db", "keys.db-wal", "keys.db-shm", "keys.db-journal", "flight"};
const size_t folder_ours_n = COUNT_OF(folder_ours);

const char *folder_path(const char *dir, const char *name, struct arena *a)
{
    return arena_printf(a, "%s/%s", dir, name);
}

bool folder_has(const char *dir, const char *name, struct arena *a)
{
    struct stat st;

    return stat(folder_path(dir, name, a), &st) == 0 && st.st_size > 0;
}

bool folder_sync(const char *dir, struct err *e)
{
    AUTO(file_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return (fd >= 0 && fsync(fd) == 0) || err_system(e, "cannot put the folder %s on disk", dir);
}

/* A new folder is on disk only when the one that names it is; SQLite does the same for its files. */
bool folder_make(const char *dir, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();

    if (mkdir(dir, 0700) != 0)
        return errno == EEXIST || err_system(e, "cannot make the data folder %s", dir);
    return folder_sync(folder_path(dir, "..", a), e);
}

bool folder_is_whole(const char *dir, struct arena *a, struct err *e)
{
    if (access(folder_path(dir, FOLDER_RESTORING, a), F_OK) != 0)
        return true;
    return err_set(e, ERR_CORRUPT,
        "a restore into %s did not come to its end: run `parcelpost restore` again, with "
        "--force",
        dir);
}

bool folder_is_sandbox(const char *dir, struct arena *a)
{
    return access(folder_path(dir, FOLDER_SANDBOX, a), F_OK) == 0;
}

bool folder_mark_sandbox(const char *dir, bool is_sandbox, struct arena *a, struct err *e)
{
    const char *mark = folder_path(dir, FOLDER_SANDBOX, a),
               *within = folder_path(dir, "sandbox", a);

    if (folder_is_sandbox(dir, a) == is_sandbox)
        return true;
    if (!is_sandbox)
        return unlink(mark) == 0 ? folder_sync(within, e) : err_system(e, "cannot remove %s", mark);
    if (mkdir(within, 0700) != 0 && errno != EEXIST)
        return err_system(e, "cannot make %s", within);
    AUTO(file_close) int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0 ? folder_sync(within, e) && folder_sync(dir, e)
                   : err_system(e, "cannot make %s", mark);
}

bool folder_lock(const char *dir, struct arena *a, int *fd, struct err *e)
{
    const char *path = folder_path(dir, "lock", a);

    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return err_system(e, "cannot open %s", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        return err_set(e, ERR_BUSY, "a service works on the data folder %s", dir);
    return err_system(e, "cannot lock %s", path);
}

void folder_drop(const char *dir, const char *name, struct arena *a)
{
    const char *path = folder_path(dir, name, a);

    for (size_t i = 0; i < folder_ours_n; i++)
        unlink(folder_path(path, folder_ours[i], a));
    unlink(folder_path(path, FOLDER_OURS, a));
    rmdir(path);
}
