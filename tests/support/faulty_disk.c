#include "tests/support/faulty_disk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct file {
    sqlite3_file base;
    const char *path; /* SQLite's, as long as the file is open */
    bool is_database;
    sqlite3_file *real;
};

static struct {
    pthread_mutex_t lock; /* guards all below */
    struct disk_fault fault;
    bool armed, met;
    unsigned calls;
    disk_watcher *watcher;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static sqlite3_vfs *system_vfs;

/* SQLITE_OK, or what the call fails with. */
static int fault_of(const struct file *f, enum disk_op op, int64_t at)
{
    pthread_mutex_lock(&disk.lock);
    const struct disk_fault *fault = &disk.fault;
    bool mine = disk.armed && op == fault->op && f->path && strstr(f->path, fault->file) &&
                (f->is_database || !fault->only_database);
    bool bad = mine && ++disk.calls >= fault->from && (fault->stays || disk.calls == fault->from);
    int code = bad ? fault->code : SQLITE_OK;
    disk.met = disk.met || bad;
    if (disk.watcher)
        disk.watcher(op, f->is_database, at, code == SQLITE_OK);
    pthread_mutex_unlock(&disk.lock);
    return code;
}

static bool gets_half(void)
{
    pthread_mutex_lock(&disk.lock);
    bool half = disk.fault.half;
    pthread_mutex_unlock(&disk.lock);
    return half;
}

static sqlite3_file *real(sqlite3_file *f)
{
    return ((struct file *)f)->real;
}

/* ---- what may fail ------------------------------------------------------------------------------------ */

static int do_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    int rc = fault_of((struct file *)f, DISK_READ, at);

    return rc != SQLITE_OK ? rc : real(f)->pMethods->xRead(real(f), p, n, at);
}

static int do_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    int rc = fault_of((struct file *)f, DISK_WRITE, at);

    if (rc == SQLITE_OK)
        return real(f)->pMethods->xWrite(real(f), p, n, at);
    if (gets_half())
        real(f)->pMethods->xWrite(real(f), p, n / 2, at);
    return rc;
}

static int do_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int rc = fault_of((struct file *)f, DISK_TRUNCATE, size);

    return rc != SQLITE_OK ? rc : real(f)->pMethods->xTruncate(real(f), size);
}

/* No power is cut here, so nothing is gained by waiting for the disk. */
static int do_sync(sqlite3_file *f, int flags)
{
    (void)flags;
    return fault_of((struct file *)f, DISK_SYNC, 0);
}

static int do_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    int rc = fault_of((struct file *)f, DISK_MAP, 0);

    return rc != SQLITE_OK ? rc : real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}

/* ---- what does not ------------------------------------------------------------------------------------ */

static int do_close(sqlite3_file *f)
{
    int rc = real(f)->pMethods->xClose(real(f));

    free(real(f));
    return rc;
}

static int do_size(sqlite3_file *f, sqlite3_int64 *out)
{
    return real(f)->pMethods->xFileSize(real(f), out);
}

static int do_lock(sqlite3_file *f, int kind)
{
    return real(f)->pMethods->xLock(real(f), kind);
}

static int do_unlock(sqlite3_file *f, int kind)
{
    return real(f)->pMethods->xUnlock(real(f), kind);
}

static int do_reserved(sqlite3_file *f, int *out)
{
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int do_control(sqlite3_file *f, int op, void *arg)
{
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int do_sector(sqlite3_file *f)
{
    return real(f)->pMethods->xSectorSize(real(f));
}

static int do_traits(sqlite3_file *f)
{
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int do_map_lock(sqlite3_file *f, int at, int n, int flags)
{
    return real(f)->pMethods->xShmLock(real(f), at, n, flags);
}

static void do_map_barrier(sqlite3_file *f)
{
    real(f)->pMethods->xShmBarrier(real(f));
}

static int do_unmap(sqlite3_file *f, int drop)
{
    return real(f)->pMethods->xShmUnmap(real(f), drop);
}

static const sqlite3_io_methods methods = {
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

static int do_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *out, int flags, int *given)
{
    struct file *f = (struct file *)out;

    (void)vfs;
    f->base.pMethods = NULL;
    f->path = path;
    f->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    f->real = calloc(1, (size_t)system_vfs->szOsFile);
    if (!f->real)
        abort();
    int rc = system_vfs->xOpen(system_vfs, path, f->real, flags, given);
    if (rc == SQLITE_OK)
        f->base.pMethods = &methods;
    else
        free(f->real);
    return rc;
}

/* ---- the test's --------------------------------------------------------------------------------------- */

void faulty_disk_install(void)
{
    static sqlite3_vfs vfs;

    system_vfs = sqlite3_vfs_find(NULL);
    vfs = *system_vfs;
    vfs.zName = "faulty";
    vfs.szOsFile = sizeof(struct file);
    vfs.xOpen = do_open;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
}

void faulty_disk_break(const struct disk_fault *f)
{
    pthread_mutex_lock(&disk.lock);
    disk.fault = *f;
    disk.armed = true;
    disk.met = false;
    disk.calls = 0;
    pthread_mutex_unlock(&disk.lock);
}

bool faulty_disk_was_met(void)
{
    pthread_mutex_lock(&disk.lock);
    bool met = disk.met;
    pthread_mutex_unlock(&disk.lock);
    return met;
}

bool faulty_disk_mend(void)
{
    pthread_mutex_lock(&disk.lock);
    bool met = disk.met;
    disk.armed = false;
    pthread_mutex_unlock(&disk.lock);
    return met;
}

void faulty_disk_watch(disk_watcher *watcher_or_null)
{
    pthread_mutex_lock(&disk.lock);
    disk.watcher = watcher_or_null;
    pthread_mutex_unlock(&disk.lock);
}
