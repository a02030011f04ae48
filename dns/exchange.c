#include "dns/exchange.h"

#include "base/clock.h"
#include "base/hash.h"
#include "dns/tcp.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define ROUNDS 2
#define MAX_TRIES (DNS_MAX_SERVERS * (ROUNDS + 2)) /* and one without EDNS, one in any case */
#define FAIR_SHARE_NS (25 * 1000000)               /* silence for less says nothing of a server */
#define DATAGRAM_MAX 4096 /* above what we announce: some servers do not care */

/* Worse ones later: what is known of a server decides the status when nobody answers. */
enum fate { SILENT, UNREACHABLE, GARBLED, UNWILLING, UNABLE };

struct probe {
    int fd;
    size_t server;
    struct wire_question question;
};

struct race {
    const struct exchange *x;
    const struct exchange_question *question;
    struct arena *arena;
    struct probe tries[MAX_TRIES];
    size_t n;
    struct {
        enum fate fate;
        bool waited_out; /* had its share of the time              */
        bool bare;       /* trips over EDNS                                     */
        bool any_case;   /* folds the case, as far as can be told               */
        unsigned seen;   /* see server_turn                                     */
    } known[DNS_MAX_SERVERS];
    struct exchange_reply reply;
    size_t winner;
    int64_t share_ns; /* of the time, for a server in the first round */
};

static void race_close(struct race *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->tries[i].fd >= 0)
            close(r->tries[i].fd);
}

static enum wire_kind read_reply(struct race *r, const struct probe *t, struct str bytes)
{
    enum wire_kind kind = wire_read(&t->question, bytes, r->arena, &r->reply.answer);
    if (kind != WIRE_ANSWER)
        return kind;
    r->winner = t->server;
    r->reply.from_loopback = r->x->servers->all[t->server].loopback;
    if (r->question->dnssec)
        r->reply.packet = arena_str(r->arena, bytes);
    return kind;
}

