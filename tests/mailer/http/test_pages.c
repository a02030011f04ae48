#include "tests/base/expect.h"
#include "tests/mailer/http/desk.h"

#include "mailer/http/form.h"
#include "mailer/http/page.h"
#include "mailer/mime/token.h"

/* ---- forms ---- */

#define MULTI "multipart/form-data; boundary=XX"
#define ONE_CLICK_PART                                                                             \
    "Content-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n"

static const struct {
    const char *name, *type, *body;
    const char *value; /* NULL = not found */
} forms[] = {
    {"as RFC 8058 shows it", "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click",
        "One-Click"},
    {"with a charset", "application/x-www-form-urlencoded; charset=UTF-8",
        "List-Unsubscribe=One-Click", "One-Click"},
    {"without a type", "", "List-Unsubscribe=One-Click", "One-Click"},
    {"escaped", "application/x-www-form-urlencoded", "List%2DUnsubscribe=One%2dClick", "One-Click"},
    {"a broken escape stays", "application/x-www-form-urlencoded", "List-Unsubscribe=a%zz%4",
        "a%zz%4"},
    {"behind another field", "application/x-www-form-urlencoded", "a=b&&List-Unsubscribe=x+y",
        "x y"},
    {"empty", "application/x-www-form-urlencoded", "", NULL},
    {"another field only", "application/x-www-form-urlencoded", "Unsubscribe=One-Click", NULL},
    {"JSON", "application/json", "List-Unsubscribe=One-Click", NULL},
    {"multipart", MULTI, "--XX\r\n" ONE_CLICK_PART "--XX--\r\n", "One-Click"},
    {"multipart with a quoted boundary", "Multipart/Form-Data; charset=x; boundary=\"X X\"",
        "--X X\r\n" ONE_CLICK_PART "--X X--\r\n", "One-Click"},
    {"multipart behind a preamble and another part", MULTI,
        "hello\r\n--XX\r\nContent-Disposition: form-data; "
        "name=\"a\"\r\n\r\nb\r\n--XX\r\n" ONE_CLICK_PART "--XX--",
        "One-Click"},
    {"multipart with more headers", MULTI,
        "--XX\r\nContent-Type: text/plain\r\ncontent-disposition: form-data; "
        "name=List-Unsubscribe\r\n\r\nOne-Click\r\n--XX--",
        "One-Click"},
    {"multipart without its end", MULTI, "--XX\r\n" ONE_CLICK_PART, NULL},
    {"multipart without a boundary", "multipart/form-data", "--XX\r\n" ONE_CLICK_PART "--XX--",
        NULL},
    {"multipart where only a file name says it", MULTI,
        "--XX\r\nContent-Disposition: form-data; name=\"f\"; "
        "filename=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--XX--",
        NULL},
    {"multipart of nothing", MULTI, "", NULL},
};

static void forms_are_read_in_both_encodings(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();

    (void)state;
    EACH(row, forms)
    {
        struct str value = STR("");
        bool found =
            form_value(str_of(row->type), str_of(row->body), "List-Unsubscribe", a, &value);
        expect_int(row->name, found, row->value != NULL);
        if (row->value)
            expect_str(row->name, value, str_of(row->value));
    }
}

static void the_browser_chooses_the_language(void **state)
{
    static const struct {
        const char *accept, *language;
    } table[] = {
        {"", "en"},
        {"de", "de"},
        {"de-AT,de;q=0.9,en;q=0.8", "de"},
        {"en,de", "en"},
        {"fr, en;q=0.3, de;q=0.7", "de"},
        {"fr, es", "en"},
        {"DE-ch", "de"},
        {"de;q=0", "en"},
        {"de;q=junk, en;q=0.1", "en"},
        {"*", "en"},
        {",,;;,", "en"},
        {"en;q=0.25,de;q=0.255", "de"},
    };

    (void)state;
    EACH(row, table)
    {
        expect_text(row->accept, page_language(str_of(row->accept)), row->language);
    }
}

/* ---- unsubscribing ---- */

/* The path of a person's own link, as a marketing mail of acme carries it. */
static const char *link_of(const char *address, const char *stream)
{
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(buf_close) struct buf token = {0};
    struct unsubscribe_token t = {0};
    struct suppression_new s = {
        .scope = "probe", .reason = "probe", .origin = "staff", .evidence = "", .actor = "t"};
    struct suppression *rows;
    struct actor who = {"test", "probe"};
    uint64_t lifted;
    struct err e;
    size_t n;
    bool added;

    /* The person's hash, as a job tells it to delivery, through a suppression that is lifted again. */
    assert_true(queue_suppress(desk.room.queue, "acme", str_of(address), &s, &added, &e));
    assert_true(queue_suppressions_of(desk.room.queue, "acme", str_of(address), a, &rows, &n, &e));
    t.person = rows[0].person;
    assert_true(
        queue_lift(desk.room.queue, "acme", str_of(address), "probe", "probe", who, &lifted, &e));
    strcpy(t.storefront, "acme");
    strcpy(t.stream, stream);
    strcpy(t.message_id, "msg_01jd8x6tq3w1m5yv9z0k2c4r7e");
    t.pepper_version = 1;
    token_unsubscribe(desk.room.keys, &t, &token);
    return arena_printf(desk.room.arena, "/u/%s", buf_text(&token));
}

