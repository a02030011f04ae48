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
