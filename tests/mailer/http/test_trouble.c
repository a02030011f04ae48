#include "tests/base/expect.h"
#include "tests/mailer/http/jam.h"

#include "base/log.h"
#include "mailer/http/listen.h"
#include "mailer/http/problem.h"
#include "mailer/mime/token.h"
#include "queue/sqlite.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#define NOTE                                                                                       \
    "{\"template\":\"note\",\"to\":\"ada@example.com\",\"data\":{\"name\":\"Ada\",\"number\":"     \
    "\"7\"}}"
#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"

/* ---- a disk that takes nothing ---- */

static void let_files_grow(bool yes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = yes ? limit.rlim_max : 1;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static const char *a_link(void)
{
    AUTO(buf_close) struct buf token = {0};
    struct unsubscribe_token t = {
        .pepper_version = 1, .storefront = "acme", .stream = "newsletter"};

    strcpy(t.message_id, "msg_01jd8x6tq3w1m5yv9z0k2c4r7e");
    token_unsubscribe(desk.room.keys, &t, &token);
    return arena_printf(desk.room.arena, "/u/%s", buf_text(&token));
}

static void nothing_is_promised_that_is_not_on_disk(void **state)
{
    AUTO(reply_close) struct reply sent = {0};
    AUTO(reply_close) struct reply left = {0};
    AUTO(reply_close) struct reply ready = {0};
    AUTO(reply_close) struct reply alive = {0};
    const char *link = a_link();

    (void)state;
    desk_post(&desk, "/v1/messages", NOTE, &sent);
    assert_int_equal(sent.status, 202);
    let_files_grow(false);
    desk_post(&desk, "/v1/messages", NOTE, &sent);
    desk_call(&desk, "POST", link, FORM, STR("List-Unsubscribe=One-Click"), &left);
    desk_call(&desk, "GET", "/readyz", "", STR(""), &ready);
    desk_call(&desk, "GET", "/healthz", "", STR(""), &alive);
    let_files_grow(true);
    assert_int_equal(sent.status, 503);
    expect_in("code", buf_str(&sent.body), "store-unavailable");
    expect("when to return", reply_header(&sent, "Retry-After").n > 0, "a header");
    assert_int_equal(left.status, 503);
    expect_in("page", buf_str(&left.body), "could not be stored");
    assert_int_equal(ready.status, 503);
    assert_int_equal(alive.status, 200);
}

static void the_service_goes_on_when_the_disk_does(void **state)
{
    AUTO(reply_close) struct reply r = {0};

    (void)state;
    desk_call(&desk, "POST", a_link(), FORM, STR("List-Unsubscribe=One-Click"), &r);
    assert_int_equal(r.status, 200);
    desk_post(&desk, "/v1/messages", NOTE, &r);
    assert_int_equal(r.status, 202);
    desk_call(&desk, "GET", "/readyz", "", STR(""), &r);
    assert_int_equal(r.status, 200);
}

static atomic_size_t not_ready, ready_again;

static void count_changes(void *context, const char *line)
{
    (void)context;
    atomic_fetch_add(&not_ready, strstr(line, " not-ready ") != NULL);
    atomic_fetch_add(&ready_again, strstr(line, " ready-again") != NULL);
}

static void probe_three_times(unsigned status)
{
    AUTO(reply_close) struct reply r = {0};

    for (int i = 0; i < 3; i++) {
        desk_call(&desk, "GET", "/readyz", "", STR(""), &r);
        assert_int_equal(r.status, status);
    }
}

static void the_log_says_once_that_it_is_not_ready_and_that_it_is_again(void **state)
{
    AUTO(reply_close) struct reply r = {0};

    (void)state;
    log_set_sink(count_changes, NULL);
    probe_three_times(200);
    for (size_t i = 1; i <= 2; i++) {
        let_files_grow(false);
        desk_post(&desk, "/v1/messages", NOTE, &r);
        probe_three_times(503);
        let_files_grow(true);
        assert_int_equal(atomic_load(&not_ready), i);
        desk_post(&desk, "/v1/messages", NOTE, &r);
        probe_three_times(200);
        assert_int_equal(atomic_load(&ready_again), i);
    }
    log_set_sink(NULL, NULL);
}

/* ---- a disk that changes what stands on it ---- */

static void change(const struct desk *d, const char *sql)
{
    AUTO(buf_close) struct buf path = {0};
    struct sqlite *db;
    struct err e = {0};

    buf_addf(&path, "%s/queue.db", d->room.conf->data_dir);
    expect("database", sqlite_open(buf_text(&path), SQLITE_FOR_WRITING, &db, &e), e.text);
    expect(sql, sqlite_exec(db, sql, &e), e.text);
    sqlite_close(&db);
}

static void an_unreadable_message_is_shown_as_such_and_can_be_cancelled(void **state)
{
    static const char *const damage[] = {
        "UPDATE payload SET sealed = substr(sealed, 1, 20) || x'00'",
        "DROP TRIGGER journal_forgets; UPDATE journal SET salt = NULL, sealed = zeroblob(60)",
    };
    AUTO(reply_close) struct reply r = {0};
    struct desk own;

    (void)state;
    desk_open(&own);
    desk_post(&own, "/v1/messages", NOTE, &r);
    const char *path = arena_text(own.room.arena, reply_header(&r, "Location"));
    EACH(row, damage)
    {
        change(&own, *row);
        desk_get(&own, path, &r);
        expect_int(*row, r.status, 200);
        AUTO(js_close) struct js *o = reply_json(&r);
        expect(*row, js_bool(js_get(o, "unreadable")), "unreadable");
        expect_str(*row, js_get_text(o, "state"), STR("queued"));
        expect_int(*row, js_kind(js_get(o, "recipient")), JS_NULL);
        expect_int(*row, js_kind(js_get(o, "timeline")), JS_ARRAY);
    }
    desk_call(&own, "POST", arena_printf(own.room.arena, "%s/cancel", path),
        arena_printf(own.room.arena, "Authorization: Bearer %s\r\n", own.key), STR(""), &r);
    assert_int_equal(r.status, 200);
    desk_close(&own);
}

/* ---- a disk that does not answer ---- */

static void *stop_at_once(void *context)
{
    struct desk *d = context;

    http_stop(d->http, 0);
    return NULL;
}

static int post_a_note(struct desk *d)
{
    int fd = desk_connect(d);

    wire_send(fd, str_of(arena_printf(d->room.arena,
                      "POST /v1/messages HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n"
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                      d->key, sizeof NOTE - 1, NOTE)));
    return fd;
}

/* The client is let go at its deadline. A stop then waits for what is in the queue's hands, and lets nothing more
 * into them: the first request of all stands before the queue already when its mail's content is put there. */
static void requests_that_wait_for_the_disk_outlive_their_clients_and_a_stop(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        AUTO(reply_close) struct reply r = {0};
        struct queue_counts counts;
        struct desk own;
        struct jam j;
        struct err e;
        pthread_t stopper;

        desk_open_with(&own, (struct http_limits){.answer_ms = DESK_SPAN_MS});
        if (!first)
            desk_post(&own, "/v1/messages", NOTE, &r);
        jam_hold(&own, &j);
        int fd = post_a_note(&own);
        assert_true(wire_is_closed(fd, DESK_SPAN_MS * 4));
        close(fd);
        assert_int_equal(pthread_create(&stopper, NULL, stop_at_once, &own), 0);
        usleep(100000); /* a stop that does not wait ends in the library's abort */
        jam_loosen(&j);
        pthread_join(stopper, NULL);
        expect("counted", queue_count(own.room.queue, "acme", &counts, &e), "counts");
        assert_int_equal(counts.by_state[MSG_QUEUED], first ? 1 : 3);
        desk_close(&own);
        jam_close(&j);
    }
}

