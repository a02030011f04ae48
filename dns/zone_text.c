#include "dns/zone_text.h"

#include "base/err.h"

#include <stdlib.h>

struct zone_text zone_text_of(struct str text)
{
    struct str mark = STR("\xef\xbb\xbf"); /* some editors put it before UTF-8 */
    return (struct zone_text){.text = text, .at = str_starts(text, mark) ? mark.n : 0, .line = 1};
}

void zone_text_close(struct zone_text *t)
{
    free(t->tokens);
    *t = (struct zone_text){.fault = "closed"};
}

static void add_token(struct zone_text *t, size_t from, size_t to, bool quoted)
{
    if (t->n == t->cap) {
        t->cap = t->cap > 0 ? t->cap * 2 : 16;
        t->tokens = reallocarray(t->tokens, t->cap, sizeof *t->tokens);
        if (!t->tokens)
            err_out_of_memory();
    }
    t->tokens[t->n++] = (struct zone_token){str_slice(t->text, from, to), quoted};
}

static bool is_one_of(char c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

/* Where a token that begins at `at` ends: before the first byte of `stops` that no backslash protects. */
static size_t end_of_token(const struct zone_text *t, size_t at, const char *stops)
{
    while (at < t->text.n && !is_one_of(t->text.p[at], stops)) {
        bool escaped = t->text.p[at] == '\\' && at + 1 < t->text.n && t->text.p[at + 1] != '\n';
        at += escaped ? 2 : 1;
    }
    return at;
}

static bool take_quoted(struct zone_text *t)
{
    size_t from = t->at + 1, end = end_of_token(t, from, "\"\n");
    if (end >= t->text.n || t->text.p[end] != '"') {
        t->fault = "a quoted string does not end on its line";
        return false;
    }
    add_token(t, from, end, true);
    t->at = end + 1;
    return true;
}

static bool take_parenthesis(struct zone_text *t)
{
    bool opens = t->text.p[t->at++] == '(';
    if (opens == t->open)
        t->fault = opens ? "a parenthesis within parentheses" : "a closing parenthesis too many";
    t->open = opens;
    return !t->fault;
}

/* One token, blank or mark. False: the entry is over, or there is a fault. */
static bool take(struct zone_text *t)
{
    char c = t->text.p[t->at];
    if (c == '"')
        return take_quoted(t);
    if (c == '(' || c == ')')
        return take_parenthesis(t);
    if (c == '\n') {
        t->at++;
        t->line += t->open;
        return t->open;
    }
    if (is_one_of(c, " \t\r\f\v")) {
        t->at++;
    } else if (c == ';') {
        size_t end = str_find_char(t->text, '\n', t->at);
        t->at = end;
    } else {
        size_t end = end_of_token(t, t->at, " \t\r\f\v\n\"();");
        add_token(t, t->at, end, false);
        t->at = end;
    }
    return true;
}

bool zone_text_next(struct zone_text *t)
{
    while (!t->fault && t->at < t->text.n) {
        /* The line break of the entry before is counted here, so that `line` is that entry's till now. */
        if (t->at > 0 && t->text.p[t->at - 1] == '\n')
            t->line++;
        t->n = 0;
        t->begins_blank = is_one_of(t->text.p[t->at], " \t");
        while (t->at < t->text.n && take(t))
            ;
        if (!t->fault && t->open)
            t->fault = "a parenthesis is not closed";
        if (!t->fault && t->n > 0)
            return true;
    }
    return false;
}
