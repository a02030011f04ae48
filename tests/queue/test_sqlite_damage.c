/* A disk that fails, pages that are broken and rows that somebody changed: what is told, and what goes on. */
#include "queue/sqlite.h"
#include "queue/store.h"
#include "tests/queue/post.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the seam: SQLite's reads and writes pass here, and fail when the test says so ---- */

static _Atomic int disk_error, read_error, writes_refused;

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
        writes_refused++;
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

static void be_told(void *answered)
{
    sem_post(answered);
}

/* The id that is used twice lets the group be tried one by one, and only then the disk is met. */
static void a_disk_that_fails_one_of_a_group_is_told_too(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *before = post_mail(p, "ada@example.com");
    struct submission mails[20];
    struct submit_outcome out[COUNT_OF(mails)];
    sem_t answered;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(mails); i++)
        mails[i] = a_mail(p, "ada@example.com");
    mails[0].id = before;
    sem_init(&answered, 0, 0);
    disk_error = ENOSPC;
    writes_refused = 0;
    FINE(queue_submit_batch_async(p->q, mails, COUNT_OF(mails), out, be_told, &answered, &p->e));
    sem_wait(&answered);
    sem_destroy(&answered);
    refused(out[0].stored, &out[0].e, ERR_CONFLICT);
    for (size_t i = 1; i < COUNT_OF(mails); i++)
        refused(out[i].stored, &out[i].e, ERR_FULL);
    assert_true(
        writes_refused > 0 && writes_refused < 4); /* not each one has to hear it from the disk */
    refused(queue_is_well(p->q, &p->e), &p->e, ERR_FULL);
    disk_error = 0;
    FINE(queue_sweep(p->q, &p->e));
    FINE(queue_is_well(p->q, &p->e));
    post_submit(p, &mails[1]);
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

/* ---- outcomes ---- */

static bool holds(void *context, struct err *e)
{
    (void)context;
    (void)e;
    return true;
}

/* What is under way is written still, as far as it can be; what comes in is not. */
static void an_outcome_that_meets_damage_does_not_keep_others_from_the_disk(void **state)
{
    const struct store_condition always = {holds, NULL};
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *bad = post_mail(p, "ada@example.com"), *good = post_mail(p, "bob@example.com");
    struct job *jobs = claim_at(p, "example.com", 2, 2);
    struct settlement s[2];
    struct store_settle list[2];
    struct store_op note = {.kind = STORE_NOTE}, ops[2];
    struct store *store;
    bool wrote;

    (void)state;
    assert_string_equal(jobs[0].id, bad);
    for (size_t i = 0; i < 2; i++) {
        s[i] = (struct settlement){.job = &jobs[i], .to = MSG_DELIVERED, .reason = ""};
        list[i] = (struct store_settle){.s = &s[i], .facts = STR("{}")};
        ops[i] = (struct store_op){.kind = STORE_SETTLE, .settle = {.list = &list[i], .n = 1}};
    }
    note.note = (struct store_note){.storefront = SHOP,
        .draft = {.event = "exported", .actor = "tester", .message_id = "", .facts = STR("{}")}};
    queue_close(&p->q);
    post_change(p, "queue.db", "PRAGMA foreign_keys=OFF; DELETE FROM person WHERE n = 1");
    FINE(store_sqlite_open(post_file(p, "queue.db"), "one", &store, &p->e));
    assert_true(store->verbs->apply(
        store, (struct store_op *[]){&ops[0], &ops[1], &note}, 3, T0, &always, &wrote, &p->e));
    refused(ops[0].ok, &ops[0].e, ERR_CORRUPT);
    assert_non_null(strstr(ops[0].e.text, "parcelpost restore"));
    assert_true(ops[1].ok && wrote);
    refused(note.ok, &note.e, ERR_CORRUPT);
    store->verbs->close(&store);
    p->q = post_start(p, QUEUE_TOOL, "one");
    expect_state(p, good, MSG_DELIVERED, "");
}

/* ---- rows ---- */

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

        post_change(p, "queue.db", damage[i]);
        jobs = claim_at(p, "example.com", 9, 1);
        assert_string_equal(jobs[0].id, good);
        assert_string_equal(events_of(p, bad), "accepted held");
        FINE(queue_is_well(p->q, &p->e));
    }
}

static void a_suppression_whose_seal_does_not_open_still_counts_and_is_listed(void **state)
{
    static const struct suppression_new hard = {.scope = "*",
        .reason = "hard-bounce",
        .origin = "receiver",
        .evidence = "",
        .note = STR("550 unknown")};
    static const struct suppression_filter all = {
        .scope = "", .reason = "", .origin = "", .max = 9};
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct suppression *rows;
    bool added;
    size_t n;

    (void)state;
    FINE(queue_suppress(p->q, SHOP, STR("ada@example.com"), &hard, &added, &p->e));
    FINE(queue_suppress(p->q, SHOP, STR("bob@example.com"), &hard, &added, &p->e));
    post_change(p, "keys.db",
        "UPDATE person_key SET wrapped = zeroblob(length(wrapped)) WHERE id ="
        " (SELECT min(id) FROM person_key); UPDATE erasure SET n = n + 1");
    FINE(queue_suppressions_of(p->q, SHOP, STR("ada@example.com"), p->a, &rows, &n, &p->e));
    assert_int_equal(n, 1);
    assert_true(rows[0].address.n == 0 && rows[0].note.n == 0);
    FINE(queue_suppressions(p->q, SHOP, &all, p->a, &rows, &n, &p->e));
    assert_int_equal(n, 2);
    assert_true(str_is(rows[1].address, "bob@example.com"));
    assert_true(str_is(rows[1].note, "550 unknown"));
}

