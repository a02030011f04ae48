#include "base/json.h"
#include "tests/base/expect.h"

/* ---- malloc as base/json_slow.c calls it; see CMakeLists.txt ---- */

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);

static bool counting;
static size_t allocations, first_refused; /* 0 = none is */

void *__wrap_malloc(size_t n)
{
    if (counting && ++allocations >= first_refused && first_refused > 0)
        return NULL;
    return __real_malloc(n);
}

/* ---- realloc as base/buf.c calls it ---- */

void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);

static size_t moves; /* of bytes that stood elsewhere, perhaps */

void *__wrap_realloc(void *p, size_t n)
{
    moves += p != NULL;
    return __real_realloc(p, n);
}

static void close_value(struct js **v)
{
    js_close(v);
}

#define WIDE_KEY                                                                                   \
    "12345678901234567890123456789012345678901234567890123456789012\xc3\xa9"                       \
    "1234567"
#define LONG_KEY "1234567890123456789012345678901234567890123456789012345678901234567890"

static void what_is_no_json_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *name;
        struct str text;
        const char *place; /* how the error begins, "" = any */
    } cases[] = {
        {"empty", {"", 0}, "line 1"},
        {"white_space_alone", {" \n ", 3}, "line 2"},
        {"a_duplicate_key", {"{\"a\":1,\n\"a\":2}", 14},
            "line 2 column 3: duplicate object key \"a\""},
        {"a_duplicate_key_spelled_differently", {"{\"a\":1,\"\\u0061\":2}", 18},
            "line 1 column 15: duplicate object key \"\\u0061\""},
        {"a_duplicate_key_deeper", {"[{\"b\":{\"a\":1,\"a\":2}}]", 21},
            "line 1 column 16: duplicate object key \"a\""},
        {"a_duplicate_key_with_a_quote", {"{\"a\\\"b\":1,\"a\\\"b\":2}", 19},
            "line 1 column 16: duplicate object key \"a\\\"b\""},
        {"a_duplicate_key_without_a_letter", {"{\"\":1,\"\":2}", 11},
            "line 1 column 8: duplicate object key \"\""},
        {"a_long_duplicate_key", {"{\"" LONG_KEY "\":1,\"" LONG_KEY "\":2}", 151},
            "line 1 column 148: duplicate object key \"1234567890123456789012345678901234567890"
            "12345678901234567890123..."},
        {"a_long_duplicate_key_cut_within_a_letter",
            {"{\"" WIDE_KEY "\":1,\"" WIDE_KEY "\":2}", 153},
            "line 1 column 148: duplicate object key \"1234567890123456789012345678901234567890"
            "1234567890123456789012..."},
        {"a_nul_escape", {"\"a\\u0000b\"", 10}, ""},
        {"a_raw_nul", {"\"a\0b\"", 5}, ""},
        {"a_raw_line_break_in_text", {"\"a\nb\"", 5}, ""},
        {"invalid_utf8", {"\"\xff\"", 3}, ""},
        {"an_overlong_form", {"\"\xc0\xaf\"", 4}, ""},
        {"an_encoded_surrogate", {"\"\xed\xa0\x80\"", 5}, ""},
        {"half_a_surrogate_pair", {"\"\\ud800\"", 8}, ""},
        {"one_above_the_largest_integer", {"9223372036854775808", 19}, ""},
        {"one_below_the_smallest_integer", {"-9223372036854775809", 20}, ""},
        {"a_real_beyond_all", {"1e999", 5}, ""},
        {"a_leading_zero", {"01", 2}, ""},
        {"a_plus", {"+1", 2}, ""},
        {"a_point_without_digits", {"1.", 2}, ""},
        {"nan", {"NaN", 3}, ""},
        {"a_trailing_comma", {"[1,]", 4}, ""},
        {"a_comment", {"[1/**/]", 7}, ""},
        {"more_behind", {"{} x", 4}, ""},
        {"two_values", {"1 2", 3}, ""},
        {"not_closed", {"[1", 2}, ""},
        {"single_quotes", {"{'a':1}", 7}, ""},
        {"a_byte_order_mark", {"\xef\xbb\xbf{}", 5}, ""},
    };

    (void)state;
    EACH(c, cases)
    {
        struct js *v = NULL;
        struct err e = {0};
        expect(c->name, !js_parse(c->text, &v, &e), "a refusal");
        expect_int(c->name, e.code, ERR_INPUT);
        expect(c->name, str_starts(str_of(e.text), STR("line ")), "a line");
        expect(c->name, str_starts(str_of(e.text), str_of(c->place)), c->place);
    }
}

