/* People: suppressions, and the API keys of those who ask. */
#include "queue/keyed.h"
#include "tests/queue/contract.h"

#define ADA STR("ada@example.com")

static bool suppress(
    struct post *p, struct str address, const char *scope, const char *reason, int64_t expires_ms)
{
    struct suppression_new s = {.scope = scope,
        .reason = reason,
        .origin = "staff",
        .expires_ms = expires_ms,
        .evidence = "",
        .actor = "tester",
        .note = STR("a note")};
    bool added;

    FINE(queue_suppress(p->q, SHOP, address, &s, &added, &p->e));
    return added;
}

static struct suppression *standing(struct post *p, struct str address, size_t expected)
{
    struct suppression *list;
    size_t n;

    FINE(queue_suppressions_of(p->q, SHOP, address, p->a, &list, &n, &p->e));
    assert_int_equal(n, expected);
    return list;
}

static uint64_t lift(struct post *p, struct str address, const char *scope, const char *reason)
{
    uint64_t lifted;

    FINE(queue_lift(p->q, SHOP, address, scope, reason, test_actor, &lifted, &p->e));
    return lifted;
}

static void a_suppression_stands_once_per_scope_and_reason(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct suppression *list;

    standing(p, ADA, 0);
    assert_true(suppress(p, ADA, "*", "complaint", 0));
    assert_false(suppress(p, ADA, "*", "complaint", 0));
    assert_true(suppress(p, ADA, "*", "manual", 0));
    assert_true(suppress(p, ADA, "class:marketing", "complaint", 0));
    list = standing(p, ADA, 3);
    assert_true(str_eq(list[0].address, ADA));
    assert_string_equal(list[0].scope, "*");
    assert_string_equal(list[0].origin, "staff");
    assert_true(str_is(list[0].note, "a note"));
    assert_int_equal(list[0].since_ms, T0);
    standing(p, STR("bob@example.com"), 0);
    expect_whole_chain(p, SHOP, "one");
}

static void upper_and_lower_case_are_one_person_dots_and_plus_are_not(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);

    assert_true(suppress(p, STR("Ada.B+x@example.com"), "*", "unsubscribe", 0));
    assert_false(suppress(p, STR("ada.b+X@example.com"), "*", "unsubscribe", 0));
    standing(p, STR("ADA.B+X@example.com"), 1);
    standing(p, STR("adab+x@example.com"), 0);
    standing(p, STR("ada.b@example.com"), 0);
    assert_int_equal(lift(p, STR("aDA.b+x@example.com"), "*", ""), 1);
    standing(p, STR("Ada.B+x@example.com"), 0);
}

static void a_mail_keeps_its_own_spelling_of_the_address(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *first = post_mail(p, "ada@example.com"), *second = post_mail(p, "ADA@example.com");
    struct digest person = claim_one(p)->person;
    struct job *job = claim_one(p);

    assert_true(str_is(show(p, first).address, "ada@example.com"));
    assert_true(str_is(show(p, second).address, "ADA@example.com"));
    assert_true(str_is(job->address, "ADA@example.com"));
    assert_true(digest_equal(&job->person, &person));
}

static void one_that_ran_out_does_not_stand_and_may_come_again(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct suppression_filter all = {.with_lifted = true, .max = 9};
    struct suppression *list;
    size_t n;

    assert_true(suppress(p, ADA, "*", "full", T0 + HOUR));
    standing(p, ADA, 1);
    p->time.ms += HOUR;
    standing(p, ADA, 0);
    assert_true(suppress(p, ADA, "*", "full", 0));
    standing(p, ADA, 1);
    FINE(queue_suppressions(p->q, SHOP, &all, p->a, &list, &n, &p->e));
    assert_int_equal(n, 2);
    assert_string_equal(list[0].lifted_why, "expired");
}

