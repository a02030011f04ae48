#include "mailer/cli/vigil.h"

#include "base/file.h"

#include <stdlib.h>

#define VERSION 1
#define MAX_BYTES ((size_t)16 * 1024 * 1024)
#define WHAT "watch file"

struct vigil {
    char *path;
    struct js *domains; /* name -> {"verdict", "findings": [...]} */
};

/* ---- the file -------------------------------------------------------------------------------- */

static bool is_finding(const struct js *f)
{
    static const char *const fields[] = {"code", "name", "severity", "title", "evidence"};
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (js_kind(js_get(f, fields[i])) != JS_TEXT)
            return false;
    return true;
}

static bool is_domain(const struct js *d)
{
    const struct js *findings = js_get(d, "findings");
    if (js_kind(js_get(d, "verdict")) != JS_TEXT || js_kind(findings) != JS_ARRAY)
        return false;
    for (size_t i = 0; i < js_count(findings); i++)
        if (!is_finding(js_at(findings, i)))
            return false;
    return true;
}

static bool are_domains(const struct js *domains)
{
    struct js_iter it = {0};
    if (js_kind(domains) != JS_OBJECT)
        return false;
    while (js_next(domains, &it))
        if (!is_domain(it.value))
            return false;
    return true;
}

static bool damaged(const char *path, const char *why, struct err *e)
{
    return err_set(e, ERR_INPUT,
        WHAT " %s is damaged (%s): move it away, and the next run begins anew", path, why);
}

static bool read_state(struct vigil *v, struct str text, struct err *e)
{
    AUTO(js_close) struct js *whole = NULL;
    struct err why;
    if (!js_parse_ours(text, &whole, &why))
        return damaged(v->path, why.text, e);
    if (js_int(js_get(whole, "watch")) > VERSION)
        return err_set(e, ERR_INPUT,
            WHAT " %s was written by a newer parcelpost: use that one, or another file", v->path);
    if (js_int(js_get(whole, "watch")) != VERSION || !are_domains(js_get(whole, "domains")))
        return damaged(v->path, "it is JSON, but not what check-dns writes", e);
    v->domains = js_ref(js_get(whole, "domains"));
    return true;
}

bool vigil_open(const char *path, struct vigil **out, struct err *e)
{
    AUTO(vigil_close) struct vigil *v = calloc(1, sizeof *v);
    AUTO(buf_close) struct buf text = {0};
    if (!v || !(v->path = strdup(path)))
        err_out_of_memory();
    if (file_read(WHAT, path, MAX_BYTES, &text, e)) {
        if (!read_state(v, buf_str(&text), e))
            return false;
    } else if (e->code != ERR_MISSING) {
        return false;
    } else {
        v->domains = js_object();
    }
    *out = v;
    v = NULL;
    return true;
}

void vigil_close(struct vigil **v)
{
    if (!*v)
        return;
    js_close(&(*v)->domains);
    free((*v)->path);
    free(*v);
    *v = NULL;
}

