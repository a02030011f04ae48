/* Audits on behalf of threads that must not wait. The one page that an audit fetches here is held back until a test
 * lets it go, so that an audit is under way for exactly as long as a test wants. */
#include "mailer/gate/surveyor.h"
#include "tests/dns/world.h"

#include <pthread.h>
#include <unistd.h>

#define ZONE(name)                                                                                 \
    "$ORIGIN " name ".\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n@ IN MX 10 mx\nmx IN A 192.0.2.1\n" \
    "_mta-sts IN TXT \"v=STSv1; id=1\"\nmta-sts IN A 192.0.2.1\n"

static struct conf_storefront storefronts[] = {
    {.name = "acme", .from = "a@shop.example", .return_path_domain = "", .smart_host = ""},
    {.name = "bold", .from = "b@two.example", .return_path_domain = "", .smart_host = ""},
    {.name = "crow", .from = "c@shop.example", .return_path_domain = "", .smart_host = ""},
};
static const struct conf settings = {.hostname = "mx.shop.example",
    .public_url = "https://mail.shop.example",
    .storefronts = storefronts,
    .storefronts_n = COUNT_OF(storefronts)};

struct gatekeeper { /* of pages */
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool open;
    int came;
};

static void get(void *state, const char *url, const struct web_limits *limits, struct arena *a,
    struct fetch_answer *out)
{
    struct gatekeeper *g = state;
    (void)url, (void)limits, (void)a;
    pthread_mutex_lock(&g->lock);
    g->came++;
    pthread_cond_broadcast(&g->change);
    while (!g->open)
        pthread_cond_wait(&g->change, &g->lock);
    pthread_mutex_unlock(&g->lock);
    *out = (struct fetch_answer){0};
}

static void wait_for_page(struct gatekeeper *g, int n)
{
    pthread_mutex_lock(&g->lock);
    while (g->came < n)
        pthread_cond_wait(&g->change, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static int pages_of(struct gatekeeper *g)
{
    pthread_mutex_lock(&g->lock);
    int came = g->came;
    pthread_mutex_unlock(&g->lock);
    return came;
}

static void open_gate(struct gatekeeper *g)
{
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->change);
    pthread_mutex_unlock(&g->lock);
}

static void add_rotation(
    const struct conf *conf, const char *storefront, struct arena *a, struct audit_setup *out)
{
    struct audit_rotation *one = ARENA_NEW(a, struct audit_rotation);
    (void)conf;
    *one = (struct audit_rotation){.domain = out->domain,
        .old_selector = "pp1",
        .new_selector = arena_printf(a, "new-of-%s", storefront),
        .old_record = "v=DKIM1; k=rsa; p=AAAA",
        .new_record = "v=DKIM1; k=rsa; p=BBBB",
        .step = AUDIT_ROTATION_PENDING};
    out->rotations = one;
    out->rotations_n = 1;
}

struct house {
    struct world world;
    struct gatekeeper pages;
    struct web web;
    struct surveyor *surveyor;
};

static void house_begin_with(struct house *h, unsigned workers, size_t queue, int64_t wait_ms)
{
    struct err e;
    *h = (struct house){0};
    world_begin(&h->world);
    world_zone(&h->world, 0, ZONE("shop.example"));
    world_zone(&h->world, 1, ZONE("two.example"));
    world_resolver(&h->world, NULL, 1000);
    pthread_mutex_init(&h->pages.lock, NULL);
    pthread_cond_init(&h->pages.change, NULL);
    h->web = (struct web){get, &h->pages};
    const struct surveyor_setup setup = {.resolver = h->world.resolver,
        .web = &h->web,
        .clock = &h->world.clock,
        .metrics = h->world.metrics,
        .rotations = add_rotation,
        .workers = workers,
        .queue = queue,
        .wait_ms = wait_ms,
        .fresh_ms = 1000};
    assert_true(surveyor_open(&setup, &h->surveyor, &e));
}

static void house_begin(struct house *h, size_t queue)
{
    house_begin_with(h, 1, queue, 0);
}

static void house_end(struct house *h)
{
    open_gate(&h->pages);
    surveyor_close(&h->surveyor);
    pthread_cond_destroy(&h->pages.change);
    pthread_mutex_destroy(&h->pages.lock);
    world_end(&h->world);
}

struct asked {
    pthread_mutex_t lock;
    pthread_cond_t change;
    int times;
    enum surveyor_answer answer;
    char text[256];      /* the beginning of the report */
    bool whole, rotates; /* rotates: has the one of acme */
};

#define ASKED                                                                                      \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER                      \
    }

