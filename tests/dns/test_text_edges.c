/* The record parsers on texts that end where something is still expected. Each text lies in a heap buffer of its exact
 * size, so that the sanitizers notice a byte read beyond it. */
#include "dns/bimi.h"
#include "dns/dkim_record.h"
#include "dns/dmarc.h"
#include "dns/mta_sts.h"
#include "dns/spf_record.h"
#include "dns/tags.h"
#include "dns/tls_rpt.h"
#include "tests/dns/world.h"

#include <stdlib.h>

static const char *const heads[] = {"", "v=spf1 ",
    "v=spf1 a:", "v=spf1 ip4:", "v=spf1 redirect=", "v=DMARC1; ",
    "v=DMARC1; rua=", "v=DKIM1; p=", "v=STSv1", "v=TLSRPTv1", "v=STSv1; ", "v=STSv1; id=1; ",
    "version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 1\n", "v=TLSRPTv1; ",
    "v=TLSRPTv1; rua=", "v=BIMI1; l="};
static const char *const ends[] = {"", " ", "\t", ";", " ;", "=", ";=", "x",
    "x=", "x =", "x= ", ":", "x:", "x: ", "x:\t", "x: y ", "\r", "\n", "\r\n", "-", "a-", "a.", ".",
    "*.", "*", "!", "mailto:", "mailto:a", "mailto:@", "mailto:a@", "https:", "https:/", "https://",
    "https://x", "https://x:", "v", "v ", "V=", "%", "%{", "%{d", "%{d1", "%{d1r", "%{d}",
    "1.2.3.4/", "1.2.3.4//", "/", "//", "//1", "a/", "a//", "a/1/",
    "include:", "exists:", "exp=", "all", "+", "x,", "a,,b", "1:", "::", "\\"};

static void parse_all(struct str text, struct arena *a)
{
    struct dmarc_record dmarc;
    struct dkim_record dkim;
    struct mta_sts_record sts;
    struct mta_sts_policy policy;
    struct tls_rpt_record report;
    struct bimi_record bimi;
    struct spf_record spf;
    struct spf_place place;
    char name[NAME_SIZE];
    dmarc_parse(text, a, &dmarc);
    dkim_record_parse(text, a, &dkim);
    mta_sts_parse_record(text, a, &sts);
    mta_sts_parse_policy(text, a, &policy);
    tls_rpt_parse(text, a, &report);
    bimi_parse(text, a, &bimi);
    if (spf_is_record(text))
        spf_record_parse(text, a, &spf);
    (void)!spf_macro_is_valid(text, SPF_MACRO_IN_EXPLANATION, &place);
    (void)!name_canonical(text, name);
    assert_true(dkim.status != DKIM_RECORD_GOOD);
}

static void no_parser_reads_beyond_its_text(void **state)
{
    (void)state;
    EACH(head, heads)
    EACH(end, ends)
    {
        AUTO(arena_close) struct arena *a = arena_open();
        size_t n = strlen(*head), m = strlen(*end);
        char *exact = malloc(n + m > 0 ? n + m : 1);
        assert_non_null(exact);
        memcpy(exact, *head, n);
        memcpy(exact + n, *end, m);
        parse_all((struct str){exact, n + m}, a);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_parser_reads_beyond_its_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
