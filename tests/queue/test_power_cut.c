/* What was answered is on disk: while many threads post, claim and settle, the power is cut again and again, and what is left
 * then holds every answer. So nothing is answered before a sync that covers it, no key is later than what was sealed with it, and
 * the log's thread overwrites nothing that is needed. */
#include "queue/sqlite_checkpoint.h"
#include "tests/queue/post.h"
#include "tests/support/power_cut.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define THREADS 6
#define CUTS 20
#define ROUND 8 /* mails of a thread between two cuts */
#define MAILS (THREADS * ROUND * (CUTS + 1))

/* So short that logs are written back, and begin anew, all the while. The linker puts this before the house's own (--wrap). */
void __real_checkpoints_open(const char *path, struct sqlite *writer, struct checkpoints **out);
void __wrap_checkpoints_open(const char *path, struct sqlite *writer, struct checkpoints **out);

void __wrap_checkpoints_open(const char *path, struct sqlite *writer, struct checkpoints **out)
{
    __real_checkpoints_open(path, writer, out);
    checkpoints_limit(*out, 40, 200);
}

struct promise {
    const char *id;
    bool delivered;
};

struct town {
    struct post *p;
    pthread_mutex_t lock; /* guards all below, and the post's arena and ids */
    pthread_cond_t changed;
    struct promise answered[MAILS];
    size_t n;
    int rounds;      /* that were begun */
    bool syncs_fail; /* of each database one in each round */
};

struct citizen {
    struct town *town;
    pthread_t thread;
    int number;
};

static struct submission next_mail(struct town *t, int citizen, int i)
{
    pthread_mutex_lock(&t->lock);
    while (i >= t->rounds * ROUND)
        pthread_cond_wait(&t->changed, &t->lock);
    struct submission s =
        a_mail(t->p, arena_printf(t->p->a, "c%d-%d@d%d.example", citizen, i, citizen));
    pthread_mutex_unlock(&t->lock);
    return s;
}

static void note_accepted(struct town *t, const char *id)
{
    pthread_mutex_lock(&t->lock);
    t->answered[t->n++] = (struct promise){.id = id};
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

static void note_delivered(struct town *t, const char *id)
{
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->answered[i].id, id) == 0)
            t->answered[i].delivered = true;
    pthread_mutex_unlock(&t->lock);
}

