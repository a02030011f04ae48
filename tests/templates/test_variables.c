/* Declarations, and data checked against them: all faults at once, each at its place. */
#include "templates/variables.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/templates/shelf_case.h"

static const char declared[] =
    "{\"customer.name\":{\"type\":\"text\",\"max\":10},"
    "\"order.url\":{\"type\":\"url\"},"
    "\"order.total\":{\"type\":\"money\"},"
    "\"order.day\":{\"type\":\"date\",\"optional\":true},"
    "\"order.at\":{\"type\":\"datetime\",\"optional\":true},"
    "\"days\":{\"type\":\"integer\",\"optional\":true},"
    "\"gift\":{\"type\":\"flag\",\"optional\":true},"
    "\"note\":{\"type\":\"text\",\"lines\":true,\"optional\":true},"
    "\"tags\":{\"type\":\"list\",\"of\":{\"type\":\"text\"},\"max\":2,\"optional\":true},"
    "\"coupon\":{\"type\":\"object\",\"optional\":true,\"of\":{\"code\":{\"type\":\"text\"},"
    "\"until\":{\"type\":\"date\"}}},"
    "\"items\":{\"type\":\"list\",\"of\":{\"name\":{\"type\":\"text\"},\"price\":{\"type\":"
    "\"money\",\"optional\":true}}}}";

#define GOOD                                                                                       \
    "\"customer\":{\"name\":\"Ana\"},"                                                             \
    "\"order\":{\"url\":\"https://a.example/"                                                      \
    "x?y=1\",\"total\":{\"amount\":\"1.50\",\"currency\":\"EUR\"}},"                               \
    "\"items\":[{\"name\":\"Cup\"}]"

static const struct {
    const char *name, *data;
    const char *faults; /* "code pointer; ..." in the order found */
} cases[] = {
    {"the_least_is_enough", "{" GOOD "}", ""},
    {"null_is_absent", "{" GOOD ",\"days\":null,\"coupon\":null}", ""},
    {"everything_at_once",
        "{" GOOD ",\"days\":3,\"gift\":false,\"note\":\"a\\nb\",\"tags\":[\"x\",\"y\"],\"coupon\":{"
        "\"code\":\"C\",\"until\":\"2027-01-31\"}}",
        ""},
    {"nothing_at_all", "{}",
        "variable-missing /data/customer/name; variable-missing /data/order/url; variable-missing "
        "/data/order/total; "
        "variable-missing /data/items; "},
    {"no_object", "[]", "variable-type /data; "},
    {"wrong_types_everywhere",
        "{\"customer\":{\"name\":5},\"order\":{\"url\":true,\"total\":12.5},\"items\":{},\"days\":"
        "\"3\",\"gift\":1,\"tags\":\"x\",\"coupon\":[]}",
        "variable-type /data/customer/name; variable-type /data/order/url; variable-type "
        "/data/order/total; variable-type /data/days; "
        "variable-type /data/gift; variable-type /data/tags; variable-type /data/coupon; "
        "variable-type /data/items; "},
    {"an_object_that_is_text",
        "{\"customer\":\"Ana\",\"order\":{\"url\":\"https://"
        "a.example\",\"total\":{\"amount\":\"1\",\"currency\":\"EUR\"}},"
        "\"items\":[{\"name\":\"Cup\"}]}",
        "variable-type /data/customer; "},
    {"typing_errors_are_told",
        "{" GOOD ",\"ordr\":1,\"coupon\":{\"code\":\"C\",\"until\":\"2027-01-31\",\"a/b~c\":1}}",
        "variable-unknown /data/coupon/a~1b~0c; variable-unknown /data/ordr; "},
    {"faults_inside_lists",
        "{\"customer\":{\"name\":\"Ana\"},\"order\":{\"url\":\"https://"
        "a.example\",\"total\":{\"amount\":\"1\",\"currency\":\"EUR\"}},"
        "\"items\":[{\"name\":\"Cup\"},{\"price\":{\"amount\":\"x\",\"currency\":\"EUR\"}},7]}",
        "variable-missing /data/items/1/name; variable-value /data/items/1/price/amount; "
        "variable-type /data/items/2; "},
    {"an_optional_object_is_whole_or_absent", "{" GOOD ",\"coupon\":{\"code\":\"C\"}}",
        "variable-missing /data/coupon/until; "},
    {"a_text_that_is_too_long",
        "{\"customer\":{\"name\":\"12345678901\"},\"order\":{\"url\":\"https://"
        "a.example\",\"total\":{\"amount\":\"1\",\"currency\":\"EUR\"}},"
        "\"items\":[{\"name\":\"Cup\"}]}",
        "variable-value /data/customer/name; "},
    {"too_many_members", "{" GOOD ",\"tags\":[\"a\",\"b\",\"c\"]}", "variable-value /data/tags; "},
    {"a_list_that_must_have_members",
        "{\"customer\":{\"name\":\"Ana\"},\"order\":{\"url\":\"https://"
        "a.example\",\"total\":{\"amount\":\"1\",\"currency\":\"EUR\"}},"
        "\"items\":[],\"tags\":[]}",
        "variable-value /data/items; "},
    {"line_breaks_where_lines_are_not_allowed", "{" GOOD ",\"tags\":[\"a\\nb\"]}",
        "variable-value /data/tags/0; "},
    {"control_characters_even_in_lines", "{" GOOD ",\"note\":\"a\\u0007b\"}",
        "variable-value /data/note; "},
    {"a_day_that_does_not_exist", "{" GOOD ",\"coupon\":{\"code\":\"C\",\"until\":\"2027-02-30\"}}",
        "variable-value /data/coupon/until; "},
};

