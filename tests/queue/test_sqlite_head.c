/* What the answers of test_news.c stand on: the head of the log's index, whose commit is whose, the sieve. */
#include "queue/sqlite_head.h"

#include "queue/sieve.h"
#include "queue/sqlite.h"
#include "tests/queue/post.h"

#include <sqlite3.h>

static void open_table(struct post *p, struct sqlite **db)
{
    FINE(sqlite_open(post_file(p, "x.db"), SQLITE_FOR_WRITING, db, &p->e));
    FINE(sqlite_exec(*db, "CREATE TABLE IF NOT EXISTS t(n)", &p->e));
}

static int64_t stamp_of(struct post *p, struct sqlite_pool *pool)
{
    int64_t stamp;

    FINE(sqlite_pool_stamp(pool, &stamp, &p->e));
    return stamp;
}

static bool commit_sql(struct post *p, struct sqlite *db, const char *sql, struct sqlite_pool *pool,
    struct sqlite *between, int64_t *stamp)
{
    struct sqlite_turn turn;

    FINE(sqlite_begin(db, &p->e));
    sqlite_pool_begun(pool, db, &turn);
    FINE(sqlite_exec(db, sql, &p->e));
    FINE(sqlite_commit(db, &p->e));
    if (between)
        FINE(sqlite_exec(between, "INSERT INTO t VALUES (2)", &p->e));
    return sqlite_pool_ended(pool, &turn, stamp);
}

static void the_head_is_looked_at_and_moves_with_every_commit(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct sqlite *one, *two;
    struct sqlite_pool *pool;
    int64_t before, now;

    (void)state;
    open_table(p, &one);
    open_table(p, &two);
    FINE(sqlite_pool_open(post_file(p, "x.db"), 2, &pool, &p->e));
    assert_true(sqlite_pool_is_quick(pool));
    before = stamp_of(p, pool);
    assert_int_equal(stamp_of(p, pool), before);
    FINE(sqlite_exec(one, "BEGIN IMMEDIATE; INSERT INTO t VALUES (0); ROLLBACK", &p->e));
    assert_int_equal(stamp_of(p, pool), before);
    for (int i = 0; i < 100; i++) {
        FINE(sqlite_exec(i % 2 ? one : two, "INSERT INTO t VALUES (1)", &p->e));
        now = stamp_of(p, pool);
        assert_true(now > before);
        assert_int_equal(stamp_of(p, pool), now);
        before = now;
        if (i == 50)
            FINE(sqlite_exec(one, "PRAGMA wal_checkpoint(TRUNCATE)", &p->e));
    }
    sqlite_pool_close(&pool);
    sqlite_close(&one);
    sqlite_close(&two);
}

static uint32_t commits_of(struct sqlite *db)
{
    struct sqlite_head head;

    assert_true(sqlite_head_read(sqlite_head_of(db), &head));
    return sqlite_head_commits(&head);
}

/* Whether SQLite writes what it took back is its own affair: the count shows what it did. */
static void only_a_commit_that_wrote_counts_as_ours(void **state)
{
    static const struct {
        const char *name, *sql;
        bool wrote, either;
    } cases[] = {
        {"a row", "INSERT INTO t VALUES (1)", true, false},
        {"nothing", "", false, false},
        {"a question", "SELECT count(*) FROM t", false, false},
        {"a change of no row", "UPDATE t SET n = 9 WHERE n = 8", false, false},
        {"a row that was taken back",
            "SAVEPOINT s; INSERT INTO t VALUES (3); ROLLBACK TO s; RELEASE s", false, true},
        {"a row, and one that was taken back",
            "INSERT INTO t VALUES (1);"
            "SAVEPOINT s; INSERT INTO t VALUES (3); ROLLBACK TO s; RELEASE s",
            true, false},
        {"a row of a table of its own",
            "CREATE TEMP TABLE IF NOT EXISTS u(n);"
            "INSERT INTO u VALUES (1)",
            false, false},
    };
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct sqlite *one, *two;
    struct sqlite_pool *pool;
    int64_t after;

    (void)state;
    open_table(p, &one);
    open_table(p, &two);
    FINE(sqlite_pool_open(post_file(p, "x.db"), 2, &pool, &p->e));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t before = commits_of(one);
        bool alone = commit_sql(p, one, cases[i].sql, pool, NULL, &after);
        bool wrote = commits_of(one) == before + 1;

        if (alone != wrote || sqlite_wrote(one) != wrote ||
            (!cases[i].either && wrote != cases[i].wrote))
            fail_msg("%s: alone %d, wrote %d", cases[i].name, alone, wrote);
        if (alone)
            assert_int_equal(stamp_of(p, pool), after);
        if (commit_sql(p, one, cases[i].sql, pool, two, &after))
            fail_msg("%s, and somebody else: taken for ours", cases[i].name);
    }
    sqlite_pool_close(&pool);
    sqlite_close(&one);
    sqlite_close(&two);
}

