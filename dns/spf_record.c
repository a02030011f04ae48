#include "dns/spf_record.h"

#define VERSION_LENGTH 6 /* "v=spf1" */
#define BITS4_MAX 32
#define BITS6_MAX 128

enum presence { NEVER, MAYBE, ALWAYS };

static const struct mechanism {
    const char *name;
    enum spf_kind kind;
    enum presence domain;
    bool has_lengths; /* "/24//64" may follow */
} mechanisms[] = {
    {"all", SPF_ALL, NEVER, false},
    {"include", SPF_INCLUDE, ALWAYS, false},
    {"a", SPF_A, MAYBE, true},
    {"mx", SPF_MX, MAYBE, true},
    {"ptr", SPF_PTR, MAYBE, false},
    {"ip4", SPF_IP4, ALWAYS, false},
    {"ip6", SPF_IP6, ALWAYS, false},
    {"exists", SPF_EXISTS, ALWAYS, false},
};

bool spf_kind_asks(enum spf_kind k)
{
    return k == SPF_INCLUDE || k == SPF_A || k == SPF_MX || k == SPF_PTR || k == SPF_EXISTS ||
           k == SPF_REDIRECT;
}

bool spf_is_record(struct str text)
{
    return str_starts_nocase(text, STR("v=spf1")) &&
           (text.n == VERSION_LENGTH || text.p[VERSION_LENGTH] == ' ');
}

