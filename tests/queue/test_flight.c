/* kill -9: what was leased comes back, and exactly those whose body had begun come back unsure.
 * The killed service is a forked child that tells through a pipe how far it came. */
#include "queue/flight.h"
#include "tests/queue/post.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAILS 6

/* What the child does with the six messages that it claims; lane i works on message i. */
enum deed { LEAVES, BEGINS, SETTLES, BEGINS_AND_SETTLES, BEGINS_OVER };

static void act(struct post *p, struct job *jobs, size_t i, enum deed d)
{
    struct settlement s = {.job = &jobs[i], .lane = i, .to = MSG_DELIVERED, .reason = ""};

    if (d == BEGINS || d == BEGINS_AND_SETTLES)
        queue_body_starts(p->q, i, &jobs[i]);
    if (d == BEGINS_OVER) /* on the lane of its neighbour, whose body was never settled */
        queue_body_starts(p->q, i - 1, &jobs[i]);
    if (d == SETTLES || d == BEGINS_AND_SETTLES)
        FINE(queue_settle(p->q, &s, &p->e));
}

/* Claims all, does the deeds, and dies without a word to the queue. */
static void live_and_die(struct post *p, const enum deed *deeds)
{
    pid_t child;
    int status;

    queue_close(&p->q);
    child = fork();
    if (child == 0) {
        struct job *jobs;
        size_t n;

        p->q = post_start(p, QUEUE_SERVE, "one");
        if (!queue_claim(p->q, SHOP, "example.com", MAILS, HOUR, p->a, &jobs, &n, &p->e) ||
            n != MAILS)
            _exit(1);
        for (size_t i = 0; i < MAILS; i++)
            act(p, jobs, i, deeds[i]);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

struct outcome {
    const char *name;
    enum deed deeds[MAILS];
    unsigned unsure; /* bit i: message i comes back unsure */
};

static void check(struct post *p, const char *const *ids, const struct outcome *o)
{
    for (size_t i = 0; i < MAILS; i++) {
        bool over = o->deeds[i] == SETTLES || o->deeds[i] == BEGINS_AND_SETTLES;
        bool unsure = (o->unsure >> i & 1) != 0;
        struct message_view v = show(p, ids[i]);

        if (v.unsure != unsure || v.state != (over        ? MSG_DELIVERED
                                                 : unsure ? MSG_DEFERRED
                                                          : MSG_QUEUED))
            fail_msg("%s: message %zu is %s%s", o->name, i, msg_state_name(v.state),
                v.unsure ? ", unsure" : "");
        assert_string_equal(events_of(p, ids[i]), over     ? "accepted delivered"
                                                  : unsure ? "accepted unsure"
                                                           : "accepted");
        assert_true(over || v.due_ms <= p->time.ms);
    }
}

static const struct outcome outcomes[] = {
    {"nothing_begun_nothing_unsure", {LEAVES, LEAVES, LEAVES, LEAVES, LEAVES, LEAVES}, 0},
    {"begun_ones_are_unsure", {BEGINS, LEAVES, BEGINS, LEAVES, LEAVES, BEGINS}, 1 | 4 | 32},
    {"settled_ones_are_over",
        {BEGINS_AND_SETTLES, SETTLES, BEGINS, BEGINS_AND_SETTLES, LEAVES, LEAVES}, 4},
    {"a_lane_goes_on_after_a_settle",
        {BEGINS_AND_SETTLES, BEGINS_OVER, LEAVES, SETTLES, LEAVES, LEAVES}, 2},
    {"a_lane_that_went_on_without_a_settle_makes_all_unsure",
        {BEGINS, BEGINS_OVER, LEAVES, BEGINS_AND_SETTLES, LEAVES, LEAVES}, 1 | 2 | 4 | 16 | 32},
};

static void a_killed_service_leaves_exactly_the_begun_ones_unsure(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        const char *ids[MAILS];

        p->lanes = MAILS;
        post_reopen(p);
        for (size_t m = 0; m < MAILS; m++)
            ids[m] = post_mail(p, "ada@example.com");
        live_and_die(p, outcomes[i].deeds);
        p->q = post_start(p, QUEUE_SERVE, "one");
        check(p, ids, &outcomes[i]);
        expect_whole_chain(p, SHOP, "one");
        post_reopen(p); /* a second start finds nothing more to say */
        check(p, ids, &outcomes[i]);
    }
}

/* ---- a file that cannot be trusted ---- */

static void overwrite(struct post *p, off_t at, const char *bytes)
{
    int fd = open(post_file(p, "flight"), O_WRONLY);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, strlen(bytes), at), strlen(bytes));
    close(fd);
}

static void lose_flight(struct post *p)
{
    assert_int_equal(unlink(post_file(p, "flight")), 0);
}

static void damage_flight(struct post *p)
{
    overwrite(p, 0, "x");
}

static void change_boot_id(struct post *p)
{
    overwrite(p, 16, "00000000-0000-0000-0000-000000000000");
}

static void cut_flight(struct post *p)
{
    assert_int_equal(truncate(post_file(p, "flight"), 150), 0);
}

static void leave_flight(struct post *p)
{
    (void)p;
}

