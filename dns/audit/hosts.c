/* What checks say about hosts and addresses: MX, the return path, PTR, HELO. Source: RFC 5321 s2.3.5,
 * s5.1; RFC 7505; RFC 2181 s10.3; the receivers' rules in providers.c. */
#include "dns/audit/inside.h"
#include "dns/name.h"

/* ---- MX -------------------------------------------------------------------------------------- */

static bool is_null_mx(const struct audit_mail_domain *d)
{
    return d->mx.answer.n == 1 && d->mx.answer.records[0].data.n == 0;
}

/* Each domain that takes mail, once. */
static size_t mail_domains(struct audit_case *c, struct audit_mail_domain *out[2])
{
    out[0] = &c->from;
    out[1] = &c->back;
    return c->mail_from_assumed ? 1 : 2;
}

static bool is_known(
    struct audit_case *c, const struct audit_check *k, const struct audit_question *q)
{
    if (!audit_is_failure(q->answer.status))
        return true;
    audit_skip_failed(c, k, q->name, q->answer.status);
    return false;
}

static bool host_is_known(
    struct audit_case *c, const struct audit_check *k, const struct audit_host *h)
{
    if (!audit_host_is_unsure(h))
        return true;
    audit_skip_failed(c, k, h->name, audit_host_failure(h));
    return false;
}

static const char *mx_value(struct audit_case *c, int preference, const char *host)
{
    return arena_printf(c->arena, "%d %s.", preference, host);
}

/* No MX record; without an address of its own nothing reaches the domain at all. */
static void mx_missing(
    struct audit_case *c, const struct audit_check *k, const struct audit_mail_domain *d)
{
    if (!is_known(c, k, &d->mx) || !audit_is_absent(d->mx.answer.status) ||
        !host_is_known(c, k, &d->self))
        return;
    bool has_address = audit_host_exists(&d->self);
    struct audit_finding *f = audit_add(c, k, d->name,
        has_address
            ? SAID("mx.missing", "no MX record: mail goes to the address of the name itself")
            : SAID("mx.nowhere",
                  "neither an MX record nor an address: replies and bounces have nowhere to go"));
    if (has_address)
        f->severity = AUDIT_WARNING;
    if (d == &c->back && !c->mail_from_assumed && c->setup->helo[0])
        audit_publish(c, f, audit_place(&d->mx), "MX", mx_value(c, 10, c->setup->helo));
    else if (has_address)
        audit_publish(c, f, audit_place(&d->mx), "MX", mx_value(c, 10, d->name));
}

void check_mx_missing(struct audit_case *c, const struct audit_check *k)
{
    mx_missing(c, k, &c->from);
}

void check_return_path_mx(struct audit_case *c, const struct audit_check *k)
{
    if (!c->mail_from_assumed)
        mx_missing(c, k, &c->back);
}

void check_mx_null(struct audit_case *c, const struct audit_check *k)
{
    struct audit_mail_domain *domains[2];
    size_t n = mail_domains(c, domains);
    for (size_t i = 0; i < n; i++) {
        const struct audit_mail_domain *d = domains[i];
        if (!is_known(c, k, &d->mx) || !is_null_mx(d))
            continue;
        struct audit_finding *f = audit_add(
            c, k, d->name, SAID("mx.null", "the null MX says that this domain takes no mail"));
        audit_evidence(c, f, STR("MX 0 ."), STR(""));
        if (d == &c->back && c->setup->helo[0])
            audit_publish(c, f, audit_place(&d->mx), "MX", mx_value(c, 10, c->setup->helo));
    }
}

static const char *mx_evidence(struct audit_case *c, const struct dns_record *r)
{
    return arena_printf(c->arena, "MX %d " STR_FMT ".", r->number, STR_ARG(r->data));
}

static bool is_named_before(const struct audit_mail_domain *d, size_t i)
{
    for (size_t j = 0; j < d->hosts_n; j++) {
        int here = d->hosts[i].mx->number, there = d->hosts[j].mx->number;
        if (j != i && strcmp(d->hosts[j].name, d->hosts[i].name) == 0 &&
            (there < here || (there == here && j < i)))
            return true;
    }
    return false;
}

