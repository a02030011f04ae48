/* What checks say about the DMARC record and where its reports go. Source: RFC 9989 s4.7-4.10, 9990 s4. */
#include "dns/audit/inside.h"
#include "dns/name.h"

/* Which record applies depends on a question that the DNS did not answer. */
static bool is_unknown(struct audit_case *c, const struct audit_check *k)
{
    if (!audit_dmarc_is_unknown(c))
        return false;
    audit_skip_failed(c, k, arena_printf(c->arena, "_dmarc.%s", c->path.broke_at), c->path.failure);
    return true;
}

bool audit_aligns(struct audit_case *c, const char *other, char mode, bool *failed)
{
    *failed = audit_dmarc_is_unknown(c) && strcmp(other, c->domain) != 0;
    return !*failed && dmarc_aligned(c->resolver, c->domain, other, mode, c->arena, failed);
}

struct said audit_alignment_unknown(const struct audit_case *c, const char *other)
{
    return SAY(c->arena, "dmarc.alignment_unknown",
        "the DNS does not tell whether {{name}} aligns with {{domain}}", {"name", other},
        {"domain", c->domain});
}

static size_t valid_records(struct audit_case *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->dmarc.answer.n; i++) {
        struct dmarc_record one;
        dmarc_parse(c->dmarc.answer.records[i].data, c->arena, &one);
        n += one.valid;
    }
    return n;
}

/* A text at the From domain's own name that wants to be a record and is none. */
static struct str broken_text(struct audit_case *c)
{
    for (size_t i = 0; i < c->dmarc.answer.n; i++) {
        struct dmarc_record one;
        struct str text = c->dmarc.answer.records[i].data;
        dmarc_parse(text, c->arena, &one);
        if (!one.valid && audit_is_meant_as_dmarc(text))
            return text;
    }
    return STR("");
}

static const char *record_name(struct audit_case *c, const char *domain)
{
    return arena_printf(c->arena, "_dmarc.%s", domain);
}

/* Behind a CNAME the record to change is its target's. */
static const char *place_of(struct audit_case *c, const char *domain)
{
    return strcmp(domain, c->domain) == 0 ? audit_place(&c->dmarc) : record_name(c, domain);
}

static struct audit_finding *add(struct audit_case *c, const struct audit_check *k,
    const char *domain, struct str text, const char *mark, struct said detail)
{
    struct audit_finding *f = audit_add(c, k, record_name(c, domain), detail);
    audit_evidence(c, f, text, str_of(mark));
    audit_publish(c, f, place_of(c, domain), "TXT", audit_wanted_dmarc(c, domain));
    return f;
}

void audit_publish_dmarc(struct audit_case *c, struct audit_finding *f)
{
    const char *domain = c->record->domain;
    audit_publish(c, f, place_of(c, domain), "TXT", audit_wanted_dmarc(c, domain));
}

/* About the record that applies. */
static struct audit_finding *add_for_record(
    struct audit_case *c, const struct audit_check *k, const char *mark, struct said detail)
{
    return add(c, k, c->record->domain, c->record->record.text, mark, detail);
}

/* ---- whether there is one -------------------------------------------------------------------- */

void check_dmarc_missing(struct audit_case *c, const struct audit_check *k)
{
    if (is_unknown(c, k) || c->record || valid_records(c) > 1 || broken_text(c).n > 0)
        return;
    add(c, k, c->domain, STR(""), "", audit_no_dmarc(c));
}

void check_dmarc_several(struct audit_case *c, const struct audit_check *k)
{
    size_t n = valid_records(c);
    if (audit_is_failure(c->dmarc.answer.status))
        audit_skip_failed(c, k, c->dmarc.name, c->dmarc.answer.status);
    else if (n > 1)
        add(c, k, c->domain, c->dmarc.answer.records[1].data, "",
            SAY(c->arena, "dmarc.several",
                "{{count}} DMARC records stand at one name: receivers discard all",
                {"count", arena_printf(c->arena, "%zu", n)}));
}

