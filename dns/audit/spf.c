/* What checks say about the SPF record of the return path and the tree behind it. Source: RFC 7208. */
#include "dns/audit/inside.h"

/* The one record, readable; NULL: other checks speak of what is there instead. */
static const struct audit_spf_node *readable(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_spf_node *n = &c->spf[0];
    if (audit_is_failure(n->txt.answer.status))
        audit_skip_failed(c, k, n->domain, n->txt.answer.status);
    return n->records_n == 1 && n->record.valid ? n : NULL;
}

static void mark(struct audit_case *c, struct audit_finding *f, size_t at, size_t n)
{
    audit_evidence(c, f, c->spf[0].record.text, STR(""));
    f->mark_at = at;
    f->mark_n = n;
}

static struct audit_finding *add(
    struct audit_case *c, const struct audit_check *k, const struct spf_term *t, struct said detail)
{
    bool flattened = false;
    const char *wanted = audit_wanted_spf(c, &flattened);
    struct audit_finding *f = audit_add(c, k, c->mail_from,
        flattened
            ? said_make(c->arena, "spf.flattened",
                  "{{said}}. The record below copies addresses of others, who may change them: "
                  "compare it with theirs every month",
                  &detail, NULL)
            : detail);
    if (c->spf[0].records_n > 0)
        mark(c, f, t ? t->at : 0, t ? t->text.n : 0);
    audit_publish(c, f, audit_place(&c->spf[0].txt), "TXT", wanted);
    return f;
}

void check_spf_missing(struct audit_case *c, const struct audit_check *k)
{
    readable(c, k);
    const struct audit_spf_node *n = &c->spf[0];
    if (!audit_is_failure(n->txt.answer.status) && n->records_n == 0 && audit_spf_almost(c).n == 0)
        add(c, k, NULL,
            c->addresses_n > 0
                ? SAID(
                      "spf.missing", "the return path's domain has no text that begins with v=spf1")
                : SAID("spf.missing_without_addresses", "no text begins with v=spf1; name your "
                                                        "addresses with --ip, and the record to "
                                                        "publish covers them"));
}

void check_spf_several(struct audit_case *c, const struct audit_check *k)
{
    readable(c, k);
    if (c->spf[0].records_n > 1)
        add(c, k, NULL,
            SAY(c->arena, "spf.several", "{{count}} records begin with v=spf1: join them into one",
                {"count", arena_printf(c->arena, "%zu", c->spf[0].records_n)}));
}

static void almost(struct audit_case *c, const struct audit_check *k)
{
    struct str text = audit_spf_almost(c);
    struct audit_finding *f = add(c, k, NULL,
        SAID("spf.almost", "a record begins with v=spf1 and then a blank: no blank, quote or other "
                           "sign before or within these letters"));
    audit_evidence(c, f, text, STR(""));
}

void check_spf_syntax(struct audit_case *c, const struct audit_check *k)
{
    readable(c, k);
    const struct audit_spf_node *n = &c->spf[0];
    if (audit_spf_almost(c).n > 0)
        almost(c, k);
    if (n->records_n == 0 || n->record.valid)
        return;
    struct audit_finding *f = add(c, k, NULL, n->record.fault.why);
    size_t end = (size_t)(n->record.fault.text.p - n->record.text.p) + n->record.fault.text.n;
    f->mark_at = n->record.fault.at < end ? n->record.fault.at : end - 1;
    f->mark_n = end - f->mark_at;
}

/* ---- limits ---------------------------------------------------------------------------------- */

bool audit_spf_tree_is_known(struct audit_case *c, const struct audit_check *k)
{
    for (size_t i = 0; i < c->spf_n; i++) {
        if (!audit_is_failure(c->spf[i].txt.answer.status))
            continue;
        audit_skip_failed(c, k, c->spf[i].domain, c->spf[i].txt.answer.status);
        return false;
    }
    return true;
}

/* The term that asks most. */
static const struct spf_term *dearest_term(const struct audit_case *c)
{
    const struct spf_record *r = &c->spf[0].record;
    const struct spf_term *found = NULL;
    size_t most = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct audit_spf_node *next = audit_spf_target(c, &r->terms[i]);
        size_t n = next ? audit_spf_lookups(c, next) + 1 : 0;
        if (n <= most)
            continue;
        most = n;
        found = &r->terms[i];
    }
    return found;
}

