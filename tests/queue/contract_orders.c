/* Order events: which message of a parcel makes which other one stale. */
#include "tests/queue/contract.h"

#include <stdio.h>

struct step {
    int64_t seq;
    const char *event, *supersedes;
    enum msg_state before; /* the state that the earlier message is brought into */
    enum msg_state first, second;
};

static struct submission order_mail(
    struct post *p, const char *parcel, int64_t seq, const char *event, const char *supersedes)
{
    struct submission s = a_mail(p, "ada@example.com");

    s.order = (struct order_event){.order = STR("ORDER-1"),
        .parcel = str_of(parcel),
        .event = event,
        .seq = seq,
        .supersedes = supersedes};
    return s;
}

static void bring(struct post *p, const char *id, enum msg_state to)
{
    enum change_result done;

    if (to == MSG_LEASED)
        claim_one(p);
    else if (to == MSG_HELD)
        FINE(queue_hold(p->q, SHOP, id, "operator", test_actor, &done, &p->e));
    else if (to != MSG_QUEUED)
        settle_as(p, claim_one(p), to, "x");
}

static void a_later_event_makes_earlier_ones_stale(void **state)
{
    static const struct {
        const char *name;
        struct step s;
        int64_t seq;
        const char *event, *supersedes;
    } table[] = {
        {"named_and_waiting", {1, "delayed", "", MSG_QUEUED, MSG_CANCELLED, MSG_QUEUED}, 2,
            "shipped", "delayed"},
        {"one_of_several_names", {1, "delayed", "", MSG_QUEUED, MSG_CANCELLED, MSG_QUEUED}, 2,
            "shipped", "packed  delayed"},
        {"deferred", {1, "delayed", "", MSG_DEFERRED, MSG_CANCELLED, MSG_QUEUED}, 2, "shipped",
            "delayed"},
        {"held", {1, "delayed", "", MSG_HELD, MSG_CANCELLED, MSG_QUEUED}, 2, "shipped", "delayed"},
        {"leased_goes_on", {1, "delayed", "", MSG_LEASED, MSG_LEASED, MSG_QUEUED}, 2, "shipped",
            "delayed"},
        {"delivered_stays", {1, "delayed", "", MSG_DELIVERED, MSG_DELIVERED, MSG_QUEUED}, 2,
            "shipped", "delayed"},
        {"not_named", {1, "refunded", "", MSG_QUEUED, MSG_QUEUED, MSG_QUEUED}, 2, "shipped",
            "delayed"},
        {"a_part_of_a_name_is_no_name", {1, "delay", "", MSG_QUEUED, MSG_QUEUED, MSG_QUEUED}, 2,
            "shipped", "delayed"},
        {"the_same_seq", {2, "delayed", "", MSG_QUEUED, MSG_QUEUED, MSG_QUEUED}, 2, "shipped",
            "delayed"},
        {"the_later_one_came_first",
            {2, "shipped", "delayed", MSG_QUEUED, MSG_QUEUED, MSG_CANCELLED}, 1, "delayed", ""},
        {"even_when_it_is_delivered",
            {2, "shipped", "delayed", MSG_DELIVERED, MSG_DELIVERED, MSG_CANCELLED}, 1, "delayed",
            ""},
        {"the_earlier_has_no_seq", {0, "delayed", "", MSG_QUEUED, MSG_QUEUED, MSG_QUEUED}, 2,
            "shipped", "delayed"},
        {"the_later_has_no_seq", {1, "delayed", "", MSG_QUEUED, MSG_QUEUED, MSG_QUEUED}, 0,
            "shipped", "delayed"},
        {"no_seq_is_not_late", {2, "shipped", "delayed", MSG_QUEUED, MSG_QUEUED, MSG_QUEUED}, 0,
            "delayed", ""},
        {"no_event_at_all", {1, "", "", MSG_QUEUED, MSG_QUEUED, MSG_QUEUED}, 2, "", "delayed"},
    };

    for (size_t i = 0; i < COUNT_OF(table); i++) {
        AUTO(post_close) struct post *p = post_open(*state);
        const struct step *s = &table[i].s;
        struct submission first = order_mail(p, "P1", s->seq, s->event, s->supersedes), second;
        struct receipt r;

        post_submit(p, &first);
        bring(p, first.id, s->before);
        second = order_mail(p, "P1", table[i].seq, table[i].event, table[i].supersedes);
        r = post_submit(p, &second);
        if (show(p, first.id).state != s->first || show(p, second.id).state != s->second)
            fail_msg("%s: %s, %s", table[i].name, msg_state_name(show(p, first.id).state),
                msg_state_name(show(p, second.id).state));
        assert_int_equal(r.state, s->second);
        assert_string_equal(r.reason, s->second == MSG_CANCELLED ? "superseded" : "");
        if (s->first == MSG_CANCELLED)
            expect_state(p, first.id, MSG_CANCELLED, "superseded");
        expect_whole_chain(p, SHOP, "one");
    }
}

