/* What lists of senders of spam say about our addresses and the From domain: asked only where the setup names
 * lists. Source: RFC 5782. */
#include "dns/audit/inside.h"

void audit_list_listings(struct audit_case *c)
{
    const struct audit_setup *s = c->setup;
    for (size_t i = 0; i < s->dnsbl_n; i++) {
        const struct dnsbl_list *l = &s->dnsbl[i];
        size_t subjects = l->names ? 1 : c->addresses_n;
        for (size_t j = 0; j < subjects && c->listings_n < AUDIT_MAX_LISTINGS; j++)
            if (l->names || l->ipv6 || s->addresses[j].family == 4)
                c->listings[c->listings_n++] = (struct audit_listing){
                    .list = l, .name = c->domain, .ip = l->names ? NULL : &s->addresses[j]};
    }
}

void audit_ask_listing(struct crew_member *m, void *subject)
{
    struct audit_listing *l = subject;
    char text[IP_TEXT_SIZE];
    if (l->list->names) {
        dnsbl_ask_name(m->resolver, l->list, l->name, m->arena, &l->answer);
        return;
    }
    ip_text(l->ip, text);
    l->name = arena_text(m->arena, str_of(text));
    dnsbl_ask_address(m->resolver, l->list, l->ip, m->arena, &l->answer);
}

static void add(struct audit_case *c, const struct audit_check *k, const struct audit_listing *l)
{
    struct audit_finding *f = audit_add(c, k, l->name,
        l->list->source[0]
            ? SAY(c->arena, "dnsbl.listed",
                  "{{list}} lists it ({{code}}): find out why and ask to be taken "
                  "off, see {{page}}",
                  {"list", l->list->zone}, {"code", l->answer.code}, {"page", l->list->source})
            : SAY(c->arena, "dnsbl.listed_somewhere",
                  "{{list}} lists it ({{code}}): find out why and ask to be taken "
                  "off",
                  {"list", l->list->zone}, {"code", l->answer.code}));
    audit_evidence(c, f, str_of(l->answer.reason), STR(""));
    if (!l->list->large)
        f->severity = AUDIT_WARNING;
}

void check_dnsbl(struct audit_case *c, const struct audit_check *k)
{
    bool of_addresses = false;
    for (size_t i = 0; i < c->setup->dnsbl_n; i++)
        of_addresses = of_addresses || !c->setup->dnsbl[i].names;
    if (of_addresses && c->addresses_n == 0)
        audit_skip(c, k, audit_no_addresses(c));
    for (size_t i = 0; i < c->listings_n; i++) {
        const struct audit_listing *l = &c->listings[i];
        switch (l->answer.status) {
        case DNSBL_LISTED:
            add(c, k, l);
            break;
        case DNSBL_UNUSABLE:
            audit_skip(c, k, l->answer.why);
            break;
        case DNSBL_FAILED:
            audit_skip_failed(c, k, l->answer.failed_name, l->answer.failure);
            break;
        case DNSBL_CLEAN:
            break;
        }
    }
}
