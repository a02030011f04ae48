#include "base/encode.h"
#include "base/seal.h"
#include "tests/base/threads.h"

#define PLACE STR("people/address/17")

static struct seal_key key_of(int byte)
{
    struct seal_key k;

    memset(k.b, byte, sizeof k.b);
    return k;
}

static void every_length_opens_again(void **state)
{
    struct seal_key k = key_of(1);
    char plain[300];
    struct err e;

    (void)state;
    memset(plain, 'p', sizeof plain);
    for (size_t n = 0; n < sizeof plain; n++) {
        AUTO(buf_close) struct buf sealed = {0};
        AUTO(buf_close) struct buf out = {0};
        buf_add_text(&out, ">");
        seal_add(&k, PLACE, str_bytes(plain, n), &sealed);
        assert_int_equal(sealed.n, n + SEAL_OVERHEAD);
        assert_true(seal_open(&k, PLACE, buf_str(&sealed), &out, &e));
        assert_int_equal(out.n, n + 1);
        assert_memory_equal(out.p + 1, plain, n);
    }
}

/* The schedule of a thread's last key is kept. */
static void keys_take_turns(void **state)
{
    struct seal_key keys[] = {key_of(1), key_of(2), key_of(1), key_of(1), key_of(2)};
    struct buf sealed[COUNT_OF(keys)] = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        seal_add(&keys[i], PLACE, STR("plain text"), &sealed[i]);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < COUNT_OF(keys); i++) {
            AUTO(buf_close) struct buf out = {0};
            bool same = memcmp(keys[k].b, keys[i].b, sizeof keys[k].b) == 0;
            assert_int_equal(
                seal_open(&keys[k], PLACE, buf_str(&sealed[i]), &out, &(struct err){0}), same);
        }
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        buf_close(&sealed[i]);
}

static void parts_are_sealed_as_one_text(void **state)
{
    const struct str parts[] = {STR("one"), STR(""), STR(" and two"), STR("!")};
    AUTO(buf_close) struct buf sealed = {0};
    AUTO(buf_close) struct buf out = {0};
    struct seal_key k = key_of(1);
    struct err e;

    (void)state;
    seal_add_parts(&k, PLACE, parts, COUNT_OF(parts), &sealed);
    assert_true(seal_open(&k, PLACE, buf_str(&sealed), &out, &e));
    assert_string_equal(out.p, "one and two!");
    buf_clear(&sealed);
    seal_add_parts(&k, PLACE, parts, 0, &sealed);
    assert_int_equal(sealed.n, SEAL_OVERHEAD);
    assert_true(seal_open(&k, PLACE, buf_str(&sealed), &out, &e));
    assert_string_equal(out.p, "one and two!");
}

/* Test case 15 of the GCM specification's set (AES-256), without its associated text. */
static void a_seal_of_the_published_vector_opens(void **state)
{
    AUTO(buf_close) struct buf key = {0};
    AUTO(buf_close) struct buf sealed = {0};
    AUTO(buf_close) struct buf out = {0};
    AUTO(buf_close) struct buf hex = {0};
    struct seal_key k;
    struct err e = {0};

    (void)state;
    assert_true(decode_hex(&key, STR("feffe9928665731c6d6a8f9467308308"
                                     "feffe9928665731c6d6a8f9467308308")));
    assert_true(
        decode_hex(&sealed, STR("cafebabefacedbaddecaf888"
                                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                                "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
                                "b094dac5d93471bdec1a502270e3cc6c")));
    memcpy(k.b, key.p, sizeof k.b);
    assert_true(seal_open(&k, STR(""), buf_str(&sealed), &out, &e));
    encode_hex(&hex, buf_str(&out));
    assert_string_equal(hex.p, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                               "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255");
}

static void every_flipped_bit_is_noticed(void **state)
{
    struct seal_key k = key_of(2);
    AUTO(buf_close) struct buf sealed = {0};
    AUTO(buf_close) struct buf out = {0};

    (void)state;
    buf_add_text(&out, "before");
    seal_add(&k, PLACE, STR("jane@example.com"), &sealed);
    for (size_t bit = 0; bit < sealed.n * 8; bit++) {
        struct err e = {0};
        sealed.p[bit / 8] = (char)(sealed.p[bit / 8] ^ 1 << bit % 8);
        assert_false(seal_open(&k, PLACE, buf_str(&sealed), &out, &e));
        assert_int_equal(e.code, ERR_CORRUPT);
        assert_string_equal(out.p, "before");
        sealed.p[bit / 8] = (char)(sealed.p[bit / 8] ^ 1 << bit % 8);
    }
    assert_true(seal_open(&k, PLACE, buf_str(&sealed), &out, &(struct err){0}));
}

static void another_key_place_or_length_does_not_open(void **state)
{
    struct seal_key right = key_of(3), wrong = key_of(4);
    AUTO(buf_close) struct buf sealed = {0};
    AUTO(buf_close) struct buf out = {0};

    (void)state;
    seal_add(&right, PLACE, STR("plain text"), &sealed);
    const struct {
        const char *name;
        const struct seal_key *key;
        struct str place, sealed;
    } cases[] = {
        {"another_key", &wrong, PLACE, buf_str(&sealed)},
        {"another_place", &right, STR("people/address/18"), buf_str(&sealed)},
        {"no_place", &right, STR(""), buf_str(&sealed)},
        {"cut_by_one", &right, PLACE, str_slice(buf_str(&sealed), 0, sealed.n - 1)},
        {"without_its_first_byte", &right, PLACE, str_slice(buf_str(&sealed), 1, sealed.n)},
        {"shorter_than_any_seal", &right, PLACE, str_slice(buf_str(&sealed), 0, 27)},
        {"nothing", &right, PLACE, STR("")},
    };
    EACH(c, cases)
    {
        struct err e = {0};
        expect(c->name, !seal_open(c->key, c->place, c->sealed, &out, &e), "a refusal");
        expect_int(c->name, e.code, ERR_CORRUPT);
        expect_int(c->name, (int64_t)out.n, 0);
    }
}

static void equal_texts_make_different_seals(void **state)
{
    struct seal_key k;
    AUTO(buf_close) struct buf a = {0};
    AUTO(buf_close) struct buf b = {0};

    (void)state;
    seal_key_new(&k);
    seal_add(&k, PLACE, STR("same"), &a);
    seal_add(&k, PLACE, STR("same"), &b);
    assert_memory_not_equal(a.p, b.p, a.n);
    seal_key_wipe(&k);
    assert_true(memcmp(k.b, (uint8_t[32]){0}, 32) == 0);
}

static void *seal_a_lot(void *mistakes)
{
    for (int i = 0; i < 300; i++) {
        struct seal_key k = key_of(i);
        struct err e;
        AUTO(buf_close) struct buf sealed = {0};
        AUTO(buf_close) struct buf out = {0};
        seal_add(&k, PLACE, STR("text"), &sealed);
        if (!seal_open(&k, PLACE, buf_str(&sealed), &out, &e) || !str_is(buf_str(&out), "text"))
            ++*(int *)mistakes;
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    expect_no_mistakes(seal_a_lot, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_disturb_each_other),
        cmocka_unit_test(every_length_opens_again),
        cmocka_unit_test(keys_take_turns),
        cmocka_unit_test(parts_are_sealed_as_one_text),
        cmocka_unit_test(a_seal_of_the_published_vector_opens),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(another_key_place_or_length_does_not_open),
        cmocka_unit_test(equal_texts_make_different_seals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
