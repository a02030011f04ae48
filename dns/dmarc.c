#include "dns/dmarc.h"

#include "dns/dmarc_walk.h"
#include "dns/name.h"

/* One evaluation on its way. */
struct check {
    struct resolver *resolver;
    struct arena *arena;
    const struct dmarc_path *author;
    uint32_t ttl_s;
    bool unsure; /* a DNS failure, or an identity's own temperror, stands where a pass might */
};

const char *dmarc_result_name(enum dmarc_result r)
{
    static const char *const names[] = {
        [DMARC_PASS] = "pass",
        [DMARC_FAIL] = "fail",
        [DMARC_NO_RECORD] = "none",
        [DMARC_TEMPERROR] = "temperror",
        [DMARC_PERMERROR] = "permerror",
    };
    return names[r];
}

/* ---- alignment (RFC 9989 s4.4) --------------------------------------------------------------- */

static void keep_least_ttl(struct check *c, uint32_t ttl_s)
{
    c->ttl_s = ttl_s < c->ttl_s ? ttl_s : c->ttl_s;
}

/* Both walks broke off at the same name, and both end for the time being at one domain, which lies below it, since
 * it was found before. Whatever stands at that name and above would move both to the same place: the failure does
 * not decide. */
static bool agree_despite_failure(const struct dmarc_path *a, const struct dmarc_path *b)
{
    return strcmp(a->broke_at, b->broke_at) == 0 && strcmp(a->org_domain, b->org_domain) == 0;
}

static bool same_organization(struct check *c, const char *other)
{
    const struct dmarc_path *author = c->author;
    /* Whatever its walk finds, its organizational domain is itself or above it. Names that share no top-level
     * domain share nothing above them, whether the DNS answers or not. */
    const char *known =
        author->broke_at[0] ? name_last_labels(author->start, 1) : author->org_domain;
    if (!name_is_at_or_below(other, known))
        return false;
    struct dmarc_path *path = ARENA_NEW(c->arena, struct dmarc_path);
    dmarc_path_take(c->resolver, other, c->arena, path);
    keep_least_ttl(c, path->ttl_s);
    if (!author->broke_at[0] && !path->broke_at[0])
        return strcmp(path->org_domain, author->org_domain) == 0;
    if (agree_despite_failure(author, path))
        return true;
    c->unsure = true;
    return false;
}

static bool aligned(struct check *c, const char *other, char mode)
{
    char name[NAME_SIZE];
    if (!name_canonical(str_of(other), name))
        return false;
    return strcmp(name, c->author->start) == 0 || (mode != 's' && same_organization(c, name));
}

bool dmarc_aligned(struct resolver *r, const char *from_domain, const char *other, char mode,
    struct arena *a, bool *temperror)
{
    char from[NAME_SIZE], name[NAME_SIZE];
    *temperror = false;
    if (!name_canonical(str_of(from_domain), from) || !name_canonical(str_of(other), name))
        return false;
    if (mode == 's' || strcmp(from, name) == 0)
        return strcmp(from, name) == 0;
    struct dmarc_path *author = ARENA_NEW(a, struct dmarc_path);
    struct check c = {r, a, author, UINT32_MAX, false};
    dmarc_path_take(r, from, a, author);
    bool yes = aligned(&c, name, mode);
    *temperror = c.unsure;
    return yes;
}

/* Whether this identity passes and aligns. One that could not be evaluated makes the whole unsure, but only where
 * it would have aligned. */
static bool counts(struct check *c, const struct dmarc_identity *id, char mode)
{
    if (strcmp(id->result, "pass") == 0)
        return aligned(c, id->domain, mode);
    if (strcmp(id->result, "temperror") == 0 && aligned(c, id->domain, mode))
        c->unsure = true;
    return false;
}

/* ---- policy (RFC 9989 s4.7, s4.10.1) --------------------------------------------------------- */

enum existence { EXISTS, DOES_NOT_EXIST, UNKNOWN };

/* Only NXDOMAIN for the name itself: at the end of an alias it speaks of the target (RFC 8020, RFC 6604). */
static enum existence existence_of(struct check *c, const char *domain)
{
    struct dns_answer answer;
    resolver_ask(c->resolver, domain, DNS_A, c->arena, &answer);
    keep_least_ttl(c, answer.ttl_s);
    if (answer.status == DNS_NXDOMAIN)
        return strcmp(answer.canonical, domain) == 0 ? DOES_NOT_EXIST : EXISTS;
    return answer.status == DNS_FOUND || answer.status == DNS_NODATA ? EXISTS : UNKNOWN;
}

static bool policies_are_valid(const struct dmarc_record *r)
{
    return r->p != DMARC_POLICY_ABSENT && !r->bad_sp && !r->bad_np;
}

static enum dmarc_policy first_present(enum dmarc_policy a, enum dmarc_policy b)
{
    return a != DMARC_POLICY_ABSENT ? a : b;
}

/* False: it depends on whether the author domain exists, and the DNS did not say. */
static bool choose_policy(struct check *c, const struct dmarc_found *f, enum dmarc_policy *out)
{
    const struct dmarc_record *r = &f->record;
    *out = r->p;
    if (!policies_are_valid(r)) {
        *out = DMARC_NONE;
        return true;
    }
    if (strcmp(f->domain, c->author->start) == 0)
        return true;
    *out = first_present(r->sp, r->p);
    if (r->np == DMARC_POLICY_ABSENT || r->np == *out)
        return true;
    enum existence e = existence_of(c, c->author->start);
    if (e == DOES_NOT_EXIST)
        *out = r->np;
    return e != UNKNOWN;
}

