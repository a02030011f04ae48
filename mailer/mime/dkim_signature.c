#include "mailer/mime/dkim_signature.h"

#define TAGS_MAX 64 /* of one signature; nobody needs a quarter of them */
#define LENGTH_DIGITS_MAX 76
#define TIME_DIGITS_MAX 12
#define LABEL_MAX 63
#define DOMAIN_MAX 253

struct tags {
    struct {
        struct str name, value;
    } list[TAGS_MAX];
    size_t n;
};

static bool condemn(struct dkim_signature *out, const char *result, const char *reason)
{
    out->result = result;
    out->reason = reason;
    return false;
}

/* ---- the list (s3.2) ------------------------------------------------------------------------------- */

static bool is_alpha(char c)
{
    char folded = (char)(c | 0x20);
    return folded >= 'a' && folded <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_tag_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alpha(s.p[i]) && (i == 0 || (!is_digit(s.p[i]) && s.p[i] != '_')))
            return false;
    return s.n > 0;
}

/* Visible ASCII and folding white space. */
static bool is_tag_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < ' ' && !strchr("\t\r\n", s.p[i])) || s.p[i] == 0 || s.p[i] >= 0x7f)
            return false;
    return true;
}

static const struct str *find(const struct tags *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (str_is(t->list[i].name, name))
            return &t->list[i].value;
    return NULL;
}

static struct str value_of(const struct tags *t, const char *name)
{
    const struct str *value = find(t, name);
    return value ? *value : STR("");
}

static bool add_tag(struct str piece, struct tags *t, const char **fault)
{
    size_t equals = str_find_char(piece, '=', 0);
    struct str name = str_trim(str_slice(piece, 0, equals));
    struct str value = str_trim(str_slice(piece, equals + 1, piece.n));
    *fault = NULL;
    if (equals == piece.n || !is_tag_name(name) || !is_tag_value(value))
        *fault = "the tags of the signature cannot be read";
    else if (t->n == TAGS_MAX)
        *fault = "the signature has more than 64 tags";
    for (size_t i = 0; i < t->n && !*fault; i++)
        if (str_eq(t->list[i].name, name))
            *fault = "a tag of the signature stands twice";
    if (*fault)
        return false;
    t->list[t->n].name = name;
    t->list[t->n++].value = value;
    return true;
}

/* One ";" may end the list, and blanks behind it. */
static bool read_tags(struct str value, struct tags *t, struct dkim_signature *out)
{
    struct str piece, rest = value;
    const char *fault = NULL;
    while (str_next(&rest, ';', &piece)) {
        bool is_last = piece.p + piece.n == value.p + value.n;
        bool nothing = is_last && str_trim(piece).n == 0 && t->n > 0;
        if (!nothing && !add_tag(piece, t, &fault))
            return condemn(out, "neutral", fault);
    }
    return true;
}

/* ---- kinds of value -------------------------------------------------------------------------------- */

/* Letters, digits, hyphens; underscores, too, which some selectors have. */
static bool is_name(struct str s, size_t least_labels)
{
    size_t labels = 0;
    struct str label;
    if (s.n == 0 || s.n > DOMAIN_MAX || s.p[s.n - 1] == '.')
        return false;
    for (struct str rest = s; str_next(&rest, '.', &label); labels++) {
        if (label.n == 0 || label.n > LABEL_MAX)
            return false;
        for (size_t i = 0; i < label.n; i++)
            if (!is_alpha(label.p[i]) && !is_digit(label.p[i]) && label.p[i] != '-' &&
                label.p[i] != '_')
                return false;
    }
    return labels >= least_labels;
}

/* Digits; a number too large for us is larger than any other. */
static bool read_number(struct str s, size_t digits_max, uint64_t *out)
{
    *out = UINT64_MAX;
    for (size_t i = 0; i < s.n; i++)
        if (!is_digit(s.p[i]))
            return false;
    if (s.n > 0 && s.n <= digits_max)
        (void)str_to_u64(s, out);
    return s.n > 0 && s.n <= digits_max;
}

/* Whether a list between colons has the word. */
static bool list_has(struct str list, const char *word)
{
    struct str piece;
    while (str_next(&list, ':', &piece))
        if (str_is_nocase(str_trim(piece), word))
            return true;
    return false;
}

static bool is_at_or_below(struct str name, struct str top)
{
    if (name.n < top.n || !str_eq_nocase(str_slice(name, name.n - top.n, name.n), top))
        return false;
    return name.n == top.n || name.p[name.n - top.n - 1] == '.';
}

/* ---- rules (s3.5, s6.1.1) --------------------------------------------------------------------------- */

static bool has_required_tags(const struct tags *t, struct dkim_signature *out)
{
    static const struct {
        const char *name, *reason;
    } required[] = {
        {"v", "the required tag v= is missing"},
        {"a", "the required tag a= is missing"},
        {"d", "the required tag d= is missing"},
        {"s", "the required tag s= is missing"},
        {"h", "the required tag h= is missing"},
        {"bh", "the required tag bh= is missing"},
        {"b", "the required tag b= is missing"},
    };
    for (size_t i = 0; i < COUNT_OF(required); i++)
        if (!find(t, required[i].name))
            return condemn(out, "permerror", required[i].reason);
    return true;
}

