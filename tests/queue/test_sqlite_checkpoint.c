/* The log goes back into the database beside the commits: none of them waits for it, the file does not grow for ever, and
 * what fails is told and loses nothing. */
#include "queue/sqlite.h"
#include "tests/base/expect.h"
#include "tests/base/folder.h"
#include "tests/support/faulty_disk.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define PAGES 100
#define PAGES_MAX 400
#define ROWS 20 /* of a transaction; each is about a page */
#define PAGE 4120
#define AHEAD (1 << 20) /* by which the log is longer than what is in it */

struct room {
    struct folder folder;
    char path[128];
    struct sqlite *db;
    int64_t rows;
};

static void room_open(struct room *r, int pages)
{
    struct err e = {0};

    *r = (struct room){0};
    assert_int_equal(folder_open(&r->folder), 0);
    snprintf(r->path, sizeof r->path, "%s/checked.db", r->folder.path);
    assert_true(sqlite_open(r->path, SQLITE_FOR_WRITING, &r->db, &e));
    assert_true(sqlite_exec(r->db, "CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)", &e));
    sqlite_log_limit(r->db, pages, PAGES_MAX);
}

static void room_close(struct room *r)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char path[160];

    sqlite_close(&r->db);
    EACH(end, ends)
    {
        snprintf(path, sizeof path, "%s%s", r->path, *end);
        unlink(path);
    }
    assert_int_equal(rmdir(r->folder.path), 0);
}

static int64_t log_bytes(const struct room *r)
{
    char path[160];
    struct stat s;

    snprintf(path, sizeof path, "%s-wal", r->path);
    return stat(path, &s) == 0 ? s.st_size : 0;
}

static void add_rows(struct room *r, int n)
{
    struct err e = {0};

    if (!sqlite_begin(r->db, &e))
        fail_msg("begin: %s", e.text);
    for (int i = 0; i < n; i++)
        if (!sqlite_exec(r->db, "INSERT INTO t (b) VALUES (zeroblob(3000))", &e))
            fail_msg("insert: %s", e.text);
    if (!sqlite_commit(r->db, &e))
        fail_msg("commit: %s", e.text);
    r->rows += n;
}

static int64_t count(struct sqlite *db, const char *table_or_check)
{
    struct sql *q = sqlite_sql(db, table_or_check);
    struct err e = {0};

    assert_true(sql_row(q));
    int64_t n = sql_get_int(q, 0);
    assert_true(sql_done(q, &e));
    return n;
}

