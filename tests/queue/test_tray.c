/* The tray: what was handed over with a submission comes back with its job, once, to who claims it soon; and nothing that the
 * rows say otherwise comes out of memory. */
#include "queue/keyed.h"
#include "queue/sqlite.h"
#include "queue/tray.h"
#include "queue/vault.h"
#include "tests/queue/post.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- a handover that tells when it goes ---- */

struct parcel {
    struct handover handover;
    atomic_int *gone;
};

static void close_parcel(struct handover *h)
{
    atomic_fetch_add(((struct parcel *)h)->gone, 1);
    free(h);
}

static struct handover *new_parcel(atomic_int *gone, size_t bytes)
{
    struct parcel *one = calloc(1, sizeof *one);

    one->handover = (struct handover){.bytes = bytes, .close = close_parcel};
    atomic_init(&one->handover.references, 1);
    one->gone = gone;
    return &one->handover;
}

/* ---- submits that wait for their answer, as queue_submit does, but may be kept ---- */

struct answer {
    sem_t came;
    struct receipt receipt;
    bool fine;
};

static void note_answer(void *context, const struct receipt *r, const struct err *e_or_null)
{
    struct answer *a = context;

    a->fine = e_or_null == NULL;
    a->receipt = *r;
    sem_post(&a->came);
}

static struct receipt submit(struct post *p, struct submission *s, atomic_int *gone, size_t bytes)
{
    struct answer a = {.fine = false};
    struct handover *h = new_parcel(gone, bytes);

    sem_init(&a.came, 0, 0);
    s->handover = h;
    FINE(queue_submit_async(p->q, s, note_answer, &a, &p->e));
    sem_wait(&a.came);
    sem_destroy(&a.came);
    assert_true(a.fine);
    handover_drop(&h); /* ours; the queue has its own */
    return a.receipt;
}

static const char *submit_to(struct post *p, const char *address, atomic_int *gone)
{
    struct submission s = a_mail(p, address);

    assert_int_equal(submit(p, &s, gone, 100).result, SUBMIT_NEW);
    return s.id;
}

/* Claimed jobs live as long as the arena; closing it gives them back. */
static struct job *claim_into(struct post *p, struct arena *a, size_t max, size_t expected)
{
    struct job *jobs;
    size_t n;

    FINE(queue_claim(p->q, SHOP, "example.com", max, HOUR, a, &jobs, &n, &p->e));
    assert_int_equal(n, expected);
    return jobs;
}

/* ---- what comes out ---- */

static struct submission rich_mail(struct post *p)
{
    static const struct attachment files[] = {
        {"Rechnung Größe.pdf", "application/pdf", {"%PDF\0\n1", 7}},
        {"", "text/plain", {"", 0}},
    };
    struct submission s = a_mail(p, "Ada.L@example.com");

    s.private_json = STR("{\"to_name\":\"Ada\",\"data\":{\"n\":1}}");
    s.attachments = files;
    s.attachments_n = COUNT_OF(files);
    s.stream = "news";
    s.locale = "de-AT";
    s.date_ms = T0 - 5;
    s.due_ms = T0 - 7;
    hash_sha256(STR("bundle"), &s.bundle);
    s.order = (struct order_event){
        .order = STR("1001"), .parcel = STR("P"), .event = "shipped", .seq = 3, .supersedes = ""};
    return s;
}

static void expect_same_job(const struct job *a, const struct job *b)
{
    assert_string_equal(a->storefront, b->storefront);
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->destination, b->destination);
    assert_string_equal(a->stream, b->stream);
    assert_string_equal(a->template_name, b->template_name);
    assert_string_equal(a->locale, b->locale);
    assert_string_equal(a->event, b->event);
    assert_int_equal(a->lease_until_ms, b->lease_until_ms);
    assert_int_equal(a->attempts, b->attempts);
    assert_int_equal(a->waits, b->waits);
    assert_int_equal(a->unsure, b->unsure);
    assert_int_equal(a->created_ms, b->created_ms);
    assert_int_equal(a->date_ms, b->date_ms);
    assert_int_equal(a->due_ms, b->due_ms);
    assert_int_equal(a->expires_ms, b->expires_ms);
    assert_true(digest_equal(&a->bundle, &b->bundle));
    assert_true(digest_equal(&a->person, &b->person));
    assert_int_equal(a->pepper_version, b->pepper_version);
    assert_true(str_eq(a->address, b->address));
    assert_true(str_eq(a->private_json, b->private_json));
    assert_int_equal(a->attachments_n, b->attachments_n);
    for (size_t i = 0; i < a->attachments_n; i++) {
        assert_string_equal(a->attachments[i].filename, b->attachments[i].filename);
        assert_string_equal(a->attachments[i].content_type, b->attachments[i].content_type);
        assert_true(str_eq(a->attachments[i].bytes, b->attachments[i].bytes));
    }
}

