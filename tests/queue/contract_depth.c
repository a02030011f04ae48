/* Depth: much that waits at once. Who comes first is told by counting, at a time that stands still. */
#include "tests/queue/contract.h"

#include <stdio.h>

#define MANY 600

/* Deferred once, and due again by now. */
static void many_come_again(struct post *p, const char *destination, size_t n)
{
    const char *address = arena_printf(p->a, "ada@%s", destination);

    for (size_t i = 0; i < n; i++)
        post_mail(p, address);
    struct job *jobs = claim_at(p, destination, n, n);
    for (size_t i = 0; i < n; i++)
        settle_as(p, &jobs[i], MSG_DEFERRED, "no-connection");
}

static size_t claim_some(struct post *p, size_t max, size_t *fresh)
{
    struct job *jobs;
    size_t n;

    FINE(queue_claim(p->q, SHOP, "example.com", max, HOUR, p->a, &jobs, &n, &p->e));
    for (size_t i = 0; i < n; i++)
        *fresh += jobs[i].attempts == 0;
    return n;
}

/* Of one destination each claim takes both kinds, whatever its size. */
static void many_that_come_again_do_not_stall_new_ones(void **state)
{
    static const size_t sizes[] = {8, 7, 1};

    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        AUTO(post_close) struct post *p = post_open(*state);
        size_t fresh = 0, claimed = 0;

        many_come_again(p, "example.com", MANY);
        p->time.ms += HOUR;
        for (int i = 0; i < 40; i++)
            post_mail(p, "new@example.com");
        while (fresh < 40)
            claimed += claim_some(p, sizes[s], &fresh);
        if (claimed > 80 + sizes[s])
            fail_msg("40 new ones only among the first %zu of claims of %zu", claimed, sizes[s]);
        assert_true(claimed >= 80 - sizes[s]);
    }
}

static void new_ones_do_not_stall_what_comes_again(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    size_t fresh = 0, claimed = 0;

    many_come_again(p, "example.com", 20);
    p->time.ms += HOUR;
    for (int i = 0; i < MANY; i++)
        post_mail(p, "new@example.com");
    while (claimed - fresh < 20)
        claimed += claim_some(p, 8, &fresh);
    assert_int_equal(claimed, 40);
    fresh = claimed = 0;
    for (size_t n; (n = claim_some(p, 8, &fresh)) > 0;)
        claimed += n;
    assert_int_equal(claimed, MANY - 20);
    assert_int_equal(fresh, MANY - 20);
}

/* A network that was down: thousands of destinations fall due again together, and one new mail comes. */
static void many_destinations_that_come_again_do_not_stall_a_new_one(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct ready *list;
    int64_t next_ms;
    size_t n;

    for (int i = 0; i < 100; i++)
        many_come_again(p, arena_printf(p->a, "d%d.example", i), 1);
    p->time.ms += HOUR;
    post_mail(p, "ada@new.example");
    FINE(queue_ready(p->q, 10, p->a, &list, &n, &next_ms, &p->e));
    assert_int_equal(n, 10);
    assert_string_equal(list[0].destination, "new.example");
    assert_string_equal(list[1].destination, "d0.example");
    assert_string_equal(list[2].destination, "d1.example");
    assert_int_equal(list[2].oldest_due_ms, p->time.ms);
}

static void those_that_are_asked_for_are_found_behind_any_number(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct ready wanted[] = {{.storefront = "acme", .destination = "nobody.example"},
        {.storefront = "acme", .destination = "last.example"},
        {.storefront = "other", .destination = "last.example"},
        {.storefront = "", .destination = ""}, {.storefront = "acme", .destination = "d3.example"}};
    struct ready *list;
    size_t n;

    for (int i = 0; i < 40; i++)
        post_mail(p, arena_printf(p->a, "ada@d%d.example", i));
    post_mail(p, "ada@last.example");
    FINE(queue_ready_among(p->q, wanted, COUNT_OF(wanted), p->a, &list, &n, &p->e));
    assert_int_equal(n, 2);
    assert_string_equal(list[0].destination, "last.example");
    assert_string_equal(list[0].storefront, "acme");
    assert_int_equal(list[0].oldest_due_ms, p->time.ms);
    assert_string_equal(list[1].destination, "d3.example");
    claim_at(p, "last.example", 9, 1);
    FINE(queue_ready_among(p->q, wanted, 2, p->a, &list, &n, &p->e));
    assert_int_equal(n, 0);
}