/* All rows that a request could have changed: suppressions and the journal. */
static uint64_t rows(void)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct suppression_filter f = {
        .scope = "", .reason = "", .origin = "", .with_lifted = true, .max = 1000};
    struct suppression *s;
    struct journal_row *j;
    struct err e;
    size_t suppressions, events;

    assert_true(queue_suppressions(desk.room.queue, "acme", &f, a, &s, &suppressions, &e));
    assert_true(queue_journal(desk.room.queue, "acme", "n1", 0, 1000, a, &j, &events, &e));
    return suppressions * 1000000 + events;
}

static bool is_suppressed(const char *address, const char *scope, struct suppression *out)
{
    struct suppression *found;
    struct err e;
    size_t n;

    assert_true(queue_suppressions_of(
        desk.room.queue, "acme", str_of(address), desk.room.arena, &found, &n, &e));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(found[i].scope, scope) == 0) {
            *out = found[i];
            return true;
        }
    }
    return false;
}

static void looking_at_a_link_changes_nothing(void **state)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
    const char *path = link_of("look@example.com", "newsletter");
    uint64_t before = rows();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        AUTO(reply_close) struct reply r = {0};
        desk_call(&desk, methods[i], path, "", STR(""), &r);
        expect_int(methods[i], r.status, i < 2 ? 200 : 405);
    }
    AUTO(reply_close) struct reply r = {0};
    desk_call(&desk, "GET", arena_printf(desk.room.arena, "%s?List-Unsubscribe=One-Click", path),
        "", STR(""), &r);
    assert_int_equal(r.status, 200);
    desk_call(&desk, "GET", path, "Content-Type: application/x-www-form-urlencoded\r\n",
        STR("List-Unsubscribe=One-Click"), &r);
    assert_int_equal(rows(), before);
}

static void the_page_is_locked_down_and_speaks_the_language(void **state)
{
    AUTO(reply_close) struct reply r = {0};

    (void)state;
    desk_call(&desk, "GET", "/u/anything", "Accept-Language: de-DE\r\n", STR(""), &r);
    assert_int_equal(r.status, 200);
    expect_str("type", reply_header(&r, "Content-Type"), STR("text/html; charset=utf-8"));
    expect_in("policy", reply_header(&r, "Content-Security-Policy"),
        "default-src 'none'; style-src 'sha256-");
    expect_str("caching", reply_header(&r, "Cache-Control"), STR("no-store"));
    expect_str("referrer", reply_header(&r, "Referrer-Policy"), STR("no-referrer"));
    expect_str("cookies", reply_header(&r, "Set-Cookie"), STR(""));
    expect_in("language", buf_str(&r.body), "<html lang=\"de\">");
    expect_in("button", buf_str(&r.body),
        "<button name=\"confirm\" value=\"stream\">Abbestellen</button>");
    expect_in("all", buf_str(&r.body), "value=\"all\"");
    expect("no scripts", !strstr(buf_text(&r.body), "<script"), "none");
    expect("nothing from elsewhere", !strstr(buf_text(&r.body), "http"), "none");
}

/* Whoever closes the page before a button is pressed has to know that nothing was done. */
static void the_question_says_that_nothing_is_done_yet(void **state)
{
    static const struct {
        const char *accept, *condition, *open;
    } languages[] = {
        {"Accept-Language: en\r\n", "<p>If you unsubscribe, ", "Nothing has changed yet."},
        {"Accept-Language: de\r\n", "<p>Wenn Sie abbestellen, ", "Noch ist nichts geändert."},
    };

    (void)state;
    EACH(row, languages)
    {
        AUTO(reply_close) struct reply r = {0};
        desk_call(&desk, "GET", "/u/anything", row->accept, STR(""), &r);
        expect_in(row->accept, buf_str(&r.body), row->condition);
        expect_in(row->accept, buf_str(&r.body), row->open);
    }
}

static const struct {
    const char *name, *type, *body, *scope, *method;
} wishes[] = {
    {"one-click, urlencoded", "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click",
        "newsletter", "one-click"},
    {"one-click, multipart", MULTI, "--XX\r\n" ONE_CLICK_PART "--XX--\r\n", "newsletter",
        "one-click"},
    {"the page's first button", "application/x-www-form-urlencoded", "confirm=stream", "newsletter",
        "page"},
    {"the page's second button", "application/x-www-form-urlencoded", "confirm=all",
        "class:marketing", "page"},
};

