#include "dns/dmarc.h"

#include "dns/tags.h"

#define NOTES_MAX 16

/* The record being read, with the places of its lists. */
struct parse {
    struct arena *arena;
    struct dmarc_record *out;
    const char **removed;
    struct said *notes;
    unsigned seen; /* a bit for each known tag that came already */
};

static void note(struct parse *p, struct said sentence)
{
    if (p->out->notes_n < NOTES_MAX)
        p->notes[p->out->notes_n++] = sentence;
}

static const char *cut(struct parse *p, struct str text, size_t max)
{
    return arena_text(p->arena, str_slice(text, 0, max));
}

static void bad_value(struct parse *p, const struct tag *t)
{
    note(p, SAY(p->arena, "dmarc.bad_value", "{{tag}}={{value}} is no value of this tag",
                {"tag", cut(p, t->name, 20)}, {"value", cut(p, t->value, 60)}));
}

/* ---- one reader a kind of value -------------------------------------------------------------- */

static enum dmarc_policy policy_of(struct str value)
{
    for (enum dmarc_policy p = DMARC_NONE; p <= DMARC_REJECT; p++)
        if (str_is_nocase(value, dmarc_policy_name(p)))
            return p;
    return DMARC_POLICY_ABSENT;
}

static void read_policy(struct parse *p, const struct tag *t, enum dmarc_policy *out, bool *bad)
{
    *out = policy_of(t->value);
    *bad = *out == DMARC_POLICY_ABSENT;
    if (*bad)
        bad_value(p, t);
}

static void read_letter(struct parse *p, const struct tag *t, const char *allowed, char *out)
{
    char c = t->value.n == 1 ? (char)(t->value.p[0] | 0x20) : 0;
    if (c && strchr(allowed, c))
        *out = c;
    else
        bad_value(p, t);
}

static void read_testing(struct parse *p, const struct tag *t)
{
    char letter = 'n';
    read_letter(p, t, "yn", &letter);
    p->out->testing = letter == 'y';
}

static bool is_uri_byte(char c)
{
    return c > ' ' && c < 0x7f && !strchr("\"<>\\^`{|}", c);
}

/* RFC 3986 in outline: scheme ":" and something; a mailto: (RFC 6068) with something on both sides of "@". What
 * follows "!" is the size limit of RFC 7489, which RFC 9989 tells to ignore. */
static bool is_report_uri(struct str uri)
{
    uri = str_trim(str_slice(uri, 0, str_find_char(uri, '!', 0)));
    size_t colon = str_find_char(uri, ':', 0);
    struct str scheme = str_slice(uri, 0, colon), rest = str_slice(uri, colon + 1, uri.n);
    if (scheme.n == 0 || rest.n == 0)
        return false;
    for (size_t i = 0; i < scheme.n; i++) {
        char c = (char)(scheme.p[i] | 0x20);
        if ((c < 'a' || c > 'z') && !(i > 0 && strchr("0123456789+-.", scheme.p[i]) && scheme.p[i]))
            return false;
    }
    for (size_t i = 0; i < rest.n; i++)
        if (!is_uri_byte(rest.p[i]))
            return false;
    if (!str_is_nocase(scheme, "mailto"))
        return true;
    size_t at = str_find_char(rest, '@', 0);
    return at > 0 && at + 1 < rest.n;
}

static void read_uris(struct parse *p, const struct tag *t, struct str *out, bool *any_valid)
{
    struct str list = t->value, uri;
    *out = t->value;
    while (str_next(&list, ',', &uri)) {
        if (is_report_uri(uri))
            *any_valid = true;
        else
            note(p, SAY(p->arena, "dmarc.no_uri", "{{tag}} has \"{{text}}\", which is no URI",
                        {"tag", cut(p, t->name, 20)}, {"text", cut(p, str_trim(uri), 80)}));
    }
}

/* At most one of 0 and 1, each of d and s at most once. */
static void read_fo(struct parse *p, const struct tag *t)
{
    struct str list = t->value, piece;
    int numbers = 0, d = 0, s = 0;
    bool fine = !str_ends(list, STR(":")); /* which would end an empty piece */
    while (str_next(&list, ':', &piece)) {
        piece = str_trim(piece);
        numbers += str_is(piece, "0") || str_is(piece, "1");
        d += str_is_nocase(piece, "d");
        s += str_is_nocase(piece, "s");
        fine = fine && piece.n == 1 && strchr("01dDsS", piece.p[0]);
    }
    if (fine && numbers <= 1 && d <= 1 && s <= 1)
        p->out->fo = t->value;
    else
        bad_value(p, t);
}

