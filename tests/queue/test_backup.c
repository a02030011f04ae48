/* Copies of a queue at work, and what a restore makes of them. */
#include "base/file.h"
#include "base/sum.h"
#include "queue/backup.h"
#include "queue/folder.h"
#include "queue/keyed.h"
#include "queue/sqlite.h"
#include "queue/vault.h"
#include "tests/base/expect.h"
#include "tests/queue/post.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DRAFT ".parcelpost-copy."

/* ---- a file system that names the copy ---- */

/* What becomes of the renaming of a copy that is ready. */
static enum { RENAMES, KNOWS_NO_FLAGS, FAILS, WAS_BEATEN } naming;

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    if (naming == KNOWS_NO_FLAGS || naming == FAILS) {
        errno = naming == FAILS ? EIO : EINVAL;
        return -1;
    }
    if (naming == WAS_BEATEN)
        mkdir(to, 0700); /* another's, since we looked */
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

/* ---- helpers ---- */

static const char *beside(struct post *p, const char *name)
{
    return arena_printf(p->a, "%s/%s", p->dir, name);
}

static struct backup_copy take(struct post *p, enum backup_part part, const char *name)
{
    struct backup_copy c;

    FINE(backup_take(p->data, part, beside(p, name), &p->clock, &c, &p->e));
    return c;
}

static struct restore_setup setup_of(struct post *p)
{
    return (struct restore_setup){.data_dir = p->data,
        .node = "one",
        .keys = p->keys,
        .clock = &p->clock,
        .queue_copy = beside(p, "q"),
        .actor = "tester"};
}

/* The service stops, the copy "q" comes back, the service starts. */
static struct restore_report restore(struct post *p, const struct restore_setup *setup)
{
    struct restore_report r;

    queue_close(&p->q);
    FINE(backup_restore(setup, p->a, &r, &p->e));
    p->q = post_start(p, QUEUE_SERVE, "one");
    return r;
}

static void refuses(
    struct post *p, const struct restore_setup *setup, enum err_code code, const char *words)
{
    struct restore_report r;

    refused(backup_restore(setup, p->a, &r, &p->e), &p->e, code);
    if (!strstr(p->e.text, words))
        fail_msg("'%s' does not say '%s'", p->e.text, words);
}

static size_t entries(const char *dir, const char *prefix)
{
    DIR *d = opendir(dir);
    size_t n = 0;

    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d)) != NULL;)
        n += strncmp(f->d_name, prefix, strlen(prefix)) == 0;
    closedir(d);
    return n;
}

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

/* ---- copies ---- */

