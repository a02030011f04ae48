#include "mailer/smtpd/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define LINGER_MS 2000 /* to read our last words before a reset could destroy them */
#define TLS_READS_PER_TURN 8

struct connection {
    struct connection_house *house;
    struct channel channel;
    struct session *session;
    enum { TALKING, SHAKING_HANDS, LINGERING } phase;
    uint32_t interest;  /* what epoll is told */
    int64_t idle_at;    /* the client must have done something by then */
    int64_t release_at; /* the round trip of the replies now in the output is over; 0 = not begun */
    int64_t wait_until; /* the held reply is due; 0 = none is held */
    uint64_t progress;  /* of the session, when idle_at was set */
    uint64_t messages;  /* of the session, as already counted */
    struct timer timer; /* never later than what is due, sometimes earlier */
    struct connection *previous, *next;
    char peer[INET6_ADDRSTRLEN];
};

/* What a step of pump() says about going on. */
enum step { GO_ON, PAUSE, ENDED };

static void link_in(struct connection *c)
{
    struct connection_house *h = c->house;

    c->next = h->first;
    if (h->first)
        h->first->previous = c;
    h->first = c;
    h->n++;
}

static void unlink_from(struct connection *c)
{
    struct connection_house *h = c->house;

    if (c->previous)
        c->previous->next = c->next;
    else
        h->first = c->next;
    if (c->next)
        c->next->previous = c->previous;
    h->n--;
}

void connection_end(struct connection *c)
{
    timers_remove(&c->house->timers, &c->timer);
    unlink_from(c);
    channel_close(&c->channel);
    session_close(&c->session);
    free(c);
}

static enum step end(struct connection *c)
{
    connection_end(c);
    return ENDED;
}

/* A timer that fires too early costs one look; so it is moved only when something is due sooner. */
static void wake_by(struct connection *c, int64_t at_ms)
{
    if (c->timer.place == 0 || at_ms < c->timer.at_ms)
        timers_set(&c->house->timers, &c->timer, at_ms);
}

static enum step pause_for(struct connection *c, uint32_t interest, int64_t wake_ms)
{
    if (interest != c->interest) {
        struct epoll_event event = {.events = interest, .data.ptr = c};
        epoll_ctl(c->house->epoll_fd, EPOLL_CTL_MOD, c->channel.fd, &event);
        c->interest = interest;
    }
    wake_by(c, wake_ms);
    return PAUSE;
}

static enum step pause_for_channel(struct connection *c, enum channel_result wanted)
{
    return pause_for(c, wanted == CHANNEL_WANTS_WRITE ? EPOLLOUT : EPOLLIN, c->idle_at);
}

static void restart_idle(struct connection *c)
{
    c->idle_at = c->house->now_ms + c->house->setup->idle_ms;
}

/* The whole output leaves together, one round trip after it was made. */
static enum step flush(struct connection *c)
{
    int64_t round_trip = c->house->setup->reply_delay_ms;

    if (session_out(c->session).n == 0)
        return GO_ON;
    if (c->release_at == 0)
        c->release_at = c->house->now_ms + round_trip;
    if (c->house->now_ms < c->release_at)
        return pause_for(c, 0, c->release_at);
    while (session_out(c->session).n > 0) {
        size_t n = 0;
        enum channel_result r = channel_write(&c->channel, session_out(c->session), &n);
        if (r == CHANNEL_GONE)
            return end(c);
        if (r != CHANNEL_DONE)
            return pause_for_channel(c, r);
        session_sent(c->session, n);
        restart_idle(c);
    }
    c->release_at = 0;
    return GO_ON;
}

static void count_messages(struct connection *c)
{
    uint64_t n = session_messages(c->session);

    if (n != c->messages)
        *c->house->messages += n - c->messages;
    c->messages = n;
    uint64_t progress = session_progress(c->session);
    if (progress != c->progress)
        restart_idle(c);
    c->progress = progress;
}

static enum step wait_for_reply(struct connection *c)
{
    if (c->wait_until == 0)
        c->wait_until = c->house->now_ms + session_wait_ms(c->session);
    if (c->house->now_ms < c->wait_until)
        return pause_for(c, 0, c->wait_until);
    c->wait_until = 0;
    session_resume(c->session);
    count_messages(c);
    return GO_ON;
}

static enum step read_more(struct connection *c, unsigned *reads_left)
{
    size_t n = 0;

