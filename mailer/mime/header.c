/* Header lines. Everything is built from one step: put a piece after a space, on a new line when it
 * does not fit. The first piece never folds, so that no line holds a bare field name. */
#include "mailer/mime/header.h"

#include "base/encode.h"

#define WORD_MAX 75                  /* RFC 2047 s2: one encoded word */
#define WORD_FRAME 12                /* "=?UTF-8?Q?" and "?=" */
#define WORD_LEAST (WORD_FRAME + 12) /* four octets of UTF-8, as Q */
#define TOKEN_MAX 900                /* a longer word would near the limit of 998 */

const char *header_fault(struct str value)
{
    if (value.n > HEADER_VALUE_MAX)
        return "is too long";
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        unsigned char next = i + 1 < value.n ? (unsigned char)value.p[i + 1] : 0;

        if (c == '\r' || c == '\n')
            return "has a line break";
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && next >= 0x80 && next <= 0x9f))
            return "has a control character";
    }
    return str_is_utf8(value) ? NULL : "is not valid UTF-8";
}

/* ---- folding --------------------------------------------------------------------------------- */

static void put(struct field *f, struct str s)
{
    buf_add(f->out, s);
    f->column += s.n;
}

/* Puts `gap` (spaces) and `piece`, folded before the gap when the line would grow too long. */
static void put_piece(struct field *f, struct str gap, struct str piece)
{
    bool first = f->out->n > 0 && f->out->p[f->out->n - 1] == ':';

    if (!first && gap.n > 0 && f->column + gap.n + piece.n > HEADER_LINE) {
        buf_add(f->out, STR("\r\n"));
        f->column = 0;
    }
    put(f, gap);
    put(f, piece);
}

struct field field_begin(struct buf *out, struct str name)
{
    struct field f = {.out = out};

    put(&f, name);
    put(&f, STR(":"));
    return f;
}

void field_end(struct field *f)
{
    buf_add(f->out, STR("\r\n"));
    f->column = 0;
}

void field_token(struct field *f, struct str token)
{
    put_piece(f, STR(" "), token);
}

/* ---- encoded words --------------------------------------------------------------------------- */

/* What RFC 2047 s5 (3) lets stand for itself in a phrase: right in every other place too. */
static bool q_is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '!' ||
           c == '*' || c == '+' || c == '-' || c == '/';
}

static size_t q_cost(struct str s)
{
    size_t cost = 0;

    for (size_t i = 0; i < s.n; i++)
        cost += q_is_plain((unsigned char)s.p[i]) || s.p[i] == ' ' ? 1 : 3;
    return cost;
}

static size_t b_cost(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

static void q_add(struct buf *out, struct str s)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == ' ') {
            buf_add_char(out, '_');
        } else if (q_is_plain(c)) {
            buf_add_char(out, (char)c);
        } else {
            buf_add_char(out, '=');
            buf_add_char(out, hex[c >> 4]);
            buf_add_char(out, hex[c & 15]);
        }
    }
}

/* The longest prefix of whole characters whose encoding takes at most `room` octets. In base64 a prefix
 * that needs no padding is preferred: some readers join neighbouring words before they decode. */
static size_t prefix_that_fits(struct str s, bool base64, size_t room)
{
    size_t taken = 0, unpadded = 0, cost = 0;

    while (taken < s.n) {
        size_t n = str_utf8_length(str_slice(s, taken, s.n));

        n = n > 0 ? n : 1; /* header_fault() keeps broken UTF-8 out; here it must only not stall */
        cost = base64 ? b_cost(taken + n) : cost + q_cost(str_slice(s, taken, taken + n));
        if (cost > room)
            break;
        taken += n;
        unpadded = taken % 3 == 0 ? taken : unpadded;
    }
    return base64 && taken < s.n && unpadded > 0 ? unpadded : taken;
}

/* All of s as encoded words, each of whole characters, in the shorter of the two encodings. */
static void put_encoded(struct field *f, struct str s)
{
    bool base64 = b_cost(s.n) < q_cost(s);

    while (s.n > 0) {
        AUTO(buf_close) struct buf word = {0};
        size_t room =
            f->column + 1 + WORD_LEAST > HEADER_LINE ? WORD_MAX : HEADER_LINE - 1 - f->column;
        size_t n = prefix_that_fits(s, base64, room - WORD_FRAME);

        buf_add_text(&word, base64 ? "=?UTF-8?B?" : "=?UTF-8?Q?");
        if (base64)
            encode_base64(&word, str_slice(s, 0, n));
        else
            q_add(&word, str_slice(s, 0, n));
        buf_add_text(&word, "?=");
        put_piece(f, STR(" "), buf_str(&word));
        s = str_slice(s, n, s.n);
    }
}

/* ---- unstructured text ----------------------------------------------------------------------- */

/* A word that cannot stand as it is: foreign letters, a look-alike of an encoded word, or very
 * long. */
static bool word_needs_encoding(struct str word)
{
    return !str_is_ascii(word) || str_find(word, STR("=?"), 0) != word.n || word.n > TOKEN_MAX;
}

/* Words and the spaces before them, each fold keeping the spaces, so that unfolding restores the
 * text. */
static void put_words(struct field *f, struct str text)
{
    size_t at = 0;

    while (at < text.n) {
        size_t word = at, end;

        while (word < text.n && text.p[word] == ' ')
            word++;
        end = str_find_char(text, ' ', word);
        put_piece(f, str_slice(text, at, word), str_slice(text, word, end));
        at = end;
    }
}

/* Where encoding must begin and end: the first to the last word that needs it; all of a text whose
 * spaces would be lost or doubled beside encoded words. */
