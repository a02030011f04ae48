#include "dns/dnssec.h"

#include "dns/dnssec_inside.h"
#include "dns/rr.h"

#include <stdlib.h>

#define TIMEOUT_DEFAULT_MS 15000
#define NO_NAME ".." /* nobody can ask for it */

const char *dnssec_status_name(enum dnssec_status s)
{
    static const char *const names[] = {
        [DNSSEC_SECURE] = "secure",
        [DNSSEC_INSECURE] = "insecure",
        [DNSSEC_INDETERMINATE] = "indeterminate",
        [DNSSEC_BOGUS] = "bogus",
    };
    return names[s];
}

static enum dns_status ask_resolver(void *state, const char *name, enum dns_type type,
    int64_t until_steady_ns, struct arena *a, struct str *packet)
{
    return resolver_ask_signed(state, name, type, until_steady_ns, a, packet);
}

struct dnssec_source dnssec_source_of(struct resolver *r)
{
    return (struct dnssec_source){ask_resolver, r};
}

struct dnssec *dnssec_open(const struct dnssec_setup *s)
{
    struct dnssec *d = calloc(1, sizeof *d);
    if (!d)
        err_out_of_memory();
    d->setup = *s;
    d->arena = arena_open();
    return d;
}

void dnssec_close(struct dnssec **owner)
{
    struct dnssec *d = *owner;
    if (!d)
        return;
    for (size_t i = 0; i < d->packets_n; i++)
        ldns_pkt_free(d->packets[i]);
    free(d->packets);
    arena_close(&d->arena);
    free(d);
    *owner = NULL;
}

/* ---- one name, without what its alias leads to ----------------------------------------------- */

struct leg {
    enum dnssec_status status;
    enum dns_status answer;
    struct said why;
    const char *at;
    const char *alias; /* the next name, "." for the root; "" = none */
    struct zone_keys *zone;
};

static void end_leg(struct leg *l, enum dnssec_status status, const char *at, struct said why)
{
    l->status = status;
    l->at = at;
    l->why = why;
}

/* Who says that it signed this: the deepest such zone above the name. NULL: nobody. It is a hint that spares
 * questions, and nothing is believed for it. */
static const char *signer_hint(struct dnssec *d, const ldns_rr_list *section, const char *name)
{
    const char *best = NULL;
    for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(section, i);
        const ldns_rdf *f = ldns_rr_get_type(rr) == LDNS_RR_TYPE_RRSIG ? ldns_rr_rdf(rr, 7) : NULL;
        const char *signer =
            f ? name_from_wire(str_bytes(ldns_rdf_data(f), ldns_rdf_size(f)), d->arena) : NULL;
        const char *owner = signer ? dnssec_owner(rr, d->arena) : NULL;
        if (owner && name_is_at_or_below(name, signer) && name_is_at_or_below(owner, signer) &&
            (!best || strlen(signer) > strlen(best)))
            best = signer;
    }
    return best;
}

static bool has_records(struct dnssec *d, const ldns_pkt *p, const char *name)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(ldns_pkt_answer(p)); i++) {
        const char *owner = dnssec_owner(ldns_rr_list_rr(ldns_pkt_answer(p), i), d->arena);
        if (owner && strcmp(owner, name) == 0)
            return true;
    }
    return false;
}

/* "" = the root; NO_NAME: none at all. */
static const char *target(struct dnssec *d, const struct rrset *set)
{
    const ldns_rdf *f = ldns_rr_rdf(ldns_rr_list_rr(set->records, 0), 0);
    const char *name =
        f ? name_from_wire(str_bytes(ldns_rdf_data(f), ldns_rdf_size(f)), d->arena) : NULL;
    return name ? name : NO_NAME;
}

/* The wildcard may only have answered where the name itself is not there (RFC 4035 s5.3.4). */
static void judge_wildcard(
    struct dnssec *d, struct leg *l, const ldns_pkt *p, const char *name, size_t labels)
{
    struct denial denial;
    denial_of_closer(d, l->zone, p, name, labels, &denial);
    if (denial.proof == PROOF_NONE)
        end_leg(l, DNSSEC_BOGUS, name,
            SAY_AROUND(d->arena, denial.why, "dnssec.wildcard_unproved",
                "a wildcard answers for {{name}}, and nothing proves that it may: {{said}}",
                {"name", name}));
    else if (denial.proof != PROOF_NXDOMAIN)
        end_leg(l, DNSSEC_INSECURE, name,
            SAY(d->arena, "dnssec.wildcard_unsigned",
                "a wildcard answers for {{name}} where NSEC3 cannot prove that it may",
                {"name", name}));
}

