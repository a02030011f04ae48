/* Work: who has some, claiming, settling, leases that are lost, hold and release, expiry. */
#include "tests/base/expect.h"
#include "tests/queue/contract.h"

static struct ready *ready_list(struct post *p, size_t expected, int64_t *next_due_ms)
{
    struct ready *list;
    size_t n;

    FINE(queue_ready(p->q, 16, p->a, &list, &n, next_due_ms, &p->e));
    assert_int_equal(n, expected);
    return list;
}

static const char *mail_with(struct post *p, const char *address, int priority, int64_t due_ms)
{
    struct submission s = a_mail(p, address);

    s.priority = priority;
    s.due_ms = due_ms;
    post_submit(p, &s);
    return s.id;
}

static void destinations_come_by_priority_then_by_age(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct ready *list;
    int64_t next_ms;

    ready_list(p, 0, &next_ms);
    assert_int_equal(next_ms, INT64_MAX);
    mail_with(p, "a@young.example", 5, T0 - 10);
    mail_with(p, "a@old.example", 5, T0 - 20);
    mail_with(p, "a@urgent.example", 1, T0);
    mail_with(p, "a@later.example", 0, T0 + 500);
    mail_with(p, "a@young.example", 7, T0 - 90);
    list = ready_list(p, 4, &next_ms);
    assert_string_equal(list[0].destination, "urgent.example");
    assert_string_equal(list[1].destination, "old.example");
    assert_int_equal(list[1].oldest_due_ms, T0 - 20);
    assert_string_equal(list[2].destination, "young.example");
    assert_int_equal(list[2].priority, 5);
    assert_int_equal(list[3].priority, 7);
    assert_string_equal(list[0].storefront, SHOP);
    assert_int_equal(next_ms, T0 + 500);
}

static void a_destination_is_ready_as_long_as_it_has_due_work(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    int64_t next_ms;
    struct job *j;

    post_mail(p, "a@example.com");
    post_mail(p, "b@example.com");
    j = claim_one(p);
    ready_list(p, 1, &next_ms);
    settle_as(p, j, MSG_DEFERRED, "greylisted");
    settle_as(p, claim_one(p), MSG_DELIVERED, "");
    ready_list(p, 0, &next_ms);
    assert_int_equal(next_ms, T0 + HOUR);
    p->time.ms += HOUR;
    ready_list(p, 1, &next_ms);
    settle_as(p, claim_one(p), MSG_DELIVERED, "");
    ready_list(p, 0, &next_ms);
    assert_int_equal(next_ms, INT64_MAX);
}

static void claims_take_the_lowest_priority_number_then_the_oldest(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *third = mail_with(p, "a@example.com", 5, T0 - 1);
    const char *second = mail_with(p, "a@example.com", 5, T0 - 2);
    const char *first = mail_with(p, "a@example.com", 2, T0);
    struct job *jobs;

    mail_with(p, "a@example.com", 0, T0 + 1);
    jobs = claim_at(p, "example.com", 2, 2);
    assert_string_equal(jobs[0].id, first);
    assert_string_equal(jobs[1].id, second);
    assert_int_equal(jobs[0].lease_until_ms, T0 + HOUR);
    jobs = claim_at(p, "example.com", 9, 1);
    assert_string_equal(jobs[0].id, third);
    claim_at(p, "example.com", 9, 0);
}

static void a_job_carries_what_an_attempt_needs(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *id = post_mail(p, "ada@example.com");
    struct job *j = claim_one(p);

    assert_string_equal(j->id, id);
    assert_true(str_is(j->address, "ada@example.com"));
    assert_true(str_is(j->private_json, "{\"name\":\"Ada\"}"));
    assert_string_equal(j->template_name, "shipping_notice");
    assert_int_equal(j->pepper_version, 1);
    assert_int_equal(j->date_ms, T0);
    assert_int_equal(j->attempts, 0);
    expect_state(p, id, MSG_LEASED, "");
}

