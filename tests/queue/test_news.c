/* What is remembered between two questions: API keys, suppressions, persons' keys. Whatever another process committed before a
 * question counts in its answer, however our own commits fall between. */
#include "queue/sqlite.h"
#include "queue/vault.h"
#include "tests/queue/post.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 60

/* ---- another process, which does one thing at a time as it is told ---- */

struct order {
    char verb; /* 's' suppress, 'e' erase, 'n' new API key, 'r' revoke it */
    char text[80];
};

struct other {
    pid_t pid;
    int to, from;
};

static bool suppress(struct queue *q, const char *address, struct err *e)
{
    struct suppression_new s = {.scope = "*", .reason = "manual", .origin = "staff"};
    bool added;

    return queue_suppress(q, SHOP, str_of(address), &s, &added, e) && added;
}

static bool erase(struct post *p, const char *address)
{
    struct vault *v;
    struct keyed who;
    uint64_t n = 0;
    bool fine;

    keyed_person(p->keys, SHOP, str_of(address), &who);
    if (!vault_open(post_file(p, "keys.db"), p->keys, &p->clock, &v, &p->e))
        return false;
    /* Busy: erased, but the service reads the log. */
    fine = vault_erase(v, SHOP, &who, &n, &p->e) || p->e.code == ERR_BUSY;
    vault_close(&v);
    return fine && n > 0;
}

static bool obey(struct post *p, struct queue *q, struct order *o)
{
    enum change_result done;
    struct api_key made;
    const char *secret;

    switch (o->verb) {
    case 's':
        return suppress(q, o->text, &p->e);
    case 'e':
        return erase(p, o->text);
    case 'n':
        if (!queue_key_create(q, SHOP, "other", ROLE_SEND, test_actor, p->a, &made, &secret, &p->e))
            return false;
        snprintf(o->text, sizeof o->text, "%s", made.id);
        return true;
    default:
        return queue_key_revoke(q, SHOP, o->text, test_actor, &done, &p->e) && done == CHANGE_DONE;
    }
}

static _Noreturn void work(struct post *p, int in, int out)
{
    struct queue *q = post_start(p, QUEUE_TOOL, "two");
    struct order o;

    while (read(in, &o, sizeof o) == sizeof o) {
        if (!obey(p, q, &o))
            _exit(1);
        if (write(out, &o, sizeof o) != sizeof o)
            _exit(2);
    }
    _exit(0);
}

/* The queue is closed meanwhile: a child inherits none of its threads. */
static struct other other_start(struct post *p)
{
    int to[2], from[2];
    struct other o;

