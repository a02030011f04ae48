/* A queue.db of an earlier version: what the new tables and columns must know of rows that were there before. */
#include "queue/sqlite.h"
#include "queue/sqlite_schema.h"
#include "tests/queue/post.h"

#include <stdio.h>
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
#define DUE_OF_A(state)                                                                            \
    "SELECT due_ms FROM destination d JOIN place l ON l.n = d.place WHERE state = " #state         \
    " AND l.destination = 'a.example'"

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
        "queue.db", sqlite_queue_schema.application, sqlite_queue_schema.migrations, 1, NULL};
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
    expect(p, db, DUE_OF_A(0), 20);
    expect(p, db, DUE_OF_A(2), 10);
    expect(p, db, "SELECT messages FROM held WHERE reason = 'operator'", 2);
    expect(p, db, "SELECT count(*) FROM held", 1);
    expect(p, db, "SELECT bytes FROM message WHERE n = 2", 14);
    expect(p, db, "SELECT sum(bytes) + sum(waits) FROM message WHERE n <> 2", 0);
    sqlite_close(&db);
}

/* ---- version 4 ---- */

/* A file of today, as version 3 would have written it. */
static const char as_version_3[] =
    "INSERT INTO meta SELECT * FROM o.meta WHERE name NOT LIKE 'indexed:%';"
    "INSERT INTO person SELECT * FROM o.person;"
    "INSERT INTO message(n, storefront, id, person, destination, state, priority, created_ms, "
    "due_ms,"
    "  expires_ms, attempts, unsure, reason, owner, owner_start, fence, lease_until_ms, waits, "
    "bytes)"
    "  SELECT m.n, m.storefront, id, person, l.destination, state, priority, created_ms, due_ms,"
    "  expires_ms, attempts, unsure, reason, owner, owner_start, fence, lease_until_ms, waits, "
    "bytes"
    "  FROM o.message m JOIN o.place l ON l.n = m.place;"
    "INSERT INTO payload SELECT n, stream, template, locale, bundle, date_ms, event, seq, "
    "occurred_ms,"
    "  sealed FROM o.payload;"
    "INSERT INTO attachment(message, place, sealed) SELECT n / 1024, n % 1024, sealed"
    "  FROM o.attachment;"
    "INSERT INTO order_event SELECT m.storefront, order_ref, parcel_ref, seq, m.id, m.n, event,"
    "  supersedes FROM o.payload p JOIN o.message m ON m.n = p.n WHERE order_ref IS NOT NULL;"
    "INSERT INTO destination SELECT l.storefront, l.destination, priority, state, due_ms"
    "  FROM o.destination d JOIN o.place l ON l.n = d.place;"
    "INSERT INTO tally SELECT * FROM o.tally; INSERT INTO held SELECT * FROM o.held;"
    "INSERT INTO content SELECT * FROM o.content; INSERT INTO chain SELECT * FROM o.chain;"
    "INSERT INTO suppression SELECT n, storefront, pepper, person, scope, reason, origin, evidence,"
    "  actor, since_ms, expires_ms, lifted_ms, lifted_by, lifted_why, note FROM o.suppression;"
    "INSERT INTO journal SELECT n, storefront, node, seq, at_ms, message_id, event, actor, facts,"
    "  commitment, hash, person, salt, sealed FROM o.journal;"
    "INSERT INTO idempotency_day SELECT * FROM o.idempotency_day;"
    "INSERT INTO idempotency_1 SELECT m.storefront, i.key, i.request, m.id, i.state, i.reason"
    "  FROM o.idempotency_1 i JOIN o.message m ON m.n = i.n;";

/* The tables of the file that was upgraded, beside those that were there before. */
static const char *const same[] = {"person", "message", "payload", "attachment", "destination",
    "tally", "held", "chain", "suppression", "journal", "idempotency_1"};

static void every_state(struct post *p)
{
    static const enum msg_state ends[] = {
        MSG_DELIVERED, MSG_BOUNCED, MSG_DEFERRED, MSG_HELD, MSG_EXPIRED, MSG_CANCELLED};
    struct attachment two[] = {{.filename = "a", .content_type = "b", .bytes = STR("first")},
        {.filename = "c", .content_type = "d", .bytes = STR("second")}};

    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct submission s = a_mail(p, "ada@example.com");

        s.order = (struct order_event){.order = STR("o-1"),
            .parcel = STR("p-1"),
            .event = "shipped",
            .supersedes = "",
            .seq = (int64_t)i + 1};
        s.attachments = two;
        s.attachments_n = i % 3;
        post_submit(p, &s);
        settle_as(p, claim_one(p), ends[i], i == 0 ? "" : "why");
    }
    struct submission s = a_mail(p, "bob@other.example");
    s.state = MSG_SUPPRESSED;
    s.reason = "suppressed";
    post_submit(p, &s);
    post_mail(p, "eve@example.com");
    claim_one(p);
    s = a_mail(p, "ada@example.com");
    s.idempotency_key = STR("key");
    s.order = (struct order_event){
        .order = STR("o-2"), .parcel = STR(""), .event = "shipped", .supersedes = "", .seq = 1};
    post_submit(p, &s);
    FINE(queue_note(p->q, SHOP, "seen", test_actor, s.id, STR("{}"), &p->e));
    FINE(queue_note(p->q, SHOP, "seen", test_actor, "msg_gone", STR("{}"), &p->e));
}

