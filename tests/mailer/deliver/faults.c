#include "tests/mailer/deliver/faults.h"

#define FLOOD_BYTES ((size_t)4 << 20)
#define FLOOD_BLOCK 8192
#define FLOOD_LINE 64
#define DRIPPED 30 /* bytes before nobody waits for the end any more */

const char *const stage_names[STAGES] = {"banner", "ehlo", "starttls", "handshake", "ehlo again",
    "auth", "mail", "rcpt", "data", "body", "dot", "quit"};
const char *const deed_names[DEEDS] = {
    "stalls", "drips", "resets", "closes", "babbles", "floods", "dribbles", "parts", "hurries"};

static void tell(const struct misdeed *f)
{
    if (f->waits)
        f->waits(f->context);
}

/* In a handshake: a record of 16 KB. */
static void drip(struct line *c, const struct misdeed *f, const char *reply)
{
    char bytes[] = "250-more\r\n";

    memcpy(bytes, reply, 3);
    if (f->stage == HANDSHAKE)
        say_bytes(c, "\x16\x03\x03\x40\x00\x02", 6);
    for (size_t i = 0; i < DRIPPED; i++) {
        say_bytes(c, &bytes[i % (sizeof bytes - 1)], 1);
        stall_for(c, 1);
    }
    tell(f);
    stall(c);
}

static void babble(struct line *c)
{
    static const char bytes[] = "\0\xff\xfe?! 99 bottles\r\n\r\n\x80\r\n";
    char line[256];

    say_bytes(c, bytes, sizeof bytes - 1);
    while (hear_line(c, line, sizeof line))
        continue;
}

/* The code and its text in many lines, then the last one. */
static void flood(struct line *c, const char *reply)
{
    char block[FLOOD_BLOCK];

    memset(block, 'x', sizeof block);
    for (size_t at = 0; at < sizeof block; at += FLOOD_LINE) {
        memcpy(block + at, reply, 3);
        block[at + 3] = '-';
        memcpy(block + at + FLOOD_LINE - 2, "\r\n", 2);
    }
    for (size_t sent = 0; sent < FLOOD_BYTES; sent += sizeof block)
        say_bytes(c, block, sizeof block);
    say(c, reply);
}

static void dribble(struct line *c, const char *reply)
{
    for (; *reply; reply++)
        say_bytes(c, reply, 1);
}

static void say_both(struct line *c, const char *reply, const char *more)
{
    AUTO(buf_close) struct buf both = {0};

    buf_addf(&both, "%s%s", reply, more);
    say_bytes(c, both.p, both.n);
}

/* False: nothing comes behind it. */
static bool misbehave(struct line *c, const struct misdeed *f, const char *reply)
{
    switch (f->deed) {
    case STALLS:
        tell(f);
        stall(c);
        return false;
    case DRIPS:
        drip(c, f, reply);
        return false;
    case RESETS:
        reset(c);
        return false;
    case BABBLES:
        babble(c);
        return false;
    case FLOODS:
        flood(c, reply);
        return true;
    case DRIBBLES:
        dribble(c, reply);
        return true;
    case PARTS:
        say_both(c, f->stage == BODY ? "" : reply, "421 4.3.2 closing soon\r\n");
        return true;
    case HURRIES:
        say_both(c, reply, "250 2.0.0 taken\r\n");
        return true;
    default:
        return false;
    }
}

static bool is_due(const struct line *c, const struct misdeed *f, enum stage at)
{
    return f->stage == at && line_number(c) < f->times;
}

static bool reply(struct line *c, const struct misdeed *f, enum stage at, const char *text)
{
    if (is_due(c, f, at))
        return misbehave(c, f, text);
    say(c, text);
    return true;
}

static bool start_tls(struct line *c, const struct misdeed *f)
{
    if (!hear(c, "STARTTLS") || !reply(c, f, STARTTLS, "220 go\r\n"))
        return false;
    if (is_due(c, f, HANDSHAKE))
        return hear_bytes(c) && misbehave(c, f, "220 what\r\n") && hear_bytes(c) && false;
    const char *again = f->auth ? "250-mx.test\r\n250-AUTH PLAIN\r\n250 PIPELINING\r\n"
                                : "250-mx.test\r\n250 PIPELINING\r\n";
    return take_tls(c) && hear(c, "EHLO ") && reply(c, f, EHLO_AGAIN, again);
}

static bool open_conversation(struct line *c, const struct misdeed *f)
{
    const char *first = f->tls ? "250-mx.test\r\n250-STARTTLS\r\n250 PIPELINING\r\n"
                               : "250-mx.test\r\n250 PIPELINING\r\n";

    return reply(c, f, BANNER, "220 mx.test\r\n") && hear(c, "EHLO ") && reply(c, f, EHLO, first) &&
           (!f->tls || start_tls(c, f)) &&
           (!f->auth || (hear(c, "AUTH ") && reply(c, f, AUTH, "235 welcome\r\n")));
}

static bool take_body(struct line *c, const struct misdeed *f)
{
    char line[256];

    if (!is_due(c, f, BODY))
        return hear_body(c);
    return hear_line(c, line, sizeof line) && misbehave(c, f, "250 already\r\n") && hear_body(c);
}

void play_fault(struct line *c, void *context)
{
    const struct misdeed *f = context;
    char line[1024];

    if (!open_conversation(c, f))
        return;
    while (hear_line(c, line, sizeof line) && str_starts(str_of(line), STR("MAIL FROM:"))) {
        if (!reply(c, f, MAIL, "250 ok\r\n") || !hear(c, "RCPT TO:") ||
            !reply(c, f, RCPT, "250 ok\r\n") || !hear(c, "DATA") ||
            !reply(c, f, DATA, "354 go\r\n") || !take_body(c, f) ||
            !reply(c, f, DOT, "250 taken\r\n"))
            return;
    }
    if (str_starts(str_of(line), STR("QUIT")))
        reply(c, f, QUIT, "221 bye\r\n");
}
