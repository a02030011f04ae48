/* Parsing of mailboxes and domains. A person types most of what comes here, so every refusal says
 * what would be right. */
#include "mailer/mime/address.h"

#include <idn2.h>

#include "base/buf.h"
#include "mailer/mime/header.h"

#define LOCAL_MAX 64   /* RFC 5321 s4.5.3.1.1 */
#define DOMAIN_MAX 253 /* RFC 1035 s3.1, without the root's dot */
#define LABEL_MAX 63
#define SPEC_MAX 254 /* RFC 5321 s4.5.3.1.3 less the angle brackets */

static bool is_atext(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- domains --------------------------------------------------------------------------------- */

static bool label_check(struct str label, struct err *e)
{
    if (label.n == 0)
        return err_set(
            e, ERR_INPUT, "the domain has an empty label (two dots, or a dot at an end)");
    if (label.n > LABEL_MAX)
        return err_set(e, ERR_INPUT, "a label of the domain is longer than %d octets", LABEL_MAX);
    if (label.p[0] == '-' || label.p[label.n - 1] == '-')
        return err_set(e, ERR_INPUT, "a label of the domain begins or ends with a hyphen");
    for (size_t i = 0; i < label.n; i++) {
        char c = label.p[i];

        if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '-')
            return err_set(
                e, ERR_INPUT, "the domain may hold letters, digits, hyphens and dots only");
    }
    return true;
}

/* Lower-case ASCII: lengths, letters, and a last label that no one can mistake for an IPv4
 * address. */
static bool domain_check(struct str domain, struct err *e)
{
    struct str rest = domain, label = STR("");
    bool numeric = true;

    if (domain.n > DOMAIN_MAX)
        return err_set(e, ERR_INPUT, "the domain is longer than %d octets", DOMAIN_MAX);
    if (domain.n == 0 || domain.p[domain.n - 1] == '.')
        return label_check(STR(""), e);
    while (str_next(&rest, '.', &label))
        if (!label_check(label, e))
            return false;
    for (size_t i = 0; i < label.n; i++)
        numeric = numeric && is_digit(label.p[i]);
    if (numeric)
        return err_set(
            e, ERR_INPUT, "the domain ends in a number; an IP address is no mail domain");
    return true;
}

static bool has_a_label(struct str lower)
{
    for (size_t at = 0; at < lower.n; at = str_find_char(lower, '.', at) + 1)
        if (str_starts(str_slice(lower, at, lower.n), STR("xn--")))
            return true;
    return false;
}

static struct str lower_case(struct str text, struct arena *a)
{
    char *copy = arena_text(a, text);

    for (size_t i = 0; i < text.n; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] + ('a' - 'A'));
    return str_bytes(copy, text.n);
}

/* Non-transitional UTS 46 mapping, as browsers and mail programs do: folds case and width, keeps
 * the sharp s. */
static bool domain_convert(struct str text, struct arena *a, struct str *out, struct err *e)
{
    char *ascii = NULL;
    int rc = idn2_to_ascii_8z(arena_text(a, text), &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);

    if (rc != IDN2_OK)
        return err_set(e, ERR_INPUT, "the domain is no valid international domain name (%s)",
            idn2_strerror(rc));
    *out = lower_case(str_of(ascii), a);
    idn2_free(ascii);
    return true;
}

bool address_domain(struct str text, struct arena *a, struct str *out, struct err *e)
{
    struct str domain;

    if (text.n == 0)
        return err_set(e, ERR_INPUT, "the domain is missing");
    if (text.n > HEADER_VALUE_MAX)
        return err_set(e, ERR_INPUT, "the domain is longer than %d octets", DOMAIN_MAX);
    if (header_fault(text))
        return err_set(e, ERR_INPUT, "the domain %s", header_fault(text));
    if (text.p[0] == '[')
        return err_set(
            e, ERR_INPUT, "an address literal in brackets is not accepted; give a domain name");
    domain = lower_case(text, a);
    if (!str_is_ascii(domain) || has_a_label(domain)) {
        if (!domain_convert(domain, a, &domain, e))
            return false;
    }
    if (!domain_check(domain, e))
        return false;
    *out = domain;
    return true;
}

