/* cache -- compiled mails of one snapshot: by name (shop, template, locale) and by what they are
 * (bundle hash).
 *
 * A mail once in the cache stays until the cache closes, because callers hold it as long as their
 * snapshot; so it is bounded by refusing, not by forgetting: what one generation can name is
 * finite, and the pinned past is limited to CACHE_MAX different mails. The caller builds outside of
 * the lock; of two that build the same, one is kept. Any thread. */
#ifndef MAILER_INTAKE_CACHE_H
#define MAILER_INTAKE_CACHE_H

#include "base/hash.h"
#include "templates/mails.h"

#define CACHE_MAX 4096

struct cache;

struct cache_name {
    const char *storefront, *template_name, *locale;
};

struct cache *cache_open(void);
void cache_close(struct cache **c);

/* False: not there yet. */
bool cache_find_name(
    struct cache *c, const struct cache_name *name, struct digest *bundle, const struct mail **out);
bool cache_find_bundle(
    struct cache *c, const char *storefront, const struct digest *bundle, const struct mail **out);

/* Takes *mail over (it becomes NULL) and gives the one that stays. name may be NULL.
 * Errors: ERR_LIMIT when CACHE_MAX mails are there already. */
bool cache_add(struct cache *c, const char *storefront, const struct cache_name *name,
    const struct digest *bundle, struct mail **mail, const struct mail **out, struct err *e);

#endif