static bool fault(struct spf_place *out, size_t at, struct said why)
{
    *out = (struct spf_place){at, why};
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- prefix lengths (s5.3 and s5.6) -------------------------------------------------------------- */

static bool read_length(struct str digits, int max, int *out)
{
    uint64_t n;
    if ((digits.n > 1 && digits.p[0] == '0') || !str_to_u64(digits, &n) || n > (uint64_t)max)
        return false;
    *out = (int)n;
    return true;
}

/* Cuts `slashes` and the number behind them off the end of *rest, where it ends so. */
static bool cut_length(struct str *rest, struct str slashes, int max, int *out)
{
    size_t digits = rest->n;
    while (digits > 0 && is_digit(rest->p[digits - 1]))
        digits--;
    struct str before = str_slice(*rest, 0, digits);
    if (digits == rest->n || !str_ends(before, slashes))
        return true;
    if (!read_length(str_slice(*rest, digits, rest->n), max, out))
        return false;
    *rest = str_slice(before, 0, before.n - slashes.n);
    return true;
}

/* [ip4-cidr-length] ["/" ip6-cidr-length] at the end of *rest. A domain-spec ends in no "/" and digits, so
 * that there is only one way to read it. */
static bool cut_lengths(struct str *rest, struct spf_term *out)
{
    return cut_length(rest, STR("//"), BITS6_MAX, &out->bits6) &&
           cut_length(rest, STR("/"), BITS4_MAX, &out->bits4) && !str_starts(*rest, STR("/"));
}

/* ---- mechanisms (s5) ----------------------------------------------------------------------------- */

/* ":" address ["/" length], at byte `at` of the term. */
static bool read_network(
    struct str argument, size_t at, struct spf_term *out, struct spf_place *place)
{
    bool v4 = out->kind == SPF_IP4;
    struct str rest = str_slice(argument, 1, argument.n);
    size_t slash = str_find_char(rest, '/', 0);
    if (!ip_parse(str_slice(rest, 0, slash), &out->network) || out->network.family != (v4 ? 4 : 6))
        return fault(place, at + 1,
            v4 ? SAID("spf.ip4", "ip4: needs an IPv4 address like 192.0.2.1")
               : SAID("spf.ip6", "ip6: needs an IPv6 address"));
    if (slash < rest.n && !read_length(str_slice(rest, slash + 1, rest.n),
                              v4 ? BITS4_MAX : BITS6_MAX, v4 ? &out->bits4 : &out->bits6))
        return fault(place, at + 1 + slash,
            v4 ? SAID("spf.length4", "an IPv4 prefix length is 0-32 without leading zeros")
               : SAID("spf.length6", "an IPv6 prefix length is 0-128 without leading zeros"));
    return true;
}

static bool read_domain_spec(
    struct str spec, size_t at, struct spf_term *out, struct spf_place *place)
{
    out->domain_spec = spec;
    if (spf_domain_spec_is_valid(spec, place))
        return true;
    place->at += at;
    return false;
}

/* What stands behind the name: nothing, or something that begins with ":" or "/". */
static bool read_argument(const struct mechanism *m, struct str argument, size_t at,
    struct spf_term *out, struct spf_place *place)
{
    if (m->has_lengths && !cut_lengths(&argument, out))
        return fault(place, at,
            SAID("spf.lengths", "a prefix length is 0-32 behind / for IPv4, 0-128 behind // for "
                                "IPv6, without leading "
                                "zeros"));
    if (argument.n == 0)
        return m->domain != ALWAYS ||
               fault(place, at, SAID("spf.no_value", "this mechanism needs a colon and a value"));
    if (m->domain == NEVER)
        return fault(place, at, SAID("spf.all_value", "all takes no value"));
    if (argument.p[0] != ':')
        return fault(place, at, SAID("spf.no_length", "no prefix length may follow here"));
    if (m->kind == SPF_IP4 || m->kind == SPF_IP6)
        return read_network(argument, at, out, place);
    return read_domain_spec(str_slice(argument, 1, argument.n), at + 1, out, place);
}

static size_t end_of_name(struct str s, const char *stops)
{
    size_t n = 0;
    while (n < s.n && (s.p[n] == 0 || !strchr(stops, s.p[n])))
        n++;
    return n;
}

static bool is_qualifier(char c)
{
    return c == '+' || c == '-' || c == '~' || c == '?';
}

static bool read_directive(struct spf_term *out, struct spf_place *place)
{
    struct str term = out->text;
    size_t from = is_qualifier(term.p[0]);
    size_t end = from + end_of_name(str_slice(term, from, term.n), ":/");
    out->qualifier = from > 0 ? term.p[0] : '+';
    for (size_t i = 0; i < COUNT_OF(mechanisms); i++) {
        if (str_is_nocase(str_slice(term, from, end), mechanisms[i].name)) {
            out->kind = mechanisms[i].kind;
            return read_argument(&mechanisms[i], str_slice(term, end, term.n), end, out, place);
        }
    }
    return fault(place, from,
        SAID("spf.no_mechanism",
            "there is no such mechanism: all, include, a, mx, ptr, ip4, ip6 and exists exist"));
}

/* ---- modifiers (s6) ------------------------------------------------------------------------------ */

/* Length of the name before "=", 0 when this is no modifier. */
static size_t modifier_name(struct str term)
{
    size_t n = end_of_name(term, "=");
    for (size_t i = 0; i < n; i++) {
        char c = term.p[i], folded = (char)(c | 0x20);
        bool letter = folded >= 'a' && folded <= 'z';
        if (!letter && (i == 0 || (!is_digit(c) && c != '-' && c != '_' && c != '.')))
            return 0;
    }
    return n < term.n ? n : 0;
}

static bool read_modifier(size_t name_n, struct spf_term *out, struct spf_place *place)
{
    struct str term = out->text, name = str_slice(term, 0, name_n),
               value = str_slice(term, name_n + 1, term.n);
    out->kind = str_is_nocase(name, "redirect") ? SPF_REDIRECT
                : str_is_nocase(name, "exp")    ? SPF_EXP
                                                : SPF_UNKNOWN_MODIFIER;
    if (out->kind != SPF_UNKNOWN_MODIFIER)
        return read_domain_spec(value, name_n + 1, out, place);
    if (spf_macro_is_valid(value, SPF_MACRO_IN_UNKNOWN, place))
        return true;
    place->at += name_n + 1;
    return false;
}

/* ---- the whole record (s4.6.1) ------------------------------------------------------------------- */

static bool read_term(struct spf_term *out, struct spf_place *place)
{
    size_t name_n = modifier_name(out->text);
    return name_n > 0 ? read_modifier(name_n, out, place) : read_directive(out, place);
}

/* Remembers the terms that the evaluation asks for; redirect and exp may stand once each (s6). */
static bool remember(const struct spf_term *t, struct spf_record *r, struct spf_place *place)
{
    const struct spf_term **slot = t->kind == SPF_ALL        ? &r->all
                                   : t->kind == SPF_REDIRECT ? &r->redirect
                                   : t->kind == SPF_EXP      ? &r->exp
                                                             : NULL;
    if (!slot)
        return true;
    if (*slot && t->kind != SPF_ALL)
        return fault(
            place, 0, SAID("spf.modifier_twice", "redirect= and exp= may each stand only once"));
    if (!*slot)
        *slot = t;
    return true;
}

/* Or more: blanks beside each other part nothing. */
static size_t count_terms(struct str rest)
{
    size_t n = 0;
    for (struct str piece; str_next(&rest, ' ', &piece);)
        n++;
    return n;
}

void spf_record_parse(struct str text, struct arena *a, struct spf_record *out)
{
    struct str rest = str_slice(text, VERSION_LENGTH, text.n), piece;
    struct spf_term *terms = arena_array(a, count_terms(rest), sizeof *terms);
    *out = (struct spf_record){.text = text, .valid = true, .terms = terms};
    while (str_next(&rest, ' ', &piece)) {
        struct spf_place place;
        struct spf_term *t = &terms[out->n];
        if (piece.n == 0)
            continue;
        *t = (struct spf_term){.text = piece,
            .at = (size_t)(piece.p - text.p),
            .domain_spec = STR(""),
            .bits4 = BITS4_MAX,
            .bits6 = BITS6_MAX};
        if (!read_term(t, &place) || !remember(t, out, &place)) {
            out->valid = false;
            out->fault.term = out->n;
            out->fault.text = piece;
            out->fault.at = t->at + place.at;
            out->fault.why = place.why;
            return;
        }
        out->n++;
    }
}
