/* The tree of SPF records behind the return path, read without an address in hand: what every sender
 * may meet. Terms with macros depend on the mail and are not followed. */
#include "dns/audit/inside.h"
#include "dns/name.h"

#define DEEPEST 12 /* more levels than lookups: a loop */
#define FAULTS_MAX_CUT 64

bool audit_spf_counts(const struct spf_record *r, const struct spf_term *t)
{
    if (t->kind == SPF_REDIRECT)
        return !r->all;
    if (t->kind == SPF_EXP || t->kind == SPF_UNKNOWN_MODIFIER)
        return true; /* wherever they stand */
    return !r->all || t->at <= r->all->at;
}

/* The name of a term; a and mx without one speak of the record's own domain. */
static bool name_of(const struct audit_spf_node *n, const struct spf_term *t, char out[NAME_SIZE])
{
    struct str spec = t->domain_spec.n > 0 ? t->domain_spec : str_of(n->domain);
    return str_find_char(spec, '%', 0) == spec.n && name_canonical(spec, out);
}

static bool leads_on(const struct spf_term *t)
{
    return t->kind == SPF_INCLUDE || t->kind == SPF_REDIRECT;
}

static bool asks_a_host(const struct spf_term *t)
{
    return t->kind == SPF_A || t->kind == SPF_MX;
}

void audit_spf_read(struct audit_case *c, struct audit_spf_node *n)
{
    for (size_t i = 0; i < n->txt.answer.n; i++) {
        struct str text = n->txt.answer.records[i].data;
        if (spf_is_record(text) && n->records_n++ == 0)
            spf_record_parse(text, c->arena, &n->record);
    }
}

const struct audit_spf_node *audit_spf_target(const struct audit_case *c, const struct spf_term *t)
{
    char name[NAME_SIZE];
    if (!leads_on(t) || !name_of(&c->spf[0], t, name))
        return NULL;
    for (size_t i = 0; i < c->spf_n; i++)
        if (strcmp(c->spf[i].domain, name) == 0)
            return &c->spf[i];
    return NULL;
}

const struct audit_spf_host *audit_spf_host_of(
    const struct audit_case *c, const struct audit_spf_node *n, const struct spf_term *t)
{
    char name[NAME_SIZE];
    if (!asks_a_host(t) || !name_of(n, t, name))
        return NULL;
    for (size_t i = 0; i < c->spf_hosts_n; i++)
        if (c->spf_hosts[i].mx == (t->kind == SPF_MX) && strcmp(c->spf_hosts[i].name, name) == 0)
            return &c->spf_hosts[i];
    return NULL;
}

bool audit_spf_host_is_void(const struct audit_spf_host *h)
{
    return audit_is_absent(h->first.answer.status) &&
           (h->mx || audit_is_absent(h->second.answer.status));
}

static void spread_term(
    struct audit_case *c, const struct audit_spf_node *n, const struct spf_term *t)
{
    char name[NAME_SIZE];
    if (!audit_spf_counts(&n->record, t) || !name_of(n, t, name))
        return;
    if (leads_on(t) && !audit_spf_target(c, t) && c->spf_n < AUDIT_MAX_SPF_NODES)
        c->spf[c->spf_n++] = (struct audit_spf_node){.domain = arena_text(c->arena, str_of(name))};
    if (asks_a_host(t) && !audit_spf_host_of(c, n, t) && c->spf_hosts_n < AUDIT_MAX_SPF_HOSTS)
        c->spf_hosts[c->spf_hosts_n++] = (struct audit_spf_host){
            .name = arena_text(c->arena, str_of(name)), .mx = t->kind == SPF_MX};
}

void audit_spf_spread(struct audit_case *c, const struct audit_spf_node *n)
{
    for (size_t i = 0; i < n->record.n; i++)
        spread_term(c, n, &n->record.terms[i]);
}

void audit_spf_cut_faults(struct audit_case *c, struct str text, struct spf_record *out)
{
    spf_record_parse(text, c->arena, out);
    for (int i = 0; !out->valid && i < FAULTS_MAX_CUT; i++) {
        size_t begin = (size_t)(out->fault.text.p - text.p);
        struct str head = str_slice(text, 0, begin);
        struct str tail = str_slice(text, begin + out->fault.text.n, text.n);
        text = str_of(arena_printf(c->arena, STR_FMT STR_FMT, STR_ARG(head), STR_ARG(tail)));
        spf_record_parse(text, c->arena, out);
    }
}

