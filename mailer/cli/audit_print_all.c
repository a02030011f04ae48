/* Many domains at once: their summary, what to publish for them, and the table of codes. */
#include "mailer/cli/audit_print.h"
#include "mailer/cli/paper.h"

#include <stdio.h>

#define VERDICT_COLUMNS 6
#define DOMAIN_COLUMNS 34

/* ---- summary --------------------------------------------------------------------------------- */

struct counted {
    size_t n;
    struct said words;
};

static void print_heading(const struct checkup *all, size_t n, struct tongue *t)
{
    AUTO(buf_close) struct buf line = {0};
    size_t verdicts[3] = {0}, returns = 0;
    for (size_t i = 0; i < n; i++)
        if (all[i].survey->returns_only)
            returns++;
        else
            verdicts[all[i].report.verdict]++;
    const struct counted parts[] = {
        {verdicts[AUDIT_FAIL], SAID("all.fail", " will not pass DMARC")},
        {verdicts[AUDIT_UNKNOWN], SAID("all.unknown", " cannot be told")},
        {verdicts[AUDIT_PASS], SAID("all.pass", " will pass DMARC")},
        {returns == 1 ? 1 : 0, SAID("all.return_path", " return path")},
        {returns > 1 ? returns : 0, SAID("all.return_paths", " return paths")},
    };
    buf_addf(&line, "%zu%s", n,
        tongue_tell(t, n == 1 ? SAID("all.domain", " domain:") : SAID("all.domains", " domains:")));
    const char *before = tongue_tell(t, SAID("all.first", " "));
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (parts[i].n == 0)
            continue;
        buf_addf(&line, "%s%zu%s", before, parts[i].n, tongue_tell(t, parts[i].words));
        before = tongue_tell(t, SAID("all.next", ", "));
    }
    paper_wrapped(buf_str(&line), 0);
}

static void print_count(size_t n)
{
    if (n > 0)
        printf(" %4zu", n);
    else
        printf(" %4s", "-");
}

static void print_row(const struct checkup *c, int widest, struct tongue *t)
{
    const struct audit_report *r = &c->report;
    const char *const words[] = {[AUDIT_PASS] = tongue_tell(t, SAID("all.word_pass", "pass")),
        [AUDIT_FAIL] = tongue_tell(t, SAID("all.word_fail", "FAIL")),
        [AUDIT_UNKNOWN] = "?"};
    static const enum audit_severity like[] = {
        [AUDIT_PASS] = AUDIT_NOTE, [AUDIT_FAIL] = AUDIT_ERROR, [AUDIT_UNKNOWN] = AUDIT_WARNING};
    bool fits = strlen(r->domain) <= (size_t)widest;
    printf("%s", c->survey->returns_only ? "" : paper_colour(like[r->verdict]));
    paper_padded(c->survey->returns_only ? "-" : words[r->verdict], VERDICT_COLUMNS);
    printf("%s ", paper_plain());
    printf("%-*.*s%s", fits ? widest : widest - 3, fits ? widest : widest - 3, r->domain,
        fits ? "" : "...");
    print_count(r->errors);
    print_count(checkup_count(r, AUDIT_WARNING));
    print_count(checkup_count(r, AUDIT_NOTE));
    if (r->findings_n > 0 || r->unsure)
        printf("  ");
    if (r->findings_n > 0)
        paper_cut(r->findings[0].code, (size_t)(PAPER_COLUMNS - 18 - VERDICT_COLUMNS - widest));
    else
        puts(r->unsure ? tongue_tell(t, SAID("all.dns_failed", "(the DNS failed)")) : "");
}

static void print_head(int widest, struct tongue *t)
{
    const struct said heads[] = {
        SAID("all.errors", " err"), SAID("all.warnings", "warn"), SAID("all.notes", "note")};
    putchar('\n');
    paper_padded("DMARC", VERDICT_COLUMNS + 1);
    paper_padded(tongue_tell(t, SAID("all.name", "domain")), widest + 1);
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        paper_padded(tongue_tell(t, heads[i]), 5);
    printf(" %s\n", tongue_tell(t, SAID("all.worst", "the worst")));
}

void audit_print_summary(
    const struct checkup *all, size_t n, const struct cli_dns *dns, struct tongue *t)
{
    int widest = 10;
    print_heading(all, n, t);
    audit_print_asked(all, n, dns, t);
    for (size_t i = 0; i < n; i++) {
        int length = (int)strlen(all[i].report.domain);
        widest = length > widest ? length : widest;
    }
    widest = widest > DOMAIN_COLUMNS ? DOMAIN_COLUMNS : widest;
    print_head(widest, t);
    for (size_t i = 0; i < n; i++)
        print_row(&all[i], widest, t);
    putchar('\n');
    if (n > 0)
        paper_wrapped(
            str_of(tongue_tell(t, SAID("all.hint", "`parcelpost check-dns DOMAIN` says what is "
                                                   "wrong with one, `--all --fix` prints "
                                                   "what to publish for all."))),
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
