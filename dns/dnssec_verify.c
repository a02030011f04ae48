/* RRsets and their signatures: gathered from a section of a packet, and one of them verified with a key of the zone.
 * ldns does the canonical form and the cryptography; which signature, which key, when and how often is decided here. */
#include "dns/dnssec_inside.h"

#include <stdlib.h>

#define RRSIG_FIELDS 9
#define DATE_CHARS 10 /* "2026-11-20" */

enum { COVERED, ALGORITHM, LABELS, ORIGINAL_TTL, EXPIRATION, INCEPTION, TAG, SIGNER };

/* ---- fields ---------------------------------------------------------------------------------- */

uint8_t dnssec_u8(const ldns_rr *rr, size_t i)
{
    const ldns_rdf *f = ldns_rr_rdf(rr, i);
    return f && ldns_rdf_size(f) == 1 ? ldns_rdf2native_int8(f) : 0;
}

uint16_t dnssec_u16(const ldns_rr *rr, size_t i)
{
    const ldns_rdf *f = ldns_rr_rdf(rr, i);
    return f && ldns_rdf_size(f) == 2 ? ldns_rdf2native_int16(f) : 0;
}

static uint32_t u32(const ldns_rr *rr, size_t i)
{
    const ldns_rdf *f = ldns_rr_rdf(rr, i);
    return f && ldns_rdf_size(f) == 4 ? ldns_rdf2native_int32(f) : 0;
}

const char *dnssec_owner(const ldns_rr *rr, struct arena *a)
{
    const ldns_rdf *f = ldns_rr_owner(rr);
    return f ? name_from_wire(str_bytes(ldns_rdf_data(f), ldns_rdf_size(f)), a) : NULL;
}

const char *dnssec_shown(const char *name)
{
    return name[0] ? name : ".";
}

static const char *take_text(struct dnssec *d, char *text, const char *otherwise)
{
    const char *out = text ? arena_text(d->arena, str_of(text)) : otherwise;
    free(text);
    return out;
}

const char *dnssec_type_text(struct dnssec *d, ldns_rr_type type)
{
    return take_text(d, ldns_rr_type2str(type), "?");
}

const char *dnssec_algorithm_text(struct dnssec *d, uint8_t algorithm)
{
    const ldns_lookup_table *known = ldns_lookup_by_id(ldns_algorithms, algorithm);
    return known ? known->name : dnssec_say(d, "algorithm %u", algorithm);
}

/* RFC 9904 s2, RFC 9905 s2: what validators must or should take; RSASHA1 counts as not known. */
bool dnssec_algorithm_is_known(uint8_t algorithm)
{
    enum { ED25519 = 15, ED448 = 16 };
    return algorithm == LDNS_RSASHA256 || algorithm == LDNS_RSASHA512 ||
           algorithm == LDNS_ECDSAP256SHA256 || algorithm == LDNS_ECDSAP384SHA384 ||
           algorithm == ED25519 || algorithm == ED448;
}

/* ---- sets ------------------------------------------------------------------------------------ */

static bool belongs(struct dnssec *d, const ldns_rr *rr, const char *owner)
{
    const char *name =
        ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN ? dnssec_owner(rr, d->arena) : NULL;
    return name && strcmp(name, owner) == 0;
}

/* RFC 4034 s6.3: a record that comes twice counts once. */
static bool has(const ldns_rr_list *list, const ldns_rr *rr)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++)
        if (ldns_rr_compare(ldns_rr_list_rr(list, i), rr) == 0)
            return true;
    return false;
}

