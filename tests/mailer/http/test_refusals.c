/* What the API refuses, with which status and code, and in which words. */
#include "tests/base/expect.h"
#include "tests/mailer/http/desk.h"

#define NOTE                                                                                       \
    "{\"template\":\"note\",\"to\":\"Ada "                                                         \
    "<ada@example.com>\",\"data\":{\"name\":\"Ada\",\"number\":\"7\"}"

/* The key of acme stands in for %s. */
static void call_with_key(
    const char *method, const char *path, const char *head, const char *body, struct reply *out)
{
    AUTO(buf_close) struct buf whole = {0};
    const char *key = strstr(head, "%s");

    buf_add(&whole, str_bytes(head, key ? (size_t)(key - head) : strlen(head)));
    if (key)
        buf_addf(&whole, "%s%s", desk.key, key + 2);
    desk_call(&desk, method, path, buf_text(&whole), str_of(body), out);
}

#define JSON_HEAD "Content-Type: application/json\r\n"

static const struct {
    const char *name, *method, *path, *head, *body;
    unsigned status;
    const char *code;
} refusals[] = {
    {"no key", "POST", "/v1/messages", JSON_HEAD, "{}", 401, "no-key"},
    {"an unknown key", "POST", "/v1/messages", JSON_HEAD "Authorization: Bearer pp_nope\r\n", "{}",
        401, "invalid-key"},
    {"a key in another scheme", "POST", "/v1/messages", JSON_HEAD "Authorization: Basic eDp5\r\n",
        "{}", 401, "no-key"},
    {"no JSON", "POST", "/v1/messages", JSON_HEAD "Authorization: Bearer %s\r\n", "{\"to\": }", 400,
        "invalid-json"},
    {"invalid UTF-8", "POST", "/v1/messages", JSON_HEAD "Authorization: Bearer %s\r\n",
        "{\"to\":\"\xff\"}", 400, "invalid-json"},
    {"an empty body", "POST", "/v1/messages", JSON_HEAD "Authorization: Bearer %s\r\n", "", 400,
        "invalid-json"},
    {"faults", "POST", "/v1/messages", JSON_HEAD "Authorization: Bearer %s\r\n", "{}", 422,
        "invalid-request"},
    {"a list", "POST", "/v1/messages", JSON_HEAD "Authorization: Bearer %s\r\n", "[]", 422,
        "invalid-request"},
    {"an empty Idempotency-Key", "POST", "/v1/messages",
        JSON_HEAD "Authorization: Bearer %s\r\nIdempotency-Key:\r\n", NOTE "}", 422,
        "invalid-request"},
    {"a form", "POST", "/v1/messages", "Content-Type: text/plain\r\nAuthorization: Bearer %s\r\n",
        "x", 415, "content-type"},
    {"no type", "POST", "/v1/messages", "Authorization: Bearer %s\r\n", "{}", 415, "content-type"},
    {"packed JSON", "POST", "/v1/messages",
        JSON_HEAD "Content-Encoding: gzip\r\nAuthorization: Bearer %s\r\n", "{}", 415,
        "content-encoding"},
    {"an unknown path", "GET", "/v2/messages", "", "", 404, "no-such-path"},
    {"a slash too many", "GET", "/healthz/", "", "", 404, "no-such-path"},
    {"the root", "GET", "/", "", "", 404, "no-such-path"},
    {"a path with an escape", "GET", "/health%7a", "", "", 404, "no-such-path"},
    {"a wrong method", "DELETE", "/v1/messages", "Authorization: Bearer %s\r\n", "", 405,
        "method-not-allowed"},
    {"GET where only POST is", "GET", "/v1/messages", "Authorization: Bearer %s\r\n", "", 405,
        "method-not-allowed"},
    {"an unknown message", "GET", "/v1/messages/msg_01jd8x6tq3w1m5yv9z0k2c4r7e",
        "Authorization: Bearer %s\r\n", "", 404, "no-such-message"},
    {"an ID that is none", "GET", "/v1/messages/1", "Authorization: Bearer %s\r\n", "", 404,
        "no-such-message"},
    {"cancelling an unknown message", "POST", "/v1/messages/msg_01jd8x6tq3w1m5yv9z0k2c4r7e/cancel",
        "Authorization: Bearer %s\r\n", "", 404, "no-such-message"},
    {"a limit that is no number", "GET", "/v1/events?limit=many", "Authorization: Bearer %s\r\n",
        "", 400, "invalid-parameter"},
    {"a misspelled filter", "GET", "/v1/suppressions?reasn=complaint",
        "Authorization: Bearer %s\r\n", "", 422, "unknown-parameter"},
    {"a filter of another list", "GET", "/v1/events?limit=1&reason=complaint",
        "Authorization: Bearer %s\r\n", "", 422, "unknown-parameter"},
    {"a time that is none", "GET", "/v1/suppressions?since=yesterday",
        "Authorization: Bearer %s\r\n", "", 400, "invalid-parameter"},
    {"an origin that is none", "GET", "/v1/suppressions?origin=recipent",
        "Authorization: Bearer %s\r\n", "", 400, "invalid-parameter"},
    {"a scope that is none", "GET", "/v1/suppressions?scope=newsleter",
        "Authorization: Bearer %s\r\n", "", 400, "invalid-parameter"},
    {"a reason that is none", "GET", "/v1/suppressions?reason=Complaint",
        "Authorization: Bearer %s\r\n", "", 400, "invalid-parameter"},
    {"a suppression without an address", "POST", "/v1/suppressions",
        JSON_HEAD "Authorization: Bearer %s\r\n", "{}", 422, "invalid-request"},
    {"a suppression without a reason", "POST", "/v1/suppressions",
        JSON_HEAD "Authorization: Bearer %s\r\n", "{\"address\":\"a@example.com\",\"reason\":\"\"}",
        422, "invalid-request"},
    {"a reason in capitals", "POST", "/v1/suppressions", JSON_HEAD "Authorization: Bearer %s\r\n",
        "{\"address\":\"a@example.com\",\"reason\":\"Asked\"}", 422, "invalid-request"},
    {"an unknown scope", "POST", "/v1/suppressions", JSON_HEAD "Authorization: Bearer %s\r\n",
        "{\"address\":\"a@example.com\",\"scope\":\"nope\"}", 422, "invalid-request"},
};

