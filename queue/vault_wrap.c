#include "queue/vault_wrap.h"

struct str vault_id(const struct vault_key *k)
{
    return str_bytes(k->id, VAULT_ID);
}

void vault_id_tag(const char *storefront, struct str id, struct digest *out)
{
    struct str parts[] = {STR("key"), str_of(storefront), id};

    hash_sha256_parts(parts, COUNT_OF(parts), out);
}

void vault_wrap(
    const struct keyring *keys, const struct vault_new *p, unsigned *master, struct buf *out)
{
    struct digest tag;

    vault_id_tag(p->storefront, vault_id(&p->key), &tag);
    seal_add(keyring_current(keys, KEY_MASTER, master), digest_str(&tag),
        str_bytes(p->key.key.b, sizeof p->key.key.b), out);
}

bool vault_unwrap(const struct keyring *keys, const char *storefront, unsigned master,
    struct str wrapped, struct vault_key *k, struct err *e)
{
    const struct seal_key *with = keyring_version(keys, KEY_MASTER, master);
    AUTO(buf_wipe) struct buf plain = {0};
    struct digest tag;

    if (!with)
        return err_set(e, ERR_CORRUPT,
            "keys.db needs version %u of the master key, which the keyring lacks", master);
    vault_id_tag(storefront, vault_id(k), &tag);
    if (!seal_open(with, digest_str(&tag), wrapped, &plain, e) || plain.n != sizeof k->key.b)
        return err_set(e, ERR_CORRUPT,
            "a key in keys.db does not open with version %u of the master key", master);
    memcpy(k->key.b, plain.p, sizeof k->key.b);
    return true;
}
