/* sqlite -- SQLite's only user: connections, statements that stay prepared, transactions, migrations.
 *
 *     struct sql *q = sqlite_sql(db, "SELECT due_ms FROM message WHERE storefront = ?1 AND id = ?2");
 *     sql_text(q, 1, storefront);
 *     sql_text(q, 2, id);
 *     while (sql_row(q))
 *         due = sql_get_int(q, 0);
 *     return sql_done(q, e);
 *
 * A statement is kept under the address of its text, which must be a constant. Bound bytes are borrowed until
 * sql_done; what sql_get_str returns, until the next sql_row. Errors stick to the statement and come out of
 * sql_done: ERR_CORRUPT (not a database, broken page), ERR_FULL, ERR_IO, ERR_BUSY (another process held the
 * write lock for all of SQLITE_PATIENCE_MS), ERR_CONFLICT (constraint), ERR_LIMIT (too big), else ERR_LIBRARY.
 * Their texts name columns, never values. Threads: a connection belongs to one thread at a time. */
#ifndef QUEUE_SQLITE_H
#define QUEUE_SQLITE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"

#define SQLITE_PATIENCE_MS 10000
/* Wherever damage is met, whoever reads of it shall know the way out. */
#define SQLITE_ADVICE                                                                              \
    "; stop the service and put the last copy back: parcelpost restore DIR --force"

struct sqlite;
struct sql;

enum sqlite_mode {
    SQLITE_FOR_WRITING,     /* creates the file with mode 0600; WAL, every commit is fsync'd */
    SQLITE_FOR_READING,     /* refuses writes */
    SQLITE_FOR_COPYING,     /* creates what sqlite_copy fills, with mode 0600 */
    SQLITE_FOR_CHECKPOINTS, /* sqlite_checkpoint.h */
};

bool sqlite_open(const char *path, enum sqlite_mode mode, struct sqlite **out, struct err *e);
void sqlite_close(struct sqlite **db);
/* For how long a statement waits for a lock that another connection holds; SQLITE_PATIENCE_MS unless told. */
void sqlite_be_patient(struct sqlite *db, int ms);

/* The database without its log onto the disk. */
bool sqlite_sync(struct sqlite *db, struct err *e);
/* Of the log's pages none counts as written back any more, for whoever has it open: after a sync that failed. False: somebody
 * writes back at this moment, or the index has a form that is not known; then try again. Outside of a transaction. */
bool sqlite_write_back_anew(struct sqlite *db);
/* Around a checkpoint by db: it may read pages of the log that are neighbours at once (sqlite_gather.h). */
void sqlite_copies_log(struct sqlite *db, bool begins);
/* Closing db writes nothing back and leaves the log where it is, even when db is the last that has it open: for connections
 * beside one that writes. */
void sqlite_keep_log(struct sqlite *db);

/* The log of a connection for writing, which is written back into the database beside it (sqlite_checkpoint.h). */
void sqlite_log_limit(struct sqlite *db, int pages, int pages_max); /* for tests */
/* Both any thread. False from a checkpoint that failed until one has succeeded: nothing is lost, but the log grows. */
bool sqlite_log_is_well(struct sqlite *db, struct err *e);
void sqlite_log_retry(struct sqlite *db); /* what failed */
/* Everything back into the database, and nothing left in the log; ERR_BUSY when somebody reads there all the while. */
bool sqlite_log_empty(struct sqlite *db, struct err *e);

struct sql *sqlite_sql(struct sqlite *db, const char *text);
void sql_int(struct sql *q, int column, int64_t value);
void sql_text(struct sql *q, int column, const char *text);
void sql_str(struct sql *q, int column, struct str text);
void sql_blob(struct sql *q, int column, struct str bytes); /* "" is stored as an empty blob */
void sql_digest(struct sql *q, int column, const struct digest *d);
void sql_null(struct sql *q, int column);
bool sql_row(struct sql *q);
bool sql_done(struct sql *q, struct err *e);
bool sql_run(struct sql *q, struct err *e); /* for statements without rows: step and done */

