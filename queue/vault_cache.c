#include "queue/vault_cache.h"

static struct vault_cached *set_of(struct vault_cache *c, const struct digest *tag)
{
    return c->at[(tag->b[0] | (size_t)tag->b[1] << 8) % VAULT_CACHE_SETS];
}

bool vault_cache_has(struct vault_cache *c, const struct digest *tag)
{
    const struct vault_cached *set = set_of(c, tag);

    for (size_t i = 0; i < VAULT_CACHE_WAYS; i++)
        if (set[i].used && digest_equal(&set[i].tag, tag))
            return true;
    return false;
}

bool vault_cache_get(
    struct vault_cache *c, const struct digest *tag, int64_t erased_n, struct vault_key *out)
{
    struct vault_cached *set = set_of(c, tag);

    for (size_t i = 0; i < VAULT_CACHE_WAYS; i++)
        if (set[i].used && set[i].erased_n == erased_n && digest_equal(&set[i].tag, tag)) {
            set[i].used = ++c->clock;
            *out = set[i].key;
            return true;
        }
    return false;
}

void vault_cache_put(
    struct vault_cache *c, const struct digest *tag, int64_t erased_n, const struct vault_key *key)
{
    struct vault_cached *set = set_of(c, tag), *place = set;

    for (size_t i = 0; i < VAULT_CACHE_WAYS; i++) {
        if (set[i].used && digest_equal(&set[i].tag, tag)) {
            place = &set[i];
            break;
        }
        if (set[i].used < place->used)
            place = &set[i];
    }
    *place = (struct vault_cached){*tag, *key, erased_n, ++c->clock};
}

void vault_cache_wipe(struct vault_cache *c)
{
    for (size_t s = 0; s < VAULT_CACHE_SETS; s++)
        for (size_t i = 0; i < VAULT_CACHE_WAYS; i++)
            vault_key_wipe(&c->at[s][i].key);
    *c = (struct vault_cache){0};
}
