#include "tests/base/expect.h"
#include "tests/mailer/http/desk.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct desk hasty; /* ends connections that do not get on */

static int open_desk(void **state)
{
    one_desk_open(state);
    desk_open_with(
        &hasty, (struct http_limits){
                    .idle_ms = DESK_SPAN_MS, .head_ms = DESK_SPAN_MS, .body_ms = DESK_SPAN_MS});
    return 0;
}

static int close_desk(void **state)
{
    desk_close(&hasty);
    return one_desk_close(state);
}

#define NOTE                                                                                       \
    "{\"template\":\"note\",\"to\":\"ada@example.com\",\"data\":{\"name\":\"Ada\",\"number\":"     \
    "\"7\"}}"
#define HOST "Host: post.shop.example\r\n"
#define ALIVE "GET /healthz HTTP/1.1\r\n" HOST "\r\n"

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static const char *post_head(const char *more)
{
    return arena_printf(desk.room.arena,
        "POST /v1/messages HTTP/1.1\r\n" HOST
        "Authorization: Bearer %s\r\nContent-Type: application/json\r\n%s",
        desk.key, more);
}

static void still_serves(const char *after)
{
    AUTO(reply_close) struct reply r = {0};

    desk_post(&desk, "/v1/messages", NOTE, &r);
    expect_int(after, r.status, 202);
}

/* ---- bodies ---- */

static void a_chunked_body_is_taken(void **state)
{
    AUTO(reply_close) struct reply r = {0};
    AUTO(buf_close) struct buf request = {0};
    AUTO(close_fd) int fd = desk_connect(&desk);
    struct str body = STR(NOTE);

    (void)state;
    buf_add_text(&request, post_head("Transfer-Encoding: chunked\r\n\r\n"));
    for (size_t at = 0; at < body.n; at += 10) {
        struct str piece = str_slice(body, at, at + 10);
        buf_addf(&request, "%zx\r\n" STR_FMT "\r\n", piece.n, STR_ARG(piece));
    }
    buf_add_text(&request, "0\r\n\r\n");
    wire_send(fd, buf_str(&request));
    wire_read_answer(fd, false, &r);
    assert_int_equal(r.status, 202);
}

static void fill(struct buf *out, size_t n)
{
    memset(buf_room(out, n), ' ', n);
    out->n += n;
}

static void thirty_megabytes_are_refused_with_413(void **state)
{
    AUTO(reply_close) struct reply r = {0};
    AUTO(buf_close) struct buf body = {0};

    (void)state;
    fill(&body, 30 * 1000 * 1000);
    AUTO(close_fd) int fd = desk_connect(&desk);
    wire_send(fd, str_of(post_head("Content-Length: 30000000\r\n\r\n")));
    assert_true(wire_send(fd, buf_str(&body)));
    wire_read_answer(fd, false, &r);
    assert_int_equal(r.status, 413);
    expect_in("the limit is told", buf_str(&r.body), "20971520 bytes");
    /* The connection is still in step. */
    wire_send(fd, STR("GET /healthz HTTP/1.1\r\n" HOST "\r\n"));
    wire_read_answer(fd, false, &r);
    assert_int_equal(r.status, 200);
    still_serves("a large body");
}

static void a_client_that_asks_first_is_told_before_it_sends(void **state)
{
    AUTO(buf_close) struct buf answer = {0};
    AUTO(close_fd) int fd = desk_connect(&desk);

    (void)state;
    wire_send(fd, str_of(post_head("Content-Length: 30000000\r\nExpect: 100-continue\r\n\r\n")));
    wire_collect(fd, &answer, 5000);
    assert_int_equal(wire_times(buf_str(&answer), "HTTP/1.1 413"), 1);
    assert_int_equal(wire_times(buf_str(&answer), "HTTP/1.1 100"), 0);
}

