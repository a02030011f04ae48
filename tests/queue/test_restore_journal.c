/* What a restore says to a copy whose journal somebody changed: it names the place, and moves nothing. */
#include "tests/base/expect.h"
#include "tests/queue/copies.h"

#define UNGUARDED                                                                                  \
    "DROP TRIGGER journal_keeps; DROP TRIGGER journal_stands; DROP TRIGGER journal_forgets; "

static const struct tampering {
    const char *name, *sql, *node; /* with which it comes back */
    const char *says;
    int64_t seq;
    bool
        over; /* its mails are, so that a new journal has nothing to name in the one that is gone */
} tamperings[] = {
    {"a row changed", "UPDATE journal SET actor = 'nobody' WHERE storefront = 'acme' AND seq = 2",
        "one", "chain acme/one, row 2: its hash does not follow", 2, false},
    {"of another storefront", "UPDATE journal SET actor = 'nobody' WHERE storefront = 'zenith'",
        "one", "chain zenith/one, row 1: its hash does not follow", 1, false},
    {"of both", "UPDATE journal SET actor = 'nobody' WHERE seq = 1", "one",
        "chain acme/one (of 2), row 1: its hash does not follow", 1, false},
    {"the head taken away", "DELETE FROM chain WHERE storefront = 'acme'", "two",
        "chain acme/one, row 2: the head of the chain is missing", 2, false},
    {"the journal taken away",
        "DELETE FROM journal WHERE storefront = 'acme';"
        " DELETE FROM chain WHERE storefront = 'acme'",
        "one", "chain acme, row 1: there are messages, and no journal", 1, false},
    {"and nothing waits",
        "DELETE FROM journal WHERE storefront = 'acme';"
        " DELETE FROM chain WHERE storefront = 'acme'",
        "one", "chain acme, row 1: there are messages, and no journal", 1, true},
};

/* Two mails of one storefront and one of another; what is done to them is in the copy and in the data folder. */
static struct post *post_with_copy(const struct tampering *t, const char **id)
{
    struct post *p = post_open(&backend_sqlite);
    struct submission other = a_mail(p, "cyd@example.com");

    *id = post_mail(p, "ada@example.com");
    post_mail(p, "bob@example.com");
    for (int i = 0; t->over && i < 2; i++)
        settle_as(p, claim_one(p), MSG_DELIVERED, "");
    other.storefront = OTHER_SHOP;
    post_submit(p, &other);
    queue_close(&p->q);
    post_change(p, "queue.db", arena_printf(p->a, UNGUARDED "%s", t->sql));
    take_copy(p, BACKUP_QUEUE, "q");
    return p;
}

static void a_broken_journal_is_refused_before_anything_is_moved(void **state)
{
    (void)state;
    EACH(row, tamperings)
    {
        const char *id;
        AUTO(post_close) struct post *p = post_with_copy(row, &id);
        struct restore_setup setup = setup_of(p);

        setup.force = true;
        restore_refuses(p, &setup, ERR_CORRUPT, row->says);
        restore_refuses(p, &setup, ERR_CORRUPT, "--broken-journal");
        expect_int(row->name, (int64_t)entries_of(p->data, "before"), 0);
        expect_int(row->name, (int64_t)entries_of(p->data, "stage"), 0);
        expect_int(row->name, (int64_t)entries_of(p->data, "restoring"), 0);
        p->q = post_start(p, QUEUE_SERVE, "one");
        expect_state(p, id, row->over ? MSG_DELIVERED : MSG_QUEUED, "");
    }
}

/* For whoever has no other copy. */
static void a_broken_journal_comes_back_for_who_says_so(void **state)
{
    (void)state;
    EACH(row, tamperings)
    {
        const char *id;
        AUTO(post_close) struct post *p = post_with_copy(row, &id);
        struct restore_setup setup = setup_of(p);
        struct restore_report r;
        struct chain_report chain;

        setup.force = setup.broken_journal = true;
        setup.node = row->node;
        FINE(backup_restore(&setup, p->a, &r, &p->e));
        expect_int(row->name, (int64_t)r.chains, 2);
        expect("the first of them", r.broken > 0 && r.first_broken.seq == row->seq, row->name);
        expect_int(row->name, (int64_t)entries_of(r.moved_to, "queue.db"), 1);
        p->q = post_start(p, QUEUE_TOOL, row->node);
        expect_state(p, id, row->over ? MSG_DELIVERED : MSG_HELD, row->over ? "" : BACKUP_CODE);
        FINE(queue_verify(p->q, r.first_broken.storefront, "one", p->a, &chain, &p->e));
        expect_int(row->name, chain.broken_seq, row->over ? 0 : row->seq);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_journal_is_refused_before_anything_is_moved),
        cmocka_unit_test(a_broken_journal_comes_back_for_who_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
