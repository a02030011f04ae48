/* Trees that are made, changed, and put into each other. */
#include "base/json.h"
#include "tests/base/expect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void close_value(struct js **v)
{
    js_close(v);
}

static void a_tree_can_be_built_and_printed(void **state)
{
    AUTO(close_value) struct js *o = js_object();
    AUTO(buf_close) struct buf out = {0};
    struct js *list = js_array(), *shared = js_new_text(STR("s"));

    (void)state;
    js_push(list, js_new_int(-1));
    js_push(list, js_new_real(2.5));
    js_push(list, js_new_null());
    js_push(list, js_ref(shared));
    js_set(o, "list", list);
    js_set(o, "shared", shared);
    js_set_cstr(o, "text", "a\"b");
    js_set_int(o, "n", INT64_MIN);
    js_set_bool(o, "yes", true);
    js_set_bool(o, "yes", false); /* replaces, keeps its place */
    js_set(o, "empty", js_object());
    js_write(o, JS_COMPACT, &out);
    assert_string_equal(out.p, "{\"list\":[-1,2.5,null,\"s\"],\"shared\":\"s\",\"text\":\"a\\\"b\","
                               "\"n\":-9223372036854775808,\"yes\":false,\"empty\":{}}");
    buf_clear(&out);
    js_write(o, JS_PRETTY, &out);
    assert_string_equal(out.p,
        "{\n  \"list\": [\n    -1,\n    2.5,\n    null,\n    \"s\"\n  ],\n"
        "  \"shared\": \"s\",\n  \"text\": \"a\\\"b\",\n"
        "  \"n\": -9223372036854775808,\n  \"yes\": false,\n  \"empty\": {}\n}");
}

/* Few members are looked through, many found by their keys' hashes; the tables grow on the way. */
static void members_of_a_large_object_are_found_and_stand_once(void **state)
{
    AUTO(close_value) struct js *made = js_object();
    AUTO(close_value) struct js *read = NULL;
    AUTO(buf_close) struct buf text = {0};
    struct js *twice = NULL;
    struct js_iter it = {0};
    struct err e = {0};
    char key[32];
    int seen = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "%.*s%d", i % 20, "twenty characters ..", i);
        js_set_int(made, key, -1);
        js_set_int(made, key, i); /* replaces */
    }
    js_write(made, JS_COMPACT, &text);
    assert_true(js_parse(buf_str(&text), &read, &e));
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "%.*s%d", i % 20, "twenty characters ..", i);
        assert_int_equal(js_int(js_get(made, key)), i);
        assert_int_equal(js_int(js_get(read, key)), i);
    }
    assert_null(js_get(read, "1000"));
    assert_null(js_get(read, ""));
    while (js_next(read, &it))
        assert_int_equal(js_int(it.value), seen++);
    assert_int_equal(seen, 1000);
    assert_int_equal(js_count(made), 1000);
    buf_cut(&text, text.n - 1);
    buf_add_text(&text, ",\"0\":1}");
    assert_false(js_parse(buf_str(&text), &twice, &e));
    assert_int_equal(e.code, ERR_INPUT);
}

static void a_value_outlives_its_tree_alone_or_in_another(void **state)
{
    struct js *from = NULL, *kept, *into = js_object(), *list = js_array();
    AUTO(buf_close) struct buf out = {0};
    struct err e = {0};

    (void)state;
    assert_true(js_parse(STR("{\"a\":{\"b\":[1,\"two\"]},\"c\":2.5}"), &from, &e));
    kept = js_ref(js_get(js_get(from, "a"), "b"));
    js_set(into, "c", js_ref(js_get(from, "c")));
    js_set(into, "list", list);
    js_push(list, js_ref(js_get(from, "a"))); /* what was put in may still be added to */
    js_set(into, "again", js_ref(js_get(into, "c")));
    js_set(from, "self", js_ref(js_get(from, "a")));
    js_set_int(into, "c", 3);
    js_close(&from);
    js_write(into, JS_COMPACT, &out);
    assert_string_equal(out.p, "{\"c\":3,\"list\":[{\"b\":[1,\"two\"]}],\"again\":2.5}");
    js_close(&into);
    assert_true(str_is(js_text(js_at(kept, 1)), "two"));
    js_close(&kept);
    assert_null(kept);
}