static struct said too_many_lookups(const struct audit_case *c, size_t n, bool marked)
{
    const char *terms = arena_printf(c->arena, "%zu", n);
    if (n >= AUDIT_SPF_ENDLESS)
        return SAID("spf.loop", "the includes lead back to themselves");
    if (!marked)
        return SAY(
            c->arena, "spf.lookups", "{{terms}} terms ask the DNS, 10 may", {"terms", terms});
    return SAY(c->arena, "spf.lookups_marked",
        "{{terms}} terms ask the DNS, 10 may; the marked one asks most", {"terms", terms});
}

void check_spf_lookups(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_spf_node *n = readable(c, k);
    size_t lookups = n ? audit_spf_lookups(c, n) : 0;
    if (!n)
        return;
    if (lookups > AUDIT_SPF_LOOKUPS) {
        const struct spf_term *t = dearest_term(c);
        add(c, k, t, too_many_lookups(c, lookups, t != NULL));
    } else {
        audit_spf_tree_is_known(c, k);
    }
}

/* The first a or mx term of this record that finds nothing, and how many do. */
static const struct spf_term *void_terms(
    const struct audit_case *c, const struct audit_spf_node *node, size_t *n)
{
    const struct spf_record *r = &node->record;
    const struct spf_term *first = NULL;
    for (size_t i = 0; i < r->n; i++) {
        const struct audit_spf_host *h = audit_spf_host_of(c, node, &r->terms[i]);
        if (!h || !audit_spf_host_is_void(h))
            continue;
        (*n)++;
        first = first ? first : &r->terms[i];
    }
    return first;
}

static unsigned most_voids(const struct audit_case *c)
{
    unsigned most = c->stranger.spf.void_lookups;
    for (size_t i = 0; i < c->addresses_n; i++)
        if (c->addresses[i].spf.void_lookups > most)
            most = c->addresses[i].spf.void_lookups;
    return most;
}

void check_spf_voids(struct audit_case *c, const struct audit_check *k)
{
    size_t own = 0, others = 0;
    if (!readable(c, k))
        return;
    if (most_voids(c) <= AUDIT_SPF_VOIDS) {
        audit_spf_tree_is_known(c, k);
        return;
    }
    const struct spf_term *t = void_terms(c, &c->spf[0], &own);
    for (size_t i = 1; i < c->spf_n; i++)
        void_terms(c, &c->spf[i], &others);
    struct audit_finding *f = add(c, k, t,
        t ? SAID("spf.voids", "more than two terms find nothing in the DNS; the first is marked")
          : SAID("spf.voids_behind_includes",
                "more than two terms find nothing in the DNS, behind the includes"));
    if (own == 0 || others > AUDIT_SPF_VOIDS)
        f->publish_n = 0; /* leaving out what is ours would not be enough */
}

/* ---- what it lets through -------------------------------------------------------------------- */

/* By another term than the record's own all: which part of it is meant, only its owner knows. */
static bool stranger_passes(const struct audit_case *c, const struct spf_term *all)
{
    const struct spf_verdict *v = &c->stranger.spf;
    return v->result == SPF_PASS &&
           !(all && strcmp(v->domain, c->mail_from) == 0 && str_is(all->text, v->mechanism));
}

void check_spf_permissive(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_spf_node *n = readable(c, k);
    const struct spf_term *all = n ? n->record.all : NULL;
    if (!n)
        return;
    if (stranger_passes(c, all))
        add(c, k, NULL,
            SAY(c->arena, "spf.stranger_passes",
                "an address that nobody has passes, by {{term}} of {{domain}}",
                {"term", c->stranger.spf.mechanism}, {"domain", c->stranger.spf.domain}))
            ->publish_n = 0;
    else if (all && all->qualifier == '+')
        add(c, k, all,
            SAID("spf.plus_all", "+all lets everybody in the world send for this domain"));
    else if (all && all->qualifier == '?')
        add(c, k, all, SAID("spf.neutral_all", "?all says nothing about anybody: say ~all or -all"))
            ->severity = AUDIT_WARNING;
}

void check_spf_no_all(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_spf_node *n = readable(c, k);
    if (n && !n->record.all && !n->record.redirect)
        add(c, k, NULL,
            SAID("spf.no_all",
                "the record ends without all or redirect: everybody else is \"neutral\""));
}

void check_spf_ptr(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_spf_node *n = readable(c, k);
    for (size_t i = 0; n && i < n->record.n; i++)
        if (n->record.terms[i].kind == SPF_PTR) {
            add(c, k, &n->record.terms[i], SAID("spf.ptr", "name the addresses instead"));
            return;
        }
}

