/* SPF where one condition of the reader or of the evaluation decides alone: macros, terms, and what a verdict tells. */
#include "dns/spf.h"
#include "dns/spf_record.h"
#include "tests/dns/world.h"

#include <stdlib.h>

#define TOP "$ORIGIN example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n"
#define TOP_REVERSE                                                                                \
    "$ORIGIN 2.0.192.in-addr.arpa.\n$TTL 300\n@ IN SOA ns.example. host.example. 1 2 3 4 60\n"

/* ---- macros -------------------------------------------------------------------------------------- */

static void macro_strings_are_valid_or_not(void **state)
{
    static const struct {
        const char *name;
        struct str text;
        bool in_term, in_explanation;
    } cases[] = {
        {"a_blank", STR("a b"), false, true},
        {"a_tab", STR("a\tb"), false, false},
        {"the_first_and_last_byte", STR("!~"), true, true},
        {"a_delete", STR("a\x7f"), false, false},
        {"above_ascii", STR("a\x80"), false, false},
        {"a_percent_and_nul", STR("%\0"), false, false},
        {"a_brace_and_nul", STR("%{\0}"), false, false},
        {"an_explanations_macro", STR("%{c}"), false, true},
        {"a_number_beyond_64_bits", STR("%{d18446744073709551616}"), true, true},
        {"no_parts", STR("%{d00}"), false, false},
    };
    (void)state;
    EACH(c, cases)
    {
        struct spf_place place;
        expect_number(c->name, spf_macro_is_valid(c->text, SPF_MACRO_IN_EXPLANATION, &place),
            c->in_explanation);
        AUTO(buf_close) struct buf spec = {0};
        buf_add(&spec, c->text);
        buf_add_text(&spec, ".example");
        expect_number(c->name, spf_domain_spec_is_valid(buf_str(&spec), &place), c->in_term);
    }
}

static void top_labels_are_no_numbers(void **state)
{
    static const struct {
        const char *label;
        bool want;
    } cases[] = {{"com", true}, {"x1", true}, {"1x", true}, {"a-b", true}, {"1-2", true},
        {"12", false}, {"", false}, {"-a", false}, {"a-", false}, {"a_b", false}};
    (void)state;
    EACH(c, cases)
    expect_number(c->label, spf_is_toplabel(str_of(c->label)), c->want);
}

static struct str nobody(void *state)
{
    (void)state;
    return STR("unknown");
}

/* The local part as a heap buffer of its exact size: what is read beyond it is noticed. */
static const char *expand(struct arena *a, const char *text, struct str local)
{
    AUTO(buf_close) struct buf out = {0};
    char *exact = malloc(local.n > 0 ? local.n : 1);
    assert_non_null(exact);
    memcpy(exact, local.p, local.n);
    const struct spf_values v = {.local = {exact, local.n},
        .domain = STR("shop.example"),
        .validated_name = nobody,
        .ip = {.family = 4}};
    bool fine = spf_expand(str_of(text), &v, &out);
    free(exact);
    return fine ? arena_text(a, buf_str(&out)) : "too long";
}

static void macros_expand_part_by_part(void **state)
{
    static const struct {
        const char *name, *text;
        struct str local;
        const char *want;
    } cases[] = {
        {"escaped", "%{L}", STR("Az09-._~!"), "Az09-._~%21"},
        {"one_part", "%{l1}", STR("a.b.c"), "c"},
        {"more_parts_than_there_are", "%{l9}", STR("a.b.c"), "a.b.c"},
        {"reversed", "%{lr}", STR("a.b.c"), "c.b.a"},
        {"one_part_reversed", "%{l1r}", STR("a.b.c"), "a"},
        {"two_parts_reversed", "%{l2r}", STR("a.b.c"), "b.a"},
        {"more_reversed_than_there_are", "%{l9r}", STR("a.b.c"), "c.b.a"},
        {"one_part_of_one_reversed", "%{l1r}", STR("abc"), "abc"},
        {"empty_parts_reversed", "%{lr-}", STR("-a-"), ".a."},
        {"nothing_reversed", "%{lr}", STR(""), ""},
        {"a_count_beyond_64_bits", "%{l18446744073709551617}", STR("a.b"), "a.b"},
    };
    AUTO(arena_close) struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    expect_text(c->name, expand(a, c->text, c->local), c->want);
}

