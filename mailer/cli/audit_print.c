#include "mailer/cli/audit_print.h"

#include "mailer/cli/paper.h"
#include "mailer/mime/address.h"

#include <stdio.h>

#define INDENT 4
#define WINDOW (PAPER_COLUMNS - INDENT - 2) /* of a record shown as evidence */
#define BEFORE_MARK 24

/* Whatever a stranger put into a record, one column a byte. */
static void print_byte(char c)
{
    putchar(c >= ' ' && c < 0x7f ? c : '?');
}

static void print_evidence(const struct audit_finding *f, struct tongue *t)
{
    size_t n = strlen(f->evidence), from = 0;
    if (n > WINDOW && f->mark_at > BEFORE_MARK)
        from = f->mark_at - BEFORE_MARK;
    const char *before = from > 0 ? "..." : "";
    size_t room = WINDOW - strlen(before), to = n - from > room ? from + room - 3 : n;
    printf("  %s\n%*s%s", tongue_tell(t, SAID("check.found", "found")), INDENT, "", before);
    for (size_t i = from; i < to; i++)
        print_byte(f->evidence[i]);
    puts(to < n ? "..." : "");
    if (f->mark_n == 0)
        return;
    size_t end = f->mark_at + f->mark_n < to ? f->mark_at + f->mark_n : to;
    printf("%*s", INDENT + (int)(strlen(before) + f->mark_at - from), "");
    for (size_t i = f->mark_at; i < end; i++)
        putchar('^');
    putchar('\n');
}

/* ---- parts of the report --------------------------------------------------------------------- */

/* "xn--bcher-kva.example (bücher.example)": what counts, and what it looks like. */
static void print_domain(const char *domain)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct str shown = address_domain_for_people(str_of(domain), a);
    paper_put(str_of(domain));
    if (!str_is(shown, domain) && paper_takes_utf8()) {
        printf(" (");
        paper_put(shown);
        putchar(')');
    }
    putchar('\n');
}

static const char *severity_word(struct tongue *t, enum audit_severity s)
{
    static const struct said words[] = {
        [AUDIT_ERROR] = SAID_INIT("check.error", "error"),
        [AUDIT_WARNING] = SAID_INIT("check.warning", "warning"),
        [AUDIT_NOTE] = SAID_INIT("check.note", "note"),
    };
    return tongue_tell(t, words[s]);
}

static void print_verdict(const struct audit_report *r, bool returns_only, struct tongue *t)
{
    static const struct said words[] = {
        [AUDIT_PASS] =
            SAID_INIT("check.pass", "mail from this domain will pass DMARC at receivers"),
        [AUDIT_FAIL] =
            SAID_INIT("check.fail", "mail from this domain will not pass DMARC at receivers"),
        [AUDIT_UNKNOWN] =
            SAID_INIT("check.unknown", "cannot tell whether mail from this domain will pass DMARC"),
    };
    static const enum audit_severity like[] = {
        [AUDIT_PASS] = AUDIT_NOTE, [AUDIT_FAIL] = AUDIT_ERROR, [AUDIT_UNKNOWN] = AUDIT_WARNING};
    print_domain(r->domain);
    printf("%s", paper_colour(like[r->verdict]));
    if (!returns_only)
        paper_wrapped(str_of(tongue_tell(t, words[r->verdict])), 2);
    printf("%s", paper_plain());
    paper_wrapped(str_of(r->sentence.text), 2);
}

/* "DNSSEC: bogus, signature of DNSKEY shop.example expired 2026-11-20" */
static void print_dnssec(const struct audit_dnssec *d, struct tongue *t)
{
    AUTO(buf_close) struct buf line = {0};
    const char *name = audit_dnssec_name(d);
    if (!d->checked)
        return;
    const char *key = arena_printf(tongue_arena(t), "dnssec.word.%s", name);
    buf_addf(&line, "DNSSEC: %s%s%s", tongue_tell(t, (struct said){.key = key, .text = name}),
        said_is_nothing(&d->reason) ? "" : ", ", d->reason.text);
    paper_wrapped(buf_str(&line), 2);
}

