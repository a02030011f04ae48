/* survey -- what the settings say about our side of a domain, as an audit takes it: the keys that
 * sign, the return path, the addresses that receivers see, our name in EHLO. And the report as JSON.
 *
 * A domain is ours where a storefront sends from it, or has its return path there.
 * Ownership: texts are copied into the arena given; the setup points into the survey itself, which
 * therefore stays where it is. The caller sets resolver, clock and web.
 * Cannot fail: settings were checked when they were read. Any thread. */
#ifndef MAILER_GATE_SURVEY_H
#define MAILER_GATE_SURVEY_H

#include "base/conf.h"
#include "base/json.h"
#include "dns/audit/audit.h"
#include "mailer/mime/dkim.h"

struct survey {
    struct audit_setup setup;
    struct audit_key keys[AUDIT_MAX_KEYS];
    struct ip addresses[AUDIT_MAX_ADDRESSES];
    bool returns_only; /* a return path, and no storefront sends from it */
};

/* The key of one dkim section, lent until the call ends; NULL: it cannot be read here, so its record
 * is checked and not compared. */
struct survey_keys {
    const struct dkim_key *(*find)(
        void *state, const struct conf_storefront *s, const struct conf_dkim *d);
    void *state;
};

/* domain: lower-case A-labels; outlives the survey. */
void survey_begin(struct survey *v, const char *domain);
/* storefront: what it alone says counts; NULL = all of them. False: the domain is not ours, and
 * nothing was taken. */
bool survey_take_settings(struct survey *v, const struct conf *c, const char *storefront,
    const struct survey_keys *keys, struct arena *a);
/* Addresses above the limit, and texts that are none, are left out. */
void survey_add_address(struct survey *v, const char *text);

bool survey_sends_from(const struct conf_storefront *s, const char *domain, struct arena *a);
bool survey_returns_to(const struct conf_storefront *s, const char *domain, struct arena *a);

/* The From domains of all storefronts, then the return paths where they differ; each once. */
size_t survey_domains(const struct conf *c, struct arena *a, const char ***out);

/* The audit. Of a domain that is a return path only, what receivers ask of a From domain (DMARC,
 * DKIM, BIMI, their score cards) is left out, and the verdict is AUDIT_UNKNOWN. */
void survey_run(const struct survey *v, struct arena *a, struct audit_report *out);

/* The report as docs/deliverability.md describes it; the caller closes it. */
struct js *survey_json(const struct audit_report *r);
struct js *survey_finding_json(const struct audit_finding *f);

#endif
