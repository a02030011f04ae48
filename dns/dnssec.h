/* dnssec -- is what the DNS says about a name signed, from the trust anchor down, and where does the chain break?
 *
 * A diagnostic, not a resolver: it asks a resolver for each record with its signatures, beyond that resolver's own
 * verdict (DO and CD), and walks the chain itself: anchor -> DNSKEY -> DS -> DNSKEY -> ... -> the record, aliases
 * included, or the proof that there is none (NSEC, NSEC3, opt-out, wildcards).
 *
 * Shapes: names are lower-case A-labels without a final dot; the root is "" when asked and "." where shown.
 * Units: *_ms are milliseconds since the Unix epoch.
 * Ownership: a verdict lies in the arena given. The resolver, anchors and clock must outlive the handle, which
 * remembers the zones on its way, so that a second check of the same domain costs one question; where the
 * DNS did not answer, the next check asks again.
 * Errors: of dnssec_anchors_open only. What the DNS says is the verdict.
 * Threads: one at a time for each handle; anchors are shared by any.
 * Limits: see dnssec_inside.h; what exceeds them is never secure.
 * Source: RFC 4033-4035, 4509, 5155, 6605, 6840, 8080, 9276, 9905. */
#ifndef DNS_DNSSEC_H
#define DNS_DNSSEC_H

#include "base/said.h"
#include "dns/resolver.h"

enum dnssec_status {
    DNSSEC_SECURE,
    DNSSEC_INSECURE, /* proved to be unsigned, or signed in ways that nobody validates any more */
    DNSSEC_INDETERMINATE, /* the DNS did not answer, or no trust anchor lies above the name          */
    DNSSEC_BOGUS, /* validating receivers see SERVFAIL                                       */
};
const char *dnssec_status_name(enum dnssec_status s); /* "secure", "insecure", ... */

/* ---- what is trusted ------------------------------------------------------------------------- */

#define DNSSEC_ROOT_KEY "/usr/share/dns/root.key" /* of Debian's dns-root-data */

struct dnssec_anchors;

/* DS or DNSKEY records as in a zone file, of the root or of any zone. "" takes DNSSEC_ROOT_KEY, and where it is
 * not there the root's keys of 2017 and 2024, which this program knows. Errors: ERR_INPUT (with the line),
 * ERR_MISSING, ERR_IO, ERR_LIMIT. */
bool dnssec_anchors_open(const char *path, struct dnssec_anchors **out, struct err *e);
void dnssec_anchors_close(struct dnssec_anchors **a);
bool dnssec_anchors_parse(
    struct str text, const char *what, struct dnssec_anchors **out, struct err *e);
struct str dnssec_anchors_known(void); /* the text of those that the program knows */

/* ---- who is asked ---------------------------------------------------------------------------- */

/* A whole packet, NOERROR or NXDOMAIN, with signatures (DNS_FOUND), or why there is none. */
struct dnssec_source {
    enum dns_status (*ask)(void *state, const char *name, enum dns_type type,
        int64_t until_steady_ns, struct arena *a, struct str *packet);
    void *state;
};
struct dnssec_source dnssec_source_of(struct resolver *r);

/* ---- the check ------------------------------------------------------------------------------- */

struct dnssec_setup {
    const struct dnssec_anchors *anchors;
    struct dnssec_source source;
    const struct clock *clock;
    int64_t timeout_ms; /* one check whole; 0 = 15 s */
};

struct dnssec_zone { /* a link of the chain */
    const char *name;
    enum dnssec_status status;
    struct said why;            /* where it is not secure */
    uint16_t entry_tag;         /* of the DNSKEY that the DS or the anchor leads to */
    size_t keys;                /* DNSKEYs that can be used */
    const char *algorithms;     /* of its DNSKEYs: "ECDSAP256SHA256"; "" where none are known */
    bool old_algorithm;         /* RSASHA1 and older, or a DS with SHA-1 alone */
    int64_t starts_ms, ends_ms; /* of the signature seen here that ends first; 0 = none */
    const char *ends_what;      /* "DNSKEY shop.example" */
};

struct dnssec_verdict {
    enum dnssec_status status;
    enum dns_status answer; /* FOUND, NXDOMAIN, NODATA, or how the DNS failed */
    struct said reason;     /* nothing when secure */
    const char *at;         /* the name at which the chain breaks or ends; "" when secure */
    const struct dnssec_zone *chain; /* of the last name along the aliases, from the anchor down */
    size_t chain_n;
};

struct dnssec;

struct dnssec *dnssec_open(const struct dnssec_setup *s);
void dnssec_close(struct dnssec **d);
void dnssec_check(struct dnssec *d, const char *name, enum dns_type type, struct arena *a,
    struct dnssec_verdict *out);

#endif
