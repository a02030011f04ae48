/* spf -- may this address send for this domain (SPF, RFC 7208), and how that came about.
 * Shapes: helo and mail_from are as the client gave them; mail_from "" is the null reverse-path, for which
 * postmaster@HELO is checked (s2.4). An IPv4-mapped IPv6 address counts as IPv4 (s5).
 * Ownership: results lie in the arena. Any thread. Cannot fail: what the DNS says is the result.
 * Limits: ten terms that ask the DNS, two that find nothing, ten MX and PTR names, SPF_TIME_MAX_MS whole
 * (a question under way may end after it, by the resolver's own time-out).
 * Source: RFC 7208. */
#ifndef DNS_SPF_H
#define DNS_SPF_H

#include "dns/mx.h"

#define SPF_TIME_MAX_MS 20000

enum spf_result {
    SPF_NONE,
    SPF_NEUTRAL,
    SPF_PASS,
    SPF_FAIL,
    SPF_SOFTFAIL,
    SPF_TEMPERROR,
    SPF_PERMERROR,
};
const char *spf_result_name(enum spf_result r); /* "none", "neutral", ... as in RFC 7208 s2.6 */

struct spf_question {
    struct ip ip;
    struct str helo, mail_from;
    struct str receiver; /* who asks, for %{r}; "" = "unknown" */
    const struct clock *clock;
};

struct spf_verdict {
    enum spf_result result;
    const char *identity;    /* the domain checked: of mail_from, else HELO */
    const char *domain;      /* whose record decided, after redirects; "" = none did */
    const char *mechanism;   /* as published, of that record; "default" when none matched (s4.7);
                                    "" when there was no decision */
    const char *explanation; /* of exp=, only on fail; "" = none */
    const char *problem;     /* one sentence for none, temperror and permerror; else "" */
    unsigned lookups;        /* terms evaluated that ask the DNS; the one too many counts too */
    unsigned void_lookups;   /* those of them that met an empty answer or NXDOMAIN */
    const char *const *path; /* records read, terms that asked or matched, in order; printable */
    size_t path_n;
    uint32_t ttl_s; /* how long the answers hold; 0 after a failure */
};
void spf_check(
    struct resolver *r, const struct spf_question *q, struct arena *a, struct spf_verdict *out);

#endif
