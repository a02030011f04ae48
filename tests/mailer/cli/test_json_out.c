/* What --json prints is safe to look at, and still says the same. */
#include "mailer/cli/cli.h"
#include "tests/base/expect.h"

static void what_a_terminal_would_obey_is_escaped(void **state)
{
    static const struct {
        const char *name, *text, *out;
    } table[] = {
        {"plain", "a parcel", "\"a parcel\""},
        {"letters stay", "\xc3\xbc \xe4\xb8\xad \xe2\x82\xac",
            "\"\xc3\xbc \xe4\xb8\xad \xe2\x82\xac\""},
        {"an escape", "\x1b[2J", "\"\\u001b[2J\""},
        {"a C1 control",
            "a\xc2\x9b"
            "2Jb",
            "\"a\\u009b2Jb\""},
        {"next to C1", "\xc2\xa0", "\"\xc2\xa0\""},
        {"right to left",
            "a\xe2\x80\xae"
            "b",
            "\"a\\u202eb\""},
        {"an isolate at the end", "a\xe2\x81\xa6", "\"a\\u2066\""},
        {"two in a row", "\xe2\x80\x8f\xd8\x9c", "\"\\u200f\\u061c\""},
        {"a line separator", "\xe2\x80\xa8", "\"\\u2028\""},
    };
    (void)state;

    EACH(row, table)
    {
        AUTO(js_close) struct js *v = js_new_text(str_of(row->text)), *back = NULL;
        AUTO(buf_close) struct buf out = {0};
        struct err e = {0};
        cli_write_json(v, JS_COMPACT, &out);
        expect_str(row->name, buf_str(&out), str_of(row->out));
        expect(row->name, js_parse(buf_str(&out), &back, &e), "JSON");
        expect_str(row->name, js_text(back), str_of(row->text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_terminal_would_obey_is_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