static void a_posted_form_unsubscribes(void **state)
{
    (void)state;
    EACH(row, wishes)
    {
        AUTO(reply_close) struct reply r = {0};
        AUTO(reply_close) struct reply again = {0};
        const char *address = arena_printf(desk.room.arena, "wish%zu@example.com", row_i);
        const char *path = link_of(address, "newsletter");
        const char *head = arena_printf(desk.room.arena, "Content-Type: %s\r\n", row->type);
        struct suppression s = {0};
        desk_call(&desk, "POST", path, head, str_of(row->body), &r);
        expect_int(row->name, r.status, 200);
        expect(row->name, is_suppressed(address, row->scope, &s), "suppressed");
        expect_text(row->name, s.reason, "unsubscribe");
        expect_text(row->name, s.origin, "recipient");
        expect_text(row->name, s.evidence, "msg_01jd8x6tq3w1m5yv9z0k2c4r7e");
        uint64_t before = rows();
        desk_call(&desk, "POST", path, head, str_of(row->body), &again);
        expect_int(row->name, again.status, 200);
        expect_str(row->name, buf_str(&again.body), buf_str(&r.body));
        expect_int(row->name, (int64_t)rows(), (int64_t)before);
    }
}

static void an_unknown_token_is_answered_like_a_known_one(void **state)
{
    static const char *const tokens[] = {"x",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "..%2f..", "%00",
        "msg_01jd8x6tq3w1m5yv9z0k2c4r7e"};
    const char *head = "Content-Type: application/x-www-form-urlencoded\r\n";
    AUTO(reply_close) struct reply known = {0};
    uint64_t before;

    (void)state;
    desk_call(&desk, "POST", link_of("known@example.com", "newsletter"), head,
        STR("List-Unsubscribe=One-Click"), &known);
    before = rows();
    for (size_t i = 0; i < COUNT_OF(tokens); i++) {
        AUTO(reply_close) struct reply r = {0};
        desk_call(&desk, "POST", arena_printf(desk.room.arena, "/u/%s", tokens[i]), head,
            STR("List-Unsubscribe=One-Click"), &r);
        expect_int(tokens[i], r.status, known.status);
        expect_str(tokens[i], buf_str(&r.body), buf_str(&known.body));
    }
    assert_int_equal(rows(), before);
}

static void a_forged_token_unsubscribes_nobody(void **state)
{
    const char *path = link_of("forged@example.com", "newsletter");
    char *altered = arena_text(desk.room.arena, str_of(path));
    AUTO(reply_close) struct reply r = {0};
    struct suppression s;

    (void)state;
    altered[10] = altered[10] == 'a' ? 'b' : 'a';
    desk_call(&desk, "POST", altered, "Content-Type: application/x-www-form-urlencoded\r\n",
        STR("List-Unsubscribe=One-Click"), &r);
    assert_int_equal(r.status, 200);
    assert_false(is_suppressed("forged@example.com", "newsletter", &s));
}

static void a_form_that_says_nothing_changes_nothing(void **state)
{
    static const char *const bodies[] = {
        "", "List-Unsubscribe=Maybe", "confirm=perhaps", "x=y", "List-Unsubscribe"};
    const char *path = link_of("unclear@example.com", "newsletter");
    uint64_t before = rows();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        AUTO(reply_close) struct reply r = {0};
        desk_call(&desk, "POST", path, "Content-Type: application/x-www-form-urlencoded\r\n",
            str_of(bodies[i]), &r);
        expect_int(bodies[i], r.status, 400);
        expect_in(bodies[i], buf_str(&r.body), "Nothing was changed");
    }
    assert_int_equal(rows(), before);
}

static void an_unsubscribed_person_gets_no_marketing_but_notes(void **state)
{
    AUTO(reply_close) struct reply r = {0};

    (void)state;
    desk_call(&desk, "POST", link_of("left@example.com", "newsletter"),
        "Content-Type: application/x-www-form-urlencoded\r\n", STR("confirm=all"), &r);
    desk_post(&desk, "/v1/messages",
        "{\"template\":\"offer\",\"to\":\"left@example.com\",\"data\":{\"name\":\"L\"},\"stream\":"
        "\"newsletter\"}",
        &r);
    assert_int_equal(r.status, 202);
    expect_in("offer", buf_str(&r.body), "\"state\":\"suppressed\",\"reason\":\"unsubscribe\"");
    desk_post(&desk, "/v1/messages",
        "{\"template\":\"note\",\"to\":\"left@example.com\",\"data\":{\"name\":\"L\",\"number\":"
        "\"1\"}}",
        &r);
    assert_int_equal(r.status, 202);
    expect_in("note", buf_str(&r.body), "\"state\":\"queued\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_read_in_both_encodings),
        cmocka_unit_test(the_browser_chooses_the_language),
        cmocka_unit_test(looking_at_a_link_changes_nothing),
        cmocka_unit_test(the_page_is_locked_down_and_speaks_the_language),
        cmocka_unit_test(the_question_says_that_nothing_is_done_yet),
        cmocka_unit_test(a_posted_form_unsubscribes),
        cmocka_unit_test(an_unknown_token_is_answered_like_a_known_one),
        cmocka_unit_test(a_forged_token_unsubscribes_nobody),
        cmocka_unit_test(a_form_that_says_nothing_changes_nothing),
        cmocka_unit_test(an_unsubscribed_person_gets_no_marketing_but_notes),
    };
    return cmocka_run_group_tests(tests, one_desk_open, one_desk_close);
}
