/* What has changed since the last run, for people and for programs. */
#include "mailer/cli/audit_print.h"
#include "mailer/cli/paper.h"

#include <stdio.h>

static const char *verdict_words(const char *verdict, struct tongue *t)
{
    if (strcmp(verdict, "pass") == 0)
        return tongue_tell(t, SAID("watch.pass", "mail will pass DMARC"));
    return tongue_tell(
        t, strcmp(verdict, "fail") == 0
               ? SAID("watch.fail", "mail will not pass DMARC")
               : SAID("watch.unknown", "it cannot be told whether mail will pass DMARC"));
}

static void print_first(const struct vigil_change *c, const char *path, struct tongue *t)
{
    AUTO(buf_close) struct buf line = {0};
    struct arena *a = tongue_arena(t);
    const struct audit_report *r = &c->checkup->report;
    const char *errors = arena_printf(a, "%zu", r->errors);
    const char *warnings = arena_printf(a, "%zu", checkup_count(r, AUDIT_WARNING));
    const char *notes = arena_printf(a, "%zu", checkup_count(r, AUDIT_NOTE));
    buf_addf(&line, "%s%s%s", tongue_tell(t, SAID("watch.first", "first look, kept in ")), path,
        tongue_tell(t, SAID("check.colon", ": ")));
    if (!c->checkup->survey->returns_only)
        buf_addf(&line, "%s%s", verdict_words(audit_verdict_name(r->verdict), t),
            tongue_tell(t, SAID("all.next", ", ")));
    buf_add_text(&line, tongue_tell(t, SAY(a, "watch.counts",
                                           "errors: {{errors}}, warnings: {{warnings}}, notes: "
                                           "{{notes}}; `parcelpost check-dns "
                                           "{{domain}}` shows them",
                                           {"errors", errors}, {"warnings", warnings},
                                           {"notes", notes}, {"domain", r->domain})));
    paper_wrapped(buf_str(&line), 2);
}

static void print_unanswered(const struct vigil_change *c, struct tongue *t)
{
    paper_wrapped(
        str_of(tongue_tell(
            t, SAY(tongue_arena(t), "watch.unanswered",
                   "no first look: the DNS did not answer where there may be an error, so that "
                   "nothing is kept; `parcelpost check-dns {{domain}}` shows more",
                   {"domain", c->domain}))),
        2);
}

static void print_dns(const struct vigil_change *c, struct tongue *t)
{
    const char *text =
        c->dns == DNS_FELL_SILENT
            ? tongue_tell(t, SAY(tongue_arena(t), "watch.silent",
                                 "the DNS does not answer where there may be an error: what could "
                                 "not be checked stays as it was found before; `parcelpost "
                                 "check-dns {{domain}}` shows more",
                                 {"domain", c->domain}))
            : tongue_tell(t, SAID("watch.answers", "the DNS answers again"));
    paper_wrapped(str_of(text), 2);
}

static void print_verdict(const struct vigil_change *c, struct tongue *t)
{
    AUTO(buf_close) struct buf line = {0};
    const struct audit_report *r = &c->checkup->report;
    buf_addf(&line, "%s%s%s%s%s", verdict_words(audit_verdict_name(r->verdict), t),
        tongue_tell(t, SAID("watch.verdict_before", " (before: ")),
        verdict_words(c->verdict_before, t), tongue_tell(t, SAID("watch.verdict_end", "): ")),
        tongue_tell(t, r->sentence));
    paper_wrapped(buf_str(&line), 2);
}

static const char *severity_word(struct tongue *t, const char *name)
{
    const char *key = arena_printf(tongue_arena(t), "check.%s", name);
    return tongue_tell(t, (struct said){.key = key, .text = name});
}

static const char *title_of(struct tongue *t, const struct vigil_pair *p)
{
    const char *key = arena_printf(tongue_arena(t), "%s.title", p->code);
    return tongue_tell(t, (struct said){.key = key, .text = p->title});
}

static void print_gone(const struct vigil_pair *p, struct tongue *t)
{
    AUTO(buf_close) struct buf line = {0};
    printf("\n%s%s %s\n", tongue_tell(t, SAID("watch.gone", "gone: ")),
        severity_word(t, p->severity), p->code);
    buf_addf(&line, "%s%s%s", p->name, tongue_tell(t, SAID("check.colon", ": ")), title_of(t, p));
    paper_wrapped(buf_str(&line), 2);
}

