/* What is SQLite's own: files of other versions and programs, several processes, a disk that fails. */
#include "queue/sqlite.h"
#include "queue/sqlite_schema.h"
#include "queue/vault.h"
#include "tests/queue/post.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the seam: SQLite's reads and writes pass here, and fail when the test says so ---- */

static _Atomic int disk_error, read_error;

ssize_t pread64(int fd, void *bytes, size_t n, off64_t at);
ssize_t pread64(int fd, void *bytes, size_t n, off64_t at)
{
    if (read_error != 0) {
        errno = read_error;
        return -1;
    }
    return syscall(SYS_pread64, fd, bytes, n, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at);
ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    if (disk_error != 0) {
        errno = disk_error;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, n, at);
}

static void a_disk_that_fails_changes_nothing_and_is_told_until_it_works(void **state)
{
    static const struct {
        int error;
        enum err_code code;
    } table[] = {{ENOSPC, ERR_FULL}, {EIO, ERR_IO}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        const char *before = post_mail(p, "ada@example.com");
        struct submission s = a_mail(p, "ada@example.com"), fresh = a_mail(p, "new@example.com");
        struct job *j = claim_one(p);
        struct settlement done = {.job = j, .to = MSG_DELIVERED, .reason = ""};
        struct message_view v;
        struct receipt r;

        FINE(queue_is_well(p->q, &p->e));
        disk_error = table[i].error;
        refused(queue_submit(p->q, &s, &r, &p->e), &p->e, table[i].code);
        refused(queue_submit(p->q, &fresh, &r, &p->e), &p->e, table[i].code);
        refused(queue_settle(p->q, &done, &p->e), &p->e, table[i].code);
        refused(queue_sweep(p->q, &p->e), &p->e, table[i].code);
        refused(queue_is_well(p->q, &p->e), &p->e, table[i].code);
        refused(queue_show(p->q, SHOP, s.id, p->a, &v, &p->e), &p->e, ERR_MISSING);
        expect_state(p, before, MSG_LEASED, "");
        disk_error = 0;
        claim_at(p, "nowhere.example", 1, 0); /* writes nothing, so it proves nothing */
        refused(queue_is_well(p->q, &p->e), &p->e, table[i].code);
        FINE(queue_sweep(p->q, &p->e)); /* tries a write for us */
        FINE(queue_is_well(p->q, &p->e));
        FINE(queue_settle(p->q, &done, &p->e));
        post_submit(p, &fresh);
        assert_true(str_is(show(p, fresh.id).address, "new@example.com"));
        expect_whole_chain(p, SHOP, "one");
    }
}

static void a_broken_page_is_told_until_the_restart(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    char junk[4096];
    struct stat st;
    struct err e;
    int fd;

    (void)state;
    for (int i = 0; i < 200; i++)
        post_mail(p, "ada@example.com");
    queue_close(&p->q);
    assert_int_equal(stat(post_file(p, "queue.db"), &st), 0);
    memset(junk, 0x5a, sizeof junk);
    fd = open(post_file(p, "queue.db"), O_WRONLY);
    for (off_t at = 8192; at < st.st_size; at += 4096)
        assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
    close(fd);
    if (p->backend->open(&(struct queue_setup){.dir = p->data,
                             .node = "one",
                             .role = QUEUE_SERVE,
                             .keys = p->keys,
                             .clock = &p->clock,
                             .lanes = 1},
            &p->q, &e)) {
        struct submission s = a_mail(p, "ada@example.com");
        struct receipt r;

        refused(queue_submit(p->q, &s, &r, &p->e), &p->e, ERR_CORRUPT);
        refused(queue_is_well(p->q, &p->e), &p->e, ERR_CORRUPT);
    } else
        assert_int_equal(e.code, ERR_CORRUPT);
}

/* All pages of the file but the first two. */
static void overwrite(struct post *p, const char *name, const char *from, bool junk)
{
    char page[4096];
    int in = open(from, O_RDONLY), out = open(post_file(p, name), O_WRONLY);

    for (off_t at = 8192; pread(in, page, sizeof page, at) == sizeof page; at += 4096) {
        if (junk)
            memset(page, 0x5a, sizeof page);
        assert_int_equal(pwrite(out, page, sizeof page, at), sizeof page);
    }
    close(in);
    close(out);
}

