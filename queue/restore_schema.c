#include "queue/restore_schema.h"

#include "base/arena.h"
#include "queue/folder.h"

#include <stdio.h>
#include <unistd.h>

/* Layout aside; what begins so is SQLite's own, and nobody else can make it. */
#define BARE(sql) "replace(replace(" sql ", ' ', ''), char(10), '')"
static const char find_stranger[] =
    "SELECT s.type || ' ' || s.name FROM main.sqlite_schema s WHERE s.name NOT LIKE 'sqlite~_%'"
    " ESCAPE '~' AND NOT EXISTS (SELECT 1 FROM ours.sqlite_schema o WHERE o.type = s.type AND"
    " o.name = s.name AND (s.type NOT IN ('trigger', 'view') OR " BARE("o.sql") " = " BARE(
        "s.sql") ")) LIMIT 1";

/* A statement that cannot be made stops every change; a trigger that is gone stops none. */
static const char find_missing[] =
    "SELECT o.type || ' ' || o.name FROM ours.sqlite_schema o WHERE o.type IN ('table', 'index')"
    " AND o.name NOT LIKE 'sqlite~_%' ESCAPE '~' AND NOT EXISTS (SELECT 1 FROM main.sqlite_schema s"
    " WHERE s.type = o.type AND s.name = o.name) LIMIT 1";

/* A new, empty database as these steps make it; nobody misses it after a crash. */
static bool make_ours(const char *path, const struct sqlite_schema *steps, struct err *e)
{
    AUTO(sqlite_close) struct sqlite *db = NULL;

    return sqlite_open(path, SQLITE_FOR_COPYING, &db, e) &&
           sqlite_exec(db, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF", e) &&
           sqlite_migrate(db, steps, e);
}

static bool read_version(const char *file, int64_t *out, struct err *e)
{
    AUTO(sqlite_close) struct sqlite *db = NULL;
    struct sql *q;

    *out = 0;
    if (!sqlite_open(file, SQLITE_FOR_READING, &db, e))
        return false;
    q = sqlite_sql(db, "PRAGMA user_version");
    if (sql_row(q))
        *out = sql_get_int(q, 0);
    return sql_done(q, e);
}

static bool first_of(
    struct sqlite *db, const char *question, struct arena *a, const char **out, struct err *e)
{
    struct sql *q = sqlite_sql(db, question);

    *out = sql_row(q) ? sql_get_text(q, 0, a) : "";
    return sql_done(q, e);
}

/* *fault is "" when there is none. */
static bool compare(
    const char *file, const char *ours, struct arena *a, const char **fault, struct err *e)
{
    AUTO(sqlite_close) struct sqlite *db = NULL;
    const char *stranger, *missing;
    struct sql *q;

    *fault = "";
    if (!sqlite_open(file, SQLITE_FOR_READING, &db, e))
        return false;
    q = sqlite_sql(db, "ATTACH ?1 AS ours");
    sql_text(q, 1, ours);
    if (!sql_run(q, e) || !first_of(db, find_stranger, a, &stranger, e) ||
        !first_of(db, find_missing, a, &missing, e))
        return false;
    if (*stranger)
        *fault = arena_printf(a,
            "holds the %s, which is not ours and would take part in what is done with it: find out "
            "who made it, remove it where it came from, and take a new copy",
            stranger);
    else if (*missing)
        *fault = arena_printf(a,
            "lacks the %s, without which nothing can be stored: it was changed or is damaged; take "
            "another copy",
            missing);
    return true;
}

static bool find(const char *file, const struct sqlite_schema *steps, const char *scratch,
    struct arena *a, const char **fault, struct err *e)
{
    const char *ours = folder_path(scratch, FOLDER_OURS, a);
    bool fine = make_ours(ours, steps, e) && compare(file, ours, a, fault, e);

    unlink(ours);
    return fine;
}

/* A file of this version was made anew, or came by all migrations: the texts may differ in words that mean the same. */
bool restore_schema_is_ours(
    const char *file, const struct sqlite_schema *schema, const char *scratch, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct sqlite_schema steps = *schema;
    const char *fault;
    int64_t version;

    if (!read_version(file, &version, e))
        return false;
    if (version < 0 || version > (int64_t)schema->n)
        return true; /* whoever opens it says that it is newer */
    steps.tables = NULL;
    steps.n = (size_t)version;
    if (!find(file, &steps, scratch, a, &fault, e))
        return false;
    if (*fault && version == (int64_t)schema->n && schema->tables &&
        !find(file, schema, scratch, a, &fault, e))
        return false;
    return !*fault || err_set(e, ERR_CORRUPT, "the copy of %s %s", schema->what, fault);
}
