/* Many threads at once: they share commits, get their own answers, and race with nothing. */
#include "queue/committer.h"
#include "tests/queue/post.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 64
#define EACH 5

struct client {
    struct post *p;
    pthread_t thread;
    struct submission mails[EACH];
    unsigned number, stored;
    struct err e;
};

static _Atomic unsigned begun;

static void *submit_all(void *arg)
{
    struct client *c = arg;
    struct receipt r;

    begun++;
    for (unsigned i = 0; i < EACH; i++)
        c->stored += queue_submit(c->p->q, &c->mails[i], &r, &c->e) && r.result == SUBMIT_NEW;
    return NULL;
}

static void prepare(struct post *p, struct client *clients)
{
    for (unsigned t = 0; t < THREADS; t++) {
        clients[t] = (struct client){.p = p, .number = t};
        for (unsigned i = 0; i < EACH; i++)
            clients[t].mails[i] =
                a_mail(p, arena_printf(p->a, "u%u@d%u.example", t % 7, (t + i) % 5));
    }
}

static void start(struct client *clients, void *(*work)(void *))
{
    for (unsigned t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&clients[t].thread, NULL, work, &clients[t]), 0);
}

static void join(struct client *clients)
{
    for (unsigned t = 0; t < THREADS; t++)
        pthread_join(clients[t].thread, NULL);
}

static void run(struct client *clients, void *(*work)(void *))
{
    start(clients, work);
    join(clients);
}