static void when_the_marks_cannot_be_trusted_every_own_lease_is_unsure(void **state)
{
    static const struct {
        const char *name;
        void (*harm)(struct post *p);
        bool unsure;
    } table[] = {
        {"whole", leave_flight, false},
        {"missing", lose_flight, true},
        {"damaged", damage_flight, true},
        {"cut_short", cut_flight, true},
        {"of_another_boot", change_boot_id, true},
    };
    static const enum deed deeds[MAILS] = {LEAVES};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        const char *ids[MAILS];

        for (size_t m = 0; m < MAILS; m++)
            ids[m] = post_mail(p, "ada@example.com");
        live_and_die(p, deeds);
        table[i].harm(p);
        p->q = post_start(p, QUEUE_SERVE, "one");
        for (size_t m = 0; m < MAILS; m++)
            if (show(p, ids[m]).unsure != table[i].unsure)
                fail_msg("%s: message %zu", table[i].name, m);
    }
}

static void leases_of_another_node_are_left_until_they_end(void **state)
{
    static const enum deed deeds[MAILS] = {BEGINS};
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *ids[MAILS];

    (void)state;
    for (size_t m = 0; m < MAILS; m++)
        ids[m] = post_mail(p, "ada@example.com");
    live_and_die(p, deeds);
    p->q = post_start(p, QUEUE_SERVE, "two");
    for (size_t m = 0; m < MAILS; m++)
        expect_state(p, ids[m], MSG_LEASED, "");
    p->time.ms += HOUR;
    FINE(queue_sweep(p->q, &p->e));
    for (size_t m = 0; m < MAILS; m++)
        assert_true(show(p, ids[m]).unsure);
}

static void a_slot_is_cleared_by_its_own_message_only(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct flight_past past;
    struct flight *f;

    (void)state;
    FINE(flight_open(post_file(p, "f"), "one", 2, &f, &p->e));
    flight_begin(f, 0, "msg_a", 1);
    flight_begin(f, 1, "msg_b", 7);
    flight_end(f, 0, "msg_b", 7);
    flight_end(f, 1, "msg_b", 6);
    flight_end(f, 9, "msg_b", 7);
    FINE(flight_read(post_file(p, "f"), "one", p->a, &past, &p->e));
    assert_int_equal(past.n, 2);
    assert_string_equal(past.marks[1].id, "msg_b");
    assert_int_equal(past.marks[1].fence, 7);
    flight_end(f, 1, "msg_b", 7);
    FINE(flight_read(post_file(p, "f"), "one", p->a, &past, &p->e));
    assert_int_equal(past.n, 1);
    assert_false(past.all_unsure);
    flight_begin(f, 2, "msg_c", 1); /* a lane that was not announced */
    FINE(flight_read(post_file(p, "f"), "one", p->a, &past, &p->e));
    assert_true(past.all_unsure);
    flight_close(&f);
}

/* A journal that somebody wrote into: the chain's next number is taken. */
static void what_the_tables_refuse_is_no_lost_lease(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *id = post_mail(p, "ada@example.com");
    struct settlement s = {.lane = 0, .to = MSG_DELIVERED, .reason = ""};

    (void)state;
    s.job = claim_one(p);
    queue_body_starts(p->q, s.lane, s.job);
    post_change(p, "queue.db",
        "INSERT INTO journal SELECT n + 1, NULL, storefront, node, seq + 1, at_ms, '', event,"
        " actor, facts, commitment, hash, NULL, NULL, NULL FROM journal ORDER BY n DESC LIMIT 1");
    refused(queue_settle(p->q, &s, &p->e), &p->e, ERR_CORRUPT);
    post_change(p, "queue.db",
        "DROP TRIGGER journal_keeps; DELETE FROM journal WHERE n = (SELECT max(n) FROM journal)");
    post_reopen(p);
    assert_true(show(p, id).unsure);
    assert_string_equal(events_of(p, id), "accepted unsure");
}

/* A keys.db that somebody wrote into: a key that came in with another change cannot be written. */
static void what_keys_db_refuses_is_no_lost_lease(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *id = post_mail(p, "ada@example.com");
    struct settlement s = {.lane = 0, .to = MSG_DELIVERED, .reason = ""};
    struct submission another = a_mail(p, "bob@example.com");
    struct receipt r;

    (void)state;
    s.job = claim_one(p);
    queue_body_starts(p->q, s.lane, s.job);
    post_change(p, "keys.db",
        "CREATE TRIGGER no BEFORE INSERT ON person_key BEGIN SELECT RAISE(ABORT, 'no'); END");
    refused(queue_submit(p->q, &another, &r, &p->e), &p->e, ERR_LIBRARY);
    refused(queue_settle(p->q, &s, &p->e), &p->e, ERR_LIBRARY);
    post_change(p, "keys.db", "DROP TRIGGER no");
    post_reopen(p);
    assert_true(show(p, id).unsure);
    assert_string_equal(events_of(p, id), "accepted unsure");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_service_leaves_exactly_the_begun_ones_unsure),
        cmocka_unit_test(when_the_marks_cannot_be_trusted_every_own_lease_is_unsure),
        cmocka_unit_test(leases_of_another_node_are_left_until_they_end),
        cmocka_unit_test(a_slot_is_cleared_by_its_own_message_only),
        cmocka_unit_test(what_the_tables_refuse_is_no_lost_lease),
        cmocka_unit_test(what_keys_db_refuses_is_no_lost_lease),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
