/* Is what the domain publishes signed, and do validating receivers get to see it?
 * With trust anchors each record is validated here; without, the resolver's AD bit counts, if it sets it for the root
 * at all, and a SERVFAIL that goes away when it is asked not to validate. One task, beside those that evaluate SPF.
 * Source: RFC 4035 s3.2, s5; RFC 7672 s2.2. */
#include "dns/audit/inside.h"

#include <stdlib.h>

#define SOON_MS (3 * 86400000LL)
#define SOON_SHARE 5 /* of the time that a signature holds: some zones are signed anew every day */
#define HOUR_MS 3600000
#define KEYS_MAX 8
#define CD_WAIT_MS 5000

/* ---- facts ----------------------------------------------------------------------------------- */

void audit_find_validating(struct crew_member *m, void *subject)
{
    struct audit_case *c = subject;
    c->dnssec.in_zone_file = resolver_has_zone(m->resolver, c->domain);
    c->dnssec.resolver_validates =
        !c->setup->anchors && !c->dnssec.in_zone_file && resolver_validates(m->resolver);
}

/* Who says what of a name. */
struct witness {
    struct audit_case *c;
    struct crew_member *member;
    struct dnssec *dnssec; /* NULL: the resolver's word is taken */
};

/* Whether the resolver has an answer for whoever does not want it validated. */
static bool answers_unchecked(struct crew_member *m, const char *name, enum dns_type type)
{
    struct str packet;
    int64_t until = clock_steady_ns() + CD_WAIT_MS * 1000000LL;
    return resolver_ask_signed(m->resolver, name, type, until, m->arena, &packet) == DNS_FOUND;
}

/* Once more, past what is remembered of a failure that may have been over in a moment. */
static void ask_again(
    struct crew_member *m, const char *name, enum dns_type type, struct dns_answer *out)
{
    if (out->canonical[0])
        resolver_forget(m->resolver, out->canonical);
    resolver_forget(m->resolver, name);
    resolver_ask(m->resolver, name, type, m->arena, out);
}

static void take_word(
    const struct witness *w, const char *name, enum dns_type type, struct dnssec_verdict *out)
{
    struct arena *a = w->member->arena;
    struct dns_answer answer;
    resolver_ask(w->member->resolver, name, type, a, &answer);
    bool unchecked = answer.status == DNS_SERVFAIL && answers_unchecked(w->member, name, type);
    if (unchecked)
        ask_again(w->member, name, type, &answer);
    *out = (struct dnssec_verdict){.answer = answer.status, .reason = SAID_NOTHING, .at = name};
    if (unchecked && answer.status == DNS_SERVFAIL) {
        out->status = DNSSEC_BOGUS;
        out->reason = SAY(a, "dnssec.refused",
            "the resolver refuses to answer for {{name}}, but not when it is asked not to validate",
            {"name", name});
    } else if (audit_is_failure(answer.status)) {
        out->status = DNSSEC_INDETERMINATE;
        out->reason = dns_no_answer(a, name, answer.status);
    } else if (!answer.secure) {
        out->status = DNSSEC_INSECURE;
        out->reason = SAY(a, "dnssec.not_signed",
            "the answer for {{name}} is not signed, says the resolver", {"name", name});
    }
}

static void judge(const struct witness *w, const char *name, enum dns_type type)
{
    struct audit_dnssec_facts *d = &w->c->dnssec;
    if (d->names_n == AUDIT_MAX_DNSSEC_NAMES || resolver_has_zone(w->member->resolver, name))
        return;
    struct audit_dnssec_name *n = &d->names[d->names_n++];
    *n = (struct audit_dnssec_name){.name = name, .type = type};
    if (w->dnssec)
        dnssec_check(w->dnssec, name, type, w->member->arena, &n->verdict);
    else
        take_word(w, name, type, &n->verdict);
}

/* Whose DMARC record applies, or would if it could be read. */
static const char *dmarc_place(const struct audit_case *c)
{
    return c->record ? c->record->domain : audit_dmarc_is_unknown(c) ? c->path.broke_at : c->domain;
}

