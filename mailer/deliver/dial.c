/* glibc's fortified headers would define poll as an inline function of their own. */
#undef _FORTIFY_SOURCE
#include "base/clock.h"
#include "mailer/deliver/dial_inside.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define NS_PER_MS INT64_C(1000000)

/* A pointer only: large thread-local objects are carved out of every thread's stack. */
static _Thread_local struct dial *current;

/* ---- the next definitions ------------------------------------------------------------------------------- */

/* Set once to the same value by whoever comes first; before main only this thread exists. */
static struct dial_next next_table;
static _Atomic bool next_is_known;

static void *find(const char *name)
{
    void *p = dlsym(RTLD_NEXT, name);

    if (!p)
        abort(); /* libc without it: nothing could work */
    return p;
}

static void find_next(void)
{
    struct dial_next n;

    /* POSIX grants the conversion from dlsym's object pointer; ISO C has no words for it. */
    *(void **)&n.getaddrinfo = find("getaddrinfo");
    *(void **)&n.freeaddrinfo = find("freeaddrinfo");
    *(void **)&n.connect = find("connect");
    *(void **)&n.poll = find("poll");
    *(void **)&n.write = find("write");
    *(void **)&n.SSL_write = find("SSL_write");
    next_table = n;
    atomic_store_explicit(&next_is_known, true, memory_order_release);
}

/* Early, so that a signal handler's write never has to look anything up. */
__attribute__((constructor)) static void find_next_early(void)
{
    find_next();
}

const struct dial_next *dial_next(void)
{
    if (!atomic_load_explicit(&next_is_known, memory_order_acquire))
        find_next(); /* another library's constructor came before ours */
    return &next_table;
}

/* ---- waiting -------------------------------------------------------------------------------------------- */

/* The library's time-out, at most ours. */
static int bounded(const struct dial *d, int timeout)
{
    int64_t ours = d->to.transfer_timeout_ms;

    return timeout < 0 || timeout > ours ? (int)ours : timeout;
}

static bool await_room(struct dial *d, int timeout)
{
    struct pollfd one = {.fd = d->fd, .events = POLLOUT};
    int n = dial_next()->poll(&one, 1, timeout);

    if (n == 0) {
        d->timed_out = true;
        dial_give_up(d);
    }
    return n > 0 || (n < 0 && errno == EINTR);
}

/* Sends everything written, waiting where the socket is full. False: the connection has ended. */
static bool send_all(struct dial *d, int timeout)
{
    for (;;) {
        bool sealed = dial_seal(d);
        bool some = d->out_n > 0;
        bool sent = dial_send_gathered(d, d->fd);

        if (sealed && sent)
            return true;
        if (!sealed && !some)
            dial_give_up(d); /* TLS has failed, not the socket's room */
        if (d->broken || (!sent && (errno != EAGAIN || !await_room(d, timeout))))
            return false;
    }
}

/* Both directions ready: hide the reading one. TLS 1.3 session tickets, which arrive before the library has
 * sent its EHLO, would otherwise make it wait for a reply to nothing. */
static int write_first(struct pollfd *fds, nfds_t n, int ready)
{
    if (n == 2 && fds[1].revents & POLLOUT && fds[0].revents != 0) {
        fds[0].revents = 0;
        return ready - 1;
    }
    return ready;
}

/* The library asks before each piece whether it may write. It writes to us, so mostly we know without the kernel. */
static bool has_room(const struct dial *d, const struct pollfd *fds, nfds_t n)
{
    return (fds[n - 1].events & POLLOUT) && !d->broken &&
           DIAL_OUT_SIZE - d->out_n >= DIAL_PIECE_SIZE;
}