static void an_error_does_not_repeat_what_was_sent(void **state)
{
    struct js *v = NULL;
    struct err e = {0};

    (void)state;
    assert_false(js_parse(STR("{\"to\": jane@example.com}"), &v, &e));
    assert_null(strstr(e.text, "jane"));
}

static void nesting_ends_at_64(void **state)
{
    (void)state;
    for (int depth = 63; depth <= 66; depth++) {
        AUTO(buf_close) struct buf text = {0};
        AUTO(close_value) struct js *v = NULL;
        struct err e = {0};
        for (int i = 0; i < depth; i++)
            buf_add_text(&text, i % 2 ? "{\"[[[{\\\"[\":" : "[");
        buf_add_text(&text, "1");
        for (int i = depth - 1; i >= 0; i--)
            buf_add_text(&text, i % 2 ? "}" : "]");
        assert_int_equal(js_parse(buf_str(&text), &v, &e), depth <= 64);
        if (depth > 64)
            assert_non_null(strstr(e.text, "nested deeper than 64"));
    }
    AUTO(buf_close) struct buf many = {0};
    struct js *v = NULL;
    struct err e = {0};
    for (int i = 0; i < 1000000; i++)
        buf_add_char(&many, '[');
    assert_false(js_parse(buf_str(&many), &v, &e));
}

/* "[1,1,...]", "[[],[],...]" or "[{},{},...]" */
static void repeat(struct buf *out, const char *what, int n)
{
    buf_add_char(out, '[');
    for (int i = 0; i < n; i++)
        buf_addf(out, "%s%s", i > 0 ? "," : "", what);
    buf_add_char(out, ']');
}

static void values_end_at_100000(void **state)
{
    static const struct {
        const char *what;
        int taken; /* elements of an array that are just taken */
    } table[] = {{"1", 100000}, {"[]", 50000}, {"{}", 50000}, {"{\"a\":1}", 50000},
        {"\"a,[{\\\",[{\"", 100000}};

    (void)state;
    EACH(row, table)
    {
        for (int more = 0; more < 2; more++) {
            AUTO(buf_close) struct buf text = {0};
            AUTO(close_value) struct js *v = NULL;
            AUTO(close_value) struct js *ours = NULL;
            struct err e = {0};
            repeat(&text, row->what, row->taken + more);
            expect_int(row->what, js_parse(buf_str(&text), &v, &e), more == 0);
            expect(row->what, js_parse_ours(buf_str(&text), &ours, &e), "ours to be read");
            if (more == 0)
                continue;
            expect_int(row->what, e.code, ERR_LIMIT);
            expect_in(row->what, str_of(e.text), "more than 100000 values");
        }
    }
}

static void a_lack_of_memory_is_no_syntax_error(void **state)
{
    struct str text = STR("{\"a\":[1,2.5,\"text\",{\"b\":null}],\"c\":\"\\u00e4\"}");
    AUTO(close_value) struct js *whole = NULL;
    struct js *v = NULL;
    struct err e = {0};

    (void)state;
    counting = true;
    assert_true(js_parse(text, &whole, &e));
    size_t needed = allocations;
    assert_true(needed > 2);
    for (first_refused = 1; first_refused <= needed; first_refused++) {
        allocations = 0;
        bool parsed = js_parse(text, &v, &e);
        assert_false(parsed);
        assert_int_equal(e.code, ERR_FULL);
    }
    first_refused = 0;
    assert_true(js_parse(text, &v, &e));
    assert_false(js_parse(STR("{"), &whole, &e));
    assert_int_equal(e.code, ERR_INPUT);
    counting = false;
    js_close(&v);
}

