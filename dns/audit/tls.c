/* What checks say about MTA-STS and TLS reports that work, and could protect more. Source: RFC 8461 s3.2, s5, s8.2;
 * RFC 8460 s3. */
#include "dns/audit/inside.h"

static const struct mta_sts_policy *policy_of(const struct audit_case *c)
{
    const struct audit_around *a = &c->around;
    return c->setup->web && a->sts.status == MTA_STS_GOOD && a->policy.status == MTA_STS_POLICY_GOOD
               ? &a->policy
               : NULL;
}

static struct audit_finding *add(
    struct audit_case *c, const struct audit_check *k, const char *mark, struct said detail)
{
    struct audit_finding *f =
        audit_add(c, k, arena_printf(c->arena, "mta-sts.%s", c->domain), detail);
    audit_evidence(c, f, c->around.policy.text, str_of(mark));
    return f;
}

void check_sts_mode(struct audit_case *c, const struct audit_check *k)
{
    const struct mta_sts_policy *p = policy_of(c);
    if (p && p->mode == MTA_STS_MODE_TESTING)
        add(c, k, "testing",
            SAID("sts.testing",
                "testing only reports faults: go on to enforce when reports are clean"));
    else if (p && p->mode == MTA_STS_MODE_NONE)
        add(c, k, "none",
            SAID("sts.none", "none takes the policy back: delete the record when max_age is over"));
}

void check_sts_age(struct audit_case *c, const struct audit_check *k)
{
    const struct mta_sts_policy *p = policy_of(c);
    if (p && p->mode != MTA_STS_MODE_NONE && p->max_age_s <= MTA_STS_SHORT_AGE_S)
        add(c, k, arena_printf(c->arena, "%u", p->max_age_s),
            SAID("sts.age", "senders forget it within a day: weeks are usual, 604800 and more"));
}

static bool covers_some(const struct audit_case *c, const char *pattern)
{
    const struct mta_sts_policy one = {.mx = &pattern, .mx_n = 1};
    for (size_t i = 0; i < c->from.hosts_n; i++)
        if (mta_sts_covers(&one, c->from.hosts[i].name))
            return true;
    return false;
}

void check_sts_stale(struct audit_case *c, const struct audit_check *k)
{
    const struct mta_sts_policy *p = policy_of(c);
    for (size_t i = 0; p && c->from.hosts_n > 0 && i < p->mx_n; i++)
        if (!covers_some(c, p->mx[i]))
            add(c, k, p->mx[i],
                SAY(c->arena, "sts.stale", "{{pattern}} is no MX host of this domain",
                    {"pattern", p->mx[i]}));
}

void check_sts_missing(struct audit_case *c, const struct audit_check *k)
{
    bool dane = false;
    for (size_t i = 0; i < c->around.dane_n; i++)
        dane = dane || c->around.dane[i].dane.status != DANE_ABSENT;
    if (c->around.tls_rpt.status != TLS_RPT_GOOD || c->around.sts.status != MTA_STS_ABSENT || dane)
        return;
    audit_evidence(c,
        audit_add(c, k, arena_printf(c->arena, "_mta-sts.%s", c->domain),
            SAID("sts.missing",
                "reports on TLS are asked for, but neither MTA-STS nor DANE demands "
                "any TLS")),
        c->around.tls_rpt.text, STR(""));
}
