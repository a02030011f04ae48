#include "base/encode.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define HEX "0123456789abcdef"
#define BASE32 "abcdefghijklmnopqrstuvwxyz234567"
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/* All four are the same: bytes cut into digits of `bits` bits, the first digit highest, the last
 * one filled up with zero bits. */
static void encode(struct buf *out, struct str bytes, unsigned bits, const char *digits)
{
    uint32_t held = 0;
    unsigned held_bits = 0, mask = (1u << bits) - 1;
    char *p = buf_room(out, bytes.n * 2 + 2); /* hex is the longest */
    size_t n = 0;

    for (size_t i = 0; i < bytes.n; i++) {
        held = held << 8 | (unsigned char)bytes.p[i];
        held_bits += 8;
        while (held_bits >= bits) {
            held_bits -= bits;
            p[n++] = digits[held >> held_bits & mask];
        }
    }
    if (held_bits > 0)
        p[n++] = digits[held << (bits - held_bits) & mask];
    p[n] = 0;
    out->n += n;
}

void encode_hex(struct buf *out, struct str bytes)
{
    encode(out, bytes, 4, HEX);
}

void encode_base32(struct buf *out, struct str bytes)
{
    encode(out, bytes, 5, BASE32);
}

#ifdef __SSE2__
static __m128i all(int c)
{
    return _mm_set1_epi8((char)c);
}

/* `by` where v is above `bound`. */
static __m128i above(__m128i v, int bound, int by)
{
    return _mm_and_si128(_mm_cmpgt_epi8(v, all(bound)), all(by));
}

/* The digits of sixteen values below 64: A-Z, then a-z lies 6 further, 0-9 75 before that, + 15 before, / 3 behind. */
static __m128i digits_of(__m128i v)
{
    __m128i by = _mm_add_epi8(all('A'), above(v, 25, 6));

    by = _mm_add_epi8(by, _mm_add_epi8(above(v, 51, -75), above(v, 61, -15)));
    return _mm_add_epi8(v, _mm_add_epi8(by, above(v, 62, 3)));
}

static int three_octets(const unsigned char *p)
{
    return p[0] << 16 | p[1] << 8 | p[2];
}

static void encode_twelve(const unsigned char *from, char *to)
{
    __m128i x = _mm_set_epi32(
        three_octets(from + 9), three_octets(from + 6), three_octets(from + 3), three_octets(from));
    __m128i ab = _mm_or_si128(
        _mm_srli_epi32(x, 18), _mm_and_si128(_mm_srli_epi32(x, 4), _mm_set1_epi32(0x3f00)));
    __m128i cd = _mm_or_si128(_mm_and_si128(_mm_slli_epi32(x, 10), _mm_set1_epi32(0x3f0000)),
        _mm_and_si128(_mm_slli_epi32(x, 24), _mm_set1_epi32(0x3f000000)));

    _mm_storeu_si128((__m128i *)(void *)to, digits_of(_mm_or_si128(ab, cd)));
}

static size_t encode_twelves(struct str bytes, char *to)
{
    size_t i = 0;

    for (; bytes.n - i >= 12; i += 12, to += 16)
        encode_twelve((const unsigned char *)bytes.p + i, to);
    return i;
}

/* All ones where x lies from `first` to `last`; by signed comparison, so octets above 0x7f lie in no range. */
static __m128i within(__m128i x, int first, int last)
{
    return _mm_and_si128(_mm_cmpgt_epi8(x, all(first - 1)), _mm_cmplt_epi8(x, all(last + 1)));
}

/* False where one of sixteen characters is no digit. */
static bool values_of(__m128i x, __m128i *out)
{
    const __m128i ranges[] = {within(x, 'A', 'Z'), within(x, 'a', 'z'), within(x, '0', '9'),
        _mm_cmpeq_epi8(x, all('+')), _mm_cmpeq_epi8(x, all('/'))};
    const int first[] = {'A', 'a' - 26, '0' - 52, '+' - 62, '/' - 63};
    __m128i known = _mm_setzero_si128(), by = _mm_setzero_si128();

    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        known = _mm_or_si128(known, ranges[i]);
        by = _mm_or_si128(by, _mm_and_si128(ranges[i], all(first[i])));
    }
    *out = _mm_sub_epi8(x, by);
    return _mm_movemask_epi8(known) == 0xffff;
}

/* Six octets of two 24-bit values, and two more, where the next three will stand. */
static void put_six(char *to, uint64_t pair)
{
    uint64_t six = __builtin_bswap64(pair << 40 | pair >> 32 << 16);

    memcpy(to, &six, sizeof six);
}

static bool decode_sixteen(const char *from, char *to)
{
    __m128i v, pairs, fours;

    if (!values_of(_mm_loadu_si128((const __m128i *)(const void *)from), &v))
        return false;
    pairs = _mm_or_si128(
        _mm_and_si128(_mm_slli_epi16(v, 6), _mm_set1_epi16(0x0fc0)), _mm_srli_epi16(v, 8));
    fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00011000)); /* the first pair 12 bits higher */
    put_six(to, (uint64_t)_mm_cvtsi128_si64(fours));
    put_six(to + 6, (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(fours, fours)));
    return true;
}