static void judge_all(const struct witness *w)
{
    const struct audit_case *c = w->c;
    judge(w, c->domain, DNS_MX);
    judge(w, c->domain, DNS_TXT);
    judge(w, c->dmarc.name, DNS_TXT);
    w->c->dnssec.own_n = c->dnssec.names_n;
    if (strcmp(dmarc_place(c), c->domain) != 0)
        judge(w, arena_printf(w->member->arena, "_dmarc.%s", dmarc_place(c)), DNS_TXT);
    for (size_t i = 0; i < c->keys_n && i < KEYS_MAX; i++)
        judge(w, c->keys[i].name, DNS_TXT);
    if (!c->mail_from_assumed) {
        judge(w, c->mail_from, DNS_TXT);
        judge(w, c->mail_from, DNS_MX);
    }
    for (size_t i = 0; i < c->around.dane_n; i++)
        if (c->around.dane[i].dane.n > 0) {
            judge(w, c->around.dane[i].dane.name, DNS_TLSA);
            judge(w, c->around.dane[i].host, DNS_A);
            judge(w, c->around.dane[i].host, DNS_AAAA);
        }
}

void audit_find_dnssec(struct crew_member *m, void *subject)
{
    struct audit_case *c = subject;
    struct witness w = {.c = c, .member = m};
    AUTO(dnssec_close) struct dnssec *d = NULL;
    if (c->dnssec.in_zone_file || (!c->setup->anchors && !c->dnssec.resolver_validates))
        return;
    struct dnssec_setup setup = {.anchors = c->setup->anchors,
        .source = dnssec_source_of(m->resolver),
        .clock = c->setup->clock};
    w.dnssec = d = c->setup->anchors ? dnssec_open(&setup) : NULL;
    judge_all(&w);
}

/* ---- the report's part ----------------------------------------------------------------------- */

static const struct dnssec_zone *copy_chain(struct arena *a, const struct dnssec_verdict *v)
{
    struct dnssec_zone *all = arena_array(a, v->chain_n + 1, sizeof *all);
    for (size_t i = 0; i < v->chain_n; i++) {
        all[i] = v->chain[i];
        all[i].name = arena_text(a, str_of(all[i].name));
        all[i].algorithms = arena_text(a, str_of(all[i].algorithms));
        all[i].ends_what = arena_text(a, str_of(all[i].ends_what));
        all[i].why = said_copy(a, all[i].why);
    }
    return all;
}

const char *audit_dnssec_name(const struct audit_dnssec *d)
{
    return d->checked ? dnssec_status_name(d->status) : "not-checked";
}

