/* Requests that are refused: which field, and with which code. */
#include "base/encode.h"
#include "tests/mailer/intake/taking.h"

#define NO_DATA "\"template\":\"note\",\"to\":\"ada@example.com\""
#define FILE_OF(rest) "{" GOOD ",\"attachments\":[{" rest "}]}"
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X100 X50 X50
#define X500 X100 X100 X100 X100 X100

/* Each body has exactly this one fault. */
static const struct {
    const char *name, *body, *pointer, *code;
} single[] = {
    {"text that is no JSON", "{\"to\": }", "", "invalid-json"},
    {"an empty body", "", "", "invalid-json"},
    {"a key twice", "{\"to\":\"a@b.example\",\"to\":\"c@d.example\"}", "", "invalid-json"},
    {"invalid UTF-8", "{\"to\":\"\xff\xfe@example.com\"}", "", "invalid-json"},
    {"a NUL in a string", "{\"to\":\"a\\u0000@example.com\"}", "", "invalid-json"},
    {"a list instead of an object", "[]", "", "wrong-type"},
    {"a string instead of an object", "\"to\"", "", "wrong-type"},
    {"an unknown field", "{" GOOD ",\"subjekt\":\"x\"}", "/subjekt", "unknown-field"},
    {"a field with a slash in its name", "{" GOOD ",\"a/b\":1}", "/a~1b", "unknown-field"},
    {"no template", "{\"to\":\"ada@example.com\",\"data\":{}}", "/template", "missing"},
    {"a template that is a number", "{\"template\":1,\"to\":\"ada@example.com\"}", "/template",
        "wrong-type"},
    {"a template that does not exist", "{\"template\":\"nope\",\"to\":\"ada@example.com\"}",
        "/template", "unknown-template"},
    {"a template that is a path", "{\"template\":\"../note\",\"to\":\"ada@example.com\"}",
        "/template", "unknown-template"},
    {"no recipient", "{" NO_TO "}", "/to", "missing"},
    {"a recipient that is null", "{" NO_TO ",\"to\":null}", "/to", "missing"},
    {"an empty recipient", "{" NO_TO ",\"to\":\"\"}", "/to", "empty"},
    {"a recipient without a domain", "{" NO_TO ",\"to\":\"ada\"}", "/to", "invalid-address"},
    {"two recipients with a comma", "{" NO_TO ",\"to\":\"a@example.com, b@example.com\"}", "/to",
        "several-addresses"},
    {"two recipients with a semicolon", "{" NO_TO ",\"to\":\"a@example.com;b@example.com\"}", "/to",
        "several-addresses"},
    {"a list of recipients", "{" NO_TO ",\"to\":[\"a@example.com\"]}", "/to", "several-addresses"},
    {"a recipient that is a number", "{" NO_TO ",\"to\":5}", "/to", "wrong-type"},
    {"a line break in the recipient",
        "{" NO_TO ",\"to\":\"ada@example.com\\r\\nBcc: eve@example.com\"}", "/to",
        "control-character"},
    {"a line separator in the name", "{" NO_TO ",\"to\":\"Ada\\u2028X <ada@example.com>\"}", "/to",
        "control-character"},
    {"a local part in Greek", "{" NO_TO ",\"to\":\"\u03b1@example.com\"}", "/to",
        "non-ascii-local-part"},
    {"a Greek local part in brackets", "{" NO_TO ",\"to\":\"Ada <ad\u03b1@example.com>\"}", "/to",
        "non-ascii-local-part"},
    {"a domain literal", "{" NO_TO ",\"to\":\"ada@[192.0.2.1]\"}", "/to", "invalid-address"},
    {"an object without email", "{" NO_TO ",\"to\":{\"name\":\"Ada\"}}", "/to/email", "missing"},
    {"an email with a name in it", "{" NO_TO ",\"to\":{\"email\":\"Ada <ada@example.com>\"}}",
        "/to/email", "invalid-address"},
    {"two addresses in email", "{" NO_TO ",\"to\":{\"email\":\"a@example.com,b@example.com\"}}",
        "/to/email", "several-addresses"},
    {"a line break in the name",
        "{" NO_TO ",\"to\":{\"email\":\"ada@example.com\",\"name\":\"A\\nB\"}}", "/to/name",
        "control-character"},
    {"an unknown part of the recipient",
        "{" NO_TO ",\"to\":{\"email\":\"ada@example.com\",\"cc\":\"x\"}}", "/to/cc",
        "unknown-field"},
    {"data that is a list", "{" NO_DATA ",\"data\":[]}", "/data", "wrong-type"},
    {"a missing variable", "{" NO_DATA ",\"data\":{\"name\":\"Ada\"}}", "/data/number",
        "variable-missing"},
    {"a variable of the wrong type", "{" NO_DATA ",\"data\":{\"name\":1,\"number\":\"7\"}}",
        "/data/name", "variable-type"},
    {"an unknown variable",
        "{" NO_DATA ",\"data\":{\"name\":\"Ada\",\"number\":\"7\",\"nmae\":\"x\"}}", "/data/nmae",
        "variable-unknown"},
    {"a line break in a variable of one line",
        "{" NO_DATA ",\"data\":{\"name\":\"Ada\\r\\nBcc: x\",\"number\":\"7\"}}", "/data/name",
        "variable-value"},
    {"an apostrophe of Windows-1252, taken for Latin-1, in the subject",
        "{" NO_DATA ",\"data\":{\"name\":\"Ada\",\"number\":\"L\\u0092Or\"}}", "/data",
        "control-character"},
    {"a subject that becomes too long",
        "{" NO_DATA ",\"data\":{\"name\":\"Ada\",\"number\":\"" X500 "\"}}", "/data",
        "subject-too-long"},
    {"an unknown stream", "{" GOOD ",\"stream\":\"nope\"}", "/stream", "unknown-stream"},
    {"a stream that is a flag", "{" GOOD ",\"stream\":true}", "/stream", "wrong-type"},
    {"marketing in a transactional stream",
        "{\"template\":\"offer\",\"to\":\"ada@example.com\",\"data\":{\"name\":\"Ada\"},\"stream\":"
        "\"service\"}",
        "/stream", "class-mismatch"},
    {"a locale with an underscore", "{" GOOD ",\"locale\":\"de_DE\"}", "/locale", "invalid-locale"},
    {"a locale that is a sentence", "{" GOOD ",\"locale\":\"German please\"}", "/locale",
        "invalid-locale"},
    {"a locale with a dangling hyphen", "{" GOOD ",\"locale\":\"de-\"}", "/locale",
        "invalid-locale"},
    {"an answer address that is none", "{" GOOD ",\"reply_to\":\"nobody\"}", "/reply_to",
        "invalid-address"},
    {"two answer addresses", "{" GOOD ",\"reply_to\":\"a@example.com, b@example.com\"}",
        "/reply_to", "several-addresses"},
    {"a header in the answer address", "{" GOOD ",\"reply_to\":\"a@example.com\\nX: y\"}",
        "/reply_to", "control-character"},
    {"a time without a zone", "{" GOOD ",\"send_at\":\"2026-11-22T08:00:00\"}", "/send_at",
        "invalid-time"},
    {"a time that is a number", "{" GOOD ",\"send_at\":1795246200}", "/send_at", "wrong-type"},
    {"a time 31 days ahead", "{" GOOD ",\"send_at\":\"2026-12-22T08:10:00Z\"}", "/send_at",
        "out-of-range"},
    {"a time two days ago", "{" GOOD ",\"send_at\":\"2026-11-19T08:10:00Z\"}", "/send_at",
        "out-of-range"},
    {"an order that is a number", "{" GOOD ",\"order\":1001}", "/order", "wrong-type"},
    {"an order that is too long", "{" GOOD ",\"order\":\"" X100 X50 "\"}", "/order", "too-long"},
    {"a line break in the order", "{" GOOD ",\"order\":\"1\\n2\"}", "/order", "control-character"},
    {"a parcel without an order", "{" GOOD ",\"parcel\":\"P1\"}", "/parcel", "order-missing"},
    {"a seq without an order", "{" GOOD ",\"seq\":1}", "/seq", "order-missing"},
    {"a seq of zero", "{" GOOD ",\"order\":\"1\",\"seq\":0}", "/seq", "out-of-range"},
    {"a seq with a fraction", "{" GOOD ",\"order\":\"1\",\"seq\":1.5}", "/seq", "wrong-type"},
    {"an event that the mail is not for", "{" GOOD ",\"event\":\"refunded\"}", "/event",
        "unknown-event"},
    {"an event with a space", "{" GOOD ",\"event\":\"was shipped\"}", "/event", "invalid-name"},
    {"an event in the future", "{" GOOD ",\"occurred_at\":\"2026-12-21T08:10:00Z\"}",
        "/occurred_at", "out-of-range"},
    {"an event before there were shops", "{" GOOD ",\"occurred_at\":\"1970-01-01T00:00:00Z\"}",
        "/occurred_at", "out-of-range"},
    {"metadata that is a list", "{" GOOD ",\"metadata\":[]}", "/metadata", "wrong-type"},
    {"a number in metadata", "{" GOOD ",\"metadata\":{\"k\":1}}", "/metadata/k", "wrong-type"},
    {"a long value in metadata", "{" GOOD ",\"metadata\":{\"k\":\"" X500 "x\"}}", "/metadata/k",
        "too-long"},
    {"a long key in metadata", "{" GOOD ",\"metadata\":{\"" X100 "\":\"v\"}}", "/metadata/" X100,
        "too-long"},
    {"a line break in metadata", "{" GOOD ",\"metadata\":{\"k\":\"a\\nb\"}}", "/metadata/k",
        "control-character"},
    {"attachments that are an object", "{" GOOD ",\"attachments\":{}}", "/attachments",
        "wrong-type"},
    {"an attachment without a name", FILE_OF("\"content_type\":\"a/b\",\"content\":\"YQ==\""),
        "/attachments/0/filename", "missing"},
    {"an attachment with a path",
        FILE_OF("\"filename\":\"../x\",\"content_type\":\"a/b\",\"content\":\"YQ==\""),
        "/attachments/0/filename", "invalid-filename"},
    {"an attachment with a header in its name",
        FILE_OF("\"filename\":\"a\\r\\nX: y\",\"content_type\":\"a/b\",\"content\":\"YQ==\""),
        "/attachments/0/filename", "control-character"},
    {"a content type with parameters",
        FILE_OF(
            "\"filename\":\"a\",\"content_type\":\"text/plain; charset=x\",\"content\":\"YQ==\""),
        "/attachments/0/content_type", "invalid-content-type"},
    {"a content type without a subtype",
        FILE_OF("\"filename\":\"a\",\"content_type\":\"text\",\"content\":\"YQ==\""),
        "/attachments/0/content_type", "invalid-content-type"},
    {"a multipart as an attachment",
        FILE_OF("\"filename\":\"a\",\"content_type\":\"multipart/mixed\",\"content\":\"YQ==\""),
        "/attachments/0/content_type", "invalid-content-type"},
    {"content with a line break in its base64",
        FILE_OF("\"filename\":\"a\",\"content_type\":\"a/b\",\"content\":\"YQ\\n==\""),
        "/attachments/0/content", "invalid-base64"},
    {"content that is no base64",
        FILE_OF("\"filename\":\"a\",\"content_type\":\"a/b\",\"content\":\"hello!\""),
        "/attachments/0/content", "invalid-base64"},
    {"empty content", FILE_OF("\"filename\":\"a\",\"content_type\":\"a/b\",\"content\":\"\""),
        "/attachments/0/content", "empty"},
    {"an unknown part of an attachment",
        FILE_OF("\"filename\":\"a\",\"content_type\":\"a/b\",\"content\":\"YQ==\",\"url\":\"x\""),
        "/attachments/0/url", "unknown-field"},
    {"a priority of ten", "{" GOOD ",\"priority\":10}", "/priority", "out-of-range"},
    {"a priority in words", "{" GOOD ",\"priority\":\"high\"}", "/priority", "wrong-type"},
};

