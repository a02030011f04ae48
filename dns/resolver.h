/* resolver -- questions to the DNS, answered from zone files, a cache, or servers (ldns
 * stays in wire.c, rr.c, zone*.c and dnssec*.c).
 *
 * NXDOMAIN, NODATA, SERVFAIL and timeout are different answers, because mail policy treats them
 * differently: a DNS failure is never a negative answer. CNAMEs are followed inside (at most 8);
 * `canonical` tells where. Zone files (`--zone`) are authoritative at and below their SOA: absent =
 * NXDOMAIN, empty non-terminal = NODATA (zone.h has the details); a file that changed on disk is read
 * again. Without servers every other name is a timeout at once. Queries go out on connected sockets
 * with random ports, IDs and letter case; all are checked; TC falls back to TCP (exchange.h).
 * Servers are asked in the order given, one that fails last for a while (server.h).
 * Negative answers are cached by the SOA (RFC 2308). Equal questions at once ask the servers once,
 * each waiting no longer than its own time (flight.h). A failure is remembered for a moment: the same
 * question fails the same way without asking for 1 s, and for up to 5 s when it goes on failing
 * (failures.h); the last known good stays what it was.
 *
 * Units: ttl_s seconds left.
 * Ownership: answers are copied into the caller's arena.
 * Errors: resolver_open only (unreadable zone with its line, bad server).
 * Threads: any, but for handles of resolver_lean.
 * Limits: cache by bytes; DNS_MAX_RECORDS records an answer (more is DNS_BAD, since a part could
 * mislead); names 253 octets; positive answers are kept for a day at most, negative ones an hour.
 * Source: RFC 1034, 1035, 2308, 5452, 6891, 8767, 9520. */
#ifndef DNS_RESOLVER_H
#define DNS_RESOLVER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"
#include "base/said.h"

#define DNS_MAX_RECORDS 256 /* large shops have a hundred TXT records at their name */
#define DNS_MAX_SERVERS 8
#define DNS_MAX_ZONES 32

struct resolver;

struct resolver_setup {
    const char *const *servers; /* "127.0.0.1", "127.0.0.1:5300", "[::1]:53" */
    size_t servers_n;           /* 0 = none: `--resolver none` */
    const char *const *zone_files;
    size_t zone_files_n;
    size_t drafts_n;    /* the first of zone_files, which hide the same zones in the others */
    int64_t timeout_ms; /* one question whole, over all servers and tries */
    size_t cache_bytes; /* 0 = 8 MiB */
    const struct clock *clock;
    struct metrics *metrics; /* may be NULL */
};

bool resolver_open(const struct resolver_setup *s, struct resolver **out, struct err *e);
void resolver_close(struct resolver **r);

enum dns_type {
    DNS_A,
    DNS_AAAA,
    DNS_MX,
    DNS_TXT,
    DNS_CNAME,
    DNS_PTR,
    DNS_NS,
    DNS_SOA,
    DNS_TLSA,
    DNS_DS,
    DNS_DNSKEY
};

enum dns_status {
    DNS_FOUND,
    DNS_NXDOMAIN, /* the name does not exist                       */
    DNS_NODATA,   /* the name exists, not with this type           */
    DNS_SERVFAIL, /* a server answered that it cannot say          */
    DNS_TIMEOUT,  /* nobody answered in time                       */
    DNS_BAD,      /* malformed question, CNAME loop, garbage reply */
};
const char *dns_status_name(enum dns_status s); /* "found", "nxdomain", ... */
/* That a question about `name` failed so. */
struct said dns_no_answer(struct arena *a, const char *name, enum dns_status s);

struct dns_record {
    struct str data; /* A, AAAA: 4 or 16 bytes; TXT: strings joined; MX, CNAME, PTR, NS: a name in
                        lower-case text without the final dot ("" is the root); TLSA, SOA: rdata as
                        on the wire, names in lower case; DS, DNSKEY: empty (dnssec.h reads them) */
    uint16_t number; /* MX preference */
};

struct dns_answer {
    enum dns_status status;
    const struct dns_record *records; /* of the type asked, in the order received */
    size_t n;
    const char *canonical; /* the name after CNAMEs */
    uint32_t ttl_s;        /* least TTL over the chain, or how long the negative holds */
    bool secure;           /* AD bit of a loopback resolver */
    bool stale;            /* past its TTL: see resolver_ask_stale */
};

void resolver_ask(struct resolver *r, const char *name, enum dns_type type, struct arena *a,
    struct dns_answer *out);

/* For decisions that may lean on the last known good: on a failure answers with the last
 * FOUND, NXDOMAIN or NODATA that is not more than max_stale_ms past its TTL, marked stale. */
void resolver_ask_stale(struct resolver *r, const char *name, enum dns_type type,
    int64_t max_stale_ms, struct arena *a, struct dns_answer *out);

/* A second handle on the same servers, zones and cache for one decision that asks many questions:
 * each of them may lean as resolver_ask_stale does, and once one has waited in vain, the others wait
 * a quarter of the time: dead servers cost a decision little more than one time-out, and one silent
 * zone does not keep the others unasked. One thread at a time; close it before the one it came from. */
struct resolver *resolver_lean(struct resolver *r, int64_t max_stale_ms);
bool resolver_has_leaned(const struct resolver *r); /* some answer of this handle was stale */
/* For a handle of resolver_lean: behind this moment, or once *over is true (NULL: never), no further question goes
 * out; what zone files and the cache do not know is a timeout at once, and is not remembered as one. */
void resolver_bound(struct resolver *lean, int64_t until_steady_ns, const _Atomic bool *over);

/* A whole packet from the servers, with its signatures, for dnssec.h: past zone files and cache, not
 * kept, aliases not followed, and what a validating server would answer with SERVFAIL, too. `name` is
 * canonical, "" the root. DNS_FOUND: there is a packet, NOERROR or NXDOMAIN. */
enum dns_status resolver_ask_signed(struct resolver *r, const char *name, enum dns_type type,
    int64_t until_steady_ns, struct arena *a, struct str *packet);
bool resolver_validates(struct resolver *r); /* a server here sets AD for the root */
bool resolver_has_zone(struct resolver *r, const char *name); /* a zone file answers for it */

/* Ends what the cache has for this name, and that it failed a moment ago, so that the next question
 * goes out; what the cache has stays a last known good. */
void resolver_forget(struct resolver *r, const char *name);

/* One line for each zone file whose latest version cannot be read (its older content goes on
 * answering); false when there is none. */
bool resolver_zone_faults(const struct resolver *r, struct buf *out);

#endif