void audit_publish_mx(
    struct audit_case *c, struct audit_finding *f, const struct audit_mail_domain *d)
{
    for (size_t i = 0; i < d->hosts_n; i++) {
        const struct audit_host *h = &d->hosts[i];
        const struct audit_question *q = h->a.answer.status == DNS_FOUND ? &h->a : &h->aaaa;
        if (audit_host_exists(h) && !audit_host_is_inside(h) && !is_named_before(d, i))
            audit_publish(
                c, f, audit_place(&d->mx), "MX", mx_value(c, h->mx->number, audit_place(q)));
    }
}

void check_mx_no_address(struct audit_case *c, const struct audit_check *k)
{
    struct audit_mail_domain *domains[2];
    size_t n = mail_domains(c, domains);
    for (size_t i = 0; i < n; i++) {
        const struct audit_mail_domain *d = domains[i];
        size_t good = 0;
        for (size_t j = 0; j < d->hosts_n; j++)
            good += audit_host_exists(&d->hosts[j]);
        for (size_t j = 0; is_known(c, k, &d->mx) && j < d->hosts_n; j++) {
            const struct audit_host *h = &d->hosts[j];
            if (!host_is_known(c, k, h) || audit_host_exists(h))
                continue;
            struct audit_finding *f = audit_add(c, k, d->name,
                audit_is_no_public_name(h->name)
                    ? SAY(c->arena, "mx.no_name",
                          "its MX record names {{host}}: it takes the full name of a host, never "
                          "an "
                          "address",
                          {"host", h->name})
                    : SAY(c->arena, "mx.no_address", "its MX host {{host}} has no address",
                          {"host", h->name}));
            audit_evidence(c, f, str_of(mx_evidence(c, h->mx)), str_of(h->name));
            audit_publish_mx(c, f, d);
            if (good > 0)
                f->severity = AUDIT_WARNING;
        }
    }
}

void check_mx_cname(struct audit_case *c, const struct audit_check *k)
{
    struct audit_mail_domain *domains[2];
    size_t n = mail_domains(c, domains);
    for (size_t i = 0; i < n; i++) {
        const struct audit_mail_domain *d = domains[i];
        for (size_t j = 0; is_known(c, k, &d->mx) && j < d->hosts_n; j++) {
            const struct audit_host *h = &d->hosts[j];
            if (!host_is_known(c, k, h) || !audit_host_exists(h) || !audit_host_is_alias(h))
                continue;
            struct audit_finding *f = audit_add(c, k, d->name,
                SAY(c->arena, "mx.alias", "its MX host {{host}} is an alias of {{target}}",
                    {"host", h->name},
                    {"target", audit_place(h->a.answer.status == DNS_FOUND ? &h->a : &h->aaaa)}));
            audit_evidence(c, f, str_of(mx_evidence(c, h->mx)), str_of(h->name));
            audit_publish_mx(c, f, d);
        }
    }
}

/* ---- the return path ------------------------------------------------------------------------- */

void check_return_path_unaligned(struct audit_case *c, const struct audit_check *k)
{
    bool failed;
    char mode = c->record ? c->record->record.aspf : 'r';
    if (c->mail_from_assumed || audit_aligns(c, c->mail_from, mode, &failed))
        return;
    if (failed) {
        audit_skip_unanswered(c, k, audit_alignment_unknown(c, c->mail_from));
        return;
    }
    struct audit_finding *f = audit_add(c, k, c->mail_from,
        SAY(c->arena, "return_path.unaligned",
            "SPF of {{return_path}} can never count for {{domain}}: take a return path below the "
            "From "
            "domain",
            {"return_path", c->mail_from}, {"domain", c->domain}));
    if (c->dmarc_verdict.dkim_aligned)
        f->severity = AUDIT_WARNING;
}

/* ---- addresses and names of the sending host ------------------------------------------------- */

