/* mta_sts -- MTA-STS by RFC 8461: the TXT record at _mta-sts, the policy behind it, which MX it covers.
 * A domain has a policy when mta_sts_find is GOOD *and* mta_sts_fetch is GOOD; each says by itself what is wrong.
 * Shapes: names are lower-case A-labels without a final dot. Results lie in the arena; texts point into what was
 * parsed. Any thread. Parsing and matching are pure. */
#ifndef DNS_MTA_STS_H
#define DNS_MTA_STS_H

#include "dns/web.h"

#define MTA_STS_MAX_MX 64
#define MTA_STS_MAX_NOTES 16
#define MTA_STS_MAX_AGE_S 31557600 /* RFC 8461 s3.2: about a year */
#define MTA_STS_SHORT_AGE_S 86400  /* s3.2: "weeks or greater"; a day protects little */

/* ---- the record (s3.1) ------------------------------------------------------------------------------ */

enum mta_sts_status {
    MTA_STS_GOOD,
    MTA_STS_ABSENT,    /* NXDOMAIN, NODATA, or no TXT that begins with v=STSv1 */
    MTA_STS_SEVERAL,   /* more than one: senders act as if there were none     */
    MTA_STS_BROKEN,    /* syntax, id= missing: the same                        */
    MTA_STS_TEMPERROR, /* DNS failed                                           */
};

struct mta_sts_record {
    enum mta_sts_status status;
    struct said why; /* one sentence when not good */
    struct str text; /* the record as found; of several, the first */
    struct str id;
    const char *const *notes; /* repeated or unknown fields, one sentence each */
    size_t notes_n;
    uint32_t ttl_s;
};

void mta_sts_parse_record(struct str text, struct arena *a, struct mta_sts_record *out);
void mta_sts_find(
    struct resolver *r, const char *domain, struct arena *a, struct mta_sts_record *out);

/* ---- the policy (s3.2) ------------------------------------------------------------------------------ */

enum mta_sts_mode { MTA_STS_MODE_NONE, MTA_STS_MODE_TESTING, MTA_STS_MODE_ENFORCE };
const char *mta_sts_mode_name(enum mta_sts_mode m); /* "none", "testing", "enforce" */

enum mta_sts_policy_status {
    MTA_STS_POLICY_GOOD,
    MTA_STS_POLICY_BROKEN,      /* syntax, or a field that is missing                           */
    MTA_STS_POLICY_UNREACHABLE, /* no page: `page` says whether TLS, HTTP status, redirect, ...  */
    MTA_STS_POLICY_TEMPERROR,   /* the DNS did not answer for the policy host: nothing is known  */
};

struct mta_sts_policy {
    enum mta_sts_policy_status status;
    struct said why; /* one sentence when not good */
    struct str text; /* the page as found */
    enum mta_sts_mode mode;
    uint32_t max_age_s;
    const char *const *mx; /* patterns, lower case: "mx.shop.example", "*.shop.example" */
    size_t mx_n;
    const char *const
        *notes; /* repeated or unknown fields, another media type, ...: one sentence each */
    size_t notes_n;
    const char *url;            /* "" when only parsed */
    enum fetch_status page;     /* FETCH_OK when only parsed */
    int http_status;            /* 0 when none or only parsed */
    const char *content_type;   /* "" when none or only parsed */
    bool content_type_is_plain; /* text/plain, as s3.2 demands; true when only parsed */
};

void mta_sts_parse_policy(struct str text, struct arena *a, struct mta_sts_policy *out);
/* GETs https://mta-sts.DOMAIN/.well-known/mta-sts.txt (s3.3): no redirects, 200 only, 64 KB, 60 s. */
void mta_sts_fetch(
    const struct web *w, const char *domain, struct arena *a, struct mta_sts_policy *out);

/* Whether the policy lists this MX host: "*." stands for exactly one left-most label (s4.1). */
bool mta_sts_covers(const struct mta_sts_policy *p, const char *mx_host);

#endif