static void begin_try(struct race *r, size_t server)
{
    if (r->n == MAX_TRIES)
        return;
    struct probe *t = &r->tries[r->n];
    const struct server *s = &r->x->servers->all[server];
    uint8_t bytes[WIRE_QUESTION_MAX];

    *t = (struct probe){.server = server,
        .question = {
            .name = r->question->name,
            .type = r->question->type,
            .edns = !r->known[server].bare,
            .dnssec = r->question->dnssec,
            .direct = r->x->direct,
            .any_case = r->known[server].any_case,
        }};
    hash_random(&t->question.id, sizeof t->question.id);
    hash_random(t->question.mix, sizeof t->question.mix);
    size_t n = wire_write(&t->question, bytes);
    t->fd = socket(s->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (t->fd < 0) {
        r->known[server].fate = UNREACHABLE;
        return;
    }
    r->n++;
    if (n == 0 || connect(t->fd, (const struct sockaddr *)&s->address, s->length) != 0 ||
        send(t->fd, bytes, n, 0) != (ssize_t)n)
        r->known[server].fate = UNREACHABLE;
}

/* TCP may take one part in `parts` of the time that is left. */
static void over_tcp(struct race *r, const struct probe *t, int64_t parts)
{
    int64_t now = clock_steady_ns();
    int64_t until = now + (r->x->deadline_steady_ns - now) / parts;
    struct probe safe = *t;
    AUTO(buf_close) struct buf reply = {0};

    safe.question.any_case = true; /* whoever could forge this need not guess */
    r->known[t->server].fate = UNREACHABLE;
    if (!tcp_ask(&r->x->servers->all[t->server], &safe.question, until, &reply))
        return;
    enum wire_kind kind = read_reply(r, &safe, buf_str(&reply));
    if (kind != WIRE_ANSWER)
        r->known[t->server].fate =
            kind == WIRE_SERVFAIL || (kind == WIRE_NO_EDNS && t->question.dnssec) ? UNABLE
            : kind == WIRE_REFUSED || kind == WIRE_NO_EDNS                        ? UNWILLING
                                                                                  : GARBLED;
}

static void over_tcp_for_its_case(struct race *r, const struct probe *t)
{
    if (r->known[t->server].any_case) /* a second one like it */
        return;
    over_tcp(r, t, 4);
    if (r->reply.answer || r->known[t->server].fate != UNREACHABLE)
        return;
    r->known[t->server].fate = SILENT;
    r->known[t->server].any_case = true;
    begin_try(r, t->server);
}

static void without_edns(struct race *r, const struct probe *t)
{
    if (t->question.dnssec) { /* which needs EDNS: it cannot say, and may well answer others */
        r->known[t->server].fate = UNABLE;
    } else if (!t->question.edns) {
        r->known[t->server].fate = UNWILLING;
    } else if (!r->known[t->server].bare) {
        r->known[t->server].bare = true;
        begin_try(r, t->server);
    }
}

static void take_datagram(struct race *r, const struct probe *t, struct str bytes)
{
    const struct probe own = *t; /* begin_try may use the table */
    switch (read_reply(r, &own, bytes)) {
    case WIRE_NOT_OURS:
    case WIRE_ANSWER:
        break;
    case WIRE_FOLDED:
        over_tcp_for_its_case(r, &own);
        break;
    case WIRE_TRUNCATED: /* the other servers must not starve behind one whose TCP hangs */
        over_tcp(r, &own, r->x->servers->n > 1 ? 2 : 1);
        break;
    case WIRE_NO_EDNS:
        without_edns(r, &own);
        break;
    case WIRE_SERVFAIL:
        r->known[own.server].fate = UNABLE;
        break;
    case WIRE_REFUSED:
        r->known[own.server].fate = UNWILLING;
        break;
    case WIRE_GARBAGE:
        r->known[own.server].fate = GARBLED;
        break;
    }
}

static void receive(struct race *r, size_t i)
{
    uint8_t bytes[DATAGRAM_MAX];
    ssize_t n = recv(r->tries[i].fd, bytes, sizeof bytes, MSG_TRUNC);

    if (n > (ssize_t)sizeof bytes) { /* cut by us, as good as by the server */
        n = sizeof bytes;
        wire_mark_truncated(bytes);
    }
    if (n >= 0)
        take_datagram(r, &r->tries[i], str_bytes(bytes, (size_t)n));
    else if (errno != EAGAIN && errno != EINTR)
        r->known[r->tries[i].server].fate = UNREACHABLE; /* ECONNREFUSED and the like */
}

/* Listens to all tries until an answer comes, the time is up, or `server` is known not to answer. */
static void listen_until(struct race *r, size_t server, int64_t until)
{
    if (until > r->x->deadline_steady_ns) /* TCP may have used more than its share */
        until = r->x->deadline_steady_ns;
    while (!r->reply.answer && r->known[server].fate == SILENT) {
        struct pollfd fds[MAX_TRIES];
        size_t n = r->n;
        for (size_t i = 0; i < n; i++)
            fds[i] = (struct pollfd){.fd = r->tries[i].fd, .events = POLLIN};
        int64_t left = until - clock_steady_ns();
        if (left <= 0) {
            r->known[server].waited_out = r->share_ns >= FAIR_SHARE_NS;
            return;
        }
        poll(fds, (nfds_t)n, (int)((left + 999999) / 1000000));
        for (size_t i = 0; i < n && !r->reply.answer; i++)
            if (fds[i].revents)
                receive(r, i);
    }
}

static enum dns_status verdict(const struct race *r)
{
    enum fate worst = SILENT;
    for (size_t i = 0; i < r->x->servers->n; i++)
        worst = r->known[i].fate > worst ? r->known[i].fate : worst;
    return worst >= UNWILLING ? DNS_SERVFAIL : worst == GARBLED ? DNS_BAD : DNS_TIMEOUT;
}

static void note_who_did_well(const struct race *r)
{
    for (size_t i = 0; i < r->x->servers->n; i++) {
        struct server *s = &r->x->servers->all[i];
        enum fate fate = r->known[i].fate;
        if (fate == UNABLE || (r->reply.answer && r->winner == i))
            server_did_well(s);
        else if (fate != SILENT || r->known[i].waited_out)
            server_failed(s, r->known[i].seen, clock_now_ms(r->x->clock));
    }
}

enum dns_status exchange_ask(const struct exchange *x, const struct exchange_question *q,
    struct arena *a, struct exchange_reply *out)
{
    AUTO(race_close) struct race r = {.x = x, .question = q, .arena = a};
    size_t n = x->servers->n;
    struct server_turn order[DNS_MAX_SERVERS];
    /* One share in the first round, two in the second: together all the time there is. */
    r.share_ns = (x->deadline_steady_ns - clock_steady_ns()) / (int64_t)(3 * n);

    servers_order(x->servers, clock_now_ms(x->clock), order);
    for (size_t i = 0; i < n; i++)
        r.known[order[i].at].seen = order[i].seen;
    for (int round = 1; round <= ROUNDS && !r.reply.answer; round++)
        for (size_t i = 0; i < n && !r.reply.answer; i++) {
            if (r.known[order[i].at].fate != SILENT)
                continue;
            begin_try(&r, order[i].at);
            listen_until(&r, order[i].at, clock_steady_ns() + round * r.share_ns);
        }
    note_who_did_well(&r);
    if (!r.reply.answer)
        return verdict(&r);
    *out = r.reply;
    return DNS_FOUND;
}