void check_spf_include_dead(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_spf_node *n = readable(c, k);
    if (!n || !audit_spf_tree_is_known(c, k))
        return;
    for (size_t i = 0; i < n->record.n; i++) {
        const struct spf_term *t = &n->record.terms[i];
        struct said dead = audit_spf_counts(&n->record, t) ? audit_spf_dead(c, t) : SAID_NOTHING;
        if (!said_is_nothing(&dead))
            add(c, k, t, dead);
    }
    for (size_t i = 1; i < c->spf_n; i++)
        for (size_t j = 0; j < c->spf[i].record.n; j++) {
            const struct spf_term *t = &c->spf[i].record.terms[j];
            struct said dead =
                audit_spf_counts(&c->spf[i].record, t) ? audit_spf_dead(c, t) : SAID_NOTHING;
            if (said_is_nothing(&dead))
                continue;
            struct audit_finding *f = audit_add(c, k, c->spf[i].domain,
                SAY_AROUND(c->arena, dead, "spf.dead_elsewhere",
                    "{{said}}; only the owner of {{domain}} can mend it",
                    {"domain", c->spf[i].domain}));
            audit_evidence(c, f, c->spf[i].record.text, t->text);
        }
}

/* ---- waste ----------------------------------------------------------------------------------- */

static bool is_same_term(const struct spf_term *a, const struct spf_term *b)
{
    struct str x = a->text, y = b->text;
    if (str_starts(x, STR("+")))
        x = str_slice(x, 1, x.n);
    if (str_starts(y, STR("+")))
        y = str_slice(y, 1, y.n);
    return str_eq_nocase(x, y);
}

void check_spf_duplicate(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_spf_node *n = readable(c, k);
    for (size_t i = 0; n && i < n->record.n; i++) {
        const struct spf_term *t = &n->record.terms[i];
        for (size_t j = 0; j < i; j++)
            if (is_same_term(&n->record.terms[j], t)) {
                add(c, k, t, SAID("spf.duplicate", "the same term stands before it"));
                return;
            }
        if (audit_spf_counts(&n->record, t) && audit_spf_is_in_another(c, &n->record, t)) {
            add(c, k, t,
                SAID("spf.included_twice",
                    "another include of this record includes it already: it is asked twice"));
            return;
        }
    }
}

void check_spf_after_all(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_spf_node *n = readable(c, k);
    for (size_t i = 0; n && i < n->record.n; i++) {
        const struct spf_term *t = &n->record.terms[i];
        if (audit_spf_counts(&n->record, t))
            continue;
        add(c, k, t, SAID("spf.after_all", "all matches everybody: nothing after it is looked at"));
        return;
    }
}

/* ---- our addresses --------------------------------------------------------------------------- */

/* Whatever gives permerror has a finding of its own, but for what hides behind macros. */
static bool has_spf_error(const struct audit_case *c)
{
    for (size_t i = 0; i < c->findings_n; i++)
        if (c->findings[i].severity == AUDIT_ERROR &&
            str_starts(str_of(c->findings[i].code), STR("SPF-")) &&
            strcmp(c->findings[i].code, "SPF-ADDRESS-NOT-COVERED") != 0)
            return true;
    return false;
}

void check_spf_address(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_spf_node *n = readable(c, k);
    if (c->addresses_n == 0)
        audit_skip(c, k, audit_no_addresses(c));
    for (size_t i = 0; n && i < c->addresses_n; i++) {
        const struct audit_address *a = &c->addresses[i];
        if (a->spf.result == SPF_TEMPERROR) {
            audit_skip_spf(c, k, c->mail_from, &a->spf);
        } else if (a->spf.result == SPF_FAIL || a->spf.result == SPF_SOFTFAIL ||
                   a->spf.result == SPF_NEUTRAL ||
                   (a->spf.result == SPF_PERMERROR && !has_spf_error(c))) {
            bool broken = a->spf.result == SPF_PERMERROR;
            struct audit_finding *f = add(c, k, n->record.all,
                broken ? SAY(c->arena, "spf.address_permerror",
                             "mail from {{address}} gets permerror: {{problem}}",
                             {"address", a->text}, {"problem", a->spf.problem})
                       : SAY(c->arena, "spf.address",
                             "mail from {{address}} gets {{result}}, by {{term}} of {{domain}}",
                             {"address", a->text}, {"result", spf_result_name(a->spf.result)},
                             {"term", a->spf.mechanism}, {"domain", a->spf.domain}));
            f->name = a->text;
            if (broken)
                f->publish_n = 0;
        }
    }
}
