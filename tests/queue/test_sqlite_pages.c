/* A commit does not search the page cache, and what must go from it goes. Below stands SQLite's own cache, which counts. */
#include "queue/sqlite.h"
#include "tests/base/expect.h"
#include "tests/base/folder.h"

#include <sqlite3.h>
#include <stdlib.h>

static struct {
    sqlite3_pcache_methods2 real;
    int parked, searched;
} below;

static void count_rekey(sqlite3_pcache *c, sqlite3_pcache_page *p, unsigned from, unsigned to)
{
    below.parked++;
    below.real.xRekey(c, p, from, to);
}

static void count_truncation(sqlite3_pcache *c, unsigned number)
{
    below.searched++;
    below.real.xTruncate(c, number);
}

/* Before the house opens its first database, and puts its own before this. */
static int stand_below(void **state)
{
    sqlite3_pcache_methods2 counting;

    (void)state;
    if (sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &below.real) != SQLITE_OK)
        return 1;
    counting = below.real;
    counting.xRekey = count_rekey;
    counting.xTruncate = count_truncation;
    return sqlite3_config(SQLITE_CONFIG_PCACHE2, &counting);
}

struct room {
    struct folder folder;
    char path[128];
    struct sqlite *db;
    struct err e;
};

static void run(struct room *r, const char *text)
{
    if (!sqlite_exec(r->db, text, &r->e))
        fail_msg("%s: %s", text, r->e.text);
}

static void room_open(struct room *r)
{
    assert_int_equal(folder_open(&r->folder), 0);
    snprintf(r->path, sizeof r->path, "%s/pages.db", r->folder.path);
    assert_true(sqlite_open(r->path, SQLITE_FOR_WRITING, &r->db, &r->e));
    run(r, "CREATE TABLE t (k BLOB PRIMARY KEY, b BLOB) WITHOUT ROWID");
}

static void room_close(struct room *r)
{
    sqlite_close(&r->db);
    unlink(r->path);
    assert_int_equal(rmdir(r->folder.path), 0);
}

static int64_t ask(struct room *r, const char *text)
{
    struct sql *q = sqlite_sql(r->db, text);

    assert_true(sql_row(q));
    int64_t n = sql_get_int(q, 0);
    assert_true(sql_done(q, &r->e));
    return n;
}

static void expect_whole(struct room *r, int64_t rows)
{
    assert_int_equal(ask(r, "SELECT count(*) FROM t"), rows);
    assert_int_equal(
        ask(r, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}

/* Keys at random, so that the tree is balanced here and there. */
#define ADD_HUNDRED                                                                                \
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 100)"                \
    " INSERT INTO t SELECT randomblob(32), zeroblob(300) FROM c"

static void no_commit_searches_the_cache(void **state)
{
    struct room r = {0};

    (void)state;
    room_open(&r);
    below.parked = 0;
    for (int i = 0; i < 60; i++) {
        assert_true(sqlite_begin(r.db, &r.e));
        run(&r, ADD_HUNDRED);
        below.searched = 0; /* what the statement itself needed for a while is dropped with it */
        assert_true(sqlite_commit(r.db, &r.e));
        assert_int_equal(below.searched, 0);
    }
    assert_true(below.parked > 0);
    expect_whole(&r, 6000);
    room_close(&r);
}

static void what_was_rolled_back_is_forgotten(void **state)
{
    struct room r = {0};

    (void)state;
    room_open(&r);
    for (int i = 0; i < 20; i++) {
        run(&r, ADD_HUNDRED);
        assert_true(sqlite_begin(r.db, &r.e));
        for (int k = 0; k < 5; k++)
            run(&r, ADD_HUNDRED);
        sqlite_rollback(r.db);
    }
    expect_whole(&r, 2000);
    room_close(&r);
}

static void a_file_that_shrinks_takes_its_pages_along(void **state)
{
    struct room r = {0};

    (void)state;
    room_open(&r);
    for (int i = 0; i < 20; i++)
        run(&r, ADD_HUNDRED);
    below.searched = 0;
    run(&r, "DELETE FROM t WHERE k > x'20'; VACUUM");
    assert_true(below.searched > 0);
    int64_t left = ask(&r, "SELECT count(*) FROM t");
    for (int i = 0; i < 20; i++)
        run(&r, ADD_HUNDRED);
    expect_whole(&r, left + 2000);
    room_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_commit_searches_the_cache),
        cmocka_unit_test(what_was_rolled_back_is_forgotten),
        cmocka_unit_test(a_file_that_shrinks_takes_its_pages_along),
    };

    return cmocka_run_group_tests(tests, stand_below, NULL);
}
