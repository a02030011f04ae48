#include "dns/rr.h"

#include "base/buf.h"
#include "dns/name.h"

#define TTL_SIGN 0x80000000u /* RFC 2181 s8: a TTL with this bit is zero */

static const uint16_t type_numbers[] = {
    [DNS_A] = LDNS_RR_TYPE_A,
    [DNS_AAAA] = LDNS_RR_TYPE_AAAA,
    [DNS_MX] = LDNS_RR_TYPE_MX,
    [DNS_TXT] = LDNS_RR_TYPE_TXT,
    [DNS_CNAME] = LDNS_RR_TYPE_CNAME,
    [DNS_PTR] = LDNS_RR_TYPE_PTR,
    [DNS_NS] = LDNS_RR_TYPE_NS,
    [DNS_SOA] = LDNS_RR_TYPE_SOA,
    [DNS_TLSA] = LDNS_RR_TYPE_TLSA,
    [DNS_DS] = LDNS_RR_TYPE_DS,
    [DNS_DNSKEY] = LDNS_RR_TYPE_DNSKEY,
};

uint16_t rr_type_number(enum dns_type type)
{
    return type_numbers[type];
}

bool rr_type_is_read(uint16_t type)
{
    for (size_t i = 0; i <= DNS_TLSA; i++) /* dnssec.h reads the rest in its own way */
        if (type_numbers[i] == type)
            return true;
    return type == LDNS_RR_TYPE_DNAME;
}

static struct str rdf_bytes(const ldns_rr *rr, size_t i)
{
    const ldns_rdf *f = ldns_rr_rdf(rr, i);
    return f ? str_bytes(ldns_rdf_data(f), ldns_rdf_size(f)) : STR("");
}

static bool read_name(struct str wire, struct arena *a, struct str *out)
{
    const char *text = name_from_wire(wire, a);
    if (!text)
        return false;
    *out = str_of(text);
    return true;
}

/* Lengths of labels are below the letters, so that all bytes of a name may be treated alike. */
static void lower_name(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] - 'A' + 'a');
}

struct str rr_rdata(const ldns_rr *rr, struct arena *a)
{
    AUTO(buf_close) struct buf joined = {0};
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        size_t begin = joined.n;
        buf_add(&joined, rdf_bytes(rr, i));
        if (ldns_rr_rdf(rr, i) && ldns_rdf_get_type(ldns_rr_rdf(rr, i)) == LDNS_RDF_TYPE_DNAME)
            lower_name(joined.p + begin, joined.n - begin);
    }
    return arena_str(a, buf_str(&joined));
}

/* RFC 7208 s3.3 and others: the strings of one record are joined without spaces. */
static struct str joined_strings(const ldns_rr *rr, struct arena *a)
{
    AUTO(buf_close) struct buf joined = {0};
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
        buf_add(&joined, str_slice(rdf_bytes(rr, i), 1, SIZE_MAX));
    return arena_str(a, buf_str(&joined));
}

static bool read_address(const ldns_rr *rr, size_t bytes, struct arena *a, struct str *out)
{
    struct str data = rdf_bytes(rr, 0);
    *out = arena_str(a, data);
    return data.n == bytes;
}

static bool read_data(const ldns_rr *in, struct arena *a, struct dns_record *out)
{
    switch (ldns_rr_get_type(in)) {
    case LDNS_RR_TYPE_A:
        return read_address(in, 4, a, &out->data);
    case LDNS_RR_TYPE_AAAA:
        return read_address(in, 16, a, &out->data);
    case LDNS_RR_TYPE_TXT:
        out->data = joined_strings(in, a);
        return true;
    case LDNS_RR_TYPE_CNAME:
    case LDNS_RR_TYPE_DNAME:
    case LDNS_RR_TYPE_PTR:
    case LDNS_RR_TYPE_NS:
        return read_name(rdf_bytes(in, 0), a, &out->data);
    case LDNS_RR_TYPE_MX:
        if (ldns_rr_rd_count(in) != 2 || rdf_bytes(in, 0).n != 2)
            return false;
        out->number = ldns_rdf2native_int16(ldns_rr_rdf(in, 0));
        return read_name(rdf_bytes(in, 1), a, &out->data);
    case LDNS_RR_TYPE_TLSA:
    case LDNS_RR_TYPE_SOA:
        out->data = rr_rdata(in, a);
        return true;
    default:
        return true;
    }
}

bool rr_read(const ldns_rr *in, struct arena *a, struct rr *out)
{
    const ldns_rdf *owner = ldns_rr_owner(in);
    if (!owner || ldns_rr_get_class(in) != LDNS_RR_CLASS_IN)
        return false;
    uint32_t ttl = ldns_rr_ttl(in);
    *out = (struct rr){
        .owner = name_from_wire(str_bytes(ldns_rdf_data(owner), ldns_rdf_size(owner)), a),
        .type = (uint16_t)ldns_rr_get_type(in),
        .ttl_s = ttl & TTL_SIGN ? 0 : ttl,
        .record.data = STR(""),
    };
    return out->owner && read_data(in, a, &out->record);
}

bool rr_negative_ttl(const ldns_rr *soa, uint32_t *out_s)
{
    const size_t minimum_at = 6;
    if (ldns_rr_get_type(soa) != LDNS_RR_TYPE_SOA || ldns_rr_rd_count(soa) != minimum_at + 1 ||
        rdf_bytes(soa, minimum_at).n != 4)
        return false;
    uint32_t ttl = ldns_rr_ttl(soa), minimum = ldns_rdf2native_int32(ldns_rr_rdf(soa, minimum_at));
    uint32_t least = ttl < minimum ? ttl : minimum;
    *out_s = ttl & TTL_SIGN || minimum & TTL_SIGN ? 0 : least;
    return true;
}
