/* Many lanes: where they are (sites.h), how many write at once (press.h), and how many are busy at all (desk.h). */
#include "base/file.h"
#include "mailer/deliver/press.h"
#include "mailer/deliver/sites.h"
#include "tests/mailer/deliver/house.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- sites ----------------------------------------------------------------------------------------------- */

static struct place place_of(unsigned n)
{
    struct place p = {.storefront = "acme"};

    snprintf(p.destination, sizeof p.destination, "d%u.example", n);
    return p;
}

static void a_site_counts_the_lanes_that_are_there(void **state)
{
    struct sites *s = sites_open(3);
    const struct place here = place_of(1), there = place_of(2);
    struct stay a = {0}, b = {0}, c = {0};

    (void)state;
    assert_null(sites_find(s, &here));
    stay_begin(s, &a, &here);
    stay_begin(s, &b, &here);
    stay_begin(s, &c, &there);
    const struct site *site = sites_find(s, &here);
    assert_int_equal(site->here, 2);
    assert_int_equal(site->unclaimed, 2);
    assert_int_equal(site->silent, 2);
    stay_claimed(&a);
    stay_claimed(&a);
    assert_int_equal(site->unclaimed, 1);
    assert_true(stay_answered(s, &b));
    assert_false(stay_answered(s, &b));
    assert_int_equal(site->silent, 1);
    assert_int_equal(sites_silent(s), 2);
    assert_int_equal(sites_busy(s), 3);
    stay_end(s, &a);
    stay_end(s, &a); /* a second time does nothing */
    assert_int_equal(site->here, 1);
    assert_int_equal(site->unclaimed, 1);
    stay_end(s, &b);
    assert_null(sites_find(s, &here));
    assert_int_equal(sites_busy(s), 1);
    stay_end(s, &c);
    assert_int_equal(sites_silent(s), 0);
    sites_close(&s);
}

/* Against an array that is counted anew each time. */
static void a_thousand_lanes_come_and_go(void **state)
{
    enum { LANES = 1000, PLACES = 60 };
    struct sites *s = sites_open(LANES);
    struct stay *stays = calloc(LANES, sizeof *stays);
    unsigned at[LANES] = {0}, here[PLACES + 1] = {0}, random = 1;

    (void)state;
    for (int step = 0; step < 20000; step++) {
        random = random * 1103515245u + 12345u;
        unsigned lane = (random >> 8) % LANES;
        here[at[lane]]--;
        if (at[lane] > 0) {
            stay_end(s, &stays[lane]);
            at[lane] = 0;
        } else {
            const struct place p = place_of(at[lane] = 1 + (random >> 20) % PLACES);
            stay_begin(s, &stays[lane], &p);
        }
        here[at[lane]]++;
    }
    for (unsigned p = 1; p <= PLACES; p++) {
        const struct place place = place_of(p);
        const struct site *site = sites_find(s, &place);
        assert_int_equal(site ? site->here : 0, here[p]);
    }
    free(stays);
    sites_close(&s);
}

/* ---- the press ------------------------------------------------------------------------------------------- */

#define WRITERS 40
#define LETTERS 50

struct writers {
    struct press *press;
    _Atomic int at_work, most;
};

static void *write_letters(void *arg)
{
    struct writers *w = arg;

    for (int i = 0; i < LETTERS; i++) {
        struct press_slot slot;

        press_enter(w->press, &slot);
        int now = atomic_fetch_add(&w->at_work, 1) + 1, most = atomic_load(&w->most);
        while (now > most && !atomic_compare_exchange_weak(&w->most, &most, now))
            continue;
        assert_int_equal(slot.message->n, 0);
        buf_add(slot.message, STR("a letter"));
        atomic_fetch_sub(&w->at_work, 1);
        press_leave(w->press, &slot);
    }
    return NULL;
}