static void suppress(struct post *p, const char *address)
{
    struct suppression_new s = {
        .scope = "all", .reason = "operator", .origin = "test", .evidence = "", .actor = "tester"};
    bool added;

    FINE(queue_suppress(p->q, SHOP, str_of(address), &s, &added, &p->e));
}

/* Moves the file aside and puts in its place one of version 3 with the same rows, then brings that up to date. */
static void upgrade(struct post *p, const char *kept)
{
    const struct sqlite_schema third = {
        "queue.db", sqlite_queue_schema.application, sqlite_queue_schema.migrations, 3, NULL};
    struct sqlite *db;

    queue_close(&p->q);
    assert_int_equal(rename(post_file(p, "queue.db"), kept), 0);
    FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_migrate(db, &third, &p->e));
    FINE(sqlite_exec(db, arena_printf(p->a, "ATTACH '%s' AS o", kept), &p->e));
    FINE(sqlite_exec(db, as_version_3, &p->e));
    FINE(sqlite_exec(db, "DETACH o", &p->e));
    FINE(sqlite_migrate(db, &sqlite_queue_schema, &p->e));
    sqlite_close(&db);
}

static void expect_same_rows(struct post *p, const char *kept)
{
    struct sqlite *db;

    FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_READING, &db, &p->e));
    FINE(sqlite_exec(db, arena_printf(p->a, "ATTACH '%s' AS o", kept), &p->e));
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        expect(p, db, arena_printf(p->a, "SELECT count(*) > 0 FROM %s", same[i]), 1);
        expect(p, db,
            arena_printf(p->a, "SELECT count(*) FROM (SELECT * FROM %s EXCEPT SELECT * FROM o.%s)",
                same[i], same[i]),
            0);
        expect(p, db,
            arena_printf(p->a, "SELECT count(*) FROM (SELECT * FROM o.%s EXCEPT SELECT * FROM %s)",
                same[i], same[i]),
            0);
    }
    sqlite_close(&db);
}

static void version_4_has_all_that_version_3_had(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *kept = arena_printf(p->a, "%s/kept.db", p->dir);
    struct submission s;
    struct receipt r;

    (void)state;
    p->time.ms -= p->time.ms / 86400000 % 4 * 86400000 - 86400000; /* the day of idempotency_1 */
    post_reopen(p);
    every_state(p);
    suppress(p, "ada@example.com");
    suppress(p, "nobody@example.com");
    upgrade(p, kept);
    expect_same_rows(p, kept);
    post_reopen(p);
    expect_whole_chain(p, SHOP, "one");

    s = a_mail(p, "ada@example.com");
    s.idempotency_key = STR("key");
    r = post_submit(p, &s);
    assert_int_equal(r.result, SUBMIT_REPEATED);
    assert_string_equal(events_of(p, r.id.s), "accepted seen");
    assert_string_equal(events_of(p, "msg_gone"), "seen");
    s = a_mail(p, "ada@example.com");
    s.order = (struct order_event){.order = STR("o-2"),
        .parcel = STR(""),
        .event = "delayed",
        .supersedes = "shipped",
        .seq = 2};
    post_submit(p, &s);
    expect_state(p, r.id.s, MSG_CANCELLED, "superseded");
    assert_string_equal(events_of(p, r.id.s), "accepted seen cancelled");
    expect_whole_chain(p, SHOP, "one");
}

/* The person is found by the hash of before: there is no second row. */
static void version_4_knows_who_was_known(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *kept = arena_printf(p->a, "%s/kept.db", p->dir);
    struct sqlite *db;

    (void)state;
    post_mail(p, "ada@example.com");
    upgrade(p, kept);
    post_reopen(p);
    post_mail(p, "Ada@example.com");
    FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_READING, &db, &p->e));
    expect(p, db, "SELECT count(*) FROM person", 1);
    sqlite_close(&db);
}

/* ---- version 5 ---- */

/* A message in each state, in the order of their numbers. */
static const char of_each_state[] =
    "WITH RECURSIVE each(s) AS (SELECT 0 UNION ALL SELECT s + 1 FROM each WHERE s < 8)"
    " INSERT INTO message(n, storefront, id, person, place, state, priority, created_ms, due_ms,"
    "  expires_ms, reason, last, over)"
    "  SELECT s + 1, 'acme', 'msg_' || s, 1, 1, s, 5, 1, 20, 99, '', 1, s > 3 FROM each";
#define RARE(what)                                                                                 \
    "SELECT " what " FROM message INDEXED BY message_by_state WHERE storefront = 'acme'"           \
    " AND state <> 0 AND state <> 1 AND state <> 4"

