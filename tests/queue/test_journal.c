/* Tampering: whatever is changed in a stored row, queue_verify names the row. */
#include "queue/journal.h"
#include "queue/sqlite.h"
#include "queue/vault.h"
#include "tests/queue/post.h"

#include <stdio.h>

/* Ten rows: accepted (odd) and bounced with a reply (even). */
static struct post *post_with_rows(void)
{
    struct post *p = post_open(&backend_sqlite);

    for (int i = 0; i < 5; i++) {
        struct settlement s = {.to = MSG_BOUNCED, .reason = "x", .reply = STR("550 no")};

        post_mail(p, i == 4 ? "bob@example.com" : "ada@example.com");
        s.job = claim_one(p);
        FINE(queue_settle(p->q, &s, &p->e));
    }
    return p;
}

/* What somebody does who has the file and takes the triggers off first. */
static void tamper(struct post *p, const char *sql)
{
    struct sqlite *db;

    FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_exec(db,
        "DROP TRIGGER journal_keeps; DROP TRIGGER journal_stands; DROP TRIGGER journal_forgets",
        &p->e));
    FINE(sqlite_exec(db, sql, &p->e));
    sqlite_close(&db);
}

static struct chain_report verify(struct post *p)
{
    struct chain_report r;

    FINE(queue_verify(p->q, SHOP, "one", p->a, &r, &p->e));
    return r;
}

static void every_change_is_found_and_named(void **state)
{
    static const struct {
        const char *name, *sql;
        int64_t seq;
    } table[] = {
        {"nothing", "SELECT 1", 0},
        {"time", "UPDATE journal SET at_ms = at_ms + 1 WHERE seq = 3", 3},
        {"message", "UPDATE journal SET message_id = 'msg_x' WHERE seq = 3", 3},
        {"event", "UPDATE journal SET event = 'delivered' WHERE seq = 4", 4},
        {"actor", "UPDATE journal SET actor = 'nobody' WHERE seq = 1", 1},
        {"one_byte_of_facts", "UPDATE journal SET facts = replace(facts, 'x', 'y') WHERE seq = 6",
            6},
        {"commitment", "UPDATE journal SET commitment = zeroblob(32) WHERE seq = 5", 5},
        {"hash", "UPDATE journal SET hash = zeroblob(32) WHERE seq = 5", 5},
        {"open_salt", "UPDATE journal SET salt = zeroblob(16) WHERE seq = 5", 5},
        {"one_byte_of_the_seal",
            "UPDATE journal SET sealed = substr(sealed, 1, 30) || x'00ff' || substr(sealed, 33)"
            " WHERE seq = 6",
            6},
        {"another_rows_seal",
            "UPDATE journal SET sealed = (SELECT sealed FROM journal WHERE seq = 4) WHERE seq = 6",
            6},
        {"another_person",
            "UPDATE journal SET person = (SELECT person FROM journal WHERE seq = 9) WHERE seq = 5",
            5},
        {"taken_away_as_if_erased",
            "UPDATE journal SET person = NULL, salt = NULL, sealed = NULL WHERE seq = 7", 7},
        {"a_row_taken_out", "DELETE FROM journal WHERE seq = 5", 5},
        {"the_last_row_taken_out", "DELETE FROM journal WHERE seq = 10", 10},
        {"rows_swapped",
            "UPDATE journal SET seq = -3 WHERE seq = 3; UPDATE journal SET seq = 3 WHERE seq = 4;"
            "UPDATE journal SET seq = 4 WHERE seq = -3",
            3},
        {"moved_to_another_storefront", "UPDATE journal SET storefront = 'x' WHERE seq = 10", 10},
        {"a_row_passed_over", "UPDATE journal SET previous = 0 WHERE seq = 6", 6},
        {"a_row_of_another_message_named", "UPDATE journal SET previous = 4 WHERE seq = 6", 6},
        {"a_row_that_is_not_there_named", "UPDATE journal SET previous = -1 WHERE seq = 6", 6},
        {"a_row_behind_it_named", "UPDATE journal SET previous = 8 WHERE seq = 6", 6},
        {"the_first_row_names_one", "UPDATE journal SET previous = 4 WHERE seq = 5", 5},
        {"taken_out_of_its_timeline", "UPDATE journal SET previous = NULL WHERE seq = 6", 6},
        {"the_first_row_taken_out", "UPDATE journal SET previous = NULL WHERE seq = 5", 5},
        {"taken_out_and_passed_over",
            "UPDATE journal SET previous = NULL WHERE seq = 6; UPDATE message SET last = 5 WHERE n "
            "= 3",
            6},
        {"last_is_an_earlier_row", "UPDATE message SET last = 5 WHERE n = 3", 6},
        {"last_is_a_row_of_another_message", "UPDATE message SET last = 8 WHERE n = 3", 6},
        {"last_is_an_earlier_row_of_another_message", "UPDATE message SET last = 1 WHERE n = 3", 6},
        {"last_is_no_row", "UPDATE message SET last = 0 WHERE n = 3", 6},
        {"last_is_a_row_that_is_not_there", "UPDATE message SET last = 99 WHERE n = 3", 6},
        {"its_message_taken_away", "DELETE FROM message WHERE n = 3", 5},
        {"head_moved", "UPDATE chain SET hash = zeroblob(32)", 10},
        {"head_removed", "DELETE FROM chain", 10},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        AUTO(post_close) struct post *p = post_with_rows();
        struct chain_report r;

        tamper(p, table[i].sql);
        r = verify(p);
        if (r.broken_seq != table[i].seq)
            fail_msg("%s: %lld (%s)", table[i].name, (long long)r.broken_seq, r.broken_why);
        /* Where a chain ends, and where a timeline does, is known at the end of the walk. */
        if (table[i].seq == 0 || strncmp(table[i].name, "head_", 5) == 0 ||
            strstr(r.broken_why, "names another last row"))
            assert_int_equal(r.rows, 10);
        else
            assert_int_equal(r.rows, table[i].seq - 1);
    }
}