void rrset_take(struct dnssec *d, const ldns_rr_list *section, const char *owner, ldns_rr_type type,
    struct rrset *out)
{
    *out = (struct rrset){.owner = owner, .type = type, .records = ldns_rr_list_new()};
    if (!out->records)
        err_out_of_memory();
    for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
        ldns_rr *rr = ldns_rr_list_rr(section, i);
        ldns_rr_type t = ldns_rr_get_type(rr);
        if ((t != type && t != LDNS_RR_TYPE_RRSIG) || !belongs(d, rr, owner))
            continue;
        if (t == type && rrset_count(out) <= DNS_MAX_RECORDS && !has(out->records, rr))
            ldns_rr_list_push_rr(out->records, rr);
        if (t == LDNS_RR_TYPE_RRSIG && ldns_rr_rd_count(rr) >= RRSIG_FIELDS &&
            dnssec_u16(rr, COVERED) == type && out->signatures_n < DNSSEC_MAX_SIGNATURES)
            out->signatures[out->signatures_n++] = rr;
    }
}

void rrset_close(struct rrset *s)
{
    ldns_rr_list_free(s->records);
}

size_t rrset_count(const struct rrset *s)
{
    return ldns_rr_list_rr_count(s->records);
}

/* ---- one signature --------------------------------------------------------------------------- */

/* Of several signatures that do not hold, the one that came furthest says why. */
enum progress {
    NOTHING,
    OTHER_SIGNER,
    OTHER_ALGORITHM,
    NO_KEY,
    DOES_NOT_FIT,
    TOO_MANY,
    TOO_EARLY,
    EXPIRED,
    HOLDS
};

struct attempt {
    struct dnssec *d;
    struct zone_keys *zone;
    const struct rrset *set;
    ldns_rr *signature;
    const char *what; /* "MX shop.example" */
    enum progress best;
    struct said why;
};

static void fall_short(struct attempt *t, enum progress p, struct said why)
{
    if (p <= t->best)
        return;
    t->best = p;
    t->why = why;
}

/* RFC 4034 s3.1.5: seconds in 32 bits, to be read around the present. */
static int64_t when(const struct dnssec *d, uint32_t serial)
{
    return d->now_s + (int32_t)(serial - (uint32_t)d->now_s);
}

static const char *date(struct dnssec *d, int64_t seconds)
{
    char text[CLOCK_RFC3339_SIZE];
    clock_rfc3339(seconds * 1000, text);
    return arena_text(d->arena, str_slice(str_of(text), 0, DATE_CHARS));
}

/* A wildcard's own label does not count (RFC 4034 s3.1.3). */
static size_t signed_labels_of(const ldns_rr *rr)
{
    const ldns_rdf *owner = ldns_rr_owner(rr);
    const uint8_t *p = ldns_rdf_data(owner);
    size_t n = ldns_dname_label_count(owner);
    return ldns_rdf_size(owner) > 2 && p[0] == 1 && p[1] == '*' ? n - 1 : n;
}

static bool may_hold(struct attempt *t)
{
    struct dnssec *d = t->d;
    const ldns_rdf *f = ldns_rr_rdf(t->signature, SIGNER);
    const char *signer = name_from_wire(str_bytes(ldns_rdf_data(f), ldns_rdf_size(f)), d->arena);
    uint8_t algorithm = dnssec_u8(t->signature, ALGORITHM);
    int64_t ends = when(d, u32(t->signature, EXPIRATION)),
            starts = when(d, u32(t->signature, INCEPTION));
    if (!signer || strcmp(signer, t->zone->name) != 0)
        fall_short(t, OTHER_SIGNER,
            SAY(d->arena, "dnssec.other_signer",
                "{{what}} is signed by {{signer}}, but the chain of trust ends at {{zone}}",
                {"what", t->what}, {"signer", signer ? dnssec_shown(signer) : "?"},
                {"zone", dnssec_shown(t->zone->name)}));
    else if (!dnssec_algorithm_is_known(algorithm))
        fall_short(t, OTHER_ALGORITHM,
            SAY(d->arena, "dnssec.other_algorithm", "{{what}} is signed with {{algorithm}} alone",
                {"what", t->what}, {"algorithm", dnssec_algorithm_text(d, algorithm)}));
    else if (dnssec_u8(t->signature, LABELS) > signed_labels_of(t->signature))
        fall_short(t, DOES_NOT_FIT,
            SAY(d->arena, "dnssec.longer_name", "the signature of {{what}} is for a longer name",
                {"what", t->what}));
    else if (ends < d->now_s)
        fall_short(t, EXPIRED,
            SAY(d->arena, "dnssec.expired", "signature of {{what}} expired {{day}}",
                {"what", t->what}, {"day", date(d, ends)}));
    else if (starts > d->now_s)
        fall_short(t, TOO_EARLY,
            SAY(d->arena, "dnssec.too_early", "signature of {{what}} begins only {{day}}",
                {"what", t->what}, {"day", date(d, starts)}));
    else
        return true;
    return false;
}