static void every_outcome_is_written_with_its_event(void **state)
{
    static const struct {
        enum msg_state to;
        bool unsure;
        const char *events;
    } table[] = {
        {MSG_DELIVERED, false, "accepted delivered"},
        {MSG_BOUNCED, false, "accepted bounced"},
        {MSG_DEFERRED, false, "accepted deferred"},
        {MSG_DEFERRED, true, "accepted unsure deferred"},
        {MSG_HELD, false, "accepted held"},
        {MSG_SUPPRESSED, false, "accepted suppressed"},
        {MSG_CANCELLED, false, "accepted cancelled"},
        {MSG_EXPIRED, false, "accepted expired"},
        {MSG_QUEUED, false, "accepted"},
    };
    AUTO(post_close) struct post *p = post_open(*state);

    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const char *id = post_mail(p, "ada@example.com");
        struct settlement s = {.job = claim_one(p),
            .to = table[i].to,
            .reason = "why",
            .due_ms = T0 + HOUR,
            .unsure = table[i].unsure,
            .counts = true,
            .facts = STR("{\"mx\":\"mx.example\"}"),
            .reply = STR("550 no ada@example.com here")};
        struct message_view v;

        FINE(queue_settle(p->q, &s, &p->e));
        expect_state(p, id, table[i].to, "why");
        assert_string_equal(events_of(p, id), table[i].events);
        v = show(p, id);
        assert_int_equal(v.unsure, table[i].unsure);
        assert_int_equal(v.attempts, 1);
    }
    expect_whole_chain(p, SHOP, "one");
}

static void the_timeline_tells_facts_and_reply(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *id = post_mail(p, "ada@example.com");
    struct settlement s = {.job = claim_one(p),
        .to = MSG_BOUNCED,
        .reason = "user-unknown",
        .facts = STR("{\"mx\":\"mx.example\"}"),
        .reply = STR("550 no \"ada\" here")};
    struct journal_row *rows;
    size_t n;

    p->time.ms += 3;
    FINE(queue_settle(p->q, &s, &p->e));
    FINE(queue_timeline(p->q, SHOP, id, p->a, &rows, &n, &p->e));
    assert_int_equal(n, 2);
    assert_true(str_is(rows[0].facts, "{\"asked_by\":\"key_1\"}"));
    assert_true(str_is(rows[1].facts, "{\"mx\":\"mx.example\",\"reason\":\"user-unknown\"}"));
    assert_true(str_is(rows[1].personal, "{\"reply\":\"550 no \\\"ada\\\" here\"}"));
    assert_int_equal(rows[1].at_ms, T0 + 3);
    assert_int_equal(rows[1].seq, 2);
    assert_string_equal(rows[1].node, "one");
    s.facts = STR("[1]");
    refused(queue_settle(p->q, &s, &p->e), &p->e, ERR_INPUT);
}

static void a_lost_lease_writes_nothing(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *id = post_mail(p, "ada@example.com"), *other = post_mail(p, "bob@example.com");
    struct job *jobs = claim_at(p, "example.com", 2, 2), *again;
    struct settlement both[2] = {{.job = &jobs[0], .to = MSG_DELIVERED, .reason = ""},
        {.job = &jobs[1], .to = MSG_DELIVERED, .reason = ""}};

    p->time.ms += HOUR;
    FINE(queue_sweep(p->q, &p->e));
    expect_state(p, id, MSG_DEFERRED, "unsure");
    again = claim_one(p);
    assert_string_equal(again->id, id);
    assert_true(again->fence > jobs[0].fence);
    assert_true(again->unsure);
    refused(queue_settle(p->q, &both[0], &p->e), &p->e, ERR_CONFLICT);
    refused(queue_settle_all(p->q, both, 2, &p->e), &p->e, ERR_CONFLICT);
    expect_state(p, id, MSG_LEASED, "unsure");
    expect_state(p, other, MSG_DEFERRED, "unsure");
    assert_string_equal(events_of(p, id), "accepted unsure");
    settle_as(p, again, MSG_DELIVERED, "");
    refused(queue_settle(
                p->q, &(struct settlement){.job = again, .to = MSG_BOUNCED, .reason = ""}, &p->e),
        &p->e, ERR_CONFLICT);
    expect_state(p, id, MSG_DELIVERED, "");
}