bool address_domain_given(struct str text, struct arena *a, struct str *out, struct err *e)
{
    if (text.n > 1 && str_ends(text, STR(".")))
        text.n--;
    return address_domain(text, a, out, e);
}

struct str address_domain_for_people(struct str domain, struct arena *a)
{
    char *unicode = NULL;
    struct str shown = domain, back;
    struct err e;

    if (!has_a_label(domain) || idn2_to_unicode_8z8z(arena_text(a, domain), &unicode, 0) != IDN2_OK)
        return domain;
    if (address_domain(str_of(unicode), a, &back, &e) && str_eq(back, domain))
        shown = str_of(arena_text(a, str_of(unicode)));
    idn2_free(unicode);
    return shown;
}

/* ---- local parts ----------------------------------------------------------------------------- */

static bool is_dot_atom(struct str s)
{
    if (s.n == 0 || s.p[0] == '.' || s.p[s.n - 1] == '.')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' && s.p[i - 1] == '.')
            return false;
        if (s.p[i] != '.' && !is_atext(s.p[i]))
            return false;
    }
    return true;
}

/* Content of a quoted string, without its quotes: false when a quote stands inside unescaped. */
static bool unquote(struct str inside, struct buf *out)
{
    for (size_t i = 0; i < inside.n; i++) {
        if (inside.p[i] == '"')
            return false;
        if (inside.p[i] == '\\' && ++i == inside.n)
            return false;
        buf_add_char(out, inside.p[i]);
    }
    return true;
}

static bool local_quoted(struct str text, struct arena *a, struct str *out, struct err *e)
{
    AUTO(buf_close) struct buf plain = {0};
    AUTO(buf_close) struct buf quoted = {0};

    if (text.n < 2 || text.p[text.n - 1] != '"' || !unquote(str_slice(text, 1, text.n - 1), &plain))
        return err_set(e, ERR_INPUT, "the quoted part before \"@\" has no proper end");
    if (is_dot_atom(buf_str(&plain))) {
        *out = arena_str(a, buf_str(&plain));
        return true;
    }
    buf_add_char(&quoted, '"');
    for (size_t i = 0; i < plain.n; i++) {
        if (plain.p[i] == '"' || plain.p[i] == '\\')
            buf_add_char(&quoted, '\\');
        buf_add_char(&quoted, plain.p[i]);
    }
    buf_add_char(&quoted, '"');
    *out = arena_str(a, buf_str(&quoted));
    return true;
}

static bool parse_local(struct str text, struct arena *a, struct str *out, struct err *e)
{
    if (text.n == 0)
        return err_set(e, ERR_INPUT, "the part before \"@\" is missing");
    if (!str_is_ascii(text))
        return err_set(e, ERR_INPUT,
            "the part before \"@\" has characters outside ASCII, which most servers refuse (no "
            "SMTPUTF8); "
            "use an address in ASCII");
    if (text.p[0] == '"') {
        if (!local_quoted(text, a, out, e))
            return false;
    } else if (is_dot_atom(text)) {
        *out = arena_str(a, text);
    } else {
        return err_set(e, ERR_INPUT,
            "the part before \"@\" has a space, a misplaced dot or another character that only a "
            "quoted "
            "string may hold");
    }
    if (out->n > LOCAL_MAX)
        return err_set(e, ERR_INPUT, "the part before \"@\" is longer than %d octets", LOCAL_MAX);
    return true;
}

/* ---- mailboxes ------------------------------------------------------------------------------- */

