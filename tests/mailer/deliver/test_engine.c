/* Tests mailer/deliver/engine.h: messages go in at the queue and come out at a real SMTP server, or end as they
 * should. */
#include "tests/mailer/deliver/house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <unistd.h>

#include <cmocka.h>

#define MANY 60
#define SAME 8 /* mails that one claim brings */

static struct house house;

static struct house *open_with(const struct house_setup *s)
{
    house_open(&house, s);
    return &house;
}

static struct str header(const struct captured *m, const char *name)
{
    char line[80];
    struct str bytes = buf_str(&m->bytes);

    snprintf(line, sizeof line, "\r\n%s: ", name);
    size_t at = str_find(bytes, str_of(line), 0) + strlen(line);
    return str_slice(bytes, at, str_find(bytes, STR("\r\n"), at));
}

/* ---- the good road --------------------------------------------------------------------------------- */

static void a_message_is_delivered_and_journalled(void **state)
{
    struct house *h = open_with(&(struct house_setup){0});
    const char *id = house_submit(h, "ada@customer.example");

    (void)state;
    house_await(h, id, MSG_DELIVERED);
    assert_int_equal(h->mails_n, 1);
    const struct captured *m = &h->mails[0];
    assert_true(str_starts(str_of(m->mail_from), STR("b+")));
    assert_true(str_ends(str_of(m->mail_from), STR("@bounce.shop.example")));
    assert_true(str_is(header(m, "From"), "Acme Shop <orders@shop.example>"));
    assert_true(str_is(header(m, "Auto-Submitted"), "auto-generated"));
    char message_id[80];
    snprintf(message_id, sizeof message_id, "<%s@shop.example>", id);
    assert_true(str_is(header(m, "Message-ID"), message_id));
    assert_true(str_starts(buf_str(&m->bytes), STR("DKIM-Signature: ")));
    AUTO(js_close) struct js *f = house_facts(h, id, "delivered");
    assert_non_null(f);
    assert_true(str_is(js_get_text(f, "mx"), "mx.customer.example"));
    assert_true(str_is(js_get_text(f, "ip"), "127.0.0.1"));
    assert_int_equal(js_int(js_get(f, "code")), 250);
    assert_true(str_is(js_get_text(js_get(f, "gate"), "answer"), "send"));
    assert_true(str_is(js_get_text(js_get(f, "comply"), "rule"), "no-suppression"));
    assert_true(str_is(js_text(js_at(js_get(f, "dkim"), 0)), "s1"));
    assert_int_equal(js_get_text(f, "bundle").n, 64);
    house_close(h);
}

