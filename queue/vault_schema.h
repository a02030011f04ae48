/* vault_schema -- the tables of keys.db, as migrations; constant, any thread. */
#ifndef QUEUE_VAULT_SCHEMA_H
#define QUEUE_VAULT_SCHEMA_H

#include "queue/sqlite.h"

extern const struct sqlite_schema vault_schema;

#endif
