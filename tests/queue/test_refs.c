/* Entries of an index that come later than their rows: whatever is asked for is found, by whoever asks, at any moment. */
#include "queue/sqlite_refs.h"
#include "queue/sqlite_schema.h"
#include "tests/queue/post.h"

#include <stdatomic.h>

#define GROUP 500

/* ---- the rows that are read under the lock for writing, by whichever thread writes ---- */

bool __real_sqlite_begin(struct sqlite *db, struct err *e);
bool __real_sqlite_commit(struct sqlite *db, struct err *e);
void __real_sqlite_rollback(struct sqlite *db);
bool __real_sql_row(struct sql *q);
bool __wrap_sqlite_begin(struct sqlite *db, struct err *e);
bool __wrap_sqlite_commit(struct sqlite *db, struct err *e);
void __wrap_sqlite_rollback(struct sqlite *db);
bool __wrap_sql_row(struct sql *q);

static _Thread_local bool locked;
static atomic_int read_locked, read_free;

bool __wrap_sqlite_begin(struct sqlite *db, struct err *e)
{
    locked = true;
    return __real_sqlite_begin(db, e);
}

bool __wrap_sqlite_commit(struct sqlite *db, struct err *e)
{
    locked = false;
    return __real_sqlite_commit(db, e);
}

void __wrap_sqlite_rollback(struct sqlite *db)
{
    locked = false;
    __real_sqlite_rollback(db);
}

bool __wrap_sql_row(struct sql *q)
{
    bool answer = __real_sql_row(q);

    if (answer)
        ++*(locked ? &read_locked : &read_free);
    return answer;
}

/* Persons in a table, and their entries. Hashes are made of the row's number. */
struct shelf {
    struct post *p;
    struct sqlite *db;
    struct refs *refs;
    int64_t n;
};

static struct digest hash_of(int64_t n)
{
    struct digest d;

    hash_sha256(str_bytes(&n, sizeof n), &d);
    return d;
}

static struct shelf open_shelf(struct post *p)
{
    struct shelf s = {.p = p};

    FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_WRITING, &s.db, &p->e));
    s.refs = refs_open(s.db);
    refs_begin(s.refs, true);
    return s;
}

static void close_shelf(struct shelf *s)
{
    refs_close(&s->refs);
    sqlite_close(&s->db);
}

static void begin(struct shelf *s, bool others_wrote)
{
    struct post *p = s->p;

    FINE(sqlite_begin(s->db, &p->e));
    refs_begin(s->refs, others_wrote);
    FINE(refs_ready(s->refs, &p->e));
}

static void put_rows(struct shelf *s, int64_t count, bool to_stay)
{
    struct post *p = s->p;

    for (int64_t i = 0; i < count; i++) {
        struct digest d = hash_of(to_stay ? ++s->n : -++s->n);
        struct sql *q = sqlite_sql(s->db, "INSERT INTO person(n, storefront, pepper, hash, "
                                          "created_ms) VALUES (?1, 'a', 1, ?2, 0)");

        sql_int(q, 1, s->n);
        sql_digest(q, 2, &d);
        FINE(sql_run(q, &p->e));
        refs_add(s->refs, REF_PERSON, &(struct ref){.k = ref_of(&d), .n = s->n});
    }
    FINE(refs_end(s->refs, &p->e));
}

static void commit_rows(struct shelf *s, int64_t count)
{
    struct post *p = s->p;

    for (int64_t done = 0; done < count; done += GROUP) {
        begin(s, false);
        put_rows(s, GROUP, true);
        FINE(sqlite_commit(s->db, &p->e));
    }
}

static int64_t count(struct shelf *s, const char *text)
{
    struct post *p = s->p;
    struct sql *q = sqlite_sql(s->db, text);
    int64_t n = -1;

    if (sql_row(q))
        n = sql_get_int(q, 0);
    FINE(sql_done(q, &p->e));
    return n;
}

static int64_t entries(struct shelf *s)
{
    return count(s, "SELECT count(*) FROM person_at");
}

/* Asks for each of the rows 1 to n. */
static void expect_all_found(struct shelf *s, int64_t n)
{
    struct post *p = s->p;

    begin(s, false);
    for (int64_t i = 1; i <= n; i++) {
        struct digest d = hash_of(i);
        struct ref_key k = ref_of(&d);
        struct sql *q = sqlite_sql(s->db, "SELECT n FROM person_at WHERE k = ?1");
        int64_t found = 0;

        FINE(refs_bring(s->refs, REF_PERSON, &k, &p->e));
        ref_bind(q, 1, &k);
        while (sql_row(q))
            if (sql_get_int(q, 0) == i)
                found++;
        FINE(sql_done(q, &p->e));
        if (found != 1)
            fail_msg("row %lld is found %lld times", (long long)i, (long long)found);
    }
    FINE(sqlite_commit(s->db, &p->e));
    assert_int_equal(entries(s), n);
}

static void entries_come_later_and_all_of_them(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct shelf s = open_shelf(p);

    (void)state;
    commit_rows(&s, 4 * GROUP);
    assert_true(entries(&s) < 2 * GROUP);
    commit_rows(&s, 46000);
    assert_true(entries(&s) > s.n / 2 && entries(&s) < s.n);
    expect_all_found(&s, s.n);
    close_shelf(&s);
}

/* A process that is killed leaves its entries behind: the next one knows from the rows what is missing. */
static void whoever_comes_next_finds_what_is_not_in_the_index(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    int64_t n = 0;

    (void)state;
    for (int64_t more = 7 * GROUP; n < 60000; more += 8 * GROUP) {
        struct shelf s = open_shelf(p);

        s.n = n;
        commit_rows(&s, more);
        n = s.n;
        close_shelf(&s);
    }
    struct shelf s = open_shelf(p);
    assert_true(entries(&s) < n);
    assert_in_range(
        n - count(&s, "SELECT value FROM meta WHERE name = 'indexed:person'"), 1, 40000);
    expect_all_found(&s, n);
    close_shelf(&s);
}

