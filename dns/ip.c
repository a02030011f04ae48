#include "dns/mx.h"

#include "base/public_ip.h"

#include <arpa/inet.h>

void ip_text(const struct ip *ip, char out[IP_TEXT_SIZE])
{
    inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->b, out, IP_TEXT_SIZE);
}

bool ip_parse(struct str text, struct ip *out)
{
    char copy[IP_TEXT_SIZE];
    *out = (struct ip){0};
    if (!str_copy(text, copy, sizeof copy))
        return false;
    if (inet_pton(AF_INET, copy, out->b) == 1)
        out->family = 4;
    else if (inet_pton(AF_INET6, copy, out->b) == 1)
        out->family = 6;
    return out->family != 0;
}

bool ip_is_public(const struct ip *ip)
{
    return ip->family == 4 ? public_ipv4(ip->b) : public_ipv6(ip->b);
}

bool ip_is_inside(const struct ip *ip)
{
    const uint8_t *b = ip->b;
    if (ip->family == 6)
        return loopback_ipv6(b) || (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
    return b[0] == 10 || b[0] == 127 || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
           (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254) ||
           (b[0] == 100 && (b[1] & 0xc0) == 64);
}
