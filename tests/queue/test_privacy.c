/* A marker in every personal field is found nowhere on disk: not plain, not base64, not quoted-printable. */
#include "base/encode.h"
#include "tests/queue/post.h"

#include <stdio.h>

#define MARK "Zq7Marker"

/* In base64 a text looks different at each of three offsets; the middle of each is enough to find it. */
static void expect_nowhere(struct post *p, const char *what)
{
    static const char *const lead[] = {"", "x", "xx"};

    if (in_any_file(p, MARK) || in_any_file(p, "zq7marker") || in_any_file(p, "=5Aq7") ||
        in_any_file(p, "Zq7=4Darker"))
        fail_msg("%s: the marker is on disk", what);
    for (size_t i = 0; i < COUNT_OF(lead); i++) {
        AUTO(buf_close) struct buf plain = {0}, text = {0};
        const char *piece;

        buf_addf(&plain, "%s%s", lead[i], MARK);
        encode_base64(&text, buf_str(&plain));
        piece = arena_text(p->a, str_slice(buf_str(&text), 4, text.n - 4));
        if (in_any_file(p, piece))
            fail_msg("%s: the marker is on disk in base64", what);
    }
}

static void fill(struct post *p)
{
    struct submission s = a_mail(p, MARK ".ada@example.com");
    struct attachment at = {MARK ".pdf", "application/pdf", STR("bytes " MARK)};
    struct suppression_new why = {.scope = "*",
        .reason = "complaint",
        .origin = "receiver",
        .evidence = s.id,
        .actor = "parcelpost",
        .note = STR("note " MARK)};
    struct settlement bounce = {.to = MSG_BOUNCED,
        .reason = "user-unknown",
        .suppress = &why,
        .reply = STR("550 no " MARK " here")};
    uint64_t lifted;

    s.private_json = STR("{\"name\":\"" MARK "\",\"metadata\":{\"k\":\"" MARK "\"}}");
    s.idempotency_key = STR("key " MARK);
    s.order = (struct order_event){.order = STR("order " MARK),
        .parcel = STR("parcel " MARK),
        .event = "shipped",
        .seq = 1,
        .supersedes = ""};
    s.attachments = &at;
    s.attachments_n = 1;
    post_submit(p, &s);
    bounce.job = claim_one(p);
    queue_body_starts(p->q, 0, bounce.job);
    FINE(queue_settle(p->q, &bounce, &p->e));
    FINE(queue_lift(p->q, SHOP, s.address, "*", "", test_actor, &lifted, &p->e));
    assert_true(str_eq(show(p, s.id).address, s.address));
}

static void nothing_personal_is_readable_on_disk(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);

    (void)state;
    fill(p);
    expect_nowhere(p, "while it runs");
    assert_true(in_any_file(p, "shipping_notice")); /* the search does look into the files */
    queue_close(&p->q);
    expect_nowhere(p, "after it was closed");
    p->q = post_start(p, QUEUE_SERVE, "one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_personal_is_readable_on_disk)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
