/* What is SQLite's own: files of other versions and programs, several processes, persons erased beside the queue. */
#include "queue/sqlite.h"
#include "queue/sqlite_schema.h"
#include "queue/vault.h"
#include "tests/queue/post.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- files ---- */

static void try_open(struct post *p, enum err_code code, const char *words)
{
    struct queue_setup setup = {.dir = p->data,
        .node = "one",
        .role = QUEUE_SERVE,
        .keys = p->keys,
        .clock = &p->clock,
        .lanes = 1};

    refused(queue_open(&setup, &p->q, &p->e), &p->e, code);
    if (!strstr(p->e.text, words))
        fail_msg("'%s' does not say '%s'", p->e.text, words);
}

static void files_that_are_not_ours_are_refused(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    char words[80];

    (void)state;
    queue_close(&p->q);
    snprintf(words, sizeof words, "queue.db has version 99, this program knows versions up to %zu",
        sqlite_queue_schema.n);
    post_change(p, "queue.db", "PRAGMA user_version=99");
    try_open(p, ERR_NEWER, words);
    post_change(p, "queue.db", "PRAGMA user_version=-1");
    try_open(p, ERR_CORRUPT, "queue.db has version -1");
    post_change(
        p, "queue.db", arena_printf(p->a, "PRAGMA user_version=%zu", sqlite_queue_schema.n));
    post_change(p, "keys.db", "PRAGMA user_version=7");
    try_open(p, ERR_NEWER, "keys.db has version 7");
    post_change(p, "keys.db", "PRAGMA user_version=1; PRAGMA application_id=1");
    try_open(p, ERR_CORRUPT, "keys.db was made by another program");
    assert_int_equal(rename(post_file(p, "keys.db"), post_file(p, "keys.away")), 0);
    try_open(p, ERR_CORRUPT, "without keys.db");
    assert_int_equal(truncate(post_file(p, "keys.away"), 0), 0);
}

