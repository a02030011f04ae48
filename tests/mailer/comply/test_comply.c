#include "tests/base/expect.h"
#include "tests/mailer/intake/one_room.h"

#include "mailer/comply/comply.h"

static void suppress(const char *address, const char *scope, const char *reason)
{
    struct suppression_new s = {
        .scope = scope, .reason = reason, .origin = "staff", .evidence = "msg_1", .actor = "test"};
    struct err e = {0};
    bool added;

    if (!queue_suppress(room.queue, "acme", str_of(address), &s, &added, &e))
        fail_msg("suppress: %s", e.text);
}

static struct comply_answer ask(
    const char *storefront, const char *stream, enum stream_class class, const char *address)
{
    struct comply_answer answer;
    struct err e = {0};

    if (!comply_ask(room.queue, storefront, stream, class, str_of(address), &answer, &e))
        fail_msg("ask: %s", e.text);
    return answer;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static const struct {
    const char *name, *scopes[3]; /* of the suppressions that stand */
    const char *stream;
    enum stream_class class;
    bool allowed;
    const char *rule;
} questions[] = {
    {"nobody said anything", {0}, "newsletter", STREAM_MARKETING, true, "no-suppression"},
    {"the stream is refused", {"newsletter"}, "newsletter", STREAM_MARKETING, false,
        "suppressed-stream"},
    {"another stream is refused", {"deals"}, "newsletter", STREAM_MARKETING, true,
        "no-suppression"},
    {"all marketing is refused", {"class:marketing"}, "newsletter", STREAM_MARKETING, false,
        "suppressed-class"},
    {"a notice comes in spite of it", {"class:marketing", "newsletter"}, "transactional",
        STREAM_TRANSACTIONAL, true, "no-suppression"},
    {"everything is refused", {"*"}, "transactional", STREAM_TRANSACTIONAL, false,
        "suppressed-all"},
    {"all notices are refused", {"class:transactional"}, "service", STREAM_TRANSACTIONAL, false,
        "suppressed-class"},
    {"the widest is told", {"newsletter", "*", "class:marketing"}, "newsletter", STREAM_MARKETING,
        false, "suppressed-all"},
    {"the class before the stream", {"newsletter", "class:marketing"}, "newsletter",
        STREAM_MARKETING, false, "suppressed-class"},
};

static void the_scope_decides(void **state)
{
    (void)state;
    EACH(row, questions)
    {
        const char *address = arena_printf(room.arena, "q%zu@example.com", row_i);
        for (size_t i = 0; i < COUNT_OF(row->scopes) && row->scopes[i]; i++)
            suppress(address, row->scopes[i], "manual");
        struct comply_answer got = ask("acme", row->stream, row->class, address);
        expect_int(row->name, got.allowed, row->allowed);
        expect_text(row->name, got.rule, row->rule);
        expect_text(row->name, got.reason, row->allowed ? "" : "manual");
        expect_text(row->name, got.evidence, row->allowed ? "" : "msg_1");
    }
}

static void of_two_in_one_scope_the_older_is_told(void **state)
{
    (void)state;
    suppress("two@example.com", "*", "complaint");
    room.time.ms += 60000;
    suppress("two@example.com", "*", "hard-bounce");
    struct comply_answer got =
        ask("acme", "transactional", STREAM_TRANSACTIONAL, "two@example.com");
    expect_text("reason", got.reason, "complaint");
    expect_int("since", got.since_ms, room.time.ms - 60000);
}

static void an_expired_or_lifted_suppression_stops_nothing(void **state)
{
    struct suppression_new s = {.scope = "*",
        .reason = "mailbox-full",
        .origin = "receiver",
        .evidence = "",
        .actor = "test",
        .expires_ms = room.time.ms + 1000};
    struct actor who = {"staff", "a mistake"};
    uint64_t lifted;
    struct err e;
    bool added;

    (void)state;
    assert_true(queue_suppress(room.queue, "acme", STR("full@example.com"), &s, &added, &e));
    assert_false(ask("acme", "service", STREAM_TRANSACTIONAL, "full@example.com").allowed);
    room.time.ms += 1000;
    assert_true(ask("acme", "service", STREAM_TRANSACTIONAL, "full@example.com").allowed);
    suppress("lifted@example.com", "*", "manual");
    assert_true(
        queue_lift(room.queue, "acme", STR("lifted@example.com"), "*", "manual", who, &lifted, &e));
    assert_true(ask("acme", "service", STREAM_TRANSACTIONAL, "lifted@example.com").allowed);
}

static void storefronts_do_not_share_suppressions(void **state)
{
    (void)state;
    suppress("shared@example.com", "*", "manual");
    assert_true(ask("bold", "transactional", STREAM_TRANSACTIONAL, "shared@example.com").allowed);
}

static void facts_name_rule_and_evidence_and_nothing_personal(void **state)
{
    AUTO(buf_close) struct buf text = {0};

    (void)state;
    suppress("facts@example.com", "class:marketing", "complaint");
    struct comply_answer got = ask("acme", "newsletter", STREAM_MARKETING, "facts@example.com");
    AUTO(js_close) struct js *facts = comply_facts(&got);
    js_write(facts, JS_COMPACT, &text);
    expect_str("rules", js_get_text(facts, "rules"), STR(COMPLY_RULES_VERSION));
    expect_str("rule", js_get_text(facts, "rule"), STR("suppressed-class"));
    expect_str("scope", js_get_text(facts, "scope"), STR("class:marketing"));
    expect("nothing personal", !strstr(buf_text(&text), "example.com"), "no address");
}

/* ---- unsubscribing --------------------------------------------------------------------------- */

static struct unsubscribe_token token_for(const char *address, const char *stream)
{
    struct unsubscribe_token t = {.pepper_version = 1};
    struct suppression *rows;
    struct err e;
    size_t n;

    suppress(address, "unrelated", "manual");
    assert_true(
        queue_suppressions_of(room.queue, "acme", str_of(address), room.arena, &rows, &n, &e));
    t.person = rows[0].person;
    strcpy(t.storefront, "acme");
    strcpy(t.stream, stream);
    strcpy(t.message_id, "msg_01jd8x6tq3w1m5yv9z0k2c4r7e");
    return t;
}

static enum unsubscribe_result unsubscribe(const struct buf *token, bool all)
{
    enum unsubscribe_result result;
    struct err e = {0};

    if (!comply_unsubscribe(
            room.queue, room.keys, buf_str(token), UNSUBSCRIBE_ONE_CLICK, all, &result, &e))
        fail_msg("unsubscribe: %s", e.text);
    return result;
}

static void a_token_unsubscribes_its_person_from_its_stream(void **state)
{
    struct unsubscribe_token t = token_for("leaves@example.com", "newsletter");
    AUTO(buf_close) struct buf token = {0};

    (void)state;
    token_unsubscribe(room.keys, &t, &token);
    assert_int_equal(unsubscribe(&token, false), UNSUBSCRIBED);
    assert_int_equal(unsubscribe(&token, false), UNSUBSCRIBED_BEFORE);
    struct comply_answer got = ask("acme", "newsletter", STREAM_MARKETING, "leaves@example.com");
    expect_text("rule", got.rule, "suppressed-stream");
    expect_text("reason", got.reason, "unsubscribe");
    expect_text("evidence", got.evidence, "msg_01jd8x6tq3w1m5yv9z0k2c4r7e");
    assert_true(ask("acme", "deals", STREAM_MARKETING, "leaves@example.com").allowed);
    assert_int_equal(unsubscribe(&token, true), UNSUBSCRIBED);
    assert_false(ask("acme", "deals", STREAM_MARKETING, "leaves@example.com").allowed);
    assert_true(ask("acme", "transactional", STREAM_TRANSACTIONAL, "leaves@example.com").allowed);
}

static void the_journal_tells_method_key_and_message(void **state)
{
    struct unsubscribe_token t = token_for("told@example.com", "newsletter");
    AUTO(buf_close) struct buf token = {0};
    struct journal_row *rows;
    struct err e;
    size_t n, seen = 0;

    (void)state;
    token_unsubscribe(room.keys, &t, &token);
    unsubscribe(&token, false);
    unsubscribe(&token, false);
    assert_true(queue_journal(room.queue, "acme", "n1", 0, 1000, room.arena, &rows, &n, &e));
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].event, "unsubscribed") == 0 && rows[i].seq > (int64_t)n - 3) {
            expect_text("message", rows[i].message_id, t.message_id);
            expect_in("facts", rows[i].facts, "\"method\":\"one-click\"");
            expect_in("facts", rows[i].facts, "\"token_key\":1");
            seen++;
        }
    assert_int_equal(seen, 1);
}

