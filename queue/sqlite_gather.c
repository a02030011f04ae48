#include "queue/sqlite_gather.h"

#include "base/err.h"

#include <sqlite3.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define HELD_BYTES                                                                                 \
    (124 *                                                                                         \
        1024) /* SQLite's own VFS writes less than 128 KB at once, and takes more for a full disk */
#define REAL_BYTES 1024 /* for the file of the VFS below */
#define AHEAD_MIN (64 * 1024)
#define AHEAD_MAX (1024 * 1024)
#define FRAME_HEAD 24            /* before each page of the log */
#define WINDOW_BYTES (62 * 1024) /* fifteen pages of 4 KB with their heads */

struct log {
    sqlite3_file base;
    char *held; /* NULL until the first write: readers need none */
    int n;
    sqlite3_int64 at;      /* where held[0] goes */
    sqlite3_int64 size;    /* that the file had once */
    bool is_copied;        /* a checkpoint runs */
    bool reads_on;         /* and has synced the log: what it copies stays as it is */
    sqlite3_int64 read_at; /* its last one */
    char *window;          /* NULL until the first two neighbours */
    int window_n;
    sqlite3_int64 window_at;
    alignas(8) char real[REAL_BYTES]; /* as SQLite aligns its files */
};

static sqlite3_file *real_of(struct log *l)
{
    return (sqlite3_file *)(void *)l->real;
}

static struct log *log_of(sqlite3_file *f)
{
    return (struct log *)(void *)f;
}

/* Zeros from here on. Where there is no room for them the log grows without. Only who holds the lock for writing comes here,
 * so nobody else writes behind the end. */
static void grow_ahead(struct log *l, sqlite3_int64 end)
{
    static const char zeros[AHEAD_MIN];
    sqlite3_int64 size = 0, ahead;

    if (real_of(l)->pMethods->xFileSize(real_of(l), &size) != SQLITE_OK || end < size) {
        l->size = size;
        return;
    }
    ahead = end < AHEAD_MIN ? AHEAD_MIN : end > AHEAD_MAX ? AHEAD_MAX : end;
    for (l->size = end; l->size < end + ahead; l->size += AHEAD_MIN)
        if (real_of(l)->pMethods->xWrite(real_of(l), zeros, AHEAD_MIN, l->size) != SQLITE_OK)
            return;
}

static int write_real(struct log *l, const void *p, int n, sqlite3_int64 at)
{
    int rc = real_of(l)->pMethods->xWrite(real_of(l), p, n, at);

    if (rc == SQLITE_OK && at + n > l->size)
        grow_ahead(l, at + n);
    return rc;
}

/* What cannot be written is dropped: SQLite gives up the transaction that it belongs to. */
static int flush(struct log *l)
{
    int n = l->n;

    l->n = 0;
    return n > 0 ? write_real(l, l->held, n, l->at) : SQLITE_OK;
}

/* ---- what a checkpoint reads ---- */

static void read_on(struct log *l, bool on)
{
    l->reads_on = on;
    l->read_at = -1;
    l->window_n = 0;
}

/* False near the end of the file, and where the disk refuses: it is asked for each page alone then, and only those that are
 * wanted can fail. */
static bool fill_window(struct log *l, int n, sqlite3_int64 at)
{
    int bytes = WINDOW_BYTES / (n + FRAME_HEAD) * (n + FRAME_HEAD);

    l->window_n = 0;
    if (bytes == 0 || (!l->window && !(l->window = malloc(WINDOW_BYTES))) ||
        real_of(l)->pMethods->xRead(real_of(l), l->window, bytes, at) != SQLITE_OK)
        return false;
    l->window_at = at;
    l->window_n = bytes;
    return true;
}

static bool is_in_window(const struct log *l, int n, sqlite3_int64 at)
{
    return at >= l->window_at && at + n <= l->window_at + l->window_n;
}

/* One page alone tells nothing; behind two neighbours there are mostly more. */
static bool read_window(struct log *l, void *p, int n, sqlite3_int64 at)
{
    bool follows = l->read_at >= 0 && at == l->read_at + n + FRAME_HEAD;

    l->read_at = at;
    if (!is_in_window(l, n, at)) {
        if (!follows)
            return false;
        if (!fill_window(l, n, at)) {
            read_on(l, false);
            return false;
        }
    }
    memcpy(p, l->window + (at - l->window_at), (size_t)n);
    return true;
}

/* ---- the log ---- */

static int write_log(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    struct log *l = log_of(f);
    bool follows = l->n > 0 && at == l->at + l->n && n <= HELD_BYTES - l->n;

    read_on(l, false);
    int rc = follows ? SQLITE_OK : flush(l);

    if (rc != SQLITE_OK)
        return rc;
    if (!l->held && !(l->held = malloc(HELD_BYTES)))
        return SQLITE_NOMEM;
    if (n > HELD_BYTES)
        return write_real(l, p, n, at);
    if (!follows)
        l->at = at;
    memcpy(l->held + l->n, p, (size_t)n);
    l->n += n;
    return SQLITE_OK;
}

