#include "mailer/smtpd/body.h"

#define KEEP_MEMORY ((size_t)64 << 10) /* a larger buffer is given back after its message */

static void forget(struct body *b)
{
    if (b->room)
        b->room->held -= b->held;
    b->held = 0;
    buf_close(&b->text);
}

void body_end(struct body *b)
{
    if (b->text.cap > KEEP_MEMORY) {
        forget(b);
        return;
    }
    if (b->room)
        b->room->held -= b->held;
    b->held = 0;
    buf_clear(&b->text);
}

void body_begin(struct body *b, bool keep, size_t limit, struct body_room *room)
{
    body_end(b);
    b->room = room;
    b->crowded = false;
    b->at = BODY_LINE_START;
    b->keep = keep;
    b->limit = limit;
    b->bytes = 0;
}

bool body_is_too_large(const struct body *b)
{
    return b->bytes > b->limit;
}

bool body_is_crowded(const struct body *b)
{
    return b->crowded;
}

void body_close(struct body *b)
{
    forget(b);
}

static bool has_room(struct body *b, size_t n)
{
    if (b->crowded || (b->room && b->room->held + n > b->room->most))
        return false;
    b->held += n;
    if (b->room)
        b->room->held += n;
    return true;
}

static void take(struct body *b, struct str data)
{
    b->bytes += data.n;
    if (body_is_too_large(b)) {
        forget(b);
    } else if (b->keep && has_room(b, data.n)) {
        buf_add(&b->text, data);
    } else if (b->keep) {
        b->crowded = true;
        forget(b);
    }
}

static void take_char(struct body *b, char c)
{
    take(b, (struct str){&c, 1});
    b->at = c == '\r' ? BODY_CR : BODY_IN_LINE;
}

/* One byte at a line's edge; the lines themselves go through pass_lines. */
static void step(struct body *b, char c, bool *ended)
{
    if (b->at == BODY_LINE_START && c == '.') {
        b->at = BODY_DOT;
    } else if (b->at == BODY_CR && c == '\n') {
        take(b, STR("\n"));
        b->at = BODY_LINE_START;
    } else if (b->at == BODY_DOT && c == '\r') {
        b->at = BODY_DOT_CR;
    } else if (b->at == BODY_DOT_CR && c == '\n') {
        *ended = true;
    } else {
        if (b->at == BODY_DOT_CR)
            take(b, STR("\r"));
        take_char(b, c);
    }
}

/* Index of the dot of the next CRLF "." whose CRLF is not before `from`; in.n when there is
 * none. */
static size_t find_dot_line(struct str in, size_t from)
{
    for (size_t at = from + 2; at < in.n; at++) {
        const char *dot = memchr(in.p + at, '.', in.n - at);
        if (!dot)
            break;
        if (dot[-1] == '\n' && dot[-2] == '\r')
            return (size_t)(dot - in.p);
        at = (size_t)(dot - in.p);
    }
    return in.n;
}

static enum body_at edge_of(struct str passed)
{
    if (str_ends(passed, STR("\r\n")))
        return BODY_LINE_START;
    return str_ends(passed, STR("\r")) ? BODY_CR : BODY_IN_LINE;
}

static size_t pass_lines(struct body *b, struct str in, size_t from)
{
    size_t to = find_dot_line(in, from);
    struct str passed = str_slice(in, from, to);

    take(b, passed);
    b->at = edge_of(passed);
    return to;
}

size_t body_feed(struct body *b, struct str in, bool *ended)
{
    size_t at = 0;

    *ended = false;
    while (at < in.n && !*ended) {
        if (b->at == BODY_IN_LINE)
            at = pass_lines(b, in, at);
        else
            step(b, in.p[at++], ended);
    }
    return at;
}