static void pass(struct post *p, int64_t ms)
{
    p->time.ms += ms;
    p->steady_time.ms += ms;
    FINE(queue_sweep(p->q, &p->e));
}

/* Only the time that went by ends a lease; its holder still speaks with a server. */
static void a_jump_of_the_clock_takes_no_lease(void **state)
{
    static const int64_t jumps[] = {3 * HOUR, -3 * HOUR, 0};

    for (size_t i = 0; i < COUNT_OF(jumps); i++) {
        AUTO(post_close) struct post *p = post_open(*state);
        const char *id = post_mail(p, "ada@example.com"), *later;

        p->looks_for_jumps = true;
        post_reopen(p);
        pass(p, 0);
        claim_one(p); /* for an hour */
        p->time.ms += jumps[i];
        pass(p, HOUR / 2);
        pass(p, HOUR / 2 - 1);
        expect_state(p, id, MSG_LEASED, "");
        if (jumps[i] < 0)
            continue; /* then it lasts longer, which its holder's deadline does not */
        pass(p, 2);
        expect_state(p, id, MSG_DEFERRED, "unsure");
        settle_as(p, claim_one(p), MSG_DELIVERED, "");
        later = post_mail(p, "bob@example.com");
        claim_one(p);
        pass(p, HOUR - 1);
        expect_state(p, later, MSG_LEASED, "");
        pass(p, 1);
        expect_state(p, later, MSG_DEFERRED, "unsure");
    }
}

/* What was put right again leaves no slack behind: the lease ends when its time has gone by. */
static void a_jump_that_is_taken_back_draws_out_no_lease(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *id = post_mail(p, "ada@example.com");

    p->looks_for_jumps = true;
    post_reopen(p);
    pass(p, 0);
    claim_one(p); /* for an hour */
    pass(p, HOUR / 2);
    p->time.ms += 3 * HOUR;
    pass(p, 0);
    expect_state(p, id, MSG_LEASED, "");
    p->time.ms -= 3 * HOUR;
    pass(p, 0);
    pass(p, HOUR / 2 - 1);
    expect_state(p, id, MSG_LEASED, "");
    pass(p, 2);
    expect_state(p, id, MSG_DEFERRED, "unsure");
}

static void settling_may_suppress_in_the_same_commit(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *id = post_mail(p, "ada@example.com");
    struct suppression_new why = {.scope = "*",
        .reason = "hard-bounce",
        .origin = "receiver",
        .evidence = id,
        .actor = "parcelpost",
        .note = STR("user unknown")};
    struct settlement s = {
        .job = claim_one(p), .to = MSG_BOUNCED, .reason = "user-unknown", .suppress = &why};
    struct suppression *list;
    size_t n;

    FINE(queue_settle(p->q, &s, &p->e));
    FINE(queue_suppressions_of(p->q, SHOP, STR("ada@example.com"), p->a, &list, &n, &p->e));
    assert_int_equal(n, 1);
    assert_string_equal(list[0].reason, "hard-bounce");
    assert_string_equal(list[0].evidence, id);
    assert_true(str_is(list[0].note, "user unknown"));
    assert_true(str_is(list[0].address, "ada@example.com"));
    assert_string_equal(events_of(p, id), "accepted bounced suppression.added");
}

static void what_is_past_its_expiry_ends_and_is_not_claimed(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *claimed = post_mail(p, "a@example.com"), *swept = post_mail(p, "a@other.example"),
               *held = post_mail(p, "b@other.example");
    enum change_result done;

    FINE(queue_hold(p->q, SHOP, held, "operator", test_actor, &done, &p->e));
    p->time.ms += 24 * HOUR;
    claim_at(p, "example.com", 5, 0);
    expect_state(p, claimed, MSG_EXPIRED, "expired");
    expect_state(p, swept, MSG_QUEUED, "");
    FINE(queue_sweep(p->q, &p->e));
    expect_state(p, swept, MSG_EXPIRED, "expired");
    expect_state(p, held, MSG_EXPIRED, "expired");
    assert_string_equal(events_of(p, held), "accepted held expired");
    expect_whole_chain(p, SHOP, "one");
}