bool vigil_save(const struct vigil *v, struct err *e)
{
    AUTO(js_close) struct js *whole = js_object();
    AUTO(buf_close) struct buf text = {0};
    js_set_int(whole, "watch", VERSION);
    js_set(whole, "domains", js_ref(v->domains));
    js_write(whole, JS_PRETTY, &text);
    buf_add_char(&text, '\n');
    return file_replace(WHAT, v->path, buf_str(&text), v->path, e);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static struct js *state_of_finding(const struct audit_finding *f)
{
    struct js *o = js_object();
    js_set_cstr(o, "code", f->code);
    js_set_cstr(o, "name", f->name);
    js_set_cstr(o, "severity", audit_severity_name(f->severity));
    js_set_cstr(o, "title", f->title);
    js_set_cstr(o, "evidence", f->evidence);
    return o;
}

/* Of several records at one name any may come first: which one is shown is no news. */
static bool evidence_counts(const char *code)
{
    return !str_ends(str_of(code), STR("-SEVERAL"));
}

static bool is_about_same(const struct js *old, const struct audit_finding *f)
{
    return str_is(js_get_text(old, "code"), f->code) && str_is(js_get_text(old, "name"), f->name);
}

static bool is_same(const struct js *old, const struct audit_finding *f)
{
    return is_about_same(old, f) &&
           str_is(js_get_text(old, "severity"), audit_severity_name(f->severity)) &&
           (!evidence_counts(f->code) || str_is(js_get_text(old, "evidence"), f->evidence));
}

/* Pairs of old and new ones: each is in one pair at most. */
struct match {
    const struct js *old; /* an array */
    size_t old_n;
    const struct audit_report *now;
    bool *old_taken, *now_taken;
};

static size_t find_match(const struct match *m, size_t now,
    bool (*fits)(const struct js *, const struct audit_finding *))
{
    size_t i = 0;
    while (i < m->old_n && (m->old_taken[i] || !fits(js_at(m->old, i), &m->now->findings[now])))
        i++;
    return i;
}

static struct vigil_pair pair_of(
    const struct js *old, const struct audit_finding *now, struct arena *a)
{
    return (struct vigil_pair){
        .now = now,
        .code = now ? now->code : arena_text(a, js_get_text(old, "code")),
        .name = now ? now->name : arena_text(a, js_get_text(old, "name")),
        .severity = arena_text(a, js_get_text(old, "severity")),
        .title = arena_text(a, js_get_text(old, "title")),
        .evidence = arena_text(a, js_get_text(old, "evidence")),
    };
}

static void take_same(struct match *m)
{
    for (size_t i = 0; i < m->now->findings_n; i++) {
        size_t at = find_match(m, i, is_same);
        m->now_taken[i] = at < m->old_n;
        if (at < m->old_n)
            m->old_taken[at] = true;
    }
}

static void take_changed(struct match *m, struct arena *a, struct vigil_change *out)
{
    for (size_t i = 0; i < m->now->findings_n; i++) {
        const struct audit_finding *f = &m->now->findings[i];
        size_t at = find_match(m, i, is_about_same);
        if (m->now_taken[i])
            continue;
        if (at == m->old_n) {
            out->fresh[out->fresh_n++] = pair_of(NULL, f, a);
            continue;
        }
        m->old_taken[at] = true;
        out->changed[out->changed_n++] = pair_of(js_at(m->old, at), f, a);
    }
}

/* "SPF" of "SPF-TERM-VOID". What two families learn from the same questions is one. */
static struct str family_of(struct str code)
{
    struct str family = str_slice(code, 0, str_find_char(code, '-', 0));
    return str_is(family, "NAME") ? STR("CNAME") : family;
}

/* Where the DNS failed for one of a family, the silence of another may come from that, too. */
static bool was_checked(const struct audit_report *r, struct str code)
{
    for (size_t i = 0; i < r->gaps_n; i++)
        for (size_t j = 0; j < r->gaps[i].codes_n; j++) {
            struct str gap = str_of(r->gaps[i].codes[j]);
            if (str_eq(code, gap) ||
                (r->gaps[i].dns_failed && str_eq(family_of(code), family_of(gap))))
                return false;
        }
    return true;
}

/* What is left of the old ones is gone, or was not asked for and stays. */
static void take_gone(struct match *m, struct js *state, struct arena *a, struct vigil_change *out)
{
    for (size_t i = 0; i < m->old_n; i++) {
        struct js *old = js_at(m->old, i);
        if (m->old_taken[i])
            continue;
        if (was_checked(m->now, js_get_text(old, "code")))
            out->gone[out->gone_n++] = pair_of(old, NULL, a);
        else
            js_push(state, js_ref(old));
    }
}

static bool dns_failed(const struct audit_report *r)
{
    for (size_t i = 0; i < r->gaps_n; i++)
        if (r->gaps[i].dns_failed)
            return true;
    return false;
}

static enum vigil_dns compare_dns(const struct js *old, bool is_silent)
{
    if (!old || js_bool(js_get(old, "silent")) == is_silent)
        return DNS_AS_BEFORE;
    return is_silent ? DNS_FELL_SILENT : DNS_ANSWERS_AGAIN;
}

/* The verdict to keep: a doubt that comes from the DNS leaves it as it was. */
static const char *compare_verdict(
    const struct js *old, const struct audit_report *r, struct arena *a, struct vigil_change *out)
{
    const char *now = audit_verdict_name(r->verdict);
    const char *before = arena_text(a, js_get_text(old, "verdict"));
    if (!old || strcmp(before, now) == 0)
        return now;
    if (r->verdict == AUDIT_UNKNOWN && dns_failed(r))
        return before;
    out->verdict_before = before;
    return now;
}

static void compare(struct vigil *v, const struct checkup *c, struct arena *a, const struct js *old,
    struct vigil_change *out)
{
    const struct audit_report *r = &c->report;
    bool is_silent = r->unsure && dns_failed(r);
    struct js *state = js_object(), *findings = js_array();
    struct match m = {.old = js_get(old, "findings"), .now = r};
    m.old_n = js_count(m.old);
    m.old_taken = arena_array(a, m.old_n + 1, sizeof *m.old_taken);
    m.now_taken = arena_array(a, r->findings_n + 1, sizeof *m.now_taken);
    *out = (struct vigil_change){.domain = r->domain,
        .checkup = c,
        .first = !old,
        .dns = compare_dns(old, is_silent),
        .verdict_before = "",
        .fresh = arena_array(a, r->findings_n + 1, sizeof *out->fresh),
        .gone = arena_array(a, m.old_n + 1, sizeof *out->gone),
        .changed = arena_array(a, r->findings_n + 1, sizeof *out->changed)};
    js_set_cstr(state, "verdict", compare_verdict(old, r, a, out));
    for (size_t i = 0; i < r->findings_n; i++)
        js_push(findings, state_of_finding(&r->findings[i]));
    take_same(&m);
    take_changed(&m, a, out);
    take_gone(&m, findings, a, out);
    js_set(state, "findings", findings);
    if (is_silent)
        js_set_bool(state, "silent", true);
    js_set(v->domains, r->domain, state); /* the old one ends here */
}

/* Nothing is known of a domain whose first look was not answered, but that this was told. What was found is kept: some name
 * may never answer. */
static void look_at(
    struct vigil *v, const struct checkup *c, struct arena *a, struct vigil_change *out)
{
    const struct audit_report *r = &c->report;
    const struct js *old = js_get(v->domains, r->domain);
    bool told = js_bool(js_get(old, "unanswered"));
    if ((old && !told) || !r->unsure || r->findings_n > 0) {
        compare(v, c, a, told ? NULL : old, out);
        return;
    }
    struct js *state = js_object();
    *out = (struct vigil_change){.domain = r->domain,
        .checkup = c,
        .first = !told,
        .unanswered = true,
        .verdict_before = ""};
    js_set_cstr(state, "verdict", audit_verdict_name(AUDIT_UNKNOWN));
    js_set(state, "findings", js_array());
    js_set_bool(state, "unanswered", true);
    js_set(v->domains, r->domain, state);
}

bool vigil_has_found(const struct vigil_change *c)
{
    return !c->first && (!c->checkup || c->verdict_before[0] || c->fresh_n > 0 || c->gone_n > 0 ||
                            c->changed_n > 0);
}

static bool is_news(const struct vigil_change *c)
{
    return c->first || c->dns != DNS_AS_BEFORE || vigil_has_found(c);
}

static bool is_among(const struct checkup *all, size_t n, struct str domain)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(domain, all[i].report.domain))
            return true;
    return false;
}

/* Copies what is still among them, and tells of the rest. */
static size_t forget_others(
    struct vigil *v, const struct checkup *all, size_t n, struct arena *a, struct vigil_change *out)
{
    struct js *kept = js_object();
    struct js_iter it = {0};
    size_t gone = 0;
    while (js_next(v->domains, &it)) {
        const char *name = arena_text(a, it.key);
        if (is_among(all, n, it.key))
            js_set(kept, name, js_ref(it.value));
        else
            out[gone++] = (struct vigil_change){.domain = name, .verdict_before = ""};
    }
    js_close(&v->domains);
    v->domains = kept;
    return gone;
}

size_t vigil_compare(struct vigil *v, const struct checkup *all, size_t n, bool every,
    struct arena *a, struct vigil_change **out)
{
    size_t found = 0;
    struct vigil_change *changes = arena_array(a, n + js_count(v->domains) + 1, sizeof *changes);
    for (size_t i = 0; i < n; i++) {
        look_at(v, &all[i], a, &changes[found]);
        found += is_news(&changes[found]);
    }
    if (every)
        found += forget_others(v, all, n, a, &changes[found]);
    *out = changes;
    return found;
}