/* ---- texts that are almost a record ----------------------------------------------------------- */

static struct str without_wrapping(struct str text)
{
    while (text.n > 0 && strchr(" \t\"'", text.p[0]) && text.p[0])
        text = str_slice(text, 1, text.n);
    while (text.n > 0 && strchr(" \t\"'", text.p[text.n - 1]) && text.p[text.n - 1])
        text.n--;
    return text;
}

static bool wants_to_be_spf(struct str text)
{
    text = without_wrapping(text);
    return str_starts_nocase(text, STR("v=spf")) || str_starts_nocase(text, STR("v = spf1")) ||
           str_starts_nocase(text, STR("spf1 ")) || str_starts_nocase(text, STR("v:spf1"));
}

struct str audit_spf_almost(const struct audit_case *c)
{
    const struct dns_answer *a = &c->spf[0].txt.answer;
    for (size_t i = 0; c->spf[0].records_n == 0 && i < a->n; i++)
        if (wants_to_be_spf(a->records[i].data))
            return a->records[i].data;
    return STR("");
}

const char *audit_spf_meant(struct audit_case *c, struct str almost)
{
    struct str rest = without_wrapping(almost);
    size_t at = 0;
    while (at < rest.n && !str_starts_nocase(str_slice(rest, at, rest.n), STR("spf")))
        at++;
    for (at += 3; at < rest.n && strchr("1234567890.;,:\"'", rest.p[at]); at++)
        continue;
    return arena_printf(
        c->arena, "v=spf1 " STR_FMT, STR_ARG(str_trim(str_slice(rest, at, rest.n))));
}

bool audit_spf_is_in_another(
    const struct audit_case *c, const struct spf_record *r, const struct spf_term *t)
{
    const struct audit_spf_node *target = audit_spf_target(c, t);
    for (size_t i = 0; target && t->kind == SPF_INCLUDE && i < r->n; i++) {
        const struct audit_spf_node *other = audit_spf_target(c, &r->terms[i]);
        if (!other || other == target || r->terms[i].qualifier != '+')
            continue;
        for (size_t j = 0; j < other->record.n; j++)
            if (audit_spf_target(c, &other->record.terms[j]) == target &&
                other->record.terms[j].qualifier == '+')
                return true;
    }
    return false;
}

/* ---- counting -------------------------------------------------------------------------------- */

static void count_lookups(
    const struct audit_case *c, const struct audit_spf_node *n, int depth, size_t *total)
{
    if (depth > DEEPEST || *total >= AUDIT_SPF_ENDLESS) {
        *total = AUDIT_SPF_ENDLESS;
        return;
    }
    for (size_t i = 0; i < n->record.n; i++) {
        const struct spf_term *t = &n->record.terms[i];
        if (!spf_kind_asks(t->kind) || !audit_spf_counts(&n->record, t))
            continue;
        (*total)++;
        const struct audit_spf_node *next = audit_spf_target(c, t);
        if (next)
            count_lookups(c, next, depth + 1, total);
    }
}

size_t audit_spf_lookups(const struct audit_case *c, const struct audit_spf_node *n)
{
    size_t total = 0;
    count_lookups(c, n, 0, &total);
    return total;
}

struct said audit_spf_dead(struct audit_case *c, const struct spf_term *t)
{
    const struct audit_spf_node *n = audit_spf_target(c, t);
    if (!n || n->txt.answer.status == DNS_SERVFAIL || n->txt.answer.status == DNS_TIMEOUT ||
        n->txt.answer.status == DNS_BAD)
        return SAID_NOTHING;
    if (n->txt.answer.status == DNS_NXDOMAIN)
        return SAY(
            c->arena, "spf.include_absent", "{{domain}} does not exist", {"domain", n->domain});
    if (n->records_n == 0)
        return SAY(c->arena, "spf.include_without_record", "{{domain}} has no SPF record",
            {"domain", n->domain});
    if (n->records_n > 1)
        return SAY(c->arena, "spf.include_of_several", "{{domain}} has {{count}} SPF records",
            {"domain", n->domain}, {"count", arena_printf(c->arena, "%zu", n->records_n)});
    if (!n->record.valid)
        return SAY(c->arena, "spf.include_broken",
            "the SPF record of {{domain}} cannot be read at \"{{text}}\"", {"domain", n->domain},
            {"text", arena_text(c->arena, str_slice(n->record.fault.text, 0, 60))});
    return SAID_NOTHING;
}
