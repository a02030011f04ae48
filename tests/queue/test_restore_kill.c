/* kill -9 at every change that a restore makes to the disk: no service ever starts on half a queue, and the next restore
 * needs nothing but the same copy, knows every erasure and leaves nothing of the killed one behind.
 * The calls pass here; the killed restore is a forked child. */
#include "base/file.h"
#include "queue/backup.h"
#include "queue/folder.h"
#include "queue/keyed.h"
#include "queue/vault.h"
#include "tests/queue/post.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* AddressSanitizer keeps 256 MB of what was freed, and here each of a hundred forks copied them as it wrote: half of the time. The
 * restores of test_restore.c have them still. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1";
}

static _Atomic int calls_left; /* 0 = as many as you like */

static void count_call(void)
{
    if (calls_left > 0 && --calls_left == 0)
        kill(getpid(), SIGKILL);
}

int rename(const char *from, const char *to)
{
    count_call();
    return (int)syscall(SYS_rename, from, to);
}

int unlink(const char *path)
{
    count_call();
    return (int)syscall(SYS_unlink, path);
}

int mkdir(const char *path, mode_t mode)
{
    count_call();
    return (int)syscall(SYS_mkdir, path, mode);
}

int rmdir(const char *path)
{
    count_call();
    return (int)syscall(SYS_rmdir, path);
}

/* Nothing here needs the disk: what is killed is a program, not the machine. Of SQLite's many, only what becomes of
 * the files' names is counted. */
int fsync(int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        count_call();
    return 0;
}

int fdatasync(int fd)
{
    return fsync(fd);
}

/* ---- the folder before ---- */

struct scene {
    struct post *p;
    const char *before; /* the data folder as each restore finds it */
    const char *erased, *kept;
};

static void copy_queue(struct post *p, const char *from, const char *to)
{
    assert_int_equal(mkdir(to, 0700), 0);
    for (size_t i = 0; i < folder_ours_n; i++) {
        AUTO(buf_close) struct buf bytes = {0};
        if (access(folder_path(from, folder_ours[i], p->a), F_OK) != 0)
            continue;
        FINE(file_read("x", folder_path(from, folder_ours[i], p->a), 1 << 24, &bytes, &p->e));
        FINE(file_create("x", folder_path(to, folder_ours[i], p->a), buf_str(&bytes), &p->e));
    }
}

/* Of two persons one is erased, and the other's key stands only in the log of keys.db, as after a kill of the
 * service. */
static void set_scene(struct scene *s)
{
    struct post *p = s->p = post_open(&backend_sqlite);
    struct backup_copy c;
    struct keyed who;
    struct vault *v;
    uint64_t n;

    s->erased = post_mail(p, "ada@example.com");
    queue_close(&p->q);
    keyed_person(p->keys, SHOP, STR("ada@example.com"), &who);
    FINE(vault_open(post_file(p, "keys.db"), p->keys, &p->clock, &v, &p->e));
    FINE(vault_erase(v, SHOP, &who, &n, &p->e));
    vault_close(&v);
    p->q = post_start(p, QUEUE_SERVE, "one");
    s->kept = post_mail(p, "bob@example.com");
    FINE(backup_take(p->data, BACKUP_QUEUE, folder_path(p->dir, "q", p->a), &p->clock, &c, &p->e));
    s->before = folder_path(p->dir, "before", p->a);
    copy_queue(p, p->data, s->before);
    queue_close(&p->q);
    assert_true(folder_has(s->before, "keys.db-wal", p->a));
}

static void new_folder(struct scene *s, int number)
{
    snprintf(s->p->data, sizeof s->p->data, "%s/%d", s->p->dir, number);
    copy_queue(s->p, s->before, s->p->data);
}

/* ---- restores ---- */

static bool restore(struct post *p, struct restore_report *r)
{
    struct restore_setup setup = {.data_dir = p->data,
        .node = "one",
        .keys = p->keys,
        .clock = &p->clock,
        .queue_copy = folder_path(p->dir, "q", p->a),
        .force = true,
        .actor = "tester"};

    return backup_restore(&setup, p->a, r, &p->e);
}

/* False: it came to its end before that many calls. */
static bool is_killed_at(struct post *p, int call)
{
    struct restore_report r;
    int status;
    pid_t child = fork();

    if (child == 0) {
        calls_left = call;
        bool fine = restore(p, &r);
        calls_left = 0;
        if (!fine)
            fprintf(stderr, "call %d: %s\n", call, p->e.text);
        _exit(fine ? 0 : 1);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return true;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return false;
}

static bool stands(struct post *p, const char *name)
{
    return access(folder_path(p->data, name, p->a), F_OK) == 0;
}

static void expect_persons(struct scene *s)
{
    assert_true(show(s->p, s->erased).erased);
    assert_true(str_is(show(s->p, s->kept).address, "bob@example.com"));
}

/* What a service that is started now finds. */
static void expect_all_or_nothing(struct scene *s)
{
    struct post *p = s->p;
    struct queue_setup service = {.dir = p->data,
        .node = "one",
        .role = QUEUE_SERVE,
        .keys = p->keys,
        .clock = &p->clock,
        .lanes = 1};

    assert_true(!stands(p, "queue.db") || stands(p, "keys.db"));
    if (stands(p, FOLDER_RESTORING)) {
        refused(queue_open(&service, &p->q, &p->e), &p->e, ERR_CORRUPT);
        return;
    }
    FINE(queue_open(&service, &p->q, &p->e));
    expect_persons(s);
    queue_close(&p->q);
    assert_false(stands(p, FOLDER_STAGE));
}

static void expect_restored(struct scene *s)
{
    struct post *p = s->p;
    DIR *d = opendir(p->data);

    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d)) != NULL;) {
        bool ours = f->d_name[0] == '.' || strcmp(f->d_name, "lock") == 0 ||
                    strncmp(f->d_name, "before-restore-2", 16) == 0 ||
                    strcmp(f->d_name, "queue.db") == 0 || strcmp(f->d_name, "keys.db") == 0;
        if (!ours)
            fail_msg("%s was left behind", f->d_name);
    }
    closedir(d);
    p->q = post_start(p, QUEUE_SERVE, "one");
    expect_persons(s);
    expect_state(p, s->kept, MSG_HELD, BACKUP_CODE);
    expect_whole_chain(p, SHOP, "one");
    queue_close(&p->q);
}

static void a_restore_that_is_killed_anywhere_is_simply_run_again(void **state)
{
    struct scene s;
    struct restore_report r;
    int call = 0;

    (void)state;
    set_scene(&s);
    struct post *p = s.p;
    for (bool killed = true; killed;) {
        new_folder(&s, ++call);
        killed = is_killed_at(p, call);
        expect_all_or_nothing(&s);
        FINE(restore(p, &r));
        expect_restored(&s);
    }
    assert_true(call > 30); /* or it sees too few of them */
    post_close(&s.p);
}

/* Each time a little further, so that what takes the killed one back is killed, too. */
static void a_restore_that_is_killed_again_and_again_comes_to_its_end(void **state)
{
    struct scene s;
    int call = 0;

    (void)state;
    set_scene(&s);
    new_folder(&s, 0);
    while (is_killed_at(s.p, ++call))
        assert_true(!stands(s.p, "queue.db") || stands(s.p, "keys.db"));
    expect_restored(&s);
    post_close(&s.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restore_that_is_killed_anywhere_is_simply_run_again),
        cmocka_unit_test(a_restore_that_is_killed_again_and_again_comes_to_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
