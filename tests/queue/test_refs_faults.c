/* Transactions of the queue that fail, at each step: what the one before them committed is known as before. The linker puts
 * what stands here before the house's own (--wrap). */
#include "queue/flusher.h"
#include "queue/sqlite.h"
#include "queue/sqlite_checkpoint.h"
#include "tests/queue/post.h"

#include <semaphore.h>

enum trap_kind { NO_TRAP, OTHERS_HOLD_THE_LOCK, NO_STAMP, NO_KEYS, NO_COMMIT };

/* Set while the committer has nothing to do, or by its own thread. */
static struct trap {
    enum trap_kind kind;
    int begins;                    /* of transactions until the one that it is for */
    struct sqlite *writer, *other; /* connections to queue.db: the queue's, and another one */
} trap;

void __real_checkpoints_open(const char *path, struct sqlite *writer, struct checkpoints **out);
void __wrap_checkpoints_open(const char *path, struct sqlite *writer, struct checkpoints **out);
bool __real_sqlite_begin(struct sqlite *db, struct err *e);
bool __wrap_sqlite_begin(struct sqlite *db, struct err *e);
bool __real_sqlite_stamp(struct sqlite *db, int64_t *out, struct err *e);
bool __wrap_sqlite_stamp(struct sqlite *db, int64_t *out, struct err *e);
bool __real_sqlite_commit(struct sqlite *db, struct err *e);
bool __wrap_sqlite_commit(struct sqlite *db, struct err *e);
bool __real_flusher_wait(struct flusher *f, struct err *e);
bool __wrap_flusher_wait(struct flusher *f, struct err *e);

void __wrap_checkpoints_open(const char *path, struct sqlite *writer, struct checkpoints **out)
{
    __real_checkpoints_open(path, writer, out);
    if (!trap.writer && str_ends(str_of(path), STR("/queue.db")))
        trap.writer = writer;
}

/* What would take the whole patience, without any. */
static bool begin_in_vain(struct sqlite *db, struct err *e)
{
    struct err of_other;
    bool fine;

    if (!sqlite_exec(trap.other, "BEGIN IMMEDIATE", &of_other))
        return err_set(e, ERR_LIBRARY, "the other got no lock: %s", of_other.text);
    sqlite_be_patient(db, 0);
    fine = __real_sqlite_begin(db, e);
    sqlite_be_patient(db, SQLITE_PATIENCE_MS);
    return sqlite_exec(trap.other, "ROLLBACK", &of_other) && fine;
}

bool __wrap_sqlite_begin(struct sqlite *db, struct err *e)
{
    if (db != trap.writer || trap.kind == NO_TRAP)
        return __real_sqlite_begin(db, e);
    trap.begins--;
    if (trap.kind == OTHERS_HOLD_THE_LOCK && trap.begins == 0)
        return begin_in_vain(db, e);
    return __real_sqlite_begin(db, e);
}

static bool is_sprung(enum trap_kind kind, struct err *e)
{
    return trap.kind == kind && trap.begins == 0 && !err_set(e, ERR_IO, "a trap");
}

bool __wrap_sqlite_stamp(struct sqlite *db, int64_t *out, struct err *e)
{
    return (db != trap.writer || !is_sprung(NO_STAMP, e)) && __real_sqlite_stamp(db, out, e);
}

bool __wrap_sqlite_commit(struct sqlite *db, struct err *e)
{
    return (db != trap.writer || !is_sprung(NO_COMMIT, e)) && __real_sqlite_commit(db, e);
}

bool __wrap_flusher_wait(struct flusher *f, struct err *e)
{
    return __real_flusher_wait(f, e) && !is_sprung(NO_KEYS, e);
}

static struct submission event_mail(
    struct post *p, int64_t seq, const char *event, const char *supersedes, const char *key)
{
    struct submission s = a_mail(p, "ada@example.com");