static void each_refusal_has_its_status_and_code(void **state)
{
    (void)state;
    EACH(row, refusals)
    {
        AUTO(reply_close) struct reply r = {0};
        call_with_key(row->method, row->path, row->head, row->body, &r);
        AUTO(js_close) struct js *o = reply_json(&r);
        expect_int(row->name, r.status, row->status);
        expect_str(row->name, js_get_text(o, "code"), str_of(row->code));
        expect_int(row->name, js_int(js_get(o, "status")), row->status);
        expect_str(row->name, js_get_text(o, "request_id"), reply_header(&r, "X-Request-Id"));
        expect_str(row->name, reply_header(&r, "Content-Type"), STR("application/problem+json"));
        if (row->status == 401)
            expect_in(row->name, reply_header(&r, "WWW-Authenticate"), "Bearer realm=");
        if (row->status == 405)
            expect_str(row->name, reply_header(&r, "Allow"), STR("POST"));
    }
}

#define LONG_NAME "1234567890123456789012345678901234567890123456789012345678901234567890"

static void a_refusal_says_what_would_be_right(void **state)
{
    static const struct {
        const char *name, *method, *path, *head, *body, *detail;
    } table[] = {
        {"a bare key", "GET", "/v1/events", "Authorization: %s\r\n", "",
            "\\\"Authorization: Bearer pp_...\\\""},
        {"Basic", "GET", "/v1/events", "Authorization: Basic %s\r\n", "",
            "\\\"Authorization: Bearer pp_...\\\""},
        {"an empty body", "POST", "/v1/messages", JSON_HEAD "Authorization: Bearer %s\r\n", "",
            "the body is empty"},
        {"white space", "POST", "/v1/messages", JSON_HEAD "Authorization: Bearer %s\r\n", " \n",
            "the body is empty"},
        {"an empty suppression", "POST", "/v1/suppressions",
            JSON_HEAD "Authorization: Bearer %s\r\n", "", "the body is empty"},
        {"a suppression without an address", "POST", "/v1/suppressions",
            JSON_HEAD "Authorization: Bearer %s\r\n", "{\"email\":\"a@example.com\"}",
            "{\"pointer\":\"/address\",\"code\":\"missing\",\"detail\":\"is required"},
        {"a lift of null", "POST", "/v1/suppressions/lift",
            JSON_HEAD "Authorization: Bearer %s\r\n", "{\"address\":null}",
            "{\"pointer\":\"/address\",\"code\":\"missing\",\"detail\":\"is required"},
        {"a suppression of an empty address", "POST", "/v1/suppressions",
            JSON_HEAD "Authorization: Bearer %s\r\n", "{\"address\":\"\"}",
            "{\"pointer\":\"/address\",\"code\":\"invalid-address\""},
        {"a misspelled filter", "GET", "/v1/suppressions?reasn=complaint",
            "Authorization: Bearer %s\r\n", "",
            "\"the parameter \\\"reasn\\\" is unknown here; known are scope, reason, origin, "
            "since, until, lifted, addresses, after, limit\""},
        {"a parameter of events", "GET", "/v1/events?limit=1&befor=1&after=1",
            "Authorization: Bearer %s\r\n", "",
            "the parameter \\\"befor\\\" is unknown here; known are after, limit, node"},
        {"a parameter that gives orders", "GET", "/v1/events?%1b%ff%22=1",
            "Authorization: Bearer %s\r\n", "", "the parameter \\\"\\u001b\xef\xbf\xbd\\\"\\\" is"},
        {"a long parameter", "GET", "/v1/events?" LONG_NAME "=1", "Authorization: Bearer %s\r\n",
            "",
            "the parameter "
            "\\\"1234567890123456789012345678901234567890123456789012345678901234\\\" is"},
        {"an origin to list", "GET", "/v1/suppressions?origin=recipent",
            "Authorization: Bearer %s\r\n", "",
            "\\\"origin\\\" must be recipient, receiver, staff, api or import"},
        {"an end before the beginning", "GET",
            "/v1/suppressions?since=2026-11-21T00:00:00Z&until=2026-11-20T00:00:00Z",
            "Authorization: Bearer %s\r\n", "",
            "\\\"until\\\" must be a time behind that of since"},
        {"a scope to list", "GET", "/v1/suppressions?scope=newsleter",
            "Authorization: Bearer %s\r\n", "",
            "a stream of this storefront: newsletter, service, transactional, marketing"},
        {"a reason to list", "GET", "/v1/suppressions?reason=Complaint",
            "Authorization: Bearer %s\r\n", "",
            "\\\"reason\\\" must be 1 to 47 of a-z, 0-9 and \\\"-\\\""},
        {"a scope that no mail has", "POST", "/v1/suppressions",
            JSON_HEAD "Authorization: Bearer %s\r\n",
            "{\"address\":\"a@example.com\",\"scope\":\"nope\"}",
            "a stream of this storefront: newsletter, service, transactional, marketing"},
    };

    (void)state;
    EACH(row, table)
    {
        AUTO(reply_close) struct reply r = {0};
        call_with_key(row->method, row->path, row->head, row->body, &r);
        expect(row->name, r.status >= 400, "a refusal");
        expect_in(row->name, buf_str(&r.body), row->detail);
    }
}