static void print_before(const struct vigil_pair *p, struct tongue *t)
{
    AUTO(buf_close) struct buf line = {0};
    buf_addf(&line, "%s%s", tongue_tell(t, SAID("watch.before", "before: ")),
        severity_word(t, p->severity));
    if (p->evidence[0])
        buf_addf(&line, "%s%s", tongue_tell(t, SAID("watch.found", ", found ")), p->evidence);
    paper_wrapped(buf_str(&line), 2);
}

static void print_now(const char *before, const struct audit_finding *f, struct tongue *t)
{
    struct audit_finding told = audit_tell_finding(f, tongue_look, t, tongue_arena(t));
    audit_print_finding(before, &told, t);
}

static void print_change(const struct vigil_change *c, const char *path, struct tongue *t)
{
    puts(c->domain);
    if (!c->checkup) {
        const char *text = tongue_tell(
            t, SAID("watch.removed", "no storefront of the settings has this domain any more"));
        paper_wrapped(str_of(text), 2);
        return;
    }
    if (c->unanswered) {
        print_unanswered(c, t);
        return;
    }
    if (c->first) {
        print_first(c, path, t);
        return;
    }
    if (c->dns != DNS_AS_BEFORE)
        print_dns(c, t);
    if (c->verdict_before[0])
        print_verdict(c, t);
    for (size_t i = 0; i < c->fresh_n; i++)
        print_now(tongue_tell(t, SAID("watch.new", "new: ")), c->fresh[i].now, t);
    for (size_t i = 0; i < c->changed_n; i++) {
        print_now(tongue_tell(t, SAID("watch.changed", "changed: ")), c->changed[i].now, t);
        print_before(&c->changed[i], t);
    }
    for (size_t i = 0; i < c->gone_n; i++)
        print_gone(&c->gone[i], t);
}

void audit_print_changes(
    const struct vigil_change *all, size_t n, const char *path, struct tongue *t)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            putchar('\n');
        print_change(&all[i], path, t);
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

static struct js *gone_json(const struct vigil_pair *p, struct tongue *t)
{
    struct js *o = js_object();
    js_set_cstr(o, "code", p->code);
    js_set_cstr(o, "severity", p->severity);
    js_set_cstr(o, "title", t ? title_of(t, p) : p->title);
    js_set_cstr(o, "name", p->name);
    js_set_cstr(o, "evidence", p->evidence);
    return o;
}

static struct js *now_json(const struct audit_finding *f, struct tongue *t)
{
    if (!t)
        return survey_finding_json(f);
    struct audit_finding told = audit_tell_finding(f, tongue_look, t, tongue_arena(t));
    return survey_finding_json(&told);
}

static struct js *change_json(const struct vigil_change *c, struct tongue *t)
{
    struct js *o = js_object(), *fresh = js_array(), *changed = js_array(), *gone = js_array();
    js_set_cstr(o, "domain", c->domain);
    js_set_bool(o, "first", c->first);
    js_set_bool(o, "unanswered", c->unanswered);
    js_set_bool(o, "removed", !c->checkup);
    if (c->dns != DNS_AS_BEFORE)
        js_set_cstr(o, "dns", c->dns == DNS_FELL_SILENT ? "silent" : "answers");
    if (c->checkup)
        js_set_cstr(o, "verdict", audit_verdict_name(c->checkup->report.verdict));
    if (c->verdict_before[0])
        js_set_cstr(o, "verdict_before", c->verdict_before);
    for (size_t i = 0; i < c->fresh_n; i++)
        js_push(fresh, now_json(c->fresh[i].now, t));
    for (size_t i = 0; i < c->changed_n; i++) {
        struct js *one = now_json(c->changed[i].now, t);
        js_set(one, "before", before_json(&c->changed[i]));
        js_push(changed, one);
    }
    for (size_t i = 0; i < c->gone_n; i++)
        js_push(gone, gone_json(&c->gone[i], t));
    js_set(o, "new", fresh);
    js_set(o, "changed", changed);
    js_set(o, "gone", gone);
    return o;
}

struct js *audit_changes_json(const struct vigil_change *all, size_t n, const struct cli_dns *dns,
    struct tongue *tongue_or_null)
{
    struct js *o = js_object(), *changes = js_array();
    for (size_t i = 0; i < n; i++)
        js_push(changes, change_json(&all[i], tongue_or_null));
    js_set(o, "changes", changes);
    js_set(o, "resolver", audit_resolver_json(dns));
    if (tongue_or_null)
        js_set_cstr(o, "lang", tongue_tag(tongue_or_null));
    return o;
}