    s.idempotency_key = str_of(key);
    s.order = (struct order_event){.order = STR("ORDER-1"),
        .parcel = STR("P1"),
        .event = event,
        .seq = seq,
        .supersedes = supersedes};
    return s;
}

static void submit_in_vain(struct post *p, enum trap_kind kind)
{
    struct submission s = a_mail(p, "bob@example.com");
    struct receipt r;

    trap.kind = kind;
    trap.begins = 1;
    assert_false(queue_submit(p->q, &s, &r, &p->e));
    assert_int_equal(p->e.code, kind == OTHERS_HOLD_THE_LOCK ? ERR_BUSY : ERR_IO);
    trap.kind = NO_TRAP;
}

static void all_known(void *came)
{
    sem_post(came);
}

/* Both in one transaction, which an id used twice spoils; then each in its own, of which the second cannot begin. */
static void submit_one_of_two(struct post *p, const struct submission *s, enum trap_kind kind)
{
    struct submission both[] = {*s, a_mail(p, "ada@example.com")};
    struct submit_outcome out[COUNT_OF(both)];
    sem_t came;

    both[1].id = post_mail(p, "ada@example.com");
    sem_init(&came, 0, 0);
    trap.kind = kind;
    trap.begins = 3;
    FINE(queue_submit_batch_async(p->q, both, COUNT_OF(both), out, all_known, &came, &p->e));
    sem_wait(&came);
    sem_destroy(&came);
    trap.kind = NO_TRAP;
    assert_true(out[0].stored);
    assert_false(out[1].stored);
    assert_int_equal(out[1].e.code, kind == OTHERS_HOLD_THE_LOCK ? ERR_BUSY : ERR_IO);
}

static int64_t rows(struct post *p, const char *text)
{
    struct sql *q = sqlite_sql(trap.other, text);
    int64_t n = sql_row(q) ? sql_get_int(q, 0) : -1;

    FINE(sql_done(q, &p->e));
    return n;
}

/* A repeat, then a later event of its parcel. */
static void expect_known(struct post *p, const struct submission *first)
{
    struct submission again = event_mail(p, 1, "delayed", "", "key"),
                      later = event_mail(p, 2, "shipped", "delayed", "");
    struct receipt r = post_submit(p, &again);

    assert_int_equal(r.result, SUBMIT_REPEATED);
    assert_string_equal(r.id.s, first->id);
    post_submit(p, &later);
    expect_state(p, first->id, MSG_CANCELLED, "superseded");
    assert_int_equal(rows(p, "SELECT count(*) FROM person"), 1);
    assert_int_equal(rows(p, "SELECT (SELECT count(*) FROM idempotency_0)"
                             " + (SELECT count(*) FROM idempotency_1)"
                             " + (SELECT count(*) FROM idempotency_2)"
                             " + (SELECT count(*) FROM idempotency_3)"),
        1);
}

static void what_was_committed_is_known_whatever_the_next_transaction_met(void **state)
{
    static const struct {
        const char *name;
        enum trap_kind kind;
        bool one_by_one;
    } table[] = {
        {"another process holds the lock beyond the patience", OTHERS_HOLD_THE_LOCK, false},
        {"nothing can be read behind the begin", NO_STAMP, false},
        {"the keys are not on the disk", NO_KEYS, false},
        {"the commit is refused", NO_COMMIT, false},
        {"the lock is taken between two of a group", OTHERS_HOLD_THE_LOCK, true},
        {"nothing can be read between two of a group", NO_STAMP, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        print_message("%s\n", table[i].name);
        trap = (struct trap){.kind = NO_TRAP};
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        struct submission first = event_mail(p, 1, "delayed", "", "key");

        FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_WRITING, &trap.other, &p->e));
        if (table[i].one_by_one) {
            submit_one_of_two(p, &first, table[i].kind);
        } else {
            post_submit(p, &first);
            submit_in_vain(p, table[i].kind);
        }
        expect_known(p, &first);
        sqlite_close(&trap.other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_committed_is_known_whatever_the_next_transaction_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
