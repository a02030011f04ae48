#include "mailer/deliver/talk.h"

void talk_begin(struct talk *t, bool must_authenticate)
{
    *t = (struct talk){.must_authenticate = must_authenticate,
        .phase = AT_CONNECT,
        .trouble = "",
        .owed = 1}; /* the greeting */
}

struct str talk_text(const struct talk *t)
{
    return str_trim(str_bytes(t->text, t->text_n));
}

static bool refuse(struct talk *t, const char *trouble)
{
    t->trouble = trouble;
    return false;
}

static bool lose_step(struct talk *t)
{
    t->out_of_step = true;
    return refuse(t, "the server answered before it was asked");
}

static void keep_char(struct talk *t, char c)
{
    if (t->text_n < sizeof t->text)
        t->text[t->text_n++] = c;
}

/* "250-words" or "250 words": the code, and whether more lines follow; 0 = no reply line. */
static int reply_code(const struct talk *t, bool *more)
{
    uint64_t code;

    if (t->line_n < 3 || !str_to_u64(str_bytes(t->line, 3), &code))
        return 0;
    *more = t->line_n > 3 && t->line[3] == '-';
    return (int)code;
}

/* The first line of an EHLO reply is a greeting, the others are keywords. */
static bool offers_pipelining(const struct talk *t, bool is_first)
{
    return t->phase == AT_EHLO && !is_first && !t->one_by_one && t->line_n > 4 &&
           t->line_n < sizeof t->line &&
           str_is_nocase(str_trim(str_bytes(t->line + 4, t->line_n - 4)), "PIPELINING");
}

/* What the opening keeps of a whole line. */
static void note_line(struct talk *t, int code, bool more, bool is_first)
{
    if (offers_pipelining(t, is_first))
        t->pipelining = true;
    if (more)
        keep_char(t, ' ');
    else
        t->code = code;
    if (!more && t->phase == AT_AUTH && code == 235)
        t->authenticated = true;
}

/* A whole line has arrived. */
static bool line_ends(struct talk *t)
{
    bool more = false;
    int code = reply_code(t, &more);

    if (!t->opened)
        note_line(t, code, more, !t->in_reply);
    t->line_n = 0;
    t->in_reply = more;
    return more || !t->unasked || code == 421 || lose_step(t);
}

static void reply_begins(struct talk *t)
{
    t->unasked = t->owed == 0;
    if (!t->unasked)
        t->owed--;
    if (t->body_ended && !t->unasked)
        t->body_answered = true;
    if (!t->opened)
        t->text_n = 0;
}

/* The library refuses a reply line of a code alone, which RFC 5321 s4.2 allows: a blank instead of CR makes it two
 * that it takes. */
static bool is_bare(const struct talk *t, char c)
{
    uint64_t code;

    return c == '\r' && t->line_n == 3 && str_to_u64(str_bytes(t->line, 3), &code);
}

/* Without CHUNKING the library uses DATA, whose replies come one by one and through the monitor. */
static bool ends_struck_word(const struct talk *t, char c)
{
    if (t->phase != AT_EHLO || t->opened || (c != 'G' && c != 'g') || t->line_n <= 4 ||
        t->line_n >= sizeof t->line)
        return false;
    struct str word = str_trim(str_bytes(t->line + 4, t->line_n - 4));
    return str_is_nocase(word, "CHUNKIN") || (t->one_by_one && str_is_nocase(word, "PIPELININ"));
}

static bool hear_char(struct talk *t, char *c)
{
    if (t->line_n == 0 && !t->in_reply)
        reply_begins(t);
    if (*c == '\n')
        return line_ends(t);
    if (is_bare(t, *c))
        *c = ' ';
    else if (ends_struck_word(t, *c))
        *c = '-';
    if (t->line_n >= 4 && *c != '\r' && !t->opened)
        keep_char(t, *c); /* the text behind "250-", without the code */
    if (t->line_n < sizeof t->line)
        t->line[t->line_n] = *c;
    if (++t->line_n == TALK_LINE_MAX)
        t->was_cut = true;
    return true;
}

bool talk_hears(struct talk *t, char *bytes, size_t n)
{
    if (*t->trouble)
        return true;
    t->read_n += n;
    if (t->read_n > TALK_READ_MAX)
        return refuse(t, "the server's replies do not end");
    for (size_t i = 0; i < n; i++) {
        if (!hear_char(t, &bytes[i]))
            return false;
        bool over = bytes[i] == '\n' && !t->in_reply;
        if (over && !t->opened && t->phase == AT_STARTTLS && t->code == 220 && i + 1 < n)
            return refuse(t, "bytes came behind the reply to STARTTLS, before TLS began");
    }
    return true;
}

static void enter(struct talk *t, enum smtp_phase phase)
{
    t->phase = phase;
    t->code = 0;
    t->text_n = 0;
    if (phase == AT_EHLO)
        t->pipelining = false;
}

/* Each line asks for a reply, a line of an AUTH dialogue too. */
static void count_lines(struct talk *t, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        t->owed += bytes.p[i] == '\n';
}

static bool open_transaction(struct talk *t)
{
    if (t->must_authenticate && !t->authenticated) {
        if (t->phase == AT_AUTH)
            return refuse(t, "the server refused our credentials");
        enter(t, AT_AUTH);
        return refuse(t, "the server offers no AUTH that we could use");
    }
    enter(t, AT_MAIL);
    t->opened = true;
    return true;
}

bool talk_says(struct talk *t, struct str bytes)
{
    if (*t->trouble)
        return true;
    count_lines(t, bytes);
    t->body_ended = t->body_answered = false;
    if (t->opened)
        t->read_n = 0;
    else if (str_starts(bytes, STR("MAIL FROM:")))
        return open_transaction(t);
    else if (str_starts(bytes, STR("EHLO ")) || str_starts(bytes, STR("HELO ")))
        enter(t, AT_EHLO);
    else if (str_starts(bytes, STR("STARTTLS\r\n")))
        enter(t, AT_STARTTLS);
    else if (str_starts(bytes, STR("AUTH ")))
        enter(t, AT_AUTH);
    else if (str_starts(bytes, STR("QUIT\r\n")))
        t->opened = true;
    return true;
}

bool talk_body_ends(struct talk *t, bool came_early)
{
    if (*t->trouble)
        return true;
    if (came_early ||
        t->unasked) /* a 421 as well: the library would take it for the dot's answer */
        return lose_step(t);
    t->owed++;
    t->body_ended = true;
    return true;
}
