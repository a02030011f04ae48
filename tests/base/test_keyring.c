#include "base/keyring.h"
#include "tests/base/expect.h"
#include "tests/base/folder.h"

#include <dirent.h>

#define ONE "1111111111111111111111111111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222222222222222222222222222"
#define OTHERS "unsubscribe 1 " ONE "\nreturn-path 1 " ONE "\nfeedback 1 " ONE "\n"

static struct folder folder;

static int open_folder(void **state)
{
    (void)state;
    return folder_open(&folder);
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder.path); /* fails where a test left something behind */
}

static void a_new_keyring_opens_with_five_different_keys(void **state)
{
    AUTO(buf_close) struct buf path = {0};
    AUTO(keyring_close) struct keyring *k = NULL;
    struct err e = {0};
    struct stat st;

    (void)state;
    folder_file(&folder, "ring", &path);
    assert_true(keyring_create(path.p, &e));
    assert_int_equal(stat(path.p, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(keyring_open(path.p, &k, &e));
    for (int use = 0; use < KEY_USES; use++) {
        unsigned version = 0;
        const struct seal_key *key = keyring_current(k, (enum key_use)use, &version);
        assert_non_null(key);
        assert_int_equal(version, 1);
        assert_null(keyring_version(k, (enum key_use)use, 2));
        for (int other = 0; other < use; other++)
            assert_memory_not_equal(
                key->b, keyring_current(k, (enum key_use)other, NULL)->b, sizeof key->b);
    }
    unlink(path.p);
}

static void an_existing_file_is_never_replaced(void **state)
{
    AUTO(buf_close) struct buf path = {0};
    AUTO(buf_close) struct buf text = {0};
    struct err e = {0};
    int files = 0;

    (void)state;
    folder_file(&folder, "ring", &path);
    folder_write(path.p, STR("precious"), 0600);
    assert_false(keyring_create(path.p, &e));
    assert_int_equal(e.code, ERR_CONFLICT);
    folder_read(path.p, &text);
    assert_string_equal(text.p, "precious");
    DIR *d = opendir(folder.path);
    while (readdir(d))
        files++;
    closedir(d);
    assert_int_equal(files, 3); /* ".", ".." and the ring: no draft is left */
    unlink(path.p);
    folder_file(&folder, "no/such/folder", &path);
    assert_false(keyring_create(path.p, &e));
    assert_int_equal(e.code, ERR_IO);
}

static void older_versions_stay_and_the_highest_is_current(void **state)
{
    AUTO(buf_close) struct buf path = {0};
    AUTO(keyring_close) struct keyring *k = NULL;
    struct err e = {0};
    unsigned version;

    (void)state;
    folder_file(&folder, "ring", &path);
    folder_write(path.p,
        STR("# a comment\n\npepper 12 " TWO "\r\n  pepper 3 " ONE "\nmaster 1 " ONE "\n" OTHERS),
        0640);
    expect("open", keyring_open(path.p, &k, &e), e.text);
    assert_int_equal(keyring_current(k, KEY_PEPPER, &version)->b[0], 0x22);
    assert_int_equal(version, 12);
    assert_int_equal(keyring_version(k, KEY_PEPPER, 3)->b[31], 0x11);
    assert_null(keyring_version(k, KEY_PEPPER, 4));
    assert_int_equal(keyring_latest(k, KEY_MASTER), 1);
    assert_string_equal(key_use_name(KEY_RETURN_PATH), "return-path");
    unlink(path.p);
}

static void what_is_wrong_is_refused_and_no_secret_is_told(void **state)
{
    static const struct {
        const char *name;
        struct str text;
        mode_t mode;
        enum err_code code;
        const char *says;
    } cases[] = {
        {"readable_by_others", STR("master 1 " ONE "\n"), 0604, ERR_DENIED, "mode 0604"},
        {"writable_by_the_group", STR("master 1 " ONE "\n"), 0660, ERR_DENIED, "0660"},
        {"a_use_is_missing", STR("master 1 " ONE "\n" OTHERS), 0600, ERR_INPUT,
            "no key for pepper"},
        {"empty", STR(""), 0600, ERR_INPUT, "no key for master"},
        {"an_unknown_use", STR("# x\nmastre 1 " ONE "\n"), 0600, ERR_INPUT, ":2: no known use"},
        {"version_zero", STR("master 0 " ONE "\n"), 0600, ERR_INPUT, ":1: the version"},
        {"a_version_in_letters", STR("master x " ONE "\n"), 0600, ERR_INPUT, ":1: the version"},
        {"the_same_version_twice", STR("master 1 " ONE "\nmaster 1 " TWO "\n"), 0600, ERR_INPUT,
            ":2: this use and version stands there twice"},
        {"a_digit_too_few", STR("master 1 1" ONE "\n"), 0600, ERR_INPUT, ":1: the key"},
        {"a_byte_too_many", STR("master 1 " ONE "11\n"), 0600, ERR_INPUT, ":1: the key"},
        {"no_key", STR("master 1\n"), 0600, ERR_INPUT, ":1: the key"},
        {"more_behind_the_key", STR("master 1 " ONE " 2\n"), 0600, ERR_INPUT, ":1: the key"},
        {"binary", STR("\0\0\0"), 0600, ERR_INPUT, ":1: no known use"},
    };
    AUTO(buf_close) struct buf path = {0};

    (void)state;
    folder_file(&folder, "ring", &path);
    EACH(c, cases)
    {
        AUTO(keyring_close) struct keyring *k = NULL;
        struct err e = {0};
        folder_write(path.p, c->text, c->mode);
        expect(c->name, !keyring_open(path.p, &k, &e), "a refusal");
        expect_int(c->name, e.code, c->code);
        expect_in(c->name, str_of(e.text), c->says);
        expect(c->name, !strstr(e.text, "111111"), "that no secret is told");
        unlink(path.p);
    }
}

static void missing_large_and_strange_files_are_told_apart(void **state)
{
    AUTO(buf_close) struct buf path = {0};
    AUTO(buf_close) struct buf large = {0};
    struct keyring *k = NULL;
    struct err e = {0};

    (void)state;
    folder_file(&folder, "ring", &path);
    assert_false(keyring_open(path.p, &k, &e));
    assert_int_equal(e.code, ERR_MISSING);
    while (large.n <= 256 * 1024)
        buf_add_text(&large, "# filler\n");
    folder_write(path.p, buf_str(&large), 0600);
    assert_false(keyring_open(path.p, &k, &e));
    assert_int_equal(e.code, ERR_LIMIT);
    unlink(path.p);
    assert_false(keyring_open(folder.path, &k, &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_null(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_keyring_opens_with_five_different_keys),
        cmocka_unit_test(an_existing_file_is_never_replaced),
        cmocka_unit_test(older_versions_stay_and_the_highest_is_current),
        cmocka_unit_test(what_is_wrong_is_refused_and_no_secret_is_told),
        cmocka_unit_test(missing_large_and_strange_files_are_told_apart),
    };

    return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
