/* audit_world -- a healthy shop as a zone, taken apart and changed by the cases of test_audit*.c.
 * Everything lies in one zone file at the root, so that nothing is ever unknown but what a case makes so. */
#ifndef TESTS_DNS_AUDIT_WORLD_H
#define TESTS_DNS_AUDIT_WORLD_H

#include "dns/audit/audit.h"
#include "tests/dns/world.h"

#define RSA_2048                                                                                   \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA7Kq3OZBGup30JCVzzVouJc2U7FCa0G1B"                 \
    "uxlPNuQe8A0yK9pNG3OYGfmIefcXDJTBoz6d4d1uyoh5P38eN9tjK3oajTKV34O9+z0PJtq6z8Od"                 \
    "StOAcIzQ62m1sQeH63znC6yikt2bLr4wQ1qs+n8jpJAcrpvVYUQRPAUIK/BLat4Gb1tijMV+IisX"                 \
    "SdxdcKPuDeh4XDxxhKhqm0055MjrtPeGehSbHGy/3kiwQj/X19/YeKIpzO1y/ZQMZDAjO38FJfIf"                 \
    "b63RSYZn7rreRq2Z5w+7TGO5dRoNjq7WcmYp1FlL9ErkCgWVyi33YbZJENAIZ/kZeguUH6Z9f03R"                 \
    "wxYDRwIDAQAB"
#define RSA_2048_OTHER                                                                             \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0iY5BFVuNyoVnSWsojfIlAAqryxSMJUg"                 \
    "YebC9bMH+KaZmZA9OI9uUPvUYsjTNUf+iPmdTm5xqfE6nHR8kL2OMla6EH9gt73whmgmVhgLdI/H"                 \
    "fRufuInxLcCiwD4A160ZfPyXDnRQKT2hK3z1Uk6UHPXo1KBK9e8Txrvwmh9AII+csraMHpskIVNH"                 \
    "oadunRiml8QrojF8HAMlJpqwVq0OKVYXnpq4MAQ1MYe7gJoqXNWB5b8xO3TUtrPSCt8Rjwgv4rG/"                 \
    "OoDmlsrOr0wrQXYIwHKHhn08V1j44UgTP162Gw1Mdfu6yiVsCXsqt+bnFGdvawd2wjsLpwCZUau6"                 \
    "i6h6IwIDAQAB"
#define RSA_1024                                                                                   \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDJUADp2mWSti/z1iLO1clghOi2wLrv/FFms0Bu"                 \
    "bkqLWxCs2HHM6RUw5KfqlPZosPEI6/jxUL282Ugk1h0CnnjMcOuylN1X1herxhsNkk2M6GklJ75A"                 \
    "X1tCrtQ+x+x8u7xcJ4rWk9NdUaHoEEN63nPaYOBPDaw5AZg+WX4n8uXWJQIDAQAB"
#define RSA_512                                                                                    \
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBANUQ14us77UIr9SatE6kO3d3mSC8ae2un6a2ztw67u5E"                 \
    "bvA4vnuIktPPZsySwYpKhxaPLQxHeXZeuD1Zqdh0C3cCAwEAAQ=="
#define ED25519 "bIqGq7dYSZFOTwrFcIMsQwups9sOD0f9fXy9JJ4fbLs="

#define SHOP_LINES 128

struct shop { /* records, each "name type rest" with the name absolute */
    struct world world;
    const char *lines[SHOP_LINES];
    size_t lines_n;
    struct audit_setup setup;
    struct audit_key keys[4];
    struct ip addresses[4];
    const char *page; /* what stands behind every URL; "" = nobody answers there */
    struct web web;
};

/* The healthy shop: news from shop.example, return path bounce.shop.example, one host, one RSA key of ours. */
void shop_begin(struct shop *s);
void shop_end(struct shop *s);

/* Takes away all records of "name type" (several separated by ","), then adds lines (separated by "\n"). */
void shop_change(struct shop *s, const char *remove, const char *add);

/* One record more; and the proposal of a finding, which takes the place of all records of its name and type. */
void shop_add(struct shop *s, const struct audit_record *r);
void shop_publish(struct shop *s, const struct audit_finding *f);

/* Writes the zone and audits the shop; fails where a sentence of the report cannot be told in other languages. */
void shop_audit(struct shop *s, struct audit_report *out);

const struct audit_finding *shop_finding(const struct audit_report *r, const char *code);
/* The finding of the same code about the same name. */
const struct audit_finding *shop_same(const struct audit_report *r, const struct audit_finding *f);
const struct audit_gap *shop_gap(const struct audit_report *r, const char *code);

/* The DNS key itself, as our side knows it. */
struct str shop_public_key(struct shop *s, const char *base64);

#endif
