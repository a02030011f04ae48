#include "mailer/reason/reason_words.h"

#include <stdlib.h>

#define GAP_MAX 60

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    c = lower(c);
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c & 0x80);
}

/* Enhanced codes */

static size_t digits_at(struct str s, size_t at)
{
    size_t n = 0;

    while (n < 4 && at + n < s.n && is_digit(s.p[at + n]))
        n++;
    return n;
}

/* Length of the enhanced code at the start of s, 0 = none. Four numbers are an IP address. */
static size_t status_length(struct str s)
{
    if (s.n < 5 || (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5') || s.p[1] != '.')
        return 0;
    size_t subject = digits_at(s, 2);
    size_t dot = 2 + subject;
    if (subject == 0 || subject > 3 || dot >= s.n || s.p[dot] != '.')
        return 0;
    size_t detail = digits_at(s, dot + 1);
    size_t end = dot + 1 + detail;
    if (detail == 0 || detail > 3 || (end < s.n && is_word(s.p[end])))
        return 0;
    return end + 1 < s.n && s.p[end] == '.' && is_digit(s.p[end + 1]) ? 0 : end;
}

/* The first enhanced code that begins with one of these digits. */
static struct str find_status(struct str text, const char *digits)
{
    for (size_t i = 0; i < text.n; i++) {
        if (i > 0 && (is_word(text.p[i - 1]) || text.p[i - 1] == '.'))
            continue;
        size_t n = status_length(str_slice(text, i, text.n));
        if (n > 0 && strchr(digits, text.p[i]))
            return str_slice(text, i, i + n);
    }
    return STR("");
}

static void read_status(struct str text, int code, char out[REASON_STATUS_SIZE])
{
    struct str found = STR("");

    if (code >= 200 && code < 600)
        found = find_status(text, (char[]){(char)('0' + code / 100), 0});
    if (found.n == 0)
        found = find_status(text, "45");
    if (!str_copy(found, out, REASON_STATUS_SIZE))
        out[0] = 0;
}

/* Folding */

static bool is_address_char(char c)
{
    return is_word(c) || (c && strchr("._%+-=/&#!~'", c));
}

/* Length of the piece of an address at the start of s; 0 when there is no "@" in it. */
static size_t address_length(struct str s)
{
    size_t local = 0, end;

    while (local < s.n && is_address_char(s.p[local]))
        local++;
    if (local == 0 || local == s.n || s.p[local] != '@')
        return 0;
    end = local + 1;
    while (end < s.n && (is_word(s.p[end]) || s.p[end] == '.' || s.p[end] == '-'))
        end++;
    return s.p[end - 1] == '.' ? end - 1 : end;
}

/* Length of "550-", "550 " or the enhanced code at a word's start, with the space behind it: lines repeat them. */
static size_t repeated_length(struct str s, int code, const char *status)
{
    struct str words = str_of(status);
    char digits[4] = {
        (char)('0' + code / 100 % 10), (char)('0' + code / 10 % 10), (char)('0' + code % 10), 0};

    if (code >= 200 && s.n > 3 && str_starts(s, str_of(digits)) && (s.p[3] == '-' || s.p[3] == ' '))
        return 4;
    if (words.n > 0 && str_starts(s, words) && s.n > words.n && s.p[words.n] == ' ')
        return words.n + 1;
    return 0;
}

static void add(struct reason_text *out, char c)
{
    bool space = (unsigned char)c <= 0x20 || c == 0x7f;

    if (space && (out->n == 0 || out->bytes[out->n - 1] == ' '))
        return;
    out->bytes[out->n++] = space ? ' ' : lower(c);
}

static unsigned pair_at(const char *p)
{
    return (unsigned)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

static void note_pairs(struct reason_text *t)
{
    memset(t->pairs, 0, sizeof t->pairs);
    for (size_t i = 0; i + 1 < t->n; i++)
        t->pairs[pair_at(t->bytes + i) / 64] |= UINT64_C(1) << pair_at(t->bytes + i) % 64;
}

void reason_fold(struct str text, int code, struct reason_text *out)
{
    text = str_slice(text, 0, REASON_TEXT_MAX);
    out->n = 0;
    read_status(text, code, out->status);
    for (size_t i = 0; i < text.n;) {
        struct str rest = str_slice(text, i, text.n);
        bool starts = out->n == 0 || out->bytes[out->n - 1] == ' ';
        size_t repeated = starts ? repeated_length(rest, code, out->status) : 0;
        bool inside_word = i > 0 && is_address_char(text.p[i - 1]);
        size_t address = inside_word ? 0 : address_length(rest);
        if (address > 0)
            add(out, '@');
        else if (repeated == 0)
            add(out, text.p[i]);
        i += address > 0 ? address : repeated > 0 ? repeated : 1;
    }
    note_pairs(out);
}

/* Finding */

static bool is_edge(struct str text, size_t at)
{
    return at == 0 || at == text.n || !is_word(text.p[at - 1]) || !is_word(text.p[at]);
}

/* Where the piece begins, at or after `from` and before `to`; SIZE_MAX = nowhere. *end is behind it. */
static size_t find_piece(struct str text, struct str piece, size_t from, size_t to, size_t *end)
{
    bool edge_before = str_starts(piece, STR("~")),
         edge_after = piece.n > 1 && str_ends(piece, STR("~"));
    struct str literal = str_slice(piece, edge_before ? 1 : 0, piece.n - (edge_after ? 1 : 0));

    for (size_t at = str_find(text, literal, from); at < text.n && at < to;
         at = str_find(text, literal, at + 1)) {
        *end = at + literal.n;
        if ((!edge_before || is_edge(text, at)) && (!edge_after || is_edge(text, *end)))
            return at;
    }
    return SIZE_MAX;
}

static bool rest_follows(struct str text, struct str pattern, size_t end)
{
    struct str piece;

    while (str_next(&pattern, '*', &piece))
        if (find_piece(text, piece, end, end + GAP_MAX + 1, &end) == SIZE_MAX)
            return false;
    return true;
}

static bool has_one(struct str text, struct str pattern)
{
    struct str first;
    size_t at = 0, end;

    if (!str_next(&pattern, '*', &first))
        return false;
    while ((at = find_piece(text, first, at, text.n, &end)) != SIZE_MAX) {
        if (rest_follows(text, pattern, end))
            return true;
        at++;
    }
    return false;
}

/* Whether the pattern's first two bytes stand together anywhere: five times as fast as looking for each. */
static bool may_have(const struct reason_text *t, struct str pattern)
{
    struct str s = str_slice(pattern, pattern.n > 0 && pattern.p[0] == '~' ? 1 : 0, pattern.n);

    if (s.n < 2 || s.p[1] == '*' || s.p[1] == '~')
        return true;
    return t->pairs[pair_at(s.p) / 64] >> pair_at(s.p) % 64 & 1;
}

bool reason_has(const struct reason_text *text, const char *patterns)
{
    struct str all = str_of(patterns), one;

    while (str_next(&all, '|', &one))
        if (may_have(text, one) && has_one(str_bytes(text->bytes, text->n), one))
            return true;
    return false;
}

/* Status patterns */

static bool number_fits(struct str number, struct str pattern)
{
    size_t dash = str_find_char(pattern, '-', 0);
    uint64_t value, from, to;

    if (str_is(pattern, "*"))
        return true;
    if (!str_to_u64(number, &value) || !str_to_u64(str_slice(pattern, 0, dash), &from))
        return false;
    to = from;
    if (dash < pattern.n && !str_to_u64(str_slice(pattern, dash + 1, pattern.n), &to))
        return false;
    return from <= value && value <= to;
}

static bool status_fits_one(struct str status, struct str pattern)
{
    struct str have, want;

    if (!str_next(&status, '.', &have) || !str_next(&pattern, '.', &want))
        return false;
    if (!str_eq(have, want) && !(str_is(want, "x") && (str_is(have, "4") || str_is(have, "5"))))
        return false;
    while (str_next(&pattern, '.', &want))
        if (!str_next(&status, '.', &have) || !number_fits(have, want))
            return false;
    return true;
}

bool reason_status_fits(const char *status, const char *patterns)
{
    struct str all = str_of(patterns), one;

    while (status[0] && str_next(&all, '|', &one))
        if (status_fits_one(str_of(status), one))
            return true;
    return false;
}
