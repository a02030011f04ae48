#include "dns/audit/inside.h"
#include "dns/name.h"

#include <stdlib.h>

#define LIMIT_MS 60000

const char *audit_severity_name(enum audit_severity s)
{
    static const char *const names[] = {
        [AUDIT_ERROR] = "error", [AUDIT_WARNING] = "warning", [AUDIT_NOTE] = "note"};
    return names[s];
}

const char *audit_verdict_name(enum audit_verdict v)
{
    static const char *const names[] = {
        [AUDIT_PASS] = "pass", [AUDIT_FAIL] = "fail", [AUDIT_UNKNOWN] = "unknown"};
    return names[v];
}

const char *audit_answer_name(enum audit_answer r)
{
    static const char *const names[] = {[AUDIT_RULE_PASS] = "pass",
        [AUDIT_RULE_FAIL] = "fail",
        [AUDIT_RULE_NOT_CHECKABLE] = "not-checkable"};
    return names[r];
}

/* ---- findings and gaps ----------------------------------------------------------------------- */

/* Room for one more in an array that grows by doubling; the old one stays in the arena. */
static void *grow(struct arena *a, void *items, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return items;
    *room = *room ? *room * 2 : 16;
    void *more = arena_array(a, *room, size);
    if (n > 0)
        memcpy(more, items, n * size);
    return more;
}

struct audit_finding *audit_add(
    struct audit_case *c, const struct audit_check *k, const char *name, struct said detail)
{
    c->findings =
        grow(c->arena, c->findings, c->findings_n, &c->findings_room, sizeof *c->findings);
    struct audit_finding *f = &c->findings[c->findings_n++];
    *f = (struct audit_finding){
        .code = k->code,
        .severity = k->severity,
        .title = k->title,
        .why = k->why,
        .name = arena_text(c->arena, str_of(name)),
        .detail = said_copy(c->arena, detail),
        .evidence = "",
    };
    return f;
}

/* A tag's name is looked for where a tag begins: "p=" is not the end of "sp=". */
static size_t find_mark(struct str text, struct str mark)
{
    for (size_t at = 0; (at = str_find(text, mark, at)) < text.n; at++)
        if (at == 0 || strchr("; \t,=", text.p[at - 1]))
            return at;
    return text.n;
}

/* To the end of its tag or term. */
static size_t mark_length(struct str text, size_t at, struct str mark)
{
    bool is_tag = mark.p[mark.n - 1] == '=';
    return is_tag ? str_trim(str_slice(text, at, str_find_char(text, ';', at))).n : mark.n;
}

void audit_evidence(struct audit_case *c, struct audit_finding *f, struct str text, struct str mark)
{
    char *shown = arena_text(c->arena, text);
    for (size_t i = 0; i < text.n; i++)
        if (!shown[i]) /* a NUL would end it before its mark */
            shown[i] = '?';
    f->evidence = shown;
    size_t at = mark.n > 0 ? find_mark(text, mark) : text.n;
    if (at >= text.n)
        return;
    f->mark_at = at;
    f->mark_n = mark_length(text, at, mark);
}

static struct audit_gap *gap_for(struct audit_case *c, struct said reason)
{
    for (size_t i = 0; i < c->gaps_n; i++)
        if (strcmp(c->gaps[i].reason.text, reason.text) == 0)
            return &c->gaps[i];
    c->gaps = grow(c->arena, c->gaps, c->gaps_n, &c->gaps_room, sizeof *c->gaps);
    struct audit_gap *g = &c->gaps[c->gaps_n++];
    *g = (struct audit_gap){.reason = said_copy(c->arena, reason),
        .codes = arena_array(c->arena, audit_checks_n, sizeof(char *))};
    return g;
}

void audit_skip(struct audit_case *c, const struct audit_check *k, struct said reason)
{
    struct audit_gap *g = gap_for(c, reason);
    const char **codes = (const char **)g->codes; /* ours until the report is done */
    for (size_t i = 0; i < g->codes_n; i++)
        if (codes[i] == k->code)
            return;
    codes[g->codes_n++] = k->code;
}

