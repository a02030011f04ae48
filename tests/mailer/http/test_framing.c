/* What HTTP forbids and what it leaves open, as far as the end of the head. */
#include "tests/base/expect.h"
#include "tests/mailer/http/desk.h"

#include <stdio.h>
#include <unistd.h>

static struct desk hasty; /* ends connections that do not get on */

static int open_desk(void **state)
{
    one_desk_open(state);
    desk_open_with(&hasty, (struct http_limits){.idle_ms = DESK_SPAN_MS, .head_ms = DESK_SPAN_MS});
    return 0;
}

static int close_desk(void **state)
{
    desk_close(&hasty);
    return one_desk_close(state);
}

#define HOST "Host: post.shop.example\r\n"

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static void still_serves(const char *after)
{
    AUTO(reply_close) struct reply r = {0};

    desk_call(&desk, "GET", "/healthz", "", STR(""), &r);
    expect_int(after, r.status, 200);
}

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
    {"chunked in HTTP/1.0",
        BYTES("POST /u/x HTTP/1.0\r\n" HOST
              "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" INNER),
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
        wire_read_answer(fd, false, &r);
        expect_int(row->name, r.status, row->status);
        if (row->code[0] != 0) {
            expect_in(row->name, buf_str(&r.body), row->code);
            expect_int(row->name, (int64_t)wire_times(buf_str(&r.body), "HTTP/1.1 "), 0);
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
    wire_read_answer(fd, false, &r);
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
        wire_collect(fd, &answer, 5000);
        if (wire_times(buf_str(&answer), "HTTP/1.1 200") > 0)
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
    wire_collect(fd, &answer, 3000);
    assert_int_equal(wire_times(buf_str(&answer), "HTTP/1.1 200"), 0);
    still_serves("a large head");
}

/* Where a head leaves no room for the head of an answer, nothing must happen that would need one. */
static void a_head_that_leaves_no_room_for_an_answer_is_refused_first(void **state)
{
    static const struct {
        const char *name, *before, *piece;
        int from, to, step;
    } table[] = {
        {"a long header", "X: ", "x", 30000, 32700, 100},
        {"many headers", "X: y", "\r\na:b", 400, 480, 2},
        {"a cookie, which the library copies", "Cookie: ", "x", 14000, 16500, 100},
    };

    (void)state;
    EACH(row, table)
    {
        unsigned last = 200;
        for (int n = row->from; n < row->to; n += row->step) {
            AUTO(buf_close) struct buf request = {0};
            AUTO(buf_close) struct buf answer = {0};
            AUTO(close_fd) int fd = desk_connect(&desk);
            buf_addf(
                &request, "GET /healthz HTTP/1.1\r\n" HOST "Connection: close\r\n%s", row->before);
            for (int i = 0; i < n; i++)
                buf_add_text(&request, row->piece);
            buf_add_text(&request, "\r\n\r\n");
            wire_send(fd, buf_str(&request));
            wire_collect(fd, &answer, 3000);
            bool served = wire_times(buf_str(&answer), "HTTP/1.1 200") > 0;
            /* The first that is not served is told; only larger ones may be dropped without a word. */
            if (last == 200 && !served)
                expect_in(row->name, buf_str(&answer), "head-too-large");
            last = served ? 200 : 431;
        }
        expect_int(row->name, last, 431);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_may_name_scheme_and_host),
        cmocka_unit_test(each_unsound_request_is_refused_and_its_connection_closed),
        cmocka_unit_test(unusual_but_sound_headers_are_fine),
        cmocka_unit_test(a_long_head_is_fine_in_whatever_pieces_it_comes),
        cmocka_unit_test(garbage_is_answered_or_dropped_and_never_served),
        cmocka_unit_test(a_head_that_is_too_large_is_refused),
        cmocka_unit_test(a_head_that_leaves_no_room_for_an_answer_is_refused_first),
        cmocka_unit_test(a_query_of_too_many_parameters_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
