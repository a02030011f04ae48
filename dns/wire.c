#include "dns/wire.h"

#include "dns/name.h"
#include "dns/rr.h"

#include <stdlib.h>

#define HEADER_BYTES 12
#define FLAG_RESPONSE 0x80 /* in byte 2, with the opcode in 0x78 and TC */
#define OPCODE_MASK 0x78
#define FLAG_TRUNCATED 0x02
#define RCODE_MASK 0x0f /* in byte 3 */

struct wire_answer {
    const char *question;
    uint16_t type;
    struct rr *rrs;
    size_t n;
    bool nxdomain, secure, authoritative, has_soa;
    uint32_t negative_ttl_s;
};

static void close_packet(ldns_pkt **p)
{
    ldns_pkt_free(*p);
}

static void close_bytes(uint8_t **p)
{
    free(*p);
}

struct wire_name {
    uint8_t b[NAME_WIRE_MAX];
    size_t n;
};

/* As it goes out; empty when it cannot be asked. Lengths of labels are below the letters, so that all its bytes may be treated alike. */
static void name_as_sent(const struct wire_question *q, struct wire_name *out)
{
    out->n = name_to_wire(q->name, out->b);
    for (size_t i = 0; i + 1 < out->n; i++) {
        uint8_t *b = &out->b[i + 1];
        if (q->mix[i / 8] >> i % 8 & 1 && *b >= 'a' && *b <= 'z')
            *b = (uint8_t)(*b - 'a' + 'A');
    }
}

size_t wire_write(const struct wire_question *q, uint8_t out[WIRE_QUESTION_MAX])
{
    struct wire_name sent;
    name_as_sent(q, &sent);
    ldns_rdf *name = sent.n > 0 ? ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, sent.n, sent.b) : NULL;
    if (!name)
        return 0;
    AUTO(close_packet)
    ldns_pkt *packet = ldns_pkt_query_new(name, (ldns_rr_type)rr_type_number(q->type),
        LDNS_RR_CLASS_IN, q->direct ? 0 : LDNS_RD | LDNS_AD);
    if (!packet)
        return 0;
    ldns_pkt_set_id(packet, q->id);
    if (q->edns)
        ldns_pkt_set_edns_udp_size(packet, WIRE_UDP_MAX);
    if (q->edns && q->dnssec)
        ldns_pkt_set_edns_do(packet, true);
    ldns_pkt_set_cd(packet, q->dnssec); /* what a validating server would refuse to say, too */
    AUTO(close_bytes) uint8_t *bytes = NULL;
    size_t n = 0;
    if (ldns_pkt2wire(&bytes, packet, &n) != LDNS_STATUS_OK || n > WIRE_QUESTION_MAX)
        return 0;
    memcpy(out, bytes, n);
    return n;
}

static uint16_t number16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* Reads the name at `at`, which servers never compress here, and moves `at` behind it. */
static bool name_is_ours(const struct wire_question *q, struct str bytes, size_t *at, bool *exact)
{
    struct wire_name sent;
    name_as_sent(q, &sent);
    const uint8_t *have = (const uint8_t *)bytes.p + *at;
    if (sent.n == 0 || bytes.n - *at < sent.n)
        return false;
    for (size_t i = 0; i < sent.n; i++)
        if (lower(have[i]) != lower(sent.b[i]))
            return false;
    *exact = memcmp(have, sent.b, sent.n) == 0;
    *at += sent.n;
    return true;
}

/* RFC 5452 s9.1. */
static bool question_is_ours(const struct wire_question *q, struct str bytes, bool *exact)
{
    const uint8_t *p = (const uint8_t *)bytes.p;
    size_t at = HEADER_BYTES;

    return number16(p + 4) == 1 && name_is_ours(q, bytes, &at, exact) && bytes.n - at >= 4 &&
           number16(p + at) == rr_type_number(q->type) && number16(p + at + 2) == LDNS_RR_CLASS_IN;
}

static enum wire_kind kind_of_rcode(unsigned rcode, bool edns)
{
    switch (rcode) {
    case LDNS_RCODE_NOERROR:
    case LDNS_RCODE_NXDOMAIN:
        return WIRE_ANSWER;
    case LDNS_RCODE_SERVFAIL:
        return WIRE_SERVFAIL;
    case LDNS_RCODE_FORMERR:
    case LDNS_RCODE_NOTIMPL:
        return edns ? WIRE_NO_EDNS : WIRE_REFUSED;
    default:
        return WIRE_REFUSED;
    }
}

