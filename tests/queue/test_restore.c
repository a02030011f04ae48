/* What a restore makes of a copy, and which ones it refuses. */
#include "base/file.h"
#include "queue/folder.h"
#include "queue/keyed.h"
#include "queue/sqlite.h"
#include "queue/vault.h"
#include "tests/base/expect.h"
#include "tests/queue/copies.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void spoil(const char *path, off_t at)
{
    int fd = open(path, O_RDWR);
    char c;

    assert_true(fd >= 0 && pread(fd, &c, 1, at) == 1);
    c ^= 1;
    assert_true(pwrite(fd, &c, 1, at) == 1);
    close(fd);
}

static void change(struct post *p, const char *path, const char *sql)
{
    struct sqlite *db;

    FINE(sqlite_open(path, SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_exec(db, sql, &p->e));
    sqlite_close(&db);
}

/* As a manifest of before: it does not know the word. */
static void forget_origin(struct post *p, const char *manifest)
{
    AUTO(buf_close) struct buf text = {0};
    char *word;

    FINE(file_read("manifest", manifest, 65536, &text, &p->e));
    word = strstr(buf_text(&text), "\"sandbox\"");
    assert_non_null(word);
    memcpy(word, "\"ignored\"", strlen("\"ignored\""));
    unlink(manifest);
    FINE(file_create("manifest", manifest, buf_str(&text), &p->e));
}

static void a_restored_folder_is_a_sandboxs_as_its_copy_says(void **state)
{
    static const struct {
        const char *name;
        bool copied, forgotten; /* the folder of the copy is marked; its manifest does not tell */
        bool before, after;     /* the folder it is restored into is marked */
    } table[] = {
        {"a sandbox's into a new folder", true, false, false, true},
        {"a sandbox's into its own", true, false, true, true},
        {"a service's into its own", false, false, false, false},
        {"a service's into a sandbox's", false, false, true, false},
        {"an old copy into a sandbox's", true, true, true, true},
        {"an old copy into a service's", true, true, false, false},
    };

    (void)state;
    EACH(row, table)
    {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        struct restore_setup setup = setup_of(p);
        struct backup_copy made;

        post_mail(p, "ada@example.com");
        FINE(folder_mark_sandbox(p->data, row->copied, p->a, &p->e));
        made = take_copy(p, BACKUP_QUEUE, "q");
        expect_int(row->name, made.origin, row->copied ? BACKUP_OF_SANDBOX : BACKUP_OF_SERVICE);
        if (row->forgotten)
            forget_origin(p, beside(p, "q/manifest.json"));
        FINE(folder_mark_sandbox(p->data, row->before, p->a, &p->e));
        setup.force = true;
        restore(p, &setup);
        expect_int(row->name, folder_is_sandbox(p->data, p->a), row->after);
    }
}

static void what_waits_in_a_copy_comes_back_held_and_unsure(void **state)
{
    static const struct {
        const char *name;
        bool release;
        enum msg_state queued, leased, gated;
    } table[] = {
        {"held", false, MSG_HELD, MSG_HELD, MSG_HELD},
        {"released", true, MSG_QUEUED, MSG_DEFERRED, MSG_HELD},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        struct restore_setup setup = setup_of(p);
        const char *leased = post_mail(p, "ada@example.com"), *done, *queued, *gated, *kept;
        enum change_result result;
        struct restore_report r;
        uint64_t n;

        claim_one(p);
        done = post_mail(p, "bob@example.com");
        settle_as(p, claim_one(p), MSG_DELIVERED, "");
        gated = post_mail(p, "cyd@example.com");
        FINE(queue_hold(p->q, SHOP, gated, "gate:DKIM-KEY-MISMATCH", test_actor, &result, &p->e));
        kept = post_mail(p, "dan@example.com");
        FINE(queue_hold(p->q, SHOP, kept, "operator", test_actor, &result, &p->e));
        queued = post_mail(p, "eve@example.com");
        take_copy(p, BACKUP_QUEUE, "q");
        setup.force = true;
        setup.release = table[i].release;
        r = restore(p, &setup);
        assert_int_equal(r.marked, 4);
        assert_int_equal(r.held, table[i].release ? 0 : 3);
        expect_state(p, queued, table[i].queued, table[i].release ? "" : BACKUP_CODE);
        expect_state(p, leased, table[i].leased, table[i].release ? "unsure" : BACKUP_CODE);
        expect_state(
            p, gated, table[i].gated, table[i].release ? "gate:DKIM-KEY-MISMATCH" : BACKUP_CODE);
        expect_state(p, kept, MSG_HELD, "operator");
        expect_state(p, done, MSG_DELIVERED, "");
        assert_true(show(p, queued).unsure && show(p, kept).unsure && !show(p, done).unsure);
        assert_string_equal(
            events_of(p, queued), table[i].release ? "accepted unsure" : "accepted unsure held");
        expect_whole_chain(p, SHOP, "one");
        if (!table[i].release) {
            claim_at(p, "example.com", 9, 0);
            FINE(queue_release_group(p->q, SHOP, BACKUP_CODE, test_actor, &n, &p->e));
            assert_int_equal(n, 3);
        }
        claim_at(p, "example.com", 9, table[i].release ? 2 : 3);
    }
}

/* An older copy: the numbers go on where the copy ends, and a row says so. */
static void the_journal_goes_on_behind_the_copy(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct restore_setup setup = setup_of(p);
    struct journal_row *rows;
    size_t n;

    (void)state;
    post_mail(p, "ada@example.com");
    settle_as(p, claim_one(p), MSG_DELIVERED, "");
    take_copy(p, BACKUP_QUEUE, "q");
    for (int i = 0; i < 5; i++)
        post_mail(p, "bob@example.com");
    setup.force = true;
    restore(p, &setup);
    FINE(queue_journal(p->q, SHOP, "one", 0, 99, p->a, &rows, &n, &p->e));
    assert_int_equal(n, 3);
    assert_string_equal(rows[2].event, BACKUP_CODE);
    assert_int_equal(rows[2].seq, 3);
    assert_true(str_find(rows[2].facts, STR("taken_at"), 0) < rows[2].facts.n);
    post_mail(p, "bob@example.com");
    expect_whole_chain(p, SHOP, "one");
}

static void a_restore_moves_aside_only_when_told(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct restore_setup setup = setup_of(p);
    struct restore_report r;

    (void)state;
    post_mail(p, "ada@example.com");
    take_copy(p, BACKUP_QUEUE, "q");
    restore_refuses(p, &setup, ERR_BUSY, "a service works on");
    queue_close(&p->q);
    restore_refuses(p, &setup, ERR_CONFLICT, "--force");
    assert_int_equal(entries_of(p->data, "stage") + entries_of(p->data, "before"), 0);
    setup.force = true;
    FINE(backup_restore(&setup, p->a, &r, &p->e));
    assert_int_equal(entries_of(r.moved_to, "queue.db"), 1);
    assert_int_equal(entries_of(r.moved_to, "keys.db"), 1);
    assert_int_equal(entries_of(p->data, "stage") + entries_of(p->data, "restoring"), 0);
}

/* Files of root's would keep the service from starting. */
static void another_users_folder_is_refused(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct restore_setup setup = setup_of(p);

    (void)state;
    take_copy(p, BACKUP_QUEUE, "q");
    queue_close(&p->q);
    setup.force = true;
    if (geteuid() != 0)
        setup.data_dir = "/";
    else
        assert_int_equal(chown(p->data, 65534, 65534), 0);
    restore_refuses(p, &setup, ERR_DENIED, "belongs to another user");
}

static struct submission order_mail(struct post *p, int64_t seq, const char *event)
{
    struct submission s = a_mail(p, "ada@example.com");

    s.order = (struct order_event){.order = STR("ORDER-1"),
        .parcel = STR("P1"),
        .event = event,
        .seq = seq,
        .supersedes = seq > 1 ? "delayed" : ""};
    return s;
}

/* The second mail came while the first was on its way: the first is over, and neither waits nor is held. */
static void what_a_restore_finds_superseded_does_not_wait(void **state)
{
    static const bool release[] = {false, true};

    (void)state;
    EACH(row, release)
    {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        struct restore_setup setup = setup_of(p);
        struct submission first = order_mail(p, 1, "delayed"), second;
        struct restore_report r;
        post_submit(p, &first);
        claim_one(p);
        second = order_mail(p, 2, "shipped");
        post_submit(p, &second);
        take_copy(p, BACKUP_QUEUE, "q");
        setup.force = true;
        setup.release = *row;
        r = restore(p, &setup);
        assert_int_equal(r.marked, 1);
        assert_int_equal(r.held, *row ? 0 : 1);
        expect_state(p, first.id, MSG_CANCELLED, "superseded");
        expect_state(p, second.id, *row ? MSG_QUEUED : MSG_HELD, *row ? "" : BACKUP_CODE);
    }
}

static void a_restore_into_nothing_needs_the_keys(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct restore_setup setup = setup_of(p);
    const char *id = post_mail(p, "ada@example.com");

    (void)state;
    take_copy(p, BACKUP_QUEUE, "q");
    take_copy(p, BACKUP_KEYS, "k");
    queue_close(&p->q);
    assert_int_equal(rename(p->data, beside(p, "lost")), 0);
    restore_refuses(p, &setup, ERR_MISSING, "--keys");
    setup.keys_copy = beside(p, "k");
    assert_string_equal(restore(p, &setup).moved_to, "");
    assert_true(str_is(show(p, id).address, "ada@example.com"));
}

static void keys_older_than_their_queue_are_refused(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct restore_setup setup = setup_of(p);
    struct restore_report r;
    const char *id;

    (void)state;
    post_mail(p, "ada@example.com");
    take_copy(p, BACKUP_KEYS, "k");
    id = post_mail(p, "bob@example.com");
    take_copy(p, BACKUP_QUEUE, "q");
    queue_close(&p->q);
    setup.keys_copy = beside(p, "k");
    setup.force = true;
    restore_refuses(p, &setup, ERR_CORRUPT, "older than the queue: 2");
    setup.missing_keys = true;
    FINE(backup_restore(&setup, p->a, &r, &p->e));
    assert_int_equal(r.unreadable, 2);
    p->q = post_start(p, QUEUE_SERVE, "one");
    assert_true(show(p, id).unreadable);
}

static void damaged_keys_in_the_data_folder_ask_for_a_copy(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct restore_setup setup = setup_of(p);
    const char *id = post_mail(p, "ada@example.com");
    char junk[4096];
    int fd;

    (void)state;
    take_copy(p, BACKUP_QUEUE, "q");
    take_copy(p, BACKUP_KEYS, "k");
    queue_close(&p->q);
    memset(junk, 0x5a, sizeof junk);
    fd = open(post_file(p, "keys.db"), O_WRONLY);
    assert_int_equal(pwrite(fd, junk, sizeof junk, 4096), sizeof junk);
    close(fd);
    setup.force = true;
    restore_refuses(p, &setup, ERR_CORRUPT, "--keys");
    setup.keys_copy = beside(p, "k");
    restore(p, &setup);
    assert_true(str_is(show(p, id).address, "ada@example.com"));
}

/* The data folder's keys.db knows every erasure, whatever the age of the queue. */
static void who_was_erased_since_the_copy_stays_erased(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct restore_setup setup = setup_of(p);
    const char *id = post_mail(p, "ada@example.com");
    struct keyed who;
    struct vault *v;
    uint64_t n;

    (void)state;
    take_copy(p, BACKUP_QUEUE, "q");
    keyed_person(p->keys, SHOP, STR("ada@example.com"), &who);
    FINE(vault_open(post_file(p, "keys.db"), p->keys, &p->clock, &v, &p->e));
    FINE(vault_erase(v, SHOP, &who, &n, &p->e));
    vault_close(&v);
    setup.force = true;
    restore(p, &setup);
    assert_true(show(p, id).erased);
}

static void a_copy_that_was_changed_is_refused(void **state)
{
    static const struct {
        const char *path;
        off_t at;
        const char *says;
    } table[] = {{"q/queue.db", 5000, "changed or is damaged"},
        {"k/keys.db", 5000, "changed or is damaged"},
        {"q/manifest.json", 0, "json is damaged: line 1"}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        struct restore_setup setup = setup_of(p);

        post_mail(p, "ada@example.com");
        take_copy(p, BACKUP_QUEUE, "q");
        take_copy(p, BACKUP_KEYS, "k");
        queue_close(&p->q);
        spoil(beside(p, table[i].path), table[i].at);
        setup.keys_copy = beside(p, "k");
        setup.force = true;
        restore_refuses(p, &setup, ERR_CORRUPT, table[i].says);
        assert_int_equal(entries_of(p->data, "stage") + entries_of(p->data, "before"), 0);
        p->q = post_start(p, QUEUE_SERVE, "one"); /* what was there is untouched */
    }
}

static void a_manifest_of_any_size_is_no_manifest(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct restore_setup setup = setup_of(p);

    (void)state;
    take_copy(p, BACKUP_QUEUE, "q");
    assert_int_equal(truncate(beside(p, "q/manifest.json"), 1 << 20), 0);
    queue_close(&p->q);
    setup.force = true;
    restore_refuses(p, &setup, ERR_CORRUPT, "larger than");
}

static void a_copy_of_a_newer_program_or_another_keyring_is_refused(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct restore_setup setup = setup_of(p);
    AUTO(keyring_close) struct keyring *other = NULL;
    const char *path = beside(p, "other-keyring");

    (void)state;
    post_mail(p, "ada@example.com");
    queue_close(&p->q);
    FINE(keyring_create(path, &p->e));
    FINE(keyring_open(path, &other, &p->e));
    take_copy(p, BACKUP_QUEUE, "q");
    setup.force = true;
    setup.keys = other;
    restore_refuses(p, &setup, ERR_CORRUPT, "keyring");
    setup.keys = p->keys;
    change(p, post_file(p, "queue.db"), "PRAGMA user_version=99");
    take_copy(p, BACKUP_QUEUE, "newer");
    setup.queue_copy = beside(p, "newer");
    restore_refuses(p, &setup, ERR_NEWER, "99");
}

/* A power cut between two renames. */
/* Whoever could write the database once must not have his word in each change for ever. */
static void what_is_not_ours_in_a_copy_is_refused_by_name(void **state)
{
    static const struct {
        const char *file, *make, *says;
    } table[] = {
        {"queue.db", "CREATE TRIGGER spy AFTER INSERT ON message BEGIN DELETE FROM person; END",
            "trigger spy"},
        {"queue.db", "CREATE VIEW everybody AS SELECT * FROM person", "view everybody"},
        {"queue.db", "CREATE INDEX slow ON person(address)", "index slow"},
        {"queue.db", "CREATE TABLE mine(x)", "table mine"},
        {"queue.db",
            "DROP TRIGGER journal_keeps; CREATE TRIGGER journal_keeps BEFORE DELETE ON journal"
            " BEGIN DELETE FROM person; END",
            "trigger journal_keeps"},
        {"keys.db", "CREATE TRIGGER keep AFTER UPDATE ON person_key BEGIN SELECT 1; END",
            "trigger keep"},
        {"queue.db", "DROP TABLE tally", "lacks the table tally"},
        {"queue.db", "DROP INDEX message_due", "lacks the index message_due"},
    };

    (void)state;
    EACH(row, table)
    {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        struct restore_setup setup = setup_of(p);

        setup.keys_copy = beside(p, "k");
        setup.force = true;
        post_mail(p, "ada@example.com");
        queue_close(&p->q);
        change(p, post_file(p, row->file), row->make);
        take_copy(p, BACKUP_QUEUE, "q");
        take_copy(p, BACKUP_KEYS, "k");
        restore_refuses(p, &setup, ERR_CORRUPT, row->says);
    }
}

/* Another's file behind the name, which may have no end. */
static void a_copy_that_is_no_file_is_not_read(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct restore_setup setup = setup_of(p);

    (void)state;
    setup.keys_copy = beside(p, "k");
    setup.force = true;
    post_mail(p, "ada@example.com");
    queue_close(&p->q);
    take_copy(p, BACKUP_QUEUE, "q");
    take_copy(p, BACKUP_KEYS, "k");
    const char *file = arena_printf(p->a, "%s/queue.db", beside(p, "q"));
    assert_int_equal(unlink(file), 0);
    assert_int_equal(symlink("/dev/zero", file), 0);
    alarm(20); /* it would be read for ever */
    restore_refuses(p, &setup, ERR_CORRUPT, "not what its manifest says");
    alarm(0);
}

static void a_restore_that_was_cut_short_lets_no_queue_open(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct restore_setup setup = setup_of(p);
    struct queue_setup service = {.dir = p->data,
        .node = "one",
        .role = QUEUE_SERVE,
        .keys = p->keys,
        .clock = &p->clock,
        .lanes = 1};
    struct restore_report r;
    struct backup_copy c;
    int fd;

    (void)state;
    post_mail(p, "ada@example.com");
    take_copy(p, BACKUP_QUEUE, "q");
    queue_close(&p->q);
    assert_int_equal(rename(post_file(p, "queue.db"), beside(p, "queue.db")), 0);
    fd = open(post_file(p, "restoring"), O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0 && close(fd) == 0);
    refused(queue_open(&service, &p->q, &p->e), &p->e, ERR_CORRUPT);
    assert_non_null(strstr(p->e.text, "parcelpost restore"));
    /* What lies there may be one database of before and one of after. */
    refused(backup_take(p->data, BACKUP_KEYS, beside(p, "k"), &p->clock, &c, &p->e), &p->e,
        ERR_CORRUPT);
    assert_non_null(strstr(p->e.text, "parcelpost restore"));
    restore_refuses(p, &setup, ERR_CONFLICT, "--force");
    setup.force = true;
    r = restore(p, &setup);
    assert_int_equal(r.marked, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restored_folder_is_a_sandboxs_as_its_copy_says),
        cmocka_unit_test(what_waits_in_a_copy_comes_back_held_and_unsure),
        cmocka_unit_test(the_journal_goes_on_behind_the_copy),
        cmocka_unit_test(a_restore_moves_aside_only_when_told),
        cmocka_unit_test(another_users_folder_is_refused),
        cmocka_unit_test(what_a_restore_finds_superseded_does_not_wait),
        cmocka_unit_test(a_restore_into_nothing_needs_the_keys),
        cmocka_unit_test(keys_older_than_their_queue_are_refused),
        cmocka_unit_test(damaged_keys_in_the_data_folder_ask_for_a_copy),
        cmocka_unit_test(who_was_erased_since_the_copy_stays_erased),
        cmocka_unit_test(a_copy_that_was_changed_is_refused),
        cmocka_unit_test(a_manifest_of_any_size_is_no_manifest),
        cmocka_unit_test(a_copy_of_a_newer_program_or_another_keyring_is_refused),
        cmocka_unit_test(a_copy_that_is_no_file_is_not_read),
        cmocka_unit_test(what_is_not_ours_in_a_copy_is_refused_by_name),
        cmocka_unit_test(a_restore_that_was_cut_short_lets_no_queue_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
