/* probe -- does a mail host take connections from here, and is its TLS in order? Greeting, EHLO, STARTTLS, the
 * certificate, QUIT: never a mail, never an address.
 * No connection goes to an address that is not public, but where the rules allow it; the address that was judged is
 * the one that is dialled. Everything a server can do is bounded: PROBE_CONNECT_MS for a connection, PROBE_WHOLE_MS
 * for all of one host, PROBE_REPLY_BYTES for a reply.
 * Units: *_ms milliseconds; times since the Unix epoch.
 * Ownership: results lie in the arena. Cannot fail: what happens is the result.
 * Threads: any; the calling one waits, and the process must ignore SIGPIPE.
 * Source: RFC 5321 s4.2-4.5, RFC 3207, RFC 9525. */
#ifndef DNS_PROBE_H
#define DNS_PROBE_H

#include "base/said.h"
#include "dns/dane.h"
#include "dns/mx.h"

#define PROBE_CONNECT_MS 5000
#define PROBE_WHOLE_MS 10000
#define PROBE_REPLY_BYTES 8192

enum probe_status {
    PROBE_ANSWERED,    /* greeting and EHLO were taken: the rest stands below             */
    PROBE_SILENT,      /* no connection in time: a firewall on the way, or nobody there   */
    PROBE_REFUSED,     /* the host refuses connections to this port                       */
    PROBE_UNREACHABLE, /* no way there from this machine (IPv6 often)                     */
    PROBE_NOT_PUBLIC,  /* its addresses are not public: nothing was dialled               */
    PROBE_UNWELCOME,   /* connected, but a refusal instead of 220 or 250                  */
    PROBE_BROKEN,      /* connected, but no SMTP, closed, or too slow                     */
};

struct probe_rules {
    uint16_t port; /* 0 = 25 */
    const char *helo;
    const char *authority_file;   /* PEM that replaces the system's authorities; NULL = those */
    int64_t connect_ms, whole_ms; /* 0 = the above */
    bool allow_loopback;          /* for tests: 127.0.0.0/8 and ::1 count as public */
    bool allow_private;           /* the setting allow_private_destinations */
};

struct probe {
    enum probe_status status;
    struct said why;     /* unless ANSWERED with working TLS */
    const char *address; /* the one that answered, else the last one tried; "" = none */
    bool starttls;       /* offered */
    bool tls;            /* and the handshake succeeded */
    bool trusted;        /* the chain leads to a known authority and is in its days */
    bool named;          /* the certificate is for this host */
    const char *problem; /* OpenSSL's words where it is not trusted; "" else */
    int64_t expires_ms;  /* last moment of the certificate; 0 = not known */
    struct str *chain;   /* certificates as DER, the host's own first */
    size_t chain_n;
};

void probe_host(const struct probe_rules *rules, const char *host, const struct ip *addresses,
    size_t n, struct arena *a, struct probe *out);

/* Whether a certificate of the chain is one that these TLSA records name (RFC 7672 s3.1: usages 2 and 3). */
bool probe_matches(const struct probe *p, const struct dane *d);

#endif
