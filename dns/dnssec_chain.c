/* The chain of zones from the trust anchor down: for each label the question for a DS, and what follows from it. */
#include "dns/dnssec_inside.h"

#include "base/clock.h"

#include <stdlib.h>

#define FLAG_ZONE 0x100
#define FLAG_REVOKED 0x80
#define PROTOCOL 3 /* RFC 4034 s2.1.2 */

/* ---- questions ------------------------------------------------------------------------------- */

static void keep(struct dnssec *d, ldns_pkt *p)
{
    if (d->packets_n == d->packets_room) {
        d->packets_room = d->packets_room ? d->packets_room * 2 : 16;
        d->packets = reallocarray(d->packets, d->packets_room, sizeof(ldns_pkt *));
        if (!d->packets)
            err_out_of_memory();
    }
    d->packets[d->packets_n++] = p;
}

const ldns_pkt *dnssec_ask(
    struct dnssec *d, const char *name, enum dns_type type, const char *what, struct said *why)
{
    struct str bytes = STR("");
    ldns_pkt *p = NULL;
    if (d->questions++ >= DNSSEC_MAX_QUESTIONS || clock_steady_ns() >= d->until_steady_ns) {
        *why = SAY(d->arena, "dnssec.given_up",
            "the check was given up at {{what}}: it takes too many questions, or too long",
            {"what", what});
        return NULL;
    }
    enum dns_status s = d->setup.source.ask(
        d->setup.source.state, name, type, d->until_steady_ns, d->arena, &bytes);
    if (s == DNS_FOUND && ldns_wire2pkt(&p, (const uint8_t *)bytes.p, bytes.n) == LDNS_STATUS_OK) {
        keep(d, p);
        return p;
    }
    *why = dns_no_answer(d->arena, what, s == DNS_FOUND ? DNS_BAD : s);
    return NULL;
}

/* ---- zones ----------------------------------------------------------------------------------- */

static struct zone_keys *add_zone(struct dnssec *d, const struct zone_keys *parent,
    const char *name, enum dnssec_status status, struct said why)
{
    size_t i = 0;
    while (i < d->zones_n && !d->zones[i].forgotten)
        i++;
    struct zone_keys *z = &d->zones[i];
    bool last = i == DNSSEC_MAX_ZONES - 1;
    d->zones_n += i == d->zones_n && !last;
    *z = (struct zone_keys){.name = name,
        .parent = parent,
        .status = last ? DNSSEC_INDETERMINATE : status,
        .why = last ? SAID("dnssec.too_many_zones", "the way leads through too many zones") : why,
        .at = name,
        .algorithms = "",
        .doubt = SAID_NOTHING};
    return z;
}

static bool is_old(uint8_t algorithm)
{
    return !dnssec_algorithm_is_known(algorithm) && algorithm <= LDNS_ECC_GOST;
}

static bool is_usable(const ldns_rr *key)
{
    return ldns_rr_rd_count(key) == 4 && (dnssec_u16(key, 0) & FLAG_ZONE) &&
           !(dnssec_u16(key, 0) & FLAG_REVOKED) && dnssec_u8(key, 1) == PROTOCOL &&
           dnssec_algorithm_is_known(dnssec_u8(key, 2));
}

static bool digest_fits(const ldns_rr *ds, const ldns_rr *key)
{
    ldns_rr *own = ldns_key_rr2ds(key, (ldns_hash)dnssec_u8(ds, 2));
    bool fits = own && ldns_rr_rd_count(own) == 4 &&
                ldns_rdf_compare(ldns_rr_rdf(own, 3), ldns_rr_rdf(ds, 3)) == 0;
    ldns_rr_free(own);
    return fits;
}

