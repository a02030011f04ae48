/* One GET against a server that does what no proper server would: each limit of base/fetch.h is met here. */
#include "tests/base/fetching.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>

/* ---- scripts ----------------------------------------------------------------------------------------- */

static void answer_and_close(struct line *c, void *text)
{
    if (take_tls(c) && take_request(c))
        say(c, text);
}

static void drip(struct line *c, void *context)
{
    (void)context;
    if (!take_tls(c) || !take_request(c))
        return;
    say(c, "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n");
    for (int i = 0; i < 89; i++) {
        say(c, "x");
        stall_for(c, 20);
    }
}

static void say_headers_without_end(struct line *c, void *context)
{
    (void)context;
    if (!take_tls(c) || !take_request(c))
        return;
    say(c, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 2000; i++)
        say(c, "X-Filler: 0123456789012345678901234567890123456789012345678901234567890\r\n");
    say(c, "\r\n");
}

static void say_no_hello(struct line *c, void *context)
{
    (void)context;
    say(c, "220 this is another kind of server\r\n");
    stall_for(c, PLENTY_MS);
}

static void keep_silent(struct line *c, void *context)
{
    (void)context;
    stall(c);
}

/* ---- what a server answers --------------------------------------------------------------------------- */

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void answers_are_judged(void **state)
{
    struct room *r = *state;
    static const struct {
        const char *name, *text;
        enum fetch_status want;
        int http_status;
        const char *body;
    } cases[] = {
        {"a_page", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", FETCH_OK, 200, "hello"},
        {"an_empty_page", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", FETCH_OK, 200, ""},
        {"chunks_are_joined", fetching_page, FETCH_OK, 200, "hello world"},
        {"as_many_bytes_as_may_be", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" HUNDRED,
            FETCH_OK, 200, HUNDRED},
        {"a_byte_more", "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" HUNDRED "x",
            FETCH_TOO_LARGE, 200, ""},
        {"a_byte_more_in_chunks",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            "64\r\n" HUNDRED "\r\n1\r\nx\r\n0\r\n\r\n",
            FETCH_TOO_LARGE, 200, ""},
        {"not_found", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone", FETCH_HTTP_STATUS,
            404, ""},
        {"a_page_of_error_that_never_ends", "HTTP/1.1 503 Busy\r\nContent-Length: 99\r\n\r\nwait",
            FETCH_HTTP_STATUS, 503, ""},
        {"a_large_page_of_error", "HTTP/1.1 500 Oh\r\nContent-Length: 999\r\n\r\n" HUNDRED "x",
            FETCH_HTTP_STATUS, 500, ""},
        {"success_without_page", "HTTP/1.1 204 No Content\r\n\r\n", FETCH_HTTP_STATUS, 204, ""},
        {"a_part", "HTTP/1.1 206 Part\r\nContent-Length: 1\r\n\r\nx", FETCH_HTTP_STATUS, 206, ""},
        {"a_redirect",
            "HTTP/1.1 301 Moved\r\nLocation: https://other.example/b\r\nContent-Length: 0\r\n\r\n",
            FETCH_REDIRECTED, 301, ""},
        {"a_redirect_without_place", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
            FETCH_HTTP_STATUS, 302, ""},
        {"not_modified", "HTTP/1.1 304 Not Modified\r\n\r\n", FETCH_HTTP_STATUS, 304, ""},
    };
    EACH(c, cases)
    {
        struct fetch_answer got;
        struct peer *p = peer_open(fetching_answer, (void *)(uintptr_t)c->text, r->good);
        struct fetch_rules rules = rules_for(r, p);
        int64_t begin = clock_steady_ns();
        fetch_get(URL, &rules, r->arena, &got);
        expect_status(c->name, &got, c->want);
        expect_int(c->name, got.http_status, c->http_status);
        expect_str(c->name, got.body, str_of(c->body));
        expect_text(c->name, got.url, URL);
        expect(c->name, clock_steady_ns() - begin < PLENTY_MS / 2 * 1000000LL, "no waiting");
        peer_close(&p);
    }
}

static void broken_answers_are_broken(void **state)
{
    struct room *r = *state;
    static const struct {
        const char *name, *text;
        int http_status;
    } cases[] = {
        {"nothing", "", 0},
        {"cut_within_the_length", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", 200},
        {"cut_within_chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", 200},
        {"no_http", "hello there, this is not HTTP at all\r\n", 0},
    };
    EACH(c, cases)
    {
        struct fetch_answer got;
        struct peer *p = peer_open(answer_and_close, (void *)(uintptr_t)c->text, r->good);
        struct fetch_rules rules = rules_for(r, p);
        fetch_get(URL, &rules, r->arena, &got);
        expect_status(c->name, &got, FETCH_BROKEN);
        expect_int(c->name, got.http_status, c->http_status);
        peer_close(&p);
    }
}

static void request_names_host_and_place(void **state)
{
    struct room *r = *state;
    struct fetch_answer got;
    struct peer *p = peer_open(fetching_answer, (void *)(uintptr_t)fetching_page, r->good);
    struct fetch_rules rules = rules_for(r, p);
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    fetch_get("https://PAGES.example./a/page.txt?x=1", &rules, r->arena, &got);
    unsetenv("https_proxy");
    expect_status("the environment's proxy is not asked", &got, FETCH_OK);
    expect_text("content type", got.content_type, "text/plain");
    peer_stop(p);
    expect_text("SNI", peer_server_name(p), HOST);
    expect_text("the resolver hears the plain name", fetching_names.asked, HOST);
    expect_in("request", peer_heard(p), "GET /a/page.txt?x=1 HTTP/1.1\r\n");
    expect_in("request", peer_heard(p), "User-Agent: parcelpost/");
    peer_close(&p);
}

/* ---- time and size ----------------------------------------------------------------------------------- */

static void a_deadline_ends_everything(void **state)
{
    struct room *r = *state;
    static const struct {
        const char *name;
        peer_script *script;
        const char *text;
    } cases[] = {
        {"silence_after_connecting", keep_silent, ""},
        {"silence_after_the_request", fetching_answer, ""},
        {"silence_within_the_page", fetching_answer,
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"},
        {"a_byte_now_and_then", drip, ""},
    };
    EACH(c, cases)
    {
        struct fetch_answer got;
        struct peer *p = peer_open(c->script, (void *)(uintptr_t)c->text, r->good);
        struct fetch_rules rules = rules_for(r, p);
        rules.timeout_ms = 300;
        int64_t begin = clock_steady_ns();
        fetch_get(URL, &rules, r->arena, &got);
        int64_t took_ms = (clock_steady_ns() - begin) / 1000000;
        expect_status(c->name, &got, FETCH_TIMEOUT);
        expect(c->name, took_ms >= 250 && took_ms < 1500, "an end at the deadline");
        peer_close(&p);
    }
}

static void headers_without_end_are_too_large(void **state)
{
    struct room *r = *state;
    struct fetch_answer got;
    struct peer *p = peer_open(say_headers_without_end, NULL, r->good);
    struct fetch_rules rules = rules_for(r, p);
    fetch_get(URL, &rules, r->arena, &got);
    expect_status("headers", &got, FETCH_TOO_LARGE);
    peer_close(&p);
}

/* ---- certificates ------------------------------------------------------------------------------------ */

enum { FOR_ANOTHER, EXPIRED, SELF_SIGNED, UNKNOWN_AUTHORITY, OLD_TLS, NO_TLS };

static SSL_CTX *server_of_kind(struct room *r, int kind)
{
    SSL_CTX *old;
    switch (kind) {
    case FOR_ANOTHER:
        return certs_server(r->certs, "other.example", 1);
    case EXPIRED:
        return certs_expired_server(r->certs, HOST);
    case SELF_SIGNED:
        return certs_server(r->certs, HOST, 0);
    case OLD_TLS:
        old = certs_server(r->certs, HOST, 1);
        SSL_CTX_set_min_proto_version(old, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(old, TLS1_1_VERSION);
        SSL_CTX_set_security_level(old, 0);
        return old;
    default:
        return certs_server(r->certs, HOST, 1);
    }
}

static void certificates_are_judged(void **state)
{
    struct room *r = *state;
    static const struct {
        const char *name;
        int kind;
        enum fetch_status want;
        const char *why;
    } cases[] = {
        {"for_another_host", FOR_ANOTHER, FETCH_WRONG_NAME, "not for " HOST},
        {"past_its_last_day", EXPIRED, FETCH_BAD_CERTIFICATE, "expired"},
        {"signed_by_itself", SELF_SIGNED, FETCH_BAD_CERTIFICATE, "self"},
        {"from_an_unknown_authority", UNKNOWN_AUTHORITY, FETCH_BAD_CERTIFICATE, "issuer"},
        {"tls_of_the_last_century", OLD_TLS, FETCH_TLS_FAILED, "no TLS"},
        {"no_tls_at_all", NO_TLS, FETCH_TLS_FAILED, "no TLS"},
    };
    EACH(c, cases)
    {
        struct fetch_answer got;
        SSL_CTX *tls = server_of_kind(r, c->kind);
        struct peer *p = peer_open(c->kind == NO_TLS ? say_no_hello : answer_and_close,
            (void *)(uintptr_t)fetching_page, tls);
        struct fetch_rules rules = rules_for(r, p);
        if (c->kind == UNKNOWN_AUTHORITY)
            rules.authority_file = NULL;
        fetch_get(URL, &rules, r->arena, &got);
        expect_status(c->name, &got, c->want);
        expect_in(c->name, str_of(got.why), c->why);
        expect_int(c->name, got.http_status, 0);
        peer_stop(p);
        expect_int(c->name, (int64_t)peer_heard(p).n, 0);
        peer_close(&p);
        SSL_CTX_free(tls);
    }
}

/* ---- threads ----------------------------------------------------------------------------------------- */

struct worker {
    pthread_t thread;
    struct fetch_rules rules;
    struct arena *arena;
    struct fetch_answer got;
};

static size_t addresses_here(
    void *state, const char *host, struct arena *a, const char *const **out, bool *failed)
{
    (void)state;
    (void)host;
    (void)a;
    *out = fetching_here;
    *failed = false;
    return 1;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    fetch_get(URL, &w->rules, w->arena, &w->got);
    return NULL;
}

static void many_threads_fetch_at_once(void **state)
{
    struct room *r = *state;
    struct worker workers[4];
    struct peer *p = peer_open(answer_and_close, (void *)(uintptr_t)fetching_page, r->good);
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        workers[i] = (struct worker){.rules = rules_for(r, p), .arena = arena_open()};
        workers[i].rules.addresses_of = addresses_here;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        expect_status("worker", &workers[i].got, FETCH_OK);
        arena_close(&workers[i].arena);
    }
    peer_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First, so that libcurl's one-time set-up meets several threads. */
        cmocka_unit_test(many_threads_fetch_at_once),
        cmocka_unit_test(answers_are_judged),
        cmocka_unit_test(broken_answers_are_broken),
        cmocka_unit_test(request_names_host_and_place),
        cmocka_unit_test(a_deadline_ends_everything),
        cmocka_unit_test(headers_without_end_are_too_large),
        cmocka_unit_test(certificates_are_judged),
    };
    return cmocka_run_group_tests(tests, fetching_enter, fetching_leave);
}
