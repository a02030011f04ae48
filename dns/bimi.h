/* bimi -- the BIMI assertion record at SELECTOR._bimi.DOMAIN, parsed and judged. The logo behind l= is bimi_svg.h,
 * the certificate behind a= is bimi_mark.h, both get pages through web.h.
 * bimi_find asks exactly the name given: receivers that find nothing at the author domain ask the organizational
 * domain, which is the caller's to know (dmarc_walk).
 * Results lie in the arena; texts point into the record. Any thread. Parsing is pure.
 * Source: draft-brand-indicators-for-message-identification s4. */
#ifndef DNS_BIMI_H
#define DNS_BIMI_H

#include "dns/resolver.h"

#define BIMI_MAX_NOTES 16

enum bimi_status {
    BIMI_GOOD,
    BIMI_ABSENT,    /* NXDOMAIN, NODATA, or no TXT that begins with v=BIMI1 */
    BIMI_DECLINED,  /* l= and a= empty: the domain asks for no logo          */
    BIMI_SEVERAL,   /* more than one: receivers take none                    */
    BIMI_BROKEN,    /* syntax, no l=, a URL that is not https                */
    BIMI_TEMPERROR, /* DNS failed                                            */
};

struct bimi_record {
    enum bimi_status status;
    struct said why;  /* one sentence when not good */
    struct str text;  /* the record as found; of several, the first */
    const char *logo; /* l=, an https URL; "" = none */
    const char
        *evidence; /* a=, an https URL; "" = none: most mailbox providers then show no logo */
    const char *const *notes; /* repeated or unknown tags: one sentence each */
    size_t notes_n;
    uint32_t ttl_s;
};

void bimi_parse(struct str text, struct arena *a, struct bimi_record *out);
void bimi_find(struct resolver *r, const char *domain, const char *selector, struct arena *a,
    struct bimi_record *out);

#endif
