#include "tests/support/passing_vfs.h"

#include <stdlib.h>

static sqlite3_vfs *system_vfs;

sqlite3_file *passing_real(sqlite3_file *f)
{
    return ((struct passing_file *)f)->real;
}

static int do_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return passing_real(f)->pMethods->xRead(passing_real(f), p, n, at);
}

static int do_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    return passing_real(f)->pMethods->xWrite(passing_real(f), p, n, at);
}

static int do_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return passing_real(f)->pMethods->xTruncate(passing_real(f), size);
}

static int do_sync(sqlite3_file *f, int flags)
{
    return passing_real(f)->pMethods->xSync(passing_real(f), flags);
}

static int do_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return passing_real(f)->pMethods->xShmMap(passing_real(f), page, size, extend, out);
}

static int do_close(sqlite3_file *f)
{
    int rc = passing_real(f)->pMethods->xClose(passing_real(f));

    free(passing_real(f));
    return rc;
}

static int do_size(sqlite3_file *f, sqlite3_int64 *out)
{
    return passing_real(f)->pMethods->xFileSize(passing_real(f), out);
}

static int do_lock(sqlite3_file *f, int kind)
{
    return passing_real(f)->pMethods->xLock(passing_real(f), kind);
}

static int do_unlock(sqlite3_file *f, int kind)
{
    return passing_real(f)->pMethods->xUnlock(passing_real(f), kind);
}

static int do_reserved(sqlite3_file *f, int *out)
{
    return passing_real(f)->pMethods->xCheckReservedLock(passing_real(f), out);
}

static int do_control(sqlite3_file *f, int op, void *arg)
{
    return passing_real(f)->pMethods->xFileControl(passing_real(f), op, arg);
}

static int do_sector(sqlite3_file *f)
{
    return passing_real(f)->pMethods->xSectorSize(passing_real(f));
}

static int do_traits(sqlite3_file *f)
{
    return passing_real(f)->pMethods->xDeviceCharacteristics(passing_real(f));
}

static int do_map_lock(sqlite3_file *f, int at, int n, int flags)
{
    return passing_real(f)->pMethods->xShmLock(passing_real(f), at, n, flags);
}

static void do_map_barrier(sqlite3_file *f)
{
    passing_real(f)->pMethods->xShmBarrier(passing_real(f));
}

static int do_unmap(sqlite3_file *f, int drop)
{
    return passing_real(f)->pMethods->xShmUnmap(passing_real(f), drop);
}

const sqlite3_io_methods passing_methods = {
    .iVersion = 2,
    .xClose = do_close,
    .xRead = do_read,
    .xWrite = do_write,
    .xTruncate = do_truncate,
    .xSync = do_sync,
    .xFileSize = do_size,
    .xLock = do_lock,
    .xUnlock = do_unlock,
    .xCheckReservedLock = do_reserved,
    .xFileControl = do_control,
    .xSectorSize = do_sector,
    .xDeviceCharacteristics = do_traits,
    .xShmMap = do_map,
    .xShmLock = do_map_lock,
    .xShmBarrier = do_map_barrier,
    .xShmUnmap = do_unmap,
};

int passing_open(
    const sqlite3_io_methods *methods, const char *path, sqlite3_file *out, int flags, int *given)
{
    struct passing_file *f = (struct passing_file *)out;

    f->base.pMethods = NULL;
    f->real = calloc(1, (size_t)system_vfs->szOsFile);
    if (!f->real)
        abort();
    int rc = system_vfs->xOpen(system_vfs, path, f->real, flags, given);
    if (rc == SQLITE_OK)
        f->base.pMethods = methods;
    else
        free(f->real);
    return rc;
}

void passing_install(const char *name, size_t file_size, passing_opener *open)
{
    static sqlite3_vfs vfs;

    system_vfs = sqlite3_vfs_find(NULL);
    vfs = *system_vfs;
    vfs.zName = name;
    vfs.szOsFile = (int)file_size;
    vfs.xOpen = open;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
}
