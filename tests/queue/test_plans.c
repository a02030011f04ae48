/* No question walks a table that grows, and no change makes a table of its own. Each statement that the contract suite makes
 * the back end prepare is put before EXPLAIN QUERY PLAN and EXPLAIN, with the tables as they are without statistics, which is
 * how the service runs. */
#include "queue/backup.h"
#include "queue/sqlite_refs.h"
#include "queue/store.h"
#include "queue/vault.h"
#include "tests/queue/contract.h"

#include <dirent.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXTS_MAX 400

/* What may be walked or sorted, in which statement, and why that does not grow with messages or persons. */
static const struct {
    const char *line, *text, *why;
} exceptions[] = {
    {"SCAN tally", "", "a row for each storefront and state"},
    {"USE TEMP B-TREE FOR GROUP BY", "FROM tally", "the same"},
    {"SCAN h", "FROM held h", "a row for each storefront and reason"},
    {"SCAN chain", "", "a row for each storefront and node"},
    {"SCAN api_key", "", "a few keys for each storefront"},
    {"SCAN erasure", "", "one row"},
    {"SCAN sqlite_master", "", "the tables themselves"},
    {"SCAN idempotency_", "DELETE", "a day that is over goes as a whole: no row is read"},
    {"SCAN message USING INDEX message_leased", "", "what the lanes have claimed"},
    {"SCAN m USING INDEX message_leased", "", "the same"},
    {"USE TEMP B-TREE FOR ORDER BY", "INDEXED BY message_leased", "the same"},
    {"USE TEMP B-TREE", "ORDER BY o.order_ref", "a group of held mail that is to go, in its order"},
    {"SCAN line", "RECURSIVE line(n)", "the events of one message"},
    {"SCAN o", "seq DESC LIMIT ?5) o", "the nearest events of a parcel, EVENTS_READ of them"},
    {"USE TEMP B-TREE FOR ORDER BY", "seq DESC LIMIT ?5) o", "the same"},
    {"USE TEMP B-TREE FOR ORDER BY", "FROM suppression s INDEXED BY suppression_stands",
        "what stands of one person"},
    {"SCAN journal USING COVERING INDEX journal_in_order", "WITH RECURSIVE pair",
        "its first row; from there each step is a search"},
    {"SCAN ", "WITH RECURSIVE pair", "a row for each storefront and node"},
    {"UNION USING TEMP B-TREE", "WITH RECURSIVE pair", "the same"},
    {"USE TEMP B-TREE FOR ORDER BY", "WITH RECURSIVE pair", "the same"},
    {"SCAN ", "SELECT count(*) FROM person p", "a restore, which counts what it has no key for"},
    {"SCAN ", "SELECT count(*) FROM message m", "the same"},
    {"SCAN ", "FROM main.sqlite_schema s", "a restore: the tables themselves"},
};

/* Which change may open a table of its own, a B-tree in memory that costs 10 us each time, and why it is seldom made. */
static const char *const gathers[] = {
    "INSERT INTO meta VALUES (?1, 1)",                     /* a start */
    "UPDATE suppression INDEXED BY suppression_of_nobody", /* a suppressed person's first mail */
    "UPDATE suppression SET lifted_ms",                    /* somebody lifts one */
    "UPDATE person_key INDEXED BY person_key_of",          /* an erasure */
};

static const char *seen[TEXTS_MAX];
static size_t seen_n, bad_n, gathering_n;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards seen, bad_n, gathering_n */

int __real_sqlite3_prepare_v3(
    sqlite3 *db, const char *text, int n, unsigned flags, sqlite3_stmt **out, const char **tail);
int __wrap_sqlite3_prepare_v3(
    sqlite3 *db, const char *text, int n, unsigned flags, sqlite3_stmt **out, const char **tail);

static bool is_excepted(const char *line, const char *text)
{
    for (size_t i = 0; i < COUNT_OF(exceptions); i++)
        if (strncmp(line, exceptions[i].line, strlen(exceptions[i].line)) == 0 &&
            strstr(text, exceptions[i].text))
            return true;
    return false;
}

static bool may_gather(const char *text)
{
    if (strncmp(text, "SELECT ", 7) == 0 || strncmp(text, "WITH ", 5) == 0)
        return true;
    for (size_t i = 0; i < COUNT_OF(gathers); i++)
        if (strncmp(text, gathers[i], strlen(gathers[i])) == 0)
            return true;
    return false;
}