static void a_head_that_is_being_written_is_none(void **state)
{
    static const struct {
        const char *name;
        size_t word;
        uint32_t value;
        bool both, readable;
    } cases[] = {
        {"whole", 4, 7, true, true},
        {"its copies differ", 4, 8, false, false},
        {"of another version", 0, 3008000, true, false},
        {"not initialised", 3, 0, true, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t words[2 * SQLITE_HEAD_WORDS] = {3007000, 0, 42, 1, 7};
        struct sqlite_head head;

        memcpy(words + SQLITE_HEAD_WORDS, words, sizeof head);
        words[cases[i].word] = cases[i].value;
        if (cases[i].both)
            words[SQLITE_HEAD_WORDS + cases[i].word] = cases[i].value;
        if (sqlite_head_read(words, &head) != cases[i].readable)
            fail_msg("%s", cases[i].name);
        if (cases[i].readable)
            assert_int_equal(sqlite_head_commits(&head), 42);
    }
}

/* The number behind the two copies of the head is that of the pages that are written back. */
static void what_was_written_back_is_so_no_more_but_not_while_another_checkpoint_runs(void **state)
{
    enum { CHECKPOINTS = 1 }; /* the lock */
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct sqlite *one;
    sqlite3 *other;
    sqlite3_file *f;

    (void)state;
    open_table(p, &one);
    FINE(sqlite_exec(one, "INSERT INTO t VALUES (1); PRAGMA wal_checkpoint(PASSIVE)", &p->e));
    const volatile uint32_t *written_back = sqlite_head_of(one) + 2 * SQLITE_HEAD_WORDS;
    assert_int_equal(sqlite3_open(post_file(p, "x.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "SELECT * FROM t", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_file_control(other, "main", SQLITE_FCNTL_FILE_POINTER, &f);
    assert_int_equal(
        f->pMethods->xShmLock(f, CHECKPOINTS, 1, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE),
        SQLITE_OK);
    assert_false(sqlite_write_back_anew(one));
    assert_true(*written_back > 0);
    f->pMethods->xShmLock(f, CHECKPOINTS, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
    assert_true(sqlite_write_back_anew(one));
    assert_int_equal(*written_back, 0);
    sqlite3_close(other);
    sqlite_close(&one);
}

static struct keyed numbered(uint64_t n)
{
    struct keyed who = {.n = 2};

    hash_sha256(str_bytes(&n, sizeof n), &who.hash[1]);
    n += 1000000000;
    hash_sha256(str_bytes(&n, sizeof n), &who.hash[0]);
    return who;
}

static void a_sieve_denies_nobody_who_was_put_in_and_most_others(void **state)
{
    struct sieve *s = sieve_open(4096);
    struct keyed nobody = {.n = 0};
    size_t passed = 0;

    (void)state;
    for (uint64_t i = 0; i < 2000; i++) {
        struct keyed who = numbered(i);

        sieve_put(s, &who.hash[1]); /* the older of two hashes counts as well */
    }
    for (uint64_t i = 0; i < 2000; i++) {
        struct keyed in = numbered(i), out = numbered(i + 2000);

        assert_true(sieve_may_hold(s, &in));
        passed += sieve_may_hold(s, &out);
    }
    assert_in_range(passed, 0, 200); /* about 90: two hashes of 2.2 % each */
    assert_false(sieve_may_hold(s, &nobody));
    sieve_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_head_is_looked_at_and_moves_with_every_commit),
        cmocka_unit_test(only_a_commit_that_wrote_counts_as_ours),
        cmocka_unit_test(a_head_that_is_being_written_is_none),
        cmocka_unit_test(what_was_written_back_is_so_no_more_but_not_while_another_checkpoint_runs),
        cmocka_unit_test(a_sieve_denies_nobody_who_was_put_in_and_most_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
