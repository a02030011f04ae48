#include "mailer/http/quota.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8
#define SETS (QUOTA_KEYS / WAYS)
#define WINDOW_NS (QUOTA_WINDOW_S * INT64_C(1000000000))
#define SECOND_NS INT64_C(1000000000)

/* A bucket is told by the moment at which it will be full again: one in the past is full. */
struct bucket {
    char key[40];
    int64_t full_ns;
};

struct quota {
    pthread_mutex_t lock; /* guards buckets */
    struct bucket buckets[SETS][WAYS];
};

struct quota *quota_open(void)
{
    struct quota *q = calloc(1, sizeof *q);

    if (!q)
        err_out_of_memory();
    pthread_mutex_init(&q->lock, NULL);
    return q;
}

void quota_close(struct quota **q)
{
    if (!*q)
        return;
    pthread_mutex_destroy(&(*q)->lock);
    free(*q);
    *q = NULL;
}

/* FNV-1a: keys are our own IDs. */
static size_t set_of(const char *key)
{
    uint64_t h = 14695981039346656037u;

    for (const char *p = key; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    return (size_t)(h ^ h >> 32) % SETS;
}

/* The key's own, or the fullest of its set, emptied of what it remembers. */
static struct bucket *bucket_of(struct quota *q, const char *key)
{
    struct bucket *set = q->buckets[set_of(key)], *fullest = set;

    for (size_t i = 0; i < WAYS; i++) {
        if (strncmp(set[i].key, key, sizeof set[i].key - 1) == 0)
            return &set[i];
        if (set[i].full_ns < fullest->full_ns)
            fullest = &set[i];
    }
    *fullest = (struct bucket){0};
    snprintf(fullest->key, sizeof fullest->key, "%s", key);
    return fullest;
}

static int64_t seconds_up(int64_t ns)
{
    return (ns + SECOND_NS - 1) / SECOND_NS;
}

/* `behind`: how long the bucket takes to fill, before and after n. A clock that was set back by more than a window
 * leaves a full moment that lies too far ahead. */
static struct quota_level take(struct bucket *b, int64_t limit, int64_t n, int64_t now_ns)
{
    int64_t each_ns = WINDOW_NS / limit, whole_ns = each_ns * limit;
    int64_t behind_ns = b->full_ns > now_ns ? b->full_ns - now_ns : 0;
    int64_t wanted_ns = each_ns * (n < limit ? n : limit);
    struct quota_level level = {.granted = true};

    if (behind_ns > whole_ns)
        behind_ns = whole_ns;
    if (behind_ns + wanted_ns > whole_ns) {
        level.granted = false;
        level.retry_s = seconds_up(behind_ns + wanted_ns - whole_ns);
    } else {
        behind_ns += wanted_ns;
    }
    b->full_ns = now_ns + behind_ns;
    level.left = (whole_ns - behind_ns) / each_ns;
    level.full_s = seconds_up(behind_ns);
    return level;
}

struct quota_level quota_take(
    struct quota *q, const char *key, int64_t limit, int64_t n, int64_t now_ms)
{
    struct quota_level level;

    pthread_mutex_lock(&q->lock);
    level = take(bucket_of(q, key), limit, n, now_ms * 1000000);
    pthread_mutex_unlock(&q->lock);
    return level;
}
