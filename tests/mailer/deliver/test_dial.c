/* Tests mailer/deliver/dial.h and watchdog.h by themselves: the seam acts for its own connection and nothing else. */
#include "base/clock.h"
#include "mailer/deliver/dial.h"

#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct bench {
    struct watchdog *dog;
    struct watch *watch;
    struct dial *dial;
    int listener, port;
    struct dial_to to;
};

static int open_bench(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    struct err e;

    assert_true(watchdog_open(&b->dog, &e));
    b->watch = watch_open(b->dog);
    b->dial = dial_open(b->watch);
    b->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(b->listener, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(b->listener, 1), 0);
    assert_int_equal(getsockname(b->listener, (struct sockaddr *)&at, &size), 0);
    b->port = ntohs(at.sin_port);
    b->to = (struct dial_to){.host = "mx.test",
        .address = {4, {127, 0, 0, 1}},
        .port = b->port,
        .connect_timeout_ms = 2000,
        .transfer_timeout_ms = 200};
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *b = *state;

    dial_close(&b->dial);
    watch_close(&b->watch);
    watchdog_close(&b->dog);
    close(b->listener);
    free(b);
    return 0;
}

/* What libesmtp does: look up, connect; the socket, non-blocking as it is from then on. */
static int connect_as_the_library(struct bench *b)
{
    struct addrinfo *found = NULL;

    dial_begin(b->dial, &b->to);
    assert_int_equal(getaddrinfo("no-such-host.invalid", "25", NULL, &found), 0);
    int fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    int answer = connect(fd, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    if (answer == 0)
        return fd;
    close(fd);
    return -1;
}

static void the_seam_is_in_force(void **state)
{
    (void)state;
    assert_true(dial_is_in_force());
}

static void the_address_is_ours_and_the_name_stays_out(void **state)
{
    struct bench *b = *state;
    struct addrinfo *found = NULL;

    b->to.address = (struct ip){6, {0x20, 1, 0xd, 0xb8, [15] = 1}};
    dial_begin(b->dial, &b->to);
    assert_int_equal(getaddrinfo("mx.test", "25", NULL, &found), 0);
    assert_int_equal(found->ai_family, AF_INET6);
    assert_null(found->ai_canonname);
    assert_null(found->ai_next);
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)found->ai_addr;
    assert_memory_equal(&v6->sin6_addr, b->to.address.b, 16);
    assert_int_equal(ntohs(v6->sin6_port), b->port);
    freeaddrinfo(found);
    dial_end(b->dial);
}

static void other_callers_on_the_same_thread_pass_through(void **state)
{
    struct bench *b = *state;
    struct addrinfo *found = NULL;
    int fd = connect_as_the_library(b);
    int pair[2];
    char byte;

    /* A second look-up is not the dial's any more. */
    assert_int_equal(
        getaddrinfo("127.0.0.2", "80", &(struct addrinfo){.ai_flags = AI_NUMERICHOST}, &found), 0);
    assert_int_equal(
        ((const struct sockaddr_in *)found->ai_addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK + 1));
    freeaddrinfo(found);
    /* Another descriptor's bytes are not gathered. */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(write(pair[0], "x", 1), 1);
    assert_int_equal(poll(&(struct pollfd){.fd = pair[1], .events = POLLIN}, 1, 0), 1);
    assert_int_equal(read(pair[1], &byte, 1), 1);
    close(pair[0]);
    close(pair[1]);
    close(fd);
    dial_left(b->dial);
    dial_end(b->dial);
}

static void the_socket_does_not_wait_for_acknowledgements(void **state)
{
    struct bench *b = *state;
    int fd = connect_as_the_library(b), on = 0;
    socklen_t size = sizeof on;

    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    assert_true(on);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &on, &size), 0);
    assert_int_equal(on, 150);
    close(fd);
    dial_end(b->dial);
}

static void the_source_address_is_taken(void **state)
{
    struct bench *b = *state;
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;

    b->to.source = (struct ip){4, {127, 0, 0, 77}};
    int fd = connect_as_the_library(b);
    int taken = accept(b->listener, (struct sockaddr *)&peer, &size);
    assert_int_equal(peer.sin_addr.s_addr, inet_addr("127.0.0.77"));
    close(taken);
    close(fd);
    dial_end(b->dial);
}