/* ---- hold, release, retry, cancel ---- */

enum verb { CANCEL, HOLD, RELEASE, RETRY };

static enum change_result act(struct post *p, enum verb v, const char *id)
{
    enum change_result done = CHANGE_NOT_FOUND;

    if (v == CANCEL)
        FINE(queue_cancel(p->q, SHOP, id, test_actor, &done, &p->e));
    if (v == HOLD)
        FINE(queue_hold(p->q, SHOP, id, "operator", test_actor, &done, &p->e));
    if (v == RELEASE)
        FINE(queue_release(p->q, SHOP, id, test_actor, &done, &p->e));
    if (v == RETRY)
        FINE(queue_retry(p->q, SHOP, id, test_actor, &done, &p->e));
    return done;
}

static const char *mail_in(struct post *p, enum msg_state from)
{
    const char *id = post_mail(p, "ada@example.com");

    if (from == MSG_QUEUED)
        return id;
    if (from == MSG_LEASED)
        return claim_one(p)->id;
    settle_as(p, claim_one(p), from, "before");
    return id;
}

static void what_may_be_done_depends_on_the_state(void **state)
{
    static const struct {
        enum msg_state from;
        enum verb verb;
        enum change_result result;
        enum msg_state to;
    } table[] = {
        {MSG_QUEUED, CANCEL, CHANGE_DONE, MSG_CANCELLED},
        {MSG_DEFERRED, CANCEL, CHANGE_DONE, MSG_CANCELLED},
        {MSG_HELD, CANCEL, CHANGE_DONE, MSG_CANCELLED},
        {MSG_LEASED, CANCEL, CHANGE_TOO_LATE, MSG_LEASED},
        {MSG_DELIVERED, CANCEL, CHANGE_TOO_LATE, MSG_DELIVERED},
        {MSG_QUEUED, HOLD, CHANGE_DONE, MSG_HELD},
        {MSG_DEFERRED, HOLD, CHANGE_DONE, MSG_HELD},
        {MSG_LEASED, HOLD, CHANGE_TOO_LATE, MSG_LEASED},
        {MSG_BOUNCED, HOLD, CHANGE_TOO_LATE, MSG_BOUNCED},
        {MSG_HELD, RELEASE, CHANGE_DONE, MSG_DEFERRED},
        {MSG_QUEUED, RELEASE, CHANGE_TOO_LATE, MSG_QUEUED},
        {MSG_EXPIRED, RELEASE, CHANGE_TOO_LATE, MSG_EXPIRED},
        {MSG_DEFERRED, RETRY, CHANGE_DONE, MSG_DEFERRED},
        {MSG_HELD, RETRY, CHANGE_TOO_LATE, MSG_HELD},
    };

    for (size_t i = 0; i < COUNT_OF(table); i++) {
        AUTO(post_close) struct post *p = post_open(*state);
        const char *id = mail_in(p, table[i].from);

        p->time.ms += 10;
        if (act(p, table[i].verb, id) != table[i].result || show(p, id).state != table[i].to)
            fail_msg("%s, verb %d", msg_state_name(table[i].from), (int)table[i].verb);
        if (table[i].verb >= RELEASE && table[i].result == CHANGE_DONE)
            assert_int_equal(show(p, id).due_ms, T0 + 10);
        assert_int_equal(act(p, table[i].verb, "msg_00000000000000000000000000"), CHANGE_NOT_FOUND);
    }
}

