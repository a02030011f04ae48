/* Tests mailer/deliver/engine.h where things go wrong: TLS, slow and closing servers, the disk, the stop. */
#include "tests/mailer/deliver/house.h"
#include "tests/support/peer.h"

#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

static struct house house;

static struct house *open_with(const struct house_setup *s)
{
    house_open(&house, s);
    return &house;
}

static uint64_t counted(struct house *h, const char *name)
{
    return counter_value(metrics_counter(h->metrics, name, "", ""));
}

static void wait_until_counted(struct house *h, const char *name, uint64_t n)
{
    for (int i = 0; counted(h, name) < n; i++) {
        assert_true(i < 4000);
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

/* ---- servers --------------------------------------------------------------------------------------- */

static void break_tls_then_take(struct line *c, void *context)
{
    static const char *const keywords[] = {"STARTTLS", NULL};

    (void)context;
    if (!greet(c, keywords))
        return;
    if (line_number(c) == 0) {
        hear(c, "STARTTLS");
        say(c, "220 go\r\n");
        hear(c, "\x16\x03"); /* a ClientHello */
        say(c, "this is not TLS at all\r\n");
        return;
    }
    while (take_mail(c))
        ;
}

static void failed_tls_goes_in_clear_and_says_so(void **state)
{
    struct peer *p = peer_open(break_tls_then_take, NULL, NULL);
    struct house *h = open_with(&(struct house_setup){.smtp_port = peer_port(p)});
    const char *id = house_submit(h, "ada@customer.example");

    (void)state;
    house_await(h, id, MSG_DELIVERED);
    assert_int_equal(house_count_events(h, id, "deferred"), 0);
    AUTO(js_close) struct js *f = house_facts(h, id, "delivered");
    assert_true(str_is(js_get_text(f, "tls"), ""));
    assert_true(str_is(js_get_text(f, "tls_doubt"), "STARTTLS was offered and failed"));
    house_close(h);
    peer_close(&p);
}

static void take_two_and_close(struct line *c, void *context)
{
    (void)context;
    if (greet(c, NULL) && take_mail(c))
        take_mail(c);
}

static void a_server_that_closes_between_mails_costs_no_attempt(void **state)
{
    enum { N = 9 };
    struct peer *p = peer_open(take_two_and_close, NULL, NULL);
    struct house *h = open_with(&(struct house_setup){
        .smtp_port = peer_port(p), .settings = "lanes = 1\n", .no_engine = true});
    const char *ids[N];

    (void)state;
    for (size_t i = 0; i < N; i++)
        ids[i] = house_submit(h, "ada@customer.example");
    house_start(h);
    for (size_t i = 0; i < N; i++) {
        house_await(h, ids[i], MSG_DELIVERED);
        assert_int_equal(house_count_events(h, ids[i], "deferred"), 0);
        assert_int_equal(house_show(h, ids[i]).attempts, 1);
    }
    house_close(h);
    peer_close(&p);
}

static void stall_at_once(struct line *c, void *context)
{
    (void)context;
    stall(c);
}

static void a_slow_destination_does_not_keep_the_others(void **state)
{
    enum { SLOW = 40, FAST = 20 };
    struct house *h = open_with(&(struct house_setup){
        .no_engine = true, .zone = "slow IN MX 10 mx.slow\nmx.slow IN A 127.0.0.5\n"});
    struct peer *p = peer_open_at("127.0.0.5", smtpd_port(h->sink), stall_at_once, NULL, NULL);
    const char *slow[SLOW], *fast[FAST];

    (void)state;
    for (size_t i = 0; i < SLOW; i++)
        slow[i] = house_submit(h, "ada@slow.example");
    for (size_t i = 0; i < FAST; i++)
        fast[i] = house_submit(h, "ada@customer.example");
    house_start(h);
    for (size_t i = 0; i < FAST; i++)
        house_await(h, fast[i], MSG_DELIVERED);
    size_t begun = 0;
    for (size_t i = 0; i < SLOW; i++)
        begun += house_show(h, slow[i]).state == MSG_LEASED;
    assert_in_range(begun, 1, 16); /* two of four lanes, eight claimed each */
    engine_stop(h->engine, 0);
    peer_close(&p);
    house_close(h);
}

static void a_dead_destination_costs_one_attempt_not_one_each(void **state)
{
    enum { N = 3 };
    struct house *h = open_with(&(struct house_setup){
        .no_engine = true, .settings = "lanes = 1\nretry_first_ms = 1h\nretry_max_ms = 1h\n"});
    const char *dead[N];
    size_t queued = 0;

    (void)state;
    for (size_t i = 0; i < N; i++)
        dead[i] = house_submit(h, "ada@dead.example");
    house_start(h);
    wait_until_counted(h, "parcelpost_given_back_total", N - 1);
    house_await(
        h, house_submit(h, "ada@customer.example"), MSG_DELIVERED); /* younger, and goes first */
    for (size_t i = 0; i < N; i++)
        queued += house_show(h, dead[i]).state == MSG_QUEUED;
    assert_int_equal(queued, N - 1);
    assert_int_equal(counted(h, "parcelpost_smtp_connections_total"), 2);
    house_close(h);
}

static void the_deadline_ends_an_attempt(void **state)
{
    struct peer *p = peer_open(stall_at_once, NULL, NULL);
    struct house *h = open_with(&(struct house_setup){.smtp_port = peer_port(p),
        .settings = "attempt_timeout_ms = 1s\nretry_first_ms = 1h\nretry_max_ms = 1h\n"});
    const char *id = house_submit(h, "ada@customer.example");

    (void)state;
    house_await(h, id, MSG_DEFERRED);
    AUTO(js_close) struct js *f = house_facts(h, id, "deferred");
    assert_true(str_is(js_get_text(f, "trouble"), "the attempt's time was over"));
    assert_in_range(js_int(js_get(f, "took_ms")), 900, 10000);
    house_close(h);
    peer_close(&p);
}

static void greet_late_then_take(struct line *c, void *context)
{
    (void)context;
    stall_for(c, 1200);
    if (greet(c, NULL))
        while (take_mail(c))
            ;
}

/* Both are claimed at once; the second is too old when its turn comes. */
static void a_mail_that_expires_behind_another_is_not_sent(void **state)
{
    struct peer *p = peer_open(greet_late_then_take, NULL, NULL);
    struct house *h = open_with(&(struct house_setup){
        .smtp_port = peer_port(p), .settings = "lanes = 1\n", .no_engine = true});
    const char *first = house_submit(h, "ada@customer.example");
    const char *second = house_submit_mail(
        h, &(struct house_mail){.to = "bob@customer.example", .expire_after_ms = 1000});

    (void)state;
    house_start(h);
    house_await(h, first, MSG_DELIVERED);
    house_await(h, second, MSG_EXPIRED);
    house_close(h);
    peer_stop(p);
    struct str heard = peer_heard(p);
    assert_true(str_find(heard, STR("bob@"), 0) == heard.n);
    peer_close(&p);
}

/* The shortest lease that the settings allow: no attempt may be thought too late from its beginning. */
static void a_lease_just_above_the_attempt_delivers(void **state)
{
    struct house *h = open_with(
        &(struct house_setup){.settings = "attempt_timeout_ms = 1s\nlease_ms = \"1050ms\"\n"});
    const char *id = house_submit(h, "ada@customer.example");

    (void)state;
    house_await(h, id, MSG_DELIVERED);
    house_close(h);
}

/* No 8BITMIME: the letter is written again. */
static void a_seven_bit_server_gets_seven_bits(void **state)
{
    struct peer *p = peer_open(take_two_and_close, NULL, NULL);
    struct house *h = open_with(&(struct house_setup){
        .smtp_port = peer_port(p), .settings = "body_8bit = true\nlanes = 1\n"});
    const char *id = house_submit(h, "ada@customer.example");

    (void)state;
    house_await(h, id, MSG_DELIVERED);
    peer_stop(p);
    struct str heard = peer_heard(p);
    assert_true(str_find(heard, STR("Ada"), 0) < heard.n);
    assert_true(str_is_ascii(heard));
    assert_true(str_find(heard, STR("BODY=8BITMIME"), 0) == heard.n);
    house_close(h);
    peer_close(&p);
}

/* ---- a mail that nobody answers for ---------------------------------------------------------------- */

static void take_and_close(struct line *c, void *context)
{
    (void)context;
    if (greet(c, NULL) && take_envelope(c))
        hear_body(c);
}

static void three_unsure_attempts_are_held_for_a_person(void **state)
{
    struct peer *p = peer_open(take_and_close, NULL, NULL);
    struct house *h = open_with(&(struct house_setup){.smtp_port = peer_port(p)});
    const char *id = house_submit(h, "ada@customer.example");
    const struct actor who = {"ada", "asked the receiver"};
    enum change_result result;
    struct err e;

    (void)state;
    house_await(h, id, MSG_HELD);
    assert_string_equal(house_show(h, id).reason, "incident:unsure");
    assert_int_equal(house_show(h, id).attempts, 3);
    assert_int_equal(house_count_events(h, id, "unsure"), 3);
    assert_int_equal(house_count_events(h, id, "held"), 1);
    AUTO(js_close) struct js *f = house_facts(h, id, "held");
    assert_true(str_is(js_get_text(f, "mx"), "mx.customer.example"));
    /* A person's word sends it once more, and no oftener. */
    assert_true(queue_release(h->queue, "acme", id, who, &result, &e));
    wait_until_counted(h, "parcelpost_unsure_total", 4);
    house_await(h, id, MSG_HELD);
    assert_int_equal(house_show(h, id).attempts, 4);
    house_close(h);
    assert_int_equal(peer_connections(p), 4);
    peer_close(&p);
}

static void close_after_two_bodies_then_take(struct line *c, void *context)
{
    if (line_number(c) < 2)
        take_and_close(c, context);
    else if (greet(c, NULL))
        take_mail(c);
}

static void two_unsure_attempts_do_not_hold(void **state)
{
    struct peer *p = peer_open(close_after_two_bodies_then_take, NULL, NULL);
    struct house *h = open_with(&(struct house_setup){.smtp_port = peer_port(p)});
    const char *id = house_submit(h, "ada@customer.example");

    (void)state;
    house_await(h, id, MSG_DELIVERED);
    assert_int_equal(house_show(h, id).attempts, 3);
    assert_int_equal(house_count_events(h, id, "held"), 0);
    house_close(h);
    peer_close(&p);
}

static void answer_with_codes_alone(struct line *c, void *context)
{
    (void)context;
    say(c, "220\r\n");
    if (!hear(c, "EHLO "))
        return;
    for (say(c, "250\r\n"); hear(c, "MAIL FROM:"); say(c, "250\r\n")) {
        say(c, "250\r\n");
        hear(c, "RCPT TO:");
        say(c, "250\r\n");
        hear(c, "DATA");
        say(c, "354\r\n");
        if (!hear_body(c))
            return;
    }
}

static void a_server_of_few_words_gets_one_copy(void **state)
{
    struct peer *p = peer_open(answer_with_codes_alone, NULL, NULL);
    struct house *h = open_with(&(struct house_setup){.smtp_port = peer_port(p)});
    const char *id = house_submit(h, "ada@customer.example");

    (void)state;
    house_await(h, id, MSG_DELIVERED);
    assert_int_equal(house_show(h, id).attempts, 1);
    assert_false(house_show(h, id).unsure);
    house_close(h);
    peer_close(&p);
}

static void send_all_replies_at_once(struct line *c, void *context)
{
    (void)context;
    if (greet(c, NULL) && hear(c, "MAIL FROM:")) {
        say(c, "250 ok\r\n");
        if (hear(c, "RCPT TO:"))
            say(c, "250 ok\r\n354 go\r\n250 queued\r\n");
    }
}

static void replies_ahead_of_the_mail_do_not_deliver_it(void **state)
{
    struct peer *p = peer_open(send_all_replies_at_once, NULL, NULL);
    struct house *h = open_with(&(struct house_setup){
        .smtp_port = peer_port(p), .settings = "retry_first_ms = 1h\nretry_max_ms = 1h\n"});
    const char *id = house_submit(h, "ada@customer.example");

    (void)state;
    house_await(h, id, MSG_DEFERRED);
    assert_string_equal(house_show(h, id).reason, "protocol-error");
    assert_false(house_show(h, id).unsure);
    house_close(h);
    peer_close(&p);
}

/* ---- what the operator sees ------------------------------------------------------------------------- */

struct heard_log {
    pthread_mutex_t lock; /* guards what follows: lanes and the keeper log at once */
    size_t n;
    char line[512]; /* the last one */
};

static void note_deferral(void *state, const char *line)
{
    struct heard_log *l = state;

    if (!strstr(line, " mail-deferred "))
        return;
    pthread_mutex_lock(&l->lock);
    snprintf(l->line, sizeof l->line, "%s", line);
    l->n++;
    pthread_mutex_unlock(&l->lock);
}

struct deferral_case {
    const char *to, *reason, *attempts, *code, *why;
};

static void a_deferral_is_one_line_without_a_person(void **state)
{
    static const struct deferral_case cases[] = {
        {"ada@elsewhere.test", "reason=dns-unavailable", "attempts=0", "code=0",
            "mail hosts of elsewhere.test"},
        {"ada@dead.example", "reason=no-connection", "attempts=1", "code=0", ""},
        {"full@customer.example", "reason=mailbox-full", "attempts=1", "code=452", ""},
    };
    static struct heard_log heard = {.lock = PTHREAD_MUTEX_INITIALIZER};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct house *h = open_with(
            &(struct house_setup){.settings = "retry_first_ms = 1h\nretry_max_ms = 1h\n"});
        heard.n = 0;
        log_set_sink(note_deferral, &heard);
        const char *id = house_submit(h, cases[i].to);
        house_await(h, id, MSG_DEFERRED);
        engine_stop(h->engine, 0);
        log_set_sink(NULL, NULL);
        assert_int_equal(heard.n, 1);
        assert_non_null(strstr(heard.line, " info "));
        assert_non_null(strstr(heard.line, id));
        assert_non_null(strstr(heard.line, cases[i].reason));
        assert_non_null(strstr(heard.line, cases[i].attempts));
        assert_non_null(strstr(heard.line, cases[i].code));
        assert_non_null(strstr(heard.line, "destination="));
        assert_non_null(strstr(heard.line, cases[i].why));
        assert_null(strchr(heard.line, '@'));
        house_close(h);
    }
}

static void a_deferral_says_what_went_wrong_with_the_server(void **state)
{
    static struct heard_log heard = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct peer *p = peer_open(send_all_replies_at_once, NULL, NULL);
    struct house *h = open_with(&(struct house_setup){
        .smtp_port = peer_port(p), .settings = "retry_first_ms = 1h\nretry_max_ms = 1h\n"});

    (void)state;
    log_set_sink(note_deferral, &heard);
    house_await(h, house_submit(h, "ada@customer.example"), MSG_DEFERRED);
    engine_stop(h->engine, 0);
    log_set_sink(NULL, NULL);
    assert_non_null(strstr(heard.line, "reason=protocol-error"));
    assert_non_null(strstr(heard.line, "why=\"the server "));
    house_close(h);
    peer_close(&p);
}

/* ---- ourselves ------------------------------------------------------------------------------------- */

static void a_stop_gives_back_what_was_not_begun(void **state)
{
    enum { N = 5 };
    struct peer *p = peer_open(stall_at_once, NULL, NULL);
    struct house *h = open_with(&(struct house_setup){
        .smtp_port = peer_port(p), .settings = "lanes = 1\n", .no_engine = true});
    const char *ids[N];
    size_t queued = 0;

    (void)state;
    for (size_t i = 0; i < N; i++)
        ids[i] = house_submit(h, "ada@customer.example");
    house_start(h);
    wait_until_counted(h, "parcelpost_smtp_connections_total", 1);
    engine_stop(h->engine, 0);
    for (size_t i = 0; i < N; i++)
        queued += house_show(h, ids[i]).state == MSG_QUEUED && house_show(h, ids[i]).attempts == 0;
    assert_int_equal(
        queued, N); /* the server had not greeted, so the first was not touched either */
    assert_int_equal(counted(h, "parcelpost_given_back_total"), N);
    house_close(h);
    peer_close(&p);
}

static void a_mail_that_cannot_be_written_is_held_for_a_person(void **state)
{
    struct house *h = open_with(&(struct house_setup){0});
    const char *id = house_submit_mail(
        h, &(struct house_mail){.to = "ada@customer.example", .private_json = "{\"data\": {}}"});

    (void)state;
    house_await(h, id, MSG_HELD);
    assert_string_equal(house_show(h, id).reason, "incident:letter");
    assert_int_equal(h->mails_n, 0);
    house_close(h);
}

static void limit_file_size(rlim_t bytes)
{
    struct rlimit now;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &now), 0);
    now.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
}

