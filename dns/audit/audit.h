/* audit -- what is wrong with a domain's mail records, how bad it is, and what exactly to publish.
 *
 * All questions that do not wait for each other go out at once; then each row of one table
 * (table.c) judges the answers. A DNS failure makes a gap, never a finding: "not there" is
 * only said where the DNS said so.
 *
 * Severity: AUDIT_ERROR -- mail from this domain will be refused by one of the large receivers or
 * fail DMARC, or a record that this rests on is invalid or lets everybody in; AUDIT_WARNING -- works
 * today and will hurt; AUDIT_NOTE -- good to know.
 *
 * Shapes: names are lower-case A-labels without a final dot; absent text is "".
 * Ownership: the report lies in the arena given, which must outlive it; the setup must outlive the
 * call. Cannot fail: what the DNS says is the result.
 * Threads: audit_run starts a few of its own and ends them before it returns.
 * Limits: AUDIT_MAX_KEYS and AUDIT_MAX_ADDRESSES, of a DMARC record's addresses for reports 8, of keys validated by
 * DNSSEC 8; further ones are not looked at, without a word.
 * Source: RFC 7208, 6376, 8301, 9989, 9990, 5321, 7505; the receivers' own pages
 * (providers.c). */
#ifndef DNS_AUDIT_H
#define DNS_AUDIT_H

#include "base/said.h"
#include "dns/dnsbl.h"
#include "dns/dnssec.h"
#include "dns/mx.h"
#include "dns/probe.h"
#include "dns/web.h"

#define AUDIT_MAX_KEYS 64
#define AUDIT_MAX_ADDRESSES 64

/* ---- what is audited ------------------------------------------------------------------------- */

struct audit_key {
    const char *domain, *selector;
    const char *type;      /* "rsa", "ed25519"; "" where only the selector is known */
    struct str public_key; /* as dkim_record_holds takes it; "" where only the selector is known */
};

/* What the service itself has counted; receivers count their own. */
struct audit_complaints {
    bool known;
    int64_t delivered, complaints;
    int days;
};

/* One key that takes another's place, as `dkim rotate` left it. */
enum audit_rotation_step {
    AUDIT_ROTATION_PENDING,   /* the old one signs; the new record is to be published   */
    AUDIT_ROTATION_PUBLISHED, /* the old one signs; caches forget until until_ms        */
    AUDIT_ROTATION_RETIRING,  /* the new one signs; the old record stays until until_ms */
    AUDIT_ROTATION_RETIRED,   /* the new one signs; the old record is to be revoked     */
    AUDIT_ROTATION_BACK,      /* the old one again; the new record stays until until_ms */
};
struct audit_rotation {
    const char *domain, *old_selector, *new_selector;
    const char *old_record, *new_record; /* their whole texts */
    enum audit_rotation_step step;
    int64_t until_ms; /* 0 = not known yet */
};

struct audit_setup {
    struct resolver *resolver;
    int64_t limit_ms; /* behind it, or once *over is true, nothing further is asked: */
    const _Atomic bool
        *over; /* what is missing is reported as a DNS failure. 0 = a minute; NULL = never */
    const struct clock *clock;
    const struct web *web;                /* NULL: no pages are fetched */
    const struct dnssec_anchors *anchors; /* DNSSEC is validated from here; NULL: the resolver's
                                             AD bit is believed, where it is on this machine */
    const char *domain;                   /* of the From header */
    const struct audit_key *keys;
    size_t keys_n;
    const struct audit_rotation *rotations;
    size_t rotations_n;
    bool keys_are_all; /* no other key signs; false and no keys: well-known selectors are tried */
    const struct ip *addresses; /* those that receivers see */
    size_t addresses_n;
    bool smart_host;       /* receivers see another's addresses, so that SPF cannot be checked */
    const char *mail_from; /* domain of the return path; "" = not known, the From domain is taken */
    const char *helo;      /* "" = not known */
    const char *links;     /* host of unsubscribe links; "" = not known */
    struct audit_complaints complaints;
    const struct dnsbl_list *dnsbl; /* lists of senders of spam to ask */
    size_t dnsbl_n;
    const struct probe_rules
        *probe; /* the domain's mail hosts are connected to; NULL: they are not */
};