static void check(const struct variable *root, const char *json, struct arena *a, struct buf *out)
{
    AUTO(js_close) struct js *data = parse_json(json);
    struct faults faults;
    faults_init(&faults, a);
    variables_check(root, data, STR("/data"), &faults);
    for (const struct fault *f = faults.first; f; f = f->next)
        buf_addf(out, "%s %s; ", f->code, f->pointer);
}

static struct variable *declare(const struct js *json, struct arena *a)
{
    struct variable *root = NULL;
    struct err e;
    if (!variables_declare(json, a, &root, &e))
        fail_msg("%s", e.text);
    return root;
}

static void all_faults_are_told_at_once(void **state)
{
    (void)state;
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(js_close) struct js *json = parse_json(declared);
    struct variable *root = declare(json, a);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(buf_close) struct buf found = {0};
        check(root, cases[i].data, a, &found);
        if (strcmp(buf_text(&found), cases[i].faults) != 0)
            fail_msg("%s: %s", cases[i].name, buf_text(&found));
    }
}

static const struct {
    const char *type, *value;
    bool good;
} values[] = {
    {"url", "\"https://shop.example\"", true},
    {"url", "\"https://shop.example/a%20b?c=d&e#f\"", true},
    {"url", "\"http://shop.example\"", false},
    {"url", "\"https://\"", false},
    {"url", "\"https:///x\"", false},
    {"url", "\"javascript:alert(1)\"", false},
    {"url", "\" https://shop.example\"", false},
    {"url", "\"https://shop.example/\\\"onclick=\"", false},
    {"url", "\"https://shop.example/a b\"", false},
    {"url", "\"https://shop.example/\\n\"", false},
    {"text", "\"a\"", true},
    {"text", "\"\"", false},
    {"text", "\"  \"", false},
    {"text", "\"a\\u0000\"", false},
    {"integer", "3", true},
    {"integer", "-3", true},
    {"integer", "3.0", false},
    {"flag", "false", true},
    {"flag", "0", false},
    {"money", "{\"amount\":\"12.50\",\"currency\":\"EUR\"}", true},
    {"money", "{\"amount\":12.5,\"currency\":\"EUR\"}", false},
    {"money", "{\"amount\":\"12.505\",\"currency\":\"EUR\"}", false},
    {"money", "{\"amount\":\"12.50\",\"currency\":\"EURO\"}", false},
    {"money", "{\"amount\":\"12.50\",\"currency\":\"QQQ\"}", false},
    {"money", "{\"amount\":\"12.50\"}", false},
    {"money", "{\"amount\":\"1\",\"currency\":\"EUR\",\"vat\":\"1\"}", false},
    {"money", "\"12.50 EUR\"", false},
    {"date", "\"2026-11-21\"", true},
    {"date", "\"2026-11-21T08:00:00Z\"", true},
    {"date", "\"2026-11-31\"", false},
    {"date", "20261121", false},
    {"datetime", "\"2026-11-21T08:00:00+01:00\"", true},
    {"datetime", "\"2026-11-21\"", false},
};

