/* dmarc -- DMARC by RFC 9989: record syntax, tree walk, policy, alignment.
 * Shapes: domains are lower-case A-labels without a final dot. Results lie in the arena. Any thread.
 * A DNS error anywhere in a walk that decides gives temperror, never a negative answer. */
#ifndef DNS_DMARC_H
#define DNS_DMARC_H

#include "dns/resolver.h"

enum dmarc_policy { DMARC_POLICY_ABSENT, DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT };
const char *dmarc_policy_name(enum dmarc_policy p); /* "none", ... ; "" when absent */

struct dmarc_record { /* RFC 9989 s4.7-4.8; absent tags have their defaults */
    bool valid;       /* begins with v=DMARC1 */
    struct str text;
    enum dmarc_policy p, sp, np; /* ABSENT where missing or not valid */
    bool bad_p, bad_sp, bad_np;  /* present with a value that does not exist */
    char adkim, aspf;            /* 'r' or 's' */
    char psd;                    /* 'y', 'n' or 'u' */
    bool testing;                /* t=y */
    struct str rua, ruf, fo;
    bool has_valid_rua;
    const char *const *removed; /* pct, rf, ri: tags that RFC 9989 took away, as found */
    size_t removed_n;
    const struct said *notes; /* repeated or unknown tags, bad values, one sentence each */
    size_t notes_n;
};
void dmarc_parse(struct str text, struct arena *a, struct dmarc_record *out);

/* What one walk from `start` found. */
struct dmarc_walk {
    enum dns_status status;     /* FOUND: a record was found; NODATA: none; else a failure */
    const char *org_domain;     /* `start` if nothing was found; after a failure, as far as known */
    const char *record_domain;  /* whose record applies: start, org domain or PSD; "" = none */
    struct dmarc_record record; /* that one */
    const char *const *queries; /* "_dmarc.shop.example", ... in the order asked */
    size_t queries_n;
    uint32_t ttl_s;
};
void dmarc_walk(struct resolver *r, const char *start, struct arena *a, struct dmarc_walk *out);

/* One authenticated identifier, as SPF or DKIM gave it. */
struct dmarc_identity {
    const char *domain;
    const char *result; /* "pass" counts, anything else does not; "temperror" is remembered */
};

enum dmarc_result { DMARC_PASS, DMARC_FAIL, DMARC_NO_RECORD, DMARC_TEMPERROR, DMARC_PERMERROR };
/* "pass" "fail" "none" "temperror" "permerror" */
const char *dmarc_result_name(enum dmarc_result r);

enum dmarc_lack {              /* why no record applies */
    DMARC_LACKS_RECORD,        /* there is none                                        */
    DMARC_LACKS_SINGLE_RECORD, /* several stand at one name and cancel each other      */
    DMARC_LACKS_POLICY,        /* it has neither a valid policy nor anybody to report to */
};

struct dmarc_verdict {
    enum dmarc_result result;
    enum dmarc_lack lack;                   /* for DMARC_NO_RECORD */
    const char *org_domain, *policy_domain; /* "" = none; as in struct dmarc_walk after a failure */
    enum dmarc_policy policy;               /* after p/sp/np */
    enum dmarc_policy effective_policy;     /* after t=y */
    char adkim, aspf;
    bool spf_aligned, dkim_aligned; /* a passing identity that is aligned */
    const char *const *queries;     /* the walk from the author domain */
    size_t queries_n;
    uint32_t ttl_s;
    struct said why; /* one sentence */
};
void dmarc_check(struct resolver *r, const char *from_domain,
    const struct dmarc_identity *spf_or_null, const struct dmarc_identity *dkim, size_t dkim_n,
    struct arena *a, struct dmarc_verdict *out);

/* Whether two domains align; relaxed asks their organizational domains. *temperror: DNS failed. */
bool dmarc_aligned(struct resolver *r, const char *from_domain, const char *other, char mode,
    struct arena *a, bool *temperror);

#endif
