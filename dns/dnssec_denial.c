/* Proofs that something is not there: NSEC (RFC 4035 s5.4, RFC 6840 s4) and NSEC3 (RFC 5155 s8).
 * Only records that this zone signed are looked at, and what a parent says at a cut is never taken for the child's. */
#include "dns/dnssec_inside.h"

#include <stdlib.h>

#define HASH_BYTES 20
#define HASH_CHARS 32 /* in base32hex */
#define SALT_MAX 255
#define FLAG_OPT_OUT 1

struct hashed { /* an NSEC3 */
    uint8_t owner[HASH_BYTES], next[HASH_BYTES];
    const ldns_rr *rr;
    bool opt_out;
};

struct search {
    struct dnssec *d;
    struct zone_keys *zone;
    const char *name;
    ldns_rr_type type;
    const ldns_rr *plain[DNSSEC_MAX_DENIALS]; /* NSEC */
    size_t plain_n;
    struct hashed hashed[DNSSEC_MAX_DENIALS];
    size_t hashed_n;
    struct str salt; /* of the first NSEC3; those with others are left out */
    uint16_t iterations;
    struct said why;
};

static void close_rdf(ldns_rdf **f)
{
    ldns_rdf_deep_free(*f);
}

static ldns_rdf *wire_name(const char *text)
{
    ldns_rdf *f = ldns_dname_new_frm_str(text[0] ? text : ".");
    if (!f)
        err_out_of_memory();
    return f;
}

/* Windows of a number, a length and so many bytes (RFC 4034 s4.1.2). */
static bool bit(const ldns_rr *rr, ldns_rr_type type)
{
    size_t field = ldns_rr_get_type(rr) == LDNS_RR_TYPE_NSEC ? 1 : 5;
    const ldns_rdf *f = ldns_rr_rdf(rr, field);
    const uint8_t *p = f ? ldns_rdf_data(f) : NULL;
    size_t n = f ? ldns_rdf_size(f) : 0;
    for (size_t i = 0; i + 2 <= n && i + 2 + p[i + 1] <= n; i += 2 + (size_t)p[i + 1]) {
        size_t at = (type & 0xff) / 8;
        if (p[i] == type >> 8 && at < p[i + 1])
            return p[i + 2 + at] & (0x80 >> (type & 7));
    }
    return false;
}

/* The parent's record at a cut: it knows nothing of the child but whether there is a DS. */
static bool is_of_a_cut(const ldns_rr *rr)
{
    return bit(rr, LDNS_RR_TYPE_NS) && !bit(rr, LDNS_RR_TYPE_SOA);
}

/* What a record at the name itself proves. */
static enum proof at_the_name(struct search *s, const ldns_rr *rr)
{
    if (bit(rr, s->type) || bit(rr, LDNS_RR_TYPE_CNAME)) {
        s->why = SAY(s->d->arena, "dnssec.proof_of_presence",
            "the proof for {{name}} says that the record is there",
            {"name", dnssec_shown(s->name)});
        return PROOF_NONE;
    }
    if (s->type == LDNS_RR_TYPE_DS) {
        if (bit(rr, LDNS_RR_TYPE_SOA) && s->name[0]) {
            s->why = SAY(s->d->arena, "dnssec.proof_from_child",
                "the proof for DS {{name}} comes from the zone itself, not its parent",
                {"name", s->name});
            return PROOF_NONE;
        }
        return bit(rr, LDNS_RR_TYPE_NS) ? PROOF_DELEGATION : PROOF_NODATA;
    }
    if (is_of_a_cut(rr)) {
        s->why = SAY(s->d->arena, "dnssec.proof_from_parent",
            "the proof for {{name}} comes from its parent", {"name", s->name});
        return PROOF_NONE;
    }
    return PROOF_NODATA;
}

static const char *wildcard_below(struct search *s, size_t labels)
{
    return dnssec_say(s->d, "*.%s", name_last_labels(s->name, labels));
}

static enum proof at_the_wildcard(struct search *s, const ldns_rr *rr)
{
    if (!bit(rr, s->type) && !bit(rr, LDNS_RR_TYPE_CNAME))
        return PROOF_NODATA;
    s->why = SAY(s->d->arena, "dnssec.wildcard_has_it",
        "a wildcard has the record that is said to be missing at {{name}}", {"name", s->name});
    return PROOF_NONE;
}

/* ---- NSEC ------------------------------------------------------------------------------------ */