static void each_wrong_request_gets_its_one_fault(void **state)
{
    (void)state;
    EACH(row, single)
    {
        AUTO(close_taken) struct taken t = {0};
        take(&t, row->body);
        expect_int(row->name, (int64_t)t.faults.n, 1);
        expect_text(row->name, t.faults.first->pointer, row->pointer);
        expect_text(row->name, t.faults.first->code, row->code);
        expect(row->name, strlen(t.faults.first->detail) > 10, "a sentence");
        expect(row->name, !strstr(t.faults.first->detail, "example.com\r"), "no value repeated");
    }
}

static bool has_fault(const struct faults *f, const char *pointer, const char *code)
{
    for (const struct fault *one = f->first; one; one = one->next)
        if (strcmp(one->pointer, pointer) == 0 && strcmp(one->code, code) == 0)
            return true;
    return false;
}

static void all_faults_of_a_request_come_at_once(void **state)
{
    static const struct {
        const char *pointer, *code;
    } wanted[] = {{"/to", "several-addresses"}, {"/data/name", "variable-missing"},
        {"/data/number", "variable-type"}, {"/seq", "order-missing"}, {"/priority", "out-of-range"},
        {"/metadata/a", "wrong-type"}, {"/attachments/1/content", "invalid-base64"},
        {"/tpyo", "unknown-field"}, {"/send_at", "invalid-time"}, {"/locale", "invalid-locale"},
        {"/reply_to", "control-character"}, {"", "invalid-idempotency-key"}};
    AUTO(close_taken) struct taken t = {0};

    (void)state;
    take_for(&t, "acme", STR("key\xff"),
        STR("{\"template\":\"note\",\"to\":\"a@example.com, "
            "b@example.com\",\"data\":{\"number\":3},"
            "\"seq\":4,\"priority\":-1,\"metadata\":{\"a\":[]},\"send_at\":\"soon\","
            "\"locale\":\"x\",\"reply_to\":\"a\\u0007@example.com\",\"tpyo\":1,\"attachments\":["
            "{\"filename\":\"a\",\"content_type\":\"a/b\",\"content\":\"YQ==\"},"
            "{\"filename\":\"b\",\"content_type\":\"a/b\",\"content\":\"*\"}]}"));
    EACH(row, wanted)
    {
        expect(row->pointer, has_fault(&t.faults, row->pointer, row->code), row->code);
    }
    assert_int_equal(t.faults.n, COUNT_OF(wanted));
}

