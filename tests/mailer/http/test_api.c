#include "tests/base/expect.h"
#include "tests/mailer/http/desk.h"

#include <pthread.h>
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

#define NOTE                                                                                       \
    "{\"template\":\"note\",\"to\":\"Ada "                                                         \
    "<ada@example.com>\",\"data\":{\"name\":\"Ada\",\"number\":\"7\"}"

static void add_head(struct buf *out, const char *key, const char *more)
{
    buf_addf(out, "Authorization: Bearer %s\r\nContent-Type: application/json\r\n%s", key, more);
}

static const char *id_of(const struct reply *r)
{
    AUTO(js_close) struct js *o = reply_json(r);

    return arena_text(desk.room.arena, js_get_text(o, "id"));
}

static const char *text_of(const struct reply *r, const char *key)
{
    AUTO(js_close) struct js *o = reply_json(r);

    return arena_text(desk.room.arena, js_get_text(o, key));
}

static uint64_t messages(const char *storefront)
{
    struct queue_counts counts;
    struct err e;
    uint64_t n = 0;

    assert_true(queue_count(desk.room.queue, storefront, &counts, &e));
    for (size_t i = 0; i < MSG_STATES; i++)
        n += counts.by_state[i];
    return n;
}

/* ---- sending ---- */

static void a_mail_is_accepted_with_its_id(void **state)
{
    AUTO(reply_close) struct reply r = {0};
    uint64_t before = messages("acme");

    (void)state;
    desk_post(&desk, "/v1/messages", NOTE "}", &r);
    assert_int_equal(r.status, 202);
    const char *id = id_of(&r);
    expect("ID", id_is_valid(str_of(id), "msg_"), "valid");
    expect_text("state", text_of(&r, "state"), "queued");
    expect_str("Location", reply_header(&r, "Location"),
        str_of(arena_printf(desk.room.arena, "/v1/messages/%s", id)));
    expect_str("type", reply_header(&r, "Content-Type"), STR("application/json"));
    expect_str("sniffing", reply_header(&r, "X-Content-Type-Options"), STR("nosniff"));
    expect_str("caching", reply_header(&r, "Cache-Control"), STR("no-store"));
    expect_str("Server", reply_header(&r, "Server"), STR(""));
    expect("request ID", id_is_valid(reply_header(&r, "X-Request-Id"), "req_"), "valid");
    assert_int_equal(messages("acme"), before + 1);
}

static void a_repeat_gets_the_same_answer(void **state)
{
    AUTO(buf_close) struct buf head = {0};
    AUTO(reply_close) struct reply one = {0};
    AUTO(reply_close) struct reply two = {0};
    AUTO(reply_close) struct reply three = {0};

    (void)state;
    add_head(&head, desk.key, "Idempotency-Key: repeat-1\r\n");
    desk_call(&desk, "POST", "/v1/messages", buf_text(&head), STR(NOTE "}"), &one);
    uint64_t before = messages("acme");
    desk_call(&desk, "POST", "/v1/messages", buf_text(&head), STR(NOTE " }"), &two);
    assert_int_equal(two.status, 202);
    expect_str("body", buf_str(&two.body), buf_str(&one.body));
    expect_str("first", reply_header(&one, "Idempotent-Replayed"), STR(""));
    expect_str("second", reply_header(&two, "Idempotent-Replayed"), STR("true"));
    desk_call(
        &desk, "POST", "/v1/messages", buf_text(&head), STR(NOTE ",\"order\":\"2\"}"), &three);
    assert_int_equal(three.status, 409);
    expect_text("code", text_of(&three, "code"), "idempotency-conflict");
    assert_int_equal(messages("acme"), before);
}

