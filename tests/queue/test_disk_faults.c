/* Faults injected below SQLite at one call after the other, in both databases: what was promised is kept, what was refused
 * has not happened, the queue says that it is unwell, and once the disk is mended it goes on.
 * DISK_FAULTS=all: each kind of fault in each way at each call, 20 s of a processor (script/bench --full). Otherwise the
 * ways share the calls among them: each kind meets each call in one way. */
#include "queue/sight.h"
#include "queue/sqlite_checkpoint.h"
#include "tests/queue/post.h"
#include "tests/support/faulty_disk.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CALLS_MAX 400
/* The first calls each; of the pages that a checkpoint writes one by one, each thirteenth. */
#define EACH_OF 8
#define STEP 13
#define MAILS 3

/* Whether logs are so short that their thread has something to write back all the while, beside the commits. The linker
 * puts this before the house's own (--wrap). */
static bool short_logs;

void __real_checkpoints_open(const char *path, struct sqlite *writer, struct checkpoints **out);
void __wrap_checkpoints_open(const char *path, struct sqlite *writer, struct checkpoints **out);

void __wrap_checkpoints_open(const char *path, struct sqlite *writer, struct checkpoints **out)
{
    __real_checkpoints_open(path, writer, out);
    if (short_logs)
        checkpoints_limit(*out, 4, 16);
}

struct promises {
    const char *accepted[6 * MAILS], *refused[6 * MAILS + 1];
    size_t accepted_n, refused_n;
    struct job *jobs;
    size_t jobs_n;
    const char *tried, *delivered; /* to be settled, settled; "" = none */
    bool writes_failed;            /* a change was refused */
};

static bool is_disk_trouble(const struct err *e)
{
    return e->code == ERR_FULL || e->code == ERR_IO;
}

static void note_refusal(struct post *p, struct promises *made)
{
    if (!is_disk_trouble(&p->e))
        fail_msg("refused by %s: %s", err_name(p->e.code), p->e.text);
    made->writes_failed = true;
}

/* New persons, so that keys.db is written, too. */
static void submit_some(struct post *p, struct promises *made)
{
    for (int i = 0; i < MAILS; i++) {
        struct submission s = a_mail(
            p, arena_printf(p->a, "buyer%zu@example.com", made->accepted_n + made->refused_n));
        struct receipt r;

        if (queue_submit(p->q, &s, &r, &p->e)) {
            made->accepted[made->accepted_n++] = s.id;
        } else {
            made->refused[made->refused_n++] = s.id;
            note_refusal(p, made);
        }
    }
}

static bool settle_first(struct post *p, struct promises *made)
{
    const struct settlement s = {.job = made->jobs, .to = MSG_DELIVERED, .reason = ""};

    made->tried = made->jobs[0].id;
    if (!queue_settle(p->q, &s, &p->e))
        return false;
    made->delivered = made->jobs[0].id;
    return true;
}

static void send_one(struct post *p, struct promises *made)
{
    if (!queue_claim(p->q, SHOP, "example.com", 2, HOUR, p->a, &made->jobs, &made->jobs_n, &p->e)) {
        made->jobs_n = 0;
        if (!is_disk_trouble(&p->e))
            fail_msg("claim: %s", p->e.text);
        return;
    }
    if (made->jobs_n > 0 && !settle_first(p, made))
        note_refusal(p, made);
}

static void work(struct post *p, struct promises *made)
{
    made->tried = made->delivered = "";
    submit_some(p, made);
    send_one(p, made);
    submit_some(p, made);
}

/* ---- what must hold ----------------------------------------------------------------------------------- */

/* may_have: what was refused. A log that was written and not synced is read again by whoever opens the file next, where
 * nothing was written over it before: nobody had been told that it is so, nor that it is not. */
static void expect_promises_kept(struct post *p, const struct promises *made, bool may_have)
{
    struct message_view v;

    for (size_t i = 0; i < made->accepted_n; i++) {
        v = show(p, made->accepted[i]);
        assert_true(v.address.n > 0); /* its key is there */
        bool may_be = may_have && !*made->delivered && strcmp(v.id, made->tried) == 0;
        if (!may_be && (v.state == MSG_DELIVERED) != (strcmp(v.id, made->delivered) == 0))
            fail_msg("%s is %s, delivered was said of \"%s\"", v.id, msg_state_name(v.state),
                made->delivered);
    }
    for (size_t i = 0; i < made->refused_n && !may_have; i++)
        refused(queue_show(p->q, SHOP, made->refused[i], p->a, &v, &p->e), &p->e, ERR_MISSING);
    if (made->accepted_n > 0)
        expect_whole_chain(p, SHOP, "one");
}

static void expect_whole_file(struct post *p, const char *name)
{
    sqlite3 *db;
    sqlite3_stmt *check;

    assert_int_equal(
        sqlite3_open_v2(post_file(p, name), &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &check, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(check), SQLITE_ROW);
    assert_string_equal(sqlite3_column_text(check, 0), "ok");
    sqlite3_finalize(check);
    sqlite3_close(db);
}

static void wait_until_well(struct post *p)
{
    while (short_logs && !queue_is_well(p->q, &p->e)) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        FINE(queue_sweep(p->q, &p->e));
    }
    if (!short_logs)
        FINE(queue_is_well(p->q, &p->e));
}

/* The keeper's sweep tries a write each second, with it what the log's thread could not write back, and looks whether all
 * can be read; the lane tries its settle again. */
