#include "dns/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define DNS_PORT 53

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
