/* DMARC records, tag by tag. Numbers in case comments are sections of RFC 9989. */
#include "dns/dmarc.h"
#include "tests/dns/world.h"

static const char *join(struct arena *a, const char *const *texts, size_t n)
{
    const char *out = "";
    for (size_t i = 0; i < n; i++)
        out = arena_printf(a, "%s%s%s", out, i > 0 ? "; " : "", texts[i]);
    return out;
}

static const char *join_notes(struct arena *a, const struct dmarc_record *r)
{
    const char *texts[64];
    for (size_t i = 0; i < r->notes_n; i++)
        texts[i] = r->notes[i].text;
    return join(a, texts, r->notes_n);
}

static void only_a_version_first_makes_a_record(void **state)
{
    static const struct {
        const char *name, *text;
        bool valid;
    } cases[] = {
        {"plain", "v=DMARC1; p=none", true},
        {"version_alone", "v=DMARC1", true},
        {"version_and_semicolon", "v=DMARC1;", true},
        {"blanks_around_the_equals_sign", "v = DMARC1 ; p=none", true},
        {"tabs_too", "v\t=\tDMARC1\t;p=none", true},
        {"v_in_upper_case", "V=DMARC1; p=none", true},
        {"version_is_compared_with_case", "v=dmarc1; p=none", false},
        {"another_version", "v=DMARC2; p=none", false},
        {"version_with_a_tail", "v=DMARC1x; p=none", false},
        {"no_semicolon_after_the_version", "v=DMARC1 p=none", false},
        {"version_not_first", "p=none; v=DMARC1", false},
        {"blank_before_the_version", " v=DMARC1; p=none", false},
        {"semicolon_before_the_version", "; v=DMARC1; p=none", false},
        {"empty", "", false},
        {"v_alone", "v", false},
        {"without_value", "v=", false},
        {"an_spf_record", "v=spf1 -all", false},
    };
    struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    {
        struct dmarc_record r;
        dmarc_parse(str_of(c->text), a, &r);
        expect_number(c->name, r.valid, c->valid);
    }
    arena_close(&a);
}

/* A record as one line: p/sp/np adkim aspf psd t rua? notes | removed */
static const char *describe(struct arena *a, const char *text)
{
    struct dmarc_record r;
    dmarc_parse(str_of(text), a, &r);
    return arena_printf(a, "%s%s/%s%s/%s%s %c%c %c%s%s fo=" STR_FMT, dmarc_policy_name(r.p),
        r.bad_p ? "!" : "", dmarc_policy_name(r.sp), r.bad_sp ? "!" : "", dmarc_policy_name(r.np),
        r.bad_np ? "!" : "", r.adkim, r.aspf, r.psd, r.testing ? " t" : "",
        r.has_valid_rua ? " rua" : "", STR_ARG(r.fo));
}

