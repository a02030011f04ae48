#include "tests/base/expect.h"
#include "tests/mailer/intake/one_room.h"

#include "mailer/comply/comply.h"

static void cells_are_quoted_and_no_formulas(void **state)
{
    static const struct {
        const char *cell, *want;
    } table[] = {
        {"", ""},
        {"plain", "plain"},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"two\r\nlines", "\"two\r\nlines\""},
        {" spaced", "\" spaced\""},
        {"=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""},
        {"+1", "'+1"},
        {"-1", "'-1"},
        {"@SUM(A1)", "'@SUM(A1)"},
        {"\t=1", "\"'\t=1\""},
        {"\r=1", "\"'\r=1\""},
        {"a=b", "a=b"},
        {"M\xc3\xbcnchen", "M\xc3\xbcnchen"},
    };

    (void)state;
    EACH(row, table)
    {
        AUTO(buf_close) struct buf out = {0};
        comply_csv_cell(&out, str_of(row->cell));
        expect_str(row->cell, buf_str(&out), str_of(row->want));
    }
}

static void suppress(const char *address, const char *scope, const char *reason)
{
    struct suppression_new s = {
        .scope = scope, .reason = reason, .origin = "staff", .evidence = "", .actor = "=cmd"};
    struct err e = {0};
    bool added;

    if (!queue_suppress(room.queue, "acme", str_of(address), &s, &added, &e))
        fail_msg("suppress: %s", e.text);
}

static bool keep(void *context, struct str piece, struct err *e)
{
    (void)e;
    buf_add(context, piece);
    return true;
}

static bool disk_is_full(void *context, struct str piece, struct err *e)
{
    (void)context, (void)piece;
    return err_set(e, ERR_FULL, "the disk is full");
}

static struct export all(enum export_format format, bool with_addresses)
{
    return (struct export){.format = format,
        .with_addresses = with_addresses,
        .filter = {.scope = "", .reason = "", .origin = "", .with_lifted = true},
        .actor = "reviewer",
        .why = "audit"};
}

static uint64_t export_to(struct buf *out, const struct export *x)
{
    struct err e = {0};
    uint64_t rows;

    if (!comply_export_suppressions(room.queue, "acme", x, keep, out, &rows, &e))
        fail_msg("export: %s", e.text);
    return rows;
}

static void fill_once(void)
{
    struct actor who = {"staff", "a mistake, \"sorry\""};
    static bool filled;
    uint64_t lifted;
    struct err e;

    if (filled)
        return;
    filled = true;
    suppress("one@example.com", "*", "hard-bounce");
    room.time.ms += 1000;
    suppress("two@example.com", "class:marketing", "complaint");
    room.time.ms += 1000;
    assert_true(queue_lift(
        room.queue, "acme", STR("two@example.com"), "class:marketing", "", who, &lifted, &e));
}

static void csv_shows_addresses_where_they_are_wanted(void **state)
{
    AUTO(buf_close) struct buf out = {0};
    struct export x = all(EXPORT_CSV, true);
    struct str rest, line;

    (void)state;
    fill_once();
    assert_int_equal(export_to(&out, &x), 2);
    rest = buf_str(&out);
    str_next(&rest, '\n', &line);
    expect_str("head", line,
        STR("address,person,scope,reason,origin,since,expires,lifted_at,lifted_by,lifted_why,"
            "evidence,actor\r"));
    str_next(&rest, '\n', &line);
    expect("first row", str_starts(line, STR("one@example.com,")), "its address");
    expect_in("first row", line, ",*,hard-bounce,staff,2026-11-21T08:10:00.000Z,,,,,,'=cmd\r");
    str_next(&rest, '\n', &line);
    expect_in("second row", line,
        ",class:marketing,complaint,staff,2026-11-21T08:10:01.000Z,,2026-11-21T08:10:02.000Z,staff,"
        "\"a mistake, \"\"sorry\"\"\",,'=cmd\r");
    assert_int_equal(rest.n, 0);
}