static void no_more_write_at_once_than_there_are_slots(void **state)
{
    struct writers w = {.press = press_open(3)};
    pthread_t threads[WRITERS];

    (void)state;
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_letters, &w), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(w.most >= 1 && w.most <= 3);
    press_close(&w.press);
}

struct turn {
    struct press *press;
    _Atomic int *next;
    int got;
    pthread_t thread;
};

static void *take_turn(void *arg)
{
    struct turn *t = arg;
    struct press_slot slot;

    press_enter(t->press, &slot);
    t->got = atomic_fetch_add(t->next, 1);
    press_leave(t->press, &slot);
    return NULL;
}

static void who_came_first_is_served_first(void **state)
{
    struct press *p = press_open(1);
    _Atomic int next = 0;
    struct press_slot mine;
    struct turn turns[8];

    (void)state;
    press_enter(p, &mine);
    for (size_t i = 0; i < COUNT_OF(turns); i++) {
        turns[i] = (struct turn){.press = p, .next = &next};
        assert_int_equal(pthread_create(&turns[i].thread, NULL, take_turn, &turns[i]), 0);
        while (press_waiting(p) != i + 1)
            usleep(1000);
    }
    press_leave(p, &mine);
    for (size_t i = 0; i < COUNT_OF(turns); i++) {
        pthread_join(turns[i].thread, NULL);
        assert_int_equal(turns[i].got, i);
    }
    press_close(&p);
}

/* ---- the desk -------------------------------------------------------------------------------------------- */

#define FEW 16 /* as FEW_LANES */

struct one_more {
    struct desk *desk;
    _Atomic bool *others_wait;
    bool was_early, got_one;
    pthread_t thread;
};

static void *take_one_more(void *arg)
{
    struct one_more *m = arg;
    struct place p;

    m->got_one = desk_take(m->desk, FEW, &p);
    m->was_early = !atomic_load(m->others_wait);
    return NULL;
}

/* Whether a lane beyond a few gets a place tells the order of events, not a time: it must not come before the others wait. */
static void a_further_lane_starts_only_when_the_others_wait_for_servers(void **state)
{
    struct house *h = calloc(1, sizeof *h);
    _Atomic bool others_wait = false;
    struct place p;

    (void)state;
    house_open(h, &(struct house_setup){.no_engine = true});
    for (int i = 0; i < FEW + 4; i++)
        house_submit(h, arena_printf(h->arena, "ada@d%d.example", i));
    struct desk *d = desk_open(h->queue, clock_system(), 100);
    struct one_more more = {.desk = d, .others_wait = &others_wait};
    for (size_t lane = 0; lane < FEW; lane++)
        assert_true(desk_take(d, lane, &p));
    pthread_create(&more.thread, NULL, take_one_more, &more);
    usleep(100000); /* that it could come too early; what comes in time needs no wait */
    atomic_store(&others_wait, true);
    for (size_t lane = 0; lane < FEW; lane++)
        desk_goes_out(d, lane);
    pthread_join(more.thread, NULL);
    assert_true(more.got_one);
    assert_false(more.was_early);
    desk_close(&d);
    house_close(h);
    free(h);
}

/* A place with more work than one turn carries is offered again, behind those that had none. */
static void places_of_one_priority_take_turns(void **state)
{
    enum { PLACES = 5 };
    struct house *h = calloc(1, sizeof *h);
    unsigned turns[PLACES] = {0};
    struct place p;

    (void)state;
    house_open(h, &(struct house_setup){.no_engine = true});
    for (int i = 0; i < PLACES; i++)
        house_submit(h, arena_printf(h->arena, "ada@d%d.example", i));
    struct desk *d = desk_open(h->queue, clock_system(), 1);
    for (int i = 0; i < 3 * PLACES; i++) {
        assert_true(desk_take(d, 0, &p));
        turns[p.destination[1] - '0']++;
        desk_claimed(d, 0, true);
        desk_answered(d, 0);
        assert_true(desk_others_wait(d));
        desk_leave(d, 0, 0);
        if ((i + 1) % PLACES == 0)
            for (int n = 0; n < PLACES; n++)
                assert_int_equal(turns[n], (i + 1) / PLACES);
    }
    desk_close(&d);
    house_close(h);
    free(h);
}