static void print_table(const struct audit_report *r, struct tongue *t)
{
    int widest = 0;
    for (size_t i = 0; i < r->findings_n; i++) {
        int n = (int)strlen(r->findings[i].code);
        widest = n > widest ? n : widest;
    }
    putchar('\n');
    for (size_t i = 0; i < r->findings_n; i++) {
        const struct audit_finding *f = &r->findings[i];
        printf("%s", paper_colour(f->severity));
        paper_padded(severity_word(t, f->severity), 8);
        printf("%s %-*s ", paper_plain(), widest, f->code);
        paper_cut(f->name, (size_t)(PAPER_COLUMNS - 10 - widest));
    }
    if (r->findings_n == 0)
        puts(tongue_tell(t, r->gaps_n > 0 ? SAID("check.nothing_in_what_was_checked",
                                                "nothing found wrong in what could be checked")
                                          : SAID("check.nothing", "nothing found wrong")));
}

void audit_print_finding(const char *before, const struct audit_finding *f, struct tongue *t)
{
    AUTO(buf_close) struct buf here = {0};
    printf("\n%s%s%s%s %s\n", before, paper_colour(f->severity), severity_word(t, f->severity),
        paper_plain(), f->code);
    buf_addf(&here, "%s%s%s", f->title, tongue_tell(t, SAID("check.stop", ". ")), f->why);
    paper_wrapped(buf_str(&here), 2);
    buf_clear(&here);
    buf_addf(&here, "%s%s%s", f->name, tongue_tell(t, SAID("check.colon", ": ")), f->detail.text);
    paper_wrapped(buf_str(&here), 2);
    if (f->evidence[0])
        print_evidence(f, t);
    if (f->publish_n > 0)
        printf("  %s\n", tongue_tell(t, SAID("check.publish", "publish")));
    for (size_t i = 0; i < f->publish_n; i++)
        paper_record(&f->publish[i], INDENT);
}

static bool is_told_before(const struct audit_report *r, size_t gap, const char *code)
{
    for (size_t i = 0; i < gap; i++)
        for (size_t j = 0; j < r->gaps[i].codes_n; j++)
            if (strcmp(r->gaps[i].codes[j], code) == 0)
                return true;
    return false;
}

/* Each code with the first of its reasons: a dead zone has a dozen of them for the same. */
static void print_gaps(const struct audit_report *r, struct tongue *t)
{
    if (r->gaps_n > 0)
        printf("\n%s\n", tongue_tell(t, SAID("check.not_checked", "not checked")));
    for (size_t i = 0; i < r->gaps_n; i++) {
        AUTO(buf_close) struct buf codes = {0};
        for (size_t j = 0; j < r->gaps[i].codes_n; j++)
            if (!is_told_before(r, i, r->gaps[i].codes[j]))
                buf_addf(&codes, "%s%s", codes.n > 0 ? " " : "", r->gaps[i].codes[j]);
        if (codes.n == 0)
            continue;
        paper_wrapped(str_of(r->gaps[i].reason.text), 2);
        paper_wrapped(buf_str(&codes), INDENT);
    }
}

static const struct audit_rule *find_rule(const struct audit_provider *p, const char *rule)
{
    for (size_t i = 0; i < p->rules_n; i++)
        if (strcmp(p->rules[i].rule, rule) == 0)
            return &p->rules[i];
    return NULL;
}

/* A column is as wide as its provider's name, and the last one ends the line. */
static void print_cell(const struct audit_report *r, size_t i, const char *text)
{
    if (i + 1 < r->providers_n)
        paper_padded(text, (int)strlen(r->providers[i].name) + 2);
    else
        puts(text);
}

/* The rules' own names are what --json has: stable, and short enough. */
static void print_rule_row(const struct audit_report *r, const char *rule, struct tongue *t)
{
    const char *const words[] = {
        [AUDIT_RULE_PASS] = tongue_tell(t, SAID("check.rule_pass", "pass")),
        [AUDIT_RULE_FAIL] = tongue_tell(t, SAID("check.rule_fail", "FAIL")),
        [AUDIT_RULE_NOT_CHECKABLE] = "?"};
    const char *key = arena_printf(tongue_arena(t), "check.rule.%s", rule);
    printf("  ");
    paper_padded(tongue_tell(t, (struct said){.key = key, .text = rule}), 16);
    for (size_t i = 0; i < r->providers_n; i++) {
        const struct audit_rule *found = find_rule(&r->providers[i], rule);
        print_cell(r, i, found ? words[found->answer] : "-");
    }
}

