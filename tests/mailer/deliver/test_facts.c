/* Tests mailer/deliver/facts.h: what the journal keeps of an attempt, as the canonical text that the queue takes as it is. */
#include "mailer/deliver/facts.h"
#include "tests/base/expect.h"

#define HOP 1    /* a server was asked */
#define COMPLY 2 /* these were asked before */
#define GATE 4
#define RESULT 8 /* the server answered, or fell silent */

static struct dkim_key *keys[2];

static int open_keys(void **state)
{
    struct err e;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        AUTO(buf_close) struct buf pem = {0};
        assert_true(dkim_key_new(DKIM_ED25519_SHA256, 0, &pem, &e));
        assert_true(
            dkim_key_open("shop.example", i == 0 ? "s1" : "s2", buf_str(&pem), &keys[i], &e));
    }
    return 0;
}

static int close_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        dkim_key_close(&keys[i]);
    return 0;
}

struct row {
    const char *name;
    unsigned parts;
    struct verdict verdict;
    struct gate_verdict gate;
    struct smtp_cover cover;
    struct smtp_result result;
    size_t keys;
    const char *reason; /* the settlement's */
    const char *facts;  /* with took_ms 0 */
};

#define COMPLY_SAYS                                                                                \
    "\"comply\":{\"allowed\":true,\"rule\":\"no-suppression\",\"rules\":\"" COMPLY_RULES_VERSION   \
    "\"}"
#define BUNDLE "\"bundle\":\"0700000000000000000000000000000000000000000000000000000000000000\""
#define SERVER "\"ip\":\"192.0.2.1\",\"mx\":\"mx.test\""

static const struct row rows[] = {
    {.name = "nothing but time", .reason = "", .facts = "{\"took_ms\":0}"},
    {.name = "the settlement's reason",
        .reason = "expired",
        .facts = "{\"reason\":\"expired\",\"took_ms\":0}"},
    {.name = "the verdict's reason comes first",
        .verdict = {.outcome = RETRY,
            .reason = {.name = "timeout", .fault = FAULT_NETWORK, .rule = "r1", .status = ""}},
        .reason = "expired",
        .facts = "{\"fault\":\"network\",\"reason\":\"timeout\",\"rule\":\"r1\",\"rules\":"
                 "\"" REASON_RULES_VERSION "\",\"took_ms\":0}"},
    {.name = "delivered",
        .parts = HOP | COMPLY | GATE | RESULT,
        .verdict = {.outcome = DELIVERED, .reason = {.name = "", .status = "2.0.0"}},
        .gate = {.answer = GATE_SEND, .dmarc = "pass", .policy = "reject", .dkim_aligned = true},
        .cover = {.tls = true, .verified = true, .version = "TLSv1.3"},
        .result = {.phase = AT_BODY, .code = 250, .trouble = ""},
        .keys = 2,
        .reason = "",
        .facts = "{" BUNDLE ",\"code\":250," COMPLY_SAYS
                 ",\"dkim\":[\"s1\",\"s2\"],\"gate\":{\"answer\":\"send\",\"dkim_aligned\":true,"
                 "\"dmarc\":\"pass\","
                 "\"policy\":\"reject\"}," SERVER
                 ",\"phase\":\"body\",\"status\":\"2.0.0\",\"tls\":\"TLSv1.3\","
                 "\"tls_verified\":true,\"took_ms\":0}"},
    {.name = "bounced, and text that has to be escaped or mended",
        .parts = HOP | GATE | RESULT,
        .verdict = {.outcome = BOUNCED,
            .reason = {.name = "user-unknown",
                .fault = FAULT_RECIPIENT,
                .rule = "r2",
                .status = "5.1.1"}},
        .gate = {.answer = GATE_SEND_WITH_WARNING,
            .code = "SPF",
            .policy_domain = "shop.example",
            .stale = true},
        .cover = {.version = "", .doubt = "\"a\\\xff\n"},
        .result = {.phase = AT_RCPT, .code = 550, .trouble = "o\x7f"},
        .keys = 1,
        .reason = "user-unknown",
        .facts =
            "{" BUNDLE
            ",\"code\":550,\"dkim\":[\"s1\"],\"fault\":\"recipient\",\"gate\":{\"answer\":\"warn\","
            "\"code\":\"SPF\",\"dkim_aligned\":false,\"policy_domain\":\"shop.example\",\"stale\":"
            "true}," SERVER ",\"phase\":\"rcpt\",\"reason\":\"user-unknown\",\"rule\":\"r2\","
            "\"rules\":\"" REASON_RULES_VERSION
            "\",\"status\":\"5.1.1\",\"tls\":\"\",\"tls_doubt\":\"\\\"a\\\\\xef\xbf\xbd\\n\","
            "\"took_ms\":0,"
            "\"trouble\":\"o\\u007f\"}"},
};

/* By the JSON library: what it reads from the text, sorted and written. */
static void expect_canonical(const char *name, struct str text, struct buf *without_time)
{
    AUTO(js_close) struct js *o = NULL;
    AUTO(buf_close) struct buf again = {0};
    struct err e;

    expect(name, js_parse(text, &o, &e), "JSON");
    js_write(o, JS_CANONICAL, &again);
    expect_str(name, text, buf_str(&again));
    js_set_int(o, "took_ms", 0);
    js_write(o, JS_CANONICAL, without_time);
}

static void facts_are_canonical_and_complete(void **state)
{
    static const struct hop hop = {.host = "mx.test", .address = {4, {192, 0, 2, 1}}};
    static const struct job job = {.bundle = {.b = {7}}};
    AUTO(arena_close) struct arena *a = arena_open();

    (void)state;
    EACH(row, rows)
    {
        AUTO(buf_close) struct buf got = {0};
        const struct shop shop = {
            .keys = (const struct dkim_key *const *)keys, .keys_n = row->keys};
        const struct attempt t = {.job = &job,
            .shop = &shop,
            .begun_ns = clock_steady_ns(),
            .asked_comply = row->parts & COMPLY,
            .asked_gate = row->parts & GATE,
            .allowed = {.allowed = true, .rule = "no-suppression"},
            .gate = row->gate,
            .verdict = row->verdict,
            .hop = row->parts & HOP ? &hop : NULL,
            .cover = row->parts & HOP ? &row->cover : NULL,
            .result = row->parts & RESULT ? &row->result : NULL};

        expect_canonical(row->name, facts_write(&t, row->reason, a), &got);
        expect_text(row->name, buf_text(&got), row->facts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(facts_are_canonical_and_complete)};

    return cmocka_run_group_tests(tests, open_keys, close_keys);
}
