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

/* What every network may use for itself, by its first sixteen bits. */
static const struct {
    uint8_t family;
    uint8_t b[2];
    int bits;
} inside[] = {
    {4, {10, 0}, 8},
    {4, {127, 0}, 8},
    {4, {172, 16}, 12},
    {4, {192, 168}, 16},
    {4, {169, 254}, 16},
    {4, {100, 64}, 10},
    {6, {0xfc, 0}, 7},
    {6, {0xfe, 0x80}, 10},
};

bool ip_network_is_inside(const struct ip *network, int bits)
{
    unsigned begin = (unsigned)network->b[0] << 8 | network->b[1];
    for (size_t i = 0; i < COUNT_OF(inside); i++) {
        unsigned range = (unsigned)inside[i].b[0] << 8 | inside[i].b[1];
        if (network->family == inside[i].family && bits >= inside[i].bits &&
            (begin ^ range) >> (16 - inside[i].bits) == 0)
            return true;
    }
    return network->family == 6 && bits == 128 && loopback_ipv6(network->b);
}

bool ip_is_inside(const struct ip *ip)
{
    return ip_network_is_inside(ip, ip->family == 4 ? 32 : 128);
}