static void a_chunked_body_above_the_limit_is_refused(void **state)
{
    AUTO(reply_close) struct reply r = {0};
    AUTO(buf_close) struct buf request = {0};

    (void)state;
    buf_add_text(&request, post_head("Transfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 30; i++) {
        buf_add_text(&request, "100000\r\n");
        fill(&request, 0x100000);
        buf_add_text(&request, "\r\n");
    }
    buf_add_text(&request, "0\r\n\r\n");
    AUTO(close_fd) int fd = desk_connect(&desk);
    assert_true(wire_send(fd, buf_str(&request)));
    wire_read_answer(fd, false, &r);
    assert_int_equal(r.status, 413);
}

/* Each of 20 MB; 128 MiB or four of them may be held at once. */
static void many_large_bodies_at_once_are_too_many(void **state)
{
    enum { BODIES = 8, BYTES = 19 * 1000 * 1000 };
    AUTO(buf_close) struct buf body = {0};
    int fds[BODIES];
    size_t busy = 0;

    (void)state;
    fill(&body, BYTES);
    for (size_t i = 0; i < BODIES; i++) {
        fds[i] = desk_connect(&desk);
        wire_send(fds[i], str_of(post_head(arena_printf(
                              desk.room.arena, "Content-Length: %d\r\n\r\n", BYTES + 1))));
        wire_send(fds[i], buf_str(&body)); /* but for the last byte */
    }
    for (size_t i = 0; i < BODIES; i++) {
        AUTO(reply_close) struct reply r = {0};
        wire_send(fds[i], STR(" "));
        wire_read_answer(fds[i], false, &r);
        busy += r.status == 429;
        expect("answer", r.status == 400 || r.status == 429, "invalid JSON or busy");
        close(fds[i]);
    }
    assert_in_range(busy, 1, BODIES - 4);
    still_serves("many large bodies");
}

static void a_body_without_end_is_cut_off(void **state)
{
    AUTO(buf_close) struct buf piece = {0};
    AUTO(close_fd) int fd = desk_connect(&desk);
    size_t sent = 0;

    (void)state;
    wire_send(fd, str_of(post_head("Transfer-Encoding: chunked\r\n\r\n")));
    buf_add_text(&piece, "100000\r\n");
    fill(&piece, 0x100000);
    buf_add_text(&piece, "\r\n");
    while (sent < 500 && wire_send(fd, buf_str(&piece)))
        sent++;
    assert_in_range(sent, 20, 200); /* far above the limit, far below for ever */
    still_serves("an endless body");
}

/* ---- connections ---- */

static void one_connection_serves_many_requests(void **state)
{
    AUTO(close_fd) int fd = desk_connect(&desk);

    (void)state;
    for (int i = 0; i < 5; i++) {
        AUTO(reply_close) struct reply r = {0};
        wire_send(fd, str_of(post_head("Content-Length: 77\r\n\r\n")));
        wire_send(fd, STR(NOTE));
        wire_read_answer(fd, false, &r);
        assert_int_equal(r.status, 202);
    }
}

static void pipelined_requests_are_answered_in_order_and_garbage_ends_it(void **state)
{
    AUTO(buf_close) struct buf answer = {0};
    AUTO(close_fd) int fd = desk_connect(&desk);

    (void)state;
    wire_send(fd, STR("GET /healthz HTTP/1.1\r\n" HOST "\r\nGET /nowhere HTTP/1.1\r\n" HOST
                      "\r\nGET /healthz HTTP/1.1\r\n" HOST "\r\n\x01\x02garbage\r\n\r\n"
                      "GET /healthz HTTP/1.1\r\n" HOST "\r\n"));
    wire_collect(fd, &answer, 5000);
    struct str all = buf_str(&answer);
    assert_int_equal(wire_times(all, "HTTP/1.1 200"), 2);
    assert_int_equal(wire_times(all, "HTTP/1.1 404"), 1);
    assert_true(str_find(all, STR("HTTP/1.1 404"), 0) > str_find(all, STR("HTTP/1.1 200"), 0));
    still_serves("pipelined garbage");
}

static void clients_that_vanish_leave_nothing_behind(void **state)
{
    struct linger at_once = {.l_onoff = 1};

    (void)state;
    for (int i = 0; i < 50; i++) {
        int fd = desk_connect(&desk);
        wire_send(fd, str_of(post_head(i % 2 ? "Content-Length: 77\r\n\r\n" NOTE
                                             : "Content-Length: 77\r\n\r\n{")));
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(fd); /* with RST, perhaps while the queue writes */
    }
    still_serves("vanished clients");
}

/* ---- slow clients ---- */

static bool drip(int fd, struct str bytes, int64_t every_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};

    for (size_t i = 0; i < bytes.n; i++) {
        if (!wire_send(fd, str_slice(bytes, i, i + 1)))
            return false;
        if (poll(&one, 1, (int)every_ms) > 0)
            return false; /* an answer or the end */
    }
    return true;
}

