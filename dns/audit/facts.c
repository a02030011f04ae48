/* What the DNS says about a domain, gathered in rounds: a round's questions go out at once, and the
 * next round asks what only they could tell. */
#include "base/encode.h"
#include "dns/audit/takeover.h"
#include "dns/name.h"

#include <stdio.h>

#define MAX_TASKS 512
#define PTR_NAMES 10 /* as RFC 7208 s4.6.4 bounds them */

/* Selectors that hosts of mail commonly use. None of them being there says nothing. */
static const char *const well_known[] = {"default", "google", "selector1", "selector2", "s1", "s2",
    "k1", "k2", "k3", "mail", "dkim", "smtp", "pp1", "pp2", "fm1", "zoho", "protonmail", "mandrill",
    "sig1", "mx"};

struct round {
    struct audit_case *c;
    struct crew_task tasks[MAX_TASKS];
    size_t n;
};

bool audit_is_failure(enum dns_status s)
{
    return s == DNS_SERVFAIL || s == DNS_TIMEOUT || s == DNS_BAD;
}

bool audit_is_absent(enum dns_status s)
{
    return s == DNS_NXDOMAIN || s == DNS_NODATA;
}

bool audit_host_exists(const struct audit_host *h)
{
    return h->a.answer.status == DNS_FOUND || h->aaaa.answer.status == DNS_FOUND;
}

bool audit_host_is_unsure(const struct audit_host *h)
{
    return !audit_host_exists(h) &&
           (audit_is_failure(h->a.answer.status) || audit_is_failure(h->aaaa.answer.status));
}

enum dns_status audit_host_failure(const struct audit_host *h)
{
    return audit_is_failure(h->a.answer.status) ? h->a.answer.status : h->aaaa.answer.status;
}

bool audit_host_is_alias(const struct audit_host *h)
{
    char name[NAME_SIZE];
    const struct audit_question *q = h->a.answer.status == DNS_FOUND ? &h->a : &h->aaaa;
    return name_canonical(str_of(q->name), name) && q->answer.canonical[0] &&
           strcmp(name, q->answer.canonical) != 0;
}

bool audit_dmarc_is_unknown(const struct audit_case *c)
{
    bool only_the_top = name_labels(c->path.broke_at) == 1 && name_labels(c->domain) > 1 &&
                        c->path.found_n == 0; /* else one of these may apply */
    return !c->record && c->path.broke_at[0] && !only_the_top;
}

/* ---- tasks ----------------------------------------------------------------------------------- */

static void add_task(struct round *r, void (*run)(struct crew_member *, void *), void *subject)
{
    if (r->n < MAX_TASKS)
        r->tasks[r->n++] = (struct crew_task){run, subject};
}

static void run_round(struct round *r)
{
    crew_run(r->c->crew, r->tasks, r->n);
    r->n = 0;
}

static void ask(struct crew_member *m, void *subject)
{
    struct audit_question *q = subject;
    resolver_ask(m->resolver, q->name, q->type, m->arena, &q->answer);
}

static void ask_for(struct round *r, struct audit_question *q, const char *name, enum dns_type type)
{
    q->name = name;
    q->type = type;
    add_task(r, ask, q);
}

static void ask_for_host(struct round *r, struct audit_host *h, const char *name)
{
    h->name = name;
    ask_for(r, &h->a, name, DNS_A);
    ask_for(r, &h->aaaa, name, DNS_AAAA);
}

static void find_key(struct crew_member *m, void *subject)
{
    struct audit_key_fact *k = subject;
    resolver_ask(m->resolver, k->name, DNS_TXT, m->arena, &k->txt.answer);
    if (audit_is_failure(k->txt.answer.status))
        k->record = (struct dkim_record){
            .status = DKIM_RECORD_TEMPERROR, .why = SAID_NOTHING, .key_type = ""};
    else
        dkim_record_find(m->resolver, k->key->domain, k->key->selector, m->arena, &k->record);
    const struct dkim_record *d = &k->record;
    k->usable = d->status == DKIM_RECORD_GOOD && d->sha256 && d->email &&
                (strcmp(d->key_type, "rsa") != 0 || d->bits >= 1024) &&
                (!k->ours || dkim_record_holds(d, k->key->public_key));
}