static void a_priority_goes_before_the_turns_of_kinds(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct submission s;
    struct job *jobs;

    many_come_again(p, "example.com", 2);
    p->time.ms += HOUR;
    post_mail(p, "ada@example.com");
    s = a_mail(p, "urgent@example.com");
    s.priority = 1;
    post_submit(p, &s);
    jobs = claim_at(p, "example.com", 9, 4);
    assert_string_equal(jobs[0].id, s.id);
}

/* ---- bytes ---- */

static void mail_of(struct post *p, size_t bytes)
{
    AUTO(buf_close) struct buf b = {0};
    const struct attachment label = {"label.pdf", "application/pdf", {buf_room(&b, bytes), bytes}};
    struct submission s = a_mail(p, "ada@example.com");

    memset(b.p, 'x', bytes);
    s.attachments = &label;
    s.attachments_n = 1;
    post_submit(p, &s);
}

static void a_claim_brings_so_many_bytes_and_no_more(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    size_t half = (size_t)QUEUE_CLAIM_BYTES / 2 - 4096;

    mail_of(p, (size_t)QUEUE_CLAIM_BYTES * 2);
    for (int i = 0; i < 5; i++)
        mail_of(p, half);
    claim_at(p, "example.com", 8, 1); /* the large one alone: the first is never refused */
    claim_at(p, "example.com", 8, 2);
    claim_at(p, "example.com", 8, 2);
    claim_at(p, "example.com", 8, 1);
    claim_at(p, "example.com", 8, 0);
}

/* ---- waits ---- */

static void deferrals_without_an_attempt_are_counted_in_a_row(void **state)
{
    static const struct {
        bool counts;
        int waits, attempts;
    } steps[] = {{false, 1, 0}, {false, 2, 0}, {true, 0, 1}, {false, 1, 1}};
    AUTO(post_close) struct post *p = post_open(*state);

    post_mail(p, "ada@example.com");
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct job *j = claim_one(p);
        struct settlement s = {.job = j,
            .to = MSG_DEFERRED,
            .reason = "dns-unavailable",
            .due_ms = p->time.ms,
            .counts = steps[i].counts};

        FINE(queue_settle(p->q, &s, &p->e));
        j = claim_one(p);
        assert_int_equal(j->waits, steps[i].waits);
        assert_int_equal(j->attempts, steps[i].attempts);
        s = (struct settlement){.job = j, .to = MSG_QUEUED, .reason = "", .due_ms = p->time.ms};
        FINE(queue_settle(p->q, &s, &p->e));
    }
}

/* ---- lists and counts ---- */

static size_t list_of(
    struct post *p, int state, const char *destination, size_t look, const char **go_on)
{
    const struct message_filter f = {
        .state = state, .destination = destination, .after_id = *go_on, .max = 100, .look = look};
    struct message_view *list;
    size_t n;

    FINE(queue_list(p->q, SHOP, &f, p->a, &list, &n, go_on, &p->e));
    for (size_t i = 0; i < n; i++)
        if (state >= 0)
            assert_int_equal(list[i].state, state);
    return n;
}

static void a_rare_state_is_listed_without_looking_at_others(void **state)
{
    static const enum msg_state states[] = {MSG_DEFERRED, MSG_HELD, MSG_BOUNCED, MSG_DELIVERED,
        MSG_EXPIRED, MSG_CANCELLED, MSG_SUPPRESSED};
    AUTO(post_close) struct post *p = post_open(*state);
    const char *go_on;

    for (size_t i = 0; i < COUNT_OF(states); i++) {
        post_mail(p, "ada@example.com");
        settle_as(p, claim_one(p), states[i], "why");
    }
    post_mail(p, "ada@example.com");
    claim_one(p);
    for (int i = 0; i < 30; i++)
        post_mail(p, "ada@example.com");
    for (int s = 0; s < MSG_STATES; s++) {
        go_on = "";
        /* nearly all messages are queued or delivered: what is not rare may be looked for */
        bool rare = s != MSG_QUEUED && s != MSG_DELIVERED;
        assert_int_equal(list_of(p, s, "", rare ? 2 : 100, &go_on), s == MSG_QUEUED ? 30 : 1);
        assert_string_equal(go_on, "");
        go_on = "";
        assert_int_equal(list_of(p, s, "", 1, &go_on), s != MSG_DELIVERED);
        assert_true(go_on[0]);
    }
}