static void small_writes_leave_together_before_the_wait(void **state)
{
    struct bench *b = *state;
    int fd = connect_as_the_library(b);
    int taken = accept(b->listener, NULL, NULL);
    char in[64] = "";
    struct pollfd one = {.fd = fd, .events = POLLIN};

    assert_int_equal(write(fd, "one ", 4), 4);
    assert_int_equal(write(fd, "two", 3), 3);
    assert_int_equal(recv(taken, in, sizeof in, MSG_DONTWAIT), -1);
    assert_int_equal(poll(&one, 1, 0), 0); /* a glance sends nothing and sees nothing */
    assert_int_equal(recv(taken, in, sizeof in, MSG_DONTWAIT), -1);
    assert_int_equal(write(taken, "reply", 5), 5);
    assert_int_equal(poll(&one, 1, 1000), 1);
    assert_int_equal(recv(taken, in, sizeof in, 0), 7);
    assert_memory_equal(in, "one two", 7);
    close(taken);
    close(fd);
    dial_end(b->dial);
}

static void what_is_said_behind_a_write_leaves_with_it(void **state)
{
    struct bench *b = *state;
    int fd = connect_as_the_library(b);
    int taken = accept(b->listener, NULL, NULL);
    char in[64] = "";
    struct pollfd one = {.fd = fd, .events = POLLIN};

    dial_say_behind(b->dial, STR(" and two"));
    assert_int_equal(write(fd, "one", 3), 3); /* the library does not hear of it */
    assert_int_equal(write(fd, " three", 6), 6);
    assert_int_equal(write(taken, "reply", 5), 5);
    assert_int_equal(poll(&one, 1, 1000), 1);
    assert_int_equal(recv(taken, in, sizeof in, 0), 17);
    assert_memory_equal(in, "one and two three", 17);
    close(taken);
    close(fd);
    dial_end(b->dial);
}

static void one_write_stays_unsent(void **state)
{
    struct bench *b = *state;
    int fd = connect_as_the_library(b);
    int taken = accept(b->listener, NULL, NULL);
    char in[64] = "";
    struct pollfd one = {.fd = fd, .events = POLLIN};

    dial_keep_silent(b->dial);
    assert_int_equal(write(fd, "one", 3), 3);
    assert_int_equal(write(fd, "two", 3), 3);
    assert_int_equal(write(taken, "reply", 5), 5);
    assert_int_equal(poll(&one, 1, 1000), 1);
    assert_int_equal(recv(taken, in, sizeof in, 0), 3);
    assert_memory_equal(in, "two", 3);
    close(taken);
    close(fd);
    dial_end(b->dial);
}

static struct str say_in_pieces(void *context)
{
    static const char *const pieces[] = {"one", " two", " three", ""};
    size_t *n = context;

    return str_of(pieces[(*n)++]);
}

static void the_server_reads_something_else_instead(void **state)
{
    struct bench *b = *state;
    int fd = connect_as_the_library(b);
    int taken = accept(b->listener, NULL, NULL);
    char in[64] = "";
    size_t said = 0;

    dial_say_instead(b->dial, STR("stub"), say_in_pieces, &said);
    assert_int_equal(write(fd, "stub", 4), 4);
    assert_int_equal(said, 4);
    assert_int_equal(write(fd, " four", 5), 5);
    close(fd);
    dial_left(b->dial);
    assert_int_equal(recv(taken, in, sizeof in, 0), 18);
    assert_memory_equal(in, "one two three four", 18);
    dial_end(b->dial);
    close(taken);
}

static void other_words_than_those_to_be_replaced_end_the_connection(void **state)
{
    static const char *const other[] = {"stu", "stub.", "QUIT\r\n", "s"};
    struct bench *b = *state;

    for (size_t i = 0; i < COUNT_OF(other); i++) {
        int fd = connect_as_the_library(b);
        int taken = accept(b->listener, NULL, NULL);
        size_t said = 0;
        char in;

        dial_say_instead(b->dial, STR("stub"), say_in_pieces, &said);
        assert_int_equal(write(fd, other[i], strlen(other[i])), -1);
        assert_int_equal(errno, EPIPE);
        assert_int_equal(write(fd, "stub", 4), -1);
        assert_int_equal(said, 0);
        close(fd);
        dial_end(b->dial);
        assert_int_equal(read(taken, &in, 1), 0);
        close(taken);
    }
}

