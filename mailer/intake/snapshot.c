#include "mailer/intake/snapshot.h"

#include "mailer/intake/shelf.h"
#include "mailer/intake/shops.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct snapshot {
    atomic_size_t references;
    const struct conf *conf;
    struct queue *queue; /* NULL: nothing is stored */
    struct arena *arena;
    struct mails *mails;
    struct shop_room *rooms; /* conf->storefronts_n */
    struct shelf *cache;
    struct gauge *alive; /* counts this one, or NULL */
};

static void close_whole(struct snapshot *s)
{
    if (s->alive)
        gauge_add(s->alive, -1);
    shelf_close(&s->cache);
    for (size_t i = 0; s->rooms && i < s->conf->storefronts_n; i++)
        shop_room_clear(&s->rooms[i]);
    mails_close(&s->mails);
    conf_close(&s->conf);
    arena_close(&s->arena);
    free(s);
}

static bool load(struct snapshot *s, struct faults *faults, struct err *e)
{
    const struct conf *c = s->conf;
    struct err wrong;

    if (!mails_open(&c->templates_dir, 1, &s->mails, &wrong))
        faults_add(faults, "invalid-templates", STR("/templates_dir"), "%s", wrong.text);
    s->rooms = arena_array(s->arena, c->storefronts_n + 1, sizeof *s->rooms);
    for (size_t i = 0; i < c->storefronts_n; i++)
        if (!shop_room_fill(&s->rooms[i], c, &c->storefronts[i], s->queue, s->arena, faults, e))
            return false;
    return true;
}

bool snapshot_open(const struct conf *c, struct queue *q, struct faults *faults,
    struct snapshot **out, struct err *e)
{
    AUTO(snapshot_close) struct snapshot *s = calloc(1, sizeof *s);
    size_t before = faults->n;

    if (!s)
        err_out_of_memory();
    atomic_init(&s->references, 1);
    s->conf = conf_ref(c);
    s->queue = q;
    s->arena = arena_open();
    s->cache = shelf_open();
    if (!load(s, faults, e))
        return false;
    if (faults->n > before && before == 0)
        return err_set(e, ERR_INPUT, "%s: %s", faults->first->pointer + 1, faults->first->detail);
    if (faults->n > before)
        return err_set(e, ERR_INPUT, "the settings have %zu faults", faults->n);
    *out = s;
    s = NULL;
    return true;
}

void snapshot_count(struct snapshot *s, struct gauge *alive)
{
    s->alive = alive;
    gauge_add(alive, 1);
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
    return s;
}

void snapshot_close(struct snapshot **s)
{
    if (*s && atomic_fetch_sub_explicit(&(*s)->references, 1, memory_order_acq_rel) == 1)
        close_whole(*s);
    *s = NULL;
}

const struct conf *snapshot_conf(const struct snapshot *s)
{
    return s->conf;
}

static const struct shop_room *find_room(const struct snapshot *s, const char *storefront)
{
    for (size_t i = 0; i < s->conf->storefronts_n; i++)
        if (strcmp(s->conf->storefronts[i].name, storefront) == 0)
            return &s->rooms[i];
    return NULL;
}

const struct shop *snapshot_shop(const struct snapshot *s, const char *storefront)
{
    const struct shop_room *room = find_room(s, storefront);

    return room ? &room->shop : NULL;
}

const struct mails *snapshot_shop_mails(const struct snapshot *s, const struct shop *shop)
{
    const struct shop_room *room = find_room(s, shop->conf->name);

    return room && room->own_mails ? room->own_mails : s->mails;
}

/* ---- mails ----------------------------------------------------------------------------------- */

static bool keep_bundle(struct snapshot *s, const char *storefront, struct str bytes,
    struct digest *bundle, struct err *e)
{
    if (s->queue)
        return queue_content_put(s->queue, storefront, bytes, bundle, e);
    hash_sha256(bytes, bundle);
    return true;
}

bool snapshot_bundle(struct snapshot *s, const struct shop *shop, const char *template_name,
    const char *locale, struct digest *bundle, const struct mail **mail, struct err *e)
{
    const struct mails *mails = snapshot_shop_mails(s, shop);
    const char *storefront = shop->conf->name;
    struct shelf_name name = {storefront, template_name, locale};
    AUTO(mail_close) struct mail *fresh = NULL;
    AUTO(buf_close) struct buf bytes = {0};

    if (shelf_find_name(s->cache, &name, bundle, mail))
        return true;
    /* Only locales that exist get into the cache, whatever the caller was told to send. */
    name.locale = mails_locale(mails, str_of(locale), str_of(shop->conf->locale));
    if (shelf_find_name(s->cache, &name, bundle, mail))
        return true;
    if (!mails_bundle(mails, template_name, name.locale, &shop->brand, &bytes, e) ||
        !keep_bundle(s, storefront, buf_str(&bytes), bundle, e) ||
        !mail_compile(buf_str(&bytes), &fresh, e))
        return err_prefix(e, "mail %s in %s for %s", template_name, name.locale, storefront);
    return shelf_add(s->cache, storefront, &name, bundle, &fresh, mail, e);
}

bool snapshot_mail(struct snapshot *s, const char *storefront, const struct digest *bundle,
    const struct mail **mail, struct err *e)
{
    AUTO(mail_close) struct mail *fresh = NULL;

    if (shelf_find_bundle(s->cache, storefront, bundle, mail))
        return true;
    if (!s->queue)
        return err_set(e, ERR_MISSING, "no queue holds the mails of earlier settings");
    AUTO(arena_close) struct arena *a = arena_open();
    struct str bytes;
    if (!queue_content_get(s->queue, storefront, bundle, a, &bytes, e) ||
        !mail_compile(bytes, &fresh, e))
        return err_prefix(e, "pinned mail of %s", storefront);
    return shelf_add(s->cache, storefront, NULL, bundle, &fresh, mail, e);
}

/* ---- the current one ------------------------------------------------------------------------- */

struct snapshot_holder {
    pthread_mutex_t lock; /* guards current */
    struct snapshot *current;
};

struct snapshot_holder *snapshot_holder_open(struct snapshot *first)
{
    struct snapshot_holder *h = calloc(1, sizeof *h);

    if (!h)
        err_out_of_memory();
    pthread_mutex_init(&h->lock, NULL);
    h->current = first;
    return h;
}

void snapshot_holder_close(struct snapshot_holder **h)
{
    if (!*h)
        return;
    snapshot_close(&(*h)->current);
    pthread_mutex_destroy(&(*h)->lock);
    free(*h);
    *h = NULL;
}

struct snapshot *snapshot_current(struct snapshot_holder *h)
{
    pthread_mutex_lock(&h->lock);
    struct snapshot *s = snapshot_ref(h->current);
    pthread_mutex_unlock(&h->lock);
    return s;
}

void snapshot_swap(struct snapshot_holder *h, struct snapshot *next)
{
    pthread_mutex_lock(&h->lock);
    struct snapshot *old = h->current;
    h->current = next;
    pthread_mutex_unlock(&h->lock);
    snapshot_close(&old); /* outside of the lock: the last reference frees a whole generation */
}
