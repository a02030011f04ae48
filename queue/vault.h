/* vault -- keys.db: one random key for each person of a storefront, and the seals made with it.
 *
 * A sealed blob is key id (12) | seal (base/seal.h). A key stands in keys.db wrapped with the master key, whose
 * version stands beside it. Erasing takes the wrapped key away and leaves the id, so that a blob of an erased
 * key is known as erased; a blob whose id was never there is corrupt.
 * Durability: vault_key_of makes a key in memory; vault_flush writes all new ones and fsyncs. The committer
 *   has it done before it commits what was sealed with them (flusher.h), so a crash between the two leaves a key that nobody
 *   uses and never a blob that nobody can open. A person may have several keys (two processes met the person
 *   at the same moment); each blob names its own.
 * Memory: unwrapped keys are kept in a bounded cache that is wiped at close, and only as long as nobody has
 *   erased any: an erasure by another process counts at once.
 * Errors: ERR_CORRUPT (also: wrapped with a master key that the keyring does not have), ERR_FULL, ERR_IO,
 *   ERR_NEWER. Threads: any. */
#ifndef QUEUE_VAULT_H
#define QUEUE_VAULT_H

#include "queue/keyed.h"

#include "base/clock.h"

#define VAULT_ID 12

struct vault;

struct vault_key {
    uint8_t id[VAULT_ID];
    struct seal_key key;
};

bool vault_open(const char *path, const struct keyring *keys, const struct clock *clock,
    struct vault **out, struct err *e);
void vault_close(struct vault **v);
/* False once a broken page was met, and while the log cannot be written back. */
bool vault_is_well(struct vault *v, struct err *e);
void vault_retry(struct vault *v); /* writing the log back, if that failed */

/* The person's key; with `make` a new one when there is none, else *found is false. */
bool vault_key_of(struct vault *v, const char *storefront, const struct keyed *who, bool make,
    struct vault_key *out, bool *found, struct err *e);
void vault_key_wipe(struct vault_key *k);

void vault_seal(const struct vault_key *k, struct str binding, struct str plain, struct buf *out);
void vault_seal_parts(const struct vault_key *k, struct str binding, const struct str *parts,
    size_t n, struct buf *out); /* as one text */
/* Appends the plain text; *erased and nothing appended when the key is gone. */
bool vault_unseal(struct vault *v, const char *storefront, struct str binding, struct str sealed,
    struct buf *out, bool *erased, struct err *e);

/* How often somebody was erased, by whomever: what was known of keys before holds while it stands still. */
bool vault_erasures(struct vault *v, int64_t *n, struct err *e);

bool vault_has_new(struct vault *v); /* keys that are not on disk yet */
bool vault_flush(struct vault *v, struct err *e);
/* Every key of this person, at once and for good, in the file's free pages and its log as well. ERR_BUSY: erased, but
 * somebody read the log for too long for it to be emptied; to be asked again. */
bool vault_erase(struct vault *v, const char *storefront, const struct keyed *who, uint64_t *erased,
    struct err *e);

#endif