static void give_back(struct post *p, const struct job *j)
{
    struct settlement s = {.job = j, .to = MSG_QUEUED, .reason = "", .due_ms = j->due_ms};

    FINE(queue_settle(p->q, &s, &p->e));
}

static void a_job_out_of_memory_is_the_one_that_the_store_would_give(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct submission s;
    struct job *warm, *cold;
    atomic_int gone = 0;

    (void)state;
    /* The person's row is from before: it knows another spelling and an older pepper. */
    post_mail(p, "ada.l@example.com");
    settle_as(p, claim_one(p), MSG_DELIVERED, "");
    post_add_key(p, "pepper 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    s = rich_mail(p);
    assert_int_equal(submit(p, &s, &gone, 100).result, SUBMIT_NEW);
    warm = claim_one(p);
    assert_ptr_equal(warm->handover, s.handover);
    assert_int_equal(warm->pepper_version, 1);
    give_back(p, warm);
    cold = claim_one(p);
    assert_null(cold->handover);
    assert_true(cold->fence > warm->fence);
    expect_same_job(warm, cold);
    assert_string_equal(cold->event, "shipped");
    assert_int_equal(gone, 0); /* the arena holds the first job still */
}

static void what_was_claimed_goes_with_the_arena_of_its_job(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct arena *a = arena_open();
    atomic_int gone = 0;

    (void)state;
    submit_to(p, "ada@example.com", &gone);
    submit_to(p, "bob@example.com", &gone);
    assert_non_null(claim_into(p, a, 1, 1)->handover);
    assert_int_equal(gone, 0);
    arena_clear(a);
    assert_int_equal(gone, 1);
    claim_into(p, a, 1, 1);
    queue_close(&p->q); /* a lane that is late may close its jobs after the queue */
    assert_int_equal(gone, 1);
    arena_close(&a);
    assert_int_equal(gone, 2);
}

static void what_lies_in_memory_goes_with_the_queue(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    atomic_int gone = 0;

    (void)state;
    submit_to(p, "ada@example.com", &gone);
    assert_int_equal(gone, 0);
    post_reopen(p);
    assert_int_equal(gone, 1);
    assert_null(claim_one(p)->handover);
}

/* ---- what is not kept, or not for long ---- */

static void make_suppressed(struct submission *s)
{
    s->state = MSG_SUPPRESSED;
    s->reason = "manual";
}

static void make_later(struct submission *s)
{
    s->due_ms = T0 + HOUR;
}

static void make_large(struct submission *s)
{
    static char label[TRAY_ITEM_BYTES];
    static const struct attachment file = {"a", "text/plain", {label, sizeof label}};

    s->attachments = &file;
    s->attachments_n = 1;
}

static const struct {
    const char *name;
    void (*make)(struct submission *s);
} not_kept[] = {
    {"suppressed", make_suppressed},
    {"later", make_later},
    {"large", make_large},
};

static void what_will_not_be_claimed_soon_is_not_kept(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(not_kept); i++) {
        struct submission s = a_mail(p, "ada@example.com");
        atomic_int gone = 0;

        not_kept[i].make(&s);
        submit(p, &s, &gone, 100);
        if (gone != 1)
            fail_msg("%s: kept", not_kept[i].name);
    }
}

static void a_repeated_submit_keeps_nothing_more(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct submission s = a_mail(p, "ada@example.com");
    atomic_int gone = 0;

    (void)state;
    s.idempotency_key = STR("once");
    assert_int_equal(submit(p, &s, &gone, 100).result, SUBMIT_NEW);
    assert_int_equal(gone, 0);
    assert_int_equal(submit(p, &s, &gone, 100).result, SUBMIT_REPEATED);
    assert_int_equal(gone, 1);
    hash_sha256(STR("another"), &s.request);
    assert_int_equal(submit(p, &s, &gone, 100).result, SUBMIT_CONFLICT);
    assert_int_equal(gone, 2);
    assert_non_null(claim_one(p)->handover);
}