    queue_close(&p->q);
    assert_int_equal(pipe(to) | pipe(from), 0);
    o.pid = fork();
    if (o.pid == 0) {
        close(to[1]);
        work(p, to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    o.to = to[1];
    o.from = from[0];
    p->q = post_start(p, QUEUE_SERVE, "one");
    return o;
}

static void other_stop(struct other *o)
{
    int status;

    close(o->to);
    close(o->from);
    assert_int_equal(waitpid(o->pid, &status, 0), o->pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static bool give(const struct other *o, struct order *order)
{
    return write(o->to, order, sizeof *order) == sizeof *order &&
           read(o->from, order, sizeof *order) == sizeof *order;
}

/* Done and committed when it returns. */
static const char *tell(struct post *p, struct other *o, char verb, const char *text)
{
    struct order order = {.verb = verb};

    snprintf(order.text, sizeof order.text, "%s", text);
    assert_true(give(o, &order));
    return arena_printf(p->a, "%s", order.text);
}

/* ---- suppressions ---- */

static void expect_standing(struct post *p, const char *address, size_t expected)
{
    struct suppression *rows;
    size_t n;

    FINE(queue_suppressions_of(p->q, SHOP, str_of(address), p->a, &rows, &n, &p->e));
    assert_int_equal(n, expected);
}

static void a_suppression_of_another_process_counts_at_once(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct other other = other_start(p);

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const char *one = arena_printf(p->a, "one-%d@example.com", i);
        const char *two = arena_printf(p->a, "two-%d@example.com", i);

        expect_standing(p, one, 0);
        if (i % 3 == 0) /* our own commits carry what is remembered on */
            post_mail(p, "ada@example.com");
        expect_standing(p, one, 0);
        if (i % 2 == 0)
            FINE(suppress(p->q, two, &p->e));
        tell(p, &other, 's', one);
        if (i % 5 == 0)
            post_mail(p, "ada@example.com");
        expect_standing(p, one, 1);
        expect_standing(p, two, i % 2 == 0);
        if (i % 5 == 1)
            tell(p, &other, 's', arena_printf(p->a, "ghost-%d@example.com", i));
        FINE(suppress(p->q, arena_printf(p->a, "three-%d@example.com", i), &p->e));
        expect_standing(p, arena_printf(p->a, "three-%d@example.com", i), 1);
    }
    post_reopen(p);
    expect_standing(p, "one-0@example.com", 1);
    expect_standing(p, "nobody@example.com", 0);
    other_stop(&other);
}

/* More than one question reads. */
static void everybody_on_a_long_list_is_found_from_the_first_question(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct sqlite *db;
    struct keyed who;

    (void)state;
    queue_close(&p->q);
    FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_begin(db, &p->e));
    for (int i = 0; i < 10000; i++) {
        struct sql *q = sqlite_sql(db,
            "INSERT INTO suppression(storefront, pepper, person, scope, reason, origin, evidence, "
            "actor, since_ms,"
            " expires_ms) VALUES (?1, 1, ?2, '*', 'manual', 'import', '', 'tester', 1, 0)");

        keyed_person(p->keys, SHOP, str_of(arena_printf(p->a, "p%d@example.com", i)), &who);
        sql_text(q, 1, SHOP);
        sql_digest(q, 2, &who.hash[0]);
        FINE(sql_run(q, &p->e));
    }
    FINE(sqlite_commit(db, &p->e));
    sqlite_close(&db);
    p->q = post_start(p, QUEUE_SERVE, "one");
    for (int i = 9999; i > 0; i -= 1111) {
        expect_standing(p, arena_printf(p->a, "p%d@example.com", i), 1);
        expect_standing(p, arena_printf(p->a, "q%d@example.com", i), 0);
    }
}

/* ---- erasures ---- */

static void an_erasure_of_another_process_counts_at_once(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct other other = other_start(p);

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const char *address = arena_printf(p->a, "p%d@example.com", i);
        const char *before = post_mail(p, address), *after;
        struct job *jobs;

        assert_true(str_is(show(p, before).address, address));
        if (i % 3 == 0)
            post_mail(p, arena_printf(p->a, "new-%d@example.com", i)); /* one more key */
        tell(p, &other, 'e', address);
        if (i % 2 == 0)
            post_mail(p, arena_printf(p->a, "newer-%d@example.com", i));
        assert_true(show(p, before).erased);
        after = post_mail(p, address);
        assert_true(str_is(show(p, after).address, address));
        assert_true(show(p, before).erased);
        jobs = claim_at(p, "example.com", 100, (size_t)(1 + (i % 2 == 0) + (i % 3 == 0)));
        (void)jobs;
        expect_state(p, before, MSG_CANCELLED, "erased");
    }
    other_stop(&other);
}

/* ---- API keys ---- */

static void a_revocation_of_another_process_counts_at_once(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct other other = other_start(p);

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct api_key made, found;
        const char *secret;

        FINE(queue_key_create(
            p->q, SHOP, "ours", ROLE_SEND, test_actor, p->a, &made, &secret, &p->e));
        FINE(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e));
        if (i % 2 == 0)
            tell(p, &other, 'n', "");
        if (i % 3 == 0)
            post_mail(p, "ada@example.com");
        FINE(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e));
        tell(p, &other, 'r', made.id);
        if (i % 5 == 0)
            post_mail(p, "ada@example.com");
        refused(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e), &p->e, ERR_DENIED);
    }
    other_stop(&other);
}

/* ---- another process, exactly between a commit of ours and the look at what it left ---- */

struct between {
    const struct other *other;
    _Atomic size_t looks; /* it comes before so many have been taken */
    struct order order;
    bool done;
};
static _Atomic(struct between *) awaited;

bool __real_sqlite_pool_ended(struct sqlite_pool *p, const struct sqlite_turn *t, int64_t *stamp);
bool __wrap_sqlite_pool_ended(struct sqlite_pool *p, const struct sqlite_turn *t, int64_t *stamp);

bool __wrap_sqlite_pool_ended(struct sqlite_pool *p, const struct sqlite_turn *t, int64_t *stamp)
{
    struct between *b = atomic_load(&awaited);

    if (b && --b->looks == 0)
        b->done = give(b->other, &b->order);
    return __real_sqlite_pool_ended(p, t, stamp);
}

