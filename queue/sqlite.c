#include "queue/sqlite.h"

#include "base/clock.h"
#include "queue/sqlite_checkpoint.h"
#include "queue/sqlite_disk.h"
#include "queue/sqlite_gather.h"
#include "queue/sqlite_head.h"
#include "queue/sqlite_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STATEMENTS 256 /* slots; a power of two, well above the number of texts in queue/ */

struct sql {
    const char *text;
    struct sqlite *db;
    sqlite3_stmt *stmt;
    struct err fault; /* the first one since the last sql_done */
};

struct sqlite {
    sqlite3 *db;
    struct checkpoints *checkpoints; /* of one for writing, else NULL */
    bool wrote;                      /* since sqlite_begin, and it is committed */
    struct sql statements[STATEMENTS];
};

static enum err_code code_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ERR_IO;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_CONSTRAINT:
        return ERR_CONFLICT;
    case SQLITE_TOOBIG:
        return ERR_LIMIT;
    default:
        return ERR_LIBRARY;
    }
}

static bool fail(struct sqlite *db, int rc, struct err *e)
{
    if ((rc & 0xff) == SQLITE_NOMEM)
        err_out_of_memory();
    return err_set(e, code_of(rc), "database: %s%s",
        db->db ? sqlite3_errmsg(db->db) : sqlite3_errstr(rc),
        code_of(rc) == ERR_CORRUPT ? SQLITE_ADVICE : "");
}

static void note(struct sql *q, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE && q->fault.code == ERR_NONE)
        fail(q->db, rc, &q->fault);
}

/* ---- connections ---- */

/* SQLite gives a new file the mode 0644 less the umask; personal data, though sealed, gets 0600. */
static bool create_private(const char *path, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_system(e, "cannot open %s", path);
    close(fd);
    return true;
}

/* Entering WAL mode does not wait for a lock as other statements do, so two processes that create the
 * same database at the same moment need this loop. */
static bool enter_wal(struct sqlite *db, struct err *e)
{
    int64_t until_ns = clock_steady_ns() + (int64_t)SQLITE_PATIENCE_MS * 1000000;

    while (!sqlite_exec(db, "PRAGMA journal_mode=WAL", e)) {
        if (e->code != ERR_BUSY || clock_steady_ns() > until_ns)
            return false;
        sqlite3_sleep(5);
    }
    return true;
}

/* secure_delete: what is personal in a row is sealed, so zeroing only what costs no extra write suffices;
 * the vault, where deletion is erasure, asks for more. */
static bool tune(struct sqlite *db, enum sqlite_mode mode, struct err *e)
{
    sqlite_be_patient(db, SQLITE_PATIENCE_MS);
    sqlite3_extended_result_codes(db->db, 1);
    if (!sqlite_exec(db, "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF", e))
        return false;
    if (mode == SQLITE_FOR_COPYING)
        return sqlite_exec(db, "PRAGMA synchronous=FULL", e);
    /* A reader forgets all its pages whenever somebody has written: a small cache is as good, and what it forgets the heap
     * of its thread keeps. */
    if (mode == SQLITE_FOR_READING)
        return sqlite_exec(db, "PRAGMA query_only=ON; PRAGMA cache_size=-250", e);
    /* The read opens the log, without which there is nothing to write back. */
    if (mode == SQLITE_FOR_CHECKPOINTS)
        return sqlite_exec(db,
            "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-100;"
            "SELECT count(*) FROM sqlite_schema",
            e);
    return enter_wal(db, e) &&
           sqlite_exec(db,
               "PRAGMA synchronous=FULL; PRAGMA cache_size=-32000;"
               "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864;"
               "PRAGMA secure_delete=FAST; PRAGMA cell_size_check=ON",
               e);
}

/* Called by a commit that put pages into the log, and by no other: what was taken back, or changed nothing, leaves none. */
static int note_log(void *writer, sqlite3 *inner, const char *name, int pages)
{
    struct sqlite *db = writer;

    (void)inner;
    (void)name;
    db->wrote = true;
    checkpoints_note(db->checkpoints, pages);
    return SQLITE_OK;
}

static void watch_log(struct sqlite *db, const char *path)
{
    checkpoints_open(path, db, &db->checkpoints);
    sqlite3_wal_hook(db->db, note_log, db);
}

/* Nobody reads the library's memory statistics, for which each of its allocations takes one lock of the process.
 * Refused once the library is in use, which does no harm. */
static void prepare_library(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite_pages_register();
    sqlite3_initialize(); /* or there is no VFS yet */
    sqlite_disk_register();
    sqlite_gather_register();
}