static int64_t rows_seen(const struct room *r)
{
    AUTO(sqlite_close) struct sqlite *db = NULL;
    struct err e = {0};

    assert_true(sqlite_open(r->path, SQLITE_FOR_READING, &db, &e));
    assert_int_equal(
        count(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
    return count(db, "SELECT count(*) FROM t");
}

/* For what another thread does; who waits in vain is ended by the test's own limit. */
static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void what_is_written_without_pause_does_not_grow_the_log_for_ever(void **state)
{
    struct room r;

    (void)state;
    room_open(&r, PAGES);
    for (int i = 0; i < 300; i++) {
        add_rows(&r, ROWS);
        assert_true(log_bytes(&r) < (PAGES_MAX + 2 * ROWS) * PAGE + AHEAD);
    }
    assert_int_equal(rows_seen(&r), r.rows);
    room_close(&r);
}

/* Long before the writer would have to do it: five hundred rows are as many pages of log, and one day they need no more room. */
static void the_thread_lets_the_log_begin_anew_between_two_commits(void **state)
{
    struct room r;
    int64_t before;

    (void)state;
    room_open(&r, PAGES);
    sqlite_log_limit(r.db, PAGES, 1 << 30);
    do {
        before = log_bytes(&r);
        for (int i = 0; i < 500; i++)
            add_rows(&r, 1);
    } while (log_bytes(&r) != before);
    assert_true(before >= PAGES * PAGE);
    assert_int_equal(rows_seen(&r), r.rows);
    room_close(&r);
}

static void who_reads_for_long_keeps_his_view_and_the_log_until_he_leaves(void **state)
{
    struct room r;
    struct sqlite *reader;
    struct err e = {0};

    (void)state;
    room_open(&r, PAGES);
    add_rows(&r, ROWS);
    assert_true(sqlite_open(r.path, SQLITE_FOR_READING, &reader, &e));
    assert_true(sqlite_exec(reader, "BEGIN", &e));
    assert_int_equal(count(reader, "SELECT count(*) FROM t"), ROWS);
    for (int i = 0; i < 100; i++)
        add_rows(&r, ROWS);
    assert_int_equal(count(reader, "SELECT count(*) FROM t"), ROWS);
    int64_t grown = log_bytes(&r);
    assert_true(grown > 100 * ROWS * 3000);
    assert_true(sqlite_log_is_well(r.db, &e));
    assert_true(sqlite_exec(reader, "COMMIT", &e));
    sqlite_close(&reader);
    for (int i = 0; i < 100; i++)
        add_rows(&r, ROWS);
    assert_true(log_bytes(&r) < grown + (PAGES + 4 * ROWS) * PAGE + AHEAD);
    assert_int_equal(rows_seen(&r), r.rows);
    room_close(&r);
}

static void emptying_the_log_meets_no_checkpoint_of_our_own(void **state)
{
    struct room r;
    struct err e = {0};

    (void)state;
    room_open(&r, ROWS);
    for (int i = 0; i < 100; i++) {
        add_rows(&r, 2 * ROWS);
        if (!sqlite_log_empty(r.db, &e))
            fail_msg("%s", e.text);
        assert_int_equal(log_bytes(&r), 0);
    }
    assert_int_equal(rows_seen(&r), r.rows);
    room_close(&r);
}

/* The writes that fail are those of the database alone: each commit succeeds, and the log keeps it. */
static void a_checkpoint_that_fails_is_told_and_loses_nothing(void **state)
{
    static const struct disk_fault faults[] = {
        {DISK_WRITE, "checked.db", SQLITE_FULL, .from = 1, .stays = true, .only_database = true},
        {DISK_WRITE, "checked.db", SQLITE_IOERR_WRITE, .from = 3, .stays = true,
            .only_database = true},
        {DISK_SYNC, "checked.db", SQLITE_IOERR_FSYNC, .from = 1, .stays = true,
            .only_database = true},
    };

    (void)state;
    EACH(fault, faults)
    {
        struct room r;
        struct err e = {0};

        room_open(&r, PAGES);
        faulty_disk_break(fault);
        while (sqlite_log_is_well(r.db, &e)) {
            add_rows(&r, ROWS);
            nap();
        }
        assert_int_equal(e.code, fault->code == SQLITE_FULL ? ERR_FULL : ERR_IO);
        add_rows(&r, ROWS);
        assert_false(sqlite_log_is_well(r.db, &e));
        assert_int_equal(rows_seen(&r), r.rows);
        assert_true(faulty_disk_mend());
        while (!sqlite_log_is_well(r.db, &e)) {
            sqlite_log_retry(r.db);
            nap();
        }
        assert_int_equal(rows_seen(&r), r.rows);
        room_close(&r);
    }
}

/* The database's pages, before a sync of it failed and since. */
#define FILE_PAGES 4096
static bool sync_failed, written[2][FILE_PAGES];

static void note_page(enum disk_op op, bool is_database, int64_t at, bool fine)
{
    if (!is_database)
        return;
    if (op == DISK_SYNC && !fine)
        sync_failed = true;
    if (op == DISK_WRITE && at / 4096 < FILE_PAGES)
        written[sync_failed][at / 4096] = true;
}

static uint64_t salts_of_log(const struct room *r)
{
    uint64_t salts = 0;
    char path[160];

    snprintf(path, sizeof path, "%s-wal", r->path);
    FILE *f = fopen(path, "rb");
    assert_true(f && fseek(f, 16, SEEK_SET) == 0 && fread(&salts, sizeof salts, 1, f) == 1);
    fclose(f);
    return salts;
}

/* The reader sees to it that the pass is one in part, which SQLite does not sync. */
static void fail_a_sync_after_a_pass(struct room *r, bool stays)
{
    const struct disk_fault fault = {DISK_SYNC, "checked.db", SQLITE_IOERR_FSYNC, .from = 1,
        .stays = stays, .only_database = true};
    struct sqlite *reader;
    struct err e = {0};

    for (int i = 0; i < 10; i++)
        add_rows(r, ROWS);
    assert_true(sqlite_open(r->path, SQLITE_FOR_READING, &reader, &e));
    assert_true(sqlite_exec(reader, "BEGIN", &e));
    assert_int_equal(count(reader, "SELECT count(*) FROM t"), r->rows);
    add_rows(r, ROWS);
    sync_failed = false;
    memset(written, 0, sizeof written);
    faulty_disk_watch(note_page);
    faulty_disk_break(&fault);
    sqlite_log_limit(r->db, PAGES, 1 << 30);
    add_rows(r, ROWS);
    while (sqlite_log_is_well(r->db, &e))
        nap();
    assert_true(sqlite_exec(reader, "COMMIT", &e));
    sqlite_close(&reader);
}

static void after_a_sync_that_failed_each_page_is_written_again_before_the_log_begins_anew(
    void **state)
{
    (void)state;
    for (int stays = 0; stays < 2; stays++) {
        struct room r;
        struct err e = {0};
        int first = 0, again = 0;

        room_open(&r, 1 << 30);
        fail_a_sync_after_a_pass(&r, stays);
        uint64_t before = salts_of_log(&r);
        for (int i = 0; stays && i < 10; i++) {
            sqlite_log_retry(r.db);
            add_rows(&r, ROWS);
        }
        assert_true(salts_of_log(&r) == before || !stays);
        assert_true(faulty_disk_mend());
        while (!sqlite_log_is_well(r.db, &e)) {
            sqlite_log_retry(r.db);
            nap();
        }
        while (salts_of_log(&r) == before)
            add_rows(&r, 1);
        faulty_disk_watch(NULL);
        for (int i = 0; i < FILE_PAGES; i++) {
            first += written[0][i];
            again += written[0][i] && written[1][i];
        }
        assert_true(first > 10 * ROWS / 2);
        assert_int_equal(again, first);
        assert_int_equal(rows_seen(&r), r.rows);
        room_close(&r);
    }
}

/* Which thread, and when, wrote to the database. */
static _Thread_local bool in_commit;
static _Atomic int in_commits, elsewhere;

static void note_write(enum disk_op op, bool is_database, int64_t at, bool fine)
{
    (void)at;
    (void)fine;
    if (!is_database || (op != DISK_WRITE && op != DISK_SYNC))
        return;
    if (in_commit)
        in_commits++;
    else
        elsewhere++;
}

static void no_commit_writes_to_the_database(void **state)
{
    struct room r;
    struct err e = {0};

    (void)state;
    room_open(&r, PAGES);
    in_commits = elsewhere = 0;
    faulty_disk_watch(note_write);
    while (elsewhere < 1000) {
        assert_true(sqlite_begin(r.db, &e));
        in_commit = true;
        for (int i = 0; i < ROWS; i++)
            assert_true(sqlite_exec(r.db, "INSERT INTO t (b) VALUES (zeroblob(3000))", &e));
        assert_true(sqlite_commit(r.db, &e));
        in_commit = false;
        r.rows += ROWS;
    }
    faulty_disk_watch(NULL);
    assert_int_equal(in_commits, 0);
    assert_int_equal(rows_seen(&r), r.rows);
    room_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_without_pause_does_not_grow_the_log_for_ever),
        cmocka_unit_test(the_thread_lets_the_log_begin_anew_between_two_commits),
        cmocka_unit_test(who_reads_for_long_keeps_his_view_and_the_log_until_he_leaves),
        cmocka_unit_test(emptying_the_log_meets_no_checkpoint_of_our_own),
        cmocka_unit_test(a_checkpoint_that_fails_is_told_and_loses_nothing),
        cmocka_unit_test(
            after_a_sync_that_failed_each_page_is_written_again_before_the_log_begins_anew),
        cmocka_unit_test(no_commit_writes_to_the_database),
    };

    faulty_disk_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
