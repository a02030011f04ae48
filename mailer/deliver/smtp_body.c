/* libesmtp takes a mail byte by byte, asks about each line and header, and copies all of it twice: some 70 us of a mail of
 * 20 KB. So it gets a stub, and what it says of that the seam replaces by the mail itself, dots stuffed, then the dot. */
#include "mailer/deliver/smtp_inside.h"

/* It would add what is missing. What it may say between 354 and the dot's answer is this and nothing else. */
#define STUB "Date: -\r\nFrom: -\r\nMessage-Id: -\r\n\r\n"

/* The final dot is not out yet: what the server has said by now cannot be its answer. */
static void end_body(struct source *from)
{
    struct session *s = from->session;
    bool came_early = dial_has_input(s->call->dial) || (s->ssl && SSL_pending(s->ssl) > 0);

    from->ended = talk_body_ends(&s->talk, came_early);
    if (!from->ended)
        smtp_end_now(s, s->talk.trouble);
}

/* Where the next line after `from` begins with a dot: dots are rarer than lines. The header's first line has none. */
static size_t find_dotted_line(struct str mail, size_t from)
{
    size_t at = str_find_char(mail, '.', from);

    while (at < mail.n && !str_ends(str_slice(mail, 0, at), STR("\r\n")))
        at = str_find_char(mail, '.', at + 1);
    return at;
}

/* The rest up to the next such line. */
static struct str take_text(struct source *from)
{
    size_t begin = from->said, after_dot = begin + from->dot_is_doubled;

    from->said = find_dotted_line(from->bytes, after_dot);
    from->dot_is_doubled = false;
    return str_slice(from->bytes, begin, from->said);
}

/* For the seam: the next piece of what the server reads. */
static struct str speak(void *context)
{
    struct source *from = context;
    bool is_over = from->said == from->bytes.n;

    if (!is_over && (from->said == 0 || from->dot_is_doubled))
        return take_text(from);
    if (!is_over) {
        from->dot_is_doubled = true;
        return STR(".");
    }
    if (from->ended)
        return STR("");
    end_body(from);
    return str_ends(from->bytes, STR("\r\n")) ? STR(".\r\n") : STR("\r\n.\r\n");
}

/* A dot alone would be an empty mail, and a stub that nobody replaces a wrong one, so the connection ends. */
static bool begin_body(struct source *from)
{
    struct session *s = from->session;
    const struct smtp_feed *feed = s->call->feed;

    if (from->begun || smtp_ahead_unsaid(s).n > 0) {
        smtp_end_now(s, "the library did not say what the server has heard");
        return false;
    }
    from->begun = feed->body_starts(feed->context);
    if (from->begun)
        dial_say_instead(s->call->dial, STR(STUB ".\r\n"), speak, from);
    else
        smtp_end_now(s, "the mail was taken back");
    return from->begun;
}

const char *smtp_body_give(void **state, int *length, void *arg)
{
    struct source *from = arg;

    (void)state;
    if (!length) { /* rewind */
        from->given = false;
        return NULL;
    }
    *length = 0;
    if (from->given || from->bytes.n == 0 || *from->session->talk.trouble)
        return NULL;
    if (!begin_body(from))
        return NULL;
    from->given = true;
    *length = sizeof STUB - 1;
    return STUB;
}
