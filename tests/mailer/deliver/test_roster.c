/* Tests mailer/deliver/roster.h through the engine: a lane that hangs behind its deadline, or dies, is replaced, and what
 * it held is settled. A lane hangs in read(), which passes here and does not care that its socket was shut down. */
#include "queue/flight.h"
#include "tests/mailer/deliver/house.h"
#include "tests/support/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- traps ------------------------------------------------------------------------------------------ */

static _Atomic bool read_hangs; /* the next one of a lane's socket does */
static _Atomic bool hanging, let_go;
static _Atomic bool read_kills; /* the same, and the thread ends */

/* What the library had allocated for a conversation goes with the thread. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:smtp_converse\nleak:libesmtp\n";
}

static void limit_file_size(rlim_t bytes)
{
    struct rlimit now;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &now), 0);
    now.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static bool is_on_a_lane(void)
{
    char name[16] = "";

    pthread_getname_np(pthread_self(), name, sizeof name);
    return strncmp(name, "lane ", 5) == 0;
}

static bool is_socket(int fd)
{
    int type;
    socklen_t size = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

static bool springs(_Atomic bool *trap)
{
    bool armed = true;

    return atomic_compare_exchange_strong(trap, &armed, false);
}

ssize_t read(int fd, void *p, size_t n);
ssize_t read(int fd, void *p, size_t n)
{
    bool is_lanes = (read_hangs || read_kills) && is_on_a_lane() && is_socket(fd);

    if (is_lanes && springs(&read_kills))
        pthread_exit(NULL);
    if (is_lanes && springs(&read_hangs)) {
        for (hanging = true; !let_go;)
            nap();
        hanging = false;
    }
    return syscall(SYS_read, fd, p, n);
}

/* ---- the house -------------------------------------------------------------------------------------- */

static struct house house;

/* One lane, so that nothing goes unless it is replaced. */
static struct house *open_house(struct peer *p)
{
    read_hangs = hanging = let_go = read_kills = false;
    house_open(
        &house, &(struct house_setup){.smtp_port = peer_port(p),
                    .settings = "lanes = 1\nattempt_timeout_ms = 2s\nretry_first_ms = \"100ms\"\n",
                    .lane_patience_ms = 1000,
                    .no_engine = true});
    return &house;
}

static uint64_t counted(struct house *h, const char *name)
{
    return counter_value(metrics_counter(h->metrics, name, "", ""));
}

static bool shows(struct house *h, const char *line)
{
    AUTO(buf_close) struct buf text = {0};

    metrics_print(h->metrics, &text);
    return str_find(buf_str(&text), str_of(line), 0) < text.n;
}

static void wait_to_be_shown(struct house *h, const char *line)
{
    for (int i = 0; !shows(h, line); i++) {
        assert_true(i < 10000);
        nap();
    }
}

static void take_all(struct line *c, void *context)
{
    (void)context;
    if (greet(c, NULL))
        while (take_mail(c))
            ;
}

static size_t copies(struct peer *p, const char *id)
{
    struct str heard = peer_heard(p);
    char header[80];
    size_t n = 0;

    snprintf(header, sizeof header, "Message-ID: <%s@", id);
    for (size_t at = 0; (at = str_find(heard, str_of(header), at)) < heard.n; at++)
        n++;
    return n;
}

/* ---- what becomes of it ------------------------------------------------------------------------------ */

static void a_lane_that_hangs_before_the_body_is_replaced(void **state)
{
    enum { N = 3 };
    struct peer *p = peer_open(take_all, NULL, NULL);
    struct house *h = open_house(p);
    const char *ids[N];

    (void)state;
    for (size_t i = 0; i < N; i++)
        ids[i] = house_submit(h, "ada@customer.example");
    read_hangs = true; /* at the greeting */
    house_start(h);
    for (size_t i = 0; i < N; i++)
        house_await(h, ids[i], MSG_DELIVERED);
    assert_true(hanging);
    assert_int_equal(counted(h, "parcelpost_lanes_replaced_total"), 1);
    wait_to_be_shown(h, "\nparcelpost_lanes_lost 1\n");
    wait_to_be_shown(h, "\nparcelpost_leases_held 0\n");
    size_t put_off = 0;
    for (size_t i = 0; i < N; i++) {
        put_off += house_count_events(h, ids[i], "deferred");
        assert_int_equal(house_count_events(h, ids[i], "unsure"), 0);
    }
    assert_int_equal(put_off, 1); /* the one in hand; the others were given back */
    assert_int_equal(counted(h, "parcelpost_given_back_total"), N - 1);
    let_go = true;
    wait_to_be_shown(h, "\nparcelpost_lanes_lost 0\n"); /* it was joined */
    engine_stop(h->engine, 2000);
    peer_stop(p);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(copies(p, ids[i]), 1);
    house_close(h);
    peer_close(&p);
}

/* The first connection's answer to the body is not read. */
static void take_and_trap(struct line *c, void *context)
{
    if (line_number(c) > 0) {
        take_all(c, context);
        return;
    }
    if (greet(c, NULL) && take_envelope(c) && hear_body(c)) {
        read_hangs = true;
        say(c, "250 2.0.0 taken\r\n");
        stall(c);
    }
}

