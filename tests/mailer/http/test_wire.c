#include "tests/base/expect.h"
#include "tests/mailer/http/desk.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct desk desk;
static struct desk hasty; /* ends connections that do not get on */

static int open_desk(void **state)
{
    (void)state;
    desk_open(&desk);
    desk_open_with(
        &hasty, (struct http_limits){
                    .idle_ms = DESK_SPAN_MS, .head_ms = DESK_SPAN_MS, .body_ms = DESK_SPAN_MS});
    return 0;
}

static int close_desk(void **state)
{
    (void)state;
    desk_close(&hasty);
    desk_close(&desk);
    return 0;
}

#define NOTE                                                                                       \
    "{\"template\":\"note\",\"to\":\"ada@example.com\",\"data\":{\"name\":\"Ada\",\"number\":"     \
    "\"7\"}}"
#define HOST "Host: post.shop.example\r\n"

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

/* Everything until the server ends the connection or is silent for a while. */
static void collect(int fd, struct buf *out, int64_t silence_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};

    while (poll(&one, 1, (int)silence_ms) > 0) {
        ssize_t n = recv(fd, buf_room(out, 65536), 65536, 0);
        if (n <= 0)
            return;
        out->n += (size_t)n;
    }
}

static size_t times(struct str whole, const char *part)
{
    size_t n = 0;

    for (size_t at = 0; (at = str_find(whole, str_of(part), at)) < whole.n; at++)
        n++;
    return n;
}

/* ---- what HTTP forbids ---- */

#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

/* What would run if the body before it were taken for none. */
#define INNER "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