/* Fills the disk as soon as the body has come, before the answer. */
static void fill_disk_and_take(struct line *c, void *context)
{
    (void)context;
    if (!greet(c, NULL) || !take_envelope(c) || !hear_body(c))
        return;
    limit_file_size(0);
    say(c, "250 2.0.0 taken\r\n");
    hear(c, "QUIT");
}

static void a_full_disk_delays_the_settle_and_sends_nothing_twice(void **state)
{
    struct peer *p = peer_open(fill_disk_and_take, NULL, NULL);
    struct house *h = open_with(&(struct house_setup){.smtp_port = peer_port(p)});
    const char *id = house_submit(h, "ada@customer.example");

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    wait_until_counted(h, "parcelpost_settle_retries_total", 2);
    assert_int_equal(house_show(h, id).state, MSG_LEASED);
    limit_file_size(RLIM_INFINITY);
    house_await(h, id, MSG_DELIVERED);
    assert_int_equal(house_show(h, id).attempts, 1);
    house_close(h);
    assert_int_equal(peer_connections(p), 1);
    peer_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_tls_goes_in_clear_and_says_so),
        cmocka_unit_test(a_server_that_closes_between_mails_costs_no_attempt),
        cmocka_unit_test(a_slow_destination_does_not_keep_the_others),
        cmocka_unit_test(a_dead_destination_costs_one_attempt_not_one_each),
        cmocka_unit_test(the_deadline_ends_an_attempt),
        cmocka_unit_test(a_mail_that_expires_behind_another_is_not_sent),
        cmocka_unit_test(a_lease_just_above_the_attempt_delivers),
        cmocka_unit_test(a_seven_bit_server_gets_seven_bits),
        cmocka_unit_test(three_unsure_attempts_are_held_for_a_person),
        cmocka_unit_test(two_unsure_attempts_do_not_hold),
        cmocka_unit_test(a_server_of_few_words_gets_one_copy),
        cmocka_unit_test(replies_ahead_of_the_mail_do_not_deliver_it),
        cmocka_unit_test(a_deferral_is_one_line_without_a_person),
        cmocka_unit_test(a_deferral_says_what_went_wrong_with_the_server),
        cmocka_unit_test(a_stop_gives_back_what_was_not_begun),
        cmocka_unit_test(a_mail_that_cannot_be_written_is_held_for_a_person),
        cmocka_unit_test(a_full_disk_delays_the_settle_and_sends_nothing_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
