/* audit_inside -- the inside of an audit: the facts as the DNS gave them, and how checks speak of them.
 * facts.c fills the case, the rows of table.c judge it; for this folder alone.
 * Facts may lie in the crew's arenas, which end with the audit: what goes into the report is copied
 * into c->arena. One thread at a time, but while the crew works, each task on its own fact. */
#ifndef DNS_AUDIT_INSIDE_H
#define DNS_AUDIT_INSIDE_H

#include "dns/audit/audit.h"
#include "dns/audit/crew.h"
#include "dns/bimi.h"
#include "dns/bimi_mark.h"
#include "dns/bimi_svg.h"
#include "dns/dane.h"
#include "dns/dkim_record.h"
#include "dns/dmarc_walk.h"
#include "dns/mta_sts.h"
#include "dns/spf.h"
#include "dns/spf_record.h"
#include "dns/tls_rpt.h"

#define AUDIT_TTL 300
#define AUDIT_MAX_DNSSEC_NAMES 48
#define AUDIT_MAX_REPORTS 8    /* addresses of reports looked at */
#define AUDIT_MAX_SPF_NODES 64 /* records of one tree of includes looked at */
#define AUDIT_MAX_SPF_HOSTS 64 /* names of its a and mx terms looked at */
#define AUDIT_MAX_ESTATES 64   /* dead names looked at */
#define AUDIT_MAX_LISTINGS 128 /* questions to lists of senders of spam */
#define AUDIT_MAX_ALIASES (AUDIT_MAX_KEYS + 2 * MX_MAX_HOSTS + 16)
#define AUDIT_SPF_LOOKUPS 10  /* RFC 7208 s4.6.4 */
#define AUDIT_SPF_ENDLESS 100 /* look-ups that a loop of includes counts */
#define AUDIT_SPF_VOIDS 2

/* ---- facts ----------------------------------------------------------------------------------- */

struct audit_question {
    const char *name;
    enum dns_type type;
    struct dns_answer answer;
};

struct audit_host {
    const char *name;
    struct audit_question a, aaaa;
    const struct dns_record *mx; /* that names it; NULL: none does */
};

struct audit_estate { /* a name that is not there, and the one to register above it (takeover.h) */
    const char *name, *domain;
    bool hosted; /* a hoster hands the domain to its customers */
    struct audit_question soa;
};

struct audit_mail_domain { /* a domain that is to take mail */
    const char *name;
    struct audit_question mx;
    struct audit_host self;
    struct audit_host hosts[MX_MAX_HOSTS]; /* of the MX records, in their order */
    size_t hosts_n;
};

struct audit_key_fact {
    const struct audit_key *key;
    const char *name; /* "pp1._domainkey.shop.example" */
    struct audit_question txt;
    struct dkim_record record;
    bool ours;   /* we know the key itself */
    bool usable; /* a signature with it can pass */
};

struct audit_address {
    struct ip ip;
    char text[IP_TEXT_SIZE];
    struct audit_question ptr;
    struct dns_answer back;      /* the addresses of the first name of its PTR */
    bool confirmed;              /* one of its names leads back to it */
    bool unsure;                 /* the DNS failed on the way back */
    const char *unsure_name;     /* for this name of its PTR, */
    enum dns_status failure;     /* so */
    struct spf_verdict spf;      /* of the return path */
    struct spf_verdict helo_spf; /* of the HELO name, as for a bounce; NONE where it is not known */
    const struct audit_case *owner;
};

struct audit_spf_node { /* one record of the tree that begins at the return path */
    const char *domain;
    struct audit_question txt;
    size_t records_n;         /* SPF records there: one is right */
    struct spf_record record; /* the first; of none, without terms */
};

struct audit_spf_host { /* a name of an a or mx term */
    const char *name;
    bool mx;
    struct audit_question first, second; /* A and AAAA, or MX alone */
};

struct audit_dane_fact {
    const char *host;
    struct dane dane;
};

struct audit_around {                           /* of the From domain */
    struct audit_host sts_host;                 /* mta-sts.DOMAIN */
    struct audit_question sts_txt, tls_rpt_txt; /* where their records stand, behind aliases */
    struct mta_sts_record sts;
    struct mta_sts_policy policy; /* where the record is good and pages may be fetched */
    struct tls_rpt_record tls_rpt;
    struct bimi_record bimi;
    struct bimi_svg logo; /* where the record is good, names one, and pages may be fetched */
    struct bimi_mark mark;
    struct audit_dane_fact dane[MX_MAX_HOSTS];
    size_t dane_n;
};