/* ---- what is said about it ------------------------------------------------------------------- */

enum audit_severity { AUDIT_ERROR, AUDIT_WARNING, AUDIT_NOTE };
const char *audit_severity_name(enum audit_severity s); /* "error", "warning", "note" */

enum audit_verdict { AUDIT_PASS, AUDIT_FAIL, AUDIT_UNKNOWN };
const char *audit_verdict_name(enum audit_verdict v); /* "pass", "fail", "unknown" */

/* A record to publish. It takes the place of the record of its kind at this name: of the SPF record
 * among other TXT records, of all records of other types. */
struct audit_record {
    const char *name, *type; /* "_dmarc.shop.example", "TXT" */
    uint32_t ttl_s;
    const char *value; /* TXT: the whole text, unquoted; else as in a zone file */
};

/* As a line of a zone file, without its end. What does not fit `width` columns (0 = no limit), or
 * one string of 255 octets, goes on in further lines between brackets. */
void audit_record_line(const struct audit_record *r, size_t width, struct buf *out);

struct audit_finding {
    const char *code; /* stable: "DMARC-MISSING" */
    enum audit_severity severity;
    const char *title, *why; /* of the code: always the same */
    const char *name;        /* the record, host or address that it is about */
    struct said detail;      /* on what was found here */
    const char *evidence;    /* the record as found */
    size_t mark_at, mark_n;  /* the bad place in it; mark_n = 0: none, or all of it */
    const struct audit_record *publish;
    size_t publish_n;
};

struct audit_gap { /* checks that could not be made */
    struct said reason;
    bool dns_failed; /* else something was not known, or does not apply */
    const char *const *codes;
    size_t codes_n;
};

enum audit_answer { AUDIT_RULE_PASS, AUDIT_RULE_FAIL, AUDIT_RULE_NOT_CHECKABLE };
const char *audit_answer_name(enum audit_answer r); /* "pass", "fail", "not-checkable" */

struct audit_rule {   /* one demand of one provider */
    const char *rule; /* "dkim" */
    enum audit_answer answer;
    struct said detail;
};

struct audit_provider {
    const char *key, *name, *source; /* "gmail", "Gmail", where its rules stand */
    const struct audit_rule *rules;
    size_t rules_n;
};

struct audit_dnssec { /* the worst of the domain's own records */
    bool checked;
    enum dnssec_status status; /* where checked */
    struct said reason;        /* nothing where secure */
    const struct dnssec_zone
        *chain; /* from the anchor down; empty where the resolver was believed */
    size_t chain_n;
};
/* "secure", "insecure", "bogus", "indeterminate", "not-checked" */
const char *audit_dnssec_name(const struct audit_dnssec *d);

struct audit_report {
    const char *domain;
    enum audit_verdict verdict;
    struct said sentence;                 /* why */
    const struct audit_finding *findings; /* the worst first */
    size_t findings_n;
    size_t errors;
    const struct audit_gap *gaps;
    size_t gaps_n;
    bool unsure; /* the DNS failed where an error might have been found */
    struct audit_dnssec dnssec;
    const struct audit_provider *providers;
    size_t providers_n;
};

void audit_run(const struct audit_setup *s, struct arena *a, struct audit_report *out);

/* The same report with all its sentences as `look` has them, in English where it has none. Titles and whys
 * have the keys "CODE.title" and "CODE.why". The copy borrows all else. */
struct audit_finding audit_tell_finding(
    const struct audit_finding *f, said_look *look, void *context, struct arena *a);
void audit_tell(const struct audit_report *r, said_look *look, void *context, struct arena *a,
    struct audit_report *out);

/* The table of codes, for documentation; false at its end. */
struct audit_code {
    const char *code;
    enum audit_severity severity;
    const char *unless; /* when it is less than that; "" = never */
    const char *title, *why;
};
bool audit_code_at(size_t i, struct audit_code *out);

#endif
