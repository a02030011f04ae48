/* Tag lists (RFC 6376 s3.2): where one tag ends, and which names are names. */
#include "dns/tags.h"
#include "tests/dns/world.h"

static void tags_are_cut_and_told_apart(void **state)
{
    static const struct {
        const char *name, *text, *want; /* "name=value" of each; "!" before what is none */
    } cases[] = {
        {"plain", "v=1; k = rsa ;p=", "v=1 k=rsa p="},
        {"empty_pieces", ";; ;a=1;;b=2; ", "a=1 b=2"},
        {"equals_in_the_value", "p=a=b==", "p=a=b=="},
        {"letters_at_the_edges", "a=;z=;A=;Z=", "a= z= A= Z="},
        {"digits_and_underscores_later", "a0_9=1", "a0_9=1"},
        {"without_equals", "hello", "!hello="},
        {"without_name", "=1", "!=1"},
        {"a_digit_first", "0a=1", "!0a=1"},
        {"an_underscore_first", "_a=1", "!_a=1"},
        {"what_stands_before_0", "a/=1", "!a/=1"},
        {"what_stands_behind_9", "a:=1", "!a:=1"},
        {"what_stands_before_a", "`=1", "!`=1"},
        {"what_stands_behind_z", "{=1", "!{=1"},
        {"a_blank_within", "a b=1", "!a b=1"},
        {"nothing", "", ""},
    };
    AUTO(arena_close) struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    {
        struct str rest = str_of(c->text);
        struct tag t;
        const char *have = "";
        while (tag_next(&rest, &t))
            have = arena_printf(a, "%s%s%s" STR_FMT "=" STR_FMT, have, have[0] ? " " : "",
                t.well_formed ? "" : "!", STR_ARG(t.name), STR_ARG(t.value));
        expect_text(c->name, have, c->want);
    }
}

static void words_are_found_in_lists(void **state)
{
    (void)state;
    assert_true(tag_list_has(STR("sha1 : SHA256"), ':', "sha256"));
    assert_false(tag_list_has(STR("sha1:sha2567"), ':', "sha256"));
    assert_false(tag_list_has(STR(""), ':', "sha256"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_cut_and_told_apart),
        cmocka_unit_test(words_are_found_in_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
