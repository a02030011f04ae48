#include "tests/base/expect.h"
#include "tests/mailer/http/desk.h"

#include <pthread.h>
#include <unistd.h>

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

/* ---- roles and keys ---- */

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
    return cmocka_run_group_tests(tests, one_desk_open, one_desk_close);
}
