/* Whoever was erased gets nothing out of memory; and the tray when many submit, claim, cancel and erase at once. */
#include "queue/keyed.h"
#include "queue/sqlite.h"
#include "queue/tray.h"
#include "queue/vault.h"
#include "tests/queue/parcel.h"

#include <pthread.h>
#include <stdlib.h>

static void erase(struct post *p, const char *address)
{
    struct keyed who;
    struct vault *v;
    uint64_t n;

    keyed_person(p->keys, SHOP, str_of(address), &who);
    FINE(vault_open(post_file(p, "keys.db"), p->keys, &p->clock, &v, &p->e));
    FINE(vault_erase(v, SHOP, &who, &n, &p->e));
    vault_close(&v);
}

static void an_erased_person_gets_nothing_out_of_memory(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    atomic_int gone = 0;
    const char *ada, *bob;
    struct job *jobs;

    (void)state;
    ada = parcel_to(p, "ada@example.com", &gone);
    bob = parcel_to(p, "bob@example.com", &gone);
    erase(p, "ada@example.com");
    jobs = claim_at(p, "example.com", 9, 1);
    assert_string_equal(jobs[0].id, bob);
    assert_null(jobs[0].handover); /* nobody looked for whom it concerned */
    assert_int_equal(gone, 2);
    expect_state(p, ada, MSG_CANCELLED, "erased");
    parcel_to(p, "ada@example.com", &gone); /* a later order is a fresh person's */
    assert_non_null(claim_one(p)->handover);
}

static int64_t sealed_rows(struct post *p)
{
    struct sqlite *db;
    struct sql *q;
    int64_t n = -1;

    FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_WRITING, &db, &p->e));
    q = sqlite_sql(db, "SELECT count(*) FROM journal WHERE sealed IS NOT NULL");
    if (sql_row(q))
        n = sql_get_int(q, 0);
    FINE(sql_done(q, &p->e));
    sqlite_close(&db);
    return n;
}

static size_t readable_replies(struct post *p, const char *id)
{
    struct journal_row *rows;
    size_t n, found = 0;

    FINE(queue_timeline(p->q, SHOP, id, p->a, &rows, &n, &p->e));
    for (size_t i = 0; i < n; i++)
        found += str_is(rows[i].personal, "{\"reply\":\"250 ok\"}");
    return found;
}

static void the_reply_of_a_mail_out_of_memory_is_kept_unless_its_person_was_erased(void **state)
{
    (void)state;
    for (int erased = 0; erased < 2; erased++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        atomic_int gone = 0;
        const char *id = parcel_to(p, "ada@example.com", &gone);
        struct job *j = claim_one(p);
        struct settlement s = {
            .job = j, .to = MSG_DELIVERED, .reason = "", .counts = true, .reply = STR("250 ok")};

        assert_non_null(j->handover);
        if (erased)
            erase(p, "ada@example.com");
        FINE(queue_settle(p->q, &s, &p->e));
        assert_int_equal(readable_replies(p, id), !erased);
        assert_int_equal(sealed_rows(p), !erased);
        assert_false(in_any_file(p, "250 ok"));
        if (erased)
            parcel_to(p, "ada@example.com", &gone); /* her fresh key opens nothing of before */
        assert_int_equal(readable_replies(p, id), !erased);
        expect_whole_chain(p, SHOP, "one");
    }
}

/* ---- everything at once ---- */

#define THREADS 4
#define EACH 150
#define MAILS (THREADS * EACH)

struct crowd {
    struct post *p;
    struct submission mails[MAILS];
    atomic_int gone, submitted, to_ada, claimed, warm, wrong;
    atomic_bool erased;
    bool erases;
};

struct worker {
    struct crowd *c;
    pthread_t thread;
    size_t from;
};

/* Written to early, so that no later mail makes her a fresh person. */
static bool is_to_ada(size_t i)
{
    return i % EACH < EACH / 2 && i % 5 == 0;
}

#define TO_ADA (THREADS * EACH / 10)

static void *submit_many(void *arg)
{
    struct worker *w = arg;
    struct crowd *c = w->c;

    for (size_t i = w->from; i < w->from + EACH; i++) {
        struct parcel_answer a = {.fine = false};
        struct handover *h = parcel_new(&c->gone, 100);
        struct err e;

        sem_init(&a.came, 0, 0);
        c->mails[i].handover = h;
        bool posted = queue_submit_async(c->p->q, &c->mails[i], parcel_answered, &a, &e);
        if (posted)
            sem_wait(&a.came);
        c->wrong += !posted || !a.fine;
        c->submitted++;
        c->to_ada += is_to_ada(i);
        sem_destroy(&a.came);
        handover_drop(&h);
    }
    return NULL;
}

static void *claim_many(void *arg)
{
    struct crowd *c = ((struct worker *)arg)->c;
    AUTO(arena_close) struct arena *a = arena_open();
    struct job *jobs;
    struct err e;
    size_t n = 1;

    while (c->erases && c->to_ada < TO_ADA)
        sched_yield();
    while (n > 0 || c->submitted < MAILS) {
        bool erased = c->erased; /* asked first: what is claimed behind it must know */

        arena_clear(a);
        if (!queue_claim(c->p->q, SHOP, "example.com", 8, HOUR, a, &jobs, &n, &e)) {
            c->wrong++;
            return NULL;
        }
        for (size_t i = 0; i < n; i++) {
            struct settlement s = {
                .job = &jobs[i], .to = MSG_DELIVERED, .reason = "", .counts = true};

            c->claimed++;
            c->warm += jobs[i].handover != NULL;
            c->wrong += erased && str_is(jobs[i].address, "ada@example.com");
            c->wrong += !queue_settle(c->p->q, &s, &e);
        }
    }
    return NULL;
}