static void the_same_key_of_another_storefront_is_another_key(void **state)
{
    AUTO(buf_close) struct buf acme = {0};
    AUTO(buf_close) struct buf bold = {0};
    AUTO(reply_close) struct reply one = {0};
    AUTO(reply_close) struct reply two = {0};

    (void)state;
    add_head(&acme, desk.key, "Idempotency-Key: shared\r\n");
    add_head(&bold, desk.other, "Idempotency-Key: shared\r\n");
    desk_call(&desk, "POST", "/v1/messages", buf_text(&acme), STR(NOTE "}"), &one);
    desk_call(&desk, "POST", "/v1/messages", buf_text(&bold), STR(NOTE "}"), &two);
    assert_int_equal(two.status, 202);
    assert_string_not_equal(id_of(&one), id_of(&two));
}

#define CLIENTS 64

struct client {
    pthread_t thread;
    pthread_barrier_t *start;
    char id[ID_SIZE];
    unsigned status;
};

static void *send_same(void *context)
{
    struct client *c = context;
    AUTO(buf_close) struct buf head = {0};
    AUTO(reply_close) struct reply r = {0};

    add_head(&head, desk.key, "Idempotency-Key: sixty-four\r\n");
    pthread_barrier_wait(c->start);
    desk_call(&desk, "POST", "/v1/messages", buf_text(&head), STR(NOTE "}"), &r);
    AUTO(js_close) struct js *o = reply_json(&r);
    c->status = r.status;
    str_copy(js_get_text(o, "id"), c->id, sizeof c->id);
    return NULL;
}

static void sixty_four_clients_with_one_key_send_one_mail(void **state)
{
    static struct client clients[CLIENTS];
    pthread_barrier_t start;
    uint64_t before = messages("acme");

    (void)state;
    pthread_barrier_init(&start, NULL, CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].start = &start;
        assert_int_equal(pthread_create(&clients[i].thread, NULL, send_same, &clients[i]), 0);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        assert_int_equal(clients[i].status, 202);
        assert_string_equal(clients[i].id, clients[0].id);
    }
    pthread_barrier_destroy(&start);
    assert_int_equal(messages("acme"), before + 1);
}

static void a_suppressed_person_gets_202_and_is_told(void **state)
{
    AUTO(reply_close) struct reply r = {0};

    (void)state;
    desk_post(&desk, "/v1/suppressions",
        "{\"address\":\"gone@example.com\",\"reason\":\"manual\",\"why\":\"asked on the phone\"}",
        &r);
    assert_int_equal(r.status, 201);
    desk_post(&desk, "/v1/messages",
        "{\"template\":\"note\",\"to\":\"gone@example.com\",\"data\":{\"name\":\"G\",\"number\":"
        "\"1\"}}",
        &r);
    assert_int_equal(r.status, 202);
    expect_text("state", text_of(&r, "state"), "suppressed");
    expect_text("reason", text_of(&r, "reason"), "manual");
    expect("links", !strstr(buf_text(&r.body), "/cancel"), "nothing to cancel");
}

/* ---- refusals ---- */

#define JSON_HEAD "Content-Type: application/json\r\n"

