/* The log is written in one piece for each commit, and nothing is committed before it lies in the file; neighbours in it are
 * read at once, and only while a checkpoint copies. Below stands a VFS that counts what reaches the log, and can be full. */
#include "queue/sqlite.h"
#include "queue/sqlite_gather.h"
#include "tests/base/expect.h"
#include "tests/base/folder.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>

static struct {
    sqlite3_vfs vfs, *real;
    sqlite3_io_methods methods; /* of the log, but for the three below */
    const sqlite3_io_methods *real_methods;
    int writes, syncs, unsynced; /* unsynced: writes since the last sync */
    sqlite3_int64 end;           /* behind the last byte written */
    bool is_full, no_room_ahead;
    int reads;
    bool refuses_long_reads;
} below;

static bool is_zero(const char *p, int n)
{
    for (int i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static int count_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    below.writes += !is_zero(p, n); /* zeros are room behind the end */
    below.unsynced++;
    if (below.is_full || (below.no_room_ahead && is_zero(p, n)))
        return SQLITE_FULL;
    below.end = at + n > below.end ? at + n : below.end;
    return below.real_methods->xWrite(f, p, n, at);
}

static int count_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    below.reads++;
    if (below.refuses_long_reads && n > 4096)
        return SQLITE_IOERR_READ;
    return below.real_methods->xRead(f, p, n, at);
}

static int count_sync(sqlite3_file *f, int flags)
{
    below.syncs++;
    below.unsynced = 0;
    return below.real_methods->xSync(f, flags);
}

static int open_below(sqlite3_vfs *self, const char *name, sqlite3_file *f, int flags, int *out)
{
    int rc = below.real->xOpen(below.real, name, f, flags, out);

    (void)self;
    if (rc == SQLITE_OK && flags & SQLITE_OPEN_WAL) {
        below.real_methods = f->pMethods;
        below.methods = *f->pMethods;
        below.methods.xWrite = count_write;
        below.methods.xSync = count_sync;
        below.methods.xRead = count_read;
        f->pMethods = &below.methods;
    }
    return rc;
}

static int stand_below(void **state)
{
    (void)state;
    sqlite3_initialize();
    below.real = sqlite3_vfs_find(NULL);
    below.vfs = *below.real;
    below.vfs.zName = "counting";
    below.vfs.xOpen = open_below;
    return sqlite3_vfs_register(&below.vfs, 1);
}

struct room {
    struct folder folder;
    char path[128];
    struct sqlite *db;
};

static void room_open(struct room *r)
{
    struct err e = {0};

    assert_int_equal(folder_open(&r->folder), 0);
    snprintf(r->path, sizeof r->path, "%s/gather.db", r->folder.path);
    assert_true(sqlite_open(r->path, SQLITE_FOR_WRITING, &r->db, &e));
    assert_true(sqlite_exec(r->db, "CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)", &e));
    below.writes = below.syncs = below.unsynced = 0;
    below.is_full = false;
}

static void room_close(struct room *r)
{
    static const char *const names[] = {"gather.db", "copy.db"}, *const ends[] = {
                                                                     "", "-wal", "-shm"};
    char path[160];

    sqlite_close(&r->db);
    EACH(name, names)
    {
        EACH(end, ends)
        {
            snprintf(path, sizeof path, "%s/%s%s", r->folder.path, *name, *end);
            unlink(path);
        }
    }
    assert_int_equal(rmdir(r->folder.path), 0);
}

/* Rows of 3 KB, so that each dirties a page or more. */
static bool add_rows(struct room *r, int n, struct err *e)
{
    if (!sqlite_begin(r->db, e))
        return false;
    for (int i = 0; i < n; i++)
        if (!sqlite_exec(r->db, "INSERT INTO t (b) VALUES (zeroblob(3000))", e)) {
            sqlite_rollback(r->db);
            return false;
        }
    return sqlite_commit(r->db, e);
}

/* As another process would see it, and as this one would after a crash. */
static int64_t rows_seen(const char *path)
{
    struct sqlite *db;
    struct err e = {0};

    assert_true(sqlite_open(path, SQLITE_FOR_READING, &db, &e));
    struct sql *q = sqlite_sql(db, "SELECT count(*) FROM t");
    assert_true(sql_row(q));
    int64_t n = sql_get_int(q, 0);
    assert_true(sql_done(q, &e));
    sqlite_close(&db);
    return n;
}

