/* keyring -- the installation's own secrets: one text file outside the data folder, backed up
 * apart.
 * Shape: a line each, "USE VERSION HEX", e.g. "pepper 1 6f...": 32 bytes as 64 hex digits. The
 * highest version of a use is current; older ones stay, because stored rows and sent links name
 * them. The file must not be readable by others (mode 0600 or 0640); it is created whole or not at
 * all. Owned by whoever opened it; immutable, so any thread may read. */
#ifndef BASE_KEYRING_H
#define BASE_KEYRING_H

#include "base/err.h"
#include "base/seal.h"

enum key_use {
    KEY_MASTER,      /* wraps the persons' keys in keys.db            */
    KEY_PEPPER,      /* HMAC key of person and reference hashes       */
    KEY_UNSUBSCRIBE, /* tokens in List-Unsubscribe and footers        */
    KEY_RETURN_PATH, /* tokens in the envelope's reverse-path         */
    KEY_FEEDBACK,    /* tokens that come back in complaint reports    */
    KEY_USES
};

struct keyring;

bool keyring_open(const char *path, struct keyring **out, struct err *e);
bool keyring_create(const char *path, struct err *e); /* version 1 of each; ERR_CONFLICT: exists */
void keyring_close(struct keyring **k);

const char *key_use_name(enum key_use use);
const struct seal_key *keyring_current(
    const struct keyring *k, enum key_use use, unsigned *version);
/* NULL when that version was never there. */
const struct seal_key *keyring_version(const struct keyring *k, enum key_use use, unsigned version);
unsigned keyring_latest(const struct keyring *k, enum key_use use);

#endif