static void the_folder_and_its_files_are_private(void **state)
{
    static const char *const files[] = {"queue.db", "keys.db", "flight", "lock", "queue.db-wal"};
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct stat st;

    (void)state;
    post_mail(p, "ada@example.com");
    assert_int_equal(stat(p->data, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        assert_int_equal(stat(post_file(p, files[i]), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

/* ---- migrations ---- */

static const char *const two_steps[] = {"CREATE TABLE a(x); INSERT INTO a VALUES (1)",
    "CREATE TABLE b(x); INSERT INTO b SELECT x FROM a"};
static const char *const broken_second[] = {"CREATE TABLE a(x); INSERT INTO a VALUES (1)",
    "CREATE TABLE b(x); INSERT INTO nowhere VALUES (1)"};

static int64_t number(struct post *p, struct sqlite *db, const char *sql)
{
    struct sql *q = sqlite_sql(db, sql);
    int64_t n = -1;

    if (sql_row(q))
        n = sql_get_int(q, 0);
    FINE(sql_done(q, &p->e));
    return n;
}

static void a_database_of_an_earlier_version_is_brought_up(void **state)
{
    const struct sqlite_schema first = {"x.db", 5, two_steps, 1, NULL},
                               both = {"x.db", 5, two_steps, 2, NULL};
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct sqlite *db;

    (void)state;
    FINE(sqlite_open(post_file(p, "x.db"), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_migrate(db, &first, &p->e));
    assert_int_equal(number(p, db, "PRAGMA user_version"), 1);
    FINE(sqlite_migrate(db, &both, &p->e));
    FINE(sqlite_migrate(db, &both, &p->e));
    assert_int_equal(number(p, db, "PRAGMA user_version "), 2);
    assert_int_equal(number(p, db, "SELECT count(*) FROM b"), 1);
    refused(sqlite_migrate(db, &first, &p->e), &p->e, ERR_NEWER);
    sqlite_close(&db);
}

static void a_migration_that_fails_or_dies_leaves_the_version_before(void **state)
{
    const struct sqlite_schema first = {"x.db", 5, two_steps, 1, NULL},
                               both = {"x.db", 5, two_steps, 2, NULL},
                               broken = {"x.db", 5, broken_second, 2, NULL};
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct sqlite *db;
    int status;
    pid_t child;

    (void)state;
    FINE(sqlite_open(post_file(p, "x.db"), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_migrate(db, &first, &p->e));
    refused(sqlite_migrate(db, &broken, &p->e), &p->e, ERR_LIBRARY);
    assert_int_equal(number(p, db, "PRAGMA user_version"), 1);
    assert_int_equal(number(p, db, "SELECT count(*) FROM sqlite_schema"), 1);
    sqlite_close(&db);
    child = fork();
    if (child == 0) { /* dies between the step and its commit */
        struct sqlite *mine;

        if (sqlite_open(post_file(p, "x.db"), SQLITE_FOR_WRITING, &mine, &p->e) &&
            sqlite_begin(mine, &p->e) && sqlite_exec(mine, two_steps[1], &p->e) &&
            sqlite_exec(mine, "PRAGMA user_version=2", &p->e))
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    FINE(sqlite_open(post_file(p, "x.db"), SQLITE_FOR_WRITING, &db, &p->e));
    assert_int_equal(number(p, db, "PRAGMA user_version"), 1);
    FINE(sqlite_migrate(db, &both, &p->e));
    assert_int_equal(number(p, db, "SELECT count(*) FROM b"), 1);
    sqlite_close(&db);
}

/* ---- several processes ---- */

static void a_second_service_on_the_folder_is_refused(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct queue_setup setup = {.dir = p->data,
        .node = "two",
        .role = QUEUE_SERVE,
        .keys = p->keys,
        .clock = &p->clock,
        .lanes = 1};
    struct queue *second, *tool;

    (void)state;
    refused(queue_open(&setup, &second, &p->e), &p->e, ERR_BUSY);
    assert_non_null(strstr(p->e.text, p->data));
    tool = post_start(p, QUEUE_TOOL, "one");
    queue_close(&tool);
    queue_close(&p->q);
    FINE(queue_open(&setup, &p->q, &p->e));
}

static void a_key_that_a_command_revokes_stops_at_once(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct queue *tool = post_start(p, QUEUE_TOOL, "one");
    struct api_key made, found;
    enum change_result done;
    const char *secret;

    (void)state;
    FINE(queue_key_create(tool, SHOP, "k", ROLE_SEND, test_actor, p->a, &made, &secret, &p->e));
    for (int i = 0; i < 2; i++)
        FINE(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e));
    FINE(queue_key_revoke(tool, SHOP, made.id, test_actor, &done, &p->e));
    refused(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e), &p->e, ERR_DENIED);
    queue_close(&tool);
}

/* A hand that knows how changes are counted changes a row unseen: what is remembered of it is seen to hold until a key
 * really changes, however many commits come between. */
static void what_is_remembered_of_a_key_outlives_commits_that_touch_none(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct api_key made, found;
    const char *secret, *other;

    (void)state;
    FINE(queue_key_create(p->q, SHOP, "k", ROLE_SEND, test_actor, p->a, &made, &secret, &p->e));
    FINE(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e));
    post_change(
        p, "queue.db", "DROP TRIGGER api_key_changed; UPDATE api_key SET proof = zeroblob(32)");
    post_mail(p, "ada@example.com");
    FINE(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e));
    assert_string_equal(found.id, made.id);
    FINE(queue_key_create(p->q, SHOP, "l", ROLE_SEND, test_actor, p->a, &made, &other, &p->e));
    refused(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e), &p->e, ERR_DENIED);
}

static void a_command_beside_the_service_is_seen_by_it_at_once(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct submission s = a_mail(p, "ada@example.com"), t = a_mail(p, "new@example.com");
    struct api_key made, found;
    enum change_result done;
    struct queue *tool;
    const char *secret;
    struct receipt r;
    int status;
    pid_t child;

    (void)state;
    post_submit(p, &s);
    FINE(queue_key_create(p->q, SHOP, "k", ROLE_SEND, test_actor, p->a, &made, &secret, &p->e));
    FINE(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e));
    queue_close(&p->q);
    child = fork();
    if (child == 0) { /* the command, on the same chain as the service */
        tool = post_start(p, QUEUE_TOOL, "one");
        _exit(queue_key_revoke(tool, SHOP, made.id, test_actor, &done, &p->e) &&
                      queue_submit(tool, &t, &r, &p->e)
                  ? 0
                  : 1);
    }
    p->q = post_start(p, QUEUE_SERVE, "one");
    (void)queue_key_find(p->q, str_of(secret), p->a, &found, &p->e); /* fills the cache, or not */
    post_mail(p, "bob@example.com");
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    refused(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e), &p->e, ERR_DENIED);
    assert_true(str_is(show(p, t.id).address, "new@example.com"));
    post_mail(p, "bob@example.com"); /* the head of the chain moved under us */
    expect_whole_chain(p, SHOP, "one");
    claim_at(p, "example.com", 9, 4);
}

static uint64_t stored_keys(struct post *p)
{
    struct sqlite *db;
    int64_t n;

    FINE(sqlite_open(post_file(p, "keys.db"), SQLITE_FOR_READING, &db, &p->e));
    n = number(p, db, "SELECT count(*) FROM person_key");
    sqlite_close(&db);
    return (uint64_t)n;
}

static void dying_between_the_keys_and_the_message_leaves_only_a_key(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct submission s = a_mail(p, "ada@example.com");
    struct message_view v;
    struct sqlite *db;
    int status;
    pid_t child;

    (void)state;
    queue_close(&p->q);
    child = fork();
    if (child == 0) { /* its commit waits for the lock that we hold, its keys do not */
        struct receipt r;

        p->q = post_start(p, QUEUE_TOOL, "one");
        FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_WRITING, &db, &p->e));
        FINE(sqlite_begin(db, &p->e));
        (void)queue_submit(p->q, &s, &r, &p->e);
        _exit(1);
    }
    while (access(post_file(p, "keys.db"), F_OK) != 0 || stored_keys(p) == 0)
        usleep(1000);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    p->q = post_start(p, QUEUE_SERVE, "one");
    refused(queue_show(p->q, SHOP, s.id, p->a, &v, &p->e), &p->e, ERR_MISSING);
    post_submit(p, &s);
    assert_true(str_is(show(p, s.id).address, "ada@example.com"));
    assert_int_equal(stored_keys(p), 1); /* the orphan serves again */
    expect_whole_chain(p, SHOP, "one");
}

