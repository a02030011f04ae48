/* Requests that are taken: what becomes of them. */
#include "mailer/intake/rendered.h"
#include "queue/locker.h"
#include "tests/mailer/intake/taking.h"

#include <stdio.h>

static size_t held_bytes(void)
{
    AUTO(buf_close) struct buf text = {0};
    size_t n = 0;

    metrics_print(room.metrics, &text);
    const char *at = strstr(buf_text(&text), "\nparcelpost_queue_memory_bytes ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, " %*s %zu", &n), 1);
    return n;
}

static const struct {
    const char *name, *body;
    bool has_texts;
} handed_over[] = {
    {"transactional", "{" GOOD "}", true},
    {"a stream of the shop's own", "{" GOOD ",\"stream\":\"service\"}", true},
    {"marketing, each with a link of its own",
        "{\"template\":\"offer\",\"to\":\"ada@example.com\",\"data\":{\"name\":\"Ada\"}}", false},
};

static void texts_are_handed_over_where_they_can_be_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(handed_over); i++) {
        AUTO(close_taken) struct taken t = {0};
        const struct rendered *r;

        take(&t, handed_over[i].body);
        assert_int_equal(t.faults.n, 0);
        r = rendered_of(&(struct job){.handover = t.s.handover});
        if (!r || r->has_texts != handed_over[i].has_texts)
            fail_msg("%s: %s", handed_over[i].name, r ? "the other way" : "nothing");
        if ((r->subject.n > 0) != r->has_texts || (r->handover.bytes > sizeof *r) != r->has_texts)
            fail_msg("%s: %zu bytes", handed_over[i].name, r->handover.bytes);
        if (held_bytes() != locker_bytes(r->handover.bytes))
            fail_msg("%s: %zu bytes have room", handed_over[i].name, held_bytes());
        close_taken(&t);
        assert_int_equal(held_bytes(), 0);
    }
}

static void suppress(const char *address)
{
    struct suppression_new s = {.scope = "*",
        .reason = "hard-bounce",
        .origin = "receiver",
        .evidence = "",
        .actor = "test"};
    struct err e = {0};
    bool added;

    assert_true(queue_suppress(room.queue, "acme", str_of(address), &s, &added, &e));
}

static const struct {
    const char *name, *body;
} not_handed_over[] = {
    {"due later", "{" GOOD ",\"send_at\":\"2026-11-21T09:10:00Z\"}"},
    {"marketing, due later",
        "{\"template\":\"offer\",\"to\":\"ada@example.com\",\"data\":{\"name\":\"Ada\"},"
        "\"send_at\":\"2026-11-21T09:10:00Z\"}"},
    {"suppressed", "{" NO_TO ",\"to\":\"never@example.com\"}"},
};

static void nothing_is_handed_over_that_could_not_lie_in_memory(void **state)
{
    (void)state;
    suppress("never@example.com");
    for (size_t i = 0; i < COUNT_OF(not_handed_over); i++) {
        AUTO(close_taken) struct taken t = {0};

        take(&t, not_handed_over[i].body);
        assert_int_equal(t.faults.n, 0);
        if (t.s.handover || held_bytes() > 0)
            fail_msg("%s: %zu bytes", not_handed_over[i].name, held_bytes());
    }
}

static void a_right_request_becomes_a_submission(void **state)
{
    AUTO(close_taken) struct taken t = {0};

    (void)state;
    take_for(&t, "acme", STR("order-1001"),
        STR("{\"template\":\"note\",\"to\":{\"email\":\"Ada.L@EXAMPLE.com\",\"name\":\"Ada L\"},"
            "\"locale\":\"de-AT\",\"data\":{\"name\":\"Ada\",\"number\":\"7\"},\"order\":\"1001\","
            "\"parcel\":\"P1\",\"event\":\"late\",\"seq\":3,"
            "\"occurred_at\":\"2026-11-21T08:00:00Z\",\"send_at\":\"2026-11-22T08:10:00Z\","
            "\"reply_to\":\"Help <help@shop.example>\",\"metadata\":{\"cart\":\"c9\"}}"));
    assert_int_equal(t.faults.n, 0);
    expect("ID", id_is_valid(str_of(t.s.id), "msg_"), "valid");
    expect_str("address", t.s.address, STR("Ada.L@example.com"));
    expect_text("stream", t.s.stream, "transactional");
    expect_text("locale", t.s.locale, "de-AT");
    expect_text("destination", t.s.destination, "example.com");
    expect_int("priority", t.s.priority, 4);
    expect_int("due", t.s.due_ms, ROOM_NOW_MS + 86400000);
    expect_int("date", t.s.date_ms, t.s.due_ms);
    expect_int("expires", t.s.expires_ms, t.s.due_ms + room.conf->expire_after_ms);
    expect_str("order", t.s.order.order, STR("1001"));
    expect_str("parcel", t.s.order.parcel, STR("P1"));
    expect_text("event", t.s.order.event, "late");
    expect_text("supersedes", t.s.order.supersedes, "delayed");
    expect_int("seq", t.s.order.seq, 3);
    expect_int("occurred", t.s.order.occurred_ms, ROOM_NOW_MS - 600000);
    expect_int("state", t.s.state, MSG_QUEUED);
    expect_in("facts", t.s.facts, "\"by\":\"key_1\"");
    expect_in("facts", t.s.facts, "\"comply\":{\"allowed\":true}");
}

