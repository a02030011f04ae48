/* When the next group begins: by the numbers alone, and with a committer that goes by them. */
#include "queue/committer.h"
#include "queue/tempo.h"
#include "tests/queue/post.h"

#include <time.h>

#define MS INT64_C(1000000)
#define LANES 64
#define ENOUGH 32       /* outcomes */
#define ENOUGH_CLAIMS 4 /* and claims, for so many lanes */
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

static int64_t wait_of(size_t lanes, size_t outcomes, int64_t apart_ms, struct tempo_line in_line)
{
    struct tempo t = tempo_for(lanes);
    int64_t began = play(&t, START, outcomes, apart_ms);

    return tempo_due_ns(&t, in_line) - began;
}

static int64_t wait_after(size_t outcomes, int64_t apart_ms, size_t in_line)
{
    return wait_of(LANES, outcomes, apart_ms, (struct tempo_line){.outcomes = in_line});
}

static int64_t wait_with_claims(size_t lanes, size_t claims)
{
    return wait_of(lanes, 4, 1, (struct tempo_line){.claims = claims});
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

/* Else few lanes would stand there together, each behind its claim, until the gap is over. */
static void claims_that_keep_lanes_waiting_end_the_wait(void **state)
{
    (void)state;
    assert_int_equal(wait_with_claims(LANES, ENOUGH_CLAIMS - 1), TEMPO_GAP_NS);
    assert_int_equal(wait_with_claims(LANES, ENOUGH_CLAIMS), 0);
    assert_int_equal(wait_with_claims(1000, ENOUGH_CLAIMS), 0);
    assert_int_equal(wait_with_claims(32, 1), TEMPO_GAP_NS);
    assert_int_equal(wait_with_claims(31, 1), 0);
    assert_int_equal(wait_with_claims(2, 1), 0);
    assert_int_equal(wait_with_claims(2, 0), TEMPO_GAP_NS); /* only posts stand in line */
}

/* Pairs a millisecond apart, one pair in twenty: two in a gap for a moment, and far fewer in all. */
static void a_moment_of_haste_is_not_fast(void **state)
{
    struct tempo t = tempo_for(LANES);

    (void)state;
    for (int64_t at = START; at < START + 200 * MS; at += 20 * MS) {
        tempo_begin(&t, 1, at);
        assert_int_equal(tempo_due_ns(&t, (struct tempo_line){0}), at);
        tempo_begin(&t, 1, at + MS);
        assert_int_equal(tempo_due_ns(&t, (struct tempo_line){0}), at + MS);
    }
}

static void a_change_of_speed_is_noticed_within_two_windows(void **state)
{
    struct tempo t = tempo_for(LANES);
    int64_t at = play(&t, START, 1, 10);

    (void)state;
    assert_int_equal(tempo_due_ns(&t, (struct tempo_line){0}), at);
    for (int64_t end = at + 2 * TEMPO_WINDOW_NS; at < end; at += MS)
        tempo_begin(&t, 1, at);
    assert_true(tempo_due_ns(&t, (struct tempo_line){0}) > at);
    for (int64_t end = at + 2 * TEMPO_WINDOW_NS; at < end; at += MS)
        tempo_begin(&t, 0, at);
    assert_true(tempo_due_ns(&t, (struct tempo_line){0}) <= at);
}

static void where_nothing_is_enough_nobody_waits(void **state)
{
    struct tempo t = tempo_for(0);
    int64_t began = play(&t, START, 9, 1);

    (void)state;
    assert_int_equal(tempo_due_ns(&t, (struct tempo_line){0}), began);
}

static void the_first_group_after_a_pause_does_not_wait(void **state)
{
    struct tempo t = tempo_for(LANES);
    int64_t began = play(&t, START, 9, 1), later = began + 5000 * MS;

    (void)state;
    assert_true(tempo_due_ns(&t, (struct tempo_line){.outcomes = 1}) < later);
    tempo_begin(&t, 1, later); /* and its outcome is one in five seconds */
    assert_int_equal(tempo_due_ns(&t, (struct tempo_line){.outcomes = 1}), later);
}

/* ---- a committer ---- */

#define TRIES 20
/* 64 outcomes are enough, and 63 at once come fast even where a thread gets no core for 0.1 s. */
#define BODIES 128
#define SERVICE_LANES 16 /* the store is slow beside `apply` */
#define LEARN_NS (40 * MS)
#define MEASURE_NS (100 * MS)

struct line {
    struct store store; /* the first, so that apply finds the rest */
    struct post *p;
    struct vault *v;
    struct committer *c;
    _Atomic unsigned groups, answered, worked;
    int64_t takes_ms; /* a commit, by the clock that stands */
};

static bool apply(struct store *s, struct store_op *const *ops, size_t n, int64_t now_ms,
    const struct store_condition *condition, bool *wrote, struct err *e)
{
    (void)now_ms, (void)condition, (void)e;
    struct line *l = (struct line *)s;

    l->groups++;
    l->p->time.ms += l->takes_ms;
    for (size_t i = 0; i < n; i++)
        ops[i]->ok = true;
    *wrote = true;
    return true;
}

static void work_is_due(void *line)
{
    ((struct line *)line)->worked++;
}

static void line_open(struct line *l, size_t bodies)
{
    static const struct store_verbs verbs = {.apply = apply};

    struct post *p = post_open(&backend_sqlite);

    *l = (struct line){.p = p, .store = {&verbs}};
    FINE(vault_open(post_file(p, "v.db"), p->keys, &p->clock, &l->v, &p->e));
    committer_open(&(struct committer_setup){.store = &l->store,
                       .vault = l->v,
                       .clock = &p->clock,
                       .bodies = bodies,
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

static void rest_us(int64_t us)
{
    nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

static void answer(void *line, struct ticket *t)
{
    (void)t;
    ((struct line *)line)->answered++;
}

static void stand(struct line *l, struct ticket *t, enum store_op_kind kind)
{
    static const struct submission s = {.due_ms = INT64_MAX};
    static struct receipt r;
    struct post *p = l->p;

    *t = (struct ticket){.op.kind = kind, .done = answer, .context = l};
    if (kind == STORE_SUBMIT)
        t->op.submit.s = &s, t->op.submit.out = &r;
    FINE(committer_post(l->c, t, &p->e));
}

/* What comes at once; what is done then, and what comes after that. */
struct step {
    enum store_op_kind kind;
    size_t first;
    int64_t rest_us;
    size_t then;
    enum store_op_kind then_kind;
};

/* Until all are answered, again and again. */
static void step_for(struct line *l, const struct step *s, int64_t ns)
{
    struct ticket t[BODIES];

    for (int64_t end = clock_steady_ns() + ns; clock_steady_ns() < end;) {
        l->answered = 0;
        for (size_t i = 0; i < s->first; i++)
            stand(l, &t[i], s->kind);
        if (s->rest_us > 0)
            rest_us(s->rest_us);
        for (size_t i = 0; i < s->then; i++)
            stand(l, &t[s->first + i], s->then_kind);
        while (l->answered < s->first + s->then)
            rest_us(20);
    }
}

/* Between groups, in the mean, once it is known how fast outcomes come. */
static int64_t apart_ns(size_t bodies, const struct step *s)
{
    struct line l;

    line_open(&l, bodies);
    step_for(
        &l, &(struct step){.kind = STORE_CLAIM, .first = ENOUGH_CLAIMS}, MS); /* count no more */
    step_for(&l, s, LEARN_NS);
    unsigned groups = l.groups;
    int64_t began = clock_steady_ns();
    step_for(&l, s, MEASURE_NS);
    int64_t apart = (clock_steady_ns() - began) / (l.groups - groups);
    line_close(&l);
    return apart;
}

/* A busy machine slows groups down, so one try that is quick is enough. */
static bool is_ever_quick(size_t bodies, const struct step *s)
{
    for (int i = 0; i < TRIES; i++)
        if (apart_ns(bodies, s) < TEMPO_GAP_NS / 2)
            return true;
    return false;
}

static void outcomes_that_are_not_enough_wait(void **state)
{
    (void)state;
    assert_true(apart_ns(BODIES, &(struct step){STORE_SETTLE, BODIES / 2 - 1, 1000, 0,
                                     STORE_SETTLE}) > TEMPO_GAP_NS / 2);
}

static void one_more_ends_the_wait(void **state)
{
    (void)state;
    assert_true(
        is_ever_quick(BODIES, &(struct step){STORE_SETTLE, BODIES / 2 - 1, 100, 1, STORE_SETTLE}));
}

static void claims_end_the_wait(void **state)
{
    (void)state;
    assert_true(is_ever_quick(
        BODIES, &(struct step){STORE_SETTLE, BODIES / 2 - 1, 100, ENOUGH_CLAIMS, STORE_CLAIM}));
}

static void posts_alone_do_not_wait(void **state)
{
    (void)state;
    assert_true(
        is_ever_quick(BODIES, &(struct step){STORE_SUBMIT, BODIES / 2 - 1, 0, 0, STORE_SETTLE}));
}

static void without_bodies_nothing_waits(void **state)
{
    (void)state;
    assert_true(is_ever_quick(0, &(struct step){STORE_SETTLE, BODIES / 2 - 1, 0, 0, STORE_SETTLE}));
}

static void closing_commits_what_waits(void **state)
{
    struct ticket t;
    struct line l;

    (void)state;
    line_open(&l, BODIES);
    step_for(&l, &(struct step){STORE_SETTLE, BODIES / 2 - 1, 0, 0, STORE_SETTLE}, LEARN_NS);
    l.answered = 0;
    stand(&l, &t, STORE_SETTLE);
    committer_close(&l.c);
    assert_int_equal(l.answered, 1);
    line_close(&l);
}

static void submit_for(struct line *l, int64_t due_ms, enum msg_state to)
{
    struct submission s = {.due_ms = due_ms};
    struct receipt r = {.state = to};
    struct store_op op = {.kind = STORE_SUBMIT, .submit = {.s = &s, .out = &r}};
    struct post *p = l->p;

    FINE(committer_run(l->c, &op, &p->e));
}

static void only_what_falls_due_soon_rings(void **state)
{
    struct line l;

    (void)state;
    line_open(&l, BODIES);
    int64_t now = clock_now_ms(&l.p->clock);
    submit_for(&l, now + COMMITTER_SOON_MS, MSG_QUEUED);
    submit_for(&l, now, MSG_HELD);
    submit_for(&l, now + COMMITTER_SOON_MS - 1, MSG_QUEUED);
    submit_for(&l, now, MSG_QUEUED); /* each has a commit of its own */
    committer_close(&l.c);
    assert_int_equal(l.worked, 2);
    line_close(&l);
}

static void what_falls_due_while_the_disk_is_slow_rings(void **state)
{
    struct line l;

    (void)state;
    line_open(&l, BODIES);
    l.takes_ms = 500;
    submit_for(&l, clock_now_ms(&l.p->clock) + COMMITTER_SOON_MS + 400, MSG_QUEUED);
    committer_close(&l.c);
    assert_int_equal(l.worked, 1);
    line_close(&l);
}

/* ---- a queue ---- */

static void settled(void *answered, const struct err *e_or_null)
{
    (void)e_or_null;
    ++*(_Atomic unsigned *)answered;
}

/* Outcomes of a message that nobody knows, one fewer than would be enough, until all are answered: again and again. The number
 * of times. */
static unsigned settle_for(struct post *p, int64_t ns)
{
    static const struct job unknown = {.storefront = SHOP, .id = "unknown"};
    const struct settlement s = {
        .job = &unknown, .lane = SIZE_MAX, .to = MSG_DELIVERED, .reason = "", .facts = STR("{}")};
    unsigned times = 0;

    for (int64_t end = clock_steady_ns() + ns; clock_steady_ns() < end; times++) {
        _Atomic unsigned answered = 0;
        for (size_t i = 0; i < SERVICE_LANES / 2 - 1; i++)
            FINE(queue_settle_async(p->q, &s, p->a, settled, (void *)&answered, &p->e));
        rest_us(1000);
        while (answered < SERVICE_LANES / 2 - 1)
            rest_us(20);
    }
    return times;
}

/* One try is enough: on a busy machine outcomes come slowly now and then, and nothing waits. */
static void a_service_waits_by_its_lanes(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    bool waits = false;

    (void)state;
    p->lanes = SERVICE_LANES;
    post_reopen(p);
    for (int i = 0; i < TRIES && !waits; i++) {
        settle_for(p, LEARN_NS);
        int64_t began = clock_steady_ns();
        unsigned times = settle_for(p, MEASURE_NS);
        waits = (clock_steady_ns() - began) / times > TEMPO_GAP_NS * 3 / 4;
    }
    assert_true(waits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_that_come_fast_wait_for_company),
        cmocka_unit_test(outcomes_that_come_slowly_wait_for_nobody),
        cmocka_unit_test(enough_outcomes_in_line_end_the_wait),
        cmocka_unit_test(claims_that_keep_lanes_waiting_end_the_wait),
        cmocka_unit_test(a_moment_of_haste_is_not_fast),
        cmocka_unit_test(a_change_of_speed_is_noticed_within_two_windows),
        cmocka_unit_test(where_nothing_is_enough_nobody_waits),
        cmocka_unit_test(the_first_group_after_a_pause_does_not_wait),
        cmocka_unit_test(outcomes_that_are_not_enough_wait),
        cmocka_unit_test(one_more_ends_the_wait),
        cmocka_unit_test(claims_end_the_wait),
        cmocka_unit_test(posts_alone_do_not_wait),
        cmocka_unit_test(without_bodies_nothing_waits),
        cmocka_unit_test(closing_commits_what_waits),
        cmocka_unit_test(only_what_falls_due_soon_rings),
        cmocka_unit_test(what_falls_due_while_the_disk_is_slow_rings),
        cmocka_unit_test(a_service_waits_by_its_lanes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