static void hashes_only_unless_asked(void **state)
{
    AUTO(buf_close) struct buf out = {0};
    struct export x = all(EXPORT_CSV, false);

    (void)state;
    fill_once();
    export_to(&out, &x);
    expect("head", str_starts(buf_str(&out), STR("person,scope,")), "no address column");
    expect("rows", !strstr(buf_text(&out), "example.com"), "no address");
}

static void json_lines_are_objects_with_null_where_nothing_is(void **state)
{
    AUTO(buf_close) struct buf out = {0};
    AUTO(js_close) struct js *first = NULL;
    struct export x = all(EXPORT_JSON_LINES, true);
    struct str rest, line;
    struct err e;

    (void)state;
    fill_once();
    export_to(&out, &x);
    rest = buf_str(&out);
    str_next(&rest, '\n', &line);
    assert_true(js_parse(line, &first, &e));
    expect_str("address", js_get_text(first, "address"), STR("one@example.com"));
    assert_int_equal(js_get_text(first, "person").n, 64);
    assert_int_equal(js_kind(js_get(first, "lifted_at")), JS_NULL);
    expect_str("actor", js_get_text(first, "actor"), STR("=cmd"));
}

static void the_same_rows_give_the_same_bytes(void **state)
{
    AUTO(buf_close) struct buf one = {0};
    AUTO(buf_close) struct buf two = {0};
    struct export x = all(EXPORT_CSV, true);

    (void)state;
    fill_once();
    export_to(&one, &x);
    export_to(&two, &x);
    expect_str("bytes", buf_str(&two), buf_str(&one));
}

static void the_filter_holds_and_is_noted_with_the_count(void **state)
{
    AUTO(buf_close) struct buf out = {0};
    struct export x = all(EXPORT_JSON_LINES, false);
    struct journal_row *rows;
    struct err e;
    size_t n;

    (void)state;
    fill_once();
    x.filter.reason = "complaint";
    assert_int_equal(export_to(&out, &x), 1);
    x.filter.with_lifted = false;
    assert_int_equal(export_to(&out, &x), 0);
    assert_true(queue_journal(room.queue, "acme", "n1", 0, 1000, room.arena, &rows, &n, &e));
    expect_text("event", rows[n - 2].event, "exported");
    expect_text("actor", rows[n - 2].actor, "reviewer");
    expect_in("filter", rows[n - 2].facts, "\"reason\":\"complaint\"");
    expect_in("count", rows[n - 2].facts, "\"rows\":1");
    expect_in("count", rows[n - 1].facts, "\"rows\":0");
}

static void a_failed_write_fails_the_export(void **state)
{
    struct export x = all(EXPORT_CSV, false);
    struct err e = {0};
    uint64_t rows;

    (void)state;
    assert_false(comply_export_suppressions(room.queue, "acme", &x, disk_is_full, NULL, &rows, &e));
    assert_int_equal(e.code, ERR_FULL);
}

/* Last: it adds many rows. */
static void more_than_a_page_is_exported_whole(void **state)
{
    AUTO(buf_close) struct buf out = {0};
    struct export x = all(EXPORT_CSV, true);
    size_t lines = 0;

    (void)state;
    fill_once();
    for (int i = 0; i < 520; i++)
        suppress(arena_printf(room.arena, "p%d@example.com", i), "*", "manual");
    assert_int_equal(export_to(&out, &x), 522);
    for (size_t i = 0; i < out.n; i++)
        lines += out.p[i] == '\n';
    assert_int_equal(lines, 523);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_quoted_and_no_formulas),
        cmocka_unit_test(csv_shows_addresses_where_they_are_wanted),
        cmocka_unit_test(hashes_only_unless_asked),
        cmocka_unit_test(json_lines_are_objects_with_null_where_nothing_is),
        cmocka_unit_test(the_same_rows_give_the_same_bytes),
        cmocka_unit_test(the_filter_holds_and_is_noted_with_the_count),
        cmocka_unit_test(a_failed_write_fails_the_export),
        cmocka_unit_test(more_than_a_page_is_exported_whole),
    };
    return cmocka_run_group_tests(tests, one_room_open, one_room_close);
}