static bool encoded_region(struct str text, size_t *from, size_t *to)
{
    struct str rest = text, word;
    bool odd_spaces = text.n > 0 && (text.p[0] == ' ' || text.p[text.n - 1] == ' ');
    bool found = false;

    while (str_next(&rest, ' ', &word)) {
        size_t at = (size_t)(word.p - text.p);

        if (word_needs_encoding(word)) {
            *from = found ? *from : at;
            *to = at + word.n;
            found = true;
        }
    }
    if (odd_spaces || (found && str_find(text, STR("  "), 0) != text.n)) {
        *from = 0;
        *to = text.n;
        return true;
    }
    return found;
}

void field_text(struct field *f, struct str text)
{
    AUTO(buf_close) struct buf spaced = {0};
    size_t from = 0, to = 0;

    if (text.n == 0)
        return;
    if (!encoded_region(text, &from, &to)) {
        buf_add(&spaced, STR(" "));
        buf_add(&spaced, text);
        put_words(f, buf_str(&spaced));
        return;
    }
    if (from > 0) {
        buf_add(&spaced, STR(" "));
        buf_add(&spaced, str_slice(text, 0, from - 1));
        put_words(f, buf_str(&spaced));
    }
    put_encoded(f, str_slice(text, from, to));
    put_words(f, str_slice(text, to, text.n));
}

/* ---- mailboxes ------------------------------------------------------------------------------- */

enum spelling { PLAIN, QUOTED, ENCODED };

#define QUOTED_MAX 60 /* a longer one would be folded inside, and readers keep that line break */

/* How a display name must be written (RFC 5322 s3.2.3-3.2.5): atoms, a quoted string, encoded words. */
static enum spelling display_spelling(struct str name)
{
    enum spelling spelling = PLAIN;

    if (!str_is_ascii(name) || name.p[0] == ' ' || name.p[name.n - 1] == ' ')
        return ENCODED;
    if (str_find(name, STR("=?"), 0) != name.n || str_find(name, STR("  "), 0) != name.n)
        return ENCODED;
    for (size_t i = 0; i < name.n; i++)
        if (strchr("()<>[]:;@\\,.\"", name.p[i]))
            spelling = QUOTED;
    if (spelling == QUOTED && name.n > QUOTED_MAX)
        return ENCODED;
    for (size_t at = 0; at < name.n; at = str_find_char(name, ' ', at) + 1)
        if (str_find_char(name, ' ', at) - at > TOKEN_MAX)
            return ENCODED;
    return spelling;
}

static void quote(struct buf *out, struct str text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, text.p[i]);
    }
    buf_add_char(out, '"');
}

static void put_display(struct field *f, struct str name)
{
    AUTO(buf_close) struct buf written = {0};

    switch (display_spelling(name)) {
    case ENCODED:
        put_encoded(f, name);
        break;
    case QUOTED:
        quote(&written, name);
        put_piece(f, STR(" "), buf_str(&written));
        break;
    case PLAIN:
        buf_add_char(&written, ' ');
        buf_add(&written, name);
        put_words(f, buf_str(&written));
        break;
    }
}

void field_mailbox(struct field *f, const struct address *a)
{
    AUTO(buf_close) struct buf spec = {0};

    if (a->display.n == 0) {
        put_piece(f, STR(" "), a->spec);
        return;
    }
    put_display(f, a->display);
    buf_addf(&spec, "<" STR_FMT ">", STR_ARG(a->spec));
    put_piece(f, STR(" "), buf_str(&spec));
}

/* ---- parameters ------------------------------------------------------------------------------ */

/* attribute-char of RFC 2231 s7. */
static bool is_attribute_char(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$&+-.^_`{|}~", c));
}

static void percent_add(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (is_attribute_char(c))
            buf_add_char(out, (char)c);
        else
            buf_addf(out, "%%%02X", c);
    }
}

/* name*0*=UTF-8''...; name*1*=...: each section of whole characters on a line of its own; name*=
 * when one is enough. */
static void put_extended(struct field *f, struct str name, struct str value)
{
    AUTO(buf_close) struct buf section = {0};
    AUTO(buf_close) struct buf one = {0};
    unsigned number = 0;
    size_t at = 0;

    percent_add(&section, value);
    if (name.n + section.n + sizeof(" *=UTF-8'';") <= HEADER_LINE) {
        buf_insert(&section, 0, STR("*=UTF-8''"));
        buf_insert(&section, 0, name);
        put_piece(f, STR(" "), buf_str(&section));
        return;
    }
    while (at < value.n) {
        buf_clear(&section);
        buf_addf(&section, STR_FMT "*%u*=%s", STR_ARG(name), number, number == 0 ? "UTF-8''" : "");
        for (; at < value.n; at += str_utf8_length(str_slice(value, at, value.n))) {
            buf_clear(&one);
            percent_add(
                &one, str_slice(value, at, at + str_utf8_length(str_slice(value, at, value.n))));
            if (section.n + one.n + sizeof(" ;") > HEADER_LINE)
                break;
            buf_add(&section, buf_str(&one));
        }
        if (at < value.n)
            buf_add_char(&section, ';');
        put_piece(f, STR(" "), buf_str(&section));
        number++;
    }
}

void field_parameter(struct field *f, struct str name, struct str value)
{
    AUTO(buf_close) struct buf plain = {0};

    put(f, STR(";"));
    buf_add(&plain, name);
    buf_add_char(&plain, '=');
    quote(&plain, value);
    if (str_is_ascii(value) && plain.n < HEADER_LINE - 1)
        put_piece(f, STR(" "), buf_str(&plain));
    else
        put_extended(f, name, value);
}