/* Whose mail was taken while the service stops is told so: what a stop lets go on is written before the end. Many
 * at once, so that the library's threads are still at it when the queue has answered all. */
static void a_stop_loses_no_answer(void **state)
{
    enum { CLIENTS = 32 };
    int fds[CLIENTS], told = 0;
    AUTO(reply_close) struct reply before = {0};
    struct queue_counts counts;
    struct desk own;
    struct jam j;
    struct err e;
    pthread_t stopper;

    (void)state;
    desk_open_with(&own, (struct http_limits){0});
    desk_post(&own, "/v1/messages", NOTE, &before);
    jam_hold(&own, &j);
    for (size_t i = 0; i < CLIENTS; i++)
        fds[i] = post_a_note(&own);
    usleep(
        200000); /* on a slow machine fewer are under way at the stop, and the others not taken */
    assert_int_equal(pthread_create(&stopper, NULL, stop_at_once, &own), 0);
    usleep(100000);
    jam_loosen(&j);
    pthread_join(stopper, NULL);
    EACH(fd, fds)
    {
        AUTO(reply_close) struct reply r = {0};
        wire_read_answer(*fd, false, &r);
        told += r.status == 202;
        close(*fd);
    }
    expect("counted", queue_count(own.room.queue, "acme", &counts, &e), "counts");
    expect_int("taken, and told so", (int64_t)counts.by_state[MSG_QUEUED] - 2, told);
    desk_close(&own);
    jam_close(&j);
}

