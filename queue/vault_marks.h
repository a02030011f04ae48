/* vault_marks -- whether the keyring is the one that this data was made with.
 *
 * keys.db keeps a mark for each version of the pepper and of the master key that it has seen: a keyed hash that tells
 * nothing of the key. With another pepper every suppression would be missed, and with another master key new persons' data
 * would be sealed so that the right keyring never opens it; so a keyring that lacks a marked version, or has another
 * key under its number, is refused before anything is read or written.
 * Errors: ERR_CORRUPT names use and version. One thread, at opening. */
#ifndef QUEUE_VAULT_MARKS_H
#define QUEUE_VAULT_MARKS_H

#include "base/keyring.h"
#include "queue/sqlite.h"

#define VAULT_MARKS_TABLE                                                                          \
    "CREATE TABLE keyring_mark(use TEXT NOT NULL, version INTEGER NOT NULL, mark BLOB NOT NULL,"   \
    "  PRIMARY KEY(use, version)) WITHOUT ROWID;"

bool vault_marks_check(struct sqlite *db, const struct keyring *keys, struct err *e);

#endif