static bool is_at(const ldns_rr *rr, const ldns_rdf *name)
{
    return ldns_dname_compare(ldns_rr_owner(rr), name) == 0;
}

static bool spans(const ldns_rr *rr, const ldns_rdf *name)
{
    const ldns_rdf *owner = ldns_rr_owner(rr), *next = ldns_rr_rdf(rr, 0);
    bool last = ldns_dname_compare(owner, next) >= 0;
    if (ldns_dname_compare(owner, name) >= 0 || (!last && ldns_dname_compare(name, next) >= 0))
        return false;
    bool cut_off = is_of_a_cut(rr) || bit(rr, LDNS_RR_TYPE_DNAME);
    return !cut_off || !ldns_dname_is_subdomain(name, owner);
}

static const ldns_rr *nsec_at(const struct search *s, const ldns_rdf *name)
{
    for (size_t i = 0; i < s->plain_n; i++)
        if (is_at(s->plain[i], name))
            return s->plain[i];
    return NULL;
}

static const ldns_rr *nsec_over(const struct search *s, const ldns_rdf *name)
{
    for (size_t i = 0; i < s->plain_n; i++)
        if (spans(s->plain[i], name))
            return s->plain[i];
    return NULL;
}

/* How many labels at the end of the name stand in `other`, too. */
static size_t shared_labels(const char *name, const ldns_rdf *other)
{
    for (size_t n = name_labels(name); n > 0; n--) {
        AUTO(close_rdf) ldns_rdf *end = wire_name(name_last_labels(name, n));
        if (ldns_dname_compare(other, end) == 0 || ldns_dname_is_subdomain(other, end))
            return n;
    }
    return 0;
}

/* Both neighbours exist, so what they share with the name does, too. */
static size_t encloser_labels(const char *name, const ldns_rr *rr)
{
    size_t a = shared_labels(name, ldns_rr_owner(rr)), b = shared_labels(name, ldns_rr_rdf(rr, 0));
    return a > b ? a : b;
}

static enum proof by_nsec(struct search *s)
{
    AUTO(close_rdf) ldns_rdf *name = wire_name(s->name);
    const ldns_rr *at = nsec_at(s, name);
    if (at)
        return at_the_name(s, at);
    const ldns_rr *over = nsec_over(s, name);
    if (!over) {
        s->why = SAY(s->d->arena, "dnssec.nsec_not_over", "no NSEC record covers {{name}}",
            {"name", dnssec_shown(s->name)});
        return PROOF_NONE;
    }
    if (ldns_dname_is_subdomain(ldns_rr_rdf(over, 0), name))
        return PROOF_NODATA; /* an empty non-terminal */
    AUTO(close_rdf)
    ldns_rdf *wildcard = wire_name(wildcard_below(s, encloser_labels(s->name, over)));
    const ldns_rr *at_wildcard = nsec_at(s, wildcard);
    if (at_wildcard)
        return at_the_wildcard(s, at_wildcard);
    if (nsec_over(s, wildcard))
        return PROOF_NXDOMAIN;
    s->why = SAY(s->d->arena, "dnssec.nsec_wildcard",
        "no NSEC record shows that no wildcard answers for {{name}}", {"name", s->name});
    return PROOF_NONE;
}

/* ---- NSEC3 ----------------------------------------------------------------------------------- */

/* RFC 5155 s5. False: too many were asked for. */
static bool hash(struct search *s, const char *name, uint8_t out[HASH_BYTES])
{
    AUTO(close_rdf) ldns_rdf *wire = wire_name(name);
    uint8_t in[LDNS_MAX_DOMAINLEN + SALT_MAX];
    size_t n = ldns_rdf_size(wire);
    if (s->d->hashes++ >= DNSSEC_MAX_HASHES || n > LDNS_MAX_DOMAINLEN)
        return false;
    memcpy(in, ldns_rdf_data(wire), n);
    for (unsigned i = 0; i <= s->iterations; i++) {
        memcpy(in + n, s->salt.p, s->salt.n);
        ldns_sha1(in, (unsigned)(n + s->salt.n), out);
        memcpy(in, out, HASH_BYTES);
        n = HASH_BYTES;
    }
    return true;
}

static const struct hashed *hashed_at(struct search *s, const char *name)
{
    uint8_t h[HASH_BYTES];
    for (size_t i = 0; hash(s, name, h) && i < s->hashed_n; i++)
        if (memcmp(s->hashed[i].owner, h, HASH_BYTES) == 0)
            return &s->hashed[i];
    return NULL;
}

