#include "dns/zone.h"

#include "base/log.h"
#include "dns/name.h"
#include "dns/zone_read.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct zone {
    const char *path;
    pthread_mutex_t lock; /* guards all below; never held while a file is read */
    struct zone_content *content;
    struct zone_stamp seen; /* the version last read, whether it could be used or not */
    bool reading;           /* one thread is enough */
    struct err fault;       /* code ERR_NONE: the version last read is in use */
};

struct zones {
    struct arena *arena;
    struct zone *list;
    size_t n;
};

static void unlock(pthread_mutex_t **lock)
{
    pthread_mutex_unlock(*lock);
}

static pthread_mutex_t *lock_of(struct zone *z)
{
    pthread_mutex_lock(&z->lock);
    return &z->lock;
}

/* NULL: none. */
static const char *shared_apex(const struct zone_content *a, const struct zone_content *b)
{
    for (size_t i = 0; i < a->apexes_n; i++)
        for (size_t j = 0; j < b->apexes_n; j++)
            if (strcmp(a->apexes[i].name, b->apexes[j].name) == 0)
                return a->apexes[i].name;
    return NULL;
}

static bool open_one(struct zones *zs, const char *path, size_t drafts_n, struct err *e)
{
    struct zone *z = &zs->list[zs->n];
    z->path = arena_text(zs->arena, str_of(path));
    if (!zone_read(z->path, &z->content, &z->seen, e))
        return false;
    for (size_t i = zs->n < drafts_n ? 0 : drafts_n; i < zs->n; i++) {
        const char *both = shared_apex(zs->list[i].content, z->content);
        if (both) {
            err_set(e, ERR_INPUT, "%s and %s are both the zone %s", zs->list[i].path, path, both);
            zone_content_close(&z->content);
            return false;
        }
    }
    pthread_mutex_init(&z->lock, NULL);
    zs->n++;
    return true;
}

bool zones_open(
    const char *const *paths, size_t n, size_t drafts_n, struct zones **out, struct err *e)
{
    struct arena *arena = arena_open();
    struct zones *zs = ARENA_NEW(arena, struct zones);
    zs->arena = arena;
    zs->list = arena_array(arena, n, sizeof *zs->list);
    for (size_t i = 0; i < n; i++)
        if (!open_one(zs, paths[i], drafts_n, e)) {
            zones_close(&zs);
            return false;
        }
    *out = zs;
    return true;
}

void zones_close(struct zones **owner)
{
    struct zones *zs = *owner;
    if (!zs)
        return;
    for (size_t i = 0; i < zs->n; i++) {
        pthread_mutex_destroy(&zs->list[i].lock);
        zone_content_close(&zs->list[i].content);
    }
    struct arena *arena = zs->arena;
    *owner = NULL;
    arena_close(&arena);
}

/* Whether this thread has to read the file: it changed, and nobody else is at it. */
static bool begin_reading(struct zone *z)
{
    struct stat st;
    bool there = stat(z->path, &st) == 0;
    struct zone_stamp now = there ? zone_stamp_of(&st) : (struct zone_stamp){0};

    AUTO(unlock) pthread_mutex_t *held = lock_of(z);
    if (z->reading || zone_stamp_equal(&now, &z->seen))
        return false;
    z->reading = true;
    return true;
}

static void refresh(struct zone *z)
{
    if (!begin_reading(z))
        return;
    struct zone_content *fresh = NULL;
    struct zone_stamp stamp;
    struct err e = {0};
    if (!zone_read(z->path, &fresh, &stamp, &e))
        log_debug("zone-kept-older-version", KV("path", z->path), KV("fault", e.text));

    AUTO(zone_content_close) struct zone_content *dropped = fresh;
    AUTO(unlock) pthread_mutex_t *held = lock_of(z);
    z->reading = false;
    z->seen = stamp;
    z->fault = e;
    if (fresh) {
        dropped = z->content;
        z->content = fresh;
    }
}

static struct zone_content *use(struct zone *z)
{
    refresh(z);
    AUTO(unlock) pthread_mutex_t *held = lock_of(z);
    atomic_fetch_add(&z->content->users, 1);
    return z->content;
}