struct audit_report_target { /* an address of rua or ruf */
    const char *policy_domain;
    struct str uri;
    const char *host, *question;
    struct dmarc_path path; /* of the host */
    struct audit_question authorisation;
    bool asked;  /* the host is another organization's */
    bool unsure; /* the DNS did not say whose it is: it failed for this name, so */
    const char *unsure_name;
    enum dns_status failure;
};

struct audit_inbox { /* a host that takes reports by mail */
    const char *host, *uri;
    struct audit_question mx;
    struct audit_host self;
};

struct audit_listing { /* one list, asked about one address or name */
    const struct dnsbl_list *list;
    const char *name;
    const struct ip *ip; /* NULL: the name */
    struct dnsbl_answer answer;
};

struct audit_probe { /* one mail host, connected to */
    const struct audit_host *host;
    const struct probe_rules *rules;
    struct probe probe;
};

struct audit_dnssec_name { /* a record that mail needs, and how it is signed */
    const char *name;
    enum dns_type type;
    struct dnssec_verdict verdict;
};

struct audit_dnssec_facts {
    bool in_zone_file;       /* the domain comes from --zone, where nothing is signed */
    bool resolver_validates; /* it sets AD for the root; not asked where we validate */
    struct audit_dnssec_name names[AUDIT_MAX_DNSSEC_NAMES];
    size_t names_n;
    size_t own_n; /* the first ones are the domain's own */
};

struct audit_case {
    const struct audit_setup *setup;
    struct arena *arena;
    struct crew *crew;
    struct resolver *resolver; /* for what is asked after the rounds */
    const char *domain, *mail_from;
    bool mail_from_assumed, guessed;

    struct audit_key_fact *keys; /* guessed ones that are not there left out */
    size_t keys_n;
    size_t usable_keys;
    enum dns_status guesses_failure; /* how the DNS failed for the first guessed one; FOUND: not */
    const char *guess_failed;
    struct audit_question dmarc;
    struct dmarc_path path;
    const struct dmarc_found *record; /* the DMARC record that applies, NULL = none */
    struct audit_report_target reports[AUDIT_MAX_REPORTS];
    size_t reports_n;
    struct audit_inbox inboxes[AUDIT_MAX_REPORTS];
    size_t inboxes_n;
    struct audit_mail_domain from, back; /* the From domain and the return path's */
    struct audit_question txt, back_txt;
    struct audit_spf_node spf[AUDIT_MAX_SPF_NODES]; /* the first is the return path's */
    size_t spf_n, spf_asked;
    struct { /* what audit_wanted_spf found; record NULL: nobody asked yet */
        const char *record;
        bool flattened;
    } spf_mended;
    struct audit_spf_host spf_hosts[AUDIT_MAX_SPF_HOSTS];
    size_t spf_hosts_n;
    struct audit_address stranger; /* an address that nobody has: what SPF says of all others */
    struct audit_address *addresses;
    size_t addresses_n;
    struct audit_host helo, links;
    struct audit_question ns; /* of the From domain; NODATA where it is no zone of its own */
    struct audit_estate estates[AUDIT_MAX_ESTATES];
    size_t estates_n;
    struct audit_around around;
    struct audit_dnssec_facts dnssec;
    struct audit_listing listings[AUDIT_MAX_LISTINGS]; /* none where nobody asked for them */
    size_t listings_n;
    struct audit_probe probes[MX_MAX_HOSTS + 1];
    size_t probes_n;
    struct audit_question probe;      /* a name at which nobody publishes a key */
    struct audit_question apex_probe; /* a name below the domain that nobody publishes */
    struct dmarc_verdict dmarc_verdict;
    const char *spf_result; /* the worst over all addresses, "" = not checked */

    struct audit_finding *findings;
    size_t findings_n, findings_room;
    struct audit_gap *gaps;
    size_t gaps_n, gaps_room;
};

void audit_gather(struct audit_case *c);

/* Tasks on a case, the last on one audit_dane_fact (around.c). */
void audit_find_mta_sts(struct crew_member *m, void *subject);
void audit_find_tls_rpt(struct crew_member *m, void *subject);
void audit_find_bimi(struct crew_member *m, void *subject);
void audit_find_dane(struct crew_member *m, void *subject);

/* What is asked only where the setup says so (dnsbl.c, probe.c): the facts that wait, and the
 * task on each. Probes wait for the addresses of the MX hosts. */
