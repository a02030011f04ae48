/* restore_schema -- whether a database holds nothing but what this program, or one of its versions, makes: tables, indexes,
 * triggers and views by name, triggers and views by their text too. Whatever else stands there would have its word in each change.
 * Errors: ERR_CORRUPT names the first stranger; ERR_FULL, ERR_IO. An empty database lies in the folder `scratch` meanwhile. Any thread. */
#ifndef QUEUE_RESTORE_SCHEMA_H
#define QUEUE_RESTORE_SCHEMA_H

#include "queue/sqlite.h"

bool restore_schema_is_ours(
    const char *file, const struct sqlite_schema *schema, const char *scratch, struct err *e);

#endif
