/* When the next group begins: by the numbers alone, and with a committer that goes by them. */
#include "queue/committer.h"
#include "queue/tempo.h"
#include "tests/queue/post.h"

#include <time.h>

#define MS INT64_C(1000000)
#define ENOUGH 32
#define START (1000 * MS)

/* ---- by the numbers ---- */

/* Groups of so many outcomes each `apart` ms, for a tenth of a second; the last one begins at what is returned. */
static int64_t play(struct tempo *t, int64_t from_ns, size_t outcomes, int64_t apart_ms)
{
    int64_t at = from_ns;

    for (; at < from_ns + 100 * MS; at += apart_ms * MS)
        tempo_begin(t, outcomes, at);
    return at - apart_ms * MS;
}

static int64_t wait_after(size_t outcomes, int64_t apart_ms, size_t in_line)
{
    struct tempo t = {.enough = ENOUGH};
    int64_t began = play(&t, START, outcomes, apart_ms);

    return tempo_due_ns(&t, in_line) - began;
}

static void outcomes_that_come_fast_wait_for_company(void **state)
{
    (void)state;
    assert_int_equal(wait_after(1, 1, 0), TEMPO_GAP_NS);
    assert_int_equal(wait_after(1, 2, 0), TEMPO_GAP_NS); /* two in a gap are fast enough */
    assert_int_equal(wait_after(20, 10, 5), TEMPO_GAP_NS);
}

static void outcomes_that_come_slowly_wait_for_nobody(void **state)
{
    (void)state;
    assert_int_equal(wait_after(1, 3, 0), 0);
    assert_int_equal(wait_after(0, 1, 0), 0); /* only posts come */
}

static void enough_outcomes_in_line_end_the_wait(void **state)
{
    (void)state;
    assert_int_equal(wait_after(4, 1, ENOUGH - 1), TEMPO_GAP_NS);
    assert_int_equal(wait_after(4, 1, ENOUGH), 0);
}

static void where_nothing_is_enough_nobody_waits(void **state)
{
    struct tempo t = {0};
    int64_t began = play(&t, START, 9, 1);

    (void)state;
    assert_int_equal(tempo_due_ns(&t, 0), began);
}

static void the_first_group_after_a_pause_does_not_wait(void **state)
{
    struct tempo t = {.enough = ENOUGH};
    int64_t began = play(&t, START, 9, 1), later = began + 5000 * MS;

    (void)state;
    assert_true(tempo_due_ns(&t, 1) < later);
    tempo_begin(&t, 1, later); /* and its outcome is one in five seconds */
    assert_int_equal(tempo_due_ns(&t, 1), later);
}

/* ---- a committer ---- */

#define TRIES 50
#define BODIES 4 /* so two outcomes are enough */

struct line {
    struct post *p;
    struct store store;
    struct vault *v;
    struct committer *c;
    _Atomic unsigned answered, worked;
};

static bool apply(struct store *s, struct store_op *const *ops, size_t n, int64_t now_ms,
    const struct store_condition *condition, bool *wrote, struct err *e)
{
    (void)s, (void)now_ms, (void)condition, (void)e;
    for (size_t i = 0; i < n; i++)
        ops[i]->ok = true;
    *wrote = true;
    return true;
}

static void work_is_due(void *line)
{
    ((struct line *)line)->worked++;
}

static void line_open(struct line *l)
{
    static const struct store_verbs verbs = {.apply = apply};

    struct post *p = post_open(&backend_sqlite);

    *l = (struct line){.p = p, .store = {&verbs}};
    FINE(vault_open(post_file(p, "v.db"), p->keys, &p->clock, &l->v, &p->e));
    committer_open(&(struct committer_setup){.store = &l->store,
                       .vault = l->v,
                       .clock = &p->clock,
                       .bodies = BODIES,
                       .worked = work_is_due,
                       .state = l},
        &l->c);
}

static void line_close(struct line *l)
{
    committer_close(&l->c);
    vault_close(&l->v);
    post_close(&l->p);
}

static void rest_ms(int64_t ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void answer(void *line, struct ticket *t)
{
    (void)t;
    ((struct line *)line)->answered++;
}

static void outcome(struct line *l, struct ticket *t)
{
    struct post *p = l->p;

    *t = (struct ticket){.op.kind = STORE_SETTLE, .done = answer, .context = l};
    FINE(committer_post(l->c, t, &p->e));
}

/* Afterwards outcomes are known to come fast, and a group has begun just now. */
static void make_brisk(struct line *l)
{
    static struct ticket tickets[202];

    for (size_t i = 0; i < 101; i++)
        outcome(l, &tickets[i]);
    rest_ms(TEMPO_WINDOW_NS / MS + 1);
    for (size_t i = 101; i < 202; i++)
        outcome(l, &tickets[i]);
    while (l->answered < 202)
        rest_ms(1);
    l->answered = 0;
}

/* On a busy machine a try may prove nothing; one that does is enough. */
static void an_outcome_that_is_alone_waits_and_one_more_ends_it(void **state)
{
    bool waited = false, was_ended = false;

    (void)state;
    for (int i = 0; i < TRIES && !(waited && was_ended); i++) {
        struct ticket first, second;
        struct line l;

        line_open(&l);
        make_brisk(&l);
        outcome(&l, &first);
        int64_t began = clock_steady_ns();
        rest_ms(1);
        waited = waited || l.answered == 0;
        outcome(&l, &second);
        while (l.answered < 2)
            continue;
        was_ended = was_ended || clock_steady_ns() - began < TEMPO_GAP_NS / 2;
        line_close(&l);
    }
    assert_true(waited);
    assert_true(was_ended);
}

static void closing_commits_what_waits(void **state)
{
    struct ticket t;
    struct line l;

    (void)state;
    line_open(&l);
    make_brisk(&l);
    outcome(&l, &t);
    committer_close(&l.c);
    assert_int_equal(l.answered, 1);
    line_close(&l);
}

static void submit_for(struct line *l, int64_t due_ms)
{
    struct submission s = {.due_ms = due_ms};
    struct receipt r = {.state = MSG_QUEUED};
    struct store_op op = {.kind = STORE_SUBMIT, .submit = {.s = &s, .out = &r}};
    struct post *p = l->p;

    FINE(committer_run(l->c, &op, &p->e));
}

static void only_what_falls_due_soon_rings(void **state)
{
    struct line l;

    (void)state;
    line_open(&l);
    submit_for(&l, clock_now_ms(&l.p->clock) + COMMITTER_SOON_MS);
    submit_for(
        &l, clock_now_ms(&l.p->clock)); /* its commit is the next one: the first has rung, or not */
    committer_close(&l.c);
    assert_int_equal(l.worked, 1);
    line_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_that_come_fast_wait_for_company),
        cmocka_unit_test(outcomes_that_come_slowly_wait_for_nobody),
        cmocka_unit_test(enough_outcomes_in_line_end_the_wait),
        cmocka_unit_test(where_nothing_is_enough_nobody_waits),
        cmocka_unit_test(the_first_group_after_a_pause_does_not_wait),
        cmocka_unit_test(an_outcome_that_is_alone_waits_and_one_more_ends_it),
        cmocka_unit_test(closing_commits_what_waits),
        cmocka_unit_test(only_what_falls_due_soon_rings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
