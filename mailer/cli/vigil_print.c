/* What has changed since the last run, for people and for programs. */
#include "mailer/cli/audit_print.h"
#include "mailer/cli/paper.h"

#include <stdio.h>

static const char *verdict_words(const char *verdict)
{
    if (strcmp(verdict, "pass") == 0)
        return "will pass DMARC";
    return strcmp(verdict, "fail") == 0 ? "will not pass DMARC" : "cannot be told";
}

static void print_first(const struct vigil_change *c, const char *path)
{
    AUTO(buf_close) struct buf line = {0};
    const struct audit_report *r = &c->checkup->report;
    buf_add_text(&line, "first look, kept in ");
    buf_addf(&line, "%s: ", path);
    if (!c->checkup->survey->returns_only)
        buf_addf(&line, "mail %s, ", verdict_words(audit_verdict_name(r->verdict)));
    buf_addf(&line, "errors: %zu, warnings: %zu, notes: %zu; `parcelpost check-dns %s` shows them",
        r->errors, checkup_count(r, AUDIT_WARNING), checkup_count(r, AUDIT_NOTE), r->domain);
    paper_wrapped(buf_str(&line), 2);
}

static void print_verdict(const struct vigil_change *c)
{
    AUTO(buf_close) struct buf line = {0};
    const struct audit_report *r = &c->checkup->report;
    buf_addf(&line, "mail %s (before: %s): %s", verdict_words(audit_verdict_name(r->verdict)),
        verdict_words(c->verdict_before), r->sentence.text);
    paper_wrapped(buf_str(&line), 2);
}

static void print_gone(const struct vigil_pair *p)
{
    AUTO(buf_close) struct buf line = {0};
    printf("\ngone: %s %s\n", p->severity, p->code);
    buf_addf(&line, "%s: %s", p->name, p->title);
    paper_wrapped(buf_str(&line), 2);
}

static void print_before(const struct vigil_pair *p)
{
    AUTO(buf_close) struct buf line = {0};
    buf_addf(&line, "before: %s%s%s", p->severity, p->evidence[0] ? ", found " : "", p->evidence);
    paper_wrapped(buf_str(&line), 2);
}

static void print_change(const struct vigil_change *c, const char *path)
{
    puts(c->domain);
    if (!c->checkup) {
        puts("  no storefront of the settings has this domain any more");
        return;
    }
    if (c->first) {
        print_first(c, path);
        return;
    }
    if (c->verdict_before[0])
        print_verdict(c);
    for (size_t i = 0; i < c->fresh_n; i++)
        audit_print_finding("new: ", c->fresh[i].now);
    for (size_t i = 0; i < c->changed_n; i++) {
        audit_print_finding("changed: ", c->changed[i].now);
        print_before(&c->changed[i]);
    }
    for (size_t i = 0; i < c->gone_n; i++)
        print_gone(&c->gone[i]);
}

void audit_print_changes(const struct vigil_change *all, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            putchar('\n');
        print_change(&all[i], path);
    }
}

/* ---- as JSON --------------------------------------------------------------------------------- */

static struct js *before_json(const struct vigil_pair *p)
{
    struct js *o = js_object();
    js_set_cstr(o, "severity", p->severity);
    js_set_cstr(o, "evidence", p->evidence);
    return o;
}

static struct js *gone_json(const struct vigil_pair *p)
{
    struct js *o = js_object();
    js_set_cstr(o, "code", p->code);
    js_set_cstr(o, "severity", p->severity);
    js_set_cstr(o, "title", p->title);
    js_set_cstr(o, "name", p->name);
    js_set_cstr(o, "evidence", p->evidence);
    return o;
}

static struct js *change_json(const struct vigil_change *c)
{
    struct js *o = js_object(), *fresh = js_array(), *changed = js_array(), *gone = js_array();
    js_set_cstr(o, "domain", c->domain);
    js_set_bool(o, "first", c->first);
    js_set_bool(o, "removed", !c->checkup);
    if (c->checkup)
        js_set_cstr(o, "verdict", audit_verdict_name(c->checkup->report.verdict));
    if (c->verdict_before[0])
        js_set_cstr(o, "verdict_before", c->verdict_before);
    for (size_t i = 0; i < c->fresh_n; i++)
        js_push(fresh, survey_finding_json(c->fresh[i].now));
    for (size_t i = 0; i < c->changed_n; i++) {
        struct js *one = survey_finding_json(c->changed[i].now);
        js_set(one, "before", before_json(&c->changed[i]));
        js_push(changed, one);
    }
    for (size_t i = 0; i < c->gone_n; i++)
        js_push(gone, gone_json(&c->gone[i]));
    js_set(o, "new", fresh);
    js_set(o, "changed", changed);
    js_set(o, "gone", gone);
    return o;
}

struct js *audit_changes_json(const struct vigil_change *all, size_t n, const struct cli_dns *dns)
{
    struct js *o = js_object(), *changes = js_array();
    for (size_t i = 0; i < n; i++)
        js_push(changes, change_json(&all[i]));
    js_set(o, "changes", changes);
    js_set(o, "resolver", audit_resolver_json(dns));
    return o;
}