static void lifted_ones_stay_visible(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct suppression_filter f = {.with_lifted = true, .max = 9};
    struct suppression *list;
    size_t n;

    suppress(p, ADA, "*", "complaint", 0);
    suppress(p, ADA, "*", "manual", 0);
    suppress(p, ADA, "newsletter", "manual", 0);
    assert_int_equal(lift(p, ADA, "*", "complaint"), 1);
    assert_int_equal(lift(p, ADA, "*", "complaint"), 0);
    standing(p, ADA, 2);
    assert_int_equal(lift(p, ADA, "*", ""), 1);
    standing(p, ADA, 1);
    assert_int_equal(lift(p, STR("bob@example.com"), "*", ""), 0);
    FINE(queue_suppressions(p->q, SHOP, &f, p->a, &list, &n, &p->e));
    assert_int_equal(n, 3);
    assert_string_equal(list[0].lifted_by, "tester");
    assert_string_equal(list[0].lifted_why, "because");
    assert_int_equal(list[0].lifted_ms, T0);
    assert_true(suppress(p, ADA, "*", "complaint", 0));
    f = (struct suppression_filter){.scope = "*", .reason = "complaint", .max = 9};
    FINE(queue_suppressions(p->q, SHOP, &f, p->a, &list, &n, &p->e));
    assert_int_equal(n, 1);
    f = (struct suppression_filter){.with_lifted = true, .after_row = list[0].row - 1, .max = 9};
    FINE(queue_suppressions(p->q, SHOP, &f, p->a, &list, &n, &p->e));
    assert_int_equal(n, 1);
    f = (struct suppression_filter){.since_ms = T0 + 1, .with_lifted = true, .max = 9};
    FINE(queue_suppressions(p->q, SHOP, &f, p->a, &list, &n, &p->e));
    assert_int_equal(n, 0);
}

static void a_token_suppresses_without_the_address(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *id = post_mail(p, "ada@example.com");
    struct job *j = claim_one(p);
    struct suppression_new s = {.scope = "class:marketing",
        .reason = "unsubscribe",
        .origin = "recipient",
        .evidence = id,
        .actor = "recipient",
        .note = STR("one click")};
    struct digest stranger;
    struct suppression *list;
    bool added;

    FINE(queue_suppress_person(p->q, SHOP, &j->person, j->pepper_version, &s, &added, &p->e));
    assert_true(added);
    list = standing(p, ADA, 1);
    assert_true(str_eq(list[0].address, ADA));
    assert_true(str_is(list[0].note, "one click"));
    assert_true(digest_equal(&list[0].person, &j->person));
    assert_false(suppress(p, ADA, "class:marketing", "unsubscribe", 0));
    hash_sha256(STR("nobody"), &stranger);
    FINE(queue_suppress_person(p->q, SHOP, &stranger, 1, &s, &added, &p->e));
    assert_true(added);
    FINE(queue_suppress_person(p->q, SHOP, &stranger, 1, &s, &added, &p->e));
    assert_false(added);
    expect_whole_chain(p, SHOP, "one");
}

static void a_suppression_that_came_before_the_person_finds_the_address(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct suppression_new s = {.scope = "*",
        .reason = "unsubscribe",
        .origin = "recipient",
        .evidence = "",
        .actor = "recipient"};
    struct keyed who;
    bool added;

    keyed_person(p->keys, SHOP, ADA, &who);
    FINE(queue_suppress_person(p->q, SHOP, &who.hash[0], who.pepper[0], &s, &added, &p->e));
    assert_int_equal(standing(p, ADA, 1)[0].address.n, 0);
    post_mail(p, "bob@example.com");
    assert_int_equal(standing(p, ADA, 1)[0].address.n, 0);
    post_mail(p, "ada@example.com");
    assert_true(str_eq(standing(p, ADA, 1)[0].address, ADA));
}

