/* dkim_record -- a DKIM key record in the DNS, parsed and judged (RFC 6376 s3.6.1, 8301, 8463).
 * Results lie in the arena. Any thread. Parsing is pure. */
#ifndef DNS_DKIM_RECORD_H
#define DNS_DKIM_RECORD_H

#include "dns/resolver.h"

enum dkim_record_status {
    DKIM_RECORD_GOOD,
    DKIM_RECORD_ABSENT,    /* NXDOMAIN, NODATA, or no TXT that is a key record */
    DKIM_RECORD_SEVERAL,   /* more than one: undefined (RFC 6376 s3.6.2.2)     */
    DKIM_RECORD_BROKEN,    /* syntax; `why` says where                         */
    DKIM_RECORD_REVOKED,   /* p= empty                                         */
    DKIM_RECORD_TEMPERROR, /* DNS failed                                       */
};

struct dkim_record {
    enum dkim_record_status status;
    struct said why;       /* one sentence when not good */
    struct str text;       /* the record as found */
    struct str public_key; /* p= decoded */
    const char *key_type;  /* "rsa", "ed25519", ... */
    int bits;              /* of an RSA modulus, 256 for ed25519, 0 = unknown */
    bool testing, strict;  /* t=y, t=s */
    bool sha256, email;    /* h= and s= allow sha256 and e-mail */
    uint32_t ttl_s;
};

void dkim_record_find(struct resolver *r, const char *domain, const char *selector, struct arena *a,
    struct dkim_record *out);
/* What a TXT answer that is FOUND holds: one key record, none, or several. */
void dkim_record_take(const struct dns_answer *answer, struct arena *a, struct dkim_record *out);
void dkim_record_parse(struct str text, struct arena *a, struct dkim_record *out);

/* Whether p= is this public key, given as dkim_key_public gives it (SubjectPublicKeyInfo, or 32 raw
 * bytes): the keys are compared, so that a record with a bare RSAPublicKey counts too. */
bool dkim_record_holds(const struct dkim_record *r, struct str public_key);

/* A good record as every verifier reads it: k=, t=s and p= alone, RSA keys as SubjectPublicKeyInfo. */
bool dkim_record_plain(const struct dkim_record *r, struct buf *out);

#endif
