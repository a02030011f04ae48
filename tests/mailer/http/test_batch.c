/* POST /v1/messages/batch: each request answered by itself, all that are right on the disk in one commit. */
#include "tests/base/expect.h"
#include "tests/mailer/http/jam.h"

#include <stdio.h>
#include <unistd.h>

static struct desk desk;

static int open_desk(void **state)
{
    (void)state;
    desk_open(&desk);
    return 0;
}

static int close_desk(void **state)
{
    (void)state;
    desk_close(&desk);
    return 0;
}

#define NOTE(more)                                                                                 \
    "{\"template\":\"note\",\"to\":\"ada@example.com\",\"data\":{\"name\":\"Ada\","                \
    "\"number\":\"7\"}" more "}"
#define UNKNOWN "{\"template\":\"nope\",\"to\":\"ada@example.com\"}"

static uint64_t messages(void)
{
    struct queue_counts counts;
    struct err e;
    uint64_t n = 0;

    assert_true(queue_count(desk.room.queue, "acme", &counts, &e));
    for (size_t i = 0; i < MSG_STATES; i++)
        n += counts.by_state[i];
    return n;
}

static void post(const char *requests, const char *key, struct reply *out)
{
    AUTO(buf_close) struct buf head = {0};
    AUTO(buf_close) struct buf body = {0};

    buf_addf(
        &head, "Authorization: Bearer %s\r\nContent-Type: application/json\r\n%s", desk.key, key);
    buf_addf(&body, "{\"messages\":[%s]}", requests);
    desk_call(&desk, "POST", "/v1/messages/batch", buf_text(&head), buf_str(&body), out);
}

/* "202 422" */
static const char *statuses(const struct js *answer)
{
    const struct js *results = js_get(answer, "results");
    const char *text = "";

    for (size_t i = 0; i < js_count(results); i++)
        text = arena_printf(desk.room.arena, "%s%s%d", text, i > 0 ? " " : "",
            (int)js_int(js_get(js_at(results, i), "status")));
    return text;
}

static void each_request_is_answered_by_itself(void **state)
{
    static const struct {
        const char *name, *requests;
        unsigned status;
        const char *statuses;
        uint64_t stored;
    } table[] = {
        {"one", NOTE(""), 202, "202", 1},
        {"all right", NOTE("") "," NOTE(""), 202, "202 202", 2},
        {"one wrong in the middle", NOTE("") "," UNKNOWN "," NOTE(""), 207, "202 422 202", 2},
        {"all wrong", UNKNOWN ",7", 422, "422 422", 0},
        {"the same key twice is one mail",
            NOTE(",\"idempotency_key\":\"t\"") "," NOTE(",\"idempotency_key\":\"t\""), 202,
            "202 202", 1},
        {"the same key for another mail",
            NOTE(",\"idempotency_key\":\"u\"") "," NOTE(
                ",\"idempotency_key\":\"u\",\"order\":\"9\""),
            207, "202 409", 1},
    };

    (void)state;
    EACH(row, table)
    {
        AUTO(reply_close) struct reply r = {0};
        uint64_t before = messages();
        post(row->requests, "", &r);
        AUTO(js_close) struct js *o = reply_json(&r);
        expect_int(row->name, r.status, row->status);
        expect_text(row->name, statuses(o), row->statuses);
        expect_int(row->name, (int64_t)(messages() - before), (int64_t)row->stored);
        expect_int(row->name, js_int(js_get(o, "accepted")) + js_int(js_get(o, "refused")),
            (int64_t)js_count(js_get(o, "results")));
    }
}

static void a_refusal_points_into_its_own_request(void **state)
{
    AUTO(reply_close) struct reply r = {0};

    (void)state;
    post(NOTE("") "," UNKNOWN, "", &r);
    AUTO(js_close) struct js *o = reply_json(&r);
    const struct js *good = js_at(js_get(o, "results"), 0), *bad = js_at(js_get(o, "results"), 1);
    expect("an ID", id_is_valid(js_get_text(good, "id"), "msg_"), "valid");
    expect_str("state", js_get_text(good, "state"), STR("queued"));
    expect_str("code", js_get_text(bad, "code"), STR("invalid-request"));
    expect_str(
        "pointer", js_get_text(js_at(js_get(bad, "errors"), 0), "pointer"), STR("/template"));
}

static void a_repeated_batch_sends_nothing_twice(void **state)
{
    AUTO(reply_close) struct reply one = {0};
    AUTO(reply_close) struct reply two = {0};

    (void)state;
    post(NOTE("") "," UNKNOWN "," NOTE(""), "Idempotency-Key: night-run\r\n", &one);
    uint64_t before = messages();
    post(NOTE("") "," UNKNOWN "," NOTE(""), "Idempotency-Key: night-run\r\n", &two);
    assert_int_equal(messages(), before);
    AUTO(js_close) struct js *first = reply_json(&one);
    AUTO(js_close) struct js *again = reply_json(&two);
    for (size_t i = 0; i < 3; i += 2) {
        const struct js *a = js_at(js_get(first, "results"), i),
                        *b = js_at(js_get(again, "results"), i);
        expect_str("the same ID", js_get_text(b, "id"), js_get_text(a, "id"));
        expect("repeated", js_bool(js_get(b, "repeated")), "said");
        expect("new", !js_bool(js_get(a, "repeated")), "said");
    }
    expect_text("both", statuses(again), "202 422 202");
}

