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

static void print_evidence(const struct audit_finding *f)
{
    size_t n = strlen(f->evidence), from = 0;
    if (n > WINDOW && f->mark_at > BEFORE_MARK)
        from = f->mark_at - BEFORE_MARK;
    const char *before = from > 0 ? "..." : "";
    size_t room = WINDOW - strlen(before), to = n - from > room ? from + room - 3 : n;
    printf("  found\n%*s%s", INDENT, "", before);
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

static void print_verdict(const struct audit_report *r, bool returns_only)
{
    static const char *const words[] = {
        [AUDIT_PASS] = "mail from this domain will pass DMARC at receivers",
        [AUDIT_FAIL] = "mail from this domain will not pass DMARC at receivers",
        [AUDIT_UNKNOWN] = "cannot tell whether mail from this domain will pass DMARC",
    };
    static const enum audit_severity like[] = {
        [AUDIT_PASS] = AUDIT_NOTE, [AUDIT_FAIL] = AUDIT_ERROR, [AUDIT_UNKNOWN] = AUDIT_WARNING};
    print_domain(r->domain);
    printf("%s", paper_colour(like[r->verdict]));
    if (!returns_only)
        paper_wrapped(str_of(words[r->verdict]), 2);
    printf("%s", paper_plain());
    paper_wrapped(str_of(r->sentence.text), 2);
}

static void print_table(const struct audit_report *r)
{
    int widest = 0;
    for (size_t i = 0; i < r->findings_n; i++) {
        int n = (int)strlen(r->findings[i].code);
        widest = n > widest ? n : widest;
    }
    putchar('\n');
    for (size_t i = 0; i < r->findings_n; i++) {
        const struct audit_finding *f = &r->findings[i];
        printf("%s%-8s%s %-*s ", paper_colour(f->severity), audit_severity_name(f->severity),
            paper_plain(), widest, f->code);
        paper_cut(f->name, (size_t)(PAPER_COLUMNS - 10 - widest));
    }
    if (r->findings_n == 0)
        puts(
            r->gaps_n > 0 ? "nothing found wrong in what could be checked" : "nothing found wrong");
}

void audit_print_finding(const char *before, const struct audit_finding *f)
{
    AUTO(buf_close) struct buf here = {0};
    printf("\n%s%s%s%s %s\n", before, paper_colour(f->severity), audit_severity_name(f->severity),
        paper_plain(), f->code);
    buf_addf(&here, "%s. %s", f->title, f->why);
    paper_wrapped(buf_str(&here), 2);
    buf_clear(&here);
    buf_addf(&here, "%s: %s", f->name, f->detail.text);
    paper_wrapped(buf_str(&here), 2);
    if (f->evidence[0])
        print_evidence(f);
    if (f->publish_n > 0)
        puts("  publish");
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
static void print_gaps(const struct audit_report *r)
{
    if (r->gaps_n > 0)
        puts("\nnot checked");
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
        printf("%-*s", (int)strlen(r->providers[i].name) + 2, text);
    else
        puts(text);
}

static void print_rule_row(const struct audit_report *r, const char *rule)
{
    static const char *const words[] = {
        [AUDIT_RULE_PASS] = "pass", [AUDIT_RULE_FAIL] = "FAIL", [AUDIT_RULE_NOT_CHECKABLE] = "?"};
    printf("  %-16s", rule);
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

static void print_providers(const struct audit_report *r)
{
    printf("\n  %-16s", "receivers ask");
    for (size_t i = 0; i < r->providers_n; i++)
        print_cell(r, i, r->providers[i].name);
    for (size_t i = 0; i < r->providers_n; i++)
        for (size_t j = 0; j < r->providers[i].rules_n; j++)
            if (!seen_before(r, i, r->providers[i].rules[j].rule))
                print_rule_row(r, r->providers[i].rules[j].rule);
    puts("  ? cannot be checked from here    - not demanded");
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
void audit_print_asked(const struct checkup *all, size_t n, const struct cli_dns *dns)
{
    AUTO(buf_close) struct buf text = {0};
    bool ours = strcmp(dns->from, "settings") == 0;
    if (strcmp(dns->from, "system") == 0 && dns->zones_n == 0 && !dns_failed(all, n))
        return;
    buf_add_text(&text, "asked: ");
    for (size_t i = 0; i < dns->zones_n; i++)
        buf_addf(&text, "%s%s", i > 0 ? ", " : "zone file ", dns->zones[i]);
    buf_add_text(&text, dns->zones_n > 0 ? ", else " : "");
    for (size_t i = 0; i < dns->servers_n; i++)
        buf_addf(&text, "%s%s", i > 0 ? ", " : "", dns->servers[i]);
    buf_addf(&text, "%s%s", dns->servers_n == 0 ? "no server" : "", ours ? " (settings)" : "");
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

void audit_print_text(const struct checkup *c, const struct cli_dns *dns)
{
    const struct audit_report *r = &c->report;
    print_verdict(r, c->survey->returns_only);
    audit_print_asked(c, 1, dns);
    print_table(r);
    for (size_t i = 0; i < r->findings_n; i++)
        audit_print_finding("", &r->findings[i]);
    print_gaps(r);
    if (r->providers_n > 0)
        print_providers(r);
}
