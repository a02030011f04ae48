/* What stands around authentication: TLS of incoming mail (MTA-STS, TLS reports, DANE) and the logo (BIMI).
 * None of it must be there; what is there must be right. The facts are gathered by tasks of facts.c.
 * Source: RFC 8461, 8460, 7672; draft-brand-indicators-for-message-identification. */
#include "dns/audit/inside.h"

/* ---- facts ----------------------------------------------------------------------------------- */

/* Ahead of who reads the record, and finds it in the cache: for its place behind aliases. */
static void ask(struct crew_member *m, struct audit_question *q, const char *name)
{
    *q = (struct audit_question){.name = name, .type = DNS_TXT};
    resolver_ask(m->resolver, name, DNS_TXT, m->arena, &q->answer);
}

void audit_find_mta_sts(struct crew_member *m, void *subject)
{
    struct audit_case *c = subject;
    ask(m, &c->around.sts_txt, arena_printf(m->arena, "_mta-sts.%s", c->domain));
    mta_sts_find(m->resolver, c->domain, m->arena, &c->around.sts);
    if (c->around.sts.status == MTA_STS_GOOD && c->setup->web)
        mta_sts_fetch(c->setup->web, c->domain, m->arena, &c->around.policy);
}

void audit_find_tls_rpt(struct crew_member *m, void *subject)
{
    struct audit_case *c = subject;
    ask(m, &c->around.tls_rpt_txt, arena_printf(m->arena, "_smtp._tls.%s", c->domain));
    tls_rpt_find(m->resolver, c->domain, m->arena, &c->around.tls_rpt);
}

void audit_find_bimi(struct crew_member *m, void *subject)
{
    struct audit_case *c = subject;
    struct audit_around *a = &c->around;
    bimi_find(m->resolver, c->domain, "default", m->arena, &a->bimi);
    if (a->bimi.status != BIMI_GOOD || !c->setup->web)
        return;
    if (a->bimi.logo[0])
        bimi_svg_fetch(c->setup->web, a->bimi.logo, m->arena, &a->logo);
    if (a->bimi.evidence[0])
        bimi_mark_fetch(c->setup->web, a->bimi.evidence,
            &(struct bimi_mark_owner){c->domain, "", "default"}, clock_now_ms(c->setup->clock),
            m->arena, &a->mark);
}

void audit_find_dane(struct crew_member *m, void *subject)
{
    struct audit_dane_fact *f = subject;
    dane_find(m->resolver, f->host, m->arena, &f->dane);
}

/* ---- MTA-STS --------------------------------------------------------------------------------- */

static const struct said no_pages =
    SAID_INIT("gap.no_pages", "pages are not fetched in this audit");

void check_sts_record(struct audit_case *c, const struct audit_check *k)
{
    const struct mta_sts_record *r = &c->around.sts;
    if (r->status == MTA_STS_TEMPERROR)
        audit_skip_unanswered(c, k, r->why);
    if (r->status != MTA_STS_BROKEN && r->status != MTA_STS_SEVERAL)
        return;
    struct audit_finding *f = audit_add(c, k, c->around.sts_txt.name, r->why);
    audit_evidence(c, f, r->text, STR(""));
    audit_publish(c, f, audit_place(&c->around.sts_txt), "TXT",
        arena_printf(
            c->arena, "v=STSv1; id=%lld", (long long)(clock_now_ms(c->setup->clock) / 1000)));
}

/* Whether there is a policy to look at; says why not. */
static bool has_policy(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_around *a = &c->around;
    if (a->sts.status == MTA_STS_TEMPERROR)
        audit_skip_unanswered(c, k, a->sts.why);
    if (a->sts.status != MTA_STS_GOOD)
        return false;
    if (!c->setup->web)
        audit_skip(c, k, no_pages);
    else if (a->policy.status == MTA_STS_POLICY_TEMPERROR)
        audit_skip_unanswered(c, k, a->policy.why);
    return c->setup->web && a->policy.status != MTA_STS_POLICY_TEMPERROR;
}

void check_sts_policy(struct audit_case *c, const struct audit_check *k)
{
    const struct mta_sts_policy *p = &c->around.policy;
    if (!has_policy(c, k) || p->status == MTA_STS_POLICY_GOOD)
        return;
    struct audit_finding *f =
        audit_add(c, k, arena_printf(c->arena, "mta-sts.%s", c->domain), p->why);
    audit_evidence(c, f, p->text, STR(""));
}

