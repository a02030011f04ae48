/* sqlite_migrate -- numbered migrations, forward only; the contract stands in sqlite.h. */
#include "queue/sqlite.h"

#include <stdio.h>

static bool pragma(struct sqlite *db, const char *text, int64_t *out, struct err *e)
{
    struct sql *q = sqlite_sql(db, text);

    if (sql_row(q))
        *out = sql_get_int(q, 0);
    return sql_done(q, e);
}

static bool read_version(
    struct sqlite *db, const struct sqlite_schema *schema, int64_t *version, struct err *e)
{
    int64_t application = 0, tables = 0;

    if (!pragma(db, "PRAGMA user_version", version, e) ||
        !pragma(db, "PRAGMA application_id", &application, e) ||
        !pragma(db, "SELECT count(*) FROM sqlite_schema", &tables, e))
        return false;
    if (application != schema->application && (application != 0 || tables != 0))
        return err_set(e, ERR_CORRUPT, "%s was made by another program", schema->what);
    if (*version < 0)
        return err_set(e, ERR_CORRUPT, "%s has version %lld, which is none", schema->what,
            (long long)*version);
    if (*version > (int64_t)schema->n)
        return err_set(e, ERR_NEWER, "%s has version %lld, this program knows versions up to %zu",
            schema->what, (long long)*version, schema->n);
    return true;
}

static bool mark(
    struct sqlite *db, const struct sqlite_schema *schema, size_t version, struct err *e)
{
    char text[120];

    snprintf(text, sizeof text, "PRAGMA application_id=%lld; PRAGMA user_version=%zu",
        (long long)schema->application, version);
    return sqlite_exec(db, text, e);
}

static bool make_tables(struct sqlite *db, const struct sqlite_schema *schema, struct err *e)
{
    for (const char *const *t = schema->tables; *t; t++)
        if (!sqlite_exec(db, *t, e))
            return err_prefix(e, "making %s", schema->what);
    return mark(db, schema, schema->n, e);
}

static bool step(
    struct sqlite *db, const struct sqlite_schema *schema, size_t version, struct err *e)
{
    if (version == 0 && schema->tables)
        return make_tables(db, schema, e);
    if (!sqlite_exec(db, schema->migrations[version], e) || !mark(db, schema, version + 1, e))
        return err_prefix(e, "migrating %s to version %zu", schema->what, version + 1);
    return true;
}

static bool run_steps(
    struct sqlite *db, const struct sqlite_schema *schema, int64_t version, struct err *e)
{
    while (version < (int64_t)schema->n) {
        if (!sqlite_begin(db, e))
            return false;
        /* Another process may have taken this step while we waited for the lock. */
        if (!read_version(db, schema, &version, e) ||
            (version < (int64_t)schema->n && !step(db, schema, (size_t)version, e))) {
            sqlite_rollback(db);
            return false;
        }
        if (!sqlite_commit(db, e) || !read_version(db, schema, &version, e))
            return false;
    }
    return true;
}

/* What an index of all messages sorts grows with the file: it goes through temporary files, a page cache full at a time. In
 * them is what indexes hold, numbers, ids and keyed hashes, and nothing that must be sealed. */
bool sqlite_migrate(struct sqlite *db, const struct sqlite_schema *schema, struct err *e)
{
    int64_t version = 0;

    if (!read_version(db, schema, &version, e))
        return false;
    if (version >= (int64_t)schema->n)
        return true;
    return sqlite_exec(db, "PRAGMA temp_store=FILE", e) && run_steps(db, schema, version, e) &&
           sqlite_exec(db, "PRAGMA temp_store=MEMORY", e);
}