static void judge_change(sqlite3 *db, const char *text)
{
    char *question = sqlite3_mprintf("EXPLAIN %s", text);
    sqlite3_stmt *program;

    if (sqlite3_prepare_v2(db, question, -1, &program, NULL) == SQLITE_OK) {
        while (sqlite3_step(program) == SQLITE_ROW)
            if (strcmp((const char *)sqlite3_column_text(program, 1), "OpenEphemeral") == 0) {
                print_error("OpenEphemeral\n    in %s\n", text);
                gathering_n++;
            }
        sqlite3_finalize(program);
    }
    sqlite3_free(question);
}

static void judge(sqlite3 *db, const char *text)
{
    char *question = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", text);
    sqlite3_stmt *plan;

    if (sqlite3_prepare_v2(db, question, -1, &plan, NULL) == SQLITE_OK) {
        while (sqlite3_step(plan) == SQLITE_ROW) {
            const char *line = (const char *)sqlite3_column_text(plan, 3);
            bool walks = strstr(line, "SCAN ") || strstr(line, "TEMP B-TREE");

            if (walks && !strstr(line, "CONSTANT ROW") && !is_excepted(line, text)) {
                print_error("%s\n    in %s\n", line, text);
                bad_n++;
            }
        }
        sqlite3_finalize(plan);
    }
    sqlite3_free(question);
}

static void meet(sqlite3 *db, const char *text)
{
    pthread_mutex_lock(&lock);
    size_t i = 0;
    while (i < seen_n && seen[i] != text)
        i++;
    if (i == seen_n && seen_n < TEXTS_MAX) {
        seen[seen_n++] = text;
        judge(db, text);
        if (!may_gather(text))
            judge_change(db, text);
    }
    pthread_mutex_unlock(&lock);
}

int __wrap_sqlite3_prepare_v3(
    sqlite3 *db, const char *text, int n, unsigned flags, sqlite3_stmt **out, const char **tail)
{
    int rc = __real_sqlite3_prepare_v3(db, text, n, flags, out, tail);

    if (rc == SQLITE_OK)
        meet(db, text);
    return rc;
}

/* ---- what the contract does not ask ---- */

static void a_copy_is_put_back(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    const char *copy = arena_printf(p->a, "%s/copy", p->dir);
    struct restore_setup setup = {.data_dir = p->data,
        .node = "one",
        .keys = p->keys,
        .clock = &p->clock,
        .queue_copy = copy,
        .force = true,
        .actor = "tester"};
    struct restore_report report;
    struct backup_copy made;

    (void)state;
    post_mail(p, "ada@example.com");
    FINE(backup_take(p->data, BACKUP_QUEUE, copy, &p->clock, &made, &p->e));
    queue_close(&p->q);
    FINE(backup_restore(&setup, p->a, &report, &p->e));
    assert_int_equal(report.held, 1);
}

static void a_person_is_erased(void **state)
{
    static const struct keyed nobody = {.n = 1};
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct vault *v;
    uint64_t n;

    (void)state;
    queue_close(&p->q);
    FINE(vault_open(post_file(p, "keys.db"), p->keys, &p->clock, &v, &p->e));
    FINE(vault_erase(v, SHOP, &nobody, &n, &p->e));
    vault_close(&v);
}

static bool holds(void *context, struct err *e)
{
    (void)context;
    (void)e;
    return true;
}

/* A store that was in trouble writes a mark with its next sweep. */
static void a_sweep_probes_the_disk(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct store_op op = {.kind = STORE_SWEEP, .sweep = {.max = 1, .probe = true}}, *ops = &op;
    const struct store_condition always = {holds, NULL};
    struct store *s;
    bool wrote;

    (void)state;
    queue_close(&p->q);
    FINE(store_sqlite_open(post_file(p, "queue.db"), "one", &s, &p->e));
    FINE(s->verbs->apply(s, &ops, 1, T0, &always, &wrote, &p->e));
    s->verbs->close(&s);
    assert_true(wrote);
}

/* There is a table for the keys of each day, four in turn. */
static void days_go_by(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);

    (void)state;
    for (int day = 0; day < 13; day++, p->time.ms += 24 * HOUR) {
        struct submission s = a_mail(p, "ada@example.com");

        s.idempotency_key = STR("key");
        post_submit(p, &s);
        post_submit(p, &s);
        FINE(queue_sweep(p->q, &p->e));
    }
}