static bool policies_are_bad(const struct dmarc_record *r)
{
    return r->bad_p || r->bad_sp || r->bad_np || (r->p == DMARC_POLICY_ABSENT && !r->has_valid_rua);
}

void check_dmarc_syntax(struct audit_case *c, const struct audit_check *k)
{
    struct str broken = broken_text(c);
    if (broken.n > 0 && valid_records(c) == 0)
        add(c, k, c->domain, broken, "",
            SAID("dmarc.version",
                "the text must begin with v=DMARC1, in these letters, and nothing before it"));
    else if (is_unknown(c, k))
        return;
    if (!c->record || !policies_are_bad(&c->record->record))
        return;
    const struct dmarc_record *r = &c->record->record;
    const char *mark = r->bad_p ? "p=" : r->bad_sp ? "sp=" : r->bad_np ? "np=" : "";
    add_for_record(c, k, mark,
        mark[0]
            ? SAY(c->arena, "dmarc.bad_policy", "{{tag}} takes none, quarantine or reject",
                  {"tag", mark})
            : SAID("dmarc.no_policy",
                  "neither p= nor a rua= that is valid: receivers act as if it were not there"));
}

/* ---- what it says ---------------------------------------------------------------------------- */

void check_dmarc_ignored(struct audit_case *c, const struct audit_check *k)
{
    if (is_unknown(c, k) || !c->record)
        return;
    const struct dmarc_record *r = &c->record->record;
    if (r->notes_n > 0 && !r->bad_p && !r->bad_sp && !r->bad_np)
        add_for_record(c, k, "", r->notes[0]);
    else if (r->ruf.n == 0 && !str_is(r->fo, "0"))
        add_for_record(
            c, k, "fo=", SAID("dmarc.fo_alone", "fo= counts only beside ruf=, which is not there"))
            ->severity = AUDIT_NOTE;
}

void check_dmarc_none(struct audit_case *c, const struct audit_check *k)
{
    if (is_unknown(c, k) || !c->record || c->record->record.p > DMARC_NONE ||
        policies_are_bad(&c->record->record))
        return;
    struct audit_finding *f = add_for_record(c, k, "p=",
        SAID("dmarc.go_on_to_quarantine",
            "mail passes: ask receivers to quarantine what does not, and reject once reports are "
            "clean"));
    if (c->dmarc_verdict.result == DMARC_PASS)
        return;
    f->publish_n = 0;
    f->detail = SAID("dmarc.keep_none",
        "keep it until mail is known to pass: a stricter policy would hurt your own mail");
}

void check_dmarc_subdomain_none(struct audit_case *c, const struct audit_check *k)
{
    if (is_unknown(c, k) || !c->record || c->record->record.p <= DMARC_NONE)
        return;
    const struct dmarc_record *r = &c->record->record;
    if (r->sp == DMARC_NONE)
        add_for_record(
            c, k, "sp=", SAID("dmarc.subdomains", "anybody may use a subdomain in From"));
    else if (r->np == DMARC_NONE)
        add_for_record(c, k, "np=",
            SAID("dmarc.absent_subdomains",
                "anybody may use a subdomain that does not exist in From"));
}

void check_dmarc_test_mode(struct audit_case *c, const struct audit_check *k)
{
    if (is_unknown(c, k) || !c->record || !c->record->record.testing ||
        c->record->record.p <= DMARC_NONE)
        return;
    add_for_record(c, k,
        "t=", SAID("dmarc.testing", "t=y lowers reject to quarantine and quarantine to none"));
}

void check_dmarc_no_reports(struct audit_case *c, const struct audit_check *k)
{
    if (is_unknown(c, k) || !c->record || c->record->record.has_valid_rua)
        return;
    add_for_record(c, k, "rua=", SAID("dmarc.no_rua", "no rua= that is valid"));
}