/* What leads to a key: a DS, or as an anchor the key itself. */
static bool leads_to(const ldns_rr *trusted, const ldns_rr *key)
{
    if (ldns_rr_get_type(trusted) == LDNS_RR_TYPE_DNSKEY)
        return ldns_rdf_compare(ldns_rr_rdf(trusted, 3), ldns_rr_rdf(key, 3)) == 0 &&
               dnssec_u8(trusted, 2) == dnssec_u8(key, 2);
    return dnssec_u16(trusted, 0) == ldns_calc_keytag(key) &&
           dnssec_u8(trusted, 1) == dnssec_u8(key, 2) && digest_fits(trusted, key);
}

static void describe(struct dnssec *d, struct zone_keys *z, const ldns_rr *entry)
{
    AUTO(buf_close) struct buf names = {0};
    for (size_t i = 0; i < z->keys_n; i++) {
        uint8_t algorithm = dnssec_u8(z->keys[i], 2);
        const char *name = dnssec_algorithm_text(d, algorithm);
        if (str_find(buf_str(&names), str_of(name), 0) == names.n)
            buf_addf(&names, "%s%s", names.n ? ", " : "", name);
    }
    z->algorithms = arena_text(d->arena, buf_str(&names));
    z->entry_tag = ldns_calc_keytag(entry);
}

static void fail(struct zone_keys *z, enum dnssec_status status, struct said why)
{
    z->status = status;
    z->why = why;
    z->keys_n = 0;
}

/* The zone's DNSKEYs, proved by those among them that `trusted` leads to. */
static void load_keys(struct dnssec *d, struct zone_keys *z, ldns_rr *const *trusted, size_t n,
    const char *trusted_name)
{
    AUTO(rrset_close) struct rrset set = {0};
    struct proved proved;
    const char *what = dnssec_say(d, "DNSKEY %s", dnssec_shown(z->name));
    struct said why = SAID_NOTHING;
    const ldns_pkt *p = dnssec_ask(d, z->name, DNS_DNSKEY, what, &why);
    if (!p) {
        fail(z, DNSSEC_INDETERMINATE, why);
        return;
    }
    rrset_take(d, ldns_pkt_answer(p), z->name, LDNS_RR_TYPE_DNSKEY, &set);
    if (rrset_count(&set) == 0) {
        fail(z, DNSSEC_BOGUS,
            SAY(d->arena, "dnssec.no_dnskey", "{{zone}} has no DNSKEY, though there is a {{by}}",
                {"zone", dnssec_shown(z->name)}, {"by", trusted_name}));
        return;
    }
    if (!z->parent && set.signatures_n == 0) {
        fail(z, DNSSEC_INDETERMINATE,
            SAID("dnssec.no_signatures",
                "the resolver hands on no signatures: ask one that knows DNSSEC"));
        return;
    }
    for (size_t i = 0; i < rrset_count(&set); i++) {
        ldns_rr *key = ldns_rr_list_rr(set.records, i);
        for (size_t k = 0; is_usable(key) && k < n && z->keys_n < DNSSEC_MAX_KEYS; k++)
            if (leads_to(trusted[k], key)) {
                z->keys[z->keys_n++] = key;
                break;
            }
    }
    if (z->keys_n == 0) {
        fail(z, DNSSEC_BOGUS,
            SAY(d->arena, "dnssec.no_match", "no DNSKEY of {{zone}} matches its {{by}}",
                {"zone", dnssec_shown(z->name)}, {"by", trusted_name}));
        return;
    }
    if (!rrset_verify(d, z, &set, &proved)) {
        fail(z, DNSSEC_BOGUS, proved.why);
        return;
    }
    const ldns_rr *entry = z->keys[0];
    z->keys_n = 0;
    for (size_t i = 0; i < rrset_count(&set) && z->keys_n < DNSSEC_MAX_KEYS; i++)
        if (is_usable(ldns_rr_list_rr(set.records, i)))
            z->keys[z->keys_n++] = ldns_rr_list_rr(set.records, i);
    describe(d, z, entry);
}

