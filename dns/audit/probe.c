/* What the mail hosts of the From domain say to this machine: asked only where the setup says so. Nothing is ever
 * delivered. Source: RFC 3207, RFC 7672 s2.2, RFC 8461 s4. */
#include "dns/audit/inside.h"

#define SOON_MS (14 * 86400000LL)

static size_t take_family(const struct audit_question *q, uint8_t family, struct ip *out, size_t n)
{
    for (size_t i = 0; i < q->answer.n && n < MX_MAX_ADDRESSES; i++) {
        out[n] = (struct ip){.family = family};
        memcpy(out[n].b, q->answer.records[i].data.p, family == 4 ? 4 : 16);
        n++;
    }
    return n;
}

static void add_host(struct audit_case *c, const struct audit_host *h)
{
    if (audit_host_exists(h))
        c->probes[c->probes_n++] = (struct audit_probe){.host = h, .rules = c->setup->probe};
}

void audit_list_probes(struct audit_case *c)
{
    if (!c->setup->probe)
        return;
    for (size_t i = 0; i < c->from.hosts_n; i++)
        add_host(c, &c->from.hosts[i]);
    if (c->from.mx.answer.n == 0 && audit_is_absent(c->from.mx.answer.status))
        add_host(c, &c->from.self);
}

void audit_run_probe(struct crew_member *m, void *subject)
{
    struct audit_probe *p = subject;
    struct ip addresses[MX_MAX_ADDRESSES];
    size_t n = take_family(&p->host->a, 4, addresses, 0);
    n = take_family(&p->host->aaaa, 6, addresses, n);
    probe_host(p->rules, p->host->name, addresses, n, m->arena, &p->probe);
}

static size_t count(const struct audit_case *c, enum probe_status s)
{
    size_t n = 0;
    for (size_t i = 0; i < c->probes_n; i++)
        n += c->probes[i].probe.status == s;
    return n;
}

static bool is_blocked(const struct audit_case *c)
{
    return c->probes_n > 0 && count(c, PROBE_SILENT) == c->probes_n;
}

void check_port25(struct audit_case *c, const struct audit_check *k)
{
    if (is_blocked(c))
        audit_add(c, k, c->domain,
            SAID("probe.blocked",
                "no mail host of this domain answers in time, as where a hoster blocks port 25: "
                "send through a smart host, or have the port opened"));
}

void check_mx_unreachable(struct audit_case *c, const struct audit_check *k)
{
    size_t answered = count(c, PROBE_ANSWERED);
    if (is_blocked(c))
        audit_skip(
            c, k, SAID("probe.not_seen", "no connection to port 25 succeeds from this machine"));
    for (size_t i = 0; !is_blocked(c) && i < c->probes_n; i++) {
        const struct audit_probe *p = &c->probes[i];
        if (p->probe.status == PROBE_ANSWERED)
            continue;
        if (p->probe.status == PROBE_UNREACHABLE || p->probe.status == PROBE_NOT_PUBLIC)
            audit_skip(c, k, p->probe.why);
        else if (answered > 0)
            audit_add(c, k, p->host->name, p->probe.why)->severity = AUDIT_WARNING;
        else
            audit_add(c, k, p->host->name, p->probe.why);
    }
}

/* Whether there is a server that could be asked about TLS; says so where none was reached. */
static bool answers(struct audit_case *c, const struct audit_check *k, const struct audit_probe *p)
{
    if (p->probe.status != PROBE_ANSWERED)
        audit_skip(c, k,
            SAY(c->arena, "probe.not_reached", "{{host}} was not reached",
                {"host", p->host->name}));
    return p->probe.status == PROBE_ANSWERED;
}

/* Whether senders go by these records: the resolver's word, or what was validated here. */
static bool counts(const struct audit_case *c, const struct audit_dane_fact *f)
{
    struct said why;
    return f->dane.status == DANE_USABLE ||
           (f->dane.status == DANE_INSECURE && f->dane.usable_n > 0 &&
               audit_trust_dane(c, f, &why) == AUDIT_DANE_SECURE);
}

static const struct dane *dane_of(const struct audit_case *c, const char *host)
{
    for (size_t i = 0; i < c->around.dane_n; i++)
        if (strcmp(c->around.dane[i].host, host) == 0 && counts(c, &c->around.dane[i]))
            return &c->around.dane[i].dane;
    return NULL;
}

static bool sts_demands(const struct audit_case *c)
{
    return c->around.policy.url && c->around.policy.status == MTA_STS_POLICY_GOOD &&
           c->around.policy.mode == MTA_STS_MODE_ENFORCE && c->around.sts.status == MTA_STS_GOOD;
}

void check_starttls(struct audit_case *c, const struct audit_check *k)
{
    for (size_t i = 0; i < c->probes_n; i++) {
        const struct audit_probe *p = &c->probes[i];
        if (!answers(c, k, p) || p->probe.tls)
            continue;
        struct audit_finding *f = audit_add(c, k, p->host->name,
            p->probe.starttls
                ? p->probe.why
                : SAID("probe.no_starttls", "its EHLO reply does not offer STARTTLS"));
        if (!dane_of(c, p->host->name) && !sts_demands(c))
            f->severity = AUDIT_WARNING;
    }
}

static struct said fault_of(struct audit_case *c, const struct audit_probe *p)
{
    const struct probe *t = &p->probe;
    if (!t->trusted)
        return SAY(c->arena, "probe.not_trusted", "nobody vouches for its certificate: {{problem}}",
            {"problem", t->problem});
    if (!t->named)
        return SAY(c->arena, "probe.not_named", "its certificate is not for {{host}}",
            {"host", p->host->name});
    return SAID_NOTHING;
}

/* What a sender with the policy that applies would refuse: DANE goes before MTA-STS (RFC 8461 s2). */
static void check_certificate(
    struct audit_case *c, const struct audit_check *k, const struct audit_probe *p)
{
    const struct dane *d = dane_of(c, p->host->name);
    struct said fault = fault_of(c, p);
    int64_t left = p->probe.expires_ms - clock_now_ms(c->setup->clock);
    if (d && !probe_matches(&p->probe, d))
        audit_evidence(c,
            audit_add(c, k, p->host->name,
                SAID("probe.not_dane", "no TLSA record names its certificate: senders with DANE "
                                       "deliver nothing")),
            str_of(d->records[0].text), STR(""));
    else if (!d && !said_is_nothing(&fault)) {
        struct audit_finding *f = audit_add(c, k, p->host->name, fault);
        if (!sts_demands(c))
            f->severity = AUDIT_WARNING;
    } else if (!d && p->probe.expires_ms > 0 && left < SOON_MS)
        audit_add(c, k, p->host->name,
            SAY(c->arena, "probe.expires", "its certificate ends in {{days}} days",
                {"days", arena_printf(c->arena, "%lld", (long long)(left / 86400000))}))
            ->severity = AUDIT_WARNING;
}

void check_starttls_certificate(struct audit_case *c, const struct audit_check *k)
{
    for (size_t i = 0; i < c->probes_n; i++)
        if (answers(c, k, &c->probes[i]) && c->probes[i].probe.tls)
            check_certificate(c, k, &c->probes[i]);
}