static void judge_set(
    struct dnssec *d, struct leg *l, const ldns_pkt *p, const struct rrset *set, const char *name)
{
    struct proved proved;
    if (l->zone->status != DNSSEC_SECURE)
        return;
    if (!rrset_verify(d, l->zone, set, &proved)) {
        bool doubt = set->signatures_n == 0 && !said_is_nothing(&l->zone->doubt);
        end_leg(
            l, DNSSEC_BOGUS, doubt ? l->zone->doubt_at : name, doubt ? l->zone->doubt : proved.why);
        return;
    }
    size_t labels = name_labels(set->owner) - (set->owner[0] == '*' && set->owner[1] == '.');
    if (proved.labels < labels)
        judge_wildcard(d, l, p, set->owner, proved.labels);
}

/* RFC 6672 s2.2: what stands before the DNAME's name moves below its target. */
static const char *moved(struct dnssec *d, const char *name, const char *owner, const char *to)
{
    size_t kept = strlen(name) - strlen(owner) - (owner[0] ? 1 : 0);
    return dnssec_say(d, "%.*s%s%s", (int)kept, name, to[0] ? "." : "", to);
}

static bool judge_dname(struct dnssec *d, struct leg *l, const ldns_pkt *p, const char *name)
{
    const ldns_rr_list *answer = ldns_pkt_answer(p);
    for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(answer, i);
        const char *owner =
            ldns_rr_get_type(rr) == LDNS_RR_TYPE_DNAME ? dnssec_owner(rr, d->arena) : NULL;
        if (!owner || strcmp(owner, name) == 0 || !name_is_at_or_below(name, owner))
            continue;
        AUTO(rrset_close) struct rrset set = {0};
        rrset_take(d, answer, owner, LDNS_RR_TYPE_DNAME, &set);
        if (rrset_count(&set) == 0)
            continue;
        judge_set(d, l, p, &set, owner);
        l->alias = moved(d, name, owner, target(d, &set)); /* never the root: something moves */
        return true;
    }
    return false;
}

static void judge_absence(
    struct dnssec *d, struct leg *l, const ldns_pkt *p, const char *name, ldns_rr_type type)
{
    struct denial denial;
    bool nxdomain = ldns_pkt_get_rcode(p) == LDNS_RCODE_NXDOMAIN;
    l->answer = nxdomain ? DNS_NXDOMAIN : DNS_NODATA;
    if (l->zone->status != DNSSEC_SECURE)
        return;
    denial_find(d, l->zone, p, name, type, &denial);
    const char *shown = dnssec_shown(name);
    switch (denial.proof) {
    case PROOF_NXDOMAIN:
        if (!nxdomain)
            end_leg(l, DNSSEC_BOGUS, name,
                SAY(d->arena, "dnssec.proved_absent",
                    "{{name}} is said to have other records, but is proved not to exist",
                    {"name", shown}));
        return;
    case PROOF_NODATA:
    case PROOF_DELEGATION:
        if (nxdomain)
            end_leg(l, DNSSEC_BOGUS, name,
                SAY(d->arena, "dnssec.proved_present",
                    "{{name}} is said not to exist, but is proved to", {"name", shown}));
        return;
    case PROOF_OPT_OUT:
        end_leg(l, DNSSEC_INSECURE, name, dnssec_left_out(d, l->zone, name));
        return;
    case PROOF_TOO_DEAR:
        end_leg(l, DNSSEC_INSECURE, name, dnssec_too_dear(d, l->zone));
        return;
    case PROOF_NONE:
        break;
    }
    bool doubt = !said_is_nothing(&l->zone->doubt) && !signer_hint(d, ldns_pkt_authority(p), name);
    end_leg(l, DNSSEC_BOGUS, doubt ? l->zone->doubt_at : name,
        doubt ? l->zone->doubt
              : SAY_AROUND(d->arena, denial.why, "dnssec.absence_unproved",
                    "nothing proves that {{type}} {{name}} is missing: {{said}}",
                    {"type", dnssec_type_text(d, type)}, {"name", shown}));
}

static void judge(
    struct dnssec *d, struct leg *l, const ldns_pkt *p, const char *name, ldns_rr_type type)
{
    AUTO(rrset_close) struct rrset set = {0}, alias = {0};
    rrset_take(d, ldns_pkt_answer(p), name, type, &set);
    rrset_take(d, ldns_pkt_answer(p), name, LDNS_RR_TYPE_CNAME, &alias);
    l->answer = DNS_FOUND;
    if (judge_dname(d, l, p, name))
        return;
    if (rrset_count(&set) > 0) {
        judge_set(d, l, p, &set, name);
    } else if (rrset_count(&alias) > 0) {
        judge_set(d, l, p, &alias, name);
        l->alias = dnssec_shown(target(d, &alias));
    } else {
        judge_absence(d, l, p, name, type);
    }
}