static void parcels_orders_and_storefronts_stand_apart(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct submission mails[4];

    mails[0] = order_mail(p, "P1", 1, "delayed", "");
    mails[1] = order_mail(p, "", 1, "delayed", "");
    mails[2] = order_mail(p, "P1", 1, "delayed", "");
    mails[2].order.order = STR("ORDER-2");
    mails[3] = order_mail(p, "P1", 1, "delayed", "");
    mails[3].storefront = OTHER_SHOP;
    for (size_t i = 0; i < 4; i++)
        post_submit(p, &mails[i]);
    mails[3] = order_mail(p, "P2", 2, "shipped", "delayed");
    post_submit(p, &mails[3]);
    for (size_t i = 0; i < 3; i++)
        expect_state(p, mails[i].id, MSG_QUEUED, "");
    mails[3] = order_mail(p, "", 2, "shipped", "delayed");
    post_submit(p, &mails[3]);
    expect_state(p, mails[0].id, MSG_QUEUED, "");
    expect_state(p, mails[1].id, MSG_CANCELLED, "superseded");
}

static void an_attempt_that_fails_on_a_stale_mail_ends_it(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct submission first = order_mail(p, "P1", 1, "delayed", ""), second;
    struct job *j;

    post_submit(p, &first);
    j = claim_one(p);
    second = order_mail(p, "P1", 2, "shipped", "delayed");
    post_submit(p, &second);
    settle_as(p, j, MSG_DEFERRED, "greylisted");
    expect_state(p, first.id, MSG_CANCELLED, "superseded");
    assert_string_equal(events_of(p, first.id), "accepted cancelled");
}

/* Superseded while it was leased, by a holder that never settled. */
static void a_lease_that_comes_back_stale_ends(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct submission first = order_mail(p, "P1", 1, "delayed", ""), second;

    post_submit(p, &first);
    claim_one(p);
    second = order_mail(p, "P1", 2, "shipped", "delayed");
    post_submit(p, &second);
    p->time.ms += HOUR;
    FINE(queue_sweep(p->q, &p->e));
    expect_state(p, first.id, MSG_CANCELLED, "superseded");
    assert_true(show(p, first.id).unsure);
    assert_string_equal(events_of(p, first.id), "accepted unsure cancelled");
    assert_string_equal(claim_one(p)->id, second.id);
}

static void a_new_pepper_does_not_tear_a_parcel_apart(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct submission s = order_mail(p, "P1", 1, "delayed", "");
    const char *first = s.id, *second;

    post_submit(p, &s);
    post_add_key(p, "pepper 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    s = order_mail(p, "P1", 2, "shipped", "delayed");
    second = s.id;
    post_submit(p, &s);
    expect_state(p, first, MSG_CANCELLED, "superseded");
    s = order_mail(p, "P1", 3, "refunded", "shipped");
    post_submit(p, &s);
    expect_state(p, second, MSG_CANCELLED, "superseded");
}

static void released_mails_keep_the_order_of_their_parcel(void **state)
{
    static const int64_t seqs[] = {3, 1, 2};
    AUTO(post_close) struct post *p = post_open(*state);
    const char *ids[4] = {0};
    enum change_result done;
    struct job *jobs;
    uint64_t n;

    for (size_t i = 0; i < COUNT_OF(seqs); i++) {
        struct submission s = order_mail(p, "P1", seqs[i], "note", "");

        ids[seqs[i]] = s.id;
        post_submit(p, &s);
        FINE(queue_hold(p->q, SHOP, s.id, "gate:NO-KEY", test_actor, &done, &p->e));
    }
    FINE(queue_release_group(p->q, SHOP, "gate:NO-KEY", test_actor, &n, &p->e));
    jobs = claim_at(p, "example.com", 9, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(jobs[i].id, ids[i + 1]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_later_event_makes_earlier_ones_stale),
    cmocka_unit_test(parcels_orders_and_storefronts_stand_apart),
    cmocka_unit_test(an_attempt_that_fails_on_a_stale_mail_ends_it),
    cmocka_unit_test(a_lease_that_comes_back_stale_ends),
    cmocka_unit_test(a_new_pepper_does_not_tear_a_parcel_apart),
    cmocka_unit_test(released_mails_keep_the_order_of_their_parcel),
};
const struct contract contract_orders = {"orders", tests, COUNT_OF(tests)};
