/* SPF records as syntax: what a term is read as, and where a record breaks. Numbers are sections of RFC 7208. */
#include "dns/spf_record.h"
#include "tests/dns/world.h"

static void only_the_version_makes_a_record(void **state)
{
    static const struct {
        const char *name, *text;
        bool want;
    } cases[] = {
        {"4.5_alone", "v=spf1", true},
        {"4.5_with_a_blank", "v=spf1 ", true},
        {"4.5_with_terms", "v=spf1 -all", true},
        {"4.5_in_any_case", "V=sPf1 -all", true},
        {"4.5_longer", "v=spf10 -all", false},
        {"4.5_with_a_tab", "v=spf1\t-all", false},
        {"4.5_later", " v=spf1", false},
        {"4.5_shorter", "v=spf", false},
        {"4.5_empty", "", false},
    };
    (void)state;
    EACH(c, cases)
    {
        expect_number(c->name, spf_is_record(str_of(c->text)), c->want);
    }
}

/* One term as "kind qualifier domain-spec network bits4 bits6 @at". */
static const char *term_text(struct arena *a, const struct spf_term *t)
{
    static const char *const kinds[] = {
        "all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists", "redirect", "exp", "unknown"};
    char ip[IP_TEXT_SIZE] = "-";
    if (t->network.family != 0)
        ip_text(&t->network, ip);
    return arena_printf(a, "%s %c " STR_FMT " %s %d %d @%zu", kinds[t->kind],
        t->qualifier ? t->qualifier : '=', STR_ARG(t->domain_spec), ip, t->bits4, t->bits6, t->at);
}

static void terms_are_read_whole(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"plain", "v=spf1 -all", "all -  - 32 128 @7"},
        {"upper_case", "v=spf1 INCLUDE:B.example", "include + B.example - 32 128 @7"},
        {"both_lengths", "v=spf1 ~a:b.example/8//64", "a ~ b.example - 8 64 @7"},
        {"one_length", "v=spf1 ?mx/9", "mx ?  - 9 128 @7"},
        {"the_other_length", "v=spf1 mx//9", "mx +  - 32 9 @7"},
        {"a_slash_in_a_macro", "v=spf1 a:%{l/}/9", "a + %{l/} - 9 128 @7"},
        {"a_number_that_is_no_length", "v=spf1 exists:b/24.example",
            "exists + b/24.example - 32 128 @7"},
        {"ip4", "v=spf1 ip4:192.0.2.0/24", "ip4 +  192.0.2.0 24 128 @7"},
        {"ip6", "v=spf1 ip6:2001:db8::/32", "ip6 +  2001:db8:: 32 32 @7"},
        {"modifiers", "v=spf1  redirect=b.example", "redirect = b.example - 32 128 @8"},
        {"exp", "v=spf1 exp=%{d}", "exp = %{d} - 32 128 @7"},
        {"unknown", "v=spf1 x-1_y.z=%{c}", "unknown =  - 32 128 @7"},
        {"unknown_and_empty", "v=spf1 x=", "unknown =  - 32 128 @7"},
    };
    struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    {
        struct spf_record r;
        spf_record_parse(str_of(c->text), a, &r);
        expect_number(c->name, r.valid && r.n == 1, true);
        expect_text(c->name, term_text(a, &r.terms[0]), c->want);
    }
    arena_close(&a);
}

static void the_terms_that_steer_are_found(void **state)
{
    struct spf_record r;
    struct arena *a = arena_open();
    (void)state;
    spf_record_parse(STR("v=spf1 a exp=e.example -all redirect=r.example +all"), a, &r);
    assert_true(r.valid);
    assert_int_equal(r.n, 5);
    assert_ptr_equal(r.exp, &r.terms[1]);
    assert_ptr_equal(r.all, &r.terms[2]);
    assert_ptr_equal(r.redirect, &r.terms[3]);
    spf_record_parse(STR("v=spf1"), a, &r);
    assert_true(r.valid && r.n == 0 && !r.all && !r.redirect && !r.exp);
    arena_close(&a);
}

