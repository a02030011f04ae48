/* POST /v1/messages/batch: each request answered by itself, all that are right on the disk in one commit. */
#include "tests/base/expect.h"
#include "tests/mailer/http/jam.h"

#include "base/log.h"
#include "queue/sqlite.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

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
        const char *pointer, *code;
    } table[] = {
        {"no JSON", "{\"messages\":[", 400, "", ""},
        {"an array", "[" NOTE("") "]", 422, "", "wrong-type"},
        {"nothing in it", "{}", 422, "/messages", "missing"},
        {"an object instead", "{\"messages\":{}}", 422, "/messages", "wrong-type"},
        {"empty", "{\"messages\":[]}", 422, "/messages", "empty"},
        {"a slip of the pen", "{\"messages\":[" NOTE("") "],\"mesages\":1}", 422, "/mesages",
            "unknown-field"},
    };

    (void)state;
    EACH(row, table)
    {
        AUTO(reply_close) struct reply r = {0};
        uint64_t before = messages();
        desk_post(&desk, "/v1/messages/batch", row->body, &r);
        AUTO(js_close) struct js *o = reply_json(&r);
        expect_int(row->name, r.status, row->status);
        const struct js *fault = js_at(js_get(o, "errors"), 0);
        expect_str(row->name, js_get_text(fault, "pointer"), str_of(row->pointer));
        expect_str(row->name, js_get_text(fault, "code"), str_of(row->code));
        assert_int_equal(messages(), before);
    }
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X250 X50 X50 X50 X50 X50
#define TEN(note)                                                                                  \
    note "," note "," note "," note "," note "," note "," note "," note "," note "," note

/* Of eleven messages the last has the longest key. */
static void a_key_too_long_for_the_last_message_stores_none(void **state)
{
    static const struct {
        const char *name, *header;
        unsigned status;
        uint64_t stored;
    } table[] = {
        {"252 characters", "Idempotency-Key: " X250 "xx\r\n", 202, 11},
        {"253", "Idempotency-Key: " X250 "xxx\r\n", 422, 0},
        {"256, as for one message", "Idempotency-Key: " X250 "xxxxxx\r\n", 422, 0},
        {"none in it", "Idempotency-Key:\r\n", 422, 0},
    };

    (void)state;
    EACH(row, table)
    {
        AUTO(reply_close) struct reply r = {0};
        uint64_t before = messages();
        post(TEN(NOTE("")) "," NOTE(""), row->header, &r);
        expect_int(row->name, r.status, row->status);
        expect_int(row->name, (int64_t)(messages() - before), (int64_t)row->stored);
        if (row->status == 422)
            expect_in(row->name, buf_str(&r.body), "invalid-idempotency-key");
    }
}

/* The same mail under the same key, whichever way the key comes. */
static void a_key_in_header_or_body_is_one_key(void **state)
{
    AUTO(reply_close) struct reply first = {0};
    AUTO(reply_close) struct reply again = {0};

    (void)state;
    post(NOTE(""), "Idempotency-Key: dawn\r\n", &first);
    uint64_t before = messages();
    post(NOTE(",\"idempotency_key\":\"dawn#0\""), "", &again);
    AUTO(js_close) struct js *o = reply_json(&again);
    expect_text("statuses", statuses(o), "202");
    expect("repeated", js_bool(js_get(js_at(js_get(o, "results"), 0), "repeated")), "said");
    assert_int_equal(messages(), before);
}

/* ---- a store that refuses ---- */

static atomic_int failures, troubles;

static void count_lines(void *context, const char *line)
{
    (void)context;
    failures += strstr(line, "http-failure") != NULL;
    troubles += strstr(line, "http-store-trouble") != NULL;
}

static void let_files_grow(bool yes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = yes ? limit.rlim_max : 1;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void refuse_the_last_priority(void)
{
    AUTO(buf_close) struct buf path = {0};
    struct sqlite *db;
    struct err e = {0};

    buf_addf(&path, "%s/queue.db", desk.room.conf->data_dir);
    expect("database", sqlite_open(buf_text(&path), SQLITE_FOR_WRITING, &db, &e), e.text);
    expect("trigger",
        sqlite_exec(db,
            "CREATE TRIGGER sour BEFORE INSERT ON message WHEN NEW.priority = 9 "
            "BEGIN SELECT RAISE(ABORT, 'sour'); END",
            &e),
        e.text);
    sqlite_close(&db);
}

#define SOUR NOTE(",\"priority\":9")

static void what_the_store_refuses_is_told_and_logged(void **state)
{
    static const struct {
        const char *name, *requests;
        bool full;
        unsigned status;
        const char *statuses;
        int failures, troubles;
        const char *says;
        int64_t later_ms;
    } table[] = {
        {"one of two", SOUR "," NOTE(""), false, 207, "500 202", 1, 0, "internal", 0},
        {"the last", NOTE("") "," SOUR, false, 207, "202 500", 1, 0, "internal", 0},
        {"both", SOUR "," SOUR, false, 500, "", 1, 0, "internal", 0},
        {"a disk that takes nothing", NOTE("") "," NOTE(""), true, 503, "", 0, 1,
            "store-unavailable", 0},
        {"and one that is wrong anyway", NOTE("") "," UNKNOWN, true, 503, "", 0, 0,
            "store-unavailable", 9999},
        {"ten seconds later", NOTE("") "," NOTE(""), true, 503, "", 0, 1, "store-unavailable", 1},
    };

    (void)state;
    refuse_the_last_priority();
    log_set_sink(count_lines, NULL);
    EACH(row, table)
    {
        AUTO(reply_close) struct reply r = {0};
        failures = troubles = 0;
        desk.room.time.ms += row->later_ms;
        let_files_grow(!row->full);
        post(row->requests, "", &r);
        let_files_grow(true);
        AUTO(js_close) struct js *o = reply_json(&r);
        expect_int(row->name, r.status, row->status);
        expect_text(row->name, statuses(o), row->statuses);
        expect_in(row->name, buf_str(&r.body), row->says);
        expect_int(row->name, failures, row->failures);
        expect_int(row->name, troubles, row->troubles);
    }
    log_set_sink(NULL, NULL);
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
        cmocka_unit_test(a_key_too_long_for_the_last_message_stores_none),
        cmocka_unit_test(a_key_in_header_or_body_is_one_key),
        cmocka_unit_test(a_thousand_share_one_commit_and_one_more_is_too_many),
        cmocka_unit_test(what_the_store_refuses_is_told_and_logged),
        cmocka_unit_test(a_client_that_leaves_while_its_batch_waits_costs_nothing),
    };

    return cmocka_run_group_tests(tests, one_desk_open, one_desk_close);
}
