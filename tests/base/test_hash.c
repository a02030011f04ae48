/* SHA-256: FIPS 180-4 examples. HMAC-SHA-256: RFC 4231. Threads share the fetched algorithms. */
#include "base/encode.h"
#include "base/hash.h"
#include "tests/base/threads.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect_digest(const char *name, const struct digest *got, const char *hex)
{
    AUTO(buf_close) struct buf text = {0};

    encode_hex(&text, digest_str(got));
    expect_str(name, buf_str(&text), str_of(hex));
}

static void sha256_of_the_standard(void **state)
{
    static const struct {
        const char *name;
        struct str data;
        const char *hex;
    } cases[] = {
        {"empty", {"", 0}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", {"abc", 3}, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"two_blocks", {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56},
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    struct digest d;

    (void)state;
    EACH(c, cases)
    {
        hash_sha256(c->data, &d);
        expect_digest(c->name, &d, c->hex);
    }
}

static void hmac_of_rfc4231(void **state)
{
    char key_0b[20], key_aa[131], data_dd[50], key_count[25], data_cd[50];
    struct digest d;

    (void)state;
    memset(key_0b, 0x0b, sizeof key_0b);
    memset(key_aa, 0xaa, sizeof key_aa);
    memset(data_dd, 0xdd, sizeof data_dd);
    memset(data_cd, 0xcd, sizeof data_cd);
    for (size_t i = 0; i < sizeof key_count; i++)
        key_count[i] = (char)(i + 1);
    const struct {
        const char *name;
        struct str key, data;
        const char *hex;
    } cases[] = {
        {"case_1", str_bytes(key_0b, 20), STR("Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"case_2_a_short_key", STR("Jefe"), STR("what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"case_3", str_bytes(key_aa, 20), str_bytes(data_dd, 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {"case_4", str_bytes(key_count, 25), str_bytes(data_cd, 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
        {"case_6_a_key_above_the_block", str_bytes(key_aa, 131),
            STR("Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {"case_7_long_key_and_data", str_bytes(key_aa, 131),
            STR("This is a test using a larger than block-size key and a larger than block-size "
                "data. The key needs to be hashed before being used by the HMAC algorithm."),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
        {"an_empty_key_is_not_the_last_one", {"", 0}, {"", 0},
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
    };
    EACH(c, cases)
    {
        hash_hmac(c->key, c->data, &d);
        expect_digest(c->name, &d, c->hex);
    }
}

static void parts_are_told_apart(void **state)
{
    const struct str ab_c[] = {STR("ab"), STR("c")}, a_bc[] = {STR("a"), STR("bc")};
    const struct str spelled = STR("\0\0\0\0\0\0\0\2"
                                   "ab"
                                   "\0\0\0\0\0\0\0\1"
                                   "c");
    struct digest x, y;

    (void)state;
    hash_sha256_parts(ab_c, 2, &x);
    hash_sha256_parts(a_bc, 2, &y);
    assert_false(digest_equal(&x, &y));
    hash_sha256(spelled, &y);
    assert_true(digest_equal(&x, &y));
    hash_hmac_parts(STR("k"), ab_c, 2, &x);
    hash_hmac_parts(STR("k"), a_bc, 2, &y);
    assert_false(digest_equal(&x, &y));
    hash_hmac(STR("k"), spelled, &y);
    assert_true(digest_equal(&x, &y));
    hash_hmac(STR("l"), spelled, &y);
    assert_false(digest_equal(&x, &y));
}

static void one_in_pieces_bears_others_between(void **state)
{
    struct digest x, y;

    (void)state;
    hash_sha256_begin();
    hash_sha256_add(STR("ab"));
    hash_sha256(STR("another"), &x);
    hash_hmac(STR("k"), STR("another"), &x);
    hash_sha256_add(STR(""));
    hash_sha256_add(STR("c"));
    hash_sha256_end(&x);
    hash_sha256(STR("abc"), &y);
    assert_true(digest_equal(&x, &y));
}

static void equality_looks_at_every_byte(void **state)
{
    (void)state;
    assert_true(hash_equal(STR("abc"), STR("abc")));
    assert_true(hash_equal(STR(""), STR("")));
    assert_false(hash_equal(STR("abc"), STR("abd")));
    assert_false(hash_equal(STR("abc"), STR("bbc")));
    assert_false(hash_equal(STR("abc"), STR("abcd")));
}

static void random_bytes_differ(void **state)
{
    char a[64] = {0}, b[64] = {0};

    (void)state;
    hash_random(a, sizeof a);
    hash_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    hash_random(a, 0);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, 12);
}

/* Over many stocks, in pieces that do not divide one evenly. */
static void no_random_bytes_are_given_twice(void **state)
{
    static char nonces[4096][12];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(nonces); i++)
        hash_random(nonces[i], sizeof nonces[i]);
    qsort(nonces, COUNT_OF(nonces), sizeof nonces[0], compare);
    for (size_t i = 1; i < COUNT_OF(nonces); i++)
        assert_memory_not_equal(nonces[i - 1], nonces[i], sizeof nonces[i]);
}

static void a_child_of_fork_draws_its_own(void **state)
{
    char before[16], ours[16], theirs[16];
    int ends[2];

    (void)state;
    hash_random(before, sizeof before); /* there is something to inherit */
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        hash_random(theirs, sizeof theirs);
        _exit(write(ends[1], theirs, sizeof theirs) == sizeof theirs ? 0 : 1);
    }
    assert_int_equal(read(ends[0], theirs, sizeof theirs), sizeof theirs);
    assert_int_equal(waitpid(child, NULL, 0), child);
    hash_random(ours, sizeof ours);
    assert_memory_not_equal(ours, theirs, sizeof ours);
    close(ends[0]);
    close(ends[1]);
}

static void *hash_a_lot(void *mistakes)
{
    struct digest first, d;

    hash_hmac(STR("key"), STR("data"), &first);
    for (int i = 0; i < 500; i++) {
        hash_sha256(STR("something between"), &d);
        hash_hmac(STR("key"), STR("data"), &d);
        if (!digest_equal(&first, &d))
            ++*(int *)mistakes;
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    expect_no_mistakes(hash_a_lot, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_disturb_each_other),
        cmocka_unit_test(sha256_of_the_standard),
        cmocka_unit_test(hmac_of_rfc4231),
        cmocka_unit_test(parts_are_told_apart),
        cmocka_unit_test(one_in_pieces_bears_others_between),
        cmocka_unit_test(equality_looks_at_every_byte),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(no_random_bytes_are_given_twice),
        cmocka_unit_test(a_child_of_fork_draws_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