/* What was put in knows its new tree already; seen by the leak checker. */
static void values_go_from_a_tree_through_another_and_back(void **state)
{
    struct js *tree = NULL, *state_of_it = js_object(), *list = js_array();
    AUTO(buf_close) struct buf out = {0};
    struct err e = {0};

    (void)state;
    assert_true(js_parse(STR("{\"old\":[1,2],\"n\":0}"), &tree, &e));
    js_push(list, js_ref(js_at(js_get(tree, "old"), 0)));
    js_set(state_of_it, "list", list);
    js_set(state_of_it, "more", js_ref(js_get(tree, "old")));
    js_set(tree, "old", state_of_it);
    js_set_text(state_of_it, "late", STR("a text that is put into what is in already"));
    js_push(list, js_new_int(7));
    js_write(tree, JS_CANONICAL, &out);
    assert_string_equal(out.p, "{\"n\":0,\"old\":{\"late\":\"a text that is put into what is in "
                               "already\",\"list\":[1,7],\"more\":[1,2]}}");
    list = js_ref(list);
    js_close(&tree);
    assert_int_equal(js_int(js_at(list, 1)), 7);
    js_close(&list);
}

static void makers_repair_what_json_cannot_hold(void **state)
{
    static const struct {
        const char *name;
        struct str text;
        const char *kept;
    } cases[] = {
        {"right_text", {"gr\xc3\xbc\xc3\x9f", 6}, "gr\xc3\xbc\xc3\x9f"},
        {"a_lone_byte",
            {"a\xff"
             "b",
                3},
            "a\xef\xbf\xbd"
            "b"},
        {"a_cut_character", {"a\xe2\x82", 3}, "a\xef\xbf\xbd\xef\xbf\xbd"},
        {"a_nul", {"a\0b", 3},
            "a\xef\xbf\xbd"
            "b"},
        {"empty", {"", 0}, ""},
    };

    (void)state;
    EACH(c, cases)
    {
        AUTO(close_value) struct js *v = js_new_text(c->text);
        expect_str(c->name, js_text(v), str_of(c->kept));
    }
    AUTO(close_value) struct js *o = js_object();
    AUTO(close_value) struct js *infinite = js_new_real(INFINITY);
    js_set_int(o, "a\xff", 1);
    assert_int_equal(js_int(js_get(o, "a\xef\xbf\xbd")), 1);
    assert_int_equal(js_kind(infinite), JS_NULL);
    js_set(js_get(o, "none"), "k", js_new_int(1)); /* into nothing: dropped, not leaked */
    js_push(o, js_new_int(1));
    js_set(o, "none", NULL);
    assert_int_equal(js_count(o), 1);
}

static void numbers_read_back_the_same(void **state)
{
    static const double values[] = {0.1, 1.21, 1.0 / 3.0, 5e-324, 1.7976931348623157e308,
        123456789.125, 1e21, 1e22, 1e23, 4.35, 0.000001, 2.0};

    (void)state;
    EACH(value, values)
    {
        AUTO(close_value) struct js *v = js_new_real(*value);
        AUTO(buf_close) struct buf text = {0};
        js_number_text(v, &text);
        assert_true(strtod(text.p, NULL) == *value);
        assert_true(text.n <= 24);
    }
    AUTO(close_value) struct js *whole = js_new_real(100.0);
    AUTO(buf_close) struct buf text = {0};
    js_number_text(whole, &text);
    assert_string_equal(text.p, "100");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_can_be_built_and_printed),
        cmocka_unit_test(members_of_a_large_object_are_found_and_stand_once),
        cmocka_unit_test(a_value_outlives_its_tree_alone_or_in_another),
        cmocka_unit_test(values_go_from_a_tree_through_another_and_back),
        cmocka_unit_test(makers_repair_what_json_cannot_hold),
        cmocka_unit_test(numbers_read_back_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