static bool reads_names(const struct tags *t, struct dkim_signature *out)
{
    struct str identity = value_of(t, "i");
    if (!str_is(value_of(t, "v"), "1"))
        return condemn(out, "permerror", "the signature has a version other than 1");
    if (!is_name(out->domain, 2))
        return condemn(out, "neutral", "d= is no domain name");
    if (!is_name(out->selector, 1))
        return condemn(out, "neutral", "s= is no selector");
    if (find(t, "i")) {
        size_t at = identity.n;
        while (at > 0 && identity.p[at - 1] != '@')
            at--;
        if (at == 0)
            return condemn(out, "permerror", "i= has no @, so that it names no domain");
        if (!is_at_or_below(str_slice(identity, at, identity.n), out->domain))
            return condemn(out, "permerror", "i= lies outside the domain in d=");
    }
    return true;
}

static bool reads_methods(const struct tags *t, struct dkim_signature *out)
{
    struct str c = value_of(t, "c"), header, body;
    size_t slash = str_find_char(c, '/', 0);
    header = str_slice(c, 0, slash);
    body = slash < c.n ? str_slice(c, slash + 1, c.n) : STR("simple");
    out->body_relaxed = str_is_nocase(body, "relaxed");
    if (find(t, "c") && ((!str_is_nocase(header, "simple") && !str_is_nocase(header, "relaxed")) ||
                            (!out->body_relaxed && !str_is_nocase(body, "simple"))))
        return condemn(out, "neutral", "the canonicalization in c= is not known");
    if (!out->sha1 && !str_is_nocase(out->algorithm, "rsa-sha256") &&
        !str_is_nocase(out->algorithm, "ed25519-sha256"))
        return condemn(out, "permerror", "the algorithm in a= is not known");
    if (find(t, "q") && !list_has(value_of(t, "q"), "dns/txt"))
        return condemn(out, "permerror", "q= names no way to the key that is known: dns/txt");
    if (!list_has(value_of(t, "h"), "From"))
        return condemn(out, "permerror", "From is not among the signed fields (h=)");
    return true;
}

static bool reads_numbers(const struct tags *t, int64_t now_s, struct dkim_signature *out)
{
    uint64_t made = 0, expires = UINT64_MAX;
    out->has_length = find(t, "l") != NULL;
    if (out->has_length && !read_number(value_of(t, "l"), LENGTH_DIGITS_MAX, &out->length))
        return condemn(out, "neutral", "l= is no number");
    if (find(t, "t") && !read_number(value_of(t, "t"), TIME_DIGITS_MAX, &made))
        return condemn(out, "neutral", "t= is no time in seconds");
    if (find(t, "x") && !read_number(value_of(t, "x"), TIME_DIGITS_MAX, &expires))
        return condemn(out, "neutral", "x= is no time in seconds");
    if (find(t, "x") && find(t, "t") && expires <= made)
        return condemn(out, "permerror", "the signature expires (x=) before it was made (t=)");
    if (find(t, "x") && now_s > 0 && (uint64_t)now_s > expires)
        return condemn(out, "policy", "the signature has expired (x=)");
    return true;
}

void dkim_signature_read(struct str value, int64_t now_s, struct dkim_signature *out)
{
    struct tags t = {.n = 0};
    *out = (struct dkim_signature){.length = 0};
    bool readable = read_tags(value, &t, out);
    out->domain = value_of(&t, "d");
    out->selector = value_of(&t, "s");
    out->algorithm = value_of(&t, "a");
    out->sha1 = str_is_nocase(out->algorithm, "rsa-sha1");
    if (!readable || !has_required_tags(&t, out) || !reads_names(&t, out) ||
        !reads_methods(&t, out) || !reads_numbers(&t, now_s, out))
        return;
    if (out->sha1)
        condemn(out, "policy", "rsa-sha1 is no longer valid (RFC 8301)");
}

/* ---- the body (s3.4.3, s3.4.4) ----------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Of a line without its CRLF: runs of blanks count once, at the end not at all. */
static uint64_t relaxed_length(struct str line)
{
    uint64_t n = 0;
    while (line.n > 0 && is_blank(line.p[line.n - 1]))
        line.n--;
    for (size_t i = 0; i < line.n; i++)
        n += !is_blank(line.p[i]) || !is_blank(line.p[i - (i > 0)]) || i == 0;
    return n;
}

uint64_t dkim_body_length(struct str body, bool relaxed)
{
    uint64_t whole = 0, kept = 0; /* kept: up to the last line that is not empty */
    for (size_t at = 0; at < body.n;) {
        size_t end = str_find(body, STR("\r\n"), at);
        struct str line = str_slice(body, at, end);
        uint64_t n = relaxed ? relaxed_length(line) : line.n;
        whole += n + 2;
        if (n > 0)
            kept = whole;
        at = end + 2;
    }
    return kept > 0 || relaxed ? kept : 2;
}
