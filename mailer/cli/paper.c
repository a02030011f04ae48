#include "mailer/cli/paper.h"

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

int paper_put(struct str text)
{
    int columns = 0;
    for (size_t at = 0; at < text.n; columns++) {
        size_t n = str_utf8_length(str_slice(text, at, text.n));
        if (n > 0 && is_harmless(code_point(text.p + at, n)))
            fwrite(text.p + at, 1, n, stdout);
        else
            putchar('?');
        at += n > 0 ? n : 1;
    }
    return columns;
}

void paper_wrapped(struct str text, int indent)
{
    int column = 0;
    struct str word;
    while (str_next(&text, ' ', &word)) {
        if (column > 0 && column + 1 + (int)word.n > PAPER_COLUMNS - 1) {
            putchar('\n');
            column = 0;
        }
        column += printf("%*s", column == 0 ? indent : 1, "");
        column += paper_put(word);
    }
    putchar('\n');
}

void paper_cut(const char *text, size_t room)
{
    struct str s = str_of(text);
    paper_put(str_slice(s, 0, s.n <= room ? s.n : room - 3));
    puts(s.n <= room ? "" : "...");
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