void audit_list_listings(struct audit_case *c);
void audit_ask_listing(struct crew_member *m, void *subject);
void audit_list_probes(struct audit_case *c);
void audit_run_probe(struct crew_member *m, void *subject);

/* DNSSEC (dnssec.c): a task of the first round, and one of the last. */
void audit_find_validating(struct crew_member *m, void *subject);
void audit_find_dnssec(struct crew_member *m, void *subject);
void audit_report_dnssec(struct audit_case *c, struct audit_dnssec *out);
bool audit_is_bogus(const struct audit_case *c, const char *name); /* its TXT records are */
/* What receivers that validate make of a domain that would pass: FAIL where they cannot read its DMARC record,
 * or the record of any identity that passes; UNKNOWN where another identity may still carry it; PASS: nothing. *why: not of PASS. */
enum audit_verdict audit_after_validation(struct audit_case *c, struct said *why);
enum audit_dane_trust { AUDIT_DANE_SECURE, AUDIT_DANE_NOT_SECURE, AUDIT_DANE_UNKNOWN };
/* Whether senders may believe the TLSA records of a host; *why where they may not. */
enum audit_dane_trust audit_trust_dane(
    const struct audit_case *c, const struct audit_dane_fact *f, struct said *why);

/* The tree of SPF records (spf_tree.c). */
void audit_spf_read(struct audit_case *c, struct audit_spf_node *n); /* after its question */
/* What a record leads to, as far as it is not there yet: nodes and hosts that wait to be asked. */
void audit_spf_spread(struct audit_case *c, const struct audit_spf_node *n);
/* The record without the terms that break its grammar. */
void audit_spf_cut_faults(struct audit_case *c, struct str text, struct spf_record *out);
/* The node that a term points to; NULL: it points nowhere, or through a macro. */
const struct audit_spf_node *audit_spf_target(const struct audit_case *c, const struct spf_term *t);
const struct audit_spf_host *audit_spf_host_of(
    const struct audit_case *c, const struct audit_spf_node *n, const struct spf_term *t);
bool audit_spf_host_is_void(const struct audit_spf_host *h);
bool audit_spf_counts(const struct spf_record *r, const struct spf_term *t); /* is evaluated */
/* Terms that ask the DNS, in this record and below it; a loop counts beyond all limits. */
size_t audit_spf_lookups(const struct audit_case *c, const struct audit_spf_node *n);
/* Nothing when the target gives no permerror, else why it does. */
struct said audit_spf_dead(struct audit_case *c, const struct spf_term *t);
/* A text that wants to be an SPF record and is none, where there is no other; "" = no such text. */
struct str audit_spf_almost(const struct audit_case *c);
/* The record that it was meant to be. */
const char *audit_spf_meant(struct audit_case *c, struct str almost);
/* An include of this record leads there already. */
bool audit_spf_is_in_another(
    const struct audit_case *c, const struct spf_record *r, const struct spf_term *t);
bool audit_spf_is_inside(
    const struct spf_term *t); /* a private network, which nobody outside has */
bool audit_spf_is_ours(
    const struct audit_case *c, const struct spf_term *t);   /* has one of our addresses */
bool audit_spf_has_too_many(const struct audit_spf_host *h); /* MX names (RFC 7208 s4.6.4) */
const char *audit_place(const struct audit_question *q); /* where the record is, behind aliases */
bool audit_is_failure(enum dns_status s);
bool audit_is_absent(enum dns_status s); /* NXDOMAIN or NODATA */
/* A question that the DNS did not answer decides which DMARC record applies. A silent top-level domain does
 * not count: what stands there would be its registry's, and the domain's own record is missing whatever
 * it says (`--zone` alone never knows it). */
bool audit_dmarc_is_unknown(const struct audit_case *c);
/* SPF was not checked, because no sending address is known, and might pass and align from one, for
 * receivers that validate, too. */
bool audit_spf_may_carry(struct audit_case *c);
/* Whether a domain aligns with the From domain; *failed: the DNS did not say. */
bool audit_aligns(struct audit_case *c, const char *other, char mode, bool *failed);
struct said audit_alignment_unknown(const struct audit_case *c, const char *other);
bool audit_host_exists(const struct audit_host *h);
bool audit_host_is_unsure(const struct audit_host *h); /* no address, and the DNS failed */
bool audit_host_is_alias(const struct audit_host *h);
bool audit_host_is_inside(const struct audit_host *h); /* has a private or loopback address */
/* An address, one label, or a name that means another host in each network. */
bool audit_is_no_public_name(const char *name);
/* All questions whose answer may lead through an alias of ours, at most AUDIT_MAX_ALIASES. */
size_t audit_alias_questions(const struct audit_case *c, const struct audit_question **out);
/* The alias leads to a name that does not exist. */
bool audit_alias_dangles(const struct audit_question *q);

