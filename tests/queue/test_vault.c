/* The vault: a key for each person, seals that know their place, erasure. */
#include "queue/sqlite.h"
#include "queue/vault.h"
#include "tests/queue/post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct box {
    struct post *post; /* lends folder, clock and keyring; its own queue is closed */
    struct vault *v;
};

static void box_close(struct box *b)
{
    vault_close(&b->v);
    post_close(&b->post);
}

static void box_open(struct box *b)
{
    struct post *p = b->post = post_open(&backend_sqlite);

    queue_close(&p->q);
    FINE(vault_open(post_file(p, "v.db"), p->keys, &p->clock, &b->v, &p->e));
}

static void box_reopen(struct box *b)
{
    struct post *p = b->post;

    vault_close(&b->v);
    FINE(vault_open(post_file(p, "v.db"), p->keys, &p->clock, &b->v, &p->e));
}

static struct vault_key key_for(struct box *b, const char *who, bool make, bool expected)
{
    struct post *p = b->post;
    struct vault_key k = {0};
    struct keyed hash;
    bool found;

    keyed_hash(p->keys, "person", SHOP, str_of(who), &hash);
    FINE(vault_key_of(b->v, SHOP, &hash, make, &k, &found, &p->e));
    assert_int_equal(found, expected);
    return k;
}

static uint64_t erase(struct box *b, struct vault *v, const char *who)
{
    struct post *p = b->post;
    struct keyed hash;
    uint64_t n;

    keyed_hash(p->keys, "person", SHOP, str_of(who), &hash);
    FINE(vault_erase(v, SHOP, &hash, &n, &p->e));
    return n;
}

static bool same(const struct vault_key *a, const struct vault_key *b)
{
    return memcmp(a->id, b->id, VAULT_ID) == 0 && memcmp(a->key.b, b->key.b, sizeof a->key.b) == 0;
}

static void a_person_keeps_one_key(void **state)
{
    AUTO(box_close) struct box b;
    struct vault_key ada, bob, again;

    (void)state;
    box_open(&b);
    key_for(&b, "ada", false, false);
    ada = key_for(&b, "ada", true, true);
    bob = key_for(&b, "bob", true, true);
    assert_false(same(&ada, &bob));
    again = key_for(&b, "ada", true, true);
    assert_true(same(&ada, &again)); /* in memory */
    assert_true(vault_flush(b.v, &b.post->e));
    again = key_for(&b, "ada", true, true);
    assert_true(same(&ada, &again)); /* from the file */
    again = key_for(&b, "ada", true, true);
    assert_true(same(&ada, &again)); /* from the cache */
    box_reopen(&b);
    again = key_for(&b, "ada", true, true);
    assert_true(same(&ada, &again));
}

static void a_key_that_was_not_flushed_is_not_there_after_a_restart(void **state)
{
    AUTO(box_close) struct box b;

    (void)state;
    box_open(&b);
    key_for(&b, "ada", true, true);
    box_reopen(&b);
    key_for(&b, "ada", false, false);
}

enum expected { OPENS, ERASED, CORRUPT };

static void expect_unseal(
    struct box *b, const char *shop, struct str binding, struct str sealed, enum expected want)
{
    struct post *p = b->post;
    AUTO(buf_close) struct buf out = {0};
    bool erased, opened = vault_unseal(b->v, shop, binding, sealed, &out, &erased, &p->e);

    if (want == CORRUPT) {
        refused(opened, &p->e, ERR_CORRUPT);
        return;
    }
    FINE(opened);
    assert_int_equal(erased, want == ERASED);
    assert_true(str_is(buf_str(&out), want == ERASED ? "" : "secret"));
}

static void a_seal_opens_in_its_place_only(void **state)
{
    AUTO(box_close) struct box b;
    AUTO(buf_close) struct buf s = {0}, bad = {0};
    struct vault_key ada;

    (void)state;
    box_open(&b);
    ada = key_for(&b, "ada", true, true);
    assert_true(vault_flush(b.v, &b.post->e));
    vault_seal(&ada, STR("here"), STR("secret"), &s);
    expect_unseal(&b, SHOP, STR("here"), buf_str(&s), OPENS);
    expect_unseal(&b, SHOP, STR("there"), buf_str(&s), CORRUPT);
    expect_unseal(&b, OTHER_SHOP, STR("here"), buf_str(&s), CORRUPT);
    for (size_t i = 0; i < s.n; i++) {
        buf_clear(&bad);
        buf_add(&bad, buf_str(&s));
        bad.p[i] = (char)(bad.p[i] ^ 1);
        expect_unseal(&b, SHOP, STR("here"), buf_str(&bad), CORRUPT);
    }
    for (size_t n = 0; n < s.n; n++)
        expect_unseal(&b, SHOP, STR("here"), str_slice(buf_str(&s), 0, n), CORRUPT);
}