static void sweep(struct post *p)
{
    FINE(queue_sweep(p->q, &p->e));
}

static void claim_nothing(struct post *p)
{
    claim_at(p, "nowhere.example", 10, 0);
}

static void submit_again(struct post *p)
{
    struct submission s = a_mail(p, "ada@example.com");

    s.idempotency_key = STR("the same");
    (void)post_submit(p, &s);
}

static void post_one(struct post *p)
{
    post_mail(p, "ada@example.com");
}

static void meet_somebody(struct post *p)
{
    struct id id;

    ids_new(p->ids, "who_", &id);
    post_mail(p, arena_printf(p->a, "%s@example.com", id.s));
}

static const struct {
    const char *name;
    void (*commit)(struct post *p);
    size_t looks; /* the last is at queue.db; behind one at keys.db where a key is made */
} ways[] = {
    {"a sweep that finds nothing", sweep, 1},
    {"a claim of nothing", claim_nothing, 1},
    {"a submit that came before", submit_again, 1},
    {"a mail", post_one, 1},
    {"a mail to somebody new", meet_somebody, 2},
};

static void commit_around(
    struct post *p, size_t way, const struct other *other, char verb, const char *text)
{
    struct between b = {
        .other = other, .order.verb = verb, .looks = verb == 'e' ? 1 : ways[way].looks};

    snprintf(b.order.text, sizeof b.order.text, "%s", text);
    atomic_store(&awaited, &b);
    ways[way].commit(p);
    atomic_store(&awaited, NULL);
    if (!b.done)
        fail_msg("%s: nobody came between", ways[way].name);
}

/* Which carries on what is remembered. */
static void commit_all(struct post *p)
{
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        ways[i].commit(p);
}

static void whoever_commits_behind_a_commit_of_ours_is_seen(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct other other = other_start(p);

    (void)state;
    submit_again(p);
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        const char *address = arena_printf(p->a, "p%zu@example.com", i), *secret;
        const char *mail = post_mail(p, address);
        struct api_key key, found;

        expect_standing(p, address, 0);
        commit_around(p, i, &other, 's', address);
        commit_all(p);
        expect_standing(p, address, 1);

        FINE(queue_key_create(
            p->q, SHOP, "ours", ROLE_SEND, test_actor, p->a, &key, &secret, &p->e));
        FINE(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e));
        commit_around(p, i, &other, 'r', key.id);
        commit_all(p);
        refused(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e), &p->e, ERR_DENIED);

        assert_false(show(p, mail).erased);
        commit_around(p, i, &other, 'e', address); /* the next key that is made would count anew */
        assert_true(show(p, mail).erased);
    }
    other_stop(&other);
}

/* ---- persons ---- */

static const char *stored_keys(struct post *p)
{
    struct sqlite *db;
    struct sql *q;
    int64_t n = -1;

    FINE(sqlite_open(post_file(p, "keys.db"), SQLITE_FOR_READING, &db, &p->e));
    q = sqlite_sql(db, "SELECT count(*) FROM person_key");
    if (sql_row(q))
        n = sql_get_int(q, 0);
    FINE(sql_done(q, &p->e));
    sqlite_close(&db);
    return arena_printf(p->a, "%lld", (long long)n);
}

/* Those of a start are read a thousand at a time; the last cached ones would hide it. */
static void nobody_gets_a_second_key_after_a_restart(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);

    (void)state;
    for (int i = 0; i < 2500; i++)
        post_mail(p, arena_printf(p->a, "p%d@example.com", i));
    assert_string_equal(stored_keys(p), "2500");
    post_reopen(p);
    for (int i = 2499; i >= 0; i -= 7)
        post_mail(p, arena_printf(p->a, "p%d@example.com", i));
    assert_string_equal(stored_keys(p), "2500");
    post_mail(p, "new@example.com");
    assert_string_equal(stored_keys(p), "2501");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_suppression_of_another_process_counts_at_once),
        cmocka_unit_test(everybody_on_a_long_list_is_found_from_the_first_question),
        cmocka_unit_test(an_erasure_of_another_process_counts_at_once),
        cmocka_unit_test(a_revocation_of_another_process_counts_at_once),
        cmocka_unit_test(whoever_commits_behind_a_commit_of_ours_is_seen),
        cmocka_unit_test(nobody_gets_a_second_key_after_a_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
