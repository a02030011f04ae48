/* Many domains at once: their summary, what to publish for them, and the table of codes. */
#include "mailer/cli/audit_print.h"
#include "mailer/cli/paper.h"

#include <stdio.h>

/* ---- summary --------------------------------------------------------------------------------- */

static void add_count(struct buf *out, size_t n, const char *label)
{
    if (n > 0)
        buf_addf(out, "%s%zu %s", str_ends(buf_str(out), STR(":")) ? " " : ", ", n, label);
}

static void print_heading(const struct checkup *all, size_t n)
{
    AUTO(buf_close) struct buf line = {0};
    size_t verdicts[3] = {0}, returns = 0;
    for (size_t i = 0; i < n; i++)
        if (all[i].survey->returns_only)
            returns++;
        else
            verdicts[all[i].report.verdict]++;
    buf_addf(&line, "%zu domain%s:", n, n == 1 ? "" : "s");
    add_count(&line, verdicts[AUDIT_FAIL], "will not pass DMARC");
    add_count(&line, verdicts[AUDIT_UNKNOWN], "cannot be told");
    add_count(&line, verdicts[AUDIT_PASS], "will pass DMARC");
    add_count(&line, returns, returns == 1 ? "return path" : "return paths");
    paper_wrapped(buf_str(&line), 0);
}

static void print_count(size_t n)
{
    if (n > 0)
        printf(" %4zu", n);
    else
        printf(" %4s", "-");
}

static void print_row(const struct checkup *c, int widest)
{
    const struct audit_report *r = &c->report;
    static const char *const words[] = {
        [AUDIT_PASS] = "pass", [AUDIT_FAIL] = "FAIL", [AUDIT_UNKNOWN] = "?"};
    static const enum audit_severity like[] = {
        [AUDIT_PASS] = AUDIT_NOTE, [AUDIT_FAIL] = AUDIT_ERROR, [AUDIT_UNKNOWN] = AUDIT_WARNING};
    bool fits = strlen(r->domain) <= (size_t)widest;
    printf("%s%-5s%s ", c->survey->returns_only ? "" : paper_colour(like[r->verdict]),
        c->survey->returns_only ? "-" : words[r->verdict], paper_plain());
    printf("%-*.*s%s", fits ? widest : widest - 3, fits ? widest : widest - 3, r->domain,
        fits ? "" : "...");
    print_count(r->errors);
    print_count(checkup_count(r, AUDIT_WARNING));
    print_count(checkup_count(r, AUDIT_NOTE));
    if (r->findings_n > 0 || r->unsure)
        printf("  ");
    if (r->findings_n > 0)
        paper_cut(r->findings[0].code, (size_t)(PAPER_COLUMNS - 23 - widest));
    else
        puts(r->unsure ? "(the DNS failed)" : "");
}

#define DOMAIN_COLUMNS 34

void audit_print_summary(const struct checkup *all, size_t n, const struct cli_dns *dns)
{
    int widest = 10;
    print_heading(all, n);
    audit_print_asked(all, n, dns);
    for (size_t i = 0; i < n; i++) {
        int length = (int)strlen(all[i].report.domain);
        widest = length > widest ? length : widest;
    }
    widest = widest > DOMAIN_COLUMNS ? DOMAIN_COLUMNS : widest;
    printf("\n%-5s %-*s %4s %4s %4s  %s\n", "DMARC", widest, "domain", "err", "warn", "note",
        "the worst");
    for (size_t i = 0; i < n; i++)
        print_row(&all[i], widest);
    putchar('\n');
    if (n > 0)
        paper_wrapped(str_of("`parcelpost check-dns DOMAIN` says what is wrong with one, "
                             "`--all --fix` prints what to publish for all."),
            0);
}

/* ---- zone lines, codes ----------------------------------------------------------------------- */

static bool is_same_set(const struct audit_record *a, const struct audit_record *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->type, b->type) == 0;
}

static bool is_same_record(const struct audit_record *a, const struct audit_record *b)
{
    return is_same_set(a, b) && strcmp(a->value, b->value) == 0;
}

/* Where a record set was proposed first, and by which finding. */
struct place {
    size_t domain, finding;
};

static struct place first_place(
    const struct checkup *all, const struct audit_record *one, struct place end)
{
    for (size_t d = 0; d <= end.domain; d++)
        for (size_t i = 0; i < all[d].report.findings_n && (d < end.domain || i < end.finding);
             i++) {
            const struct audit_finding *f = &all[d].report.findings[i];
            for (size_t j = 0; j < f->publish_n; j++)
                if (is_same_set(&f->publish[j], one))
                    return (struct place){d, i};
        }
    return end;
}

static bool proposes(const struct audit_finding *f, const struct audit_record *one)
{
    for (size_t i = 0; i < f->publish_n; i++)
        if (is_same_record(&f->publish[i], one))
            return true;
    return false;
}

static void print_fix(const struct checkup *all, struct place at)
{
    const struct audit_finding *f = &all[at.domain].report.findings[at.finding];
    bool headed = false;
    for (size_t j = 0; j < f->publish_n; j++) {
        struct place first = first_place(all, &f->publish[j], at);
        bool here = first.domain == at.domain && first.finding == at.finding;
        if (!here && proposes(&all[first.domain].report.findings[first.finding], &f->publish[j]))
            continue;
        if (!headed)
            printf("; %s: %s: %s\n", all[at.domain].report.domain, f->code, f->title);
        headed = true;
        if (here)
            paper_record(&f->publish[j], 0);
        else
            printf("; %s. has its %s above: publish one of them alone\n", f->publish[j].name,
                f->publish[j].type);
    }
}

void audit_print_fixes(const struct checkup *all, size_t n)
{
    for (size_t d = 0; d < n; d++)
        for (size_t i = 0; i < all[d].report.findings_n; i++)
            print_fix(all, (struct place){d, i});
}

void audit_print_codes(void)
{
    struct audit_code k;
    puts("| code | severity | what is wrong | why it matters |\n|---|---|---|---|");
    for (size_t i = 0; audit_code_at(i, &k); i++)
        printf("| `%s` | %s%s%s | %s | %s |\n", k.code, audit_severity_name(k.severity),
            k.unless[0] ? "; " : "", k.unless, k.title, k.why);
}
