/* vault_wrap -- a person's key as it stands in keys.db: wrapped with a version of the master key, and bound to its storefront
 * and id.
 * Errors: ERR_CORRUPT (also: a version that the keyring does not have). Any thread. */
#ifndef QUEUE_VAULT_WRAP_H
#define QUEUE_VAULT_WRAP_H

#include "queue/vault_pending.h"

struct str vault_id(const struct vault_key *k); /* borrowed from it */
/* What a wrapped key is bound to, and under which tag the cache finds it by id. */
void vault_id_tag(const char *storefront, struct str id, struct digest *out);

void vault_wrap(
    const struct keyring *keys, const struct vault_new *p, unsigned *master, struct buf *out);
/* Into the key whose id stands in k. */
bool vault_unwrap(const struct keyring *keys, const char *storefront, unsigned master,
    struct str wrapped, struct vault_key *k, struct err *e);

#endif
