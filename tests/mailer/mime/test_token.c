/* token: what we made opens, and nothing else does. */
#include "mailer/mime/token.h"

#include <stdio.h>

#include "base/encode.h"
#include "tests/mailer/mime/peer.h"
#include "tests/support/scratch.h"

#define ID "msg_01jd8x6tq3w1m5yv9z0k2c4r7e"

static const char *const every_key[] = {
    "master 1", "pepper 1", "unsubscribe 1", "return-path 1", "feedback 1"};

/* A keyring with the given lines, each with key bytes derived from its text. */
static struct keyring *keyring_of(const char *const *lines, size_t n)
{
    AUTO(buf_close) struct buf text = {0};
    struct keyring *k = NULL;
    struct err e = {0};
    char folder[SCRATCH_SIZE], path[96];

    for (size_t i = 0; i < n; i++) {
        struct digest secret;

        hash_sha256(str_of(lines[i]), &secret);
        buf_addf(&text, "%s ", lines[i]);
        encode_hex(&text, digest_str(&secret));
        buf_add_char(&text, '\n');
    }
    scratch_folder("token", folder);
    file_write(folder, "keys", buf_str(&text));
    snprintf(path, sizeof path, "%s/keys", folder);
    chmod(path, 0600);
    if (!keyring_open(path, &k, &e))
        fail_msg("keyring: %s", e.text);
    folder_remove(folder);
    return k;
}

static struct unsubscribe_token sample(void)
{
    struct unsubscribe_token t = {
        .storefront = "shop-1", .stream = "marketing", .pepper_version = 3, .message_id = ID};

    hash_sha256(STR("anna@mail.example"), &t.person);
    return t;
}

static bool same(const struct unsubscribe_token *a, const struct unsubscribe_token *b)
{
    return strcmp(a->storefront, b->storefront) == 0 && strcmp(a->stream, b->stream) == 0 &&
           digest_equal(&a->person, &b->person) && a->pepper_version == b->pepper_version &&
           strcmp(a->message_id, b->message_id) == 0;
}

/* ---- suites ---------------------------------------------------------------------------------- */

static void tokens_come_back_as_they_went(void **state)
{
    static const struct {
        const char *name, *storefront, *stream, *message_id;
        unsigned pepper;
    } cases[] = {
        {"ordinary", "shop-1", "marketing", ID, 1},
        {"short_names", "s", "m", ID, 0},
        {"empty_names", "", "", "", 70000},
        {"names_of_full_length", "012345678901234567890123456789012345678901234567890123456789012",
            "Ünïcödé 你好 012345678901234567890123456789012345678901", ID, 127},
        {"an_id_in_capitals", "shop", "news", "msg_01JD8X6TQ3W1M5YV9Z0K2C4R7E", 128},
        {"an_id_of_another_kind", "shop", "news", "batch_01jd8x6tq3w1m5yv9z0k2c4r7e", 1},
        {"the_highest_id", "shop", "news", "msg_7zzzzzzzzzzzzzzzzzzzzzzzzz", 1},
        {"an_id_beyond_the_highest", "shop", "news", "msg_8zzzzzzzzzzzzzzzzzzzzzzzzz", 1},
    };
    struct keyring *k = keyring_of(every_key, COUNT_OF(every_key));

    (void)state;
    EACH(c, cases)
    {
        AUTO(buf_close) struct buf text = {0};
        struct unsubscribe_token t = sample(), got;
        unsigned version = 0;

        snprintf(t.storefront, sizeof t.storefront, "%s", c->storefront);
        snprintf(t.stream, sizeof t.stream, "%s", c->stream);
        snprintf(t.message_id, sizeof t.message_id, "%s", c->message_id);
        t.pepper_version = c->pepper;
        token_unsubscribe(k, &t, &text);
        expect(c->name, token_unsubscribe_open(k, buf_str(&text), &got, &version), "to open");
        expect(c->name, same(&t, &got), "the same fields");
        expect_int(c->name, version, 1);
        for (size_t i = 0; i < text.n; i++)
            text.p[i] = text.p[i] >= 'a' ? (char)(text.p[i] - 32) : text.p[i];
        expect(c->name, token_unsubscribe_open(k, buf_str(&text), &got, &version),
            "to open in capitals");
    }
    keyring_close(&k);
}

static void return_paths_come_back_and_fit(void **state)
{
    static const char *const ids[] = {
        ID, "msg_7zzzzzzzzzzzzzzzzzzzzzzzzz", "msg_00000000000000000000000000", "short"};
    struct keyring *k = keyring_of(every_key, COUNT_OF(every_key));

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        AUTO(buf_close) struct buf text = {0};
        char id[40];

        token_return_path(k, ids[i], &text);
        expect(ids[i], text.n <= 64, "at most 64 octets");
        expect(ids[i], str_starts(buf_str(&text), STR("b+")), "its prefix");
        expect(ids[i], token_return_path_open(k, buf_str(&text), id), "to open");
        expect_text(ids[i], id, ids[i]);
        text.p[0] = 'B';
        expect(ids[i], token_return_path_open(k, buf_str(&text), id), "to open in capitals");
        expect(ids[i], !token_return_path_open(k, str_slice(buf_str(&text), 2, text.n), id),
            "a refusal without prefix");
    }
    keyring_close(&k);
}