static void a_fault_has_its_place(void **state)
{
    static const struct {
        const char *name, *text, *want; /* term, byte, the beginning of the sentence */
    } cases[] = {
        {"unknown_mechanism", "v=spf1 a -foo:b -all", "1 10 there is no such mechanism"},
        {"bad_top_label", "v=spf1 a:b.c.123 -all", "0 13 a domain must end"},
        {"single_label", "v=spf1 mx a:museum", "1 12 a domain must end"},
        {"bad_macro", "v=spf1 exists:a.%{x}.b", "0 18 there is no macro of this letter"},
        {"bare_percent", "v=spf1 exists:a%.b", "0 15 a bare %"},
        {"zero_parts", "v=spf1 exists:%{d0}.b", "0 17 a macro cannot keep 0 parts"},
        {"not_closed", "v=spf1 exists:%{d", "0 17 a macro is"},
        {"for_explanations", "v=spf1 exists:%{t}.b", "0 14 the macros c, r and t"},
        {"control_character", "v=spf1 a:b\tc.d", "0 10 only visible ASCII"},
        {"missing_value", "v=spf1 include", "0 14 this mechanism needs a colon"},
        {"empty_value", "v=spf1 include:", "0 15 a domain is missing"},
        {"bad_length", "v=spf1 a:b.example/33", "0 8 a prefix length is"},
        {"three_slashes", "v=spf1 a///64", "0 8 a prefix length is"},
        {"length_where_none_is", "v=spf1 ptr/24", "0 10 no prefix length"},
        {"all_with_value", "v=spf1 all:x", "0 10 all takes no value"},
        {"bad_ip4", "v=spf1 ip4:1.2.3", "0 11 ip4: needs"},
        {"bad_ip4_length", "v=spf1 ip4:1.2.3.4/40", "0 18 an IPv4 prefix length"},
        {"bad_ip6", "v=spf1 ip6:g::", "0 11 ip6: needs"},
        {"bad_ip6_length", "v=spf1 ip6:1::/129", "0 14 an IPv6 prefix length"},
        {"second_redirect", "v=spf1 redirect=a.b redirect=a.b", "1 20 redirect= and exp="},
        {"bad_redirect", "v=spf1 redirect=a", "0 16 a domain must end"},
        {"bad_unknown_modifier", "v=spf1 moo=a%b", "0 12 a bare %"},
        {"only_a_qualifier", "v=spf1 -", "0 8 there is no such mechanism"},
        {"only_an_equals_sign", "v=spf1 =b", "0 7 there is no such mechanism"},
    };
    struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    {
        struct spf_record r;
        spf_record_parse(str_of(c->text), a, &r);
        const char *have = arena_printf(
            a, "%zu %zu %s", r.fault.term, r.fault.at, r.valid ? "" : r.fault.why.text);
        expect_number(c->name, r.valid, false);
        expect_text(c->name, arena_text(a, str_slice(str_of(have), 0, strlen(c->want))), c->want);
        expect_number(c->name, r.n == r.fault.term, true);
    }
    arena_close(&a);
}

static void six_kinds_ask_the_dns(void **state)
{
    size_t n = 0;
    (void)state;
    for (int k = SPF_ALL; k <= SPF_UNKNOWN_MODIFIER; k++)
        n += spf_kind_asks((enum spf_kind)k);
    assert_int_equal(n, 6);
    assert_false(spf_kind_asks(SPF_EXP));
    assert_true(spf_kind_asks(SPF_REDIRECT));
}

/* An explanation of a stranger may not grow without limit. */
static void expansions_have_a_limit(void **state)
{
    AUTO(buf_close) struct buf record = {0}, out = {0};
    struct spf_values v = {.sender = STR("a-long-local-part@a-long-domain.example")};
    (void)state;
    for (int i = 0; i < 1000; i++)
        buf_add_text(&record, "%{s}");
    assert_true(spf_expand(buf_str(&record), &v, &out));
    assert_int_equal(out.n, 1000 * v.sender.n);
    for (int i = 0; i < 4000; i++)
        buf_add_text(&record, "%{s}");
    buf_clear(&out);
    assert_false(spf_expand(buf_str(&record), &v, &out));
    assert_true(out.n < SPF_EXPANSION_MAX + 1000);
}

static void names_are_cut_from_the_left(void **state)
{
    static const struct {
        const char *name;
        size_t labels_of_9; /* each with its dot 10 characters */
        const char *end;
        size_t want;
    } cases[] = {
        {"exactly_as_it_is", 24, "aaaaa.%{d}", 253},
        {"a_final_dot_is_none_of_them", 24, "aaaaa.%{d}.", 253},
        {"one_character_too_many", 24, "aaaaaa.%{d}", 244},
        {"many_too_many", 100, "%{d}", 247},
    };
    (void)state;
    EACH(c, cases)
    {
        AUTO(buf_close) struct buf spec = {0};
        char name[NAME_SIZE];
        struct spf_values v = {.domain = STR("example")};
        for (size_t i = 0; i < c->labels_of_9; i++)
            buf_add_text(&spec, "Aaaaaaaaa.");
        buf_add_text(&spec, c->end);
        expect_number(c->name, spf_expand_name(buf_str(&spec), &v, name), true);
        expect_number(c->name, (int64_t)strlen(name), (int64_t)c->want);
        expect_number(c->name, name[0] == 'A', true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_version_makes_a_record),
        cmocka_unit_test(terms_are_read_whole),
        cmocka_unit_test(the_terms_that_steer_are_found),
        cmocka_unit_test(a_fault_has_its_place),
        cmocka_unit_test(six_kinds_ask_the_dns),
        cmocka_unit_test(expansions_have_a_limit),
        cmocka_unit_test(names_are_cut_from_the_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