void audit_report_dnssec(struct audit_case *c, struct audit_dnssec *out)
{
    const struct audit_dnssec_name *worst = NULL;
    *out = (struct audit_dnssec){.reason = SAID_NOTHING};
    for (size_t i = 0; i < c->dnssec.own_n; i++)
        if (!worst || c->dnssec.names[i].verdict.status > worst->verdict.status)
            worst = &c->dnssec.names[i];
    if (!worst) {
        out->reason =
            c->dnssec.in_zone_file
                ? SAID("dnssec.from_file", "the records come from a zone file, not from the DNS")
                : SAID("dnssec.blind",
                      "the resolver does not validate, or is not on this machine: check-dns "
                      "--dnssec validates by itself");
        return;
    }
    out->checked = true;
    out->status = worst->verdict.status;
    out->reason = said_copy(c->arena, worst->verdict.reason);
    out->chain = copy_chain(c->arena, &worst->verdict);
    out->chain_n = worst->verdict.chain_n;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static bool is_checked(struct audit_case *c, const struct audit_check *k)
{
    if (c->dnssec.own_n == 0 && !c->dnssec.in_zone_file) {
        struct audit_dnssec d;
        audit_report_dnssec(c, &d);
        audit_skip(c, k, d.reason);
    }
    return c->dnssec.own_n > 0;
}

static bool has_finding(const struct audit_case *c, const char *code, const char *name)
{
    for (size_t i = 0; i < c->findings_n; i++)
        if (strcmp(c->findings[i].code, code) == 0 && strcmp(c->findings[i].name, name) == 0)
            return true;
    return false;
}

void check_dnssec_bogus(struct audit_case *c, const struct audit_check *k)
{
    if (!is_checked(c, k))
        return;
    for (size_t i = 0; i < c->dnssec.names_n; i++) {
        const struct dnssec_verdict *v = &c->dnssec.names[i].verdict;
        if (v->status == DNSSEC_INDETERMINATE)
            audit_skip_unanswered(c, k, v->reason);
        else if (v->status == DNSSEC_BOGUS && !has_finding(c, k->code, v->at))
            audit_add(c, k, v->at, v->reason);
    }
}

/* The zone that a name lies in, where it is known. */
static const struct dnssec_zone *zone_of(const struct audit_dnssec_name *n)
{
    return n->verdict.chain_n > 0 ? &n->verdict.chain[n->verdict.chain_n - 1] : NULL;
}

void check_dnssec_unsigned(struct audit_case *c, const struct audit_check *k)
{
    if (!is_checked(c, k))
        return;
    for (size_t i = 0; i < c->dnssec.own_n; i++) {
        const struct dnssec_verdict *v = &c->dnssec.names[i].verdict;
        const struct dnssec_zone *z = zone_of(&c->dnssec.names[i]);
        if (v->status != DNSSEC_INSECURE || (z && z->old_algorithm))
            continue;
        audit_add(c, k, c->domain, v->reason);
        return;
    }
}

/* A zone that is signed anew every day is not about to end; a month's signature with two days left is. */
static bool ends_soon(const struct dnssec_zone *z, int64_t now_ms)
{
    int64_t left = z->ends_ms - now_ms, share = (z->ends_ms - z->starts_ms) / SOON_SHARE;
    return z->status == DNSSEC_SECURE && z->ends_ms > 0 && left < SOON_MS && left < share;
}

void check_dnssec_expiring(struct audit_case *c, const struct audit_check *k)
{
    int64_t now = clock_now_ms(c->setup->clock);
    if (!is_checked(c, k))
        return;
    if (!c->setup->anchors) {
        audit_skip(c, k,
            SAID("dnssec.no_dates",
                "the resolver validates, but does not tell until when signatures hold: "
                "check-dns --dnssec does"));
        return;
    }
    for (size_t i = 0; i < c->dnssec.names_n; i++) {
        const struct dnssec_zone *z = zone_of(&c->dnssec.names[i]);
        char when[CLOCK_RFC3339_SIZE];
        if (!z || !ends_soon(z, now) || has_finding(c, k->code, z->name))
            continue;
        clock_rfc3339(z->ends_ms, when);
        const char *hours =
            arena_printf(c->arena, "%lld", (long long)((z->ends_ms - now) / HOUR_MS));
        audit_add(c, k, z->name,
            SAY(c->arena, "dnssec.ends_soon",
                "the signature of {{what}} ends {{when}}, in {{hours}} hours: see why the zone was "
                "not signed anew",
                {"what", z->ends_what}, {"when", when}, {"hours", hours}));
    }
}

void check_dnssec_algorithm(struct audit_case *c, const struct audit_check *k)
{
    if (!is_checked(c, k))
        return;
    if (!c->setup->anchors) {
        audit_skip(c, k,
            SAID("dnssec.no_algorithms",
                "the resolver does not tell how zones are signed: check-dns --dnssec does"));
        return;
    }
    for (size_t i = 0; i < c->dnssec.names_n; i++) {
        const struct dnssec_zone *z = zone_of(&c->dnssec.names[i]);
        if (!z || !z->old_algorithm || has_finding(c, k->code, z->name))
            continue;
        audit_add(c, k, z->name,
            z->status == DNSSEC_SECURE
                ? SAID("dnssec.old_digest",
                      "its DS record has a SHA-1 digest alone: publish one of type 2 (SHA-256)")
                : z->why);
    }
}

/* ---- what it does to the verdict ------------------------------------------------------------- */

static const struct dnssec_verdict *verdict_of(
    const struct audit_case *c, const char *name, enum dns_type type)
{
    for (size_t i = 0; i < c->dnssec.names_n; i++)
        if (c->dnssec.names[i].type == type && strcmp(c->dnssec.names[i].name, name) == 0)
            return &c->dnssec.names[i].verdict;
    return NULL;
}

bool audit_is_bogus(const struct audit_case *c, const char *name)
{
    const struct dnssec_verdict *v = verdict_of(c, name, DNS_TXT);
    return v && v->status == DNSSEC_BOGUS;
}

static struct said unreadable(const struct audit_case *c, const char *name)
{
    return SAY_AROUND(c->arena, verdict_of(c, name, DNS_TXT)->reason, "verdict.bogus",
        "receivers that validate DNSSEC cannot read {{name}}: {{said}}", {"name", name});
}

struct carriers {       /* identities that align, and pass or may */
    size_t sound, open; /* it passes; the DNS did not say */
    const char *bogus;  /* the record of the first that cannot be read; NULL: all can be */
};

static void weigh(struct audit_case *c, const char *record, const char *domain, char mode,
    bool passes, struct carriers *all)
{
    bool failed;
    bool aligns = audit_aligns(c, domain, mode, &failed);
    if (!aligns && !failed)
        return;
    if (audit_is_bogus(c, record))
        all->bogus = all->bogus ? all->bogus : record;
    else if (passes && aligns)
        all->sound++;
    else
        all->open++;
}

static void weigh_all(struct audit_case *c, struct carriers *all)
{
    const struct dmarc_record *r = c->record ? &c->record->record : NULL;
    bool spf_passes = strcmp(c->spf_result, "pass") == 0;
    for (size_t i = 0; i < c->keys_n && !c->guessed; i++)
        if (c->keys[i].usable || c->keys[i].record.status == DKIM_RECORD_TEMPERROR)
            weigh(c, c->keys[i].name, c->keys[i].key->domain, r ? r->adkim : 'r', c->keys[i].usable,
                all);
    if (spf_passes || strcmp(c->spf_result, "temperror") == 0)
        weigh(c, c->mail_from, c->mail_from, r ? r->aspf : 'r', spf_passes, all);
}

enum audit_verdict audit_after_validation(struct audit_case *c, struct said *why)
{
    struct carriers all = {0};
    const char *applies = arena_printf(c->arena, "_dmarc.%s", dmarc_place(c));
    enum dmarc_result r = c->dmarc_verdict.result;
    if (r == DMARC_NO_RECORD || r == DMARC_PERMERROR)
        return AUDIT_PASS;
    if (audit_is_bogus(c, c->dmarc.name) || audit_is_bogus(c, applies)) {
        *why = unreadable(c, audit_is_bogus(c, applies) ? applies : c->dmarc.name);
        return AUDIT_FAIL;
    }
    weigh_all(c, &all);
    if (!all.bogus || all.sound > 0)
        return AUDIT_PASS;
    *why = unreadable(c, all.bogus);
    return all.open > 0 || c->guessed || audit_spf_may_carry(c) ? AUDIT_UNKNOWN : AUDIT_FAIL;
}

/* ---- DANE ------------------------------------------------------------------------------------ */

/* RFC 7672 s2.2.2: the host's addresses must be secure, too. An address that is not there need not be. */
enum audit_dane_trust audit_trust_dane(
    const struct audit_case *c, const struct audit_dane_fact *f, struct said *why)
{
    const struct dnssec_verdict *all[] = {verdict_of(c, f->dane.name, DNS_TLSA),
        verdict_of(c, f->host, DNS_A), verdict_of(c, f->host, DNS_AAAA)};
    enum audit_dane_trust trust = AUDIT_DANE_SECURE;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (!all[i] || all[i]->status >= DNSSEC_INDETERMINATE)
            return AUDIT_DANE_UNKNOWN; /* what is bogus has its own finding */
        if (all[i]->status == DNSSEC_INSECURE && trust == AUDIT_DANE_SECURE &&
            !audit_is_absent(all[i]->answer)) {
            *why = all[i]->reason;
            trust = AUDIT_DANE_NOT_SECURE;
        }
    }
    return trust;
}

void check_dane_secure(struct audit_case *c, const struct audit_check *k)
{
    for (size_t i = 0; i < c->around.dane_n; i++) {
        const struct audit_dane_fact *f = &c->around.dane[i];
        struct said why = SAID_NOTHING;
        if (f->dane.n > 0 && audit_trust_dane(c, f, &why) == AUDIT_DANE_NOT_SECURE)
            audit_evidence(
                c, audit_add(c, k, f->dane.name, why), str_of(f->dane.records[0].text), STR(""));
    }
}
