/* signing -- what the DKIM suites share: a key of each kind, the zone that shows them, signed mails. */
#ifndef TESTS_MAILER_MIME_SIGNING_H
#define TESTS_MAILER_MIME_SIGNING_H

#include "mailer/mime/dkim.h"

#define ZONE_MAX 8

struct zone_record {
    char name[128];
    enum dkim_lookup answer;
    struct buf text;
};

struct zone {
    struct zone_record records[ZONE_MAX];
    size_t n;
    size_t lookups; /* how often it was asked */
};

/* The key "rsa" and the key "ed" of shop.example. */
struct signing {
    struct dkim *dkim;
    struct dkim_key *rsa, *ed25519;
    struct zone zone;
    struct dkim_source source; /* reads `zone` */
};

void signing_open(struct signing *s, bool body_simple);
void signing_close(struct signing *s);

void zone_add(struct zone *z, const char *name, enum dkim_lookup answer, struct str text);
void zone_close(struct zone *z);
struct dkim_source zone_source(struct zone *z);

/* The mail of a case with the signatures of both keys before it. */
void signing_mail(struct signing *s, size_t mail_case, struct buf *out);

#endif