static void an_unreadable_mail_still_shows_its_state_and_can_be_cancelled(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *bad = post_mail(p, "ada@example.com");
    struct message_view v;
    enum change_result done;

    (void)state;
    post_change(p, "queue.db", damage[0]);
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
    post_change(p, "queue.db", "UPDATE place SET destination = 'evil.example'");
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
        post_change(p, "queue.db", forgeries[i]);
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

/* The largest of what the rows count: nothing overflows, and the mail goes. */
static void numbers_at_their_end_do_not_overflow(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *id = post_mail(p, "ada@example.com");
    struct settlement later = {.to = MSG_DEFERRED, .reason = "busy"};

    (void)state;
    post_change(p, "queue.db",
        "UPDATE message SET attempts = 9223372036854775807, waits = 9223372036854775807,"
        " fence = 9223372036854775807, bytes = 9223372036854775807");
    struct job *j = claim_one(p);
    assert_true(j->attempts > 0 && j->attempts < INT_MAX && j->waits > 0 && j->waits < INT_MAX);
    later.job = j;
    later.due_ms = p->time.ms + HOUR;
    FINE(queue_settle(p->q, &later, &p->e));
    expect_state(p, id, MSG_DEFERRED, "busy");
}

static void a_journal_whose_count_is_at_its_end_takes_no_more(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct submission s = a_mail(p, "ada@example.com");
    struct receipt r;

    (void)state;
    post_mail(p, "ada@example.com");
    post_change(p, "queue.db", "UPDATE chain SET seq = 9223372036854775807");
    refused(queue_submit(p->q, &s, &r, &p->e), &p->e, ERR_CORRUPT);
}

/* Nobody's request is at fault: each further one would end the same, and the outcome of each mail that goes out. */
static void numbers_that_are_taken_stop_intake_and_sending(void **state)
{
    static const char *const changes[] = {
        "UPDATE chain SET seq = seq - 1",
        "INSERT INTO payload SELECT n + 1, stream, template, locale, bundle, date_ms, event, seq,"
        " occurred_ms, order_ref, parcel_ref, supersedes, sealed FROM payload",
        "INSERT INTO attachment SELECT (max(n) + 1) * 1024, x'00' FROM message",
    };
    const struct attachment one = {"a.txt", "text/plain", STR("a")};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        struct submission s = a_mail(p, "ada@example.com");
        struct receipt r;
        struct job *jobs;
        size_t n;

        post_mail(p, "ada@example.com");
        post_change(p, "queue.db", changes[i]);
        s.attachments = &one;
        s.attachments_n = 1;
        refused(queue_submit(p->q, &s, &r, &p->e), &p->e, ERR_CORRUPT);
        assert_non_null(strstr(p->e.text, "put the last copy back"));
        refused(queue_is_well(p->q, &p->e), &p->e, ERR_CORRUPT);
        refused(queue_claim(p->q, SHOP, "example.com", 1, HOUR, p->a, &jobs, &n, &p->e), &p->e,
            ERR_CORRUPT);
    }
}

/* A statement that cannot be made is an error as any other. */
static void a_table_that_is_gone_is_told(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct submission s = a_mail(p, "ada@example.com");
    struct receipt r;

    (void)state;
    post_change(p, "queue.db",
        "ALTER TABLE tally RENAME TO other; CREATE VIEW tally AS SELECT * FROM other");
    assert_false(queue_submit(p->q, &s, &r, &p->e));
    assert_string_not_equal(p->e.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_that_fails_changes_nothing_and_is_told_until_it_works),
        cmocka_unit_test(a_disk_that_fails_one_of_a_group_is_told_too),
        cmocka_unit_test(a_broken_page_is_told_until_the_restart),
        cmocka_unit_test(a_broken_page_stops_intake_and_sending_until_the_restart),
        cmocka_unit_test(a_broken_page_among_the_keys_stops_intake_too),
        cmocka_unit_test(an_outcome_that_meets_damage_does_not_keep_others_from_the_disk),
        cmocka_unit_test(an_unreadable_mail_is_held_and_does_not_stop_the_others),
        cmocka_unit_test(a_suppression_whose_seal_does_not_open_still_counts_and_is_listed),
        cmocka_unit_test(an_unreadable_mail_still_shows_its_state_and_can_be_cancelled),
        cmocka_unit_test(a_mail_does_not_go_where_only_the_row_says),
        cmocka_unit_test(a_key_that_was_not_made_here_opens_nothing),
        cmocka_unit_test(a_claim_that_cannot_be_read_is_given_back),
        cmocka_unit_test(numbers_at_their_end_do_not_overflow),
        cmocka_unit_test(a_journal_whose_count_is_at_its_end_takes_no_more),
        cmocka_unit_test(numbers_that_are_taken_stop_intake_and_sending),
        cmocka_unit_test(a_table_that_is_gone_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