static int poll_dialled(struct dial *d, struct pollfd *fds, nfds_t n, int timeout)
{
    bool reads = fds[0].events & POLLIN;

    if (has_room(d, fds, n)) {
        fds[0].revents = 0;
        fds[n - 1].revents = POLLOUT;
        return 1;
    }
    /* The library glances between RCPT and DATA whether an answer is there; it asks again when it has to wait. */
    if (timeout == 0)
        return 0;
    timeout = bounded(d, timeout);
    if (reads)                /* nothing that is heard answers what has not left */
        send_all(d, timeout); /* on failure the socket is shut down, and the poll below says so */
    int ready = dial_next()->poll(fds, n, timeout);
    if (ready == 0) {
        /* A late reply would be taken for another command's, and after a write that timed out the library
         * would go on behind a hole. */
        d->timed_out = true;
        dial_give_up(d);
    }
    return write_first(fds, n, ready);
}

/* ---- connecting ----------------------------------------------------------------------------------------- */

static socklen_t socket_address(const struct ip *ip, int port, struct sockaddr_storage *out)
{
    *out = (struct sockaddr_storage){0};
    if (ip->family == 6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        memcpy(&v6->sin6_addr, ip->b, 16);
        return sizeof *v6;
    }
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
    memcpy(&v4->sin_addr, ip->b, 4);
    return sizeof *v4;
}

static bool set_up_socket(struct dial *d, int fd)
{
    int on = 1;
    unsigned patience = (unsigned)(d->to.transfer_timeout_ms * 3 / 4);

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
    if (d->to.source.family == d->to.address.family) {
        struct sockaddr_storage source;
        socklen_t size = socket_address(&d->to.source, 0, &source);

        if (bind(fd, (struct sockaddr *)&source, size) < 0)
            return false;
    }
    return true;
}

static int await_connection(struct dial *d, int fd)
{
    int64_t end = clock_steady_ns() + d->to.connect_timeout_ms * NS_PER_MS;

    for (;;) {
        struct pollfd one = {.fd = fd, .events = POLLOUT};
        int64_t left = (end - clock_steady_ns()) / NS_PER_MS;
        int n = dial_next()->poll(&one, 1, left > 0 ? (int)left : 0);
        int why = 0;
        socklen_t size = sizeof why;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? ETIMEDOUT : errno;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) < 0)
            return errno;
        if (why == 0 && watch_has_bitten(d->watch))
            return ETIMEDOUT;
        return why == 0 && !(one.revents & POLLOUT) ? ECONNABORTED : why;
    }
}

/* 0 or the errno. */
static int connect_bounded(struct dial *d, int fd)
{
    if (!set_up_socket(d, fd) || !watch_descriptor(d->watch, fd) ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        return errno;
    if (dial_next()->connect(fd, d->info.ai_addr, d->info.ai_addrlen) < 0 && errno != EINPROGRESS)
        return errno;
    return await_connection(d, fd);
}

static int connect_dialled(struct dial *d, int fd)
{
    int why = connect_bounded(d, fd);

    d->connect_errno = why;
    if (why != 0) {
        watch_forget(d->watch);
        errno = why;
        return -1;
    }
    d->fd = fd;
    d->connected = true;
    return 0;
}

/* ---- the seam ------------------------------------------------------------------------------------------- */

#define SEAM __attribute__((visibility("default"), used))

SEAM int getaddrinfo(
    const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    if (!current || !current->armed)
        return dial_next()->getaddrinfo(node, service, hints, out);
    current->armed = false;
    *out = &current->info;
    return 0;
}

SEAM void freeaddrinfo(struct addrinfo *a)
{
    if (!current || a != &current->info)
        dial_next()->freeaddrinfo(a);
}

SEAM int connect(int fd, const struct sockaddr *to, socklen_t size)
{
    if (!current || to != current->info.ai_addr)
        return dial_next()->connect(fd, to, size);
    return connect_dialled(current, fd);
}

/* glibc declares the array as written only, so that looking at it seems to be a mistake. */
#ifndef __clang__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
SEAM int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    if (!current || n == 0 || current->fd < 0 || fds[0].fd != current->fd)
        return dial_next()->poll(fds, n, timeout);
    return poll_dialled(current, fds, n, timeout);
}
#ifndef __clang__
#pragma GCC diagnostic pop
#endif