/* The first record that is not before `name` in the order of names. */
static size_t first_at(const struct zone_content *c, const char *name)
{
    size_t low = 0, high = c->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone_name_order(c->rrs[middle].owner, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool owns(const struct zone_content *c, size_t i, const char *name)
{
    return i < c->n && strcmp(c->rrs[i].owner, name) == 0;
}

/* With records of its own, or an empty non-terminal. */
static bool exists(const struct zone_content *c, const char *name)
{
    size_t i = first_at(c, name);
    return i < c->n && name_is_at_or_below(c->rrs[i].owner, name);
}

static bool has_type(const struct zone_content *c, const char *name, uint16_t type)
{
    for (size_t i = first_at(c, name); owns(c, i, name); i++)
        if (c->rrs[i].type == type)
            return true;
    return false;
}

/* Below the apex, on the way to `name` or at it. */
static bool is_delegated(
    const struct zone_content *c, const char *apex, const char *name, uint16_t type)
{
    for (const char *at = name; strcmp(at, apex) != 0; at = name_parent(at))
        if (has_type(c, at, LDNS_RR_TYPE_NS))
            return at != name || type != LDNS_RR_TYPE_NS;
    return false;
}

/* RFC 4592 s3.3.1: the wildcard at the closest encloser, and no other, speaks for a name that does
 * not exist. NULL when there is none. */
static const char *wildcard_for(const struct zone_content *c, const char *name, struct arena *a)
{
    const char *encloser = name_parent(name);
    while (!exists(c, encloser))
        encloser = name_parent(encloser);
    const char *wildcard = encloser[0] ? arena_printf(a, "*.%s", encloser) : "*";
    return exists(c, wildcard) ? wildcard : NULL;
}

/* What the records of `node` say; it exists. */
static void answer_from(const struct zone_content *c, const struct zone_apex *apex,
    const char *node, uint16_t type, struct arena *a, struct dns_step *out)
{
    size_t first = first_at(c, node), n = 0;
    uint32_t ttl = UINT32_MAX;
    while (owns(c, first + n, node))
        n++;
    struct dns_record *records = arena_array(a, n, sizeof *records);
    out->records = records;
    for (const struct rr *rr = &c->rrs[first]; rr < &c->rrs[first + n]; rr++) {
        if (rr->type == LDNS_RR_TYPE_CNAME && type != LDNS_RR_TYPE_CNAME) {
            step_lead_to(out, arena_text(a, rr->record.data), rr->ttl_s);
            return;
        }
        if (rr->type != type)
            continue;
        ttl = rr->ttl_s < ttl ? rr->ttl_s : ttl;
        records[out->n] = rr->record;
        records[out->n++].data = arena_str(a, rr->record.data);
    }
    bool too_many = out->n > DNS_MAX_RECORDS;
    out->status = too_many ? DNS_BAD : out->n > 0 ? DNS_FOUND : DNS_NODATA;
    out->ttl_s = out->n > 0 ? ttl : apex->negative_ttl_s;
}

/* RFC 6672 s3.2: the DNAME of the highest name above `name`, within the zone; NULL: none. */
static const struct rr *dname_above(
    const struct zone_content *c, const char *apex, const char *name)
{
    const struct rr *found = NULL;
    for (const char *at = name; strcmp(at, apex) != 0;) {
        at = name_parent(at);
        for (size_t i = first_at(c, at); owns(c, i, at); i++)
            if (c->rrs[i].type == LDNS_RR_TYPE_DNAME)
                found = &c->rrs[i];
    }
    return found;
}

/* The alias that a DNAME makes of a name below it; one that grows too long is no name (YXDOMAIN). */
static void answer_from_dname(
    const struct rr *dname, const char *name, struct arena *a, struct dns_step *out)
{
    int kept = (int)(strlen(name) - strlen(dname->owner));
    const char *alias =
        arena_printf(a, "%.*s" STR_FMT, kept - !dname->owner[0], name, STR_ARG(dname->record.data));
    out->ttl_s = dname->ttl_s;
    if (strlen(alias) < NAME_SIZE)
        out->alias = alias;
    else
        out->status = DNS_BAD;
}

static void answer(const struct zone_content *c, const struct zone_apex *apex, const char *name,
    uint16_t type, struct arena *a, struct dns_step *out)
{
    const struct rr *dname = dname_above(c, apex->name, name);
    if (dname) {
        answer_from_dname(dname, name, a, out);
        return;
    }
    const char *node = exists(c, name) ? name : wildcard_for(c, name, a);
    if (node)
        answer_from(c, apex, node, type, a, out);
    else
        *out =
            (struct dns_step){.status = DNS_NXDOMAIN, .alias = "", .ttl_s = apex->negative_ttl_s};
}

/* The file whose zone has the longest name, of equal ones the first, in use; NULL: none holds `name`. */
static struct zone_content *content_of(struct zones *zs, const char *name)
{
    struct zone_content *best = NULL;
    for (size_t i = 0; i < zs->n; i++) {
        AUTO(zone_content_close) struct zone_content *c = use(&zs->list[i]);
        const struct zone_apex *apex = zone_apex_of(c, name);
        if (!apex || (best && strlen(zone_apex_of(best, name)->name) >= strlen(apex->name)))
            continue;
        struct zone_content *worse = best;
        best = c;
        c = worse;
    }
    return best;
}

bool zones_step(
    struct zones *zs, const char *name, enum dns_type type, struct arena *a, struct dns_step *out)
{
    AUTO(zone_content_close) struct zone_content *c = content_of(zs, name);
    uint16_t number = rr_type_number(type);
    const struct zone_apex *apex = c ? zone_apex_of(c, name) : NULL;
    if (!c || is_delegated(c, apex->name, name, number))
        return false;
    *out = (struct dns_step){.status = DNS_FOUND, .alias = ""};
    answer(c, apex, name, number, a, out);
    return true;
}

bool zones_faults(struct zones *zs, struct buf *out)
{
    bool any = false;
    for (size_t i = 0; i < zs->n; i++) {
        AUTO(unlock) pthread_mutex_t *held = lock_of(&zs->list[i]);
        if (zs->list[i].fault.code == ERR_NONE)
            continue;
        any = true;
        buf_addf(out, "%s\n", zs->list[i].fault.text);
    }
    return any;
}
