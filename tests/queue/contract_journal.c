/* The journal: numbered without gaps per (storefront, node), readable in pages, whole. */
#include "tests/queue/contract.h"

static void each_storefront_and_node_has_its_own_chain(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct queue *two = post_start(p, QUEUE_TOOL, "two");
    struct submission s = a_mail(p, "ada@example.com");
    struct receipt r;
    struct chain *chains;
    size_t n;

    post_mail(p, "ada@example.com");
    post_mail(p, "ada@example.com");
    s.storefront = OTHER_SHOP;
    post_submit(p, &s);
    s = a_mail(p, "ada@example.com");
    FINE(queue_submit(two, &s, &r, &p->e));
    queue_close(&two);
    FINE(queue_chains(p->q, p->a, &chains, &n, &p->e));
    assert_int_equal(n, 3);
    assert_string_equal(chains[0].node, "one");
    assert_int_equal(chains[0].last_seq, 2);
    assert_string_equal(chains[1].node, "two");
    assert_int_equal(chains[1].last_seq, 1);
    assert_string_equal(chains[2].storefront, OTHER_SHOP);
    for (size_t i = 0; i < n; i++)
        expect_whole_chain(p, chains[i].storefront, chains[i].node);
}

static void two_processes_of_one_node_write_one_chain(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct queue *tool = post_start(p, QUEUE_TOOL, "one");
    struct chain_report r;

    for (int i = 0; i < 6; i++)
        FINE(queue_note(i % 2 ? tool : p->q, SHOP, "exported", test_actor, "", STR("{}"), &p->e));
    queue_close(&tool);
    FINE(queue_verify(p->q, SHOP, "one", p->a, &r, &p->e));
    assert_int_equal(r.broken_seq, 0);
    assert_int_equal(r.rows, 6);
}

static void it_is_read_in_pages_without_gaps(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct journal_row *rows;
    int64_t seq = 0;
    size_t n;

    for (int i = 0; i < 7; i++)
        FINE(queue_note(p->q, SHOP, "exported", test_actor, "", STR("{\"rows\":1}"), &p->e));
    do {
        FINE(queue_journal(p->q, SHOP, "one", seq, 3, p->a, &rows, &n, &p->e));
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(rows[i].seq, ++seq);
            assert_string_equal(rows[i].event, "exported");
            assert_string_equal(rows[i].actor, "tester");
        }
    } while (n > 0);
    assert_int_equal(seq, 7);
}

static void the_chain_goes_on_after_a_restart_and_after_a_refusal(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct submission s = a_mail(p, "ada@example.com");
    struct chain_report r;
    struct receipt ignored;

    post_submit(p, &s);
    post_reopen(p);
    refused(queue_submit(p->q, &s, &ignored, &p->e), &p->e, ERR_CONFLICT);
    post_mail(p, "bob@example.com");
    FINE(queue_verify(p->q, SHOP, "one", p->a, &r, &p->e));
    assert_int_equal(r.broken_seq, 0);
    assert_int_equal(r.rows, 2);
    assert_int_equal(r.erased, 0);
}

static void a_note_about_a_message_stands_in_its_timeline(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *id = post_mail(p, "ada@example.com");

    FINE(queue_note(p->q, SHOP, "unsubscribed", test_actor, id, STR("{\"via\":\"link\"}"), &p->e));
    assert_string_equal(events_of(p, id), "accepted unsubscribed");
    refused(queue_note(p->q, SHOP, "x", test_actor, id, STR("no json"), &p->e), &p->e, ERR_INPUT);
    expect_whole_chain(p, SHOP, "one");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_storefront_and_node_has_its_own_chain),
    cmocka_unit_test(two_processes_of_one_node_write_one_chain),
    cmocka_unit_test(it_is_read_in_pages_without_gaps),
    cmocka_unit_test(the_chain_goes_on_after_a_restart_and_after_a_refusal),
    cmocka_unit_test(a_note_about_a_message_stands_in_its_timeline),
};
const struct contract contract_journal = {"journal", tests, COUNT_OF(tests)};