static struct zone_keys *begin_at_anchor(struct dnssec *d, const char *name)
{
    ldns_rr *trusted[DNSSEC_MAX_DS];
    size_t n = 0;
    const char *zone;
    const ldns_rr_list *all = d->setup.anchors->records;
    if (!dnssec_anchor_zone(d->setup.anchors, name, d->arena, &zone))
        return add_zone(d, NULL, name, DNSSEC_INDETERMINATE,
            SAID("dnssec.no_anchor", "no trust anchor is known at or above this name"));
    for (size_t i = 0; i < ldns_rr_list_rr_count(all) && n < DNSSEC_MAX_DS; i++) {
        const char *owner = dnssec_owner(ldns_rr_list_rr(all, i), d->arena);
        if (owner && strcmp(owner, zone) == 0)
            trusted[n++] = ldns_rr_list_rr(all, i);
    }
    struct zone_keys *z = add_zone(d, NULL, zone, DNSSEC_SECURE, SAID_NOTHING);
    load_keys(d, z, trusted, n, "trust anchor");
    return z;
}

/* ---- sentences that others say, too ---------------------------------------------------------- */

struct said dnssec_left_out(struct dnssec *d, const struct zone_keys *z, const char *name)
{
    return SAY(d->arena, "dnssec.opt_out",
        "{{zone}} leaves {{name}} out of its signed names (NSEC3 opt-out)",
        {"zone", dnssec_shown(z->name)}, {"name", dnssec_shown(name)});
}

struct said dnssec_too_dear(struct dnssec *d, const struct zone_keys *z)
{
    const char *most = dnssec_say(d, "%d", DNSSEC_MAX_ITERATIONS);
    return SAY(d->arena, "dnssec.too_dear",
        "the NSEC3 records of {{zone}} ask for more than {{most}} iterations (RFC 9276)",
        {"zone", dnssec_shown(z->name)}, {"most", most});
}

/* ---- delegations ----------------------------------------------------------------------------- */

static bool digest_is_known(uint8_t digest)
{
    return digest == LDNS_SHA1 || digest == LDNS_SHA256 || digest == LDNS_SHA384;
}

struct delegation {
    ldns_rr *ds[DNSSEC_MAX_DS]; /* those that can be used */
    size_t n;
    bool sha1_alone, old;
    const char *algorithms; /* where none can be used */
};

/* RFC 4035 s5.2: with no DS that is understood the zone counts as unsigned. RFC 4509 s3: SHA-1 only alone. */
static void choose_ds(struct dnssec *d, const struct rrset *set, struct delegation *out)
{
    *out = (struct delegation){.sha1_alone = true, .algorithms = ""};
    for (size_t i = 0; i < rrset_count(set); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(set->records, i);
        bool known = ldns_rr_rd_count(rr) == 4 && dnssec_algorithm_is_known(dnssec_u8(rr, 1)) &&
                     digest_is_known(dnssec_u8(rr, 2));
        if (known && dnssec_u8(rr, 2) != LDNS_SHA1)
            out->sha1_alone = false;
    }
    for (size_t i = 0; i < rrset_count(set) && out->n < DNSSEC_MAX_DS; i++) {
        ldns_rr *rr = ldns_rr_list_rr(set->records, i);
        uint8_t algorithm = dnssec_u8(rr, 1), digest = dnssec_u8(rr, 2);
        if (ldns_rr_rd_count(rr) != 4)
            continue;
        if (!dnssec_algorithm_is_known(algorithm) || !digest_is_known(digest)) {
            out->old = out->old || is_old(algorithm);
            out->algorithms =
                dnssec_say(d, "%s, digest %u", dnssec_algorithm_text(d, algorithm), digest);
        } else if (digest != LDNS_SHA1 || out->sha1_alone) {
            out->ds[out->n++] = rr;
        }
    }
}

