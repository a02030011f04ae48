/* Copies of a queue at work. */
#include "base/file.h"
#include "base/sum.h"
#include "queue/folder.h"
#include "tests/base/expect.h"
#include "tests/queue/copies.h"

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
    made = take_copy(p, BACKUP_QUEUE, "q/");
    assert_int_equal(made.taken_ms, T0);
    FINE(backup_check(beside(p, "q"), BACKUP_QUEUE, &read, &p->e));
    FINE(sum_file("x", beside(p, "q/queue.db"), &sum, &bytes, &p->e));
    assert_true(digest_equal(&read.sum, &made.sum) && digest_equal(&sum, &made.sum));
    assert_true(read.taken_ms == T0 && read.bytes == bytes && read.version == made.version);
    assert_int_equal(entries_of(beside(p, "q"), "queue.db"), 1); /* no log beside it */
    assert_int_equal(entries_of(beside(p, "q"), "keys.db"), 0);
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
    assert_int_equal(entries_of(p->dir, "q"), 0);
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
            access(to, F_OK) == 0 ? entries_of(to, "queue.db") + entries_of(to, "manifest") : 0;
        expect_int(row->name, (int64_t)files, (int64_t)row->files);
        expect_int(row->name, (int64_t)entries_of(p->dir, DRAFT), 0);
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
    take_copy(p, BACKUP_QUEUE, "q");
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        expect_int(table[i].name, access(beside(p, table[i].name), F_OK) == 0, table[i].stays);
        close(fds[i]);
    }
    expect_int("its own", (int64_t)entries_of(p->dir, DRAFT), 2);
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
    take_copy(p, BACKUP_QUEUE, "q");
    after = w.accepted + 1;
    while (w.accepted < after + 20)
        usleep(1000);
    take_copy(p, BACKUP_KEYS, "k");
    w.stop = true;
    pthread_join(thread, NULL);
    setup.keys_copy = beside(p, "k");
    setup.force = true;
    r = restore(p, &setup);
    assert_true(r.marked >= (uint64_t)before && r.marked <= (uint64_t)after);
    assert_int_equal(r.unreadable + r.broken, 0);
    expect_whole_chain(p, SHOP, "one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_private_whole_and_new),
        cmocka_unit_test(a_damaged_source_gives_no_copy),
        cmocka_unit_test(a_copy_never_takes_the_place_of_a_folder_that_came_first),
        cmocka_unit_test(what_a_killed_copy_left_goes_with_the_next_one),
        cmocka_unit_test(copies_of_a_queue_at_work_fit_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