/* ---- our failures as answers ---- */

static void each_failure_has_its_status(void **state)
{
    static const struct {
        const char *name;
        enum err_code code;
        unsigned status;
        const char *problem;
        bool retry;
    } table[] = {
        {"busy", ERR_BUSY, 429, "busy", true},
        {"full", ERR_FULL, 503, "store-unavailable", true},
        {"io", ERR_IO, 503, "store-unavailable", true},
        {"corrupt", ERR_CORRUPT, 503, "store-unavailable", true},
        {"newer", ERR_NEWER, 503, "store-unavailable", true},
        {"library", ERR_LIBRARY, 500, "internal", false},
        {"input", ERR_INPUT, 500, "internal", false},
    };

    const struct http_setup app = {.clock = clock_system()};
    struct tellings tellings = {0};

    (void)state;
    EACH(row, table)
    {
        AUTO(arena_close) struct arena *a = arena_open();
        struct exchange x = {.app = &app, .tellings = &tellings, .arena = a};
        struct err e;
        err_set(&e, row->code, "secret reason");
        problem_of_err(&x, &e);
        expect_int(row->name, x.status, row->status);
        expect_in(row->name, buf_str(&x.answer), row->problem);
        expect(row->name, !strstr(buf_text(&x.answer), "secret"), "the reason stays in the log");
        expect_int(row->name, (int64_t)x.headers_n, row->retry);
        buf_close(&x.answer);
    }
}

/* ---- who is near ---- */

static bool is_near(const char *address, const char *const *proxies, size_t n)
{
    struct conf c = {.trusted_proxies = proxies, .trusted_proxies_n = n};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};

    if (inet_pton(AF_INET, address, &four.sin_addr) == 1)
        return listen_is_near((struct sockaddr *)&four, &c);
    assert_int_equal(inet_pton(AF_INET6, address, &six.sin6_addr), 1);
    return listen_is_near((struct sockaddr *)&six, &c);
}

static void near_is_loopback_or_a_trusted_proxy(void **state)
{
    static const char *const proxies[] = {"192.0.2.7", "2001:db8::1"};
    static const struct {
        const char *address;
        bool near;
    } table[] = {{"127.0.0.1", true}, {"127.9.9.9", true}, {"::1", true},
        {"::ffff:127.0.0.1", true}, {"192.0.2.7", true}, {"::ffff:192.0.2.7", true},
        {"2001:db8::1", true}, {"192.0.2.8", false}, {"2001:db8::2", false}, {"10.0.0.1", false}};

    (void)state;
    EACH(row, table)
    {
        expect_int(row->address, is_near(row->address, proxies, COUNT_OF(proxies)), row->near);
    }
    assert_false(is_near("192.0.2.7", NULL, 0));
}