static void an_erased_key_is_known_as_erased_and_a_fresh_one_is_made(void **state)
{
    AUTO(box_close) struct box b;
    AUTO(buf_close) struct buf s = {0}, t = {0};
    struct vault_key ada, fresh;

    (void)state;
    box_open(&b);
    ada = key_for(&b, "ada", true, true);
    assert_true(vault_flush(b.v, &b.post->e));
    vault_seal(&ada, STR("here"), STR("secret"), &s);
    expect_unseal(&b, SHOP, STR("here"), buf_str(&s), OPENS);
    assert_int_equal(erase(&b, b.v, "ada"), 1);
    assert_int_equal(erase(&b, b.v, "ada"), 0);
    expect_unseal(&b, SHOP, STR("here"), buf_str(&s), ERASED);
    fresh = key_for(&b, "ada", true, true);
    assert_false(same(&ada, &fresh));
    assert_true(vault_flush(b.v, &b.post->e));
    vault_seal(&fresh, STR("here"), STR("secret"), &t);
    expect_unseal(&b, SHOP, STR("here"), buf_str(&t), OPENS);
    expect_unseal(&b, SHOP, STR("here"), buf_str(&s), ERASED);
}

static void an_erasure_by_another_process_counts_at_once(void **state)
{
    AUTO(box_close) struct box b;
    AUTO(buf_close) struct buf s = {0};
    struct vault *other;
    struct vault_key ada;
    struct post *p;

    (void)state;
    box_open(&b);
    p = b.post;
    ada = key_for(&b, "ada", true, true);
    FINE(vault_flush(b.v, &p->e));
    vault_seal(&ada, STR("here"), STR("secret"), &s);
    expect_unseal(&b, SHOP, STR("here"), buf_str(&s), OPENS);
    FINE(vault_open(post_file(p, "v.db"), p->keys, &p->clock, &other, &p->e));
    assert_int_equal(erase(&b, other, "ada"), 1);
    vault_close(&other);
    expect_unseal(&b, SHOP, STR("here"), buf_str(&s), ERASED);
    key_for(&b, "ada", false, false);
}

/* The bytes of the first wrapped key, as another program reads them. */
static struct str wrapped_key(struct post *p)
{
    struct sqlite *db;
    struct str wrapped;
    struct sql *q;

    FINE(sqlite_open(post_file(p, "v.db"), SQLITE_FOR_READING, &db, &p->e));
    q = sqlite_sql(db, "SELECT wrapped FROM person_key");
    assert_true(sql_row(q));
    wrapped = sql_get_copy(q, 0, p->a);
    FINE(sql_done(q, &p->e));
    sqlite_close(&db);
    return wrapped;
}

static void an_erased_key_leaves_no_bytes_behind(void **state)
{
    AUTO(box_close) struct box b;
    struct str wrapped;

    (void)state;
    box_open(&b);
    key_for(&b, "ada", true, true);
    for (int i = 0; i < 20; i++) /* so that the page goes on being one, with a hole in it */
        key_for(&b, arena_printf(b.post->a, "p%d", i), true, true);
    assert_true(vault_flush(b.v, &b.post->e));
    wrapped = wrapped_key(b.post);
    assert_int_equal(wrapped.n, SEAL_OVERHEAD + 32);
    assert_true(bytes_in_any_file(b.post, wrapped));
    assert_int_equal(erase(&b, b.v, "ada"), 1);
    assert_false(bytes_in_any_file(b.post, wrapped));
}

