#include "tests/dns/fake_server.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <arpa/inet.h>
#include <assert.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER 12
#define RECORD_HEAD 12 /* with a pointer as its owner */
#define STOP 's'
#define RELEASE 'r'
#define QUESTION_NAME "\xc0\x0c" /* a pointer to the question's name */
#define B_TEST                                                                                     \
    "\x01"                                                                                         \
    "b\x04test\0"
#define C_TEST                                                                                     \
    "\x01"                                                                                         \
    "c\x04test\0"
#define GONE_TEST "\x01x\x04gone\x04test\0"
#define NAME(literal) STR(literal)

struct reply {
    struct buf bytes;
    struct str question; /* the question section of the query */
};

static void put16(struct buf *b, unsigned v)
{
    buf_add_char(b, (char)(v >> 8));
    buf_add_char(b, (char)v);
}

static void put32(struct buf *b, uint32_t v)
{
    put16(b, v >> 16);
    put16(b, v & 0xffff);
}

static size_t question_end(struct str q)
{
    size_t at = HEADER;
    while (at < q.n && q.p[at] != 0)
        at += (size_t)q.p[at] + 1;
    return at + 5;
}

static void begin(struct reply *r, struct str query, unsigned flags)
{
    r->bytes.n = 0;
    r->question = str_slice(query, HEADER, question_end(query));
    buf_add(&r->bytes, str_slice(query, 0, 2));
    put16(&r->bytes, 0x8180 | flags);
    put16(&r->bytes, 1);
    put16(&r->bytes, 0);
    put16(&r->bytes, 0);
    put16(&r->bytes, 0);
    buf_add(&r->bytes, r->question);
}

/* section 0 answer, 1 authority */
static void record(
    struct reply *r, int section, struct str owner, unsigned type, uint32_t ttl, struct str data)
{
    char *count = r->bytes.p + 6 + 2 * section;
    unsigned n = ((unsigned)(uint8_t)count[0] << 8 | (uint8_t)count[1]) + 1;
    count[0] = (char)(n >> 8);
    count[1] = (char)n;
    buf_add(&r->bytes, owner);
    put16(&r->bytes, type);
    put16(&r->bytes, 1);
    put32(&r->bytes, ttl);
    put16(&r->bytes, (unsigned)data.n);
    buf_add(&r->bytes, data);
}

static void address(struct reply *r, struct str owner, uint32_t ttl, char last)
{
    char a[4] = {(char)192, 0, 2, last};
    record(r, 0, owner, 1, ttl, str_bytes(a, 4));
}

static void soa(struct reply *r)
{
    struct buf b = {0};
    buf_add(&b, NAME("\0\0"));
    for (int i = 0; i < 4; i++)
        put32(&b, 1000);
    put32(&b, 20);
    record(r, 1, NAME("\x04test\0"), 6, 50, buf_str(&b));
    buf_close(&b);
}

/* A TXT record with which the message is `bytes` long. */
static void big_txt(struct reply *r, size_t bytes)
{
    struct buf b = {0};
    bytes -= r->bytes.n + RECORD_HEAD;
    for (size_t n; bytes > 0; bytes -= n) {
        n = bytes > 256 ? 256 : bytes;
        buf_add_char(&b, (char)(n - 1));
        for (size_t j = 1; j < n; j++)
            buf_add_char(&b, 'x');
    }
    record(r, 0, NAME(QUESTION_NAME), 16, 100, buf_str(&b));
    buf_close(&b);
}

static void alias_of_itself(struct reply *r, struct str query, enum act act)
{
    begin(r, query, 0);
    record(r, 0, NAME(QUESTION_NAME), 5, 40,
        act == CNAME_ON     ? NAME("\1x" QUESTION_NAME)
        : act == CNAME_ROOT ? str_bytes("", 1)
                            : NAME(QUESTION_NAME));
}

static void chain(struct reply *r, struct str query, enum act act)
{
    bool nx = act == CHAIN_NXDOMAIN;
    begin(r, query, nx ? 3 : 0);
    struct str first = nx ? NAME(GONE_TEST) : act == CHAIN_CUT ? NAME(C_TEST) : NAME(B_TEST);
    record(r, 0, NAME(QUESTION_NAME), 5, 40, first);
    if (act == CHAIN_LOOP)
        record(r, 0, NAME(B_TEST), 5, 30, str_slice(r->question, 0, r->question.n - 4));
    if (act == CHAIN) {
        record(r, 0, NAME(B_TEST), 5, 30, NAME(C_TEST));
        address(r, NAME(C_TEST), 100, 7);
    }
    if (nx)
        soa(r);
}

