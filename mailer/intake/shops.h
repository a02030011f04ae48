/* shops -- storefronts made ready for work from the settings: addresses, keys, brand, mails.
 * Every fault is added, with a pointer like "/storefront/acme/dkim/s1/key_file"; false is our own
 * failure.
 * Ownership: what a shop points to lies in the arena, except keys and mails: shop_room_clear frees
 * those. One thread. */
#ifndef MAILER_INTAKE_SHOPS_H
#define MAILER_INTAKE_SHOPS_H

#include "mailer/intake/snapshot.h"

struct shop_room {
    struct shop shop;
    struct dkim_key **keys;
    const struct conf_dkim **sections;
    struct mails *own_mails; /* NULL: the shipped ones alone */
};

/* q may be NULL: then the logo is checked but not stored. */
bool shop_room_fill(struct shop_room *room, const struct conf *c, const struct conf_storefront *s,
    struct queue *q, struct arena *a, struct faults *faults, struct err *e);
void shop_room_clear(struct shop_room *room);

/* Which keys a snapshot of these settings would sign with now, as rotations stand on disk: a line
 * "selector._domainkey.domain" each. What differs from before asks for a new snapshot. */
void shops_signers(const struct conf *c, struct buf *out);

#endif