static void *cancel_many(void *arg)
{
    struct crowd *c = ((struct worker *)arg)->c;

    for (size_t i = 0; i < MAILS; i += 7) {
        enum change_result result;
        struct err e;

        c->wrong += !queue_cancel(c->p->q, SHOP, c->mails[i].id, test_actor, &result, &e);
        if (i % 70 == 0)
            c->wrong += !queue_sweep(c->p->q, &e);
    }
    return NULL;
}

static void *erase_one(void *arg)
{
    struct crowd *c = ((struct worker *)arg)->c;
    struct keyed who;
    struct vault *v;
    struct err e;
    uint64_t n;

    while (c->erases && c->to_ada < TO_ADA)
        sched_yield();
    if (!c->erases)
        return NULL;
    keyed_person(c->p->keys, SHOP, STR("ada@example.com"), &who);
    if (!vault_open(post_file(c->p, "keys.db"), c->p->keys, &c->p->clock, &v, &e))
        abort();
    /* ERR_BUSY: erased, though not from the log; others read there all the time. */
    if (!vault_erase(v, SHOP, &who, &n, &e) && e.code != ERR_BUSY)
        abort();
    c->erased = true;
    vault_close(&v);
    return NULL;
}

static void play(struct crowd *c)
{
    static void *(*const works[])(void *) = {submit_many, submit_many, submit_many, submit_many,
        claim_many, claim_many, cancel_many, erase_one};
    struct worker workers[COUNT_OF(works)];
    struct post *p = c->p;

    for (size_t i = 0; i < MAILS; i++)
        c->mails[i] = a_mail(
            p, is_to_ada(i) ? "ada@example.com" : arena_printf(p->a, "u%zu@example.com", i % 90));
    for (size_t i = 0; i < COUNT_OF(works); i++) {
        workers[i] = (struct worker){.c = c, .from = i < THREADS ? i * EACH : 0};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, works[i], &workers[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(works); i++)
        pthread_join(workers[i].thread, NULL);
}

static void expect_all_ended(struct crowd *c)
{
    struct post *p = c->p;
    struct queue_counts counts;

    assert_int_equal(c->wrong, 0);
    FINE(queue_count(p->q, SHOP, &counts, &p->e));
    assert_int_equal(counts.by_state[MSG_DELIVERED], c->claimed);
    assert_int_equal(counts.by_state[MSG_DELIVERED] + counts.by_state[MSG_CANCELLED], MAILS);
    expect_whole_chain(p, SHOP, "one");
    queue_close(&p->q);
    assert_int_equal(c->gone, MAILS);
}

static void beside_submits_claims_and_cancels_every_job_comes_out_of_memory(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct crowd *c = calloc(1, sizeof *c);

    (void)state;
    c->p = p;
    play(c);
    assert_int_equal(c->warm, c->claimed);
    expect_all_ended(c);
    free(c);
}

static void beside_an_erasure_nothing_of_the_erased_goes_out(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct crowd *c = calloc(1, sizeof *c);

    (void)state;
    c->p = p;
    c->erases = true;
    play(c);
    assert_true(c->warm <= c->claimed);
    expect_all_ended(c);
    free(c);
}

/* ---- what waits for the disk with a submission ---- */

#define HEAVY ((size_t)100 << 20)
#define HEAVY_MOST 4 /* one that the committer has in hand, and what its line bounds */

static void note_answer(void *context, const struct receipt *r, const struct err *e_or_null)
{
    (void)r;
    (void)e_or_null;
    sem_post(context);
}

static void what_is_handed_over_counts_in_the_line(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct submission s[HEAVY_MOST];
    struct sqlite *db;
    atomic_int gone = 0;
    size_t n = 0;
    sem_t came;

    (void)state;
    sem_init(&came, 0, 0);
    FINE(sqlite_open(post_file(p, "queue.db"), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_exec(db, "BEGIN IMMEDIATE", &p->e));
    for (; n < COUNT_OF(s); n++) {
        s[n] = a_mail(p, "ada@example.com");
        s[n].handover = parcel_new(&gone, HEAVY);
        bool stands = queue_submit_async(p->q, &s[n], note_answer, &came, &p->e);
        handover_drop(&s[n].handover);
        if (!stands)
            break;
    }
    FINE(sqlite_exec(db, "ROLLBACK", &p->e));
    for (size_t i = 0; i < n; i++)
        sem_wait(&came);
    sem_destroy(&came);
    sqlite_close(&db);
    assert_true(n < COUNT_OF(s));
    assert_int_equal(p->e.code, ERR_BUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_erased_person_gets_nothing_out_of_memory),
        cmocka_unit_test(the_reply_of_a_mail_out_of_memory_is_kept_unless_its_person_was_erased),
        cmocka_unit_test(beside_submits_claims_and_cancels_every_job_comes_out_of_memory),
        cmocka_unit_test(beside_an_erasure_nothing_of_the_erased_goes_out),
        cmocka_unit_test(what_is_handed_over_counts_in_the_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