static void unknown_names_are_told_what_there_is(void **state)
{
    AUTO(close_taken) struct taken t = {0};
    AUTO(close_taken) struct taken u = {0};

    (void)state;
    take(&t, "{\"template\":\"nope\",\"to\":\"ada@example.com\"}");
    expect_in("templates", str_of(t.faults.first->detail), "note, offer");
    take(&u, "{" GOOD ",\"stream\":\"nope\"}");
    expect_in("streams", str_of(u.faults.first->detail), "newsletter");
}

static void a_shop_without_postal_address_sends_no_marketing(void **state)
{
    AUTO(close_taken) struct taken t = {0};

    (void)state;
    take_for(&t, "bold", STR(""),
        STR("{\"template\":\"offer\",\"to\":\"ada@example.com\",\"data\":{\"name\":\"Ada\"}}"));
    assert_int_equal(t.faults.n, 1);
    expect_text("pointer", t.faults.first->pointer, "/stream");
    expect_text("code", t.faults.first->code, "postal-address-missing");
    expect_in("says what to set", str_of(t.faults.first->detail), "postal_address");
}

static void add_attachments(struct buf *body, size_t n, size_t bytes)
{
    AUTO(buf_close) struct buf content = {0};
    AUTO(buf_close) struct buf plain = {0};

    memset(buf_room(&plain, bytes), 'x', bytes);
    plain.n = bytes;
    encode_base64(&content, buf_str(&plain));
    buf_add_text(body, "{" GOOD ",\"attachments\":[");
    for (size_t i = 0; i < n; i++) {
        buf_addf(body, "%s{\"filename\":\"%zu\",\"content_type\":\"a/b\",\"content\":\"",
            i > 0 ? "," : "", i);
        buf_add(body, buf_str(&content));
        buf_add_text(body, "\"}");
    }
    buf_add_text(body, "]}");
}