static void values_must_be_of_their_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        AUTO(arena_close) struct arena *a = arena_open();
        AUTO(buf_close) struct buf found = {0};
        struct js *data = NULL;
        struct err e;
        const char *text = arena_printf(a, "{\"v\":%s}", values[i].value);
        if (!js_parse(str_of(text), &data, &e)) { /* a NUL is refused even earlier */
            assert_false(values[i].good);
            continue;
        }
        js_close(&data);
        AUTO(js_close)
        struct js *json = parse_json(arena_printf(a, "{\"v\":{\"type\":\"%s\"}}", values[i].type));
        check(declare(json, a), text, a, &found);
        if ((found.n == 0) != values[i].good)
            fail_msg("%s %s: %s", values[i].type, values[i].value, buf_text(&found));
    }
}

#define EUR(amount) "{\"amount\":\"" amount "\",\"currency\":\"EUR\"}"
#define DECLARED_MONEY "{\"v\":{\"type\":\"money\",\"min\":\"0.01\"}}"
#define DECLARED_DAYS "{\"v\":{\"type\":\"integer\",\"min\":1,\"max\":365}}"
#define DECLARED_DATE "{\"v\":{\"type\":\"date\"}}"

/* One variable, one value, everything that is told of it. */
static const struct {
    const char *declared, *value;
    const char *told; /* "pointer detail; ..." */
} told[] = {
    {DECLARED_DAYS, "1", ""},
    {DECLARED_DAYS, "365", ""},
    {DECLARED_DAYS, "0", "/v must be at least 1; "},
    {DECLARED_DAYS, "-5", "/v must be at least 1; "},
    {DECLARED_DAYS, "366", "/v must be at most 365; "},
    {DECLARED_DAYS, "2.5", "/v must be a whole number such as 3, not a number with a fraction; "},
    {"{\"v\":{\"type\":\"integer\",\"min\":-2,\"max\":-1}}", "-2", ""},
    {DECLARED_MONEY, EUR("0.01"), ""},
    {DECLARED_MONEY, EUR("999999999999999.99"), ""},
    {DECLARED_MONEY, EUR("0.00"), "/v/amount must be at least 0.01; "},
    {DECLARED_MONEY, EUR("-12.50"), "/v/amount must be at least 0.01; "},
    {DECLARED_MONEY, "{\"amount\":\"1\",\"currency\":\"JPY\"}", ""},
    {DECLARED_MONEY, "{\"amount\":\"0\",\"currency\":\"JPY\"}",
        "/v/amount must be at least 0.01; "},
    {"{\"v\":{\"type\":\"money\",\"min\":\"0\"}}", EUR("0"), ""},
    {"{\"v\":{\"type\":\"money\",\"min\":\"0\"}}", EUR("-0.01"), "/v/amount must be at least 0; "},
    {"{\"v\":{\"type\":\"money\"}}", EUR("-0.01"), ""},
    {DECLARED_MONEY, "{\"amount\":\"12,50\",\"currency\":\"eur\"}",
        "/v/currency must be a currency code of ISO 4217 in capital letters, e.g. EUR; "
        "/v/amount must be digits with a point before the decimals, e.g. \"12.50\"; "},
    {DECLARED_MONEY, "{\"amount\":\"12.505\",\"currency\":\"EUR\"}",
        "/v/amount must have at most 2 decimals for EUR, e.g. \"12.50\"; "},
    {DECLARED_MONEY, "{\"amount\":12.5}",
        "/v/amount must be a string, so that it stays exact, such as \"12.50\", not a number with "
        "a fraction; "
        "/v/currency is required: a currency code such as \"EUR\"; "},
    {DECLARED_MONEY, "5",
        "/v must be an amount such as {\"amount\": \"12.50\", \"currency\": \"EUR\"}, "
        "not an integer; "},
    {DECLARED_DATE, "\"22.11.2026\"", "/v must be written YYYY-MM-DD, e.g. 2026-11-21; "},
    {DECLARED_DATE, "\"2026-11-21 08:30\"", "/v must be written YYYY-MM-DD, e.g. 2026-11-21; "},
    {DECLARED_DATE, "\"\"", "/v must be written YYYY-MM-DD, e.g. 2026-11-21; "},
    {DECLARED_DATE, "\"2026-02-30\"", "/v must be a day that exists, e.g. 2026-11-21; "},
    {DECLARED_DATE, "null", "/v is required by this mail: a date such as \"2026-11-21\"; "},
    {"{\"v\":{\"type\":\"text\"}}", "1042", "/v must be a text in quotes, not an integer; "},
    {"{\"v\":{\"type\":\"text\"}}", "null", "/v is required by this mail: a text in quotes; "},
    {DECLARED_MONEY, "null",
        "/v is required by this mail: an amount such as {\"amount\": \"12.50\", \"currency\": "
        "\"EUR\"}; "},
    {"{\"v\":{\"type\":\"url\"}}", "null",
        "/v is required by this mail: a URL such as \"https://shop.example/orders/1042\"; "},
    {"{\"v\":{\"type\":\"list\",\"of\":{\"name\":{\"type\":\"text\"},\"n\":{\"type\":"
     "\"integer\"},\"note\":{\"type\":\"text\",\"optional\":true}}}}",
        "null", "/v is required by this mail: an array, each member an object with name, n; "},
    {"{\"v.a\":{\"type\":\"text\"},\"v.b\":{\"type\":\"flag\",\"optional\":true}}",
        "{\"a\":\"x\",\"c\":1}", "/v/c this mail has no such variable here; there are: a, b; "},
};

