#include "mailer/smtpd/command.h"

#define LOCAL_MAX 64
#define MAILBOX_MAX 254

static const struct {
    const char *word;
    enum verb verb;
} verbs[] = {
    {"MAIL", VERB_MAIL},
    {"RCPT", VERB_RCPT},
    {"DATA", VERB_DATA},
    {"EHLO", VERB_EHLO},
    {"HELO", VERB_HELO},
    {"RSET", VERB_RSET},
    {"NOOP", VERB_NOOP},
    {"QUIT", VERB_QUIT},
    {"VRFY", VERB_VRFY},
    {"HELP", VERB_HELP},
    {"STARTTLS", VERB_STARTTLS},
    {"AUTH", VERB_AUTH},
    {"BDAT", VERB_NOT_OFFERED},
    {"EXPN", VERB_NOT_OFFERED},
    {"ETRN", VERB_NOT_OFFERED},
    {"ATRN", VERB_NOT_OFFERED},
    {"TURN", VERB_NOT_OFFERED},
    {"SEND", VERB_NOT_OFFERED},
    {"SOML", VERB_NOT_OFFERED},
    {"SAML", VERB_NOT_OFFERED},
    {"BURL", VERB_NOT_OFFERED},
    {"GET", VERB_FOREIGN},
    {"POST", VERB_FOREIGN},
    {"PUT", VERB_FOREIGN},
    {"CONNECT", VERB_FOREIGN},
    {"OPTIONS", VERB_FOREIGN},
};

struct command command_read(struct str line)
{
    struct str word = str_slice(line, 0, str_find_char(line, ' ', 0));
    struct command c = {VERB_UNKNOWN, str_trim(str_slice(line, word.n, line.n))};

    for (size_t i = 0; i < COUNT_OF(verbs) && c.verb == VERB_UNKNOWN; i++)
        if (str_is_nocase(word, verbs[i].word))
            c.verb = verbs[i].verb;
    return c;
}

/* Index of the '>' that ends a path; one inside a quoted local part does not. */
static size_t find_path_end(struct str s)
{
    bool quoted = false;

    for (size_t i = 0; i < s.n; i++) {
        if (quoted && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            quoted = !quoted;
        else if (!quoted && s.p[i] == '>')
            return i;
    }
    return s.n;
}

/* "@relay,@other:user@host" means user@host: source routes are ignored (RFC 5321 app. C). */
static struct str without_route(struct str path)
{
    if (path.n == 0 || path.p[0] != '@')
        return path;
    size_t colon = str_find_char(path, ':', 0);
    return colon == path.n ? path : str_slice(path, colon + 1, path.n);
}

bool command_path(struct str argument, const char *keyword, struct mail_path *out)
{
    struct str k = str_of(keyword);

    if (!str_starts_nocase(argument, k))
        return false;
    struct str s = str_trim(str_slice(argument, k.n, argument.n));
    if (s.n < 2 || s.p[0] != '<')
        return false;
    s = str_slice(s, 1, s.n);
    size_t end = find_path_end(s);
    if (end == s.n || (end + 1 < s.n && s.p[end + 1] != ' '))
        return false;
    out->address = without_route(str_slice(s, 0, end));
    out->parameters = str_trim(str_slice(s, end + 1, s.n));
    return true;
}

static bool is_local_part(struct str s)
{
    if (s.n == 0 || s.n > LOCAL_MAX)
        return false;
    if (s.p[0] == '"')
        return s.n > 2 && s.p[s.n - 1] == '"';
    for (size_t i = 0; i < s.n; i++)
        if (strchr(" \"(),:;<>@[\\]", s.p[i]))
            return false;
    return s.p[0] != '.' && s.p[s.n - 1] != '.';
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static bool is_domain(struct str s)
{
    if (s.n == 0)
        return false;
    if (s.p[0] == '[')
        return s.n > 2 && str_find_char(s, ']', 0) == s.n - 1 && str_find_char(s, ' ', 0) == s.n;
    for (size_t i = 0; i < s.n; i++)
        if (!is_name_char(s.p[i]) || (s.p[i] == '.' && (i == 0 || s.p[i - 1] == '.')))
            return false;
    return true;
}

bool command_is_mailbox(struct str a)
{
    size_t at = a.n;

    if (a.n > MAILBOX_MAX || !str_is_ascii(a) || str_has_control(a))
        return false;
    if (str_is_nocase(a, "postmaster"))
        return true;
    while (at > 0 && a.p[at - 1] != '@')
        at--;
    return at > 0 && is_local_part(str_slice(a, 0, at - 1)) && is_domain(str_slice(a, at, a.n));
}

bool command_parameter(struct str *rest, struct str *key, struct str *value)
{
    struct str word = {0};

    do {
        if (!str_next(rest, ' ', &word))
            return false;
    } while (word.n == 0);
    size_t equals = str_find_char(word, '=', 0);
    *key = str_slice(word, 0, equals);
    *value = str_slice(word, equals + 1, word.n);
    return true;
}