static void attachments_have_limits(void **state)
{
    static const struct {
        const char *name;
        size_t n, bytes;
        const char *code; /* NULL: accepted */
    } table[] = {
        {"ten small ones", 10, 10, NULL},
        {"eleven", 11, 10, "too-many"},
        {"exactly the limit", 2, 512 * 1024, NULL},
        {"one byte above the limit", 1, 1024 * 1024 + 1, "too-large"},
        {"two bytes above the limit", 2, 512 * 1024 + 1, "too-large"},
        {"far above the limit", 3, 1024 * 1024, "too-large"},
    };

    (void)state;
    EACH(row, table)
    {
        AUTO(close_taken) struct taken t = {0};
        AUTO(buf_close) struct buf body = {0};
        add_attachments(&body, row->n, row->bytes);
        take_for(&t, "acme", STR(""), buf_str(&body));
        expect_int(row->name, (int64_t)t.faults.n, row->code ? 1 : 0);
        if (row->code)
            expect_text(row->name, t.faults.first->code, row->code);
        else
            expect_int(
                row->name, (int64_t)t.s.attachments[row->n - 1].bytes.n, (int64_t)row->bytes);
    }
}

static void metadata_has_limits(void **state)
{
    AUTO(buf_close) struct buf body = {0};
    AUTO(close_taken) struct taken t = {0};

    (void)state;
    buf_add_text(&body, "{" GOOD ",\"metadata\":{");
    for (int i = 0; i < 21; i++)
        buf_addf(&body, "%s\"k%d\":\"v\"", i > 0 ? "," : "", i);
    buf_add_text(&body, "}}");
    take_for(&t, "acme", STR(""), buf_str(&body));
    assert_int_equal(t.faults.n, 1);
    expect_text("code", t.faults.first->code, "too-many");
}

