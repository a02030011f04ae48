#include "base/public_ip.h"

#include <string.h>

struct range {
    uint8_t b[16];
    int bits;
};

static const struct range not_public_v4[] = {
    {{0}, 8},             /* this network, 0.0.0.0 too */
    {{10}, 8},            /* private                   */
    {{100, 64}, 10},      /* carrier NAT               */
    {{127}, 8},           /* loopback                  */
    {{169, 254}, 16},     /* link-local                */
    {{172, 16}, 12},      /* private                   */
    {{192, 0, 0}, 24},    /* protocol assignments      */
    {{192, 0, 2}, 24},    /* documentation             */
    {{192, 88, 99}, 24},  /* 6to4 relays, gone         */
    {{192, 168}, 16},     /* private                   */
    {{198, 18}, 15},      /* benchmarks                */
    {{198, 51, 100}, 24}, /* documentation             */
    {{203, 0, 113}, 24},  /* documentation             */
    {{224}, 4},           /* multicast                 */
    {{240}, 4},           /* reserved, broadcast       */
};

/* Inside 2000::/3; all else in IPv6 is not public by itself: unique local, link-local, multicast, ::1, :: */
static const struct range not_public_v6[] = {
    {{0x20, 0x01, 0x00}, 23},       /* protocol assignments, Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation                */
    {{0x20, 0x02}, 16},             /* 6to4, gone                   */
    {{0x3f, 0xff, 0x00}, 20},       /* documentation                */
};
static const struct range global_v6 = {{0x20}, 3};

static const struct range mapped_v4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
static const struct range nat64 = {{0, 0x64, 0xff, 0x9b}, 96};

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

bool public_ipv4(const uint8_t b[4])
{
    return !in_any(b, not_public_v4, COUNT_OF(not_public_v4));
}

bool public_ipv6(const uint8_t b[16])
{
    if (in_range(b, &mapped_v4) || in_range(b, &nat64))
        return public_ipv4(b + 12);
    return in_range(b, &global_v6) && !in_any(b, not_public_v6, COUNT_OF(not_public_v6));
}

bool loopback_ipv4(const uint8_t b[4])
{
    return b[0] == 127;
}

bool loopback_ipv6(const uint8_t b[16])
{
    static const uint8_t one[16] = {[15] = 1};
    return memcmp(b, one, sizeof one) == 0 || (in_range(b, &mapped_v4) && loopback_ipv4(b + 12));
}