/* ---- checks ---------------------------------------------------------------------------------- */

struct audit_check {
    const char *code;
    enum audit_severity severity;
    const char *unless; /* when it counts for less */
    const char *title, *why;
    void (*run)(struct audit_case *c, const struct audit_check *k);
};
extern const struct audit_check audit_checks[];
extern const size_t audit_checks_n;

/* A new finding with the row's words and severity; the texts are copied. */
struct audit_finding *audit_add(
    struct audit_case *c, const struct audit_check *k, const char *name, struct said detail);
struct said audit_no_addresses(const struct audit_case *c); /* why none of ours can be looked at */
struct said audit_no_dmarc(const struct audit_case *c); /* no record applies to the From domain */
/* The record that a finding rests on, and the first place of `mark` in it ("" = no mark). */
void audit_evidence(
    struct audit_case *c, struct audit_finding *f, struct str text, struct str mark);
/* The check could not be made. */
void audit_skip(struct audit_case *c, const struct audit_check *k, struct said reason);
void audit_skip_failed(
    struct audit_case *c, const struct audit_check *k, const char *name, enum dns_status status);
/* False, with the gap: a record of the SPF tree is not known, because the DNS failed. */
bool audit_spf_tree_is_known(struct audit_case *c, const struct audit_check *k);
/* An evaluation of SPF for this domain met a failure of the DNS. */
void audit_skip_spf(struct audit_case *c, const struct audit_check *k, const char *domain,
    const struct spf_verdict *v);
/* Neither family of its addresses is known, because of this failure. */
enum dns_status audit_host_failure(const struct audit_host *h);
/* The same with a reason of its own. */
void audit_skip_unanswered(struct audit_case *c, const struct audit_check *k, struct said reason);

/* ---- records to publish (publish.c) ---------------------------------------------------- */

void audit_publish(struct audit_case *c, struct audit_finding *f, const char *name,
    const char *type, const char *value);
/* One DMARC record that mends all that is wrong with the present one; see there for the policy. */
const char *audit_wanted_dmarc(struct audit_case *c, const char *domain);
/* Wants to be a DMARC record, whatever is wrong with it. */
bool audit_is_meant_as_dmarc(struct str text);
/* That record for the one that applies, where it is looked for. */
void audit_publish_dmarc(struct audit_case *c, struct audit_finding *f);
/* The host of an address for reports: "mailto:a@host!10m", "https://host/path". */
bool audit_uri_host(struct str uri, char out[NAME_SIZE]);
/* It is known that nobody gets what is sent there. */
bool audit_uri_is_lost(const struct audit_case *c, struct str uri);
/* MX records without hosts that are dead, private or named before, with the names behind aliases. */
void audit_publish_mx(
    struct audit_case *c, struct audit_finding *f, const struct audit_mail_domain *d);
/* Our key, else the one found without the tags that limit it; "" = not known. */
const char *audit_wanted_key(struct audit_case *c, const struct audit_key_fact *k);
/* One SPF record for the return path that mends the present one (spf_mend.c); "" = not known.
 * *flattened: includes had to be replaced by their addresses. */
const char *audit_wanted_spf(struct audit_case *c, bool *flattened);
/* "7.100.51.198.in-addr.arpa" */
const char *audit_reverse_name(const struct ip *ip, struct arena *a);

void audit_judge_providers(struct audit_case *c, struct audit_report *out);

/* ---- the rows' functions --------------------------------------------------------------------- */

#define AUDIT_CHECK(name) void name(struct audit_case *c, const struct audit_check *k)

AUDIT_CHECK(check_domain_absent);
AUDIT_CHECK(check_free_mail);
AUDIT_CHECK(check_wildcard);
AUDIT_CHECK(check_txt_size);
AUDIT_CHECK(check_dangling);
AUDIT_CHECK(check_takeover);
AUDIT_CHECK(check_reports_lost);
AUDIT_CHECK(check_reports_many);
AUDIT_CHECK(check_dmarc_other_text);
AUDIT_CHECK(check_dmarc_at_apex);
AUDIT_CHECK(check_mx_private);
AUDIT_CHECK(check_mx_duplicate);
AUDIT_CHECK(check_helo_name);
AUDIT_CHECK(check_helo_ptr);
AUDIT_CHECK(check_ptr_generic);
AUDIT_CHECK(check_links);
AUDIT_CHECK(check_sts_mode);
AUDIT_CHECK(check_sts_age);
AUDIT_CHECK(check_sts_stale);
AUDIT_CHECK(check_sts_missing);
AUDIT_CHECK(check_key_long);
AUDIT_CHECK(check_key_strict);
AUDIT_CHECK(check_key_shared);
AUDIT_CHECK(check_dnsbl);
AUDIT_CHECK(check_port25);
AUDIT_CHECK(check_mx_unreachable);
AUDIT_CHECK(check_starttls);
AUDIT_CHECK(check_starttls_certificate);