/* To lower case, or to upper where chance has made all lower. */
static void fold(struct buf *b)
{
    bool has_upper = false;
    for (size_t i = HEADER; i < b->n - 4; i++)
        has_upper = has_upper || (b->p[i] >= 'A' && b->p[i] <= 'Z');
    char first = has_upper ? 'A' : 'a', last = has_upper ? 'Z' : 'z';
    for (size_t i = HEADER; i < b->n - 4; i++)
        if (b->p[i] >= first && b->p[i] <= last)
            b->p[i] = (char)(b->p[i] ^ 0x20);
}

static void plain(struct reply *r, struct str query, enum act act)
{
    uint32_t ttl = act == ANSWER_ZERO_TTL   ? 0
                   : act == ANSWER_HUGE_TTL ? 0x7fffffff
                   : act == ANSWER_SIGN_TTL ? 0x80000000
                                            : 100;
    begin(r, query, act == ANSWER_AD ? 0x20 : 0);
    if (act == ANSWER_FOLDED || act == FOLDED_NO_TCP)
        fold(&r->bytes);
    if (act == OTHERS_RECORDS)
        address(r, NAME(B_TEST), 100, 66);
    for (int i = 0; act == MANY_A && i < 299; i++)
        address(r, NAME(QUESTION_NAME), 100, (char)i);
    if (act == SHORT_A)
        record(r, 0, NAME(QUESTION_NAME), 1, 100, STR("abc"));
    else
        address(r, NAME(QUESTION_NAME), ttl, act == ANSWER_OTHER ? 8 : 7);
    if (act == ANSWER_DO) {
        r->bytes.p[11] = 1;
        buf_add(&r->bytes, STR("\0\0\x29\x04\xd0\0\0\x80\0\0\0"));
    }
}

static void build(struct reply *r, struct str query, enum act act)
{
    switch (act) {
    case SERVFAIL:
        begin(r, query, 2);
        break;
    case SERVFAIL_FOLDED:
        begin(r, query, 2);
        fold(&r->bytes);
        break;
    case REFUSED:
        begin(r, query, 5);
        break;
    case FORMERR_TO_EDNS:
        begin(r, query, 1);
        memset(r->bytes.p + 4, 0, 2);
        buf_cut(&r->bytes, HEADER);
        break;
    case NXDOMAIN_SOA:
    case NODATA_SOA:
        begin(r, query, act == NXDOMAIN_SOA ? 3 : 0);
        soa(r);
        break;
    case NXDOMAIN_BARE:
    case NODATA_BARE:
        begin(r, query, act == NXDOMAIN_BARE ? 3 : 0);
        break;
    case GARBAGE:
        begin(r, query, 0);
        r->bytes.p[7] = 9;
        buf_add(&r->bytes, STR("\xc0\xff\xc0\xff rubbish"));
        break;
    case TRUNCATED:
        begin(r, query, 0x0200);
        break;
    case TRUNCATED_CUT:
        plain(r, query, ANSWER);
        r->bytes.p[2] = (char)(r->bytes.p[2] | 2);
        buf_cut(&r->bytes, r->bytes.n - 3);
        break;
    case CNAME_SELF:
    case CNAME_ROOT:
    case CNAME_ON:
        alias_of_itself(r, query, act);
        break;
    case CHAIN:
    case CHAIN_LOOP:
    case CHAIN_CUT:
    case CHAIN_NXDOMAIN:
        chain(r, query, act);
        break;
    case OVERSIZED:
    case BIG_TXT:
        begin(r, query, 0);
        big_txt(r, act == BIG_TXT ? 65535 : 5200);
        break;
    default:
        if (act >= TCP_CLOSES)
            begin(r, query, 0x0200);
        else
            plain(r, query, act);
    }
}

