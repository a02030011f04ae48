/* mx -- which hosts take mail for a domain, and at which addresses.
 * In order of preference, equal ones shuffled by `seed`; without MX the domain itself (RFC 5321 s5.1);
 * null MX (RFC 7505) is an answer of its own. At most MX_MAX_HOSTS hosts with MX_MAX_ADDRESSES
 * addresses each.
 * Results lie in the arena. Any thread. Cannot fail: what the DNS says is the result. */
#ifndef DNS_MX_H
#define DNS_MX_H

#include "dns/resolver.h"

#define MX_MAX_HOSTS 10
#define MX_MAX_ADDRESSES 8

enum mx_status {
    MX_FOUND,     /* at least one host; its addresses come from mx_addresses */
    MX_NULL,      /* the domain says that it takes no mail            */
    MX_NO_DOMAIN, /* NXDOMAIN                                         */
    MX_NO_HOST,   /* exists, but neither MX nor address               */
    MX_TEMPERROR, /* DNS failed: ask again later                      */
};

struct mx_host {
    const char *name;
    int preference;
    bool implicit; /* no MX record: the domain itself */
};

enum mx_status mx_hosts(struct resolver *r, const char *domain, uint64_t seed, struct arena *a,
    struct mx_host **out, size_t *n);

struct ip {
    uint8_t family; /* 4 or 6 */
    uint8_t b[16];
};

/* Addresses of one host, IPv6 and IPv4 alternating. *temperror: DNS failed for at least one family. */
size_t mx_addresses(
    struct resolver *r, const char *host, struct arena *a, struct ip **out, bool *temperror);

#define IP_TEXT_SIZE 46
void ip_text(const struct ip *ip, char out[IP_TEXT_SIZE]);
bool ip_parse(struct str text, struct ip *out);
/* Not loopback, private, link-local, multicast, documentation and so on (the IANA registries). */
bool ip_is_public(const struct ip *ip);
/* In ranges that every network may use for itself: private, shared, loopback, link-local, unique local. */
bool ip_is_inside(const struct ip *ip);
bool ip_network_is_inside(const struct ip *network, int bits); /* all of it, in one of them */

#endif