void check_sts_mx(struct audit_case *c, const struct audit_check *k)
{
    const struct mta_sts_policy *p = &c->around.policy;
    if (!has_policy(c, k) || p->status != MTA_STS_POLICY_GOOD || p->mode == MTA_STS_MODE_NONE)
        return;
    for (size_t i = 0; i < c->from.hosts_n; i++) {
        const char *host = c->from.hosts[i].name;
        if (mta_sts_covers(p, host))
            continue;
        struct audit_finding *f = audit_add(c, k, host,
            SAY(c->arena, "sts.mx_not_covered",
                "add \"mx: {{host}}\" to the policy at {{url}}, and change id= of its record",
                {"host", host}, {"url", p->url}));
        audit_evidence(c, f, p->text, STR(""));
        if (p->mode != MTA_STS_MODE_ENFORCE)
            f->severity = AUDIT_WARNING;
    }
}

/* ---- TLS reports ----------------------------------------------------------------------------- */

static void propose_tls_rpt(struct audit_case *c, struct audit_finding *f)
{
    AUTO(buf_close) struct buf value = {0};
    const struct tls_rpt_record *r = &c->around.tls_rpt;
    buf_add_text(&value, "v=TLSRPTv1; rua=");
    for (size_t i = 0; i < r->uris_n; i++)
        buf_addf(&value, "%s" STR_FMT, i > 0 ? "," : "", STR_ARG(r->uris[i].uri));
    if (r->uris_n == 0)
        buf_addf(&value, "mailto:tls-reports@%s", c->domain);
    audit_publish(c, f, audit_place(&c->around.tls_rpt_txt), "TXT", buf_text(&value));
}

void check_tls_rpt(struct audit_case *c, const struct audit_check *k)
{
    const struct tls_rpt_record *r = &c->around.tls_rpt;
    if (r->status == TLS_RPT_TEMPERROR)
        audit_skip_unanswered(c, k, r->why);
    if (r->status != TLS_RPT_BROKEN && r->status != TLS_RPT_SEVERAL)
        return;
    struct audit_finding *f = audit_add(c, k, c->around.tls_rpt_txt.name, r->why);
    audit_evidence(c, f, r->text, STR(""));
    propose_tls_rpt(c, f);
}

static bool has_dane(const struct audit_case *c)
{
    for (size_t i = 0; i < c->around.dane_n; i++)
        if (c->around.dane[i].dane.n > 0)
            return true;
    return false;
}

void check_tls_rpt_missing(struct audit_case *c, const struct audit_check *k)
{
    if (c->around.tls_rpt.status == TLS_RPT_TEMPERROR)
        audit_skip_unanswered(c, k, c->around.tls_rpt.why);
    else if (c->around.sts.status == MTA_STS_TEMPERROR && !has_dane(c))
        audit_skip_unanswered(c, k, c->around.sts.why);
    if (c->around.tls_rpt.status != TLS_RPT_ABSENT ||
        (c->around.sts.status != MTA_STS_GOOD && !has_dane(c)))
        return;
    propose_tls_rpt(
        c, audit_add(c, k, c->around.tls_rpt_txt.name,
               SAID("tls_rpt.missing",
                   "the domain demands TLS by MTA-STS or DANE, and hears of no failure")));
}

/* ---- DANE ------------------------------------------------------------------------------------ */

static enum audit_dane_trust trust_of(const struct audit_case *c, size_t i)
{
    struct said why;
    return audit_trust_dane(c, &c->around.dane[i], &why);
}

static void judge_dane(struct audit_case *c, const struct audit_check *k, const struct dane *d)
{
    if (d->usable_n == 0)
        audit_evidence(c,
            audit_add(c, k, d->name, d->status == DANE_UNUSABLE ? d->why : d->records[0].why),
            str_of(d->records[0].text), STR(""));
}