static void an_expansion_ends_at_its_limit(void **state)
{
    static const struct {
        const char *name;
        size_t n;
        bool want;
    } cases[] = {{"the_limit", SPF_EXPANSION_MAX, true}, {"one_more", SPF_EXPANSION_MAX + 1, false},
        {"a_few_more", SPF_EXPANSION_MAX + 9, false}};
    const struct spf_values v = {.validated_name = nobody};
    (void)state;
    EACH(c, cases)
    {
        AUTO(buf_close) struct buf text = {0}, out = {0};
        while (text.n < c->n)
            buf_add_char(&text, 'x');
        expect_number(c->name, spf_expand(buf_str(&text), &v, &out), c->want);
    }
}

/* ---- terms --------------------------------------------------------------------------------------- */

static void terms_are_told_from_each_other(void **state)
{
    static const struct {
        const char *name;
        struct str text;
        bool valid;
        enum spf_kind kind; /* of the first term */
    } cases[] = {
        {"equals_within_a_mechanism", STR("v=spf1 a:b=c.example"), true, SPF_A},
        {"a_modifiers_name", STR("v=spf1 aZz19-_.=x"), true, SPF_UNKNOWN_MODIFIER},
        {"a_brace_in_the_name", STR("v=spf1 a{=x"), false, 0},
        {"an_exclamation_mark_in_the_name", STR("v=spf1 a!=x"), false, 0},
        {"a_digit_first", STR("v=spf1 1a=x"), false, 0},
        {"a_nul_in_the_name", STR("v=spf1 x\0y=z -all"), false, 0},
        {"a_nul_instead_of_equals", STR("v=spf1 x\0y -all"), false, 0},
        {"a_slash_without_length", STR("v=spf1 a:b.example/"), false, 0},
        {"two_slashes_without_length", STR("v=spf1 a//"), false, 0},
    };
    AUTO(arena_close) struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    {
        struct spf_record r;
        spf_record_parse(c->text, a, &r);
        expect_number(c->name, r.valid, c->valid);
        if (c->valid)
            expect_number(c->name, r.terms[0].kind, c->kind);
    }
    assert_false(spf_is_record(STR("v=spf2 -all")));
    assert_false(spf_is_record(STR("vvspf1")));
    assert_true(spf_is_record(STR("V=SPF1")));
}

static void a_length_that_is_missing_is_a_fault_of_the_domain(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct spf_record r;
    (void)state;
    spf_record_parse(STR("v=spf1 a:b.example/"), a, &r);
    assert_non_null(strstr(r.fault.why.text, "top-level label"));
}

/* ---- the evaluation ------------------------------------------------------------------------------ */

static const char *path_text(struct world *w, const struct spf_verdict *v)
{
    const char *out = "";
    for (size_t i = 0; i < v->path_n; i++)
        out = arena_printf(w->arena, "%s%s\n", out, v->path[i]);
    return out;
}

static void check(struct world *w, const char *zone, const char *reverse, const char *mail_from,
    struct spf_verdict *out)
{
    world_zone(w, 0, arena_printf(w->arena, TOP "%s", zone));
    world_zone(w, 1, arena_printf(w->arena, TOP_REVERSE "%s", reverse));
    world_resolver(w, NULL, 1000);
    struct spf_question q = {
        .helo = STR("bare"), .mail_from = str_of(mail_from), .clock = &w->clock};
    assert_true(ip_parse(STR("192.0.2.1"), &q.ip));
    spf_check(w->resolver, &q, w->arena, out);
}

static void verdicts_tell_what_they_rest_on(void **state)
{
    static const struct {
        const char *name, *zone, *mail_from, *want; /* RESULT MECHANISM DOMAIN TTL, then the path */
    } cases[] = {
        {"no_domain_no_question", "", "a@example",
            "none   0\n\"example\" is no domain that could have an SPF record\n"},
        {"an_escape_is_none_here", "x\\032y TXT \"v=spf1 +all\"\n", "a@x\\032y.example",
            "none   0\n\"x\\032y.example\" is no domain that could have an SPF record\n"},
        {"a_delete_is_not_printed", "shop TXT \"v=spf1 a\\127\"\n", "a@shop.example",
            "permerror   300\nshop.example has v=spf1 a?\nshop.example a?: there is no such "
            "mechanism: all, include, a, mx, ptr, ip4, ip6 and exists exist\n"},
        {"several_records", "shop TXT \"v=spf1 a\"\nshop TXT \"v=spf1 b\"\n", "a@shop.example",
            "permerror   300\nshop.example has more than one SPF record\n"},
        {"a_redirect_that_leads_nowhere", "shop TXT \"v=spf1 redirect=%{h}\"\n", "a@shop.example",
            "permerror   300\nshop.example has v=spf1 redirect=%{h}\nshop.example "
            "redirect=%{h}: no domain name\n"},
        {"an_included_default_decides_nothing",
            "shop TXT \"v=spf1 include:in.example include:gone.example -all\"\nin TXT \"v=spf1\"\n",
            "a@shop.example",
            "permerror   60\nshop.example has v=spf1 include:in.example include:gone.example "
            "-all\nin.example has v=spf1\nin.example: nothing matched\nshop.example "
            "include:in.example: no match\ngone.example has no SPF record\nshop.example "
            "include:gone.example: permerror\n"},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct spf_verdict v;
        world_begin(&w);
        check(&w, c->zone, "", c->mail_from, &v);
        expect_text(c->name,
            arena_printf(w.arena, "%s %s %s %u\n%s", spf_result_name(v.result), v.mechanism,
                v.domain, v.ttl_s, path_text(&w, &v)),
            c->want);
        world_end(&w);
    }
}

