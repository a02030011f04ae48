#include "tests/support/peer.h"

#include "base/clock.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    pthread_t thread;
    int listener, port;
    _Atomic bool stop;
    bool stopped;
    peer_script *script;
    void *context;
    SSL_CTX *tls;
    size_t connections;
    struct buf heard;
    char server_name[256];
};

struct line {
    struct peer *peer;
    int fd;
    SSL *ssl;
    size_t number;
    char in[4096]; /* read, not yet used */
    size_t in_n;
};

static void require(bool good)
{
    if (!good)
        abort();
}

/* ---- bytes ---------------------------------------------------------------------------------------- */

/* False when the peer stops: a script must not keep the test waiting. */
static bool wait_for(struct line *c, short events)
{
    for (;;) {
        struct pollfd one = {.fd = c->fd, .events = events};
        int n = poll(&one, 1, 20);

        if (n > 0)
            return true;
        if (c->peer->stop)
            return false;
    }
}

static bool fill(struct line *c)
{
    ssize_t n;

    if (c->in_n == sizeof c->in)
        return false;
    if ((!c->ssl || SSL_pending(c->ssl) == 0) && !wait_for(c, POLLIN))
        return false;
    n = c->ssl ? SSL_read(c->ssl, c->in + c->in_n, (int)(sizeof c->in - c->in_n))
               : read(c->fd, c->in + c->in_n, sizeof c->in - c->in_n);
    if (n <= 0)
        return false;
    buf_add(&c->peer->heard, str_bytes(c->in + c->in_n, (size_t)n));
    c->in_n += (size_t)n;
    return true;
}

static void use(struct line *c, size_t n)
{
    c->in_n -= n;
    memmove(c->in, c->in + n, c->in_n);
}

/* A client that went away with much unread may keep a write waiting for a minute. */
static bool may_try_again(struct line *c, ssize_t sent)
{
    if (!c->ssl)
        return sent < 0 && errno == EAGAIN && wait_for(c, POLLOUT);
    return SSL_get_error(c->ssl, (int)sent) == SSL_ERROR_WANT_WRITE && !c->peer->stop;
}

void say_bytes(struct line *c, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent =
            c->ssl ? SSL_write(c->ssl, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent <= 0 && may_try_again(c, sent))
            continue;
        if (sent <= 0)
            return;
        p += sent;
        n -= (size_t)sent;
    }
}

void say(struct line *c, const char *text)
{
    say_bytes(c, text, strlen(text));
}

bool hear_line(struct line *c, char *out, size_t size)
{
    size_t end;

    while ((end = str_find_char(str_bytes(c->in, c->in_n), '\n', 0)) == c->in_n) {
        if (!fill(c))
            return false;
    }
    str_copy(str_slice(str_bytes(c->in, end), 0, size - 1), out, size);
    use(c, end + 1);
    return true;
}

bool hear(struct line *c, const char *verb)
{
    char line[1024];

    return hear_line(c, line, sizeof line) && str_starts_nocase(str_of(line), str_of(verb));
}

bool hear_body(struct line *c)
{
    static const char end[] = "\r\n.\r\n";
    size_t matched = 2; /* as if a line had just ended: an empty body is a dot alone */

    for (;;) {
        if (c->in_n == 0 && !fill(c))
            return false;
        for (size_t i = 0; i < c->in_n; i++) {
            if (c->in[i] == end[matched])
                matched++;
            else
                matched = c->in[i] == '\r' ? 1 : 0;
            if (matched == sizeof end - 1) {
                use(c, i + 1);
                return true;
            }
        }
        use(c, c->in_n);
    }
}

/* ---- the rest of the words ------------------------------------------------------------------------- */

void line_forget(struct line *c)
{
    c->in_n = 0;
}

bool hear_bytes(struct line *c)
{
    bool came = c->in_n > 0 || fill(c);

    line_forget(c);
    return came;
}

size_t line_number(const struct line *c)
{
    return c->number;
}

bool take_tls(struct line *c)
{
    const struct timeval brief = {.tv_usec = 20000};

    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &brief, sizeof brief);
    c->ssl = SSL_new(c->peer->tls);
    require(c->ssl && SSL_set_fd(c->ssl, c->fd));
    if (SSL_accept(c->ssl) <= 0) {
        SSL_free(c->ssl);
        c->ssl = NULL;
        return false;
    }
    const char *name = SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
    str_copy(str_of(name), c->peer->server_name, sizeof c->peer->server_name);
    return true;
}

