#include "tests/support/power_cut.h"

#include "tests/support/passing_vfs.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 8
#define PIECE 4096

struct piece {
    struct piece *next;
    sqlite3_int64 at; /* of a truncation: the size */
    size_t n;
    bool truncates;
    char bytes[];
};

struct image {
    char name[64];
    char *bytes;
    size_t n, cap;
    struct piece *first, **last;
    bool refuses; /* the next sync */
};

struct file {
    struct passing_file passing;
    struct image *image; /* NULL: not watched */
};

static struct {
    pthread_mutex_t lock; /* guards all below, and the images */
    char folder[200];
    struct image images[FILES_MAX];
    size_t n;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static sqlite3_io_methods methods;

static void *need(void *p)
{
    if (!p)
        abort();
    return p;
}

/* ---- images ------------------------------------------------------------------------------------------- */

static void put(char **bytes, size_t *n, size_t *cap, const struct piece *p)
{
    size_t end = (size_t)p->at + p->n;

    if (end > *cap) {
        *cap = end * 2;
        *bytes = need(realloc(*bytes, *cap));
    }
    if (end > *n)
        memset(*bytes + *n, 0, end - *n);
    memcpy(*bytes + p->at, p->bytes, p->n);
    if (end > *n || p->truncates)
        *n = end;
}

static void drop_pieces(struct image *i)
{
    for (struct piece *p = i->first, *next; p; p = next) {
        next = p->next;
        free(p);
    }
    i->first = NULL;
    i->last = &i->first;
}

static void add_piece(
    struct image *i, const char *bytes, size_t n, sqlite3_int64 at, bool truncates)
{
    struct piece *p = need(calloc(1, sizeof *p + n));

    p->at = at;
    p->n = n;
    p->truncates = truncates;
    if (n > 0)
        memcpy(p->bytes, bytes, n);
    *i->last = p;
    i->last = &p->next;
}

/* By pages of the disk, so that a write can get there in part. */
static void note_write(struct image *i, const char *bytes, size_t n, sqlite3_int64 at)
{
    pthread_mutex_lock(&disk.lock);
    while (i && n > 0) {
        size_t room = PIECE - (size_t)(at % PIECE), part = n < room ? n : room;

        add_piece(i, bytes, part, at, false);
        bytes += part;
        at += (sqlite3_int64)part;
        n -= part;
    }
    pthread_mutex_unlock(&disk.lock);
}

static void note_truncation(struct image *i, sqlite3_int64 size)
{
    pthread_mutex_lock(&disk.lock);
    if (i)
        add_piece(i, NULL, 0, size, true);
    pthread_mutex_unlock(&disk.lock);
}

static bool note_sync(struct image *i)
{
    pthread_mutex_lock(&disk.lock);
    bool fine = !i || !i->refuses;
    for (struct piece *p = i && fine ? i->first : NULL; p; p = p->next)
        put(&i->bytes, &i->n, &i->cap, p);
    if (i) {
        drop_pieces(i);
        i->refuses = false;
    }
    pthread_mutex_unlock(&disk.lock);
    return fine;
}

static struct image *image_of(const char *path, int flags)
{
    size_t n = strlen(disk.folder);
    struct image *found = NULL;

    if (!path || !(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
        return NULL;
    pthread_mutex_lock(&disk.lock);
    if (n > 0 && strncmp(path, disk.folder, n) == 0 && path[n] == '/') {
        for (size_t i = 0; i < disk.n && !found; i++)
            found = strcmp(disk.images[i].name, path + n + 1) == 0 ? &disk.images[i] : NULL;
        if (!found) {
            if (disk.n == FILES_MAX)
                abort();
            found = &disk.images[disk.n++];
            *found = (struct image){.last = &found->first};
            snprintf(found->name, sizeof found->name, "%s", path + n + 1);
        }
    }
    pthread_mutex_unlock(&disk.lock);
    return found;
}

/* ---- the test's --------------------------------------------------------------------------------------- */

void power_cut_watch(const char *folder)
{
    pthread_mutex_lock(&disk.lock);
    for (size_t i = 0; i < disk.n; i++) {
        drop_pieces(&disk.images[i]);
        free(disk.images[i].bytes);
    }
    disk.n = 0;
    snprintf(disk.folder, sizeof disk.folder, "%s", folder ? folder : "");
    pthread_mutex_unlock(&disk.lock);
}

void power_cut_refuse_sync(const char *name)
{
    pthread_mutex_lock(&disk.lock);
    for (size_t i = 0; i < disk.n; i++)
        if (strcmp(disk.images[i].name, name) == 0)
            disk.images[i].refuses = true;
    pthread_mutex_unlock(&disk.lock);
}

static void write_image(const struct image *i, const char *to, unsigned *seed)
{
    struct image left = {.n = i->n, .cap = i->n + 1, .bytes = need(malloc(i->n + 1))};
    char path[300];

    if (i->n > 0)
        memcpy(left.bytes, i->bytes, i->n);
    for (const struct piece *p = i->first; p; p = p->next)
        if (*seed != 0 && rand_r(seed) % 2 == 0)
            put(&left.bytes, &left.n, &left.cap, p);
    snprintf(path, sizeof path, "%s/%s", to, i->name);
    FILE *f = need(fopen(path, "wb"));
    if (left.n > 0 && fwrite(left.bytes, 1, left.n, f) != left.n)
        abort();
    fclose(f);
    free(left.bytes);
}

void power_cut(const char *to, unsigned seed)
{
    pthread_mutex_lock(&disk.lock);
    for (size_t i = 0; i < disk.n; i++)
        write_image(&disk.images[i], to, &seed);
    pthread_mutex_unlock(&disk.lock);
}

/* ---- the VFS ------------------------------------------------------------------------------------------ */

/* Noted before it is done: whoever is told that it is done finds it noted. */
static int do_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    note_write(((struct file *)f)->image, p, (size_t)n, at);
    return passing_real(f)->pMethods->xWrite(passing_real(f), p, n, at);
}

static int do_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    note_truncation(((struct file *)f)->image, size);
    return passing_real(f)->pMethods->xTruncate(passing_real(f), size);
}

/* The disk of the test itself need not be waited for. */
static int do_sync(sqlite3_file *f, int flags)
{
    (void)flags;
    return note_sync(((struct file *)f)->image) ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int do_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *out, int flags, int *given)
{
    (void)vfs;
    ((struct file *)out)->image = image_of(path, flags);
    return passing_open(&methods, path, out, flags, given);
}

void power_cut_install(void)
{
    methods = passing_methods;
    methods.xWrite = do_write;
    methods.xTruncate = do_truncate;
    methods.xSync = do_sync;
    passing_install("power-cut", sizeof(struct file), do_open);
}
