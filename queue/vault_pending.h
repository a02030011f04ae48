/* vault_pending -- keys that were made and are not on disk yet, found by person, walked in the order of making.
 * Owns its entries; clearing wipes them. The owner locks. */
#ifndef QUEUE_VAULT_PENDING_H
#define QUEUE_VAULT_PENDING_H

#include "queue/vault.h"

#define VAULT_PENDING_BUCKETS 256

struct vault_new {
    struct vault_key key;
    struct digest person;
    unsigned pepper;
    struct vault_new *next, *next_in_bucket;
    char storefront[];
};

struct vault_pending {
    struct vault_new *first, **last; /* last: where the next one goes; NULL while empty */
    struct vault_new *buckets[VAULT_PENDING_BUCKETS];
};

const struct vault_new *vault_pending_find(
    const struct vault_pending *set, const struct keyed *who);
void vault_pending_add(struct vault_pending *set, const char *storefront, const struct keyed *who,
    const struct vault_key *key);
void vault_pending_move(
    struct vault_pending *from, struct vault_pending *to); /* behind those of `to` */
void vault_pending_clear(struct vault_pending *set);

#endif