static void a_head_that_drips_ends_at_the_deadline(void **state)
{
    AUTO(close_fd) int fd = desk_connect(&hasty);
    int64_t began = clock_steady_ns();

    (void)state;
    assert_false(
        drip(fd, str_of(post_head("X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n")), 50));
    int64_t took_ms = (clock_steady_ns() - began) / 1000000;
    assert_in_range(took_ms, DESK_SPAN_MS / 2, DESK_SPAN_MS * 4);
    assert_true(wire_is_closed(fd, 1000));
}

static void a_body_that_drips_ends_at_the_deadline(void **state)
{
    AUTO(close_fd) int fd = desk_connect(&hasty);

    (void)state;
    wire_send(fd, STR("POST /u/x HTTP/1.1\r\n" HOST "Content-Length: 77\r\n\r\n"));
    assert_false(drip(fd, STR(NOTE), 50));
    assert_true(wire_is_closed(fd, 1000));
}

static void an_idle_connection_is_closed(void **state)
{
    AUTO(reply_close) struct reply r = {0};
    AUTO(close_fd) int fd = desk_connect(&hasty);

    (void)state;
    wire_send(fd, STR("GET /healthz HTTP/1.1\r\n" HOST "\r\n"));
    wire_read_answer(fd, false, &r);
    assert_int_equal(r.status, 200);
    assert_true(wire_is_closed(fd, DESK_SPAN_MS * 4));
}

/* The patience between two requests is none for who begins one. */
static void half_a_request_is_given_less_time_than_an_idle_connection(void **state)
{
    AUTO(reply_close) struct reply r = {0};
    struct desk own;

    (void)state;
    desk_open_with(&own, (struct http_limits){.idle_ms = 60000, .head_ms = DESK_SPAN_MS});
    AUTO(close_fd) int silent = desk_connect(&own);
    AUTO(close_fd) int half_line = desk_connect(&own);
    AUTO(close_fd) int half_head = desk_connect(&own);
    AUTO(close_fd) int idle = desk_connect(&own);
    AUTO(close_fd) int second = desk_connect(&own);
    wire_send(half_line, STR("GET /he"));
    wire_send(half_head, STR("GET /healthz HTTP/1.1\r\nHos"));
    wire_send(idle, STR(ALIVE));
    wire_read_answer(idle, false, &r);
    assert_int_equal(r.status, 200);
    wire_send(second, STR(ALIVE));
    wire_read_answer(second, false, &r);
    wire_send(second, STR("GET /healthz HTTP/1.1\r\nHos"));
    assert_true(wire_is_closed(silent, DESK_SPAN_MS * 4));
    assert_true(wire_is_closed(half_line, DESK_SPAN_MS * 4));
    assert_true(wire_is_closed(half_head, DESK_SPAN_MS * 4));
    assert_true(wire_is_closed(second, DESK_SPAN_MS * 4));
    assert_false(wire_is_closed(idle, DESK_SPAN_MS));
    wire_send(idle, STR(ALIVE));
    wire_read_answer(idle, false, &r);
    assert_int_equal(r.status, 200);
    desk_close(&own);
}