bool sqlite_open(const char *path, enum sqlite_mode mode, struct sqlite **out, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct sqlite *db;
    int rc;

    pthread_once(&once, prepare_library);
    if ((mode == SQLITE_FOR_WRITING || mode == SQLITE_FOR_COPYING) && !create_private(path, e))
        return false;
    db = calloc(1, sizeof *db);
    if (!db)
        err_out_of_memory();
    rc = sqlite3_open_v2(path, &db->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
        mode == SQLITE_FOR_WRITING || mode == SQLITE_FOR_CHECKPOINTS ? SQLITE_GATHER : NULL);
    if (rc != SQLITE_OK)
        fail(db, rc, e);
    else if (tune(db, mode, e)) {
        if (mode == SQLITE_FOR_WRITING)
            watch_log(db, path);
        else if (mode == SQLITE_FOR_CHECKPOINTS)
            sqlite_keep_log(db);
        *out = db;
        return true;
    }
    sqlite_close(&db);
    return err_prefix(e, "%s", path);
}

void sqlite_close(struct sqlite **db)
{
    if (!*db)
        return;
    checkpoints_close(&(*db)->checkpoints);
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize((*db)->statements[i].stmt);
    sqlite3_close((*db)->db);
    free(*db);
    *db = NULL;
}

void sqlite_be_patient(struct sqlite *db, int ms)
{
    sqlite3_busy_timeout(db->db, ms);
}

/* SQLite's own handle: closing another one of the same file would drop the locks of this process. */
static sqlite3_file *file_of(struct sqlite *db)
{
    sqlite3_file *f = NULL;

    return sqlite3_file_control(db->db, "main", SQLITE_FCNTL_FILE_POINTER, &f) == SQLITE_OK && f &&
                   f->pMethods
               ? f
               : NULL;
}

bool sqlite_sync(struct sqlite *db, struct err *e)
{
    sqlite3_file *f = file_of(db);
    int rc = f ? f->pMethods->xSync(f, SQLITE_SYNC_NORMAL) : SQLITE_IOERR_FSYNC;

    return rc == SQLITE_OK || err_set(e, code_of(rc), "database: %s", sqlite3_errstr(rc));
}

/* ---- the log ---- */

void sqlite_log_limit(struct sqlite *db, int pages, int pages_max)
{
    checkpoints_limit(db->checkpoints, pages, pages_max);
}

bool sqlite_log_is_well(struct sqlite *db, struct err *e)
{
    return checkpoints_are_well(db->checkpoints, e);
}

void sqlite_log_retry(struct sqlite *db)
{
    checkpoints_retry(db->checkpoints);
}

bool sqlite_log_empty(struct sqlite *db, struct err *e)
{
    bool emptied;

    return checkpoints_empty(db->checkpoints, &emptied, e) &&
           (emptied || err_set(e, ERR_BUSY, "others keep reading the log"));
}

/* ---- statements ---- */

struct sql *sqlite_sql(struct sqlite *db, const char *text)
{
    size_t at = ((uintptr_t)text >> 3) * 31 % STATEMENTS;
    struct sql *q;
    int rc;

    while (db->statements[at].text && db->statements[at].text != text)
        at = (at + 1) % STATEMENTS;
    q = &db->statements[at];
    if (q->stmt)
        return q;
    q->text = text;
    q->db = db;
    rc = sqlite3_prepare_v3(db->db, text, -1, SQLITE_PREPARE_PERSISTENT, &q->stmt, NULL);
    note(q, rc);
    return q;
}

void sql_int(struct sql *q, int column, int64_t value)
{
    note(q, sqlite3_bind_int64(q->stmt, column, value));
}

void sql_str(struct sql *q, int column, struct str text)
{
    note(q, sqlite3_bind_text64(
                q->stmt, column, text.p ? text.p : "", text.n, SQLITE_STATIC, SQLITE_UTF8));
}

void sql_text(struct sql *q, int column, const char *text)
{
    sql_str(q, column, str_of(text));
}

void sql_blob(struct sql *q, int column, struct str bytes)
{
    note(q, sqlite3_bind_blob64(q->stmt, column, bytes.p ? bytes.p : "", bytes.n, SQLITE_STATIC));
}

void sql_digest(struct sql *q, int column, const struct digest *d)
{
    sql_blob(q, column, digest_str(d));
}

void sql_null(struct sql *q, int column)
{
    note(q, sqlite3_bind_null(q->stmt, column));
}

bool sql_row(struct sql *q)
{
    int rc;

    if (q->fault.code != ERR_NONE)
        return false;
    rc = sqlite3_step(q->stmt);
    note(q, rc);
    return rc == SQLITE_ROW;
}

bool sql_done(struct sql *q, struct err *e)
{
    bool fine = q->fault.code == ERR_NONE;

    if (!fine)
        *e = q->fault;
    q->fault = (struct err){0};
    if (q->stmt) { /* NULL: a table is not what it was, so it could not be made */
        sqlite3_reset(q->stmt);
        sqlite3_clear_bindings(q->stmt);
    }
    return fine;
}

bool sql_run(struct sql *q, struct err *e)
{
    while (sql_row(q))
        continue;
    return sql_done(q, e);
}

int64_t sql_get_int(struct sql *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}

struct str sql_get_str(struct sql *q, int column)
{
    const void *p = sqlite3_column_blob(q->stmt, column);

