#include "mailer/http/listen.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

/* Every address as 16 bytes, IPv4 mapped, so that two spellings of one are equal. */
static bool bytes_of(const struct sockaddr *s, struct in6_addr *out)
{
    if (s->sa_family == AF_INET6) {
        *out = ((const struct sockaddr_in6 *)(const void *)s)->sin6_addr;
        return true;
    }
    if (s->sa_family != AF_INET)
        return false;
    *out = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(&out->s6_addr[12], &((const struct sockaddr_in *)(const void *)s)->sin_addr, 4);
    return true;
}

static bool bytes_of_text(const char *text, struct in6_addr *out)
{
    if (inet_pton(AF_INET6, text, out) == 1)
        return true;
    *out = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
    return inet_pton(AF_INET, text, &out->s6_addr[12]) == 1;
}

static bool is_loopback(const struct in6_addr *a)
{
    return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

bool listen_is_near(const struct sockaddr *address, const struct conf *c)
{
    struct in6_addr peer, proxy;

    if (!bytes_of(address, &peer))
        return false;
    for (size_t i = 0; i < c->trusted_proxies_n; i++)
        if (bytes_of_text(c->trusted_proxies[i], &proxy) && IN6_ARE_ADDR_EQUAL(&peer, &proxy))
            return true;
    return is_loopback(&peer);
}

static bool bind_and_listen(int fd, const struct addrinfo *a)
{
    int on = 1;

    return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage s = {0};
    socklen_t n = sizeof s;

    if (getsockname(fd, (struct sockaddr *)&s, &n) != 0)
        return 0;
    return ntohs(s.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&s)->sin6_port
                                         : ((struct sockaddr_in *)&s)->sin_port);
}

bool listen_open(const struct conf *c, struct listening *out, struct err *e)
{
    struct addrinfo *a, hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                            .ai_socktype = SOCK_STREAM};
    struct in6_addr bytes;
    char port[24];

    snprintf(port, sizeof port, "%lld", (long long)c->listen_port);
    int wrong = getaddrinfo(c->listen_address, port, &hints, &a);
    if (wrong != 0)
        return err_set(
            e, ERR_INPUT, "listen_address %s: %s", c->listen_address, gai_strerror(wrong));
    out->fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool listening = bind_and_listen(out->fd, a);
    if (!listening)
        err_system(e, "cannot listen on %s port %s (listen_address, listen_port)",
            c->listen_address, port);
    if (!listening && out->fd >= 0)
        close(out->fd);
    out->is_ipv6 = a->ai_family == AF_INET6;
    out->is_public =
        c->trusted_proxies_n == 0 && bytes_of(a->ai_addr, &bytes) && !is_loopback(&bytes);
    freeaddrinfo(a);
    if (!listening)
        return false;
    out->port = port_of(out->fd);
    return true;
}
