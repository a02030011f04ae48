/* zone -- the DNS records of a storefront as a master file: what to publish, and what the sandbox
 * answers with. Texts are appended.
 * Errors: keys that do not load. Any thread.
 * Source: RFC 1035 s5. */
#ifndef MAILER_CLI_ZONE_H
#define MAILER_CLI_ZONE_H

#include "base/arena.h"
#include "base/conf.h"
#include "mailer/mime/dkim.h"

/* The domain that a dkim section signs for: d=, lower-case A-labels. */
bool zone_key_domain(const struct conf_storefront *s, const struct conf_dkim *d, struct arena *a,
    struct str *out, struct err *e);

/* "name. 300 IN TXT ( ... )", strings of at most 255 octets, escaped where they need it. */
void zone_add_txt(struct buf *out, const char *name, struct str text);

/* The key that signs for one dkim section, which is another than it names once a rotation has come so far (rotation.h); its domain is the From domain where the section names none. */
bool zone_open_key(const struct conf_storefront *s, const struct conf_dkim *d, struct arena *a,
    struct dkim_key **out, struct err *e);

/* "sel._domainkey.shop.example. 300 IN TXT ( ... )", strings of at most 255 octets. */
void zone_add_key(struct buf *out, const struct dkim_key *key);

/* A whole zone with $ORIGIN, SOA and NS for the From domain: the DKIM keys of every storefront that
 * sends from it, DMARC, the return path's MX and SPF. What lies in another zone is told in a comment. */
bool zone_of_storefront(const struct conf *c, const struct conf_storefront *s, struct arena *a,
    struct buf *out, struct err *e);

/* Whether an earlier storefront of the settings has the From domain of number i, so that its zone is
 * written already. */
bool zone_is_shared(const struct conf *c, size_t i, struct arena *a);

/* The sandbox's receiver, which has an address in this zone. */
#define ZONE_RECEIVER "mx.sandbox.invalid"

/* Everybody else, for the sandbox: every other name takes mail at 127.0.0.1. */
void zone_of_the_world(struct buf *out);

#endif