static void cancel(struct post *p, const char *id)
{
    enum change_result result;

    FINE(queue_cancel(p->q, SHOP, id, test_actor, &result, &p->e));
    assert_int_equal(result, CHANGE_DONE);
}

static void hold(struct post *p, const char *id)
{
    enum change_result result;

    FINE(queue_hold(p->q, SHOP, id, "operator", test_actor, &result, &p->e));
    assert_int_equal(result, CHANGE_DONE);
}

static void supersede(struct post *p, const char *id)
{
    struct submission s = a_mail(p, "ada@example.com");

    (void)id;
    s.order = (struct order_event){.order = STR("1"),
        .parcel = STR(""),
        .event = "shipped",
        .seq = 2,
        .supersedes = "delayed"};
    post_submit(p, &s);
}

static void expire_at_the_sweep(struct post *p, const char *id)
{
    (void)id;
    p->time.ms += 24 * HOUR;
    FINE(queue_sweep(p->q, &p->e));
}

static void expire_at_a_claim(struct post *p, const char *id)
{
    (void)id;
    p->time.ms += 24 * HOUR;
    claim_at(p, "example.com", 1, 0);
}

static void wait_for_long(struct post *p, const char *id)
{
    (void)id;
    p->time.ms += TRAY_KEPT_MS - 1;
    FINE(queue_sweep(p->q, &p->e));
    p->time.ms += 1;
    FINE(queue_sweep(p->q, &p->e));
}

static const struct {
    const char *name;
    void (*act)(struct post *p, const char *id);
} ends[] = {
    {"cancelled", cancel},
    {"held", hold},
    {"superseded", supersede},
    {"expired_at_the_sweep", expire_at_the_sweep},
    {"expired_at_a_claim", expire_at_a_claim},
    {"not_claimed_for_long", wait_for_long},
};

static void what_waits_no_more_goes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        struct submission s = a_mail(p, "ada@example.com");
        atomic_int gone = 0;

        s.order = (struct order_event){
            .order = STR("1"), .parcel = STR(""), .event = "delayed", .seq = 1, .supersedes = ""};
        submit(p, &s, &gone, 100);
        assert_int_equal(gone, 0);
        ends[i].act(p, s.id);
        if (gone != 1)
            fail_msg("%s: still there", ends[i].name);
    }
}

static void a_released_message_comes_from_the_store(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    enum change_result result;
    atomic_int gone = 0;
    const char *id;

    (void)state;
    id = submit_to(p, "ada@example.com", &gone);
    hold(p, id);
    FINE(queue_release(p->q, SHOP, id, test_actor, &result, &p->e));
    assert_null(claim_one(p)->handover);
}

static void a_retry_comes_from_the_store(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct job *j;
    atomic_int gone = 0;

    (void)state;
    submit_to(p, "ada@example.com", &gone);
    settle_as(p, claim_one(p), MSG_DEFERRED, "busy");
    p->time.ms += HOUR;
    j = claim_one(p);
    assert_int_equal(j->attempts, 1);
    assert_null(j->handover);
}

/* ---- what somebody did to the rows ---- */

static void run_sql(struct post *p, const char *file, const char *sql)
{
    struct sqlite *db;

    FINE(sqlite_open(post_file(p, file), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_exec(db, sql, &p->e));
    sqlite_close(&db);
}

static const struct {
    const char *name, *sql, *destination;
} tampered[] = {
    {"another_destination",
        "UPDATE place SET destination = 'evil.example' WHERE destination = 'example.com'",
        "evil.example"},
    {"another_person",
        "UPDATE message SET person = (SELECT n FROM person WHERE n <> message.person)",
        "example.com"},
};

static void a_row_that_was_changed_behind_us_is_held(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(tampered); i++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        atomic_int gone = 0;
        const char *id;

        post_mail(p, "bob@elsewhere.example");
        settle_as(p, claim_at(p, "elsewhere.example", 1, 1), MSG_DELIVERED, "");
        id = submit_to(p, "ada@example.com", &gone);
        run_sql(p, "queue.db", tampered[i].sql);
        claim_at(p, tampered[i].destination, 9, 0);
        if (show(p, id).state != MSG_HELD || gone != 1)
            fail_msg("%s: goes out", tampered[i].name);
        expect_state(p, id, MSG_HELD, "unreadable");
    }
}

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
    ada = submit_to(p, "ada@example.com", &gone);
    bob = submit_to(p, "bob@example.com", &gone);
    erase(p, "ada@example.com");
    jobs = claim_at(p, "example.com", 9, 1);
    assert_string_equal(jobs[0].id, bob);
    assert_null(jobs[0].handover); /* nobody looked for whom it concerned */
    assert_int_equal(gone, 2);
    expect_state(p, ada, MSG_CANCELLED, "erased");
    submit_to(p, "ada@example.com", &gone); /* a later order is a fresh person's */
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
        const char *id = submit_to(p, "ada@example.com", &gone);
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
            submit_to(p, "ada@example.com", &gone); /* her fresh key opens nothing of before */
        assert_int_equal(readable_replies(p, id), !erased);
        expect_whole_chain(p, SHOP, "one");
    }
}