static bool hash_lies_in(const struct hashed *r, const uint8_t h[HASH_BYTES])
{
    bool after = memcmp(r->owner, h, HASH_BYTES) < 0, before = memcmp(h, r->next, HASH_BYTES) < 0;
    int order = memcmp(r->owner, r->next, HASH_BYTES);
    if (order < 0)
        return after && before;
    return order > 0 ? after || before : memcmp(h, r->owner, HASH_BYTES) != 0;
}

static const struct hashed *hashed_over(struct search *s, const char *name)
{
    uint8_t h[HASH_BYTES];
    if (!hash(s, name, h))
        return NULL;
    for (size_t i = 0; i < s->hashed_n; i++)
        if (hash_lies_in(&s->hashed[i], h))
            return &s->hashed[i];
    return NULL;
}

/* The longest ancestor that is there; *labels: how long it is. */
static const struct hashed *closest_encloser(struct search *s, size_t *labels)
{
    size_t least = name_labels(s->zone->name);
    for (size_t n = name_labels(s->name) + 1; n-- > least;) {
        const struct hashed *r = hashed_at(s, name_last_labels(s->name, n));
        *labels = n;
        if (r)
            return r;
    }
    return NULL;
}

static enum proof no_proof(struct search *s, const char *key, const char *english)
{
    s->why = SAY(s->d->arena, key, english, {"name", dnssec_shown(s->name)});
    return PROOF_NONE;
}

static enum proof by_nsec3(struct search *s)
{
    size_t labels = 0;
    if (s->iterations > DNSSEC_MAX_ITERATIONS)
        return PROOF_TOO_DEAR;
    const struct hashed *encloser = closest_encloser(s, &labels);
    if (!encloser)
        return no_proof(
            s, "dnssec.nsec3_above", "no NSEC3 record shows what there is above {{name}}");
    if (labels == name_labels(s->name))
        return at_the_name(s, encloser->rr);
    if (is_of_a_cut(encloser->rr) || bit(encloser->rr, LDNS_RR_TYPE_DNAME))
        return no_proof(
            s, "dnssec.nsec3_of_parent", "no NSEC3 record of its own zone covers {{name}}");
    const struct hashed *over = hashed_over(s, name_last_labels(s->name, labels + 1));
    if (!over)
        return no_proof(s, "dnssec.nsec3_not_over", "no NSEC3 record covers {{name}}");
    if (over->opt_out)
        return PROOF_OPT_OUT;
    const char *wildcard = wildcard_below(s, labels);
    const struct hashed *at_wildcard = hashed_at(s, wildcard);
    if (at_wildcard)
        return at_the_wildcard(s, at_wildcard->rr);
    return hashed_over(s, wildcard)
               ? PROOF_NXDOMAIN
               : no_proof(s, "dnssec.nsec3_wildcard",
                     "no NSEC3 record shows that no wildcard answers for {{name}}");
}

/* ---- what the zone signed -------------------------------------------------------------------- */

static void add_plain(struct search *s, const ldns_rr *rr)
{
    if (s->plain_n < DNSSEC_MAX_DENIALS && ldns_rr_rd_count(rr) >= 1)
        s->plain[s->plain_n++] = rr;
}

static struct str counted(const ldns_rr *rr, size_t field)
{
    const ldns_rdf *f = ldns_rr_rdf(rr, field);
    const uint8_t *p = f ? ldns_rdf_data(f) : NULL;
    size_t n = f ? ldns_rdf_size(f) : 0;
    return n > 0 && p[0] == n - 1 ? str_bytes(p + 1, n - 1) : STR("");
}

static bool owner_hash(const ldns_rr *rr, uint8_t out[HASH_BYTES])
{
    const ldns_rdf *owner = ldns_rr_owner(rr);
    const uint8_t *p = ldns_rdf_data(owner);
    uint8_t room[HASH_BYTES + 4];
    if (ldns_rdf_size(owner) < 1 + HASH_CHARS || p[0] != HASH_CHARS ||
        ldns_b32_pton_extended_hex((const char *)p + 1, HASH_CHARS, room, sizeof room) !=
            HASH_BYTES)
        return false;
    memcpy(out, room, HASH_BYTES);
    return true;
}