SEAM ssize_t write(int fd, const void *p, size_t n)
{
    if (!current || fd < 0 || fd != current->fd)
        return dial_next()->write(fd, p, n);
    return dial_write(current, p, n);
}

SEAM int SSL_write(SSL *ssl, const void *p, int n)
{
    if (!current || !current->ssl || ssl != current->ssl)
        return dial_next()->SSL_write(ssl, p, n);
    return dial_write_under_tls(current, p, n);
}

/* Found by the dynamic linker first? Then the library finds them too. */
bool dial_is_in_force(void)
{
    return dlsym(RTLD_DEFAULT, "getaddrinfo") == (void *)getaddrinfo &&
           dlsym(RTLD_DEFAULT, "freeaddrinfo") == (void *)freeaddrinfo &&
           dlsym(RTLD_DEFAULT, "connect") == (void *)connect &&
           dlsym(RTLD_DEFAULT, "poll") == (void *)poll &&
           dlsym(RTLD_DEFAULT, "write") == (void *)write &&
           dlsym(RTLD_DEFAULT, "SSL_write") == (void *)SSL_write;
}

/* ---- one connection after the other --------------------------------------------------------------------- */

struct dial *dial_open(struct watch *watch)
{
    struct dial *d = calloc(1, sizeof *d);

    if (!d)
        err_out_of_memory();
    d->watch = watch;
    d->fd = -1;
    return d;
}

void dial_close(struct dial **d)
{
    if (!*d)
        return;
    dial_forget_gathered(*d);
    free(*d);
    *d = NULL;
}

void dial_begin(struct dial *d, const struct dial_to *to)
{
    d->to = *to;
    d->info = (struct addrinfo){
        .ai_family = to->address.family == 6 ? AF_INET6 : AF_INET,
        .ai_socktype = SOCK_STREAM,
        .ai_protocol = IPPROTO_TCP,
        .ai_addrlen = socket_address(&to->address, to->port, &d->address),
        .ai_addr = (struct sockaddr *)&d->address,
        .ai_canonname =
            NULL, /* a name here is what the library would compare with the certificate */
    };
    d->armed = true;
    d->fd = -1;
    d->ssl = NULL;
    d->behind = STR("");
    d->silent = false;
    d->instead = d->piece = STR("");
    d->connected = d->timed_out = d->broken = d->lost = false;
    d->connect_errno = 0;
    dial_forget_gathered(d);
    current = d;
}

void dial_left(struct dial *d)
{
    int fd = watch_socket(d->watch);

    d->fd = -1;
    d->ssl = NULL;
    if (fd >= 0 && !d->broken)
        dial_send_gathered(d, fd); /* TLS's good-bye, which nobody waits for */
    dial_forget_gathered(d);
}

void dial_end(struct dial *d)
{
    dial_left(d);
    watch_forget(d->watch);
    current = NULL;
}

void dial_under_tls(struct dial *d, SSL *ssl)
{
    d->ssl = ssl;
}

void dial_say_behind(struct dial *d, struct str bytes)
{
    d->behind = bytes;
}

void dial_keep_silent(struct dial *d)
{
    d->silent = true;
}

void dial_say_instead(struct dial *d, struct str words, dial_speak *speak, void *context)
{
    d->instead = words;
    d->speak = speak;
    d->speaker = context;
    d->piece = STR("");
}

void dial_abort(struct dial *d)
{
    dial_give_up(d);
}

bool dial_has_connected(const struct dial *d)
{
    return d->connected;
}

int dial_connect_errno(const struct dial *d)
{
    return d->connect_errno;
}

bool dial_has_timed_out(const struct dial *d)
{
    return d->timed_out;
}

bool dial_holds_words(const struct dial *d)
{
    return d->lost || d->out_from < d->out_n || d->words_n > 0;
}

bool dial_has_input(const struct dial *d)
{
    int n = 0;

    return d->fd >= 0 && ioctl(d->fd, FIONREAD, &n) == 0 && n > 0;
}

const char *dial_current_host(void)
{
    return current ? current->to.host : "";
}