AUDIT_CHECK(check_dmarc_missing);
AUDIT_CHECK(check_dmarc_several);
AUDIT_CHECK(check_dmarc_syntax);
AUDIT_CHECK(check_dmarc_ignored);
AUDIT_CHECK(check_dmarc_none);
AUDIT_CHECK(check_dmarc_subdomain_none);
AUDIT_CHECK(check_dmarc_test_mode);
AUDIT_CHECK(check_dmarc_no_reports);
AUDIT_CHECK(check_dmarc_removed);
AUDIT_CHECK(check_dmarc_org_record);
AUDIT_CHECK(check_dmarc_report_authorised);

AUDIT_CHECK(check_spf_missing);
AUDIT_CHECK(check_spf_several);
AUDIT_CHECK(check_spf_syntax);
AUDIT_CHECK(check_spf_lookups);
AUDIT_CHECK(check_spf_voids);
AUDIT_CHECK(check_spf_permissive);
AUDIT_CHECK(check_spf_no_all);
AUDIT_CHECK(check_spf_ptr);
AUDIT_CHECK(check_spf_include_dead);
AUDIT_CHECK(check_spf_duplicate);
AUDIT_CHECK(check_spf_after_all);
AUDIT_CHECK(check_spf_address);
AUDIT_CHECK(check_spf_takeover);
AUDIT_CHECK(check_spf_mx_exceeded);
AUDIT_CHECK(check_spf_term_void);
AUDIT_CHECK(check_spf_network_large);
AUDIT_CHECK(check_spf_network_private);
AUDIT_CHECK(check_spf_long);
AUDIT_CHECK(check_spf_sender_id);
AUDIT_CHECK(check_spf_helo);

AUDIT_CHECK(check_key_absent);
AUDIT_CHECK(check_key_mismatch);
AUDIT_CHECK(check_key_revoked);
AUDIT_CHECK(check_key_several);
AUDIT_CHECK(check_key_syntax);
AUDIT_CHECK(check_key_short);
AUDIT_CHECK(check_key_weak);
AUDIT_CHECK(check_key_testing);
AUDIT_CHECK(check_key_sha1_only);
AUDIT_CHECK(check_key_not_for_mail);
AUDIT_CHECK(check_key_ed25519_only);
AUDIT_CHECK(check_rotation_pending);
AUDIT_CHECK(check_rotation_waiting);
AUDIT_CHECK(check_rotation_retiring);
AUDIT_CHECK(check_rotation_removed_early);
AUDIT_CHECK(check_rotation_retired);
AUDIT_CHECK(check_dkim_unsigned);
AUDIT_CHECK(check_dkim_unaligned);

AUDIT_CHECK(check_sts_record);
AUDIT_CHECK(check_sts_policy);
AUDIT_CHECK(check_sts_mx);
AUDIT_CHECK(check_tls_rpt);
AUDIT_CHECK(check_tls_rpt_missing);
AUDIT_CHECK(check_dane);
AUDIT_CHECK(check_dane_secure);
AUDIT_CHECK(check_dnssec_bogus);
AUDIT_CHECK(check_dnssec_unsigned);
AUDIT_CHECK(check_dnssec_expiring);
AUDIT_CHECK(check_dnssec_algorithm);
AUDIT_CHECK(check_bimi_record);
AUDIT_CHECK(check_bimi_policy);
AUDIT_CHECK(check_bimi_logo);
AUDIT_CHECK(check_bimi_mark);

AUDIT_CHECK(check_mx_missing);
AUDIT_CHECK(check_mx_null);
AUDIT_CHECK(check_mx_no_address);
AUDIT_CHECK(check_mx_cname);
AUDIT_CHECK(check_return_path_mx);
AUDIT_CHECK(check_return_path_unaligned);
AUDIT_CHECK(check_ptr_missing);
AUDIT_CHECK(check_ptr_not_confirmed);
AUDIT_CHECK(check_helo);

#endif
