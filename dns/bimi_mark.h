/* bimi_mark -- the mark certificate (VMC or CMC) behind a BIMI record's a=: its dates, its names, its logo extension.
 * The chain is not verified against the mark authorities' roots, which no system ships: GOOD says that nothing in the
 * certificate itself speaks against it.
 * Units: *_ms are milliseconds since the Unix epoch, UTC.
 * Results lie in the arena. Any thread. bimi_mark_check is pure.
 * Source: RFC 3709 (logotype), draft-fetch-validation-vmc-wchuang, RFC 5280. */
#ifndef DNS_BIMI_MARK_H
#define DNS_BIMI_MARK_H

#include "dns/web.h"

#define BIMI_MARK_MAX_BYTES (1 << 18)
#define BIMI_MARK_MAX_NAMES 64
#define BIMI_MARK_SOON_MS ((int64_t)14 * 86400 * 1000)

enum bimi_mark_status {
    BIMI_MARK_GOOD,
    BIMI_MARK_FAULTY,
    BIMI_MARK_NOT_CHECKED, /* DNS failed, or too large to look at                    */
    BIMI_MARK_UNREACHABLE, /* no page: `page` says whether TLS, HTTP status, timeout */
};

/* Bits, so that a reader of codes need not read sentences. */
enum bimi_mark_fault {
    BIMI_MARK_NOT_PEM = 1 << 0, /* no certificate could be read                              */
    BIMI_MARK_EXPIRED = 1 << 1, /* notAfter is past                                          */
    BIMI_MARK_NOT_YET = 1 << 2, /* notBefore is to come                                      */
    BIMI_MARK_SOON = 1 << 3,    /* ends within 14 days: advice                               */
    BIMI_MARK_WRONG_NAME =
        1 << 4, /* no SAN is the domain, its organizational domain or SELECTOR._bimi of these */
    BIMI_MARK_NO_LOGOTYPE = 1 << 5, /* without the logotype extension (1.3.6.1.5.5.7.1.12)       */
    BIMI_MARK_NO_PURPOSE = 1 << 6,  /* without the BIMI extended key usage (1.3.6.1.5.5.7.3.31)  */
};

struct bimi_mark {
    enum bimi_mark_status status; /* SOON alone leaves it good */
    struct said why;              /* one sentence when not good or soon: the worst fault */
    unsigned faults;              /* enum bimi_mark_fault */
    const struct said *details;   /* one sentence for each fault */
    size_t details_n;
    int64_t not_before_ms, not_after_ms;
    const char *const *names; /* DNS names of the SAN, lower case */
    size_t names_n;
    const char *subject, *issuer; /* one line each, organisation and common name */
    size_t chain_n;               /* certificates in the file */
    const char *url;              /* "" when only checked */
    enum fetch_status page;       /* FETCH_OK when only checked */
    int http_status;
};

/* org_domain may be "" (unknown). */
struct bimi_mark_owner {
    const char *domain, *org_domain, *selector;
};

void bimi_mark_check(struct str pem, const struct bimi_mark_owner *owner, int64_t now_ms,
    struct arena *a, struct bimi_mark *out);
void bimi_mark_fetch(const struct web *w, const char *url, const struct bimi_mark_owner *owner,
    int64_t now_ms, struct arena *a, struct bimi_mark *out);

#endif
