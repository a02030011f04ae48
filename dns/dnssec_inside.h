/* dnssec_inside -- the inside of a validation, for dnssec*.c alone: zones with their keys, RRsets with their
 * signatures, proofs of absence.
 * Records are ldns's and belong to the packets that the handle keeps. Everything a stranger decides has a limit
 * here (KeyTrap: CVE-2023-50387 and 50868). */
#ifndef DNS_DNSSEC_INSIDE_H
#define DNS_DNSSEC_INSIDE_H

#include "dns/dnssec.h"
#include "dns/name.h"

#include <ldns/ldns.h>

#define DNSSEC_MAX_QUESTIONS 48 /* of one check */
#define DNSSEC_MAX_ZONES 64     /* of one handle */
#define DNSSEC_MAX_ALIASES 8
#define DNSSEC_MAX_KEYS 32        /* of one zone; further ones are not tried */
#define DNSSEC_MAX_DS 16          /* of one delegation, the same */
#define DNSSEC_MAX_SIGNATURES 8   /* of one RRset, the same */
#define DNSSEC_MAX_SAME_TAG 4     /* keys of one tag tried for one signature */
#define DNSSEC_MAX_VERIFIES 96    /* signatures computed in one check */
#define DNSSEC_MAX_DENIALS 12     /* NSEC or NSEC3 records of one answer */
#define DNSSEC_MAX_ITERATIONS 100 /* of NSEC3: RFC 9276 s3.2 */
#define DNSSEC_MAX_HASHES 512     /* of NSEC3 in one check */

/* ---- zones ----------------------------------------------------------------------------------- */

struct zone_keys {
    const char *name; /* "" = the root */
    enum dnssec_status status;
    struct said why; /* where it is not secure */
    const char *at;
    const struct zone_keys *parent;
    ldns_rr *keys[DNSSEC_MAX_KEYS];
    size_t keys_n;
    const char *algorithms;
    uint16_t entry_tag; /* of the key that its parent vouches for */
    bool old_algorithm;
    int64_t starts_s, ends_s;
    const char *ends_what;
    bool forgotten; /* the DNS did not answer in an earlier check */
    /* A delegation below may be there: neither a DS nor a proof of its absence came. */
    struct said doubt;
    const char *doubt_at;
};

struct dnssec {
    struct dnssec_setup setup;
    struct arena *arena;
    struct zone_keys zones[DNSSEC_MAX_ZONES];
    size_t zones_n;
    ldns_pkt **packets;
    size_t packets_n, packets_room;
    /* of the check under way */
    int64_t until_steady_ns, now_s;
    size_t questions, verifies, hashes;
};

/* Text in the handle's arena. */
#define dnssec_say(d, ...) arena_printf((d)->arena, __VA_ARGS__)
const char *dnssec_shown(const char *name); /* "." for the root */

/* ---- the chain (dnssec_chain.c) -------------------------------------------------------------- */

/* A packet that the handle keeps; NULL with *why ("the DNS did not answer for DS shop.example (timeout)"). */
const ldns_pkt *dnssec_ask(
    struct dnssec *d, const char *name, enum dns_type type, const char *what, struct said *why);
/* The zone that a name lies in, as far as the chain leads; never NULL. */
struct zone_keys *dnssec_walk(struct dnssec *d, const char *name);
struct said dnssec_left_out(struct dnssec *d, const struct zone_keys *z, const char *name);
struct said dnssec_too_dear(struct dnssec *d, const struct zone_keys *z);

/* ---- anchors (dnssec_anchor.c) --------------------------------------------------------------- */

struct dnssec_anchors {
    ldns_rr_list *records;
};

/* The zone of the anchors that lies deepest at or above the name; false: none does. */
bool dnssec_anchor_zone(
    const struct dnssec_anchors *t, const char *name, struct arena *a, const char **zone);

/* ---- records and signatures (dnssec_verify.c) ------------------------------------------------ */

const char *dnssec_owner(const ldns_rr *rr, struct arena *a); /* NULL: no name */
const char *dnssec_type_text(struct dnssec *d, ldns_rr_type type);
const char *dnssec_algorithm_text(struct dnssec *d, uint8_t algorithm);
uint8_t dnssec_u8(const ldns_rr *rr, size_t i); /* 0 where the field is not there */
uint16_t dnssec_u16(const ldns_rr *rr, size_t i);
bool dnssec_algorithm_is_known(uint8_t algorithm);

struct rrset {
    const char *owner;
    ldns_rr_type type;
    ldns_rr_list *records; /* borrowed records in a list of ours */
    ldns_rr *signatures[DNSSEC_MAX_SIGNATURES];
    size_t signatures_n;
};
void rrset_take(struct dnssec *d, const ldns_rr_list *section, const char *owner, ldns_rr_type type,
    struct rrset *out);
void rrset_close(struct rrset *s); /* for AUTO() */
size_t rrset_count(const struct rrset *s);

struct proved {
    size_t labels;   /* of the name that was signed: fewer than the owner's for a wildcard */
    struct said why; /* why not, where it is not */
};
/* One signature of this zone with one of its keys holds now. The zone's soonest end is kept in it. */
bool rrset_verify(struct dnssec *d, struct zone_keys *z, const struct rrset *s, struct proved *out);

/* ---- proofs of absence (dnssec_denial.c) ----------------------------------------------------- */

enum proof {
    PROOF_NONE,
    PROOF_NODATA,     /* the name is there, this type is not                        */
    PROOF_NXDOMAIN,   /* neither the name nor a wildcard for it                     */
    PROOF_DELEGATION, /* NODATA for DS: a delegation is there, and it is unsigned   */
    PROOF_OPT_OUT,    /* NSEC3 covers it with opt-out: an unsigned delegation may be */
    PROOF_TOO_DEAR,   /* NSEC3 with more iterations than anybody should try         */
};
struct denial {
    enum proof proof;
    struct said why; /* of PROOF_NONE */
};
/* What the authority section proves about a name and type. */
void denial_find(struct dnssec *d, struct zone_keys *z, const ldns_pkt *p, const char *name,
    ldns_rr_type type, struct denial *out);
/* That a wildcard with this many labels in its parent was right to answer for `name`: PROOF_NXDOMAIN says so. */
void denial_of_closer(struct dnssec *d, struct zone_keys *z, const ldns_pkt *p, const char *name,
    size_t labels, struct denial *out);

#endif
