/* shelf -- compiled mails of one snapshot: by name (shop, template, locale) and by what they are
 * (bundle hash).
 *
 * A mail once on the shelf stays until the shelf closes, because callers hold it as long as their
 * snapshot; so it is bounded by refusing, not by forgetting: what one generation can name is
 * finite, and the pinned past is limited to SHELF_MAX different mails. The caller builds outside of
 * the lock; of two that build the same, one is kept. Any thread. */
#ifndef MAILER_INTAKE_SHELF_H
#define MAILER_INTAKE_SHELF_H

#include "base/hash.h"
#include "templates/mails.h"

#define SHELF_MAX 4096

struct shelf;

struct shelf_name {
    const char *storefront, *template_name, *locale;
};

struct shelf *shelf_open(void);
void shelf_close(struct shelf **c);

/* False: not there yet. */
bool shelf_find_name(
    struct shelf *c, const struct shelf_name *name, struct digest *bundle, const struct mail **out);
bool shelf_find_bundle(
    struct shelf *c, const char *storefront, const struct digest *bundle, const struct mail **out);

/* Takes *mail over (it becomes NULL) and gives the one that stays. name may be NULL.
 * Errors: ERR_LIMIT when SHELF_MAX mails are there already. */
bool shelf_add(struct shelf *c, const char *storefront, const struct shelf_name *name,
    const struct digest *bundle, struct mail **mail, const struct mail **out, struct err *e);

#endif