/* The index of persons is brought up to the last row by and by: a note says how far. */
static void a_turn_of_the_index_comes_to_its_end(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct sqlite *db;
    struct refs *r;

    (void)state;
    FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_WRITING, &db, &p->e));
    r = refs_open(db);
    refs_begin(r, true);
    FINE(refs_ready(r, &p->e));
    refs_pass(r, REF_PERSON, 1000000);
    FINE(refs_end(r, &p->e));
    refs_close(&r);
    sqlite_close(&db);
}

/* A row of one between the rows of the other is followed back, and so is what goes on elsewhere. */
static void two_nodes_tell_of_one_message(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    AUTO(queue_close) struct queue *two = post_start(p, QUEUE_TOOL, "two");
    const char *id = post_mail(p, "ada@example.com");

    (void)state;
    FINE(queue_note(two, SHOP, "seen", test_actor, id, STR("{}"), &p->e));
    expect_whole_chain(p, SHOP, "one");
    expect_whole_chain(p, SHOP, "two");
}

/* ---- the judgement ---- */

static void no_question_walks_a_table_that_grows(void **state)
{
    (void)state;
    assert_true(seen_n > 60 && seen_n < TEXTS_MAX);
    assert_int_equal(bad_n, 0);
}

static void no_change_makes_a_table_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(gathering_n, 0);
}

static bool was_seen(struct str beginning)
{
    for (size_t i = 0; i < seen_n; i++)
        if (str_starts(str_of(seen[i]), beginning))
            return true;
    return false;
}

/* Each string of the source that begins a statement must have been met above, else its plan was not judged. */
static void look_for_unasked(const char *path, size_t *missing)
{
    static const char *const verbs[] = {"\"SELECT ", "\"UPDATE ", "\"INSERT ", "\"DELETE "};
    AUTO(buf_close) struct buf text = {0};
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    for (size_t n; (n = fread(buf_room(&text, 65536), 1, 65536, f)) > 0;)
        text.n += n;
    fclose(f);
    for (size_t v = 0; v < COUNT_OF(verbs); v++)
        for (size_t at = 0; (at = str_find(buf_str(&text), str_of(verbs[v]), at)) < text.n; at++) {
            size_t end = str_find_char(buf_str(&text), '"', at + 1);
            struct str piece = str_slice(buf_str(&text), at + 1, end);

            if (!was_seen(piece)) {
                print_error("%s: not asked: " STR_FMT "\n", path, STR_ARG(piece));
                ++*missing;
            }
        }
}

static void every_statement_of_the_source_was_judged(void **state)
{
    DIR *d = opendir("queue");
    struct dirent *entry;
    size_t missing = 0;

    (void)state;
    assert_non_null(d);
    while ((entry = readdir(d)) != NULL) {
        struct str name = str_of(entry->d_name);
        char path[300];

        snprintf(path, sizeof path, "queue/%s", entry->d_name);
        if (str_ends(name, STR(".c")) && !str_ends(name, STR("_schema.c")))
            look_for_unasked(path, &missing);
    }
    closedir(d);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct contract *all[] = {&contract_messages, &contract_work, &contract_orders,
        &contract_people, &contract_journal, &contract_depth};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_put_back),
        cmocka_unit_test(a_person_is_erased),
        cmocka_unit_test(a_sweep_probes_the_disk),
        cmocka_unit_test(days_go_by),
        cmocka_unit_test(a_turn_of_the_index_comes_to_its_end),
        cmocka_unit_test(two_nodes_tell_of_one_message),
        cmocka_unit_test(no_question_walks_a_table_that_grows),
        cmocka_unit_test(no_change_makes_a_table_of_its_own),
        cmocka_unit_test(every_statement_of_the_source_was_judged),
    };

    for (size_t i = 0; i < COUNT_OF(all); i++)
        for (size_t t = 0; t < all[i]->n; t++) {
            struct CMUnitTest one = all[i]->tests[t];

            one.initial_state = (void *)&backend_sqlite;
            if (_cmocka_run_group_tests(all[i]->name, &one, 1, NULL, NULL) != 0)
                return 1;
        }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