/* What is taken in or sent after it would be lost, or sent again, when a copy takes the store's place. */
static void a_broken_page_stops_intake_and_sending_until_the_restart(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *id = post_mail(p, "ada@example.com"),
               *kept = arena_printf(p->a, "%s/kept.db", p->dir);
    struct submission s = a_mail(p, "ada@example.com");
    struct message_view v;
    struct receipt r;
    struct ready *list;
    struct job *jobs;
    int64_t version, next_ms;
    size_t n;

    (void)state;
    for (int i = 0; i < 200; i++)
        post_mail(p, "ada@example.com");
    post_reopen(p); /* all is in the file, and little of it in memory */
    queue_close(&p->q);
    FINE(sqlite_copy(post_file(p, "queue.db"), kept, &version, &p->e));
    p->q = post_start(p, QUEUE_SERVE, "one");
    overwrite(p, "queue.db", kept, true);
    refused(queue_show(p->q, SHOP, id, p->a, &v, &p->e), &p->e, ERR_CORRUPT);
    overwrite(
        p, "queue.db", kept, false); /* whole again, but who knows what was done on it meanwhile */
    FINE(queue_show(p->q, SHOP, id, p->a, &v, &p->e));
    refused(queue_is_well(p->q, &p->e), &p->e, ERR_CORRUPT);
    assert_non_null(strstr(p->e.text, "parcelpost restore"));
    refused(queue_submit(p->q, &s, &r, &p->e), &p->e, ERR_CORRUPT);
    FINE(queue_ready(p->q, 9, p->a, &list, &n, &next_ms, &p->e));
    assert_true(n == 0 && next_ms == INT64_MAX);
    refused(queue_claim(p->q, SHOP, "example.com", 9, HOUR, p->a, &jobs, &n, &p->e), &p->e,
        ERR_CORRUPT);
    post_reopen(p);
    post_submit(p, &s);
    claim_at(p, "example.com", 300, 202);
}

static void a_broken_page_among_the_keys_stops_intake_too(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct submission s = a_mail(p, "n7@example.com");
    struct receipt r;
    struct ready *list;
    int64_t next_ms;
    size_t n;

    (void)state;
    for (int i = 0; i < 200; i++)
        post_mail(p, arena_printf(p->a, "n%d@example.com", i));
    post_reopen(p);
    overwrite(p, "keys.db", post_file(p, "keys.db"), true);
    refused(queue_submit(p->q, &s, &r, &p->e), &p->e, ERR_CORRUPT);
    refused(queue_is_well(p->q, &p->e), &p->e, ERR_CORRUPT);
    assert_non_null(strstr(p->e.text, "parcelpost restore"));
    FINE(queue_ready(p->q, 9, p->a, &list, &n, &next_ms, &p->e));
    assert_int_equal(n, 0);
}

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

static void set(struct post *p, const char *file, const char *sql)
{
    struct sqlite *db;

    FINE(sqlite_open(post_file(p, file), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_exec(db, sql, &p->e));
    sqlite_close(&db);
}

static void files_that_are_not_ours_are_refused(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    char words[80];

    (void)state;
    queue_close(&p->q);
    snprintf(words, sizeof words, "queue.db has version 99, this program knows versions up to %zu",
        sqlite_queue_schema.n);
    set(p, "queue.db", "PRAGMA user_version=99");
    try_open(p, ERR_NEWER, words);
    set(p, "queue.db", arena_printf(p->a, "PRAGMA user_version=%zu", sqlite_queue_schema.n));
    set(p, "keys.db", "PRAGMA user_version=7");
    try_open(p, ERR_NEWER, "keys.db has version 7");
    set(p, "keys.db", "PRAGMA user_version=1; PRAGMA application_id=1");
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
    set(p, "queue.db", "DROP TRIGGER api_key_changed; UPDATE api_key SET proof = zeroblob(32)");
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

/* ---- claims that find something missing ---- */

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

/* What somebody who can write the file, but has not the keyring, may try with the first mail. */
static const char *const damage[] = {
    "UPDATE payload SET sealed = substr(sealed, 1, 20) || x'00' WHERE n = 1",
    "DELETE FROM payload WHERE n = 1",
    "UPDATE message SET person = (SELECT person FROM message WHERE n = 2) WHERE n = 1",
};

static void an_unreadable_mail_is_held_and_does_not_stop_the_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(damage); i++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        const char *bad = post_mail(p, "ada@example.com"), *good = post_mail(p, "bob@example.com");
        struct job *jobs;

        set(p, "queue.db", damage[i]);
        jobs = claim_at(p, "example.com", 9, 1);
        assert_string_equal(jobs[0].id, good);
        assert_string_equal(events_of(p, bad), "accepted held");
        FINE(queue_is_well(p->q, &p->e));
    }
}

