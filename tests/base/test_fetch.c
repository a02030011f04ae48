/* One GET against a server that does what no proper server would: each limit of base/fetch.h is met here, and no
 * private address is ever connected to. */
#include "base/fetch.h"

#include "base/clock.h"
#include "base/public_ip.h"
#include "tests/base/expect.h"
#include "tests/support/certs.h"
#include "tests/support/peer.h"
#include "tests/support/scratch.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HOST "pages.example"
#define URL "https://" HOST "/a/page.txt?x=1"
#define PLENTY_MS 20000 /* no test should get there */

/* ---- the room: an authority, its file, an arena ------------------------------------------------------ */

struct room {
    struct certs *certs;
    SSL_CTX *good;
    char authority[SCRATCH_SIZE];
    struct arena *arena;
};

static int enter(void **state)
{
    struct room *r = calloc(1, sizeof *r);
    signal(SIGPIPE, SIG_IGN);
    r->certs = certs_open();
    r->good = certs_server(r->certs, HOST, 1);
    r->arena = arena_open();
    close(scratch_file("fetch", r->authority));
    certs_write_authority(r->certs, r->authority);
    *state = r;
    return 0;
}

static int leave(void **state)
{
    struct room *r = *state;
    unlink(r->authority);
    SSL_CTX_free(r->good);
    certs_close(&r->certs);
    arena_close(&r->arena);
    free(r);
    return 0;
}

/* What the resolver says: the host itself as an address list, or none. */
struct names {
    const char *const *addresses;
    size_t n;
    bool failed;
    const char *asked; /* the last one */
};

static size_t addresses_of(
    void *state, const char *host, struct arena *a, const char *const **out, bool *failed)
{
    struct names *names = state;
    names->asked = arena_text(a, str_of(host));
    *out = names->addresses;
    *failed = names->failed;
    return names->n;
}

static const char *const here[] = {"127.0.0.1"};
static struct names all_here = {.addresses = here, .n = 1};

static struct fetch_rules rules_for(const struct room *r, const struct peer *p)
{
    return (struct fetch_rules){
        .timeout_ms = PLENTY_MS,
        .max_bytes = 100,
        .addresses_of = addresses_of,
        .addresses_state = &all_here,
        .authority_file = r->authority,
        .allow_loopback = true,
        .port = (uint16_t)(p ? peer_port(p) : 9),
    };
}

static void expect_status(const char *name, const struct fetch_answer *got, enum fetch_status want)
{
    if (got->status != want)
        fail_msg("%s: got %s (%s), want %s", name, fetch_status_name(got->status), got->why,
            fetch_status_name(want));
    expect(name, (want == FETCH_OK) == (got->why[0] == 0), "a sentence exactly when not ok");
    expect(name, want == FETCH_OK || got->body.n == 0, "a body only when ok");
}

/* ---- scripts ----------------------------------------------------------------------------------------- */

static bool take_request(struct line *c)
{
    char line[1024];
    while (hear_line(c, line, sizeof line))
        if (str_trim(str_of(line)).n == 0)
            return true;
    return false;
}

static void answer(struct line *c, void *text)
{
    if (take_tls(c) && take_request(c)) {
        say(c, text);
        stall_for(c, PLENTY_MS); /* the client has what it needs, or waits in vain */
    }
}

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

