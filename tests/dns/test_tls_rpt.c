/* TLS reporting records (RFC 8460 s3). */
#include "dns/tls_rpt.h"
#include "tests/dns/world.h"

static const char *const words[] = {"good", "absent", "several", "broken", "temperror"};

static const char *describe(struct arena *a, const struct tls_rpt_record *r)
{
    const char *out = words[r->status];
    for (size_t i = 0; r->status == TLS_RPT_GOOD && i < r->uris_n; i++)
        out = arena_printf(
            a, "%s %s:%s", out, r->uris[i].mailto ? "mailto" : "https", r->uris[i].host);
    return out;
}

static void records_are_judged(void **state)
{
    static const struct {
        const char *name, *text, *want, *why, *note;
    } cases[] = {
        {"mail", "v=TLSRPTv1; rua=mailto:reports@example.com", "good mailto:example.com", "", ""},
        {"page", "v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt",
            "good https:reporting.example.com", "", ""},
        {"final_semicolon_and_no_blanks", "v=TLSRPTv1;rua=mailto:a@example.com;",
            "good mailto:example.com", "", ""},
        {"two", "v=TLSRPTv1; rua=mailto:a@One.Example , https://two.example:8443/x?y",
            "good mailto:one.example https:two.example", "", ""},
        {"mail_with_headers", "v=TLSRPTv1; rua=mailto:a@example.com?subject=x@y",
            "good mailto:example.com", "", ""},
        {"schemes_in_upper_case", "v=TLSRPTv1; rua=MAILTO:a@example.com", "good mailto:example.com",
            "", ""},
        {"unknown_fields_are_ignored", "v=TLSRPTv1; x=1; rua=mailto:a@example.com; y.z=2",
            "good mailto:example.com", "", "unknown"},
        {"rua_twice_the_first_counts",
            "v=TLSRPTv1; rua=mailto:a@one.example; rua=mailto:a@two.example",
            "good mailto:one.example", "", "first one counts"},
        {"other_schemes_are_passed_over", "v=TLSRPTv1; rua=http://a.example/,mailto:a@example.com",
            "good mailto:example.com", "", "neither mailto nor https"},
        {"only_other_schemes", "v=TLSRPTv1; rua=http://a.example/", "broken",
            "nobody who can be reported to", "neither mailto nor https"},
        {"rua_missing", "v=TLSRPTv1;", "broken", "rua= is missing", ""},
        {"rua_empty", "v=TLSRPTv1; rua=", "broken", "nobody who can be reported to", ""},
        {"rua_in_upper_case_is_another_field", "v=TLSRPTv1; RUA=mailto:a@example.com", "broken",
            "rua= is missing", "unknown"},
        {"an_address_without_scheme", "v=TLSRPTv1; rua=a@example.com", "broken", "no URI", ""},
        {"mail_without_domain", "v=TLSRPTv1; rua=mailto:reports", "broken", "without a host", ""},
        {"mail_without_box", "v=TLSRPTv1; rua=mailto:@example.com", "broken", "without a host", ""},
        {"page_without_host", "v=TLSRPTv1; rua=https:///x", "broken", "without a host", ""},
        {"page_without_slashes", "v=TLSRPTv1; rua=https:a.example", "broken", "without a host", ""},
        {"a_uri_with_a_blank", "v=TLSRPTv1; rua=mailto:a b@example.com", "broken", "no URI", ""},
        {"nothing_between_commas", "v=TLSRPTv1; rua=,mailto:a@example.com", "broken", "no URI", ""},
        {"an_empty_scheme", "v=TLSRPTv1; rua=:x", "broken", "no URI", ""},
        {"a_uri_with_a_delete", "v=TLSRPTv1; rua=mailto:a\x7f@example.com", "broken", "no URI", ""},
        {"a_uri_with_a_quote", "v=TLSRPTv1; rua=mailto:\"a@example.com", "broken", "no URI", ""},
        {"the_first_of_two_faults", "v=TLSRPTv1; hello; rua=a@example.com", "broken", "hello", ""},
        {"a_field_without_equals", "v=TLSRPTv1; hello; rua=mailto:a@example.com", "broken",
            "no name=value", ""},
        {"version_alone_is_discarded", "v=TLSRPTv1", "absent", "v=TLSRPTv1;", ""},
        {"version_in_lower_case", "v=tlsrptv1; rua=mailto:a@example.com", "absent", "v=TLSRPTv1;",
            ""},
        {"another_version", "v=TLSRPTv2; rua=mailto:a@example.com", "absent", "v=TLSRPTv1;", ""},
        {"another_record", "v=spf1 -all", "absent", "v=TLSRPTv1;", ""},
    };
    struct world *w = *state;
    EACH(c, cases)
    {
        struct tls_rpt_record r;
        tls_rpt_parse(str_of(c->text), w->arena, &r);
        expect_text(c->name, describe(w->arena, &r), c->want);
        if (!strstr(r.why.text, c->why) || (r.status == TLS_RPT_GOOD) != (r.why.text[0] == 0))
            fail_msg("%s: why is \"%s\"", c->name, r.why.text);
        expect_number(c->name, r.notes_n > 0, c->note[0] != 0);
        if (r.notes_n > 0 && !strstr(r.notes[0], c->note))
            fail_msg("%s: the note is \"%s\"", c->name, r.notes[0]);
    }
}

static void uris_have_a_limit(void **state)
{
    struct world *w = *state;
    struct tls_rpt_record r;
    struct buf text = {0};
    buf_add_text(&text, "v=TLSRPTv1; rua=mailto:a@example.com");
    for (int i = 0; i < TLS_RPT_MAX_URIS; i++)
        buf_add_text(&text, ",mailto:b@example.com");
    tls_rpt_parse(buf_str(&text), w->arena, &r);
    expect_number("kept", (int64_t)r.uris_n, TLS_RPT_MAX_URIS);
    expect_number("said", (int64_t)r.notes_n, 1);
    buf_close(&text);
}

static void records_are_found(void **state)
{
    static const struct {
        const char *domain, *want;
    } cases[] = {
        {"good.example", "good mailto:example.com"},
        {"two.example", "several"},
        {"other.example", "absent"},
        {"nobody.example", "absent"},
        {"elsewhere.test", "temperror"},
    };
    struct world *w = *state;
    EACH(c, cases)
    {
        struct tls_rpt_record r;
        tls_rpt_find(w->resolver, c->domain, w->arena, &r);
        expect_text(c->domain, describe(w->arena, &r), c->want);
        expect_number(c->domain, r.status == TLS_RPT_GOOD, r.why.text[0] == 0);
    }
}

static int begin(void **state)
{
    return world_of_group(state,
        "$ORIGIN example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n"
        "_smtp._tls.good IN TXT \"v=TLSRPTv1; rua=mailto:\" \"a@example.com\"\n"
        "_smtp._tls.good IN TXT \"note\"\n"
        "_smtp._tls.two IN TXT \"v=TLSRPTv1; rua=mailto:a@example.com\"\n"
        "_smtp._tls.two IN TXT \"v=TLSRPTv1; rua=mailto:b@example.com\"\n"
        "_smtp._tls.other IN TXT \"v=DMARC1; p=none\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_judged),
        cmocka_unit_test(uris_have_a_limit),
        cmocka_unit_test(records_are_found),
    };
    return cmocka_run_group_tests(tests, begin, world_of_group_ends);
}
