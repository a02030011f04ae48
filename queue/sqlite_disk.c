#include "queue/sqlite_disk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#define TABLES_MAX 8 /* the system's VFS has one for databases and one for logs */

static sqlite3_vfs *below;

/* The files stay those of the VFS below, but for one of their methods. */
struct table {
    sqlite3_io_methods ours; /* the first member: a file points to it */
    const sqlite3_io_methods *theirs;
};

static struct {
    pthread_mutex_t lock; /* guards all below; a table stays as it was made */
    struct table tables[TABLES_MAX];
    size_t n;
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int read_file(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    const struct table *t = (const struct table *)(const void *)f->pMethods;
    int rc = t->theirs->xRead(f, p, n, at);

    return rc == SQLITE_IOERR_CORRUPTFS ? SQLITE_IOERR_READ : rc;
}

/* Under the lock. NULL: there are more kinds of files than anybody thought of. */
static struct table *table_of(const sqlite3_io_methods *theirs)
{
    for (size_t i = 0; i < known.n; i++)
        if (known.tables[i].theirs == theirs)
            return &known.tables[i];
    if (known.n == TABLES_MAX)
        return NULL;
    struct table *t = &known.tables[known.n++];
    t->theirs = theirs;
    t->ours = *theirs;
    t->ours.xRead = read_file;
    return t;
}

static int open_file(sqlite3_vfs *self, const char *name, sqlite3_file *f, int flags, int *out)
{
    int rc = below->xOpen(below, name, f, flags, out);

    (void)self;
    if (!f->pMethods)
        return rc;
    pthread_mutex_lock(&known.lock);
    const struct table *t = table_of(f->pMethods);
    pthread_mutex_unlock(&known.lock);
    if (t)
        f->pMethods = &t->ours;
    return rc;
}

void sqlite_disk_register(void)
{
    static sqlite3_vfs vfs;

    below = sqlite3_vfs_find(NULL);
    if (!below)
        return;
    vfs = *below;
    vfs.pNext = NULL;
    vfs.zName = "parcelpost";
    vfs.xOpen = open_file;
    sqlite3_vfs_register(&vfs, 1);
}
