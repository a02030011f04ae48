/* Whether the hosts that reports go to can take them, and what else stands where a DMARC record is looked for.
 * Source: RFC 9989 s4.10, RFC 9990 s4, RFC 5321 s5.1, RFC 7505. */
#include "dns/audit/inside.h"
#include "dns/name.h"

#define REPORTS_FEW                                                                                \
    2 /* as many every reporter had to serve (RFC 7489 s6.2); more are at its will */

/* ---- inboxes --------------------------------------------------------------------------------- */

static const struct audit_inbox *inbox_of(const struct audit_case *c, const char *host)
{
    for (size_t i = 0; i < c->inboxes_n; i++)
        if (strcmp(c->inboxes[i].host, host) == 0)
            return &c->inboxes[i];
    return NULL;
}

static bool is_unsure(const struct audit_question *mx, const struct audit_host *self)
{
    return audit_is_failure(mx->answer.status) ||
           (audit_is_absent(mx->answer.status) && audit_host_is_unsure(self));
}

static bool takes_mail(const struct audit_question *mx, const struct audit_host *self)
{
    const struct dns_answer *a = &mx->answer;
    if (a->status != DNS_FOUND)
        return audit_host_exists(self);
    return a->n != 1 || a->records[0].data.n > 0;
}

static bool is_lost(const struct audit_inbox *b)
{
    return b && !is_unsure(&b->mx, &b->self) && !takes_mail(&b->mx, &b->self);
}

bool audit_uri_is_lost(const struct audit_case *c, struct str uri)
{
    char host[NAME_SIZE];
    return str_starts_nocase(uri, STR("mailto:")) && audit_uri_host(uri, host) &&
           is_lost(inbox_of(c, host));
}

/* What is proposed in place of a lost address must not be lost itself. */
static bool domain_takes_mail(const struct audit_case *c, const char *domain)
{
    const struct audit_inbox *b = inbox_of(c, domain);
    if (strcmp(domain, c->domain) == 0)
        return !is_unsure(&c->from.mx, &c->from.self) && takes_mail(&c->from.mx, &c->from.self);
    return b && !is_unsure(&b->mx, &b->self) && !is_lost(b);
}

void check_reports_lost(struct audit_case *c, const struct audit_check *k)
{
    for (size_t i = 0; i < c->inboxes_n; i++) {
        const struct audit_inbox *b = &c->inboxes[i];
        if (is_unsure(&b->mx, &b->self))
            audit_skip_failed(c, k, b->host,
                audit_is_failure(b->mx.answer.status) ? b->mx.answer.status
                                                      : audit_host_failure(&b->self));
        if (!is_lost(b))
            continue;
        struct audit_finding *f = audit_add(c, k, b->host,
            b->self.a.answer.status == DNS_NXDOMAIN
                ? SAY(c->arena, "reports.no_host", "{{uri}}: the domain does not exist",
                      {"uri", b->uri})
                : SAY(c->arena, "reports.no_mail", "{{uri}}: the domain takes no mail",
                      {"uri", b->uri}));
        audit_evidence(c, f, c->record->record.text, str_of(b->uri));
        if (domain_takes_mail(c, c->record->domain))
            audit_publish_dmarc(c, f);
    }
}

/* ---- the record's reports -------------------------------------------------------------------- */

static size_t count_uris(struct str list)
{
    size_t n = 0;
    struct str uri;
    while (str_next(&list, ',', &uri))
        n++;
    return n;
}

void check_reports_many(struct audit_case *c, const struct audit_check *k)
{
    if (!c->record || count_uris(c->record->record.rua) <= REPORTS_FEW)
        return;
    audit_evidence(c,
        audit_add(c, k, arena_printf(c->arena, "_dmarc.%s", c->record->domain),
            SAID(
                "reports.many", "put the two that matter first: reporters may leave out the rest")),
        c->record->record.text, STR("rua="));
}

/* ---- texts at the wrong place ---------------------------------------------------------------- */

void check_dmarc_other_text(struct audit_case *c, const struct audit_check *k)
{
    for (size_t i = 0; i < c->dmarc.answer.n; i++) {
        struct dmarc_record one;
        struct str text = c->dmarc.answer.records[i].data;
        dmarc_parse(text, c->arena, &one);
        if (one.valid || audit_is_meant_as_dmarc(text))
            continue;
        struct audit_finding *f = audit_add(c, k, c->dmarc.name,
            spf_is_record(text)
                ? SAID("dmarc.spf_there", "an SPF record counts at the domain itself only")
                : SAID("dmarc.other_text", "delete it: only a DMARC record belongs there"));
        audit_evidence(c, f, text, STR(""));
        if (c->record && strcmp(c->record->domain, c->domain) == 0)
            audit_publish_dmarc(c, f);
    }
}

void check_dmarc_at_apex(struct audit_case *c, const struct audit_check *k)
{
    for (size_t i = 0; i < c->txt.answer.n; i++) {
        struct dmarc_record one;
        dmarc_parse(c->txt.answer.records[i].data, c->arena, &one);
        if (one.valid)
            audit_evidence(c,
                audit_add(c, k, c->domain,
                    SAY(c->arena, "dmarc.at_apex",
                        "no receiver looks for it there: it belongs at _dmarc.{{domain}}",
                        {"domain", c->domain})),
                one.text, STR(""));
    }
}