void audit_skip_failed(
    struct audit_case *c, const struct audit_check *k, const char *name, enum dns_status status)
{
    audit_skip_unanswered(c, k, dns_no_answer(c->arena, name, status));
}

void audit_skip_spf(struct audit_case *c, const struct audit_check *k, const char *domain,
    const struct spf_verdict *v)
{
    audit_skip_unanswered(c, k,
        SAY(c->arena, "spf.temperror", "SPF of {{domain}} could not be evaluated: {{problem}}",
            {"domain", domain}, {"problem", v->problem}));
}

void audit_skip_unanswered(struct audit_case *c, const struct audit_check *k, struct said reason)
{
    audit_skip(c, k, reason);
    gap_for(c, reason)->dns_failed = true;
}

/* ---- will it pass? --------------------------------------------------------------------------- */

static const char *key_result(const struct audit_key_fact *k)
{
    return k->usable ? "pass" : k->record.status == DKIM_RECORD_TEMPERROR ? "temperror" : "fail";
}

/* What the walk did not learn, a second one would only wait for again. */
static void take_unknown(struct audit_case *c)
{
    c->dmarc_verdict = (struct dmarc_verdict){.result = DMARC_TEMPERROR,
        .why = dns_no_answer(
            c->arena, arena_printf(c->arena, "_dmarc.%s", c->path.broke_at), c->path.failure)};
}

static void check_dmarc(struct audit_case *c)
{
    if (audit_dmarc_is_unknown(c)) {
        take_unknown(c);
        return;
    }
    struct dmarc_identity *dkim = arena_array(c->arena, c->keys_n + 1, sizeof *dkim);
    struct dmarc_identity spf = {c->mail_from, c->spf_result};
    size_t n = c->guessed ? 0 : c->keys_n;
    for (size_t i = 0; i < n; i++)
        dkim[i] = (struct dmarc_identity){c->keys[i].key->domain, key_result(&c->keys[i])};
    dmarc_check(c->resolver, c->domain, c->spf_result[0] ? &spf : NULL, dkim, n, c->arena,
        &c->dmarc_verdict);
}

struct said audit_no_dmarc(const struct audit_case *c)
{
    return SAY(c->arena, "dmarc.missing", "no DMARC record at _dmarc.{{domain}} or above",
        {"domain", c->domain});
}

static void conclude(struct audit_report *out, enum audit_verdict v, struct said sentence)
{
    out->verdict = v;
    out->sentence = sentence;
}

/* The first finding about the keys says best why no signature passes. */
static struct said why_it_fails(const struct audit_case *c)
{
    for (size_t i = 0; i < c->findings_n; i++)
        if (c->findings[i].severity == AUDIT_ERROR &&
            str_starts(str_of(c->findings[i].code), STR("DKIM"))) {
            struct said title = {.key = arena_printf(c->arena, "%s.title", c->findings[i].code),
                .text = c->findings[i].title};
            return SAY_AROUND(c->arena, title, "verdict.finding", "{{said}} ({{name}})",
                {"name", c->findings[i].name});
        }
    return c->dmarc_verdict.why;
}

bool audit_spf_may_carry(struct audit_case *c)
{
    bool failed;
    return !c->spf_result[0] && !c->setup->smart_host && !audit_is_bogus(c, c->mail_from) &&
           (c->spf[0].records_n == 1 || audit_is_failure(c->spf[0].txt.answer.status)) &&
           (audit_aligns(c, c->mail_from, c->record ? c->record->record.aspf : 'r', &failed) ||
               failed);
}