static void names_of_the_address_are_chosen_by_rank(void **state)
{
    static const struct {
        const char *name, *ptr, *want;
        unsigned voids;
    } cases[] = {
        {"the_domain_itself_before_one_below", "1 PTR shop.example.\n1 PTR a.shop.example.\n",
            "shop.example", 0},
        {"one_below_before_another", "1 PTR a.shop.example.\n1 PTR other.example.\n",
            "a.shop.example", 0},
        {"another_before_none", "1 PTR other.example.\n", "other.example", 0},
        {"one_without_address_is_void", "1 PTR nodata.example.\n1 PTR shop.example.\n",
            "shop.example", 1},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct spf_verdict v;
        world_begin(&w);
        check(&w,
            arena_printf(w.arena,
                "shop TXT \"v=spf1 exists:%%{p}.found.example -all\"\nshop A 192.0.2.1\na.shop A "
                "192.0.2.1\nother A 192.0.2.1\nnodata TXT x\n%s.found A 127.0.0.2\n",
                c->want),
            c->ptr, "a@shop.example", &v);
        expect_text(c->name, spf_result_name(v.result), "pass");
        expect_number(c->name, v.void_lookups, c->voids);
        world_end(&w);
    }
}

/* A second term that asks for the names of the address has them already. */
static void ten_names_are_looked_at_once(void **state)
{
    struct world w;
    struct spf_verdict v;
    AUTO(buf_close) struct buf ptr = {0}, addresses = {0};
    (void)state;
    for (int i = 0; i < 10; i++) {
        buf_addf(&ptr, "1 PTR n%d.example.\n", i);
        buf_addf(&addresses, "n%d A 192.0.2.1\n", i);
    }
    world_begin(&w);
    check(&w,
        arena_printf(w.arena,
            "shop TXT \"v=spf1 ptr:x.example ptr:y.example ptr:z.example -all\"\n%s",
            buf_text(&addresses)),
        buf_text(&ptr), "a@shop.example", &v);
    expect_text("result", spf_result_name(v.result), "fail");
    expect_number("lookups", v.lookups, 3);
    world_end(&w);
}

/* The first look sees the beginning; all later ones the very end of the time. */
static int64_t now_ms(void *state)
{
    int *looks = state;
    return (*looks)++ == 0 ? 1000 : 1000 + SPF_TIME_MAX_MS;
}

static void the_last_millisecond_is_too_late(void **state)
{
    struct world w;
    struct spf_verdict v;
    int looks = 0;
    const struct clock clock = {now_ms, &looks};
    (void)state;
    world_begin_on(&w, TOP "shop TXT \"v=spf1 -all\"\n", "");
    struct spf_question q = {
        .helo = STR("mx.example"), .mail_from = STR("a@shop.example"), .clock = &clock};
    assert_true(ip_parse(STR("192.0.2.1"), &q.ip));
    spf_check(w.resolver, &q, w.arena, &v);
    expect_text("result", spf_result_name(v.result), "temperror");
    expect_text("problem", v.problem, "the evaluation took longer than 20 seconds");
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(macro_strings_are_valid_or_not),
        cmocka_unit_test(top_labels_are_no_numbers),
        cmocka_unit_test(macros_expand_part_by_part),
        cmocka_unit_test(an_expansion_ends_at_its_limit),
        cmocka_unit_test(terms_are_told_from_each_other),
        cmocka_unit_test(a_length_that_is_missing_is_a_fault_of_the_domain),
        cmocka_unit_test(verdicts_tell_what_they_rest_on),
        cmocka_unit_test(names_of_the_address_are_chosen_by_rank),
        cmocka_unit_test(ten_names_are_looked_at_once),
        cmocka_unit_test(the_last_millisecond_is_too_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
