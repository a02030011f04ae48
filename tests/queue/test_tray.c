/* The tray: what was handed over with a submission comes back with its job, once, to who claims it soon; and nothing that the
 * rows say otherwise comes out of memory. */
#include "queue/keyed.h"
#include "queue/sqlite.h"
#include "queue/tray.h"
#include "tests/queue/parcel.h"

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
    assert_int_equal(parcel_submit(p, &s, &gone, 100).result, SUBMIT_NEW);
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
    parcel_to(p, "ada@example.com", &gone);
    parcel_to(p, "bob@example.com", &gone);
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
    parcel_to(p, "ada@example.com", &gone);
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
        parcel_submit(p, &s, &gone, 100);
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
    assert_int_equal(parcel_submit(p, &s, &gone, 100).result, SUBMIT_NEW);
    assert_int_equal(gone, 0);
    assert_int_equal(parcel_submit(p, &s, &gone, 100).result, SUBMIT_REPEATED);
    assert_int_equal(gone, 1);
    hash_sha256(STR("another"), &s.request);
    assert_int_equal(parcel_submit(p, &s, &gone, 100).result, SUBMIT_CONFLICT);
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
        parcel_submit(p, &s, &gone, 100);
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
    id = parcel_to(p, "ada@example.com", &gone);
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
    parcel_to(p, "ada@example.com", &gone);
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
        id = parcel_to(p, "ada@example.com", &gone);
        run_sql(p, "queue.db", tampered[i].sql);
        claim_at(p, tampered[i].destination, 9, 0);
        if (show(p, id).state != MSG_HELD || gone != 1)
            fail_msg("%s: goes out", tampered[i].name);
        expect_state(p, id, MSG_HELD, "unreadable");
    }
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
        s[i].handover = parcel_new(gone, 100);
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
        cmocka_unit_test(what_a_later_one_of_its_batch_supersedes_is_not_kept),
        cmocka_unit_test(a_store_tells_of_what_leaves_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
