#include "mailer/cli/paper.h"

#include "templates/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool paper_is_terminal(int fd)
{
    const char *terminal = getenv("TERM");
    return isatty(fd) && !(terminal && strcmp(terminal, "dumb") == 0);
}

bool paper_takes_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *value = NULL;
    for (size_t i = 0; i < COUNT_OF(names) && !(value && *value); i++)
        value = getenv(names[i]);
    return value && (strcasestr(value, "UTF-8") || strcasestr(value, "UTF8"));
}

static bool colours(void)
{
    const char *no = getenv("NO_COLOR");
    return paper_is_terminal(STDOUT_FILENO) && !(no && *no);
}

const char *paper_colour(enum audit_severity s)
{
    static const char *const codes[] = {
        [AUDIT_ERROR] = "\033[31m", [AUDIT_WARNING] = "\033[33m", [AUDIT_NOTE] = "\033[36m"};
    return colours() ? codes[s] : "";
}

const char *paper_plain(void)
{
    return colours() ? "\033[0m" : "";
}

/* ---- text that a stranger may have written --------------------------------------------------- */

static uint32_t code_point(const char *p, size_t n)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (unsigned char)p[0] & masks[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)p[i] & 0x3f);
    return c;
}

/* Controls move the cursor or change the terminal's state; bidirectional ones reorder what is read. */
static bool is_harmless(uint32_t c)
{
    bool is_control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    bool reorders = c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
                    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
    return !is_control && !reorders;
}

/* The character at the head of *rest, as it is shown; false at the end. */
static bool next_shown(struct str *rest, struct str *bytes, uint32_t *c)
{
    if (rest->n == 0)
        return false;
    size_t n = str_utf8_length(*rest);
    *c = n > 0 ? code_point(rest->p, n) : 0;
    *bytes = str_slice(*rest, 0, n);
    if (n == 0 || !is_harmless(*c)) {
        *bytes = STR("?");
        *c = '?';
    }
    *rest = str_slice(*rest, n > 0 ? n : 1, rest->n);
    return true;
}

int paper_width(struct str text)
{
    struct str bytes;
    uint32_t c;
    int columns = 0;
    while (next_shown(&text, &bytes, &c))
        columns += format_columns(c);
    return columns;
}

int paper_put(struct str text)
{
    struct str bytes;
    uint32_t c;
    int columns = 0;
    while (next_shown(&text, &bytes, &c)) {
        fwrite(bytes.p, 1, bytes.n, stdout);
        columns += format_columns(c);
    }
    return columns;
}

void paper_padded(const char *text, int columns)
{
    int used = paper_put(str_of(text));
    printf("%*s", used < columns ? columns - used : 0, "");
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool is_one_of(uint32_t c, const uint32_t *set, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (set[i] == c)
            return true;
    return false;
}

/* Between wide characters a line may end anywhere, but no line begins with what closes, and none ends
 * with what opens (JIS X 4051, GB/T 15834). */
static bool may_break(uint32_t before, uint32_t after)
{
    static const uint32_t closing[] = {U'。', U'，', U'、', U'；', U'：', U'？', U'！', U'）',
        U'」', U'】', U'》', ',', '.', ';', ':', '?', '!', ')', ']', '"', '`'};
    static const uint32_t opening[] = {U'（', U'「', U'【', U'《', '(', '[', '"', '`'};
    return (format_columns(before) == 2 || format_columns(after) == 2) &&
           !is_one_of(after, closing, COUNT_OF(closing)) &&
           !is_one_of(before, opening, COUNT_OF(opening));
}

/* What cannot be broken at the head of *word. */
static struct str next_piece(struct str *word)
{
    struct str rest = *word, bytes, whole = *word;
    uint32_t before, after;
    if (!next_shown(&rest, &bytes, &before))
        return STR("");
    for (;;) {
        size_t end = whole.n - rest.n;
        if (!next_shown(&rest, &bytes, &after) || may_break(before, after)) {
            *word = str_slice(whole, end, whole.n);
            return str_slice(whole, 0, end);
        }
        before = after;
    }
}

void paper_wrapped(struct str text, int indent)
{
    int column = 0;
    struct str word;
    while (str_next(&text, ' ', &word)) {
        int blanks = 1;
        do {
            struct str piece = next_piece(&word);
            if (column > 0 && column + blanks + paper_width(piece) > PAPER_COLUMNS - 1) {
                putchar('\n');
                column = 0;
            }
            column += printf("%*s", column == 0 ? indent : blanks, "");
            column += paper_put(piece);
            blanks = 0;
        } while (word.n > 0);
    }
    putchar('\n');
}

void paper_cut(const char *text, size_t room)
{
    struct str rest = str_of(text), bytes;
    bool fits = paper_width(rest) <= (int)room;
    size_t used = 0;
    uint32_t c;
    while (next_shown(&rest, &bytes, &c)) {
        used += (size_t)format_columns(c);
        if (!fits && used > room - 3)
            break;
        fwrite(bytes.p, 1, bytes.n, stdout);
    }
    puts(fits ? "" : "...");
}

void paper_record(const struct audit_record *r, int indent)
{
    AUTO(buf_close) struct buf text = {0};
    struct str rest, line;
    audit_record_line(r, indent > 0 ? PAPER_COLUMNS - (size_t)indent : 0, &text);
    rest = buf_str(&text);
    while (str_next(&rest, '\n', &line)) {
        printf("%*s", indent, "");
        paper_put(line);
        putchar('\n');
    }
}
