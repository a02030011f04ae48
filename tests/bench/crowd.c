#include "tests/bench/crowd.h"

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

#define READ_BYTES 8192
#define ANSWER_WITHIN_MS 30000

struct crowd {
    struct crowd_setup setup;
    int epoll;
    struct crowd_member *members;
    long begun, good, bad;
    int64_t *latencies; /* ns, one per answer */
    int64_t start_ns;
};

_Noreturn void crowd_fail(const char *what, struct str detail)
{
    fprintf(stderr, "load: %s: " STR_FMT "\n", what, STR_ARG(detail));
    exit(2);
}

static _Noreturn void die(const char *what)
{
    crowd_fail(what, str_of(strerror(errno)));
}

void crowd_open(const struct crowd_setup *s, struct crowd **out)
{
    struct crowd *c = calloc(1, sizeof *c);

    if (s->connections < 1 || s->connections > CROWD_MAX || s->total < s->connections) {
        fprintf(stderr, "load: 1 to %d connections, and at least as many requests\n", CROWD_MAX);
        exit(64);
    }
    if (!c)
        die("calloc");
    c->setup = *s;
    c->members = calloc((size_t)s->connections, sizeof *c->members);
    c->latencies = calloc((size_t)s->total, sizeof *c->latencies);
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!c->members || !c->latencies || c->epoll < 0)
        die("open");
    *out = c;
}

static void dial(struct crowd *c, struct crowd_member *m)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)c->setup.port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = m};
    int one = 1;

    m->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (m->fd < 0 || connect(m->fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("connect");
    setsockopt(m->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(m->fd, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, m->fd, &event) != 0)
        die("epoll_ctl");
}

static void watch(struct crowd *c, struct crowd_member *m, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = m};
    epoll_ctl(c->epoll, EPOLL_CTL_MOD, m->fd, &event);
}

static void push(struct crowd *c, struct crowd_member *m)
{
    while (m->sent < m->out.n) {
        ssize_t n = write(m->fd, m->out.p + m->sent, m->out.n - m->sent);
        if (n < 0 && errno == EAGAIN) {
            watch(c, m, EPOLLIN | EPOLLOUT);
            return;
        }
        if (n < 0)
            die("write");
        m->sent += (size_t)n;
    }
    buf_clear(&m->out);
    m->sent = 0;
    watch(c, m, EPOLLIN);
}

static void talk(struct crowd *c, struct crowd_member *m)
{
    size_t before = m->out.n;

    c->setup.talk(c->setup.context, c, m);
    if (m->out.n > before)
        push(c, m);
}

static void pull(struct crowd *c, struct crowd_member *m)
{
    ssize_t n = read(m->fd, buf_room(&m->in, READ_BYTES), READ_BYTES);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0)
        die("read");
    if (n == 0 && c->begun < c->setup.total)
        crowd_fail("the server closed a connection; its last words", buf_str(&m->in));
    if (n == 0) {
        epoll_ctl(c->epoll, EPOLL_CTL_DEL, m->fd, NULL);
        return;
    }
    m->in.n += (size_t)n;
    talk(c, m);
}

bool crowd_begin(struct crowd *c, struct crowd_member *m)
{
    if (c->begun == c->setup.total)
        return false;
    m->began_ns = clock_steady_ns();
    m->number = c->begun++;
    return true;
}

void crowd_end(struct crowd *c, const struct crowd_member *m, bool accepted)
{
    c->latencies[c->good + c->bad] = clock_steady_ns() - m->began_ns;
    *(accepted ? &c->good : &c->bad) += 1;
    if (!accepted && c->bad == 1)
        fprintf(stderr, "load: first refusal: " STR_FMT "\n", STR_ARG(buf_str(&m->in)));
}

void crowd_run(struct crowd *c)
{
    c->start_ns = clock_steady_ns();
    for (int i = 0; i < c->setup.connections; i++) {
        dial(c, &c->members[i]);
        talk(c, &c->members[i]);
    }
    while (c->good + c->bad < c->setup.total) {
        struct epoll_event events[64];
        int n = epoll_wait(c->epoll, events, 64, ANSWER_WITHIN_MS);
        if (n == 0)
            crowd_fail("waiting", STR("no answer for 30 s"));
        for (int i = 0; i < n; i++) {
            if (events[i].events & EPOLLOUT)
                push(c, events[i].data.ptr);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                pull(c, events[i].data.ptr);
        }
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

long crowd_report(struct crowd *c)
{
    double seconds = (double)(clock_steady_ns() - c->start_ns) / 1e9;
    long n = c->good + c->bad;

    qsort(c->latencies, (size_t)n, sizeof *c->latencies, compare);
    printf("{\"accepted\":%ld,\"refused\":%ld,\"seconds\":%.3f,\"per_second\":%.0f,\"median_ms\":%."
           "2f,\"p99_ms\":%.2f}\n",
        c->good, c->bad, seconds, (double)c->good / seconds, (double)c->latencies[n / 2] / 1e6,
        (double)c->latencies[n * 99 / 100] / 1e6);
    return c->bad;
}

void crowd_close(struct crowd **c)
{
    if (!*c)
        return;
    for (int i = 0; i < (*c)->setup.connections; i++) {
        close((*c)->members[i].fd);
        buf_close(&(*c)->members[i].in);
        buf_close(&(*c)->members[i].out);
    }
    close((*c)->epoll);
    free((*c)->members);
    free((*c)->latencies);
    free(*c);
    *c = NULL;
}
