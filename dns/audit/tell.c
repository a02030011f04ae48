/* A report in another language. */
#include "dns/audit/audit.h"

struct teller {
    said_look *look;
    void *context;
    struct arena *arena;
};

static struct said told(const struct teller *t, struct said s)
{
    AUTO(buf_close) struct buf text = {0};
    said_tell(&s, t->look, t->context, &text);
    s.text = arena_text(t->arena, buf_str(&text));
    return s;
}

/* What is always the same for a code. */
static const char *word_of(
    const struct teller *t, const char *code, const char *which, const char *english)
{
    const char *other = t->look(t->context, arena_printf(t->arena, "%s.%s", code, which));
    return other ? other : english;
}

struct audit_finding audit_tell_finding(
    const struct audit_finding *f, said_look *look, void *context, struct arena *a)
{
    const struct teller t = {look, context, a};
    struct audit_finding out = *f;
    out.title = word_of(&t, f->code, "title", f->title);
    out.why = word_of(&t, f->code, "why", f->why);
    out.detail = told(&t, f->detail);
    return out;
}

static const struct audit_finding *findings(const struct teller *t, const struct audit_report *r)
{
    struct audit_finding *all = arena_array(t->arena, r->findings_n + 1, sizeof *all);
    for (size_t i = 0; i < r->findings_n; i++)
        all[i] = audit_tell_finding(&r->findings[i], t->look, t->context, t->arena);
    return all;
}

static const struct audit_gap *gaps(const struct teller *t, const struct audit_report *r)
{
    struct audit_gap *all = arena_array(t->arena, r->gaps_n + 1, sizeof *all);
    for (size_t i = 0; i < r->gaps_n; i++) {
        all[i] = r->gaps[i];
        all[i].reason = told(t, all[i].reason);
    }
    return all;
}

static const struct audit_provider *providers(const struct teller *t, const struct audit_report *r)
{
    struct audit_provider *all = arena_array(t->arena, r->providers_n + 1, sizeof *all);
    for (size_t i = 0; i < r->providers_n; i++) {
        all[i] = r->providers[i];
        struct audit_rule *rules = arena_array(t->arena, all[i].rules_n + 1, sizeof *rules);
        for (size_t j = 0; j < all[i].rules_n; j++) {
            rules[j] = all[i].rules[j];
            rules[j].detail = told(t, rules[j].detail);
        }
        all[i].rules = rules;
    }
    return all;
}

static struct audit_dnssec dnssec(const struct teller *t, const struct audit_report *r)
{
    struct audit_dnssec out = r->dnssec;
    struct dnssec_zone *chain = arena_array(t->arena, out.chain_n + 1, sizeof *chain);
    for (size_t i = 0; i < out.chain_n; i++) {
        chain[i] = out.chain[i];
        chain[i].why = told(t, chain[i].why);
    }
    out.reason = told(t, out.reason);
    out.chain = chain;
    return out;
}

void audit_tell(const struct audit_report *r, said_look *look, void *context, struct arena *a,
    struct audit_report *out)
{
    const struct teller t = {look, context, a};
    struct audit_report told_report = *r;
    told_report.sentence = told(&t, r->sentence);
    told_report.findings = findings(&t, r);
    told_report.gaps = gaps(&t, r);
    told_report.dnssec = dnssec(&t, r);
    told_report.providers = providers(&t, r);
    *out = told_report;
}