static void walk(struct crew_member *m, void *subject)
{
    struct audit_case *c = subject;
    dmarc_path_take(m->resolver, c->domain, m->arena, &c->path);
}

static bool has_address(const struct dns_answer *answer, const struct ip *ip)
{
    for (size_t i = 0; i < answer->n; i++)
        if (str_eq(answer->records[i].data, str_bytes(ip->b, ip->family == 4 ? 4 : 16)))
            return true;
    return false;
}

static void confirm(struct crew_member *m, void *subject)
{
    struct audit_address *a = subject;
    for (size_t i = 0; i < a->ptr.answer.n && i < PTR_NAMES && !a->confirmed; i++) {
        struct dns_answer back;
        resolver_ask(m->resolver, a->ptr.answer.records[i].data.p,
            a->ip.family == 4 ? DNS_A : DNS_AAAA, m->arena, &back);
        if (i == 0)
            a->back = back;
        a->confirmed = has_address(&back, &a->ip);
        if (!a->unsure && audit_is_failure(back.status)) {
            a->unsure = true;
            a->unsure_name = a->ptr.answer.records[i].data.p;
            a->failure = back.status;
        }
    }
}

static void check_spf(struct crew_member *m, void *subject)
{
    struct audit_address *a = subject;
    const struct audit_case *c = a->owner;
    if (audit_is_failure(c->spf[0].txt.answer.status)) {
        struct said why = dns_no_answer(m->arena, c->spf[0].domain, c->spf[0].txt.answer.status);
        a->spf = (struct spf_verdict){
            .result = SPF_TEMPERROR, .mechanism = "", .domain = "", .problem = why.text};
        return;
    }
    struct spf_question q = {
        .ip = a->ip,
        .helo = str_of(c->setup->helo[0] ? c->setup->helo : c->mail_from),
        .mail_from = str_of(arena_printf(m->arena, "postmaster@%s", c->mail_from)),
        .clock = c->setup->clock,
    };
    spf_check(m->resolver, &q, m->arena, &a->spf);
    q.mail_from = STR("");
    if (c->setup->helo[0] && strcmp(c->setup->helo, c->mail_from) != 0)
        spf_check(m->resolver, &q, m->arena, &a->helo_spf);
}

/* RFC 9990 s4: asked only where the reports go to another organization than the record's. */
static void authorise(struct crew_member *m, void *subject)
{
    struct audit_report_target *t = subject;
    struct dmarc_path *home = ARENA_NEW(m->arena, struct dmarc_path);
    dmarc_path_take(m->resolver, t->policy_domain, m->arena, home);
    dmarc_path_take(m->resolver, t->host, m->arena, &t->path);
    const struct dmarc_path *broken = home->broke_at[0] ? home : &t->path;
    bool same_way = strcmp(home->broke_at, t->path.broke_at) == 0 &&
                    strcmp(home->org_domain, t->path.org_domain) == 0 &&
                    name_is_at_or_below(t->host, t->policy_domain);
    t->unsure = broken->broke_at[0] && !same_way; /* what stands above is the same for both */
    t->unsure_name = arena_printf(m->arena, "_dmarc.%s", broken->broke_at);
    t->failure = broken->failure;
    t->asked = !t->unsure && strcmp(home->org_domain, t->path.org_domain) != 0;
    if (t->asked && strlen(t->question) < NAME_SIZE)
        ask(m, &t->authorisation);
    else if (t->asked) /* RFC 9990 s4: a name that cannot be is no permission */
        t->authorisation.answer = (struct dns_answer){.status = DNS_NXDOMAIN, .canonical = ""};
}

/* ---- the first round: what is known from the start ------------------------------------------- */

static void ask_for_mail_domain(struct round *r, struct audit_mail_domain *d, const char *name)
{
    d->name = name;
    ask_for(r, &d->mx, name, DNS_MX);
    ask_for_host(r, &d->self, name);
}

static void ask_for_keys(struct round *r)
{
    struct audit_case *c = r->c;
    for (size_t i = 0; i < c->keys_n; i++) {
        struct audit_key_fact *k = &c->keys[i];
        k->name = arena_printf(c->arena, "%s._domainkey.%s", k->key->selector, k->key->domain);
        k->ours = k->key->public_key.n > 0;
        k->txt = (struct audit_question){.name = k->name, .type = DNS_TXT};
        add_task(r, find_key, k);
    }
}