/* ---- the tags -------------------------------------------------------------------------------- */

enum known { P, SP, NP, ADKIM, ASPF, PSD, T, RUA, RUF, FO, V, KNOWN };
static const char *const known_names[KNOWN] = {
    "p", "sp", "np", "adkim", "aspf", "psd", "t", "rua", "ruf", "fo", "v"};

static enum known which(struct str name)
{
    for (enum known k = 0; k < KNOWN; k++)
        if (str_is_nocase(name, known_names[k]))
            return k;
    return KNOWN;
}

static void read_known(struct parse *p, enum known k, const struct tag *t)
{
    struct dmarc_record *r = p->out;
    bool ruf_is_valid = false;
    switch (k) {
    case P:
        read_policy(p, t, &r->p, &r->bad_p);
        break;
    case SP:
        read_policy(p, t, &r->sp, &r->bad_sp);
        break;
    case NP:
        read_policy(p, t, &r->np, &r->bad_np);
        break;
    case ADKIM:
        read_letter(p, t, "rs", &r->adkim);
        break;
    case ASPF:
        read_letter(p, t, "rs", &r->aspf);
        break;
    case PSD:
        read_letter(p, t, "ynu", &r->psd);
        break;
    case T:
        read_testing(p, t);
        break;
    case RUA:
        read_uris(p, t, &r->rua, &r->has_valid_rua);
        break;
    case RUF:
        read_uris(p, t, &r->ruf, &ruf_is_valid);
        break;
    case FO:
        read_fo(p, t);
        break;
    case V:
    case KNOWN:
        break;
    }
}

/* RFC 9989 appendix A: tags of RFC 7489 that are gone. */
static bool is_removed(struct str name)
{
    return str_is_nocase(name, "pct") || str_is_nocase(name, "rf") || str_is_nocase(name, "ri");
}

static void read_tag(struct parse *p, const struct tag *t)
{
    enum known k = which(t->name);
    if (!t->well_formed || t->value.n == 0) {
        note(p, SAY(p->arena, "tag.no_value", "\"{{text}}\" is no tag=value",
                    {"text", cut(p, t->whole, 60)}));
    } else if (is_removed(t->name)) {
        if (p->out->removed_n < NOTES_MAX)
            p->removed[p->out->removed_n++] = arena_text(p->arena, t->name);
    } else if (k == KNOWN) {
        note(p, SAY(p->arena, "dmarc.unknown_tag", "the tag {{tag}} is unknown",
                    {"tag", cut(p, t->name, 40)}));
    } else if (p->seen & 1u << k) {
        note(p, SAY(p->arena, "dmarc.repeated_tag",
                    "the tag {{tag}} stands again: the first one counts", {"tag", known_names[k]}));
    } else {
        p->seen |= 1u << k;
        read_known(p, k, t);
    }
}

/* The version must come first, letter for letter; "v" itself may be upper case, as ABNF strings are. Nothing may
 * stand before it. */
static bool takes_version(struct str *rest)
{
    struct str piece;
    if (!str_next(rest, ';', &piece) || piece.n == 0 || (piece.p[0] | 0x20) != 'v')
        return false;
    size_t equals = str_find_char(piece, '=', 0);
    return str_trim(str_slice(piece, 1, equals)).n == 0 &&
           str_is(str_trim(str_slice(piece, equals + 1, piece.n)), "DMARC1");
}

void dmarc_parse(struct str text, struct arena *a, struct dmarc_record *out)
{
    struct str rest = text;
    struct tag tag;

    *out = (struct dmarc_record){.text = text,
        .adkim = 'r',
        .aspf = 'r',
        .psd = 'u',
        .rua = STR(""),
        .ruf = STR(""),
        .fo = STR("0")};
    if (!takes_version(&rest))
        return;
    out->valid = true;
    struct parse p = {
        .arena = a,
        .out = out,
        .removed = arena_array(a, NOTES_MAX, sizeof(char *)),
        .notes = arena_array(a, NOTES_MAX, sizeof(struct said)),
        .seen = 1u << V,
    };
    out->removed = p.removed;
    out->notes = p.notes;
    while (tag_next(&rest, &tag))
        read_tag(&p, &tag);
}

const char *dmarc_policy_name(enum dmarc_policy p)
{
    static const char *const names[] = {"", "none", "quarantine", "reject"};
    return names[p];
}