static void check_size_limit(struct audit_case *c, const struct audit_check *k)
{
    const struct dmarc_record *r = &c->record->record;
    struct str rua = r->rua;
    bool in_rua = str_find_char(rua, '!', 0) < rua.n;
    if (in_rua || str_find_char(r->ruf, '!', 0) < r->ruf.n)
        add_for_record(c, k, in_rua ? "rua=" : "ruf=",
            SAID("dmarc.size_limit", "the size limit behind \"!\" is ignored"));
}

void check_dmarc_removed(struct audit_case *c, const struct audit_check *k)
{
    if (is_unknown(c, k) || !c->record)
        return;
    if (c->record->record.removed_n == 0) {
        check_size_limit(c, k);
        return;
    }
    const char *tag = c->record->record.removed[0];
    add_for_record(c, k, arena_printf(c->arena, "%s=", tag),
        str_is_nocase(str_of(tag), "pct")
            ? SAID("dmarc.pct",
                  "pct= is ignored: the policy counts for all mail; t=y is what lowers it")
            : SAY(c->arena, "dmarc.removed", "{{tag}}= is ignored", {"tag", tag}));
}

/* ---- the organizational domain --------------------------------------------------------------- */

/* The first of our identities that is above the From domain, "" = none. */
static const char *identity_above(const struct audit_case *c)
{
    for (size_t i = 0; !c->guessed && i < c->keys_n; i++) {
        const char *d = c->keys[i].key->domain;
        if (strcmp(d, c->domain) != 0 && name_is_at_or_below(c->domain, d))
            return d;
    }
    return strcmp(c->mail_from, c->domain) != 0 && name_is_at_or_below(c->domain, c->mail_from)
               ? c->mail_from
               : "";
}

void check_dmarc_org_record(struct audit_case *c, const struct audit_check *k)
{
    const char *above = identity_above(c);
    if (!above[0] || is_unknown(c, k) || !c->record || strcmp(c->path.org_domain, c->domain) != 0)
        return;
    struct audit_finding *f = audit_add(c, k, record_name(c, above),
        SAY(c->arena, "dmarc.no_org_record",
            "without a record at {{name}}, {{domain}} is an organization of its own, and {{above}} "
            "does not align with it",
            {"name", record_name(c, above)}, {"domain", c->domain}, {"above", above}));
    audit_publish(c, f, record_name(c, above), "TXT", audit_wanted_dmarc(c, above));
}

/* ---- reports to others ----------------------------------------------------------------------- */

static bool is_authorised(struct audit_case *c, const struct dns_answer *answer)
{
    for (size_t i = 0; i < answer->n; i++) {
        struct dmarc_record one;
        dmarc_parse(answer->records[i].data, c->arena, &one);
        if (one.valid)
            return true;
    }
    return false;
}

void check_dmarc_report_authorised(struct audit_case *c, const struct audit_check *k)
{
    if (is_unknown(c, k))
        return;
    for (size_t i = 0; i < c->reports_n; i++) {
        struct audit_report_target *t = &c->reports[i];
        const struct audit_question *q = &t->authorisation;
        if (t->unsure) {
            audit_skip_failed(c, k, t->unsure_name, t->failure);
        } else if (t->asked && audit_is_failure(q->answer.status)) {
            audit_skip_failed(c, k, q->name, q->answer.status);
        } else if (t->asked && !is_authorised(c, &q->answer)) {
            struct audit_finding *f = audit_add(c, k, q->name,
                SAY(c->arena, "dmarc.report_unauthorised",
                    "{{host}} has not said that it wants reports about {{domain}}",
                    {"host", t->host}, {"domain", t->policy_domain}));
            audit_evidence(c, f, c->record->record.text, t->uri);
            if (strlen(q->name) < NAME_SIZE)
                audit_publish(c, f, audit_place(q), "TXT", "v=DMARC1;");
        }
    }
}