/* RFC 5155 s8.1, s8.2: unknown hashes and flags make a record that is not there. */
static void add_hashed(struct search *s, const ldns_rr *rr)
{
    if (s->hashed_n == DNSSEC_MAX_DENIALS || ldns_rr_rd_count(rr) < 5)
        return;
    struct hashed *r = &s->hashed[s->hashed_n];
    struct str next = counted(rr, 4), salt = counted(rr, 3);
    uint8_t flags = dnssec_u8(rr, 1);
    if (dnssec_u8(rr, 0) != LDNS_SHA1 || (flags & ~FLAG_OPT_OUT) || next.n != HASH_BYTES ||
        !owner_hash(rr, r->owner))
        return;
    if (s->hashed_n > 0 && (s->iterations != dnssec_u16(rr, 2) || !str_eq(s->salt, salt)))
        return;
    s->iterations = dnssec_u16(rr, 2);
    s->salt = salt;
    memcpy(r->next, next.p, HASH_BYTES);
    r->opt_out = flags & FLAG_OPT_OUT;
    r->rr = rr;
    s->hashed_n++;
}

/* Signed as it stands, not by a wildcard. */
static bool is_proved(struct search *s, const ldns_rr_list *section, ldns_rr *rr, const char *owner)
{
    AUTO(rrset_close) struct rrset set = {0};
    struct proved p;
    rrset_take(s->d, section, owner, ldns_rr_get_type(rr), &set);
    size_t labels = name_labels(owner) - (owner[0] == '*' && owner[1] == '.');
    bool good = rrset_verify(s->d, s->zone, &set, &p) && p.labels >= labels;
    if (!good && !said_is_nothing(&p.why))
        s->why = p.why;
    return good;
}

static void gather(struct search *s, const ldns_pkt *packet)
{
    const ldns_rr_list *section = ldns_pkt_authority(packet);
    size_t looked_at = 0;
    for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
        ldns_rr *rr = ldns_rr_list_rr(section, i);
        ldns_rr_type t = ldns_rr_get_type(rr);
        const char *owner = NULL;
        if ((t == LDNS_RR_TYPE_NSEC || t == LDNS_RR_TYPE_NSEC3) && looked_at < DNSSEC_MAX_DENIALS)
            owner = dnssec_owner(rr, s->d->arena);
        if (!owner || !name_is_at_or_below(owner, s->zone->name))
            continue;
        looked_at++;
        if (!is_proved(s, section, rr, owner))
            continue;
        if (t == LDNS_RR_TYPE_NSEC)
            add_plain(s, rr);
        else
            add_hashed(s, rr);
    }
}

static void begin(struct search *s, const ldns_pkt *packet)
{
    s->why = SAY(s->d->arena, "dnssec.no_nsec",
        "the answer for {{name}} has no NSEC or NSEC3 record that {{zone}} signed",
        {"name", dnssec_shown(s->name)}, {"zone", dnssec_shown(s->zone->name)});
    gather(s, packet);
}

void denial_find(struct dnssec *d, struct zone_keys *z, const ldns_pkt *p, const char *name,
    ldns_rr_type type, struct denial *out)
{
    struct search s = {.d = d, .zone = z, .name = name, .type = type};
    begin(&s, p);
    out->proof = s.plain_n > 0 ? by_nsec(&s) : s.hashed_n > 0 ? by_nsec3(&s) : PROOF_NONE;
    out->why = s.why;
}

void denial_of_closer(struct dnssec *d, struct zone_keys *z, const ldns_pkt *p, const char *name,
    size_t labels, struct denial *out)
{
    struct search s = {.d = d, .zone = z, .name = name};
    AUTO(close_rdf) ldns_rdf *wire = wire_name(name);
    begin(&s, p);
    *out = (struct denial){PROOF_NONE, s.why};
    const ldns_rr *over = nsec_over(&s, wire);
    if (over && encloser_labels(name, over) <= labels) {
        out->proof = PROOF_NXDOMAIN;
    } else if (s.hashed_n > 0 && s.iterations > DNSSEC_MAX_ITERATIONS) {
        out->proof = PROOF_TOO_DEAR;
    } else if (s.hashed_n > 0) {
        const struct hashed *h = hashed_over(&s, name_last_labels(name, labels + 1));
        out->proof = !h ? PROOF_NONE : h->opt_out ? PROOF_OPT_OUT : PROOF_NXDOMAIN;
    }
}
