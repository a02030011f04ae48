#include "dns/tcp.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define LENGTH_BYTES 2

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static bool wait_for(int fd, short events, int64_t until)
{
    struct pollfd p = {.fd = fd, .events = events};
    for (;;) {
        int64_t left = until - clock_steady_ns();
        if (left <= 0)
            return false;
        int n = poll(&p, 1, (int)((left + 999999) / 1000000));
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

static bool dial(int fd, const struct server *s, int64_t until)
{
    int fault = 0;
    socklen_t n = sizeof fault;
    if (connect(fd, (const struct sockaddr *)&s->address, s->length) == 0)
        return true;
    return errno == EINPROGRESS && wait_for(fd, POLLOUT, until) &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &n) == 0 && fault == 0;
}

static bool send_all(int fd, const uint8_t *p, size_t n, int64_t until)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent > 0) {
            p += sent;
            n -= (size_t)sent;
        } else if ((errno != EAGAIN && errno != EINTR) || !wait_for(fd, POLLOUT, until)) {
            return false;
        }
    }
    return true;
}

static bool receive_all(int fd, void *out, size_t n, int64_t until)
{
    for (size_t have = 0; have < n;) {
        if (!wait_for(fd, POLLIN, until))
            return false;
        ssize_t got = recv(fd, (char *)out + have, n - have, 0);
        if (got > 0)
            have += (size_t)got;
        else if (got == 0 || (errno != EAGAIN && errno != EINTR))
            return false;
    }
    return true;
}

bool tcp_ask(const struct server *s, const struct wire_question *q, int64_t until, struct buf *out)
{
    uint8_t question[LENGTH_BYTES + WIRE_QUESTION_MAX], length[LENGTH_BYTES];
    size_t n = wire_write(q, question + LENGTH_BYTES);
    question[0] = (uint8_t)(n >> 8);
    question[1] = (uint8_t)n;

    AUTO(close_fd)
    int fd = socket(s->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (n == 0 || fd < 0 || !dial(fd, s, until) ||
        !send_all(fd, question, n + LENGTH_BYTES, until) ||
        !receive_all(fd, length, sizeof length, until))
        return false;
    size_t answer_n = (size_t)length[0] << 8 | length[1];
    if (!receive_all(fd, buf_room(out, answer_n), answer_n, until))
        return false;
    out->n = answer_n;
    return true;
}
