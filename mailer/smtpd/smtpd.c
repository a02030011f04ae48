#include "mailer/smtpd/smtpd.h"

#include "base/clock.h"
#include "mailer/smtpd/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_PER_TURN 64
#define ACCEPTS_PER_TURN 64
#define BACKLOG 511
#define ACCEPT_PAUSE_MS 100 /* when descriptors have run out */

struct smtpd {
    struct smtpd_setup setup;
    char *hostname, *certificate_file; /* the setup's, copied */
    struct connection_house house;     /* the thread's own */
    struct timer accept_again;         /* set while the listener is left alone */
    int listen_fd, stop_fd;
    int port;
    pthread_t thread;
    bool runs;
    _Atomic bool stopping;
    _Atomic uint64_t messages, connections;
};

struct peer_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    };
    socklen_t n;
};

static bool parse_address(const char *text, int port, struct peer_address *out, struct err *e)
{
    *out = (struct peer_address){0};
    if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons((uint16_t)port);
        out->n = sizeof out->v4;
    } else if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons((uint16_t)port);
        out->n = sizeof out->v6;
    } else {
        return err_set(e, ERR_INPUT, "\"%s\" is no IP address", text);
    }
    return true;
}

static int port_of(const struct peer_address *a)
{
    return ntohs(a->any.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port);
}

static void print_address(const struct peer_address *a, char out[INET6_ADDRSTRLEN])
{
    const void *bytes = a->any.sa_family == AF_INET ? (const void *)&a->v4.sin_addr
                                                    : (const void *)&a->v6.sin6_addr;

    if (!inet_ntop(a->any.sa_family, bytes, out, INET6_ADDRSTRLEN))
        out[0] = 0;
}

static bool start_listening(struct smtpd *s, struct err *e)
{
    const char *address = s->setup.address && s->setup.address[0] ? s->setup.address : "127.0.0.1";
    struct peer_address a;
    int yes = 1;

    if (!parse_address(address, s->setup.port, &a, e))
        return false;
    s->listen_fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->listen_fd < 0)
        return err_system(e, "socket");
    setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(s->listen_fd, &a.any, a.n) != 0 || listen(s->listen_fd, BACKLOG) != 0)
        return err_system(e, "SMTP server on %s port %d", address, s->setup.port);
    if (getsockname(s->listen_fd, &a.any, &a.n) != 0)
        return err_system(e, "getsockname");
    s->port = port_of(&a);
    return true;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void refuse(int fd)
{
    static const char busy[] = "421 4.3.2 Too many connections, try again later\r\n";

    if (send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL) > 0)
        shutdown(fd, SHUT_WR);
    close(fd);
}

static void watch_listener(struct smtpd *s, bool on)
{
    struct epoll_event event = {.events = on ? EPOLLIN : 0, .data.ptr = s};

    epoll_ctl(s->house.epoll_fd, EPOLL_CTL_MOD, s->listen_fd, &event);
}

/* Out of descriptors or memory: a listener that stays ready would spin. */
static void pause_accepting(struct smtpd *s)
{
    watch_listener(s, false);
    timers_set(&s->house.timers, &s->accept_again, s->house.now_ms + ACCEPT_PAUSE_MS);
}

static void accept_some(struct smtpd *s)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct peer_address peer = {.n = sizeof peer.room};
        char text[INET6_ADDRSTRLEN];
        int fd = accept4(s->listen_fd, &peer.any, &peer.n, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_accepting(s);
            return;
        }
        if (s->house.n >= s->setup.max_connections) {
            refuse(fd);
            continue;
        }
        print_address(&peer, text);
        connection_begin(&s->house, fd, text, ++s->connections);
    }
}

static void run_timers(struct smtpd *s)
{
    struct timer *t;

    while ((t = timers_first(&s->house.timers)) && t->at_ms <= s->house.now_ms) {
        if (t != &s->accept_again) {
            connection_timer(t->owner);
            continue;
        }
        timers_remove(&s->house.timers, t);
        watch_listener(s, true);
    }
}

static int span_to_first_timer(const struct smtpd *s)
{
    const struct timer *t = timers_first(&s->house.timers);

    if (!t)
        return -1;
    int64_t span = t->at_ms - clock_steady_ns() / 1000000;
    return span < 0 ? 0 : span > 60000 ? 60000 : (int)span + 1;
}

