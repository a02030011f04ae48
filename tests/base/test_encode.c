/* Vectors of RFC 4648 section 10; base32 unpadded and in lower case, as encode.h says. */
#include "base/encode.h"
#include "tests/base/expect.h"

typedef void encoder(struct buf *out, struct str bytes);
typedef bool decoder(struct buf *out, struct str text);

static void vectors_of_rfc4648(void **state)
{
    static const struct {
        const char *name;
        encoder *encode;
        decoder *decode;
        struct str bytes;
        const char *text;
    } cases[] = {
        {"hex_empty", encode_hex, decode_hex, {"", 0}, ""},
        {"hex_foobar", encode_hex, decode_hex, {"foobar", 6}, "666f6f626172"},
        {"hex_all_bits", encode_hex, decode_hex, {"\x00\xff", 2}, "00ff"},
        {"base32_empty", encode_base32, decode_base32, {"", 0}, ""},
        {"base32_f", encode_base32, decode_base32, {"f", 1}, "my"},
        {"base32_fo", encode_base32, decode_base32, {"fo", 2}, "mzxq"},
        {"base32_foo", encode_base32, decode_base32, {"foo", 3}, "mzxw6"},
        {"base32_foob", encode_base32, decode_base32, {"foob", 4}, "mzxw6yq"},
        {"base32_fooba", encode_base32, decode_base32, {"fooba", 5}, "mzxw6ytb"},
        {"base32_foobar", encode_base32, decode_base32, {"foobar", 6}, "mzxw6ytboi"},
        {"base64_empty", encode_base64, decode_base64, {"", 0}, ""},
        {"base64_f", encode_base64, decode_base64, {"f", 1}, "Zg=="},
        {"base64_fo", encode_base64, decode_base64, {"fo", 2}, "Zm8="},
        {"base64_foo", encode_base64, decode_base64, {"foo", 3}, "Zm9v"},
        {"base64_foob", encode_base64, decode_base64, {"foob", 4}, "Zm9vYg=="},
        {"base64_fooba", encode_base64, decode_base64, {"fooba", 5}, "Zm9vYmE="},
        {"base64_foobar", encode_base64, decode_base64, {"foobar", 6}, "Zm9vYmFy"},
        {"base64_high_digits", encode_base64, decode_base64, {"\xfb\xff\xbf", 3}, "+/+/"},
        {"base64url_high_digits", encode_base64url, decode_base64url, {"\xfb\xff\xbf", 3}, "-_-_"},
        {"base64url_is_unpadded", encode_base64url, decode_base64url, {"f", 1}, "Zg"},
    };

    (void)state;
    EACH(c, cases)
    {
        AUTO(buf_close) struct buf text = {0};
        AUTO(buf_close) struct buf bytes = {0};
        c->encode(&text, c->bytes);
        expect_str(c->name, buf_str(&text), str_of(c->text));
        expect(c->name, c->decode(&bytes, str_of(c->text)), "that it can be decoded");
        expect_str(c->name, buf_str(&bytes), c->bytes);
    }
}

static void every_length_comes_back_behind_what_stood_there(void **state)
{
    static encoder *const encoders[] = {encode_hex, encode_base32, encode_base64, encode_base64url};
    static decoder *const decoders[] = {decode_hex, decode_base32, decode_base64, decode_base64url};
    char bytes[200];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 151 + 7);
    for (size_t k = 0; k < COUNT_OF(encoders); k++) {
        for (size_t n = 0; n <= sizeof bytes; n++) {
            AUTO(buf_close) struct buf text = {0};
            AUTO(buf_close) struct buf back = {0};
            encoders[k](&text, str_bytes(bytes, n));
            buf_add_text(&back, ">");
            assert_true(decoders[k](&back, buf_str(&text)));
            assert_int_equal(back.n, n + 1);
            assert_memory_equal(back.p + 1, bytes, n);
            assert_int_equal(back.p[back.n], 0);
        }
    }
}

