/* Entries of an index that come later than their rows: whatever is asked for is found, by whoever asks, at any moment. */
#include "queue/sqlite_refs.h"
#include "queue/sqlite_schema.h"
#include "tests/queue/post.h"

#define GROUP 500

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_later_and_all_of_them),
        cmocka_unit_test(whoever_comes_next_finds_what_is_not_in_the_index),
        cmocka_unit_test(what_was_rolled_back_leaves_nothing_and_takes_nothing_away),
        cmocka_unit_test(what_another_process_wrote_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
