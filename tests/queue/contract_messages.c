/* Submitting: what is kept, idempotency, content, counting, listing. */
#include "tests/queue/contract.h"

#include <pthread.h>
#include <stdio.h>

static void what_was_submitted_is_shown(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct submission s = a_mail(p, "ada@example.com");
    struct message_view v;

    s.order.event = "shipped";
    s.order.seq = 7;
    hash_sha256(STR("bundle"), &s.bundle);
    post_submit(p, &s);
    p->time.ms += 5;
    v = show(p, s.id);
    assert_int_equal(v.state, MSG_QUEUED);
    assert_true(str_is(v.address, "ada@example.com"));
    assert_true(str_is(v.private_json, "{\"name\":\"Ada\"}"));
    assert_string_equal(v.stream, "transactional");
    assert_string_equal(v.template_name, "shipping_notice");
    assert_string_equal(v.locale, "de");
    assert_string_equal(v.destination, "example.com");
    assert_string_equal(v.event, "shipped");
    assert_int_equal(v.seq, 7);
    assert_int_equal(v.created_ms, T0);
    assert_int_equal(v.expires_ms, T0 + 24 * HOUR);
    assert_true(digest_equal(&v.bundle, &s.bundle));
    assert_false(v.erased || v.unsure);
    assert_string_equal(events_of(p, s.id), "accepted");
}

static void it_is_still_there_after_a_restart(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *id = post_mail(p, "ada@example.com");

    post_reopen(p);
    assert_true(str_is(show(p, id).address, "ada@example.com"));
    assert_string_equal(claim_one(p)->id, id);
}

static void another_storefront_does_not_see_it(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *id = post_mail(p, "ada@example.com");
    struct journal_row *rows;
    struct message_view v, *list;
    enum change_result done;
    const char *go_on;
    struct job *jobs;
    size_t n;

    refused(queue_show(p->q, OTHER_SHOP, id, p->a, &v, &p->e), &p->e, ERR_MISSING);
    FINE(queue_timeline(p->q, OTHER_SHOP, id, p->a, &rows, &n, &p->e));
    assert_int_equal(n, 0);
    FINE(queue_claim(p->q, OTHER_SHOP, "example.com", 9, HOUR, p->a, &jobs, &n, &p->e));
    assert_int_equal(n, 0);
    FINE(queue_cancel(p->q, OTHER_SHOP, id, test_actor, &done, &p->e));
    assert_int_equal(done, CHANGE_NOT_FOUND);
    FINE(queue_list(p->q, OTHER_SHOP,
        &(struct message_filter){.state = -1, .destination = "", .after_id = "", .max = 9}, p->a,
        &list, &n, &go_on, &p->e));
    assert_int_equal(n, 0);
}

static void a_wrong_submission_is_refused(void **state)
{
    static char long_key[300];
    AUTO(post_close) struct post *p = post_open(*state);
    struct submission s = a_mail(p, "ada@example.com");
    struct receipt r;

    s.id = "msg_1";
    refused(queue_submit(p->q, &s, &r, &p->e), &p->e, ERR_INPUT);
    s = a_mail(p, "ada@example.com");
    memset(long_key, 'k', sizeof long_key - 1);
    s.idempotency_key = str_of(long_key);
    refused(queue_submit(p->q, &s, &r, &p->e), &p->e, ERR_LIMIT);
    s = a_mail(p, "ada@example.com");
    s.state = MSG_DELIVERED;
    refused(queue_submit(p->q, &s, &r, &p->e), &p->e, ERR_INPUT);
    s = a_mail(p, "ada@example.com");
    s.priority = 10;
    refused(queue_submit(p->q, &s, &r, &p->e), &p->e, ERR_INPUT);
}

static void an_id_is_taken_once(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct submission s = a_mail(p, "ada@example.com");
    struct receipt r;

    post_submit(p, &s);
    s.address = STR("bob@example.com");
    refused(queue_submit(p->q, &s, &r, &p->e), &p->e, ERR_CONFLICT);
    assert_true(str_is(show(p, s.id).address, "ada@example.com"));
    assert_string_equal(events_of(p, s.id), "accepted");
    FINE(queue_is_well(p->q, &p->e));
}

/* ---- idempotency ---- */

static struct submission keyed_mail(struct post *p, const char *key, const char *request)
{
    struct submission s = a_mail(p, "ada@example.com");

    s.idempotency_key = str_of(key);
    hash_sha256(str_of(request), &s.request);
    return s;
}