/* %s in the head stands for acme's key. */
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
        AUTO(buf_close) struct buf head = {0};
        AUTO(reply_close) struct reply r = {0};
        const char *key = strstr(row->head, "%s");
        buf_add(&head, str_bytes(row->head, key ? (size_t)(key - row->head) : strlen(row->head)));
        if (key)
            buf_addf(&head, "%s%s", desk.key, key + 2);
        desk_call(&desk, row->method, row->path, buf_text(&head), str_of(row->body), &r);
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
        {"a misspelled filter", "GET", "/v1/suppressions?reasn=complaint",
            "Authorization: Bearer %s\r\n", "",
            "known are scope, reason, origin, since, until, lifted, addresses, after, limit"},
        {"a parameter of events", "GET", "/v1/events?befor=1", "Authorization: Bearer %s\r\n", "",
            "known are after, limit, node"},
    };

    (void)state;
    EACH(row, table)
    {
        AUTO(buf_close) struct buf head = {0};
        AUTO(reply_close) struct reply r = {0};
        const char *key = strstr(row->head, "%s");
        buf_add(&head, str_bytes(row->head, (size_t)(key - row->head)));
        buf_addf(&head, "%s%s", desk.key, key + 2);
        desk_call(&desk, row->method, row->path, buf_text(&head), str_of(row->body), &r);
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

static void a_role_that_is_lacking_is_named(void **state)
{
    static const struct {
        const char *name, *method, *path, *role;
        unsigned has;
    } table[] = {
        {"sending", "POST", "/v1/messages", "send", ROLE_READ | ROLE_REVIEW | ROLE_ADMIN},
        {"reading", "GET", "/v1/messages/msg_01jd8x6tq3w1m5yv9z0k2c4r7e", "read", ROLE_SEND},
        {"cancelling", "POST", "/v1/messages/msg_01jd8x6tq3w1m5yv9z0k2c4r7e/cancel", "send",
            ROLE_READ},
        {"reviewing", "GET", "/v1/suppressions", "review", ROLE_SEND | ROLE_READ},
        {"suppressing", "POST", "/v1/suppressions", "admin", ROLE_SEND | ROLE_READ | ROLE_REVIEW},
        {"lifting", "POST", "/v1/suppressions/lift", "admin", ROLE_SEND | ROLE_READ | ROLE_REVIEW},
        {"following", "GET", "/v1/events", "read", ROLE_SEND},
    };

    (void)state;
    EACH(row, table)
    {
        AUTO(buf_close) struct buf head = {0};
        AUTO(reply_close) struct reply r = {0};
        add_head(&head, room_key(&desk.room, "acme", row->has), "");
        desk_call(&desk, row->method, row->path, buf_text(&head), STR(""), &r);
        expect_int(row->name, r.status, 403);
        expect_in(row->name, buf_str(&r.body), row->role);
    }
}

static void a_revoked_key_is_refused(void **state)
{
    AUTO(reply_close) struct reply r = {0};
    AUTO(buf_close) struct buf head = {0};
    struct actor who = {"test", "a test"};
    enum change_result result;
    const char *secret;
    struct api_key key;
    struct err e;

    (void)state;
    assert_true(queue_key_create(
        desk.room.queue, "acme", "test", ROLE_READ, who, desk.room.arena, &key, &secret, &e));
    add_head(&head, secret, "");
    desk_call(&desk, "GET", "/v1/events", buf_text(&head), STR(""), &r);
    assert_int_equal(r.status, 200);
    assert_true(queue_key_revoke(desk.room.queue, "acme", key.id, who, &result, &e));
    desk_call(&desk, "GET", "/v1/events", buf_text(&head), STR(""), &r);
    assert_int_equal(r.status, 401);
}

/* ---- looking, cancelling ---- */

static void a_message_shows_what_was_asked_and_what_became_of_it(void **state)
{
    AUTO(reply_close) struct reply sent = {0};
    AUTO(reply_close) struct reply r = {0};

    (void)state;
    desk_post(&desk, "/v1/messages",
        NOTE ",\"order\":\"1001\",\"parcel\":\"P1\",\"seq\":2,\"metadata\":{\"cart\":\"c9\"}}",
        &sent);
    desk_get(&desk,
        reply_header(&sent, "Location").p
            ? arena_text(desk.room.arena, reply_header(&sent, "Location"))
            : "",
        &r);
    assert_int_equal(r.status, 200);
    AUTO(js_close) struct js *o = reply_json(&r);
    struct js *order = js_get(o, "order"), *first = js_at(js_get(o, "timeline"), 0);
    expect_str("recipient", js_get_text(o, "recipient"), STR("ada@example.com"));
    expect_str("name", js_get_text(o, "recipient_name"), STR("Ada"));
    expect_str("template", js_get_text(o, "template"), STR("note"));
    expect_str("state", js_get_text(o, "state"), STR("queued"));
    expect_str("created", js_get_text(o, "created_at"), STR("2026-11-21T08:10:00.000Z"));
    expect_str("order", js_get_text(order, "order"), STR("1001"));
    expect_str("parcel", js_get_text(order, "parcel"), STR("P1"));
    expect_str("event", js_get_text(order, "event"), STR("shipped"));
    expect_int("seq", js_int(js_get(order, "seq")), 2);
    expect_str("metadata", js_get_text(js_get(o, "metadata"), "cart"), STR("c9"));
    expect_str("timeline", js_get_text(first, "event"), STR("accepted"));
    expect("facts", js_kind(js_get(first, "facts")) == JS_OBJECT, "an object");
    expect("readable",
        js_kind(js_get(o, "unreadable")) == JS_BOOL && !js_bool(js_get(o, "unreadable")), "false");
}

static void another_storefronts_message_is_unknown(void **state)
{
    AUTO(reply_close) struct reply sent = {0};
    AUTO(reply_close) struct reply r = {0};
    AUTO(buf_close) struct buf head = {0};

    (void)state;
    desk_post(&desk, "/v1/messages", NOTE "}", &sent);
    const char *id = id_of(&sent);
    add_head(&head, desk.other, "");
    desk_call(&desk, "GET", arena_printf(desk.room.arena, "/v1/messages/%s", id), buf_text(&head),
        STR(""), &r);
    assert_int_equal(r.status, 404);
    desk_call(&desk, "POST", arena_printf(desk.room.arena, "/v1/messages/%s/cancel", id),
        buf_text(&head), STR(""), &r);
    assert_int_equal(r.status, 404);
    desk_get(&desk, arena_printf(desk.room.arena, "/v1/messages/%s", id), &r);
    expect_text("untouched", text_of(&r, "state"), "queued");
}

static void a_waiting_message_can_be_cancelled_once(void **state)
{
    AUTO(reply_close) struct reply sent = {0};
    AUTO(reply_close) struct reply r = {0};

    (void)state;
    desk_post(&desk, "/v1/messages", NOTE "}", &sent);
    const char *path = arena_printf(desk.room.arena, "/v1/messages/%s/cancel", id_of(&sent));
    desk_call(&desk, "POST", path,
        arena_printf(desk.room.arena, "Authorization: Bearer %s\r\n", desk.key), STR(""), &r);
    assert_int_equal(r.status, 200);
    expect_text("state", text_of(&r, "state"), "cancelled");
    desk_post(&desk, path, "{}", &r);
    assert_int_equal(r.status, 409);
    expect_in("the state is told", buf_str(&r.body), "cancelled");
}

/* ---- suppressions, events ---- */

static void suppressions_are_added_listed_and_lifted(void **state)
{
    AUTO(reply_close) struct reply r = {0};
    const char *const wish =
        "{\"address\":\"listed@example.com\",\"scope\":\"newsletter\",\"reason\":\"manual\"}";

    (void)state;
    desk_post(&desk, "/v1/suppressions", wish, &r);
    assert_int_equal(r.status, 201);
    desk_post(&desk, "/v1/suppressions", wish, &r);
    assert_int_equal(r.status, 200);
    desk_get(&desk, "/v1/suppressions?scope=newsletter", &r);
    expect("hash only", !strstr(buf_text(&r.body), "listed@"), "no address");
    desk_get(&desk, "/v1/suppressions?scope=newsletter&addresses=true", &r);
    AUTO(js_close) struct js *o = reply_json(&r);
    assert_int_equal(js_count(js_get(o, "data")), 1);
    expect_str(
        "address", js_get_text(js_at(js_get(o, "data"), 0), "address"), STR("listed@example.com"));
    desk_post(&desk, "/v1/suppressions/lift",
        "{\"address\":\"listed@example.com\",\"scope\":\"newsletter\",\"reason\":null,"
        "\"why\":\"asked again\"}",
        &r);
    assert_int_equal(r.status, 200);
    AUTO(js_close) struct js *lifted = reply_json(&r);
    assert_int_equal(js_int(js_get(lifted, "lifted")), 1);
    desk_get(&desk, "/v1/suppressions?scope=newsletter", &r);
    AUTO(js_close) struct js *none = reply_json(&r);
    assert_int_equal(js_count(js_get(none, "data")), 0);
}

static void another_storefront_sees_neither_suppressions_nor_events(void **state)
{
    AUTO(reply_close) struct reply r = {0};
    AUTO(buf_close) struct buf head = {0};

    (void)state;
    desk_post(&desk, "/v1/suppressions", "{\"address\":\"mine@example.com\"}", &r);
    assert_int_equal(r.status, 201);
    add_head(&head, desk.other, "");
    desk_call(&desk, "GET", "/v1/suppressions?lifted=true", buf_text(&head), STR(""), &r);
    expect_in("suppressions", buf_str(&r.body), "\"data\":[]");
    desk_call(&desk, "GET", "/v1/events?limit=1000", buf_text(&head), STR(""), &r);
    expect("events", !strstr(buf_text(&r.body), "suppression.added"), "none of acme's");
    desk_call(&desk, "POST", "/v1/suppressions/lift", buf_text(&head),
        STR("{\"address\":\"mine@example.com\"}"), &r);
    expect_in("lifted", buf_str(&r.body), "{\"lifted\":0}");
}

static void events_are_read_page_by_page(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(reply_close) struct reply r = {0};
    int64_t after = 0, seen = 0, n = -1;

    (void)state;
    while (n != 0) {
        desk_get(&desk, arena_printf(a, "/v1/events?limit=7&after=%lld", (long long)after), &r);
        assert_int_equal(r.status, 200);
        AUTO(js_close) struct js *o = reply_json(&r);
        struct js *data = js_get(o, "data");
        n = (int64_t)js_count(data);
        for (size_t i = 0; i < js_count(data); i++)
            assert_int_equal(js_int(js_get(js_at(data, i), "seq")), ++seen);
        expect("no personal part", !strstr(buf_text(&r.body), "ada@example.com"), "kept out");
        after = js_int(js_get(o, "next"));
    }
    assert_true(seen > 10);
}

/* ---- health ---- */

static void health_is_told(void **state)
{
    AUTO(reply_close) struct reply r = {0};

    (void)state;
    desk_call(&desk, "GET", "/healthz", "", STR(""), &r);
    assert_int_equal(r.status, 200);
    desk_call(&desk, "HEAD", "/healthz", "", STR(""), &r);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body.n, 0);
    desk_call(&desk, "GET", "/readyz", "", STR(""), &r);
    assert_int_equal(r.status, 200);
}

