/* trouble -- loaded before the C library (LD_PRELOAD), it makes a program's machine misbehave while it runs: clocks that are off, files
 * that cannot be read or written. What is wrong stands in the file $PARCELPOST_TROUBLE, which the test writes and this maps: a
 * struct trouble. All zero, or no file: nothing is wrong. For tests/e2e/test_trouble.py. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct trouble {
    int64_t wall_ms, boot_ms; /* added to CLOCK_REALTIME, to CLOCK_BOOTTIME */
    int32_t read_errno, write_errno;
    char file[40]; /* what the path of a file that they concern holds */
};

static const volatile struct trouble *trouble;

__attribute__((constructor)) static void open_trouble(void)
{
    const char *path = getenv("PARCELPOST_TROUBLE");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = fd >= 0 ? mmap(NULL, sizeof *trouble, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

    if (map != MAP_FAILED)
        trouble = map;
    if (fd >= 0)
        close(fd);
}

static int concerns(int fd)
{
    char link[40], path[512], file[sizeof trouble->file];
    ssize_t n;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof path - 1);
    for (size_t i = 0; i < sizeof file; i++)
        file[i] = trouble->file[i];
    if (n < 0)
        return 0;
    path[n] = 0;
    return strstr(path, file) != NULL;
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at);
ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
    if (trouble && trouble->read_errno && concerns(fd)) {
        errno = trouble->read_errno;
        return -1;
    }
    return syscall(SYS_pread64, fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at);
ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    if (trouble && trouble->write_errno && concerns(fd)) {
        errno = trouble->write_errno;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, p, n, at);
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    int rc = (int)syscall(SYS_clock_gettime, id, out);
    int64_t ms = 0;

    if (rc == 0 && trouble && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        ms = trouble->wall_ms;
    if (rc == 0 && trouble && id == CLOCK_BOOTTIME)
        ms = trouble->boot_ms;
    out->tv_sec += ms / 1000;
    return rc;
}

time_t time(time_t *out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}
