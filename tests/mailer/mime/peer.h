/* peer -- foreign programs that check what we wrote, and the temporary folder that they read from.
 * Paths are relative to the project, where ctest starts every suite. */
#ifndef TESTS_MAILER_MIME_PEER_H
#define TESTS_MAILER_MIME_PEER_H

#include "tests/base/expect.h"

#include <errno.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static inline int folder_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static inline void folder_remove(const char *path)
{
    nftw(path, folder_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void file_write(const char *folder, const char *name, struct str bytes)
{
    AUTO(buf_close) struct buf path = {0};
    FILE *f;

    buf_addf(&path, "%s/%s", folder, name);
    f = fopen(path.p, "wb");
    if (!f || fwrite(bytes.p, 1, bytes.n, f) != bytes.n || fclose(f) != 0)
        fail_msg("cannot write %s", path.p);
}

/* Exit code of a program; its output goes where ours goes. */
static inline int peer_run(const char *const *argv)
{
    pid_t pid;
    int status = -1;

    if (posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
        fail_msg("cannot start %s", argv[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

#endif
