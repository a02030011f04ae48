/* The text of an MTA-STS policy (RFC 8461 s3.2): lines "key: value", ended by LF or CRLF. */
#include "dns/fields.h"
#include "dns/mta_sts.h"
#include "dns/name.h"

enum known { VERSION, MODE, MAX_AGE, MX, KNOWN };
static const char *const known_names[KNOWN] = {"version", "mode", "max_age", "mx"};

struct parse {
    struct mta_sts_policy *out;
    struct notes notes;
    const char **mx;
    unsigned seen; /* a bit for each known key */
};

static bool broken(struct parse *p, struct said why)
{
    p->out->status = MTA_STS_POLICY_BROKEN;
    p->out->why = why;
    return false;
}

static bool broken_by(struct parse *p, struct said what, struct str value)
{
    return broken(p, SAY_AROUND(p->notes.arena, what, "found.text", "{{said}}: \"{{text}}\"",
                         {"text", arena_text(p->notes.arena, str_slice(value, 0, 80))}));
}

static bool is_letter_or_digit(char c)
{
    char folded = (char)(c | 0x20);
    return (folded >= 'a' && folded <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 5321 s4.1.2 Domain: labels of letters, digits and inner hyphens; no final dot. */
static bool is_domain(struct str s)
{
    char canonical[NAME_SIZE];
    if (str_ends(s, STR(".")) || !name_canonical(s, canonical))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool at_edge = i == 0 || i + 1 == s.n || s.p[i - 1] == '.' || s.p[i + 1] == '.';
        if (!is_letter_or_digit(s.p[i]) && s.p[i] != '.' && (s.p[i] != '-' || at_edge))
            return false;
    }
    return true;
}

static bool take_mx(struct parse *p, struct str value)
{
    struct str domain = str_starts(value, STR("*.")) ? str_slice(value, 2, value.n) : value;
    if (!is_domain(domain))
        return broken_by(p,
            SAID("policy.mx", "mx: takes a host name or *. and a domain, without a final dot"),
            value);
    if (p->out->mx_n == MTA_STS_MAX_MX)
        return broken(p, SAID("policy.many_mx", "the policy has more than 64 mx lines"));
    char *lower = arena_text(p->notes.arena, value);
    for (char *c = lower; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    p->mx[p->out->mx_n++] = lower;
    return true;
}

static bool take_mode(struct parse *p, struct str value)
{
    for (enum mta_sts_mode m = MTA_STS_MODE_NONE; m <= MTA_STS_MODE_ENFORCE; m++)
        if (str_is(value, mta_sts_mode_name(m))) {
            p->out->mode = m;
            return true;
        }
    return broken_by(p, SAID("policy.mode", "mode: takes enforce, testing or none"), value);
}

static bool take_max_age(struct parse *p, struct str value)
{
    uint64_t seconds;
    if (value.n > 10 || !str_to_u64(value, &seconds) || seconds > MTA_STS_MAX_AGE_S)
        return broken_by(p, SAID("policy.max_age", "max_age: takes seconds up to 31557600"), value);
    p->out->max_age_s = (uint32_t)seconds;
    return true;
}

static bool take_known(struct parse *p, enum known k, struct str value)
{
    if (k != MX && p->seen & 1u << k) {
        notes_add(&p->notes, "%s: stands again: the first one counts", known_names[k]);
        return true;
    }
    p->seen |= 1u << k;
    switch (k) {
    case VERSION:
        return str_is(value, "STSv1") ||
               broken_by(p, SAID("policy.version", "version: takes STSv1"), value);
    case MODE:
        return take_mode(p, value);
    case MAX_AGE:
        return take_max_age(p, value);
    default:
        return take_mx(p, value);
    }
}

static bool is_key(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_letter_or_digit(s.p[i]) && (i == 0 || !strchr("_-.", s.p[i]) || s.p[i] == 0))
            return false;
    return s.n > 0 && s.n <= 32;
}

/* An unknown key may carry UTF-8, but no control characters. */
static bool is_free_text(struct str s)
{
    return s.n > 0 && str_is_utf8(s) && !str_has_control(s);
}

/* Blanks may stand behind the colon and at the end of the line, and nowhere else. */
static bool take_line(struct parse *p, struct str line)
{
    size_t colon = str_find_char(line, ':', 0);
    struct str key = str_slice(line, 0, colon),
               value = str_trim_blanks(str_slice(line, colon + 1, line.n));
    if (colon == line.n || !is_key(key))
        return broken_by(p, SAID("policy.line", "a line is no \"key: value\""), line);
    for (enum known k = VERSION; k < KNOWN; k++)
        if (str_is(key, known_names[k]))
            return take_known(p, k, value);
    if (!is_free_text(value))
        return broken_by(p, SAID("policy.value", "a line has no readable value"), line);
    notes_add(&p->notes, "the key \"" STR_FMT "\" is unknown", STR_ARG(key));
    return true;
}

static bool read_lines(struct parse *p, struct str text)
{
    struct str line;
    while (str_next(&text, '\n', &line)) {
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0)
            notes_add(&p->notes, "an empty line stands in the policy: strict readers refuse it");
        else if (!take_line(p, line))
            return false;
    }
    return true;
}

static bool is_complete(struct parse *p)
{
    for (enum known k = VERSION; k < MX; k++)
        if (!(p->seen & 1u << k))
            return broken(p, SAY(p->notes.arena, "policy.missing", "{{key}}: is missing",
                                 {"key", known_names[k]}));
    if (p->out->mode != MTA_STS_MODE_NONE && p->out->mx_n == 0)
        return broken(p, SAID("policy.no_mx", "mx: is missing, and the mode is not none"));
    return true;
}

void mta_sts_parse_policy(struct str text, struct arena *a, struct mta_sts_policy *out)
{
    *out = (struct mta_sts_policy){.status = MTA_STS_POLICY_GOOD,
        .why = SAID_NOTHING,
        .text = text,
        .url = "",
        .content_type = "",
        .content_type_is_plain = true};
    struct parse p = {
        .out = out,
        .notes = notes_open(a, MTA_STS_MAX_NOTES),
        .mx = arena_array(a, MTA_STS_MAX_MX, sizeof(char *)),
    };
    if (read_lines(&p, text))
        is_complete(&p);
    out->mx = p.mx;
    out->notes = p.notes.list;
    out->notes_n = p.notes.n;
}