static void a_repeated_key_gets_the_first_answer(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct submission first = keyed_mail(p, "k1", "body"), again = keyed_mail(p, "k1", "body"),
                      other = keyed_mail(p, "k1", "another body"),
                      free = keyed_mail(p, "k2", "body");
    struct receipt r;

    first.state = MSG_SUPPRESSED;
    first.reason = "hard-bounce";
    post_submit(p, &first);
    r = post_submit(p, &again);
    assert_int_equal(r.result, SUBMIT_REPEATED);
    assert_string_equal(r.id.s, first.id);
    assert_int_equal(r.state, MSG_SUPPRESSED);
    assert_string_equal(r.reason, "hard-bounce");
    assert_int_equal(post_submit(p, &other).result, SUBMIT_CONFLICT);
    assert_int_equal(post_submit(p, &free).result, SUBMIT_NEW);
    first = keyed_mail(p, "k1", "body");
    first.storefront = OTHER_SHOP;
    assert_int_equal(post_submit(p, &first).result, SUBMIT_NEW);
}

static void a_key_is_remembered_for_two_days(void **state)
{
    static const struct {
        const char *name;
        int64_t later_ms;
        enum submit_result result;
    } table[] = {
        {"the_next_moment", 1, SUBMIT_REPEATED},
        {"after_47_hours", 47 * HOUR, SUBMIT_REPEATED},
        {"after_five_days", 120 * HOUR, SUBMIT_NEW},
        {"the_clock_was_set_back", -HOUR, SUBMIT_REPEATED},
        {"the_clock_was_set_back_by_days", -72 * HOUR, SUBMIT_REPEATED},
    };

    for (size_t i = 0; i < COUNT_OF(table); i++) {
        AUTO(post_close) struct post *p = post_open(*state);
        struct submission s = keyed_mail(p, "k1", "body");

        post_submit(p, &s);
        p->time.ms += table[i].later_ms;
        FINE(queue_sweep(p->q, &p->e));
        post_reopen(p);
        s = keyed_mail(p, "k1", "body");
        if (post_submit(p, &s).result != table[i].result)
            fail_msg("%s", table[i].name);
    }
}

