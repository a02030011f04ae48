#include "dns/spf_macro.h"

#define DELIMITERS ".-+,/_="
#define MANY_PARTS 100000 /* more than any value has: where larger counts stop */

/* ---- grammar (s7.1) ----------------------------------------------------------------------------- */

/* One "%..." of a macro string. */
struct macro {
    char letter; /* lower case; '%', '_' or '-' for the three that stand for themselves */
    bool upper, reverse;
    size_t parts; /* 0: all */
    struct str delimiters;
    size_t length; /* with "%", "{" and "}" */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    char folded = (char)(c | 0x20);
    return folded >= 'a' && folded <= 'z';
}

static bool is_one_of(char c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

static bool fault(struct spf_place *out, size_t at, struct said why)
{
    *out = (struct spf_place){at, why};
    return false;
}

/* transformers *delimiter "}" from s.p[at] on. */
static bool read_transformers(struct str s, size_t at, struct macro *out, struct spf_place *place)
{
    size_t digits = at, delimiters;
    for (; at < s.n && is_digit(s.p[at]); at++)
        if (out->parts < MANY_PARTS)
            out->parts = out->parts * 10 + (size_t)(s.p[at] - '0');
    if (at > digits && out->parts == 0)
        return fault(place, digits,
            SAID("spf.macro_parts", "a macro cannot keep 0 parts: write 1 or more, or no number"));
    out->reverse = at < s.n && (s.p[at] | 0x20) == 'r';
    at += out->reverse;
    for (delimiters = at; at < s.n && is_one_of(s.p[at], DELIMITERS);)
        at++;
    if (at == s.n || s.p[at] != '}')
        return fault(place, at,
            SAID("spf.macro", "a macro is %{, a letter, a number, r, delimiters of .-+,/_= and }"));
    out->delimiters = at > delimiters ? str_slice(s, delimiters, at) : STR(".");
    out->length = at + 1;
    return true;
}

/* s begins with "%". */
static bool read_macro(struct str s, struct macro *out, struct spf_place *place)
{
    *out = (struct macro){.length = 2};
    out->letter = s.n > 1 ? s.p[1] : 0;
    if (is_one_of(out->letter, "%_-"))
        return true;
    if (out->letter != '{')
        return fault(place, 0,
            SAID("spf.macro_percent", "a bare % is no macro: write %% for the character itself"));
    char letter = s.n > 2 ? s.p[2] : 0;
    out->letter = (char)(letter | 0x20);
    out->upper = letter != out->letter;
    if (!is_one_of(out->letter, "slodiphcrtv"))
        return fault(place, 2,
            SAID("spf.macro_letter", "there is no macro of this letter: s l o d i p h v exist"));
    return read_transformers(s, 3, out, place);
}

/* Where the last macro ends; 0 without one. */
static bool scan(struct str s, enum spf_macro_use use, size_t *tail, struct spf_place *out)
{
    *tail = 0;
    for (size_t at = 0; at < s.n;) {
        char c = s.p[at];
        if (c != '%') {
            bool blank = c == ' ' && use == SPF_MACRO_IN_EXPLANATION;
            if (!blank && (c <= ' ' || c >= 0x7f))
                return fault(
                    out, at, SAID("spf.not_ascii", "only visible ASCII characters may stand here"));
            at++;
            continue;
        }
        struct macro m;
        if (!read_macro(str_slice(s, at, s.n), &m, out)) {
            out->at += at;
            return false;
        }
        if (use == SPF_MACRO_IN_TERM && is_one_of(m.letter, "crt"))
            return fault(out, at,
                SAID("spf.macro_explanation", "the macros c, r and t are for explanations only"));
        at += m.length;
        *tail = at;
    }
    return true;
}

bool spf_macro_is_valid(struct str s, enum spf_macro_use use, struct spf_place *out)
{
    size_t tail;
    return scan(s, use, &tail, out);
}

bool spf_is_toplabel(struct str s)
{
    bool digits_only = true;
    for (size_t i = 0; i < s.n; i++) {
        bool hyphen = s.p[i] == '-';
        if (!is_digit(s.p[i]) && !is_alpha(s.p[i]) && (!hyphen || i == 0 || i + 1 == s.n))
            return false;
        digits_only = digits_only && is_digit(s.p[i]);
    }
    return !digits_only;
}

bool spf_domain_spec_is_valid(struct str s, struct spf_place *out)
{
    size_t tail;
    if (s.n == 0)
        return fault(out, 0, SAID("spf.no_domain", "a domain is missing"));
    if (!scan(s, SPF_MACRO_IN_TERM, &tail, out))
        return false;
    if (tail == s.n)
        return true;
    size_t end = s.p[s.n - 1] == '.' ? s.n - 1 : s.n, label = end;
    while (label > tail && s.p[label - 1] != '.')
        label--;
    if (label == tail || !spf_is_toplabel(str_slice(s, label, end)))
        return fault(out, label,
            SAID("spf.domain_end",
                "a domain must end in a dot and a top-level label, or in a macro"));
    return true;
}

/* ---- expansion (s7.3) --------------------------------------------------------------------------- */

static void add_hex(struct buf *out, unsigned nibble, bool upper)
{
    buf_add_char(out, (upper ? "0123456789ABCDEF" : "0123456789abcdef")[nibble & 15]);
}

static void add_char(struct buf *out, char c, bool escaped)
{
    if (!escaped || is_digit(c) || is_alpha(c) || is_one_of(c, "-._~")) {
        buf_add_char(out, c);
        return;
    }
    buf_add_char(out, '%');
    add_hex(out, (uint8_t)c >> 4, true);
    add_hex(out, (uint8_t)c, true);
}

static bool is_delimiter(const struct macro *m, char c)
{
    return str_find_char(m->delimiters, c, 0) < m->delimiters.n;
}

/* Where the part begins that ends at `end`. */
static size_t part_before(const struct macro *m, struct str value, size_t end)
{
    while (end > 0 && !is_delimiter(m, value.p[end - 1]))
        end--;
    return end;
}

/* Where the part ends that begins at `from`. */
static size_t part_behind(const struct macro *m, struct str value, size_t from)
{
    while (from < value.n && !is_delimiter(m, value.p[from]))
        from++;
    return from;
}

static void add_part(const struct macro *m, struct str part, struct buf *out)
{
    for (size_t i = 0; i < part.n; i++)
        add_char(out, is_delimiter(m, part.p[i]) ? '.' : part.p[i], m->upper);
}

static void add_right_parts(const struct macro *m, struct str value, struct buf *out)
{
    size_t from = part_before(m, value, value.n);
    for (size_t kept = 1; from > 0 && (m->parts == 0 || kept < m->parts); kept++)
        from = part_before(m, value, from - 1);
    add_part(m, str_slice(value, from, value.n), out);
}

/* The right-hand parts are taken after the reversal: the left-hand ones, from the last to the first. */
static void add_reversed_parts(const struct macro *m, struct str value, struct buf *out)
{
    size_t end = part_behind(m, value, 0);
    for (size_t kept = 1; end < value.n && (m->parts == 0 || kept < m->parts); kept++)
        end = part_behind(m, value, end + 1);
    for (;;) {
        size_t from = part_before(m, value, end);
        add_part(m, str_slice(value, from, end), out);
        if (from == 0)
            return;
        buf_add_char(out, '.');
        end = from - 1;
    }
}

/* %{i}: dotted quad, or the 32 nibbles of IPv6 with dots. */
static void add_dotted(const struct ip *ip, struct buf *out)
{
    if (ip->family == 4) {
        buf_addf(out, "%d.%d.%d.%d", ip->b[0], ip->b[1], ip->b[2], ip->b[3]);
        return;
    }
    for (size_t i = 0; i < sizeof ip->b; i++) {
        if (i > 0)
            buf_add_char(out, '.');
        add_hex(out, ip->b[i] >> 4, false);
        buf_add_char(out, '.');
        add_hex(out, ip->b[i], false);
    }
}

/* The value of a letter, borrowed or written into *scratch. */
static struct str value_of(char letter, const struct spf_values *v, struct buf *scratch)
{
    char text[IP_TEXT_SIZE];
    switch (letter) {
    case 's':
        return v->sender;
    case 'l':
        return v->local;
    case 'o':
        return v->sender_domain;
    case 'd':
        return v->domain;
    case 'h':
        return v->helo;
    case 'r':
        return v->receiver;
    case 'p':
        return v->validated_name(v->state);
    case 'v':
        return v->ip.family == 4 ? STR("in-addr") : STR("ip6");
    case 'i':
        add_dotted(&v->ip, scratch);
        break;
    case 'c':
        ip_text(&v->ip, text);
        buf_add_text(scratch, text);
        break;
    default: /* 't': the grammar has no other */
        buf_add_i64(scratch, v->now_ms / 1000);
    }
    return buf_str(scratch);
}

static void expand_one(const struct macro *m, const struct spf_values *v, struct buf *out)
{
    AUTO(buf_close) struct buf scratch = {0};
    if (m->letter == '%')
        buf_add_char(out, '%');
    else if (m->letter == '_')
        buf_add_char(out, ' ');
    else if (m->letter == '-')
        buf_add_text(out, "%20");
    else
        (m->reverse ? add_reversed_parts : add_right_parts)(
            m, value_of(m->letter, v, &scratch), out);
}

bool spf_expand(struct str s, const struct spf_values *v, struct buf *out)
{
    for (size_t at = 0; at < s.n && out->n <= SPF_EXPANSION_MAX;) {
        struct macro m;
        struct spf_place place;
        if (s.p[at] != '%') {
            buf_add_char(out, s.p[at++]);
            continue;
        }
        if (!read_macro(str_slice(s, at, s.n), &m, &place))
            return false;
        expand_one(&m, v, out);
        at += m.length;
    }
    return out->n <= SPF_EXPANSION_MAX;
}

/* Fully qualified: of several labels, the last of which could be a top-level domain. */
static bool is_qualified(struct str name)
{
    size_t label = name.n;
    while (label > 0 && name.p[label - 1] != '.')
        label--;
    return label > 0 && spf_is_toplabel(str_slice(name, label, name.n));
}

bool spf_expand_name(struct str domain_spec, const struct spf_values *v, char out[NAME_SIZE])
{
    AUTO(buf_close) struct buf expanded = {0};
    char canonical[NAME_SIZE];
    if (!spf_expand(domain_spec, v, &expanded))
        return false;
    struct str name = buf_str(&expanded);
    if (str_ends(name, STR(".")))
        name.n--;
    while (name.n >= NAME_SIZE) {
        size_t dot = str_find_char(name, '.', 0);
        name = str_slice(name, dot + 1, name.n);
    }
    if (!str_is_ascii(name) ||
        !is_qualified(name)) /* RFC 8616 s4: a local part in UTF-8 matches nothing */
        return false;
    return name_from_bytes(name, canonical) && str_copy(name, out, NAME_SIZE);
}