static void what_is_no_batch_is_refused_whole(void **state)
{
    static const struct {
        const char *name, *body;
        unsigned status;
        const char *pointer;
    } table[] = {
        {"no JSON", "{\"messages\":[", 400, ""},
        {"an array", "[" NOTE("") "]", 422, ""},
        {"nothing in it", "{}", 422, "/messages"},
        {"an object instead", "{\"messages\":{}}", 422, "/messages"},
        {"empty", "{\"messages\":[]}", 422, "/messages"},
        {"a slip of the pen", "{\"messages\":[" NOTE("") "],\"mesages\":1}", 422, "/mesages"},
    };

    (void)state;
    EACH(row, table)
    {
        AUTO(reply_close) struct reply r = {0};
        uint64_t before = messages();
        desk_post(&desk, "/v1/messages/batch", row->body, &r);
        AUTO(js_close) struct js *o = reply_json(&r);
        expect_int(row->name, r.status, row->status);
        if (row->status == 422)
            expect_str(row->name, js_get_text(js_at(js_get(o, "errors"), 0), "pointer"),
                str_of(row->pointer));
        assert_int_equal(messages(), before);
    }
}

static void add_notes(struct buf *out, int n)
{
    buf_add(out, STR("{\"messages\":["));
    for (int i = 0; i < n; i++)
        buf_addf(out, "%s%s", i > 0 ? "," : "", NOTE(""));
    buf_add(out, STR("]}"));
}

static uint64_t commits(void)
{
    AUTO(buf_close) struct buf text = {0};
    unsigned long n = 0;

    metrics_print(desk.room.metrics, &text);
    const char *line = strstr(buf_text(&text), "\nparcelpost_queue_commit_group_size_count ");
    if (line)
        assert_int_equal(sscanf(line, "%*s %lu", &n), 1);
    return n;
}

static void a_thousand_share_one_commit_and_one_more_is_too_many(void **state)
{
    AUTO(reply_close) struct reply full = {0};
    AUTO(reply_close) struct reply over = {0};
    AUTO(buf_close) struct buf thousand = {0};
    AUTO(buf_close) struct buf more = {0};

    (void)state;
    add_notes(&thousand, QUEUE_BATCH);
    add_notes(&more, QUEUE_BATCH + 1);
    uint64_t before = messages(), commits_before = commits();
    desk_post(&desk, "/v1/messages/batch", buf_text(&thousand), &full);
    assert_int_equal(full.status, 202);
    assert_int_equal(messages(), before + QUEUE_BATCH);
    assert_int_equal(commits(), commits_before + 1);
    desk_post(&desk, "/v1/messages/batch", buf_text(&more), &over);
    assert_int_equal(over.status, 422);
    assert_int_equal(messages(), before + QUEUE_BATCH);
}

/* A client that does not wait for the answer: what was made for it is given back all the same (the sanitizer counts
 * at the program's end). */
static void a_client_that_leaves_while_its_batch_waits_costs_nothing(void **state)
{
    AUTO(buf_close) struct buf body = {0}, request = {0};
    struct desk own;
    struct jam j;

    (void)state;
    desk_open_with(&own, (struct http_limits){.answer_ms = DESK_SPAN_MS});
    buf_addf(&body, "{\"messages\":[%s", NOTE(""));
    for (int i = 0; i < 100; i++)
        buf_add(&body, STR(",{}"));
    buf_add(&body, STR("]}"));
    buf_addf(&request,
        "POST /v1/messages/batch HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n"
        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        own.key, body.n, buf_text(&body));
    jam_hold(&own, &j);
    int fd = desk_connect(&own);
    wire_send(fd, buf_str(&request));
    assert_true(wire_is_closed(fd, (int64_t)DESK_SPAN_MS * 4)); /* at its deadline */
    close(fd);
    jam_loosen(&j);
    desk_close(&own);
    jam_close(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_is_answered_by_itself),
        cmocka_unit_test(a_refusal_points_into_its_own_request),
        cmocka_unit_test(a_repeated_batch_sends_nothing_twice),
        cmocka_unit_test(what_is_no_batch_is_refused_whole),
        cmocka_unit_test(a_thousand_share_one_commit_and_one_more_is_too_many),
        cmocka_unit_test(a_client_that_leaves_while_its_batch_waits_costs_nothing),
    };

    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