static void many_messages_share_few_connections(void **state)
{
    struct house *h = open_with(&(struct house_setup){.no_engine = true});
    const char *ids[MANY];

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        ids[i] = house_submit(h, "ada@customer.example");
    house_start(h);
    for (size_t i = 0; i < MANY; i++)
        house_await(h, ids[i], MSG_DELIVERED);
    assert_int_equal(h->mails_n, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_true(h->mails[i].marked); /* a kill at this moment would have called it unsure */
    assert_in_range(smtpd_connections(h->sink), 1, 8);
    house_close(h);
}

static void marketing_carries_one_click_unsubscribe(void **state)
{
    struct house *h = open_with(&(struct house_setup){0});
    const char *id = house_submit_mail(
        h, &(struct house_mail){
               .to = "ada@customer.example", .template_name = "offer", .stream = "marketing"});

    (void)state;
    house_await(h, id, MSG_DELIVERED);
    const struct captured *m = &h->mails[0];
    assert_true(str_is(header(m, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click"));
    struct str bytes = buf_str(&m->bytes);
    assert_true(str_find(bytes, STR("<https://post.shop.example/u/"), 0) < bytes.n);
    house_close(h);
}

static void attachments_travel(void **state)
{
    struct house *h = open_with(&(struct house_setup){0});
    const struct attachment label = {"label.pdf", "application/pdf", STR("%PDF-1.4 a label")};
    const char *id = house_submit_mail(
        h, &(struct house_mail){
               .to = "ada@customer.example", .attachments = &label, .attachments_n = 1});

    (void)state;
    house_await(h, id, MSG_DELIVERED);
    struct str bytes = buf_str(&h->mails[0].bytes);
    assert_true(str_find(bytes, STR("label.pdf"), 0) < bytes.n);
    assert_true(str_find(bytes, STR("JVBERi0xLjQgYSBsYWJlbA=="), 0) < bytes.n);
    house_close(h);
}

/* ---- the server says no ---------------------------------------------------------------------------- */

static size_t suppressions(struct house *h, const char *address, const char **reason)
{
    struct suppression *rows;
    size_t n;
    struct err e;

    assert_true(queue_suppressions_of(h->queue, "acme", str_of(address), h->arena, &rows, &n, &e));
    *reason = n > 0 ? rows[0].reason : "";
    return n;
}

static void an_unknown_user_bounces_and_is_suppressed(void **state)
{
    struct house *h = open_with(&(struct house_setup){0});
    const char *id = house_submit(h, "unknown@customer.example");
    const char *reason;

    (void)state;
    house_await(h, id, MSG_BOUNCED);
    assert_string_equal(house_show(h, id).reason, "user-unknown");
    assert_int_equal(suppressions(h, "unknown@customer.example", &reason), 1);
    assert_string_equal(reason, "hard-bounce");
    const char *next = house_submit(h, "unknown@customer.example");
    house_await(h, next, MSG_SUPPRESSED); /* asked again at the moment of sending */
    assert_int_equal(h->refused_n, 1);
    AUTO(js_close) struct js *f = house_facts(h, id, "bounced");
    AUTO(buf_close) struct buf text = {0};
    js_write(f, JS_COMPACT, &text);
    assert_true(str_find(buf_str(&text), STR("unknown@"), 0) == text.n); /* nothing personal */
    assert_true(str_is(js_get_text(f, "phase"), "rcpt"));
    house_close(h);
}

static enum msg_state await_end(struct house *h, const char *id)
{
    enum msg_state state;

    while ((state = house_state(h, id)) == MSG_QUEUED || state == MSG_LEASED)
        usleep(5000);
    return state;
}

/* They are claimed together and follow each other on one connection. */
static void a_hard_bounce_stops_the_next_mail_of_the_same_claim(void **state)
{
    struct house *h =
        open_with(&(struct house_setup){.settings = "lanes = 1\n", .no_engine = true});
    const char *ids[SAME];
    size_t bounced = 0, suppressed = 0;

    (void)state;
    for (size_t i = 0; i < SAME; i++)
        ids[i] = house_submit(h, "unknown@customer.example");
    house_start(h);
    for (size_t i = 0; i < SAME; i++) {
        enum msg_state end = await_end(h, ids[i]);
        bounced += end == MSG_BOUNCED;
        suppressed += end == MSG_SUPPRESSED;
    }
    assert_int_equal(bounced, 1);
    assert_int_equal(suppressed, SAME - 1);
    assert_int_equal(h->refused_n, 1);
    house_close(h);
}

static void refused_content_bounces_and_suppresses_nobody(void **state)
{
    struct house *h = open_with(&(struct house_setup){0});
    const char *id = house_submit(h, "spam@customer.example");
    const char *reason;

    (void)state;
    house_await(h, id, MSG_BOUNCED);
    assert_int_equal(suppressions(h, "spam@customer.example", &reason), 0);
    house_close(h);
}

static void a_full_mailbox_is_tried_again_until_it_expires(void **state)
{
    struct house *h = open_with(&(struct house_setup){0});
    const char *id = house_submit_mail(
        h, &(struct house_mail){.to = "full@customer.example", .expire_after_ms = 1500});

    (void)state;
    house_await(h, id, MSG_EXPIRED);
    assert_true(house_count_events(h, id, "deferred") >= 2);
    assert_int_equal(house_count_events(h, id, "expired"), 1);
    house_close(h);
}

/* ---- again ----------------------------------------------------------------------------------------- */

/* From the first header after the signatures to the end. */
static struct str without_signatures(const struct captured *m)
{
    struct str bytes = buf_str(&m->bytes);
    size_t at = str_find(bytes, STR("\r\nFrom: "), 0);

    return str_slice(bytes, at, bytes.n);
}

static void each_attempt_sends_the_same_bytes(void **state)
{
    struct house *h = open_with(&(struct house_setup){0});
    const char *id = house_submit(h, "later@customer.example");

    (void)state;
    house_await(h, id, MSG_DELIVERED);
    assert_int_equal(h->mails_n, 2);
    struct str a = without_signatures(&h->mails[0]), b = without_signatures(&h->mails[1]);
    assert_true(a.n > 200 && str_eq(a, b));
    assert_false(house_show(h, id).unsure);
    assert_int_equal(house_show(h, id).attempts, 2);
    house_close(h);
}

static void a_drop_after_the_body_is_unsure_and_sent_again(void **state)
{
    struct house *h = open_with(&(struct house_setup){0});
    const char *id = house_submit(h, "drop@customer.example");

    (void)state;
    house_await(h, id, MSG_DELIVERED);
    assert_int_equal(h->mails_n, 2);
    assert_int_equal(house_count_events(h, id, "unsure"), 1);
    assert_true(str_eq(header(&h->mails[0], "Message-ID"), header(&h->mails[1], "Message-ID")));
    assert_true(str_eq(header(&h->mails[0], "Date"), header(&h->mails[1], "Date")));
    assert_true(str_eq(without_signatures(&h->mails[0]), without_signatures(&h->mails[1])));
    house_close(h);
}

/* ---- where to -------------------------------------------------------------------------------------- */

static void a_dead_first_mx_leads_to_the_second(void **state)
{
    struct house *h = open_with(&(struct house_setup){0});
    const char *id = house_submit(h, "ada@second.example");

    (void)state;
    house_await(h, id, MSG_DELIVERED);
    assert_int_equal(house_count_events(h, id, "deferred"), 0);
    house_close(h);
}

static void a_dead_first_address_leads_to_the_second(void **state)
{
    struct house *h = open_with(&(struct house_setup){0});
    const char *id = house_submit(h, "ada@twofold.example");

    (void)state;
    house_await(h, id, MSG_DELIVERED);
    assert_int_equal(house_count_events(h, id, "deferred"), 0);
    house_close(h);
}

struct destination_case {
    const char *to;
    enum msg_state state;
    const char *reason;
};

static void destinations_without_a_host_have_their_reasons(void **state)
{
    static const struct destination_case cases[] = {
        {"ada@silent.example", MSG_BOUNCED, "null-mx"},
        {"ada@nowhere.example", MSG_BOUNCED, "no-domain"},
        {"ada@empty.example", MSG_BOUNCED, "no-mail-host"},
        {"ada@dead.example", MSG_DEFERRED, "no-connection"},
        {"ada@elsewhere.test", MSG_DEFERRED, "dns-unavailable"},
    };
    struct house *h =
        open_with(&(struct house_setup){.settings = "retry_max_ms = 1h\nretry_first_ms = 1h\n"});
    const char *ids[COUNT_OF(cases)];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        ids[i] = house_submit(h, cases[i].to);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        house_await(h, ids[i], cases[i].state);
        assert_string_equal(house_show(h, ids[i]).reason, cases[i].reason);
    }
    house_close(h);
}

/* The clock stands but for the jumps to the next try. */
static void a_mail_that_waits_for_the_dns_asks_more_and_more_seldom(void **state)
{
    struct clock_fake time = {.ms = clock_now_ms(clock_system())};
    const struct clock clock = clock_of_fake(&time);
    struct house *h =
        open_with(&(struct house_setup){.settings = "retry_max_ms = 1h\n", .clock = &clock});
    const char *id = house_submit(h, "ada@elsewhere.test");
    int64_t about_ms = 100;

    (void)state;
    for (size_t waits = 1; waits <= 4; waits++, about_ms *= 2) {
        while (house_count_events(h, id, "deferred") < waits)
            usleep(5000);
        int64_t due_ms = house_show(h, id).due_ms;
        assert_in_range(due_ms - time.ms, about_ms * 8 / 10, about_ms * 12 / 10);
        time.ms = due_ms;
    }
    assert_int_equal(house_show(h, id).attempts, 0);
    house_close(h);
}

static void private_addresses_are_not_dialled(void **state)
{
    struct house *h =
        open_with(&(struct house_setup){.settings = "allow_private_destinations = false\n"});
    const char *id = house_submit(h, "ada@customer.example");

    (void)state;
    house_await(h, id, MSG_BOUNCED);
    assert_string_equal(house_show(h, id).reason, "mx-not-public");
    assert_int_equal(smtpd_connections(h->sink), 0);
    house_close(h);
}

/* ---- the gate -------------------------------------------------------------------------------------- */

static void a_wrong_key_holds_and_its_repair_releases(void **state)
{
    struct house *h = open_with(&(struct house_setup){
        .dkim_record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="});
    const char *id = house_submit(h, "ada@customer.example");

    (void)state;
    house_await(h, id, MSG_HELD);
    assert_string_equal(house_show(h, id).reason, "gate:DKIM-KEY-MISMATCH");
    assert_int_equal(h->mails_n, 0);
    house_write_zone(h, NULL);
    house_await(h, id, MSG_DELIVERED);
    assert_int_equal(house_count_events(h, id, "released"), 1);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_delivered_and_journalled),
        cmocka_unit_test(many_messages_share_few_connections),
        cmocka_unit_test(marketing_carries_one_click_unsubscribe),
        cmocka_unit_test(attachments_travel),
        cmocka_unit_test(an_unknown_user_bounces_and_is_suppressed),
        cmocka_unit_test(a_hard_bounce_stops_the_next_mail_of_the_same_claim),
        cmocka_unit_test(refused_content_bounces_and_suppresses_nobody),
        cmocka_unit_test(a_full_mailbox_is_tried_again_until_it_expires),
        cmocka_unit_test(each_attempt_sends_the_same_bytes),
        cmocka_unit_test(a_drop_after_the_body_is_unsure_and_sent_again),
        cmocka_unit_test(a_dead_first_mx_leads_to_the_second),
        cmocka_unit_test(a_dead_first_address_leads_to_the_second),
        cmocka_unit_test(destinations_without_a_host_have_their_reasons),
        cmocka_unit_test(a_mail_that_waits_for_the_dns_asks_more_and_more_seldom),
        cmocka_unit_test(private_addresses_are_not_dialled),
        cmocka_unit_test(a_wrong_key_holds_and_its_repair_releases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