static void a_copy_is_private_whole_and_new(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct backup_copy made, read;
    struct digest sum;
    uint64_t bytes;
    struct stat st;

    (void)state;
    post_mail(p, "ada@example.com");
    made = take(p, BACKUP_QUEUE, "q/");
    assert_int_equal(made.taken_ms, T0);
    FINE(backup_check(beside(p, "q"), BACKUP_QUEUE, &read, &p->e));
    FINE(sum_file("x", beside(p, "q/queue.db"), &sum, &bytes, &p->e));
    assert_true(digest_equal(&read.sum, &made.sum) && digest_equal(&sum, &made.sum));
    assert_true(read.taken_ms == T0 && read.bytes == bytes && read.version == made.version);
    assert_int_equal(entries(beside(p, "q"), "queue.db"), 1); /* no log beside it */
    assert_int_equal(entries(beside(p, "q"), "keys.db"), 0);
    assert_int_equal(stat(beside(p, "q"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(beside(p, "q/queue.db"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    refused(backup_take(p->data, BACKUP_QUEUE, beside(p, "q"), &p->clock, &read, &p->e), &p->e,
        ERR_CONFLICT);
    refused(backup_check(beside(p, "q"), BACKUP_KEYS, &read, &p->e), &p->e, ERR_INPUT);
}

static void a_damaged_source_gives_no_copy(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct backup_copy c;
    char junk[4096];
    int fd;

    (void)state;
    for (int i = 0; i < 50; i++)
        post_mail(p, "ada@example.com");
    queue_close(&p->q);
    memset(junk, 0x5a, sizeof junk);
    fd = open(post_file(p, "queue.db"), O_WRONLY);
    assert_int_equal(pwrite(fd, junk, sizeof junk, 8192), sizeof junk);
    close(fd);
    refused(backup_take(p->data, BACKUP_QUEUE, beside(p, "q"), &p->clock, &c, &p->e), &p->e,
        ERR_CORRUPT);
    assert_int_equal(entries(p->dir, "q"), 0);
}

static void a_copy_never_takes_the_place_of_a_folder_that_came_first(void **state)
{
    static const struct {
        const char *name;
        int naming;
        bool done;
        size_t files; /* in the folder of that name */
    } table[] = {
        {"alone", RENAMES, true, 2},
        {"a file system without exclusive renaming", KNOWS_NO_FLAGS, true, 2},
        {"a disk that fails", FAILS, false, 0},
        {"a folder that came between", WAS_BEATEN, false, 0},
    };
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);

    (void)state;
    EACH(row, table)
    {
        const char *to = beside(p, arena_printf(p->a, "q%d", row->naming));
        struct backup_copy c;
        naming = row->naming;
        expect_int(
            row->name, backup_take(p->data, BACKUP_QUEUE, to, &p->clock, &c, &p->e), row->done);
        naming = RENAMES;
        size_t files =
            access(to, F_OK) == 0 ? entries(to, "queue.db") + entries(to, "manifest") : 0;
        expect_int(row->name, (int64_t)files, (int64_t)row->files);
        expect_int(row->name, (int64_t)entries(p->dir, DRAFT), 0);
    }
}

static void what_a_killed_copy_left_goes_with_the_next_one(void **state)
{
    static const struct {
        const char *name, *file;
        bool locked, stays;
    } table[] = {
        {DRAFT "aaaaaa", "keys.db", false, false},
        {DRAFT "bbbbbb", "queue.db", false, false},
        {DRAFT "cccccc", "manifest.json", false, false},
        {DRAFT "dddddd", "keys.db", true, true}, /* its writer lives */
        {DRAFT "eeeeee", "letter.txt", false, true},
        {"older.ffffff", "keys.db", false, true},
    };
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    int fds[COUNT_OF(table)];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const char *folder = beside(p, table[i].name);
        assert_int_equal(mkdir(folder, 0700), 0);
        FINE(file_create("x", arena_printf(p->a, "%s/%s", folder, table[i].file), STR("x"), &p->e));
        fds[i] = open(folder, O_RDONLY | O_DIRECTORY);
        assert_true(fds[i] >= 0);
        if (table[i].locked)
            assert_int_equal(flock(fds[i], LOCK_EX), 0);
    }
    take(p, BACKUP_QUEUE, "q");
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        expect_int(table[i].name, access(beside(p, table[i].name), F_OK) == 0, table[i].stays);
        close(fds[i]);
    }
    expect_int("its own", (int64_t)entries(p->dir, DRAFT), 2);
}

struct writer_thread {
    struct post *p;
    struct submission sample;
    atomic_int accepted;
    atomic_bool stop;
};

static void *keep_posting(void *arg)
{
    struct writer_thread *w = arg;

    while (!w->stop) {
        struct submission s = w->sample;
        char address[64];
        struct receipt r;
        struct err e;
        struct id id;

        snprintf(address, sizeof address, "n%d@example.com", w->accepted);
        ids_new(w->p->ids, "msg_", &id);
        s.id = id.s;
        s.address = str_of(address);
        if (!queue_submit(w->p->q, &s, &r, &e))
            break;
        w->accepted++;
    }
    return NULL;
}

/* Every person is new, so a copy whose keys came before its queue would lack some. */
static void copies_of_a_queue_at_work_fit_each_other(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct writer_thread w = {.p = p, .sample = a_mail(p, "ada@example.com")};
    struct restore_setup setup = setup_of(p);
    struct restore_report r;
    pthread_t thread;
    int before, after;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, keep_posting, &w), 0);
    while (w.accepted < 50)
        usleep(1000);
    before = w.accepted;
    take(p, BACKUP_QUEUE, "q");
    after = w.accepted + 1;
    while (w.accepted < after + 20)
        usleep(1000);
    take(p, BACKUP_KEYS, "k");
    w.stop = true;
    pthread_join(thread, NULL);
    setup.keys_copy = beside(p, "k");
    setup.force = true;
    r = restore(p, &setup);
    assert_true(r.marked >= (uint64_t)before && r.marked <= (uint64_t)after);
    assert_int_equal(r.unreadable + r.broken, 0);
    expect_whole_chain(p, SHOP, "one");
}

