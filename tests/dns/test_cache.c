/* The cache's bounds and order, and its lock under ThreadSanitizer. */
#include "dns/cache.h"
#include "tests/dns/world.h"

#include <pthread.h>

static struct dns_step text_step(const struct dns_record *record, uint32_t ttl_s)
{
    return (struct dns_step){
        .status = DNS_FOUND, .alias = "", .records = record, .n = 1, .ttl_s = ttl_s};
}

static void put_text(struct cache *c, const char *name, size_t bytes, int64_t now_ms)
{
    static const char text[4096] = "";
    struct dns_record r = {.data = {text, bytes}};
    struct dns_step s = text_step(&r, 100);
    cache_put(c, name, DNS_TXT, &s, now_ms);
}

static bool has(struct cache *c, struct arena *a, const char *name)
{
    struct dns_step s;
    return cache_get(c, name, DNS_TXT, 0, 0, a, &s);
}

static void memory_is_bounded_and_the_oldest_goes_first(void **state)
{
    struct arena *a = arena_open();
    struct cache *c = cache_open(64 * 1024);
    char name[32];
    (void)state;
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "n%d.test", i);
        put_text(c, name, 1000, 0);
        assert_true(cache_bytes(c) <= 64 * 1024);
        assert_true(has(c, a, "n0.test")); /* used again and again, so never the oldest */
    }
    assert_true(cache_bytes(c) > 60 * 1024);
    assert_false(has(c, a, "n1.test"));
    assert_true(has(c, a, "n499.test"));
    assert_true(has(c, a, "n460.test"));
    cache_close(&c);
    arena_close(&a);
}

static void what_is_larger_than_the_cache_is_not_kept(void **state)
{
    struct arena *a = arena_open();
    struct cache *c = cache_open(2000);
    (void)state;
    put_text(c, "small.test", 100, 0);
    put_text(c, "small.test", 4000, 0);
    assert_false(has(c, a, "small.test")); /* the older content would be wrong */
    put_text(c, "small.test", 100, 0);
    put_text(c, "large.test", 4000, 0);
    assert_true(has(c, a, "small.test"));
    cache_close(&c);
    assert_null(c);
    cache_close(&c);
    arena_close(&a);
}

static void types_and_names_are_kept_apart(void **state)
{
    static const struct dns_record one = {.data = {"one", 3}},
                                   two = {.data = {"two", 3}, .number = 7};
    struct arena *a = arena_open();
    struct cache *c = cache_open(1 << 16);
    struct dns_step s = text_step(&one, 10), out;
    (void)state;
    cache_put(c, "a.test", DNS_TXT, &s, 0);
    s = text_step(&two, 20);
    cache_put(c, "a.test", DNS_MX, &s, 0);
    assert_true(cache_get(c, "a.test", DNS_TXT, 0, 0, a, &out));
    assert_true(str_is(out.records[0].data, "one"));
    assert_true(cache_get(c, "a.test", DNS_MX, 0, 0, a, &out));
    assert_true(str_is(out.records[0].data, "two") && out.records[0].number == 7);
    assert_false(cache_get(c, "a.test", DNS_A, 0, 0, a, &out));
    assert_false(cache_get(c, "b.test", DNS_TXT, 0, 0, a, &out));
    cache_expire(c, "a.test", 5000);
    assert_false(cache_get(c, "a.test", DNS_TXT, 0, 5000, a, &out));
    assert_false(cache_get(c, "a.test", DNS_MX, 0, 5000, a, &out));
    assert_true(cache_get(c, "a.test", DNS_MX, 1000, 5999, a, &out));
    assert_true(out.stale && out.ttl_s == 0);
    assert_false(cache_get(c, "a.test", DNS_MX, 1000, 6000, a, &out));
    cache_close(&c);
    arena_close(&a);
}

#define THREADS 4
#define ROUNDS 3000

static void *hammer(void *cache)
{
    struct cache *c = cache;
    struct arena *a = arena_open();
    char name[32];
    uintptr_t wrong = 0; /* cmocka's asserts belong to the main thread */
    for (int i = 0; i < ROUNDS; i++) {
        struct dns_step s;
        snprintf(name, sizeof name, "n%d.test", i % 97);
        if (i % 3 == 0)
            put_text(c, name, 500 + (size_t)i % 97, 0);
        else if (i % 101 == 0)
            cache_expire(c, name, 0);
        else if (cache_get(c, name, DNS_TXT, 1000, 0, a, &s))
            wrong += s.records[0].data.n % 500 != (size_t)i % 97; /* another name's */
        arena_clear(a);
    }
    arena_close(&a);
    return (void *)wrong;
}

static void join_all(pthread_t threads[THREADS])
{
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
}

static void threads_see_whole_entries(void **state)
{
    struct cache *c =
        cache_open(32 * 1024); /* too small for all, so that entries are dropped too */
    pthread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, c), 0);
    join_all(threads);
    cache_close(&c);
}

#define ZONE(serial)                                                                               \
    "$ORIGIN s.example.\n@ 60 IN SOA ns host " #serial " 2 3 4 5\nx 60 IN A 192.0.2." #serial "\n"

static void *ask_much(void *world)
{
    struct world *w = world;
    struct arena *a = arena_open();
    uintptr_t wrong = 0;
    for (int i = 0; i < ROUNDS / 4; i++) {
        struct dns_answer answer;
        resolver_ask(w->resolver, i % 2 ? "x.s.example" : "y.s.example", DNS_A, a, &answer);
        wrong += answer.status != (i % 2 ? DNS_FOUND : DNS_NXDOMAIN);
        arena_clear(a);
    }
    arena_close(&a);
    return (void *)wrong;
}

static void a_zone_may_change_under_its_readers(void **state)
{
    struct world w;
    pthread_t threads[THREADS];
    (void)state;
    world_begin_on(&w, ZONE(1), "");
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_much, &w), 0);
    for (int i = 0; i < 50; i++)
        world_zone(&w, 0, i % 2 ? ZONE(1) : ZONE(2));
    join_all(threads);
    expect_text("last", world_ask(&w, "x.s.example", DNS_A), "found 192.0.2.1");
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_bounded_and_the_oldest_goes_first),
        cmocka_unit_test(what_is_larger_than_the_cache_is_not_kept),
        cmocka_unit_test(types_and_names_are_kept_apart),
        cmocka_unit_test(threads_see_whole_entries),
        cmocka_unit_test(a_zone_may_change_under_its_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