static void a_copy_of_a_jobs_key_is_overwritten_when_its_arena_goes(void **state)
{
    static const struct seal_key nothing;
    const struct job_key key = {.key.id = "twelve bytes", .key.key.b = "secret", .erasures = 7};
    AUTO(arena_close) struct arena *a = arena_open();
    const struct job_key *copy = job_key_copy(&key, a);

    (void)state;
    assert_null(job_key_copy(NULL, a));
    assert_memory_equal(&copy->key, &key.key, sizeof key.key);
    assert_int_equal(copy->erasures, 7);
    arena_clear(a); /* which keeps the block for what comes next */
    assert_memory_equal(&copy->key.key, &nothing, sizeof nothing);
}

/* ---- what leaves in the commit that it came with ---- */

static void note_batch(void *context)
{
    sem_post(context);
}

/* All of them in one commit. */
static void submit_together(struct post *p, struct submission *s, size_t n, atomic_int *gone)
{
    struct submit_outcome *out = arena_array(p->a, n, sizeof *out);
    sem_t came;

    for (size_t i = 0; i < n; i++)
        s[i].handover = new_parcel(gone, 100);
    sem_init(&came, 0, 0);
    FINE(queue_submit_batch_async(p->q, s, n, out, note_batch, &came, &p->e));
    sem_wait(&came);
    sem_destroy(&came);
    for (size_t i = 0; i < n; i++)
        handover_drop(&s[i].handover);
}

static void what_a_later_one_of_its_batch_supersedes_is_not_kept(void **state)
{
    (void)state;
    for (int one_by_one = 0; one_by_one < 2; one_by_one++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        struct submission s[4];
        atomic_int gone = 0;

        for (size_t i = 0; i < COUNT_OF(s); i++)
            s[i] = a_mail(p, "ada@example.com");
        s[1].order = (struct order_event){
            .order = STR("1"), .parcel = STR(""), .event = "delayed", .seq = 1, .supersedes = ""};
        s[2].order = s[1].order;
        s[2].order.event = "shipped";
        s[2].order.seq = 2;
        s[2].order.supersedes = "delayed";
        if (one_by_one)
            s[3].id = s[0].id; /* spoils the transaction, so each gets one of its own */
        submit_together(p, s, COUNT_OF(s), &gone);
        expect_state(p, s[1].id, MSG_CANCELLED, "superseded");
        assert_int_equal(gone, 1 + one_by_one);
        claim_at(p, "example.com", 9, (size_t)(3 - one_by_one));
    }
}

static bool holds(void *context, struct err *e)
{
    (void)context;
    (void)e;
    return true;
}

static void count_left(void *context, const char *storefront, const char *id)
{
    (void)storefront;
    (void)id;
    (*(size_t *)context)++;
}

static const struct {
    const char *name;
    enum store_change_kind kind;
} changes[] = {
    {"cancelled", CHANGE_CANCEL},
    {"held", CHANGE_HOLD},
};

