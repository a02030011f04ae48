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

static bool is_missing(const char *path)
{
    struct stat st;
    return stat(path, &st) != 0 && errno == ENOENT;
}

static const char *above(const char *path, struct arena *a)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 1 && path[n - 1] != '/')
        n--;
    while (n > 1 && path[n - 1] == '/')
        n--;
    return arena_text(a, str_bytes(path, n));
}

static bool is_above(const char *folder, const char *path, struct arena *a)
{
    /* A slash behind a folder's name does not make it another one. */
    const char *of_something = arena_printf(a, "%s/x", folder);
    return strcmp(above(of_something, a), above(path, a)) == 0;
}

/* Itself, or the folder in which it, or `made` around it, would be made. */
static const char *nearest(const char *path, const char *made, struct arena *a)
{
    if (!is_missing(path))
        return path;
    return made && is_missing(made) && is_above(made, path, a) ? above(made, a) : above(path, a);
}

bool dirs_is_there(const char *path, const char *made, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    return is_folder(nearest(path, made, a), e);
}

bool dirs_is_writable(const char *path, const char *made, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    const char *folder = nearest(path, made, a);
    return is_folder(folder, e) && (access(folder, W_OK | X_OK) == 0 || refuse(folder, e));
}