/* Each of them would take a hundred bytes and more. */
static void a_body_of_very_many_values_is_refused_before_it_is_read(void **state)
{
    AUTO(buf_close) struct buf body = {0};
    AUTO(reply_close) struct reply r = {0};

    (void)state;
    buf_add_text(&body, "{\"data\":[{}");
    for (int i = 0; i < 5000000; i++)
        buf_add_text(&body, ",{}");
    buf_add_text(&body, "]}");
    desk_post(&desk, "/v1/messages", buf_text(&body), &r);
    assert_int_equal(r.status, 422);
    expect_in("the limit", buf_str(&r.body), "\"code\":\"too-many\"");
    expect_in("the limit", buf_str(&r.body), "more than 100000 values");
}

static void all_faults_come_with_pointers(void **state)
{
    AUTO(reply_close) struct reply r = {0};

    (void)state;
    desk_post(&desk, "/v1/messages",
        "{\"template\":\"note\",\"to\":\"secret.person@example.com, "
        "b@example.com\",\"data\":{\"name\":\"A\"},\"seq\":1}",
        &r);
    assert_int_equal(r.status, 422);
    AUTO(js_close) struct js *o = reply_json(&r);
    struct js *errors = js_get(o, "errors");
    assert_int_equal(js_count(errors), 3);
    expect_str("first", js_get_text(js_at(errors, 0), "pointer"), STR("/to"));
    expect_str("first", js_get_text(js_at(errors, 0), "code"), STR("several-addresses"));
    expect("no personal data", !strstr(buf_text(&r.body), "secret.person"), "kept out");
}

static void invalid_json_is_told_with_line_and_column(void **state)
{
    AUTO(reply_close) struct reply r = {0};

    (void)state;
    desk_post(&desk, "/v1/messages", "{\n  \"to\": oops\n}", &r);
    assert_int_equal(r.status, 400);
    expect_in("place", buf_str(&r.body), "line 2 column");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_has_its_status_and_code),
        cmocka_unit_test(a_refusal_says_what_would_be_right),
        cmocka_unit_test(a_body_of_very_many_values_is_refused_before_it_is_read),
        cmocka_unit_test(all_faults_come_with_pointers),
        cmocka_unit_test(invalid_json_is_told_with_line_and_column),
    };
    return cmocka_run_group_tests(tests, one_desk_open, one_desk_close);
}
