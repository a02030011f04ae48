/* sqlite_schema -- the tables of queue.db as numbered migrations. A migration that was released is never
 * edited; a change is a new one, with a test that opens a database of the version before, and stands in sqlite_tables.c
 * too, from which a new file is made. */
#ifndef QUEUE_SQLITE_SCHEMA_H
#define QUEUE_SQLITE_SCHEMA_H

#include "queue/sqlite.h"

#define QUEUE_APPLICATION 0x50504f51 /* "PPOQ" */

extern const struct sqlite_schema sqlite_queue_schema;
extern const char *const sqlite_queue_tables[];

#endif
