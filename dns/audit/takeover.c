#include "dns/audit/takeover.h"

#include "dns/suffix.h"

static const struct audit_estate *find(const struct audit_case *c, const char *name)
{
    for (size_t i = 0; i < c->estates_n; i++)
        if (strcmp(c->estates[i].name, name) == 0)
            return &c->estates[i];
    return NULL;
}

static bool is_dead(const struct audit_question *q)
{
    return q->name && q->answer.status == DNS_NXDOMAIN;
}

/* What lies below the From domain's own name is its owner's already. */
static void add_name(struct audit_case *c, const char *name)
{
    char domain[NAME_SIZE];
    if (c->estates_n == AUDIT_MAX_ESTATES || find(c, name) || !suffix_registrable(name, domain) ||
        name_is_at_or_below(name, c->domain))
        return;
    c->estates[c->estates_n++] = (struct audit_estate){.name = arena_text(c->arena, str_of(name)),
        .domain = arena_text(c->arena, str_of(domain)),
        .hosted = suffix_is_hosted(domain)};
}

static void add_question(struct audit_case *c, const struct audit_question *q)
{
    if (is_dead(q))
        add_name(c, audit_place(q));
}

/* Servers that do not answer for a name are found without their addresses being asked for. */
static void add_name_servers(struct audit_case *c)
{
    char name[NAME_SIZE];
    for (size_t i = 0; i < c->ns.answer.n; i++)
        if (name_canonical(c->ns.answer.records[i].data, name))
            add_name(c, name);
}

void audit_list_estates(struct audit_case *c)
{
    const struct audit_question *aliases[AUDIT_MAX_ALIASES];
    size_t n = audit_alias_questions(c, aliases);
    for (size_t i = 1; i < c->spf_n; i++)
        add_question(c, &c->spf[i].txt);
    for (size_t i = 0; i < c->spf_hosts_n; i++)
        add_question(c, &c->spf_hosts[i].first);
    for (size_t i = 0; i < n; i++)
        add_question(c, aliases[i]);
    add_name_servers(c);
}

void audit_ask_estate(struct crew_member *m, void *subject)
{
    struct audit_estate *e = subject;
    e->soa = (struct audit_question){.name = e->domain, .type = DNS_SOA};
    resolver_ask(m->resolver, e->domain, DNS_SOA, m->arena, &e->soa.answer);
}

const struct audit_estate *audit_estate_of(
    const struct audit_case *c, const struct audit_question *q)
{
    return is_dead(q) ? find(c, audit_place(q)) : NULL;
}

bool audit_estate_is_open(const struct audit_estate *e)
{
    return e && e->soa.answer.status == DNS_NXDOMAIN &&
           strcmp(e->soa.answer.canonical, e->domain) == 0;
}

struct said audit_estate_words(struct audit_case *c, const struct audit_estate *e)
{
    return e->hosted ? SAY(c->arena, "takeover.hosted",
                           "{{domain}} does not exist, and its hoster gives such names to any "
                           "customer",
                           {"domain", e->domain})
                     : SAY(c->arena, "takeover.unregistered",
                           "{{domain}} is not registered: anybody can become its owner",
                           {"domain", e->domain});
}

/* Whether the estate is open; says where the DNS does not tell. */
static bool is_open(struct audit_case *c, const struct audit_check *k, const struct audit_estate *e)
{
    if (e && audit_is_failure(e->soa.answer.status))
        audit_skip_failed(c, k, e->domain, e->soa.answer.status);
    return audit_estate_is_open(e);
}

/* ---- SPF ------------------------------------------------------------------------------------- */

static const struct audit_question *question_of(
    const struct audit_case *c, const struct audit_spf_node *n, const struct spf_term *t)
{
    const struct audit_spf_node *target = audit_spf_target(c, t);
    const struct audit_spf_host *host = audit_spf_host_of(c, n, t);
    return target ? &target->txt : host ? &host->first : NULL;
}