static void a_token_that_is_not_ours_is_unknown(void **state)
{
    struct unsubscribe_token t = token_for("stays@example.com", "newsletter");
    AUTO(buf_close) struct buf token = {0};
    AUTO(buf_close) struct buf junk = {0};

    (void)state;
    buf_add_text(&junk, "junk");
    assert_int_equal(unsubscribe(&junk, false), UNSUBSCRIBE_UNKNOWN);
    token_unsubscribe(room.keys, &t, &token);
    token.p[5] = token.p[5] == 'a' ? 'b' : 'a';
    assert_int_equal(unsubscribe(&token, true), UNSUBSCRIBE_UNKNOWN);
    assert_true(ask("acme", "newsletter", STREAM_MARKETING, "stays@example.com").allowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scope_decides),
        cmocka_unit_test(of_two_in_one_scope_the_older_is_told),
        cmocka_unit_test(an_expired_or_lifted_suppression_stops_nothing),
        cmocka_unit_test(storefronts_do_not_share_suppressions),
        cmocka_unit_test(facts_name_rule_and_evidence_and_nothing_personal),
        cmocka_unit_test(a_token_unsubscribes_its_person_from_its_stream),
        cmocka_unit_test(the_journal_tells_method_key_and_message),
        cmocka_unit_test(a_token_that_is_not_ours_is_unknown),
    };
    return cmocka_run_group_tests(tests, one_room_open, one_room_close);
}
