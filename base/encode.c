#include "base/encode.h"

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

/* Attachments are long: three octets at a time, the rest as above. */
void encode_base64(struct buf *out, struct str bytes)
{
    const unsigned char *from = (const unsigned char *)bytes.p;
    char *p = buf_room(out, bytes.n / 3 * 4 + 4);
    size_t whole = bytes.n / 3 * 3;

    for (size_t i = 0; i < whole; i += 3, p += 4) {
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

/* Left-over bits must be zero and fewer than a digit, so that bytes have one spelling only. */
static bool decode(struct buf *out, struct str text, unsigned bits, const struct values *v)
{
    uint32_t held = 0;
    unsigned held_bits = 0;
    char *p = buf_room(out, text.n);
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
    char *p = buf_room(out, text.n / 4 * 3 + 1);
    size_t i = 0;

    for (; i + 4 <= text.n; i += 4, p += 3) {
        uint8_t a = v->of[from[i]], b = v->of[from[i + 1]], c = v->of[from[i + 2]],
                d = v->of[from[i + 3]];
        if ((a | b | c | d) & 64)
            break;
        p[0] = (char)(a << 2 | b >> 4);
        p[1] = (char)(b << 4 | c >> 2);
        p[2] = (char)(c << 6 | d);
    }
    *p = 0;
    out->n += i / 4 * 3;
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