/* The walks ask these one after the other; asked ahead at once, they find them in the cache. */
static void warm_walk(struct round *r, const char *from)
{
    for (int i = 0; *from && i < DMARC_WALK_MAX; i++, from = name_parent(from))
        ask_for(r, ARENA_NEW(r->c->arena, struct audit_question),
            arena_printf(r->c->arena, "_dmarc.%s", from), DNS_TXT);
}

static void ask_for_addresses(struct round *r)
{
    struct audit_case *c = r->c;
    for (size_t i = 0; i < c->addresses_n; i++) {
        struct audit_address *a = &c->addresses[i];
        a->owner = c;
        a->ip = c->setup->addresses[i];
        ip_text(&a->ip, a->text);
        ask_for(r, &a->ptr, audit_reverse_name(&a->ip, c->arena), DNS_PTR);
    }
}

static void first_round(struct round *r)
{
    struct audit_case *c = r->c;
    ask_for(r, &c->dmarc, arena_printf(c->arena, "_dmarc.%s", c->domain), DNS_TXT);
    warm_walk(r, name_parent(c->domain));
    ask_for(r, &c->txt, c->domain, DNS_TXT);
    ask_for_mail_domain(r, &c->from, c->domain);
    if (!c->mail_from_assumed) {
        ask_for(r, &c->back_txt, c->mail_from, DNS_TXT);
        ask_for_mail_domain(r, &c->back, c->mail_from);
        warm_walk(r, c->mail_from);
    }
    if (c->setup->helo[0])
        ask_for_host(r, &c->helo, c->setup->helo);
    if (c->setup->links[0])
        ask_for_host(r, &c->links, c->setup->links);
    ask_for(
        r, &c->probe, arena_printf(c->arena, "parcelpost-probe._domainkey.%s", c->domain), DNS_TXT);
    ask_for(r, &c->apex_probe, arena_printf(c->arena, "parcelpost-probe.%s", c->domain), DNS_TXT);
    ask_for(r, &c->ns, c->domain, DNS_NS);
    ask_for_host(r, &c->around.sts_host, arena_printf(c->arena, "mta-sts.%s", c->domain));
    ask_for_addresses(r);
    ask_for_keys(r);
    audit_list_listings(c);
    for (size_t i = 0; i < c->listings_n; i++)
        add_task(r, audit_ask_listing, &c->listings[i]);
    add_task(r, audit_find_mta_sts, c);
    add_task(r, audit_find_tls_rpt, c);
    add_task(r, audit_find_bimi, c);
    add_task(r, audit_find_validating, c);
    run_round(r);
    if (c->mail_from_assumed) {
        c->back = c->from;
        c->back_txt = c->txt;
    }
}

/* ---- the second: what it led to -------------------------------------------------------------- */

static void ask_for_mx_hosts(struct round *r, struct audit_mail_domain *d)
{
    char name[NAME_SIZE];
    for (size_t i = 0; i < d->mx.answer.n && d->hosts_n < MX_MAX_HOSTS; i++) {
        struct audit_host *h = &d->hosts[d->hosts_n];
        if (!name_canonical(d->mx.answer.records[i].data, name))
            continue;
        ask_for_host(r, h, arena_text(r->c->arena, str_of(name)));
        h->mx = &d->mx.answer.records[i];
        d->hosts_n++;
    }
}

/* ---- the tree of SPF records, a level a round ------------------------------------------------ */

static void plant_spf(struct audit_case *c)
{
    c->spf[0] = (struct audit_spf_node){.domain = c->mail_from, .txt = c->back_txt};
    c->spf_n = c->spf_asked = 1;
    audit_spf_read(c, &c->spf[0]);
    struct audit_spf_node whole = c->spf[0]; /* a proposal needs what stands behind a fault, too */
    struct str almost = audit_spf_almost(c);
    if (whole.records_n > 0)
        audit_spf_cut_faults(c, whole.record.text, &whole.record);
    else if (almost.n > 0)
        audit_spf_cut_faults(c, str_of(audit_spf_meant(c, almost)), &whole.record);
    audit_spf_spread(c, &whole);
}

