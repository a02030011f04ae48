/* check-dns over a whole DNS of a stranger's (small_world.h): the report is whole, says of each gap and finding what it
 * must, and is printed without control characters in lines of 80 columns, but for words that are longer; zone lines have
 * no such bound. Links: cli, dns, base. */
#include <stdio.h>
#include <stdlib.h>

#include "mailer/cli/audit_print.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/small_world.h"

#define COLUMNS 80
#define LONG_WORD 60

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void get_page(void *state, const char *url, const struct web_limits *limits, struct arena *a,
    struct fetch_answer *out)
{
    const struct str *page = state;
    (void)limits;
    *out = (struct fetch_answer){.status = FETCH_OK,
        .why = "",
        .http_status = 200,
        .content_type = "text/plain",
        .url = arena_text(a, str_of(url)),
        .location = "",
        .body = *page};
}

static void check_report(const struct audit_report *r)
{
    must(r->sentence.text[0] != 0);
    must(r->findings_n > 0 || r->verdict != AUDIT_FAIL);
    for (size_t i = 0; i < r->findings_n; i++) {
        const struct audit_finding *f = &r->findings[i];
        must(f->code[0] && f->title[0] && f->why[0] && f->name[0]);
        must(i == 0 || r->findings[i - 1].severity <= f->severity);
        must(f->mark_at + f->mark_n <= strlen(f->evidence));
        for (size_t j = 0; j < f->publish_n; j++)
            must(f->publish[j].name[0] && f->publish[j].type[0]);
    }
    for (size_t i = 0; i < r->gaps_n; i++)
        must(r->gaps[i].reason.text[0] && r->gaps[i].codes_n > 0);
}

static void check_line(struct str line, size_t columns)
{
    size_t longest = 0;
    struct str rest = line, word;
    while (str_next(&rest, ' ', &word))
        longest = word.n > longest ? word.n : longest;
    if (str_has_control(line) || (line.n > columns && longest <= LONG_WORD)) {
        fprintf(stderr, "a line of %zu columns: " STR_FMT "\n", line.n, STR_ARG(line));
        abort();
    }
}

static void print_text(const struct checkup *c)
{
    static const struct cli_dns dns = {.from = "option"};
    AUTO(tongue_close) struct tongue *english = tongue_english();
    audit_print_text(c, &dns, english);
}

static void print_fixes(const struct checkup *c)
{
    audit_print_fixes(c, 1);
}

/* What the command prints goes to stdout, which is another stream meanwhile. */
static void check_print(
    const struct checkup *c, void (*print)(const struct checkup *), size_t columns)
{
    char *text = NULL;
    size_t n = 0;
    FILE *terminal = stdout, *memory = open_memstream(&text, &n);
    must(memory != NULL);
    stdout = memory;
    print(c);
    stdout = terminal;
    must(fclose(memory) == 0);
    struct str rest = {text, n}, line;
    while (str_next(&rest, '\n', &line))
        check_line(line, columns);
    free(text);
}

/* The page behind every URL is what follows a line of "%". */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct small_world w;
    struct survey survey = {0};
    struct checkup checkup = {.survey = &survey};
    struct str all = str_bytes(data, size);
    size_t cut = str_find(all, STR("\n%\n"), 0);
    struct str page = str_slice(all, cut + 3, all.n);
    struct web web = {get_page, &page};
    struct audit_key key = {"shop.example", "s1", "", STR("")};
    struct ip address;
    must(ip_parse(STR("198.51.100.7"), &address));
    small_world_open(&w, str_slice(all, 0, cut));
    struct audit_setup setup = {
        .resolver = w.resolver,
        .clock = &w.clock,
        .web = &web,
        .domain = "shop.example",
        .keys = &key,
        .keys_n = 1,
        .keys_are_all = size % 2 == 0,
        .addresses = &address,
        .addresses_n = 1,
        .mail_from = size % 3 == 0 ? "" : "bounce.shop.example",
        .helo = "mx.shop.example",
        .links = "mail.shop.example",
    };
    audit_run(&setup, w.arena, &checkup.report);
    check_report(&checkup.report);
    check_print(&checkup, print_text, COLUMNS);
    check_print(&checkup, print_fixes, SIZE_MAX);
    small_world_close(&w);
    return 0;
}
