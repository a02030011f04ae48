#include "tests/support/faulty_disk.h"

#include "tests/support/passing_vfs.h"

#include <pthread.h>
#include <string.h>

struct file {
    struct passing_file passing;
    const char *path; /* SQLite's, as long as the file is open */
    bool is_database;
};

static struct {
    pthread_mutex_t lock; /* guards all below */
    struct disk_fault fault;
    bool armed, met;
    unsigned calls;
    disk_watcher *watcher;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static sqlite3_io_methods methods;

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

/* ---- what may fail ------------------------------------------------------------------------------------ */

static int do_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    int rc = fault_of((struct file *)f, DISK_READ, at);

    return rc != SQLITE_OK ? rc : passing_real(f)->pMethods->xRead(passing_real(f), p, n, at);
}

static int do_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    int rc = fault_of((struct file *)f, DISK_WRITE, at);

    if (rc == SQLITE_OK)
        return passing_real(f)->pMethods->xWrite(passing_real(f), p, n, at);
    if (gets_half())
        passing_real(f)->pMethods->xWrite(passing_real(f), p, n / 2, at);
    return rc;
}

static int do_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int rc = fault_of((struct file *)f, DISK_TRUNCATE, size);

    return rc != SQLITE_OK ? rc : passing_real(f)->pMethods->xTruncate(passing_real(f), size);
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

    return rc != SQLITE_OK
               ? rc
               : passing_real(f)->pMethods->xShmMap(passing_real(f), page, size, extend, out);
}

static int do_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *out, int flags, int *given)
{
    struct file *f = (struct file *)out;

    (void)vfs;
    f->path = path;
    f->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    return passing_open(&methods, path, out, flags, given);
}

/* ---- the test's --------------------------------------------------------------------------------------- */

void faulty_disk_install(void)
{
    methods = passing_methods;
    methods.xRead = do_read;
    methods.xWrite = do_write;
    methods.xSync = do_sync;
    methods.xTruncate = do_truncate;
    methods.xShmMap = do_map;
    passing_install("faulty", sizeof(struct file), do_open);
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
