#include "mailer/cli/dirs.h"

#include "base/arena.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A check may run as another user than the service. */
static bool refuse(const char *folder, struct err *e)
{
    if (errno == EACCES)
        return err_system(e, "folder %s, for user %u, who runs this", folder, geteuid());
    return err_system(e, "folder %s", folder);
}

static bool is_folder(const char *path, struct err *e)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return refuse(path, e);
    return S_ISDIR(st.st_mode) || err_set(e, ERR_INPUT, "%s is not a folder", path);
}

/* Itself, or the one above that it would be made in. */
static const char *nearest(const char *path, struct arena *a)
{
    struct stat st;
    size_t n = strlen(path);
    if (stat(path, &st) == 0 || errno != ENOENT)
        return path;
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 1 && path[n - 1] != '/')
        n--;
    while (n > 1 && path[n - 1] == '/')
        n--;
    return arena_text(a, str_bytes(path, n));
}

bool dirs_is_there(const char *path, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    return is_folder(nearest(path, a), e);
}

bool dirs_is_writable(const char *path, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    const char *folder = nearest(path, a);
    return is_folder(folder, e) && (access(folder, W_OK | X_OK) == 0 || refuse(folder, e));
}
