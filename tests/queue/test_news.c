/* What is remembered between two questions: API keys, suppressions, persons' keys. Whatever another process committed before a
 * question counts in its answer, however our own commits fall between. */
#include "queue/sieve.h"
#include "queue/sqlite.h"
#include "queue/sqlite_head.h"
#include "queue/vault.h"
#include "tests/queue/post.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 60

/* ---- another process, which does one thing at a time as it is told ---- */

struct order {
    char verb; /* 's' suppress, 'e' erase, 'n' new API key, 'r' revoke it */
    char text[80];
};

struct other {
    pid_t pid;
    int to, from;
};

static bool suppress(struct queue *q, const char *address, struct err *e)
{
    struct suppression_new s = {.scope = "*", .reason = "manual", .origin = "staff"};
    bool added;

    return queue_suppress(q, SHOP, str_of(address), &s, &added, e) && added;
}

static bool erase(struct post *p, const char *address)
{
    struct vault *v;
    struct keyed who;
    uint64_t n = 0;
    bool fine;

    keyed_person(p->keys, SHOP, str_of(address), &who);
    if (!vault_open(post_file(p, "keys.db"), p->keys, &p->clock, &v, &p->e))
        return false;
    /* Busy: erased, but the service reads the log. */
    fine = vault_erase(v, SHOP, &who, &n, &p->e) || p->e.code == ERR_BUSY;
    vault_close(&v);
    return fine && n > 0;
}

static bool obey(struct post *p, struct queue *q, struct order *o)
{
    enum change_result done;
    struct api_key made;
    const char *secret;

    switch (o->verb) {
    case 's':
        return suppress(q, o->text, &p->e);
    case 'e':
        return erase(p, o->text);
    case 'n':
        if (!queue_key_create(q, SHOP, "other", ROLE_SEND, test_actor, p->a, &made, &secret, &p->e))
            return false;
        snprintf(o->text, sizeof o->text, "%s", made.id);
        return true;
    default:
        return queue_key_revoke(q, SHOP, o->text, test_actor, &done, &p->e) && done == CHANGE_DONE;
    }
}

static _Noreturn void work(struct post *p, int in, int out)
{
    struct queue *q = post_start(p, QUEUE_TOOL, "two");
    struct order o;

    while (read(in, &o, sizeof o) == sizeof o) {
        if (!obey(p, q, &o))
            _exit(1);
        if (write(out, &o, sizeof o) != sizeof o)
            _exit(2);
    }
    _exit(0);
}

/* The queue is closed meanwhile: a child inherits none of its threads. */
static struct other other_start(struct post *p)
{
    int to[2], from[2];
    struct other o;

    queue_close(&p->q);
    assert_int_equal(pipe(to) | pipe(from), 0);
    o.pid = fork();
    if (o.pid == 0) {
        close(to[1]);
        work(p, to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    o.to = to[1];
    o.from = from[0];
    p->q = post_start(p, QUEUE_SERVE, "one");
    return o;
}

static void other_stop(struct other *o)
{
    int status;

    close(o->to);
    close(o->from);
    assert_int_equal(waitpid(o->pid, &status, 0), o->pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Done and committed when it returns. */
static const char *tell(struct post *p, struct other *o, char verb, const char *text)
{
    struct order order = {.verb = verb};

    snprintf(order.text, sizeof order.text, "%s", text);
    assert_int_equal(write(o->to, &order, sizeof order), sizeof order);
    assert_int_equal(read(o->from, &order, sizeof order), sizeof order);
    return arena_printf(p->a, "%s", order.text);
}

/* ---- suppressions ---- */

static void expect_standing(struct post *p, const char *address, size_t expected)
{
    struct suppression *rows;
    size_t n;

    FINE(queue_suppressions_of(p->q, SHOP, str_of(address), p->a, &rows, &n, &p->e));
    assert_int_equal(n, expected);
}

static void a_suppression_of_another_process_counts_at_once(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct other other = other_start(p);

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const char *one = arena_printf(p->a, "one-%d@example.com", i);
        const char *two = arena_printf(p->a, "two-%d@example.com", i);

        expect_standing(p, one, 0);
        if (i % 3 == 0) /* our own commits carry what is remembered on */
            post_mail(p, "ada@example.com");
        expect_standing(p, one, 0);
        if (i % 2 == 0)
            FINE(suppress(p->q, two, &p->e));
        tell(p, &other, 's', one);
        if (i % 5 == 0)
            post_mail(p, "ada@example.com");
        expect_standing(p, one, 1);
        expect_standing(p, two, i % 2 == 0);
        if (i % 5 == 1)
            tell(p, &other, 's', arena_printf(p->a, "ghost-%d@example.com", i));
        FINE(suppress(p->q, arena_printf(p->a, "three-%d@example.com", i), &p->e));
        expect_standing(p, arena_printf(p->a, "three-%d@example.com", i), 1);
    }
    post_reopen(p);
    expect_standing(p, "one-0@example.com", 1);
    expect_standing(p, "nobody@example.com", 0);
    other_stop(&other);
}

/* More than one question reads. */
static void everybody_on_a_long_list_is_found_from_the_first_question(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct sqlite *db;
    struct keyed who;

    (void)state;
    queue_close(&p->q);
    FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_begin(db, &p->e));
    for (int i = 0; i < 10000; i++) {
        struct sql *q = sqlite_sql(db,
            "INSERT INTO suppression(storefront, pepper, person, scope, reason, origin, evidence, "
            "actor, since_ms,"
            " expires_ms) VALUES (?1, 1, ?2, '*', 'manual', 'import', '', 'tester', 1, 0)");

        keyed_person(p->keys, SHOP, str_of(arena_printf(p->a, "p%d@example.com", i)), &who);
        sql_text(q, 1, SHOP);
        sql_digest(q, 2, &who.hash[0]);
        FINE(sql_run(q, &p->e));
    }
    FINE(sqlite_commit(db, &p->e));
    sqlite_close(&db);
    p->q = post_start(p, QUEUE_SERVE, "one");
    for (int i = 9999; i > 0; i -= 1111) {
        expect_standing(p, arena_printf(p->a, "p%d@example.com", i), 1);
        expect_standing(p, arena_printf(p->a, "q%d@example.com", i), 0);
    }
}

/* ---- erasures ---- */

static void an_erasure_of_another_process_counts_at_once(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct other other = other_start(p);

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const char *address = arena_printf(p->a, "p%d@example.com", i);
        const char *before = post_mail(p, address), *after;
        struct job *jobs;

        assert_true(str_is(show(p, before).address, address));
        if (i % 3 == 0)
            post_mail(p, arena_printf(p->a, "new-%d@example.com", i)); /* one more key */
        tell(p, &other, 'e', address);
        if (i % 2 == 0)
            post_mail(p, arena_printf(p->a, "newer-%d@example.com", i));
        assert_true(show(p, before).erased);
        after = post_mail(p, address);
        assert_true(str_is(show(p, after).address, address));
        assert_true(show(p, before).erased);
        jobs = claim_at(p, "example.com", 100, (size_t)(1 + (i % 2 == 0) + (i % 3 == 0)));
        (void)jobs;
        expect_state(p, before, MSG_CANCELLED, "erased");
    }
    other_stop(&other);
}

/* ---- API keys ---- */

static void a_revocation_of_another_process_counts_at_once(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct other other = other_start(p);

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct api_key made, found;
        const char *secret;

        FINE(queue_key_create(
            p->q, SHOP, "ours", ROLE_SEND, test_actor, p->a, &made, &secret, &p->e));
        FINE(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e));
        if (i % 2 == 0)
            tell(p, &other, 'n', "");
        if (i % 3 == 0)
            post_mail(p, "ada@example.com");
        FINE(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e));
        tell(p, &other, 'r', made.id);
        if (i % 5 == 0)
            post_mail(p, "ada@example.com");
        refused(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e), &p->e, ERR_DENIED);
    }
    other_stop(&other);
}

