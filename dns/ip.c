#include "dns/mx.h"

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

struct range {
    uint8_t b[16];
    int bits;
};

/* IANA IPv4 Special-Purpose Address Registry, and multicast. */
static const struct range not_public_v4[] = {
    {{0}, 8},             /* this network          */
    {{10}, 8},            /* private               */
    {{100, 64}, 10},      /* carrier NAT           */
    {{127}, 8},           /* loopback              */
    {{169, 254}, 16},     /* link-local            */
    {{172, 16}, 12},      /* private               */
    {{192, 0, 0}, 24},    /* protocol assignments  */
    {{192, 0, 2}, 24},    /* documentation         */
    {{192, 88, 99}, 24},  /* 6to4 relays, gone     */
    {{192, 168}, 16},     /* private               */
    {{198, 18}, 15},      /* benchmarks            */
    {{198, 51, 100}, 24}, /* documentation         */
    {{203, 0, 113}, 24},  /* documentation         */
    {{224}, 4},           /* multicast             */
    {{240}, 4},           /* reserved, broadcast   */
};

/* Inside 2000::/3; all else in IPv6 is not public by itself. */
static const struct range not_public_v6[] = {
    {{0x20, 0x01, 0x00}, 23},       /* protocol assignments, Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation                */
    {{0x20, 0x02}, 16},             /* 6to4, gone                   */
    {{0x3f, 0xff, 0x00}, 20},       /* documentation                */
};
static const struct range global_v6 = {{0x20}, 3};

/* Ranges that carry an IPv4 address in their last four bytes: that one decides. */
static const struct range carries_v4[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, /* IPv4-mapped */
    {{0, 0x64, 0xff, 0x9b}, 96},                      /* NAT64       */
};

static bool in_range(const uint8_t *b, const struct range *r)
{
    size_t whole = (size_t)r->bits / 8;
    int rest = r->bits % 8;
    uint8_t mask = (uint8_t)(0xff00 >> rest);
    return memcmp(b, r->b, whole) == 0 && (rest == 0 || (b[whole] & mask) == (r->b[whole] & mask));
}

static bool in_any(const uint8_t *b, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (in_range(b, &ranges[i]))
            return true;
    return false;
}

bool ip_is_public(const struct ip *ip)
{
    if (ip->family == 4)
        return !in_any(ip->b, not_public_v4, COUNT_OF(not_public_v4));
    if (in_any(ip->b, carries_v4, COUNT_OF(carries_v4)))
        return !in_any(ip->b + 12, not_public_v4, COUNT_OF(not_public_v4));
    return in_range(ip->b, &global_v6) && !in_any(ip->b, not_public_v6, COUNT_OF(not_public_v6));
}