static int read_log(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    struct log *l = log_of(f);
    int rc = flush(l);

    if (rc != SQLITE_OK || (l->reads_on && read_window(l, p, n, at)))
        return rc;
    return real_of(l)->pMethods->xRead(real_of(l), p, n, at);
}

static int truncate_log(sqlite3_file *f, sqlite3_int64 size)
{
    struct log *l = log_of(f);
    int rc = flush(l);

    l->size = size;
    read_on(l, false);
    return rc != SQLITE_OK ? rc : real_of(l)->pMethods->xTruncate(real_of(l), size);
}

/* A checkpoint begins with it. */
static int sync_log(sqlite3_file *f, int flags)
{
    struct log *l = log_of(f);
    int rc = flush(l);

    read_on(l, l->is_copied);
    return rc != SQLITE_OK ? rc : real_of(l)->pMethods->xSync(real_of(l), flags);
}

static int size_of_log(sqlite3_file *f, sqlite3_int64 *out)
{
    struct log *l = log_of(f);
    int rc = flush(l);

    return rc != SQLITE_OK ? rc : real_of(l)->pMethods->xFileSize(real_of(l), out);
}

/* What is held now belongs to no commit. */
static int close_log(sqlite3_file *f)
{
    struct log *l = log_of(f);

    free(l->held);
    free(l->window);
    return real_of(l)->pMethods->xClose(real_of(l));
}

/* ---- what only goes through ---- */

static int lock(sqlite3_file *f, int kind)
{
    return real_of(log_of(f))->pMethods->xLock(real_of(log_of(f)), kind);
}

static int unlock(sqlite3_file *f, int kind)
{
    return real_of(log_of(f))->pMethods->xUnlock(real_of(log_of(f)), kind);
}

static int check_reserved(sqlite3_file *f, int *out)
{
    return real_of(log_of(f))->pMethods->xCheckReservedLock(real_of(log_of(f)), out);
}

static int control(sqlite3_file *f, int what, void *arg)
{
    return real_of(log_of(f))->pMethods->xFileControl(real_of(log_of(f)), what, arg);
}

static int sector_size(sqlite3_file *f)
{
    return real_of(log_of(f))->pMethods->xSectorSize(real_of(log_of(f)));
}

static int characteristics(sqlite3_file *f)
{
    return real_of(log_of(f))->pMethods->xDeviceCharacteristics(real_of(log_of(f)));
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = close_log,
    .xRead = read_log,
    .xWrite = write_log,
    .xTruncate = truncate_log,
    .xSync = sync_log,
    .xFileSize = size_of_log,
    .xLock = lock,
    .xUnlock = unlock,
    .xCheckReservedLock = check_reserved,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

/* ---- what its connection tells ---- */

/* NULL where there is none, or another VFS's. */
static struct log *log_of_connection(sqlite3 *db)
{
    sqlite3_file *f = NULL;
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &f);

    return rc == SQLITE_OK && f && f->pMethods == &methods ? log_of(f) : NULL;
}

void sqlite_gather_forget(sqlite3 *db)
{
    struct log *l = log_of_connection(db);

    if (l)
        l->n = 0;
}

void sqlite_gather_copies(sqlite3 *db, bool begins)
{
    struct log *l = log_of_connection(db);

    if (!l)
        return;
    l->is_copied = begins;
    read_on(l, false);
}

/* ---- opening ---- */

static int open_file(sqlite3_vfs *self, const char *name, sqlite3_file *f, int flags, int *out)
{
    sqlite3_vfs *below = sqlite3_vfs_find(NULL);

    (void)self;
    if (!(flags & SQLITE_OPEN_WAL) || below->szOsFile > REAL_BYTES)
        return below->xOpen(below, name, f, flags, out);
    struct log *l = log_of(f);
    *l = (struct log){0};
    int rc = below->xOpen(below, name, real_of(l), flags, out);
    if (real_of(l)->pMethods)
        l->base.pMethods = &methods;
    return rc;
}

void sqlite_gather_register(void)
{
    static sqlite3_vfs vfs;
    sqlite3_vfs *below = sqlite3_vfs_find(NULL);

    if (!below)
        return; /* opening will say so */
    vfs = *below;
    vfs.pNext = NULL;
    vfs.zName = SQLITE_GATHER;
    vfs.xOpen = open_file;
    if (vfs.szOsFile < (int)sizeof(struct log))
        vfs.szOsFile = (int)sizeof(struct log);
    sqlite3_vfs_register(&vfs, 0);
}