static void send_wrongs(
    struct fake_server *s, struct reply *r, struct str query, const struct sockaddr_in *to)
{
    static const struct {
        size_t at;
        char flip;
    } wrongs[] = {{0, 1}, {1, 1}, {HEADER + 1, 3}, {2, (char)0x80}, {5, 1}};
    for (size_t i = 0; i <= COUNT_OF(wrongs); i++) {
        plain(r, query, ANSWER_OTHER);
        if (i < COUNT_OF(wrongs))
            r->bytes.p[wrongs[i].at] = (char)(r->bytes.p[wrongs[i].at] ^ wrongs[i].flip);
        else
            r->bytes.p[question_end(query) - 3] = 28; /* another type */
        sendto(s->udp_fd, r->bytes.p, r->bytes.n, 0, (const struct sockaddr *)to, sizeof *to);
    }
    sendto(s->udp_fd, "abc", 3, 0, (const struct sockaddr *)to, sizeof *to);
}

static void send_forged_case(
    struct fake_server *s, struct reply *r, struct str query, const struct sockaddr_in *to)
{
    plain(r, query, ANSWER_OTHER);
    r->bytes.p[HEADER + 1] = (char)(r->bytes.p[HEADER + 1] ^ 0x20);
    sendto(s->udp_fd, r->bytes.p, r->bytes.n, 0, (const struct sockaddr *)to, sizeof *to);
}

static enum act next_act(struct fake_server *s)
{
    enum act act = s->script[s->at];
    if (s->at + 1 < s->script_n)
        s->at++;
    return act;
}

static bool has_edns(struct str query)
{
    return query.p[11] == 1;
}

static void note(struct fake_server *s, struct str query, const struct sockaddr_in *from)
{
    unsigned port = ntohs(from->sin_port);
    s->udp++;
    s->edns += has_edns(query);
    s->ports_differ += s->last_port != port;
    s->last_port = port;
    for (size_t i = HEADER; i < question_end(query) - 4; i++)
        s->uppers += query.p[i] >= 'A' && query.p[i] <= 'Z';
    s->last_id = (unsigned)((uint8_t)query.p[0] << 8 | (uint8_t)query.p[1]);
}

static void hold(
    struct fake_server *s, struct str query, enum act act, const struct sockaddr_in *from)
{
    size_t i = s->held_n++;
    assert(i < FAKE_HELD_MAX && query.n <= sizeof s->held[i].query);
    memcpy(s->held[i].query, query.p, query.n);
    s->held[i].n = query.n;
    s->held[i].from = *from;
    s->held[i].act = act;
}

static void answer_held(struct fake_server *s)
{
    struct reply r = {0};
    for (size_t i = 0; i < s->held_n; i++) {
        build(&r, str_bytes(s->held[i].query, s->held[i].n),
            s->held[i].act == HELD ? ANSWER_ZERO_TTL : SERVFAIL);
        sendto(s->udp_fd, r.bytes.p, r.bytes.n, 0, (const struct sockaddr *)&s->held[i].from,
            sizeof s->held[i].from);
    }
    s->held_n = 0;
    buf_close(&r.bytes);
}

static void serve_udp(struct fake_server *s)
{
    char in[1500];
    struct sockaddr_in from;
    socklen_t from_n = sizeof from;
    struct reply r = {0};
    ssize_t n = recvfrom(s->udp_fd, in, sizeof in, 0, (struct sockaddr *)&from, &from_n);
    if (n < HEADER)
        return;
    struct str query = str_bytes(in, (size_t)n);
    note(s, query, &from);
    enum act act = next_act(s);
    if (act == HELD || act == HELD_TO_FAIL)
        hold(s, query, act, &from);
    if (act == LATE)
        answer_held(s);
    if (act == SILENT || act == LATE || act == HELD || act == HELD_TO_FAIL)
        return;
    if (act == FORMERR_TO_EDNS && !has_edns(query))
        act = ANSWER;
    if (act == WRONGS_THEN_RIGHT || act == ONLY_WRONGS)
        send_wrongs(s, &r, query, &from);
    if (act == FORGED_CASE)
        send_forged_case(s, &r, query, &from);
    if (act != ONLY_WRONGS) {
        build(&r, query, act);
        for (int i = 0; i < (act == TWICE ? 2 : 1); i++)
            sendto(s->udp_fd, r.bytes.p, r.bytes.n, 0, (struct sockaddr *)&from, from_n);
    }
    buf_close(&r.bytes);
}