static struct wire_answer *gather(
    const struct wire_question *q, const ldns_pkt *packet, struct arena *a)
{
    struct wire_answer *out = ARENA_NEW(a, struct wire_answer);
    const ldns_rr_list *answers = ldns_pkt_answer(packet), *authority = ldns_pkt_authority(packet);

    out->question = arena_text(a, str_of(q->name));
    out->type = rr_type_number(q->type);
    out->nxdomain = ldns_pkt_get_rcode(packet) == LDNS_RCODE_NXDOMAIN;
    out->secure = ldns_pkt_ad(packet);
    out->authoritative = ldns_pkt_aa(packet);
    out->rrs = arena_array(a, ldns_rr_list_rr_count(answers), sizeof *out->rrs);
    for (size_t i = 0; i < ldns_rr_list_rr_count(answers); i++)
        if (rr_read(ldns_rr_list_rr(answers, i), a, &out->rrs[out->n]))
            out->n++;
    for (size_t i = 0; i < ldns_rr_list_rr_count(authority) && !out->has_soa; i++)
        out->has_soa = rr_negative_ttl(ldns_rr_list_rr(authority, i), &out->negative_ttl_s);
    return out;
}

enum wire_kind wire_read(const struct wire_question *q, struct str bytes, struct arena *a,
    const struct wire_answer **out)
{
    const uint8_t *p = (const uint8_t *)bytes.p;
    if (bytes.n < HEADER_BYTES || number16(p) != q->id ||
        (p[2] & (FLAG_RESPONSE | OPCODE_MASK)) != FLAG_RESPONSE)
        return WIRE_NOT_OURS;
    enum wire_kind kind = kind_of_rcode(p[3] & RCODE_MASK, q->edns);
    /* A server that could not read the question may leave it out (RFC 6891 s7). */
    if (kind != WIRE_ANSWER && number16(p + 4) == 0)
        return kind;
    bool exact;
    if (!question_is_ours(q, bytes, &exact))
        return WIRE_NOT_OURS;
    if (!exact && !q->any_case)
        return WIRE_FOLDED;
    if (kind != WIRE_ANSWER)
        return kind;
    if (p[2] & FLAG_TRUNCATED)
        return WIRE_TRUNCATED;
    AUTO(close_packet) ldns_pkt *packet = NULL;
    if (ldns_wire2pkt(&packet, p, bytes.n) != LDNS_STATUS_OK)
        return WIRE_GARBAGE;
    /* BADVERS and its kin have their upper bits in the OPT record, behind a NOERROR. */
    if (ldns_pkt_edns(packet) && ldns_pkt_edns_extended_rcode(packet) != 0)
        return WIRE_NO_EDNS;
    /* RFC 3225 s3: who knows DNSSEC repeats the bit. From others no signature says nothing about the zone. */
    if (q->dnssec && !ldns_pkt_edns_do(packet))
        return WIRE_SERVFAIL;
    *out = gather(q, packet, a);
    return WIRE_ANSWER;
}

void wire_mark_truncated(uint8_t *bytes)
{
    bytes[2] |= FLAG_TRUNCATED;
}

static bool rr_is(const struct rr *r, const char *owner, uint16_t type)
{
    return r->type == type && strcmp(r->owner, owner) == 0;
}

static const struct rr *find_alias(const struct wire_answer *w, const char *name)
{
    for (size_t i = 0; i < w->n && w->type != LDNS_RR_TYPE_CNAME; i++)
        if (rr_is(&w->rrs[i], name, LDNS_RR_TYPE_CNAME))
            return &w->rrs[i];
    return NULL;
}

static void gather_records(
    const struct wire_answer *w, const char *name, struct arena *a, struct dns_step *out)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += rr_is(&w->rrs[i], name, w->type);
    if (n > DNS_MAX_RECORDS) {
        out->status = DNS_BAD;
        return;
    }
    struct dns_record *records = arena_array(a, n, sizeof *records);
    for (size_t i = 0; i < w->n; i++)
        if (rr_is(&w->rrs[i], name, w->type)) {
            uint32_t ttl = w->rrs[i].ttl_s;
            out->ttl_s = out->n == 0 || ttl < out->ttl_s ? ttl : out->ttl_s;
            records[out->n++] = w->rrs[i].record;
        }
    out->records = records;
}

bool wire_step(const struct wire_answer *w, const char *name, struct arena *a, struct dns_step *out)
{
    *out = (struct dns_step){.status = DNS_FOUND, .alias = "", .secure = w->secure};
    const struct rr *alias = find_alias(w, name);
    if (alias) {
        step_lead_to(out, alias->record.data.p, alias->ttl_s);
        return true;
    }
    gather_records(w, name, a, out);
    if (out->n > 0 || out->status == DNS_BAD)
        return true;
    out->status = w->nxdomain ? DNS_NXDOMAIN : DNS_NODATA;
    out->ttl_s = w->has_soa ? w->negative_ttl_s : 0; /* RFC 2308 s5: without SOA, not cached */
    return w->nxdomain || w->has_soa || strcmp(name, w->question) == 0;
}

bool wire_is_authoritative(const struct wire_answer *w)
{
    return w->authoritative;
}