    /* Others' turn. What is left is in the kernel, where epoll sees it: our buffer holds more than a TLS record, and
     * OpenSSL reads none ahead. */
    if (*reads_left == 0)
        return pause_for(c, EPOLLIN, c->idle_at);
    --*reads_left;
    enum channel_result r = channel_read(&c->channel, c->house->input, CONNECTION_READ_BYTES, &n);
    if (r == CHANNEL_GONE)
        return end(c);
    if (r != CHANNEL_DONE)
        return pause_for_channel(c, r);
    session_feed(c->session, str_bytes(c->house->input, n));
    count_messages(c);
    return GO_ON;
}

static enum step shake_hands(struct connection *c)
{
    enum channel_result r = channel_handshake(&c->channel);

    if (r == CHANNEL_GONE)
        return end(c);
    if (r != CHANNEL_DONE)
        return pause_for_channel(c, r);
    c->phase = TALKING;
    restart_idle(c);
    session_tls_started(c->session);
    return GO_ON;
}

/* Reads what still comes until the client has closed: unread input would turn our FIN into a
 * reset. */
static enum step linger(struct connection *c)
{
    ssize_t n = recv(c->channel.fd, c->house->input, CONNECTION_READ_BYTES, 0);

    if (n == 0 || (n < 0 && errno != EAGAIN) || c->house->now_ms >= c->idle_at)
        return end(c);
    return pause_for(c, EPOLLIN, c->idle_at);
}

static enum step talk(struct connection *c, unsigned *reads_left)
{
    enum step flushed = flush(c);

    if (flushed != GO_ON)
        return flushed;
    switch (session_state(c->session)) {
    case SESSION_WAIT:
        return wait_for_reply(c);
    case SESSION_TLS:
        channel_start_tls(&c->channel, c->house->tls);
        c->phase = SHAKING_HANDS;
        return GO_ON;
    case SESSION_CLOSE:
        channel_say_goodbye(&c->channel);
        c->phase = LINGERING;
        c->idle_at = c->house->now_ms + LINGER_MS;
        return GO_ON;
    case SESSION_DROP:
        return end(c);
    case SESSION_READ:
        break;
    }
    return read_more(c, reads_left);
}

/* Moves a connection on as far as it goes without waiting and without keeping others waiting. */
static void pump(struct connection *c)
{
    unsigned reads_left = c->channel.ssl ? TLS_READS_PER_TURN : 1;
    enum step step = GO_ON;

    while (step == GO_ON) {
        if (c->phase == SHAKING_HANDS)
            step = shake_hands(c);
        else if (c->phase == LINGERING)
            step = linger(c);
        else
            step = talk(c, &reads_left);
    }
}

void connection_begin(struct connection_house *h, int fd, const char *peer, uint64_t number)
{
    struct connection *c = calloc(1, sizeof *c);
    struct epoll_event event = {.events = 0, .data.ptr = c};
    int yes = 1;

    if (!c)
        err_out_of_memory();
    c->house = h;
    c->channel.fd = fd;
    c->timer.owner = c;
    str_copy(str_of(peer), c->peer, sizeof c->peer);
    c->session = session_open(h->setup, &h->room, c->peer, number);
    link_in(c);
    restart_idle(c);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        connection_end(c);
    else
        pump(c);
}

void connection_event(struct connection *c, uint32_t events)
{
    if ((events & (EPOLLERR | EPOLLHUP)) && !(events & (EPOLLIN | EPOLLOUT)))
        connection_end(c);
    else
        pump(c);
}

static bool is_waiting_for_client(const struct connection *c)
{
    return c->release_at == 0 && c->wait_until == 0 && c->phase == TALKING;
}

void connection_timer(struct connection *c)
{
    int64_t now = c->house->now_ms;

    timers_remove(&c->house->timers, &c->timer);
    bool output_is_stuck = c->release_at > 0 && now >= c->release_at && now >= c->idle_at;
    if (output_is_stuck || (c->phase == SHAKING_HANDS && now >= c->idle_at)) {
        connection_end(c);
        return;
    }
    if (is_waiting_for_client(c) && now >= c->idle_at) {
        session_end(c->session, "4.4.2 Idle for too long, closing");
        restart_idle(c);
    }
    pump(c);
}

void connection_farewell(struct connection *c)
{
    size_t n;

    if (c->phase == TALKING) {
        session_end(c->session, "4.3.2 The service is stopping");
        if (channel_write(&c->channel, session_out(c->session), &n) == CHANNEL_DONE)
            channel_say_goodbye(&c->channel);
    }
    connection_end(c);
}