static void a_damaged_personal_part_does_not_hide_the_other_rows(void **state)
{
    AUTO(post_close) struct post *p = post_with_rows();
    struct journal_row *before, *rows;
    size_t n, m;

    (void)state;
    FINE(queue_journal(p->q, SHOP, "one", 0, 100, p->a, &before, &n, &p->e));
    tamper(p, "UPDATE journal SET sealed = substr(sealed, 1, 30) || x'00ff' || substr(sealed, 33)"
              " WHERE seq = 6");
    FINE(queue_journal(p->q, SHOP, "one", 0, 100, p->a, &rows, &m, &p->e));
    assert_int_equal(n, m);
    assert_true(before[5].personal.n > 0);
    assert_int_equal(rows[5].personal.n, 0);
}

static void the_tables_themselves_refuse_changes(void **state)
{
    static const char *const refused_sql[] = {
        "UPDATE journal SET facts = '{}' WHERE seq = 1",
        "UPDATE journal SET hash = zeroblob(32) WHERE seq = 1",
        "UPDATE journal SET salt = zeroblob(16) WHERE seq = 1",
        "UPDATE journal SET person = 99 WHERE seq = 1",
        "UPDATE journal SET sealed = x'00' WHERE seq = 1",
        "DELETE FROM journal WHERE seq = 1",
    };
    AUTO(post_close) struct post *p = post_with_rows();
    struct sqlite *db;

    (void)state;
    FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_WRITING, &db, &p->e));
    for (size_t i = 0; i < COUNT_OF(refused_sql); i++)
        refused(sqlite_exec(db, refused_sql[i], &p->e), &p->e, ERR_CONFLICT);
    FINE(sqlite_exec(
        db, "UPDATE journal SET person = NULL, salt = NULL, sealed = NULL WHERE seq = 1", &p->e));
    sqlite_close(&db);
    assert_int_equal(
        verify(p).broken_seq, 1); /* the table forgets; that the person stands is seen */
}