static struct zone_keys *enter(
    struct dnssec *d, struct zone_keys *z, const char *name, const struct rrset *set)
{
    struct delegation by;
    choose_ds(d, set, &by);
    if (by.n == 0) {
        struct zone_keys *unsigned_zone = add_zone(d, z, name, DNSSEC_INSECURE,
            SAY(d->arena, "dnssec.nothing_known",
                "the DS records of {{zone}} name nothing that validators take ({{algorithms}}), so "
                "that it counts as unsigned",
                {"zone", name}, {"algorithms", by.algorithms}));
        unsigned_zone->old_algorithm = by.old;
        return unsigned_zone;
    }
    struct zone_keys *child = add_zone(d, z, name, DNSSEC_SECURE, SAID_NOTHING);
    child->old_algorithm = by.sha1_alone;
    if (child->status == DNSSEC_SECURE)
        load_keys(d, child, by.ds, by.n, "DS");
    return child;
}

/* NULL: no delegation here, or none that is proved. */
static struct zone_keys *without_ds(
    struct dnssec *d, struct zone_keys *z, const char *name, const ldns_pkt *p, bool *ends)
{
    struct denial denial;
    denial_find(d, z, p, name, LDNS_RR_TYPE_DS, &denial);
    switch (denial.proof) {
    case PROOF_DELEGATION:
        return add_zone(d, z, name, DNSSEC_INSECURE,
            SAY(d->arena, "dnssec.unsigned",
                "{{zone}} is delegated without a DS, which {{parent}} proves", {"zone", name},
                {"parent", dnssec_shown(z->name)}));
    case PROOF_OPT_OUT:
        return add_zone(d, z, name, DNSSEC_INSECURE, dnssec_left_out(d, z, name));
    case PROOF_TOO_DEAR:
        return add_zone(d, z, name, DNSSEC_INSECURE, dnssec_too_dear(d, z));
    case PROOF_NXDOMAIN:
        *ends = true;
        return NULL;
    case PROOF_NODATA:
        return NULL;
    case PROOF_NONE:
        break;
    }
    if (!said_is_nothing(&z->doubt))
        return NULL; /* the first on this way is where it breaks */
    z->doubt = SAY_AROUND(d->arena, denial.why, "dnssec.doubt",
        "there is neither a DS of {{zone}} nor a proof that there is none: {{said}}",
        {"zone", name});
    z->doubt_at = name;
    return NULL;
}

/* The zone that begins at this name, NULL where none does. *ends: nothing lies below either. */
static struct zone_keys *step_down(
    struct dnssec *d, struct zone_keys *z, const char *name, bool *ends)
{
    AUTO(rrset_close) struct rrset set = {0};
    struct proved proved;
    struct said why = SAID_NOTHING;
    const ldns_pkt *p = dnssec_ask(d, name, DNS_DS, dnssec_say(d, "DS %s", name), &why);
    if (!p)
        return add_zone(d, z, name, DNSSEC_INDETERMINATE, why);
    rrset_take(d, ldns_pkt_answer(p), name, LDNS_RR_TYPE_DS, &set);
    if (rrset_count(&set) == 0)
        return without_ds(d, z, name, p, ends);
    if (!rrset_verify(d, z, &set, &proved))
        return add_zone(d, z, name, DNSSEC_BOGUS, proved.why);
    return enter(d, z, name, &set);
}

static struct zone_keys *deepest(struct dnssec *d, const char *name)
{
    struct zone_keys *best = NULL;
    for (size_t i = 0; i < d->zones_n; i++)
        if (!d->zones[i].forgotten && name_is_at_or_below(name, d->zones[i].name) &&
            (!best || strlen(d->zones[i].name) > strlen(best->name)))
            best = &d->zones[i];
    return best;
}

struct zone_keys *dnssec_walk(struct dnssec *d, const char *name)
{
    bool ends = false;
    struct zone_keys *z = deepest(d, name);
    if (!z)
        z = begin_at_anchor(d, name);
    z->doubt = SAID_NOTHING;
    size_t labels = name_labels(name);
    for (size_t n = name_labels(z->name) + 1; n <= labels && z->status == DNSSEC_SECURE && !ends;
         n++) {
        const char *at = arena_text(d->arena, str_of(name_last_labels(name, n)));
        struct zone_keys *below = step_down(d, z, at, &ends);
        z = below ? below : z;
    }
    return z;
}
