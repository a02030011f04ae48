/* Names as text and as bytes: what is one, how it is written, what lies below what. */
#include "dns/name.h"
#include "tests/dns/world.h"

#include <stdlib.h>

#define LABEL_60 "x23456789012345678901234567890123456789012345678901234567890"
#define LABEL_63 LABEL_60 "123"
#define NAME_244 LABEL_60 "." LABEL_60 "." LABEL_60 "." LABEL_60 "."
#define NAME_253 NAME_244 "123456789"

static void text_is_made_canonical_or_refused(void **state)
{
    static const struct {
        const char *name, *text, *want; /* NULL: no name */
    } cases[] = {
        {"plain", "shop.example", "shop.example"},
        {"upper_case", "AZ.EXAMPLE", "az.example"},
        {"what_stands_beside_the_letters", "@[`{", "@[`{"},
        {"final_dot", "shop.example.", "shop.example"},
        {"one_label", "example", "example"},
        {"first_and_last_plain_byte", "!.~", "!.~"},
        {"empty", "", NULL},
        {"a_dot", ".", NULL},
        {"two_final_dots", "shop.example..", NULL},
        {"an_empty_label", "a..b", NULL},
        {"a_dot_first", ".example", NULL},
        {"a_blank", "a b", NULL},
        {"a_delete", "a\x7f", NULL},
        {"above_ascii", "a\x80", NULL},
        {"a_label_of_63", LABEL_63 ".example", LABEL_63 ".example"},
        {"a_label_of_64", LABEL_63 "4.example", NULL},
        {"253_characters", NAME_253, NAME_253},
        {"253_characters_and_a_dot", NAME_253 ".", NAME_253},
        {"254_characters", NAME_253 "0", NULL},
        {"an_escape", "a\\000b", "a\\000b"},
        {"an_escaped_dot", "a\\046b", "a\\046b"},
        {"an_escaped_backslash", "\\092", "\\092"},
        {"the_greatest_escape", "\\255", "\\255"},
        {"an_escape_above_a_byte", "\\256", NULL},
        {"an_escape_that_should_not_be", "\\097", NULL},
        {"an_escape_cut_short", "a\\03", NULL},
        {"an_escape_without_its_first_digit", "\\/99", NULL},
        {"an_escape_without_its_second_digit", "\\1/2", NULL},
        {"an_escape_without_its_third_digit", "\\03x", NULL},
        {"an_escape_with_a_colon", "\\00:", NULL},
        {"an_escape_counts_once", LABEL_60 "12\\032", LABEL_60 "12\\032"},
        {"an_escape_beyond_63", LABEL_63 "\\032", NULL},
    };
    (void)state;
    EACH(c, cases)
    {
        char out[NAME_SIZE] = "";
        bool yes = name_canonical(str_of(c->text), out);
        expect_text(c->name, yes ? out : "no name", c->want ? c->want : "no name");
    }
}

static void bytes_are_escaped_where_text_cannot_show_them(void **state)
{
    static const struct {
        const char *name;
        struct str bytes;
        const char *want;
    } cases[] = {
        {"plain", STR("Shop.example"), "shop.example"},
        {"a_blank", STR("a b"), "a\\032b"},
        {"a_nul", STR("a\0b"), "a\\000b"},
        {"a_backslash_is_itself", STR("a\\032"), "a\\092032"},
        {"above_ascii", STR("\xff"), "\\255"},
        {"a_delete", STR("\x7f"), "\\127"},
        {"nothing", STR(""), "no name"},
        {"253_bytes_and_a_dot", STR(NAME_253 "."), NAME_253},
        {"254_bytes", STR(NAME_253 "0"), "no name"},
        {"far_too_many", STR(NAME_253 NAME_253 NAME_253 NAME_253 NAME_253), "no name"},
        {"too_long_by_its_escapes", STR(NAME_244 "1234567 "), "no name"},
    };
    (void)state;
    EACH(c, cases)
    {
        char out[NAME_SIZE] = "";
        expect_text(c->name, name_from_bytes(c->bytes, out) ? out : "no name", c->want);
    }
}