static void tags_have_their_values_and_defaults(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"4.7_defaults", "v=DMARC1", "// rr u fo=0"},
        {"4.7_all_policies", "v=DMARC1; p=none; sp=quarantine; np=reject",
            "none/quarantine/reject rr u fo=0"},
        {"4.8_values_fold_case", "v=DMARC1; p=REJECT; adkim=S; psd=Y; t=Y", "reject// sr y t fo=0"},
        {"4.8_names_fold_case", "v=DMARC1; P=reject; ASPF=s", "reject// rs u fo=0"},
        {"4.8_p_in_any_place", "v=DMARC1; sp=none; rua=mailto:a@b.example; p=reject",
            "reject/none/ rr u rua fo=0"},
        {"4.8_no_blank_needed", "v=DMARC1;p=reject;t=y;", "reject// rr u t fo=0"},
        {"4.8_blanks_everywhere", "v=DMARC1 ;\tp = reject ; aspf\t=\ts ;", "reject// rs u fo=0"},
        {"4.8_empty_pieces_are_passed_over", "v=DMARC1;;; p=reject;;", "reject// rr u fo=0"},
        {"4.7_bad_p", "v=DMARC1; p=maybe", "!// rr u fo=0"},
        {"4.7_bad_sp_and_np", "v=DMARC1; p=reject; sp=x; np=y", "reject/!/! rr u fo=0"},
        {"4.7_empty_p_is_no_tag", "v=DMARC1; p=; sp=none", "/none/ rr u fo=0"},
        {"4.7_bad_letters_give_defaults", "v=DMARC1; adkim=x; aspf=strict; psd=1; t=yes",
            "// rr u fo=0"},
        {"4.7_psd_n", "v=DMARC1; psd=n", "// rr n fo=0"},
        {"4.7_t_n", "v=DMARC1; t=n", "// rr u fo=0"},
        {"first_of_repeated_tags", "v=DMARC1; p=none; p=reject", "none// rr u fo=0"},
        {"first_even_when_bad", "v=DMARC1; p=bad; p=reject", "!// rr u fo=0"},
        {"a_second_v_changes_nothing", "v=DMARC1; v=DMARC2; p=reject", "reject// rr u fo=0"},
        {"4.7_unknown_tags_are_ignored", "v=DMARC1; x=1; p=reject; future=yes",
            "reject// rr u fo=0"},
        {"a_piece_without_equals_is_ignored", "v=DMARC1; nonsense; p=reject", "reject// rr u fo=0"},
        {"4.7_fo_list", "v=DMARC1; fo=1:d:s", "// rr u fo=1:d:s"},
        {"4.7_fo_0_and_1_exclude_each_other", "v=DMARC1; fo=0:1", "// rr u fo=0"},
        {"4.7_fo_d_once", "v=DMARC1; fo=d:d", "// rr u fo=0"},
        {"4.7_fo_unknown", "v=DMARC1; fo=x", "// rr u fo=0"},
        {"rua_mailto", "v=DMARC1; rua=mailto:dmarc@shop.example", "// rr u rua fo=0"},
        {"rua_with_a_size_of_rfc_7489", "v=DMARC1; rua=mailto:dmarc@shop.example!10m",
            "// rr u rua fo=0"},
        {"rua_one_valid_of_two", "v=DMARC1; rua=dmarc@shop.example, mailto:d@shop.example",
            "// rr u rua fo=0"},
        {"rua_https_is_a_uri", "v=DMARC1; rua=https://r.example/x", "// rr u rua fo=0"},
        {"rua_without_scheme", "v=DMARC1; rua=dmarc@shop.example", "// rr u fo=0"},
        {"rua_without_domain", "v=DMARC1; rua=mailto:dmarc@", "// rr u fo=0"},
        {"rua_without_local_part", "v=DMARC1; rua=mailto:@shop.example", "// rr u fo=0"},
        {"rua_with_a_blank_inside", "v=DMARC1; rua=mailto:a b@shop.example", "// rr u fo=0"},
        {"rua_scheme_begins_with_a_digit", "v=DMARC1; rua=1mailto:a@b.example", "// rr u fo=0"},
        {"rua_only_commas", "v=DMARC1; rua=,,", "// rr u fo=0"},
    };
    struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    expect_text(c->name, describe(a, c->text), c->want);
    arena_close(&a);
}

static void what_is_odd_is_noted(void **state)
{
    static const struct {
        const char *name, *text, *notes, *removed;
    } cases[] = {
        {"nothing_to_say", "v=DMARC1; p=none; rua=mailto:a@b.example", "", ""},
        {"tags_that_rfc_9989_removed", "v=DMARC1; p=none; pct=50; RF=afrf; ri=86400", "",
            "pct; RF; ri"},
        {"repeated", "v=DMARC1; p=none; p=reject", "the tag p stands again: the first one counts",
            ""},
        {"unknown", "v=DMARC1; x1=2", "the tag x1 is unknown", ""},
        {"bad_values", "v=DMARC1; p=maybe; t=yes",
            "p=maybe is no value of this tag; t=yes is no value of this tag", ""},
        {"malformed", "v=DMARC1; p none", "\"p none\" is no tag=value", ""},
        {"nothing_to_say_of_each_tag",
            "v=DMARC1; p=none; sp=none; np=none; adkim=r; aspf=r; psd=u; t=n; fo=1; "
            "ruf=mailto:a@b.example; rua=mailto:a@b.example",
            "", ""},
        {"a_name_that_cannot_be_one", "v=DMARC1; p!x=none", "\"p!x=none\" is no tag=value", ""},
        {"no_uri", "v=DMARC1; ruf=me", "ruf has \"me\", which is no URI", ""},
    };
    struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    {
        struct dmarc_record r;
        dmarc_parse(str_of(c->text), a, &r);
        expect_text(c->name, join_notes(a, &r), c->notes);
        expect_text(c->name, join(a, r.removed, r.removed_n), c->removed);
    }
    arena_close(&a);
}