static void a_lane_that_hangs_behind_the_body_leaves_an_unsure_mail(void **state)
{
    struct peer *p = peer_open(take_and_trap, NULL, NULL);
    struct house *h = open_house(p);
    const char *id = house_submit(h, "ada@customer.example");

    (void)state;
    house_start(h);
    house_await(h, id, MSG_DELIVERED);
    AUTO(js_close) struct js *f = house_facts(h, id, "deferred");
    assert_true(str_is(js_get_text(f, "reason"), "lane-lost"));
    let_go = true; /* it reads the 250 now, and may settle nothing by it */
    wait_to_be_shown(h, "\nparcelpost_lanes_lost 0\n");
    assert_int_equal(counted(h, "parcelpost_lanes_replaced_total"), 1);
    assert_int_equal(house_count_events(h, id, "unsure"), 1);
    assert_int_equal(house_count_events(h, id, "delivered"), 1);
    assert_int_equal(house_show(h, id).attempts, 2);
    engine_stop(h->engine, 2000);
    peer_stop(p);
    assert_int_equal(copies(p, id), 2);
    house_close(h);
    peer_close(&p);
}

/* The first mail's answer finds a full disk, the next mail's lane hangs: the outcome that it posted is not its own any more. */
struct course {
    struct house *h;
    const char *first;
    bool settled_before; /* the first, when the next body came */
};

static void take_fill_and_trap(struct line *c, void *context)
{
    struct course *course = context;

    if (!greet(c, NULL) || !take_envelope(c) || !hear_body(c))
        return;
    if (line_number(c) > 0) {
        course->settled_before = house_state(course->h, course->first) == MSG_DELIVERED;
        do
            say(c, "250 2.0.0 taken\r\n");
        while (take_envelope(c) && hear_body(c));
        return;
    }
    limit_file_size(0);
    say(c, "250 2.0.0 taken\r\n");
    if (hear(c, "MAIL FROM:")) {
        read_hangs = true;
        say(c, "250 2.1.0 Ok\r\n");
        stall(c);
    }
}

static void a_lost_lane_leaves_its_outcome_to_be_settled(void **state)
{
    struct course course = {0};
    struct peer *p = peer_open(take_fill_and_trap, &course, NULL);
    struct house *h = course.h = open_house(p);
    const char *ids[2];
    struct flight_past past;
    struct err e;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        ids[i] = house_submit(h, "ada@customer.example");
    course.first = ids[0];
    house_start(h);
    while (counted(h, "parcelpost_lanes_replaced_total") < 1)
        nap();
    assert_int_equal(house_show(h, ids[0]).state, MSG_LEASED);
    limit_file_size(RLIM_INFINITY);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        house_await(h, ids[i], MSG_DELIVERED);
        assert_int_equal(house_count_events(h, ids[i], "unsure"), 0);
    }
    assert_int_equal(house_count_events(h, ids[0], "deferred"), 0);
    assert_int_equal(house_count_events(h, ids[1], "deferred"), 1);
    assert_true(flight_read(house_path(h, "data/flight"), "n1", h->arena, &past, &e));
    assert_false(past.all_unsure); /* no body began in a slot that was taken */
    let_go = true;
    wait_to_be_shown(h, "\nparcelpost_lanes_lost 0\n");
    engine_stop(h->engine, 2000);
    peer_stop(p);
    assert_true(course.settled_before);
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        assert_int_equal(copies(p, ids[i]), 1);
    house_close(h);
    peer_close(&p);
}

static void a_lane_whose_thread_ends_is_replaced(void **state)
{
    struct peer *p = peer_open(take_all, NULL, NULL);
    struct house *h = open_house(p);
    const char *id = house_submit(h, "ada@customer.example");

    (void)state;
    read_kills = true; /* at the greeting */
    house_start(h);
    house_await(h, id, MSG_DELIVERED);
    assert_false(read_kills);
    assert_int_equal(house_count_events(h, id, "deferred"), 1);
    assert_int_equal(counted(h, "parcelpost_lanes_replaced_total"), 1);
    assert_int_equal(house_count_events(h, id, "unsure"), 0);
    assert_true(shows(h, "\nparcelpost_lanes_idle ") && shows(h, "\nparcelpost_lanes_busy "));
    house_close(h);
    peer_close(&p);
}

/* Whatever it was given must stay until it comes back; all else ends. */
static void a_stop_does_not_wait_for_a_lane_that_hangs(void **state)
{
    struct peer *p = peer_open(take_all, NULL, NULL);
    struct house *h = open_house(p);
    const char *id = house_submit(h, "ada@customer.example");

    (void)state;
    read_hangs = true;
    house_start(h);
    while (!hanging)
        nap();
    assert_false(engine_stop(h->engine, 0));
    assert_int_equal(
        house_show(h, id).state, MSG_LEASED); /* the next start knows that no body was out */
    let_go = true; /* engine_close waits for it, since there is still somebody who does */
    house_close(h);
    peer_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_that_hangs_before_the_body_is_replaced),
        cmocka_unit_test(a_lane_that_hangs_behind_the_body_leaves_an_unsure_mail),
        cmocka_unit_test(a_lost_lane_leaves_its_outcome_to_be_settled),
        cmocka_unit_test(a_lane_whose_thread_ends_is_replaced),
        cmocka_unit_test(a_stop_does_not_wait_for_a_lane_that_hangs),
    };
    signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