static void send_all(int fd, struct str bytes)
{
    for (size_t at = 0; at < bytes.n;) {
        ssize_t sent = send(fd, bytes.p + at, bytes.n - at, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        at += (size_t)sent;
    }
}

/* Until all is out or the other side gives up. */
static void drip(int fd, struct str bytes)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (size_t i = 0; i < bytes.n && poll(&p, 1, 10) == 0; i++)
        send_all(fd, str_slice(bytes, i, i + 1));
}

static void send_over_tcp(int fd, enum act act, struct str message)
{
    struct buf out = {0};
    char in[16];
    size_t length = act == TCP_LENGTH_LONG    ? message.n + 1
                    : act == TCP_LENGTH_SHORT ? message.n - 2
                    : act == TCP_LENGTH_ZERO  ? 0
                                              : message.n;
    put16(&out, (unsigned)length);
    buf_add(&out, message);
    if (act == TCP_DRIPS)
        drip(fd, buf_str(&out));
    else if (act == TCP_STOPS || act == TCP_CLOSES_EARLY)
        send_all(fd, str_slice(buf_str(&out), 0, out.n / 2));
    else
        send_all(fd, buf_str(&out));
    if (act == TCP_STOPS)
        recv(fd, in, sizeof in, 0); /* until the other side gives up */
    buf_close(&out);
}

static void serve_tcp(struct fake_server *s)
{
    char in[1500];
    struct reply r = {0};
    int fd = accept(s->tcp_fd, NULL, NULL);
    s->tcp++;
    enum act act = next_act(s);
    ssize_t n = act == TCP_CLOSES || act == FOLDED_NO_TCP ? 0 : recv(fd, in, sizeof in, 0);
    if (n > HEADER + 2) {
        build(&r, str_bytes(in + 2, (size_t)n - 2), act > TCP_CLOSES ? ANSWER : act);
        r.bytes.p[0] = (char)(r.bytes.p[0] ^ (act == TCP_OTHER_ID));
        send_over_tcp(fd, act, buf_str(&r.bytes));
    }
    close(fd);
    buf_close(&r.bytes);
}

static void *serve(void *server)
{
    struct fake_server *s = server;
    struct pollfd fds[] = {{.fd = s->control_fds[0], .events = POLLIN},
        {.fd = s->udp_fd, .events = POLLIN}, {.fd = s->tcp_fd, .events = POLLIN}};
    for (;;) {
        poll(fds, COUNT_OF(fds), -1);
        if (fds[0].revents) {
            char order;
            if (read(s->control_fds[0], &order, 1) != 1 || order == STOP)
                return NULL;
            answer_held(s);
        }
        if (fds[1].revents)
            serve_udp(s);
        if (fds[2].revents)
            serve_tcp(s);
    }
}

static unsigned bind_loopback(int fd, unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    if (bind(fd, (struct sockaddr *)&a, n) != 0 || getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        return 0;
    return ntohs(a.sin_port);
}

void fake_start(struct fake_server *s, const enum act *script, size_t n)
{
    unsigned port = 0;
    *s = (struct fake_server){.script = script, .script_n = n};
    /* The kernel gives a free TCP port; the same number is nearly always free for UDP too. */
    for (int i = 0; i < 20 && port == 0; i++) {
        s->tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        s->udp_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        port = bind_loopback(s->tcp_fd, 0);
        if (bind_loopback(s->udp_fd, port) != port || listen(s->tcp_fd, 8) != 0) {
            close(s->tcp_fd);
            close(s->udp_fd);
            port = 0;
        }
    }
    assert_true(port > 0);
    snprintf(s->address, sizeof s->address, "127.0.0.1:%u", port);
    assert_int_equal(pipe(s->control_fds), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void command(struct fake_server *s, char order)
{
    assert_int_equal(write(s->control_fds[1], &order, 1), 1);
}

void fake_release(struct fake_server *s)
{
    command(s, RELEASE);
}

void fake_stop(struct fake_server *s)
{
    command(s, STOP);
    pthread_join(s->thread, NULL);
    close(s->udp_fd);
    close(s->tcp_fd);
    close(s->control_fds[0]);
    close(s->control_fds[1]);
}

void dead_port(char out[32])
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(out, 32, "127.0.0.1:%u", bind_loopback(fd, 0));
    close(fd);
}
