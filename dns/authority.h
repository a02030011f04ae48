/* authority -- what every authoritative server of a name's zone says, each asked directly.
 *
 * A resolver shows what one cache holds; a change is only out when every server of the zone has it. So the zone
 * of the name and its NS set are found through the resolver, and each address of each server is asked without
 * recursion, over TCP where the answer is truncated. Where a server answers with an alias, the servers of the
 * alias's zone are asked too.
 *
 * A zone file that knows the name counts as its zone's one server ("zone file"), so that a change can be tried.
 *
 * Units: *_ms, *_s.
 * Ownership: results lie in the arena. Cannot fail: what is not known is said server by server.
 * Limits: AUTHORITY_MAX_SERVERS addresses, AUTHORITY_MAX_NAMES names and whole_ms; what lies beyond is not asked for, and
 * makes the answer one that could not be had (why), never a smaller set that agrees. Whoever owns the zone names the
 * servers: none is asked at an address that is not public.
 * Threads: any. Source: RFC 1034 s4.2, 1035 s4.1.1 (AA, RD), 2308. */
#ifndef DNS_AUTHORITY_H
#define DNS_AUTHORITY_H

#include "dns/step.h"

#define AUTHORITY_MAX_SERVERS 64
#define AUTHORITY_MAX_NAMES 4 /* the name itself, and what aliases led to */

struct authority_setup {
    struct resolver *resolver;
    struct resolver *files; /* zone files and no servers; may be NULL */
    int64_t timeout_ms;     /* of one server, whole; 0 = 3 s */
    int64_t whole_ms; /* of all of them; 0 = 30 s; a resolver's question under way may end later */
    bool allow_private; /* the setting allow_private_destinations */
    uint16_t port;      /* 0 = 53; another one for tests only */
};

enum authority_status {
    AUTHORITY_ANSWERED,
    AUTHORITY_SILENT,     /* no answer in time, or none that can be read              */
    AUTHORITY_LAME,       /* refuses, fails, or answers without being authoritative   */
    AUTHORITY_NO_ROUTE,   /* an address that this machine has no way to, such as IPv6 */
    AUTHORITY_NO_ADDRESS, /* the server's name has no address                         */
    AUTHORITY_NOT_PUBLIC, /* an address that belongs to no public network: not asked  */
};

struct authority_server {
    const char *host, *address; /* "ns1.shop.example", "192.0.2.1"; "" = no address */
    const char *name;           /* that it was asked for */
    enum authority_status status;
    struct dns_step step; /* AUTHORITY_ANSWERED */
};

struct authority {
    const char *why; /* one sentence where the servers could not be found, else "" */
    const struct authority_server *servers;
    size_t n;
    uint32_t negative_ttl_s; /* how long an absence may be cached: the zones' SOA, the longest */
};

void authority_ask(const struct authority_setup *s, const char *name, enum dns_type type,
    struct arena *a, struct authority *out);

#endif