static void *run(void *argument)
{
    struct smtpd *s = argument;
    struct epoll_event events[EVENTS_PER_TURN];

    while (!s->stopping) {
        int n = epoll_wait(s->house.epoll_fd, events, EVENTS_PER_TURN, span_to_first_timer(s));
        s->house.now_ms = clock_steady_ns() / 1000000;
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == s)
                accept_some(s);
            else if (events[i].data.ptr) /* NULL is the stop descriptor */
                connection_event(events[i].data.ptr, events[i].events);
        }
        run_timers(s);
    }
    while (s->house.first)
        connection_farewell(s->house.first);
    return NULL;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static bool watch(struct smtpd *s, int fd, void *tag, struct err *e)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};

    return epoll_ctl(s->house.epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ||
           err_system(e, "epoll_ctl");
}

static bool prepare(struct smtpd *s, struct err *e)
{
    s->house.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->house.epoll_fd < 0 || s->stop_fd < 0)
        return err_system(e, "epoll");
    s->house.input = malloc(CONNECTION_READ_BYTES);
    if (!s->house.input)
        err_out_of_memory();
    s->house.now_ms = clock_steady_ns() / 1000000;
    return start_listening(s, e) && watch(s, s->stop_fd, NULL, e) && watch(s, s->listen_fd, s, e);
}

/* Signals are for others' threads, and SIGPIPE for nobody: OpenSSL writes without MSG_NOSIGNAL. */
static bool start_thread(struct smtpd *s, struct err *e)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    errno = pthread_create(&s->thread, NULL, run, s);
    s->runs = errno == 0;
    bool started = s->runs || err_system(e, "SMTP server's thread");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static bool load_tls(struct smtpd *s, struct err *e)
{
    const struct smtpd_setup *o = &s->setup;

    if (o->auth_required && !o->handler.auth)
        return err_set(e, ERR_INPUT, "required authentication needs an auth handler");
    if (o->certificate_file && o->certificate_file[0])
        return channel_tls_open(
            o->certificate_file, o->key_file ? o->key_file : "", &s->house.tls, e);
    if (o->auth_required)
        return err_set(e, ERR_INPUT, "required authentication needs a TLS certificate");
    return true;
}

/* What is needed after opening is copied: the caller's texts may go. */
static void copy_setup(struct smtpd *s, const struct smtpd_setup *setup)
{
    s->setup = *setup;
    session_defaults(&s->setup);
    s->hostname = strdup(s->setup.hostname);
    s->certificate_file = strdup(setup->certificate_file ? setup->certificate_file : "");
    if (!s->hostname || !s->certificate_file)
        err_out_of_memory();
    s->setup.hostname = s->hostname;
    s->setup.certificate_file = s->certificate_file;
}

bool smtpd_open(const struct smtpd_setup *setup, struct smtpd **out, struct err *e)
{
    struct smtpd *s = calloc(1, sizeof *s);

    if (!s)
        err_out_of_memory();
    copy_setup(s, setup);
    s->listen_fd = s->stop_fd = s->house.epoll_fd = -1;
    s->house.setup = &s->setup;
    s->house.messages = &s->messages;
    s->house.room.most = s->setup.max_held_bytes;
    if (!load_tls(s, e) || !prepare(s, e) || !start_thread(s, e)) {
        smtpd_close(&s);
        return false;
    }
    *out = s;
    return true;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void smtpd_close(struct smtpd **s)
{
    if (!*s)
        return;
    struct smtpd *it = *s;
    if (it->runs) {
        it->stopping = true;
        eventfd_write(it->stop_fd, 1);
        pthread_join(it->thread, NULL);
    }
    close_fd(it->listen_fd);
    close_fd(it->stop_fd);
    close_fd(it->house.epoll_fd);
    channel_tls_close(&it->house.tls);
    timers_close(&it->house.timers);
    free(it->house.input);
    free(it->hostname);
    free(it->certificate_file);
    free(it);
    *s = NULL;
}

int smtpd_port(const struct smtpd *s)
{
    return s->port;
}

uint64_t smtpd_messages(const struct smtpd *s)
{
    return s->messages;
}

uint64_t smtpd_connections(const struct smtpd *s)
{
    return s->connections;
}