    return str_bytes(p, p ? (size_t)sqlite3_column_bytes(q->stmt, column) : 0);
}

const char *sql_get_text(struct sql *q, int column, struct arena *a)
{
    return arena_text(a, sql_get_str(q, column));
}

struct str sql_get_copy(struct sql *q, int column, struct arena *a)
{
    return arena_str(a, sql_get_str(q, column));
}

bool sql_get_null(struct sql *q, int column)
{
    return sqlite3_column_type(q->stmt, column) == SQLITE_NULL;
}

bool sql_get_digest(struct sql *q, int column, struct digest *out)
{
    struct str s = sql_get_str(q, column);

    if (s.n == sizeof out->b) {
        memcpy(out->b, s.p, sizeof out->b);
        return true;
    }
    if (q->fault.code == ERR_NONE)
        err_set(&q->fault, ERR_CORRUPT, "database: column %s does not hold a hash" SQLITE_ADVICE,
            sqlite3_column_name(q->stmt, column));
    return false;
}

/* ---- transactions ---- */

bool sqlite_exec(struct sqlite *db, const char *text, struct err *e)
{
    int rc = sqlite3_exec(db->db, text, NULL, NULL, NULL);

    return rc == SQLITE_OK || fail(db, rc, e);
}

bool sqlite_begin(struct sqlite *db, struct err *e)
{
    if (db->checkpoints)
        checkpoints_help(db->checkpoints);
    db->wrote = false;
    return sql_run(sqlite_sql(db, "BEGIN IMMEDIATE"), e);
}

bool sqlite_commit(struct sqlite *db, struct err *e)
{
    if (sql_run(sqlite_sql(db, "COMMIT"), e))
        return true;
    sqlite_rollback(db);
    return false;
}

bool sqlite_wrote(const struct sqlite *db)
{
    return db->wrote;
}

void sqlite_rollback(struct sqlite *db)
{
    struct err ignored;

    sqlite_gather_forget(db->db);
    /* A full disk or an I/O error may have rolled back already. */
    if (!sqlite3_get_autocommit(db->db))
        (void)sql_run(sqlite_sql(db, "ROLLBACK"), &ignored);
}

int64_t sqlite_changes(struct sqlite *db)
{
    return sqlite3_changes64(db->db);
}

int64_t sqlite_total_changes(struct sqlite *db)
{
    return sqlite3_total_changes64(db->db);
}

int64_t sqlite_last_row(struct sqlite *db)
{
    return sqlite3_last_insert_rowid(db->db);
}

bool sqlite_stamp(struct sqlite *db, int64_t *out, struct err *e)
{
    struct sql *q = sqlite_sql(db, "PRAGMA data_version");

    if (sql_row(q))
        *out = sql_get_int(q, 0);
    return sql_done(q, e);
}

const volatile uint32_t *sqlite_head_of(struct sqlite *db)
{
    return sqlite_head_at(file_of(db));
}

void sqlite_copies_log(struct sqlite *db, bool begins)
{
    sqlite_gather_copies(db->db, begins);
}

bool sqlite_write_back_anew(struct sqlite *db)
{
    return sqlite_head_write_back_anew(file_of(db));
}

void sqlite_keep_log(struct sqlite *db)
{
    sqlite3_db_config(db->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

/* ---- copies ---- */

/* All pages in one step, which reads one state of the source and keeps nobody from writing. */
static bool copy_pages(struct sqlite *from, struct sqlite *to, struct err *e)
{
    sqlite3_backup *b = sqlite3_backup_init(to->db, "main", from->db, "main");

    if (!b)
        return fail(to, sqlite3_errcode(to->db), e);
    sqlite3_backup_step(b, -1);
    int rc = sqlite3_backup_finish(b);
    return rc == SQLITE_OK || fail(to, rc, e);
}

static bool is_whole(struct sqlite *db, int64_t *version, struct err *e)
{
    struct sql *q = sqlite_sql(db, "PRAGMA quick_check(1)");
    char found[120] = "";

    if (sql_row(q))
        snprintf(found, sizeof found, STR_FMT, STR_ARG(sql_get_str(q, 0)));
    if (!sql_done(q, e))
        return false;
    if (strcmp(found, "ok") != 0)
        return err_set(e, ERR_CORRUPT, "database: %s" SQLITE_ADVICE, found);
    q = sqlite_sql(db, "PRAGMA user_version");
    if (sql_row(q))
        *version = sql_get_int(q, 0);
    return sql_done(q, e);
}

bool sqlite_copy(const char *from, const char *to, int64_t *version, struct err *e)
{
    AUTO(sqlite_close) struct sqlite *source = NULL, *copy = NULL;

    return (sqlite_open(from, SQLITE_FOR_READING, &source, e) &&
               sqlite_open(to, SQLITE_FOR_COPYING, &copy, e) && copy_pages(source, copy, e) &&
               sqlite_exec(copy, "PRAGMA journal_mode=DELETE", e) && is_whole(copy, version, e)) ||
           err_prefix(e, "copying %s", from);
}