/* keys.db as the first version left it: without the count of erasures. */
static void a_file_of_the_first_version_is_brought_up(void **state)
{
    AUTO(box_close) struct box b;
    struct vault_key ada, again;
    struct sqlite *db;
    struct post *p;

    (void)state;
    box_open(&b);
    p = b.post;
    ada = key_for(&b, "ada", true, true);
    FINE(vault_flush(b.v, &p->e));
    vault_close(&b.v);
    FINE(sqlite_open(post_file(p, "v.db"), SQLITE_FOR_WRITING, &db, &p->e));
    FINE(sqlite_exec(
        db, "DROP TABLE erasure; DROP TABLE keyring_mark; PRAGMA user_version=1", &p->e));
    sqlite_close(&db);
    box_reopen(&b);
    again = key_for(&b, "ada", true, true);
    assert_true(same(&ada, &again));
    assert_int_equal(erase(&b, b.v, "ada"), 1);
    key_for(&b, "ada", false, false);
}

static void keys_wrapped_with_an_older_master_key_still_open(void **state)
{
    AUTO(box_close) struct box b;
    struct vault_key ada, again;
    struct post *p;

    (void)state;
    box_open(&b);
    p = b.post;
    ada = key_for(&b, "ada", true, true);
    FINE(vault_flush(b.v, &p->e));
    vault_close(&b.v);
    post_add_key(p, "master 2 ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100");
    queue_close(&p->q);
    box_reopen(&b);
    again = key_for(&b, "ada", true, true);
    assert_true(same(&ada, &again));
}

/* A pepper that is not the one of before would find nobody who is suppressed. */
static void another_keyring_is_refused_at_opening(void **state)
{
    AUTO(box_close) struct box b;
    AUTO(keyring_close) struct keyring *foreign = NULL;
    struct vault *v = NULL;
    struct post *p;

    (void)state;
    box_open(&b);
    p = b.post;
    vault_close(&b.v);
    FINE(keyring_create(post_file(p, "foreign"), &p->e));
    FINE(keyring_open(post_file(p, "foreign"), &foreign, &p->e));
    refused(vault_open(post_file(p, "v.db"), foreign, &p->clock, &v, &p->e), &p->e, ERR_CORRUPT);
    assert_non_null(strstr(p->e.text, "pepper 1 is another key"));
    box_reopen(&b);
}

static void a_keyring_that_lost_a_version_is_refused_at_opening(void **state)
{
    AUTO(box_close) struct box b;
    AUTO(keyring_close) struct keyring *older = NULL;
    struct vault *v = NULL;
    char path[128];
    struct post *p;

    (void)state;
    box_open(&b);
    p = b.post;
    vault_close(&b.v);
    snprintf(path, sizeof path, "%s/keyring", p->dir);
    FINE(keyring_open(path, &older, &p->e));
    post_add_key(p, "pepper 2 ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100");
    queue_close(&p->q);
    box_reopen(&b);
    vault_close(&b.v);
    refused(vault_open(post_file(p, "v.db"), older, &p->clock, &v, &p->e), &p->e, ERR_CORRUPT);
    assert_non_null(strstr(p->e.text, "pepper 2 is missing"));
    box_reopen(&b);
}

static void more_persons_than_the_cache_holds_are_all_found(void **state)
{
    enum { MANY = 6000 };
    AUTO(box_close) struct box b;
    struct vault_key *keys = calloc(MANY, sizeof *keys), again;
    char name[20];

    (void)state;
    box_open(&b);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < MANY; i++) {
            snprintf(name, sizeof name, "p%d", i);
            again = key_for(&b, name, round == 0, true);
            if (round == 0)
                keys[i] = again;
            else
                assert_true(same(&keys[i], &again));
            if (round == 0 && i == MANY - 1)
                assert_true(vault_flush(b.v, &b.post->e));
        }
    free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_keeps_one_key),
        cmocka_unit_test(a_key_that_was_not_flushed_is_not_there_after_a_restart),
        cmocka_unit_test(a_seal_opens_in_its_place_only),
        cmocka_unit_test(an_erased_key_is_known_as_erased_and_a_fresh_one_is_made),
        cmocka_unit_test(an_erasure_by_another_process_counts_at_once),
        cmocka_unit_test(an_erased_key_leaves_no_bytes_behind),
        cmocka_unit_test(a_file_of_the_first_version_is_brought_up),
        cmocka_unit_test(keys_wrapped_with_an_older_master_key_still_open),
        cmocka_unit_test(another_keyring_is_refused_at_opening),
        cmocka_unit_test(a_keyring_that_lost_a_version_is_refused_at_opening),
        cmocka_unit_test(more_persons_than_the_cache_holds_are_all_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