/* ---- restores ---- */

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
        made = take(p, BACKUP_QUEUE, "q");
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
        take(p, BACKUP_QUEUE, "q");
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
    take(p, BACKUP_QUEUE, "q");
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
    take(p, BACKUP_QUEUE, "q");
    refuses(p, &setup, ERR_BUSY, "a service works on");
    queue_close(&p->q);
    refuses(p, &setup, ERR_CONFLICT, "--force");
    assert_int_equal(entries(p->data, "stage") + entries(p->data, "before"), 0);
    setup.force = true;
    FINE(backup_restore(&setup, p->a, &r, &p->e));
    assert_int_equal(entries(r.moved_to, "queue.db"), 1);
    assert_int_equal(entries(r.moved_to, "keys.db"), 1);
    assert_int_equal(entries(p->data, "stage") + entries(p->data, "restoring"), 0);
}

/* Files of root's would keep the service from starting. */
static void another_users_folder_is_refused(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct restore_setup setup = setup_of(p);

    (void)state;
    take(p, BACKUP_QUEUE, "q");
    queue_close(&p->q);
    setup.force = true;
    if (geteuid() != 0)
        setup.data_dir = "/";
    else
        assert_int_equal(chown(p->data, 65534, 65534), 0);
    refuses(p, &setup, ERR_DENIED, "belongs to another user");
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
        take(p, BACKUP_QUEUE, "q");
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
    take(p, BACKUP_QUEUE, "q");
    take(p, BACKUP_KEYS, "k");
    queue_close(&p->q);
    assert_int_equal(rename(p->data, beside(p, "lost")), 0);
    refuses(p, &setup, ERR_MISSING, "--keys");
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
    take(p, BACKUP_KEYS, "k");
    id = post_mail(p, "bob@example.com");
    take(p, BACKUP_QUEUE, "q");
    queue_close(&p->q);
    setup.keys_copy = beside(p, "k");
    setup.force = true;
    refuses(p, &setup, ERR_CORRUPT, "older than the queue: 2");
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
    take(p, BACKUP_QUEUE, "q");
    take(p, BACKUP_KEYS, "k");
    queue_close(&p->q);
    memset(junk, 0x5a, sizeof junk);
    fd = open(post_file(p, "keys.db"), O_WRONLY);
    assert_int_equal(pwrite(fd, junk, sizeof junk, 4096), sizeof junk);
    close(fd);
    setup.force = true;
    refuses(p, &setup, ERR_CORRUPT, "--keys");
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
    take(p, BACKUP_QUEUE, "q");
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
        take(p, BACKUP_QUEUE, "q");
        take(p, BACKUP_KEYS, "k");
        queue_close(&p->q);
        spoil(beside(p, table[i].path), table[i].at);
        setup.keys_copy = beside(p, "k");
        setup.force = true;
        refuses(p, &setup, ERR_CORRUPT, table[i].says);
        assert_int_equal(entries(p->data, "stage") + entries(p->data, "before"), 0);
        p->q = post_start(p, QUEUE_SERVE, "one"); /* what was there is untouched */
    }
}

static void a_manifest_of_any_size_is_no_manifest(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct restore_setup setup = setup_of(p);

    (void)state;
    take(p, BACKUP_QUEUE, "q");
    assert_int_equal(truncate(beside(p, "q/manifest.json"), 1 << 20), 0);
    queue_close(&p->q);
    setup.force = true;
    refuses(p, &setup, ERR_CORRUPT, "larger than");
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
    take(p, BACKUP_QUEUE, "q");
    setup.force = true;
    setup.keys = other;
    refuses(p, &setup, ERR_CORRUPT, "keyring");
    setup.keys = p->keys;
    change(p, post_file(p, "queue.db"), "PRAGMA user_version=99");
    take(p, BACKUP_QUEUE, "newer");
    setup.queue_copy = beside(p, "newer");
    refuses(p, &setup, ERR_NEWER, "99");
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
        take(p, BACKUP_QUEUE, "q");
        take(p, BACKUP_KEYS, "k");
        refuses(p, &setup, ERR_CORRUPT, row->says);
    }
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
    take(p, BACKUP_QUEUE, "q");
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
    refuses(p, &setup, ERR_CONFLICT, "--force");
    setup.force = true;
    r = restore(p, &setup);
    assert_int_equal(r.marked, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_private_whole_and_new),
        cmocka_unit_test(a_damaged_source_gives_no_copy),
        cmocka_unit_test(a_copy_never_takes_the_place_of_a_folder_that_came_first),
        cmocka_unit_test(what_a_killed_copy_left_goes_with_the_next_one),
        cmocka_unit_test(copies_of_a_queue_at_work_fit_each_other),
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
        cmocka_unit_test(what_is_not_ours_in_a_copy_is_refused_by_name),
        cmocka_unit_test(a_restore_that_was_cut_short_lets_no_queue_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