static void a_port_that_is_taken_is_told(void **state)
{
    struct conf c = {.listen_address = "127.0.0.1", .listen_port = http_port(desk.http)};
    struct listening l;
    struct err e = {0};

    (void)state;
    assert_false(listen_open(&c, &l, &e));
    expect_in("port", str_of(e.text), "cannot listen on 127.0.0.1 port");
    expect_in("the setting", str_of(e.text), "listen_port");
    c.listen_address = "not-an-address";
    assert_false(listen_open(&c, &l, &e));
    assert_int_equal(e.code, ERR_INPUT);
}

static void it_listens_on_ipv6_too(void **state)
{
    struct conf c = {.listen_address = "::1", .listen_port = 0};
    struct listening l;
    struct err e = {0};

    (void)state;
    if (!listen_open(&c, &l, &e))
        skip(); /* a machine without IPv6 */
    assert_true(l.is_ipv6);
    assert_false(l.is_public);
    assert_in_range(l.port, 1, 65535);
    close(l.fd);
}

/* ---- the log ---- */

#define MARKER "qzxmarker"

static atomic_size_t lines, leaks;

static void look_for_marker(void *context, const char *line)
{
    (void)context;
    atomic_fetch_add(&lines, 1);
    if (strstr(line, MARKER))
        atomic_fetch_add(&leaks, 1);
}

static void the_log_holds_nothing_personal(void **state)
{
    AUTO(buf_close) struct buf head = {0};
    AUTO(reply_close) struct reply r = {0};

    (void)state;
    log_set_sink(look_for_marker, NULL);
    log_set_level(LOG_DEBUG);
    buf_addf(&head,
        "Authorization: Bearer %s\r\nContent-Type: application/json\r\nIdempotency-Key: " MARKER
        "\r\n",
        desk.key);
    desk_call(&desk, "POST", "/v1/messages", buf_text(&head),
        STR("{\"template\":\"note\",\"to\":\"" MARKER "@example.com\",\"data\":{\"name\":\"" MARKER
            "\",\"number\":\"7\"},\"metadata\":{\"k\":\"" MARKER "\"}}"),
        &r);
    assert_int_equal(r.status, 202);
    desk_call(&desk, "POST", "/v1/messages", buf_text(&head),
        STR("{\"template\":\"" MARKER "\",\"to\":\"" MARKER "@@\"}"), &r);
    assert_int_equal(r.status, 422);
    desk_call(&desk, "GET", "/v1/messages/" MARKER "?" MARKER, buf_text(&head), STR(""), &r);
    desk_call(&desk, "POST", "/u/" MARKER, FORM, STR("List-Unsubscribe=One-Click"), &r);
    desk_call(&desk, "GET", "/" MARKER, "Authorization: Bearer " MARKER "\r\n", STR(""), &r);
    let_files_grow(false);
    desk_call(&desk, "POST", "/v1/messages", buf_text(&head),
        STR("{\"template\":\"note\",\"to\":\"" MARKER "2@example.com\",\"data\":{\"name\":\"" MARKER
            "\",\"number\":\"8\"}}"),
        &r);
    let_files_grow(true);
    http_stop(desk.http, 1000); /* the last line is written after the last answer */
    log_set_level(LOG_INFO);
    log_set_sink(NULL, NULL);
    assert_true(atomic_load(&lines) >= 6);
    assert_int_equal(atomic_load(&leaks), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_promised_that_is_not_on_disk),
        cmocka_unit_test(the_service_goes_on_when_the_disk_does),
        cmocka_unit_test(the_log_says_once_that_it_is_not_ready_and_that_it_is_again),
        cmocka_unit_test(an_unreadable_message_is_shown_as_such_and_can_be_cancelled),
        cmocka_unit_test(requests_that_wait_for_the_disk_outlive_their_clients_and_a_stop),
        cmocka_unit_test(a_stop_loses_no_answer),
        cmocka_unit_test(each_failure_has_its_status),
        cmocka_unit_test(near_is_loopback_or_a_trusted_proxy),
        cmocka_unit_test(a_port_that_is_taken_is_told),
        cmocka_unit_test(it_listens_on_ipv6_too),
        cmocka_unit_test(the_log_holds_nothing_personal),
    };
    return cmocka_run_group_tests(tests, one_desk_open, one_desk_close);
}
