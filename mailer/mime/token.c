/* Tokens: a payload of bytes and its MAC. Payload: format, key version, then the fields of the use.
 * Numbers are base-128 with the high bit for "more follows", texts a length and their octets. */
#include "mailer/mime/token.h"

#include "base/encode.h"
#include "base/ids.h"

#define FORMAT 1
#define MAC_BYTES 16 /* 128 bits; the reverse-path leaves room for 19 */
#define TEXT_MAX 600 /* characters of a token that is looked at */
#define PACKED 255   /* in place of a length: an id of ours as 16 bytes */
#define PACKED_PREFIX "msg_"

/* ---- writing --------------------------------------------------------------------------------- */

static void put_number(struct buf *b, unsigned n)
{
    for (; n >= 0x80; n >>= 7)
        buf_add_char(b, (char)(n | 0x80));
    buf_add_char(b, (char)n);
}

static void put_text(struct buf *b, const char *text, size_t size)
{
    size_t n = strnlen(text, size - 1);

    buf_add_char(b, (char)n);
    buf_add(b, str_bytes(text, n));
}

static const char crockford[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* The 26 characters of an id hold 130 bits: the first one only three. */
static bool pack_id(struct str digits, unsigned char out[16])
{
    unsigned __int128 value = 0;

    for (size_t i = 0; i < digits.n; i++) {
        const char *digit = digits.p[i] ? strchr(crockford, digits.p[i]) : NULL;

        if (!digit || (i == 0 && digit - crockford > 7))
            return false;
        value = value << 5 | (unsigned)(digit - crockford);
    }
    for (size_t i = 16; i-- > 0; value >>= 8)
        out[i] = (unsigned char)value;
    return true;
}

static void unpack_id(struct str bytes, char out[ID_SIZE])
{
    unsigned __int128 value = 0;
    size_t n = sizeof PACKED_PREFIX - 1;

    for (size_t i = 0; i < bytes.n; i++)
        value = value << 8 | (unsigned char)bytes.p[i];
    memcpy(out, PACKED_PREFIX, n);
    for (size_t i = 26; i-- > 0; value >>= 5)
        out[n + i] = crockford[(unsigned)value & 31];
    out[n + 26] = '\0';
}

static void put_id(struct buf *b, const char *id)
{
    struct str s = str_of(id);
    struct str digits = str_slice(s, sizeof PACKED_PREFIX - 1, s.n);
    unsigned char packed[16];

    if (str_starts(s, STR(PACKED_PREFIX)) && digits.n == 26 && pack_id(digits, packed)) {
        buf_add_char(b, (char)PACKED);
        buf_add(b, str_bytes(packed, sizeof packed));
    } else {
        put_text(b, id, ID_SIZE);
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool get_byte(struct str *rest, unsigned *out)
{
    if (rest->n == 0)
        return false;
    *out = (unsigned char)rest->p[0];
    *rest = str_slice(*rest, 1, rest->n);
    return true;
}

static bool get_number(struct str *rest, unsigned *out)
{
    unsigned byte = 0x80, value = 0;

    for (unsigned shift = 0; byte & 0x80; shift += 7) {
        if (shift > 21 || !get_byte(rest, &byte))
            return false;
        value |= (byte & 0x7f) << shift;
    }
    *out = value;
    return true;
}

static bool get_bytes(struct str *rest, size_t n, struct str *out)
{
    if (rest->n < n)
        return false;
    *out = str_slice(*rest, 0, n);
    *rest = str_slice(*rest, n, rest->n);
    return true;
}

static bool get_text(struct str *rest, char *out, size_t size)
{
    struct str text;
    unsigned n;

    return get_byte(rest, &n) && get_bytes(rest, n, &text) && str_copy(text, out, size);
}

static bool get_id(struct str *rest, char out[ID_SIZE])
{
    struct str bytes;

    if (rest->n == 0 || (unsigned char)rest->p[0] != PACKED)
        return get_text(rest, out, ID_SIZE);
    *rest = str_slice(*rest, 1, rest->n);
    if (!get_bytes(rest, 16, &bytes))
        return false;
    unpack_id(bytes, out);
    return true;
}

/* ---- sealing --------------------------------------------------------------------------------- */

static void mac_of(
    const struct seal_key *key, enum key_use use, struct str payload, struct digest *out)
{
    struct str parts[] = {STR("parcelpost token"), str_of(key_use_name(use)), payload};

    hash_hmac_parts(str_bytes(key->b, sizeof key->b), parts, COUNT_OF(parts), out);
}

static const struct seal_key *begin(const struct keyring *k, enum key_use use, struct buf *payload)
{
    unsigned version = 0;
    const struct seal_key *key = keyring_current(k, use, &version);

    buf_add_char(payload, FORMAT);
    put_number(payload, version);
    return key;
}

static void finish(
    const struct seal_key *key, enum key_use use, struct buf *payload, struct buf *out)
{
    struct digest mac;

    mac_of(key, use, buf_str(payload), &mac);
    buf_add(payload, str_slice(digest_str(&mac), 0, MAC_BYTES));
    encode_base32(out, buf_str(payload));
}

/* Decodes into `bytes` and checks the MAC; *fields are then those of the use. */
static bool open_token(const struct keyring *k, enum key_use use, struct str text,
    struct buf *bytes, struct str *fields, unsigned *key_version)
{
    const struct seal_key *key;
    struct digest mac;
    struct str payload;
    unsigned format;

    if (text.n > TEXT_MAX || !decode_base32(bytes, text) || bytes->n < MAC_BYTES)
        return false;
    payload = str_slice(buf_str(bytes), 0, bytes->n - MAC_BYTES);
    *fields = payload;
    if (!get_byte(fields, &format) || format != FORMAT || !get_number(fields, key_version))
        return false;
    key = keyring_version(k, use, *key_version);
    if (!key)
        return false;
    mac_of(key, use, payload, &mac);
    return hash_equal(
        str_slice(digest_str(&mac), 0, MAC_BYTES), str_slice(buf_str(bytes), payload.n, bytes->n));
}

/* ---- the uses -------------------------------------------------------------------------------- */

void token_unsubscribe(const struct keyring *k, const struct unsubscribe_token *t, struct buf *out)
{
    AUTO(buf_close) struct buf payload = {0};
    const struct seal_key *key = begin(k, KEY_UNSUBSCRIBE, &payload);

    put_text(&payload, t->storefront, sizeof t->storefront);
    put_text(&payload, t->stream, sizeof t->stream);
    buf_add(&payload, digest_str(&t->person));
    put_number(&payload, t->pepper_version);
    put_id(&payload, t->message_id);
    finish(key, KEY_UNSUBSCRIBE, &payload, out);
}

bool token_unsubscribe_open(
    const struct keyring *k, struct str text, struct unsubscribe_token *out, unsigned *key_version)
{
    AUTO(buf_close) struct buf bytes = {0};
    struct unsubscribe_token t = {0};
    struct str rest, person;
    unsigned version;

    if (!open_token(k, KEY_UNSUBSCRIBE, text, &bytes, &rest, &version))
        return false;
    if (!get_text(&rest, t.storefront, sizeof t.storefront) ||
        !get_text(&rest, t.stream, sizeof t.stream) ||
        !get_bytes(&rest, sizeof t.person.b, &person) || !get_number(&rest, &t.pepper_version) ||
        !get_id(&rest, t.message_id) || rest.n > 0)
        return false;
    memcpy(t.person.b, person.p, sizeof t.person.b);
    *out = t;
    *key_version = version;
    return true;
}

void token_return_path(const struct keyring *k, const char *message_id, struct buf *out)
{
    AUTO(buf_close) struct buf payload = {0};
    const struct seal_key *key = begin(k, KEY_RETURN_PATH, &payload);

    put_id(&payload, message_id);
    buf_add(out, STR("b+"));
    finish(key, KEY_RETURN_PATH, &payload, out);
}

bool token_return_path_open(const struct keyring *k, struct str local_part, char message_id[40])
{
    AUTO(buf_close) struct buf bytes = {0};
    struct str text = str_slice(local_part, 2, local_part.n), rest;
    char id[ID_SIZE] = "";
    unsigned version;

    if (!str_starts_nocase(local_part, STR("b+")) ||
        !open_token(k, KEY_RETURN_PATH, text, &bytes, &rest, &version))
        return false;
    if (!get_id(&rest, id) || rest.n > 0)
        return false;
    memcpy(message_id, id, sizeof id);
    return true;
}