static void expect_work_goes_on(struct post *p, struct promises *made)
{
    for (int i = 0; i <= SIGHT_PATIENCE; i++)
        FINE(queue_sweep(p->q, &p->e));
    wait_until_well(p);
    if (made->jobs_n > 0 && !*made->delivered && !settle_first(p, made))
        fail_msg("settle: %s", p->e.text);
    size_t refused_n = made->refused_n;

    submit_some(p, made);
    /* What the log's threads met before it was mended they may tell only now. */
    for (int i = 0; short_logs && i < 2 && made->refused_n != refused_n; i++) {
        wait_until_well(p);
        refused_n = made->refused_n;
        submit_some(p, made);
    }
    assert_int_equal(made->refused_n, refused_n);
}

/* Whoever met the fault, a reader or the writer: nothing is taken in while the disk refuses to be read. */
static void expect_no_intake(struct post *p, struct promises *made)
{
    struct submission s = a_mail(p, "ada@example.com");
    struct receipt r;

    refused(queue_is_well(p->q, &p->e), &p->e, ERR_IO);
    refused(queue_submit(p->q, &s, &r, &p->e), &p->e, ERR_IO);
    made->refused[made->refused_n++] = s.id;
}

/* False: the work was done without meeting the fault. It is mended while the queue is open, or only after it was closed,
 * which writes back the log. */
static bool survives(const struct disk_fault *f, bool until_closed)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct promises made = {0};

    faulty_disk_break(f);
    work(p, &made);
    if (made.writes_failed && f->stays && (f->op == DISK_WRITE || f->op == DISK_SYNC))
        refused(queue_is_well(p->q, &p->e), &p->e, f->code == SQLITE_FULL ? ERR_FULL : ERR_IO);
    if (f->op == DISK_READ && f->stays && !short_logs && faulty_disk_was_met())
        expect_no_intake(p, &made);
    if (until_closed) {
        queue_close(&p->q);
        made.jobs_n = 0;
    }
    if (!faulty_disk_mend())
        return false;
    if (until_closed)
        p->q = post_start(p, QUEUE_SERVE, "one");
    bool may_have = f->op == DISK_SYNC && f->stays && until_closed;
    expect_work_goes_on(p, &made);
    expect_promises_kept(p, &made, may_have);
    post_reopen(p);
    expect_promises_kept(p, &made, may_have);
    queue_close(&p->q);
    expect_whole_file(p, "queue.db");
    expect_whole_file(p, "keys.db");
    return true;
}

struct kind {
    const char *name;
    enum disk_op op;
    int code;
    bool half;
};

/* Means what a_read_fails does: one way shows it. */
#define LINUX_READ "a_read_fails_as_linux_tells_it"
static const struct kind kinds[] = {
    {"no_room_to_write", DISK_WRITE, SQLITE_FULL, false},
    {"half_a_write_and_no_room", DISK_WRITE, SQLITE_FULL, true},
    {"a_write_fails", DISK_WRITE, SQLITE_IOERR_WRITE, false},
    {"a_sync_fails", DISK_SYNC, SQLITE_IOERR_FSYNC, false},
    {"a_read_fails", DISK_READ, SQLITE_IOERR_READ, false},
    {LINUX_READ, DISK_READ, SQLITE_IOERR_CORRUPTFS, false},
    {"a_truncation_fails", DISK_TRUNCATE, SQLITE_IOERR_TRUNCATE, false},
    {"the_index_of_the_log_cannot_be_mapped", DISK_MAP, SQLITE_IOERR_SHMMAP, false},
};

static const struct {
    bool stays, until_closed;
} ways[] = {{false, false}, {true, false}, {true, true}};

static size_t first_way(void)
{
    return short_logs ? 1 : 0; /* it takes long */
}

static bool meets_all(void)
{
    const char *which = getenv("DISK_FAULTS");

    return which && strcmp(which, "all") == 0;
}

static unsigned some_calls_on(unsigned from, size_t n)
{
    for (; n > 0; n--)
        from += from < EACH_OF && !short_logs ? 1 : STEP;
    return from;
}

/* How many calls it met. */
static unsigned walk(const struct kind *k, const char *file, size_t way)
{
    size_t shared_by = meets_all() ? 1 : COUNT_OF(ways) - first_way();
    struct disk_fault f = {k->op, file, k->code, some_calls_on(1, (way - first_way()) % shared_by),
        ways[way].stays, k->half, false};
    unsigned met = 0;

    for (; survives(&f, ways[way].until_closed); met++) {
        f.from = some_calls_on(f.from, shared_by);
        if (f.from > CALLS_MAX)
            fail_msg("%s in %s: met at each of %d calls", k->name, file, CALLS_MAX);
    }
    if (met > 0 || f.from == 1)
        return met;
    f.from = 1; /* few calls only */
    return survives(&f, ways[way].until_closed);
}

static void walk_all(void)
{
    static const char *const files[] = {"queue.db", "keys.db"};
    unsigned met[DISK_OPS] = {0};

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        for (size_t k = 0; k < COUNT_OF(files); k++)
            for (size_t way = first_way(); way < COUNT_OF(ways); way++)
                if (way == 1 || strcmp(kinds[i].name, LINUX_READ) != 0)
                    met[kinds[i].op] += walk(&kinds[i], files[k], way);
    for (size_t i = 0; i < DISK_OPS; i++)
        assert_true(met[i] > 0);
}

static void no_call_that_fails_breaks_a_promise(void **state)
{
    (void)state;
    short_logs = false;
    walk_all();
}

static void nor_does_one_while_the_log_is_written_back_beside_it(void **state)
{
    (void)state;
    short_logs = true;
    walk_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_call_that_fails_breaks_a_promise),
        cmocka_unit_test(nor_does_one_while_the_log_is_written_back_beside_it),
    };

    faulty_disk_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
