#include "queue/flight.h"

#include "base/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "PPFLIGHT1"
#define LANES_MAX 65536
#define BOOT_SIZE 40

enum { SLOT_EMPTY, SLOT_BEGUN };

struct header {
    char magic[16]; /* written last */
    char boot[BOOT_SIZE], node[40];
    uint32_t lanes;
    _Atomic uint32_t spilled; /* a begun body is in no slot any more */
};

struct slot {
    _Atomic uint32_t state; /* written last */
    int64_t fence;
    char id[ID_SIZE];
};

struct flight {
    size_t size, lanes;
    pthread_mutex_t lock; /* guards the slots against the process's own threads */
    struct header *header;
    struct slot *slots;
};

/* The kernel's name for this boot; "" (which never counts as the same) where it has none. */
static void read_boot_id(char out[BOOT_SIZE])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, BOOT_SIZE - 1);

    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

static size_t size_for(size_t lanes)
{
    return sizeof(struct header) + lanes * sizeof(struct slot);
}

/* ---- the past ---- */

static bool read_whole(int fd, void *out, size_t n)
{
    char *p = out;

    while (n > 0) {
        ssize_t got = read(fd, p, n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

static bool header_is_ours(const struct header *h, const char *node)
{
    char boot[BOOT_SIZE];

    read_boot_id(boot);
    return memcmp(h->magic, MAGIC, sizeof MAGIC) == 0 && h->lanes <= LANES_MAX && boot[0] &&
           strncmp(h->boot, boot, sizeof h->boot) == 0 &&
           strncmp(h->node, node, sizeof h->node) == 0 && atomic_load(&h->spilled) == 0;
}

static bool read_slots(int fd, const struct header *h, struct arena *a, struct flight_past *out)
{
    struct slot *slots = arena_array(a, h->lanes, sizeof *slots);
    struct flight_mark *marks = arena_array(a, h->lanes, sizeof *marks);

    if (!read_whole(fd, slots, h->lanes * sizeof *slots))
        return false;
    out->marks = marks;
    for (uint32_t i = 0; i < h->lanes; i++) {
        if (atomic_load(&slots[i].state) != SLOT_BEGUN)
            continue;
        slots[i].id[sizeof slots[i].id - 1] = '\0';
        marks[out->n++] = (struct flight_mark){slots[i].id, slots[i].fence};
    }
    return true;
}

bool flight_read(
    const char *path, const char *node, struct arena *a, struct flight_past *out, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct header h;

    *out = (struct flight_past){.all_unsure = true};
    if (fd < 0)
        return errno == ENOENT || err_system(e, "cannot open %s", path);
    if (read_whole(fd, &h, sizeof h) && header_is_ours(&h, node))
        out->all_unsure = !read_slots(fd, &h, a, out);
    close(fd);
    return true;
}

/* ---- the present ---- */

static bool map_file(const char *path, size_t size, void **out, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), rc;

    if (fd < 0)
        return err_system(e, "cannot open %s", path);
    if (ftruncate(fd, 0) != 0) {
        close(fd);
        return err_system(e, "cannot empty %s", path);
    }
    rc = posix_fallocate(fd, 0, (off_t)size);
    *out = rc == 0 ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (rc != 0)
        errno = rc;
    if (*out == MAP_FAILED)
        err_system(e, "cannot map %s", path);
    close(fd);
    return *out != MAP_FAILED;
}

bool flight_open(
    const char *path, const char *node, size_t lanes, struct flight **out, struct err *e)
{
    struct flight *f;
    void *map = NULL;

    if (lanes > LANES_MAX)
        return err_set(e, ERR_LIMIT, "%zu lanes are more than %d", lanes, LANES_MAX);
    if (!map_file(path, size_for(lanes), &map, e))
        return false;
    f = calloc(1, sizeof *f);
    if (!f)
        err_out_of_memory();
    f->size = size_for(lanes);
    f->lanes = lanes;
    f->header = map;
    f->slots = (struct slot *)(f->header + 1);
    pthread_mutex_init(&f->lock, NULL);
    read_boot_id(f->header->boot);
    snprintf(f->header->node, sizeof f->header->node, "%s", node);
    f->header->lanes = (uint32_t)lanes;
    atomic_thread_fence(memory_order_release);
    memcpy(f->header->magic, MAGIC, sizeof MAGIC);
    *out = f;
    return true;
}

void flight_close(struct flight **f)
{
    if (!*f)
        return;
    munmap((*f)->header, (*f)->size);
    pthread_mutex_destroy(&(*f)->lock);
    free(*f);
    *f = NULL;
}

void flight_begin(struct flight *f, size_t slot, const char *id, int64_t fence)
{
    struct slot *s;

    if (slot >= f->lanes) {
        atomic_store(&f->header->spilled, 1);
        return;
    }
    s = &f->slots[slot];
    pthread_mutex_lock(&f->lock);
    if (atomic_load(&s->state) == SLOT_BEGUN)
        atomic_store(&f->header->spilled, 1);
    atomic_store(&s->state, SLOT_EMPTY);
    s->fence = fence;
    snprintf(s->id, sizeof s->id, "%s", id);
    atomic_store(&s->state, SLOT_BEGUN);
    pthread_mutex_unlock(&f->lock);
}

void flight_end(struct flight *f, size_t slot, const char *id, int64_t fence)
{
    struct slot *s;

    if (slot >= f->lanes)
        return;
    s = &f->slots[slot];
    pthread_mutex_lock(&f->lock);
    if (s->fence == fence && strncmp(s->id, id, sizeof s->id) == 0)
        atomic_store(&s->state, SLOT_EMPTY);
    pthread_mutex_unlock(&f->lock);
}