static void an_unreadable_mail_still_shows_its_state_and_can_be_cancelled(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *bad = post_mail(p, "ada@example.com");
    struct message_view v;
    enum change_result done;

    (void)state;
    set(p, "queue.db", damage[0]);
    v = show(p, bad);
    assert_true(v.unreadable && v.address.n == 0 && v.private_json.n == 0);
    FINE(queue_cancel(p->q, SHOP, bad, test_actor, &done, &p->e));
    assert_int_equal(done, CHANGE_DONE);
}

static void a_mail_does_not_go_where_only_the_row_says(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *bad = post_mail(p, "ada@example.com");

    (void)state;
    set(p, "queue.db", "UPDATE place SET destination = 'evil.example'");
    claim_at(p, "evil.example", 9, 0);
    assert_string_equal(events_of(p, bad), "accepted held");
}

static void a_key_that_was_not_made_here_opens_nothing(void **state)
{
    static const char *const forgeries[] = {
        "UPDATE api_key SET roles = 15",
        "UPDATE api_key SET storefront = 'other'",
        "UPDATE api_key SET proof = zeroblob(32)",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(forgeries); i++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        struct api_key key;
        const char *secret;

        FINE(queue_key_create(p->q, SHOP, "", ROLE_SEND, test_actor, p->a, &key, &secret, &p->e));
        FINE(queue_key_find(p->q, str_of(secret), p->a, &key, &p->e));
        set(p, "queue.db", forgeries[i]);
        refused(queue_key_find(p->q, str_of(secret), p->a, &key, &p->e), &p->e, ERR_DENIED);
    }
}

static void a_claim_that_cannot_be_read_is_given_back(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *id = post_mail(p, "ada@example.com");
    struct job *jobs;
    size_t n = 9;

    (void)state;
    read_error = EIO; /* the writer has its pages in memory, the readers do not */
    refused(queue_claim(p->q, SHOP, "example.com", 9, HOUR, p->a, &jobs, &n, &p->e), &p->e, ERR_IO);
    read_error = 0;
    assert_int_equal(n, 0);
    expect_state(p, id, MSG_QUEUED, "");
    assert_false(claim_one(p)->unsure);
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
        cmocka_unit_test(a_disk_that_fails_changes_nothing_and_is_told_until_it_works),
        cmocka_unit_test(a_broken_page_is_told_until_the_restart),
        cmocka_unit_test(a_broken_page_stops_intake_and_sending_until_the_restart),
        cmocka_unit_test(a_broken_page_among_the_keys_stops_intake_too),
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
        cmocka_unit_test(an_unreadable_mail_is_held_and_does_not_stop_the_others),
        cmocka_unit_test(an_unreadable_mail_still_shows_its_state_and_can_be_cancelled),
        cmocka_unit_test(a_mail_does_not_go_where_only_the_row_says),
        cmocka_unit_test(a_key_that_was_not_made_here_opens_nothing),
        cmocka_unit_test(a_claim_that_cannot_be_read_is_given_back),
        cmocka_unit_test(a_bounce_does_not_bring_an_erased_person_back),
        cmocka_unit_test(a_keyring_with_more_peppers_than_are_tried_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
