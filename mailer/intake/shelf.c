#include "mailer/intake/shelf.h"

#include <pthread.h>
#include <stdlib.h>

#define BUCKETS 1024

struct pinned { /* a mail by what it is */
    struct pinned *next;
    char *storefront;
    struct digest bundle;
    struct mail *mail;
};

struct named { /* a mail by what it is called in this generation */
    struct named *next;
    char *storefront, *template_name, *locale;
    const struct pinned *pinned;
};

struct shelf {
    pthread_mutex_t lock; /* guards all below; a struct mail itself is immutable */
    struct pinned *by_bundle[BUCKETS];
    struct named *by_name[BUCKETS];
    size_t n;
};

static char *copy(const char *text)
{
    char *out = strdup(text);

    if (!out)
        err_out_of_memory();
    return out;
}

static void *allocate(size_t size)
{
    void *out = calloc(1, size);

    if (!out)
        err_out_of_memory();
    return out;
}

/* FNV-1a; the separator keeps ("ab","c") and ("a","bc") apart. */
static size_t name_bucket(const struct shelf_name *name)
{
    const char *const texts[] = {name->storefront, name->template_name, name->locale};
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        for (const char *p = texts[i]; *p; p++)
            hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
        hash = (hash ^ 0xff) * 0x100000001b3u;
    }
    return (size_t)(hash % BUCKETS);
}

static size_t bundle_bucket(const struct digest *bundle)
{
    return (size_t)(bundle->b[0] | bundle->b[1] << 8) % BUCKETS;
}

struct shelf *shelf_open(void)
{
    struct shelf *c = allocate(sizeof *c);

    pthread_mutex_init(&c->lock, NULL);
    return c;
}

static void close_named(struct named *one)
{
    while (one) {
        struct named *next = one->next;
        free(one->storefront);
        free(one->template_name);
        free(one->locale);
        free(one);
        one = next;
    }
}

static void close_pinned(struct pinned *one)
{
    while (one) {
        struct pinned *next = one->next;
        mail_close(&one->mail);
        free(one->storefront);
        free(one);
        one = next;
    }
}

void shelf_close(struct shelf **c)
{
    if (!*c)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        close_named((*c)->by_name[i]);
        close_pinned((*c)->by_bundle[i]);
    }
    pthread_mutex_destroy(&(*c)->lock);
    free(*c);
    *c = NULL;
}

static const struct named *find_name(const struct shelf *c, const struct shelf_name *name)
{
    const struct named *one = c->by_name[name_bucket(name)];

    while (one && (strcmp(one->storefront, name->storefront) != 0 ||
                      strcmp(one->template_name, name->template_name) != 0 ||
                      strcmp(one->locale, name->locale) != 0))
        one = one->next;
    return one;
}

static const struct pinned *find_bundle(
    const struct shelf *c, const char *storefront, const struct digest *bundle)
{
    const struct pinned *one = c->by_bundle[bundle_bucket(bundle)];

    while (one && (!digest_equal(&one->bundle, bundle) || strcmp(one->storefront, storefront) != 0))
        one = one->next;
    return one;
}

bool shelf_find_name(
    struct shelf *c, const struct shelf_name *name, struct digest *bundle, const struct mail **out)
{
    pthread_mutex_lock(&c->lock);
    const struct named *one = find_name(c, name);
    pthread_mutex_unlock(&c->lock);
    if (!one)
        return false;
    *bundle = one->pinned->bundle;
    *out = one->pinned->mail;
    return true;
}

bool shelf_find_bundle(
    struct shelf *c, const char *storefront, const struct digest *bundle, const struct mail **out)
{
    pthread_mutex_lock(&c->lock);
    const struct pinned *one = find_bundle(c, storefront, bundle);
    pthread_mutex_unlock(&c->lock);
    if (!one)
        return false;
    *out = one->mail;
    return true;
}

static const struct pinned *pin(
    struct shelf *c, const char *storefront, const struct digest *bundle, struct mail **mail)
{
    struct pinned *one = allocate(sizeof *one);
    size_t bucket = bundle_bucket(bundle);

    one->storefront = copy(storefront);
    one->bundle = *bundle;
    one->mail = *mail;
    *mail = NULL;
    one->next = c->by_bundle[bucket];
    c->by_bundle[bucket] = one;
    c->n++;
    return one;
}

static void name_it(struct shelf *c, const struct shelf_name *name, const struct pinned *pinned)
{
    struct named *one = allocate(sizeof *one);
    size_t bucket = name_bucket(name);

    one->storefront = copy(name->storefront);
    one->template_name = copy(name->template_name);
    one->locale = copy(name->locale);
    one->pinned = pinned;
    one->next = c->by_name[bucket];
    c->by_name[bucket] = one;
}

bool shelf_add(struct shelf *c, const char *storefront, const struct shelf_name *name,
    const struct digest *bundle, struct mail **mail, const struct mail **out, struct err *e)
{
    pthread_mutex_lock(&c->lock);
    const struct pinned *one = find_bundle(c, storefront, bundle);
    if (!one && c->n < SHELF_MAX)
        one = pin(c, storefront, bundle, mail);
    if (one && name && !find_name(c, name))
        name_it(c, name, one);
    pthread_mutex_unlock(&c->lock);
    mail_close(mail);
    if (!one)
        return err_set(e, ERR_LIMIT,
            "messages refer to more than %d different mails; a reload of the settings makes room",
            SHELF_MAX);
    *out = one->mail;
    return true;
}