static void done(void *context, enum surveyor_answer answer, struct str json)
{
    struct asked *a = context;
    pthread_mutex_lock(&a->lock);
    a->times++;
    a->answer = answer;
    a->whole = str_ends(json, STR("}\n")) && str_find(json, STR("\"checked_at\":"), 0) < json.n;
    a->rotates = str_find(json, STR("new-of-acme._domainkey"), 0) < json.n;
    str_copy(str_slice(json, 0, sizeof a->text - 1), a->text, sizeof a->text);
    pthread_cond_broadcast(&a->change);
    pthread_mutex_unlock(&a->lock);
}

static void ask(struct house *h, const char *storefront, const char *domain, struct asked *a)
{
    static const struct survey_keys none; /* there are no dkim sections to ask for */
    const struct surveyor_question q = {storefront, domain, &settings, &none};
    surveyor_ask(h->surveyor, &q, done, a);
}

static enum surveyor_answer answer_of(struct asked *a)
{
    pthread_mutex_lock(&a->lock);
    while (a->times == 0)
        pthread_cond_wait(&a->change, &a->lock);
    enum surveyor_answer answer = a->answer;
    assert_int_equal(a->times, 1);
    pthread_mutex_unlock(&a->lock);
    return answer;
}

static int times_of(struct asked *a)
{
    pthread_mutex_lock(&a->lock);
    int times = a->times;
    pthread_mutex_unlock(&a->lock);
    return times;
}

static void questions_for_one_domain_share_a_run(void **state)
{
    struct house h;
    struct asked first = ASKED, second = ASKED;
    (void)state;
    house_begin(&h, 4);
    ask(&h, "acme", "shop.example", &first);
    wait_for_page(&h.pages, 1);
    ask(&h, "acme", "shop.example", &second);
    assert_int_equal(times_of(&first) + times_of(&second), 0);
    open_gate(&h.pages);
    assert_int_equal(answer_of(&first), SURVEYOR_REPORT);
    assert_int_equal(answer_of(&second), SURVEYOR_REPORT);
    assert_true(first.rotates);
    assert_true(first.whole && second.whole);
    assert_string_equal(first.text, second.text);
    assert_true(strstr(first.text, "\"domain\":\"shop.example\""));
    assert_int_equal(h.pages.came, 1);
    house_end(&h);
}

static void a_report_is_kept_until_it_is_too_old(void **state)
{
    static const struct {
        const char *name;
        int64_t pass_ms;
        const char *storefront;
        int pages;
    } table[] = {
        {"the first", 0, "acme", 1},
        {"at once again", 0, "acme", 1},
        {"just before its end", 999, "acme", 1},
        {"another storefront's is not shown", 0, "crow", 2},
        {"at its end", 1, "acme", 3},
    };
    struct house h;
    (void)state;
    house_begin(&h, 4);
    open_gate(&h.pages);
    EACH(t, table)
    {
        struct asked a = ASKED;
        world_pass_ms(&h.world, t->pass_ms);
        ask(&h, t->storefront, "shop.example", &a);
        expect_number(t->name, answer_of(&a), SURVEYOR_REPORT);
        expect_number(t->name, h.pages.came, t->pages);
    }
    house_end(&h);
}