static bool key_is_meant(const ldns_rr *key, const ldns_rr *signature)
{
    return dnssec_u8(key, 2) == dnssec_u8(signature, ALGORITHM) &&
           ldns_calc_keytag(key) == dnssec_u16(signature, TAG);
}

static bool holds(struct attempt *t)
{
    struct dnssec *d = t->d;
    size_t tried = 0;
    for (size_t i = 0; i < t->zone->keys_n && tried < DNSSEC_MAX_SAME_TAG; i++) {
        if (!key_is_meant(t->zone->keys[i], t->signature))
            continue;
        if (d->verifies++ >= DNSSEC_MAX_VERIFIES)
            break;
        tried++;
        if (ldns_verify_rrsig(t->set->records, t->signature, t->zone->keys[i]) == LDNS_STATUS_OK)
            return true;
    }
    const char *tag = dnssec_say(d, "%u", dnssec_u16(t->signature, TAG));
    if (d->verifies > DNSSEC_MAX_VERIFIES)
        fall_short(t, TOO_MANY,
            SAID("dnssec.too_many_signatures",
                "more signatures had to be tried than any validator tries"));
    else if (tried > 0)
        fall_short(t, DOES_NOT_FIT,
            SAY(d->arena, "dnssec.does_not_fit",
                "signature of {{what}} by key {{tag}} does not fit: the record or the key was "
                "changed",
                {"what", t->what}, {"tag", tag}));
    else
        fall_short(t, NO_KEY,
            SAY(d->arena, "dnssec.no_such_key",
                "no DNSKEY of {{zone}} has the tag {{tag}} of the signature of {{what}}",
                {"zone", dnssec_shown(t->zone->name)}, {"tag", tag}, {"what", t->what}));
    return false;
}

/* The signature of a zone that ends first is what its owner must hear of. */
static void keep_end(const struct attempt *t)
{
    struct zone_keys *z = t->zone;
    int64_t ends = when(t->d, u32(t->signature, EXPIRATION));
    if (z->ends_s > 0 && z->ends_s <= ends)
        return;
    z->ends_s = ends;
    z->starts_s = when(t->d, u32(t->signature, INCEPTION));
    z->ends_what = t->what;
}

bool rrset_verify(struct dnssec *d, struct zone_keys *z, const struct rrset *s, struct proved *out)
{
    const char *what = dnssec_say(d, "%s %s", dnssec_type_text(d, s->type), dnssec_shown(s->owner));
    struct attempt t = {.d = d, .zone = z, .set = s, .what = what, .why = SAID_NOTHING};
    *out = (struct proved){.why = SAID_NOTHING};
    if (rrset_count(s) > DNS_MAX_RECORDS) {
        out->why = SAY(d->arena, "dnssec.too_many_records",
            "{{what}} has more records than are looked at", {"what", what});
        return false;
    }
    for (size_t i = 0; i < s->signatures_n; i++) {
        t.signature = s->signatures[i];
        if (!may_hold(&t) || !holds(&t))
            continue;
        keep_end(&t);
        out->labels = dnssec_u8(t.signature, LABELS);
        return true;
    }
    out->why = t.best > NOTHING ? t.why
                                : SAY(d->arena, "dnssec.no_signature", "{{what}} has no signature",
                                      {"what", what});
    return false;
}