static void faults_say_what_would_be_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(told); i++) {
        AUTO(arena_close) struct arena *a = arena_open();
        AUTO(buf_close) struct buf found = {0};
        AUTO(js_close) struct js *json = parse_json(told[i].declared);
        AUTO(js_close) struct js *data = parse_json(arena_printf(a, "{\"v\":%s}", told[i].value));
        struct faults faults;
        faults_init(&faults, a);
        variables_check(declare(json, a), data, STR(""), &faults);
        for (const struct fault *f = faults.first; f; f = f->next)
            buf_addf(&found, "%s %s; ", f->pointer, f->detail);
        if (strcmp(buf_text(&found), told[i].told) != 0)
            fail_msg("%s: %s", told[i].value, buf_text(&found));
    }
}

static const struct {
    const char *declared, *says;
} nonsense[] = {
    {"[]", "must be an object"},
    {"{\"a\":{}}", "\"a\": needs a \"type\"; there are: text, url, integer"},
    {"{\"a\":7}", "\"a\": needs a \"type\""},
    {"{\"a\":{\"type\":\"price\"}}", "\"a\": \"price\" is no type; there are: text, url, integer"},
    {"{\"a\":{\"type\":\"text\",\"optinal\":true}}", "nothing else"},
    {"{\"a\":{\"type\":\"list\"}}", "\"of\" says"},
    {"{\"a\":{\"type\":\"text\",\"of\":{}}}", "\"of\" says"},
    {"{\"a\":{\"type\":\"text\"},\"a.b\":{\"type\":\"text\"}}",
        "inside something that is no object"},
    {"{\"a.b\":{\"type\":\"text\"},\"a\":{\"type\":\"text\"}}", "declared twice"},
    {"{\"a..b\":{\"type\":\"text\"}}", "has an empty part"},
    {"{\"a.\":{\"type\":\"text\"}}", "declared twice or has no name"},
    {"{\"brand.name\":{\"type\":\"text\"}}", "Parcelpost's own"},
    {"{\"t\":{\"type\":\"text\"}}", "Parcelpost's own"},
    {"{\"a\":{\"type\":\"text\",\"max\":0}}", "max is a number"},
    {"{\"a\":{\"type\":\"text\",\"min\":1}}", "min is for integer and money"},
    {"{\"a\":{\"type\":\"date\",\"max\":1}}", "max is for text, url, integer and list"},
    {"{\"a\":{\"type\":\"money\",\"max\":1}}", "max is for text, url, integer and list"},
    {"{\"a\":{\"type\":\"money\",\"min\":0.01}}", "a decimal in quotes"},
    {"{\"a\":{\"type\":\"money\",\"min\":\"1,5\"}}", "a decimal in quotes"},
    {"{\"a\":{\"type\":\"integer\",\"min\":\"1\"}}", "are whole numbers"},
    {"{\"a\":{\"type\":\"integer\",\"max\":1.5}}", "are whole numbers"},
    {"{\"a\":{\"type\":\"integer\",\"min\":3,\"max\":2}}", "min is above max"},
};

