#include "tests/support/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "parcelpost-t"
#define STALE_S                                                                                    \
    600 /* longer than ctest lets a suite run; its process may be one of another container */

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    (void)remove(path); /* another suite may be at it as well */
    return 0;
}

static bool is_stale(const char *path, const char *name)
{
    struct stat st;
    int pid = 0, end = 0;

    return sscanf(name, PREFIX "%d-%n", &pid, &end) == 1 && end > 0 && pid > 0 &&
           kill(pid, 0) != 0 && errno == ESRCH && lstat(path, &st) == 0 && st.st_uid == getuid() &&
           time(NULL) - st.st_mtime > STALE_S;
}

void scratch_sweep(const char *folder)
{
    DIR *all = opendir(folder);
    const struct dirent *one;
    char path[512];

    while (all && (one = readdir(all)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, one->d_name);
        if (is_stale(path, one->d_name))
            nftw(path, drop, 8, FTW_DEPTH | FTW_PHYS);
    }
    if (all)
        closedir(all);
}

static void sweep_once(void)
{
    scratch_sweep("/tmp");
}

static void name_it(const char *name, char out[SCRATCH_SIZE])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, sweep_once);
    int n = snprintf(out, SCRATCH_SIZE, "/tmp/" PREFIX "%d-%s-XXXXXX", (int)getpid(), name);
    if (n < 0 || n >= SCRATCH_SIZE)
        abort();
}

void scratch_folder(const char *name, char out[SCRATCH_SIZE])
{
    name_it(name, out);
    if (!mkdtemp(out)) {
        perror(out);
        abort();
    }
}

int scratch_file(const char *name, char out[SCRATCH_SIZE])
{
    name_it(name, out);
    int fd = mkostemp(out, O_CLOEXEC);
    if (fd < 0) {
        perror(out);
        abort();
    }
    return fd;
}