int64_t sql_get_int(struct sql *q, int column);
struct str sql_get_str(struct sql *q, int column);
const char *sql_get_text(struct sql *q, int column, struct arena *a); /* a copy */
struct str sql_get_copy(struct sql *q, int column, struct arena *a);
bool sql_get_null(struct sql *q, int column);
/* False, and the statement fails with ERR_CORRUPT, when the column does not hold 32 bytes. */
bool sql_get_digest(struct sql *q, int column, struct digest *out);

bool sqlite_exec(struct sqlite *db, const char *text, struct err *e);
bool sqlite_begin(struct sqlite *db, struct err *e);  /* takes the write lock now */
bool sqlite_commit(struct sqlite *db, struct err *e); /* false: rolled back */
/* After sqlite_commit of one for writing: it put pages into the log. Rows counted as changed do not say so. */
bool sqlite_wrote(const struct sqlite *db);
void sqlite_rollback(struct sqlite *db);
int64_t sqlite_changes(struct sqlite *db); /* rows of the last statement */
int64_t sqlite_total_changes(struct sqlite *db);
int64_t sqlite_last_row(struct sqlite *db);
/* A number that changes when any other connection, of this process or another, has committed. */
bool sqlite_stamp(struct sqlite *db, int64_t *out, struct err *e);
/* Where the head of the log's index lies (sqlite_head.h), NULL where there is none; as long as db is open. */
const volatile uint32_t *sqlite_head_of(struct sqlite *db);

/* The database at `from`, as it is at one moment, into a new file, its structure checked page by page (quick_check:
 * not that the indexes fit their tables) and on disk: one file, without a log. Others may write meanwhile; their log grows
 * until the copy is done. ERR_CORRUPT: `from` is damaged. */
bool sqlite_copy(const char *from, const char *to, int64_t *version, struct err *e);

/* Brings a database to version n: migrations[v] leads from version v to v + 1, each one transaction.
 * Errors: ERR_NEWER names both versions; ERR_CORRUPT when the file belongs to another program. */
struct sqlite_schema {
    const char *what; /* "queue.db" */
    int64_t application;
    const char *const *migrations;
    size_t n;
    const char *const
        *tables; /* for a new file: the same as all migrations make, NULL at the end; or NULL */
};
bool sqlite_migrate(struct sqlite *db, const struct sqlite_schema *schema, struct err *e);

/* Connections for reading, opened as needed up to `max`; taking waits while all are out. Any thread. */
struct sqlite_pool;
bool sqlite_pool_open(const char *path, size_t max, struct sqlite_pool **out, struct err *e);
void sqlite_pool_close(struct sqlite_pool **p); /* all must have been given back */
bool sqlite_pool_take(struct sqlite_pool *p, struct sqlite **out, struct err *e);
void sqlite_pool_give(struct sqlite_pool *p, struct sqlite *db);
/* A number that changes when anybody has committed, our own writer too. Costs no statement where the log's index can be
 * looked at, which sqlite_pool_is_quick tells. */
bool sqlite_pool_stamp(struct sqlite_pool *p, int64_t *out, struct err *e);
bool sqlite_pool_is_quick(const struct sqlite_pool *p);

/* What is known as of a transaction's begin and was not changed in it is known as of its end, unless somebody else came
 * between: begun is called after sqlite_begin, ended after sqlite_commit. True: nobody did, *stamp is that of our commit.
 * False as well where the transaction wrote nothing: then no stamp moved, unless somebody else's commit moved it. */
struct sqlite_turn {
    const struct sqlite *writer; /* whose transaction it is */
    bool known;
    uint32_t commits;
    int64_t stamp;
};
void sqlite_pool_begun(struct sqlite_pool *p, const struct sqlite *writer, struct sqlite_turn *out);
bool sqlite_pool_ended(struct sqlite_pool *p, const struct sqlite_turn *t, int64_t *stamp);

#endif
