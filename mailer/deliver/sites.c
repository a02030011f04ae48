#include "mailer/deliver/sites.h"

#include "base/err.h"

#include <stdlib.h>

struct sites {
    size_t buckets_n, busy, silent; /* buckets_n: a power of two */
    struct site **buckets, *all, *free;
};

/* FNV-1a: destinations are what customers' addresses say, and a bucket that many share costs a walk of at most as
 * many lanes. */
uint64_t place_hash(const struct place *p)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (const char *c = p->storefront; *c; c++)
        h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
    for (const char *c = p->destination; *c; c++)
        h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
    return h ^ (h >> 32);
}

bool place_equal(const struct place *a, const struct place *b)
{
    return strcmp(a->destination, b->destination) == 0 && strcmp(a->storefront, b->storefront) == 0;
}

struct sites *sites_open(size_t lanes)
{
    struct sites *s = calloc(1, sizeof *s);

    if (!s)
        err_out_of_memory();
    for (s->buckets_n = 16; s->buckets_n < lanes * 2;)
        s->buckets_n *= 2;
    s->buckets = calloc(s->buckets_n, sizeof *s->buckets);
    s->all = calloc(lanes, sizeof *s->all);
    if (!s->buckets || !s->all)
        err_out_of_memory();
    for (size_t i = 0; i < lanes; i++) {
        s->all[i].next = s->free;
        s->free = &s->all[i];
    }
    return s;
}

void sites_close(struct sites **s)
{
    if (!*s)
        return;
    free((*s)->buckets);
    free((*s)->all);
    free(*s);
    *s = NULL;
}

/* Where the site of p hangs, or would. */
static struct site **link_of(const struct sites *s, const struct place *p)
{
    struct site **link = &s->buckets[place_hash(p) & (s->buckets_n - 1)];

    while (*link && !place_equal(&(*link)->place, p))
        link = &(*link)->next;
    return link;
}

const struct site *sites_find(const struct sites *s, const struct place *p)
{
    return *link_of(s, p);
}

void stay_begin(struct sites *s, struct stay *at, const struct place *p)
{
    struct site **link = link_of(s, p);

    if (!*link) {
        *link = s->free; /* there is one for each lane */
        s->free = s->free->next;
        **link = (struct site){.place = *p};
    }
    *at = (struct stay){.site = *link, .unclaimed = true, .silent = true};
    at->site->here++;
    at->site->unclaimed++;
    at->site->silent++;
    s->busy++;
    s->silent++;
}

void stay_claimed(struct stay *at)
{
    if (at->site && at->unclaimed)
        at->site->unclaimed--;
    at->unclaimed = false;
}

bool stay_answered(struct sites *s, struct stay *at)
{
    if (!at->site || !at->silent)
        return false;
    at->silent = false;
    at->site->silent--;
    s->silent--;
    return true;
}

void stay_end(struct sites *s, struct stay *at)
{
    struct site *site = at->site;

    if (!site)
        return;
    stay_claimed(at);
    stay_answered(s, at);
    at->site = NULL;
    s->busy--;
    if (--site->here == 0) {
        *link_of(s, &site->place) = site->next;
        site->next = s->free;
        s->free = site;
    }
}

size_t sites_busy(const struct sites *s)
{
    return s->busy;
}

size_t sites_silent(const struct sites *s)
{
    return s->silent;
}