static const char *address_type(const struct ip *ip)
{
    return ip->family == 4 ? "A" : "AAAA";
}

struct said audit_no_addresses(const struct audit_case *c)
{
    return c->setup->smart_host
               ? SAID("gap.smart_host",
                     "mail leaves through a smart host, whose addresses are not known here")
               : SAID("gap.no_addresses", "no sending address is known: name yours with --ip");
}

static bool has_addresses(struct audit_case *c, const struct audit_check *k)
{
    if (c->addresses_n > 0)
        return true;
    audit_skip(c, k, audit_no_addresses(c));
    return false;
}

/* All of our addresses of one family at a host: these are its records from then on. */
static void publish_addresses(
    struct audit_case *c, struct audit_finding *f, const char *host, uint8_t family)
{
    for (size_t i = 0; i < c->addresses_n; i++)
        if (c->addresses[i].ip.family == family)
            audit_publish(c, f, host, address_type(&c->addresses[i].ip), c->addresses[i].text);
}

/* The addresses that the name has, and this one. */
static void publish_one_more(
    struct audit_case *c, struct audit_finding *f, const struct audit_address *a, const char *name)
{
    char text[IP_TEXT_SIZE];
    const char *place = a->back.canonical && a->back.canonical[0] ? a->back.canonical : name;
    for (size_t i = 0; i < a->back.n; i++) {
        struct ip ip = {.family = a->ip.family};
        memcpy(ip.b, a->back.records[i].data.p, ip.family == 4 ? 4 : 16);
        ip_text(&ip, text);
        audit_publish(c, f, place, address_type(&a->ip), text);
    }
    audit_publish(c, f, place, address_type(&a->ip), a->text);
}

void check_ptr_missing(struct audit_case *c, const struct audit_check *k)
{
    if (!has_addresses(c, k))
        return;
    for (size_t i = 0; i < c->addresses_n; i++) {
        const struct audit_address *a = &c->addresses[i];
        if (!is_known(c, k, &a->ptr) || !audit_is_absent(a->ptr.answer.status))
            continue;
        struct audit_finding *f = audit_add(c, k, a->text,
            SAID("ptr.missing", "no PTR record: whoever rents you the address sets it, at their "
                                "console or on request"));
        if (c->setup->helo[0])
            audit_publish(
                c, f, audit_place(&a->ptr), "PTR", arena_printf(c->arena, "%s.", c->setup->helo));
    }
}

void check_ptr_not_confirmed(struct audit_case *c, const struct audit_check *k)
{
    if (!has_addresses(c, k))
        return;
    for (size_t i = 0; i < c->addresses_n; i++) {
        const struct audit_address *a = &c->addresses[i];
        if (!is_known(c, k, &a->ptr) || a->ptr.answer.status != DNS_FOUND || a->confirmed)
            continue;
        const char *name = a->ptr.answer.records[0].data.p;
        if (a->unsure) {
            audit_skip_failed(c, k, a->unsure_name, a->failure);
            continue;
        }
        struct audit_finding *f = audit_add(c, k, a->text,
            SAY(c->arena, "ptr.not_confirmed",
                "its PTR record names {{host}}, which does not have this address", {"host", name}));
        audit_evidence(
            c, f, str_of(arena_printf(c->arena, "%s. PTR %s.", a->ptr.name, name)), str_of(name));
        publish_one_more(c, f, a, name);
    }
}

void check_helo(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_host *h = &c->helo;
    if (!c->setup->helo[0]) {
        audit_skip(c, k, SAID("gap.no_helo", "the HELO name is not known: give it with --helo"));
        return;
    }
    if (audit_is_no_public_name(c->setup->helo) || !host_is_known(c, k, h) || audit_host_exists(h))
        return;
    struct audit_finding *f =
        audit_add(c, k, h->name, SAID("helo.no_address", "the HELO name has no address record"));
    publish_addresses(c, f, h->name, 4);
    publish_addresses(c, f, h->name, 6);
}