/* ---- persons ---- */

static const char *stored_keys(struct post *p)
{
    struct sqlite *db;
    struct sql *q;
    int64_t n = -1;

    FINE(sqlite_open(post_file(p, "keys.db"), SQLITE_FOR_READING, &db, &p->e));
    q = sqlite_sql(db, "SELECT count(*) FROM person_key");
    if (sql_row(q))
        n = sql_get_int(q, 0);
    FINE(sql_done(q, &p->e));
    sqlite_close(&db);
    return arena_printf(p->a, "%lld", (long long)n);
}

/* Those of a start are read a thousand at a time; the last cached ones would hide it. */
static void nobody_gets_a_second_key_after_a_restart(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);

    (void)state;
    for (int i = 0; i < 2500; i++)
        post_mail(p, arena_printf(p->a, "p%d@example.com", i));
    assert_string_equal(stored_keys(p), "2500");
    post_reopen(p);
    for (int i = 2499; i >= 0; i -= 7)
        post_mail(p, arena_printf(p->a, "p%d@example.com", i));
    assert_string_equal(stored_keys(p), "2500");
    post_mail(p, "new@example.com");
    assert_string_equal(stored_keys(p), "2501");
}

/* ---- below ---- */

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

static bool add_row(struct post *p, struct sqlite *db, struct sqlite_pool *pool,
    struct sqlite *between, int64_t *stamp)
{
    struct sqlite_turn turn;

    FINE(sqlite_begin(db, &p->e));
    sqlite_pool_begun(pool, &turn);
    FINE(sqlite_exec(db, "INSERT INTO t VALUES (1)", &p->e));
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
    int64_t before, after, now;

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
    assert_true(add_row(p, one, pool, NULL, &after));
    assert_int_equal(stamp_of(p, pool), after);
    assert_false(add_row(p, one, pool, two, &after));
    FINE(sqlite_begin(one, &p->e)); /* nothing written, nothing committed */
    struct sqlite_turn turn;
    sqlite_pool_begun(pool, &turn);
    FINE(sqlite_commit(one, &p->e));
    assert_false(sqlite_pool_ended(pool, &turn, &after));
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
        cmocka_unit_test(a_suppression_of_another_process_counts_at_once),
        cmocka_unit_test(everybody_on_a_long_list_is_found_from_the_first_question),
        cmocka_unit_test(an_erasure_of_another_process_counts_at_once),
        cmocka_unit_test(a_revocation_of_another_process_counts_at_once),
        cmocka_unit_test(nobody_gets_a_second_key_after_a_restart),
        cmocka_unit_test(the_head_is_looked_at_and_moves_with_every_commit),
        cmocka_unit_test(a_head_that_is_being_written_is_none),
        cmocka_unit_test(a_sieve_denies_nobody_who_was_put_in_and_most_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
