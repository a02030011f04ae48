/* dnsbl -- whether an address or a name stands on a list of senders of spam that is published in the DNS.
 * A list is asked for its test points too: one that must be listed and one that must not. A list that is dead,
 * answers everything, or does not serve this resolver (Spamhaus answers 127.255.255.x to public ones) is
 * DNSBL_UNUSABLE: nothing is known, neither "listed" nor "clean".
 * Results lie in the arena. Any thread. Cannot fail: what the DNS says is the result.
 * Source: RFC 5782; https://www.spamhaus.org/faqs/dnsbl-usage/ (return codes). */
#ifndef DNS_DNSBL_H
#define DNS_DNSBL_H

#include "base/said.h"
#include "dns/mx.h"

struct dnsbl_list {
    const char *zone;
    bool names; /* lists domain names, else addresses */
    bool ipv6;  /* lists IPv6 addresses too */
    bool large; /* large receivers refuse what it lists */
    const char *must,
        *not ; /* test points of a list of names; "" = those of RFC 5782: "test", "invalid" */
    const char *source; /* where its conditions stand; "" = not known */
};

/* A few lists that anybody may ask for little, from a resolver of one's own. */
size_t dnsbl_usual(const struct dnsbl_list **out);

enum dnsbl_status {
    DNSBL_CLEAN,
    DNSBL_LISTED,
    DNSBL_UNUSABLE, /* the list answers wrongly about its own test points, or refuses us */
    DNSBL_FAILED,   /* the DNS did not answer */
};

struct dnsbl_answer {
    enum dnsbl_status status;
    const char *question;    /* "7.100.51.198.zen.spamhaus.org" */
    const char *code;        /* "127.0.0.2"; "" = none */
    const char *reason;      /* the list's own words (TXT); "" = none */
    struct said why;         /* of UNUSABLE */
    enum dns_status failure; /* of FAILED */
    const char *failed_name; /* of FAILED: what the DNS did not answer for */
};

void dnsbl_ask_address(struct resolver *r, const struct dnsbl_list *l, const struct ip *ip,
    struct arena *a, struct dnsbl_answer *out);
void dnsbl_ask_name(struct resolver *r, const struct dnsbl_list *l, const char *name,
    struct arena *a, struct dnsbl_answer *out);

#endif