static const struct {
    const char *name;
    struct str request;
    unsigned status;
    const char *code; /* "" = the library's own answer */
} unsound[] = {
    {"two Content-Lengths",
        BYTES("POST /u/x HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        400, "repeated-header"},
    {"Content-Length and Transfer-Encoding",
        BYTES("POST /u/x HTTP/1.1\r\n" HOST
              "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        400, "two-lengths"},
    {"Transfer-Encoding and Content-Length, the other way round",
        BYTES("POST /u/x HTTP/1.1\r\n" HOST
              "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
        400, "two-lengths"},
    {"a coding before chunked",
        BYTES("POST /u/x HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        400, "transfer-coding"},
    {"two hosts", BYTES("GET /healthz HTTP/1.1\r\n" HOST HOST "\r\n"), 400, "repeated-header"},
    {"two keys",
        BYTES("GET /v1/events HTTP/1.1\r\n" HOST
              "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n"),
        400, "repeated-header"},
    {"a space before the colon",
        BYTES("POST /u/x HTTP/1.1\r\n" HOST "Content-Length : 3\r\n\r\nabc"), 400,
        "malformed-header"},
    {"a bell in a header", BYTES("GET /healthz HTTP/1.1\r\n" HOST "X: a\ab\r\n\r\n"), 400,
        "malformed-header"},
    {"a NUL in the path", BYTES("GET /healthz\0/../v1 HTTP/1.1\r\n" HOST "\r\n"), 400,
        "malformed-target"},
    {"a NUL at the end of the path", BYTES("GET /healthz\0 HTTP/1.1\r\n" HOST "\r\n"), 400,
        "malformed-target"},
    {"bytes above ASCII in the path", BYTES("GET /healthz\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"), 400,
        "malformed-target"},
    {"a folded Content-Length",
        BYTES("POST /u/x HTTP/1.1\r\n" HOST "Content-Length:\r\n 3\r\n\r\n" INNER), 400,
        "malformed-header"},
    {"a Content-Length that goes on in the next line",
        BYTES("POST /u/x HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\t5\r\n\r\n" INNER), 400,
        "malformed-header"},
    {"a folded Transfer-Encoding",
        BYTES("POST /u/x HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n chunked\r\n\r\n" INNER), 400,
        "malformed-header"},
    {"a folded header that is none of ours",
        BYTES("GET /healthz HTTP/1.1\r\n" HOST "X: a\r\n b\r\nY: c\r\n\r\n"), 400,
        "malformed-header"},
    {"a fold of white space alone", BYTES("GET /healthz HTTP/1.1\r\n" HOST "X: a\r\n \r\n\r\n"),
        400, "malformed-header"},
    {"a NUL in Content-Length",
        BYTES("POST /u/x HTTP/1.1\r\n" HOST "Content-Length: 0\0"
              "36\r\n\r\n" INNER),
        400, "malformed-header"},
    {"a NUL in Content-Length, before another header",
        BYTES("POST /u/x HTTP/1.1\r\n" HOST "Content-Length: 0\0"
              "36\r\nX: y\r\n\r\n" INNER),
        400, "malformed-header"},
    {"a NUL at the end of the last header",
        BYTES("POST /u/x HTTP/1.1\r\n" HOST "Content-Length: 0\0\r\n\r\n" INNER), 400,
        "malformed-header"},
    {"a NUL behind chunked",
        BYTES("POST /u/x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\0x\r\n\r\n0\r\n\r\n" INNER),
        400, "malformed-header"},
    {"a NUL in a key",
        BYTES("GET /healthz HTTP/1.1\r\n" HOST "Authorization: Bearer a\0zz\r\n\r\n"), 400,
        "malformed-header"},
    {"a NUL in a header's name",
        BYTES("POST /u/x HTTP/1.1\r\n" HOST "Content-Length\0x: 3\r\n\r\n" INNER), 400, ""},
    {"a NUL in the method", BYTES("GET\0 /healthz HTTP/1.1\r\n" HOST "\r\n"), 400,
        "malformed-target"},
    {"a header that ends in a bare LF",
        BYTES("GET /healthz HTTP/1.1\r\n" HOST "X: a\nY: b\r\n\r\n"), 400, "malformed-header"},
    {"an end of the head in bare LF", BYTES("GET /healthz HTTP/1.1\r\n" HOST "\n"), 400,
        "malformed-header"},
    {"a negative length", BYTES("POST /u/x HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n"), 400,
        ""},
    {"a length in words", BYTES("POST /u/x HTTP/1.1\r\n" HOST "Content-Length: three\r\n\r\n"), 400,
        ""},
    {"no Host", BYTES("GET /healthz HTTP/1.1\r\n\r\n"), 400, ""},
};

/* RFC 9112 s3.2.2 */
static void a_target_may_name_scheme_and_host(void **state)
{
    static const struct {
        const char *target;
        unsigned status;
    } table[] = {{"http://post.shop.example/healthz", 200},
        {"HTTPS://post.shop.example:443/healthz?x=/", 200}, {"http://post.shop.example", 404},
        {"ftp://post.shop.example/healthz", 404}, {"//healthz", 404}};

    (void)state;
    EACH(row, table)
    {
        AUTO(reply_close) struct reply r = {0};
        desk_call(&desk, "GET", row->target, "", STR(""), &r);
        expect_int(row->target, r.status, row->status);
    }
}

static void each_unsound_request_is_refused_and_its_connection_closed(void **state)
{
    (void)state;
    EACH(row, unsound)
    {
        AUTO(reply_close) struct reply r = {0};
        AUTO(close_fd) int fd = desk_connect(&desk);
        wire_send(fd, row->request);
        wire_read(fd, false, &r);
        expect_int(row->name, r.status, row->status);
        if (row->code[0] != 0) {
            expect_in(row->name, buf_str(&r.body), row->code);
            expect_int(row->name, (int64_t)times(buf_str(&r.body), "HTTP/1.1 "), 0);
        }
        expect(row->name, wire_is_closed(fd, 5000), "closed");
    }
    still_serves("unsound requests");
}

static void unusual_but_sound_headers_are_fine(void **state)
{
    static const char *const table[] = {"", "X:\r\n", "X:y\r\n", "X:  y  \r\n", "X: \t y\r\nY:\r\n",
        "Cookie: a=b; c=d\r\nCookie: e\r\n", "Content-Length: 0\r\n", "X: \xc3\xa9\r\n"};

    (void)state;
    EACH(row, table)
    {
        AUTO(reply_close) struct reply r = {0};
        desk_call(&desk, "GET", "/healthz?a=%20b", *row, STR(""), &r);
        expect_int(*row, r.status, 200);
    }
}

/* The library reads it in pieces and makes its buffer larger meanwhile. */
static void a_long_head_is_fine_in_whatever_pieces_it_comes(void **state)
{
    AUTO(buf_close) struct buf request = {0};
    AUTO(reply_close) struct reply r = {0};
    AUTO(close_fd) int fd = desk_connect(&desk);
    struct str rest;

    (void)state;
    buf_add_text(&request, "\r\nGET /healthz HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 100; i++)
        buf_addf(&request, "X-Filler-%d: %0*d\r\n", i, 10 + i, i);
    buf_add_text(&request, "\r\n");
    rest = buf_str(&request);
    for (size_t n = 1; rest.n > 0; n += 97) {
        wire_send(fd, str_slice(rest, 0, n));
        rest = str_slice(rest, n, rest.n);
        usleep(1000);
    }
    wire_read(fd, false, &r);
    assert_int_equal(r.status, 200);
}

static void garbage_is_answered_or_dropped_and_never_served(void **state)
{
    static const struct str table[] = {BYTES("\r\n\r\n\r\n"),
        BYTES("\x16\x03\x01\x02\x00\x01\x00\x01"), BYTES("GET\r\n\r\n"),
        BYTES("GET /healthz\r\n\r\n"), BYTES("GET /heal thz HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz HTTP/9.9\r\n" HOST "\r\n"), BYTES("EHLO there\r\nMAIL FROM:<>\r\n\r\n"),
        BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        BYTES("GET /healthz HTTP/1.1\r\n" HOST " folded: yes\r\n\r\n"), BYTES("\0\0\0\0\0\0\0\0")};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        AUTO(buf_close) struct buf answer = {0};
        AUTO(close_fd) int fd = desk_connect(&hasty);
        wire_send(fd, table[i]);
        collect(fd, &answer, 5000);
        if (times(buf_str(&answer), "HTTP/1.1 200") > 0)
            fail_msg("garbage %zu was served: %s", i, buf_text(&answer));
    }
    still_serves("garbage");
}

static void a_head_that_is_too_large_is_refused(void **state)
{
    AUTO(buf_close) struct buf request = {0};
    AUTO(buf_close) struct buf answer = {0};
    AUTO(close_fd) int fd = desk_connect(&desk);

    (void)state;
    buf_add_text(&request, "GET /healthz HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 4000; i++)
        buf_addf(&request, "X-Filler-%d: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n", i);
    buf_add_text(&request, "\r\n");
    wire_send(fd, buf_str(&request));
    collect(fd, &answer, 3000);
    assert_int_equal(times(buf_str(&answer), "HTTP/1.1 200"), 0);
    still_serves("a large head");
}

/* The library says nothing more of a request whose query does not fit beside its head. */
static void a_query_of_too_many_parameters_leaves_nothing_behind(void **state)
{
    AUTO(buf_close) struct buf request = {0};
    struct desk own;

    (void)state;
    desk_open(&own);
    buf_add_text(&request, "GET /v1/events?");
    for (int i = 0; i < 6000; i++)
        buf_add_text(&request, "a=b&");
    buf_add_text(&request, " HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < 50; i++) {
        AUTO(close_fd) int fd = desk_connect(&own);
        wire_send(fd, buf_str(&request));
        assert_true(wire_is_closed(fd, 5000));
    }
    int64_t began = clock_steady_ns();
    http_stop(own.http, 15000); /* would wait for each of them */
    assert_in_range((clock_steady_ns() - began) / 1000000, 0, 5000);
    desk_close(&own);
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
    wire_read(fd, false, &r);
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
    wire_read(fd, false, &r);
    assert_int_equal(r.status, 413);
    expect_in("the limit is told", buf_str(&r.body), "20971520 bytes");
    /* The connection is still in step. */
    wire_send(fd, STR("GET /healthz HTTP/1.1\r\n" HOST "\r\n"));
    wire_read(fd, false, &r);
    assert_int_equal(r.status, 200);
    still_serves("a large body");
}

static void a_client_that_asks_first_is_told_before_it_sends(void **state)
{
    AUTO(buf_close) struct buf answer = {0};
    AUTO(close_fd) int fd = desk_connect(&desk);

    (void)state;
    wire_send(fd, str_of(post_head("Content-Length: 30000000\r\nExpect: 100-continue\r\n\r\n")));
    collect(fd, &answer, 5000);
    assert_int_equal(times(buf_str(&answer), "HTTP/1.1 413"), 1);
    assert_int_equal(times(buf_str(&answer), "HTTP/1.1 100"), 0);
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
    wire_read(fd, false, &r);
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
        wire_read(fds[i], false, &r);
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
        wire_read(fd, false, &r);
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
    collect(fd, &answer, 5000);
    struct str all = buf_str(&answer);
    assert_int_equal(times(all, "HTTP/1.1 200"), 2);
    assert_int_equal(times(all, "HTTP/1.1 404"), 1);
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
    wire_read(fd, false, &r);
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
    wire_send(idle, STR(INNER));
    wire_read(idle, false, &r);
    assert_int_equal(r.status, 200);
    wire_send(second, STR(INNER));
    wire_read(second, false, &r);
    wire_send(second, STR("GET /healthz HTTP/1.1\r\nHos"));
    assert_true(wire_is_closed(silent, DESK_SPAN_MS * 4));
    assert_true(wire_is_closed(half_line, DESK_SPAN_MS * 4));
    assert_true(wire_is_closed(half_head, DESK_SPAN_MS * 4));
    assert_true(wire_is_closed(second, DESK_SPAN_MS * 4));
    assert_false(wire_is_closed(idle, DESK_SPAN_MS));
    wire_send(idle, STR(INNER));
    wire_read(idle, false, &r);
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
    wire_read(idle, false, &r);
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
        cmocka_unit_test(a_target_may_name_scheme_and_host),
        cmocka_unit_test(each_unsound_request_is_refused_and_its_connection_closed),
        cmocka_unit_test(unusual_but_sound_headers_are_fine),
        cmocka_unit_test(a_long_head_is_fine_in_whatever_pieces_it_comes),
        cmocka_unit_test(garbage_is_answered_or_dropped_and_never_served),
        cmocka_unit_test(a_head_that_is_too_large_is_refused),
        cmocka_unit_test(a_query_of_too_many_parameters_leaves_nothing_behind),
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