static void declarations_without_sense_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(nonsense); i++) {
        AUTO(arena_close) struct arena *a = arena_open();
        AUTO(js_close) struct js *json = parse_json(nonsense[i].declared);
        struct variable *root;
        struct err e = {0};
        if (variables_declare(json, a, &root, &e) || !strstr(e.text, nonsense[i].says))
            fail_msg("%s: %s", nonsense[i].declared, e.code ? e.text : "accepted");
    }
}

static void names_are_known_from_the_top_and_from_within(void **state)
{
    (void)state;
    static const char *const known[] = {"order", "order.total", "order.total.amount", "items",
        "name", "price.currency", "code", "tags"};
    static const char *const unknown[] = {
        "ordr", "order.x", "order.total.vat", "items.name", "order.url.x", "total.x"};
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(js_close) struct js *json = parse_json(declared);
    struct variable *root = declare(json, a);
    for (size_t i = 0; i < COUNT_OF(known); i++)
        assert_true(variables_know(root, str_of(known[i])));
    for (size_t i = 0; i < COUNT_OF(unknown); i++)
        if (variables_know(root, str_of(unknown[i])))
            fail_msg("%s is known", unknown[i]);
}

static void dates_are_told_from_texts(void **state)
{
    (void)state;
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(buf_close) struct buf text = {0};
    AUTO(js_close)
    struct js *json = parse_json(
        "{\"l\":{\"type\":\"list\",\"of\":{\"d\":{\"type\":\"date\"},\"t\":{\"type\":\"text\"}}}}");
    buf_add_text(&text, "{\"l\":[");
    for (int i = 0; i < 50; i++) /* enough to grow the table */
        buf_addf(&text, "%s{\"d\":\"2026-11-21\",\"t\":\"2026-11-21\"}", i ? "," : "");
    buf_add_text(&text, "]}");
    AUTO(js_close) struct js *data = parse_json(buf_text(&text));
    AUTO(variables_dates_close) struct dates_of d;
    variables_dates(declare(json, a), data, &d);
    for (size_t i = 0; i < 50; i++) {
        const struct js *member = js_at(js_get(data, "l"), i);
        assert_int_equal(variables_type_of(&d, js_get(member, "d")), VARIABLE_DATE);
        assert_int_equal(variables_type_of(&d, js_get(member, "t")), VARIABLE_TEXT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_faults_are_told_at_once),
        cmocka_unit_test(values_must_be_of_their_type),
        cmocka_unit_test(faults_say_what_would_be_right),
        cmocka_unit_test(declarations_without_sense_are_refused),
        cmocka_unit_test(names_are_known_from_the_top_and_from_within),
        cmocka_unit_test(dates_are_told_from_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