static void take_leg(struct dnssec *d, const char *name, enum dns_type type, struct leg *l)
{
    ldns_rr_type number = rr_type_number(type);
    const char *what = dnssec_say(d, "%s %s", dnssec_type_text(d, number), dnssec_shown(name));
    struct said why = SAID_NOTHING;
    *l = (struct leg){.status = DNSSEC_SECURE, .alias = "", .why = SAID_NOTHING, .at = ""};
    const ldns_pkt *p = dnssec_ask(d, name, type, what, &why);
    if (!p) {
        l->answer = DNS_TIMEOUT;
        end_leg(l, DNSSEC_INDETERMINATE, name, why);
        return;
    }
    const char *hint =
        signer_hint(d, has_records(d, p, name) ? ldns_pkt_answer(p) : ldns_pkt_authority(p), name);
    const char *parent = number == LDNS_RR_TYPE_DS ? name_parent(name) : name;
    l->zone = dnssec_walk(d, hint ? hint : parent);
    judge(d, l, p, name, number);
    if (l->zone->status != DNSSEC_SECURE)
        end_leg(l, l->zone->status, l->zone->at, l->zone->why);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void show_zone(const struct zone_keys *z, struct arena *a, struct dnssec_zone *out)
{
    *out = (struct dnssec_zone){
        .name = arena_text(a, str_of(dnssec_shown(z->name))),
        .status = z->status,
        .why = said_copy(a, z->why),
        .entry_tag = z->entry_tag,
        .keys = z->keys_n,
        .algorithms = arena_text(a, str_of(z->algorithms)),
        .old_algorithm = z->old_algorithm,
        .starts_ms = z->starts_s * 1000,
        .ends_ms = z->ends_s * 1000,
        .ends_what = arena_text(a, str_of(z->ends_what)),
    };
}

static void show_chain(const struct zone_keys *last, struct arena *a, struct dnssec_verdict *out)
{
    size_t n = 0;
    for (const struct zone_keys *z = last; z; z = z->parent)
        n++;
    struct dnssec_zone *chain = arena_array(a, n, sizeof *chain);
    out->chain = chain;
    out->chain_n = n;
    for (const struct zone_keys *z = last; z; z = z->parent)
        show_zone(z, a, &chain[--n]);
}

/* The worst of all legs counts, and of equals the first. */
static void add_leg(const struct leg *l, struct arena *a, struct dnssec_verdict *out)
{
    out->answer = l->answer;
    show_chain(l->zone, a, out);
    if (l->status <= out->status)
        return;
    out->status = l->status;
    out->reason = said_copy(a, l->why);
    out->at = arena_text(a, str_of(dnssec_shown(l->at)));
}

static void begin(struct dnssec *d)
{
    int64_t ms = d->setup.timeout_ms > 0 ? d->setup.timeout_ms : TIMEOUT_DEFAULT_MS;
    d->until_steady_ns = clock_steady_ns() + ms * 1000000;
    d->now_s = clock_now_ms(d->setup.clock) / 1000;
    d->questions = d->verifies = d->hashes = 0;
    /* Nothing lies below these: the walk ended there. Who was silent then may answer now. */
    for (size_t i = 0; i < d->zones_n; i++)
        d->zones[i].forgotten = d->zones[i].status == DNSSEC_INDETERMINATE;
}

void dnssec_check(struct dnssec *d, const char *name, enum dns_type type, struct arena *a,
    struct dnssec_verdict *out)
{
    char at[NAME_SIZE] = "";
    struct leg l = {
        .status = DNSSEC_INDETERMINATE, .answer = DNS_BAD, .alias = name[0] ? name : "."};
    *out = (struct dnssec_verdict){
        .status = DNSSEC_SECURE, .answer = DNS_BAD, .reason = SAID_NOTHING, .at = ""};
    begin(d);
    for (int legs = 0; legs <= DNSSEC_MAX_ALIASES && l.alias[0]; legs++) {
        if (strcmp(l.alias, ".") == 0)
            at[0] = 0;
        else if (!name_canonical(str_of(l.alias), at))
            break;
        take_leg(d, arena_text(d->arena, str_of(at)), type, &l);
        add_leg(&l, a, out);
        if (out->status >= DNSSEC_INDETERMINATE)
            return;
    }
    if (l.alias[0]) {
        l.status = DNSSEC_INDETERMINATE;
        l.answer = DNS_BAD;
        l.at = at;
        l.why = SAID("dnssec.aliases",
            "an alias leads to no name that can be asked for, or to ever more aliases");
        add_leg(&l, a, out);
    }
}