static void a_key_from_before_a_new_pepper_is_found(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct submission s = keyed_mail(p, "k1", "body");

    post_submit(p, &s);
    post_add_key(p, "pepper 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    s = keyed_mail(p, "k1", "body");
    assert_int_equal(post_submit(p, &s).result, SUBMIT_REPEATED);
    s = keyed_mail(p, "k3", "body");
    assert_int_equal(post_submit(p, &s).result, SUBMIT_NEW);
}

struct racer {
    struct post *p;
    struct submission s;
    struct receipt r;
    pthread_t thread;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    struct err e;

    if (!queue_submit(r->p->q, &r->s, &r->r, &e))
        r->r.result = (enum submit_result)99;
    return NULL;
}

static void of_many_posts_with_one_key_one_is_new(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct racer racers[16];
    int fresh = 0;

    for (size_t i = 0; i < COUNT_OF(racers); i++)
        racers[i] = (struct racer){.p = p, .s = keyed_mail(p, "k1", "body")};
    for (size_t i = 0; i < COUNT_OF(racers); i++)
        pthread_create(&racers[i].thread, NULL, race, &racers[i]);
    for (size_t i = 0; i < COUNT_OF(racers); i++)
        pthread_join(racers[i].thread, NULL);
    for (size_t i = 0; i < COUNT_OF(racers); i++) {
        fresh += racers[i].r.result == SUBMIT_NEW;
        assert_true(racers[i].r.result <= SUBMIT_REPEATED);
        assert_string_equal(racers[i].r.id.s, racers[0].r.id.s);
    }
    assert_int_equal(fresh, 1);
}

/* ---- the rest ---- */

struct answer {
    _Atomic int done;
    enum msg_state state;
    bool failed;
};

static void note_answer(void *context, const struct receipt *r, const struct err *e)
{
    struct answer *a = context;

    a->failed = e != NULL;
    a->state = r->state;
    a->done = 1;
}

static void submitting_without_waiting_answers_once_it_is_stored(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct submission s = a_mail(p, "ada@example.com"), broken = s;
    struct answer a = {.done = 0}, none = {.done = 0};

    broken.id = "no";
    refused(queue_submit_async(p->q, &broken, note_answer, &none, &p->e), &p->e, ERR_INPUT);
    FINE(queue_submit_async(p->q, &s, note_answer, &a, &p->e));
    queue_close(&p->q); /* commits what waits */
    assert_int_equal(a.done, 1);
    assert_false(a.failed);
    assert_int_equal(a.state, MSG_QUEUED);
    assert_int_equal(none.done, 0);
    p->q = post_start(p, QUEUE_SERVE, "one");
    expect_state(p, s.id, MSG_QUEUED, "");
}

static void attachments_come_back_as_they_were(void **state)
{
    static const char bytes[] = {0, 1, '\n', (char)255, 'x', 0};
    AUTO(post_close) struct post *p = post_open(*state);
    struct submission s = a_mail(p, "ada@example.com");
    struct attachment list[] = {{"Rechnung \xc3\xbc.pdf", "application/pdf", {bytes, sizeof bytes}},
        {"empty.txt", "text/plain", STR("")}};
    struct job *j;

    s.attachments = list;
    s.attachments_n = COUNT_OF(list);
    post_submit(p, &s);
    j = claim_one(p);
    assert_int_equal(j->attachments_n, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(j->attachments[i].filename, list[i].filename);
        assert_string_equal(j->attachments[i].content_type, list[i].content_type);
        assert_true(str_eq(j->attachments[i].bytes, list[i].bytes));
    }
}

static void content_is_kept_under_its_hash(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct digest h, again, wanted;
    struct str back;

    hash_sha256(STR("a template"), &wanted);
    FINE(queue_content_put(p->q, SHOP, STR("a template"), &h, &p->e));
    FINE(queue_content_put(p->q, SHOP, STR("a template"), &again, &p->e));
    assert_true(digest_equal(&h, &wanted) && digest_equal(&again, &wanted));
    FINE(queue_content_get(p->q, SHOP, &h, p->a, &back, &p->e));
    assert_true(str_is(back, "a template"));
    refused(queue_content_get(p->q, OTHER_SHOP, &h, p->a, &back, &p->e), &p->e, ERR_MISSING);
}

static void messages_are_listed_newest_first_in_pages(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct message_filter f = {.state = -1, .destination = "", .after_id = "", .max = 2};
    const char *ids[5], *go_on;
    struct message_view *list;
    size_t n;

    for (int i = 0; i < 5; i++, p->time.ms++)
        ids[i] = post_mail(p, i == 2 ? "bob@other.example" : "ada@example.com");
    FINE(queue_list(p->q, SHOP, &f, p->a, &list, &n, &go_on, &p->e));
    assert_int_equal(n, 2);
    assert_string_equal(list[0].id, ids[4]);
    assert_true(str_is(list[0].address, "ada@example.com"));
    assert_int_equal(list[0].private_json.n, 0);
    assert_string_equal(go_on, list[1].id);
    f.after_id = go_on;
    FINE(queue_list(p->q, SHOP, &f, p->a, &list, &n, &go_on, &p->e));
    assert_string_equal(list[0].id, ids[2]);
    assert_string_equal(list[1].id, ids[1]);
    f = (struct message_filter){
        .state = MSG_QUEUED, .destination = "other.example", .after_id = "", .max = 9};
    FINE(queue_list(p->q, SHOP, &f, p->a, &list, &n, &go_on, &p->e));
    assert_int_equal(n, 1);
    assert_string_equal(list[0].id, ids[2]);
    f.state = MSG_HELD;
    FINE(queue_list(p->q, SHOP, &f, p->a, &list, &n, &go_on, &p->e));
    assert_int_equal(n, 0);
}

static void messages_are_counted_by_state(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct queue_counts c;

    for (int i = 0; i < 4; i++)
        post_mail(p, "ada@example.com");
    settle_as(p, claim_one(p), MSG_DELIVERED, "");
    settle_as(p, claim_one(p), MSG_DEFERRED, "greylisted");
    claim_one(p);
    for (int round = 0; round < 2; round++) {
        FINE(queue_count(p->q, round ? NULL : SHOP, &c, &p->e));
        assert_int_equal(c.by_state[MSG_QUEUED], 1);
        assert_int_equal(c.by_state[MSG_LEASED], 1);
        assert_int_equal(c.by_state[MSG_DEFERRED], 1);
        assert_int_equal(c.by_state[MSG_DELIVERED], 1);
    }
    FINE(queue_count(p->q, OTHER_SHOP, &c, &p->e));
    assert_int_equal(c.by_state[MSG_QUEUED], 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_was_submitted_is_shown),
    cmocka_unit_test(it_is_still_there_after_a_restart),
    cmocka_unit_test(another_storefront_does_not_see_it),
    cmocka_unit_test(a_wrong_submission_is_refused),
    cmocka_unit_test(an_id_is_taken_once),
    cmocka_unit_test(a_repeated_key_gets_the_first_answer),
    cmocka_unit_test(a_key_is_remembered_for_two_days),
    cmocka_unit_test(a_key_from_before_a_new_pepper_is_found),
    cmocka_unit_test(of_many_posts_with_one_key_one_is_new),
    cmocka_unit_test(submitting_without_waiting_answers_once_it_is_stored),
    cmocka_unit_test(attachments_come_back_as_they_were),
    cmocka_unit_test(content_is_kept_under_its_hash),
    cmocka_unit_test(messages_are_listed_newest_first_in_pages),
    cmocka_unit_test(messages_are_counted_by_state),
};
const struct contract contract_messages = {"messages", tests, COUNT_OF(tests)};
