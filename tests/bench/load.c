/* load -- posts send requests over N keep-alive connections as fast as they are answered.
 *
 *     load PORT KEY CONNECTIONS COUNT FILE
 *
 * Each "@@" in FILE becomes the request's number, so that recipients differ; each "##" the number modulo DOMAINS, so
 * that they share domains. One thread, epoll. Prints one JSON line: how many were answered 202, how many otherwise,
 * the seconds, and latencies. Exit 1 when any was not 202. */
#include "base/buf.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 1024
#define MAX_ANSWER 8192
#define DOMAINS 50
#define MAX_PIECES 32

struct client {
    int fd;
    struct buf request;
    size_t sent;
    char answer[MAX_ANSWER];
    size_t n;
    int64_t began_ns;
};

struct piece {
    struct str text;
    char mark; /* behind the text: '@', '#', or 0 at the end */
};

struct load {
    int epoll, port;
    const char *key;
    struct buf body;
    struct piece pieces[MAX_PIECES];
    size_t pieces_n;
    long total, begun, good, bad;
    int64_t *latencies; /* ns, one per answer */
};

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void dial(struct load *l, struct client *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)l->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die("epoll_ctl");
}

/* Cuts the body at its marks, once: a request is then a few copies. */
static void cut_body(struct load *l)
{
    struct str body = buf_str(&l->body);
    for (size_t from = 0, at = 0; from < body.n; from = at += 2) {
        while (at < body.n && !(at + 1 < body.n && (body.p[at] == '@' || body.p[at] == '#') &&
                                  body.p[at + 1] == body.p[at]))
            at++;
        if (l->pieces_n == MAX_PIECES)
            die("too many marks");
        l->pieces[l->pieces_n++] =
            (struct piece){str_slice(body, from, at), at < body.n ? body.p[at] : 0};
    }
}

static void write_body(struct load *l, struct buf *out)
{
    for (size_t i = 0; i < l->pieces_n; i++) {
        buf_add(out, l->pieces[i].text);
        if (l->pieces[i].mark)
            buf_add_i64(out, l->pieces[i].mark == '@' ? l->begun : l->begun % DOMAINS);
    }
}

static void next_request(struct load *l, struct client *c)
{
    AUTO(buf_close) struct buf body = {0};
    write_body(l, &body);
    buf_clear(&c->request);
    buf_addf(&c->request,
        "POST /v1/messages HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nContent-Type: "
        "application/json\r\n"
        "Idempotency-Key: bench-%d-%ld\r\nContent-Length: %zu\r\n\r\n",
        l->key, (int)getpid(), l->begun, body.n);
    buf_add(&c->request, buf_str(&body));
    l->begun++;
    c->sent = c->n = 0;
    c->began_ns = clock_steady_ns();
}

static void watch(struct load *l, struct client *c, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &event);
}

static void push(struct load *l, struct client *c)
{
    while (c->sent < c->request.n) {
        ssize_t n = write(c->fd, c->request.p + c->sent, c->request.n - c->sent);
        if (n < 0 && errno == EAGAIN) {
            watch(l, c, EPOLLIN | EPOLLOUT);
            return;
        }
        if (n < 0)
            die("write");
        c->sent += (size_t)n;
    }
    watch(l, c, EPOLLIN);
}

/* True when the whole answer (head and Content-Length bytes) stands in the buffer. */
static bool answer_is_whole(const struct client *c)
{
    struct str all = str_bytes(c->answer, c->n);
    size_t end = str_find(all, STR("\r\n\r\n"), 0);
    if (end == all.n)
        return false;
    struct str rest = str_slice(all, 0, end), line;
    uint64_t length = 0;
    while (str_next(&rest, '\n', &line))
        if (str_starts_nocase(line, STR("content-length:")))
            str_to_u64(str_trim(str_slice(line, 15, line.n)), &length);
    return all.n >= end + 4 + length;
}

static void pull(struct load *l, struct client *c)
{
    ssize_t n = read(c->fd, c->answer + c->n, sizeof c->answer - c->n);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        errno = n == 0 ? ECONNRESET : errno;
        die("read");
    }
    c->n += (size_t)n;
    if (!answer_is_whole(c))
        return;
    l->latencies[l->good + l->bad] = clock_steady_ns() - c->began_ns;
    bool accepted = str_starts(str_bytes(c->answer, c->n), STR("HTTP/1.1 202"));
    *(accepted ? &l->good : &l->bad) += 1;
    if (!accepted && l->bad == 1)
        fprintf(stderr, "load: first refusal: %.*s\n", (int)c->n, c->answer);
    if (l->begun < l->total) {
        next_request(l, c);
        push(l, c);
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void report(struct load *l, double seconds)
{
    long n = l->good + l->bad;
    qsort(l->latencies, (size_t)n, sizeof *l->latencies, compare);
    printf("{\"accepted\":%ld,\"refused\":%ld,\"seconds\":%.3f,\"per_second\":%.0f,\"median_ms\":%."
           "2f,\"p99_ms\":%.2f}\n",
        l->good, l->bad, seconds, (double)l->good / seconds, (double)l->latencies[n / 2] / 1e6,
        (double)l->latencies[n * 99 / 100] / 1e6);
}

static void read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "re");
    if (!f)
        die(path);
    while (!feof(f) && !ferror(f))
        out->n += fread(buf_room(out, 65536), 1, 65536, f);
    fclose(f);
}

static void run(struct load *l, struct client *clients, int connections)
{
    for (int i = 0; i < connections; i++) {
        dial(l, &clients[i]);
        next_request(l, &clients[i]);
        push(l, &clients[i]);
    }
    while (l->good + l->bad < l->total) {
        struct epoll_event events[64];
        int n = epoll_wait(l->epoll, events, 64, 30000);
        if (n == 0) {
            errno = ETIMEDOUT;
            die("no answer for 30 s");
        }
        for (int i = 0; i < n; i++) {
            if (events[i].events & EPOLLOUT)
                push(l, events[i].data.ptr);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                pull(l, events[i].data.ptr);
        }
    }
}

int main(int argc, char **argv)
{
    static struct client clients[MAX_CONNECTIONS];
    struct load l = {0};
    if (argc != 6) {
        fputs("usage: load PORT KEY CONNECTIONS COUNT FILE\n", stderr);
        return 64;
    }
    int connections = atoi(argv[3]);
    l.port = atoi(argv[1]);
    l.key = argv[2];
    l.total = atol(argv[4]);
    read_file(argv[5], &l.body);
    cut_body(&l);
    if (connections < 1 || connections > MAX_CONNECTIONS || l.total < connections)
        return fputs("load: 1 to 1024 connections, and at least as many requests\n", stderr), 64;
    l.latencies = calloc((size_t)l.total, sizeof *l.latencies);
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    int64_t start = clock_steady_ns();
    run(&l, clients, connections);
    report(&l, (double)(clock_steady_ns() - start) / 1e9);
    return l.bad > 0;
}
