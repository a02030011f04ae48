#include "mailer/deliver/talk.h"

void talk_begin(struct talk *t, bool must_authenticate)
{
    *t = (struct talk){.must_authenticate = must_authenticate, .phase = AT_CONNECT, .trouble = ""};
}

struct str talk_text(const struct talk *t)
{
    return str_trim(str_bytes(t->text, t->text_n));
}

static bool refuse(struct talk *t, const char *trouble)
{
    t->trouble = trouble;
    t->finished = true;
    return false;
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

/* A whole line has arrived. */
static void line_ends(struct talk *t)
{
    bool more = false;
    int code = reply_code(t, &more);

    t->line_n = 0;
    t->in_reply = more;
    if (more)
        keep_char(t, ' ');
    else
        t->code = code;
    if (!more && t->phase == AT_AUTH && code == 235)
        t->authenticated = true;
}

/* The text behind "250-" is kept as it comes, the code itself is not. */
static void hear_char(struct talk *t, char c)
{
    if (c == '\n') {
        line_ends(t);
        return;
    }
    if (t->line_n == 0 && !t->in_reply)
        t->text_n = 0; /* a new reply begins */
    if (t->line_n >= 4 && c != '\r')
        keep_char(t, c);
    if (t->line_n < sizeof t->line)
        t->line[t->line_n++] = c;
}

bool talk_hears(struct talk *t, struct str bytes)
{
    if (t->finished)
        return true;
    t->read_n += bytes.n;
    if (t->read_n > TALK_READ_MAX)
        return refuse(t, "the server's replies do not end");
    for (size_t i = 0; i < bytes.n; i++) {
        hear_char(t, bytes.p[i]);
        bool over = bytes.p[i] == '\n' && !t->in_reply;
        if (over && t->phase == AT_STARTTLS && t->code == 220 && i + 1 < bytes.n)
            return refuse(t, "bytes came behind the reply to STARTTLS, before TLS began");
    }
    return true;
}

static void enter(struct talk *t, enum smtp_phase phase)
{
    t->phase = phase;
    t->code = 0;
    t->text_n = 0;
}

bool talk_says(struct talk *t, struct str bytes)
{
    if (t->finished)
        return true;
    if (str_starts(bytes, STR("MAIL FROM:"))) {
        if (t->must_authenticate && !t->authenticated) {
            if (t->phase == AT_AUTH)
                return refuse(t, "the server refused our credentials");
            enter(t, AT_AUTH);
            return refuse(t, "the server offers no AUTH that we could use");
        }
        enter(t, AT_MAIL);
        t->finished = true;
    } else if (str_starts(bytes, STR("EHLO ")) || str_starts(bytes, STR("HELO "))) {
        enter(t, AT_EHLO);
    } else if (str_starts(bytes, STR("STARTTLS\r\n"))) {
        enter(t, AT_STARTTLS);
    } else if (str_starts(bytes, STR("AUTH "))) {
        enter(t, AT_AUTH);
    } else if (str_starts(bytes, STR("QUIT\r\n"))) {
        t->finished = true;
    }
    return true;
}
