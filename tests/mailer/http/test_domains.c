/* GET /v1/domains/{name}: the audit of a domain that the key's storefront sends from. */
#include "mailer/gate/surveyor.h"
#include "tests/base/expect.h"
#include "tests/mailer/http/desk.h"

#include <unistd.h>

static void only_domains_of_the_storefront_are_shown(void **state)
{
    static const struct {
        const char *name, *path;
        bool as_bold;
        unsigned status;
        const char *says;
    } table[] = {
        {"its From domain", "/v1/domains/shop.example", false, 200, "\"domain\":\"shop.example\""},
        {"in capitals", "/v1/domains/SHOP.example", false, 200, "\"domain\":\"shop.example\""},
        {"with escapes", "/v1/domains/shop%2Eexample", false, 200, "\"domain\":\"shop.example\""},
        {"with a final dot", "/v1/domains/SHOP.example.", false, 200,
            "\"domain\":\"shop.example\""},
        {"with two", "/v1/domains/shop.example..", false, 404, "no-such-domain"},
        {"a dot alone", "/v1/domains/.", false, 404, "no-such-domain"},
        {"another storefront's", "/v1/domains/bold.example", false, 404, "no-such-domain"},
        {"its own, where all DNS fails", "/v1/domains/bold.example", true, 200, "\"unsure\":true"},
        {"the first one's for the other", "/v1/domains/shop.example", true, 404, "no-such-domain"},
        {"nobody's", "/v1/domains/other.example", false, 404, "no-such-domain"},
        {"a name below", "/v1/domains/www.shop.example", false, 404, "no-such-domain"},
        {"no domain at all", "/v1/domains/%00%1b[31m", false, 404, "no-such-domain"},
        {"no name", "/v1/domains/", false, 404, "no-such-path"},
    };
    (void)state;
    EACH(t, table)
    {
        struct reply r = {0};
        AUTO(buf_close) struct buf head = {0};
        buf_addf(&head, "Authorization: Bearer %s\r\n", t->as_bold ? desk.other : desk.key);
        desk_call(&desk, "GET", t->path, buf_text(&head), STR(""), &r);
        expect_int(t->name, r.status, t->status);
        expect_in(t->name, buf_str(&r.body), t->says);
        reply_close(&r);
    }
}

static void a_report_has_the_fields_of_check_dns_and_its_time(void **state)
{
    struct reply r = {0};
    (void)state;
    desk_get(&desk, "/v1/domains/shop.example", &r);
    AUTO(js_close) struct js *o = reply_json(&r);
    static const char *const fields[] = {"domain", "verdict", "sentence", "errors", "unsure",
        "findings", "not_checked", "providers"};
    EACH(field, fields)
    assert_non_null(js_get(o, *field));
    expect_str("the clock's", js_get_text(o, "checked_at"), STR("2026-11-21T08:10:00.000Z"));
    expect_in(
        "its own key is looked for", buf_str(&r.body), "\"name\":\"s1._domainkey.shop.example\"");
    expect_str("JSON", reply_header(&r, "Content-Type"), STR("application/json"));
    reply_close(&r);
}

static void it_takes_a_key_that_may_read(void **state)
{
    static const struct {
        const char *name;
        unsigned roles, status;
    } table[] = {
        {"read", ROLE_READ, 200}, {"send alone", ROLE_SEND, 403}, {"admin", ROLE_ADMIN, 403}};
    struct reply r = {0};
    (void)state;
    desk_call(&desk, "GET", "/v1/domains/shop.example", "", STR(""), &r);
    expect_int("no key", r.status, 401);
    EACH(t, table)
    {
        AUTO(buf_close) struct buf head = {0};
        buf_addf(&head, "Authorization: Bearer %s\r\n", room_key(&desk.room, "acme", t->roles));
        desk_call(&desk, "GET", "/v1/domains/shop.example", buf_text(&head), STR(""), &r);
        expect_int(t->name, r.status, t->status);
    }
    desk_post(&desk, "/v1/domains/shop.example", "{}", &r);
    expect_int("POST", r.status, 405);
    reply_close(&r);
}

/* What the surveyor answers once it was stopped; that it answers those who wait is its own suite's. */
static void a_stopped_surveyor_is_told_as_not_ready(void **state)
{
    struct desk other;
    struct reply r = {0};
    (void)state;
    desk_open(&other);
    surveyor_stop(other.surveyor);
    desk_get(&other, "/v1/domains/shop.example", &r);
    expect_int("status", r.status, 503);
    expect_in("code", buf_str(&r.body), "\"not-ready\"");
    expect("Retry-After", reply_header(&r, "Retry-After").n > 0, "a header");
    reply_close(&r);
    desk_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_domains_of_the_storefront_are_shown),
        cmocka_unit_test(a_report_has_the_fields_of_check_dns_and_its_time),
        cmocka_unit_test(it_takes_a_key_that_may_read),
        cmocka_unit_test(a_stopped_surveyor_is_told_as_not_ready),
    };
    return cmocka_run_group_tests(tests, one_desk_open, one_desk_close);
}