static const char chunked[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    "6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n";

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
        {"chunks_are_joined", chunked, FETCH_OK, 200, "hello world"},
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
        struct peer *p = peer_open(answer, (void *)(uintptr_t)c->text, r->good);
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
    struct peer *p = peer_open(answer, (void *)(uintptr_t)chunked, r->good);
    struct fetch_rules rules = rules_for(r, p);
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    fetch_get("https://PAGES.example./a/page.txt?x=1", &rules, r->arena, &got);
    unsetenv("https_proxy");
    expect_status("the environment's proxy is not asked", &got, FETCH_OK);
    expect_text("content type", got.content_type, "text/plain");
    peer_stop(p);
    expect_text("SNI", peer_server_name(p), HOST);
    expect_text("the resolver hears the plain name", all_here.asked, HOST);
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
        {"silence_after_the_request", answer, ""},
        {"silence_within_the_page", answer, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"},
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
        struct peer *p = peer_open(
            c->kind == NO_TLS ? say_no_hello : answer_and_close, (void *)(uintptr_t)chunked, tls);
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

/* ---- addresses --------------------------------------------------------------------------------------- */

static void private_addresses_are_never_connected_to(void **state)
{
    struct room *r = *state;
    static const struct {
        const char *address;
        bool is_loopback;
    } cases[] = {
        {"127.0.0.1", true},
        {"127.9.9.9", true},
        {"::1", true},
        {"::ffff:127.0.0.1", true},
        {"0.0.0.0", false},
        {"10.0.0.1", false},
        {"100.64.0.1", false},
        {"169.254.169.254", false},
        {"172.16.0.1", false},
        {"172.31.255.255", false},
        {"192.168.1.1", false},
        {"224.0.0.251", false},
        {"255.255.255.255", false},
        {"::", false},
        {"::ffff:10.0.0.1", false},
        {"::ffff:169.254.169.254", false},
        {"64:ff9b::a00:1", false},
        {"fc00::1", false},
        {"fd12::1", false},
        {"fe80::1", false},
        {"fec0::1", false},
        {"ff02::1", false},
        {"2001:db8::1", false},
        {"2002:7f00:1::", false},
    };
    EACH(c, cases)
    {
        struct fetch_answer got;
        struct names names = {.addresses = &c->address, .n = 1};
        struct peer *p = peer_open(answer, (void *)(uintptr_t)chunked, r->good);
        struct fetch_rules rules = rules_for(r, p);
        rules.addresses_state = &names;
        rules.allow_loopback = !c->is_loopback;
        fetch_get(URL, &rules, r->arena, &got);
        expect_status(c->address, &got, FETCH_PRIVATE_ADDRESS);
        peer_stop(p);
        expect_int(c->address, (int64_t)peer_connections(p), 0);
        peer_close(&p);
    }
}

static void addresses_in_urls_are_judged_too(void **state)
{
    struct room *r = *state;
    static const char *const cases[] = {"https://127.0.0.1/", "https://0x7f000001/",
        "https://2130706433/", "https://0177.1/", "https://127.1/", "https://[::1]/",
        "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://0/",
        "https://10.1.2.3/", "https://[fe80::1%25lo]/", "https://localhost/"};
    EACH(c, cases)
    {
        struct fetch_answer got;
        struct peer *p = peer_open(answer, (void *)(uintptr_t)chunked, r->good);
        struct fetch_rules rules = rules_for(r, p);
        rules.addresses_of = NULL;
        rules.allow_loopback = false;
        fetch_get(*c, &rules, r->arena, &got);
        expect_status(*c, &got, FETCH_PRIVATE_ADDRESS);
        peer_stop(p);
        expect_int(*c, (int64_t)peer_connections(p), 0);
        peer_close(&p);
    }
}

static void names_are_looked_up_by_the_caller(void **state)
{
    struct room *r = *state;
    static const char *const dead_first[] = {"127.0.0.2", "10.0.0.1", "127.0.0.1"};
    static const char *const dead[] = {"127.0.0.2", "10.0.0.1"};
    static const struct {
        const char *name;
        struct names names;
        enum fetch_status want;
    } cases[] = {
        {"no_address", {NULL, 0, false, NULL}, FETCH_NO_ADDRESS},
        {"the_dns_fails", {NULL, 0, true, NULL}, FETCH_DNS_FAILED},
        {"half_the_dns_fails", {here, 1, true, NULL}, FETCH_OK},
        {"the_next_address_is_tried", {dead_first, 3, false, NULL}, FETCH_OK},
        {"nobody_listens", {dead, 2, false, NULL}, FETCH_NO_CONNECTION},
    };
    EACH(c, cases)
    {
        struct fetch_answer got;
        struct names names = c->names;
        struct peer *p = peer_open(answer, (void *)(uintptr_t)chunked, r->good);
        struct fetch_rules rules = rules_for(r, p);
        rules.addresses_state = &names;
        fetch_get(URL, &rules, r->arena, &got);
        expect_status(c->name, &got, c->want);
        peer_close(&p);
    }
}

static void public_is_what_the_registries_say(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool is_public;
    } cases[] = {
        {"1.1.1.1", true},
        {"9.255.255.255", true},
        {"11.0.0.0", true},
        {"100.63.255.255", true},
        {"100.128.0.0", true},
        {"126.255.255.255", true},
        {"128.0.0.0", true},
        {"172.15.255.255", true},
        {"172.32.0.0", true},
        {"192.0.1.0", true},
        {"198.17.255.255", true},
        {"198.20.0.0", true},
        {"223.255.255.255", true},
        {"192.0.0.1", false},
        {"192.0.2.1", false},
        {"192.88.99.1", false},
        {"198.19.255.255", false},
        {"198.51.100.1", false},
        {"203.0.113.1", false},
        {"2606:4700::1111", true},
        {"2001:200::1", true},
        {"2001:1ff::1", false},
        {"3fff::1", false},
        {"4000::1", false},
        {"::ffff:1.1.1.1", true},
        {"64:ff9b::101:101", true},
    };
    EACH(c, cases)
    {
        uint8_t b[16];
        bool got = inet_pton(AF_INET, c->address, b) == 1    ? public_ipv4(b)
                   : inet_pton(AF_INET6, c->address, b) == 1 ? public_ipv6(b)
                                                             : !c->is_public;
        expect(c->address, got == c->is_public, c->is_public ? "public" : "not public");
    }
}

/* ---- URLs and redirects ------------------------------------------------------------------------------ */

static void only_https_urls_are_asked(void **state)
{
    struct room *r = *state;
    static const char *const cases[] = {"", "pages.example", "/a", "http://pages.example/",
        "ftp://pages.example/", "file:///etc/passwd", "https://",
        "https://me:secret@pages.example/", "https://me@pages.example/",
        "https://p\xc3\xa4ges.example/", "https://pages.example:99999/", "https://pages .example/",
        "https://pages.example\r\n/"};
    EACH(c, cases)
    {
        struct fetch_answer got;
        struct fetch_rules rules = rules_for(r, NULL);
        fetch_get(*c, &rules, r->arena, &got);
        expect_status(*c, &got, FETCH_BAD_URL);
        expect(*c, str_find(str_of(got.why), STR("\n"), 0) == strlen(got.why), "one line");
    }
}

static void move(struct line *c, void *context)
{
    const char *const *places = context;
    if (take_tls(c) && take_request(c)) {
        char text[300];
        if (places[line_number(c)])
            snprintf(text, sizeof text,
                "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                places[line_number(c)]);
        else
            snprintf(text, sizeof text, "%s", chunked);
        say(c, text);
        stall_for(c, PLENTY_MS);
    }
}

/* The first host is here, any other inside. */
static size_t inside_addresses(
    void *state, const char *host, struct arena *a, const char *const **out, bool *failed)
{
    static const char *const inside[] = {"10.0.0.1"};
    (void)state;
    (void)a;
    *out = strcmp(host, HOST) == 0 ? here : inside;
    *failed = false;
    return 1;
}

static void redirects_are_counted_and_judged(void **state)
{
    struct room *r = *state;
    static const struct {
        const char *name;
        const char *places[4];
        int max_redirects;
        enum fetch_status want;
        const char *url, *location;
    } cases[] = {
        {"none_may_be_followed", {"/b"}, 0, FETCH_REDIRECTED, URL, "https://" HOST "/b"},
        {"one_is_followed", {"/b"}, 1, FETCH_OK, "https://" HOST "/b", ""},
        {"two_where_one_may_be", {"/b", "/c"}, 1, FETCH_REDIRECTED, "https://" HOST "/b",
            "https://" HOST "/c"},
        {"to_http", {"http://" HOST "/b"}, 3, FETCH_BAD_URL, "http://" HOST "/b", ""},
        {"to_a_file", {"file:///etc/passwd"}, 3, FETCH_BAD_URL, "file:///etc/passwd", ""},
        {"to_a_name_inside", {"https://inside.example/"}, 3, FETCH_PRIVATE_ADDRESS,
            "https://inside.example/", ""},
        {"to_an_address_inside", {"https://169.254.169.254/"}, 3, FETCH_PRIVATE_ADDRESS,
            "https://169.254.169.254/", ""},
    };
    EACH(c, cases)
    {
        struct fetch_answer got;
        struct peer *p = peer_open(move, (void *)(uintptr_t)c->places, r->good);
        struct fetch_rules rules = rules_for(r, p);
        rules.addresses_of = inside_addresses;
        rules.max_redirects = c->max_redirects;
        fetch_get(URL, &rules, r->arena, &got);
        expect_status(c->name, &got, c->want);
        expect_text(c->name, got.url, c->url);
        expect_text(c->name, got.location, c->location);
        peer_close(&p);
    }
}

static void plain_http(struct line *c, void *text)
{
    if (take_request(c))
        say(c, text);
}

static void http_is_for_tests_that_say_so(void **state)
{
    struct room *r = *state;
    struct fetch_answer got;
    struct peer *p = peer_open(plain_http, (void *)(uintptr_t)chunked, NULL);
    struct fetch_rules rules = rules_for(r, p);
    rules.allow_http = true;
    fetch_get("http://" HOST "/", &rules, r->arena, &got);
    expect_status("http", &got, FETCH_OK);
    peer_close(&p);
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
    *out = here;
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
    struct peer *p = peer_open(answer_and_close, (void *)(uintptr_t)chunked, r->good);
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
        cmocka_unit_test(private_addresses_are_never_connected_to),
        cmocka_unit_test(addresses_in_urls_are_judged_too),
        cmocka_unit_test(names_are_looked_up_by_the_caller),
        cmocka_unit_test(public_is_what_the_registries_say),
        cmocka_unit_test(only_https_urls_are_asked),
        cmocka_unit_test(redirects_are_counted_and_judged),
        cmocka_unit_test(http_is_for_tests_that_say_so),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
