#include "queue/vault_schema.h"

#include "queue/vault_marks.h"

#define VAULT_APPLICATION 0x5050564b /* "PPVK" */

static const char version_1[] =
    "CREATE TABLE person_key(storefront TEXT NOT NULL, id BLOB NOT NULL, person BLOB NOT NULL,"
    "  pepper INTEGER NOT NULL, master INTEGER NOT NULL, wrapped BLOB, created_ms INTEGER NOT NULL,"
    "  erased_ms INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(storefront, id)) WITHOUT ROWID;"
    "CREATE INDEX person_key_of ON person_key(storefront, person) WHERE wrapped IS NOT NULL;";

/* Counts the erasures of every process: what a cached key holds by, because keys are else only added. And the marks of
 * the keyring. */
static const char version_2[] =
    "CREATE TABLE erasure(n INTEGER NOT NULL); INSERT INTO erasure VALUES (0);" VAULT_MARKS_TABLE;

static const char *const migrations[] = {version_1, version_2};

const struct sqlite_schema vault_schema = {.what = "keys.db",
    .application = VAULT_APPLICATION,
    .migrations = migrations,
    .n = COUNT_OF(migrations)};
