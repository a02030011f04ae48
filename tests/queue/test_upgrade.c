/* A queue.db of an earlier version: what the new tables and columns must know of rows that were there before. */
#include "queue/sqlite.h"
#include "queue/sqlite_schema.h"
#include "tests/queue/post.h"

#include <unistd.h>

static const char of_version_1[] =
    "INSERT INTO message(n, storefront, id, person, destination, state, priority, created_ms, "
    "due_ms,"
    "  expires_ms, reason) VALUES"
    " (1, 'acme', 'msg_1', 1, 'a.example', 0, 5, 1, 20, 99, ''),"
    " (2, 'acme', 'msg_2', 1, 'a.example', 2, 5, 1, 30, 99, 'greylisted'),"
    " (3, 'acme', 'msg_3', 1, 'a.example', 2, 5, 1, 10, 99, 'greylisted'),"
    " (4, 'acme', 'msg_4', 1, 'a.example', 3, 5, 1, 10, 99, 'operator'),"
    " (5, 'acme', 'msg_5', 1, 'b.example', 3, 5, 1, 10, 99, 'operator'),"
    " (6, 'acme', 'msg_6', 1, 'b.example', 4, 5, 1, 10, 99, '');"
    "INSERT INTO attachment(message, place, sealed) VALUES (2, 0, 'four'), (2, 1, 'and ten ch');"
    "INSERT INTO destination VALUES ('acme', 'a.example', 5, 10)";

static void expect(struct post *p, struct sqlite *db, const char *question, int64_t answer)
{
    struct sql *q = sqlite_sql(db, question);
    int64_t n = -1;

    if (sql_row(q))
        n = sql_get_int(q, 0);
    FINE(sql_done(q, &p->e));
    if (n != answer)
        fail_msg("%s: %lld", question, (long long)n);
}

static void what_waits_of_version_1_is_found_by_version_2(void **state)
{
    const struct sqlite_schema first = {
        "queue.db", sqlite_queue_schema.application, sqlite_queue_schema.migrations, 1};
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct sqlite *db;

    (void)state;
    queue_close(&p->q);
    assert_int_equal(unlink(post_file(p, "queue.db")), 0);
    FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_migrate(db, &first, &p->e));
    FINE(sqlite_exec(db, of_version_1, &p->e));
    FINE(sqlite_migrate(db, &sqlite_queue_schema, &p->e));
    expect(p, db, "SELECT count(*) FROM destination", 2);
    expect(
        p, db, "SELECT due_ms FROM destination WHERE state = 0 AND destination = 'a.example'", 20);
    expect(
        p, db, "SELECT due_ms FROM destination WHERE state = 2 AND destination = 'a.example'", 10);
    expect(p, db, "SELECT messages FROM held WHERE reason = 'operator'", 2);
    expect(p, db, "SELECT count(*) FROM held", 1);
    expect(p, db, "SELECT bytes FROM message WHERE n = 2", 14);
    expect(p, db, "SELECT sum(bytes) + sum(waits) FROM message WHERE n <> 2", 0);
    sqlite_close(&db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_of_version_1_is_found_by_version_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
