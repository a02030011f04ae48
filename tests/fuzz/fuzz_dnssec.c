/* A chain of trust from strangers: anchors, a question, and a packet for each question that the validator asks, one
 * after the other. Signatures count as good here whatever they are, so that the walk and the proofs behind them are
 * reached; what is concluded keeps its promises. Links: dns, base.
 *
 * A seed is: 4 bytes of seconds, then pieces of 2 bytes of length and so many bytes: the anchors as text, the name, and
 * the packets; the type is the name's first byte. */
#include <ldns/ldns.h>
#include <stdlib.h>

#include "dns/dnssec.h"
#include "dns/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In place of the library's, which finds this one first. */
ldns_status ldns_verify_rrsig(ldns_rr_list *set, ldns_rr *signature, ldns_rr *key)
{
    (void)set;
    (void)signature;
    (void)key;
    return LDNS_STATUS_OK;
}

#define QUESTIONS_MAX 48 /* as dnssec_inside.h has it */

struct pieces {
    struct str rest;
    int taken;
};

static struct str next(struct pieces *p)
{
    if (p->rest.n < 2)
        return STR("");
    size_t n = (size_t)(uint8_t)p->rest.p[0] << 8 | (uint8_t)p->rest.p[1];
    struct str piece = str_slice(p->rest, 2, 2 + n);
    p->rest = str_slice(p->rest, 2 + piece.n, p->rest.n);
    return piece;
}

static enum dns_status take(void *state, const char *name, enum dns_type type,
    int64_t until_steady_ns, struct arena *a, struct str *packet)
{
    struct pieces *p = state;
    (void)name;
    (void)type;
    (void)until_steady_ns;
    p->taken++;
    *packet = arena_str(a, next(p));
    return packet->n > 0 ? DNS_FOUND : DNS_TIMEOUT;
}

static void must(bool fact)
{
    if (!fact)
        abort();
}

static void check_verdict(const struct dnssec_verdict *v, const struct pieces *p)
{
    must(p->taken <= QUESTIONS_MAX);
    must((v->status == DNSSEC_SECURE) == said_is_nothing(&v->reason));
    must(v->status != DNSSEC_SECURE || v->answer == DNS_FOUND || v->answer == DNS_NODATA ||
         v->answer == DNS_NXDOMAIN);
    must(v->status != DNSSEC_SECURE || v->chain_n > 0);
    for (size_t i = 0; i < v->chain_n; i++) {
        must(v->chain[i].name[0]);
        must((v->chain[i].status == DNSSEC_SECURE) == said_is_nothing(&v->chain[i].why));
        must(v->status != DNSSEC_SECURE || v->chain[i].status == DNSSEC_SECURE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = {DNS_A, DNS_MX, DNS_TXT, DNS_TLSA, DNS_DS, DNS_CNAME};
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(dnssec_anchors_close) struct dnssec_anchors *anchors = NULL;
    struct clock_fake fake = {0};
    const struct clock clock = clock_of_fake(&fake);
    struct dnssec_verdict v;
    struct err e;

    if (size < 5)
        return 0;
    fake.ms = ((int64_t)data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3]) * 1000;
    struct pieces p = {.rest = str_bytes(data + 4, size - 4)};
    if (!dnssec_anchors_parse(next(&p), "f", &anchors, &e))
        return 0;
    struct str question = next(&p);
    if (question.n == 0)
        return 0;
    size_t type = (uint8_t)question.p[0] % COUNT_OF(types);
    struct dnssec_setup setup = {
        .anchors = anchors, .source = {take, &p}, .clock = &clock, .timeout_ms = 60000};
    AUTO(dnssec_close) struct dnssec *d = dnssec_open(&setup);
    dnssec_check(d, arena_text(a, str_slice(question, 1, question.n)), types[type], a, &v);
    check_verdict(&v, &p);
    return 0;
}
