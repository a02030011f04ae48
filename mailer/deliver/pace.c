#include "mailer/deliver/pace.h"

#include "base/err.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct ip address;
    int port;
    enum pace pace;
    int64_t until_ns; /* 0 = empty */
};

struct pace_memory {
    pthread_mutex_t lock; /* guards the entries */
    struct entry entries[PACE_SERVERS];
};

struct pace_memory *pace_open(void)
{
    struct pace_memory *m = calloc(1, sizeof *m);

    if (!m)
        err_out_of_memory();
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

void pace_close(struct pace_memory **m)
{
    if (!*m)
        return;
    pthread_mutex_destroy(&(*m)->lock);
    free(*m);
    *m = NULL;
}

static size_t size_of(const struct ip *address)
{
    return address->family == 6 ? 16 : 4;
}

/* FNV-1a. Who makes two servers fall on one place makes us slower with one of them, nothing worse. */
static size_t place_of(const struct ip *address, int port)
{
    uint32_t h = UINT32_C(2166136261);

    for (size_t i = 0; i < size_of(address); i++)
        h = (h ^ address->b[i]) * UINT32_C(16777619);
    h = (h ^ (uint32_t)port) * UINT32_C(16777619);
    return (h ^ h >> 16) % PACE_SERVERS;
}

static bool is_of(const struct entry *e, const struct ip *address, int port, int64_t now_ns)
{
    return now_ns < e->until_ns && e->port == port && e->address.family == address->family &&
           memcmp(e->address.b, address->b, size_of(address)) == 0;
}

enum pace pace_of(struct pace_memory *m, const struct ip *address, int port, int64_t now_ns)
{
    const struct entry *e = &m->entries[place_of(address, port)];

    pthread_mutex_lock(&m->lock);
    enum pace p = is_of(e, address, port, now_ns) ? e->pace : PACE_GROUP;
    pthread_mutex_unlock(&m->lock);
    return p;
}

bool pace_slow(
    struct pace_memory *m, const struct ip *address, int port, enum pace most, int64_t now_ns)
{
    struct entry *e = &m->entries[place_of(address, port)];

    pthread_mutex_lock(&m->lock);
    enum pace before = is_of(e, address, port, now_ns) ? e->pace : PACE_GROUP;
    if (before >= most)
        *e = (struct entry){*address, port, most, now_ns + PACE_MEMORY_NS};
    pthread_mutex_unlock(&m->lock);
    return before > most;
}
