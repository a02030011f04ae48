/* token -- signed tokens in links and reverse-paths: they name things to us, and others cannot make any.
 *
 * Shape: base32 of (version, key version, fields, HMAC-SHA-256 cut to 128 bits), lower
 * case, so that it survives receivers that fold case; a return-path token with its "b+" prefix fits
 * 64 octets. Each use has its own key (keyring.h) and its own label inside the HMAC, so a token of
 * one use is void in another. Tokens never expire by themselves and name the person by hash only:
 * they outlive the message's row. Opening tells forged from broken to nobody: false is all.
 * Compared in constant time. Any thread. */
#ifndef MAILER_MIME_TOKEN_H
#define MAILER_MIME_TOKEN_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/keyring.h"

/* In List-Unsubscribe and footers: /u/{token}. */
struct unsubscribe_token {
    char storefront[64];
    char stream[64];
    struct digest person;
    unsigned pepper_version; /* of the person hash */
    char message_id[40];
};
void token_unsubscribe(const struct keyring *k, const struct unsubscribe_token *t, struct buf *out);
bool token_unsubscribe_open(
    const struct keyring *k, struct str text, struct unsubscribe_token *out, unsigned *key_version);

/* The local part of the reverse-path: "b+TOKEN". Carries the message's id, from which the day
 * follows. */
void token_return_path(const struct keyring *k, const char *message_id, struct buf *out);
bool token_return_path_open(const struct keyring *k, struct str local_part, char message_id[40]);

#endif