/* What was meant for one connection is nothing to the next one. */
static void a_new_connection_begins_with_nothing_to_say(void **state)
{
    struct bench *b = *state;
    int fd = connect_as_the_library(b);
    int taken = accept(b->listener, NULL, NULL);
    char in[64] = "";

    dial_say_behind(b->dial, STR("old"));
    dial_keep_silent(b->dial);
    dial_say_instead(b->dial, STR("old"), NULL, NULL);
    close(taken);
    close(fd);
    dial_end(b->dial);
    fd = connect_as_the_library(b);
    taken = accept(b->listener, NULL, NULL);
    assert_int_equal(write(fd, "new", 3), 3);
    close(fd);
    dial_left(b->dial);
    assert_int_equal(recv(taken, in, sizeof in, MSG_DONTWAIT), 3);
    close(taken);
    dial_end(b->dial);
}

/* The library writes small pieces. A larger one would leave before what is gathered, and whatever is to follow it be lost. */
static void a_piece_too_large_to_gather_under_tls_ends_the_connection(void **state)
{
    static const char large[16385];
    struct bench *b = *state;
    int fd = connect_as_the_library(b);
    int taken = accept(b->listener, NULL, NULL);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    char in;

    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    SSL_set_connect_state(ssl);
    dial_under_tls(b->dial, ssl);
    assert_int_equal(SSL_write(ssl, "one", 3), 3);
    assert_true(SSL_write(ssl, large, sizeof large) <= 0);
    assert_int_equal(write(fd, "two", 3), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(read(taken, &in, 1), 0);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(taken);
    close(fd);
    dial_end(b->dial);
}

static void the_last_words_leave_when_the_library_has_closed(void **state)
{
    struct bench *b = *state;
    int fd = connect_as_the_library(b);
    int taken = accept(b->listener, NULL, NULL);
    char in[16];

    assert_int_equal(write(fd, "bye", 3), 3);
    close(fd);
    dial_left(b->dial);
    assert_int_equal(recv(taken, in, sizeof in, 0), 3);
    dial_end(b->dial);
    close(taken);
}

static void writing_comes_before_reading(void **state)
{
    struct bench *b = *state;
    int fd = connect_as_the_library(b);
    int taken = accept(b->listener, NULL, NULL);
    struct pollfd both[2] = {{.fd = fd, .events = POLLIN}, {.fd = fd, .events = POLLOUT}};

    assert_int_equal(write(taken, "ticket", 6), 6);
    assert_int_equal(
        poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 1000), 1); /* it is there */
    assert_int_equal(poll(both, 2, 1000), 1);
    assert_int_equal(both[0].revents, 0);
    assert_int_equal(both[1].revents, POLLOUT);
    close(taken);
    close(fd);
    dial_end(b->dial);
}

static void a_time_out_ends_the_connection(void **state)
{
    struct bench *b = *state;
    int fd = connect_as_the_library(b);
    int taken = accept(b->listener, NULL, NULL);
    struct pollfd one = {.fd = fd, .events = POLLIN};
    char in;

    int64_t begun = clock_steady_ns();
    assert_int_equal(poll(&one, 1, 60000), 0); /* ours is shorter than the library's */
    assert_in_range((clock_steady_ns() - begun) / 1000000, 150, 59999);
    assert_true(dial_has_timed_out(b->dial));
    assert_int_equal(read(fd, &in, 1), 0);
    assert_int_equal(write(fd, "more", 4), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(read(taken, &in, 1), 0);
    close(taken);
    close(fd);
    dial_end(b->dial);
}

/* A listener whose queue is full answers no further SYN. */
#define FILL 8

static void fill_queue(struct bench *b, int fill[FILL])
{
    for (size_t i = 0; i < FILL; i++) {
        struct sockaddr_in at = {.sin_family = AF_INET,
            .sin_port = htons((uint16_t)b->port),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fill[i], (struct sockaddr *)&at, sizeof at);
    }
}

static void a_connect_is_bounded_in_time(void **state)
{
    struct bench *b = *state;
    int fill[FILL];

    fill_queue(b, fill);
    b->to.connect_timeout_ms = 150;
    assert_int_equal(connect_as_the_library(b), -1);
    assert_int_equal(dial_connect_errno(b->dial), ETIMEDOUT);
    assert_false(dial_has_connected(b->dial));
    dial_end(b->dial);
    for (size_t i = 0; i < FILL; i++)
        close(fill[i]);
}

/* The bite comes before the connect, when there is nothing yet to shut down: the kernel remembers it. */
static void a_connect_does_not_outlast_the_end_of_all(void **state)
{
    struct bench *b = *state;
    int fill[FILL];

    fill_queue(b, fill);
    watchdog_end_all(b->dog);
    b->to.connect_timeout_ms = 60000;
    int64_t begun = clock_steady_ns();
    assert_int_equal(connect_as_the_library(b), -1);
    assert_in_range((clock_steady_ns() - begun) / 1000000, 0, 59999);
    assert_int_equal(dial_connect_errno(b->dial), ETIMEDOUT);
    dial_end(b->dial);
    for (size_t i = 0; i < FILL; i++)
        close(fill[i]);
}

/* Without a duplicate nobody could end the connection. */
static void a_connection_that_cannot_be_watched_is_not_made(void **state)
{
    struct bench *b = *state;
    struct rlimit now, tight;
    int next_fd = dup(b->listener);

    close(next_fd);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    tight = now;
    tight.rlim_cur = (rlim_t)next_fd + 1; /* room for the library's socket, and no more */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    int fd = connect_as_the_library(b);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    assert_int_equal(fd, -1);
    assert_int_equal(dial_connect_errno(b->dial), EMFILE);
    dial_end(b->dial);
}

static void the_watchdog_ends_a_read(void **state)
{
    struct bench *b = *state;
    int fd = connect_as_the_library(b);
    char in;

    b->to.transfer_timeout_ms = 60000;
    watch_until(b->watch, clock_steady_ns() + 100 * INT64_C(1000000));
    assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 60000), 1);
    assert_int_equal(read(fd, &in, 1), 0);
    assert_true(watch_has_bitten(b->watch));
    close(fd);
    dial_end(b->dial);
    assert_false(watch_has_bitten(b->watch));
}