static void foreign_text_is_refused_and_leaves_nothing(void **state)
{
    static const struct {
        const char *name;
        decoder *decode;
        struct str text;
    } cases[] = {
        {"hex_of_odd_length", decode_hex, {"abc", 3}},
        {"hex_of_one_zero", decode_hex, {"0", 1}},
        {"base32_of_one_zero", decode_base32, {"a", 1}},
        {"base32_with_a_whole_digit_of_zeros_left", decode_base32, {"maa", 3}},
        {"base64url_of_one_zero", decode_base64url, {"A", 1}},
        {"hex_with_g", decode_hex, {"0g", 2}},
        {"hex_with_nul", decode_hex, {"0\0", 2}},
        {"base32_with_one", decode_base32, {"m1", 2}},
        {"base32_padded", decode_base32, {"my======", 8}},
        {"base32_of_impossible_length", decode_base32, {"mzx", 3}},
        {"base32_with_left_over_bits", decode_base32, {"mz", 2}},
        {"base64_without_padding", decode_base64, {"Zg", 2}},
        {"base64_with_too_much_padding", decode_base64, {"Z===", 4}},
        {"base64_with_padding_alone", decode_base64, {"====", 4}},
        {"base64_with_padding_within", decode_base64, {"Zg==Zg==", 8}},
        {"base64_with_left_over_bits", decode_base64, {"Zh==", 4}},
        {"base64_with_a_line_break", decode_base64, {"Zm9v\n", 5}},
        {"base64_with_a_space", decode_base64, {"Zm 9", 4}},
        {"base64_with_url_digits", decode_base64, {"-_-_", 4}},
        {"base64url_with_plain_digits", decode_base64url, {"+/+/", 4}},
        {"base64url_padded", decode_base64url, {"Zg==", 4}},
        {"base64url_of_impossible_length", decode_base64url, {"Z", 1}},
        {"base64_with_eight_bits", decode_base64, {"Zm9\xc3", 4}},
        {"base64_with_a_space_behind_whole_groups", decode_base64, {"Zm9vZm9vZm v", 12}},
    };

    (void)state;
    EACH(c, cases)
    {
        AUTO(buf_close) struct buf out = {0};
        buf_add_text(&out, "before");
        expect(c->name, !c->decode(&out, c->text), "a refusal");
        expect_str(c->name, buf_str(&out), STR("before"));
    }
}

/* Bit by bit, as RFC 4648 section 4 tells it; false at a character that is no digit. */
static bool decode_slowly(struct str text, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned held = 1; /* the bits behind the highest */

    for (size_t i = 0; i < text.n; i++) {
        const char *digit = text.p[i] ? strchr(digits, text.p[i]) : NULL;
        if (!digit)
            return false;
        for (int bit = 5; bit >= 0; bit--) {
            held = held << 1 | ((unsigned)(digit - digits) >> bit & 1);
            if (held < 256)
                continue;
            buf_add_char(out, (char)(held & 255));
            held = 1;
        }
    }
    return true;
}

/* Each length of whole groups, with each octet at each place of two strides. */
static void base64_is_what_its_bits_say(void **state)
{
    char text[64];

    (void)state;
    for (unsigned octet = 0; octet < 256; octet++)
        for (size_t at = 0; at < sizeof text; at++) {
            AUTO(buf_close) struct buf quick = {0}, slow = {0}, again = {0};
            for (size_t i = 0; i < sizeof text; i++)
                text[i] = "bDeFgHi9/+AZaz0Q"[(i * 7 + octet + at) % 16];
            text[at] = (char)octet;
            struct str all = str_bytes(text, sizeof text - at % 16 * 4);
            bool right = decode_slowly(all, &slow);
            if (octet == '=' && at + 2 >= all.n && at < all.n)
                continue; /* padding, as in the vectors */
            assert_int_equal(decode_base64(&quick, all), right);
            if (!right)
                continue;
            assert_int_equal(quick.n, slow.n);
            assert_memory_equal(quick.p, slow.p, slow.n);
            encode_base64(&again, buf_str(&quick));
            expect_str("again", buf_str(&again), all);
        }
}

/* What is decoded of a long text lies where its room was taken first, with a NUL behind it and no more. */
static void long_base64_gets_its_room_at_once(void **state)
{
    (void)state;
    for (size_t n = 6000; n < 6012; n++) {
        AUTO(buf_close) struct buf bytes = {0}, text = {0}, again = {0};
        for (size_t i = 0; i < n; i++)
            buf_add_char(&bytes, (char)(i * 31));
        encode_base64(&text, buf_str(&bytes));
        assert_true(decode_base64(&again, buf_str(&text)));
        expect_str("again", buf_str(&again), buf_str(&bytes));
        assert_int_equal(again.cap, n + 1);
    }
}

static void upper_case_hex_and_base32_are_read(void **state)
{
    AUTO(buf_close) struct buf out = {0};

    (void)state;
    assert_true(decode_hex(&out, STR("4A4b")));
    assert_true(decode_base32(&out, STR("MZXW6")));
    assert_string_equal(out.p, "JKfoo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc4648),
        cmocka_unit_test(every_length_comes_back_behind_what_stood_there),
        cmocka_unit_test(foreign_text_is_refused_and_leaves_nothing),
        cmocka_unit_test(base64_is_what_its_bits_say),
        cmocka_unit_test(long_base64_gets_its_room_at_once),
        cmocka_unit_test(upper_case_hex_and_base32_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