static bool deliver(struct town *t, int citizen, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct job *jobs;
    size_t n;

    if (!queue_claim(
            t->p->q, SHOP, arena_printf(a, "d%d.example", citizen), 2, HOUR, a, &jobs, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct settlement s = {.job = &jobs[i], .to = MSG_DELIVERED, .reason = ""};

        if (!queue_settle(t->p->q, &s, e))
            return false;
        note_delivered(t, jobs[i].id);
    }
    return true;
}

/* Mail is refused while a checkpoint's sync has failed; the sweep asks for the next one. */
static bool submit(struct town *t, const struct submission *s, struct err *e)
{
    struct receipt r;

    while (!queue_submit(t->p->q, s, &r, e))
        if (!t->syncs_fail || e->code != ERR_IO || !queue_sweep(t->p->q, e))
            return false;
    return true;
}

static void *live(void *arg)
{
    struct citizen *c = arg;
    struct err e;

    for (int i = 0; i < ROUND * (CUTS + 1); i++) {
        struct submission s = next_mail(c->town, c->number, i);

        if (!submit(c->town, &s, &e))
            return "submit";
        note_accepted(c->town, s.id);
        if (i % 2 == 1 && !deliver(c->town, c->number, &e))
            return "deliver";
    }
    return NULL;
}

/* Answered or not: what is there has its key. */
static void expect_all_readable(struct post *left)
{
    struct message_filter all = {.state = -1, .destination = "", .after_id = "", .max = MAILS};
    struct post *p = left;
    struct message_view *list;
    const char *go_on;
    size_t n;

    FINE(queue_list(p->q, SHOP, &all, p->a, &list, &n, &go_on, &p->e));
    for (size_t i = 0; i < n; i++)
        if (list[i].address.n == 0)
            fail_msg("%s cannot be read", list[i].id);
}

/* What the promises were before the cut; more may have come true. */
static void expect_kept(struct town *t, const struct promise *made, size_t n, unsigned seed)
{
    static const char *const files[] = {
        "queue.db", "queue.db-wal", "queue.db-shm", "keys.db", "keys.db-wal", "keys.db-shm"};
    struct post left = *t->p;
    struct message_view v;
    char folder[90];

    snprintf(left.data, sizeof left.data, "%s/left", t->p->dir);
    snprintf(folder, sizeof folder, "%s/left", t->p->dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    power_cut(folder, seed);
    left.a = arena_open();
    left.q = post_start(&left, QUEUE_TOOL, "two");
    for (size_t i = 0; i < n; i++) {
        if (!queue_show(left.q, SHOP, made[i].id, left.a, &v, &left.e))
            fail_msg("cut %u: %s of %zu: %s", seed, made[i].id, n, left.e.text);
        if (made[i].delivered)
            assert_int_equal(v.state, MSG_DELIVERED);
    }
    expect_all_readable(&left);
    if (n > 0)
        expect_whole_chain(&left, SHOP, "one");
    queue_close(&left.q);
    arena_close(&left.a);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[120];

        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

/* Begins a round and waits for some of its answers, so that the cut comes while the others are on their way. */
static size_t answers_of_round(struct town *t, int round, struct promise *out)
{
    size_t before = (size_t)round * THREADS * ROUND;

    if (t->syncs_fail) {
        power_cut_refuse_sync("queue.db");
        power_cut_refuse_sync("keys.db");
    }
    pthread_mutex_lock(&t->lock);
    t->rounds = round + 1;
    pthread_cond_broadcast(&t->changed);
    while (t->n < before + (size_t)(round * 7) % (THREADS * ROUND))
        pthread_cond_wait(&t->changed, &t->lock);
    size_t n = t->n;
    memcpy(out, t->answered, n * sizeof *out);
    pthread_mutex_unlock(&t->lock);
    return n;
}

static void cut_again_and_again(bool syncs_fail)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct town *t = calloc(1, sizeof *t);
    struct promise *made = calloc(MAILS, sizeof *made);
    struct citizen citizens[THREADS];
    int round = 0;

    t->p = p;
    t->syncs_fail = syncs_fail;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
    queue_close(&p->q);
    strcat(p->data, "2"); /* new files, which are watched from their first byte on */
    power_cut_watch(p->data);
    p->q = post_start(p, QUEUE_SERVE, "one");
    for (int i = 0; i < THREADS; i++) {
        citizens[i] = (struct citizen){.town = t, .number = i};
        assert_int_equal(pthread_create(&citizens[i].thread, NULL, live, &citizens[i]), 0);
    }
    for (; round < CUTS; round++)
        expect_kept(t, made, answers_of_round(t, round, made), (unsigned)round);
    answers_of_round(t, round, made);
    for (int i = 0; i < THREADS; i++) {
        void *failed;

        pthread_join(citizens[i].thread, &failed);
        if (failed)
            fail_msg("%s", (const char *)failed);
    }
    expect_kept(t, made, answers_of_round(t, round, made), 0);
    queue_close(&p->q);
    power_cut_watch(NULL);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    free(made);
    free(t);
}

static void what_was_answered_outlives_a_cut_of_the_power(void **state)
{
    (void)state;
    cut_again_and_again(false);
}

static void also_after_a_sync_of_a_checkpoint_that_failed_and_lost_its_pages(void **state)
{
    (void)state;
    cut_again_and_again(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_answered_outlives_a_cut_of_the_power),
        cmocka_unit_test(also_after_a_sync_of_a_checkpoint_that_failed_and_lost_its_pages),
    };

    power_cut_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
