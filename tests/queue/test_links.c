/* How rows of the journal name each other, where messages are many, and under way at once, and where two nodes take turns. */
#include "queue/sqlite_inside.h"
#include "queue/sqlite_schema.h"
#include "tests/queue/post.h"

static struct sqlite *tables(struct post *p)
{
    struct sqlite *db;

    FINE(sqlite_open(post_file(p, "links.db"), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_migrate(db, &sqlite_queue_schema, &p->e));
    FINE(sqlite_exec(db, "DROP TRIGGER journal_stands", &p->e));
    return db;
}

static struct store_links links_of(struct post *p, struct sqlite *db, const char *node)
{
    struct store_links found;

    FINE(read_links(db, SHOP, node, &found, &p->e));
    return found;
}

/* Of each message two rows: all that were accepted, then all that were settled, in another order. */
static const char many[] =
    "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 20000)"
    " INSERT INTO journal(n, previous, storefront, node, seq, at_ms, message_id, event, actor,"
    " facts, commitment, hash)"
    " SELECT n, 0, 'acme', 'one', n, 0, 'msg_' || n, 'accepted', '', '', '', '' FROM i UNION ALL"
    " SELECT n + 20000, n * 7919 % 20000 + 1, 'acme', 'one', n + 20000, 0,"
    " 'msg_' || (n * 7919 % 20000 + 1), 'delivered', '', '', '', '' FROM i;"
    "INSERT INTO message(n, storefront, id, person, place, state, priority, created_ms, due_ms,"
    " expires_ms, reason, last, over)"
    " SELECT previous, 'acme', message_id, 1, 1, 4, 5, 0, 0, 0, '', n, 1 FROM journal"
    " WHERE previous > 0;";

static void timelines_that_are_under_way_at_once_are_told_apart(void **state)
{
    static const struct {
        const char *name, *sql;
        int64_t row_seq, end_seq;
    } table[] = {
        {"as it was", "SELECT 1", 0, 0},
        {"another message's row", "UPDATE journal SET previous = previous + 1 WHERE n = 31234",
            31234, 0},
        {"none", "UPDATE journal SET previous = 0 WHERE n = 40000", 40000, 0},
        {"no last row", "UPDATE message SET last = 0 WHERE last = 22222", 0, 22222},
        {"two of them", "UPDATE message SET last = 0 WHERE last IN (33333, 20001)", 0, 20001},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        AUTO(sqlite_close) struct sqlite *db = tables(p);
        struct store_links found;

        FINE(sqlite_exec(db, many, &p->e));
        FINE(sqlite_exec(db, table[i].sql, &p->e));
        found = links_of(p, db, "one");
        if (found.row_seq != table[i].row_seq || found.end_seq != table[i].end_seq)
            fail_msg(
                "%s: %lld %lld", table[i].name, (long long)found.row_seq, (long long)found.end_seq);
    }
}

/* One message that both had a part in, and one that somebody named before it was there. */
static const char two_nodes[] =
    "INSERT INTO journal(n, previous, node, seq, message_id, storefront, at_ms, event, actor,"
    " facts, commitment, hash)"
    " SELECT *, 'acme', 0, '', '', '', '', '' FROM (VALUES (1, 0, 'one', 1, 'msg_a'),"
    " (2, 1, 'two', 1, 'msg_a'), (3, 2, 'two', 2, 'msg_a'), (4, 3, 'one', 2, 'msg_a'),"
    " (5, 4, 'two', 3, 'msg_a'), (6, NULL, 'one', 3, 'msg_b'), (7, 0, 'one', 4, 'msg_b'),"
    " (8, NULL, 'one', 5, 'msg_gone'), (9, NULL, 'two', 4, ''));"
    "INSERT INTO message(n, id, last, storefront, person, place, state, priority, created_ms,"
    " due_ms, expires_ms, reason, over)"
    " SELECT *, 'acme', 1, 1, 4, 5, 0, 0, 0, '', 1 FROM (VALUES (1, 'msg_a', 5), (2, 'msg_b', 7));";

static void two_nodes_may_take_turns(void **state)
{
    static const struct {
        const char *name, *sql;
        int64_t row_of_one, end_of_one, row_of_two, end_of_two;
    } table[] = {
        {"as it was", "SELECT 1", 0, 0, 0, 0},
        {"the other's row passed over", "UPDATE journal SET previous = 2 WHERE n = 4", 0, 0, 3, 0},
        {"both passed over", "UPDATE journal SET previous = 1 WHERE n = 4", 0, 0, 3, 0},
        {"one's row passed over", "UPDATE journal SET previous = 3 WHERE n = 5", 0, 2, 0, 0},
        {"last is not two's", "UPDATE message SET last = 4 WHERE n = 1", 0, 0, 0, 3},
        {"it passes over its own", "UPDATE journal SET previous = 1 WHERE n = 3", 0, 0, 2, 0},
        {"a row between that names none", "UPDATE journal SET previous = NULL WHERE n = 3", 2, 0, 2,
            0},
        {"a circle", "UPDATE journal SET previous = 4 WHERE n = 3", 2, 0, 2, 0},
        {"named without a message", "UPDATE journal SET previous = 0 WHERE n = 8", 5, 0, 0, 0},
        {"linked though it was there before", "UPDATE journal SET previous = 6 WHERE n = 7", 3, 0,
            0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        AUTO(sqlite_close) struct sqlite *db = tables(p);
        struct store_links one, two;

        FINE(sqlite_exec(db, two_nodes, &p->e));
        FINE(sqlite_exec(db, table[i].sql, &p->e));
        one = links_of(p, db, "one");
        two = links_of(p, db, "two");
        if (one.row_seq != table[i].row_of_one || one.end_seq != table[i].end_of_one ||
            two.row_seq != table[i].row_of_two || two.end_seq != table[i].end_of_two)
            fail_msg("%s: %lld %lld, %lld %lld", table[i].name, (long long)one.row_seq,
                (long long)one.end_seq, (long long)two.row_seq, (long long)two.end_seq);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timelines_that_are_under_way_at_once_are_told_apart),
        cmocka_unit_test(two_nodes_may_take_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
