#include "base/conf_scan.h"

#include <stdlib.h>

#define NESTING_MAX 16
#define UNSET_MAX 100 /* faults of variables that are kept */
#define BLANKS " \t\n\r"
#define WORD_ENDS " #\"'\t\n\r={}()+,*"

/* What stands before what is read now, blanks and comments aside. */
enum before { NOTHING, NAME, EQUALS, VALUE };

struct scan {
    struct str text;
    struct buf *out;
    struct arena *arena;
    struct conf_scan_fault *first, *last;
    size_t unset_n;
    size_t at;
    int line;
    int open[NESTING_MAX]; /* lines of the braces that are open */
    size_t open_n;
    enum before before;
    struct str name; /* of a setting, or what may become one */
    struct str value;
    int name_line, value_line;
    struct conf_scan_doubt *doubts;
    struct conf_scan_rest *rests;
    const char *rest_at; /* the word of the first of them */
};

/* Nothing else in the file can be trusted then. */
static bool refuse(struct scan *s, int line, const char *detail)
{
    s->first = s->last = ARENA_NEW(s->arena, struct conf_scan_fault);
    *s->first = (struct conf_scan_fault){line, "syntax", detail, NULL};
    return false;
}

static bool is_at(const struct scan *s, const char *what)
{
    return str_starts(str_slice(s->text, s->at, s->text.n), str_of(what));
}

/* Copies the bytes up to `end`; blanks leave only the line breaks of them. */
static void pass(struct scan *s, size_t end, bool blank)
{
    for (; s->at < end && s->at < s->text.n; s->at++) {
        char c = s->text.p[s->at];
        s->line += c == '\n';
        buf_add_char(s->out, blank && c != '\n' ? ' ' : c);
    }
}

static bool pass_comment(struct scan *s)
{
    if (!is_at(s, "/*")) {
        pass(s, str_find_char(s->text, '\n', s->at), true);
        return true;
    }
    size_t end = str_find(s->text, STR("*/"), s->at + 2);
    if (end == s->text.n)
        return refuse(s, s->line, "the comment that begins here is not closed with */");
    pass(s, end + 2, true);
    return true;
}

/* `inside` as libconfuse cuts it: the first colon counts, and only before a minus. */
static void check_set(struct scan *s, struct str inside)
{
    size_t colon = str_find_char(inside, ':', 0);
    if (str_starts(str_slice(inside, colon, inside.n), STR(":-")) ||
        getenv(arena_text(s->arena, inside)) || ++s->unset_n > UNSET_MAX)
        return;
    struct conf_scan_fault *f = ARENA_NEW(s->arena, struct conf_scan_fault);
    f->line = s->line;
    f->code = "missing";
    f->detail = arena_printf(s->arena,
        "${" STR_FMT "} is not in the environment; ${NAME:-text} would give a text for that case",
        STR_ARG(str_slice(inside, 0, 60)));
    *(s->last ? &s->last->next : &s->first) = f;
    s->last = f;
}

/* ${NAME} is taken from the environment, also within double quotes; its braces are no section's. */
static bool pass_variable(struct scan *s)
{
    size_t end = str_find_char(s->text, '}', s->at);

    if (end == s->text.n)
        return refuse(s, s->line, "the ${ that begins here is not closed with }");
    check_set(s, str_slice(s->text, s->at + 2, end));
    pass(s, end + 1, false);
    return true;
}

static bool pass_string(struct scan *s, char quote)
{
    int begin = s->line;

    pass(s, s->at + 1, false);
    while (s->at < s->text.n && s->text.p[s->at] != quote) {
        if (quote == '"' && is_at(s, "${")) {
            if (!pass_variable(s))
                return false;
        } else {
            pass(s, s->at + (s->text.p[s->at] == '\\' ? 2 : 1), false);
        }
    }
    if (s->at >= s->text.n)
        return refuse(s, begin, "the string that begins here is not closed");
    pass(s, s->at + 1, false);
    return true;
}

static const char *word_of(struct scan *s, struct str word)
{
    return arena_text(s->arena, str_slice(word, 0, 60));
}

static bool refuse_no_value(struct scan *s)
{
    return refuse(
        s, s->name_line, arena_printf(s->arena, "%s: " CONF_NO_VALUE, word_of(s, s->name)));
}