void stall_for(struct line *c, int64_t ms)
{
    int64_t end = clock_steady_ns() + ms * 1000000;

    while (!c->peer->stop && clock_steady_ns() < end) {
        struct pollfd one = {.fd = c->fd, .events = POLLRDHUP};

        if (poll(&one, 1, ms < 20 ? (int)ms : 20) > 0)
            return;
    }
}

void stall(struct line *c)
{
    stall_for(c, INT32_MAX);
}

void reset(struct line *c)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(c->fd);
    c->fd = -1;
}

bool greet(struct line *c, const char *const *keywords)
{
    say(c, "220 mx.test ready\r\n");
    if (!hear(c, "EHLO "))
        return false;
    say(c, "250-mx.test\r\n");
    for (; keywords && *keywords; keywords++) {
        say(c, "250-");
        say(c, *keywords);
        say(c, "\r\n");
    }
    say(c, "250 PIPELINING\r\n");
    return true;
}

bool take_starttls(struct line *c)
{
    if (!hear(c, "STARTTLS"))
        return false;
    say(c, "220 go\r\n");
    return take_tls(c) && hear(c, "EHLO ");
}

void say_behind_blanks(struct line *c, const char *word)
{
    char blanks[200];

    memset(blanks, ' ', sizeof blanks - 1);
    blanks[sizeof blanks - 1] = 0;
    say(c, blanks);
    say(c, word);
    say(c, "\r\n");
}

bool take_envelope(struct line *c)
{
    if (!hear(c, "MAIL FROM:"))
        return false;
    say(c, "250 2.1.0 ok\r\n");
    if (!hear(c, "RCPT TO:"))
        return false;
    say(c, "250 2.1.5 ok\r\n");
    if (!hear(c, "DATA"))
        return false;
    say(c, "354 go on\r\n");
    return true;
}

bool take_mail(struct line *c)
{
    if (!take_envelope(c) || !hear_body(c))
        return false;
    say(c, "250 2.0.0 taken\r\n");
    return true;
}

/* ---- the server ------------------------------------------------------------------------------------ */

static void play(struct peer *p, int fd)
{
    struct line c = {.peer = p, .fd = fd, .number = p->connections++};
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    p->script(&c, p->context);
    if (c.ssl)
        SSL_free(c.ssl);
    if (c.fd >= 0)
        close(c.fd);
}

static void *run(void *arg)
{
    struct peer *p = arg;

    while (!p->stop) {
        struct pollfd one = {.fd = p->listener, .events = POLLIN};

        if (poll(&one, 1, 20) <= 0)
            continue;
        int fd = accept(p->listener, NULL, NULL);
        if (fd >= 0)
            play(p, fd);
    }
    return NULL;
}

struct peer *peer_open_at(
    const char *address, int port, peer_script *script, void *context, SSL_CTX *tls)
{
    struct peer *p = calloc(1, sizeof *p);
    struct sockaddr_in at = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = inet_addr(address)};
    socklen_t size = sizeof at;

    require(p);
    p->script = script;
    p->context = context;
    p->tls = tls;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(p->listener >= 0 && bind(p->listener, (struct sockaddr *)&at, size) == 0);
    require(listen(p->listener, 16) == 0);
    require(getsockname(p->listener, (struct sockaddr *)&at, &size) == 0);
    p->port = ntohs(at.sin_port);
    require(pthread_create(&p->thread, NULL, run, p) == 0);
    return p;
}

struct peer *peer_open(peer_script *script, void *context, SSL_CTX *tls)
{
    return peer_open_at("127.0.0.1", 0, script, context, tls);
}

int peer_port(const struct peer *p)
{
    return p->port;
}

void peer_stop(struct peer *p)
{
    if (p->stopped)
        return;
    p->stop = true;
    pthread_join(p->thread, NULL);
    p->stopped = true;
}

void peer_close(struct peer **pp)
{
    struct peer *p = *pp;

    if (!p)
        return;
    peer_stop(p);
    close(p->listener);
    buf_close(&p->heard);
    free(p);
    *pp = NULL;
}

size_t peer_connections(const struct peer *p)
{
    return p->connections;
}

struct str peer_heard(const struct peer *p)
{
    return buf_str(&p->heard);
}

const char *peer_server_name(const struct peer *p)
{
    return p->server_name;
}