static void decide_failure(struct audit_case *c, struct audit_report *out)
{
    if (!c->guessed) {
        struct said why = why_it_fails(c);
        conclude(out, audit_spf_may_carry(c) ? AUDIT_UNKNOWN : AUDIT_FAIL,
            c->spf_result[0] ? why
                             : said_make(c->arena, "verdict.spf_not_checked",
                                   "{{said}}; SPF was not checked", &why, NULL));
    } else if (c->keys_n > 0) {
        conclude(out, AUDIT_UNKNOWN,
            SAY(c->arena, "verdict.key_guessed",
                "a DKIM key stands at {{name}}, but the DNS does not show whether mail is signed "
                "with it: name the selector with --selector",
                {"name", c->keys[0].name}));
    } else {
        conclude(out, AUDIT_UNKNOWN,
            SAID("verdict.nothing_known",
                "no DKIM selector is known and SPF does not carry it: name them with --selector "
                "and --ip"));
    }
}

static void decide(struct audit_case *c, struct audit_report *out)
{
    const struct dmarc_verdict *v = &c->dmarc_verdict;
    bool no_record = v->result == DMARC_TEMPERROR && !c->record && !audit_dmarc_is_unknown(c);
    struct said why = SAID_NOTHING;
    enum audit_verdict validated = audit_after_validation(c, &why);
    if (v->result == DMARC_NO_RECORD || v->result == DMARC_PERMERROR)
        conclude(out, AUDIT_FAIL, v->why);
    else if (no_record)
        conclude(out, AUDIT_FAIL, audit_no_dmarc(c));
    else if (validated != AUDIT_PASS)
        conclude(out, validated, why);
    else if (v->result == DMARC_FAIL)
        decide_failure(c, out);
    else
        conclude(out, v->result == DMARC_PASS ? AUDIT_PASS : AUDIT_UNKNOWN, v->why);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static size_t row_of(const char *code)
{
    size_t i = 0;
    while (i < audit_checks_n && audit_checks[i].code != code)
        i++;
    return i;
}

/* The worst first, then the table's order, then as found. */
static int compare_findings(const void *a, const void *b)
{
    const struct audit_finding *x = a, *y = b;
    if (x->severity != y->severity)
        return x->severity < y->severity ? -1 : 1;
    size_t i = row_of(x->code), j = row_of(y->code);
    return i != j ? (i < j ? -1 : 1) : strcmp(x->name, y->name);
}

static bool hides_errors(const struct audit_gap *g)
{
    for (size_t i = 0; i < g->codes_n; i++)
        if (audit_checks[row_of(g->codes[i])].severity == AUDIT_ERROR)
            return true;
    return false;
}

static void judge(struct audit_case *c, struct audit_report *out)
{
    check_dmarc(c);
    for (size_t i = 0; i < audit_checks_n; i++)
        audit_checks[i].run(c, &audit_checks[i]);
    if (c->findings_n > 0)
        qsort(c->findings, c->findings_n, sizeof *c->findings, compare_findings);
    decide(c, out);
    audit_judge_providers(c, out);
    audit_report_dnssec(c, &out->dnssec);
    out->findings = c->findings;
    out->findings_n = c->findings_n;
    out->gaps = c->gaps;
    out->gaps_n = c->gaps_n;
    for (size_t i = 0; i < c->findings_n; i++)
        out->errors += c->findings[i].severity == AUDIT_ERROR;
    for (size_t i = 0; i < c->gaps_n; i++)
        out->unsure = out->unsure || (c->gaps[i].dns_failed && hides_errors(&c->gaps[i]));
}

void audit_run(const struct audit_setup *s, struct arena *a, struct audit_report *out)
{
    int64_t limit_ms = s->limit_ms > 0 ? s->limit_ms : LIMIT_MS;
    AUTO(crew_close)
    struct crew *crew = crew_open(s->resolver, clock_steady_ns() + limit_ms * 1000000, s->over);
    struct audit_case *c = ARENA_NEW(a, struct audit_case);
    c->setup = s;
    c->arena = a;
    c->crew = crew;
    c->resolver = crew_resolver(crew);
    c->domain = s->domain;
    c->mail_from_assumed = !s->mail_from[0] || strcmp(s->mail_from, s->domain) == 0;
    c->mail_from = c->mail_from_assumed ? s->domain : s->mail_from;
    *out = (struct audit_report){.domain = s->domain};
    audit_gather(c);
    judge(c, out);
}