static void copy(const char *from, const char *to)
{
    AUTO(buf_close) struct buf bytes = {0};
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    char piece[4096];

    assert_non_null(in);
    assert_non_null(out);
    for (size_t n; (n = fread(piece, 1, sizeof piece, in)) > 0;)
        assert_int_equal(fwrite(piece, 1, n, out), n);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

static void a_commit_is_one_write_and_one_sync(void **state)
{
    struct room r;
    struct err e = {0};

    (void)state;
    room_open(&r);
    assert_true(add_rows(&r, 20, &e));
    assert_int_equal(below.writes, 1);
    assert_int_equal(below.syncs, 1);
    assert_true(add_rows(&r, 200, &e)); /* 800 KB: more than is held */
    assert_true(below.writes > 5 && below.writes < 12);
    assert_int_equal(below.syncs, 2);
    assert_int_equal(below.unsynced, 0);
    room_close(&r);
}

/* Its length is what a file system writes down with a sync. */
static void a_log_grows_by_pieces(void **state)
{
    struct room r;
    struct err e = {0};
    char log[160];
    struct stat s;
    int64_t size = 0;
    int changes = 0, last = 0;

    (void)state;
    room_open(&r);
    snprintf(log, sizeof log, "%s-wal", r.path);
    for (int i = 1; i <= 300; i++) { /* some 5 MB */
        assert_true(add_rows(&r, 3, &e));
        assert_int_equal(stat(log, &s), 0);
        changes += s.st_size != size;
        if (s.st_size != size)
            last = i;
        size = s.st_size;
    }
    assert_true(last > 200); /* it does grow with what is written */
    assert_true(changes > 3 && changes < 20);
    assert_int_equal(rows_seen(r.path), 900);
    room_close(&r);
}

/* What was full for the zeros alone is as good. */
static void a_log_that_cannot_grow_ahead_grows(void **state)
{
    struct room r;
    struct err e = {0};

    (void)state;
    room_open(&r);
    below.no_room_ahead = true;
    for (int i = 0; i < 50; i++)
        assert_true(add_rows(&r, 3, &e));
    below.no_room_ahead = false;
    assert_int_equal(rows_seen(r.path), 150);
    room_close(&r);
}

static void what_is_committed_lies_in_the_file(void **state)
{
    struct room r;
    struct err e = {0};
    char path[160], log[160], log_copy[170];

    (void)state;
    room_open(&r);
    snprintf(path, sizeof path, "%s/copy.db", r.folder.path);
    snprintf(log, sizeof log, "%s-wal", r.path);
    snprintf(log_copy, sizeof log_copy, "%s-wal", path);
    for (int i = 1; i <= 3; i++) {
        assert_true(add_rows(&r, 10, &e));
        assert_int_equal(rows_seen(r.path), 10 * i);
        copy(r.path, path);
        copy(log, log_copy);
        assert_int_equal(rows_seen(path), 10 * i);
    }
    room_close(&r);
}

/* A cache of a few pages spills in the middle of a transaction and reads its own pages back from the log. */
static void what_is_held_is_read_back(void **state)
{
    struct room r;
    struct err e = {0};

    (void)state;
    room_open(&r);
    assert_true(sqlite_exec(r.db, "PRAGMA cache_size=10", &e));
    assert_true(sqlite_begin(r.db, &e));
    for (int i = 0; i < 20; i++) /* less than is held */
        assert_true(sqlite_exec(r.db, "INSERT INTO t (b) VALUES (zeroblob(3000))", &e));
    for (int i = 0; i < 2; i++) {
        struct sql *rows =
            sqlite_sql(r.db, "SELECT sum(length(b)) FROM t WHERE b = zeroblob(3000)");
        assert_true(sql_row(rows));
        assert_int_equal(sql_get_int(rows, 0), 60000);
        assert_true(sql_done(rows, &e));
    }
    for (int i = 0; i < 80; i++)
        assert_true(sqlite_exec(r.db, "INSERT INTO t (b) VALUES (zeroblob(3000))", &e));
    for (int i = 0; i < 3; i++)
        assert_true(sqlite_exec(r.db, "UPDATE t SET b = zeroblob(2900) WHERE n % 7 = 3", &e));
    assert_true(sqlite_exec(r.db, "DELETE FROM t WHERE n > 90", &e));
    assert_true(sqlite_commit(r.db, &e));
    assert_int_equal(rows_seen(r.path), 90);
    struct sql *q = sqlite_sql(r.db, "PRAGMA integrity_check");
    assert_true(sql_row(q));
    assert_true(str_is(sql_get_str(q, 0), "ok"));
    assert_true(sql_done(q, &e));
    room_close(&r);
}

static void a_full_disk_fails_the_commit_and_nothing_else(void **state)
{
    struct room r;
    struct err e = {0};

    (void)state;
    room_open(&r);
    assert_true(add_rows(&r, 10, &e));
    below.is_full = true;
    assert_false(add_rows(&r, 10, &e));
    assert_int_equal(e.code, ERR_FULL);
    assert_false(add_rows(&r, 300, &e)); /* already on its way */
    assert_int_equal(e.code, ERR_FULL);
    below.is_full = false;
    assert_int_equal(rows_seen(r.path), 10);
    assert_true(add_rows(&r, 5, &e));
    assert_int_equal(rows_seen(r.path), 15);
    room_close(&r);
}

/* A cache that spilled leaves pieces held when all is taken back. Another process may then commit where they would go. */
static void what_was_taken_back_is_not_written_over_others(void **state)
{
    struct room r;
    struct sqlite *other = NULL;
    struct err e = {0};

    (void)state;
    room_open(&r);
    assert_true(add_rows(&r, 5, &e));
    assert_true(sqlite_log_empty(r.db, &e)); /* a rollback reads nothing from it */
    assert_true(sqlite_exec(r.db, "PRAGMA cache_size=10", &e));
    assert_true(sqlite_begin(r.db, &e));
    for (int i = 0; i < 20; i++) /* less than is held */
        assert_true(sqlite_exec(r.db, "INSERT INTO t (b) VALUES (zeroblob(3000))", &e));
    sqlite_rollback(r.db);
    assert_true(sqlite_open(r.path, SQLITE_FOR_WRITING, &other, &e));
    assert_true(sqlite_exec(other, "INSERT INTO t (b) VALUES (zeroblob(40000))", &e));
    assert_true(add_rows(&r, 1, &e)); /* reads what the other wrote */
    sqlite_close(&other);
    assert_int_equal(rows_seen(r.path), 7);
    room_close(&r);
}

static void is_sound(struct sqlite *db)
{
    struct sql *q = sqlite_sql(db, "PRAGMA integrity_check");
    struct err e = {0};

    assert_true(sql_row(q));
    assert_true(str_is(sql_get_str(q, 0), "ok"));
    assert_true(sql_done(q, &e));
}

/* Two hundred pages. Where the disk refuses to read more than was asked for, each is read alone. */
static void a_checkpoint_reads_neighbours_at_once(void **state)
{
    (void)state;
    for (int refuses = 0; refuses < 2; refuses++) {
        struct room r;
        struct err e = {0};

        room_open(&r);
        for (int i = 0; i < 10; i++)
            assert_true(add_rows(&r, 20, &e));
        below.reads = 0;
        below.refuses_long_reads = refuses;
        assert_true(sqlite_log_empty(r.db, &e));
        below.refuses_long_reads = false;
        if (refuses)
            assert_in_range(below.reads, 200, 210);
        else
            assert_in_range(below.reads, 200 / 15, 200 / 4);
        is_sound(r.db);
        assert_int_equal(rows_seen(r.path), 200);
        room_close(&r);
    }
}

/* The next commit writes over what lies behind a checkpoint's pages. The next checkpoint copies that, and who reads between the
 * two sees it. */
static void what_a_checkpoint_has_read_it_forgets(void **state)
{
    struct room r;
    struct sqlite *copier;
    struct err e = {0};

    (void)state;
    room_open(&r);
    assert_true(add_rows(&r, 60, &e)); /* so long is the log */
    assert_true(sqlite_open(r.path, SQLITE_FOR_CHECKPOINTS, &copier, &e));
    for (int i = 0; i < 40; i++) {
        bool ends = i % 4 == 0; /* else the next one begins without a word */

        if (i % 2 == 0)
            sqlite_copies_log(copier, true);
        below.reads = 0;
        assert_true(sqlite_exec(copier, "PRAGMA wal_checkpoint(PASSIVE)", &e));
        if (i % 2 == 0)
            assert_in_range(below.reads, 1, i == 0 ? 10 : 3); /* of five pages and more */
        if (ends)
            sqlite_copies_log(copier, false);
        assert_true(add_rows(&r, 4, &e));
        if (ends)
            is_sound(copier);
    }
    sqlite_close(&copier);
    assert_true(sqlite_log_empty(r.db, &e));
    is_sound(r.db);
    assert_int_equal(rows_seen(r.path), 60 + 40 * 4);
    room_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_is_one_write_and_one_sync),
        cmocka_unit_test(a_log_grows_by_pieces),
        cmocka_unit_test(a_log_that_cannot_grow_ahead_grows),
        cmocka_unit_test(what_is_committed_lies_in_the_file),
        cmocka_unit_test(what_is_held_is_read_back),
        cmocka_unit_test(a_full_disk_fails_the_commit_and_nothing_else),
        cmocka_unit_test(what_was_taken_back_is_not_written_over_others),
        cmocka_unit_test(a_checkpoint_reads_neighbours_at_once),
        cmocka_unit_test(what_a_checkpoint_has_read_it_forgets),
    };

    return cmocka_run_group_tests(tests, stand_below, NULL);
}