static void version_5_lists_the_rare_states(void **state)
{
    const struct sqlite_schema fourth = {
        "queue.db", sqlite_queue_schema.application, sqlite_queue_schema.migrations, 4, NULL};
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct sqlite *db;

    (void)state;
    FINE(sqlite_open(post_file(p, "fourth.db"), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_migrate(db, &fourth, &p->e));
    FINE(sqlite_exec(db, of_each_state, &p->e));
    FINE(sqlite_migrate(db, &sqlite_queue_schema, &p->e));
    expect(p, db, RARE("count(*)"), 6);
    expect(p, db, RARE("sum(state)"), 2 + 3 + 5 + 6 + 7 + 8);
    FINE(sqlite_exec(db, "UPDATE message SET state = 7 WHERE state = 2", &p->e));
    expect(p, db, RARE("count(*)") " AND state = 7", 2);
    expect(p, db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'", 1);
    sqlite_close(&db);
}

/* ---- what it may take ---- */

/* The next statement of a migration, behind *at; NULL at its end. A trigger has more than one semicolon. */
static const char *next_statement(struct post *p, const char **at)
{
    const char *from = *at, *end = strchr(from, ';');

    if (!end)
        return NULL;
    if (strncmp(from, "CREATE TRIGGER", 14) == 0)
        end = strchr(strstr(from, "END;"), ';');
    *at = end + 1 + strspn(end + 1, " ");
    return arena_text(p->a, str_bytes(from, (size_t)(end + 1 - from)));
}

static void expect_no_sort(struct post *p, struct sqlite *db, const char *text)
{
    struct sql *q = sqlite_sql(db, arena_printf(p->a, "EXPLAIN QUERY PLAN %s", text));

    while (sql_row(q))
        if (strstr(sql_get_text(q, 3, p->a), "TEMP B-TREE"))
            fail_msg("%s: %s", sql_get_text(q, 3, p->a), text);
    FINE(sql_done(q, &p->e));
}

/* A sort would hold all that is sealed, which is most of the file. */
static void version_4_sorts_nothing_that_is_sealed(void **state)
{
    const struct sqlite_schema third = {
        "queue.db", sqlite_queue_schema.application, sqlite_queue_schema.migrations, 3, NULL};
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *at = sqlite_queue_schema.migrations[3], *text;
    struct sqlite *db;
    int copies = 0;

    (void)state;
    FINE(sqlite_open(post_file(p, "third.db"), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_migrate(db, &third, &p->e));
    while ((text = next_statement(p, &at))) {
        if (strstr(text, "SELECT") && strstr(text, "sealed") && !strstr(text, "TRIGGER")) {
            expect_no_sort(p, db, text);
            copies++;
        }
        FINE(sqlite_exec(db, text, &p->e));
    }
    assert_int_equal(copies, 3);
    sqlite_close(&db);
}

/* 1: in files; 2: in memory. What sorts for an index grows with the file. */
static void a_migration_sorts_in_files_and_the_service_in_memory(void **state)
{
    static const char *const steps[] = {
        "CREATE TABLE a(x)", "CREATE TABLE seen AS SELECT temp_store AS s FROM pragma_temp_store"};
    const struct sqlite_schema schema = {"a.db", 7, steps, COUNT_OF(steps), NULL};
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct sqlite *db;

    (void)state;
    FINE(sqlite_open(post_file(p, "a.db"), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_migrate(db, &schema, &p->e));
    expect(p, db, "SELECT s FROM seen", 1);
    expect(p, db, "PRAGMA temp_store", 2);
    sqlite_close(&db);
}

/* ---- new files ---- */

#define SHAPES(of)                                                                                 \
    "SELECT type, name, replace(replace(sql, '\"', ''), ' ', '') FROM " of "sqlite_schema"
#define OTHERS(a, b) "SELECT count(*) FROM (" SHAPES(a) " EXCEPT " SHAPES(b) ")"

static void a_new_file_has_the_tables_that_all_migrations_make(void **state)
{
    struct sqlite_schema by_steps = sqlite_queue_schema;
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *path = arena_printf(p->a, "%s/steps.db", p->dir);
    struct sqlite *db;

    (void)state;
    by_steps.tables = NULL;
    FINE(sqlite_open(path, SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_migrate(db, &by_steps, &p->e));
    FINE(sqlite_exec(db, arena_printf(p->a, "ATTACH '%s' AS o", post_file(p, "queue.db")), &p->e));
    expect(p, db, OTHERS("main.", "o."), 0);
    expect(p, db, OTHERS("o.", "main."), 0);
    expect(p, db, "SELECT count(*) > 40 FROM o.sqlite_schema", 1);
    sqlite_close(&db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_of_version_1_is_found_by_version_2),
        cmocka_unit_test(version_4_has_all_that_version_3_had),
        cmocka_unit_test(version_4_knows_who_was_known),
        cmocka_unit_test(version_5_lists_the_rare_states),
        cmocka_unit_test(version_4_sorts_nothing_that_is_sealed),
        cmocka_unit_test(a_migration_sorts_in_files_and_the_service_in_memory),
        cmocka_unit_test(a_new_file_has_the_tables_that_all_migrations_make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