/* From a heap buffer of its exact size, so that a byte read beyond it is noticed. */
static const char *from_wire(struct arena *a, struct str wire)
{
    char *exact = malloc(wire.n > 0 ? wire.n : 1);
    assert_non_null(exact);
    memcpy(exact, wire.p, wire.n);
    const char *out = name_from_wire((struct str){exact, wire.n}, a);
    free(exact);
    return out ? out : "no name";
}

static void wire_bytes_are_read_to_their_end(void **state)
{
    static const struct {
        const char *name;
        struct str wire;
        const char *want;
    } cases[] = {
        {"the_root", STR("\0"), ""},
        {"two_labels", STR("\4Shop\7example\0"), "shop.example"},
        {"a_dot_within_a_label", STR("\3a.b\0"), "a\\046b"},
        {"nothing", STR(""), "no name"},
        {"without_root", STR("\1a"), "no name"},
        {"a_length_alone", STR("\1"), "no name"},
        {"a_label_beyond_the_end", STR("\5ab\0"), "no name"},
        {"bytes_behind_the_root", STR("\1a\0\0"), "no name"},
        {"a_label_of_63", STR("\77" LABEL_63 "\0"), LABEL_63},
        {"a_label_of_64", STR("\100" LABEL_63 "4\0"), "no name"},
        {"a_pointer", STR("\300\14"), "no name"},
        {"255_bytes", STR("\77" LABEL_63 "\77" LABEL_63 "\77" LABEL_63 "\75" LABEL_60 "1\0"),
            LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_60 "1"},
        {"256_bytes", STR("\77" LABEL_63 "\77" LABEL_63 "\77" LABEL_63 "\76" LABEL_60 "12\0"),
            "no name"},
    };
    AUTO(arena_close) struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    expect_text(c->name, from_wire(a, c->wire), c->want);
}

static void text_goes_back_to_the_same_wire_bytes(void **state)
{
    static const struct {
        const char *name, *text;
        struct str want;
    } cases[] = {
        {"the_root", "", STR("\0")},
        {"two_labels", "shop.example", STR("\4shop\7example\0")},
        {"a_final_dot_in_upper_case", "Shop.EXAMPLE.", STR("\4shop\7example\0")},
        {"a_blank", "a\\032b.test", STR("\3a b\4test\0")},
        {"a_dot_within_a_label", "a\\046b.test", STR("\3a.b\4test\0")},
        {"a_backslash_and_a_nul", "\\092\\000", STR("\2\\\0\0")},
        {"nothing_but_escapes", "\\255\\255.\\255", STR("\2\377\377\1\377\0")},
        {"253_characters", LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_60 "1",
            STR("\77" LABEL_63 "\77" LABEL_63 "\77" LABEL_63 "\75" LABEL_60 "1\0")},
        {"an_empty_label", "a..b", STR("")},
        {"an_escape_cut_short", "a\\03", STR("")},
        {"254_characters", NAME_253 "0", STR("")},
    };
    AUTO(arena_close) struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    {
        uint8_t out[NAME_WIRE_MAX];
        size_t n = name_to_wire(c->text, out);
        expect_number(c->name, (int64_t)n, (int64_t)c->want.n);
        if (n > 0)
            expect_number(c->name, memcmp(out, c->want.p, n), 0);
    }
    expect_text("and_back", name_from_wire(STR("\3a.b\2\\\0\0"), a), "a\\046b.\\092\\000");
}

static void names_lie_below_each_other_by_whole_labels(void **state)
{
    static const struct {
        const char *name, *top;
        bool want;
    } cases[] = {
        {"shop.example", "shop.example", true},
        {"a.shop.example", "shop.example", true},
        {"a.shop.example", "", true},
        {"", "", true},
        {"myshop.example", "shop.example", false},
        {"example", "shop.example", false},
        {"shop.examples", "shop.example", false},
    };
    (void)state;
    EACH(c, cases)
    expect_number(c->name, name_is_at_or_below(c->name, c->top), c->want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_made_canonical_or_refused),
        cmocka_unit_test(bytes_are_escaped_where_text_cannot_show_them),
        cmocka_unit_test(wire_bytes_are_read_to_their_end),
        cmocka_unit_test(text_goes_back_to_the_same_wire_bytes),
        cmocka_unit_test(names_lie_below_each_other_by_whole_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
