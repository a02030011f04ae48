/* vault_cache -- unwrapped keys in bounded memory: 4-way sets, the least recently used of a set goes.
 * An entry is found at the count of erasures alone at which it was put: it holds until somebody erases.
 * The owner locks. */
#ifndef QUEUE_VAULT_CACHE_H
#define QUEUE_VAULT_CACHE_H

#include "queue/vault.h"

#define VAULT_CACHE_SETS 4096 /* 1.7 MB; an entry by a person's hash, or by the id of a key */
#define VAULT_CACHE_WAYS 4

struct vault_cache {
    struct vault_cached {
        struct digest tag;
        struct vault_key key;
        int64_t erased_n;
        uint64_t used; /* 0 = empty */
    } at[VAULT_CACHE_SETS][VAULT_CACHE_WAYS];
    uint64_t clock;
};

bool vault_cache_has(struct vault_cache *c, const struct digest *tag); /* at whatever count */
bool vault_cache_get(
    struct vault_cache *c, const struct digest *tag, int64_t erased_n, struct vault_key *out);
void vault_cache_put(
    struct vault_cache *c, const struct digest *tag, int64_t erased_n, const struct vault_key *key);
void vault_cache_wipe(struct vault_cache *c);

#endif