static void what_a_request_leaves_out_has_defaults(void **state)
{
    AUTO(close_taken) struct taken t = {0};

    (void)state;
    take_for(&t, "bold", STR(""), STR("{" GOOD ",\"seq\":null,\"send_at\":null}"));
    assert_int_equal(t.faults.n, 0);
    expect_text("the shop's locale", t.s.locale, "de");
    expect_text("the mail's first event", t.s.order.event, "shipped");
    expect_text("the smart host", t.s.destination, "relay:relay");
    expect_int("now", t.s.due_ms, ROOM_NOW_MS);
}

static void the_private_part_reads_back(void **state)
{
    AUTO(private_close) struct private_part p = {0};
    AUTO(close_taken) struct taken t = {0};
    struct err e = {0};

    (void)state;
    take(&t,
        "{" GOOD ",\"reply_to\":\"h@shop.example\",\"order\":\"1\",\"metadata\":{\"k\":\"v\"}}");
    assert_int_equal(t.faults.n, 0);
    assert_true(private_read(t.s.private_json, &p, &e));
    expect_str("name", p.to_name, STR("Ada"));
    expect_str("reply_to", p.reply_to, STR("h@shop.example"));
    expect_str("order", p.order, STR("1"));
    expect_str("data", js_get_text(p.data, "number"), STR("7"));
    expect_str("metadata", js_get_text(p.metadata, "k"), STR("v"));
    assert_false(private_read(STR("{"), &p, &e));
    assert_int_equal(e.code, ERR_CORRUPT);
}

static void the_same_request_in_another_order_has_the_same_digest(void **state)
{
    AUTO(close_taken) struct taken one = {0};
    AUTO(close_taken) struct taken same = {0};
    AUTO(close_taken) struct taken other = {0};

    (void)state;
    take_for(&one, "acme", STR("k"), STR("{" GOOD ", \"order\": \"1\"}"));
    take_for(&same, "acme", STR("k"), STR("{\"order\":\"1\"," GOOD "}"));
    take_for(&other, "acme", STR("k"), STR("{\"order\":\"2\"," GOOD "}"));
    assert_true(digest_equal(&one.s.request, &same.s.request));
    assert_false(digest_equal(&one.s.request, &other.s.request));
}

static void a_key_in_the_body_is_no_part_of_what_it_stands_for(void **state)
{
    static const char *const bodies[] = {"{" GOOD "}", "{" GOOD ", \"idempotency_key\": \"k\"}",
        "{\"idempotency_key\": null, " GOOD "}"};
    AUTO(close_taken) struct taken first = {0};
    AUTO(close_taken) struct taken other = {0};

    (void)state;
    take_for(&first, "acme", STR("k"), str_of(bodies[0]));
    EACH(body, bodies)
    {
        AUTO(close_taken) struct taken t = {0};
        take_for(&t, "acme", STR("k"), str_of(*body));
        expect_int(*body, (int64_t)t.faults.n, 0);
        expect(*body, digest_equal(&t.s.request, &first.s.request), "the same mail");
    }
    take_for(
        &other, "acme", STR(""), STR("{" GOOD ", \"idempotency_key\": \"k\", \"order\": \"2\"}"));
    assert_false(digest_equal(&other.s.request, &first.s.request));
}

static void a_suppressed_recipient_is_accepted_as_suppressed(void **state)
{
    AUTO(close_taken) struct taken t = {0};

    (void)state;
    suppress("gone@example.com");
    take(&t, "{" NO_TO ",\"to\":\"gone@EXAMPLE.com\"}");
    assert_int_equal(t.faults.n, 0);
    expect_int("state", t.s.state, MSG_SUPPRESSED);
    expect_text("reason", t.s.reason, "hard-bounce");
}

static void a_storefront_that_is_not_configured_is_our_failure(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct intake_setup setup = room_intake(&room);
    struct intake_call call = {"gone", "key_1", STR(""), STR("{}")};
    struct submission s;
    struct faults f;
    struct err e = {0};

    (void)state;
    faults_init(&f, a);
    assert_false(intake_prepare(&setup, snapshot, &call, a, &s, &f, &e));
    assert_int_equal(e.code, ERR_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_handed_over_where_they_can_be_used),
        cmocka_unit_test(nothing_is_handed_over_that_could_not_lie_in_memory),
        cmocka_unit_test(a_right_request_becomes_a_submission),
        cmocka_unit_test(what_a_request_leaves_out_has_defaults),
        cmocka_unit_test(the_private_part_reads_back),
        cmocka_unit_test(the_same_request_in_another_order_has_the_same_digest),
        cmocka_unit_test(a_key_in_the_body_is_no_part_of_what_it_stands_for),
        cmocka_unit_test(a_suppressed_recipient_is_accepted_as_suppressed),
        cmocka_unit_test(a_storefront_that_is_not_configured_is_our_failure),
    };
    return cmocka_run_group_tests(tests, taking_enter, taking_leave);
}
