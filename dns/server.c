#include "dns/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>

#define DNS_PORT 53
#define REST_MIN_MS 2000
#define REST_MAX_MS 60000

static bool split_port(struct str text, struct str *host, uint64_t *port)
{
    size_t colon = text.n;
    *port = DNS_PORT;
    *host = text;
    if (str_starts(text, STR("["))) {
        size_t end = str_find_char(text, ']', 0);
        if (end == text.n)
            return false;
        *host = str_slice(text, 1, end);
        colon = end + 1;
    } else if (str_find_char(text, ':', str_find_char(text, ':', 0) + 1) >= text.n) {
        colon = str_find_char(text, ':', 0); /* exactly one: not an IPv6 address */
        *host = str_slice(text, 0, colon);
    }
    if (colon >= text.n)
        return true;
    return text.p[colon] == ':' && str_to_u64(str_slice(text, colon + 1, text.n), port) &&
           *port >= 1 && *port <= 65535;
}

static bool fill(struct server *out, const char *host, uint16_t port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->address;

    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        out->length = sizeof *v4;
        out->loopback = ntohl(v4->sin_addr.s_addr) >> 24 == 127;
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out->length = sizeof *v6;
    out->loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    return true;
}

bool server_parse(const char *text, struct server *out, struct err *e)
{
    struct str host;
    uint64_t port;
    char name[INET6_ADDRSTRLEN];

    *out = (struct server){0};
    if (split_port(str_of(text), &host, &port) && str_copy(host, name, sizeof name) &&
        fill(out, name, (uint16_t)port))
        return true;
    return err_set(e, ERR_INPUT,
        "DNS server \"%.60s\": not an address like 127.0.0.1, 127.0.0.1:5300 or [::1]:53", text);
}

/* Whose rest is over is put to the test by who sees it first; for the others it rests on. */
static bool rests(struct server *s, int64_t now_ms)
{
    int64_t until = atomic_load(&s->rests_until_ms);
    if (until == 0)
        return false;
    if (now_ms < until && until - now_ms <= REST_MAX_MS) /* more: the clock was set back */
        return true;
    return !atomic_compare_exchange_strong(&s->rests_until_ms, &until, now_ms + REST_MIN_MS);
}

void servers_order(struct servers *s, int64_t now_ms, struct server_turn out[DNS_MAX_SERVERS])
{
    size_t resting[DNS_MAX_SERVERS], n = 0, resting_n = 0;
    for (size_t i = 0; i < s->n; i++) {
        unsigned seen = atomic_load(&s->all[i].fails_in_a_row);
        if (rests(&s->all[i], now_ms))
            resting[resting_n++] = i;
        else
            out[n++] = (struct server_turn){i, seen};
    }
    for (size_t i = 0; i < resting_n; i++)
        out[n++] = (struct server_turn){resting[i], SERVER_RESTED};
}

void server_did_well(struct server *s)
{
    atomic_store(&s->fails_in_a_row, 0);
    atomic_store(&s->rests_until_ms, 0);
}

void server_failed(struct server *s, unsigned seen, int64_t now_ms)
{
    int64_t rest_ms = REST_MIN_MS;
    unsigned before = seen;
    if (seen == SERVER_RESTED ||
        !atomic_compare_exchange_strong(&s->fails_in_a_row, &before, seen + 1))
        return; /* another question has told of it already */
    for (unsigned i = 0; i < seen && rest_ms < REST_MAX_MS; i++)
        rest_ms *= 2;
    atomic_store(&s->rests_until_ms, now_ms + (rest_ms < REST_MAX_MS ? rest_ms : REST_MAX_MS));
}
