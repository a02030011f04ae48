/* tls_rpt -- the TLS reporting record at _smtp._tls, parsed and judged (RFC 8460 s3).
 * Results lie in the arena; texts point into the record. Any thread. Parsing is pure. */
#ifndef DNS_TLS_RPT_H
#define DNS_TLS_RPT_H

#include "dns/resolver.h"

#define TLS_RPT_MAX_URIS 16
#define TLS_RPT_MAX_NOTES 16

enum tls_rpt_status {
    TLS_RPT_GOOD,
    TLS_RPT_ABSENT,    /* NXDOMAIN, NODATA, or no TXT that begins with v=TLSRPTv1 */
    TLS_RPT_SEVERAL,   /* more than one: senders act as if there were none        */
    TLS_RPT_BROKEN,    /* syntax, or no rua= that can be used                     */
    TLS_RPT_TEMPERROR, /* DNS failed                                              */
};

struct tls_rpt_uri {
    struct str uri;   /* as written */
    bool mailto;      /* else https */
    const char *host; /* that takes the reports, lower case */
};

struct tls_rpt_record {
    enum tls_rpt_status status;
    struct said why;                /* one sentence when not good */
    struct str text;                /* the record as found; of several, the first */
    const struct tls_rpt_uri *uris; /* the usable ones */
    size_t uris_n;
    const char *const
        *notes; /* URIs of other schemes, repeated or unknown fields: one sentence each */
    size_t notes_n;
    uint32_t ttl_s;
};

void tls_rpt_parse(struct str text, struct arena *a, struct tls_rpt_record *out);
void tls_rpt_find(
    struct resolver *r, const char *domain, struct arena *a, struct tls_rpt_record *out);

#endif
