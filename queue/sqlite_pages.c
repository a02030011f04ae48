#include "queue/sqlite_pages.h"

#include "base/err.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>

struct pages {
    const sqlite3_pcache_methods2 *below;
    sqlite3_pcache *real;
    unsigned last;   /* no page but the parked one has a larger number */
    unsigned parked; /* 0 = none */
};

/* SQLite's, as they were when ours took their place; constant from then on. */
static sqlite3_pcache_methods2 library;

static struct pages *pages_of(sqlite3_pcache *c)
{
    return (struct pages *)(void *)c;
}

static sqlite3_pcache *create(int page_bytes, int extra_bytes, int purgeable)
{
    struct pages *p = calloc(1, sizeof *p);

    if (!p)
        err_out_of_memory();
    p->below = &library;
    p->real = p->below->xCreate(page_bytes, extra_bytes, purgeable);
    if (p->real)
        return (sqlite3_pcache *)(void *)p;
    free(p);
    return NULL;
}

static void destroy(sqlite3_pcache *c)
{
    struct pages *p = pages_of(c);

    p->below->xDestroy(p->real);
    free(p);
}

static sqlite3_pcache_page *fetch(sqlite3_pcache *c, unsigned number, int create_it)
{
    struct pages *p = pages_of(c);

    if (number > p->last && create_it)
        p->last = number;
    return p->below->xFetch(p->real, number, create_it);
}

static void rekey(sqlite3_pcache *c, sqlite3_pcache_page *page, unsigned from, unsigned to)
{
    struct pages *p = pages_of(c);

    if (p->parked == from)
        p->parked = 0;
    if (to > p->last && p->parked == 0)
        p->parked = to;
    else if (to > p->last)
        p->last = to;
    p->below->xRekey(p->real, page, from, to);
}

static void truncate_at(sqlite3_pcache *c, unsigned number)
{
    struct pages *p = pages_of(c);

    if (number > p->last && p->parked == 0)
        return;
    if (number <= p->last)
        p->last = number > 0 ? number - 1 : 0;
    if (number <= p->parked)
        p->parked = 0;
    p->below->xTruncate(p->real, number);
}

/* ---- what only goes through ---- */

static void resize(sqlite3_pcache *c, int n)
{
    pages_of(c)->below->xCachesize(pages_of(c)->real, n);
}

static int count(sqlite3_pcache *c)
{
    return pages_of(c)->below->xPagecount(pages_of(c)->real);
}

static void unpin(sqlite3_pcache *c, sqlite3_pcache_page *page, int discard)
{
    pages_of(c)->below->xUnpin(pages_of(c)->real, page, discard);
}

static void shrink(sqlite3_pcache *c)
{
    pages_of(c)->below->xShrink(pages_of(c)->real);
}

void sqlite_pages_register(void)
{
    sqlite3_pcache_methods2 ours;

    if (sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &library) != SQLITE_OK)
        return;
    ours = library;
    ours.xCreate = create;
    ours.xDestroy = destroy;
    ours.xFetch = fetch;
    ours.xRekey = rekey;
    ours.xTruncate = truncate_at;
    ours.xCachesize = resize;
    ours.xPagecount = count;
    ours.xUnpin = unpin;
    ours.xShrink = shrink;
    sqlite3_config(SQLITE_CONFIG_PCACHE2, &ours);
}
