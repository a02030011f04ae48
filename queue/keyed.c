#include "queue/keyed.h"

#include "base/buf.h"

bool keyed_tries_all(const struct keyring *k)
{
    size_t n = 0;

    for (unsigned v = keyring_latest(k, KEY_PEPPER); v > 0; v--)
        n += keyring_version(k, KEY_PEPPER, v) != NULL;
    return n <= KEYED_MAX;
}

void keyed_hash(const struct keyring *k, const char *kind, const char *storefront, struct str thing,
    struct keyed *out)
{
    struct str parts[] = {str_of(kind), str_of(storefront), thing};

    out->n = 0;
    for (unsigned v = keyring_latest(k, KEY_PEPPER); v > 0 && out->n < KEYED_MAX; v--) {
        const struct seal_key *pepper = keyring_version(k, KEY_PEPPER, v);

        if (!pepper)
            continue;
        out->pepper[out->n] = v;
        hash_hmac_parts(
            str_bytes(pepper->b, sizeof pepper->b), parts, COUNT_OF(parts), &out->hash[out->n++]);
    }
}

void keyed_person(
    const struct keyring *k, const char *storefront, struct str address, struct keyed *out)
{
    AUTO(buf_wipe) struct buf folded = {0};

    buf_add(&folded, address);
    for (size_t i = 0; i < folded.n; i++)
        if (folded.p[i] >= 'A' && folded.p[i] <= 'Z')
            folded.p[i] = (char)(folded.p[i] - 'A' + 'a');
    keyed_hash(k, "person", storefront, buf_str(&folded), out);
}