static void what_was_rolled_back_leaves_nothing_and_takes_nothing_away(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct shelf s = open_shelf(p);

    (void)state;
    for (int i = 0; i < 14; i++) {
        commit_rows(&s, 6 * GROUP);
        int64_t n = s.n, before = entries(&s);
        begin(&s, false);
        put_rows(&s, 3 * GROUP, false); /* pieces go over meanwhile */
        assert_true(entries(&s) > before);
        sqlite_rollback(s.db);
        refs_undo(s.refs);
        assert_int_equal(entries(&s), before);
        s.n = n;
    }
    close_shelf(&s);
    struct shelf next = open_shelf(p);
    expect_all_found(&next, s.n);
    close_shelf(&next);
}

static void what_another_process_wrote_is_found(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct shelf s = open_shelf(p), other = open_shelf(p);

    (void)state;
    for (int i = 0; i < 10; i++) {
        begin(&s, true);
        put_rows(&s, 2 * GROUP, true);
        FINE(sqlite_commit(s.db, &p->e));
        other.n = s.n;
        begin(&other, true);
        put_rows(&other, 2 * GROUP, true);
        FINE(sqlite_commit(other.db, &p->e));
        s.n = other.n;
    }
    close_shelf(&other);
    begin(&s, true);
    FINE(sqlite_commit(s.db, &p->e));
    expect_all_found(&s, s.n);
    close_shelf(&s);
}

/* An error before a transaction began ends in refs_undo too: what was committed is not undone by it. */
static void what_was_committed_stays_when_the_next_transaction_does_not_begin(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct shelf s = open_shelf(p);

    (void)state;
    commit_rows(&s, 4 * GROUP);
    refs_committed(s.refs);
    refs_undo(s.refs);
    expect_all_found(&s, s.n);
    close_shelf(&s);
}

static void what_was_read_ahead_and_what_came_since_is_found(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct shelf s = open_shelf(p), other = open_shelf(p);

    (void)state;
    commit_rows(&other, 20 * GROUP);
    FINE(refs_look_ahead(s.refs, REF_PERSON, &p->e));
    commit_rows(&other, 2 * GROUP);
    s.n = other.n;
    read_locked = 0;
    begin(&s, true);
    assert_in_range(read_locked, 2 * GROUP, 2 * GROUP + REF_KINDS);
    FINE(sqlite_commit(s.db, &p->e));
    expect_all_found(&s, s.n);
    close_shelf(&other);
    close_shelf(&s);
}

/* Persons, parcels and keys that another process wrote, none of them in an index. */
static void others_write(struct post *p, int64_t from, int64_t to)
{
    static const char rows[] =
        "WITH RECURSIVE i(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM i WHERE n < ?2) ";
    static const char *const into[] = {
        "INSERT INTO person(n, storefront, pepper, hash, created_ms) SELECT n, 'acme', 1, "
        "randomblob(32), 0 FROM i",
        "INSERT INTO payload(n, stream, template, locale, bundle, date_ms, event, seq, occurred_ms,"
        " order_ref, parcel_ref, supersedes, sealed) SELECT n, 's', 't', 'en', randomblob(32), 0,"
        " '', 1, 0, randomblob(32), randomblob(32), '', '' FROM i",
        "INSERT INTO idempotency_2 SELECT n, randomblob(32), randomblob(32), 0, '' FROM i",
        "INSERT INTO message(n, storefront, id, person, place, state, priority, created_ms, due_ms,"
        " expires_ms, reason, last, over)"
        " SELECT n, 'acme', 'msg_' || n, n, 1, 5, 5, 0, 0, 0, '', 0, 1 FROM i"};
    AUTO(sqlite_close) struct sqlite *db = NULL;

    FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_begin(db, &p->e));
    for (size_t i = 0; i < COUNT_OF(into); i++) {
        struct sql *q = sqlite_sql(db, arena_printf(p->a, "%s %s", rows, into[i]));

        sql_int(q, 1, from);
        sql_int(q, 2, to);
        FINE(sql_run(q, &p->e));
    }
    FINE(sqlite_commit(db, &p->e));
}

/* A `send` beside a busy service; then a service that rested while others wrote. */
static void what_others_wrote_is_not_read_under_the_lock(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);

    (void)state;
    post_mail(p, "ada@example.com");
    for (int64_t n = 1000; n <= 20000; n *= 20) {
        struct submission s = a_mail(p, "ada@example.com");

        if (n == 1000) {
            queue_close(&p->q);
            others_write(p, n, n + 4999);
            p->q = post_start(p, QUEUE_TOOL, "two");
        } else
            others_write(p, n, n + 4999);
        s.idempotency_key = STR("key");
        read_locked = read_free = 0;
        post_submit(p, &s);
        assert_in_range(read_free, 15000, 15100);
        assert_in_range(read_locked, 1, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_later_and_all_of_them),
        cmocka_unit_test(whoever_comes_next_finds_what_is_not_in_the_index),
        cmocka_unit_test(what_was_rolled_back_leaves_nothing_and_takes_nothing_away),
        cmocka_unit_test(what_another_process_wrote_is_found),
        cmocka_unit_test(what_was_committed_stays_when_the_next_transaction_does_not_begin),
        cmocka_unit_test(what_was_read_ahead_and_what_came_since_is_found),
        cmocka_unit_test(what_others_wrote_is_not_read_under_the_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
