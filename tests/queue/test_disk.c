/* What is on disk when, and what a disk that refuses leaves behind: SQLite's syncs and writes pass here. */
#include "queue/flight.h"
#include "queue/vault.h"
#include "tests/queue/post.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic int disk_error;
static _Atomic int syncs;         /* of files */
static _Atomic ino_t last_folder; /* that was synced */

static int count_sync(int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        last_folder = st.st_ino;
    else
        syncs++;
    return 0;
}

int fsync(int fd);
int fsync(int fd)
{
    return count_sync(fd);
}

int fdatasync(int fd);
int fdatasync(int fd)
{
    return count_sync(fd);
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

static void nothing_is_answered_before_it_is_synced(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct job *j;
    int before = syncs;

    (void)state;
    post_mail(p, "ada@example.com");
    assert_true(syncs >= before + 2); /* keys.db and queue.db */
    before = syncs;
    post_mail(p, "ada@example.com");
    assert_int_equal(syncs, before + 1);
    j = claim_one(p);
    assert_int_equal(syncs, before + 2);
    settle_as(p, j, MSG_DELIVERED, "");
    assert_int_equal(syncs, before + 3);
}

static void a_new_folder_is_synced_into_the_one_above(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct queue *q = NULL;
    struct stat above;

    (void)state;
    assert_int_equal(stat(p->dir, &above), 0);
    last_folder = 0;
    disk_error = EIO; /* stops it before SQLite syncs folders of its own */
    refused(queue_open(&(struct queue_setup){.dir = arena_printf(p->a, "%s/new", p->dir),
                           .node = "one",
                           .role = QUEUE_TOOL,
                           .keys = p->keys,
                           .clock = &p->clock},
                &q, &p->e),
        &p->e, ERR_IO);
    disk_error = 0;
    assert_true(last_folder == above.st_ino);
}

/* Somebody may have sealed with it meanwhile. */
static void a_key_that_the_disk_refused_is_kept_for_the_next_flush(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct vault_key first, again;
    struct keyed who;
    struct vault *v;
    bool found;

    (void)state;
    keyed_person(p->keys, SHOP, STR("ada@example.com"), &who);
    FINE(vault_open(post_file(p, "v.db"), p->keys, &p->clock, &v, &p->e));
    FINE(vault_key_of(v, SHOP, &who, true, &first, &found, &p->e));
    disk_error = ENOSPC;
    refused(vault_flush(v, &p->e), &p->e, ERR_FULL);
    disk_error = 0;
    FINE(vault_flush(v, &p->e));
    vault_close(&v);
    FINE(vault_open(post_file(p, "v.db"), p->keys, &p->clock, &v, &p->e));
    FINE(vault_key_of(v, SHOP, &who, false, &again, &found, &p->e));
    assert_true(found);
    assert_memory_equal(first.id, again.id, VAULT_ID);
    vault_close(&v);
}

static size_t marks_of(struct post *p)
{
    struct flight_past past;

    FINE(flight_read(post_file(p, "flight"), "one", p->a, &past, &p->e));
    assert_false(past.all_unsure);
    return past.n;
}

static void a_settle_that_the_disk_refused_leaves_the_mark(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct settlement s = {.to = MSG_DELIVERED, .reason = ""};

    (void)state;
    post_mail(p, "ada@example.com");
    s.job = claim_one(p);
    queue_body_starts(p->q, 0, s.job);
    disk_error = ENOSPC;
    refused(queue_settle(p->q, &s, &p->e), &p->e, ERR_FULL);
    disk_error = 0;
    assert_int_equal(marks_of(p), 1);
    FINE(queue_settle(p->q, &s, &p->e));
    assert_int_equal(marks_of(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_answered_before_it_is_synced),
        cmocka_unit_test(a_new_folder_is_synced_into_the_one_above),
        cmocka_unit_test(a_key_that_the_disk_refused_is_kept_for_the_next_flush),
        cmocka_unit_test(a_settle_that_the_disk_refused_leaves_the_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