static void *stop_later(void *arg)
{
    sleep(5);
    desk_stop(arg);
    return NULL;
}

/* More names than one look brings, all due before the mail of a place that answered lately. */
static void silent_places_do_not_hide_one_that_answered_however_many_they_are(void **state)
{
    struct house *h = calloc(1, sizeof *h);
    enum change_result result;
    pthread_t watch;
    struct place p;
    struct err e;

    (void)state;
    house_open(h, &(struct house_setup){.no_engine = true});
    struct desk *d = desk_open(h->queue, clock_system(), 8);
    const char *first = house_submit(h, "ada@good.example");
    assert_true(desk_take(d, 0, &p));
    desk_claimed(d, 0, false);
    desk_answered(d, 0);
    desk_leave(d, 0, 0);
    assert_true(queue_cancel(h->queue, "acme", first, (struct actor){"test", ""}, &result, &e));
    for (int i = 0; i < 200; i++)
        house_submit(h, arena_printf(h->arena, "ada@silent%d.example", i));
    house_submit(h, "bob@good.example");
    usleep(300000); /* looks for known places are apart */
    pthread_create(&watch, NULL, stop_later, d);
    for (size_t lane = 0; lane < 8 && desk_take(d, lane, &p); lane++) {
        if (strcmp(p.destination, "good.example") == 0)
            break;
        desk_claimed(d, lane, false);
        desk_goes_out(d, lane);
    }
    assert_string_equal(p.destination, "good.example");
    pthread_cancel(watch);
    pthread_join(watch, NULL);
    desk_close(&d);
    house_close(h);
    free(h);
}

/* How many different names a resolver that never answers is asked for, until `enough` or for so long. */
static size_t count_names(int fd, size_t enough, int64_t ms)
{
    AUTO(buf_close) struct buf seen = {0};
    int64_t until = clock_steady_ns() + ms * 1000000;
    size_t n = 0;

    while (n < enough && clock_steady_ns() < until) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        unsigned char question[512];
        if (poll(&p, 1, 50) < 1 || recv(fd, question, sizeof question, 0) < 20)
            continue;
        for (unsigned char *c = question + 12; *c && c < question + 40; c++)
            *c |= 0x20; /* letter case is random */
        struct str name = str_bytes(question + 12, 16);
        if (str_find(buf_str(&seen), name, 0) < seen.n)
            continue;
        buf_add(&seen, name);
        n++;
    }
    return n;
}

/* More than may be busy with work of their own; before the first of them has given up. */
static void lanes_that_wait_for_the_dns_do_not_crowd(void **state)
{
    struct house *h = calloc(1, sizeof *h);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    char server[40];

    (void)state;
    AUTO(file_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    snprintf(server, sizeof server, "127.0.0.1:%d", ntohs(at.sin_port));
    house_open(h,
        &(struct house_setup){.no_engine = true, .resolver = server, .settings = "lanes = 32\n"});
    for (int i = 0; i < 32; i++)
        house_submit(h, arena_printf(h->arena, "ada@silent-place-%02d.test", i));
    house_start(h);
    assert_int_equal(count_names(fd, FEW + 4, 2500), FEW + 4);
    house_close(h);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_counts_the_lanes_that_are_there),
        cmocka_unit_test(a_thousand_lanes_come_and_go),
        cmocka_unit_test(no_more_write_at_once_than_there_are_slots),
        cmocka_unit_test(who_came_first_is_served_first),
        cmocka_unit_test(places_of_one_priority_take_turns),
        cmocka_unit_test(silent_places_do_not_hide_one_that_answered_however_many_they_are),
        cmocka_unit_test(lanes_that_wait_for_the_dns_do_not_crowd),
        cmocka_unit_test(a_further_lane_starts_only_when_the_others_wait_for_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
