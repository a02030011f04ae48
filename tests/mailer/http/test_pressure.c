/* More than can be taken: who is turned away, with which words, and that nothing of it was stored. */
#include "tests/base/expect.h"
#include "tests/mailer/http/desk.h"
#include "tests/mailer/http/jam.h"

#include "base/file.h"
#include "base/log.h"

#include <stdatomic.h>
#include <unistd.h>

#define NOTE                                                                                       \
    "{\"template\":\"note\",\"to\":\"ada@example.com\",\"data\":{\"name\":\"Ada\",\"number\":"     \
    "\"7\"}}"
#define BATCH 1000
#define BATCHES_IN_LINE                                                                            \
    7 /* what the committer's line holds of them: COMMITTER_OPS less COMMITTER_KEPT */

static uint64_t messages(const struct desk *d)
{
    struct queue_counts counts;
    struct err e;
    uint64_t n = 0;

    assert_true(queue_count(d->room.queue, "acme", &counts, &e));
    for (size_t i = 0; i < MSG_STATES; i++)
        n += counts.by_state[i];
    return n;
}

static void write_batch(struct buf *out, const char *request, size_t n)
{
    buf_add_text(out, "{\"messages\":[");
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%s%s", i > 0 ? "," : "", request);
    buf_add_text(out, "]}");
}

static void start_post(const struct desk *d, int fd, const char *path, struct str body)
{
    AUTO(buf_close) struct buf request = {0};

    buf_addf(&request,
        "POST %s HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n"
        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
        path, d->key, body.n);
    buf_add(&request, body);
    assert_true(wire_send(fd, buf_str(&request)));
}

static void expect_refusal(const char *name, const struct reply *r, const char *code)
{
    uint64_t seconds = 0;

    expect_int(name, r->status, 429);
    AUTO(js_close) struct js *o = reply_json(r);
    expect_str(name, js_get_text(o, "code"), str_of(code));
    expect(name, str_to_u64(reply_header(r, "Retry-After"), &seconds) && seconds >= 1, "seconds");
    expect_in(name, reply_header(r, "RateLimit-Policy"), "\"key\";q=");
    expect_in(name, reply_header(r, "RateLimit"), "\"key\";r=");
}

/* ---- the line before the disk ---- */

/* What came first is kept and answered; what found the line full is refused whole, and stored not even in part. */
static void a_full_line_refuses_and_loses_nothing(void **state)
{
    enum { CLIENTS = BATCHES_IN_LINE + 2 };
    AUTO(buf_close) struct buf body = {0};
    size_t accepted = 0;
    struct desk d;
    struct jam j;
    int fds[CLIENTS];

    (void)state;
    desk_open(&d);
    AUTO(reply_close) struct reply first = {0};
    desk_post(&d, "/v1/messages", NOTE, &first); /* its mail's content is in the store */
    assert_int_equal(first.status, 202);
    write_batch(&body, NOTE, BATCH);
    jam_hold(&d, &j);
    uint64_t before = messages(&d);
    for (size_t i = 0; i < CLIENTS; i++)
        start_post(&d, fds[i] = desk_connect(&d), "/v1/messages/batch", buf_str(&body));
    for (size_t i = BATCHES_IN_LINE; i < CLIENTS; i++) { /* answered while the disk stands still */
        AUTO(reply_close) struct reply r = {0};
        size_t at = wire_wait_any(fds, CLIENTS);
        wire_read_answer(fds[at], false, &r);
        expect_refusal("full line", &r, "busy");
        close(fds[at]);
        fds[at] = -1;
    }
    jam_loosen(&j);
    for (size_t i = 0; i < CLIENTS; i++) {
        AUTO(reply_close) struct reply r = {0};
        if (fds[i] < 0)
            continue;
        wire_read_answer(fds[i], false, &r);
        accepted += r.status == 202;
        close(fds[i]);
    }
    assert_int_equal(accepted, BATCHES_IN_LINE);
    assert_int_equal(messages(&d) - before, BATCHES_IN_LINE * BATCH);
    desk_close(&d);
    jam_close(&j);
}

/* ---- one key's share ---- */

