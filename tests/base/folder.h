/* folder -- a temporary folder of one suite, with the files that it writes there. */
#ifndef TESTS_BASE_FOLDER_H
#define TESTS_BASE_FOLDER_H

#include "base/buf.h"
#include "tests/support/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[SCRATCH_SIZE];
};

static inline int folder_open(struct folder *f)
{
    scratch_folder("base", f->path);
    return 0;
}

static inline const char *folder_file(const struct folder *f, const char *name, struct buf *out)
{
    buf_clear(out);
    buf_addf(out, "%s/%s", f->path, name);
    return out->p;
}

static inline void folder_write(const char *path, struct str text, mode_t mode)
{
    FILE *f = fopen(path, "w");

    if (!f || fwrite(text.p, 1, text.n, f) != text.n || fclose(f) != 0 || chmod(path, mode) != 0)
        abort();
}

static inline void folder_read(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "r");
    size_t n;

    if (!f)
        abort();
    buf_clear(out);
    while ((n = fread(buf_room(out, 4096), 1, 4096, f)) > 0)
        out->n += n;
    buf_room(out, 0);
    fclose(f);
}

#endif