/* Index of the first `c` outside quoted strings at or after `from`, s.n when there is none. */
static size_t find_unquoted(struct str s, char c, size_t from)
{
    bool quoted = false;

    for (size_t i = from; i < s.n; i++) {
        if (!quoted && s.p[i] == c)
            return i;
        if (quoted && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            quoted = !quoted;
    }
    return s.n;
}

static bool parse_spec(struct str text, struct arena *a, struct address *out, struct err *e)
{
    size_t at = find_unquoted(text, '@', 0);

    if (at == text.n)
        return err_set(e, ERR_INPUT, "there is no \"@\"; an address looks like name@shop.example");
    if (find_unquoted(text, '@', at + 1) != text.n)
        return err_set(e, ERR_INPUT, "there is more than one \"@\"; give one address");
    if (!parse_local(str_slice(text, 0, at), a, &out->local, e) ||
        !address_domain(str_slice(text, at + 1, text.n), a, &out->domain, e))
        return false;
    out->spec =
        str_of(arena_printf(a, STR_FMT "@" STR_FMT, STR_ARG(out->local), STR_ARG(out->domain)));
    if (out->spec.n > SPEC_MAX)
        return err_set(e, ERR_INPUT, "the address is longer than %d octets", SPEC_MAX);
    return true;
}

/* Words and quoted strings as the name that they spell. */
static bool parse_display(struct str text, struct arena *a, struct str *out, struct err *e)
{
    AUTO(buf_close) struct buf name = {0};

    for (size_t i = 0; i < text.n;) {
        if (text.p[i] == '"') {
            size_t end = i + 1;

            while (end < text.n && text.p[end] != '"')
                end += text.p[end] == '\\' ? 2 : 1;
            if (end >= text.n || !unquote(str_slice(text, i + 1, end), &name))
                return err_set(e, ERR_INPUT, "a quote in the name has no counterpart");
            i = end + 1;
        } else if (strchr("()<>[]:;@\\,", text.p[i])) {
            return err_set(
                e, ERR_INPUT, "the name has a \"%c\"; put the name in double quotes", text.p[i]);
        } else {
            buf_add_char(&name, text.p[i++]);
        }
    }
    *out = arena_str(a, str_trim(buf_str(&name)));
    return true;
}

/* Lists and groups, named before anything else is: their parts would read as odd names or
 * domains. */
static bool refuse_list(struct str text, struct err *e)
{
    size_t colon = find_unquoted(text, ':', 0);
    size_t comma = find_unquoted(text, ',', 0);
    size_t semicolon = find_unquoted(text, ';', 0);
    size_t at = find_unquoted(text, '@', 0);

    if (colon < at && semicolon != text.n)
        return err_set(e, ERR_INPUT, "a group is not accepted; give one address");
    if ((comma > at && comma != text.n) || (semicolon > at && semicolon != text.n))
        return err_set(e, ERR_INPUT, "there is more than one address; give one");
    return true;
}

bool address_parse(struct str text, struct arena *a, struct address *out, struct err *e)
{
    struct address found = {STR(""), STR(""), STR(""), STR("")};
    struct str trimmed;
    size_t open;

    if (header_fault(text))
        return err_set(e, ERR_INPUT, "the address %s", header_fault(text));
    trimmed = str_trim(text);
    if (trimmed.n == 0)
        return err_set(e, ERR_INPUT, "the address is empty");
    if (!refuse_list(trimmed, e))
        return false;
    open = find_unquoted(trimmed, '<', 0);
    if (open == trimmed.n) {
        if (!parse_spec(trimmed, a, &found, e))
            return false;
    } else {
        size_t close = find_unquoted(trimmed, '>', open);

        if (close + 1 != trimmed.n)
            return err_set(e, ERR_INPUT, "the address must stand in \"<\" and \">\" at the end");
        if (!parse_display(str_trim(str_slice(trimmed, 0, open)), a, &found.display, e) ||
            !parse_spec(str_slice(trimmed, open + 1, close), a, &found, e))
            return false;
    }
    *out = found;
    return true;
}
