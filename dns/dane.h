/* dane -- the TLSA records of a mail host at _25._tcp.HOST, and what a sender may build on them (RFC 7672).
 * No TLS connection is made. "Secure" is what resolver.h says: the AD bit of a resolver that we trust.
 * The MX answer must be secure too: that one is the caller's question.
 * Results lie in the arena. Any thread. Parsing is pure. */
#ifndef DNS_DANE_H
#define DNS_DANE_H

#include "dns/resolver.h"

#define DANE_MAX_RECORDS 32

enum dane_status {
    DANE_USABLE, /* secure, at least one usable record: TLS with that key, or no delivery         */
    DANE_UNUSABLE, /* secure records, none usable: TLS is mandatory, unauthenticated (s2.2)         */
    DANE_ABSENT, /* no TLSA record                                                                */
    DANE_INSECURE, /* records, but TLSA or address answer not DNSSEC-validated: senders ignore them */
    DANE_TEMPERROR, /* bogus, SERVFAIL or timeout: senders skip the host or defer, never downgrade   */
};

struct dane_record {
    uint8_t usage, selector, matching;
    struct str data; /* certificate association data, bytes */
    bool
        usable; /* for SMTP: DANE-TA(2) or DANE-EE(3), known selector and matching type, sound data */
    struct said why;  /* one sentence when not usable */
    const char *text; /* "3 1 1 8CB0..." in upper case, ready to publish */
};

struct dane {
    enum dane_status status;
    struct said why;  /* one sentence when not usable */
    const char *name; /* "_25._tcp.mx.shop.example" */
    const struct dane_record *records;
    size_t n, usable_n;
    bool more;             /* there were more than DANE_MAX_RECORDS */
    bool secure;           /* AD of the TLSA answer */
    bool addresses_secure; /* AD of every address answer that was found */
    uint32_t ttl_s;
};

/* False: shorter than its three numbers. */
bool dane_parse(struct str rdata, struct arena *a, struct dane_record *out);
/* Asks for the addresses of the host and for its TLSA records. */
void dane_find(struct resolver *r, const char *mx_host, struct arena *a, struct dane *out);

#endif