void check_dane(struct audit_case *c, const struct audit_check *k)
{
    for (size_t i = 0; i < c->around.dane_n; i++) {
        const struct dane *d = &c->around.dane[i].dane;
        if (d->status == DANE_TEMPERROR)
            audit_skip_unanswered(c, k, d->why);
        else if (d->status == DANE_INSECURE && trust_of(c, i) == AUDIT_DANE_SECURE)
            judge_dane(c, k, d); /* validated here, without the resolver's word */
        else if (d->status == DANE_INSECURE && trust_of(c, i) == AUDIT_DANE_UNKNOWN)
            audit_skip(c, k,
                SAID("dane.insecure",
                    "TLSA records are there, but their DNSSEC cannot be judged: ask a validating "
                    "resolver on this machine, with --resolver, or give --dnssec"));
        else if (d->status == DANE_UNUSABLE)
            judge_dane(c, k, d);
    }
}

/* ---- BIMI ------------------------------------------------------------------------------------ */

static const char *bimi_name(struct audit_case *c)
{
    return arena_printf(c->arena, "default._bimi.%s", c->domain);
}

void check_bimi_record(struct audit_case *c, const struct audit_check *k)
{
    const struct bimi_record *r = &c->around.bimi;
    if (r->status == BIMI_TEMPERROR)
        audit_skip_unanswered(c, k, c->around.bimi.why);
    if (r->status == BIMI_BROKEN || r->status == BIMI_SEVERAL)
        audit_evidence(c, audit_add(c, k, bimi_name(c), r->why), r->text, STR(""));
}

/* RFC 9989 has no word for it; the BIMI draft s7.1 asks for quarantine or reject, for all mail. */
void check_bimi_policy(struct audit_case *c, const struct audit_check *k)
{
    if (c->around.bimi.status == BIMI_TEMPERROR)
        audit_skip_unanswered(c, k, c->around.bimi.why);
    if (c->around.bimi.status != BIMI_GOOD || !c->record ||
        (c->dmarc_verdict.effective_policy > DMARC_NONE && c->record->record.sp != DMARC_NONE))
        return;
    if (c->dmarc_verdict.result == DMARC_TEMPERROR &&
        c->dmarc_verdict.effective_policy == DMARC_POLICY_ABSENT) {
        audit_skip_unanswered(c, k, c->dmarc_verdict.why);
        return;
    }
    struct audit_finding *f = audit_add(c, k, bimi_name(c),
        SAID("bimi.policy", "the logo is shown only under p=quarantine or p=reject"));
    audit_evidence(c, f, c->record->record.text,
        c->dmarc_verdict.effective_policy > DMARC_NONE ? STR("sp=") : STR("p="));
    if (c->dmarc_verdict.result == DMARC_PASS && strcmp(c->record->domain, c->domain) == 0)
        audit_publish(
            c, f, audit_place(&c->dmarc), "TXT", audit_wanted_dmarc(c, c->record->domain));
}

/* Whether there are pages behind the record to look at; says why not. */
static bool has_pages(struct audit_case *c, const struct audit_check *k)
{
    if (c->around.bimi.status == BIMI_TEMPERROR)
        audit_skip_unanswered(c, k, c->around.bimi.why);
    if (c->around.bimi.status == BIMI_GOOD && !c->setup->web)
        audit_skip(c, k, no_pages);
    return c->around.bimi.status == BIMI_GOOD && c->setup->web;
}

void check_bimi_logo(struct audit_case *c, const struct audit_check *k)
{
    const struct bimi_svg *s = &c->around.logo;
    if (!has_pages(c, k) || !c->around.bimi.logo[0])
        return;
    if (s->status == BIMI_SVG_NOT_CHECKED)
        audit_skip(c, k, s->why);
    else if (s->status != BIMI_SVG_GOOD)
        audit_evidence(c, audit_add(c, k, c->around.bimi.logo, s->why), c->around.bimi.text,
            str_of(c->around.bimi.logo));
}

void check_bimi_mark(struct audit_case *c, const struct audit_check *k)
{
    const struct bimi_mark *b = &c->around.mark;
    if (!has_pages(c, k) || !c->around.bimi.evidence[0])
        return;
    if (b->status == BIMI_MARK_NOT_CHECKED)
        audit_skip(c, k, b->why);
    else if (b->status != BIMI_MARK_GOOD || (b->faults & BIMI_MARK_SOON))
        audit_evidence(c, audit_add(c, k, c->around.bimi.evidence, b->why), c->around.bimi.text,
            str_of(c->around.bimi.evidence));
}