static void idempotency_keys_are_printable_and_short(void **state)
{
    static const struct {
        const char *name;
        struct str key;
        bool good;
    } table[] = {
        {"a plain one", STR("order-1001/shipped"), true},
        {"256 bytes", STR(X100 X100 X50 "xxxxxx"), true},
        {"257 bytes", STR(X100 X100 X50 "xxxxxxx"), false},
        {"a tab", STR("a\tb"), false},
        {"not ASCII", STR("caf\xc3\xa9"), false},
    };

    (void)state;
    EACH(row, table)
    {
        AUTO(close_taken) struct taken t = {0};
        take_for(&t, "acme", row->key, STR("{" GOOD "}"));
        expect_int(row->name, (int64_t)t.faults.n, row->good ? 0 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wrong_request_gets_its_one_fault),
        cmocka_unit_test(all_faults_of_a_request_come_at_once),
        cmocka_unit_test(unknown_names_are_told_what_there_is),
        cmocka_unit_test(a_shop_without_postal_address_sends_no_marketing),
        cmocka_unit_test(attachments_have_limits),
        cmocka_unit_test(metadata_has_limits),
        cmocka_unit_test(idempotency_keys_are_printable_and_short),
    };

    return cmocka_run_group_tests(tests, taking_enter, taking_leave);
}