static void note_doubt(struct scan *s, int line, struct str word)
{
    struct conf_scan_doubt *d = ARENA_NEW(s->arena, struct conf_scan_doubt);
    *d = (struct conf_scan_doubt){line, word_of(s, s->name), word_of(s, word), s->doubts};
    s->doubts = d;
}

/* Something in the line of a value that stands below its name: where the value is a section's name, this is its title. */
static void note_title(struct scan *s)
{
    if (s->before == VALUE && s->value_line > s->name_line && s->line == s->value_line)
        note_doubt(s, s->name_line, s->value);
}

static void note_rest(struct scan *s, struct str word)
{
    if (s->before != VALUE || s->line != s->value_line)
        return;
    struct conf_scan_rest *r = ARENA_NEW(s->arena, struct conf_scan_rest);
    *r = (struct conf_scan_rest){s->line, word_of(s, s->name), word_of(s, word), s->rests};
    s->rests = r;
    s->rest_at = word.p;
}

/* A word with an = behind it is a setting's name, wherever it stands. */
static void drop_rest(struct scan *s)
{
    if (s->before == NAME && s->rests && s->rest_at == s->name.p)
        s->rests = s->rests->next;
}

/* A word, or one byte of another kind. Where the word behind an = stands on a later line and is followed by an =
 * itself, it is the next setting's name. */
static bool note(struct scan *s, struct str piece)
{
    char c = piece.p[0];

    if (strchr(BLANKS, c) || c == '+')
        return true;
    if (c == '=' && s->before == VALUE && s->value_line > s->name_line)
        return refuse_no_value(s);
    if (c == '=') {
        drop_rest(s);
        s->before = s->before == NAME ? EQUALS : NOTHING;
    } else if (strchr(WORD_ENDS, c)) {
        s->before = NOTHING;
    } else if (s->before == EQUALS) {
        s->before = VALUE;
        s->value = piece;
        s->value_line = s->line;
    } else {
        note_title(s);
        note_rest(s, piece);
        s->before = NAME;
        s->name = piece;
        s->name_line = s->line;
    }
    return true;
}

static bool pass_brace(struct scan *s, char c)
{
    if (c == '{' && s->before == EQUALS)
        note_doubt(s, s->line, STR(""));
    else if (c == '{')
        note_title(s);
    else if (s->before == EQUALS)
        return refuse_no_value(s);
    s->before = NOTHING;
    if (c == '{') {
        if (s->open_n == NESTING_MAX)
            return refuse(s, s->line, "sections are nested too deeply");
        s->open[s->open_n++] = s->line;
    } else {
        if (s->open_n == 0)
            return refuse(s, s->line, "this } closes nothing");
        s->open_n--;
    }
    pass(s, s->at + 1, false);
    return true;
}

/* A // is a comment at the start of a word only: https://shop.example needs no quotes. */
static bool pass_one(struct scan *s)
{
    char c = s->text.p[s->at];

    if (c == '#' || is_at(s, "//") || is_at(s, "/*"))
        return pass_comment(s);
    if (c == '{' || c == '}')
        return pass_brace(s, c);
    if (c == '"' || c == '\'' || is_at(s, "${")) {
        note_title(s);
        s->before = NOTHING;
        return c == '$' ? pass_variable(s) : pass_string(s, c);
    }
    size_t end = s->at + 1;
    while (end < s->text.n && !strchr(WORD_ENDS, s->text.p[end]) && !strchr(WORD_ENDS, c))
        end++;
    if (!note(s, str_slice(s->text, s->at, end)))
        return false;
    pass(s, end, false);
    return true;
}

static bool refuse_nul(struct scan *s)
{
    size_t end = str_find_char(s->text, 0, 0);

    if (end == s->text.n)
        return true;
    for (size_t i = 0; i < end; i++)
        s->line += s->text.p[i] == '\n';
    return refuse(s, s->line, "there is a NUL byte in this line");
}

static bool pass_all(struct scan *s)
{
    if (!refuse_nul(s))
        return false;
    while (s->at < s->text.n)
        if (!pass_one(s))
            return false;
    if (s->open_n > 0)
        return refuse(s, s->open[s->open_n - 1], "the { in this line is not closed with }");
    return s->before != EQUALS || refuse_no_value(s);
}

void conf_scan(struct str text, struct arena *a, struct buf *out, struct conf_scan_found *found)
{
    struct scan s = {.text = text, .out = out, .arena = a, .line = 1};

    pass_all(&s);
    *found = (struct conf_scan_found){s.first, s.doubts, s.rests};
}