/* Asks for what the latest records led to. */
static void ask_for_spf(struct round *r, size_t *hosts_asked)
{
    struct audit_case *c = r->c;
    for (; c->spf_asked < c->spf_n; c->spf_asked++)
        ask_for(r, &c->spf[c->spf_asked].txt, c->spf[c->spf_asked].domain, DNS_TXT);
    for (; *hosts_asked < c->spf_hosts_n; (*hosts_asked)++) {
        struct audit_spf_host *h = &c->spf_hosts[*hosts_asked];
        ask_for(r, &h->first, h->name, h->mx ? DNS_MX : DNS_A);
        if (!h->mx)
            ask_for(r, &h->second, h->name, DNS_AAAA);
    }
}

static void read_spf(struct audit_case *c, size_t from)
{
    size_t to = c->spf_n;
    for (size_t i = from; i < to; i++)
        audit_spf_read(c, &c->spf[i]);
    for (size_t i = from; i < to; i++)
        audit_spf_spread(c, &c->spf[i]);
}

/* The first level goes out with whatever else waits in this round. */
static void grow_spf(struct round *r)
{
    size_t hosts_asked = 0, read = 1;
    plant_spf(r->c);
    do {
        ask_for_spf(r, &hosts_asked);
        run_round(r);
        size_t from = read;
        read = r->c->spf_n;
        read_spf(r->c, from);
    } while (r->c->spf_asked < r->c->spf_n || hosts_asked < r->c->spf_hosts_n);
}

static void second_round(struct round *r)
{
    struct audit_case *c = r->c;
    ask_for_mx_hosts(r, &c->from);
    if (!c->mail_from_assumed)
        ask_for_mx_hosts(r, &c->back);
    add_task(r, walk, c);
    for (size_t i = 0; i < c->from.hosts_n; i++) {
        struct audit_dane_fact *d = &c->around.dane[c->around.dane_n++];
        d->host = c->from.hosts[i].name;
        add_task(r, audit_find_dane, d);
    }
    for (size_t i = 0; i < c->addresses_n; i++)
        if (c->addresses[i].ptr.answer.status == DNS_FOUND)
            add_task(r, confirm, &c->addresses[i]);
    grow_spf(r);
    if (c->mail_from_assumed)
        c->back = c->from;
    c->record = dmarc_path_record(&c->path);
}

/* ---- the third: SPF, and reports that go elsewhere ---------------------------------------------------- */

/* "mailto:reports@host!10m" -> host; "https://host:443/path" -> host. */
bool audit_uri_host(struct str uri, char out[NAME_SIZE])
{
    uri = str_trim(str_slice(uri, 0, str_find_char(uri, '!', 0)));
    if (str_starts_nocase(uri, STR("mailto:"))) {
        struct str box = str_slice(uri, 7, str_find_char(uri, '?', 0));
        size_t at = str_find_char(box, '@', 0);
        return at < box.n && name_canonical(str_slice(box, at + 1, box.n), out);
    }
    size_t slashes = str_find(uri, STR("://"), 0);
    struct str rest = str_slice(uri, slashes + 3, uri.n);
    rest = str_slice(rest, 0, str_find_char(rest, '/', 0));
    return name_canonical(str_slice(rest, 0, str_find_char(rest, ':', 0)), out);
}

static void add_inbox(struct round *r, struct str uri, const char *host)
{
    struct audit_case *c = r->c;
    for (size_t i = 0; i < c->inboxes_n; i++)
        if (strcmp(c->inboxes[i].host, host) == 0)
            return;
    if (c->inboxes_n == AUDIT_MAX_REPORTS || !str_starts_nocase(uri, STR("mailto:")))
        return;
    struct audit_inbox *b = &c->inboxes[c->inboxes_n++];
    b->host = arena_text(c->arena, str_of(host));
    b->uri = arena_text(c->arena, uri);
    ask_for(r, &b->mx, b->host, DNS_MX);
    ask_for_host(r, &b->self, b->host);
}

static void add_targets(struct round *r, struct str uris)
{
    struct audit_case *c = r->c;
    struct str uri;
    while (c->reports_n < AUDIT_MAX_REPORTS && str_next(&uris, ',', &uri)) {
        char host[NAME_SIZE];
        struct audit_report_target *t = &c->reports[c->reports_n];
        if (!audit_uri_host(uri, host))
            continue;
        add_inbox(r, str_trim(uri), host);
        if (strcmp(host, c->record->domain) == 0) /* below it, psd= may part them */
            continue;
        c->reports_n++;
        t->policy_domain = c->record->domain;
        t->uri = str_trim(uri);
        t->host = arena_text(c->arena, str_of(host));
        t->question = arena_printf(c->arena, "%s._report._dmarc.%s", t->policy_domain, t->host);
        t->authorisation = (struct audit_question){.name = t->question, .type = DNS_TXT};
        add_task(r, authorise, t);
    }
}