static void a_new_pepper_hides_nobody(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    const char *id = post_mail(p, "ada@example.com");
    struct suppression *list;

    suppress(p, ADA, "*", "complaint", 0);
    post_add_key(p, "pepper 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    post_add_key(p, "master 2 ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100");
    list = standing(p, ADA, 1);
    assert_true(str_eq(list[0].address, ADA));
    assert_false(suppress(p, ADA, "*", "complaint", 0));
    assert_true(suppress(p, ADA, "*", "manual", 0));
    assert_true(suppress(p, STR("new@example.com"), "*", "manual", 0));
    list = standing(p, ADA, 2);
    assert_true(digest_equal(&list[0].person, &list[1].person));
    assert_int_equal(lift(p, ADA, "*", ""), 2);
    assert_true(str_eq(show(p, id).address, ADA));
    expect_whole_chain(p, SHOP, "one");
}

static void the_same_address_is_two_persons_for_two_storefronts(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct suppression_new s = {
        .scope = "*", .reason = "manual", .origin = "staff", .evidence = ""};
    struct suppression *list, *mine;
    size_t n;
    bool added;

    suppress(p, ADA, "*", "manual", 0);
    FINE(queue_suppressions_of(p->q, OTHER_SHOP, ADA, p->a, &list, &n, &p->e));
    assert_int_equal(n, 0);
    FINE(queue_suppress(p->q, OTHER_SHOP, ADA, &s, &added, &p->e));
    assert_true(added);
    FINE(queue_suppressions_of(p->q, OTHER_SHOP, ADA, p->a, &list, &n, &p->e));
    mine = standing(p, ADA, 1);
    assert_false(digest_equal(&list[0].person, &mine[0].person));
}

/* ---- API keys ---- */

static void a_key_is_found_by_its_secret_until_it_is_revoked(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct api_key made, found, *list;
    enum change_result done;
    const char *secret;
    size_t n;

    FINE(queue_key_create(
        p->q, SHOP, "shop", ROLE_SEND | ROLE_READ, test_actor, p->a, &made, &secret, &p->e));
    assert_int_equal(strlen(secret), 46);
    for (int i = 0; i < 3; i++) { /* from the store, then from memory */
        FINE(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e));
        assert_string_equal(found.id, made.id);
        assert_string_equal(found.storefront, SHOP);
        assert_string_equal(found.label, "shop");
        assert_int_equal(found.roles, ROLE_SEND | ROLE_READ);
    }
    FINE(queue_key_revoke(p->q, OTHER_SHOP, made.id, test_actor, &done, &p->e));
    assert_int_equal(done, CHANGE_NOT_FOUND);
    FINE(queue_key_revoke(p->q, SHOP, made.id, test_actor, &done, &p->e));
    assert_int_equal(done, CHANGE_DONE);
    refused(queue_key_find(p->q, str_of(secret), p->a, &found, &p->e), &p->e, ERR_DENIED);
    FINE(queue_key_revoke(p->q, SHOP, made.id, test_actor, &done, &p->e));
    assert_int_equal(done, CHANGE_TOO_LATE);
    FINE(queue_keys(p->q, NULL, p->a, &list, &n, &p->e));
    assert_int_equal(n, 1);
    assert_true(list[0].revoked_ms == T0);
    FINE(queue_keys(p->q, OTHER_SHOP, p->a, &list, &n, &p->e));
    assert_int_equal(n, 0);
    assert_false(in_any_file(p, secret));
    expect_whole_chain(p, SHOP, "one");
}

/* A reviewer reads what a key may do, not a number. */
static void the_journal_names_the_roles_of_a_key(void **state)
{
    AUTO(post_close) struct post *p = post_open(*state);
    struct api_key made;
    struct journal_row *rows;
    const char *secret;
    size_t n;

    FINE(queue_key_create(
        p->q, SHOP, "desk", ROLE_REVIEW | ROLE_ADMIN, test_actor, p->a, &made, &secret, &p->e));
    FINE(queue_journal(p->q, SHOP, "one", 0, 10, p->a, &rows, &n, &p->e));
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].event, "key.created");
    assert_string_equal(arena_text(p->a, rows[0].facts),
        arena_printf(p->a, "{\"key\":\"%s\",\"roles\":[\"review\",\"admin\"],\"why\":\"because\"}",
            made.id));
}

static void a_wrong_secret_is_denied(void **state)
{
    static const char *const secrets[] = {"", "pp_",
        "pp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "xx_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    AUTO(post_close) struct post *p = post_open(*state);
    struct api_key k;
    const char *secret;

    for (size_t i = 0; i < COUNT_OF(secrets); i++)
        refused(queue_key_find(p->q, str_of(secrets[i]), p->a, &k, &p->e), &p->e, ERR_DENIED);
    refused(queue_key_create(p->q, SHOP, "none", 0, test_actor, p->a, &k, &secret, &p->e), &p->e,
        ERR_INPUT);
    refused(queue_key_create(p->q, SHOP, "odd", 64, test_actor, p->a, &k, &secret, &p->e), &p->e,
        ERR_INPUT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_suppression_stands_once_per_scope_and_reason),
    cmocka_unit_test(upper_and_lower_case_are_one_person_dots_and_plus_are_not),
    cmocka_unit_test(a_mail_keeps_its_own_spelling_of_the_address),
    cmocka_unit_test(one_that_ran_out_does_not_stand_and_may_come_again),
    cmocka_unit_test(lifted_ones_stay_visible),
    cmocka_unit_test(a_token_suppresses_without_the_address),
    cmocka_unit_test(a_suppression_that_came_before_the_person_finds_the_address),
    cmocka_unit_test(a_new_pepper_hides_nobody),
    cmocka_unit_test(the_same_address_is_two_persons_for_two_storefronts),
    cmocka_unit_test(a_key_is_found_by_its_secret_until_it_is_revoked),
    cmocka_unit_test(the_journal_names_the_roles_of_a_key),
    cmocka_unit_test(a_wrong_secret_is_denied),
};
const struct contract contract_people = {"people", tests, COUNT_OF(tests)};