static void a_page_of_one_destination_looks_at_so_many_and_tells_where_to_go_on(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *go_on = "";

    post_mail(p, "ada@rare.example");
    for (int i = 0; i < 25; i++)
        post_mail(p, "ada@example.com");
    assert_int_equal(list_of(p, -1, "rare.example", 10, &go_on), 0);
    assert_true(go_on[0]);
    assert_int_equal(list_of(p, -1, "rare.example", 10, &go_on), 0);
    assert_int_equal(list_of(p, -1, "rare.example", 10, &go_on), 1);
    assert_string_equal(go_on, "");
}

static void expect_held(struct post *p, const char *expected)
{
    AUTO(buf_close) struct buf text = {0};
    struct held_group *groups;
    size_t n;

    FINE(queue_held(p->q, p->a, &groups, &n, &p->e));
    for (size_t i = 0; i < n; i++)
        buf_addf(&text, "%s%s %s %d", i > 0 ? ", " : "", groups[i].storefront, groups[i].code,
            (int)groups[i].n);
    assert_string_equal(arena_text(p->a, buf_str(&text)), expected);
}

/* The counts are kept with each change, so each way in and out is gone once. */
static void held_messages_are_counted_by_their_reason(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *ids[4];
    enum change_result done;
    uint64_t n;

    for (size_t i = 0; i < COUNT_OF(ids); i++)
        ids[i] = post_mail(p, "ada@example.com");
    expect_held(p, "");
    struct job *jobs = claim_at(p, "example.com", 2, 2);
    settle_as(p, &jobs[0], MSG_HELD, "gate:SPF");
    settle_as(p, &jobs[1], MSG_HELD, "gate:SPF");
    FINE(queue_hold(p->q, SHOP, ids[2], "operator", test_actor, &done, &p->e));
    FINE(queue_hold(p->q, SHOP, ids[3], "operator", test_actor, &done, &p->e));
    expect_held(p, "acme gate:SPF 2, acme operator 2");
    FINE(queue_release(p->q, SHOP, ids[2], test_actor, &done, &p->e));
    FINE(queue_cancel(p->q, SHOP, ids[3], test_actor, &done, &p->e));
    expect_held(p, "acme gate:SPF 2");
    FINE(queue_release(p->q, SHOP, ids[0], test_actor, &done, &p->e));
    expect_held(p, "acme gate:SPF 1");
    FINE(queue_release_group(p->q, SHOP, "gate:SPF", test_actor, &n, &p->e));
    assert_int_equal(n, 1);
    expect_held(p, "");
    FINE(queue_hold(p->q, SHOP, ids[0], "operator", test_actor, &done, &p->e));
    post_reopen(p);
    expect_held(p, "acme operator 1");
    p->time.ms += 24 * HOUR;
    FINE(queue_sweep(p->q, &p->e));
    expect_held(p, "");
}

/* There the reason of a row is read as something else on the way. */
static void a_held_message_that_becomes_stale_is_counted_no_more(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct submission s = a_mail(p, "ada@example.com");
    enum change_result done;

    s.order = (struct order_event){
        .order = STR("o1"), .parcel = STR("p1"), .event = "delayed", .seq = 1, .supersedes = ""};
    post_submit(p, &s);
    FINE(queue_hold(p->q, SHOP, s.id, "operator", test_actor, &done, &p->e));
    expect_held(p, "acme operator 1");
    s = a_mail(p, "ada@example.com");
    s.order = (struct order_event){.order = STR("o1"),
        .parcel = STR("p1"),
        .event = "shipped",
        .seq = 2,
        .supersedes = "delayed"};
    post_submit(p, &s);
    expect_held(p, "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(many_that_come_again_do_not_stall_new_ones),
    cmocka_unit_test(new_ones_do_not_stall_what_comes_again),
    cmocka_unit_test(many_destinations_that_come_again_do_not_stall_a_new_one),
    cmocka_unit_test(those_that_are_asked_for_are_found_behind_any_number),
    cmocka_unit_test(a_priority_goes_before_the_turns_of_kinds),
    cmocka_unit_test(a_claim_brings_so_many_bytes_and_no_more),
    cmocka_unit_test(deferrals_without_an_attempt_are_counted_in_a_row),
    cmocka_unit_test(a_rare_state_is_listed_without_looking_at_others),
    cmocka_unit_test(a_page_of_one_destination_looks_at_so_many_and_tells_where_to_go_on),
    cmocka_unit_test(held_messages_are_counted_by_their_reason),
    cmocka_unit_test(a_held_message_that_becomes_stale_is_counted_no_more),
};
const struct contract contract_depth = {"depth", tests, COUNT_OF(tests)};
