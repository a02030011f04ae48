#include "dns/probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/public_ip.h"
#include "dns/probe_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SMTP_PORT 25
#define NS_PER_MS 1000000

/* One connection. */
struct talk {
    int fd;
    int64_t until_ns;
    struct buf heard; /* read and not yet used */
};

static void end_talk(struct talk *t)
{
    if (t->fd >= 0)
        close(t->fd);
    buf_close(&t->heard);
}

bool probe_wait(int fd, short events, int64_t until_ns)
{
    struct pollfd p = {.fd = fd, .events = events};
    for (;;) {
        int64_t left = until_ns - clock_steady_ns();
        if (left <= 0)
            return false;
        int n = poll(&p, 1, (int)((left + NS_PER_MS - 1) / NS_PER_MS));
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

/* ---- a connection ---------------------------------------------------------------------------- */

static bool is_allowed(const struct probe_rules *r, const struct ip *ip)
{
    bool loopback = ip->family == 4 ? loopback_ipv4(ip->b) : loopback_ipv6(ip->b);
    return ip_is_public(ip) || r->allow_private || (r->allow_loopback && loopback);
}

static socklen_t address_of(const struct ip *ip, uint16_t port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (ip->family == 4) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, ip->b, 4);
        return sizeof *v4;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    memcpy(&v6->sin6_addr, ip->b, 16);
    return sizeof *v6;
}

static enum probe_status status_of(int fault)
{
    return fault == ETIMEDOUT      ? PROBE_SILENT
           : fault == ECONNREFUSED ? PROBE_REFUSED
           : fault == 0            ? PROBE_ANSWERED
                                   : PROBE_UNREACHABLE;
}

static enum probe_status dial(
    struct talk *t, const struct probe_rules *r, const struct ip *ip, int64_t connect_ms)
{
    struct sockaddr_storage address;
    socklen_t n = address_of(ip, r->port ? r->port : SMTP_PORT, &address);
    int fault = 0;
    socklen_t fault_n = sizeof fault;
    int64_t until = clock_steady_ns() + connect_ms * NS_PER_MS;
    t->fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (t->fd < 0)
        return PROBE_UNREACHABLE;
    if (connect(t->fd, (const struct sockaddr *)&address, n) == 0)
        return PROBE_ANSWERED;
    if (errno != EINPROGRESS)
        return status_of(errno);
    if (!probe_wait(t->fd, POLLOUT, until < t->until_ns ? until : t->until_ns))
        return PROBE_SILENT;
    if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &fault, &fault_n) != 0)
        return PROBE_UNREACHABLE;
    return status_of(fault);
}

/* ---- SMTP ------------------------------------------------------------------------------------ */

static bool send_line(struct talk *t, const char *line)
{
    size_t n = strlen(line);
    while (n > 0) {
        ssize_t sent = send(t->fd, line, n, MSG_NOSIGNAL);
        if (sent > 0) {
            line += sent;
            n -= (size_t)sent;
        } else if ((errno != EAGAIN && errno != EINTR) ||
                   !probe_wait(t->fd, POLLOUT, t->until_ns)) {
            return false;
        }
    }
    return true;
}

static bool hear_more(struct talk *t)
{
    char piece[1024];
    for (;;) {
        if (t->heard.n >= PROBE_REPLY_BYTES || !probe_wait(t->fd, POLLIN, t->until_ns))
            return false;
        ssize_t n = recv(t->fd, piece, sizeof piece, 0);
        if (n > 0)
            return buf_add(&t->heard, str_bytes(piece, (size_t)n)), true;
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            return false;
    }
}

/* The end of a whole reply at the start of the text: behind the line whose code has no "-". 0 = not yet. */
static size_t reply_length(struct str text)
{
    for (size_t at = 0;;) {
        size_t end = str_find_char(text, '\n', at);
        if (end == text.n)
            return 0;
        bool goes_on = end - at > 3 && text.p[at + 3] == '-';
        at = end + 1;
        if (!goes_on)
            return at;
    }
}

/* One reply, all of its lines; its code, 0 = none came that is one. */
static int hear(struct talk *t, struct arena *a, struct str *text)
{
    size_t n;
    uint64_t code = 0;
    while ((n = reply_length(buf_str(&t->heard))) == 0)
        if (!hear_more(t))
            return 0;
    *text = arena_str(a, str_slice(buf_str(&t->heard), 0, n));
    struct str rest = arena_str(a, str_slice(buf_str(&t->heard), n, t->heard.n));
    buf_clear(&t->heard);
    buf_add(&t->heard, rest);
    return str_to_u64(str_slice(*text, 0, 3), &code) && code >= 200 && code < 600 ? (int)code : 0;
}