/* Not the last group, so that nothing is written behind what is decoded. */
static size_t decode_sixteens(struct str text, char *to)
{
    size_t i = 0;

    while (text.n - i >= 16 + 4 && decode_sixteen(text.p + i, to)) {
        i += 16;
        to += 12;
    }
    return i;
}
#else /* by the loops below alone */
static size_t encode_twelves(struct str bytes, char *to)
{
    (void)bytes, (void)to;
    return 0;
}

static size_t decode_sixteens(struct str text, char *to)
{
    (void)text, (void)to;
    return 0;
}
#endif

/* Attachments are long: twelve octets at a time, then three, the rest as above. */
void encode_base64(struct buf *out, struct str bytes)
{
    const unsigned char *from = (const unsigned char *)bytes.p;
    char *p = buf_room(out, bytes.n / 3 * 4 + 4);
    size_t whole = bytes.n / 3 * 3, i = encode_twelves(bytes, p);

    p += i / 3 * 4;
    for (; i < whole; i += 3, p += 4) {
        uint32_t held = (uint32_t)from[i] << 16 | (uint32_t)from[i + 1] << 8 | from[i + 2];
        p[0] = BASE64[held >> 18];
        p[1] = BASE64[held >> 12 & 63];
        p[2] = BASE64[held >> 6 & 63];
        p[3] = BASE64[held & 63];
    }
    *p = 0;
    out->n += whole / 3 * 4;
    encode(out, str_slice(bytes, whole, bytes.n), 6, BASE64);
    for (size_t n = bytes.n; n % 3 != 0; n++)
        buf_add_char(out, '=');
}

void encode_base64url(struct buf *out, struct str bytes)
{
    encode(out, bytes, 6, BASE64URL);
}

/* A digit's value by its character, 64 for a foreign one. */
struct values {
    uint8_t of[256];
};

static void learn(struct values *v, const char *digits, bool any_case)
{
    memset(v->of, 64, sizeof v->of);
    for (unsigned i = 0; digits[i]; i++) {
        unsigned char c = (unsigned char)digits[i];
        v->of[c] = (uint8_t)i;
        if (any_case && c >= 'a' && c <= 'z')
            v->of[c - 32] = (uint8_t)i;
    }
}

static size_t decoded(struct str text, unsigned bits)
{
    return text.n / 8 * bits + text.n % 8 * bits / 8;
}

/* Left-over bits must be zero and fewer than a digit, so that bytes have one spelling only. */
static bool decode(struct buf *out, struct str text, unsigned bits, const struct values *v)
{
    uint32_t held = 0;
    unsigned held_bits = 0;
    char *p = buf_room(out, decoded(text, bits));
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        uint8_t value = v->of[(unsigned char)text.p[i]];
        if (value == 64) {
            *p = 0;
            return false;
        }
        held = held << bits | value;
        held_bits += bits;
        if (held_bits >= 8) {
            held_bits -= 8;
            p[n++] = (char)(held >> held_bits & 0xff);
        }
    }
    bool right = held_bits < bits && (held & ((1u << held_bits) - 1)) == 0;
    n = right ? n : 0;
    p[n] = 0;
    out->n += n;
    return right;
}

bool decode_hex(struct buf *out, struct str text)
{
    struct values v;

    learn(&v, HEX, true);
    return decode(out, text, 4, &v);
}

bool decode_base32(struct buf *out, struct str text)
{
    struct values v;

    learn(&v, BASE32, true);
    return decode(out, text, 5, &v);
}

/* As many of the whole groups of four digits as hold no foreign character; returns their length in the text. */
static size_t decode_fours(struct buf *out, struct str text, const struct values *v)
{
    const unsigned char *from = (const unsigned char *)text.p;
    char *start = buf_room(out, decoded(text, 6)), *p = start;
    size_t i = decode_sixteens(text, p);

    for (p += i / 4 * 3; i + 4 <= text.n; i += 4, p += 3) {
        uint8_t a = v->of[from[i]], b = v->of[from[i + 1]], c = v->of[from[i + 2]],
                d = v->of[from[i + 3]];
        if ((a | b | c | d) & 64)
            break;
        p[0] = (char)(a << 2 | b >> 4);
        p[1] = (char)(b << 4 | c >> 2);
        p[2] = (char)(c << 6 | d);
    }
    *p = 0;
    out->n += (size_t)(p - start);
    return i;
}

bool decode_base64(struct buf *out, struct str text)
{
    size_t before = out->n;
    struct values v;

    if (text.n % 4 != 0)
        return false;
    for (int pads = 0; pads < 2 && text.n > 0 && text.p[text.n - 1] == '='; pads++)
        text.n--;
    learn(&v, BASE64, false);
    size_t done = decode_fours(out, text, &v);
    if (decode(out, str_slice(text, done, text.n), 6, &v))
        return true;
    buf_cut(out, before);
    return false;
}

bool decode_base64url(struct buf *out, struct str text)
{
    struct values v;

    learn(&v, BASE64URL, false);
    return decode(out, text, 6, &v);
}