/* Without a row and without a head there is no chain to find wrong, but for the messages. */
static void messages_without_a_journal_are_found(void **state)
{
    static const struct {
        const char *name, *sql;
        size_t chains;
        const char *node;
        int64_t broken_seq;
    } table[] = {
        {"as it was", "SELECT 1", 1, "one", 0},
        {"emptied", "DELETE FROM journal; DELETE FROM chain", 1, "", 1},
        {"with its messages", "DELETE FROM journal; DELETE FROM chain; DELETE FROM message", 0, "",
            0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        AUTO(post_close) struct post *p = post_with_rows();
        struct chain *chains;
        struct chain_report r;
        size_t n;

        tamper(p, table[i].sql);
        FINE(queue_chains(p->q, p->a, &chains, &n, &p->e));
        assert_int_equal(n, table[i].chains);
        if (n == 0)
            continue;
        assert_string_equal(chains[0].storefront, SHOP);
        assert_string_equal(chains[0].node, table[i].node);
        FINE(queue_verify(p->q, SHOP, table[i].node, p->a, &r, &p->e));
        assert_int_equal(r.broken_seq, table[i].broken_seq);
    }
}

static void an_erased_person_leaves_the_chain_whole(void **state)
{
    AUTO(post_close) struct post *p = post_with_rows();
    struct journal_row *rows;
    struct chain_report r;
    struct vault *v;
    struct keyed who;
    uint64_t erased;
    size_t n;

    (void)state;
    keyed_person(p->keys, SHOP, STR("ada@example.com"), &who);
    FINE(vault_open(post_file(p, "keys.db"), p->keys, &p->clock, &v, &p->e));
    FINE(vault_erase(v, SHOP, &who, &erased, &p->e));
    vault_close(&v);
    r = verify(p);
    assert_int_equal(r.broken_seq, 0);
    assert_int_equal(r.rows, 10);
    assert_int_equal(r.erased, 4);
    FINE(queue_journal(p->q, SHOP, "one", 0, 10, p->a, &rows, &n, &p->e));
    assert_true(rows[1].erased && rows[1].personal.n == 0);
    assert_true(!rows[9].erased && rows[9].personal.n > 0);
    /* and a changed public column of an erased row is still found */
    tamper(p, "UPDATE journal SET actor = 'nobody' WHERE seq = 2");
    assert_int_equal(verify(p).broken_seq, 2);
}

static void each_public_column_moves_the_hash(void **state)
{
    const struct journal_row row = {.storefront = "a",
        .node = "n",
        .seq = 1,
        .at_ms = 2,
        .message_id = "m",
        .event = "e",
        .actor = "c",
        .facts = STR("{}")};
    struct digest before = {{1}}, commitment = {{2}}, other = {{3}};
    struct journal_row variants[11];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(variants); i++)
        variants[i] = row;
    variants[1].storefront = "b";
    variants[2].node = "o";
    variants[3].seq = 12;
    variants[4].at_ms = 3;
    variants[5].message_id = "";
    variants[6].event = "f";
    variants[7].actor = "d";
    variants[8].facts = STR("{\"a\":1}");
    for (size_t i = 0; i < COUNT_OF(variants); i++)
        journal_link(i == 9 ? &other : &before, i == 10 ? &other : &commitment, &variants[i]);
    for (size_t i = 0; i < COUNT_OF(variants); i++)
        for (size_t k = 0; k < i; k++)
            assert_false(digest_equal(&variants[i].hash, &variants[k].hash));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_is_found_and_named),
        cmocka_unit_test(a_damaged_personal_part_does_not_hide_the_other_rows),
        cmocka_unit_test(messages_without_a_journal_are_found),
        cmocka_unit_test(the_tables_themselves_refuse_changes),
        cmocka_unit_test(an_erased_person_leaves_the_chain_whole),
        cmocka_unit_test(each_public_column_moves_the_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
