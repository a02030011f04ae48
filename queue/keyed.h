/* keyed -- hashes of personal things under the installation's pepper: how persons, order references and
 * idempotency keys are found without being stored.
 *
 * A hash covers the kind of thing, the storefront and the thing, so that two storefronts cannot compare their
 * customers. Rows are written with the current pepper; a look-up tries each version that the keyring has.
 * Owns nothing, cannot fail, any thread. */
#ifndef QUEUE_KEYED_H
#define QUEUE_KEYED_H

#include "base/hash.h"
#include "base/keyring.h"

#define KEYED_MAX 8 /* pepper versions that are tried */

/* One thing under each pepper version, the current one first. n = 0: there is nothing to look for. */
struct keyed {
    unsigned pepper[KEYED_MAX];
    struct digest hash[KEYED_MAX];
    size_t n;
};

/* False: the keyring has more versions of the pepper than KEYED_MAX, and a look-up would miss the persons of the
 * oldest one, with their unsubscribes. */
bool keyed_tries_all(const struct keyring *k);

void keyed_hash(const struct keyring *k, const char *kind, const char *storefront, struct str thing,
    struct keyed *out);

/* Whoever unsubscribed as "Ada@" is not to be written to as "ada@": letters count alike, in the local part too. Dots and
 * what follows a plus stay, because for most receivers they tell people apart. */
void keyed_person(
    const struct keyring *k, const char *storefront, struct str address, struct keyed *out);

#endif