static void readers_answer_absent_for_the_wrong_kind(void **state)
{
    AUTO(close_value) struct js *v = NULL;
    struct err e;

    (void)state;
    assert_true(
        js_parse(STR("{\"t\":\"x\",\"i\":7,\"r\":1.5,\"b\":true,\"n\":null,\"a\":[1,2]}"), &v, &e));
    assert_int_equal(js_kind(NULL), JS_ABSENT);
    assert_int_equal(js_kind(js_get(v, "n")), JS_NULL);
    assert_int_equal(js_kind(js_get(v, "b")), JS_BOOL);
    assert_int_equal(js_kind(js_get(v, "nothing")), JS_ABSENT);
    assert_int_equal(js_int(js_get(v, "i")), 7);
    assert_int_equal(js_int(js_get(v, "r")), 0);
    assert_int_equal(js_int(js_get(v, "t")), 0);
    assert_true(js_real(js_get(v, "i")) == 7.0 && js_real(js_get(v, "r")) == 1.5);
    assert_true(js_bool(js_get(v, "b")) && !js_bool(js_get(v, "i")));
    assert_int_equal(js_get_text(v, "i").n, 0);
    assert_true(str_is(js_get_text(v, "t"), "x"));
    assert_int_equal(js_text(NULL).n, 0);
    assert_int_equal(js_count(v), 6);
    assert_int_equal(js_count(js_get(v, "a")), 2);
    assert_int_equal(js_count(js_get(v, "t")), 0);
    assert_int_equal(js_int(js_at(js_get(v, "a"), 1)), 2);
    assert_null(js_at(js_get(v, "a"), 2));
    assert_null(js_at(v, 0));
    assert_null(js_get(js_get(v, "a"), "x"));
    assert_null(js_get(NULL, "x"));
    assert_true(str_is(js_text(js_get_str(v, str_slice(STR("tail"), 0, 1))), "x"));
    struct js_iter it = {0};
    assert_false(js_next(js_get(v, "a"), &it));
    assert_false(js_next(NULL, &(struct js_iter){0}));
}

static void members_come_in_the_order_of_the_text(void **state)
{
    AUTO(close_value) struct js *v = NULL;
    AUTO(buf_close) struct buf keys = {0};
    struct js_iter it = {0};
    struct err e;

    (void)state;
    assert_true(js_parse(STR("{\"z\":1,\"a\":2,\"m\":3,\"\":4}"), &v, &e));
    while (js_next(v, &it)) {
        buf_add(&keys, it.key);
        buf_add_i64(&keys, js_int(it.value));
    }
    assert_string_equal(keys.p, "z1a2m34");
    assert_false(js_next(v, &it));
}

static void expect_digest(const char *name, const struct js *v)
{
    AUTO(buf_close) struct buf out = {0};
    struct digest whole, pieces;

    js_write(v, JS_CANONICAL, &out);
    hash_sha256(buf_str(&out), &whole);
    js_digest(v, JS_CANONICAL, &pieces);
    expect(name, digest_equal(&whole, &pieces), "the hash of what is written");
}

static void the_hash_of_a_long_text_is_that_of_what_is_written(void **state)
{
    static const int lengths[] = {1, 100, 498, 499, 500, 501, 999, 1000, 4096, 10000};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        AUTO(close_value) struct js *o = js_object();
        AUTO(buf_close) struct buf text = {0};
        struct js *list = js_array();
        for (int at = 0; at < lengths[i]; at++)
            buf_add_char(&text, (char)('a' + at % 26));
        js_set_text(o, "plain", buf_str(&text));
        buf_add_text(&text, "\"\n");
        buf_insert(&text, 0, STR("\t\xc3\xa4"));
        js_set_text(o, "marked", buf_str(&text));
        for (int n = 0; n < lengths[i]; n++)
            js_push(list, js_new_int(n));
        js_set(o, "list", list);
        js_set_text(o, buf_text(&text), STR("a long name"));
        expect_digest("long", o);
    }
}