/* Another process has the lock for writing until all have begun, so that they meet in the line on any machine. */
static void run_behind_another(struct post *p, struct client *clients)
{
    sqlite3 *other;

    assert_int_equal(sqlite3_open(post_file(p, "queue.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    begun = 0;
    start(clients, submit_all);
    while (begun < THREADS)
        sched_yield();
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    join(clients);
}

static void threads_that_submit_together_share_commits(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    AUTO(buf_close) struct buf text = {0};
    struct client *clients = calloc(THREADS, sizeof *clients);
    struct metrics *m = metrics_open();
    struct queue_setup setup = {.dir = p->data,
        .node = "one",
        .role = QUEUE_SERVE,
        .keys = p->keys,
        .clock = &p->clock,
        .metrics = m,
        .lanes = 4};
    struct queue_counts counts;
    unsigned long commits = 0;
    const char *line;

    (void)state;
    queue_close(&p->q);
    FINE(queue_open(&setup, &p->q, &p->e));
    prepare(p, clients);
    run_behind_another(p, clients);
    for (unsigned t = 0; t < THREADS; t++)
        assert_int_equal(clients[t].stored, EACH);
    FINE(queue_count(p->q, SHOP, &counts, &p->e));
    assert_int_equal(counts.by_state[MSG_QUEUED], THREADS * EACH);
    expect_whole_chain(p, SHOP, "one");
    metrics_print(m, &text);
    line = strstr(buf_text(&text), "parcelpost_queue_commit_group_size_count ");
    assert_non_null(line);
    assert_int_equal(sscanf(line, "%*s %lu", &commits), 1);
    assert_true(commits > 0 && commits < THREADS * EACH - THREADS / 4);
    queue_close(&p->q);
    metrics_close(&m);
    free(clients);
}

/* Everything at once: submit, claim, settle, show, suppress, keys, sweep. */
static void *work_all(void *arg)
{
    struct client *c = arg;
    struct arena *a = arena_open();
    struct post *p = c->p;
    struct suppression_new s = {
        .scope = "*", .reason = "manual", .origin = "staff", .evidence = ""};
    struct message_view v;
    struct receipt r;
    struct job *jobs;
    bool added;
    size_t n;

    for (unsigned i = 0; i < EACH; i++) {
        const struct submission *m = &c->mails[i];

        c->stored +=
            queue_submit(p->q, m, &r, &c->e) && queue_show(p->q, SHOP, m->id, a, &v, &c->e);
        if (!queue_claim(p->q, SHOP, m->destination, 2, HOUR, a, &jobs, &n, &c->e))
            continue;
        for (size_t j = 0; j < n; j++) {
            struct settlement done = {.job = &jobs[j],
                .lane = c->number % 4,
                .to = MSG_DELIVERED,
                .reason = "",
                .reply = STR("250 ok")};

            queue_body_starts(p->q, c->number % 4, &jobs[j]);
            c->stored -= !queue_settle(p->q, &done, &c->e);
        }
        if (c->number % 8 == 0)
            c->stored -= !queue_suppress(p->q, SHOP, m->address, &s, &added, &c->e);
        if (c->number % 16 == 1)
            c->stored -= !queue_sweep(p->q, &c->e);
    }
    arena_close(&a);
    return NULL;
}

static void everything_at_once_keeps_its_order(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct client *clients = calloc(THREADS, sizeof *clients);
    struct queue_counts counts;

    (void)state;
    prepare(p, clients);
    run(clients, work_all);
    for (unsigned t = 0; t < THREADS; t++)
        if (clients[t].stored != EACH)
            fail_msg("client %u: %s", t, clients[t].e.text);
    FINE(queue_count(p->q, SHOP, &counts, &p->e));
    assert_int_equal(counts.by_state[MSG_QUEUED] + counts.by_state[MSG_DELIVERED], THREADS * EACH);
    assert_int_equal(counts.by_state[MSG_LEASED], 0);
    expect_whole_chain(p, SHOP, "one");
    free(clients);
}

/* ---- the line in front of the committer ---- */

/* A back end that waits until the test lets it go on. */
struct slow_store {
    struct store base;
    sem_t begun, go_on;
    size_t largest; /* group so far */
};

static bool slow_apply(struct store *s, struct store_op *const *ops, size_t n, int64_t now_ms,
    const struct store_condition *condition, bool *wrote, struct err *e)
{
    struct slow_store *slow = (struct slow_store *)s;

    (void)now_ms;
    (void)condition;
    (void)e;
    slow->largest = n > slow->largest ? n : slow->largest;
    sem_post(&slow->begun);
    sem_wait(&slow->go_on);
    for (size_t i = 0; i < n; i++)
        ops[i]->ok = true;
    *wrote = true;
    return true;
}

static _Atomic int answered;

static void count_answer(void *context, struct ticket *t)
{
    (void)context;
    (void)t;
    answered++;
}

/* Places for those who will not wait; the others are kept for claims and settlements. */
#define POSTS (COMMITTER_OPS - COMMITTER_KEPT)

/* A committer in front of the slow store. */
struct slow_line {
    struct post *p;
    struct slow_store slow;
    struct vault *v;
    struct committer *c;
};

static struct post *slow_open(struct slow_line *l)
{
    static const struct store_verbs verbs = {.apply = slow_apply};
    struct post *p = post_open(&backend_sqlite);

    *l = (struct slow_line){.p = p, .slow.base = {&verbs}};
    sem_init(&l->slow.begun, 0, 0);
    sem_init(&l->slow.go_on, 0, 0);
    answered = 0;
    FINE(vault_open(post_file(p, "v.db"), p->keys, &p->clock, &l->v, &p->e));
    committer_open(
        &(struct committer_setup){.store = &l->slow.base, .vault = l->v, .clock = &p->clock},
        &l->c);
    return p;
}

/* Lets so many groups be written, which are all that there are at the most, and waits for that. */
static void slow_end(struct slow_line *l, int groups)
{
    for (int i = 0; i < groups; i++)
        sem_post(&l->slow.go_on);
    committer_close(&l->c);
}

static void slow_close(struct slow_line *l)
{
    vault_close(&l->v);
    sem_destroy(&l->slow.begun);
    sem_destroy(&l->slow.go_on);
    post_close(&l->p);
}

static void a_full_line_turns_those_away_who_will_not_wait(void **state)
{
    struct slow_line l;
    struct ticket *tickets = calloc(POSTS + 2, sizeof *tickets);

    (void)state;
    struct post *p = slow_open(&l);
    for (size_t i = 0; i < POSTS + 2; i++)
        tickets[i] = (struct ticket){.op.kind = STORE_NOTE, .done = count_answer};
    FINE(committer_post(l.c, &tickets[0], &p->e));
    sem_wait(&l.slow.begun); /* the first is being written; the line behind it is empty */
    for (size_t i = 1; i <= POSTS; i++)
        FINE(committer_post(l.c, &tickets[i], &p->e));
    refused(committer_post(l.c, &tickets[POSTS + 1], &p->e), &p->e, ERR_BUSY);
    slow_end(&l, 20);
    assert_int_equal(answered, POSTS + 1);
    assert_int_equal(l.slow.largest, COMMITTER_GROUP);
    slow_close(&l);
    free(tickets);
}

static void too_many_bytes_turn_away_too_but_never_the_only_one(void **state)
{
    struct slow_line l;
    struct ticket tickets[4];

    (void)state;
    struct post *p = slow_open(&l);
    for (size_t i = 0; i < COUNT_OF(tickets); i++)
        tickets[i] = (struct ticket){
            .op.kind = STORE_NOTE, .done = count_answer, .bytes = COMMITTER_BYTES / 2 + 1};
    tickets[1].bytes = 2 * COMMITTER_BYTES;
    FINE(committer_post(l.c, &tickets[0], &p->e));
    sem_wait(&l.slow.begun);
    FINE(committer_post(l.c, &tickets[1], &p->e));
    refused(committer_post(l.c, &tickets[2], &p->e), &p->e, ERR_BUSY);
    slow_end(&l, 4);
    slow_close(&l);
}

static void what_is_large_is_written_alone(void **state)
{
    struct slow_line l;
    struct ticket tickets[3];

    (void)state;
    struct post *p = slow_open(&l);
    for (size_t i = 0; i < COUNT_OF(tickets); i++) {
        tickets[i] = (struct ticket){
            .op.kind = STORE_NOTE, .done = count_answer, .bytes = COMMITTER_BYTES / 3};
        FINE(committer_post(l.c, &tickets[i], &p->e));
    }
    slow_end(&l, 3);
    assert_int_equal(l.slow.largest, 1);
    slow_close(&l);
}

static void tickets_posted_together_are_never_parted(void **state)
{
    struct slow_line l;
    struct ticket *tickets = calloc(COMMITTER_OPS, sizeof *tickets);

    (void)state;
    struct post *p = slow_open(&l);
    for (size_t i = 0; i < COMMITTER_OPS; i++)
        tickets[i] = (struct ticket){.op.kind = STORE_NOTE, .done = count_answer, .bytes = 1 << 20};
    FINE(committer_post(l.c, &tickets[0], &p->e));
    sem_wait(&l.slow.begun); /* the first is being written */
    FINE(committer_post(l.c, &tickets[1], &p->e));
    FINE(
        committer_post_all(l.c, &tickets[2], 200, &p->e)); /* no room beside the one, and 200 MiB */
    l.slow.largest = 0;
    sem_post(&l.slow.go_on);
    sem_wait(&l.slow.begun);
    assert_int_equal(l.slow.largest, 1);
    sem_post(&l.slow.go_on);
    sem_wait(&l.slow.begun);
    assert_int_equal(l.slow.largest, 200);
    for (size_t i = 202; i < COMMITTER_OPS; i++)
        tickets[i].bytes = 0;
    FINE(committer_post_all(l.c, &tickets[202], COMMITTER_GROUP, &p->e));
    slow_end(&l, 10);
    assert_int_equal(l.slow.largest, COMMITTER_GROUP);
    assert_int_equal(answered, 202 + COMMITTER_GROUP);
    slow_close(&l);
    free(tickets);
}

/* Ten that stand in front of a full batch go first: all of them together are more than one commit takes. */
static void a_full_batch_behind_others_has_a_commit_of_its_own(void **state)
{
    struct slow_line l;
    struct ticket *tickets = calloc(11 + COMMITTER_GROUP, sizeof *tickets);

    (void)state;
    struct post *p = slow_open(&l);
    for (size_t i = 0; i < 11 + COMMITTER_GROUP; i++)
        tickets[i] = (struct ticket){.op.kind = STORE_NOTE, .done = count_answer};
    FINE(committer_post(l.c, &tickets[0], &p->e));
    sem_wait(&l.slow.begun); /* the first is being written */
    for (size_t i = 1; i <= 10; i++)
        FINE(committer_post(l.c, &tickets[i], &p->e));
    FINE(committer_post_all(l.c, &tickets[11], COMMITTER_GROUP, &p->e));
    sem_post(&l.slow.go_on);
    sem_wait(&l.slow.begun);
    assert_int_equal(l.slow.largest, 10);
    slow_end(&l, 2);
    assert_int_equal(l.slow.largest, COMMITTER_GROUP);
    assert_int_equal(answered, 11 + COMMITTER_GROUP);
    slow_close(&l);
    free(tickets);
}

static void a_batch_that_finds_no_room_leaves_nothing_in_the_line(void **state)
{
    struct slow_line l;
    struct ticket *tickets = calloc(POSTS + 2, sizeof *tickets);

    (void)state;
    struct post *p = slow_open(&l);
    for (size_t i = 0; i < POSTS + 2; i++)
        tickets[i] = (struct ticket){.op.kind = STORE_NOTE, .done = count_answer};
    FINE(committer_post(l.c, &tickets[0], &p->e));
    sem_wait(&l.slow.begun);
    for (size_t i = 1; i < POSTS; i++)
        FINE(committer_post(l.c, &tickets[i], &p->e));
    refused(committer_post_all(l.c, &tickets[POSTS], 2, &p->e), &p->e, ERR_BUSY);
    slow_end(&l, 20);
    assert_int_equal(answered, POSTS);
    slow_close(&l);
    free(tickets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_that_submit_together_share_commits),
        cmocka_unit_test(everything_at_once_keeps_its_order),
        cmocka_unit_test(a_full_line_turns_those_away_who_will_not_wait),
        cmocka_unit_test(what_is_large_is_written_alone),
        cmocka_unit_test(tickets_posted_together_are_never_parted),
        cmocka_unit_test(a_full_batch_behind_others_has_a_commit_of_its_own),
        cmocka_unit_test(a_batch_that_finds_no_room_leaves_nothing_in_the_line),
        cmocka_unit_test(too_many_bytes_turn_away_too_but_never_the_only_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
