#include "mailer/cli/audit_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COLUMNS 80
#define INDENT 4
#define WINDOW (COLUMNS - INDENT - 2) /* of a record shown as evidence */
#define BEFORE_MARK 24

/* ---- pieces ---------------------------------------------------------------------------------- */

static bool colours(void)
{
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no && *no) && !(terminal && strcmp(terminal, "dumb") == 0);
}

static const char *colour_of(enum audit_severity s)
{
    static const char *const codes[] = {
        [AUDIT_ERROR] = "\033[31m", [AUDIT_WARNING] = "\033[33m", [AUDIT_NOTE] = "\033[36m"};
    return colours() ? codes[s] : "";
}

static const char *plain(void)
{
    return colours() ? "\033[0m" : "";
}

/* Breaks lines at blanks; a word that does not fit a line stands alone. */
static void print_wrapped(struct str text, int indent)
{
    int column = 0;
    struct str word;
    while (str_next(&text, ' ', &word)) {
        if (column > 0 && column + 1 + (int)word.n > COLUMNS - 1) {
            putchar('\n');
            column = 0;
        }
        column += printf("%*s" STR_FMT, column == 0 ? indent : 1, "", STR_ARG(word));
    }
    putchar('\n');
}

/* At most `room` columns of a name. */
static void print_cut(const char *text, size_t room)
{
    size_t n = strlen(text);
    if (n <= room)
        printf("%s\n", text);
    else
        printf("%.*s...\n", (int)(room - 3), text);
}

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

static void print_record(const struct audit_record *r, int indent)
{
    AUTO(buf_close) struct buf text = {0};
    struct str rest, line;
    audit_record_line(r, indent > 0 ? COLUMNS - (size_t)indent : 0, &text);
    rest = buf_str(&text);
    while (str_next(&rest, '\n', &line))
        printf("%*s" STR_FMT "\n", indent, "", STR_ARG(line));
}

/* ---- parts of the report --------------------------------------------------------------------- */

static void print_verdict(const struct audit_report *r)
{
    static const char *const words[] = {
        [AUDIT_PASS] = "mail from this domain will pass DMARC at receivers",
        [AUDIT_FAIL] = "mail from this domain will not pass DMARC at receivers",
        [AUDIT_UNKNOWN] = "cannot tell whether mail from this domain will pass DMARC",
    };
    static const enum audit_severity like[] = {
        [AUDIT_PASS] = AUDIT_NOTE, [AUDIT_FAIL] = AUDIT_ERROR, [AUDIT_UNKNOWN] = AUDIT_WARNING};
    printf("%s\n%s", r->domain, colour_of(like[r->verdict]));
    print_wrapped(str_of(words[r->verdict]), 2);
    printf("%s", plain());
    print_wrapped(str_of(r->sentence.english), 2);
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
        printf("%s%-8s%s %-*s ", colour_of(f->severity), audit_severity_name(f->severity), plain(),
            widest, f->code);
        print_cut(f->name, (size_t)(COLUMNS - 10 - widest));
    }
    if (r->findings_n == 0)
        puts(
            r->gaps_n > 0 ? "nothing found wrong in what could be checked" : "nothing found wrong");
}

static void print_finding(const struct audit_finding *f)
{
    AUTO(buf_close) struct buf here = {0};
    printf("\n%s%s%s %s\n", colour_of(f->severity), audit_severity_name(f->severity), plain(),
        f->code);
    buf_addf(&here, "%s. %s", f->title, f->why);
    print_wrapped(buf_str(&here), 2);
    buf_clear(&here);
    buf_addf(&here, "%s: %s", f->name, f->detail.english);
    print_wrapped(buf_str(&here), 2);
    if (f->evidence[0])
        print_evidence(f);
    if (f->publish_n > 0)
        puts("  publish");
    for (size_t i = 0; i < f->publish_n; i++)
        print_record(&f->publish[i], INDENT);
}

static void print_gaps(const struct audit_report *r)
{
    if (r->gaps_n > 0)
        puts("\nnot checked");
    for (size_t i = 0; i < r->gaps_n; i++) {
        AUTO(buf_close) struct buf codes = {0};
        print_wrapped(str_of(r->gaps[i].reason.english), 2);
        for (size_t j = 0; j < r->gaps[i].codes_n; j++)
            buf_addf(&codes, "%s%s", j > 0 ? " " : "", r->gaps[i].codes[j]);
        print_wrapped(buf_str(&codes), INDENT);
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

static bool dns_failed(const struct audit_report *r)
{
    for (size_t i = 0; i < r->gaps_n; i++)
        if (r->gaps[i].dns_failed)
            return true;
    return false;
}

/* Worth a line where the DNS failed, or where not the machine's own DNS was asked. */
static void print_asked(const struct audit_report *r, const struct cli_dns *dns)
{
    AUTO(buf_close) struct buf text = {0};
    bool ours = strcmp(dns->from, "settings") == 0;
    if (strcmp(dns->from, "system") == 0 && dns->zones_n == 0 && !dns_failed(r))
        return;
    buf_add_text(&text, "asked: ");
    for (size_t i = 0; i < dns->zones_n; i++)
        buf_addf(&text, "%s%s", i > 0 ? ", " : "zone file ", dns->zones[i]);
    buf_add_text(&text, dns->zones_n > 0 ? ", else " : "");
    for (size_t i = 0; i < dns->servers_n; i++)
        buf_addf(&text, "%s%s", i > 0 ? ", " : "", dns->servers[i]);
    buf_addf(&text, "%s%s", dns->servers_n == 0 ? "no server" : "", ours ? " (settings)" : "");
    print_wrapped(buf_str(&text), 2);
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

void audit_print_text(const struct audit_report *r, const struct cli_dns *dns)
{
    print_verdict(r);
    print_asked(r, dns);
    print_table(r);
    for (size_t i = 0; i < r->findings_n; i++)
        print_finding(&r->findings[i]);
    print_gaps(r);
    print_providers(r);
}

/* ---- zone lines, codes ----------------------------------------------------------------------- */

static bool is_same_record(const struct audit_record *a, const struct audit_record *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->type, b->type) == 0 &&
           strcmp(a->value, b->value) == 0;
}

/* Two findings may be mended by one record. */
static bool printed_before(
    const struct audit_report *r, size_t finding, const struct audit_record *one)
{
    for (size_t i = 0; i < finding; i++)
        for (size_t j = 0; j < r->findings[i].publish_n; j++)
            if (is_same_record(&r->findings[i].publish[j], one))
                return true;
    return false;
}

void audit_print_fixes(const struct audit_report *r)
{
    for (size_t i = 0; i < r->findings_n; i++) {
        const struct audit_finding *f = &r->findings[i];
        bool headed = false;
        for (size_t j = 0; j < f->publish_n; j++) {
            if (printed_before(r, i, &f->publish[j]))
                continue;
            if (!headed)
                printf("; %s: %s\n", f->code, f->title);
            headed = true;
            print_record(&f->publish[j], 0);
        }
    }
}

void audit_print_codes(void)
{
    struct audit_code k;
    puts("| code | severity | what is wrong | why it matters |\n|---|---|---|---|");
    for (size_t i = 0; audit_code_at(i, &k); i++)
        printf("| `%s` | %s%s%s | %s | %s |\n", k.code, audit_severity_name(k.severity),
            k.unless[0] ? "; " : "", k.unless, k.title, k.why);
}