/* The settings of the room with the least share that a key can have. */
static void open_with_a_small_share(struct desk *d)
{
    AUTO(buf_close) struct buf text = {0};
    struct faults faults;
    struct snapshot *s;
    struct err e = {0};

    desk_open(d);
    expect("settings",
        file_read("settings", room_path(&d->room, "settings.conf"), 100000, &text, &e), e.text);
    buf_add_text(&text, "\nrequests_per_minute = 1000\n");
    room_write(&d->room, "small.conf", buf_text(&text), 0600);
    AUTO(conf_close) const struct conf *c = room_conf(&d->room, "small.conf");
    faults_init(&faults, d->room.arena);
    expect("snapshot", snapshot_open(c, d->room.queue, &faults, &s, &e), e.text);
    snapshot_swap(d->snapshots, s);
}

static void post_batch(const struct desk *d, const char *request, size_t n, struct reply *out)
{
    AUTO(buf_close) struct buf body = {0};

    write_batch(&body, request, n);
    desk_post(d, "/v1/messages/batch", buf_text(&body), out);
}

static void a_key_gets_its_share_of_a_minute_and_hears_how_it_stands(void **state)
{
    AUTO(reply_close) struct reply r = {0};
    struct desk d;

    (void)state;
    open_with_a_small_share(&d);
    desk_post(&d, "/v1/messages", NOTE, &r);
    assert_int_equal(r.status, 202);
    expect_str("policy", reply_header(&r, "RateLimit-Policy"), STR("\"key\";q=1000;w=60"));
    expect_str("stand", reply_header(&r, "RateLimit"), STR("\"key\";r=999;t=1"));
    post_batch(&d, "7", 990, &r); /* wrong ones cost as much */
    assert_int_equal(r.status, 422);
    expect_str("a batch", reply_header(&r, "RateLimit"), STR("\"key\";r=9;t=60"));

    uint64_t before = messages(&d);
    post_batch(&d, NOTE, 10, &r);
    expect_refusal("a batch above it", &r, "quota-exceeded");
    expect_str("its head was charged", reply_header(&r, "RateLimit"), STR("\"key\";r=8;t=60"));
    expect_str("for nine", reply_header(&r, "Retry-After"), STR("1"));
    assert_int_equal(messages(&d), before);
    for (int i = 0; i < 8; i++) {
        desk_get(&d, "/v1/events", &r);
        assert_int_equal(r.status, 200);
    }
    desk_get(&d, "/v1/events", &r);
    expect_refusal("reading counts as well", &r, "quota-exceeded");
    desk_post(&d, "/v1/messages", NOTE, &r);
    expect_refusal("a single one", &r, "quota-exceeded");
    assert_int_equal(messages(&d), before);

    d.room.time.ms += 60;
    desk_post(&d, "/v1/messages", NOTE, &r);
    assert_int_equal(r.status, 202);
    d.room.time.ms += 60000;
    post_batch(&d, NOTE, 20, &r);
    assert_int_equal(r.status, 202);
    desk_close(&d);
}

static void another_key_and_who_needs_none_are_not_concerned(void **state)
{
    AUTO(reply_close) struct reply r = {0};
    AUTO(buf_close) struct buf head = {0};
    struct desk d;

    (void)state;
    open_with_a_small_share(&d);
    post_batch(&d, "7", BATCH, &r);
    desk_get(&d, "/v1/events", &r);
    expect_refusal("spent", &r, "quota-exceeded");
    buf_addf(&head, "Authorization: Bearer %s\r\n", d.other);
    desk_call(&d, "GET", "/v1/events", buf_text(&head), STR(""), &r);
    assert_int_equal(r.status, 200);
    desk_call(&d, "GET", "/readyz", "", STR(""), &r);
    assert_int_equal(r.status, 200);
    expect_str("no key, no share", reply_header(&r, "RateLimit"), STR(""));
    desk_close(&d);
}

/* ---- answers that nobody reads ---- */

/* A request with so many faults that the answer outgrows what two sockets hold. */
static void write_faulty(struct buf *out)
{
    AUTO(buf_close) struct buf one = {0};

    buf_add_char(&one, '{');
    for (int i = 0; i < 60; i++)
        buf_addf(&one, "%s\"x%d\":0", i > 0 ? "," : "", i);
    buf_add_char(&one, '}');
    write_batch(out, buf_text(&one), BATCH);
}

static atomic_size_t busy_lines;
static char busy_last[512];