static void equal_values_have_one_canonical_form(void **state)
{
    static const struct {
        const char *name, *text, *canonical;
    } cases[] = {
        {"keys_are_sorted_at_every_level",
            "{\"b\": {\"y\":1, \"x\":2}, \"a\" : [ {\"d\":1,\"c\":2} ]}",
            "{\"a\":[{\"c\":2,\"d\":1}],\"b\":{\"x\":2,\"y\":1}}"},
        {"shorter_keys_first", "{\"ab\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"ab\":1}"},
        {"escapes_are_spelled_one_way", "\"\\u0041\\/\\u00e4\\u001f\\t\\\"\"",
            "\"A/\xc3\xa4\\u001f\\t\\\"\""},
        {"a_pair_of_surrogates", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
        {"reals_are_shortest", "[1.21, 0.1, 1e2, 100.0, 1E+100, 5e-324, 0.30000000000000004]",
            "[1.21,0.1,100.0,100.0,1e+100,5e-324,0.30000000000000004]"},
        {"integers", "[0,-0,9223372036854775807,-9223372036854775808]",
            "[0,0,9223372036854775807,-9223372036854775808]"},
        {"empty_ones", "[ [ ] , { } , \"\" ]", "[[],{},\"\"]"},
        {"words", "[true,false,null]", "[true,false,null]"},
        {"a_value_alone", " 1 ", "1"},
    };

    (void)state;
    EACH(c, cases)
    {
        AUTO(close_value) struct js *v = NULL;
        AUTO(close_value) struct js *again = NULL;
        AUTO(buf_close) struct buf out = {0};
        AUTO(buf_close) struct buf twice = {0};
        struct err e = {0};
        expect(c->name, js_parse(str_of(c->text), &v, &e), e.text);
        js_write(v, JS_CANONICAL, &out);
        expect_str(c->name, buf_str(&out), str_of(c->canonical));
        expect_digest(c->name, v);
        expect(c->name, js_parse(buf_str(&out), &again, &e), e.text);
        js_write(again, JS_CANONICAL, &twice);
        expect_str(c->name, buf_str(&twice), buf_str(&out));
    }
}

/* What is hashed may be secret: it is wiped where it stood, and it stood in one place. */
static void a_text_of_many_lines_is_hashed_in_one_place(void **state)
{
    AUTO(close_value) struct js *v = NULL;
    AUTO(buf_close) struct buf text = {0};

    (void)state;
    for (int i = 0; i < 500; i++)
        buf_add_text(&text, i % 2 ? "\n" : "Glad that it is only a parcel.\r\n");
    v = js_new_text(buf_str(&text));
    struct digest d;
    moves = 0;
    js_digest(v, JS_CANONICAL, &d);
    assert_int_equal(moves, 0);
    expect_digest("many_lines", v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_json_is_refused_with_its_place),
        cmocka_unit_test(an_error_does_not_repeat_what_was_sent),
        cmocka_unit_test(nesting_ends_at_64),
        cmocka_unit_test(values_end_at_100000),
        cmocka_unit_test(a_lack_of_memory_is_no_syntax_error),
        cmocka_unit_test(readers_answer_absent_for_the_wrong_kind),
        cmocka_unit_test(members_come_in_the_order_of_the_text),
        cmocka_unit_test(equal_values_have_one_canonical_form),
        cmocka_unit_test(the_hash_of_a_long_text_is_that_of_what_is_written),
        cmocka_unit_test(a_text_of_many_lines_is_hashed_in_one_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
