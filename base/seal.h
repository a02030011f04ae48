/* seal -- authenticated encryption of stored bytes: AES-256-GCM, a random 96-bit nonce per seal.
 * Shape: nonce (12) | ciphertext | tag (16). The associated text binds a seal to its place (table,
 * row, column): opened elsewhere, it fails. Keys are 32 random bytes; wipe them with seal_key_wipe.
 * Errors: ERR_CORRUPT when key, bytes or associated text are not those of the sealing. Any
 * thread. */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include "base/buf.h"
#include "base/err.h"

#define SEAL_OVERHEAD 28

struct seal_key {
    uint8_t b[32];
};

void seal_key_new(struct seal_key *out);
void seal_key_wipe(struct seal_key *k);
void seal_add(const struct seal_key *k, struct str associated, struct str plain, struct buf *out);
/* The parts as one text. */
void seal_add_parts(const struct seal_key *k, struct str associated, const struct str *parts,
    size_t n, struct buf *out);
bool seal_open(const struct seal_key *k, struct str associated, struct str sealed, struct buf *out,
    struct err *e);

#endif