static enum dmarc_policy lowered(enum dmarc_policy p)
{
    return p == DMARC_REJECT ? DMARC_QUARANTINE : p == DMARC_QUARANTINE ? DMARC_NONE : p;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void conclude(struct dmarc_verdict *out, enum dmarc_result result, struct said why)
{
    out->result = result;
    out->why = why;
}

static void lacks(struct dmarc_verdict *out, enum dmarc_lack lack, struct said why)
{
    conclude(out, DMARC_NO_RECORD, why);
    out->lack = lack;
}

/* Whether there is a DMARC record to apply at all; if not, *out is concluded. */
static bool applies(struct check *c, const struct dmarc_found *f, struct dmarc_verdict *out)
{
    const char *from = c->author->start;
    if (c->author->no_name)
        conclude(
            out, DMARC_PERMERROR, SAID("dmarc.no_domain", "the From domain is no domain name"));
    else if (!f && c->author->broke_at[0])
        conclude(out, DMARC_TEMPERROR,
            dns_no_answer(
                c->arena, c->author->queries[c->author->queries_n - 1], c->author->failure));
    else if (!f && c->author->several_at[0])
        lacks(out, DMARC_LACKS_SINGLE_RECORD,
            SAY(c->arena, "dmarc.none_counts",
                "several DMARC records stand at _dmarc.{{domain}}, so none counts",
                {"domain", c->author->several_at}));
    else if (!f)
        lacks(out, DMARC_LACKS_RECORD,
            SAY(c->arena, "dmarc.none", "no DMARC record applies to {{domain}}", {"domain", from}));
    else if (!policies_are_valid(&f->record) && !f->record.has_valid_rua)
        lacks(out, DMARC_LACKS_POLICY,
            SAY(c->arena, "dmarc.void",
                "the DMARC record at {{domain}} has no valid policy and no rua, so it does not "
                "count",
                {"domain", f->domain}));
    else
        return true;
    return false;
}

static void align_all(struct check *c, const struct dmarc_identity *spf,
    const struct dmarc_identity *dkim, size_t dkim_n, struct dmarc_verdict *out)
{
    out->spf_aligned = spf && counts(c, spf, out->aspf);
    for (size_t i = 0; i < dkim_n; i++)
        if (counts(c, &dkim[i], out->adkim))
            out->dkim_aligned = true;
}

static void decide(struct check *c, bool policy_known, struct dmarc_verdict *out)
{
    const char *from = c->author->start;
    if (!policy_known)
        conclude(out, DMARC_TEMPERROR,
            SAY(c->arena, "dmarc.existence_unknown",
                "the DNS did not say whether {{domain}} exists", {"domain", from}));
    else if (out->dkim_aligned)
        conclude(out, DMARC_PASS,
            SAY(c->arena, "dmarc.dkim_passes", "a DKIM signature passes and aligns with {{domain}}",
                {"domain", from}));
    else if (out->spf_aligned)
        conclude(out, DMARC_PASS,
            SAY(c->arena, "dmarc.spf_passes", "SPF passes and aligns with {{domain}}",
                {"domain", from}));
    else if (c->unsure)
        conclude(out, DMARC_TEMPERROR,
            SAY(c->arena, "dmarc.unsure",
                "the DNS failed where an identity might align with {{domain}}", {"domain", from}));
    else
        conclude(out, DMARC_FAIL,
            SAY(c->arena, "dmarc.nothing_aligns",
                "neither DKIM nor SPF passes with a domain that aligns with {{domain}}",
                {"domain", from}));
}

void dmarc_check(struct resolver *r, const char *from_domain,
    const struct dmarc_identity *spf_or_null, const struct dmarc_identity *dkim, size_t dkim_n,
    struct arena *a, struct dmarc_verdict *out)
{
    struct dmarc_path *author = ARENA_NEW(a, struct dmarc_path);
    dmarc_path_take(r, from_domain, a, author);
    struct check c = {r, a, author, author->ttl_s, false};
    const struct dmarc_found *f = dmarc_path_record(author);

    *out = (struct dmarc_verdict){
        .org_domain = author->org_domain,
        .policy_domain = "",
        .adkim = 'r',
        .aspf = 'r',
        .queries = author->queries,
        .queries_n = author->queries_n,
    };
    if (applies(&c, f, out)) {
        out->policy_domain = f->domain;
        out->adkim = f->record.adkim;
        out->aspf = f->record.aspf;
        bool policy_known = choose_policy(&c, f, &out->policy);
        if (!policy_known)
            out->policy = DMARC_POLICY_ABSENT;
        out->effective_policy = f->record.testing ? lowered(out->policy) : out->policy;
        align_all(&c, spf_or_null, dkim, dkim_n, out);
        decide(&c, policy_known, out);
    } else if (!author->no_name) {
        align_all(&c, spf_or_null, dkim, dkim_n, out);
    }
    out->ttl_s = c.ttl_s;
}