static void check_term(struct audit_case *c, const struct audit_check *k,
    const struct audit_spf_node *n, const struct spf_term *t)
{
    const struct audit_question *q = audit_spf_counts(&n->record, t) ? question_of(c, n, t) : NULL;
    const struct audit_estate *e = q ? audit_estate_of(c, q) : NULL;
    bool flattened = false;
    if (q && q->name && audit_is_failure(q->answer.status))
        audit_skip_failed(c, k, q->name, q->answer.status);
    if (!is_open(c, k, e))
        return;
    struct said words = audit_estate_words(c, e);
    bool ours = n == &c->spf[0];
    struct audit_finding *f = audit_add(c, k, n->domain,
        ours ? words
             : SAY_AROUND(c->arena, words, "spf.dead_elsewhere",
                   "{{said}}; only the owner of {{domain}} can mend it", {"domain", n->domain}));
    audit_evidence(c, f, n->record.text, STR(""));
    f->mark_at = t->at;
    f->mark_n = t->text.n;
    if (ours)
        audit_publish(c, f, audit_place(&n->txt), "TXT", audit_wanted_spf(c, &flattened));
}

void check_spf_takeover(struct audit_case *c, const struct audit_check *k)
{
    audit_spf_tree_is_known(c, k);
    for (size_t i = 0; i < c->spf_n; i++)
        for (size_t j = 0;
             c->spf[i].records_n == 1 && c->spf[i].record.valid && j < c->spf[i].record.n; j++)
            check_term(c, k, &c->spf[i], &c->spf[i].record.terms[j]);
}

/* ---- aliases, MX hosts, name servers --------------------------------------------------------- */

static void check_question(struct audit_case *c, const struct audit_check *k,
    const struct audit_question *q, const struct dns_record *mx)
{
    const struct audit_estate *e = audit_estate_of(c, q);
    if (q->name && audit_is_failure(q->answer.status))
        audit_skip_failed(c, k, q->name, q->answer.status);
    if ((!mx && !audit_alias_dangles(q)) || !is_open(c, k, e))
        return;
    struct audit_finding *f = audit_add(c, k, q->name, audit_estate_words(c, e));
    audit_evidence(c, f,
        str_of(mx ? arena_printf(c->arena, "MX %d " STR_FMT ".", mx->number, STR_ARG(mx->data))
                  : arena_printf(c->arena, "%s. CNAME ... %s.", q->name, e->name)),
        str_of(e->name));
}

static void check_name_servers(struct audit_case *c, const struct audit_check *k)
{
    char name[NAME_SIZE];
    if (audit_is_failure(c->ns.answer.status))
        audit_skip_failed(c, k, c->ns.name, c->ns.answer.status);
    for (size_t i = 0; i < c->ns.answer.n; i++) {
        const struct audit_estate *e =
            name_canonical(c->ns.answer.records[i].data, name) ? find(c, name) : NULL;
        if (!is_open(c, k, e))
            continue;
        audit_evidence(c, audit_add(c, k, c->domain, audit_estate_words(c, e)),
            str_of(arena_printf(c->arena, "%s. NS %s.", audit_place(&c->ns), name)), str_of(name));
    }
}

static const struct dns_record *mx_of(
    const struct audit_mail_domain *d, const struct audit_question *q)
{
    for (size_t i = 0; i < d->hosts_n; i++)
        if (q == &d->hosts[i].a)
            return d->hosts[i].mx;
    return NULL;
}

void check_takeover(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_question *all[AUDIT_MAX_ALIASES];
    size_t n = audit_alias_questions(c, all);
    for (size_t i = 0; i < n; i++) {
        const struct dns_record *mx = mx_of(&c->from, all[i]);
        check_question(c, k, all[i], mx ? mx : mx_of(&c->back, all[i]));
    }
    check_name_servers(c, k);
}