/* Its submit is told when both are one commit, and whoever watches when they are two. */
static void a_store_tells_of_what_leaves_at_once(void **state)
{
    const struct store_condition always = {holds, NULL};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(changes) * 2; i++) {
        AUTO(post_close) struct post *p = post_open(&backend_sqlite);
        const char *name = changes[i / 2].name;
        bool together = i % 2 == 0, wrote;
        struct submission s = a_mail(p, "ada@example.com");
        struct receipt receipt;
        enum change_result result;
        size_t left = 0;
        struct store_op in = {.kind = STORE_SUBMIT,
            .submit = {.s = &s, .person.address = STR("sealed"), .out = &receipt}};
        struct store_op change = {.kind = STORE_CHANGE,
            .change = {.kind = changes[i / 2].kind,
                .storefront = SHOP,
                .id = s.id,
                .code = "",
                .actor = "tester",
                .out = &result}};
        struct store_op *ops[] = {&in, &change};
        struct store *store;

        keyed_person(p->keys, SHOP, s.address, &in.submit.person.who);
        queue_close(&p->q);
        FINE(store_sqlite_open(post_file(p, "queue.db"), "one", &store, &p->e));
        store->verbs->watch(store, count_left, &left);
        FINE(store->verbs->apply(store, ops, together ? 2 : 1, T0, &always, &wrote, &p->e));
        if (!together)
            FINE(store->verbs->apply(store, &ops[1], 1, T0, &always, &wrote, &p->e));
        store->verbs->close(&store);
        if (!in.ok || !change.ok || result != CHANGE_DONE)
            fail_msg("%s: %s", name, in.ok ? change.e.text : in.e.text);
        if (in.submit.placed.left != together || left != !together)
            fail_msg("%s, together %d: the wrong one is told", name, together);
    }
}

/* ---- the tray alone ---- */

static struct store_lease lease_of(const struct submission *s)
{
    return (struct store_lease){.id = s->id, .fence = 1, .person_mark = 7};
}

static bool put(struct tray *t, const struct submission *s)
{
    struct tray_item *i = tray_item_new(t, s, T0);

    if (!i)
        return false;
    tray_put(t, &i, &(struct store_placed){.person_mark = 7});
    return true;
}

static bool take(struct tray *t, const struct submission *s)
{
    struct store_lease l = lease_of(s);
    struct tray_item *i = tray_take(t, SHOP, s->destination, &l);
    bool found = i != NULL;

    tray_item_close(&i);
    return found;
}

static void who_was_erased_while_a_submit_was_under_way_is_not_kept(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct submission s = a_mail(p, "ada@example.com");
    struct tray *t = tray_open(4, NULL);
    struct tray_item *i;
    atomic_int gone = 0;

    (void)state;
    tray_mind_erasures(t, 4);
    s.handover = new_parcel(&gone, 100);
    i = tray_item_new(t, &s, T0); /* its key is asked for behind this, perhaps before the erasure */
    tray_mind_erasures(t, 5);     /* another claim's look */
    tray_put(t, &i, &(struct store_placed){.person_mark = 7});
    assert_false(take(t, &s));
    tray_mind_erasures(t, 4); /* a look that came late takes nothing back */
    assert_true(put(t, &s));
    tray_mind_erasures(t, 5);
    assert_true(take(t, &s));
    handover_drop(&s.handover);
    tray_close(&t);
    assert_int_equal(gone, 1);
}

static size_t held_bytes(struct metrics *m)
{
    AUTO(buf_close) struct buf text = {0};
    size_t n = 0;
    const char *at;

    metrics_print(m, &text);
    at = strstr(buf_text(&text), "\nparcelpost_queue_memory_bytes ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, " %*s %zu", &n), 1);
    return n;
}

static void a_full_tray_keeps_what_is_older(void **state)
{
    enum { PIECE = 512 << 10, FIT = (int)(TRAY_LEAST_BYTES / PIECE) - 1 };
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct metrics *m = metrics_open();
    struct tray *t = tray_open(100000, m);
    struct submission s[FIT + 8];
    atomic_int gone = 0;
    size_t kept = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(s); i++) {
        s[i] = a_mail(p, "ada@example.com");
        s[i].handover = new_parcel(&gone, PIECE);
        kept += put(t, &s[i]);
    }
    assert_true(kept == FIT);
    assert_false(tray_has_room(t));
    assert_true(held_bytes(m) > FIT * PIECE && held_bytes(m) <= TRAY_LEAST_BYTES);
    assert_false(take(t, &s[FIT])); /* what came later was turned away */
    assert_true(take(t, &s[0]));
    assert_true(put(t, &s[FIT])); /* room again */
    p->time.ms += TRAY_KEPT_MS;
    tray_sweep(t, T0 + TRAY_KEPT_MS);
    assert_int_equal(held_bytes(m), 0);
    assert_true(tray_has_room(t));
    for (size_t i = 0; i < COUNT_OF(s); i++)
        handover_drop(&s[i].handover);
    assert_int_equal(gone, COUNT_OF(s));
    tray_close(&t);
    metrics_close(&m);
}