static void a_deadline_that_has_passed_bites_at_once(void **state)
{
    struct bench *b = *state;

    watch_until(b->watch, clock_steady_ns() - 1);
    assert_int_equal(connect_as_the_library(b), -1);
    dial_end(b->dial);
}

static void the_end_of_all_bites_every_socket(void **state)
{
    struct bench *b = *state;
    int fd = connect_as_the_library(b);
    char in;

    watchdog_end_all(b->dog);
    assert_int_equal(read(fd, &in, 1), 0);
    close(fd);
    dial_end(b->dial);
    assert_int_equal(connect_as_the_library(b), -1);
    dial_end(b->dial);
}

/* The number of a closed descriptor may be another's: the watchdog must not touch that one. */
static void a_reused_descriptor_is_left_alone(void **state)
{
    struct bench *b = *state;
    int fd = connect_as_the_library(b), pair[2];

    close(fd);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(pair[0], fd);
    dial_left(b->dial);
    watch_until(b->watch, clock_steady_ns() - 1);
    assert_true(watch_has_bitten(b->watch));
    assert_int_equal(write(pair[0], "x", 1), 1);
    assert_int_equal(poll(&(struct pollfd){.fd = pair[1], .events = POLLIN}, 1, 0), 1);
    close(pair[0]);
    close(pair[1]);
    dial_end(b->dial);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seam_is_in_force),
        ON_BENCH(the_address_is_ours_and_the_name_stays_out),
        ON_BENCH(other_callers_on_the_same_thread_pass_through),
        ON_BENCH(the_socket_does_not_wait_for_acknowledgements),
        ON_BENCH(the_source_address_is_taken),
        ON_BENCH(small_writes_leave_together_before_the_wait),
        ON_BENCH(what_is_said_behind_a_write_leaves_with_it),
        ON_BENCH(one_write_stays_unsent),
        ON_BENCH(the_server_reads_something_else_instead),
        ON_BENCH(other_words_than_those_to_be_replaced_end_the_connection),
        ON_BENCH(a_new_connection_begins_with_nothing_to_say),
        ON_BENCH(a_piece_too_large_to_gather_under_tls_ends_the_connection),
        ON_BENCH(the_last_words_leave_when_the_library_has_closed),
        ON_BENCH(writing_comes_before_reading),
        ON_BENCH(a_time_out_ends_the_connection),
        ON_BENCH(a_connect_is_bounded_in_time),
        ON_BENCH(a_connect_does_not_outlast_the_end_of_all),
        ON_BENCH(a_connection_that_cannot_be_watched_is_not_made),
        ON_BENCH(the_watchdog_ends_a_read),
        ON_BENCH(a_deadline_that_has_passed_bites_at_once),
        ON_BENCH(the_end_of_all_bites_every_socket),
        ON_BENCH(a_reused_descriptor_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