static bool offers_starttls(struct str reply)
{
    struct str line;
    while (str_next(&reply, '\n', &line))
        if (str_is_nocase(str_trim(str_slice(line, 4, line.n)), "starttls"))
            return true;
    return false;
}

static void end_with(struct probe *out, enum probe_status status, struct said why)
{
    out->status = status;
    out->why = why;
}

/* What the server said instead, without what would disturb a terminal. */
static const char *shown(struct arena *a, struct str reply)
{
    char *text = arena_text(a, str_trim(str_slice(reply, 0, 120)));
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > 0x7e)
            *c = ' ';
    return text;
}

static bool expect(
    struct talk *t, int wanted, struct arena *a, struct str *reply, struct probe *out)
{
    int code = hear(t, a, reply);
    if (code == wanted)
        return true;
    if (code == 0)
        end_with(out, PROBE_BROKEN,
            SAID("probe.broken", "it takes the connection, and then no SMTP reply comes in time"));
    else
        end_with(out, PROBE_UNWELCOME,
            SAY(a, "probe.unwelcome", "it answers \"{{reply}}\"", {"reply", shown(a, *reply)}));
    return false;
}

static void converse(struct talk *t, const struct probe_rules *r, const char *host, struct arena *a,
    struct probe *out)
{
    struct str reply;
    if (!expect(t, 220, a, &reply, out) ||
        !send_line(
            t, arena_printf(a, "EHLO %s\r\n", r->helo && r->helo[0] ? r->helo : "[127.0.0.1]")) ||
        !expect(t, 250, a, &reply, out))
        return;
    out->starttls = offers_starttls(reply);
    if (!out->starttls || !send_line(t, "STARTTLS\r\n")) {
        send_line(t, "QUIT\r\n");
        return;
    }
    if (hear(t, a, &reply) != 220 || t->heard.n > 0) {
        out->why = SAID("probe.no_handshake", "it offers STARTTLS and then does not begin it");
        return;
    }
    probe_tls(t->fd, t->until_ns, r, host, a, out);
}

/* ---- a host ---------------------------------------------------------------------------------- */

static struct said reason(struct arena *a, enum probe_status s, const char *address)
{
    switch (s) {
    case PROBE_SILENT:
        return SAY(
            a, "probe.silent", "nothing answers at {{address}} in time", {"address", address});
    case PROBE_REFUSED:
        return SAY(a, "probe.refused", "{{address}} refuses the connection", {"address", address});
    case PROBE_NOT_PUBLIC:
        return SAY(
            a, "probe.not_public", "{{address}} is not a public address", {"address", address});
    default:
        return SAY(a, "probe.unreachable", "there is no way from here to {{address}}",
            {"address", address});
    }
}

static void try_address(const struct probe_rules *r, const char *host, const struct ip *ip,
    int64_t until_ns, struct arena *a, struct probe *out)
{
    char text[IP_TEXT_SIZE];
    AUTO(end_talk) struct talk t = {.fd = -1, .until_ns = until_ns};
    ip_text(ip, text);
    out->address = arena_text(a, str_of(text));
    out->status = is_allowed(r, ip)
                      ? dial(&t, r, ip, r->connect_ms > 0 ? r->connect_ms : PROBE_CONNECT_MS)
                      : PROBE_NOT_PUBLIC;
    if (out->status == PROBE_ANSWERED)
        converse(&t, r, host, a, out);
    else
        out->why = reason(a, out->status, out->address);
}

/* How much one knows: an address that answers something says more than one that does not. */
static int worth(enum probe_status s)
{
    static const int order[] = {[PROBE_ANSWERED] = 6,
        [PROBE_UNWELCOME] = 5,
        [PROBE_BROKEN] = 4,
        [PROBE_REFUSED] = 3,
        [PROBE_SILENT] = 2,
        [PROBE_UNREACHABLE] = 1,
        [PROBE_NOT_PUBLIC] = 0};
    return order[s];
}

void probe_host(const struct probe_rules *rules, const char *host, const struct ip *addresses,
    size_t n, struct arena *a, struct probe *out)
{
    int64_t whole_ms = rules->whole_ms > 0 ? rules->whole_ms : PROBE_WHOLE_MS;
    int64_t until_ns = clock_steady_ns() + whole_ms * NS_PER_MS;
    *out = (struct probe){
        .status = PROBE_NOT_PUBLIC, .why = SAID_NOTHING, .address = "", .problem = ""};
    for (size_t i = 0; i < n && out->status != PROBE_ANSWERED; i++) {
        struct probe one = {.why = SAID_NOTHING, .address = "", .problem = ""};
        try_address(rules, host, &addresses[i], until_ns, a, &one);
        if (i == 0 || worth(one.status) > worth(out->status))
            *out = one;
    }
}