/* What takes one condition of the reader each; the rows above do not. */
static void each_condition_of_the_reader_counts(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"another_tag_with_the_version's_value", "x=DMARC1; p=none", "not valid"},
        {"a_longer_name_with_the_version's_value", "vx=DMARC1; p=none", "not valid"},
        {"fo_a_bad_piece_before_a_good_one", "v=DMARC1; fo=x:1", "// rr u fo=0"},
        {"fo_two_letters_in_a_piece", "v=DMARC1; fo=1x", "// rr u fo=0"},
        {"fo_an_empty_piece", "v=DMARC1; fo=1::d", "// rr u fo=0"},
        {"fo_an_empty_piece_at_the_end", "v=DMARC1; fo=1:", "// rr u fo=0"},
        {"fo_an_empty_piece_at_the_beginning", "v=DMARC1; fo=:1", "// rr u fo=0"},
        {"fo_s_once", "v=DMARC1; fo=s:S", "// rr u fo=0"},
    };
    struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    {
        struct dmarc_record r;
        dmarc_parse(str_of(c->text), a, &r);
        expect_text(c->name, r.valid ? describe(a, c->text) : "not valid", c->want);
    }
    arena_close(&a);
}

static void report_uris_are_read_byte_by_byte(void **state)
{
    static const struct {
        struct str uri;
        bool valid;
    } cases[] = {
        {STR("a:x"), true},
        {STR("z:x"), true},
        {STR("A:x"), true},
        {STR("Z:x"), true},
        {STR("az:x"), true},
        {STR("x0123456789+-.:y"), true},
        {STR("@:x"), false},
        {STR("[:x"), false},
        {STR("`:x"), false},
        {STR("{:x"), false},
        {STR("a`:x"), false},
        {STR("a{:x"), false},
        {STR("a_b:x"), false},
        {STR("1a:x"), false},
        {STR("+:x"), false},
        {STR("a\0b:x"), false},
        {STR(":x"), false},
        {STR("x:"), false},
        {STR("x:~"), true},
        {STR("x:\x7f"), false},
        {STR("x:\x80"), false},
        {STR("x:a\"b"), false},
        {STR("x:a<b"), false},
        {STR("x:a^b"), false},
        {STR("x:a|b"), false},
        {STR("mailto:a@b"), true},
        {STR("mailto:a"), false},
    };
    struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    {
        struct buf text = {0};
        struct dmarc_record r;
        buf_add_text(&text, "v=DMARC1; rua=");
        buf_add(&text, c->uri);
        dmarc_parse(buf_str(&text), a, &r);
        expect_number(c->uri.p, r.has_valid_rua, c->valid);
        buf_close(&text);
    }
    arena_close(&a);
}

static void a_flood_of_tags_is_bounded(void **state)
{
    struct arena *a = arena_open();
    struct buf b = {0};
    struct dmarc_record r;
    (void)state;
    buf_add_text(&b, "v=DMARC1");
    for (int i = 0; i < 5000; i++)
        buf_add_text(&b, "; x=1; pct=1");
    buf_add_text(&b, "; p=reject");
    dmarc_parse(buf_str(&b), a, &r);
    assert_true(r.notes_n <= 16 && r.removed_n <= 16);
    assert_int_equal(r.p, DMARC_REJECT);
    buf_close(&b);
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_version_first_makes_a_record),
        cmocka_unit_test(tags_have_their_values_and_defaults),
        cmocka_unit_test(what_is_odd_is_noted),
        cmocka_unit_test(each_condition_of_the_reader_counts),
        cmocka_unit_test(report_uris_are_read_byte_by_byte),
        cmocka_unit_test(a_flood_of_tags_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
