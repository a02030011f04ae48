/* Two readers take the same texts and make the same of them; what differs would depend on a detail of the text that no
 * sender can know. */
#include "base/json_inside.h"
#include "tests/base/expect.h"

#include <stdlib.h>

#define TEXT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static void print(const struct js *v, struct buf *out)
{
    js_write(v, JS_COMPACT, out);
}

static bool both_agree(const char *name, struct str text)
{
    AUTO(js_close) struct js *quick = json_read_quickly(text, JS_VALUES_MAX);
    AUTO(js_close) struct js *slow = NULL;
    AUTO(buf_close) struct buf one = {0};
    AUTO(buf_close) struct buf other = {0};
    struct err e = {0};
    bool taken = json_read_slowly(text, JS_VALUES_MAX, &slow, &e);

    expect(name, taken == (quick != NULL), taken ? "quick to take it" : "quick to leave it");
    if (!taken)
        return false;
    print(quick, &one);
    print(slow, &other);
    expect_str(name, buf_str(&one), buf_str(&other));
    return true;
}

static void right_texts_are_read_quickly(void **state)
{
    static const struct str cases[] = {
        TEXT("{}"),
        TEXT("[ ]"),
        TEXT("\"\""),
        TEXT(" \t\r\n{ \"a\" : [ 1 , -2 , 0 , -0 ] , \"b\" : { } } \n"),
        TEXT("[true,false,null,\"true\"]"),
        TEXT("[123456789012345678,1234567890123456789,-9223372036854775808,9223372036854775807]"),
        TEXT("[0.5,-1.25e3,1E5,1e+2,1e-2,0e0,"
             "100000000000000000000000000000000000000000000000000000000000000000000000.0]"),
        TEXT("\"exactly8exactly8\""),
        TEXT("\"a run that ends behind eight \\\" and goes on far enough to run again\""),
        TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\u00e4\\u20ac\\ud83d\\ude00\\uffff\""),
        TEXT("\"https:\\/\\/shop.example\\/a\\/b\""),
        TEXT("\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \x7f\""),
        TEXT("{\"\\u0061\":{\"\\u0062\":[\"\\u0063\",\"\\u0064\"]},\"\\u0065\":\"\\u0066\"}"),
        TEXT("{\"\":1,\" \":2,\"a\":3,\"A\":4}"),
        TEXT("[[[[[[[[[[{\"a\":[[[]]]}]]]]]]]]]]"),
        TEXT("7"),
    };

    (void)state;
    EACH(text, cases)
    expect("right", both_agree(text->p, *text), text->p);
}

static void wrong_texts_are_left_to_the_other_reader(void **state)
{
    static const struct str cases[] = {
        TEXT(""),
        TEXT(" "),
        TEXT("\0"),
        TEXT("{}\0"),
        TEXT("[1\0]"),
        TEXT("\"a\0b\""),
        TEXT("\"\\u0000\""),
        TEXT("\"\\ud800\""),
        TEXT("\"\\ud800\\u0041\""),
        TEXT("\"\\udc00\""),
        TEXT("\"\\u12g4\""),
        TEXT("\"\\u12"),
        TEXT("\"\\x\""),
        TEXT("\"\\\0\""),
        TEXT("\"\\"),
        TEXT("\"no end"),
        TEXT("\"a line\nbreak behind a few more letters\""),
        TEXT("\"\xc0\xaf\""),
        TEXT("\"\xed\xa0\x80\""),
        TEXT("\"\xf4\x90\x80\x80\""),
        TEXT("\"cut \xe2\x82"),
        TEXT("{\"a\":1,\"a\":2}"),
        TEXT("{\"a\":1,\"\\u0061\":2}"),
        TEXT("{\"a\"}"),
        TEXT("{\"a\":}"),
        TEXT("{\"a\":1,}"),
        TEXT("{a:1}"),
        TEXT("{\"a\":1"),
        TEXT("[1,]"),
        TEXT("[,1]"),
        TEXT("[1 2]"),
        TEXT("[1}"),
        TEXT("[1"),
        TEXT("[]]"),
        TEXT("1 2"),
        TEXT("-"),
        TEXT("--1"),
        TEXT("01"),
        TEXT("-01"),
        TEXT("+1"),
        TEXT("1."),
        TEXT(".5"),
        TEXT("1e"),
        TEXT("1e999"),
        TEXT("9223372036854775808"),
        TEXT("1-1"),
        TEXT("truex"),
        TEXT("tru"),
        TEXT("nan"),
        TEXT("\xef\xbb\xbf{}"),
        TEXT("[1/**/]"),
    };

    (void)state;
    EACH(text, cases)
    expect("wrong", !both_agree(text->p, *text), text->p);
}

/* Steps of a linear congruential generator: the same mutations in each run. */
static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % below;
}

static void mutated_texts_are_judged_alike(void **state)
{
    static const char seed_text[] =
        "{\"to\":{\"email\":\"j\\u00e4ne@shop.example\",\"name\":\"Jane \xc3\xa4 "
        "Doe\"},\"n\":[1,-20,3.5e1,true,"
        "false,null],\"content\":\"JVBERi0xLjQKJcOkw7zDtsOfCjIgMCBvYmoK\\/"
        "ab+\",\"e\":{},\"l\":[],\"t\":\"\\ud83d\\ude00\"}";
    static const char pool[] = "{}[]\",:\\/u0019-.eEtrufalsn \n\x01\x7f\x80\xc3\xa4\xe2\xed";
    uint64_t seed = 1;
    int taken = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[sizeof seed_text];
        size_t n = sizeof seed_text - 1;
        memcpy(text, seed_text, n);
        for (uint32_t changes = 1 + draw(&seed, 3); changes > 0; changes--)
            text[draw(&seed, (uint32_t)n)] = pool[draw(&seed, sizeof pool - 1)];
        if (draw(&seed, 8) == 0)
            n = draw(&seed, (uint32_t)n);
        taken += both_agree("mutated", str_bytes(text, n));
    }
    assert_true(taken > 2000 && taken < 18000);
}

static void limits_are_the_same(void **state)
{
    (void)state;
    for (size_t values = 1; values < 8; values++) {
        AUTO(js_close) struct js *quick = json_read_quickly(STR("[1,{\"a\":[2,3]}]"), values);
        AUTO(js_close) struct js *slow = NULL;
        struct err e = {0};
        assert_int_equal(
            json_read_slowly(STR("[1,{\"a\":[2,3]}]"), values, &slow, &e), values >= 5);
        assert_int_equal(quick != NULL, values >= 5);
    }
    for (size_t depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        AUTO(buf_close) struct buf text = {0};
        for (size_t i = 0; i < depth; i++)
            buf_add_char(&text, '[');
        for (size_t i = 0; i < depth; i++)
            buf_add_char(&text, ']');
        assert_int_equal(both_agree("nested", buf_str(&text)), depth <= JSON_DEPTH_MAX);
    }
}

static void a_plain_run_holds_nothing_special(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool special = c < 0x20 || c == '"' || c == '\\' || c >= 0x7f;
        for (size_t at = 0; at < 24; at++) {
            char text[24];
            memset(text, 'a', sizeof text);
            text[at] = (char)c;
            size_t n = json_plain(str_bytes(text, sizeof text));
            assert_in_range(n, special ? at / 8 * 8 : sizeof text, special ? at : sizeof text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_texts_are_read_quickly),
        cmocka_unit_test(wrong_texts_are_left_to_the_other_reader),
        cmocka_unit_test(mutated_texts_are_judged_alike),
        cmocka_unit_test(limits_are_the_same),
        cmocka_unit_test(a_plain_run_holds_nothing_special),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