/* Every character by every other of the alphabet, every cut, every addition. */
static void no_altered_token_opens(void **state)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    AUTO(buf_close) struct buf link = {0};
    AUTO(buf_close) struct buf path = {0};
    struct keyring *k = keyring_of(every_key, COUNT_OF(every_key));
    struct unsubscribe_token t = sample(), got;
    unsigned version;
    char id[40];

    (void)state;
    token_unsubscribe(k, &t, &link);
    token_return_path(k, ID, &path);
    for (const char *c = alphabet; *c; c++) {
        for (size_t i = 0; i < link.n; i++) {
            char was = link.p[i];

            link.p[i] = *c;
            expect("link", token_unsubscribe_open(k, buf_str(&link), &got, &version) == (was == *c),
                "a refusal of each other character");
            link.p[i] = was;
        }
        for (size_t i = 2; i < path.n; i++) {
            char was = path.p[i];

            path.p[i] = *c;
            expect("path", token_return_path_open(k, buf_str(&path), id) == (was == *c),
                "a refusal of each other character");
            path.p[i] = was;
        }
    }
    for (size_t i = 0; i < link.n; i++)
        expect("link", !token_unsubscribe_open(k, str_slice(buf_str(&link), 0, i), &got, &version),
            "a refusal when cut");
    for (size_t i = 0; i < path.n; i++)
        expect("path", !token_return_path_open(k, str_slice(buf_str(&path), 0, i), id),
            "a refusal when cut");
    buf_add_char(&link, 'a');
    expect("link", !token_unsubscribe_open(k, buf_str(&link), &got, &version), "a refusal");
    keyring_close(&k);
}

static void a_token_of_one_use_is_void_in_another(void **state)
{
    static const char *const lines[] = {
        "master 1", "pepper 1", "unsubscribe 1", "return-path 1", "feedback 1"};
    AUTO(buf_close) struct buf link = {0};
    AUTO(buf_close) struct buf path = {0};
    AUTO(buf_close) struct buf crossed = {0};
    struct keyring *k = keyring_of(lines, COUNT_OF(lines));
    struct unsubscribe_token t = sample(), got;
    unsigned version;
    char id[40];

    (void)state;
    token_unsubscribe(k, &t, &link);
    token_return_path(k, ID, &path);
    buf_add(&crossed, STR("b+"));
    buf_add(&crossed, buf_str(&link));
    expect("link as path", !token_return_path_open(k, buf_str(&crossed), id), "a refusal");
    expect("path as link",
        !token_unsubscribe_open(k, str_slice(buf_str(&path), 2, path.n), &got, &version),
        "a refusal");
    keyring_close(&k);
}

static void older_keys_still_open_and_foreign_ones_never_do(void **state)
{
    static const char *const newer[] = {"master 1", "pepper 1", "unsubscribe 1", "unsubscribe 2",
        "return-path 1", "return-path 200", "feedback 1"};
    static const char *const without[] = {
        "master 1", "pepper 1", "unsubscribe 2", "return-path 200", "feedback 1"};
    AUTO(buf_close) struct buf link = {0};
    AUTO(buf_close) struct buf path = {0};
    AUTO(buf_close) struct buf new_path = {0};
    struct keyring *old = keyring_of(every_key, COUNT_OF(every_key));
    struct keyring *now = keyring_of(newer, COUNT_OF(newer));
    struct keyring *lost = keyring_of(without, COUNT_OF(without));
    struct unsubscribe_token t = sample(), got;
    unsigned version = 0;
    char id[40];

    (void)state;
    token_unsubscribe(old, &t, &link);
    token_return_path(old, ID, &path);
    expect("link", token_unsubscribe_open(now, buf_str(&link), &got, &version), "to open");
    expect_int("version", version, 1);
    expect("path", token_return_path_open(now, buf_str(&path), id), "to open");
    expect("link", !token_unsubscribe_open(lost, buf_str(&link), &got, &version), "a refusal");
    expect("path", !token_return_path_open(lost, buf_str(&path), id), "a refusal");
    buf_clear(&link);
    token_unsubscribe(now, &t, &link);
    expect("newer", token_unsubscribe_open(now, buf_str(&link), &got, &version), "to open");
    expect_int("version", version, 2);
    expect("newer", !token_unsubscribe_open(old, buf_str(&link), &got, &version), "a refusal");
    token_return_path(now, ID, &new_path);
    expect("path", new_path.n <= 64, "at most 64 octets with a long version");
    expect("path", token_return_path_open(now, buf_str(&new_path), id), "to open");
    keyring_close(&old);
    keyring_close(&now);
    keyring_close(&lost);
}

static void rubbish_is_refused(void **state)
{
    static const struct str cases[] = {STR(""), STR("b+"), STR("b"), STR("b+a"), STR("b+1"),
        STR("b+\0"), STR("b+aebagbaf"), STR("="), STR("aeaqaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")};
    AUTO(buf_close) struct buf huge = {0};
    struct keyring *k = keyring_of(every_key, COUNT_OF(every_key));
    struct unsubscribe_token got;
    unsigned version;
    char id[40];

    (void)state;
    EACH(c, cases)
    {
        expect("rubbish", !token_return_path_open(k, *c, id), "a refusal");
        expect("rubbish", !token_unsubscribe_open(k, *c, &got, &version), "a refusal");
    }
    for (int i = 0; i < 100000; i++)
        buf_add_char(&huge, 'a');
    expect("huge", !token_unsubscribe_open(k, buf_str(&huge), &got, &version), "a refusal");
    keyring_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_come_back_as_they_went),
        cmocka_unit_test(return_paths_come_back_and_fit),
        cmocka_unit_test(no_altered_token_opens),
        cmocka_unit_test(a_token_of_one_use_is_void_in_another),
        cmocka_unit_test(older_keys_still_open_and_foreign_ones_never_do),
        cmocka_unit_test(rubbish_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