/* ---- persons who were erased ---- */

static void claims_end_the_mails_of_an_erased_person(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *gone = post_mail(p, "ada@example.com"), *stays = post_mail(p, "bob@example.com");
    struct keyed who;
    struct vault *v;
    struct job *jobs;
    uint64_t n;

    (void)state;
    keyed_person(p->keys, SHOP, STR("ada@example.com"), &who);
    FINE(vault_open(post_file(p, "keys.db"), p->keys, &p->clock, &v, &p->e));
    FINE(vault_erase(v, SHOP, &who, &n, &p->e));
    vault_close(&v);
    jobs = claim_at(p, "example.com", 9, 1);
    assert_string_equal(jobs[0].id, stays);
    expect_state(p, gone, MSG_CANCELLED, "erased");
    assert_true(show(p, gone).erased);
    assert_int_equal(show(p, gone).address.n, 0);
    assert_string_equal(events_of(p, gone), "accepted cancelled");
    expect_whole_chain(p, SHOP, "one");
}

static void a_bounce_does_not_bring_an_erased_person_back(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct suppression_new hard = {
        .scope = "*", .reason = "hard-bounce", .origin = "receiver", .note = STR("ada is unknown")};
    struct settlement s = {
        .to = MSG_BOUNCED, .reason = "user-unknown", .suppress = &hard, .reply = STR("550 ada")};
    struct suppression *list;
    struct keyed who;
    struct vault *v;
    uint64_t n;

    (void)state;
    post_mail(p, "ada@example.com");
    s.job = claim_one(p);
    keyed_person(p->keys, SHOP, STR("ada@example.com"), &who);
    FINE(vault_open(post_file(p, "keys.db"), p->keys, &p->clock, &v, &p->e));
    FINE(vault_erase(v, SHOP, &who, &n, &p->e));
    vault_close(&v);
    FINE(queue_settle(p->q, &s, &p->e));
    assert_int_equal(stored_keys(p), 1); /* the erased one */
    FINE(queue_suppressions_of(p->q, SHOP, STR("ada@example.com"), p->a, &list, &n, &p->e));
    assert_int_equal(n, 1);
    assert_int_equal(list[0].address.n + list[0].note.n, 0);
    expect_whole_chain(p, SHOP, "one");
}

/* A look-up that skipped the oldest would find none of their unsubscribes. */
static void a_keyring_with_more_peppers_than_are_tried_is_refused(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    char path[128];
    FILE *f;

    (void)state;
    queue_close(&p->q);
    keyring_close(&p->keys);
    snprintf(path, sizeof path, "%s/keyring", p->dir);
    f = fopen(path, "a");
    assert_non_null(f);
    for (int v = 2; v <= KEYED_MAX + 1; v++)
        fprintf(f, "pepper %d %064d\n", v, v);
    fclose(f);
    FINE(keyring_open(path, &p->keys, &p->e));
    try_open(p, ERR_LIMIT, "pepper");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_are_not_ours_are_refused),
        cmocka_unit_test(the_folder_and_its_files_are_private),
        cmocka_unit_test(a_database_of_an_earlier_version_is_brought_up),
        cmocka_unit_test(a_migration_that_fails_or_dies_leaves_the_version_before),
        cmocka_unit_test(a_second_service_on_the_folder_is_refused),
        cmocka_unit_test(a_key_that_a_command_revokes_stops_at_once),
        cmocka_unit_test(what_is_remembered_of_a_key_outlives_commits_that_touch_none),
        cmocka_unit_test(a_command_beside_the_service_is_seen_by_it_at_once),
        cmocka_unit_test(dying_between_the_keys_and_the_message_leaves_only_a_key),
        cmocka_unit_test(claims_end_the_mails_of_an_erased_person),
        cmocka_unit_test(a_bounce_does_not_bring_an_erased_person_back),
        cmocka_unit_test(a_keyring_with_more_peppers_than_are_tried_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