static void a_release_keeps_a_due_time_that_is_to_come(void **state)
{
    static const struct {
        const char *name;
        bool alone;                       /* else with its group */
        int64_t due_ms, passes, expected; /* from T0: due, released, due then */
    } table[] = {
        {"one for next week", true, 168 * HOUR, HOUR, 168 * HOUR},
        {"one whose time came while it was held", true, HOUR, 24 * HOUR, 24 * HOUR},
        {"a group for next week", false, 168 * HOUR, HOUR, 168 * HOUR},
        {"a group whose time came while it was held", false, HOUR, 24 * HOUR, 24 * HOUR},
    };

    EACH(row, table)
    {
        AUTO(post_close) struct post *p = post_open(*state);
        struct submission s = a_mail(p, "ada@example.com");
        uint64_t n;

        s.due_ms = T0 + row->due_ms;
        s.expires_ms = T0 + 200 * HOUR;
        post_submit(p, &s);
        assert_int_equal(act(p, HOLD, s.id), CHANGE_DONE);
        p->time.ms += row->passes;
        if (row->alone)
            assert_int_equal(act(p, RELEASE, s.id), CHANGE_DONE);
        else
            FINE(queue_release_group(p->q, SHOP, "operator", test_actor, &n, &p->e));
        if (show(p, s.id).due_ms != T0 + row->expected)
            fail_msg("%s: due %lld ms from T0", row->name, (long long)(show(p, s.id).due_ms - T0));
    }
}

static void a_held_group_is_found_and_released_whole(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct held_group *groups;
    enum change_result done;
    uint64_t released;
    size_t n;

    for (int i = 0; i < 3; i++)
        FINE(queue_hold(
            p->q, SHOP, post_mail(p, "ada@example.com"), "gate:NO-KEY", test_actor, &done, &p->e));
    FINE(queue_hold(
        p->q, SHOP, post_mail(p, "ada@example.com"), "operator", test_actor, &done, &p->e));
    FINE(queue_held(p->q, p->a, &groups, &n, &p->e));
    assert_int_equal(n, 2);
    assert_string_equal(groups[0].code, "gate:NO-KEY");
    assert_int_equal(groups[0].n, 3);
    assert_int_equal(show(p, groups[0].sample_id).state, MSG_HELD);
    FINE(queue_release_group(p->q, SHOP, "gate:NO-KEY", test_actor, &released, &p->e));
    assert_int_equal(released, 3);
    claim_at(p, "example.com", 9, 3);
}

static void waiting_ends_when_work_comes_or_the_queue_is_woken(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    int64_t began_ns;

    post_mail(p, "ada@example.com");
    began_ns = clock_steady_ns();
    queue_wait(p->q, T0 + HOUR); /* the submit rang before */
    queue_wait(p->q, T0);        /* over already */
    queue_wake(p->q);
    queue_wait(p->q, T0 + HOUR);
    queue_wait(p->q, T0 + HOUR);
    assert_true(clock_steady_ns() - began_ns < INT64_C(900000000));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(destinations_come_by_priority_then_by_age),
    cmocka_unit_test(a_destination_is_ready_as_long_as_it_has_due_work),
    cmocka_unit_test(claims_take_the_lowest_priority_number_then_the_oldest),
    cmocka_unit_test(a_job_carries_what_an_attempt_needs),
    cmocka_unit_test(every_outcome_is_written_with_its_event),
    cmocka_unit_test(the_timeline_tells_facts_and_reply),
    cmocka_unit_test(a_lost_lease_writes_nothing),
    cmocka_unit_test(a_jump_of_the_clock_takes_no_lease),
    cmocka_unit_test(a_jump_that_is_taken_back_draws_out_no_lease),
    cmocka_unit_test(settling_may_suppress_in_the_same_commit),
    cmocka_unit_test(what_is_past_its_expiry_ends_and_is_not_claimed),
    cmocka_unit_test(what_may_be_done_depends_on_the_state),
    cmocka_unit_test(a_release_keeps_a_due_time_that_is_to_come),
    cmocka_unit_test(a_held_group_is_found_and_released_whole),
    cmocka_unit_test(waiting_ends_when_work_comes_or_the_queue_is_woken),
};
const struct contract contract_work = {"work", tests, COUNT_OF(tests)};