static void count_busy(void *context, const char *line)
{
    (void)context;
    if (!strstr(line, " http-busy "))
        return;
    atomic_fetch_add(&busy_lines, 1);
    str_copy(str_of(line), busy_last, sizeof busy_last);
}

static void post_busy(const struct desk *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        AUTO(reply_close) struct reply r = {0};
        desk_post(d, "/v1/messages", NOTE, &r);
        expect_refusal("a mail", &r, "busy");
    }
}

/* While an answer that nobody reads keeps all others out. */
static void expect_few_lines(struct desk *d)
{
    static const struct {
        int64_t later_ms;
        size_t refused, lines;
        const char *says;
    } table[] = {{10000, 4, 1, "more_before=1"}, {9999, 2, 0, "more_before=1"},
        {1, 3, 1, "more_before=5"}, {-1, 1, 1, "more_before=2"}};

    log_set_sink(count_busy, NULL);
    EACH(row, table)
    {
        size_t before = atomic_load(&busy_lines);
        d->room.time.ms += row->later_ms;
        post_busy(d, row->refused);
        expect_int("lines", (int64_t)(atomic_load(&busy_lines) - before), (int64_t)row->lines);
        expect_in("counts", str_of(busy_last), row->says);
    }
    log_set_sink(NULL, NULL);
}

static void an_answer_that_nobody_reads_keeps_further_ones_out(void **state)
{
    AUTO(buf_close) struct buf body = {0};
    AUTO(reply_close) struct reply r = {0};
    AUTO(reply_close) struct reply large = {0};
    struct desk d;

    (void)state;
    desk_open_with(&d, (struct http_limits){.held_bytes = 1 << 20});
    write_faulty(&body);
    assert_in_range(body.n, 1, 1 << 20);
    int fd = desk_connect(&d);
    start_post(&d, fd, "/v1/messages/batch", buf_str(&body));
    wire_wait_any(&fd, 1); /* it has begun to come */
    desk_get(&d, "/v1/events", &r);
    expect_refusal("while it waits", &r, "busy");
    desk_post(&d, "/v1/messages", NOTE, &r);
    expect_refusal("a mail", &r, "busy");
    expect_few_lines(&d);
    assert_int_equal(messages(&d), 0);
    desk_call(&d, "GET", "/healthz", "", STR(""), &r);
    assert_int_equal(r.status, 200);
    wire_read_answer(fd, false, &large);
    assert_int_equal(large.status, 422);
    assert_in_range(large.body.n, 4 << 20, 64 << 20);
    close(fd);
    desk_close(&d); /* and what it held is given back: see the next one */
}

static void what_was_read_is_held_no_longer(void **state)
{
    AUTO(reply_close) struct reply r = {0};
    struct desk d;

    (void)state;
    desk_open_with(&d, (struct http_limits){.held_bytes = 64 << 10});
    for (int i = 0; i < 100; i++) {
        post_batch(&d, "7", 20, &r); /* answers of some kilobytes */
        assert_int_equal(r.status, 422);
    }
    desk_close(&d);
}

/* ---- how long it took ---- */

static void the_time_to_each_202_is_in_the_metrics_and_of_refusals_none(void **state)
{
    AUTO(reply_close) struct reply r = {0};
    struct desk d;

    (void)state;
    desk_open(&d);
    desk_post(&d, "/v1/messages", NOTE, &r);
    desk_post(&d, "/v1/messages", "{}", &r);
    assert_int_equal(r.status, 422);
    post_batch(&d, NOTE, 3, &r);
    post_batch(&d, "7", 3, &r);
    desk_call(&d, "GET", "/metrics", "", STR(""), &r);
    expect_in("single", buf_str(&r.body), "parcelpost_intake_seconds_count{road=\"single\"} 1\n");
    expect_in("batch", buf_str(&r.body), "parcelpost_intake_seconds_count{road=\"batch\"} 1\n");
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_time_to_each_202_is_in_the_metrics_and_of_refusals_none),
        cmocka_unit_test(a_full_line_refuses_and_loses_nothing),
        cmocka_unit_test(a_key_gets_its_share_of_a_minute_and_hears_how_it_stands),
        cmocka_unit_test(another_key_and_who_needs_none_are_not_concerned),
        cmocka_unit_test(an_answer_that_nobody_reads_keeps_further_ones_out),
        cmocka_unit_test(what_was_read_is_held_no_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