static void others_are_served_while_many_are_slow(void **state)
{
    int slow[100];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(slow); i++) {
        slow[i] = desk_connect(&desk);
        wire_send(slow[i], STR("POST /v1/messages HTTP/1.1\r\nHos"));
    }
    still_serves("slow clients");
    for (size_t i = 0; i < COUNT_OF(slow); i++)
        close(slow[i]);
}

/* ---- a client that is not ours ---- */

static void curl_sends_a_mail(void **state)
{
    char answer[1024] = "";
    FILE *p = popen(arena_printf(desk.room.arena,
                        "curl -s -i --max-time 20 -H 'Authorization: Bearer %s' --json '" NOTE
                        "' http://127.0.0.1:%u/v1/messages",
                        desk.key, http_port(desk.http)),
        "r");

    (void)state;
    assert_non_null(p);
    size_t n = fread(answer, 1, sizeof answer - 1, p);
    assert_int_equal(pclose(p), 0);
    expect_in("curl", str_bytes(answer, n), "HTTP/1.1 202");
    expect_in("curl", str_bytes(answer, n), "\"id\":\"msg_");
}

static void curl_is_told_of_a_large_body(void **state)
{
    char answer[64] = "";

    (void)state;
    FILE *p = popen(
        arena_printf(desk.room.arena,
            "head -c 30000000 /dev/zero | curl -s -o /dev/null -w '%%{http_code}' --max-time 60 "
            "-H 'Authorization: Bearer %s' -H 'Content-Type: application/json' "
            "--data-binary @- http://127.0.0.1:%u/v1/messages",
            desk.key, http_port(desk.http)),
        "r");
    assert_non_null(p);
    size_t n = fread(answer, 1, sizeof answer - 1, p);
    assert_int_equal(pclose(p), 0);
    expect_str("curl", str_bytes(answer, n), STR("413"));
}

/* ---- the end ---- */

static void a_stop_waits_for_what_is_under_way_and_no_longer(void **state)
{
    AUTO(reply_close) struct reply r = {0};
    struct desk own;

    (void)state;
    desk_open(&own);
    AUTO(close_fd) int idle = desk_connect(&own);
    AUTO(close_fd) int half = desk_connect(&own);
    wire_send(idle, STR("GET /healthz HTTP/1.1\r\n" HOST "\r\n"));
    wire_read_answer(idle, false, &r);
    wire_send(half, STR("POST /u/x HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n"));
    int64_t began = clock_steady_ns();
    http_stop(own.http, 300);
    assert_in_range((clock_steady_ns() - began) / 1000000, 0, 3000);
    assert_true(wire_is_closed(idle, 1000));
    assert_true(wire_is_closed(half, 1000));
    desk_close(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chunked_body_is_taken),
        cmocka_unit_test(thirty_megabytes_are_refused_with_413),
        cmocka_unit_test(a_client_that_asks_first_is_told_before_it_sends),
        cmocka_unit_test(a_chunked_body_above_the_limit_is_refused),
        cmocka_unit_test(many_large_bodies_at_once_are_too_many),
        cmocka_unit_test(a_body_without_end_is_cut_off),
        cmocka_unit_test(one_connection_serves_many_requests),
        cmocka_unit_test(pipelined_requests_are_answered_in_order_and_garbage_ends_it),
        cmocka_unit_test(clients_that_vanish_leave_nothing_behind),
        cmocka_unit_test(a_head_that_drips_ends_at_the_deadline),
        cmocka_unit_test(a_body_that_drips_ends_at_the_deadline),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(half_a_request_is_given_less_time_than_an_idle_connection),
        cmocka_unit_test(others_are_served_while_many_are_slow),
        cmocka_unit_test(curl_sends_a_mail),
        cmocka_unit_test(curl_is_told_of_a_large_body),
        cmocka_unit_test(a_stop_waits_for_what_is_under_way_and_no_longer),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
