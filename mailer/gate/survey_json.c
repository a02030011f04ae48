/* What programs read of an audit: the fields stand in docs/deliverability.md. */
#include "mailer/gate/survey.h"

static struct js *records(const struct audit_finding *f)
{
    struct js *all = js_array();
    for (size_t i = 0; i < f->publish_n; i++) {
        const struct audit_record *r = &f->publish[i];
        AUTO(buf_close) struct buf line = {0};
        struct js *o = js_object();
        audit_record_line(r, 0, &line);
        js_set_cstr(o, "name", r->name);
        js_set_cstr(o, "type", r->type);
        js_set_int(o, "ttl", r->ttl_s);
        js_set_cstr(o, "value", r->value);
        js_set_text(o, "zone", buf_str(&line));
        js_push(all, o);
    }
    return all;
}

struct js *survey_finding_json(const struct audit_finding *f)
{
    struct js *o = js_object();
    js_set_cstr(o, "code", f->code);
    js_set_cstr(o, "severity", audit_severity_name(f->severity));
    js_set_cstr(o, "title", f->title);
    js_set_cstr(o, "why", f->why);
    js_set_cstr(o, "name", f->name);
    js_set_cstr(o, "detail", f->detail.text);
    js_set_cstr(o, "evidence", f->evidence);
    if (f->mark_n > 0) {
        struct js *mark = js_object();
        js_set_int(mark, "at", (int64_t)f->mark_at);
        js_set_int(mark, "length", (int64_t)f->mark_n);
        js_set(o, "mark", mark);
    }
    js_set(o, "publish", records(f));
    return o;
}

static struct js *gap(const struct audit_gap *g)
{
    struct js *o = js_object(), *codes = js_array();
    for (size_t i = 0; i < g->codes_n; i++)
        js_push(codes, js_new_text(str_of(g->codes[i])));
    js_set_cstr(o, "reason", g->reason.text);
    js_set_bool(o, "dns_failed", g->dns_failed);
    js_set(o, "codes", codes);
    return o;
}

static struct js *provider(const struct audit_provider *p)
{
    struct js *o = js_object(), *rules = js_array();
    for (size_t i = 0; i < p->rules_n; i++) {
        struct js *rule = js_object();
        js_set_cstr(rule, "rule", p->rules[i].rule);
        js_set_cstr(rule, "result", audit_answer_name(p->rules[i].answer));
        js_set_cstr(rule, "detail", p->rules[i].detail.text);
        js_push(rules, rule);
    }
    js_set_cstr(o, "name", p->name);
    js_set_cstr(o, "source", p->source);
    js_set(o, "rules", rules);
    return o;
}

static struct js *link_of_chain(const struct dnssec_zone *z)
{
    struct js *o = js_object();
    js_set_cstr(o, "zone", z->name);
    js_set_cstr(o, "status", dnssec_status_name(z->status));
    js_set_cstr(o, "reason", z->why.text);
    js_set_cstr(o, "algorithms", z->algorithms);
    js_set_int(o, "keys", (int64_t)z->keys);
    if (z->entry_tag > 0)
        js_set_int(o, "key_tag", z->entry_tag);
    if (z->ends_ms > 0) {
        char ends[CLOCK_RFC3339_SIZE];
        clock_rfc3339(z->ends_ms, ends);
        js_set_cstr(o, "signatures_end", ends);
    }
    return o;
}

static struct js *dnssec(const struct audit_dnssec *d)
{
    struct js *o = js_object(), *chain = js_array();
    for (size_t i = 0; i < d->chain_n; i++)
        js_push(chain, link_of_chain(&d->chain[i]));
    js_set_cstr(o, "status", audit_dnssec_name(d));
    js_set_cstr(o, "reason", d->reason.text);
    js_set(o, "chain", chain);
    return o;
}

struct js *survey_json(const struct audit_report *r)
{
    struct js *o = js_object(), *findings = js_array(), *gaps = js_array(),
              *providers = js_object();
    for (size_t i = 0; i < r->findings_n; i++)
        js_push(findings, survey_finding_json(&r->findings[i]));
    for (size_t i = 0; i < r->gaps_n; i++)
        js_push(gaps, gap(&r->gaps[i]));
    for (size_t i = 0; i < r->providers_n; i++)
        js_set(providers, r->providers[i].key, provider(&r->providers[i]));
    js_set_cstr(o, "domain", r->domain);
    js_set_cstr(o, "verdict", audit_verdict_name(r->verdict));
    js_set_cstr(o, "sentence", r->sentence.text);
    js_set_int(o, "errors", (int64_t)r->errors);
    js_set_bool(o, "unsure", r->unsure);
    js_set(o, "findings", findings);
    js_set(o, "not_checked", gaps);
    js_set(o, "providers", providers);
    js_set(o, "dnssec", dnssec(&r->dnssec));
    return o;
}