static void what_is_too_old_gives_way_when_room_is_wanted(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct tray *t = tray_open(100000, NULL);
    atomic_int gone = 0;
    struct submission s = a_mail(p, "ada@example.com");
    size_t n = 0;

    (void)state;
    for (;; n++) {
        s = a_mail(p, "ada@example.com");
        s.handover = new_parcel(&gone, 1000 << 10);
        bool kept = put(t, &s);
        if (!kept)
            break;
        handover_drop(&s.handover);
    }
    assert_int_equal(gone, 0);
    struct tray_item *i = tray_item_new(t, &s, T0 + TRAY_KEPT_MS);
    assert_null(i); /* they go, outside of the lock; the next one finds the room */
    assert_int_equal(gone, n);
    i = tray_item_new(t, &s, T0 + TRAY_KEPT_MS);
    assert_non_null(i);
    tray_item_close(&i);
    handover_drop(&s.handover);
    tray_close(&t);
}

static const struct {
    const char *name;
    struct store_lease lease;
} other_rows[] = {
    {"another_person", {.person_mark = 8}},
    {"tried_before", {.person_mark = 7, .attempts = 1}},
    {"waited_before", {.person_mark = 7, .waits = 1}},
    {"unsure", {.person_mark = 7, .unsure = true}},
};

static void an_item_goes_with_its_own_row_alone(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct tray *t = tray_open(4, NULL);
    atomic_int gone = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(other_rows); i++) {
        struct submission s = a_mail(p, "ada@example.com");
        struct store_lease l = other_rows[i].lease;

        l.id = s.id;
        s.handover = new_parcel(&gone, 100);
        assert_true(put(t, &s));
        if (tray_take(t, SHOP, "example.com", &l) || take(t, &s))
            fail_msg("%s: taken", other_rows[i].name);
        assert_true(put(t, &s));
        assert_null(tray_take(
            t, OTHER_SHOP, "example.com", &(struct store_lease){.id = s.id, .person_mark = 7}));
        assert_true(take(t, &s));
        handover_drop(&s.handover);
    }
    tray_close(&t);
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
        struct answer a = {.fine = false};
        struct handover *h = new_parcel(&c->gone, 100);
        struct err e;

        sem_init(&a.came, 0, 0);
        c->mails[i].handover = h;
        bool posted = queue_submit_async(c->p->q, &c->mails[i], note_answer, &a, &e);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_out_of_memory_is_the_one_that_the_store_would_give),
        cmocka_unit_test(what_was_claimed_goes_with_the_arena_of_its_job),
        cmocka_unit_test(what_lies_in_memory_goes_with_the_queue),
        cmocka_unit_test(what_will_not_be_claimed_soon_is_not_kept),
        cmocka_unit_test(a_repeated_submit_keeps_nothing_more),
        cmocka_unit_test(what_waits_no_more_goes),
        cmocka_unit_test(a_released_message_comes_from_the_store),
        cmocka_unit_test(a_retry_comes_from_the_store),
        cmocka_unit_test(a_row_that_was_changed_behind_us_is_held),
        cmocka_unit_test(an_erased_person_gets_nothing_out_of_memory),
        cmocka_unit_test(the_reply_of_a_mail_out_of_memory_is_kept_unless_its_person_was_erased),
        cmocka_unit_test(a_copy_of_a_jobs_key_is_overwritten_when_its_arena_goes),
        cmocka_unit_test(what_a_later_one_of_its_batch_supersedes_is_not_kept),
        cmocka_unit_test(a_store_tells_of_what_leaves_at_once),
        cmocka_unit_test(who_was_erased_while_a_submit_was_under_way_is_not_kept),
        cmocka_unit_test(a_full_tray_keeps_what_is_older),
        cmocka_unit_test(what_is_too_old_gives_way_when_room_is_wanted),
        cmocka_unit_test(an_item_goes_with_its_own_row_alone),
        cmocka_unit_test(beside_submits_claims_and_cancels_every_job_comes_out_of_memory),
        cmocka_unit_test(beside_an_erasure_nothing_of_the_erased_goes_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