static void third_round(struct round *r)
{
    struct audit_case *c = r->c;
    for (size_t i = 0; i < c->addresses_n; i++)
        add_task(r, check_spf, &c->addresses[i]);
    c->stranger = (struct audit_address){.ip = {4, {240, 0, 0, 1}}, .owner = c};
    if (c->spf[0].records_n == 1)
        add_task(r, check_spf, &c->stranger);
    if (c->record) {
        add_targets(r, c->record->record.rua);
        add_targets(r, c->record->record.ruf);
    }
    audit_list_probes(c);
    for (size_t i = 0; i < c->probes_n; i++)
        add_task(r, audit_run_probe, &c->probes[i]);
    audit_list_estates(c);
    for (size_t i = 0; i < c->estates_n; i++)
        add_task(r, audit_ask_estate, &c->estates[i]);
    add_task(r, audit_find_dnssec, c);
    run_round(r);
}

/* The worst over all addresses: receivers may see any of them. */
static void take_spf_result(struct audit_case *c)
{
    static const int badness[] = {[SPF_PASS] = 0,
        [SPF_TEMPERROR] = 1,
        [SPF_NEUTRAL] = 2,
        [SPF_NONE] = 3,
        [SPF_SOFTFAIL] = 4,
        [SPF_FAIL] = 5,
        [SPF_PERMERROR] = 6};
    int worst = -1;
    c->spf_result = "";
    for (size_t i = 0; i < c->addresses_n; i++) {
        enum spf_result r = c->addresses[i].spf.result;
        if (badness[r] <= worst)
            continue;
        worst = badness[r];
        c->spf_result = spf_result_name(r);
    }
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void take_keys(struct audit_case *c)
{
    const struct audit_setup *s = c->setup;
    c->guessed = s->keys_n == 0 && !s->keys_are_all;
    c->keys_n = c->guessed ? COUNT_OF(well_known)
                           : (s->keys_n < AUDIT_MAX_KEYS ? s->keys_n : AUDIT_MAX_KEYS);
    c->keys = arena_array(c->arena, c->keys_n + 1, sizeof *c->keys);
    struct audit_key *guesses = arena_array(c->arena, COUNT_OF(well_known), sizeof *guesses);
    for (size_t i = 0; c->guessed && i < COUNT_OF(well_known); i++)
        guesses[i] = (struct audit_key){c->domain, well_known[i], "", STR("")};
    for (size_t i = 0; i < c->keys_n; i++)
        c->keys[i].key = c->guessed ? &guesses[i] : &s->keys[i];
}

/* A guessed selector that is not there says nothing; only what was found counts as a key. */
static void drop_absent_guesses(struct audit_case *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->keys_n; i++) {
        enum dkim_record_status s = c->keys[i].record.status;
        if (s == DKIM_RECORD_TEMPERROR && c->guesses_failure == DNS_FOUND) {
            c->guesses_failure = c->keys[i].txt.answer.status;
            c->guess_failed = c->keys[i].name;
        }
        if (s != DKIM_RECORD_ABSENT && s != DKIM_RECORD_TEMPERROR)
            c->keys[kept++] = c->keys[i];
    }
    c->keys_n = kept;
}

void audit_gather(struct audit_case *c)
{
    struct round *r = ARENA_NEW(c->arena, struct round);
    r->c = c;
    take_keys(c);
    c->addresses_n =
        c->setup->addresses_n < AUDIT_MAX_ADDRESSES ? c->setup->addresses_n : AUDIT_MAX_ADDRESSES;
    c->addresses = arena_array(c->arena, c->addresses_n + 1, sizeof *c->addresses);
    first_round(r);
    if (c->guessed)
        drop_absent_guesses(c);
    for (size_t i = 0; i < c->keys_n; i++)
        c->usable_keys += c->keys[i].usable;
    second_round(r);
    third_round(r);
    take_spf_result(c);
}
