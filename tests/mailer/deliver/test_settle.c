/* Tests mailer/deliver/settle.h, by itself and through the engine: what was posted ends on disk, whatever comes in between.
 * The disk refuses where no file may grow (RLIMIT_FSIZE). */
#include "mailer/deliver/settle.h"

#include "base/log.h"
#include "queue/flight.h"
#include "queue/sqlite.h"
#include "tests/mailer/deliver/house.h"
#include "tests/support/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#define LANES 4

static struct house house;

static void limit_file_size(rlim_t bytes)
{
    struct rlimit now;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &now), 0);
    now.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
}

static void fill_disk(void)
{
    limit_file_size(0);
}

static void empty_disk(void)
{
    limit_file_size(RLIM_INFINITY);
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static uint64_t retries(const struct house *h)
{
    return counter_value(metrics_counter(h->metrics, "parcelpost_settle_retries_total", "", ""));
}

/* Lines of the log with this event. */
struct heard {
    const char *event;
    _Atomic unsigned n;
};

static void hear_log(void *state, const char *line)
{
    struct heard *h = state;

    h->n += strstr(line, h->event) != NULL;
}

/* ---- by itself ------------------------------------------------------------------------------------------- */

struct office {
    struct house *h;
    struct tally tally;
    struct settler *settler;
    struct job *jobs;
    size_t n;
};

static void open_office(struct office *o, size_t n)
{
    struct err e;

    house_open(&house, &(struct house_setup){.no_engine = true});
    *o = (struct office){.h = &house};
    for (size_t i = 0; i < n; i++)
        house_submit(&house, "ada@customer.example");
    tally_open(house.metrics, &o->tally);
    assert_true(settler_open(house.queue, clock_system(), &o->tally, LANES, &o->settler, &e));
    assert_true(queue_claim(
        house.queue, "acme", "customer.example", n, 3600000, house.arena, &o->jobs, &o->n, &e));
    assert_int_equal(o->n, n);
}

static void close_office(struct office *o)
{
    settler_close(&o->settler);
    tally_close(&o->tally);
    house_close(o->h);
}

static struct settlement delivered(const struct job *job)
{
    return (struct settlement){.job = job,
        .lane = SLOT_NONE,
        .to = MSG_DELIVERED,
        .reason = "",
        .counts = true,
        .facts = STR("{\"mx\":\"mx.customer.example\"}"),
        .reply = STR("250 2.0.0 taken")};
}

static enum msg_state state_of(struct office *o, size_t i)
{
    return house_state(o->h, o->jobs[i].id);
}

static void what_was_posted_is_on_disk_when_the_wait_is_over(void **state)
{
    enum { N = 8 };
    struct office o;

    (void)state;
    open_office(&o, N);
    for (size_t i = 0; i < N; i++) {
        const struct settlement s = delivered(&o.jobs[i]);
        settle(o.settler, 1, &s);
    }
    assert_true(settler_wait(o.settler, 1));
    for (size_t i = 0; i < N; i++)
        assert_int_equal(state_of(&o, i), MSG_DELIVERED);
    close_office(&o);
}

/* What it was made of is gone by the time the store takes it. */
static void post_and_forget(struct office *o, size_t lane)
{
    char facts[] = "{\"mx\":\"mx.customer.example\"}", id[ID_SIZE], storefront[] = "acme",
         address[] = "ada@customer.example", reply[] = "250 taken";
    struct job job = {
        .id = id, .storefront = storefront, .fence = o->jobs[0].fence, .address = str_of(address)};
    struct settlement s = {.job = &job,
        .lane = SLOT_NONE,
        .to = MSG_DELIVERED,
        .reason = "",
        .facts = str_of(facts),
        .reply = str_of(reply)};

    str_copy(str_of(o->jobs[0].id), id, sizeof id);
    settle(o->settler, lane, &s);
    memset(facts, 'x', sizeof facts);
    memset(id, 'x', sizeof id);
    memset(storefront, 'x', sizeof storefront);
    memset(address, 'x', sizeof address);
    memset(reply, 'x', sizeof reply);
    memset(&job, 0, sizeof job);
    memset(&s, 0, sizeof s);
}

static void what_the_store_refuses_is_posted_until_it_takes_it(void **state)
{
    struct heard heard = {.event = " settle-failed "};
    struct office o;

    (void)state;
    open_office(&o, 1);
    log_set_sink(hear_log, &heard);
    fill_disk();
    post_and_forget(&o, 1);
    while (retries(o.h) < 3)
        nap();
    assert_int_equal(state_of(&o, 0), MSG_LEASED);
    assert_true(settler_wait(o.settler, 2)); /* another lane has nothing to wait for */
    empty_disk();
    assert_true(settler_wait(o.settler, 1));
    log_set_sink(NULL, NULL);
    assert_int_equal(heard.n, 1); /* not with each try */
    assert_int_equal(state_of(&o, 0), MSG_DELIVERED);
    AUTO(js_close) struct js *f = house_facts(o.h, o.jobs[0].id, "delivered");
    assert_true(str_is(js_get_text(f, "mx"), "mx.customer.example"));
    close_office(&o);
}

static void a_stop_leaves_what_the_store_refuses(void **state)
{
    struct office o;

    (void)state;
    open_office(&o, 2);
    size_t slot;
    const struct settlement first = delivered(&o.jobs[0]), second = delivered(&o.jobs[1]);
    fill_disk();
    settle(o.settler, 1, &first);
    while (retries(o.h) < 1)
        nap();
    settler_stop(o.settler);
    assert_false(settler_wait(o.settler, 1));
    settle(o.settler, 2, &second); /* after it, too */
    assert_false(settler_wait(o.settler, 2));
    empty_disk();
    assert_false(settler_wait(o.settler, 1)); /* it takes no message any more */
    assert_false(settler_is_calm(o.settler, 1));
    assert_true(settler_wait(o.settler, 3));
    assert_false(settler_begin_body(o.settler, 3, &slot));
    assert_int_equal(state_of(&o, 0), MSG_LEASED);
    assert_int_equal(state_of(&o, 1), MSG_LEASED);
    close_office(&o);
}

static void an_answer_of_the_store_is_not_asked_again(void **state)
{
    struct office o;

    (void)state;
    open_office(&o, 3);
    const struct settlement good = delivered(&o.jobs[0]);
    struct settlement bad = delivered(&o.jobs[1]);
    settle(o.settler, 1, &good);
    settle(o.settler, 1, &good); /* the lease has gone with the first */
    bad.facts = STR("no JSON");
    settle(o.settler, 1, &bad);
    assert_true(settler_wait(o.settler, 1));
    assert_int_equal(retries(o.h), 0);
    assert_int_equal(house_count_events(o.h, o.jobs[0].id, "delivered"), 1);
    assert_int_equal(state_of(&o, 1), MSG_LEASED);
    close_office(&o);
}

/* As many as there are lanes, whoever has them: so many mails at most does a kill leave unsure. */
static void a_body_takes_a_slot_until_it_is_settled(void **state)
{
    struct office o;
    size_t slots[LANES], again;
    bool taken[LANES] = {false};

    (void)state;
    open_office(&o, 1);
    for (size_t i = 0; i < LANES; i++) {
        assert_true(settler_begin_body(o.settler, 1, &slots[i]));
        assert_true(slots[i] < LANES && !taken[slots[i]]);
        taken[slots[i]] = true;
    }
    struct settlement s = delivered(&o.jobs[0]);
    s.lane = slots[2];
    settle(o.settler, 1, &s);
    assert_true(settler_begin_body(o.settler, 3, &again)); /* waits for it */
    assert_int_equal(again, slots[2]);
    assert_int_equal(state_of(&o, 0), MSG_DELIVERED);
    settler_return_slot(o.settler, &again);
    assert_int_equal(again, SLOT_NONE);
    assert_true(settler_begin_body(o.settler, 2, &again));
    close_office(&o);
}

static void a_lane_whose_outcome_is_refused_begins_no_body(void **state)
{
    struct office o;
    size_t slot;

    (void)state;
    open_office(&o, 2);
    const struct settlement first = delivered(&o.jobs[0]), second = delivered(&o.jobs[1]);
    fill_disk();
    settle(o.settler, 1, &first);
    settle(o.settler, 2, &second);
    while (retries(o.h) < 2)
        nap();
    assert_true(settler_is_calm(o.settler, 3));
    assert_true(settler_begin_body(o.settler, 3, &slot));
    empty_disk();
    assert_true(settler_begin_body(o.settler, 1, &slot)); /* waits */
    assert_int_equal(state_of(&o, 0), MSG_DELIVERED);
    assert_true(settler_is_calm(o.settler, 2)); /* waits */
    assert_int_equal(state_of(&o, 1), MSG_DELIVERED);
    close_office(&o);
}

static struct settlement bounced(const struct job *job, const struct suppression_new *hard)
{
    return (struct settlement){.job = job,
        .lane = SLOT_NONE,
        .to = MSG_BOUNCED,
        .reason = "user-unknown",
        .counts = true,
        .facts = STR("{}"),
        .reply = STR("550 5.1.1 unknown"),
        .suppress = hard};
}

static size_t suppressions(struct office *o)
{
    struct suppression *rows;
    struct err e;
    size_t n;

    assert_true(
        queue_suppressions_of(o->h->queue, "acme", o->jobs[0].address, o->h->arena, &rows, &n, &e));
    return n;
}

static const struct suppression_new hard_bounce = {.scope = "*",
    .reason = "hard-bounce",
    .origin = "receiver",
    .evidence = "",
    .actor = "parcelpost",
    .note = STR("550 5.1.1 unknown")};

static void a_lane_that_posted_a_suppression_waits_for_it(void **state)
{
    struct office o;

    (void)state;
    open_office(&o, 2);
    const struct settlement bad = bounced(&o.jobs[0], &hard_bounce), good = delivered(&o.jobs[1]);
    fill_disk();
    settle(o.settler, 1, &bad);
    settle(o.settler, 2, &good);
    while (retries(o.h) < 2)
        nap();
    assert_true(settler_has_suppressed(o.settler, 2)); /* it posted none, and waits for none */
    assert_int_equal(state_of(&o, 1), MSG_LEASED);
    assert_int_equal(suppressions(&o), 0);
    empty_disk();
    assert_true(settler_has_suppressed(o.settler, 1)); /* waits */
    assert_int_equal(suppressions(&o), 1);
    close_office(&o);
}

static void a_stop_ends_the_wait_for_a_suppression(void **state)
{
    struct office o;

    (void)state;
    open_office(&o, 1);
    const struct settlement bad = bounced(&o.jobs[0], &hard_bounce);
    fill_disk();
    settle(o.settler, 1, &bad);
    while (retries(o.h) < 1)
        nap();
    settler_stop(o.settler);
    assert_false(settler_has_suppressed(o.settler, 1));
    empty_disk();
    assert_int_equal(suppressions(&o), 0);
    close_office(&o);
}

/* ---- a person whose key is damaged ---- */

/* Nothing that was remembered of anybody's key holds afterwards. */
static void damage_keys(struct house *h)
{
    struct sqlite *db;
    struct err e;

    assert_true(sqlite_open(house_path(h, "data/keys.db"), SQLITE_FOR_WRITING, &db, &e));
    assert_true(sqlite_exec(db,
        "UPDATE person_key SET wrapped = zeroblob(length(wrapped)); UPDATE erasure SET n = n + 1",
        &e));
    sqlite_close(&db);
}

/* The outcome is worth more than the server's words, which nobody could read. */
static void a_damaged_key_keeps_no_outcome_from_the_disk(void **state)
{
    struct heard heard = {.event = " settle-without-reply "};
    struct office o;
    struct err e;

    (void)state;
    open_office(&o, 2);
    struct suppression_new hard = hard_bounce;
    const struct settlement good = delivered(&o.jobs[0]), bad = bounced(&o.jobs[1], &hard);
    hard.evidence = o.jobs[1].id;
    damage_keys(o.h);
    log_set_sink(hear_log, &heard);
    settle(o.settler, 1, &good);
    settle(o.settler, 1, &bad);
    while ((state_of(&o, 0) == MSG_LEASED || state_of(&o, 1) == MSG_LEASED) && retries(o.h) < 3)
        nap();
    assert_int_equal(state_of(&o, 0), MSG_DELIVERED);
    assert_int_equal(state_of(&o, 1), MSG_BOUNCED);
    assert_true(settler_wait(o.settler, 1));
    log_set_sink(NULL, NULL);
    assert_int_equal(heard.n, 2);
    assert_int_equal(retries(o.h), 0);
    assert_int_equal(house_count_events(o.h, o.jobs[1].id, "suppression.added"), 1);
    assert_true(queue_is_well(o.h->queue, &e)); /* it is one person's trouble */
    close_office(&o);
}

/* ---- in a lane ------------------------------------------------------------------------------------------- */

/* The first mail's answer finds the disk full; what comes then is the test's. */
struct course {
    struct house *h;
    const char *ids[2];
    _Atomic bool at_second; /* its DATA was answered */
    _Atomic bool heard_second;
    bool opens_disk;          /* at the second mail */
    enum msg_state first_was; /* when the second body had come */
};

static struct course course;

static void take_until_the_disk_fails(struct course *c, struct line *l)
{
    if (!greet(l, NULL) || !take_envelope(l) || !hear_body(l))
        return;
    fill_disk();
    say(l, "250 2.0.0 taken\r\n");
    if (!take_envelope(l))
        return;
    while (retries(c->h) < 2)
        nap();
    c->at_second = true;
    if (c->opens_disk)
        empty_disk();
    if (!hear_body(l))
        return;
    c->first_was = house_state(c->h, c->ids[0]);
    c->heard_second = true;
    say(l, "250 2.0.0 taken\r\n");
    hear(l, "QUIT");
}

static void play(struct line *l, void *context)
{
    struct course *c = context;

    if (line_number(l) == 0)
        take_until_the_disk_fails(c, l);
    else if (greet(l, NULL))
        while (take_mail(l))
            ;
}

static struct peer *open_course(bool opens_disk)
{
    course = (struct course){.h = &house, .opens_disk = opens_disk};
    struct peer *p = peer_open(play, &course, NULL);
    house_open(
        &house, &(struct house_setup){
                    .smtp_port = peer_port(p), .settings = "lanes = 1\n", .no_engine = true});
    for (size_t i = 0; i < COUNT_OF(course.ids); i++)
        course.ids[i] = house_submit(&house, "ada@customer.example");
    return p;
}

/* Envelope and DATA of the second go meanwhile: the lane does not sleep. */
static void no_body_goes_before_the_one_before_is_settled(void **state)
{
    struct peer *p = open_course(true);

    (void)state;
    house_start(&house);
    for (size_t i = 0; i < COUNT_OF(course.ids); i++)
        house_await(&house, course.ids[i], MSG_DELIVERED);
    assert_true(course.heard_second);
    assert_int_equal(course.first_was, MSG_DELIVERED);
    for (size_t i = 0; i < COUNT_OF(course.ids); i++)
        assert_int_equal(house_show(&house, course.ids[i]).attempts, 1);
    house_close(&house);
    assert_int_equal(peer_connections(p), 1);
    peer_close(&p);
}

/* What the next start finds: the first as begun, the second as never sent. */
static void a_stop_while_the_disk_refuses_sends_no_further_body(void **state)
{
    struct peer *p = open_course(false);
    struct flight_past past;
    struct err e;

    (void)state;
    house_start(&house);
    while (!course.at_second)
        nap();
    engine_stop(house.engine, 0);
    assert_true(flight_read(house_path(&house, "data/flight"), "n1", house.arena, &past, &e));
    assert_false(past.all_unsure);
    assert_int_equal(past.n, 1);
    assert_string_equal(past.marks[0].id, course.ids[0]);
    assert_int_equal(house_show(&house, course.ids[0]).state, MSG_LEASED);
    assert_int_equal(house_show(&house, course.ids[1]).state, MSG_LEASED);
    peer_stop(p);
    assert_false(course.heard_second);
    empty_disk();
    house_close(&house);
    peer_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_posted_is_on_disk_when_the_wait_is_over),
        cmocka_unit_test(what_the_store_refuses_is_posted_until_it_takes_it),
        cmocka_unit_test(a_stop_leaves_what_the_store_refuses),
        cmocka_unit_test(an_answer_of_the_store_is_not_asked_again),
        cmocka_unit_test(a_body_takes_a_slot_until_it_is_settled),
        cmocka_unit_test(a_lane_whose_outcome_is_refused_begins_no_body),
        cmocka_unit_test(a_lane_that_posted_a_suppression_waits_for_it),
        cmocka_unit_test(a_stop_ends_the_wait_for_a_suppression),
        cmocka_unit_test(a_damaged_key_keeps_no_outcome_from_the_disk),
        cmocka_unit_test(no_body_goes_before_the_one_before_is_settled),
        cmocka_unit_test(a_stop_while_the_disk_refuses_sends_no_further_body),
    };

    signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