/* Whether an earlier provider has this rule too, so that it has its row already. */
static bool seen_before(const struct audit_report *r, size_t provider, const char *rule)
{
    for (size_t i = 0; i < provider; i++)
        if (find_rule(&r->providers[i], rule))
            return true;
    return false;
}

static void print_providers(const struct audit_report *r, struct tongue *t)
{
    printf("\n  ");
    paper_padded(tongue_tell(t, SAID("check.receivers", "receivers ask")), 16);
    for (size_t i = 0; i < r->providers_n; i++)
        print_cell(r, i, r->providers[i].name);
    for (size_t i = 0; i < r->providers_n; i++)
        for (size_t j = 0; j < r->providers[i].rules_n; j++)
            if (!seen_before(r, i, r->providers[i].rules[j].rule))
                print_rule_row(r, r->providers[i].rules[j].rule, t);
    printf("  %s\n",
        tongue_tell(t, SAID("check.legend", "? cannot be checked from here    - not demanded")));
}

/* ---- who was asked --------------------------------------------------------------------------- */

static bool dns_failed(const struct checkup *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < all[i].report.gaps_n; j++)
            if (all[i].report.gaps[j].dns_failed)
                return true;
    return false;
}

/* Worth a line where the DNS failed, or where not the machine's own DNS was asked. */
void audit_print_asked(
    const struct checkup *all, size_t n, const struct cli_dns *dns, struct tongue *t)
{
    AUTO(buf_close) struct buf text = {0};
    bool ours = strcmp(dns->from, "settings") == 0;
    if (strcmp(dns->from, "system") == 0 && dns->zones_n == 0 && !dns_failed(all, n))
        return;
    buf_add_text(&text, tongue_tell(t, SAID("check.asked", "asked: ")));
    const char *zone_file = tongue_tell(t, SAID("check.zone_file", "zone file "));
    for (size_t i = 0; i < dns->zones_n; i++)
        buf_addf(&text, "%s%s", i > 0 ? ", " : zone_file, dns->zones[i]);
    if (dns->zones_n > 0)
        buf_add_text(&text, tongue_tell(t, SAID("check.else", ", else ")));
    for (size_t i = 0; i < dns->servers_n; i++)
        buf_addf(&text, "%s%s", i > 0 ? ", " : "", dns->servers[i]);
    if (dns->servers_n == 0)
        buf_add_text(&text, tongue_tell(t, SAID("check.no_server", "no server")));
    if (ours)
        buf_add_text(&text, tongue_tell(t, SAID("check.of_settings", " (settings)")));
    paper_wrapped(buf_str(&text), 2);
}

static struct js *texts(const char *const *items, size_t n)
{
    struct js *all = js_array();
    for (size_t i = 0; i < n; i++)
        js_push(all, js_new_text(str_of(items[i])));
    return all;
}

struct js *audit_resolver_json(const struct cli_dns *dns)
{
    struct js *o = js_object();
    js_set_cstr(o, "from", dns->from);
    js_set(o, "servers", texts(dns->servers, dns->servers_n));
    js_set(o, "zone_files", texts(dns->zones, dns->zones_n));
    return o;
}

/* ---- the whole ------------------------------------------------------------------------------- */

void audit_print_text(const struct checkup *c, const struct cli_dns *dns, struct tongue *t)
{
    const struct audit_report *r = &c->report;
    print_verdict(r, c->survey->returns_only, t);
    print_dnssec(&r->dnssec, t);
    audit_print_asked(c, 1, dns, t);
    print_table(r, t);
    for (size_t i = 0; i < r->findings_n; i++)
        audit_print_finding("", &r->findings[i], t);
    print_gaps(r, t);
    if (r->providers_n > 0)
        print_providers(r, t);
}