static void metrics_are_for_this_machine_only(void **state)
{
    AUTO(reply_close) struct reply r = {0};

    (void)state;
    desk_call(&desk, "GET", "/metrics", "", STR(""), &r);
    assert_int_equal(r.status, 200);
    expect_in("requests", buf_str(&r.body),
        "parcelpost_http_requests_total{route=\"/v1/messages\",status=\"202\"}");
    desk_call(&desk, "GET", "/metrics", "X-Forwarded-For: 203.0.113.9\r\n", STR(""), &r);
    assert_int_equal(r.status, 403);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_is_accepted_with_its_id),
        cmocka_unit_test(a_repeat_gets_the_same_answer),
        cmocka_unit_test(the_same_key_of_another_storefront_is_another_key),
        cmocka_unit_test(sixty_four_clients_with_one_key_send_one_mail),
        cmocka_unit_test(a_suppressed_person_gets_202_and_is_told),
        cmocka_unit_test(each_refusal_has_its_status_and_code),
        cmocka_unit_test(a_refusal_says_what_would_be_right),
        cmocka_unit_test(a_body_of_very_many_values_is_refused_before_it_is_read),
        cmocka_unit_test(all_faults_come_with_pointers),
        cmocka_unit_test(invalid_json_is_told_with_line_and_column),
        cmocka_unit_test(a_role_that_is_lacking_is_named),
        cmocka_unit_test(a_revoked_key_is_refused),
        cmocka_unit_test(a_message_shows_what_was_asked_and_what_became_of_it),
        cmocka_unit_test(another_storefronts_message_is_unknown),
        cmocka_unit_test(a_waiting_message_can_be_cancelled_once),
        cmocka_unit_test(suppressions_are_added_listed_and_lifted),
        cmocka_unit_test(another_storefront_sees_neither_suppressions_nor_events),
        cmocka_unit_test(events_are_read_page_by_page),
        cmocka_unit_test(health_is_told),
        cmocka_unit_test(metrics_are_for_this_machine_only),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