static void more_than_the_queue_holds_is_refused(void **state)
{
    struct house h;
    struct asked running = ASKED, waiting = ASKED, same = ASKED, refused = ASKED;
    (void)state;
    house_begin(&h, 1);
    ask(&h, "acme", "shop.example", &running);
    wait_for_page(&h.pages, 1);
    ask(&h, "bold", "two.example", &waiting);
    ask(&h, "bold", "two.example", &same);
    ask(&h, "crow", "shop.example", &refused);
    assert_int_equal(answer_of(&refused), SURVEYOR_BUSY);
    open_gate(&h.pages);
    assert_int_equal(answer_of(&running), SURVEYOR_REPORT);
    assert_int_equal(answer_of(&waiting), SURVEYOR_REPORT);
    assert_int_equal(answer_of(&same), SURVEYOR_REPORT);
    house_end(&h);
}

/* A storefront whose DNS is slow keeps one worker, and the others their turn. */
static void a_storefront_has_one_audit_at_a_time(void **state)
{
    struct house h;
    struct asked first = ASKED, second = ASKED, other = ASKED;
    (void)state;
    house_begin_with(&h, 2, 4, 0);
    ask(&h, "acme", "shop.example", &first);
    wait_for_page(&h.pages, 1);
    ask(&h, "acme", "two.example", &second);
    ask(&h, "bold", "two.example", &other);
    wait_for_page(&h.pages, 2);
    usleep(20000); /* in which a third would come */
    assert_int_equal(pages_of(&h.pages), 2);
    open_gate(&h.pages);
    assert_int_equal(answer_of(&first), SURVEYOR_REPORT);
    assert_int_equal(answer_of(&second), SURVEYOR_REPORT);
    assert_int_equal(answer_of(&other), SURVEYOR_REPORT);
    house_end(&h);
}

/* The second worker is free, and the storefront's first audit is still under way. */
static void whoever_waits_too_long_is_told(void **state)
{
    struct house h;
    struct asked running = ASKED, waiting = ASKED, again = ASKED;
    (void)state;
    house_begin_with(&h, 2, 1, 10);
    ask(&h, "acme", "shop.example", &running);
    wait_for_page(&h.pages, 1);
    ask(&h, "acme", "two.example", &waiting);
    assert_int_equal(answer_of(&waiting), SURVEYOR_BUSY);
    assert_int_equal(times_of(&running), 0);
    ask(&h, "acme", "two.example", &again); /* its place in the queue is free again */
    assert_int_equal(answer_of(&again), SURVEYOR_BUSY);
    open_gate(&h.pages);
    assert_int_equal(answer_of(&running), SURVEYOR_REPORT);
    house_end(&h);
}

/* And while the audit is still under way. */
static void whoever_waits_is_told_when_it_stops(void **state)
{
    struct house h;
    struct asked running = ASKED, waiting = ASKED, late = ASKED;
    (void)state;
    house_begin(&h, 4);
    ask(&h, "acme", "shop.example", &running);
    wait_for_page(&h.pages, 1);
    ask(&h, "bold", "two.example", &waiting);
    surveyor_stop(h.surveyor);
    assert_int_equal(answer_of(&running), SURVEYOR_STOPPED);
    assert_int_equal(answer_of(&waiting), SURVEYOR_STOPPED);
    ask(&h, "bold", "two.example", &late);
    assert_int_equal(answer_of(&late), SURVEYOR_STOPPED);
    house_end(&h);
    assert_int_equal(running.times + waiting.times + late.times, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_for_one_domain_share_a_run),
        cmocka_unit_test(a_report_is_kept_until_it_is_too_old),
        cmocka_unit_test(more_than_the_queue_holds_is_refused),
        cmocka_unit_test(a_storefront_has_one_audit_at_a_time),
        cmocka_unit_test(whoever_waits_too_long_is_told),
        cmocka_unit_test(whoever_waits_is_told_when_it_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
